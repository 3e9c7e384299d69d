/**
 * For programs that end threads of their own: nothing is left to clean up.
 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/** Does nothing: the library keeps nothing of TLS for a thread. */
static inline void as_tls_thread_cleanup(void)
{
}

#ifdef __cplusplus
}
#endif
