/*
 * What a client counts, in virtual time: every command under its kind, result and time, timeouts by
 * phase, connections open and in use; and after random faults the books still balance.
 */
#include "tests/sim/cmd_bed.h"
#include <aerospike/aerospike_stats.h>
#include <tendril/stats.h>

#define NODES 3

/* What listeners saw, to be compared with what was counted. */
static struct {
    unsigned running;
    uint64_t ended;
    uint64_t failed;
    uint64_t in_doubt;
} seen;

static void take(const as_error* err)
{
    seen.running--;
    seen.ended++;
    seen.failed += err && err->code != AEROSPIKE_ERR_RECORD_NOT_FOUND;
    seen.in_doubt += err && err->in_doubt;
}

static void on_done(as_error* err, void* udata, as_event_loop* loop)
{
    (void)udata;
    (void)loop;
    take(err);
}

static void on_got(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)record;
    (void)udata;
    (void)loop;
    take(err);
}

static bool is_idle(void* udata)
{
    (void)udata;
    return seen.running == 0;
}

static void begin(bed* b, uint64_t seed)
{
    memset(&seen, 0, sizeof(seen));
    bed_open(b, seed);
}

static void get(bed* b, int64_t id, const as_policy_read* policy)
{
    as_error err;
    as_key key;
    as_key_init_int64(&key, "test", "sim", id);
    seen.running++;
    assert_int_equal(
        aerospike_key_get_async(&b->as, &err, policy, &key, on_got, b, b->events->entries, NULL),
        AEROSPIKE_OK);
}

static void put(bed* b, int64_t id, const as_policy_write* policy)
{
    as_error err;
    as_key key;
    as_record record;
    as_key_init_int64(&key, "test", "sim", id);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "v", id);
    seen.running++;
    assert_int_equal(aerospike_key_put_async(&b->as, &err, policy, &key, &record, on_done, b,
                                             b->events->entries, NULL),
                     AEROSPIKE_OK);
}

static void erase(bed* b, int64_t id)
{
    as_error err;
    as_key key;
    as_key_init_int64(&key, "test", "sim", id);
    seen.running++;
    assert_int_equal(
        aerospike_key_remove_async(&b->as, &err, NULL, &key, on_done, b, b->events->entries, NULL),
        AEROSPIKE_OK);
}

static void wait_all(bed* b)
{
    assert_true(sim_world_run_until(b->world, is_idle, b, 100 * SECOND));
}

static void own(bed* b, tnd_counters* counters, tnd_gauges* gauges)
{
    as_error err;
    assert_int_equal(aerospike_worker_counters(&b->as, &err, counters, gauges), AEROSPIKE_OK);
}

/* ---- tests ---- */

static void counts_commands(void** state)
{
    (void)state;
    bed b;
    tnd_counters c;
    tnd_gauges g;
    as_error err;
    begin(&b, 1);
    own(&b, &c, &g);
    assert_int_equal(c.takeovers, 1);
    put(&b, 1, NULL);
    put(&b, 2, NULL);
    own(&b, &c, &g);
    assert_int_equal(g.commands_running, 2);
    assert_true(g.connections_open >= 1 && g.connections_open == g.connections_in_use);
    wait_all(&b);
    get(&b, 1, NULL);
    get(&b, 99, NULL);
    wait_all(&b);
    erase(&b, 1);
    wait_all(&b);
    as_key key;
    as_key_init_int64(&key, "nowhere", "sim", 1);
    assert_int_equal(
        aerospike_key_get_async(&b.as, &err, NULL, &key, on_got, &b, b.events->entries, NULL),
        AEROSPIKE_ERR_NAMESPACE_NOT_FOUND);
    own(&b, &c, &g);
    assert_int_equal(c.commands[TND_COMMAND_WRITE][TND_RESULT_OK], 2);
    assert_int_equal(c.commands[TND_COMMAND_READ][TND_RESULT_OK], 1);
    assert_int_equal(c.commands[TND_COMMAND_READ][TND_RESULT_NOT_FOUND], 1);
    assert_int_equal(c.commands[TND_COMMAND_REMOVE][TND_RESULT_OK], 1);
    assert_int_equal(c.refused, 1);
    assert_int_equal(c.retries, 0);
    assert_int_equal(tnd_histogram_count(&c.latency[TND_LATENCY_WRITE]), 3);
    assert_int_equal(tnd_histogram_count(&c.latency[TND_LATENCY_READ]), 2);
    assert_int_equal(g.commands_running, 0);
    assert_int_equal(g.connections_in_use, 0);
    assert_int_equal(c.connections_opened - c.connections_closed, g.connections_open);
    assert_true(c.bytes_sent > 100 && c.bytes_received > 100);
    bed_end(&b);
    assert_int_equal(aerospike_worker_counters(&b.as, &err, &c, &g), AEROSPIKE_ERR_CLIENT);
}

static void counts_time(void** state)
{
    (void)state;
    bed b;
    tnd_counters c;
    tnd_gauges g;
    begin(&b, 2);
    all_nodes(&b, "slow %u 40 always");
    get(&b, 1, NULL);
    wait_all(&b);
    own(&b, &c, &g);
    uint64_t us = tnd_histogram_percentile_us(&c.latency[TND_LATENCY_READ], 50);
    assert_in_range(us, 38000, 45000);
    assert_in_range(c.latency[TND_LATENCY_READ].sum_us, 38000, 45000);
    bed_end(&b);
}

static void counts_timeouts_and_retries(void** state)
{
    (void)state;
    bed b;
    tnd_counters c;
    tnd_gauges g;
    begin(&b, 3);
    all_nodes(&b, "mute %u always");
    as_policy_read read;
    as_policy_read_init(&read);
    read.base.socket_timeout = 100;
    read.base.max_retries = 2;
    get(&b, 1, &read);
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.total_timeout = 50;
    put(&b, 1, &write);
    wait_all(&b);
    all_nodes(&b, "clear %u");
    all_nodes(&b, "answer %u 9 always");
    read.base.max_retries = 0;
    get(&b, 1, &read);
    wait_all(&b);
    own(&b, &c, &g);
    assert_int_equal(c.timeouts[TND_TIMEOUT_REPLY], 4);
    assert_int_equal(c.timeouts[TND_TIMEOUT_SERVER], 1);
    assert_int_equal(c.retries, 2);
    assert_int_equal(c.in_doubt, 1);
    assert_int_equal(c.commands[TND_COMMAND_READ][TND_RESULT_TIMEOUT], 2);
    assert_int_equal(c.commands[TND_COMMAND_WRITE][TND_RESULT_TIMEOUT], 1);
    assert_int_equal(c.statuses[TND_STATUS_OFFSET + AEROSPIKE_ERR_TIMEOUT], 3);
    all_nodes(&b, "clear %u");
    all_nodes(&b, "drop %u");
    sim_world_run_for(b.world, SECOND);
    read.base.connect_timeout = 40;
    get(&b, 5, &read);
    wait_all(&b);
    own(&b, &c, &g);
    assert_int_equal(c.timeouts[TND_TIMEOUT_CONNECT], 1);
    all_nodes(&b, "cont %u");
    bed_end(&b);
}

/* Rounds of tending, the age of the map, and each node's connections. */
static void counts_tends(void** state)
{
    (void)state;
    bed b;
    tnd_host_counters host;
    as_error err;
    begin(&b, 4);
    sim_world_run_for(b.world, 5 * SECOND);
    for (int i = 0; i < 50; i++) {
        get(&b, i, NULL);
    }
    wait_all(&b);
    assert_int_equal(aerospike_host_counters(&b.as, &err, &host), AEROSPIKE_OK);
    assert_false(host.is_shared);
    assert_int_equal(host.workers_count, 1);
    assert_true(host.workers[0].is_tender);
    assert_in_range(host.total.tends, 4, 6);
    assert_int_equal(host.total.tends_failed, 0);
    assert_int_equal(tnd_histogram_count(&host.total.tend), host.total.tends);
    assert_true(tnd_histogram_percentile_us(&host.total.tend, 99) < 100000);
    assert_true(host.map_age_ms <= 1100);
    uint64_t open = 0, requests = 0;
    for (uint32_t i = 1; i <= NODES; i++) {
        open += host.nodes[i].connections_open;
        requests += host.nodes[i].requests;
        assert_true(host.nodes[i].requests > 0);
        assert_int_equal(host.nodes[i].connections_in_use, 0);
    }
    assert_int_equal(requests, 50);
    assert_int_equal(open, host.total_gauges.connections_open);
    tnd_host_counters_done(&host);
    all_nodes(&b, "drop %u");
    sim_world_run_for(b.world, 7 * SECOND);
    assert_int_equal(aerospike_host_counters(&b.as, &err, &host), AEROSPIKE_OK);
    assert_true(host.total.tends_failed >= 3);
    assert_in_range(host.map_age_ms, 6000, 9000);
    tnd_host_counters_done(&host);
    bed_end(&b);
}

/* The official interface on the same figures. */
static void tells_them_officially(void** state)
{
    (void)state;
    bed b;
    as_cluster_stats stats;
    begin(&b, 5);
    for (int i = 0; i < 30; i++) {
        get(&b, i, NULL);
    }
    aerospike_stats(&b.as, &stats);
    assert_int_equal(stats.event_loops_size, 1);
    assert_int_equal(stats.event_loops[0].process_size, 30);
    aerospike_stats_destroy(&stats);
    wait_all(&b);
    all_nodes(&b, "answer %u 14 1");
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.max_retries = 0;
    for (int i = 0; i < 30; i++) {
        get(&b, i, &policy);
    }
    wait_all(&b);
    all_nodes(&b, "mute %u 1");
    policy.base.socket_timeout = 50;
    policy.base.timeout_delay = 3000;
    get(&b, 1, &policy);
    wait_all(&b);
    aerospike_stats(&b.as, &stats);
    assert_int_equal(stats.nodes_size, NODES);
    assert_int_equal(stats.recover_queue_size, 1);
    uint64_t busy = 0, timeouts = 0, open = 0, opened = 0;
    for (uint32_t i = 0; i < stats.nodes_size; i++) {
        const as_node_stats* n = &stats.nodes[i];
        assert_int_equal(strncmp(n->node->name, "BB9", 3), 0);
        assert_int_equal(strncmp(as_node_get_address_string(n->node), "127.0.0.1:300", 13), 0);
        busy += n->key_busy_count;
        timeouts += n->timeout_count;
        open += n->async.in_pool + n->async.in_use;
        opened += n->async.opened;
        assert_int_equal(n->sync.opened + n->pipeline.opened + n->error_count, 0);
    }
    assert_int_equal(busy, 3);
    assert_int_equal(timeouts, 1);
    assert_true(open > 0 && open == opened);
    char* words = aerospike_stats_to_string(&stats);
    assert_non_null(words);
    assert_non_null(strstr(words, "key_busy(1)"));
    assert_non_null(strstr(words, "recovering: 1"));
    free(words);
    aerospike_stats_destroy(&stats);
    sim_world_run_for(b.world, 5 * SECOND); /* the late reply doesn't come */
    aerospike_stats(&b.as, &stats);
    assert_int_equal(stats.recover_queue_size, 0);
    assert_int_equal(stats.nodes[0].async.aborted + stats.nodes[1].async.aborted +
                         stats.nodes[2].async.aborted,
                     1);
    aerospike_stats_destroy(&stats);
    bed_end(&b);
    aerospike_stats(&b.as, &stats); /* closed: nothing */
    assert_int_equal(stats.nodes_size + stats.event_loops_size, 0);
    aerospike_stats_destroy(&stats);
}

static uint64_t below(bed* b, uint64_t bound)
{
    return sim_world_random(b->world) % bound;
}

static uint64_t commands_of(const tnd_counters* c, tnd_command_result result)
{
    uint64_t count = 0;
    for (int kind = 0; kind < TND_COMMAND_KINDS; kind++) {
        count += c->commands[kind][result];
    }
    return count;
}

static void books_balance(bed* b, uint64_t seed)
{
    tnd_counters c;
    tnd_gauges g;
    own(b, &c, &g);
    uint64_t latencies = 0, statuses = 0, commands = 0;
    for (int i = 0; i < TND_LATENCIES; i++) {
        latencies += tnd_histogram_count(&c.latency[i]);
    }
    for (int i = 0; i < TND_STATUSES; i++) {
        statuses += c.statuses[i];
    }
    for (int i = 0; i < TND_RESULTS; i++) {
        commands += commands_of(&c, (tnd_command_result)i);
    }
    if (commands != seen.ended || latencies != seen.ended || statuses != seen.ended ||
        c.in_doubt != seen.in_doubt ||
        commands_of(&c, TND_RESULT_TIMEOUT) + commands_of(&c, TND_RESULT_ERROR) != seen.failed ||
        g.commands_running != 0 || g.commands_waiting != 0 || g.connections_in_use != 0 ||
        c.connections_opened - c.connections_closed != g.connections_open) {
        fail_msg("seed %" PRIu64 ": %" PRIu64 " commands ended, %" PRIu64 " counted; %" PRIu64
                 " connections open, %" PRIu64 " opened, %" PRIu64 " closed, %" PRIu64 " in use",
                 seed, seen.ended, commands, g.connections_open, c.connections_opened,
                 c.connections_closed, g.connections_in_use);
    }
}

static void balances_under_faults(void** state)
{
    (void)state;
    static const char* const faults[] = {
        "mute %u 2",      "close %u",     "reset %u",         "reset %u 2",    "answer %u 9 1",
        "answer %u 11 2", "garbage %u 1", "other %u twice 1", "slow %u 120 3", "stop %u",
        "cont %u",        "refuse %u",    "cont %u",          "clear %u",      "halfclose %u 1",
    };
    for (uint64_t seed = 1; seed <= 30; seed++) {
        bed b;
        begin(&b, seed);
        as_policy_read read;
        as_policy_read_init(&read);
        read.base.socket_timeout = 300;
        as_policy_write write;
        as_policy_write_init(&write);
        write.base.max_retries = 1;
        for (int i = 0; i < 200; i++) {
            char line[64];
            if (below(&b, 4) == 0) {
                snprintf(line, sizeof(line), faults[below(&b, sizeof(faults) / sizeof(*faults))],
                         (unsigned)below(&b, NODES));
                sim_cluster_control(b.cluster, "%s", line);
            }
            if (below(&b, 2)) {
                get(&b, (int64_t)below(&b, 100), &read);
            } else {
                put(&b, (int64_t)below(&b, 100), &write);
            }
            sim_world_run_for(b.world, below(&b, 30000));
        }
        all_nodes(&b, "cont %u");
        wait_all(&b);
        books_balance(&b, seed);
        bed_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_commands),
        cmocka_unit_test(counts_time),
        cmocka_unit_test(counts_timeouts_and_retries),
        cmocka_unit_test(counts_tends),
        cmocka_unit_test(tells_them_officially),
        cmocka_unit_test(balances_under_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
