/*
 * The worker's clients, one per cluster, on one loop.
 *
 * Happy path: init_process makes the loop, registers it and connects; a graceful shutdown of the
 * worker drains (the role of tender goes to another worker at once); exit_process closes.
 * Failure modes: the segment is refused (another layout, other limits, no permission): a map of
 * this worker's own, with a warning. The cluster is down: the library goes on trying. No memory or
 * no connection slot: no client, and an error in the log.
 */
#include "module.h"

#include "loop_nginx.h"

#include <aerospike/as_event.h>
#include <aerospike/as_log.h>
#include <stdarg.h>
#include <tendril/event.h>

#define CLIENT_LOG_LINE_BYTES 1024

typedef struct client_entry {
    struct client_entry* next;
    aerospike* as;
    char name[]; /* of the cluster */
} client_entry;

static struct {
    tnd_loop* loop;
    as_event_loop* entry;
    client_entry* first;
    bool is_stopping;
} clients;

bool ngx_http_aerospike_is_stopping(void)
{
    return clients.is_stopping;
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

/* ---- one client ---- */

static void on_connected(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)udata;
    (void)event_loop;
    if (err) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: connecting: %s", err->message);
    }
}

/* With the host's segment, or else with a map of its own. */
static as_status client_connect(aerospike* as, const ngx_str_t* name, as_error* err)
{
    as_config* config = aerospike_load_config(as);
    as_error_init(err);
    if (aerospike_connect_async(as, err, on_connected, NULL, clients.entry) == AEROSPIKE_OK ||
        !config->use_shm) {
        return err->code;
    }
    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "aerospike: this worker tends cluster \"%V\" for itself alone: %s", name,
                  err->message);
    config->use_shm = false;
    as_error_init(err);
    return aerospike_connect_async(as, err, on_connected, NULL, clients.entry);
}

static client_entry* entry_find(const ngx_str_t* name)
{
    for (client_entry* entry = clients.first; entry; entry = entry->next) {
        if (ngx_strlen(entry->name) == name->len &&
            ngx_memcmp(entry->name, name->data, name->len) == 0) {
            return entry;
        }
    }
    return NULL;
}

static client_entry* entry_new(const ngx_str_t* name)
{
    client_entry* entry = ngx_calloc(sizeof(*entry) + name->len + 1, ngx_cycle->log);
    if (entry) {
        ngx_memcpy(entry->name, name->data, name->len);
        entry->next = clients.first;
        clients.first = entry;
    }
    return entry;
}

static aerospike* client_start(ngx_http_aerospike_cluster* cluster)
{
    client_entry* entry = entry_new(&cluster->name);
    if (!entry || !clients.entry) {
        return NULL; /* said by clients_start */
    }
    as_error err;
    as_error_set_message(as_error_init(&err), AEROSPIKE_ERR_CLIENT, "Out of memory");
    entry->as = aerospike_new(&cluster->config);
    if (entry->as) {
        cluster->is_given_away = true;
        if (client_connect(entry->as, &cluster->name, &err) == AEROSPIKE_OK) {
            return entry->as;
        }
        aerospike_destroy(entry->as);
        entry->as = NULL;
    }
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: no client for cluster \"%V\": %s",
                  &cluster->name, err.message);
    return NULL;
}

aerospike* ngx_http_aerospike_client_of(ngx_http_aerospike_cluster* cluster)
{
    if (clients.is_stopping) {
        return NULL;
    }
    client_entry* entry = entry_find(&cluster->name);
    if (entry) {
        return entry->as;
    }
    /* Without a master a reload doesn't start the process again: a new cluster starts here. */
    return clients.loop && !cluster->is_given_away ? client_start(cluster) : NULL;
}

/* ---- all of them ---- */

/* The worker shuts down and finishes its requests, which may still need the clients. */
static void on_exiting(void* udata)
{
    (void)udata;
    for (client_entry* entry = clients.first; entry; entry = entry->next) {
        as_error err;
        if (entry->as && aerospike_drain(entry->as, as_error_init(&err)) != AEROSPIKE_OK) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: draining: %s", err.message);
        }
    }
}

/* Checked with the configuration. */
static void set_queue(const ngx_http_aerospike_main_conf* conf)
{
    as_error err;
    as_policy_event policy;
    as_policy_event_init(&policy);
    policy.max_commands_in_process = (int)conf->queue_running;
    policy.max_commands_in_queue = (uint32_t)conf->queue_waiting;
    if (as_event_set_policy(as_error_init(&err), &policy, clients.entry) != AEROSPIKE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aerospike: no queue: %s", err.message);
    }
}

void ngx_http_aerospike_clients_start(ngx_http_aerospike_main_conf* conf)
{
    if (conf->clusters.nelts == 0) {
        return;
    }
    log_start();
    clients.is_stopping = false;
    clients.loop = tnd_loop_nginx_new(on_exiting, NULL);
    clients.entry = clients.loop ? tnd_event_set_loop(clients.loop) : NULL;
    if (!clients.entry) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aerospike: no client: out of memory, descriptors or worker_connections");
    } else if (conf->queue_running > 0) {
        set_queue(conf);
    }
    ngx_http_aerospike_cluster** clusters = conf->clusters.elts;
    for (ngx_uint_t i = 0; i < conf->clusters.nelts; i++) {
        client_start(clusters[i]);
    }
}

void ngx_http_aerospike_clients_stop(void)
{
    clients.is_stopping = true;
    if (clients.loop) {
        as_event_close_loops();
    }
    while (clients.first) {
        client_entry* entry = clients.first;
        clients.first = entry->next;
        if (entry->as) {
            aerospike_destroy(entry->as);
        }
        ngx_free(entry);
    }
    if (clients.loop) {
        as_event_destroy_loops();
        tnd_loop_nginx_free(clients.loop);
        clients.loop = NULL;
        clients.entry = NULL;
    }
}
