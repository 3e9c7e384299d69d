/*
 * Looking for damage in a segment: what no worker would have stored. Everything is checked in the
 * raw bytes; what changes while one looks is looked at again before it is called damage.
 */
#include "shm/inspect_int.h"

#include <string.h>

#include "core/mem.h"

static uint64_t load(const tnd_word* word)
{
    return tnd_word_load(word, memory_order_acquire);
}

/* A text that ends within its room, and is printable. */
static bool text_is_sane(const char* text, size_t size)
{
    size_t length = strnlen(text, size);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return length < size;
}

/* ---- slots ---------------------------------------------------------------------------------- */

static void check_slots(const tnd_map* map, tnd_inspection* seen)
{
    for (uint32_t i = 0; i < map->workers_capacity; i++) {
        const tnd_seg_slot* slot = &map->slots[i];
        uint64_t state = load(&slot->state);
        uint64_t unknown = state & (TND_SLOT_PHASE_MASK | TND_SLOT_FLAGS_MASK) &
                           ~(uint64_t)(TND_SLOT_LIVE | TND_SLOT_DRAINING);
        if (state == 0) {
            continue;
        }
        if (unknown != 0 || (state & TND_SLOT_PHASE_MASK) != TND_SLOT_LIVE ||
            state >> TND_SLOT_NONCE_SHIFT == 0) {
            tnd_inspect_note(seen, "slot %u: state %016llx makes no sense", i,
                             (unsigned long long)state);
        } else if (map->sys == &tnd_shm_sys_real && !tnd_shm_life_is_sane(slot)) {
            tnd_inspect_note(seen, "slot %u: its worker's proof of life is damaged", i);
        }
    }
    uint64_t owner = load(&map->control->owner) & TND_OWNER_SLOT_MASK;
    if (owner > map->workers_capacity) {
        tnd_inspect_note(seen, "owner: slot %u of %u", (unsigned)owner - 1, map->workers_capacity);
    }
}

/* ---- directory ------------------------------------------------------------------------------ */

/* Raw, from the arena. */
typedef struct check_dir {
    tnd_dir_head head;
    tnd_node_rec* nodes; /* index 0 unused */
    tnd_ns_rec* namespaces;
} check_dir;

static void copy_raw(void* to, const uint8_t* from, size_t size)
{
    uint8_t* out = to;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word =
            tnd_word_load((const tnd_word*)(const void*)(from + i), memory_order_relaxed);
        memcpy(out + i, &word, sizeof(word));
    }
}

static void dir_read(const tnd_map* map, uint32_t arena, check_dir* dir)
{
    const uint8_t* from = map->arenas + arena * map->arena_bytes;
    copy_raw(&dir->head, from, sizeof(dir->head));
    from += sizeof(dir->head);
    copy_raw(&dir->nodes[1], from, map->nodes_capacity * sizeof(*dir->nodes));
    from += map->nodes_capacity * sizeof(*dir->nodes);
    copy_raw(dir->namespaces, from, map->namespaces_capacity * sizeof(*dir->namespaces));
}

static const char* node_damage(const tnd_node_rec* node)
{
    if (node->state > TND_NODE_QUARANTINED) {
        return "its state";
    }
    if (!text_is_sane(node->name, sizeof(node->name)) ||
        (node->state != TND_NODE_FREE && node->name[0] == 0)) {
        return "its name";
    }
    if (!text_is_sane(node->tls_name, sizeof(node->tls_name))) {
        return "its TLS name";
    }
    if (node->addrs_count > TND_NODE_ADDRS_MAX ||
        (node->state == TND_NODE_ACTIVE && node->addrs_count == 0)) {
        return "its number of addresses";
    }
    for (uint32_t i = 0; i < node->addrs_count; i++) {
        const tnd_node_addr* addr = &node->addrs[i];
        if ((addr->family != TND_FAMILY_INET && addr->family != TND_FAMILY_INET6) ||
            addr->port == 0) {
            return "an address";
        }
    }
    return NULL;
}

static const char* namespace_damage(const tnd_map* map, const tnd_ns_rec* ns)
{
    if (ns->name[0] == 0 || !text_is_sane(ns->name, sizeof(ns->name))) {
        return "its name";
    }
    if (ns->table >= map->namespaces_capacity) {
        return "its table's number";
    }
    if (ns->replicas < 1 || ns->replicas > 255) {
        return "its replication factor";
    }
    return ns->flags & ~TND_NS_SC ? "its flags" : NULL;
}

static void check_records(const tnd_map* map, const check_dir* dir, tnd_inspection* seen)
{
    uint32_t nodes_count = dir->head.nodes_count;
    uint32_t namespaces_count = dir->head.namespaces_count;
    if (nodes_count > map->nodes_capacity || namespaces_count > map->namespaces_capacity) {
        tnd_inspect_note(seen, "directory: %u nodes and %u namespaces, more than there is room for",
                         nodes_count, namespaces_count);
    }
    if (!text_is_sane(dir->head.cluster_name, sizeof(dir->head.cluster_name))) {
        tnd_inspect_note(seen, "directory: the cluster's name makes no sense");
    }
    for (uint32_t i = 1; i <= nodes_count && i <= map->nodes_capacity; i++) {
        const char* damage = node_damage(&dir->nodes[i]);
        if (damage) {
            tnd_inspect_note(seen, "node %u: %s makes no sense", i, damage);
        }
    }
    for (uint32_t i = 0; i < namespaces_count && i < map->namespaces_capacity; i++) {
        const char* damage = namespace_damage(map, &dir->namespaces[i]);
        if (damage) {
            tnd_inspect_note(seen, "namespace %u: %s makes no sense", i, damage);
        }
    }
}

/* False: it is being changed. */
static bool check_directory(const tnd_map* map, check_dir* dir, tnd_inspection* seen)
{
    uint64_t selector = load(&map->map->selector);
    uint32_t arena = (uint32_t)(selector >> 24 & 0xff);
    if (arena == 0) {
        if (selector << 32 != 0) {
            tnd_inspect_note(seen, "selector: %016llx names no arena",
                             (unsigned long long)selector);
        }
        return true;
    }
    if (arena > map->arenas_count) {
        tnd_inspect_note(seen, "selector: arena %u of %u", arena - 1, map->arenas_count);
        return true;
    }
    dir_read(map, arena - 1, dir);
    tnd_word_fence(memory_order_acquire);
    if ((load(&map->map->selector) & 0xffffffff) != (selector & 0xffffffff)) {
        return false;
    }
    check_records(map, dir, seen);
    return true;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void check_words(const tnd_map* map, const tnd_ns_rec* ns, tnd_inspection* seen)
{
    uint32_t wild = 0, lost = 0, flags = 0;
    uint32_t highest = 0;
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint64_t word = tnd_map_word(map, ns->table, p);
        uint32_t term = tnd_word_term(word);
        highest = term > highest ? term : highest;
        flags += (tnd_word_flags(word) & ~TND_PART_OVERFLOW) != 0;
        for (uint32_t c = 0; c < TND_REPLICAS_MAX; c++) {
            uint32_t index = tnd_word_node(word, c);
            bool is_known = index == 0 || (index <= map->dir.nodes_count &&
                                           map->nodes[index].state != TND_NODE_FREE);
            wild += index > map->nodes_capacity;
            lost += index <= map->nodes_capacity && !is_known;
        }
    }
    if (wild > 0) {
        tnd_inspect_note(seen, "namespace %s: %u places name nodes beyond the table", ns->name,
                         wild);
    }
    if (lost > 0 && tnd_map_is_current(map)) {
        tnd_inspect_note(seen, "namespace %s: %u places name nodes that aren't there", ns->name,
                         lost);
    }
    if (flags > 0) {
        tnd_inspect_note(seen, "namespace %s: %u partitions have unknown flags", ns->name, flags);
    }
    uint32_t term = (uint32_t)(load(&map->control->owner) >> 32);
    if (highest > term) {
        tnd_inspect_note(seen, "namespace %s: partitions of term %u, nobody has had one above %u",
                         ns->name, highest, term);
    }
}

void tnd_inspect_check(const tnd_map* map, tnd_inspection* seen)
{
    check_dir dir;
    check_slots(map, seen);
    dir.nodes = tnd_calloc(map->nodes_capacity + 1, sizeof(*dir.nodes));
    dir.namespaces = tnd_calloc(map->namespaces_capacity, sizeof(*dir.namespaces));
    if (dir.nodes && dir.namespaces) {
        for (int i = 0; i < 3 && !check_directory(map, &dir, seen); i++) {}
    }
    tnd_free(dir.nodes);
    tnd_free(dir.namespaces);
    for (uint32_t i = 0; i < map->dir.namespaces_count && map->dir_selector != 0; i++) {
        if (map->namespaces[i].name[0] != 0) {
            check_words(map, &map->namespaces[i], seen);
        }
    }
}
