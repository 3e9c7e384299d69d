/*
 * Is this configuration one that a client can start with?
 *
 * Two kinds of answers: values that make no sense (as the official client refuses them at connect),
 * and fields whose feature isn't there yet, which are refused rather than ignored. The latter stand
 * in a table of their own; a row goes when its feature comes.
 */
#ifndef TENDRIL_CORE_CONFIG_H
#define TENDRIL_CORE_CONFIG_H

#include <aerospike/as_config.h>
#include <aerospike/as_error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Default key of the segment. */
#define TND_CONFIG_SHM_KEY ((int)0xA7000000)

enum {
    TND_CONFIG_SHARE_CONNS = 4,
    TND_CONFIG_SHARE_DEPTH = 16, /* without TLS */
    TND_CONFIG_SHARE_DEPTH_MAX = 1024,
    TND_CONFIG_SHARE_BYTES = 256 * 1024,
    TND_CONFIG_DRAIN_MS = 3000,
    TND_CONFIG_HOST_CHARS_MAX = 255,        /* of a seed's name */
    TND_CONFIG_CLUSTER_NAME_CHARS_MAX = 63, /* protocol/cluster.md 3 */
    TND_CONFIG_SOCKET_IDLE_SEC_MAX = 86400, /* as in the official client */
    TND_CONFIG_TIMEOUT_DELAY_MS_MIN = 3000, /* or 0 */
    TND_CONFIG_SHM_NODES_MAX = 511,         /* a node index has 9 bits, 0 is none */
    TND_CONFIG_SHM_NAMESPACES_MAX = 32,
    TND_CONFIG_CONNECT_RATE_MAX = 1000000,
};

/* AEROSPIKE_OK, or the first thing found wrong: the order is the official client's, then ours.
   Changes nothing; as_config_massage_error_rate() is to be called before. Runs no callbacks. */
as_status tnd_config_check(const as_config* config, as_error* err);

#ifdef __cplusplus
}
#endif

#endif
