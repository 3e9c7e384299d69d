/*
 * Compressed messages, as an Enterprise server has them (protocol/records.md 1.2): requests are
 * inflated whatever their size, answers over 128 bytes are compressed where the request wants that.
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

void mc_deflate_answer(mc_bytes* out, size_t begin)
{
    size_t size = out->len - begin;
    if (size <= COMPRESS_ABOVE) {
        return;
    }
    uLongf got = compressBound((uLong)size);
    uint8_t* packed = mc_alloc(got);
    if (compress2(packed, &got, out->data + begin, (uLong)size, 6) == Z_OK) {
        out->len = begin;
        size_t frame = mc_frame_begin(out, 4);
        mc_bytes_be(out, size, 8);
        mc_bytes_add(out, packed, got);
        mc_frame_end(out, frame);
    }
    mc_bytes_done(&(mc_bytes){.data = packed});
}
