/*
 * What the virtual twin adds to the contract: processes that die, stop and go on, links that fail,
 * and the same trace for the same seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/sim/net.h"
#include "tests/sim/sim.h"

/* A process that listens or connects, reads all it gets, and notes how it ended. */
typedef struct process {
    tnd_loop* loop;
    tnd_io io;
    tnd_io listener;
    tnd_timer timer;
    tnd_task task;
    size_t bytes;
    char last;
    ssize_t end; /* result of the last read that wasn't TND_WAIT; 1: none yet */
    int timers_count;
    int tasks_count;
    bool kills_itself;
    bool stops_itself; /* in the middle of its task */
    bool is_deaf;      /* doesn't read */
} process;

typedef struct pair {
    sim_world* world;
    struct sockaddr_storage addr;
    socklen_t addr_len;
    process server;
    process client;
} pair;

static void on_io(tnd_io* io, unsigned events)
{
    (void)events;
    process* self = io->udata;
    char bytes[100];
    if (self->kills_itself) {
        sim_loop_kill(self->loop);
        return;
    }
    ssize_t count = 1;
    while (!self->is_deaf && count > 0) {
        count = tnd_io_read(io, bytes, sizeof(bytes));
        if (count > 0) {
            self->bytes += (size_t)count;
            self->last = bytes[count - 1];
        } else if (count != TND_WAIT) {
            self->end = count;
        }
    }
}

static void on_listener(tnd_io* io, unsigned events)
{
    (void)events;
    process* self = io->udata;
    if (self->io.is_open || tnd_io_accept(io, &self->io) == TND_WAIT) {
        return; /* called without cause */
    }
    tnd_io_watch(&self->io, TND_IO_READ);
}

static void on_timer(tnd_timer* timer)
{
    process* self = timer->udata;
    self->timers_count++;
    tnd_timer_start_ms(timer, 10);
}

static void on_task(tnd_task* task)
{
    process* self = task->udata;
    if (self->stops_itself && sim_loop_can_suspend(self->loop)) {
        sim_loop_suspend(self->loop);
    }
    self->tasks_count++;
}

static void process_init(process* self, sim_world* world, const char* name)
{
    memset(self, 0, sizeof(*self));
    self->loop = sim_loop_new(world, name);
    self->end = 1;
    tnd_io_init(&self->io, self->loop, on_io, self);
    tnd_io_init(&self->listener, self->loop, on_listener, self);
    tnd_timer_init(&self->timer, self->loop, on_timer, self);
    tnd_task_init(&self->task, self->loop, on_task, self);
}

static void pair_connect(pair* on)
{
    assert_int_equal(tnd_io_connect(&on->client.io, (struct sockaddr*)&on->addr, on->addr_len), 0);
    tnd_io_watch(&on->client.io, TND_IO_READ);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(tnd_io_connect_result(&on->client.io), 0);
    assert_true(on->server.io.is_open);
}

static pair* pair_new(uint64_t seed)
{
    pair* on = calloc(1, sizeof(*on));
    on->world = sim_world_new(seed);
    on->addr_len = sim_addr_inet(&on->addr, "fd00::7", 3000);
    process_init(&on->server, on->world, "server");
    process_init(&on->client, on->world, "client");
    assert_int_equal(
        tnd_io_listen(&on->server.listener, (struct sockaddr*)&on->addr, on->addr_len, 8), 0);
    tnd_io_watch(&on->server.listener, TND_IO_READ);
    return on;
}

static int set_up(void** state)
{
    pair* on = pair_new(11);
    pair_connect(on);
    *state = on;
    return 0;
}

static int tear_down(void** state)
{
    pair* on = *state;
    sim_world_free(on->world); /* with everything still open: it goes inert */
    assert_false(on->client.io.is_open || on->server.io.is_open || on->client.timer.is_armed);
    free(on);
    return 0;
}

static ssize_t put(process* from, const char* text)
{
    struct iovec iov = {(void*)(uintptr_t)text, strlen(text)};
    return tnd_io_writev(&from->io, &iov, 1);
}

static void a_killed_process_is_seen_by_its_peers(void** state)
{
    pair* on = *state;
    tnd_timer_start_ms(&on->server.timer, 10);
    sim_world_run_for(on->world, 35000);
    assert_int_equal(on->server.timers_count, 3);
    tnd_task_soon(&on->server.task);
    assert_int_equal(put(&on->server, "last words"), 10);
    uint64_t killed_us = sim_world_now_us(on->world);
    sim_loop_kill(on->server.loop);
    assert_true(sim_loop_is_dead(on->server.loop));
    assert_int_equal(on->client.end, 1); /* not before the latency */
    while (on->client.end == 1 && sim_world_step(on->world)) {}
    assert_int_equal(on->client.end, TND_EOF);
    assert_int_equal(on->client.bytes, 10); /* what it had written still comes */
    assert_true(sim_world_now_us(on->world) - killed_us < 1000);
    sim_world_run_for(on->world, 100000);
    assert_int_equal(on->server.timers_count, 3);
    assert_int_equal(on->server.tasks_count, 0);
}

static void objects_of_a_dead_process_are_inert(void** state)
{
    pair* on = *state;
    sim_loop_kill(on->server.loop);
    assert_false(on->server.io.is_open);
    tnd_io_close(&on->server.io);
    tnd_timer_start_ms(&on->server.timer, 1);
    assert_false(on->server.timer.is_armed);
    tnd_timer_stop(&on->server.timer);
    tnd_task_soon(&on->server.task);
    tnd_task_cancel(&on->server.task);
    assert_int_equal(tnd_io_connect(&on->server.io, (struct sockaddr*)&on->addr, on->addr_len),
                     -ESHUTDOWN);
    sim_loop_kill(on->server.loop); /* twice */
    sim_world_run_for(on->world, 10000);
    assert_int_equal(on->server.tasks_count, 0);
    /* Its address is free again, and connecting there is refused. */
    tnd_io_close(&on->client.io);
    tnd_io_connect(&on->client.io, (struct sockaddr*)&on->addr, on->addr_len);
    tnd_io_watch(&on->client.io, TND_IO_WRITE);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(tnd_io_connect_result(&on->client.io), -ECONNREFUSED);
}

static void a_process_may_die_inside_its_callback(void** state)
{
    pair* on = *state;
    on->server.kills_itself = true;
    tnd_task_soon(&on->server.task);
    put(&on->client, "x");
    sim_loop_stop(on->server.loop); /* so that both are due in one turn */
    sim_world_run_for(on->world, 1000);
    sim_loop_continue(on->server.loop);
    sim_world_run_for(on->world, 10000);
    assert_true(sim_loop_is_dead(on->server.loop));
    assert_int_equal(on->client.end, -ECONNRESET); /* it died with bytes unread */
}

static void a_stopped_process_does_nothing_until_continued(void** state)
{
    pair* on = *state;
    tnd_timer_start_ms(&on->server.timer, 10);
    sim_loop_stop(on->server.loop);
    put(&on->client, "hello");
    sim_world_run_for(on->world, 5000000);
    assert_int_equal(on->server.bytes, 0);
    assert_int_equal(on->server.timers_count, 0);
    assert_int_equal(on->client.end, 1); /* to its peers it looks alive */
    sim_loop_continue(on->server.loop);
    sim_world_run_for(on->world, 1000);
    assert_int_equal(on->server.bytes, 5);
    assert_int_equal(on->server.timers_count, 1);
}

static void stop_inside_task(pair* on)
{
    on->server.stops_itself = true;
    sim_loop_set_suspendable(on->server.loop, true);
    tnd_task_soon(&on->server.task);
    sim_world_run_for(on->world, 1000);
    put(&on->client, "hello");
    sim_world_run_for(on->world, 5000000);
    assert_true(sim_loop_is_suspended(on->server.loop));
    assert_int_equal(on->server.tasks_count, 0);
    assert_int_equal(on->server.bytes, 0);
}

static void a_process_may_stop_inside_its_callback(void** state)
{
    pair* on = *state;
    stop_inside_task(on);
    sim_loop_continue(on->server.loop);
    sim_world_run_for(on->world, 1000);
    assert_int_equal(on->server.tasks_count, 1); /* it went on where it was */
    assert_int_equal(on->server.bytes, 5);
    assert_false(sim_loop_is_suspended(on->server.loop));
}

/* Its callback runs to its end and isn't seen. */
static void a_process_may_die_while_stopped_inside(void** state)
{
    pair* on = *state;
    stop_inside_task(on);
    sim_loop_kill(on->server.loop);
    assert_int_equal(on->server.tasks_count, 1);
    sim_world_run_for(on->world, 1000);
    assert_int_equal(on->server.bytes, 0);
    assert_int_equal(on->client.end, -ECONNRESET);
}

/* What comes after the hole doesn't overtake what was held up in it. */
static void a_black_hole_keeps_the_order(void** state)
{
    pair* on = *state;
    sim_link* link = sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len);
    link->latency_us_min = link->latency_us_max = 2000;
    sim_link_set_black_hole(on->world, link, true);
    put(&on->client, "a");
    sim_world_run_for(on->world, 1500);
    put(&on->client, "b");
    sim_world_run_for(on->world, 1500); /* the first is held up, the second on its way */
    sim_link_set_black_hole(on->world, link, false);
    sim_world_run_for(on->world, 1000);
    assert_int_equal(on->server.bytes, 0);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(on->server.bytes, 2);
    assert_int_equal(on->server.last, 'b');
}

static void a_black_hole_holds_everything_back(void** state)
{
    pair* on = *state;
    sim_link* link =
        sim_net_link(on->world, on->client.loop, (struct sockaddr*)&on->addr, on->addr_len);
    sim_link_set_black_hole(on->world, link, true);
    put(&on->client, "one ");
    put(&on->client, "two");
    put(&on->server, "three");
    tnd_io_close(&on->server.io);
    sim_world_run_for(on->world, 60000000);
    assert_int_equal(on->server.bytes + on->client.bytes, 0);
    assert_int_equal(on->client.end, 1);
    sim_link_set_black_hole(on->world, link, false);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(on->client.bytes, 5);
    assert_int_equal(on->client.end, -ECONNRESET); /* its bytes met a closed socket */
}

/* One pair's link fails, not that of others to the same address. */
static void a_link_may_belong_to_one_process(void** state)
{
    pair* on = *state;
    process other;
    process_init(&other, on->world, "other");
    sim_link* link = sim_net_link(on->world, other.loop, (struct sockaddr*)&on->addr, on->addr_len);
    link->is_refusing = true;
    assert_int_equal(tnd_io_connect(&other.io, (struct sockaddr*)&on->addr, on->addr_len), 0);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(tnd_io_connect_result(&other.io), -ECONNREFUSED);
    tnd_io_close(&other.io);
    put(&on->client, "x");
    sim_world_run_for(on->world, 10000);
    assert_int_equal(on->server.bytes, 1);
    tnd_io_close(&on->client.io);
    tnd_io_close(&on->server.io);
    pair_connect(on);
}

static void a_full_window_fills_and_opens(void** state)
{
    pair* on = *state;
    sim_loop_faults(on->client.loop)->window_bytes = 7;
    on->server.is_deaf = true;
    assert_int_equal(put(&on->client, "0123456789"), 7);
    assert_int_equal(put(&on->client, "789"), TND_WAIT);
    sim_world_run_for(on->world, 10000);
    assert_int_equal(put(&on->client, "789"), TND_WAIT);
    on->server.is_deaf = false;
    on_io(&on->server.io, TND_IO_READ);
    assert_int_equal(on->server.bytes, 7);
    assert_int_equal(put(&on->client, "789"), 3);
}

/* Latencies are kept, and bytes never overtake each other. */
static void latency_is_what_the_link_says(void** state)
{
    pair* on = *state;
    sim_link* link = sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len);
    link->latency_us_min = 20000;
    link->latency_us_max = 30000;
    put(&on->client, "x");
    sim_world_run_for(on->world, 19999);
    assert_int_equal(on->server.bytes, 0);
    sim_world_run_for(on->world, 10001);
    assert_int_equal(on->server.bytes, 1);
}

static uint64_t hash_of(uint64_t seed)
{
    pair* on = pair_new(seed);
    sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len)->split_percent = 50;
    sim_faults* faults = sim_loop_faults(on->server.loop);
    faults->short_read_percent = 50;
    faults->spurious_percent = 30;
    faults->wake_late_us_max = 50;
    pair_connect(on);
    for (int i = 0; i < 50; i++) {
        put(&on->client, "some bytes that are split into pieces");
        tnd_task_soon(&on->server.task);
        sim_world_run_for(on->world, sim_world_below(on->world, 300));
    }
    sim_loop_kill(on->server.loop);
    sim_world_run_for(on->world, 10000);
    uint64_t hash = sim_world_hash(on->world);
    sim_world_free(on->world);
    free(on);
    return hash;
}

static void the_same_seed_gives_the_same_trace(void** state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++) {
        assert_true(hash_of(seed) == hash_of(seed));
        assert_true(hash_of(seed) != hash_of(seed + 1));
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_killed_process_is_seen_by_its_peers),
        CASE(objects_of_a_dead_process_are_inert),
        CASE(a_process_may_die_inside_its_callback),
        CASE(a_stopped_process_does_nothing_until_continued),
        CASE(a_process_may_stop_inside_its_callback),
        CASE(a_process_may_die_while_stopped_inside),
        CASE(a_black_hole_holds_everything_back),
        CASE(a_black_hole_keeps_the_order),
        CASE(a_link_may_belong_to_one_process),
        CASE(a_full_window_fills_and_opens),
        CASE(latency_is_what_the_link_says),
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
