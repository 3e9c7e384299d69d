/*
 * as_bytes: bounds of every accessor, growth, hex text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_bytes.h>

#include "core/mem.h"

static void new_ones_are_empty_blobs(void** state)
{
    (void)state;
    as_bytes bytes;

    assert_ptr_equal(as_bytes_init(&bytes, 4), &bytes);
    assert_int_equal(bytes.capacity, 4);
    assert_int_equal(bytes.size, 0);
    assert_int_equal(bytes.type, AS_BYTES_BLOB);
    assert_memory_equal(bytes.value, "\0\0\0\0", 4);
    as_bytes_destroy(&bytes);
    as_bytes_destroy(&bytes); /* gone: nothing */

    assert_non_null(as_bytes_init(&bytes, 0));
    assert_false(as_bytes_append_byte(&bytes, 1));
    as_bytes_destroy(&bytes);

    as_bytes* heap = as_bytes_new(2);
    assert_true(heap->_.free);
    as_bytes_destroy(heap);
}

static void wrapped_memory_is_in_use(void** state)
{
    (void)state;
    uint8_t raw[3] = {1, 2, 3};
    uint32_t size;
    as_bytes bytes;

    as_bytes_init_wrap(&bytes, raw, 3, false);
    assert_int_equal(as_bytes_size(&bytes), 3);
    assert_int_equal(as_bytes_capacity(&bytes), 3);
    assert_ptr_equal(as_bytes_tobytes(&bytes, &size), raw);
    assert_int_equal(size, 3);
    as_bytes_set_type(&bytes, AS_BYTES_JAVA);
    assert_int_equal(as_bytes_get_type(&bytes), AS_BYTES_JAVA);
    as_bytes_destroy(&bytes);
    assert_int_equal(raw[2], 3);

    as_bytes* heap = as_bytes_new_wrap(malloc(5), 5, true);
    as_bytes_destroy(heap);
}

static void null_is_allowed(void** state)
{
    (void)state;
    uint32_t size = 9;
    uint8_t byte;

    assert_int_equal(as_bytes_size(NULL), 0);
    assert_int_equal(as_bytes_capacity(NULL), 0);
    assert_int_equal(as_bytes_get_type(NULL), AS_BYTES_UNDEF);
    assert_null(as_bytes_tobytes(NULL, &size));
    assert_int_equal(size, 0);
    assert_int_equal(as_bytes_get_byte(NULL, 0, &byte), 0);
    assert_false(as_bytes_append_byte(NULL, 1));
    assert_false(as_bytes_truncate(NULL, 0));
    assert_false(as_bytes_ensure(NULL, 1, true));
}

static void setters_stop_at_the_capacity(void** state)
{
    (void)state;
    as_bytes bytes;
    as_bytes_inita(&bytes, 10);

    assert_int_equal(bytes.size, 0);
    assert_true(as_bytes_append_int16(&bytes, -2));
    assert_true(as_bytes_append_int64(&bytes, INT64_MIN));
    assert_int_equal(bytes.size, 10);
    assert_false(as_bytes_append_byte(&bytes, 1));
    assert_false(as_bytes_append(&bytes, (const uint8_t*)"xy", 2));
    assert_true(as_bytes_set_byte(&bytes, 9, 7));
    assert_false(as_bytes_set_byte(&bytes, 10, 7));
    assert_false(as_bytes_set_int32(&bytes, 7, 7));
    assert_false(as_bytes_set(&bytes, UINT32_MAX, (const uint8_t*)"xy", 2));
    assert_false(as_bytes_set(&bytes, 2, (const uint8_t*)"xy", UINT32_MAX));
    assert_int_equal(bytes.size, 10);
}

static void getters_stop_at_the_size(void** state)
{
    (void)state;
    as_bytes bytes;
    uint8_t byte;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    double dbl;
    uint8_t copy[4];
    as_bytes_inita(&bytes, 64);

    assert_true(as_bytes_append_byte(&bytes, 0xfe));
    assert_true(as_bytes_append_int16(&bytes, -300));
    assert_true(as_bytes_append_int32(&bytes, 70000));
    assert_true(as_bytes_append_int64(&bytes, -5000000000));
    assert_true(as_bytes_append_double(&bytes, 1.25));
    assert_int_equal(bytes.size, 23);
    assert_int_equal(as_bytes_get_byte(&bytes, 0, &byte), 1);
    assert_int_equal(byte, 0xfe);
    assert_int_equal(as_bytes_get_int16(&bytes, 1, &i16), 2);
    assert_int_equal(i16, -300);
    assert_int_equal(as_bytes_get_int32(&bytes, 3, &i32), 4);
    assert_int_equal(i32, 70000);
    assert_int_equal(as_bytes_get_int64(&bytes, 7, &i64), 8);
    assert_true(i64 == -5000000000);
    assert_int_equal(as_bytes_get_double(&bytes, 15, &dbl), 8);
    assert_true(dbl == 1.25);

    assert_int_equal(as_bytes_get_byte(&bytes, 23, &byte), 0);
    assert_int_equal(as_bytes_get_int16(&bytes, 22, &i16), 0);
    assert_int_equal(as_bytes_get_int32(&bytes, 20, &i32), 0);
    assert_int_equal(as_bytes_get_int64(&bytes, 16, &i64), 0);
    assert_int_equal(as_bytes_get_double(&bytes, 16, &dbl), 0);
    assert_int_equal(as_bytes_copy(&bytes, 0, copy, 4), 4);
    assert_int_equal(copy[0], 0xfe);
    assert_int_equal(as_bytes_copy(&bytes, 20, copy, 4), 0);
    assert_int_equal(as_bytes_copy(&bytes, UINT32_MAX, copy, 4), 0);
    assert_int_equal(as_bytes_copy(&bytes, 0, copy, UINT32_MAX), 0);
}

static void truncation(void** state)
{
    (void)state;
    uint8_t raw[3] = {1, 2, 3};
    as_bytes bytes;

    as_bytes_init_wrap(&bytes, raw, 3, false);
    assert_false(as_bytes_truncate(&bytes, 4));
    assert_true(as_bytes_truncate(&bytes, 2));
    assert_int_equal(bytes.size, 1);
    assert_int_equal(bytes.capacity, 3);
    assert_true(as_bytes_truncate(&bytes, 1));
    assert_false(as_bytes_truncate(&bytes, 1));
}

static void growth_copies_borrowed_memory(void** state)
{
    (void)state;
    uint8_t raw[2] = {1, 2};
    as_bytes bytes;

    as_bytes_init_wrap(&bytes, raw, 2, false);
    assert_true(as_bytes_ensure(&bytes, 2, false));
    assert_false(as_bytes_ensure(&bytes, 3, false));
    assert_ptr_equal(bytes.value, raw);
    tnd_mem_fail(1, 1);
    assert_false(as_bytes_ensure(&bytes, 3, true));
    tnd_mem_fail(0, 0);
    assert_ptr_equal(bytes.value, raw);
    assert_true(as_bytes_ensure(&bytes, 3, true));
    assert_ptr_not_equal(bytes.value, raw);
    assert_memory_equal(bytes.value, raw, 2);
    assert_int_equal(bytes.size, 2);
    assert_true(as_bytes_ensure(&bytes, 100, true)); /* the heap's own way */
    assert_int_equal(bytes.capacity, 100);
    assert_true(as_bytes_append_byte(&bytes, 3));
    as_bytes_destroy(&bytes);
}

static void variable_integers(void** state)
{
    (void)state;
    static const struct {
        uint32_t value;
        uint32_t size;
    } cases[] = {{0, 1},        {127, 1},       {128, 2},
                 {16383, 2},    {16384, 3},     {UINT32_MAX >> 4, 4},
                 {1u << 28, 5}, {UINT32_MAX, 5}};
    as_bytes bytes;
    uint32_t value;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t raw[5] = {0};
        as_bytes_init_wrap(&bytes, raw, cases[i].size, false);
        assert_int_equal(as_bytes_set_var_int(&bytes, 0, cases[i].value), cases[i].size);
        assert_int_equal(as_bytes_get_var_int(&bytes, 0, &value), cases[i].size);
        assert_true(value == cases[i].value);
        bytes.capacity = bytes.size = cases[i].size - 1;
        assert_int_equal(as_bytes_set_var_int(&bytes, 0, cases[i].value), 0);
        assert_int_equal(as_bytes_get_var_int(&bytes, 0, &value), 0);
    }

    uint8_t endless[6] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
    as_bytes_init_wrap(&bytes, endless, 6, false);
    assert_int_equal(as_bytes_get_var_int(&bytes, 0, &value), 0);
    endless[4] = 0x10; /* a 33rd bit */
    assert_int_equal(as_bytes_get_var_int(&bytes, 0, &value), 0);
    assert_int_equal(as_bytes_get_var_int(&bytes, UINT32_MAX, &value), 0);
}

static void hex_text(void** state)
{
    (void)state;
    const uint8_t raw[] = {0x01, 0xab};
    uint8_t back[2];
    char text[8];

    assert_true(as_bytes_to_string(raw, 2, text, 5));
    assert_string_equal(text, "01AB");
    assert_false(as_bytes_to_string(raw, 2, text, 4));
    assert_string_equal(text, "01");
    assert_false(as_bytes_to_string(raw, 2, text, 0));
    assert_true(as_bytes_to_string(raw, 0, text, 1));
    assert_string_equal(text, "");
    assert_true(as_bytes_to_string_with_prefix(raw, 2, text, 7));
    assert_string_equal(text, "0x01AB");
    assert_false(as_bytes_to_string_with_prefix(raw, 2, text, 6));
    assert_string_equal(text, "0x01");
    assert_false(as_bytes_to_string_with_prefix(raw, 2, text, 2));
    assert_string_equal(text, "");

    assert_int_equal(as_bytes_from_string(back, 2, "0x01aB"), 2);
    assert_memory_equal(back, raw, 2);
    assert_int_equal(as_bytes_from_string(back, 2, "01"), 1);
    assert_int_equal(as_bytes_from_string(back, 2, ""), 0);
    assert_int_equal(as_bytes_from_string(back, 2, "010203"), -1);
    assert_int_equal(as_bytes_from_string(back, 2, "012"), -1);
    assert_int_equal(as_bytes_from_string(back, 2, "0g"), -1);
    assert_int_equal(as_bytes_from_string(back, 2, NULL), -1);
}

static void without_memory(void** state)
{
    (void)state;
    as_bytes bytes;

    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_bytes_init(&bytes, 8));
    assert_null(as_bytes_new(8));
    assert_null(as_bytes_new_wrap(NULL, 0, false));
    tnd_mem_fail(2, 1);
    assert_null(as_bytes_new(8));
    tnd_mem_fail(0, 0);
    as_bytes_destroy(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_are_empty_blobs),
        cmocka_unit_test(wrapped_memory_is_in_use),
        cmocka_unit_test(null_is_allowed),
        cmocka_unit_test(setters_stop_at_the_capacity),
        cmocka_unit_test(getters_stop_at_the_size),
        cmocka_unit_test(truncation),
        cmocka_unit_test(growth_copies_borrowed_memory),
        cmocka_unit_test(variable_integers),
        cmocka_unit_test(hex_text),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
