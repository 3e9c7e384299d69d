/*
 * as_orderedmap, its iterator, and as_hashmap, which is the same map sent otherwise.
 *
 * Entries live in a sorted table. One that belongs behind the last is appended; any other goes to a
 * small sorted table beside it (`hold_table`), which is merged into the first when it is full or
 * somebody wants to see the entries in order. So an entry out of order costs the square root of
 * their number, and not the number.
 */
#include "core/orderedmap.h"

#include <assert.h>
#include <string.h>

#include <aerospike/as_bytes.h>
#include <aerospike/as_hashmap.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_map_iterator.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_string.h>

#include "core/mem.h"

enum {
    HOLD_CAPACITY = 512, /* entries; near the best for maps of 10,000 to a million */
};

static const as_map_hooks orderedmap_hooks;

/* --- keys --- */

bool tnd_orderedmap_is_key(const as_val* key)
{
    switch (as_val_type(key)) {
    case AS_INTEGER:
    case AS_STRING:
        return true;
    case AS_BYTES:
        return ((const as_bytes*)key)->type == AS_BYTES_BLOB;
    default:
        return false;
    }
}

static int rank_of_type(const as_val* key)
{
    switch (as_val_type(key)) {
    case AS_INTEGER:
        return 0;
    case AS_STRING:
        return 1;
    default:
        return 2;
    }
}

static int compare_bytes(const void* a, size_t a_size, const void* b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common > 0 ? memcmp(a, b, common) : 0;

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* Not as_string_len, which writes into the value. */
static size_t text_size(const as_string* text)
{
    return !text->value ? 0 : text->len == SIZE_MAX ? strlen(text->value) : text->len;
}

int tnd_orderedmap_compare_keys(const as_val* a, const as_val* b)
{
    int order = rank_of_type(a) - rank_of_type(b);

    if (order != 0) {
        return order;
    }
    if (as_val_type(a) == AS_INTEGER) {
        int64_t x = ((const as_integer*)a)->value;
        int64_t y = ((const as_integer*)b)->value;
        return (x > y) - (x < y);
    }
    if (as_val_type(a) == AS_STRING) {
        const as_string* x = (const as_string*)a;
        const as_string* y = (const as_string*)b;
        return compare_bytes(x->value, text_size(x), y->value, text_size(y));
    }
    const as_bytes* x = (const as_bytes*)a;
    const as_bytes* y = (const as_bytes*)b;
    return compare_bytes(x->value, x->size, y->value, y->size);
}

/* --- tables --- */

/* Index of `key`, or where it belongs. */
static uint32_t table_find(const map_entry* table, uint32_t count, const as_val* key,
                           bool* ret_is_there)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = tnd_orderedmap_compare_keys(table[middle].key, key);
        if (order == 0) {
            *ret_is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_is_there = false;
    return low;
}

static void entry_destroy(map_entry* entry)
{
    as_val_destroy(entry->key);
    as_val_destroy(entry->value);
}

static uint32_t table_count(const as_orderedmap* map)
{
    return map->count - map->hold_count;
}

/* Joins both tables. There is room for it: see map_reserve. */
static void map_merge(as_orderedmap* map)
{
    uint32_t left = table_count(map);
    uint32_t held = map->hold_count;
    uint32_t at = map->count;

    while (held > 0) {
        if (left > 0 && tnd_orderedmap_compare_keys(map->table[left - 1].key,
                                                    map->hold_table[held - 1].key) > 0) {
            map->table[--at] = map->table[--left];
        } else {
            map->table[--at] = map->hold_table[--held];
        }
    }
    map->hold_count = 0;
}

/* Readers want one table; that it is made of two is nobody's business. */
static const map_entry* map_entries(const as_orderedmap* map)
{
    if (map->hold_count > 0) {
        map_merge((as_orderedmap*)map);
    }
    return map->table;
}

/* Room for one more entry in the table, those that are held included. */
static bool map_reserve(as_orderedmap* map)
{
    uint64_t capacity = map->capacity;
    map_entry* table;

    if (map->count < capacity) {
        return true;
    }
    capacity = capacity < 8 ? 8 : capacity * 2;
    if (capacity > UINT32_MAX) {
        return false;
    }
    table = tnd_realloc(map->table, (size_t)capacity * sizeof(*table));
    if (!table) {
        return false;
    }
    map->table = table;
    map->capacity = (uint32_t)capacity;
    return true;
}

/* --- making and unmaking --- */

static as_orderedmap* map_fill(as_orderedmap* map, bool on_heap, uint32_t capacity, uint32_t flags)
{
    as_map_cons(&map->_, on_heap, flags, &orderedmap_hooks);
    map->count = 0;
    map->capacity = capacity;
    map->hold_count = 0;
    map->hold_table = NULL;
    map->hold_locations = NULL;
    map->table = capacity > 0 ? tnd_malloc((size_t)capacity * sizeof(map_entry)) : NULL;
    if (capacity > 0 && !map->table) {
        map->capacity = 0;
        return NULL;
    }
    return map;
}

static as_orderedmap* map_new(uint32_t capacity, uint32_t flags)
{
    as_orderedmap* map = tnd_malloc(sizeof(*map));

    if (map && !map_fill(map, true, capacity, flags)) {
        tnd_free(map);
        return NULL;
    }
    return map;
}

as_orderedmap* as_orderedmap_init(as_orderedmap* map, uint32_t capacity)
{
    return map ? map_fill(map, false, capacity, 1) : NULL;
}

as_orderedmap* as_orderedmap_new(uint32_t capacity)
{
    return map_new(capacity, 1);
}

as_hashmap* as_hashmap_init(as_hashmap* map, uint32_t capacity)
{
    return map ? map_fill(map, false, capacity, 0) : NULL;
}

as_hashmap* as_hashmap_new(uint32_t capacity)
{
    return map_new(capacity, 0);
}

uint32_t as_hashmap_hashcode(const as_hashmap* map)
{
    (void)map;
    return 1;
}

int as_orderedmap_clear(as_orderedmap* map)
{
    map_entries(map);
    for (uint32_t i = 0; i < map->count; i++) {
        entry_destroy(&map->table[i]);
    }
    map->count = 0;
    return 0;
}

static bool map_release(as_map* base)
{
    as_orderedmap* map = (as_orderedmap*)base;

    as_orderedmap_clear(map);
    tnd_free(map->table);
    tnd_free(map->hold_table);
    map->table = NULL;
    map->hold_table = NULL;
    map->capacity = 0;
    return true;
}

/* --- reading --- */

uint32_t as_orderedmap_size(const as_orderedmap* map)
{
    return map ? map->count : 0;
}

/* The entry of `key`; NULL if there is none. */
static map_entry* map_find(const as_orderedmap* map, const as_val* key)
{
    bool is_there;
    uint32_t i = table_find(map->table, table_count(map), key, &is_there);

    if (is_there) {
        return &map->table[i];
    }
    i = table_find(map->hold_table, map->hold_count, key, &is_there);
    return is_there ? &map->hold_table[i] : NULL;
}

as_val* as_orderedmap_get(const as_orderedmap* map, const as_val* key)
{
    const map_entry* entry = map && tnd_orderedmap_is_key(key) ? map_find(map, key) : NULL;

    return entry ? entry->value : NULL;
}

bool as_orderedmap_foreach(const as_orderedmap* map, as_map_foreach_callback callback, void* udata)
{
    if (!map) {
        return false;
    }
    map_entries(map);
    for (uint32_t i = 0; i < map->count; i++) {
        const map_entry* entry = &map_entries(map)[i]; /* the callback may set values */
        if (!callback(entry->key, entry->value, udata)) {
            return false;
        }
    }
    return true;
}

/* --- changing --- */

static void table_insert(map_entry* table, uint32_t count, uint32_t at, map_entry entry)
{
    memmove(table + at + 1, table + at, (size_t)(count - at) * sizeof(*table));
    table[at] = entry;
}

/* Adds an entry whose key isn't there. */
static int map_add(as_orderedmap* map, map_entry entry)
{
    bool is_there;
    uint32_t sorted = table_count(map);

    if (!map_reserve(map)) {
        return -1;
    }
    if (sorted == 0 || tnd_orderedmap_compare_keys(map->table[sorted - 1].key, entry.key) < 0) {
        map->table[sorted] = entry;
        map->count++;
        return 0;
    }
    if (sorted < HOLD_CAPACITY && map->hold_count == 0) {
        uint32_t at = table_find(map->table, sorted, entry.key, &is_there);
        table_insert(map->table, sorted, at, entry);
        map->count++;
        return 0;
    }
    if (!map->hold_table) {
        map->hold_table = tnd_malloc(HOLD_CAPACITY * sizeof(map_entry));
        if (!map->hold_table) {
            return -1;
        }
    }
    if (map->hold_count == HOLD_CAPACITY) {
        map_merge(map);
    }
    assert(map->hold_count < HOLD_CAPACITY);
    uint32_t at = table_find(map->hold_table, map->hold_count, entry.key, &is_there);
    table_insert(map->hold_table, map->hold_count, at, entry);
    map->hold_count++;
    map->count++;
    return 0;
}

int as_orderedmap_set(as_orderedmap* map, const as_val* key, const as_val* val)
{
    map_entry entry = {.key = (as_val*)key, .value = val ? (as_val*)val : (as_val*)&as_nil};
    map_entry* old;

    if (!tnd_orderedmap_is_key(key)) {
        return -1;
    }
    old = map_find(map, key);
    if (!old) {
        return map_add(map, entry);
    }
    entry_destroy(old);
    *old = entry;
    return 0;
}

int as_orderedmap_remove(as_orderedmap* map, const as_val* key)
{
    bool is_there;

    if (!tnd_orderedmap_is_key(key)) {
        return -1;
    }
    map_entries(map);
    uint32_t i = table_find(map->table, map->count, key, &is_there);
    if (is_there) {
        entry_destroy(&map->table[i]);
        map->count--;
        memmove(map->table + i, map->table + i + 1, (size_t)(map->count - i) * sizeof(map_entry));
    }
    return 0;
}

void as_orderedmap_set_flags(as_orderedmap* map, uint32_t flags)
{
    flags &= AS_MAP_FLAGS_MASK;
    map->_.flags = flags != 0 ? flags | 1 : 0;
}

/* --- for the decoder --- */

void tnd_orderedmap_append(as_orderedmap* map, as_val* key, as_val* value)
{
    assert(map->count < map->capacity && map->hold_count == 0);
    map->table[map->count++] = (map_entry){.key = key, .value = value};
}

static int compare_entries(const void* a, const void* b)
{
    return tnd_orderedmap_compare_keys(((const map_entry*)a)->key, ((const map_entry*)b)->key);
}

static bool map_is_sorted(const as_orderedmap* map)
{
    for (uint32_t i = 1; i < map->count; i++) {
        if (compare_entries(&map->table[i - 1], &map->table[i]) >= 0) {
            return false;
        }
    }
    return true;
}

void tnd_orderedmap_seal(as_orderedmap* map)
{
    uint32_t kept = 0;

    if (map->count < 2 || map_is_sorted(map)) {
        return;
    }
    /* glibc sorts by merging wherever it gets the memory: entries of one key keep their order. */
    qsort(map->table, map->count, sizeof(map_entry), compare_entries);
    for (uint32_t i = 1; i < map->count; i++) {
        if (compare_entries(&map->table[kept], &map->table[i]) == 0) {
            entry_destroy(&map->table[kept]);
        } else {
            kept++;
        }
        map->table[kept] = map->table[i];
    }
    map->count = kept + 1;
}

/* --- the iterator --- */

static bool iterator_hook_has_next(const as_iterator* iterator)
{
    return as_orderedmap_iterator_has_next((const as_orderedmap_iterator*)iterator);
}

static const as_val* iterator_hook_next(as_iterator* iterator)
{
    return as_orderedmap_iterator_next((as_orderedmap_iterator*)iterator);
}

static const as_iterator_hooks iterator_hooks = {
    .has_next = iterator_hook_has_next,
    .next = iterator_hook_next,
};

static as_orderedmap_iterator* iterator_fill(as_orderedmap_iterator* it, bool on_heap,
                                             const as_orderedmap* map)
{
    if (it) {
        as_iterator_init(&it->_, on_heap, NULL, &iterator_hooks);
        it->map = map;
        it->ix = 0;
        as_pair_init(&it->pair, NULL, NULL);
    }
    return it;
}

as_orderedmap_iterator* as_orderedmap_iterator_init(as_orderedmap_iterator* it,
                                                    const as_orderedmap* map)
{
    return iterator_fill(it, false, map);
}

as_orderedmap_iterator* as_orderedmap_iterator_new(const as_orderedmap* map)
{
    return iterator_fill(tnd_malloc(sizeof(as_orderedmap_iterator)), true, map);
}

void as_orderedmap_iterator_destroy(as_orderedmap_iterator* it)
{
    as_iterator_destroy((as_iterator*)it);
}

bool as_orderedmap_iterator_has_next(const as_orderedmap_iterator* it)
{
    return it && it->ix < as_orderedmap_size(it->map);
}

const as_val* as_orderedmap_iterator_next(as_orderedmap_iterator* it)
{
    const map_entry* entry;

    if (!as_orderedmap_iterator_has_next(it)) {
        return NULL;
    }
    entry = &map_entries(it->map)[it->ix++];
    it->pair._1 = entry->key;
    it->pair._2 = entry->value;
    return (const as_val*)&it->pair;
}

/* --- the interface: an as_orderedmap starts with its as_map --- */

static uint32_t hook_hashcode(const as_map* map)
{
    return as_hashmap_hashcode((const as_orderedmap*)map);
}

static uint32_t hook_size(const as_map* map)
{
    return as_orderedmap_size((const as_orderedmap*)map);
}

static int hook_set(as_map* map, const as_val* key, const as_val* val)
{
    return as_orderedmap_set((as_orderedmap*)map, key, val);
}

static as_val* hook_get(const as_map* map, const as_val* key)
{
    return as_orderedmap_get((const as_orderedmap*)map, key);
}

static int hook_clear(as_map* map)
{
    return as_orderedmap_clear((as_orderedmap*)map);
}

static int hook_remove(as_map* map, const as_val* key)
{
    return as_orderedmap_remove((as_orderedmap*)map, key);
}

static void hook_set_flags(as_map* map, uint32_t flags)
{
    as_orderedmap_set_flags((as_orderedmap*)map, flags);
}

static bool hook_foreach(const as_map* map, as_map_foreach_callback callback, void* udata)
{
    return as_orderedmap_foreach((const as_orderedmap*)map, callback, udata);
}

static union as_map_iterator_u* hook_iterator_new(const as_map* map)
{
    return (as_map_iterator*)as_orderedmap_iterator_new((const as_orderedmap*)map);
}

static union as_map_iterator_u* hook_iterator_init(const as_map* map, union as_map_iterator_u* it)
{
    as_orderedmap_iterator_init(&it->orderedmap, (const as_orderedmap*)map);
    return it;
}

static const as_map_hooks orderedmap_hooks = {
    .destroy = map_release,
    .hashcode = hook_hashcode,
    .size = hook_size,
    .set = hook_set,
    .get = hook_get,
    .clear = hook_clear,
    .remove = hook_remove,
    .set_flags = hook_set_flags,
    .foreach = hook_foreach,
    .iterator_new = hook_iterator_new,
    .iterator_init = hook_iterator_init,
};
