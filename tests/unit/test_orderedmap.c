/*
 * as_orderedmap and as_hashmap: order, ownership, many entries in any order, the interface.
 */
#include "core/orderedmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <aerospike/as_map_iterator.h>
#include <aerospike/as_types.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/lib/value.h"

static int set(void* map, const char* key, const char* value)
{
    as_val* k = test_value(key);
    as_val* v = test_value(value);
    int result = as_map_set(map, k, v);
    if (result != 0) {
        as_val_destroy(k);
        as_val_destroy(v);
    }
    return result;
}

static const char* get(const void* map, const char* key)
{
    as_val* k = test_value(key);
    as_val* v = as_map_get(map, k);
    as_val_destroy(k);
    return v ? test_text(v) : NULL;
}

static void sorts_as_the_server_does(void** state)
{
    (void)state;
    as_orderedmap map;
    assert_non_null(as_orderedmap_init(&map, 2));
    static const char* const keys[] = {"\"b\"",   "x\"0102\"", "5",     "\"\"",  "-7",
                                       "x\"01\"", "\"ba\"",    "x\"\"", "\"a\"", "0"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(set(&map, keys[i], "NIL"), 0);
    }
    assert_string_equal(test_text((as_val*)&map),
                        "{-7:NIL, 0:NIL, 5:NIL, \"\":NIL, \"a\":NIL, \"b\":NIL, \"ba\":NIL, "
                        ":NIL, 01:NIL, 01 02:NIL}");
    assert_int_equal(map.count, 10);
    as_orderedmap_destroy(&map);
    as_orderedmap_destroy(&map); /* harmless */
}

static void replaces_key_and_value(void** state)
{
    (void)state;
    as_orderedmap* map = as_orderedmap_new(1);
    as_string* first = as_string_new_strdup("k");
    as_string* second = as_string_new_strdup("k");
    as_integer* old = as_integer_new(1);
    as_val_reserve(first);
    as_val_reserve(old);
    assert_int_equal(as_orderedmap_set(map, (as_val*)first, (as_val*)old), 0);
    assert_int_equal(as_orderedmap_set(map, (as_val*)second, NULL), 0);
    assert_int_equal(first->_.count, 1);
    assert_int_equal(old->_.count, 1);
    assert_int_equal(as_orderedmap_size(map), 1);
    assert_string_equal(get(map, "\"k\""), "NIL");
    as_string_destroy(first);
    as_integer_destroy(old);
    as_orderedmap_destroy(map);
}

static void accepts_three_types_of_keys(void** state)
{
    (void)state;
    as_hashmap* map = as_hashmap_new(4);
    static const char* const bad[] = {"NIL", "true",    "1.5",       "[1]",
                                      "{}",  "g\"{}\"", "x18\"01\"", "*"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set(map, bad[i], "1"), -1);
        assert_null(get(map, bad[i]));
        as_val* key = test_value(bad[i]);
        assert_int_equal(as_hashmap_remove(map, key), -1);
        as_val_destroy(key);
    }
    assert_int_equal(as_orderedmap_set(map, NULL, NULL), -1);
    assert_null(as_orderedmap_get(map, NULL));
    assert_int_equal(as_hashmap_size(map), 0);
    as_hashmap_destroy(map);
    assert_null(as_orderedmap_get(NULL, NULL));
    assert_int_equal(as_orderedmap_size(NULL), 0);
}

static void removes_and_clears(void** state)
{
    (void)state;
    as_orderedmap* map = (as_orderedmap*)test_value("K{1:\"a\", 2:[1], \"x\":3}");
    as_integer two;
    as_integer_init(&two, 2);
    assert_int_equal(as_orderedmap_remove(map, (as_val*)&two), 0);
    assert_int_equal(as_orderedmap_remove(map, (as_val*)&two), 0);
    assert_string_equal(test_text((as_val*)map), "{1:\"a\", \"x\":3}");
    assert_int_equal(as_orderedmap_clear(map), 0);
    assert_string_equal(test_text((as_val*)map), "{}");
    assert_int_equal(set(map, "7", "8"), 0);
    assert_string_equal(test_text((as_val*)map), "{7:8}");
    as_orderedmap_destroy(map);
}

/* One reference of key and value, whichever way they leave the map. */
static void destroys_what_leaves(void** state)
{
    (void)state;
    as_integer* value = as_integer_new(5);
    as_orderedmap* map = as_orderedmap_new(4);
    as_integer key;
    for (int i = 0; i < 4; i++) {
        as_val_reserve(value);
        as_orderedmap_set(map, (as_val*)as_integer_new(i), (as_val*)value);
    }
    assert_int_equal(value->_.count, 5);
    as_orderedmap_set(map, (as_val*)as_integer_new(0), NULL);
    assert_int_equal(value->_.count, 4);
    as_orderedmap_remove(map, (as_val*)as_integer_init(&key, 1));
    assert_int_equal(value->_.count, 3);
    as_orderedmap_clear(map);
    assert_int_equal(value->_.count, 1);
    as_val_reserve(value);
    as_orderedmap_set(map, (as_val*)value, NULL); /* as a key */
    as_orderedmap_destroy(map);
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
}

static void keeps_flags_that_mean_something(void** state)
{
    (void)state;
    static const uint32_t cases[][2] = {{0, 0},       {1, 1},       {2, 3}, {3, 3},
                                        {0x10, 0x11}, {0xff, 0x13}, {8, 0}};
    as_orderedmap ordered;
    as_hashmap hash;
    as_orderedmap_init(&ordered, 1);
    as_hashmap_init(&hash, 1);
    assert_int_equal(ordered._.flags, 1);
    assert_int_equal(hash._.flags, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_hashmap_set_flags(&hash, cases[i][0]);
        assert_int_equal(hash._.flags, cases[i][1]);
    }
    assert_int_equal(as_hashmap_hashcode(&hash), 1);
    as_orderedmap_destroy(&ordered);
    as_hashmap_destroy(&hash);
}

/* Every order of insertion, with replacements, removals and look-ups between, against an array. */
static void holds_many_entries_in_any_order(void** state)
{
    (void)state;
    enum {
        KEYS = 4000
    };
    static int64_t model[KEYS];
    test_prng prng = {.state = 42};
    for (int kind = 0; kind < 3; kind++) {
        as_orderedmap* map = as_orderedmap_new(0);
        uint32_t count = 0;
        memset(model, 0, sizeof(model));
        for (uint32_t i = 0; i < 3 * KEYS; i++) {
            uint32_t key = kind == 0   ? i % KEYS
                           : kind == 1 ? KEYS - 1 - i % KEYS
                                       : (uint32_t)test_prng_below(&prng, KEYS);
            as_integer k;
            as_integer_init(&k, key);
            if (kind != 1 && test_prng_below(&prng, 100) == 0) { /* a removal merges the tables */
                as_orderedmap_remove(map, (as_val*)&k);
                count -= model[key] != 0;
                model[key] = 0;
            } else {
                count += model[key] == 0;
                model[key] = (int64_t)i + 1;
                assert_int_equal(as_orderedmap_set(map, (as_val*)as_integer_new(key),
                                                   (as_val*)as_integer_new(model[key])),
                                 0);
            }
            uint32_t other = (uint32_t)test_prng_below(&prng, KEYS);
            as_integer_init(&k, other);
            as_integer* v = (as_integer*)as_orderedmap_get(map, (as_val*)&k);
            assert_int_equal(as_integer_getorelse(v, 0), model[other]);
            assert_int_equal(as_orderedmap_size(map), count);
        }
        as_orderedmap_iterator it;
        as_orderedmap_iterator_init(&it, map);
        for (uint32_t key = 0; key < KEYS; key++) {
            if (model[key] != 0) {
                as_pair* pair = (as_pair*)as_orderedmap_iterator_next(&it);
                assert_int_equal(as_integer_get((as_integer*)as_pair_1(pair)), key);
                assert_int_equal(as_integer_get((as_integer*)as_pair_2(pair)), model[key]);
            }
        }
        assert_false(as_orderedmap_iterator_has_next(&it));
        assert_null(as_orderedmap_iterator_next(&it));
        as_orderedmap_iterator_destroy(&it);
        as_orderedmap_destroy(map);
    }
}

static void seals_what_was_appended(void** state)
{
    (void)state;
    as_orderedmap* map = as_orderedmap_new(6);
    static const int keys[] = {5, 1, 5, 3, 1, 2};
    for (int i = 0; i < 6; i++) {
        tnd_orderedmap_append(map, (as_val*)as_integer_new(keys[i]), (as_val*)as_integer_new(i));
    }
    tnd_orderedmap_seal(map);
    assert_string_equal(test_text((as_val*)map), "{1:4, 2:5, 3:3, 5:2}");
    tnd_orderedmap_seal(map);
    assert_int_equal(as_orderedmap_size(map), 4);
    as_orderedmap_destroy(map);
}

static bool sum_values(const as_val* key, const as_val* value, void* udata)
{
    *(int64_t*)udata += as_integer_get((const as_integer*)value);
    return as_integer_get((const as_integer*)key) != 2;
}

static void is_a_map(void** state)
{
    (void)state;
    as_map* map = (as_map*)as_hashmap_new(2);
    int64_t sum = 0;
    for (int i = 3; i > 0; i--) {
        as_map_set(map, (as_val*)as_integer_new(i), (as_val*)as_integer_new(10 * i));
    }
    assert_int_equal(as_map_size(map), 3);
    assert_int_equal(as_map_hashcode(map), 1);
    assert_false(as_map_foreach(map, sum_values, &sum));
    assert_int_equal(sum, 30);
    assert_false(as_orderedmap_foreach(NULL, sum_values, &sum));
    as_map_set_flags(map, 3);
    assert_int_equal(map->flags, 3);
    as_map_iterator room;
    as_iterator* it = (as_iterator*)as_map_iterator_init(&room, map);
    as_iterator* made = (as_iterator*)as_map_iterator_new(map);
    for (int i = 1; i <= 3; i++) {
        assert_true(as_iterator_has_next(it));
        as_pair* pair = as_pair_fromval(as_iterator_next(it));
        as_pair* same = as_pair_fromval(as_iterator_next(made));
        assert_int_equal(as_integer_get((as_integer*)as_pair_1(pair)), i);
        assert_ptr_equal(as_pair_2(pair), as_pair_2(same));
    }
    assert_false(as_iterator_has_next(it));
    as_iterator_destroy(it);
    as_iterator_destroy(made);
    as_integer two;
    as_integer_init(&two, 2);
    assert_int_equal(as_map_remove(map, (as_val*)&two), 0);
    assert_string_equal(test_text((as_val*)map), "{1:10, 3:30}");
    assert_int_equal(as_map_clear(map), 0);
    assert_ptr_equal(as_map_fromval((as_val*)map), map);
    as_map_destroy(map);
}

static void without_memory(void** state)
{
    (void)state;
    as_orderedmap map;
    as_orderedmap* old = (as_orderedmap*)test_value("K{1:1, 2:2, 3:3, 4:4}");
    as_integer* key = as_integer_new(9);
    while (old->count < old->capacity) {
        as_orderedmap_set(old, (as_val*)as_integer_new((int64_t)old->count + 1), NULL);
    }
    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_orderedmap_new(1));
    assert_null(as_hashmap_new(1));
    assert_null(as_orderedmap_init(&map, 1));
    assert_null(as_orderedmap_iterator_new(old));
    assert_int_equal(as_orderedmap_set(old, (as_val*)key, NULL), -1);
    tnd_mem_fail(0, 0);
    assert_int_equal(key->_.count, 1);
    as_integer_destroy(key);
    as_orderedmap_destroy(&map);
    as_orderedmap_destroy(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_the_server_does),
        cmocka_unit_test(replaces_key_and_value),
        cmocka_unit_test(accepts_three_types_of_keys),
        cmocka_unit_test(removes_and_clears),
        cmocka_unit_test(destroys_what_leaves),
        cmocka_unit_test(keeps_flags_that_mean_something),
        cmocka_unit_test(holds_many_entries_in_any_order),
        cmocka_unit_test(seals_what_was_appended),
        cmocka_unit_test(is_a_map),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
