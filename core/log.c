/*
 * The log's receiver, and the gate that keeps repeated lines apart.
 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

as_log g_as_log = {
    .level = AS_LOG_LEVEL_INFO,
    .callback_set = false,
    .callback = NULL,
};

const char* as_log_level_strings[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

void as_log_set_level(as_log_level level)
{
    g_as_log.level = level;
}

void as_log_set_callback(as_log_callback callback)
{
    g_as_log.callback = callback;
    g_as_log.callback_set = callback != NULL;
}

const char* as_log_level_tostring(as_log_level level)
{
    size_t count = sizeof(as_log_level_strings) / sizeof(as_log_level_strings[0]);

    return (size_t)level < count ? as_log_level_strings[level] : "UNKNOWN";
}

static bool log_is_heard(as_log_level level)
{
    return g_as_log.callback && g_as_log.level >= level;
}

static bool gate_is_open(const tnd_log_gate* gate, uint64_t now_ms, uint32_t interval_ms)
{
    /* A gate that would stay shut for longer than an interval was shut on another clock. */
    return now_ms >= gate->quiet_until_ms || gate->quiet_until_ms - now_ms > interval_ms;
}

void tnd_log_limit_at(tnd_log_gate* gate, uint64_t now_ms, uint32_t interval_ms, as_log_level level,
                      const char* func, const char* file, uint32_t line, const char* fmt, ...)
{
    char text[TND_LOG_LINE_BYTES_MAX];
    va_list args;

    if (!log_is_heard(level)) {
        return;
    }
    if (!gate_is_open(gate, now_ms, interval_ms)) {
        gate->suppressed_count += gate->suppressed_count < UINT32_MAX;
        return;
    }

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (gate->suppressed_count > 0) {
        g_as_log.callback(level, func, file, line, "%s (and %" PRIu32 " more like it)", text,
                          gate->suppressed_count);
    } else {
        g_as_log.callback(level, func, file, line, "%s", text);
    }
    gate->suppressed_count = 0;
    gate->quiet_until_ms = now_ms + interval_ms;
}
