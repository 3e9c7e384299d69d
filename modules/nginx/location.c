/*
 * The configuration of locations: made, filled, merged.
 */
#include "location.h"

#define LOCATION_CONNECT_TIMEOUT_MS 250
#define LOCATION_TOTAL_TIMEOUT_MS 1000
#define LOCATION_VALUE_SIZE_MAX ((size_t)1024 * 1024)

typedef ngx_http_aerospike_loc_conf loc_conf;

ngx_conf_enum_t ngx_http_aerospike_replicas[] = {
    {ngx_string("master"), AS_POLICY_REPLICA_MASTER},
    {ngx_string("any"), AS_POLICY_REPLICA_ANY},
    {ngx_string("sequence"), AS_POLICY_REPLICA_SEQUENCE},
    {ngx_string("prefer_rack"), AS_POLICY_REPLICA_PREFER_RACK},
    {ngx_string("random"), AS_POLICY_REPLICA_RANDOM},
    {ngx_null_string, 0},
};

ngx_conf_enum_t ngx_http_aerospike_exists[] = {
    {ngx_string("any"), AS_POLICY_EXISTS_IGNORE},
    {ngx_string("create"), AS_POLICY_EXISTS_CREATE},
    {ngx_string("update"), AS_POLICY_EXISTS_UPDATE},
    {ngx_string("replace"), AS_POLICY_EXISTS_REPLACE},
    {ngx_string("create_or_replace"), AS_POLICY_EXISTS_CREATE_OR_REPLACE},
    {ngx_null_string, 0},
};

ngx_conf_enum_t ngx_http_aerospike_commit_levels[] = {
    {ngx_string("all"), AS_POLICY_COMMIT_LEVEL_ALL},
    {ngx_string("master"), AS_POLICY_COMMIT_LEVEL_MASTER},
    {ngx_null_string, 0},
};

/* ---- directives ---- */

static char* set_value(ngx_conf_t* cf, ngx_str_t* word, ngx_http_complex_value_t* value)
{
    if (value->value.data) {
        return "is duplicate";
    }
    return ngx_http_aerospike_compile(cf, word, value) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

char* ngx_http_aerospike_set_pass(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    char* result = set_value(cf, &words[1], &conf->target.cluster);
    if (result != NGX_CONF_OK) {
        return result;
    }
    ngx_http_aerospike_main_conf* main_conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    if (!conf->target.cluster.lengths && !ngx_http_aerospike_cluster_find(main_conf, &words[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no aerospike_cluster \"%V\": define it at http level, above",
                           &words[1]);
        return NGX_CONF_ERROR;
    }
    conf->is_passing = true;
    ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = ngx_http_aerospike_handler;
    return NGX_CONF_OK;
}

static char* complain_size(ngx_conf_t* cf, const ngx_str_t* word, int least, int most)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid name \"%V\": %d to %d bytes", word, least,
                       most);
    return NGX_CONF_ERROR;
}

char* ngx_http_aerospike_set_namespace(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_target* target = &((loc_conf*)data)->target;
    ngx_str_t* words = cf->args->elts;
    char* result = set_value(cf, &words[1], &target->namespace);
    bool is_constant = result == NGX_CONF_OK && !target->namespace.lengths;
    if (is_constant && (words[1].len == 0 || words[1].len > AS_NAMESPACE_MAX_LEN)) {
        return complain_size(cf, &words[1], 1, AS_NAMESPACE_MAX_LEN);
    }
    return result;
}

char* ngx_http_aerospike_set_set(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_target* target = &((loc_conf*)data)->target;
    ngx_str_t* words = cf->args->elts;
    char* result = set_value(cf, &words[1], &target->set);
    if (result == NGX_CONF_OK && !target->set.lengths && words[1].len > AS_SET_MAX_LEN) {
        return complain_size(cf, &words[1], 0, AS_SET_MAX_LEN);
    }
    return result;
}

char* ngx_http_aerospike_set_key(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_target* target = &((loc_conf*)data)->target;
    ngx_str_t* words = cf->args->elts;
    if (cf->args->nelts == 3) {
        ngx_http_aerospike_type type;
        bool is_known = ngx_http_aerospike_type_parse(&words[2], &type);
        if (!is_known || (type != NGX_HTTP_AEROSPIKE_STRING && type != NGX_HTTP_AEROSPIKE_INT &&
                          type != NGX_HTTP_AEROSPIKE_BLOB && type != NGX_HTTP_AEROSPIKE_HEX &&
                          type != NGX_HTTP_AEROSPIKE_DIGEST)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid type \"%V\" of a key: string, int, blob, hex or digest",
                               &words[2]);
            return NGX_CONF_ERROR;
        }
        target->key_type = type;
    }
    return set_value(cf, &words[1], &target->key);
}

char* ngx_http_aerospike_set_output(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    static const char* const names[] = {"json", "value", "headers", "none"};
    (void)command;
    loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->output != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }
    for (ngx_uint_t i = 0; i < 4; i++) {
        if (words[1].len == ngx_strlen(names[i]) &&
            ngx_strncmp(words[1].data, names[i], words[1].len) == 0) {
            conf->output = i;
        }
    }
    if (conf->output == NGX_CONF_UNSET_UINT) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid output \"%V\": json, value [BIN], headers or none", &words[1]);
        return NGX_CONF_ERROR;
    }
    if (cf->args->nelts == 3) {
        if (conf->output != NGX_HTTP_AEROSPIKE_OUTPUT_VALUE || words[2].len > AS_BIN_NAME_MAX_LEN) {
            return "takes a bin's name only with \"value\", of at most 15 bytes";
        }
        conf->output_bin = words[2];
    }
    return NGX_CONF_OK;
}

char* ngx_http_aerospike_set_body(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->body != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }
    if (cf->args->nelts == 2 && ngx_strcmp(words[1].data, "off") == 0) {
        conf->body = NGX_HTTP_AEROSPIKE_BODY_OFF;
        return NGX_CONF_OK;
    }
    if (cf->args->nelts == 2 && ngx_strcmp(words[1].data, "json") == 0) {
        conf->body = NGX_HTTP_AEROSPIKE_BODY_JSON;
        return NGX_CONF_OK;
    }
    if (words[1].len < 5 || words[1].len > 4 + AS_BIN_NAME_MAX_LEN ||
        ngx_strncmp(words[1].data, "bin=", 4) != 0) {
        return "takes \"off\", \"json\" or \"bin=NAME [type=TYPE]\", a name of at most 15 bytes";
    }
    conf->body = NGX_HTTP_AEROSPIKE_BODY_BIN;
    conf->body_bin.name.data = words[1].data + 4;
    conf->body_bin.name.len = words[1].len - 4;
    conf->body_bin.type = NGX_HTTP_AEROSPIKE_BLOB;
    if (cf->args->nelts == 3 && !ngx_http_aerospike_type_parse(&words[2], &conf->body_bin.type)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid type \"%V\"", &words[2]);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

char* ngx_http_aerospike_set_retries(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->retries != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }
    ngx_int_t number = ngx_atoi(words[1].data, words[1].len);
    if (number < 0 || number > 100) {
        return "takes a number of 0 to 100";
    }
    conf->retries = (ngx_uint_t)number;
    if (cf->args->nelts == 3) {
        ngx_str_t text = {words[2].len - 6, words[2].data + 6};
        if (words[2].len <= 6 || ngx_strncmp(words[2].data, "delay=", 6) != 0) {
            return "takes delay=TIME behind the number";
        }
        ngx_int_t delay = ngx_parse_time(&text, 0);
        if (delay < 0) {
            return "takes delay=TIME behind the number";
        }
        conf->retry_delay = (ngx_msec_t)delay;
    }
    return NGX_CONF_OK;
}

char* ngx_http_aerospike_set_blobs(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (conf->blobs_as_objects != NGX_CONF_UNSET) {
        return "is duplicate";
    }
    bool is_object = ngx_strcmp(words[1].data, "object") == 0;
    if (!is_object && ngx_strcmp(words[1].data, "base64") != 0) {
        return "takes \"base64\" or \"object\"";
    }
    conf->blobs_as_objects = is_object;
    return NGX_CONF_OK;
}

/* ---- life ---- */

void* ngx_http_aerospike_create_loc_conf(ngx_conf_t* cf)
{
    loc_conf* conf = ngx_pcalloc(cf->pool, sizeof(*conf));
    if (!conf) {
        return NULL;
    }
    conf->output = NGX_CONF_UNSET_UINT;
    conf->body = NGX_CONF_UNSET_UINT;
    conf->blobs_as_objects = NGX_CONF_UNSET;
    conf->cache_control = NGX_CONF_UNSET;
    conf->max_value_size = NGX_CONF_UNSET_SIZE;
    conf->connect_timeout = NGX_CONF_UNSET_MSEC;
    conf->socket_timeout = NGX_CONF_UNSET_MSEC;
    conf->total_timeout = NGX_CONF_UNSET_MSEC;
    conf->retries = NGX_CONF_UNSET_UINT;
    conf->retry_delay = NGX_CONF_UNSET_MSEC;
    conf->replica = NGX_CONF_UNSET_UINT;
    conf->exists = NGX_CONF_UNSET_UINT;
    conf->commit_level = NGX_CONF_UNSET_UINT;
    conf->send_key = NGX_CONF_UNSET;
    conf->durable_delete = NGX_CONF_UNSET;
    return conf;
}

static void merge_complex(ngx_http_complex_value_t* value, const ngx_http_complex_value_t* parent)
{
    if (!value->value.data) {
        *value = *parent;
    }
}

static void merge_target(loc_conf* conf, const loc_conf* parent)
{
    if (!conf->target.key.value.data) {
        conf->target.key_type = parent->target.key_type;
    }
    merge_complex(&conf->target.cluster, &parent->target.cluster);
    merge_complex(&conf->target.namespace, &parent->target.namespace);
    merge_complex(&conf->target.set, &parent->target.set);
    merge_complex(&conf->target.key, &parent->target.key);
    if (!conf->target.set.value.data) {
        ngx_str_set(&conf->target.set.value, "");
    }
}

/* A level's own list replaces the one above, as nginx's own arrays do. */
static void merge_lists(loc_conf* conf, const loc_conf* parent)
{
#define MERGE(field) conf->field = conf->field ? conf->field : parent->field
    MERGE(operations);
    MERGE(bins);
    MERGE(rewrites);
    MERGE(preloads);
    MERGE(limits);
    MERGE(logs);
    MERGE(ttl);
    MERGE(generation);
#undef MERGE
}

static void merge_settings(loc_conf* conf, const loc_conf* parent)
{
    if (conf->output == NGX_CONF_UNSET_UINT) {
        conf->output_bin = parent->output_bin;
    }
    ngx_conf_merge_uint_value(conf->output, parent->output, NGX_HTTP_AEROSPIKE_OUTPUT_JSON);
    if (conf->body == NGX_CONF_UNSET_UINT) {
        conf->body_bin = parent->body_bin;
    }
    ngx_conf_merge_uint_value(conf->body, parent->body, NGX_HTTP_AEROSPIKE_BODY_OFF);
    ngx_conf_merge_value(conf->blobs_as_objects, parent->blobs_as_objects, 0);
    ngx_conf_merge_value(conf->cache_control, parent->cache_control, 0);
    ngx_conf_merge_size_value(conf->max_value_size, parent->max_value_size,
                              LOCATION_VALUE_SIZE_MAX);
    ngx_conf_merge_msec_value(conf->connect_timeout, parent->connect_timeout,
                              LOCATION_CONNECT_TIMEOUT_MS);
    ngx_conf_merge_msec_value(conf->socket_timeout, parent->socket_timeout, 0);
    ngx_conf_merge_msec_value(conf->total_timeout, parent->total_timeout,
                              LOCATION_TOTAL_TIMEOUT_MS);
    ngx_conf_merge_msec_value(conf->retry_delay, parent->retry_delay, 0);
    ngx_conf_merge_uint_value(conf->replica, parent->replica, AS_POLICY_REPLICA_SEQUENCE);
    ngx_conf_merge_uint_value(conf->exists, parent->exists, AS_POLICY_EXISTS_IGNORE);
    ngx_conf_merge_uint_value(conf->commit_level, parent->commit_level, AS_POLICY_COMMIT_LEVEL_ALL);
    ngx_conf_merge_value(conf->send_key, parent->send_key, 0);
    ngx_conf_merge_value(conf->durable_delete, parent->durable_delete, 0);
    if (conf->retries == NGX_CONF_UNSET_UINT) {
        conf->retries = parent->retries; /* may stay unset: reads 2, writes 0 */
    }
}

char* ngx_http_aerospike_merge_loc_conf(ngx_conf_t* cf, void* parent_data, void* child)
{
    loc_conf* conf = child;
    const loc_conf* parent = parent_data;
    bool is_passing = conf->is_passing;
    merge_target(conf, parent);
    merge_lists(conf, parent);
    merge_settings(conf, parent);
    ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    if (is_passing && (!conf->target.namespace.value.data || !conf->target.key.value.data)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "location \"%V\" has aerospike_pass and no %s: add it there or above",
                      &core->name,
                      conf->target.key.value.data ? "aerospike_namespace" : "aerospike_key");
        return NGX_CONF_ERROR;
    }
    /* A body that we take stays in memory: reading a file would block. */
    if (conf->body != NGX_HTTP_AEROSPIKE_BODY_OFF &&
        core->client_body_buffer_size < conf->max_value_size) {
        core->client_body_buffer_size = conf->max_value_size;
    }
    return NGX_CONF_OK;
}
