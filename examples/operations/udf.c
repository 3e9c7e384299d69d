/*
 * A function in Lua that runs on the server, on one record: given to the cluster, called, and one
 * that fails.  udf [HOSTS]
 */
#include "example.h"
#include <aerospike/aerospike_udf.h>
#include <aerospike/as_arraylist.h>
#include <aerospike/as_bytes.h>
#include <stdio.h>
#include <string.h>

/* Its name on the servers; without the ending that of the package. */
#define FILE_NAME "rec.lua"
#define PACKAGE "rec"

static const char source[] = "function put_bin(r, name, value)\n"
                             "    r[name] = value\n"
                             "    if aerospike:exists(r) then return aerospike:update(r) end\n"
                             "    return aerospike:create(r)\n"
                             "end\n"
                             "function get_bin(r, name) return r[name] end\n"
                             "function fail(r, text) error(text, 0) end\n";

static void on_removed(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    example_end(udata, "remove", err);
}

static void on_failed(as_error* err, as_val* value, void* udata, as_event_loop* event_loop)
{
    (void)value;
    example* ex = udata;
    as_error failed;
    /* What the function said stands behind the status. */
    if (!err || err->code != AEROSPIKE_ERR_UDF || !strstr(err->message, "no more tea")) {
        example_end(ex, "fail", err);
        ex->has_failed = true;
        return;
    }
    printf("%-28s %s\n", "a failure", err->message);
    if (aerospike_key_remove_async(&ex->as, &failed, NULL, &ex->key, on_removed, ex, event_loop,
                                   NULL) != AEROSPIKE_OK) {
        example_end(ex, "remove", &failed);
    }
}

/* Calls a function with these arguments, which are only read during the call. */
static void call(example* ex, const char* function, as_arraylist* arguments,
                 as_async_value_listener listener, as_event_loop* event_loop)
{
    as_error err;
    if (aerospike_key_apply_async(&ex->as, &err, NULL, &ex->key, PACKAGE, function,
                                  (as_list*)arguments, listener, ex, event_loop,
                                  NULL) != AEROSPIKE_OK) {
        example_end(ex, function, &err);
    }
    as_arraylist_destroy(arguments);
}

/* The value is the library's and goes when this returns. */
static void on_got(as_error* err, as_val* value, void* udata, as_event_loop* event_loop)
{
    example* ex = udata;
    if (err) {
        example_end(ex, "get_bin", err);
    } else if (example_expect(ex, "the bin", value, "\"tea\"")) {
        as_arraylist arguments;
        as_arraylist_inita(&arguments, 1);
        as_arraylist_append_str(&arguments, "no more tea");
        call(ex, "fail", &arguments, on_failed, event_loop);
    }
}

static void on_put(as_error* err, as_val* value, void* udata, as_event_loop* event_loop)
{
    example* ex = udata;
    if (err) {
        example_end(ex, "put_bin", err);
    } else if (example_expect(ex, "what put_bin returned", value, "0")) {
        as_arraylist arguments;
        as_arraylist_inita(&arguments, 1);
        as_arraylist_append_str(&arguments, "drink");
        call(ex, "get_bin", &arguments, on_got, event_loop);
    }
}

static void on_registered(as_error* err, void* udata, as_event_loop* event_loop)
{
    if (err) {
        example_end(udata, "put", err);
        return;
    }
    as_arraylist arguments;
    as_arraylist_inita(&arguments, 2);
    as_arraylist_append_str(&arguments, "drink");
    as_arraylist_append_str(&arguments, "tea");
    call(udata, "put_bin", &arguments, on_put, event_loop);
}

/* Some node takes it, and answers when all have it. */
static void give(example* ex)
{
    as_error err;
    as_bytes content;
    as_bytes_init_wrap(&content, (uint8_t*)(uintptr_t)source, sizeof(source) - 1, false);
    as_policy_info policy;
    as_policy_info_init(&policy);
    policy.timeout = 10000;
    if (aerospike_udf_put_async(&ex->as, &err, &policy, FILE_NAME, AS_UDF_TYPE_LUA, &content,
                                on_registered, ex, NULL) != AEROSPIKE_OK) {
        example_end(ex, "put", &err);
    }
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "udf", give);
}
