/*
 * A client and its commands in virtual time: limits to the millisecond, and random lives under
 * random faults, each from a seed. After every life: each accepted command had one listener call,
 * within its limit and not after the close; nothing is left on the loop.
 */
#include "tests/sim/cmd_bed.h"
#include <tendril/event.h>

/* ---- limits ---- */

static void keeps_limits_to_the_millisecond(void** state)
{
    (void)state;
    static const struct {
        uint32_t socket_ms, total_ms, retries, sleep_ms;
        uint64_t after_ms;
    } cases[] = {
        {0, 500, 0, 0, 500},     /* the total covers the socket */
        {30000, 500, 9, 0, 500}, /* no retry after the total */
        {100, 1000, 0, 0, 100},  {100, 1000, 2, 0, 300},
        {100, 1000, 2, 50, 350}, /* no pause before the first retry, which moves on */
        {100, 320, 9, 0, 320},   /* the last attempt has what is left */
        {100, 0, 1, 0, 200},     /* no total */
    };
    bed b;
    bed_open(&b, 1);
    all_nodes(&b, "mute %u always");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_policy_read policy;
        as_policy_read_init(&policy);
        policy.base.socket_timeout = cases[i].socket_ms;
        policy.base.total_timeout = cases[i].total_ms;
        policy.base.max_retries = cases[i].retries;
        policy.base.sleep_between_retries = cases[i].sleep_ms;
        policy.base.timeout_delay = 0;
        outcome o;
        assert_true(start_get(&o, &b, (int64_t)i, &policy));
        uint64_t after_ms = wait_ms(&o);
        assert_int_equal(o.code, AEROSPIKE_ERR_TIMEOUT);
        assert_false(o.in_doubt);
        assert_in_range(after_ms, cases[i].after_ms, cases[i].after_ms + 3);
    }
    bed_end(&b);
}

static void pauses_exactly(void** state)
{
    (void)state;
    bed b;
    bed_open(&b, 2);
    all_nodes(&b, "answer %u 18 always");
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 10000;
    policy.base.max_retries = 3;
    policy.base.sleep_between_retries = 70;
    outcome o;
    policy.replica = AS_POLICY_REPLICA_MASTER;
    assert_true(start_get(&o, &b, 1, &policy));
    assert_in_range(wait_ms(&o), 210, 215);
    assert_int_equal(o.code, AEROSPIKE_ERR_DEVICE_OVERLOAD);
    policy.replica = AS_POLICY_REPLICA_SEQUENCE; /* the first retry moves on: at once */
    assert_true(start_get(&o, &b, 1, &policy));
    assert_in_range(wait_ms(&o), 140, 145);
    bed_end(&b);
}

static void limits_connecting_apart(void** state)
{
    (void)state;
    bed b;
    bed_open(&b, 3);
    all_nodes(&b, "drop %u");
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 1000;
    policy.base.max_retries = 1;
    policy.base.connect_timeout = 40;
    outcome o;
    assert_true(start_get(&o, &b, 1, &policy));
    assert_in_range(wait_ms(&o), 80, 85); /* both replicas */
    assert_int_equal(o.code, AEROSPIKE_ERR_TIMEOUT);
    policy.base.connect_timeout = 0;
    policy.base.total_timeout = 0;
    policy.base.socket_timeout = 0;
    policy.base.max_retries = 0;
    assert_true(start_get(&o, &b, 1, &policy)); /* no limit at all: one for connecting */
    assert_in_range(wait_ms(&o), 2000, 2005);
    all_nodes(&b, "cont %u");
    bed_end(&b);
}

static void gives_up_after_the_grace_period(void** state)
{
    (void)state;
    bed b;
    bed_open(&b, 4);
    all_nodes(&b, "mute %u always");
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.base.total_timeout = 60000;
    outcome o;
    assert_true(start_put(&o, &b, 1, &policy));
    sim_world_run_for(b.world, 10 * MS);
    uint64_t start_us = sim_world_now_us(b.world);
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    assert_in_range((sim_world_now_us(b.world) - start_us) / MS, TND_ENGINE_GRACE_MS,
                    TND_ENGINE_GRACE_MS + 3);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.code, AEROSPIKE_ERR_CLIENT);
    assert_true(o.in_doubt);
    bed_done(&b);
}

/* ---- random lives ---- */

#define COMMANDS 300

static uint64_t below(bed* b, uint64_t limit)
{
    return sim_world_below(b->world, limit);
}

static void random_fault(bed* b)
{
    static const char* const faults[] = {
        "mute %u 2",        "close %u",           "reset %u",
        "close %u 1",       "reset %u 2",         "answer %u 9 1",
        "answer %u 11 2",   "answer %u 18 1",     "answer %u 14 1",
        "garbage %u 1",     "garbage %u short 1", "other %u twice 1",
        "other %u info 1",  "slow %u 120 3",      "stop %u",
        "cont %u",          "refuse %u",          "cont %u",
        "split %u 1 gap=1", "clear %u",           "drop %u",
        "cont %u",          "halfclose %u 1",
    };
    char line[64];
    snprintf(line, sizeof(line), faults[below(b, sizeof(faults) / sizeof(faults[0]))],
             (unsigned)below(b, 3));
    sim_cluster_control(b->cluster, "%s", line);
}

static void random_base(bed* b, as_policy_base* base)
{
    base->total_timeout = (uint32_t)(20 + below(b, 2000));
    base->socket_timeout = below(b, 3) ? (uint32_t)(10 + below(b, 200)) : 0;
    base->max_retries = (uint32_t)below(b, 4);
    base->sleep_between_retries = below(b, 2) ? (uint32_t)below(b, 60) : 0;
    base->timeout_delay = below(b, 2) ? 3000 : 0;
}

static bool random_command(outcome* o, bed* b)
{
    static const as_policy_replica replicas[] = {
        AS_POLICY_REPLICA_MASTER, AS_POLICY_REPLICA_ANY, AS_POLICY_REPLICA_SEQUENCE,
        AS_POLICY_REPLICA_PREFER_RACK, AS_POLICY_REPLICA_RANDOM};
    as_policy_replica replica = replicas[below(b, 5)];
    int64_t id = (int64_t)below(b, 40);
    bool is_accepted;
    uint32_t total_ms;
    if (below(b, 2)) {
        as_policy_read policy;
        as_policy_read_init(&policy);
        random_base(b, &policy.base);
        policy.replica = replica;
        total_ms = policy.base.total_timeout;
        is_accepted = start_get(o, b, id, &policy);
    } else {
        as_policy_write policy;
        as_policy_write_init(&policy);
        random_base(b, &policy.base);
        policy.replica = replica;
        total_ms = policy.base.total_timeout;
        is_accepted = start_put(o, b, id, &policy);
    }
    /* Up to 20 ms late each: the wake-up before the limit, the turn of the retry, the timer. */
    o->limit_us = o->start_us + total_ms * MS + 100 * MS;
    o->value = id; /* until a get says otherwise */
    return is_accepted;
}

static void check_outcome(const outcome* o, uint64_t seed, int index)
{
    if (o->calls != 1) {
        fail_msg("seed %" PRIu64 ": command %d had %u calls", seed, index, o->calls);
    }
    if (o->end_us > o->limit_us) {
        fail_msg("seed %" PRIu64 ": command %d ended %" PRIu64 " us late", seed, index,
                 o->end_us - o->limit_us);
    }
}

/* Limits that commands meet. */
static void random_limits(bed* b)
{
    as_config* config = &b->as.config;
    if (below(b, 3) == 0) {
        as_policy_event policy = {.max_commands_in_process = 5 + (int)below(b, 10)};
        as_error err;
        as_event_set_policy(&err, &policy, b->events->entries);
    }
    config->async_min_conns_per_node = below(b, 2) ? (uint32_t)below(b, 6) : 0;
    config->shm_connect_rate = below(b, 4) ? 0 : 50 + (uint32_t)below(b, 500);
    config->shm_max_conns_per_node = below(b, 4) ? 0 : 1 + (uint32_t)below(b, 8);
    config->max_error_rate = below(b, 2) ? 100 : (uint32_t)below(b, 10);
    config->shm_error_rate = below(b, 2);
    config->rack_aware = below(b, 2);
    config->max_socket_idle = below(b, 3) ? 0 : 1;
}

static void live_once(uint64_t seed, uint64_t* ret_hash, unsigned* ret_ok)
{
    static outcome outcomes[COMMANDS];
    bool accepted[COMMANDS] = {false};
    bed b;
    bed_init(&b, seed);
    sim_faults* faults = sim_loop_faults(b.loop);
    faults->short_read_percent = (unsigned)below(&b, 30);
    faults->short_write_percent = (unsigned)below(&b, 30);
    faults->spurious_percent = (unsigned)below(&b, 10);
    faults->wake_late_us_max = below(&b, 3) ? 0 : 20 * MS;
    faults->timer_late_us_max = below(&b, 3) ? 0 : 20 * MS;
    random_limits(&b);
    bed_connect(&b);
    int started = 0;
    for (; started < COMMANDS && b.as.cluster; started++) {
        accepted[started] = random_command(&outcomes[started], &b);
        if (below(&b, 100) < 15) {
            random_fault(&b);
        }
        if (below(&b, 3) == 0) {
            sim_world_run_for(b.world, below(&b, 40 * MS));
        }
    }
    if (b.as.cluster) {
        bed_close(&b);
        assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    }
    *ret_ok = 0;
    for (int i = 0; i < started; i++) {
        if (accepted[i]) {
            check_outcome(&outcomes[i], seed, i);
            *ret_ok += outcomes[i].code == AEROSPIKE_OK;
        } else {
            assert_int_equal(outcomes[i].calls, 0);
        }
    }
    assert_true(b.is_connected);
    *ret_hash = sim_world_hash(b.world);
    bed_done(&b);
}

static void survives_random_lives(void** state)
{
    (void)state;
    const char* one = getenv("SIM_SEED");
    uint64_t first = one ? strtoull(one, NULL, 0) : 1;
    const char* many = getenv("SIM_SEEDS");
    uint64_t count = one ? 1 : many ? strtoull(many, NULL, 0) : 60;
    unsigned all_ok = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        uint64_t hash;
        unsigned ok;
        live_once(seed, &hash, &ok);
        all_ok += ok;
    }
    assert_true(one || all_ok > count * COMMANDS / 4); /* the faults don't rule */
}

static void repeats_a_life_from_its_seed(void** state)
{
    (void)state;
    uint64_t first;
    uint64_t second;
    unsigned ok;
    live_once(7, &first, &ok);
    live_once(7, &second, &ok);
    assert_true(first == second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_limits_to_the_millisecond),
        cmocka_unit_test(pauses_exactly),
        cmocka_unit_test(limits_connecting_apart),
        cmocka_unit_test(gives_up_after_the_grace_period),
        cmocka_unit_test(survives_random_lives),
        cmocka_unit_test(repeats_a_life_from_its_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
