/*
 * The value of the info command `replicas`: per namespace one bitmap of owned partitions for each
 * replica column (protocol/cluster.md 3.3).
 *
 * tnd_part_open checks the shape of the whole text, so that a malformed reply is refused before any
 * of it is used; then tnd_part_next lends one namespace after the other in place. Bitmaps stay
 * base64 until asked for, because decoding them is the expensive part of a tend.
 */
#ifndef TENDRIL_CORE_PART_H
#define TENDRIL_CORE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_PART_BITMAP_BYTES = TND_PARTITION_COUNT / 8,
    TND_PART_BASE64_CHARS = 684, /* of one bitmap, one '=' of padding included */
    TND_PART_NS_CHARS_MAX = 31,
    TND_PART_COLUMNS_MAX = 255,
    TND_PART_NAMESPACES_MAX = 256, /* bound of ours; servers have at most 32 */
};

/* One namespace as one node claims it. Slices lie in the text given to tnd_part_open. */
typedef struct tnd_part_claim {
    tnd_slice ns;          /* 1 .. 31 graphic bytes */
    uint32_t regime;       /* 0 in AP namespaces */
    uint8_t factor;        /* effective replication factor, 1 .. 255 */
    uint8_t columns_count; /* bitmaps that follow; fewer than factor only when the request limited
                              them */
    tnd_slice bitmaps;     /* columns_count base64 bitmaps joined by ',' */
} tnd_part_claim;

typedef struct tnd_part_reader {
    tnd_slice rest;
    uint8_t columns_max;
} tnd_part_reader;

/* `columns_max` is the n of the request `replicas:max=n`, 0 for a request without it. On false
   `*ret_reason` (static text) says what is wrong with the value; an empty value is legal. Base64
   characters are judged by tnd_part_decode, everything else here. */
bool tnd_part_open(tnd_part_reader* reader, tnd_slice value, uint8_t columns_max,
                   const char** ret_reason);

/* False when no namespace is left. */
bool tnd_part_next(tnd_part_reader* reader, tnd_part_claim* ret_claim);

/* The base64 text of column `column_index` (0 = master), asserted to be below columns_count. */
tnd_slice tnd_part_column(const tnd_part_claim* claim, uint32_t column_index);

/* Strict: exactly 684 characters of the standard alphabet, the last one '=', no stray bits before
   it. False leaves `ret_bitmap` undefined. */
bool tnd_part_decode(tnd_slice base64, uint8_t ret_bitmap[TND_PART_BITMAP_BYTES]);

/* How many partitions a bitmap claims. */
uint32_t tnd_part_count(const uint8_t bitmap[TND_PART_BITMAP_BYTES]);

/* The most significant bit is the lowest partition. */
static inline bool tnd_part_has(const uint8_t bitmap[TND_PART_BITMAP_BYTES], uint32_t partition)
{
    return (bitmap[partition >> 3] & (0x80u >> (partition & 7))) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
