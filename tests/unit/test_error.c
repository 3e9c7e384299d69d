/*
 * as_error and the names of statuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_error.h>

static void a_fresh_error_is_empty(void** state)
{
    (void)state;
    as_error err;

    memset(&err, 0xff, sizeof(err));
    assert_ptr_equal(as_error_init(&err), &err);
    assert_int_equal(err.code, AEROSPIKE_OK);
    assert_int_equal(err.subcode, 0);
    assert_string_equal(err.message, "");
    assert_null(err.func);
    assert_null(err.file);
    assert_int_equal(err.line, 0);
    assert_false(err.in_doubt);
    err.code = AEROSPIKE_ERR;
    assert_int_equal(as_error_reset(&err), AEROSPIKE_OK);
    assert_int_equal(err.code, AEROSPIKE_OK);
}

static as_status refuse(as_error* err)
{
    return as_error_update(err, AEROSPIKE_ERR_PARAM, "bin %s of %d", "x", 3);
}

static void update_fills_text_and_place(void** state)
{
    (void)state;
    as_error err;

    as_error_init(&err);
    err.subcode = 4;
    err.in_doubt = true;
    assert_int_equal(refuse(&err), AEROSPIKE_ERR_PARAM);
    assert_int_equal(err.code, AEROSPIKE_ERR_PARAM);
    assert_string_equal(err.message, "bin x of 3");
    assert_string_equal(err.func, "refuse");
    assert_non_null(strstr(err.file, "test_error.c"));
    assert_true(err.line > 0);
    assert_int_equal(err.subcode, 4);
    assert_false(err.in_doubt);
    assert_int_equal(refuse(NULL), AEROSPIKE_ERR_PARAM);

    /* The macro brings its own semicolon, and the old text may be an argument. */
    as_error_update(&err, AEROSPIKE_ERR_CLIENT, "again: %s", err.message)
        assert_string_equal(err.message, "again: bin x of 3");
    assert_int_equal(as_error_set_message(&err, AEROSPIKE_ERR_TIMEOUT, "100%"),
                     AEROSPIKE_ERR_TIMEOUT);
    assert_string_equal(err.message, "100%");
}

static void texts_are_bounded(void** state)
{
    (void)state;
    as_error err;
    char text[3000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    as_error_init(&err);
    as_error_set_message(&err, AEROSPIKE_ERR, text);
    assert_int_equal(strlen(err.message), AS_ERROR_MESSAGE_MAX_LEN);
    as_error_append(&err, "more");
    assert_int_equal(strlen(err.message), AS_ERROR_MESSAGE_MAX_LEN);
    as_error_reset(&err);
    as_error_update(&err, AEROSPIKE_ERR, "%s%s", text, text);
    assert_int_equal(strlen(err.message), AS_ERROR_MESSAGE_MAX_LEN);
    as_error_set_message(&err, AEROSPIKE_ERR, "a");
    as_error_append(&err, "b");
    as_error_append(&err, text);
    assert_int_equal(strlen(err.message), AS_ERROR_MESSAGE_MAX_LEN);
    assert_memory_equal(err.message, "abx", 3);
}

static void an_existing_text_is_kept(void** state)
{
    (void)state;
    as_error err;

    as_error_init(&err);
    assert_int_equal(as_error_update_status(&err, AEROSPIKE_ERR_TIMEOUT), AEROSPIKE_ERR_TIMEOUT);
    assert_string_equal(err.message, "AEROSPIKE_ERR_TIMEOUT");
    assert_int_equal(as_error_update_status(&err, AEROSPIKE_ERR_CLUSTER), AEROSPIKE_ERR_CLUSTER);
    assert_string_equal(err.message, "AEROSPIKE_ERR_TIMEOUT");
    as_error_reset(&err);
    as_error_update_address(&err, AEROSPIKE_ERR_RECORD_NOT_FOUND, "10.0.0.1:3000");
    assert_string_equal(err.message, "10.0.0.1:3000 AEROSPIKE_ERR_RECORD_NOT_FOUND");
    as_error_update_address(&err, AEROSPIKE_ERR_TIMEOUT, "10.0.0.2:3000");
    assert_string_equal(err.message, "10.0.0.1:3000 AEROSPIKE_ERR_RECORD_NOT_FOUND");
    assert_int_equal(err.code, AEROSPIKE_ERR_TIMEOUT);
}

static void copies_have_every_field(void** state)
{
    (void)state;
    as_error err;
    as_error copy;

    as_error_init(&err);
    refuse(&err);
    err.subcode = 7;
    err.in_doubt = true;
    memset(&copy, 0xff, sizeof(copy));
    as_error_copy(&copy, &err);
    assert_int_equal(copy.code, err.code);
    assert_int_equal(copy.subcode, 7);
    assert_string_equal(copy.message, err.message);
    assert_ptr_equal(copy.func, err.func);
    assert_ptr_equal(copy.file, err.file);
    assert_int_equal(copy.line, err.line);
    assert_true(copy.in_doubt);
    as_error_copy(&copy, &copy);
    assert_string_equal(copy.message, err.message);
}

static void in_doubt(void** state)
{
    (void)state;
    static const struct {
        as_status code;
        bool is_read;
        uint32_t sent;
        bool expected;
    } cases[] = {
        {AEROSPIKE_ERR_TIMEOUT, false, 0, false},
        {AEROSPIKE_ERR_TIMEOUT, false, 1, true},
        {AEROSPIKE_ERR_TIMEOUT, true, 1, false},
        {AEROSPIKE_ERR_TIMEOUT, true, 2, false},
        {AEROSPIKE_ERR_ASYNC_CONNECTION, false, 1, true},
        {AEROSPIKE_ERR_ASYNC_CONNECTION, false, 0, false},
        {AEROSPIKE_ERR_RECORD_EXISTS, false, 1, false},
        {AEROSPIKE_ERR_RECORD_EXISTS, false, 2, true},
        {AEROSPIKE_OK, false, 1, true},
    };
    as_error err;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_error_init(&err);
        err.code = cases[i].code;
        as_error_set_in_doubt(&err, cases[i].is_read, cases[i].sent);
        assert_int_equal(err.in_doubt, cases[i].expected);
    }
}

static void statuses_have_names(void** state)
{
    (void)state;
    int named = 0;

    assert_string_equal(as_error_string(AEROSPIKE_OK), "AEROSPIKE_OK");
    assert_string_equal(as_error_string(AEROSPIKE_ERR), "AEROSPIKE_ERR_CLIENT");
    assert_string_equal(as_error_string(-20), "AEROSPIKE_METRICS_CONFLICT");
    assert_string_equal(as_error_string(2), "AEROSPIKE_ERR_RECORD_NOT_FOUND");
    assert_string_equal(as_error_string(1302), "AEROSPIKE_ERR_LUA_FILE_NOT_FOUND");
    assert_string_equal(as_error_string(1), "AEROSPIKE_ERR_SERVER");
    assert_string_equal(as_error_string(9999), "AEROSPIKE_ERR_SERVER");
    assert_string_equal(as_error_string(-9999), "AEROSPIKE_ERR_SERVER");
    for (int status = -100; status < 2000; status++) {
        named += strcmp(as_error_string((as_status)status), "AEROSPIKE_ERR_SERVER") != 0;
    }
    assert_int_equal(named, 100); /* all of api/t1-lifecycle.md 2 but AEROSPIKE_ERR_SERVER */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_error_is_empty),  cmocka_unit_test(update_fills_text_and_place),
        cmocka_unit_test(texts_are_bounded),       cmocka_unit_test(an_existing_text_is_kept),
        cmocka_unit_test(copies_have_every_field), cmocka_unit_test(in_doubt),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
