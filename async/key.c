/*
 * The calls of aerospike_key.h. Each checks its arguments, has the request encoded, and starts a
 * command on the engine of the event loop, or on the private one and runs that until it has ended.
 */
#include "async/client.h"
#include "async/cmd.h"
#include "core/compress.h"
#include "core/mem.h"
#include "core/policy.h"
#include "core/record.h"
#include "core/wire.h"
#include <aerospike/aerospike_key.h>
#include <assert.h>

/* What the calls have in common. */
typedef struct key_call {
    aerospike* as;
    as_error* err;
    const as_key* key;
    tnd_engine* engine;
    as_event_loop* entry;
    as_async_record_listener record_listener; /* one of these */
    as_async_write_listener write_listener;
    as_async_value_listener value_listener;
    as_pipe_listener pipe_listener;
    tnd_lent_listener lent_listener;
    void* udata;
    bool is_heap_record;
} key_call;

/* ---- asynchronous ---- */

static as_status call_check(key_call* call)
{
    bool has_listener = call->record_listener || call->write_listener || call->value_listener ||
                        call->lent_listener;
    if (!call->as || !call->key || !has_listener) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM,
                                    "A client, a key and a listener are needed");
    }
    return AEROSPIKE_OK;
}

static as_status call_open(key_call* call, as_event_loop* event_loop,
                           as_pipe_listener pipe_listener)
{
    as_error_reset(call->err);
    if (call_check(call) != AEROSPIKE_OK) {
        return call->err->code;
    }
    call->pipe_listener = pipe_listener;
    call->engine = tnd_client_engine(call->as, event_loop, &call->entry, call->err);
    return call->engine ? AEROSPIKE_OK : call->err->code;
}

/* The command with its listener; NULL with the error set. */
static tnd_cmd* call_new_cmd(const key_call* call)
{
    tnd_cmd* cmd = tnd_cmd_new(call->engine, call->entry);
    if (!cmd) {
        as_error_set_message(call->err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        return NULL;
    }
    if (call->record_listener) {
        cmd->listener.record = call->record_listener;
    } else if (call->value_listener) {
        cmd->listener.value = call->value_listener;
        cmd->result = TND_CMD_VALUE;
    } else if (call->lent_listener) {
        cmd->listener.lent = call->lent_listener;
    } else {
        cmd->listener.write = call->write_listener;
        cmd->result = TND_CMD_STATUS;
    }
    cmd->udata = call->udata;
    cmd->pipe = call->pipe_listener;
    cmd->is_piped = call->pipe_listener != NULL;
    return cmd;
}

static uint32_t server_timeout(const as_policy_base* base)
{
    return tnd_cmd_server_timeout(base->socket_timeout, base->total_timeout);
}

/* What `compress` means for a request that may be compressed. */
static uint32_t compress_above(const as_policy_base* base)
{
    return base->compress ? TND_COMPRESS_ABOVE_BYTES : 0;
}

/* ---- reads ---- */

typedef enum key_read {
    KEY_READ_ALL,
    KEY_READ_NAMES,
    KEY_READ_HEADER,
} key_read;

typedef struct key_names {
    const char* const* names;
    uint32_t count;
} key_names;

static as_status read_encode(tnd_buf* buf, const key_call* call, key_read kind,
                             const key_names* names, const as_policy_read* policy)
{
    uint32_t timeout_ms = server_timeout(&policy->base);
    switch (kind) {
    case KEY_READ_ALL:
        return tnd_wire_get(buf, call->err, call->key, policy, timeout_ms);
    case KEY_READ_NAMES:
        return tnd_wire_select(buf, call->err, call->key, names->names, names->count, policy,
                               timeout_ms);
    case KEY_READ_HEADER:
        return tnd_wire_exists(buf, call->err, call->key, policy, timeout_ms);
    }
    return AEROSPIKE_ERR_CLIENT;
}

static as_status call_read(const key_call* call, const as_policy_read* policy, key_read kind,
                           const key_names* names)
{
    if (!policy) {
        policy = &call->as->config.policies.read;
    }
    if (tnd_policy_check_read(policy, call->err) != AEROSPIKE_OK) {
        return call->err->code;
    }
    tnd_cmd* cmd = call_new_cmd(call);
    if (!cmd) {
        return call->err->code;
    }
    cmd->result = call->lent_listener       ? TND_CMD_LENT
                  : kind == KEY_READ_HEADER ? TND_CMD_HEADER
                                            : TND_CMD_RECORD;
    cmd->is_heap_record = call->is_heap_record || policy->async_heap_rec;
    cmd->keeps_packed = !policy->deserialize;
    cmd->may_inflate = policy->base.compress && kind != KEY_READ_HEADER;
    cmd->read_mode_sc = policy->read_mode_sc;
    tnd_replica_init_read(&cmd->replica, policy->replica, policy->read_mode_sc);
    if (read_encode(&cmd->buf, call, kind, names, policy) != AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return call->err->code;
    }
    return tnd_cmd_start(cmd, call->key, &policy->base, call->err);
}

/* Names up to NULL or "". */
static uint32_t count_names(const char** bins)
{
    uint32_t count = 0;
    while (count < TND_WIRE_OPS_MAX && bins[count] && bins[count][0] != '\0') {
        count++;
    }
    return count;
}

as_status aerospike_key_get_async(aerospike* as, as_error* err, const as_policy_read* policy,
                                  const as_key* key, as_async_record_listener listener, void* udata,
                                  as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .record_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_read(&call, policy, KEY_READ_ALL, NULL) : status;
}

as_status aerospike_key_get_lent_async(aerospike* as, as_error* err, const as_policy_read* policy,
                                       const as_key* key, tnd_lent_listener listener, void* udata,
                                       as_event_loop* event_loop)
{
    key_call call = {.as = as, .err = err, .key = key, .lent_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, NULL);
    return status == AEROSPIKE_OK ? call_read(&call, policy, KEY_READ_ALL, NULL) : status;
}

as_status aerospike_key_select_bins_async(aerospike* as, as_error* err,
                                          const as_policy_read* policy, const as_key* key,
                                          const char** bins, uint32_t n_bins,
                                          as_async_record_listener listener, void* udata,
                                          as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .record_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    if (status != AEROSPIKE_OK) {
        return status;
    }
    if (!bins || n_bins == 0) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "No bin names given");
    }
    key_names names = {.names = bins, .count = n_bins};
    return call_read(&call, policy, KEY_READ_NAMES, &names);
}

as_status aerospike_key_select_async(aerospike* as, as_error* err, const as_policy_read* policy,
                                     const as_key* key, const char** bins,
                                     as_async_record_listener listener, void* udata,
                                     as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    return aerospike_key_select_bins_async(as, err, policy, key, bins, bins ? count_names(bins) : 0,
                                           listener, udata, event_loop, pipe_listener);
}

as_status aerospike_key_exists_async(aerospike* as, as_error* err, const as_policy_read* policy,
                                     const as_key* key, as_async_record_listener listener,
                                     void* udata, as_event_loop* event_loop,
                                     as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .record_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_read(&call, policy, KEY_READ_HEADER, NULL) : status;
}

/* ---- writes ---- */

static as_status call_put(const key_call* call, const as_policy_write* policy, const as_record* rec)
{
    if (!rec) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM, "No record given");
    }
    if (!policy) {
        policy = &call->as->config.policies.write;
    }
    if (tnd_policy_check_write(policy, call->err) != AEROSPIKE_OK) {
        return call->err->code;
    }
    tnd_cmd* cmd = call_new_cmd(call);
    if (!cmd) {
        return call->err->code;
    }
    cmd->kind = TND_COMMAND_WRITE;
    cmd->compress_above = policy->compression_threshold > 0 ? policy->compression_threshold
                                                            : compress_above(&policy->base);
    tnd_replica_init_write(&cmd->replica, policy->replica);
    if (tnd_wire_put(&cmd->buf, call->err, call->key, rec, policy, server_timeout(&policy->base)) !=
        AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return call->err->code;
    }
    return tnd_cmd_start(cmd, call->key, &policy->base, call->err);
}

static as_status call_remove(const key_call* call, const as_policy_remove* policy)
{
    if (!policy) {
        policy = &call->as->config.policies.remove;
    }
    if (tnd_policy_check_remove(policy, call->err) != AEROSPIKE_OK) {
        return call->err->code;
    }
    tnd_cmd* cmd = call_new_cmd(call);
    if (!cmd) {
        return call->err->code;
    }
    cmd->kind = TND_COMMAND_REMOVE;
    tnd_replica_init_write(&cmd->replica, policy->replica);
    if (tnd_wire_remove(&cmd->buf, call->err, call->key, policy, server_timeout(&policy->base)) !=
        AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return call->err->code;
    }
    return tnd_cmd_start(cmd, call->key, &policy->base, call->err);
}

as_status aerospike_key_put_async(aerospike* as, as_error* err, const as_policy_write* policy,
                                  const as_key* key, as_record* rec,
                                  as_async_write_listener listener, void* udata,
                                  as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .write_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_put(&call, policy, rec) : status;
}

as_status aerospike_key_remove_async(aerospike* as, as_error* err, const as_policy_remove* policy,
                                     const as_key* key, as_async_write_listener listener,
                                     void* udata, as_event_loop* event_loop,
                                     as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .write_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_remove(&call, policy) : status;
}

/* ---- operate ---- */

/* Without a policy, operations that only read are repeated as reads are (records.md 7.1). */
static const as_policy_operate* operate_policy(const key_call* call, const tnd_wire_ops* ops,
                                               as_policy_operate* storage)
{
    const as_policies* policies = &call->as->config.policies;
    if (tnd_wire_ops_write(ops) || policies->operate.base.max_retries > 0) {
        return &policies->operate;
    }
    *storage = policies->operate;
    storage->base.max_retries = policies->read.base.max_retries;
    return storage;
}

static as_status call_operate(const key_call* call, const as_policy_operate* policy,
                              const as_operations* operations)
{
    as_policy_operate storage;
    tnd_wire_ops ops = tnd_wire_ops_of(operations);
    if (!policy) {
        policy = operate_policy(call, &ops, &storage);
    }
    if (tnd_policy_check_operate(policy, call->err) != AEROSPIKE_OK) {
        return call->err->code;
    }
    tnd_cmd* cmd = call_new_cmd(call);
    if (!cmd) {
        return call->err->code;
    }
    cmd->kind = TND_COMMAND_OPERATE;
    cmd->result = TND_CMD_RECORD;
    cmd->is_heap_record = call->is_heap_record || policy->async_heap_rec;
    cmd->keeps_packed = !policy->deserialize;
    cmd->may_inflate = policy->base.compress;
    cmd->compress_above = compress_above(&policy->base);
    if (tnd_wire_ops_write(&ops)) {
        tnd_replica_init_write(&cmd->replica, policy->replica);
    } else {
        cmd->read_mode_sc = policy->read_mode_sc;
        tnd_replica_init_read(&cmd->replica, policy->replica, policy->read_mode_sc);
    }
    if (tnd_wire_operate(&cmd->buf, call->err, call->key, &ops, policy,
                         server_timeout(&policy->base)) != AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return call->err->code;
    }
    return tnd_cmd_start(cmd, call->key, &policy->base, call->err);
}

as_status aerospike_key_operate_async(aerospike* as, as_error* err, const as_policy_operate* policy,
                                      const as_key* key, const as_operations* ops,
                                      as_async_record_listener listener, void* udata,
                                      as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .record_listener = listener, .udata = udata};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_operate(&call, policy, ops) : status;
}

/* ---- UDFs ---- */

static as_status call_apply(const key_call* call, const as_policy_apply* policy,
                            const tnd_wire_udf* udf)
{
    if (!policy) {
        policy = &call->as->config.policies.apply;
    }
    if (tnd_policy_check_apply(policy, call->err) != AEROSPIKE_OK) {
        return call->err->code;
    }
    tnd_cmd* cmd = call_new_cmd(call);
    if (!cmd) {
        return call->err->code;
    }
    cmd->kind = TND_COMMAND_UDF;
    tnd_replica_init_write(&cmd->replica, policy->replica);
    if (tnd_wire_apply(&cmd->buf, call->err, call->key, udf, policy,
                       server_timeout(&policy->base)) != AEROSPIKE_OK) {
        tnd_cmd_discard(cmd);
        return call->err->code;
    }
    return tnd_cmd_start(cmd, call->key, &policy->base, call->err);
}

as_status aerospike_key_apply_async(aerospike* as, as_error* err, const as_policy_apply* policy,
                                    const as_key* key, const char* module, const char* function,
                                    as_list* arglist, as_async_value_listener listener, void* udata,
                                    as_event_loop* event_loop, as_pipe_listener pipe_listener)
{
    key_call call = {.as = as, .err = err, .key = key, .value_listener = listener, .udata = udata};
    tnd_wire_udf udf = {.module = module, .function = function, .arglist = arglist};
    as_status status = call_open(&call, event_loop, pipe_listener);
    return status == AEROSPIKE_OK ? call_apply(&call, policy, &udf) : status;
}

/* ---- synchronous ---- */

typedef struct key_wait {
    bool is_done;
    as_error* err;     /* of the call */
    as_record* record; /* ours to give away */
    as_val* val;       /* likewise */
} key_wait;

/* Connection errors have a number of their own in synchronous calls. */
static void wait_take_error(key_wait* wait, const as_error* err)
{
    wait->is_done = true;
    if (err) {
        as_error_copy(wait->err, err);
        if (err->code == AEROSPIKE_ERR_ASYNC_CONNECTION) {
            wait->err->code = AEROSPIKE_ERR_CONNECTION;
        }
    }
}

static void on_wait_write(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    wait_take_error(udata, err);
}

static void on_wait_record(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    key_wait* wait = udata;
    wait_take_error(wait, err);
    wait->record = record;
}

static void on_wait_value(as_error* err, as_val* val, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    key_wait* wait = udata;
    wait_take_error(wait, err);
    wait->val = as_val_reserve(val);
}

static as_status call_open_sync(key_call* call, key_wait* wait)
{
    *wait = (key_wait){.err = as_error_init(call->err)};
    call->udata = wait;
    if (call_check(call) != AEROSPIKE_OK) {
        return call->err->code;
    }
    call->engine = tnd_client_sync_engine(call->as, call->err);
    if (!call->engine) {
        return call->err->code;
    }
    call->entry = &call->engine->events->entries[0];
    return AEROSPIKE_OK;
}

static as_status call_wait(const key_call* call, as_status status, const key_wait* wait)
{
    if (status == AEROSPIKE_OK) {
        tnd_client_sync_run(call->as, &wait->is_done);
    }
    return call->err->code;
}

/* The bins move into the program's record: into its own room if they fit, else with theirs. */
static void record_fill(as_record* trg, as_record* src)
{
    tnd_record_clear(trg);
    trg->gen = src->gen;
    trg->ttl = src->ttl;
    as_bins* from = &src->bins;
    as_bins* to = &trg->bins;
    if (from->size > to->capacity) {
        if (to->_free) {
            tnd_free(to->entries);
        }
        *to = *from;
        memset(from, 0, sizeof(*from));
        return;
    }
    for (uint16_t i = 0; i < from->size; i++) {
        as_bin* bin = &to->entries[i];
        *bin = from->entries[i];
        if (from->entries[i].valuep == &from->entries[i].value) {
            bin->valuep = &bin->value;
        }
    }
    to->size = from->size;
    from->size = 0;
}

static void wait_give_record(key_wait* wait, as_record** rec)
{
    if (!wait->record) {
        return;
    }
    if (!rec) {
        as_record_destroy(wait->record);
    } else if (!*rec) {
        *rec = wait->record;
    } else {
        record_fill(*rec, wait->record);
        as_record_destroy(wait->record);
    }
}

static as_status sync_read(aerospike* as, as_error* err, const as_policy_read* policy,
                           const as_key* key, key_read kind, const key_names* names,
                           as_record** rec)
{
    key_wait wait;
    key_call call = {.as = as,
                     .err = err,
                     .key = key,
                     .record_listener = on_wait_record,
                     .is_heap_record = true};
    as_status status = call_open_sync(&call, &wait);
    if (status == AEROSPIKE_OK) {
        status = call_wait(&call, call_read(&call, policy, kind, names), &wait);
        wait_give_record(&wait, rec);
    }
    return status;
}

as_status aerospike_key_get(aerospike* as, as_error* err, const as_policy_read* policy,
                            const as_key* key, as_record** rec)
{
    return sync_read(as, err, policy, key, KEY_READ_ALL, NULL, rec);
}

as_status aerospike_key_select_bins(aerospike* as, as_error* err, const as_policy_read* policy,
                                    const as_key* key, const char** bins, uint32_t n_bins,
                                    as_record** rec)
{
    if (!bins || n_bins == 0) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "No bin names given");
    }
    key_names names = {.names = bins, .count = n_bins};
    return sync_read(as, err, policy, key, KEY_READ_NAMES, &names, rec);
}

as_status aerospike_key_select(aerospike* as, as_error* err, const as_policy_read* policy,
                               const as_key* key, const char** bins, as_record** rec)
{
    return aerospike_key_select_bins(as, err, policy, key, bins, bins ? count_names(bins) : 0, rec);
}

as_status aerospike_key_exists(aerospike* as, as_error* err, const as_policy_read* policy,
                               const as_key* key, as_record** rec)
{
    return sync_read(as, err, policy, key, KEY_READ_HEADER, NULL, rec);
}

as_status aerospike_key_put(aerospike* as, as_error* err, const as_policy_write* policy,
                            const as_key* key, as_record* rec)
{
    key_wait wait;
    key_call call = {.as = as, .err = err, .key = key, .write_listener = on_wait_write};
    as_status status = call_open_sync(&call, &wait);
    return status == AEROSPIKE_OK ? call_wait(&call, call_put(&call, policy, rec), &wait) : status;
}

as_status aerospike_key_remove(aerospike* as, as_error* err, const as_policy_remove* policy,
                               const as_key* key)
{
    key_wait wait;
    key_call call = {.as = as, .err = err, .key = key, .write_listener = on_wait_write};
    as_status status = call_open_sync(&call, &wait);
    return status == AEROSPIKE_OK ? call_wait(&call, call_remove(&call, policy), &wait) : status;
}

as_status aerospike_key_operate(aerospike* as, as_error* err, const as_policy_operate* policy,
                                const as_key* key, const as_operations* ops, as_record** rec)
{
    key_wait wait;
    key_call call = {.as = as,
                     .err = err,
                     .key = key,
                     .record_listener = on_wait_record,
                     .is_heap_record = true};
    as_status status = call_open_sync(&call, &wait);
    if (status == AEROSPIKE_OK) {
        status = call_wait(&call, call_operate(&call, policy, ops), &wait);
        wait_give_record(&wait, rec);
    }
    return status;
}

as_status aerospike_key_apply(aerospike* as, as_error* err, const as_policy_apply* policy,
                              const as_key* key, const char* module, const char* function,
                              as_list* arglist, as_val** result)
{
    key_wait wait;
    key_call call = {.as = as, .err = err, .key = key, .value_listener = on_wait_value};
    tnd_wire_udf udf = {.module = module, .function = function, .arglist = arglist};
    as_status status = call_open_sync(&call, &wait);
    if (status == AEROSPIKE_OK) {
        status = call_wait(&call, call_apply(&call, policy, &udf), &wait);
        if (result) {
            *result = wait.val;
        } else {
            as_val_destroy(wait.val);
        }
    }
    return status;
}
