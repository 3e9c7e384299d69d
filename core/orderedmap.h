/*
 * What the decoder does with maps beyond the public interface.
 */
#ifndef TENDRIL_CORE_ORDEREDMAP_H
#define TENDRIL_CORE_ORDEREDMAP_H

#include <aerospike/as_orderedmap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether a map can have this key. */
bool tnd_orderedmap_is_key(const as_val* key);

/* The order of two keys: negative, 0, positive. */
int tnd_orderedmap_compare_keys(const as_val* a, const as_val* b);

/* Adds an entry at the end, wherever it belongs; takes both references. The caller has made room
   for it (as_orderedmap_new) and seals the map after the last one, before anything else. */
void tnd_orderedmap_append(as_orderedmap* map, as_val* key, as_val* value);

/* Sorts what was appended. Of entries with the same key the last one stays. */
void tnd_orderedmap_seal(as_orderedmap* map);

#ifdef __cplusplus
}
#endif

#endif
