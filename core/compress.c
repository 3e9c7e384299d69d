/*
 * zlib in one call each way: the sizes are known, so nothing has to be streamed.
 */
#include "core/compress.h"

#include <zlib.h>

#include "core/mem.h"
#include "core/wire.h"

#define LEVEL 1 /* the fastest */
#define HEAD_BYTES 8
/* No zlib stream stands for more than this many times its own size. */
#define RATIO_MAX 1032u

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return tnd_calloc(items, size);
}

static void zlib_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    tnd_free(address);
}

static bool fail(tnd_buf* out, const char* reason, const char** ret_reason)
{
    tnd_buf_reset(out);
    *ret_reason = reason;
    return false;
}

/* ---- out ---- */

/* The size of the stream; 0 if it doesn't fit in `room`. */
static size_t deflate_all(const uint8_t* bytes, size_t size, uint8_t* ret_bytes, size_t room)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (deflateInit(&stream, LEVEL) != Z_OK) {
        return 0;
    }
    stream.next_in = (Bytef*)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = ret_bytes;
    stream.avail_out = (uInt)room;
    bool is_whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t used = room - stream.avail_out;
    deflateEnd(&stream);
    return is_whole ? used : 0;
}

bool tnd_compress(const uint8_t* message, size_t size, tnd_buf* out)
{
    size_t head = TND_WIRE_FRAME_BYTES + HEAD_BYTES;
    tnd_buf_reset(out);
    if (size <= head + 1 || size > TND_WIRE_FRAME_BYTES + (size_t)TND_WIRE_BODY_BYTES_MAX ||
        !tnd_buf_reserve(out, size - 1)) {
        tnd_buf_reset(out);
        return false;
    }
    size_t used = deflate_all(message, size, out->data + head, size - 1 - head);
    if (used == 0) {
        return false;
    }
    tnd_buf_append_be64(out, (uint64_t)TND_WIRE_VERSION << 56 |
                                 (uint64_t)TND_WIRE_COMPRESSED << 48 | (HEAD_BYTES + used));
    tnd_buf_append_be64(out, size);
    out->size = head + used;
    return true;
}

/* ---- in ---- */

/* NULL, or what's wrong. */
static const char* inflate_all(const uint8_t* bytes, size_t size, uint8_t* ret_bytes, size_t room)
{
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    stream.next_in = (Bytef*)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    if (inflateInit(&stream) != Z_OK) {
        return "no memory to inflate it";
    }
    stream.next_out = ret_bytes;
    stream.avail_out = (uInt)room;
    int result = inflate(&stream, Z_FINISH);
    bool is_exact = stream.avail_in == 0 && stream.avail_out == 0;
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR) {
        return "no memory to inflate it";
    }
    if (result != Z_STREAM_END) {
        return "a compressed message that can't be inflated to its size";
    }
    return is_exact ? NULL : "a compressed message of another size than it says";
}

bool tnd_inflate(const uint8_t* body, size_t size, size_t body_max_bytes, tnd_buf* out,
                 const char** ret_reason)
{
    tnd_cursor cursor;
    tnd_cursor_init(&cursor, body, size);
    uint64_t declared = tnd_cursor_fetch_be64(&cursor);
    size_t packed = tnd_cursor_left(&cursor);
    tnd_buf_reset(out);
    if (cursor.is_short || declared < TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES ||
        declared > TND_WIRE_FRAME_BYTES + (uint64_t)body_max_bytes || packed > UINT32_MAX) {
        return fail(out, "a compressed message of an impossible size", ret_reason);
    }
    if (declared / RATIO_MAX > packed) {
        return fail(out, "a compressed message that promises more than it can hold", ret_reason);
    }
    if (!tnd_buf_reserve(out, (size_t)declared)) {
        return fail(out, "no memory to inflate it", ret_reason);
    }
    const char* reason =
        inflate_all(tnd_cursor_fetch_bytes(&cursor, packed), packed, out->data, (size_t)declared);
    if (reason) {
        return fail(out, reason, ret_reason);
    }
    out->size = (size_t)declared;
    tnd_wire_frame_info frame;
    if (tnd_wire_frame(out->data, out->size, TND_WIRE_MESSAGE, body_max_bytes, &frame) !=
            TND_WIRE_READY ||
        frame.total_bytes != out->size) {
        return fail(out, "a compressed message with another frame inside", ret_reason);
    }
    return true;
}
