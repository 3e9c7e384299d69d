/*
 * Msgpack values as trees (protocol/cdt-expressions.md 1): read, checked as a bin's value, sorted,
 * written in their normal form. The mini cluster's own. Trees live in an arena that goes as a
 * whole.
 */
#ifndef MC_PACK_H
#define MC_PACK_H

#include "bytes.h"

// Memory of one command. All zero is an empty one.
typedef struct mc_arena {
    struct mc_chunk* chunks;
} mc_arena;

void* mc_arena_alloc(mc_arena* arena, size_t size); // zeroed
void mc_arena_done(mc_arena* arena);

// In the order in which types sort.
typedef enum mc_kind {
    MC_NIL,
    MC_FALSE,
    MC_TRUE,
    MC_INTEGER,
    MC_STRING,
    MC_LIST,
    MC_MAP,
    MC_BLOB,
    MC_DOUBLE,
    MC_GEOJSON,
    MC_EXT,
    MC_WILDCARD,
    MC_INF
} mc_kind;

enum {
    MC_ORDERED = 0x01,
    MC_VALUE_ORDERED = 0x02,
    MC_PRESERVE_ORDER = 0x08,
    MC_PERSIST = 0x10
};

typedef struct mc_item {
    mc_kind kind;
    uint8_t flags; // of a list or map
    bool narrow;   // a double of four bytes
    int64_t integer;
    double number;
    const uint8_t* bytes; // of texts and blobs, with the type byte; of MC_EXT all
    uint32_t len;
    struct mc_item** items; // elements; keys and values by turns
    uint32_t count;         // elements; keys and values together
    uint32_t cap;
} mc_item;

// The value that fills these bytes; NULL if they hold none, or more.
mc_item* mc_pack_read(mc_arena* arena, const uint8_t* bytes, size_t len);
void mc_pack_write(mc_bytes* out, const mc_item* item);

mc_item* mc_item_new(mc_arena* arena, mc_kind kind);
mc_item* mc_item_integer(mc_arena* arena, int64_t value);
mc_item* mc_item_container(mc_arena* arena, mc_kind kind, unsigned flags);
void mc_item_insert(mc_arena* arena, mc_item* to, uint32_t at, mc_item* item);
void mc_item_remove(mc_item* from, uint32_t at, uint32_t count);

// Negative, 0, positive; a wildcard is equal to anything, and ends the comparison.
int mc_item_compare(const mc_item* a, const mc_item* b);
bool mc_item_is_key(const mc_item* item);
bool mc_item_has(const mc_item* item, mc_kind kind); // at any depth
// Sorts the elements, or the entries by key. False: a key is there twice.
void mc_item_sort_list(mc_item* list);
bool mc_item_sort_map(mc_item* map);

// Brings a whole value into the form in which it is stored. False: it can't be stored.
bool mc_item_settle(mc_item* item, bool top);

#endif
