/*
 * Counters: histograms, a worker's own figures, the host's, and that neither deaths nor moves lose
 * or double any.
 */
#include "tests/unit/shm_bed.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "shm/stats.h"

/* ---- histograms ----------------------------------------------------------------------------- */

static void test_buckets(void** state)
{
    (void)state;
    uint32_t last = 0;
    for (uint64_t us = 0; us < 40000000; us += us < 4096 ? 1 : us / 777) {
        uint32_t bucket = tnd_histogram_bucket(us);
        assert_true(bucket == last || bucket == last + 1);
        last = bucket;
        assert_true(tnd_histogram_lower_us(bucket) <= us);
        if (bucket + 1 < TND_HISTOGRAM_BUCKETS) {
            uint64_t next_us = tnd_histogram_lower_us(bucket + 1);
            assert_true(us < next_us);
            assert_true((next_us - tnd_histogram_lower_us(bucket)) * 16 <= us + 16);
        }
    }
    assert_int_equal(last, TND_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(tnd_histogram_bucket(33554431), TND_HISTOGRAM_BUCKETS - 2);
    assert_int_equal(tnd_histogram_bucket(33554432), TND_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(tnd_histogram_bucket(UINT64_MAX), TND_HISTOGRAM_BUCKETS - 1);
    assert_int_equal(tnd_histogram_lower_us(UINT32_MAX), 33554432);
}

static void test_percentiles(void** state)
{
    (void)state;
    tnd_histogram histogram;
    memset(&histogram, 0, sizeof(histogram));
    assert_int_equal(tnd_histogram_percentile_us(&histogram, 50), 0);
    for (uint64_t us = 1; us <= 10000; us++) {
        histogram.counts[tnd_histogram_bucket(us)]++;
    }
    assert_int_equal(tnd_histogram_count(&histogram), 10000);
    const double percents[] = {1, 50, 90, 99, 99.9};
    for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
        double exact = percents[i] * 100;
        double found = (double)tnd_histogram_percentile_us(&histogram, percents[i]);
        assert_true(found > exact * 0.965 && found < exact * 1.035);
    }
    assert_int_equal(tnd_histogram_percentile_us(&histogram, 0), 1);
    uint64_t highest = tnd_histogram_percentile_us(&histogram, 100);
    assert_true(highest > 9700 && highest < 10300);
    assert_int_equal(tnd_histogram_percentile_us(&histogram, 1e9), highest);
    assert_int_equal(tnd_histogram_percentile_us(&histogram, -1), 1);
    assert_int_equal(tnd_histogram_within(&histogram, 32), 31);
    assert_int_equal(tnd_histogram_within(&histogram, 4096), 4095);
    assert_int_equal(tnd_histogram_within(&histogram, 1 << 25), 10000);
    histogram.counts[TND_HISTOGRAM_BUCKETS - 1] = 1;
    assert_int_equal(tnd_histogram_within(&histogram, UINT64_MAX), 10000);
    assert_int_equal(tnd_histogram_percentile_us(&histogram, 100), 33554432);
}

/* ---- the host's figures --------------------------------------------------------------------- */

static uint64_t commands_of(const tnd_counters* counters)
{
    uint64_t count = 0;
    for (int kind = 0; kind < TND_COMMAND_KINDS; kind++) {
        for (int result = 0; result < TND_RESULTS; result++) {
            count += counters->commands[kind][result];
        }
    }
    return count;
}

static void host_read(const tnd_map* map, tnd_host_counters* host)
{
    assert_true(tnd_stats_read_host(map, now_ms(), host));
    /* However the parts lie, they make up the total. */
    tnd_counters rest = host->total;
    tnd_counters_subtract(&rest, &host->departed);
    for (uint32_t i = 0; i < host->workers_count; i++) {
        tnd_counters_subtract(&rest, &host->workers[i].counters);
    }
    static const tnd_counters zero;
    assert_memory_equal(&rest, &zero, sizeof(rest));
}

static void count_some(tnd_stats* stats, int count)
{
    for (int i = 0; i < count; i++) {
        tnd_stats_command(stats, TND_COMMAND_READ, AEROSPIKE_OK, false, 100);
    }
}

static void test_one_worker(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member member;
    tnd_stats stats = {.at = NULL};
    tnd_host_counters host;
    map_open(&map);
    join(&member, &map);
    host_read(&map, &host);
    assert_int_equal(host.workers_count, 1);
    assert_false(host.workers[0].is_counted);
    tnd_host_counters_done(&host);

    tnd_stats_attach(&stats, &member);
    assert_ptr_equal(member.stats, &stats);
    count_some(&stats, 5);
    tnd_stats_command(&stats, TND_COMMAND_WRITE, AEROSPIKE_ERR_TIMEOUT, true, 2000000);
    tnd_stats_command(&stats, TND_COMMAND_READ, AEROSPIKE_ERR_RECORD_NOT_FOUND, false, 90);
    tnd_stats_command(&stats, TND_COMMAND_OPERATE, AEROSPIKE_ERR_NO_MORE_CONNECTIONS, false, 7);
    tnd_stats_command(&stats, TND_COMMAND_OTHER, 5000, false, 7);
    tnd_stats_command(&stats, TND_COMMAND_QUERY, -5000, false, 7);
    tnd_stats_timeout(&stats, TND_TIMEOUT_REPLY, 3);
    tnd_stats_set(&stats, TND_GAUGE(delay_queue), 17);
    tnd_stats_move(&stats, TND_GAUGE(connections_open), 3);
    tnd_stats_move(&stats, TND_GAUGE(connections_open), -1);
    tnd_stats_node_begin(&stats, 3, 103);
    tnd_stats_timeout(&stats, TND_TIMEOUT_REPLY, 3);
    tnd_stats_timeout(&stats, TND_TIMEOUT_REPLY, NODES + 1); /* out of range: no node's */
    tnd_stats_tend(&stats, true, 900);
    tnd_stats_tend(&stats, false, 1100);
    tnd_stats_set(&stats, TND_GAUGE(heard_ms), now_ms() - 500);

    host_read(&map, &host);
    const tnd_worker_counters* worker = &host.workers[0];
    assert_true(worker->is_counted && host.is_shared);
    assert_int_equal(worker->state, TND_WORKER_LIVE);
    assert_int_equal(worker->pid, getpid());
    assert_int_equal(host.live_count, 1);
    const tnd_counters* c = &worker->counters;
    assert_int_equal(c->commands[TND_COMMAND_READ][TND_RESULT_OK], 5);
    assert_int_equal(c->commands[TND_COMMAND_READ][TND_RESULT_NOT_FOUND], 1);
    assert_int_equal(c->commands[TND_COMMAND_WRITE][TND_RESULT_TIMEOUT], 1);
    assert_int_equal(c->commands[TND_COMMAND_OPERATE][TND_RESULT_ERROR], 1);
    assert_int_equal(c->statuses[TND_STATUS_OFFSET + AEROSPIKE_ERR_NO_MORE_CONNECTIONS], 1);
    assert_int_equal(c->statuses[0], 1);
    assert_int_equal(c->statuses[TND_STATUSES - 1], 1);
    assert_int_equal(c->in_doubt, 1);
    assert_int_equal(c->timeouts[TND_TIMEOUT_REPLY], 3);
    assert_int_equal(tnd_histogram_count(&c->latency[TND_LATENCY_READ]), 6);
    assert_int_equal(c->latency[TND_LATENCY_READ].sum_us, 590);
    assert_int_equal(tnd_histogram_count(&c->latency[TND_LATENCY_WRITE]), 2);
    assert_int_equal(tnd_histogram_count(&c->latency[TND_LATENCY_MULTI]), 2);
    assert_int_equal(c->tends, 2);
    assert_int_equal(c->tends_failed, 1);
    assert_int_equal(host.total_gauges.delay_queue, 17);
    assert_int_equal(host.total_gauges.connections_open, 2);
    assert_int_equal(host.nodes[3].generation, 103);
    assert_int_equal(host.nodes[3].timeouts, 1);
    assert_true(host.map_age_ms >= 500 && host.map_age_ms < 20000);
    tnd_host_counters_done(&host);
    tnd_host_counters_done(&host);

    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    tnd_stats_done(&stats);
}

/* A slot's next holder begins at 0, and the host's totals go on. */
static void test_departed(void** state)
{
    (void)state;
    tnd_map map, other;
    tnd_member member, second;
    tnd_stats stats = {.at = NULL}, stats2 = {.at = NULL};
    tnd_host_counters host;
    map_open(&map);
    map_open(&other);
    join(&member, &map);
    tnd_stats_attach(&stats, &member);
    tnd_stats_move(&stats, TND_GAUGE(connections_open), 3);
    count_some(&stats, 5);
    tnd_member_leave(&member, false);
    host_read(&other, &host);
    assert_int_equal(host.workers_count, 0);
    assert_int_equal(commands_of(&host.departed), 5);
    assert_int_equal(host.total_gauges.connections_open, 0);
    tnd_host_counters_done(&host);

    join(&second, &other);
    assert_int_equal(second.slot, 0);
    host_read(&other, &host); /* joined, and hasn't begun to count */
    assert_false(host.workers[0].is_counted);
    assert_int_equal(commands_of(&host.departed), 5);
    tnd_host_counters_done(&host);

    tnd_stats_attach(&stats2, &second);
    count_some(&stats2, 7);
    host_read(&other, &host);
    assert_int_equal(commands_of(&host.workers[0].counters), 7);
    assert_int_equal(commands_of(&host.departed), 5);
    assert_int_equal(commands_of(&host.total), 12);
    assert_int_equal(host.total_gauges.connections_open, 0);
    tnd_host_counters_done(&host);
    tnd_member_leave(&second, false);
    tnd_map_close(&map);
    tnd_map_close(&other);
    tnd_stats_done(&stats);
    tnd_stats_done(&stats2);
}

/* What dying workers have counted for sure, and perhaps. Shared with them. */
static struct {
    _Atomic uint64_t begun;
    _Atomic uint64_t done;
} * ledger;

static tnd_map bystander;

static void child_counts(void)
{
    tnd_map map;
    tnd_member member;
    tnd_stats stats = {.at = NULL};
    map_open(&map);
    tnd_point_hook = die_at_countdown;
    join(&member, &map);
    tnd_stats_attach(&stats, &member);
    for (int i = 0; i < 3; i++) {
        atomic_fetch_add(&ledger->begun, 1);
        tnd_stats_add(&stats, TND_COUNTER(retries), 1);
        atomic_fetch_add(&ledger->done, 1);
    }
    tnd_point_hook = NULL;
    kill(getpid(), SIGKILL);
}

static void check_count(int n)
{
    (void)n;
    tnd_host_counters host;
    host_read(&bystander, &host);
    assert_true(host.total.retries >= atomic_load(&ledger->done));
    assert_true(host.total.retries <= atomic_load(&ledger->begun));
    /* Nobody but the dead one can have done half an event. */
    atomic_store(&ledger->begun, host.total.retries);
    atomic_store(&ledger->done, host.total.retries);
    tnd_host_counters_done(&host);
}

/* Kill at every store of join and count: each successor takes the slot of a dead one, also of one
 * that died copying its base. */
static void test_no_death_loses_or_doubles(void** state)
{
    (void)state;
    ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(ledger != MAP_FAILED);
    map_open(&bystander);
    int deaths = 0;
    for (int n = 1; n <= 40; n++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            death_countdown = n;
            child_counts();
            _exit(1);
        }
        int wstatus;
        assert_int_equal(waitpid(pid, &wstatus, 0), pid);
        assert_true(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL);
        check_count(n);
        deaths++;
    }
    assert_int_equal(deaths, 40);
    assert_true(atomic_load(&ledger->done) >= 3 * 20);
    tnd_map_close(&bystander);
    munmap(ledger, sizeof(*ledger));
}

/* To another segment: a worker's own figures come along. */
static void test_move(void** state)
{
    (void)state;
    tnd_map map, next;
    tnd_member member, moved;
    tnd_stats stats = {.at = NULL};
    tnd_host_counters host;
    tnd_counters own;
    tnd_gauges gauges;
    map_open(&map);
    join(&member, &map);
    tnd_stats_attach(&stats, &member);
    count_some(&stats, 5);
    tnd_stats_set(&stats, TND_GAUGE(connections_open), 2);
    segment_remove();
    map_open(&next);
    join(&moved, &next);
    tnd_stats_attach(&stats, &moved);
    tnd_member_leave(&member, false);
    tnd_map_close(&map);
    count_some(&stats, 1);
    tnd_stats_read_own(&stats, &own, &gauges);
    assert_int_equal(commands_of(&own), 6);
    assert_int_equal(gauges.connections_open, 2);
    host_read(&next, &host);
    assert_int_equal(commands_of(&host.total), 6);
    assert_int_equal(commands_of(&host.departed), 0);
    tnd_host_counters_done(&host);
    tnd_member_leave(&moved, true);
    tnd_map_close(&next);
    tnd_stats_done(&stats);
}

/* Without a slot a worker counts for itself, and others don't see it. */
static void test_no_slot(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member members[WORKERS + 1];
    tnd_stats stats = {.at = NULL};
    tnd_counters own;
    tnd_gauges gauges;
    map_open(&map);
    for (int i = 0; i < WORKERS; i++) {
        join(&members[i], &map);
    }
    tnd_member* late = &members[WORKERS];
    assert_int_equal(tnd_member_join(late, &map, 1, 1, 0, now_ms(), 0), TND_JOIN_FULL);
    tnd_stats_attach(&stats, late);
    assert_false(stats.is_shared);
    count_some(&stats, 4);
    tnd_stats_node_begin(&stats, NODES, 1);
    tnd_stats_timeout(&stats, TND_TIMEOUT_WRITE, NODES);
    tnd_stats_attach(&stats, late); /* again the same: nothing is lost */
    tnd_stats_read_own(&stats, &own, &gauges);
    assert_int_equal(commands_of(&own), 4);
    tnd_member_leave(&members[0], false);
    join(&members[0], &map);
    tnd_stats_attach(&stats, &members[0]); /* into a slot after all */
    assert_true(stats.is_shared);
    assert_null(stats.own);
    tnd_stats_read_own(&stats, &own, &gauges);
    assert_int_equal(commands_of(&own), 4);
    for (int i = 0; i <= WORKERS; i++) {
        tnd_member_leave(&members[i], true);
    }
    tnd_map_close(&map);
    tnd_stats_done(&stats);
}

/* Before the first attach, and with none at all, counting does nothing. */
static void test_nowhere(void** state)
{
    (void)state;
    tnd_stats stats = {.at = NULL};
    tnd_stats* const each[] = {&stats, NULL};
    for (int i = 0; i < 2; i++) {
        count_some(each[i], 1);
        tnd_stats_set(each[i], TND_GAUGE(delay_queue), 1);
        tnd_stats_move(each[i], TND_GAUGE(delay_queue), 1);
        tnd_stats_node_begin(each[i], 0, 1);
        tnd_stats_timeout(each[i], TND_TIMEOUT_MAP, 0);
    }
    tnd_counters own;
    tnd_gauges gauges;
    tnd_stats_read_own(&stats, &own, &gauges);
    assert_int_equal(commands_of(&own), 0);
}

static void test_private_memory(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    config.use_shm = false;
    config.workers_capacity = 1;
    tnd_map map;
    tnd_member member;
    tnd_stats stats = {.at = NULL};
    tnd_host_counters host;
    as_error err;
    assert_int_equal(tnd_map_open(&map, &config, as_error_init(&err)), AEROSPIKE_OK);
    join(&member, &map);
    tnd_stats_attach(&stats, &member);
    count_some(&stats, 3);
    host_read(&map, &host);
    assert_false(host.is_shared);
    assert_int_equal(commands_of(&host.total), 3);
    tnd_host_counters_done(&host);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    tnd_stats_done(&stats);
}

/* Whatever stands in slots and counters, reading ends well. */
static void test_garbage(void** state)
{
    (void)state;
    tnd_map map;
    tnd_map_config config = config_make();
    config.use_shm = false;
    as_error err;
    assert_int_equal(tnd_map_open(&map, &config, as_error_init(&err)), AEROSPIKE_OK);
    srand(1);
    for (int round = 0; round < 20; round++) {
        for (uint8_t* at = (uint8_t*)map.control; at < (uint8_t*)map.map; at++) {
            *at = (uint8_t)rand();
        }
        tnd_host_counters host;
        host_read(&map, &host);
        assert_int_equal(host.workers_count, WORKERS);
        tnd_host_counters_done(&host);
    }
    tnd_map_close(&map);
}

static void test_words(void** state)
{
    (void)state;
    assert_string_equal(tnd_command_kind_name(TND_COMMAND_OTHER), "other");
    assert_string_equal(tnd_command_kind_name(TND_COMMAND_KINDS), "?");
    assert_string_equal(tnd_command_result_name(TND_RESULT_ERROR), "error");
    assert_string_equal(tnd_timeout_phase_name(TND_TIMEOUT_SERVER), "server");
    assert_string_equal(tnd_latency_kind_name(TND_LATENCY_MULTI), "multi");
    assert_string_equal(tnd_worker_state_name(TND_WORKER_DAMAGED), "damaged");
    assert_string_equal(tnd_worker_state_name((tnd_worker_state)77), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test_setup_teardown(test_one_worker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_departed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_death_loses_or_doubles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_slot, setup, teardown),
        cmocka_unit_test(test_nowhere),
        cmocka_unit_test_setup_teardown(test_private_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
