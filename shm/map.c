/*
 * A process's view of the map: attach, keep a private copy of the directory, route.
 *
 * Reading the directory. The selector names an arena; the reader copies what it needs and loads the
 * selector again. The owner never writes the selected arena, so an unchanged selector proves the
 * copy whole. One that moved twice in a row leaves the old copy in place: the next command tries
 * again. Everything copied is put into bounds before it is used, whoever wrote it.
 */
#include "shm/map.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "core/mem.h"
#include "shm/segment.h"

#define MAP_ROUTE_TRIES 3

static void map_place(tnd_map* map, const tnd_seg_shape* shape)
{
    map->header = (tnd_seg_header*)map->base;
    map->control = (tnd_seg_control*)(map->base + TND_PAGE_BYTES);
    map->errors = (tnd_word*)(map->base + shape->shares_offset);
    map->paces = map->errors + map->nodes_capacity + 1;
    map->links = (tnd_word*)(map->base + shape->links_offset);
    map->links_row_words = shape->links_row_bytes / sizeof(tnd_word);
    map->slots = (tnd_seg_slot*)(map->base + shape->slots_offset);
    map->stats = map->base + shape->stats_offset;
    map->stats_bytes = shape->stats_bytes;
    map->map = (tnd_seg_map*)(map->base + shape->map_offset);
    map->arenas = map->base + shape->arenas_offset;
    map->tables = (tnd_seg_table*)(map->base + shape->tables_offset);
    map->arena_bytes = shape->arena_bytes;
    map->shared_bytes = shape->map_offset;
}

static as_status open_private(tnd_map* map, const tnd_map_config* config,
                              const tnd_seg_shape* shape, as_error* err)
{
    void* base =
        mmap(NULL, shape->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "No memory for the cluster map (%zu bytes)", shape->size);
    }
    map->base = base;
    map->size = shape->size;
    map->shm_id = -1;
    tnd_segment_init_private(base, config);
    return AEROSPIKE_OK;
}

static bool alloc_copies(tnd_map* map)
{
    map->nodes = tnd_calloc(map->nodes_capacity + 1, sizeof(tnd_node_rec));
    map->namespaces = tnd_calloc(map->namespaces_capacity, sizeof(tnd_ns_rec));
    map->spare_nodes = tnd_calloc(map->nodes_capacity + 1, sizeof(tnd_node_rec));
    map->spare_namespaces = tnd_calloc(map->namespaces_capacity, sizeof(tnd_ns_rec));
    return map->nodes && map->namespaces && map->spare_nodes && map->spare_namespaces;
}

as_status tnd_map_open(tnd_map* map, const tnd_map_config* config, as_error* err)
{
    memset(map, 0, sizeof(*map));
    map->sys = config->sys ? config->sys : &tnd_shm_sys_real;
    map->key = config->key;
    map->shm_id = -1;
    map->nodes_capacity = config->nodes_capacity;
    map->namespaces_capacity = config->namespaces_capacity;
    map->workers_capacity = config->workers_capacity;
    map->arenas_count = TND_ARENAS;
    if (!alloc_copies(map)) {
        tnd_map_close(map);
        return as_error_update(err, AEROSPIKE_ERR_CLIENT, "No memory for %u nodes",
                               config->nodes_capacity);
    }
    tnd_seg_shape shape;
    tnd_segment_shape(config->nodes_capacity, config->namespaces_capacity, config->workers_capacity,
                      TND_ARENAS, &shape);
    as_status status = config->use_shm ? tnd_segment_open(map, config, &shape, err)
                                       : open_private(map, config, &shape, err);
    if (status != AEROSPIKE_OK) {
        map->base = NULL;
        tnd_map_close(map);
        return status;
    }
    map_place(map, &shape);
    if (map->shm_id >= 0 && !map->is_read_only) {
        map->sys->ops->protect(map->sys->ctx, map->map, map->size - map->shared_bytes, false);
    }
    return AEROSPIKE_OK;
}

bool tnd_map_view(tnd_map* map, const tnd_map_config* config, int shm_id, uint8_t* base,
                  size_t size)
{
    tnd_seg_shape shape;
    tnd_segment_shape(config->nodes_capacity, config->namespaces_capacity, config->workers_capacity,
                      TND_ARENAS, &shape);
    assert(size >= shape.size);
    memset(map, 0, sizeof(*map));
    map->sys = config->sys ? config->sys : &tnd_shm_sys_real;
    map->key = config->key;
    map->shm_id = shm_id;
    map->is_read_only = true;
    map->is_held = true;
    map->nodes_capacity = config->nodes_capacity;
    map->namespaces_capacity = config->namespaces_capacity;
    map->workers_capacity = config->workers_capacity;
    map->arenas_count = TND_ARENAS;
    map->base = base;
    map->size = size;
    map_place(map, &shape);
    if (alloc_copies(map)) {
        return true;
    }
    tnd_map_close(map);
    return false;
}

void tnd_map_close(tnd_map* map)
{
    if (map->base && map->shm_id >= 0 && !map->is_held) {
        map->sys->ops->detach(map->sys->ctx, map->base);
        if (!map->is_read_only) {
            tnd_segment_remove_if_unused(map->sys, map->shm_id);
        }
    } else if (map->base && map->shm_id < 0) {
        munmap(map->base, map->size);
    }
    tnd_free(map->nodes);
    tnd_free(map->namespaces);
    tnd_free(map->spare_nodes);
    tnd_free(map->spare_namespaces);
    memset(map, 0, sizeof(*map));
    map->shm_id = -1;
}

bool tnd_map_is_removed(const tnd_map* map)
{
    if (map->shm_id < 0) {
        return false;
    }
    if (tnd_word_load(&map->control->owner, memory_order_acquire) & TND_OWNER_RETIRED) {
        return true;
    }
    tnd_shm_stat stat;
    int error = map->sys->ops->stat(map->sys->ctx, map->shm_id, &stat);
    return error != 0 || stat.is_removed;
}

/* ---- directory ------------------------------------------------------------------------------ */

static void copy_words(void* to, const uint8_t* from, size_t size)
{
    uint8_t* out = to;
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = tnd_word_load((const tnd_word*)(from + i), memory_order_relaxed);
        memcpy(out + i, &word, sizeof(word));
    }
}

static void head_bound(const tnd_map* map, tnd_dir_head* head)
{
    if (head->nodes_count > map->nodes_capacity) {
        head->nodes_count = map->nodes_capacity;
    }
    if (head->namespaces_count > map->namespaces_capacity) {
        head->namespaces_count = map->namespaces_capacity;
    }
    head->cluster_name[sizeof(head->cluster_name) - 1] = 0;
}

static void node_bound(tnd_node_rec* node)
{
    node->name[sizeof(node->name) - 1] = 0;
    node->tls_name[sizeof(node->tls_name) - 1] = 0;
    if (node->addrs_count > TND_NODE_ADDRS_MAX) {
        node->addrs_count = TND_NODE_ADDRS_MAX;
    }
    for (uint32_t i = 0; i < node->addrs_count; i++) {
        if (node->addrs[i].family != TND_FAMILY_INET && node->addrs[i].family != TND_FAMILY_INET6) {
            node->addrs_count = i;
        }
    }
    /* One that has left keeps its place, and has no address. */
    if (node->state > TND_NODE_QUARANTINED ||
        (node->state == TND_NODE_ACTIVE && node->addrs_count == 0)) {
        node->state = TND_NODE_FREE;
    }
}

static void namespace_bound(const tnd_map* map, tnd_ns_rec* ns)
{
    char name[TND_NAMESPACE_SIZE];
    tnd_map_pad_name(name, ns->name);
    memcpy(ns->name, name, sizeof(name));
    if (ns->table >= map->namespaces_capacity) {
        memset(ns->name, 0, sizeof(ns->name)); /* matches no namespace */
        ns->table = 0;
    }
    if (ns->replicas < 1) {
        ns->replicas = 1;
    }
    if (ns->replicas > TND_REPLICAS_MAX) {
        ns->replicas = TND_REPLICAS_MAX;
    }
}

/* Copy the arena's used part into the spare copy. */
static void dir_copy(tnd_map* map, uint32_t arena, tnd_dir_head* ret_head)
{
    const uint8_t* from = map->arenas + arena * map->arena_bytes;
    copy_words(ret_head, from, sizeof(*ret_head));
    head_bound(map, ret_head);
    from += sizeof(*ret_head);
    copy_words(&map->spare_nodes[1], from, ret_head->nodes_count * sizeof(tnd_node_rec));
    from += map->nodes_capacity * sizeof(tnd_node_rec);
    copy_words(map->spare_namespaces, from, ret_head->namespaces_count * sizeof(tnd_ns_rec));
}

/* ---- names ---- */

/* Seeds tried for each word: each has one chance in seven where all places are taken. */
#define NAME_SEEDS_MAX 100

static void names_clear(tnd_map* map)
{
    memset(map->slot_ns, 0, sizeof(map->slot_ns));
    memset(map->slot_words, 0, sizeof(map->slot_words));
}

/* False if two names share a slot. */
static bool names_place(tnd_map* map, uint32_t word, uint64_t seed)
{
    names_clear(map);
    map->ns_word = word;
    map->ns_seed = seed;
    for (uint32_t i = 0; i < map->dir.namespaces_count; i++) {
        const tnd_ns_rec* ns = &map->namespaces[i];
        uint32_t slot = tnd_name_slot(ns->name, word, seed);
        if (!map->slot_ns[slot]) {
            map->slot_ns[slot] = ns;
            map->slot_words[slot] = map->tables[ns->table].words;
        } else if (!tnd_name_is(map->slot_ns[slot]->name, ns->name)) {
            return false;
        }
    }
    return true;
}

/* Each name gets a slot of its own. Without a seed that does it they are searched one by one. */
static void names_index(tnd_map* map)
{
    for (uint32_t word = 0; word <= TND_NAME_WORDS; word++) {
        for (uint64_t i = 1; i <= NAME_SEEDS_MAX; i++) {
            if (names_place(map, word, (i * 0xd1342543de82ef95) | 1)) {
                return;
            }
        }
    }
    names_clear(map);
}

/* The spare copy, found whole, becomes the present one. */
static void dir_adopt(tnd_map* map, const tnd_dir_head* head, uint64_t selector)
{
    tnd_node_rec* nodes = map->nodes;
    tnd_ns_rec* namespaces = map->namespaces;
    map->nodes = map->spare_nodes;
    map->namespaces = map->spare_namespaces;
    map->spare_nodes = nodes;
    map->spare_namespaces = namespaces;
    map->dir = *head;
    for (uint32_t n = 1; n <= head->nodes_count; n++) {
        node_bound(&map->nodes[n]);
    }
    for (uint32_t n = 0; n < head->namespaces_count; n++) {
        namespace_bound(map, &map->namespaces[n]);
    }
    names_index(map);
    map->dir_selector = selector & 0xffffffff;
    map->dir_version++;
}

bool tnd_map_refresh(tnd_map* map)
{
    for (int i = 0; i < 2; i++) {
        uint64_t selector = tnd_word_load(&map->map->selector, memory_order_acquire);
        uint64_t arena = selector >> 24 & 0xff;
        if (arena == 0 || arena > map->arenas_count ||
            (selector & 0xffffffff) == map->dir_selector) {
            break;
        }
        tnd_dir_head head;
        dir_copy(map, (uint32_t)arena - 1, &head);
        tnd_word_fence(memory_order_acquire);
        uint64_t again = tnd_word_load(&map->map->selector, memory_order_relaxed);
        if ((again & 0xffffffff) == (selector & 0xffffffff)) {
            dir_adopt(map, &head, selector);
            break;
        }
    }
    return map->dir_selector != 0;
}

const tnd_ns_rec* tnd_map_namespace(const tnd_map* map, const char* name)
{
    for (uint32_t i = 0; i < map->dir.namespaces_count; i++) {
        if (strcmp(map->namespaces[i].name, name) == 0) {
            return &map->namespaces[i];
        }
    }
    return NULL;
}

const tnd_ns_rec* tnd_map_route_again(tnd_map* map, const char ns[TND_NAMESPACE_SIZE],
                                      uint32_t partition, uint64_t* ret_word)
{
    for (int tries = 0;; tries++) {
        const tnd_ns_rec* rec = tnd_map_namespace(map, ns);
        *ret_word = rec ? tnd_map_word(map, rec->table, partition) : 0;
        if (tnd_map_is_current(map) || tries == MAP_ROUTE_TRIES - 1) {
            return rec; /* or the directory changes faster than it can be copied */
        }
        tnd_map_refresh(map);
    }
}

const tnd_node_rec* tnd_map_node(const tnd_map* map, uint32_t index)
{
    if (index == 0 || index > map->dir.nodes_count) {
        return NULL;
    }
    const tnd_node_rec* node = &map->nodes[index];
    return node->state == TND_NODE_ACTIVE ? node : NULL;
}
