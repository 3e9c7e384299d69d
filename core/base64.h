/*
 * Base64 with the standard alphabet, padded.
 */
#ifndef TENDRIL_CORE_BASE64_H
#define TENDRIL_CORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Characters for `size` bytes, without a terminator. */
static inline size_t tnd_base64_chars(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* Writes tnd_base64_chars(size) characters; no terminator. */
void tnd_base64_encode(const void* bytes, size_t size, char* ret_chars);

/* Writes at most chars / 4 * 3 bytes. False for anything but whole, padded base64. */
bool tnd_base64_decode(const char* base64, size_t chars, uint8_t* ret_bytes, size_t* ret_size);

#ifdef __cplusplus
}
#endif

#endif
