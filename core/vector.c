/*
 * as_vector: a growing array of items of one size.
 */
#include <aerospike/as_vector.h>

#include <aerospike/as_log_macros.h>

#include "core/mem.h"

static bool vector_grow(as_vector* vector, uint32_t capacity)
{
    size_t used = (size_t)vector->size * vector->item_size;
    void* list;

    /* item_size and capacity are 32 bits each: no overflow in a size_t of 64. */
    if (vector->flags & AS_VECTOR_HEAP_LIST) {
        list = tnd_realloc(vector->list, (size_t)capacity * vector->item_size);
    } else {
        list = tnd_malloc((size_t)capacity * vector->item_size);
        if (list && used > 0) {
            memcpy(list, vector->list, used);
        }
    }
    if (!list) {
        return false;
    }
    vector->list = list;
    vector->capacity = capacity;
    vector->flags |= AS_VECTOR_HEAP_LIST;
    return true;
}

void as_vector_init(as_vector* vector, uint32_t item_size, uint32_t capacity)
{
    vector->list = NULL;
    vector->capacity = 0;
    vector->size = 0;
    vector->item_size = item_size;
    vector->flags = 0;
    if (capacity > 0) {
        vector_grow(vector, capacity);
    }
}

as_vector* as_vector_create(uint32_t item_size, uint32_t capacity)
{
    as_vector* vector = tnd_malloc(sizeof(*vector));

    if (!vector) {
        return NULL;
    }
    as_vector_init(vector, item_size, capacity);
    if (vector->capacity < capacity) {
        tnd_free(vector);
        return NULL;
    }
    vector->flags |= AS_VECTOR_HEAP_SELF;
    return vector;
}

void as_vector_destroy(as_vector* vector)
{
    uint32_t flags;

    if (!vector) {
        return;
    }
    flags = vector->flags;
    if (flags & AS_VECTOR_HEAP_LIST) {
        tnd_free(vector->list);
    }
    vector->list = NULL;
    vector->capacity = 0;
    vector->size = 0;
    vector->flags = 0;
    if (flags & AS_VECTOR_HEAP_SELF) {
        tnd_free(vector);
    }
}

void as_vector_increase_capacity(as_vector* vector)
{
    uint32_t capacity = vector->capacity;

    if (capacity == 0) {
        capacity = 1;
    } else if (capacity <= UINT32_MAX / 2) {
        capacity *= 2;
    } else {
        return;
    }
    vector_grow(vector, capacity);
}

/* Address of a new item with undefined content; NULL without memory. */
static void* vector_add(as_vector* vector)
{
    if (vector->size >= vector->capacity) {
        as_vector_increase_capacity(vector);
        if (vector->size >= vector->capacity) {
            return NULL;
        }
    }
    return as_vector_get(vector, vector->size++);
}

void* as_vector_reserve(as_vector* vector)
{
    void* item = vector_add(vector);

    if (item) {
        memset(item, 0, vector->item_size);
    }
    return item;
}

static bool vector_append(as_vector* vector, const void* value)
{
    void* item = vector_add(vector);

    if (!item) {
        as_log_error("no memory for item %" PRIu32 " of a vector", vector->size);
        return false;
    }
    memcpy(item, value, vector->item_size);
    return true;
}

void as_vector_append(as_vector* vector, void* value)
{
    vector_append(vector, value);
}

bool as_vector_append_unique(as_vector* vector, void* value)
{
    for (uint32_t i = 0; i < vector->size; i++) {
        if (memcmp(as_vector_get(vector, i), value, vector->item_size) == 0) {
            return false;
        }
    }
    return vector_append(vector, value);
}

bool as_vector_remove(as_vector* vector, uint32_t index)
{
    uint8_t* item;

    if (index >= vector->size) {
        return false;
    }
    item = as_vector_get(vector, index);
    vector->size--;
    memmove(item, item + vector->item_size, (size_t)(vector->size - index) * vector->item_size);
    return true;
}

void* as_vector_to_array(as_vector* vector, uint32_t* size)
{
    size_t bytes = (size_t)vector->size * vector->item_size;
    void* array = bytes > 0 ? tnd_malloc(bytes) : NULL;

    *size = array ? vector->size : 0;
    return array ? memcpy(array, vector->list, bytes) : NULL;
}
