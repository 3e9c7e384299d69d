/*
 * The segment's layout. No functions: structs, offsets and the rules that hold for them.
 *
 *     header    one page, written once, each word by compare-and-swap from zero
 *     control   one page: who owns, who is asked to tend; every worker stores here
 *     slots     one per worker: proof of life, heartbeat; each worker stores in its own
 *     shares    by node: errors, pace of connecting, connections of each worker; every worker
 *               stores here
 *     counters  one record per slot, on pages of their own; each worker stores in its own (stats.h)
 *     map       selector and arena claims            \
 *     arenas    directories: nodes and namespaces     | only the owner stores; followers hold these
 *     tables    partition words and regimes          /  pages read-only
 *
 * Reader's cost. One aligned 64-bit load of a partition's word gives the nodes of its replicas. One
 * more load, of the selector, tells whether the reader's private copy of the directory is current.
 * Both are plain loads: no lock, no store, no loop, whatever the owner does and however it dies.
 *
 * Staleness is harmless. A word may name a node that has just lost the partition: the server passes
 * the command on. A word may name a node slot whose node has just changed: the selector was swapped
 * before the word, so that a reader that loads the word first and the selector then always copies a
 * directory that knows the node. A node slot is given to another node only after a quarantine in
 * which no word names it.
 *
 * The term. Each takeover raises it by one; the owner word, the selector and every partition word
 * carry it. A successor first re-stamps all of them with its own term. A writer stores only by
 * compare-and-swap from the value that it read, and stops for good at the first word with a higher
 * term: a writer that was stopped between its last check and its store finds the swap failing.
 * The term has 32 bits and isn't expected to wrap (a takeover each second for 136 years).
 *
 * Zero is legal. A fresh segment is all zero: no owner, no directory, no worker. Each header word
 * is swapped from zero to a value that every creator with the same configuration would write, so a
 * creation that was interrupted anywhere is completed by whoever comes next.
 *
 * No pointers: offsets and indexes only, and everything read is checked against the capacities.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <tendril/counters.h>

#define TND_LAYOUT_VERSION 3u

/* With TND_SMALL_TABLES the same code runs on tables of a few words, so that tests can try every
 * store and every interleaving. */
#ifdef TND_SMALL_TABLES
#define TND_PARTITIONS 2u
#define TND_NAMESPACES_MAX 2u
#define TND_NODE_NAME_SIZE 8u
#define TND_TLS_NAME_SIZE 8u
#define TND_NAMESPACE_SIZE 8u
#define TND_NODE_ADDRS_MAX 1u
#define TND_CLUSTER_NAME_SIZE 8u
#define TND_PAGE_BYTES 256u
#define TND_IDENTITY_WORDS 4u
#else
#define TND_PARTITIONS 4096u
#define TND_NAMESPACES_MAX 32u
#define TND_NODE_NAME_SIZE 24u /* 16 hex digits at most, and the terminator */
#define TND_TLS_NAME_SIZE 256u
#define TND_NAMESPACE_SIZE 32u
#define TND_NODE_ADDRS_MAX 4u
#define TND_CLUSTER_NAME_SIZE 64u
#define TND_PAGE_BYTES 4096u
#define TND_IDENTITY_WORDS 32u /* 256 bytes of text, zero-terminated */
#endif

#define TND_NODES_MAX 511u /* 9 bits of a partition word; index 0 means none */
#define TND_WORKERS_MAX 1024u
#define TND_WORKERS_DEFAULT 256u /* two generations of 128 */
#define TND_ARENAS 16u
#define TND_REPLICAS_MAX 3u

#define TND_CACHE_LINE_BYTES 64u

/* "TENDRIL" and a version-independent last byte, as the first eight bytes in memory. */
#define TND_MAGIC 0x314c4952444e4554ULL /* "TENDRIL1" in little-endian order */

typedef _Atomic uint64_t tnd_word;

_Static_assert(sizeof(tnd_word) == 8, "words are 64 bits");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2,
               "words must be lock-free: they are shared by processes");

/* ---- header --------------------------------------------------------------------------------- */

typedef struct tnd_seg_header {
    tnd_word magic;
    tnd_word layout;       /* version << 32 | hash of sizes, alignments and what libc puts in */
    tnd_word capacities;   /* see TND_CAPACITIES */
    tnd_word identity;     /* hash of the identity text, never 0 */
    tnd_word nonce;        /* random, never 0: part of the wake-up sockets' names */
    tnd_word created_unix; /* seconds, for people */
    tnd_word reserved[2];
    tnd_word identity_text[TND_IDENTITY_WORDS]; /* for messages; may be incomplete, never trusted */
} tnd_seg_header;

#define TND_CAPACITIES(nodes, namespaces, workers, arenas)                                         \
    ((uint64_t)(nodes) << 48 | (uint64_t)(namespaces) << 32 | (uint64_t)(workers) << 16 |          \
     (uint64_t)(arenas))

/* ---- control -------------------------------------------------------------------------------- */

/* Owner word: term 63..32, retired mark 31, slot + 1 in 15..0 (0 = nobody owns). A retired segment
 * is about to be removed: no worker may join or own it any more. */
#define TND_OWNER_RETIRED 0x80000000ULL
#define TND_OWNER_SLOT_MASK 0xffffULL

/* What concerns the whole host and is logged by one worker of it. */
typedef enum tnd_fact {
    TND_FACT_NO_SLOT,    /* all worker slots are taken */
    TND_FACT_NO_WAKE_UP, /* workers can't listen for wake-ups */
    TND_FACT_NO_SEGMENT, /* the segment was removed and no other can be used */
    TND_FACTS
} tnd_fact;

typedef struct tnd_seg_control {
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word owner;
    /* Nodes that some worker wants to be looked at now: bit i of word i / 64. Set by fetch-or,
     * taken by exchange. Bit 0 (no node has index 0) asks for all. */
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word tend_asked[(TND_NODES_MAX + 1) / 64];
    /* Term of the owner that tried every seed in vain while nothing was published: so that
     * followers needn't wait for a map that may never come. */
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word seedless_term;
    /* CLOCK_MONOTONIC when an owner that had checked the map against the cluster last looked after
     * it: so that nobody routes by a map that has lain about untended. */
    tnd_word checked_ms;
    tnd_word told_ms[TND_FACTS]; /* CLOCK_MONOTONIC when some worker logged this */
} tnd_seg_control;

/* ---- shares -------------------------------------------------------------------------------- */

/* What the workers of a host have in common towards each node, where the configuration asks for it:
 *
 *     errors    nodes_capacity + 1 tallies, see shares.h
 *     paces     nodes_capacity + 1 words: microseconds of CLOCK_MONOTONIC when the next connection
 *               may be opened
 *     links     a row per worker slot of nodes_capacity + 1 words: its connections to each node.
 *               Stored by the slot's worker alone; a dead worker's row counts for nothing
 *
 * by node index, 0 unused. Nothing is decided on them but how hard a node is used: a damaged value
 * costs some commands or some connections, for one window or until the worker is replaced. */

/* ---- worker slots --------------------------------------------------------------------------- */

/* Slot state word: nonce 63..16 (of the holder, never 0), flags 15..8, phase 7..0. Whoever holds
 * the mutex holds the slot; the state says so to those who look. */
typedef enum tnd_slot_phase {
    TND_SLOT_FREE = 0, /* the whole word is 0; a worker that holds the mutex is about to go live */
    TND_SLOT_LIVE = 2, /* the mutex is held by the worker for life */
} tnd_slot_phase;

#define TND_SLOT_PHASE_MASK 0xffULL
#define TND_SLOT_FLAGS_MASK 0xff00ULL
#define TND_SLOT_DRAINING 0x100ULL /* candidate only when none but draining workers are left */
#define TND_SLOT_NONCE_SHIFT 16

typedef struct tnd_seg_slot {
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word state;
    tnd_word heartbeat_ms; /* CLOCK_MONOTONIC, stored while the worker owns */
    tnd_word claimed_ms;   /* CLOCK_MONOTONIC at the claim */
    tnd_word pid_uid;      /* pid << 32 | uid, for people: nothing is decided on them */
    tnd_word started_unix; /* seconds, for people */
    tnd_word stats_epoch;  /* nonce of the holder whose base of counters is complete; 0: never */
    tnd_word reserved[2];
    /* Robust, process-shared; locked by the holder until it leaves or dies. The proof of its
     * death, never a fence. Made once in the segment's life, each word by a swap from zero to what
     * every other maker would write: a maker that was stopped can't make it over a living one. */
    _Alignas(TND_CACHE_LINE_BYTES) pthread_mutex_t life;
} tnd_seg_slot;

/* ---- counters ------------------------------------------------------------------------------- */

#define TND_COUNTERS_WORDS (sizeof(tnd_counters) / sizeof(uint64_t))
#define TND_GAUGES_WORDS (sizeof(tnd_gauges) / sizeof(uint64_t))
#define TND_NODE_COUNTERS_WORDS (sizeof(tnd_node_counters) / sizeof(uint64_t))

/* Laid out as tnd_counters and tnd_gauges; nodes_capacity + 1 of tnd_seg_node_stats follow, by node
 * index. The slot's holder is the only writer. Of words that are stored relaxed and one at a time:
 * a reader may see figures of one event a moment apart. */
typedef struct tnd_seg_stats {
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word totals[TND_COUNTERS_WORDS]; /* of all holders so far */
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word gauges[TND_GAUGES_WORDS];
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word base[TND_COUNTERS_WORDS]; /* totals at the claim */
} tnd_seg_stats;

typedef struct tnd_seg_node_stats {
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word words[TND_NODE_COUNTERS_WORDS];
} tnd_seg_node_stats;

/* ---- map ------------------------------------------------------------------------------------ */

/* Selector: term 63..32, arena + 1 in 31..24 (0 = nothing published yet), generation 23..0. */
#define TND_SELECTOR(term, arena, generation)                                                      \
    ((uint64_t)(term) << 32 | (uint64_t)((arena) + 1) << 24 | ((uint64_t)(generation)&0xffffff))

typedef struct tnd_seg_map {
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word selector;
    /* Who may write an arena: nonce 63..16 and slot + 1 of the claiming worker, 0 = nobody. A claim
     * counts as long as its worker isn't proven dead. The selected arena is never written. */
    _Alignas(TND_CACHE_LINE_BYTES) tnd_word arena_claims[TND_ARENAS];
} tnd_seg_map;

/* ---- directory (one arena) ------------------------------------------------------------------ */

#define TND_FAMILY_INET 2 /* AF_INET and AF_INET6 of Linux; async/ asserts it */
#define TND_FAMILY_INET6 10

typedef struct tnd_node_addr {
    uint8_t family; /* TND_FAMILY_*; 0 = none */
    uint8_t reserved;
    uint16_t port; /* host order */
    uint32_t reserved2;
    uint8_t bytes[16]; /* network order */
} tnd_node_addr;

typedef enum tnd_node_state {
    TND_NODE_FREE = 0,
    TND_NODE_ACTIVE = 1,
    TND_NODE_QUARANTINED = 2, /* removed from the cluster; the index isn't given away yet */
} tnd_node_state;

typedef struct tnd_node_rec {
    uint32_t state;      /* tnd_node_state */
    uint32_t generation; /* changes with the node, its process or its addresses */
    uint32_t build;      /* server version: major << 24 | minor << 16 | patch << 8 | 4th */
    uint32_t addrs_count;
    tnd_node_addr addrs[TND_NODE_ADDRS_MAX]; /* in order of preference */
    char name[TND_NODE_NAME_SIZE];
    char tls_name[TND_TLS_NAME_SIZE];
    int32_t rack_ids[TND_NAMESPACES_MAX]; /* by namespace record; -1 = unknown */
} tnd_node_rec;

#define TND_NS_SC 1u /* strong consistency: a regime other than 0 was seen */

typedef struct tnd_ns_rec {
    char name[TND_NAMESPACE_SIZE];
    uint32_t table;    /* index of its partition table */
    uint32_t replicas; /* effective replication factor, 1 .. 255 */
    uint32_t flags;    /* TND_NS_* */
    uint32_t reserved;
} tnd_ns_rec;

typedef struct tnd_dir_head {
    uint64_t published_ms; /* CLOCK_MONOTONIC */
    uint32_t nodes_count;  /* records 1 .. nodes_count are meaningful */
    uint32_t namespaces_count;
    uint32_t nodes_needed; /* what the cluster has, capacity or more */
    uint32_t namespaces_needed;
    char cluster_name[TND_CLUSTER_NAME_SIZE];
} tnd_dir_head;

_Static_assert(sizeof(tnd_dir_head) % 8 == 0, "arenas are copied in words");
_Static_assert(sizeof(tnd_node_rec) % 8 == 0, "arenas are copied in words");
_Static_assert(sizeof(tnd_ns_rec) % 8 == 0, "arenas are copied in words");

/* An arena: head, nodes_capacity node records (index 1 first), namespaces_capacity namespace
 * records. */

/* ---- tables --------------------------------------------------------------------------------- */

/* Partition word: term 63..32, flags 31..27, node indexes of column 2 26..18, column 1 17..9,
 * column 0 (the master) 8..0. */
#define TND_WORD_NODE_BITS 9u
#define TND_WORD_NODE_MASK 0x1ffULL
#define TND_WORD_FLAGS_SHIFT 27u
#define TND_WORD_FLAGS_MASK 0x1fULL
#define TND_WORD_TERM_SHIFT 32u

#define TND_PART_OVERFLOW 1u /* an owner is missing here because the node table is full */

typedef struct tnd_seg_table {
    tnd_word words[TND_PARTITIONS];
    tnd_word regimes[TND_PARTITIONS]; /* term << 32 | regime; 0 in AP namespaces */
} tnd_seg_table;
