/*
 * Contexts of nested lists and maps, from bytes and from base64 text. The input is both. Promises:
 * what is taken packs again, into bytes that make the same context.
 */
#include <aerospike/as_cdt_ctx.h>

#include <string.h>

#include "tests/fuzz/fuzz.h"

enum {
    TEXT_MAX = 4096
};

static void check_again(const uint8_t* bytes, uint32_t size)
{
    as_cdt_ctx again;
    must(as_cdt_ctx_from_bytes(&again, bytes, size));
    uint32_t capacity = as_cdt_ctx_byte_capacity(&again);
    must(capacity == size);
    uint8_t* same = malloc(capacity);
    must(same && as_cdt_ctx_to_bytes(&again, same, capacity) == size);
    must(memcmp(same, bytes, size) == 0);
    free(same);
    as_cdt_ctx_destroy(&again);
}

static void check_text(const as_cdt_ctx* ctx)
{
    uint32_t capacity = as_cdt_ctx_base64_capacity(ctx);
    char* text = malloc(capacity + 1);
    as_cdt_ctx again;
    must(text && capacity > 0);
    must(!as_cdt_ctx_to_base64(ctx, text, capacity - 1));
    must(as_cdt_ctx_to_base64(ctx, text, capacity));
    must(strlen(text) < capacity);
    must(as_cdt_ctx_from_base64(&again, text));
    as_cdt_ctx_destroy(&again);
    free(text);
}

static void check_context(as_cdt_ctx* ctx)
{
    uint32_t capacity = as_cdt_ctx_byte_capacity(ctx);
    if (capacity > 0) {
        uint8_t* bytes = malloc(capacity);
        must(bytes);
        must(as_cdt_ctx_to_bytes(ctx, bytes, capacity - 1) == 0);
        uint32_t size = as_cdt_ctx_to_bytes(ctx, bytes, capacity);
        must(size == capacity);
        check_again(bytes, size);
        check_text(ctx);
        free(bytes);
    }
    as_cdt_ctx_destroy(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    as_cdt_ctx ctx;
    char text[TEXT_MAX];
    if (as_cdt_ctx_from_bytes(&ctx, data, (uint32_t)size)) {
        check_context(&ctx);
    }
    size_t length = size < sizeof(text) ? size : sizeof(text) - 1;
    if (length > 0) {
        memcpy(text, data, length);
    }
    text[length] = '\0';
    if (as_cdt_ctx_from_base64(&ctx, text)) {
        check_context(&ctx);
    }
    return 0;
}
