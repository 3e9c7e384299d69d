/*
 * Truncation of a namespace or set: an info request to one node, which answers when all nodes have
 * accepted it (protocol/queries-admin.md 14).
 */
#include <aerospike/aerospike_info.h>
#include <stdlib.h>
#include <string.h>

#include "async/client.h"
#include "async/info.h"
#include "core/mem.h"

enum {
    REQUEST_SIZE = 64 + AS_NAMESPACE_MAX_SIZE + AS_SET_MAX_SIZE,
};

static bool is_name(const char* name, size_t chars_max)
{
    size_t size = name ? strnlen(name, chars_max + 1) : 0;
    return size > 0 && size <= chars_max && !strpbrk(name, ";:=/\t\n");
}

/* The request, and a node to ask. NULL with `err` set. */
static as_node* prepare(aerospike* as, as_error* err, const char* ns, const char* set,
                        uint64_t before_nanos, char ret_request[REQUEST_SIZE])
{
    char lut[32] = "";
    bool has_set = set && *set;
    as_error_reset(err);
    if (!is_name(ns, AS_NAMESPACE_MAX_LEN) || (has_set && !is_name(set, AS_SET_MAX_LEN))) {
        as_error_setallv(err, AEROSPIKE_ERR_PARAM, __func__, __FILE__, __LINE__,
                         "Truncation needs a namespace of 1 to %d bytes and, if any, a set of 1 to "
                         "%d, without ; : = /",
                         AS_NAMESPACE_MAX_LEN, AS_SET_MAX_LEN);
        return NULL;
    }
    if (before_nanos > 0) {
        snprintf(lut, sizeof(lut), ";lut=%" PRIu64, before_nanos);
    }
    snprintf(ret_request, REQUEST_SIZE, "truncate%s:namespace=%s%s%s%s",
             has_set ? "" : "-namespace", ns, has_set ? ";set=" : "", has_set ? set : "", lut);
    as_node* node = as && as->cluster ? as_node_get_random(as->cluster) : NULL;
    if (!node) {
        as_error_set_message(err, AEROSPIKE_ERR_CLUSTER, "Cluster is empty");
    }
    return node;
}

typedef struct truncation {
    as_async_write_listener listener;
    void* udata;
} truncation;

static void on_truncated(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    (void)response;
    truncation told = *(truncation*)udata;
    tnd_free(udata);
    told.listener(err, told.udata, event_loop);
}

as_status aerospike_truncate_async(aerospike* as, as_error* err, const as_policy_info* policy,
                                   const char* ns, const char* set, uint64_t before_nanos,
                                   as_async_write_listener listener, void* udata,
                                   as_event_loop* event_loop)
{
    char request[REQUEST_SIZE];
    if (!listener) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "A listener is needed");
    }
    as_node* node = prepare(as, err, ns, set, before_nanos, request);
    truncation* told = node ? tnd_malloc(sizeof(*told)) : NULL;
    if (!told) {
        as_node_release(node);
        return node ? as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory: truncation")
                    : err->code;
    }
    *told = (truncation){.listener = listener, .udata = udata};
    if (as_info_command_node_async(as, err, (as_policy_info*)(uintptr_t)policy, node, request,
                                   on_truncated, told, event_loop) != AEROSPIKE_OK) {
        tnd_free(told);
    }
    return err->code;
}

as_status aerospike_truncate(aerospike* as, as_error* err, as_policy_info* policy, const char* ns,
                             const char* set, uint64_t before_nanos)
{
    char request[REQUEST_SIZE];
    char* text = NULL;
    as_node* node = prepare(as, err, ns, set, before_nanos, request);
    if (node) {
        aerospike_info_node(as, err, policy, node, request, &text);
        as_node_release(node);
        free(text);
    }
    return err->code;
}
