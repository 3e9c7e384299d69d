/*
 * The public calls for info requests: one node, any, all; asynchronously and on the private loop.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "async/address.h"
#include "async/client.h"
#include "async/info.h"
#include "core/info.h"
#include "core/mem.h"

typedef struct info_call {
    aerospike* as;
    as_error* err;
    const as_policy_info* policy;
    tnd_engine* engine;
    as_event_loop* entry;
} info_call;

static as_status call_open(info_call* call, const char* request, bool has_listener,
                           as_event_loop* event_loop)
{
    as_error_reset(call->err);
    if (!call->as || !request || !has_listener) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM,
                                    "A client, a request and a listener are needed");
    }
    if (!call->policy) {
        call->policy = &call->as->config.policies.info;
    }
    call->engine = tnd_client_engine(call->as, event_loop, &call->entry, call->err);
    return call->engine ? AEROSPIKE_OK : call->err->code;
}

static as_status call_open_sync(info_call* call, const char* request)
{
    as_error_init(call->err);
    if (!call->as || !request) {
        return as_error_set_message(call->err, AEROSPIKE_ERR_PARAM,
                                    "A client and a request are needed");
    }
    if (!call->policy) {
        call->policy = &call->as->config.policies.info;
    }
    call->engine = tnd_client_sync_engine(call->as, call->err);
    if (!call->engine) {
        return call->err->code;
    }
    call->entry = &call->engine->events->entries[0];
    return AEROSPIKE_OK;
}

/* ---- one node ---- */

as_status as_info_command_node_async(aerospike* as, as_error* err, as_policy_info* policy,
                                     as_node* node, const char* command,
                                     as_async_info_listener listener, void* udata,
                                     as_event_loop* event_loop)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    as_status status = call_open(&call, command, listener != NULL, event_loop);
    if (status == AEROSPIKE_OK && !node) {
        status = as_error_set_message(err, AEROSPIKE_ERR_PARAM, "A node is needed");
    }
    if (status == AEROSPIKE_OK) {
        status = tnd_info_start(call.engine, call.entry, call.policy, node->name, command, listener,
                                udata, err);
    }
    as_node_release(node);
    return status;
}

/* ---- any node ---- */

typedef struct info_tour {
    tnd_engine* engine;
    as_event_loop* entry;
    as_policy_info policy;
    as_nodes* nodes;
    uint32_t next; /* of `nodes` */
    uint32_t left; /* answers that are due, when all are asked at once */
    bool is_ended; /* the listener wants no more */
    as_async_info_listener any;
    as_async_info_foreach_listener each;
    void* udata;
    char request[];
} info_tour;

static info_tour* tour_new(const info_call* call, const char* request)
{
    size_t size = strlen(request) + 1;
    info_tour* tour = tnd_calloc(1, sizeof(*tour) + size);
    as_nodes* nodes = tour ? tnd_nodes_new(tnd_worker_map(call->engine->worker)) : NULL;
    if (!nodes) {
        tnd_free(tour);
        as_error_set_message(call->err, AEROSPIKE_ERR_CLIENT, "Out of memory: an info request");
        return NULL;
    }
    if (nodes->size == 0) {
        as_nodes_release(nodes);
        tnd_free(tour);
        as_error_set_message(call->err, AEROSPIKE_ERR_CLUSTER, "Cluster is empty");
        return NULL;
    }
    memcpy(tour->request, request, size);
    tour->engine = call->engine;
    tour->entry = call->entry;
    tour->policy = *call->policy;
    tour->nodes = nodes;
    return tour;
}

static void tour_free(info_tour* tour)
{
    as_nodes_release(tour->nodes);
    tnd_free(tour);
}

/* Whether another node might do better. */
static bool is_for_another_node(as_status status)
{
    return status != AEROSPIKE_OK && status != AEROSPIKE_ERR_TIMEOUT &&
           status != AEROSPIKE_ERR_INDEX_FOUND && status != AEROSPIKE_ERR_INDEX_NOT_FOUND;
}

static void on_any(as_error* err, char* response, void* udata, as_event_loop* event_loop);

static as_status tour_ask_next(info_tour* tour, as_error* err)
{
    const as_node* node = tour->nodes->array[tour->next++];
    return tnd_info_start(tour->engine, tour->entry, &tour->policy, node->name, tour->request,
                          on_any, tour, err);
}

static void on_any(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    info_tour* tour = udata;
    if (err && is_for_another_node(err->code) && tour->next < tour->nodes->size &&
        !tour->engine->is_closing) {
        if (tour_ask_next(tour, err) == AEROSPIKE_OK) {
            return;
        }
    }
    as_async_info_listener listener = tour->any;
    void* listener_udata = tour->udata;
    tour_free(tour);
    listener(err, response, listener_udata, event_loop);
}

static as_status any_start(const info_call* call, const char* request,
                           as_async_info_listener listener, void* udata)
{
    info_tour* tour = tour_new(call, request);
    if (!tour) {
        return call->err->code;
    }
    tour->any = listener;
    tour->udata = udata;
    if (tour_ask_next(tour, call->err) != AEROSPIKE_OK) {
        tour_free(tour);
        return call->err->code;
    }
    return AEROSPIKE_OK;
}

as_status aerospike_info_any_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                   const char* req, as_async_info_listener listener, void* udata,
                                   as_event_loop* event_loop)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    as_status status = call_open(&call, req, listener != NULL, event_loop);
    return status == AEROSPIKE_OK ? any_start(&call, req, listener, udata) : status;
}

/* ---- all nodes ---- */

typedef struct info_stop {
    info_tour* tour;
    const as_node* node;
} info_stop;

static void tour_end(info_tour* tour, as_event_loop* event_loop)
{
    if (--tour->left == 0) {
        tour->each(NULL, NULL, tour->request, NULL, tour->udata, event_loop);
        tour_free(tour);
    }
}

static void on_each(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    info_stop* stop = udata;
    info_tour* tour = stop->tour;
    if (!tour->is_ended) {
        tour->is_ended =
            !tour->each(err, stop->node, tour->request, response, tour->udata, event_loop);
    }
    tnd_free(stop);
    tour_end(tour, event_loop);
}

/* One more is due until all are asked, so that an end can't come before. */
static as_status tour_ask_all(info_tour* tour, uint32_t pause_ms, as_error* err)
{
    for (uint32_t i = 0; i < tour->nodes->size; i++) {
        info_stop* stop = tnd_malloc(sizeof(*stop));
        if (!stop) {
            as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: an info request");
            return err->code;
        }
        *stop = (info_stop){.tour = tour, .node = tour->nodes->array[i]};
        if (tnd_info_start_later(tour->engine, tour->entry, &tour->policy, stop->node->name,
                                 tour->request, pause_ms, on_each, stop, err) != AEROSPIKE_OK) {
            tnd_free(stop);
            return err->code;
        }
        tour->left++;
    }
    return AEROSPIKE_OK;
}

as_status tnd_info_each(aerospike* as, as_error* err, const as_policy_info* policy, const char* req,
                        uint32_t pause_ms, as_async_info_foreach_listener listener, void* udata,
                        as_event_loop* event_loop)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    if (call_open(&call, req, listener != NULL, event_loop) != AEROSPIKE_OK) {
        return err->code;
    }
    info_tour* tour = tour_new(&call, req);
    if (!tour) {
        return err->code;
    }
    tour->each = listener;
    tour->udata = udata;
    if (tour_ask_all(tour, pause_ms, err) != AEROSPIKE_OK && tour->left == 0) {
        tour_free(tour);
        return err->code;
    }
    /* Nodes that couldn't be asked for lack of memory are left out: the others have been. */
    as_error_reset(err);
    return AEROSPIKE_OK;
}

as_status aerospike_info_foreach_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                       const char* req, as_async_info_foreach_listener listener,
                                       void* udata, as_event_loop* event_loop)
{
    return tnd_info_each(as, err, policy, req, 0, listener, udata, event_loop);
}

/* ---- synchronous ---- */

typedef struct info_wait {
    bool is_done;
    as_error* err;
    char* text;
} info_wait;

static void on_wait(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    info_wait* wait = udata;
    wait->is_done = true;
    if (err) {
        as_error_copy(wait->err, err);
        if (err->code == AEROSPIKE_ERR_ASYNC_CONNECTION) {
            wait->err->code = AEROSPIKE_ERR_CONNECTION; /* its number in synchronous calls */
        }
        return;
    }
    wait->text = strdup(response);
    if (!wait->text) {
        as_error_set_message(wait->err, AEROSPIKE_ERR_CLIENT, "Out of memory: an info answer");
    }
}

static as_status call_wait(const info_call* call, as_status status, info_wait* wait, char** res)
{
    if (status == AEROSPIKE_OK) {
        tnd_client_sync_run(call->as, &wait->is_done);
    }
    if (res) {
        *res = wait->text;
    } else {
        free(wait->text);
    }
    return call->err->code;
}

as_status aerospike_info_any(aerospike* as, as_error* err, const as_policy_info* policy,
                             const char* req, char** res)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    info_wait wait = {.err = err};
    as_status status = call_open_sync(&call, req);
    if (status == AEROSPIKE_OK) {
        status = any_start(&call, req, on_wait, &wait);
    }
    return call_wait(&call, status, &wait, res);
}

static as_status sync_node(const info_call* call, const char* name, const char* req, char** res)
{
    info_wait wait = {.err = call->err};
    as_status status = tnd_info_start(call->engine, call->entry, call->policy, name, req, on_wait,
                                      &wait, call->err);
    return call_wait(call, status, &wait, res);
}

as_status aerospike_info_node(aerospike* as, as_error* err, const as_policy_info* policy,
                              as_node* node, const char* req, char** res)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    if (res) {
        *res = NULL;
    }
    if (call_open_sync(&call, req) != AEROSPIKE_OK) {
        return err->code;
    }
    return node ? sync_node(&call, node->name, req, res)
                : as_error_set_message(err, AEROSPIKE_ERR_PARAM, "A node is needed");
}

as_status aerospike_info_host(aerospike* as, as_error* err, const as_policy_info* policy,
                              const char* hostname, uint16_t port, const char* req, char** res)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    tnd_lookup_addr addr;
    char text[sizeof(((as_node*)0)->address)];
    if (res) {
        *res = NULL;
    }
    if (call_open_sync(&call, req) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!hostname || !tnd_address_parse(hostname, &addr)) {
        return as_error_setallv(err, AEROSPIKE_ERR_PARAM, __func__, __FILE__, __LINE__,
                                "A node's numeric address is needed, not %s",
                                hostname ? hostname : "NULL");
    }
    tnd_address_format(&addr, port, text, sizeof(text));
    as_nodes* nodes = tnd_nodes_new(tnd_worker_map(call.engine->worker));
    const char* name = NULL;
    for (uint32_t i = 0; nodes && i < nodes->size && !name; i++) {
        name = strcmp(nodes->array[i]->address, text) == 0 ? nodes->array[i]->name : NULL;
    }
    if (name) {
        sync_node(&call, name, req, res);
    } else {
        as_error_setallv(err, AEROSPIKE_ERR_INVALID_NODE, __func__, __FILE__, __LINE__,
                         "No node of the cluster has the address %s", text);
    }
    as_nodes_release(nodes);
    return err->code;
}

as_status aerospike_info_socket_address(aerospike* as, as_error* err, const as_policy_info* policy,
                                        struct sockaddr_in* sa_in, const char* req, char** res)
{
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &sa_in->sin_addr, host, sizeof(host));
    return aerospike_info_host(as, err, policy, host, ntohs(sa_in->sin_port), req, res);
}

as_status aerospike_info_foreach(aerospike* as, as_error* err, const as_policy_info* policy,
                                 const char* req, aerospike_info_foreach_callback callback,
                                 void* udata)
{
    info_call call = {.as = as, .err = err, .policy = policy};
    if (call_open_sync(&call, req) != AEROSPIKE_OK) {
        return err->code;
    }
    as_status status = AEROSPIKE_OK;
    as_nodes* nodes = tnd_nodes_new(tnd_worker_map(call.engine->worker));
    if (!nodes || nodes->size == 0) {
        status = as_error_set_message(err, AEROSPIKE_ERR_CLUSTER, "Cluster is empty");
    }
    for (uint32_t i = 0; status == AEROSPIKE_OK && i < nodes->size; i++) {
        char* text = NULL;
        /* Anew each time: the callback may have closed the client. */
        if (call_open_sync(&call, req) != AEROSPIKE_OK) {
            status = err->code;
            break;
        }
        status = sync_node(&call, nodes->array[i]->name, req, &text);
        if (status == AEROSPIKE_OK && !callback(err, nodes->array[i], req, text, udata)) {
            status = AEROSPIKE_ERR_QUERY_ABORTED;
        }
        free(text);
    }
    as_nodes_release(nodes);
    return status;
}

/* ---- answers ---- */

as_status as_info_parse_single_response(char* values, char** value)
{
    char* tab = strchr(values, '\t');
    tnd_info_error refused;
    if (!tab) {
        return tnd_info_body_error(tnd_slice_text(values), &refused) ? (as_status)refused.code
                                                                     : AEROSPIKE_ERR_CLIENT;
    }
    *value = tab + 1;
    (*value)[strcspn(*value, "\n")] = '\0';
    return tnd_info_value_error(tnd_slice_text(*value), &refused) ? (as_status)refused.code
                                                                  : AEROSPIKE_OK;
}

void as_info_parse_multi_response(char* buf, as_vector* values)
{
    static char empty[] = "";
    while (*buf) {
        size_t size = strcspn(buf, "\n");
        char* next = buf[size] ? buf + size + 1 : buf + size;
        buf[size] = '\0';
        as_name_value line = {.name = buf, .value = empty};
        char* tab = strchr(buf, '\t');
        if (tab) {
            *tab = '\0';
            line.value = tab + 1;
        }
        if (size > 0) {
            as_vector_append(values, &line);
        }
        buf = next;
    }
}
