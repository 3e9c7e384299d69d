/* The simulated kernel behind a shared map. See shm.h. */
#include "tests/sim/shm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/sim/internal.h"

#define SIM_LIVES_MAX 2048

typedef struct shm_life {
    size_t offset; /* of the slot; 0 = unused */
    sim_shm_process* holder;
} shm_life;

typedef struct shm_segment shm_segment;
struct shm_segment {
    shm_segment* next;
    int id;
    int key;
    size_t size;
    uint32_t mode;
    uint32_t uid;
    int fd;
    void* peek;
    unsigned attached;
    bool is_removed;
    shm_life lives[SIM_LIVES_MAX];
};

typedef struct shm_mapping shm_mapping;
struct shm_mapping {
    shm_mapping* next;
    shm_segment* segment;
    uint8_t* base;
    size_t size;
};

struct sim_shm_process {
    sim_shm_process* next;
    sim_shm* shm;
    tnd_shm_sys sys;
    uint32_t uid;
    bool is_dead;
    shm_mapping* mappings;
};

struct sim_shm {
    shm_segment* segments;
    sim_shm_process* processes;
    int ids_count;
    int refused;
    unsigned refused_count;
};

static shm_segment* by_key(const sim_shm* shm, int key)
{
    for (shm_segment* s = shm->segments; s; s = s->next) {
        if (s->key == key && !s->is_removed) {
            return s;
        }
    }
    return NULL;
}

static shm_segment* by_id(const sim_shm_process* process, int id)
{
    for (shm_segment* s = process->shm->segments; s && !process->is_dead; s = s->next) {
        if (s->id == id) {
            return s;
        }
    }
    return NULL;
}

static void segment_check_end(sim_shm* shm, shm_segment* segment)
{
    if (!segment->is_removed || segment->attached > 0) {
        return;
    }
    for (shm_segment** at = &shm->segments; *at; at = &(*at)->next) {
        if (*at == segment) {
            *at = segment->next;
            break;
        }
    }
    munmap(segment->peek, segment->size);
    close(segment->fd);
    free(segment);
}

static bool may(const sim_shm_process* process, const shm_segment* segment, uint32_t bits)
{
    uint32_t mode = process->uid == segment->uid ? segment->mode >> 6 : segment->mode;
    return process->uid == 0 || (mode & bits) == bits;
}

/* ---- the table ---- */

static int shm_create(void* ctx, int key, size_t size, uint32_t mode)
{
    sim_shm_process* process = ctx;
    sim_shm* shm = process->shm;
    if (process->is_dead) {
        return -EINVAL;
    }
    if (shm->refused_count > 0) {
        shm->refused_count--;
        return -shm->refused;
    }
    if (by_key(shm, key)) {
        return -EEXIST;
    }
    shm_segment* segment = sim_alloc(sizeof(*segment));
    segment->fd = memfd_create("sim_shm", MFD_CLOEXEC);
    if (segment->fd < 0 || ftruncate(segment->fd, (off_t)size) != 0) {
        abort();
    }
    segment->peek = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
    assert(segment->peek != MAP_FAILED);
    segment->id = ++shm->ids_count;
    segment->key = key;
    segment->size = size;
    segment->mode = mode;
    segment->uid = process->uid;
    segment->next = shm->segments;
    shm->segments = segment;
    return segment->id;
}

static int shm_find(void* ctx, int key)
{
    const sim_shm_process* process = ctx;
    const shm_segment* segment = by_key(process->shm, key);
    return segment ? segment->id : -ENOENT;
}

static void* shm_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    sim_shm_process* process = ctx;
    shm_segment* segment = by_id(process, id);
    *ret_error = !segment ? EINVAL : may(process, segment, read_only ? 4 : 6) ? 0 : EACCES;
    if (*ret_error != 0) {
        return NULL;
    }
    shm_mapping* mapping = sim_alloc(sizeof(*mapping));
    mapping->segment = segment;
    mapping->size = segment->size;
    mapping->base = mmap(NULL, segment->size, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
                         MAP_SHARED, segment->fd, 0);
    assert(mapping->base != MAP_FAILED);
    mapping->next = process->mappings;
    process->mappings = mapping;
    segment->attached += read_only ? 1 : 2; /* write protection splits it, see shm/segment.c */
    return mapping->base;
}

static void shm_detach(void* ctx, void* base)
{
    sim_shm_process* process = ctx;
    for (shm_mapping** at = &process->mappings; *at; at = &(*at)->next) {
        shm_mapping* mapping = *at;
        if (mapping->base == base) {
            *at = mapping->next;
            munmap(mapping->base, mapping->size);
            if (mapping->segment) {
                bool is_reader = !may(process, mapping->segment, 6);
                mapping->segment->attached -= is_reader ? 1 : 2;
                segment_check_end(process->shm, mapping->segment);
            }
            free(mapping);
            return;
        }
    }
}

static int shm_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    const sim_shm_process* process = ctx;
    const shm_segment* segment = by_id(process, id);
    if (!segment) {
        return -EINVAL;
    }
    if (!may(process, segment, 4)) {
        return -EACCES;
    }
    *ret_stat = (tnd_shm_stat){
        .size = segment->size,
        .uid = segment->uid,
        .mode = segment->mode,
        .attached = segment->attached,
        .is_removed = segment->is_removed,
    };
    return 0;
}

static int shm_remove(void* ctx, int id)
{
    sim_shm_process* process = ctx;
    shm_segment* segment = by_id(process, id);
    if (!segment) {
        return -EINVAL;
    }
    if (process->uid != 0 && process->uid != segment->uid) {
        return -EPERM;
    }
    segment->is_removed = true;
    segment_check_end(process->shm, segment);
    return 0;
}

static void shm_protect(void* ctx, void* start, size_t size, bool writable)
{
    (void)ctx;
    mprotect(start, size, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

/* The place of a slot in the segment's list, or where a new one goes. NULL: a dead process's. */
static shm_life* life_of(sim_shm_process* process, const tnd_seg_slot* slot)
{
    for (shm_mapping* m = process->mappings; m; m = m->next) {
        const uint8_t* at = (const uint8_t*)slot;
        if (!m->segment || at < m->base || at >= m->base + m->size) {
            continue;
        }
        size_t offset = (size_t)(at - m->base);
        for (int i = 0; i < SIM_LIVES_MAX; i++) {
            shm_life* life = &m->segment->lives[i];
            if (life->offset == offset || life->offset == 0) {
                life->offset = offset;
                return life;
            }
        }
    }
    return NULL;
}

static int shm_life_start(void* ctx, tnd_seg_slot* slot)
{
    shm_life* life = life_of(ctx, slot);
    if (!life) {
        return EINVAL;
    }
    if (life->holder && !life->holder->is_dead) {
        return EBUSY;
    }
    life->holder = ctx;
    return 0;
}

static bool shm_life_end(void* ctx, tnd_seg_slot* slot)
{
    shm_life* life = life_of(ctx, slot);
    if (life && life->holder == ctx) {
        life->holder = NULL;
    }
    return true;
}

static bool shm_life_gone(void* ctx, tnd_seg_slot* slot)
{
    const shm_life* life = life_of(ctx, slot);
    return life && (!life->holder || life->holder->is_dead);
}

static const tnd_shm_ops shm_ops = {
    .create = shm_create,
    .find = shm_find,
    .attach = shm_attach,
    .detach = shm_detach,
    .stat = shm_stat,
    .remove = shm_remove,
    .protect = shm_protect,
    .life_start = shm_life_start,
    .life_end = shm_life_end,
    .life_gone = shm_life_gone,
};

/* ---- for tests ---- */

sim_shm* sim_shm_new(void)
{
    return sim_alloc(sizeof(sim_shm));
}

void sim_shm_free(sim_shm* shm)
{
    while (shm->processes) {
        sim_shm_process* process = shm->processes;
        while (process->mappings) {
            shm_detach(process, process->mappings->base);
        }
        shm->processes = process->next;
        free(process);
    }
    while (shm->segments) {
        shm->segments->is_removed = true;
        segment_check_end(shm, shm->segments);
    }
    free(shm);
}

sim_shm_process* sim_shm_process_new(sim_shm* shm, uint32_t uid)
{
    sim_shm_process* process = sim_alloc(sizeof(*process));
    process->shm = shm;
    process->uid = uid;
    process->sys = (tnd_shm_sys){.ops = &shm_ops, .ctx = process};
    process->next = shm->processes;
    shm->processes = process;
    return process;
}

const tnd_shm_sys* sim_shm_sys_of(const sim_shm_process* process)
{
    return &process->sys;
}

void sim_shm_kill(sim_shm_process* process)
{
    for (shm_mapping* m = process->mappings; m; m = m->next) {
        shm_segment* segment = m->segment;
        uint8_t* copy = mmap(m->base, m->size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        assert(copy == m->base);
        memcpy(copy, segment->peek, m->size);
        segment->attached -= may(process, segment, 6) ? 2 : 1;
        m->segment = NULL;
        segment_check_end(process->shm, segment);
    }
    process->is_dead = true;
}

bool sim_shm_remove(sim_shm* shm, int key)
{
    shm_segment* segment = by_key(shm, key);
    if (segment) {
        segment->is_removed = true;
        segment_check_end(shm, segment);
    }
    return segment != NULL;
}

void sim_shm_refuse(sim_shm* shm, int error, unsigned count)
{
    shm->refused = error;
    shm->refused_count = count;
}

void* sim_shm_peek(sim_shm* shm, int key)
{
    shm_segment* segment = by_key(shm, key);
    return segment ? segment->peek : NULL;
}

int sim_shm_id(const sim_shm* shm, int key)
{
    const shm_segment* segment = by_key(shm, key);
    return segment ? segment->id : -1;
}

unsigned sim_shm_count(const sim_shm* shm)
{
    unsigned count = 0;
    for (const shm_segment* s = shm->segments; s; s = s->next) {
        count++;
    }
    return count;
}
