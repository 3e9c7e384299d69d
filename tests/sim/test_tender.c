/*
 * The tender against the mini cluster, in virtual time: seeds, names, the first map.
 */
#include "tests/sim/tender_bed.h"

static void test_first_map(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 1);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    assert_false(tnd_map_refresh(&b.map));
    run_until_published(&b, 1000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(map_errors(&b, "bar", 3), 0);
    assert_int_equal(map_nodes(&b), 3);
    assert_int_equal(b.directories, 1); /* nothing was shown before it was whole */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sim_cluster_stat(b.cluster, i, "info.replicas"), 1);
        assert_int_equal(sim_cluster_stat(b.cluster, i, "connections"), 1);
        assert_int_equal(sim_cluster_stat(b.cluster, i, "info.user-agent-set"), 1);
        assert_true(sim_cluster_stat(b.cluster, i, "info.peers-clear-std") <= 2);
    }
    assert_int_equal(log_count("added"), 3);
    bed_done(&b);
}

static void test_steady(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 2);
    bed_cluster(&b, &three_nodes);
    bed_start(&b);
    run_until_published(&b, 1000);
    uint64_t polls = sim_cluster_stat(b.cluster, 1, "info.peers-generation");
    uint64_t words = tnd_tender_get_stats(b.tender)->words_published;
    run_ms(&b, 20000);
    uint64_t more = sim_cluster_stat(b.cluster, 1, "info.peers-generation") - polls;
    assert_in_range(more, 19, 21);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.replicas"), 1);
    assert_int_equal(tnd_tender_get_stats(b.tender)->words_published, words);
    assert_int_equal(b.directories, 1);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.features"), 0);
    bed_done(&b);
}

static void test_one_node(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 1};
    bed_init(&b, 3);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 2500);
    assert_int_equal(map_errors(&b, "test", 1), 0);
    assert_int_equal(tnd_map_namespace(&b.map, "test")->replicas, 1);
    bed_done(&b);
}

static void test_grow(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 1,
                        .namespaces = {{.name = "test", .replication_factor = 2}},
                        .namespace_count = 1};
    bed_init(&b, 4);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 2500);
    sim_cluster_control(b.cluster, "add port=3001");
    sim_cluster_control(b.cluster, "add port=3002");
    run_ms(&b, 10000);
    assert_int_equal(map_nodes(&b), 3);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(tnd_map_namespace(&b.map, "test")->replicas, 2);
    bed_done(&b);
}

static void test_unreachable(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 5);
    bed_start(&b);
    run_ms(&b, 10500);
    assert_in_range(b.no_seeds, 9, 11); /* each interval */
    assert_int_equal(b.error.code, AEROSPIKE_ERR_CONNECTION);
    assert_non_null(strstr(b.error.message, "127.0.0.1"));
    assert_in_range(log_count("No seed"), 1, 2);
    assert_false(tnd_map_refresh(&b.map));
    bed_cluster(&b, &three_nodes);
    run_until_published(&b, 2500);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_black_hole_seed(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 6);
    bed_cluster(&b, &three_nodes);
    sim_cluster_control(b.cluster, "drop 0");
    as_config_add_host(&b.config, "127.0.0.1", PORT);
    as_config_add_host(&b.config, "127.0.0.1", PORT + 1);
    bed_start(&b);
    /* The good seed isn't kept waiting; the map waits for the dead node's deadline. */
    run_until_published(&b, 1500);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "info.replicas"), 1);
    bed_done(&b);
}

static void test_not_ready(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 1, .join_ms = 3000};
    bed_init(&b, 7);
    bed_cluster(&b, &config);
    sim_cluster_control(b.cluster, "restart 0");
    bed_start(&b);
    run_ms(&b, 2000);
    assert_int_equal(b.published, 0);
    assert_in_range(b.no_seeds, 6, 9); /* soon, without back-off */
    assert_non_null(strstr(b.error.message, "isn't ready"));
    run_until_published(&b, 2000);
    bed_done(&b);
}

static void test_cluster_name(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.cluster_name = "pantry"};
    bed_init(&b, 8);
    bed_cluster(&b, &config);
    as_config_set_cluster_name(&b.config, "cellar");
    bed_start(&b);
    run_ms(&b, 1500);
    assert_int_equal(b.published, 0);
    assert_true(b.no_seeds > 0);
    assert_non_null(strstr(b.error.message, "pantry"));
    assert_non_null(strstr(b.error.message, "cellar"));
    assert_int_equal(log_count("pantry"), 1);
    bed_stop(&b);
    as_config_set_cluster_name(&b.config, "pantry");
    bed_start(&b);
    run_until_published(&b, 1000);
    assert_string_equal(b.map.dir.cluster_name, "pantry");
    bed_done(&b);
}

static void test_old_build(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.build = "5.7.0.31"};
    bed_init(&b, 9);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_ms(&b, 1500);
    assert_int_equal(b.published, 0);
    assert_non_null(strstr(b.error.message, "5.7.0.31"));
    assert_non_null(strstr(b.error.message, "6.0"));
    bed_done(&b);
}

static void test_builds(void** state)
{
    static const char* const builds[] = {"6.0.0.0", "7.0.0.5", "7.2.0.1", "8.0.0.9"};
    (void)state;
    for (size_t i = 0; i < sizeof(builds) / sizeof(*builds); i++) {
        bed b;
        mc_config config = {.nodes = 3};
        strcpy(config.build, builds[i]);
        bed_init(&b, 10 + i);
        bed_cluster(&b, &config);
        bed_start(&b);
        run_until_published(&b, 1000);
        assert_int_equal(map_errors(&b, "test", 2), 0);
        assert_int_equal(sim_cluster_stat(b.cluster, 0, "info.user-agent-set"), 0);
        bed_done(&b);
    }
}

static void test_orphan_seed(void** state)
{
    bed b;
    (void)state;
    mc_config alone = {.nodes = 1, .seed = 99};
    bed_init(&b, 15);
    bed_cluster(&b, &three_nodes);
    b.other = sim_cluster_new(b.world, &alone, NULL, 4000);
    sim_cluster_control(b.other, "restart 0 id=DEAD");
    run_ms(&b, 3000);
    as_config_add_host(&b.config, "127.0.0.1", 4000);
    as_config_add_host(&b.config, "127.0.0.1", PORT);
    bed_start(&b);
    run_until_published(&b, 1500);
    run_ms(&b, 5000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(map_nodes(&b), 3);
    assert_null(map_node(&b, "DEAD"));
    bed_done(&b);
}

/* The one that answers is the last of many, which are started some at a time. */
static void test_many_seeds(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 15);
    bed_cluster(&b, &three_nodes);
    for (uint16_t i = 0; i < 40; i++) {
        as_config_add_host(&b.config, "127.0.0.1", (uint16_t)(4000 + i));
    }
    as_config_add_host(&b.config, "127.0.0.1", PORT);
    bed_start(&b);
    run_until_published(&b, 1500);
    run_ms(&b, 5000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    assert_int_equal(map_nodes(&b), 3);
    assert_int_equal(b.no_seeds, 0);
    bed_done(&b);
}

/* ---- names and address families ---- */

static void test_seed_names(void** state)
{
    bed b;
    static const char* const dead[] = {"10.9.9.9", NULL};
    static const char* const good[] = {"10.9.9.9", "127.0.0.1", NULL};
    (void)state;
    bed_init(&b, 16);
    bed_cluster(&b, &three_nodes);
    sim_name_set(b.world, "slow.test", 0, good, SIM_NEVER);
    sim_name_set(b.world, "db.test", 0, dead, 2000);
    as_config_add_host(&b.config, "slow.test", PORT);
    as_config_add_host(&b.config, "none.test", PORT);
    as_config_add_host(&b.config, "db.test", PORT);
    bed_start(&b);
    run_ms(&b, 3500);
    assert_true(b.no_seeds >= 1);
    assert_int_equal(b.published, 0);
    sim_name_set(b.world, "db.test", 0, good, 2000);
    run_until_published(&b, 3500);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_peer_names(void** state)
{
    bed b;
    static const char* const here[] = {"127.0.0.1", NULL};
    (void)state;
    mc_config config = {.nodes = 3, .advertise = "node.test"};
    bed_init(&b, 17);
    bed_cluster(&b, &config);
    sim_name_set(b.world, "node.test", 0, here, 3000);
    bed_start(&b);
    run_until_published(&b, 1500);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_ipv6(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 3, .advertise = "[::1]"};
    bed_init(&b, 18);
    b.cluster = sim_cluster_new(b.world, &config, "::1", PORT);
    as_config_add_host(&b.config, "::1", PORT);
    bed_start(&b);
    run_until_published(&b, 1500);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    bed_done(&b);
}

static void test_several_addresses(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 3, .advertise = "10.1.1.1,127.0.0.1"};
    bed_init(&b, 19);
    bed_cluster(&b, &config);
    bed_start(&b);
    run_until_published(&b, 2500);
    run_ms(&b, 2000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(b.map.nodes[i].addrs[0].bytes[0], 127); /* the one that answers first */
        assert_int_equal(b.map.nodes[i].addrs_count, 2);
    }
    bed_done(&b);
}

static void test_alternate_and_ip_map(void** state)
{
    bed b;
    (void)state;
    mc_config config = {.nodes = 3, .advertise = "10.1.1.1", .alternate = "outside"};
    as_addr_map map = {.orig = "outside", .alt = "127.0.0.1"};
    bed_init(&b, 20);
    bed_cluster(&b, &config);
    b.config.use_services_alternate = true;
    b.config.ip_map = &map;
    b.config.ip_map_size = 1;
    bed_start(&b);
    run_until_published(&b, 1000);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    b.config.ip_map = NULL;
    bed_done(&b);
}

/* A seed's address that isn't a node's own: a load balancer in front of the cluster. */
static void test_load_balancer(void** state)
{
    bed b;
    (void)state;
    bed_init(&b, 39);
    b.cluster = sim_cluster_new(b.world, &three_nodes, "127.0.0.1,10.0.0.5", PORT);
    as_config_add_host(&b.config, "10.0.0.5", PORT);
    bed_start(&b);
    run_until_published(&b, 1500);
    assert_int_equal(map_errors(&b, "test", 2), 0);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(b.map.nodes[i].addrs[0].bytes[0], 127);
    }
    bed_done(&b);
    /* Its own addresses lead nowhere: the seed's will do. */
    mc_config config = {.nodes = 3, .advertise = "10.7.7.7"};
    bed_init(&b, 39);
    b.cluster = sim_cluster_new(b.world, &config, "10.0.0.5", PORT);
    as_config_add_host(&b.config, "10.0.0.5", PORT);
    bed_start(&b);
    run_until_published(&b, 5000);
    assert_int_equal(map_nodes(&b), 1);
    assert_int_equal(b.map.nodes[1].addrs[0].bytes[3], 5);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_map),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_one_node),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_black_hole_seed),
        cmocka_unit_test(test_not_ready),
        cmocka_unit_test(test_cluster_name),
        cmocka_unit_test(test_old_build),
        cmocka_unit_test(test_builds),
        cmocka_unit_test(test_orphan_seed),
        cmocka_unit_test(test_many_seeds),
        cmocka_unit_test(test_seed_names),
        cmocka_unit_test(test_peer_names),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_several_addresses),
        cmocka_unit_test(test_alternate_and_ip_map),
        cmocka_unit_test(test_load_balancer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
