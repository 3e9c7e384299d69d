/**
 * What the workers of a host count: the types, and what can be read out of them.
 *
 * Every worker stores its counters in its own slot of the shared-memory segment (with use_shm =
 * false in private memory), so that one reader shows the whole host. They are read by
 * <tendril/stats.h> (from a program that has a client) and by <tendril/inspect.h> (from any other
 * program). Totals only ever grow while the segment lives: those of a worker that has died or left
 * stay where they are and are shown as the departed workers'. A worker that is killed between the
 * two stores of one event can lose that event's second half; nothing else is lost and nothing is
 * counted twice.
 *
 * Copies are of relaxed loads: figures of one event may be a moment apart.
 */
#pragma once

#include <aerospike/as_status.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a command does. */
typedef enum tnd_command_kind {
    TND_COMMAND_READ = 0, /**< get, select, exists */
    TND_COMMAND_WRITE,    /**< put, touch */
    TND_COMMAND_REMOVE,
    TND_COMMAND_OPERATE,
    TND_COMMAND_UDF,   /**< of one record */
    TND_COMMAND_BATCH, /**< one per node that takes part */
    TND_COMMAND_QUERY, /**< scans and queries, one per node that takes part */
    TND_COMMAND_OTHER, /**< info and administration */
    TND_COMMAND_KINDS
} tnd_command_kind;

/** How it ended. */
typedef enum tnd_command_result {
    TND_RESULT_OK = 0,
    TND_RESULT_NOT_FOUND, /**< no such record: AEROSPIKE_ERR_RECORD_NOT_FOUND */
    TND_RESULT_TIMEOUT,   /**< AEROSPIKE_ERR_TIMEOUT, its own or the server's */
    TND_RESULT_ERROR,     /**< everything else; by status in tnd_counters.statuses */
    TND_RESULTS
} tnd_command_result;

/** Where the time ran out. Attempts are counted, so one command may count here more than once. */
typedef enum tnd_timeout_phase {
    TND_TIMEOUT_MAP = 0, /**< waiting for the cluster's first map */
    TND_TIMEOUT_QUEUE,   /**< in the delay queue */
    TND_TIMEOUT_CONNECT,
    TND_TIMEOUT_WRITE,  /**< the request wasn't out yet */
    TND_TIMEOUT_REPLY,  /**< the request was out */
    TND_TIMEOUT_SERVER, /**< the server said so */
    TND_TIMEOUT_PHASES
} tnd_timeout_phase;

/** Latencies are kept in three histograms. */
typedef enum tnd_latency_kind {
    TND_LATENCY_READ = 0, /**< of TND_COMMAND_READ */
    TND_LATENCY_WRITE,    /**< of writes, removes, operates and UDFs */
    TND_LATENCY_MULTI,    /**< of batches, scans, queries and the rest */
    TND_LATENCIES
} tnd_latency_kind;

/** Buckets: one per microsecond below 32, then 16 for each doubling up to 33.5 s, then one for
 * whatever took longer. A bucket is at most 6.25 % wide, a percentile at most 3.2 % off. */
#define TND_HISTOGRAM_BUCKETS 353

/** Times in microseconds, from the call that submitted a command to its listener. */
typedef struct tnd_histogram {
    uint64_t counts[TND_HISTOGRAM_BUCKETS];
    uint64_t sum_us;
} tnd_histogram;

/** Statuses -32 .. 255: tnd_counters.statuses[status + TND_STATUS_OFFSET]. */
#define TND_STATUS_OFFSET 32
#define TND_STATUSES 288

/** What only grows. */
typedef struct tnd_counters {
    uint64_t commands[TND_COMMAND_KINDS][TND_RESULTS]; /**< that have ended */
    uint64_t statuses[TND_STATUSES]; /**< the same by status; others count as the nearest */
    uint64_t refused;  /**< by an error of the submitting call; no listener followed */
    uint64_t in_doubt; /**< of those that failed: the write may have been applied */
    uint64_t retries;  /**< attempts beyond the first */
    uint64_t timeouts[TND_TIMEOUT_PHASES];
    uint64_t delayed;        /**< commands that had to wait in the delay queue */
    uint64_t breaker_hits;   /**< attempts that a node's circuit breaker refused */
    uint64_t bytes_sent;     /**< of requests */
    uint64_t bytes_received; /**< of whole replies */
    uint64_t connections_opened;
    uint64_t connections_failed; /**< to open */
    uint64_t connections_closed; /**< of those opened */
    uint64_t late_replies;       /**< of commands that had given up */
    uint64_t takeovers;          /**< times that this worker became the tender */
    uint64_t tends;              /**< rounds of tending that ended */
    uint64_t tends_failed;       /**< of these, without an answer of any node */
    uint64_t reserved[16];
    tnd_histogram latency[TND_LATENCIES];
    tnd_histogram tend; /**< rounds of tending: from the first question to the last answer */
} tnd_counters;

/** What rises and falls. */
typedef struct tnd_gauges {
    uint64_t commands_running; /**< accepted and not ended; not those that wait for the first map */
    uint64_t commands_waiting; /**< for the first map */
    uint64_t delay_queue;      /**< commands in the delay queue */
    uint64_t connections_open; /**< to nodes, for commands; those being opened too */
    uint64_t connections_in_use;
    uint64_t heard_ms;      /**< CLOCK_MONOTONIC when it, tending, last had an answer; 0 = never */
    uint64_t takeover_unix; /**< when it last became the tender, seconds; 0 = never */
    uint64_t connections_draining; /**< of those open: a late reply is due */
    uint64_t reserved[8];
} tnd_gauges;

/** What a worker has to do with one node. Counted since the node was met there first. */
typedef struct tnd_node_counters {
    uint64_t generation; /**< of the node's place in the map that these figures belong to */
    uint64_t connections_open;
    uint64_t connections_in_use;
    uint64_t connections_opened;
    uint64_t connections_failed;
    uint64_t requests;           /**< attempts that were sent */
    uint64_t errors;             /**< attempts that failed, timeouts not among them */
    uint64_t timeouts;           /**< attempts that the time ran out for */
    uint64_t connections_closed; /**< of those opened */
    uint64_t key_busy;           /**< attempts refused with AEROSPIKE_ERR_RECORD_BUSY; not errors */
    uint64_t late_replies;       /**< of commands that had given up: the connection was kept */
    uint64_t late_missing;       /**< connections closed because such a reply didn't come */
    uint64_t reserved[4];
} tnd_node_counters;

typedef enum tnd_worker_state {
    TND_WORKER_LIVE = 0,
    TND_WORKER_DRAINING, /**< lives, and is no candidate: it closes, or its loop doesn't turn */
    TND_WORKER_DEAD,     /**< its death is proved; its slot goes to whoever comes next */
    TND_WORKER_DAMAGED,  /**< its slot makes no sense */
} tnd_worker_state;

/** One slot that isn't free. */
typedef struct tnd_worker_counters {
    uint32_t slot;
    tnd_worker_state state;
    bool is_tender;
    bool is_counted; /**< false: the figures below are 0, the worker hasn't begun to count */
    uint32_t pid;    /**< in its own pid namespace; for people */
    uint32_t uid;
    uint64_t started_unix;
    uint64_t heartbeat_age_ms; /**< of the tender */
    tnd_counters counters;     /**< since this worker joined */
    tnd_gauges gauges;         /**< 0 if it doesn't live */
    tnd_node_counters* nodes; /**< by index in the map, 1 .. nodes_capacity; [0] of unknown nodes */
} tnd_worker_counters;

/** The whole host. */
typedef struct tnd_host_counters {
    bool is_shared; /**< false: private memory, so of this process alone */
    uint32_t workers_count;
    uint32_t live_count; /**< of these, LIVE or DRAINING */
    uint32_t nodes_capacity;
    tnd_worker_counters* workers; /**< in the order of their slots */
    tnd_counters departed;    /**< of all who have left or died, and whose slot is free or reused */
    tnd_counters total;       /**< of all workers, departed ones among them */
    tnd_gauges total_gauges;  /**< sums; of heard_ms and takeover_unix the latest */
    tnd_node_counters* nodes; /**< of living workers that mean the same node; as in a worker */
    uint64_t map_age_ms;      /**< since the tender last heard of the cluster; UINT64_MAX: never */
} tnd_host_counters;

/** Frees what it points to. Accepts zeroed storage. */
AS_EXTERN void tnd_host_counters_done(tnd_host_counters* host);

/** How many were counted. */
AS_EXTERN uint64_t tnd_histogram_count(const tnd_histogram* histogram);

/** The time within which `percent` (0 .. 100) of them ended, in microseconds; 0 if there are none.
 */
AS_EXTERN uint64_t tnd_histogram_percentile_us(const tnd_histogram* histogram, double percent);

/** How many ended within `us`: exact where that is the end of a bucket, such as every power of two
 * from 32 to 2^25, else as of the end of the bucket before it. */
AS_EXTERN uint64_t tnd_histogram_within(const tnd_histogram* histogram, uint64_t us);

/** The shortest time of a bucket. */
AS_EXTERN uint64_t tnd_histogram_lower_us(uint32_t bucket);

/** Words: "read", "ok", "map", "read". "?" for what is out of range. */
AS_EXTERN const char* tnd_command_kind_name(tnd_command_kind kind);
AS_EXTERN const char* tnd_command_result_name(tnd_command_result result);
AS_EXTERN const char* tnd_timeout_phase_name(tnd_timeout_phase phase);
AS_EXTERN const char* tnd_latency_kind_name(tnd_latency_kind kind);
AS_EXTERN const char* tnd_worker_state_name(tnd_worker_state state);

/** Adds every figure of `from`, or takes it off. */
AS_EXTERN void tnd_counters_add(tnd_counters* to, const tnd_counters* from);
AS_EXTERN void tnd_counters_subtract(tnd_counters* from, const tnd_counters* what);

#ifdef __cplusplus
}
#endif
