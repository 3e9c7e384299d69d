/*
 * aerospike_pass: requests and their answers, and what is wrong with configurations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/nginx/bed.h"

static const web_conf usual = {
    .cluster = bed_server,
    .http = "aerospike_namespace test;\n"
            "aerospike_set demo;\n",
    .server =
        "location ~ ^/kv/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main;\n"
        "    aerospike_key $key;\n"
        "    aerospike_operation GET get;\n"
        "    aerospike_operation PUT put;\n"
        "    aerospike_operation DELETE delete;\n"
        "    aerospike_operation POST add hits $arg_by;\n"
        "    aerospike_operation POST get hits;\n"
        "    aerospike_operation PATCH append name $arg_more;\n"
        "    aerospike_operation PATCH prepend name $arg_less;\n"
        "    aerospike_operation OPTIONS touch;\n"
        "    aerospike_body json;\n"
        "    aerospike_max_value_size 10k;\n"
        "    aerospike_ttl $arg_ttl;\n"
        "    aerospike_cache_control on;\n"
        "    aerospike_blobs object;\n"
        "}\n"
        "location ~ ^/ns/(?<ns>[^/]*)/(?<key>.*)$ {\n"
        "    aerospike_pass main; aerospike_namespace $ns; aerospike_key $key;\n"
        "}\n"
        "location = /arg { aerospike_pass main; aerospike_key $arg_key; }\n"
        "location = /by { aerospike_pass $arg_cluster; aerospike_key fido; }\n"
        "location ~ ^/int/(?<key>.*)$ { aerospike_pass main; aerospike_key $key type=int;\n"
        "    aerospike_operation GET exists; aerospike_operation PUT put n $key type=int;\n"
        "    aerospike_output none; }\n"
        "location ~ ^/hex/(?<key>.*)$ { aerospike_pass main; aerospike_key $key type=hex;\n"
        "    aerospike_operation GET exists; aerospike_operation PUT put n 1 type=int; }\n"
        "location ~ ^/digest/(?<key>.*)$ { aerospike_pass main; aerospike_key $key type=digest; }\n"
        "location ~ ^/raw/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key; aerospike_output value data;\n"
        "    aerospike_operation GET get; aerospike_operation PUT put; aerospike_body bin=data;\n"
        "}\n"
        "location ~ ^/head/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key; aerospike_output headers;\n"
        "}\n"
        "location ~ ^/some/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key;\n"
        "    aerospike_operation get int; aerospike_operation get bool;\n"
        "}\n"
        "location ~ ^/typed/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key;\n"
        "    aerospike_operation PUT put; aerospike_operation GET get;\n"
        "    aerospike_bin i $arg_i type=int; aerospike_bin f $arg_f type=float;\n"
        "    aerospike_bin b $arg_b type=bool; aerospike_bin h $arg_h type=hex;\n"
        "}\n"
        "location ~ ^/new/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key; aerospike_exists create;\n"
        "    aerospike_operation PUT put n 1 type=int;\n"
        "}\n"
        "location ~ ^/soft/(?<key>[^/]+)$ {\n"
        "    aerospike_pass main; aerospike_key $key; aerospike_rewrite GET not_found 204;\n"
        "    aerospike_rewrite timeout 503; aerospike_total_timeout 100ms;\n"
        "}\n",
};

static int set_up_site(void** state)
{
    (void)state;
    bed_start(&usual);
    return 0;
}

/* ---- configuration ---- */

static void wrong_configurations_say_where_and_what(void** state)
{
    (void)state;
#define PASS "location / { aerospike_pass main; aerospike_namespace test; aerospike_key $uri; "
    static const struct {
        const char* cluster;
        const char* http;
        const char* server;
        const char* text;
    } cases[] = {
        {"", "", "", "\"main\" has no server: add one"},
        {"server 127.0.0.1:0;", "", "", "invalid value of \"server\""},
        {"server [::1;", "", "", "invalid value of \"server\""},
        {"server;", "", "", "invalid number of arguments"},
        {"servers a;", "", "", "\"servers\" in aerospike_cluster is unknown"},
        {"server a; shm_key 0x123;", "", "", "\"shm_key\" in aerospike_cluster is duplicate"},
        {"server a; shm_nodes many;", "", "", "a whole number is wanted"},
        {"server a; shm_nodes 0;", "", "", "shm_max_nodes is 0"},
        {"server a; shm_mode 0999;", "", "", "octal permissions"},
        {"server a; tend_interval 10ms;", "", "", "tender_interval is 10 ms"},
        {"server a; connections most=3;", "", "", "max=, min= or idle= is wanted"},
        {"server a; password_file /nonexistent;", "", "", "a file that can be read"},
        {"server a; auth magic;", "", "", "internal, external"},
        {"server a; ssl maybe;", "", "", "\"on\" or \"off\""},
        {"server a;", "aerospike_cluster main { server b; }", "", "duplicate aerospike_cluster"},
        {"server a;",
         "aerospike_cluster two { server b; shm_key 0x7b; } "
         "aerospike_cluster three { server b; shm_key 0x7b; }",
         "", "have the same shm_key"},
        {"server a;", "", "location / { aerospike_pass other; }", "no aerospike_cluster \"other\""},
        {"server a;", "", "location / { aerospike_pass main; }", "no aerospike_key"},
        {"server a;", "", "location / { aerospike_pass main; aerospike_key a; }",
         "no aerospike_namespace"},
        {"server a;", "", PASS "aerospike_operation GET fetch; }", "invalid operation \"fetch\""},
        {"server a;", "", PASS "aerospike_operation put a; }", "invalid operation \"put\""},
        {"server a;", "", PASS "aerospike_operation get averyverylongname; }", "1 to 15 bytes"},
        {"server a;", "", PASS "aerospike_bin a b type=c; }", "invalid type \"type=c\""},
        {"server a;", "", PASS "aerospike_output xml; }", "invalid output \"xml\""},
        {"server a;", "", PASS "aerospike_body bin; }", "bin=NAME"},
        {"server a;", "", PASS "aerospike_rewrite sometimes 200; }", "outcomes are ok"},
        {"server a;", "", PASS "aerospike_rewrite not_found 99; }", "invalid status \"99\""},
        {"server a;", "", PASS "aerospike_exists perhaps; }", "invalid value \"perhaps\""},
        {"server a;", "", PASS "aerospike_key a; }", "is duplicate"},
        {"server a;", "", PASS "aerospike_set $nonsense; }", "unknown \"nonsense\""},
        {"server a;", "", "location / { aerospike_preload main test s; }", "invalid number"},
        {"server a;", "", "location / { aerospike_preload other test s k; }", "no aerospike_cl"},
        {"server a;", "", "location / { aerospike_preload main test s k rare; }", "prefix="},
        {"server a;", "", "location / { aerospike_limit main test s k; }", "needs rate="},
        {"server a;", "", "location / { aerospike_limit main test s k rate=x; }", "rate=NUMBER"},
        {"server a;", "", "location / { aerospike_log main test s k; }", "needs an operation"},
        {"server a;", "", "location / { aerospike_log main test s k add n; }", "invalid \"add\""},
    };
    web_init(&bed_site, &usual);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[4096];
        web_conf conf = {
            .cluster = cases[i].cluster, .http = cases[i].http, .server = cases[i].server};
        web_write_conf(&bed_site, &conf);
        int status = web_check(&bed_site, text, sizeof(text));
        if (status != 1 || !strstr(text, cases[i].text)) {
            fail_msg("case %zu, status %d, wanted '%s' in: %s", i, status, cases[i].text, text);
        }
    }
}

/* ---- requests ---- */

typedef struct exchange {
    const char* line;
    const char* headers;
    const char* body;
    int status;
    const char* text; /* in the answer, its headers included */
} exchange;

static void run_exchanges(const exchange* list, size_t count)
{
    static web_reply reply;
    for (size_t i = 0; i < count; i++) {
        const exchange* one = &list[i];
        web_ask(&bed_site, one->line, one->headers, one->body, one->body ? strlen(one->body) : 0,
                &reply);
        if (reply.status != one->status || (one->text && !strstr(reply.text, one->text))) {
            fail_msg("%zu: %s: wanted %d and '%s', got:\n%s", i, one->line, one->status,
                     one->text ? one->text : "", reply.text);
        }
    }
}

#define RUN(list) run_exchanges(list, sizeof(list) / sizeof((list)[0]))

static void reading_has_the_right_status(void** state)
{
    (void)state;
    static const exchange list[] = {
        {"GET /kv/fido", NULL, NULL, 200, "\"int\":9007199254740993"},
        {"GET /kv/fido", NULL, NULL, 200, "\"bytes\":{\"$blob\":\"AP8Q\"}"},
        {"HEAD /kv/fido", NULL, NULL, 200, "Content-Type: application/json"},
        {"GET /kv/nobody", NULL, NULL, 404, NULL},
        {"LOCK /kv/fido", NULL, NULL, 405, "Allow: GET, HEAD, POST, PUT, DELETE, PATCH"},
        {"BREW /kv/fido", NULL, NULL, 405, NULL},
        {"GET /arg?key=fido", NULL, NULL, 200, NULL},
        {"GET /arg?key=", NULL, NULL, 400, "Aerospike-Reason: the key is empty"},
        {"GET /arg", NULL, NULL, 400, "the key is empty"},
        {"DELETE /arg?key=fido", NULL, NULL, 405, "Allow: GET, HEAD\r\n"},
        {"GET /by?cluster=main", NULL, NULL, 200, NULL},
        {"GET /by?cluster=moon", NULL, NULL, 404, "no such cluster"},
        {"GET /ns/test/fido", NULL, NULL, 200, NULL},
        {"GET /ns/nowhere/fido", NULL, NULL, 500, NULL},
        {"GET /ns/0123456789012345678901234567890123456789/fido", NULL, NULL, 400, "31 bytes"},
        {"GET /some/fido", NULL, NULL, 200, "{\"int\":9007199254740993,\"bool\":true}"},
        {"GET /head/fido", NULL, NULL, 200, "Aerospike-Bin-text: a \"quoted\" line%0A%C3%A4\r\n"},
        {"GET /soft/nobody", NULL, NULL, 204, NULL},
        {"HEAD /soft/nobody", NULL, NULL, 404, NULL},
        {"GET /empty", NULL, NULL, 204, NULL},
    };
    RUN(list);
    bed_end_well();
}

static void writing_has_the_right_status(void** state)
{
    (void)state;
    static const exchange list[] = {
        {"DELETE /kv/w", NULL, NULL, 404, NULL},
        {"PUT /kv/w?ttl=1h", NULL, "{\"name\":\"rex\",\"n\":-9223372036854775808,\"f\":1.5}", 204,
         "ETag: \"1\""},
        {"GET /kv/w", NULL, NULL, 200, "{\"name\":\"rex\",\"n\":-9223372036854775808,\"f\":1.5}"},
        {"GET /kv/w", NULL, NULL, 200, "Cache-Control: max-age=3"},
        {"PUT /kv/w", NULL, "{\"n\":null,\"f\":true,\"b\":{\"$blob\":\"/w==\"}}", 204, NULL},
        {"GET /kv/w", NULL, NULL, 200, "{\"name\":\"rex\",\"f\":true,\"b\":{\"$blob\":\"/w==\"}}"},
        {"POST /kv/w?by=41", NULL, NULL, 200, "{\"hits\":41}"},
        {"POST /kv/w?by=1", NULL, NULL, 200, "{\"hits\":42}"},
        {"POST /kv/w?by=much", NULL, NULL, 400, "no integer"},
        {"PATCH /kv/w?more=2&less=1", NULL, NULL, 204, NULL},
        {"GET /kv/w", NULL, NULL, 200, "\"name\":\"1rex2\""},
        {"OPTIONS /kv/w?ttl=never", NULL, NULL, 204, NULL},
        {"PUT /raw/w", NULL, "some bytes", 204, NULL},
        {"GET /raw/w", NULL, NULL, 200, "\r\n\r\nsome bytes"},
        {"GET /raw/fido", NULL, NULL, 404, NULL}, /* has no such bin */
        {"PUT /typed/t?i=7&f=2.5&b=true&h=00ff", NULL, NULL, 204, NULL},
        {"GET /typed/t", NULL, NULL, 200, "{\"i\":7,\"f\":2.5,\"b\":true,\"h\":\"AP8=\"}"},
        {"PUT /typed/t?i=7.5&f=2.5&b=true&h=00ff", NULL, NULL, 400, "no integer"},
        {"PUT /typed/t?i=7&f=0x10&b=true&h=00ff", NULL, NULL, 400, "no number"},
        {"PUT /typed/t?i=7&f=2&b=yes&h=00ff", NULL, NULL, 400, "neither true nor false"},
        {"PUT /typed/t?i=7&f=2&b=0&h=0", NULL, NULL, 400, "hex digits"},
        {"PUT /int/17", NULL, NULL, 204, NULL},
        {"GET /int/17", NULL, NULL, 204, "ETag: \""},
        {"GET /int/18", NULL, NULL, 404, NULL},
        {"GET /int/x", NULL, NULL, 400, "the key is no integer of 64 bits"},
        {"GET /int/9223372036854775808", NULL, NULL, 400, NULL},
        {"PUT /hex/00ff00", NULL, NULL, 204, NULL},
        {"GET /hex/00FF00", NULL, NULL, 200, "{}"},
        {"GET /hex/0", NULL, NULL, 400, "hex digits"},
        {"GET /digest/00", NULL, NULL, 400, "40 hex digits"},
        {"GET /digest/0123456789012345678901234567890123456789", NULL, NULL, 404, NULL},
        {"PUT /new/once", NULL, NULL, 204, NULL},
        {"PUT /new/once", NULL, NULL, 409, NULL},
        {"DELETE /kv/once", NULL, NULL, 204, NULL},
        {"PUT /kv/nest", NULL, "{\"l\":[1,\"x\",{\"k\":[true,null,2.5]}],\"m\":{\"a\":{}}}", 204,
         NULL},
        {"GET /kv/nest", NULL, NULL, 200,
         "{\"l\":[1,\"x\",{\"k\":[true,null,2.5]}],\"m\":{\"a\":{}}}"},
        {"DELETE /kv/nest", NULL, NULL, 204, NULL},
        {"DELETE /kv/w", NULL, NULL, 204, NULL},
        {"DELETE /kv/w", NULL, NULL, 404, NULL},
    };
    RUN(list);
    bed_end_well();
}

static void conditions_are_those_of_http(void** state)
{
    (void)state;
    static const exchange list[] = {
        {"PUT /kv/c", "If-Match: *\r\n", "{\"n\":1}", 412, NULL},
        {"PUT /kv/c", "If-None-Match: *\r\n", "{\"n\":1}", 204, "ETag: \"1\""},
        {"PUT /kv/c", "If-None-Match: *\r\n", "{\"n\":1}", 412, NULL},
        {"GET /kv/c", "If-None-Match: \"1\"\r\n", NULL, 304, NULL},
        {"GET /kv/c", "If-None-Match: \"2\"\r\n", NULL, 200, NULL},
        {"GET /kv/c", "If-Match: \"2\"\r\n", NULL, 412, NULL},
        {"PUT /kv/c", "If-Match: \"1\"\r\n", "{\"n\":2}", 204, "ETag: \"2\""},
        {"PUT /kv/c", "If-Match: \"1\"\r\n", "{\"n\":3}", 412, NULL},
        {"PUT /kv/c", "If-Match: W/\"2\"\r\n", "{\"n\":3}", 412, NULL},
        {"PUT /kv/c", "If-Match: \"2\", \"3\"\r\n", "{\"n\":3}", 400, "one entity tag"},
        {"PUT /kv/c", "If-Match: \"x\"\r\n", "{\"n\":3}", 412, NULL},
        {"PUT /kv/c", "If-None-Match: \"2\"\r\n", "{\"n\":3}", 400, "must be *"},
        {"GET /kv/c", NULL, NULL, 200, "{\"n\":2}"},
        {"DELETE /kv/c", "If-Match: \"1\"\r\n", NULL, 412, NULL},
        {"DELETE /kv/c", "If-Match: \"2\"\r\n", NULL, 204, NULL},
        {"DELETE /kv/c", "If-Match: \"2\"\r\n", NULL, 412, NULL},
    };
    RUN(list);
    bed_end_well();
}

static void malformed_bodies_get_a_reason(void** state)
{
    (void)state;
    static const exchange list[] = {
        {"PUT /kv/m", NULL, "", 400, "Aerospike-Reason: the JSON is malformed"},
        {"PUT /kv/m", NULL, NULL, 400, "malformed"},
        {"PUT /kv/m", NULL, "{\"a\":", 400, "malformed"},
        {"PUT /kv/m", NULL, "{\"a\":1} x", 400, "malformed"},
        {"PUT /kv/m", NULL, "[1]", 400, "must be a JSON object"},
        {"PUT /kv/m", NULL, "{}", 400, "at least one bin"},
        {"PUT /kv/m", NULL, "{\"a\":9223372036854775808}", 400, "too big"},
        {"PUT /kv/m", NULL, "{\"a\":1e999}", 400, "too big"},
        {"PUT /kv/m", NULL, "{\"a\":1,\"a\":2}", 400, "duplicate"},
        {"PUT /kv/m", NULL, "{\"a\":\"\\u0000\"}", 400, "zero byte"},
        {"PUT /kv/m", NULL, "{\"a\":\"\xff\"}", 400, "UTF-8"},
        {"PUT /kv/m", NULL, "{\"\":1}", 400, "1 to 15 bytes"},
        {"PUT /kv/m", NULL, "{\"0123456789012345\":1}", 400, "1 to 15 bytes"},
        {"PUT /kv/m", NULL, "{\"a\":{\"$blob\":\"?\"}}", 400, "isn't base64"},
        {"PUT /kv/m?ttl=soon", NULL, "{\"a\":1}", 400, "time to live"},
        {"GET /kv/m", NULL, NULL, 404, NULL},
    };
    RUN(list);
    bed_end_well();
}

static void a_body_over_the_limit_is_refused(void** state)
{
    (void)state;
    static char body[20000];
    static web_reply reply;
    memset(body, ' ', sizeof(body));
    web_ask(&bed_site, "PUT /kv/big", NULL, body, sizeof(body), &reply);
    assert_int_equal(reply.status, 413);
    assert_non_null(strstr(reply.text, "aerospike_max_value_size"));
    int size = snprintf(body, sizeof(body),
                        "PUT /kv/big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                        15000);
    memset(body + size, ' ', 15000);
    memcpy(body + size + 15000, "\r\n0\r\n\r\n", 7);
    web_receive(web_send_bytes(&bed_site, body, (size_t)size + 15007), &reply);
    assert_int_equal(reply.status, 413);
    bed_end_well();
}

static void nested_json_is_bounded(void** state)
{
    (void)state;
    static char body[9000];
    static web_reply reply;
    memcpy(body, "{\"a\":", 5);
    memset(body + 5, '[', 4000);
    memset(body + 4005, ']', 4000);
    memcpy(body + 8005, "}", 2);
    web_ask(&bed_site, "PUT /kv/deep", NULL, body, strlen(body), &reply);
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.text, "nested too deep"));
    bed_end_well();
}

static void a_result_code_becomes_a_status(void** state)
{
    (void)state;
    static const struct {
        int code;
        int status;
    } cases[] = {{18, 503}, {14, 503}, {22, 403}, {4, 400},
                 {13, 413}, {1, 500},  {8, 500},  {9, 504}};
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    static web_reply reply;
    web_get(&bed_site, "/kv/fido", &reply);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char more[64];
        snprintf(more, sizeof(more), "%d always", cases[i].code);
        bed_control_all("answer", more);
        web_get(&bed_site, "/kv/fido", &reply);
        assert_int_equal(reply.status, cases[i].status);
        assert_int_equal(strstr(reply.text, "\r\nRetry-After: ") != NULL, reply.status == 503);
    }
    bed_end_well();
}

static void a_write_in_doubt_says_so(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    static web_reply reply;
    web_ask(&bed_site, "PUT /kv/doubt", NULL, "{\"a\":1}", 7, &reply);
    assert_int_equal(reply.status, 204);
    bed_control_all("mute", "always");
    web_ask(&bed_site, "PUT /kv/doubt", NULL, "{\"a\":1}", 7, &reply);
    assert_int_equal(reply.status, 504);
    assert_non_null(strstr(reply.text, "\r\nAerospike-In-Doubt: true\r\n"));
    web_get(&bed_site, "/soft/doubt", &reply);
    assert_int_equal(reply.status, 503); /* rewritten */
    bed_end_well();
}

#define WITH_SITE(function) cmocka_unit_test_setup_teardown(function, set_up_site, bed_clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(wrong_configurations_say_where_and_what, bed_clean),
        WITH_SITE(reading_has_the_right_status),
        WITH_SITE(writing_has_the_right_status),
        WITH_SITE(conditions_are_those_of_http),
        WITH_SITE(malformed_bodies_get_a_reason),
        WITH_SITE(a_body_over_the_limit_is_refused),
        WITH_SITE(nested_json_is_bounded),
        WITH_SITE(a_result_code_becomes_a_status),
        WITH_SITE(a_write_in_doubt_says_so),
    };
    return cmocka_run_group_tests(tests, bed_set_up, bed_tear_down);
}
