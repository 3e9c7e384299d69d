/*
 * Calls that fail on purpose: the n-th call of one kind that one simulated process makes, of those
 * of the loop seam, of the shared-memory table, or of the allocator. With it a scenario is run
 * again and again, n = 1, 2, ..., until a run passes in which no call was left to fail.
 *
 * One plan at a time, for one process. What fails has no effect but its answer: a connection that
 * can't be opened was never seen by anybody, a read that fails leaves the bytes where they are.
 */
#ifndef TENDRIL_TESTS_SIM_FAIL_H
#define TENDRIL_TESTS_SIM_FAIL_H

#include "shm/sys.h"
#include "tests/sim/sim.h"

typedef enum sim_fail_kind {
    SIM_FAIL_ALLOCATE,
    SIM_FAIL_CONNECT,
    SIM_FAIL_CONNECT_RESULT,
    SIM_FAIL_LISTEN,
    SIM_FAIL_ACCEPT,
    SIM_FAIL_PEER,
    SIM_FAIL_WATCH,
    SIM_FAIL_READ,
    SIM_FAIL_WRITE,
    SIM_FAIL_LOOKUP,
    SIM_FAIL_SHM_CREATE,
    SIM_FAIL_SHM_FIND,
    SIM_FAIL_SHM_ATTACH,
    SIM_FAIL_SHM_STAT,
    SIM_FAIL_SHM_REMOVE,
    SIM_FAIL_SHM_LIFE,
    SIM_FAIL_KINDS
} sim_fail_kind;

const char* sim_fail_name(sim_fail_kind kind);

/* How many different answers a failing call of this kind has; `variant` chooses one of them. */
unsigned sim_fail_variants(sim_fail_kind kind);

typedef struct sim_fail_plan {
    sim_fail_kind kind;
    unsigned variant;   /* below sim_fail_variants() */
    uint64_t nth;       /* 1 = the first; 0: none fails, they are only counted */
    uint64_t window_us; /* 0: it fails alone; else all of its kind do so for this time */
} sim_fail_plan;

/* A process whose calls may be made to fail, and the table through which it reaches its segments.
 * `sys` is borrowed; NULL for none. */
typedef struct sim_fail_process {
    tnd_loop* loop;
    const tnd_shm_sys* inner;
    tnd_shm_sys sys;
} sim_fail_process;

/* In the caller's storage, which lives as long as the world does. */
void sim_fail_process_init(sim_fail_process* process, tnd_loop* loop, const tnd_shm_sys* sys);

/* Calls of this process count from now on. Those that a test makes outside of the loop are meant,
 * too, between sim_fail_enter() and sim_fail_leave(). */
void sim_fail_start(const sim_fail_process* process, const sim_fail_plan* plan);
void sim_fail_enter(const sim_fail_process* process);
void sim_fail_leave(void);

/* Nothing fails any more. */
void sim_fail_stop(void);

/* Of the present plan, also after sim_fail_stop(). */
uint64_t sim_fail_seen(void);
uint64_t sim_fail_failed(void);

#endif
