#include "tests/lib/operate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/client.h"

enum {
    TEXT_BYTES = 1 << 20,
};

/* Of the last call; one at a time. */
static struct {
    char text[TEXT_BYTES];
    char message[AS_ERROR_MESSAGE_MAX_SIZE];
    uint32_t generation;
    uint32_t ttl;
    unsigned calls;
} seen;

const char* test_operate_message(void)
{
    return seen.message;
}

uint32_t test_operate_generation(void)
{
    return seen.generation;
}

uint32_t test_operate_ttl(void)
{
    return seen.ttl;
}

static void render_record(const as_record* record)
{
    size_t used = 0;
    seen.generation = record->gen;
    seen.ttl = record->ttl;
    for (uint16_t i = 0; i < record->bins.size; i++) {
        const as_bin* bin = &record->bins.entries[i];
        char* value = as_val_tostring(bin->valuep);
        used += (size_t)snprintf(seen.text + used, TEXT_BYTES - used, "%s%s=%s", i > 0 ? " " : "",
                                 bin->name, value ? value : "");
        assert_true(used < TEXT_BYTES);
        free(value);
    }
}

static void render(const as_error* err, const as_record* record)
{
    seen.text[0] = '\0';
    snprintf(seen.message, sizeof(seen.message), "%s", err ? err->message : "");
    if (err) {
        snprintf(seen.text, TEXT_BYTES, "error %d%s", (int)err->code,
                 err->in_doubt ? " in doubt" : "");
    } else {
        render_record(record);
    }
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)udata;
    (void)loop;
    seen.calls++;
    render(err, record);
}

static bool was_called(void* udata)
{
    (void)udata;
    return seen.calls > 0;
}

static const char* result_of(as_status status, const as_error* err)
{
    if (status != AEROSPIKE_OK) {
        snprintf(seen.message, sizeof(seen.message), "%s", err->message);
        snprintf(seen.text, TEXT_BYTES, "refused %d", (int)status);
        assert_int_equal(status, err->code);
        return seen.text;
    }
    assert_int_equal(seen.calls, 0); /* never inside the call */
    assert_true(test_run_until(was_called, NULL, TEST_WAIT_MS));
    assert_int_equal(seen.calls, 1);
    return seen.text;
}

const char* test_operate(aerospike* as, const as_policy_operate* policy, const as_key* key,
                         as_operations* ops)
{
    as_error err;
    seen.calls = 0;
    as_status status =
        aerospike_key_operate_async(as, &err, policy, key, ops, on_record, NULL, NULL, NULL);
    as_operations_destroy(ops);
    return result_of(status, &err);
}

const char* test_read(aerospike* as, const as_key* key)
{
    as_error err;
    seen.calls = 0;
    as_status status = aerospike_key_get_async(as, &err, NULL, key, on_record, NULL, NULL, NULL);
    return result_of(status, &err);
}

const char* test_operate_sync(aerospike* as, const as_policy_operate* policy, const as_key* key,
                              as_operations* ops)
{
    as_error err;
    as_record* record = NULL;
    as_status status = aerospike_key_operate(as, &err, policy, key, ops, &record);
    as_operations_destroy(ops);
    assert_int_equal(status, err.code);
    assert_true((status == AEROSPIKE_OK) == !!record);
    render(status == AEROSPIKE_OK ? NULL : &err, record);
    as_record_destroy(record);
    return seen.text;
}
