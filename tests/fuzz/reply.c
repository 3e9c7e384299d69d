/*
 * What comes back on a command's connection: a whole client in a simulated world gets the input as
 * the answer to a command. Promises: one call of the listener for each accepted command; the next
 * command isn't disturbed; nothing is left after the close.
 *
 *     byte 0         which command, and how the bytes come (flags below)
 *     then           the bytes that the node sends
 */
#include <string.h>

#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include <aerospike/aerospike_key.h>

enum {
    COMMANDS = 6, /* remainder of byte 0 */
    IN_PIECES = 0x10,
    THEN_END = 0x20,
    THEN_RESET = 0x40,
    IS_PATIENT = 0x80 /* a late answer is waited for */
};

typedef struct call {
    unsigned count;
    as_status code;
} call;

static struct {
    fuzz_client client;
    fuzz_script script;
    uint8_t flags;
} bed;

/* ---- the node ---- */

static void on_message(void* udata, sim_peer* peer, unsigned n)
{
    (void)udata;
    if (n > 0) {
        fuzz_node_reply(peer, AEROSPIKE_ERR_RECORD_NOT_FOUND);
        return;
    }
    sim_peer_send(peer, bed.script.at, bed.script.left);
    if (bed.flags & THEN_RESET) {
        sim_peer_reset(peer);
    } else if (bed.flags & THEN_END) {
        sim_peer_close(peer);
    }
}

static const fuzz_node_handler node_handler = {.message = on_message};

/* ---- the client ---- */

static void call_take(call* c, const as_error* err)
{
    c->count++;
    c->code = err ? err->code : AEROSPIKE_OK;
    must(!err || (err->code != AEROSPIKE_OK && err->message[0] != '\0'));
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    call_take(udata, err);
}

static bool on_bin(const char* name, const as_val* value, void* udata)
{
    (void)udata;
    must(strlen(name) <= AS_BIN_NAME_MAX_LEN);
    as_val_type(value);
    return true;
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    call_take(udata, err);
    must(!err == (record != NULL));
    if (record) {
        as_record_foreach(record, on_bin, NULL);
    }
    if (record && ((const call*)udata)->count == 1 && bed.flags % 16 % COMMANDS == 5) {
        as_record_destroy(record); /* it's ours */
    }
}

static void base_set(as_policy_base* base)
{
    base->total_timeout = 100;
    base->max_retries = 1;
    base->timeout_delay = bed.flags & IS_PATIENT ? 3000 : 0;
}

static void start_read(call* c, unsigned what)
{
    as_error err;
    as_key key;
    as_policy_read policy;
    const char* bins[] = {"a", "b", NULL};
    as_event_loop* entry = bed.client.events->entries;
    as_policy_read_init(&policy);
    base_set(&policy.base);
    policy.async_heap_rec = what == 5;
    as_key_init_int64(&key, "test", "demo", 1);
    as_status status;
    if (what == 1) {
        status = aerospike_key_select_async(&bed.client.as, &err, &policy, &key, bins, on_record, c,
                                            entry, NULL);
    } else if (what == 2) {
        status = aerospike_key_exists_async(&bed.client.as, &err, &policy, &key, on_record, c,
                                            entry, NULL);
    } else {
        status =
            aerospike_key_get_async(&bed.client.as, &err, &policy, &key, on_record, c, entry, NULL);
    }
    must(status == AEROSPIKE_OK);
}

static void start_write(call* c, unsigned what)
{
    as_error err;
    as_key key;
    as_record record;
    as_event_loop* entry = bed.client.events->entries;
    as_key_init_int64(&key, "test", "demo", 1);
    as_status status;
    if (what == 3) {
        as_policy_write policy;
        as_policy_write_init(&policy);
        base_set(&policy.base);
        as_record_inita(&record, 1);
        as_record_set_int64(&record, "a", 1);
        status = aerospike_key_put_async(&bed.client.as, &err, &policy, &key, &record, on_write, c,
                                         entry, NULL);
    } else {
        as_policy_remove policy;
        as_policy_remove_init(&policy);
        base_set(&policy.base);
        status = aerospike_key_remove_async(&bed.client.as, &err, &policy, &key, on_write, c, entry,
                                            NULL);
    }
    must(status == AEROSPIKE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    call first = {0};
    call second = {0};
    bed.script = (fuzz_script){.at = data, .left = size};
    bed.flags = fuzz_script_byte(&bed.script);
    unsigned what = bed.flags % 16 % COMMANDS;
    fuzz_client_open(&bed.client, &node_handler, NULL, bed.flags & IN_PIECES);
    if (what == 3 || what == 4) {
        start_write(&first, what);
    } else {
        start_read(&first, what);
    }
    sim_world_run_for(bed.client.world, FUZZ_SECOND_US / 2);
    must(first.count == 1);
    start_read(&second, 0);
    sim_world_run_for(bed.client.world, FUZZ_SECOND_US / 2);
    must(second.count == 1 && second.code == AEROSPIKE_ERR_RECORD_NOT_FOUND);
    must(first.count == 1);
    fuzz_client_close(&bed.client);
    return 0;
}
