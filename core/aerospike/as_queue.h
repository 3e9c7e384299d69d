/**
 * A queue of items of one size in a ring, for one thread. Not a value: items are copied bytes.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of as_queue.flags; private. */

/** `data` is heap memory of the queue. */
#define AS_QUEUE_HEAP_DATA 1u
/** The struct itself came from as_queue_create(). */
#define AS_QUEUE_HEAP_SELF 2u

typedef struct as_queue_s {
    uint8_t* data;
    /** Items that fit without growth. */
    uint32_t capacity;
    /** Position of the first item; both only count up, the ring is of `capacity`. */
    uint32_t head;
    /** Position behind the last item. */
    uint32_t tail;
    /** Bytes per item. */
    uint32_t item_size;
    /** A count of the program's: as_queue_incr_total(). */
    uint32_t total;
    /** Private. */
    uint32_t flags;
} as_queue;

/** Room on the caller's stack; a push beyond it moves the items to the heap. Several statements. */
#define as_queue_inita(q, _item_size, _capacity)                                                   \
    (q)->data = (uint8_t*)alloca((size_t)(_item_size) * (size_t)(_capacity));                      \
    (q)->capacity = (uint32_t)(_capacity);                                                         \
    (q)->head = 0;                                                                                 \
    (q)->tail = 0;                                                                                 \
    (q)->item_size = (uint32_t)(_item_size);                                                       \
    (q)->total = 0;                                                                                \
    (q)->flags = 0;

/** An empty queue in the caller's struct; false without memory. `capacity` may be 0. */
AS_EXTERN bool as_queue_init(as_queue* queue, uint32_t item_size, uint32_t capacity);

/** The same on the heap; NULL without memory. as_queue_destroy() frees it. */
AS_EXTERN as_queue* as_queue_create(uint32_t item_size, uint32_t capacity);

/** Frees the items and, if created, the queue. */
AS_EXTERN void as_queue_destroy(as_queue* queue);

/** Number of items. */
static inline uint32_t as_queue_size(as_queue* queue)
{
    return queue->tail - queue->head;
}

/** Whether there is no item. */
static inline bool as_queue_empty(as_queue* queue)
{
    return queue->tail == queue->head;
}

/** Adds a copy of the item at `ptr` at the end, growing if need be; false without memory. */
AS_EXTERN bool as_queue_push(as_queue* queue, const void* ptr);

/** The same, but false when the capacity is used up. */
AS_EXTERN bool as_queue_push_limit(as_queue* queue, const void* ptr);

/** Adds a copy of the item at `ptr` in front, growing if need be; false without memory. */
AS_EXTERN bool as_queue_push_head(as_queue* queue, const void* ptr);

/** The same, but false when the capacity is used up. */
AS_EXTERN bool as_queue_push_head_limit(as_queue* queue, const void* ptr);

/** Address of the item at `index` from the front, good until the queue changes; NULL beyond. */
AS_EXTERN void* as_queue_get(as_queue* queue, uint32_t index);

/** Takes the first item into `ptr`; false if there is none. */
AS_EXTERN bool as_queue_pop(as_queue* queue, void* ptr);

/** Takes the last item into `ptr`; false if there is none. */
AS_EXTERN bool as_queue_pop_tail(as_queue* queue, void* ptr);

/** Counts `total` up unless it has reached the capacity; false then. */
static inline bool as_queue_incr_total(as_queue* queue)
{
    if (queue->total >= queue->capacity) {
        return false;
    }
    queue->total++;
    return true;
}

/** Counts `total` down. */
static inline void as_queue_decr_total(as_queue* queue)
{
    queue->total--;
}

#ifdef __cplusplus
}
#endif
