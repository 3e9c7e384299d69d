/*
 * as_msgpack_serializer: values to bytes and back, for programs.
 */
#include <aerospike/as_msgpack_serializer.h>

#include <string.h>

#include "core/mem.h"
#include "core/msgpack.h"

/* The size of a value's form; 0 if it has none. */
static uint32_t packed_size(const as_val* val)
{
    uint64_t size;
    const char* reason;

    return tnd_msgpack_size(val, true, &size, &reason) && size <= INT32_MAX ? (uint32_t)size : 0;
}

static int serialize(as_serializer* serializer, as_val* val, as_buffer* buffer)
{
    uint32_t size = packed_size(val);
    tnd_buf packed;

    (void)serializer;
    tnd_buf_init(&packed, size);
    if (size == 0 || !tnd_buf_reserve(&packed, size)) {
        return 1;
    }
    tnd_msgpack_append(&packed, val);
    buffer->data = packed.data; /* malloc memory, the buffer's from here on */
    buffer->size = size;
    buffer->capacity = (uint32_t)packed.capacity;
    return 0;
}

static int32_t serialize_presized(as_serializer* serializer, const as_val* val, uint8_t* buf)
{
    as_buffer packed;

    as_buffer_init(&packed);
    if (serialize(serializer, (as_val*)val, &packed) != 0) {
        return -1;
    }
    memcpy(buf, packed.data, packed.size);
    int32_t size = (int32_t)packed.size;
    as_buffer_destroy(&packed);
    return size;
}

static int deserialize(as_serializer* serializer, as_buffer* buffer, as_val** val)
{
    (void)serializer;
    return tnd_msgpack_unpack(buffer->data, buffer->size, val) == TND_MSGPACK_OK ? 0 : 1;
}

static uint32_t serialize_getsize(as_serializer* serializer, as_val* val)
{
    (void)serializer;
    return packed_size(val);
}

static const as_serializer_hooks msgpack_hooks = {
    .serialize = serialize,
    .serialize_presized = serialize_presized,
    .deserialize = deserialize,
    .serialize_getsize = serialize_getsize,
};

void as_serializer_destroy(as_serializer* serializer)
{
    as_util_hook_ret_void(destroy, serializer);
    if (serializer && serializer->free) {
        tnd_free(serializer);
    }
}

as_serializer* as_msgpack_new(void)
{
    return as_serializer_cons(tnd_malloc(sizeof(as_serializer)), true, &msgpack_hooks);
}

as_serializer* as_msgpack_init(as_serializer* serializer)
{
    return as_serializer_cons(serializer, false, &msgpack_hooks);
}
