/*
 * aerospike_status: the whole host from the segments of the configured clusters, whichever worker
 * answers. Tables, JSON and Prometheus text are tendril-shm's own.
 */
#include "status.h"
#include "module.h"

#include "tool.h"

#include <stdlib.h>
#include <time.h>

/* Ages of the map, as tendril-shm has them without options. */
#define STATUS_WARN_SECONDS 5
#define STATUS_CRIT_SECONDS 30

typedef enum status_format {
    STATUS_HTML = 0,
    STATUS_TEXT,
    STATUS_JSON,
    STATUS_PROMETHEUS,
} status_format;

static const struct {
    const char* name;
    const char* content_type;
} formats[] = {
    [STATUS_HTML] = {"html", "text/html; charset=utf-8"},
    [STATUS_TEXT] = {"text", "text/plain; charset=utf-8"},
    [STATUS_JSON] = {"json", "application/json"},
    [STATUS_PROMETHEUS] = {"prometheus", "text/plain; version=0.0.4; charset=utf-8"},
};

/* ---- what the sources of tendril-shm want of their program ---- */

uint64_t tool_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void tool_complain(const char* format, ...)
{
    (void)format; /* readings are made, and errors said, here */
}

int tool_choose(const tool_options* options, as_error* err)
{
    return options->id >= 0 ? options->id : tnd_inspect_find(options->key, err);
}

bool tool_read(const tool_options* options, tnd_inspection* ret_seen, as_error* err)
{
    int id = tool_choose(options, as_error_init(err));
    return id >= 0 && tnd_inspect_read(id, tool_now_ms(), ret_seen, err) == AEROSPIKE_OK;
}

/* ---- reading ---- */

static void cluster_read(status_cluster* self, ngx_http_aerospike_cluster* cluster)
{
    as_error err;
    aerospike* as = ngx_http_aerospike_client_of(cluster);
    const as_config* config = as ? aerospike_load_config(as) : &cluster->config;
    self->name = (const char*)cluster->name.data;
    self->key = cluster->config.shm_key;
    self->is_shared = config->use_shm;
    if (!self->is_shared) {
        snprintf(self->error, sizeof(self->error), "%s",
                 "no segment: each worker tends for itself");
        return;
    }
    int id = tnd_inspect_find(self->key, as_error_init(&err));
    self->is_read =
        id >= 0 && tnd_inspect_read(id, tool_now_ms(), &self->seen, &err) == AEROSPIKE_OK;
    if (!self->is_read) {
        snprintf(self->error, sizeof(self->error), "%.255s", err.message);
    }
}

/* ---- writing ---- */

static void write_text(FILE* out, const status_cluster* self)
{
    static tool_rates none; /* there is no frame before this one */
    none.is_set = false;
    term t = {.out = out, .has_unicode = true};
    tool_options options = {.format = TOOL_TABLE,
                            .id = self->seen.segment.id,
                            .warn_seconds = STATUS_WARN_SECONDS,
                            .crit_seconds = STATUS_CRIT_SECONDS};
    fprintf(out, "cluster %s\n", self->name);
    if (self->is_read) {
        tool_show(&options, &t, &none);
    } else {
        fprintf(out, "  %s\n", self->error);
    }
}

static void write_json(FILE* out, const status_cluster* clusters, size_t count)
{
    fputs("{\"clusters\":[", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", out);
        json_text(out, clusters[i].name);
        fputs(clusters[i].is_read ? ",\"state\":" : ",\"error\":", out);
        if (clusters[i].is_read) {
            json_segment(out, &clusters[i].seen);
        } else {
            json_text(out, clusters[i].error);
        }
        fputc('}', out);
    }
    fputs("]}\n", out);
}

/* Families stand once, with a sample per segment. */
static void write_prometheus(FILE* out, const status_cluster* clusters, size_t count)
{
    tnd_inspection* seen = calloc(count + 1, sizeof(*seen));
    uint32_t seen_count = 0;
    for (size_t i = 0; seen && i < count; i++) {
        if (clusters[i].is_read) {
            seen[seen_count++] = clusters[i].seen;
        }
    }
    if (seen) {
        prometheus_write(out, seen, seen_count);
    }
    free(seen);
}

static void write_status(FILE* out, status_format format, const status_cluster* clusters,
                         size_t count)
{
    switch (format) {
    case STATUS_HTML:
        ngx_http_aerospike_page_write(out, clusters, count);
        break;
    case STATUS_TEXT:
        for (size_t i = 0; i < count; i++) {
            write_text(out, &clusters[i]);
        }
        break;
    case STATUS_JSON:
        write_json(out, clusters, count);
        break;
    case STATUS_PROMETHEUS:
        write_prometheus(out, clusters, count);
        break;
    }
}

/* Reads all, writes all; heap memory that the caller frees. NULL without memory. */
static char* make_status(ngx_http_aerospike_main_conf* conf, status_format format, size_t* ret_size)
{
    ngx_http_aerospike_cluster** configured = conf->clusters.elts;
    size_t count = conf->clusters.nelts;
    status_cluster* clusters = calloc(count + 1, sizeof(*clusters));
    char* text = NULL;
    FILE* out = clusters ? open_memstream(&text, ret_size) : NULL;
    for (size_t i = 0; out && i < count; i++) {
        cluster_read(&clusters[i], configured[i]);
    }
    if (out) {
        write_status(out, format, clusters, count);
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    for (size_t i = 0; clusters && i < count; i++) {
        if (clusters[i].is_read) {
            tnd_inspect_done(&clusters[i].seen);
        }
    }
    free(clusters);
    return text;
}

/* ---- request ---- */

static ngx_int_t send_status(ngx_http_request_t* r, const char* text, size_t size,
                             status_format format)
{
    ngx_buf_t* buffer = ngx_create_temp_buf(r->pool, size + 1);
    if (!buffer) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    buffer->last = ngx_cpymem(buffer->pos, text, size);
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    ngx_str_t no_store = ngx_string("no-store");
    if (ngx_http_aerospike_add_header(r, "Cache-Control", &no_store) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t)size;
    r->headers_out.content_type.data = (u_char*)(uintptr_t)formats[format].content_type;
    r->headers_out.content_type.len = ngx_strlen(formats[format].content_type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    ngx_int_t rc = ngx_http_send_header(r);
    ngx_chain_t out = {buffer, NULL};
    return rc == NGX_ERROR || rc > NGX_OK || r->header_only ? rc : ngx_http_output_filter(r, &out);
}

static ngx_int_t status_handler(ngx_http_request_t* r)
{
    ngx_http_aerospike_loc_conf* conf = ngx_http_get_module_loc_conf(r, ngx_http_aerospike_module);
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }
    size_t size = 0;
    char* text = make_status(ngx_http_get_module_main_conf(r, ngx_http_aerospike_module),
                             (status_format)conf->status_format, &size);
    if (!text) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    rc = send_status(r, text, size, (status_format)conf->status_format);
    free(text);
    return rc;
}

char* ngx_http_aerospike_set_status(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_loc_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    bool is_known = cf->args->nelts == 1;
    conf->status_format = STATUS_HTML;
    for (ngx_uint_t i = 0; cf->args->nelts == 2 && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (words[1].len == ngx_strlen(formats[i].name) &&
            ngx_strncmp(words[1].data, formats[i].name, words[1].len) == 0) {
            conf->status_format = i;
            is_known = true;
        }
    }
    if (!is_known) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid format \"%V\": html, text, json or prometheus", &words[1]);
        return NGX_CONF_ERROR;
    }
    ngx_http_core_loc_conf_t* core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    core->handler = status_handler;
    return NGX_CONF_OK;
}
