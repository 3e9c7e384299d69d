#include "pack.h"

#include <stdlib.h>
#include <string.h>

enum {
    PACK_DEPTH_MAX = 400 // a real server has no limit of its own
};

// ---- memory -------------------------------------------------------------------------------------

typedef struct mc_chunk {
    struct mc_chunk* next;
    size_t used;
    size_t size;
    _Alignas(16) uint8_t data[];
} mc_chunk;

void* mc_arena_alloc(mc_arena* arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    mc_chunk* chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = size > 4096 ? size : 4096;
        chunk = mc_alloc(sizeof(*chunk) + room);
        chunk->size = room;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void* memory = chunk->data + chunk->used;
    chunk->used += size;
    return memory;
}

void mc_arena_done(mc_arena* arena)
{
    while (arena->chunks) {
        mc_chunk* chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
}

// ---- items --------------------------------------------------------------------------------------

mc_item* mc_item_new(mc_arena* arena, mc_kind kind)
{
    mc_item* item = mc_arena_alloc(arena, sizeof(*item));
    item->kind = kind;
    return item;
}

mc_item* mc_item_integer(mc_arena* arena, int64_t value)
{
    mc_item* item = mc_item_new(arena, MC_INTEGER);
    item->integer = value;
    return item;
}

mc_item* mc_item_container(mc_arena* arena, mc_kind kind, unsigned flags)
{
    mc_item* item = mc_item_new(arena, kind);
    item->flags = (uint8_t)flags;
    return item;
}

void mc_item_insert(mc_arena* arena, mc_item* to, uint32_t at, mc_item* item)
{
    if (to->count == to->cap) {
        uint32_t cap = to->cap ? 2 * to->cap : 8;
        mc_item** items = mc_arena_alloc(arena, cap * sizeof(mc_item*));
        if (to->count) {
            memcpy(items, to->items, to->count * sizeof(mc_item*));
        }
        to->items = items;
        to->cap = cap;
    }
    memmove(to->items + at + 1, to->items + at, (to->count - at) * sizeof(mc_item*));
    to->items[at] = item;
    to->count++;
}

void mc_item_remove(mc_item* from, uint32_t at, uint32_t count)
{
    from->count -= count;
    memmove(from->items + at, from->items + at + count, (from->count - at) * sizeof(mc_item*));
}

// ---- reading ------------------------------------------------------------------------------------

typedef struct pack_reader {
    mc_arena* arena;
    const uint8_t* at;
    const uint8_t* end;
} pack_reader;

static mc_item* read_item(pack_reader* r, int depth);

static bool read_number(pack_reader* r, int width, uint64_t* ret_value)
{
    if (r->end - r->at < width) {
        return false;
    }
    *ret_value = mc_be_get(r->at, width);
    r->at += width;
    return true;
}

static mc_item* read_text(pack_reader* r, uint64_t len)
{
    if ((uint64_t)(r->end - r->at) < len) {
        return NULL;
    }
    uint8_t type = len ? r->at[0] : 0;
    mc_item* item = mc_item_new(r->arena, type == 3    ? MC_STRING
                                          : type == 23 ? MC_GEOJSON
                                                       : MC_BLOB);
    item->bytes = r->at;
    item->len = (uint32_t)len;
    r->at += len;
    return item;
}

// An extension of `len` bytes, whose head begins at `head`.
static mc_item* read_ext(pack_reader* r, const uint8_t* head, uint64_t len)
{
    if ((uint64_t)(r->end - r->at) < len + 1) {
        return NULL;
    }
    uint8_t type = r->at[0];
    bool compares = type == 0xff && len == 1 && r->at[1] <= 1;
    mc_kind kind = !compares ? MC_EXT : r->at[1] ? MC_INF : MC_WILDCARD;
    mc_item* item = mc_item_new(r->arena, kind);
    item->flags = type;
    r->at += len + 1;
    item->bytes = head;
    item->len = (uint32_t)(r->at - head);
    return item;
}

static mc_item* read_container(pack_reader* r, mc_kind kind, uint64_t count, int depth)
{
    mc_item* box = mc_item_container(r->arena, kind, 0);
    count *= kind == MC_MAP ? 2 : 1;
    if (count > (uint64_t)(r->end - r->at) || depth > PACK_DEPTH_MAX) {
        return NULL;
    }
    for (uint64_t i = 0; i < count; i++) {
        mc_item* item = read_item(r, depth + 1);
        if (!item) {
            return NULL;
        }
        bool is_flags = i == 0 && item->kind == MC_EXT;
        if (is_flags) {
            box->flags = item->flags;
            if (kind == MC_MAP && (++i, !read_item(r, depth + 1))) {
                return NULL;
            }
            continue;
        }
        mc_item_insert(r->arena, box, box->count, item);
    }
    return box;
}

static mc_item* read_double(pack_reader* r, bool narrow)
{
    uint64_t bits;
    if (!read_number(r, narrow ? 4 : 8, &bits)) {
        return NULL;
    }
    mc_item* item = mc_item_new(r->arena, MC_DOUBLE);
    item->narrow = narrow;
    if (narrow) {
        uint32_t half = (uint32_t)bits;
        float number;
        memcpy(&number, &half, 4);
        item->number = (double)number;
    } else {
        memcpy(&item->number, &bits, 8);
    }
    return item;
}

static mc_item* read_integer(pack_reader* r, uint8_t head)
{
    int width = 1 << ((head - 0xcc) & 3);
    uint64_t value;
    if (!read_number(r, width, &value)) {
        return NULL;
    }
    if (head >= 0xd0 && width < 8 && value >> (8 * width - 1)) {
        value |= UINT64_MAX << (8 * width);
    }
    return mc_item_integer(r->arena, (int64_t)value);
}

// Heads from 0xc0 to 0xdf.
static mc_item* read_wide(pack_reader* r, uint8_t head, int depth)
{
    static const int widths[] = {1, 2, 4};
    const uint8_t* begin = r->at - 1;
    uint64_t len = 0;
    switch (head) {
    case 0xc0:
        return mc_item_new(r->arena, MC_NIL);
    case 0xc1:
        return NULL;
    case 0xc2:
        return mc_item_new(r->arena, MC_FALSE);
    case 0xc3:
        return mc_item_new(r->arena, MC_TRUE);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return read_number(r, widths[head - 0xc4], &len) ? read_text(r, len) : NULL;
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return read_number(r, widths[head - 0xc7], &len) ? read_ext(r, begin, len) : NULL;
    case 0xca:
    case 0xcb:
        return read_double(r, head == 0xca);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return read_number(r, widths[head - 0xd9], &len) ? read_text(r, len) : NULL;
    case 0xdc:
    case 0xdd:
        return read_number(r, head == 0xdc ? 2 : 4, &len) ? read_container(r, MC_LIST, len, depth)
                                                          : NULL;
    case 0xde:
    case 0xdf:
        return read_number(r, head == 0xde ? 2 : 4, &len) ? read_container(r, MC_MAP, len, depth)
                                                          : NULL;
    default:
        return head >= 0xd4 ? read_ext(r, begin, 1u << (head - 0xd4)) : read_integer(r, head);
    }
}

static mc_item* read_item(pack_reader* r, int depth)
{
    if (r->at >= r->end) {
        return NULL;
    }
    uint8_t head = *r->at++;
    if (head < 0x80 || head >= 0xe0) {
        return mc_item_integer(r->arena, (int8_t)head);
    }
    if (head < 0x90) {
        return read_container(r, MC_MAP, head & 15, depth);
    }
    if (head < 0xa0) {
        return read_container(r, MC_LIST, head & 15, depth);
    }
    return head < 0xc0 ? read_text(r, head & 31) : read_wide(r, head, depth);
}

mc_item* mc_pack_read(mc_arena* arena, const uint8_t* bytes, size_t len)
{
    pack_reader r = {.arena = arena, .at = bytes, .end = bytes + len};
    mc_item* item = read_item(&r, 0);
    return r.at == r.end ? item : NULL;
}

// ---- writing ------------------------------------------------------------------------------------

static void write_integer(mc_bytes* out, int64_t value)
{
    if (value >= -32 && value < 128) {
        mc_bytes_u8(out, (uint8_t)value);
        return;
    }
    static const int64_t limits[] = {0xff, 0xffff, 0xffffffff};
    int size = 0; // 1 << size bytes
    if (value >= 0) {
        while (size < 3 && value > limits[size]) {
            size++;
        }
        mc_bytes_u8(out, 0xcc + (unsigned)size);
    } else {
        while (size < 3 && value < -(limits[size] / 2) - 1) {
            size++;
        }
        mc_bytes_u8(out, 0xd0 + (unsigned)size);
    }
    mc_bytes_be(out, (uint64_t)value, 1 << size);
}

static void write_head(mc_bytes* out, unsigned fix, unsigned fix_max, unsigned wide, uint32_t n)
{
    if (n <= fix_max) {
        mc_bytes_u8(out, fix | n);
    } else if (n <= 0xffff) {
        mc_bytes_u8(out, wide);
        mc_bytes_be(out, n, 2);
    } else {
        mc_bytes_u8(out, wide + 1);
        mc_bytes_be(out, n, 4);
    }
}

static void write_text(mc_bytes* out, const mc_item* item)
{
    if (item->len > 31 && item->len <= 0xff) {
        mc_bytes_u8(out, 0xd9);
        mc_bytes_u8(out, item->len);
    } else {
        write_head(out, 0xa0, 31, 0xda, item->len);
    }
    mc_bytes_add(out, item->bytes, item->len);
}

static void write_double(mc_bytes* out, const mc_item* item)
{
    if (item->narrow) {
        float narrow = (float)item->number;
        uint32_t bits;
        memcpy(&bits, &narrow, 4);
        mc_bytes_u8(out, 0xca);
        mc_bytes_be(out, bits, 4);
        return;
    }
    uint64_t bits;
    memcpy(&bits, &item->number, 8);
    mc_bytes_u8(out, 0xcb);
    mc_bytes_be(out, bits, 8);
}

// The persistent index isn't shown to anybody.
static void write_container(mc_bytes* out, const mc_item* item)
{
    bool map = item->kind == MC_MAP;
    uint8_t flags = item->flags & (uint8_t)~MC_PERSIST;
    uint32_t n = (map ? item->count / 2 : item->count) + (flags != 0);
    write_head(out, map ? 0x80 : 0x90, 15, map ? 0xde : 0xdc, n);
    if (flags) {
        mc_bytes_be(out, 0xc70000u | flags, 3);
        if (map) {
            mc_bytes_u8(out, 0xc0);
        }
    }
    for (uint32_t i = 0; i < item->count; i++) {
        mc_pack_write(out, item->items[i]);
    }
}

void mc_pack_write(mc_bytes* out, const mc_item* item)
{
    switch (item->kind) {
    case MC_NIL:
        mc_bytes_u8(out, 0xc0);
        break;
    case MC_FALSE:
        mc_bytes_u8(out, 0xc2);
        break;
    case MC_TRUE:
        mc_bytes_u8(out, 0xc3);
        break;
    case MC_INTEGER:
        write_integer(out, item->integer);
        break;
    case MC_STRING:
    case MC_BLOB:
    case MC_GEOJSON:
        write_text(out, item);
        break;
    case MC_DOUBLE:
        write_double(out, item);
        break;
    case MC_LIST:
    case MC_MAP:
        write_container(out, item);
        break;
    case MC_EXT:
    case MC_WILDCARD:
    case MC_INF:
        mc_bytes_add(out, item->bytes, item->len);
        break;
    }
}

// ---- order --------------------------------------------------------------------------------------

enum {
    COMPARE_END = 2 // a wildcard was met: equal, whatever follows
};

static int sign(int64_t n)
{
    return (n > 0) - (n < 0);
}

static int compare_bytes(const mc_item* a, const mc_item* b)
{
    uint32_t common = a->len < b->len ? a->len : b->len;
    int order = common ? memcmp(a->bytes, b->bytes, common) : 0;
    return order ? sign(order) : sign((int64_t)a->len - b->len);
}

static int compare(const mc_item* a, const mc_item* b);

static int compare_containers(const mc_item* a, const mc_item* b)
{
    if (a->kind == MC_MAP && a->count != b->count) {
        return sign((int64_t)a->count - b->count);
    }
    for (uint32_t i = 0; i < a->count && i < b->count; i++) {
        int order = compare(a->items[i], b->items[i]);
        if (order) {
            return order;
        }
    }
    return sign((int64_t)a->count - b->count);
}

static int compare(const mc_item* a, const mc_item* b)
{
    if (a->kind == MC_WILDCARD || b->kind == MC_WILDCARD) {
        return COMPARE_END;
    }
    if (a->kind != b->kind) {
        return sign((int)a->kind - (int)b->kind);
    }
    switch (a->kind) {
    case MC_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case MC_DOUBLE:
        return (a->number > b->number) - (a->number < b->number);
    case MC_STRING:
    case MC_BLOB:
    case MC_GEOJSON:
    case MC_EXT:
        return compare_bytes(a, b);
    case MC_LIST:
    case MC_MAP:
        return compare_containers(a, b);
    default:
        return 0;
    }
}

int mc_item_compare(const mc_item* a, const mc_item* b)
{
    int order = compare(a, b);
    return order == COMPARE_END ? 0 : order;
}

bool mc_item_is_key(const mc_item* item)
{
    return item->kind == MC_INTEGER || item->kind == MC_STRING ||
           (item->kind == MC_BLOB && item->len && item->bytes[0] == 4);
}

bool mc_item_has(const mc_item* item, mc_kind kind)
{
    bool found = item->kind == kind;
    for (uint32_t i = 0; i < item->count && !found; i++) {
        found = mc_item_has(item->items[i], kind);
    }
    return found;
}

static int compare_elements(const void* a, const void* b)
{
    return mc_item_compare(*(mc_item* const*)a, *(mc_item* const*)b);
}

void mc_item_sort_list(mc_item* list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof(mc_item*), compare_elements);
    }
}

bool mc_item_sort_map(mc_item* map)
{
    uint32_t entries = map->count / 2;
    if (entries > 1) {
        qsort(map->items, entries, 2 * sizeof(mc_item*), compare_elements);
    }
    for (uint32_t i = 1; i < entries; i++) {
        if (mc_item_compare(map->items[2 * i - 2], map->items[2 * i]) == 0) {
            return false;
        }
    }
    return true;
}

// ---- values of bins -----------------------------------------------------------------------------

static bool settle_map(mc_item* map)
{
    bool ordered = map->flags & MC_ORDERED;
    for (uint32_t i = 0; i < map->count; i += 2) {
        if (!mc_item_is_key(map->items[i])) {
            return false;
        }
        if (ordered && i && mc_item_compare(map->items[i - 2], map->items[i]) >= 0) {
            return false;
        }
    }
    return mc_item_sort_map(map);
}

static bool settle_list(const mc_item* list)
{
    for (uint32_t i = 1; i < list->count && list->flags & MC_ORDERED; i++) {
        if (mc_item_compare(list->items[i - 1], list->items[i]) > 0) {
            return false;
        }
    }
    return true;
}

bool mc_item_settle(mc_item* item, bool top)
{
    if (item->kind == MC_WILDCARD || item->kind == MC_INF) {
        return false;
    }
    for (uint32_t i = 0; i < item->count; i++) {
        if (!mc_item_settle(item->items[i], false)) {
            return false;
        }
    }
    uint8_t known = item->kind == MC_MAP ? MC_ORDERED | MC_VALUE_ORDERED : MC_ORDERED;
    item->flags &= top ? known | MC_PERSIST : known;
    return item->kind == MC_MAP ? settle_map(item) : item->kind != MC_LIST || settle_list(item);
}
