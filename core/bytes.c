/*
 * as_bytes: raw bytes as a value, and as a buffer with bounds.
 */
#include <aerospike/as_bytes.h>

#include <string.h>

#include "core/mem.h"
#include "core/value.h"

enum {
    VAR_INT_BYTES_MAX = 5, /* 32 bits in groups of 7 */
};

static as_bytes* bytes_fill(as_bytes* bytes, bool on_heap, uint8_t* value, uint32_t size,
                            uint32_t capacity, bool free)
{
    if (bytes) {
        as_val_init(&bytes->_, AS_BYTES, on_heap);
        bytes->capacity = capacity;
        bytes->size = size;
        bytes->value = value;
        bytes->free = free;
        bytes->type = AS_BYTES_BLOB;
    }
    return bytes;
}

as_bytes* as_bytes_init(as_bytes* bytes, uint32_t capacity)
{
    uint8_t* value = capacity > 0 ? tnd_calloc(capacity, 1) : NULL;

    if (capacity > 0 && !value) {
        bytes_fill(bytes, false, NULL, 0, 0, false);
        return NULL;
    }
    return bytes_fill(bytes, false, value, 0, capacity, true);
}

as_bytes* as_bytes_init_wrap(as_bytes* bytes, uint8_t* value, uint32_t size, bool free)
{
    return bytes_fill(bytes, false, value, size, size, free);
}

as_bytes* as_bytes_new(uint32_t capacity)
{
    as_bytes* bytes = tnd_malloc(sizeof(*bytes));

    if (!bytes) {
        return NULL;
    }
    if (!as_bytes_init(bytes, capacity)) {
        tnd_free(bytes);
        return NULL;
    }
    bytes->_.free = true;
    return bytes;
}

as_bytes* as_bytes_new_wrap(uint8_t* value, uint32_t size, bool free)
{
    return bytes_fill(tnd_malloc(sizeof(as_bytes)), true, value, size, size, free);
}

void tnd_bytes_release(as_val* v)
{
    as_bytes* bytes = (as_bytes*)v;

    if (bytes->free) {
        tnd_free(bytes->value);
    }
    bytes->value = NULL;
    bytes->size = 0;
    bytes->capacity = 0;
}

/* --- reading --- */

/* `size` if that many bytes from `index` on are in use, else 0. */
static uint32_t bytes_get(const as_bytes* bytes, uint32_t index, void* value, uint32_t size)
{
    if (!bytes || (uint64_t)index + size > bytes->size) {
        return 0;
    }
    if (size > 0) {
        memcpy(value, bytes->value + index, size);
    }
    return size;
}

uint32_t as_bytes_copy(const as_bytes* bytes, uint32_t index, uint8_t* value, uint32_t size)
{
    return bytes_get(bytes, index, value, size);
}

uint32_t as_bytes_get_byte(const as_bytes* bytes, uint32_t index, uint8_t* value)
{
    return bytes_get(bytes, index, value, 1);
}

uint32_t as_bytes_get_int16(const as_bytes* bytes, uint32_t index, int16_t* value)
{
    return bytes_get(bytes, index, value, 2);
}

uint32_t as_bytes_get_int32(const as_bytes* bytes, uint32_t index, int32_t* value)
{
    return bytes_get(bytes, index, value, 4);
}

uint32_t as_bytes_get_int64(const as_bytes* bytes, uint32_t index, int64_t* value)
{
    return bytes_get(bytes, index, value, 8);
}

uint32_t as_bytes_get_double(const as_bytes* bytes, uint32_t index, double* value)
{
    return bytes_get(bytes, index, value, 8);
}

uint32_t as_bytes_get_var_int(const as_bytes* bytes, uint32_t index, uint32_t* value)
{
    uint64_t result = 0;
    uint8_t byte;

    for (uint32_t i = 0; i < VAR_INT_BYTES_MAX; i++) {
        if (index > UINT32_MAX - i || !bytes_get(bytes, index + i, &byte, 1)) {
            return 0;
        }
        result |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            if (result > UINT32_MAX) {
                return 0;
            }
            *value = (uint32_t)result;
            return i + 1;
        }
    }
    return 0;
}

/* --- writing --- */

bool as_bytes_set(as_bytes* bytes, uint32_t index, const uint8_t* value, uint32_t size)
{
    uint64_t end = (uint64_t)index + size;

    if (!bytes || end > bytes->capacity) {
        return false;
    }
    if (size > 0) {
        memcpy(bytes->value + index, value, size);
    }
    if (end > bytes->size) {
        bytes->size = (uint32_t)end;
    }
    return true;
}

uint32_t as_bytes_set_var_int(const as_bytes* bytes, uint32_t index, uint32_t value)
{
    uint8_t groups[VAR_INT_BYTES_MAX];
    uint32_t count = 0;

    while (value > 0x7f) {
        groups[count++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    groups[count++] = (uint8_t)value;

    if (!bytes || (uint64_t)index + count > bytes->capacity) {
        return 0;
    }
    memcpy(bytes->value + index, groups, count);
    return count;
}

bool as_bytes_append(as_bytes* bytes, const uint8_t* value, uint32_t size)
{
    return bytes && as_bytes_set(bytes, bytes->size, value, size);
}

bool as_bytes_truncate(as_bytes* bytes, uint32_t n)
{
    if (!bytes || n > bytes->size) {
        return false;
    }
    bytes->size -= n;
    return true;
}

bool as_bytes_ensure(as_bytes* bytes, uint32_t capacity, bool resize)
{
    uint8_t* value;

    if (!bytes) {
        return false;
    }
    if (capacity <= bytes->capacity) {
        return true;
    }
    if (!resize) {
        return false;
    }
    value = bytes->free ? tnd_realloc(bytes->value, capacity) : tnd_malloc(capacity);
    if (!value) {
        return false;
    }
    if (!bytes->free && bytes->size > 0) {
        memcpy(value, bytes->value, bytes->size);
    }
    bytes->value = value;
    bytes->capacity = capacity;
    bytes->free = true;
    return true;
}

/* --- text --- */

static const char HEX_DIGITS[] = "0123456789ABCDEF";

char* tnd_bytes_tostring(const as_val* v)
{
    const as_bytes* bytes = (const as_bytes*)v;
    char* text;

    if (bytes->size == 0 || !bytes->value) {
        return NULL;
    }
    text = tnd_malloc((size_t)bytes->size * 3);
    if (!text) {
        return NULL;
    }
    for (uint32_t i = 0; i < bytes->size; i++) {
        text[i * (size_t)3] = HEX_DIGITS[bytes->value[i] >> 4];
        text[i * (size_t)3 + 1] = HEX_DIGITS[bytes->value[i] & 15];
        text[i * (size_t)3 + 2] = i + 1 < bytes->size ? ' ' : '\0';
    }
    return text;
}

bool as_bytes_to_string(const uint8_t* bytes, uint32_t bytes_size, char* str, uint32_t str_size)
{
    uint32_t fitting = str_size > 0 ? (str_size - 1) / 2 : 0;
    bool fits = str_size > 0 && bytes_size <= fitting;
    uint32_t count = fits ? bytes_size : fitting;

    for (uint32_t i = 0; i < count; i++) {
        str[i * (size_t)2] = HEX_DIGITS[bytes[i] >> 4];
        str[i * (size_t)2 + 1] = HEX_DIGITS[bytes[i] & 15];
    }
    if (str_size > 0) {
        str[count * (size_t)2] = '\0';
    }
    return fits;
}

bool as_bytes_to_string_with_prefix(const uint8_t* bytes, uint32_t bytes_size, char* str,
                                    uint32_t str_size)
{
    if (str_size < 3) {
        if (str_size > 0) {
            str[0] = '\0';
        }
        return false;
    }
    memcpy(str, "0x", 2);
    return as_bytes_to_string(bytes, bytes_size, str + 2, str_size - 2);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int as_bytes_from_string(uint8_t* bytes, uint32_t bytes_size, const char* str)
{
    size_t count;

    if (!str) {
        return -1;
    }
    if (str[0] == '0' && (str[1] == 'x' || str[1] == 'X')) {
        str += 2;
    }
    count = strlen(str);
    if (count % 2 != 0 || count / 2 > bytes_size || count / 2 > INT32_MAX) {
        return -1;
    }
    count /= 2;
    for (size_t i = 0; i < count; i++) {
        int high = hex_digit(str[2 * i]);
        int low = hex_digit(str[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (int)count;
}
