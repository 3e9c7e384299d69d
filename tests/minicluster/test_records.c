// Record commands: the captured messages of protocol/records.md 5 byte by byte, and the rules of
// sections 1, 3, 4 and 10 one by one.
#include "message.h"
#include "testing.h"
#include "vectors.h"

typedef struct fixture {
    mc_cluster* cluster;
    mc_conn* conn;
} fixture;

static int setup(void** state)
{
    fixture* f = calloc(1, sizeof(*f));
    mc_config config = {.nodes = 1, .unix_base_ms = (1262304000ull + 533081294) * 1000};
    const char* why;
    mc_config_namespaces(&config, "test,frozen:nsup-off,strong:sc", &why);
    f->cluster = testing_cluster(config);
    f->conn = mc_cluster_accept(f->cluster, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void** state)
{
    fixture* f = *state;
    mc_cluster_free(f->cluster);
    free(f);
    return 0;
}

// A vector with some bytes of its header changed: offset and value pairs, ended by 0.
static const char* patched(const char* hex, const unsigned* pairs)
{
    static char copy[2000];
    snprintf(copy, sizeof(copy), "%s", hex);
    for (; pairs[0]; pairs += 2) {
        char byte[3];
        snprintf(byte, sizeof(byte), "%02x", pairs[1] & 255);
        memcpy(copy + 2 * pairs[0], byte, 2);
    }
    return copy;
}

#define PATCH(hex, ...) patched(hex, (const unsigned[]){__VA_ARGS__, 0})

enum {
    AT_INFO1 = 9,
    AT_INFO2 = 10,
    AT_INFO3 = 11,
    AT_INFO4 = 12,
    AT_RESULT = 13
};
enum {
    AT_GENERATION = 14,
    AT_TTL = 18,
    AT_COUNTS = 26
};

static unsigned byte_at(const char* hex, size_t at)
{
    unsigned byte = 0;
    assert_true(strlen(hex) > 2 * at);
    sscanf(hex + 2 * at, "%2x", &byte);
    return byte;
}

static unsigned generation_of(const char* hex)
{
    return byte_at(hex, AT_GENERATION + 2) << 8 | byte_at(hex, AT_GENERATION + 3);
}

static int result_of(fixture* f, const char* hex)
{
    return (int)byte_at(testing_ask(f->conn, hex), AT_RESULT);
}

// Brings the record to this generation by touches.
static void raise_generation(fixture* f, unsigned generation)
{
    for (;;) {
        const char* reply = testing_ask(f->conn, vector_exists_request);
        if (generation_of(reply) >= generation) {
            assert_int_equal(generation_of(reply), generation);
            return;
        }
        assert_int_equal(result_of(f, vector_touch_request), 0);
    }
}

static void test_put_get_remove_as_captured(void** state)
{
    fixture* f = *state;
    assert_string_equal(testing_ask(f->conn, vector_get_request), vector_missing_reply);
    assert_string_equal(testing_ask(f->conn, vector_put_request), vector_put_reply);
    assert_string_equal(testing_ask(f->conn, vector_get_request), vector_get_reply);
    assert_string_equal(testing_ask(f->conn, vector_exists_request), vector_exists_reply);
    assert_string_equal(testing_ask(f->conn, vector_select_request), vector_select_reply);
    raise_generation(f, 6);
    const char* put_ttl = PATCH(vector_put_request, AT_TTL + 3, 100);
    assert_string_equal(testing_ask(f->conn, put_ttl), vector_put_ttl_reply);
    raise_generation(f, 14);
    assert_string_equal(testing_ask(f->conn, vector_touch_request), vector_touch_reply);
    assert_int_equal(result_of(f, vector_remove_request), 0);
    assert_string_equal(testing_ask(f->conn, vector_remove_request), vector_missing_reply);
}

static void test_all_types_as_captured(void** state)
{
    fixture* f = *state;
    char get[400];
    assert_int_equal(result_of(f, vector_put_all_types_request), 0);
    snprintf(get, sizeof(get), "%s", vector_get_request);
    // The digest of that record stands at the same place of both messages.
    memcpy(get + 2 * 53, vector_put_all_types_request + 2 * 53, 40);
    assert_string_equal(testing_ask(f->conn, get), vector_get_all_types_reply);
    assert_int_equal(result_of(f, vector_remove_bin_request), 0);
    assert_int_equal(byte_at(testing_ask(f->conn, get), 29), 8); // bins
}

static void test_operate_as_captured(void** state)
{
    fixture* f = *state;
    testing_ask(f->conn, PATCH(vector_put_request, 89, 2));
    raise_generation(f, 15);
    assert_string_equal(testing_ask(f->conn, vector_operate_request), vector_operate_reply);
    const char* all = PATCH(vector_operate_request, AT_INFO2, 0x81);
    assert_string_equal(testing_ask(f->conn, all), vector_operate_respond_all_reply);
}

// The requests of these two stand in words only: READ a, INCR a by 1, READ a, TOUCH.
static void same_bin(char* ret_hex, size_t size, const char* info2)
{
    snprintf(ret_hex, size,
             "0203 00000000006c 1601%s000000 00000000 00000000 000003e8 0003 0004"
             "00000005 00 74657374 00000005 01 64656d6f"
             "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
             "00000005 01 00 00 01 61 0000000d 05 01 00 01 61 0000000000000001"
             "00000005 01 00 00 01 61 00000004 0b 00 00 00",
             info2);
    uint8_t bytes[400];
    assert_int_equal(testing_unhex(ret_hex, bytes), 0x6c + 8);
}

static void test_one_bin_several_times_as_captured(void** state)
{
    fixture* f = *state;
    char hex[600];
    testing_ask(f->conn, PATCH(vector_put_request, 89, 12));
    raise_generation(f, 17);
    same_bin(hex, sizeof(hex), "01");
    assert_string_equal(testing_ask(f->conn, hex), vector_same_bin_reply);
    same_bin(hex, sizeof(hex), "81");
    assert_string_equal(testing_ask(f->conn, hex), vector_same_bin_respond_all_reply);
    const char* reply = testing_ask(f->conn, vector_incr_read_all_request);
    assert_int_equal(generation_of(reply), 20);
    // READ a and READ "none", nothing written.
    const char* read_only = "0203 000000000056 160180000000 00000000 00000000 000003e8 0003 0002"
                            "00000005 00 74657374 00000005 01 64656d6f"
                            "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                            "00000005 01 00 00 01 61 00000008 01 00 00 04 6e6f6e65";
    assert_string_equal(testing_ask(f->conn, read_only), vector_read_only_respond_all_reply);
}

static void test_delete_all_as_captured(void** state)
{
    fixture* f = *state;
    testing_ask(f->conn, PATCH(vector_put_request, 81, 'n')); // bin "n" = 1
    assert_string_equal(testing_ask(f->conn, vector_delete_all_request), vector_delete_all_reply);
    assert_int_equal(result_of(f, vector_get_request), 2);
    assert_int_equal(result_of(f, vector_delete_all_request), 2);
}

static void test_exists_policies(void** state)
{
    fixture* f = *state;
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 0x08)), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 0x20)), 2);
    assert_int_equal(result_of(f, vector_touch_request), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 0x21)), 0);
    const char* reply = testing_ask(f->conn, PATCH(vector_put_request, AT_INFO2, 0x21));
    assert_int_equal(byte_at(reply, AT_RESULT), 5);
    assert_int_equal(generation_of(reply), 1);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 0x08)), 0);
    testing_ask(f->conn, PATCH(vector_put_request, 81, 'b'));
    assert_int_equal(byte_at(testing_ask(f->conn, vector_get_request), 29), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 0x10)), 0);
    assert_int_equal(byte_at(testing_ask(f->conn, vector_get_request), 29), 1);
}

static void test_generation_policies(void** state)
{
    fixture* f = *state;
    unsigned at = AT_GENERATION + 3;
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 5, at, 4)), 3);
    assert_int_equal(result_of(f, vector_get_request), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 5, at, 0)), 0);
    const char* reply = testing_ask(f->conn, PATCH(vector_put_request, AT_INFO2, 5, at, 4));
    assert_int_equal(byte_at(reply, AT_RESULT), 3);
    assert_int_equal(generation_of(reply), 1);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 5, at, 1)), 0);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 9, at, 2)), 3);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 9, at, 3)), 0);
    assert_int_equal(result_of(f, PATCH(vector_remove_request, AT_INFO2, 7, at, 9)), 3);
    assert_int_equal(result_of(f, PATCH(vector_remove_request, AT_INFO2, 7, at, 3)), 0);
    // 65535 is followed by 1.
    assert_int_equal(result_of(f, vector_put_request), 0);
    uint8_t digest[20];
    testing_unhex("ec91192d4b7f8ce35d5d78d34bca65cbaaaac960", digest);
    mc_store_find(f->cluster->namespaces[0]->store, digest)->generation = 65535;
    assert_int_equal(generation_of(testing_ask(f->conn, vector_put_request)), 1);
}

static const char* ask_at(fixture* f, const char* hex, uint64_t now_ms)
{
    uint8_t bytes[1000];
    return testing_ask_at(f->conn, bytes, testing_unhex(hex, bytes), now_ms);
}

static void test_expired_and_reaped(void** state)
{
    fixture* f = *state;
    raise_generation(f, 0);
    testing_ask(f->conn, PATCH(vector_put_request, AT_TTL + 3, 10));
    testing_ask(f->conn, PATCH(vector_put_request, AT_TTL + 3, 10));
    assert_int_equal(byte_at(ask_at(f, vector_get_request, 9000), AT_RESULT), 0);
    const char* reply = ask_at(f, vector_get_request, 10000);
    assert_int_equal(byte_at(reply, AT_RESULT), 2);
    assert_int_equal(generation_of(reply), 2); // the old one
    reply = ask_at(f, PATCH(vector_put_request, AT_INFO2, 5, AT_GENERATION + 3, 2), 10000);
    assert_int_equal(byte_at(reply, AT_RESULT), 3);
    assert_int_equal(byte_at(ask_at(f, vector_remove_request, 10000), AT_RESULT), 0);
    assert_int_equal(byte_at(ask_at(f, vector_remove_request, 10000), AT_RESULT), 2);
    ask_at(f, PATCH(vector_put_request, AT_TTL + 3, 10), 10000);
    reply = ask_at(f, PATCH(vector_put_request, AT_INFO2, 0x21), 20000);
    assert_int_equal(byte_at(reply, AT_RESULT), 0);
    assert_int_equal(generation_of(reply), 1);
    ask_at(f, PATCH(vector_put_request, AT_TTL + 3, 10), 20000);
    mc_cluster_tick(f->cluster, 120000);
    assert_int_equal(mc_store_count(f->cluster->namespaces[0]->store), 0);
}

static void test_ttl_values(void** state)
{
    fixture* f = *state;
    static const struct {
        unsigned bytes[4];
        int result;
    } cases[] = {{{0x12, 0xcc, 0x03, 0x00}, 0},  // 10 years
                 {{0x12, 0xcc, 0x03, 0x01}, 4},  // and a second
                 {{0xff, 0xff, 0xff, 0xfd}, 4},  // -3
                 {{0xff, 0xff, 0xff, 0xfe}, 0},  // keep
                 {{0xff, 0xff, 0xff, 0xff}, 0}}; // never
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const unsigned* b = cases[i].bytes;
        const char* put = PATCH(vector_put_request, AT_TTL, b[0], AT_TTL + 1, b[1], AT_TTL + 2,
                                b[2], AT_TTL + 3, b[3]);
        assert_int_equal(result_of(f, put), cases[i].result);
    }
    // A ttl on a namespace without a reaper is forbidden.
    const char* frozen = "0203 000000000054 160001000000 00000000 00000064 000003e8 0003 0001"
                         "00000007 00 66726f7a656e 00000005 01 64656d6f"
                         "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                         "0000000d 02 01 00 01 61 0000000000000001";
    assert_int_equal(result_of(f, frozen), 22);
}

static void test_keys_and_sets(void** state)
{
    fixture* f = *state;
    unsigned key = 8 + 22 + 9 + 9 + 25 + 5; // the stored key's type byte
    assert_int_equal(result_of(f, vector_put_request), 0);
    assert_int_equal(result_of(f, vector_put_key_request), 0);
    assert_int_equal(result_of(f, vector_put_key_request), 0);
    assert_int_equal(result_of(f, PATCH(vector_put_key_request, key, 4)), 19);
    unsigned set = 8 + 22 + 9 + 5;
    assert_int_equal(result_of(f, PATCH(vector_get_request, set, 'x')), 4);
    assert_int_equal(result_of(f, PATCH(vector_put_request, set, 'x')), 4);
    assert_int_equal(result_of(f, PATCH(vector_remove_request, set, 'x')), 4);
    assert_int_equal(result_of(f, vector_remove_request), 0);
    // An integer key of another length, on a write that would store it.
    assert_int_equal(result_of(f, PATCH(vector_put_key_request, key, 1)), 16);
}

static void test_refusals(void** state)
{
    fixture* f = *state;
    unsigned ns = 8 + 22 + 5;
    unsigned digest_type = 8 + 22 + 9 + 9 + 4;
    const struct {
        const char* hex;
        unsigned patch[5];
        int result;
    } cases[] = {
        {vector_get_request, {ns, 'x', 0}, 20},
        {vector_get_request, {digest_type, 99, 0}, 16},
        {vector_get_request, {AT_INFO1, 0, 0}, 4},
        {vector_get_request, {AT_INFO1, 1, 0}, 4},     // a read of nothing
        {vector_get_request, {AT_INFO3, 0x40, 0}, 25}, // linearize
        {vector_get_request, {AT_INFO4, 1, 0}, 25},
        {vector_get_request, {AT_COUNTS + 1, 0, 0}, 20},
        {vector_get_request, {AT_COUNTS + 1, 4, 0}, 4},
        {vector_get_request, {AT_COUNTS + 1, 2, 0}, 4},
        {vector_get_request, {AT_COUNTS + 3, 1, 0}, 4},
        {vector_get_request, {8, 30, 0}, 0},      // header_sz is ignored
        {vector_select_request, {77, 2, 0}, 4},   // a write on the read path
        {vector_select_request, {77, 17, 0}, 4},  // an unknown operation
        {vector_select_request, {77, 15, 0}, 16}, // HLL
        {vector_put_request, {77, 16, 0}, 16},
        {vector_select_request, {77, 3, 0}, 4}, // a list operation without its code
        {vector_put_request, {77, 4, 0}, 4},
        {vector_put_request, {77, 6, 0}, 4},
        {vector_put_request, {77, 1, 0}, 4}, // a read without READ
        {vector_put_request, {78, 5, 0}, 4}, // particle types
        {vector_put_request, {78, 24, 0}, 4},
        {vector_put_request, {78, 17, 0}, 4},
        {vector_put_request, {78, 20, 0}, 1},
        {vector_put_request, {78, 23, 0}, 160},
        {vector_put_request, {80, 4, 81, 0, 0}, 21}, // NUL in a name
        {vector_remove_request, {AT_INFO2, 0x13, 0}, 25},
        {vector_touch_request, {AT_INFO3, 0x10, 0}, 4},
        {"0203 000000000000", {0}, 4},
        {"0203 00000000000a 16030000000000000000", {0}, 4},
        {"0204 000000000000", {0}, 25},
        {"0203 000000000016 16030000000000000000000000000000000000000000", {0}, 20},
    };
    assert_int_equal(result_of(f, vector_put_request), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int result = result_of(f, patched(cases[i].hex, cases[i].patch));
        if (result != cases[i].result) {
            fail_msg("case %zu: %d, not %d", i, result, cases[i].result);
        }
    }
}

// Which of several faults is told, as a real server does.
static void test_the_order_of_checks(void** state)
{
    fixture* f = *state;
    unsigned set = 8 + 22 + 9 + 5;
    // Missing: found missing before its operations are looked at.
    assert_int_equal(result_of(f, PATCH(vector_select_request, 77, 17)), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 8, 78, 5)), 2);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO3, 8, 81, 0)), 21);
    testing_ask(f->conn, vector_put_request);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 0x21, 78, 5)), 5);
    assert_int_equal(result_of(f, PATCH(vector_put_request, AT_INFO2, 5, AT_TTL, 99)), 3);
    assert_int_equal(result_of(f, PATCH(vector_remove_request, AT_INFO2, 7, set, 'x')), 4);
    // An error of an operation tells the record's generation.
    const char* reply = testing_ask(f->conn, PATCH(vector_put_request, 78, 23));
    assert_int_equal(byte_at(reply, AT_RESULT), 160);
    assert_int_equal(generation_of(reply), 1);
}

static void test_a_failing_operation_changes_nothing(void** state)
{
    fixture* f = *state;
    testing_ask(f->conn, vector_put_request);
    // Writes "s", then appends text to the integer "a".
    const char* put = "0203 000000000058 160001000000 00000000 00000000 000003e8 0003 0002"
                      "00000005 00 74657374 00000005 01 64656d6f"
                      "00000015 04 ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                      "00000007 02 03 00 01 73 6162 00000008 09 03 00 01 61 636465";
    assert_int_equal(result_of(f, put), 12);
    assert_string_equal(testing_ask(f->conn, vector_get_request), vector_get_reply);
}

static int put_blob(fixture* f, uint32_t len)
{
    mc_bytes m = {0};
    uint8_t head[300];
    size_t n = testing_unhex(vector_put_request, head);
    mc_bytes_add(&m, head, n - 8);
    mc_be_set(m.data + 73, 5 + len, 4);
    m.data[78] = 4;
    uint8_t* room = mc_bytes_room(&m, len);
    memset(room, 7, len);
    m.len += len;
    mc_frame_end(&m, 0);
    mc_conn_input(f->conn, m.data, m.len, 0);
    mc_bytes_done(&m);
    return testing_result(f->conn, 0);
}

static void test_the_greatest_record(void** state)
{
    fixture* f = *state;
    assert_int_equal(put_blob(f, 1048516), 0);
    assert_int_equal(put_blob(f, 1048536), 13);
}

static void test_answers_do_not_depend_on_the_cuts(void** state)
{
    fixture* f = *state;
    uint8_t bytes[400];
    size_t len = testing_unhex(vector_put_all_types_request, bytes);
    for (size_t cut = 1; cut < len; cut++) {
        mc_conn_input(f->conn, bytes, cut, 0);
        assert_int_equal(mc_conn_pending(f->conn), 0);
        assert_int_equal(mc_conn_want(f->conn), cut < 8 ? 8 - cut : len - cut);
        mc_conn_input(f->conn, bytes + cut, len - cut, 0);
        assert_int_equal(testing_result(f->conn, 0), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_put_get_remove_as_captured),
        TEST(test_all_types_as_captured),
        TEST(test_operate_as_captured),
        TEST(test_one_bin_several_times_as_captured),
        TEST(test_delete_all_as_captured),
        TEST(test_exists_policies),
        TEST(test_generation_policies),
        TEST(test_expired_and_reaped),
        TEST(test_ttl_values),
        TEST(test_keys_and_sets),
        TEST(test_refusals),
        TEST(test_the_order_of_checks),
        TEST(test_a_failing_operation_changes_nothing),
        TEST(test_the_greatest_record),
        TEST(test_answers_do_not_depend_on_the_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
