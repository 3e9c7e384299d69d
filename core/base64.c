/*
 * Base64 both ways.
 */
#include "core/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void tnd_base64_encode(const void* bytes, size_t size, char* ret_chars)
{
    const uint8_t* p = bytes;

    for (size_t i = 0; i < size; i += 3, ret_chars += 4) {
        uint32_t second = i + 1 < size ? p[i + 1] : 0;
        uint32_t third = i + 2 < size ? p[i + 2] : 0;
        uint32_t group = (uint32_t)p[i] << 16 | second << 8 | third;
        ret_chars[0] = digits[group >> 18];
        ret_chars[1] = digits[group >> 12 & 63];
        ret_chars[2] = '=';
        ret_chars[3] = '=';
        if (i + 1 < size) {
            ret_chars[2] = digits[group >> 6 & 63];
        }
        if (i + 2 < size) {
            ret_chars[3] = digits[group & 63];
        }
    }
}

/* -1 for what is no digit. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool tnd_base64_decode(const char* base64, size_t chars, uint8_t* ret_bytes, size_t* ret_size)
{
    size_t used = 0;

    if (chars % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < chars; i += 4) {
        bool is_last = i + 4 == chars;
        int pads = !is_last || base64[i + 3] != '=' ? 0 : base64[i + 2] != '=' ? 1 : 2;
        uint32_t group = 0;
        for (int k = 0; k < 4; k++) {
            int value = k >= 4 - pads ? 0 : digit_value(base64[i + (size_t)k]);
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        if (group & ((UINT32_C(1) << (8 * pads)) - 1)) {
            return false; /* bits that belong to no byte */
        }
        for (int k = 0; k < 3 - pads; k++) {
            ret_bytes[used++] = (uint8_t)(group >> (16 - 8 * k));
        }
    }
    *ret_size = used;
    return true;
}
