/*
 * What the fields of policies mean for a record: against the mini cluster, which honours them in
 * words of its own.
 */
#include "tests/sim/cmd_bed.h"
#include <aerospike/as_exp.h>

/* "v" == 1; "v" == 2; none of it can be evaluated; not an expression. */
#define V_IS_1 "kwGTUQKhdgE="
#define V_IS_2 "kwGTUQKhdgI="
#define W_IS_1 "kwGTUQKhdwE="
#define NONSENSE "kw=="

static void open_enterprise(bed* b, uint64_t seed)
{
    mc_config config = {.nodes = 3, .seed = seed, .enterprise = true};
    bed_init_with(b, &config, seed);
    bed_connect_wait(b);
}

/* ---- one record, one command ---- */

typedef struct record_state {
    bool exists;
    uint16_t gen;
    int64_t v;
    uint32_t ttl;
} record_state;

static record_state look_state;

static void on_look(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    look_state = (record_state){.exists = !err};
    if (record) {
        look_state.gen = record->gen;
        look_state.ttl = record->ttl;
        look_state.v = as_record_get_int64(record, "v", -1);
    }
    on_record(err, NULL, udata, loop);
}

static record_state look(bed* b, int64_t id)
{
    as_error err;
    as_key key;
    outcome o;
    outcome_start(&o, b);
    as_key_init_int64(&key, "test", "sim", id);
    assert_int_equal(
        aerospike_key_get_async(&b->as, &err, NULL, &key, on_look, &o, b->events->entries, NULL),
        AEROSPIKE_OK);
    wait_ms(&o);
    return look_state;
}

/* Writes v with this generation and ttl. */
static outcome put(bed* b, int64_t id, int64_t v, uint16_t gen, uint32_t ttl,
                   const as_policy_write* policy)
{
    as_error err;
    as_key key;
    as_record record;
    outcome o;
    outcome_start(&o, b);
    as_key_init_int64(&key, "test", "sim", id);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "v", v);
    record.gen = gen;
    record.ttl = ttl;
    assert_int_equal(aerospike_key_put_async(&b->as, &err, policy, &key, &record, on_write, &o,
                                             b->events->entries, NULL),
                     AEROSPIKE_OK);
    as_record_destroy(&record);
    wait_ms(&o);
    return o;
}

static outcome take_away(bed* b, int64_t id, const as_policy_remove* policy)
{
    as_error err;
    as_key key;
    outcome o;
    outcome_start(&o, b);
    as_key_init_int64(&key, "test", "sim", id);
    assert_int_equal(aerospike_key_remove_async(&b->as, &err, policy, &key, on_write, &o,
                                                b->events->entries, NULL),
                     AEROSPIKE_OK);
    wait_ms(&o);
    return o;
}

/* ---- writes ---- */

static void writes_only_what_the_policy_allows(void** state)
{
    (void)state;
    static const struct {
        bool is_there; /* at generation 1 with v = 1 */
        as_policy_exists exists;
        as_policy_gen gen;
        uint16_t generation;
        as_status expected;
        uint16_t gen_after; /* 0: none */
    } cases[] = {
        {true, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_IGNORE, 9, AEROSPIKE_OK, 2},
        {false, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_OK, 1},
        {true, AS_POLICY_EXISTS_CREATE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_ERR_RECORD_EXISTS, 1},
        {false, AS_POLICY_EXISTS_CREATE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_OK, 1},
        {true, AS_POLICY_EXISTS_UPDATE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_OK, 2},
        {false, AS_POLICY_EXISTS_UPDATE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_ERR_RECORD_NOT_FOUND,
         0},
        {true, AS_POLICY_EXISTS_REPLACE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_OK, 2},
        {false, AS_POLICY_EXISTS_REPLACE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_ERR_RECORD_NOT_FOUND,
         0},
        {false, AS_POLICY_EXISTS_CREATE_OR_REPLACE, AS_POLICY_GEN_IGNORE, 0, AEROSPIKE_OK, 1},
        {true, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_EQ, 1, AEROSPIKE_OK, 2},
        {true, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_EQ, 2, AEROSPIKE_ERR_RECORD_GENERATION, 1},
        {false, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_EQ, 0, AEROSPIKE_OK, 1},
        {false, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_EQ, 3, AEROSPIKE_ERR_RECORD_GENERATION, 0},
        {true, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_GT, 1, AEROSPIKE_ERR_RECORD_GENERATION, 1},
        {true, AS_POLICY_EXISTS_IGNORE, AS_POLICY_GEN_GT, 2, AEROSPIKE_OK, 2},
    };
    bed b;
    bed_open(&b, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t id = (int64_t)i;
        if (cases[i].is_there) {
            put(&b, id, 1, 0, 0, NULL);
        }
        as_policy_write policy;
        as_policy_write_init(&policy);
        policy.exists = cases[i].exists;
        policy.gen = cases[i].gen;
        policy.base.max_retries = 3; /* refusals of this kind are final */
        outcome o = put(&b, id, 2, cases[i].generation, 0, &policy);
        if (o.code != cases[i].expected) {
            fail_msg("case %zu: %d", i, (int)o.code);
        }
        assert_false(o.in_doubt);
        assert_int_equal(look(&b, id).gen, cases[i].gen_after);
    }
    bed_end(&b);
}

static void lets_records_live(void** state)
{
    (void)state;
    static const struct {
        uint32_t policy_ttl, record_ttl, ttl_after;
    } cases[] = {
        {0, 0, UINT32_MAX}, /* the namespace's default: for ever */
        {0, 77, 77},
        {50, AS_RECORD_CLIENT_DEFAULT_TTL, 50},
        {50, 20, 20}, /* the record's own wins */
        {50, AS_RECORD_NO_EXPIRE_TTL, UINT32_MAX},
        {0, AS_RECORD_NO_CHANGE_TTL, 1000}, /* as it was */
    };
    bed b;
    mc_config config = {.nodes = 3, .seed = 2};
    sim_world* world = sim_world_new(2);
    tnd_loop* loop = sim_loop_new(world, "clock");
    config.unix_base_ms =
        loop->ops->unix_now(loop) * 1000 - sim_world_now_us(world) / 1000; /* one clock for both */
    sim_world_free(world);
    bed_init_with(&b, &config, 2);
    bed_connect_wait(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t id = (int64_t)i;
        put(&b, id, 1, 0, 1000, NULL);
        as_policy_write policy;
        as_policy_write_init(&policy);
        policy.ttl = cases[i].policy_ttl;
        assert_int_equal(put(&b, id, 2, 0, cases[i].record_ttl, &policy).code, AEROSPIKE_OK);
        uint32_t ttl = look(&b, id).ttl;
        if (ttl != cases[i].ttl_after && ttl + 1 != cases[i].ttl_after) {
            fail_msg("case %zu: %u", i, ttl);
        }
    }
    /* Reads that touch, within that share of the life's end. */
    put(&b, 100, 1, 0, 100, NULL);
    sim_world_run_for(b.world, 30 * SECOND);
    as_policy_read policy;
    as_policy_read_init(&policy);
    outcome o;
    const struct {
        int percent;
        uint32_t ttl_after;
    } touches[] = {{-1, 70}, {0, 70}, {50, 70}, {80, 100}};
    for (size_t i = 0; i < sizeof(touches) / sizeof(touches[0]); i++) {
        policy.read_touch_ttl_percent = touches[i].percent;
        assert_true(start_get(&o, &b, 100, &policy));
        wait_ms(&o);
        assert_in_range(look(&b, 100).ttl, touches[i].ttl_after - 1, touches[i].ttl_after);
    }
    bed_end(&b);
}

static void removes_only_what_the_policy_allows(void** state)
{
    (void)state;
    static const struct {
        as_policy_gen gen;
        uint16_t generation;
        bool is_durable;
        as_status expected;
        as_status expected_enterprise;
    } cases[] = {
        {AS_POLICY_GEN_IGNORE, 9, false, AEROSPIKE_OK, AEROSPIKE_OK},
        {AS_POLICY_GEN_EQ, 1, false, AEROSPIKE_OK, AEROSPIKE_OK},
        {AS_POLICY_GEN_EQ, 2, false, AEROSPIKE_ERR_RECORD_GENERATION,
         AEROSPIKE_ERR_RECORD_GENERATION},
        {AS_POLICY_GEN_GT, 2, false, AEROSPIKE_OK, AEROSPIKE_OK},
        {AS_POLICY_GEN_GT, 1, false, AEROSPIKE_ERR_RECORD_GENERATION,
         AEROSPIKE_ERR_RECORD_GENERATION},
        {AS_POLICY_GEN_IGNORE, 0, true, AEROSPIKE_ERR_ENTERPRISE_ONLY, AEROSPIKE_OK},
    };
    for (int enterprise = 0; enterprise <= 1; enterprise++) {
        bed b;
        if (enterprise) {
            open_enterprise(&b, 3);
        } else {
            bed_open(&b, 3);
        }
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            put(&b, (int64_t)i, 1, 0, 0, NULL);
            as_policy_remove policy;
            as_policy_remove_init(&policy);
            policy.gen = cases[i].gen;
            policy.generation = cases[i].generation;
            policy.durable_delete = cases[i].is_durable;
            as_status expected = enterprise ? cases[i].expected_enterprise : cases[i].expected;
            assert_int_equal(take_away(&b, (int64_t)i, &policy).code, expected);
            assert_true(look(&b, (int64_t)i).exists == (expected != AEROSPIKE_OK));
        }
        bed_end(&b);
    }
}

/* ---- filters ---- */

static void filters(void** state)
{
    (void)state;
    static const struct {
        const char* exp;
        as_status expected;        /* on the record with v = 1 */
        as_status expected_absent; /* of a read of no record */
    } cases[] = {
        {V_IS_1, AEROSPIKE_OK, AEROSPIKE_ERR_RECORD_NOT_FOUND},
        {V_IS_2, AEROSPIKE_FILTERED_OUT, AEROSPIKE_ERR_RECORD_NOT_FOUND},
        {W_IS_1, AEROSPIKE_FILTERED_OUT, AEROSPIKE_ERR_RECORD_NOT_FOUND},
        {NONSENSE, AEROSPIKE_ERR_REQUEST_INVALID, AEROSPIKE_ERR_REQUEST_INVALID},
    };
    bed b;
    bed_open(&b, 4);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_exp* exp = as_exp_from_base64(cases[i].exp);
        assert_non_null(exp);
        put(&b, 1, 1, 0, 0, NULL);
        as_policy_read read;
        as_policy_read_init(&read);
        read.base.filter_exp = exp;
        outcome o;
        assert_true(start_get(&o, &b, 1, &read));
        wait_ms(&o);
        assert_int_equal(o.code, cases[i].expected);
        assert_true(start_get(&o, &b, 99, &read));
        wait_ms(&o);
        assert_int_equal(o.code, cases[i].expected_absent);
        as_policy_write write;
        as_policy_write_init(&write);
        write.base.filter_exp = exp;
        write.base.max_retries = 2;
        uint16_t gen = look(&b, 1).gen;
        o = put(&b, 1, 1, 0, 0, &write);
        assert_int_equal(o.code, cases[i].expected);
        assert_false(o.in_doubt);
        assert_int_equal(look(&b, 1).gen, o.code == AEROSPIKE_OK ? gen + 1 : gen);
        as_policy_remove remove;
        as_policy_remove_init(&remove);
        remove.base.filter_exp = exp;
        assert_int_equal(take_away(&b, 1, &remove).code, cases[i].expected);
        assert_true(look(&b, 1).exists == (cases[i].expected != AEROSPIKE_OK));
        as_exp_destroy(exp);
    }
    /* A filter doesn't keep a write from creating, unless that must update. */
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.filter_exp = as_exp_from_base64(V_IS_2);
    write.exists = AS_POLICY_EXISTS_UPDATE;
    assert_int_equal(put(&b, 50, 1, 0, 0, &write).code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    write.exists = AS_POLICY_EXISTS_IGNORE;
    assert_int_equal(put(&b, 50, 1, 0, 0, &write).code, AEROSPIKE_OK);
    as_exp_destroy(write.base.filter_exp);
    bed_end(&b);
}

/* One of the defaults, which belongs to the client then. */
static void filters_by_default(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 5);
    b.as.config.policies.read.base.filter_exp = as_exp_from_base64(V_IS_2);
    bed_connect_wait(&b);
    put(&b, 1, 1, 0, 0, NULL);
    outcome o;
    assert_true(start_get(&o, &b, 1, NULL));
    wait_ms(&o);
    assert_int_equal(o.code, AEROSPIKE_FILTERED_OUT);
    bed_end(&b);
}

/* ---- compression ---- */

static uint64_t bytes_sent(bed* b, bool received)
{
    tnd_counters counters;
    tnd_gauges gauges;
    tnd_stats_read_own(b->as.cluster->main->stats, &counters, &gauges);
    return received ? counters.bytes_received : counters.bytes_sent;
}

static outcome put_text(bed* b, const char* text, const as_policy_write* policy)
{
    as_error err;
    as_key key;
    as_record record;
    outcome o;
    outcome_start(&o, b);
    as_key_init_int64(&key, "test", "sim", 1);
    as_record_inita(&record, 1);
    as_record_set_str(&record, "t", text);
    assert_int_equal(aerospike_key_put_async(&b->as, &err, policy, &key, &record, on_write, &o,
                                             b->events->entries, NULL),
                     AEROSPIKE_OK);
    as_record_destroy(&record);
    wait_ms(&o);
    return o;
}

typedef struct text_look {
    bed* bed;
    outcome o;
    size_t size;
} text_look;

static void on_text(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    text_look* self = udata;
    const char* text = record ? as_record_get_str(record, "t") : NULL;
    self->size = text ? strspn(text, "z") : 0;
    on_record(err, NULL, &self->o, loop);
}

static text_look get_text(bed* b, const as_policy_read* policy)
{
    static text_look look_at;
    as_error err;
    as_key key;
    look_at.size = 0;
    outcome_start(&look_at.o, b);
    as_key_init_int64(&key, "test", "sim", 1);
    assert_int_equal(aerospike_key_get_async(&b->as, &err, policy, &key, on_text, &look_at,
                                             b->events->entries, NULL),
                     AEROSPIKE_OK);
    wait_ms(&look_at.o);
    return look_at;
}

static void compresses_both_ways(void** state)
{
    (void)state;
    static char text[20001];
    memset(text, 'z', sizeof(text) - 1);
    bed b;
    open_enterprise(&b, 6);
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.compress = true;
    uint64_t before = bytes_sent(&b, false);
    assert_int_equal(put_text(&b, text, &write).code, AEROSPIKE_OK);
    assert_true(bytes_sent(&b, false) - before < 1000);
    as_policy_read read;
    as_policy_read_init(&read);
    before = bytes_sent(&b, true);
    assert_int_equal(get_text(&b, &read).size, sizeof(text) - 1);
    assert_true(bytes_sent(&b, true) - before > sizeof(text) - 1);
    read.base.compress = true;
    before = bytes_sent(&b, true);
    assert_int_equal(get_text(&b, &read).size, sizeof(text) - 1);
    assert_true(bytes_sent(&b, true) - before < 1000);
    /* A threshold alone, and one that isn't reached. */
    as_policy_write_init(&write);
    write.compression_threshold = 10000;
    before = bytes_sent(&b, false);
    assert_int_equal(put_text(&b, text, &write).code, AEROSPIKE_OK);
    assert_true(bytes_sent(&b, false) - before < 1000);
    write.compression_threshold = 30000;
    write.base.compress = true;
    before = bytes_sent(&b, false);
    assert_int_equal(put_text(&b, text, &write).code, AEROSPIKE_OK);
    assert_true(bytes_sent(&b, false) - before > sizeof(text) - 1);
    /* Attempts are compressed each anew, with what is left of the time. */
    write.compression_threshold = 0;
    write.base.max_retries = 2;
    write.base.socket_timeout = 50;
    all_nodes(&b, "close %u 1");
    outcome o = put_text(&b, text, &write);
    assert_int_equal(o.code, AEROSPIKE_OK);
    assert_int_equal(get_text(&b, &read).size, sizeof(text) - 1);
    bed_end(&b);
}

/* A Community server refuses what is compressed, and the connection goes on. */
static void is_refused_by_a_community_server(void** state)
{
    (void)state;
    static char text[2001];
    memset(text, 'z', sizeof(text) - 1);
    bed b;
    bed_open(&b, 7);
    as_policy_write write;
    as_policy_write_init(&write);
    write.base.compress = true;
    write.base.max_retries = 3;
    outcome o = put_text(&b, text, &write);
    assert_int_equal(o.code, AEROSPIKE_ERR_ENTERPRISE_ONLY);
    assert_false(o.in_doubt);
    assert_int_equal(put_text(&b, "zzz", &write).code, AEROSPIKE_OK); /* too short for that */
    as_policy_read read;
    as_policy_read_init(&read);
    read.base.compress = true; /* ignored there */
    assert_int_equal(get_text(&b, &read).size, 3);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_only_what_the_policy_allows),
        cmocka_unit_test(lets_records_live),
        cmocka_unit_test(removes_only_what_the_policy_allows),
        cmocka_unit_test(filters),
        cmocka_unit_test(filters_by_default),
        cmocka_unit_test(compresses_both_ways),
        cmocka_unit_test(is_refused_by_a_community_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
