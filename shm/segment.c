/*
 * The segment's birth, checks and end.
 *
 * Birth. The kernel hands out zeroed memory, and zero is legal everywhere, so there is no "ready"
 * flag and nobody waits for a creator: each header word is swapped from zero to the value that this
 * program's configuration gives, and whoever finds another value there refuses. Two creators with
 * one configuration do the same work twice; a creator that dies between two words has its work
 * completed by the next.
 *
 * End. The last one to leave marks the ownership word as retired and removes the segment. Whoever
 * attached in between sees the mark, removes what is already condemned and starts anew; whoever
 * slips through both checks finds the segment marked for destruction within a second and moves.
 */
#include "shm/segment.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Each round loses against another process that removes or creates the segment; more than a few in
 * a row mean that something else is wrong. */
#define SEGMENT_OPEN_TRIES 32

/* Write protection splits a mapping in two, and the kernel counts each part as attached. */
#define SEGMENT_PARTS 2

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

void tnd_segment_shape(uint32_t nodes, uint32_t namespaces, uint32_t workers, uint32_t arenas,
                       tnd_seg_shape* ret_shape)
{
    tnd_seg_shape* s = ret_shape;
    s->slots_offset = 2 * TND_PAGE_BYTES; /* header, control */
    s->shares_offset = round_up(s->slots_offset + workers * sizeof(tnd_seg_slot), TND_PAGE_BYTES);
    s->links_offset =
        s->shares_offset + round_up(2 * (nodes + 1) * sizeof(tnd_word), TND_CACHE_LINE_BYTES);
    s->links_row_bytes = round_up((nodes + 1) * sizeof(tnd_word), TND_CACHE_LINE_BYTES);
    s->stats_offset = round_up(s->links_offset + workers * s->links_row_bytes, TND_PAGE_BYTES);
    s->stats_bytes = sizeof(tnd_seg_stats) + (nodes + 1) * sizeof(tnd_seg_node_stats);
    s->map_offset = round_up(s->stats_offset + workers * s->stats_bytes, TND_PAGE_BYTES);
    s->arenas_offset = s->map_offset + round_up(sizeof(tnd_seg_map), TND_PAGE_BYTES);
    s->arena_bytes = round_up(sizeof(tnd_dir_head) + nodes * sizeof(tnd_node_rec) +
                                  namespaces * sizeof(tnd_ns_rec),
                              TND_CACHE_LINE_BYTES);
    s->tables_offset = round_up(s->arenas_offset + arenas * s->arena_bytes, TND_PAGE_BYTES);
    s->size = s->tables_offset + namespaces * sizeof(tnd_seg_table);
}

static uint64_t hash_bytes(const void* bytes, size_t size)
{
    const uint8_t* p = bytes;
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ p[i]) * 0x100000001b3ULL;
    }
    return hash;
}

uint64_t tnd_segment_layout(void)
{
#ifdef __GLIBC__
    const uint32_t libc = 1;
#else
    const uint32_t libc = 2;
#endif
    const uint32_t facts[] = {
        libc,
        1, /* read back in this machine's byte order */
        sizeof(void*),
        sizeof(pthread_mutex_t),
        _Alignof(pthread_mutex_t),
        sizeof(tnd_seg_header),
        sizeof(tnd_seg_control),
        sizeof(tnd_seg_slot),
        offsetof(tnd_seg_slot, life),
        sizeof(tnd_seg_map),
        sizeof(tnd_dir_head),
        sizeof(tnd_node_rec),
        sizeof(tnd_ns_rec),
        sizeof(tnd_seg_table),
        sizeof(tnd_seg_stats),
        sizeof(tnd_seg_node_stats),
    };
    return (uint64_t)TND_LAYOUT_VERSION << 32 | (hash_bytes(facts, sizeof(facts)) & 0xffffffff);
}

static uint64_t identity_hash(const char* identity)
{
    uint64_t hash = hash_bytes(identity, strlen(identity));
    return hash != 0 ? hash : 1;
}

/* Swap from zero; what is there afterwards, ours or not. */
static uint64_t claim_word(tnd_point point, tnd_word* word, uint64_t value)
{
    uint64_t found = tnd_word_load(word, memory_order_acquire);
    if (found == 0) {
        if (tnd_word_swap(point, word, &found, value)) {
            return value;
        }
    }
    return found;
}

static void identity_text_write(tnd_seg_header* header, const char* identity)
{
    char text[TND_IDENTITY_WORDS * 8] = {0};
    snprintf(text, sizeof(text), "%s", identity);
    for (size_t i = 0; i < TND_IDENTITY_WORDS && text[i * 8] != 0; i++) {
        uint64_t word;
        memcpy(&word, text + i * 8, sizeof(word));
        claim_word(TND_POINT_HEADER_IDENTITY_TEXT, &header->identity_text[i], word);
    }
}

void tnd_segment_identity(const tnd_seg_header* header, char text[TND_IDENTITY_WORDS * 8 + 1])
{
    for (size_t i = 0; i < TND_IDENTITY_WORDS; i++) {
        uint64_t word = tnd_word_load(&header->identity_text[i], memory_order_relaxed);
        memcpy(text + i * 8, &word, sizeof(word));
    }
    text[TND_IDENTITY_WORDS * 8] = 0;
    for (char* c = text; *c; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
}

static bool page_is_zero(const uint8_t* page)
{
    for (size_t i = 0; i < TND_PAGE_BYTES; i += sizeof(tnd_word)) {
        if (tnd_word_load((const tnd_word*)(page + i), memory_order_relaxed) != 0) {
            return false;
        }
    }
    return true;
}

/* False: only its owner and root may. */
static bool segment_remove(const tnd_shm_sys* sys, int id)
{
    tnd_point_pass(TND_POINT_REMOVE);
    int error = sys->ops->remove(sys->ctx, id);
    return error != -EPERM && error != -EACCES;
}

/* Take the mark back: the segment is in use after all, or can't be removed by us. */
static void segment_unretire(tnd_seg_control* control)
{
    uint64_t word = tnd_word_load(&control->owner, memory_order_seq_cst);
    if (word & TND_OWNER_RETIRED) {
        tnd_word_swap(TND_POINT_OWNER_UNRETIRE, &control->owner, &word, word & ~TND_OWNER_RETIRED);
    }
}

/* ---- what is refused, in words -------------------------------------------------------------- */

#define REMEDIES "remove it (ipcrm -M 0x%08x) once nobody uses it, or choose another shm_key"

static as_status refuse_foreign(int key, size_t size, as_error* err)
{
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "Shared memory segment with key 0x%08x (%zu bytes) belongs to another "
                           "program: " REMEDIES,
                           (unsigned)key, size, (unsigned)key);
}

static as_status refuse_layout(int key, uint64_t found, as_error* err)
{
    uint64_t ours = tnd_segment_layout();
    return as_error_update(
        err, AEROSPIKE_ERR_CLIENT,
        "Shared memory segment with key 0x%08x has layout %u/%08x, this program needs %u/%08x "
        "(another version, architecture or libc): " REMEDIES,
        (unsigned)key, (unsigned)(found >> 32), (unsigned)found, (unsigned)(ours >> 32),
        (unsigned)ours, (unsigned)key);
}

static as_status refuse_capacities(int key, uint64_t found, const tnd_map_config* config,
                                   as_error* err)
{
    return as_error_update(
        err, AEROSPIKE_ERR_CLIENT,
        "Shared memory segment with key 0x%08x was made for shm_max_nodes %u, shm_max_namespaces "
        "%u, %u workers; this program is configured for %u, %u, %u: use the same settings, "
        "or " REMEDIES,
        (unsigned)key, (unsigned)(found >> 48), (unsigned)(found >> 32 & 0xffff),
        (unsigned)(found >> 16 & 0xffff), config->nodes_capacity, config->namespaces_capacity,
        config->workers_capacity, (unsigned)key);
}

static as_status refuse_size(int key, size_t found, size_t expected, as_error* err)
{
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "Shared memory segment with key 0x%08x has %zu bytes, this program's "
                           "shm_max_nodes and shm_max_namespaces need %zu: " REMEDIES,
                           (unsigned)key, found, expected, (unsigned)key);
}

static as_status refuse_identity(int key, const tnd_seg_header* header, const char* ours,
                                 as_error* err)
{
    char theirs[TND_IDENTITY_WORDS * 8 + 1];
    tnd_segment_identity(header, theirs);
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "Shared memory segment with key 0x%08x serves {%s}, this program wants "
                           "{%s}: one segment serves one cluster; " REMEDIES,
                           (unsigned)key, theirs, ours, (unsigned)key);
}

/* Whoever may write the map decides where our commands go. */
static as_status refuse_mode(const tnd_map_config* config, const tnd_shm_stat* stat, as_error* err)
{
    return as_error_update(
        err, AEROSPIKE_ERR_CLIENT,
        "Shared memory segment with key 0x%08x belongs to user %u and may be written by others "
        "(mode %04o), this program's shm_mode is %04o: set shm_mode to allow that, " REMEDIES,
        (unsigned)config->key, stat->uid, stat->mode, config->mode, (unsigned)config->key);
}

static as_status explain_kernel(const char* call, int key, size_t size, int error, as_error* err)
{
    const char* remedy;
    switch (error) {
    case ENOSPC:
        remedy = "the system's limit on segments (kernel.shmmni) or on shared memory in all "
                 "(kernel.shmall) is reached: see ipcs -lu, remove unused segments or raise it";
        break;
    case EINVAL:
        remedy = "the size exceeds the system's limit for one segment (kernel.shmmax): see "
                 "ipcs -l, raise it or lower shm_max_nodes and shm_max_namespaces";
        break;
    case EACCES:
    case EPERM:
        remedy = "the segment belongs to another user: see ipcs -m, run as that user, have its "
                 "creator set shm_mode, or choose another shm_key";
        break;
    case ENOMEM:
        remedy = "the system is out of memory";
        break;
    case ENOSYS:
        remedy = "this kernel or container offers no System V shared memory: set use_shm to false";
        break;
    default:
        remedy = "see ipcs -m";
        break;
    }
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "%s failed for shared memory key 0x%08x, %zu bytes: %s; %s", call,
                           (unsigned)key, size, strerror(error), remedy);
}

/* ---- open ----------------------------------------------------------------------------------- */

typedef enum segment_step {
    SEGMENT_DONE,
    SEGMENT_RETRY, /* it vanished under us */
    SEGMENT_FAIL,
} segment_step;

/* The first word. It is stored before all others: zero with anything behind it, or in a segment of
 * another size, isn't ours. */
static bool magic_complete(tnd_map* map, const tnd_map_config* config, const tnd_seg_shape* shape,
                           as_error* err)
{
    tnd_seg_header* header = (tnd_seg_header*)map->base;
    bool may_begin = !map->is_read_only && map->size == shape->size;
    if (tnd_word_load(&header->magic, memory_order_acquire) == 0 &&
        !(may_begin && page_is_zero(map->base))) {
        /* Unless another creator has begun since our first look. */
        tnd_word_fence(memory_order_acquire);
        if (tnd_word_load(&header->magic, memory_order_relaxed) == 0) {
            if (map->is_read_only && page_is_zero(map->base)) {
                as_error_update(err, AEROSPIKE_ERR_CLIENT,
                                "Shared memory segment with key 0x%08x is empty and may only be "
                                "read: start a program that may write it first",
                                (unsigned)config->key);
            } else {
                refuse_foreign(config->key, map->size, err);
            }
            return false;
        }
    }
    if (claim_word(TND_POINT_HEADER_MAGIC, &header->magic, TND_MAGIC) != TND_MAGIC) {
        refuse_foreign(config->key, map->size, err);
        return false;
    }
    return true;
}

static segment_step header_complete(tnd_map* map, const tnd_map_config* config,
                                    const tnd_seg_shape* shape, as_error* err)
{
    tnd_seg_header* header = (tnd_seg_header*)map->base;
    if (!magic_complete(map, config, shape, err)) {
        return SEGMENT_FAIL;
    }
    if (map->is_read_only && tnd_word_load(&header->identity, memory_order_seq_cst) == 0) {
        as_error_update(err, AEROSPIKE_ERR_CLIENT,
                        "Shared memory segment with key 0x%08x isn't initialised yet and may only "
                        "be read: start a program that may write it first",
                        (unsigned)config->key);
        return SEGMENT_FAIL;
    }
    if (map->is_read_only && (tnd_word_load(&header->layout, memory_order_seq_cst) == 0 ||
                              tnd_word_load(&header->capacities, memory_order_seq_cst) == 0)) {
        refuse_foreign(config->key, map->size, err); /* identity comes last: this is damage */
        return SEGMENT_FAIL;
    }
    uint64_t found = tnd_word_load(&header->layout, memory_order_seq_cst);
    if (found == 0 && map->size != shape->size) {
        refuse_size(config->key, map->size, shape->size, err);
        return SEGMENT_FAIL;
    }
    found = claim_word(TND_POINT_HEADER_LAYOUT, &header->layout, tnd_segment_layout());
    if (found != tnd_segment_layout()) {
        refuse_layout(config->key, found, err);
        return SEGMENT_FAIL;
    }
    uint64_t capacities = TND_CAPACITIES(config->nodes_capacity, config->namespaces_capacity,
                                         config->workers_capacity, TND_ARENAS);
    found = tnd_word_load(&header->capacities, memory_order_seq_cst);
    if (found == 0 && map->size != shape->size) {
        refuse_size(config->key, map->size, shape->size, err);
        return SEGMENT_FAIL;
    }
    found = claim_word(TND_POINT_HEADER_CAPACITIES, &header->capacities, capacities);
    if (found != capacities) {
        refuse_capacities(config->key, found, config, err);
        return SEGMENT_FAIL;
    }
    if (map->size != shape->size) {
        refuse_size(config->key, map->size, shape->size, err);
        return SEGMENT_FAIL;
    }
    uint64_t identity = identity_hash(config->identity);
    if (claim_word(TND_POINT_HEADER_IDENTITY, &header->identity, identity) != identity) {
        refuse_identity(config->key, header, config->identity, err);
        return SEGMENT_FAIL;
    }
    if (!map->is_read_only) {
        identity_text_write(header, config->identity);
        claim_word(TND_POINT_HEADER_NONCE, &header->nonce, config->nonce ? config->nonce : 1);
        claim_word(TND_POINT_HEADER_CREATED, &header->created_unix,
                   config->unix_now ? config->unix_now : 1);
    }
    return SEGMENT_DONE;
}

/* An id, or -errno. Creates when there is none. */
static int find_or_create(tnd_map* map, const tnd_map_config* config, const tnd_seg_shape* shape)
{
    int id = map->sys->ops->find(map->sys->ctx, config->key);
    if (id != -ENOENT) {
        return id;
    }
    id = map->sys->ops->create(map->sys->ctx, config->key, shape->size, config->mode);
    if (id >= 0) {
        tnd_point_pass(TND_POINT_CREATE_GET);
    }
    return id;
}

static segment_step attach(tnd_map* map, const tnd_map_config* config, int id, as_error* err)
{
    int error = 0;
    map->is_read_only = false;
    map->base = map->sys->ops->attach(map->sys->ctx, id, false, &error);
    if (!map->base && error == EACCES) {
        map->is_read_only = true;
        map->base = map->sys->ops->attach(map->sys->ctx, id, true, &error);
    }
    if (!map->base) {
        if (error == EINVAL || error == EIDRM) {
            return SEGMENT_RETRY; /* removed between the two calls */
        }
        explain_kernel("shmat", config->key, map->size, error, err);
        return SEGMENT_FAIL;
    }
    return SEGMENT_DONE;
}

/* One round of: find or create, attach, look whether it is condemned. */
static segment_step open_once(tnd_map* map, const tnd_map_config* config,
                              const tnd_seg_shape* shape, as_error* err)
{
    int id = find_or_create(map, config, shape);
    if (id == -EEXIST || id == -ENOENT || id == -EIDRM) {
        return SEGMENT_RETRY;
    }
    if (id < 0) {
        explain_kernel("shmget", config->key, shape->size, -id, err);
        return SEGMENT_FAIL;
    }
    tnd_shm_stat stat;
    int error = map->sys->ops->stat(map->sys->ctx, id, &stat);
    if (error == -EINVAL || error == -EIDRM) {
        return SEGMENT_RETRY;
    }
    if (error != 0) {
        explain_kernel("shmctl", config->key, shape->size, -error, err);
        return SEGMENT_FAIL;
    }
    map->shm_id = id;
    map->size = stat.size;
    if (stat.size < 2 * (size_t)TND_PAGE_BYTES) {
        refuse_foreign(config->key, stat.size, err);
        return SEGMENT_FAIL;
    }
    if ((stat.mode & ~config->mode & 0022) != 0) {
        refuse_mode(config, &stat, err);
        return SEGMENT_FAIL;
    }
    segment_step step = attach(map, config, id, err);
    if (step != SEGMENT_DONE) {
        return step;
    }
    step = header_complete(map, config, shape, err);
    if (step == SEGMENT_DONE) {
        tnd_seg_control* control = (tnd_seg_control*)(map->base + TND_PAGE_BYTES);
        if (tnd_word_load(&control->owner, memory_order_seq_cst) & TND_OWNER_RETIRED) {
            /* Condemned, and its remover may be dead: finish its work. Where we may not, go on with
             * it: if the remover lives after all, it's found removed within a second. */
            if (segment_remove(map->sys, id) || map->is_read_only) {
                step = SEGMENT_RETRY;
            } else {
                segment_unretire(control);
            }
        } else if (map->sys->ops->stat(map->sys->ctx, id, &stat) == 0 && stat.is_removed) {
            step = SEGMENT_RETRY;
        }
    }
    if (step != SEGMENT_DONE) {
        map->sys->ops->detach(map->sys->ctx, map->base);
        map->base = NULL;
    }
    return step;
}

as_status tnd_segment_open(tnd_map* map, const tnd_map_config* config, const tnd_seg_shape* shape,
                           as_error* err)
{
    for (int i = 0; i < SEGMENT_OPEN_TRIES; i++) {
        switch (open_once(map, config, shape, err)) {
        case SEGMENT_DONE:
            return AEROSPIKE_OK;
        case SEGMENT_FAIL:
            return err->code;
        case SEGMENT_RETRY:
            break;
        }
    }
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "Shared memory segment with key 0x%08x was removed %d times while "
                           "attaching: something keeps removing it, or it is marked as retired and "
                           "may not be removed by this user; see ipcs -m",
                           (unsigned)config->key, SEGMENT_OPEN_TRIES);
}

void tnd_segment_init_private(uint8_t* base, const tnd_map_config* config)
{
    tnd_seg_header* header = (tnd_seg_header*)base;
    claim_word(TND_POINT_HEADER_MAGIC, &header->magic, TND_MAGIC);
    claim_word(TND_POINT_HEADER_LAYOUT, &header->layout, tnd_segment_layout());
    claim_word(TND_POINT_HEADER_CAPACITIES, &header->capacities,
               TND_CAPACITIES(config->nodes_capacity, config->namespaces_capacity,
                              config->workers_capacity, TND_ARENAS));
    claim_word(TND_POINT_HEADER_IDENTITY, &header->identity, identity_hash(config->identity));
    claim_word(TND_POINT_HEADER_NONCE, &header->nonce, config->nonce ? config->nonce : 1);
}

/* ---- end ------------------------------------------------------------------------------------ */

static bool is_alone(const tnd_map* map)
{
    tnd_shm_stat stat;
    return map->sys->ops->stat(map->sys->ctx, map->shm_id, &stat) == 0 &&
           stat.attached <= SEGMENT_PARTS && !stat.is_removed;
}

void tnd_segment_remove_if_last(tnd_map* map)
{
    if (map->shm_id < 0 || map->is_read_only || !is_alone(map)) {
        return;
    }
    uint64_t word = tnd_word_load(&map->control->owner, memory_order_seq_cst);
    if (word & TND_OWNER_RETIRED) {
        return;
    }
    /* An owner named here can only be dead: nobody else has the segment attached. */
    if (!tnd_word_swap(TND_POINT_OWNER_RETIRE, &map->control->owner, &word,
                       word | TND_OWNER_RETIRED)) {
        return;
    }
    if (!is_alone(map)) {
        /* Somebody attached meanwhile and may have looked before the mark: take it back. If it saw
         * the mark, it has removed the segment and uses another one: just as well. */
        segment_unretire(map->control);
        return;
    }
    if (!segment_remove(map->sys, map->shm_id)) {
        segment_unretire(map->control); /* another user's: it stays for whoever comes next */
    }
}

void tnd_segment_remove_if_unused(const tnd_shm_sys* sys, int id)
{
    tnd_shm_stat stat;
    if (sys->ops->stat(sys->ctx, id, &stat) == 0 && stat.attached == 0 && !stat.is_removed) {
        /* The last two left at once and each saw the other. Whoever attaches just now finds its
         * segment marked for destruction and moves. */
        segment_remove(sys, id);
    }
}
