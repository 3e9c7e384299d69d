/*
 * An nginx module on top of ngx_http_aerospike_module, as short as it can be, and a test of the C
 * interface: `visits CLUSTER;` answers with how often the path was asked for, counted in the
 * cluster.
 */
#include <ngx_http_aerospike.h>

#include <aerospike/aerospike_key.h>

static ngx_module_t ngx_http_visits_module;

typedef struct visits_conf {
    ngx_str_t cluster;
} visits_conf;

static ngx_int_t send_count(ngx_http_request_t* r, int64_t count)
{
    ngx_buf_t* buffer = ngx_create_temp_buf(r->pool, 32);
    if (!buffer) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    buffer->last = ngx_sprintf(buffer->pos, "visits: %L\n", count);
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = buffer->last - buffer->pos;
    ngx_int_t rc = ngx_http_send_header(r);
    ngx_chain_t out = {buffer, NULL};
    return rc == NGX_ERROR || rc > NGX_OK || r->header_only ? rc : ngx_http_output_filter(r, &out);
}

static void on_end(ngx_http_request_t* r, as_error* err, void* result, void* data)
{
    const ngx_http_aerospike_api_t* api = data;
    if (err) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "visits: %s", err->message);
        ngx_http_finalize_request(r, NGX_HTTP_BAD_GATEWAY);
        return;
    }
    int64_t count = NGX_HTTP_AEROSPIKE(api, as_record_get_int64)(result, "n", -1);
    ngx_http_finalize_request(r, send_count(r, count));
}

static as_status count_visit(const ngx_http_aerospike_api_t* api, aerospike* as, const char* path,
                             void* wait)
{
    as_error err;
    as_key key;
    as_operations ops;
    as_error_init(&err);
    NGX_HTTP_AEROSPIKE(api, as_key_init_str)(&key, "test", "visits", path);
    NGX_HTTP_AEROSPIKE(api, as_operations_init)(&ops, 2);
    NGX_HTTP_AEROSPIKE(api, as_operations_add_incr)(&ops, "n", 1);
    NGX_HTTP_AEROSPIKE(api, as_operations_add_read)(&ops, "n");
    as_status status = NGX_HTTP_AEROSPIKE(api, aerospike_key_operate_async)(
        as, &err, NULL, &key, &ops, api->on_record, wait, NULL, NULL);
    NGX_HTTP_AEROSPIKE(api, as_operations_destroy)(&ops);
    NGX_HTTP_AEROSPIKE(api, as_key_destroy)(&key);
    return status;
}

static ngx_int_t handler(ngx_http_request_t* r)
{
    visits_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_visits_module);
    const ngx_http_aerospike_api_t* api = ngx_http_aerospike_api();
    aerospike* as = api ? api->find(&conf->cluster) : NULL;
    char* path = ngx_pnalloc(r->pool, r->uri.len + 1);
    if (!as || !path || ngx_http_discard_request_body(r) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    *ngx_cpymem(path, r->uri.data, r->uri.len) = '\0';
    void* wait = api->wait(r, on_end, (void*)(uintptr_t)api);
    if (!wait) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (count_visit(api, as, path, wait) != AEROSPIKE_OK) {
        api->forget(wait);
        return NGX_HTTP_BAD_GATEWAY;
    }
    r->main->count++; /* until on_end */
    return NGX_DONE;
}

static void* create_loc_conf(ngx_conf_t* cf)
{
    return ngx_pcalloc(cf->pool, sizeof(visits_conf));
}

static char* set_visits(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = handler;
    return ngx_conf_set_str_slot(cf, command, data);
}

static ngx_command_t commands[] = {
    {
        ngx_string("visits"),
        NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1,
        set_visits,
        NGX_HTTP_LOC_CONF_OFFSET,
        offsetof(visits_conf, cluster),
        NULL,
    },
    ngx_null_command,
};

static ngx_http_module_t context = {NULL, NULL, NULL, NULL, NULL, NULL, create_loc_conf, NULL};

static ngx_module_t ngx_http_visits_module = {
    NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE,       NULL, NULL, NULL, NULL,
    NULL,          NULL,     NULL,     NGX_MODULE_V1_PADDING,
};

extern ngx_module_t* ngx_modules[];
extern char* ngx_module_names[];
extern char* ngx_module_order[];
__attribute__((visibility("default")))
ngx_module_t* ngx_modules[] = {&ngx_http_visits_module, NULL};
__attribute__((visibility("default"))) char* ngx_module_names[] = {"ngx_http_visits_module", NULL};
__attribute__((visibility("default"))) char* ngx_module_order[] = {NULL};
