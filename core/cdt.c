/*
 * Operations on lists and maps: packing.
 */
#include "core/cdt.h"

#include <stdio.h>

#include "core/msgpack.h"
#include "core/operations.h"

enum {
    WRAPPER = 0xff,                       /* in the place of the code: a context follows */
    PAYLOAD_BYTES_MAX = 64 * 1024 * 1024, /* more than any record holds */
};

/* Values may be ones to compare with: the server refuses to store these. */
static bool pack_arg(tnd_buf* buf, const tnd_cdt_arg* arg, const char** ret_reason)
{
    uint64_t size;

    switch (arg->kind) {
    case TND_CDT_INT:
        tnd_msgpack_append_int(buf, arg->number);
        return true;
    case TND_CDT_UINT:
        tnd_msgpack_append_uint(buf, arg->count);
        return true;
    case TND_CDT_VALUE:
        break;
    }
    if (!tnd_msgpack_size(arg->value, true, &size, ret_reason)) {
        return false;
    }
    if (size > PAYLOAD_BYTES_MAX) {
        *ret_reason = "a value of more than 64 MiB";
        return false;
    }
    tnd_msgpack_append(buf, arg->value);
    return true;
}

static bool pack_op(tnd_buf* buf, const tnd_cdt_op* op, const char** ret_reason)
{
    if (op->refusal) {
        *ret_reason = op->refusal;
        return false;
    }
    if (!cdt_ctx_is_empty((as_cdt_ctx*)op->ctx)) {
        tnd_msgpack_append_list_head(buf, 3);
        tnd_msgpack_append_uint(buf, WRAPPER);
        if (!tnd_cdt_ctx_pack(buf, op->ctx, op->create_flag, ret_reason)) {
            return false;
        }
    }
    tnd_msgpack_append_list_head(buf, 1 + op->args_count);
    tnd_msgpack_append_uint(buf, op->code);
    for (unsigned i = 0; i < op->args_count; i++) {
        if (!pack_arg(buf, &op->args[i], ret_reason)) {
            return false;
        }
    }
    if (!tnd_buf_is_ok(buf)) {
        *ret_reason =
            buf->state == TND_BUF_LIMIT ? "arguments of more than 64 MiB" : "out of memory";
        return false;
    }
    return true;
}

bool tnd_cdt_add(as_operations* ops, const char* name, const tnd_cdt_op* op)
{
    tnd_buf buf;
    const char* reason = NULL;
    bool is_ok;

    tnd_buf_init(&buf, PAYLOAD_BYTES_MAX);
    is_ok = pack_op(&buf, op, &reason);
    for (unsigned i = 0; i < op->args_count; i++) {
        if (op->args[i].kind == TND_CDT_VALUE) {
            as_val_destroy(op->args[i].value);
        }
    }
    if (!is_ok) {
        tnd_operations_refuse(ops, op->op, name, reason);
    } else if (tnd_operations_add_packed(ops, op->op, name, buf.data, (uint32_t)buf.size)) {
        return true; /* the bytes are the operation's */
    }
    tnd_buf_done(&buf);
    return false;
}
