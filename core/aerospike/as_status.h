/**
 * Status of every call and every command.
 *
 * Negative values are made by the client, 0 is success, positive values come from the server and
 * equal the result code of the wire protocol. as_error_string() (as_error.h) gives their names.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

typedef enum as_status_e {
    /** Metrics call contradicts the dynamic config file. */
    AEROSPIKE_METRICS_CONFLICT = -20,
    /** Commit after abort. */
    AEROSPIKE_TXN_ALREADY_ABORTED = -19,
    /** Abort after commit. */
    AEROSPIKE_TXN_ALREADY_COMMITTED = -18,
    /** Transaction failed. */
    AEROSPIKE_TXN_FAILED = -17,
    /** At least one batch row failed. */
    AEROSPIKE_BATCH_FAILED = -16,
    /** Batch row preset: nothing came back for it. */
    AEROSPIKE_NO_RESPONSE = -15,
    /** Node is in back-off (circuit breaker). */
    AEROSPIKE_MAX_ERROR_RATE = -14,
    /** Internal to the retry of batches, never shown. */
    AEROSPIKE_USE_NORMAL_RETRY = -13,
    /** Retries used up. */
    AEROSPIKE_ERR_MAX_RETRIES_EXCEEDED = -12,
    /** Loop's delay queue is full. */
    AEROSPIKE_ERR_ASYNC_QUEUE_FULL = -11,
    /** Sync connection failure. */
    AEROSPIKE_ERR_CONNECTION = -10,
    /** TLS failure. */
    AEROSPIKE_ERR_TLS_ERROR = -9,
    /** No node for the partition / unknown node. */
    AEROSPIKE_ERR_INVALID_NODE = -8,
    /** Per-node connection limit. */
    AEROSPIKE_ERR_NO_MORE_CONNECTIONS = -7,
    /** Async connection failure. */
    AEROSPIKE_ERR_ASYNC_CONNECTION = -6,
    /** The user's callback stopped the scan/query. */
    AEROSPIKE_ERR_CLIENT_ABORT = -5,
    /** Name lookup failed. */
    AEROSPIKE_ERR_INVALID_HOST = -4,
    /** Internal end marker of a stream. */
    AEROSPIKE_NO_MORE_RECORDS = -3,
    /** Bad argument. */
    AEROSPIKE_ERR_PARAM = -2,
    /** Other client-side error. */
    AEROSPIKE_ERR_CLIENT = -1,
    /** Old name of AEROSPIKE_ERR_CLIENT. */
    AEROSPIKE_ERR = -1,
    /** Success. */
    AEROSPIKE_OK = 0,
    /** Unspecified server error; also cluster is empty for batch/scan/query. */
    AEROSPIKE_ERR_SERVER = 1,
    /** No such record. */
    AEROSPIKE_ERR_RECORD_NOT_FOUND = 2,
    /** Generation check failed. */
    AEROSPIKE_ERR_RECORD_GENERATION = 3,
    /** Malformed request or field. */
    AEROSPIKE_ERR_REQUEST_INVALID = 4,
    /** Create-only write on an existing record. */
    AEROSPIKE_ERR_RECORD_EXISTS = 5,
    /** Create-only bin operation. */
    AEROSPIKE_ERR_BIN_EXISTS = 6,
    /** Cluster changed meanwhile. */
    AEROSPIKE_ERR_CLUSTER_CHANGE = 7,
    /** Memory or storage exhausted (stop-writes). */
    AEROSPIKE_ERR_SERVER_FULL = 8,
    /** By client or server. */
    AEROSPIKE_ERR_TIMEOUT = 9,
    /** Not possible in this configuration. */
    AEROSPIKE_ERR_ALWAYS_FORBIDDEN = 10,
    /** Partition unavailable. */
    AEROSPIKE_ERR_CLUSTER = 11,
    /** Operation does not fit the bin's type. */
    AEROSPIKE_ERR_BIN_INCOMPATIBLE_TYPE = 12,
    /** Record exceeds the write block. */
    AEROSPIKE_ERR_RECORD_TOO_BIG = 13,
    /** Hot key. */
    AEROSPIKE_ERR_RECORD_BUSY = 14,
    /** Scan stopped on the server. */
    AEROSPIKE_ERR_SCAN_ABORTED = 15,
    /** Server cannot do it. */
    AEROSPIKE_ERR_UNSUPPORTED_FEATURE = 16,
    /** Update-only bin operation. */
    AEROSPIKE_ERR_BIN_NOT_FOUND = 17,
    /** Storage cannot keep up. */
    AEROSPIKE_ERR_DEVICE_OVERLOAD = 18,
    /** Stored key differs from the sent one. */
    AEROSPIKE_ERR_RECORD_KEY_MISMATCH = 19,
    /** Also returned at once by the client when its partition map lacks the namespace. */
    AEROSPIKE_ERR_NAMESPACE_NOT_FOUND = 20,
    /** Bin name too long or quota. */
    AEROSPIKE_ERR_BIN_NAME = 21,
    /** Not now (truncate, stop-writes, ...). */
    AEROSPIKE_ERR_FAIL_FORBIDDEN = 22,
    /** Map/list update-only. */
    AEROSPIKE_ERR_FAIL_ELEMENT_NOT_FOUND = 23,
    /** Map/list create-only. */
    AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS = 24,
    /** Community server asked for an Enterprise feature. */
    AEROSPIKE_ERR_ENTERPRISE_ONLY = 25,
    /** Operation impossible on the current value. */
    AEROSPIKE_ERR_OP_NOT_APPLICABLE = 26,
    /** Filter expression was false. */
    AEROSPIKE_FILTERED_OUT = 27,
    /** Lost to XDR. */
    AEROSPIKE_LOST_CONFLICT = 28,
    /** Bad UTF-8 (server 8.1.3+). */
    AEROSPIKE_INVALID_ENCODING = 29,
    /** XDR still shipping. */
    AEROSPIKE_XDR_KEY_BUSY = 32,
    /** End of query. */
    AEROSPIKE_QUERY_END = 50,
    /* Security: login, users, roles, quotas. */
    AEROSPIKE_SECURITY_NOT_SUPPORTED = 51,
    AEROSPIKE_SECURITY_NOT_ENABLED = 52,
    AEROSPIKE_SECURITY_SCHEME_NOT_SUPPORTED = 53,
    /** Admin command. */
    AEROSPIKE_INVALID_COMMAND = 54,
    /** Admin field. */
    AEROSPIKE_INVALID_FIELD = 55,
    /** Security protocol order. */
    AEROSPIKE_ILLEGAL_STATE = 56,
    AEROSPIKE_INVALID_USER = 60,
    AEROSPIKE_USER_ALREADY_EXISTS = 61,
    AEROSPIKE_INVALID_PASSWORD = 62,
    AEROSPIKE_EXPIRED_PASSWORD = 63,
    AEROSPIKE_FORBIDDEN_PASSWORD = 64,
    AEROSPIKE_INVALID_CREDENTIAL = 65,
    /** Log in again. */
    AEROSPIKE_EXPIRED_SESSION = 66,
    AEROSPIKE_INVALID_ROLE = 70,
    AEROSPIKE_ROLE_ALREADY_EXISTS = 71,
    AEROSPIKE_INVALID_PRIVILEGE = 72,
    AEROSPIKE_INVALID_WHITELIST = 73,
    AEROSPIKE_QUOTAS_NOT_ENABLED = 74,
    AEROSPIKE_INVALID_QUOTA = 75,
    /** Connection must be closed. */
    AEROSPIKE_NOT_AUTHENTICATED = 80,
    AEROSPIKE_ROLE_VIOLATION = 81,
    AEROSPIKE_NOT_WHITELISTED = 82,
    AEROSPIKE_QUOTA_EXCEEDED = 83,
    /** Lua error; message comes from the server. */
    AEROSPIKE_ERR_UDF = 100,
    /** Record locked by another transaction. */
    AEROSPIKE_MRT_BLOCKED = 120,
    AEROSPIKE_MRT_VERSION_MISMATCH = 121,
    AEROSPIKE_MRT_EXPIRED = 122,
    /** More than 4096 writes. */
    AEROSPIKE_MRT_TOO_MANY_WRITES = 123,
    AEROSPIKE_MRT_COMMITTED = 124,
    AEROSPIKE_MRT_ABORTED = 125,
    AEROSPIKE_MRT_ALREADY_LOCKED = 126,
    AEROSPIKE_MRT_MONITOR_EXISTS = 127,
    /* Batches. */
    AEROSPIKE_ERR_BATCH_DISABLED = 150,
    AEROSPIKE_ERR_BATCH_MAX_REQUESTS_EXCEEDED = 151,
    AEROSPIKE_ERR_BATCH_QUEUES_FULL = 152,
    AEROSPIKE_ERR_GEO_INVALID_GEOJSON = 160,
    /* Secondary indexes. */
    AEROSPIKE_ERR_INDEX_FOUND = 200,
    AEROSPIKE_ERR_INDEX_NOT_FOUND = 201,
    AEROSPIKE_ERR_INDEX_OOM = 202,
    AEROSPIKE_ERR_INDEX_NOT_READABLE = 203,
    AEROSPIKE_ERR_INDEX = 204,
    AEROSPIKE_ERR_INDEX_NAME_MAXLEN = 205,
    AEROSPIKE_ERR_INDEX_MAXCOUNT = 206,
    /* Queries. */
    AEROSPIKE_ERR_QUERY_ABORTED = 210,
    AEROSPIKE_ERR_QUERY_QUEUE_FULL = 211,
    AEROSPIKE_ERR_QUERY_TIMEOUT = 212,
    AEROSPIKE_ERR_QUERY = 213,
    /* Server-side functions. */
    AEROSPIKE_ERR_UDF_NOT_FOUND = 1301,
    AEROSPIKE_ERR_LUA_FILE_NOT_FOUND = 1302,
} as_status;

#ifdef __cplusplus
}
#endif
