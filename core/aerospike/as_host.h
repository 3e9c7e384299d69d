/**
 * A seed: where a client first looks for the cluster.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_host_s {
    /** Host name or numeric IPv4 or IPv6 address, without brackets; owned. */
    char* name;
    /** Name that the server's certificate must carry, or NULL; owned. */
    char* tls_name;
    /** Port in host byte order. */
    uint16_t port;
} as_host;

/** Fills `trg` with copies of the strings; without memory they stay NULL. */
AS_EXTERN void as_host_copy_fields(as_host* trg, const char* hostname, const char* tls_name,
                                   uint16_t port);

/** Copies `src` into the uninitialised `trg`. */
static inline void as_host_copy(const as_host* src, as_host* trg)
{
    as_host_copy_fields(trg, src->name, src->tls_name, src->port);
}

/** Frees the strings and clears the struct, which stays the caller's. */
AS_EXTERN void as_host_destroy(as_host* host);

#ifdef __cplusplus
}
#endif
