/*
 * Reading a segment from outside. See tendril/inspect.h.
 *
 * The head is read and checked word by word; if it says what the sizes are and they agree with the
 * kernel's, the rest is a map like any worker's, read through the same functions, which put
 * whatever they copy into bounds. Damage is looked for apart from that (inspect_check.c), in the
 * raw bytes.
 */
#include "shm/inspect_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "shm/publish.h"
#include "shm/segment.h"
#include "shm/stats.h"

#define INSPECT_TRIES 3 /* words and directory of one publication */

void tnd_inspect_note(tnd_inspection* seen, const char* format, ...)
{
    uint32_t at = seen->problems_count++;
    if (at >= TND_INSPECT_PROBLEMS_MAX) {
        seen->problems_count = TND_INSPECT_PROBLEMS_MAX;
        snprintf(seen->problems[TND_INSPECT_PROBLEMS_MAX - 1], TND_INSPECT_PROBLEM_SIZE,
                 "more damage than can be listed");
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(seen->problems[at], TND_INSPECT_PROBLEM_SIZE, format, args);
    va_end(args);
    for (char* c = seen->problems[at]; *c; c++) {
        *c = *c < 0x20 || *c > 0x7e ? '?' : *c; /* names are what they are */
    }
}

/* Printable, whatever it is. */
static void text_copy(char* to, size_t to_size, const char* from, size_t from_size)
{
    size_t i = 0;
    for (; i + 1 < to_size && i < from_size && from[i] != 0; i++) {
        to[i] = from[i] < 0x20 || from[i] > 0x7e ? '?' : from[i];
    }
    to[i] = 0;
}

/* ---- the head ------------------------------------------------------------------------------- */

bool tnd_inspect_recognise(const uint8_t* base, size_t size, tnd_inspect_kind* ret_kind)
{
    const tnd_seg_header* header = (const tnd_seg_header*)(const void*)base;
    if (size < 2 * (size_t)TND_PAGE_BYTES ||
        tnd_word_load(&header->magic, memory_order_acquire) != TND_MAGIC) {
        return false;
    }
    uint64_t layout = tnd_word_load(&header->layout, memory_order_acquire);
    *ret_kind = layout == 0 || tnd_word_load(&header->identity, memory_order_acquire) == 0
                    ? TND_INSPECT_UNFINISHED
                : layout == tnd_segment_layout() ? TND_INSPECT_OURS
                                                 : TND_INSPECT_OTHER_LAYOUT;
    return true;
}

static as_status refuse_layout(uint64_t found, as_error* err)
{
    uint64_t ours = tnd_segment_layout();
    return as_error_update(
        err, AEROSPIKE_ERR_CLIENT,
        "The segment has layout %u/%08x, this program reads %u/%08x: use the one of "
        "the version, architecture and libc that the workers are built with",
        (unsigned)(found >> 32), (unsigned)found, (unsigned)(ours >> 32), (unsigned)ours);
}

/* False: it says nothing that can be relied on; problems tell. */
static bool head_read(const tnd_seg_header* header, size_t size, tnd_inspection* seen)
{
    uint64_t capacities = tnd_word_load(&header->capacities, memory_order_acquire);
    uint32_t arenas = (uint32_t)(capacities & 0xffff);
    seen->nodes_capacity = (uint32_t)(capacities >> 48);
    seen->namespaces_capacity = (uint32_t)(capacities >> 32 & 0xffff);
    seen->workers_capacity = (uint32_t)(capacities >> 16 & 0xffff);
    seen->created_unix = tnd_word_load(&header->created_unix, memory_order_relaxed);
    tnd_segment_identity(header, seen->identity);
    if (seen->nodes_capacity < 1 || seen->nodes_capacity > TND_NODES_MAX ||
        seen->namespaces_capacity < 1 || seen->namespaces_capacity > TND_NAMESPACES_MAX ||
        seen->workers_capacity < 1 || seen->workers_capacity > TND_WORKERS_MAX ||
        arenas != TND_ARENAS) {
        tnd_inspect_note(seen,
                         "head: capacities of %u nodes, %u namespaces, %u workers, %u arenas are "
                         "impossible",
                         seen->nodes_capacity, seen->namespaces_capacity, seen->workers_capacity,
                         arenas);
        return false;
    }
    tnd_seg_shape shape;
    tnd_segment_shape(seen->nodes_capacity, seen->namespaces_capacity, seen->workers_capacity,
                      TND_ARENAS, &shape);
    if (shape.size != size) {
        tnd_inspect_note(
            seen,
            "head: capacities of %u nodes, %u namespaces, %u workers need %zu bytes, the "
            "segment has %zu",
            seen->nodes_capacity, seen->namespaces_capacity, seen->workers_capacity, shape.size,
            size);
        return false;
    }
    return true;
}

/* ---- the owner ------------------------------------------------------------------------------ */

static void owner_read(const tnd_map* map, uint64_t now_ms, tnd_inspect_owner* owner)
{
    uint64_t word = tnd_word_load(&map->control->owner, memory_order_acquire);
    uint64_t number = word & TND_OWNER_SLOT_MASK;
    owner->term = (uint32_t)(word >> 32);
    if (word & TND_OWNER_RETIRED) {
        owner->state = TND_INSPECT_OWNER_RETIRED;
        return;
    }
    if (number == 0 || number > map->workers_capacity) {
        owner->state = number == 0 ? TND_INSPECT_OWNER_NONE : TND_INSPECT_OWNER_DAMAGED;
        return;
    }
    tnd_seg_slot* slot = &map->slots[number - 1];
    uint64_t state = tnd_word_load(&slot->state, memory_order_acquire);
    uint64_t beat_ms = tnd_word_load(&slot->heartbeat_ms, memory_order_acquire);
    bool is_dead = (state & TND_SLOT_PHASE_MASK) != TND_SLOT_LIVE || beat_ms == 0 ||
                   map->sys->ops->life_gone(map->sys->ctx, slot);
    owner->slot = (uint32_t)number - 1;
    owner->pid = (uint32_t)(tnd_word_load(&slot->pid_uid, memory_order_relaxed) >> 32);
    owner->state = is_dead ? TND_INSPECT_OWNER_DEAD : TND_INSPECT_OWNER_LIVE;
    owner->heartbeat_age_ms = now_ms > beat_ms ? now_ms - beat_ms : 0;
}

/* ---- the directory -------------------------------------------------------------------------- */

static void addr_text(const tnd_node_addr* addr, char* ret_text, size_t size)
{
    const uint8_t* b = addr->bytes;
    if (addr->family == TND_FAMILY_INET) {
        snprintf(ret_text, size, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], addr->port);
        return;
    }
    /* The longest run of zero groups is left out, as people write it. */
    int best = -1, best_length = 1;
    for (int i = 0; i < 8; i++) {
        int length = 0;
        while (i + length < 8 && b[2 * (i + length)] == 0 && b[2 * (i + length) + 1] == 0) {
            length++;
        }
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    size_t at = (size_t)snprintf(ret_text, size, "[");
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            at += (size_t)snprintf(ret_text + at, size - at, "::");
            i += best_length - 1;
            continue;
        }
        const char* colon = i > 0 && (best < 0 || i != best + best_length) ? ":" : "";
        at +=
            (size_t)snprintf(ret_text + at, size - at, "%s%x", colon, b[2 * i] << 8 | b[2 * i + 1]);
    }
    snprintf(ret_text + at, size - at, "]:%u", addr->port);
}

static bool node_read(const tnd_map* map, uint32_t index, tnd_inspect_node* node)
{
    const tnd_node_rec* rec = &map->nodes[index];
    node->index = index;
    node->state = (tnd_inspect_node_state)rec->state;
    node->generation = rec->generation;
    text_copy(node->name, sizeof(node->name), rec->name, sizeof(rec->name));
    text_copy(node->tls_name, sizeof(node->tls_name), rec->tls_name, sizeof(rec->tls_name));
    snprintf(node->build, sizeof(node->build), "%u.%u.%u.%u", rec->build >> 24,
             rec->build >> 16 & 0xff, rec->build >> 8 & 0xff, rec->build & 0xff);
    node->addrs_count = rec->addrs_count;
    for (uint32_t i = 0; i < rec->addrs_count; i++) {
        addr_text(&rec->addrs[i], node->addrs[i], sizeof(node->addrs[i]));
    }
    node->racks = tnd_calloc(map->namespaces_capacity, sizeof(*node->racks));
    if (!node->racks) {
        return false;
    }
    memcpy(node->racks, rec->rack_ids, map->namespaces_capacity * sizeof(*node->racks));
    return true;
}

/* One whose node has left keeps its name, and may have no address: tnd_map_refresh makes it free.
 */
static bool nodes_read(const tnd_map* map, tnd_inspection* seen)
{
    seen->nodes = tnd_calloc(map->dir.nodes_count + 1, sizeof(*seen->nodes));
    if (!seen->nodes) {
        return false;
    }
    for (uint32_t i = 1; i <= map->dir.nodes_count; i++) {
        if (map->nodes[i].state != TND_NODE_FREE &&
            !node_read(map, i, &seen->nodes[seen->nodes_count++])) {
            return false;
        }
    }
    return true;
}

/* ---- partitions ----------------------------------------------------------------------------- */

static uint32_t distinct_count(const uint16_t owners[TND_INSPECT_COLUMNS])
{
    uint32_t count = 0;
    for (int i = 0; i < TND_INSPECT_COLUMNS; i++) {
        bool is_new = owners[i] != 0;
        for (int j = 0; j < i; j++) {
            is_new = is_new && owners[j] != owners[i];
        }
        count += is_new;
    }
    return count;
}

static void partition_read(const tnd_map* map, const tnd_ns_rec* rec, uint32_t partition,
                           uint32_t nodes_wanted, tnd_inspect_namespace* ns)
{
    uint64_t word = tnd_map_word(map, rec->table, partition);
    uint16_t* owners = ns->owners[partition];
    uint32_t regime = tnd_publish_regime_read(map, rec->table, partition);
    for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
        uint32_t index = tnd_word_node(word, c);
        owners[c] = index <= map->nodes_capacity ? (uint16_t)index : 0;
    }
    ns->overflows += (tnd_word_flags(word) & TND_PART_OVERFLOW) != 0;
    ns->holes += owners[0] == 0;
    ns->moving += owners[0] != 0 && distinct_count(owners) < nodes_wanted;
    ns->regime_min = partition == 0 || regime < ns->regime_min ? regime : ns->regime_min;
    ns->regime_max = regime > ns->regime_max ? regime : ns->regime_max;
}

static bool namespace_read(const tnd_map* map, const tnd_ns_rec* rec, uint32_t active_count,
                           tnd_inspect_namespace* ns)
{
    text_copy(ns->name, sizeof(ns->name), rec->name, sizeof(rec->name));
    ns->replicas = rec->replicas;
    ns->is_sc = rec->flags & TND_NS_SC;
    ns->owners = tnd_calloc(TND_PARTITIONS, sizeof(*ns->owners));
    if (!ns->owners) {
        return false;
    }
    uint32_t wanted = rec->replicas < active_count ? rec->replicas : active_count;
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        partition_read(map, rec, p, wanted, ns);
    }
    return true;
}

static uint32_t active_count(const tnd_inspection* seen)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        count += seen->nodes[i].state == TND_INSPECT_NODE_ACTIVE;
    }
    return count;
}

static bool namespaces_read(const tnd_map* map, tnd_inspection* seen)
{
    seen->namespaces = tnd_calloc(map->dir.namespaces_count + 1, sizeof(*seen->namespaces));
    if (!seen->namespaces) {
        return false;
    }
    for (uint32_t i = 0; i < map->dir.namespaces_count; i++) {
        if (map->namespaces[i].name[0] != 0 &&
            !namespace_read(map, &map->namespaces[i], active_count(seen),
                            &seen->namespaces[seen->namespaces_count++])) {
            return false;
        }
    }
    return true;
}

static void nodes_count_partitions(tnd_inspection* seen)
{
    for (uint32_t n = 0; n < seen->namespaces_count; n++) {
        const tnd_inspect_namespace* ns = &seen->namespaces[n];
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
                tnd_inspect_node* node =
                    (tnd_inspect_node*)(uintptr_t)tnd_inspect_node_at(seen, ns->owners[p][c]);
                if (node) {
                    *(c == 0 ? &node->masters : &node->replicas) += 1;
                }
            }
        }
    }
}

static void map_forget(tnd_inspection* seen)
{
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        tnd_free(seen->nodes[i].racks);
    }
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        tnd_free(seen->namespaces[i].owners);
    }
    tnd_free(seen->nodes);
    tnd_free(seen->namespaces);
    seen->nodes = NULL;
    seen->namespaces = NULL;
    seen->nodes_count = seen->namespaces_count = 0;
}

/* Directory and words, of one publication if that can be had. */
static bool map_read(tnd_map* map, uint64_t now_ms, tnd_inspection* seen)
{
    bool is_fine = true;
    for (int i = 0; i < INSPECT_TRIES && is_fine; i++) {
        map_forget(seen);
        seen->has_map = tnd_map_refresh(map);
        is_fine = !seen->has_map || (nodes_read(map, seen) && namespaces_read(map, seen));
        if (!seen->has_map || tnd_map_is_current(map)) {
            break;
        }
    }
    if (!is_fine || !seen->has_map) {
        return is_fine;
    }
    uint64_t selector = tnd_word_load(&map->map->selector, memory_order_acquire);
    seen->map_term = (uint32_t)(selector >> 32);
    seen->map_generation = (uint32_t)(selector & 0xffffff);
    seen->directory_age_ms = now_ms > map->dir.published_ms ? now_ms - map->dir.published_ms : 0;
    seen->nodes_needed = map->dir.nodes_needed;
    seen->namespaces_needed = map->dir.namespaces_needed;
    text_copy(seen->cluster_name, sizeof(seen->cluster_name), map->dir.cluster_name,
              sizeof(map->dir.cluster_name));
    nodes_count_partitions(seen);
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------ */

as_status tnd_inspect_bytes(const tnd_shm_sys* sys, uint8_t* base, size_t size, uint64_t now_ms,
                            tnd_inspection* seen, as_error* err)
{
    const tnd_seg_header* header = (const tnd_seg_header*)(const void*)base;
    if (!tnd_inspect_recognise(base, size, &seen->segment.kind)) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "The segment (%zu bytes) isn't Tendril's: another program made it",
                               size);
    }
    uint64_t layout = tnd_word_load(&header->layout, memory_order_acquire);
    seen->layout_version = (uint32_t)(layout >> 32);
    seen->layout_hash = (uint32_t)layout;
    if (seen->segment.kind == TND_INSPECT_OTHER_LAYOUT) {
        return refuse_layout(layout, err);
    }
    if (seen->segment.kind == TND_INSPECT_UNFINISHED) {
        tnd_inspect_note(seen, "head: unfinished; the next worker that attaches completes it");
        return AEROSPIKE_OK;
    }
    if (!head_read(header, size, seen)) {
        return AEROSPIKE_OK;
    }
    tnd_map map;
    tnd_map_config config = {.sys = sys,
                             .key = seen->segment.key,
                             .nodes_capacity = seen->nodes_capacity,
                             .namespaces_capacity = seen->namespaces_capacity,
                             .workers_capacity = seen->workers_capacity};
    if (!tnd_map_view(&map, &config, seen->segment.id >= 0 ? seen->segment.id : 0, base, size)) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
    }
    seen->is_readable = true;
    owner_read(&map, now_ms, &seen->owner);
    bool is_fine = map_read(&map, now_ms, seen) && tnd_stats_read_host(&map, now_ms, &seen->host);
    if (is_fine) {
        tnd_inspect_check(&map, seen);
    }
    tnd_map_close(&map);
    return is_fine ? AEROSPIKE_OK
                   : as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
}

static as_status explain(int id, int error, as_error* err)
{
    const char* remedy = error == EINVAL || error == EIDRM ? "there is no such segment (any more)"
                         : error == EACCES || error == EPERM
                             ? "it belongs to another user: run as that user, or as root"
                             : strerror(error);
    return as_error_update(err, AEROSPIKE_ERR_CLIENT, "Segment %d can't be read: %s", id, remedy);
}

/* Did the last worker leave while our attachment kept it from removing the segment? Then nobody
 * holds a slot, and nobody but us sees to it. */
static bool slots_are_free(const uint8_t* base, const tnd_inspection* seen)
{
    tnd_seg_shape shape;
    tnd_segment_shape(seen->nodes_capacity, seen->namespaces_capacity, seen->workers_capacity,
                      TND_ARENAS, &shape);
    const tnd_seg_slot* slots = (const tnd_seg_slot*)(const void*)(base + shape.slots_offset);
    for (uint32_t i = 0; i < seen->workers_capacity; i++) {
        if (tnd_word_load(&slots[i].state, memory_order_acquire) != 0) {
            return false;
        }
    }
    return true;
}

as_status tnd_inspect_read_sys(const tnd_shm_sys* sys, int id, uint64_t now_ms,
                               tnd_inspection* ret_seen, as_error* err)
{
    tnd_shm_stat stat;
    as_error_reset(err);
    memset(ret_seen, 0, sizeof(*ret_seen));
    int error = -sys->ops->stat(sys->ctx, id, &stat);
    if (error != 0) {
        return explain(id, error, err);
    }
    ret_seen->segment = (tnd_inspect_segment){.id = id,
                                              .key = stat.key,
                                              .size_bytes = stat.size,
                                              .uid = stat.uid,
                                              .mode = stat.mode,
                                              .attached = stat.attached,
                                              .is_removed = stat.is_removed};
    uint8_t* base = sys->ops->attach(sys->ctx, id, true, &error);
    if (!base) {
        return explain(id, error, err);
    }
    as_status status = tnd_inspect_bytes(sys, base, stat.size, now_ms, ret_seen, err);
    bool is_left_to_us = status == AEROSPIKE_OK && ret_seen->is_readable && stat.attached > 0 &&
                         slots_are_free(base, ret_seen);
    sys->ops->detach(sys->ctx, base);
    if (is_left_to_us) {
        tnd_segment_remove_if_unused(sys, id);
    }
    if (status != AEROSPIKE_OK) {
        tnd_inspect_done(ret_seen);
    }
    return status;
}

as_status tnd_inspect_read(int id, uint64_t now_ms, tnd_inspection* ret_seen, as_error* err)
{
    return tnd_inspect_read_sys(&tnd_shm_sys_real, id, now_ms, ret_seen, err);
}

void tnd_inspect_done(tnd_inspection* seen)
{
    map_forget(seen);
    tnd_host_counters_done(&seen->host);
    memset(seen, 0, sizeof(*seen));
}

const tnd_inspect_node* tnd_inspect_node_at(const tnd_inspection* seen, uint32_t index)
{
    for (uint32_t i = 0; i < seen->nodes_count && index != 0; i++) {
        if (seen->nodes[i].index == index) {
            return &seen->nodes[i];
        }
    }
    return NULL;
}

as_status tnd_inspect_route(const tnd_inspection* seen, as_key* key,
                            tnd_inspect_route_result* ret_route, as_error* err)
{
    as_error_reset(err);
    memset(ret_route, 0, sizeof(*ret_route));
    as_status status = as_key_set_digest(err, key);
    if (status != AEROSPIKE_OK) {
        return status;
    }
    const uint8_t* digest = key->digest.value;
    ret_route->partition = (digest[0] | (uint32_t)digest[1] << 8) & (TND_PARTITIONS - 1);
    memcpy(ret_route->digest, digest, sizeof(ret_route->digest));
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        if (strcmp(seen->namespaces[i].name, key->ns) == 0) {
            ret_route->ns = &seen->namespaces[i];
        }
    }
    if (!ret_route->ns) {
        return as_error_update(err, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND,
                               "Namespace %s isn't in the map", key->ns);
    }
    for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
        ret_route->nodes[c] =
            tnd_inspect_node_at(seen, ret_route->ns->owners[ret_route->partition][c]);
    }
    return AEROSPIKE_OK;
}
