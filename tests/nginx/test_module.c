/*
 * The module in the system's nginx: records over HTTP, and the life of the worker processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/nginx/web.h"

#define LOCATIONS                                                                                  \
    "location ~ ^/kv/(?<key>[^/]+)$ { aerospike_get test demo $key; }\n"                           \
    "location ~ ^/ns/(?<ns>[^/]*)/(?<key>.*)$ { aerospike_get $ns demo $key; }\n"                  \
    "location = /arg { aerospike_get test demo $arg_key; }\n"

static test_cluster* cluster;
static web site;
static char hosts_conf[4200];
static const web_conf usual = {.http = hosts_conf, .server = LOCATIONS};

/* ---- setting up ---- */

static void put_record(const char* name)
{
    aerospike as;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    test_client_open(&as, &config);
    as_key key;
    as_key_init_str(&key, "test", "demo", name);
    as_record record;
    as_record_init(&record, 6);
    as_record_set_str(&record, "text", "a \"quoted\" line\n\xc3\xa4");
    as_record_set_int64(&record, "int", INT64_C(9007199254740993));
    as_record_set_double(&record, "double", 0.1);
    as_record_set_bool(&record, "bool", true);
    as_record_set_rawp(&record, "bytes", (const uint8_t*)"\0\xff\x10", 3, false);
    as_record_set_geojson_str(&record, "geo", "{\"type\":\"Point\",\"coordinates\":[1.5,2]}");
    test_result result = {0};
    as_error err;
    assert_int_equal(
        aerospike_key_put_async(&as, &err, NULL, &key, &record, test_on_write, &result, NULL, NULL),
        AEROSPIKE_OK);
    test_result_wait(&result);
    assert_true(result.is_ok);
    as_record_destroy(&record);
    test_client_close(&as);
}

static int set_up_cluster(void** state)
{
    (void)state;
    cluster = test_cluster_start(NULL);
    if (!cluster) {
        return -1;
    }
    snprintf(hosts_conf, sizeof(hosts_conf),
             "aerospike_hosts %s;\nproxy_cache_path cache keys_zone=z:64k;", /* has a manager */
             test_cluster_hosts(cluster));
    put_record("fido");
    return 0;
}

static int tear_down_cluster(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

static int set_up_site(void** state)
{
    (void)state;
    web_init(&site, &usual);
    web_start(&site);
    return 0;
}

/* Also after a test that failed. */
static int tear_down_site(void** state)
{
    (void)state;
    if (site.master) {
        web_stop(&site, SIGTERM);
        int id = shmget(site.shm_key, 0, 0);
        if (id >= 0) {
            shmctl(id, IPC_RMID, NULL);
        }
    }
    if (!test_cluster_is_real(cluster)) {
        test_cluster_control(cluster, "clear");
    }
    web_done(&site);
    return 0;
}

/* The end of each test that has nginx running: gracefully, and nothing is left. */
static void end_well(void)
{
    assert_int_equal(web_stop(&site, SIGQUIT), 0);
    assert_int_equal(web_count_alarms(&site), 0);
    assert_int_equal(web_segment_attached(&site), -1);
}

/* ---- helpers ---- */

static const char fido[] =
    "{\"text\":\"a \\\"quoted\\\" line\\n\xc3\xa4\",\"int\":9007199254740993,\"double\":0.1,"
    "\"bool\":true,\"bytes\":\"AP8Q\",\"geo\":{\"type\":\"Point\",\"coordinates\":[1.5,2]}}";

/* Servers may order bins as they like; all of ours are in the answer. */
static void assert_is_fido(const web_reply* reply)
{
    static const char* const parts[] = {
        "\"text\":\"a \\\"quoted\\\" line\\n\xc3\xa4\"",
        "\"int\":9007199254740993",
        "\"double\":0.1",
        "\"bool\":true",
        "\"bytes\":\"AP8Q\"",
        "\"geo\":{\"type\":\"Point\",\"coordinates\":[1.5,2]}",
    };
    if (reply->status != 200) {
        fail_msg("status %d from worker %d: %s", reply->status, (int)reply->worker, reply->text);
    }
    assert_non_null(strstr(reply->text, "Content-Type: application/json\r\n"));
    assert_int_equal(strlen(reply->body), strlen(fido));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_non_null(strstr(reply->body, parts[i]));
    }
}

/* Asks on new connections until each of these workers has answered. */
static void fetch_through_each(const web_workers* workers)
{
    bool has_answered[WEB_WORKERS_MAX] = {false};
    int left = workers->count;
    for (int attempt = 0; left > 0; attempt++) {
        assert_true(attempt < 1000);
        web_reply reply;
        web_get(&site, "/kv/fido", &reply);
        assert_is_fido(&reply);
        for (int i = 0; i < workers->count; i++) {
            if (workers->pids[i] == reply.worker && !has_answered[i]) {
                has_answered[i] = true;
                left--;
            }
        }
    }
}

static void set_slow(int ms)
{
    for (int node = 0; node < 3; node++) {
        char line[64];
        snprintf(line, sizeof(line), "slow %d %d on=record", node, ms);
        assert_true(test_cluster_control(cluster, line));
    }
}

/* ---- configuration ---- */

static void checking_the_configuration_has_no_side_effect(void** state)
{
    (void)state;
    char text[4096];
    web_init(&site, &usual);
    if (web_check(&site, text, sizeof(text)) != 0) {
        fail_msg("%s", text);
    }
    assert_int_equal(web_segment_attached(&site), -1);
}

static void wrong_configurations_say_where_and_what(void** state)
{
    (void)state;
    static const struct {
        web_conf conf;
        const char* text;
    } cases[] = {
        {{.server = "location / { aerospike_get test demo $uri; }"}, "needs \"aerospike_hosts\""},
        {{.http = "aerospike_hosts 127.0.0.1:0;"}, "invalid host \"127.0.0.1:0\""},
        {{.http = "aerospike_hosts [::1;"}, "invalid host \"[::1\""},
        {{.http = "aerospike_hosts;"}, "invalid number of arguments"},
        {{.http = "aerospike_shm_key 0x123;"}, "is duplicate"},
        {{.server = "location / { aerospike_get test demo; }"}, "invalid number of arguments"},
        {{.http = "aerospike_hosts 127.0.0.1;",
          .server = "location / { aerospike_get test demo $nonsense; }"},
         "unknown \"nonsense\""},
    };
    web_init(&site, &usual);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[4096];
        web_write_conf(&site, &cases[i].conf);
        assert_int_equal(web_check(&site, text, sizeof(text)), 1);
        if (!strstr(text, cases[i].text)) {
            fail_msg("wanted '%s' in: %s", cases[i].text, text);
        }
    }
}

/* ---- requests ---- */

static void every_worker_answers_with_the_record(void** state)
{
    (void)state;
    web_workers workers;
    web_workers_await(&site, 2, &workers);
    fetch_through_each(&workers);
    assert_int_equal(web_segment_attached(&site),
                     2); /* workers only: no master, no cache manager */
    web_workers_done(&workers);
    end_well();
}

static void answers_have_the_right_status(void** state)
{
    (void)state;
    static const struct {
        const char* method;
        const char* path;
        int status;
    } cases[] = {
        {"GET", "/kv/fido", 200},
        {"HEAD", "/kv/fido", 200},
        {"GET", "/kv/nobody", 404},
        {"POST", "/kv/fido", 405},
        {"DELETE", "/kv/fido", 405},
        {"GET", "/arg?key=fido", 200},
        {"GET", "/arg?key=", 400},
        {"GET", "/arg", 400},
        {"GET", "/ns/test/fido", 200},
        {"GET", "/ns/nowhere/fido", 500},
        {"GET", "/ns/0123456789012345678901234567890123456789/fido", 400},
        {"GET", "/ns//fido", 404}, /* nginx merges the slashes */
        {"GET", "/empty", 204},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        web_reply reply;
        web_request(&site, cases[i].method, cases[i].path, &reply);
        if (reply.status != cases[i].status) {
            fail_msg("%s %s: %d instead of %d", cases[i].method, cases[i].path, reply.status,
                     cases[i].status);
        }
    }
    end_well();
}

static void a_result_code_becomes_a_status(void** state)
{
    (void)state;
    static const struct {
        int code;
        int status;
    } cases[] = {{18, 503}, {22, 403}, {4, 400}, {13, 413}, {1, 500}};
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    web_reply reply;
    web_get(&site, "/kv/fido", &reply);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int node = 0; node < 3; node++) {
            char line[64];
            snprintf(line, sizeof(line), "answer %d %d always", node, cases[i].code);
            assert_true(test_cluster_control(cluster, line));
        }
        web_get(&site, "/kv/fido", &reply);
        assert_int_equal(reply.status, cases[i].status);
        assert_int_equal(strstr(reply.text, "\r\nRetry-After: ") != NULL, reply.status == 503);
    }
    end_well();
}

static void a_client_that_leaves_first_does_no_harm(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    web_reply reply;
    web_get(&site, "/kv/fido", &reply);
    set_slow(200);
    for (int i = 0; i < 20; i++) {
        close(web_send(&site, "GET", "/kv/fido"));
    }
    web_get(&site, "/kv/fido", &reply); /* begun after them: they have ended when it has */
    assert_is_fido(&reply);
    web_get(&site, "/kv/fido", &reply);
    assert_is_fido(&reply);
    end_well();
}

static void a_worker_starts_without_the_cluster(void** state)
{
    (void)state;
    static const web_conf nobody = {.http = "aerospike_hosts 127.0.0.1:1;", .server = LOCATIONS};
    web_init(&site, &nobody);
    web_start(&site);
    web_workers workers;
    web_workers_await(&site, 2, &workers);
    web_reply reply;
    web_get(&site, "/kv/fido", &reply);
    assert_true(reply.status == 502 || reply.status == 504);
    web_get(&site, "/empty", &reply);
    assert_int_equal(reply.status, 204);
    assert_true(web_workers_has(&workers, reply.worker));
    web_workers_done(&workers);
    end_well();
}

/* ---- reload ---- */

static void new_workers_take_over_on_reload(void** state)
{
    (void)state;
    web_workers old, young;
    web_workers_await(&site, 2, &old);
    fetch_through_each(&old);
    for (int i = 0; i < 3; i++) {
        kill(site.master, SIGHUP);
        /* Idle workers leave at once, though they have connections to the cluster and timers. */
        assert_true(web_workers_await_end(&old, 5000));
        web_workers_await(&site, 2, &young);
        fetch_through_each(&young);
        assert_int_equal(web_segment_attached(&site), 2);
        old = young;
    }
    web_workers_done(&old);
    end_well();
}

static void an_old_worker_finishes_its_requests(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    web_workers old, young;
    web_workers_await(&site, 2, &old);
    fetch_through_each(&old);
    set_slow(700);
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = web_send(&site, "GET", "/kv/fido");
        assert_true(fds[i] >= 0);
    }
    web_reply reply;
    web_get(&site, "/empty", &reply); /* whoever accepted this has accepted what came before */
    kill(site.master, SIGHUP);
    for (int i = 0; i < 8; i++) {
        web_receive(fds[i], &reply);
        assert_is_fido(&reply);
    }
    assert_true(web_workers_await_end(&old, 5000));
    assert_true(test_cluster_control(cluster, "clear"));
    web_workers_await(&site, 2, &young);
    fetch_through_each(&young);
    web_workers_done(&young);
    end_well();
}

static void a_reload_may_bring_another_key(void** state)
{
    (void)state;
    web_workers old, young;
    web_workers_await(&site, 2, &old);
    fetch_through_each(&old);
    web before = site;
    site.shm_key++;
    web_write_conf(&site, &usual);
    kill(site.master, SIGHUP);
    assert_true(web_workers_await_end(&old, 5000));
    web_workers_await(&site, 2, &young);
    fetch_through_each(&young);
    assert_int_equal(web_segment_attached(&before), -1);
    assert_int_equal(web_segment_attached(&site), 2);
    web_workers_done(&young);
    end_well();
}

static void killed_workers_are_replaced(void** state)
{
    (void)state;
    web_workers workers;
    web_workers_await(&site, 2, &workers);
    fetch_through_each(&workers);
    for (int i = 0; i < 2; i++) { /* one of them tends */
        pid_t victim = workers.pids[i];
        kill(victim, SIGKILL);
        web_workers one = {1, {victim}, {workers.pidfds[i]}};
        assert_true(web_workers_await_end(&one, WEB_WAIT_MS));
        workers.pidfds[i] = -1;
        web_workers both;
        do {
            web_workers_await(&site, 2, &both);
        } while (web_workers_has(&both, victim));
        fetch_through_each(&both);
        web_workers_done(&both);
    }
    web_workers_done(&workers);
    assert_int_equal(web_stop(&site, SIGQUIT), 0);
    assert_int_equal(web_segment_attached(&site), -1);
    assert_int_equal(web_count_alarms(&site), web_count_lines(&site, "exited on signal 9"));
}

#define WITH_SITE(function) cmocka_unit_test_setup_teardown(function, set_up_site, tear_down_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(checking_the_configuration_has_no_side_effect, tear_down_site),
        cmocka_unit_test_teardown(wrong_configurations_say_where_and_what, tear_down_site),
        WITH_SITE(every_worker_answers_with_the_record),
        WITH_SITE(answers_have_the_right_status),
        WITH_SITE(a_result_code_becomes_a_status),
        WITH_SITE(a_client_that_leaves_first_does_no_harm),
        cmocka_unit_test_teardown(a_worker_starts_without_the_cluster, tear_down_site),
        WITH_SITE(new_workers_take_over_on_reload),
        WITH_SITE(an_old_worker_finishes_its_requests),
        WITH_SITE(a_reload_may_bring_another_key),
        WITH_SITE(killed_workers_are_replaced),
    };
    return cmocka_run_group_tests(tests, set_up_cluster, tear_down_cluster);
}
