/*
 * A kernel for shm/ that costs next to nothing: a few segments in static memory, processes that can
 * be killed between two stores, proofs of life in place of robust mutexes. All processes see the
 * same addresses, so that one thread can play all of them by turns.
 *
 * Each call is a step of its own (kernel_step): a place to stop at beside the numbered points.
 */
#pragma once

#include "shm/sys.h"

typedef struct kernel_process kernel_process;

/* Forget everything: no segment, no process. */
void kernel_reset(void);

kernel_process* kernel_process_new(void);
const tnd_shm_sys* kernel_sys_of(const kernel_process* process);

/* SIGKILL: attachments end, what it holds is released. It must not run any more. */
void kernel_kill(kernel_process* process);

/* Segments that exist, those included that are removed but still attached. */
unsigned kernel_segments_count(void);

/* The segment with this key, NULL if there is none. */
uint8_t* kernel_segment(int key, size_t* ret_size);

/* What it knows of segments and processes (not what stands in the segments). */
void kernel_save(void);
void kernel_restore(void);

/* Called before each call's effect; NULL by default. */
extern void (*kernel_step)(void);
