/*
 * The interfaces that other types implement: lists, maps, records. Making one, releasing its
 * content through the hook, and the text form, which walks it through its hooks.
 */
#include <aerospike/as_iterator.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
#include <aerospike/as_pair.h>
#include <aerospike/as_rec.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/value.h"

enum {
    TEXT_BYTES_MAX = 64 * 1024 * 1024, /* of a collection's text form */
};

as_list* as_list_cons(as_list* list, bool free, const as_list_hooks* hooks)
{
    if (list) {
        as_val_init(&list->_, AS_LIST, free);
        list->flags = 0;
        list->hooks = hooks;
    }
    return list;
}

as_list* as_list_init(as_list* list, const as_list_hooks* hooks)
{
    return as_list_cons(list, false, hooks);
}

as_list* as_list_new(const as_list_hooks* hooks)
{
    return as_list_cons(tnd_malloc(sizeof(as_list)), true, hooks);
}

as_map* as_map_cons(as_map* map, bool free, uint32_t flags, const as_map_hooks* hooks)
{
    if (map) {
        as_val_init(&map->_, AS_MAP, free);
        map->flags = flags;
        map->hooks = hooks;
    }
    return map;
}

as_map* as_map_init(as_map* map, const as_map_hooks* hooks)
{
    return as_map_cons(map, false, 0, hooks);
}

as_map* as_map_new(const as_map_hooks* hooks)
{
    return as_map_cons(tnd_malloc(sizeof(as_map)), true, 0, hooks);
}

as_rec* as_rec_cons(as_rec* rec, bool free, void* data, const as_rec_hooks* hooks)
{
    if (rec) {
        as_val_init(&rec->_, AS_REC, free);
        rec->data = data;
        rec->hooks = hooks;
    }
    return rec;
}

as_rec* as_rec_init(as_rec* rec, void* data, const as_rec_hooks* hooks)
{
    return as_rec_cons(rec, false, data, hooks);
}

as_rec* as_rec_new(void* data, const as_rec_hooks* hooks)
{
    return as_rec_cons(tnd_malloc(sizeof(as_rec)), true, data, hooks);
}

/* Stores a value that was made for it, or destroys it. */
static int rec_give(const as_rec* rec, const char* name, as_val* value)
{
    int result = value ? as_rec_set(rec, name, value) : 1;

    if (result != 0) {
        as_val_destroy(value);
    }
    return result;
}

int as_rec_set_int64(const as_rec* rec, const char* name, int64_t value)
{
    return rec_give(rec, name, (as_val*)as_integer_new(value));
}

int as_rec_set_double(const as_rec* rec, const char* name, double value)
{
    return rec_give(rec, name, (as_val*)as_double_new(value));
}

int as_rec_set_str(const as_rec* rec, const char* name, const char* value)
{
    return rec_give(rec, name, (as_val*)as_string_new_strdup(value));
}

void as_iterator_destroy(as_iterator* iterator)
{
    (void)as_util_hook(destroy, false, iterator);
    if (iterator && iterator->free) {
        tnd_free(iterator);
    }
}

void tnd_collection_release(as_val* v)
{
    switch (v->type) {
    case AS_LIST:
        (void)as_util_hook(destroy, false, (as_list*)v);
        break;
    case AS_MAP:
        (void)as_util_hook(destroy, false, (as_map*)v);
        break;
    default:
        (void)as_util_hook(destroy, false, (as_rec*)v);
        break;
    }
}

/* --- text --- */

typedef struct {
    tnd_buf buf;
    uint32_t count; /* elements written */
} text_writer;

static void text_value(text_writer* writer, const as_val* v)
{
    char* text = as_val_tostring(v);

    /* Empty bytes have no text: nothing is written for them. */
    if (text) {
        tnd_buf_append_text(&writer->buf, text);
        tnd_free(text);
    }
}

static void text_separator(text_writer* writer)
{
    if (writer->count++ > 0) {
        tnd_buf_append_text(&writer->buf, ", ");
    }
}

static bool text_element(as_val* value, void* udata)
{
    text_writer* writer = udata;

    text_separator(writer);
    text_value(writer, value);
    return tnd_buf_is_ok(&writer->buf);
}

static bool text_entry(const as_val* key, const as_val* value, void* udata)
{
    text_writer* writer = udata;

    text_separator(writer);
    text_value(writer, key);
    tnd_buf_append_text(&writer->buf, ":");
    text_value(writer, value);
    return tnd_buf_is_ok(&writer->buf);
}

char* tnd_collection_tostring(const as_val* v)
{
    text_writer writer = {.count = 0};

    if (v->type == AS_REC) {
        return tnd_strdup("[ REC ]");
    }
    tnd_buf_init(&writer.buf, TEXT_BYTES_MAX);
    switch (v->type) {
    case AS_LIST:
        tnd_buf_append_text(&writer.buf, "[");
        as_list_foreach((const as_list*)v, text_element, &writer);
        tnd_buf_append_bytes(&writer.buf, "]", 2);
        break;
    case AS_MAP:
        tnd_buf_append_text(&writer.buf, "{");
        as_map_foreach((const as_map*)v, text_entry, &writer);
        tnd_buf_append_bytes(&writer.buf, "}", 2);
        break;
    default:
        tnd_buf_append_text(&writer.buf, "(");
        text_element(as_pair_1((as_pair*)v), &writer);
        text_element(as_pair_2((as_pair*)v), &writer);
        tnd_buf_append_bytes(&writer.buf, ")", 2);
        break;
    }
    if (!tnd_buf_is_ok(&writer.buf)) {
        tnd_buf_done(&writer.buf);
        return NULL;
    }
    return (char*)writer.buf.data; /* malloc memory, the caller's from here on */
}
