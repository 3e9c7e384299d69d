/*
 * as_list_operations: the golden bytes of protocol/cdt-expressions.md, appendix A, and 11.1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/unit/cdt_vectors.h"

#define READS(packed, call) assert_packs(AS_OPERATOR_CDT_READ, packed, call)
#define MODIFIES(packed, call) assert_packs(AS_OPERATOR_CDT_MODIFY, packed, call)
#define NAME &ops, "b"
#define INVERTED(type) ((as_list_return_type)(AS_LIST_RETURN_##type | AS_LIST_RETURN_INVERTED))

/* List index -1; map key "k1", list rank 0. */
static as_cdt_ctx last_ctx, key_ctx;
static as_list_policy policy;

static int setup(void** state)
{
    (void)state;
    as_cdt_ctx_init(&last_ctx, 1);
    as_cdt_ctx_add_list_index(&last_ctx, -1);
    as_cdt_ctx_init(&key_ctx, 1);
    as_cdt_ctx_add_map_key(&key_ctx, test_value("\"k1\""));
    as_cdt_ctx_add_list_rank(&key_ctx, 0);
    as_list_policy_set(&policy, AS_LIST_ORDERED,
                       (as_list_write_flags)(AS_LIST_WRITE_ADD_UNIQUE | AS_LIST_WRITE_NO_FAIL));
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    as_cdt_ctx_destroy(&last_ctx);
    as_cdt_ctx_destroy(&key_ctx);
    return 0;
}

static void the_list_as_a_whole(void** state)
{
    (void)state;
    MODIFIES("92 00 01", as_operations_list_create(NAME, NULL, AS_LIST_ORDERED, false));
    MODIFIES("93 cc ff 92 50 ff 92 00 00",
             as_operations_list_create(NAME, &last_ctx, AS_LIST_UNORDERED, false));
    MODIFIES("93 cc ff 92 cc d0 ff 92 00 01",
             as_operations_list_create(NAME, &last_ctx, AS_LIST_ORDERED, false));
    as_cdt_ctx first;
    as_cdt_ctx_inita(&first, 1);
    as_cdt_ctx_add_list_index(&first, 0);
    MODIFIES("93 cc ff 92 cc 90 00 92 00 00",
             as_operations_list_create(NAME, &first, AS_LIST_UNORDERED, true));
    as_cdt_ctx_destroy(&first);
    /* Padding before the end of a list that isn't there ends a server. */
    assert_refused("from the end",
                   as_operations_list_create(NAME, &last_ctx, AS_LIST_UNORDERED, true));
    MODIFIES("92 00 11", as_operations_list_create_all(NAME, NULL, AS_LIST_ORDERED, false, true));
    MODIFIES("93 cc ff 92 cc d0 ff 92 00 01",
             as_operations_list_create_all(NAME, &last_ctx, AS_LIST_ORDERED, false, true));
    assert_refused("ordered",
                   as_operations_list_create_all(NAME, NULL, AS_LIST_UNORDERED, false, true));
    MODIFIES("92 00 01", as_operations_list_set_order(NAME, NULL, AS_LIST_ORDERED));
    MODIFIES("93 cc ff 92 10 ff 92 00 00",
             as_operations_list_set_order(NAME, &last_ctx, AS_LIST_UNORDERED));
    MODIFIES("92 0d 02", as_operations_list_sort(NAME, NULL, AS_LIST_SORT_DROP_DUPLICATES));
    MODIFIES("91 0b", as_operations_list_clear(NAME, NULL));
    READS("91 10", as_operations_list_size(NAME, NULL));
    READS("93 cc ff 92 10 ff 91 10", as_operations_list_size(NAME, &last_ctx));
    MODIFIES("93 0a 01 02", as_operations_list_trim(NAME, NULL, 1, 2));
}

static void putting_in(void** state)
{
    (void)state;
    MODIFIES("92 01 05", as_operations_list_append(NAME, NULL, NULL, test_value("5")));
    MODIFIES("94 01 a2 03 78 01 05",
             as_operations_list_append(NAME, NULL, &policy, test_value("\"x\"")));
    MODIFIES("93 cc ff 92 10 ff 92 01 05",
             as_operations_list_append(NAME, &last_ctx, NULL, test_value("5")));
    MODIFIES("93 cc ff 94 22 a3 03 6b 31 11 00 92 01 05",
             as_operations_list_append(NAME, &key_ctx, NULL, test_value("5")));
    MODIFIES("92 02 92 01 a2 03 61",
             as_operations_list_append_items(NAME, NULL, NULL, cdt_list("[1, \"a\"]")));
    MODIFIES("94 02 92 01 a2 03 61 01 05",
             as_operations_list_append_items(NAME, NULL, &policy, cdt_list("[1, \"a\"]")));
    MODIFIES("93 03 01 09", as_operations_list_insert(NAME, NULL, NULL, 1, test_value("9")));
    MODIFIES("94 03 ff 09 05", as_operations_list_insert(NAME, NULL, &policy, -1, test_value("9")));
    MODIFIES("93 04 02 92 01 02",
             as_operations_list_insert_items(NAME, NULL, NULL, 2, cdt_list("[1, 2]")));
    MODIFIES("94 04 02 92 01 02 05",
             as_operations_list_insert_items(NAME, NULL, &policy, 2, cdt_list("[1, 2]")));
    MODIFIES("93 0c 00 01", as_operations_list_increment(NAME, NULL, NULL, 0, NULL));
    MODIFIES("95 0c 00 05 01 05",
             as_operations_list_increment(NAME, NULL, &policy, 0, test_value("5")));
    MODIFIES("93 09 03 a2 03 76", as_operations_list_set(NAME, NULL, NULL, 3, test_value("\"v\"")));
    MODIFIES("94 09 03 a2 03 76 05",
             as_operations_list_set(NAME, NULL, &policy, 3, test_value("\"v\"")));
    MODIFIES("92 01 c0", as_operations_list_append(NAME, NULL, NULL, NULL));
    as_list_policy plain;
    as_list_policy_init(&plain);
    MODIFIES("94 01 05 00 00", as_operations_list_append(NAME, NULL, &plain, test_value("5")));
}

static void by_index_without_a_return_type(void** state)
{
    (void)state;
    MODIFIES("92 05 ff", as_operations_list_pop(NAME, NULL, -1));
    MODIFIES("93 06 01 02", as_operations_list_pop_range(NAME, NULL, 1, 2));
    MODIFIES("92 06 01", as_operations_list_pop_range_from(NAME, NULL, 1));
    MODIFIES("92 07 01", as_operations_list_remove(NAME, NULL, 1));
    MODIFIES("93 08 01 02", as_operations_list_remove_range(NAME, NULL, 1, 2));
    MODIFIES("92 08 01", as_operations_list_remove_range_from(NAME, NULL, 1));
    READS("92 11 ff", as_operations_list_get(NAME, NULL, -1));
    READS("93 12 00 03", as_operations_list_get_range(NAME, NULL, 0, 3));
    READS("92 12 02", as_operations_list_get_range_from(NAME, NULL, 2));
}

static void removals(void** state)
{
    (void)state;
    MODIFIES("93 23 05 05",
             as_operations_list_remove_by_value(NAME, NULL, test_value("5"), AS_LIST_RETURN_COUNT));
    MODIFIES("93 24 ce 00 01 00 05 92 01 02", as_operations_list_remove_by_value_list(
                                                  NAME, NULL, cdt_list("[1, 2]"), INVERTED(COUNT)));
    MODIFIES("94 26 07 01 05",
             as_operations_list_remove_by_value_range(NAME, NULL, test_value("1"), test_value("5"),
                                                      AS_LIST_RETURN_VALUE));
    MODIFIES("94 26 07 c0 05", as_operations_list_remove_by_value_range(
                                   NAME, NULL, NULL, test_value("5"), AS_LIST_RETURN_VALUE));
    MODIFIES("93 26 07 01", as_operations_list_remove_by_value_range(NAME, NULL, test_value("1"),
                                                                     NULL, AS_LIST_RETURN_VALUE));
    MODIFIES("94 28 07 05 ff", as_operations_list_remove_by_value_rel_rank_range_to_end(
                                   NAME, NULL, test_value("5"), -1, AS_LIST_RETURN_VALUE));
    MODIFIES("95 28 07 05 ff 03", as_operations_list_remove_by_value_rel_rank_range(
                                      NAME, NULL, test_value("5"), -1, 3, AS_LIST_RETURN_VALUE));
    MODIFIES("93 20 00 01", as_operations_list_remove_by_index(NAME, NULL, 1, AS_LIST_RETURN_NONE));
    MODIFIES("93 25 00 01",
             as_operations_list_remove_by_index_range_to_end(NAME, NULL, 1, AS_LIST_RETURN_NONE));
    MODIFIES("94 25 00 01 02",
             as_operations_list_remove_by_index_range(NAME, NULL, 1, 2, AS_LIST_RETURN_NONE));
    MODIFIES("93 22 07 ff",
             as_operations_list_remove_by_rank(NAME, NULL, -1, AS_LIST_RETURN_VALUE));
    MODIFIES("93 27 07 fe",
             as_operations_list_remove_by_rank_range_to_end(NAME, NULL, -2, AS_LIST_RETURN_VALUE));
    MODIFIES("94 27 07 fe 02",
             as_operations_list_remove_by_rank_range(NAME, NULL, -2, 2, AS_LIST_RETURN_VALUE));
}

static void selections(void** state)
{
    (void)state;
    READS("93 16 01 a2 03 61",
          as_operations_list_get_by_value(NAME, NULL, test_value("\"a\""), AS_LIST_RETURN_INDEX));
    READS("94 19 03 01 09", as_operations_list_get_by_value_range(
                                NAME, NULL, test_value("1"), test_value("9"), AS_LIST_RETURN_RANK));
    READS("93 17 0d 92 01 02", as_operations_list_get_by_value_list(NAME, NULL, cdt_list("[1, 2]"),
                                                                    AS_LIST_RETURN_EXISTS));
    READS("94 1b 07 05 01", as_operations_list_get_by_value_rel_rank_range_to_end(
                                NAME, NULL, test_value("5"), 1, AS_LIST_RETURN_VALUE));
    READS("95 1b 07 05 01 02", as_operations_list_get_by_value_rel_rank_range(
                                   NAME, NULL, test_value("5"), 1, 2, AS_LIST_RETURN_VALUE));
    READS("93 13 07 02", as_operations_list_get_by_index(NAME, NULL, 2, AS_LIST_RETURN_VALUE));
    READS("93 18 07 02",
          as_operations_list_get_by_index_range_to_end(NAME, NULL, 2, AS_LIST_RETURN_VALUE));
    READS("94 18 07 02 02",
          as_operations_list_get_by_index_range(NAME, NULL, 2, 2, AS_LIST_RETURN_VALUE));
    READS("93 15 07 ff", as_operations_list_get_by_rank(NAME, NULL, -1, AS_LIST_RETURN_VALUE));
    READS("93 1a 07 fe",
          as_operations_list_get_by_rank_range_to_end(NAME, NULL, -2, AS_LIST_RETURN_VALUE));
    READS("94 1a ce 00 01 00 07 fe 02",
          as_operations_list_get_by_rank_range(NAME, NULL, -2, 2, INVERTED(VALUE)));
    READS("94 19 07 c0 d4 ff 01", as_operations_list_get_by_value_range(
                                      NAME, NULL, NULL, test_value("INF"), AS_LIST_RETURN_VALUE));
}

static void without_a_context(void** state)
{
    (void)state;
    MODIFIES("92 01 05", as_operations_add_list_append_int64(NAME, 5));
    MODIFIES("92 01 cb 3f f8 00 00 00 00 00 00", as_operations_add_list_append_double(NAME, 1.5));
    MODIFIES("92 01 a2 03 78", as_operations_add_list_append_str(NAME, "x"));
    MODIFIES("92 01 a2 03 78", as_operations_add_list_append_strp(NAME, strdup("x"), true));
    MODIFIES("92 01 a2 04 ff", as_operations_add_list_append_raw(NAME, (uint8_t*)"\xff", 1));
    MODIFIES("92 01 a2 04 ff",
             as_operations_add_list_append_rawp(NAME, (uint8_t*)strdup("\xff"), 1, true));
    MODIFIES("93 03 01 05", as_operations_add_list_insert_int64(NAME, 1, 5));
    MODIFIES("93 03 01 a2 03 78", as_operations_add_list_insert_str(NAME, 1, "x"));
    MODIFIES("93 03 01 a2 03 78", as_operations_add_list_insert_strp(NAME, 1, strdup("x"), true));
    MODIFIES("93 03 01 cb 3f f8 00 00 00 00 00 00",
             as_operations_add_list_insert_double(NAME, 1, 1.5));
    MODIFIES("93 09 01 05", as_operations_add_list_set_int64(NAME, 1, 5));
    MODIFIES("93 09 01 a2 04 ff", as_operations_add_list_set_raw(NAME, 1, (uint8_t*)"\xff", 1));
    MODIFIES("94 01 05 01 05",
             as_operations_add_list_append_with_policy(NAME, &policy, test_value("5")));
    MODIFIES("92 00 01", as_operations_add_list_set_order(NAME, AS_LIST_ORDERED));
    MODIFIES("91 0b", as_operations_add_list_clear(NAME));
    READS("93 15 07 ff", as_operations_add_list_get_by_rank(NAME, -1, AS_LIST_RETURN_VALUE));
    MODIFIES("93 06 01 02", as_operations_add_list_pop_range(NAME, 1, 2));
}

static void consumes_its_values(void** state)
{
    (void)state;
    as_operations ops;
    as_integer* value = as_integer_new(5);
    as_val_reserve(value);
    as_val_reserve(value);
    as_val_reserve(value);
    as_operations_inita(&ops, 1);
    assert_true(as_operations_list_append(NAME, NULL, NULL, (as_val*)value));
    assert_int_equal(value->_.count, 3);
    assert_false(as_operations_list_append(NAME, NULL, NULL, (as_val*)value)); /* full */
    assert_int_equal(value->_.count, 2);
    assert_false(as_operations_list_append(&ops, "a name of over 15", NULL, NULL, (as_val*)value));
    assert_int_equal(value->_.count, 1);
    assert_int_equal(ops.binops.size, 1);
    as_operations_destroy(&ops);
    as_operations_inita(&ops, 1);
    as_arraylist on_stack; /* its content is released, the struct stays */
    as_arraylist_init(&on_stack, 1, 1);
    as_arraylist_append_int64(&on_stack, 1);
    assert_true(as_operations_list_append_items(NAME, NULL, NULL, (as_list*)&on_stack));
    as_arraylist_destroy(&on_stack);
    assert_false(as_operations_list_append(NULL, "b", NULL, NULL, (as_val*)value));
    as_operations_destroy(&ops);
}

static void refuses_what_cannot_be_packed(void** state)
{
    (void)state;
    assert_refused("type", as_operations_list_append(NAME, NULL, NULL, test_value("x20\"90\"")));
    as_val* val = test_value("\"x\"");
    tnd_mem_fail(1, UINT64_MAX);
    assert_refused("memory", as_operations_list_append(NAME, NULL, NULL, val));
    tnd_mem_fail(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_as_a_whole),
        cmocka_unit_test(putting_in),
        cmocka_unit_test(by_index_without_a_return_type),
        cmocka_unit_test(removals),
        cmocka_unit_test(selections),
        cmocka_unit_test(without_a_context),
        cmocka_unit_test(consumes_its_values),
        cmocka_unit_test(refuses_what_cannot_be_packed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
