/**
 * Info requests: what as_node can be asked beside records, and how answers are taken apart.
 */
#pragma once

#include <aerospike/as_error.h>
#include <aerospike/as_listener.h>
#include <aerospike/as_node.h>
#include <aerospike/as_policy.h>
#include <aerospike/as_status.h>
#include <aerospike/as_vector.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aerospike_s;

/** One line of an answer. */
typedef struct as_name_value_s {
    char* name;
    char* value;
} as_name_value;

/** What aerospike_info_node_async() calls. */
AS_EXTERN as_status as_info_command_node_async(struct aerospike_s* as, as_error* err,
                                               as_policy_info* policy, as_node* node,
                                               const char* command, as_async_info_listener listener,
                                               void* udata, as_event_loop* event_loop);

/** Takes an answer of one line, "name TAB value LF", apart in place. `*value` points into it.
 * AEROSPIKE_ERR_CLIENT: there is no TAB; or the code of an error that stands for the value. */
AS_EXTERN as_status as_info_parse_single_response(char* values, char** value);

/** Takes an answer of many lines apart in place: appends an as_name_value for each to `values`. A
 * line without TAB has the value "". */
AS_EXTERN void as_info_parse_multi_response(char* buf, as_vector* values);

#ifdef __cplusplus
}
#endif
