/*
 * A record with lists and maps: put, then get.  records [HOSTS]
 */
#include "example.h"
#include <aerospike/as_arraylist.h>
#include <aerospike/as_hashmap.h>
#include <aerospike/as_stringmap.h>

static void on_removed(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    example_end(udata, "remove", err);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    example* ex = udata;
    if (err) {
        example_end(ex, "get", err);
        return;
    }
    /* The record is the library's and goes when this returns: what should stay is reserved (lists
       and maps) or copied. */
    as_list* tags = as_record_get_list(record, "tags");
    as_map* owner = as_record_get_map(record, "owner");
    if (!example_expect(ex, "tags", tags, "[\"red\", \"blue\", 3]") ||
        !example_expect(ex, "owner", owner, "{\"age\":30, \"name\":\"Ann\"}") ||
        !example_expect(ex, "second tag", as_list_get(tags, 1), "\"blue\"")) {
        return;
    }
    as_error failed;
    if (aerospike_key_remove_async(&ex->as, &failed, NULL, &ex->key, on_removed, ex, event_loop,
                                   NULL) != AEROSPIKE_OK) {
        example_end(ex, "remove", &failed);
    }
}

static void on_put(as_error* err, void* udata, as_event_loop* event_loop)
{
    example* ex = udata;
    as_error failed;
    if (err) {
        example_end(ex, "put", err);
    } else if (aerospike_key_get_async(&ex->as, &failed, NULL, &ex->key, on_record, ex, event_loop,
                                       NULL) != AEROSPIKE_OK) {
        example_end(ex, "get", &failed);
    }
}

static void put(example* ex)
{
    as_error err;
    as_arraylist tags; /* on the stack: all is sent during the call */
    as_arraylist_inita(&tags, 3);
    as_arraylist_append_str(&tags, "red");
    as_arraylist_append_str(&tags, "blue");
    as_arraylist_append_int64(&tags, 3);
    as_hashmap owner;
    as_hashmap_init(&owner, 2);
    as_stringmap_set_str((as_map*)&owner, "name", "Ann");
    as_stringmap_set_int64((as_map*)&owner, "age", 30);

    as_record record;
    as_record_inita(&record, 2);
    as_record_set_list(&record, "tags", (as_list*)&tags); /* the record owns them from here on */
    as_record_set_map(&record, "owner", (as_map*)&owner);
    if (aerospike_key_put_async(&ex->as, &err, NULL, &ex->key, &record, on_put, ex, NULL, NULL) !=
        AEROSPIKE_OK) {
        example_end(ex, "put", &err);
    }
    as_record_destroy(&record);
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "records", put);
}
