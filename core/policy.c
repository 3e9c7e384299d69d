/*
 * Defaults of all policies (api/t1-policies.md).
 */
#include <aerospike/as_policy.h>

#include <string.h>

#include <aerospike/as_exp.h>
#include <aerospike/as_string.h>
#include <aerospike/as_subcode.h>

#include "core/mem.h"

enum {
    READ_RETRIES = 2,
    WRITE_RETRIES = 0,
    QUERY_RETRIES = 5,
    INFO_TIMEOUT_MS = 1000,
    QUERY_INFO_TIMEOUT_MS = 10000,
    TXN_SOCKET_TIMEOUT_MS = 3000,
    TXN_TOTAL_TIMEOUT_MS = 10000,
    TXN_RETRIES = 5,
    TXN_RETRY_SLEEP_MS = 1000,
};

/* --- the common part --- */

static void base_init(as_policy_base* p, uint32_t total_timeout_ms, uint32_t max_retries)
{
    p->connect_timeout = 0;
    p->socket_timeout = AS_POLICY_SOCKET_TIMEOUT_DEFAULT;
    p->total_timeout = total_timeout_ms;
    p->timeout_delay = AS_POLICY_TIMEOUT_DELAY_DEFAULT;
    p->max_retries = max_retries;
    p->sleep_between_retries = 0;
    p->filter_exp = NULL;
    p->txn = NULL;
    p->compress = false;
    p->error_detail_verbosity = AS_ERROR_DETAIL_NONE;
}

void as_policy_base_read_init(as_policy_base* p)
{
    base_init(p, AS_POLICY_TOTAL_TIMEOUT_DEFAULT, READ_RETRIES);
}

void as_policy_base_write_init(as_policy_base* p)
{
    base_init(p, AS_POLICY_TOTAL_TIMEOUT_DEFAULT, WRITE_RETRIES);
}

void as_policy_base_query_init(as_policy_base* p)
{
    base_init(p, 0, QUERY_RETRIES);
}

/* --- single records --- */

as_policy_read* as_policy_read_init(as_policy_read* p)
{
    as_policy_base_read_init(&p->base);
    p->key = AS_POLICY_KEY_DEFAULT;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->read_mode_ap = AS_POLICY_READ_MODE_AP_DEFAULT;
    p->read_mode_sc = AS_POLICY_READ_MODE_SC_DEFAULT;
    p->read_touch_ttl_percent = 0;
    p->deserialize = true;
    p->async_heap_rec = false;
    return p;
}

as_policy_write* as_policy_write_init(as_policy_write* p)
{
    as_policy_base_write_init(&p->base);
    p->key = AS_POLICY_KEY_DEFAULT;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->gen = AS_POLICY_GEN_DEFAULT;
    p->exists = AS_POLICY_EXISTS_DEFAULT;
    p->ttl = 0;
    p->compression_threshold = AS_POLICY_COMPRESSION_THRESHOLD_DEFAULT;
    p->durable_delete = false;
    p->on_locking_only = false;
    return p;
}

as_policy_operate* as_policy_operate_init(as_policy_operate* p)
{
    as_policy_base_write_init(&p->base);
    p->key = AS_POLICY_KEY_DEFAULT;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->read_mode_ap = AS_POLICY_READ_MODE_AP_DEFAULT;
    p->read_mode_sc = AS_POLICY_READ_MODE_SC_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->gen = AS_POLICY_GEN_DEFAULT;
    p->exists = AS_POLICY_EXISTS_DEFAULT;
    p->ttl = 0;
    p->read_touch_ttl_percent = 0;
    p->deserialize = true;
    p->durable_delete = false;
    p->on_locking_only = false;
    p->async_heap_rec = false;
    p->respond_all_ops = false;
    return p;
}

as_policy_remove* as_policy_remove_init(as_policy_remove* p)
{
    as_policy_base_write_init(&p->base);
    p->key = AS_POLICY_KEY_DEFAULT;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->gen = AS_POLICY_GEN_DEFAULT;
    p->generation = 0;
    p->durable_delete = false;
    return p;
}

as_policy_apply* as_policy_apply_init(as_policy_apply* p)
{
    as_policy_base_write_init(&p->base);
    p->key = AS_POLICY_KEY_DEFAULT;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->ttl = 0;
    p->durable_delete = false;
    p->on_locking_only = false;
    return p;
}

/* --- batches --- */

as_policy_batch* as_policy_batch_init(as_policy_batch* p)
{
    as_policy_base_read_init(&p->base);
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->read_mode_ap = AS_POLICY_READ_MODE_AP_DEFAULT;
    p->read_mode_sc = AS_POLICY_READ_MODE_SC_DEFAULT;
    p->read_touch_ttl_percent = 0;
    p->concurrent = false;
    p->allow_inline = true;
    p->allow_inline_ssd = false;
    p->respond_all_keys = true;
    p->send_set_name = true;
    p->deserialize = true;
    return p;
}

as_policy_batch* as_policy_batch_parent_write_init(as_policy_batch* p)
{
    as_policy_batch_init(p);
    p->base.max_retries = WRITE_RETRIES;
    return p;
}

as_policy_batch_read* as_policy_batch_read_init(as_policy_batch_read* p)
{
    p->filter_exp = NULL;
    p->read_mode_ap = AS_POLICY_READ_MODE_AP_DEFAULT;
    p->read_mode_sc = AS_POLICY_READ_MODE_SC_DEFAULT;
    p->read_touch_ttl_percent = 0;
    return p;
}

as_policy_batch_write* as_policy_batch_write_init(as_policy_batch_write* p)
{
    p->filter_exp = NULL;
    p->key = AS_POLICY_KEY_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->gen = AS_POLICY_GEN_DEFAULT;
    p->exists = AS_POLICY_EXISTS_DEFAULT;
    p->ttl = 0;
    p->durable_delete = false;
    p->on_locking_only = false;
    return p;
}

as_policy_batch_apply* as_policy_batch_apply_init(as_policy_batch_apply* p)
{
    p->filter_exp = NULL;
    p->key = AS_POLICY_KEY_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->ttl = 0;
    p->durable_delete = false;
    p->on_locking_only = false;
    return p;
}

as_policy_batch_remove* as_policy_batch_remove_init(as_policy_batch_remove* p)
{
    p->filter_exp = NULL;
    p->key = AS_POLICY_KEY_DEFAULT;
    p->commit_level = AS_POLICY_COMMIT_LEVEL_DEFAULT;
    p->gen = AS_POLICY_GEN_DEFAULT;
    p->generation = 0;
    p->durable_delete = false;
    return p;
}

/* --- scans, queries, info, administration, transactions --- */

as_policy_scan* as_policy_scan_init(as_policy_scan* p)
{
    as_policy_base_query_init(&p->base);
    p->max_records = 0;
    p->records_per_second = 0;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->ttl = 0;
    p->durable_delete = false;
    return p;
}

as_policy_query* as_policy_query_init(as_policy_query* p)
{
    as_policy_base_query_init(&p->base);
    p->info_timeout = QUERY_INFO_TIMEOUT_MS;
    p->replica = AS_POLICY_REPLICA_DEFAULT;
    p->expected_duration = AS_QUERY_DURATION_LONG;
    p->fail_on_cluster_change = false;
    p->deserialize = true;
    p->short_query = false;
    return p;
}

as_policy_info* as_policy_info_init(as_policy_info* p)
{
    p->timeout = INFO_TIMEOUT_MS;
    p->timeout_delay = AS_POLICY_TIMEOUT_DELAY_DEFAULT;
    p->send_as_is = true;
    p->check_bounds = true;
    return p;
}

as_policy_admin* as_policy_admin_init(as_policy_admin* p)
{
    p->timeout = INFO_TIMEOUT_MS;
    return p;
}

static as_policy_batch* txn_init(as_policy_batch* p, as_policy_read_mode_sc read_mode_sc)
{
    as_policy_batch_init(p);
    p->base.socket_timeout = TXN_SOCKET_TIMEOUT_MS;
    p->base.total_timeout = TXN_TOTAL_TIMEOUT_MS;
    p->base.max_retries = TXN_RETRIES;
    p->base.sleep_between_retries = TXN_RETRY_SLEEP_MS;
    p->replica = AS_POLICY_REPLICA_MASTER;
    p->read_mode_sc = read_mode_sc;
    return p;
}

as_policy_txn_verify* as_policy_txn_verify_init(as_policy_txn_verify* p)
{
    return txn_init(p, AS_POLICY_READ_MODE_SC_LINEARIZE);
}

as_policy_txn_roll* as_policy_txn_roll_init(as_policy_txn_roll* p)
{
    return txn_init(p, AS_POLICY_READ_MODE_SC_DEFAULT);
}

/* --- metrics --- */

void as_metrics_policy_init(as_metrics_policy* policy)
{
    memset(policy, 0, sizeof(*policy));
    as_strncpy(policy->report_dir, ".", sizeof(policy->report_dir));
    policy->interval = 30;
    policy->latency_columns = 7;
    policy->latency_shift = 1;
}

void as_metrics_policy_destroy(as_metrics_policy* policy)
{
    as_vector* labels = policy->labels;

    if (!labels) {
        return;
    }
    for (uint32_t i = 0; i < labels->size; i++) {
        as_metrics_label* label = as_vector_get(labels, i);
        tnd_free(label->name);
        tnd_free(label->value);
    }
    as_vector_destroy(labels);
    policy->labels = NULL;
}

/* --- all --- */

as_policies* as_policies_init(as_policies* p)
{
    as_policy_read_init(&p->read);
    as_policy_write_init(&p->write);
    as_policy_operate_init(&p->operate);
    as_policy_remove_init(&p->remove);
    as_policy_apply_init(&p->apply);
    as_policy_batch_init(&p->batch);
    as_policy_batch_parent_write_init(&p->batch_parent_write);
    as_policy_batch_write_init(&p->batch_write);
    as_policy_batch_apply_init(&p->batch_apply);
    as_policy_batch_remove_init(&p->batch_remove);
    as_policy_scan_init(&p->scan);
    as_policy_query_init(&p->query);
    as_policy_info_init(&p->info);
    as_policy_admin_init(&p->admin);
    as_policy_txn_verify_init(&p->txn_verify);
    as_policy_txn_roll_init(&p->txn_roll);
    as_metrics_policy_init(&p->metrics);
    return p;
}

/* Filter expressions, each once: a program may have put one into several policies. */
static void destroy_filters(as_policies* p)
{
    as_exp** filters[] = {
        &p->read.base.filter_exp,       &p->write.base.filter_exp,
        &p->operate.base.filter_exp,    &p->remove.base.filter_exp,
        &p->apply.base.filter_exp,      &p->batch.base.filter_exp,
        &p->batch_write.filter_exp,     &p->batch_apply.filter_exp,
        &p->batch_remove.filter_exp,    &p->batch_parent_write.base.filter_exp,
        &p->scan.base.filter_exp,       &p->query.base.filter_exp,
        &p->txn_verify.base.filter_exp, &p->txn_roll.base.filter_exp,
    };
    size_t count = sizeof(filters) / sizeof(filters[0]);
    for (size_t i = 0; i < count; i++) {
        as_exp* filter = *filters[i];
        for (size_t k = i; k < count; k++) {
            if (*filters[k] == filter) {
                *filters[k] = NULL;
            }
        }
        as_exp_destroy(filter);
    }
}

void as_policies_destroy(as_policies* p)
{
    destroy_filters(p);
    as_metrics_policy_destroy(&p->metrics);
}
