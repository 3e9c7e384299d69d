/*
 * Compressed record messages (protocol/records.md 1.2, 5.12): a whole message, frame included, as a
 * zlib stream in a frame of its own type. Only Enterprise servers understand them. Pure.
 */
#ifndef TENDRIL_CORE_COMPRESS_H
#define TENDRIL_CORE_COMPRESS_H

#include <stdbool.h>

#include "core/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Messages up to this size aren't worth it: what `compress` alone means in a policy. */
#define TND_COMPRESS_ABOVE_BYTES 128u

/* Replaces what `out` holds by the compressed form of a message. False, and `out` is empty, if that
   isn't smaller, or without memory: the message goes as it is. */
bool tnd_compress(const uint8_t* message, size_t size, tnd_buf* out);

/* The message in the body of a compressed frame, with its frame, replaces what `out` holds. It may
   have `body_max_bytes` behind its frame. False: `*ret_reason` is static text, and the connection
   that it came from isn't to be trusted. Never takes more memory than the bytes that came can
   stand for. */
bool tnd_inflate(const uint8_t* body, size_t size, size_t body_max_bytes, tnd_buf* out,
                 const char** ret_reason);

#ifdef __cplusplus
}
#endif

#endif
