/*
 * A command and the request that waits for it.
 *
 *     ngx_http_aerospike_call() -> the library -> on_record / on_write -> done
 *
 * A request can end before its command (the client left). The command can't be taken back: what it
 * is called with is a `call` of its own, which the request's cleanup cuts off from the request. Or
 * the request is redirected meanwhile (post_action), which takes its context away: the result is
 * nobody's then.
 */
#include "module.h"

typedef struct call {
    ngx_http_request_t* request; /* NULL: it ended first */
    ngx_http_aerospike_ctx* ctx; /* that the request had, and has if it still waits */
    ngx_http_cleanup_t* cleanup;
    ngx_http_aerospike_done done;
    void* data;
    const ngx_str_t* keep_prefix; /* of the configuration */
    bool is_kept;
} call;

ngx_http_aerospike_ctx* ngx_http_aerospike_ctx_of(ngx_http_request_t* r)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    if (!ctx) {
        ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
        ngx_http_set_ctx(r, ctx, ngx_http_aerospike_module);
    }
    return ctx;
}

/* ---- policies ---- */

static void set_base(const ngx_http_aerospike_loc_conf* conf, as_policy_base* base, bool is_write)
{
    base->connect_timeout = (uint32_t)conf->connect_timeout;
    base->socket_timeout = (uint32_t)conf->socket_timeout;
    base->total_timeout = (uint32_t)conf->total_timeout;
    base->sleep_between_retries = (uint32_t)conf->retry_delay;
    base->max_retries = conf->retries != NGX_CONF_UNSET_UINT ? (uint32_t)conf->retries
                        : is_write                           ? 0
                                                             : 2;
}

static as_policy_key key_policy(const ngx_http_aerospike_loc_conf* conf)
{
    return conf->send_key ? AS_POLICY_KEY_SEND : AS_POLICY_KEY_DIGEST;
}

static void set_read(const ngx_http_aerospike_loc_conf* conf, bool is_kept, as_policy_read* policy)
{
    as_policy_read_init(policy);
    set_base(conf, &policy->base, false);
    policy->key = key_policy(conf);
    policy->replica = (as_policy_replica)conf->replica;
    policy->async_heap_rec = is_kept;
}

static void set_remove(const ngx_http_aerospike_loc_conf* conf, const ngx_http_aerospike_work* work,
                       as_policy_remove* policy)
{
    as_policy_remove_init(policy);
    set_base(conf, &policy->base, true);
    policy->key = key_policy(conf);
    policy->commit_level = (as_policy_commit_level)conf->commit_level;
    policy->durable_delete = conf->durable_delete != 0;
    policy->gen = work->has_generation ? AS_POLICY_GEN_EQ : AS_POLICY_GEN_IGNORE;
    policy->generation = work->generation;
}

static void set_operate(const ngx_http_aerospike_loc_conf* conf,
                        const ngx_http_aerospike_work* work, bool is_kept,
                        as_policy_operate* policy)
{
    as_policy_operate_init(policy);
    set_base(conf, &policy->base, work->is_write);
    policy->key = key_policy(conf);
    policy->replica =
        work->is_write ? AS_POLICY_REPLICA_SEQUENCE : (as_policy_replica)conf->replica;
    policy->commit_level = (as_policy_commit_level)conf->commit_level;
    policy->durable_delete = conf->durable_delete != 0;
    policy->exists = work->exists;
    policy->gen = work->has_generation ? AS_POLICY_GEN_EQ : AS_POLICY_GEN_IGNORE;
    policy->async_heap_rec = is_kept;
}

/* ---- results ---- */

static size_t value_bytes(const as_val* value)
{
    const as_bin_value* any = (const as_bin_value*)value;
    switch (as_val_type(value)) {
    case AS_STRING:
    case AS_GEOJSON:
        return any->string.value ? strlen(any->string.value) : 0;
    case AS_BYTES:
        return any->bytes.size;
    case AS_NIL:
        return 0;
    case AS_BOOLEAN:
        return 1;
    default:
        return 8;
    }
}

static void result_set_record(ngx_http_aerospike_result* result, const as_record* record)
{
    result->has_meta = true;
    result->generation = record->gen;
    result->ttl = record->ttl;
    for (uint16_t i = 0; i < record->bins.size; i++) {
        result->bytes += value_bytes((const as_val*)record->bins.entries[i].valuep);
    }
}

static void result_set(ngx_http_request_t* r, const as_error* err, const as_record* record)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ngx_http_aerospike_result* result = &ctx->result;
    ngx_memzero(result, sizeof(*result));
    result->is_there = true;
    aerospike_command_info(&result->info);
    if (err) {
        result->code = err->code;
        result->in_doubt = err->in_doubt;
        ngx_str_t text = {ngx_strlen(err->message), (u_char*)(uintptr_t)err->message};
        result->message.data = (u_char*)ngx_http_aerospike_text(r->pool, &text);
        result->message.len = result->message.data ? text.len : 0;
    } else if (record) {
        result_set_record(result, record);
    }
}

static void on_kept_end(void* data)
{
    as_record_destroy(data);
}

/* The record goes with the request. False, and it is destroyed, without memory. */
static bool keep(ngx_http_request_t* r, as_record* record, const ngx_str_t* prefix)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ngx_http_aerospike_kept* kept = ngx_palloc(r->pool, sizeof(*kept));
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, 0);
    if (!kept || !cleanup) {
        as_record_destroy(record);
        return false;
    }
    cleanup->handler = on_kept_end;
    cleanup->data = record;
    kept->record = record;
    kept->older = ctx->kept;
    ngx_str_null(&kept->prefix);
    if (prefix) {
        kept->prefix = *prefix;
    }
    ctx->kept = kept;
    return true;
}

static void finish(call* self, const as_error* err, as_record* record)
{
    ngx_http_request_t* r = self->request;
    call copy = *self;
    if (r) {
        self->cleanup->handler = NULL;
    }
    ngx_free(self);
    bool is_waiting = r && ngx_http_get_module_ctx(r, ngx_http_aerospike_module) == copy.ctx;
    /* While the process exits, requests stay as they are: nginx is about to drop them. */
    if (!is_waiting || ngx_http_aerospike_is_stopping()) {
        if (record && copy.is_kept) {
            as_record_destroy(record);
        }
        return;
    }
    ngx_connection_t* connection = r->connection;
    ngx_http_set_log_request(connection->log, r);
    result_set(r, err, record);
    if (record && copy.is_kept && !keep(r, record, copy.keep_prefix)) {
        record = NULL;
    }
    copy.done(r, record, copy.data);
    ngx_http_run_posted_requests(connection);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    finish(udata, err, record);
}

static void on_write(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    finish(udata, err, NULL);
}

/* ---- starting ---- */

static void on_request_end(void* data)
{
    call* self = data;
    self->request = NULL;
}

static call* call_new(ngx_http_request_t* r)
{
    call* self = ngx_calloc(sizeof(*self), r->connection->log);
    if (!self) {
        return NULL;
    }
    self->request = r;
    self->ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    self->cleanup = ngx_http_cleanup_add(r, 0);
    if (!self->cleanup) {
        ngx_free(self);
        return NULL;
    }
    self->cleanup->handler = on_request_end;
    self->cleanup->data = self;
    return self;
}

static as_status start_operate(const ngx_http_aerospike_loc_conf* conf,
                               ngx_http_aerospike_record_id* id,
                               const ngx_http_aerospike_work* work, bool is_kept,
                               as_async_record_listener listener, void* udata, as_error* err)
{
    as_policy_operate policy;
    set_operate(conf, work, is_kept, &policy);
    as_operations ops = work->ops;
    ops.ttl = work->ttl;
    ops.gen = work->generation;
    return aerospike_key_operate_async(id->client, err, &policy, &id->key, &ops, listener, udata,
                                       NULL, NULL);
}

static as_status start(const ngx_http_aerospike_loc_conf* conf, ngx_http_aerospike_record_id* id,
                       const ngx_http_aerospike_work* work, call* self, as_error* err)
{
    as_policy_read read;
    as_policy_remove remove;
    switch (work->kind) {
    case NGX_HTTP_AEROSPIKE_KIND_GET:
        set_read(conf, self->is_kept, &read);
        return aerospike_key_get_async(id->client, err, &read, &id->key, on_record, self, NULL,
                                       NULL);
    case NGX_HTTP_AEROSPIKE_KIND_SELECT:
        set_read(conf, self->is_kept, &read);
        return aerospike_key_select_async(id->client, err, &read, &id->key, work->bins, on_record,
                                          self, NULL, NULL);
    case NGX_HTTP_AEROSPIKE_KIND_EXISTS:
        set_read(conf, self->is_kept, &read);
        return aerospike_key_exists_async(id->client, err, &read, &id->key, on_record, self, NULL,
                                          NULL);
    case NGX_HTTP_AEROSPIKE_KIND_REMOVE:
        set_remove(conf, work, &remove);
        return aerospike_key_remove_async(id->client, err, &remove, &id->key, on_write, self, NULL,
                                          NULL);
    case NGX_HTTP_AEROSPIKE_KIND_OPERATE:
        break;
    }
    return start_operate(conf, id, work, self->is_kept, on_record, self, err);
}

as_status ngx_http_aerospike_call(ngx_http_request_t* r, ngx_http_aerospike_record_id* id,
                                  const ngx_http_aerospike_work* work, const ngx_str_t* keep_prefix,
                                  ngx_http_aerospike_done done, void* data)
{
    as_error err;
    as_error_set_message(as_error_init(&err), AEROSPIKE_ERR_CLIENT, "Out of memory");
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_get_module_main_conf(r, ngx_http_aerospike_module);
    call* self = call_new(r);
    if (self) {
        self->done = done;
        self->data = data;
        self->keep_prefix = keep_prefix;
        self->is_kept = main_conf->keeps_records;
        as_error_init(&err);
        ngx_http_aerospike_loc_conf* conf =
            ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
        if (start(conf, id, work, self, &err) == AEROSPIKE_OK) {
            return AEROSPIKE_OK;
        }
        self->cleanup->handler = NULL;
        ngx_free(self);
    }
    result_set(r, &err, NULL);
    return err.code;
}

as_status ngx_http_aerospike_post(const ngx_http_aerospike_loc_conf* conf,
                                  ngx_http_aerospike_record_id* id,
                                  const ngx_http_aerospike_work* work,
                                  as_async_record_listener on_end, void* udata, as_error* err)
{
    return start_operate(conf, id, work, false, on_end, udata, as_error_init(err));
}
