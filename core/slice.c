/*
 * Reading text in place. See slice.h.
 */
#include "core/slice.h"

#include <assert.h>
#include <string.h>

tnd_slice tnd_slice_of(const void* bytes, size_t size)
{
    assert(bytes || size == 0);
    return (tnd_slice){.data = bytes, .size = size};
}

tnd_slice tnd_slice_text(const char* text)
{
    return tnd_slice_of(text, strlen(text));
}

bool tnd_slice_equals(tnd_slice a, tnd_slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool tnd_slice_equals_text(tnd_slice slice, const char* text)
{
    return tnd_slice_equals(slice, tnd_slice_text(text));
}

bool tnd_slice_starts_with(tnd_slice slice, const char* prefix)
{
    size_t size = strlen(prefix);
    return slice.size >= size && (size == 0 || memcmp(slice.data, prefix, size) == 0);
}

size_t tnd_slice_find(tnd_slice slice, char wanted)
{
    const char* found = slice.size > 0 ? memchr(slice.data, wanted, slice.size) : NULL;
    return found ? (size_t)(found - slice.data) : slice.size;
}

tnd_slice tnd_slice_take(tnd_slice* rest, size_t count)
{
    assert(count <= rest->size);
    tnd_slice piece = {.data = rest->data, .size = count};
    if (count > 0) {
        rest->data += count;
        rest->size -= count;
    }
    return piece;
}

bool tnd_slice_cut(tnd_slice* rest, char stop, tnd_slice* ret_piece)
{
    *ret_piece = tnd_slice_take(rest, tnd_slice_find(*rest, stop));
    return tnd_slice_accept(rest, stop);
}

bool tnd_slice_accept(tnd_slice* rest, char wanted)
{
    if (rest->size == 0 || rest->data[0] != wanted) {
        return false;
    }
    tnd_slice_take(rest, 1);
    return true;
}

bool tnd_slice_u64(tnd_slice slice, uint64_t max, uint64_t* ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] < '0' || slice.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(slice.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (slice.size == 0 || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool tnd_slice_i64(tnd_slice slice, int64_t min, int64_t max, int64_t* ret_value)
{
    bool is_negative = tnd_slice_accept(&slice, '-');
    uint64_t magnitude_max = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t magnitude = 0;
    if (!tnd_slice_u64(slice, magnitude_max, &magnitude)) {
        return false;
    }
    /* -(m - 1) - 1 stays within int64_t also for its smallest value. */
    int64_t value =
        is_negative && magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    if (value < min || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool tnd_slice_is_graphic(tnd_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.data[i] <= ' ' || slice.data[i] > '~') {
            return false;
        }
    }
    return true;
}
