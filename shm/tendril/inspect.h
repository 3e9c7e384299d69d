/**
 * Looking into the shared-memory segments of this host from outside: any program that may read a
 * segment, with or without a client of its own. What tendril-shm(1) is made of.
 *
 *     tnd_inspection seen;
 *     int id = tnd_inspect_find(0xA7000000, &err);
 *     if (id >= 0 && tnd_inspect_read(id, now_ms, &seen, &err) == AEROSPIKE_OK) {
 *         printf("%u nodes\n", seen.nodes_count);
 *         tnd_inspect_done(&seen);
 *     }
 *
 * A reading attaches the segment read-only for as long as it takes to copy it, and works on
 * whatever bytes are there: on a segment whose workers are all dead, and on a damaged one, of which
 * it says what is damaged. Nothing waits for anybody. Times are of CLOCK_MONOTONIC, in
 * milliseconds, given by the caller.
 */
#pragma once

#include <aerospike/as_error.h>
#include <aerospike/as_key.h>
#include <tendril/counters.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TND_INSPECT_PARTITIONS 4096
#define TND_INSPECT_COLUMNS 3 /**< replicas that the map keeps */
#define TND_INSPECT_ADDRS_MAX 4
#define TND_INSPECT_NAME_SIZE 32
#define TND_INSPECT_PROBLEMS_MAX 24
#define TND_INSPECT_PROBLEM_SIZE 160

/* ---- finding ---- */

typedef enum tnd_inspect_kind {
    TND_INSPECT_OURS = 0,     /**< can be read by this build */
    TND_INSPECT_OTHER_LAYOUT, /**< of another version, architecture or libc */
    TND_INSPECT_UNFINISHED,   /**< its creation was interrupted: the next worker completes it */
} tnd_inspect_kind;

/** What the kernel says of a segment. */
typedef struct tnd_inspect_segment {
    int id;
    int key; /**< 0 once it is marked for removal */
    tnd_inspect_kind kind;
    uint64_t size_bytes;
    uint32_t uid;
    uint32_t mode;     /**< permission bits */
    uint32_t attached; /**< attachments; a worker counts as two */
    bool is_removed;   /**< marked for removal: goes with the last attachment */
} tnd_inspect_segment;

typedef struct tnd_inspect_list_result {
    tnd_inspect_segment* segments; /**< in the order of their ids */
    uint32_t count;
    uint32_t unreadable_count; /**< segments that this user may not read: perhaps some are ours */
} tnd_inspect_list_result;

/** The segments of this host (of this IPC namespace) that begin with our magic number.
 * AEROSPIKE_ERR_CLIENT where the kernel refuses to list any, or without memory. */
AS_EXTERN as_status tnd_inspect_list(tnd_inspect_list_result* ret_list, as_error* err);

/** Frees what it points to. Accepts zeroed storage. */
AS_EXTERN void tnd_inspect_list_done(tnd_inspect_list_result* list);

/** The segment that has this key; -1 with `err` set: there is none, or this user may not see it. */
AS_EXTERN int tnd_inspect_find(int key, as_error* err);

/* ---- reading ---- */

typedef enum tnd_inspect_owner_state {
    TND_INSPECT_OWNER_NONE = 0, /**< nobody tends */
    TND_INSPECT_OWNER_LIVE,     /**< a worker tends; see its heartbeat's age */
    TND_INSPECT_OWNER_DEAD,     /**< the last one to tend is dead, and nobody has taken over */
    TND_INSPECT_OWNER_RETIRED,  /**< the segment is being removed */
    TND_INSPECT_OWNER_DAMAGED,  /**< the word names no slot there is */
} tnd_inspect_owner_state;

typedef struct tnd_inspect_owner {
    tnd_inspect_owner_state state;
    uint32_t term; /**< raised by each takeover */
    uint32_t slot; /**< LIVE and DEAD */
    uint32_t pid;  /**< in its own pid namespace; for people */
    uint64_t heartbeat_age_ms;
} tnd_inspect_owner;

typedef enum tnd_inspect_node_state {
    TND_INSPECT_NODE_ACTIVE = 1,
    TND_INSPECT_NODE_QUARANTINED = 2, /**< has left; its place isn't given away yet */
} tnd_inspect_node_state;

typedef struct tnd_inspect_node {
    uint32_t index; /**< in the map */
    tnd_inspect_node_state state;
    uint32_t generation; /**< changes with the node, its process or its addresses */
    char name[TND_INSPECT_NAME_SIZE];
    char build[TND_INSPECT_NAME_SIZE]; /**< "8.1.0.3" */
    char tls_name[256];
    uint32_t addrs_count;
    char addrs[TND_INSPECT_ADDRS_MAX][64]; /**< "10.0.0.1:3000", "[::1]:3000" */
    uint32_t masters;                      /**< partitions of all namespaces that it is master of */
    uint32_t replicas;                     /**< other places of partitions that it holds */
    int32_t* racks;                        /**< by namespace; -1 = unknown */
} tnd_inspect_node;

typedef struct tnd_inspect_namespace {
    char name[TND_INSPECT_NAME_SIZE];
    uint32_t replicas;  /**< replication factor in effect */
    bool is_sc;         /**< strong consistency */
    uint32_t holes;     /**< partitions without a master */
    uint32_t moving;    /**< partitions on fewer nodes than they should be: data is on its way, or a
                         * node is missing; holes not among them */
    uint32_t overflows; /**< partitions with an owner for which the map has no room */
    uint32_t regime_min, regime_max;
    /** Node index by partition and column, 0 = none: [0] is the master. Always in range, though the
     * node need not be active. */
    uint16_t (*owners)[TND_INSPECT_COLUMNS];
} tnd_inspect_namespace;

typedef struct tnd_inspection {
    tnd_inspect_segment segment;
    bool is_readable; /**< false: the head is damaged or unfinished, nothing below is filled in */
    uint32_t layout_version;
    uint32_t layout_hash;
    uint32_t nodes_capacity;
    uint32_t namespaces_capacity;
    uint32_t workers_capacity;
    char identity[264]; /**< what programs must agree on to share it, printable */
    uint64_t created_unix;
    tnd_inspect_owner owner;
    bool has_map; /**< a directory is published */
    uint32_t map_term;
    uint32_t map_generation;
    uint64_t directory_age_ms; /**< since nodes or namespaces changed last */
    char cluster_name[64];     /**< "" where none is configured */
    uint32_t nodes_needed;     /**< what the cluster has, be it more than the capacity */
    uint32_t namespaces_needed;
    uint32_t nodes_count;
    tnd_inspect_node* nodes; /**< in the order of their indexes; free places are left out */
    uint32_t namespaces_count;
    tnd_inspect_namespace* namespaces;
    tnd_host_counters host;  /**< workers and what they count; map_age_ms */
    uint32_t problems_count; /**< 0: no damage was found */
    char problems[TND_INSPECT_PROBLEMS_MAX][TND_INSPECT_PROBLEM_SIZE];
} tnd_inspection;

/**
 * Reads a segment: attaches, copies, detaches. AEROSPIKE_ERR_CLIENT: there is none of that id, it
 * may not be read, it isn't ours or of another layout (the text says which, and what to do). A
 * segment of ours that is damaged is read as far as it goes, with the damage in `problems`.
 */
AS_EXTERN as_status tnd_inspect_read(int id, uint64_t now_ms, tnd_inspection* ret_seen,
                                     as_error* err);

/** Frees what it points to. Accepts zeroed storage. */
AS_EXTERN void tnd_inspect_done(tnd_inspection* seen);

/** The node with this index; NULL if there is none. */
AS_EXTERN const tnd_inspect_node* tnd_inspect_node_at(const tnd_inspection* seen, uint32_t index);

/* ---- routing ---- */

typedef struct tnd_inspect_route_result {
    const tnd_inspect_namespace* ns;
    uint32_t partition;
    uint8_t digest[20];
    uint32_t regime;
    const tnd_inspect_node*
        nodes[TND_INSPECT_COLUMNS]; /**< NULL where none is known; [0] the master */
} tnd_inspect_route_result;

/** Where a key's commands go, by the map that was read. The key's namespace must be in it, else
 * AEROSPIKE_ERR_NAMESPACE_NOT_FOUND; other errors as of as_key_digest(). Pointers into `seen`. */
AS_EXTERN as_status tnd_inspect_route(const tnd_inspection* seen, as_key* key,
                                      tnd_inspect_route_result* ret_route, as_error* err);

/* ---- removing ---- */

/**
 * Removes a segment of ours that nobody has attached. AEROSPIKE_ERR_CLIENT: it is in use, it isn't
 * ours, or this user may not remove it. A worker that attaches at that very moment finds its
 * segment marked for removal and makes another.
 */
AS_EXTERN as_status tnd_inspect_remove(int id, as_error* err);

#ifdef __cplusplus
}
#endif
