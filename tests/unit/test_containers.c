/*
 * as_pair, as_stringmap, as_queue, as_string_builder, as_random, as_atomic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_atomic.h>
#include <aerospike/as_queue.h>
#include <aerospike/as_random.h>
#include <aerospike/as_string_builder.h>
#include <aerospike/as_stringmap.h>
#include <aerospike/as_tls.h>
#include <aerospike/as_types.h>

#include "core/mem.h"
#include "tests/lib/value.h"

/* ---- pairs ---- */

static void a_pair_owns_its_values(void** state)
{
    (void)state;
    as_integer* first = as_integer_new(1);
    as_val_reserve(first);
    as_pair* pair = pair_new(first, as_string_new_strdup("x"));
    assert_string_equal(test_text((as_val*)pair), "(1, \"x\")");
    assert_ptr_equal(as_pair_fromval(as_pair_toval(pair)), pair);
    assert_null(as_pair_fromval((as_val*)first));
    assert_ptr_equal(as_pair_1(pair), first);
    assert_string_equal(as_string_get((as_string*)as_pair_2(pair)), "x");
    assert_null(as_pair_1(NULL));
    assert_null(as_pair_2(NULL));
    as_pair_destroy(pair);
    assert_int_equal(first->_.count, 1);
    as_pair on_stack;
    as_pair_init(&on_stack, (as_val*)first, NULL);
    as_pair_destroy(&on_stack);
    as_pair_destroy(&on_stack);
}

static void constants_to_compare_with(void** state)
{
    (void)state;
    as_val* wildcard = test_value("*");
    as_val* inf = test_value("INF");
    assert_string_equal(test_text(wildcard), "*");
    assert_string_equal(test_text(inf), "INF");
    assert_ptr_equal(as_val_reserve(wildcard), wildcard);
    assert_ptr_equal(as_val_destroy(inf), inf);
    assert_int_equal(inf->count, 0);
}

/* ---- maps by text ---- */

static void keys_are_copied(void** state)
{
    (void)state;
    as_hashmap map;
    as_hashmap_init(&map, 2);
    as_map* m = (as_map*)&map;
    char key[] = "i";
    char text[] = "text";
    assert_int_equal(as_stringmap_set_int64(m, key, 5), 0);
    key[0] = 's';
    assert_int_equal(as_stringmap_set_str(m, key, text), 0);
    text[0] = 'X';
    key[0] = '?';
    assert_int_equal(as_stringmap_set_double(m, "d", 1.5), 0);
    assert_int_equal(as_stringmap_set_integer(m, "I", as_integer_new(6)), 0);
    assert_int_equal(as_stringmap_set_as_double(m, "D", as_double_new(2.5)), 0);
    assert_int_equal(as_stringmap_set_string(m, "S", as_string_new_strdup("y")), 0);
    assert_int_equal(as_stringmap_set_bytes(m, "B", (as_bytes*)test_value("x\"01\"")), 0);
    assert_int_equal(as_stringmap_set_list(m, "L", (as_list*)test_value("[1]")), 0);
    assert_int_equal(as_stringmap_set_map(m, "M", (as_map*)test_value("{1:2}")), 0);
    assert_int_equal(as_stringmap_set(m, "N", NULL), 0);
    assert_string_equal(test_text((as_val*)&map),
                        "{\"B\":01, \"D\":2.5, \"I\":6, \"L\":[1], \"M\":{1:2}, \"N\":NIL, "
                        "\"S\":\"y\", \"d\":1.5, \"i\":5, \"s\":\"text\"}");
    assert_int_equal(as_stringmap_get_int64(m, "i"), 5);
    assert_true(as_stringmap_get_double(m, "d") > 1.4);
    assert_string_equal(as_stringmap_get_str(m, "s"), "text");
    assert_int_equal(as_stringmap_get_integer(m, "I")->value, 6);
    assert_non_null(as_stringmap_get_as_double(m, "D"));
    assert_non_null(as_stringmap_get_string(m, "S"));
    assert_non_null(as_stringmap_get_bytes(m, "B"));
    assert_non_null(as_stringmap_get_list(m, "L"));
    assert_non_null(as_stringmap_get_map(m, "M"));
    assert_int_equal(as_stringmap_get(m, "N")->type, AS_NIL);
    assert_null(as_stringmap_get(m, "missing"));
    assert_null(as_stringmap_get(m, NULL));
    assert_null(as_stringmap_get_map(m, "L"));
    assert_int_equal(as_stringmap_get_int64(m, "s"), 0);
    assert_null(as_stringmap_get_str(m, "i"));
    assert_int_not_equal(as_stringmap_set_int64(m, NULL, 1), 0);
    assert_int_not_equal(as_stringmap_set_int64(NULL, "x", 1), 0);
    for (uint64_t n = 1; n <= 3; n++) {
        tnd_mem_fail(n, UINT64_MAX);
        int result = as_stringmap_set_str(m, "new", "value");
        tnd_mem_fail(0, 0);
        assert_int_not_equal(result, 0);
    }
    as_hashmap_destroy(&map);
}

/* ---- queues ---- */

static void a_queue_keeps_the_order(void** state)
{
    (void)state;
    as_queue queue;
    int item;
    as_queue_inita(&queue, sizeof(int), 3);
    assert_true(as_queue_empty(&queue));
    for (int i = 0; i < 3; i++) {
        assert_true(as_queue_push_limit(&queue, &i));
    }
    assert_false(as_queue_push_limit(&queue, &(int){3}));
    assert_false(as_queue_push_head_limit(&queue, &(int){3}));
    assert_true(as_queue_pop(&queue, &item));
    assert_int_equal(item, 0);
    assert_true(as_queue_push_limit(&queue, &(int){3})); /* around the ring's end */
    assert_true(as_queue_push(&queue, &(int){4}));       /* to the heap */
    assert_true(as_queue_push_head(&queue, &(int){0}));
    assert_int_equal(as_queue_size(&queue), 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(*(int*)as_queue_get(&queue, (uint32_t)i), i);
    }
    assert_null(as_queue_get(&queue, 5));
    assert_true(as_queue_pop_tail(&queue, &item));
    assert_int_equal(item, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(as_queue_pop(&queue, &item));
        assert_int_equal(item, i);
    }
    assert_false(as_queue_pop(&queue, &item));
    assert_false(as_queue_pop_tail(&queue, &item));
    as_queue_destroy(&queue);
}

static void a_queue_runs_around_and_grows(void** state)
{
    (void)state;
    as_queue* queue = as_queue_create(sizeof(uint32_t), 0);
    uint32_t in = 0, out = 0, item;
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < 3; i++, in++) {
            assert_true(as_queue_push(queue, &in));
        }
        for (int i = 0; i < (round < 1000 ? 2 : 4); i++, out++) {
            if (as_queue_empty(queue)) {
                break;
            }
            assert_true(as_queue_pop(queue, &item));
            assert_int_equal(item, out);
        }
    }
    assert_true(queue->head < queue->capacity);
    as_queue_destroy(queue);
    as_queue counted;
    assert_true(as_queue_init(&counted, 4, 1));
    assert_true(as_queue_incr_total(&counted));
    assert_false(as_queue_incr_total(&counted));
    as_queue_decr_total(&counted);
    assert_int_equal(counted.total, 0);
    tnd_mem_fail(1, UINT64_MAX);
    assert_true(as_queue_push(&counted, &(int){1}));
    assert_false(as_queue_push(&counted, &(int){2}));
    assert_null(as_queue_create(4, 4));
    tnd_mem_fail(0, 0);
    as_queue_destroy(&counted);
    as_queue_destroy(NULL);
}

/* ---- texts ---- */

static void builds_texts(void** state)
{
    (void)state;
    as_string_builder sb;
    as_string_builder_init(&sb, 4, true);
    assert_true(as_string_builder_append(&sb, "number "));
    assert_true(as_string_builder_append_int(&sb, -5));
    assert_true(as_string_builder_append_char(&sb, ' '));
    assert_true(as_string_builder_append_uint(&sb, UINT32_MAX));
    assert_true(as_string_builder_append_newline(&sb));
    assert_true(as_string_builder_append_int64(&sb, INT64_MIN));
    assert_true(as_string_builder_append_char(&sb, ' '));
    assert_true(as_string_builder_append_uint64(&sb, UINT64_MAX));
    assert_true(as_string_builder_append_char(&sb, ' '));
    assert_true(as_string_builder_append_bytes(&sb, (uint8_t*)"\x00\xab\xff", 3));
    assert_string_equal(sb.data, "number -5 4294967295\n-9223372036854775808 "
                                 "18446744073709551615 00 AB FF");
    assert_int_equal(sb.length, strlen(sb.data));
    as_string_builder_reset(&sb);
    assert_string_equal(sb.data, "");
    as_string_builder_destroy(&sb);
}

static void cuts_texts_that_may_not_grow(void** state)
{
    (void)state;
    char buffer[6];
    as_string_builder sb;
    as_string_builder_assign(&sb, sizeof(buffer), buffer);
    assert_true(as_string_builder_append(&sb, "abc"));
    assert_false(as_string_builder_append(&sb, "defg"));
    assert_string_equal(buffer, "abcde");
    assert_false(as_string_builder_append_char(&sb, 'x'));
    assert_false(as_string_builder_append_bytes(&sb, (uint8_t*)"x", 1));
    as_string_builder_destroy(&sb);
    as_string_builder_inita(&sb, 4, true);
    assert_true(as_string_builder_append(&sb, "longer than four"));
    assert_string_equal(sb.data, "longer than four");
    as_string_builder_destroy(&sb);
    tnd_mem_fail(1, UINT64_MAX);
    as_string_builder_init(&sb, 4, true);
    assert_false(as_string_builder_append(&sb, "x"));
    tnd_mem_fail(0, 0);
    as_string_builder_destroy(&sb);
}

/* ---- chance ---- */

static void numbers_and_texts_by_chance(void** state)
{
    (void)state;
    as_random random;
    as_random_init(&random);
    assert_true(random.initialized);
    assert_true(as_random_next_uint64(&random) != as_random_next_uint64(&random));
    assert_ptr_equal(as_random_instance(), as_random_instance());
    assert_true(as_random_get_uint64() != as_random_get_uint64());
    uint32_t ored = 0;
    for (int i = 0; i < 64; i++) {
        ored |= as_random_get_uint32();
    }
    assert_int_equal(ored, UINT32_MAX); /* each bit is set now and then */
    char text[33];
    as_random_get_str(text, sizeof(text));
    assert_int_equal(strlen(text), 32);
    assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz"),
                     32);
    as_random_next_str(&random, text, 1);
    assert_string_equal(text, "");
    as_random_next_str(&random, text, 0);
    uint8_t bytes[19] = {0};
    as_random_get_bytes(bytes, 17);
    assert_int_equal(bytes[17] + bytes[18], 0);
}

/* ---- atomic numbers ---- */

static void counts_atomically(void** state)
{
    (void)state;
    uint32_t n = 5;
    int64_t m = -1;
    as_spinlock lock;
    as_incr_uint32(&n);
    as_add_uint32(&n, 4);
    assert_int_equal(as_aaf_uint32(&n, 1), 11);
    assert_int_equal(as_faa_uint32(&n, 1), 11);
    as_decr_uint32(&n);
    assert_false(as_cas_uint32(&n, 3, 4));
    assert_true(as_cas_uint32(&n, 11, 4));
    assert_int_equal(as_load_uint32(&n), 4);
    as_store_int64(&m, INT64_MIN);
    as_incr_int64(&m);
    assert_true(as_load_int64(&m) == INT64_MIN + 1);
    as_spinlock_init(&lock);
    as_spinlock_lock(&lock);
    assert_int_equal(lock.lock, 1);
    as_spinlock_unlock(&lock);
    assert_int_equal(lock.lock, 0);
    as_tls_thread_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_owns_its_values),
        cmocka_unit_test(constants_to_compare_with),
        cmocka_unit_test(keys_are_copied),
        cmocka_unit_test(a_queue_keeps_the_order),
        cmocka_unit_test(a_queue_runs_around_and_grows),
        cmocka_unit_test(builds_texts),
        cmocka_unit_test(cuts_texts_that_may_not_grow),
        cmocka_unit_test(numbers_and_texts_by_chance),
        cmocka_unit_test(counts_atomically),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
