#include "tests/lib/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "async/event.h"
#include <tendril/event.h>

uint64_t test_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- runs with a deadline ---- */

typedef struct bounded_run {
    bool (*done)(void* udata);
    void* udata;
    tnd_timer timer;
    bool is_over;
} bounded_run;

static void on_deadline(tnd_timer* timer)
{
    bounded_run* run = timer->udata;
    run->is_over = true;
}

static bool is_done_or_over(void* udata)
{
    bounded_run* run = udata;
    return run->is_over || (run->done && run->done(run->udata));
}

bool test_run_until(bool (*done)(void* udata), void* udata, uint64_t ms)
{
    if (as_event_loop_size == 0) {
        return done && done(udata);
    }
    bounded_run run = {.done = done, .udata = udata};
    tnd_timer_init(&run.timer, as_event_loops[0].events->loop, on_deadline, &run);
    tnd_timer_start_ms(&run.timer, ms);
    as_event_run(NULL, is_done_or_over, &run);
    if (as_event_loop_size > 0) {
        tnd_timer_stop(&run.timer);
    }
    return done && done(udata);
}

void test_run_for(uint64_t ms)
{
    test_run_until(NULL, NULL, ms);
}

/* ---- results ---- */

/* Copies that results point to; freed with the client. */
static as_record** copies;
static size_t copies_count;

static void copies_free(void)
{
    while (copies_count > 0) {
        as_record_destroy(copies[--copies_count]);
    }
    free(copies);
    copies = NULL;
}

void test_result_reset(test_result* result)
{
    memset(result, 0, sizeof(*result));
    result->start_us = test_now_us();
}

static void result_take(test_result* result, const as_error* err)
{
    if (result->calls++ == 0) {
        result->after_us = test_now_us() - result->start_us;
    }
    result->is_ok = !err;
    result->code = err ? err->code : AEROSPIKE_OK;
    result->in_doubt = err && err->in_doubt;
    snprintf(result->message, sizeof(result->message), "%s", err ? err->message : "");
    if (!as_event_loop_current) {
        fail_msg("a listener outside of the loop");
    }
}

void test_on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    result_take(udata, err);
}

/* Integers and strings are all that tests look at in copies. */
static as_record* record_copy(const as_record* from)
{
    as_record* to = as_record_new(from->bins.size);
    copies = realloc(copies, (copies_count + 1) * sizeof(*copies));
    copies[copies_count++] = to;
    to->gen = from->gen;
    to->ttl = from->ttl;
    for (uint16_t i = 0; i < from->bins.size; i++) {
        const as_bin* bin = &from->bins.entries[i];
        as_string* string = as_string_fromval((as_val*)bin->valuep);
        if (string) {
            as_record_set_strp(to, bin->name, strdup(string->value), true);
        } else {
            as_record_set_int64(to, bin->name, as_record_get_int64(from, bin->name, INT64_MIN));
        }
    }
    return to;
}

void test_on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    test_result* result = udata;
    result_take(result, err);
    if (!err != !!record) {
        fail_msg("a record with an error, or neither");
    }
    if (record) {
        result->record = record_copy(record);
    }
}

static bool was_called(void* udata)
{
    return ((const test_result*)udata)->calls > 0;
}

void test_result_wait(test_result* result)
{
    if (!test_run_until(was_called, result, TEST_WAIT_MS)) {
        fail_msg("the listener wasn't called within %d ms", TEST_WAIT_MS);
    }
    assert_int_equal(result->calls, 1);
}

/* ---- clients ---- */

/* With TEST_LOG in the environment the library's lines go to stderr. */
__attribute__((format(printf, 5, 6))) static bool log_line(as_log_level level, const char* func,
                                                           const char* file, uint32_t line,
                                                           const char* fmt, ...)
{
    (void)func;
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s %s:%u ", as_log_level_tostring(level), file, line);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return true;
}

void test_config_init(as_config* config, const char* hosts)
{
    if (getenv("TEST_LOG")) {
        as_log_set_level(AS_LOG_LEVEL_DEBUG);
        as_log_set_callback(log_line);
    }
    as_config_init(config);
    config->use_shm = false;
    assert_true(as_config_add_hosts(config, hosts, 3000));
}

void test_client_open(aerospike* as, as_config* config)
{
    as_error err;
    test_result result = {0};
    assert_non_null(as_event_create_loops(1));
    aerospike_init(as, config);
    if (aerospike_connect_async(as, &err, test_on_write, &result, NULL) != AEROSPIKE_OK) {
        fail_msg("connect: %d %s", err.code, err.message);
    }
    test_result_wait(&result);
    if (!result.is_ok) {
        fail_msg("connected: %d %s", result.code, result.message);
    }
}

void test_client_close(aerospike* as)
{
    as_error err;
    assert_int_equal(aerospike_close(as, &err), AEROSPIKE_OK);
    assert_null(as->cluster);
    aerospike_destroy(as);
    assert_true(as_event_close_loops());
    copies_free();
}
