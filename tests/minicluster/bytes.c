// Buffers, big-endian integers and base64 of the mini cluster.
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void bytes_exhausted(void)
{
    fputs("minicluster: out of memory\n", stderr);
    abort();
}

void* mc_alloc(size_t size)
{
    void* p = calloc(1, size ? size : 1);
    if (!p) {
        bytes_exhausted();
    }
    return p;
}

void* mc_realloc(void* old, size_t size)
{
    void* p = realloc(old, size ? size : 1);
    if (!p) {
        bytes_exhausted();
    }
    return p;
}

void mc_bytes_done(mc_bytes* b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}

uint8_t* mc_bytes_room(mc_bytes* b, size_t len)
{
    if (b->cap - b->len < len) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap - b->len < len) {
            cap *= 2;
        }
        b->data = mc_realloc(b->data, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

void mc_bytes_add(mc_bytes* b, const void* data, size_t len)
{
    if (len) {
        memcpy(mc_bytes_room(b, len), data, len);
        b->len += len;
    }
}

void mc_bytes_drop(mc_bytes* b, size_t len)
{
    b->len -= len;
    if (b->len) {
        memmove(b->data, b->data + len, b->len);
    } else if (b->cap > 1 << 20) {
        mc_bytes_done(b); // one big message must not cost its memory for ever
    }
}

void mc_bytes_u8(mc_bytes* b, unsigned value)
{
    *mc_bytes_room(b, 1) = (uint8_t)value;
    b->len++;
}

void mc_bytes_be(mc_bytes* b, uint64_t value, int width)
{
    mc_be_set(mc_bytes_room(b, (size_t)width), value, width);
    b->len += (size_t)width;
}

void mc_bytes_text(mc_bytes* b, const char* text)
{
    mc_bytes_add(b, text, strlen(text));
}

void mc_bytes_format(mc_bytes* b, const char* format, ...)
{
    va_list args;
    va_start(args, format);
    int need = format ? vsnprintf(NULL, 0, format, args) : 0;
    va_end(args);
    if (need <= 0) {
        return;
    }
    char* room = (char*)mc_bytes_room(b, (size_t)need + 1);
    va_start(args, format);
    vsnprintf(room, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void mc_bytes_base64(mc_bytes* b, const uint8_t* data, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)data[i] << 16;
        v |= n > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        v |= n > 2 ? data[i + 2] : 0;
        char* out = (char*)mc_bytes_room(b, 4);
        out[0] = base64_digits[v >> 18];
        out[1] = base64_digits[v >> 12 & 63];
        out[2] = n > 1 ? base64_digits[v >> 6 & 63] : '=';
        out[3] = n > 2 ? base64_digits[v & 63] : '=';
        b->len += 4;
    }
}

int mc_base64_check(const char* text, size_t len)
{
    if (len == 0 || len % 4) {
        return -1;
    }
    size_t pad = text[len - 1] == '=' ? text[len - 2] == '=' ? 2 : 1 : 0;
    for (size_t i = 0; i < len - pad; i++) {
        if (!text[i] || !strchr(base64_digits, text[i])) {
            return -1;
        }
    }
    return (int)(len / 4 * 3 - pad);
}

size_t mc_frame_begin(mc_bytes* b, unsigned type)
{
    size_t begin = b->len;
    mc_bytes_be(b, (uint64_t)2 << 56 | (uint64_t)type << 48, 8);
    return begin;
}

void mc_frame_end(mc_bytes* b, size_t begin)
{
    mc_be_set(b->data + begin + 2, b->len - begin - 8, 6);
}

uint64_t mc_hash(uint64_t a, uint64_t b)
{
    uint64_t state = a * 0x9e3779b97f4a7c15u ^ (b + 0x632be59bd9b4e019u);
    return mc_random(&state);
}

uint64_t mc_random(uint64_t* state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
