/* Publications by number, and what must hold of them. See world.h. */
#include "tests/shm/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct world {
    char failure[256];
    uint32_t dir_seen; /* numbers that readers have seen: none smaller may come after */
    uint32_t words_seen[TND_PARTITIONS];
    uint32_t taken_term; /* the highest */
    actor completed;     /* the one with the highest term that has done all it wanted */
} world, saved;

void world_fail(const char* format, ...)
{
    if (!world.failure[0]) {
        va_list args;
        va_start(args, format);
        int at = snprintf(world.failure, sizeof(world.failure),
                          "%s: ", actor_running() ? actor_running()->name : "reader");
        vsnprintf(world.failure + at, sizeof(world.failure) - (size_t)at, format, args);
        va_end(args);
    }
    if (actor_running()) {
        actor_give_up();
    }
}

const char* world_failure(void)
{
    return world.failure[0] ? world.failure : NULL;
}

void world_reset(void)
{
    memset(&world, 0, sizeof(world));
    kernel_reset();
}

void world_save(void)
{
    saved = world;
}

void world_restore(void)
{
    world = saved;
}

/* ---- membership ---- */

bool world_open_map(actor* self)
{
    tnd_map_config config = {
        .use_shm = true,
        .key = WORLD_KEY,
        .mode = 0600,
        .nodes_capacity = WORLD_NODES,
        .namespaces_capacity = 1,
        .workers_capacity = ACTORS_MAX + 1,
        .identity = "test",
        .nonce = 77,
        .unix_now = 1800000000,
        .sys = kernel_sys_of(self->process),
    };
    as_error err;
    as_error_init(&err);
    if (tnd_map_open(&self->map, &config, &err) != AEROSPIKE_OK) {
        world_fail("open: %s", err.message);
        return false;
    }
    return true;
}

void world_open(actor* self)
{
    for (int tries = 0; tries < 4; tries++) {
        if (!world_open_map(self)) {
            return;
        }
        switch (tnd_member_join(&self->member, &self->map, 100 + self->index, self->index,
                                self->index, self->now_ms, 1800000000)) {
        case TND_JOIN_OK:
            return;
        case TND_JOIN_RETIRED:
            tnd_map_close(&self->map);
            break;
        case TND_JOIN_READ_ONLY:
        case TND_JOIN_FULL:
            world_fail("no slot");
            return;
        }
    }
    world_fail("the segment is retired again and again");
}

void world_close(actor* self)
{
    tnd_member_leave(&self->member, true);
    tnd_map_close(&self->map);
}

bool world_take(actor* self)
{
    tnd_owner_view view;
    tnd_owner_look(&self->member, self->now_ms, WORLD_THRESHOLD_MS, &view);
    switch (view.state) {
    case TND_OWNER_VACANT:
    case TND_OWNER_DEAD:
    case TND_OWNER_EXPIRED:
        self->has_owned = tnd_owner_take(&self->member, &view, self->now_ms);
        if (self->has_owned && self->member.term > world.taken_term) {
            world.taken_term = self->member.term;
        }
        return self->has_owned;
    case TND_OWNER_SELF:
        world_fail("owns without having taken");
        return false;
    case TND_OWNER_OTHER:
    case TND_OWNER_GONE:
        return false;
    }
    return false;
}

/* ---- publications ---- */

static void directory_make(uint32_t number, tnd_dir_head* head, tnd_node_rec* nodes, tnd_ns_rec* ns)
{
    memset(head, 0, sizeof(*head));
    memset(nodes, 0, (WORLD_NODES + 1) * sizeof(*nodes));
    memset(ns, 0, sizeof(*ns));
    head->published_ms = number;
    head->nodes_count = WORLD_NODES;
    head->namespaces_count = 1;
    head->nodes_needed = number;
    for (uint32_t i = 1; i <= WORLD_NODES; i++) {
        nodes[i].generation = number;
        if (i == 1 || number >= WORLD_SECOND_NODE) {
            nodes[i].state = TND_NODE_ACTIVE;
            nodes[i].build = number;
            nodes[i].addrs_count = 1;
            nodes[i].addrs[0] = (tnd_node_addr){
                .family = TND_FAMILY_INET, .port = (uint16_t)(3000 + number), .bytes = {127}};
        }
    }
    snprintf(ns->name, sizeof(ns->name), "test");
    ns->replicas = 1 + number % 2;
}

static uint32_t word_number(uint64_t word)
{
    return tnd_word_node(word, 2);
}

static bool went_well(actor* self, tnd_publish outcome)
{
    switch (outcome) {
    case TND_PUBLISH_OK:
    case TND_PUBLISH_MORE:
        return true;
    case TND_PUBLISH_FENCED:
        self->is_fenced = true;
        return false;
    case TND_PUBLISH_NO_ARENA:
        world_fail("no arena");
        return false;
    }
    return false;
}

bool world_restamp(actor* self)
{
    uint32_t cursor = 0;
    tnd_publish outcome;
    do {
        outcome = tnd_publish_restamp(&self->member, &cursor, 1);
    } while (outcome == TND_PUBLISH_MORE);
    if (!went_well(self, outcome)) {
        return false;
    }
    if (tnd_map_refresh(&self->map)) {
        world_check_copy(&self->map);
        self->directory = (uint32_t)self->map.dir.published_ms;
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            self->words[p] = word_number(tnd_map_word(&self->map, 0, p));
            self->regimes[p] = tnd_publish_regime_read(&self->map, 0, p);
        }
    }
    return true;
}

bool world_publish(actor* self, uint32_t number, uint32_t partitions)
{
    tnd_dir_head head;
    tnd_node_rec nodes[WORLD_NODES + 1];
    tnd_ns_rec ns;
    directory_make(number, &head, nodes, &ns);
    if (!went_well(self, tnd_publish_directory(&self->member, &head, nodes, &ns))) {
        return false;
    }
    self->directory = number;
    for (uint32_t p = 0; p < partitions; p++) {
        uint32_t owners[TND_REPLICAS_MAX] = {number >= WORLD_SECOND_NODE ? 2 : 1, 0, number};
        if (!went_well(self, tnd_publish_regime(&self->member, 0, p, number)) ||
            !went_well(self, tnd_publish_word(&self->member, 0, p, owners, 0))) {
            return false;
        }
        self->words[p] = self->regimes[p] = number;
    }
    return true;
}

/* ---- what must hold ---- */

void world_check_copy(const tnd_map* map)
{
    tnd_dir_head head;
    tnd_node_rec nodes[WORLD_NODES + 1];
    tnd_ns_rec ns;
    uint32_t number = (uint32_t)map->dir.published_ms;
    directory_make(number, &head, nodes, &ns);
    if (memcmp(&map->dir, &head, sizeof(head)) != 0 ||
        memcmp(&map->nodes[1], &nodes[1], WORLD_NODES * sizeof(nodes[1])) != 0 ||
        memcmp(map->namespaces, &ns, sizeof(ns)) != 0) {
        world_fail("torn copy of directory %u", number);
    }
}

void world_check_route(tnd_map* map, uint32_t partition)
{
    uint64_t word;
    char name[TND_NAMESPACE_SIZE];
    tnd_map_pad_name(name, "test");
    const tnd_ns_rec* ns = tnd_map_route(map, name, partition, &word);
    if (!ns) {
        world_fail("no namespace");
        return;
    }
    world_check_copy(map);
    uint32_t directory = (uint32_t)map->dir.published_ms;
    if (directory < world.dir_seen) {
        world_fail("directory %u after %u", directory, world.dir_seen);
    }
    world.dir_seen = directory;
    uint32_t number = word_number(word);
    if (number < world.words_seen[partition]) {
        world_fail("word %u after %u", number, world.words_seen[partition]);
        return;
    }
    world.words_seen[partition] = number;
    if (!tnd_map_is_current(map)) {
        return; /* it changed three times while it was copied */
    }
    if (number > directory) {
        world_fail("word %u by directory %u", number, directory);
    } else if (!tnd_map_node(map, tnd_word_node(word, 0))) {
        world_fail("word %u names a node that directory %u doesn't know", number, directory);
    }
}

void world_note_completed(const actor* self)
{
    if (self->member.term > world.completed.member.term) {
        world.completed = *self;
    }
}

void world_check_final(tnd_map* map)
{
    const actor* by = &world.completed;
    if (by->member.term != world.taken_term) {
        return; /* the last owner died: what its predecessor stored late may stand there as well */
    }
    tnd_map_refresh(map);
    world_check_copy(map);
    if (map->dir.published_ms != by->directory) {
        world_fail("directory %u in the end, %s left %u", (unsigned)map->dir.published_ms, by->name,
                   by->directory);
    }
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint32_t word = word_number(tnd_map_word(map, 0, p));
        uint32_t regime = tnd_publish_regime_read(map, 0, p);
        if (word != by->words[p] || regime != by->regimes[p]) {
            world_fail("partition %u: word %u, regime %u in the end, %s left %u and %u", p, word,
                       regime, by->name, by->words[p], by->regimes[p]);
        }
    }
}
