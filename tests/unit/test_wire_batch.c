#include "core/wire_batch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <aerospike/as_arraylist.h>
#include <aerospike/as_operations.h>

#include "core/mem.h"
#include "tests/lib/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    TIMEOUT_MS = 1000,
    LIMIT = TND_WIRE_BODY_BYTES_MAX + TND_WIRE_FRAME_BYTES,
    FLAGS = TND_WIRE_BATCH_INLINE | TND_WIRE_BATCH_RESPOND_ALL | TND_WIRE_BATCH_LAST_ERROR,
};

/* --- captured messages (protocol/records.md 9.4) --- */

/* clang-format off */
static const char REQ_MIXED[] =
    "0203000000000198"
    "160800000000"
    "0000000000000000000003e8"
    "00010000"
    "0000017e29"
    "000000060d"
    "000000009b7d8f9ece3b22ae3348c6dcd96ac6c3a17414e60a"
    "030000"
    "0000000000020000"
    "000000050074657374"
    "000000050164656d6f"
    "000000019e08eb60b86bab20a0ac2cb2c7aeb12f4e1ab00c0e"
    "018100"
    "00000000000000020002"
    "000000050074657374"
    "000000050164656d6f"
    "0000000d05010001610000000000000005"
    "000000050100000161"
    "00000002706bb3afc0540fb6b795254c323f0142db5456330e"
    "000100"
    "00000000000000050000"
    "000000050074657374"
    "000000050164656d6f"
    "000000041e726563"
    "000000041f616464"
    "0000000420920203"
    "00000003cbacbc48dcb3d3b69fe86f64a94eaf95eb1b88350e"
    "008300"
    "00000000000000020000"
    "000000050074657374"
    "000000050164656d6f"
    "00000004706bb3afc0540fb6b795254c323f0142db54563301"
    "00000005b22b5f4499467f8fde8d0f8cb9e29bf159fe4ef60e"
    "000100"
    "00000000000000050000"
    "000000050074657374"
    "000000050164656d6f"
    "000000041e726563"
    "000000051f6e6f666e"
    "000000022090";

static const char REP_MIXED[] =
    "02030000000000f1"
    "160000000000"
    "000000030000000000000000"
    "00000002"
    "0000000d01010001610000000000000001"
    "00000006010300016278"
    "160000000000"
    "000000040000000000000001"
    "00000002"
    "000000050500000161"
    "0000000d01010001610000000000000006"
    "160000000000"
    "000000010000000000000002"
    "00000001"
    "0000001301010007535543434553530000000000000005"
    "160000000002"
    "000000000000000000000003"
    "00000000"
    "160000000000"
    "000000000000000000000004"
    "00000000"
    "160000000064"
    "000000000000000000000005"
    "00000001"
    "0000001d010300074641494c555245"
    "66756e6374696f6e206e6f7420666f756e64"
    "0203000000000016"
    "160000010000"
    "000000000000000000000000"
    "00000000";

static const char REQ_READS[] =
    "02030000000000a1"
    "160800000000"
    "0000000000000000000003e8"
    "00010000"
    "0000008729"
    "000000040d"
    "000000009b7d8f9ece3b22ae3348c6dcd96ac6c3a17414e60a"
    "030000"
    "0000000000020000"
    "000000050074657374"
    "000000050164656d6f"
    "000000019e08eb60b86bab20a0ac2cb2c7aeb12f4e1ab00c01"
    "00000002706bb3afc0540fb6b795254c323f0142db54563301"
    "00000003cbacbc48dcb3d3b69fe86f64a94eaf95eb1b883501";

static const char REQ_INFO4[] =
    "0203000000000083"
    "160800000000"
    "0000000000000000000003e8"
    "00010000"
    "0000006929"
    "000000020d"
    "000000009b7d8f9ece3b22ae3348c6dcd96ac6c3a17414e61e"
    "00850010"
    "00010000000000020001"
    "000000050074657374"
    "000000050164656d6f"
    "0000000d05010001610000000000000001"
    "000000019e08eb60b86bab20a0ac2cb2c7aeb12f4e1ab00c01";

static const char REQ_KEYS[] =
    "02030000000000ce"
    "160800000000"
    "0000000000000000000003e8"
    "00010000"
    "000000b429"
    "000000020d"
    "000000009b7d8f9ece3b22ae3348c6dcd96ac6c3a17414e60e"
    "00a100"
    "00000000003200030001"
    "000000050074657374"
    "000000050164656d6f"
    "0000000a02010000000000000064"
    "0000000d02010001610000000000000007"
    "000000019e08eb60b86bab20a0ac2cb2c7aeb12f4e1ab00c0e"
    "00a100"
    "00000000003200030001"
    "000000050074657374"
    "000000050164656d6f"
    "0000000a02010000000000000065"
    "0000000d02010001610000000000000007";
/* clang-format on */

/* --- rows and messages --- */

static const char* const digests[] = {
    "9b7d8f9ece3b22ae3348c6dcd96ac6c3a17414e6", "9e08eb60b86bab20a0ac2cb2c7aeb12f4e1ab00c",
    "706bb3afc0540fb6b795254c323f0142db545633", "cbacbc48dcb3d3b69fe86f64a94eaf95eb1b8835",
    "b22b5f4499467f8fde8d0f8cb9e29bf159fe4ef6",
};

typedef struct world {
    tnd_buf rows;
    tnd_buf message;
    as_error err;
    as_key keys[COUNT(digests)];
    as_policy_batch_read read;
    as_policy_batch_write write;
    as_policy_batch_apply apply;
    as_policy_batch_remove remove;
    uint32_t rows_count;
    size_t before; /* where the row added last begins in `rows` */
} world;

static int setup(void** state)
{
    static world w;
    memset(&w, 0, sizeof(w));
    tnd_buf_init(&w.rows, LIMIT);
    tnd_buf_init(&w.message, LIMIT);
    as_error_init(&w.err);
    for (size_t i = 0; i < COUNT(digests); i++) {
        test_bytes digest = test_bytes_hex(digests[i]);
        as_key_init_digest(&w.keys[i], "test", "demo", digest.data);
        test_bytes_done(&digest);
    }
    as_policy_batch_read_init(&w.read);
    as_policy_batch_write_init(&w.write);
    as_policy_batch_apply_init(&w.apply);
    as_policy_batch_remove_init(&w.remove);
    tnd_wire_batch_begin(&w.message, FLAGS, TIMEOUT_MS);
    *state = &w;
    return 0;
}

static int teardown(void** state)
{
    world* w = *state;
    tnd_buf_done(&w->rows);
    tnd_buf_done(&w->message);
    return 0;
}

/* The row at the end of `rows` goes into the message for this key. */
static void add(world* w, as_status status, const as_key* key, bool repeats)
{
    if (status != AEROSPIKE_OK) {
        fail_msg("status %d: %s", (int)status, w->err.message);
    }
    tnd_wire_batch_add(&w->message, w->rows_count++, key->digest.value, w->rows.data + w->before,
                       w->rows.size - w->before, repeats);
}

static void next_row(world* w)
{
    w->before = w->rows.size;
}

static void assert_message(world* w, const char* hex)
{
    test_bytes expected = test_bytes_hex(hex);
    assert_int_equal(tnd_wire_batch_end(&w->message, w->rows_count, &w->err), AEROSPIKE_OK);
    assert_int_equal(w->message.size, expected.size);
    assert_memory_equal(w->message.data, expected.data, expected.size);
    test_bytes_done(&expected);
}

static void every_kind_of_row(void** state)
{
    world* w = *state;
    as_operations ops;
    as_operations_inita(&ops, 2);
    as_operations_add_incr(&ops, "a", 5);
    as_operations_add_read(&ops, "a");
    as_arraylist two;
    as_arraylist_inita(&two, 2);
    as_arraylist_append_int64(&two, 2);
    as_arraylist_append_int64(&two, 3);
    tnd_wire_udf sum = {.module = "rec", .function = "add", .arglist = (as_list*)&two};
    tnd_wire_udf none = {.module = "rec", .function = "nofn"};
    tnd_wire_row_bins all = {.wants_all = true};
    tnd_wire_ops list = tnd_wire_ops_of(&ops);

    add(w, tnd_wire_row_read(&w->rows, &w->err, &w->keys[0], &all, &w->read, NULL), &w->keys[0],
        false);
    next_row(w);
    add(w, tnd_wire_row_write(&w->rows, &w->err, &w->keys[1], &list, &w->write, NULL), &w->keys[1],
        false);
    next_row(w);
    add(w, tnd_wire_row_apply(&w->rows, &w->err, &w->keys[2], &sum, &w->apply, NULL), &w->keys[2],
        false);
    next_row(w);
    add(w, tnd_wire_row_remove(&w->rows, &w->err, &w->keys[3], &w->remove, NULL), &w->keys[3],
        false);
    add(w, AEROSPIKE_OK, &w->keys[2], true);
    next_row(w);
    add(w, tnd_wire_row_apply(&w->rows, &w->err, &w->keys[4], &none, &w->apply, NULL), &w->keys[4],
        false);
    assert_message(w, REQ_MIXED);
    as_operations_destroy(&ops);
    as_arraylist_destroy(&two);
}

static void rows_that_repeat(void** state)
{
    world* w = *state;
    tnd_wire_row_bins all = {.wants_all = true};
    add(w, tnd_wire_row_read(&w->rows, &w->err, &w->keys[0], &all, &w->read, NULL), &w->keys[0],
        false);
    for (size_t i = 1; i < 4; i++) {
        size_t again = w->rows.size;
        assert_int_equal(tnd_wire_row_read(&w->rows, &w->err, &w->keys[i], &all, &w->read, NULL),
                         0);
        assert_int_equal(w->rows.size - again, again);
        assert_memory_equal(w->rows.data, w->rows.data + again, again);
        w->rows.size = again;
        add(w, AEROSPIKE_OK, &w->keys[i], true);
    }
    assert_message(w, REQ_READS);
}

static void rows_with_info4_and_generation(void** state)
{
    world* w = *state;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_incr(&ops, "a", 1);
    ops.gen = 1;
    w->write.gen = AS_POLICY_GEN_EQ;
    w->write.on_locking_only = true;
    tnd_wire_ops list = tnd_wire_ops_of(&ops);
    add(w, tnd_wire_row_write(&w->rows, &w->err, &w->keys[0], &list, &w->write, NULL), &w->keys[0],
        false);
    add(w, AEROSPIKE_OK, &w->keys[1], true);
    assert_false(tnd_wire_row_has_key(w->rows.data, w->rows.size));
    assert_message(w, REQ_INFO4);
    as_operations_destroy(&ops);
}

static void rows_with_user_keys(void** state)
{
    world* w = *state;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_write_int64(&ops, "a", 7);
    ops.ttl = AS_RECORD_CLIENT_DEFAULT_TTL;
    w->write.ttl = 50;
    w->write.key = AS_POLICY_KEY_SEND;
    w->write.exists = AS_POLICY_EXISTS_CREATE;
    tnd_wire_ops list = tnd_wire_ops_of(&ops);
    for (int64_t i = 0; i < 2; i++) {
        as_key key;
        as_key_init_int64(&key, "test", "demo", 100 + i);
        memcpy(key.digest.value, w->keys[i].digest.value, sizeof(key.digest.value));
        key.digest.init = true;
        next_row(w);
        add(w, tnd_wire_row_write(&w->rows, &w->err, &key, &list, &w->write, NULL), &key, false);
        assert_true(tnd_wire_row_has_key(w->rows.data + w->before, w->rows.size - w->before));
    }
    assert_message(w, REQ_KEYS);
    as_operations_destroy(&ops);
}

static void assert_refused(world* w, as_status status, const char* text)
{
    assert_int_equal(status, AEROSPIKE_ERR_PARAM);
    if (!strstr(w->err.message, text)) {
        fail_msg("'%s' isn't in '%s'", text, w->err.message);
    }
    assert_int_equal(w->rows.size, 0);
}

static void what_cannot_be_a_row(void** state)
{
    world* w = *state;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_read(&ops, "a");
    tnd_wire_ops reads = tnd_wire_ops_of(&ops), empty = {0};
    tnd_wire_udf udf = {.module = "rec", .function = ""};
    assert_refused(w, tnd_wire_row_write(&w->rows, &w->err, &w->keys[0], &reads, &w->write, NULL),
                   "only read");
    assert_refused(w, tnd_wire_row_write(&w->rows, &w->err, &w->keys[0], &empty, &w->write, NULL),
                   "No operations");
    assert_refused(w, tnd_wire_row_apply(&w->rows, &w->err, &w->keys[0], &udf, &w->apply, NULL),
                   "function needs a name");
    char name[129] = {0};
    memset(name, 'x', 128);
    udf = (tnd_wire_udf){.module = name, .function = "f"};
    assert_refused(w, tnd_wire_row_apply(&w->rows, &w->err, &w->keys[0], &udf, &w->apply, NULL),
                   "module needs a name");
    as_operations_destroy(&ops);
    as_operations_inita(&ops, 1);
    as_operations_add_incr(&ops, "a", 1);
    tnd_wire_ops writes = tnd_wire_ops_of(&ops);
    tnd_wire_row_bins bins = {.ops = &writes};
    assert_refused(w, tnd_wire_row_read(&w->rows, &w->err, &w->keys[0], &bins, &w->read, NULL),
                   "can't write");
    as_operations_destroy(&ops);
}

static void messages_have_a_limit(void** state)
{
    world* w = *state;
    tnd_wire_row_bins all = {.wants_all = true};
    assert_int_equal(tnd_wire_row_read(&w->rows, &w->err, &w->keys[0], &all, &w->read, NULL), 0);
    tnd_buf_done(&w->message);
    tnd_buf_init(&w->message, 100);
    tnd_wire_batch_begin(&w->message, FLAGS, TIMEOUT_MS);
    add(w, AEROSPIKE_OK, &w->keys[0], false);
    add(w, AEROSPIKE_OK, &w->keys[0], false);
    assert_int_equal(tnd_wire_batch_end(&w->message, 2, &w->err), AEROSPIKE_ERR_RECORD_TOO_BIG);
    assert_int_equal(w->message.size, 0);
    tnd_buf_done(&w->message);
    tnd_buf_init(&w->message, LIMIT);
    tnd_mem_fail(1, 1);
    tnd_wire_batch_begin(&w->message, FLAGS, TIMEOUT_MS);
    for (int i = 0; i < 100; i++) {
        add(w, AEROSPIKE_OK, &w->keys[0], false);
    }
    tnd_mem_fail(0, 0);
    assert_int_equal(tnd_wire_batch_end(&w->message, 100, &w->err), AEROSPIKE_ERR_CLIENT);
}

/* In the header, not among the batch's own flags. */
static void answers_may_come_compressed(void** state)
{
    world* w = *state;
    tnd_wire_row_bins all = {.wants_all = true};
    assert_int_equal(tnd_wire_row_read(&w->rows, &w->err, &w->keys[0], &all, &w->read, NULL), 0);
    add(w, AEROSPIKE_OK, &w->keys[0], false);
    assert_int_equal(tnd_wire_batch_end(&w->message, 1, &w->err), AEROSPIKE_OK);
    test_bytes plain = test_bytes_copy(w->message.data, w->message.size);
    tnd_buf_reset(&w->message);
    w->rows_count = 0;
    tnd_wire_batch_begin(&w->message, FLAGS | TND_WIRE_BATCH_COMPRESS, TIMEOUT_MS);
    add(w, AEROSPIKE_OK, &w->keys[0], false);
    assert_int_equal(tnd_wire_batch_end(&w->message, 1, &w->err), AEROSPIKE_OK);
    assert_int_equal(plain.data[9], 0x08);
    plain.data[9] = 0x88;
    assert_int_equal(w->message.size, plain.size);
    assert_memory_equal(w->message.data, plain.data, plain.size);
    test_bytes_done(&plain);
}

/* --- answers --- */

static void answers_come_one_by_one(void** state)
{
    (void)state;
    static const uint8_t results[] = {0, 0, 0, 2, 0, 100};
    test_bytes bytes = test_bytes_hex(REP_MIXED);
    tnd_cursor body;
    tnd_wire_reply reply;
    const char* reason;
    tnd_cursor_init(&body, bytes.data + 8, 241);
    for (uint32_t i = 0; i < COUNT(results); i++) {
        assert_true(tnd_wire_batch_next(&body, &reply, &reason));
        assert_int_equal(reply.batch_index, i);
        assert_int_equal(reply.result, results[i]);
        assert_false(tnd_wire_reply_is_last(&reply));
        as_record rec;
        as_record_init(&rec, 0);
        as_error err;
        assert_int_equal(tnd_wire_record(&reply, 0, &rec, NULL, as_error_init(&err)), AEROSPIKE_OK);
        if (i == 1) {
            assert_int_equal(as_record_numbins(&rec), 2);
            assert_int_equal(rec.bins.entries[1].valuep->integer.value, 6);
        }
        as_record_destroy(&rec);
    }
    assert_false(tnd_wire_batch_next(&body, &reply, &reason));
    assert_null(reason);
    tnd_cursor_init(&body, bytes.data + 8 + 241 + 8, 22);
    assert_true(tnd_wire_batch_next(&body, &reply, &reason));
    assert_true(tnd_wire_reply_is_last(&reply));
    test_bytes_done(&bytes);
}

/* A body cut anywhere yields the answers before the cut, then a reason, unless between two. */
static void answers_cut_anywhere(void** state)
{
    (void)state;
    test_bytes bytes = test_bytes_hex(REP_MIXED);
    unsigned whole_count = 0;
    for (size_t size = 0; size <= 241; size++) {
        test_bytes cut = test_bytes_copy(bytes.data + 8, size);
        tnd_cursor body;
        tnd_wire_reply reply;
        const char* reason;
        tnd_cursor_init(&body, cut.data, cut.size);
        while (tnd_wire_batch_next(&body, &reply, &reason)) {}
        whole_count += reason == NULL;
        test_bytes_done(&cut);
    }
    assert_int_equal(whole_count, 7); /* nothing, and after each of six */
    test_bytes_done(&bytes);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_world(every_kind_of_row),
        with_world(rows_that_repeat),
        with_world(rows_with_info4_and_generation),
        with_world(rows_with_user_keys),
        with_world(what_cannot_be_a_row),
        with_world(messages_have_a_limit),
        with_world(answers_may_come_compressed),
        cmocka_unit_test(answers_come_one_by_one),
        cmocka_unit_test(answers_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
