/*
 * Particles: which bytes a bin accepts and what of them is stored (protocol/records.md 4.1, 4.2).
 *
 * Lists and maps are stored in their normal form (pack.c), but without a persistent index. A
 * GeoJSON point gets its cell (geo.c), other shapes get none.
 */
#include <string.h>

#include "geo.h"
#include "message.h"
#include "pack.h"

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
    VALUE_GEOJSON = 23
};

// A list or map in the form in which it is stored; NULL if it can't be.
static mc_item* value_settle(mc_arena* arena, const uint8_t* value, uint32_t len, bool map)
{
    mc_item* item = mc_pack_read(arena, value, len);
    bool good = item && item->kind == (map ? MC_MAP : MC_LIST) && mc_item_settle(item, true);
    return good ? item : NULL;
}

static int value_check_pack(const uint8_t* value, uint32_t len, bool map)
{
    mc_arena arena = {0};
    bool good = value_settle(&arena, value, len, map);
    mc_arena_done(&arena);
    return good ? MC_OK : MC_UNKNOWN;
}

static void value_normalize_pack(mc_bytes* out, const uint8_t* value, uint32_t len, bool map)
{
    mc_arena arena = {0};
    const mc_item* item = value_settle(&arena, value, len, map);
    if (item) {
        mc_pack_write(out, item);
    }
    mc_arena_done(&arena);
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
    if (type == VALUE_LIST || type == VALUE_MAP) {
        value_normalize_pack(out, value, len, type == VALUE_MAP);
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
