/*
 * as_val_cmp: the order of protocol/cdt-expressions.md 1.7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <aerospike/as_msgpack.h>
#include <aerospike/as_types.h>

#include "tests/lib/value.h"

/* In the server's order. */
static const char* const ascending[] = {
    "NIL",       "false",      "true",      "-9223372036854775808",
    "-5",        "0",          "5",         "9223372036854775807",
    "\"\"",      "\"a\"",      "\"aa\"",    "\"b\"",
    "[]",        "[NIL]",      "[1]",       "[1, 2]",
    "[2]",       "{}",         "{\"a\":1}", "{\"a\":2}",
    "{\"b\":0}", "{1:1, 2:2}", "x\"\"",     "x\"01\"",
    "x18\"\"",   "x18\"01\"",  "-1.5",      "1.25",
    "1.5",       "g\"{}\"",    "INF"};

static void sorts(void** state)
{
    (void)state;
    size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            as_val* a = test_value(ascending[i]);
            as_val* b = test_value(ascending[k]);
            msgpack_compare_t expected = i < k   ? MSGPACK_COMPARE_LESS
                                         : i > k ? MSGPACK_COMPARE_GREATER
                                                 : MSGPACK_COMPARE_EQUAL;
            if (as_val_cmp(a, b) != expected) {
                fail_msg("%s and %s: %d", ascending[i], ascending[k], (int)as_val_cmp(a, b));
            }
            as_val_destroy(a);
            as_val_destroy(b);
        }
    }
}

static msgpack_compare_t compare(const char* left, const char* right)
{
    as_val* a = test_value(left);
    as_val* b = test_value(right);
    msgpack_compare_t order = as_val_cmp(a, b);
    as_val_destroy(a);
    as_val_destroy(b);
    return order;
}

static void a_wildcard_ends_the_comparison(void** state)
{
    (void)state;
    assert_int_equal(compare("*", "5"), MSGPACK_COMPARE_EQUAL);
    assert_int_equal(compare("[\"a\", 1, 2]", "[\"a\", *]"), MSGPACK_COMPARE_EQUAL);
    assert_int_equal(compare("[\"a\"]", "[\"a\", *]"), MSGPACK_COMPARE_LESS);
    assert_int_equal(compare("[\"b\", 1]", "[\"a\", *]"), MSGPACK_COMPARE_GREATER);
    assert_int_equal(compare("[\"a\", 1, 3]", "[\"a\", *, 2]"), MSGPACK_COMPARE_EQUAL);
    assert_int_equal(compare("{1:5}", "{1:*}"), MSGPACK_COMPARE_EQUAL);
}

static void what_has_no_order(void** state)
{
    (void)state;
    as_pair pair;
    as_integer one;
    as_integer_init(&one, 1);
    as_pair_init(&pair, NULL, NULL);
    assert_int_equal(as_val_cmp(NULL, (as_val*)&one), MSGPACK_COMPARE_ERROR);
    assert_int_equal(as_val_cmp((as_val*)&pair, (as_val*)&one), MSGPACK_COMPARE_ERROR);
    as_val* deep[2];
    for (int i = 0; i < 2; i++) {
        deep[i] = test_value("[]");
        for (int k = 0; k < 300; k++) {
            as_arraylist* outer = as_arraylist_new(1, 0);
            as_arraylist_append(outer, deep[i]);
            deep[i] = (as_val*)outer;
        }
    }
    assert_int_equal(as_val_cmp(deep[0], deep[1]), MSGPACK_COMPARE_ERROR);
    as_val_destroy(deep[0]);
    as_val_destroy(deep[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts),
        cmocka_unit_test(a_wildcard_ends_the_comparison),
        cmocka_unit_test(what_has_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
