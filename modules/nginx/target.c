/*
 * Which record a request is about: cluster, namespace, set and key, each a text with variables.
 */
#include "module.h"

ngx_int_t ngx_http_aerospike_compile(ngx_conf_t* cf, ngx_str_t* text,
                                     ngx_http_complex_value_t* ret_value)
{
    ngx_http_compile_complex_value_t compile;
    ngx_memzero(&compile, sizeof(compile));
    compile.cf = cf;
    compile.value = text;
    compile.complex_value = ret_value;
    return ngx_http_compile_complex_value(&compile);
}

ngx_int_t ngx_http_aerospike_target_compile(ngx_conf_t* cf, ngx_http_aerospike_target* ret_target)
{
    ngx_http_complex_value_t* values[] = {&ret_target->cluster, &ret_target->namespace,
                                          &ret_target->set, &ret_target->key};
    ngx_str_t* words = cf->args->elts;
    if (cf->args->nelts < 5) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of arguments in \"%V\": cluster, namespace, set and key "
                           "come first",
                           &words[0]);
        return NGX_ERROR;
    }
    for (int i = 0; i < 4; i++) {
        if (ngx_http_aerospike_compile(cf, &words[i + 1], values[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return NGX_OK;
}

static bool is_constant(const ngx_http_complex_value_t* value)
{
    return value->lengths == NULL;
}

/* Names that can be looked at while the configuration is read, so that nginx -t finds what is
   wrong with them. */
char* ngx_http_aerospike_target_check(ngx_conf_t* cf, const ngx_http_aerospike_target* target)
{
    ngx_http_aerospike_main_conf* conf =
        ngx_http_conf_get_module_main_conf(cf, ngx_http_aerospike_module);
    const ngx_str_t* cluster = &target->cluster.value;
    if (is_constant(&target->cluster) && !ngx_http_aerospike_cluster_find(conf, cluster)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no aerospike_cluster \"%V\": define it at http level, above", cluster);
        return NGX_CONF_ERROR;
    }
    const ngx_str_t* namespace = &target->namespace.value;
    if (is_constant(&target->namespace) &&
        (namespace->len == 0 || namespace->len > AS_NAMESPACE_MAX_LEN)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid namespace \"%V\": 1 to %d bytes",
                           namespace, AS_NAMESPACE_MAX_LEN);
        return NGX_CONF_ERROR;
    }
    if (is_constant(&target->set) && target->set.value.len > AS_SET_MAX_LEN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid set \"%V\": at most %d bytes",
                           &target->set.value, AS_SET_MAX_LEN);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

/* ---- evaluation ---- */

static ngx_int_t refuse(const char* reason, const char** ret_reason)
{
    *ret_reason = reason;
    return NGX_HTTP_BAD_REQUEST;
}

static ngx_int_t key_init(ngx_http_request_t* r, as_key* key, const char* ns, const char* set,
                          ngx_http_aerospike_type type, const ngx_str_t* text,
                          const char** ret_reason)
{
    int64_t number;
    u_char* bytes;
    switch (type) {
    case NGX_HTTP_AEROSPIKE_INT:
        if (!ngx_http_aerospike_integer_parse(text, &number)) {
            return refuse("the key is no integer of 64 bits", ret_reason);
        }
        as_key_init_int64(key, ns, set, number);
        return NGX_OK;
    case NGX_HTTP_AEROSPIKE_BLOB:
        as_key_init_raw(key, ns, set, text->data, (uint32_t)text->len);
        return NGX_OK;
    case NGX_HTTP_AEROSPIKE_HEX:
    case NGX_HTTP_AEROSPIKE_DIGEST:
        bytes = ngx_pnalloc(r->pool, text->len / 2 + 1);
        if (!bytes) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        if (!ngx_http_aerospike_unhex(text, bytes)) {
            return refuse("the key isn't hex digits", ret_reason);
        }
        if (type == NGX_HTTP_AEROSPIKE_HEX) {
            as_key_init_raw(key, ns, set, bytes, (uint32_t)(text->len / 2));
            return NGX_OK;
        }
        if (text->len != 2 * AS_DIGEST_VALUE_SIZE) {
            return refuse("a digest has 40 hex digits", ret_reason);
        }
        as_key_init_digest(key, ns, set, bytes);
        return NGX_OK;
    default:
        break;
    }
    const char* string = ngx_http_aerospike_text(r->pool, text);
    if (!string) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ngx_strlen(string) != text->len) {
        return refuse("a zero byte in the key", ret_reason);
    }
    as_key_init_str(key, ns, set, string);
    return NGX_OK;
}

/* A name in a buffer of `size` bytes. */
static ngx_int_t name_copy(const ngx_str_t* text, char* ret_name, size_t size, const char* too_long,
                           const char** ret_reason)
{
    if (text->len >= size) {
        return refuse(too_long, ret_reason);
    }
    ngx_memcpy(ret_name, text->data, text->len);
    ret_name[text->len] = '\0';
    return ngx_strlen(ret_name) == text->len ? NGX_OK : refuse("a zero byte in a name", ret_reason);
}

static ngx_int_t client_find(ngx_http_request_t* r, const ngx_str_t* name, aerospike** ret_client,
                             const char** ret_reason)
{
    ngx_http_aerospike_main_conf* conf =
        ngx_http_get_module_main_conf(r, ngx_http_aerospike_module);
    ngx_http_aerospike_cluster* cluster = ngx_http_aerospike_cluster_find(conf, name);
    if (!cluster) {
        *ret_reason = "no such cluster is configured";
        return NGX_HTTP_NOT_FOUND;
    }
    *ret_client = ngx_http_aerospike_client_of(cluster);
    return *ret_client ? NGX_OK : NGX_HTTP_BAD_GATEWAY;
}

ngx_int_t ngx_http_aerospike_target_evaluate(ngx_http_request_t* r,
                                             ngx_http_aerospike_target* target,
                                             ngx_http_aerospike_record_id* ret_id,
                                             const char** ret_reason)
{
    ngx_http_complex_value_t* values[] = {&target->cluster, &target->namespace, &target->set,
                                          &target->key};
    ngx_str_t texts[4];
    for (int i = 0; i < 4; i++) {
        if (ngx_http_complex_value(r, values[i], &texts[i]) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    ngx_int_t rc = client_find(r, &texts[0], &ret_id->client, ret_reason);
    if (rc != NGX_OK) {
        return rc;
    }
    as_namespace ns;
    as_set set;
    rc = name_copy(&texts[1], ns, sizeof(ns), "a namespace has at most 31 bytes", ret_reason);
    if (rc == NGX_OK) {
        rc = name_copy(&texts[2], set, sizeof(set), "a set has at most 63 bytes", ret_reason);
    }
    if (rc != NGX_OK) {
        return rc;
    }
    if (texts[1].len == 0) {
        return refuse("the namespace is empty", ret_reason);
    }
    if (texts[3].len == 0) {
        return refuse("the key is empty", ret_reason);
    }
    return key_init(r, &ret_id->key, ns, set, target->key_type, &texts[3], ret_reason);
}
