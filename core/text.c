/*
 * Text values: as_string and as_geojson, which differ in their type only; as_basename, as_strncpy.
 */
#include <aerospike/as_string.h>

#include <string.h>

#include <aerospike/as_geojson.h>

#include "core/mem.h"
#include "core/value.h"

_Static_assert(sizeof(as_geojson) == sizeof(as_string), "both are handled as as_string");
_Static_assert(offsetof(as_geojson, value) == offsetof(as_string, value), "likewise");

static as_string* text_fill(as_string* string, as_val_t type, bool on_heap, char* value, size_t len,
                            bool free)
{
    if (string) {
        as_val_init(&string->_, type, on_heap);
        string->free = free;
        string->value = value;
        string->len = len;
    }
    return string;
}

static as_string* text_new_strdup(as_val_t type, const char* value)
{
    size_t len = value ? strlen(value) : 0;
    char* copy = value ? tnd_memdup_text(value, len) : NULL;
    as_string* string;

    if (value && !copy) {
        return NULL;
    }
    string = text_fill(tnd_malloc(sizeof(as_string)), type, true, copy, len, true);
    if (!string) {
        tnd_free(copy);
    }
    return string;
}

static size_t text_len(as_string* string)
{
    if (!string) {
        return 0;
    }
    if (string->len == SIZE_MAX) {
        string->len = string->value ? strlen(string->value) : 0;
    }
    return string->len;
}

void tnd_text_release(as_val* v)
{
    as_string* string = (as_string*)v;

    if (string->free) {
        tnd_free(string->value);
    }
    string->value = NULL;
    string->len = 0;
}

char* tnd_text_tostring(const as_val* v)
{
    const as_string* string = (const as_string*)v;
    const char* value = string->value ? string->value : "";
    size_t len = strlen(value);
    char* text = tnd_malloc(len + 3);

    if (!text) {
        return NULL;
    }
    text[0] = '"';
    memcpy(text + 1, value, len);
    memcpy(text + 1 + len, "\"", 2);
    return text;
}

/* --- as_string --- */

as_string* as_string_init(as_string* string, char* value, bool free)
{
    return text_fill(string, AS_STRING, false, value, SIZE_MAX, free);
}

as_string* as_string_init_wlen(as_string* string, char* value, size_t len, bool free)
{
    return text_fill(string, AS_STRING, false, value, len, free);
}

as_string* as_string_new(char* value, bool free)
{
    return as_string_new_wlen(value, SIZE_MAX, free);
}

as_string* as_string_new_wlen(char* value, size_t len, bool free)
{
    return text_fill(tnd_malloc(sizeof(as_string)), AS_STRING, true, value, len, free);
}

as_string* as_string_new_strdup(const char* value)
{
    return text_new_strdup(AS_STRING, value);
}

size_t as_string_len(as_string* string)
{
    return text_len(string);
}

/* --- as_geojson --- */

as_geojson* as_geojson_init(as_geojson* string, char* value, bool free)
{
    return as_geojson_init_wlen(string, value, SIZE_MAX, free);
}

as_geojson* as_geojson_init_wlen(as_geojson* string, char* value, size_t len, bool free)
{
    return (as_geojson*)text_fill((as_string*)string, AS_GEOJSON, false, value, len, free);
}

as_geojson* as_geojson_new(char* value, bool free)
{
    return as_geojson_new_wlen(value, SIZE_MAX, free);
}

as_geojson* as_geojson_new_wlen(char* value, size_t len, bool free)
{
    as_string* string = tnd_malloc(sizeof(as_geojson));

    return (as_geojson*)text_fill(string, AS_GEOJSON, true, value, len, free);
}

as_geojson* as_geojson_new_strdup(const char* value)
{
    return (as_geojson*)text_new_strdup(AS_GEOJSON, value);
}

size_t as_geojson_len(as_geojson* string)
{
    return text_len((as_string*)string);
}

/* --- helpers --- */

const char* as_basename(as_string* filename, const char* path)
{
    size_t end = path ? strlen(path) : 0;
    size_t start;
    char* name;

    if (end == 0) {
        as_string_init_wlen(filename, (char*)".", 1, false);
        return filename->value;
    }
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    if (start == end) { /* nothing but slashes */
        start = 0;
        end = 1;
    }

    name = tnd_memdup_text(path + start, end - start);
    as_string_init_wlen(filename, name, name ? end - start : 0, true);
    return filename->value;
}

bool as_strncpy(char* trg, const char* src, int size)
{
    size_t len;
    bool is_cut;

    if (size <= 0) {
        return src && src[0];
    }
    if (!src) {
        trg[0] = '\0';
        return false;
    }
    for (len = 0; len < (size_t)size && src[len]; len++) {} /* strnlen: gcc minds longer bounds */
    is_cut = len == (size_t)size;
    if (is_cut) {
        len--;
    }
    memmove(trg, src, len);
    trg[len] = '\0';
    return is_cut;
}
