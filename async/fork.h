/*
 * Has this process been forked since? Loops, sockets and the segment belong to the process that
 * opened them: whoever keeps them remembers the generation and compares it before each use.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Differs from every value that it had in this process's ancestors. No system call but the first
 * time in a process. */
uint32_t tnd_fork_generation(void);

/* True if the fork that made this process came after `generation` was read. */
static inline bool tnd_fork_is_crossed(uint32_t generation)
{
    return generation != tnd_fork_generation();
}
