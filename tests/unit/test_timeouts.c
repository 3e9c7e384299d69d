/*
 * Limits that share lists and one timer: each is due when it should be, whatever lengths there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "async/timeouts.h"
#include "tests/sim/sim.h"

#define MS ((uint64_t)1000)
#define COUNT 200

typedef struct entry {
    tnd_timeout timeout;
    uint64_t due_us; /* as it should be; 0: stopped */
    uint64_t end_us; /* as it was */
} entry;

typedef struct bed {
    sim_world* world;
    tnd_loop* loop;
    tnd_timeouts timeouts;
    entry entries[COUNT];
    unsigned wakes;
} bed;

static void on_due(tnd_timer* timer)
{
    bed* b = timer->udata;
    uint64_t now_us = tnd_loop_now_us(b->loop);
    b->wakes++;
    for (;;) {
        tnd_timeout* timeout = tnd_timeouts_take(&b->timeouts, now_us);
        if (!timeout) {
            break;
        }
        entry* e = (entry*)(void*)timeout;
        assert_false(tnd_timeout_is_started(timeout));
        assert_int_equal(e->end_us, 0);
        e->end_us = now_us;
    }
    tnd_timeouts_arm(&b->timeouts, now_us);
}

static void bed_open(bed* b)
{
    memset(b, 0, sizeof(*b));
    b->world = sim_world_new(11);
    b->loop = sim_loop_new(b->world, "worker");
    tnd_timeouts_init(&b->timeouts, b->loop, on_due, b);
}

static void bed_close(bed* b)
{
    tnd_timeouts_close(&b->timeouts);
    assert_int_equal(sim_loop_used(b->loop).timers_count, 0);
    sim_world_free(b->world);
}

static void start(bed* b, entry* e, uint64_t length_us)
{
    uint64_t now_us = tnd_loop_now_us(b->loop);
    e->due_us = now_us + length_us;
    tnd_timeouts_start(&b->timeouts, &e->timeout, e->due_us, now_us);
}

static void check(const bed* b)
{
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(b->entries[i].end_us, b->entries[i].due_us);
    }
}

static void test_one_length(void** state)
{
    (void)state;
    static bed b;
    bed_open(&b);
    for (int i = 0; i < COUNT; i++) {
        start(&b, &b.entries[i], 50 * MS);
        sim_world_run_for(b.world, i % 3 * 100);
    }
    sim_world_run_for(b.world, 1000 * MS);
    check(&b);
    bed_close(&b);
}

/* More lengths than lists, started, moved and stopped in no order. */
static void test_any_lengths(void** state)
{
    (void)state;
    static bed b;
    bed_open(&b);
    for (int i = 0; i < 4 * COUNT; i++) {
        entry* e = &b.entries[sim_world_below(b.world, COUNT)];
        if (e->end_us == 0 && sim_world_chance(b.world, 20)) {
            tnd_timeouts_stop(&b.timeouts, &e->timeout);
            e->due_us = 0;
        } else if (e->end_us == 0) {
            start(&b, e, (1 + sim_world_below(b.world, 40)) * 7 * MS);
        }
        sim_world_run_for(b.world, sim_world_below(b.world, 300));
    }
    sim_world_run_for(b.world, 10000 * MS);
    check(&b);
    bed_close(&b);
}

/* What is stopped in time costs no wake-up of its own: one timer stands for all. */
static void test_stopped_ones_wake_once(void** state)
{
    (void)state;
    static bed b;
    bed_open(&b);
    for (int i = 0; i < COUNT; i++) {
        start(&b, &b.entries[i], 20 * MS);
        sim_world_run_for(b.world, 10);
        tnd_timeouts_stop(&b.timeouts, &b.entries[i].timeout);
        b.entries[i].due_us = 0;
    }
    sim_world_run_for(b.world, 1000 * MS);
    check(&b);
    assert_int_equal(b.wakes, 1);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_length),
        cmocka_unit_test(test_any_lengths),
        cmocka_unit_test(test_stopped_ones_wake_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
