/*
 * What access logs, rules and other modules see of a request's last command. Before any, all of
 * them are empty.
 */
#include "module.h"

typedef ngx_http_aerospike_result result_type;

static const result_type* result_of(ngx_http_request_t* r)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    return ctx && ctx->result.is_there ? &ctx->result : NULL;
}

static ngx_int_t set_empty(ngx_http_variable_value_t* v)
{
    v->len = 0;
    v->data = (u_char*)"";
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    return NGX_OK;
}

static ngx_int_t set_text(ngx_http_request_t* r, ngx_http_variable_value_t* v, const void* text,
                          size_t size)
{
    set_empty(v);
    v->data = ngx_pnalloc(r->pool, size + 1);
    if (!v->data) {
        return NGX_ERROR;
    }
    ngx_memcpy(v->data, text, size);
    v->len = (unsigned)size & 0xfffffff;
    return NGX_OK;
}

static ngx_int_t set_number(ngx_http_request_t* r, ngx_http_variable_value_t* v, int64_t number)
{
    u_char text[NGX_INT64_LEN + 1];
    return set_text(r, v, text, (size_t)(ngx_sprintf(text, "%L", number) - text));
}

static ngx_int_t set_seconds(ngx_http_request_t* r, ngx_http_variable_value_t* v, uint64_t us)
{
    u_char text[2 * NGX_INT64_LEN];
    u_char* end = ngx_sprintf(text, "%uL.%06uL", us / 1000000, us % 1000000);
    return set_text(r, v, text, (size_t)(end - text));
}

/* ---- one by one ---- */

typedef enum field {
    FIELD_RESULT,
    FIELD_RESULT_CODE,
    FIELD_ERROR,
    FIELD_GENERATION,
    FIELD_TTL,
    FIELD_NODE,
    FIELD_ATTEMPTS,
    FIELD_IN_DOUBT,
    FIELD_TIME,
    FIELD_QUEUE_TIME,
    FIELD_BYTES,
    FIELD_REQUEST_BYTES,
} field;

/* AEROSPIKE_ERR_TIMEOUT is "timeout", AEROSPIKE_OK "ok". */
static ngx_int_t set_result(ngx_http_request_t* r, ngx_http_variable_value_t* v, as_status code)
{
    static const char* const starts[] = {"AEROSPIKE_ERR_", "AEROSPIKE_"};
    const char* name = as_error_string(code);
    for (int i = 0; i < 2; i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) {
            name += strlen(starts[i]);
            break;
        }
    }
    if (set_text(r, v, name, strlen(name)) != NGX_OK) {
        return NGX_ERROR;
    }
    ngx_strlow(v->data, v->data, v->len);
    return NGX_OK;
}

static ngx_int_t get_field(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data)
{
    const result_type* result = result_of(r);
    if (!result) {
        return set_empty(v);
    }
    switch ((field)data) {
    case FIELD_RESULT:
        return set_result(r, v, result->code);
    case FIELD_RESULT_CODE:
        return set_number(r, v, result->code);
    case FIELD_ERROR:
        return set_text(r, v, result->message.data ? result->message.data : (u_char*)"",
                        result->message.len);
    case FIELD_GENERATION:
        return result->has_meta ? set_number(r, v, result->generation) : set_empty(v);
    case FIELD_TTL:
        if (result->has_meta && result->ttl == AS_RECORD_NO_EXPIRE_TTL) {
            return set_text(r, v, "never", 5);
        }
        return result->has_meta ? set_number(r, v, result->ttl) : set_empty(v);
    case FIELD_NODE:
        return set_text(r, v, result->info.node, strlen(result->info.node));
    case FIELD_ATTEMPTS:
        return set_number(r, v, result->info.attempts);
    case FIELD_IN_DOUBT:
        return set_number(r, v, result->in_doubt);
    case FIELD_TIME:
        return set_seconds(r, v, result->info.total_us);
    case FIELD_QUEUE_TIME:
        return set_seconds(r, v, result->info.queue_us);
    case FIELD_BYTES:
        return set_number(r, v, (int64_t)result->bytes);
    case FIELD_REQUEST_BYTES:
        return set_number(r, v, (int64_t)result->info.request_bytes);
    }
    return set_empty(v);
}

static const struct {
    ngx_str_t name;
    field field;
} fields[] = {
    {ngx_string("aerospike_result"), FIELD_RESULT},
    {ngx_string("aerospike_result_code"), FIELD_RESULT_CODE},
    {ngx_string("aerospike_error"), FIELD_ERROR},
    {ngx_string("aerospike_generation"), FIELD_GENERATION},
    {ngx_string("aerospike_ttl"), FIELD_TTL},
    {ngx_string("aerospike_node"), FIELD_NODE},
    {ngx_string("aerospike_attempts"), FIELD_ATTEMPTS},
    {ngx_string("aerospike_in_doubt"), FIELD_IN_DOUBT},
    {ngx_string("aerospike_time"), FIELD_TIME},
    {ngx_string("aerospike_queue_time"), FIELD_QUEUE_TIME},
    {ngx_string("aerospike_bytes"), FIELD_BYTES},
    {ngx_string("aerospike_request_bytes"), FIELD_REQUEST_BYTES},
};

/* ---- bins ---- */

static const ngx_str_t bin_prefix = ngx_string("aerospike_bin_");

/* nginx's names of variables are lower case. */
static const as_val* find_bin(const as_record* record, const u_char* name, size_t size)
{
    for (uint16_t i = 0; i < record->bins.size; i++) {
        const as_bin* bin = &record->bins.entries[i];
        if (strlen(bin->name) == size &&
            ngx_strncasecmp((u_char*)(uintptr_t)bin->name, (u_char*)(uintptr_t)name, size) == 0) {
            return (const as_val*)bin->valuep;
        }
    }
    return NULL;
}

static ngx_int_t set_value(ngx_http_request_t* r, ngx_http_variable_value_t* v, const as_val* value)
{
    ngx_str_t text = ngx_http_aerospike_plain(value, false, r->pool);
    if (!text.data) {
        return NGX_ERROR;
    }
    set_empty(v);
    v->data = text.data;
    v->len = (unsigned)text.len & 0xfffffff;
    return NGX_OK;
}

/* $aerospike_bin_NAME: the newest record that has it. */
static ngx_int_t get_bin(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data)
{
    const ngx_str_t* name = (const ngx_str_t*)data;
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    for (ngx_http_aerospike_kept* kept = ctx ? ctx->kept : NULL; kept; kept = kept->older) {
        const as_val* value =
            find_bin(kept->record, name->data + bin_prefix.len, name->len - bin_prefix.len);
        if (value) {
            return set_value(r, v, value);
        }
    }
    return set_empty(v);
}

/* $PREFIX_NAME of a preload with that prefix. */
static ngx_int_t get_prefixed(ngx_http_request_t* r, ngx_http_variable_value_t* v, uintptr_t data)
{
    const ngx_str_t* name = (const ngx_str_t*)data;
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    for (ngx_http_aerospike_kept* kept = ctx ? ctx->kept : NULL; kept; kept = kept->older) {
        size_t size = kept->prefix.len;
        if (size > 0 && name->len > size + 1 && name->data[size] == '_' &&
            ngx_strncasecmp(name->data, kept->prefix.data, size) == 0) {
            const as_val* value =
                find_bin(kept->record, name->data + size + 1, name->len - size - 1);
            return value ? set_value(r, v, value) : set_empty(v);
        }
    }
    return set_empty(v);
}

/* ---- configuration ---- */

static ngx_int_t add(ngx_conf_t* cf, const ngx_str_t* name, ngx_uint_t flags,
                     ngx_http_get_variable_pt handler, uintptr_t data)
{
    ngx_str_t copy = *name;
    ngx_http_variable_t* variable =
        ngx_http_add_variable(cf, &copy, flags | NGX_HTTP_VAR_NOCACHEABLE);
    if (!variable) {
        return NGX_ERROR;
    }
    variable->get_handler = handler;
    variable->data = data;
    return NGX_OK;
}

ngx_int_t ngx_http_aerospike_variables_add(ngx_conf_t* cf)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (add(cf, &fields[i].name, 0, get_field, fields[i].field) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return add(cf, &bin_prefix, NGX_HTTP_VAR_PREFIX, get_bin, 0);
}

ngx_int_t ngx_http_aerospike_variables_add_prefix(ngx_conf_t* cf, const ngx_str_t* prefix)
{
    ngx_str_t name = {prefix->len + 1, ngx_pnalloc(cf->pool, prefix->len + 1)};
    if (!name.data) {
        return NGX_ERROR;
    }
    ngx_strlow(name.data, prefix->data, prefix->len);
    name.data[prefix->len] = '_';
    return add(cf, &name, NGX_HTTP_VAR_PREFIX | NGX_HTTP_VAR_CHANGEABLE, get_prefixed, 0);
}

bool ngx_http_aerospike_variables_want_bins(ngx_conf_t* cf)
{
    ngx_http_core_main_conf_t* core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    const ngx_http_variable_t* list = core->variables.elts;
    for (ngx_uint_t i = 0; i < core->variables.nelts; i++) {
        if (list[i].name.len > bin_prefix.len &&
            ngx_strncmp(list[i].name.data, bin_prefix.data, bin_prefix.len) == 0) {
            return true;
        }
    }
    return false;
}
