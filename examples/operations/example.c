#include "example.h"

#include <aerospike/as_event.h>
#include <aerospike/as_monitor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void example_end(example* ex, const char* what, const as_error* err)
{
    if (err) {
        fprintf(stderr, "%s: %s (%d)\n", what, err->message, (int)err->code);
        ex->has_failed = true;
    }
    as_monitor_notify(&ex->done);
}

bool example_expect(example* ex, const char* what, const void* value, const char* expected)
{
    char* text = as_val_tostring(value);
    bool is_right = text && strcmp(text, expected) == 0;
    printf("%-28s %s\n", what, text ? text : "nothing");
    if (!is_right) {
        fprintf(stderr, "%s: %s expected\n", what, expected);
        ex->has_failed = true;
        as_monitor_notify(&ex->done);
    }
    free(text);
    return is_right;
}

typedef struct start {
    example* ex;
    void (*first)(example* ex);
} start;

static void on_connected(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    start* s = udata;
    if (err) {
        example_end(s->ex, "connect", err);
    } else {
        s->first(s->ex);
    }
}

int example_run(example* ex, int argc, char** argv, const char* key, void (*first)(example* ex))
{
    as_error err;
    as_config config;
    start s = {ex, first};
    ex->has_failed = false;
    as_event_loop* event_loop = as_event_create_loops(1);
    as_config_init(&config);
    as_config_add_hosts(&config, argc > 1 ? argv[1] : "127.0.0.1:3000", 3000);
    aerospike_init(&ex->as, &config);
    as_key_init_str(&ex->key, "test", "examples", key);
    as_monitor_init(&ex->done);
    as_monitor_begin(&ex->done);
    if (aerospike_connect_async(&ex->as, &err, on_connected, &s, event_loop) == AEROSPIKE_OK) {
        as_monitor_wait(&ex->done);
        aerospike_close(&ex->as, &err);
    } else {
        example_end(ex, "connect", &err);
    }
    aerospike_destroy(&ex->as);
    as_event_close_loops();
    return ex->has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
