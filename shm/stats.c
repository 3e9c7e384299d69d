/*
 * Storing and reading counters. See stats.h for why nothing is ever folded.
 *
 * The order of a claim. The base is copied from the totals, then the epoch (the claimer's nonce) is
 * stored with release: a reader that finds the nonce of the slot's state word there finds the whole
 * base. A reader that finds another one counts the totals as the departed workers'. The holder
 * counts only after that, so that no event falls between.
 */
#include "shm/stats.h"

#include <string.h>

#include "core/mem.h"

static tnd_seg_stats* slot_stats(const tnd_map* map, uint32_t slot)
{
    return (tnd_seg_stats*)(void*)(map->stats + slot * map->stats_bytes);
}

static tnd_seg_node_stats* slot_nodes(tnd_seg_stats* stats)
{
    return (tnd_seg_node_stats*)(void*)(stats + 1);
}

static uint64_t load(const tnd_word* word)
{
    return tnd_word_load(word, memory_order_relaxed);
}

static void load_words(void* to, const tnd_word* from, size_t count)
{
    uint64_t* out = to;
    for (size_t i = 0; i < count; i++) {
        out[i] = load(&from[i]);
    }
}

/* ---- attach --------------------------------------------------------------------------------- */

/* Untouched pages stay untouched. */
static void clear(tnd_word* words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (load(&words[i]) != 0) {
            tnd_stats_store(&words[i], 0);
        }
    }
}

static void base_copy(tnd_seg_stats* at)
{
    for (size_t i = 0; i < TND_COUNTERS_WORDS; i++) {
        uint64_t total = load(&at->totals[i]);
        if (load(&at->base[i]) != total) {
            tnd_word_store(TND_POINT_STATS_BASE, &at->base[i], total, memory_order_relaxed);
        }
    }
}

/* When the slot's last holder had heard of the cluster stays true. */
static void gauges_begin(tnd_seg_stats* at)
{
    for (size_t i = 0; i < TND_GAUGES_WORDS; i++) {
        if (i != TND_GAUGE(heard_ms)) {
            clear(&at->gauges[i], 1);
        }
    }
}

/* From where we counted before, which is left as it is. */
static void carry(const tnd_stats* from, tnd_seg_stats* to)
{
    for (size_t i = 0; i < TND_COUNTERS_WORDS; i++) {
        uint64_t ours = load(&from->at->totals[i]) - load(&from->at->base[i]);
        if (ours != 0) {
            tnd_stats_raise(&to->totals[i], ours);
        }
    }
    for (size_t i = 0; i < TND_GAUGES_WORDS; i++) {
        uint64_t value = load(&from->at->gauges[i]);
        if (value != 0) {
            tnd_stats_store(&to->gauges[i], value);
        }
    }
}

static tnd_seg_stats* own_record(tnd_stats* stats, const tnd_map* map)
{
    stats->own = tnd_calloc(1, map->stats_bytes + TND_CACHE_LINE_BYTES);
    uintptr_t start = (uintptr_t)stats->own + TND_CACHE_LINE_BYTES - 1;
    return stats->own ? (tnd_seg_stats*)(start & ~(uintptr_t)(TND_CACHE_LINE_BYTES - 1)) : NULL;
}

static tnd_seg_stats* slot_begin(tnd_member* member)
{
    tnd_map* map = member->map;
    tnd_seg_stats* at = slot_stats(map, member->slot);
    base_copy(at);
    gauges_begin(at);
    clear(slot_nodes(at)->words, (map->nodes_capacity + 1) * TND_NODE_COUNTERS_WORDS);
    tnd_word_store(TND_POINT_STATS_EPOCH, &map->slots[member->slot].stats_epoch,
                   member->state >> TND_SLOT_NONCE_SHIFT, memory_order_release);
    return at;
}

void tnd_stats_attach(tnd_stats* stats, tnd_member* member)
{
    void* old_own = stats->own;
    bool has_slot = member->slot != TND_MEMBER_NONE;
    stats->own = NULL;
    tnd_seg_stats* at = has_slot ? slot_begin(member) : own_record(stats, member->map);
    if (at && stats->at) {
        carry(stats, at);
    }
    tnd_free(old_own);
    stats->at = at;
    stats->nodes = at ? slot_nodes(at) : NULL;
    stats->nodes_capacity = member->map->nodes_capacity;
    stats->is_shared = has_slot && member->map->shm_id >= 0;
    member->stats = stats;
}

void tnd_stats_done(tnd_stats* stats)
{
    tnd_free(stats->own);
    memset(stats, 0, sizeof(*stats));
}

/* ---- events --------------------------------------------------------------------------------- */

void tnd_stats_node_begin(tnd_stats* stats, uint32_t node_index, uint32_t generation)
{
    if (!stats || !stats->at || node_index > stats->nodes_capacity) {
        return;
    }
    tnd_word* words = stats->nodes[node_index].words;
    if (load(&words[TND_NODE_COUNTER(generation)]) != generation) {
        clear(words, TND_NODE_COUNTERS_WORDS);
        tnd_stats_store(&words[TND_NODE_COUNTER(generation)], generation);
    }
}

static tnd_command_result result_of(int status)
{
    switch (status) {
    case AEROSPIKE_OK:
        return TND_RESULT_OK;
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
        return TND_RESULT_NOT_FOUND;
    case AEROSPIKE_ERR_TIMEOUT:
        return TND_RESULT_TIMEOUT;
    default:
        return TND_RESULT_ERROR;
    }
}

static size_t status_index(int status)
{
    int index = status + TND_STATUS_OFFSET;
    return index < 0 ? 0 : index >= TND_STATUSES ? TND_STATUSES - 1 : (size_t)index;
}

static tnd_latency_kind latency_of(tnd_command_kind kind)
{
    switch (kind) {
    case TND_COMMAND_READ:
        return TND_LATENCY_READ;
    case TND_COMMAND_WRITE:
    case TND_COMMAND_REMOVE:
    case TND_COMMAND_OPERATE:
    case TND_COMMAND_UDF:
        return TND_LATENCY_WRITE;
    case TND_COMMAND_BATCH:
    case TND_COMMAND_QUERY:
    case TND_COMMAND_OTHER:
    case TND_COMMAND_KINDS:
        break;
    }
    return TND_LATENCY_MULTI;
}

static void histogram_note(tnd_word* totals, size_t histogram, uint64_t us)
{
    tnd_stats_raise(&totals[histogram + tnd_histogram_bucket(us)], 1);
    tnd_stats_raise(&totals[histogram + offsetof(tnd_histogram, sum_us) / sizeof(uint64_t)], us);
}

#define HISTOGRAM_WORDS (sizeof(tnd_histogram) / sizeof(uint64_t))

void tnd_stats_command(tnd_stats* stats, tnd_command_kind kind, int status, bool is_in_doubt,
                       uint64_t us)
{
    if (!stats || !stats->at) {
        return;
    }
    tnd_word* totals = stats->at->totals;
    size_t result = status == AEROSPIKE_OK ? TND_RESULT_OK : result_of(status);
    size_t index = status == AEROSPIKE_OK ? TND_STATUS_OFFSET : status_index(status);
    tnd_stats_raise(&totals[TND_COUNTER(commands) + (size_t)kind * TND_RESULTS + result], 1);
    tnd_stats_raise(&totals[TND_COUNTER(statuses) + index], 1);
    if (is_in_doubt) {
        tnd_stats_raise(&totals[TND_COUNTER(in_doubt)], 1);
    }
    histogram_note(totals, TND_COUNTER(latency) + latency_of(kind) * HISTOGRAM_WORDS, us);
}

void tnd_stats_tend(tnd_stats* stats, bool is_heard, uint64_t us)
{
    if (!stats || !stats->at) {
        return;
    }
    tnd_stats_add(stats, TND_COUNTER(tends), 1);
    histogram_note(stats->at->totals, TND_COUNTER(tend), us);
    if (!is_heard) {
        tnd_stats_add(stats, TND_COUNTER(tends_failed), 1);
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

static void own_counters(const tnd_seg_stats* at, tnd_counters* ret_counters)
{
    uint64_t* out = (uint64_t*)(void*)ret_counters;
    for (size_t i = 0; i < TND_COUNTERS_WORDS; i++) {
        out[i] = load(&at->totals[i]) - load(&at->base[i]);
    }
}

void tnd_stats_read_own(const tnd_stats* stats, tnd_counters* ret_counters, tnd_gauges* ret_gauges)
{
    memset(ret_counters, 0, sizeof(*ret_counters));
    memset(ret_gauges, 0, sizeof(*ret_gauges));
    if (stats->at) {
        own_counters(stats->at, ret_counters);
        load_words(ret_gauges, stats->at->gauges, TND_GAUGES_WORDS);
    }
}

void tnd_stats_read_node(const tnd_stats* stats, uint32_t node_index, uint32_t generation,
                         tnd_node_counters* ret_counters)
{
    memset(ret_counters, 0, sizeof(*ret_counters));
    if (stats->at && node_index <= stats->nodes_capacity) {
        load_words(ret_counters, stats->nodes[node_index].words, TND_NODE_COUNTERS_WORDS);
    }
    if (ret_counters->generation != generation) {
        memset(ret_counters, 0, sizeof(*ret_counters));
    }
}

static tnd_worker_state worker_state(const tnd_map* map, tnd_seg_slot* slot, uint64_t state)
{
    switch (state & TND_SLOT_PHASE_MASK) {
    case TND_SLOT_LIVE:
        if (map->sys->ops->life_gone(map->sys->ctx, slot)) {
            return TND_WORKER_DEAD;
        }
        return state & TND_SLOT_DRAINING ? TND_WORKER_DRAINING : TND_WORKER_LIVE;
    default:
        return TND_WORKER_DAMAGED;
    }
}

static bool worker_lives(const tnd_worker_counters* worker)
{
    return worker->state == TND_WORKER_LIVE || worker->state == TND_WORKER_DRAINING;
}

static void worker_facts(const tnd_map* map, uint32_t index, uint64_t now_ms,
                         tnd_worker_counters* worker)
{
    tnd_seg_slot* slot = &map->slots[index];
    uint64_t pid_uid = load(&slot->pid_uid);
    uint64_t heartbeat_ms = load(&slot->heartbeat_ms);
    uint64_t owner = tnd_word_load(&map->control->owner, memory_order_acquire);
    worker->slot = index;
    worker->pid = (uint32_t)(pid_uid >> 32);
    worker->uid = (uint32_t)pid_uid;
    worker->started_unix = load(&slot->started_unix);
    worker->is_tender = (owner & TND_OWNER_SLOT_MASK) == index + 1;
    worker->heartbeat_age_ms =
        heartbeat_ms == 0 || heartbeat_ms > now_ms ? 0 : now_ms - heartbeat_ms;
}

/* What its holder counted, if the slot stays its holder's while we copy. */
static void worker_count(const tnd_map* map, uint32_t index, uint64_t state,
                         tnd_worker_counters* worker)
{
    tnd_seg_slot* slot = &map->slots[index];
    tnd_seg_stats* at = slot_stats(map, index);
    uint64_t nonce = state >> TND_SLOT_NONCE_SHIFT;
    if (tnd_word_load(&slot->stats_epoch, memory_order_acquire) != nonce) {
        return;
    }
    own_counters(at, &worker->counters);
    if (worker_lives(worker)) {
        load_words(&worker->gauges, at->gauges, TND_GAUGES_WORDS);
        for (uint32_t i = 0; i <= map->nodes_capacity; i++) {
            load_words(&worker->nodes[i], slot_nodes(at)[i].words, TND_NODE_COUNTERS_WORDS);
        }
    }
    tnd_word_fence(memory_order_acquire);
    worker->is_counted =
        tnd_word_load(&slot->stats_epoch, memory_order_acquire) == nonce &&
        tnd_word_load(&slot->state, memory_order_acquire) >> TND_SLOT_NONCE_SHIFT == nonce;
    if (!worker->is_counted) {
        memset(&worker->counters, 0, sizeof(worker->counters));
        memset(&worker->gauges, 0, sizeof(worker->gauges));
        memset(worker->nodes, 0, (map->nodes_capacity + 1) * sizeof(*worker->nodes));
    }
}

void tnd_stats_sum_gauges(tnd_gauges* to, const tnd_gauges* from)
{
    const uint64_t* in = (const uint64_t*)(const void*)from;
    uint64_t* out = (uint64_t*)(void*)to;
    for (size_t i = 0; i < TND_GAUGES_WORDS; i++) {
        if (i == TND_GAUGE(heard_ms) || i == TND_GAUGE(takeover_unix)) {
            out[i] = in[i] > out[i] ? in[i] : out[i];
        } else {
            out[i] += in[i];
        }
    }
}

/* Of those that know the newest holder of the index. */
static void nodes_sum(tnd_node_counters* to, const tnd_node_counters* from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (from[i].generation > to[i].generation) {
            memset(&to[i], 0, sizeof(to[i]));
        }
        if (from[i].generation < to[i].generation) {
            continue;
        }
        const uint64_t* in = (const uint64_t*)(const void*)&from[i];
        uint64_t* out = (uint64_t*)(void*)&to[i];
        for (size_t word = 0; word < TND_NODE_COUNTERS_WORDS; word++) {
            out[word] += in[word];
        }
        to[i].generation = from[i].generation;
    }
}

/* One slot: a worker, and what belongs to those who had the slot before. */
static bool slot_read(const tnd_map* map, uint32_t index, uint64_t now_ms, tnd_host_counters* host)
{
    tnd_seg_slot* slot = &map->slots[index];
    uint64_t state = tnd_word_load(&slot->state, memory_order_acquire);
    bool was_used = tnd_word_load(&slot->stats_epoch, memory_order_acquire) != 0;
    if (state == 0 && !was_used) {
        return true; /* never touched: don't have the kernel make pages of it by reading */
    }
    tnd_counters totals;
    memset(&totals, 0, sizeof(totals));
    tnd_worker_counters* worker = NULL;
    if (state != 0) {
        worker = &host->workers[host->workers_count++];
        worker->nodes = tnd_calloc(map->nodes_capacity + 1, sizeof(*worker->nodes));
        if (!worker->nodes) {
            return false;
        }
        worker->state = worker_state(map, slot, state);
        worker_facts(map, index, now_ms, worker);
        worker_count(map, index, state, worker);
        host->live_count += worker_lives(worker);
        tnd_stats_sum_gauges(&host->total_gauges, &worker->gauges);
        nodes_sum(host->nodes, worker->nodes, map->nodes_capacity + 1);
    }
    if (was_used) {
        tnd_seg_stats* at = slot_stats(map, index);
        uint64_t heard_ms = load(&at->gauges[TND_GAUGE(heard_ms)]);
        uint64_t* latest_ms = &host->total_gauges.heard_ms;
        *latest_ms = heard_ms > *latest_ms ? heard_ms : *latest_ms;
        if (worker && worker->is_counted) {
            load_words(&totals, at->base, TND_COUNTERS_WORDS);
            tnd_counters_add(&host->total, &worker->counters);
        } else {
            load_words(&totals, at->totals, TND_COUNTERS_WORDS);
        }
    }
    tnd_counters_add(&host->departed, &totals);
    tnd_counters_add(&host->total, &totals);
    return true;
}

static uint32_t slots_in_use(const tnd_map* map)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->workers_capacity; i++) {
        count += tnd_word_load(&map->slots[i].state, memory_order_acquire) != 0;
    }
    return count;
}

bool tnd_stats_read_host(const tnd_map* map, uint64_t now_ms, tnd_host_counters* ret_host)
{
    tnd_host_counters* host = ret_host;
    memset(host, 0, sizeof(*host));
    host->is_shared = map->shm_id >= 0;
    host->nodes_capacity = map->nodes_capacity;
    /* Others may join meanwhile: those get room in the next reading. */
    uint32_t room = slots_in_use(map) + 4;
    host->workers = tnd_calloc(room, sizeof(*host->workers));
    host->nodes = tnd_calloc(map->nodes_capacity + 1, sizeof(*host->nodes));
    bool is_fine = host->workers && host->nodes;
    for (uint32_t i = 0; i < map->workers_capacity && is_fine && host->workers_count < room; i++) {
        is_fine = slot_read(map, i, now_ms, host);
    }
    if (!is_fine) {
        tnd_host_counters_done(host);
        return false;
    }
    uint64_t heard_ms = host->total_gauges.heard_ms;
    host->map_age_ms = heard_ms == 0 ? UINT64_MAX : heard_ms > now_ms ? 0 : now_ms - heard_ms;
    return true;
}
