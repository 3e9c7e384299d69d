/*
 * Bytes: a growing buffer, big-endian integers, base64. The mini cluster's own, so that a mistake
 * in the library's codec is not mirrored here. Running out of memory ends the process.
 */
#ifndef MC_BYTES_H
#define MC_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mc_bytes {
    uint8_t* data;
    size_t len;
    size_t cap;
} mc_bytes;

void* mc_alloc(size_t size); // zeroed, never NULL
void* mc_realloc(void* old, size_t size);

void mc_bytes_done(mc_bytes* b);
// Room for len more bytes at data + len; the caller adds to len itself.
uint8_t* mc_bytes_room(mc_bytes* b, size_t len);
void mc_bytes_add(mc_bytes* b, const void* data, size_t len);
void mc_bytes_drop(mc_bytes* b, size_t len); // from the front
void mc_bytes_u8(mc_bytes* b, unsigned value);
void mc_bytes_be(mc_bytes* b, uint64_t value, int width);
void mc_bytes_text(mc_bytes* b, const char* text);
void mc_bytes_format(mc_bytes* b, const char* format, ...) __attribute__((format(printf, 2, 3)));
void mc_bytes_base64(mc_bytes* b, const uint8_t* data, size_t len);

// Length of the decoded text, or -1 if it is not padded standard base64.
int mc_base64_check(const char* text, size_t len);

static inline uint64_t mc_be_get(const uint8_t* p, int width)
{
    uint64_t v = 0;
    for (int i = 0; i < width; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static inline void mc_be_set(uint8_t* p, uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value >>= 8) {
        p[i] = (uint8_t)value;
    }
}

// Starts a frame: eight header bytes whose size mc_frame_end() fills in.
size_t mc_frame_begin(mc_bytes* b, unsigned type);
void mc_frame_end(mc_bytes* b, size_t begin);

// A small generator of chance (splitmix64). The state may start at anything.
uint64_t mc_random(uint64_t* state);
uint64_t mc_hash(uint64_t a, uint64_t b);

#endif
