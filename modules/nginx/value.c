/*
 * Text to values: what stands in variables and bodies becomes keys and bins.
 */
#include "module.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const struct {
    const char* name;
    ngx_http_aerospike_type type;
} types[] = {
    {"string", NGX_HTTP_AEROSPIKE_STRING},   {"int", NGX_HTTP_AEROSPIKE_INT},
    {"float", NGX_HTTP_AEROSPIKE_FLOAT},     {"bool", NGX_HTTP_AEROSPIKE_BOOL},
    {"blob", NGX_HTTP_AEROSPIKE_BLOB},       {"base64", NGX_HTTP_AEROSPIKE_BASE64},
    {"hex", NGX_HTTP_AEROSPIKE_HEX},         {"json", NGX_HTTP_AEROSPIKE_JSON},
    {"geojson", NGX_HTTP_AEROSPIKE_GEOJSON}, {"digest", NGX_HTTP_AEROSPIKE_DIGEST},
};

bool ngx_http_aerospike_type_parse(const ngx_str_t* word, ngx_http_aerospike_type* ret_type)
{
    static const char start[] = "type=";
    ngx_str_t name = *word;
    if (name.len > sizeof(start) - 1 && ngx_strncmp(name.data, start, sizeof(start) - 1) == 0) {
        name.data += sizeof(start) - 1;
        name.len -= sizeof(start) - 1;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (ngx_strlen(types[i].name) == name.len &&
            ngx_strncmp(types[i].name, name.data, name.len) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    }
    return false;
}

char* ngx_http_aerospike_text(ngx_pool_t* pool, const ngx_str_t* text)
{
    u_char* copy = ngx_pnalloc(pool, text->len + 1);
    if (copy) {
        ngx_memcpy(copy, text->data, text->len);
        copy[text->len] = '\0';
    }
    return (char*)copy;
}

/* ---- numbers ---- */

bool ngx_http_aerospike_integer_parse(const ngx_str_t* text, int64_t* ret_value)
{
    char digits[24];
    if (text->len == 0 || text->len >= sizeof(digits)) {
        return false;
    }
    ngx_memcpy(digits, text->data, text->len);
    digits[text->len] = '\0';
    size_t start = digits[0] == '-' ? 1 : 0;
    if (digits[start] == '\0' || strspn(digits + start, "0123456789") != text->len - start) {
        return false;
    }
    errno = 0;
    long long value = strtoll(digits, NULL, 10);
    *ret_value = value;
    return errno == 0;
}

static bool float_parse(const ngx_str_t* text, double* ret_value)
{
    char digits[64];
    if (text->len == 0 || text->len >= sizeof(digits)) {
        return false;
    }
    ngx_memcpy(digits, text->data, text->len);
    digits[text->len] = '\0';
    char* end;
    *ret_value = strtod(digits, &end);
    /* No hex numbers, words or spaces. */
    return end == digits + text->len && strspn(digits, "0123456789+-.eE") == text->len &&
           isfinite(*ret_value);
}

static bool bool_parse(const ngx_str_t* text, bool* ret_value)
{
    bool is_true = (text->len == 1 && text->data[0] == '1') ||
                   (text->len == 4 && ngx_strncasecmp(text->data, (u_char*)"true", 4) == 0);
    bool is_false = (text->len == 1 && text->data[0] == '0') ||
                    (text->len == 5 && ngx_strncasecmp(text->data, (u_char*)"false", 5) == 0);
    *ret_value = is_true;
    return is_true || is_false;
}

/* ---- bytes ---- */

static int hex_digit(u_char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (u_char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ngx_http_aerospike_unhex(const ngx_str_t* text, u_char* ret_bytes)
{
    if (text->len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < text->len; i += 2) {
        int high = hex_digit(text->data[i]), low = hex_digit(text->data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i / 2] = (u_char)(high << 4 | low);
    }
    return true;
}

/* Borrows from the pool. */
static as_val* bytes_new(ngx_pool_t* pool, ngx_http_aerospike_type type, const ngx_str_t* text,
                         const char** ret_reason)
{
    ngx_str_t bytes = {0, ngx_pnalloc(pool, text->len + 4)};
    if (!bytes.data) {
        *ret_reason = NULL;
        return NULL;
    }
    if (type == NGX_HTTP_AEROSPIKE_BLOB) {
        ngx_memcpy(bytes.data, text->data, text->len);
        bytes.len = text->len;
    } else if (type == NGX_HTTP_AEROSPIKE_HEX) {
        bytes.len = text->len / 2;
        if (!ngx_http_aerospike_unhex(text, bytes.data)) {
            *ret_reason = "a value isn't hex digits";
            return NULL;
        }
    } else {
        ngx_str_t from = *text;
        if (ngx_decode_base64(&bytes, &from) != NGX_OK) {
            *ret_reason = "a value isn't base64";
            return NULL;
        }
    }
    return (as_val*)as_bytes_new_wrap(bytes.data, (uint32_t)bytes.len, false);
}

static as_val* text_new(ngx_pool_t* pool, ngx_http_aerospike_type type, const ngx_str_t* text,
                        const char** ret_reason)
{
    char* copy = ngx_http_aerospike_text(pool, text);
    if (copy && ngx_strlen(copy) != text->len) {
        *ret_reason = "a zero byte in a string: type=blob takes them";
        return NULL;
    }
    if (!copy) {
        return NULL;
    }
    return type == NGX_HTTP_AEROSPIKE_GEOJSON ? (as_val*)as_geojson_new(copy, false)
                                              : (as_val*)as_string_new(copy, false);
}

as_val* ngx_http_aerospike_value_new(ngx_pool_t* pool, ngx_http_aerospike_type type,
                                     const ngx_str_t* text, const char** ret_reason)
{
    int64_t integer;
    double number;
    bool flag;
    *ret_reason = NULL;
    switch (type) {
    case NGX_HTTP_AEROSPIKE_INT:
        if (!ngx_http_aerospike_integer_parse(text, &integer)) {
            *ret_reason = "a value is no integer of 64 bits";
            return NULL;
        }
        return (as_val*)as_integer_new(integer);
    case NGX_HTTP_AEROSPIKE_FLOAT:
        if (!float_parse(text, &number)) {
            *ret_reason = "a value is no number";
            return NULL;
        }
        return (as_val*)as_double_new(number);
    case NGX_HTTP_AEROSPIKE_BOOL:
        if (!bool_parse(text, &flag)) {
            *ret_reason = "a value is neither true nor false";
            return NULL;
        }
        return (as_val*)as_boolean_new(flag);
    case NGX_HTTP_AEROSPIKE_BLOB:
    case NGX_HTTP_AEROSPIKE_BASE64:
    case NGX_HTTP_AEROSPIKE_HEX:
    case NGX_HTTP_AEROSPIKE_DIGEST:
        return bytes_new(pool, type, text, ret_reason);
    case NGX_HTTP_AEROSPIKE_JSON:
        return ngx_http_aerospike_json_value(text, false, ret_reason);
    case NGX_HTTP_AEROSPIKE_STRING:
    case NGX_HTTP_AEROSPIKE_GEOJSON:
        break;
    }
    return text_new(pool, type, text, ret_reason);
}
