/*
 * How many connections there are: opened ahead, trimmed, within the limits of the process and of
 * the host, and at what pace.
 */
#include "tests/sim/cmd_bed.h"
#include "tests/sim/shm.h"

static uint64_t connections(bed* b, int node)
{
    return sim_cluster_stat(b->cluster, node, "connections");
}

static void run_ms(bed* b, uint64_t ms)
{
    sim_world_run_for(b->world, ms * MS);
}

/* The tender has one of its own. */
#define TENDER 1

static void opens_ahead(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 1);
    b.as.config.async_min_conns_per_node = 10;
    bed_connect_wait(&b);
    assert_int_equal(connections(&b, 0), TENDER); /* nothing waits for them */
    run_ms(&b, 2000);
    for (int node = 0; node < 3; node++) {
        assert_int_equal(connections(&b, node), 10 + TENDER);
    }
    run_ms(&b, 120000); /* idle for long: not trimmed below */
    assert_int_equal(connections(&b, 0), 10 + TENDER);
    sim_cluster_control(b.cluster, "close 1"); /* lost ones are opened again, within ten seconds */
    run_ms(&b, 100);
    assert_true(connections(&b, 1) <= TENDER);
    run_ms(&b, 12000);
    assert_int_equal(connections(&b, 1), 10 + TENDER);
    outcome o;
    assert_true(start_get(&o, &b, 1, NULL));
    wait_ms(&o);
    assert_int_equal(connections(&b, 0) + connections(&b, 1) + connections(&b, 2),
                     3 * (10 + TENDER)); /* and used */
    bed_end(&b);
}

/* A few at a time, and a node that refuses is left alone for a while. */
static void opens_ahead_with_measure(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 2);
    b.as.config.async_min_conns_per_node = 100;
    bed_connect_wait(&b);
    run_ms(&b, 1100);
    uint64_t some = connections(&b, 0);
    run_ms(&b, 100);
    assert_in_range(connections(&b, 0) - some, 1, 2 * TND_POOL_WARM_LINKS);
    sim_cluster_control(b.cluster, "refuse 1");
    run_ms(&b, 60000);
    assert_int_equal(connections(&b, 0), 100 + TENDER);
    sim_cluster_control(b.cluster, "cont 1");
    run_ms(&b, 15000);
    assert_int_equal(connections(&b, 1), 100 + TENDER);
    /* A black hole: connecting ends by its own limit. */
    sim_cluster_control(b.cluster, "close 2");
    sim_cluster_control(b.cluster, "drop 2");
    run_ms(&b, 30000);
    sim_cluster_control(b.cluster, "cont 2");
    run_ms(&b, 30000);
    assert_int_equal(connections(&b, 2), 100 + TENDER);
    bed_end(&b);
}

/* Below the servers' reaping: half of max_socket_idle later at most. */
static void trims_what_is_idle(void** state)
{
    (void)state;
    static const struct {
        uint32_t idle_sec, min;
        uint64_t gone_after_ms, there_until_ms;
    } cases[] = {{0, 0, 66000, 50000}, {4, 0, 7000, 3500}, {4, 1, 7000, 3500}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bed b;
        bed_init(&b, 3);
        b.as.config.max_socket_idle = cases[i].idle_sec;
        b.as.config.async_min_conns_per_node = cases[i].min;
        b.as.config.async_share_depth = 1;
        bed_connect_wait(&b);
        run_ms(&b, 2000);
        outcome o[30];
        for (int k = 0; k < 30; k++) {
            assert_true(start_get(&o[k], &b, k, NULL));
        }
        for (int k = 0; k < 30; k++) {
            wait_ms(&o[k]);
        }
        uint64_t many = connections(&b, 0);
        assert_true(many > 3);
        run_ms(&b, cases[i].there_until_ms);
        assert_int_equal(connections(&b, 0), many);
        run_ms(&b, cases[i].gone_after_ms - cases[i].there_until_ms);
        assert_int_equal(connections(&b, 0), cases[i].min + TENDER);
        bed_end(&b);
    }
}

/* ---- several processes ---- */

#define WORKERS 4

typedef struct host {
    bed first; /* the world; not connected */
    sim_shm* shm;
    sim_shm_process* processes[WORKERS];
    bed workers[WORKERS];
} host;

static void host_open(host* h, uint64_t seed, void (*configure)(as_config* config))
{
    bed_init(&h->first, seed);
    h->shm = sim_shm_new();
    for (int i = 0; i < WORKERS; i++) {
        h->processes[i] = sim_shm_process_new(h->shm, 0);
        bed_init_other(&h->workers[i], &h->first, sim_shm_sys_of(h->processes[i]));
        h->workers[i].as.config.async_share_depth = 1;
        configure(&h->workers[i].as.config);
        bed_connect_wait(&h->workers[i]);
    }
}

static void host_close(host* h, int from)
{
    for (int i = from; i < WORKERS; i++) {
        bed_end_other(&h->workers[i]);
    }
    bed_done(&h->first);
    sim_shm_free(h->shm);
}

static void budget_of_ten(as_config* config)
{
    config->shm_max_conns_per_node = 10;
    config->async_max_conns_per_node = 100;
}

/* Gets that hang, so that each holds a connection. How many were refused. */
static unsigned hold(bed* b, outcome* o, unsigned count, uint32_t total_ms)
{
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = total_ms;
    policy.base.max_retries = 0;
    policy.base.timeout_delay = 0;
    policy.replica = AS_POLICY_REPLICA_MASTER;
    for (unsigned i = 0; i < count; i++) {
        assert_true(start_get(&o[i], b, 1, &policy)); /* one key: one node */
    }
    sim_world_run_for(b->world, 20 * MS);
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        refused += o[i].calls > 0;
        assert_true(o[i].calls == 0 || o[i].code == AEROSPIKE_ERR_NO_MORE_CONNECTIONS);
    }
    return refused;
}

static uint64_t most_connections(bed* b)
{
    uint64_t most = 0;
    for (int node = 0; node < 3; node++) {
        most = connections(b, node) > most ? connections(b, node) : most;
    }
    return most;
}

static void keeps_the_hosts_budget(void** state)
{
    (void)state;
    static host h;
    host_open(&h, 10, budget_of_ten);
    bed* b = &h.workers[0];
    all_nodes(b, "mute %u always on=record");
    static outcome o[WORKERS][20];
    assert_int_equal(hold(&h.workers[1], o[1], 7, 5000), 0);
    assert_int_equal(hold(&h.workers[2], o[2], 5, 5000), 2); /* 7 + 3 */
    assert_int_equal(hold(&h.workers[3], o[3], 3, 5000), 2); /* its first one is never refused */
    assert_true(most_connections(b) <= 11 + TENDER);
    /* A worker's death gives its share back at once. */
    sim_loop_kill(h.workers[1].loop);
    sim_shm_kill(h.processes[1]);
    assert_int_equal(hold(&h.workers[2], o[0], 10, 5000), 4); /* 1 + 3 + 6 */
    all_nodes(b, "clear %u");
    run_ms(b, 7000);
    /* And so does the end of idle ones; everything goes on. */
    outcome one;
    assert_true(start_get(&one, &h.workers[3], 1, NULL));
    wait_ms(&one);
    assert_int_equal(one.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    bed_end_other(&h.workers[0]);
    aerospike_destroy(&h.workers[1].as); /* its memory; its loop is dead */
    tnd_events_free(h.workers[1].events);
    host_close(&h, 2);
}

static void ten_per_second(as_config* config)
{
    config->shm_connect_rate = 10;
    config->async_max_conns_per_node = 100;
}

/* Links open one per tenth of a second, whoever asks; commands wait within their limits, and a turn
   that nobody has time to wait for any more is used by the next command. */
static void takes_turns_to_connect(void** state)
{
    (void)state;
    static host h;
    host_open(&h, 11, ten_per_second);
    bed* b = &h.workers[0];
    uint64_t opened[3];
    for (int node = 0; node < 3; node++) {
        opened[node] = sim_cluster_stat(b->cluster, node, "opened");
    }
    static outcome o[WORKERS][30];
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 700;
    policy.base.max_retries = 0;
    policy.replica = AS_POLICY_REPLICA_MASTER;
    for (int i = 0; i < WORKERS * 30; i++) {
        assert_true(start_get(&o[i % WORKERS][i / WORKERS], &h.workers[i % WORKERS], 1, &policy));
    }
    run_ms(b, 1000);
    unsigned good = 0;
    for (int i = 0; i < WORKERS * 30; i++) {
        outcome* each = &o[i % WORKERS][i / WORKERS];
        assert_int_equal(each->calls, 1);
        good += each->code == AEROSPIKE_ERR_RECORD_NOT_FOUND;
    }
    uint64_t most = 0;
    for (int node = 0; node < 3; node++) {
        uint64_t count = sim_cluster_stat(b->cluster, node, "opened") - opened[node];
        most = count > most ? count : most;
    }
    assert_in_range(most, 8, 11); /* in one second */
    assert_true(good > 0);
    run_ms(b, 5000);
    for (int i = 0; i < WORKERS; i++) { /* by now each has its link */
        assert_true(start_get(&o[i][0], &h.workers[i], 1, &policy));
        assert_true(wait_ms(&o[i][0]) < 50);
        assert_int_equal(o[i][0].code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    }
    host_close(&h, 0);
}

/* Waiting for one's turn says nothing against the node. */
static void blames_no_node_for_its_pace(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 12);
    b.as.config.shm_connect_rate = 1;
    b.as.config.max_error_rate = 5;
    b.as.config.async_share_depth = 1;
    bed_connect_wait(&b);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 30;
    policy.base.max_retries = 0;
    policy.replica = AS_POLICY_REPLICA_MASTER;
    outcome o[40];
    for (int i = 0; i < 40; i++) {
        assert_true(start_get(&o[i], &b, 1, &policy));
    }
    for (int i = 0; i < 40; i++) {
        wait_ms(&o[i]);
        assert_true(o[i].code != AEROSPIKE_MAX_ERROR_RATE);
    }
    run_ms(&b, 3000);
    assert_true(start_get(&o[0], &b, 1, &policy));
    wait_ms(&o[0]);
    assert_int_equal(o[0].code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_ahead),
        cmocka_unit_test(opens_ahead_with_measure),
        cmocka_unit_test(trims_what_is_idle),
        cmocka_unit_test(keeps_the_hosts_budget),
        cmocka_unit_test(takes_turns_to_connect),
        cmocka_unit_test(blames_no_node_for_its_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
