/*
 * Looking into segments from outside: whole ones, damaged ones, those of others; and removing them.
 */
#include "tests/unit/shm_bed.h"

#include <aerospike/as_key.h>

#include "shm/inspect_int.h"
#include "shm/stats.h"

static tnd_map map;
static tnd_member member;
static tnd_stats stats;

/* A segment with an owner and a published map of three nodes. */
static void segment_make(void)
{
    memset(&stats, 0, sizeof(stats));
    map_open(&map);
    join(&member, &map);
    tnd_stats_attach(&stats, &member);
    assert_true(take(&member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&member, 3, TND_PARTITIONS), TND_PUBLISH_OK);
    tnd_stats_set(&stats, TND_GAUGE(heard_ms), now_ms());
}

static void segment_end(void)
{
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    tnd_stats_done(&stats);
}

static void look(tnd_inspection* seen)
{
    as_error err;
    if (tnd_inspect_read(segment_id(), now_ms(), seen, &err) != AEROSPIKE_OK) {
        fail_msg("%s", err.message);
    }
}

static void expect_problem(const char* words)
{
    tnd_inspection seen;
    look(&seen);
    bool is_found = false;
    for (uint32_t i = 0; i < seen.problems_count; i++) {
        is_found = is_found || strstr(seen.problems[i], words);
    }
    if (!is_found) {
        fail_msg("%u problems, the first '%s', none of '%s'", seen.problems_count, seen.problems[0],
                 words);
    }
    tnd_inspect_done(&seen);
}

static void expect_healthy(void)
{
    tnd_inspection seen;
    look(&seen);
    if (seen.problems_count > 0) {
        fail_msg("%s", seen.problems[0]);
    }
    tnd_inspect_done(&seen);
}

static void test_whole(void** state)
{
    (void)state;
    tnd_inspection seen;
    segment_make();
    look(&seen);
    assert_true(seen.is_readable && seen.has_map);
    assert_int_equal(seen.problems_count, 0);
    assert_int_equal(seen.segment.key, test_key);
    assert_int_equal(seen.segment.kind, TND_INSPECT_OURS);
    assert_int_equal(seen.segment.size_bytes, map.size);
    assert_string_equal(seen.identity, "cluster_name=test");
    assert_int_equal(seen.owner.state, TND_INSPECT_OWNER_LIVE);
    assert_int_equal(seen.owner.pid, getpid());
    assert_int_equal(seen.owner.term, member.term);
    assert_int_equal(seen.nodes_count, 3);
    assert_string_equal(seen.nodes[0].name, "B1");
    assert_string_equal(seen.nodes[0].addrs[0], "127.0.0.1:3001");
    assert_int_equal(seen.nodes[0].generation, 101);
    assert_int_equal(seen.nodes[0].masters, 1366);
    assert_int_equal(seen.nodes[2].masters, 1365);
    assert_int_equal(seen.namespaces_count, 1);
    const tnd_inspect_namespace* ns = &seen.namespaces[0];
    assert_int_equal(ns->replicas, 2);
    assert_int_equal(ns->holes + ns->moving + ns->overflows, 0);
    assert_int_equal(seen.host.live_count, 1);
    assert_true(seen.host.workers[0].is_tender);
    assert_true(seen.host.map_age_ms < 20000);
    assert_null(tnd_inspect_node_at(&seen, 0));
    assert_null(tnd_inspect_node_at(&seen, 4));

    as_key key;
    as_error err;
    tnd_inspect_route_result route;
    as_key_init_str(&key, "test", "demo", "key");
    assert_int_equal(tnd_inspect_route(&seen, &key, &route, &err), AEROSPIKE_OK);
    assert_int_equal(route.partition, (key.digest.value[0] | key.digest.value[1] << 8) & 4095);
    assert_int_equal(route.nodes[0]->index, 1 + route.partition % 3);
    assert_int_equal(route.nodes[1]->index, 1 + (route.partition + 1) % 3);
    assert_null(route.nodes[2]);
    as_key_init_str(&key, "other", "demo", "key");
    assert_int_equal(tnd_inspect_route(&seen, &key, &route, &err),
                     AEROSPIKE_ERR_NAMESPACE_NOT_FOUND);
    tnd_inspect_done(&seen);
    tnd_inspect_done(&seen);
    segment_end();
    assert_int_equal(segment_id(), -1);
}

/* Holes, partitions on too few nodes, nodes that have left. */
static void test_map_states(void** state)
{
    (void)state;
    segment_make();
    const uint32_t none[3] = {0, 2, 0}, lone[3] = {1, 0, 0}, same[3] = {1, 1, 0};
    tnd_publish_word(&member, 0, 7, none, 0);
    tnd_publish_word(&member, 0, 8, lone, 0);
    tnd_publish_word(&member, 0, 9, same, TND_PART_OVERFLOW);
    tnd_dir_head head;
    tnd_node_rec nodes[NODES + 1];
    tnd_ns_rec namespaces[NAMESPACES];
    directory_make(&head, nodes, namespaces, 4);
    nodes[4].state = TND_NODE_QUARANTINED;
    nodes[4].addrs_count = 0;
    nodes[3].addrs[0] =
        (tnd_node_addr){.family = AF_INET6, .port = 3000, .bytes = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
    nodes[2].addrs[0] = (tnd_node_addr){.family = AF_INET6, .port = 3000, .bytes = {[15] = 1}};
    nodes[1].addrs[0] = (tnd_node_addr){
        .family = AF_INET6, .port = 1, .bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}};
    nodes[1].build = 8u << 24 | 1u << 16 | 3;
    assert_int_equal(tnd_publish_directory(&member, &head, nodes, namespaces), TND_PUBLISH_OK);
    tnd_inspection seen;
    look(&seen);
    assert_int_equal(seen.problems_count, 0);
    const tnd_inspect_namespace* ns = &seen.namespaces[0];
    assert_int_equal(ns->holes, 1);
    assert_int_equal(ns->moving, 2);
    assert_int_equal(ns->overflows, 1);
    assert_int_equal(ns->owners[7][0], 0);
    assert_int_equal(ns->owners[7][1], 2);
    assert_int_equal(seen.nodes_count, 4);
    assert_int_equal(seen.nodes[3].state, TND_INSPECT_NODE_QUARANTINED);
    assert_string_equal(seen.nodes[0].addrs[0], "[102:304:506:708:90a:b0c:d0e:0]:1");
    assert_string_equal(seen.nodes[1].addrs[0], "[::1]:3000");
    assert_string_equal(seen.nodes[2].addrs[0], "[2001:db8::1]:3000");
    assert_string_equal(seen.nodes[0].build, "8.1.0.3");
    tnd_inspect_done(&seen);
    segment_end();
}

static void child_owns(void)
{
    segment_make();
    for (int i = 0; i < 5; i++) {
        tnd_stats_command(&stats, TND_COMMAND_READ, AEROSPIKE_OK, false, 100);
    }
    kill(getpid(), SIGKILL);
}

static void test_all_dead(void** state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        child_owns();
    }
    waitpid(pid, NULL, 0);
    tnd_inspection seen;
    look(&seen);
    assert_int_equal(seen.problems_count, 0);
    assert_int_equal(seen.owner.state, TND_INSPECT_OWNER_DEAD);
    assert_int_equal(seen.owner.pid, pid);
    assert_int_equal(seen.host.live_count, 0);
    assert_int_equal(seen.host.workers[0].state, TND_WORKER_DEAD);
    assert_int_equal(seen.host.workers[0].counters.commands[TND_COMMAND_READ][TND_RESULT_OK], 5);
    assert_int_equal(seen.nodes_count, 3);
    tnd_inspect_done(&seen);
    assert_true(segment_id() >= 0); /* to be taken over, by no means removed */
}

/* A stroke of damage, and what is said of it; then it's put right. */
static void test_damage(void** state)
{
    (void)state;
    segment_make();
    expect_healthy();
    tnd_word* words[] = {&map.slots[5].state, &map.slots[6].state};
    atomic_store(words[0], 0x77);
    expect_problem("slot 5: state");
    atomic_store(words[0], 7ULL << 16 | TND_SLOT_LIVE);
    expect_problem("slot 5: its worker's proof of life");
    atomic_store(words[0], 0);
    uint64_t owner = atomic_load(&map.control->owner);
    atomic_store(&map.control->owner, owner | 0x7fff);
    expect_problem("owner: slot 32766 of 8");
    atomic_store(&map.control->owner, owner);
    tnd_word* word = &map.tables[0].words[100];
    uint64_t good = atomic_load(word);
    atomic_store(word, good | 0x1ff);
    expect_problem("1 places name nodes beyond the table");
    atomic_store(word, (good & ~0x1ffULL) | 9);
    expect_problem("1 places name nodes that aren't there");
    atomic_store(word, good | 0x10ULL << TND_WORD_FLAGS_SHIFT);
    expect_problem("1 partitions have unknown flags");
    atomic_store(word, good + (5ULL << 32));
    expect_problem("nobody has had one above");
    atomic_store(word, good);
    uint64_t selector = atomic_load(&map.map->selector);
    atomic_store(&map.map->selector, selector | 0xff000000);
    expect_problem("selector: arena 254 of 16");
    atomic_store(&map.map->selector, selector & ~0xff000000ULL);
    expect_problem("names no arena");
    atomic_store(&map.map->selector, selector);
    uint8_t* arena = map.arenas + ((selector >> 24 & 0xff) - 1) * map.arena_bytes;
    tnd_dir_head* head = (tnd_dir_head*)(void*)arena;
    tnd_node_rec* nodes = (tnd_node_rec*)(void*)(arena + sizeof(*head));
    tnd_ns_rec* namespaces = (tnd_ns_rec*)(void*)(nodes + NODES);
    head->nodes_count = 99;
    expect_problem("99 nodes and 1 namespaces");
    head->nodes_count = 3;
    nodes[1].state = 8;
    expect_problem("node 2: its state");
    nodes[1].state = TND_NODE_ACTIVE;
    nodes[0].name[0] = '\n';
    expect_problem("node 1: its name");
    nodes[0].name[0] = 'B';
    nodes[0].addrs[0].family = 77;
    expect_problem("node 1: an address");
    nodes[0].addrs[0].family = AF_INET;
    namespaces[0].table = 88;
    expect_problem("namespace 0: its table's number");
    namespaces[0].table = 0;
    memset(namespaces[0].name, 'x', sizeof(namespaces[0].name));
    expect_problem("namespace 0: its name");
    memset(namespaces[0].name, 0, sizeof(namespaces[0].name));
    strcpy(namespaces[0].name, "test");
    expect_healthy();
    uint64_t capacities = atomic_load(&map.header->capacities);
    atomic_store(&map.header->capacities, 0);
    expect_problem("are impossible");
    atomic_store(&map.header->capacities, capacities + (1ULL << 48));
    expect_problem("the segment has");
    atomic_store(&map.header->capacities, capacities);
    atomic_store(&map.header->identity, 0);
    expect_problem("unfinished");
    segment_end();
}

static void test_refusals(void** state)
{
    (void)state;
    tnd_inspection seen;
    as_error err;
    assert_int_equal(tnd_inspect_find(test_key, &err), -1);
    assert_non_null(strstr(err.message, "has key 0x7e"));
    assert_int_equal(tnd_inspect_read(-1, 0, &seen, &err), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(tnd_inspect_read(INT32_MAX, 0, &seen, &err), AEROSPIKE_ERR_CLIENT);
    segment_make();
    atomic_store(&map.header->layout, 7ULL << 32 | 0xabcdef01);
    assert_int_equal(tnd_inspect_read(segment_id(), 0, &seen, &err), AEROSPIKE_ERR_CLIENT);
    assert_non_null(strstr(err.message, "7/abcdef01"));
    atomic_store(&map.header->magic, 42);
    assert_int_equal(tnd_inspect_read(segment_id(), 0, &seen, &err), AEROSPIKE_ERR_CLIENT);
    assert_non_null(strstr(err.message, "another program"));
    segment_end();
    int small = shmget(test_key, 100, IPC_CREAT | 0600);
    assert_true(small >= 0);
    assert_int_equal(tnd_inspect_read(small, 0, &seen, &err), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(tnd_inspect_remove(small, &err), AEROSPIKE_ERR_CLIENT);
    assert_non_null(strstr(err.message, "isn't Tendril's"));
}

static const tnd_inspect_segment* list_find(const tnd_inspect_list_result* list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->segments[i].key == test_key) {
            return &list->segments[i];
        }
    }
    return NULL;
}

static void test_list_and_remove(void** state)
{
    (void)state;
    tnd_inspect_list_result list;
    as_error err;
    int foreign = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0600);
    assert_int_equal(tnd_inspect_list(&list, &err), AEROSPIKE_OK);
    assert_null(list_find(&list));
    uint32_t before = list.count;
    tnd_inspect_list_done(&list);
    segment_make();
    assert_int_equal(tnd_inspect_list(&list, &err), AEROSPIKE_OK);
    assert_int_equal(list.count, before + 1);
    const tnd_inspect_segment* ours = list_find(&list);
    assert_non_null(ours);
    assert_int_equal(ours->attached, 2);
    assert_int_equal(ours->uid, geteuid());
    assert_int_equal(tnd_inspect_remove(ours->id, &err), AEROSPIKE_ERR_CLIENT);
    assert_non_null(strstr(err.message, "is in use: 2 attachments"));
    tnd_inspect_list_done(&list);
    int id = segment_id();
    map.is_held = true; /* leaves it behind, as after a crash */
    void* base = map.base;
    tnd_member_leave(&member, false);
    tnd_map_close(&map);
    tnd_stats_done(&stats);
    shmdt(base);
    assert_int_equal(segment_id(), id);
    assert_int_equal(tnd_inspect_remove(id, &err), AEROSPIKE_OK);
    assert_int_equal(segment_id(), -1);
    assert_int_equal(tnd_inspect_remove(id, &err), AEROSPIKE_ERR_CLIENT);
    shmctl(foreign, IPC_RMID, NULL);
}

/* The last one leaves while we look: it may not remove the segment, so we do. */
static bool has_left;

static void* attach_and_leave(void* ctx, int id, bool read_only, int* ret_error)
{
    void* base = tnd_shm_sys_real.ops->attach(ctx, id, read_only, ret_error);
    if (!has_left) {
        has_left = true;
        segment_end();
        assert_int_equal(segment_id(), id);
    }
    return base;
}

static void test_last_leaves_under_us(void** state)
{
    (void)state;
    tnd_shm_ops ops = *tnd_shm_sys_real.ops;
    ops.attach = attach_and_leave;
    const tnd_shm_sys sys = {.ops = &ops, .ctx = NULL};
    tnd_inspection seen;
    as_error err;
    segment_make();
    has_left = false;
    assert_int_equal(tnd_inspect_read_sys(&sys, segment_id(), now_ms(), &seen, &err), AEROSPIKE_OK);
    assert_true(has_left);
    tnd_inspect_done(&seen);
    assert_int_equal(segment_id(), -1);
}

/* Anything at all: an answer, no crash. */
static void test_random_bytes(void** state)
{
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    for (int round = 0; round < 60; round++) {
        segment_make();
        uint64_t* words = (uint64_t*)(void*)map.base;
        size_t first = round % 2 ? TND_PAGE_BYTES / 8 : 0;
        unsigned share = round % 3 == 0 ? 1 : round % 3 == 1 ? 10 : 5000;
        for (size_t i = first; i < map.size / 8; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if (seed % share == 0) {
                words[i] = seed;
            }
        }
        tnd_inspection seen;
        as_error err;
        if (tnd_inspect_read(segment_id(), now_ms(), &seen, &err) == AEROSPIKE_OK) {
            assert_true(seen.problems_count > 0 || share == 5000);
            as_key key;
            tnd_inspect_route_result route;
            as_key_init_str(&key, "test", "demo", "key");
            tnd_inspect_route(&seen, &key, &route, &err);
            tnd_inspect_done(&seen);
        } else {
            assert_true(strlen(err.message) > 20);
        }
        tnd_member_leave(&member, true);
        tnd_map_close(&map);
        tnd_stats_done(&stats);
        segment_remove();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_states, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_and_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_leaves_under_us, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
