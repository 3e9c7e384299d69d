/*
 * The circuit breaker of commands: a node that fails too often is left alone for the rest of the
 * window, by one process or by all of the host.
 */
#include "tests/sim/cmd_bed.h"
#include "tests/sim/shm.h"

#define NEVER UINT32_MAX

static as_status one_get(bed* b, int64_t id, const as_policy_read* policy)
{
    outcome o;
    assert_true(start_get(&o, b, id, policy));
    wait_ms(&o);
    return o.code;
}

static as_policy_read master_once(void)
{
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.replica = AS_POLICY_REPLICA_MASTER;
    policy.base.max_retries = 0;
    policy.base.socket_timeout = 20;
    policy.base.timeout_delay = 0;
    return policy;
}

/* Gets of one key up to the first -14; how many had another result. */
static unsigned gets_until_open(bed* b, const as_policy_read* policy, as_status expected)
{
    for (unsigned i = 0; i < 500; i++) {
        as_status code = one_get(b, 1, policy);
        if (code == AEROSPIKE_MAX_ERROR_RATE) {
            return i;
        }
        assert_int_equal(code, expected);
    }
    return NEVER;
}

/* Connections that nodes have seen. */
static uint64_t opened_by_all(bed* b)
{
    uint64_t sum = 0;
    for (int node = 0; node < 3; node++) {
        sum += sim_cluster_stat(b->cluster, node, "opened");
    }
    return sum;
}

/* Right behind the start of a window. */
static void to_next_window(bed* b)
{
    uint64_t now_us = sim_world_now_us(b->world);
    sim_world_run_for(b->world, SECOND - now_us % SECOND + MS);
}

static void counts_what_the_official_client_counts(void** state)
{
    (void)state;
    static const struct {
        const char* fault;
        const char* undo;
        uint32_t delay_ms; /* timeout_delay */
        as_status expected;
        bool is_counted;
    } cases[] = {
        {"answer %u 11 always", "clear %u", 0, AEROSPIKE_ERR_CLUSTER, true},
        {"answer %u 18 always", "clear %u", 0, AEROSPIKE_ERR_DEVICE_OVERLOAD, true},
        {"answer %u 9 always", "clear %u", 0, AEROSPIKE_ERR_TIMEOUT, false},
        {"answer %u 2 always", "clear %u", 0, AEROSPIKE_ERR_RECORD_NOT_FOUND, false},
        {"answer %u 14 always", "clear %u", 0, AEROSPIKE_ERR_RECORD_BUSY, false},
        {"answer %u 27 always", "clear %u", 0, AEROSPIKE_FILTERED_OUT, false},
        {"answer %u 80 always", "clear %u", 0, AEROSPIKE_NOT_AUTHENTICATED, true},
        {"garbage %u short always", "clear %u", 0, AEROSPIKE_ERR_CLIENT, true},
        {"close %u always", "clear %u", 0, AEROSPIKE_ERR_ASYNC_CONNECTION, true},
        {"mute %u always", "clear %u", 0, AEROSPIKE_ERR_TIMEOUT, true},
        {"slow %u 30", "slow %u 0", 3000, AEROSPIKE_ERR_TIMEOUT, false}, /* the drainer's */
        {"refuse %u", "cont %u", 0, AEROSPIKE_ERR_ASYNC_CONNECTION, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bed b;
        bed_init(&b, 7);
        b.as.config.max_error_rate = 6;
        bed_connect_wait(&b);
        as_policy_read policy = master_once();
        policy.base.timeout_delay = cases[i].delay_ms;
        to_next_window(&b);
        all_nodes(&b, cases[i].fault);
        unsigned count = 0;
        while (count < 20 && one_get(&b, 1, &policy) == cases[i].expected) {
            count++;
        }
        if (count != (cases[i].is_counted ? 7u : 20u)) {
            fail_msg("%s: %u failures before the breaker opened", cases[i].fault, count);
        }
        all_nodes(&b, cases[i].undo);
        bed_end(&b);
    }
}

static void opens_for_the_rest_of_the_window(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 1);
    b.as.config.max_error_rate = 10;
    b.as.config.error_rate_window = 2;
    bed_connect_wait(&b);
    as_policy_read policy = master_once();
    all_nodes(&b, "close %u always");
    uint64_t now_us = sim_world_now_us(b.world);
    sim_world_run_for(b.world, 2 * SECOND - now_us % (2 * SECOND) + MS);
    assert_int_equal(gets_until_open(&b, &policy, AEROSPIKE_ERR_ASYNC_CONNECTION), 11);
    uint64_t before = opened_by_all(&b);
    assert_true(before >= 11);
    sim_world_run_for(b.world, SECOND); /* still the same one: nothing goes out */
    outcome o;
    assert_true(start_get(&o, &b, 1, &policy));
    assert_int_equal(wait_ms(&o), 0);
    assert_int_equal(o.code, AEROSPIKE_MAX_ERROR_RATE);
    assert_false(o.in_doubt);
    assert_int_equal(opened_by_all(&b), before);
    sim_world_run_for(b.world, SECOND);
    assert_int_equal(gets_until_open(&b, &policy, AEROSPIKE_ERR_ASYNC_CONNECTION),
                     6); /* limit halved */
    all_nodes(&b, "clear %u");
    sim_world_run_for(b.world, 2 * SECOND);
    assert_int_equal(one_get(&b, 1, &policy), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    bed_end(&b);
}

/* Other replicas serve a read meanwhile, at once; a write stays with its master and fails. */
static void is_retried_like_a_timeout(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 2);
    b.as.config.max_error_rate = 5;
    bed_connect_wait(&b);
    as_policy_read once = master_once();
    to_next_window(&b);
    all_nodes(&b, "answer %u 11 6");
    gets_until_open(&b, &once, AEROSPIKE_ERR_CLUSTER);
    all_nodes(&b, "clear %u");
    as_policy_read policy;
    as_policy_read_init(&policy);
    outcome o;
    assert_true(start_get(&o, &b, 1, &policy));
    wait_ms(&o);
    assert_int_equal(o.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.max_retries = 2;
    assert_true(start_put(&o, &b, 1, &write));
    assert_true(wait_ms(&o) < 5);
    assert_int_equal(o.code, AEROSPIKE_MAX_ERROR_RATE);
    assert_false(o.in_doubt);
    bed_end(&b);
}

static void can_be_off(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 3);
    b.as.config.max_error_rate = 0;
    bed_connect_wait(&b);
    as_policy_read policy = master_once();
    all_nodes(&b, "answer %u 11 always");
    assert_int_equal(gets_until_open(&b, &policy, AEROSPIKE_ERR_CLUSTER), NEVER);
    bed_end(&b);
}

/* Three workers of a host, each with a third of the errors: with shm_error_rate all of them stop,
   without it none does. */
static void counts_for_the_host(void** state)
{
    (void)state;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        bed first;
        bed_init(&first, 4);
        sim_shm* shm = sim_shm_new();
        bed workers[3];
        for (int i = 0; i < 3; i++) {
            sim_shm_process* process = sim_shm_process_new(shm, 0);
            bed_init_other(&workers[i], &first, sim_shm_sys_of(process));
            workers[i].as.config.max_error_rate = 8;
            workers[i].as.config.shm_error_rate = is_shared;
            bed_connect_wait(&workers[i]);
        }
        as_policy_read policy = master_once();
        for (int i = 0; i < 3; i++) {
            one_get(&workers[i], 1, &policy); /* each has met the node before */
        }
        to_next_window(&first);
        all_nodes(&first, "answer %u 11 always");
        for (int i = 0; i < 9; i++) {
            assert_int_equal(one_get(&workers[i % 3], 1, &policy), AEROSPIKE_ERR_CLUSTER);
        }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(one_get(&workers[i], 1, &policy),
                             is_shared ? AEROSPIKE_MAX_ERROR_RATE : AEROSPIKE_ERR_CLUSTER);
        }
        all_nodes(&first, "clear %u");
        to_next_window(&first);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(one_get(&workers[i], 1, &policy), AEROSPIKE_ERR_RECORD_NOT_FOUND);
            bed_end_other(&workers[i]);
        }
        bed_done(&first);
        sim_shm_free(shm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_the_official_client_counts),
        cmocka_unit_test(opens_for_the_rest_of_the_window),
        cmocka_unit_test(is_retried_like_a_timeout),
        cmocka_unit_test(can_be_off),
        cmocka_unit_test(counts_for_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
