/**
 * A node of the cluster, as a program may hold it: its name and address as of the moment at which
 * it was asked for, counted by reference. What it was can change behind it; commands that are given
 * a node look for the one that has the name then.
 */
#pragma once

#include <aerospike/as_cluster.h>
#include <aerospike/as_std.h>
#include <aerospike/as_version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AS_NODE_NAME_SIZE 20
#define AS_NODE_NAME_MAX_LEN 19

typedef struct as_node_s {
    /** Hexadecimal digits. */
    char name[AS_NODE_NAME_SIZE];
    /** Of its server. */
    as_version version;
    /** Always 0: servers that are new enough for this library have them all. */
    uint32_t features;
    /** Private. */
    uint32_t ref_count;
    char address[64];
} as_node;

/** Nodes at one moment. */
typedef struct as_nodes_s {
    /** Private. */
    uint32_t ref_count;
    uint32_t size;
    as_node* array[];
} as_nodes;

/** Some active node with a reference for the caller; NULL if there is none (yet), or no memory. */
AS_EXTERN as_node* as_node_get_random(as_cluster* cluster);

/** The same by name. */
AS_EXTERN as_node* as_node_get_by_name(as_cluster* cluster, const char* name);

/** Another reference. */
AS_EXTERN void as_node_reserve(as_node* node);

/** Gives a reference back. NULL is allowed. */
AS_EXTERN void as_node_release(as_node* node);

/** "10.1.2.3:3000", good as long as the node is held. */
static inline const char* as_node_get_address_string(as_node* node)
{
    return node->address;
}

/** All active nodes; NULL without memory. as_nodes_release() gives them back. */
AS_EXTERN as_nodes* as_nodes_reserve(as_cluster* cluster);
AS_EXTERN void as_nodes_release(as_nodes* nodes);

#ifdef __cplusplus
}
#endif
