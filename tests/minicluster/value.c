/*
 * Particles: which bytes a bin accepts and what of them is stored (protocol/records.md 4.1, 4.2).
 *
 * Lists and maps are stored as they came once they parse; a real server would also bring them into
 * its normal form. A GeoJSON point gets its cell (geo.c), other shapes get none.
 */
#include <string.h>

#include "geo.h"
#include "message.h"

enum {
    VALUE_INTEGER = 1,
    VALUE_FLOAT = 2,
    VALUE_STRING = 3,
    VALUE_BLOB = 4,
    VALUE_JAVA = 7,
    VALUE_ERLANG = 12,
    VALUE_VECTOR = 16,
    VALUE_BOOL = 17,
    VALUE_HLL = 18,
    VALUE_MAP = 19,
    VALUE_LIST = 20,
    VALUE_GEOJSON = 23,
    VALUE_DEPTH_MAX = 32
};

// ---- msgpack, as far as telling whether it is whole
// ------------------------------------------------

// Skips an item head with `width` bytes of length after it, and `extra` bytes more.
static const uint8_t* pack_skip(const uint8_t* p, const uint8_t* end, int width, uint64_t extra)
{
    if (end - p < width) {
        return NULL;
    }
    uint64_t len = mc_be_get(p, width) + extra;
    p += width;
    return (uint64_t)(end - p) < len ? NULL : p + len;
}

// Number of items of a list or map head, and the byte after it. NULL if it is neither, or cut.
static const uint8_t* pack_container(const uint8_t* p, const uint8_t* end, bool map,
                                     uint64_t* ret_items)
{
    uint8_t head = *p++;
    uint8_t fix = map ? 0x80 : 0x90;
    uint8_t wide = map ? 0xde : 0xdc;
    uint64_t per_item = map ? 2 : 1;
    if ((head & 0xf0) == fix) {
        *ret_items = (head & 0x0fu) * per_item;
        return p;
    }
    int width = head == wide ? 2 : head == wide + 1 ? 4 : 0;
    if (!width || end - p < width) {
        return NULL;
    }
    *ret_items = mc_be_get(p, width) * per_item;
    return p + width;
}

static const uint8_t* pack_scalar(const uint8_t* p, const uint8_t* end)
{
    static const uint8_t widths[] = {1, 2, 4, 8};
    uint8_t head = *p++;
    if (head <= 0x7f || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3) {
        return p;
    }
    if (head >= 0xa0 && head <= 0xbf) {
        return pack_skip(p, end, 0, head & 0x1f);
    }
    if (head >= 0xc4 && head <= 0xc6) { // bin
        return pack_skip(p, end, widths[head - 0xc4], 0);
    }
    if (head >= 0xc7 && head <= 0xc9) { // ext
        return pack_skip(p, end, widths[head - 0xc7], 1);
    }
    if (head == 0xca || head == 0xcb) {
        return pack_skip(p, end, 0, head == 0xca ? 4 : 8);
    }
    if (head >= 0xcc && head <= 0xd3) { // integers
        return pack_skip(p, end, 0, widths[(head - 0xcc) & 3]);
    }
    if (head >= 0xd4 && head <= 0xd8) { // fixext
        return pack_skip(p, end, 0, 1u + (1u << (head - 0xd4)));
    }
    if (head >= 0xd9 && head <= 0xdb) { // str
        return pack_skip(p, end, widths[head - 0xd9], 0);
    }
    return NULL;
}

// One whole item and what is in it. An explicit stack bounds the depth.
static const uint8_t* pack_item(const uint8_t* p, const uint8_t* end)
{
    uint64_t left[VALUE_DEPTH_MAX];
    int depth = 0;
    left[0] = 1;
    while (p) {
        while (left[depth] == 0) {
            if (depth-- == 0) {
                return p;
            }
        }
        left[depth]--;
        if (p >= end) {
            return NULL;
        }
        uint64_t items;
        const uint8_t* in = pack_container(p, end, false, &items);
        in = in ? in : pack_container(p, end, true, &items);
        if (!in) {
            p = pack_scalar(p, end);
        } else if (++depth < VALUE_DEPTH_MAX) {
            left[depth] = items;
            p = in;
        } else {
            return NULL;
        }
    }
    return NULL;
}

static int value_check_pack(const uint8_t* value, uint32_t len, bool map)
{
    uint64_t items;
    if (!len || !pack_container(value, value + len, map, &items)) {
        return MC_UNKNOWN;
    }
    return pack_item(value, value + len) == value + len ? MC_OK : MC_UNKNOWN;
}

// ---- particles ----------------------------------------------------------------------------------

bool mc_value_is_blob(unsigned type)
{
    return type == VALUE_BLOB || (type >= VALUE_JAVA && type <= VALUE_ERLANG);
}

static int value_check_geojson(const uint8_t* value, uint32_t len)
{
    if (len < 3) {
        return MC_INVALID_GEOJSON;
    }
    uint32_t skip = 3 + 8 * (uint32_t)mc_be_get(value + 1, 2);
    if (skip > len || !mc_geo_is_valid((const char*)value + skip, len - skip)) {
        return MC_INVALID_GEOJSON;
    }
    return MC_OK;
}

int mc_value_check(unsigned type, const uint8_t* value, uint32_t len)
{
    switch (type) {
    case VALUE_INTEGER:
        return len == 1 || len == 2 || len == 4 || len == 8 ? MC_OK : MC_PARAMETER;
    case VALUE_FLOAT:
        return len == 8 ? MC_OK : MC_PARAMETER;
    case VALUE_BOOL:
        return len == 1 && value[0] <= 1 ? MC_OK : MC_PARAMETER;
    case VALUE_STRING:
    case VALUE_VECTOR:
        return MC_OK;
    case VALUE_HLL:
        return len >= 11 ? MC_OK : MC_PARAMETER;
    case VALUE_MAP:
    case VALUE_LIST:
        return value_check_pack(value, len, type == VALUE_MAP);
    case VALUE_GEOJSON:
        return value_check_geojson(value, len);
    default:
        return mc_value_is_blob(type) ? MC_OK : MC_PARAMETER;
    }
}

void mc_value_normalize(mc_bytes* out, unsigned type, const uint8_t* value, uint32_t len)
{
    if (type == VALUE_INTEGER) {
        mc_bytes_be(out, mc_be_get(value, (int)len), 8);
        return;
    }
    if (type != VALUE_GEOJSON) {
        mc_bytes_add(out, value, len);
        return;
    }
    uint32_t skip = 3 + 8 * (uint32_t)mc_be_get(value + 1, 2);
    const char* json = (const char*)value + skip;
    uint64_t cell;
    bool has_cell = mc_geo_point_cell(json, len - skip, &cell);
    mc_bytes_u8(out, 0);
    mc_bytes_be(out, has_cell, 2);
    if (has_cell) {
        mc_bytes_be(out, cell, 8);
    }
    mc_bytes_add(out, json, len - skip);
}
