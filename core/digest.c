/*
 * RIPEMD-160 by libcrypto's low-level calls: OpenSSL 3 keeps that digest in its legacy provider,
 * which isn't loaded by default, so that EVP would fail there; the low-level functions need no
 * provider and allocate nothing.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/digest.h"

#include "core/buf.h"

#include <assert.h>
#include <openssl/ripemd.h>
#include <string.h>

static_assert(TND_DIGEST_BYTES == RIPEMD160_DIGEST_LENGTH, "digest size");

/* Bytes of a block that are left for what is hashed, beside a one and the length. */
#define DIGEST_SHORT_BYTES (RIPEMD160_CBLOCK - 9)

static void store_le32(uint8_t* to, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    memcpy(to, &value, sizeof(value));
}

/* Nearly every key fits into one block, which is padded here and goes through the compression
   function alone: no copy into the context, no cleansing of it. */
static void digest_short(const char* set, size_t set_size, uint8_t type, const void* value,
                         size_t value_size, uint8_t ret_digest[TND_DIGEST_BYTES])
{
    uint8_t block[RIPEMD160_CBLOCK] = {0};
    size_t size = set_size + 1 + value_size;
    tnd_copy_bytes(block, set, set_size);
    block[set_size] = type;
    tnd_copy_bytes(block + set_size + 1, value, value_size);
    block[size] = 0x80;
    store_le32(block + RIPEMD160_CBLOCK - 8, (uint32_t)(size * 8));
    RIPEMD160_CTX context;
    RIPEMD160_Init(&context);
    RIPEMD160_Transform(&context, block);
    store_le32(ret_digest, context.A);
    store_le32(ret_digest + 4, context.B);
    store_le32(ret_digest + 8, context.C);
    store_le32(ret_digest + 12, context.D);
    store_le32(ret_digest + 16, context.E);
}

void tnd_digest(const char* set, size_t set_size, uint8_t type, const void* value,
                size_t value_size, uint8_t ret_digest[TND_DIGEST_BYTES])
{
    if (set_size < DIGEST_SHORT_BYTES && value_size < DIGEST_SHORT_BYTES - set_size) {
        digest_short(set, set_size, type, value, value_size, ret_digest);
        return;
    }
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
