/**
 * A record's bins in place, as they arrived: no record is made and nothing is copied. For programs
 * that only pass bytes on, and for large values.
 *
 *     static void on_lent(as_error* err, tnd_lent_record* record, void* udata, as_event_loop* loop)
 *     {
 *         tnd_lent_bin bin;
 *         while (record && tnd_lent_next(record, &bin)) {
 *             send_on(bin.name, bin.name_size, bin.value, bin.value_size);
 *         }
 *     }
 */
#pragma once

#include <aerospike/as_bytes.h>
#include <aerospike/as_error.h>
#include <aerospike/as_event.h>
#include <aerospike/as_key.h>
#include <aerospike/as_policy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aerospike_s;

typedef struct tnd_lent_record tnd_lent_record;

/** A bin. Name and value are the reply's bytes: not terminated, and valid until the listener
 * returns. */
typedef struct tnd_lent_bin {
    const char* name;
    size_t name_size; /**< at most 15 */
    as_bytes_type type;
    /** As the server sent it: integers and doubles as 8 big-endian bytes, booleans as one, lists
     * and maps as msgpack, GeoJSON behind its cells (protocol/records.md 4.1). */
    const uint8_t* value;
    size_t value_size;
} tnd_lent_bin;

/** `err` NULL and a record, or an error and NULL. Everything that a listener may do elsewhere is
 * allowed; the record is gone when it returns. */
typedef void (*tnd_lent_listener)(as_error* err, tnd_lent_record* record, void* udata,
                                  as_event_loop* event_loop);

/** aerospike_key_get_async() with such a listener: same arguments, policies and errors.
 * `policy->deserialize` and `policy->async_heap_rec` mean nothing here. */
AS_EXTERN as_status aerospike_key_get_lent_async(struct aerospike_s* as, as_error* err,
                                                 const as_policy_read* policy, const as_key* key,
                                                 tnd_lent_listener listener, void* udata,
                                                 as_event_loop* event_loop);

/** The next bin, in the server's order; false behind the last. */
AS_EXTERN bool tnd_lent_next(tnd_lent_record* record, tnd_lent_bin* ret_bin);

/** Bins that tnd_lent_next() has yet to give. */
AS_EXTERN uint32_t tnd_lent_left(const tnd_lent_record* record);

AS_EXTERN uint32_t tnd_lent_generation(const tnd_lent_record* record);

/** Seconds of life left; UINT32_MAX: for ever. */
AS_EXTERN uint32_t tnd_lent_ttl(const tnd_lent_record* record);

#ifdef __cplusplus
}
#endif
