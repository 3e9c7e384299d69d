/*
 * UDFs against a cluster of three nodes: the mini cluster, or the real one that AEROSPIKE_HOSTS
 * names. Both are given tests/minicluster/rec.lua; the mini cluster has the same functions in C.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <aerospike/aerospike_batch.h>
#include <aerospike/aerospike_udf.h>
#include <aerospike/as_arraylist.h>
#include <aerospike/as_exp.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/lib/operate.h"
#include "tests/lib/value.h"

#define NS "test"
#define SET "udf"
#define PACKAGE "rec"

static test_cluster* cluster;
static aerospike as;
static as_key key;

/* ---- calls ---- */

static struct {
    unsigned calls;
    as_status code;
    bool in_doubt;
    char text[2048]; /* of the value, or the error's message */
} told;

static void tell(const as_error* err, const as_val* val)
{
    told.calls++;
    told.code = err ? err->code : AEROSPIKE_OK;
    told.in_doubt = err && err->in_doubt;
    snprintf(told.text, sizeof(told.text), "%s", err ? err->message : test_text(val));
}

static void on_value(as_error* err, as_val* val, void* udata, as_event_loop* loop)
{
    (void)udata, (void)loop;
    tell(err, val);
}

static bool is_told(void* udata)
{
    (void)udata;
    return told.calls > 0;
}

/* A UDF's value as text, or "error 100". `args` is a text of a list. */
static const char* result(void)
{
    static char text[32];
    assert_int_equal(told.calls, 1);
    snprintf(text, sizeof(text), "error %d", (int)told.code);
    return told.code == AEROSPIKE_OK ? told.text : text;
}

static const char* apply_with(const as_policy_apply* policy, const char* function, const char* args)
{
    as_error err;
    as_list* list = (as_list*)test_value(args);
    told.calls = 0;
    assert_int_equal(aerospike_key_apply_async(&as, &err, policy, &key, PACKAGE, function, list,
                                               on_value, NULL, NULL, NULL),
                     AEROSPIKE_OK);
    as_val_destroy(list); /* only read during the call */
    assert_true(test_run_until(is_told, NULL, TEST_WAIT_MS));
    return result();
}

static const char* apply(const char* function, const char* args)
{
    return apply_with(NULL, function, args);
}

static const char* apply_sync(const char* package, const char* function, const char* args)
{
    as_error err;
    as_val* val = NULL;
    as_list* list = (as_list*)test_value(args);
    told.calls = 0;
    as_status status = aerospike_key_apply(&as, &err, NULL, &key, package, function, list, &val);
    as_val_destroy(list);
    assert_int_equal(err.code, status);
    tell(status == AEROSPIKE_OK ? NULL : &err, val);
    as_val_destroy(val);
    return result();
}

/* The same both ways. */
static void assert_applies(const char* function, const char* args, const char* expected)
{
    const char* got = apply(function, args);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s(%s): %s %s, expected %s", function, args, got, told.text, expected);
    }
    got = apply_sync(PACKAGE, function, args);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s(%s), synchronously: %s %s, expected %s", function, args, got, told.text,
                 expected);
    }
}

/* ---- tests ---- */

static void values_come_back_as_they_went(void** state)
{
    (void)state;
    static const char* const values[] = {"0",
                                         "-1",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "1.5",
                                         "true",
                                         "false",
                                         "\"\"",
                                         "\"caf\xc3\xa9\"",
                                         "x\"00ff\"",
                                         "[]",
                                         "[1, \"x\", [2.5, {\"k\":[]}]]",
                                         "{}",
                                         "{\"a\":1, 2:\"b\"}",
                                         "K{\"b\":2, \"a\":x\"01\"}",
                                         "NIL"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char args[256];
        as_val* val = test_value(values[i]);
        snprintf(args, sizeof(args), "[%s]", values[i]);
        assert_applies("echo", args, test_text(val));
        as_val_destroy(val);
    }
    assert_applies("echo", "[]", "NIL");
    assert_applies("echo", "[g\"{}\"]", "\"{}\"");
    assert_applies("add", "[2, 3, -10]", "-5");
    assert_applies("add", "[]", "0");
    as_error err;
    as_val* val = NULL; /* no list is an empty one */
    assert_int_equal(aerospike_key_apply(&as, &err, NULL, &key, PACKAGE, "add", NULL, &val),
                     AEROSPIKE_OK);
    assert_string_equal(test_text(val), "0");
    as_val_destroy(val);
}

static void functions_change_the_record(void** state)
{
    (void)state;
    assert_string_equal(apply("remove_record", "[]"), "1"); /* none there */
    assert_string_equal(apply("get_bin", "[\"a\"]"), "NIL");
    as_policy_apply policy;
    as_policy_apply_init(&policy);
    policy.base.total_timeout = 5000;
    policy.ttl = 1000;
    assert_string_equal(apply_with(&policy, "create_record", "[\"a\", 7]"), "0");
    assert_string_equal(test_read(&as, &key), "a=7");
    assert_int_equal(test_operate_generation(), 1);
    assert_in_range(test_operate_ttl(), 990, 1000);
    assert_applies("create_record", "[\"a\", 8]", "1");
    assert_applies("get_bin", "[\"a\"]", "7");
    assert_string_equal(test_read(&as, &key), "a=7"); /* reading changes nothing */
    assert_int_equal(test_operate_generation(), 1);
    assert_in_range(test_operate_ttl(), 980, 1000);
    assert_string_equal(apply("put_bin", "[\"m\", {\"k\":[1, x\"02\"]}]"), "0");
    assert_applies("get_bin", "[\"m\"]", "{\"k\":[1, 02]}");
    assert_int_equal(strcmp(test_read(&as, &key), "a=7 m={\"k\":[1, 02]}"), 0);
    assert_int_equal(test_operate_generation(), 2);
    assert_string_equal(apply("put_bin", "[\"m\", NIL]"), "0");
    assert_string_equal(test_read(&as, &key), "a=7");
    assert_string_equal(apply("put_bin", "[\"long_long_long_name\", 1]"), "0"); /* ignored */
    assert_string_equal(test_read(&as, &key), "a=7");
    assert_int_equal(test_operate_generation(), 4);
    assert_string_equal(apply_sync(PACKAGE, "remove_record", "[]"), "0");
    assert_string_equal(test_read(&as, &key), "error 2");
    assert_string_equal(apply("put_bin", "[\"long_long_long_name\", 1]"), "error 2");
    assert_string_equal(apply("put_bin", "[\"a\", NIL]"), "error 2");
}

/* The server's text is in the message. */
static void failures_say_why(void** state)
{
    (void)state;
    static const struct {
        const char* package;
        const char* function;
        const char* args;
        const char* text;
    } cases[] = {
        {PACKAGE, "fail", "[\"the disc is worn\"]", "the disc is worn"},
        {PACKAGE, "add", "[1, \"x\"]", "rec.lua:16: attempt to add a 'number' with a 'string'"},
        {PACKAGE, "none", "[]", "function not found"},
        {"no_such_package", "echo", "[]", "UDF: Execution Error 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(apply_sync(cases[i].package, cases[i].function, cases[i].args),
                            "error 100");
        assert_non_null(strstr(told.text, "AEROSPIKE_ERR_UDF: "));
        if (!strstr(told.text, cases[i].text)) {
            fail_msg("%s: %s", cases[i].text, told.text);
        }
        assert_false(told.in_doubt);
    }
    assert_string_equal(apply("fail", "[\"the disc is worn\"]"), "error 100");
    assert_non_null(strstr(told.text, "AEROSPIKE_ERR_UDF: the disc is worn"));
    assert_false(told.in_doubt);
}

static void what_cannot_be_called(void** state)
{
    (void)state;
    as_error err;
    char name[200];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    told.calls = 0;
    static const char* const good = PACKAGE;
    const char* const bad[] = {NULL, "", name};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(aerospike_key_apply_async(&as, &err, NULL, &key, bad[i], "echo", NULL,
                                                   on_value, NULL, NULL, NULL),
                         AEROSPIKE_ERR_PARAM);
        assert_int_equal(aerospike_key_apply_async(&as, &err, NULL, &key, good, bad[i], NULL,
                                                   on_value, NULL, NULL, NULL),
                         AEROSPIKE_ERR_PARAM);
    }
    test_run_for(1);
    assert_int_equal(told.calls, 0);
}

/* Where there is a record, it has to match. */
static void filters_are_for_records_that_exist(void** state)
{
    (void)state;
    as_policy_apply policy;
    as_policy_apply_init(&policy);
    policy.base.total_timeout = 5000;
    policy.base.filter_exp = as_exp_from_base64("kwGTUQKhdgI="); /* v == 2 */
    assert_string_equal(apply_with(&policy, "create_record", "[\"v\", 1]"), "0");
    assert_string_equal(apply_with(&policy, "get_bin", "[\"v\"]"), "error 27");
    assert_string_equal(apply("put_bin", "[\"v\", 2]"), "0");
    assert_string_equal(apply_with(&policy, "get_bin", "[\"v\"]"), "2");
    as_exp_destroy(policy.base.filter_exp);
    assert_string_equal(apply("remove_record", "[]"), "0");
}

/* ---- batches ---- */

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)records;
    test_on_write(err, udata, loop);
}

static void key_init(as_key* ret_key, int number)
{
    as_key_init_int64(ret_key, NS, SET, getpid() * 100 + number);
}

static void add_apply(as_batch_records* records, int number, const char* function, as_list* args)
{
    as_batch_apply_record* row = as_batch_apply_reserve(records);
    key_init(&row->key, number);
    row->module = PACKAGE;
    row->function = function;
    row->arglist = args;
}

static const as_batch_base_record* row_at(const as_batch_records* records, uint32_t i)
{
    return as_vector_get(&((as_batch_records*)(uintptr_t)records)->list, i);
}

static const char* row_value(const as_batch_records* records, uint32_t i)
{
    return test_text(as_record_get_udf_result(&row_at(records, i)->record));
}

/* A read, a write, two removes, and UDFs, one of which fails. */
static as_batch_records* batch_of_all_kinds(as_operations* ops, as_list* put, as_list* text)
{
    as_batch_records* records = as_batch_records_create(8);
    as_batch_write_record* write = as_batch_write_reserve(records);
    key_init(&write->key, 0);
    write->ops = ops;
    add_apply(records, 1, "put_bin", put);
    add_apply(records, 2, "fail", text);
    add_apply(records, 3, "echo", put); /* runs without a record */
    as_batch_remove_record* remove = as_batch_remove_reserve(records);
    key_init(&remove->key, 4);
    as_batch_read_record* read = as_batch_read_reserve(records);
    key_init(&read->key, 5);
    read->read_all_bins = true;
    return records;
}

static void assert_all_kinds(const as_batch_records* records)
{
    assert_int_equal(row_at(records, 0)->result, AEROSPIKE_OK);
    assert_int_equal(row_at(records, 1)->result, AEROSPIKE_OK);
    assert_string_equal(row_value(records, 1), "0");
    assert_int_equal(row_at(records, 2)->result, AEROSPIKE_ERR_UDF);
    assert_string_equal(as_record_get_udf_error(&row_at(records, 2)->record), "worn");
    assert_false(row_at(records, 2)->in_doubt);
    assert_int_equal(row_at(records, 3)->result, AEROSPIKE_OK);
    assert_string_equal(row_value(records, 3), "\"b\"");
    assert_int_equal(row_at(records, 4)->result, AEROSPIKE_OK);
    assert_int_equal(row_at(records, 5)->result, AEROSPIKE_OK);
    assert_int_equal(as_record_get_int64(&row_at(records, 5)->record, "b", 0), 5);
}

static void put_number(int number)
{
    as_error err;
    as_key made;
    as_record record;
    key_init(&made, number);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "b", number);
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &made, &record), AEROSPIKE_OK);
    as_record_destroy(&record);
}

static void remove_numbers(void)
{
    as_error err;
    for (int i = 0; i < 10; i++) {
        as_key gone;
        key_init(&gone, i);
        aerospike_key_remove(&as, &err, NULL, &gone);
    }
}

static void batches_of_all_kinds(void** state)
{
    (void)state;
    as_error err;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_write_int64(&ops, "b", 1);
    as_list* put = (as_list*)test_value("[\"b\", 2]");
    as_list* text = (as_list*)test_value("[\"worn\"]");
    for (int sync = 0; sync < 2; sync++) {
        put_number(4);
        put_number(5);
        as_batch_records* records = batch_of_all_kinds(&ops, put, text);
        if (sync) {
            assert_int_equal(aerospike_batch_write(&as, &err, NULL, records),
                             AEROSPIKE_BATCH_FAILED);
        } else {
            test_result told_batch = {0};
            assert_int_equal(
                aerospike_batch_write_async(&as, &err, NULL, records, on_batch, &told_batch, NULL),
                AEROSPIKE_OK);
            test_result_wait(&told_batch);
            assert_int_equal(told_batch.code, AEROSPIKE_BATCH_FAILED);
            assert_false(told_batch.in_doubt);
        }
        assert_all_kinds(records);
        as_batch_records_destroy(records);
        remove_numbers();
    }
    as_list_destroy(put);
    as_list_destroy(text);
    as_operations_destroy(&ops);
}

typedef struct seen {
    unsigned calls, fine, failed, generations;
    int64_t sum;
} seen;

static bool on_results(const as_batch_result* results, uint32_t n, void* udata)
{
    seen* got = udata;
    got->calls++;
    for (uint32_t i = 0; i < n; i++) {
        as_val* val = as_record_get_udf_result(&results[i].record);
        got->generations += results[i].record.gen;
        got->fine += results[i].result == AEROSPIKE_OK;
        got->failed += results[i].result == AEROSPIKE_ERR_UDF;
        got->sum += val && as_val_type(val) == AS_INTEGER ? as_integer_get((as_integer*)val) : 0;
    }
    return true;
}

static void one_function_for_many_keys(void** state)
{
    (void)state;
    as_error err;
    as_batch batch;
    as_batch_inita(&batch, 5);
    for (uint32_t i = 0; i < 5; i++) {
        put_number((int)i);
        key_init(as_batch_keyat(&batch, i), (int)i);
    }
    seen got = {0};
    as_list* args = (as_list*)test_value("[\"b\"]");
    assert_int_equal(aerospike_batch_apply(&as, &err, NULL, NULL, &batch, PACKAGE, "get_bin", args,
                                           on_results, &got),
                     AEROSPIKE_OK);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.fine, 5);
    assert_int_equal(got.sum, 10);
    got = (seen){0};
    assert_int_equal(aerospike_batch_apply(&as, &err, NULL, NULL, &batch, PACKAGE, "none", args,
                                           on_results, &got),
                     AEROSPIKE_BATCH_FAILED);
    assert_int_equal(got.failed, 5);
    got = (seen){0};
    assert_int_equal(aerospike_batch_apply(&as, &err, NULL, NULL, &batch, PACKAGE, "remove_record",
                                           NULL, on_results, &got),
                     AEROSPIKE_OK);
    assert_int_equal(got.fine, 5);
    assert_int_equal(got.sum, 0);
    assert_int_equal(got.generations, 5 * 2); /* what it would have been */
    as_list_destroy(args);
    as_batch_destroy(&batch);
    remove_numbers();
}

/* ---- set-up ---- */

static void read_package(as_bytes* ret_bytes)
{
    static uint8_t bytes[64 * 1024];
    FILE* file = fopen(UDF_FILE, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_true(size > 0 && size < sizeof(bytes));
    as_bytes_init_wrap(ret_bytes, bytes, (uint32_t)size, false);
}

static as_policy_info patient(void)
{
    as_policy_info policy;
    as_policy_info_init(&policy);
    policy.timeout = 10000; /* it answers when all nodes have it */
    return policy;
}

static bool is_too_early(const test_result* result)
{
    return result->code == AEROSPIKE_ERR_UDF && strcmp(result->message, "timeout") == 0;
}

/* The nodes of a cluster that has just formed may need longer than a server waits for them. */
static void register_package(void)
{
    as_error err;
    as_bytes content;
    as_policy_info policy = patient();
    test_result result = {0};
    read_package(&content);
    for (int tries = 0; tries == 0 || (tries < 10 && is_too_early(&result)); tries++) {
        test_result_reset(&result);
        assert_int_equal(aerospike_udf_put_async(&as, &err, &policy, "some/where/" PACKAGE ".lua",
                                                 AS_UDF_TYPE_LUA, &content, test_on_write, &result,
                                                 NULL),
                         AEROSPIKE_OK);
        test_result_wait(&result);
    }
    if (!result.is_ok) {
        fail_msg("put: %s", result.message);
    }
    test_result_reset(&result);
    assert_int_equal(aerospike_udf_put_wait_async(&as, &err, &policy, PACKAGE ".lua", 50,
                                                  test_on_write, &result, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&result);
    assert_true(result.is_ok);
}

/* ---- files ---- */

static struct {
    unsigned calls;
    as_status code;
    bool has_package;
} files;

static void note_list(const as_udf_files* list)
{
    files.has_package = false;
    for (uint32_t i = 0; list && i < list->size; i++) {
        assert_int_equal(strlen((const char*)list->entries[i].hash), AS_UDF_FILE_HASH_SIZE);
        assert_null(list->entries[i].content.bytes);
        files.has_package |= strcmp(list->entries[i].name, PACKAGE ".lua") == 0;
    }
}

static void note_file(const as_udf_file* file)
{
    as_bytes expected;
    read_package(&expected);
    assert_string_equal(file->name, PACKAGE ".lua");
    assert_int_equal(file->content.size, expected.size);
    assert_memory_equal(file->content.bytes, expected.value, expected.size);
    assert_int_equal(strlen((const char*)file->hash), AS_UDF_FILE_HASH_SIZE);
}

static void on_list(as_error* err, as_udf_files* list, void* udata, as_event_loop* loop)
{
    (void)udata, (void)loop;
    files.calls++;
    files.code = err ? err->code : AEROSPIKE_OK;
    assert_int_equal(!err, list != NULL);
    note_list(list);
}

static void on_file(as_error* err, as_udf_file* file, void* udata, as_event_loop* loop)
{
    (void)udata, (void)loop;
    files.calls++;
    files.code = err ? err->code : AEROSPIKE_OK;
    assert_int_equal(!err, file != NULL);
    if (file) {
        note_file(file);
    }
}

static bool files_are_told(void* udata)
{
    (void)udata;
    return files.calls > 0;
}

static bool list_has_package(void)
{
    as_error err;
    as_udf_files list;
    files.calls = 0;
    assert_int_equal(aerospike_udf_list_async(&as, &err, NULL, on_list, NULL, NULL), AEROSPIKE_OK);
    assert_true(test_run_until(files_are_told, NULL, TEST_WAIT_MS));
    assert_int_equal(files.code, AEROSPIKE_OK);
    bool has_package = files.has_package;
    as_udf_files_init(&list, 0);
    assert_int_equal(aerospike_udf_list(&as, &err, NULL, &list), AEROSPIKE_OK);
    note_list(&list);
    as_udf_files_destroy(&list);
    assert_int_equal(files.has_package, has_package);
    return has_package;
}

static void files_can_be_had_and_removed(void** state)
{
    (void)state;
    as_error err;
    as_udf_file file;
    as_policy_info policy = patient();
    test_result result = {0};
    assert_true(list_has_package());
    files.calls = 0;
    assert_int_equal(aerospike_udf_get_async(&as, &err, NULL, PACKAGE ".lua", AS_UDF_TYPE_LUA,
                                             on_file, NULL, NULL),
                     AEROSPIKE_OK);
    assert_true(test_run_until(files_are_told, NULL, TEST_WAIT_MS));
    assert_int_equal(files.code, AEROSPIKE_OK);
    as_udf_file_init(&file);
    assert_int_equal(aerospike_udf_get(&as, &err, NULL, PACKAGE ".lua", AS_UDF_TYPE_LUA, &file),
                     AEROSPIKE_OK);
    note_file(&file);
    as_udf_file_destroy(&file);

    assert_int_equal(aerospike_udf_remove_async(&as, &err, &policy, PACKAGE ".lua", test_on_write,
                                                &result, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&result);
    assert_true(result.is_ok);
    assert_int_equal(aerospike_udf_remove_wait(&as, &err, &policy, PACKAGE ".lua", 50),
                     AEROSPIKE_OK);
    assert_false(list_has_package());
    assert_string_equal(apply("echo", "[1]"), "error 100");
    assert_int_equal(aerospike_udf_get(&as, &err, NULL, PACKAGE ".lua", AS_UDF_TYPE_LUA, &file),
                     AEROSPIKE_ERR_UDF);
    assert_non_null(strstr(err.message, "not_found"));

    as_bytes content;
    read_package(&content);
    assert_int_equal(
        aerospike_udf_put(&as, &err, &policy, PACKAGE ".lua", AS_UDF_TYPE_LUA, &content),
        AEROSPIKE_OK);
    assert_int_equal(aerospike_udf_put_wait(&as, &err, &policy, PACKAGE ".lua", 0), AEROSPIKE_OK);
    assert_true(list_has_package());
    assert_string_equal(apply("echo", "[1]"), "1");
}

/* One that comes later: the wait goes on until then. */
static void waits_ask_again(void** state)
{
    (void)state;
    as_error err;
    as_bytes content;
    as_policy_info policy = patient();
    test_result waited = {0};
    test_result put = {0};
    assert_int_equal(aerospike_udf_remove(&as, &err, &policy, PACKAGE ".lua"), AEROSPIKE_OK);
    assert_int_equal(aerospike_udf_put_wait_async(&as, &err, &policy, PACKAGE ".lua", 20,
                                                  test_on_write, &waited, NULL),
                     AEROSPIKE_OK);
    unsigned long before = test_cluster_stat(cluster, "info.udf-list");
    test_run_for(150);
    assert_int_equal(waited.calls, 0);
    unsigned long asked = test_cluster_stat(cluster, "info.udf-list") - before;
    if (!test_cluster_is_real(cluster)) {
        assert_in_range(asked, 3,
                        3 * 150 / 20 + 3); /* three nodes, and a pause before each round */
    }
    read_package(&content);
    assert_int_equal(aerospike_udf_put_async(&as, &err, &policy, PACKAGE ".lua", AS_UDF_TYPE_LUA,
                                             &content, test_on_write, &put, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&put);
    test_result_wait(&waited);
    assert_true(put.is_ok && waited.is_ok);
}

static void files_are_refused_with_a_reason(void** state)
{
    (void)state;
    as_error err;
    as_bytes content;
    as_policy_info policy = patient();
    test_result result = {0};
    as_bytes_init_wrap(&content, (uint8_t*)"return return\n", 14, false);
    assert_int_equal(aerospike_udf_put(&as, &err, &policy, "broken.lua", AS_UDF_TYPE_LUA, &content),
                     AEROSPIKE_ERR_UDF);
    assert_non_null(strstr(err.message, "compile_error in line 1: "));
    assert_int_equal(aerospike_udf_put_async(&as, &err, &policy, "broken.lua", AS_UDF_TYPE_LUA,
                                             &content, test_on_write, &result, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&result);
    assert_int_equal(result.code, AEROSPIKE_ERR_UDF);
    assert_non_null(strstr(result.message, "compile_error in line 1: "));
    static const char* const names[] = {NULL, "", "nodot", ".lua", "a.", "a;b.lua", "dir/"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(aerospike_udf_put(&as, &err, &policy, names[i], AS_UDF_TYPE_LUA, &content),
                         AEROSPIKE_ERR_PARAM);
        assert_int_equal(
            aerospike_udf_remove_async(&as, &err, &policy, names[i], test_on_write, &result, NULL),
            AEROSPIKE_ERR_PARAM);
        assert_int_equal(aerospike_udf_put_wait_async(&as, &err, &policy, names[i], 0,
                                                      test_on_write, &result, NULL),
                         AEROSPIKE_ERR_PARAM);
    }
    assert_int_equal(aerospike_udf_put(&as, &err, &policy, "a.lua", (as_udf_type)1, &content),
                     AEROSPIKE_ERR_PARAM);
    assert_int_equal(aerospike_udf_put(&as, &err, &policy, "a.lua", AS_UDF_TYPE_LUA, NULL),
                     AEROSPIKE_ERR_PARAM);
    assert_int_equal(aerospike_udf_list_async(&as, &err, NULL, NULL, NULL, NULL),
                     AEROSPIKE_ERR_PARAM);
    assert_int_equal(result.calls, 1);
}

/* In its pause, and then with its requests under way. */
static void closing_ends_a_wait(void** state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        as_error err;
        as_policy_info policy = patient();
        test_result result = {0};
        assert_int_equal(aerospike_udf_put_wait_async(&as, &err, &policy, "never.lua", 60000,
                                                      test_on_write, &result, NULL),
                         AEROSPIKE_OK);
        if (round == 0) {
            test_run_for(100);
        }
        assert_int_equal(result.calls, 0);
        assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
        assert_int_equal(result.calls, 1);
        assert_false(result.is_ok);
        if (aerospike_connect(&as, &err) != AEROSPIKE_OK) {
            fail_msg("connect: %s", err.message);
        }
        assert_string_equal(apply("echo", "[1]"), "1"); /* the event loop has found the cluster */
    }
}

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.policies.apply.base.total_timeout = 5000;
    config.policies.read.base.total_timeout = 5000;
    test_client_open(&as, &config);
    as_key_init_int64(&key, NS, SET, getpid());
    register_package();
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    as_error err;
    aerospike_key_remove(&as, &err, NULL, &key);
    test_client_close(&as);
    return 0;
}

int main(int argc, char* argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(functions_change_the_record),
        cmocka_unit_test(failures_say_why),
        cmocka_unit_test(what_cannot_be_called),
        cmocka_unit_test(filters_are_for_records_that_exist),
        cmocka_unit_test(batches_of_all_kinds),
        cmocka_unit_test(one_function_for_many_keys),
        cmocka_unit_test(files_can_be_had_and_removed),
        cmocka_unit_test(waits_ask_again),
        cmocka_unit_test(files_are_refused_with_a_reason),
        cmocka_unit_test(closing_ends_a_wait),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
