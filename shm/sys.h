/*
 * What shm/ needs of the kernel, as a table: System V segments and robust mutexes for real, a
 * memory block and simulated deaths in tests.
 */
#pragma once

#include "shm/layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct tnd_shm_stat {
    size_t size;
    int key;           /* for people; 0 once it is removed */
    uint32_t uid;      /* present owner of the segment */
    uint32_t mode;     /* permission bits */
    uint32_t attached; /* processes that have it attached */
    bool is_removed;   /* marked for destruction: nobody can find it by its key any more */
} tnd_shm_stat;

typedef struct tnd_shm_ops {
    /* Segment id >= 0, or -errno. create: fails with -EEXIST where the key is taken. */
    int (*create)(void* ctx, int key, size_t size, uint32_t mode);
    int (*find)(void* ctx, int key);
    /* Mapped address or NULL with *ret_error = errno. The mapping isn't inherited by forked
     * children. */
    void* (*attach)(void* ctx, int id, bool read_only, int* ret_error);
    void (*detach)(void* ctx, void* base);
    int (*stat)(void* ctx, int id, tnd_shm_stat* ret_stat);
    int (*remove)(void* ctx, int id);
    /* Page protection of part of the mapping; failure is ignored (a guard, not a need). */
    void (*protect)(void* ctx, void* start, size_t size, bool writable);

    /* Proof of life. `life_start` makes the mutex where nobody has yet, and locks it: 0, EBUSY if
     * somebody holds it, or another errno. `life_end` unlocks; false if
     * this thread isn't the holder: then the slot must stay as it is, and mapped. `life_gone` is
     * true when the kernel proves that the holder is dead (or has released it); it only loads. */
    int (*life_start)(void* ctx, tnd_seg_slot* slot);
    bool (*life_end)(void* ctx, tnd_seg_slot* slot);
    bool (*life_gone)(void* ctx, tnd_seg_slot* slot);
} tnd_shm_ops;

typedef struct tnd_shm_sys {
    const tnd_shm_ops* ops;
    void* ctx;
} tnd_shm_sys;

/* Is it what this libc makes of a proof of life, or damaged? Loads only. */
bool tnd_shm_life_is_sane(const tnd_seg_slot* slot);

/* System V and robust process-shared mutexes. */
extern const tnd_shm_sys tnd_shm_sys_real;
