/*
 * Result codes to HTTP: the status, who rewrites it, and what goes along with it.
 */
#include "module.h"

typedef enum outcome {
    OUTCOME_OK = 0,
    OUTCOME_NOT_FOUND,
    OUTCOME_GENERATION,
    OUTCOME_EXISTS,
    OUTCOME_INVALID,
    OUTCOME_TOO_BIG,
    OUTCOME_FORBIDDEN,
    OUTCOME_BUSY,
    OUTCOME_UNREACHABLE,
    OUTCOME_TIMEOUT,
    OUTCOME_ERROR,
    OUTCOMES_COUNT,
} outcome;

static const struct {
    const char* name;
    ngx_int_t status;
} outcomes[] = {
    [OUTCOME_OK] = {"ok", NGX_HTTP_OK},
    [OUTCOME_NOT_FOUND] = {"not_found", NGX_HTTP_NOT_FOUND},
    [OUTCOME_GENERATION] = {"generation", NGX_HTTP_PRECONDITION_FAILED},
    [OUTCOME_EXISTS] = {"exists", NGX_HTTP_CONFLICT},
    [OUTCOME_INVALID] = {"invalid", NGX_HTTP_BAD_REQUEST},
    [OUTCOME_TOO_BIG] = {"too_big", NGX_HTTP_REQUEST_ENTITY_TOO_LARGE},
    [OUTCOME_FORBIDDEN] = {"forbidden", NGX_HTTP_FORBIDDEN},
    [OUTCOME_BUSY] = {"busy", NGX_HTTP_SERVICE_UNAVAILABLE},
    [OUTCOME_UNREACHABLE] = {"unreachable", NGX_HTTP_BAD_GATEWAY},
    [OUTCOME_TIMEOUT] = {"timeout", NGX_HTTP_GATEWAY_TIME_OUT},
    [OUTCOME_ERROR] = {"error", NGX_HTTP_INTERNAL_SERVER_ERROR},
};

static outcome outcome_of(as_status code)
{
    switch (code) {
    case AEROSPIKE_OK:
        return OUTCOME_OK;
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
    case AEROSPIKE_FILTERED_OUT:
        return OUTCOME_NOT_FOUND;
    case AEROSPIKE_ERR_RECORD_GENERATION:
        return OUTCOME_GENERATION;
    case AEROSPIKE_ERR_RECORD_EXISTS:
        return OUTCOME_EXISTS;
    case AEROSPIKE_ERR_PARAM:
    case AEROSPIKE_ERR_REQUEST_INVALID:
    case AEROSPIKE_ERR_BIN_INCOMPATIBLE_TYPE:
    case AEROSPIKE_ERR_BIN_NAME:
    case AEROSPIKE_INVALID_ENCODING:
    case AEROSPIKE_ERR_GEO_INVALID_GEOJSON:
    case AEROSPIKE_ERR_OP_NOT_APPLICABLE:
        return OUTCOME_INVALID;
    case AEROSPIKE_ERR_RECORD_TOO_BIG:
        return OUTCOME_TOO_BIG;
    case AEROSPIKE_ERR_FAIL_FORBIDDEN:
    case AEROSPIKE_ERR_ALWAYS_FORBIDDEN:
    case AEROSPIKE_ROLE_VIOLATION:
    case AEROSPIKE_NOT_WHITELISTED:
        return OUTCOME_FORBIDDEN;
    case AEROSPIKE_ERR_RECORD_BUSY:
    case AEROSPIKE_ERR_DEVICE_OVERLOAD:
    case AEROSPIKE_MAX_ERROR_RATE:
    case AEROSPIKE_ERR_ASYNC_QUEUE_FULL:
    case AEROSPIKE_ERR_NO_MORE_CONNECTIONS:
    case AEROSPIKE_QUOTA_EXCEEDED:
    case AEROSPIKE_ERR_BATCH_QUEUES_FULL:
        return OUTCOME_BUSY;
    case AEROSPIKE_ERR_INVALID_NODE:
    case AEROSPIKE_ERR_INVALID_HOST:
    case AEROSPIKE_ERR_ASYNC_CONNECTION:
    case AEROSPIKE_ERR_CONNECTION:
    case AEROSPIKE_ERR_TLS_ERROR:
    case AEROSPIKE_ERR_CLUSTER:
        return OUTCOME_UNREACHABLE;
    case AEROSPIKE_ERR_TIMEOUT:
        return OUTCOME_TIMEOUT;
    default:
        return OUTCOME_ERROR;
    }
}

ngx_int_t ngx_http_aerospike_status_of(as_status code)
{
    return outcomes[outcome_of(code)].status;
}

/* ---- headers ---- */

ngx_int_t ngx_http_aerospike_add_header(ngx_http_request_t* r, const char* name,
                                        const ngx_str_t* value)
{
    ngx_table_elt_t* header = ngx_list_push(&r->headers_out.headers);
    if (!header) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(*header));
    header->hash = 1;
    header->key.data = (u_char*)(uintptr_t)name;
    header->key.len = ngx_strlen(name);
    header->value = *value;
    return NGX_OK;
}

static ngx_int_t add_text_header(ngx_http_request_t* r, const char* name, const char* text)
{
    ngx_str_t value = {ngx_strlen(text), (u_char*)(uintptr_t)text};
    return ngx_http_aerospike_add_header(r, name, &value);
}

ngx_int_t ngx_http_aerospike_refuse(ngx_http_request_t* r, ngx_int_t status, const char* reason)
{
    if (!reason) {
        return status;
    }
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "aerospike: %s", reason);
    if (add_text_header(r, "Aerospike-Reason", reason) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

/* ---- the answer ---- */

static ngx_int_t rewritten(ngx_http_request_t* r, outcome kind)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    const ngx_http_aerospike_rewrite* rules = conf->rewrites ? conf->rewrites->elts : NULL;
    for (ngx_uint_t i = 0; rules && i < conf->rewrites->nelts; i++) {
        if (rules[i].outcome == kind && (rules[i].methods & r->method)) {
            return (ngx_int_t)rules[i].status;
        }
    }
    /* What If-None-Match: * asks for is a condition on the request. */
    if (kind == OUTCOME_EXISTS && r->headers_in.if_none_match) {
        return NGX_HTTP_PRECONDITION_FAILED;
    }
    /* If-Match never matches what isn't there. */
    if (kind == OUTCOME_NOT_FOUND && r->headers_in.if_match && r->method != NGX_HTTP_GET &&
        r->method != NGX_HTTP_HEAD) {
        return NGX_HTTP_PRECONDITION_FAILED;
    }
    return outcomes[kind].status;
}

static void log_failure(ngx_http_request_t* r, const ngx_http_aerospike_result* result,
                        ngx_int_t status)
{
    ngx_uint_t level = status >= NGX_HTTP_INTERNAL_SERVER_ERROR ? NGX_LOG_ERR : NGX_LOG_INFO;
    ngx_log_error(level, r->connection->log, 0, "aerospike: %V (%s%s)", &result->message,
                  as_error_string(result->code), result->in_doubt ? ", in doubt" : "");
}

ngx_int_t ngx_http_aerospike_failure(ngx_http_request_t* r)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ngx_int_t status = ngx_http_aerospike_outcome(r);
    return status >= NGX_HTTP_SPECIAL_RESPONSE ? status
                                               : ngx_http_aerospike_status_of(ctx->result.code);
}

ngx_int_t ngx_http_aerospike_outcome(ngx_http_request_t* r)
{
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    outcome kind = outcome_of(ctx->result.code);
    ngx_int_t status = rewritten(r, kind);
    if (kind == OUTCOME_OK || kind == OUTCOME_NOT_FOUND) {
        return status;
    }
    log_failure(r, &ctx->result, outcomes[kind].status);
    if (kind == OUTCOME_BUSY && add_text_header(r, "Retry-After", "1") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ctx->result.in_doubt && add_text_header(r, "Aerospike-In-Doubt", "true") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return status;
}

/* ---- configuration ---- */

static ngx_int_t outcome_parse(const ngx_str_t* word)
{
    for (ngx_int_t i = 0; i < OUTCOMES_COUNT; i++) {
        if (word->len == ngx_strlen(outcomes[i].name) &&
            ngx_strncmp(word->data, outcomes[i].name, word->len) == 0) {
            return i;
        }
    }
    return NGX_ERROR;
}

char* ngx_http_aerospike_set_rewrite(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    ngx_uint_t count = cf->args->nelts, i = 1, mask = 0, bit;
    while (i < count && (bit = ngx_http_aerospike_method_parse(&words[i])) != 0) {
        mask |= bit;
        i++;
    }
    ngx_int_t kind = i + 2 == count ? outcome_parse(&words[i]) : NGX_ERROR;
    if (kind == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "wanted: [METHOD ...] OUTCOME STATUS; outcomes are ok, not_found, "
                           "generation, exists, invalid, too_big, forbidden, busy, unreachable, "
                           "timeout, error");
        return NGX_CONF_ERROR;
    }
    ngx_int_t status = ngx_atoi(words[i + 1].data, words[i + 1].len);
    if (status < 200 || status > 599) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid status \"%V\": 200 to 599",
                           &words[i + 1]);
        return NGX_CONF_ERROR;
    }
    if (!conf->rewrites) {
        conf->rewrites = ngx_array_create(cf->pool, 4, sizeof(ngx_http_aerospike_rewrite));
    }
    ngx_http_aerospike_rewrite* rule = conf->rewrites ? ngx_array_push(conf->rewrites) : NULL;
    if (!rule) {
        return NGX_CONF_ERROR;
    }
    rule->methods = mask ? mask : ~(ngx_uint_t)0;
    rule->outcome = (ngx_uint_t)kind;
    rule->status = (ngx_uint_t)status;
    return NGX_CONF_OK;
}
