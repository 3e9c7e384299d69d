/**
 * What a client has done, by node and by event loop. Of this client alone; see <tendril/stats.h>
 * for the whole host and for latencies.
 *
 * To be called on the client's own thread. Figures of a node are counted since this client met it
 * first, or since its process or address changed.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/as_event.h>
#include <aerospike/as_node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Connections to one node. */
typedef struct as_conn_stats_s {
    /** Open and unused. */
    uint32_t in_pool;
    /** In use, or being opened. */
    uint32_t in_use;
    /** Opened so far. */
    uint32_t opened;
    /** Closed so far. */
    uint32_t closed;
    /** Kept although a command had given up, for its reply came late. */
    uint32_t recovered;
    /** Closed because it didn't. */
    uint32_t aborted;
} as_conn_stats;

typedef struct as_node_stats_s {
    /** With a reference of these statistics. */
    as_node* node;
    /** Of synchronous calls. */
    as_conn_stats sync;
    /** Of asynchronous commands. */
    as_conn_stats async;
    /** Of pipelined commands: none, those share the asynchronous ones' connections. */
    as_conn_stats pipeline;
    /** Attempts that failed, other than by a timeout or a busy key. */
    uint64_t error_count;
    /** Attempts whose time ran out. */
    uint64_t timeout_count;
    /** Attempts that the server refused with AEROSPIKE_ERR_RECORD_BUSY. */
    uint64_t key_busy_count;
} as_node_stats;

typedef struct as_event_loop_stats_s {
    /** Commands that run. */
    int process_size;
    /** Commands in the delay queue. */
    uint32_t queue_size;
} as_event_loop_stats;

typedef struct as_cluster_stats_s {
    as_node_stats* nodes;
    /** Entries of the client's thread; NULL if it has none. */
    as_event_loop_stats* event_loops;
    /** Attempts beyond a command's first. */
    uint64_t retry_count;
    uint32_t nodes_size;
    uint32_t event_loops_size;
    /** 0: there are no threads. */
    uint32_t thread_pool_queued_tasks;
    /** Connections on which a late reply is due. */
    uint32_t recover_queue_size;
} as_cluster_stats;

/** Freed by aerospike_stats_destroy(). All zero of a client that isn't connected, or across a fork.
 */
AS_EXTERN void aerospike_stats(aerospike* as, as_cluster_stats* stats);
AS_EXTERN void aerospike_cluster_stats(struct as_cluster_s* cluster, as_cluster_stats* stats);
AS_EXTERN void aerospike_stats_destroy(as_cluster_stats* stats);

AS_EXTERN void aerospike_event_loop_stats(as_event_loop* event_loop, as_event_loop_stats* stats);

/** For people, several lines; free() it. NULL without memory. */
AS_EXTERN char* aerospike_stats_to_string(as_cluster_stats* stats);

/** All zero. */
AS_EXTERN void as_conn_stats_init(as_conn_stats* stats);

#ifdef __cplusplus
}
#endif
