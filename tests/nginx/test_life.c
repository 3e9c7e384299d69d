/*
 * The life of the worker processes: start, reload, kills, shutdown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/nginx/bed.h"
#include "tests/nginx/load.h"

static load traffic;

static const web_conf usual = {
    .cluster = bed_server,
    .http = "proxy_cache_path cache keys_zone=z:64k;\n" /* has a manager */
            "aerospike_namespace test;\n"
            "aerospike_set demo;\n",
    .server = "location ~ ^/kv/(?<key>[^/]+)$ { aerospike_pass main; aerospike_key $key; }\n",
};

static int set_up_site(void** state)
{
    (void)state;
    bed_start(&usual);
    return 0;
}

/* ---- configuration ---- */

static void checking_the_configuration_has_no_side_effect(void** state)
{
    (void)state;
    char text[4096];
    web_init(&bed_site, &usual);
    if (web_check(&bed_site, text, sizeof(text)) != 0) {
        fail_msg("%s", text);
    }
    assert_int_equal(web_segment_attached(&bed_site), -1);
}

/* ---- requests ---- */

static void every_worker_answers_with_the_record(void** state)
{
    (void)state;
    web_workers workers;
    web_workers_await(&bed_site, 2, &workers);
    bed_fetch_through_each(&workers);
    assert_int_equal(web_segment_attached(&bed_site),
                     2); /* workers only: no master, no cache manager */
    web_workers_done(&workers);
    bed_end_well();
}

static void a_client_that_leaves_first_does_no_harm(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    web_reply reply;
    web_get(&bed_site, "/kv/fido", &reply);
    bed_set_slow(200);
    for (int i = 0; i < 20; i++) {
        close(web_send(&bed_site, "GET", "/kv/fido"));
    }
    web_get(&bed_site, "/kv/fido", &reply); /* begun after them: they have ended when it has */
    bed_assert_is_fido(&reply);
    web_get(&bed_site, "/kv/fido", &reply);
    bed_assert_is_fido(&reply);
    bed_end_well();
}

static void a_worker_starts_without_the_cluster(void** state)
{
    (void)state;
    web_conf nobody = usual;
    nobody.cluster = "server 127.0.0.1:1;";
    bed_start(&nobody);
    web_workers workers;
    web_workers_await(&bed_site, 2, &workers);
    web_reply reply;
    web_get(&bed_site, "/kv/fido", &reply);
    assert_true(reply.status == 502 || reply.status == 504);
    web_get(&bed_site, "/empty", &reply);
    assert_int_equal(reply.status, 204);
    assert_true(web_workers_has(&workers, reply.worker));
    web_workers_done(&workers);
    bed_end_well();
}

/* ---- reload ---- */

static void new_workers_take_over_on_reload(void** state)
{
    (void)state;
    web_workers old, young;
    web_workers_await(&bed_site, 2, &old);
    bed_fetch_through_each(&old);
    for (int i = 0; i < 3; i++) {
        kill(bed_site.master, SIGHUP);
        /* Idle workers leave at once, though they have connections to the cluster and timers. */
        assert_true(web_workers_await_end(&old, 5000));
        web_workers_await(&bed_site, 2, &young);
        bed_fetch_through_each(&young);
        assert_int_equal(web_segment_attached(&bed_site), 2);
        old = young;
    }
    web_workers_done(&old);
    bed_end_well();
}

static void an_old_worker_finishes_its_requests(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    web_conf conf = usual;
    conf.http = "aerospike_namespace test; aerospike_set demo; aerospike_total_timeout 15s;";
    bed_start(&conf);
    web_workers old, young;
    web_workers_await(&bed_site, 2, &old);
    bed_fetch_through_each(&old);
    bed_set_slow(300);
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = web_send(&bed_site, "GET", "/kv/fido");
        assert_true(fds[i] >= 0);
    }
    web_reply reply;
    web_get(&bed_site, "/empty", &reply); /* whoever accepted this has accepted what came before */
    kill(bed_site.master, SIGHUP);
    for (int i = 0; i < 8; i++) {
        web_receive(fds[i], &reply);
        bed_assert_is_fido(&reply);
    }
    assert_true(web_workers_await_end(&old, 5000));
    assert_true(test_cluster_control(bed_cluster, "clear"));
    web_workers_await(&bed_site, 2, &young);
    bed_fetch_through_each(&young);
    web_workers_done(&young);
    bed_end_well();
}

static void a_reload_may_bring_another_key(void** state)
{
    (void)state;
    web_workers old, young;
    web_workers_await(&bed_site, 2, &old);
    bed_fetch_through_each(&old);
    web before = bed_site;
    bed_site.shm_key++;
    web_write_conf(&bed_site, &usual);
    kill(bed_site.master, SIGHUP);
    assert_true(web_workers_await_end(&old, 5000));
    web_workers_await(&bed_site, 2, &young);
    bed_fetch_through_each(&young);
    assert_int_equal(web_segment_attached(&before), -1);
    assert_int_equal(web_segment_attached(&bed_site), 2);
    web_workers_done(&young);
    bed_end_well();
}

static void killed_workers_are_replaced(void** state)
{
    (void)state;
    web_workers workers;
    web_workers_await(&bed_site, 2, &workers);
    bed_fetch_through_each(&workers);
    for (int i = 0; i < 2; i++) { /* one of them tends */
        pid_t victim = workers.pids[i];
        kill(victim, SIGKILL);
        web_workers one = {1, {victim}, {workers.pidfds[i]}};
        assert_true(web_workers_await_end(&one, WEB_WAIT_MS));
        workers.pidfds[i] = -1;
        web_workers both;
        do {
            web_workers_await(&bed_site, 2, &both);
        } while (web_workers_has(&both, victim));
        bed_fetch_through_each(&both);
        web_workers_done(&both);
    }
    web_workers_done(&workers);
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    assert_int_equal(web_segment_attached(&bed_site), -1);
    assert_int_equal(web_count_alarms(&bed_site), web_count_lines(&bed_site, "exited on signal 9"));
}

/* ---- under load ---- */

static void start_under_load(int clients)
{
    web_conf conf = usual;
    conf.has_one_queue = true;
    bed_start(&conf);
    load_start(&traffic, &bed_site, "/kv/fido", clients);
    load_await(&traffic, 100);
}

static void rewrite_conf(const char* more_cluster, const char* more_http)
{
    static char cluster_lines[5000], http_lines[1000];
    web_conf conf = usual;
    conf.has_one_queue = true;
    snprintf(cluster_lines, sizeof(cluster_lines), "%s %s", bed_server, more_cluster);
    snprintf(http_lines, sizeof(http_lines), "%s %s", usual.http, more_http);
    conf.cluster = cluster_lines;
    conf.http = http_lines;
    web_write_conf(&bed_site, &conf);
}

static void reloads_under_load_fail_no_request(void** state)
{
    (void)state;
    start_under_load(4);
    load_reload(&traffic, &bed_site);
    rewrite_conf("tend_interval 500ms; connections max=50;", "aerospike_total_timeout 2s;");
    load_reload(&traffic, &bed_site);
    rewrite_conf("", "");
    load_reload(&traffic, &bed_site);
    load_stop(&traffic);
    load_assert_clean(&traffic, 0);
    bed_end_well();
}

static void a_segment_that_does_not_fit_costs_a_warning(void** state)
{
    (void)state;
    start_under_load(2);
    rewrite_conf("shm_nodes 32;", "");
    load_reload(&traffic, &bed_site);
    assert_int_equal(web_count_lines(&bed_site, "for itself alone"), 2); /* once per worker */
    rewrite_conf("", "");
    load_reload(&traffic, &bed_site);
    assert_int_equal(web_count_lines(&bed_site, "for itself alone"), 2);
    load_stop(&traffic);
    load_assert_clean(&traffic, 0);
    bed_end_well();
}

static void a_new_binary_takes_over_under_load(void** state)
{
    (void)state;
    start_under_load(4);
    for (int i = 0; i < 2; i++) {
        web_upgrade(&bed_site);
        load_await(&traffic, 50);
    }
    load_stop(&traffic);
    load_assert_clean(&traffic, 0);
    bed_end_well();
}

static void killed_workers_cost_their_requests_only(void** state)
{
    (void)state;
    start_under_load(4);
    const int kills = 6;
    for (int i = 0; i < kills; i++) {
        load_kill(&traffic, &bed_site, i % 2 == 0);
    }
    load_stop(&traffic);
    load_assert_clean(&traffic, (unsigned long)kills * 4);
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    assert_int_equal(web_count_alarms(&bed_site), web_count_lines(&bed_site, "exited on signal 9"));
}

static void a_node_that_dies_and_returns_fails_no_request(void** state)
{
    (void)state;
    if (test_cluster_is_real(bed_cluster)) {
        skip();
    }
    web_conf conf = usual;
    conf.has_one_queue = true;
    conf.http = "aerospike_namespace test; aerospike_set demo; aerospike_total_timeout 5s;"
                "aerospike_retries 100 delay=50ms;";
    bed_start(&conf);
    load_start(&traffic, &bed_site, "/kv/fido", 2);
    load_await(&traffic, 100);
    assert_true(test_cluster_control(bed_cluster, "kill 1"));
    load_await(&traffic, 300);
    assert_true(test_cluster_control(bed_cluster, "restart 1"));
    load_await(&traffic, 300);
    load_stop(&traffic);
    load_assert_clean(&traffic, 0);
    bed_end_well();
}

/* QUIT lets requests end, TERM doesn't; both leave nothing. */
static void it_ends_under_load(void** state)
{
    (void)state;
    static const int signals[] = {SIGQUIT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        start_under_load(4);
        assert_int_equal(web_stop(&bed_site, signals[i]), 0);
        load_done(&traffic);
        assert_int_equal(web_count_alarms(&bed_site), 0);
        assert_int_equal(web_segment_attached(&bed_site), -1);
        if (i == 0) {
            web_done(&bed_site);
        }
    }
}

/* A reload is nothing that nginx itself survives there: its new cycle has no connections. */
static void without_a_master_it_serves_too(void** state)
{
    (void)state;
    web_conf conf = usual;
    conf.main = "master_process off;";
    conf.http = "aerospike_namespace test; aerospike_set demo; aerospike_total_timeout 5s;";
    conf.has_one_queue = true;
    bed_start(&conf);
    web_reply reply;
    for (int i = 0; i < 3; i++) {
        web_get(&bed_site, "/kv/fido", &reply);
        if (reply.status == 0) {
            web_print_log(&bed_site);
        }
        bed_assert_is_fido(&reply);
        assert_int_equal(reply.worker, bed_site.master);
    }
    bed_end_well();
}

/* As many clients as there are connection slots: ours can't be had, theirs go on. */
static void worker_connections_may_run_out(void** state)
{
    (void)state;
    web_conf conf = usual;
    conf.main = "worker_rlimit_nofile 1024;";
    bed_start(&conf);
    web_reply reply;
    web_get(&bed_site, "/kv/fido", &reply);
    bed_assert_is_fido(&reply);
    int fds[300];
    for (int i = 0; i < 300; i++) { /* 128 slots in each of two workers */
        fds[i] = web_send_bytes(&bed_site, "GET /kv/fido HTTP/1.1\r\n", 23);
    }
    web_get(&bed_site, "/kv/fido", &reply);
    for (int i = 0; i < 300; i++) {
        close(fds[i]);
    }
    bool is_back = false;
    for (int i = 0; i < 1000 && !is_back; i++) {
        web_get(&bed_site, "/kv/fido", &reply);
        is_back = reply.status == 200;
    }
    assert_true(is_back);
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    /* nginx says once in a while that its own accept() found no slot; we say nothing of the kind.
     */
    assert_int_equal(web_count_alarms(&bed_site),
                     web_count_lines(&bed_site, "worker_connections are not enough") -
                         web_count_lines(&bed_site, "are not enough, reusing connections"));
    assert_int_equal(web_segment_attached(&bed_site), -1);
}

static int clean_load(void** state)
{
    load_done(&traffic);
    return bed_clean(state);
}

#define WITH_SITE(function) cmocka_unit_test_setup_teardown(function, set_up_site, bed_clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(checking_the_configuration_has_no_side_effect, bed_clean),
        WITH_SITE(every_worker_answers_with_the_record),
        WITH_SITE(a_client_that_leaves_first_does_no_harm),
        cmocka_unit_test_teardown(a_worker_starts_without_the_cluster, bed_clean),
        WITH_SITE(new_workers_take_over_on_reload),
        cmocka_unit_test_teardown(an_old_worker_finishes_its_requests, bed_clean),
        WITH_SITE(a_reload_may_bring_another_key),
        WITH_SITE(killed_workers_are_replaced),
        cmocka_unit_test_teardown(reloads_under_load_fail_no_request, clean_load),
        cmocka_unit_test_teardown(a_segment_that_does_not_fit_costs_a_warning, clean_load),
        cmocka_unit_test_teardown(a_new_binary_takes_over_under_load, clean_load),
        cmocka_unit_test_teardown(killed_workers_cost_their_requests_only, clean_load),
        cmocka_unit_test_teardown(a_node_that_dies_and_returns_fails_no_request, clean_load),
        cmocka_unit_test_teardown(it_ends_under_load, clean_load),
        cmocka_unit_test_teardown(without_a_master_it_serves_too, clean_load),
        cmocka_unit_test_teardown(worker_connections_may_run_out, clean_load),
    };
    return cmocka_run_group_tests(tests, bed_set_up, bed_tear_down);
}
