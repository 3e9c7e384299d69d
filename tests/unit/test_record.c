/*
 * as_record: setters, getters, ownership, walking, the record as a value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_record_iterator.h>

#include "core/mem.h"
#include "core/record.h"

static void one_bin_of_each_type(void** state)
{
    (void)state;
    as_record rec;
    as_record_inita(&rec, 8);

    assert_true(as_record_set_bool(&rec, "bool", true));
    assert_true(as_record_set_int64(&rec, "int", -7));
    assert_true(as_record_set_double(&rec, "double", 2.5));
    assert_true(as_record_set_str(&rec, "str", "text"));
    assert_true(as_record_set_geojson_str(&rec, "geo", "{}"));
    assert_true(as_record_set_raw(&rec, "raw", (const uint8_t*)"abc", 3));
    assert_true(
        as_record_set_raw_typep(&rec, "typed", (const uint8_t*)"abc", 3, AS_BYTES_HLL, false));
    assert_true(as_record_set_nil(&rec, "nil"));
    assert_int_equal(as_record_numbins(&rec), 8);

    assert_true(as_record_get_bool(&rec, "bool"));
    assert_true(as_record_get_bool(&rec, "int"));
    assert_int_equal(as_record_get_int64(&rec, "int", 1), -7);
    assert_true(as_record_get_double(&rec, "double", 0.0) == 2.5);
    assert_string_equal(as_record_get_str(&rec, "str"), "text");
    assert_string_equal(as_record_get_geojson_str(&rec, "geo"), "{}");
    assert_int_equal(as_record_get_bytes(&rec, "raw")->size, 3);
    assert_int_equal(as_record_get_bytes(&rec, "raw")->type, AS_BYTES_BLOB);
    assert_int_equal(as_record_get_bytes(&rec, "typed")->type, AS_BYTES_HLL);
    assert_ptr_equal(as_record_get(&rec, "nil"), &as_nil);

    /* Missing, or of another type. */
    assert_null(as_record_get(&rec, "none"));
    assert_null(as_record_get(&rec, NULL));
    assert_null(as_record_get(NULL, "int"));
    assert_int_equal(as_record_get_int64(&rec, "str", 42), 42);
    assert_true(as_record_get_double(&rec, "int", 4.5) == 4.5);
    assert_false(as_record_get_bool(&rec, "double"));
    assert_null(as_record_get_str(&rec, "geo"));
    assert_null(as_record_get_geojson_str(&rec, "str"));
    assert_null(as_record_get_list(&rec, "int"));
    assert_null(as_record_get_map(&rec, "int"));
    as_record_destroy(&rec);
}

static void programs_read_the_members(void** state)
{
    (void)state;
    as_record record;
    as_record* rec = &record;
    as_record_inita(rec, 1);

    as_record_set_int64(rec, "n", 9);
    assert_string_equal(as_bin_get_name(&rec->bins.entries[0]), "n");
    assert_int_equal(rec->bins.entries[0].valuep->integer.value, 9);
    assert_int_equal(rec->bins.entries[0].valuep->nil.type, AS_INTEGER);
    assert_int_equal(as_bin_get_type(&rec->bins.entries[0]), AS_INTEGER);
    assert_ptr_equal(as_bin_get_value(&rec->bins.entries[0]), &rec->bins.entries[0].value);
    assert_int_equal(((as_val*)rec)->type, AS_REC);
    as_record_destroy(rec);
}

static void a_setter_that_fails_takes_nothing(void** state)
{
    (void)state;
    as_record rec;
    as_integer* value = as_integer_new(1);
    char* text = strdup("mine");
    as_record_inita(&rec, 1);

    assert_false(as_record_set_integer(&rec, "1234567890123456", value));
    assert_false(as_record_set_integer(&rec, NULL, value));
    assert_true(as_record_set_int64(&rec, "123456789012345", 1));
    assert_false(as_record_set_integer(&rec, "second", value)); /* no room */
    assert_false(as_record_set_strp(&rec, "second", text, true));
    assert_false(as_record_set_int64(NULL, "a", 1));
    assert_int_equal(as_record_numbins(&rec), 1);
    as_record_destroy(&rec);
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
    free(text);
}

static void a_bin_is_replaced(void** state)
{
    (void)state;
    as_record rec;
    as_integer* value = as_integer_new(1);
    as_record_inita(&rec, 1);

    assert_true(as_record_set_strp(&rec, "a", strdup("old"), true));
    assert_true(as_record_set_integer(&rec, "a", (as_integer*)as_val_reserve(value)));
    assert_int_equal(as_record_get_int64(&rec, "a", 0), 1);
    assert_true(as_record_set_strp(&rec, "a", strdup("new"), true));
    assert_int_equal(value->_.count, 1); /* the record's reference is gone */
    assert_string_equal(as_record_get_str(&rec, "a"), "new");
    assert_int_equal(as_record_numbins(&rec), 1);
    as_record_destroy(&rec);
    as_integer_destroy(value);
}

static void values_of_the_program(void** state)
{
    (void)state;
    as_record* rec = as_record_new(7);
    as_list* list = as_list_new(NULL);
    as_map* map = as_map_new(NULL);

    assert_true(as_record_set_integer(rec, "i", as_integer_new(1)));
    assert_true(as_record_set_as_double(rec, "d", as_double_new(1.5)));
    assert_true(as_record_set_string(rec, "s", as_string_new_strdup("x")));
    assert_true(as_record_set_geojson(rec, "g", as_geojson_new_strdup("{}")));
    assert_true(as_record_set_bytes(rec, "b", as_bytes_new(2)));
    assert_true(as_record_set_list(rec, "l", list));
    assert_true(as_record_set_map(rec, "m", map));
    assert_ptr_equal(as_record_get_list(rec, "l"), list);
    assert_ptr_equal(as_record_get_map(rec, "m"), map);
    assert_true(as_record_get_as_double(rec, "d")->value == 1.5);
    as_record_destroy(rec); /* frees them all: the sanitizer watches */
}

static void references(void** state)
{
    (void)state;
    as_record* rec = as_record_new(1);
    as_record stack;

    as_val_reserve(rec);
    as_record_destroy(rec);
    assert_true(as_record_set_int64(rec, "a", 1));
    as_record_destroy(rec);

    assert_non_null(as_record_init(&stack, 2));
    as_record_destroy(&stack);
    as_record_destroy(&stack); /* a program that shouldn't, but may */
    as_record_destroy(NULL);
    assert_null(as_record_init(NULL, 1));
    assert_int_equal(as_record_numbins(NULL), 0);
}

static void a_cleared_record_keeps_its_room(void** state)
{
    (void)state;
    as_record* rec = as_record_new(1);

    assert_true(as_record_set_strp(rec, "a", strdup("x"), true));
    tnd_record_clear(rec);
    assert_int_equal(as_record_numbins(rec), 0);
    assert_null(as_record_get(rec, "a"));
    assert_true(as_record_set_int64(rec, "b", 1));
    as_record_destroy(rec);
}

static void no_room_at_all(void** state)
{
    (void)state;
    as_record* rec = as_record_new(0);

    assert_false(as_record_set_int64(rec, "a", 1));
    assert_int_equal(as_record_numbins(rec), 0);
    as_record_destroy(rec);
}

static void the_key_goes_with_the_record(void** state)
{
    (void)state;
    as_record* rec = as_record_new(0);

    assert_string_equal(rec->key.ns, "");
    assert_null(rec->key.valuep);
    as_key_init_strp(&rec->key, "test", "demo", strdup("k"), true);
    as_record_destroy(rec);
}

/* --- as a value, walking --- */

static bool count_to_two(const char* name, const as_val* value, void* udata)
{
    int* count = udata;

    assert_non_null(name);
    assert_int_equal(as_val_type(value), AS_INTEGER);
    return ++*count < 2;
}

static void walking(void** state)
{
    (void)state;
    as_record rec;
    as_record_iterator it;
    int count = 0;
    as_record_inita(&rec, 3);

    assert_true(as_record_foreach(&rec, count_to_two, &count));
    assert_false(as_record_foreach(NULL, count_to_two, &count));
    as_record_set_int64(&rec, "a", 1);
    assert_true(as_record_foreach(&rec, count_to_two, &count));
    as_record_set_int64(&rec, "b", 2);
    as_record_set_int64(&rec, "c", 3);
    count = 0;
    assert_false(as_record_foreach(&rec, count_to_two, &count));
    assert_int_equal(count, 2);

    as_record_iterator_init(&it, &rec);
    for (int i = 1; i <= 3; i++) {
        assert_true(as_record_iterator_has_next(&it));
        assert_int_equal(as_record_iterator_next(&it)->valuep->integer.value, i);
    }
    assert_false(as_record_iterator_has_next(&it));
    assert_null(as_record_iterator_next(&it));
    as_record_iterator_destroy(&it);

    as_record_iterator* heap = as_record_iterator_new(&rec);
    assert_string_equal(as_record_iterator_next(heap)->name, "a");
    as_record_iterator_destroy(heap);
    as_record_destroy(&rec);
}

static void as_a_value(void** state)
{
    (void)state;
    as_record rec;
    as_rec* interface;
    char* text;
    int count = 0;
    as_record_inita(&rec, 1);

    interface = as_rec_fromval(as_record_toval(&rec));
    assert_ptr_equal(as_record_fromval((const as_val*)interface), &rec);
    assert_ptr_equal(as_rec_source(interface), &rec);
    assert_int_equal(as_rec_set(interface, "a", (as_val*)as_integer_new(4)), 0);
    assert_int_equal(as_rec_set(interface, "b", &as_nil), 1); /* full */
    assert_int_equal(((as_integer*)as_rec_get(interface, "a"))->value, 4);
    rec.gen = 3;
    rec.ttl = 90;
    assert_int_equal(as_rec_gen(interface), 3);
    assert_int_equal(as_rec_ttl(interface), 90);
    assert_int_equal(as_rec_numbins(interface), 1);
    assert_string_equal(as_rec_setname(interface), "");
    assert_true(as_rec_foreach(interface, count_to_two, &count));
    text = as_val_tostring(&rec);
    assert_string_equal(text, "[ REC ]");
    free(text);
    as_rec_destroy(interface);
}

static void see_names(char* names, uint32_t count, uint16_t size, void* udata)
{
    assert_int_equal(count, 2);
    assert_string_equal(names, "i");
    assert_string_equal(names + size, "s");
    *(bool*)udata = true;
}

static void through_the_interface(void** state)
{
    (void)state;
    as_record rec;
    as_record_inita(&rec, 8);
    as_rec* interface = as_rec_fromval(as_record_toval(&rec));
    assert_int_equal(as_rec_set_int64(interface, "i", 5), 0);
    assert_int_equal(as_rec_set_str(interface, "s", "text"), 0);
    bool is_called = false;
    assert_int_equal(as_rec_bin_names(interface, see_names, &is_called), 0);
    assert_true(is_called);
    assert_int_equal(as_rec_set_double(interface, "d", 1.5), 0);
    assert_int_equal(as_rec_set_integer(interface, "I", as_integer_new(6)), 0);
    assert_int_equal(as_rec_set_string(interface, "S", as_string_new_strdup("x")), 0);
    as_record_set_bool(&rec, "b", true);
    assert_int_equal(as_rec_get_int64(interface, "i"), 5);
    assert_string_equal(as_rec_get_str(interface, "s"), "text");
    assert_true(as_rec_get_double(interface, "d") > 1.4);
    assert_int_equal(as_rec_get_integer(interface, "I")->value, 6);
    assert_null(as_rec_get_list(interface, "I"));
    assert_null(as_rec_get_geojson_str(interface, "s"));
    assert_int_equal(as_rec_get_int64(interface, "missing"), 0);
    /* Values that lie in their bins move when one before them goes. */
    assert_int_equal(as_rec_remove(interface, "s"), 0);
    assert_int_equal(as_rec_remove(interface, "s"), 1);
    assert_int_equal(as_rec_numbins(interface), 5);
    assert_true(as_record_get_bool(&rec, "b"));
    assert_int_equal(as_rec_set_ttl(interface, 77), 0);
    assert_int_equal(as_rec_ttl(interface), 77);
    assert_null(as_rec_digest(interface));
    assert_null(as_rec_key(interface));
    rec.key.digest.init = true;
    memset(rec.key.digest.value, 7, sizeof(rec.key.digest.value));
    as_bytes* digest = as_rec_digest(interface);
    assert_int_equal(as_bytes_size(digest), 20);
    as_bytes_destroy(digest);
    assert_int_equal(as_rec_drop_key(interface), 1); /* no such hook */
    assert_int_equal(as_rec_size(interface) + as_rec_memory_size(interface) +
                         as_rec_device_size(interface) + as_rec_last_update_time(interface),
                     0);
    as_record_destroy(&rec);
    as_rec* bare = as_rec_new(NULL, NULL);
    as_rec on_stack;
    assert_ptr_equal(as_rec_init(&on_stack, &rec, NULL), &on_stack);
    assert_int_equal(as_rec_set_int64(bare, "x", 1), 1);
    as_rec_destroy(bare);
}

static void results_of_functions(void** state)
{
    (void)state;
    as_record rec;
    as_record_inita(&rec, 1);

    assert_null(as_record_get_udf_result(&rec));
    assert_null(as_record_get_udf_error(&rec));
    as_record_set_int64(&rec, "SUCCESS", 5);
    assert_int_equal(((as_integer*)as_record_get_udf_result(&rec))->value, 5);
    as_record_destroy(&rec);
    as_record_inita(&rec, 1);
    as_record_set_str(&rec, "FAILURE", "why");
    assert_string_equal(as_record_get_udf_error(&rec), "why");
    as_record_destroy(&rec);
}

static void without_memory(void** state)
{
    (void)state;
    as_record rec;

    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_record_new(1));
    assert_null(as_record_init(&rec, 1));
    assert_null(as_record_iterator_new(&rec));
    tnd_mem_fail(0, 0);
    assert_false(as_record_set_int64(&rec, "a", 1)); /* room for none */
    as_record_destroy(&rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bin_of_each_type),
        cmocka_unit_test(programs_read_the_members),
        cmocka_unit_test(a_setter_that_fails_takes_nothing),
        cmocka_unit_test(a_bin_is_replaced),
        cmocka_unit_test(values_of_the_program),
        cmocka_unit_test(references),
        cmocka_unit_test(a_cleared_record_keeps_its_room),
        cmocka_unit_test(no_room_at_all),
        cmocka_unit_test(the_key_goes_with_the_record),
        cmocka_unit_test(walking),
        cmocka_unit_test(as_a_value),
        cmocka_unit_test(through_the_interface),
        cmocka_unit_test(results_of_functions),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
