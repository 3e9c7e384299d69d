/*
 * A client and its commands in virtual time: limits to the millisecond, and random lives under
 * random faults, each from a seed. After every life: each accepted command had one listener call,
 * within its limit and not after the close; nothing is left on the loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "async/client.h"
#include "tests/sim/cluster.h"
#include <aerospike/aerospike_key.h>

#define SECOND 1000000ull
#define MS 1000ull
#define PORT 3000

/* ---- one process with a client, and a cluster of three ---- */

typedef struct bed {
    sim_world* world;
    tnd_loop* loop;
    sim_cluster* cluster;
    tnd_events* events;
    aerospike as;
    bool is_connected;
    bool is_closed;
    as_status connect_status;
} bed;

typedef struct outcome {
    bed* bed;
    unsigned calls;
    as_status code;
    bool in_doubt;
    int64_t value;
    uint64_t start_us;
    uint64_t end_us;
    uint64_t limit_us; /* it must have ended by then; 0: any time */
} outcome;

static void on_connect(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    bed* b = udata;
    b->is_connected = true;
    b->connect_status = err ? err->code : AEROSPIKE_OK;
}

static void on_close(as_error* err, void* udata, as_event_loop* loop)
{
    (void)err;
    (void)loop;
    ((bed*)udata)->is_closed = true;
}

static bool is_connected(void* udata)
{
    return ((const bed*)udata)->is_connected;
}

static bool is_closed(void* udata)
{
    return ((const bed*)udata)->is_closed;
}

static void bed_init(bed* b, uint64_t seed)
{
    memset(b, 0, sizeof(*b));
    b->world = sim_world_new(seed);
    b->loop = sim_loop_new(b->world, "worker");
    mc_config config = {.nodes = 3, .seed = seed};
    b->cluster = sim_cluster_new(b->world, &config, NULL, PORT);
    b->events = tnd_events_new(TND_EVENTS_FOREIGN, b->loop, 1);
    as_config client;
    as_config_init(&client);
    as_config_add_host(&client, "127.0.0.1", PORT);
    aerospike_init(&b->as, &client);
}

static void bed_connect(bed* b)
{
    as_error err;
    tnd_client_world world = {.pid = 1};
    assert_int_equal(tnd_client_connect(&b->as, &err, &world, on_connect, b, b->events->entries),
                     AEROSPIKE_OK);
}

static void bed_open(bed* b, uint64_t seed)
{
    bed_init(b, seed);
    bed_connect(b);
    assert_true(sim_world_run_until(b->world, is_connected, b, 10 * SECOND));
    assert_int_equal(b->connect_status, AEROSPIKE_OK);
}

static void bed_close(bed* b)
{
    as_error err;
    assert_int_equal(aerospike_close_async(&b->as, &err, on_close, b, b->events->entries),
                     AEROSPIKE_OK);
    assert_null(b->as.cluster);
}

/* Everything has ended, and nothing is left. */
static void bed_done(bed* b)
{
    aerospike_destroy(&b->as);
    tnd_events_free(b->events);
    sim_loop_usage usage = sim_loop_used(b->loop);
    assert_int_equal(usage.fds_count, 0);
    assert_int_equal(usage.timers_count, 0);
    assert_int_equal(usage.tasks_count, 0);
    assert_int_equal(usage.lookups_count, 0);
    assert_int_equal(usage.refs_count, 0);
    sim_world_free(b->world);
    sim_cluster_free(b->cluster);
}

/* ---- commands ---- */

static void outcome_take(outcome* o, const as_error* err)
{
    o->calls++;
    o->code = err ? err->code : AEROSPIKE_OK;
    o->in_doubt = err && err->in_doubt;
    o->end_us = sim_world_now_us(o->bed->world);
    if (o->bed->is_closed) {
        fail_msg("a listener after the close");
    }
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome_take(udata, err);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome* o = udata;
    outcome_take(o, err);
    o->value = record ? as_record_get_int64(record, "v", -1) : -1;
}

static bool is_over(void* udata)
{
    return ((const outcome*)udata)->calls > 0;
}

static void outcome_start(outcome* o, bed* b)
{
    *o = (outcome){.bed = b, .start_us = sim_world_now_us(b->world)};
}

static bool start_get(outcome* o, bed* b, int64_t id, const as_policy_read* policy)
{
    as_error err;
    as_key key;
    outcome_start(o, b);
    as_key_init_int64(&key, "test", "sim", id);
    as_status status =
        aerospike_key_get_async(&b->as, &err, policy, &key, on_record, o, b->events->entries, NULL);
    assert_int_equal(o->calls, 0);
    return status == AEROSPIKE_OK;
}

static bool start_put(outcome* o, bed* b, int64_t id, const as_policy_write* policy)
{
    as_error err;
    as_key key;
    as_record record;
    outcome_start(o, b);
    as_key_init_int64(&key, "test", "sim", id);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "v", id);
    as_status status = aerospike_key_put_async(&b->as, &err, policy, &key, &record, on_write, o,
                                               b->events->entries, NULL);
    assert_int_equal(o->calls, 0);
    return status == AEROSPIKE_OK;
}

static uint64_t wait_ms(outcome* o)
{
    assert_true(sim_world_run_until(o->bed->world, is_over, o, 100 * SECOND));
    assert_int_equal(o->calls, 1);
    return (o->end_us - o->start_us) / MS;
}

static void all_nodes(bed* b, const char* format)
{
    for (unsigned node = 0; node < 3; node++) {
        char line[64];
        snprintf(line, sizeof(line), format, node);
        sim_cluster_control(b->cluster, "%s", line);
    }
}

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
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, SECOND));
    bed_done(&b);
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
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, SECOND));
    bed_done(&b);
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
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, SECOND));
    bed_done(&b);
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
    static const as_policy_replica replicas[] = {AS_POLICY_REPLICA_MASTER, AS_POLICY_REPLICA_ANY,
                                                 AS_POLICY_REPLICA_SEQUENCE,
                                                 AS_POLICY_REPLICA_RANDOM};
    as_policy_replica replica = replicas[below(b, 4)];
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
