/*
 * as_vector: growth from every kind of storage, bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_vector.h>

#include "core/mem.h"

static void fill(as_vector* vector, int count)
{
    for (int i = 0; i < count; i++) {
        as_vector_append(vector, &i);
    }
    for (int i = 0; i < count; i++) {
        assert_int_equal(*(int*)as_vector_get(vector, (uint32_t)i), i);
    }
    assert_int_equal(vector->size, count);
}

static void grows_from_any_start(void** state)
{
    (void)state;
    as_vector on_stack;
    as_vector embedded;
    as_vector empty;
    as_vector* created = as_vector_create(sizeof(int), 2);

    as_vector_inita(&on_stack, sizeof(int), 2);
    fill(&on_stack, 2);
    assert_int_equal(on_stack.flags, 0);
    as_vector_clear(&on_stack);
    fill(&on_stack, 100);
    as_vector_destroy(&on_stack);
    as_vector_destroy(&on_stack);

    as_vector_init(&embedded, sizeof(int), 1);
    fill(&embedded, 100);
    assert_int_equal(embedded.capacity, 128);
    as_vector_destroy(&embedded);

    as_vector_init(&empty, sizeof(int), 0);
    fill(&empty, 3);
    as_vector_destroy(&empty);

    fill(created, 100);
    as_vector_destroy(created);
    as_vector_destroy(NULL);
}

static void reserve_gives_zeroed_items(void** state)
{
    (void)state;
    as_vector vector;
    int value = -1;

    as_vector_init(&vector, sizeof(int), 2);
    as_vector_append(&vector, &value);
    as_vector_clear(&vector);
    assert_int_equal(*(int*)as_vector_reserve(&vector), 0);
    as_vector_destroy(&vector);
}

static void items_that_are_pointers(void** state)
{
    (void)state;
    as_vector vector;
    int number = 3;
    int* pointer = &number;

    as_vector_init(&vector, sizeof(int*), 1);
    as_vector_append(&vector, &pointer);
    assert_ptr_equal(as_vector_get_ptr(&vector, 0), &number);
    as_vector_destroy(&vector);
}

static void unique_items(void** state)
{
    (void)state;
    as_vector vector;
    int values[] = {1, 2, 1, 2, 3};
    int added = 0;

    as_vector_init(&vector, sizeof(int), 1);
    for (int i = 0; i < 5; i++) {
        added += as_vector_append_unique(&vector, &values[i]);
    }
    assert_int_equal(added, 3);
    assert_int_equal(vector.size, 3);
    as_vector_destroy(&vector);
}

static void removing_and_setting(void** state)
{
    (void)state;
    as_vector vector;
    int value = 9;

    as_vector_init(&vector, sizeof(int), 1);
    fill(&vector, 4);
    assert_false(as_vector_remove(&vector, 4));
    assert_true(as_vector_remove(&vector, 1));
    assert_int_equal(*(int*)as_vector_get(&vector, 1), 2);
    assert_true(as_vector_remove(&vector, 2));
    assert_int_equal(vector.size, 2);
    as_vector_set(&vector, 0, &value);
    assert_int_equal(*(int*)as_vector_get(&vector, 0), 9);
    as_vector_destroy(&vector);
}

static void arrays(void** state)
{
    (void)state;
    as_vector vector;
    uint32_t size = 99;
    int* array;

    as_vector_init(&vector, sizeof(int), 1);
    assert_null(as_vector_to_array(&vector, &size));
    assert_int_equal(size, 0);
    fill(&vector, 3);
    array = as_vector_to_array(&vector, &size);
    assert_int_equal(size, 3);
    assert_int_equal(array[2], 2);
    free(array);
    as_vector_destroy(&vector);
}

static void without_memory(void** state)
{
    (void)state;
    as_vector vector;
    int value = 1;

    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_vector_create(sizeof(int), 1));
    as_vector_init(&vector, sizeof(int), 4);
    assert_int_equal(vector.capacity, 0);
    assert_null(as_vector_reserve(&vector));
    as_vector_append(&vector, &value);
    assert_false(as_vector_append_unique(&vector, &value));
    assert_int_equal(vector.size, 0);
    tnd_mem_fail(2, 1);
    assert_null(as_vector_create(sizeof(int), 1));
    tnd_mem_fail(0, 0);
    fill(&vector, 1);
    tnd_mem_fail(1, 1);
    as_vector_append(&vector, &value); /* no growth: what was there stays */
    assert_int_equal(vector.size, 1);
    assert_int_equal(*(int*)as_vector_get(&vector, 0), 0);
    tnd_mem_fail(0, 0);
    as_vector_destroy(&vector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_from_any_start),    cmocka_unit_test(reserve_gives_zeroed_items),
        cmocka_unit_test(items_that_are_pointers), cmocka_unit_test(unique_items),
        cmocka_unit_test(removing_and_setting),    cmocka_unit_test(arrays),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
