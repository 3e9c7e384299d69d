/**
 * Policies: how a command behaves. Each kind of command has its struct, each struct an initialiser
 * that sets the defaults. A NULL policy argument means the client's default of that kind
 * (as_config.policies); a given one is taken whole. Times are in milliseconds unless said
 * otherwise.
 */
#pragma once

#include <aerospike/as_metrics.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Expressions and transactions come later; until then a policy that names one is refused. */
struct as_exp;
struct as_txn;
typedef struct as_exp as_exp;
typedef struct as_txn as_txn;

/** Old; unused. */
typedef enum as_policy_retry_e {
    AS_POLICY_RETRY_NONE = 0,
    AS_POLICY_RETRY_ONCE = 1
} as_policy_retry;

typedef enum as_policy_gen_e {
    /** No check. */
    AS_POLICY_GEN_IGNORE = 0,
    /** The expected generation must equal the stored one. */
    AS_POLICY_GEN_EQ = 1,
    /** The expected generation must be greater (restore). */
    AS_POLICY_GEN_GT = 2
} as_policy_gen;

typedef enum as_policy_key_e {
    /** Only the digest is sent. */
    AS_POLICY_KEY_DIGEST = 0,
    /** The user key is sent too, and stored by writes. */
    AS_POLICY_KEY_SEND = 1
} as_policy_key;

typedef enum as_policy_exists_e {
    /** Create or update. */
    AS_POLICY_EXISTS_IGNORE = 0,
    /** Create only. */
    AS_POLICY_EXISTS_CREATE = 1,
    /** Update only. */
    AS_POLICY_EXISTS_UPDATE = 2,
    /** Replace only: other bins are dropped. */
    AS_POLICY_EXISTS_REPLACE = 3,
    /** Create or replace. */
    AS_POLICY_EXISTS_CREATE_OR_REPLACE = 4
} as_policy_exists;

typedef enum as_policy_replica_e {
    /** Always the master. */
    AS_POLICY_REPLICA_MASTER = 0,
    /** Master and replicas in turn (reads). */
    AS_POLICY_REPLICA_ANY = 1,
    /** The master first, the next replica after a failure. */
    AS_POLICY_REPLICA_SEQUENCE = 2,
    /** Nodes on the preferred racks first (reads). */
    AS_POLICY_REPLICA_PREFER_RACK = 3,
    /** All nodes in turn. */
    AS_POLICY_REPLICA_RANDOM = 4
} as_policy_replica;

typedef enum as_policy_read_mode_ap_e {
    /** One node answers. */
    AS_POLICY_READ_MODE_AP_ONE = 0,
    /** Duplicates are resolved first. */
    AS_POLICY_READ_MODE_AP_ALL = 1
} as_policy_read_mode_ap;

typedef enum as_policy_read_mode_sc_e {
    /** A session sees its own writes, in order. */
    AS_POLICY_READ_MODE_SC_SESSION = 0,
    /** All sessions see one order. */
    AS_POLICY_READ_MODE_SC_LINEARIZE = 1,
    /** A replica may answer. */
    AS_POLICY_READ_MODE_SC_ALLOW_REPLICA = 2,
    /** So may a node while the partition is unavailable. */
    AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE = 3
} as_policy_read_mode_sc;

typedef enum as_policy_commit_level_e {
    /** The write is answered once all replicas have it. */
    AS_POLICY_COMMIT_LEVEL_ALL = 0,
    /** The write is answered once the master has it. */
    AS_POLICY_COMMIT_LEVEL_MASTER = 1
} as_policy_commit_level;

typedef enum as_query_duration_e {
    /** A normal query. */
    AS_QUERY_DURATION_LONG = 0,
    /** A small result. */
    AS_QUERY_DURATION_SHORT = 1,
    /** A normal query without duplicate resolution (servers from 7.1). */
    AS_QUERY_DURATION_LONG_RELAX_AP = 2
} as_query_duration;

#define AS_POLICY_SOCKET_TIMEOUT_DEFAULT 30000
#define AS_POLICY_TOTAL_TIMEOUT_DEFAULT 1000
#define AS_POLICY_TIMEOUT_DELAY_DEFAULT 3000
#define AS_POLICY_COMPRESSION_THRESHOLD_DEFAULT 0
#define AS_POLICY_GEN_DEFAULT AS_POLICY_GEN_IGNORE
#define AS_POLICY_KEY_DEFAULT AS_POLICY_KEY_DIGEST
#define AS_POLICY_EXISTS_DEFAULT AS_POLICY_EXISTS_IGNORE
#define AS_POLICY_REPLICA_DEFAULT AS_POLICY_REPLICA_SEQUENCE
#define AS_POLICY_READ_MODE_AP_DEFAULT AS_POLICY_READ_MODE_AP_ONE
#define AS_POLICY_READ_MODE_SC_DEFAULT AS_POLICY_READ_MODE_SC_SESSION
#define AS_POLICY_COMMIT_LEVEL_DEFAULT AS_POLICY_COMMIT_LEVEL_ALL

/** What all command policies share. */
typedef struct as_policy_base_s {
    /** Limit for opening a connection; 0: the other limits cover it. */
    uint32_t connect_timeout;
    /**
     * Idle limit while a command waits on its socket. 0 or more than total_timeout: total_timeout.
     * When it fires the command is tried again, if it may be.
     */
    uint32_t socket_timeout;
    /** Limit for the whole command with its retries; 0 for none. */
    uint32_t total_timeout;
    /** After a timeout, time to keep the socket for the late reply; 0 closes it at once. */
    uint32_t timeout_delay;
    /** Attempts beyond the first. */
    uint32_t max_retries;
    /** Pause before each retry. */
    uint32_t sleep_between_retries;
    /** Filter expression, or NULL. */
    as_exp* filter_exp;
    /** Transaction, or NULL. */
    as_txn* txn;
    /** Compress requests and replies (Enterprise servers). */
    bool compress;
    /** AS_ERROR_DETAIL_... (as_subcode.h). */
    uint8_t error_detail_verbosity;
} as_policy_base;

/** Get, select, exists. */
typedef struct as_policy_read_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Consistency of reads where the namespace is available under partition. */
    as_policy_read_mode_ap read_mode_ap;
    /** Consistency of reads where the namespace is strongly consistent. */
    as_policy_read_mode_sc read_mode_sc;
    /** 0 the server's default, -1 never, 1..100: touch the record within that share of its end. */
    int read_touch_ttl_percent;
    /** False: lists and maps come as as_bytes. */
    bool deserialize;
    /** The listener's record belongs to the program, which destroys it. */
    bool async_heap_rec;
} as_policy_read;

/** Put. */
typedef struct as_policy_write_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** What to do with the expected generation. */
    as_policy_gen gen;
    /** What to do with a record that exists or doesn't. */
    as_policy_exists exists;
    /** Seconds to live where the record or the operations say AS_RECORD_CLIENT_DEFAULT_TTL. */
    uint32_t ttl;
    /** Compress requests beyond this many bytes; 0 for never. */
    uint32_t compression_threshold;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
    /** In a transaction: fail if the record is locked already. */
    bool on_locking_only;
} as_policy_write;

/** Several operations on one record. */
typedef struct as_policy_operate_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Consistency of reads where the namespace is available under partition. */
    as_policy_read_mode_ap read_mode_ap;
    /** Consistency of reads where the namespace is strongly consistent. */
    as_policy_read_mode_sc read_mode_sc;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** What to do with the expected generation. */
    as_policy_gen gen;
    /** What to do with a record that exists or doesn't. */
    as_policy_exists exists;
    /** Seconds to live where the record or the operations say AS_RECORD_CLIENT_DEFAULT_TTL. */
    uint32_t ttl;
    /** 0 the server's default, -1 never, 1..100: touch the record within that share of its end. */
    int read_touch_ttl_percent;
    /** False: lists and maps come as as_bytes. */
    bool deserialize;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
    /** In a transaction: fail if the record is locked already. */
    bool on_locking_only;
    /** The listener's record belongs to the program, which destroys it. */
    bool async_heap_rec;
    /** A result for each operation. */
    bool respond_all_ops;
} as_policy_operate;

/** Remove. */
typedef struct as_policy_remove_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** What to do with the expected generation. */
    as_policy_gen gen;
    /** Expected generation. */
    uint16_t generation;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
} as_policy_remove;

/** A server-side function on one record. */
typedef struct as_policy_apply_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** Seconds to live. */
    uint32_t ttl;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
    /** In a transaction: fail if the record is locked already. */
    bool on_locking_only;
} as_policy_apply;

/** Info requests. */
typedef struct as_policy_info_s {
    /** Whole request in ms. */
    uint32_t timeout;
    /** After a timeout, ms to keep the socket for the late reply. */
    uint32_t timeout_delay;
    /** Don't check or convert the request's text. */
    bool send_as_is;
    /** Limit the size of the request. */
    bool check_bounds;
} as_policy_info;

/** User and role administration. */
typedef struct as_policy_admin_s {
    /** Whole request in ms. */
    uint32_t timeout;
} as_policy_admin;

/** A batch as a whole. */
typedef struct as_policy_batch_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Consistency of reads where the namespace is available under partition. */
    as_policy_read_mode_ap read_mode_ap;
    /** Consistency of reads where the namespace is strongly consistent. */
    as_policy_read_mode_sc read_mode_sc;
    /** 0 the server's default, -1 never, 1..100: touch the record within that share of its end. */
    int read_touch_ttl_percent;
    /** Ask the nodes at the same time (synchronous calls). */
    bool concurrent;
    /** Let the server work in the receiving thread, for data in memory. */
    bool allow_inline;
    /** The same for data on SSD. */
    bool allow_inline_ssd;
    /** Go on after an error of one key. */
    bool respond_all_keys;
    /** Obsolete: always sent. */
    bool send_set_name;
    /** False: lists and maps come as as_bytes. */
    bool deserialize;
} as_policy_batch;

/** Reads in a batch. */
typedef struct as_policy_batch_read_s {
    /** Filter expression, or NULL; borrowed. */
    as_exp* filter_exp;
    /** Consistency of reads where the namespace is available under partition. */
    as_policy_read_mode_ap read_mode_ap;
    /** Consistency of reads where the namespace is strongly consistent. */
    as_policy_read_mode_sc read_mode_sc;
    /** 0 the server's default, -1 never, 1..100: touch the record within that share of its end. */
    int read_touch_ttl_percent;
} as_policy_batch_read;

/** Writes in a batch. */
typedef struct as_policy_batch_write_s {
    /** Filter expression, or NULL; borrowed. */
    as_exp* filter_exp;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** What to do with the expected generation. */
    as_policy_gen gen;
    /** What to do with a record that exists or doesn't. */
    as_policy_exists exists;
    /** Seconds to live where the record or the operations say AS_RECORD_CLIENT_DEFAULT_TTL. */
    uint32_t ttl;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
    /** In a transaction: fail if the record is locked already. */
    bool on_locking_only;
} as_policy_batch_write;

/** Functions in a batch. */
typedef struct as_policy_batch_apply_s {
    /** Filter expression, or NULL; borrowed. */
    as_exp* filter_exp;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** Seconds to live. */
    uint32_t ttl;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
    /** In a transaction: fail if the record is locked already. */
    bool on_locking_only;
} as_policy_batch_apply;

/** Removes in a batch. */
typedef struct as_policy_batch_remove_s {
    /** Filter expression, or NULL; borrowed. */
    as_exp* filter_exp;
    /** Whether the user key goes along with the digest. */
    as_policy_key key;
    /** Whom a write waits for. */
    as_policy_commit_level commit_level;
    /** What to do with the expected generation. */
    as_policy_gen gen;
    /** Expected generation. */
    uint16_t generation;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
} as_policy_batch_remove;

/** Scans. */
typedef struct as_policy_scan_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** About this many in total; 0 for all. */
    uint64_t max_records;
    /** Limit per server; 0 for none. */
    uint32_t records_per_second;
    /** Which node is asked. */
    as_policy_replica replica;
    /** Seconds to live where the record or the operations say AS_RECORD_CLIENT_DEFAULT_TTL. */
    uint32_t ttl;
    /** Leave a tombstone (Enterprise servers). */
    bool durable_delete;
} as_policy_scan;

/** Queries. */
typedef struct as_policy_query_s {
    /** Timeouts and retries. */
    as_policy_base base;
    /** Limit in ms of the check behind fail_on_cluster_change. */
    uint32_t info_timeout;
    /** Which node is asked. */
    as_policy_replica replica;
    /** How much work the query is. */
    as_query_duration expected_duration;
    /** End the query when data moves. */
    bool fail_on_cluster_change;
    /** False: lists and maps come as as_bytes. */
    bool deserialize;
    /** Obsolete: true is AS_QUERY_DURATION_SHORT. */
    bool short_query;
} as_policy_query;

/** The check before a transaction's commit. */
typedef as_policy_batch as_policy_txn_verify;

/** A transaction's commit or abort of its records. */
typedef as_policy_batch as_policy_txn_roll;

/** A client's defaults, one of each kind. */
typedef struct as_policies_s {
    as_policy_read read;
    as_policy_write write;
    as_policy_operate operate;
    as_policy_remove remove;
    as_policy_apply apply;
    as_policy_batch batch;
    as_policy_batch batch_parent_write;
    as_policy_batch_write batch_write;
    as_policy_batch_apply batch_apply;
    as_policy_batch_remove batch_remove;
    as_policy_scan scan;
    as_policy_query query;
    as_policy_info info;
    as_policy_admin admin;
    as_policy_txn_verify txn_verify;
    as_policy_txn_roll txn_roll;
    as_metrics_policy metrics;
} as_policies;

/** Defaults of the common part for reads. */
AS_EXTERN void as_policy_base_read_init(as_policy_base* p);
/** Defaults of the common part for writes. */
AS_EXTERN void as_policy_base_write_init(as_policy_base* p);
/** Defaults of the common part for scans and queries. */
AS_EXTERN void as_policy_base_query_init(as_policy_base* p);

/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_read* as_policy_read_init(as_policy_read* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_write* as_policy_write_init(as_policy_write* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_operate* as_policy_operate_init(as_policy_operate* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_remove* as_policy_remove_init(as_policy_remove* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_apply* as_policy_apply_init(as_policy_apply* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch* as_policy_batch_init(as_policy_batch* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch* as_policy_batch_parent_write_init(as_policy_batch* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch_read* as_policy_batch_read_init(as_policy_batch_read* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch_write* as_policy_batch_write_init(as_policy_batch_write* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch_apply* as_policy_batch_apply_init(as_policy_batch_apply* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_batch_remove* as_policy_batch_remove_init(as_policy_batch_remove* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_scan* as_policy_scan_init(as_policy_scan* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_query* as_policy_query_init(as_policy_query* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_info* as_policy_info_init(as_policy_info* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_admin* as_policy_admin_init(as_policy_admin* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_txn_verify* as_policy_txn_verify_init(as_policy_txn_verify* p);
/** Sets the defaults; returns `p`. */
AS_EXTERN as_policy_txn_roll* as_policy_txn_roll_init(as_policy_txn_roll* p);

/** Copies all fields. */
static inline void as_policy_read_copy(const as_policy_read* src, as_policy_read* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_write_copy(const as_policy_write* src, as_policy_write* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_operate_copy(const as_policy_operate* src, as_policy_operate* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_remove_copy(const as_policy_remove* src, as_policy_remove* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_apply_copy(const as_policy_apply* src, as_policy_apply* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_batch_copy(const as_policy_batch* src, as_policy_batch* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_scan_copy(const as_policy_scan* src, as_policy_scan* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_query_copy(const as_policy_query* src, as_policy_query* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_info_copy(const as_policy_info* src, as_policy_info* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_admin_copy(const as_policy_admin* src, as_policy_admin* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_txn_verify_copy(const as_policy_txn_verify* src,
                                             as_policy_txn_verify* trg)
{
    *trg = *src;
}

/** Copies all fields. */
static inline void as_policy_txn_roll_copy(const as_policy_txn_roll* src, as_policy_txn_roll* trg)
{
    *trg = *src;
}

/** Sets the defaults of all; returns `p`. as_config_init() does it. */
AS_EXTERN as_policies* as_policies_init(as_policies* p);

/** Frees what the policies own: the labels of the metrics. */
AS_EXTERN void as_policies_destroy(as_policies* p);

#ifdef __cplusplus
}
#endif
