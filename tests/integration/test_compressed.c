/*
 * Compressed requests and answers, which Enterprise servers have: the mini cluster plays one. How
 * much was sent and received tells that they were compressed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/aerospike_batch.h>
#include <tendril/stats.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"

#define NS "test"
#define SET "compressed"

enum {
    ROWS = 60,
    TEXT_CHARS = 20000
};

static test_cluster* cluster;
static aerospike as;
static char text[TEXT_CHARS + 1];

typedef struct traffic {
    uint64_t sent, received;
} traffic;

static traffic traffic_now(void)
{
    static tnd_counters counters;
    tnd_gauges gauges;
    as_error err;
    assert_int_equal(aerospike_worker_counters(&as, &err, &counters, &gauges), AEROSPIKE_OK);
    return (traffic){counters.bytes_sent, counters.bytes_received};
}

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)records;
    test_on_write(err, udata, loop);
}

/* Runs, and says what went over the wire. */
static traffic run(as_batch_records* records, bool compress, bool sync)
{
    as_error err;
    as_policy_batch policy;
    as_policy_batch_parent_write_init(&policy);
    policy.base.total_timeout = 10000;
    policy.base.compress = compress;
    traffic before = traffic_now();
    if (sync) {
        assert_int_equal(aerospike_batch_write(&as, &err, &policy, records), AEROSPIKE_OK);
    } else {
        test_result result = {0};
        assert_int_equal(
            aerospike_batch_write_async(&as, &err, &policy, records, on_batch, &result, NULL),
            AEROSPIKE_OK);
        test_result_wait(&result);
        assert_true(result.is_ok);
    }
    traffic after = traffic_now();
    return (traffic){after.sent - before.sent, after.received - before.received};
}

static as_batch_records* reads(void)
{
    as_batch_records* records = as_batch_records_create(ROWS);
    for (int i = 0; i < ROWS; i++) {
        as_batch_read_record* row = as_batch_read_reserve(records);
        as_key_init_int64(&row->key, NS, SET, i);
        row->read_all_bins = true;
    }
    return records;
}

static void assert_read(as_batch_records* records)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        const as_batch_base_record* row = as_vector_get(&records->list, i);
        assert_int_equal(row->result, AEROSPIKE_OK);
        assert_int_equal(as_record_get_int64(&row->record, "n", -1), i);
        assert_string_equal(as_record_get_str(&row->record, "t"), text);
    }
}

static traffic write_rows(bool compress)
{
    as_operations ops[ROWS];
    as_batch_records* records = as_batch_records_create(ROWS);
    for (int i = 0; i < ROWS; i++) {
        as_operations_init(&ops[i], 2);
        as_operations_add_write_int64(&ops[i], "n", i);
        as_operations_add_write_str(&ops[i], "t", text);
        as_batch_write_record* row = as_batch_write_reserve(records);
        as_key_init_int64(&row->key, NS, SET, i);
        row->ops = &ops[i];
    }
    traffic moved = run(records, compress, false);
    for (int i = 0; i < ROWS; i++) {
        as_operations_destroy(&ops[i]);
    }
    as_batch_records_destroy(records);
    return moved;
}

static void batches(void** state)
{
    (void)state;
    traffic plain = write_rows(false);
    assert_true(plain.sent > ROWS * TEXT_CHARS);
    traffic packed = write_rows(true);
    assert_true(packed.sent < plain.sent / 20);
    for (int sync = 0; sync < 2; sync++) {
        as_batch_records* records = reads();
        plain = run(records, false, sync);
        assert_read(records);
        assert_true(plain.received > ROWS * TEXT_CHARS);
        packed = run(records, true, sync); /* several blocks from each node */
        assert_read(records);
        assert_true(packed.received < plain.received / 20);
        as_batch_records_destroy(records);
    }
}

/* One whose pieces arrive one by one is put together all the same. */
static void answers_in_pieces(void** state)
{
    (void)state;
    write_rows(true);
    assert_true(test_cluster_control(cluster, "split 1 1"));
    as_batch_records* records = reads();
    run(records, true, false);
    assert_read(records);
    as_batch_records_destroy(records);
    assert_true(test_cluster_control(cluster, "clear"));
}

static void single_commands(void** state)
{
    (void)state;
    as_error err;
    as_key key;
    as_key_init_str(&key, NS, SET, "one");
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.compress = true;
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_str(&record, "t", text);
    traffic before = traffic_now();
    assert_int_equal(aerospike_key_put(&as, &err, &write, &key, &record), AEROSPIKE_OK);
    as_record_destroy(&record);
    as_policy_read read;
    as_policy_read_init(&read);
    read.base.compress = true;
    as_record* got = NULL;
    assert_int_equal(aerospike_key_get(&as, &err, &read, &key, &got), AEROSPIKE_OK);
    assert_string_equal(as_record_get_str(got, "t"), text);
    as_record_destroy(got);
    traffic after = traffic_now();
    assert_true(after.sent - before.sent < TEXT_CHARS / 20);
    assert_true(after.received - before.received < TEXT_CHARS / 20);
}

static int open_client(void** state)
{
    (void)state;
    as_config config;
    memset(text, 'z', TEXT_CHARS);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches),
        cmocka_unit_test(answers_in_pieces),
        cmocka_unit_test(single_commands),
    };
    cluster = test_cluster_start("--nodes", "3", "--enterprise", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
