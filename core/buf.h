/*
 * Bytes on their way out, and bytes that came in.
 *
 * tnd_buf is a byte string that grows up to a limit. Once an append fails (limit or memory) the
 * buffer stays failed and later appends do nothing, so that a caller encodes a whole message and
 * looks once. tnd_cursor reads a byte string that it doesn't own. Every fetch checks its bounds;
 * once one runs past the end the cursor stays short and yields zeros until it is rolled back.
 *
 * Nothing else in core does pointer arithmetic on bytes from outside. Integers are big-endian, as
 * nearly all of the protocol is (protocol/records.md 0).
 */
#ifndef TENDRIL_CORE_BUF_H
#define TENDRIL_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TND_BUF_OK,
    TND_BUF_LIMIT,     /* an append would have passed the limit */
    TND_BUF_NO_MEMORY, /* the allocator refused */
} tnd_buf_state;

/* All zero is a legal buffer that refuses every append (its limit is 0). */
typedef struct tnd_buf {
    uint8_t* data;       /* heap; NULL while capacity is 0 */
    size_t size;         /* bytes in use; size <= capacity must hold */
    size_t capacity;     /* bytes allocated; capacity <= limit must hold */
    size_t limit;        /* bytes; never exceeded */
    tnd_buf_state state; /* sticky until the next reset */
} tnd_buf;

/* Makes an empty buffer. Allocates nothing. */
void tnd_buf_init(tnd_buf* buf, size_t limit);

/* Frees the storage. Accepts zeroed memory, may be called twice; the buffer is empty afterwards. */
void tnd_buf_done(tnd_buf* buf);

/* Empties the buffer and clears a failure. Keeps the storage, so that a pooled buffer stays warm.
 */
void tnd_buf_reset(tnd_buf* buf);

/* Makes room for `more_bytes` beyond the size. False (and the buffer failed) if that can't be. */
bool tnd_buf_reserve(tnd_buf* buf, size_t more_bytes);

/* Big-endian integers in memory: the one place that knows the byte order. */
static inline void tnd_be16_put(uint8_t* to, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(to, &value, sizeof(value));
}

static inline void tnd_be32_put(uint8_t* to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof(value));
}

static inline void tnd_be64_put(uint8_t* to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof(value));
}

static inline uint16_t tnd_be16_get(const uint8_t* from)
{
    uint16_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap16(value);
}

static inline uint32_t tnd_be32_get(const uint8_t* from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap32(value);
}

static inline uint64_t tnd_be64_get(const uint8_t* from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap64(value);
}

/* What memcpy does, without its call for what is short, as names are. */
static inline void tnd_copy_bytes(void* to, const void* from, size_t size)
{
    uint8_t* out = (uint8_t*)to;
    const uint8_t* in = (const uint8_t*)from;
    uint64_t head[2], tail[2];
    if (size > 2 * sizeof(head)) {
        memcpy(out, in, size);
    } else if (size >= sizeof(head)) {
        memcpy(head, in, sizeof(head));
        memcpy(tail, in + size - sizeof(tail), sizeof(tail));
        memcpy(out, head, sizeof(head));
        memcpy(out + size - sizeof(tail), tail, sizeof(tail));
    } else if (size >= 8) {
        memcpy(head, in, 8);
        memcpy(tail, in + size - 8, 8);
        memcpy(out, head, 8);
        memcpy(out + size - 8, tail, 8);
    } else if (size >= 4) {
        memcpy(head, in, 4);
        memcpy(tail, in + size - 4, 4);
        memcpy(out, head, 4);
        memcpy(out + size - 4, tail, 4);
    } else if (size > 0) {
        uint8_t middle = in[size / 2], last = in[size - 1];
        out[0] = in[0];
        out[size / 2] = middle;
        out[size - 1] = last;
    }
}

/* Where the next `bytes` go, which count as appended; NULL as tnd_buf_reserve. */
static inline uint8_t* tnd_buf_claim(tnd_buf* buf, size_t bytes)
{
    if ((buf->state != TND_BUF_OK || bytes > buf->capacity - buf->size) &&
        !tnd_buf_reserve(buf, bytes)) {
        return NULL;
    }
    uint8_t* at = buf->data + buf->size;
    buf->size += bytes;
    return at;
}

static inline void tnd_buf_append_u8(tnd_buf* buf, uint8_t value)
{
    uint8_t* at = tnd_buf_claim(buf, sizeof(value));
    if (at) {
        *at = value;
    }
}

static inline void tnd_buf_append_be16(tnd_buf* buf, uint16_t value)
{
    uint8_t* at = tnd_buf_claim(buf, sizeof(value));
    if (at) {
        tnd_be16_put(at, value);
    }
}

static inline void tnd_buf_append_be32(tnd_buf* buf, uint32_t value)
{
    uint8_t* at = tnd_buf_claim(buf, sizeof(value));
    if (at) {
        tnd_be32_put(at, value);
    }
}

static inline void tnd_buf_append_be64(tnd_buf* buf, uint64_t value)
{
    uint8_t* at = tnd_buf_claim(buf, sizeof(value));
    if (at) {
        tnd_be64_put(at, value);
    }
}

static inline void tnd_buf_append_bytes(tnd_buf* buf, const void* bytes, size_t size)
{
    /* memcpy from NULL is undefined even for no bytes, and an empty value may well have no pointer.
     */
    uint8_t* at = size > 0 ? tnd_buf_claim(buf, size) : NULL;
    if (at) {
        memcpy(at, bytes, size);
    }
}

void tnd_buf_append_text(tnd_buf* buf, const char* text);

/* Overwrite bytes already appended. The offset is the caller's own knowledge: a wrong one is an
   assertion, except that a failed buffer is left alone. */
void tnd_buf_patch_u8(tnd_buf* buf, size_t offset, uint8_t value);
void tnd_buf_patch_be16(tnd_buf* buf, size_t offset, uint16_t value);
void tnd_buf_patch_be32(tnd_buf* buf, size_t offset, uint32_t value);
void tnd_buf_patch_be64(tnd_buf* buf, size_t offset, uint64_t value);

static inline bool tnd_buf_is_ok(const tnd_buf* buf)
{
    return buf->state == TND_BUF_OK;
}

/* Borrows the bytes: they must outlive the cursor and every slice fetched from it. */
typedef struct tnd_cursor {
    const uint8_t* data;
    size_t size;
    size_t pos;    /* pos <= size must hold */
    bool is_short; /* sticky: something wanted more than was left */
} tnd_cursor;

void tnd_cursor_init(tnd_cursor* cursor, const void* bytes, size_t size);

/* Lends `size` bytes in place. Never NULL for size 0 unless the cursor is short. This and the
   others yield 0 (NULL) and move nothing when fewer bytes are left than they need. */
static inline const uint8_t* tnd_cursor_fetch_bytes(tnd_cursor* cursor, size_t size)
{
    if (cursor->is_short || size > cursor->size - cursor->pos) {
        cursor->is_short = true;
        return NULL;
    }
    const uint8_t* bytes = cursor->data + cursor->pos;
    cursor->pos += size;
    return bytes;
}

static inline uint8_t tnd_cursor_fetch_u8(tnd_cursor* cursor)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, 1);
    return bytes ? *bytes : 0;
}

static inline uint16_t tnd_cursor_fetch_be16(tnd_cursor* cursor)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, 2);
    return bytes ? tnd_be16_get(bytes) : 0;
}

static inline uint32_t tnd_cursor_fetch_be32(tnd_cursor* cursor)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, 4);
    return bytes ? tnd_be32_get(bytes) : 0;
}

static inline uint64_t tnd_cursor_fetch_be48(tnd_cursor* cursor)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, 6);
    return bytes ? (uint64_t)tnd_be16_get(bytes) << 32 | tnd_be32_get(bytes + 2) : 0;
}

static inline uint64_t tnd_cursor_fetch_be64(tnd_cursor* cursor)
{
    const uint8_t* bytes = tnd_cursor_fetch_bytes(cursor, 8);
    return bytes ? tnd_be64_get(bytes) : 0;
}

static inline bool tnd_cursor_skip(tnd_cursor* cursor, size_t size)
{
    return tnd_cursor_fetch_bytes(cursor, size) != NULL;
}

/* Lends the next `size` bytes as a cursor of their own; an empty short one if they aren't there. */
tnd_cursor tnd_cursor_fetch_part(tnd_cursor* cursor, size_t size);

static inline size_t tnd_cursor_left(const tnd_cursor* cursor)
{
    return cursor->size - cursor->pos;
}

static inline bool tnd_cursor_at_end(const tnd_cursor* cursor)
{
    return cursor->pos == cursor->size && !cursor->is_short;
}

/* A position to come back to. Rolling back clears the shortness. */
static inline size_t tnd_cursor_mark(const tnd_cursor* cursor)
{
    return cursor->pos;
}

void tnd_cursor_rollback(tnd_cursor* cursor, size_t mark);

#ifdef __cplusplus
}
#endif

#endif
