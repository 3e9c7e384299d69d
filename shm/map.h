/*
 * One process's view of a cluster map: attach, read, route. The map lives in a System V segment or,
 * with use_shm = false, in private memory of the same layout: one code path.
 *
 * A tnd_map belongs to one worker (one thread). It keeps a private copy of the current directory
 * (nodes and namespaces), refreshed when the selector has moved; partition words are never copied.
 * Nothing here blocks, and nothing here needs the owner to be alive.
 */
#pragma once

#include "shm/layout.h"
#include "shm/sys.h"
#include "shm/word.h"

#include <aerospike/as_error.h>
#include <string.h>

typedef struct tnd_map_config {
    bool use_shm;
    int key;
    uint32_t mode;                /* permission bits of a segment that we create */
    uint32_t nodes_capacity;      /* 1 .. TND_NODES_MAX */
    uint32_t namespaces_capacity; /* 1 .. TND_NAMESPACES_MAX */
    uint32_t workers_capacity;    /* 1 .. TND_WORKERS_MAX */
    const char* identity;         /* what must agree for two programs to share, as text < 256 */
    uint64_t nonce;               /* random, for a segment that we create */
    uint64_t unix_now;            /* seconds, for people */
    const tnd_shm_sys* sys;       /* NULL = the real one */
} tnd_map_config;

/* Enough that a few seeds find each of TND_NAMESPACES_MAX names a slot of its own. */
#define TND_MAP_NS_SLOTS 256u

typedef struct tnd_map {
    const tnd_shm_sys* sys;
    uint8_t* base;
    size_t size;
    int key;
    int shm_id;        /* -1: private memory */
    bool is_read_only; /* the process may only read the segment: no slot, never an owner */
    bool is_writable;  /* the map's pages are writable now: this process owns */
    bool is_held;      /* the kernel still needs our mapping of it: see tnd_map_close */
    uint32_t nodes_capacity;
    uint32_t namespaces_capacity;
    uint32_t workers_capacity;
    uint32_t arenas_count;
    size_t arena_bytes;

    tnd_seg_header* header;
    tnd_seg_control* control;
    tnd_word* errors; /* see shares.h */
    tnd_word* paces;
    tnd_word* links; /* a row per worker slot */
    size_t links_row_words;
    tnd_seg_slot* slots;
    uint8_t* stats;
    size_t stats_bytes; /* of one worker */
    tnd_seg_map* map;
    uint8_t* arenas;
    tnd_seg_table* tables;
    size_t shared_bytes; /* the part before `map`: always writable for members */

    /* Private copy of the directory. */
    uint64_t dir_selector; /* selector of the copy without its term; 0 = no copy yet */
    /* Where a name of the copy is found, by tnd_name_slot. */
    uint64_t ns_seed;
    uint32_t ns_word;
    const tnd_ns_rec* slot_ns[TND_MAP_NS_SLOTS];  /* NULL: none */
    const tnd_word* slot_words[TND_MAP_NS_SLOTS]; /* of its table */
    uint64_t dir_version; /* raised by one each time the copy changed: for local node objects */
    tnd_dir_head dir;
    tnd_node_rec* nodes; /* index 0 unused; nodes_capacity + 1 */
    tnd_ns_rec* namespaces;
    tnd_node_rec* spare_nodes; /* where the next copy is made */
    tnd_ns_rec* spare_namespaces;
} tnd_map;

/*
 * Create or attach (or allocate, without use_shm). Never waits. Refuses with a text that names both
 * sides and the two remedies (remove the segment, or choose another shm_key): another program's
 * segment, another layout, other capacities, another identity, a segment of somebody else that may
 * not be read. shmget refused: the text names the limit or permission and the remedy.
 */
as_status tnd_map_open(tnd_map* map, const tnd_map_config* config, as_error* err);

/* A view of a segment (`shm_id` >= 0) that the caller has mapped, `base` on a page's boundary, and
 * will unmap after tnd_map_close. Of the configuration only sys, key and capacities count; `size`
 * covers them (asserted). For reading. False without memory. */
bool tnd_map_view(tnd_map* map, const tnd_map_config* config, int shm_id, uint8_t* base,
                  size_t size);

/* Detach, and remove the segment if that leaves nobody attached. A member that joined on another
 * thread leaves the memory mapped: that thread's list of robust mutexes leads through it.
 * Idempotent, accepts zeroed storage. */
void tnd_map_close(tnd_map* map);

/* True when the segment was removed under us or retired: move to the one that has the key now. */
bool tnd_map_is_removed(const tnd_map* map);

/* Copy the directory if the selector has moved. True if there is a directory (new or as before);
 * false before anything was published. Two attempts at most; the copy of a directory that changes
 * faster than it can be copied stays as it was for now. */
bool tnd_map_refresh(tnd_map* map);

/* The namespace's record in the present copy, or NULL. */
const tnd_ns_rec* tnd_map_namespace(const tnd_map* map, const char* name);

/* The node of an index found in a partition word: NULL if the index is out of range or its slot
 * holds no active node. */
const tnd_node_rec* tnd_map_node(const tnd_map* map, uint32_t index);

/* Route: the partition's word, by one load. `table` is tnd_ns_rec.table (checked at refresh). */
static inline uint64_t tnd_map_word(const tnd_map* map, uint32_t table, uint32_t partition)
{
    return tnd_word_load(&map->tables[table].words[partition & (TND_PARTITIONS - 1)],
                         memory_order_acquire);
}

/* Is the private copy still the published directory? Called after tnd_map_word. */
static inline bool tnd_map_is_current(const tnd_map* map)
{
    uint64_t selector = tnd_word_load(&map->map->selector, memory_order_acquire);
    return (selector & 0xffffffff) == map->dir_selector && map->dir_selector != 0;
}

/* A namespace's name as routing wants it: zeroes to the end. Longer ones are cut. */
static inline void tnd_map_pad_name(char ret_name[TND_NAMESPACE_SIZE], const char* name)
{
    size_t size = strnlen(name, TND_NAMESPACE_SIZE - 1);
    memset(ret_name, 0, TND_NAMESPACE_SIZE);
    memcpy(ret_name, name, size);
}

#define TND_NAME_WORDS (TND_NAMESPACE_SIZE / sizeof(uint64_t))

static inline uint64_t tnd_name_word(const char* name, size_t index)
{
    uint64_t word;
    memcpy(&word, name + index * sizeof(word), sizeof(word));
    return word;
}

static inline uint64_t tnd_name_turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

/* Where a padded name would be. One of its words is looked at, the one in which the names of the
 * copy differ, or all of them if there is no such word: TND_NAME_WORDS. It is latency that counts.
 */
static inline uint32_t tnd_name_slot(const char name[TND_NAMESPACE_SIZE], uint32_t word,
                                     uint64_t seed)
{
    uint64_t key = tnd_name_word(name, word % TND_NAME_WORDS);
    if (word == TND_NAME_WORDS) {
        for (unsigned i = 1; i < TND_NAME_WORDS; i++) {
            key ^= tnd_name_turn(tnd_name_word(name, i), 13 * i);
        }
    }
    return (uint32_t)(key * seed >> 56) % TND_MAP_NS_SLOTS;
}

static inline bool tnd_name_is(const char name[TND_NAMESPACE_SIZE],
                               const char other[TND_NAMESPACE_SIZE])
{
    uint64_t difference = 0;
    for (size_t i = 0; i < TND_NAME_WORDS; i++) {
        difference |= tnd_name_word(name, i) ^ tnd_name_word(other, i);
    }
    return difference == 0;
}

/* Where tnd_map_route doesn't succeed at once: a name that isn't known, or an old copy, which is
 * then made anew, three times at most. */
const tnd_ns_rec* tnd_map_route_again(tnd_map* map, const char ns[TND_NAMESPACE_SIZE],
                                      uint32_t partition, uint64_t* ret_word);

/* The namespace's record (NULL: unknown) and the partition's word, of one directory as far as that
 * can be had: the word is loaded first, then it is asked whether the copy is current. `ns` is
 * padded; however many there are, one is looked at. The word is loaded before the name is compared,
 * for it is the one load that may miss. */
static inline const tnd_ns_rec* tnd_map_route(tnd_map* map, const char ns[TND_NAMESPACE_SIZE],
                                              uint32_t partition, uint64_t* ret_word)
{
    uint32_t slot = tnd_name_slot(ns, map->ns_word, map->ns_seed);
    const tnd_ns_rec* rec = map->slot_ns[slot];
    if (rec) {
        const tnd_word* at = &map->slot_words[slot][partition & (TND_PARTITIONS - 1)];
        uint64_t word = tnd_word_load(at, memory_order_acquire);
        if (tnd_name_is(rec->name, ns) && tnd_map_is_current(map)) {
            *ret_word = word;
            return rec;
        }
    }
    return tnd_map_route_again(map, ns, partition, ret_word);
}

/* The node index in a replica column (0 .. 2), 0 = none. */
static inline uint32_t tnd_word_node(uint64_t word, uint32_t column)
{
    return (uint32_t)(word >> (column * TND_WORD_NODE_BITS) & TND_WORD_NODE_MASK);
}

static inline uint32_t tnd_word_flags(uint64_t word)
{
    return (uint32_t)(word >> TND_WORD_FLAGS_SHIFT & TND_WORD_FLAGS_MASK);
}

static inline uint32_t tnd_word_term(uint64_t word)
{
    return (uint32_t)(word >> TND_WORD_TERM_SHIFT);
}

static inline uint64_t tnd_word_make(uint32_t term, const uint32_t nodes[TND_REPLICAS_MAX],
                                     uint32_t flags)
{
    return (uint64_t)term << TND_WORD_TERM_SHIFT | (uint64_t)flags << TND_WORD_FLAGS_SHIFT |
           (uint64_t)nodes[2] << (2 * TND_WORD_NODE_BITS) |
           (uint64_t)nodes[1] << TND_WORD_NODE_BITS | nodes[0];
}
