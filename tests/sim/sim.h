/*
 * A world of simulated processes on one virtual clock: the third implementation of the loop seam.
 *
 * The world owns a clock, a heap of events ordered by (time, sequence), one random generator and an
 * in-memory network (net.h). Each simulated process has one tnd_loop of its own, on which the real
 * library code runs unchanged. sim_world_step() takes the earliest event and runs it to its end:
 * nothing else ever runs, so that the same seed gives the same trace (sim_world_hash()).
 *
 * Loops are the strictest that the seam's contract allows: edges are reported once, short counts
 * and spurious callbacks happen at the given rates, tasks come before, between or after the rest of
 * a turn as the seed says.
 *
 * Tests are the only users: running out of memory, or a call that contradicts the contract, aborts.
 */
#ifndef TENDRIL_TESTS_SIM_SIM_H
#define TENDRIL_TESTS_SIM_SIM_H

#include <stdio.h>
#include <tendril/loop.h>

typedef struct sim_world sim_world;

/* ---- the world ---- */

sim_world* sim_world_new(uint64_t seed);

/* Frees loops, sockets, listeners and events without any callback. Objects of the library that are
 * still open on a loop go inert as if the loop had been killed: free them before or afterwards
 * with their own functions only if these touch no loop (see sim_loop_kill). NULL is allowed. */
void sim_world_free(sim_world* world);

/* Virtual CLOCK_MONOTONIC. Starts at 1000 s. */
uint64_t sim_world_now_us(const sim_world* world);

/* The world's random generator: for the choices of tests, too. */
uint64_t sim_world_random(sim_world* world);
uint64_t sim_world_below(sim_world* world, uint64_t limit); /* 0 .. limit - 1; 0 for 0 */
bool sim_world_chance(sim_world* world, unsigned percent);

/* Runs the earliest event; false if there is none. */
bool sim_world_step(sim_world* world);

/* Runs all events of the next `delay_us` and sets the clock to their end. */
void sim_world_run_for(sim_world* world, uint64_t delay_us);

/* Steps until `done(udata)` (true), or no event is left or `limit_us` have passed (false). */
bool sim_world_run_until(sim_world* world, bool (*done)(void* udata), void* udata,
                         uint64_t limit_us);

/* Calls `fn` once, from no loop, in `delay_us`. */
void sim_world_at(sim_world* world, uint64_t delay_us, void (*fn)(void* udata), void* udata);

/* A hash of all that happened so far; and its text, line by line, to a stream (NULL: none). */
uint64_t sim_world_hash(const sim_world* world);
void sim_world_set_trace(sim_world* world, FILE* stream);

/* Somebody sets CLOCK_REALTIME: every loop's wall clock jumps. */
void sim_world_jump_wall_clock(sim_world* world, int64_t delta_sec);

/* ---- loops, each of them a simulated process ---- */

/* All zero but for the limits; change them at any time. */
typedef struct sim_faults {
    unsigned short_read_percent;  /* reads that return less than there is */
    unsigned short_write_percent; /* writes that take less than fits */
    unsigned spurious_percent;    /* turns with a callback without cause */
    uint64_t wake_late_us_max;    /* from an event to the turn that sees it */
    uint64_t timer_late_us_max;   /* timers never fire early, but late */
    unsigned fds_max;             /* then -EMFILE; 1024 */
    size_t window_bytes;          /* written and not yet read by the peer; 256 KiB */
} sim_faults;

/* `name` is copied, for traces. The loop lives as long as the world. */
tnd_loop* sim_loop_new(sim_world* world, const char* name);

/* The loop whose callback runs; NULL outside of callbacks. */
tnd_loop* sim_world_current(const sim_world* world);

sim_world* sim_loop_world(tnd_loop* loop);
sim_faults* sim_loop_faults(tnd_loop* loop);

/* What SO_PEERCRED shows of this process. */
void sim_loop_set_user(tnd_loop* loop, uint32_t uid, uint32_t gid);

/* SIGKILL: no callback runs any more, sockets close (their peers see it after the latency), timers
 * and tasks are forgotten. All objects on the loop go inert: closing and stopping them does
 * nothing, opening, reading and writing fail with -ESHUTDOWN, starting does nothing. Allowed inside
 * a callback of the loop, which then runs to its end without being seen. */
void sim_loop_kill(tnd_loop* loop);
bool sim_loop_is_dead(tnd_loop* loop);

/* SIGSTOP and SIGCONT: while stopped nothing of it runs; the kernel goes on taking bytes for it. */
void sim_loop_stop(tnd_loop* loop);
void sim_loop_continue(tnd_loop* loop);
bool sim_loop_is_stopped(tnd_loop* loop);

/* SIGSTOP in the middle of a callback, called inside it: returns after sim_loop_continue(), or when
 * the loop is killed meanwhile (the callback then runs to its end as a ghost, see sim_loop_kill; a
 * shared map has to be killed before). Turns that may do that run on a stack of their own: switch
 * it on before the turn. */
void sim_loop_set_suspendable(tnd_loop* loop, bool is_suspendable);
bool sim_loop_can_suspend(tnd_loop* loop); /* now, inside its callback */
void sim_loop_suspend(tnd_loop* loop);
bool sim_loop_is_suspended(tnd_loop* loop);

/* What is left on a loop, for checks after closing: a clean one has none. */
typedef struct sim_loop_usage {
    unsigned fds_count;
    unsigned timers_count;
    unsigned tasks_count;
    unsigned lookups_count;
    int refs_count;
} sim_loop_usage;

sim_loop_usage sim_loop_used(tnd_loop* loop);

#endif
