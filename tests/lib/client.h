/*
 * A client for a test: connected on an event loop of the library's, with results that can be looked
 * at and waits that have a deadline.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <stdbool.h>
#include <stdint.h>

/* Longest wait for anything that a test expects to happen. */
#define TEST_WAIT_MS 20000

/* What a listener got. Zeroed before the call, or given to test_result_reset. */
typedef struct test_result {
    unsigned calls;
    bool is_ok;
    as_status code;
    bool in_doubt;
    char message[AS_ERROR_MESSAGE_MAX_SIZE];
    as_record* record; /* of reads: a copy, until test_client_close */
    uint64_t after_us; /* from test_result_reset to the first call */
    uint64_t start_us;
} test_result;

/* Defaults for tests: these seeds, and no shared memory. */
void test_config_init(as_config* config, const char* hosts);

/* Makes an event loop and connects. Fails the running test when that doesn't work out. */
void test_client_open(aerospike* as, as_config* config);

/* Closes, destroys, ends the event loop. */
void test_client_close(aerospike* as);

/* Runs this thread's event loop until it is so, or for `ms`. Returns whether it is so. */
bool test_run_until(bool (*done)(void* udata), void* udata, uint64_t ms);

/* Runs this thread's event loop for a while. */
void test_run_for(uint64_t ms);

/* Runs until the result's listener has been called, and fails the running test if it isn't called
 * exactly once. It may have been called by now. */
void test_result_wait(test_result* result);
void test_result_reset(test_result* result);

/* Listeners; udata is a test_result. */
void test_on_write(as_error* err, void* udata, as_event_loop* loop);
void test_on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop);

uint64_t test_now_us(void);
