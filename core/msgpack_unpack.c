/*
 * Msgpack to values. A first walk without memory sees that all lengths and counts hold; only then
 * are values made, by a second one that keeps what is open on a stack of its own.
 *
 * A value is put into its list or map as soon as it is made and before it is filled, so that giving
 * up is one destroy of the outermost one, and of the keys whose values were due.
 */
#include "core/msgpack.h"

#include <string.h>

#include <aerospike/as_arraylist.h>
#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_msgpack_ext.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_string.h>

#include "core/mem.h"
#include "core/orderedmap.h"

enum {
    FLAG_PRESERVE_ORDER = 0x08, /* of a map in a result: keys and values in an order of their own */
    LIST_BLOCK_SIZE = 8,        /* by how much a decoded list grows at least */
};

/* --- heads --- */

typedef enum piece_kind {
    PIECE_BAD,
    PIECE_NIL,
    PIECE_FALSE,
    PIECE_TRUE,
    PIECE_INTEGER,
    PIECE_FLOAT,
    PIECE_DOUBLE,
    PIECE_STR,
    PIECE_LIST,
    PIECE_MAP,
    PIECE_EXT,
} piece_kind;

/* A scalar whole, texts and extensions with their bytes, or the head of a list or map. */
typedef struct piece {
    piece_kind kind;
    uint64_t number;      /* the value's bits; elements of a list, entries of a map */
    const uint8_t* bytes; /* of PIECE_STR and PIECE_EXT, in place */
    size_t size;
    uint8_t ext_type;
} piece;

static uint64_t fetch_number(tnd_cursor* cursor, unsigned width)
{
    switch (width) {
    case 1:
        return tnd_cursor_fetch_u8(cursor);
    case 2:
        return tnd_cursor_fetch_be16(cursor);
    case 4:
        return tnd_cursor_fetch_be32(cursor);
    default:
        return tnd_cursor_fetch_be64(cursor);
    }
}

static piece fetch_str(tnd_cursor* cursor, uint64_t size)
{
    return (piece){.kind = PIECE_STR,
                   .bytes = tnd_cursor_fetch_bytes(cursor, (size_t)size),
                   .size = (size_t)size};
}

static piece fetch_ext(tnd_cursor* cursor, uint64_t size)
{
    piece ext = {.kind = PIECE_EXT, .size = (size_t)size};

    ext.ext_type = tnd_cursor_fetch_u8(cursor);
    ext.bytes = tnd_cursor_fetch_bytes(cursor, (size_t)size);
    return ext;
}

static piece fetch_integer(tnd_cursor* cursor, uint8_t head)
{
    unsigned width = 1u << ((head - 0xcc) & 3);
    uint64_t number = fetch_number(cursor, width);

    if (head >= 0xd0 && width < 8) {
        /* Sign extension without a shift of a negative number. */
        uint64_t sign = UINT64_C(1) << (8 * width - 1);
        number = (number ^ sign) - sign;
    }
    return (piece){.kind = PIECE_INTEGER, .number = number};
}

/* Heads from 0xc0 to 0xdf. */
static piece fetch_wide(tnd_cursor* cursor, uint8_t head)
{
    static const uint8_t widths[] = {1, 2, 4};

    switch (head) {
    case 0xc0:
        return (piece){.kind = PIECE_NIL};
    case 0xc2:
        return (piece){.kind = PIECE_FALSE};
    case 0xc3:
        return (piece){.kind = PIECE_TRUE};
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return fetch_str(cursor, fetch_number(cursor, widths[head - 0xc4]));
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return fetch_ext(cursor, fetch_number(cursor, widths[head - 0xc7]));
    case 0xca:
        return (piece){.kind = PIECE_FLOAT, .number = fetch_number(cursor, 4)};
    case 0xcb:
        return (piece){.kind = PIECE_DOUBLE, .number = fetch_number(cursor, 8)};
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return fetch_ext(cursor, UINT64_C(1) << (head - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return fetch_str(cursor, fetch_number(cursor, widths[head - 0xd9]));
    case 0xdc:
    case 0xdd:
        return (piece){.kind = PIECE_LIST, .number = fetch_number(cursor, head == 0xdc ? 2 : 4)};
    case 0xde:
    case 0xdf:
        return (piece){.kind = PIECE_MAP, .number = fetch_number(cursor, head == 0xde ? 2 : 4)};
    case 0xc1:
        return (piece){.kind = PIECE_BAD};
    default:
        return fetch_integer(cursor, head);
    }
}

/* PIECE_BAD where the bytes end too early or are nothing. */
static piece fetch_piece(tnd_cursor* cursor)
{
    uint8_t head = tnd_cursor_fetch_u8(cursor);
    piece found;

    if (head < 0x80) {
        found = (piece){.kind = PIECE_INTEGER, .number = head};
    } else if (head < 0x90) {
        found = (piece){.kind = PIECE_MAP, .number = head & 0x0fu};
    } else if (head < 0xa0) {
        found = (piece){.kind = PIECE_LIST, .number = head & 0x0fu};
    } else if (head < 0xc0) {
        found = fetch_str(cursor, head & 0x1fu);
    } else if (head < 0xe0) {
        found = fetch_wide(cursor, head);
    } else {
        found = (piece){.kind = PIECE_INTEGER, .number = (uint64_t)(int64_t)(int8_t)head};
    }
    return cursor->is_short ? (piece){.kind = PIECE_BAD} : found;
}

bool tnd_msgpack_measure(tnd_cursor* cursor, uint64_t* ret_values)
{
    size_t mark = tnd_cursor_mark(cursor);
    uint64_t due = 1; /* each is a byte at least */

    *ret_values = 0;
    while (due > 0 && due <= tnd_cursor_left(cursor)) {
        piece found = fetch_piece(cursor);
        due--;
        ++*ret_values;
        if (found.kind == PIECE_BAD) {
            break;
        }
        due += found.kind == PIECE_LIST ? found.number : 0;
        due += found.kind == PIECE_MAP ? 2 * found.number : 0;
        if (due == 0) {
            return true;
        }
    }
    tnd_cursor_rollback(cursor, mark);
    return false;
}

bool tnd_msgpack_skip(tnd_cursor* cursor)
{
    uint64_t values;

    return tnd_msgpack_measure(cursor, &values);
}

bool tnd_msgpack_list_is_safe(const void* bytes, size_t size)
{
    tnd_cursor cursor;

    tnd_cursor_init(&cursor, bytes, size);
    if (fetch_piece(&cursor).kind != PIECE_LIST) {
        return true;
    }
    piece first = fetch_piece(&cursor);
    return first.kind != PIECE_EXT || (first.ext_type & 0x11) != 0x10;
}

/* --- scalars --- */

static as_val* make_double(uint64_t bits)
{
    double number;

    memcpy(&number, &bits, sizeof(number));
    return (as_val*)as_double_new(number);
}

static as_val* make_float(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float number;

    memcpy(&number, &narrow, sizeof(number));
    return (as_val*)as_double_new(number);
}

static as_val* make_bytes(uint8_t type, char* copy, size_t size)
{
    as_bytes* bytes = as_bytes_new_wrap((uint8_t*)copy, (uint32_t)size, true);

    if (bytes) {
        as_bytes_set_type(bytes, (as_bytes_type)type);
    }
    return (as_val*)bytes;
}

/* A text, GeoJSON or bytes, by the first byte. */
static as_val* make_typed(const piece* str)
{
    uint8_t type = str->size > 0 ? str->bytes[0] : AS_BYTES_UNDEF;
    size_t size = str->size > 0 ? str->size - 1 : 0;
    char* copy = tnd_memdup_text(str->bytes + (str->size > 0), size);
    as_val* made;

    if (!copy) {
        return NULL;
    }
    switch (type) {
    case AS_BYTES_STRING:
        made = (as_val*)as_string_new_wlen(copy, size, true);
        break;
    case AS_BYTES_GEOJSON:
        made = (as_val*)as_geojson_new_wlen(copy, size, true);
        break;
    default:
        made = make_bytes(type, copy, size);
        break;
    }
    if (!made) {
        tnd_free(copy);
    }
    return made;
}

/* Infinity or wildcard, in any place. */
static bool ext_compares(const piece* ext)
{
    return ext->size == 1 && ext->ext_type == 0xff && ext->bytes[0] <= 1;
}

static as_val* make_ext(const piece* ext)
{
    if (ext_compares(ext)) {
        return (as_val*)(ext->bytes[0] == 0 ? &as_cmp_wildcard : &as_cmp_inf);
    }
    return (as_val*)&as_nil;
}

static as_val* make_scalar(const piece* found)
{
    switch (found->kind) {
    case PIECE_FALSE:
        return (as_val*)&as_false;
    case PIECE_TRUE:
        return (as_val*)&as_true;
    case PIECE_INTEGER:
        return (as_val*)as_integer_new((int64_t)found->number);
    case PIECE_FLOAT:
        return make_float(found->number);
    case PIECE_DOUBLE:
        return make_double(found->number);
    case PIECE_STR:
        return make_typed(found);
    case PIECE_EXT:
        return make_ext(found);
    default:
        return (as_val*)&as_nil;
    }
}

/* --- the walk --- */

typedef struct unpack_frame {
    as_arraylist* list; /* one of the two is open */
    as_orderedmap* map;
    uint32_t left; /* elements, or entries, that are due */
    as_val* key;   /* its value is due; ours until then */
} unpack_frame;

typedef struct unpacker {
    tnd_cursor* cursor;
    tnd_msgpack_outcome outcome;
    as_val* root;
    uint32_t depth;
    unpack_frame frames[TND_MSGPACK_DEPTH_MAX];
} unpacker;

static bool unpack_fail(unpacker* u, tnd_msgpack_outcome outcome)
{
    u->outcome = outcome;
    return false;
}

/* Puts a value where one is due. */
static bool unpack_put(unpacker* u, as_val* val)
{
    if (!val) {
        return unpack_fail(u, TND_MSGPACK_NO_MEMORY);
    }
    if (u->depth == 0) {
        u->root = val;
        return true;
    }
    unpack_frame* frame = &u->frames[u->depth - 1];
    if (frame->list) {
        frame->list->elements[frame->list->size++] = val; /* made with room for all */
        frame->left--;
    } else if (frame->key) {
        tnd_orderedmap_append(frame->map, frame->key, val);
        frame->key = NULL;
        frame->left--;
    } else if (tnd_orderedmap_is_key(val)) {
        frame->key = val;
    } else {
        as_val_destroy(val);
        return unpack_fail(u, TND_MSGPACK_UNSUPPORTED);
    }
    return true;
}

/* The extension that heads a list, if one does. */
static bool unpack_take_flags(unpacker* u, uint32_t* ret_flags)
{
    size_t mark = tnd_cursor_mark(u->cursor);
    piece first = fetch_piece(u->cursor);

    if (first.kind != PIECE_EXT || ext_compares(&first)) {
        tnd_cursor_rollback(u->cursor, mark);
        return false;
    }
    *ret_flags = first.ext_type;
    return true;
}

static bool unpack_push(unpacker* u, as_arraylist* list, as_orderedmap* map, uint32_t count)
{
    as_val* val = list ? (as_val*)list : (as_val*)map;

    if (!unpack_put(u, val)) {
        return false;
    }
    if (u->depth == TND_MSGPACK_DEPTH_MAX) {
        return unpack_fail(u, TND_MSGPACK_UNSUPPORTED);
    }
    u->frames[u->depth++] = (unpack_frame){.list = list, .map = map, .left = count};
    return true;
}

static bool unpack_list(unpacker* u, uint32_t count, uint32_t flags)
{
    as_arraylist* list = as_arraylist_new(count, LIST_BLOCK_SIZE);

    if (list) {
        list->_.flags = flags;
    }
    return unpack_push(u, list, NULL, count);
}

static bool unpack_open_list(unpacker* u, uint32_t count)
{
    uint32_t flags = 0;

    if (count > 0 && unpack_take_flags(u, &flags)) {
        count--;
    }
    return unpack_list(u, count, flags);
}

static bool unpack_open_map(unpacker* u, uint32_t count)
{
    uint32_t flags = 0;

    if (count > 0 && unpack_take_flags(u, &flags)) {
        tnd_msgpack_skip(u->cursor); /* its value, which means nothing */
        count--;
    }
    if (flags & FLAG_PRESERVE_ORDER) {
        return count > UINT32_MAX / 2 ? unpack_fail(u, TND_MSGPACK_UNSUPPORTED)
                                      : unpack_list(u, 2 * count, 0);
    }
    as_orderedmap* map = as_orderedmap_new(count);
    if (map) {
        as_orderedmap_set_flags(map, flags);
    }
    return unpack_push(u, NULL, map, count);
}

static bool unpack_next(unpacker* u)
{
    piece found = fetch_piece(u->cursor);
    bool is_key = u->depth > 0 && u->frames[u->depth - 1].map && !u->frames[u->depth - 1].key;

    switch (found.kind) {
    case PIECE_BAD:
        return unpack_fail(u, TND_MSGPACK_BAD);
    case PIECE_LIST:
    case PIECE_MAP:
        if (is_key) {
            return unpack_fail(u, TND_MSGPACK_UNSUPPORTED);
        }
        return found.kind == PIECE_LIST ? unpack_open_list(u, (uint32_t)found.number)
                                        : unpack_open_map(u, (uint32_t)found.number);
    default:
        return unpack_put(u, make_scalar(&found));
    }
}

/* Closes what is full. */
static void unpack_close(unpacker* u)
{
    while (u->depth > 0 && u->frames[u->depth - 1].left == 0) {
        if (u->frames[u->depth - 1].map) {
            tnd_orderedmap_seal(u->frames[u->depth - 1].map);
        }
        u->depth--;
    }
}

static void unpack_discard(unpacker* u)
{
    for (uint32_t i = 0; i < u->depth; i++) {
        as_val_destroy(u->frames[i].key);
    }
    as_val_destroy(u->root);
}

/* Of bytes that were found to be sound. */
static tnd_msgpack_outcome unpack_sound(tnd_cursor* cursor, as_val** ret_val)
{
    size_t mark = tnd_cursor_mark(cursor);
    unpacker u;

    u.cursor = cursor;
    u.outcome = TND_MSGPACK_OK;
    u.root = NULL;
    u.depth = 0; /* frames are filled when they are opened */
    bool is_ok;
    do {
        is_ok = unpack_next(&u);
        if (is_ok) {
            unpack_close(&u);
        }
    } while (is_ok && u.depth > 0);
    if (!is_ok) {
        unpack_discard(&u);
        tnd_cursor_rollback(cursor, mark);
        return u.outcome;
    }
    *ret_val = u.root;
    return TND_MSGPACK_OK;
}

tnd_msgpack_outcome tnd_msgpack_fetch(tnd_cursor* cursor, as_val** ret_val)
{
    size_t mark = tnd_cursor_mark(cursor);

    if (!tnd_msgpack_skip(cursor)) {
        return TND_MSGPACK_BAD;
    }
    tnd_cursor_rollback(cursor, mark);
    return unpack_sound(cursor, ret_val);
}

tnd_msgpack_outcome tnd_msgpack_unpack_within(const void* bytes, size_t size, uint64_t* values_left,
                                              as_val** ret_val)
{
    tnd_cursor cursor;
    uint64_t values;

    tnd_cursor_init(&cursor, bytes, size);
    if (!tnd_msgpack_measure(&cursor, &values) || !tnd_cursor_at_end(&cursor)) {
        return TND_MSGPACK_BAD;
    }
    if (values > *values_left) {
        return TND_MSGPACK_UNSUPPORTED;
    }
    *values_left -= values;
    tnd_cursor_rollback(&cursor, 0);
    return unpack_sound(&cursor, ret_val);
}

tnd_msgpack_outcome tnd_msgpack_unpack(const void* bytes, size_t size, as_val** ret_val)
{
    uint64_t any = UINT64_MAX;

    return tnd_msgpack_unpack_within(bytes, size, &any, ret_val);
}
