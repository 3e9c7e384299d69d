/*
 * Building a record out of an answer: bins in the server's order, without looking for equal names,
 * each value owned by the record.
 *
 * Text and bytes are malloc()ed one by one on purpose: a listener may keep the char* of a string by
 * setting the as_string's `free` to false, and free() it later (the rule of the official client).
 * The bins themselves are one block, or storage that the caller lends.
 */
#ifndef TENDRIL_CORE_RECORD_H
#define TENDRIL_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aerospike/as_record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prepares `record` around bins that the caller lends for the record's life. Allocates nothing. */
void tnd_record_init_lent(as_record* record, as_bin* entries, uint16_t capacity);

/* Gives a record without bins room for `count` in one block of its own. False without memory, and
   the record is as it was. */
bool tnd_record_reserve(as_record* record, uint16_t count);

/* Destroys the values and forgets the bins; the room stays. */
void tnd_record_clear(as_record* record);

/* Adds a nil bin behind the others, whatever their names. NULL if there is no room or the name has
   more than AS_BIN_NAME_MAX_LEN bytes; it needs no terminator. */
as_bin* tnd_record_append(as_record* record, const char* name, size_t name_size);

/* Set the value of a bin that tnd_record_append() gave. The copies answer false without memory (or
   for more bytes than a value can hold), and leave the bin nil. Texts get a terminator. */
void tnd_bin_set_bool(as_bin* bin, bool value);
void tnd_bin_set_int64(as_bin* bin, int64_t value);
void tnd_bin_set_double(as_bin* bin, double value);
bool tnd_bin_copy_string(as_bin* bin, const void* text, size_t size);
bool tnd_bin_copy_geojson(as_bin* bin, const void* text, size_t size);
bool tnd_bin_copy_bytes(as_bin* bin, as_bytes_type type, const void* bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
