/*
 * What the tests of the module have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>

#include "tests/nginx/bed.h"

test_cluster* bed_cluster;
web bed_site;
char bed_server[4200];

/* ---- setting up ---- */

static void put_record(const char* name)
{
    aerospike as;
    as_config config;
    test_config_init(&config, test_cluster_hosts(bed_cluster));
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

/* The block's line takes seeds as words of their own. */
int bed_set_up(void** state)
{
    (void)state;
    bed_cluster = test_cluster_start(NULL);
    if (!bed_cluster) {
        return -1;
    }
    snprintf(bed_server, sizeof(bed_server), "server %s;", test_cluster_hosts(bed_cluster));
    put_record("fido");
    return 0;
}

int bed_tear_down(void** state)
{
    (void)state;
    test_cluster_stop(bed_cluster);
    return 0;
}

/* Every test again, in workers of the second generation. */
static void reload_first(void)
{
    web_workers old, young;
    web_workers_await(&bed_site, 2, &old);
    kill(bed_site.master, SIGHUP);
    assert_true(web_workers_await_end(&old, WEB_WAIT_MS));
    web_workers_await(&bed_site, 2, &young);
    web_workers_done(&young);
}

void bed_start(const web_conf* conf)
{
    web_conf full = *conf;
    if (!full.cluster) {
        full.cluster = bed_server;
    }
    web_init(&bed_site, &full);
    web_start(&bed_site);
    if (getenv("TENDRIL_TEST_HUP")) {
        reload_first();
    }
}

int bed_clean(void** state)
{
    (void)state;
    if (bed_site.master) {
        web_stop(&bed_site, SIGTERM);
        int id = shmget(bed_site.shm_key, 0, 0);
        if (id >= 0) {
            shmctl(id, IPC_RMID, NULL);
        }
    }
    if (!test_cluster_is_real(bed_cluster)) {
        test_cluster_control(bed_cluster, "clear");
    }
    web_done(&bed_site);
    return 0;
}

void bed_end_well(void)
{
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    assert_int_equal(web_count_alarms(&bed_site), 0);
    assert_int_equal(web_segment_attached(&bed_site), -1);
}

/* ---- helpers ---- */

static const char fido[] =
    "{\"text\":\"a \\\"quoted\\\" line\\n\xc3\xa4\",\"int\":9007199254740993,\"double\":0.1,"
    "\"bool\":true,\"bytes\":\"AP8Q\",\"geo\":{\"type\":\"Point\",\"coordinates\":[1.5,2]}}";

/* Servers may order bins as they like; all of ours are in the answer. */
void bed_assert_is_fido(const web_reply* reply)
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

void bed_fetch_through_each(const web_workers* workers)
{
    bool has_answered[WEB_WORKERS_MAX] = {false};
    int left = workers->count;
    for (int attempt = 0; left > 0; attempt++) {
        assert_true(attempt < 1000);
        web_reply reply;
        web_get(&bed_site, "/kv/fido", &reply);
        bed_assert_is_fido(&reply);
        for (int i = 0; i < workers->count; i++) {
            if (workers->pids[i] == reply.worker && !has_answered[i]) {
                has_answered[i] = true;
                left--;
            }
        }
    }
}

void bed_control_all(const char* words, const char* more)
{
    for (int node = 0; node < 3; node++) {
        char line[128];
        snprintf(line, sizeof(line), "%s %d %s", words, node, more);
        assert_true(test_cluster_control(bed_cluster, line));
    }
}

void bed_set_slow(int ms)
{
    char more[32];
    snprintf(more, sizeof(more), "%d on=record", ms);
    bed_control_all("slow", more);
}
