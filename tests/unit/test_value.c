/*
 * as_val and the values without a file of their own: references, constants, scalars, texts, and
 * lists and maps through hooks of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_types.h>
#include <citrusleaf/alloc.h>

#include "core/mem.h"

/* --- a list and a map with two elements each, enough to see the dispatch --- */

static int destroyed;

static bool list_destroy(as_list* list)
{
    (void)list;
    destroyed++;
    return true;
}

static as_val* list_elements[2];

static uint32_t list_size(const as_list* list)
{
    (void)list;
    return 2;
}

static as_val* list_get(const as_list* list, uint32_t i)
{
    (void)list;
    return i < 2 ? list_elements[i] : NULL;
}

static bool list_foreach(const as_list* list, as_list_foreach_callback callback, void* udata)
{
    (void)list;
    return callback(list_elements[0], udata) && callback(list_elements[1], udata);
}

static const as_list_hooks list_hooks = {
    .destroy = list_destroy,
    .size = list_size,
    .get = list_get,
    .foreach = list_foreach,
};

static bool map_destroy(as_map* map)
{
    (void)map;
    destroyed++;
    return true;
}

static bool map_foreach(const as_map* map, as_map_foreach_callback callback, void* udata)
{
    (void)map;
    return callback(list_elements[0], list_elements[1], udata) &&
           callback(list_elements[1], list_elements[0], udata);
}

static const as_map_hooks map_hooks = {.destroy = map_destroy, .foreach = map_foreach};

/* --- references --- */

static void constants_are_never_written(void** state)
{
    (void)state;
    /* They lie in read-only memory: a write would be a crash. */
    const void* constants[] = {&as_nil, &as_true, &as_false};

    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(as_val_reserve(constants[i]), constants[i]);
        assert_ptr_equal(as_val_destroy(constants[i]), constants[i]);
        assert_int_equal(((const as_val*)constants[i])->count, 0);
    }
    assert_true(as_boolean_get(&as_true));
    assert_false(as_boolean_get(&as_false));
}

static void null_is_allowed(void** state)
{
    (void)state;
    assert_null(as_val_reserve(NULL));
    assert_null(as_val_destroy(NULL));
    assert_null(as_val_tostring(NULL));
    assert_int_equal(as_val_type(NULL), AS_UNDEF);
    assert_false(as_val_tobool(NULL));
    assert_int_equal(as_integer_get(NULL), 0);
    assert_true(as_double_get(NULL) == 0.0);
    assert_false(as_boolean_get(NULL));
    assert_null(as_string_get(NULL));
    assert_int_equal(as_string_len(NULL), 0);
    assert_null(as_geojson_get(NULL));
    assert_int_equal(as_integer_getorelse(NULL, 7), 7);
    assert_null(as_integer_init(NULL, 1));
    assert_null(as_string_init(NULL, NULL, false));
}

static void the_last_reference_destroys(void** state)
{
    (void)state;
    as_integer* heap = as_integer_new(5);

    assert_int_equal(heap->_.count, 1);
    assert_ptr_equal(as_val_reserve(heap), heap);
    assert_ptr_equal(as_val_destroy(heap), heap);
    assert_null(as_val_destroy(heap));
}

static void a_gone_value_on_the_stack_is_left_alone(void** state)
{
    (void)state;
    as_string string;

    as_string_init(&string, strdup("once"), true);
    assert_null(as_val_destroy(&string));
    assert_int_equal(string._.count, 0);
    assert_null(as_val_destroy(&string));
    as_val_reserve(&string);
    assert_int_equal(string._.count, 0);

    as_list list;
    destroyed = 0;
    as_list_init(&list, &list_hooks);
    as_list_destroy(&list);
    as_list_destroy(&list);
    assert_int_equal(destroyed, 1);
}

static void heap_booleans_are_counted(void** state)
{
    (void)state;
    as_boolean* boolean = as_boolean_new(true);

    as_val_reserve(boolean);
    assert_int_equal(boolean->_.count, 2);
    assert_ptr_equal(as_val_destroy(boolean), boolean);
    as_boolean_destroy(boolean);
}

static void fromval_looks_at_the_type(void** state)
{
    (void)state;
    as_integer integer;
    as_double dbl;

    as_integer_init(&integer, 1);
    as_double_init(&dbl, 1.0);
    assert_ptr_equal(as_integer_fromval(as_integer_toval(&integer)), &integer);
    assert_null(as_integer_fromval(as_double_toval(&dbl)));
    assert_null(as_string_fromval(as_integer_toval(&integer)));
    assert_null(as_bytes_fromval(NULL));
    assert_null(as_list_fromval(as_integer_toval(&integer)));
    assert_null(as_map_fromval(as_integer_toval(&integer)));
    assert_null(as_rec_fromval(as_integer_toval(&integer)));
}

/* --- text forms --- */

static void assert_text(const void* value, const char* expected)
{
    char* text = as_val_tostring(value);

    if (!expected) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void texts_of_scalars(void** state)
{
    (void)state;
    as_integer integer;
    as_double dbl;
    as_string string;
    as_geojson geojson;
    as_bytes bytes;
    uint8_t raw[] = {1, 0xab, 3};

    assert_text(as_integer_init(&integer, -5), "-5");
    assert_text(as_integer_init(&integer, INT64_MIN), "-9223372036854775808");
    assert_text(as_double_init(&dbl, 1.5), "1.5");
    assert_text(as_double_init(&dbl, 3.0), "3");
    assert_text(as_double_init(&dbl, 123456789.25), "123456789.25");
    assert_text(as_double_init(&dbl, 1e100), "1e+100");
    assert_text(&as_true, "true");
    assert_text(&as_false, "false");
    assert_text(&as_nil, "NIL");
    assert_text(as_string_init(&string, "say \"x\"", false), "\"say \"x\"\"");
    assert_text(as_string_init(&string, NULL, false), "\"\"");
    assert_text(as_geojson_init(&geojson, "{}", false), "\"{}\"");
    assert_text(as_bytes_init_wrap(&bytes, raw, 3, false), "01 AB 03");
    assert_text(as_bytes_init_wrap(&bytes, raw, 0, false), NULL);
}

static void texts_of_collections(void** state)
{
    (void)state;
    as_integer integer;
    as_string string;
    as_list list;
    as_map map;

    list_elements[0] = as_integer_toval(as_integer_init(&integer, 1));
    list_elements[1] = as_string_toval(as_string_init(&string, "x", false));
    assert_text(as_list_init(&list, &list_hooks), "[1, \"x\"]");
    assert_text(as_list_init(&list, NULL), "[]");
    assert_text(as_map_init(&map, &map_hooks), "{1:\"x\", \"x\":1}");
    assert_text(as_map_init(&map, NULL), "{}");
}

static void texts_survive_lack_of_memory(void** state)
{
    (void)state;
    as_integer integer;
    as_string string;
    as_list list;

    list_elements[0] = as_integer_toval(as_integer_init(&integer, 1));
    list_elements[1] = as_string_toval(as_string_init(&string, "x", false));
    as_list_init(&list, &list_hooks);
    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_val_tostring(&list));
    assert_null(as_val_tostring(&integer));
    assert_null(as_val_tostring(&string));
    assert_null(as_integer_new(1));
    assert_null(as_boolean_new(true));
    assert_null(as_double_new(1.0));
    assert_null(as_string_new("x", false));
    assert_null(as_string_new_strdup("x"));
    assert_null(as_geojson_new_strdup("x"));
    assert_null(as_list_new(NULL));
    assert_null(as_map_new(NULL));
    tnd_mem_fail(2, 1);
    assert_null(as_string_new_strdup("x")); /* and the copy is freed */
    tnd_mem_fail(0, 0);
}

/* --- hash codes, truth --- */

static void equal_values_have_equal_hash_codes(void** state)
{
    (void)state;
    as_integer integer;
    as_list list;
    as_map map;
    as_string* one = as_string_new_strdup("same");
    as_string* other = as_string_new_strdup("same");

    assert_int_equal(as_val_hashcode(as_integer_init(&integer, 0x100000002)), 2);
    assert_int_equal(as_val_hashcode(one), as_val_hashcode(other));
    assert_int_equal(as_val_hashcode(as_list_init(&list, NULL)), 0);
    assert_int_equal(as_val_hashcode(as_map_init(&map, NULL)), 1);
    as_string_destroy(one);
    as_string_destroy(other);
}

static void truth_of_booleans_and_integers(void** state)
{
    (void)state;
    as_integer integer;
    as_double dbl;

    assert_true(as_val_tobool((const as_val*)&as_true));
    assert_false(as_val_tobool((const as_val*)&as_false));
    assert_true(as_val_tobool((const as_val*)as_integer_init(&integer, -1)));
    assert_false(as_val_tobool((const as_val*)as_integer_init(&integer, 0)));
    assert_false(as_val_tobool((const as_val*)as_double_init(&dbl, 1.0)));
}

/* --- texts --- */

static void string_lengths(void** state)
{
    (void)state;
    as_string string;

    as_string_init(&string, "four", false);
    assert_true(string.len == SIZE_MAX);
    assert_int_equal(as_string_len(&string), 4);
    assert_int_equal(string.len, 4);
    as_string_init_wlen(&string, "four", 2, false);
    assert_int_equal(as_string_len(&string), 2); /* trusted */
    as_string_init(&string, NULL, false);
    assert_int_equal(as_string_len(&string), 0);
}

static void string_memory_goes_with_the_flag(void** state)
{
    (void)state;
    char borrowed[] = "stays";
    as_string* string = as_string_new(strdup("goes"), true);
    as_geojson* geojson = as_geojson_new(strdup("goes too"), true);

    /* What leaks or is freed twice here, the sanitizer finds. */
    as_string_destroy(string);
    as_geojson_destroy(geojson);
    string = as_string_new(borrowed, false);
    as_string_destroy(string);
    assert_string_equal(borrowed, "stays");

    /* A listener may keep the memory of a string. */
    string = as_string_new_strdup("kept");
    char* kept = as_string_get(string);
    string->free = false;
    as_string_destroy(string);
    assert_string_equal(kept, "kept");
    free(kept);
}

static void basenames(void** state)
{
    (void)state;
    static const struct {
        const char* path;
        const char* name;
    } cases[] = {
        {"a", "a"},   {"/x/y/z.lua", "z.lua"},
        {"x/", "x"},  {"/x//", "x"},
        {"", "."},    {NULL, "."},
        {"/", "/"},   {"///", "/"},
        {"a/b", "b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_string name;
        assert_string_equal(as_basename(&name, cases[i].path), cases[i].name);
        assert_int_equal(as_string_len(&name), strlen(cases[i].name));
        as_string_destroy(&name);
    }
}

static void bounded_copies(void** state)
{
    (void)state;
    char target[4] = "zzz";

    assert_false(as_strncpy(target, "abc", 4));
    assert_string_equal(target, "abc");
    assert_true(as_strncpy(target, "abcd", 4));
    assert_string_equal(target, "abc");
    assert_false(as_strncpy(target, "", 4));
    assert_string_equal(target, "");
    assert_false(as_strncpy(target, NULL, 4));
    assert_string_equal(target, "");
    assert_true(as_strncpy(target, "a", 1));
    assert_string_equal(target, "");
    assert_true(as_strncpy(NULL, "a", 0));
}

/* --- lists and maps --- */

static void dispatch_without_hooks(void** state)
{
    (void)state;
    as_list list;
    as_map map;

    as_list_init(&list, NULL);
    assert_int_equal(as_list_size(&list), 0);
    assert_int_equal(as_list_append_int64(&list, 1), 1);
    assert_null(as_list_get(&list, 0));
    assert_null(as_list_get_map(&list, 0));
    assert_int_equal(as_list_get_int64(&list, 0), 0);
    assert_int_equal(as_list_size(NULL), 0);
    as_map_init(&map, NULL);
    assert_int_equal(as_map_set(&map, &as_nil, &as_nil), 1);
    assert_int_equal(as_map_size(NULL), 0);
    as_map_set_flags(&map, 1);
    assert_int_equal(map.flags, 0);
}

static void dispatch_through_hooks(void** state)
{
    (void)state;
    as_integer integer;
    as_list* list = as_list_new(&list_hooks);
    as_map* map = as_map_new(&map_hooks);

    list_elements[0] = as_integer_toval(as_integer_init(&integer, 9));
    list_elements[1] = (as_val*)&as_nil;
    assert_int_equal(as_list_size(list), 2);
    assert_ptr_equal(as_list_get_integer(list, 0), &integer);
    assert_null(as_list_get_string(list, 0));
    assert_null(as_list_get(list, 2));

    destroyed = 0;
    as_val_reserve(list);
    as_list_destroy(list);
    assert_int_equal(destroyed, 0);
    as_list_destroy(list);
    as_map_destroy(map);
    assert_int_equal(destroyed, 2);
}

/* --- the allocator that programs see --- */

static void program_memory_mixes_with_malloc(void** state)
{
    (void)state;
    char* text = cf_strdup("mixed");
    char* part = cf_strndup("mixed", 3);
    char* whole = cf_strndup("mixed", 30);
    void* page = cf_valloc(10);

    assert_string_equal(text, "mixed");
    assert_string_equal(part, "mix");
    assert_string_equal(whole, "mixed");
    assert_int_equal((uintptr_t)page % 4096, 0);
    free(text);
    free(part);
    free(page);
    cf_free(whole);
    cf_free(malloc(1));
}

static void allocations_can_be_made_to_fail(void** state)
{
    (void)state;
    tnd_mem_fail(2, 1);
    void* first = tnd_malloc(1);
    assert_null(tnd_calloc(1, 1));
    void* third = tnd_realloc(NULL, 0);
    assert_non_null(first);
    assert_non_null(third);
    assert_int_equal(tnd_mem_allocations(), 3);
    tnd_free(first);
    tnd_free(third);
    tnd_mem_fail(0, 0);
    assert_null(tnd_memdup_text("x", SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_never_written),
        cmocka_unit_test(null_is_allowed),
        cmocka_unit_test(the_last_reference_destroys),
        cmocka_unit_test(a_gone_value_on_the_stack_is_left_alone),
        cmocka_unit_test(heap_booleans_are_counted),
        cmocka_unit_test(fromval_looks_at_the_type),
        cmocka_unit_test(texts_of_scalars),
        cmocka_unit_test(texts_of_collections),
        cmocka_unit_test(texts_survive_lack_of_memory),
        cmocka_unit_test(equal_values_have_equal_hash_codes),
        cmocka_unit_test(truth_of_booleans_and_integers),
        cmocka_unit_test(string_lengths),
        cmocka_unit_test(string_memory_goes_with_the_flag),
        cmocka_unit_test(basenames),
        cmocka_unit_test(bounded_copies),
        cmocka_unit_test(dispatch_without_hooks),
        cmocka_unit_test(dispatch_through_hooks),
        cmocka_unit_test(program_memory_mixes_with_malloc),
        cmocka_unit_test(allocations_can_be_made_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
