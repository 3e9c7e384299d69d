/*
 * Partition maps out of `replicas` values. The grammar, from protocol/cluster.md 3.3:
 *
 *   replicas = [ ns *( ";" ns ) ] [ ";" ]
 *   ns       = name ":" regime "," factor 1*( "," bitmap )
 *
 * The number of bitmaps must be the factor, or the limit of the request where that is lower: a
 * shorter list would silently read as "no replica there".
 */
#include "core/part.h"

#include <assert.h>
#include <string.h>

/* One more than the value of each base64 character, so that every other byte is 0. */
static const uint8_t base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static bool part_fail(const char* reason, const char** ret_reason)
{
    *ret_reason = reason;
    return false;
}

/* Takes "name:regime,factor" and the ',' behind it off the front. */
static bool part_take_head(tnd_slice* rest, tnd_part_claim* claim, const char** ret_reason)
{
    tnd_slice regime, factor;
    uint64_t regime_value = 0;
    uint64_t factor_value = 0;
    if (!tnd_slice_cut(rest, ':', &claim->ns) || claim->ns.size == 0 ||
        claim->ns.size > TND_PART_NS_CHARS_MAX || !tnd_slice_is_graphic(claim->ns)) {
        return part_fail("replicas: bad namespace name", ret_reason);
    }
    /* An empty regime counts as 0. */
    if (!tnd_slice_cut(rest, ',', &regime) ||
        (regime.size > 0 && !tnd_slice_u64(regime, UINT32_MAX, &regime_value))) {
        return part_fail("replicas: bad regime", ret_reason);
    }
    if (!tnd_slice_cut(rest, ',', &factor) ||
        !tnd_slice_u64(factor, TND_PART_COLUMNS_MAX, &factor_value) || factor_value == 0) {
        return part_fail("replicas: bad replication factor", ret_reason);
    }
    claim->regime = (uint32_t)regime_value;
    claim->factor = (uint8_t)factor_value;
    return true;
}

/* Text of `columns_count` bitmaps with the commas between them. */
static size_t part_bitmaps_size(uint32_t columns_count)
{
    return (size_t)columns_count * (TND_PART_BASE64_CHARS + 1) - 1;
}

/* Bitmaps run up to the next ';'. Only their sizes and the commas are looked at. */
static bool part_take_bitmaps(tnd_slice* rest, uint8_t columns_max, tnd_part_claim* claim)
{
    uint32_t columns = claim->factor;
    size_t size = tnd_slice_find(*rest, ';');
    if (size != part_bitmaps_size(columns) && columns_max > 0 && columns_max < columns) {
        columns = columns_max;
    }
    if (size != part_bitmaps_size(columns)) {
        return false;
    }
    claim->bitmaps = tnd_slice_take(rest, size);
    claim->columns_count = (uint8_t)columns;
    for (uint32_t i = 1; i < columns; i++) {
        if (claim->bitmaps.data[part_bitmaps_size(i)] != ',') {
            return false;
        }
    }
    return true;
}

static bool part_take(tnd_part_reader* reader, tnd_part_claim* ret_claim, const char** ret_reason)
{
    tnd_part_claim claim = {0};
    if (!part_take_head(&reader->rest, &claim, ret_reason)) {
        return false;
    }
    if (!part_take_bitmaps(&reader->rest, reader->columns_max, &claim)) {
        return part_fail("replicas: bitmaps don't match the replication factor", ret_reason);
    }
    tnd_slice_accept(&reader->rest, ';'); /* a trailing one is tolerated */
    *ret_claim = claim;
    return true;
}

bool tnd_part_open(tnd_part_reader* reader, tnd_slice value, uint8_t columns_max,
                   const char** ret_reason)
{
    tnd_part_reader probe = {.rest = value, .columns_max = columns_max};
    tnd_part_claim claim;
    uint32_t namespaces = 0;
    while (probe.rest.size > 0) {
        if (!part_take(&probe, &claim, ret_reason)) {
            return false;
        }
        if (++namespaces > TND_PART_NAMESPACES_MAX) {
            return part_fail("replicas: too many namespaces", ret_reason);
        }
    }
    *reader = (tnd_part_reader){.rest = value, .columns_max = columns_max};
    return true;
}

bool tnd_part_next(tnd_part_reader* reader, tnd_part_claim* ret_claim)
{
    const char* reason;
    return reader->rest.size > 0 && part_take(reader, ret_claim, &reason);
}

tnd_slice tnd_part_column(const tnd_part_claim* claim, uint32_t column_index)
{
    assert(column_index < claim->columns_count);
    tnd_slice rest = claim->bitmaps;
    tnd_slice_take(&rest, (size_t)column_index * (TND_PART_BASE64_CHARS + 1));
    return tnd_slice_take(&rest, TND_PART_BASE64_CHARS);
}

/* 24 bits out of 4 characters; a bit above them if one isn't in the alphabet (0 - 1 has them all).
 */
static uint32_t base64_quad(const char* chars)
{
    uint32_t a = base64_values[(uint8_t)chars[0]] - 1u;
    uint32_t b = base64_values[(uint8_t)chars[1]] - 1u;
    uint32_t c = base64_values[(uint8_t)chars[2]] - 1u;
    uint32_t d = base64_values[(uint8_t)chars[3]] - 1u;
    uint32_t foreign = (a | b | c | d) & ~0x3fu;
    return foreign ? UINT32_MAX : a << 18 | b << 12 | c << 6 | d;
}

/* 512 bytes are 170 groups of three and one of two: 170 quads, then "xyz=". */
bool tnd_part_decode(tnd_slice base64, uint8_t ret_bitmap[TND_PART_BITMAP_BYTES])
{
    enum {
        QUADS = TND_PART_BITMAP_BYTES / 3
    };
    static_assert(TND_PART_BITMAP_BYTES % 3 == 2, "the tail below is of two bytes");
    if (base64.size != TND_PART_BASE64_CHARS) {
        return false;
    }
    uint32_t all = 0;
    for (size_t i = 0; i < QUADS; i++) {
        uint32_t bits = base64_quad(base64.data + 4 * i);
        all |= bits;
        ret_bitmap[3 * i] = (uint8_t)(bits >> 16);
        ret_bitmap[3 * i + 1] = (uint8_t)(bits >> 8);
        ret_bitmap[3 * i + 2] = (uint8_t)bits;
    }
    const char* chars = base64.data + 4 * (size_t)QUADS;
    const char tail[4] = {chars[0], chars[1], chars[2], 'A'};
    uint32_t bits = base64_quad(tail);
    all |= bits;
    ret_bitmap[TND_PART_BITMAP_BYTES - 2] = (uint8_t)(bits >> 16);
    ret_bitmap[TND_PART_BITMAP_BYTES - 1] = (uint8_t)(bits >> 8);
    return all <= 0xffffff && chars[3] == '=' && (bits & 0xff) == 0;
}

uint32_t tnd_part_count(const uint8_t bitmap[TND_PART_BITMAP_BYTES])
{
    uint32_t count = 0;
    for (size_t i = 0; i < TND_PART_BITMAP_BYTES; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bitmap + i, sizeof(word));
        count += (uint32_t)__builtin_popcountll(word);
    }
    return count;
}
