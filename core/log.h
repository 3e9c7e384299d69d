/*
 * Log lines that may come often: at most one per interval, with the number of those left out.
 *
 * Lines about the same fact share a gate, which the caller keeps next to what the fact is about (a
 * node, a tender). Plain lines use <aerospike/as_log_macros.h>.
 */
#ifndef TENDRIL_CORE_LOG_H
#define TENDRIL_CORE_LOG_H

#include <stdint.h>

#include <aerospike/as_log_macros.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_LOG_LINE_BYTES_MAX = 768, /* of a limited line; longer ones are cut */
};

/* All zero lets the next line through. */
typedef struct tnd_log_gate {
    uint64_t quiet_until_ms;   /* on the caller's clock */
    uint32_t suppressed_count; /* lines left out since the last one written */
} tnd_log_gate;

/* Writes the line if the gate is open at `now_ms`, and shuts it for `interval_ms`; else counts it.
   Lines that nobody would see (level, no listener) leave the gate alone. */
#define tnd_log_limit(gate, now_ms, interval_ms, level, ...)                                       \
    tnd_log_limit_at((gate), (now_ms), (interval_ms), (level), __func__, __FILE__, __LINE__,       \
                     __VA_ARGS__)

/* Behind tnd_log_limit(). */
void tnd_log_limit_at(tnd_log_gate* gate, uint64_t now_ms, uint32_t interval_ms, as_log_level level,
                      const char* func, const char* file, uint32_t line, const char* fmt, ...)
    __attribute__((format(printf, 8, 9)));

#ifdef __cplusplus
}
#endif

#endif
