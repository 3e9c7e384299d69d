/**
 * Server versions: four numbers.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint16_t major;
    uint16_t minor;
    uint16_t patch;
    uint16_t build;
} as_version;

AS_EXTERN extern const as_version as_server_version_8_1;
AS_EXTERN extern const as_version as_server_version_8_1_1;
AS_EXTERN extern const as_version as_server_version_8_1_3;

/** Reads "8.1.2.0", or fewer numbers, up to whatever follows ("-rc1"). False: no such text; `ver`
 * is zero then. */
AS_EXTERN bool as_version_from_string(as_version* ver, const char* str);

/** Writes all four numbers; cut to `size` bytes with the terminator. */
AS_EXTERN void as_version_to_string(const as_version* ver, char* str, size_t size);

/** < 0, 0, > 0 */
AS_EXTERN int as_version_compare(const as_version* ver1, const as_version* ver2);

#ifdef __cplusplus
}
#endif
