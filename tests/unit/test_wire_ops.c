/*
 * A program's operations on the wire: operators, header bits, captured messages.
 */
#include "core/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/bytes.h"
#include "tests/unit/wire_vectors.h"

static void assert_message(const as_operations* operations, const char* hex)
{
    tnd_buf buf;
    as_error err;
    as_key key;
    as_policy_operate policy;
    test_bytes expected = test_bytes_hex(hex);
    tnd_wire_ops ops = tnd_wire_ops_of(operations);
    as_key_init_str(&key, "test", "demo", "key1");
    as_policy_operate_init(&policy);
    tnd_buf_init(&buf, 1 << 20);
    assert_int_equal(tnd_wire_operate(&buf, as_error_init(&err), &key, &ops, &policy, 1000),
                     AEROSPIKE_OK);
    assert_int_equal(buf.size, expected.size);
    assert_memory_equal(buf.data, expected.data, expected.size);
    test_bytes_done(&expected);
    tnd_buf_done(&buf);
}

static void encodes_a_programs_operations(void** state)
{
    (void)state;
    as_operations ops;
    as_operations_inita(&ops, 8);
    as_operations_add_incr(&ops, "a", 5);
    as_operations_add_write_str(&ops, "s", "ab");
    as_operations_add_append_str(&ops, "s", "cd");
    as_operations_add_prepend_str(&ops, "s", "__");
    as_operations_add_read(&ops, "a");
    assert_message(&ops, REQ_OPERATE_MIXED);
    as_operations_destroy(&ops);
    as_operations_inita(&ops, 8);
    as_operations_add_incr(&ops, "a", 1);
    as_operations_add_read_all(&ops);
    assert_message(&ops, REQ_OPERATE_INCR_READ_ALL);
    as_operations_destroy(&ops);
    as_operations_inita(&ops, 8);
    as_operations_add_read(&ops, "n");
    as_operations_add_delete(&ops);
    assert_message(&ops, REQ_OPERATE_DELETE_ALL);
    as_operations_destroy(&ops);
}

static void maps_every_operator(void** state)
{
    (void)state;
    static const struct {
        as_operator op;
        int code;
        bool is_map;
    } cases[] = {
        {AS_OPERATOR_READ, 1, false},          {AS_OPERATOR_WRITE, 2, false},
        {AS_OPERATOR_CDT_READ, 3, false},      {AS_OPERATOR_CDT_MODIFY, 4, false},
        {AS_OPERATOR_MAP_READ, 3, true},       {AS_OPERATOR_MAP_MODIFY, 4, true},
        {AS_OPERATOR_INCR, 5, false},          {AS_OPERATOR_EXP_READ, 7, false},
        {AS_OPERATOR_EXP_MODIFY, 8, false},    {AS_OPERATOR_APPEND, 9, false},
        {AS_OPERATOR_PREPEND, 10, false},      {AS_OPERATOR_TOUCH, 11, false},
        {AS_OPERATOR_BIT_READ, 12, false},     {AS_OPERATOR_BIT_MODIFY, 13, false},
        {AS_OPERATOR_DELETE, 14, false},       {AS_OPERATOR_HLL_READ, 15, false},
        {AS_OPERATOR_HLL_MODIFY, 16, false},   {AS_OPERATOR_STRING_READ, 0, false},
        {AS_OPERATOR_STRING_MODIFY, 0, false}, {AS_OPERATOR_TO_STRING, 0, false},
        {(as_operator)77, 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_operations ops;
        as_operations_inita(&ops, 1);
        as_operations_add_read(&ops, "bin");
        ops.binops.entries[0].op = cases[i].op;
        ops.ttl = 12;
        ops.gen = 3;
        tnd_wire_op op = tnd_wire_op_of(&ops.binops.entries[0]);
        assert_int_equal(op.code, cases[i].code);
        assert_string_equal(op.name, "bin");
        assert_null(op.value);
        tnd_wire_ops list = tnd_wire_ops_of(&ops);
        assert_int_equal(list.has_map_ops, cases[i].is_map);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.ttl, 12);
        assert_int_equal(list.gen, 3);
        as_operations_destroy(&ops);
    }
    assert_int_equal(tnd_wire_ops_of(NULL).count, 0);
}

static void refuses_operators_without_a_code(void** state)
{
    (void)state;
    tnd_buf buf;
    as_error err;
    as_key key;
    as_policy_operate policy;
    as_operations operations;
    as_key_init_str(&key, "test", "demo", "key1");
    as_policy_operate_init(&policy);
    tnd_buf_init(&buf, 1 << 20);
    as_operations_inita(&operations, 1);
    as_operations_add_read(&operations, "bin");
    operations.binops.entries[0].op = AS_OPERATOR_TO_STRING;
    tnd_wire_ops ops = tnd_wire_ops_of(&operations);
    assert_int_equal(tnd_wire_operate(&buf, as_error_init(&err), &key, &ops, &policy, 1000),
                     AEROSPIKE_ERR_PARAM);
    assert_int_equal(buf.size, 0);
    as_operations_destroy(&operations);
    tnd_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_a_programs_operations),
        cmocka_unit_test(maps_every_operator),
        cmocka_unit_test(refuses_operators_without_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
