// Info requests, security messages and frames: protocol/cluster.md 1.3, 2, 6.6, 9.1, appendix C.
#include "testing.h"

static mc_cluster* cluster;
static mc_conn* conn;

static void open_with(mc_config config)
{
    cluster = testing_cluster(config);
    for (int i = 0; i < config.nodes; i++) {
        mc_node_set_port(cluster, i, (uint16_t)(3000 + 10 * i));
    }
    conn = mc_cluster_accept(cluster, 0, 0);
}

static int setup(void** state)
{
    (void)state;
    open_with((mc_config){.nodes = 3});
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    mc_cluster_free(cluster);
    return 0;
}

static void reopen(mc_config config)
{
    mc_cluster_free(cluster);
    open_with(config);
}

static void test_vectors(void** state)
{
    (void)state;
    assert_string_equal(testing_ask(conn, "0201000000000001 0a"),
                        "020100000000001e094552524f523a343a756e7265636f676e697a656420636f6d6d616e"
                        "640a");
    assert_string_equal(testing_ask(conn, "0201000000000004 6e6f6465"), "0201000000000000");
    const char* refused = "020200000000001000330000000000000000000000000000";
    assert_string_equal(testing_ask(conn, "0202000000000000"), refused);
    assert_string_equal(testing_ask(conn, "0002000000000000"), refused);
    assert_string_equal(testing_ask(conn, "0203000000000016 1603"
                                          "0000000000000000000000000000"
                                          "000000000000"),
                        "020300000000001616000000001400000000000000000000000000000000");
    assert_string_equal(testing_ask(conn, "0204000000000000"),
                        "020300000000001616000000001900000000000000000000000000000000");
}

static void test_lines(void** state)
{
    (void)state;
    assert_string_equal(testing_info(conn, "node\n"), "node\tBB9020011AC4202\n");
    assert_string_equal(testing_info(conn, "nosuch\nnode\n"),
                        "nosuch\tERROR:4:unrecognized command\nnode\tBB9020011AC4202\n");
    assert_string_equal(testing_info(conn, "node;\nnode:\nnode/\nnode:x=y\nnode"),
                        "node;\tBB9020011AC4202\nnode:\tBB9020011AC4202\n"
                        "node/\tBB9020011AC4202\nnode:x=y\tBB9020011AC4202\n");
    assert_string_equal(testing_info(conn, "build\nbuild\nstatus\nnamespaces\ncluster-name\n"),
                        "build\t8.1.1.2\nbuild\t8.1.1.2\nstatus\tok\nnamespaces\ttest\n"
                        "cluster-name\t\n");
    assert_string_equal(testing_info(conn, "connection\npartition-generation\npartitions\n"),
                        "connection\tadmin=false\npartition-generation\t0\npartitions\t4096\n");
    assert_string_equal(testing_info(conn, "node\r\n"), "node\r\tERROR:4:unrecognized command\n");
    assert_string_equal(testing_info(conn, "rack-ids\npeers-tls-std\n"),
                        "rack-ids\tERROR:25:enterprise only\n"
                        "peers-tls-std\tERROR:25:enterprise only\n");
}

static void test_peers_and_services(void** state)
{
    (void)state;
    assert_string_equal(testing_info(conn, "peers-clear-std\n"),
                        "peers-clear-std\t3,3000,[[BB9030011AC4202,,[127.0.0.1:3010]],"
                        "[BB9040011AC4202,,[127.0.0.1:3020]]]\n");
    assert_string_equal(testing_info(conn, "peers-clear-alt\nservice-clear-std\n"),
                        "peers-clear-alt\t3,3000,[]\nservice-clear-std\t127.0.0.1:3000\n");
    mc_conn* second = mc_cluster_accept(cluster, 1, 0);
    assert_string_equal(testing_info(second, "peers-clear-std\n"),
                        "peers-clear-std\t3,3000,[[BB9020011AC4202,,[127.0.0.1]],"
                        "[BB9040011AC4202,,[127.0.0.1:3020]]]\n"); // port 3000 is left out
    reopen((mc_config){.nodes = 2, .advertise = "localhost,[::1]", .alternate = "10.1.2.3"});
    assert_string_equal(testing_info(conn, "peers-clear-std\nservice-clear-std\n"),
                        "peers-clear-std\t2,3000,[[BB9030011AC4202,,[localhost:3010,[::1]:3010]]]\n"
                        "service-clear-std\tlocalhost:3000,[::1]:3000\n");
    assert_string_equal(testing_info(conn, "peers-clear-alt\n"),
                        "peers-clear-alt\t2,3000,[[BB9030011AC4202,,[10.1.2.3:3010]]]\n");
}

static void test_replicas(void** state)
{
    (void)state;
    enum {
        COLUMN = 685
    };
    assert_int_equal(strlen(testing_info(conn, "replicas\n")), 9 + 5 + 3 + 2 * COLUMN + 1);
    const char* one = testing_info(conn, "replicas:max=1\n");
    assert_memory_equal(one, "replicas:max=1\ttest:0,1,", 24);
    assert_int_equal(strlen(one), 15 + 5 + 3 + COLUMN + 1);
    assert_int_equal(strlen(testing_info(conn, "replicas:max=3\n")), 15 + 8 + 2 * COLUMN + 1);
    assert_string_equal(testing_info(conn, "replicas:max=\nreplicas:max=x\nreplicas:max=1000\n"),
                        "replicas:max=\tERROR:4:missing 'max' value\n"
                        "replicas:max=x\tERROR:4:bad max\n"
                        "replicas:max=1000\tERROR:4:'max' value too long\n");
    mc_config config = {.nodes = 1};
    const char* why;
    assert_true(mc_config_namespaces(&config, "test:2,bar:3:sc", &why));
    reopen(config);
    // Alone it claims everything, and says that the factor is 1.
    const char* alone = testing_info(conn, "replicas\n");
    assert_memory_equal(alone, "replicas\ttest:0,1,////////", 26);
    assert_non_null(strstr(alone, ";bar:1,1,//////"));
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return (int)(strchr(digits, c) - digits);
}

// Six partitions in each base64 digit, the lowest in its highest bit.
static void test_bitmaps_say_who_owns_what(void** state)
{
    (void)state;
    for (int node = 0; node < 3; node++) {
        mc_conn* c = mc_cluster_accept(cluster, node, 0);
        const char* at = strchr(testing_info(c, "replicas\n"), ',') + 1;
        for (int column = 0; column < 2; column++) {
            at = strchr(at, ',') + 1;
            for (int pid = 0; pid < MC_PARTITIONS; pid++) {
                bool claims = digit(at[pid / 6]) >> (5 - pid % 6) & 1;
                bool owns = mc_partition_owner(cluster, "test", column, pid) == node;
                assert_int_equal(claims, owns);
            }
            assert_int_equal(at[683], '=');
        }
    }
}

static void test_old_builds(void** state)
{
    (void)state;
    reopen((mc_config){.nodes = 1, .build = "6.0.0.0"});
    assert_string_equal(testing_info(conn, "nosuch\nuser-agent-set:value=YQ==\nnode\n"),
                        "node\tBB9020011AC4202\n");
    assert_string_equal(testing_info(conn, "rack-ids\ncluster-name\nbuild\npeers-tls-std\n"),
                        "rack-ids\tERROR::enterprise-only\ncluster-name\tnull\nbuild\t6.0.0.0\n"
                        "peers-tls-std\t1,3000,[]\n");
    reopen((mc_config){.nodes = 1, .build = "4.9.0.11"});
    assert_memory_equal(testing_info(conn, "replicas:max=3\n"), "replicas:max=3\ttest:0,1,", 24);
}

static void test_user_agent(void** state)
{
    (void)state;
    assert_string_equal(testing_info(conn, "user-agent-set\nuser-agent-set:value=\n"),
                        "user-agent-set\tERROR:4:missing 'value'\n"
                        "user-agent-set:value=\tERROR:4:missing 'value' value\n");
    assert_string_equal(testing_info(conn, "user-agent-set:value=YQ\n"),
                        "user-agent-set:value=YQ\tERROR:4:'value' invalid base64\n");
    char line[200] = "user-agent-set:value=";
    memset(line + 21, 'A', 88);
    strcpy(line + 21 + 88, "\n");
    assert_non_null(strstr(testing_info(conn, line), "\tERROR:4:'value' value too long\n"));
    assert_string_equal(testing_info(conn, "user-agent-set:value=MSxjLTcuNS4wLG5vdC1zZXQ=\n"),
                        "user-agent-set:value=MSxjLTcuNS4wLG5vdC1zZXQ=\tok\n");
    assert_string_equal(testing_info(conn, "user-agent-set:value=YQ==\n"),
                        "user-agent-set:value=YQ==\tERROR:4:already set\n");
}

// What drops a connection, within a second and without an answer.
static void test_dropped(void** state)
{
    (void)state;
    static const char* const frames[] = {"0301000000000000", "0200000000000000",
                                         "0206000000000000", "0203000008000001",
                                         "1603010200010001", "474554202f204854"};
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        mc_conn* c = mc_cluster_accept(cluster, 0, 0);
        assert_string_equal(testing_ask(c, frames[i]), "");
        assert_int_equal(mc_conn_ending(c, 0), MC_ENDING_NONE);
        assert_int_equal(mc_conn_deadline(c), 1000);
        assert_int_equal(mc_conn_ending(c, 1000), MC_ENDING_CLOSE);
    }
    mc_conn* waits = mc_cluster_accept(cluster, 0, 0);
    assert_string_equal(testing_ask(waits, "0203000008000000"), ""); // exactly 128 MiB
    assert_int_equal(mc_conn_deadline(waits), MC_NEVER);
    mc_conn* half = mc_cluster_accept(cluster, 0, 0);
    mc_conn_hangup(half, 0);
    assert_int_equal(mc_conn_ending(half, 1000), MC_ENDING_CLOSE);
}

static void test_size_zero(void** state)
{
    (void)state;
    const char* summary = testing_info(conn, "");
    assert_non_null(strstr(summary, "node\tBB9020011AC4202\n"));
    assert_int_equal(mc_node_stat(cluster, 0, "deprecated") > 0, true);
    // With another request behind it the connection is reset.
    assert_string_equal(testing_ask(conn, "0201000000000000 0201000000000005 6e6f64650a"), "");
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_RESET);
}

static void test_counters(void** state)
{
    (void)state;
    testing_info(conn, "node\nnode\npeers-generation\n");
    assert_int_equal(mc_node_stat(cluster, 0, "info.node"), 2);
    assert_int_equal(mc_node_stat(cluster, 0, "info"), 1);
    assert_int_equal(mc_node_stat(cluster, 1, "info"), 0);
    assert_int_equal(mc_node_stat(cluster, 0, "connections"), 1);
    assert_non_null(strstr(testing_info(conn, "statistics\n"), ";mc_info_node=2;"));
    testing_control(cluster, "reset-stats", 0);
    assert_int_equal(mc_node_stat(cluster, 0, "info.node"), 0);
    assert_int_equal(mc_node_stat(cluster, 0, "connections"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_vectors),
        TEST(test_lines),
        TEST(test_peers_and_services),
        TEST(test_replicas),
        TEST(test_bitmaps_say_who_owns_what),
        TEST(test_old_builds),
        TEST(test_user_agent),
        TEST(test_dropped),
        TEST(test_size_zero),
        TEST(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
