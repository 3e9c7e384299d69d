/*
 * Database nodes that die, return, hang and move, under the load of several workers: no command
 * fails whose policy allows for the time that a cluster needs to notice. On a real cluster
 * AEROSPIKE_CONTROL kills and restarts nodes.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 30000

static test_cluster* cluster;
static test_host workers;

static void host_begin(uint32_t count, uint32_t in_flight)
{
    static unsigned runs;
    memset(&workers, 0, sizeof(workers));
    workers.hosts = test_cluster_hosts(cluster);
    workers.shm_key = (int)(0x79000000u | (((unsigned)getpid() + runs++ * 65536) & 0xffffff));
    workers.in_flight = in_flight;
    workers.retries = 1000;
    workers.count = count;
    host_start(&workers);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
}

static void host_end(void)
{
    host_check_results(&workers);
    host_detach();
    assert_true(host_stop(&workers, DEADLINE_MS));
    assert_int_equal(shmget(workers.shm_key, 0, 0), -1);
}

static void need_faults(const char* line)
{
    if (!test_cluster_control(cluster, line)) {
        assert_true(test_cluster_is_real(cluster));
        host_end();
        print_message("no '%s' here: not tried\n", line);
        skip();
    }
}

static bool time_is_over(void* udata)
{
    return host_now_us() > *(uint64_t*)udata;
}

/* A stretch of work under a condition, not a wait for anything. */
static void work_for(uint64_t ms)
{
    uint64_t until_us = host_now_us() + ms * 1000;
    host_until(time_is_over, &until_us, ms + 1000);
}

static void test_killed_and_restarted(void** state)
{
    (void)state;
    host_begin(4, 8);
    host_wait_results(&workers, 2000, DEADLINE_MS);
    need_faults("kill 1");
    /* Enough for every partition of the dead node to be asked for. */
    work_for(3000);
    host_wait_results(&workers, 5000, DEADLINE_MS);
    host_check_results(&workers);
    assert_true(test_cluster_control(cluster, "restart 1"));
    work_for(4000);
    host_wait_results(&workers, 5000, DEADLINE_MS);
    host_end();
}

static unsigned long polls_in(uint64_t ms)
{
    assert_true(test_cluster_control(cluster, "reset-stats"));
    work_for(ms);
    return test_cluster_stat(cluster, "info");
}

static void test_hung_node_delays_nobody(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    test_cluster* eight = test_cluster_start("--nodes", "8", NULL);
    assert_non_null(eight);
    test_cluster* three = cluster;
    cluster = eight;
    host_begin(2, 2);
    work_for(2000);
    unsigned long before = polls_in(5000);
    assert_true(test_cluster_control(cluster, "stop 3"));
    work_for(2000);
    unsigned long after = polls_in(5000);
    print_message("polls answered in 5 s: %lu by eight nodes, %lu by seven and a hung one\n",
                  before, after);
    /* Seven eighths, less one round lost at the edges. */
    assert_true(after * 8 + 8 * 8 >= before * 7);
    assert_true(test_cluster_control(cluster, "cont 3"));
    host_wait_results(&workers, 500, DEADLINE_MS);
    host_end();
    cluster = three;
    test_cluster_stop(eight);
}

static void test_grown_and_shrunk(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    host_begin(3, 4);
    assert_true(test_cluster_control(cluster, "add"));
    work_for(3000);
    host_wait_results(&workers, 1000, DEADLINE_MS);
    assert_true(test_cluster_control(cluster, "remove 0")); /* the seed itself */
    work_for(4000);
    host_wait_results(&workers, 1000, DEADLINE_MS);
    host_end();
}

static int teardown(void** state)
{
    (void)state;
    host_kill_all(&workers);
    return 0;
}

static int group_setup(void** state)
{
    (void)state;
    cluster = test_cluster_start("--nodes", "3", NULL);
    return cluster ? 0 : -1;
}

static int group_teardown(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_killed_and_restarted, teardown),
        cmocka_unit_test_teardown(test_hung_node_delays_nobody, teardown),
        cmocka_unit_test_teardown(test_grown_and_shrunk, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
