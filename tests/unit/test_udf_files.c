#include "core/udf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"

static as_error err;

static void names_are_cut_and_checked(void** state)
{
    (void)state;
    char name[200];
    memset(name, 'x', sizeof(name));
    memcpy(name + 123, ".lua", 5);
    assert_string_equal(tnd_udf_name("a.lua"), "a.lua");
    assert_string_equal(tnd_udf_name("/opt/udf/a.b.lua"), "a.b.lua");
    assert_string_equal(tnd_udf_name(name), name);
    memcpy(name + 123, "x.lua", 6);
    assert_null(tnd_udf_name(name));
    static const char* const bad[] = {"",        "lua",     ".lua", "lua.", "a;b.lua",
                                      "a=b.lua", "a\n.lua", "a/",   NULL};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(tnd_udf_name(bad[i]));
    }
}

static void requests_are_texts(void** state)
{
    (void)state;
    tnd_buf buf;
    tnd_buf_init(&buf, 1000);
    as_error_init(&err);
    assert_int_equal(tnd_udf_put(&buf, &err, "dir/a.lua", "--x\n", 4), AEROSPIKE_OK);
    assert_string_equal((const char*)buf.data,
                        "udf-put:filename=a.lua;content=LS14Cg==;content-len=8;udf-type=LUA;");
    tnd_buf_reset(&buf);
    assert_int_equal(tnd_udf_ask(&buf, &err, "udf-remove", "a.lua"), AEROSPIKE_OK);
    assert_string_equal((const char*)buf.data, "udf-remove:filename=a.lua;");
    tnd_buf_reset(&buf);
    assert_int_equal(tnd_udf_ask(&buf, &err, "udf-get", "a"), AEROSPIKE_ERR_PARAM);
    assert_int_equal(tnd_udf_put(&buf, &err, "a.lua", NULL, 0), AEROSPIKE_ERR_PARAM);
    assert_int_equal(tnd_udf_put(&buf, &err, "a.lua", "x", 1024 * 1024 + 1), AEROSPIKE_ERR_PARAM);
    assert_int_equal(buf.size, 0);
    tnd_buf_done(&buf);
    tnd_buf_init(&buf, 1000);
    as_error_init(&err);
    tnd_mem_fail(1, 100);
    assert_int_equal(tnd_udf_ask(&buf, &err, "udf-get", "a.lua"), AEROSPIKE_ERR_CLIENT);
    tnd_mem_fail(0, 0);
    tnd_buf_done(&buf);
}

static void lists_are_read(void** state)
{
    (void)state;
    static const char text[] =
        "filename=a.lua,hash=0123456789012345678901234567890123456789,type=LUA;"
        "hash=1;filename=b.lua,type=LUA;;filename=c.lua;";
    as_udf_files files;
    as_error_init(&err);
    as_udf_files_init(&files, 0);
    assert_int_equal(tnd_udf_read_list(&files, &err, tnd_slice_text(text)), AEROSPIKE_OK);
    assert_int_equal(files.size, 3);
    assert_string_equal(files.entries[0].name, "a.lua");
    assert_string_equal((const char*)files.entries[0].hash,
                        "0123456789012345678901234567890123456789");
    assert_string_equal(files.entries[2].name, "c.lua");
    assert_string_equal((const char*)files.entries[2].hash, "");
    as_udf_files_destroy(&files);
    as_udf_files* few = as_udf_files_new(2);
    assert_int_equal(tnd_udf_read_list(few, &err, tnd_slice_text(text)), AEROSPIKE_OK);
    assert_int_equal(few->size, 2);
    as_udf_files_destroy(few);
    as_udf_files_init(&files, 0);
    assert_int_equal(tnd_udf_read_list(&files, &err, tnd_slice_text("")), AEROSPIKE_OK);
    assert_int_equal(files.size, 0);
    char name[200] = "filename=";
    memset(name + 9, 'x', 150);
    assert_int_equal(tnd_udf_read_list(&files, &err, tnd_slice_text(name)), AEROSPIKE_ERR_CLIENT);
    as_udf_files_destroy(&files);
    assert_true(tnd_udf_list_has(tnd_slice_text(text), "b.lua"));
    assert_false(tnd_udf_list_has(tnd_slice_text(text), "b.lu"));
    assert_false(tnd_udf_list_has(tnd_slice_text(""), "b.lua"));
    as_udf_files_destroy(NULL);
}

static void files_are_read(void** state)
{
    (void)state;
    as_udf_file* file = as_udf_file_new();
    as_error_init(&err);
    assert_int_equal(
        tnd_udf_read_file(file, &err, tnd_slice_text("type=LUA;content=YWJj;"), "a.lua"),
        AEROSPIKE_OK);
    assert_string_equal(file->name, "a.lua");
    assert_int_equal(file->content.size, 3);
    assert_memory_equal(file->content.bytes, "abc", 3);
    assert_string_equal((const char*)file->hash, "a9993e364706816aba3e25717850c26c9cd0d89d");
    as_udf_file_destroy(file);
    as_udf_file_destroy(NULL);
    static const char* const bad[] = {"", "type=LUA;", "content=YW;", "content=Y!==;"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        as_udf_file none;
        as_udf_file_init(&none);
        as_error_init(&err);
        assert_int_equal(tnd_udf_read_file(&none, &err, tnd_slice_text(bad[i]), "a.lua"),
                         AEROSPIKE_ERR_CLIENT);
        assert_null(none.content.bytes);
    }
}

static void reasons_can_be_read(void** state)
{
    (void)state;
    as_error_set_message(&err, AEROSPIKE_ERR_UDF, "compile_error;file=a.lua;line=7;message=YWJj");
    tnd_udf_explain(&err);
    assert_string_equal(err.message, "compile_error in line 7: abc");
    as_error_set_message(&err, AEROSPIKE_ERR_UDF, "not_found");
    tnd_udf_explain(&err);
    assert_string_equal(err.message, "not_found");
    as_error_set_message(&err, AEROSPIKE_ERR_UDF, "compile_error;message=!");
    tnd_udf_explain(&err);
    assert_string_equal(err.message, "compile_error;message=!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cut_and_checked),
        cmocka_unit_test(requests_are_texts),
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(reasons_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
