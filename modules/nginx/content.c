/*
 * aerospike_pass: a request becomes a command, its result the response.
 *
 *     handler -> [body] -> start -> call -> on_done -> response
 *                            |
 *                            +-> refused at once: error page
 */
#include "module.h"

#include <stdio.h>

/* ---- response: parts ---- */

/* "7", for a generation of 7. */
static ngx_int_t set_etag(ngx_http_request_t* r, uint32_t generation)
{
    ngx_table_elt_t* header = ngx_list_push(&r->headers_out.headers);
    u_char* text = ngx_pnalloc(r->pool, 16);
    if (!header || !text) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(*header));
    header->hash = 1;
    ngx_str_set(&header->key, "ETag");
    header->value.data = text;
    header->value.len = (size_t)(ngx_snprintf(text, 16, "\"%uD\"", generation) - text);
    r->headers_out.etag = header;
    return NGX_OK;
}

static ngx_int_t set_cache_control(ngx_http_request_t* r, uint32_t ttl)
{
    u_char* text = ngx_pnalloc(r->pool, 32);
    if (!text) {
        return NGX_ERROR;
    }
    ngx_str_t value = {(size_t)(ngx_snprintf(text, 32, "max-age=%uD", ttl) - text), text};
    return ngx_http_aerospike_add_header(r, "Cache-Control", &value);
}

/* Generation and ttl, where they are known. */
static ngx_int_t set_meta(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                          const ngx_http_aerospike_result* result)
{
    if (!result->has_meta) {
        return NGX_OK;
    }
    bool is_read = (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0;
    if (!is_read) {
        r->disable_not_modified = 1; /* the conditions were for the record as it was before */
    }
    if (set_etag(r, result->generation) != NGX_OK) {
        return NGX_ERROR;
    }
    if (conf->cache_control && is_read && result->ttl != AS_RECORD_NO_EXPIRE_TTL) {
        return set_cache_control(r, result->ttl);
    }
    return NGX_OK;
}

/* A bin as a header: control characters and those that aren't ASCII are percent-encoded. */
static ngx_int_t add_bin_header(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                                const as_bin* bin)
{
    static const char start[] = "Aerospike-Bin-";
    ngx_str_t text =
        ngx_http_aerospike_plain((const as_val*)bin->valuep, conf->blobs_as_objects, r->pool);
    u_char* name = ngx_pnalloc(r->pool, sizeof(start) + strlen(bin->name));
    u_char* escaped = ngx_pnalloc(r->pool, text.len * 3 + 1);
    if (!text.data || !name || !escaped) {
        return NGX_ERROR;
    }
    u_char* end = name;
    end = ngx_cpymem(end, start, sizeof(start) - 1);
    for (const char* c = bin->name; *c; c++) {
        bool is_token = ngx_strchr("!#$%&'*+-.^_`|~", *c) || (*c >= '0' && *c <= '9') ||
                        ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z');
        *end++ = is_token ? (u_char)*c : '-';
    }
    *end = '\0';
    ngx_str_t value = {0, escaped};
    for (size_t i = 0; i < text.len; i++) {
        u_char c = text.data[i];
        if (c >= 0x20 && c < 0x7f && c != '%') {
            escaped[value.len++] = c;
        } else {
            value.len = (size_t)(ngx_sprintf(escaped + value.len, "%%%02Xd", c) - escaped);
        }
    }
    return ngx_http_aerospike_add_header(r, (const char*)name, &value);
}

/* ---- response: body ---- */

static ngx_int_t send_text(ngx_http_request_t* r, ngx_int_t status, const ngx_str_t* text)
{
    r->headers_out.status = (ngx_uint_t)status;
    r->headers_out.content_length_n = (off_t)text->len;
    if (text->len == 0) {
        r->header_only = 1;
    }
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }
    ngx_buf_t* buffer = ngx_calloc_buf(r->pool);
    if (!buffer) {
        return NGX_ERROR;
    }
    buffer->pos = text->data;
    buffer->last = text->data + text->len;
    buffer->memory = 1;
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    ngx_chain_t out = {buffer, NULL};
    return ngx_http_output_filter(r, &out);
}

static ngx_int_t send_json(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                           ngx_int_t status, const as_record* record)
{
    ngx_str_t text = ngx_http_aerospike_json(record, conf->blobs_as_objects, r->pool);
    if (!text.data) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    return send_text(r, status, &text);
}

/* The named bin, or the first. A record without it is as good as none. */
static ngx_int_t send_value(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                            ngx_int_t status, const as_record* record)
{
    const as_bin_value* value = NULL;
    if (conf->output_bin.len > 0) {
        value = as_record_get(record, (const char*)conf->output_bin.data);
    } else if (record->bins.size > 0) {
        value = record->bins.entries[0].valuep;
    }
    if (!value) {
        return NGX_HTTP_NOT_FOUND;
    }
    ngx_str_t text = ngx_http_aerospike_plain(&value->nil, conf->blobs_as_objects, r->pool);
    if (!text.data || ngx_http_set_content_type(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_text(r, status, &text);
}

static ngx_int_t send_nothing(ngx_http_request_t* r, ngx_int_t status)
{
    if (status == NGX_HTTP_NO_CONTENT) {
        r->headers_out.status = NGX_HTTP_NO_CONTENT;
        r->headers_out.content_length_n = -1;
        r->header_only = 1;
        return ngx_http_send_header(r);
    }
    ngx_str_t empty = ngx_null_string;
    return send_text(r, status, &empty);
}

static ngx_int_t send_headers(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                              ngx_int_t status, const as_record* record)
{
    for (uint16_t i = 0; i < record->bins.size; i++) {
        if (add_bin_header(r, conf, &record->bins.entries[i]) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return send_nothing(r, status);
}

static ngx_int_t respond(ngx_http_request_t* r, const as_record* record)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    ngx_http_aerospike_ctx* ctx = ngx_http_get_module_ctx(r, ngx_http_aerospike_module);
    ngx_int_t status = ngx_http_aerospike_outcome(r);
    if (ctx->result.code != AEROSPIKE_OK) {
        return status < 300 ? send_nothing(r, status) : status;
    }
    if (status >= 300) { /* by aerospike_rewrite */
        return status;
    }
    if (set_meta(r, conf, &ctx->result) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    bool has_bins = record && record->bins.size > 0;
    bool is_read = (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0;
    if (conf->output == NGX_HTTP_AEROSPIKE_OUTPUT_NONE || (!has_bins && !is_read) || !record) {
        return send_nothing(r, status == NGX_HTTP_OK ? NGX_HTTP_NO_CONTENT : status);
    }
    switch (conf->output) {
    case NGX_HTTP_AEROSPIKE_OUTPUT_VALUE:
        return send_value(r, conf, status, record);
    case NGX_HTTP_AEROSPIKE_OUTPUT_HEADERS:
        return send_headers(r, conf, status, record);
    default:
        return send_json(r, conf, status, record);
    }
}

static void on_done(ngx_http_request_t* r, const as_record* record, void* data)
{
    (void)data;
    ngx_http_finalize_request(r, respond(r, record));
}

/* ---- request: conditions ---- */

/* If-Match on a write: the generation, or that there is a record. */
static ngx_int_t condition_match(const ngx_str_t* text, ngx_http_aerospike_work* work,
                                 const char** ret_reason)
{
    if (text->len == 1 && text->data[0] == '*') {
        if (work->exists == AS_POLICY_EXISTS_IGNORE) {
            work->exists = AS_POLICY_EXISTS_UPDATE;
        }
        return NGX_OK;
    }
    if (text->len >= 2 && text->data[0] == 'W' && text->data[1] == '/') {
        return NGX_HTTP_PRECONDITION_FAILED; /* weak ones never match here */
    }
    bool is_quoted = text->len > 2 && text->data[0] == '"' && text->data[text->len - 1] == '"';
    if (is_quoted && ngx_strlchr(text->data + 1, text->data + text->len - 1, '"')) {
        *ret_reason = "If-Match takes one entity tag";
        return NGX_HTTP_BAD_REQUEST;
    }
    ngx_int_t number = is_quoted ? ngx_atoi(text->data + 1, text->len - 2) : NGX_ERROR;
    if (number < 0 || number > UINT16_MAX) {
        return NGX_HTTP_PRECONDITION_FAILED; /* no generation of ours */
    }
    work->generation = (uint16_t)number;
    work->has_generation = true;
    return NGX_OK;
}

static ngx_int_t apply_conditions(ngx_http_request_t* r, ngx_http_aerospike_work* work,
                                  const char** ret_reason)
{
    if (r->headers_in.if_none_match) {
        const ngx_str_t* text = &r->headers_in.if_none_match->value;
        if (text->len != 1 || text->data[0] != '*') {
            *ret_reason = "If-None-Match of a write must be *";
            return NGX_HTTP_BAD_REQUEST;
        }
        work->exists = AS_POLICY_EXISTS_CREATE;
    }
    return r->headers_in.if_match
               ? condition_match(&r->headers_in.if_match->value, work, ret_reason)
               : NGX_OK;
}

/* ---- request: ttl and generation ---- */

static ngx_int_t parse_ttl(const ngx_str_t* text, uint32_t* ret_ttl, const char** ret_reason)
{
    static const struct {
        ngx_str_t name;
        uint32_t ttl;
    } names[] = {
        {ngx_string("default"), AS_RECORD_DEFAULT_TTL},
        {ngx_string("never"), AS_RECORD_NO_EXPIRE_TTL},
        {ngx_string("keep"), AS_RECORD_NO_CHANGE_TTL},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (text->len == names[i].name.len &&
            ngx_strncmp(text->data, names[i].name.data, text->len) == 0) {
            *ret_ttl = names[i].ttl;
            return NGX_OK;
        }
    }
    ngx_str_t copy = *text;
    ngx_int_t seconds = text->len > 0 ? ngx_parse_time(&copy, 1) : 0;
    if (seconds < 0 || (uint64_t)seconds > INT32_MAX) {
        *ret_reason = "the time to live is neither seconds nor default, never or keep";
        return NGX_HTTP_BAD_REQUEST;
    }
    *ret_ttl = (uint32_t)seconds;
    return NGX_OK;
}

static ngx_int_t apply_settings(ngx_http_request_t* r, const ngx_http_aerospike_loc_conf* conf,
                                ngx_http_aerospike_work* work, const char** ret_reason)
{
    ngx_str_t text;
    work->exists = (as_policy_exists)conf->exists;
    if (conf->ttl) {
        if (ngx_http_complex_value(r, conf->ttl, &text) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        ngx_int_t rc = parse_ttl(&text, &work->ttl, ret_reason);
        if (rc != NGX_OK) {
            return rc;
        }
    }
    if (!conf->generation) {
        return NGX_OK;
    }
    if (ngx_http_complex_value(r, conf->generation, &text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_int_t number = text.len > 0 ? ngx_atoi(text.data, text.len) : -1;
    if (text.len > 0 && (number < 0 || number > UINT16_MAX)) {
        *ret_reason = "the generation is no number up to 65535";
        return NGX_HTTP_BAD_REQUEST;
    }
    work->has_generation = text.len > 0;
    work->generation = (uint16_t)(text.len > 0 ? number : 0);
    return NGX_OK;
}

/* ---- request: start ---- */

/* NGX_OK: on_done follows. NGX_DECLINED: no, there is a result. Else the answer's status. */
static ngx_int_t start(ngx_http_request_t* r, const ngx_str_t* body)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    const char* reason = NULL;
    ngx_http_aerospike_record_id id;
    if (!ngx_http_aerospike_ctx_of(r)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_int_t rc = ngx_http_aerospike_target_evaluate(r, &conf->target, &id, &reason);
    if (rc != NGX_OK) {
        return ngx_http_aerospike_refuse(r, rc, reason);
    }
    ngx_http_aerospike_work work;
    rc = ngx_http_aerospike_work_make(r, conf, body, &work, &reason);
    if (rc == NGX_OK && work.is_write) {
        rc = apply_settings(r, conf, &work, &reason);
        if (rc == NGX_OK) {
            rc = apply_conditions(r, &work, &reason);
        }
    }
    if (rc == NGX_OK &&
        ngx_http_aerospike_call(r, &id, &work, NULL, on_done, NULL) != AEROSPIKE_OK) {
        rc = NGX_DECLINED;
    }
    ngx_http_aerospike_work_done(&work);
    as_key_destroy(&id.key);
    return ngx_http_aerospike_refuse(r, rc, reason);
}

/* ---- request: body ---- */

/* In one piece. Bodies that nginx wrote to a file (client_body_in_file_only) come from there. Of
   one over `most` bytes only the length is told. */
static ngx_int_t collect_body(ngx_http_request_t* r, size_t most, ngx_str_t* ret_body)
{
    size_t size = 0;
    for (ngx_chain_t* link = r->request_body->bufs; link; link = link->next) {
        size += (size_t)ngx_buf_size(link->buf);
    }
    if (size > most) {
        ret_body->len = size;
        return NGX_OK;
    }
    ret_body->len = 0;
    ret_body->data = ngx_pnalloc(r->pool, size + 1);
    if (!ret_body->data) {
        return NGX_ERROR;
    }
    for (ngx_chain_t* link = r->request_body->bufs; link; link = link->next) {
        u_char* end = ret_body->data + ret_body->len;
        size_t part = (size_t)ngx_buf_size(link->buf);
        if (link->buf->in_file) {
            ssize_t count = ngx_read_file(link->buf->file, end, part, link->buf->file_pos);
            if (count != (ssize_t)part) {
                return NGX_ERROR;
            }
        } else {
            ngx_memcpy(end, link->buf->pos, part);
        }
        ret_body->len += part;
    }
    return NGX_OK;
}

static void begin(ngx_http_request_t* r, const ngx_str_t* body)
{
    ngx_int_t rc = start(r, body);
    if (rc == NGX_DECLINED) {
        on_done(r, NULL, NULL);
        return;
    }
    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }
    if (!r->discard_body && r == r->main) {
        r->read_event_handler = ngx_http_test_reading; /* notices a client that leaves */
    }
}

static void on_body(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    ngx_str_t body = {0, (u_char*)""};
    if (r->request_body && r->request_body->bufs &&
        collect_body(r, conf->max_value_size, &body) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    if (body.len > conf->max_value_size) {
        ngx_http_finalize_request(
            r, ngx_http_aerospike_refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                         "the body exceeds aerospike_max_value_size"));
        return;
    }
    begin(r, &body);
}

/* ---- request: handler ---- */

static ngx_int_t answer_not_allowed(ngx_http_request_t* r, ngx_uint_t allowed)
{
    static const struct {
        const char* name;
        ngx_uint_t bit;
    } names[] = {{"GET", NGX_HTTP_GET}, {"HEAD", NGX_HTTP_HEAD},     {"POST", NGX_HTTP_POST},
                 {"PUT", NGX_HTTP_PUT}, {"DELETE", NGX_HTTP_DELETE}, {"PATCH", NGX_HTTP_PATCH}};
    u_char* text = ngx_pnalloc(r->pool, 64);
    if (!text) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    u_char* end = text;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (allowed & names[i].bit) {
            end = ngx_sprintf(end, "%s%s", end == text ? "" : ", ", names[i].name);
        }
    }
    ngx_str_t value = {(size_t)(end - text), text};
    return ngx_http_aerospike_add_header(r, "Allow", &value) == NGX_OK
               ? NGX_HTTP_NOT_ALLOWED
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

ngx_int_t ngx_http_aerospike_handler(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    ngx_uint_t allowed = ngx_http_aerospike_methods(conf);
    if (!(r->method & allowed)) {
        return answer_not_allowed(r, allowed);
    }
    if (ngx_http_aerospike_needs_body(conf, r->method)) {
        if (r->headers_in.content_length_n > (off_t)conf->max_value_size) {
            return ngx_http_aerospike_refuse(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                             "the body exceeds aerospike_max_value_size");
        }
        r->request_body_in_single_buf = 1;
        ngx_int_t rc = ngx_http_read_client_request_body(r, on_body);
        return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
    }
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }
    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->main->count++; /* until on_done */
    begin(r, NULL);
    return NGX_DONE;
}
