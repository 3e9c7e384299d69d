/**
 * Bytes on the heap, filled by a serializer.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_buffer_s {
    uint32_t capacity;
    /** Bytes in use. */
    uint32_t size;
    uint8_t* data;
} as_buffer;

/** An empty buffer; 0. */
static inline int as_buffer_init(as_buffer* buffer)
{
    buffer->capacity = 0;
    buffer->size = 0;
    buffer->data = NULL;
    return 0;
}

/** Frees the bytes. The buffer is empty afterwards. */
static inline void as_buffer_destroy(as_buffer* buffer)
{
    if (buffer) {
        free(buffer->data);
        as_buffer_init(buffer);
    }
}

#ifdef __cplusplus
}
#endif
