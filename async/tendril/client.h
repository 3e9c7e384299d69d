/**
 * What a program may ask beyond the official interface: whether a configuration would be accepted,
 * and how a command went.
 */
#pragma once

#include <aerospike/as_config.h>
#include <aerospike/as_error.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a node's name with its terminator. */
#define AS_COMMAND_NODE_SIZE 32

/** How a command went. */
typedef struct as_command_info_s {
    /** Name of the node that the last attempt went to; "" if there was none. */
    char node[AS_COMMAND_NODE_SIZE];
    /** Attempts that were begun: 1 without a retry, 0 if it never got so far. */
    uint32_t attempts;
    /** From the call to the listener, in microseconds. */
    uint64_t total_us;
    /** The part of it before the last attempt was sent: queues, connecting, earlier attempts. */
    uint64_t queue_us;
    /** Bytes of the request. */
    uint64_t request_bytes;
} as_command_info;

/**
 * What a connect would say of the configuration, without any side effect: AEROSPIKE_OK, or the
 * status and text of its refusal. Neither addresses nor the segment are looked at.
 */
AS_EXTERN as_status aerospike_config_check(const as_config* config, as_error* err);

/**
 * Inside a command's listener, how that command went. False, with everything 0, outside of
 * listeners.
 */
AS_EXTERN bool aerospike_command_info(as_command_info* ret_info);

#ifdef __cplusplus
}
#endif
