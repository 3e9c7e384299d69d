/*
 * What the sources of faults share. Nobody else includes this.
 */
#ifndef TENDRIL_TESTS_SIM_WORLD_FAULT_H
#define TENDRIL_TESTS_SIM_WORLD_FAULT_H

#include "tests/sim/world.h"

/* Does one fault; false if there was nobody to do it to. */
typedef bool (*fault_fn)(world* w);

/* The one of this kind in world_fault_host.c. */
fault_fn fault_of_host(world_fault kind);

/* A running one; NULL if there is none. */
process* fault_any_process(world* w);

/* Mostly short, sometimes long. */
uint64_t fault_while_us(world* w);

/* How look-ups of the seeds' names end: with their address (status 0) or this error. */
void fault_names_set(world* w, int status, uint64_t delay_us);

#endif
