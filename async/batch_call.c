/*
 * The public calls of batches: rows checked and encoded, asynchronously and on the private loop.
 */
#include <string.h>

#include "async/batch.h"
#include "async/client.h"
#include "core/mem.h"
#include "core/policy.h"
#include "core/wire_batch.h"

/* What the calls have in common. */
typedef struct batch_call {
    aerospike* as;
    as_error* err;
    const as_policy_batch* policy;
    as_batch_records* records;
    bool may_write;
    as_async_batch_listener listener;
    void* udata;
    tnd_engine* engine;
    as_event_loop* entry;
} batch_call;

/* ---- rows ---- */

static uint32_t names_count(char** names, uint32_t count)
{
    return names ? count : 0;
}

static as_status row_read(const batch_call* call, tnd_buf* rows, const as_batch_read_record* row)
{
    as_policy_batch_read usual = {
        .read_mode_ap = call->policy->read_mode_ap,
        .read_mode_sc = call->policy->read_mode_sc,
        .read_touch_ttl_percent = call->policy->read_touch_ttl_percent,
    };
    tnd_wire_ops ops = tnd_wire_ops_of(row->ops);
    tnd_wire_row_bins bins = {
        .ops = row->ops ? &ops : NULL,
        .names = (const char* const*)row->bin_names,
        .names_count = names_count(row->bin_names, row->n_bin_names),
        .wants_all = row->read_all_bins,
    };
    const as_policy_batch_read* policy = row->policy ? row->policy : &usual;
    return tnd_policy_check_batch_read(policy, call->err) == AEROSPIKE_OK
               ? tnd_wire_row_read(rows, call->err, &row->key, &bins, policy,
                                   call->policy->base.filter_exp)
               : call->err->code;
}

static as_status row_write(const batch_call* call, tnd_buf* rows, const as_batch_write_record* row)
{
    const as_policy_batch_write* policy =
        row->policy ? row->policy : &call->as->config.policies.batch_write;
    tnd_wire_ops ops = tnd_wire_ops_of(row->ops);
    return tnd_policy_check_batch_write(policy, call->err) == AEROSPIKE_OK
               ? tnd_wire_row_write(rows, call->err, &row->key, &ops, policy,
                                    call->policy->base.filter_exp)
               : call->err->code;
}

static as_status row_apply(const batch_call* call, tnd_buf* rows, const as_batch_apply_record* row)
{
    const as_policy_batch_apply* policy =
        row->policy ? row->policy : &call->as->config.policies.batch_apply;
    tnd_wire_udf udf = {.module = row->module, .function = row->function, .arglist = row->arglist};
    return tnd_policy_check_batch_apply(policy, call->err) == AEROSPIKE_OK
               ? tnd_wire_row_apply(rows, call->err, &row->key, &udf, policy,
                                    call->policy->base.filter_exp)
               : call->err->code;
}

static as_status row_remove(const batch_call* call, tnd_buf* rows,
                            const as_batch_remove_record* row)
{
    const as_policy_batch_remove* policy =
        row->policy ? row->policy : &call->as->config.policies.batch_remove;
    return tnd_policy_check_batch_remove(policy, call->err) == AEROSPIKE_OK
               ? tnd_wire_row_remove(rows, call->err, &row->key, policy,
                                     call->policy->base.filter_exp)
               : call->err->code;
}

static as_status row_encode(const batch_call* call, tnd_buf* rows, as_batch_record* row)
{
    if (row->base.type != AS_BATCH_READ && !call->may_write) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM,
                                    "it writes: use aerospike_batch_write()");
    }
    switch (row->base.type) {
    case AS_BATCH_READ:
        return row_read(call, rows, &row->read);
    case AS_BATCH_WRITE:
        return row_write(call, rows, &row->write);
    case AS_BATCH_APPLY:
        return row_apply(call, rows, &row->apply);
    case AS_BATCH_REMOVE:
        return row_remove(call, rows, &row->remove);
    default:
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM, "its type is unknown");
    }
}

static as_status row_fail(as_error* err, uint32_t index)
{
    char text[AS_ERROR_MESSAGE_MAX_SIZE];
    snprintf(text, sizeof(text), "%s", err->message);
    return as_error_setallv(err, err->code, __func__, __FILE__, __LINE__, "Row %u of the batch: %s",
                            index, text);
}

/* Does it ask the same of another key as a row that was encoded? Seen by what the two point at. */
static bool row_repeats(const as_batch_record* row, const as_batch_record* before)
{
    const as_batch_read_record* a = &row->read;
    const as_batch_read_record* b = &before->read;
    return row->base.type == AS_BATCH_READ && before->base.type == AS_BATCH_READ &&
           a->policy == b->policy && a->ops == b->ops && a->bin_names == b->bin_names &&
           a->n_bin_names == b->n_bin_names && a->read_all_bins == b->read_all_bins &&
           strcmp(a->key.ns, b->key.ns) == 0 && strcmp(a->key.set, b->key.set) == 0;
}

static as_status rows_encode(const batch_call* call, tnd_batch* batch)
{
    tnd_buf* rows = tnd_batch_rows(batch);
    as_batch_record* before = NULL;
    for (uint32_t i = 0; i < call->records->list.size; i++) {
        as_batch_record* row = as_vector_get(&call->records->list, i);
        bool repeats = before && row_repeats(row, before);
        as_status status =
            repeats ? as_key_set_digest(call->err, &row->base.key) : row_encode(call, rows, row);
        if (status != AEROSPIKE_OK) {
            return row_fail(call->err, i);
        }
        if (repeats) {
            tnd_batch_add_again(batch);
        } else {
            tnd_batch_add(batch);
        }
        before = row;
    }
    return AEROSPIKE_OK;
}

/* ---- the call ---- */

static bool records_write(const as_batch_records* records)
{
    for (uint32_t i = 0; i < records->list.size; i++) {
        const as_batch_record* row = as_vector_get((as_vector*)(uintptr_t)&records->list, i);
        if (row->base.type != AS_BATCH_READ) {
            return true;
        }
    }
    return false;
}

/* No row's namespace is in the map: then there is nothing to start. */
static as_status check_namespaces(const batch_call* call)
{
    tnd_map* map = tnd_worker_map(call->engine->worker);
    uint32_t count = call->records->list.size;
    if (count == 0 || !tnd_engine_is_ready(call->engine)) {
        return AEROSPIKE_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        const as_batch_record* row = as_vector_get(&call->records->list, i);
        as_namespace ns;
        uint64_t word;
        tnd_map_pad_name(ns, row->base.key.ns);
        if (tnd_map_route(map, ns, 0, &word)) {
            return AEROSPIKE_OK;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        as_batch_record* row = as_vector_get(&call->records->list, i);
        row->base.result = AEROSPIKE_ERR_NAMESPACE_NOT_FOUND;
    }
    const as_batch_record* first = as_vector_get(&call->records->list, 0);
    return as_error_setallv(call->err, AEROSPIKE_BATCH_FAILED, __func__, __FILE__, __LINE__,
                            "Batch failed: the cluster has no namespace of its keys, %s for one",
                            first->base.key.ns);
}

static as_status call_check(batch_call* call)
{
    const as_policies* policies = call->as ? &call->as->config.policies : NULL;
    if (!call->as || !call->records || !call->listener ||
        call->records->list.item_size != sizeof(as_batch_record)) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM,
                                    "A client, rows of as_batch_records_create() and a listener "
                                    "are needed");
    }
    if (!call->policy) {
        call->policy = call->may_write ? &policies->batch_parent_write : &policies->batch;
    }
    return tnd_policy_check_batch(call->policy, call->err);
}

static as_status call_run(const batch_call* call)
{
    bool has_write = records_write(call->records);
    tnd_batch* batch =
        tnd_batch_new(call->policy, call->records, has_write, call->listener, call->udata);
    if (!batch) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch");
    }
    if (rows_encode(call, batch) != AEROSPIKE_OK || check_namespaces(call) != AEROSPIKE_OK) {
        tnd_batch_free(batch);
        return call->err->code;
    }
    return tnd_batch_start(batch, call->engine, call->entry, &call->policy->base, call->err);
}

static as_status call_async(batch_call* call, as_event_loop* event_loop)
{
    as_error_reset(call->err);
    if (call_check(call) != AEROSPIKE_OK) {
        return call->err->code;
    }
    call->engine = tnd_client_engine(call->as, event_loop, &call->entry, call->err);
    return call->engine ? call_run(call) : call->err->code;
}

as_status aerospike_batch_read_async(aerospike* as, as_error* err, const as_policy_batch* policy,
                                     as_batch_records* records, as_async_batch_listener listener,
                                     void* udata, as_event_loop* event_loop)
{
    batch_call call = {.as = as,
                       .err = err,
                       .policy = policy,
                       .records = records,
                       .listener = listener,
                       .udata = udata};
    return call_async(&call, event_loop);
}

as_status aerospike_batch_write_async(aerospike* as, as_error* err, const as_policy_batch* policy,
                                      as_batch_records* records, as_async_batch_listener listener,
                                      void* udata, as_event_loop* event_loop)
{
    batch_call call = {.as = as,
                       .err = err,
                       .policy = policy,
                       .records = records,
                       .may_write = true,
                       .listener = listener,
                       .udata = udata};
    return call_async(&call, event_loop);
}

/* ---- synchronous ---- */

typedef struct batch_wait {
    bool is_done;
    as_error* err;
} batch_wait;

static void on_wait(as_error* err, as_batch_records* records, void* udata,
                    as_event_loop* event_loop)
{
    (void)records, (void)event_loop;
    batch_wait* wait = udata;
    wait->is_done = true;
    if (err) {
        as_error_copy(wait->err, err);
        if (err->code == AEROSPIKE_ERR_ASYNC_CONNECTION) {
            wait->err->code = AEROSPIKE_ERR_CONNECTION; /* its number in synchronous calls */
        }
    }
}

static as_status batch_sync(aerospike* as, as_error* err, const as_policy_batch* policy,
                            as_batch_records* records, bool may_write)
{
    batch_wait wait = {.err = as_error_init(err)};
    batch_call call = {.as = as,
                       .err = err,
                       .policy = policy,
                       .records = records,
                       .may_write = may_write,
                       .listener = on_wait,
                       .udata = &wait};
    if (call_check(&call) != AEROSPIKE_OK) {
        return err->code;
    }
    call.engine = tnd_client_sync_engine(as, err);
    if (!call.engine) {
        return err->code;
    }
    call.entry = &call.engine->events->entries[0];
    if (call_run(&call) == AEROSPIKE_OK) {
        tnd_client_sync_run(as, &wait.is_done);
    }
    return err->code;
}

as_status aerospike_batch_read(aerospike* as, as_error* err, const as_policy_batch* policy,
                               as_batch_records* records)
{
    return batch_sync(as, err, policy, records, false);
}

as_status aerospike_batch_write(aerospike* as, as_error* err, const as_policy_batch* policy,
                                as_batch_records* records)
{
    return batch_sync(as, err, policy, records, true);
}
