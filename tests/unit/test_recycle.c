/*
 * Memory of answers that serves again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/wire.h"

#ifdef __SANITIZE_ADDRESS__
enum {
    IS_RECYCLED = 0
};
#else
enum {
    IS_RECYCLED = 1
};
#endif

static void test_a_block_serves_again(void** state)
{
    (void)state;
    tnd_recycle recycle = {0};
    for (size_t size = 1; size <= 64 * 1024; size = size * 3 / 2 + 1) {
        void* block = tnd_recycle_take(&recycle, size);
        memset(block, 1, size);
        tnd_recycle_give(&recycle, block);
        tnd_mem_fail(0, 0);
        void* again = tnd_recycle_take(&recycle, size);
        assert_int_equal(tnd_mem_allocations(), IS_RECYCLED ? 0 : 1);
        memset(again, 2, size);
        tnd_recycle_give(&recycle, again);
    }
    tnd_recycle_done(&recycle);
}

static void test_what_is_too_large_or_too_much_is_freed(void** state)
{
    (void)state;
    int64_t live = tnd_mem_live();
    tnd_recycle recycle = {0};
    void* blocks[64];
    for (int i = 0; i < 64; i++) {
        blocks[i] = tnd_recycle_take(&recycle, (size_t)1 << (i % 18));
    }
    for (int i = 0; i < 64; i++) {
        tnd_recycle_give(&recycle, blocks[i]);
    }
    assert_true(recycle.bytes <= TND_RECYCLE_BYTES_MAX);
    tnd_recycle_give(&recycle, NULL);
    tnd_recycle_done(&recycle);
    assert_int_equal(tnd_mem_live(), live);
}

static void test_without_one_it_is_malloc(void** state)
{
    (void)state;
    void* block = tnd_recycle_take(NULL, 100);
    assert_non_null(block);
    tnd_recycle_give(NULL, block);
}

/* ---- records ---- */

static const uint8_t reply_body[] = {
    22, 0, 0, 0,  0, 0, 0, 0, 0,   1,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 3, /* three bins */
    0,  0, 0, 9,  1, 3, 0, 1, 's', 't', 'e', 'x', 't',                            /* s = "text" */
    0,  0, 0, 8,  1, 4, 0, 1, 'b', 1,   2,   3,                                   /* b = 1 2 3 */
    0,  0, 0, 13, 1, 1, 0, 1, 'i', 0,   0,   0,   0,   0, 0, 0, 7,                /* i = 7 */
};

static void record_of(as_record* record, tnd_recycle* recycle)
{
    tnd_wire_reply reply;
    const char* reason;
    as_error err;
    as_record_init(record, 0);
    assert_true(tnd_wire_reply_open(&reply, reply_body, sizeof(reply_body), &reason));
    assert_int_equal(tnd_wire_record(&reply, 0, record, recycle, &err), AEROSPIKE_OK);
    assert_string_equal(as_record_get_str(record, "s"), "text");
    assert_int_equal(as_record_get_int64(record, "i", 0), 7);
}

static void test_records_allocate_nothing_once_it_is_warm(void** state)
{
    (void)state;
    tnd_recycle recycle = {0};
    as_record record;
    record_of(&record, &recycle);
    tnd_wire_record_done(&record, &recycle);
    tnd_mem_fail(0, 0);
    for (int i = 0; i < 10; i++) {
        record_of(&record, &recycle);
        tnd_wire_record_done(&record, &recycle);
    }
    assert_int_equal(tnd_mem_allocations(), IS_RECYCLED ? 0 : 30);
    tnd_recycle_done(&recycle);
}

/* As the official client's users do: take the text, replace a value, keep what is left. */
static void test_a_listener_may_take_and_replace(void** state)
{
    (void)state;
    tnd_recycle recycle = {0};
    as_record record;
    record_of(&record, &recycle);
    as_string* string = as_record_get_string(&record, "s");
    char* text = string->value;
    string->free = false;
    as_record_set_strp(&record, "b", strdup("another"), true);
    as_record_set_nil(&record, "i");
    tnd_wire_record_done(&record, &recycle);
    record_of(&record, &recycle);
    assert_ptr_not_equal(as_record_get_str(&record, "s"), text);
    assert_string_equal(text, "text");
    free(text);
    tnd_wire_record_done(&record, &recycle);
    tnd_recycle_done(&recycle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_serves_again),
        cmocka_unit_test(test_what_is_too_large_or_too_much_is_freed),
        cmocka_unit_test(test_without_one_it_is_malloc),
        cmocka_unit_test(test_records_allocate_nothing_once_it_is_warm),
        cmocka_unit_test(test_a_listener_may_take_and_replace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
