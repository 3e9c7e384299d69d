/*
 * Msgpack of lists and maps, and of contexts. Promises: what is no whole value allocates nothing;
 * what is one makes two allocations a byte at most; whatever comes out packs (unless it holds bytes
 * of a type that elements can't have) into bytes that make the same value and the same bytes again.
 */
#include "core/msgpack.h"

#include <string.h>

#include <aerospike/as_cdt_ctx.h>
#include <aerospike/as_msgpack.h>

#include "core/mem.h"
#include "tests/fuzz/fuzz.h"

static bool pack(const as_val* val, tnd_buf* ret_buf)
{
    uint64_t size;
    const char* reason = NULL;
    if (!tnd_msgpack_size(val, true, &size, &reason)) {
        must(reason);
        return false;
    }
    tnd_buf_init(ret_buf, (size_t)size);
    tnd_msgpack_append(ret_buf, val);
    must(tnd_buf_is_ok(ret_buf) && ret_buf->size == size);
    return true;
}

/* The order of two values that are alike; NaN is like nothing, so bytes are compared instead. */
static void check_again(const tnd_buf* packed)
{
    as_val* again = NULL;
    tnd_buf repacked;
    must(tnd_msgpack_unpack(packed->data, packed->size, &again) == TND_MSGPACK_OK);
    must(pack(again, &repacked));
    must(repacked.size == packed->size);
    must(memcmp(repacked.data, packed->data, packed->size) == 0);
    as_val_destroy(again);
    tnd_buf_done(&repacked);
}

/* A context out of these bytes packs into bytes that make it again. */
static void check_context(const uint8_t* data, size_t size)
{
    as_cdt_ctx ctx, again;
    if (size > 4096 || !as_cdt_ctx_from_bytes(&ctx, data, (uint32_t)size)) {
        return;
    }
    uint8_t room[16384];
    uint32_t packed = as_cdt_ctx_to_bytes(&ctx, room, sizeof(room)); /* 0: one that isn't sent */
    must(packed == as_cdt_ctx_byte_capacity(&ctx));
    if (packed > 0) {
        must(as_cdt_ctx_from_bytes(&again, room, packed));
        must(again.list.size == ctx.list.size);
        must(as_cdt_ctx_byte_capacity(&again) == packed);
        as_cdt_ctx_destroy(&again);
    }
    as_cdt_ctx_destroy(&ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    as_val* val = NULL;
    tnd_buf packed;
    check_context(data, size);
    tnd_mem_fail(0, 0); /* restarts the count */
    int64_t before = tnd_mem_bytes();
    tnd_msgpack_outcome outcome = tnd_msgpack_unpack(data, size, &val);
    must(tnd_mem_bytes() - before <= (int64_t)size * (TND_MSGPACK_VALUE_BYTES_MAX + 1));
    must(outcome != TND_MSGPACK_NO_MEMORY);
    must(tnd_mem_allocations() <= (outcome == TND_MSGPACK_BAD ? 0 : 2 * size));
    must((outcome == TND_MSGPACK_OK) == (val != NULL));
    if (!val) {
        return 0;
    }
    free(as_val_tostring(val));
    as_val_hashcode(val);
    must(as_val_cmp(val, val) != MSGPACK_COMPARE_ERROR);
    if (pack(val, &packed)) {
        check_again(&packed);
        tnd_buf_done(&packed);
    }
    as_val_destroy(val);
    return 0;
}
