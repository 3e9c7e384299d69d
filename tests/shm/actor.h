/*
 * A process played by a coroutine: it has its own map and membership, runs a script, and can stand
 * still before any store.
 */
#pragma once

#include <setjmp.h>

#include "shm/member.h"
#include "tests/shm/kernel.h"

#define ACTORS_MAX 4

typedef struct actor actor;
struct actor {
    void (*script)(actor* self);
    const char* name;
    uint64_t now_ms;
    unsigned index; /* of its stack */
    kernel_process* process;
    tnd_map map;
    tnd_member member;
    unsigned passes;  /* points and kernel steps so far */
    unsigned stop_at; /* stands still before this one; 0 = runs on */
    bool is_started, is_ended;
    bool has_owned, is_fenced; /* what the script tells */
    unsigned publications;     /* what the script is to do */
    uint32_t partitions;
    uint32_t directory;             /* number that it inherited or published last */
    uint32_t words[TND_PARTITIONS]; /* likewise, of each word */
    uint32_t regimes[TND_PARTITIONS];
    jmp_buf here; /* where it pauses */
};

/* A new process. `index` (0 .. ACTORS_MAX - 1) chooses its stack. */
void actor_init(actor* self, unsigned index, const char* name, void (*script)(actor* self),
                uint64_t now_ms);

/* Let it run until it pauses, or has ended: from the start of its script the first time. */
void actor_resume(actor* self);

/* Let it run until it stands before its n-th point or kernel step (counted from its start; 0: to
 * the end). True if it stands, false if it has ended. */
bool actor_run_to(actor* self, unsigned n);

/* Kill it where it stands, and let go of what only a process's death releases. */
void actor_kill(actor* self);

/* Only the memory that a script cut off would leak. */
void actor_free_map(actor* self);

/* The one that runs now; NULL outside. */
actor* actor_running(void);

/* In an actor: give the thread back to whoever runs it; it goes on from here later. */
void actor_pause(void);

/* In an actor: end here (after a failure was noted). */
void actor_give_up(void);
