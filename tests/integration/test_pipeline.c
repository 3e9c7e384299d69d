/*
 * Commands with a pipe listener: the next one is started when the last was sent, on few
 * connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"

#define COMMANDS 2000
#define CONNECTIONS_MAX (COMMANDS / 10) /* although all may be out at once */

static test_cluster* cluster;
static aerospike as;

typedef struct pipeline {
    unsigned started;
    unsigned piped;
    unsigned ended;
    unsigned failed;
    unsigned depth; /* of calls inside each other */
    bool reads;
} pipeline;

typedef struct one {
    pipeline* all;
    unsigned number;
    unsigned pipes;
} one;

static void start_next(pipeline* all);

static void end_one(as_error* err, one* command)
{
    pipeline* all = command->all;
    assert_int_equal(command->pipes, err ? command->pipes : 1); /* before the listener */
    all->ended++;
    all->failed += err != NULL;
    free(command);
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    end_one(err, udata);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    one* command = udata;
    if (record) {
        assert_int_equal(as_record_get_int64(record, "n", -1), command->number);
    }
    end_one(err, command);
}

static void on_pipe(void* udata, as_event_loop* loop)
{
    (void)loop;
    one* command = udata;
    pipeline* all = command->all;
    command->pipes++;
    all->piped++;
    assert_int_equal(all->depth, 0);
    all->depth++;
    start_next(all);
    all->depth--;
}

static void start_next(pipeline* all)
{
    if (all->started == COMMANDS) {
        return;
    }
    as_error err;
    as_key key;
    one* command = calloc(1, sizeof(*command));
    command->all = all;
    command->number = all->started++;
    as_key_init_int64(&key, "test", "pipeline", (int64_t)getpid() * 10000 + command->number);
    if (all->reads) {
        assert_int_equal(
            aerospike_key_get_async(&as, &err, NULL, &key, on_record, command, NULL, on_pipe), 0);
        return;
    }
    as_record rec;
    as_record_inita(&rec, 1);
    as_record_set_int64(&rec, "n", command->number);
    assert_int_equal(
        aerospike_key_put_async(&as, &err, NULL, &key, &rec, on_write, command, NULL, on_pipe), 0);
    as_record_destroy(&rec);
}

static bool is_over(void* udata)
{
    return ((pipeline*)udata)->ended == COMMANDS;
}

static void run(bool reads)
{
    pipeline all = {.reads = reads};
    start_next(&all);
    assert_int_equal(all.piped, 0);
    assert_true(test_run_until(is_over, &all, TEST_WAIT_MS));
    assert_int_equal(all.piped, COMMANDS);
    assert_int_equal(all.failed, 0);
}

static void each_is_started_when_the_last_was_sent(void** state)
{
    (void)state;
    run(false);
    run(true);
    if (!test_cluster_is_real(cluster)) {
        assert_true(test_cluster_control(cluster, "stats"));
        assert_in_range(test_cluster_stat(cluster, "connections"), 1, CONNECTIONS_MAX);
    }
}

static void a_failure_before_sending_calls_no_pipe_listener(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    pipeline all = {.started = COMMANDS - 1};
    assert_true(test_cluster_control(cluster, "refuse 0"));
    assert_true(test_cluster_control(cluster, "refuse 1"));
    assert_true(test_cluster_control(cluster, "refuse 2"));
    assert_true(test_cluster_control(cluster, "close 0"));
    assert_true(test_cluster_control(cluster, "close 1"));
    assert_true(test_cluster_control(cluster, "close 2"));
    test_run_for(200);
    start_next(&all);
    all.ended = COMMANDS - 1;
    assert_true(test_run_until(is_over, &all, TEST_WAIT_MS) || all.ended == COMMANDS);
    assert_int_equal(all.failed, 1);
    assert_int_equal(all.piped, 0);
    assert_true(test_cluster_control(cluster, "clear"));
    assert_true(test_cluster_control(cluster, "cont 0"));
    assert_true(test_cluster_control(cluster, "cont 1"));
    assert_true(test_cluster_control(cluster, "cont 2"));
}

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    test_client_open(&as, &config);
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    test_client_close(&as);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_started_when_the_last_was_sent),
        cmocka_unit_test(a_failure_before_sending_calls_no_pipe_listener),
    };
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
