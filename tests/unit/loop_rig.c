/*
 * See loop_rig.h.
 */
#include "tests/unit/loop_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "async/loop_ev.h"
#include "tests/sim/net.h"

#define DEADLINE_US (10 * 1000 * MS)

void rig_log(rig* self, char letter)
{
    assert_true(self->log_size + 1 < sizeof(self->log));
    self->log[self->log_size++] = letter;
    self->log[self->log_size] = '\0';
}

void rig_clear(rig* self)
{
    self->log_size = 0;
    self->log[0] = '\0';
}

bool rig_has(const rig* self, const char* letters)
{
    for (; *letters; letters++) {
        if (!strchr(self->log, *letters)) {
            return false;
        }
    }
    return true;
}

int rig_count(const rig* self, char letter)
{
    int count = 0;
    for (const char* c = self->log; *c; c++) {
        count += *c == letter;
    }
    return count;
}

static uint64_t real_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

typedef struct wait {
    rig* rig;
    bool (*done)(void* udata);
    void* udata;
    uint64_t end_us;
} wait;

static bool wait_is_over(void* udata)
{
    wait* self = udata;
    return self->done(self->udata) || real_now_us() > self->end_us;
}

bool rig_run(rig* self, bool (*done)(void* udata), void* udata)
{
    self->is_running = true;
    bool is_done;
    if (self->world) {
        is_done = sim_world_run_until(self->world, done, udata, DEADLINE_US);
    } else {
        wait state = {self, done, udata, real_now_us() + DEADLINE_US};
        if (self->host) {
            self->host->run(wait_is_over, &state);
        } else {
            tnd_loop_ev_run(self->loop, wait_is_over, &state);
        }
        is_done = done(udata);
    }
    self->is_running = false;
    return is_done;
}

typedef struct letters {
    rig* rig;
    const char* wanted;
} letters;

static bool has_letters(void* udata)
{
    letters* self = udata;
    return rig_has(self->rig, self->wanted);
}

void rig_await(rig* self, const char* wanted)
{
    letters state = {self, wanted};
    if (!rig_run(self, has_letters, &state)) {
        fail_msg("waited for '%s', got '%s'", wanted, self->log);
    }
}

static void on_settled(tnd_timer* timer)
{
    *(bool*)timer->udata = true;
}

static bool is_settled(void* udata)
{
    return *(bool*)udata;
}

void rig_settle(rig* self)
{
    bool settled = false;
    tnd_timer timer;
    tnd_timer_init(&timer, self->loop, on_settled, &settled);
    tnd_timer_start_ms(&timer, 5);
    assert_true(rig_run(self, is_settled, &settled));
}

void rig_busy(rig* self, uint64_t us)
{
    if (self->world) {
        sim_loop_stop(self->loop);
        sim_world_run_for(self->world, us);
        sim_loop_continue(self->loop);
    } else {
        uint64_t end_us = real_now_us() + us;
        while (real_now_us() < end_us) {}
    }
}

/* ---- probes ---- */

static void probe_called(probe* self, unsigned events)
{
    rig* on = self->rig;
    assert_true(on->is_running);   /* no callback inside a call from outside */
    assert_false(on->in_callback); /* nor inside one from a callback */
    on->in_callback = true;
    rig_log(on, self->letter);
    self->events = events;
    self->at_us = tnd_loop_now_us(on->loop);
    if (self->act) {
        self->act(self);
    }
    on->in_callback = false;
}

static void on_probe_io(tnd_io* io, unsigned events)
{
    probe_called(io->udata, events);
}

static void on_probe_timer(tnd_timer* timer)
{
    assert_false(timer->is_armed);
    probe_called(timer->udata, 0);
}

static void on_probe_task(tnd_task* task)
{
    assert_false(task->is_queued);
    probe_called(task->udata, 0);
}

void probe_init(probe* self, rig* on, char letter, void (*act)(probe* self))
{
    memset(self, 0, sizeof(*self));
    self->rig = on;
    self->letter = letter;
    self->act = act;
    tnd_io_init(&self->io, on->loop, on_probe_io, self);
    tnd_timer_init(&self->timer, on->loop, on_probe_timer, self);
    tnd_task_init(&self->task, on->loop, on_probe_task, self);
}

/* ---- sockets ---- */

socklen_t rig_address(struct sockaddr_storage* addr)
{
    static unsigned count;
    char name[64];
    snprintf(name, sizeof(name), "tendril-test-%d-%u", (int)getpid(), ++count);
    return sim_addr_unix(addr, name);
}

void rig_connect_pair(rig* on, probe* a, probe* b)
{
    struct sockaddr_storage addr;
    socklen_t addr_len = rig_address(&addr);
    if (on->is_hostile) {
        sim_link* link = sim_net_link(on->world, NULL, (struct sockaddr*)&addr, addr_len);
        link->split_percent = 50;
        link->latency_us_max = 100;
    }
    probe listener;
    probe_init(&listener, on, 'L', NULL);
    assert_int_equal(tnd_io_listen(&listener.io, (struct sockaddr*)&addr, addr_len, 4), 0);
    assert_int_equal(tnd_io_connect(&a->io, (struct sockaddr*)&addr, addr_len), 0);
    assert_int_equal(tnd_io_watch(&listener.io, TND_IO_READ), 0);
    rig_await(on, "L");
    assert_int_equal(tnd_io_accept(&listener.io, &b->io), 0);
    assert_int_equal(tnd_io_connect_result(&a->io), 0);
    tnd_io_close(&listener.io);
    rig_clear(on);
}

ssize_t probe_put(probe* to, const char* text)
{
    struct iovec iov = {(void*)(uintptr_t)text, strlen(text)};
    return tnd_io_writev(&to->io, &iov, 1);
}

void rig_deliver(rig* on)
{
    rig_busy(on, on->world ? 2 * MS : 0);
}

void probe_drain(probe* self)
{
    char bytes[64];
    ssize_t count;
    do {
        count = tnd_io_read(&self->io, bytes, sizeof(bytes));
    } while (count > 0);
}

void probe_close(probe* self)
{
    tnd_io_close(&self->io);
}

void probe_free(probe* self)
{
    tnd_io_close(&self->io);
    memset(self, 0xA5, sizeof(*self));
    free(self);
}

/* ---- setting up ---- */

int rig_set_up_ev(void** state)
{
    rig* self = calloc(1, sizeof(*self));
    self->loop = tnd_loop_ev_create();
    *state = self;
    return self->loop ? 0 : -1;
}

int rig_set_up_sim(void** state)
{
    rig* self = calloc(1, sizeof(*self));
    self->world = sim_world_new(1);
    self->loop = sim_loop_new(self->world, "loop");
    *state = self;
    return 0;
}

int rig_set_up_chaos(void** state)
{
    rig* self = calloc(1, sizeof(*self));
    const char* seed = getenv("TENDRIL_SEED");
    self->world = sim_world_new(seed ? strtoull(seed, NULL, 0) : 1);
    self->is_hostile = true;
    self->loop = sim_loop_new(self->world, "loop");
    sim_faults* faults = sim_loop_faults(self->loop);
    faults->short_read_percent = 30;
    faults->short_write_percent = 30;
    faults->wake_late_us_max = 300;
    faults->timer_late_us_max = 1000;
    faults->window_bytes = 20000;
    *state = self;
    return 0;
}

const rig_host* rig_host_present;

int rig_set_up_host(void** state)
{
    rig* self = calloc(1, sizeof(*self));
    self->host = rig_host_present;
    self->loop = self->host->make();
    *state = self;
    return self->loop ? 0 : -1;
}

int rig_tear_down(void** state)
{
    rig* self = *state;
    if (self->world) {
        sim_loop_usage used = sim_loop_used(self->loop);
        assert_int_equal(used.fds_count, 0);
        assert_int_equal(used.timers_count, 0);
        assert_int_equal(used.tasks_count, 0);
        assert_int_equal(used.lookups_count, 0);
        assert_int_equal(used.refs_count, 0);
        sim_world_free(self->world);
    } else if (self->host) {
        self->host->free(self->loop);
    } else {
        tnd_loop_ev_free(self->loop);
    }
    free(self);
    return 0;
}
