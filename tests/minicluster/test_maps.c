// Partition maps while nodes come and go: protocol/cluster.md 3.2.
#include "testing.h"

enum {
    NODES = 4
};

static mc_cluster* cluster;

static int setup(void** state)
{
    (void)state;
    mc_config config = {.nodes = NODES};
    const char* why;
    mc_config_namespaces(&config, "test:2,single:1,strong:2:sc", &why);
    cluster = testing_cluster(config);
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    mc_cluster_free(cluster);
    return 0;
}

// Slots of a column that a node claims; -1 for those that nobody claims.
static int claimed(const char* ns, int column, int node)
{
    int count = 0;
    for (int pid = 0; pid < MC_PARTITIONS; pid++) {
        count += mc_partition_owner(cluster, ns, column, pid) == node;
    }
    return count;
}

// Partitions whose two columns are one node's.
static int doubled(void)
{
    int count = 0;
    for (int pid = 0; pid < MC_PARTITIONS; pid++) {
        int master = mc_partition_owner(cluster, "test", 0, pid);
        count += master >= 0 && master == mc_partition_owner(cluster, "test", 1, pid);
    }
    return count;
}

static int pid_of(int master, int replica)
{
    for (int pid = 0; pid < MC_PARTITIONS; pid++) {
        if (mc_partition_owner(cluster, "test", 0, pid) == master &&
            mc_partition_owner(cluster, "test", 1, pid) == replica) {
            return pid;
        }
    }
    fail_msg("no such partition");
    return -1;
}

static void settle(uint64_t from_ms, uint64_t to_ms)
{
    for (uint64_t now_ms = from_ms; now_ms <= to_ms; now_ms += 10) {
        mc_cluster_tick(cluster, now_ms);
    }
}

static int generation(int node)
{
    return cluster->nodes[node].partition_generation;
}

static void test_a_quiet_cluster_is_complete(void** state)
{
    (void)state;
    for (int column = 0; column < 2; column++) {
        assert_int_equal(claimed("test", column, -1), 0);
        for (int node = 0; node < NODES; node++) {
            assert_in_range(claimed("test", column, node), 850, 1200);
        }
    }
    assert_int_equal(doubled(), 0);
    assert_int_equal(claimed("single", 1, -1), MC_PARTITIONS);
    assert_int_equal(generation(0), 0);
}

static void test_a_death_is_noticed_late(void** state)
{
    (void)state;
    int lost = claimed("test", 0, 3);
    int lost_replicas = claimed("test", 1, 3);
    testing_control(cluster, "kill 3", 1000);
    settle(1000, 2790);
    assert_int_equal(claimed("test", 0, -1), lost);
    assert_int_equal(claimed("test", 1, -1), lost_replicas);
    assert_int_equal(generation(0), 0);
    settle(2800, 2800);
    assert_int_equal(claimed("test", 0, -1), 0);
    assert_int_equal(claimed("test", 1, -1), 0);
    assert_in_range(doubled(), lost, MC_PARTITIONS); // the survivor holds both columns at first
    settle(2810, 3800);
    assert_in_range(generation(0), 100, 5000);
    settle(3810, 4800);
    assert_int_equal(doubled(), 0);
    for (int node = 0; node < 3; node++) {
        assert_in_range(claimed("test", 0, node), 1200, 1550);
    }
}

static void test_a_node_returns(void** state)
{
    (void)state;
    testing_control(cluster, "kill 3", 0);
    settle(0, 10000);
    testing_control(cluster, "restart 3", 10000);
    mc_conn* conn = mc_cluster_accept(cluster, 3, 10000);
    const char* text = testing_info_at(conn, "partition-generation\npeers-clear-std\n", 10000);
    assert_string_equal(text, "partition-generation\t-1\npeers-clear-std\t0,3000,[]\n");
    assert_memory_equal(testing_info_at(conn, "replicas\n", 10000), "replicas\ttest:0,1,AAAAAAAAA",
                        27);
    assert_int_equal(claimed("test", 0, 3), 0);
    settle(10000, 11600); // joined after 600 ms, half of the migration done
    int some = claimed("test", 0, 3);
    assert_in_range(some, 100, 1000);
    settle(11610, 13000);
    assert_in_range(claimed("test", 0, 3), 850, 1200);
    assert_int_equal(doubled(), 0);
    assert_true(claimed("test", 0, 3) > some);
}

static void test_a_split_cluster(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 3, 0);
    testing_control(cluster, "cut 3", 0);
    assert_string_equal(testing_info(conn, "partition-generation\npeers-clear-std\n"),
                        "partition-generation\t1\npeers-clear-std\t5,3000,[]\n");
    assert_memory_equal(testing_info(conn, "replicas\n"), "replicas\ttest:0,1,//////////", 26);
    assert_true(claimed("test", 0, -1) > 0); // by the others, who haven't missed it yet
    settle(0, 6000);
    assert_int_equal(claimed("test", 0, 3), 0);
    assert_int_equal(claimed("test", 0, -1), 0);
    testing_control(cluster, "join 3", 6000);
    settle(6000, 9000);
    assert_in_range(claimed("test", 0, 3), 850, 1200);
    assert_int_equal(doubled(), 0);
    assert_true(generation(3) > 1); // it goes on counting
}

static void test_another_id(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 0, 0);
    testing_control(cluster, "restart 2 id=ABC port=4444", 0);
    assert_non_null(strstr(testing_info(conn, "peers-clear-std\n"), "BB9040011AC4202"));
    settle(0, 4000);
    mc_node_set_port(cluster, 2, 4444);
    assert_null(strstr(testing_info_at(conn, "peers-clear-std\n", 4000), "BB9040011AC4202"));
    assert_non_null(
        strstr(testing_info_at(conn, "peers-clear-std\n", 4000), "[ABC,,[127.0.0.1:4444]]"));
    assert_int_equal(claimed("test", 0, -1), 0);
    assert_in_range(claimed("test", 0, 2), 850, 1200);
}

static void test_acknowledged_writes_survive_a_death(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 0, 0);
    int pid = pid_of(3, 1);
    assert_int_equal(testing_command(conn, pid, 1, 0, 0), 0);
    testing_control(cluster, "kill 3", 0);
    settle(0, 5000);
    assert_int_equal(testing_command(conn, pid, 0, 0, 5000), 0);
    testing_control(cluster, "kill 1", 5000);
    settle(5000, 10000);
    assert_int_equal(testing_command(conn, pid, 0, 0, 10000), 0);
}

static void test_the_last_copy_is_lost(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 0, 0);
    int pid = pid_of(3, 1);
    assert_int_equal(testing_command(conn, pid, 1, 0, 0), 0);
    testing_control(cluster, "kill 3", 0);
    testing_control(cluster, "kill 1", 0);
    settle(0, 5000);
    assert_int_equal(testing_command(conn, pid, 0, 0, 5000), 2);
    // A strong namespace keeps what it had, but claims nothing of it meanwhile.
    int unclaimed = claimed("strong", 0, -1);
    assert_in_range(unclaimed, 100, MC_PARTITIONS);
    testing_control(cluster, "restart 1", 5000);
    settle(5000, 9000);
    assert_in_range(claimed("strong", 0, -1), 0, 0);
}

static void test_memory_does_not_outlive_its_process(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 0, 0);
    int pid = pid_of(3, 1);
    assert_int_equal(testing_command(conn, pid, 1, 0, 0), 0);
    testing_control(cluster, "restart 3", 0);
    testing_control(cluster, "restart 1", 0);
    settle(0, 5000);
    assert_int_equal(testing_command(conn, pid, 0, 0, 5000), 2);
}

static void test_commands_wait_for_an_owner(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 1, 0);
    mc_conn* other = mc_cluster_accept(cluster, 0, 0);
    int pid = pid_of(3, 1);
    int copied = pid_of(1, 3);
    testing_control(cluster, "kill 3", 0);
    assert_int_equal(testing_command(conn, pid, 0, 0, 0), 2); // a replica reads
    assert_int_equal(testing_command(conn, pid, 1, 0, 0), -1);
    assert_int_equal(mc_conn_deadline(conn), 500);
    mc_conn_step(conn, 499);
    assert_int_equal(testing_result(conn, 499), -1);
    mc_conn_step(conn, 500);
    assert_int_equal(testing_result(conn, 500), 9); // not applied
    assert_int_equal(testing_command(conn, pid, 0, 0, 500), 2);
    assert_int_equal(testing_command(conn, copied, 1, 0, 500), -1);
    mc_conn_step(conn, 1000);
    assert_int_equal(testing_result(conn, 1000), 9); // applied by the master
    assert_int_equal(testing_command(conn, copied, 0, 0, 1000), 0);
    assert_int_equal(testing_command(conn, copied, 1, 2, 1000), 0); // commit level master
    assert_int_equal(testing_command(other, pid, 1, 0, 1500), -1);
    settle(1500, 1800); // noticed
    mc_conn_step(other, 1800);
    assert_int_equal(testing_result(other, 1800), 0);
}

static void test_proxies_are_counted(void** state)
{
    (void)state;
    mc_conn* conn = mc_cluster_accept(cluster, 0, 0);
    assert_int_equal(testing_command(conn, pid_of(0, 1), 1, 0, 0), 0);
    assert_int_equal(testing_command(conn, pid_of(1, 0), 0, 0, 0), 2);
    assert_int_equal(mc_node_stat(cluster, 0, "proxy"), 0);
    assert_int_equal(testing_command(conn, pid_of(1, 0), 1, 0, 0), 0);
    assert_int_equal(testing_command(conn, pid_of(2, 1), 0, 0, 0), 2);
    assert_int_equal(mc_node_stat(cluster, 0, "proxy"), 2);
}

static void test_growing_shrinking_migrating(void** state)
{
    (void)state;
    testing_control(cluster, "add", 0);
    settle(0, 4000);
    assert_in_range(claimed("test", 0, 4), 650, 1000);
    testing_control(cluster, "remove 4", 4000);
    assert_int_equal(claimed("test", 0, -1), 0); // it left in good order
    settle(4000, 8000);
    assert_int_equal(claimed("test", 0, 4), 0);
    testing_control(cluster, "migrate 500", 8000);
    settle(8000, 8250);
    assert_in_range(doubled(), 100, MC_PARTITIONS);
    settle(8260, 8600);
    assert_int_equal(doubled(), 0);
    testing_control(cluster, "freeze-map", 8600);
    testing_control(cluster, "kill 0", 8600);
    settle(8600, 20000);
    assert_in_range(claimed("test", 0, -1), 800, 1300);
    testing_control(cluster, "freeze-map off", 20000);
    assert_int_equal(claimed("test", 0, -1), 0);
}

static void test_one_seed_one_story(void** state)
{
    (void)state;
    uint64_t sums[2];
    for (int round = 0; round < 2; round++) {
        mc_cluster_free(cluster);
        setup(NULL);
        testing_control(cluster, "kill 3", 0);
        settle(0, 2500);
        sums[round] = 0;
        for (int pid = 0; pid < MC_PARTITIONS; pid++) {
            uint64_t owner = (uint64_t)mc_partition_owner(cluster, "test", 1, pid);
            sums[round] = mc_hash(sums[round], owner);
        }
    }
    assert_true(sums[0] == sums[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_quiet_cluster_is_complete),
        TEST(test_a_death_is_noticed_late),
        TEST(test_a_node_returns),
        TEST(test_a_split_cluster),
        TEST(test_another_id),
        TEST(test_acknowledged_writes_survive_a_death),
        TEST(test_the_last_copy_is_lost),
        TEST(test_memory_does_not_outlive_its_process),
        TEST(test_commands_wait_for_an_owner),
        TEST(test_proxies_are_counted),
        TEST(test_growing_shrinking_migrating),
        TEST(test_one_seed_one_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
