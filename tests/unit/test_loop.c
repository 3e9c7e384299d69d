/*
 * The contract of the loop seam (async/tendril/loop.h), sentence by sentence, on libev with real
 * sockets and on the virtual twin. Each case runs on both; what only one of them can show says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include <aerospike/as_event.h>

#include "async/loop_ev.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"
#include "tests/unit/loop_rig.h"

/* ---- table ---- */

static void table_is_complete(void** state)
{
    rig* on = *state;
    const tnd_loop_ops* ops = on->loop->ops;
    assert_int_equal(ops->version, TND_LOOP_VERSION);
    assert_non_null(ops->name);
    assert_true(ops->now_us && ops->unix_now && ops->random && ops->timer_start &&
                ops->timer_stop && ops->task_soon && ops->task_cancel && ops->connect &&
                ops->connect_result && ops->listen && ops->accept && ops->peer && ops->adopt &&
                ops->io_watch && ops->io_again && ops->read && ops->writev && ops->close &&
                ops->ref && ops->unref);
    assert_int_equal(ops->lookup_start != NULL, ops->lookup_cancel != NULL);
    assert_true(ops->unix_now(on->loop) > 1600000000);
    assert_int_not_equal(tnd_loop_random(on->loop), tnd_loop_random(on->loop));
}

/* ---- tasks ---- */

static void soon_is_never_inside_the_call_and_keeps_the_order(void** state)
{
    rig* on = *state;
    probe tasks[4];
    for (int i = 0; i < 4; i++) {
        probe_init(&tasks[i], on, (char)('a' + i), NULL);
    }
    tnd_task_soon(&tasks[2].task);
    tnd_task_soon(&tasks[0].task);
    tnd_task_soon(&tasks[3].task);
    tnd_task_soon(&tasks[1].task);
    tnd_task_soon(&tasks[2].task); /* queued already: nothing */
    assert_string_equal(on->log, "");
    rig_await(on, "abcd");
    assert_string_equal(on->log, "cadb");
}

static void act_again_up_to_three(probe* self)
{
    if (rig_count(self->rig, self->letter) < 3) {
        tnd_task_soon(&self->task);
    }
}

static void soon_inside_a_task_is_the_next_turn(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_again_up_to_three);
    probe_init(&b, on, 'b', act_again_up_to_three);
    tnd_task_soon(&a.task);
    tnd_task_soon(&b.task);
    while (rig_count(on, 'b') < 3) {
        rig_await(on, "ab");
        rig_settle(on);
    }
    assert_string_equal(on->log, "ababab");
}

static void act_again_for_ever(probe* self)
{
    self->rig->log_size = self->rig->log_size > 100 ? 0 : self->rig->log_size;
    tnd_task_soon(&self->task);
}

static void a_task_that_never_ends_starves_nobody(void** state)
{
    rig* on = *state;
    probe task, timer, a, b;
    probe_init(&task, on, 'k', act_again_for_ever);
    probe_init(&timer, on, 't', NULL);
    probe_init(&a, on, 'a', probe_close);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    tnd_task_soon(&task.task);
    tnd_timer_start_ms(&timer.timer, 3);
    tnd_io_watch(&a.io, TND_IO_READ);
    assert_int_equal(probe_put(&b, "x"), 1);
    rig_settle(on);
    rig_settle(on);
    assert_false(timer.timer.is_armed);
    assert_false(a.io.is_open);
    tnd_task_cancel(&task.task);
    tnd_io_close(&b.io);
}

static void act_cancel_other(probe* self)
{
    tnd_task_cancel(&self->other->task);
}

static void cancel_holds_for_the_same_turn_and_is_idempotent(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_cancel_other);
    probe_init(&b, on, 'b', act_cancel_other);
    a.other = &b;
    b.other = &a;
    tnd_task_soon(&a.task);
    tnd_task_soon(&b.task);
    rig_settle(on);
    assert_string_equal(on->log, "a");
    tnd_task_cancel(&a.task);
    tnd_task_soon(&a.task);
    tnd_task_cancel(&a.task);
    tnd_task_cancel(&a.task);
    rig_settle(on);
    assert_string_equal(on->log, "a");
}

static void a_task_may_be_freed_inside_itself(void** state)
{
    rig* on = *state;
    probe* task = malloc(sizeof(*task));
    probe_init(task, on, 'a', probe_free);
    tnd_task_soon(&task->task);
    rig_await(on, "a");
    rig_settle(on);
    assert_string_equal(on->log, "a");
}

/* ---- timers ---- */

static void timers_fire_in_order_and_never_early(void** state)
{
    rig* on = *state;
    probe timers[4];
    uint64_t delays_us[4] = {9000, 1500, 20300, 0};
    uint64_t start_us = tnd_loop_now_us(on->loop);
    for (int i = 0; i < 4; i++) {
        probe_init(&timers[i], on, (char)('a' + i), NULL);
        tnd_timer_start_us(&timers[i].timer, delays_us[i]);
        assert_true(timers[i].timer.is_armed);
    }
    assert_string_equal(on->log, "");
    rig_await(on, "abcd");
    assert_string_equal(on->log, "dbac");
    for (int i = 0; i < 4; i++) {
        assert_true(timers[i].at_us - start_us >= delays_us[i]);
    }
}

/* Armed after long work outside of the loop, whose idea of the time is old. */
static void a_timer_is_not_early_after_a_busy_time(void** state)
{
    rig* on = *state;
    probe timer;
    rig_settle(on);
    for (int i = 0; i < 3; i++) {
        rig_busy(on, 15 * MS);
        probe_init(&timer, on, 't', NULL);
        uint64_t start_us = tnd_loop_now_us(on->loop);
        tnd_timer_start_ms(&timer.timer, 10);
        rig_await(on, "t");
        assert_true(timer.at_us - start_us >= 10 * MS);
        rig_clear(on);
    }
}

static void rearming_takes_effect_exactly(void** state)
{
    rig* on = *state;
    probe timer;
    probe_init(&timer, on, 't', NULL);
    uint64_t start_us = tnd_loop_now_us(on->loop);
    tnd_timer_start_ms(&timer.timer, 60 * 1000); /* sooner */
    tnd_timer_start_ms(&timer.timer, 3);
    rig_await(on, "t");
    assert_true(timer.at_us - start_us >= 3 * MS);
    assert_true(timer.at_us - start_us < 9000 * MS);

    start_us = tnd_loop_now_us(on->loop);
    tnd_timer_start_us(&timer.timer, 3000); /* later, by little */
    tnd_timer_start_us(&timer.timer, 3400);
    rig_clear(on);
    rig_await(on, "t");
    assert_true(timer.at_us - start_us >= 3400);
    rig_settle(on);
    assert_string_equal(on->log, "t");
}

static void act_rearm(probe* self)
{
    if (rig_count(self->rig, self->letter) < 4) {
        tnd_timer_start_us(&self->timer, 700);
        assert_true(self->timer.is_armed);
    }
}

static bool has_four(void* udata)
{
    return rig_count(udata, 't') == 4;
}

static void a_timer_may_arm_itself_again(void** state)
{
    rig* on = *state;
    probe timer;
    probe_init(&timer, on, 't', act_rearm);
    uint64_t start_us = tnd_loop_now_us(on->loop);
    tnd_timer_start_us(&timer.timer, 700);
    assert_true(rig_run(on, has_four, on));
    rig_settle(on);
    assert_int_equal(rig_count(on, 't'), 4);
    assert_true(timer.at_us - start_us >= 4 * 700);
}

static void act_stop_other(probe* self)
{
    tnd_timer_stop(&self->other->timer);
}

static void stop_holds_for_the_same_turn_and_is_idempotent(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_stop_other);
    probe_init(&b, on, 'b', act_stop_other);
    a.other = &b;
    b.other = &a;
    tnd_timer_start_us(&a.timer, 500);
    tnd_timer_start_us(&b.timer, 600);
    rig_busy(on, 10 * MS);
    rig_settle(on);
    assert_int_equal(on->log_size, 1); /* whichever came first stopped the other */
    tnd_timer_stop(&a.timer);
    tnd_timer_stop(&a.timer);
    tnd_timer zeroed;
    memset(&zeroed, 0, sizeof(zeroed));
    tnd_timer_stop(&zeroed);
}

static void a_timer_may_be_freed_inside_itself(void** state)
{
    rig* on = *state;
    probe* timer = malloc(sizeof(*timer));
    probe_init(timer, on, 'a', probe_free);
    tnd_timer_start_us(&timer->timer, 300);
    rig_await(on, "a");
    rig_settle(on);
    assert_string_equal(on->log, "a");
}

/* ---- descriptors ---- */

static void a_callback_says_that_bytes_have_come(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', probe_drain);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    assert_int_equal(tnd_io_watch(&a.io, TND_IO_READ), 0);
    assert_int_equal(tnd_io_watch(&a.io, TND_IO_READ), 0); /* idempotent */
    for (int i = 0; i < 3; i++) {
        rig_settle(on);
        assert_string_equal(on->log, ""); /* drained: nothing without a new cause */
        assert_int_equal(probe_put(&b, "x"), 1);
        rig_await(on, "a");
        assert_int_equal(a.events, TND_IO_READ);
        rig_clear(on);
    }
    char byte;
    assert_int_equal(tnd_io_read(&a.io, &byte, 1), TND_WAIT);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void act_read_one_and_ask_again(probe* self)
{
    char byte;
    ssize_t count = tnd_io_read(&self->io, &byte, 1);
    if (count > 0) {
        tnd_io_again(&self->io, TND_IO_READ);
    } else {
        assert_int_equal(count, TND_WAIT);
        rig_log(self->rig, '.');
    }
}

static void whoever_does_not_drain_asks_to_be_called_again(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_read_one_and_ask_again);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    size_t sent = (size_t)probe_put(&b, "abcdefgh");
    tnd_io_watch(&a.io, TND_IO_READ);
    rig_await(on, ".");
    assert_true(rig_count(on, 'a') > (int)sent);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void again_comes_without_cause_and_outside_the_mask(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', NULL);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    tnd_io_again(&a.io, TND_IO_WRITE);
    tnd_io_again(&a.io, TND_IO_READ);
    assert_string_equal(on->log, "");
    rig_settle(on);
    assert_string_equal(on->log, "a");
    assert_int_equal(a.events, TND_IO_READ | TND_IO_WRITE);
    char byte;
    assert_int_equal(tnd_io_read(&a.io, &byte, 1), TND_WAIT);
    tnd_io_again(&a.io, TND_IO_READ);
    tnd_io_close(&a.io); /* takes it back */
    rig_settle(on);
    assert_string_equal(on->log, "a");
    tnd_io_close(&b.io);
}

static void widening_the_mask_counts_as_an_edge(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', NULL);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    assert_int_equal(probe_put(&b, "x"), 1);
    rig_settle(on);
    assert_string_equal(on->log, ""); /* no interest, no callback */
    tnd_io_watch(&a.io, TND_IO_READ);
    assert_string_equal(on->log, "");
    rig_await(on, "a");
    assert_int_equal(a.events, TND_IO_READ);

    /* Not drained and narrowed: quiet; widened: called again. */
    tnd_io_watch(&a.io, 0);
    rig_clear(on);
    rig_settle(on);
    assert_string_equal(on->log, "");
    tnd_io_watch(&a.io, TND_IO_READ | TND_IO_WRITE);
    rig_await(on, "a");
    assert_int_equal(a.events, TND_IO_READ | TND_IO_WRITE);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void act_drain_and_widen_other(probe* self)
{
    probe_drain(self);
    if (self->other->io.is_open) {
        tnd_io_watch(&self->other->io, TND_IO_READ | TND_IO_WRITE);
    }
}

/* An answer that is there already isn't a timeout: also when somebody touches the descriptor's mask
   in the same turn, before its callback. */
static void io_comes_before_timers_of_the_same_turn(void** state)
{
    rig* on = *state;
    probe a[2], b[2], timer;
    probe_init(&timer, on, 't', NULL);
    for (int i = 0; i < 2; i++) {
        probe_init(&a[i], on, (char)('a' + i), act_drain_and_widen_other);
        probe_init(&b[i], on, '-', NULL);
        rig_connect_pair(on, &a[i], &b[i]);
        tnd_io_watch(&a[i].io, TND_IO_READ);
        a[i].other = &a[1 - i];
    }
    rig_settle(on);
    rig_clear(on);
    tnd_timer_start_ms(&timer.timer, 2);
    assert_int_equal(probe_put(&b[0], "x"), 1);
    assert_int_equal(probe_put(&b[1], "x"), 1);
    rig_busy(on, 8 * MS);
    rig_await(on, "t");
    *strchr(on->log, 't') = '\0';
    assert_true(rig_has(on, "ab"));
    for (int i = 0; i < 2; i++) {
        tnd_io_close(&a[i].io);
        tnd_io_close(&b[i].io);
    }
}

static void act_again_and_timer(probe* self)
{
    probe_drain(self);
    if (rig_count(self->rig, 'a') == 1) {
        tnd_timer_start_us(&self->other->timer, 0);
        tnd_io_again(&self->io, TND_IO_READ);
    }
}

static void again_comes_before_timers_of_the_same_turn(void** state)
{
    rig* on = *state;
    probe a, b, timer;
    probe_init(&a, on, 'a', act_again_and_timer);
    probe_init(&b, on, 'b', NULL);
    probe_init(&timer, on, 't', NULL);
    a.other = &timer;
    rig_connect_pair(on, &a, &b);
    probe_put(&b, "x");
    rig_deliver(on);
    tnd_io_watch(&a.io, TND_IO_READ);
    rig_await(on, "t");
    assert_string_equal(on->log, "aat");
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void act_close_other(probe* self)
{
    tnd_io_close(&self->other->io);
    probe_drain(self);
}

static void close_holds_for_the_same_turn_and_is_idempotent(void** state)
{
    rig* on = *state;
    probe a[2], b[2];
    for (int i = 0; i < 2; i++) {
        probe_init(&a[i], on, (char)('a' + i), act_close_other);
        probe_init(&b[i], on, '-', NULL);
        rig_connect_pair(on, &a[i], &b[i]);
        a[i].other = &a[1 - i];
        tnd_io_watch(&a[i].io, TND_IO_READ);
    }
    probe_put(&b[0], "x");
    probe_put(&b[1], "x");
    rig_busy(on, 5 * MS);
    rig_settle(on);
    assert_true(strcmp(on->log, "a") == 0 || strcmp(on->log, "b") == 0);
    for (int i = 0; i < 2; i++) {
        tnd_io_close(&a[i].io);
        tnd_io_close(&a[i].io);
        assert_false(a[i].io.is_open);
        assert_int_equal(a[i].io.fd, -1);
        tnd_io_close(&b[i].io);
    }
    tnd_io zeroed;
    memset(&zeroed, 0, sizeof(zeroed));
    tnd_io_close(&zeroed);
    zeroed.loop = on->loop;
    tnd_io_close(&zeroed);
}

static void a_descriptor_may_be_freed_inside_its_callback(void** state)
{
    rig* on = *state;
    probe* a = malloc(sizeof(*a));
    probe b;
    probe_init(a, on, 'a', probe_free);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, a, &b);
    probe_put(&b, "x");
    tnd_io_watch(&a->io, TND_IO_READ | TND_IO_WRITE);
    rig_await(on, "a");
    rig_settle(on);
    assert_string_equal(on->log, "a");
    tnd_io_close(&b.io);
}

static void storage_may_be_opened_again_after_close(void** state)
{
    rig* on = *state;
    probe a, b, c;
    probe_init(&a, on, 'a', probe_drain);
    probe_init(&b, on, 'b', NULL);
    probe_init(&c, on, 'c', NULL);
    rig_connect_pair(on, &a, &b);
    tnd_io_watch(&a.io, TND_IO_READ);
    probe_put(&b, "x");
    rig_deliver(on);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
    rig_connect_pair(on, &a, &c); /* on libev with the descriptor of before */
    assert_int_equal(a.io.mask, 0);
    tnd_io_watch(&a.io, TND_IO_READ);
    rig_settle(on);
    assert_string_equal(on->log, "");
    probe_put(&c, "y");
    rig_await(on, "a");
    tnd_io_close(&a.io);
    tnd_io_close(&c.io);
}

static size_t fill(probe* to)
{
    static char block[65536];
    struct iovec iov[2] = {{block, 1000}, {block, sizeof(block)}};
    size_t total = 0;
    ssize_t count;
    while ((count = tnd_io_writev(&to->io, iov, 2)) > 0) {
        total += (size_t)count;
        assert_true(total < 64u * 1024 * 1024);
    }
    assert_int_equal(count, TND_WAIT);
    return total;
}

static size_t drained_bytes;

static void act_drain_counting(probe* self)
{
    static char block[65536];
    ssize_t count;
    while ((count = tnd_io_read(&self->io, block, sizeof(block))) > 0) {
        drained_bytes += (size_t)count;
    }
    assert_int_equal(count, TND_WAIT);
}

static void a_write_takes_what_fits_and_says_when_more_does(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_drain_counting);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    drained_bytes = 0;
    size_t total = fill(&b);
    assert_true(total > 1000);
    tnd_io_watch(&b.io, TND_IO_WRITE);
    rig_settle(on);
    assert_string_equal(on->log, "");
    tnd_io_watch(&a.io, TND_IO_READ);
    rig_await(on, "ab");
    assert_int_equal(b.events, TND_IO_WRITE);
    tnd_io_watch(&b.io, 0);
    rig_settle(on);
    assert_int_equal(drained_bytes, total);
    assert_int_equal(probe_put(&b, "x"), 1);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void act_read_to_the_end(probe* self)
{
    char bytes[64];
    ssize_t count;
    while ((count = tnd_io_read(&self->io, bytes, sizeof(bytes))) > 0) {
        drained_bytes += (size_t)count;
    }
    if (count != TND_WAIT) {
        rig_log(self->rig, count == TND_EOF ? '0' : '!');
        tnd_io_close(&self->io);
    }
}

static void the_end_of_file_comes_after_the_bytes(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_read_to_the_end);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    drained_bytes = 0;
    tnd_io_watch(&a.io, TND_IO_READ);
    ssize_t sent = probe_put(&b, "bye");
    tnd_io_close(&b.io);
    rig_await(on, "0");
    assert_int_equal(drained_bytes, sent);
}

static void act_write_until_refused(probe* self)
{
    ssize_t count = probe_put(self, "x");
    if (count < 0 && count != TND_WAIT) {
        assert_true(count == -EPIPE || count == -ECONNRESET);
        rig_log(self->rig, '!');
        return;
    }
    tnd_timer_start_us(&self->timer, 200);
}

static void writing_to_a_closed_peer_is_an_error_and_no_signal(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', act_write_until_refused);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    tnd_io_close(&b.io);
    tnd_timer_start_us(&a.timer, 100);
    rig_await(on, "!");
    tnd_io_close(&a.io);
}

/* ---- connecting, listening ---- */

static void act_connect_result(probe* self)
{
    int result = tnd_io_connect_result(&self->io);
    if (result != TND_WAIT) {
        rig_log(self->rig, result == 0 ? '+' : result == -ECONNREFUSED ? 'r' : '?');
        tnd_io_watch(&self->io, 0);
    }
}

/* A TCP port where somebody listens (`listener` open) or nobody does. */
static socklen_t inet_listener(rig* on, probe* listener, struct sockaddr_storage* addr,
                               const char* host)
{
    socklen_t addr_len = sim_addr_inet(addr, host, on->world ? 3000 : 0);
    int result = tnd_io_listen(&listener->io, (struct sockaddr*)addr, addr_len, 4);
    if (result == -EADDRNOTAVAIL || result == -EAFNOSUPPORT) {
        return 0; /* no IPv6 here */
    }
    assert_int_equal(result, 0);
    if (!on->world) {
        getsockname(listener->io.fd, (struct sockaddr*)addr, &addr_len);
    }
    return addr_len;
}

static void connecting_over_tcp_succeeds(void** state)
{
    rig* on = *state;
    const char* hosts[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        probe listener, a, b;
        struct sockaddr_storage addr;
        probe_init(&listener, on, 'l', NULL);
        probe_init(&a, on, 'a', act_connect_result);
        probe_init(&b, on, 'b', NULL);
        rig_clear(on);
        socklen_t addr_len = inet_listener(on, &listener, &addr, hosts[i]);
        if (addr_len == 0) {
            continue;
        }
        assert_int_equal(tnd_io_accept(&listener.io, &b.io), TND_WAIT);
        assert_false(b.io.is_open);
        tnd_io_watch(&listener.io, TND_IO_READ);
        assert_int_equal(tnd_io_connect(&a.io, (struct sockaddr*)&addr, addr_len), 0);
        assert_true(a.io.is_open);
        assert_true(a.io.fd >= 0);
        tnd_io_watch(&a.io, TND_IO_WRITE);
        rig_await(on, "+l");
        assert_int_equal(tnd_io_accept(&listener.io, &b.io), 0);
        assert_int_equal(probe_put(&b, "x"), 1);
        a.act = probe_drain;
        rig_clear(on);
        tnd_io_watch(&a.io, TND_IO_READ);
        rig_await(on, "a");
        tnd_io_close(&a.io);
        tnd_io_close(&b.io);
        tnd_io_close(&listener.io);
    }
}

static void connecting_where_nobody_listens_is_refused(void** state)
{
    rig* on = *state;
    probe listener, a;
    struct sockaddr_storage addr;
    probe_init(&listener, on, 'l', NULL);
    probe_init(&a, on, 'a', act_connect_result);
    socklen_t addr_len = inet_listener(on, &listener, &addr, "127.0.0.1");
    tnd_io_close(&listener.io);
    int result = tnd_io_connect(&a.io, (struct sockaddr*)&addr, addr_len);
    if (result == 0) {
        tnd_io_watch(&a.io, TND_IO_WRITE);
        rig_await(on, "r");
        tnd_io_close(&a.io);
    } else {
        assert_int_equal(result, -ECONNREFUSED);
    }
    assert_false(a.io.is_open);

    addr_len = rig_address(&addr);
    assert_int_equal(tnd_io_connect(&a.io, (struct sockaddr*)&addr, addr_len), -ECONNREFUSED);
    assert_false(a.io.is_open); /* nothing was opened */
}

static void a_unix_peer_shows_who_it_is(void** state)
{
    rig* on = *state;
    probe a, b;
    probe_init(&a, on, 'a', NULL);
    probe_init(&b, on, 'b', NULL);
    rig_connect_pair(on, &a, &b);
    tnd_peer peer = {77777, 77777};
    assert_int_equal(tnd_io_peer(&b.io, &peer), 0);
    assert_int_equal(peer.uid, on->world ? 1000 : geteuid());
    assert_int_equal(peer.gid, on->world ? 1000 : getegid());
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void listening_twice_is_refused(void** state)
{
    rig* on = *state;
    probe a, b;
    struct sockaddr_storage addr;
    socklen_t addr_len = rig_address(&addr);
    probe_init(&a, on, 'a', NULL);
    probe_init(&b, on, 'b', NULL);
    assert_int_equal(tnd_io_listen(&a.io, (struct sockaddr*)&addr, addr_len, 4), 0);
    assert_int_equal(tnd_io_listen(&b.io, (struct sockaddr*)&addr, addr_len, 4), -EADDRINUSE);
    assert_false(b.io.is_open);
    tnd_io_close(&a.io);
    assert_int_equal(tnd_io_listen(&b.io, (struct sockaddr*)&addr, addr_len, 4), 0);
    tnd_io_close(&b.io);
}

static void a_full_backlog_says_so_at_once(void** state)
{
    rig* on = *state;
    probe listener, clients[8];
    struct sockaddr_storage addr;
    socklen_t addr_len = rig_address(&addr);
    probe_init(&listener, on, 'l', NULL);
    assert_int_equal(tnd_io_listen(&listener.io, (struct sockaddr*)&addr, addr_len, 1), 0);
    int result = 0;
    for (int i = 0; i < 8; i++) {
        probe_init(&clients[i], on, 'a', NULL);
        if (result == 0) {
            result = tnd_io_connect(&clients[i].io, (struct sockaddr*)&addr, addr_len);
            assert_int_equal(clients[i].io.is_open, result == 0);
        }
    }
    assert_int_equal(result, -EAGAIN);
    for (int i = 0; i < 8; i++) {
        tnd_io_close(&clients[i].io);
    }
    tnd_io_close(&listener.io);
}

/* ---- one of them only ---- */

static void act_unref(probe* self)
{
    self->rig->loop->ops->unref(self->rig->loop);
}

static void nothing_but_a_reference_keeps_the_loop_alive(void** state)
{
    rig* on = *state;
    struct ev_loop* ev = tnd_loop_ev_raw(on->loop);
    probe a, b, timer;
    probe_init(&a, on, 'a', probe_drain);
    probe_init(&b, on, 'b', NULL);
    probe_init(&timer, on, 't', act_unref);
    rig_connect_pair(on, &a, &b);
    tnd_io_watch(&a.io, TND_IO_READ | TND_IO_WRITE);
    tnd_io_watch(&b.io, TND_IO_READ);
    tnd_timer_start_ms(&timer.timer, 60000);
    tnd_task_soon(&a.task);
    on->is_running = true;
    for (int i = 0; i < 3; i++) {
        ev_run(ev, 0); /* returns, though there are watchers, timers and tasks */
        tnd_io_watch(&a.io, i % 2 ? TND_IO_READ | TND_IO_WRITE : TND_IO_READ);
        tnd_timer_start_ms(&timer.timer, 60000);
    }
    tnd_timer_start_ms(&timer.timer, 3);
    on->loop->ops->ref(on->loop);
    rig_clear(on);
    ev_run(ev, 0); /* until the timer gives the reference back */
    assert_true(rig_has(on, "t"));
    tnd_timer_start_ms(&timer.timer, 60000);
    ev_run(ev, 0);
    on->is_running = false;
    tnd_timer_stop(&timer.timer);
    tnd_io_close(&a.io);
    tnd_io_close(&b.io);
}

static void the_application_loop_is_left_as_it_was(void** state)
{
    rig* on = *state;
    struct ev_loop* ev = ev_loop_new(EVFLAG_AUTO);
    tnd_loop* loop = tnd_loop_ev_new(ev);
    assert_ptr_equal(tnd_loop_ev_raw(loop), ev);
    probe timer, task;
    tnd_loop* own = on->loop;
    on->loop = loop;
    probe_init(&timer, on, 't', NULL);
    probe_init(&task, on, 'k', NULL);
    tnd_timer_start_us(&timer.timer, 0);
    tnd_task_soon(&task.task);
    rig_await(on, "tk");
    tnd_loop_ev_free(loop);
    on->loop = own;
    assert_int_equal(ev_pending_count(ev), 0);
    ev_run(ev, 0);
    ev_ref(ev); /* the count is balanced: one more keeps it from returning without waiting */
    ev_run(ev, EVRUN_NOWAIT);
    ev_unref(ev);
    ev_loop_destroy(ev);
}

static void adopted_descriptors_stay_their_owners(void** state)
{
    rig* on = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    probe a;
    probe_init(&a, on, 'a', NULL);
    assert_int_equal(tnd_io_adopt(&a.io, pipes[0]), 0);
    tnd_io_watch(&a.io, TND_IO_READ);
    rig_settle(on);
    assert_string_equal(on->log, "");
    assert_int_equal(write(pipes[1], "x", 1), 1);
    rig_await(on, "a");
    tnd_io_close(&a.io);
    char byte;
    assert_int_equal(read(pipes[0], &byte, 1), 1); /* still open */
    close(pipes[0]);
    close(pipes[1]);
}

static void out_of_descriptors_is_an_error(void** state)
{
    rig* on = *state;
    probe a;
    struct sockaddr_storage addr;
    socklen_t addr_len = sim_addr_inet(&addr, "127.0.0.1", 3000);
    probe_init(&a, on, 'a', NULL);
    sim_loop_faults(on->loop)->fds_max = 0;
    assert_int_equal(tnd_io_connect(&a.io, (struct sockaddr*)&addr, addr_len), -EMFILE);
    assert_false(a.io.is_open);
}

#define CASE(set_up, function)                                                                     \
    {                                                                                              \
#set_up ": " #function, function, set_up, rig_tear_down, NULL                              \
    }

#define CONTRACT(set_up)                                                                           \
    CASE(set_up, table_is_complete),                                                               \
        CASE(set_up, soon_is_never_inside_the_call_and_keeps_the_order),                           \
        CASE(set_up, soon_inside_a_task_is_the_next_turn),                                         \
        CASE(set_up, a_task_that_never_ends_starves_nobody),                                       \
        CASE(set_up, cancel_holds_for_the_same_turn_and_is_idempotent),                            \
        CASE(set_up, a_task_may_be_freed_inside_itself),                                           \
        CASE(set_up, timers_fire_in_order_and_never_early),                                        \
        CASE(set_up, a_timer_is_not_early_after_a_busy_time),                                      \
        CASE(set_up, rearming_takes_effect_exactly), CASE(set_up, a_timer_may_arm_itself_again),   \
        CASE(set_up, stop_holds_for_the_same_turn_and_is_idempotent),                              \
        CASE(set_up, a_timer_may_be_freed_inside_itself),                                          \
        CASE(set_up, a_callback_says_that_bytes_have_come),                                        \
        CASE(set_up, whoever_does_not_drain_asks_to_be_called_again),                              \
        CASE(set_up, again_comes_without_cause_and_outside_the_mask),                              \
        CASE(set_up, widening_the_mask_counts_as_an_edge),                                         \
        CASE(set_up, io_comes_before_timers_of_the_same_turn),                                     \
        CASE(set_up, again_comes_before_timers_of_the_same_turn),                                  \
        CASE(set_up, close_holds_for_the_same_turn_and_is_idempotent),                             \
        CASE(set_up, a_descriptor_may_be_freed_inside_its_callback),                               \
        CASE(set_up, storage_may_be_opened_again_after_close),                                     \
        CASE(set_up, a_write_takes_what_fits_and_says_when_more_does),                             \
        CASE(set_up, the_end_of_file_comes_after_the_bytes),                                       \
        CASE(set_up, writing_to_a_closed_peer_is_an_error_and_no_signal),                          \
        CASE(set_up, connecting_over_tcp_succeeds),                                                \
        CASE(set_up, connecting_where_nobody_listens_is_refused),                                  \
        CASE(set_up, a_unix_peer_shows_who_it_is), CASE(set_up, listening_twice_is_refused),       \
        CASE(set_up, a_full_backlog_says_so_at_once)

#ifdef TND_TEST_LOOP_HOST

/* Called from within a program whose loop is to be tried. */
int test_loop_host(void);
int test_loop_host(void)
{
    const struct CMUnitTest tests[] = {
        CONTRACT(rig_set_up_host),
        CASE(rig_set_up_host, adopted_descriptors_stay_their_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    alarm(25); /* a loop that hangs is a failure, too */
    const struct CMUnitTest tests[] = {
        CONTRACT(rig_set_up_ev),
        CONTRACT(rig_set_up_sim),
        CONTRACT(rig_set_up_chaos),
        CASE(rig_set_up_ev, nothing_but_a_reference_keeps_the_loop_alive),
        CASE(rig_set_up_ev, the_application_loop_is_left_as_it_was),
        CASE(rig_set_up_ev, adopted_descriptors_stay_their_owners),
        CASE(rig_set_up_sim, out_of_descriptors_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
