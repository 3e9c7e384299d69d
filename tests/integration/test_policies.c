/*
 * Filters, compression, racks, limits of the loop and of connections against a cluster: the mini
 * cluster, which plays a Community one, or the real one that AEROSPIKE_HOSTS names. What is for
 * Enterprise servers is refused there by name, and nothing else suffers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include <aerospike/aerospike_batch.h>
#include <aerospike/as_exp.h>
#include <tendril/event.h>

#define NS "test"
#define SET "policies"
#define KEYS 60

static test_cluster* cluster;
static aerospike as;

static const as_key* key_of(as_key* key, int64_t id)
{
    as_key_init_int64(key, NS, SET, id + (int64_t)getpid() * 1000);
    return key;
}

/* Writes "v" and a text. */
static as_status put(int64_t id, int64_t v, const char* text, const as_policy_write* policy,
                     test_result* result)
{
    as_error err;
    as_key key;
    as_record record;
    as_record_inita(&record, 2);
    as_record_set_int64(&record, "v", v);
    as_record_set_str(&record, "t", text);
    test_result_reset(result);
    assert_int_equal(aerospike_key_put_async(&as, &err, policy, key_of(&key, id), &record,
                                             test_on_write, result, NULL, NULL),
                     AEROSPIKE_OK);
    as_record_destroy(&record);
    test_result_wait(result);
    return result->code;
}

static void start_get(int64_t id, const as_policy_read* policy, test_result* result)
{
    as_error err;
    as_key key;
    test_result_reset(result);
    assert_int_equal(aerospike_key_get_async(&as, &err, policy, key_of(&key, id), test_on_record,
                                             result, NULL, NULL),
                     AEROSPIKE_OK);
}

static as_status get(int64_t id, const as_policy_read* policy, test_result* result)
{
    start_get(id, policy, result);
    test_result_wait(result);
    return result->code;
}

static as_status take_away(int64_t id, const as_policy_remove* policy, test_result* result)
{
    as_error err;
    as_key key;
    test_result_reset(result);
    assert_int_equal(aerospike_key_remove_async(&as, &err, policy, key_of(&key, id), test_on_write,
                                                result, NULL, NULL),
                     AEROSPIKE_OK);
    test_result_wait(result);
    return result->code;
}

/* ---- filters ---- */

static void filters_decide(void** state)
{
    (void)state;
    static const struct {
        const char* what;
        const char* exp;
        as_status expected;
    } cases[] = {
        {"v == 1", "kwGTUQKhdgE=", AEROSPIKE_OK},
        {"v == 2", "kwGTUQKhdgI=", AEROSPIKE_FILTERED_OUT},
        {"w == 1, and there is no w", "kwGTUQKhdwE=", AEROSPIKE_FILTERED_OUT},
        {"v > 0 and v < 2", "kxCTA5NRAqF2AJMFk1ECoXYC", AEROSPIKE_OK},
        {"not v == 1", "khKTAZNRAqF2AQ==", AEROSPIKE_FILTERED_OUT},
        {"v, no boolean", "k1ECoXY=", AEROSPIKE_ERR_REQUEST_INVALID},
        {"cut short", "kwGTUQKh", AEROSPIKE_ERR_REQUEST_INVALID},
    };
    test_result result = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_exp* exp = as_exp_from_base64(cases[i].exp);
        assert_non_null(exp);
        assert_int_equal(put(1, 1, "t", NULL, &result), AEROSPIKE_OK);
        as_policy_read read;
        as_policy_read_init(&read);
        read.base.filter_exp = exp;
        if (get(1, &read, &result) != cases[i].expected) {
            fail_msg("%s: get: %d %s", cases[i].what, result.code, result.message);
        }
        as_policy_write write;
        as_policy_write_init(&write);
        write.base.filter_exp = exp;
        if (put(1, 1, "u", &write, &result) != cases[i].expected) {
            fail_msg("%s: put: %d %s", cases[i].what, result.code, result.message);
        }
        assert_false(result.in_doubt);
        as_policy_remove remove;
        as_policy_remove_init(&remove);
        remove.base.filter_exp = exp;
        if (take_away(1, &remove, &result) != cases[i].expected) {
            fail_msg("%s: remove: %d %s", cases[i].what, result.code, result.message);
        }
        as_exp_destroy(exp);
    }
}

/* A write of a record that isn't there isn't filtered. */
static void filters_do_not_keep_from_creating(void** state)
{
    (void)state;
    test_result result = {0};
    take_away(2, NULL, &result);
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.filter_exp = as_exp_from_base64("kwGTUQKhdgI=");
    write.exists = AS_POLICY_EXISTS_UPDATE;
    assert_int_equal(put(2, 1, "t", &write, &result), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    write.exists = AS_POLICY_EXISTS_IGNORE;
    assert_int_equal(put(2, 1, "t", &write, &result), AEROSPIKE_OK);
    assert_int_equal(put(2, 1, "t", &write, &result), AEROSPIKE_FILTERED_OUT);
    as_exp_destroy(write.base.filter_exp);
}

/* ---- what Community servers refuse ---- */

static void refuses_compressed_requests(void** state)
{
    (void)state;
    static char text[3001];
    memset(text, 'z', sizeof(text) - 1);
    test_result result = {0};
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.compress = true;
    for (int i = 0; i < 3; i++) { /* the connection is as good as before */
        assert_int_equal(put(3, 1, text, &write, &result), AEROSPIKE_ERR_ENTERPRISE_ONLY);
        assert_false(result.in_doubt);
        assert_int_equal(put(3, 1, "short", &write, &result), AEROSPIKE_OK);
    }
    as_policy_read read;
    as_policy_read_init(&read);
    read.base.compress = true;
    assert_int_equal(get(3, &read, &result), AEROSPIKE_OK);
    assert_string_equal(as_record_get_str(result.record, "t"), "short");
    write.compression_threshold = 10000; /* beyond this request */
    assert_int_equal(put(3, 1, text, &write, &result), AEROSPIKE_OK);
    assert_int_equal(get(3, &read, &result), AEROSPIKE_OK); /* and sends plain answers */
    assert_int_equal(strlen(as_record_get_str(result.record, "t")), sizeof(text) - 1);
}

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)records;
    test_on_write(err, udata, loop);
}

/* As one answer without a row: no row has one, and none is in doubt. */
static void refuses_compressed_batches(void** state)
{
    (void)state;
    as_error err;
    as_policy_batch policy;
    as_policy_batch_parent_write_init(&policy);
    policy.base.compress = true;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_write_int64(&ops, "v", 1);
    for (int round = 0; round < 3; round++) { /* the connections are as good as before */
        as_batch_records* records = as_batch_records_create(30);
        for (int i = 0; i < 30; i++) {
            as_batch_write_record* row = as_batch_write_reserve(records);
            as_key_init_int64(&row->key, NS, SET, 200 + i);
            row->ops = &ops;
        }
        test_result result = {0};
        assert_int_equal(
            aerospike_batch_write_async(&as, &err, &policy, records, on_batch, &result, NULL),
            AEROSPIKE_OK);
        test_result_wait(&result);
        assert_int_equal(result.code, AEROSPIKE_ERR_ENTERPRISE_ONLY);
        assert_false(result.in_doubt);
        for (uint32_t i = 0; i < 30; i++) {
            const as_batch_base_record* row = as_vector_get(&records->list, i);
            assert_int_equal(row->result, AEROSPIKE_NO_RESPONSE);
            assert_false(row->in_doubt);
        }
        as_batch_records_destroy(records);
    }
    as_operations_destroy(&ops);
}

static void refuses_durable_and_linear(void** state)
{
    (void)state;
    test_result result = {0};
    assert_int_equal(put(4, 1, "t", NULL, &result), AEROSPIKE_OK);
    as_policy_remove remove;
    as_policy_remove_init(&remove);
    remove.durable_delete = true;
    assert_int_equal(take_away(4, &remove, &result), AEROSPIKE_ERR_ENTERPRISE_ONLY);
    as_policy_read read;
    as_policy_read_init(&read);
    read.read_mode_sc = AS_POLICY_READ_MODE_SC_LINEARIZE;
    assert_int_equal(get(4, &read, &result), AEROSPIKE_ERR_ENTERPRISE_ONLY);
    read.read_mode_sc = AS_POLICY_READ_MODE_SC_ALLOW_REPLICA;
    assert_int_equal(get(4, &read, &result), AEROSPIKE_OK);
    read.read_mode_sc = AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE;
    read.read_mode_ap = AS_POLICY_READ_MODE_AP_ALL;
    assert_int_equal(get(4, &read, &result), AEROSPIKE_OK);
}

/* ---- replicas ---- */

/* Wherever a read goes to, the record is there; no node is asked that has to ask another. */
static void reads_from_every_replica(void** state)
{
    (void)state;
    test_result result = {0};
    for (int id = 0; id < KEYS; id++) {
        assert_int_equal(put(100 + id, id, "t", NULL, &result), AEROSPIKE_OK);
    }
    for (int replica = AS_POLICY_REPLICA_MASTER; replica <= AS_POLICY_REPLICA_RANDOM; replica++) {
        as_policy_read read;
        as_policy_read_init(&read);
        read.replica = (as_policy_replica)replica;
        for (int id = 0; id < KEYS; id++) {
            assert_int_equal(get(100 + id, &read, &result), AEROSPIKE_OK);
            assert_int_equal(as_record_get_int64(result.record, "v", -1), id);
        }
    }
    if (!test_cluster_is_real(cluster)) {
        assert_int_equal(test_cluster_stat(cluster, "proxy"), 0);
    }
}

/* ---- the delay queue ---- */

static bool all_have_ended(void* udata)
{
    const test_result* results = udata;
    for (int i = 0; i < KEYS; i++) {
        if (results[i].calls == 0) {
            return false;
        }
    }
    return true;
}

static void queues_and_refuses(void** state)
{
    (void)state;
    static test_result results[KEYS];
    as_event_loop* loop = as_event_loop_get_by_index(0);
    as_policy_event policy;
    as_policy_event_init(&policy);
    policy.max_commands_in_process = 5;
    policy.max_commands_in_queue = 20;
    as_error err;
    assert_int_equal(as_event_set_policy(&err, &policy, loop), AEROSPIKE_OK);
    for (int i = 0; i < KEYS; i++) {
        start_get(100 + i, NULL, &results[i]);
    }
    assert_int_equal(as_event_loop_get_queue_size(loop), 20);
    assert_true(test_run_until(all_have_ended, results, TEST_WAIT_MS));
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(results[i].calls, 1);
        assert_int_equal(results[i].code, i < 25 ? AEROSPIKE_OK : AEROSPIKE_ERR_ASYNC_QUEUE_FULL);
    }
    policy.max_commands_in_process = 0;
    assert_int_equal(as_event_set_policy(&err, &policy, loop), AEROSPIKE_OK);
}

/* ---- the cluster ---- */

static int group_setup(void** state)
{
    (void)state;
    cluster = test_cluster_start("--nodes", "3", NULL);
    if (!cluster) {
        return -1;
    }
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.rack_aware = true; /* of which a Community server doesn't want to hear */
    as_config_add_rack_id(&config, 7);
    config.async_min_conns_per_node = 3;
    config.shm_connect_rate = 200;
    test_client_open(&as, &config);
    return 0;
}

static int group_teardown(void** state)
{
    (void)state;
    test_client_close(&as);
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_decide),
        cmocka_unit_test(filters_do_not_keep_from_creating),
        cmocka_unit_test(refuses_compressed_requests),
        cmocka_unit_test(refuses_compressed_batches),
        cmocka_unit_test(refuses_durable_and_linear),
        cmocka_unit_test(reads_from_every_replica),
        cmocka_unit_test(queues_and_refuses),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
