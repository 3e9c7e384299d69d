/*
 * Bytes for tests: hex literals, exact-size heap copies (so that a sanitizer sees a read of one
 * byte too many), and a small deterministic random source. Header only; nothing here is fast.
 */
#ifndef TENDRIL_TESTS_LIB_BYTES_H
#define TENDRIL_TESTS_LIB_BYTES_H

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct test_bytes {
    uint8_t* data; /* heap, exactly `size` bytes; NULL for none */
    size_t size;
} test_bytes;

static inline test_bytes test_bytes_copy(const void* bytes, size_t size)
{
    test_bytes copy = {.data = size > 0 ? malloc(size) : NULL, .size = size};
    assert(copy.data || size == 0);
    if (size > 0) {
        memcpy(copy.data, bytes, size);
    }
    return copy;
}

static inline void test_bytes_done(test_bytes* bytes)
{
    free(bytes->data);
    *bytes = (test_bytes){0};
}

static inline unsigned test_hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char* found = strchr(digits, c);
    assert(c && found);
    return (unsigned)(found - digits);
}

/* Lower-case hex without spaces. */
static inline test_bytes test_bytes_hex(const char* hex)
{
    size_t size = strlen(hex) / 2;
    test_bytes bytes = {.data = size > 0 ? malloc(size) : NULL, .size = size};
    assert(strlen(hex) % 2 == 0 && (bytes.data || size == 0));
    for (size_t i = 0; i < size; i++) {
        bytes.data[i] = (uint8_t)(test_hex_digit(hex[2 * i]) << 4 | test_hex_digit(hex[2 * i + 1]));
    }
    return bytes;
}

/* xorshift64*: the state is the seed, never 0. */
typedef struct test_prng {
    uint64_t state;
} test_prng;

static inline uint64_t test_prng_next(test_prng* prng)
{
    prng->state ^= prng->state >> 12;
    prng->state ^= prng->state << 25;
    prng->state ^= prng->state >> 27;
    return prng->state * UINT64_C(2685821657736338717);
}

/* A number below `bound`, which is at least 1. */
static inline uint64_t test_prng_below(test_prng* prng, uint64_t bound)
{
    return (test_prng_next(prng) >> 11) % bound;
}

/* Spoils a copy as bytes get spoilt in practice: a bit or a byte changed, or set to an extreme. */
static inline void test_bytes_mutate(test_bytes* bytes, test_prng* prng)
{
    static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff, ',', ':', ';', '[', ']'};
    for (uint64_t n = 1 + test_prng_below(prng, 4); n > 0 && bytes->size > 0; n--) {
        uint8_t* at = &bytes->data[test_prng_below(prng, bytes->size)];
        switch (test_prng_below(prng, 3)) {
        case 0:
            *at ^= (uint8_t)(1u << test_prng_below(prng, 8));
            break;
        case 1:
            *at = (uint8_t)test_prng_next(prng);
            break;
        default:
            *at = extremes[test_prng_below(prng, sizeof(extremes))];
            break;
        }
    }
}

#endif
