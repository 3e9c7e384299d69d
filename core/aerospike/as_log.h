/**
 * Where the library's log lines go: to one function of the program, or nowhere.
 *
 * One global receiver per process, called in the thread that runs the loop. Nothing is printed
 * before as_log_set_callback().
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum as_log_level_e {
    AS_LOG_LEVEL_ERROR = 0,
    AS_LOG_LEVEL_WARN = 1,
    AS_LOG_LEVEL_INFO = 2,
    AS_LOG_LEVEL_DEBUG = 3,
    AS_LOG_LEVEL_TRACE = 4
} as_log_level;

/**
 * Receives one line per call, in printf form and without a newline, with the place that wrote it.
 * Returns true when the line was handled.
 */
typedef bool (*as_log_callback)(as_log_level level, const char* func, const char* file,
                                uint32_t line, const char* fmt, ...);

typedef struct as_log_s {
    /** Lines beyond this level aren't written. */
    as_log_level level;
    /** A receiver was chosen, be it NULL. */
    bool callback_set;
    /** The receiver; NULL writes nothing. */
    as_log_callback callback;
} as_log;

/** The process's log: AS_LOG_LEVEL_INFO and no receiver at first. */
AS_EXTERN extern as_log g_as_log;

/** "ERROR", "WARN", "INFO", "DEBUG", "TRACE", by level. */
AS_EXTERN extern const char* as_log_level_strings[];

/** Lets lines up to `level` through. */
AS_EXTERN void as_log_set_level(as_log_level level);

/** Sends all lines to `callback`; NULL silences. */
AS_EXTERN void as_log_set_callback(as_log_callback callback);

/** Name of a level; static text, "UNKNOWN" for no level. */
AS_EXTERN const char* as_log_level_tostring(as_log_level level);

#ifdef __cplusplus
}
#endif
