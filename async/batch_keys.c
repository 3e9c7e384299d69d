/*
 * The convenient synchronous calls: one operation for the keys of an as_batch.
 */
#include <aerospike/aerospike_batch.h>

#include <string.h>

#include "core/mem.h"
#include "core/wire.h"

/* What becomes of each key: the row without its key, for all of them. */
typedef struct keys_call {
    aerospike* as;
    as_error* err;
    const as_policy_batch* policy;
    const as_batch* batch;
    as_batch_listener listener;
    void* udata;
    as_batch_record row;
} keys_call;

/* The keys stay the batch's: the rows have copies that are never destroyed. */
static as_batch_records* keys_rows(const keys_call* call)
{
    uint32_t count = call->batch->keys.size;
    as_batch_records* records = as_batch_records_create(count);
    for (uint32_t i = 0; records && i < count; i++) {
        as_batch_base_record* row = as_vector_reserve(&records->list);
        const as_key* key = &call->batch->keys.entries[i];
        memcpy((void*)row, (const void*)&call->row, sizeof(call->row));
        row->key = *key;
        row->key._free = false;
        if (key->valuep == &key->value) {
            row->key.valuep = &row->key.value;
        }
    }
    return records;
}

static void keys_tell(const keys_call* call, const as_batch_records* records)
{
    uint32_t count = call->batch->keys.size;
    as_batch_result* results = count > 0 ? tnd_calloc(count, sizeof(*results)) : NULL;
    if (count > 0 && !results) {
        as_error_set_message(call->err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch's results");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const as_batch_base_record* row = as_vector_get((as_vector*)(uintptr_t)&records->list, i);
        results[i] = (as_batch_result){.key = &call->batch->keys.entries[i],
                                       .record = row->record,
                                       .result = row->result,
                                       .in_doubt = row->in_doubt};
    }
    call->listener(results, count, call->udata);
    tnd_free(results);
}

static void keys_free(as_batch_records* records)
{
    for (uint32_t i = 0; i < records->list.size; i++) {
        as_batch_base_record* row = as_vector_get(&records->list, i);
        row->key.valuep = NULL;
    }
    as_batch_records_destroy(records);
}

static as_status keys_run(keys_call* call, as_batch_type type)
{
    as_error_init(call->err);
    if (!call->as || !call->batch) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM, "A client and keys are needed");
    }
    call->row.base.type = type;
    call->row.base.has_write = type != AS_BATCH_READ;
    call->row.base.result = AEROSPIKE_NO_RESPONSE; /* until a node says otherwise */
    as_batch_records* records = keys_rows(call);
    if (!records) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_CLIENT, "Out of memory: a batch");
    }
    if (type == AS_BATCH_READ) {
        aerospike_batch_read(call->as, call->err, call->policy, records);
    } else {
        aerospike_batch_write(call->as, call->err, call->policy, records);
    }
    if (call->listener) {
        keys_tell(call, records);
    }
    keys_free(records);
    return call->err->code;
}

/* Operations that only read are a read's. */
static bool ops_write(const as_operations* ops)
{
    tnd_wire_ops list = tnd_wire_ops_of(ops);
    return tnd_wire_ops_write(&list);
}

as_status aerospike_batch_get(aerospike* as, as_error* err, const as_policy_batch* policy,
                              const as_batch* batch, as_batch_listener listener, void* udata)
{
    keys_call call = {as, err, policy, batch, listener, udata, .row.read = {.read_all_bins = true}};
    return keys_run(&call, AS_BATCH_READ);
}

as_status aerospike_batch_get_bins(aerospike* as, as_error* err, const as_policy_batch* policy,
                                   const as_batch* batch, const char** bins, uint32_t n_bins,
                                   as_batch_listener listener, void* udata)
{
    keys_call call = {as,
                      err,
                      policy,
                      batch,
                      listener,
                      udata,
                      .row.read = {.bin_names = (char**)(uintptr_t)bins, .n_bin_names = n_bins}};
    return keys_run(&call, AS_BATCH_READ);
}

as_status aerospike_batch_get_ops(aerospike* as, as_error* err, const as_policy_batch* policy,
                                  const as_batch* batch, as_operations* ops,
                                  as_batch_listener listener, void* udata)
{
    keys_call call = {as, err, policy, batch, listener, udata, .row.read = {.ops = ops}};
    return keys_run(&call, AS_BATCH_READ);
}

as_status aerospike_batch_exists(aerospike* as, as_error* err, const as_policy_batch* policy,
                                 const as_batch* batch, as_batch_listener listener, void* udata)
{
    keys_call call = {as, err, policy, batch, listener, udata, .row = {{.result = 0}}};
    return keys_run(&call, AS_BATCH_READ);
}

as_status aerospike_batch_operate(aerospike* as, as_error* err, const as_policy_batch* policy,
                                  const as_policy_batch_write* policy_write, const as_batch* batch,
                                  as_operations* ops, as_batch_listener listener, void* udata)
{
    if (!ops_write(ops)) {
        return aerospike_batch_get_ops(as, err, policy, batch, ops, listener, udata);
    }
    keys_call call = {
        as, err, policy, batch, listener, udata, .row.write = {.policy = policy_write, .ops = ops}};
    return keys_run(&call, AS_BATCH_WRITE);
}

as_status aerospike_batch_apply(aerospike* as, as_error* err, const as_policy_batch* policy,
                                const as_policy_batch_apply* policy_apply, const as_batch* batch,
                                const char* module, const char* function, as_list* arglist,
                                as_batch_listener listener, void* udata)
{
    keys_call call = {
        as,
        err,
        policy,
        batch,
        listener,
        udata,
        .row.apply = {
            .policy = policy_apply, .module = module, .function = function, .arglist = arglist}};
    return keys_run(&call, AS_BATCH_APPLY);
}

as_status aerospike_batch_remove(aerospike* as, as_error* err, const as_policy_batch* policy,
                                 const as_policy_batch_remove* policy_remove, const as_batch* batch,
                                 as_batch_listener listener, void* udata)
{
    keys_call call = {
        as, err, policy, batch, listener, udata, .row.remove = {.policy = policy_remove}};
    return keys_run(&call, AS_BATCH_REMOVE);
}
