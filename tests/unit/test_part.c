#include "core/part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#include "tests/lib/bytes.h"

/* An encoder of the test's own: the slowest possible, bit by bit. */
static void encode(const uint8_t bitmap[TND_PART_BITMAP_BYTES], char ret_text[])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < TND_PART_BASE64_CHARS; i++) {
        unsigned value = 0;
        for (size_t bit = 6 * i; bit < 6 * i + 6; bit++) {
            unsigned is_set = bit < TND_PARTITION_COUNT && (bitmap[bit / 8] >> (7 - bit % 8) & 1);
            value = value << 1 | is_set;
        }
        ret_text[i] = alphabet[value];
    }
    ret_text[TND_PART_BASE64_CHARS - 1] = '=';
}

static void random_bitmap(test_prng* prng, uint8_t ret_bitmap[TND_PART_BITMAP_BYTES])
{
    for (size_t i = 0; i < TND_PART_BITMAP_BYTES; i++) {
        ret_bitmap[i] = (uint8_t)test_prng_next(prng);
    }
}

/* Room for a reply of a few namespaces. */
typedef struct text {
    char data[16 * 1024];
    size_t size;
} text;

static void add(text* t, const char* piece)
{
    memcpy(t->data + t->size, piece, strlen(piece));
    t->size += strlen(piece);
}

static void add_bitmap(text* t, uint8_t fill)
{
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    memset(bitmap, fill, sizeof(bitmap));
    encode(bitmap, t->data + t->size);
    t->size += TND_PART_BASE64_CHARS;
}

static bool opens(const text* t, uint8_t columns_max)
{
    test_bytes copy = test_bytes_copy(t->data, t->size);
    tnd_part_reader reader;
    const char* reason = NULL;
    bool ok = tnd_part_open(&reader, tnd_slice_of(copy.data, copy.size), columns_max, &reason);
    assert_true(ok || reason);
    test_bytes_done(&copy);
    return ok;
}

static void decodes_the_documented_bits(void** state)
{
    (void)state;
    static const uint32_t expected[] = {2, 5, 6, 9, 12, 13, 14, 15, 17, 18, 23};
    char chars[TND_PART_BASE64_CHARS];
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    memset(chars, 'A', sizeof(chars));
    memcpy(chars, "Jk9h", 4);
    chars[sizeof(chars) - 1] = '=';
    assert_true(tnd_part_decode(tnd_slice_of(chars, sizeof(chars)), bitmap));
    assert_memory_equal(bitmap, "\x26\x4f\x61", 3);
    assert_int_equal(tnd_part_count(bitmap), sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(tnd_part_has(bitmap, expected[i]));
    }
    assert_false(tnd_part_has(bitmap, 0));
    assert_false(tnd_part_has(bitmap, 24));
}

static void decodes_any_bitmap(void** state)
{
    (void)state;
    test_prng prng = {.state = 7};
    for (unsigned round = 0; round < 200; round++) {
        uint8_t bitmap[TND_PART_BITMAP_BYTES];
        uint8_t decoded[TND_PART_BITMAP_BYTES];
        char chars[TND_PART_BASE64_CHARS];
        random_bitmap(&prng, bitmap);
        encode(bitmap, chars);
        assert_true(tnd_part_decode(tnd_slice_of(chars, sizeof(chars)), decoded));
        assert_memory_equal(decoded, bitmap, sizeof(bitmap));
        uint32_t count = 0;
        for (uint32_t pid = 0; pid < TND_PARTITION_COUNT; pid++) {
            bool is_set = bitmap[pid / 8] >> (7 - pid % 8) & 1;
            assert_int_equal(tnd_part_has(decoded, pid), is_set);
            count += is_set;
        }
        assert_int_equal(tnd_part_count(decoded), count);
    }
}

/* Every character in turn replaced by everything that isn't in the alphabet. */
static void refuses_foreign_characters(void** state)
{
    (void)state;
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    char chars[TND_PART_BASE64_CHARS];
    memset(bitmap, 0x5a, sizeof(bitmap));
    encode(bitmap, chars);
    tnd_slice whole = tnd_slice_of(chars, sizeof(chars));
    for (size_t at = 0; at < sizeof(chars); at++) {
        char good = chars[at];
        for (int c = 0; c < 256; c++) {
            bool is_base64 = c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789+/",
                                         c);
            chars[at] = (char)c;
            if (at == sizeof(chars) - 1) {
                assert_int_equal(tnd_part_decode(whole, bitmap), c == '=');
            } else if (at == sizeof(chars) - 2) {
                /* The last character before the padding has two bits that must be 0. */
                assert_true(is_base64 || !tnd_part_decode(whole, bitmap));
            } else {
                assert_int_equal(tnd_part_decode(whole, bitmap), is_base64);
            }
        }
        chars[at] = good;
    }
    chars[sizeof(chars) - 2] = 'B';
    assert_false(tnd_part_decode(whole, bitmap));
    chars[sizeof(chars) - 2] = 'E';
    assert_true(tnd_part_decode(whole, bitmap));
}

static void refuses_other_lengths(void** state)
{
    (void)state;
    char chars[TND_PART_BASE64_CHARS + 4];
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    memset(chars, 'A', sizeof(chars));
    for (size_t size = 0; size <= sizeof(chars); size++) {
        test_bytes copy = test_bytes_copy(chars, size);
        if (size > 0) {
            copy.data[size - 1] = '=';
        }
        assert_int_equal(tnd_part_decode(tnd_slice_of(copy.data, copy.size), bitmap),
                         size == TND_PART_BASE64_CHARS);
        test_bytes_done(&copy);
    }
}

/* test: regime 0, two columns; bar: regime 4294967295, one column. */
static void two_namespaces(text* t)
{
    t->size = 0;
    add(t, "test:0,2,");
    add_bitmap(t, 0xf0);
    add(t, ",");
    add_bitmap(t, 0x0f);
    add(t, ";bar:4294967295,1,");
    add_bitmap(t, 0x01);
}

static void reads_namespaces_and_columns(void** state)
{
    (void)state;
    text t;
    two_namespaces(&t);
    tnd_part_reader reader;
    tnd_part_claim claim;
    const char* reason = NULL;
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    assert_true(tnd_part_open(&reader, tnd_slice_of(t.data, t.size), 0, &reason));

    assert_true(tnd_part_next(&reader, &claim));
    assert_true(tnd_slice_equals_text(claim.ns, "test"));
    assert_int_equal(claim.regime, 0);
    assert_int_equal(claim.factor, 2);
    assert_int_equal(claim.columns_count, 2);
    assert_true(tnd_part_decode(tnd_part_column(&claim, 0), bitmap));
    assert_int_equal(bitmap[511], 0xf0);
    assert_true(tnd_part_decode(tnd_part_column(&claim, 1), bitmap));
    assert_int_equal(bitmap[0], 0x0f);
    assert_int_equal(tnd_part_count(bitmap), 2048);

    assert_true(tnd_part_next(&reader, &claim));
    assert_true(tnd_slice_equals_text(claim.ns, "bar"));
    assert_true(claim.regime == UINT32_MAX);
    assert_int_equal(claim.columns_count, 1);
    assert_true(tnd_part_decode(tnd_part_column(&claim, 0), bitmap));
    assert_int_equal(tnd_part_count(bitmap), 512);
    assert_false(tnd_part_next(&reader, &claim));
    assert_false(tnd_part_next(&reader, &claim));
}

static void tolerates_what_servers_vary(void** state)
{
    (void)state;
    text t;
    two_namespaces(&t);
    add(&t, ";");
    assert_true(opens(&t, 0));
    t.size = 0;
    assert_true(opens(&t, 0));
    add(&t, "ns:,1,"); /* no regime */
    add_bitmap(&t, 0);
    assert_true(opens(&t, 0));
}

/* A limited request may print the full factor with fewer bitmaps, or the limit as the factor. */
static void honours_the_limit_of_the_request(void** state)
{
    (void)state;
    text t = {.size = 0};
    add(&t, "test:7,5,");
    add_bitmap(&t, 1);
    for (int i = 1; i < 3; i++) {
        add(&t, ",");
        add_bitmap(&t, 1);
    }
    assert_true(opens(&t, 3));
    assert_false(opens(&t, 0));
    assert_false(opens(&t, 2));
    assert_false(opens(&t, 4));
    tnd_part_reader reader;
    tnd_part_claim claim;
    const char* reason;
    assert_true(tnd_part_open(&reader, tnd_slice_of(t.data, t.size), 3, &reason));
    assert_true(tnd_part_next(&reader, &claim));
    assert_int_equal(claim.factor, 5);
    assert_int_equal(claim.columns_count, 3);
    for (int i = 3; i < 5; i++) {
        add(&t, ",");
        add_bitmap(&t, 1);
    }
    assert_true(opens(&t, 3));
    assert_true(opens(&t, 0));
}

static void refuses_malformed_text(void** state)
{
    (void)state;
    static const char* const heads[] = {
        ":0,1,",      "test,0,1,",  "test:0,0,",   "test:0,256,",
        "test:-1,1,", "test:x,1,",  "test:0,,",    "test:4294967296,1,",
        "test:0,1",   "te st:0,1,", "test\t:0,1,", "0123456789012345678901234567890x:0,1,",
        "test:0,+1,", "test:0,1,,", "test:0,2,",   "test:0,1 ,",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        text t = {.size = 0};
        add(&t, heads[i]);
        add_bitmap(&t, 0xff);
        assert_false(opens(&t, 0));
    }
    text t = {.size = 0};
    add(&t, "0123456789012345678901234567890:0,001,");
    add_bitmap(&t, 0xff);
    assert_true(opens(&t, 0));
    /* A comma that isn't where the second bitmap starts. */
    two_namespaces(&t);
    t.data[strlen("test:0,2,") + TND_PART_BASE64_CHARS] = 'A';
    assert_false(opens(&t, 0));
}

static void bounds_the_number_of_namespaces(void** state)
{
    (void)state;
    enum {
        ONE = 4 + 1 + 4 + TND_PART_BASE64_CHARS + 1
    };
    for (size_t count = TND_PART_NAMESPACES_MAX; count <= TND_PART_NAMESPACES_MAX + 1; count++) {
        test_bytes bytes = {.data = malloc(ONE * count), .size = ONE * count};
        assert_non_null(bytes.data);
        for (size_t i = 0; i < count; i++) {
            memset(bytes.data + ONE * i, 'A', ONE);
            memcpy(bytes.data + ONE * i, "abcd:0,1,", 9);
            bytes.data[ONE * (i + 1) - 2] = '=';
            bytes.data[ONE * (i + 1) - 1] = ';';
        }
        tnd_part_reader reader;
        const char* reason = NULL;
        assert_int_equal(tnd_part_open(&reader, tnd_slice_of(bytes.data, bytes.size), 0, &reason),
                         count == TND_PART_NAMESPACES_MAX);
        test_bytes_done(&bytes);
    }
}

/* Only a cut between two namespaces leaves a legal value. */
static void refuses_every_other_prefix(void** state)
{
    (void)state;
    text t;
    two_namespaces(&t);
    size_t whole = t.size;
    size_t first = strlen("test:0,2,") + 2 * TND_PART_BASE64_CHARS + 1;
    for (t.size = 0; t.size <= whole; t.size++) {
        bool expected = t.size == 0 || t.size == first || t.size == first + 1 || t.size == whole;
        assert_int_equal(opens(&t, 0), expected);
    }
}

static void survives_mutations(void** state)
{
    (void)state;
    text t;
    two_namespaces(&t);
    test_prng prng = {.state = 42};
    for (unsigned round = 0; round < 20000; round++) {
        test_bytes copy = test_bytes_copy(t.data, t.size);
        /* Most mutations should hit the heads rather than the bitmaps. */
        test_bytes head = {.data = copy.data, .size = round % 2 ? 12 : copy.size};
        test_bytes_mutate(&head, &prng);
        tnd_part_reader reader;
        tnd_part_claim claim;
        const char* reason = NULL;
        if (tnd_part_open(&reader, tnd_slice_of(copy.data, copy.size), 3, &reason)) {
            while (tnd_part_next(&reader, &claim)) {
                uint8_t bitmap[TND_PART_BITMAP_BYTES];
                assert_in_range(claim.ns.size, 1, TND_PART_NS_CHARS_MAX);
                for (uint32_t c = 0; c < claim.columns_count; c++) {
                    tnd_part_decode(tnd_part_column(&claim, c), bitmap);
                }
            }
            assert_int_equal(reader.rest.size, 0);
        } else {
            assert_non_null(reason);
        }
        test_bytes_done(&copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_the_documented_bits),
        cmocka_unit_test(decodes_any_bitmap),
        cmocka_unit_test(refuses_foreign_characters),
        cmocka_unit_test(refuses_other_lengths),
        cmocka_unit_test(reads_namespaces_and_columns),
        cmocka_unit_test(tolerates_what_servers_vary),
        cmocka_unit_test(honours_the_limit_of_the_request),
        cmocka_unit_test(refuses_malformed_text),
        cmocka_unit_test(bounds_the_number_of_namespaces),
        cmocka_unit_test(refuses_every_other_prefix),
        cmocka_unit_test(survives_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
