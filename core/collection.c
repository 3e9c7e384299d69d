/*
 * The interfaces that other types implement: lists, maps, records. Making one, releasing its
 * content through the hook, and the text form, which walks it through its hooks.
 */
#include <aerospike/as_list.h>
#include <aerospike/as_map.h>
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
    bool is_list = v->type == AS_LIST;

    if (v->type == AS_REC) {
        return tnd_strdup("[ REC ]");
    }

    tnd_buf_init(&writer.buf, TEXT_BYTES_MAX);
    tnd_buf_append_text(&writer.buf, is_list ? "[" : "{");
    if (is_list) {
        as_list_foreach((const as_list*)v, text_element, &writer);
    } else {
        as_map_foreach((const as_map*)v, text_entry, &writer);
    }
    tnd_buf_append_bytes(&writer.buf, is_list ? "]" : "}", 2);
    if (!tnd_buf_is_ok(&writer.buf)) {
        tnd_buf_done(&writer.buf);
        return NULL;
    }
    return (char*)writer.buf.data; /* malloc memory, the caller's from here on */
}
