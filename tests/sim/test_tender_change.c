/*
 * The tender against the mini cluster, in virtual time: nodes that come, go, hang, lie and move.
 */
#include "tests/sim/tender_bed.h"

/* ---- change ---- */

static void test_death_and_return(void** state)
{
    bed b;
    char name[20];
    (void)state;
    bed_init(&b, 21);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    node_name(&b, 1, name);
    uint32_t generation = map_node(&b, name)->generation;
    sim_cluster_control(b.cluster, "kill 1");
    run_ms(&b, 1000);
    assert_int_equal(map_nodes(&b), 3); /* others still list it */
    run_ms(&b, 4000);
    assert_int_equal(map_nodes(&b), 2);
    assert_int_equal(map_holes(&b, "test"), 0);
    run_ms(&b, 5000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(log_count("removed"), 1);
    sim_cluster_control(b.cluster, "restart 1");
    run_ms(&b, 8000);
    assert_int_equal(map_nodes(&b), 3);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_true(map_node(&b, name)->generation != generation);
    bed_done(&b);
}

/* A restart so quick that nobody misses the node: the generation tells the workers. */
static void test_quick_restart(void** state)
{
    bed b;
    char name[20];
    (void)state;
    mc_config config = {.nodes = 3, .heartbeat_ms = 1500, .join_ms = 300};
    bed_init(&b, 22);
    bed_cluster(&b, &config);
    sim_cluster_control(b.cluster, "add port=3003"); /* moves peers generations on */
    run_ms(&b, 5000);
    bed_start(&b);
    run_until_published(&b, 1000);
    node_name(&b, 2, name);
    uint32_t generation = map_node(&b, name)->generation;
    sim_cluster_control(b.cluster, "restart 2");
    run_ms(&b, 8000);
    assert_int_equal(map_nodes(&b), 4);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_true(map_node(&b, name)->generation != generation);
    bed_done(&b);
}

static void test_other_id(void** state)
{
    bed b;
    char name[20];
    (void)state;
    bed_init(&b, 23);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    node_name(&b, 2, name);
    sim_cluster_control(b.cluster, "restart 2 id=C0FFEE");
    run_ms(&b, 10000);
    assert_null(map_node(&b, name));
    assert_non_null(map_node(&b, "C0FFEE"));
    assert_int_equal(map_nodes(&b), 3);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_other_id_alone(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 1};
    bed_init(&b, 24);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 2500);
    sim_cluster_control(b.cluster, "restart 0 id=C0FFEE");
    run_ms(&b, 5000);
    assert_non_null(map_node(&b, "C0FFEE"));
    assert_int_equal(map_errors(&b, "test", 1), 0);
    assert_int_equal(map_nodes(&b), 1);
    bed_done(&b);
}

static void test_other_address(void** state)
{
    bed b;
    char name[20];
    (void)state;
    bed_init(&b, 25);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    node_name(&b, 2, name);
    uint32_t generation = map_node(&b, name)->generation;
    sim_cluster_control(b.cluster, "restart 2 port=3777");
    run_ms(&b, 10000);
    assert_non_null(map_node(&b, name));
    assert_int_equal(map_node(&b, name)->addrs[0].port, 3777);
    assert_true(map_node(&b, name)->generation != generation);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_all_die_and_return(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 26);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    for (int i = 0; i < 3; i++) {
        sim_cluster_control(b.cluster, "kill %d", i);
    }
    run_ms(&b, 20000);
    assert_int_equal(map_nodes(&b), 0);
    assert_true(b.no_seeds > 5);
    for (int i = 1; i < 3; i++) { /* not the configured seed: the list has learnt */
        sim_cluster_control(b.cluster, "restart %d", i);
    }
    run_ms(&b, 6000);
    assert_int_equal(map_nodes(&b), 2);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_hung_node(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 8};
    bed_init(&b, 27);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 1000);
    uint64_t before[8];
    sim_cluster_control(b.cluster, "stop 3");
    for (int i = 0; i < 8; i++) {
        before[i] = sim_cluster_stat(b.cluster, i, "info.peers-generation");
    }
    run_ms(&b, 20000);
    for (int i = 0; i < 8; i++) {
        uint64_t polls = sim_cluster_stat(b.cluster, i, "info.peers-generation") - before[i];
        if (i != 3) {
            assert_in_range(polls, 19, 21);
        }
    }
    assert_int_equal(map_nodes(&b), 8); /* the others list it still */
    sim_cluster_control(b.cluster, "cont 3");
    run_ms(&b, 9000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_in_range(log_count("doesn't answer"), 1, 2);
    bed_done(&b);
}

static void test_hung_node_then_migration(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 8, .migrate_ms = 500};
    bed_init(&b, 28);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 1000);
    sim_cluster_control(b.cluster, "stop 3");
    run_ms(&b, 2000);
    sim_cluster_control(b.cluster, "migrate 500");
    run_ms(&b, 2500);
    /* All but the claims of the hung node are current within an interval or two. */
    tnd_map_refresh(&b.map);
    const tnd_ns_rec* ns = tnd_map_namespace(&b.map, "test");
    unsigned wrong = 0;
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        int owner = mc_partition_owner(sim_cluster_mc(b.cluster), "test", 0, (int)p);
        const tnd_node_rec* node =
            tnd_map_node(&b.map, tnd_word_node(tnd_map_word(&b.map, ns->table, p), 0));
        wrong += owner != 3 && (!node || node_by_name(&b, node->name) != owner);
    }
    assert_int_equal(wrong, 0);
    bed_done(&b);
}

static void test_migration(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 29);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    sim_cluster_control(b.cluster, "migrate 5000");
    for (int i = 0; i < 70; i++) {
        run_ms(&b, 100);
        assert_int_equal(map_holes(&b, "test"), 0);
    }
    run_ms(&b, 2000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(map_errors(&b, "bar", 3), 0);
    bed_done(&b);
}

/* A kept connection that dies under a question is replaced at once, and not held against the node.
 */
static void test_lost_connection(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 47);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    uint64_t builds = sim_cluster_stat(b.cluster, 1, "info.build");
    sim_cluster_control(b.cluster, "reset 1 1 on=info");
    run_ms(&b, 3000);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "connections"), 1);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.build"), builds + 1);
    assert_int_equal(log_count("doesn't answer"), 0);
    bed_done(&b);
}

static void ask_and_count(bed* b, const uint64_t* bits)
{
    uint64_t before = sim_cluster_stat(b->cluster, 0, "info.peers-generation");
    for (int i = 0; i < 100; i++) {
        tnd_tender_ask(b->tender, bits);
        run_ms(b, 1);
    }
    run_ms(b, 100);
    /* 100 times within 100 ms: at most one look per 10 ms. */
    assert_in_range(sim_cluster_stat(b->cluster, 0, "info.peers-generation") - before, 8, 12);
}

static void test_ask(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 30);
    b.config.tender_interval = 10000;
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    run_ms(&b, 1000);
    uint64_t other = sim_cluster_stat(b.cluster, 1, "info.peers-generation");
    char name[20];
    node_name(&b, 0, name);
    uint32_t index = (uint32_t)(map_node(&b, name) - b.map.nodes);
    uint64_t bits[(TND_NODES_MAX + 1) / 64] = {0};
    bits[index / 64] = UINT64_C(1) << (index % 64);
    ask_and_count(&b, bits);
    sim_cluster_control(b.cluster,
                        "slow 0 3 always on=info"); /* asked while it's being looked at */
    ask_and_count(&b, bits);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.peers-generation"), other);
    bits[index / 64] = 0;
    bits[0] = 1;
    tnd_tender_ask(b.tender, bits);
    run_ms(&b, 50);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.peers-generation"), other + 1);
    bed_done(&b);
}

/* ---- limits ---- */

static void test_node_overflow(void** state)
{
    bed b;
    (void)state;
    bed_init_capacities(&b, 31, 2, 4);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    run_ms(&b, 5000);
    assert_int_equal(map_nodes(&b), 2);
    assert_int_equal(b.map.dir.nodes_needed, 3);
    assert_int_equal(log_count("has 3 nodes"), 1);
    const tnd_ns_rec* ns = tnd_map_namespace(&b.map, "test");
    unsigned missing = 0;
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint64_t word = tnd_map_word(&b.map, ns->table, p);
        const tnd_node_rec* node = tnd_map_node(&b.map, tnd_word_node(word, 0));
        int owner = mc_partition_owner(sim_cluster_mc(b.cluster), "test", 0, (int)p);
        if (!node) {
            missing++;
            assert_true(tnd_word_flags(word) & TND_PART_OVERFLOW);
        } else {
            assert_int_equal(node_by_name(&b, node->name), owner);
        }
    }
    assert_in_range(missing, 1000, 1700);
    bed_done(&b);
}

static void test_namespace_overflow(void** state)
{
    bed b;
    (void)state;
    bed_init_capacities(&b, 32, 4, 1);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    run_ms(&b, 3000);
    assert_int_equal(b.map.dir.namespaces_count, 1);
    assert_int_equal(b.map.dir.namespaces_needed, 2);
    assert_int_equal(log_count("has 2 namespaces"), 1);
    assert_int_equal(map_errors(&b, b.map.namespaces[0].name, 2), 0);
    bed_done(&b);
}

static void test_descriptors(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 33);
    bed_cluster(&b, &three_nodes);
    sim_loop_faults(b.loop)->fds_max = 1;
    bed_start(&b);
    run_ms(&b, 1000);
    assert_int_equal(b.exhausted, 1);
    assert_null(b.tender);
    bed_done(&b);
}

/* ---- terms ---- */

static void test_fenced(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 34);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    /* Another member takes over: its heartbeat rules see ours as old. */
    tnd_member other = {0};
    tnd_owner_view view;
    assert_int_equal(tnd_member_join(&other, &b.map, 78, 2, 1, now_ms(&b), 1), TND_JOIN_OK);
    tnd_owner_look(&other, now_ms(&b) + 100000, 30000, &view);
    assert_int_equal(view.state, TND_OWNER_EXPIRED);
    assert_true(tnd_owner_take(&other, &view, now_ms(&b)));
    uint32_t cursor = 0;
    assert_int_equal(tnd_publish_restamp(&other, &cursor, 1000000), TND_PUBLISH_OK);
    sim_cluster_control(b.cluster, "migrate 100");
    run_ms(&b, 5000);
    assert_int_equal(b.fenced, 1);
    assert_null(b.tender);
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        assert_int_equal(tnd_word_term(tnd_map_word(&b.map, 0, p)), other.term);
    }
    tnd_member_leave(&other, false);
    bed_done(&b);
}

static void test_successor(void** state)
{
    bed b;
    char dead[20];
    (void)state;
    bed_init(&b, 35);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    uint32_t generation = b.map.nodes[1].generation;
    bed_stop(&b);
    tnd_owner_release(&b.member);
    node_name(&b, 0, dead);
    sim_cluster_control(b.cluster, "stop 0"); /* it is the seed, too */
    own(&b);
    bed_start(&b);
    b.published = 0;
    for (int i = 0; i < 30; i++) {
        run_ms(&b, 100);
        assert_int_equal(map_holes(&b, "test"), 0);
        assert_int_equal(map_nodes(&b), 3);
    }
    assert_int_equal(b.published, 1);
    assert_int_equal(b.map.nodes[1].generation, generation);
    assert_non_null(map_node(&b, dead));
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        assert_int_equal(tnd_word_term(tnd_map_word(&b.map, 0, p)), b.member.term);
    }
    sim_cluster_control(b.cluster, "cont 0");
    run_ms(&b, 6000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

/* A successor that nobody answers keeps the map, and asks the seeds. */
static void test_successor_alone(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 36);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    bed_stop(&b);
    tnd_owner_release(&b.member);
    for (int i = 0; i < 3; i++) {
        sim_cluster_control(b.cluster, "refuse %d", i);
    }
    own(&b);
    b.no_seeds = 0;
    bed_start(&b);
    run_ms(&b, 1500);
    assert_true(b.no_seeds > 0);
    assert_int_equal(map_holes(&b, "test"), 0);
    sim_cluster_control(b.cluster, "clear all");
    run_ms(&b, 3000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

/* ---- bad answers ---- */

static void test_bad_answers(void** state)
{
    static const char* const faults[] = {
        "garbage 1 3 on=info",    "garbage 1 always on=info", "other 1 3 on=info",
        "mute 1 1 on=info",       "mute 1 always on=info",    "reset 1 2 on=info",
        "reset 1 always on=info", "close 1 1 on=info",        "close 1 always on=info",
        "halfclose 1 1 on=info",  "answer 1 4 3 on=info",     "answer 1 80 always on=info",
        "split 1 1 always",       "slow 1 300 always",        "slow 1 1500 always on=info",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        bed b;
        bed_init(&b, 40 + i);
        bed_cluster(&b, &three_nodes);
        bed_start(&b);
        run_until_published(&b, 1000);
        sim_cluster_control(b.cluster, "%s", faults[i]);
        for (int k = 0; k < 20; k++) {
            run_ms(&b, 500);
            if (map_holes(&b, "test") != 0) {
                fail_msg("%s: holes\n%s", faults[i], log_text);
            }
        }
        sim_cluster_control(b.cluster, "clear all");
        sim_cluster_control(b.cluster, "migrate 100");
        run_ms(&b, 10000);
        assert_int_equal(map_nodes(&b), 3);
        assert_int_equal(map_errors(&b, "test", 2), 0);
        bed_done(&b);
    }
}

/* ---- memory ---- */

/* Every allocation fails once, while the map is built, kept and rebuilt. Nothing breaks, and once
 * there is memory again, the map becomes right. */
static void test_no_memory(void** state)
{
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        bed b;
        bed_init(&b, 38);
        bed_cluster(&b, &three_nodes);
        as_config_add_host(&b.config, "127.0.0.1", PORT);
        tnd_mem_fail(nth, 1 + nth % 3);
        b.tender = tnd_tender_start(b.loop, &b.config, &b.member, b.resolver, &handler, &b);
        if (b.tender) {
            run_ms(&b, 1500);
            if (b.tender) {
                sim_cluster_control(b.cluster, "restart 1 id=C0FFEE");
                run_ms(&b, 8000);
            }
        }
        bool is_over = tnd_mem_allocations() < nth;
        tnd_mem_fail(0, 0);
        if (!b.tender) {
            b.published = 0;
            bed_start(&b);
        }
        run_ms(&b, 8000);
        if (map_errors(&b, "test", 2) != 0 || map_errors(&b, "bar", 3) != 0) {
            fail_msg("allocation %u: wrong map\n%s", (unsigned)nth, log_text);
        }
        bed_done(&b);
        if (is_over) {
            print_message("%u allocations failed\n", (unsigned)nth);
            return;
        }
    }
}

/* ---- size ---- */

static uint64_t longest_us(bed* b)
{
    return tnd_tender_get_stats(b->tender)->callback_max_us;
}

/* The longest callback of a big cluster's tender, in thread CPU time. The design's limit is 1 ms;
 * the assertion leaves room for sanitizers and busy machines. */
static void test_longest_callback(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 60, .namespace_count = 32, .migrate_ms = 3000};
    for (int i = 0; i < config.namespace_count; i++) {
        snprintf(config.namespaces[i].name, sizeof(config.namespaces[i].name), "ns%d", i);
        config.namespaces[i].replication_factor = 3;
    }
    bed_init_capacities(&b, 37, 511, 32);
    bed_cluster(&b, &config);
    bed_start(&b);
    tnd_tender_measure(b.tender, true);
    run_until_published(&b, 2000);
    assert_int_equal(map_errors(&b, "ns31", 3), 0);
    print_message("longest callback: first map %u us", (unsigned)longest_us(&b));
    sim_cluster_control(b.cluster, "migrate 3000");
    sim_cluster_control(b.cluster, "kill 7");
    run_ms(&b, 8000);
    assert_int_equal(map_errors(&b, "ns0", 3), 0);
    print_message(", with migration and death %u us", (unsigned)longest_us(&b));
    bed_stop(&b);
    tnd_owner_release(&b.member);
    own(&b);
    bed_start(&b);
    tnd_tender_measure(b.tender, true);
    run_ms(&b, 2000);
    print_message(", successor %u us\n", (unsigned)longest_us(&b));
    assert_true(longest_us(&b) < 100000);
    bed_done(&b);
}

/* ---- everything at once ---- */

static void random_change(bed* b, unsigned dead[4])
{
    unsigned node = (unsigned)sim_world_below(b->world, 4);
    switch (sim_world_below(b->world, 7)) {
    case 0:
        if (!dead[node] && dead[0] + dead[1] + dead[2] + dead[3] < 2) {
            sim_cluster_control(b->cluster, "kill %u", node);
            dead[node] = 1;
        }
        break;
    case 1:
        if (dead[node]) {
            sim_cluster_control(b->cluster, "restart %u", node);
            dead[node] = 0;
        }
        break;
    case 2:
        sim_cluster_control(b->cluster, "migrate");
        break;
    case 3:
        sim_cluster_control(b->cluster, "stop %u", node);
        break;
    case 4:
        sim_cluster_control(b->cluster, "cont %u", node);
        break;
    case 5:
        sim_cluster_control(b->cluster, "split %u 1 3", node);
        break;
    default:
        sim_cluster_control(b->cluster, "reset %u", node);
    }
}

static void random_run(uint64_t seed)
{
    bed b;
    unsigned dead[4] = {0};
    bed_init(&b, seed);
    mc_config config = {.nodes = 4, .seed = seed, .migrate_ms = 1000};
    bed_cluster(&b, &config);
    sim_faults* faults = sim_loop_faults(b.loop);
    faults->short_read_percent = 30;
    faults->short_write_percent = 20;
    faults->spurious_percent = 10;
    faults->timer_late_us_max = 3000;
    bed_start(&b);
    for (int i = 0; i < 40; i++) {
        run_ms(&b, sim_world_below(b.world, 1500));
        random_change(&b, dead);
    }
    sim_cluster_control(b.cluster, "clear all");
    for (unsigned i = 0; i < 4; i++) {
        if (dead[i]) {
            sim_cluster_control(b.cluster, "restart %u", i);
        }
    }
    run_ms(&b, 25000);
    if (map_errors(&b, "test", 2) != 0 || map_nodes(&b) != 4) {
        fail_msg("seed %u: %u errors, %u nodes\n%s", (unsigned)seed, map_errors(&b, "test", 2),
                 map_nodes(&b), log_text);
    }
    bed_done(&b);
}

static void test_random(void** state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1020; seed++) {
        random_run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_death_and_return),
        cmocka_unit_test(test_quick_restart),
        cmocka_unit_test(test_other_id),
        cmocka_unit_test(test_other_id_alone),
        cmocka_unit_test(test_other_address),
        cmocka_unit_test(test_all_die_and_return),
        cmocka_unit_test(test_hung_node),
        cmocka_unit_test(test_hung_node_then_migration),
        cmocka_unit_test(test_migration),
        cmocka_unit_test(test_lost_connection),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_node_overflow),
        cmocka_unit_test(test_namespace_overflow),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_successor),
        cmocka_unit_test(test_successor_alone),
        cmocka_unit_test(test_bad_answers),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_longest_callback),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
