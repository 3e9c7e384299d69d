/*
 * Records in place: what <tendril/lent.h> shows of a checked reply.
 */
#include "async/lent.h"

#include <aerospike/as_record.h>

bool tnd_lent_next(tnd_lent_record* record, tnd_lent_bin* ret_bin)
{
    tnd_wire_entry entry;
    if (!tnd_wire_op_next(&record->reply, &entry)) {
        return false;
    }
    *ret_bin = (tnd_lent_bin){
        .name = entry.name.data,
        .name_size = entry.name.size,
        .type = (as_bytes_type)entry.type,
        .value = (const uint8_t*)entry.value.data,
        .value_size = entry.value.size,
    };
    return true;
}

uint32_t tnd_lent_left(const tnd_lent_record* record)
{
    return record->reply.ops_left;
}

uint32_t tnd_lent_generation(const tnd_lent_record* record)
{
    return record->reply.generation;
}

uint32_t tnd_lent_ttl(const tnd_lent_record* record)
{
    return tnd_wire_ttl(record->reply.void_time, record->unix_now_sec);
}
