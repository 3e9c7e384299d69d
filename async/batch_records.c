/*
 * The list of rows that programs fill in.
 */
#include <aerospike/aerospike_batch.h>

#include <assert.h>
#include <stddef.h>
#include <string.h>

void as_batch_records_init(as_batch_records* records, uint32_t capacity)
{
    as_vector_init(&records->list, sizeof(as_batch_record), capacity);
}

as_batch_records* as_batch_records_create(uint32_t capacity)
{
    static_assert(offsetof(as_batch_records, list) == 0, "freed as a vector");
    return (as_batch_records*)(void*)as_vector_create(sizeof(as_batch_record), capacity);
}

/* Keys and records keep small values in themselves and point at them: after a move these pointers
   would lead to where the rows were. */
static void rows_follow(as_batch_records* records, uintptr_t old_base)
{
    uintptr_t new_base = (uintptr_t)records->list.list;
    for (uint32_t i = 0; i < records->list.size && new_base != old_base; i++) {
        as_batch_base_record* row = as_vector_get(&records->list, i);
        uintptr_t old_row = old_base + (uintptr_t)i * sizeof(as_batch_record);
        if ((uintptr_t)row->key.valuep == old_row + offsetof(as_batch_base_record, key.value)) {
            row->key.valuep = &row->key.value;
        }
        if ((uintptr_t)row->record.key.valuep ==
            old_row + offsetof(as_batch_base_record, record.key.value)) {
            row->record.key.valuep = &row->record.key.value;
        }
    }
}

static void* row_reserve(as_batch_records* records, as_batch_type type)
{
    uintptr_t old_base = (uintptr_t)records->list.list;
    as_batch_base_record* row = as_vector_reserve(&records->list);
    if (row) {
        records->list.size--; /* the new one has no pointers yet */
        rows_follow(records, old_base);
        records->list.size++;
        memset((void*)row, 0, sizeof(as_batch_record));
        row->type = type;
        row->has_write = type != AS_BATCH_READ;
    }
    return row;
}

as_batch_read_record* as_batch_read_reserve(as_batch_records* records)
{
    return row_reserve(records, AS_BATCH_READ);
}

as_batch_write_record* as_batch_write_reserve(as_batch_records* records)
{
    return row_reserve(records, AS_BATCH_WRITE);
}

as_batch_apply_record* as_batch_apply_reserve(as_batch_records* records)
{
    return row_reserve(records, AS_BATCH_APPLY);
}

as_batch_remove_record* as_batch_remove_reserve(as_batch_records* records)
{
    return row_reserve(records, AS_BATCH_REMOVE);
}

void as_batch_records_destroy(as_batch_records* records)
{
    if (!records) {
        return;
    }
    for (uint32_t i = 0; i < records->list.size; i++) {
        as_batch_base_record* row = as_vector_get(&records->list, i);
        as_key_destroy(&row->key);
        as_record_destroy(&row->record);
    }
    as_vector_destroy(&records->list);
}
