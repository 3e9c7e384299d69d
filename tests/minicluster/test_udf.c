// UDFs: the captured messages of protocol/records.md 5.10 byte by byte, in single commands and in
// batches, and the rules of that section.
#include "message.h"
#include "testing.h"

typedef struct fixture {
    mc_cluster* cluster;
    mc_conn* conn;
} fixture;

#define PUT_PACKAGE "udf-put:filename=rec.lua;content=LS0=;content-len=4;udf-type=LUA;\n"

static int setup(void** state)
{
    fixture* f = calloc(1, sizeof(*f));
    mc_config config = {.nodes = 1, .unix_base_ms = (1262304000ull + 533081294) * 1000};
    f->cluster = testing_cluster(config);
    f->conn = mc_cluster_accept(f->cluster, 0, 0);
    testing_info(f->conn, PUT_PACKAGE);
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

static const char add_request[] = "020300000000005916000100000000000000000000000000"
                                  "03e800060000000000050074657374000000050164656d6f"
                                  "0000001504ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                                  "000000041e726563000000041f6164640000000420920203";

static const char missing_function_request[] = "020300000000005816000100000000000000000000000000"
                                               "03e800060000000000050074657374000000050164656d6f"
                                               "0000001504ec91192d4b7f8ce35d5d78d34bca65cbaaaac960"
                                               "000000041e726563000000051f6e6f666e000000022090";

// ---- calls --------------------------------------------------------------------------------------

typedef struct call {
    const char* package; // NULL: no field
    const char* function;
    const char* args; // hex digits of a msgpack list; NULL: no field
    uint32_t ttl;
    unsigned info1, info2, info3; // more bits than a UDF's
} call;

static void add_field(mc_bytes* out, unsigned type, const void* value, size_t len)
{
    mc_bytes_be(out, len + 1, 4);
    mc_bytes_u8(out, type);
    mc_bytes_add(out, value, len);
}

static void write_fields(mc_bytes* out, const call* c)
{
    uint8_t args[256];
    add_field(out, 0, "test", 4);
    if (c->package) {
        add_field(out, 30, c->package, strlen(c->package));
    }
    if (c->function) {
        add_field(out, 31, c->function, strlen(c->function));
    }
    if (c->args) {
        add_field(out, 32, args, testing_unhex(c->args, args));
    }
}

static unsigned fields_of(const call* c)
{
    return 1u + !!c->package + !!c->function + !!c->args;
}

// Applies it to the one record. All that is sent back, as hex digits.
static const char* apply(fixture* f, call c)
{
    mc_bytes out = {0};
    static const uint8_t digest[20] = {1, 2, 3};
    size_t begin = mc_frame_begin(&out, 3);
    mc_bytes_be(&out, 22, 1);
    mc_bytes_be(&out, c.info1, 1);
    mc_bytes_be(&out, MC_INFO2_WRITE | c.info2, 1);
    mc_bytes_be(&out, c.info3, 1);
    mc_bytes_be(&out, 0, 2);
    mc_bytes_be(&out, 0, 4);
    mc_bytes_be(&out, c.ttl, 4);
    mc_bytes_be(&out, 1000, 4);
    mc_bytes_be(&out, fields_of(&c) + 1, 2);
    mc_bytes_be(&out, 0, 2);
    write_fields(&out, &c);
    add_field(&out, 4, digest, sizeof(digest));
    mc_frame_end(&out, begin);
    const char* reply = testing_ask_at(f->conn, out.data, out.len, 0);
    mc_bytes_done(&out);
    return reply;
}

static unsigned number_at(const char* hex, size_t at, int width)
{
    uint8_t bytes[10000];
    assert_true(testing_unhex(hex, bytes) >= at + (size_t)width);
    return (unsigned)mc_be_get(bytes + at, width);
}

static unsigned result_of(const char* hex)
{
    return number_at(hex, 13, 1);
}

static unsigned generation_of(const char* hex)
{
    return number_at(hex, 14, 4);
}

// "SUCCESS 1 0000000000000005": the one entry's name, type and value.
static const char* entry_of(const char* hex)
{
    static char text[2000];
    uint8_t bytes[10000];
    size_t len = testing_unhex(hex, bytes);
    assert_true(len > 38 && mc_be_get(bytes + 28, 2) == 1);
    int used = sprintf(text, "%.7s %u ", bytes + 38, bytes[35]);
    for (size_t i = 45; i < len; i++) {
        used += sprintf(text + used, "%02x", bytes[i]);
    }
    return text;
}

#define CALL(function_, args_, ...)                                                                \
    apply(f, (call){.package = "rec", .function = (function_), .args = (args_), __VA_ARGS__})

static void assert_failure(const char* reply, const char* text)
{
    char expected[600];
    int used = sprintf(expected, "FAILURE 3 ");
    for (const char* p = text; *p; p++) {
        used += sprintf(expected + used, "%02x", (unsigned char)*p);
    }
    assert_int_equal(result_of(reply), 100);
    assert_string_equal(entry_of(reply), expected);
}

// ---- tests --------------------------------------------------------------------------------------

static void test_calls_as_captured(void** state)
{
    fixture* f = *state;
    assert_string_equal(testing_ask(f->conn, add_request),
                        "02030000000000"
                        "2d"
                        "16000000000000000000000000000000000000000001"
                        "0000001301010007535543434553530000000000000005");
    assert_string_equal(testing_ask(f->conn, missing_function_request),
                        "020300000000003716000000006400000000000000000000000000000001"
                        "0000001d010300074641494c5552"
                        "4566756e6374696f6e206e6f7420666f756e64");
}

static void test_values_come_back_as_they_went(void** state)
{
    fixture* f = *state;
    assert_string_equal(entry_of(CALL("echo", "91fe")), "SUCCESS 1 fffffffffffffffe");
    assert_string_equal(entry_of(CALL("echo", "91cb3ff8000000000000")),
                        "SUCCESS 2 3ff8000000000000");
    assert_string_equal(entry_of(CALL("echo", "91a4036162 63")), "SUCCESS 3 616263");
    assert_string_equal(entry_of(CALL("echo", "91a3040102")), "SUCCESS 4 0102");
    assert_string_equal(entry_of(CALL("echo", "91c3")), "SUCCESS 17 01");
    assert_string_equal(entry_of(CALL("echo", "9181a2036ba20376")), "SUCCESS 19 81a2036ba20376");
    assert_string_equal(entry_of(CALL("echo", "91920102")), "SUCCESS 20 920102");
    assert_string_equal(entry_of(CALL("echo", "9193c700010102")), "SUCCESS 20 920102");
    assert_string_equal(entry_of(CALL("echo", "91a3177b7d")), "SUCCESS 23 0000007b7d");
    assert_string_equal(entry_of(CALL("echo", "91c0")), "SUCCESS 0 ");
    assert_string_equal(entry_of(CALL("echo", "91d4ff01")), "SUCCESS 0 ");
    assert_string_equal(entry_of(CALL("echo", "90")), "SUCCESS 0 ");
    assert_string_equal(entry_of(CALL("echo", "07")), "SUCCESS 0 "); // no list: no arguments
    assert_string_equal(entry_of(CALL("echo", "")), "SUCCESS 0 ");
    assert_string_equal(entry_of(CALL("add", "9305fe0a")), "SUCCESS 1 000000000000000d");
}

static void test_records_are_made_changed_and_removed(void** state)
{
    fixture* f = *state;
    assert_string_equal(entry_of(CALL("remove_record", "90")), "SUCCESS 1 0000000000000001");
    const char* reply = CALL("create_record", "92a2036107", .ttl = 100);
    assert_string_equal(entry_of(reply), "SUCCESS 1 0000000000000000");
    assert_int_equal(generation_of(reply), 1);
    assert_int_equal(number_at(reply, 18, 4), 533081294 + 100);
    reply = CALL("create_record", "92a2036108");
    assert_string_equal(entry_of(reply), "SUCCESS 1 0000000000000001");
    assert_int_equal(generation_of(reply), 1);
    assert_int_equal(number_at(reply, 18, 4), 533081294 + 100);
    assert_string_equal(entry_of(CALL("get_bin", "91a20361")), "SUCCESS 1 0000000000000007");
    assert_string_equal(entry_of(CALL("get_bin", "91a20362")), "SUCCESS 0 ");
    reply = CALL("put_bin", "92a2036281a2036ba20376");
    assert_int_equal(generation_of(reply), 2);
    assert_int_equal(number_at(reply, 18, 4), 0);
    assert_string_equal(entry_of(CALL("get_bin", "91a20362")), "SUCCESS 19 81a2036ba20376");
    assert_int_equal(generation_of(CALL("put_bin", "92a20362c0")), 3);
    assert_string_equal(entry_of(CALL("get_bin", "91a20362")), "SUCCESS 0 ");
    reply = CALL("remove_record", "90");
    assert_string_equal(entry_of(reply), "SUCCESS 1 0000000000000000");
    assert_int_equal(generation_of(reply), 4);
    assert_string_equal(entry_of(CALL("get_bin", "91a20361")), "SUCCESS 0 ");
}

static void test_failures(void** state)
{
    fixture* f = *state;
    assert_failure(CALL("fail", "91a503776f726e"), "worn");
    assert_failure(CALL("none", "90"), "function not found");
    assert_failure(apply(f, (call){.package = "rec.lua", .function = "echo", .args = "90"}),
                   "UDF: Execution Error 1");
    CALL("put_bin", "92a2036107");
    const char* reply = CALL("fail", "91a503776f726e");
    assert_int_equal(generation_of(reply), 1); // of the record
    assert_int_equal(result_of(CALL("add", "9201a20361")), 100);
}

// A name that is too long isn't stored, and nobody says so.
static void test_bins_with_long_names(void** state)
{
    fixture* f = *state;
    static const char long_name[] = "92b1036161616161616161616161616161616107";
    assert_int_equal(result_of(CALL("put_bin", long_name)), 2);
    assert_int_equal(result_of(CALL("put_bin", "92a2036107")), 0);
    const char* reply = CALL("put_bin", long_name);
    assert_int_equal(result_of(reply), 0);
    assert_int_equal(generation_of(reply), 2);
}

static void test_refusals(void** state)
{
    fixture* f = *state;
    char name[200];
    memset(name, 'x', sizeof(name));
    name[128] = 0;
    assert_int_equal(result_of(CALL(NULL, "90")), 4);
    assert_int_equal(result_of(CALL("echo", NULL)), 4);
    assert_int_equal(result_of(CALL(name, "90")), 4);
    assert_int_equal(result_of(CALL("echo", "90", .info2 = MC_INFO2_GENERATION)), 4);
    assert_int_equal(result_of(CALL("echo", "90", .info2 = MC_INFO2_CREATE_ONLY)), 4);
    assert_int_equal(result_of(CALL("echo", "90", .info3 = MC_INFO3_UPDATE_ONLY)), 4);
    assert_int_equal(result_of(CALL("put_bin", "92a2036107", .ttl = 400000000)), 4);
    // Only reading: the write bit is taken away.
    uint8_t bytes[500];
    size_t len = testing_unhex(add_request, bytes);
    bytes[9] = MC_INFO1_READ;
    bytes[10] = 0;
    assert_int_equal(result_of(testing_ask_at(f->conn, bytes, len, 0)), 4);
}

static void test_package_by_info(void** state)
{
    fixture* f = *state;
    assert_string_equal(
        testing_info(f->conn, "udf-list\n"),
        "udf-list\tfilename=rec.lua,hash=0000000000000000000000000000000000000000,type=LUA;\n");
    assert_string_equal(testing_info(f->conn, "udf-get:filename=rec.lua;\n"),
                        "udf-get:filename=rec.lua;\ttype=LUA;content=LS0=;\n");
    assert_string_equal(testing_info(f->conn, "udf-remove:filename=rec.lua;\n"),
                        "udf-remove:filename=rec.lua;\tok\n");
    assert_string_equal(testing_info(f->conn, "udf-list\n"), "udf-list\t\n");
    assert_non_null(
        strstr(testing_info(f->conn, "udf-get:filename=rec.lua;\n"), "\terror=not_found"));
    assert_failure(CALL("echo", "90"), "UDF: Execution Error 1");
    assert_non_null(strstr(testing_info(f->conn, PUT_PACKAGE), "\tok\n"));
    assert_string_equal(entry_of(CALL("echo", "90")), "SUCCESS 0 ");
    static const struct {
        const char* line;
        const char* answer;
    } refused[] = {
        {"udf-put:filename=other.lua;content=LS0=;content-len=4;\n",
         "\terror=compile_error;line=1;message="},
        {"udf-put:filename=rec.lua;content=LS0=;content-len=8;\n", "\terror=invalid_content\n"},
        {"udf-put:filename=rec.lua;content=LS0;content-len=3;\n",
         "\terror=invalid_base64_content\n"},
        {"udf-put:filename=rec.lua;\n", "\terror=invalid_content\n"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_non_null(strstr(testing_info(f->conn, refused[i].line), refused[i].answer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls_as_captured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_come_back_as_they_went, setup, teardown),
        cmocka_unit_test_setup_teardown(test_records_are_made_changed_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bins_with_long_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_package_by_info, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
