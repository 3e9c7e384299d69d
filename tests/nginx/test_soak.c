/*
 * The life of the worker processes, for long: everything at once under load, and a thousand reloads
 * without growth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/nginx/bed.h"
#include "tests/nginx/load.h"

#define RELOADS 20
#define UPGRADES 5
#define KILLS 50
#define RELOADS_WITHOUT_GROWTH 1000
#define CLIENTS 4

static load traffic;

static const web_conf usual = {
    .cluster = bed_server,
    .http = "aerospike_namespace test; aerospike_set demo; aerospike_total_timeout 5s;\n"
            "aerospike_retries 100 delay=50ms;\n",
    .server = "location ~ ^/kv/(?<key>[^/]+)$ { aerospike_pass main; aerospike_key $key; }\n",
    .has_one_queue = true,
};

static int clean(void** state)
{
    load_done(&traffic);
    return bed_clean(state);
}

static void lose_and_regain_a_node(void)
{
    if (test_cluster_is_real(bed_cluster)) {
        return;
    }
    assert_true(test_cluster_control(bed_cluster, "kill 1"));
    load_await(&traffic, 300);
    assert_true(test_cluster_control(bed_cluster, "restart 1"));
    load_await(&traffic, 300);
}

static void only_requests_inside_a_killed_worker_fail(void** state)
{
    (void)state;
    bed_start(&usual);
    load_start(&traffic, &bed_site, "/kv/fido", CLIENTS);
    load_await(&traffic, 100);
    for (int i = 0; i < KILLS; i++) {
        load_kill(&traffic, &bed_site, i % 2 == 0);
        if (i < RELOADS) {
            load_reload(&traffic, &bed_site);
        }
        if (i % (KILLS / UPGRADES) == 0) {
            web_upgrade(&bed_site);
            load_await(&traffic, 50);
        }
        if (i == KILLS / 2) {
            lose_and_regain_a_node();
        }
    }
    load_stop(&traffic);
    load_assert_clean(&traffic, (unsigned long)KILLS * CLIENTS);
    assert_int_equal(web_stop(&bed_site, SIGQUIT), 0);
    assert_int_equal(web_count_alarms(&bed_site), web_count_lines(&bed_site, "exited on signal 9"));
    assert_int_equal(web_segment_attached(&bed_site), -1);
}

/* ---- growth ---- */

static int count_entries(const char* path)
{
    int count = 0;
    DIR* folder = opendir(path);
    while (folder && readdir(folder)) {
        count++;
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

static int descriptors_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    return count_entries(path);
}

static long memory_kb_of(pid_t pid)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE* file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        sscanf(line, "VmRSS: %ld kB", &kb);
    }
    if (file) {
        fclose(file);
    }
    return kb;
}

static void many_reloads_leave_nothing_behind(void** state)
{
    (void)state;
    bed_start(&usual);
    load_start(&traffic, &bed_site, "/kv/fido", 1);
    long memory_kb = 0;
    int descriptors = 0;
    for (int i = 0; i < RELOADS_WITHOUT_GROWTH; i++) {
        load_reload(&traffic, &bed_site);
        if (i == RELOADS_WITHOUT_GROWTH / 10) {
            memory_kb = memory_kb_of(bed_site.master);
            descriptors = descriptors_of(bed_site.master);
        }
    }
    print_message("master: %ld kB, then %ld kB; %d descriptors, then %d\n", memory_kb,
                  memory_kb_of(bed_site.master), descriptors, descriptors_of(bed_site.master));
    assert_true(memory_kb_of(bed_site.master) < memory_kb + memory_kb / 10);
    assert_true(descriptors_of(bed_site.master) <= descriptors);
    assert_int_equal(web_segment_attached(&bed_site), 2);
    load_stop(&traffic);
    load_assert_clean(&traffic, 0);
    bed_end_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(only_requests_inside_a_killed_worker_fail, clean),
        cmocka_unit_test_teardown(many_reloads_leave_nothing_behind, clean),
    };
    return cmocka_run_group_tests(tests, bed_set_up, bed_tear_down);
}
