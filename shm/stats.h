/*
 * A worker's counters, where it stores them, and the host's, as anybody reads them.
 *
 * Each slot of the segment has a record of totals. The slot's holder is its only writer: an event
 * costs a load and a store per counter, relaxed, on cache lines that nobody else writes. The totals
 * are never reset and never folded into anything: whoever takes a dead worker's slot goes on
 * counting from what is there, after a copy of it (the base), so that base and totals of all slots,
 * free ones too, add up to the host's history, whoever died in the middle of what. A base counts
 * only with the epoch word that is stored behind it; a copy that was cut off is made again by the
 * next holder.
 *
 * What can be lost: the second store of an event of which a killed worker had done the first. A
 * worker without a slot (read-only, or all taken) counts in private memory.
 */
#pragma once

#include "shm/member.h"
#include "shm/word.h"

#include <tendril/counters.h>

struct tnd_stats {
    tnd_seg_stats* at; /* where this worker counts; NULL: nowhere (before the first attach) */
    tnd_seg_node_stats* nodes;
    uint32_t nodes_capacity;
    bool is_shared; /* in a segment that others can read */
    void* own;      /* private record, unless a slot has it */
};

/* Count in this member's slot from now on, or in private memory if it has none. What was counted so
 * far, elsewhere, comes along. `stats` is the member's from now on, until tnd_stats_done. */
void tnd_stats_attach(tnd_stats* stats, tnd_member* member);

/* Frees. The record in the segment stays. Idempotent, accepts zeroed storage. */
void tnd_stats_done(tnd_stats* stats);

/* This worker's figures since it joined. Zeroes before the first attach. */
void tnd_stats_read_own(const tnd_stats* stats, tnd_counters* ret_counters, tnd_gauges* ret_gauges);

/* This worker's figures with a node; zeroes if the index means another generation there. */
void tnd_stats_read_node(const tnd_stats* stats, uint32_t node_index, uint32_t generation,
                         tnd_node_counters* ret_counters);

/* Adds present figures; of times the later one counts. */
void tnd_stats_sum_gauges(tnd_gauges* to, const tnd_gauges* from);

/* The host's, from any mapping of the map. Bounded and checked whatever the segment holds. False
 * without memory. */
bool tnd_stats_read_host(const tnd_map* map, uint64_t now_ms, tnd_host_counters* ret_host);

/* The bucket of a time. */
static inline uint32_t tnd_histogram_bucket(uint64_t us)
{
    if (us < 16) {
        return (uint32_t)us;
    }
    unsigned exponent = 63u - (unsigned)__builtin_clzll(us);
    if (exponent > 24) {
        return TND_HISTOGRAM_BUCKETS - 1;
    }
    return (exponent - 3) * 16 + (uint32_t)(us >> (exponent - 4) & 15);
}

/* ---- events: a few plain stores each; `stats` NULL counts nothing ---------------------------- */

static inline void tnd_stats_store(tnd_word* word, uint64_t value)
{
    tnd_word_store(TND_POINT_COUNTER, word, value, memory_order_relaxed);
}

static inline void tnd_stats_raise(tnd_word* word, uint64_t by)
{
    tnd_stats_store(word, tnd_word_load(word, memory_order_relaxed) + by);
}

/* tnd_stats_add(stats, TND_COUNTER(retries), 1) */
#define TND_COUNTER(field) (offsetof(tnd_counters, field) / sizeof(uint64_t))
#define TND_GAUGE(field) (offsetof(tnd_gauges, field) / sizeof(uint64_t))
#define TND_NODE_COUNTER(field) (offsetof(tnd_node_counters, field) / sizeof(uint64_t))

static inline void tnd_stats_add(tnd_stats* stats, size_t counter, uint64_t by)
{
    if (stats && stats->at) {
        tnd_stats_raise(&stats->at->totals[counter], by);
    }
}

static inline void tnd_stats_set(tnd_stats* stats, size_t gauge, uint64_t value)
{
    if (stats && stats->at) {
        tnd_stats_store(&stats->at->gauges[gauge], value);
    }
}

/* `by` may be -1. */
static inline void tnd_stats_move(tnd_stats* stats, size_t gauge, int by)
{
    if (stats && stats->at) {
        tnd_stats_raise(&stats->at->gauges[gauge], (uint64_t)(int64_t)by);
    }
}

/* A node's, by its index in the map. */
static inline void tnd_stats_node_move(tnd_stats* stats, uint32_t node_index, size_t counter,
                                       int by)
{
    if (stats && stats->at && node_index <= stats->nodes_capacity) {
        tnd_stats_raise(&stats->nodes[node_index].words[counter], (uint64_t)(int64_t)by);
    }
}

/* The index means another node than before (or the same again): begin anew. */
void tnd_stats_node_begin(tnd_stats* stats, uint32_t node_index, uint32_t generation);

/* A command has ended after `us`. */
void tnd_stats_command(tnd_stats* stats, tnd_command_kind kind, int status, bool is_in_doubt,
                       uint64_t us);

/* An attempt's time ran out. */
static inline void tnd_stats_timeout(tnd_stats* stats, tnd_timeout_phase phase, uint32_t node_index)
{
    tnd_stats_add(stats, TND_COUNTER(timeouts) + phase, 1);
    tnd_stats_node_move(stats, node_index, TND_NODE_COUNTER(timeouts), 1);
}

/* A round of tending has ended after `us`. */
void tnd_stats_tend(tnd_stats* stats, bool is_heard, uint64_t us);
