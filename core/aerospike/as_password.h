/**
 * Passwords as programs handle them: sizes, and a copy that may ask the terminal.
 */
#pragma once

#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes in bytes with the terminator. */
#define AS_USER_SIZE 64
#define AS_PASSWORD_SIZE 64
#define AS_PASSWORD_HASH_SIZE 64

/**
 * Copies `password_src` into the `size` bytes of `password_trg`, cut and terminated. If
 * `password_src` is NULL, asks for it on the terminal without echo: that blocks, and is for
 * command-line programs before they start serving. The library itself never calls it.
 */
AS_EXTERN void as_password_acquire(char* password_trg, const char* password_src, int size);

#ifdef __cplusplus
}
#endif
