/*
 * as_queue: a ring of items of one size. Positions count up and are brought back below the capacity
 * whenever the first one reaches it, so that they never overflow.
 */
#include <aerospike/as_queue.h>

#include <string.h>

#include "core/mem.h"

static uint8_t* queue_at(const as_queue* queue, uint32_t position)
{
    return queue->data + (size_t)(position % queue->capacity) * queue->item_size;
}

bool as_queue_init(as_queue* queue, uint32_t item_size, uint32_t capacity)
{
    memset(queue, 0, sizeof(*queue));
    queue->item_size = item_size;
    queue->data = capacity > 0 ? tnd_malloc((size_t)capacity * item_size) : NULL;
    if (capacity > 0 && !queue->data) {
        return false;
    }
    queue->capacity = capacity;
    queue->flags = AS_QUEUE_HEAP_DATA;
    return true;
}

as_queue* as_queue_create(uint32_t item_size, uint32_t capacity)
{
    as_queue* queue = tnd_malloc(sizeof(*queue));

    if (queue && !as_queue_init(queue, item_size, capacity)) {
        tnd_free(queue);
        return NULL;
    }
    if (queue) {
        queue->flags |= AS_QUEUE_HEAP_SELF;
    }
    return queue;
}

void as_queue_destroy(as_queue* queue)
{
    uint32_t flags;

    if (!queue) {
        return;
    }
    flags = queue->flags;
    if (flags & AS_QUEUE_HEAP_DATA) {
        tnd_free(queue->data);
    }
    memset(queue, 0, sizeof(*queue));
    if (flags & AS_QUEUE_HEAP_SELF) {
        tnd_free(queue);
    }
}

/* A larger ring with the items from its start on. */
static bool queue_grow(as_queue* queue)
{
    uint32_t size = as_queue_size(queue);
    uint64_t capacity = queue->capacity < 8 ? 16 : (uint64_t)queue->capacity * 2;
    uint8_t* data =
        capacity < UINT32_MAX / 2 ? tnd_malloc((size_t)capacity * queue->item_size) : NULL;
    if (!data) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        memcpy(data + (size_t)i * queue->item_size, queue_at(queue, queue->head + i),
               queue->item_size);
    }
    if (queue->flags & AS_QUEUE_HEAP_DATA) {
        tnd_free(queue->data);
    }
    queue->data = data;
    queue->capacity = (uint32_t)capacity;
    queue->head = 0;
    queue->tail = size;
    queue->flags |= AS_QUEUE_HEAP_DATA;
    return true;
}

static bool queue_is_full(const as_queue* queue)
{
    return queue->tail - queue->head >= queue->capacity;
}

bool as_queue_push_limit(as_queue* queue, const void* ptr)
{
    if (queue_is_full(queue)) {
        return false;
    }
    memcpy(queue_at(queue, queue->tail), ptr, queue->item_size);
    queue->tail++;
    return true;
}

bool as_queue_push(as_queue* queue, const void* ptr)
{
    return (!queue_is_full(queue) || queue_grow(queue)) && as_queue_push_limit(queue, ptr);
}

bool as_queue_push_head_limit(as_queue* queue, const void* ptr)
{
    if (queue_is_full(queue)) {
        return false;
    }
    if (queue->head == 0) {
        queue->head += queue->capacity;
        queue->tail += queue->capacity;
    }
    queue->head--;
    memcpy(queue_at(queue, queue->head), ptr, queue->item_size);
    return true;
}

bool as_queue_push_head(as_queue* queue, const void* ptr)
{
    return (!queue_is_full(queue) || queue_grow(queue)) && as_queue_push_head_limit(queue, ptr);
}

void* as_queue_get(as_queue* queue, uint32_t index)
{
    return index < as_queue_size(queue) ? queue_at(queue, queue->head + index) : NULL;
}

bool as_queue_pop(as_queue* queue, void* ptr)
{
    if (as_queue_empty(queue)) {
        return false;
    }
    memcpy(ptr, queue_at(queue, queue->head), queue->item_size);
    queue->head++;
    if (queue->head >= queue->capacity) {
        queue->head -= queue->capacity;
        queue->tail -= queue->capacity;
    }
    return true;
}

bool as_queue_pop_tail(as_queue* queue, void* ptr)
{
    if (as_queue_empty(queue)) {
        return false;
    }
    queue->tail--;
    memcpy(ptr, queue_at(queue, queue->tail), queue->item_size);
    return true;
}
