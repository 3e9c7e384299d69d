/*
 * aerospike_preload: records into variables before anything decides by them. Runs in the phases of
 * rewriting, ahead of the rewrite module, so that `if`, `map`, access rules and auth_request find
 * the variables filled. One after the other: a key may be made of what the one before brought.
 */
#include "module.h"

typedef ngx_http_aerospike_preload preload;

static void on_loaded(ngx_http_request_t* r, const as_record* record, void* data)
{
    (void)record;
    const preload* self = data;
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ctx->is_loading = false;
    as_status code = ctx->result.code;
    if (code != AEROSPIKE_OK && code != AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        ngx_int_t status = ngx_http_aerospike_failure(r); /* says so in the log */
        ctx->load_status = self->is_required ? status : 0;
    }
    ngx_http_core_run_phases(r);
}

/* NGX_DONE: under way. NGX_DECLINED: go on without. Else the answer's status. */
static ngx_int_t load(ngx_http_request_t* r, preload* self)
{
    const char* reason = NULL;
    ngx_http_aerospike_record_id id;
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ngx_int_t rc = ngx_http_aerospike_target_evaluate(r, &self->target, &id, &reason);
    if (rc != NGX_OK) {
        /* No key, no record: a request without a session's cookie, say. */
        bool is_clients = rc < NGX_HTTP_INTERNAL_SERVER_ERROR;
        return self->is_required && !is_clients ? rc : NGX_DECLINED;
    }
    ngx_http_aerospike_work work;
    ngx_memzero(&work, sizeof(work));
    work.kind = NGX_HTTP_AEROSPIKE_KIND_GET;
    as_status status = ngx_http_aerospike_call(r, &id, &work, &self->prefix, on_loaded, self);
    as_key_destroy(&id.key);
    if (status == AEROSPIKE_OK) {
        ctx->is_loading = true;
        return NGX_DONE;
    }
    rc = ngx_http_aerospike_failure(r);
    return self->is_required ? rc : NGX_DECLINED;
}

static bool has_begun(const ngx_http_aerospike_ctx* ctx, const preload* self)
{
    preload* const* list = ctx->loaded.elts;
    for (ngx_uint_t i = 0; i < ctx->loaded.nelts; i++) {
        if (list[i] == self) {
            return true;
        }
    }
    return false;
}

static ngx_int_t load_next(ngx_http_request_t* r, ngx_http_aerospike_ctx* ctx, preload* self)
{
    if (!ctx->loaded.elts && ngx_array_init(&ctx->loaded, r->pool, 4, sizeof(self)) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    preload** entry = ngx_array_push(&ctx->loaded);
    if (!entry) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    *entry = self;
    return load(r, self);
}

ngx_int_t ngx_http_aerospike_preload_handler(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    if (!conf->preloads) {
        return NGX_DECLINED;
    }
    ngx_http_aerospike_ctx* ctx = ngx_http_aerospike_ctx_of(r);
    if (!ctx) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ctx->is_loading) {
        return NGX_DONE;
    }
    if (ctx->load_status) {
        ngx_int_t status = ctx->load_status;
        ctx->load_status = 0;
        return status;
    }
    preload* list = conf->preloads->elts;
    for (ngx_uint_t i = 0; i < conf->preloads->nelts; i++) {
        if (!has_begun(ctx, &list[i])) {
            ngx_int_t rc = load_next(r, ctx, &list[i]);
            if (rc != NGX_DECLINED) {
                return rc;
            }
        }
    }
    return NGX_DECLINED;
}

/* ---- configuration ---- */

static char* set_option(ngx_conf_t* cf, preload* self, ngx_str_t* word)
{
    static const ngx_str_t prefix = ngx_string("prefix=");
    if (ngx_http_aerospike_type_parse(word, &self->target.key_type)) {
        return NGX_CONF_OK;
    }
    if (word->len == 8 && ngx_strncmp(word->data, "required", 8) == 0) {
        self->is_required = true;
        return NGX_CONF_OK;
    }
    if (word->len > prefix.len && ngx_strncmp(word->data, prefix.data, prefix.len) == 0) {
        self->prefix.data = word->data + prefix.len;
        self->prefix.len = word->len - prefix.len;
        return ngx_http_aerospike_variables_add_prefix(cf, &self->prefix) == NGX_OK
                   ? NGX_CONF_OK
                   : NGX_CONF_ERROR;
    }
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\": type=, prefix= or required",
                       word);
    return NGX_CONF_ERROR;
}

char* ngx_http_aerospike_set_preload(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (!conf->preloads) {
        conf->preloads = ngx_array_create(cf->pool, 2, sizeof(preload));
    }
    preload* self = conf->preloads ? ngx_array_push(conf->preloads) : NULL;
    if (!self) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(self, sizeof(*self));
    if (ngx_http_aerospike_target_compile(cf, &self->target) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    for (ngx_uint_t i = 5; i < cf->args->nelts; i++) {
        if (set_option(cf, self, &words[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    main_conf->keeps_records = true;
    main_conf->has_preloads = true;
    return ngx_http_aerospike_target_check(cf, &self->target);
}
