/*
 * aerospike_limit: so many requests per period and key, counted in a record that all hosts share.
 * Each period has a record of its own, which expires after the next one: KEY:NUMBER, of the period
 * since the epoch.
 */
#include "module.h"

typedef ngx_http_aerospike_limit limit;

/* ---- request ---- */

static ngx_int_t add_number(ngx_http_request_t* r, const char* name, int64_t number)
{
    u_char* text = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (!text) {
        return NGX_ERROR;
    }
    ngx_str_t value = {(size_t)(ngx_sprintf(text, "%L", number) - text), text};
    return ngx_http_aerospike_add_header(r, name, &value);
}

static int64_t seconds_left(const limit* self)
{
    return (int64_t)self->period_sec - (int64_t)(ngx_time() % (time_t)self->period_sec);
}

static ngx_int_t judge(ngx_http_request_t* r, const limit* self, int64_t count)
{
    int64_t left = self->rate - count;
    if (!self->is_dry_run && (add_number(r, "RateLimit-Limit", self->rate) != NGX_OK ||
                              add_number(r, "RateLimit-Remaining", left > 0 ? left : 0) != NGX_OK ||
                              add_number(r, "RateLimit-Reset", seconds_left(self)) != NGX_OK)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (left >= 0) {
        return 0;
    }
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "aerospike: limit of %L per %ui s exceeded%s", self->rate, self->period_sec,
                  self->is_dry_run ? ", dry run" : "");
    if (self->is_dry_run) {
        return 0;
    }
    return add_number(r, "Retry-After", seconds_left(self)) == NGX_OK
               ? (ngx_int_t)self->status
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

/* What a failure means: the operator's choice. */
static ngx_int_t status_on_error(ngx_http_request_t* r, const limit* self)
{
    ngx_int_t status = ngx_http_aerospike_failure(r);
    if (status == NGX_HTTP_NOT_FOUND) {
        status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return self->is_closed_on_error && !self->is_dry_run ? status : 0;
}

static void on_counted(ngx_http_request_t* r, const as_record* record, void* data)
{
    const limit* self = data;
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ctx->is_limiting = false;
    int64_t count = record ? as_record_get_int64(record, self->bin, -1) : -1;
    if (count >= 0) {
        ctx->limit_status = judge(r, self, count);
    } else if (record) {
        ctx->limit_status = 0;
    } else {
        ctx->limit_status = status_on_error(r, self);
    }
    ngx_http_core_run_phases(r);
}

/* The key with the period's number behind it. */
static ngx_int_t make_period_key(ngx_http_request_t* r, const limit* self, as_key* key)
{
    if (!key->valuep || as_val_type(key->valuep) != AS_STRING) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const char* text = key->valuep->string.value;
    size_t size = strlen(text) + NGX_INT64_LEN + 2;
    char* longer = ngx_pnalloc(r->pool, size);
    if (!longer) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    *ngx_sprintf((u_char*)longer, "%s:%T", text, ngx_time() / (time_t)self->period_sec) = '\0';
    as_namespace ns;
    as_set set;
    ngx_memcpy(ns, key->ns, sizeof(ns));
    ngx_memcpy(set, key->set, sizeof(set));
    as_key_destroy(key);
    as_key_init_str(key, ns, set, longer);
    return NGX_OK;
}

static ngx_int_t count_one(ngx_http_request_t* r, limit* self, ngx_http_aerospike_record_id* id)
{
    ngx_http_aerospike_work work;
    ngx_memzero(&work, sizeof(work));
    if (!as_operations_init(&work.ops, 2)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    work.kind = NGX_HTTP_AEROSPIKE_KIND_OPERATE;
    work.is_write = true;
    work.ttl = (uint32_t)self->period_sec * 2;
    as_operations_add_incr(&work.ops, self->bin, 1);
    as_operations_add_read(&work.ops, self->bin);
    as_status status = ngx_http_aerospike_call(r, id, &work, NULL, on_counted, self);
    ngx_http_aerospike_work_done(&work);
    return status == AEROSPIKE_OK ? NGX_DONE : status_on_error(r, self);
}

/* NGX_DONE: under way. 0: go on. Else the answer's status. */
static ngx_int_t check(ngx_http_request_t* r, limit* self)
{
    const char* reason = NULL;
    ngx_http_aerospike_record_id id;
    ngx_int_t rc = ngx_http_aerospike_target_evaluate(r, &self->target, &id, &reason);
    if (rc != NGX_OK) {
        bool is_clients = rc < NGX_HTTP_INTERNAL_SERVER_ERROR; /* an empty key isn't limited */
        return self->is_closed_on_error && !is_clients ? rc : 0;
    }
    rc = make_period_key(r, self, &id.key);
    if (rc == NGX_OK) {
        rc = count_one(r, self, &id);
    }
    as_key_destroy(&id.key);
    return rc;
}

/* Nothing to be cleaned: it marks the list of the limits of a request, done or under way, which
 * outlives the contexts that an internal redirect clears. What was counted once is counted. */
static void on_list_end(void* data)
{
    (void)data;
}

static ngx_array_t* find_list(const ngx_http_request_t* r)
{
    for (ngx_pool_cleanup_t* cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next) {
        if (cleanup->handler == on_list_end) {
            return cleanup->data;
        }
    }
    return NULL;
}

static ngx_array_t* make_list(ngx_http_request_t* r)
{
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(ngx_array_t));
    if (!cleanup || ngx_array_init(cleanup->data, r->pool, 2, sizeof(limit*)) != NGX_OK) {
        return NULL;
    }
    cleanup->handler = on_list_end;
    return cleanup->data;
}

static bool has_begun(const ngx_array_t* begun, const limit* self)
{
    limit* const* list = begun ? begun->elts : NULL;
    for (ngx_uint_t i = 0; list && i < begun->nelts; i++) {
        if (list[i] == self) {
            return true;
        }
    }
    return false;
}

static ngx_int_t check_next(ngx_http_request_t* r, ngx_http_aerospike_ctx* ctx, limit* self)
{
    ngx_array_t* begun = find_list(r);
    if (!begun) {
        begun = make_list(r);
    }
    limit** entry = begun ? ngx_array_push(begun) : NULL;
    if (!entry) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    *entry = self;
    ngx_int_t rc = check(r, self);
    if (rc == NGX_DONE) {
        ctx->is_limiting = true;
    }
    return rc;
}

ngx_int_t ngx_http_aerospike_limit_handler(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    if (!conf->limits || r != r->main) {
        return NGX_DECLINED;
    }
    ngx_http_aerospike_ctx* ctx = ngx_http_aerospike_ctx_of(r);
    if (!ctx) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ctx->is_limiting) {
        return NGX_DONE;
    }
    if (ctx->limit_status) {
        ngx_int_t status = ctx->limit_status;
        ctx->limit_status = 0;
        return status;
    }
    limit* list = conf->limits->elts;
    for (ngx_uint_t i = 0; i < conf->limits->nelts; i++) {
        if (!has_begun(find_list(r), &list[i])) {
            ngx_int_t rc = check_next(r, ctx, &list[i]);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return NGX_DECLINED;
}

/* ---- configuration ---- */

static bool starts_with(const ngx_str_t* word, const char* name, ngx_str_t* ret_rest)
{
    size_t size = ngx_strlen(name);
    if (word->len <= size || ngx_strncmp(word->data, name, size) != 0) {
        return false;
    }
    ret_rest->data = word->data + size;
    ret_rest->len = word->len - size;
    return true;
}

static bool set_option(limit* self, ngx_str_t* word)
{
    ngx_str_t rest;
    ngx_int_t number;
    if (starts_with(word, "rate=", &rest)) {
        return ngx_http_aerospike_integer_parse(&rest, &self->rate) && self->rate >= 0;
    }
    if (starts_with(word, "per=", &rest)) {
        number = ngx_parse_time(&rest, 1);
        self->period_sec = number > 0 ? (ngx_uint_t)number : 0;
        return number > 0 && number <= 10 * 365 * 86400;
    }
    if (starts_with(word, "status=", &rest)) {
        number = ngx_atoi(rest.data, rest.len);
        self->status = (ngx_uint_t)number;
        return number >= 400 && number <= 599;
    }
    if (starts_with(word, "bin=", &rest)) {
        if (rest.len > AS_BIN_NAME_MAX_LEN) {
            return false;
        }
        ngx_memcpy(self->bin, rest.data, rest.len);
        self->bin[rest.len] = '\0';
        return true;
    }
    if (starts_with(word, "on_error=", &rest)) {
        self->is_closed_on_error = rest.len == 6 && ngx_strncmp(rest.data, "closed", 6) == 0;
        return self->is_closed_on_error ||
               (rest.len == 4 && ngx_strncmp(rest.data, "open", 4) == 0);
    }
    if (word->len == 7 && ngx_strncmp(word->data, "dry_run", 7) == 0) {
        self->is_dry_run = true;
        return true;
    }
    return false;
}

char* ngx_http_aerospike_set_limit(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (!conf->limits) {
        conf->limits = ngx_array_create(cf->pool, 2, sizeof(limit));
    }
    limit* self = conf->limits ? ngx_array_push(conf->limits) : NULL;
    if (!self) {
        return NGX_CONF_ERROR;
    }
    ngx_memzero(self, sizeof(*self));
    self->rate = -1;
    self->period_sec = 60;
    self->status = NGX_HTTP_TOO_MANY_REQUESTS;
    ngx_memcpy(self->bin, "count", sizeof("count"));
    if (ngx_http_aerospike_target_compile(cf, &self->target) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    for (ngx_uint_t i = 5; i < cf->args->nelts; i++) {
        if (!set_option(self, &words[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": rate=NUMBER, per=TIME, bin=NAME, "
                               "status=CODE, on_error=open|closed or dry_run",
                               &words[i]);
            return NGX_CONF_ERROR;
        }
    }
    if (self->rate < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "aerospike_limit needs rate=NUMBER");
        return NGX_CONF_ERROR;
    }
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    main_conf->has_limits = true;
    return ngx_http_aerospike_target_check(cf, &self->target);
}
