/*
 * Values to msgpack. One walk serves both calls: into a buffer, or only adding up the size. What is
 * open is kept on a stack of its own, a frame for each list or map.
 */
#include "core/msgpack.h"

#include <assert.h>
#include <string.h>

#include <aerospike/as_boolean.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_double.h>
#include <aerospike/as_geojson.h>
#include <aerospike/as_integer.h>
#include <aerospike/as_list.h>
#include <aerospike/as_map_iterator.h>
#include <aerospike/as_msgpack.h>
#include <aerospike/as_nil.h>
#include <aerospike/as_pair.h>
#include <aerospike/as_string.h>

#include "core/orderedmap.h"

/* --- pieces --- */

/* A head byte and `width` bytes of a number. */
static size_t put_wide(uint8_t* bytes, uint8_t head, uint64_t value, size_t width)
{
    bytes[0] = head;
    for (size_t i = 0; i < width; i++) {
        bytes[1 + i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
    return 1 + width;
}

static size_t put_byte(uint8_t* bytes, uint8_t head)
{
    bytes[0] = head;
    return 1;
}

size_t tnd_msgpack_uint(uint8_t* ret_bytes, uint64_t value)
{
    if (value < 0x80) {
        return put_byte(ret_bytes, (uint8_t)value);
    }
    if (value <= UINT8_MAX) {
        return put_wide(ret_bytes, 0xcc, value, 1);
    }
    if (value <= UINT16_MAX) {
        return put_wide(ret_bytes, 0xcd, value, 2);
    }
    if (value <= UINT32_MAX) {
        return put_wide(ret_bytes, 0xce, value, 4);
    }
    return put_wide(ret_bytes, 0xcf, value, 8);
}

size_t tnd_msgpack_int(uint8_t* ret_bytes, int64_t value)
{
    if (value >= 0) {
        return tnd_msgpack_uint(ret_bytes, (uint64_t)value);
    }
    if (value >= -32) {
        return put_byte(ret_bytes, (uint8_t)value);
    }
    if (value >= INT8_MIN) {
        return put_wide(ret_bytes, 0xd0, (uint64_t)value, 1);
    }
    if (value >= INT16_MIN) {
        return put_wide(ret_bytes, 0xd1, (uint64_t)value, 2);
    }
    if (value >= INT32_MIN) {
        return put_wide(ret_bytes, 0xd2, (uint64_t)value, 4);
    }
    return put_wide(ret_bytes, 0xd3, (uint64_t)value, 8);
}

static size_t put_container(uint8_t* bytes, uint8_t fix, uint8_t wide, uint32_t count)
{
    if (count < 16) {
        return put_byte(bytes, (uint8_t)(fix | count));
    }
    if (count <= UINT16_MAX) {
        return put_wide(bytes, wide, count, 2);
    }
    return put_wide(bytes, (uint8_t)(wide + 1), count, 4);
}

size_t tnd_msgpack_list_head(uint8_t* ret_bytes, uint32_t count)
{
    return put_container(ret_bytes, 0x90, 0xdc, count);
}

size_t tnd_msgpack_map_head(uint8_t* ret_bytes, uint32_t count)
{
    return put_container(ret_bytes, 0x80, 0xde, count);
}

size_t tnd_msgpack_str_head(uint8_t* ret_bytes, uint32_t size)
{
    if (size < 32) {
        return put_byte(ret_bytes, (uint8_t)(0xa0 | size));
    }
    if (size <= UINT8_MAX) {
        return put_wide(ret_bytes, 0xd9, size, 1);
    }
    if (size <= UINT16_MAX) {
        return put_wide(ret_bytes, 0xda, size, 2);
    }
    return put_wide(ret_bytes, 0xdb, size, 4);
}

size_t tnd_msgpack_ext_head(uint8_t* ret_bytes, uint32_t size, uint8_t type)
{
    static const uint8_t fixed[17] = {[1] = 0xd4, [2] = 0xd5, [4] = 0xd6, [8] = 0xd7, [16] = 0xd8};
    size_t used;

    if (size <= 16 && fixed[size]) {
        used = put_byte(ret_bytes, fixed[size]);
    } else if (size <= UINT8_MAX) {
        used = put_wide(ret_bytes, 0xc7, size, 1);
    } else if (size <= UINT16_MAX) {
        used = put_wide(ret_bytes, 0xc8, size, 2);
    } else {
        used = put_wide(ret_bytes, 0xc9, size, 4);
    }
    ret_bytes[used] = type;
    return used + 1;
}

void tnd_msgpack_append_int(tnd_buf* buf, int64_t value)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    tnd_buf_append_bytes(buf, bytes, tnd_msgpack_int(bytes, value));
}

void tnd_msgpack_append_uint(tnd_buf* buf, uint64_t value)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    tnd_buf_append_bytes(buf, bytes, tnd_msgpack_uint(bytes, value));
}

void tnd_msgpack_append_list_head(tnd_buf* buf, uint32_t count)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    tnd_buf_append_bytes(buf, bytes, tnd_msgpack_list_head(bytes, count));
}

/* --- the walk --- */

typedef struct pack_frame {
    const as_val* container; /* a list, a map or a pair */
    uint32_t next;           /* element, or entry */
    uint32_t count;
    const as_val* value;      /* of the entry whose key came last; NULL: a key is due */
    as_map_iterator iterator; /* of a map */
} pack_frame;

typedef struct packer {
    tnd_buf* buf; /* NULL: the size alone */
    uint64_t size;
    bool may_compare;
    const char* reason; /* the walk has failed */
    uint32_t depth;
    pack_frame frames[TND_MSGPACK_DEPTH_MAX];
} packer;

static bool pack_fail(packer* p, const char* reason)
{
    p->reason = reason;
    return false;
}

static void pack_bytes(packer* p, const void* bytes, size_t size)
{
    p->size += size;
    if (p->buf) {
        tnd_buf_append_bytes(p->buf, bytes, size);
    }
}

static bool pack_typed(packer* p, uint8_t type, const void* bytes, size_t size)
{
    uint8_t head[TND_MSGPACK_HEAD_BYTES_MAX];

    if (size >= INT32_MAX) {
        return pack_fail(p, "a text or bytes of 2 GiB or more");
    }
    pack_bytes(p, head, tnd_msgpack_str_head(head, (uint32_t)size + 1));
    pack_bytes(p, &type, 1);
    pack_bytes(p, bytes, size);
    return true;
}

static bool pack_text(packer* p, uint8_t type, const as_string* text)
{
    size_t size = !text->value ? 0 : text->len == SIZE_MAX ? strlen(text->value) : text->len;

    return pack_typed(p, type, text->value, size);
}

static bool pack_as_bytes(packer* p, const as_bytes* bytes)
{
    switch (bytes->type) {
    case AS_BYTES_STRING:
    case AS_BYTES_BLOB:
    case AS_BYTES_JAVA:
    case AS_BYTES_CSHARP:
    case AS_BYTES_PYTHON:
    case AS_BYTES_RUBY:
    case AS_BYTES_PHP:
    case AS_BYTES_ERLANG:
    case AS_BYTES_VECTOR:
    case AS_BYTES_HLL:
    case AS_BYTES_GEOJSON:
        return pack_typed(p, (uint8_t)bytes->type, bytes->value, bytes->value ? bytes->size : 0);
    default:
        return pack_fail(p, "bytes of a type that elements of lists and maps can't have");
    }
}

static void pack_double(packer* p, double number)
{
    uint64_t bits;
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];

    memcpy(&bits, &number, sizeof(bits));
    pack_bytes(p, bytes, put_wide(bytes, 0xcb, bits, 8));
}

static bool pack_compare(packer* p, uint8_t which)
{
    const uint8_t bytes[] = {0xd4, 0xff, which};

    if (!p->may_compare) {
        return pack_fail(p, "infinity and wildcard can be compared with, but not stored");
    }
    pack_bytes(p, bytes, sizeof(bytes));
    return true;
}

/* The head of a list or map, whose elements are due from here on. */
static bool pack_open(packer* p, const as_val* val, uint32_t count)
{
    pack_frame* frame;
    uint8_t head[TND_MSGPACK_HEAD_BYTES_MAX];

    if (p->depth == TND_MSGPACK_DEPTH_MAX) {
        return pack_fail(p, "more than 256 lists and maps within each other");
    }
    frame = &p->frames[p->depth++];
    frame->container = val;
    frame->next = 0;
    frame->count = count;
    frame->value = NULL;
    if (as_val_type(val) != AS_MAP) {
        pack_bytes(p, head, tnd_msgpack_list_head(head, count));
        return true;
    }
    const as_map* map = (const as_map*)val;
    uint8_t flags = (uint8_t)(map->flags & AS_MAP_FLAGS_MASK);
    if (count > 0 && !as_map_iterator_init(&frame->iterator, map)) {
        return pack_fail(p, "a map that can't be iterated over");
    }
    pack_bytes(p, head, tnd_msgpack_map_head(head, count + (flags != 0)));
    if (flags != 0) {
        const uint8_t meta[] = {0xc7, 0x00, (uint8_t)(flags | 1), 0xc0};
        pack_bytes(p, meta, sizeof(meta));
    }
    return true;
}

static bool pack_value(packer* p, const as_val* val)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];

    switch (as_val_type(val)) {
    case AS_UNDEF:
        if (val) {
            return pack_fail(p, "a value without a type");
        }
        /* fall through */
    case AS_NIL:
        pack_bytes(p, bytes, put_byte(bytes, 0xc0));
        return true;
    case AS_BOOLEAN:
        pack_bytes(p, bytes, put_byte(bytes, ((const as_boolean*)val)->value ? 0xc3 : 0xc2));
        return true;
    case AS_INTEGER:
        pack_bytes(p, bytes, tnd_msgpack_int(bytes, ((const as_integer*)val)->value));
        return true;
    case AS_DOUBLE:
        pack_double(p, ((const as_double*)val)->value);
        return true;
    case AS_STRING:
        return pack_text(p, AS_BYTES_STRING, (const as_string*)val);
    case AS_GEOJSON:
        return pack_text(p, AS_BYTES_GEOJSON, (const as_string*)val);
    case AS_BYTES:
        return pack_as_bytes(p, (const as_bytes*)val);
    case AS_LIST:
        return pack_open(p, val, as_list_size((const as_list*)val));
    case AS_MAP:
        return pack_open(p, val, as_map_size((const as_map*)val));
    case AS_PAIR:
        return pack_open(p, val, 2);
    case AS_CMP_WILDCARD:
        return pack_compare(p, 0);
    case AS_CMP_INF:
        return pack_compare(p, 1);
    default:
        return pack_fail(p, "a value of a type that lists and maps can't hold");
    }
}

/* The key of the next entry; its value is due after it. */
static bool pack_key(packer* p, pack_frame* frame)
{
    as_pair* pair = (as_pair*)as_iterator_next((as_iterator*)&frame->iterator);

    if (!pair) {
        return pack_fail(p, "a map with fewer entries than it says");
    }
    if (!tnd_orderedmap_is_key(pair->_1)) {
        return pack_fail(p, "a map's key must be an integer, a text or a blob");
    }
    frame->value = pair->_2 ? pair->_2 : &as_nil;
    return pack_value(p, pair->_1);
}

/* What is due in the innermost container. */
static bool pack_next(packer* p)
{
    pack_frame* frame = &p->frames[p->depth - 1];
    const as_val* val;

    if (frame->value) {
        val = frame->value;
        frame->value = NULL;
        return pack_value(p, val);
    }
    if (frame->next == frame->count) {
        p->depth--;
        return true;
    }
    uint32_t i = frame->next++;
    switch (as_val_type(frame->container)) {
    case AS_MAP:
        return pack_key(p, frame);
    case AS_LIST:
        return pack_value(p, as_list_get((const as_list*)frame->container, i));
    default: {
        as_pair* pair = (as_pair*)frame->container;
        return pack_value(p, i == 0 ? as_pair_1(pair) : as_pair_2(pair));
    }
    }
}

static bool pack_walk(packer* p, const as_val* val)
{
    bool is_ok = pack_value(p, val);

    while (is_ok && p->depth > 0) {
        is_ok = pack_next(p);
    }
    return is_ok;
}

static void packer_init(packer* p, tnd_buf* buf, bool may_compare)
{
    p->buf = buf;
    p->size = 0;
    p->may_compare = may_compare;
    p->reason = NULL;
    p->depth = 0; /* frames are filled when they are opened */
}

bool tnd_msgpack_size(const as_val* val, bool may_compare, uint64_t* ret_bytes,
                      const char** ret_reason)
{
    packer p;

    packer_init(&p, NULL, may_compare);
    if (!pack_walk(&p, val)) {
        *ret_reason = p.reason;
        return false;
    }
    *ret_bytes = p.size;
    return true;
}

void tnd_msgpack_append(tnd_buf* buf, const as_val* val)
{
    packer p;

    packer_init(&p, buf, true);
    bool is_ok = pack_walk(&p, val);
    assert(is_ok); /* tnd_msgpack_size() has seen to it */
    (void)is_ok;
}

/* --- the public pieces --- */

int as_pack_append(as_packer* pk, const unsigned char* buf, uint32_t sz)
{
    if (pk->buffer) {
        if (pk->offset > pk->capacity || sz > pk->capacity - pk->offset) {
            return -1;
        }
        if (sz > 0) {
            memcpy(pk->buffer + pk->offset, buf, sz);
        }
    }
    pk->offset += sz;
    return 0;
}

int as_pack_nil(as_packer* pk)
{
    return as_pack_append(pk, (const unsigned char*)"\xc0", 1);
}

int as_pack_int64(as_packer* pk, int64_t val)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    return as_pack_append(pk, bytes, (uint32_t)tnd_msgpack_int(bytes, val));
}

int as_pack_list_header(as_packer* pk, uint32_t ele_count)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    return as_pack_append(pk, bytes, (uint32_t)tnd_msgpack_list_head(bytes, ele_count));
}

int as_pack_map_header(as_packer* pk, uint32_t ele_count)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    return as_pack_append(pk, bytes, (uint32_t)tnd_msgpack_map_head(bytes, ele_count));
}

int as_pack_ext_header(as_packer* pk, uint32_t content_size, uint8_t type)
{
    uint8_t bytes[TND_MSGPACK_HEAD_BYTES_MAX];
    return as_pack_append(pk, bytes, (uint32_t)tnd_msgpack_ext_head(bytes, content_size, type));
}
