/*
 * Life of the worker's client.
 *
 * Happy path: init_process makes the loop, registers it and connects; a graceful shutdown of the
 * worker drains (the role of tender goes to another worker at once); exit_process closes.
 * Failure modes: the segment is refused (another layout, other limits, no permission): a map of
 * this worker's own, with a warning. The cluster is down: the library goes on trying. No memory or
 * no connection slot: no client, and an error in the log.
 */
#include "client.h"

#include "loop_nginx.h"

#include <aerospike/as_event.h>
#include <aerospike/as_log.h>
#include <stdarg.h>
#include <tendril/event.h>

#define CLIENT_PORT_DEFAULT 3000
#define CLIENT_LOG_LINE_BYTES 1024

static struct {
    tnd_loop* loop;
    aerospike* as;
    bool is_stopping;
} client;

aerospike* ngx_http_aerospike_client(void)
{
    return client.is_stopping ? NULL : client.as;
}

/* ---- log ---- */

static ngx_uint_t log_level_of(as_log_level level)
{
    switch (level) {
    case AS_LOG_LEVEL_ERROR:
        return NGX_LOG_ERR;
    case AS_LOG_LEVEL_WARN:
        return NGX_LOG_WARN;
    case AS_LOG_LEVEL_INFO:
        return NGX_LOG_INFO;
    case AS_LOG_LEVEL_DEBUG:
    case AS_LOG_LEVEL_TRACE:
        break;
    }
    return NGX_LOG_DEBUG;
}

static bool on_log(as_log_level level, const char* func, const char* file, uint32_t line,
                   const char* fmt, ...)
{
    (void)func;
    (void)file;
    (void)line;
    char text[CLIENT_LOG_LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    ngx_log_error(log_level_of(level), ngx_cycle->log, 0, "aerospike: %s", text);
    return true;
}

static void log_start(void)
{
    bool is_debug = (ngx_cycle->log->log_level & NGX_LOG_DEBUG_CORE) != 0;
    as_log_set_level(is_debug ? AS_LOG_LEVEL_DEBUG : AS_LOG_LEVEL_INFO);
    as_log_set_callback(on_log);
}

/* ---- configuration ---- */

static bool config_add_hosts(as_config* config, const ngx_str_t* hosts)
{
    char* text = ngx_alloc(hosts->len + 1, ngx_cycle->log);
    if (!text) {
        return false;
    }
    ngx_memcpy(text, hosts->data, hosts->len);
    text[hosts->len] = '\0';
    bool is_valid = as_config_add_hosts(config, text, CLIENT_PORT_DEFAULT);
    ngx_free(text);
    return is_valid;
}

bool ngx_http_aerospike_hosts_are_valid(const ngx_str_t* hosts)
{
    as_config config;
    as_config_init(&config);
    bool is_valid = config_add_hosts(&config, hosts);
    as_config_destroy(&config);
    return is_valid;
}

static void config_fill(as_config* config, const ngx_http_aerospike_settings* settings)
{
    as_config_init(config);
    const ngx_str_t* hosts = settings->hosts->elts;
    for (ngx_uint_t i = 0; i < settings->hosts->nelts; i++) {
        config_add_hosts(config, &hosts[i]);
    }
    config->fail_if_not_connected = false; /* a worker starts without the cluster, too */
    config->use_shm = settings->use_shm;
    config->shm_key = (int)settings->shm_key;
}

/* ---- start ---- */

static void on_connected(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)udata;
    (void)event_loop;
    if (err) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: connecting: %s", err->message);
    }
}

static bool client_connect(const ngx_http_aerospike_settings* settings, as_event_loop* entry,
                           as_error* err)
{
    as_config config;
    config_fill(&config, settings);
    client.as = aerospike_new(&config);
    if (!client.as) {
        as_config_destroy(&config);
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        return false;
    }
    if (aerospike_connect_async(client.as, err, on_connected, NULL, entry) == AEROSPIKE_OK) {
        return true;
    }
    aerospike_destroy(client.as);
    client.as = NULL;
    return false;
}

static void client_connect_or_warn(const ngx_http_aerospike_settings* settings,
                                   as_event_loop* entry)
{
    as_error err;
    if (client_connect(settings, entry, as_error_init(&err))) {
        return;
    }
    if (settings->use_shm) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aerospike: this worker tends for itself alone: %s", err.message);
        ngx_http_aerospike_settings alone = *settings;
        alone.use_shm = 0;
        if (client_connect(&alone, entry, &err)) {
            return;
        }
    }
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: no client: %s", err.message);
}

/* The worker shuts down and finishes its requests, which may still need the client. */
static void on_exiting(void* udata)
{
    (void)udata;
    as_error err;
    if (client.as && aerospike_drain(client.as, as_error_init(&err)) != AEROSPIKE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: draining: %s", err.message);
    }
}

void ngx_http_aerospike_client_start(const ngx_http_aerospike_settings* settings)
{
    if (!settings->hosts) {
        return;
    }
    log_start();
    client.is_stopping = false;
    client.loop = tnd_loop_nginx_new(on_exiting, NULL);
    as_event_loop* entry = client.loop ? tnd_event_set_loop(client.loop) : NULL;
    if (entry) {
        client_connect_or_warn(settings, entry);
    } else {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aerospike: no client: out of memory, descriptors or worker_connections");
    }
}

void ngx_http_aerospike_client_stop(void)
{
    if (!client.loop) {
        return;
    }
    client.is_stopping = true;
    as_event_close_loops();
    if (client.as) {
        aerospike_destroy(client.as);
        client.as = NULL;
    }
    as_event_destroy_loops();
    tnd_loop_nginx_free(client.loop);
    client.loop = NULL;
}
