/*
 * RIPEMD-160 by libcrypto's low-level calls: OpenSSL 3 keeps that digest in its legacy provider,
 * which isn't loaded by default, so that EVP would fail there; the low-level functions need no
 * provider and allocate nothing.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/digest.h"

#include <assert.h>
#include <openssl/ripemd.h>

static_assert(TND_DIGEST_BYTES == RIPEMD160_DIGEST_LENGTH, "digest size");

void tnd_digest(const char* set, size_t set_size, uint8_t type, const void* value,
                size_t value_size, uint8_t ret_digest[TND_DIGEST_BYTES])
{
    /* These can't fail: they're arithmetic on the context. */
    RIPEMD160_CTX context;
    RIPEMD160_Init(&context);
    if (set_size > 0) {
        RIPEMD160_Update(&context, set, set_size);
    }
    RIPEMD160_Update(&context, &type, sizeof(type));
    if (value_size > 0) {
        RIPEMD160_Update(&context, value, value_size);
    }
    RIPEMD160_Final(ret_digest, &context);
}

uint32_t tnd_digest_partition(const uint8_t digest[TND_DIGEST_BYTES])
{
    return ((uint32_t)digest[0] | (uint32_t)digest[1] << 8) & (TND_PARTITION_COUNT - 1);
}
