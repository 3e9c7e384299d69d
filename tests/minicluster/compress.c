/*
 * Compressed messages, as an Enterprise server has them (protocol/records.md 1.2): requests are
 * inflated whatever their size, messages over 128 bytes of an answer are compressed where the
 * request wants that.
 */
#include <zlib.h>

#include "cluster.h"

enum {
    COMPRESS_ABOVE = 128,
    COMPRESS_MAX = 128 << 20
};

bool mc_inflate(const uint8_t* body, size_t len, mc_bytes* out)
{
    if (len < 8) {
        return false;
    }
    uint64_t size = mc_be_get(body, 8);
    if (size < 8 || size > COMPRESS_MAX) {
        return false;
    }
    uLongf got = (uLongf)size;
    bool good =
        uncompress(mc_bytes_room(out, (size_t)size), &got, body + 8, (uLong)(len - 8)) == Z_OK;
    if (!good || got != size || out->data[out->len] != 2 || out->data[out->len + 1] != 3 ||
        mc_be_get(out->data + out->len + 2, 6) != size - 8) {
        return false;
    }
    out->len += (size_t)size;
    return true;
}

static bool deflate_frame(mc_bytes* out, const uint8_t* bytes, size_t size)
{
    uLongf got = compressBound((uLong)size);
    uint8_t* packed = mc_alloc(got);
    bool good = compress2(packed, &got, bytes, (uLong)size, 6) == Z_OK;
    if (good) {
        size_t frame = mc_frame_begin(out, 4);
        mc_bytes_be(out, size, 8);
        mc_bytes_add(out, packed, got);
        mc_frame_end(out, frame);
    }
    mc_bytes_done(&(mc_bytes){.data = packed});
    return good;
}

void mc_deflate_answer(mc_bytes* out, size_t begin)
{
    mc_bytes plain = {0};
    mc_bytes_add(&plain, out->data + begin, out->len - begin);
    out->len = begin;
    for (size_t at = 0, size; at < plain.len; at += size) {
        size = 8 + (size_t)mc_be_get(plain.data + at + 2, 6);
        if (size <= COMPRESS_ABOVE || !deflate_frame(out, plain.data + at, size)) {
            mc_bytes_add(out, plain.data + at, size);
        }
    }
    mc_bytes_done(&plain);
}
