#include "core/wire.h"
#include <aerospike/as_exp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/lib/value.h"
#include "tests/unit/wire_vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    TIMEOUT_MS = 1000,
    LIMIT = TND_WIRE_BODY_BYTES_MAX + TND_WIRE_FRAME_BYTES,
    /* offsets into a request */
    AT_INFO1 = 9,
    AT_INFO2 = 10,
    AT_INFO3 = 11,
    AT_INFO4 = 12,
    AT_GENERATION = 14,
    AT_TTL = 18,
    AT_TIMEOUT = 22,
    AT_FIELDS = 26,
    AT_OPS = 28,
};

/* What every test of requests needs. */
typedef struct world {
    tnd_buf buf;
    as_error err;
    as_key key;
    as_policy_read read;
    as_policy_write write;
    as_policy_remove remove;
    as_policy_operate operate;
} world;

static int setup(void** state)
{
    static world w;
    memset(&w, 0, sizeof(w));
    tnd_buf_init(&w.buf, LIMIT);
    as_error_init(&w.err);
    as_key_init_str(&w.key, "test", "demo", "key1");
    as_policy_read_init(&w.read);
    as_policy_write_init(&w.write);
    as_policy_remove_init(&w.remove);
    as_policy_operate_init(&w.operate);
    *state = &w;
    return 0;
}

static int teardown(void** state)
{
    world* w = *state;
    tnd_buf_done(&w->buf);
    as_key_destroy(&w->key);
    return 0;
}

static void assert_message(const world* w, as_status status, const char* hex)
{
    test_bytes expected = test_bytes_hex(hex);
    if (status != AEROSPIKE_OK) {
        fail_msg("status %d: %s", (int)status, w->err.message);
    }
    assert_true(tnd_buf_is_ok(&w->buf));
    assert_int_equal(w->buf.size, expected.size);
    assert_memory_equal(w->buf.data, expected.data, expected.size);
    test_bytes_done(&expected);
}

static void assert_refused(const world* w, as_status status, as_status expected,
                           const char* message)
{
    assert_int_equal(status, expected);
    assert_int_equal(w->err.code, expected);
    if (!strstr(w->err.message, message)) {
        fail_msg("'%s' isn't in '%s'", message, w->err.message);
    }
    assert_int_equal(w->buf.size, 0);
    assert_true(tnd_buf_is_ok(&w->buf));
}

static uint32_t u32_at(const world* w, size_t at)
{
    const uint8_t* p = w->buf.data + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* --- requests: the captured messages --- */

static void encodes_reads(void** state)
{
    world* w = *state;
    static const char* const names[] = {"a", "zz"};
    assert_message(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, TIMEOUT_MS), REQ_GET);
    assert_true(w->key.digest.init);
    assert_message(w, tnd_wire_exists(&w->buf, &w->err, &w->key, &w->read, TIMEOUT_MS), REQ_EXISTS);
    assert_message(w, tnd_wire_select(&w->buf, &w->err, &w->key, names, 2, &w->read, TIMEOUT_MS),
                   REQ_SELECT);
}

static void encodes_a_put(void** state)
{
    world* w = *state;
    as_record rec;
    as_record_init(&rec, 1);
    as_record_set_int64(&rec, "a", 1);
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT);
    as_record_set_int64(&rec, "a", 2);
    w->write.key = AS_POLICY_KEY_SEND;
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT_SEND_KEY);
    as_record_destroy(&rec);
}

/* The key of these captures is known by its digest only. */
static void use_digest_of_all_types(world* w)
{
    test_bytes digest = test_bytes_hex("9763167a28da9d275fbec3110c9bb3bef8531596");
    as_key_destroy(&w->key);
    as_key_init_digest(&w->key, "test", "demo", digest.data);
    test_bytes_done(&digest);
}

static void encodes_every_type(void** state)
{
    world* w = *state;
    static uint8_t blob[] = {1, 2, 3};
    test_bytes list = test_bytes_hex("9301a20378cb4000000000000000");
    test_bytes map = test_bytes_hex("82c70001c0a2036b07");
    test_bytes umap = test_bytes_hex("81a2036b07");
    as_record rec;
    use_digest_of_all_types(w);
    as_record_init(&rec, 9);
    as_record_set_bool(&rec, "bool", true);
    as_record_set_int64(&rec, "int", -2);
    as_record_set_double(&rec, "dbl", 1.5);
    as_record_set_str(&rec, "str", "hi");
    as_record_set_raw(&rec, "blob", blob, sizeof(blob));
    as_record_set_raw_typep(&rec, "list", list.data, (uint32_t)list.size, AS_BYTES_LIST, false);
    as_record_set_raw_typep(&rec, "map", map.data, (uint32_t)map.size, AS_BYTES_MAP, false);
    as_record_set_raw_typep(&rec, "umap", umap.data, (uint32_t)umap.size, AS_BYTES_MAP, false);
    as_record_set_geojson_str(&rec, "geo", "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}");
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT_ALL_TYPES);
    /* A key that is a digest can't be sent along, whatever the policy says. */
    w->write.key = AS_POLICY_KEY_SEND;
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT_ALL_TYPES);
    /* The same as values. */
    w->write.key = AS_POLICY_KEY_DIGEST;
    as_record_set_list(&rec, "list", (as_list*)test_value("[1, \"x\", 2.0]"));
    as_record_set_map(&rec, "map", (as_map*)test_value("K{\"k\":7}"));
    as_record_set_map(&rec, "umap", (as_map*)test_value("{\"k\":7}"));
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT_ALL_TYPES);
    as_record_destroy(&rec);
    test_bytes_done(&list);
    test_bytes_done(&map);
    test_bytes_done(&umap);
}

static void refuses_lists_and_maps_that_cannot_be_sent(void** state)
{
    world* w = *state;
    static const char* const bad[][2] = {
        {"[1, *]", "stored"},
        {"{1:INF}", "stored"},
        {"[x19\"80\"]", "type"},
        {"x20\"93c700100201\"", "survive"}, /* kills a server: cdt-expressions.md 15 */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        as_record rec;
        as_record_init(&rec, 1);
        as_record_set(&rec, "a", (as_bin_value*)test_value(bad[i][0]));
        assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                       AEROSPIKE_ERR_PARAM, bad[i][1]);
        as_record_destroy(&rec);
    }
    static const char* const good[] = {"x20\"93c700110102\"", "x20\"92c7000102\"", "x20\"9102\"",
                                       "x20\"91c7\"",         "x20\"\"",           "(1, [2])"};
    for (size_t i = 0; i < COUNT(good); i++) {
        as_record rec;
        as_record_init(&rec, 1);
        as_record_set(&rec, "a", (as_bin_value*)test_value(good[i]));
        assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
        as_record_destroy(&rec);
    }
}

static void encodes_a_bin_delete(void** state)
{
    world* w = *state;
    as_record rec;
    use_digest_of_all_types(w);
    as_record_init(&rec, 1);
    as_record_set_nil(&rec, "str");
    assert_message(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS),
                   REQ_PUT_NIL);
    as_record_destroy(&rec);
}

static void encodes_a_remove(void** state)
{
    world* w = *state;
    assert_message(w, tnd_wire_remove(&w->buf, &w->err, &w->key, &w->remove, TIMEOUT_MS),
                   REQ_REMOVE);
    w->remove.gen = AS_POLICY_GEN_EQ;
    w->remove.generation = 7;
    w->remove.durable_delete = true;
    assert_int_equal(tnd_wire_remove(&w->buf, &w->err, &w->key, &w->remove, TIMEOUT_MS), 0);
    assert_int_equal(w->buf.data[AT_INFO2], 0x17);
    assert_int_equal(u32_at(w, AT_GENERATION), 7);
    assert_int_equal(u32_at(w, AT_TTL), 0);
}

/* --- operate --- */

static as_status operate(world* w, const tnd_wire_op* ops, uint32_t count)
{
    tnd_wire_ops list = {.entries = ops, .count = count, .ttl = 5, .gen = 9};
    list.ttl = AS_RECORD_DEFAULT_TTL;
    return tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, TIMEOUT_MS);
}

static void encodes_scalar_operations(void** state)
{
    world* w = *state;
    as_integer five, one;
    as_string ab, cd, lines;
    as_integer_init(&five, 5);
    as_integer_init(&one, 1);
    as_string_init(&ab, "ab", false);
    as_string_init(&cd, "cd", false);
    as_string_init(&lines, "__", false);
    const tnd_wire_op mixed[] = {
        {TND_WIRE_OP_INCR, "a", (as_val*)&five}, {TND_WIRE_OP_WRITE, "s", (as_val*)&ab},
        {TND_WIRE_OP_APPEND, "s", (as_val*)&cd}, {TND_WIRE_OP_PREPEND, "s", (as_val*)&lines},
        {TND_WIRE_OP_READ, "a", NULL},
    };
    assert_message(w, operate(w, mixed, COUNT(mixed)), REQ_OPERATE_MIXED);
    w->operate.respond_all_ops = true;
    assert_int_equal(operate(w, mixed, COUNT(mixed)), AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_INFO2], 0x81);
    /* A read of all bins switches it off. */
    const tnd_wire_op read_all[] = {
        {TND_WIRE_OP_INCR, "a", (as_val*)&one},
        {TND_WIRE_OP_READ, "", NULL},
    };
    assert_message(w, operate(w, read_all, COUNT(read_all)), REQ_OPERATE_INCR_READ_ALL);
    w->operate.respond_all_ops = false;
    const tnd_wire_op touch[] = {{TND_WIRE_OP_TOUCH, "", NULL}};
    assert_message(w, operate(w, touch, COUNT(touch)), REQ_TOUCH);
    const tnd_wire_op delete_all[] = {
        {TND_WIRE_OP_READ, "n", NULL},
        {TND_WIRE_OP_DELETE_ALL, "", NULL},
    };
    assert_message(w, operate(w, delete_all, COUNT(delete_all)), REQ_OPERATE_DELETE_ALL);
}

/* Operations whose arguments are msgpack made elsewhere. */
static void encodes_packed_operations(void** state)
{
    world* w = *state;
    static const struct {
        const char* expected;
        bool has_map_ops;
        tnd_wire_op_code codes[3];
        const char* name[3];
        const char* args[3];
    } cases[] = {
        {REQ_OPERATE_LIST,
         false,
         {TND_WIRE_OP_CDT_MODIFY, TND_WIRE_OP_CDT_READ, TND_WIRE_OP_CDT_READ},
         {"l", "l", "l"},
         {"920109", "9110", "931307ff"}},
        {REQ_OPERATE_MAP,
         true,
         {TND_WIRE_OP_CDT_MODIFY, TND_WIRE_OP_CDT_READ, 0},
         {"m", "m"},
         {"9443a2036b0900", "9160"}},
        {REQ_OPERATE_BITS,
         false,
         {TND_WIRE_OP_BITS_MODIFY, TND_WIRE_OP_BITS_READ, 0},
         {"bl", "bl"},
         {"9400040000", "93330020"}},
        {REQ_OPERATE_HLL,
         false,
         {TND_WIRE_OP_HLL_MODIFY, TND_WIRE_OP_HLL_READ, 0},
         {"h", "h"},
         {"950191a2037808ff00", "9132"}},
        {REQ_OPERATE_EXP,
         false,
         {TND_WIRE_OP_EXP_READ, TND_WIRE_OP_EXP_MODIFY, 0},
         {"ret", "ew"},
         {"929314935102a1610a00", "929314935102a1610a00"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tnd_wire_op ops[3];
        as_bytes values[3];
        test_bytes args[3] = {{0}};
        uint32_t count = 0;
        while (count < 3 && cases[i].args[count]) {
            args[count] = test_bytes_hex(cases[i].args[count]);
            as_bytes_init_wrap(&values[count], args[count].data, (uint32_t)args[count].size, false);
            ops[count] =
                (tnd_wire_op){cases[i].codes[count], cases[i].name[count], (as_val*)&values[count]};
            count++;
        }
        tnd_wire_ops list = {.entries = ops, .count = count, .has_map_ops = cases[i].has_map_ops};
        assert_true(tnd_wire_ops_write(&list));
        assert_message(w,
                       tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, TIMEOUT_MS),
                       cases[i].expected);
        for (count = 0; count < 3; count++) {
            test_bytes_done(&args[count]);
        }
    }
}

/* A list that reads is sent as a read: no write bits, and the ttl field is the read-touch
 * percentage. */
static void encodes_a_list_of_reads_as_a_read(void** state)
{
    world* w = *state;
    const tnd_wire_op ops[] = {{TND_WIRE_OP_READ, "a", NULL}, {TND_WIRE_OP_READ, "none", NULL}};
    tnd_wire_ops list = {.entries = ops, .count = 2, .ttl = 100, .gen = 3};
    w->operate.gen = AS_POLICY_GEN_EQ;
    w->operate.exists = AS_POLICY_EXISTS_UPDATE;
    w->operate.commit_level = AS_POLICY_COMMIT_LEVEL_MASTER;
    w->operate.durable_delete = true;
    w->operate.on_locking_only = true;
    w->operate.respond_all_ops = true;
    w->operate.read_touch_ttl_percent = -1;
    w->operate.read_mode_ap = AS_POLICY_READ_MODE_AP_ALL;
    assert_false(tnd_wire_ops_write(&list));
    assert_int_equal(tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, TIMEOUT_MS),
                     0);
    assert_int_equal(w->buf.data[AT_INFO1], 0x41);
    assert_int_equal(w->buf.data[AT_INFO2], 0x80);
    assert_int_equal(w->buf.data[AT_INFO3], 0x00);
    assert_int_equal(w->buf.data[AT_INFO4], 0x00);
    assert_int_equal(u32_at(w, AT_GENERATION), 0);
    assert_true(u32_at(w, AT_TTL) == UINT32_MAX);

    as_integer one;
    as_integer_init(&one, 1);
    const tnd_wire_op writing[] = {{TND_WIRE_OP_WRITE, "a", (as_val*)&one}};
    list.entries = writing;
    list.count = 1;
    assert_int_equal(tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, TIMEOUT_MS),
                     0);
    assert_int_equal(w->buf.data[AT_INFO1], 0x00);
    assert_int_equal(w->buf.data[AT_INFO2], 0x95);
    assert_int_equal(w->buf.data[AT_INFO3], 0x0a);
    assert_int_equal(w->buf.data[AT_INFO4], 0x10);
    assert_int_equal(u32_at(w, AT_GENERATION), 3);
    assert_int_equal(u32_at(w, AT_TTL), 100);
}

static void refuses_operations_that_cannot_be(void** state)
{
    world* w = *state;
    as_integer one;
    as_string text;
    as_bytes args;
    as_integer_init(&one, 1);
    as_string_init(&text, "x", false);
    as_bytes_init_wrap(&args, (uint8_t*)"\x91\x10", 2, false);
    assert_refused(w, operate(w, NULL, 0), AEROSPIKE_ERR_PARAM, "No operations defined");
    const tnd_wire_op bad[] = {
        {TND_WIRE_OP_INCR, "a", (as_val*)&text}, {TND_WIRE_OP_APPEND, "a", (as_val*)&one},
        {TND_WIRE_OP_PREPEND, "a", NULL},        {TND_WIRE_OP_WRITE, "a", NULL},
        {TND_WIRE_OP_READ, "a", (as_val*)&one},  {TND_WIRE_OP_CDT_READ, "a", (as_val*)&text},
        {(tnd_wire_op_code)6, "a", NULL},        {(tnd_wire_op_code)99, "a", (as_val*)&one},
        {TND_WIRE_OP_READ, NULL, NULL},          {TND_WIRE_OP_READ, "0123456789abcdef", NULL},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        as_error_init(&w->err);
        assert_refused(w, operate(w, &bad[i], 1), AEROSPIKE_ERR_PARAM, "");
    }
    const tnd_wire_op lost[] = {{TND_WIRE_OP_READ, "", NULL},
                                {TND_WIRE_OP_CDT_READ, "l", (as_val*)&args}};
    assert_refused(w, operate(w, lost, 2), AEROSPIKE_ERR_PARAM, "all bins");
    tnd_wire_ops many = {.entries = lost, .count = TND_WIRE_OPS_MAX + 1};
    assert_refused(w, tnd_wire_operate(&w->buf, &w->err, &w->key, &many, &w->operate, TIMEOUT_MS),
                   AEROSPIKE_ERR_PARAM, "Too many operations");
}

/* --- policies --- */

static as_status put_one(world* w, uint32_t ttl, uint16_t gen)
{
    as_record rec;
    as_record_init(&rec, 1);
    as_record_set_int64(&rec, "a", 1);
    rec.ttl = ttl;
    rec.gen = gen;
    as_status status = tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, TIMEOUT_MS);
    as_record_destroy(&rec);
    return status;
}

/* The table of protocol/records.md 5.4. */
static void turns_write_policies_into_bits(void** state)
{
    world* w = *state;
    static const struct {
        as_policy_exists exists;
        as_policy_gen gen;
        uint16_t generation;
        uint32_t ttl;
        as_policy_commit_level commit;
        bool durable;
        bool on_locking;
        uint8_t verbosity;
        uint8_t info2, info3, info4;
        uint32_t wire_generation;
    } cases[] = {
        {.info2 = 0x01},
        {.exists = AS_POLICY_EXISTS_CREATE, .info2 = 0x21},
        {.exists = AS_POLICY_EXISTS_UPDATE, .info2 = 0x01, .info3 = 0x08},
        {.exists = AS_POLICY_EXISTS_REPLACE, .info2 = 0x01, .info3 = 0x20},
        {.exists = AS_POLICY_EXISTS_CREATE_OR_REPLACE, .info2 = 0x01, .info3 = 0x10},
        {.gen = AS_POLICY_GEN_EQ, .generation = 4, .info2 = 0x05, .wire_generation = 4},
        {.gen = AS_POLICY_GEN_GT, .generation = 9, .info2 = 0x09, .wire_generation = 9},
        {.gen = AS_POLICY_GEN_IGNORE, .generation = 9, .info2 = 0x01},
        {.ttl = 100, .info2 = 0x01},
        {.ttl = AS_RECORD_NO_CHANGE_TTL, .info2 = 0x01},
        {.ttl = AS_RECORD_NO_EXPIRE_TTL, .info2 = 0x01},
        {.commit = AS_POLICY_COMMIT_LEVEL_MASTER, .info2 = 0x01, .info3 = 0x02},
        {.durable = true, .info2 = 0x11},
        {.on_locking = true, .info2 = 0x01, .info4 = 0x10},
        {.verbosity = 1, .info2 = 0x01, .info4 = 0x20},
        {.verbosity = 2, .info2 = 0x01, .info4 = 0x40},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        w->write.exists = cases[i].exists;
        w->write.gen = cases[i].gen;
        w->write.commit_level = cases[i].commit;
        w->write.durable_delete = cases[i].durable;
        w->write.on_locking_only = cases[i].on_locking;
        w->write.base.error_detail_verbosity = cases[i].verbosity;
        assert_int_equal(put_one(w, cases[i].ttl, cases[i].generation), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1], 0);
        assert_int_equal(w->buf.data[AT_INFO2], cases[i].info2);
        assert_int_equal(w->buf.data[AT_INFO3], cases[i].info3);
        assert_int_equal(w->buf.data[AT_INFO4], cases[i].info4);
        assert_int_equal(u32_at(w, AT_GENERATION), cases[i].wire_generation);
        assert_true(u32_at(w, AT_TTL) == cases[i].ttl);
    }
}

static void takes_the_ttl_from_record_or_policy(void** state)
{
    world* w = *state;
    w->write.ttl = 77;
    assert_int_equal(put_one(w, 5, 0), AEROSPIKE_OK);
    assert_int_equal(u32_at(w, AT_TTL), 5);
    assert_int_equal(put_one(w, AS_RECORD_DEFAULT_TTL, 0), AEROSPIKE_OK);
    assert_int_equal(u32_at(w, AT_TTL), 0);
    assert_int_equal(put_one(w, AS_RECORD_CLIENT_DEFAULT_TTL, 0), AEROSPIKE_OK);
    assert_int_equal(u32_at(w, AT_TTL), 77);
    w->write.ttl = AS_RECORD_CLIENT_DEFAULT_TTL; /* never on the wire */
    assert_int_equal(put_one(w, AS_RECORD_CLIENT_DEFAULT_TTL, 0), AEROSPIKE_OK);
    assert_int_equal(u32_at(w, AT_TTL), 0);
}

static void turns_read_policies_into_bits(void** state)
{
    world* w = *state;
    static const uint8_t sc_bits[] = {0x00, 0x40, 0x80, 0xc0};
    for (int sc = 0; sc < 4; sc++) {
        for (int ap = 0; ap < 2; ap++) {
            w->read.read_mode_ap = (as_policy_read_mode_ap)ap;
            w->read.read_mode_sc = (as_policy_read_mode_sc)sc;
            w->read.read_touch_ttl_percent = 80;
            assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), 0);
            assert_int_equal(w->buf.data[AT_INFO1], ap ? 0x43 : 0x03);
            assert_int_equal(w->buf.data[AT_INFO2], 0);
            assert_int_equal(w->buf.data[AT_INFO3], sc_bits[sc]);
            assert_int_equal(u32_at(w, AT_TTL), 80);
        }
    }
}

static void rewrites_the_timeout(void** state)
{
    world* w = *state;
    assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 200), 0);
    assert_int_equal(u32_at(w, AT_TIMEOUT), 200);
    tnd_wire_set_timeout(&w->buf, TIMEOUT_MS);
    assert_message(w, AEROSPIKE_OK, REQ_GET);
}

static void refuses_policies_of_later(void** state)
{
    world* w = *state;
    int something;
    w->read.base.txn = (void*)&something;
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "transactions");
    w->read.base.txn = NULL;
    as_exp empty = {.packed_sz = 0};
    w->read.base.filter_exp = &empty;
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "filter expression is empty");
    w->read.base.filter_exp = NULL;
    w->read.base.error_detail_verbosity = 3;
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "verbosity");
}

/* --- filter, compression --- */

/* protocol/records.md 5.11: bin a == 10 */
static void sends_a_filter(void** state)
{
    world* w = *state;
    w->read.base.filter_exp = as_exp_from_base64("kwGTUQKhYQo=");
    assert_message(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, TIMEOUT_MS),
                   "020300000000004e"
                   "160300000000"
                   "0000000000000000000003e8"
                   "00040000"
                   "000000050074657374"
                   "000000050164656d6f"
                   "0000001504ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                   "000000092b9301935102a1610a");
    as_exp* exp = w->read.base.filter_exp;
    w->write.base.filter_exp = exp;
    w->remove.base.filter_exp = exp;
    w->operate.base.filter_exp = exp;
    as_policy_apply apply;
    as_policy_apply_init(&apply);
    apply.base.filter_exp = exp;
    tnd_wire_op op = {TND_WIRE_OP_TOUCH, "", NULL};
    tnd_wire_ops list = {.entries = &op, .count = 1};
    tnd_wire_udf udf = {.module = "m", .function = "f"};
    as_record rec;
    as_record_inita(&rec, 1);
    as_record_set_int64(&rec, "a", 1);
    assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_FIELDS + 1], 4);
    assert_int_equal(tnd_wire_remove(&w->buf, &w->err, &w->key, &w->remove, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_FIELDS + 1], 4);
    assert_int_equal(tnd_wire_exists(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_FIELDS + 1], 4);
    assert_int_equal(tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, 1),
                     AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_FIELDS + 1], 4);
    assert_int_equal(tnd_wire_apply(&w->buf, &w->err, &w->key, &udf, &apply, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.data[AT_FIELDS + 1], 7);
    as_exp_destroy(exp);
    as_record_destroy(&rec);
}

/* protocol/records.md 5.12: which commands ask for a compressed answer. */
static void asks_for_compressed_answers(void** state)
{
    world* w = *state;
    const char* names[] = {"a"};
    tnd_wire_op op = {TND_WIRE_OP_TOUCH, "", NULL};
    tnd_wire_ops list = {.entries = &op, .count = 1};
    tnd_wire_udf udf = {.module = "m", .function = "f"};
    as_policy_apply apply;
    as_policy_apply_init(&apply);
    as_record rec;
    as_record_inita(&rec, 1);
    as_record_set_int64(&rec, "a", 1);
    for (int on = 0; on <= 1; on++) {
        w->read.base.compress = w->write.base.compress = on;
        w->operate.base.compress = w->remove.base.compress = apply.base.compress = on;
        unsigned bit = on ? 0x80 : 0;
        assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, bit);
        assert_int_equal(tnd_wire_select(&w->buf, &w->err, &w->key, names, 1, &w->read, 1),
                         AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, bit);
        assert_int_equal(tnd_wire_operate(&w->buf, &w->err, &w->key, &list, &w->operate, 1),
                         AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, bit);
        assert_int_equal(tnd_wire_apply(&w->buf, &w->err, &w->key, &udf, &apply, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, bit);
        assert_int_equal(tnd_wire_exists(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, 0);
        assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, 0);
        assert_int_equal(tnd_wire_remove(&w->buf, &w->err, &w->key, &w->remove, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_INFO1] & 0x80, 0);
    }
    as_record_destroy(&rec);
}

/* --- keys --- */

/* protocol/records.md 5.7 */
static void sends_every_type_of_key(void** state)
{
    world* w = *state;
    enum {
        AT_KEY = 8 + 22 + 9 + 9 + 25
    };
    static const char* const fields[] = {
        "00000006"
        "02036b657931",
        "0000000a"
        "02010000000000000001",
        "0000000a"
        "02023ff8000000000000",
        "00000007"
        "020400010203ff",
    };
    as_double number;
    as_double_init(&number, 1.5);
    w->read.key = AS_POLICY_KEY_SEND;
    for (size_t i = 0; i < COUNT(fields); i++) {
        test_bytes expected = test_bytes_hex(fields[i]);
        as_key_destroy(&w->key);
        switch (i) {
        case 0:
            as_key_init_str(&w->key, "test", "demo", "key1");
            break;
        case 1:
            as_key_init_int64(&w->key, "test", "demo", 1);
            break;
        case 2:
            as_key_init_value(&w->key, "test", "demo", (as_key_value*)&number);
            break;
        default:
            as_key_init_raw(&w->key, "test", "demo", (const uint8_t*)"\x00\x01\x02\x03\xff", 5);
            break;
        }
        assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
        assert_int_equal(w->buf.data[AT_FIELDS + 1], 4);
        assert_int_equal(w->buf.size, AT_KEY + expected.size);
        assert_memory_equal(w->buf.data + AT_KEY, expected.data, expected.size);
        test_bytes_done(&expected);
    }
}

static void sends_an_empty_set(void** state)
{
    world* w = *state;
    as_key_destroy(&w->key);
    as_key_init_str(&w->key, "test", "", "key1");
    assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.size, 8 + 22 + 9 + 5 + 25);
    assert_memory_equal(w->buf.data + 39, "\0\0\0\x01\x01", 5);
}

static void refuses_names_that_are_too_long(void** state)
{
    world* w = *state;
    static const char* const names[] = {"ok", "0123456789abcdef"};
    static const char* const empty[] = {""};
    assert_refused(w, tnd_wire_select(&w->buf, &w->err, &w->key, names, 2, &w->read, 1),
                   AEROSPIKE_ERR_PARAM, "Bin name too long: 0123456789abcdef");
    assert_refused(w, tnd_wire_select(&w->buf, &w->err, &w->key, empty, 1, &w->read, 1),
                   AEROSPIKE_ERR_PARAM, "empty");
    assert_refused(w, tnd_wire_select(&w->buf, &w->err, &w->key, NULL, 0, &w->read, 1),
                   AEROSPIKE_ERR_PARAM, "Select");

    as_record rec;
    as_record_init(&rec, 1);
    as_record_set_int64(&rec, "0123456789abcde", 1);
    assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
    memset(rec.bins.entries[0].name, 'x', sizeof(as_bin_name)); /* no terminator left */
    assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                   AEROSPIKE_ERR_PARAM, "Bin name too long: xxxxxxxxxxxxxxxx");
    assert_string_equal(w->err.message, "Bin name too long: xxxxxxxxxxxxxxxx");
    as_record_destroy(&rec);

    memset(w->key.ns, 'n', sizeof(w->key.ns));
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "Namespace");
    w->key.ns[0] = '\0';
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "Namespace");
    strcpy(w->key.ns, "test");
    memset(w->key.set, 's', sizeof(w->key.set));
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "Set");
    strcpy(w->key.set, "<ERO~MRT");
    assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
    assert_refused(w, tnd_wire_remove(&w->buf, &w->err, &w->key, &w->remove, 1),
                   AEROSPIKE_ERR_PARAM, "reserved");
}

static void refuses_keys_without_a_digest(void** state)
{
    world* w = *state;
    as_boolean value;
    as_boolean_init(&value, true);
    as_key_destroy(&w->key);
    as_key_init_value(&w->key, "test", "demo", (as_key_value*)&value);
    assert_refused(w, tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_ERR_PARAM,
                   "Invalid key type");
    as_key_destroy(&w->key); /* while the value that it borrows lives */
    as_key_init(&w->key, "test", "demo", "key1");
}

static void refuses_values_that_cannot_be_sent(void** state)
{
    world* w = *state;
    as_record rec;
    as_record_init(&rec, 1);
    as_record_set_int64(&rec, "a", 1);
    static const as_val_t types[] = {AS_REC, AS_CMP_WILDCARD, AS_CMP_INF, AS_UNDEF, 99};
    as_val val = {.count = 0};
    as_bin_value* kept = rec.bins.entries[0].valuep;
    rec.bins.entries[0].valuep = (as_bin_value*)&val;
    for (size_t i = 0; i < COUNT(types); i++) {
        val.type = types[i];
        assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                       AEROSPIKE_ERR_PARAM, "Invalid value type");
    }
    rec.bins.entries[0].valuep = NULL;
    assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                   AEROSPIKE_ERR_PARAM, "can't take this value");
    rec.bins.entries[0].valuep = kept;
    as_record_set_raw_typep(&rec, "a", (const uint8_t*)"x", 1, AS_BYTES_UNDEF, false);
    assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                   AEROSPIKE_ERR_PARAM, "Invalid bytes type");
    as_record_destroy(&rec);
}

/* A length that was given counts, also where it cuts a text or the text holds a NUL. */
static void honours_given_lengths(void** state)
{
    world* w = *state;
    as_string text, whole;
    as_string_init_wlen(&text, "a\0bc", 3, false);
    as_string_init(&whole, "abc", false);
    const tnd_wire_op ops[] = {{TND_WIRE_OP_WRITE, "s", (as_val*)&text},
                               {TND_WIRE_OP_WRITE, "t", (as_val*)&whole}};
    assert_int_equal(operate(w, ops, 2), AEROSPIKE_OK);
    assert_memory_equal(w->buf.data + w->buf.size - 24,
                        "\0\0\0\x08\x02\x03\0\x01s"
                        "a\0b"
                        "\0\0\0\x08\x02\x03\0\x01t"
                        "abc",
                        24);
    assert_true(whole.len == SIZE_MAX); /* the caller's value isn't written to */
}

static void encodes_a_record_without_bins(void** state)
{
    world* w = *state;
    as_record rec;
    as_record_init(&rec, 0);
    assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
    assert_int_equal(w->buf.size, 8 + 22 + 9 + 9 + 25);
    as_record_destroy(&rec);
}

/* Values are borrowed: a length of 128 MiB needs no 128 MiB to be refused. */
static void refuses_records_that_are_too_large(void** state)
{
    world* w = *state;
    enum {
        OVERHEAD = 22 + 9 + 9 + 25 + 8 + 1
    };
    static uint8_t byte;
    as_record rec;
    as_record_init(&rec, 1);
    as_record_set_raw(&rec, "a", &byte, TND_WIRE_BODY_BYTES_MAX - OVERHEAD + 1);
    assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                   AEROSPIKE_ERR_RECORD_TOO_BIG, "134217729 bytes, at most 134217728");
    w->buf.limit = 100;
    as_record_set_raw(&rec, "a", &byte, 1);
    assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
    w->buf.limit = w->buf.capacity = w->buf.size - 1;
    assert_refused(w, tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1),
                   AEROSPIKE_ERR_RECORD_TOO_BIG, "75 bytes, at most 74");
    as_record_destroy(&rec);
}

static void a_message_of_exactly_the_limit_is_encoded(void** state)
{
    world* w = *state;
    enum {
        SIZE = TND_WIRE_BODY_BYTES_MAX - (22 + 9 + 9 + 25 + 8 + 1)
    };
    as_record rec;
    uint8_t* bytes = calloc(1, SIZE);
    assert_non_null(bytes);
    as_record_init(&rec, 1);
    as_record_set_rawp(&rec, "a", bytes, SIZE, true);
    assert_int_equal(tnd_wire_put(&w->buf, &w->err, &w->key, &rec, &w->write, 1), AEROSPIKE_OK);
    assert_memory_equal(w->buf.data, "\x02\x03\0\0\x08\0\0\0", 8);
    assert_int_equal(w->buf.size, LIMIT);
    as_record_destroy(&rec);
}

static void reports_missing_memory(void** state)
{
    world* w = *state;
    assert_non_null(as_key_digest(&w->key));
    tnd_mem_fail(1, 1);
    as_status status = tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1);
    tnd_mem_fail(0, 0);
    assert_refused(w, status, AEROSPIKE_ERR_CLIENT, "Out of memory");
    assert_int_equal(tnd_wire_get(&w->buf, &w->err, &w->key, &w->read, 1), AEROSPIKE_OK);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(encodes_reads),
        with_world(encodes_a_put),
        with_world(encodes_every_type),
        with_world(encodes_a_bin_delete),
        with_world(encodes_a_remove),
        with_world(encodes_scalar_operations),
        with_world(encodes_packed_operations),
        with_world(encodes_a_list_of_reads_as_a_read),
        with_world(refuses_operations_that_cannot_be),
        with_world(turns_write_policies_into_bits),
        with_world(takes_the_ttl_from_record_or_policy),
        with_world(turns_read_policies_into_bits),
        with_world(rewrites_the_timeout),
        with_world(refuses_policies_of_later),
        with_world(sends_a_filter),
        with_world(asks_for_compressed_answers),
        with_world(sends_every_type_of_key),
        with_world(sends_an_empty_set),
        with_world(refuses_names_that_are_too_long),
        with_world(refuses_keys_without_a_digest),
        with_world(refuses_values_that_cannot_be_sent),
        with_world(refuses_lists_and_maps_that_cannot_be_sent),
        with_world(honours_given_lengths),
        with_world(encodes_a_record_without_bins),
        with_world(refuses_records_that_are_too_large),
        with_world(a_message_of_exactly_the_limit_is_encoded),
        with_world(reports_missing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
