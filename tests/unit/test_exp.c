/*
 * Packed expressions: base64 both ways, and who destroys those of a configuration.
 */
#include <aerospike/as_exp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_config.h>

static void is_the_bytes(void** state)
{
    (void)state;
    as_exp* exp = as_exp_from_base64("kwGTUQKhYQo="); /* bin a == 10 */
    static const uint8_t bytes[] = {0x93, 0x01, 0x93, 0x51, 0x02, 0xa1, 0x61, 0x0a};
    assert_non_null(exp);
    assert_int_equal(exp->packed_sz, sizeof(bytes));
    assert_memory_equal(exp->packed, bytes, sizeof(bytes));
    char* text = as_exp_to_base64(exp);
    assert_string_equal(text, "kwGTUQKhYQo=");
    as_exp_destroy_base64(text);
    text = as_exp_compile_b64(exp);
    assert_string_equal(text, "kwGTUQKhYQo=");
    as_exp_destroy_b64(text);
    as_exp_destroy(exp);
}

static void refuses_what_is_none(void** state)
{
    (void)state;
    static const char* const texts[] = {"", "k", "kwGTUQKhYQo", "kw GTUQKhYQo", "****", "===="};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(as_exp_from_base64(texts[i]));
    }
    assert_null(as_exp_from_base64(NULL));
    assert_null(as_exp_to_base64(NULL));
    as_exp_destroy(NULL);
    as_exp_destroy_base64(NULL);
}

/* Each once, also where it stands in several policies. */
static void belongs_to_its_configuration(void** state)
{
    (void)state;
    as_config config;
    as_config_init(&config);
    as_exp* shared = as_exp_from_base64("ww==");
    config.policies.read.base.filter_exp = shared;
    config.policies.batch_write.filter_exp = shared;
    config.policies.txn_roll.base.filter_exp = shared;
    config.policies.write.base.filter_exp = as_exp_from_base64("wg==");
    as_config_destroy(&config);
    assert_null(config.policies.txn_roll.base.filter_exp);
    as_config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_bytes),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(belongs_to_its_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
