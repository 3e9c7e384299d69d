/*
 * See recycle.h. The allocator knows a block's size, so that any block finds its place: the largest
 * power of two that it holds.
 */
#include "core/recycle.h"

#include <malloc.h>

#include "core/mem.h"

enum {
    SIZE_LOG2_MIN = 6,
};

#ifdef __SANITIZE_ADDRESS__
/* Each block is new, so that the use of one that was given back is seen. */
static const size_t recycle_bytes_max = 0;
#else
static const size_t recycle_bytes_max = TND_RECYCLE_BYTES_MAX;
#endif

/* The smallest size that holds so many bytes. */
static unsigned size_index_up(size_t size)
{
    if (size <= (size_t)1 << SIZE_LOG2_MIN) {
        return 0;
    }
    return 64u - (unsigned)__builtin_clzll(size - 1) - SIZE_LOG2_MIN;
}

static size_t size_of_index(unsigned index)
{
    return (size_t)1 << (index + SIZE_LOG2_MIN);
}

void* tnd_recycle_take(tnd_recycle* recycle, size_t size)
{
    unsigned index = size_index_up(size);
    if (!recycle || index >= TND_RECYCLE_SIZES || recycle_bytes_max == 0) {
        return tnd_malloc(size);
    }
    if (recycle->counts[index] == 0) {
        return tnd_malloc(size_of_index(index));
    }
    recycle->bytes -= size_of_index(index);
    return recycle->blocks[index][--recycle->counts[index]];
}

void tnd_recycle_give(tnd_recycle* recycle, void* block)
{
    size_t usable = block ? malloc_usable_size(block) : 0;
    if (!recycle || usable < size_of_index(0) || usable >= size_of_index(TND_RECYCLE_SIZES)) {
        tnd_free(block);
        return;
    }
    unsigned index = 63u - (unsigned)__builtin_clzll(usable) - SIZE_LOG2_MIN;
    if (recycle->counts[index] == TND_RECYCLE_BLOCKS ||
        recycle->bytes + size_of_index(index) > recycle_bytes_max) {
        tnd_free(block);
        return;
    }
    recycle->bytes += size_of_index(index);
    recycle->blocks[index][recycle->counts[index]++] = block;
}

void tnd_recycle_done(tnd_recycle* recycle)
{
    for (unsigned i = 0; i < TND_RECYCLE_SIZES; i++) {
        while (recycle->counts[i] > 0) {
            tnd_free(recycle->blocks[i][--recycle->counts[i]]);
        }
    }
    recycle->bytes = 0;
}
