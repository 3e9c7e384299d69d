/*
 * A piece of text that somebody else owns: pointer and length, never NUL-terminated by promise.
 *
 * All info text is parsed as slices. A reader takes pieces off the front of a slice; nothing is
 * copied and nothing is written. An empty slice may have a NULL pointer.
 */
#ifndef TENDRIL_CORE_SLICE_H
#define TENDRIL_CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tnd_slice {
    const char* data;
    size_t size;
} tnd_slice;

tnd_slice tnd_slice_of(const void* bytes, size_t size);
tnd_slice tnd_slice_text(const char* text);

bool tnd_slice_equals(tnd_slice a, tnd_slice b);
bool tnd_slice_equals_text(tnd_slice slice, const char* text);
bool tnd_slice_starts_with(tnd_slice slice, const char* prefix);

/* Index of the first `wanted`, or the slice's size. */
size_t tnd_slice_find(tnd_slice slice, char wanted);

/* Takes `count` bytes off the front of `*rest`. The caller knows that they're there (asserted). */
tnd_slice tnd_slice_take(tnd_slice* rest, size_t count);

/* Takes everything before the first `stop` off `*rest` and drops the stop itself; takes all of it
   when there is none. Returns whether there was a stop. */
bool tnd_slice_cut(tnd_slice* rest, char stop, tnd_slice* ret_piece);

/* Takes one byte if it is `wanted`. */
bool tnd_slice_accept(tnd_slice* rest, char wanted);

/* The whole slice as a decimal number: digits only (one leading '-' for the signed one), no sign
   '+', no spaces, not empty, within [min, max]. Leading zeros are accepted. */
bool tnd_slice_u64(tnd_slice slice, uint64_t max, uint64_t* ret_value);
bool tnd_slice_i64(tnd_slice slice, int64_t min, int64_t max, int64_t* ret_value);

/* Every byte is printable ASCII without the space: what may stand in names that get logged. */
bool tnd_slice_is_graphic(tnd_slice slice);

#ifdef __cplusplus
}
#endif

#endif
