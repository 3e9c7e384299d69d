/**
 * The release of the official client whose interface this library speaks.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Release of the interface as a number: 7.5.0 is 705000000. */
#define AEROSPIKE_CLIENT_VERSION 705000000L

/** The same as text, "7.5.0". Owned by the library. */
AS_EXTERN extern char* aerospike_client_version;

#ifdef __cplusplus
}
#endif
