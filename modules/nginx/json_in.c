/*
 * JSON to values, by jansson: integers keep 64 bits (larger ones are refused), depth is bounded,
 * duplicate members and zero bytes are refused.
 */
#include "module.h"

#include <aerospike/as_arraylist.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_orderedmap.h>
#include <jansson.h>

/* Lists and maps within each other. */
#define JSON_DEPTH_MAX 32

typedef struct json_in {
    bool blobs_as_objects;
    const char* reason; /* static text: why there is no value */
} json_in;

static as_val* convert(json_in* self, const json_t* json, int depth);

static as_val* fail(json_in* self, const char* reason)
{
    if (!self->reason) {
        self->reason = reason;
    }
    return NULL;
}

static as_val* convert_text(json_in* self, const json_t* json)
{
    char* copy = strdup(json_string_value(json));
    as_string* value = copy ? as_string_new(copy, true) : NULL;
    if (!value) {
        free(copy);
        return fail(self, "out of memory");
    }
    return (as_val*)value;
}

/* {"$blob":"base64"}. */
static as_val* convert_blob(json_in* self, const json_t* text)
{
    ngx_str_t from = {json_string_length(text), (u_char*)(uintptr_t)json_string_value(text)};
    ngx_str_t bytes = {0, malloc(from.len + 4)};
    if (!bytes.data || ngx_decode_base64(&bytes, &from) != NGX_OK) {
        free(bytes.data);
        return fail(self, "a \"$blob\" isn't base64");
    }
    as_bytes* value = as_bytes_new_wrap(bytes.data, (uint32_t)bytes.len, true);
    if (!value) {
        free(bytes.data);
    }
    return (as_val*)value;
}

static as_val* convert_list(json_in* self, const json_t* json, int depth)
{
    as_arraylist* list = as_arraylist_new((uint32_t)json_array_size(json), 0);
    if (!list) {
        return fail(self, "out of memory");
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        as_val* value = convert(self, json_array_get(json, i), depth + 1);
        if (!value || as_arraylist_append(list, value) != 0) {
            as_arraylist_destroy(list);
            return fail(self, "out of memory");
        }
    }
    return (as_val*)list;
}

static as_val* convert_map(json_in* self, json_t* json, int depth)
{
    as_orderedmap* map = as_orderedmap_new((uint32_t)json_object_size(json));
    if (!map) {
        return fail(self, "out of memory");
    }
    const char* name;
    json_t* member;
    json_object_foreach(json, name, member)
    {
        as_val* value = convert(self, member, depth + 1);
        as_val* key = value ? (as_val*)as_string_new_strdup(name) : NULL;
        if (!key || as_orderedmap_set(map, key, value) != 0) {
            as_orderedmap_destroy(map);
            return fail(self, "out of memory");
        }
    }
    return (as_val*)map;
}

static as_val* convert(json_in* self, const json_t* json, int depth)
{
    if (depth > JSON_DEPTH_MAX) {
        return fail(self, "the JSON is nested too deep");
    }
    switch (json_typeof(json)) {
    case JSON_NULL:
        return (as_val*)(uintptr_t)&as_nil;
    case JSON_TRUE:
    case JSON_FALSE:
        return (as_val*)as_boolean_new(json_is_true(json));
    case JSON_INTEGER:
        return (as_val*)as_integer_new((int64_t)json_integer_value(json));
    case JSON_REAL:
        return (as_val*)as_double_new(json_real_value(json));
    case JSON_STRING:
        return convert_text(self, json);
    case JSON_ARRAY:
        return convert_list(self, json, depth);
    case JSON_OBJECT:
        break;
    }
    json_t* blob = json_object_get(json, "$blob");
    if (self->blobs_as_objects && json_is_string(blob) && json_object_size(json) == 1) {
        return convert_blob(self, blob);
    }
    return convert_map(self, (json_t*)(uintptr_t)json, depth);
}

static json_t* load(const ngx_str_t* text, const char** ret_reason)
{
    json_error_t error;
    json_t* json = json_loadb((const char*)text->data, text->len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json) {
        return json;
    }
    switch (json_error_code(&error)) {
    case json_error_numeric_overflow:
        *ret_reason = "a number in the JSON is too big";
        break;
    case json_error_duplicate_key:
        *ret_reason = "a duplicate name in the JSON";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        *ret_reason = "a zero byte in the JSON";
        break;
    case json_error_stack_overflow:
        *ret_reason = "the JSON is nested too deep";
        break;
    case json_error_invalid_utf8:
        *ret_reason = "the JSON isn't UTF-8";
        break;
    default:
        *ret_reason = "the JSON is malformed";
    }
    return NULL;
}

as_val* ngx_http_aerospike_json_value(const ngx_str_t* text, bool blobs_as_objects,
                                      const char** ret_reason)
{
    json_t* json = load(text, ret_reason);
    if (!json) {
        return NULL;
    }
    json_in self = {.blobs_as_objects = blobs_as_objects};
    as_val* value = convert(&self, json, 0);
    json_decref(json);
    if (!value) {
        *ret_reason = self.reason ? self.reason : "out of memory";
    }
    return value;
}

static const char* add_write(json_in* self, const char* name, const json_t* member,
                             as_operations* ops)
{
    if (ngx_strlen(name) > AS_BIN_NAME_MAX_LEN || *name == '\0') {
        return "a bin's name has 1 to 15 bytes";
    }
    as_val* value = convert(self, member, 0);
    if (!value) {
        return self->reason ? self->reason : "out of memory";
    }
    if (!as_operations_add_write(ops, name, (as_bin_value*)value)) {
        as_val_destroy(value);
        return "too many bins";
    }
    return NULL;
}

void* ngx_http_aerospike_json_open(const ngx_str_t* text, ngx_uint_t* ret_count,
                                   const char** ret_reason)
{
    json_t* json = load(text, ret_reason);
    if (json && (!json_is_object(json) || json_object_size(json) == 0)) {
        *ret_reason = "the body must be a JSON object with at least one bin";
        json_decref(json);
        return NULL;
    }
    *ret_count = json ? json_object_size(json) : 0;
    return json;
}

const char* ngx_http_aerospike_json_writes(void* opened, bool blobs_as_objects, as_operations* ops)
{
    const char* reason = NULL;
    json_in self = {.blobs_as_objects = blobs_as_objects};
    const char* name;
    json_t* member;
    json_object_foreach((json_t*)opened, name, member)
    {
        if (!reason) {
            reason = add_write(&self, name, member, ops);
        }
    }
    json_decref(opened);
    return reason;
}
