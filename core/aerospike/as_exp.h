/**
 * Expressions, packed for the server: what a policy's filter_exp points to. A command with a filter
 * acts on a record only if the expression is true for it, else its listener gets
 * AEROSPIKE_FILTERED_OUT. A filter is evaluated on records that exist: a write of one that doesn't
 * creates it, unless its policy says AS_POLICY_EXISTS_UPDATE.
 */
#pragma once

#include <stdint.h>

#include <aerospike/as_policy.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A packed expression. The bytes are the server's business: nothing here looks into them. */
struct as_exp {
    uint32_t packed_sz;
    uint8_t packed[];
};

/** Frees an expression; NULL is allowed. */
AS_EXTERN void as_exp_destroy(as_exp* exp);

/** The expression as base64, to be freed with as_exp_destroy_base64(); NULL for NULL. */
AS_EXTERN char* as_exp_to_base64(as_exp* exp);

/**
 * An expression from what as_exp_to_base64() or another client gave out, to be freed with
 * as_exp_destroy(). NULL, with a line in the log, for anything but whole, padded base64 of at least
 * one byte, and without memory.
 */
AS_EXTERN as_exp* as_exp_from_base64(const char* base64);

/** Frees the text of as_exp_to_base64(). */
AS_EXTERN void as_exp_destroy_base64(char* base64);

/** The same as as_exp_to_base64() and as_exp_destroy_base64(). */
AS_EXTERN char* as_exp_compile_b64(as_exp* exp);
AS_EXTERN void as_exp_destroy_b64(char* b64);

#ifdef __cplusplus
}
#endif
