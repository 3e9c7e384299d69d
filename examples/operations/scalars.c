/*
 * Several operations on one record in one command: a counter, a log line, and what they are now.
 *     scalars [HOSTS]
 */
#include "example.h"

static void on_counted(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    example* ex = udata;
    if (err) {
        example_end(ex, "operate", err);
        return;
    }
    /* One bin per result, in the order of the operations; the counter is there twice. */
    const as_bin* bins = record->bins.entries;
    if (example_expect(ex, "visits before", bins[0].valuep, "5") &&
        example_expect(ex, "visits after", bins[1].valuep, "6") &&
        example_expect(ex, "log", as_record_get(record, "log"), "\"in out\"")) {
        example_end(ex, "operate", NULL);
    }
}

static void count(example* ex, as_event_loop* event_loop)
{
    as_error err;
    as_operations ops;
    as_operations_inita(&ops, 6);
    as_operations_add_read(&ops, "visits");
    as_operations_add_incr(&ops, "visits", 1);
    as_operations_add_read(&ops, "visits");
    as_operations_add_append_str(&ops, "log", " out");
    as_operations_add_read(&ops, "log");
    as_operations_add_touch(&ops);
    ops.ttl = AS_RECORD_NO_EXPIRE_TTL;
    if (aerospike_key_operate_async(&ex->as, &err, NULL, &ex->key, &ops, on_counted, ex, event_loop,
                                    NULL) != AEROSPIKE_OK) {
        example_end(ex, "operate", &err);
    }
    as_operations_destroy(&ops);
}

static void on_made(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)record;
    if (err) {
        example_end(udata, "make", err);
    } else {
        count(udata, event_loop);
    }
}

static void make(example* ex)
{
    as_error err;
    as_operations ops;
    as_operations_inita(&ops, 3);
    as_operations_add_delete(&ops); /* whatever an earlier run left */
    as_operations_add_write_int64(&ops, "visits", 5);
    as_operations_add_write_str(&ops, "log", "in");
    if (aerospike_key_operate_async(&ex->as, &err, NULL, &ex->key, &ops, on_made, ex, NULL, NULL) !=
        AEROSPIKE_OK) {
        example_end(ex, "make", &err);
    }
    as_operations_destroy(&ops);
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "scalars", make);
}
