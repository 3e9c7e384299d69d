/*
 * Files of UDFs: the public calls, each an info request to some node; and the waits, rounds of
 * requests to all nodes with a pause between them.
 *
 * Possible failures of a wait
 *   - a node doesn't answer, or hasn't followed yet: another round, until its time is over.
 *   - the client closes: its requests end, and with them the wait.
 */
#include <aerospike/aerospike_info.h>
#include <aerospike/aerospike_udf.h>
#include <aerospike/as_sleep.h>
#include <stdlib.h>
#include <string.h>

#include "async/client.h"
#include "async/info.h"
#include "core/mem.h"
#include "core/udf.h"

enum {
    WAIT_INTERVAL_MS = 1000,
    WAIT_MS = 60000,
    REQUEST_BYTES_MAX = 2 * 1024 * 1024,
};

typedef struct udf_call {
    union {
        as_async_write_listener write;
        as_async_udf_list_listener list;
        as_async_udf_get_listener get;
    } listener;
    void* udata;
    char name[AS_UDF_FILE_NAME_SIZE];
} udf_call;

static as_status check_type(as_error* err, as_udf_type type)
{
    return type == AS_UDF_TYPE_LUA
               ? AEROSPIKE_OK
               : as_error_setallv(err, AEROSPIKE_ERR_PARAM, __func__, __FILE__, __LINE__,
                                  "UDFs of type %d are unknown: only Lua is known", (int)type);
}

static as_node* some_node(aerospike* as, as_error* err)
{
    as_node* node = as && as->cluster ? as_node_get_random(as->cluster) : NULL;
    if (!node) {
        as_error_set_message(err, AEROSPIKE_ERR_CLUSTER, "Cluster is empty");
    }
    return node;
}

/* The value of an answer of one line, cut to its end. */
static tnd_slice value_of(char* response)
{
    char* value = strchr(response, '\t');
    value = value ? value + 1 : response + strlen(response);
    return tnd_slice_of(value, strcspn(value, "\n"));
}

/* ---- one node ---- */

/* `request` is a text in a buffer, which is done with. Without OK the call is freed. */
static as_status call_start(udf_call* call, aerospike* as, as_error* err,
                            const as_policy_info* policy, tnd_buf* request,
                            as_async_info_listener on_answer, as_event_loop* event_loop)
{
    as_status status = err->code;
    as_node* node = status == AEROSPIKE_OK ? some_node(as, err) : NULL;
    if (node) {
        status =
            as_info_command_node_async(as, err, (as_policy_info*)(uintptr_t)policy, node,
                                       (const char*)request->data, on_answer, call, event_loop);
    }
    tnd_buf_done(request);
    if (!node || status != AEROSPIKE_OK) {
        tnd_free(call);
    }
    return err->code;
}

/* With the error's code set if there is no memory, or no listener. */
static udf_call* call_new(as_error* err, bool has_listener, void* udata, const char* filename)
{
    as_error_reset(err);
    if (!has_listener) {
        as_error_set_message(err, AEROSPIKE_ERR_PARAM, "A listener is needed");
        return NULL;
    }
    udf_call* call = tnd_calloc(1, sizeof(*call));
    if (!call) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a call about UDF files");
        return NULL;
    }
    const char* name = tnd_udf_name(filename);
    if (name) {
        memcpy(call->name, name, strlen(name) + 1);
    }
    call->udata = udata;
    return call;
}

static void on_changed(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    (void)response;
    udf_call call = *(udf_call*)udata;
    tnd_free(udata);
    if (err) {
        tnd_udf_explain(err);
    }
    call.listener.write(err, call.udata, event_loop);
}

static void on_list(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    udf_call call = *(udf_call*)udata;
    as_udf_files files;
    as_error bad;
    tnd_free(udata);
    as_udf_files_init(&files, 0);
    if (!err &&
        tnd_udf_read_list(&files, as_error_init(&bad), value_of(response)) != AEROSPIKE_OK) {
        err = &bad;
    }
    call.listener.list(err, err ? NULL : &files, call.udata, event_loop);
    as_udf_files_destroy(&files);
}

static void on_file(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    udf_call call = *(udf_call*)udata;
    as_udf_file file;
    as_error bad;
    tnd_free(udata);
    as_udf_file_init(&file);
    if (!err && tnd_udf_read_file(&file, as_error_init(&bad), value_of(response), call.name) !=
                    AEROSPIKE_OK) {
        err = &bad;
    }
    call.listener.get(err, err ? NULL : &file, call.udata, event_loop);
    as_udf_file_destroy(&file);
}

as_status aerospike_udf_list_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                   as_async_udf_list_listener listener, void* udata,
                                   as_event_loop* event_loop)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    udf_call* call = call_new(err, listener != NULL, udata, NULL);
    if (!call) {
        return err->code;
    }
    call->listener.list = listener;
    tnd_buf_append_bytes(&request, "udf-list", sizeof("udf-list"));
    if (!tnd_buf_is_ok(&request)) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a call about UDF files");
    }
    return call_start(call, as, err, policy, &request, on_list, event_loop);
}

as_status aerospike_udf_get_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                  const char* filename, as_udf_type type,
                                  as_async_udf_get_listener listener, void* udata,
                                  as_event_loop* event_loop)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    udf_call* call = call_new(err, listener != NULL, udata, filename);
    if (!call) {
        return err->code;
    }
    call->listener.get = listener;
    if (check_type(err, type) == AEROSPIKE_OK) {
        tnd_udf_ask(&request, err, "udf-get", filename);
    }
    return call_start(call, as, err, policy, &request, on_file, event_loop);
}

as_status aerospike_udf_put_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                  const char* filename, as_udf_type type, as_bytes* content,
                                  as_async_write_listener listener, void* udata,
                                  as_event_loop* event_loop)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    udf_call* call = call_new(err, listener != NULL, udata, filename);
    if (!call) {
        return err->code;
    }
    call->listener.write = listener;
    if (check_type(err, type) == AEROSPIKE_OK) {
        tnd_udf_put(&request, err, filename, content ? content->value : NULL,
                    content ? content->size : 0);
    }
    return call_start(call, as, err, policy, &request, on_changed, event_loop);
}

as_status aerospike_udf_remove_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                     const char* filename, as_async_write_listener listener,
                                     void* udata, as_event_loop* event_loop)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    udf_call* call = call_new(err, listener != NULL, udata, filename);
    if (!call) {
        return err->code;
    }
    call->listener.write = listener;
    tnd_udf_ask(&request, err, "udf-remove", filename);
    return call_start(call, as, err, policy, &request, on_changed, event_loop);
}

/* ---- all nodes ---- */

typedef struct udf_wait {
    udf_call call;
    bool is_removal;
    uint32_t interval_ms;
    uint64_t until_us;
    tnd_engine* engine;
    aerospike* as;
    as_policy_info policy;
    uint32_t asked, ready; /* nodes, in this round */
    as_error err;          /* of a node in this round */
} udf_wait;

static void wait_end(udf_wait* wait, as_error* err, as_event_loop* event_loop)
{
    udf_call call = wait->call;
    tnd_free(wait);
    call.listener.write(err, call.udata, event_loop);
}

static as_status wait_fail(const char* name, bool is_removal, const as_error* last, as_error* err)
{
    return as_error_setallv(err, AEROSPIKE_ERR_TIMEOUT, __func__, __FILE__, __LINE__,
                            "The UDF file %s is %s after %d seconds%s%s", name,
                            is_removal ? "still on some node" : "not on all nodes", WAIT_MS / 1000,
                            last->code != AEROSPIKE_OK ? ": " : "", last->message);
}

static bool on_node(as_error* err, const as_node* node, const char* request, char* response,
                    void* udata, as_event_loop* event_loop);

static as_status wait_round(udf_wait* wait, uint32_t pause_ms, as_event_loop* event_loop,
                            as_error* err)
{
    wait->asked = 0;
    wait->ready = 0;
    as_error_init(&wait->err);
    return tnd_info_each(wait->as, err, &wait->policy, "udf-list", pause_ms, on_node, wait,
                         event_loop);
}

static void wait_go_on(udf_wait* wait, as_event_loop* event_loop)
{
    as_error err;
    as_error_init(&err);
    if (wait->asked > 0 && wait->ready == wait->asked) {
        wait_end(wait, NULL, event_loop);
        return;
    }
    bool is_late = tnd_loop_now_us(wait->engine->loop) >= wait->until_us;
    if (wait->engine->is_closing) {
        as_error_set_message(&err, AEROSPIKE_ERR_CLIENT, "The client is closing");
    } else if (is_late) {
        wait_fail(wait->call.name, wait->is_removal, &wait->err, &err);
    } else if (wait_round(wait, wait->interval_ms, event_loop, &err) == AEROSPIKE_OK) {
        return;
    }
    wait_end(wait, &err, event_loop);
}

static bool on_node(as_error* err, const as_node* node, const char* request, char* response,
                    void* udata, as_event_loop* event_loop)
{
    (void)request;
    udf_wait* wait = udata;
    if (!node) {
        wait_go_on(wait, event_loop);
        return true;
    }
    wait->asked++;
    if (err) {
        as_error_copy(&wait->err, err);
    } else {
        bool is_there = tnd_udf_list_has(value_of(response), wait->call.name);
        wait->ready += is_there != wait->is_removal;
    }
    return true;
}

static as_status wait_start(const udf_wait* given, const char* filename, as_error* err,
                            const as_policy_info* policy, as_event_loop* event_loop)
{
    as_event_loop* entry;
    as_error_reset(err);
    if (!given->as || !given->call.listener.write || !tnd_udf_name(filename)) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM,
                                    "A client, the name of a UDF file and a listener are needed");
    }
    tnd_engine* engine = tnd_client_engine(given->as, event_loop, &entry, err);
    udf_wait* wait = engine ? tnd_malloc(sizeof(*wait)) : NULL;
    if (!engine) {
        return err->code;
    }
    if (!wait) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "Out of memory: a call about UDF files");
    }
    *wait = *given;
    wait->engine = engine;
    wait->policy = policy ? *policy : given->as->config.policies.info;
    wait->interval_ms = wait->interval_ms > 0 ? wait->interval_ms : WAIT_INTERVAL_MS;
    wait->until_us = tnd_loop_now_us(engine->loop) + (uint64_t)WAIT_MS * 1000;
    memcpy(wait->call.name, tnd_udf_name(filename), strlen(tnd_udf_name(filename)) + 1);
    if (wait_round(wait, 0, entry, err) != AEROSPIKE_OK) {
        tnd_free(wait);
    }
    return err->code;
}

as_status aerospike_udf_put_wait_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                       const char* filename, uint32_t interval_ms,
                                       as_async_write_listener listener, void* udata,
                                       as_event_loop* event_loop)
{
    udf_wait wait = {
        .call = {.listener.write = listener, .udata = udata}, .interval_ms = interval_ms, .as = as};
    return wait_start(&wait, filename, err, policy, event_loop);
}

as_status aerospike_udf_remove_wait_async(aerospike* as, as_error* err,
                                          const as_policy_info* policy, const char* filename,
                                          uint32_t interval_ms, as_async_write_listener listener,
                                          void* udata, as_event_loop* event_loop)
{
    udf_wait wait = {.call = {.listener.write = listener, .udata = udata},
                     .is_removal = true,
                     .interval_ms = interval_ms,
                     .as = as};
    return wait_start(&wait, filename, err, policy, event_loop);
}

/* ---- synchronous ---- */

/* Asks with this text, which is done with. The answer is the caller's to free; NULL on failure. */
static char* ask(aerospike* as, as_error* err, const as_policy_info* policy, tnd_buf* request)
{
    char* text = NULL;
    as_node* node = err->code == AEROSPIKE_OK ? some_node(as, err) : NULL;
    if (node) {
        aerospike_info_node(as, err, policy, node, (const char*)request->data, &text);
        tnd_udf_explain(err);
    }
    as_node_release(node);
    tnd_buf_done(request);
    return text;
}

as_status aerospike_udf_list(aerospike* as, as_error* err, const as_policy_info* policy,
                             as_udf_files* files)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    as_error_reset(err);
    if (!files) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "Room for UDF files is needed");
    }
    tnd_buf_append_bytes(&request, "udf-list", sizeof("udf-list"));
    char* text = tnd_buf_is_ok(&request) ? ask(as, err, policy, &request) : NULL;
    if (text) {
        tnd_udf_read_list(files, err, value_of(text));
    } else if (err->code == AEROSPIKE_OK) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: a call about UDF files");
    }
    free(text);
    return err->code;
}

as_status aerospike_udf_get(aerospike* as, as_error* err, const as_policy_info* policy,
                            const char* filename, as_udf_type type, as_udf_file* file)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    as_error_reset(err);
    if (!file) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "Room for a UDF file is needed");
    }
    if (check_type(err, type) == AEROSPIKE_OK) {
        tnd_udf_ask(&request, err, "udf-get", filename);
    }
    char* text = ask(as, err, policy, &request);
    if (text) {
        tnd_udf_read_file(file, err, value_of(text), tnd_udf_name(filename));
    }
    free(text);
    return err->code;
}

as_status aerospike_udf_put(aerospike* as, as_error* err, const as_policy_info* policy,
                            const char* filename, as_udf_type type, as_bytes* content)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    as_error_reset(err);
    if (check_type(err, type) == AEROSPIKE_OK) {
        tnd_udf_put(&request, err, filename, content ? content->value : NULL,
                    content ? content->size : 0);
    }
    free(ask(as, err, policy, &request));
    return err->code;
}

as_status aerospike_udf_remove(aerospike* as, as_error* err, const as_policy_info* policy,
                               const char* filename)
{
    tnd_buf request;
    tnd_buf_init(&request, REQUEST_BYTES_MAX);
    as_error_reset(err);
    tnd_udf_ask(&request, err, "udf-remove", filename);
    free(ask(as, err, policy, &request));
    return err->code;
}

typedef struct udf_round {
    const char* name;
    bool is_there; /* wanted */
    bool is_ready;
} udf_round;

static bool on_sync_node(const as_error* err, const as_node* node, const char* request, char* res,
                         void* udata)
{
    (void)err, (void)node, (void)request;
    udf_round* round = udata;
    round->is_ready &= tnd_udf_list_has(value_of(res), round->name) == round->is_there;
    return round->is_ready;
}

static as_status wait_sync(aerospike* as, as_error* err, const as_policy_info* policy,
                           const char* filename, uint32_t interval_ms, bool is_removal)
{
    const char* name = tnd_udf_name(filename);
    as_error_reset(err);
    if (!name) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "The name of a UDF file is needed");
    }
    interval_ms = interval_ms > 0 ? interval_ms : WAIT_INTERVAL_MS;
    for (uint64_t waited_ms = 0;; waited_ms += interval_ms) {
        udf_round round = {.name = name, .is_there = !is_removal, .is_ready = true};
        as_status status =
            aerospike_info_foreach(as, err, policy, "udf-list", on_sync_node, &round);
        if (status == AEROSPIKE_OK && round.is_ready) {
            return AEROSPIKE_OK;
        }
        if (status != AEROSPIKE_OK && status != AEROSPIKE_ERR_QUERY_ABORTED) {
            return status; /* what this is, the program's own thread can tell best */
        }
        as_error_reset(err);
        if (waited_ms >= WAIT_MS) {
            as_error none;
            return wait_fail(name, is_removal, as_error_init(&none), err);
        }
        as_sleep(interval_ms);
    }
}

as_status aerospike_udf_put_wait(aerospike* as, as_error* err, const as_policy_info* policy,
                                 const char* filename, uint32_t interval_ms)
{
    return wait_sync(as, err, policy, filename, interval_ms, false);
}

as_status aerospike_udf_remove_wait(aerospike* as, as_error* err, const as_policy_info* policy,
                                    const char* filename, uint32_t interval_ms)
{
    return wait_sync(as, err, policy, filename, interval_ms, true);
}
