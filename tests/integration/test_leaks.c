/*
 * Ten thousand commands on a real loop while nodes misbehave: afterwards no memory and no
 * descriptor is left that wasn't there after the first thousand, and after the close none at all.
 */
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/lib/sanitize.h"

#define COMMANDS 10000
#define WARM_UP 1000
#define WAVE 50        /* in flight at once */
#define FAULT_PERIOD 4 /* waves */
#define KEYS 200
#define BIG_BYTES 40000

static test_cluster* cluster;
static aerospike as;
static test_prng prng = {.state = 20127};

typedef struct tally {
    unsigned started, ended, ok, failed;
} tally;

static tally counts;

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR* dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

/* ---- commands ---- */

static void ended(const as_error* err)
{
    counts.ended++;
    counts.ok += !err || err->code == AEROSPIKE_ERR_RECORD_NOT_FOUND;
    counts.failed += err && err->code != AEROSPIKE_ERR_RECORD_NOT_FOUND;
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)udata;
    (void)loop;
    ended(err);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)record;
    (void)loop;
    ended(err);
    if (record && udata) {
        as_record_destroy(record); /* one on the heap is ours */
    }
}

static void base_set(as_policy_base* base)
{
    base->total_timeout = 60;
    base->socket_timeout = 30;
    base->max_retries = (uint32_t)test_prng_below(&prng, 4);
    base->sleep_between_retries = (uint32_t)test_prng_below(&prng, 3);
    base->timeout_delay = test_prng_below(&prng, 2) ? 3000 : 0;
}

static as_status start_get(as_error* err, const as_key* key)
{
    as_policy_read policy;
    as_policy_read_init(&policy);
    base_set(&policy.base);
    policy.replica = AS_POLICY_REPLICA_SEQUENCE;
    policy.async_heap_rec = test_prng_below(&prng, 2);
    return aerospike_key_get_async(&as, err, &policy, key, on_record,
                                   policy.async_heap_rec ? &counts : NULL, NULL, NULL);
}

static as_status start_put(as_error* err, const as_key* key)
{
    static uint8_t bytes[BIG_BYTES];
    as_policy_write policy;
    as_record record;
    as_policy_write_init(&policy);
    base_set(&policy.base);
    as_record_inita(&record, 3);
    as_record_set_int64(&record, "i", 7);
    as_record_set_str(&record, "s", "some text");
    uint32_t size = test_prng_below(&prng, 10) == 0 ? BIG_BYTES : 20;
    as_record_set_rawp(&record, "b", bytes, size, false);
    as_status status =
        aerospike_key_put_async(&as, err, &policy, key, &record, on_write, NULL, NULL, NULL);
    as_record_destroy(&record);
    return status;
}

static as_status start_remove(as_error* err, const as_key* key)
{
    as_policy_remove policy;
    as_policy_remove_init(&policy);
    base_set(&policy.base);
    return aerospike_key_remove_async(&as, err, &policy, key, on_write, NULL, NULL, NULL);
}

static void start_one(void)
{
    as_error err;
    as_key key;
    as_key_init_int64(&key, "test", "leaks", (int64_t)test_prng_below(&prng, KEYS));
    uint64_t what = test_prng_below(&prng, 10);
    as_status status = what < 5   ? start_get(&err, &key)
                       : what < 9 ? start_put(&err, &key)
                                  : start_remove(&err, &key);
    if (status != AEROSPIKE_OK) {
        fail_msg("refused: %d %s", err.code, err.message);
    }
    counts.started++;
}

static bool all_ended(void* udata)
{
    (void)udata;
    return counts.ended == counts.started;
}

static void wait_for_all(void)
{
    if (!test_run_until(all_ended, NULL, TEST_WAIT_MS)) {
        fail_msg("%u of %u commands have ended", counts.ended, counts.started);
    }
}

/* ---- faults ---- */

static void control(const char* line)
{
    if (!test_cluster_control(cluster, line)) {
        fail_msg("%s: %s", line, test_cluster_answer(cluster));
    }
}

static void fault(void)
{
    static const char* const faults[] = {
        "mute %u 3",
        "close %u",
        "reset %u",
        "close %u 3",
        "reset %u 3",
        "answer %u 9 2",
        "answer %u 18 3",
        "answer %u 14 2",
        "garbage %u 2",
        "garbage %u short",
        "other %u twice",
        "slow %u 50 4",
        "garbage %u huge 1",
        "halfclose %u 2",
        "refuse %u",
        "cont %u",
        "garbage %u truncated",
        "clear %u",
        "split %u 2",
    };
    char line[64];
    snprintf(line, sizeof(line), faults[test_prng_below(&prng, sizeof(faults) / sizeof(faults[0]))],
             (unsigned)test_prng_below(&prng, 3));
    control(line);
}

static bool is_sound(void* udata)
{
    test_result* result = udata;
    return result->calls > 0;
}

/* Faults off; late replies and the connections that wait for them go. */
static void settle(void)
{
    static test_result result;
    as_key key;
    as_error err;
    control("clear");
    for (unsigned node = 0; node < 3; node++) {
        char line[16];
        snprintf(line, sizeof(line), "cont %u", node);
        control(line);
    }
    as_key_init_int64(&key, "test", "leaks", -1);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 10000;
    policy.base.max_retries = 100;
    policy.base.sleep_between_retries = 20;
    test_result_reset(&result);
    assert_int_equal(
        aerospike_key_get_async(&as, &err, &policy, &key, test_on_record, &result, NULL, NULL),
        AEROSPIKE_OK);
    assert_true(test_run_until(is_sound, &result, TEST_WAIT_MS));
    assert_int_equal(result.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    test_run_for(3200); /* the longest timeout_delay */
}

static void run_commands(unsigned count)
{
    for (unsigned wave = 0; count > 0; wave++) {
        if (wave % FAULT_PERIOD == 0) {
            fault();
        }
        for (unsigned i = 0; i < WAVE && count > 0; i++, count--) {
            start_one();
        }
        wait_for_all();
    }
}

/* ---- the test ---- */

typedef struct usage {
    unsigned descriptors;
    int64_t allocations;
    size_t bytes;
} usage;

static usage usage_now(void)
{
    return (usage){.descriptors = descriptors(),
                   .allocations = tnd_mem_live(),
                   .bytes = TEST_MEMORY_IS_TRUE ? mallinfo2().uordblks : 0};
}

static void print_usage(const char* when, usage u)
{
    print_message("%s: %u descriptors, %" PRId64 " allocations, %zu bytes\n", when, u.descriptors,
                  u.allocations, u.bytes);
}

static void leaves_nothing_behind(void** state)
{
    (void)state;
    as_config config;
    usage before = usage_now();
    print_usage("before", before);
    test_config_init(&config, test_cluster_hosts(cluster));
    config.async_max_conns_per_node = WAVE;
    test_client_open(&as, &config);
    run_commands(WARM_UP);
    settle();
    usage warm = usage_now();
    print_usage("after the first 1000", warm);
    run_commands(COMMANDS);
    settle();
    usage after = usage_now();
    print_usage("after 10000 more", after);
    print_message("%u went well, %u failed\n", counts.ok, counts.failed);
    assert_true(counts.failed > COMMANDS / 100 && counts.ok > COMMANDS / 2);
    /* Connections and pooled commands are kept, up to their limits: three nodes, and the tender's.
     */
    assert_in_range(after.descriptors, 0, before.descriptors + 3 * (WAVE + 1) + 8);
    assert_in_range(after.allocations, 0, warm.allocations + 4 * 3 * WAVE + 2 * WAVE);
    if (TEST_MEMORY_IS_TRUE) {
        assert_in_range(after.bytes, 0, warm.bytes + 3 * WAVE * 4096 + WAVE * 16384);
    }
    test_client_close(&as);
    usage end = usage_now();
    print_usage("closed", end);
    assert_int_equal(end.descriptors, before.descriptors);
    assert_int_equal(end.allocations, before.allocations);
}

static int start(void** state)
{
    (void)state;
    cluster = test_cluster_start("--nodes", "3", NULL);
    return cluster ? 0 : -1;
}

static int stop(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
