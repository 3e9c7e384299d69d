/*
 * Host names to addresses, without blocking: c-ares driven by the loop seam, or the loop's own
 * look-up when it offers one (nginx, the simulator). Numeric addresses never come here: see
 * tnd_address_parse.
 *
 * One resolver per loop. c-ares is opened with the first look-up (it reads the host's configuration
 * then) and closed with the last one that is under way: a client with numeric seeds never opens it,
 * and a changed resolv.conf counts from the next look-up on.
 */
#pragma once

#include <aerospike/as_error.h>
#include <tendril/loop.h>

#include "async/address.h"

typedef struct tnd_resolver tnd_resolver;

/* NULL when out of memory. Holds nothing but memory until the first look-up. */
tnd_resolver* tnd_resolver_new(tnd_loop* loop);

/* Start: `lookup->fn` is called once from the loop, never inside this call, with status and
 * addresses (both families; bounded by TND_LOOKUP_ADDRS_MAX) unless cancelled. `host` is copied.
 * The caller owns `lookup` and bounds the time with a timer and cancel. AEROSPIKE_ERR_INVALID_HOST
 * and others at once when it cannot be started. */
as_status tnd_resolver_start(tnd_resolver* resolver, tnd_lookup* lookup, const char* host,
                             tnd_lookup_fn fn, void* udata, as_error* err);

/* No callback afterwards. Idempotent, accepts zeroed storage. */
void tnd_resolver_cancel(tnd_resolver* resolver, tnd_lookup* lookup);

/* Cancels all look-ups silently. */
void tnd_resolver_free(tnd_resolver* resolver);

#ifdef TND_TESTING
/* Asks these servers ("127.0.0.1:5353,...") instead of those of the host. Borrowed, before the
 * first look-up. */
void tnd_resolver_set_servers(tnd_resolver* resolver, const char* servers);
#endif
