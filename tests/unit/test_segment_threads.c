/*
 * Writers that take the role from each other, and readers, as threads on one mapping of a segment:
 * what processes do on mappings of their own, where a race detector sees it. Whoever reads sees
 * directories that are whole and words whose term never falls; whoever was replaced is fenced.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "shm/publish.h"
#include "shm/segment.h"

#define NODES 8
#define NAMESPACES 1
#define WORKERS 8
#define WRITERS 3
#define READERS 3
#define THRESHOLD_MS 30000
#define TAKEOVERS 60
#define PUBLICATIONS 4 /* of one owner, until the next one may think it dead */
#define DEADLINE_SEC 20

static struct {
    uint8_t* memory;
    size_t size;
    _Atomic unsigned takeovers;
    _Atomic unsigned fenced;
    _Atomic unsigned published; /* by the present owner */
    _Atomic unsigned copies;    /* of directories, by readers */
    _Atomic bool is_over;
    _Atomic(const char*) broken;
} bed;

static void broken(const char* what)
{
    bed.broken = what;
    bed.is_over = true;
}

/* ---- one mapping for all; proofs of life are the kernel's ---- */

static int one_create(void* ctx, int key, size_t size, uint32_t mode)
{
    (void)ctx;
    (void)key;
    (void)size;
    (void)mode;
    return -ENOSPC;
}

static int one_find(void* ctx, int key)
{
    (void)ctx;
    (void)key;
    return 1;
}

static void* one_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    (void)ctx;
    (void)id;
    (void)read_only;
    (void)ret_error;
    return bed.memory;
}

static void one_detach(void* ctx, void* base)
{
    (void)ctx;
    (void)base;
}

static int one_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    (void)ctx;
    (void)id;
    *ret_stat = (tnd_shm_stat){.size = bed.size, .mode = 0600, .attached = 2 * WORKERS};
    return 0;
}

static int one_remove(void* ctx, int id)
{
    (void)ctx;
    (void)id;
    broken("removed");
    return -EPERM;
}

static void one_protect(void* ctx, void* start, size_t size, bool writable)
{
    (void)ctx;
    (void)start;
    (void)size;
    (void)writable;
}

static tnd_shm_ops one_ops = {
    .create = one_create,
    .find = one_find,
    .attach = one_attach,
    .detach = one_detach,
    .stat = one_stat,
    .remove = one_remove,
    .protect = one_protect,
};
static const tnd_shm_sys one_sys = {.ops = &one_ops};

static bool open_map(tnd_map* map)
{
    const tnd_map_config config = {
        .use_shm = true,
        .key = 1,
        .mode = 0600,
        .nodes_capacity = NODES,
        .namespaces_capacity = NAMESPACES,
        .workers_capacity = WORKERS,
        .identity = "threads",
        .nonce = 7,
        .unix_now = 1800000000,
        .sys = &one_sys,
    };
    as_error err;
    if (tnd_map_open(map, &config, as_error_init(&err)) != AEROSPIKE_OK) {
        broken("open");
        return false;
    }
    return true;
}

/* ---- writers ---- */

/* All of a directory carries one stamp. */
static tnd_publish publish(tnd_member* member, uint32_t stamp)
{
    tnd_dir_head head = {
        .published_ms = stamp, .nodes_count = NODES, .nodes_needed = stamp, .namespaces_count = 1};
    tnd_node_rec nodes[NODES + 1];
    tnd_ns_rec namespaces[1] = {{.name = "test", .replicas = 2}};
    memset(nodes, 0, sizeof(nodes));
    for (uint32_t i = 1; i <= NODES; i++) {
        nodes[i].state = TND_NODE_ACTIVE;
        nodes[i].generation = stamp;
        nodes[i].addrs_count = 1;
        nodes[i].addrs[0] = (tnd_node_addr){.family = TND_FAMILY_INET, .port = 3000};
        snprintf(nodes[i].name, sizeof(nodes[i].name), "B%u", stamp);
    }
    tnd_publish result = tnd_publish_directory(member, &head, nodes, namespaces);
    for (uint32_t p = 0; p < TND_PARTITIONS && result == TND_PUBLISH_OK; p += 8) {
        uint32_t first = (p + stamp) % NODES;
        uint32_t owners[TND_REPLICAS_MAX] = {1 + first, 1 + (first + 1) % NODES, 0};
        result = tnd_publish_word(member, 0, p, owners, 0);
    }
    return result;
}

static tnd_publish restamp(tnd_member* member)
{
    uint32_t cursor = 0;
    tnd_publish result;
    while ((result = tnd_publish_restamp(member, &cursor, 700)) == TND_PUBLISH_MORE) {}
    return result;
}

static bool take_role(tnd_member* member, uint64_t now_ms)
{
    tnd_owner_view view;
    tnd_owner_look(member, now_ms, THRESHOLD_MS, &view);
    switch (view.state) {
    case TND_OWNER_VACANT:
    case TND_OWNER_DEAD:
    case TND_OWNER_EXPIRED:
        return tnd_owner_take(member, &view, now_ms);
    case TND_OWNER_SELF:
    case TND_OWNER_GONE:
        broken("an owner that can't be");
        break;
    case TND_OWNER_OTHER:
        break;
    }
    return false;
}

/* Publishes until it is fenced, as one that doesn't know how late it is. */
static void own(tnd_member* member, uint32_t* stamp)
{
    uint64_t bits[(TND_NODES_MAX + 1) / 64];
    bed.takeovers++;
    bed.published = 0;
    tnd_publish result = restamp(member);
    while (result == TND_PUBLISH_OK && !bed.is_over) {
        result = publish(member, (*stamp)++);
        bed.published++;
        tnd_tend_take(member->map, bits);
    }
    if (result == TND_PUBLISH_FENCED) {
        bed.fenced++;
        if (tnd_owner_is_self(member)) {
            broken("fenced, but the owner");
        }
    } else if (result != TND_PUBLISH_OK) {
        broken("no arena");
    }
    tnd_owner_release(member);
}

/* Each looks with a clock that runs ahead of the present owner's heartbeat, once that has published
 * something. */
static void* writer(void* udata)
{
    uint32_t number = *(const uint32_t*)udata;
    tnd_map map;
    tnd_member member;
    uint32_t stamp = number * 1000000;
    if (!open_map(&map)) {
        return NULL;
    }
    if (tnd_member_join(&member, &map, 1 + number, 1, 1, 1000, 1) != TND_JOIN_OK) {
        broken("join");
    }
    while (!bed.is_over) {
        uint64_t now_ms = 1000 + (uint64_t)bed.takeovers * 2 * THRESHOLD_MS;
        if (bed.takeovers > 0 && bed.published < PUBLICATIONS) {
            continue;
        }
        if (take_role(&member, now_ms)) {
            own(&member, &stamp);
        }
        if (bed.takeovers >= TAKEOVERS && bed.copies > 0 && bed.fenced > 0) {
            bed.is_over = true;
        }
    }
    tnd_member_leave(&member, false);
    tnd_map_close(&map);
    return NULL;
}

/* ---- readers ---- */

static void check_directory(const tnd_map* map)
{
    uint32_t stamp = (uint32_t)map->dir.published_ms;
    char name[TND_NODE_NAME_SIZE];
    snprintf(name, sizeof(name), "B%u", stamp);
    bool is_whole = map->dir.nodes_needed == stamp;
    for (uint32_t i = 1; i <= NODES; i++) {
        is_whole =
            is_whole && map->nodes[i].generation == stamp && strcmp(map->nodes[i].name, name) == 0;
    }
    if (!is_whole) {
        broken("a torn directory");
    }
}

static void check_word(tnd_map* map, uint32_t table, uint32_t partition, uint32_t* term)
{
    uint64_t word = tnd_map_word(map, table, partition);
    uint32_t first = tnd_word_node(word, 0);
    if (tnd_word_term(word) < *term) {
        broken("a term that fell");
    }
    if (first != 0 && tnd_word_node(word, 1) != 1 + first % NODES) {
        broken("a word of two writers");
    }
    *term = tnd_word_term(word);
}

static void* reader(void* udata)
{
    (void)udata;
    tnd_map map;
    static _Thread_local uint32_t terms[TND_PARTITIONS];
    if (!open_map(&map)) {
        return NULL;
    }
    for (uint32_t turn = 0; !bed.is_over; turn++) {
        uint64_t version = map.dir_version;
        tnd_map_refresh(&map);
        const tnd_ns_rec* ns = tnd_map_namespace(&map, "test");
        if (map.dir_version != version) {
            bed.copies++;
            check_directory(&map);
        }
        for (uint32_t i = 0; ns && i < 16; i++) {
            uint32_t partition = (turn * 16 + i) * 8 % TND_PARTITIONS;
            check_word(&map, ns->table, partition, &terms[partition]);
        }
        tnd_map_is_current(&map);
        tnd_tend_ask(&map, turn % NODES);
    }
    tnd_map_close(&map);
    return NULL;
}

/* ---- the test ---- */

/* Ends what makes no progress; posted once all the others have ended. */
static sem_t ended;

static void* watchdog(void* udata)
{
    const struct timespec* deadline = udata;
    int rc;
    do {
        rc = sem_timedwait(&ended, deadline);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        broken("no progress");
    }
    return NULL;
}

static void writers_and_readers_on_one_mapping(void** state)
{
    (void)state;
    pthread_t threads[WRITERS + READERS + 1];
    uint32_t numbers[WRITERS];
    struct timespec deadline;
    tnd_seg_shape shape;
    tnd_segment_shape(NODES, NAMESPACES, WORKERS, TND_ARENAS, &shape);
    bed.size = shape.size;
    bed.memory = mmap(NULL, bed.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(bed.memory != MAP_FAILED);
    one_ops.life_start = tnd_shm_sys_real.ops->life_start;
    one_ops.life_end = tnd_shm_sys_real.ops->life_end;
    one_ops.life_gone = tnd_shm_sys_real.ops->life_gone;
    clock_gettime(CLOCK_REALTIME, &deadline); /* the clock of sem_timedwait */
    deadline.tv_sec += DEADLINE_SEC;
    assert_int_equal(sem_init(&ended, 0, 0), 0);
    for (uint32_t i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, writer, &numbers[i]), 0);
    }
    for (uint32_t i = WRITERS; i < WRITERS + READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, reader, NULL), 0);
    }
    assert_int_equal(pthread_create(&threads[WRITERS + READERS], NULL, watchdog, &deadline), 0);
    for (uint32_t i = 0; i < WRITERS + READERS; i++) {
        pthread_join(threads[i], NULL);
    }
    sem_post(&ended);
    pthread_join(threads[WRITERS + READERS], NULL);
    sem_destroy(&ended);
    const char* what = bed.broken;
    if (what) {
        fail_msg("%s, after %u takeovers", what, bed.takeovers);
    }
    print_message("%u takeovers, %u fenced, %u directories read\n", bed.takeovers, bed.fenced,
                  bed.copies);
    assert_true(bed.takeovers >= TAKEOVERS && bed.fenced > 0 && bed.copies > 0);
    munmap(bed.memory, bed.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_and_readers_on_one_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
