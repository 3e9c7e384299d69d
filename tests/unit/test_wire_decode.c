#include "core/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/lib/value.h"
#include "tests/unit/wire_vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- frames --- */

static const struct {
    const char* name;
    const char* hex;
} replies[] = {
#define REPLY(name) {#name, name},
    ALL_REPLIES(REPLY)
#undef REPLY
};

/* One byte more at a time: WAIT until the last, and never a byte wanted that isn't needed. */
static void frames_byte_by_byte(void** state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        test_bytes reply = test_bytes_hex(replies[i].hex);
        for (size_t size = 0; size <= reply.size; size++) {
            test_bytes part = test_bytes_copy(reply.data, size);
            tnd_wire_frame_info info = {0};
            tnd_wire_outcome outcome = tnd_wire_frame(part.data, part.size, TND_WIRE_MESSAGE,
                                                      TND_WIRE_BODY_BYTES_MAX, &info);
            assert_int_equal(outcome, size == reply.size ? TND_WIRE_READY : TND_WIRE_WAIT);
            assert_int_equal(info.total_bytes, size < 8 ? 8 : reply.size);
            assert_int_equal(info.body_bytes, size == reply.size ? reply.size - 8 : 0);
            test_bytes_done(&part);
        }
        test_bytes_done(&reply);
    }
}

static void finds_a_second_frame_behind_the_first(void** state)
{
    (void)state;
    test_bytes two = test_bytes_hex(REP_GET REP_PUT);
    tnd_wire_frame_info info;
    assert_int_equal(tnd_wire_frame(two.data, two.size, 3, 1000, &info), TND_WIRE_READY);
    assert_int_equal(info.total_bytes, 47);
    assert_int_equal(tnd_wire_frame(two.data + 47, two.size - 47, 3, 1000, &info), TND_WIRE_READY);
    assert_int_equal(info.body_bytes, 22);
    test_bytes_done(&two);
}

static void refuses_bad_frames_at_once(void** state)
{
    (void)state;
    static const struct {
        const char* hex;
        uint8_t expected_type;
        size_t body_max;
        tnd_wire_outcome outcome;
    } cases[] = {
        {"01", 3, 1000, TND_WIRE_BAD},
        {"00", 2, 1000, TND_WIRE_BAD},
        {"03", 3, 1000, TND_WIRE_BAD},
        {"485454502f312e31", 3, 1000, TND_WIRE_BAD}, /* HTTP/1.1 */
        {"02", 3, 1000, TND_WIRE_WAIT},
        {"0201", 3, 1000, TND_WIRE_BAD},
        {"0203", 1, 1000, TND_WIRE_BAD},
        {"0204", 3, 1000, TND_WIRE_BAD}, /* compressed: never asked for */
        {"0203000000000015", 3, 1000, TND_WIRE_BAD},
        {"0203000000000016", 3, 1000, TND_WIRE_WAIT},
        {"020300000000000000", 3, 1000, TND_WIRE_BAD},
        {"02030000000003e8", 3, 1000, TND_WIRE_WAIT},
        {"02030000000003e9", 3, 1000, TND_WIRE_BAD},
        {"0203000008000000", 3, SIZE_MAX, TND_WIRE_WAIT},
        {"0203000008000001", 3, SIZE_MAX, TND_WIRE_BAD},
        {"0203ffffffffffff", 3, SIZE_MAX, TND_WIRE_BAD},
        {"020200000000000f", 2, 1000, TND_WIRE_BAD},
        {"0202000000000010", 2, 1000, TND_WIRE_WAIT},
        {"0201000000000000", 1, 1000, TND_WIRE_READY}, /* "node" without LF: an empty answer */
        {"0201000000000001", 1, 1000, TND_WIRE_WAIT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        test_bytes bytes = test_bytes_hex(cases[i].hex);
        tnd_wire_frame_info info = {0};
        assert_int_equal(tnd_wire_frame(bytes.data, bytes.size, cases[i].expected_type,
                                        cases[i].body_max, &info),
                         cases[i].outcome);
        assert_int_equal(info.reason != NULL, cases[i].outcome == TND_WIRE_BAD);
        test_bytes_done(&bytes);
    }
}

/* The error replies of protocol/cluster.md appendix C. */
static void frames_error_replies(void** state)
{
    (void)state;
    static const struct {
        const char* hex;
        uint8_t type;
        uint8_t result;
    } cases[] = {
        {"0203000000000016"
         "16000000001400000000000000000000000000000000",
         3, 20},
        {"0203000000000016"
         "16000000001900000000000000000000000000000000",
         3, 25},
        {"0202000000000010"
         "00330000000000000000000000000000",
         2, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        test_bytes bytes = test_bytes_hex(cases[i].hex);
        tnd_wire_frame_info info;
        tnd_wire_reply reply;
        const char* reason;
        assert_int_equal(tnd_wire_frame(bytes.data, bytes.size, cases[i].type, 1000, &info),
                         TND_WIRE_READY);
        if (cases[i].type == TND_WIRE_MESSAGE) {
            assert_true(tnd_wire_reply_open(&reply, bytes.data + 8, info.body_bytes, &reason));
            assert_int_equal(reply.result, cases[i].result);
        }
        test_bytes_done(&bytes);
    }
}

/* --- replies --- */

/* An opened reply and the bytes that it borrows. */
typedef struct opened {
    test_bytes body;
    tnd_wire_reply reply;
} opened;

static opened open_hex(const char* hex)
{
    opened o;
    const char* reason = NULL;
    o.body = test_bytes_hex(hex + 16);
    if (!tnd_wire_reply_open(&o.reply, o.body.data, o.body.size, &reason)) {
        fail_msg("refused: %s", reason);
    }
    return o;
}

/* Prints the entries in a fixed form: op type name=hex. */
static const char* print_entries(tnd_wire_reply reply)
{
    static char text[2048];
    size_t used = 0;
    tnd_wire_entry entry;
    text[0] = '\0';
    while (tnd_wire_op_next(&reply, &entry)) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %.*s=", entry.op,
                                 entry.type, (int)entry.name.size, entry.name.data);
        for (size_t i = 0; i < entry.value.size; i++) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%02x",
                                     (uint8_t)entry.value.data[i]);
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, ";");
    }
    return text;
}

static void iterates_entries_in_order(void** state)
{
    (void)state;
    static const struct {
        const char* hex;
        uint8_t result;
        uint32_t generation;
        uint32_t void_time;
        const char* entries;
    } cases[] = {
        {REP_GET, 0, 1, 0, "1 1 a=0000000000000001;"},
        {REP_NOT_FOUND, 2, 0, 0, ""},
        {REP_EXISTS, 0, 1, 0, ""},
        {REP_SELECT, 0, 1, 0, "1 1 a=0000000000000001;"},
        {REP_PUT_TTL, 0, 7, 533081394, ""},
        {REP_OPERATE_MIXED, 0, 16, 0, "1 1 a=0000000000000007;"},
        {REP_OPERATE_RESPOND_ALL, 0, 17, 0, "5 0 a=;2 0 s=;9 0 s=;10 0 s=;1 1 a=000000000000000c;"},
        {REP_OPERATE_ONE_BIN, 0, 18, 0, "1 1 a=000000000000000c;1 1 a=000000000000000d;"},
        {REP_OPERATE_ONE_BIN_ALL, 0, 19, 0,
         "1 1 a=000000000000000d;5 0 a=;1 1 a=000000000000000e;"},
        {REP_OPERATE_MISSING_BIN, 0, 20, 0, "1 1 a=000000000000000f;1 0 none=;"},
        {REP_OPERATE_LIST, 0, 21, 0,
         "4 1 l=0000000000000001;3 1 l=0000000000000001;3 1 l=0000000000000009;"},
        {REP_OPERATE_BITS, 0, 23, 0, "13 0 bl=;12 1 bl=0000000000000000;"},
        {REP_OPERATE_EXP, 0, 25, 0, "7 1 ret=0000000000000019;8 0 ew=;"},
        {REP_OPERATE_DELETE_ALL, 0, 0, 0, "1 1 n=0000000000000001;"},
        {REP_UDF_MAP, 0, 3, 0, "1 19 SUCCESS=81a2036ba20376;"},
        {REP_UDF_NULL, 0, 3, 0, "1 0 SUCCESS=;"},
        {REP_FILTERED_OUT, 27, 1, 0, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        opened o = open_hex(cases[i].hex);
        assert_int_equal(o.reply.result, cases[i].result);
        assert_int_equal(o.reply.generation, cases[i].generation);
        assert_int_equal(o.reply.void_time, cases[i].void_time);
        assert_string_equal(print_entries(o.reply), cases[i].entries);
        test_bytes_done(&o.body);
    }
}

static void finds_the_text_of_a_failed_udf(void** state)
{
    (void)state;
    opened o = open_hex(REP_UDF_FAILURE);
    tnd_slice text;
    assert_int_equal(o.reply.result, 100);
    assert_true(tnd_wire_failure(&o.reply, &text));
    assert_true(tnd_slice_equals_text(text, "function not found"));
    assert_int_equal(o.reply.ops_left, 1);
    test_bytes_done(&o.body);
    o = open_hex(REP_UDF_INTEGER);
    assert_false(tnd_wire_failure(&o.reply, &text));
    test_bytes_done(&o.body);
}

static void skips_fields_and_update_times(void** state)
{
    (void)state;
    opened o = open_hex("0203000000000000"
                        "160000000000"
                        "000000010000000000000007"
                        "00020001"
                        "00000003030102"
                        "000000012d"
                        "00000016"
                        "01010101"
                        "61"
                        "1111111111111111"
                        "00000000000000ff"
                        "00");
    /* The value is nine bytes here only to see where it starts. */
    assert_int_equal(o.reply.batch_index, 7);
    assert_string_equal(print_entries(o.reply), "1 1 a=00000000000000ff00;");
    test_bytes_done(&o.body);
}

/* A cut or lengthened body, at every offset, is refused. */
static void refuses_every_other_length(void** state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        test_bytes body = test_bytes_hex(replies[i].hex + 16);
        for (size_t size = 0; size <= body.size + 1; size++) {
            test_bytes cut = {.data = calloc(1, size + 1), .size = size};
            assert_non_null(cut.data);
            test_bytes exact = test_bytes_copy(cut.data, size);
            if (size > 0) {
                memcpy(exact.data, body.data, size < body.size ? size : body.size);
            }
            tnd_wire_reply reply;
            const char* reason = NULL;
            bool ok = tnd_wire_reply_open(&reply, exact.data, exact.size, &reason);
            assert_int_equal(ok, size == body.size);
            assert_int_equal(reason == NULL, ok);
            test_bytes_done(&exact);
            test_bytes_done(&cut);
        }
        test_bytes_done(&body);
    }
}

static void refuses_malformed_replies(void** state)
{
    (void)state;
    static const char head[] = "160000000000"
                               "000000010000000000000000";
    static const char* const bad[] = {
        "00000001",                   /* an entry too few */
        "0000ffff",                   /* far too few */
        "00010000",                   /* a field too few */
        "ffff0000",                   /*  */
        "0000000000",                 /* a byte too many */
        "0001000000000000",           /* field of size 0 */
        "00010000ffffffff00",         /* field past the end */
        "000000010000000301010001",   /* entry too small for its head */
        "00000001000000040101000161", /* name past the entry, not past the body */
        "000000010000000401010101",   /* update time past the entry */
        "00000001ffffffff01010000",   /* entry past the end */
        "00000001000000140101001030313233343536373839616263646566", /* name of 16 bytes */
        "0000000100000006010100026100",                             /* NUL in a name */
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char hex[256];
        snprintf(hex, sizeof(hex), "%s%s", head, bad[i]);
        test_bytes body = test_bytes_hex(hex);
        tnd_wire_reply reply;
        const char* reason = NULL;
        if (tnd_wire_reply_open(&reply, body.data, body.size, &reason)) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_non_null(reason);
        test_bytes_done(&body);
    }
    test_bytes body = test_bytes_hex("1700000000000000000100000000000000000000"
                                     "0000");
    tnd_wire_reply reply;
    const char* reason = NULL;
    assert_false(tnd_wire_reply_open(&reply, body.data, body.size, &reason));
    test_bytes_done(&body);
}

/* --- records --- */

static void computes_the_ttl(void** state)
{
    (void)state;
    const uint64_t epoch = 1262304000;
    assert_true(tnd_wire_ttl(0, epoch + 1000) == UINT32_MAX);
    assert_int_equal(tnd_wire_ttl(1100, epoch + 1000), 100);
    assert_int_equal(tnd_wire_ttl(1001, epoch + 1000), 1);
    assert_int_equal(tnd_wire_ttl(1000, epoch + 1000), 1);
    assert_int_equal(tnd_wire_ttl(1, epoch + 1000), 1);
    assert_int_equal(tnd_wire_ttl(100, 0), 100); /* a clock before 2010 */
    assert_int_equal(tnd_wire_ttl(533081394, epoch + 533081394 - 100), 100);
    assert_true(tnd_wire_ttl(UINT32_MAX, epoch + (UINT64_C(1) << 40)) == 1);
}

static void fills_a_record_with_every_type(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    opened o = open_hex(REP_GET_ALL_TYPES);
    as_record rec;
    as_record_init(&rec, 0);
    assert_int_equal(tnd_wire_record(&o.reply, 1262304000, &rec, NULL, &err), AEROSPIKE_OK);
    /* Nothing of the record may point into the reply. */
    memset(o.body.data, 0xee, o.body.size);
    test_bytes_done(&o.body);

    assert_int_equal(as_record_numbins(&rec), 9);
    assert_int_equal(rec.gen, 1);
    assert_true(rec.ttl == AS_RECORD_NO_EXPIRE_TTL);
    assert_true(as_record_get_bool(&rec, "bool"));
    assert_int_equal(as_bin_get_type(&rec.bins.entries[0]), AS_BOOLEAN);
    assert_true(as_record_get_int64(&rec, "int", 0) == -2);
    assert_true(as_record_get_double(&rec, "dbl", 0) == 1.5);
    assert_string_equal(as_record_get_str(&rec, "str"), "hi");
    assert_int_equal(as_string_len(as_record_get_string(&rec, "str")), 2);
    assert_string_equal(as_record_get_geojson_str(&rec, "geo"),
                        "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}");
    static const struct {
        const char* name;
        as_bytes_type type;
        const char* hex;
    } bytes[] = {
        {"blob", AS_BYTES_BLOB, "010203"},
        {"list", AS_BYTES_LIST, "9301a20378cb4000000000000000"},
        {"map", AS_BYTES_MAP, "82c70001c0a2036b07"},
        {"umap", AS_BYTES_MAP, "81a2036b07"},
    };
    assert_string_equal(test_text((as_val*)as_record_get_list(&rec, "list")), "[1, \"x\", 2]");
    assert_string_equal(test_text((as_val*)as_record_get_map(&rec, "map")), "{\"k\":7}");
    assert_int_equal(as_record_get_map(&rec, "map")->flags, 1);
    assert_string_equal(test_text((as_val*)as_record_get_map(&rec, "umap")), "{\"k\":7}");
    assert_int_equal(as_record_get_map(&rec, "umap")->flags, 0);
    /* The same without deserializing. */
    as_record packed;
    as_record_init(&packed, 0);
    o = open_hex(REP_GET_ALL_TYPES);
    o.reply.keeps_packed = true;
    assert_int_equal(tnd_wire_record(&o.reply, 1262304000, &packed, NULL, &err), AEROSPIKE_OK);
    test_bytes_done(&o.body);
    for (size_t i = 0; i < COUNT(bytes); i++) {
        test_bytes expected = test_bytes_hex(bytes[i].hex);
        as_bytes* value = as_record_get_bytes(&packed, bytes[i].name);
        assert_non_null(value);
        assert_int_equal(as_bytes_get_type(value), bytes[i].type);
        assert_int_equal(as_bytes_size(value), expected.size);
        assert_memory_equal(as_bytes_get(value), expected.data, expected.size);
        test_bytes_done(&expected);
    }
    as_record_destroy(&packed);
    /* What a listener may do to keep a text (api/traps.md 3). */
    char* kept = as_record_get_str(&rec, "str");
    as_record_get_string(&rec, "str")->free = false;
    as_record_destroy(&rec);
    assert_string_equal(kept, "hi");
    free(kept);
}

static void keeps_repeated_names_and_nils(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    opened o = open_hex(REP_OPERATE_ONE_BIN_ALL);
    as_record* rec = as_record_new(0);
    assert_int_equal(tnd_wire_record(&o.reply, 1262304000, rec, NULL, &err), AEROSPIKE_OK);
    test_bytes_done(&o.body);
    assert_int_equal(rec->bins.size, 3);
    assert_int_equal(rec->bins.entries[0].valuep->integer.value, 13);
    assert_int_equal(as_bin_get_type(&rec->bins.entries[1]), AS_NIL);
    assert_int_equal(rec->bins.entries[2].valuep->integer.value, 14);
    assert_string_equal(as_bin_get_name(&rec->bins.entries[2]), "a");
    as_record_destroy(rec);

    o = open_hex(REP_PUT_TTL);
    as_record meta;
    as_record_init(&meta, 0);
    assert_int_equal(tnd_wire_record(&o.reply, 1262304000 + 533081394 - 100, &meta, NULL, &err), 0);
    assert_int_equal(meta.bins.size, 0);
    assert_int_equal(meta.gen, 7);
    assert_int_equal(meta.ttl, 100);
    as_record_destroy(&meta);
    test_bytes_done(&o.body);
}

/* type and value of a single bin "a" */
static as_status record_of(as_error* err, const char* type_hex, const char* value_hex,
                           as_record* rec)
{
    char hex[512];
    size_t size = strlen(value_hex) / 2;
    snprintf(hex, sizeof(hex),
             "0203000000000000160000000000000000010000000000000000"
             "00000001%08x01%s000161%s",
             (unsigned)(5 + size), type_hex, value_hex);
    opened o = open_hex(hex);
    as_record_init(rec, 0);
    as_status status = tnd_wire_record(&o.reply, 1262304000, rec, NULL, err);
    test_bytes_done(&o.body);
    return status;
}

static void refuses_values_that_contradict_their_type(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    static const char* const bad[][2] = {
        {"01", ""},
        {"01", "00000001"},
        {"01", "000000000000000001"},
        {"02", "3ff8"},
        {"02", ""},
        {"11", ""},
        {"11", "0101"},
        {"17", ""},
        {"17", "0000"},
        {"17", "000001"},
        {"17", "00000100000000000000"},
        {"17", "00ffff7b7d"},
        {"00", "00"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        as_record rec;
        as_error_init(&err);
        assert_int_equal(record_of(&err, bad[i][0], bad[i][1], &rec), AEROSPIKE_ERR_CLIENT);
        assert_non_null(strstr(err.message, "Bad reply: bin 'a'"));
        assert_null(rec.bins.entries);
        assert_int_equal(rec.bins.size, 0);
        as_record_destroy(&rec);
    }
}

static void takes_unknown_and_empty_values(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    as_record rec;
    assert_int_equal(record_of(&err, "f0", "0102", &rec), AEROSPIKE_OK);
    assert_int_equal(as_record_get_bytes(&rec, "a")->type, 0xf0);
    assert_int_equal(as_record_get_bytes(&rec, "a")->size, 2);
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "03", "", &rec), AEROSPIKE_OK);
    assert_string_equal(as_record_get_str(&rec, "a"), "");
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "03", "610062", &rec), AEROSPIKE_OK);
    assert_int_equal(as_string_len(as_record_get_string(&rec, "a")), 3);
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "04", "", &rec), AEROSPIKE_OK);
    assert_int_equal(as_record_get_bytes(&rec, "a")->size, 0);
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "17", "000000", &rec), AEROSPIKE_OK);
    assert_string_equal(as_record_get_geojson_str(&rec, "a"), "");
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "17",
                               "00000200000000000000000000000000000000"
                               "7b7d",
                               &rec),
                     0);
    assert_string_equal(as_record_get_geojson_str(&rec, "a"), "{}");
    as_record_destroy(&rec);
    assert_int_equal(record_of(&err, "02", "8000000000000000", &rec), AEROSPIKE_OK);
    assert_true(1 / as_record_get_double(&rec, "a", 1) < 0);
    as_record_destroy(&rec);
}

/* Every allocation of a record in turn is refused; nothing leaks and nothing is half filled. */
static void leaves_the_record_alone_without_memory(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    opened o = open_hex(REP_GET_ALL_TYPES);
    as_record rec;
    as_record_init(&rec, 0);
    uint64_t nth = 1;
    for (;; nth++) {
        assert_true(nth < 100);
        tnd_mem_fail(nth, 1);
        as_status status = tnd_wire_record(&o.reply, 1262304000, &rec, NULL, &err);
        tnd_mem_fail(0, 0);
        if (status == AEROSPIKE_OK) {
            break;
        }
        assert_int_equal(status, AEROSPIKE_ERR_CLIENT);
        assert_null(rec.bins.entries);
        assert_int_equal(rec.bins.size, 0);
    }
    /* The bins; one each for str, geo and blob; list, elements, integer, text (2), double; two
     * maps: map, entries, key (2), value; and the one that isn't refused. */
    assert_int_equal(nth, 1 + 3 + 6 + 2 * 5 + 1);
    as_record_destroy(&rec);
    test_bytes_done(&o.body);
}

static void survives_mutated_replies(void** state)
{
    (void)state;
    as_error err;
    as_error_init(&err);
    test_prng prng = {.state = 5};
    unsigned opened_count = 0;
    for (unsigned round = 0; round < 50000; round++) {
        test_bytes body = test_bytes_hex(replies[round % COUNT(replies)].hex + 16);
        tnd_wire_reply reply;
        const char* reason = NULL;
        test_bytes_mutate(&body, &prng);
        if (tnd_wire_reply_open(&reply, body.data, body.size, &reason)) {
            tnd_wire_reply walk = reply;
            tnd_wire_entry entry;
            unsigned entries = 0;
            while (tnd_wire_op_next(&walk, &entry)) {
                entries++;
            }
            assert_int_equal(entries, reply.ops_count);
            assert_true(tnd_cursor_at_end(&walk.ops));
            as_record rec;
            as_record_init(&rec, 0);
            if (tnd_wire_record(&reply, 1262304000, &rec, NULL, &err) == AEROSPIKE_OK) {
                assert_int_equal(rec.bins.size, entries);
            }
            as_record_destroy(&rec);
            opened_count++;
        } else {
            assert_non_null(reason);
        }
        test_bytes_done(&body);
    }
    assert_in_range(opened_count, 1000, 49000);
}

/* ---- is it this request's? ---- */

static void encode_select(tnd_buf* buf, const char* const* names, uint32_t count)
{
    as_key key;
    as_error err;
    as_policy_read policy;
    as_policy_read_init(&policy);
    as_key_init_int64(&key, "test", "demo", 1);
    tnd_buf_init(buf, 1 << 20);
    assert_int_equal(count > 0 ? tnd_wire_select(buf, &err, &key, names, count, &policy, 0)
                               : tnd_wire_get(buf, &err, &key, &policy, 0),
                     AEROSPIKE_OK);
}

static void test_reply_of_another_request(void** state)
{
    (void)state;
    static const uint8_t body[] = {22, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,   0,   0,   0,
                                   0,  0, 0, 0, 1, 0, 0, 0, 8, 1, 3, 0, 1, 'b', 'x', 'y', 'z'};
    static const char* const has[] = {"a", "b"};
    static const char* const lacks[] = {"a", "bb", "c"};
    tnd_wire_reply reply;
    const char* reason;
    tnd_buf request;
    assert_true(tnd_wire_reply_open(&reply, body, sizeof(body), &reason));
    encode_select(&request, has, 2);
    assert_true(tnd_wire_reply_answers(&reply, &request));
    tnd_buf_done(&request);
    encode_select(&request, lacks, 3);
    assert_false(tnd_wire_reply_answers(&reply, &request));
    tnd_buf_done(&request);
    encode_select(&request, NULL, 0);
    assert_true(tnd_wire_reply_answers(&reply, &request));
    tnd_buf_done(&request);
}

/* A list of more elements than a record can have: nothing is made of it, and nothing is lost. */
static void too_many_values_stay_bytes(void** state)
{
    (void)state;
    const uint32_t count = TND_WIRE_VALUES_MAX; /* and the list itself */
    const char* reason = NULL;
    tnd_wire_reply reply;
    as_record record;
    as_error err;
    tnd_buf body;
    tnd_buf_init(&body, SIZE_MAX);
    static const uint8_t head[TND_WIRE_HEADER_BYTES] = {22, [21] = 2};
    tnd_buf_append_bytes(&body, head, sizeof(head));
    tnd_buf_append_bytes(&body, "\0\0\0\x07\1\x14\0\1s\x91\x90", 11); /* [[]] */
    tnd_buf_append_be32(&body, 5 + 5 + count);
    tnd_buf_append_bytes(&body, "\1\x14\0\1l\xdd", 6);
    tnd_buf_append_be32(&body, count);
    assert_true(tnd_buf_reserve(&body, count));
    memset(body.data + body.size, 0x90, count);
    body.size += count;
    if (!tnd_wire_reply_open(&reply, body.data, body.size, &reason)) {
        fail_msg("%s", reason);
    }
    as_record_init(&record, 0);
    int64_t before = tnd_mem_bytes();
    assert_int_equal(tnd_wire_record(&reply, 0, &record, NULL, &err), AEROSPIKE_OK);
    assert_true(tnd_mem_bytes() - before < 2 * (int64_t)count);
    assert_non_null(as_record_get_list(&record, "s"));
    const as_bytes* list = as_record_get_bytes(&record, "l");
    assert_non_null(list);
    assert_int_equal(list->type, AS_BYTES_LIST);
    assert_int_equal(list->size, 5 + count);
    as_record_destroy(&record);
    tnd_buf_done(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_of_another_request),
        cmocka_unit_test(frames_byte_by_byte),
        cmocka_unit_test(finds_a_second_frame_behind_the_first),
        cmocka_unit_test(refuses_bad_frames_at_once),
        cmocka_unit_test(frames_error_replies),
        cmocka_unit_test(iterates_entries_in_order),
        cmocka_unit_test(too_many_values_stay_bytes),
        cmocka_unit_test(finds_the_text_of_a_failed_udf),
        cmocka_unit_test(skips_fields_and_update_times),
        cmocka_unit_test(refuses_every_other_length),
        cmocka_unit_test(refuses_malformed_replies),
        cmocka_unit_test(computes_the_ttl),
        cmocka_unit_test(fills_a_record_with_every_type),
        cmocka_unit_test(keeps_repeated_names_and_nils),
        cmocka_unit_test(refuses_values_that_contradict_their_type),
        cmocka_unit_test(takes_unknown_and_empty_values),
        cmocka_unit_test(leaves_the_record_alone_without_memory),
        cmocka_unit_test(survives_mutated_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
