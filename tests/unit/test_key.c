/*
 * as_key: limits, ownership, digests through each kind of value.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_double.h>
#include <aerospike/as_key.h>

#include "core/mem.h"

#define CHARS_31 "0123456789012345678901234567890"
#define CHARS_63 CHARS_31 "x" CHARS_31

static void assert_digest(as_key* key, const char* hex)
{
    char text[41];
    as_digest* digest = as_key_digest(key);

    assert_non_null(digest);
    assert_true(digest->init);
    assert_true(as_bytes_to_string(digest->value, AS_DIGEST_VALUE_SIZE, text, sizeof(text)));
    for (char* c = text; *c; c++) {
        *c = (char)(*c >= 'A' ? *c + ('a' - 'A') : *c);
    }
    assert_string_equal(text, hex);
}

/* protocol/records.md 2.2, one row per way to make a key; test_digest.c has them all. */
static void digests(void** state)
{
    (void)state;
    const uint8_t raw[] = {0, 1, 2, 3, 0xff};
    as_key key;
    as_double dbl;
    as_bytes java;

    assert_non_null(as_key_init(&key, "test", "demo", "key1"));
    assert_digest(&key, "ec91192d4b7f8ce35d5d78d34bca65cbaaaac960");
    assert_non_null(as_key_init_str(&key, "test", NULL, "key1"));
    assert_digest(&key, "579f05ecf9e6a9e796f4da2ab0b1323364df5c10");
    assert_non_null(as_key_init(&key, "test", "demo", ""));
    assert_digest(&key, "6253653507ba82c3f57c87af2f86d39033149e0c");
    assert_non_null(as_key_init_int64(&key, "test", "demo", -1));
    assert_digest(&key, "e9d49a24c3debdc5a6d551d3e7087999a263bb97");
    assert_non_null(as_key_init_raw(&key, "test", "demo", raw, 5));
    assert_digest(&key, "fae4021ee054959a1544b5dc25bb67697cfc46af");
    assert_non_null(as_key_init_raw(&key, "test", "demo", NULL, 0));
    assert_digest(&key, "ba6e293c8560135577bdfacf15ad7d2b5fc3694f");

    as_double_init(&dbl, -0.0);
    assert_non_null(as_key_init_value(&key, "test", "demo", (as_key_value*)&dbl));
    assert_digest(&key, "6f2baa2819d53ca8b0bebbe2cbc023a14f5c6932");
    as_bytes_init_wrap(&java, (uint8_t*)raw, 5, false);
    as_bytes_set_type(&java, AS_BYTES_JAVA);
    assert_non_null(as_key_init_value(&key, "test", "demo", (as_key_value*)&java));
    assert_digest(&key, "322d718c6865b7b148a157d76e9a3eee49d6ab5b");
}

static void a_digest_is_computed_once(void** state)
{
    (void)state;
    as_key key;
    as_error err;

    as_key_init_int64(&key, "test", "demo", 1);
    assert_false(key.digest.init);
    assert_int_equal(as_key_set_digest(&err, &key), AEROSPIKE_OK);
    key.valuep->integer.value = 2;
    assert_int_equal(as_key_set_digest(&err, &key), AEROSPIKE_OK);
    assert_digest(&key, "b7f4b83889e2da67de683e1df6919a1eacc446c8"); /* of 1 */
}

static void a_given_digest_is_copied(void** state)
{
    (void)state;
    uint8_t digest[AS_DIGEST_VALUE_SIZE] = {9, 8, 7};
    as_key key;

    assert_non_null(as_key_init_digest(&key, "test", "demo", digest));
    digest[0] = 0;
    assert_null(key.valuep);
    assert_int_equal(as_key_digest(&key)->value[0], 9);
    as_key_destroy(&key);
}

static void what_cannot_be_a_key(void** state)
{
    (void)state;
    as_boolean boolean;
    as_bytes list;
    as_key key;
    as_error err;

    as_boolean_init(&boolean, true);
    as_key_init_value(&key, "test", "demo", (as_key_value*)&boolean);
    assert_int_equal(as_key_set_digest(&err, &key), AEROSPIKE_ERR_PARAM);
    assert_string_equal(err.message, "Invalid key type");
    assert_null(as_key_digest(&key));
    assert_false(key.digest.init);

    as_bytes_init_wrap(&list, (uint8_t*)"x", 1, false);
    as_bytes_set_type(&list, AS_BYTES_LIST);
    as_key_init_value(&key, "test", "demo", (as_key_value*)&list);
    assert_int_equal(as_key_set_digest(&err, &key), AEROSPIKE_ERR_PARAM);
}

static void names_have_limits(void** state)
{
    (void)state;
    as_key key;
    as_error err;

    assert_non_null(as_key_init_int64(&key, CHARS_31, CHARS_63, 1));
    assert_string_equal(key.ns, CHARS_31);
    assert_string_equal(key.set, CHARS_63);
    assert_null(as_key_init_int64(&key, CHARS_31 "x", "demo", 1));
    assert_null(as_key_init_int64(&key, "test", CHARS_63 "x", 1));
    /* A program that doesn't look can do no harm with it. */
    assert_string_equal(key.ns, "");
    assert_int_equal(as_key_set_digest(&err, &key), AEROSPIKE_ERR_PARAM);
    as_key_destroy(&key);

    assert_null(as_key_init_int64(NULL, "test", "demo", 1));
    assert_null(as_key_init_int64(&key, NULL, "demo", 1));
    assert_null(as_key_init(&key, "test", "demo", NULL));
    assert_null(as_key_init_raw(&key, "test", "demo", NULL, 1));
    assert_null(as_key_init_digest(&key, "test", "demo", NULL));
    assert_null(as_key_init_value(&key, "test", "demo", NULL));
    assert_null(as_key_new(CHARS_31 "x", "demo", "k"));
}

static void ownership(void** state)
{
    (void)state;
    as_key key;
    as_integer* value = as_integer_new(7);

    /* The sanitizer watches what is freed. */
    as_key_init_strp(&key, "test", "demo", strdup("given"), true);
    assert_ptr_equal(key.valuep, &key.value);
    as_key_destroy(&key);
    as_key_destroy(&key);
    as_key_init_rawp(&key, "test", "demo", malloc(4), 4, true);
    as_key_destroy(&key);

    as_val_reserve(value);
    as_key_init_value(&key, "test", "demo", (as_key_value*)value);
    as_key_destroy(&key);
    assert_int_equal(value->_.count, 1);
    as_integer_destroy(value);
    as_key_destroy(NULL);
}

static void keys_on_the_heap(void** state)
{
    (void)state;
    const uint8_t digest[AS_DIGEST_VALUE_SIZE] = {1};
    as_key* keys[] = {
        as_key_new("test", "demo", "k"),
        as_key_new_str("test", "demo", "k"),
        as_key_new_strp("test", "demo", strdup("k"), true),
        as_key_new_int64("test", "demo", 1),
        as_key_new_raw("test", "demo", digest, 3),
        as_key_new_rawp("test", "demo", malloc(2), 2, true),
        as_key_new_digest("test", "demo", digest),
        as_key_new_value("test", "demo", (as_key_value*)as_integer_new(3)),
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_non_null(keys[i]);
        assert_true(keys[i]->_free);
        as_key_destroy(keys[i]);
    }
    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_key_new("test", "demo", "k"));
    assert_null(as_key_new_int64("test", "demo", 1));
    assert_null(as_key_new_digest("test", "demo", digest));
    tnd_mem_fail(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests),
        cmocka_unit_test(a_digest_is_computed_once),
        cmocka_unit_test(a_given_digest_is_copied),
        cmocka_unit_test(what_cannot_be_a_key),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(ownership),
        cmocka_unit_test(keys_on_the_heap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
