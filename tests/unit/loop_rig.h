/*
 * A loop under test, libev's or a simulated one, and probes: descriptors, timers and tasks whose
 * callbacks write a letter and then do what the case asks.
 */
#ifndef TENDRIL_TESTS_UNIT_LOOP_RIG_H
#define TENDRIL_TESTS_UNIT_LOOP_RIG_H

#include <tendril/loop.h>

#include "tests/sim/sim.h"

#define MS ((uint64_t)1000)

/* A loop of a third kind, where the cases are built into a program that has one (tests/nginx). */
typedef struct rig_host {
    tnd_loop* (*make)(void);
    void (*run)(bool (*done)(void* udata), void* udata); /* turn by turn */
    void (*free)(tnd_loop* loop);
} rig_host;

/* One loop under test, and what its callbacks wrote: a letter per callback, in order. */
typedef struct rig {
    tnd_loop* loop;
    sim_world* world;     /* NULL: libev or the host's */
    const rig_host* host; /* NULL: libev or the twin */
    bool is_hostile;      /* the twin at its worst */
    bool is_running;      /* the loop turns: callbacks may run */
    bool in_callback;
    char log[256];
    size_t log_size;
} rig;

/* Setting up and tearing down for CMocka: libev; the twin; and the twin at its worst, where all
   that the contract allows happens often. Its seed is 1, or TENDRIL_SEED of the environment. */
int rig_set_up_ev(void** state);
int rig_set_up_sim(void** state);
int rig_set_up_chaos(void** state);

/* On the loop of whoever has set this. */
extern const rig_host* rig_host_present;
int rig_set_up_host(void** state);

int rig_tear_down(void** state);

/* What the callbacks wrote. */
void rig_log(rig* self, char letter);
void rig_clear(rig* self);
bool rig_has(const rig* self, const char* letters);
int rig_count(const rig* self, char letter);

/* Runs the loop until `done`; false when that takes too long. */
bool rig_run(rig* self, bool (*done)(void* udata), void* udata);

/* Runs until each of these callbacks has come; fails the test when that takes too long. */
void rig_await(rig* self, const char* wanted);

/* Runs the loop for a while, to see that something does not come. */
void rig_settle(rig* self);

/* The process is busy elsewhere, so that everything within `us` is due at its next turn. */
void rig_busy(rig* self, uint64_t us);

/* Lets what was written arrive without turning the loop. */
void rig_deliver(rig* self);

typedef struct probe probe;
struct probe {
    rig* rig;
    char letter;
    void (*act)(probe* self); /* may free the probe */
    probe* other;
    tnd_io io;
    tnd_timer timer;
    tnd_task task;
    unsigned events;
    uint64_t at_us;
};

void probe_init(probe* self, rig* on, char letter, void (*act)(probe* self));

/* For `act`. */
void probe_drain(probe* self);
void probe_close(probe* self);
void probe_free(probe* self);

/* An abstract unix name that nobody has used. Returns its length. */
socklen_t rig_address(struct sockaddr_storage* addr);

/* Two connected ends on the loop under test; neither is watched. */
void rig_connect_pair(rig* on, probe* a, probe* b);

ssize_t probe_put(probe* to, const char* text);

#endif
