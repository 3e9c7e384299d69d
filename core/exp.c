/*
 * Packed expressions as opaque bytes.
 */
#include <aerospike/as_exp.h>

#include <string.h>

#include <aerospike/as_log_macros.h>

#include "core/base64.h"
#include "core/mem.h"

void as_exp_destroy(as_exp* exp)
{
    tnd_free(exp);
}

char* as_exp_to_base64(as_exp* exp)
{
    if (!exp) {
        return NULL;
    }
    size_t chars = tnd_base64_chars(exp->packed_sz);
    char* base64 = tnd_malloc(chars + 1);
    if (base64) {
        tnd_base64_encode(exp->packed, exp->packed_sz, base64);
        base64[chars] = '\0';
    }
    return base64;
}

as_exp* as_exp_from_base64(const char* base64)
{
    size_t chars = base64 ? strlen(base64) : 0;
    size_t size = 0;
    as_exp* exp = chars / 4 * 3 < UINT32_MAX ? tnd_malloc(sizeof(*exp) + chars / 4 * 3) : NULL;
    if (!exp || !tnd_base64_decode(base64 ? base64 : "", chars, exp->packed, &size) || size == 0) {
        as_log_error("not an expression in base64 (%zu characters), or no memory for it", chars);
        tnd_free(exp);
        return NULL;
    }
    exp->packed_sz = (uint32_t)size;
    return exp;
}

void as_exp_destroy_base64(char* base64)
{
    tnd_free(base64);
}

char* as_exp_compile_b64(as_exp* exp)
{
    return as_exp_to_base64(exp);
}

void as_exp_destroy_b64(char* b64)
{
    as_exp_destroy_base64(b64);
}
