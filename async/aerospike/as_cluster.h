/**
 * A connected client's inside: what aerospike.cluster points to. Programs only pass it on.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_cluster_s as_cluster;

#ifdef __cplusplus
}
#endif
