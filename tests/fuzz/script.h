/*
 * Inputs of targets that are scripts: bytes taken one after the other, zeros once they are used up.
 */
#ifndef TENDRIL_TESTS_FUZZ_SCRIPT_H
#define TENDRIL_TESTS_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fuzz_script {
    const uint8_t* at;
    size_t left;
} fuzz_script;

static inline bool fuzz_script_is_over(const fuzz_script* script)
{
    return script->left == 0;
}

static inline uint8_t fuzz_script_byte(fuzz_script* script)
{
    if (script->left == 0) {
        return 0;
    }
    script->left--;
    return *script->at++;
}

static inline uint32_t fuzz_script_number(fuzz_script* script, unsigned bytes)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number = number << 8 | fuzz_script_byte(script);
    }
    return number;
}

/* The next `size` bytes, or what is left of them. */
static inline const uint8_t* fuzz_script_bytes(fuzz_script* script, size_t size, size_t* ret_size)
{
    const uint8_t* bytes = script->at;
    *ret_size = size < script->left ? size : script->left;
    script->at += *ret_size;
    script->left -= *ret_size;
    return bytes;
}

#endif
