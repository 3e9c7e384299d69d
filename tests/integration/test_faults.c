/*
 * Record commands and a cluster that misbehaves: refusals, silence, garbage, broken connections.
 * What the program is told, how often the listener is called, and what becomes of the connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"

#define NS "test"
#define SET "faults"

static test_cluster* cluster;
static aerospike as;
static as_key key;     /* there, with a = 7 */
static unsigned owner; /* the node of its master */

static void control(const char* format, unsigned node, int number)
{
    char line[128];
    snprintf(line, sizeof(line), format, node, number);
    if (!test_cluster_control(cluster, line)) {
        fail_msg("%s: %s", line, test_cluster_answer(cluster));
    }
}

static unsigned long opened(void)
{
    return test_cluster_stat(cluster, "opened");
}

/* ---- commands ---- */

static as_policy_read reading(uint32_t total_ms, uint32_t retries)
{
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = total_ms;
    policy.base.max_retries = retries;
    return policy;
}

static as_policy_write writing(uint32_t total_ms, uint32_t retries)
{
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.base.total_timeout = total_ms;
    policy.base.max_retries = retries;
    return policy;
}

static void start_get(const as_policy_read* policy, test_result* result)
{
    as_error err;
    test_result_reset(result);
    if (aerospike_key_get_async(&as, &err, policy, &key, test_on_record, result, NULL, NULL)) {
        fail_msg("get: %d %s", err.code, err.message);
    }
    assert_int_equal(result->calls, 0); /* never inside the call */
}

static as_status get(const as_policy_read* policy, test_result* result)
{
    start_get(policy, result);
    test_result_wait(result);
    if (result->record && as_record_get_int64(result->record, "a", 0) != 7) {
        fail_msg("a wrong record");
    }
    return result->code;
}

static as_status put(const as_policy_write* policy, test_result* result)
{
    as_error err;
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "a", 7);
    test_result_reset(result);
    if (aerospike_key_put_async(&as, &err, policy, &key, &record, test_on_write, result, NULL,
                                NULL)) {
        fail_msg("put: %d %s", err.code, err.message);
    }
    test_result_wait(result);
    return result->code;
}

/* ---- refusals ---- */

static void hands_on_what_the_server_says(void** state)
{
    (void)state;
    test_result result = {0};
    static const int codes[] = {1,  2,  3,  4,  5,  8,  10, 12, 13, 16, 17, 19,
                                20, 21, 22, 25, 26, 27, 81, 82, 83, 91, 255};
    as_policy_read policy = reading(5000, 2);
    as_policy_write write = writing(5000, 2);
    unsigned long before = opened();
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        control("answer %u %d 1", owner, codes[i]);
        assert_int_equal(get(&policy, &result), codes[i]); /* not repeated */
        assert_non_null(strstr(result.message, "127.0.0.1:"));
        assert_non_null(strstr(result.message, as_error_string((as_status)codes[i])));
        control("answer %u %d 1", owner, codes[i]);
        assert_int_equal(put(&write, &result), codes[i]);
        assert_false(result.in_doubt);
    }
    assert_int_equal(opened(), before); /* all of them leave the connection usable */
    control("answer %u %d 1", owner, 80);
    assert_int_equal(get(&policy, &result), AEROSPIKE_NOT_AUTHENTICATED);
    assert_int_equal(get(&policy, &result), AEROSPIKE_OK);
    assert_true(opened() > before); /* this one doesn't */
}

static void repeats_refusals_that_may_pass(void** state)
{
    (void)state;
    test_result result = {0};
    static const struct {
        int code;
        bool is_write_repeated;
    } cases[] = {{9, false}, {11, true}, {14, true}, {18, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code = cases[i].code;
        as_policy_read read = reading(5000, 0);
        control("answer %u %d 1", owner, code);
        assert_int_equal(get(&read, &result), code);
        read = reading(5000, 2);
        control("answer %u %d 1", owner, code);
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        as_policy_write write = writing(5000, 0);
        control("answer %u %d 1", owner, code);
        assert_int_equal(put(&write, &result), code);
        assert_true(result.in_doubt == (code == 9));
        write = writing(5000, 2);
        control("answer %u %d 1", owner, code);
        assert_int_equal(put(&write, &result), cases[i].is_write_repeated ? AEROSPIKE_OK : code);
        assert_true(result.in_doubt == (code == 9));
        control("clear %u", owner, 0);
    }
}

static void gives_up_after_the_last_retry(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(5000, 3);
    read.replica = AS_POLICY_REPLICA_MASTER;
    control("answer %u %d 4", owner, 18);
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_DEVICE_OVERLOAD);
    assert_non_null(strstr(result.message, "attempt 4 of 4"));
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
}

static void pauses_between_retries(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(5000, 2);
    read.replica = AS_POLICY_REPLICA_MASTER;
    read.base.sleep_between_retries = 100;
    control("answer %u %d 2", owner, 18);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
    assert_in_range(result.after_us, 200 * 1000, 2000 * 1000);
    /* No time for the pause: the refusal is the answer, at once. */
    read.base.total_timeout = 80;
    control("answer %u %d 2", owner, 18);
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_DEVICE_OVERLOAD);
    assert_true(result.after_us < 80 * 1000);
    control("clear %u", owner, 0);
}

/* ---- silence ---- */

static void tries_a_replica_when_the_master_is_silent(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(5000, 1);
    read.base.socket_timeout = 100;
    control("mute %u 1", owner, 0);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
    assert_in_range(result.after_us, 100 * 1000, 2000 * 1000);
    control("mute %u 1", owner, 0);
    read.base.max_retries = 0;
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_TIMEOUT);
    assert_non_null(strstr(result.message, "waiting for the reply"));
    assert_non_null(strstr(result.message, "127.0.0.1:"));
    assert_false(result.in_doubt);
}

static void keeps_deadlines(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(150, 5);
    control("mute %u always", owner, 0);
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_TIMEOUT); /* of the total: no retry */
    assert_in_range(result.after_us, 150 * 1000, 1500 * 1000);
    as_policy_write write = writing(150, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_ERR_TIMEOUT);
    assert_true(result.in_doubt);
    /* A write stays with the master, and is in doubt from its first attempt on. */
    write = writing(1000, 1);
    write.base.socket_timeout = 100;
    assert_int_equal(put(&write, &result), AEROSPIKE_ERR_TIMEOUT);
    assert_true(result.in_doubt);
    assert_in_range(result.after_us, 200 * 1000, 2000 * 1000);
    control("clear %u", owner, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
}

/* A definite answer says nothing about the attempt before it. */
static void remembers_a_doubt(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    as_policy_write write = writing(3000, 1);
    write.base.socket_timeout = 100;
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "a", 7);
    test_result_reset(&result);
    control("mute %u 1", owner, 0);
    assert_int_equal(aerospike_key_put_async(&as, &err, &write, &key, &record, test_on_write,
                                             &result, NULL, NULL),
                     AEROSPIKE_OK);
    test_run_for(50);
    control("answer %u %d 1", owner, 8);
    test_result_wait(&result);
    assert_int_equal(result.code, AEROSPIKE_ERR_SERVER_FULL);
    assert_true(result.in_doubt);
}

static void swallows_a_late_reply(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(100, 0);
    as_policy_read patient = reading(5000, 0);
    assert_int_equal(get(&patient, &result), AEROSPIKE_OK);
    unsigned long before = opened();
    control("slow %u %d 1 on=record", owner, 300);
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_TIMEOUT);
    test_run_for(600);
    assert_int_equal(get(&patient, &result), AEROSPIKE_OK);
    unsigned long after = opened();
    assert_int_equal(after, before);
    read.base.timeout_delay = 0;
    control("slow %u %d 1 on=record", owner, 300);
    assert_int_equal(get(&read, &result), AEROSPIKE_ERR_TIMEOUT);
    test_run_for(600);
    assert_int_equal(get(&patient, &result), AEROSPIKE_OK);
}

/* Each byte is a sign of life: only the total limit counts. */
static void forgives_a_slow_reply_that_comes(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(10000, 0);
    read.base.socket_timeout = 300;
    control("split %u 1 gap=%d on=record", owner, 20);
    if (get(&read, &result) != AEROSPIKE_OK) {
        fail_msg("%s", result.message);
    }
    assert_true(result.after_us > 300 * 1000);
    control("clear %u", owner, 0);
    test_run_for(50);
    control("split %u always on=record", owner, 0);
    if (get(&read, &result) != AEROSPIKE_OK) {
        fail_msg("%s", result.message);
    }
    control("clear %u", owner, 0);
}

/* ---- broken connections ---- */

static void survives_broken_connections(void** state)
{
    (void)state;
    test_result result = {0};
    static const char* const ways[] = {"reset %u 1", "close %u 1", "halfclose %u 1"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        as_policy_read read = reading(3000, 0);
        control(ways[i], owner, 0);
        assert_int_equal(get(&read, &result), AEROSPIKE_ERR_ASYNC_CONNECTION);
        assert_non_null(strstr(result.message, "127.0.0.1:"));
        read = reading(3000, 1);
        control(ways[i], owner, 0);
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        as_policy_write write = writing(3000, 0);
        control(ways[i], owner, 0);
        assert_int_equal(put(&write, &result), AEROSPIKE_ERR_ASYNC_CONNECTION);
        assert_true(result.in_doubt);
        write = writing(3000, 1);
        control(ways[i], owner, 0);
        assert_int_equal(put(&write, &result), AEROSPIKE_OK);
    }
}

static void closes_idle_connections_that_end(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_write write = writing(3000, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
    control("close %u", owner, 0); /* all of its connections, now */
    test_run_for(100);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK); /* on a new one, without a retry */
}

static void knows_that_nothing_was_sent(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_write write = writing(1000, 0);
    control("refuse %u", owner, 0);
    control("reset %u", owner, 0);
    test_run_for(20);
    assert_int_equal(put(&write, &result), AEROSPIKE_ERR_ASYNC_CONNECTION);
    assert_false(result.in_doubt);
    as_policy_read read = reading(3000, 2);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK); /* from the replica */
    write = writing(3000, 2);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK); /* passed on by the replica's node */
    control("cont %u", owner, 0);
    test_run_for(1500); /* until the tender has seen it again */
}

/* ---- nonsense ---- */

static void refuses_garbage(void** state)
{
    (void)state;
    test_result result = {0};
    static const struct {
        const char* kind;
        as_status status;
    } cases[] = {
        {"version", AEROSPIKE_ERR_CLIENT},
        {"type", AEROSPIKE_ERR_CLIENT},
        {"oversize", AEROSPIKE_ERR_CLIENT},
        {"huge", AEROSPIKE_ERR_TIMEOUT},
        {"empty", AEROSPIKE_ERR_CLIENT},
        {"short", AEROSPIKE_ERR_CLIENT},
        {"truncated", AEROSPIKE_ERR_ASYNC_CONNECTION},
        {"header", AEROSPIKE_ERR_ASYNC_CONNECTION},
        {"counts", AEROSPIKE_ERR_CLIENT},
        {"entry", AEROSPIKE_ERR_CLIENT},
        {"field", AEROSPIKE_ERR_CLIENT},
        {"trailing", AEROSPIKE_ERR_CLIENT},
    };
    as_policy_read patient = reading(5000, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "garbage %%u %s 1", cases[i].kind);
        as_policy_read read = reading(300, 0);
        read.base.timeout_delay = 0;
        control(line, owner, 0);
        assert_int_equal(get(&read, &result), cases[i].status);
        assert_non_null(strstr(result.message, "127.0.0.1:"));
        as_policy_write write = writing(300, 0);
        write.base.timeout_delay = 0;
        control(line, owner, 0);
        assert_int_equal(put(&write, &result), cases[i].status);
        assert_true(result.in_doubt);
        assert_int_equal(get(&patient, &result), AEROSPIKE_OK);
    }
    control("clear %u", owner, 0);
}

static void refuses_another_commands_reply(void** state)
{
    (void)state;
    test_result result = {0};
    static const char* const kinds[] = {"info", "admin", "batch"};
    as_policy_read read = reading(1000, 0);
    as_policy_write write = writing(1000, 0);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "other %%u %s 1", kinds[i]);
        unsigned long before = opened();
        control(line, owner, 0);
        assert_int_equal(get(&read, &result), AEROSPIKE_ERR_CLIENT);
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        assert_true(opened() > before);
    }
    control("other %u record 1", owner, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_ERR_CLIENT);
    assert_true(result.in_doubt);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
}

static void closes_a_connection_that_says_too_much(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(1000, 0);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
    unsigned long before = opened();
    control("other %u twice 1", owner, 0);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
    test_run_for(50);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
    assert_true(opened() > before);
}

static unsigned owner_of(const as_key* some)
{
    char line[64];
    unsigned node;
    unsigned partition = (some->digest.value[0] | (unsigned)some->digest.value[1] << 8) & 4095;
    snprintf(line, sizeof(line), "owner %s %u", NS, partition);
    assert_true(test_cluster_control(cluster, line));
    assert_int_equal(sscanf(test_cluster_answer(cluster), "column=0 node=%u", &node), 1);
    return node;
}

/* Not there, but on the same node. */
static as_key missing;

static void find_missing(void)
{
    as_error err;
    for (int i = 0; i < 1000; i++) {
        as_key_init_int64(&missing, NS, SET, i);
        assert_int_equal(as_key_set_digest(&err, &missing), AEROSPIKE_OK);
        if (owner_of(&missing) == owner) {
            return;
        }
    }
    fail_msg("no key on node %u", owner);
}

/* The second copy is there already when the listener starts another command. */
static void on_get_then_other(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)record;
    as_error inner;
    assert_null(err);
    assert_int_equal(
        aerospike_key_get_async(&as, &inner, NULL, &missing, test_on_record, udata, loop, NULL),
        AEROSPIKE_OK);
}

static void gives_no_command_the_reply_of_another(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    find_missing();
    for (int i = 0; i < 5; i++) {
        test_result_reset(&result);
        control("other %u twice 1", owner, 0);
        assert_int_equal(
            aerospike_key_get_async(&as, &err, NULL, &key, on_get_then_other, &result, NULL, NULL),
            AEROSPIKE_OK);
        test_result_wait(&result);
        assert_int_equal(result.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    }
}

/* ---- limits ---- */

static void limits_connections_per_node(void** state)
{
    (void)state;
    enum {
        LIMIT = 8 * 16, /* connections, and what each takes */
        COUNT = LIMIT + 4
    };
    static test_result results[COUNT];
    test_result result = {0};
    as_policy_read read = reading(400, 0);
    read.base.timeout_delay = 0;
    control("mute %u always", owner, 0);
    for (int i = 0; i < COUNT; i++) {
        start_get(&read, &results[i]);
        assert_int_equal(results[i].calls, 0); /* never inside the call */
    }
    assert_int_equal(as_event_loop_get_process_size(as_event_loops), COUNT);
    test_run_for(1000);
    int full = 0;
    int late = 0;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(results[i].calls, 1);
        full += results[i].code == AEROSPIKE_ERR_NO_MORE_CONNECTIONS;
        late += results[i].code == AEROSPIKE_ERR_TIMEOUT;
    }
    assert_int_equal(full, COUNT - LIMIT);
    assert_int_equal(late, LIMIT);
    control("clear %u", owner, 0);
    assert_int_equal(get(&read, &result), AEROSPIKE_OK);
}

/* ---- lost nodes ---- */

static void reads_on_when_a_node_dies(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(5000, 3);
    control("kill %u", owner, 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        test_run_for(100); /* past the rebalance */
    }
    as_policy_write write = writing(5000, 3);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
    control("restart %u port=0", owner, 0); /* somewhere else */
    for (int i = 0; i < 80; i++) {
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        test_run_for(50);
    }
    assert_int_equal(owner_of(&key), owner);
    write = writing(5000, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
}

/* Back before anybody missed it, at another address: the old one isn't used any more. */
static void follows_a_node_that_moves(void** state)
{
    (void)state;
    test_result result = {0};
    as_policy_read read = reading(5000, 3);
    control("restart %u port=0", owner, 0);
    for (int i = 0; i < 80; i++) {
        assert_int_equal(get(&read, &result), AEROSPIKE_OK);
        test_run_for(50);
    }
    as_policy_write write = writing(5000, 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(put(&write, &result), AEROSPIKE_OK);
    }
}

/* ---- setup ---- */

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.tender_interval = 250;
    config.async_max_conns_per_node = 8;
    test_client_open(&as, &config);
    as_key_init(&key, NS, SET, "the key");
    test_result result = {0};
    as_policy_write write = writing(5000, 0);
    assert_int_equal(put(&write, &result), AEROSPIKE_OK);
    owner = owner_of(&key);
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    test_client_close(&as);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_on_what_the_server_says),
        cmocka_unit_test(repeats_refusals_that_may_pass),
        cmocka_unit_test(gives_up_after_the_last_retry),
        cmocka_unit_test(pauses_between_retries),
        cmocka_unit_test(tries_a_replica_when_the_master_is_silent),
        cmocka_unit_test(keeps_deadlines),
        cmocka_unit_test(remembers_a_doubt),
        cmocka_unit_test(swallows_a_late_reply),
        cmocka_unit_test(forgives_a_slow_reply_that_comes),
        cmocka_unit_test(survives_broken_connections),
        cmocka_unit_test(closes_idle_connections_that_end),
        cmocka_unit_test(knows_that_nothing_was_sent),
        cmocka_unit_test(refuses_garbage),
        cmocka_unit_test(refuses_another_commands_reply),
        cmocka_unit_test(closes_a_connection_that_says_too_much),
        cmocka_unit_test(gives_no_command_the_reply_of_another),
        cmocka_unit_test(limits_connections_per_node),
        cmocka_unit_test(reads_on_when_a_node_dies),
        cmocka_unit_test(follows_a_node_that_moves),
    };
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    if (!cluster) {
        return 1;
    }
    if (test_cluster_is_real(cluster)) {
        printf("a real cluster has no faults on demand\n");
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
