/*
 * One record per request, read without blocking.
 *
 *     handler -> aerospike_key_get_async() -> on_record -> response
 *        |                                       |
 *        +-> refused at once: error page         +-> the request is gone: nothing
 *
 * A request can end before its command (the client left). The command can't be taken back: what it
 * is called with is a `call` of its own, which the request's cleanup cuts off from the request.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "client.h"
#include "output.h"

#include <aerospike/aerospike_key.h>

typedef struct main_conf {
    ngx_http_aerospike_settings settings;
    ngx_flag_t is_used; /* by some location */
} main_conf;

typedef struct location_conf {
    ngx_http_complex_value_t namespace;
    ngx_http_complex_value_t set;
    ngx_http_complex_value_t key;
} location_conf;

/* A command under way, and the request that waits for it. */
typedef struct call {
    ngx_http_request_t* request; /* NULL: it ended first */
    ngx_http_cleanup_t* cleanup;
} call;

static char* set_hosts(ngx_conf_t* cf, ngx_command_t* command, void* conf);
static char* set_shm_key(ngx_conf_t* cf, ngx_command_t* command, void* conf);
static char* set_get(ngx_conf_t* cf, ngx_command_t* command, void* conf);
static void* create_main_conf(ngx_conf_t* cf);
static char* init_main_conf(ngx_conf_t* cf, void* conf);
static void* create_location_conf(ngx_conf_t* cf);
static char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child);
static ngx_int_t init_process(ngx_cycle_t* cycle);
static void exit_process(ngx_cycle_t* cycle);

static ngx_command_t commands[] = {
    {
        ngx_string("aerospike_hosts"),
        NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE,
        set_hosts,
        NGX_HTTP_MAIN_CONF_OFFSET,
        0,
        NULL,
    },
    {
        ngx_string("aerospike_shm_key"),
        NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
        set_shm_key,
        NGX_HTTP_MAIN_CONF_OFFSET,
        0,
        NULL,
    },
    {
        ngx_string("aerospike_get"),
        NGX_HTTP_LOC_CONF | NGX_HTTP_LIF_CONF | NGX_CONF_TAKE3,
        set_get,
        NGX_HTTP_LOC_CONF_OFFSET,
        0,
        NULL,
    },
    ngx_null_command,
};

static ngx_http_module_t module_context = {
    NULL, /* preconfiguration */
    NULL, /* postconfiguration */
    create_main_conf,
    init_main_conf,
    NULL, /* create server configuration */
    NULL, /* merge server configuration */
    create_location_conf,
    merge_location_conf,
};

extern ngx_module_t ngx_http_aerospike_module;
ngx_module_t ngx_http_aerospike_module = {
    NGX_MODULE_V1,
    &module_context,
    commands,
    NGX_HTTP_MODULE,
    NULL, /* init master */
    NULL, /* init module: also run by nginx -t, so nothing happens there */
    init_process,
    NULL, /* init thread */
    NULL, /* exit thread */
    exit_process,
    NULL, /* exit master */
    NGX_MODULE_V1_PADDING,
};

/* ---- statuses ---- */

static ngx_int_t http_status_of(as_status status)
{
    switch (status) {
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
    case AEROSPIKE_FILTERED_OUT:
        return NGX_HTTP_NOT_FOUND;
    case AEROSPIKE_ERR_RECORD_GENERATION:
        return NGX_HTTP_PRECONDITION_FAILED;
    case AEROSPIKE_ERR_RECORD_EXISTS:
        return NGX_HTTP_CONFLICT;
    case AEROSPIKE_ERR_PARAM:
    case AEROSPIKE_ERR_REQUEST_INVALID:
        return NGX_HTTP_BAD_REQUEST;
    case AEROSPIKE_ERR_RECORD_TOO_BIG:
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    case AEROSPIKE_ERR_FAIL_FORBIDDEN:
    case AEROSPIKE_ERR_ALWAYS_FORBIDDEN:
    case AEROSPIKE_ROLE_VIOLATION:
        return NGX_HTTP_FORBIDDEN;
    case AEROSPIKE_ERR_RECORD_BUSY:
    case AEROSPIKE_ERR_DEVICE_OVERLOAD:
    case AEROSPIKE_MAX_ERROR_RATE:
    case AEROSPIKE_ERR_ASYNC_QUEUE_FULL:
    case AEROSPIKE_ERR_NO_MORE_CONNECTIONS:
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    case AEROSPIKE_ERR_INVALID_NODE:
    case AEROSPIKE_ERR_INVALID_HOST:
    case AEROSPIKE_ERR_ASYNC_CONNECTION:
    case AEROSPIKE_ERR_CONNECTION:
    case AEROSPIKE_ERR_TLS_ERROR:
    case AEROSPIKE_ERR_CLUSTER:
        return NGX_HTTP_BAD_GATEWAY;
    case AEROSPIKE_ERR_TIMEOUT:
        return NGX_HTTP_GATEWAY_TIME_OUT;
    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}

static ngx_int_t add_retry_after(ngx_http_request_t* r)
{
    ngx_table_elt_t* header = ngx_list_push(&r->headers_out.headers);
    if (!header) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(*header));
    header->hash = 1;
    ngx_str_set(&header->key, "Retry-After");
    ngx_str_set(&header->value, "1");
    return NGX_OK;
}

/* The status for the client, the reason for the error log. */
static ngx_int_t answer_error(ngx_http_request_t* r, const as_error* err)
{
    ngx_int_t status = http_status_of(err->code);
    if (status == NGX_HTTP_NOT_FOUND) {
        return status;
    }
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "aerospike: %s (status %d)", err->message,
                  (int)err->code);
    if (status == NGX_HTTP_SERVICE_UNAVAILABLE && add_retry_after(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

/* ---- response ---- */

static ngx_int_t answer_record(ngx_http_request_t* r, const as_record* record)
{
    ngx_str_t text = ngx_http_aerospike_json(record, r->pool);
    ngx_buf_t* buffer = ngx_calloc_buf(r->pool);
    if (!text.data || !buffer) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    buffer->pos = text.data;
    buffer->last = text.data + text.len;
    buffer->memory = 1;
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t)text.len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }
    ngx_chain_t out = {buffer, NULL};
    return ngx_http_output_filter(r, &out);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    call* self = udata;
    ngx_http_request_t* r = self->request;
    if (r) {
        self->cleanup->handler = NULL;
    }
    ngx_free(self);
    /* While the process exits, requests stay as they are: nginx is about to drop them. */
    if (!r || !ngx_http_aerospike_client()) {
        return;
    }
    ngx_connection_t* connection = r->connection;
    ngx_http_set_log_request(connection->log, r);
    ngx_http_finalize_request(r, err ? answer_error(r, err) : answer_record(r, record));
    ngx_http_run_posted_requests(connection);
}

/* ---- request ---- */

static void on_request_end(void* data)
{
    call* self = data;
    self->request = NULL;
}

/* The value with a terminator. NGX_DECLINED: it can't be said in a C string. */
static ngx_int_t evaluate(ngx_http_request_t* r, ngx_http_complex_value_t* value,
                          const char** ret_text)
{
    ngx_str_t text;
    if (ngx_http_complex_value(r, value, &text) != NGX_OK) {
        return NGX_ERROR;
    }
    u_char* copy = ngx_pnalloc(r->pool, text.len + 1);
    if (!copy) {
        return NGX_ERROR;
    }
    ngx_memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_text = (const char*)copy;
    return ngx_strlen(copy) == text.len ? NGX_OK : NGX_DECLINED;
}

/* NGX_OK, or the answer's status. The key's text lives as long as the request. */
static ngx_int_t make_key(ngx_http_request_t* r, as_key* key)
{
    location_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    const char *ns = "", *set = "", *value = "";
    ngx_http_complex_value_t* values[] = {&conf->namespace, &conf->set, &conf->key};
    const char** texts[] = {&ns, &set, &value};
    for (int i = 0; i < 3; i++) {
        ngx_int_t rc = evaluate(r, values[i], texts[i]);
        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "aerospike: a zero byte in the key");
            return NGX_HTTP_BAD_REQUEST;
        }
    }
    if (!*ns || !*value || !as_key_init_str(key, ns, set, value)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "aerospike: namespace \"%s\" or set \"%s\" is too long, or the namespace or "
                      "the key is empty",
                      ns, set);
        return NGX_HTTP_BAD_REQUEST;
    }
    return NGX_OK;
}

static call* call_new(ngx_http_request_t* r)
{
    call* self = ngx_alloc(sizeof(*self), r->connection->log);
    if (!self) {
        return NULL;
    }
    self->request = r;
    self->cleanup = ngx_http_cleanup_add(r, 0);
    if (!self->cleanup) {
        ngx_free(self);
        return NULL;
    }
    self->cleanup->handler = on_request_end;
    self->cleanup->data = self;
    return self;
}

/* NGX_DONE, or the answer's status. */
static ngx_int_t start_get(ngx_http_request_t* r, aerospike* as, const as_key* key)
{
    call* self = call_new(r);
    if (!self) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    as_error err;
    as_error_init(&err);
    if (aerospike_key_get_async(as, &err, NULL, key, on_record, self, NULL, NULL) != AEROSPIKE_OK) {
        self->cleanup->handler = NULL;
        ngx_free(self);
        return answer_error(r, &err);
    }
    r->main->count++; /* until on_record */
    return NGX_DONE;
}

static ngx_int_t handler(ngx_http_request_t* r)
{
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }
    aerospike* as = ngx_http_aerospike_client();
    if (!as) {
        return NGX_HTTP_BAD_GATEWAY;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    as_key key;
    rc = make_key(r, &key);
    if (rc != NGX_OK) {
        return rc;
    }
    rc = start_get(r, as, &key);
    as_key_destroy(&key);
    if (rc == NGX_DONE && !r->discard_body && r == r->main) {
        r->read_event_handler = ngx_http_test_reading; /* notices a client that leaves */
    }
    return rc;
}

/* ---- configuration ---- */

static void* create_main_conf(ngx_conf_t* cf)
{
    main_conf* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
    if (conf) {
        conf->settings.use_shm = NGX_CONF_UNSET;
    }
    return conf;
}

static char* init_main_conf(ngx_conf_t* cf, void* data)
{
    main_conf* conf = data;
    if (conf->is_used && !conf->settings.hosts) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aerospike_get\" needs \"aerospike_hosts\" at http level, such as "
                      "\"aerospike_hosts 127.0.0.1:3000;\"");
        return NGX_CONF_ERROR;
    }
    if (conf->settings.use_shm == NGX_CONF_UNSET) {
        conf->settings.use_shm = 1;
        conf->settings.shm_key = 0xA7000000;
    }
    return NGX_CONF_OK;
}

static void* create_location_conf(ngx_conf_t* cf)
{
    return ngx_pcalloc(cf->pool, sizeof(location_conf));
}

/* For an `if` inside of the location, which keeps the location's handler. */
static char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child)
{
    (void)cf;
    location_conf* conf = child;
    if (!conf->key.value.data) {
        *conf = *(location_conf*)parent;
    }
    return NGX_CONF_OK;
}

static char* set_hosts(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    main_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (!conf->settings.hosts) {
        conf->settings.hosts = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    }
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        if (!ngx_http_aerospike_hosts_are_valid(&words[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid host \"%V\": host[:port] is wanted, an IPv6 address in "
                               "brackets",
                               &words[i]);
            return NGX_CONF_ERROR;
        }
        ngx_str_t* host = conf->settings.hosts ? ngx_array_push(conf->settings.hosts) : NULL;
        if (!host) {
            return NGX_CONF_ERROR;
        }
        *host = words[i];
    }
    return NGX_CONF_OK;
}

static char* set_shm_key(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    main_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->settings.use_shm != NGX_CONF_UNSET) {
        return "is duplicate";
    }
    if (ngx_strcmp(words[1].data, "off") == 0) {
        conf->settings.use_shm = 0;
        return NGX_CONF_OK;
    }
    char* end;
    errno = 0;
    unsigned long key = strtoul((char*)words[1].data, &end, 0);
    bool is_number = words[1].data[0] >= '0' && words[1].data[0] <= '9' && *end == '\0';
    if (!is_number || errno != 0 || key == 0 || key > UINT32_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid key \"%V\": a number of 32 bits other than 0 is wanted, such "
                           "as 0xA7000000, or \"off\"",
                           &words[1]);
        return NGX_CONF_ERROR;
    }
    conf->settings.use_shm = 1;
    conf->settings.shm_key = key;
    return NGX_CONF_OK;
}

static ngx_int_t compile_value(ngx_conf_t* cf, ngx_str_t* text, ngx_http_complex_value_t* ret_value)
{
    ngx_http_compile_complex_value_t compile;
    ngx_memzero(&compile, sizeof(compile));
    compile.cf = cf;
    compile.value = text;
    compile.complex_value = ret_value;
    return ngx_http_compile_complex_value(&compile);
}

static char* set_get(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    location_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->key.value.data) {
        return "is duplicate";
    }
    if (compile_value(cf, &words[1], &conf->namespace) != NGX_OK ||
        compile_value(cf, &words[2], &conf->set) != NGX_OK ||
        compile_value(cf, &words[3], &conf->key) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    main_conf* global = ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    global->is_used = 1;
    ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = handler;
    return NGX_CONF_OK;
}

/* ---- process ---- */

static ngx_int_t init_process(ngx_cycle_t* cycle)
{
    /* Not in the cache's helpers. */
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
        return NGX_OK;
    }
    main_conf* conf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aerospike_module);
    if (conf) {
        ngx_http_aerospike_client_start(&conf->settings);
    }
    return NGX_OK; /* a worker that fails here is never started again */
}

static void exit_process(ngx_cycle_t* cycle)
{
    (void)cycle;
    ngx_http_aerospike_client_stop();
}
