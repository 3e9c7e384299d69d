/*
 * A second stack, for a simulated process that is stopped in the middle of a callback.
 */
#ifndef TENDRIL_TESTS_SIM_FIBER_H
#define TENDRIL_TESTS_SIM_FIBER_H

#include <stdbool.h>

typedef struct sim_fiber sim_fiber;

sim_fiber* sim_fiber_new(void);

/* Not while something is suspended on it. NULL is allowed. */
void sim_fiber_free(sim_fiber* fiber);

/* Runs `fn` on the fiber. True when it has returned, false when it called sim_fiber_leave(): then
 * sim_fiber_resume() goes on, with the same result. */
bool sim_fiber_run(sim_fiber* fiber, void (*fn)(void* udata), void* udata);
bool sim_fiber_resume(sim_fiber* fiber);

/* On the fiber: back to whoever runs it. Returns when it's resumed. */
void sim_fiber_leave(sim_fiber* fiber);

#endif
