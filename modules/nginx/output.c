/*
 * Each value is written twice by the same code: counted first, then into a buffer of that size.
 */
#include "output.h"

#include <aerospike/as_record_iterator.h>
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct output {
    u_char* pos; /* NULL: count only */
    size_t size;
} output;

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
    put(out, "\"", 1);
    ngx_str_t from = {size, (u_char*)(uintptr_t)bytes};
    if (out->pos) {
        ngx_str_t to = {0, out->pos};
        ngx_encode_base64(&to, &from);
        out->pos += to.len;
    }
    out->size += ngx_base64_encoded_length(size);
    put(out, "\"", 1);
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

static void put_described(output* out, as_val* value)
{
    char* text = as_val_tostring(value);
    if (text) {
        put_string(out, text, ngx_strlen(text));
    } else {
        put_text(out, "null");
    }
    free(text);
}

static void put_value(output* out, as_bin_value* value)
{
    switch (as_val_type(value)) {
    case AS_NIL:
        put_text(out, "null");
        break;
    case AS_BOOLEAN:
        put_text(out, value->boolean.value ? "true" : "false");
        break;
    case AS_INTEGER:
        put_integer(out, value->integer.value);
        break;
    case AS_DOUBLE:
        put_double(out, value->dbl.value);
        break;
    case AS_STRING:
        put_string(out, value->string.value, as_string_len(&value->string));
        break;
    case AS_GEOJSON:
        put(out, value->string.value, as_string_len(&value->string));
        break;
    case AS_BYTES:
        put_base64(out, as_bytes_get(&value->bytes), as_bytes_size(&value->bytes));
        break;
    default:
        put_described(out, &value->nil);
    }
}

static void put_record(output* out, const as_record* record)
{
    as_record_iterator iterator;
    as_record_iterator_init(&iterator, record);
    const char* separator = "{";
    for (as_bin* bin; (bin = as_record_iterator_next(&iterator)) != NULL; separator = ",") {
        const char* name = as_bin_get_name(bin);
        put(out, separator, 1);
        put_string(out, name, ngx_strlen(name));
        put(out, ":", 1);
        put_value(out, as_bin_get_value(bin));
    }
    put_text(out, *separator == '{' ? "{}" : "}");
    as_record_iterator_destroy(&iterator);
}

ngx_str_t ngx_http_aerospike_json(const as_record* record, ngx_pool_t* pool)
{
    output counted = {NULL, 0};
    put_record(&counted, record);
    ngx_str_t text = {counted.size, ngx_pnalloc(pool, counted.size)};
    if (text.data) {
        output written = {text.data, 0};
        put_record(&written, record);
        assert(written.size == counted.size && written.pos == text.data + text.len);
    }
    return text;
}
