/*
 * The circuit breaker's arithmetic: limits, windows, halving and doubling.
 */
#include "async/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shm/shares.h"

#define WINDOW_MS 1000

/* `errors` more happen in the window of `at_ms`, then somebody looks. */
typedef struct step {
    uint64_t at_ms;
    uint32_t errors;
    bool is_open;
    uint32_t limit;
} step;

static void go(uint32_t limit_max, const step* steps, size_t count)
{
    tnd_breaker breaker;
    uint64_t tally = 0;
    tnd_breaker_init(&breaker, limit_max, WINDOW_MS, 5000);
    for (size_t i = 0; i < count; i++) {
        uint64_t now_ms = 5000 + steps[i].at_ms;
        for (uint32_t e = 0; e < steps[i].errors; e++) {
            tally = tnd_tally_add(tally, tnd_breaker_window(&breaker, now_ms));
        }
        if (tnd_breaker_is_open(&breaker, tally, now_ms) != steps[i].is_open) {
            fail_msg("step %zu: expected %s", i, steps[i].is_open ? "open" : "closed");
        }
        if (limit_max > 0 && breaker.limit != steps[i].limit) {
            fail_msg("step %zu: limit %u, expected %u", i, breaker.limit, steps[i].limit);
        }
    }
}

#define GO(limit_max, ...)                                                                         \
    do {                                                                                           \
        const step steps[] = {__VA_ARGS__};                                                        \
        go(limit_max, steps, sizeof(steps) / sizeof(steps[0]));                                    \
    } while (0)

static void opens_beyond_the_limit(void** state)
{
    (void)state;
    GO(3, {0, 0, false, 3}, {10, 3, false, 3}, {20, 1, true, 3}, {999, 5, true, 3});
    GO(1, {0, 1, false, 1}, {1, 1, true, 1});
    GO(0, {0, 100000, false, 0}, {1, 100000, false, 0});
}

static void halves_after_a_bad_window(void** state)
{
    (void)state;
    GO(10, {0, 11, true, 10}, {1000, 0, false, 5}, {1001, 6, true, 5}, {2000, 0, false, 2},
       {2001, 3, true, 2}, {3000, 0, false, 1}, {3001, 2, true, 1}, {4000, 0, false, 1});
}

static void doubles_after_good_ones(void** state)
{
    (void)state;
    GO(10, {0, 11, true, 10}, {1000, 6, true, 5}, {2000, 0, false, 2}, {3000, 1, false, 4},
       {4000, 0, false, 8}, {5000, 0, false, 10}, {6000, 0, false, 10});
    GO(100, {0, 101, true, 100}, {1000, 50, false, 50}, {2000, 0, false, 100});
}

/* Windows in which nobody looked were good ones, but for the last if errors were counted in it. */
static void forgives_in_a_long_rest(void** state)
{
    (void)state;
    GO(8, {0, 9, true, 8}, {1000, 5, true, 4}, {2000, 3, true, 2}, {3000, 0, false, 1},
       {60000, 0, false, 8});
    GO(8, {0, 9, true, 8}, {2000, 0, false, 8});
    GO(4000000000u, {0, 5, false, 4000000000u}, {3000, 0, false, 4000000000u});
}

/* Another process's errors count from the window's start, whenever one looks first. */
static void goes_by_the_tally_alone(void** state)
{
    (void)state;
    tnd_breaker breaker;
    tnd_breaker_init(&breaker, 2, WINDOW_MS, 5000);
    uint64_t tally = 0;
    for (int i = 0; i < 3; i++) {
        tally = tnd_tally_add(tally, 9);
    }
    assert_true(tnd_breaker_is_open(&breaker, tally, 9500));
    assert_false(tnd_breaker_is_open(&breaker, tally, 10000));
    assert_int_equal(breaker.limit, 1);
    tally = UINT64_MAX; /* damage: for one window at most */
    assert_false(tnd_breaker_is_open(&breaker, tally, 11000));
}

static void tallies_by_windows(void** state)
{
    (void)state;
    uint64_t tally = tnd_tally_add(tnd_tally_add(0, 7), 7);
    assert_int_equal(tnd_tally_now(tally, 7), 2);
    assert_int_equal(tnd_tally_before(tally, 7), 0);
    assert_int_equal(tnd_tally_now(tally, 8), 0);
    assert_int_equal(tnd_tally_before(tally, 8), 2);
    assert_int_equal(tnd_tally_before(tally, 9), 0);
    tally = tnd_tally_add(tally, 8);
    assert_int_equal(tnd_tally_now(tally, 8), 1);
    assert_int_equal(tnd_tally_before(tally, 8), 2);
    tally = tnd_tally_add(tally, 10);
    assert_int_equal(tnd_tally_before(tally, 10), 0);
    /* Numbers wrap, counts don't. */
    tally = tnd_tally_add(0, TND_TALLY_WINDOW_MASK);
    assert_int_equal(tnd_tally_before(tally, TND_TALLY_WINDOW_MASK + 1ull), 1);
    tally = tally | TND_TALLY_MAX;
    tally = tnd_tally_add(tally, TND_TALLY_WINDOW_MASK);
    assert_int_equal(tnd_tally_now(tally, TND_TALLY_WINDOW_MASK), TND_TALLY_MAX);
    assert_int_equal(tnd_tally_before(tally, TND_TALLY_WINDOW_MASK), 0);
}

/* Windows are multiples of their length on the clock, for all processes alike. */
static void has_windows_of_the_clock(void** state)
{
    (void)state;
    tnd_breaker early;
    tnd_breaker late;
    tnd_breaker_init(&early, 2, WINDOW_MS, 5001);
    tnd_breaker_init(&late, 2, WINDOW_MS, 5900);
    uint64_t tally = tnd_tally_add(tnd_tally_add(tnd_tally_add(0, 5), 5), 5);
    assert_true(tnd_breaker_is_open(&early, tally, 5999));
    assert_true(tnd_breaker_is_open(&late, tally, 5999));
    assert_false(tnd_breaker_is_open(&early, tally, 6000));
    assert_false(tnd_breaker_is_open(&late, tally, 6000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_beyond_the_limit),   cmocka_unit_test(halves_after_a_bad_window),
        cmocka_unit_test(doubles_after_good_ones),  cmocka_unit_test(forgives_in_a_long_rest),
        cmocka_unit_test(goes_by_the_tally_alone),  cmocka_unit_test(tallies_by_windows),
        cmocka_unit_test(has_windows_of_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
