/*
 * as_arraylist: a growing array of values, and its iterator.
 */
#include <aerospike/as_arraylist.h>

#include <assert.h>
#include <string.h>

#include <aerospike/as_arraylist_iterator.h>
#include <aerospike/as_list_iterator.h>
#include <aerospike/as_nil.h>

#include "core/mem.h"

static const as_list_hooks arraylist_hooks;

/* --- making and unmaking --- */

static as_arraylist* arraylist_fill(as_arraylist* list, bool on_heap, uint32_t capacity,
                                    uint32_t block_size)
{
    as_list_cons(&list->_, on_heap, &arraylist_hooks);
    list->block_size = block_size;
    list->size = 0;
    list->elements = capacity > 0 ? tnd_malloc((size_t)capacity * sizeof(as_val*)) : NULL;
    list->capacity = list->elements ? capacity : 0;
    list->free = list->elements;
    return list;
}

as_arraylist* as_arraylist_init(as_arraylist* list, uint32_t capacity, uint32_t block_size)
{
    return list ? arraylist_fill(list, false, capacity, block_size) : NULL;
}

as_arraylist* as_arraylist_new(uint32_t capacity, uint32_t block_size)
{
    as_arraylist* list = tnd_malloc(sizeof(*list));

    if (!list) {
        return NULL;
    }
    arraylist_fill(list, true, capacity, block_size);
    if (list->capacity < capacity) {
        tnd_free(list);
        return NULL;
    }
    return list;
}

static bool arraylist_release(as_list* base)
{
    as_arraylist* list = (as_arraylist*)base;

    for (uint32_t i = 0; i < list->size; i++) {
        as_val_destroy(list->elements[i]);
    }
    if (list->free) {
        tnd_free(list->elements);
    }
    list->elements = NULL;
    list->size = 0;
    list->capacity = 0;
    list->free = false;
    return true;
}

/* Room for `count` more elements. */
static int arraylist_grow(as_arraylist* list, uint64_t count)
{
    uint64_t needed = list->size + count;
    as_val** elements;

    if (needed <= list->capacity) {
        return AS_ARRAYLIST_OK;
    }
    if (list->block_size == 0) {
        return AS_ARRAYLIST_ERR_MAX;
    }
    /* Half as much again, so that many small blocks don't make appending quadratic. */
    uint64_t more = list->capacity / 2 > list->block_size ? list->capacity / 2 : list->block_size;
    uint64_t capacity = needed + more;
    if (capacity > UINT32_MAX) {
        return AS_ARRAYLIST_ERR_ALLOC;
    }
    if (list->free) {
        elements = tnd_realloc(list->elements, (size_t)capacity * sizeof(as_val*));
    } else {
        elements = tnd_malloc((size_t)capacity * sizeof(as_val*));
        if (elements && list->size > 0) {
            memcpy(elements, list->elements, (size_t)list->size * sizeof(as_val*));
        }
    }
    if (!elements) {
        return AS_ARRAYLIST_ERR_ALLOC;
    }
    list->elements = elements;
    list->capacity = (uint32_t)capacity;
    list->free = true;
    return AS_ARRAYLIST_OK;
}

/* --- reading --- */

uint32_t as_arraylist_hashcode(const as_arraylist* list)
{
    (void)list;
    return 0;
}

uint32_t as_arraylist_size(const as_arraylist* list)
{
    return list ? list->size : 0;
}

as_val* as_arraylist_get(const as_arraylist* list, uint32_t i)
{
    return list && i < list->size ? list->elements[i] : NULL;
}

int64_t as_arraylist_get_int64(const as_arraylist* list, uint32_t i)
{
    return as_integer_getorelse(as_arraylist_get_integer(list, i), 0);
}

double as_arraylist_get_double(const as_arraylist* list, uint32_t i)
{
    return as_double_getorelse(as_arraylist_get_as_double(list, i), 0.0);
}

char* as_arraylist_get_str(const as_arraylist* list, uint32_t i)
{
    return as_string_getorelse(as_arraylist_get_string(list, i), NULL);
}

as_val* as_arraylist_head(const as_arraylist* list)
{
    return as_arraylist_get(list, 0);
}

/* A heap list that shares `count` elements from `first` on. */
static as_arraylist* arraylist_slice(const as_arraylist* list, uint32_t first, uint32_t count)
{
    as_arraylist* slice = as_arraylist_new(count, list->block_size);

    if (slice) {
        for (uint32_t i = 0; i < count; i++) {
            slice->elements[i] = as_val_reserve(list->elements[first + i]);
        }
        slice->size = count;
    }
    return slice;
}

as_arraylist* as_arraylist_drop(const as_arraylist* list, uint32_t n)
{
    uint32_t first;

    if (!list) {
        return NULL;
    }
    first = n < list->size ? n : list->size;
    return arraylist_slice(list, first, list->size - first);
}

as_arraylist* as_arraylist_tail(const as_arraylist* list)
{
    return as_arraylist_drop(list, 1);
}

as_arraylist* as_arraylist_take(const as_arraylist* list, uint32_t n)
{
    return list ? arraylist_slice(list, 0, n < list->size ? n : list->size) : NULL;
}

bool as_arraylist_foreach(const as_arraylist* list, as_list_foreach_callback callback, void* udata)
{
    if (!list) {
        return false;
    }
    for (uint32_t i = 0; i < list->size; i++) {
        if (!callback(list->elements[i], udata)) {
            return false;
        }
    }
    return true;
}

/* --- changing --- */

/* Makes room for one element at `i`, after a gap of nil. */
static int arraylist_open(as_arraylist* list, uint32_t i)
{
    uint64_t gap = i > list->size ? i - (uint64_t)list->size : 0;
    int result = arraylist_grow(list, gap + 1);

    if (result != AS_ARRAYLIST_OK) {
        return result;
    }
    while (list->size < i) {
        list->elements[list->size++] = (as_val*)&as_nil;
    }
    memmove(list->elements + i + 1, list->elements + i, (size_t)(list->size - i) * sizeof(as_val*));
    list->size++;
    return AS_ARRAYLIST_OK;
}

int as_arraylist_insert(as_arraylist* list, uint32_t i, as_val* value)
{
    int result = arraylist_open(list, i);

    if (result == AS_ARRAYLIST_OK) {
        list->elements[i] = value ? value : (as_val*)&as_nil;
    }
    return result;
}

int as_arraylist_set(as_arraylist* list, uint32_t i, as_val* value)
{
    if (i >= list->size) {
        return as_arraylist_insert(list, i, value);
    }
    as_val_destroy(list->elements[i]);
    list->elements[i] = value ? value : (as_val*)&as_nil;
    return AS_ARRAYLIST_OK;
}

int as_arraylist_append(as_arraylist* list, as_val* value)
{
    return as_arraylist_insert(list, list->size, value);
}

int as_arraylist_prepend(as_arraylist* list, as_val* value)
{
    return as_arraylist_insert(list, 0, value);
}

int as_arraylist_concat(as_arraylist* list, const as_arraylist* list2)
{
    uint32_t count = as_arraylist_size(list2);
    int result = arraylist_grow(list, count);

    if (result != AS_ARRAYLIST_OK) {
        return result;
    }
    for (uint32_t i = 0; i < count; i++) {
        list->elements[list->size++] = as_val_reserve(list2->elements[i]);
    }
    return AS_ARRAYLIST_OK;
}

int as_arraylist_trim(as_arraylist* list, uint32_t index)
{
    if (index >= list->size) {
        return AS_ARRAYLIST_ERR_INDEX;
    }
    while (list->size > index) {
        as_val_destroy(list->elements[--list->size]);
    }
    return AS_ARRAYLIST_OK;
}

int as_arraylist_remove(as_arraylist* list, uint32_t index)
{
    if (index >= list->size) {
        return AS_ARRAYLIST_ERR_INDEX;
    }
    as_val_destroy(list->elements[index]);
    list->size--;
    memmove(list->elements + index, list->elements + index + 1,
            (size_t)(list->size - index) * sizeof(as_val*));
    return AS_ARRAYLIST_OK;
}

/* --- values made here --- */

typedef enum arraylist_verb {
    VERB_SET,
    VERB_INSERT,
    VERB_APPEND,
    VERB_PREPEND,
} arraylist_verb;

/* Puts in a value that was made for it, or destroys it. */
static int arraylist_give(as_arraylist* list, arraylist_verb verb, uint32_t i, as_val* value)
{
    int result = AS_ARRAYLIST_ERR_ALLOC;

    if (!value) {
        return AS_ARRAYLIST_ERR_ALLOC;
    }
    switch (verb) {
    case VERB_SET:
        result = as_arraylist_set(list, i, value);
        break;
    case VERB_INSERT:
        result = as_arraylist_insert(list, i, value);
        break;
    case VERB_APPEND:
        result = as_arraylist_append(list, value);
        break;
    case VERB_PREPEND:
        result = as_arraylist_prepend(list, value);
        break;
    }
    if (result != AS_ARRAYLIST_OK) {
        as_val_destroy(value);
    }
    return result;
}

#define NEW_INT64(value) ((as_val*)as_integer_new(value))
#define NEW_DOUBLE(value) ((as_val*)as_double_new(value))
#define NEW_STR(value) ((as_val*)as_string_new_strdup(value))

#define AT_INDEX(name, verb, type, make)                                                           \
    int as_arraylist_##name(as_arraylist* list, uint32_t i, type value)                            \
    {                                                                                              \
        return arraylist_give(list, verb, i, make(value));                                         \
    }
#define AT_END(name, verb, type, make)                                                             \
    int as_arraylist_##name(as_arraylist* list, type value)                                        \
    {                                                                                              \
        return arraylist_give(list, verb, 0, make(value));                                         \
    }

AT_INDEX(set_int64, VERB_SET, int64_t, NEW_INT64)
AT_INDEX(set_double, VERB_SET, double, NEW_DOUBLE)
AT_INDEX(set_str, VERB_SET, const char*, NEW_STR)
AT_INDEX(insert_int64, VERB_INSERT, int64_t, NEW_INT64)
AT_INDEX(insert_double, VERB_INSERT, double, NEW_DOUBLE)
AT_INDEX(insert_str, VERB_INSERT, const char*, NEW_STR)
AT_END(append_int64, VERB_APPEND, int64_t, NEW_INT64)
AT_END(append_double, VERB_APPEND, double, NEW_DOUBLE)
AT_END(append_str, VERB_APPEND, const char*, NEW_STR)
AT_END(prepend_int64, VERB_PREPEND, int64_t, NEW_INT64)
AT_END(prepend_double, VERB_PREPEND, double, NEW_DOUBLE)
AT_END(prepend_str, VERB_PREPEND, const char*, NEW_STR)

/* --- the iterator --- */

static bool iterator_hook_has_next(const as_iterator* iterator)
{
    return as_arraylist_iterator_has_next((const as_arraylist_iterator*)iterator);
}

static const as_val* iterator_hook_next(as_iterator* iterator)
{
    return as_arraylist_iterator_next((as_arraylist_iterator*)iterator);
}

static const as_iterator_hooks iterator_hooks = {
    .has_next = iterator_hook_has_next,
    .next = iterator_hook_next,
};

static as_arraylist_iterator* iterator_fill(as_arraylist_iterator* iterator, bool on_heap,
                                            const as_arraylist* list)
{
    if (iterator) {
        as_iterator_init(&iterator->_, on_heap, NULL, &iterator_hooks);
        iterator->list = list;
        iterator->pos = 0;
    }
    return iterator;
}

as_arraylist_iterator* as_arraylist_iterator_init(as_arraylist_iterator* iterator,
                                                  const as_arraylist* list)
{
    return iterator_fill(iterator, false, list);
}

as_arraylist_iterator* as_arraylist_iterator_new(const as_arraylist* list)
{
    return iterator_fill(tnd_malloc(sizeof(as_arraylist_iterator)), true, list);
}

void as_arraylist_iterator_destroy(as_arraylist_iterator* iterator)
{
    as_iterator_destroy((as_iterator*)iterator);
}

bool as_arraylist_iterator_has_next(const as_arraylist_iterator* iterator)
{
    return iterator && iterator->pos < as_arraylist_size(iterator->list);
}

const as_val* as_arraylist_iterator_next(as_arraylist_iterator* iterator)
{
    if (!as_arraylist_iterator_has_next(iterator)) {
        return NULL;
    }
    return iterator->list->elements[iterator->pos++];
}

/* --- the interface: an as_arraylist starts with its as_list --- */

static uint32_t hook_hashcode(as_list* list)
{
    return as_arraylist_hashcode((const as_arraylist*)list);
}

static uint32_t hook_size(const as_list* list)
{
    return as_arraylist_size((const as_arraylist*)list);
}

static as_val* hook_head(const as_list* list)
{
    return as_arraylist_head((const as_arraylist*)list);
}

static as_list* hook_tail(const as_list* list)
{
    return (as_list*)as_arraylist_tail((const as_arraylist*)list);
}

static bool hook_foreach(const as_list* list, as_list_foreach_callback callback, void* udata)
{
    return as_arraylist_foreach((const as_arraylist*)list, callback, udata);
}

static union as_list_iterator_u* hook_iterator_new(const as_list* list)
{
    return (as_list_iterator*)as_arraylist_iterator_new((const as_arraylist*)list);
}

static union as_list_iterator_u* hook_iterator_init(const as_list* list,
                                                    union as_list_iterator_u* it)
{
    as_arraylist_iterator_init(&it->arraylist, (const as_arraylist*)list);
    return it;
}

static int hook_concat(as_list* list, const as_list* list2)
{
    /* Any list may come here. */
    uint32_t count = as_list_size(list2);
    int result = arraylist_grow((as_arraylist*)list, count);

    for (uint32_t i = 0; i < count && result == AS_ARRAYLIST_OK; i++) {
        as_val* element = as_val_reserve(as_list_get(list2, i));
        result = as_arraylist_append((as_arraylist*)list, element);
    }
    return result;
}

#define HOOK_GET(name, type)                                                                       \
    static type hook_##name(const as_list* list, uint32_t i)                                       \
    {                                                                                              \
        return as_arraylist_##name((const as_arraylist*)list, i);                                  \
    }
#define HOOK_AT(name, type)                                                                        \
    static int hook_##name(as_list* list, uint32_t i, type value)                                  \
    {                                                                                              \
        return as_arraylist_##name((as_arraylist*)list, i, value);                                 \
    }
#define HOOK_PUT(name, type)                                                                       \
    static int hook_##name(as_list* list, type value)                                              \
    {                                                                                              \
        return as_arraylist_##name((as_arraylist*)list, value);                                    \
    }
#define HOOK_SLICE(name)                                                                           \
    static as_list* hook_##name(const as_list* list, uint32_t n)                                   \
    {                                                                                              \
        return (as_list*)as_arraylist_##name((const as_arraylist*)list, n);                        \
    }

HOOK_GET(get, as_val*)
HOOK_GET(get_int64, int64_t)
HOOK_GET(get_double, double)
HOOK_GET(get_str, char*)
HOOK_AT(set, as_val*)
HOOK_AT(set_int64, int64_t)
HOOK_AT(set_double, double)
HOOK_AT(set_str, const char*)
HOOK_AT(insert, as_val*)
HOOK_AT(insert_int64, int64_t)
HOOK_AT(insert_double, double)
HOOK_AT(insert_str, const char*)
HOOK_PUT(append, as_val*)
HOOK_PUT(append_int64, int64_t)
HOOK_PUT(append_double, double)
HOOK_PUT(append_str, const char*)
HOOK_PUT(prepend, as_val*)
HOOK_PUT(prepend_int64, int64_t)
HOOK_PUT(prepend_double, double)
HOOK_PUT(prepend_str, const char*)
HOOK_PUT(remove, uint32_t)
HOOK_PUT(trim, uint32_t)
HOOK_SLICE(drop)
HOOK_SLICE(take)

static const as_list_hooks arraylist_hooks = {
    .destroy = arraylist_release,
    .hashcode = hook_hashcode,
    .size = hook_size,
    .get = hook_get,
    .get_int64 = hook_get_int64,
    .get_double = hook_get_double,
    .get_str = hook_get_str,
    .set = hook_set,
    .set_int64 = hook_set_int64,
    .set_double = hook_set_double,
    .set_str = hook_set_str,
    .insert = hook_insert,
    .insert_int64 = hook_insert_int64,
    .insert_double = hook_insert_double,
    .insert_str = hook_insert_str,
    .append = hook_append,
    .append_int64 = hook_append_int64,
    .append_double = hook_append_double,
    .append_str = hook_append_str,
    .prepend = hook_prepend,
    .prepend_int64 = hook_prepend_int64,
    .prepend_double = hook_prepend_double,
    .prepend_str = hook_prepend_str,
    .remove = hook_remove,
    .concat = hook_concat,
    .trim = hook_trim,
    .head = hook_head,
    .tail = hook_tail,
    .drop = hook_drop,
    .take = hook_take,
    .foreach = hook_foreach,
    .iterator_new = hook_iterator_new,
    .iterator_init = hook_iterator_init,
};
