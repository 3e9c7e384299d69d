/*
 * What the library does with keys beyond the public interface.
 */
#ifndef TENDRIL_CORE_KEY_H
#define TENDRIL_CORE_KEY_H

#include <aerospike/as_key.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Gives back what the key holds, never the key itself: for one that is part of something. */
void tnd_key_clear(as_key* key);

/* as_key_set_digest for who knows the length of the set's name. */
as_status tnd_key_set_digest(as_error* err, as_key* key, size_t set_size);

#ifdef __cplusplus
}
#endif

#endif
