#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ripemd.h>

#include "tests/lib/bytes.h"

#define S63 "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
#define A50                                                                                        \
    "6161616161616161616161616161616161616161616161616161616161616161616161616161616161616161"     \
    "616161616161"
#define A200 A50 A50 A50 A50

/* protocol/records.md 2.2 (row 3 is row 1 in another namespace) and protocol/cluster.md appendix C
 */
static const struct {
    const char* set;
    uint8_t type;
    const char* value; /* hex */
    const char* digest;
    uint32_t partition;
} vectors[] = {
    {"demo", 3, "6b657931", "ec91192d4b7f8ce35d5d78d34bca65cbaaaac960", 492},
    {"", 3, "6b657931", "579f05ecf9e6a9e796f4da2ab0b1323364df5c10", 3927},
    {"demo", 3, "", "6253653507ba82c3f57c87af2f86d39033149e0c", 866},
    {"users", 3, "636166c3a9", "52d6a74f7aee5edbe2b1fd305429afdc5b694bd5", 1618},
    {"demo", 1, "0000000000000000", "ceded27492b392e0232514bb54a8ec2076acef37", 3790},
    {"demo", 1, "0000000000000001", "b7f4b83889e2da67de683e1df6919a1eacc446c8", 1207},
    {"demo", 1, "ffffffffffffffff", "e9d49a24c3debdc5a6d551d3e7087999a263bb97", 1257},
    {"", 1, "0000000000000001", "a443f05d05d962202b59abb402afae1737dbf66a", 932},
    {"demo", 1, "7fffffffffffffff", "6964c1df0d52acf332aef2bfdd54ba366285d051", 1129},
    {"demo", 1, "8000000000000000", "ed1e7c46ae5e7ece2d07934101b63291bf9a3606", 3821},
    {"users", 1, "0000011f71fb04cb", "6ed8d299bf013fd4c4c3ebcfc5df34d86e7a8496", 2158},
    {"demo", 4, "00010203ff", "fae4021ee054959a1544b5dc25bb67697cfc46af", 1274},
    {"demo", 4, "", "ba6e293c8560135577bdfacf15ad7d2b5fc3694f", 3770},
    {"demo", 4, "6b657931", "c3d9ee7252bb75fdd6172ac69dc44cb31fbe2c2a", 2499},
    {"demo", 7, "00010203ff", "322d718c6865b7b148a157d76e9a3eee49d6ab5b", 3378},
    {"demo", 2, "3ff8000000000000", "10c03b48ac9b3ad8020721c4ef63d5e84485edce", 16},
    {"demo", 2, "8000000000000000", "6f2baa2819d53ca8b0bebbe2cbc023a14f5c6932", 2927},
    {"demo", 2, "0000000000000000", "4b13dc701e0764e014b43721240626b0576552d8", 843},
    {S63, 3, "6b", "2d32f599cfbdc25d4ceaf6ea14185b96e8726243", 557},
    {"demo", 3, A200, "49ccb23eca9b48adc06df7f2d9e0a0fcd9b91f69", 3145},
    {"<ERO~MRT", 1, "1122334455667788", "d297550848879b2069e5382d25e0648eecfa331a", 2002},
    {"s", 1, "0000000000000000", "7346934414445d9169887f9ae1623e5b8f458a1a", 1651},
    {"s", 1, "0000000000000001", "a03bfb6c065d213ba0b225696394a260f4bb7cb1", 2976},
    {"s", 1, "0000000000000002", "73d09c8061be050a5b105d55e898a9b12ba77567", 115},
    {"s", 1, "0000000000000003", "07ca50c2085576a2e211e1d038a08080e7368c69", 2567},
    {"s", 1, "0000000000000004", "1965a098b28168d1133256c4af19b73fdd64c62d", 1305},
    {"s", 1, "0000000000000005", "1094a3a7fdd88695d0b614beac7e5259f4697f22", 1040},
    {"demo", 3, "6b31", "b747f5854d0b33259928d0cfab7fad81d6abfbf6", 1975},
};

static void vectors_of_the_official_client(void** state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        test_bytes value = test_bytes_hex(vectors[i].value);
        test_bytes expected = test_bytes_hex(vectors[i].digest);
        uint8_t digest[TND_DIGEST_BYTES];
        tnd_digest(vectors[i].set, strlen(vectors[i].set), vectors[i].type, value.data, value.size,
                   digest);
        assert_memory_equal(digest, expected.data, sizeof(digest));
        assert_int_equal(tnd_digest_partition(digest), vectors[i].partition);
        test_bytes_done(&value);
        test_bytes_done(&expected);
    }
}

/* The hash itself, with the type byte as the first byte hashed. */
static void is_ripemd_160(void** state)
{
    (void)state;
    test_bytes expected = test_bytes_hex("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    uint8_t digest[TND_DIGEST_BYTES];
    tnd_digest(NULL, 0, 'a', "bc", 2, digest);
    assert_memory_equal(digest, expected.data, sizeof(digest));
    tnd_digest("ab", 2, 'c', NULL, 0, digest);
    assert_memory_equal(digest, expected.data, sizeof(digest));
    test_bytes_done(&expected);
}

static void partitions_are_twelve_bits(void** state)
{
    (void)state;
    uint8_t digest[TND_DIGEST_BYTES] = {0xff, 0xff};
    assert_int_equal(tnd_digest_partition(digest), 4095);
    digest[0] = 0x34;
    digest[1] = 0x12;
    assert_int_equal(tnd_digest_partition(digest), 0x234);
}

/* Around the sizes where the padding fills a block, against the plain sequence of calls. */
static void test_every_size_around_a_block(void** state)
{
    (void)state;
    static const char set[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk";
    uint8_t value[130];
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = (uint8_t)(i * 7);
    }
    for (size_t set_size = 0; set_size < sizeof(set); set_size += 9) {
        for (size_t size = 0; size <= sizeof(value); size++) {
            uint8_t type = 3, expected[TND_DIGEST_BYTES], digest[TND_DIGEST_BYTES];
            RIPEMD160_CTX context;
            RIPEMD160_Init(&context);
            RIPEMD160_Update(&context, set, set_size);
            RIPEMD160_Update(&context, &type, 1);
            RIPEMD160_Update(&context, value, size);
            RIPEMD160_Final(expected, &context);
            tnd_digest(set, set_size, type, value, size, digest);
            assert_memory_equal(digest, expected, sizeof(digest));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_around_a_block),
        cmocka_unit_test(vectors_of_the_official_client),
        cmocka_unit_test(is_ripemd_160),
        cmocka_unit_test(partitions_are_twelve_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
