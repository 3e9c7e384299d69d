/* The memory of the stepper: see stepper.h for what it allows. */
#pragma once

#include "tests/shm/stepper.h"

typedef struct memory_effect {
    unsigned message; /* the one read, or stored, in its word's order */
    uint64_t value;   /* what a load or a failed swap found */
    bool is_swapped;
    bool is_stale;
} memory_effect;

void memory_reset(void); /* another scenario: forget all words */
void memory_begin(void); /* another run: every word as in real memory */
void memory_end(void);   /* the last values into real memory */
void memory_undo(void);  /* and what stood there before the run */

/* All that was stored so far, in its order and with its views, as a hash. */
uint64_t memory_hash(void);

/* Remember the step that touches a word last; the one before it, -1 if there is none. */
int memory_note_step(const tnd_word* word, int depth);

/* Do it, with the choice-th of the values that it may find. How many there are. */
unsigned memory_access(unsigned thread, const step_access* access, unsigned choice,
                       memory_effect* ret_effect);
