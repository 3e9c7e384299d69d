/*
 * as_string_builder: text put together piece by piece.
 */
#include <aerospike/as_string_builder.h>

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

void as_string_builder_init(as_string_builder* sb, uint32_t capacity, bool resize)
{
    char* data = capacity > 0 ? tnd_malloc(capacity) : NULL;

    as_string_builder_assign(sb, data ? capacity : 0, data);
    sb->resize = resize;
    sb->free = data;
}

void as_string_builder_assign(as_string_builder* sb, uint32_t buffer_size, char* buffer)
{
    sb->data = buffer;
    sb->capacity = buffer_size;
    sb->resize = false;
    sb->free = false;
    as_string_builder_reset(sb);
}

void as_string_builder_destroy(as_string_builder* sb)
{
    if (sb->free) {
        tnd_free(sb->data);
    }
    as_string_builder_assign(sb, 0, NULL);
}

void as_string_builder_reset(as_string_builder* sb)
{
    sb->length = 0;
    if (sb->capacity > 0) {
        sb->data[0] = '\0';
    }
}

/* Room for `size` more characters and the terminator. */
static bool builder_grow(as_string_builder* sb, size_t size)
{
    uint64_t capacity = ((uint64_t)sb->length + size + 1) * 2;
    char* data;

    if (!sb->resize || capacity > UINT32_MAX) {
        return false;
    }
    if (sb->free) {
        data = tnd_realloc(sb->data, (size_t)capacity);
    } else {
        data = tnd_malloc((size_t)capacity);
        if (data && sb->length > 0) {
            memcpy(data, sb->data, sb->length);
        }
    }
    if (!data) {
        return false;
    }
    sb->data = data;
    sb->capacity = (uint32_t)capacity;
    sb->free = true;
    return true;
}

static bool builder_append(as_string_builder* sb, const char* text, size_t size)
{
    size_t room = sb->capacity > 0 ? sb->capacity - 1 - sb->length : 0;
    bool fits = (size <= room && sb->capacity > 0) || builder_grow(sb, size);
    size_t copied = fits ? size : room;

    if (sb->capacity > 0) {
        memcpy(sb->data + sb->length, text, copied);
        sb->length += (uint32_t)copied;
        sb->data[sb->length] = '\0';
    }
    return fits;
}

bool as_string_builder_append(as_string_builder* sb, const char* value)
{
    return builder_append(sb, value, strlen(value));
}

bool as_string_builder_append_char(as_string_builder* sb, char value)
{
    return builder_append(sb, &value, 1);
}

bool as_string_builder_append_bytes(as_string_builder* sb, uint8_t* src, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        char hex[4];
        int chars = snprintf(hex, sizeof(hex), i > 0 ? " %02X" : "%02X", src[i]);
        if (!builder_append(sb, hex, (size_t)chars)) {
            return false;
        }
    }
    return true;
}

bool as_string_builder_append_int(as_string_builder* sb, int val)
{
    return as_string_builder_append_int64(sb, val);
}

bool as_string_builder_append_uint(as_string_builder* sb, uint32_t val)
{
    return as_string_builder_append_uint64(sb, val);
}

bool as_string_builder_append_int64(as_string_builder* sb, int64_t val)
{
    char text[24];

    return builder_append(sb, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, val));
}

bool as_string_builder_append_uint64(as_string_builder* sb, uint64_t val)
{
    char text[24];

    return builder_append(sb, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, val));
}
