/*
 * A list as a bounded history: the newest five entries, and the highest of them.  lists [HOSTS]
 */
#include "example.h"
#include <aerospike/as_arraylist.h>
#include <aerospike/as_list_operations.h>

#define NEWEST 5

static void on_added(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    example* ex = udata;
    if (err) {
        example_end(ex, "operate", err);
        return;
    }
    /* size, removed, the whole, the highest: one bin each, all of one name */
    const as_bin* bins = record->bins.entries;
    if (example_expect(ex, "size after append", bins[0].valuep, "7") &&
        example_expect(ex, "dropped by trim", bins[1].valuep, "2") &&
        example_expect(ex, "the newest", bins[2].valuep, "[4, 1, 9, 2, 6]") &&
        example_expect(ex, "the highest", bins[3].valuep, "9")) {
        example_end(ex, "operate", NULL);
    }
}

static void add(example* ex)
{
    as_error err;
    as_operations ops;
    as_arraylist entries;
    as_arraylist_inita(&entries, 7);
    static const int values[] = {7, 3, 4, 1, 9, 2, 6};
    for (int i = 0; i < 7; i++) {
        as_arraylist_append_int64(&entries, values[i]);
    }
    as_operations_inita(&ops, 5);
    as_operations_add_delete(&ops);
    /* The arguments of list operations are consumed. */
    as_operations_list_append_items(&ops, "history", NULL, NULL, (as_list*)&entries);
    as_operations_list_trim(&ops, "history", NULL, -NEWEST, NEWEST);
    as_operations_list_get_range_from(&ops, "history", NULL, 0);
    as_operations_list_get_by_rank(&ops, "history", NULL, -1, AS_LIST_RETURN_VALUE);
    if (aerospike_key_operate_async(&ex->as, &err, NULL, &ex->key, &ops, on_added, ex, NULL,
                                    NULL) != AEROSPIKE_OK) {
        example_end(ex, "operate", &err);
    }
    as_operations_destroy(&ops);
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "lists", add);
}
