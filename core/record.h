/*
 * What the library does with records beyond the public interface.
 */
#ifndef TENDRIL_CORE_RECORD_H
#define TENDRIL_CORE_RECORD_H

#include <aerospike/as_record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Destroys the values and forgets the bins. The room for them stays, so that the record of a
   program can be filled anew. */
void tnd_record_clear(as_record* record);

#ifdef __cplusplus
}
#endif

#endif
