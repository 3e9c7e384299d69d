#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <aerospike/version.h>

/* The number and the text must name the same release. */
static void number_and_text_agree(void** state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof(text), "%ld.%ld.%ld", AEROSPIKE_CLIENT_VERSION / 100000000,
             AEROSPIKE_CLIENT_VERSION / 1000000 % 100, AEROSPIKE_CLIENT_VERSION / 1000 % 1000);
    assert_string_equal(aerospike_client_version, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(number_and_text_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
