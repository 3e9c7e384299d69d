/*
 * Policies: every default of every policy (api/t1-policies.md), copies, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_policy.h>

#include "core/mem.h"
#include "core/policy.h"

/* Total timeout and retries; what else the common part says is the same everywhere. */
#define READ_BASE 1000, 2
#define WRITE_BASE 1000, 0
#define QUERY_BASE 0, 5

static void assert_base_limits(const as_policy_base* base, uint32_t total_timeout,
                               uint32_t max_retries)
{
    assert_int_equal(base->connect_timeout, 0);
    assert_int_equal(base->socket_timeout, 30000);
    assert_int_equal(base->total_timeout, total_timeout);
    assert_int_equal(base->timeout_delay, 3000);
    assert_int_equal(base->max_retries, max_retries);
    assert_int_equal(base->sleep_between_retries, 0);
    assert_null(base->filter_exp);
    assert_null(base->txn);
    assert_false(base->compress);
    assert_int_equal(base->error_detail_verbosity, 0);
}

#define assert_base(policy, kind) assert_base_limits(&(policy).base, kind)

static void read_defaults(void** state)
{
    (void)state;
    as_policy_read p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_read_init(&p), &p);
    assert_base(p, READ_BASE);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.read_mode_ap, AS_POLICY_READ_MODE_AP_ONE);
    assert_int_equal(p.read_mode_sc, AS_POLICY_READ_MODE_SC_SESSION);
    assert_int_equal(p.read_touch_ttl_percent, 0);
    assert_true(p.deserialize);
    assert_false(p.async_heap_rec);
}

static void write_defaults(void** state)
{
    (void)state;
    as_policy_write p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_write_init(&p), &p);
    assert_base(p, WRITE_BASE);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.gen, AS_POLICY_GEN_IGNORE);
    assert_int_equal(p.exists, AS_POLICY_EXISTS_IGNORE);
    assert_int_equal(p.ttl, 0);
    assert_int_equal(p.compression_threshold, 0);
    assert_false(p.durable_delete);
    assert_false(p.on_locking_only);
}

static void operate_defaults(void** state)
{
    (void)state;
    as_policy_operate p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_operate_init(&p), &p);
    assert_base(p, WRITE_BASE);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.read_mode_ap, AS_POLICY_READ_MODE_AP_ONE);
    assert_int_equal(p.read_mode_sc, AS_POLICY_READ_MODE_SC_SESSION);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.gen, AS_POLICY_GEN_IGNORE);
    assert_int_equal(p.exists, AS_POLICY_EXISTS_IGNORE);
    assert_int_equal(p.ttl, 0);
    assert_int_equal(p.read_touch_ttl_percent, 0);
    assert_true(p.deserialize);
    assert_false(p.durable_delete);
    assert_false(p.on_locking_only);
    assert_false(p.async_heap_rec);
    assert_false(p.respond_all_ops);
}

static void remove_defaults(void** state)
{
    (void)state;
    as_policy_remove p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_remove_init(&p), &p);
    assert_base(p, WRITE_BASE);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.gen, AS_POLICY_GEN_IGNORE);
    assert_int_equal(p.generation, 0);
    assert_false(p.durable_delete);
}

static void apply_defaults(void** state)
{
    (void)state;
    as_policy_apply p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_apply_init(&p), &p);
    assert_base(p, WRITE_BASE);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.ttl, 0);
    assert_false(p.durable_delete);
    assert_false(p.on_locking_only);
}

static void batch_defaults(void** state)
{
    (void)state;
    as_policy_batch p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_batch_init(&p), &p);
    assert_base(p, READ_BASE);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.read_mode_ap, AS_POLICY_READ_MODE_AP_ONE);
    assert_int_equal(p.read_mode_sc, AS_POLICY_READ_MODE_SC_SESSION);
    assert_int_equal(p.read_touch_ttl_percent, 0);
    assert_false(p.concurrent);
    assert_true(p.allow_inline);
    assert_false(p.allow_inline_ssd);
    assert_true(p.respond_all_keys);
    assert_true(p.send_set_name);
    assert_true(p.deserialize);
}

static void batch_read_defaults(void** state)
{
    (void)state;
    as_policy_batch_read p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_batch_read_init(&p), &p);
    assert_null(p.filter_exp);
    assert_int_equal(p.read_mode_ap, AS_POLICY_READ_MODE_AP_ONE);
    assert_int_equal(p.read_mode_sc, AS_POLICY_READ_MODE_SC_SESSION);
    assert_int_equal(p.read_touch_ttl_percent, 0);
}

static void batch_write_defaults(void** state)
{
    (void)state;
    as_policy_batch_write p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_batch_write_init(&p), &p);
    assert_null(p.filter_exp);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.gen, AS_POLICY_GEN_IGNORE);
    assert_int_equal(p.exists, AS_POLICY_EXISTS_IGNORE);
    assert_int_equal(p.ttl, 0);
    assert_false(p.durable_delete);
    assert_false(p.on_locking_only);
}

static void batch_apply_defaults(void** state)
{
    (void)state;
    as_policy_batch_apply p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_batch_apply_init(&p), &p);
    assert_null(p.filter_exp);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.ttl, 0);
    assert_false(p.durable_delete);
    assert_false(p.on_locking_only);
}

static void batch_remove_defaults(void** state)
{
    (void)state;
    as_policy_batch_remove p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_batch_remove_init(&p), &p);
    assert_null(p.filter_exp);
    assert_int_equal(p.key, AS_POLICY_KEY_DIGEST);
    assert_int_equal(p.commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    assert_int_equal(p.gen, AS_POLICY_GEN_IGNORE);
    assert_int_equal(p.generation, 0);
    assert_false(p.durable_delete);
}

static void scan_defaults(void** state)
{
    (void)state;
    as_policy_scan p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_scan_init(&p), &p);
    assert_base(p, QUERY_BASE);
    assert_int_equal(p.max_records, 0);
    assert_int_equal(p.records_per_second, 0);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.ttl, 0);
    assert_false(p.durable_delete);
}

static void query_defaults(void** state)
{
    (void)state;
    as_policy_query p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_query_init(&p), &p);
    assert_base(p, QUERY_BASE);
    assert_int_equal(p.info_timeout, 10000);
    assert_int_equal(p.replica, AS_POLICY_REPLICA_SEQUENCE);
    assert_int_equal(p.expected_duration, AS_QUERY_DURATION_LONG);
    assert_false(p.fail_on_cluster_change);
    assert_true(p.deserialize);
    assert_false(p.short_query);
}

static void info_defaults(void** state)
{
    (void)state;
    as_policy_info p;

    memset(&p, 0x5a, sizeof(p));
    assert_ptr_equal(as_policy_info_init(&p), &p);
    assert_int_equal(p.timeout, 1000);
    assert_int_equal(p.timeout_delay, 3000);
    assert_true(p.send_as_is);
    assert_true(p.check_bounds);
}

static void base_defaults(void** state)
{
    (void)state;
    as_policy_base base;

    memset(&base, 0x5a, sizeof(base));
    as_policy_base_read_init(&base);
    assert_base_limits(&base, READ_BASE);
    as_policy_base_write_init(&base);
    assert_base_limits(&base, WRITE_BASE);
    as_policy_base_query_init(&base);
    assert_base_limits(&base, QUERY_BASE);
}

static void parent_of_batch_writes(void** state)
{
    (void)state;
    as_policy_batch batch;
    as_policy_batch parent;

    memset(&batch, 0, sizeof(batch));
    memset(&parent, 0, sizeof(parent));
    as_policy_batch_init(&batch);
    assert_ptr_equal(as_policy_batch_parent_write_init(&parent), &parent);
    assert_int_equal(parent.base.max_retries, 0);
    parent.base.max_retries = batch.base.max_retries;
    assert_memory_equal(&parent, &batch, sizeof(batch));
}

static void admin_defaults(void** state)
{
    (void)state;
    as_policy_admin p;

    assert_int_equal(as_policy_admin_init(&p)->timeout, 1000);
}

static void transaction_defaults(void** state)
{
    (void)state;
    as_policy_batch plain;
    as_policy_txn_verify verify;
    as_policy_txn_roll roll;

    memset(&plain, 0, sizeof(plain));
    memset(&verify, 0, sizeof(verify));
    memset(&roll, 0, sizeof(roll));
    as_policy_batch_init(&plain);
    plain.base.socket_timeout = 3000;
    plain.base.total_timeout = 10000;
    plain.base.max_retries = 5;
    plain.base.sleep_between_retries = 1000;
    plain.replica = AS_POLICY_REPLICA_MASTER;
    as_policy_txn_roll_init(&roll);
    assert_memory_equal(&roll, &plain, sizeof(plain));
    plain.read_mode_sc = AS_POLICY_READ_MODE_SC_LINEARIZE;
    as_policy_txn_verify_init(&verify);
    assert_memory_equal(&verify, &plain, sizeof(plain));
}

static void metrics_defaults(void** state)
{
    (void)state;
    as_metrics_policy p;

    memset(&p, 0x5a, sizeof(p));
    as_metrics_policy_init(&p);
    assert_null(p.metrics_listeners.enable_listener);
    assert_null(p.metrics_listeners.snapshot_listener);
    assert_null(p.metrics_listeners.node_close_listener);
    assert_null(p.metrics_listeners.disable_listener);
    assert_null(p.metrics_listeners.udata);
    assert_null(p.labels);
    assert_string_equal(p.report_dir, ".");
    assert_int_equal(p.report_size_limit, 0);
    assert_int_equal(p.interval, 30);
    assert_int_equal(p.latency_columns, 7);
    assert_int_equal(p.latency_shift, 1);
    assert_false(p.enable);
}

static void metrics_labels_are_freed(void** state)
{
    (void)state;
    as_metrics_policy p;
    as_metrics_label* label;

    as_metrics_policy_init(&p);
    p.labels = as_vector_create(sizeof(as_metrics_label), 1);
    label = as_vector_reserve(p.labels);
    label->name = tnd_strdup("a");
    label->value = tnd_strdup("b");
    as_metrics_policy_destroy(&p);
    as_metrics_policy_destroy(&p);
    assert_null(p.labels);
}

/* Each member of as_policies has the defaults of its own kind. */
static void all_policies(void** state)
{
    (void)state;
    as_policies p;
    as_policies zeroed;

    memset(&zeroed, 0, sizeof(zeroed));
    memset(&p, 0, sizeof(p));
    assert_ptr_equal(as_policies_init(&p), &p);
    as_policy_read_init(&zeroed.read);
    as_policy_write_init(&zeroed.write);
    as_policy_operate_init(&zeroed.operate);
    as_policy_remove_init(&zeroed.remove);
    as_policy_apply_init(&zeroed.apply);
    as_policy_batch_init(&zeroed.batch);
    as_policy_batch_parent_write_init(&zeroed.batch_parent_write);
    as_policy_batch_write_init(&zeroed.batch_write);
    as_policy_batch_apply_init(&zeroed.batch_apply);
    as_policy_batch_remove_init(&zeroed.batch_remove);
    as_policy_scan_init(&zeroed.scan);
    as_policy_query_init(&zeroed.query);
    as_policy_info_init(&zeroed.info);
    as_policy_admin_init(&zeroed.admin);
    as_policy_txn_verify_init(&zeroed.txn_verify);
    as_policy_txn_roll_init(&zeroed.txn_roll);
    as_metrics_policy_init(&zeroed.metrics);
    assert_memory_equal(&p, &zeroed, sizeof(p));
    as_policies_destroy(&p);
}

#define assert_copies(name, field, other)                                                          \
    do {                                                                                           \
        as_policy_##name src;                                                                      \
        as_policy_##name trg;                                                                      \
        as_policy_##name##_init(&src);                                                             \
        as_policy_##name##_init(&trg);                                                             \
        src.field = (other);                                                                       \
        as_policy_##name##_copy(&src, &trg);                                                       \
        assert_int_equal(trg.field, (other));                                                      \
    } while (0)

static void copies(void** state)
{
    (void)state;
    assert_copies(read, async_heap_rec, true);
    assert_copies(write, ttl, 77);
    assert_copies(operate, respond_all_ops, true);
    assert_copies(remove, generation, 5);
    assert_copies(apply, ttl, 77);
    assert_copies(batch, concurrent, true);
    assert_copies(scan, records_per_second, 77);
    assert_copies(query, info_timeout, 77);
    assert_copies(info, timeout, 77);
    assert_copies(admin, timeout, 77);
    assert_copies(txn_verify, base.total_timeout, 77);
    assert_copies(txn_roll, base.total_timeout, 77);
}

/* --- what is refused --- */

/* Sets a field of a fresh policy and expects an error that names it, or none for "". */
#define assert_check(kind, setting, field)                                                         \
    do {                                                                                           \
        as_policy_##kind p;                                                                        \
        as_error err;                                                                              \
        as_error_init(&err);                                                                       \
        as_policy_##kind##_init(&p);                                                               \
        setting;                                                                                   \
        as_status status = tnd_policy_check_##kind(&p, &err);                                      \
        assert_int_equal(status, *(field) ? AEROSPIKE_ERR_PARAM : AEROSPIKE_OK);                   \
        assert_non_null(strstr(err.message, *(field) ? "as_policy_" #kind "." field : ""));        \
    } while (0)

#define assert_base_checks(kind)                                                                   \
    do {                                                                                           \
        assert_check(kind, (void)0, "");                                                           \
        assert_check(kind, p.base.filter_exp = (as_exp*)&p, "");                                   \
        assert_check(kind, p.base.txn = (as_txn*)&p, "base.txn");                                  \
        assert_check(kind, p.base.compress = true, "");                                            \
        assert_check(kind, p.base.error_detail_verbosity = 1, "base.error_detail_verbosity");      \
        assert_check(kind, p.base.timeout_delay = 1, ""); /* a rule for defaults only */           \
        assert_check(kind, p.base.total_timeout = 0, "");                                          \
        assert_check(kind, p.key = AS_POLICY_KEY_SEND, "");                                        \
        assert_check(kind, p.key = (as_policy_key)2, "key");                                       \
        assert_check(kind, p.key = (as_policy_key)-1, "key");                                      \
        assert_check(kind, p.replica = AS_POLICY_REPLICA_RANDOM, "");                              \
        assert_check(kind, p.replica = AS_POLICY_REPLICA_PREFER_RACK, "");                         \
        assert_check(kind, p.replica = (as_policy_replica)5, "replica");                           \
    } while (0)

static void reads_are_checked(void** state)
{
    (void)state;
    assert_base_checks(read);
    assert_check(read, p.read_mode_ap = AS_POLICY_READ_MODE_AP_ALL, "");
    assert_check(read, p.read_mode_ap = (as_policy_read_mode_ap)2, "read_mode_ap");
    assert_check(read, p.read_mode_sc = AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE, "");
    assert_check(read, p.read_mode_sc = (as_policy_read_mode_sc)4, "read_mode_sc");
    assert_check(read, p.read_touch_ttl_percent = -1, "");
    assert_check(read, p.read_touch_ttl_percent = 100, "");
    assert_check(read, p.read_touch_ttl_percent = -2, "read_touch_ttl_percent");
    assert_check(read, p.read_touch_ttl_percent = 101, "read_touch_ttl_percent");
    assert_check(read, p.deserialize = false, "");
    assert_check(read, p.async_heap_rec = true, "");
}

static void writes_are_checked(void** state)
{
    (void)state;
    assert_base_checks(write);
    assert_check(write, p.commit_level = AS_POLICY_COMMIT_LEVEL_MASTER, "");
    assert_check(write, p.commit_level = (as_policy_commit_level)2, "commit_level");
    assert_check(write, p.gen = AS_POLICY_GEN_GT, "");
    assert_check(write, p.gen = (as_policy_gen)3, "gen");
    assert_check(write, p.exists = AS_POLICY_EXISTS_CREATE_OR_REPLACE, "");
    assert_check(write, p.exists = (as_policy_exists)5, "exists");
    assert_check(write, p.ttl = UINT32_MAX, "");
    assert_check(write, p.durable_delete = true, "");
    assert_check(write, p.compression_threshold = 1, "");
    assert_check(write, p.on_locking_only = true, "on_locking_only");
}

static void operates_are_checked(void** state)
{
    (void)state;
    assert_base_checks(operate);
    assert_check(operate, p.read_mode_ap = (as_policy_read_mode_ap)2, "read_mode_ap");
    assert_check(operate, p.read_mode_sc = (as_policy_read_mode_sc)4, "read_mode_sc");
    assert_check(operate, p.read_touch_ttl_percent = -1, "");
    assert_check(operate, p.read_touch_ttl_percent = 101, "read_touch_ttl_percent");
    assert_check(operate, p.commit_level = (as_policy_commit_level)2, "commit_level");
    assert_check(operate, p.gen = AS_POLICY_GEN_EQ, "");
    assert_check(operate, p.gen = (as_policy_gen)3, "gen");
    assert_check(operate, p.exists = (as_policy_exists)5, "exists");
    assert_check(operate, p.ttl = UINT32_MAX, "");
    assert_check(operate, p.durable_delete = true, "");
    assert_check(operate, p.on_locking_only = true, "on_locking_only");
    assert_check(operate, p.async_heap_rec = true, "");
    assert_check(operate, p.respond_all_ops = true, "");
    assert_check(operate, p.deserialize = false, "");
}

static void removes_are_checked(void** state)
{
    (void)state;
    assert_base_checks(remove);
    assert_check(remove, p.commit_level = (as_policy_commit_level)2, "commit_level");
    assert_check(remove, p.gen = AS_POLICY_GEN_EQ, "");
    assert_check(remove, p.gen = (as_policy_gen)3, "gen");
    assert_check(remove, p.durable_delete = true, "");
}

static void batches_are_checked(void** state)
{
    (void)state;
    assert_check(batch, (void)0, "");
    assert_check(batch, p.base.compress = true, "");
    assert_check(batch, p.base.txn = (as_txn*)&p, "base.txn");
    assert_check(batch, p.replica = (as_policy_replica)5, "replica");
    assert_check(batch, p.read_mode_ap = (as_policy_read_mode_ap)2, "read_mode_ap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_defaults),
        cmocka_unit_test(read_defaults),
        cmocka_unit_test(write_defaults),
        cmocka_unit_test(operate_defaults),
        cmocka_unit_test(remove_defaults),
        cmocka_unit_test(apply_defaults),
        cmocka_unit_test(batch_defaults),
        cmocka_unit_test(batch_read_defaults),
        cmocka_unit_test(batch_write_defaults),
        cmocka_unit_test(batch_apply_defaults),
        cmocka_unit_test(batch_remove_defaults),
        cmocka_unit_test(scan_defaults),
        cmocka_unit_test(query_defaults),
        cmocka_unit_test(info_defaults),
        cmocka_unit_test(parent_of_batch_writes),
        cmocka_unit_test(admin_defaults),
        cmocka_unit_test(transaction_defaults),
        cmocka_unit_test(metrics_defaults),
        cmocka_unit_test(metrics_labels_are_freed),
        cmocka_unit_test(all_policies),
        cmocka_unit_test(copies),
        cmocka_unit_test(reads_are_checked),
        cmocka_unit_test(batches_are_checked),
        cmocka_unit_test(writes_are_checked),
        cmocka_unit_test(operates_are_checked),
        cmocka_unit_test(removes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
