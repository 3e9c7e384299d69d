/*
 * The table that <ngx_http_aerospike.h> hands to other modules.
 */
#include "api.h"
#include "module.h"

typedef struct waiting {
    ngx_http_request_t* request; /* NULL: it ended first */
    ngx_http_cleanup_t* cleanup;
    ngx_http_aerospike_end_pt on_end;
    void* data;
} waiting;

static aerospike* api_find(const ngx_str_t* name)
{
    ngx_http_aerospike_main_conf* conf =
        ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_aerospike_module);
    ngx_http_aerospike_cluster* cluster = conf ? ngx_http_aerospike_cluster_find(conf, name) : NULL;
    return cluster ? ngx_http_aerospike_client_of(cluster) : NULL;
}

static void on_request_end(void* data)
{
    waiting* self = data;
    self->request = NULL;
}

static void* api_wait(ngx_http_request_t* r, ngx_http_aerospike_end_pt on_end, void* data)
{
    waiting* self = ngx_calloc(sizeof(*self), r->connection->log);
    if (!self) {
        return NULL;
    }
    self->request = r;
    self->on_end = on_end;
    self->data = data;
    self->cleanup = ngx_http_cleanup_add(r, 0);
    if (!self->cleanup) {
        ngx_free(self);
        return NULL;
    }
    self->cleanup->handler = on_request_end;
    self->cleanup->data = self;
    return self;
}

static void api_forget(void* wait)
{
    waiting* self = wait;
    if (self->request) {
        self->cleanup->handler = NULL;
    }
    ngx_free(self);
}

static void end(waiting* self, as_error* err, void* result)
{
    waiting copy = *self;
    ngx_http_request_t* r = self->request;
    api_forget(self);
    if (!r || ngx_http_aerospike_is_stopping()) {
        return;
    }
    ngx_connection_t* connection = r->connection;
    ngx_http_set_log_request(connection->log, r);
    copy.on_end(r, err, result, copy.data);
    ngx_http_run_posted_requests(connection);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    end(udata, err, record);
}

static void on_write(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    end(udata, err, NULL);
}

static void on_value(as_error* err, as_val* value, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    end(udata, err, value);
}

static int compare_names(const void* name, const void* symbol)
{
    return strcmp(name, ((const ngx_http_aerospike_symbol*)symbol)->name);
}

static void* api_symbol(const char* name)
{
    const ngx_http_aerospike_symbol* found =
        bsearch(name, ngx_http_aerospike_symbols, ngx_http_aerospike_symbols_count, sizeof(*found),
                compare_names);
    return found ? found->address : NULL;
}

const ngx_http_aerospike_api_t ngx_http_aerospike_api_table = {
    .version = NGX_HTTP_AEROSPIKE_API_VERSION,
    .find = api_find,
    .wait = api_wait,
    .forget = api_forget,
    .on_record = on_record,
    .on_write = on_write,
    .on_value = on_value,
    .symbol = api_symbol,
};
