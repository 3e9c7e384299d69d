/*
 * The life of a client: connecting to a cluster and to nothing, commands before the first map,
 * closing with commands pending, in every order and from inside listeners, with shared memory that
 * is too small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include <aerospike/as_monitor.h>
#include <tendril/event.h>

#define NS "test"
#define SET "client"
#define NOBODY "127.0.0.1:1" /* a port where nobody listens */

static test_cluster* cluster;
static aerospike as;
static as_key key;

static bool needs_faults(void)
{
    return test_cluster_is_real(cluster);
}

static void init_client(const char* hosts)
{
    as_config config;
    test_config_init(&config, hosts);
    aerospike_init(&as, &config);
}

static void start_get(uint32_t total_ms, test_result* result)
{
    as_error err;
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = total_ms;
    policy.base.max_retries = 0;
    test_result_reset(result);
    if (aerospike_key_get_async(&as, &err, &policy, &key, test_on_record, result, NULL, NULL)) {
        fail_msg("get: %d %s", err.code, err.message);
    }
    assert_int_equal(result->calls, 0); /* never inside the call */
}

static void start_connect(test_result* result)
{
    as_error err;
    test_result_reset(result);
    if (aerospike_connect_async(&as, &err, test_on_write, result, NULL) != AEROSPIKE_OK) {
        fail_msg("connect: %d %s", err.code, err.message);
    }
    assert_int_equal(result->calls, 0); /* never inside the call */
}

/* ---- connecting ---- */

static void connects_and_closes_in_any_order(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    for (int order = 0; order < 5; order++) {
        assert_non_null(as_event_create_loops(1));
        init_client(test_cluster_hosts(cluster));
        assert_false(aerospike_cluster_is_connected(&as));
        start_connect(&result);
        assert_non_null(as.cluster);
        test_result_wait(&result);
        assert_true(result.is_ok);
        assert_true(aerospike_cluster_is_connected(&as));
        if (order == 0) {
            assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
            assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
            aerospike_destroy(&as);
            assert_true(as_event_close_loops());
        } else if (order == 1) {
            assert_true(as_event_close_loops());
            assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
            aerospike_destroy(&as);
        } else if (order == 2) {
            aerospike_destroy(&as); /* closes */
            assert_true(as_event_close_loops());
        } else if (order == 3) {
            assert_true(as_event_close_loops());
            aerospike_destroy(&as);
        } else {
            assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
            assert_true(as_event_close_loops());
            aerospike_destroy(&as);
        }
        assert_null(as.cluster);
    }
}

static void connects_again_at_once(void** state)
{
    (void)state;
    as_error err;
    test_result first = {0};
    test_result second = {0};
    assert_non_null(as_event_create_loops(1));
    init_client(test_cluster_hosts(cluster));
    start_connect(&first);
    start_connect(&second); /* while the first is under way */
    test_result_wait(&first);
    test_result_wait(&second);
    assert_true(first.is_ok && second.is_ok);
    start_connect(&second);
    test_result_wait(&second);
    assert_true(second.is_ok);
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK);
    test_client_close(&as);
}

static void refuses_a_bad_configuration(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    as_config config;
    as_config_init(&config);
    aerospike_init(&as, &config);
    assert_int_equal(aerospike_connect_async(&as, &err, test_on_write, &result, NULL),
                     AEROSPIKE_ERR_CLIENT); /* no event loop */
    assert_non_null(as_event_create_loops(1));
    assert_int_equal(aerospike_connect_async(&as, &err, test_on_write, &result, NULL),
                     AEROSPIKE_ERR_PARAM); /* no host */
    assert_int_equal(aerospike_connect_async(&as, &err, NULL, &result, NULL), AEROSPIKE_ERR_PARAM);
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_ERR_PARAM);
    assert_null(as.cluster);
    test_run_for(20);
    assert_int_equal(result.calls, 0);
    aerospike_destroy(&as);
    assert_true(as_event_close_loops());
}

/* ---- nobody there ---- */

static void tells_that_nobody_answers(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    test_result waiting = {0};
    assert_non_null(as_event_create_loops(1));
    init_client(NOBODY);
    start_connect(&result);
    start_get(10000, &waiting);
    test_result_wait(&result);
    assert_false(result.is_ok);
    assert_true(result.code < 0);
    assert_non_null(strstr(result.message, NOBODY));
    assert_null(as.cluster);
    assert_int_equal(waiting.calls, 1); /* before, with the same error */
    assert_int_equal(waiting.code, result.code);
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &key, test_on_record, &result, NULL, NULL),
        AEROSPIKE_ERR_CLIENT);
    assert_int_equal(aerospike_connect(&as, &err), result.code);
    assert_null(as.cluster);
    aerospike_destroy(&as);
    assert_true(as_event_close_loops());
}

static void waits_for_nodes_where_told_to(void** state)
{
    (void)state;
    test_result result = {0};
    assert_non_null(as_event_create_loops(1));
    init_client(NOBODY);
    as.config.fail_if_not_connected = false;
    start_connect(&result);
    test_result_wait(&result);
    assert_true(result.is_ok);
    assert_false(aerospike_cluster_is_connected(&as));
    start_get(200, &result);
    test_result_wait(&result);
    assert_int_equal(result.code, AEROSPIKE_ERR_TIMEOUT);
    assert_non_null(strstr(result.message, "partition map"));
    assert_in_range(result.after_us, 200 * 1000, 2000 * 1000);
    start_get(0, &result); /* without a deadline it might wait for ever */
    test_result_wait(&result);
    assert_int_equal(result.code, AEROSPIKE_ERR_CLUSTER);
    test_client_close(&as);
}

/* ---- before the first map ---- */

static void starts_commands_before_the_first_map(void** state)
{
    (void)state;
    enum {
        COUNT = 30
    };
    static test_result results[COUNT];
    test_result result = {0};
    assert_non_null(as_event_create_loops(1));
    init_client(test_cluster_hosts(cluster));
    start_connect(&result);
    for (int i = 0; i < COUNT; i++) {
        start_get(5000, &results[i]);
    }
    as_key nowhere;
    test_result lost = {0};
    as_error err;
    as_key_init(&nowhere, "no_such_ns", SET, "x");
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &nowhere, test_on_record, &lost, NULL, NULL),
        AEROSPIKE_OK); /* not known yet */
    test_result_wait(&result);
    for (int i = 0; i < COUNT; i++) {
        if (results[i].calls == 0) {
            test_result_wait(&results[i]);
        }
        assert_int_equal(results[i].code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    }
    if (lost.calls == 0) {
        test_result_wait(&lost);
    }
    assert_int_equal(lost.code, AEROSPIKE_ERR_NAMESPACE_NOT_FOUND);
    test_client_close(&as);
}

/* ---- closing with commands pending ---- */

#define PENDING 10

static test_result pending[PENDING];

static void start_pending(uint32_t total_ms)
{
    assert_true(test_cluster_control(cluster, "mute 0 always"));
    assert_true(test_cluster_control(cluster, "mute 1 always"));
    assert_true(test_cluster_control(cluster, "mute 2 always"));
    for (int i = 0; i < PENDING; i++) {
        start_get(total_ms, &pending[i]);
    }
    test_run_for(50);
}

static void check_pending(as_status status)
{
    for (int i = 0; i < PENDING; i++) {
        assert_int_equal(pending[i].calls, 1);
        assert_int_equal(pending[i].code, status);
    }
    assert_true(test_cluster_control(cluster, "clear"));
}

static void open_client(void)
{
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    test_client_open(&as, &config);
}

static void lets_commands_end_when_it_closes(void** state)
{
    (void)state;
    as_error err;
    if (needs_faults()) {
        skip();
    }
    open_client();
    start_pending(400);
    uint64_t start_us = test_now_us();
    assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
    assert_in_range(test_now_us() - start_us, 200 * 1000, 1500 * 1000);
    check_pending(AEROSPIKE_ERR_TIMEOUT);
    aerospike_destroy(&as);
    assert_true(as_event_close_loops());
}

/* A second connect whose listener is due doesn't cut the commands' time. */
static void lets_commands_end_whoever_else_waits(void** state)
{
    (void)state;
    as_error err;
    test_result again = {0};
    test_result closed = {0};
    if (needs_faults()) {
        skip();
    }
    open_client();
    start_pending(400);
    start_connect(&again);
    assert_int_equal(aerospike_close_async(&as, &err, test_on_write, &closed, NULL), AEROSPIKE_OK);
    test_result_wait(&closed);
    assert_int_equal(again.calls, 1);
    check_pending(AEROSPIKE_ERR_TIMEOUT);
    aerospike_destroy(&as);
    assert_true(as_event_close_loops());
}

static void gives_commands_up_after_a_grace_period(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    if (needs_faults()) {
        skip();
    }
    open_client();
    start_pending(30000);
    assert_int_equal(aerospike_close_async(&as, &err, test_on_write, &result, NULL), AEROSPIKE_OK);
    assert_null(as.cluster);
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &key, test_on_record, &result, NULL, NULL),
        AEROSPIKE_ERR_CLIENT);
    assert_non_null(strstr(err.message, "closed"));
    aerospike_destroy(&as); /* it goes on without it */
    uint64_t start_us = test_now_us();
    test_result_wait(&result);
    assert_in_range(test_now_us() - start_us, 1500 * 1000, 5000 * 1000);
    assert_true(result.is_ok);
    check_pending(AEROSPIKE_ERR_CLIENT);
    test_run_for(50);
    check_pending(AEROSPIKE_ERR_CLIENT);
    assert_true(as_event_close_loops());
}

static void ends_commands_with_the_event_loop(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    if (needs_faults()) {
        skip();
    }
    open_client();
    start_pending(30000);
    assert_true(as_event_close_loops());
    check_pending(AEROSPIKE_ERR_CLIENT);
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &key, test_on_record, &result, NULL, NULL),
        AEROSPIKE_ERR_CLIENT);
    assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
    aerospike_destroy(&as);
}

static void leaves_a_connect_under_way(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    test_result closed = {0};
    assert_non_null(as_event_create_loops(1));
    init_client(test_cluster_hosts(cluster));
    start_connect(&result);
    assert_int_equal(aerospike_close_async(&as, &err, test_on_write, &closed, NULL), AEROSPIKE_OK);
    aerospike_destroy(&as);
    test_result_wait(&closed);
    assert_int_equal(result.calls, 1);
    assert_int_equal(result.code, AEROSPIKE_ERR_CLIENT);
    /* And one that isn't even that. */
    init_client(test_cluster_hosts(cluster));
    test_result_reset(&closed);
    assert_int_equal(aerospike_close_async(&as, &err, test_on_write, &closed, NULL), AEROSPIKE_OK);
    test_result_wait(&closed);
    aerospike_destroy(&as);
    assert_true(as_event_close_loops());
}

/* ---- ends inside of listeners ---- */

typedef enum ending {
    END_CLOSE,
    END_DESTROY,
    END_LOOPS,
    END_ALL,
    END_COUNT,
} ending;

typedef struct ending_run {
    ending kind;
    unsigned calls;
    unsigned others;
} ending_run;

static void on_get_then_end(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    (void)record;
    (void)err;
    as_error inner;
    ending_run* run = udata;
    run->calls++;
    if (run->kind == END_CLOSE || run->kind == END_ALL) {
        assert_int_equal(aerospike_close(&as, &inner), AEROSPIKE_OK);
        assert_null(as.cluster);
    }
    if (run->kind == END_DESTROY || run->kind == END_ALL) {
        aerospike_destroy(&as);
    }
    if (run->kind == END_LOOPS || run->kind == END_ALL) {
        assert_true(as_event_close_loops());
    }
}

static void on_get_other(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    (void)record;
    (void)err;
    ending_run* run = udata;
    run->others++;
}

static bool ending_is_over(void* udata)
{
    const ending_run* run = udata;
    return run->calls == 1 && run->others == 5;
}

static void may_be_ended_inside_a_listener(void** state)
{
    (void)state;
    as_error err;
    for (int kind = 0; kind < END_COUNT; kind++) {
        ending_run run = {.kind = (ending)kind};
        open_client();
        assert_int_equal(
            aerospike_key_get_async(&as, &err, NULL, &key, on_get_then_end, &run, NULL, NULL),
            AEROSPIKE_OK);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(
                aerospike_key_get_async(&as, &err, NULL, &key, on_get_other, &run, NULL, NULL),
                AEROSPIKE_OK);
        }
        assert_true(test_run_until(ending_is_over, &run, TEST_WAIT_MS));
        assert_true(ending_is_over(&run));
        if (kind != END_ALL && kind != END_DESTROY) {
            aerospike_destroy(&as);
        }
        as_event_close_loops();
    }
}

/* ---- synchronous programs ---- */

static void works_without_an_event_loop(void** state)
{
    (void)state;
    as_error err;
    init_client(test_cluster_hosts(cluster));
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK);
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK);
    assert_true(aerospike_cluster_is_connected(&as));
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, NULL),
                     AEROSPIKE_ERR_RECORD_NOT_FOUND);
    test_result result = {0};
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &key, test_on_record, &result, NULL, NULL),
        AEROSPIKE_ERR_CLIENT);
    assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, NULL), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK); /* there and back again */
    aerospike_destroy(&as);
}

/* The official examples: loops, a connect that waits, commands that are waited for. */
static void serves_the_event_loop_after_a_synchronous_connect(void** state)
{
    (void)state;
    as_error err;
    test_result result = {0};
    assert_non_null(as_event_create_loops(2));
    init_client(test_cluster_hosts(cluster));
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK);
    for (int i = 0; i < 5; i++) {
        start_get(5000, &result);
        test_result_wait(&result);
        assert_int_equal(result.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
        assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, NULL),
                         AEROSPIKE_ERR_RECORD_NOT_FOUND);
    }
    test_client_close(&as);
}

/* ---- shared memory that is too small ---- */

static void names_what_does_not_fit(void** state)
{
    (void)state;
    as_error err;
    if (needs_faults()) {
        skip();
    }
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.use_shm = true;
    config.shm_key = 0x7e000000 | (getpid() & 0xffff);
    config.shm_max_nodes = 2;
    config.shm_max_namespaces = 1;
    aerospike_init(&as, &config);
    assert_int_equal(aerospike_connect(&as, &err), AEROSPIKE_OK);
    bool has_namespace_text = false;
    bool has_node_text = false;
    for (int i = 0; i < 200; i++) {
        as_key some;
        as_key_init_int64(&some, i % 2 ? "other" : "test", SET, i);
        as_status status = aerospike_key_get(&as, &err, NULL, &some, NULL);
        if (status == AEROSPIKE_ERR_NAMESPACE_NOT_FOUND) {
            has_namespace_text |=
                strstr(err.message, "shm_max_namespaces") && strstr(err.message, "2 namespaces");
        } else if (status == AEROSPIKE_ERR_INVALID_NODE) {
            has_node_text |= strstr(err.message, "shm_max_nodes") && strstr(err.message, "3 nodes");
        } else {
            assert_int_equal(status, AEROSPIKE_ERR_RECORD_NOT_FOUND);
        }
    }
    assert_true(has_namespace_text);
    assert_true(has_node_text);
    assert_int_equal(aerospike_close(&as, &err), AEROSPIKE_OK);
    aerospike_destroy(&as);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_closes_in_any_order),
        cmocka_unit_test(connects_again_at_once),
        cmocka_unit_test(refuses_a_bad_configuration),
        cmocka_unit_test(tells_that_nobody_answers),
        cmocka_unit_test(waits_for_nodes_where_told_to),
        cmocka_unit_test(starts_commands_before_the_first_map),
        cmocka_unit_test(lets_commands_end_when_it_closes),
        cmocka_unit_test(lets_commands_end_whoever_else_waits),
        cmocka_unit_test(gives_commands_up_after_a_grace_period),
        cmocka_unit_test(ends_commands_with_the_event_loop),
        cmocka_unit_test(leaves_a_connect_under_way),
        cmocka_unit_test(may_be_ended_inside_a_listener),
        cmocka_unit_test(works_without_an_event_loop),
        cmocka_unit_test(serves_the_event_loop_after_a_synchronous_connect),
        cmocka_unit_test(names_what_does_not_fit),
    };
    as_key_init(&key, NS, SET, "nothing there");
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:1,other:1", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_cluster_stop(cluster);
    return failed;
}
