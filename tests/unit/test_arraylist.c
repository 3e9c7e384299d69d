/*
 * as_arraylist: each function, by itself and through the interface, limits, ownership.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <aerospike/as_list_iterator.h>
#include <aerospike/as_types.h>

#include "core/mem.h"
#include "tests/lib/value.h"

static void assert_list(const void* list, const char* text)
{
    assert_string_equal(test_text(list), text);
}

static void puts_in_everywhere(void** state)
{
    (void)state;
    as_arraylist list;
    as_arraylist_init(&list, 1, 2);
    assert_int_equal(as_arraylist_append_int64(&list, 1), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_append_str(&list, "b"), AS_ARRAYLIST_OK);
    assert_true(list.capacity >= 3);
    assert_int_equal(as_arraylist_append_double(&list, 1.5), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_append(&list, NULL), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_prepend_int64(&list, 0), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_prepend_str(&list, "a"), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_prepend_double(&list, 0.5), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_insert_int64(&list, 1, 7), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_insert_str(&list, 1, "i"), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_insert_double(&list, 1, 2.5), AS_ARRAYLIST_OK);
    assert_list(&list, "[0.5, 2.5, \"i\", 7, \"a\", 0, 1, \"b\", 1.5, NIL]");
    assert_int_equal(as_arraylist_set_int64(&list, 0, -1), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_set_str(&list, 1, "s"), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_set_double(&list, 2, 3.5), AS_ARRAYLIST_OK);
    assert_list(&list, "[-1, \"s\", 3.5, 7, \"a\", 0, 1, \"b\", 1.5, NIL]");
    as_arraylist_destroy(&list);
    as_arraylist_destroy(&list); /* harmless */
}

static void puts_in_values_of_every_type(void** state)
{
    (void)state;
    as_arraylist* list = as_arraylist_new(0, 4);
    as_arraylist_append_integer(list, as_integer_new(1));
    as_arraylist_append_as_double(list, as_double_new(1.5));
    as_arraylist_append_string(list, as_string_new_strdup("s"));
    as_arraylist_append_bytes(list, (as_bytes*)test_value("x\"01\""));
    as_arraylist_append_list(list, (as_list*)test_value("[1]"));
    as_arraylist_append_map(list, (as_map*)test_value("{1:2}"));
    assert_list(list, "[1, 1.5, \"s\", 01, [1], {1:2}]");
    assert_int_equal(as_arraylist_get_integer(list, 0)->value, 1);
    assert_true(as_arraylist_get_as_double(list, 1)->value > 1.4);
    assert_string_equal(as_arraylist_get_string(list, 2)->value, "s");
    assert_int_equal(as_arraylist_get_bytes(list, 3)->size, 1);
    assert_int_equal(as_list_size(as_arraylist_get_list(list, 4)), 1);
    assert_int_equal(as_map_size(as_arraylist_get_map(list, 5)), 1);
    assert_null(as_arraylist_get_integer(list, 1));
    assert_null(as_arraylist_get_map(list, 4));
    assert_null(as_arraylist_get(list, 6));
    assert_int_equal(as_arraylist_get_int64(list, 2), 0);
    assert_true(as_arraylist_get_double(list, 0) < 0.1);
    assert_null(as_arraylist_get_str(list, 0));
    assert_null(as_arraylist_get_str(list, 99));
    assert_string_equal(as_arraylist_get_str(list, 2), "s");
    as_arraylist_set_list(list, 0, (as_list*)test_value("[]"));
    as_arraylist_insert_map(list, 0, (as_map*)test_value("{}"));
    as_arraylist_prepend_bytes(list, (as_bytes*)test_value("x\"ff\""));
    assert_list(list, "[FF, {}, [], 1.5, \"s\", 01, [1], {1:2}]");
    as_arraylist_destroy(list);
}

static void fills_gaps_with_nil(void** state)
{
    (void)state;
    as_arraylist list;
    as_arraylist_init(&list, 2, 1);
    assert_int_equal(as_arraylist_set_int64(&list, 2, 5), AS_ARRAYLIST_OK);
    assert_list(&list, "[NIL, NIL, 5]");
    assert_int_equal(as_arraylist_insert_int64(&list, 5, 6), AS_ARRAYLIST_OK);
    assert_list(&list, "[NIL, NIL, 5, NIL, NIL, 6]");
    as_arraylist_destroy(&list);
}

static void takes_nothing_when_full(void** state)
{
    (void)state;
    as_arraylist list;
    as_arraylist other;
    as_integer* value = as_integer_new(9);
    as_arraylist_inita(&list, 2);
    as_arraylist_inita(&other, 2);
    as_arraylist_append_int64(&list, 1);
    as_arraylist_append_int64(&list, 2);
    as_arraylist_append_int64(&other, 3);
    assert_int_equal(as_arraylist_append_int64(&list, 3), AS_ARRAYLIST_ERR_MAX);
    assert_int_equal(as_arraylist_append(&list, (as_val*)value), AS_ARRAYLIST_ERR_MAX);
    assert_int_equal(as_arraylist_set(&list, 2, (as_val*)value), AS_ARRAYLIST_ERR_MAX);
    assert_int_equal(as_arraylist_concat(&list, &other), AS_ARRAYLIST_ERR_MAX);
    assert_int_equal(as_arraylist_insert(&list, UINT32_MAX, (as_val*)value), AS_ARRAYLIST_ERR_MAX);
    assert_list(&list, "[1, 2]");
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
    as_arraylist_destroy(&list);
    as_arraylist_destroy(&other);
}

static void removes_and_trims(void** state)
{
    (void)state;
    as_arraylist* list = (as_arraylist*)test_value("[0, \"a\", [1], 3, 4]");
    assert_int_equal(as_arraylist_remove(list, 5), AS_ARRAYLIST_ERR_INDEX);
    assert_int_equal(as_arraylist_remove(list, 1), AS_ARRAYLIST_OK);
    assert_list(list, "[0, [1], 3, 4]");
    assert_int_equal(as_arraylist_trim(list, 4), AS_ARRAYLIST_ERR_INDEX);
    assert_int_equal(as_arraylist_trim(list, 1), AS_ARRAYLIST_OK);
    assert_list(list, "[0]");
    as_arraylist_destroy(list);
}

/* One reference of the element, whichever way it leaves the list. */
static void destroys_what_leaves(void** state)
{
    (void)state;
    as_integer* value = as_integer_new(5);
    as_arraylist* list = as_arraylist_new(4, 4);
    for (int i = 0; i < 4; i++) {
        as_val_reserve(value);
        as_arraylist_append(list, (as_val*)value);
    }
    assert_int_equal(value->_.count, 5);
    as_arraylist_set_int64(list, 0, 1);
    assert_int_equal(value->_.count, 4);
    as_arraylist_remove(list, 1);
    assert_int_equal(value->_.count, 3);
    as_arraylist_trim(list, 2);
    assert_int_equal(value->_.count, 2);
    as_arraylist_destroy(list);
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
}

static void shares_elements(void** state)
{
    (void)state;
    as_arraylist* list = (as_arraylist*)test_value("[\"a\", [1], true]");
    as_arraylist* tail = as_arraylist_tail(list);
    as_arraylist* drop = as_arraylist_drop(list, 9);
    as_arraylist* take = as_arraylist_take(list, 2);
    assert_list(tail, "[[1], true]");
    assert_list(drop, "[]");
    assert_list(take, "[\"a\", [1]]");
    assert_int_equal(as_arraylist_concat(take, tail), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_concat(take, take), AS_ARRAYLIST_OK);
    assert_int_equal(as_arraylist_get(list, 1)->count, 6);
    as_arraylist_destroy(list);
    as_arraylist_destroy(tail);
    assert_list(take, "[\"a\", [1], [1], true, \"a\", [1], [1], true]");
    assert_string_equal(as_string_get((as_string*)as_arraylist_head(take)), "a");
    assert_null(as_arraylist_head(drop));
    as_arraylist_destroy(take);
    as_arraylist_destroy(drop);
}

static bool stop_at_two(as_val* value, void* udata)
{
    *(int64_t*)udata += as_integer_get((as_integer*)value);
    return as_integer_get((as_integer*)value) != 2;
}

static void walks(void** state)
{
    (void)state;
    as_arraylist* list = (as_arraylist*)test_value("[1, 2, 3]");
    int64_t sum = 0;
    assert_false(as_arraylist_foreach(list, stop_at_two, &sum));
    assert_int_equal(sum, 3);
    as_arraylist_trim(list, 1);
    assert_true(as_arraylist_foreach(list, stop_at_two, &sum));
    assert_false(as_arraylist_foreach(NULL, stop_at_two, &sum));
    as_arraylist_iterator it;
    as_arraylist_iterator_init(&it, list);
    assert_true(as_arraylist_iterator_has_next(&it));
    assert_int_equal(as_integer_get((as_integer*)as_arraylist_iterator_next(&it)), 1);
    assert_false(as_arraylist_iterator_has_next(&it));
    assert_null(as_arraylist_iterator_next(&it));
    as_arraylist_iterator_destroy(&it);
    as_arraylist_iterator* made = as_arraylist_iterator_new(list);
    assert_true(as_iterator_has_next((as_iterator*)made));
    assert_non_null(as_iterator_next((as_iterator*)made));
    as_arraylist_iterator_destroy(made);
    as_arraylist_destroy(list);
}

static void is_a_list(void** state)
{
    (void)state;
    as_list* list = (as_list*)as_arraylist_new(1, 1);
    as_list_append_int64(list, 1);
    as_list_append_double(list, 1.5);
    as_list_append_str(list, "x");
    as_list_append(list, NULL);
    as_list_prepend_int64(list, 0);
    as_list_prepend_double(list, 0.5);
    as_list_prepend_str(list, "p");
    as_list_prepend(list, NULL);
    as_list_insert_int64(list, 1, 5);
    as_list_insert_double(list, 1, 5.5);
    as_list_insert_str(list, 1, "five");
    as_list_insert(list, 1, test_value("[1]"));
    as_list_set_int64(list, 0, 9);
    as_list_set_double(list, 2, 9.5);
    as_list_set_str(list, 3, "nine");
    as_list_set(list, 4, NULL);
    assert_list(list, "[9, [1], 9.5, \"nine\", NIL, \"p\", 0.5, 0, 1, 1.5, \"x\", NIL]");
    assert_int_equal(as_list_size(list), 12);
    assert_int_equal(as_list_hashcode(list), 0);
    assert_int_equal(as_list_get_int64(list, 0), 9);
    assert_true(as_list_get_double(list, 2) > 9.4);
    assert_string_equal(as_list_get_str(list, 3), "nine");
    assert_int_equal(as_val_type(as_list_get(list, 4)), AS_NIL);
    assert_int_equal(as_list_remove(list, 0), 0);
    assert_int_equal(as_list_trim(list, 3), 0);
    assert_string_equal(test_text(as_list_head(list)), "[1]");
    as_list* more[] = {as_list_tail(list), as_list_drop(list, 2), as_list_take(list, 1)};
    assert_list(more[0], "[9.5, \"nine\"]");
    assert_list(more[1], "[\"nine\"]");
    assert_list(more[2], "[[1]]");
    assert_int_equal(as_list_concat(list, more[1]), 0);
    assert_list(list, "[[1], 9.5, \"nine\", \"nine\"]");
    as_list_iterator room;
    as_iterator* it = (as_iterator*)as_list_iterator_init(&room, list);
    as_iterator* made = (as_iterator*)as_list_iterator_new(list);
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(as_iterator_next(it), as_iterator_next(made));
    }
    assert_false(as_iterator_has_next(it));
    as_iterator_destroy(it);
    as_iterator_destroy(made);
    for (int i = 0; i < 3; i++) {
        as_list_destroy(more[i]);
    }
    as_list_destroy(list);
}

static void grows_from_the_stack_and_from_nothing(void** state)
{
    (void)state;
    as_arraylist list;
    as_arraylist_inita(&list, 2);
    list.block_size = 1;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(as_arraylist_append_int64(&list, i), 0);
    }
    assert_int_equal(as_arraylist_get_int64(&list, 999), 999);
    as_arraylist_destroy(&list);
    as_arraylist_init(&list, 0, 1);
    assert_int_equal(as_arraylist_append_int64(&list, 1), 0);
    as_arraylist_destroy(&list);
    assert_null(as_arraylist_init(NULL, 1, 1));
    assert_int_equal(as_arraylist_size(NULL), 0);
}

static void without_memory(void** state)
{
    (void)state;
    as_arraylist* list = as_arraylist_new(1, 1);
    as_arraylist_append_int64(list, 1);
    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_arraylist_new(1, 1));
    assert_int_equal(as_arraylist_append(list, NULL), AS_ARRAYLIST_ERR_ALLOC);
    assert_int_equal(as_arraylist_append_str(list, "x"), AS_ARRAYLIST_ERR_ALLOC);
    assert_null(as_arraylist_take(list, 1));
    assert_null(as_arraylist_iterator_new(list));
    tnd_mem_fail(2, UINT64_MAX); /* the value is made, the list can't grow */
    assert_int_equal(as_arraylist_append_int64(list, 2), AS_ARRAYLIST_ERR_ALLOC);
    tnd_mem_fail(0, 0);
    assert_list(list, "[1]");
    as_arraylist_destroy(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_in_everywhere),
        cmocka_unit_test(puts_in_values_of_every_type),
        cmocka_unit_test(fills_gaps_with_nil),
        cmocka_unit_test(takes_nothing_when_full),
        cmocka_unit_test(removes_and_trims),
        cmocka_unit_test(destroys_what_leaves),
        cmocka_unit_test(shares_elements),
        cmocka_unit_test(walks),
        cmocka_unit_test(is_a_list),
        cmocka_unit_test(grows_from_the_stack_and_from_nothing),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
