/*
 * Each map operation against a cluster, with the results of protocol/cdt-expressions.md 3, 5 and
 * 11.2; the mini cluster, or the real one that AEROSPIKE_HOSTS names.
 */
#include <aerospike/as_map_operations.h>

#include "tests/integration/cdt_rig.h"

#define TYPE(name) AS_MAP_RETURN_##name
#define INVERTED(name) ((as_map_return_type)(AS_MAP_RETURN_##name | AS_MAP_RETURN_INVERTED))

static as_map_policy* with_mode(as_map_order order, as_map_write_mode mode)
{
    static as_map_policy policy;
    as_map_policy_set(&policy, order, mode);
    return &policy;
}

static as_map_policy* with_flags(as_map_order order, uint32_t flags)
{
    static as_map_policy policy;
    as_map_policy_set_flags(&policy, order, flags);
    return &policy;
}

enum {
    CREATE = AS_MAP_WRITE_CREATE_ONLY,
    UPDATE = AS_MAP_WRITE_UPDATE_ONLY,
    NO_FAIL = AS_MAP_WRITE_NO_FAIL,
    PARTIAL = AS_MAP_WRITE_PARTIAL,
};

static void the_map_as_a_whole(void** state)
{
    (void)state;
    MAP_CHANGES(NULL, as_operations_map_create(BIN, NULL, AS_MAP_KEY_ORDERED), "NIL", "{}");
    MAP_CHANGES(NULL, as_operations_map_create_all(BIN, NULL, AS_MAP_KEY_ORDERED, true), "NIL",
                "{}");
    MAP_CHANGES("{2:1, 1:2}",
                as_operations_map_set_policy(BIN, NULL, with_mode(AS_MAP_KEY_VALUE_ORDERED, 0)),
                "NIL", "{1:2, 2:1}");
    MAP_CHANGES("K{1:2}", as_operations_map_clear(BIN, NULL), "NIL", "{}");
    MAP_CHANGES(NULL, as_operations_map_clear(BIN, NULL), "NIL", NULL);
    MAP_READS("{1:2, 2:3}", as_operations_map_size(BIN, NULL), "2");
    MAP_READS(NULL, as_operations_map_size(BIN, NULL), "NIL");
}

static void putting_in(void** state)
{
    (void)state;
    MAP_CHANGES(NULL, as_operations_map_put(BIN, NULL, NULL, V("\"a\""), V("1")), "1", "{\"a\":1}");
    MAP_CHANGES("{\"b\":2}", as_operations_map_put(BIN, NULL, NULL, V("\"a\""), V("[1]")), "2",
                "{\"a\":[1], \"b\":2}");
    MAP_CHANGES("{\"a\":1}", as_operations_map_put(BIN, NULL, NULL, V("\"a\""), V("7")), "1",
                "{\"a\":7}");
    MAP_CHANGES("{\"a\":1}",
                as_operations_map_put_items(BIN, NULL, NULL, M("{\"a\":2, 5:6, x\"01\":NIL}")), "3",
                "{5:6, \"a\":2, 01:NIL}");
    MAP_CHANGES("{\"a\":1}",
                as_operations_map_increment(BIN, NULL, with_mode(0, 0), V("\"a\""), V("10")), "11",
                "{\"a\":11}");
    MAP_CHANGES("{\"a\":1}",
                as_operations_map_decrement(BIN, NULL, with_mode(0, 0), V("\"a\""), V("3")), "-2",
                "{\"a\":-2}");
    MAP_CHANGES("{\"a\":1.5}",
                as_operations_map_increment(BIN, NULL, with_mode(0, 0), V("\"a\""), V("1")), "2.5",
                "{\"a\":2.5}");
    MAP_CHANGES(NULL, as_operations_map_increment(BIN, NULL, with_mode(0, 0), V("\"n\""), NULL),
                "1", "{\"n\":1}");
    MAP_CHANGES(NULL, as_operations_map_decrement(BIN, NULL, with_mode(0, 0), V("\"n\""), V("4")),
                "-4", "{\"n\":-4}");
    MAP_CHANGES("{\"a\":\"x\"}",
                as_operations_map_increment(BIN, NULL, with_mode(0, 0), V("\"a\""), V("1")),
                "error 4", NULL);
    MAP_CHANGES("{}", as_operations_map_put(BIN, NULL, NULL, V("1.5"), V("1")), "error 4", NULL);
    MAP_CHANGES("{}", as_operations_map_put(BIN, NULL, NULL, V("NIL"), V("1")), "error 4", NULL);
    MAP_CHANGES("{}", as_operations_map_put(BIN, NULL, NULL, V("1"), V("*")), "error 4", NULL);
}

static void write_modes_and_flags(void** state)
{
    (void)state;
#define PUT(policy, key) as_operations_map_put(BIN, NULL, policy, V(key), V("9"))
    MAP_CHANGES("{\"a\":1}", PUT(with_mode(0, AS_MAP_CREATE_ONLY), "\"a\""), "error 24", NULL);
    MAP_CHANGES("{\"a\":1}", PUT(with_mode(0, AS_MAP_CREATE_ONLY), "\"b\""), "2",
                "{\"a\":1, \"b\":9}");
    MAP_CHANGES("{\"a\":1}", PUT(with_mode(0, AS_MAP_UPDATE_ONLY), "\"a\""), "1", "{\"a\":9}");
    MAP_CHANGES("{\"a\":1}", PUT(with_mode(0, AS_MAP_UPDATE_ONLY), "\"b\""), "error 23", NULL);
    MAP_CHANGES(NULL, PUT(with_mode(0, AS_MAP_UPDATE_ONLY), "\"b\""), "error 23", NULL);
    MAP_CHANGES("{\"a\":1}", PUT(with_flags(0, CREATE), "\"a\""), "error 24", NULL);
    MAP_CHANGES("{\"a\":1}", PUT(with_flags(0, UPDATE), "\"b\""), "error 23", NULL);
    MAP_CHANGES("{\"a\":1}", PUT(with_flags(0, CREATE | NO_FAIL), "\"a\""), "1", "{\"a\":1}");
    MAP_CHANGES("{\"a\":1}", PUT(with_flags(0, UPDATE | NO_FAIL), "\"b\""), "1", "{\"a\":1}");
#define ITEMS(policy) as_operations_map_put_items(BIN, NULL, policy, M("{\"a\":8, \"b\":9}"))
    MAP_CHANGES("{\"a\":1}", ITEMS(with_flags(0, CREATE)), "error 24", NULL);
    MAP_CHANGES("{\"a\":1}", ITEMS(with_flags(0, CREATE | NO_FAIL)), "1", "{\"a\":1}");
    MAP_CHANGES("{\"a\":1}", ITEMS(with_flags(0, CREATE | NO_FAIL | PARTIAL)), "2",
                "{\"a\":1, \"b\":9}");
    MAP_CHANGES("{\"a\":1}", ITEMS(with_flags(0, UPDATE | NO_FAIL | PARTIAL)), "1", "{\"a\":8}");
    MAP_CHANGES("{\"a\":1}", ITEMS(with_mode(0, AS_MAP_UPDATE_ONLY)), "error 23", NULL);
    MAP_CHANGES("{\"c\":1}", ITEMS(with_mode(0, AS_MAP_CREATE_ONLY)), "3",
                "{\"a\":8, \"b\":9, \"c\":1}");
}

static void every_return_type(void** state)
{
    (void)state;
    static const char map[] = "K{\"a\":3, \"b\":1, \"c\":2}";
    static const struct {
        unsigned type;
        const char* range;
        const char* hit;
        const char* miss;
    } cases[] = {
        {TYPE(NONE), "NIL", "NIL", "NIL"},
        {TYPE(INDEX), "[0, 1]", "1", "-1"},
        {TYPE(REVERSE_INDEX), "[1, 2]", "1", "-1"},
        {TYPE(RANK), "[2, 0]", "0", "-1"},
        {TYPE(REVERSE_RANK), "[0, 2]", "2", "-1"},
        {TYPE(COUNT), "2", "1", "0"},
        {TYPE(KEY), "[\"a\", \"b\"]", "\"b\"", "NIL"},
        {TYPE(VALUE), "[3, 1]", "1", "NIL"},
        {TYPE(KEY_VALUE), "[\"a\", 3, \"b\", 1]", "[\"b\", 1]", "[]"},
        {TYPE(EXISTS), "true", "true", "false"},
        {TYPE(UNORDERED_MAP), "{\"a\":3, \"b\":1}", "{\"b\":1}", "{}"},
        {TYPE(ORDERED_MAP), "{\"a\":3, \"b\":1}", "{\"b\":1}", "{}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_map_return_type type = (as_map_return_type)cases[i].type;
        MAP_READS(map, as_operations_map_get_by_key_range(BIN, NULL, V("\"a\""), V("\"c\""), type),
                  cases[i].range);
        MAP_READS(map, as_operations_map_get_by_key(BIN, NULL, V("\"b\""), type), cases[i].hit);
        MAP_READS(map, as_operations_map_get_by_key(BIN, NULL, V("\"z\""), type), cases[i].miss);
    }
    MAP_READS(map,
              as_operations_map_get_by_key_range(BIN, NULL, V("\"a\""), V("\"c\""), INVERTED(KEY)),
              "[\"c\"]");
    MAP_CHANGES(map, as_operations_map_get_by_key(BIN, NULL, V("\"a\""), (as_map_return_type)14),
                "error 26", NULL);
    MAP_CHANGES(map, as_operations_map_get_by_key(BIN, NULL, V("\"a\""), INVERTED(KEY)), "error 26",
                NULL);
}

static void selections_by_key_and_index(void** state)
{
    (void)state;
    static const char map[] = "{\"a\":3, \"b\":1, \"c\":2}";
    MAP_READS(map, as_operations_map_get_by_key_range(BIN, NULL, NULL, V("\"b\""), TYPE(KEY)),
              "[\"a\"]");
    MAP_READS(map, as_operations_map_get_by_key_range(BIN, NULL, V("\"b\""), NULL, TYPE(KEY)),
              "[\"b\", \"c\"]");
    MAP_READS(map,
              as_operations_map_get_by_key_list(BIN, NULL, L("[\"c\", \"a\", \"z\"]"), TYPE(KEY)),
              "[\"a\", \"c\"]");
    MAP_READS(map, as_operations_map_get_by_key_list(BIN, NULL, L("[\"c\", \"a\"]"), TYPE(INDEX)),
              "[2, 0]");
    MAP_CHANGES(map, as_operations_map_get_by_key_list(BIN, NULL, L("[\"c\"]"), TYPE(RANK)),
                "error 26", NULL);
    MAP_READS(map, as_operations_map_get_by_key_list(BIN, NULL, L("[]"), TYPE(KEY)), "[]");
    MAP_READS(map,
              as_operations_map_get_by_key_rel_index_range(BIN, NULL, V("\"b\""), -1, 2, TYPE(KEY)),
              "[\"a\", \"b\"]");
    MAP_READS(
        map,
        as_operations_map_get_by_key_rel_index_range_to_end(BIN, NULL, V("\"b\""), 1, TYPE(VALUE)),
        "[2]");
    MAP_READS(map, as_operations_map_get_by_index(BIN, NULL, 0, TYPE(KEY)), "\"a\"");
    MAP_READS(map, as_operations_map_get_by_index(BIN, NULL, -1, TYPE(VALUE)), "2");
    MAP_CHANGES(map, as_operations_map_get_by_index(BIN, NULL, 3, TYPE(KEY)), "error 26", NULL);
    MAP_READS(map, as_operations_map_get_by_index_range(BIN, NULL, 1, 9, TYPE(KEY)),
              "[\"b\", \"c\"]");
    MAP_READS(map, as_operations_map_get_by_index_range_to_end(BIN, NULL, -1, TYPE(KEY)),
              "[\"c\"]");
    MAP_READS(map, as_operations_map_get_by_index_range(BIN, NULL, 7, 1, TYPE(KEY)), "[]");
}

static void selections_by_value_and_rank(void** state)
{
    (void)state;
    static const char map[] = "{\"a\":3, \"b\":1, \"c\":2, \"d\":1}";
    MAP_READS(map, as_operations_map_get_by_value(BIN, NULL, V("1"), TYPE(KEY)), "[\"b\", \"d\"]");
    MAP_READS(map, as_operations_map_get_by_value(BIN, NULL, V("9"), TYPE(EXISTS)), "false");
    MAP_READS(map, as_operations_map_get_by_value_range(BIN, NULL, V("1"), V("3"), TYPE(COUNT)),
              "3");
    MAP_READS(map, as_operations_map_get_by_value_range(BIN, NULL, V("2"), NULL, TYPE(KEY)),
              "[\"a\", \"c\"]");
    MAP_READS(map, as_operations_map_get_by_value_list(BIN, NULL, L("[3, 1]"), TYPE(KEY)),
              "[\"a\", \"b\", \"d\"]");
    MAP_READS(map, as_operations_map_get_by_value_list(BIN, NULL, L("[1, 2]"), TYPE(KEY_VALUE)),
              "[\"b\", 1, \"c\", 2, \"d\", 1]");
    MAP_READS(map,
              as_operations_map_get_by_value_rel_rank_range(BIN, NULL, V("2"), 0, 1, TYPE(KEY)),
              "[\"c\"]");
    MAP_READS(
        map,
        as_operations_map_get_by_value_rel_rank_range_to_end(BIN, NULL, V("2"), -1, TYPE(COUNT)),
        "3");
    MAP_READS(map, as_operations_map_get_by_rank(BIN, NULL, -1, TYPE(VALUE)), "3");
    MAP_READS(map, as_operations_map_get_by_rank(BIN, NULL, 0, TYPE(KEY)), "\"b\"");
    MAP_CHANGES(map, as_operations_map_get_by_rank(BIN, NULL, 4, TYPE(KEY)), "error 26", NULL);
    MAP_READS(map, as_operations_map_get_by_rank_range(BIN, NULL, 1, 2, TYPE(KEY)),
              "[\"d\", \"c\"]");
    MAP_READS(map, as_operations_map_get_by_rank_range_to_end(BIN, NULL, -2, TYPE(KEY_VALUE)),
              "[\"c\", 2, \"a\", 3]");
    MAP_READS("{\"k1\":[\"a\", 1], \"k2\":[\"b\", 1], \"k3\":[\"a\", 2]}",
              as_operations_map_get_by_value(BIN, NULL, V("[\"a\", *]"), TYPE(KEY)),
              "[\"k1\", \"k3\"]");
}

static void removals(void** state)
{
    (void)state;
    static const char map[] = "{\"a\":3, \"b\":1, \"c\":2}";
    MAP_CHANGES(map, as_operations_map_remove_by_key(BIN, NULL, V("\"b\""), TYPE(VALUE)), "1",
                "{\"a\":3, \"c\":2}");
    MAP_CHANGES(map, as_operations_map_remove_by_key(BIN, NULL, V("\"z\""), TYPE(COUNT)), "0",
                "{\"a\":3, \"b\":1, \"c\":2}");
    MAP_CHANGES(map,
                as_operations_map_remove_by_key_list(BIN, NULL, L("[\"a\", \"c\"]"), TYPE(COUNT)),
                "2", "{\"b\":1}");
    MAP_CHANGES(map,
                as_operations_map_remove_by_key_range(BIN, NULL, V("\"a\""), V("\"c\""), TYPE(KEY)),
                "[\"a\", \"b\"]", "{\"c\":2}");
    MAP_CHANGES(
        map,
        as_operations_map_remove_by_key_rel_index_range(BIN, NULL, V("\"b\""), 0, 1, TYPE(KEY)),
        "[\"b\"]", "{\"a\":3, \"c\":2}");
    MAP_CHANGES(map,
                as_operations_map_remove_by_key_rel_index_range_to_end(BIN, NULL, V("\"b\""), 0,
                                                                       TYPE(COUNT)),
                "2", "{\"a\":3}");
    MAP_CHANGES(map, as_operations_map_remove_by_value(BIN, NULL, V("2"), TYPE(KEY)), "[\"c\"]",
                "{\"a\":3, \"b\":1}");
    MAP_CHANGES(map, as_operations_map_remove_by_value_list(BIN, NULL, L("[1, 2]"), INVERTED(KEY)),
                "[\"a\"]", "{\"b\":1, \"c\":2}");
    MAP_CHANGES(map,
                as_operations_map_remove_by_value_range(BIN, NULL, V("1"), V("3"), TYPE(COUNT)),
                "2", "{\"a\":3}");
    MAP_CHANGES(
        map, as_operations_map_remove_by_value_rel_rank_range(BIN, NULL, V("1"), 1, 1, TYPE(KEY)),
        "[\"c\"]", "{\"a\":3, \"b\":1}");
    MAP_CHANGES(
        map,
        as_operations_map_remove_by_value_rel_rank_range_to_end(BIN, NULL, V("2"), 0, TYPE(COUNT)),
        "2", "{\"b\":1}");
    MAP_CHANGES(map, as_operations_map_remove_by_index(BIN, NULL, 0, TYPE(KEY_VALUE)), "[\"a\", 3]",
                "{\"b\":1, \"c\":2}");
    MAP_CHANGES(map, as_operations_map_remove_by_index(BIN, NULL, 5, TYPE(KEY)), "error 26", NULL);
    MAP_CHANGES(map, as_operations_map_remove_by_index_range(BIN, NULL, 0, 2, TYPE(COUNT)), "2",
                "{\"c\":2}");
    MAP_CHANGES(map, as_operations_map_remove_by_index_range_to_end(BIN, NULL, 1, TYPE(NONE)),
                "NIL", "{\"a\":3}");
    MAP_CHANGES(map, as_operations_map_remove_by_rank(BIN, NULL, -1, TYPE(KEY)), "\"a\"",
                "{\"b\":1, \"c\":2}");
    MAP_CHANGES(map, as_operations_map_remove_by_rank_range(BIN, NULL, 0, 2, TYPE(KEY)),
                "[\"b\", \"c\"]", "{\"a\":3}");
    MAP_CHANGES(map, as_operations_map_remove_by_rank_range_to_end(BIN, NULL, 0, TYPE(COUNT)), "3",
                "{}");
}

static void wrong_bins_and_missing_ones(void** state)
{
    (void)state;
    as_error err;
    MAP_CHANGES("5", as_operations_map_put(BIN, NULL, NULL, V("1"), V("1")), "error 12", NULL);
    MAP_CHANGES("[1]", as_operations_map_size(BIN, NULL), "error 12", NULL);
    MAP_CHANGES(NULL, as_operations_map_remove_by_key(BIN, NULL, V("1"), TYPE(COUNT)), "NIL", NULL);
    aerospike_key_remove(&as, &err, NULL, &key);
    as_operations_init(&ops, 2);
    as_operations_map_size(BIN, NULL);
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "error 2");
    as_operations_init(&ops, 2);
    as_operations_map_put(BIN, NULL, NULL, V("1"), V("2"));
    as_operations_map_get_by_key(BIN, NULL, V("1"), TYPE(VALUE));
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "b=1 b=2");
    /* Without context the other form is the same. */
    as_operations_init(&ops, 2);
    as_operations_add_map_get_by_key(BIN, V("1"), TYPE(VALUE));
    as_operations_add_map_size(&ops, "none");
    assert_string_equal(test_operate(&as, NULL, &key, &ops), "b=2 none=NIL");
}

#define NESTED(before, ctx, call, result, after)                                                   \
    do {                                                                                           \
        as_cdt_ctx* c = (ctx);                                                                     \
        case_begin(before);                                                                        \
        (void)(call);                                                                              \
        as_cdt_ctx_destroy(c);                                                                     \
        case_end_all(before, #call, result, after);                                                \
    } while (0)

static as_cdt_ctx* ctx_of_key(const char* text)
{
    as_cdt_ctx* ctx = as_cdt_ctx_create(2);
    as_cdt_ctx_add_map_key(ctx, V(text));
    return ctx;
}

static void nested_maps(void** state)
{
    (void)state;
    as_cdt_ctx* ctx;
    NESTED("K{\"k1\":K{}}", ctx_of_key("\"k1\""),
           as_operations_map_put(BIN, c, NULL, V("\"a\""), V("1")), "1", "{\"k1\":{\"a\":1}}");
    NESTED("{\"k1\":{}}", ctx_of_key("\"k2\""),
           as_operations_map_put(BIN, c, NULL, V("\"a\""), V("1")), "error 26", NULL);
    NESTED("{\"k1\":5}", ctx_of_key("\"k1\""),
           as_operations_map_put(BIN, c, NULL, V("\"a\""), V("1")), "error 12", NULL);
    NESTED("{\"k1\":[5]}", ctx_of_key("\"k1\""), as_operations_map_size(BIN, c), "error 12", NULL);
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_key_create(ctx, V("\"k1\""), AS_MAP_KEY_ORDERED);
    NESTED(NULL, ctx,
           as_operations_map_put(BIN, c, with_mode(AS_MAP_KEY_ORDERED, 0), V("\"a\""), V("1")), "1",
           "{\"k1\":{\"a\":1}}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_index(ctx, 0);
    NESTED("{1:{2:3}, 5:6}", ctx, as_operations_map_get_by_key(BIN, c, V("2"), TYPE(VALUE)), "3",
           "{1:{2:3}, 5:6}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_rank(ctx, -1);
    NESTED("{1:{2:3}, 5:6}", ctx, as_operations_map_size(BIN, c), "1", "{1:{2:3}, 5:6}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_value(ctx, V("{2:3}"));
    as_cdt_ctx_add_map_key_create(ctx, V("7"), AS_MAP_UNORDERED);
    NESTED("{1:{2:3}, 5:6}", ctx, as_operations_map_put(BIN, c, NULL, V("8"), V("9")), "1",
           "{1:{2:3, 7:{8:9}}, 5:6}");
    ctx = as_cdt_ctx_create(1);
    as_cdt_ctx_add_map_key(ctx, V("\"k\""));
    as_cdt_ctx_add_list_index(ctx, 1);
    NESTED("{\"k\":[0, {1:2}]}", ctx,
           as_operations_map_increment(BIN, c, with_mode(0, 0), V("1"), V("5")), "7",
           "{\"k\":[0, {1:7}]}");
    NESTED("{\"k\":{}}", ctx_of_key("\"new\""),
           as_operations_map_create(BIN, c, AS_MAP_KEY_ORDERED), "NIL", "{\"k\":{}, \"new\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_as_a_whole),
        cmocka_unit_test(putting_in),
        cmocka_unit_test(write_modes_and_flags),
        cmocka_unit_test(every_return_type),
        cmocka_unit_test(selections_by_key_and_index),
        cmocka_unit_test(selections_by_value_and_rank),
        cmocka_unit_test(removals),
        cmocka_unit_test(wrong_bins_and_missing_ones),
        cmocka_unit_test(nested_maps),
    };
    RIG_MAIN(tests)
}
