#include <aerospike/as_batch.h>

#include "core/mem.h"

as_batch* as_batch_init(as_batch* batch, uint32_t size)
{
    as_key* keys = size > 0 ? tnd_calloc(size, sizeof(*keys)) : NULL;
    if (!batch || (size > 0 && !keys)) {
        tnd_free(keys);
        return NULL;
    }
    *batch = (as_batch){.keys = {.entries = keys, .size = size, ._free = true}};
    return batch;
}

as_batch* as_batch_new(uint32_t size)
{
    as_batch* batch = tnd_malloc(sizeof(*batch));
    if (!as_batch_init(batch, size)) {
        tnd_free(batch);
        return NULL;
    }
    batch->_free = true;
    return batch;
}

void as_batch_destroy(as_batch* batch)
{
    if (!batch) {
        return;
    }
    for (uint32_t i = 0; i < batch->keys.size; i++) {
        as_key_destroy(&batch->keys.entries[i]);
    }
    if (batch->keys._free) {
        tnd_free(batch->keys.entries);
    }
    batch->keys.entries = NULL;
    batch->keys.size = 0;
    if (batch->_free) {
        tnd_free(batch);
    }
}
