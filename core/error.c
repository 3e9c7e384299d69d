/*
 * as_error: filling, copying, and the names of all statuses.
 */
#include <aerospike/as_error.h>

/* The name of every status. A status that is missing here fails the build (-Wswitch). */
#define STATUS_NAMES(X)                                                                            \
    X(AEROSPIKE_METRICS_CONFLICT)                                                                  \
    X(AEROSPIKE_TXN_ALREADY_ABORTED)                                                               \
    X(AEROSPIKE_TXN_ALREADY_COMMITTED)                                                             \
    X(AEROSPIKE_TXN_FAILED)                                                                        \
    X(AEROSPIKE_BATCH_FAILED)                                                                      \
    X(AEROSPIKE_NO_RESPONSE)                                                                       \
    X(AEROSPIKE_MAX_ERROR_RATE)                                                                    \
    X(AEROSPIKE_USE_NORMAL_RETRY)                                                                  \
    X(AEROSPIKE_ERR_MAX_RETRIES_EXCEEDED)                                                          \
    X(AEROSPIKE_ERR_ASYNC_QUEUE_FULL)                                                              \
    X(AEROSPIKE_ERR_CONNECTION)                                                                    \
    X(AEROSPIKE_ERR_TLS_ERROR)                                                                     \
    X(AEROSPIKE_ERR_INVALID_NODE)                                                                  \
    X(AEROSPIKE_ERR_NO_MORE_CONNECTIONS)                                                           \
    X(AEROSPIKE_ERR_ASYNC_CONNECTION)                                                              \
    X(AEROSPIKE_ERR_CLIENT_ABORT)                                                                  \
    X(AEROSPIKE_ERR_INVALID_HOST)                                                                  \
    X(AEROSPIKE_NO_MORE_RECORDS)                                                                   \
    X(AEROSPIKE_ERR_PARAM)                                                                         \
    X(AEROSPIKE_ERR_CLIENT)                                                                        \
    X(AEROSPIKE_OK)                                                                                \
    X(AEROSPIKE_ERR_SERVER)                                                                        \
    X(AEROSPIKE_ERR_RECORD_NOT_FOUND)                                                              \
    X(AEROSPIKE_ERR_RECORD_GENERATION)                                                             \
    X(AEROSPIKE_ERR_REQUEST_INVALID)                                                               \
    X(AEROSPIKE_ERR_RECORD_EXISTS)                                                                 \
    X(AEROSPIKE_ERR_BIN_EXISTS)                                                                    \
    X(AEROSPIKE_ERR_CLUSTER_CHANGE)                                                                \
    X(AEROSPIKE_ERR_SERVER_FULL)                                                                   \
    X(AEROSPIKE_ERR_TIMEOUT)                                                                       \
    X(AEROSPIKE_ERR_ALWAYS_FORBIDDEN)                                                              \
    X(AEROSPIKE_ERR_CLUSTER)                                                                       \
    X(AEROSPIKE_ERR_BIN_INCOMPATIBLE_TYPE)                                                         \
    X(AEROSPIKE_ERR_RECORD_TOO_BIG)                                                                \
    X(AEROSPIKE_ERR_RECORD_BUSY)                                                                   \
    X(AEROSPIKE_ERR_SCAN_ABORTED)                                                                  \
    X(AEROSPIKE_ERR_UNSUPPORTED_FEATURE)                                                           \
    X(AEROSPIKE_ERR_BIN_NOT_FOUND)                                                                 \
    X(AEROSPIKE_ERR_DEVICE_OVERLOAD)                                                               \
    X(AEROSPIKE_ERR_RECORD_KEY_MISMATCH)                                                           \
    X(AEROSPIKE_ERR_NAMESPACE_NOT_FOUND)                                                           \
    X(AEROSPIKE_ERR_BIN_NAME)                                                                      \
    X(AEROSPIKE_ERR_FAIL_FORBIDDEN)                                                                \
    X(AEROSPIKE_ERR_FAIL_ELEMENT_NOT_FOUND)                                                        \
    X(AEROSPIKE_ERR_FAIL_ELEMENT_EXISTS)                                                           \
    X(AEROSPIKE_ERR_ENTERPRISE_ONLY)                                                               \
    X(AEROSPIKE_ERR_OP_NOT_APPLICABLE)                                                             \
    X(AEROSPIKE_FILTERED_OUT)                                                                      \
    X(AEROSPIKE_LOST_CONFLICT)                                                                     \
    X(AEROSPIKE_INVALID_ENCODING)                                                                  \
    X(AEROSPIKE_XDR_KEY_BUSY)                                                                      \
    X(AEROSPIKE_QUERY_END)                                                                         \
    X(AEROSPIKE_SECURITY_NOT_SUPPORTED)                                                            \
    X(AEROSPIKE_SECURITY_NOT_ENABLED)                                                              \
    X(AEROSPIKE_SECURITY_SCHEME_NOT_SUPPORTED)                                                     \
    X(AEROSPIKE_INVALID_COMMAND)                                                                   \
    X(AEROSPIKE_INVALID_FIELD)                                                                     \
    X(AEROSPIKE_ILLEGAL_STATE)                                                                     \
    X(AEROSPIKE_INVALID_USER)                                                                      \
    X(AEROSPIKE_USER_ALREADY_EXISTS)                                                               \
    X(AEROSPIKE_INVALID_PASSWORD)                                                                  \
    X(AEROSPIKE_EXPIRED_PASSWORD)                                                                  \
    X(AEROSPIKE_FORBIDDEN_PASSWORD)                                                                \
    X(AEROSPIKE_INVALID_CREDENTIAL)                                                                \
    X(AEROSPIKE_EXPIRED_SESSION)                                                                   \
    X(AEROSPIKE_INVALID_ROLE)                                                                      \
    X(AEROSPIKE_ROLE_ALREADY_EXISTS)                                                               \
    X(AEROSPIKE_INVALID_PRIVILEGE)                                                                 \
    X(AEROSPIKE_INVALID_WHITELIST)                                                                 \
    X(AEROSPIKE_QUOTAS_NOT_ENABLED)                                                                \
    X(AEROSPIKE_INVALID_QUOTA)                                                                     \
    X(AEROSPIKE_NOT_AUTHENTICATED)                                                                 \
    X(AEROSPIKE_ROLE_VIOLATION)                                                                    \
    X(AEROSPIKE_NOT_WHITELISTED)                                                                   \
    X(AEROSPIKE_QUOTA_EXCEEDED)                                                                    \
    X(AEROSPIKE_ERR_UDF)                                                                           \
    X(AEROSPIKE_MRT_BLOCKED)                                                                       \
    X(AEROSPIKE_MRT_VERSION_MISMATCH)                                                              \
    X(AEROSPIKE_MRT_EXPIRED)                                                                       \
    X(AEROSPIKE_MRT_TOO_MANY_WRITES)                                                               \
    X(AEROSPIKE_MRT_COMMITTED)                                                                     \
    X(AEROSPIKE_MRT_ABORTED)                                                                       \
    X(AEROSPIKE_MRT_ALREADY_LOCKED)                                                                \
    X(AEROSPIKE_MRT_MONITOR_EXISTS)                                                                \
    X(AEROSPIKE_ERR_BATCH_DISABLED)                                                                \
    X(AEROSPIKE_ERR_BATCH_MAX_REQUESTS_EXCEEDED)                                                   \
    X(AEROSPIKE_ERR_BATCH_QUEUES_FULL)                                                             \
    X(AEROSPIKE_ERR_GEO_INVALID_GEOJSON)                                                           \
    X(AEROSPIKE_ERR_INDEX_FOUND)                                                                   \
    X(AEROSPIKE_ERR_INDEX_NOT_FOUND)                                                               \
    X(AEROSPIKE_ERR_INDEX_OOM)                                                                     \
    X(AEROSPIKE_ERR_INDEX_NOT_READABLE)                                                            \
    X(AEROSPIKE_ERR_INDEX)                                                                         \
    X(AEROSPIKE_ERR_INDEX_NAME_MAXLEN)                                                             \
    X(AEROSPIKE_ERR_INDEX_MAXCOUNT)                                                                \
    X(AEROSPIKE_ERR_QUERY_ABORTED)                                                                 \
    X(AEROSPIKE_ERR_QUERY_QUEUE_FULL)                                                              \
    X(AEROSPIKE_ERR_QUERY_TIMEOUT)                                                                 \
    X(AEROSPIKE_ERR_QUERY)                                                                         \
    X(AEROSPIKE_ERR_UDF_NOT_FOUND)                                                                 \
    X(AEROSPIKE_ERR_LUA_FILE_NOT_FOUND)

char* as_error_string(as_status status)
{
    switch (status) {
#define STATUS_NAME(name)                                                                          \
    case name:                                                                                     \
        return (char*)#name;
        STATUS_NAMES(STATUS_NAME)
#undef STATUS_NAME
    }
    return (char*)"AEROSPIKE_ERR_SERVER";
}

/* Everything but the text. */
static void error_place(as_error* err, as_status code, const char* func, const char* file,
                        uint32_t line)
{
    err->code = code;
    err->func = func;
    err->file = file;
    err->line = line;
    err->in_doubt = false;
}

as_status as_error_setall(as_error* err, as_status code, const char* message, const char* func,
                          const char* file, uint32_t line)
{
    if (!err) {
        return code;
    }
    error_place(err, code, func, file, line);
    if (message != err->message) {
        as_strncpy(err->message, message, (int)sizeof(err->message));
    }
    return code;
}

as_status as_error_setallv(as_error* err, as_status code, const char* func, const char* file,
                           uint32_t line, const char* fmt, ...)
{
    char text[AS_ERROR_MESSAGE_MAX_SIZE];
    va_list args;

    if (!err) {
        return code;
    }

    /* Apart first: the old text may be among the arguments. */
    va_start(args, fmt);
    if (vsnprintf(text, sizeof(text), fmt, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    return as_error_setall(err, code, text, func, file, line);
}

void as_error_set_in_doubt(as_error* err, bool is_read, uint32_t command_sent_counter)
{
    bool is_unanswered = err->code == AEROSPIKE_ERR_TIMEOUT || err->code <= AEROSPIKE_OK;

    err->in_doubt =
        !is_read && (command_sent_counter > 1 || (command_sent_counter == 1 && is_unanswered));
}

void as_error_copy(as_error* trg, const as_error* src)
{
    if (trg == src) {
        return;
    }
    trg->code = src->code;
    trg->subcode = src->subcode;
    as_strncpy(trg->message, src->message, (int)sizeof(trg->message));
    trg->func = src->func;
    trg->file = src->file;
    trg->line = src->line;
    trg->in_doubt = src->in_doubt;
}

void as_error_append(as_error* err, const char* str)
{
    size_t size = strnlen(err->message, AS_ERROR_MESSAGE_MAX_LEN);

    as_strncpy(err->message + size, str, (int)(sizeof(err->message) - size));
}
