/**
 * What a program may ask about metrics: the policy only, which as_policies embeds. Collecting them
 * comes later, and a configuration that asks for it is refused.
 */
#pragma once

#include <aerospike/as_error.h>
#include <aerospike/as_status.h>
#include <aerospike/as_std.h>
#include <aerospike/as_vector.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_cluster_s;
struct as_node_s;

typedef as_status (*as_metrics_enable_listener)(as_error* err, void* udata);
typedef as_status (*as_metrics_snapshot_listener)(as_error* err, struct as_cluster_s* cluster,
                                                  void* udata);
typedef as_status (*as_metrics_node_close_listener)(as_error* err, struct as_node_s* node,
                                                    void* udata);
typedef as_status (*as_metrics_disable_listener)(as_error* err, struct as_cluster_s* cluster,
                                                 void* udata);

typedef struct as_metrics_listeners_s {
    as_metrics_enable_listener enable_listener;
    as_metrics_snapshot_listener snapshot_listener;
    as_metrics_node_close_listener node_close_listener;
    as_metrics_disable_listener disable_listener;
    void* udata;
} as_metrics_listeners;

typedef struct as_metrics_label_s {
    char* name;
    char* value;
} as_metrics_label;

typedef struct as_metrics_policy_s {
    /** All NULL: the built-in file writer. */
    as_metrics_listeners metrics_listeners;
    /** Vector of as_metrics_label, or NULL. */
    as_vector* labels;
    /** Folder of the file writer. */
    char report_dir[256];
    /** Bytes after which a new file is begun; 0 for never. */
    uint64_t report_size_limit;
    /** Tends between two snapshots. */
    uint32_t interval;
    /** Buckets of the latency histogram. */
    uint8_t latency_columns;
    /** Powers of two between two buckets. */
    uint8_t latency_shift;
    /** Private. */
    bool enable;
} as_metrics_policy;

/** Sets the defaults. */
AS_EXTERN void as_metrics_policy_init(as_metrics_policy* policy);

/** Frees the labels. */
AS_EXTERN void as_metrics_policy_destroy(as_metrics_policy* policy);

#ifdef __cplusplus
}
#endif
