/*
 * A small model checker: runs the actors' real code through all interleavings of their accesses to
 * the segment, under the memory model of C11, and not only under that of the machine it runs on.
 *
 * Memory. Each word has the list of all values that were ever stored, in order. A thread's view
 * says how far along each list it is known to be. A load may return any value from there on, the
 * stale ones included, each tried in turn; an acquire load joins the view that came with a release
 * store, fences do so for relaxed accesses around them; swaps read the last value; sequentially
 * consistent accesses and fences share one more view. Two things are left out that no processor's
 * weakness in this code depends on: stores take their place in a word's list when they are made,
 * and a load never returns a value that is stored later.
 *
 * Interleavings. Depth first, each by running everything anew from the start. Only those that
 * differ in the order of dependent accesses (dynamic partial-order reduction with sleep sets). An
 * actor that only loads runs when all others have ended: its loads may return all that stood there
 * before. Values that are equal count once.
 */
#pragma once

#include "tests/shm/actor.h"

typedef enum step_kind {
    STEP_LOAD,
    STEP_STORE,
    STEP_SWAP, /* compare and swap */
    STEP_EXCHANGE,
    STEP_OR,
    STEP_FENCE,
    STEP_KERNEL, /* a call of the kernel */
} step_kind;

typedef struct step_access {
    step_kind kind;
    memory_order order;
    tnd_point point; /* of a store */
    const tnd_word* word;
    uint64_t expected; /* of a swap */
    uint64_t value;
    bool is_blind;   /* a swap that doesn't compare */
    bool is_skipped; /* nothing happens, and a swap succeeds */
} step_access;

typedef struct step_scenario {
    const char* name;
    /* The world before the first step; its accesses are direct. */
    void (*prepare)(void);
    actor* actors[ACTORS_MAX];
    unsigned actors_count;
    /* After each interleaving, with the last values in memory. */
    void (*finish)(void);
    /* The last actor only loads, and none of its loads is sequentially consistent: it may run when
     * all others have ended, and what they have stored decides what it does. Met again, that is a
     * repetition. */
    bool has_reader;
    /* Not 0: without reduction, and with so many changes at most from an actor that could go on.
     * For what has too many interleavings, and to check the reduction against all of them. */
    unsigned switches_max;
    /* Actors open their maps within the steps (and their memory is given back after each run). */
    bool opens_maps;
} step_scenario;

typedef struct step_result {
    uint64_t interleavings; /* run to their end */
    uint64_t cut;           /* recognised as a repetition on the way */
    uint64_t states;        /* that the reader has met */
    uint64_t accesses;      /* of all runs */
    uint64_t stale;         /* loads that returned another value than the last one */
    bool is_complete;       /* all were tried */
    char violation[256];    /* of world.h, with the interleaving's number; empty: none */
} step_result;

/* Try all interleavings, at most so many, until something doesn't hold. */
void stepper_run(const step_scenario* scenario, uint64_t most, step_result* ret_result);

/* Called for each access; may weaken it: a test of the test. NULL by default. */
extern void (*stepper_weaken)(step_access* access);
