/*
 * What as_val's dispatch needs from each type: how to release the content (not the struct), and the
 * text of a value. The types that have neither are done in value.c itself.
 */
#ifndef TENDRIL_CORE_VALUE_H
#define TENDRIL_CORE_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Release the content. Called once, when the last reference goes. */
void tnd_text_release(as_val* v);  /* string, geojson */
void tnd_bytes_release(as_val* v); /* bytes */
void tnd_pair_release(as_val* v);
void tnd_collection_release(as_val* v); /* list, map, record */

/* malloc()ed text; NULL without memory. */
char* tnd_text_tostring(const as_val* v);
char* tnd_bytes_tostring(const as_val* v);
char* tnd_collection_tostring(const as_val* v); /* list, map, record, pair */

/* Hash of bytes for as_val_hashcode(). */
uint32_t tnd_value_hash(const void* bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
