/*
 * What the enumerations of tests/shm publish, and what must hold of it. A publication is a number:
 * every word of the directory and of the tables follows from it, so that a reader can tell a torn
 * copy, a word whose directory it doesn't have, and anything old that reappears.
 */
#pragma once

#include "shm/publish.h"
#include "tests/shm/actor.h"

#define WORLD_KEY 0x7d000002
#define WORLD_NODES 2
#define WORLD_THRESHOLD_MS 30000

/* The i-th (0 or 1) publication of an actor in its present term: higher for a higher term, and no
 * two actors' are the same. */
static inline uint32_t world_number(const actor* self, unsigned i)
{
    return self->member.term * 2 * ACTORS_MAX + 2 * self->index + i;
}

/* The second node is part of the cluster from the third term on, and owns everything then. */
#define WORLD_SECOND_NODE (3 * 2 * ACTORS_MAX)

/* Something doesn't hold: note it (the first time) and leave the running actor. */
void world_fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* world_failure(void); /* NULL: none since the last reset */
void world_reset(void);          /* a new kernel, nothing seen, no failure */
void world_save(void);           /* what readers have seen and who has completed */
void world_restore(void);

bool world_open_map(actor* self); /* create or attach, without joining */

/* Open the map and join; a retired segment is left for its successor. */
void world_open(actor* self);
void world_close(actor* self); /* leave, remove if last, close */

/* Take the role if it is to be had. */
bool world_take(actor* self);

/* The owner's work: restamp and inherit; publish the directory and the first partitions. False:
 * fenced. */
bool world_restamp(actor* self);
bool world_publish(actor* self, uint32_t number, uint32_t partitions);

/* What a reader may find, at any time. */
void world_check_copy(const tnd_map* map);
void world_check_route(tnd_map* map, uint32_t partition);

/* Who has done all that it wanted, and owned then: what it inherited and published must be found
 * when all is quiet, unless a higher term has completed. */
void world_note_completed(const actor* self);
void world_check_final(tnd_map* map); /* nothing to check while the last owner hasn't completed */
