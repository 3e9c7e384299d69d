/*
 * as_map_operations: the golden bytes of protocol/cdt-expressions.md, appendix A, and 11.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cdt_vectors.h"

#define READS(packed, call) assert_packs(AS_OPERATOR_MAP_READ, packed, call)
#define MODIFIES(packed, call) assert_packs(AS_OPERATOR_MAP_MODIFY, packed, call)
#define NAME &ops, "b"
#define V(text) test_value(text)
#define INVERTED(type) ((as_map_return_type)(AS_MAP_RETURN_##type | AS_MAP_RETURN_INVERTED))

/* Map key "k1", list rank 0; list index -1. */
static as_cdt_ctx key_ctx, last_ctx;

static int setup(void** state)
{
    (void)state;
    as_cdt_ctx_init(&key_ctx, 2);
    as_cdt_ctx_add_map_key(&key_ctx, V("\"k1\""));
    as_cdt_ctx_add_list_rank(&key_ctx, 0);
    as_cdt_ctx_init(&last_ctx, 1);
    as_cdt_ctx_add_list_index(&last_ctx, -1);
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    as_cdt_ctx_destroy(&key_ctx);
    as_cdt_ctx_destroy(&last_ctx);
    return 0;
}

static as_map_policy with_mode(as_map_order order, as_map_write_mode mode)
{
    as_map_policy policy;
    as_map_policy_set(&policy, order, mode);
    return policy;
}

static as_map_policy with_flags(as_map_order order, uint32_t flags, bool persist)
{
    as_map_policy policy;
    as_map_policy_set_all(&policy, order, flags, persist);
    return policy;
}

static void policies(void** state)
{
    (void)state;
    as_map_policy p;
    as_map_policy_init(&p);
    assert_int_equal(p.attributes + p.flags, 0);
    assert_int_equal(p.item_command, 67);
    assert_int_equal(p.items_command, 68);
    p = with_mode(AS_MAP_KEY_VALUE_ORDERED, AS_MAP_UPDATE_ONLY);
    assert_int_equal(p.attributes, 3);
    assert_int_equal(p.item_command, 69);
    assert_int_equal(p.items_command, 70);
    p = with_mode(AS_MAP_KEY_ORDERED, AS_MAP_CREATE_ONLY);
    assert_int_equal(p.item_command, 65);
    assert_int_equal(p.items_command, 66);
    p = with_flags(AS_MAP_UNORDERED, 13, true);
    assert_int_equal(p.attributes, 0x10);
    assert_int_equal(p.flags, 13);
    assert_int_equal(p.item_command, 67);
    as_map_policy_set_flags(&p, AS_MAP_KEY_ORDERED, 4);
    assert_int_equal(p.attributes, 1);
    assert_int_equal(p.flags, 4);
}

static void the_map_as_a_whole(void** state)
{
    (void)state;
    as_map_policy ordered = with_mode(AS_MAP_KEY_ORDERED, AS_MAP_UPDATE);
    as_map_policy indexed = with_flags(AS_MAP_KEY_ORDERED, 0, true);
    MODIFIES("92 40 01", as_operations_map_create(NAME, NULL, AS_MAP_KEY_ORDERED));
    MODIFIES("93 cc ff 94 22 a3 03 6b 31 51 00 92 40 00",
             as_operations_map_create(NAME, &key_ctx, AS_MAP_UNORDERED));
    MODIFIES("93 cc ff 94 22 a3 03 6b 31 cc 91 00 92 40 01",
             as_operations_map_create(NAME, &key_ctx, AS_MAP_KEY_ORDERED));
    MODIFIES("93 cc ff 94 22 a3 03 6b 31 cc d1 00 92 40 03",
             as_operations_map_create(NAME, &key_ctx, AS_MAP_KEY_VALUE_ORDERED));
    MODIFIES("92 40 11", as_operations_map_create_all(NAME, NULL, AS_MAP_KEY_ORDERED, true));
    MODIFIES("93 cc ff 94 22 a3 03 6b 31 cc 91 00 92 40 01",
             as_operations_map_create_all(NAME, &key_ctx, AS_MAP_KEY_ORDERED, true));
    MODIFIES("92 40 01", as_operations_map_set_policy(NAME, NULL, &ordered));
    MODIFIES("92 40 11", as_operations_map_set_policy(NAME, NULL, &indexed));
    MODIFIES("93 cc ff 92 10 ff 92 40 01", as_operations_map_set_policy(NAME, &last_ctx, &indexed));
    MODIFIES("91 4b", as_operations_map_clear(NAME, NULL));
    READS("91 60", as_operations_map_size(NAME, NULL));
}

static void putting_in(void** state)
{
    (void)state;
    as_map_policy plain = with_mode(AS_MAP_UNORDERED, AS_MAP_UPDATE);
    as_map_policy ordered = with_mode(AS_MAP_KEY_ORDERED, AS_MAP_UPDATE);
    as_map_policy replace = with_mode(AS_MAP_UNORDERED, AS_MAP_UPDATE_ONLY);
    as_map_policy add = with_mode(AS_MAP_KEY_ORDERED, AS_MAP_CREATE_ONLY);
    as_map_policy flags = with_flags(AS_MAP_KEY_VALUE_ORDERED, 13, false);
    as_map_policy indexed = with_flags(AS_MAP_KEY_ORDERED, 0, true);
#define PUT(policy) as_operations_map_put(NAME, NULL, policy, V("\"a\""), V("1"))
    MODIFIES("94 43 a2 03 61 01 00", PUT(NULL));
    MODIFIES("94 43 a2 03 61 01 00", PUT(&plain));
    MODIFIES("94 43 a2 03 61 01 01", PUT(&ordered));
    MODIFIES("93 45 a2 03 61 01", PUT(&replace));
    MODIFIES("94 41 a2 03 61 01 01", PUT(&add));
    MODIFIES("95 43 a2 03 61 01 03 0d", PUT(&flags));
    MODIFIES("94 43 a2 03 61 01 11", PUT(&indexed));
#define ITEMS(policy, kind)                                                                        \
    as_operations_map_put_items(NAME, NULL, policy, cdt_map(kind "{\"b\":2, \"a\":1}"))
    MODIFIES("93 44 83 c7 00 01 c0 a2 03 61 01 a2 03 62 02 00", ITEMS(NULL, "K"));
    MODIFIES("93 44 82 a2 03 61 01 a2 03 62 02 00", ITEMS(NULL, ""));
    MODIFIES("92 46 82 a2 03 61 01 a2 03 62 02", ITEMS(&replace, ""));
    MODIFIES("93 42 82 a2 03 61 01 a2 03 62 02 01", ITEMS(&add, ""));
    MODIFIES("94 44 82 a2 03 61 01 a2 03 62 02 03 0d", ITEMS(&flags, ""));
    MODIFIES("94 49 a2 03 61 0a 00",
             as_operations_map_increment(NAME, NULL, &plain, V("\"a\""), V("10")));
    MODIFIES("94 49 a2 03 61 c0 01",
             as_operations_map_increment(NAME, NULL, &ordered, V("\"a\""), NULL));
    MODIFIES("94 4a a2 03 61 03 00",
             as_operations_map_decrement(NAME, NULL, &plain, V("\"a\""), V("3")));
    MODIFIES("94 49 a2 03 61 03 00",
             as_operations_map_increment(NAME, NULL, NULL, V("\"a\""), V("3")));
    as_cdt_ctx ctx;
    as_cdt_ctx_inita(&ctx, 1);
    as_cdt_ctx_add_map_key_create(&ctx, V("\"k1\""), AS_MAP_KEY_ORDERED);
    MODIFIES("93 cc ff 92 cc a2 a3 03 6b 31 94 43 a2 03 61 01 01",
             as_operations_map_put(NAME, &ctx, &ordered, V("\"a\""), V("1")));
    as_cdt_ctx_destroy(&ctx);
}

static void removals(void** state)
{
    (void)state;
    MODIFIES("93 4c 07 a2 03 61",
             as_operations_map_remove_by_key(NAME, NULL, V("\"a\""), AS_MAP_RETURN_VALUE));
    MODIFIES("93 51 05 92 a2 03 61 a2 03 62",
             as_operations_map_remove_by_key_list(NAME, NULL, cdt_list("[\"a\", \"b\"]"),
                                                  AS_MAP_RETURN_COUNT));
    MODIFIES("94 54 06 a2 03 61 a2 03 63",
             as_operations_map_remove_by_key_range(NAME, NULL, V("\"a\""), V("\"c\""),
                                                   AS_MAP_RETURN_KEY));
    MODIFIES("94 54 06 c0 a2 03 63", as_operations_map_remove_by_key_range(
                                         NAME, NULL, NULL, V("\"c\""), AS_MAP_RETURN_KEY));
    MODIFIES("93 54 06 a2 03 61", as_operations_map_remove_by_key_range(NAME, NULL, V("\"a\""),
                                                                        NULL, AS_MAP_RETURN_KEY));
    MODIFIES("94 58 06 a2 03 62 ff", as_operations_map_remove_by_key_rel_index_range_to_end(
                                         NAME, NULL, V("\"b\""), -1, AS_MAP_RETURN_KEY));
    MODIFIES("95 58 06 a2 03 62 ff 02", as_operations_map_remove_by_key_rel_index_range(
                                            NAME, NULL, V("\"b\""), -1, 2, AS_MAP_RETURN_KEY));
    MODIFIES("93 52 06 05",
             as_operations_map_remove_by_value(NAME, NULL, V("5"), AS_MAP_RETURN_KEY));
    MODIFIES("93 53 ce 00 01 00 06 92 01 02",
             as_operations_map_remove_by_value_list(NAME, NULL, cdt_list("[1, 2]"), INVERTED(KEY)));
    MODIFIES("94 56 06 01 05", as_operations_map_remove_by_value_range(NAME, NULL, V("1"), V("5"),
                                                                       AS_MAP_RETURN_KEY));
    MODIFIES("94 59 06 05 01", as_operations_map_remove_by_value_rel_rank_range_to_end(
                                   NAME, NULL, V("5"), 1, AS_MAP_RETURN_KEY));
    MODIFIES("95 59 06 05 01 02", as_operations_map_remove_by_value_rel_rank_range(
                                      NAME, NULL, V("5"), 1, 2, AS_MAP_RETURN_KEY));
    MODIFIES("93 4d 08 00",
             as_operations_map_remove_by_index(NAME, NULL, 0, AS_MAP_RETURN_KEY_VALUE));
    MODIFIES("93 55 06 01",
             as_operations_map_remove_by_index_range_to_end(NAME, NULL, 1, AS_MAP_RETURN_KEY));
    MODIFIES("94 55 06 01 02",
             as_operations_map_remove_by_index_range(NAME, NULL, 1, 2, AS_MAP_RETURN_KEY));
    MODIFIES("93 4f 06 ff", as_operations_map_remove_by_rank(NAME, NULL, -1, AS_MAP_RETURN_KEY));
    MODIFIES("93 57 06 01",
             as_operations_map_remove_by_rank_range_to_end(NAME, NULL, 1, AS_MAP_RETURN_KEY));
    MODIFIES("94 57 06 01 02",
             as_operations_map_remove_by_rank_range(NAME, NULL, 1, 2, AS_MAP_RETURN_KEY));
}

static void selections(void** state)
{
    (void)state;
    READS("93 61 07 a2 03 61",
          as_operations_map_get_by_key(NAME, NULL, V("\"a\""), AS_MAP_RETURN_VALUE));
    READS("94 67 10 a2 03 61 a2 03 63",
          as_operations_map_get_by_key_range(NAME, NULL, V("\"a\""), V("\"c\""),
                                             AS_MAP_RETURN_UNORDERED_MAP));
    READS("93 6b 11 92 a2 03 61 a2 03 62",
          as_operations_map_get_by_key_list(NAME, NULL, cdt_list("[\"a\", \"b\"]"),
                                            AS_MAP_RETURN_ORDERED_MAP));
    READS("94 6d 06 a2 03 62 ff", as_operations_map_get_by_key_rel_index_range_to_end(
                                      NAME, NULL, V("\"b\""), -1, AS_MAP_RETURN_KEY));
    READS("95 6d 06 a2 03 62 ff 02", as_operations_map_get_by_key_rel_index_range(
                                         NAME, NULL, V("\"b\""), -1, 2, AS_MAP_RETURN_KEY));
    READS("93 66 0d 05", as_operations_map_get_by_value(NAME, NULL, V("5"), AS_MAP_RETURN_EXISTS));
    READS("94 69 05 05 09",
          as_operations_map_get_by_value_range(NAME, NULL, V("5"), V("9"), AS_MAP_RETURN_COUNT));
    READS("93 6c 08 92 01 02", as_operations_map_get_by_value_list(NAME, NULL, cdt_list("[1, 2]"),
                                                                   AS_MAP_RETURN_KEY_VALUE));
    READS("94 6e 06 05 ff", as_operations_map_get_by_value_rel_rank_range_to_end(
                                NAME, NULL, V("5"), -1, AS_MAP_RETURN_KEY));
    READS("95 6e 06 05 ff 02", as_operations_map_get_by_value_rel_rank_range(NAME, NULL, V("5"), -1,
                                                                             2, AS_MAP_RETURN_KEY));
    READS("93 62 06 00", as_operations_map_get_by_index(NAME, NULL, 0, AS_MAP_RETURN_KEY));
    READS("93 68 06 00",
          as_operations_map_get_by_index_range_to_end(NAME, NULL, 0, AS_MAP_RETURN_KEY));
    READS("94 68 06 00 02",
          as_operations_map_get_by_index_range(NAME, NULL, 0, 2, AS_MAP_RETURN_KEY));
    READS("93 64 07 ff", as_operations_map_get_by_rank(NAME, NULL, -1, AS_MAP_RETURN_VALUE));
    READS("93 6a 07 fe",
          as_operations_map_get_by_rank_range_to_end(NAME, NULL, -2, AS_MAP_RETURN_VALUE));
    READS("94 6a 07 fe 02",
          as_operations_map_get_by_rank_range(NAME, NULL, -2, 2, AS_MAP_RETURN_VALUE));
    READS("93 cc ff 92 10 ff 91 60", as_operations_map_size(NAME, &last_ctx));
    /* The forms without a context are the same calls. */
    READS("93 61 07 a2 03 61",
          as_operations_add_map_get_by_key(NAME, V("\"a\""), AS_MAP_RETURN_VALUE));
    MODIFIES("94 43 a2 03 61 01 00", as_operations_add_map_put(NAME, NULL, V("\"a\""), V("1")));
    READS("94 6a 08 fe 02",
          as_operations_add_map_get_by_rank_range(NAME, -2, 2, AS_MAP_RETURN_KEY_VALUE));
}

/* protocol/cdt-expressions.md 15, 5.4 */
static void refuses_what_a_server_does_not_survive(void** state)
{
    (void)state;
    static const as_map_return_type lethal[] = {
        AS_MAP_RETURN_KEY,           AS_MAP_RETURN_VALUE,       AS_MAP_RETURN_KEY_VALUE,
        AS_MAP_RETURN_UNORDERED_MAP, AS_MAP_RETURN_ORDERED_MAP, AS_MAP_RETURN_INDEX};
    for (size_t i = 0; i < sizeof(lethal) / sizeof(lethal[0]); i++) {
        as_map_return_type type = (as_map_return_type)(lethal[i] | AS_MAP_RETURN_INVERTED);
        assert_refused("empty list",
                       as_operations_map_get_by_key_list(NAME, NULL, cdt_list("[]"), type));
        assert_refused("empty list",
                       as_operations_map_remove_by_key_list(NAME, NULL, cdt_list("[]"), type));
        assert_refused("empty list",
                       as_operations_map_get_by_value_list(NAME, NULL, cdt_list("[]"), type));
        assert_refused("empty list",
                       as_operations_map_remove_by_value_list(NAME, NULL, cdt_list("[]"), type));
    }
    READS("93 6b ce 00 01 00 05 90",
          as_operations_map_get_by_key_list(NAME, NULL, cdt_list("[]"), INVERTED(COUNT)));
    READS("93 6b 06 90",
          as_operations_map_get_by_key_list(NAME, NULL, cdt_list("[]"), AS_MAP_RETURN_KEY));
    assert_refused("wildcard",
                   as_operations_map_get_by_key(NAME, NULL, V("*"), AS_MAP_RETURN_VALUE));
    assert_refused("wildcard",
                   as_operations_map_remove_by_key(NAME, NULL, V("*"), AS_MAP_RETURN_VALUE));
    assert_refused("wildcard", as_operations_map_get_by_key_list(NAME, NULL, cdt_list("[1, *]"),
                                                                 AS_MAP_RETURN_VALUE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies),   cmocka_unit_test(the_map_as_a_whole),
        cmocka_unit_test(putting_in), cmocka_unit_test(removals),
        cmocka_unit_test(selections), cmocka_unit_test(refuses_what_a_server_does_not_survive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
