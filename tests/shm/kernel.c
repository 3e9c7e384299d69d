/* The kernel of tests/shm. See kernel.h. */
#include "tests/shm/kernel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "shm/word.h"

#define SEGMENTS_MAX 4
#define SEGMENT_BYTES_MAX (512 * 1024)
#define PROCESSES_MAX 8
#define PARTS 2 /* write protection splits a mapping, see shm/segment.c */

/* What stands in a slot's mutex. */
#define LIFE_RELEASED 1u /* made, and held by nobody */
#define LIFE_HELD 2u     /* by process LIFE_HELD + index */

typedef struct segment {
    int id; /* 0 = free */
    int key;
    size_t size;
    uint32_t mode;
    uint32_t attached;
    bool is_removed;
} segment;

struct kernel_process {
    tnd_shm_sys sys;
    uint32_t index;
    bool is_dead;
    uint32_t attached[SEGMENTS_MAX];
};

static _Alignas(TND_PAGE_BYTES) uint8_t memory[SEGMENTS_MAX][SEGMENT_BYTES_MAX];

static struct {
    segment segments[SEGMENTS_MAX];
    kernel_process processes[PROCESSES_MAX];
    uint32_t processes_count;
    int ids_count;
} now, saved;

void (*kernel_step)(void);

static void step(void)
{
    if (kernel_step) {
        kernel_step();
    }
}

static segment* by_id(int id)
{
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        if (now.segments[i].id == id && id != 0) {
            return &now.segments[i];
        }
    }
    return NULL;
}

static segment* by_key(int key)
{
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        if (now.segments[i].id != 0 && now.segments[i].key == key && !now.segments[i].is_removed) {
            return &now.segments[i];
        }
    }
    return NULL;
}

static void check_end(segment* s)
{
    if (s->is_removed && s->attached == 0) {
        s->id = 0;
    }
}

/* ---- the table ---- */

static int k_create(void* ctx, int key, size_t size, uint32_t mode)
{
    (void)ctx;
    assert(size <= SEGMENT_BYTES_MAX);
    step();
    if (by_key(key)) {
        return -EEXIST;
    }
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        if (now.segments[i].id == 0) {
            now.segments[i] =
                (segment){.id = ++now.ids_count, .key = key, .size = size, .mode = mode};
            memset(memory[i], 0, size);
            return now.segments[i].id;
        }
    }
    return -ENOSPC;
}

static int k_find(void* ctx, int key)
{
    (void)ctx;
    step();
    const segment* s = by_key(key);
    return s ? s->id : -ENOENT;
}

static void* k_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    kernel_process* process = ctx;
    (void)read_only;
    step();
    segment* s = by_id(id);
    if (!s) {
        *ret_error = EINVAL;
        return NULL;
    }
    s->attached += PARTS;
    process->attached[s - now.segments] += PARTS;
    return memory[s - now.segments];
}

static void detach(kernel_process* process, segment* s)
{
    s->attached -= PARTS;
    process->attached[s - now.segments] -= PARTS;
    check_end(s);
}

static void k_detach(void* ctx, void* base)
{
    step();
    detach(ctx, &now.segments[((uint8_t*)base - memory[0]) / SEGMENT_BYTES_MAX]);
}

static int k_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    (void)ctx;
    step();
    const segment* s = by_id(id);
    if (!s) {
        return -EINVAL;
    }
    *ret_stat = (tnd_shm_stat){
        .size = s->size,
        .mode = s->mode,
        .attached = s->attached,
        .is_removed = s->is_removed,
    };
    return 0;
}

static int k_remove(void* ctx, int id)
{
    (void)ctx;
    step();
    segment* s = by_id(id);
    if (!s) {
        return -EINVAL;
    }
    s->is_removed = true;
    check_end(s);
    return 0;
}

static void k_protect(void* ctx, void* start, size_t size, bool writable)
{
    (void)ctx;
    (void)start;
    (void)size;
    (void)writable;
}

static tnd_word* life_word(tnd_seg_slot* slot)
{
    return (tnd_word*)(void*)&slot->life;
}

static bool life_is_over(uint64_t word)
{
    return word == LIFE_RELEASED || (word >= LIFE_HELD && word - LIFE_HELD < now.processes_count &&
                                     now.processes[word - LIFE_HELD].is_dead);
}

static int k_life_start(void* ctx, tnd_seg_slot* slot)
{
    const kernel_process* process = ctx;
    uint64_t found = 0;
    tnd_word_swap(TND_POINT_SLOT_MUTEX_MAKE, life_word(slot), &found, LIFE_RELEASED);
    found = tnd_word_load(life_word(slot), memory_order_seq_cst);
    return life_is_over(found) && tnd_word_swap(TND_POINT_SLOT_MUTEX_LOCK, life_word(slot), &found,
                                                LIFE_HELD + process->index)
               ? 0
               : EBUSY;
}

static bool k_life_end(void* ctx, tnd_seg_slot* slot)
{
    const kernel_process* process = ctx;
    uint64_t held = LIFE_HELD + process->index;
    return tnd_word_swap(TND_POINT_SLOT_MUTEX_UNLOCK, life_word(slot), &held, LIFE_RELEASED);
}

static bool k_life_gone(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    return life_is_over(tnd_word_load(life_word(slot), memory_order_seq_cst));
}

static const tnd_shm_ops ops = {
    .create = k_create,
    .find = k_find,
    .attach = k_attach,
    .detach = k_detach,
    .stat = k_stat,
    .remove = k_remove,
    .protect = k_protect,
    .life_start = k_life_start,
    .life_end = k_life_end,
    .life_gone = k_life_gone,
};

/* ---- for tests ---- */

void kernel_reset(void)
{
    memset(now.segments, 0, sizeof(now.segments));
    now.processes_count = 0;
}

void kernel_save(void)
{
    saved = now;
}

void kernel_restore(void)
{
    now = saved;
}

kernel_process* kernel_process_new(void)
{
    assert(now.processes_count < PROCESSES_MAX);
    kernel_process* process = &now.processes[now.processes_count];
    *process = (kernel_process){
        .sys = {.ops = &ops, .ctx = process},
        .index = now.processes_count++,
    };
    return process;
}

const tnd_shm_sys* kernel_sys_of(const kernel_process* process)
{
    return &process->sys;
}

void kernel_kill(kernel_process* process)
{
    process->is_dead = true;
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        while (process->attached[i] > 0) {
            detach(process, &now.segments[i]);
        }
    }
}

unsigned kernel_segments_count(void)
{
    unsigned count = 0;
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        count += now.segments[i].id != 0;
    }
    return count;
}

uint8_t* kernel_segment(int key, size_t* ret_size)
{
    const segment* s = by_key(key);
    *ret_size = s ? s->size : 0;
    return s ? memory[s - now.segments] : NULL;
}
