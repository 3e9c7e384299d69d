/*
 * Info requests by programs, and the nodes that they hold: against the mini cluster or the real one
 * that AEROSPIKE_HOSTS names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <aerospike/aerospike_info.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"

static test_cluster* cluster;
static aerospike as;

typedef struct answer {
    unsigned calls;
    unsigned nodes; /* of a tour */
    unsigned stop_after;
    as_status code;
    char text[AS_ERROR_MESSAGE_MAX_SIZE];
    bool is_ended;
} answer;

static void on_info(as_error* err, char* response, void* udata, as_event_loop* loop)
{
    (void)loop;
    answer* got = udata;
    got->calls++;
    got->is_ended = true;
    got->code = err ? err->code : AEROSPIKE_OK;
    snprintf(got->text, sizeof(got->text), "%s", err ? err->message : response);
}

static bool on_each(as_error* err, const as_node* node, const char* req, char* response,
                    void* udata, as_event_loop* loop)
{
    (void)loop;
    answer* got = udata;
    got->calls++;
    got->is_ended = !node;
    if (node) {
        assert_null(err);
        assert_int_equal(strncmp(response, req, strlen(req)), 0);
        got->nodes++;
    }
    return got->nodes < got->stop_after;
}

static bool is_ended(void* udata)
{
    return ((answer*)udata)->is_ended;
}

static void wait_for(answer* got)
{
    assert_true(test_run_until(is_ended, got, TEST_WAIT_MS));
}

static void nodes_can_be_held(void** state)
{
    (void)state;
    as_nodes* nodes = as_nodes_reserve(as.cluster);
    assert_non_null(nodes);
    assert_int_equal(nodes->size, 3);
    for (uint32_t i = 0; i < nodes->size; i++) {
        as_node* node = as_node_get_by_name(as.cluster, nodes->array[i]->name);
        assert_non_null(node);
        assert_string_equal(as_node_get_address_string(node), nodes->array[i]->address);
        assert_true(strchr(node->address, ':') != NULL);
        assert_true(node->version.major >= 6);
        as_node_release(node);
    }
    as_nodes_release(nodes);
    assert_null(as_node_get_by_name(as.cluster, "none"));
    assert_null(as_node_get_random(NULL));
}

static void one_node_answers(void** state)
{
    (void)state;
    as_error err;
    answer got = {0};
    as_node* node = as_node_get_random(as.cluster);
    assert_non_null(node);
    char name[AS_NODE_NAME_SIZE];
    snprintf(name, sizeof(name), "%s", node->name);
    assert_int_equal(aerospike_info_node_async(&as, &err, NULL, node, "node", on_info, &got, NULL),
                     AEROSPIKE_OK);
    assert_int_equal(got.calls, 0);
    wait_for(&got);
    assert_int_equal(got.code, AEROSPIKE_OK);
    char* value;
    assert_int_equal(as_info_parse_single_response(got.text, &value), AEROSPIKE_OK);
    assert_string_equal(value, name);
}

static void refusals_are_errors(void** state)
{
    (void)state;
    as_error err;
    answer got = {0};
    as_node* node = as_node_get_random(as.cluster);
    assert_int_equal(
        aerospike_info_node_async(&as, &err, NULL, node, "bogus-name\n", on_info, &got, NULL),
        AEROSPIKE_OK);
    wait_for(&got);
    assert_int_equal(got.code, AEROSPIKE_ERR_REQUEST_INVALID);
    assert_int_equal(aerospike_info_node_async(&as, &err, NULL, NULL, "node", on_info, &got, NULL),
                     AEROSPIKE_ERR_PARAM);
    node = as_node_get_random(as.cluster);
    assert_int_equal(aerospike_info_node_async(&as, &err, NULL, node, "", on_info, &got, NULL),
                     AEROSPIKE_ERR_PARAM);
    assert_int_equal(got.calls, 1);
}

static void any_node_answers(void** state)
{
    (void)state;
    as_error err;
    answer got = {0};
    assert_int_equal(
        aerospike_info_any_async(&as, &err, NULL, "build\nnode\n", on_info, &got, NULL),
        AEROSPIKE_OK);
    wait_for(&got);
    assert_int_equal(got.code, AEROSPIKE_OK);
    as_vector lines;
    as_vector_inita(&lines, sizeof(as_name_value), 4);
    as_info_parse_multi_response(got.text, &lines);
    assert_int_equal(lines.size, 2);
    assert_string_equal(((as_name_value*)as_vector_get(&lines, 0))->name, "build");
    assert_true(strlen(((as_name_value*)as_vector_get(&lines, 1))->value) > 0);
    as_vector_destroy(&lines);
}

static void all_nodes_answer(void** state)
{
    (void)state;
    as_error err;
    answer got = {.stop_after = 100};
    assert_int_equal(aerospike_info_foreach_async(&as, &err, NULL, "node", on_each, &got, NULL),
                     AEROSPIKE_OK);
    wait_for(&got);
    assert_int_equal(got.nodes, 3);
    assert_int_equal(got.calls, 4);
    got = (answer){.stop_after = 1};
    assert_int_equal(aerospike_info_foreach_async(&as, &err, NULL, "node", on_each, &got, NULL),
                     AEROSPIKE_OK);
    wait_for(&got);
    assert_int_equal(got.nodes, 1);
    assert_int_equal(got.calls, 2);
}

static bool on_sync(const as_error* err, const as_node* node, const char* req, char* res,
                    void* udata)
{
    (void)req;
    assert_int_equal(err->code, AEROSPIKE_OK);
    assert_non_null(strstr(res, node->name));
    return ++*(unsigned*)udata < 2;
}

static void synchronously(void** state)
{
    (void)state;
    as_error err;
    char* text = NULL;
    assert_int_equal(aerospike_info_any(&as, &err, NULL, "build", &text), AEROSPIKE_OK);
    assert_int_equal(strncmp(text, "build\t", 6), 0);
    free(text);
    as_node* node = as_node_get_random(as.cluster);
    assert_int_equal(aerospike_info_node(&as, &err, NULL, node, "node", &text), AEROSPIKE_OK);
    assert_non_null(strstr(text, node->name));
    free(text);
    char host[64];
    char* port;
    snprintf(host, sizeof(host), "%s", node->address);
    port = strrchr(host, ':');
    *port++ = '\0';
    assert_int_equal(
        aerospike_info_host(&as, &err, NULL, host, (uint16_t)atoi(port), "node", &text),
        AEROSPIKE_OK);
    assert_non_null(strstr(text, node->name));
    free(text);
    as_node_release(node);
    assert_int_equal(aerospike_info_host(&as, &err, NULL, "127.0.0.1", 1, "node", &text),
                     AEROSPIKE_ERR_INVALID_NODE);
    assert_null(text);
    assert_int_equal(aerospike_info_any(&as, &err, NULL, "bogus-name", &text),
                     AEROSPIKE_ERR_REQUEST_INVALID);
    assert_null(text);
    unsigned count = 0;
    assert_int_equal(aerospike_info_foreach(&as, &err, NULL, "node", on_sync, &count),
                     AEROSPIKE_ERR_QUERY_ABORTED);
    assert_int_equal(count, 2);
}

static void versions(void** state)
{
    (void)state;
    as_version version;
    char text[32];
    assert_true(as_version_from_string(&version, "8.1.2.3-rc1"));
    as_version_to_string(&version, text, sizeof(text));
    assert_string_equal(text, "8.1.2.3");
    assert_true(as_version_compare(&version, &as_server_version_8_1_1) > 0);
    assert_true(as_version_compare(&version, &as_server_version_8_1_3) < 0);
    assert_false(as_version_from_string(&version, "x"));
    assert_false(as_version_from_string(&version, "8.99999"));
    assert_int_equal(version.major, 0);
}

/* ---- truncation ---- */

#define SET_GONE "truncated"
#define SET_KEPT "kept"

static void put_to(const char* set, int number)
{
    as_error err;
    as_key key;
    as_record record;
    as_key_init_int64(&key, "test", set, number);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "n", number);
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &key, &record), AEROSPIKE_OK);
    as_record_destroy(&record);
    test_run_for(5); /* the next thing happens in another millisecond */
}

static bool is_in(const char* set, int number)
{
    as_error err;
    as_key key;
    as_record* record = NULL;
    as_key_init_int64(&key, "test", set, number);
    as_status status = aerospike_key_exists(&as, &err, NULL, &key, &record);
    as_record_destroy(record);
    return status == AEROSPIKE_OK;
}

static as_status truncate_once(const char* set, uint64_t before_nanos, bool sync)
{
    as_error err;
    as_policy_info policy;
    test_result result = {0};
    as_policy_info_init(&policy);
    policy.timeout = 10000;
    if (sync) {
        return aerospike_truncate(&as, &err, &policy, "test", set, before_nanos);
    }
    as_status status = aerospike_truncate_async(&as, &err, &policy, "test", set, before_nanos,
                                                test_on_write, &result, NULL);
    if (status == AEROSPIKE_OK) {
        test_result_wait(&result);
        status = result.code;
    }
    return status;
}

/* The nodes of a cluster that has just formed may need longer than a server waits for them. */
static as_status truncate_set(const char* set, uint64_t before_nanos, bool sync)
{
    as_status status = AEROSPIKE_ERR_TIMEOUT;
    for (int tries = 0; tries < 10 && status == AEROSPIKE_ERR_TIMEOUT; tries++) {
        status = truncate_once(set, before_nanos, sync);
    }
    return status;
}

static uint64_t unix_now_nanos(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sets_are_truncated(void** state)
{
    (void)state;
    put_to(SET_KEPT, 1);
    for (int sync = 0; sync < 2; sync++) {
        put_to(SET_GONE, 1);
        uint64_t between_nanos = unix_now_nanos();
        test_run_for(5);
        put_to(SET_GONE, 2);
        assert_int_equal(truncate_set(SET_GONE, between_nanos, sync), AEROSPIKE_OK);
        assert_false(is_in(SET_GONE, 1));
        assert_true(is_in(SET_GONE, 2));
        assert_int_equal(truncate_set(SET_GONE, 0, sync), AEROSPIKE_OK);
        assert_false(is_in(SET_GONE, 2));
        assert_true(is_in(SET_KEPT, 1));
        test_run_for(5);
        put_to(SET_GONE, 3); /* what comes later stays */
        assert_true(is_in(SET_GONE, 3));
    }
    assert_int_equal(truncate_set("never there", 0, false), AEROSPIKE_OK);
    assert_int_equal(truncate_set(SET_GONE, 1, false), AEROSPIKE_ERR_REQUEST_INVALID);
    assert_int_equal(truncate_set(SET_GONE, 1, true), AEROSPIKE_ERR_REQUEST_INVALID);
    assert_int_equal(truncate_set(SET_GONE, unix_now_nanos() + UINT64_C(3600000000000), false),
                     AEROSPIKE_ERR_REQUEST_INVALID);
    assert_int_equal(truncate_set("a;lut=1", 0, false), AEROSPIKE_ERR_PARAM);
    as_error err;
    assert_int_equal(aerospike_truncate(&as, &err, NULL, NULL, NULL, 0), AEROSPIKE_ERR_PARAM);
    assert_int_equal(aerospike_truncate(&as, &err, NULL, "", NULL, 0), AEROSPIKE_ERR_PARAM);
}

static void namespaces_are_truncated(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip(); /* it may not be ours alone */
    }
    put_to(SET_KEPT, 1);
    put_to(SET_GONE, 1);
    assert_int_equal(truncate_set("", 0, false), AEROSPIKE_OK);
    assert_false(is_in(SET_KEPT, 1));
    put_to(SET_GONE, 1);
    assert_int_equal(truncate_set(NULL, 0, true), AEROSPIKE_OK);
    assert_false(is_in(SET_GONE, 1));
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
        cmocka_unit_test(nodes_can_be_held),
        cmocka_unit_test(one_node_answers),
        cmocka_unit_test(refusals_are_errors),
        cmocka_unit_test(any_node_answers),
        cmocka_unit_test(all_nodes_answer),
        cmocka_unit_test(synchronously),
        cmocka_unit_test(versions),
        cmocka_unit_test(sets_are_truncated),
        cmocka_unit_test(namespaces_are_truncated),
    };
    cluster = test_cluster_start("--nodes", "3", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
