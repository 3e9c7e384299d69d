#include "core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"

static void appends_big_endian(void** state)
{
    (void)state;
    test_bytes expected = test_bytes_hex("01020304050607080910111213141516"
                                         "abcdef68690a");
    tnd_buf buf;
    tnd_buf_init(&buf, 1024);
    assert_null(buf.data);
    tnd_buf_append_u8(&buf, 0x01);
    tnd_buf_append_be16(&buf, 0x0203);
    tnd_buf_append_be32(&buf, 0x04050607);
    tnd_buf_append_be64(&buf, UINT64_C(0x0809101112131415));
    tnd_buf_append_bytes(&buf, "\x16\xab\xcd\xef", 4);
    tnd_buf_append_text(&buf, "hi");
    tnd_buf_append_text(&buf, "");
    tnd_buf_append_bytes(&buf, NULL, 0);
    tnd_buf_append_u8(&buf, '\n');
    assert_true(tnd_buf_is_ok(&buf));
    assert_int_equal(buf.size, expected.size);
    assert_memory_equal(buf.data, expected.data, expected.size);
    tnd_buf_done(&buf);
    tnd_buf_done(&buf);
    test_bytes_done(&expected);
}

static void patches_in_place(void** state)
{
    (void)state;
    test_bytes expected = test_bytes_hex("000102030405060708090a0b0c0d0eff");
    tnd_buf buf;
    tnd_buf_init(&buf, 16);
    tnd_buf_append_be64(&buf, UINT64_MAX);
    tnd_buf_append_be64(&buf, UINT64_MAX);
    tnd_buf_patch_u8(&buf, 0, 0);
    tnd_buf_patch_be16(&buf, 1, 0x0102);
    tnd_buf_patch_be32(&buf, 3, 0x03040506);
    tnd_buf_patch_be64(&buf, 7, UINT64_C(0x0708090a0b0c0d0e));
    assert_int_equal(buf.size, 16);
    assert_memory_equal(buf.data, expected.data, expected.size);
    tnd_buf_done(&buf);
    test_bytes_done(&expected);
}

static void stops_at_the_limit_and_stays_failed(void** state)
{
    (void)state;
    tnd_buf buf;
    tnd_buf_init(&buf, 7);
    tnd_buf_append_be32(&buf, 1);
    tnd_buf_append_be32(&buf, 2);
    assert_int_equal(buf.state, TND_BUF_LIMIT);
    assert_int_equal(buf.size, 4);
    /* One byte would fit, but the message has a hole already. */
    tnd_buf_append_u8(&buf, 3);
    tnd_buf_patch_be64(&buf, 0, 4);
    assert_false(tnd_buf_reserve(&buf, 0));
    assert_int_equal(buf.size, 4);
    assert_true(buf.capacity <= 7);

    tnd_buf_reset(&buf);
    assert_true(tnd_buf_is_ok(&buf));
    assert_true(tnd_buf_reserve(&buf, 7));
    tnd_buf_append_bytes(&buf, "1234567", 7);
    assert_true(tnd_buf_is_ok(&buf));
    assert_int_equal(buf.size, 7);
    assert_false(tnd_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.state, TND_BUF_LIMIT);
    tnd_buf_done(&buf);
}

static void reports_missing_memory(void** state)
{
    (void)state;
    tnd_buf buf;
    tnd_buf_init(&buf, 1024);
    tnd_buf_append_u8(&buf, 1);
    tnd_mem_fail(1, 1);
    assert_false(tnd_buf_reserve(&buf, 1000));
    tnd_mem_fail(0, 0);
    assert_int_equal(buf.state, TND_BUF_NO_MEMORY);
    tnd_buf_append_u8(&buf, 2);
    assert_int_equal(buf.size, 1);
    assert_int_equal(buf.data[0], 1);
    tnd_buf_reset(&buf);
    assert_true(tnd_buf_reserve(&buf, 1000));
    tnd_buf_done(&buf);
}

static void grows_and_keeps_its_storage(void** state)
{
    (void)state;
    tnd_buf buf;
    tnd_buf_init(&buf, 1 << 20);
    for (unsigned i = 0; i < 100000; i++) {
        tnd_buf_append_u8(&buf, (uint8_t)(i * 7));
    }
    assert_true(tnd_buf_is_ok(&buf));
    assert_int_equal(buf.size, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(buf.data[i], (uint8_t)(i * 7));
    }
    const uint8_t* storage = buf.data;
    tnd_buf_reset(&buf);
    assert_int_equal(buf.size, 0);
    tnd_buf_append_u8(&buf, 9);
    assert_ptr_equal(buf.data, storage);
    tnd_buf_done(&buf);
    assert_null(buf.data);
}

static void zeroed_memory_is_a_buffer(void** state)
{
    (void)state;
    tnd_buf buf = {0};
    tnd_buf_append_u8(&buf, 1);
    assert_int_equal(buf.state, TND_BUF_LIMIT);
    tnd_buf_done(&buf);
}

static void fetches_what_was_appended(void** state)
{
    (void)state;
    test_bytes bytes = test_bytes_hex("01020304050607080910111213141516171819202122232425");
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, bytes.data, bytes.size);
    assert_int_equal(tnd_cursor_fetch_u8(&cursor), 0x01);
    assert_int_equal(tnd_cursor_fetch_be16(&cursor), 0x0203);
    assert_int_equal(tnd_cursor_fetch_be32(&cursor), 0x04050607);
    assert_true(tnd_cursor_fetch_be48(&cursor) == UINT64_C(0x080910111213));
    assert_true(tnd_cursor_fetch_be64(&cursor) == UINT64_C(0x1415161718192021));
    assert_int_equal(tnd_cursor_left(&cursor), 4);
    size_t mark = tnd_cursor_mark(&cursor);
    assert_memory_equal(tnd_cursor_fetch_bytes(&cursor, 3), "\x22\x23\x24", 3);
    assert_false(tnd_cursor_at_end(&cursor));
    assert_true(tnd_cursor_skip(&cursor, 1));
    assert_true(tnd_cursor_at_end(&cursor));
    assert_non_null(tnd_cursor_fetch_bytes(&cursor, 0));
    tnd_cursor_rollback(&cursor, mark);
    assert_int_equal(tnd_cursor_fetch_u8(&cursor), 0x22);
    test_bytes_done(&bytes);
}

/* Every fetch, with every number of bytes that is too small for it. */
static void is_short_rather_than_wrong(void** state)
{
    (void)state;
    for (size_t wanted = 1; wanted <= 8; wanted++) {
        for (size_t given = 0; given < wanted; given++) {
            test_bytes bytes = test_bytes_copy("\xff\xff\xff\xff\xff\xff\xff\xff", given);
            tnd_cursor cursor;
            tnd_cursor_init(&cursor, bytes.data, bytes.size);
            switch (wanted) {
            case 1:
                assert_int_equal(tnd_cursor_fetch_u8(&cursor), 0);
                break;
            case 2:
                assert_int_equal(tnd_cursor_fetch_be16(&cursor), 0);
                break;
            case 4:
                assert_int_equal(tnd_cursor_fetch_be32(&cursor), 0);
                break;
            case 6:
                assert_int_equal(tnd_cursor_fetch_be48(&cursor), 0);
                break;
            case 8:
                assert_int_equal(tnd_cursor_fetch_be64(&cursor), 0);
                break;
            default:
                assert_null(tnd_cursor_fetch_bytes(&cursor, wanted));
                break;
            }
            assert_true(cursor.is_short);
            assert_int_equal(cursor.pos, 0);
            assert_false(tnd_cursor_at_end(&cursor));
            /* Sticky: what would fit isn't handed out after a gap. */
            assert_null(tnd_cursor_fetch_bytes(&cursor, 0));
            assert_false(tnd_cursor_skip(&cursor, given));
            tnd_cursor_rollback(&cursor, 0);
            assert_false(cursor.is_short);
            assert_true(tnd_cursor_skip(&cursor, given));
            test_bytes_done(&bytes);
        }
    }
}

static void lends_parts(void** state)
{
    (void)state;
    test_bytes bytes = test_bytes_hex("0102030405");
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, bytes.data, bytes.size);
    tnd_cursor_skip(&cursor, 1);
    tnd_cursor part = tnd_cursor_fetch_part(&cursor, 2);
    assert_int_equal(tnd_cursor_fetch_be16(&part), 0x0203);
    assert_int_equal(tnd_cursor_fetch_u8(&part), 0);
    assert_true(part.is_short);
    assert_false(cursor.is_short);
    part = tnd_cursor_fetch_part(&cursor, SIZE_MAX);
    assert_true(part.is_short);
    assert_true(cursor.is_short);
    assert_int_equal(tnd_cursor_left(&part), 0);
    test_bytes_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_big_endian),
        cmocka_unit_test(patches_in_place),
        cmocka_unit_test(stops_at_the_limit_and_stays_failed),
        cmocka_unit_test(reports_missing_memory),
        cmocka_unit_test(grows_and_keeps_its_storage),
        cmocka_unit_test(zeroed_memory_is_a_buffer),
        cmocka_unit_test(fetches_what_was_appended),
        cmocka_unit_test(is_short_rather_than_wrong),
        cmocka_unit_test(lends_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
