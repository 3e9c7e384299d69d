/**
 * Info requests to nodes: statistics, configuration, whatever a server answers by name.
 *
 * A request is one name or several, each ended by a newline; a missing last one is added. The
 * answer is "name TAB value LF" for each. What a server refuses is an error with its code and text.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/as_info.h>
#include <aerospike/as_node.h>

#include <netinet/in.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Return false to end the tour. `err` is never NULL; its code is AEROSPIKE_OK. `res` is writable
 * and gone afterwards. */
typedef bool (*aerospike_info_foreach_callback)(const as_error* err, const as_node* node,
                                                const char* req, char* res, void* udata);

/** Called once for each node with its answer, or with the error of that node; at the end with
 * `node` NULL. Return false for no further calls but that last one. */
typedef bool (*as_async_info_foreach_listener)(as_error* err, const as_node* node, const char* req,
                                               char* response, void* udata,
                                               as_event_loop* event_loop);

/** Asks one node. Takes over a reference of `node`, in every case. A NULL policy is the client's
 * policies.info. The listener's response is writable and gone afterwards. */
static inline as_status aerospike_info_node_async(aerospike* as, as_error* err,
                                                  as_policy_info* policy, as_node* node,
                                                  const char* req, as_async_info_listener listener,
                                                  void* udata, as_event_loop* event_loop)
{
    return as_info_command_node_async(as, err, policy, node, req, listener, udata, event_loop);
}

/** Asks one node after the other until one answers; the last one's refusal if all refuse. */
AS_EXTERN as_status aerospike_info_any_async(aerospike* as, as_error* err,
                                             const as_policy_info* policy, const char* req,
                                             as_async_info_listener listener, void* udata,
                                             as_event_loop* event_loop);

/** Asks all nodes at once. */
AS_EXTERN as_status aerospike_info_foreach_async(aerospike* as, as_error* err,
                                                 const as_policy_info* policy, const char* req,
                                                 as_async_info_foreach_listener listener,
                                                 void* udata, as_event_loop* event_loop);

/** Synchronous; see aerospike_key.h. `*res` is malloc()ed, the program's; NULL on failure. The node
 * stays the program's. */
AS_EXTERN as_status aerospike_info_any(aerospike* as, as_error* err, const as_policy_info* policy,
                                       const char* req, char** res);
AS_EXTERN as_status aerospike_info_node(aerospike* as, as_error* err, const as_policy_info* policy,
                                        as_node* node, const char* req, char** res);

/** The node that has this numeric address. */
AS_EXTERN as_status aerospike_info_host(aerospike* as, as_error* err, const as_policy_info* policy,
                                        const char* hostname, uint16_t port, const char* req,
                                        char** res);
AS_EXTERN as_status aerospike_info_socket_address(aerospike* as, as_error* err,
                                                  const as_policy_info* policy,
                                                  struct sockaddr_in* sa_in, const char* req,
                                                  char** res);

/** One node after the other; ends at the first that fails. AEROSPIKE_ERR_QUERY_ABORTED if the
 * callback ended it. */
AS_EXTERN as_status aerospike_info_foreach(aerospike* as, as_error* err,
                                           const as_policy_info* policy, const char* req,
                                           aerospike_info_foreach_callback callback, void* udata);

#ifdef __cplusplus
}
#endif
