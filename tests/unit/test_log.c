/*
 * The log: levels, receiver, and the gate of repeated lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/log.h"

static char lines[8][2048];
static int lines_count;
static as_log_level last_level;

static bool receive(as_log_level level, const char* func, const char* file, uint32_t line,
                    const char* fmt, ...)
{
    va_list args;

    assert_non_null(func);
    assert_non_null(strstr(file, "test_log.c"));
    assert_true(line > 0);
    va_start(args, fmt);
    vsnprintf(lines[lines_count % 8], sizeof(lines[0]), fmt, args);
    va_end(args);
    lines_count++;
    last_level = level;
    return true;
}

static int listen(void** state)
{
    (void)state;
    lines_count = 0;
    as_log_set_level(AS_LOG_LEVEL_INFO);
    as_log_set_callback(receive);
    return 0;
}

static void nobody_listens_at_first(void** state)
{
    (void)state;
    assert_int_equal(g_as_log.level, AS_LOG_LEVEL_INFO);
    assert_false(g_as_log.callback_set);
    assert_null(g_as_log.callback);
    as_log_error("nowhere");
    assert_false(as_log_error_enabled());
}

static void levels_hold_lines_back(void** state)
{
    (void)state;
    as_log_error("e %d", 1);
    assert_int_equal(last_level, AS_LOG_LEVEL_ERROR);
    as_log_warn("w");
    as_log_info("plain");
    as_log_debug("d");
    as_log_trace("t");
    assert_int_equal(lines_count, 3);
    assert_string_equal(lines[0], "e 1");
    as_log_set_level(AS_LOG_LEVEL_TRACE);
    as_log_debug("d");
    as_log_trace("t");
    assert_int_equal(lines_count, 5);
    assert_int_equal(last_level, AS_LOG_LEVEL_TRACE);
    as_log_set_level(AS_LOG_LEVEL_ERROR);
    assert_false(as_log_warn_enabled());
    as_log_warn("w");
    assert_int_equal(lines_count, 5);
    as_log_set_callback(NULL);
    as_log_error("silent");
    assert_int_equal(lines_count, 5);
}

static void levels_have_names(void** state)
{
    (void)state;
    assert_string_equal(as_log_level_tostring(AS_LOG_LEVEL_ERROR), "ERROR");
    assert_string_equal(as_log_level_tostring(AS_LOG_LEVEL_TRACE), "TRACE");
    assert_string_equal(as_log_level_tostring((as_log_level)5), "UNKNOWN");
    assert_string_equal(as_log_level_tostring((as_log_level)-1), "UNKNOWN");
    assert_string_equal(as_log_level_strings[AS_LOG_LEVEL_WARN], "WARN");
}

static void one_line_per_interval(void** state)
{
    (void)state;
    tnd_log_gate gate = {0};

    tnd_log_limit(&gate, 0, 1000, AS_LOG_LEVEL_WARN, "node %s", "A");
    assert_string_equal(lines[0], "node A");
    tnd_log_limit(&gate, 500, 1000, AS_LOG_LEVEL_WARN, "node %s", "A");
    tnd_log_limit(&gate, 999, 1000, AS_LOG_LEVEL_WARN, "node %s", "A");
    assert_int_equal(lines_count, 1);
    tnd_log_limit(&gate, 1000, 1000, AS_LOG_LEVEL_WARN, "node %s", "A");
    assert_int_equal(lines_count, 2);
    assert_string_equal(lines[1], "node A (and 2 more like it)");
    tnd_log_limit(&gate, 2000, 1000, AS_LOG_LEVEL_WARN, "node %s", "A");
    assert_string_equal(lines[2], "node A");
}

static void a_clock_that_jumps_back_doesnt_silence(void** state)
{
    (void)state;
    tnd_log_gate gate = {0};

    tnd_log_limit(&gate, 1000000, 1000, AS_LOG_LEVEL_WARN, "x");
    tnd_log_limit(&gate, 5, 1000, AS_LOG_LEVEL_WARN, "x");
    assert_int_equal(lines_count, 2);
}

static void unheard_lines_leave_the_gate_open(void** state)
{
    (void)state;
    tnd_log_gate gate = {0};

    tnd_log_limit(&gate, 10, 1000, AS_LOG_LEVEL_DEBUG, "x");
    assert_int_equal(lines_count, 0);
    tnd_log_limit(&gate, 11, 1000, AS_LOG_LEVEL_ERROR, "x");
    assert_int_equal(lines_count, 1);
    assert_string_equal(lines[0], "x");
}

static void limited_lines_are_cut(void** state)
{
    (void)state;
    tnd_log_gate gate = {0};
    char text[2000];

    memset(text, '%', sizeof(text) - 1); /* isn't taken for a format either */
    text[sizeof(text) - 1] = '\0';
    tnd_log_limit(&gate, 0, 1000, AS_LOG_LEVEL_ERROR, "%s", text);
    assert_int_equal(strlen(lines[0]), TND_LOG_LINE_BYTES_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens_at_first),
        cmocka_unit_test_setup(levels_hold_lines_back, listen),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test_setup(one_line_per_interval, listen),
        cmocka_unit_test_setup(a_clock_that_jumps_back_doesnt_silence, listen),
        cmocka_unit_test_setup(unheard_lines_leave_the_gate_open, listen),
        cmocka_unit_test_setup(limited_lines_are_cut, listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
