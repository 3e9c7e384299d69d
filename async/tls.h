/*
 * TLS over the loop seam: a BIO whose reads and writes are those of a tnd_io, so that OpenSSL never
 * sees a descriptor and runs on every loop, the simulated one included.
 *
 * A read or write that would block is a retry to OpenSSL: SSL_get_error() then says which of the
 * two callbacks to wait for, and the seam's TND_WAIT has been met, as its contract demands. It
 * knows nothing of certificates, names or sessions.
 */
#ifndef TENDRIL_ASYNC_TLS_H
#define TENDRIL_ASYNC_TLS_H

#include <openssl/bio.h>
#include <tendril/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `io` is borrowed and must be open while the BIO is used. Freed with BIO_free() or by the SSL that
 * it is given to. NULL when out of memory. */
BIO* tnd_tls_bio_new(tnd_io* io);

/* Why the last operation failed: 0 (it didn't, or must be retried) or the seam's -errno. The end of
 * file is not an error here: SSL_get_error() tells a clean end from a cut connection. */
int tnd_tls_bio_error(BIO* bio);

#ifdef __cplusplus
}
#endif

#endif
