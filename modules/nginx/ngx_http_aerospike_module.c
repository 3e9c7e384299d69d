/*
 * The module as nginx sees it: directives, life of the configuration and of the processes. Where
 * to read on is said in module.h.
 */
#include "api.h"
#include "location.h"
#include "module.h"

#define MODULE_LOG_WRITES_DEFAULT 1024

/* Contexts. */
#define MODULE_ANYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)
#define MODULE_IF_TOO (MODULE_ANYWHERE | NGX_HTTP_LIF_CONF)

#define MAIN_COMMAND(name, type, set, offset, post)                                                \
    {                                                                                              \
        ngx_string("aerospike_" name), NGX_HTTP_MAIN_CONF | (type), set,                           \
            NGX_HTTP_MAIN_CONF_OFFSET, offset, post                                                \
    }
#define LOC_COMMAND(name, type, set, offset, post)                                                 \
    {                                                                                              \
        ngx_string("aerospike_" name), type, set, NGX_HTTP_LOC_CONF_OFFSET, offset, post           \
    }
#define LOC_FIELD(field) offsetof(ngx_http_aerospike_loc_conf, field)

static char* set_queue(ngx_conf_t* cf, ngx_command_t* command, void* conf);

static ngx_command_t commands[] = {
    MAIN_COMMAND("cluster", NGX_CONF_BLOCK | NGX_CONF_TAKE1, ngx_http_aerospike_cluster_block, 0,
                 NULL),
    MAIN_COMMAND("queue", NGX_CONF_TAKE12, set_queue, 0, NULL),
    MAIN_COMMAND("log_writes", NGX_CONF_TAKE1, ngx_conf_set_num_slot,
                 offsetof(ngx_http_aerospike_main_conf, log_writes), NULL),
    LOC_COMMAND("pass", NGX_HTTP_LOC_CONF | NGX_HTTP_LIF_CONF | NGX_CONF_TAKE1,
                ngx_http_aerospike_set_pass, 0, NULL),
    LOC_COMMAND("namespace", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_http_aerospike_set_namespace, 0,
                NULL),
    LOC_COMMAND("set", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_http_aerospike_set_set, 0, NULL),
    LOC_COMMAND("key", MODULE_IF_TOO | NGX_CONF_TAKE12, ngx_http_aerospike_set_key, 0, NULL),
    LOC_COMMAND("operation", MODULE_IF_TOO | NGX_CONF_1MORE, ngx_http_aerospike_set_operation, 0,
                NULL),
    LOC_COMMAND("bin", MODULE_IF_TOO | NGX_CONF_TAKE23, ngx_http_aerospike_set_bin, 0, NULL),
    LOC_COMMAND("body", MODULE_IF_TOO | NGX_CONF_TAKE12, ngx_http_aerospike_set_body, 0, NULL),
    LOC_COMMAND("blobs", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_http_aerospike_set_blobs, 0, NULL),
    LOC_COMMAND("output", MODULE_IF_TOO | NGX_CONF_TAKE12, ngx_http_aerospike_set_output, 0, NULL),
    LOC_COMMAND("rewrite", MODULE_IF_TOO | NGX_CONF_2MORE, ngx_http_aerospike_set_rewrite, 0, NULL),
    LOC_COMMAND("cache_control", MODULE_IF_TOO | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
                LOC_FIELD(cache_control), NULL),
    LOC_COMMAND("ttl", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot,
                LOC_FIELD(ttl), NULL),
    LOC_COMMAND("generation", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot,
                LOC_FIELD(generation), NULL),
    LOC_COMMAND("exists", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, LOC_FIELD(exists),
                &ngx_http_aerospike_exists),
    LOC_COMMAND("max_value_size", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_size_slot,
                LOC_FIELD(max_value_size), NULL),
    LOC_COMMAND("connect_timeout", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
                LOC_FIELD(connect_timeout), NULL),
    LOC_COMMAND("socket_timeout", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
                LOC_FIELD(socket_timeout), NULL),
    LOC_COMMAND("total_timeout", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
                LOC_FIELD(total_timeout), NULL),
    LOC_COMMAND("retries", MODULE_IF_TOO | NGX_CONF_TAKE12, ngx_http_aerospike_set_retries, 0,
                NULL),
    LOC_COMMAND("replica", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_enum_slot,
                LOC_FIELD(replica), &ngx_http_aerospike_replicas),
    LOC_COMMAND("commit_level", MODULE_IF_TOO | NGX_CONF_TAKE1, ngx_conf_set_enum_slot,
                LOC_FIELD(commit_level), &ngx_http_aerospike_commit_levels),
    LOC_COMMAND("send_key", MODULE_IF_TOO | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
                LOC_FIELD(send_key), NULL),
    LOC_COMMAND("durable_delete", MODULE_IF_TOO | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
                LOC_FIELD(durable_delete), NULL),
    LOC_COMMAND("preload", MODULE_ANYWHERE | NGX_CONF_2MORE, ngx_http_aerospike_set_preload, 0,
                NULL),
    LOC_COMMAND("limit", MODULE_ANYWHERE | NGX_CONF_2MORE, ngx_http_aerospike_set_limit, 0, NULL),
    LOC_COMMAND("log", MODULE_ANYWHERE | NGX_CONF_2MORE, ngx_http_aerospike_set_log, 0, NULL),
    LOC_COMMAND("status", NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
                ngx_http_aerospike_set_status, 0, NULL),
    ngx_null_command,
};

/* ---- configuration ---- */

/* running=NUMBER [waiting=NUMBER] */
static char* set_queue(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_main_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->queue_running > 0) {
        return "is duplicate";
    }
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        bool is_running = ngx_strncmp(words[i].data, "running=", 8) == 0;
        bool is_waiting = ngx_strncmp(words[i].data, "waiting=", 8) == 0;
        ngx_int_t number =
            is_running || is_waiting ? ngx_atoi(words[i].data + 8, words[i].len - 8) : NGX_ERROR;
        if (number < (is_running ? 5 : 0) || number > 1000000) {
            return "takes running=NUMBER, at least 5, and waiting=NUMBER";
        }
        *(is_running ? &conf->queue_running : &conf->queue_waiting) = (ngx_uint_t)number;
    }
    return conf->queue_running > 0 ? NGX_CONF_OK : "needs running=NUMBER";
}

static void* create_main_conf(ngx_conf_t* cf)
{
    ngx_http_aerospike_main_conf* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
    if (!conf || ngx_array_init(&conf->clusters, cf->pool, 4,
                                sizeof(ngx_http_aerospike_cluster*)) != NGX_OK) {
        return NULL;
    }
    conf->log_writes = NGX_CONF_UNSET_UINT;
    return conf;
}

static char* init_main_conf(ngx_conf_t* cf, void* data)
{
    (void)cf;
    ngx_http_aerospike_main_conf* conf = data;
    ngx_conf_init_uint_value(conf->log_writes, MODULE_LOG_WRITES_DEFAULT);
    return NGX_CONF_OK;
}

static ngx_int_t add_handler(ngx_conf_t* cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt* entry = ngx_array_push(&core->phases[phase].handlers);
    if (!entry) {
        return NGX_ERROR;
    }
    *entry = handler;
    return NGX_OK;
}

/* nginx runs a phase's handlers from the last to the first: ours are ahead of the rewrite
   module's, which is compiled in or loaded before. */
static ngx_int_t postconfiguration(ngx_conf_t* cf)
{
    ngx_http_aerospike_main_conf* conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    conf->keeps_records = conf->keeps_records || ngx_http_aerospike_variables_want_bins(cf);
    if (conf->has_preloads &&
        (add_handler(cf, NGX_HTTP_SERVER_REWRITE_PHASE, ngx_http_aerospike_preload_handler) !=
             NGX_OK ||
         add_handler(cf, NGX_HTTP_REWRITE_PHASE, ngx_http_aerospike_preload_handler) != NGX_OK)) {
        return NGX_ERROR;
    }
    if (conf->has_limits &&
        add_handler(cf, NGX_HTTP_PREACCESS_PHASE, ngx_http_aerospike_limit_handler) != NGX_OK) {
        return NGX_ERROR;
    }
    return conf->has_logs ? add_handler(cf, NGX_HTTP_LOG_PHASE, ngx_http_aerospike_log_handler)
                          : NGX_OK;
}

/* ---- process ---- */

static ngx_int_t init_process(ngx_cycle_t* cycle)
{
    /* Not in the cache's helpers. */
    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
        return NGX_OK;
    }
    ngx_http_aerospike_main_conf* conf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aerospike_module);
    if (conf) {
        ngx_http_aerospike_clients_start(conf);
    }
    return NGX_OK; /* a worker that fails here is never started again */
}

static void exit_process(ngx_cycle_t* cycle)
{
    (void)cycle;
    ngx_http_aerospike_clients_stop();
}

/* ---- module ---- */

static ngx_http_module_t module_context = {
    ngx_http_aerospike_variables_add, /* preconfiguration */
    postconfiguration,
    create_main_conf,
    init_main_conf,
    NULL, /* create server configuration */
    NULL, /* merge server configuration */
    ngx_http_aerospike_create_loc_conf,
    ngx_http_aerospike_merge_loc_conf,
};

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
    NULL,                                     /* exit master */
    (uintptr_t)&ngx_http_aerospike_api_table, /* found there by ngx_http_aerospike_api() */
    0,
    0,
    0,
    0,
    0,
    0,
    0,
};
