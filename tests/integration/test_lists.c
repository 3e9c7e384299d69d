/*
 * Each list operation against a cluster, with the results of protocol/cdt-expressions.md 3, 4 and
 * 11.1; the mini cluster, or the real one that AEROSPIKE_HOSTS names.
 */
#include <aerospike/as_list_operations.h>
#include <aerospike/as_map_operations.h>

#include "tests/integration/cdt_rig.h"

#define TYPE(name) AS_LIST_RETURN_##name
#define INVERTED(name) ((as_list_return_type)(AS_LIST_RETURN_##name | AS_LIST_RETURN_INVERTED))

static as_list_policy* with(as_list_order order, unsigned flags)
{
    static as_list_policy policy;
    as_list_policy_set(&policy, order, (as_list_write_flags)flags);
    return &policy;
}

enum {
    UNIQUE = AS_LIST_WRITE_ADD_UNIQUE,
    BOUNDED = AS_LIST_WRITE_INSERT_BOUNDED,
    NO_FAIL = AS_LIST_WRITE_NO_FAIL,
    PARTIAL = AS_LIST_WRITE_PARTIAL,
};

static void the_list_as_a_whole(void** state)
{
    (void)state;
    CHANGES(NULL, as_operations_list_create(BIN, NULL, AS_LIST_ORDERED, false), "", "[]");
    CHANGES("[3, 1, 3]", as_operations_list_set_order(BIN, NULL, AS_LIST_ORDERED), "", "[1, 3, 3]");
    CHANGES(NULL, as_operations_list_create_all(BIN, NULL, AS_LIST_ORDERED, false, true), "", "[]");
    CHANGES("[3, 1, 3]", as_operations_list_sort(BIN, NULL, AS_LIST_SORT_DEFAULT), "", "[1, 3, 3]");
    CHANGES("[3, 1, 3]", as_operations_list_sort(BIN, NULL, AS_LIST_SORT_DROP_DUPLICATES), "",
            "[1, 3]");
    CHANGES("[2, \"a\", NIL, 1.5, true, [1], {1:2}, x\"01\", -1]",
            as_operations_list_sort(BIN, NULL, AS_LIST_SORT_DEFAULT), "",
            "[NIL, true, -1, 2, \"a\", [1], {1:2}, 01, 1.5]");
    CHANGES(NULL, as_operations_list_sort(BIN, NULL, AS_LIST_SORT_DEFAULT), "error 12", NULL);
    CHANGES("[1, 2]", as_operations_list_clear(BIN, NULL), "", "[]");
    CHANGES(NULL, as_operations_list_clear(BIN, NULL), "", NULL);
    CHANGES("[1, 2, 3, 4]", as_operations_list_trim(BIN, NULL, 1, 2), "2", "[2, 3]");
    CHANGES("[1, 2, 3, 4]", as_operations_list_trim(BIN, NULL, -1, 9), "3", "[4]");
    READS("[1, 2]", as_operations_list_size(BIN, NULL), "2");
    READS("[]", as_operations_list_size(BIN, NULL), "0");
}

static void putting_in(void** state)
{
    (void)state;
    CHANGES("[1, 2]", as_operations_list_append(BIN, NULL, NULL, V("5")), "3", "[1, 2, 5]");
    CHANGES(NULL, as_operations_list_append(BIN, NULL, NULL, V("5")), "1", "[5]");
    CHANGES(NULL, as_operations_list_append(BIN, NULL, with(AS_LIST_ORDERED, 5), V("\"x\"")), "1",
            "[\"x\"]");
    CHANGES("[1, 2]", as_operations_list_append_items(BIN, NULL, NULL, L("[1, \"a\"]")), "4",
            "[1, 2, 1, \"a\"]");
    CHANGES(NULL,
            as_operations_list_append_items(BIN, NULL, with(AS_LIST_ORDERED, 0), L("[3, 1, 2]")),
            "3", "[1, 2, 3]");
    CHANGES("[1, 2]", as_operations_list_insert(BIN, NULL, NULL, 1, V("9")), "3", "[1, 9, 2]");
    CHANGES("[1, 2]", as_operations_list_insert(BIN, NULL, NULL, -1, V("9")), "3", "[1, 9, 2]");
    CHANGES("[1]", as_operations_list_insert(BIN, NULL, NULL, 3, V("9")), "4", "[1, NIL, NIL, 9]");
    CHANGES("[1]", as_operations_list_insert(BIN, NULL, NULL, -3, V("9")), "error 26", NULL);
    CHANGES("[1]", as_operations_list_insert(BIN, NULL, with(0, BOUNDED), 3, V("9")), "error 26",
            NULL);
    CHANGES("[1]", as_operations_list_insert(BIN, NULL, with(0, BOUNDED | NO_FAIL), 3, V("9")), "1",
            "[1]");
    CHANGES("[1, 4]", as_operations_list_insert_items(BIN, NULL, NULL, 1, L("[2, 3]")), "4",
            "[1, 2, 3, 4]");
    CHANGES("[1, 2]", as_operations_list_set(BIN, NULL, NULL, 1, V("\"v\"")), "", "[1, \"v\"]");
    CHANGES("[1]", as_operations_list_set(BIN, NULL, NULL, 2, V("7")), "", "[1, NIL, 7]");
    CHANGES("[1]", as_operations_list_set(BIN, NULL, NULL, -2, V("7")), "error 26", NULL);
    CHANGES("[1, 2]", as_operations_list_increment(BIN, NULL, NULL, 0, V("5")), "6", "[6, 2]");
    CHANGES("[1, 2]", as_operations_list_increment(BIN, NULL, NULL, 1, NULL), "3", "[1, 3]");
    CHANGES("[1.5]", as_operations_list_increment(BIN, NULL, NULL, 0, V("1")), "2.5", "[2.5]");
    CHANGES("[]", as_operations_list_increment(BIN, NULL, NULL, 1, V("4")), "4", "[NIL, 4]");
    CHANGES("[\"a\"]", as_operations_list_increment(BIN, NULL, NULL, 0, V("1")), "error 4", NULL);
    CHANGES("[1]", as_operations_list_append(BIN, NULL, NULL, V("[1, *]")), "error 4", NULL);
}

static void unique_elements(void** state)
{
    (void)state;
    CHANGES("[1, 2]", as_operations_list_append(BIN, NULL, with(0, UNIQUE), V("2")), "error 24",
            NULL);
    CHANGES("[1, 2]", as_operations_list_append(BIN, NULL, with(0, UNIQUE | NO_FAIL), V("2")), "2",
            "[1, 2]");
    CHANGES("[1, 2]", as_operations_list_append(BIN, NULL, with(0, UNIQUE), V("2.0")), "3",
            "[1, 2, 2]");
    CHANGES("[1]", as_operations_list_append_items(BIN, NULL, with(0, UNIQUE), L("[2, 2, 3]")),
            "error 26", NULL);
    CHANGES(
        "[1]",
        as_operations_list_append_items(BIN, NULL, with(0, UNIQUE | NO_FAIL), L("[2, 2, 1, 3]")),
        "1", "[1]");
    CHANGES("[1]",
            as_operations_list_append_items(BIN, NULL, with(0, UNIQUE | NO_FAIL | PARTIAL),
                                            L("[2, 2, 1, 3]")),
            "3", "[1, 2, 3]");
    CHANGES("[1, 2]", as_operations_list_set(BIN, NULL, with(0, UNIQUE), 1, V("1")), "error 24",
            NULL);
    CHANGES("[1, 2]", as_operations_list_set(BIN, NULL, with(0, UNIQUE), 1, V("2")), "", "[1, 2]");
}

/* Ordered by the operation before, in the same command. */
static void ordered_lists(void** state)
{
    (void)state;
#define ORDERED(before, call, result, after)                                                       \
    do {                                                                                           \
        case_begin(before);                                                                        \
        as_operations_list_set_order(BIN, NULL, AS_LIST_ORDERED);                                  \
        (void)(call);                                                                              \
        case_end(#call, result, after);                                                            \
    } while (0)
    ORDERED("[5, 1]", as_operations_list_append(BIN, NULL, NULL, V("3")), "3", "[1, 3, 5]");
    ORDERED("[5, 1]", as_operations_list_append_items(BIN, NULL, NULL, L("[9, 0]")), "4",
            "[0, 1, 5, 9]");
    ORDERED("[5, 1]", as_operations_list_insert(BIN, NULL, NULL, 0, V("3")), "error 26", NULL);
    ORDERED("[5, 1]", as_operations_list_set(BIN, NULL, NULL, 0, V("3")), "error 26", NULL);
    ORDERED("[5, 1]", as_operations_list_increment(BIN, NULL, NULL, 0, V("9")), "10", "[5, 10]");
    ORDERED("[5, 1, 5]", as_operations_list_get_by_value(BIN, NULL, V("5"), TYPE(RANK)), "[1, 2]",
            "[1, 5, 5]");
    ORDERED("[5, 1]", as_operations_list_set_order(BIN, NULL, AS_LIST_UNORDERED), "", "[1, 5]");
}

static void by_index_without_a_return_type(void** state)
{
    (void)state;
    CHANGES("[1, 2, 3]", as_operations_list_pop(BIN, NULL, -1), "3", "[1, 2]");
    CHANGES("[1, 2, 3]", as_operations_list_pop(BIN, NULL, 3), "error 26", NULL);
    CHANGES("[1, 2, 3]", as_operations_list_pop_range(BIN, NULL, 1, 9), "[2, 3]", "[1]");
    CHANGES("[1, 2, 3]", as_operations_list_pop_range_from(BIN, NULL, -2), "[2, 3]", "[1]");
    CHANGES("[1, 2, 3]", as_operations_list_remove(BIN, NULL, 0), "1", "[2, 3]");
    CHANGES("[1, 2, 3]", as_operations_list_remove(BIN, NULL, -4), "error 26", NULL);
    CHANGES("[1, 2, 3]", as_operations_list_remove_range(BIN, NULL, 1, 1), "1", "[1, 3]");
    CHANGES("[1, 2, 3]", as_operations_list_remove_range_from(BIN, NULL, 1), "2", "[1]");
    CHANGES("[1]", as_operations_list_remove_range_from(BIN, NULL, 0), "1", "[]");
    READS("[1, 2, 3]", as_operations_list_get(BIN, NULL, -1), "3");
    READS("[1, 2, [4]]", as_operations_list_get(BIN, NULL, 2), "[4]");
    CHANGES("[1]", as_operations_list_get(BIN, NULL, 1), "error 26", NULL);
    READS("[1, 2, 3]", as_operations_list_get_range(BIN, NULL, 0, 2), "[1, 2]");
    READS("[1, 2, 3]", as_operations_list_get_range(BIN, NULL, -5, 3), "[1]");
    READS("[1, 2, 3]", as_operations_list_get_range_from(BIN, NULL, 1), "[2, 3]");
    READS("[1, 2, 3]", as_operations_list_get_range_from(BIN, NULL, 7), "[]");
    CHANGES(NULL, as_operations_list_pop(BIN, NULL, 0), "", NULL);
    CHANGES(NULL, as_operations_list_remove(BIN, NULL, 0), "", NULL);
}

static void every_return_type(void** state)
{
    (void)state;
    static const char list[] = "[4, 1, 3, 1]";
    static const struct {
        unsigned type;
        const char* result;
    } of_ones[] = {{TYPE(INDEX), "[1, 3]"}, {TYPE(REVERSE_INDEX), "[2, 0]"},
                   {TYPE(RANK), "[0, 1]"},  {TYPE(REVERSE_RANK), "[2, 3]"},
                   {TYPE(COUNT), "2"},      {TYPE(VALUE), "[1, 1]"},
                   {TYPE(EXISTS), "true"},  {INVERTED(VALUE), "[4, 3]"},
                   {INVERTED(COUNT), "2"},  {INVERTED(INDEX), "[0, 2]"},
                   {TYPE(NONE), "NIL"}};
    for (size_t i = 0; i < sizeof(of_ones) / sizeof(of_ones[0]); i++) {
        READS(list,
              as_operations_list_get_by_value(BIN, NULL, V("1"),
                                              (as_list_return_type)of_ones[i].type),
              of_ones[i].result);
    }
    READS(list, as_operations_list_get_by_value(BIN, NULL, V("7"), TYPE(INDEX)), "[]");
    READS(list, as_operations_list_get_by_value(BIN, NULL, V("7"), TYPE(COUNT)), "0");
    READS(list, as_operations_list_get_by_value(BIN, NULL, V("7"), TYPE(EXISTS)), "false");
    READS(list, as_operations_list_get_by_index(BIN, NULL, 2, TYPE(VALUE)), "3");
    READS(list, as_operations_list_get_by_index(BIN, NULL, 2, TYPE(RANK)), "2");
    READS(list, as_operations_list_get_by_index(BIN, NULL, 2, TYPE(REVERSE_INDEX)), "1");
    READS(list, as_operations_list_get_by_index(BIN, NULL, 2, TYPE(COUNT)), "1");
    CHANGES(list, as_operations_list_get_by_index(BIN, NULL, 4, TYPE(VALUE)), "error 26", NULL);
    CHANGES(list, as_operations_list_get_by_index(BIN, NULL, 0, INVERTED(VALUE)), "error 26", NULL);
    CHANGES(list, as_operations_list_get_by_index(BIN, NULL, 0, (as_list_return_type)6), "error 26",
            NULL);
    READS(list, as_operations_list_get_by_rank(BIN, NULL, -1, TYPE(VALUE)), "4");
    READS(list, as_operations_list_get_by_rank(BIN, NULL, 2, TYPE(INDEX)), "2");
    CHANGES(list, as_operations_list_get_by_rank(BIN, NULL, -5, TYPE(VALUE)), "error 26", NULL);
}

static void selections(void** state)
{
    (void)state;
    READS("[1, 5, 2, 5]",
          as_operations_list_get_by_value_range(BIN, NULL, V("1"), V("5"), TYPE(VALUE)), "[1, 2]");
    READS("[1, 5, 2, 5]",
          as_operations_list_get_by_value_range(BIN, NULL, NULL, V("2"), TYPE(COUNT)), "1");
    READS("[1, 5, 2, \"a\"]",
          as_operations_list_get_by_value_range(BIN, NULL, V("2"), NULL, TYPE(VALUE)),
          "[5, 2, \"a\"]");
    READS("[4, 1, 3]", as_operations_list_get_by_value_list(BIN, NULL, L("[1, 2]"), TYPE(EXISTS)),
          "true");
    READS("[4, 1, 3]", as_operations_list_get_by_value_list(BIN, NULL, L("[1, 4]"), TYPE(VALUE)),
          "[4, 1]");
    READS("[1, 5, 2, 5]",
          as_operations_list_get_by_value_rel_rank_range(BIN, NULL, V("5"), -1, 3, TYPE(COUNT)),
          "3");
    READS("[0, 4, 5, 9, 11, 15]",
          as_operations_list_get_by_value_rel_rank_range_to_end(BIN, NULL, V("5"), 0, TYPE(VALUE)),
          "[5, 9, 11, 15]");
    READS("[0, 4, 5, 9, 11, 15]",
          as_operations_list_get_by_value_rel_rank_range_to_end(BIN, NULL, V("5"), -1, TYPE(VALUE)),
          "[4, 5, 9, 11, 15]");
    READS("[0, 4, 5, 9, 11, 15]",
          as_operations_list_get_by_value_rel_rank_range_to_end(BIN, NULL, V("3"), 3, TYPE(VALUE)),
          "[11, 15]");
    READS("[4, 1, 3]", as_operations_list_get_by_index_range(BIN, NULL, 1, 2, TYPE(VALUE)),
          "[1, 3]");
    READS("[4, 1, 3]", as_operations_list_get_by_index_range_to_end(BIN, NULL, -1, TYPE(INDEX)),
          "[2]");
    READS("[4, 1, 3]", as_operations_list_get_by_index_range(BIN, NULL, 1, 1, INVERTED(VALUE)),
          "[4, 3]");
    READS("[4, 1, 3]", as_operations_list_get_by_rank_range(BIN, NULL, -2, 2, INVERTED(VALUE)),
          "[1]");
    READS("[4, 1, 3]", as_operations_list_get_by_rank_range_to_end(BIN, NULL, 1, TYPE(COUNT)), "2");
    READS("[4, 1, 3]", as_operations_list_get_by_rank_range(BIN, NULL, 5, 2, TYPE(VALUE)), "[]");
    /* A wildcard ends the comparison. */
    READS("[[\"a\"], [\"a\", 1], [\"a\", 1, 2], [\"b\", 1], [], 1]",
          as_operations_list_get_by_value(BIN, NULL, V("[\"a\", *]"), TYPE(INDEX)), "[1, 2]");
    READS("[[\"a\"], [], 1]", as_operations_list_get_by_value(BIN, NULL, V("[*]"), TYPE(INDEX)),
          "[0]");
    READS("[[\"a\"], [\"a\", 1], [\"b\", 1], 1]",
          as_operations_list_get_by_value_range(BIN, NULL, V("[\"a\", NIL]"), V("[\"a\", INF]"),
                                                TYPE(COUNT)),
          "1");
}

static void removals(void** state)
{
    (void)state;
    static const char list[] = "[1, 5, 2, 5]";
    CHANGES(list, as_operations_list_remove_by_value(BIN, NULL, V("5"), TYPE(COUNT)), "2",
            "[1, 2]");
    CHANGES(list, as_operations_list_remove_by_value(BIN, NULL, V("7"), TYPE(COUNT)), "0",
            "[1, 5, 2, 5]");
    CHANGES(list, as_operations_list_remove_by_value_list(BIN, NULL, L("[1, 2]"), INVERTED(COUNT)),
            "2", "[1, 2]");
    CHANGES(list, as_operations_list_remove_by_value_range(BIN, NULL, V("2"), V("5"), TYPE(VALUE)),
            "[2]", "[1, 5, 5]");
    CHANGES(
        list,
        as_operations_list_remove_by_value_rel_rank_range_to_end(BIN, NULL, V("2"), 1, TYPE(COUNT)),
        "2", "[1, 2]");
    CHANGES(list,
            as_operations_list_remove_by_value_rel_rank_range(BIN, NULL, V("2"), 0, 1, TYPE(VALUE)),
            "[2]", "[1, 5, 5]");
    CHANGES(list, as_operations_list_remove_by_index(BIN, NULL, 1, TYPE(VALUE)), "5", "[1, 2, 5]");
    CHANGES(list, as_operations_list_remove_by_index(BIN, NULL, 9, TYPE(VALUE)), "error 26", NULL);
    CHANGES(list, as_operations_list_remove_by_index_range(BIN, NULL, 0, 2, TYPE(VALUE)), "[1, 5]",
            "[2, 5]");
    CHANGES(list, as_operations_list_remove_by_index_range_to_end(BIN, NULL, 1, TYPE(COUNT)), "3",
            "[1]");
    CHANGES(list, as_operations_list_remove_by_rank(BIN, NULL, 0, TYPE(VALUE)), "1", "[5, 2, 5]");
    CHANGES(list, as_operations_list_remove_by_rank_range(BIN, NULL, 0, 2, TYPE(COUNT)), "2",
            "[5, 5]");
    CHANGES(list, as_operations_list_remove_by_rank_range_to_end(BIN, NULL, -2, TYPE(COUNT)), "2",
            "[1, 2]");
    CHANGES(list, as_operations_list_remove_by_rank(BIN, NULL, 0, TYPE(NONE)), "", "[5, 2, 5]");
}

static void wrong_bins_and_missing_ones(void** state)
{
    (void)state;
    CHANGES("5", as_operations_list_append(BIN, NULL, NULL, V("1")), "error 12", NULL);
    CHANGES("\"text\"", as_operations_list_size(BIN, NULL), "error 12", NULL);
    CHANGES("{1:2}", as_operations_list_size(BIN, NULL), "error 12", NULL);
    /* The record is missing. */
    as_error err;
    aerospike_key_remove(&as, &err, NULL, &key);
    as_operations_init(&ops, 2);
    as_operations_list_size(BIN, NULL);
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "error 2");
    as_operations_init(&ops, 2);
    as_operations_list_clear(BIN, NULL);
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "error 2");
    as_operations_init(&ops, 2);
    as_operations_list_append(BIN, NULL, NULL, V("1"));
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "b=1");
    /* A bin is missing: a read alone has no entry for it. */
    as_operations_init(&ops, 2);
    as_operations_list_size(&ops, "none", NULL);
    as_operations_list_get(BIN, NULL, 0);
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "b=1");
    as_policy_operate policy;
    as_policy_operate_init(&policy);
    policy.base.total_timeout = 5000;
    policy.respond_all_ops = true;
    as_operations_init(&ops, 3);
    as_operations_list_size(&ops, "none", NULL);
    as_operations_list_set(BIN, NULL, NULL, 0, V("2"));
    as_operations_list_get(BIN, NULL, 0);
    assert_string_equal(test_operate(&as, &policy, &key, &ops), "none=NIL b=NIL b=2");
}

static as_cdt_ctx* ctx_of_index(int index)
{
    as_cdt_ctx* ctx = as_cdt_ctx_create(2);
    as_cdt_ctx_add_list_index(ctx, index);
    return ctx;
}

#define NESTED(before, ctx, call, result, after)                                                   \
    do {                                                                                           \
        as_cdt_ctx* c = (ctx);                                                                     \
        case_begin(before);                                                                        \
        (void)(call);                                                                              \
        as_cdt_ctx_destroy(c);                                                                     \
        case_end(#call, result, after);                                                            \
    } while (0)

static void nested_lists(void** state)
{
    (void)state;
    as_cdt_ctx* ctx;
    NESTED("[1, [2, 3]]", ctx_of_index(-1), as_operations_list_append(BIN, c, NULL, V("5")), "3",
           "[1, [2, 3, 5]]");
    NESTED("[1, [2, 3]]", ctx_of_index(0), as_operations_list_append(BIN, c, NULL, V("5")),
           "error 12", NULL);
    NESTED("[1, [2, 3]]", ctx_of_index(2), as_operations_list_append(BIN, c, NULL, V("5")),
           "error 26", NULL);
    NESTED("7", ctx_of_index(0), as_operations_list_size(BIN, c), "error 4", NULL);
    NESTED(NULL, ctx_of_index(0), as_operations_list_append(BIN, c, NULL, V("5")), "error 26",
           NULL);
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_key(ctx, V("\"k\""));
    as_cdt_ctx_add_list_rank(ctx, 0);
    NESTED("{\"k\":[[9], [1, 2]]}", ctx, as_operations_list_append(BIN, c, NULL, V("5")), "3",
           "{\"k\":[[9], [1, 2, 5]]}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_list_value(ctx, V("[1]"));
    NESTED("[[2], [1], [1]]", ctx, as_operations_list_append(BIN, c, NULL, V("5")), "2",
           "[[2], [1, 5], [1]]");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_list_index_create(ctx, 0, AS_LIST_UNORDERED, false);
    NESTED(NULL, ctx, as_operations_list_append(BIN, c, NULL, V("5")), "1", "[[5]]");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_list_index_create(ctx, 2, AS_LIST_UNORDERED, true);
    NESTED("[1]", ctx, as_operations_list_append(BIN, c, NULL, V("5")), "1", "[1, NIL, [5]]");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_list_index_create(ctx, 2, AS_LIST_UNORDERED, false);
    NESTED("[1]", ctx, as_operations_list_append(BIN, c, NULL, V("5")), "error 26", NULL);
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_key_create(ctx, V("\"a\""), AS_MAP_KEY_ORDERED);
    as_cdt_ctx_add_map_key_create(ctx, V("\"b\""), AS_MAP_UNORDERED);
    NESTED(NULL, ctx, as_operations_list_append(BIN, c, NULL, V("5")), "1", "{\"a\":{\"b\":[5]}}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_key(ctx, V("\"new\""));
    NESTED("{}", ctx, as_operations_list_create(BIN, c, AS_LIST_ORDERED, false), "",
           "{\"new\":[]}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_list_index_create(ctx, -1, AS_LIST_UNORDERED, true);
    NESTED("[1]", ctx, as_operations_list_size(BIN, c), "refused -2", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_as_a_whole),
        cmocka_unit_test(putting_in),
        cmocka_unit_test(unique_elements),
        cmocka_unit_test(ordered_lists),
        cmocka_unit_test(by_index_without_a_return_type),
        cmocka_unit_test(every_return_type),
        cmocka_unit_test(selections),
        cmocka_unit_test(removals),
        cmocka_unit_test(wrong_bins_and_missing_ones),
        cmocka_unit_test(nested_lists),
    };
    RIG_MAIN(tests)
}
