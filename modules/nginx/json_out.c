/*
 * Records as JSON. Each value is written twice by the same code: counted first, then into a buffer
 * of that size.
 */
#include "module.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct output {
    u_char* pos; /* NULL: count only */
    size_t size;
    bool blobs_as_objects;
    const char* separator; /* of the list or map that is being written */
} output;

static void put_value(output* out, const as_val* value);

static void put(output* out, const void* bytes, size_t size)
{
    if (out->pos) {
        out->pos = ngx_cpymem(out->pos, bytes, size);
    }
    out->size += size;
}

static void put_text(output* out, const char* text)
{
    put(out, text, ngx_strlen(text));
}

static void put_string(output* out, const char* text, size_t size)
{
    u_char* bytes = (u_char*)(uintptr_t)text; /* nginx only reads */
    put(out, "\"", 1);
    if (out->pos) {
        out->pos = (u_char*)ngx_escape_json(out->pos, bytes, size);
    }
    out->size += size + ngx_escape_json(NULL, bytes, size);
    put(out, "\"", 1);
}

static void put_base64(output* out, const uint8_t* bytes, size_t size)
{
    put_text(out, out->blobs_as_objects ? "{\"$blob\":\"" : "\"");
    ngx_str_t from = {size, (u_char*)(uintptr_t)bytes};
    size_t to_size = ngx_base64_encoded_length(size);
    if (out->pos) {
        ngx_str_t to = {0, out->pos};
        ngx_encode_base64(&to, &from);
        out->pos += to_size;
    }
    out->size += to_size;
    put_text(out, out->blobs_as_objects ? "\"}" : "\"");
}

static void put_integer(output* out, int64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%lld", (long long)value);
    put(out, text, (size_t)size);
}

/* The shortest of the usual lengths that reads back as the same number. */
static void put_double(output* out, double value)
{
    char text[40] = "null"; /* JSON has no infinity and no NaN */
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    put_text(out, text);
}

static void put_described(output* out, const as_val* value)
{
    char* text = as_val_tostring(value);
    if (text) {
        put_string(out, text, ngx_strlen(text));
    } else {
        put_text(out, "null");
    }
    free(text);
}

/* ---- lists and maps ---- */

static bool put_element(as_val* value, void* udata)
{
    output* out = udata;
    put_text(out, out->separator);
    put_value(out, value);
    out->separator = ",";
    return true;
}

static void put_list(output* out, const as_list* list)
{
    out->separator = "";
    put(out, "[", 1);
    as_list_foreach(list, put_element, out);
    put(out, "]", 1);
    out->separator = ",";
}

/* JSON's names are strings: other keys are written as JSON within one. */
static void put_name(output* out, const as_val* key)
{
    if (as_val_type(key) == AS_STRING) {
        put_value(out, key);
        return;
    }
    char* text = as_val_tostring(key);
    put_string(out, text ? text : "", text ? ngx_strlen(text) : 0);
    free(text);
}

static bool put_member(const as_val* key, const as_val* value, void* udata)
{
    output* out = udata;
    put_text(out, out->separator);
    put_name(out, key);
    put(out, ":", 1);
    put_value(out, value);
    out->separator = ",";
    return true;
}

static void put_map(output* out, const as_map* map)
{
    out->separator = "";
    put(out, "{", 1);
    as_map_foreach(map, put_member, out);
    put(out, "}", 1);
    out->separator = ",";
}

/* ---- values and records ---- */

static void put_value(output* out, const as_val* value)
{
    const as_bin_value* any = (const as_bin_value*)value;
    switch (value ? as_val_type(value) : AS_NIL) {
    case AS_NIL:
        put_text(out, "null");
        break;
    case AS_BOOLEAN:
        put_text(out, any->boolean.value ? "true" : "false");
        break;
    case AS_INTEGER:
        put_integer(out, any->integer.value);
        break;
    case AS_DOUBLE:
        put_double(out, any->dbl.value);
        break;
    case AS_STRING:
        put_string(out, any->string.value, ngx_strlen(any->string.value));
        break;
    case AS_GEOJSON:
        put_text(out, any->string.value);
        break;
    case AS_BYTES:
        put_base64(out, any->bytes.value, any->bytes.size);
        break;
    case AS_LIST:
        put_list(out, &any->list);
        break;
    case AS_MAP:
        put_map(out, &any->map);
        break;
    default:
        put_described(out, value);
    }
}

static bool has_earlier(const as_bins* bins, uint16_t index)
{
    for (uint16_t i = 0; i < index; i++) {
        if (strcmp(bins->entries[i].name, bins->entries[index].name) == 0) {
            return true;
        }
    }
    return false;
}

/* Several operations on one bin have several results: the name's array. */
static void put_bin(output* out, const as_bins* bins, uint16_t index)
{
    const char* name = bins->entries[index].name;
    put_string(out, name, ngx_strlen(name));
    put(out, ":", 1);
    uint16_t count = 0;
    for (uint16_t i = index; i < bins->size; i++) {
        count += strcmp(bins->entries[i].name, name) == 0;
    }
    const char* separator = count > 1 ? "[" : "";
    for (uint16_t i = index; i < bins->size; i++) {
        if (strcmp(bins->entries[i].name, name) == 0) {
            put_text(out, separator);
            put_value(out, (as_val*)bins->entries[i].valuep);
            separator = ",";
        }
    }
    put_text(out, count > 1 ? "]" : "");
}

static void put_record(output* out, const as_record* record)
{
    const char* separator = "";
    put(out, "{", 1);
    for (uint16_t i = 0; i < record->bins.size; i++) {
        if (!has_earlier(&record->bins, i)) {
            put_text(out, separator);
            put_bin(out, &record->bins, i);
            separator = ",";
        }
    }
    put(out, "}", 1);
}

ngx_str_t ngx_http_aerospike_json(const as_record* record, bool blobs_as_objects, ngx_pool_t* pool)
{
    output counted = {.blobs_as_objects = blobs_as_objects};
    put_record(&counted, record);
    ngx_str_t text = {counted.size, ngx_pnalloc(pool, counted.size)};
    if (text.data) {
        output written = {.pos = text.data, .blobs_as_objects = blobs_as_objects};
        put_record(&written, record);
        assert(written.size == counted.size && written.pos == text.data + text.len);
    }
    return text;
}

ngx_str_t ngx_http_aerospike_plain(const as_val* value, bool blobs_as_objects, ngx_pool_t* pool)
{
    const as_bin_value* any = (const as_bin_value*)value;
    ngx_str_t text = {0, (u_char*)""};
    switch (as_val_type(value)) {
    case AS_NIL:
        return text;
    case AS_STRING:
    case AS_GEOJSON:
        text.len = ngx_strlen(any->string.value);
        text.data = ngx_pnalloc(pool, text.len + 1);
        if (text.data) {
            ngx_memcpy(text.data, any->string.value, text.len);
        }
        return text;
    case AS_BYTES:
        text.len = any->bytes.size;
        text.data = ngx_pnalloc(pool, text.len + 1);
        if (text.data && text.len > 0) {
            ngx_memcpy(text.data, any->bytes.value, text.len);
        }
        return text;
    default:
        break;
    }
    output counted = {.blobs_as_objects = blobs_as_objects};
    put_value(&counted, value);
    text.len = counted.size;
    text.data = ngx_pnalloc(pool, counted.size);
    if (text.data) {
        output written = {.pos = text.data, .blobs_as_objects = blobs_as_objects};
        put_value(&written, value);
    }
    return text;
}
