/*
 * The kernel's part of a shared map, simulated: segments whose processes can be killed. Each
 * process has mappings of its own, so that pages can be read-only for one and not for another, and
 * so that a killed process goes on with a copy that nobody else sees.
 */
#ifndef TENDRIL_TESTS_SIM_SHM_H
#define TENDRIL_TESTS_SIM_SHM_H

#include "shm/sys.h"

typedef struct sim_shm sim_shm;
typedef struct sim_shm_process sim_shm_process;

sim_shm* sim_shm_new(void);
void sim_shm_free(sim_shm* shm);

/* A process of this user (0 may do everything). Lives until sim_shm_free. */
sim_shm_process* sim_shm_process_new(sim_shm* shm, uint32_t uid);
const tnd_shm_sys* sim_shm_sys_of(const sim_shm_process* process);

/* SIGKILL: its slots are proved dead, its mappings end. What it still stores, nobody sees. */
void sim_shm_kill(sim_shm_process* process);

/* ipcrm -M. False if there is no such segment. */
bool sim_shm_remove(sim_shm* shm, int key);

/* The next so many creations fail with this errno. */
void sim_shm_refuse(sim_shm* shm, int error, unsigned count);

/* The segment's memory, seen from outside; NULL if there is none with this key. */
void* sim_shm_peek(sim_shm* shm, int key);

/* Its id, never used twice; -1 if there is none with this key. */
int sim_shm_id(const sim_shm* shm, int key);

/* Segments that exist, removed ones that are still attached included. */
unsigned sim_shm_count(const sim_shm* shm);

#endif
