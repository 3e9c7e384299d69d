/*
 * Packing operations on lists and maps (protocol/cdt-expressions.md 2.3): an operation is its code
 * and its arguments, within a context where there is one.
 */
#ifndef TENDRIL_CORE_CDT_H
#define TENDRIL_CORE_CDT_H

#include <aerospike/as_cdt_ctx.h>
#include <aerospike/as_operations.h>

#include "core/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tnd_cdt_arg {
    enum {
        TND_CDT_INT,
        TND_CDT_UINT,
        TND_CDT_VALUE,
    } kind;
    union {
        int64_t number;
        uint64_t count;
        as_val* value; /* consumed; NULL is nil */
    };
} tnd_cdt_arg;

/* Arguments of an operation. */
#define TND_INT(n) ((tnd_cdt_arg){.kind = TND_CDT_INT, .number = (n)})
#define TND_UINT(n) ((tnd_cdt_arg){.kind = TND_CDT_UINT, .count = (uint64_t)(n)})
#define TND_VALUE(v) ((tnd_cdt_arg){.kind = TND_CDT_VALUE, .value = (as_val*)(v)})

typedef struct tnd_cdt_op {
    as_operator op;
    unsigned code;         /* of the list's or map's operation */
    const as_cdt_ctx* ctx; /* NULL or empty: the bin itself */
    uint32_t create_flag;  /* or'ed into the last step of the context */
    const tnd_cdt_arg* args;
    unsigned args_count;
    const char* refusal; /* static text: it isn't to be sent */
} tnd_cdt_op;

/* Packs the operation, adds it to `ops`, and destroys the values among its arguments in any case.
   False as said in as_list_operations.h. */
bool tnd_cdt_add(as_operations* ops, const char* name, const tnd_cdt_op* op);

/* Appends the context's list of steps; false, with a static text, if it can't be sent. */
bool tnd_cdt_ctx_pack(tnd_buf* buf, const as_cdt_ctx* ctx, uint32_t create_flag,
                      const char** ret_reason);

#ifdef __cplusplus
}
#endif

#endif
