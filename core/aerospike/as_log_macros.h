/**
 * as_log_error(fmt, ...) and so on: write a line in printf form, with the caller's place, if
 * somebody listens and the level lets it through. Errors only need a listener.
 */
#pragma once

#include <aerospike/as_log.h>

#define as_log_error_enabled() (g_as_log.callback != NULL)
#define as_log_warn_enabled() (g_as_log.callback != NULL && g_as_log.level >= AS_LOG_LEVEL_WARN)
#define as_log_info_enabled() (g_as_log.callback != NULL && g_as_log.level >= AS_LOG_LEVEL_INFO)
#define as_log_debug_enabled() (g_as_log.callback != NULL && g_as_log.level >= AS_LOG_LEVEL_DEBUG)
#define as_log_trace_enabled() (g_as_log.callback != NULL && g_as_log.level >= AS_LOG_LEVEL_TRACE)

#define as_log_write_if_(enabled, level, ...)                                                      \
    ((void)((enabled) && g_as_log.callback((level), __func__, __FILE__, __LINE__, __VA_ARGS__)))

#define as_log_error(...) as_log_write_if_(as_log_error_enabled(), AS_LOG_LEVEL_ERROR, __VA_ARGS__)
#define as_log_warn(...) as_log_write_if_(as_log_warn_enabled(), AS_LOG_LEVEL_WARN, __VA_ARGS__)
#define as_log_info(...) as_log_write_if_(as_log_info_enabled(), AS_LOG_LEVEL_INFO, __VA_ARGS__)
#define as_log_debug(...) as_log_write_if_(as_log_debug_enabled(), AS_LOG_LEVEL_DEBUG, __VA_ARGS__)
#define as_log_trace(...) as_log_write_if_(as_log_trace_enabled(), AS_LOG_LEVEL_TRACE, __VA_ARGS__)
