/*
 * as_operations: each adder, limits, ownership.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_operations.h>

#include "core/mem.h"
#include "core/operations.h"

static const as_binop* last(const as_operations* ops)
{
    return &ops->binops.entries[ops->binops.size - 1];
}

static void assert_op(const as_operations* ops, as_operator op, const char* name, as_val_t type)
{
    assert_int_equal(last(ops)->op, op);
    assert_string_equal(last(ops)->bin.name, name);
    assert_int_equal(as_bin_get_type(&last(ops)->bin), type);
}

static void writes(void** state)
{
    (void)state;
    const uint8_t* raw = (const uint8_t*)"raw";
    as_operations ops;
    as_operations_inita(&ops, 10);

    assert_true(as_operations_add_write_bool(&ops, "a", true));
    assert_op(&ops, AS_OPERATOR_WRITE, "a", AS_BOOLEAN);
    assert_true(as_operations_add_write_int64(&ops, "b", 5));
    assert_op(&ops, AS_OPERATOR_WRITE, "b", AS_INTEGER);
    assert_int_equal(last(&ops)->bin.valuep->integer.value, 5);
    assert_true(as_operations_add_write_double(&ops, "c", 1.5));
    assert_op(&ops, AS_OPERATOR_WRITE, "c", AS_DOUBLE);
    assert_true(as_operations_add_write_str(&ops, "d", "x"));
    assert_op(&ops, AS_OPERATOR_WRITE, "d", AS_STRING);
    assert_true(as_operations_add_write_strp(&ops, "e", strdup("x"), true));
    assert_op(&ops, AS_OPERATOR_WRITE, "e", AS_STRING);
    assert_true(as_operations_add_write_geojson_str(&ops, "f", "{}"));
    assert_op(&ops, AS_OPERATOR_WRITE, "f", AS_GEOJSON);
    assert_true(as_operations_add_write_geojson_strp(&ops, "g", strdup("{}"), true));
    assert_op(&ops, AS_OPERATOR_WRITE, "g", AS_GEOJSON);
    assert_true(as_operations_add_write_raw(&ops, "h", raw, 3));
    assert_op(&ops, AS_OPERATOR_WRITE, "h", AS_BYTES);
    assert_true(as_operations_add_write_rawp(&ops, "i", malloc(2), 2, true));
    assert_op(&ops, AS_OPERATOR_WRITE, "i", AS_BYTES);
    assert_true(as_operations_add_write(&ops, "j", (as_bin_value*)as_integer_new(1)));
    assert_op(&ops, AS_OPERATOR_WRITE, "j", AS_INTEGER);
    as_operations_destroy(&ops); /* frees what was given: the sanitizer watches */
    as_operations_destroy(&ops);
}

static void changes(void** state)
{
    (void)state;
    const uint8_t* raw = (const uint8_t*)"raw";
    as_operations* ops = as_operations_new(10);

    assert_true(as_operations_add_incr(ops, "a", -1));
    assert_op(ops, AS_OPERATOR_INCR, "a", AS_INTEGER);
    assert_true(as_operations_add_incr_double(ops, "b", 0.5));
    assert_op(ops, AS_OPERATOR_INCR, "b", AS_DOUBLE);
    assert_true(as_operations_add_prepend_str(ops, "c", "x"));
    assert_op(ops, AS_OPERATOR_PREPEND, "c", AS_STRING);
    assert_true(as_operations_add_prepend_strp(ops, "d", strdup("x"), true));
    assert_op(ops, AS_OPERATOR_PREPEND, "d", AS_STRING);
    assert_true(as_operations_add_prepend_raw(ops, "e", raw, 3));
    assert_op(ops, AS_OPERATOR_PREPEND, "e", AS_BYTES);
    assert_true(as_operations_add_prepend_rawp(ops, "f", malloc(1), 1, true));
    assert_op(ops, AS_OPERATOR_PREPEND, "f", AS_BYTES);
    assert_true(as_operations_add_append_str(ops, "g", "x"));
    assert_op(ops, AS_OPERATOR_APPEND, "g", AS_STRING);
    assert_true(as_operations_add_append_strp(ops, "h", strdup("x"), true));
    assert_op(ops, AS_OPERATOR_APPEND, "h", AS_STRING);
    assert_true(as_operations_add_append_raw(ops, "i", raw, 3));
    assert_op(ops, AS_OPERATOR_APPEND, "i", AS_BYTES);
    assert_true(as_operations_add_append_rawp(ops, "j", malloc(1), 1, true));
    assert_op(ops, AS_OPERATOR_APPEND, "j", AS_BYTES);
    as_operations_destroy(ops);
}

static void operations_without_operand(void** state)
{
    (void)state;
    as_operations ops;

    assert_non_null(as_operations_init(&ops, 4));
    assert_false(as_operations_defined(&ops));
    assert_true(as_operations_add_read(&ops, "a"));
    assert_op(&ops, AS_OPERATOR_READ, "a", AS_UNDEF);
    assert_true(as_operations_defined(&ops));
    assert_true(as_operations_add_read_all(&ops));
    assert_op(&ops, AS_OPERATOR_READ, "", AS_UNDEF);
    assert_true(as_operations_add_touch(&ops));
    assert_op(&ops, AS_OPERATOR_TOUCH, "", AS_UNDEF);
    assert_true(as_operations_add_delete(&ops));
    assert_op(&ops, AS_OPERATOR_DELETE, "", AS_UNDEF);
    assert_int_equal(ops.ttl, 0);
    assert_int_equal(ops.gen, 0);
    as_operations_destroy(&ops);
    assert_false(as_operations_defined(NULL));
}

static void an_adder_that_fails_takes_nothing(void** state)
{
    (void)state;
    as_operations ops;
    as_integer* value = as_integer_new(1);
    char* text = strdup("mine");
    as_operations_inita(&ops, 1);

    assert_false(as_operations_add_write_int64(&ops, "1234567890123456", 1));
    assert_false(as_operations_add_write_int64(&ops, NULL, 1));
    assert_int_equal(ops.binops.size, 0);
    assert_true(as_operations_add_write_int64(&ops, "123456789012345", 1));
    assert_false(as_operations_add_write(&ops, "b", (as_bin_value*)value));
    assert_false(as_operations_add_append_strp(&ops, "b", text, true));
    assert_false(as_operations_add_read_all(&ops));
    assert_false(as_operations_add_touch(NULL));
    assert_int_equal(ops.binops.size, 1);
    as_operations_destroy(&ops);
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
    free(text);
}

static void null_is_written_as_nil(void** state)
{
    (void)state;
    as_operations ops;
    as_operations_inita(&ops, 1);

    assert_true(as_operations_add_write(&ops, "a", NULL));
    assert_op(&ops, AS_OPERATOR_WRITE, "a", AS_NIL);
    as_operations_destroy(&ops);
    as_operations_destroy(NULL);
}

static void looks_at_operations(void** state)
{
    (void)state;
    as_operations ops;
    as_operations_inita(&ops, 3);
    assert_false(as_operations_has_write(&ops));
    assert_true(as_operations_consists_of_all_writes(&ops));
    as_operations_add_read(&ops, "a");
    assert_false(as_operations_has_write(&ops));
    assert_false(as_operations_consists_of_all_writes(&ops));
    assert_false(as_operations_add_read_all_called(&ops));
    as_operations_add_read_all(&ops);
    assert_true(as_operations_add_read_all_called(&ops));
    as_operations_add_touch(&ops);
    assert_true(as_operations_has_write(&ops));
    assert_true(as_operations_is_basic_read(AS_OPERATOR_READ));
    assert_false(as_operations_is_basic_read(AS_OPERATOR_CDT_READ));
    as_operations_destroy(&ops);
}

static void an_operation_may_carry_a_refusal(void** state)
{
    (void)state;
    as_operations ops;
    as_operations_inita(&ops, 3);
    tnd_operations_refuse(&ops, AS_OPERATOR_CDT_READ, "a", "because");
    uint8_t* bytes = malloc(1);
    assert_true(tnd_operations_add_packed(&ops, AS_OPERATOR_MAP_READ, "a", bytes, 1));
    as_operations_add_write_int64(&ops, "a", 1);
    assert_string_equal(tnd_operations_refusal(&ops.binops.entries[0]), "because");
    assert_null(tnd_operations_refusal(&ops.binops.entries[1]));
    assert_null(tnd_operations_refusal(&ops.binops.entries[2]));
    assert_false(tnd_operations_add_packed(&ops, AS_OPERATOR_MAP_READ, "a", bytes, 1)); /* full */
    tnd_operations_refuse(&ops, AS_OPERATOR_CDT_READ, "a", "no room");
    assert_int_equal(ops.binops.size, 3);
    as_operations_destroy(&ops);
}

static void without_memory(void** state)
{
    (void)state;
    as_operations ops;

    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_operations_new(1));
    assert_null(as_operations_init(&ops, 1));
    tnd_mem_fail(0, 0);
    assert_false(as_operations_add_touch(&ops));
    as_operations_destroy(&ops);
    assert_null(as_operations_init(NULL, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(changes),
        cmocka_unit_test(operations_without_operand),
        cmocka_unit_test(an_adder_that_fails_takes_nothing),
        cmocka_unit_test(null_is_written_as_nil),
        cmocka_unit_test(looks_at_operations),
        cmocka_unit_test(an_operation_may_carry_a_refusal),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
