#include "core/slice.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/lib/bytes.h"

static void cuts_at_the_first_stop(void** state)
{
    (void)state;
    tnd_slice rest = tnd_slice_text("a,bc,,d");
    tnd_slice piece;
    assert_true(tnd_slice_cut(&rest, ',', &piece));
    assert_true(tnd_slice_equals_text(piece, "a"));
    assert_true(tnd_slice_cut(&rest, ',', &piece));
    assert_true(tnd_slice_equals_text(piece, "bc"));
    assert_true(tnd_slice_cut(&rest, ',', &piece));
    assert_int_equal(piece.size, 0);
    assert_false(tnd_slice_cut(&rest, ',', &piece));
    assert_true(tnd_slice_equals_text(piece, "d"));
    assert_int_equal(rest.size, 0);
    assert_false(tnd_slice_cut(&rest, ',', &piece));
    assert_int_equal(piece.size, 0);
}

static void compares_by_length(void** state)
{
    (void)state;
    tnd_slice none = tnd_slice_of(NULL, 0);
    assert_true(tnd_slice_equals(none, tnd_slice_text("")));
    assert_false(tnd_slice_equals_text(tnd_slice_of("abc", 2), "abc"));
    assert_true(tnd_slice_equals_text(tnd_slice_of("abc", 2), "ab"));
    assert_false(tnd_slice_equals(tnd_slice_of("a\0b", 3), tnd_slice_of("a\0c", 3)));
    assert_true(tnd_slice_starts_with(tnd_slice_text("abc"), "ab"));
    assert_true(tnd_slice_starts_with(none, ""));
    assert_false(tnd_slice_starts_with(tnd_slice_of("abc", 1), "ab"));
    assert_false(tnd_slice_accept(&none, 'x'));
    assert_int_equal(tnd_slice_find(none, 'x'), 0);
}

static void reads_unsigned_numbers(void** state)
{
    (void)state;
    static const struct {
        const char* text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"4096", 4096, true, 4096},
        {"0004096", 4096, true, 4096},
        {"4097", 4096, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"18446744073709551620", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"1a", 9, false, 0},
        {"0x1", 9, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_bytes copy = test_bytes_copy(cases[i].text, strlen(cases[i].text));
        uint64_t value = 77;
        assert_int_equal(tnd_slice_u64(tnd_slice_of(copy.data, copy.size), cases[i].max, &value),
                         cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 77));
        test_bytes_done(&copy);
    }
}

static void reads_signed_numbers(void** state)
{
    (void)state;
    static const struct {
        const char* text;
        int64_t min;
        int64_t max;
        bool ok;
        int64_t value;
    } cases[] = {
        {"-1", -1, 5, true, -1},
        {"-2", -1, 5, false, 0},
        {"5", -1, 5, true, 5},
        {"6", -1, 5, false, 0},
        {"-0", -1, 5, true, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 77;
        assert_int_equal(
            tnd_slice_i64(tnd_slice_text(cases[i].text), cases[i].min, cases[i].max, &value),
            cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 77));
    }
}

static void knows_graphic_text(void** state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        assert_int_equal(tnd_slice_is_graphic(tnd_slice_of(&byte, 1)), c > 0x20 && c < 0x7f);
    }
    assert_true(tnd_slice_is_graphic(tnd_slice_of(NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_at_the_first_stop), cmocka_unit_test(compares_by_length),
        cmocka_unit_test(reads_unsigned_numbers), cmocka_unit_test(reads_signed_numbers),
        cmocka_unit_test(knows_graphic_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
