/*
 * as_cdt_ctx: steps, packed and base64 forms both ways, what is refused. And base64 itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base64.h"
#include "core/mem.h"
#include "tests/lib/bytes.h"
#include "tests/unit/cdt_vectors.h"

#define V(text) test_value(text)

static const char* packed(const as_cdt_ctx* ctx)
{
    static uint8_t room[512];
    as_bytes bytes;
    uint32_t size = as_cdt_ctx_to_bytes(ctx, room, sizeof(room));
    assert_int_equal(size, as_cdt_ctx_byte_capacity(ctx));
    as_bytes_init_wrap(&bytes, room, size, false);
    return cdt_hex(&bytes);
}

static void packs_every_step(void** state)
{
    (void)state;
    as_cdt_ctx ctx;
    as_cdt_ctx_inita(&ctx, 2); /* and grows */
    assert_true(cdt_ctx_is_empty(&ctx));
    assert_true(cdt_ctx_is_empty(NULL));
    as_cdt_ctx_add_list_index(&ctx, -1);
    as_cdt_ctx_add_list_index_create(&ctx, 3, AS_LIST_UNORDERED, true);
    as_cdt_ctx_add_list_rank(&ctx, 1);
    as_cdt_ctx_add_list_value(&ctx, V("\"v\""));
    as_cdt_ctx_add_map_index(&ctx, 0);
    as_cdt_ctx_add_map_rank(&ctx, -1);
    as_cdt_ctx_add_map_key(&ctx, V("7"));
    as_cdt_ctx_add_map_key_create(&ctx, V("\"k\""), AS_MAP_KEY_ORDERED);
    as_cdt_ctx_add_map_value(&ctx, V("\"z\""));
    assert_false(cdt_ctx_is_empty(&ctx));
    assert_int_equal(((as_cdt_ctx_item*)as_vector_get(&ctx.list, 0))->type, AS_CDT_CTX_LIST_INDEX);
    assert_string_equal(packed(&ctx),
                        "dc 00 12 10 ff cc 90 03 11 01 13 a2 03 76 20 00 21 ff 22 07 cc a2 a2 03 "
                        "6b 23 a2 03 7a");
    as_cdt_ctx_destroy(&ctx);
    as_cdt_ctx_destroy(&ctx);
    as_cdt_ctx_destroy(NULL);
    static const struct {
        as_list_order order;
        bool pad;
        const char* bytes;
    } lists[] = {{AS_LIST_UNORDERED, false, "92 50 00"},
                 {AS_LIST_UNORDERED, true, "92 cc 90 00"},
                 {AS_LIST_ORDERED, false, "92 cc d0 00"}};
    for (size_t i = 0; i < 3; i++) {
        as_cdt_ctx_init(&ctx, 1);
        as_cdt_ctx_add_list_index_create(&ctx, 0, lists[i].order, lists[i].pad);
        assert_string_equal(packed(&ctx), lists[i].bytes);
        as_cdt_ctx_destroy(&ctx);
    }
    static const struct {
        as_map_order order;
        const char* bytes;
    } maps[] = {{AS_MAP_UNORDERED, "92 62 01"},
                {AS_MAP_KEY_ORDERED, "92 cc a2 01"},
                {AS_MAP_KEY_VALUE_ORDERED, "92 cc e2 01"}};
    for (size_t i = 0; i < 3; i++) {
        as_cdt_ctx* made = as_cdt_ctx_create(0);
        as_cdt_ctx_add_map_key_create(made, V("1"), maps[i].order);
        assert_string_equal(packed(made), maps[i].bytes);
        as_cdt_ctx_destroy(made);
    }
}

static void base64_both_ways(void** state)
{
    (void)state;
    as_cdt_ctx ctx, back;
    char text[64];
    as_cdt_ctx_init(&ctx, 2);
    as_cdt_ctx_add_map_key(&ctx, V("\"k1\""));
    as_cdt_ctx_add_list_rank(&ctx, 0);
    assert_int_equal(as_cdt_ctx_base64_capacity(&ctx), 13);
    assert_true(as_cdt_ctx_to_base64(&ctx, text, 13));
    assert_string_equal(text, "lCKjA2sxEQA=");
    assert_false(as_cdt_ctx_to_base64(&ctx, text, 12));
    assert_true(as_cdt_ctx_from_base64(&back, text));
    assert_string_equal(packed(&back), "94 22 a3 03 6b 31 11 00");
    as_cdt_ctx_destroy(&back);
    as_cdt_ctx_destroy(&ctx);
    static const char* const bad[] = {
        "", "lCKjA2sxEQA", "lCKjA2sx*QA=", "lCKjA2sxEQB=", "AAAA", "====", "kRA="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(as_cdt_ctx_from_base64(&back, bad[i]));
    }
}

static void unpacks_what_it_packs(void** state)
{
    (void)state;
    static const char* const good[] = {"9210ff",
                                       "92cc9003",
                                       "921101",
                                       "9213a20376",
                                       "922000",
                                       "9221ff",
                                       "922207",
                                       "92cca2a2036b",
                                       "9223a2037a",
                                       "9213d4ff00",
                                       "9423920102d0901000",
                                       "dc0002 1005"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char hex[64] = "";
        for (const char* p = good[i]; *p; p++) {
            if (*p != ' ') {
                strncat(hex, p, 1);
            }
        }
        test_bytes bytes = test_bytes_hex(hex);
        as_cdt_ctx ctx;
        bool is_ok = as_cdt_ctx_from_bytes(&ctx, bytes.data, (uint32_t)bytes.size);
        bool is_list_create = i == 10; /* 0xd0 isn't a type */
        assert_true(is_ok == !is_list_create);
        if (is_ok) {
            uint8_t room[64];
            uint32_t size = as_cdt_ctx_to_bytes(&ctx, room, sizeof(room));
            if (i < 10) {
                assert_int_equal(size, bytes.size);
                assert_memory_equal(room, bytes.data, size);
            }
            as_cdt_ctx_destroy(&ctx);
        }
        for (size_t cut = 0; cut < bytes.size; cut++) {
            assert_false(as_cdt_ctx_from_bytes(&ctx, bytes.data, (uint32_t)cut));
        }
        test_bytes_done(&bytes);
    }
    static const char* const bad[] = {"90",         "9110",   "931000", "9210a20361",
                                      "92a2031000", "920400", "9204c3", "922a91a20361",
                                      "921000ff",   "80",     "10",     "92cd020400"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_bytes bytes = test_bytes_hex(strlen(bad[i]) % 2 ? "c1" : bad[i]);
        as_cdt_ctx ctx;
        assert_false(as_cdt_ctx_from_bytes(&ctx, bytes.data, (uint32_t)bytes.size));
        test_bytes_done(&bytes);
    }
}

static void refuses_lethal_steps(void** state)
{
    (void)state;
    static const struct {
        int index;
        as_list_order order;
        bool pad;
        bool is_refused;
    } cases[] = {{-1, AS_LIST_UNORDERED, true, true},   {-2, AS_LIST_UNORDERED, true, true},
                 {-2, AS_LIST_ORDERED, false, true},    {-2, AS_LIST_UNORDERED, false, true},
                 {-1, AS_LIST_UNORDERED, false, false}, {-1, AS_LIST_ORDERED, false, false},
                 {0, AS_LIST_UNORDERED, true, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_cdt_ctx ctx;
        as_operations ops;
        as_cdt_ctx_inita(&ctx, 1);
        as_operations_inita(&ops, 1);
        as_cdt_ctx_add_list_index_create(&ctx, cases[i].index, cases[i].order, cases[i].pad);
        assert_true(as_operations_list_append(&ops, "b", &ctx, NULL, V("1")) ==
                    !cases[i].is_refused);
        assert_true(!tnd_operations_refusal(cdt_last(&ops)) == !cases[i].is_refused);
        assert_true((as_cdt_ctx_byte_capacity(&ctx) == 0) == cases[i].is_refused);
        as_operations_destroy(&ops);
        as_cdt_ctx_destroy(&ctx);
    }
    static const char* const keys[] = {"NIL", "*", "true", "1.5", "[1]", "x18\"00\""};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        as_cdt_ctx ctx;
        as_cdt_ctx_inita(&ctx, 1);
        as_cdt_ctx_add_map_key_create(&ctx, V(keys[i]), AS_MAP_UNORDERED);
        assert_refused("map key", as_operations_list_append(&ops, "b", &ctx, NULL, V("1")));
        as_cdt_ctx_destroy(&ctx);
    }
}

static void an_empty_context_is_none(void** state)
{
    (void)state;
    as_cdt_ctx ctx;
    as_cdt_ctx_init(&ctx, 0);
    assert_packs(AS_OPERATOR_CDT_READ, "91 10", as_operations_list_size(&ops, "b", &ctx));
    assert_int_equal(as_cdt_ctx_byte_capacity(&ctx), 0);
    as_cdt_ctx_destroy(&ctx);
}

static void without_memory(void** state)
{
    (void)state;
    as_cdt_ctx ctx;
    as_val* value = V("\"x\"");
    as_cdt_ctx_init(&ctx, 1);
    as_cdt_ctx_add_list_index(&ctx, 0);
    tnd_mem_fail(1, UINT64_MAX);
    assert_null(as_cdt_ctx_create(1));
    as_cdt_ctx_add_list_value(&ctx, value); /* lost, and not forgotten */
    tnd_mem_fail(0, 0);
    assert_refused("memory", as_operations_list_size(&ops, "b", &ctx));
    assert_int_equal(as_cdt_ctx_byte_capacity(&ctx), 0);
    as_cdt_ctx_destroy(&ctx);
    tnd_mem_fail(1, UINT64_MAX);
    as_cdt_ctx_init(&ctx, 1);
    as_cdt_ctx_add_list_index(&ctx, 0); /* the only step: what is nested doesn't become the bin */
    tnd_mem_fail(0, 0);
    assert_false(cdt_ctx_is_empty(&ctx));
    assert_refused("memory", as_operations_list_clear(&ops, "b", &ctx));
    as_cdt_ctx_destroy(&ctx);
    for (uint64_t n = 1; n < 12; n++) {
        tnd_mem_fail(n, 1);
        if (as_cdt_ctx_from_base64(&ctx, "lCKjA2sxEQA=")) {
            as_cdt_ctx_destroy(&ctx);
        }
        tnd_mem_fail(0, 0);
    }
}

static void encodes_base64(void** state)
{
    (void)state;
    static const char* const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xfb\xff", "+/8="}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char chars[16] = "";
        uint8_t bytes[16];
        size_t size = 99;
        size_t length = strlen(pairs[i][1]);
        assert_int_equal(tnd_base64_chars(strlen(pairs[i][0])), length);
        tnd_base64_encode(pairs[i][0], strlen(pairs[i][0]), chars);
        assert_memory_equal(chars, pairs[i][1], length);
        assert_true(tnd_base64_decode(pairs[i][1], length, bytes, &size));
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], size);
    }
    uint8_t bytes[16];
    size_t size;
    static const char* const bad[] = {"Z", "Zg=", "Zg", "Z===", "=Zg=", "Zg==Zg==", "Zh==", "Z g="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(tnd_base64_decode(bad[i], strlen(bad[i]), bytes, &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_every_step),         cmocka_unit_test(base64_both_ways),
        cmocka_unit_test(unpacks_what_it_packs),    cmocka_unit_test(refuses_lethal_steps),
        cmocka_unit_test(an_empty_context_is_none), cmocka_unit_test(without_memory),
        cmocka_unit_test(encodes_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
