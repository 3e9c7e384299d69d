/*
 * Batches against a cluster of three nodes: the mini cluster, or the real one that AEROSPIKE_HOSTS
 * names. What a server answers is in protocol/records.md 9.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <aerospike/aerospike_batch.h>
#include <aerospike/as_exp.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"

#define NS "test"
#define SET "batch"
#define MANY 10000

static test_cluster* cluster;
static aerospike as;

/* ---- results ---- */

typedef struct outcome {
    unsigned calls;
    bool is_ok;
    as_status code;
    bool in_doubt;
    as_batch_records* records;
    as_event_loop* loop;
} outcome;

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    outcome* got = udata;
    got->calls++;
    got->is_ok = !err;
    got->code = err ? err->code : AEROSPIKE_OK;
    got->in_doubt = err && err->in_doubt;
    got->records = records;
    got->loop = loop;
}

static bool is_told(void* udata)
{
    return ((outcome*)udata)->calls > 0;
}

/* Starts, waits, and says how it ended. */
static as_status run(as_batch_records* records, const as_policy_batch* policy, outcome* ret)
{
    as_error err;
    memset(ret, 0, sizeof(*ret));
    as_status status = aerospike_batch_write_async(&as, &err, policy, records, on_batch, ret, NULL);
    if (status != AEROSPIKE_OK) {
        return status;
    }
    assert_int_equal(ret->calls, 0); /* never inside the call */
    assert_true(test_run_until(is_told, ret, TEST_WAIT_MS));
    assert_int_equal(ret->calls, 1);
    assert_ptr_equal(ret->records, records);
    return ret->code;
}

static as_batch_record* row_at(as_batch_records* records, uint32_t i)
{
    return as_vector_get(&records->list, i);
}

static as_status result_at(as_batch_records* records, uint32_t i)
{
    return row_at(records, i)->base.result;
}

static int64_t int_at(as_batch_records* records, uint32_t i, const char* bin)
{
    return as_record_get_int64(&row_at(records, i)->base.record, bin, -1);
}

/* ---- rows ---- */

static void init_key(as_key* key, int64_t number)
{
    as_key_init_int64(key, NS, SET, (int64_t)getpid() * 1000000 + number);
}

static void add_read(as_batch_records* records, int64_t number)
{
    as_batch_read_record* row = as_batch_read_reserve(records);
    init_key(&row->key, number);
    row->read_all_bins = true;
}

static void add_write(as_batch_records* records, int64_t number, as_operations* ops)
{
    as_batch_write_record* row = as_batch_write_reserve(records);
    init_key(&row->key, number);
    row->ops = ops;
}

static void add_remove(as_batch_records* records, int64_t number)
{
    as_batch_remove_record* row = as_batch_remove_reserve(records);
    init_key(&row->key, number);
}

static void write_numbers(int64_t first, int64_t count)
{
    outcome got;
    as_batch_records* records = as_batch_records_create((uint32_t)count);
    as_operations* ops = calloc((size_t)count, sizeof(*ops));
    for (int64_t i = 0; i < count; i++) {
        as_operations_init(&ops[i], 1);
        as_operations_add_write_int64(&ops[i], "n", first + i);
        add_write(records, first + i, &ops[i]);
    }
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    for (int64_t i = 0; i < count; i++) {
        as_operations_destroy(&ops[i]);
    }
    free(ops);
    as_batch_records_destroy(records);
}

static void remove_numbers(int64_t first, int64_t count)
{
    outcome got;
    as_batch_records* records = as_batch_records_create(1);
    for (int64_t i = 0; i < count; i++) {
        add_remove(records, first + i);
    }
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    as_batch_records_destroy(records);
}

/* ---- tests ---- */

static void reads_what_there_is(void** state)
{
    (void)state;
    outcome got;
    as_error err;
    write_numbers(0, 50);
    as_batch_records* records = as_batch_records_create(2);
    for (int64_t i = 0; i < 60; i++) {
        add_read(records, i);
    }
    memset(&got, 0, sizeof(got));
    assert_int_equal(aerospike_batch_read_async(&as, &err, NULL, records, on_batch, &got, NULL),
                     AEROSPIKE_OK);
    assert_true(test_run_until(is_told, &got, TEST_WAIT_MS));
    assert_true(got.is_ok);
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(result_at(records, i), i < 50 ? 0 : AEROSPIKE_ERR_RECORD_NOT_FOUND);
        if (i < 50) {
            assert_int_equal(int_at(records, i, "n"), i);
            assert_true(row_at(records, i)->base.record.gen > 0);
        }
    }
    as_batch_records_destroy(records);
    remove_numbers(0, 50);
}

static void reads_in_every_way(void** state)
{
    (void)state;
    outcome got;
    static char* names[] = {"b", "none"};
    as_record rec;
    as_error err;
    as_key key;
    init_key(&key, 1);
    as_record_inita(&rec, 3);
    as_record_set_int64(&rec, "a", 1);
    as_record_set_str(&rec, "b", "two");
    as_record_set_int64(&rec, "c", 3);
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &key, &rec), AEROSPIKE_OK);
    as_record_destroy(&rec);

    as_operations ops;
    as_operations_inita(&ops, 2);
    as_operations_add_read(&ops, "c");
    as_operations_add_read(&ops, "a");
    as_batch_records* records = as_batch_records_create(4);
    add_read(records, 1);
    as_batch_read_record* row = as_batch_read_reserve(records);
    init_key(&row->key, 1);
    row->bin_names = names;
    row->n_bin_names = 2;
    row = as_batch_read_reserve(records);
    init_key(&row->key, 1);
    row = as_batch_read_reserve(records);
    init_key(&row->key, 1);
    row->ops = &ops;
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(&row_at(records, 0)->base.record), 3);
    assert_int_equal(as_record_numbins(&row_at(records, 1)->base.record), 1);
    assert_string_equal(as_record_get_str(&row_at(records, 1)->base.record, "b"), "two");
    assert_int_equal(as_record_numbins(&row_at(records, 2)->base.record), 0);
    assert_int_equal(row_at(records, 2)->base.record.gen, 1);
    const as_record* read = &row_at(records, 3)->base.record;
    assert_int_equal(as_record_numbins(read), 2);
    assert_string_equal(read->bins.entries[0].name, "c");
    as_operations_destroy(&ops);
    as_batch_records_destroy(records);
    remove_numbers(1, 1);
}

static void mixes_reads_writes_and_removes(void** state)
{
    (void)state;
    outcome got;
    write_numbers(0, 3);
    as_operations ops;
    as_operations_inita(&ops, 2);
    as_operations_add_incr(&ops, "n", 10);
    as_operations_add_read(&ops, "n");
    as_batch_records* records = as_batch_records_create(4);
    add_read(records, 0);
    add_write(records, 1, &ops);
    add_remove(records, 2);
    add_remove(records, 3);
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    assert_true(got.is_ok);
    assert_int_equal(int_at(records, 0, "n"), 0);
    const as_record* written = &row_at(records, 1)->base.record;
    assert_int_equal(as_record_numbins(written), 2); /* one for each operation */
    assert_int_equal(as_val_type(written->bins.entries[0].valuep), AS_NIL);
    assert_int_equal(as_integer_get((as_integer*)written->bins.entries[1].valuep), 11);
    assert_int_equal(result_at(records, 2), AEROSPIKE_OK);
    assert_int_equal(result_at(records, 3), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    as_operations_destroy(&ops);
    as_batch_records_destroy(records);
    remove_numbers(0, 2);
}

static void rows_fail_alone(void** state)
{
    (void)state;
    outcome got;
    write_numbers(0, 2);
    as_policy_batch_write create;
    as_policy_batch_write_init(&create);
    create.exists = AS_POLICY_EXISTS_CREATE;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_write_int64(&ops, "n", 77);
    as_batch_records* records = as_batch_records_create(3);
    for (int64_t i = 0; i < 3; i++) {
        add_write(records, i + 1, &ops);
        row_at(records, (uint32_t)i)->write.policy = &create;
    }
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_BATCH_FAILED);
    assert_false(got.in_doubt);
    assert_int_equal(result_at(records, 0), AEROSPIKE_ERR_RECORD_EXISTS);
    assert_int_equal(result_at(records, 1), AEROSPIKE_OK);
    assert_int_equal(result_at(records, 2), AEROSPIKE_OK);
    assert_false(row_at(records, 0)->base.in_doubt);
    as_operations_destroy(&ops);
    as_batch_records_destroy(records);
    remove_numbers(0, 4);
}

/* The batch's filter is for the rows that have none of their own. */
static void filters_of_rows_and_of_the_batch(void** state)
{
    (void)state;
    outcome got;
    as_error err;
    as_record rec;
    as_key key;
    init_key(&key, 1);
    as_record_inita(&rec, 1);
    as_record_set_int64(&rec, "v", 1);
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &key, &rec), AEROSPIKE_OK);
    as_record_destroy(&rec);
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    policy.base.filter_exp = as_exp_from_base64("kwGTUQKhdgI="); /* v == 2 */
    as_policy_batch_read is_one;
    as_policy_batch_read_init(&is_one);
    is_one.filter_exp = as_exp_from_base64("kwGTUQKhdgE="); /* v == 1 */
    for (int all = 0; all < 2; all++) { /* what is filtered out doesn't end a batch */
        policy.respond_all_keys = all;
        as_batch_records* records = as_batch_records_create(2);
        add_read(records, 1);
        add_read(records, 1);
        row_at(records, 1)->read.policy = &is_one;
        assert_int_equal(run(records, &policy, &got), AEROSPIKE_OK);
        assert_int_equal(result_at(records, 0), AEROSPIKE_FILTERED_OUT);
        assert_int_equal(result_at(records, 1), AEROSPIKE_OK);
        as_batch_records_destroy(records);
    }
    as_exp_destroy(policy.base.filter_exp);
    as_exp_destroy(is_one.filter_exp);
    remove_numbers(1, 1);
}

static void namespaces_that_are_not_there(void** state)
{
    (void)state;
    outcome got;
    write_numbers(0, 1);
    as_batch_records* records = as_batch_records_create(2);
    add_read(records, 0);
    as_batch_read_record* row = as_batch_read_reserve(records);
    as_key_init_int64(&row->key, "nowhere", SET, 1);
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_BATCH_FAILED);
    assert_int_equal(result_at(records, 0), AEROSPIKE_OK);
    assert_int_equal(result_at(records, 1), AEROSPIKE_ERR_NAMESPACE_NOT_FOUND);
    as_batch_records_destroy(records);

    records = as_batch_records_create(1);
    row = as_batch_read_reserve(records);
    as_key_init_int64(&row->key, "nowhere", SET, 1);
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_BATCH_FAILED);
    assert_int_equal(got.calls, 0);
    assert_int_equal(result_at(records, 0), AEROSPIKE_ERR_NAMESPACE_NOT_FOUND);
    as_batch_records_destroy(records);
    remove_numbers(0, 1);
}

/* A key may come from anywhere: what stands behind its namespace's NUL means nothing. */
static void bytes_behind_a_namespace_mean_nothing(void** state)
{
    (void)state;
    outcome got;
    write_numbers(0, 1);
    as_batch_records* records = as_batch_records_create(1);
    as_batch_read_record* row = as_batch_read_reserve(records);
    memset(row->key.ns, 'x', sizeof(row->key.ns));
    init_key(&row->key, 0);
    row->read_all_bins = true;
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    assert_int_equal(result_at(records, 0), AEROSPIKE_OK);
    as_batch_records_destroy(records);
    remove_numbers(0, 1);
}

static void an_empty_batch_is_told_from_the_loop(void** state)
{
    (void)state;
    outcome got;
    as_batch_records* records = as_batch_records_create(0);
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    assert_true(got.is_ok);
    assert_non_null(got.loop);
    as_batch_records_destroy(records);
}

static void what_cannot_be_started(void** state)
{
    (void)state;
    outcome got;
    as_error err;
    as_batch_records* records = as_batch_records_create(2);
    add_read(records, 0);
    add_remove(records, 0);
    assert_int_equal(aerospike_batch_read_async(&as, &err, NULL, records, on_batch, &got, NULL),
                     AEROSPIKE_ERR_PARAM);
    assert_non_null(strstr(err.message, "Row 1"));
    as_batch_records_destroy(records);
    assert_int_equal(aerospike_batch_write_async(&as, &err, NULL, NULL, on_batch, &got, NULL),
                     AEROSPIKE_ERR_PARAM);
}

static void thousands_of_keys(void** state)
{
    (void)state;
    outcome got;
    write_numbers(0, MANY);
    as_batch_records* records = as_batch_records_create(16); /* grows under its keys */
    for (int64_t i = 0; i < MANY; i++) {
        add_read(records, i);
    }
    assert_int_equal(run(records, NULL, &got), AEROSPIKE_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(int_at(records, i, "n"), i);
    }
    as_batch_records_destroy(records);
    remove_numbers(0, MANY);
}

static void one_answer_per_batch_under_load(void** state)
{
    (void)state;
    enum {
        BATCHES = 40
    };
    outcome got[BATCHES];
    as_error err;
    write_numbers(0, 100);
    memset(got, 0, sizeof(got));
    for (int i = 0; i < BATCHES; i++) {
        as_batch_records* records = as_batch_records_create(100);
        for (int64_t n = 0; n < 100; n++) {
            add_read(records, n);
        }
        assert_int_equal(
            aerospike_batch_read_async(&as, &err, NULL, records, on_batch, &got[i], NULL),
            AEROSPIKE_OK);
    }
    for (int i = 0; i < BATCHES; i++) {
        assert_true(test_run_until(is_told, &got[i], TEST_WAIT_MS));
        assert_true(got[i].is_ok);
        as_batch_records_destroy(got[i].records);
    }
    remove_numbers(0, 100);
}

/* ---- synchronous ---- */

typedef struct seen {
    unsigned calls;
    uint32_t n;
    int64_t sum;
    unsigned missing;
    as_status last;
} seen;

static bool on_results(const as_batch_result* results, uint32_t n, void* udata)
{
    seen* got = udata;
    got->calls++;
    got->n = n;
    for (uint32_t i = 0; i < n; i++) {
        got->missing += results[i].result == AEROSPIKE_ERR_RECORD_NOT_FOUND;
        got->sum +=
            results[i].result == AEROSPIKE_OK ? as_record_get_int64(&results[i].record, "n", 0) : 0;
        got->last = results[i].result;
    }
    return true;
}

static void keys_synchronously(void** state)
{
    (void)state;
    as_error err;
    static const char* names[] = {"n"};
    write_numbers(1, 4);
    as_batch batch;
    as_batch_inita(&batch, 5);
    for (uint32_t i = 0; i < 5; i++) {
        init_key(as_batch_keyat(&batch, i), i + 1);
    }
    assert_null(as_batch_keyat(&batch, 5));
    seen got = {0};
    assert_int_equal(aerospike_batch_get(&as, &err, NULL, &batch, on_results, &got), AEROSPIKE_OK);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.n, 5);
    assert_int_equal(got.sum, 10);
    assert_int_equal(got.missing, 1);
    got = (seen){0};
    assert_int_equal(aerospike_batch_get_bins(&as, &err, NULL, &batch, names, 1, on_results, &got),
                     AEROSPIKE_OK);
    assert_int_equal(got.sum, 10);
    got = (seen){0};
    assert_int_equal(aerospike_batch_exists(&as, &err, NULL, &batch, on_results, &got),
                     AEROSPIKE_OK);
    assert_int_equal(got.missing, 1);
    assert_int_equal(got.sum, 0);
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_incr(&ops, "n", 1);
    assert_int_equal(aerospike_batch_operate(&as, &err, NULL, NULL, &batch, &ops, NULL, NULL),
                     AEROSPIKE_OK);
    as_operations_destroy(&ops);
    as_operations_inita(&ops, 1);
    as_operations_add_read(&ops, "n");
    got = (seen){0};
    assert_int_equal(aerospike_batch_get_ops(&as, &err, NULL, &batch, &ops, on_results, &got),
                     AEROSPIKE_OK);
    assert_int_equal(got.sum, 15);
    as_operations_destroy(&ops);
    assert_int_equal(aerospike_batch_remove(&as, &err, NULL, NULL, &batch, NULL, NULL),
                     AEROSPIKE_OK);
    got = (seen){0};
    assert_int_equal(aerospike_batch_get(&as, &err, NULL, &batch, on_results, &got), AEROSPIKE_OK);
    assert_int_equal(got.missing, 5);
    aerospike idle;
    as_config config;
    as_config_init(&config);
    aerospike_init(&idle, &config);
    got = (seen){0};
    assert_int_not_equal(aerospike_batch_remove(&idle, &err, NULL, NULL, &batch, on_results, &got),
                         AEROSPIKE_OK);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.last, AEROSPIKE_NO_RESPONSE);
    aerospike_destroy(&idle);
    as_batch_destroy(&batch);
}

/* ---- faults ---- */

static bool control(const char* line)
{
    return test_cluster_control(cluster, line);
}

/* A node that doesn't answer: reads go to the next replica, answers that came are kept. */
static void rows_without_an_answer_are_asked_for_again(void** state)
{
    (void)state;
    outcome got;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    write_numbers(0, 300);
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    policy.base.socket_timeout = 300;
    policy.base.total_timeout = 10000;
    assert_true(control("mute 1 1"));
    as_batch_records* records = as_batch_records_create(300);
    for (int64_t i = 0; i < 300; i++) {
        add_read(records, i);
    }
    assert_int_equal(run(records, &policy, &got), AEROSPIKE_OK);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(int_at(records, i, "n"), i);
    }
    as_batch_records_destroy(records);
    assert_true(control("clear"));
    remove_numbers(0, 300);
}

/* Writes that were out and have no answer are in doubt, the others aren't. */
static void writes_without_an_answer_are_in_doubt(void** state)
{
    (void)state;
    outcome got;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    as_policy_batch policy;
    as_policy_batch_parent_write_init(&policy);
    policy.base.socket_timeout = 300;
    policy.base.total_timeout = 300;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_write_int64(&ops, "n", 1);
    as_batch_records* records = as_batch_records_create(100);
    for (int64_t i = 0; i < 100; i++) {
        add_write(records, i, &ops);
    }
    assert_true(control("mute 1 1"));
    assert_int_equal(run(records, &policy, &got), AEROSPIKE_ERR_TIMEOUT);
    assert_true(got.in_doubt);
    unsigned fine = 0, open = 0;
    for (uint32_t i = 0; i < 100; i++) {
        fine += result_at(records, i) == AEROSPIKE_OK;
        open += result_at(records, i) == AEROSPIKE_NO_RESPONSE;
        assert_int_equal(row_at(records, i)->base.in_doubt,
                         result_at(records, i) == AEROSPIKE_NO_RESPONSE);
    }
    assert_int_equal(fine + open, 100);
    assert_true(fine > 0 && open > 0);
    as_operations_destroy(&ops);
    as_batch_records_destroy(records);
    assert_true(control("clear"));
    remove_numbers(0, 100);
}

/* ---- set-up ---- */

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    test_client_open(&as, &config);
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    test_client_close(&as);
    return 0;
}

int main(int argc, char* argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_there_is),
        cmocka_unit_test(reads_in_every_way),
        cmocka_unit_test(mixes_reads_writes_and_removes),
        cmocka_unit_test(rows_fail_alone),
        cmocka_unit_test(filters_of_rows_and_of_the_batch),
        cmocka_unit_test(namespaces_that_are_not_there),
        cmocka_unit_test(bytes_behind_a_namespace_mean_nothing),
        cmocka_unit_test(an_empty_batch_is_told_from_the_loop),
        cmocka_unit_test(what_cannot_be_started),
        cmocka_unit_test(thousands_of_keys),
        cmocka_unit_test(one_answer_per_batch_under_load),
        cmocka_unit_test(keys_synchronously),
        cmocka_unit_test(rows_without_an_answer_are_asked_for_again),
        cmocka_unit_test(writes_without_an_answer_are_in_doubt),
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
