/* Log lines: one write each, so that lines of several processes don't mix. */
#include "echo_proxy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <aerospike/as_log.h>

static void log_write(const char* format, va_list args)
{
    char text[1024];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
    used += (size_t)snprintf(text + used, sizeof(text) - used, ".%06ld [%d] ", now.tv_nsec / 1000,
                             (int)getpid());
    int length = vsnprintf(text + used, sizeof(text) - used - 1, format, args);
    if (length > 0) {
        used += (size_t)length;
    }
    if (used > sizeof(text) - 2) {
        used = sizeof(text) - 2;
    }
    text[used++] = '\n';
    if (write(STDERR_FILENO, text, used) < 0) {
        return; /* nowhere to complain */
    }
}

void log_line(const char* format, ...)
{
    va_list args;
    va_start(args, format);
    log_write(format, args);
    va_end(args);
}

static bool on_library_log(as_log_level level, const char* func, const char* file, uint32_t line,
                           const char* format, ...)
{
    (void)func;
    (void)file;
    (void)line;
    char prefixed[512];
    snprintf(prefixed, sizeof(prefixed), "%s %s", as_log_level_tostring(level), format);
    va_list args;
    va_start(args, format);
    log_write(prefixed, args);
    va_end(args);
    return true;
}

void log_begin(bool is_verbose)
{
    as_log_set_level(is_verbose ? AS_LOG_LEVEL_DEBUG : AS_LOG_LEVEL_INFO);
    as_log_set_callback(on_library_log);
}
