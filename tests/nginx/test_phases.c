/*
 * Beyond content: records before decisions, limits, writes at log time, other modules, and what
 * strangers send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/nginx/bed.h"

#define HTTP "aerospike_namespace test; aerospike_set demo;\n"
#define KV                                                                                         \
    "location ~ ^/kv/(?<key>[^/]+)$ { aerospike_pass main; aerospike_key $key;\n"                  \
    "    aerospike_operation GET get; aerospike_operation PUT put;\n"                              \
    "    aerospike_operation DELETE delete; aerospike_body json; }\n"

static web_reply reply;

static void start(const char* server)
{
    web_conf conf = {.http = HTTP, .server = server};
    bed_start(&conf);
}

static void expect(const char* line, const char* headers, int status, const char* text)
{
    web_ask(&bed_site, line, headers, NULL, 0, &reply);
    if (reply.status != status || (text && !strstr(reply.text, text))) {
        fail_msg("%s: wanted %d and '%s', got:\n%s", line, status, text ? text : "", reply.text);
    }
}

/* ---- answers that come too late, and those that come at once ---- */

static void a_redirected_request_waits_for_nothing(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    start("location = /left { aerospike_pass main; aerospike_key fido; post_action /after; }\n"
          "location = /after { aerospike_pass main; aerospike_key fido; }\n"
          "location = /away { aerospike_pass main; aerospike_key fido; post_action /proxy; }\n"
          "location = /proxy { proxy_pass http://127.0.0.1:$server_port/kv/fido; }\n" KV);
    expect("GET /left", NULL, 200, NULL);
    bed_set_slow(200);
    int fds[20];
    unsigned long begun = test_cluster_stat(bed_cluster, "read") + 20;
    for (int i = 0; i < 20; i++) {
        fds[i] = web_send(&bed_site, "GET", i % 2 ? "/left" : "/away");
    }
    /* Each look asks the cluster, and waits for what it answers. */
    uint64_t end_us = test_now_us() + (uint64_t)WEB_WAIT_MS * 1000;
    while (test_cluster_stat(bed_cluster, "read") < begun) {
        assert_true(test_now_us() < end_us);
    }
    for (int i = 0; i < 20; i++) {
        close(fds[i]);
    }
    expect("GET /kv/fido", NULL, 200, NULL);
    bed_end_well();
}

static void a_failure_may_be_rewritten_to_a_success(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    start(
        "aerospike_total_timeout 100ms; aerospike_retries 0;\n"
        "aerospike_rewrite timeout 200; aerospike_rewrite busy 200; aerospike_rewrite error 200;\n"
        "location = /at_once { aerospike_namespace nowhere; aerospike_pass main;\n"
        "    aerospike_key x; }\n"
        "location = /later { aerospike_pass main; aerospike_key fido; }\n"
        "location = /preload { aerospike_preload main test demo fido required; empty_gif; }\n"
        "location = /limit { aerospike_limit main test limits w rate=9 on_error=closed;\n"
        "    empty_gif; }\n");
    expect("GET /at_once", NULL, 200, "Content-Length: 0\r\n");
    bed_control_all("answer", "18 always");
    expect("GET /later", NULL, 200, "Content-Length: 0\r\n");
    expect("GET /preload", NULL, 503, NULL);
    expect("GET /limit", NULL, 503, NULL);
    bed_end_well();
}

/* ---- preload ---- */

static void records_are_there_before_decisions(void** state)
{
    (void)state;
    start("aerospike_preload main test demo $http_x_user prefix=user;\n"
          "if ($user_bool = false) { return 402; }\n"
          "location = /if { if ($user_bool != true) { return 401; } return 200 $user_int; }\n"
          "location = /two { aerospike_preload main test demo $http_x_user prefix=first;\n"
          "    aerospike_preload main test demo $first_bool prefix=second;\n"
          "    return 200 \"[$first_int][$second_n][$aerospike_result]\"; }\n"
          "location = /before { return 200 \"[$aerospike_result$aerospike_attempts]\"; }\n" KV);
    expect("GET /if", NULL, 401, NULL);
    expect("GET /if", "X-User: nobody\r\n", 401, NULL);
    expect("GET /if", "X-User: fido\r\n", 200, "\r\n\r\n9007199254740993");
    web_ask(&bed_site, "PUT /kv/true", NULL, "{\"n\":17}", 8, &reply);
    assert_int_equal(reply.status, 204);
    expect("GET /two", "X-User: fido\r\n", 200, "[9007199254740993][17][ok]");
    expect("GET /two", NULL, 200, "[][][]");
    expect("GET /before", NULL, 200, "[]");
    bed_end_well();
}

static void a_failed_preload_is_open_unless_required(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    start("aerospike_total_timeout 100ms; aerospike_retries 0;\n"
          "location = /open { aerospike_preload main test demo fido prefix=open;\n"
          "    return 200 \"[$open_int$aerospike_result]\"; }\n"
          "location = /shut { aerospike_preload main test demo fido required; return 200 x; }\n");
    expect("GET /shut", NULL, 200, NULL);
    bed_control_all("mute", "always");
    expect("GET /open", NULL, 200, "[timeout]");
    expect("GET /shut", NULL, 504, NULL);
    bed_end_well();
}

static void it_works_below_auth_request(void** state)
{
    (void)state;
    start("location = /auth { internal; aerospike_pass main; aerospike_key a$http_x_session;\n"
          "    aerospike_output none; aerospike_rewrite not_found 401; }\n"
          "location = /private { auth_request /auth; auth_request_set $who $aerospike_bin_name;\n"
          "    add_header X-Who $who; aerospike_pass main; aerospike_key fido; }\n" KV);
    web_ask(&bed_site, "PUT /kv/a1", NULL, "{\"name\":\"ann\"}", 14, &reply);
    assert_int_equal(reply.status, 204);
    expect("GET /private", NULL, 401, NULL);
    expect("GET /private", "X-Session: 1\r\n", 200, "\r\nX-Who: ann\r\n");
    bed_assert_is_fido(&reply);
    bed_end_well();
}

/* ---- limits ---- */

static void limits_count_for_all_workers(void** state)
{
    (void)state;
    start("location = /a { aerospike_limit main test limits $http_x_who rate=5 per=1d;\n"
          "    aerospike_pass main; aerospike_key fido; }\n"
          "location = /dry { aerospike_limit main test limits dry rate=0 per=1d dry_run;\n"
          "    aerospike_pass main; aerospike_key fido; }\n");
    for (int i = 4; i >= 0; i--) {
        char text[64];
        snprintf(text, sizeof(text), "RateLimit-Remaining: %d\r\n", i);
        expect("GET /a", "X-Who: me\r\n", 200, text);
    }
    expect("GET /a", "X-Who: me\r\n", 429, "Retry-After: ");
    expect("GET /a", "X-Who: you\r\n", 200, NULL);
    expect("GET /a", NULL, 200, NULL);
    expect("GET /dry", NULL, 200, NULL);
    assert_true(web_count_lines(&bed_site, "exceeded, dry run") > 0);
    bed_end_well();
}

static void a_request_counts_once(void** state)
{
    (void)state;
    start("aerospike_limit main test limits $http_x_who rate=3 per=1d; error_page 429 /busy;\n"
          "location = /a { try_files /none /b; }\n"
          "location = /b { aerospike_pass main; aerospike_key fido; }\n"
          "location = /busy { aerospike_pass main; aerospike_key fido; }\n");
    for (int i = 0; i < 3; i++) {
        expect("GET /a", "X-Who: twice\r\n", 200, NULL);
    }
    /* The page that says so is no request either. */
    expect("GET /a", "X-Who: twice\r\n", 429, "9007199254740993");
    bed_end_well();
}

static void limits_are_open_or_closed_on_error(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    start("aerospike_total_timeout 100ms; aerospike_retries 0;\n"
          "location = /open { aerospike_limit main test limits x rate=1; empty_gif; }\n"
          "location = /shut { aerospike_limit main test limits y rate=1 on_error=closed;\n"
          "    empty_gif; }\n");
    expect("GET /shut", NULL, 200, NULL);
    bed_control_all("answer", "18 always");
    expect("GET /open", NULL, 200, NULL);
    expect("GET /shut", NULL, 503, "Retry-After: ");
    bed_end_well();
}

/* ---- log time ---- */

/* Nobody is told when they are done: asked again and again. */
static void await_text(const char* line, const char* text)
{
    uint64_t end_us = test_now_us() + (uint64_t)WEB_WAIT_MS * 1000;
    do {
        web_ask(&bed_site, line, NULL, NULL, 0, &reply);
        if (strstr(reply.text, text)) {
            return;
        }
        poll(NULL, 0, 5);
    } while (test_now_us() < end_us);
    fail_msg("%s: never '%s', at last:\n%s", line, text, reply.text);
}

static void log_time_writes_arrive(void** state)
{
    (void)state;
    start("location = /hit { aerospike_log main test demo hits add n 1 put last $arg_x ttl=1h;\n"
          "    return 204; }\n"
          "location = /some { aerospike_log main test demo some add n 1 if=$arg_x; return 204; }\n"
          "location = /wrong { aerospike_log main test demo w put n $arg_x type=int;\n"
          "    return 204; }\n" KV);
    web_ask(&bed_site, "DELETE /kv/hits", NULL, NULL, 0, &reply);
    web_ask(&bed_site, "DELETE /kv/some", NULL, NULL, 0, &reply);
    for (int i = 0; i < 20; i++) {
        expect(i < 19 ? "GET /hit?x=a" : "GET /hit?x=b", NULL, 204, NULL);
        expect(i % 2 ? "GET /some?x=1" : "GET /some?x=0", NULL, 204, NULL);
    }
    await_text("GET /kv/hits", "\"n\":20");
    await_text("GET /kv/some", "\"n\":10");
    expect("GET /wrong?x=y", NULL, 204, NULL);
    assert_true(web_count_lines(&bed_site, "lost: a value is no integer") > 0);
    bed_end_well();
}

static void log_time_writes_delay_nothing(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    start("location = /hit { aerospike_log main test demo slow add n 1;\n"
          "    aerospike_total_timeout 10s; return 204; }\n" KV);
    web_ask(&bed_site, "DELETE /kv/slow", NULL, NULL, 0, &reply);
    expect("GET /hit", NULL, 204, NULL);
    await_text("GET /kv/slow", "\"n\":1");
    bed_set_slow(1000);
    uint64_t start_us = test_now_us();
    for (int i = 0; i < 5; i++) {
        expect("GET /hit", NULL, 204, NULL);
    }
    assert_true(test_now_us() - start_us < 900 * 1000);
    /* A worker that is told to end sees to them first. */
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    assert_int_equal(web_count_alarms(&bed_site), 0);
    web_done(&bed_site);
    assert_true(test_cluster_control(bed_cluster, "clear"));
    start(KV);
    expect("GET /kv/slow", NULL, 200, "\"n\":6");
    bed_end_well();
}

/* ---- other modules ---- */

static void it_stores_for_srcache(void** state)
{
    (void)state;
    static const char path[] = "/usr/lib/nginx/modules/ngx_http_srcache_filter_module.so";
    if (access(path, R_OK) != 0) {
        skip();
    }
    char main_lines[200];
    snprintf(main_lines, sizeof(main_lines), "load_module %s;", path);
    web_conf conf = {
        .main = main_lines,
        .http = HTTP,
        .server = "location = /pixel { srcache_fetch GET /store key=$uri$is_args$args;\n"
                  "    srcache_store PUT /store key=$uri$is_args$args;\n"
                  "    add_header X-Fetch $srcache_fetch_status; empty_gif; }\n"
                  "location = /store { internal; aerospike_pass main; aerospike_key $arg_key;\n"
                  "    aerospike_operation GET get; aerospike_operation PUT put;\n"
                  "    aerospike_body bin=data; aerospike_output value data; }\n"
                  "location = /forget { aerospike_pass main; aerospike_key $arg_key;\n"
                  "    aerospike_operation GET delete; }\n"};
    bed_start(&conf);
    web_ask(&bed_site, "GET /forget?key=/pixel", NULL, NULL, 0, &reply);
    expect("GET /pixel", NULL, 200, "X-Fetch: MISS");
    await_text("GET /pixel", "X-Fetch: HIT");
    assert_non_null(strstr(reply.text, "GIF89a"));
    bed_end_well();
}

static void other_modules_use_the_c_interface(void** state)
{
    (void)state;
    web_conf conf = {.main = "load_module " VISITS_MODULE ";",
                     .http = HTTP,
                     .server = "location /a { visits main; } location /b { visits other; }\n"
                               "location = /forget { aerospike_pass main; aerospike_set visits;\n"
                               "    aerospike_key /a; aerospike_operation GET delete; }\n"};
    bed_start(&conf);
    web_ask(&bed_site, "GET /forget", NULL, NULL, 0, &reply);
    expect("GET /a", NULL, 200, "visits: 1\n");
    expect("GET /a", NULL, 200, "visits: 2\n");
    expect("GET /b", NULL, 503, NULL);
    if (!test_cluster_is_real(bed_cluster)) {
        bed_set_slow(200); /* clients that leave first */
        for (int i = 0; i < 10; i++) {
            close(web_send(&bed_site, "GET", "/a"));
        }
        await_text("GET /a", "visits: ");
    }
    bed_end_well();
}

static int count_in(const char* text, const char* part)
{
    int count = 0;
    for (const char* at = text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Larger than a web_reply: what comes before the picture is looked at. */
static void the_status_shows_the_whole_host(void** state)
{
    (void)state;
    start("location = /page { aerospike_status; } location = /text { aerospike_status text; }\n"
          "location = /json { aerospike_status json; }\n" KV);
    web_workers workers;
    web_workers_await(&bed_site, 2, &workers);
    bed_fetch_through_each(&workers);
    expect("GET /page", NULL, 200, "Content-Type: text/html; charset=utf-8");
    if (!test_cluster_is_real(bed_cluster)) {
        assert_int_equal(count_in(reply.text, "<tr data-node=\"BB9"), 3);
    }
    for (int i = 0; i < workers.count; i++) {
        char row[64];
        snprintf(row, sizeof(row), "<tr data-worker=\"%d\">", (int)workers.pids[i]);
        assert_non_null(strstr(reply.text, row));
    }
    assert_non_null(strstr(reply.text, "<tr data-worker=\"all\">"));
    assert_non_null(strstr(reply.text, "<tr data-latency=\"read\">"));
    await_text("GET /page", "Tended</b> by worker"); /* after a reload, another one soon */
    expect("HEAD /page", NULL, 200, "Cache-Control: no-store");
    expect("GET /text", NULL, 200, "Latency, all workers");
    expect("GET /json", NULL, 200, "{\"clusters\":[{\"name\":\"main\",\"state\":{\"segment\":{");
    web_workers_done(&workers);
    bed_end_well();
}

/* As a person sees it, after it has refreshed itself. */
static void the_status_page_works_in_a_browser(void** state)
{
    (void)state;
    if (system("command -v chromium >/dev/null") != 0) {
        skip();
    }
    start("location = /page { aerospike_status; }\n" KV);
    web_workers workers;
    web_workers_await(&bed_site, 2, &workers);
    bed_fetch_through_each(&workers);
    web_workers_done(&workers);
    static char command[512], dom[1 << 20];
    snprintf(command, sizeof(command),
             "timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir=%s/browser "
             "--virtual-time-budget=7000 --dump-dom http://127.0.0.1:%d/page 2>/dev/null",
             bed_site.dir, bed_site.port);
    FILE* pipe = popen(command, "r");
    assert_non_null(pipe);
    dom[fread(dom, 1, sizeof(dom) - 1, pipe)] = '\0';
    pclose(pipe);
    assert_int_equal(count_in(dom, "<tr data-node=\""), 3);
    assert_int_equal(count_in(dom, "<tr data-worker=\""), 4); /* departed and all among them */
    assert_int_equal(count_in(dom, "<svg class=\"map\""), 1);
    assert_true(count_in(dom, "<rect class=\"n") > 1000);
    assert_non_null(strstr(dom, "data-loads=\""));
    assert_non_null(strstr(dom, " commands per second</span>"));
    bed_end_well();
}

/* ---- strangers ---- */

static uint32_t prng;

static uint32_t next_random(uint32_t below)
{
    prng = prng * 1664525u + 1013904223u;
    return (prng >> 8) % below;
}

/* Some bytes of a good request changed, cut or repeated. */
static size_t mutate(char* bytes, size_t size, size_t capacity)
{
    for (uint32_t i = next_random(6); i > 0 && size > 1; i--) {
        uint32_t at = next_random((uint32_t)size);
        switch (next_random(4)) {
        case 0:
            bytes[at] = (char)next_random(256);
            break;
        case 1:
            bytes[at] = "\"{}[]:,%\\0\r\n/?"[next_random(14)];
            break;
        case 2:
            size = at + 1;
            break;
        default: {
            size_t count = size - at < capacity - size ? size - at : capacity - size;
            memmove(bytes + at + count, bytes + at, size - at);
            size += count;
        }
        }
    }
    return size;
}

static void no_request_harms_a_worker(void** state)
{
    (void)state;
    static const char* const bodies[] = {"{\"a\":1,\"b\":[1,2,{\"c\":null}],\"d\":{\"$blob\":\"AP8="
                                         "\"},\"e\":1.5e3,\"f\":\"\\u00e4\"}",
                                         "{\"name\":\"x\"}", ""};
    static const char* const lines[] = {
        "PUT /kv/fuzz?ttl=1h", "GET /kv/fuzz",           "GET /typed/fuzz?i=7&f=1.5&b=true",
        "GET /key/12345678",   "GET /all?user=fido&x=1", "POST /bin/fuzz"};
    start(KV "location ~ ^/typed/(?<key>.*)$ { aerospike_pass main; aerospike_key $key;\n"
             "    aerospike_operation put; aerospike_bin i $arg_i type=int;\n"
             "    aerospike_bin f $arg_f type=float; aerospike_bin b $arg_b type=bool; }\n"
             "location ~ ^/key/(?<key>.*)$ { aerospike_pass main; aerospike_key $key type=hex;\n"
             "    aerospike_output headers; }\n"
             "location = /all { aerospike_preload main test demo $arg_user prefix=all;\n"
             "    aerospike_limit main test limits $arg_x rate=1000000 per=1d;\n"
             "    aerospike_log main test demo log put x $arg_x; aerospike_pass main;\n"
             "    aerospike_key \"$all_text$arg_user\"; }\n"
             "location ~ ^/bin/(?<key>.*)$ { aerospike_pass main; aerospike_key $key;\n"
             "    aerospike_operation POST put; aerospike_body bin=data type=geojson; }\n");
    web_workers before, after;
    web_workers_await(&bed_site, 2, &before);
    prng = 20260101u;
    for (int i = 0; i < 3000; i++) {
        static char bytes[8192];
        const char* body = bodies[next_random(3)];
        int size = snprintf(bytes, sizeof(bytes),
                            "%s HTTP/1.1\r\nHost: x\r\nIf-Match: \"1\"\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n%s",
                            lines[next_random(6)], strlen(body), body);
        size_t mutated = mutate(bytes, (size_t)size, sizeof(bytes));
        int fd = web_send_bytes(&bed_site, bytes, mutated);
        assert_true(fd >= 0);
        if (next_random(4) == 0) {
            shutdown(fd, SHUT_WR);
            web_receive(fd, &reply);
        } else {
            close(fd);
        }
    }
    web_workers_await(&bed_site, 2, &after);
    for (int i = 0; i < 2; i++) {
        assert_true(web_workers_has(&before, after.pids[i]));
    }
    web_workers_done(&before);
    web_workers_done(&after);
    expect("GET /kv/fido", NULL, 200, NULL);
    bed_end_well();
}

/* nginx -t says yes or no, whatever the configuration. */
static void no_configuration_harms_the_check(void** state)
{
    (void)state;
    static const char* const server_lines =
        "location /a { aerospike_pass main; aerospike_key $arg_k type=int; aerospike_bin a $arg_a "
        "type=float; aerospike_operation GET POST add n 1; aerospike_operation PUT put; "
        "aerospike_body bin=x type=json; aerospike_output value x; aerospike_rewrite GET ok 201; "
        "aerospike_ttl 1h; aerospike_exists create; aerospike_retries 3 delay=5ms; "
        "aerospike_preload main test s $arg_k prefix=p required; "
        "aerospike_limit main test s $arg_k rate=5 per=10s bin=b on_error=closed; "
        "aerospike_log main test s k add n 1 put m $arg_m type=int if=$arg_k ttl=5s key=int; }";
    static char cluster_lines[5000], mutated[2048];
    snprintf(cluster_lines, sizeof(cluster_lines),
             "%s shm_nodes 16; shm_mode 0600; connections max=5 min=0 idle=5s; rack 1 2;"
             "breaker errors=5 window=2; tend_interval 1s; auth internal; ssl off;",
             bed_server);
    web_conf conf = {.cluster = cluster_lines, .http = HTTP, .server = mutated};
    strcpy(mutated, server_lines);
    web_init(&bed_site, &conf);
    static char text[8192];
    prng = 7;
    for (int i = 0; i < 150; i++) {
        strcpy(mutated, server_lines);
        if (i > 0) {
            for (uint32_t n = 1 + next_random(3); n > 0; n--) {
                mutated[next_random((uint32_t)strlen(server_lines))] =
                    " ;{}=0$a\"9"[next_random(10)];
            }
        }
        web_write_conf(&bed_site, &conf);
        int status = web_check(&bed_site, text, sizeof(text));
        if (status != 1 && (status != 0 || (i > 0 && strstr(text, "emerg")))) {
            fail_msg("status %d: %s\n%s", status, mutated, text);
        }
        assert_true(i > 0 || status == 0);
    }
}

int main(void)
{
#define CASE(function) cmocka_unit_test_teardown(function, bed_clean)
    const struct CMUnitTest tests[] = {
        CASE(records_are_there_before_decisions),
        CASE(a_failed_preload_is_open_unless_required),
        CASE(it_works_below_auth_request),
        CASE(limits_count_for_all_workers),
        CASE(limits_are_open_or_closed_on_error),
        CASE(log_time_writes_arrive),
        CASE(a_redirected_request_waits_for_nothing),
        CASE(a_failure_may_be_rewritten_to_a_success),
        CASE(a_request_counts_once),
        CASE(log_time_writes_delay_nothing),
        CASE(it_stores_for_srcache),
        CASE(other_modules_use_the_c_interface),
        CASE(the_status_shows_the_whole_host),
        CASE(the_status_page_works_in_a_browser),
        CASE(no_request_harms_a_worker),
        CASE(no_configuration_harms_the_check),
    };
    return cmocka_run_group_tests(tests, bed_set_up, bed_tear_down);
}
