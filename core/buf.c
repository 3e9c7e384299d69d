/*
 * Growing buffers and bounds-checked reading. See buf.h for the contract.
 */
#include "core/buf.h"

#include <assert.h>
#include <string.h>

#include "core/mem.h"

/* First allocation: holds a command with a few small bins. */
enum {
    BUF_BYTES_MIN = 256
};

/* Big-endian integers of 1 to 8 bytes: the one place that knows the byte order. */
static void put_be(uint8_t* to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
}

static uint64_t get_be(const uint8_t* from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | from[i];
    }
    return value;
}

/* --- buffer --- */

void tnd_buf_init(tnd_buf* buf, size_t limit)
{
    *buf = (tnd_buf){.limit = limit};
}

void tnd_buf_done(tnd_buf* buf)
{
    tnd_free(buf->data);
    tnd_buf_init(buf, buf->limit);
}

void tnd_buf_reset(tnd_buf* buf)
{
    buf->size = 0;
    buf->state = TND_BUF_OK;
}

static bool buf_fail(tnd_buf* buf, tnd_buf_state state)
{
    buf->state = state;
    return false;
}

/* Doubles, so that appending byte by byte stays linear, but never past the limit. */
static size_t buf_next_capacity(const tnd_buf* buf, size_t wanted)
{
    size_t capacity = buf->capacity < BUF_BYTES_MIN ? BUF_BYTES_MIN : buf->capacity;
    while (capacity < wanted) {
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    }
    return capacity < buf->limit ? capacity : buf->limit;
}

bool tnd_buf_reserve(tnd_buf* buf, size_t more_bytes)
{
    assert(buf->size <= buf->capacity && buf->capacity <= buf->limit);
    if (buf->state != TND_BUF_OK) {
        return false;
    }
    if (more_bytes <= buf->capacity - buf->size) {
        return true;
    }
    if (more_bytes > buf->limit - buf->size) {
        return buf_fail(buf, TND_BUF_LIMIT);
    }
    size_t capacity = buf_next_capacity(buf, buf->size + more_bytes);
    uint8_t* data = tnd_realloc(buf->data, capacity);
    if (!data) {
        return buf_fail(buf, TND_BUF_NO_MEMORY);
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

static void buf_append_be(tnd_buf* buf, uint64_t value, size_t bytes)
{
    if (tnd_buf_reserve(buf, bytes)) {
        put_be(buf->data + buf->size, value, bytes);
        buf->size += bytes;
    }
}

void tnd_buf_append_u8(tnd_buf* buf, uint8_t value)
{
    buf_append_be(buf, value, sizeof(value));
}

void tnd_buf_append_be16(tnd_buf* buf, uint16_t value)
{
    buf_append_be(buf, value, sizeof(value));
}

void tnd_buf_append_be32(tnd_buf* buf, uint32_t value)
{
    buf_append_be(buf, value, sizeof(value));
}

void tnd_buf_append_be64(tnd_buf* buf, uint64_t value)
{
    buf_append_be(buf, value, sizeof(value));
}

void tnd_buf_append_bytes(tnd_buf* buf, const void* bytes, size_t size)
{
    /* memcpy from NULL is undefined even for no bytes, and an empty value may well have no pointer.
     */
    if (size > 0 && tnd_buf_reserve(buf, size)) {
        memcpy(buf->data + buf->size, bytes, size);
        buf->size += size;
    }
}

void tnd_buf_append_text(tnd_buf* buf, const char* text)
{
    tnd_buf_append_bytes(buf, text, strlen(text));
}

static void buf_patch_be(tnd_buf* buf, size_t offset, uint64_t value, size_t bytes)
{
    if (buf->state == TND_BUF_OK) {
        assert(offset <= buf->size && bytes <= buf->size - offset);
        put_be(buf->data + offset, value, bytes);
    }
}

void tnd_buf_patch_u8(tnd_buf* buf, size_t offset, uint8_t value)
{
    buf_patch_be(buf, offset, value, sizeof(value));
}

void tnd_buf_patch_be16(tnd_buf* buf, size_t offset, uint16_t value)
{
    buf_patch_be(buf, offset, value, sizeof(value));
}

void tnd_buf_patch_be32(tnd_buf* buf, size_t offset, uint32_t value)
{
    buf_patch_be(buf, offset, value, sizeof(value));
}

void tnd_buf_patch_be64(tnd_buf* buf, size_t offset, uint64_t value)
{
    buf_patch_be(buf, offset, value, sizeof(value));
}

/* --- cursor --- */

void tnd_cursor_init(tnd_cursor* cursor, const void* bytes, size_t size)
{
    /* Somewhere to point at: "no bytes" must be fetchable from an empty cursor too. */
    static const uint8_t nothing;
    *cursor = (tnd_cursor){.data = bytes && size > 0 ? bytes : &nothing, .size = size};
    assert(bytes || size == 0);
}

const uint8_t* tnd_cursor_fetch_bytes(tnd_cursor* cursor, size_t size)
{
    if (cursor->is_short || size > cursor->size - cursor->pos) {
        cursor->is_short = true;
        return NULL;
    }
    const uint8_t* bytes = cursor->data + cursor->pos;
    cursor->pos += size;
    return bytes;
}

static uint64_t cursor_fetch_be(tnd_cursor* cursor, size_t size)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, size);
    return bytes ? get_be(bytes, size) : 0;
}

uint8_t tnd_cursor_fetch_u8(tnd_cursor* cursor)
{
    return (uint8_t)cursor_fetch_be(cursor, 1);
}

uint16_t tnd_cursor_fetch_be16(tnd_cursor* cursor)
{
    return (uint16_t)cursor_fetch_be(cursor, 2);
}

uint32_t tnd_cursor_fetch_be32(tnd_cursor* cursor)
{
    return (uint32_t)cursor_fetch_be(cursor, 4);
}

uint64_t tnd_cursor_fetch_be48(tnd_cursor* cursor)
{
    return cursor_fetch_be(cursor, 6);
}

uint64_t tnd_cursor_fetch_be64(tnd_cursor* cursor)
{
    return cursor_fetch_be(cursor, 8);
}

bool tnd_cursor_skip(tnd_cursor* cursor, size_t size)
{
    return tnd_cursor_fetch_bytes(cursor, size) != NULL;
}

tnd_cursor tnd_cursor_fetch_part(tnd_cursor* cursor, size_t size)
{
    tnd_cursor part;
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, size);
    tnd_cursor_init(&part, bytes, bytes ? size : 0);
    part.is_short = !bytes;
    return part;
}

void tnd_cursor_rollback(tnd_cursor* cursor, size_t mark)
{
    assert(mark <= cursor->pos);
    cursor->pos = mark;
    cursor->is_short = false;
}
