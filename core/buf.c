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

void tnd_buf_append_text(tnd_buf* buf, const char* text)
{
    tnd_buf_append_bytes(buf, text, strlen(text));
}

/* Where a patch goes; NULL in a failed buffer. */
static uint8_t* buf_patch_at(tnd_buf* buf, size_t offset, size_t bytes)
{
    if (buf->state != TND_BUF_OK) {
        return NULL;
    }
    assert(offset <= buf->size && bytes <= buf->size - offset);
    (void)bytes; /* without assertions */
    return buf->data + offset;
}

void tnd_buf_patch_u8(tnd_buf* buf, size_t offset, uint8_t value)
{
    uint8_t* at = buf_patch_at(buf, offset, sizeof(value));
    if (at) {
        *at = value;
    }
}

void tnd_buf_patch_be16(tnd_buf* buf, size_t offset, uint16_t value)
{
    uint8_t* at = buf_patch_at(buf, offset, sizeof(value));
    if (at) {
        tnd_be16_put(at, value);
    }
}

void tnd_buf_patch_be32(tnd_buf* buf, size_t offset, uint32_t value)
{
    uint8_t* at = buf_patch_at(buf, offset, sizeof(value));
    if (at) {
        tnd_be32_put(at, value);
    }
}

void tnd_buf_patch_be64(tnd_buf* buf, size_t offset, uint64_t value)
{
    uint8_t* at = buf_patch_at(buf, offset, sizeof(value));
    if (at) {
        tnd_be64_put(at, value);
    }
}

/* --- cursor --- */

void tnd_cursor_init(tnd_cursor* cursor, const void* bytes, size_t size)
{
    /* Somewhere to point at: "no bytes" must be fetchable from an empty cursor too. */
    static const uint8_t nothing;
    *cursor = (tnd_cursor){.data = bytes && size > 0 ? bytes : &nothing, .size = size};
    assert(bytes || size == 0);
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
