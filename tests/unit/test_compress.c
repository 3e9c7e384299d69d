/*
 * Compressed messages: the official client's own, ours both ways, and what a hostile node may send.
 */
#include "core/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "core/wire.h"

/* Bodies are below this in here. */
#define BODY_MAX (1u << 20)

static tnd_buf make_buf(void)
{
    tnd_buf buf;
    tnd_buf_init(&buf, BODY_MAX + 4096);
    return buf;
}

/* A message whose body has `size` bytes, all alike or none like the other. */
static tnd_buf make_message(size_t size, bool is_random)
{
    tnd_buf message = make_buf();
    tnd_buf_append_be64(&message, 2ull << 56 | 3ull << 48 | size);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        tnd_buf_append_u8(&message, is_random ? (uint8_t)(state >> 24) : 'a');
    }
    assert_true(tnd_buf_is_ok(&message));
    return message;
}

/* protocol/records.md 5.12 */
static const uint8_t official[] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x7d, 0x78, 0x01, 0x63, 0x62, 0x66, 0x00, 0x02,
    0xc6, 0x52, 0x31, 0x06, 0x46, 0x10, 0x03, 0x0e, 0x98, 0x5f, 0x30, 0x30, 0x83, 0x85, 0x58,
    0x19, 0x4a, 0x52, 0x8b, 0x4b, 0x80, 0xe2, 0xac, 0x8c, 0x29, 0xa9, 0xb9, 0xf9, 0x40, 0x86,
    0x28, 0xcb, 0x9b, 0x89, 0x92, 0xba, 0xde, 0xf5, 0x3d, 0x8f, 0x63, 0x63, 0x2b, 0x2e, 0x7b,
    0x9f, 0x4a, 0x3d, 0xbd, 0x6a, 0xd5, 0xc9, 0x04, 0xa0, 0x21, 0x06, 0x4c, 0x40, 0x2d, 0x89,
    0x55, 0xa3, 0x80, 0xd8, 0x10, 0x00, 0x00, 0x68, 0xce, 0x9e, 0xe4};

static void reads_the_official_clients_message(void** state)
{
    (void)state;
    tnd_buf out = make_buf();
    const char* reason;
    assert_true(tnd_inflate(official, sizeof(official), BODY_MAX, &out, &reason));
    assert_int_equal(out.size, 381);
    assert_int_equal(out.data[0], 2);
    assert_int_equal(out.data[1], 3);
    for (size_t i = 1; i <= 299; i++) { /* a string of so many alike ends it */
        assert_int_equal(out.data[out.size - i], out.data[out.size - 1]);
    }
    tnd_buf_done(&out);
}

static void comes_back_as_it_was(void** state)
{
    (void)state;
    const size_t sizes[] = {22, 100, 500, 70000, BODY_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        tnd_buf message = make_message(sizes[i], false);
        tnd_buf packed = make_buf();
        tnd_buf out = make_buf();
        const char* reason;
        bool is_smaller = tnd_compress(message.data, message.size, &packed);
        assert_true(is_smaller == (sizes[i] > 22));
        if (is_smaller) {
            assert_true(packed.size < message.size);
            assert_int_equal(packed.data[1], TND_WIRE_COMPRESSED);
            tnd_wire_frame_info frame;
            assert_int_equal(
                tnd_wire_frame(packed.data, packed.size, TND_WIRE_COMPRESSED, BODY_MAX, &frame),
                TND_WIRE_READY);
            assert_int_equal(frame.total_bytes, packed.size);
            assert_true(tnd_inflate(packed.data + 8, packed.size - 8, BODY_MAX, &out, &reason));
            assert_int_equal(out.size, message.size);
            assert_memory_equal(out.data, message.data, out.size);
        }
        tnd_buf_done(&message);
        tnd_buf_done(&packed);
        tnd_buf_done(&out);
    }
}

static void leaves_what_gets_no_smaller(void** state)
{
    (void)state;
    tnd_buf message = make_message(5000, true);
    tnd_buf packed = make_buf();
    assert_false(tnd_compress(message.data, message.size, &packed));
    assert_int_equal(packed.size, 0);
    assert_false(tnd_compress(message.data, 0, &packed));
    assert_false(tnd_compress(message.data, 17, &packed));
    tnd_buf_done(&message);
    tnd_buf_done(&packed);
}

/* ---- what isn't to be trusted ---- */

/* A stream of `message`, declared with another size. */
static tnd_buf make_packed(const tnd_buf* message, uint64_t declared)
{
    tnd_buf body = make_buf();
    uLongf size = compressBound(message->size);
    uint8_t* bytes = malloc(size);
    assert_int_equal(compress(bytes, &size, message->data, message->size), Z_OK);
    tnd_buf_append_be64(&body, declared);
    tnd_buf_append_bytes(&body, bytes, size);
    free(bytes);
    return body;
}

static void expect_bad(const uint8_t* body, size_t size, size_t body_max, const char* text)
{
    tnd_buf out = make_buf();
    const char* reason = "";
    assert_false(tnd_inflate(body, size, body_max, &out, &reason));
    if (!strstr(reason, text)) {
        fail_msg("'%s' lacks '%s'", reason, text);
    }
    assert_int_equal(out.size, 0);
    tnd_buf_done(&out);
}

static void believes_no_size(void** state)
{
    (void)state;
    tnd_buf message = make_message(4000, false);
    const struct {
        uint64_t declared;
        const char* text;
    } cases[] = {
        {0, "impossible"},           {29, "impossible"},          {BODY_MAX + 9, "impossible"},
        {UINT64_MAX, "impossible"},  {4007, "can't be inflated"}, {4009, "can't be inflated"},
        {BODY_MAX, "promises more"}, /* in 30 bytes: nothing is reserved for that */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tnd_buf body = make_packed(&message, cases[i].declared);
        bool is_longer = cases[i].declared == 4009;
        expect_bad(body.data, body.size, BODY_MAX, is_longer ? "" : cases[i].text);
        tnd_buf_done(&body);
    }
    tnd_buf body = make_packed(&message, 4008);
    expect_bad(body.data, body.size, 3000, "impossible"); /* more than the caller takes */
    expect_bad(body.data, 7, BODY_MAX, "impossible");
    for (size_t cut = 8; cut < body.size; cut++) {
        expect_bad(body.data, cut, BODY_MAX, "");
    }
    tnd_buf_append_u8(&body, 0); /* a byte behind the stream */
    expect_bad(body.data, body.size, BODY_MAX, "another size");
    tnd_buf_done(&body);
    tnd_buf_done(&message);
}

static void believes_no_inner_frame(void** state)
{
    (void)state;
    const struct {
        size_t offset;
        uint8_t value;
    } cases[] = {{0, 1}, {1, 1}, {1, 4}, {7, 99}, {2, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tnd_buf message = make_message(300, false);
        message.data[cases[i].offset] = cases[i].value;
        tnd_buf body = make_packed(&message, message.size);
        expect_bad(body.data, body.size, BODY_MAX, "another frame");
        tnd_buf_done(&body);
        tnd_buf_done(&message);
    }
}

static void survives_damage(void** state)
{
    (void)state;
    tnd_buf message = make_message(700, true);
    tnd_buf body = make_packed(&message, message.size);
    for (size_t i = 0; i < body.size * 8; i++) {
        body.data[i / 8] ^= (uint8_t)(1 << i % 8);
        tnd_buf out = make_buf();
        const char* reason;
        if (tnd_inflate(body.data, body.size, BODY_MAX, &out, &reason)) {
            assert_int_equal(out.size, message.size); /* a bit that says nothing */
        }
        tnd_buf_done(&out);
        body.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    tnd_buf_done(&body);
    tnd_buf_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_official_clients_message),
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(leaves_what_gets_no_smaller),
        cmocka_unit_test(believes_no_size),
        cmocka_unit_test(believes_no_inner_frame),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
