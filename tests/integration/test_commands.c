/*
 * Each command and each policy field against a cluster: the mini cluster, or the real one that
 * AEROSPIKE_HOSTS names. Nothing here needs a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "async/fork.h"
#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include <aerospike/as_monitor.h>
#include <tendril/event.h>
#include <tendril/lent.h>

#define NS "test"
#define SET "commands"

static test_cluster* cluster;
static aerospike as;

/* A key of this run and nobody else's. */
static as_key* key_of(as_key* key, const char* name)
{
    static char text[128];
    snprintf(text, sizeof(text), "%s-%d", name, (int)getpid());
    as_key* made = as_key_init_strp(key, NS, SET, strdup(text), true);
    assert_non_null(made);
    return made;
}

/* ---- one command each, waited for ---- */

static as_status put(const as_policy_write* policy, const as_key* key, as_record* record,
                     test_result* result)
{
    as_error err;
    test_result_reset(result);
    as_status status =
        aerospike_key_put_async(&as, &err, policy, key, record, test_on_write, result, NULL, NULL);
    if (status != AEROSPIKE_OK) {
        fail_msg("put: %d %s", err.code, err.message);
    }
    assert_int_equal(result->calls, 0); /* never inside the call */
    test_result_wait(result);
    return result->code;
}

static as_status put_int(const as_policy_write* policy, const as_key* key, const char* bin,
                         int64_t value, uint16_t gen, test_result* result)
{
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, bin, value);
    record.gen = gen;
    as_status status = put(policy, key, &record, result);
    as_record_destroy(&record);
    return status;
}

static as_status get(const as_policy_read* policy, const as_key* key, test_result* result)
{
    as_error err;
    test_result_reset(result);
    as_status status =
        aerospike_key_get_async(&as, &err, policy, key, test_on_record, result, NULL, NULL);
    if (status != AEROSPIKE_OK) {
        fail_msg("get: %d %s", err.code, err.message);
    }
    assert_int_equal(result->calls, 0);
    test_result_wait(result);
    return result->code;
}

static as_status exists(const as_key* key, test_result* result)
{
    as_error err;
    test_result_reset(result);
    assert_int_equal(
        aerospike_key_exists_async(&as, &err, NULL, key, test_on_record, result, NULL, NULL),
        AEROSPIKE_OK);
    test_result_wait(result);
    return result->code;
}

static as_status remove_key(const as_policy_remove* policy, const as_key* key, test_result* result)
{
    as_error err;
    test_result_reset(result);
    assert_int_equal(
        aerospike_key_remove_async(&as, &err, policy, key, test_on_write, result, NULL, NULL),
        AEROSPIKE_OK);
    test_result_wait(result);
    return result->code;
}

/* ---- commands ---- */

static void brings_back_what_was_put(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "round");
    as_record record;
    as_record_inita(&record, 2);
    as_record_set_int64(&record, "a", -42);
    as_record_set_str(&record, "s", "hello");
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(result.record), 2);
    assert_int_equal(as_record_get_int64(result.record, "a", 0), -42);
    assert_string_equal(as_record_get_str(result.record, "s"), "hello");
    assert_int_equal(result.record->gen, 1);
    assert_int_equal(exists(&key, &result), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(result.record), 0);
    assert_int_equal(result.record->gen, 1);
    assert_int_equal(remove_key(NULL, &key, &result), AEROSPIKE_OK);
    test_result_reset(&result);
    as_key_destroy(&key);
}

static void selects_bins(void** state)
{
    (void)state;
    test_result result = {0};
    as_error err;
    as_key key;
    key_of(&key, "select");
    as_record record;
    as_record_inita(&record, 3);
    as_record_set_int64(&record, "a", 1);
    as_record_set_int64(&record, "b", 2);
    as_record_set_int64(&record, "c", 3);
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    const char* names[] = {"c", "a", "nothing", NULL};
    test_result_reset(&result);
    assert_int_equal(aerospike_key_select_async(&as, &err, NULL, &key, names, test_on_record,
                                                &result, NULL, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&result);
    assert_true(result.is_ok);
    assert_int_equal(as_record_get_int64(result.record, "a", 0), 1);
    assert_int_equal(as_record_get_int64(result.record, "b", 0), 0);
    assert_int_equal(as_record_get_int64(result.record, "c", 0), 3);
    test_result_reset(&result);
    assert_int_equal(aerospike_key_select_bins_async(&as, &err, NULL, &key, names, 1,
                                                     test_on_record, &result, NULL, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&result);
    assert_int_equal(as_record_numbins(result.record), 1);
    remove_key(NULL, &key, &result);
    test_result_reset(&result);
    as_key_destroy(&key);
}

static void reports_a_missing_record(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "missing");
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_non_null(strstr(result.message, "AEROSPIKE_ERR_RECORD_NOT_FOUND"));
    assert_non_null(strchr(result.message, ':')); /* the node's address */
    assert_false(result.in_doubt);
    assert_int_equal(exists(&key, &result), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_int_equal(remove_key(NULL, &key, &result), AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_false(result.in_doubt);
    as_key_destroy(&key);
}

static void deletes_a_bin_with_nil(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "nil");
    as_record record;
    as_record_inita(&record, 2);
    as_record_set_int64(&record, "a", 1);
    as_record_set_int64(&record, "b", 2);
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    as_record_inita(&record, 1);
    as_record_set_nil(&record, "a");
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(result.record), 1);
    assert_int_equal(as_record_get_int64(result.record, "b", 0), 2);
    remove_key(NULL, &key, &result);
    as_key_destroy(&key);
}

/* ---- all values, in the record that the listener gets ---- */

typedef struct values_seen {
    bool is_done;
    bool is_right;
    as_record* kept;
} values_seen;

static bool values_are_right(const as_record* record)
{
    const as_bytes* bytes = as_record_get_bytes(record, "bytes");
    const char* json = as_record_get_geojson_str(record, "geo");
    const char* text = as_record_get_str(record, "string");
    double number = as_record_get_double(record, "double", 0);
    return as_record_get_int64(record, "int", 0) == INT64_MIN && number > 1.49 && number < 1.51 &&
           as_record_get_bool(record, "bool") && text && strcmp(text, "gr\xc3\xbc\xc3\x9f") == 0 &&
           bytes && bytes->size == 4 && memcmp(bytes->value, "\0\1\xff\2", 4) == 0 && json &&
           strstr(json, "Point");
}

static void on_values(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    values_seen* seen = udata;
    seen->is_done = true;
    seen->is_right = !err && values_are_right(record);
    seen->kept = record;
}

static bool values_are_seen(void* udata)
{
    return ((const values_seen*)udata)->is_done;
}

static void carries_every_type(void** state)
{
    (void)state;
    test_result result = {0};
    as_error err;
    as_key key;
    key_of(&key, "values");
    as_record record;
    as_record_inita(&record, 6);
    as_record_set_int64(&record, "int", INT64_MIN);
    as_record_set_double(&record, "double", 1.5);
    as_record_set_bool(&record, "bool", true);
    as_record_set_str(&record, "string", "gr\xc3\xbc\xc3\x9f");
    as_record_set_raw(&record, "bytes", (const uint8_t*)"\0\1\xff\2", 4);
    as_record_set_geojson_str(&record, "geo", "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}");
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    for (int is_heap = 0; is_heap <= 1; is_heap++) {
        as_policy_read policy;
        as_policy_read_init(&policy);
        policy.async_heap_rec = is_heap;
        values_seen seen = {0};
        assert_int_equal(
            aerospike_key_get_async(&as, &err, &policy, &key, on_values, &seen, NULL, NULL),
            AEROSPIKE_OK);
        assert_true(test_run_until(values_are_seen, &seen, TEST_WAIT_MS));
        assert_true(seen.is_right);
        if (is_heap) {
            assert_true(values_are_right(seen.kept)); /* the program's */
            as_record_destroy(seen.kept);
        }
    }
    remove_key(NULL, &key, &result);
    as_key_destroy(&key);
}

static void keeps_a_big_record_whole(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "big");
    enum {
        SIZE = 900 * 1000
    };
    char* text = malloc(SIZE + 1);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_str(&record, "s", text);
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.base.total_timeout = 10000;
    assert_int_equal(put(&policy, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_int_equal(strlen(as_record_get_str(result.record, "s")), SIZE);
    remove_key(NULL, &key, &result);
    char* more = malloc(SIZE * 4);
    memset(more, 'y', SIZE * 4);
    as_record_inita(&record, 1);
    as_record_set_raw(&record, "s", (uint8_t*)more, SIZE * 4);
    assert_int_equal(put(&policy, &key, &record, &result), AEROSPIKE_ERR_RECORD_TOO_BIG);
    assert_false(result.in_doubt);
    free(more);
    free(text);
    as_key_destroy(&key);
}

/* ---- policies ---- */

static void obeys_exists(void** state)
{
    (void)state;
    static const struct {
        as_policy_exists exists;
        as_status when_missing;
        as_status when_there;
        bool drops_other_bins;
    } cases[] = {
        {AS_POLICY_EXISTS_IGNORE, AEROSPIKE_OK, AEROSPIKE_OK, false},
        {AS_POLICY_EXISTS_CREATE, AEROSPIKE_OK, AEROSPIKE_ERR_RECORD_EXISTS, false},
        {AS_POLICY_EXISTS_UPDATE, AEROSPIKE_ERR_RECORD_NOT_FOUND, AEROSPIKE_OK, false},
        {AS_POLICY_EXISTS_REPLACE, AEROSPIKE_ERR_RECORD_NOT_FOUND, AEROSPIKE_OK, true},
        {AS_POLICY_EXISTS_CREATE_OR_REPLACE, AEROSPIKE_OK, AEROSPIKE_OK, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_result result = {0};
        as_key key;
        key_of(&key, "exists");
        remove_key(NULL, &key, &result);
        as_policy_write policy;
        as_policy_write_init(&policy);
        policy.exists = cases[i].exists;
        assert_int_equal(put_int(&policy, &key, "b", 2, 0, &result), cases[i].when_missing);
        assert_int_equal(put_int(NULL, &key, "a", 1, 0, &result), AEROSPIKE_OK);
        assert_int_equal(put_int(&policy, &key, "b", 3, 0, &result), cases[i].when_there);
        assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
        bool has_other = as_record_get_int64(result.record, "a", 0) == 1;
        assert_true(has_other == !cases[i].drops_other_bins);
        remove_key(NULL, &key, &result);
        test_result_reset(&result);
        as_key_destroy(&key);
    }
}

static void obeys_generations(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "gen");
    assert_int_equal(put_int(NULL, &key, "a", 1, 0, &result), AEROSPIKE_OK);
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.gen = AS_POLICY_GEN_EQ;
    assert_int_equal(put_int(&policy, &key, "a", 2, 7, &result), AEROSPIKE_ERR_RECORD_GENERATION);
    assert_int_equal(put_int(&policy, &key, "a", 2, 1, &result), AEROSPIKE_OK);
    policy.gen = AS_POLICY_GEN_GT;
    assert_int_equal(put_int(&policy, &key, "a", 3, 2, &result), AEROSPIKE_ERR_RECORD_GENERATION);
    assert_int_equal(put_int(&policy, &key, "a", 3, 9, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_int_equal(as_record_get_int64(result.record, "a", 0), 3);
    as_policy_remove removal;
    as_policy_remove_init(&removal);
    removal.gen = AS_POLICY_GEN_EQ;
    removal.generation = 77;
    assert_int_equal(remove_key(&removal, &key, &result), AEROSPIKE_ERR_RECORD_GENERATION);
    removal.generation = 3;
    assert_int_equal(remove_key(&removal, &key, &result), AEROSPIKE_OK);
    test_result_reset(&result);
    as_key_destroy(&key);
}

static void obeys_times_to_live(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "ttl");
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "a", 1);
    record.ttl = 1000;
    as_status status = put(NULL, &key, &record, &result);
    if (status == AEROSPIKE_ERR_FAIL_FORBIDDEN) {
        as_key_destroy(&key);
        skip(); /* this namespace has no expiration */
    }
    assert_int_equal(status, AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_in_range(result.record->ttl, 900, 1000);
    record.ttl = AS_RECORD_NO_CHANGE_TTL;
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_in_range(result.record->ttl, 900, 1000);
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.ttl = 5000;
    record.ttl = AS_RECORD_CLIENT_DEFAULT_TTL;
    assert_int_equal(put(&policy, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK);
    assert_in_range(result.record->ttl, 4900, 5000);
    record.ttl = AS_RECORD_NO_EXPIRE_TTL;
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    assert_int_equal(exists(&key, &result), AEROSPIKE_OK);
    assert_int_equal(result.record->ttl, AS_RECORD_NO_EXPIRE_TTL);
    remove_key(NULL, &key, &result);
    test_result_reset(&result);
    as_key_destroy(&key);
}

static void sends_the_user_key(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "key");
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.key = AS_POLICY_KEY_SEND;
    assert_int_equal(put_int(&policy, &key, "a", 1, 0, &result), AEROSPIKE_OK);
    as_policy_read reading;
    as_policy_read_init(&reading);
    reading.key = AS_POLICY_KEY_SEND;
    assert_int_equal(get(&reading, &key, &result), AEROSPIKE_OK);
    /* Another user key behind the same digest: the server compares. */
    as_key other;
    as_key_init(&other, NS, SET, "somebody else");
    other.digest = key.digest;
    assert_int_equal(get(&reading, &other, &result), AEROSPIKE_ERR_RECORD_KEY_MISMATCH);
    assert_int_equal(get(NULL, &other, &result), AEROSPIKE_OK);
    remove_key(NULL, &key, &result);
    test_result_reset(&result);
    as_key_destroy(&key);
}

static void reads_from_every_replica(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "replica");
    assert_int_equal(put_int(NULL, &key, "a", 5, 0, &result), AEROSPIKE_OK);
    static const as_policy_replica replicas[] = {AS_POLICY_REPLICA_MASTER, AS_POLICY_REPLICA_ANY,
                                                 AS_POLICY_REPLICA_SEQUENCE,
                                                 AS_POLICY_REPLICA_RANDOM};
    for (size_t i = 0; i < sizeof(replicas) / sizeof(replicas[0]); i++) {
        as_policy_read policy;
        as_policy_read_init(&policy);
        policy.replica = replicas[i];
        policy.read_mode_ap = i % 2 ? AS_POLICY_READ_MODE_AP_ALL : AS_POLICY_READ_MODE_AP_ONE;
        for (int times = 0; times < 4; times++) {
            assert_int_equal(get(&policy, &key, &result), AEROSPIKE_OK);
            assert_int_equal(as_record_get_int64(result.record, "a", 0), 5);
        }
        as_policy_write writing;
        as_policy_write_init(&writing);
        writing.replica = replicas[i];
        writing.commit_level = i % 2 ? AS_POLICY_COMMIT_LEVEL_MASTER : AS_POLICY_COMMIT_LEVEL_ALL;
        assert_int_equal(put_int(&writing, &key, "a", 5, 0, &result), AEROSPIKE_OK);
    }
    remove_key(NULL, &key, &result);
    test_result_reset(&result);
    as_key_destroy(&key);
}

/* ---- refused at once ---- */

static void refuses_bad_arguments(void** state)
{
    (void)state;
    test_result result = {0};
    as_error err;
    as_key key;
    key_of(&key, "bad");
    as_key nowhere;
    as_key_init(&nowhere, "no_such_ns", SET, "x");
    const char* long_name[] = {"a name of over fifteen bytes", NULL};
    const char* no_name[] = {NULL};
    as_policy_read reading;
    as_policy_read_init(&reading);
    reading.replica = (as_policy_replica)99;
    as_policy_write writing;
    as_policy_write_init(&writing);
    writing.exists = (as_policy_exists)99;
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "a", 1);
    as_boolean flag;
    as_key boolean;
    as_key_init_value(&boolean, NS, SET, (as_key_value*)as_boolean_init(&flag, true));
#define REFUSED(status, call)                                                                      \
    as_error_reset(&err);                                                                          \
    assert_int_equal(call, status);                                                                \
    assert_int_equal(err.code, status);                                                            \
    assert_true(err.message[0] != '\0')
#define TAIL test_on_record, &result, NULL, NULL
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_get_async(&as, &err, NULL, NULL, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_get_async(NULL, &err, NULL, &key, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM,
            aerospike_key_get_async(&as, &err, NULL, &key, NULL, &result, NULL, NULL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_get_async(&as, &err, &reading, &key, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_get_async(&as, &err, NULL, &boolean, TAIL));
    REFUSED(AEROSPIKE_ERR_NAMESPACE_NOT_FOUND,
            aerospike_key_get_async(&as, &err, NULL, &nowhere, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM,
            aerospike_key_select_async(&as, &err, NULL, &key, long_name, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_select_async(&as, &err, NULL, &key, no_name, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_select_async(&as, &err, NULL, &key, NULL, TAIL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_put_async(&as, &err, NULL, &key, NULL, test_on_write,
                                                         &result, NULL, NULL));
    REFUSED(AEROSPIKE_ERR_PARAM, aerospike_key_put_async(&as, &err, &writing, &key, &record,
                                                         test_on_write, &result, NULL, NULL));
    test_run_for(50);
    assert_int_equal(result.calls, 0);
    as_key_destroy(&key);
}

static void on_fork_child(as_event_loop* loop, const as_key* key)
{
    as_error err;
    test_result result = {0};
    bool ok = aerospike_key_get_async(&as, &err, NULL, key, test_on_record, &result, loop, NULL) ==
                  AEROSPIKE_ERR_CLIENT &&
              strstr(err.message, "fork") &&
              aerospike_key_get(&as, &err, NULL, key, NULL) == AEROSPIKE_ERR_CLIENT &&
              aerospike_connect(&as, &err) == AEROSPIKE_ERR_CLIENT &&
              aerospike_close(&as, &err) == AEROSPIKE_ERR_CLIENT &&
              !aerospike_cluster_is_connected(&as);
    aerospike_destroy(&as);
    ok = ok && !as.cluster;
    _exit(ok ? 0 : 1);
}

static void refuses_use_across_a_fork(void** state)
{
    (void)state;
    test_result result = {0};
    as_key key;
    key_of(&key, "fork");
    assert_int_equal(put_int(NULL, &key, "a", 1, 0, &result), AEROSPIKE_OK);
    fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        on_fork_child(&as_event_loops[0], &key);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(get(NULL, &key, &result), AEROSPIKE_OK); /* the parent isn't harmed */
    remove_key(NULL, &key, &result);
    test_result_reset(&result);
    as_key_destroy(&key);
}

/* ---- synchronous calls ---- */

static void waits_for_synchronous_calls(void** state)
{
    (void)state;
    as_error err;
    as_key key;
    key_of(&key, "sync");
    as_record record;
    as_record_inita(&record, 3);
    as_record_set_int64(&record, "a", 1);
    as_record_set_str(&record, "s", "text");
    as_record_set_int64(&record, "c", 3);
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &key, &record), AEROSPIKE_OK);
    as_record* made = NULL;
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, &made), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(made), 3);
    assert_string_equal(as_record_get_str(made, "s"), "text");
    as_record_destroy(made);
    /* A record of the program's: too small, then large enough. */
    as_record own;
    as_record* given = &own;
    as_record_inita(&own, 1);
    as_record_set_str(&own, "old", "value");
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, &given), AEROSPIKE_OK);
    assert_int_equal(as_record_get_int64(&own, "c", 0), 3);
    assert_null(as_record_get_str(&own, "old"));
    const char* names[] = {"a", NULL};
    assert_int_equal(aerospike_key_select(&as, &err, NULL, &key, names, &given), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(&own), 1);
    assert_int_equal(as_record_get_int64(&own, "a", 0), 1);
    as_record_destroy(&own);
    assert_int_equal(aerospike_key_exists(&as, &err, NULL, &key, NULL), AEROSPIKE_OK);
    assert_int_equal(aerospike_key_remove(&as, &err, NULL, &key), AEROSPIKE_OK);
    made = NULL;
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, &made),
                     AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_int_equal(err.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_null(made);
    assert_int_equal(aerospike_key_get(&as, &err, NULL, NULL, &made), AEROSPIKE_ERR_PARAM);
    as_key_destroy(&key);
}

static void on_get_in_callback(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    (void)record;
    (void)err;
    as_error inner;
    as_key key;
    as_key_init(&key, NS, SET, "x");
    *(as_status*)udata = aerospike_key_get(&as, &inner, NULL, &key, NULL);
}

static bool status_is_set(void* udata)
{
    return *(const as_status*)udata != AEROSPIKE_OK;
}

static void refuses_to_wait_inside_a_callback(void** state)
{
    (void)state;
    as_error err;
    as_key key;
    as_status status = AEROSPIKE_OK;
    key_of(&key, "inside");
    assert_int_equal(
        aerospike_key_get_async(&as, &err, NULL, &key, on_get_in_callback, &status, NULL, NULL),
        AEROSPIKE_OK);
    assert_true(test_run_until(status_is_set, &status, TEST_WAIT_MS));
    assert_int_equal(status, AEROSPIKE_ERR_CLIENT);
    as_key_destroy(&key);
}

/* ---- many at once, chained in listeners ---- */

#define CHAINS 50
#define LINKS 20

typedef struct chain_state {
    as_key key;
    int left;
    unsigned* done;
    bool is_wrong;
} chain_state;

static void chain_put(chain_state* chain);

static void on_chain_get(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    chain_state* chain = udata;
    chain->is_wrong |= err || as_record_get_int64(record, "n", -1) != chain->left;
    chain->left--;
    chain_put(chain);
}

static void on_chain_put(as_error* err, void* udata, as_event_loop* loop)
{
    chain_state* chain = udata;
    as_error now;
    chain->is_wrong |= err || aerospike_key_get_async(&as, &now, NULL, &chain->key, on_chain_get,
                                                      chain, loop, NULL);
    if (chain->is_wrong) {
        (*chain->done)++;
    }
}

static void chain_put(chain_state* chain)
{
    as_error err;
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "n", chain->left);
    if (chain->left == 0 || chain->is_wrong ||
        aerospike_key_put_async(&as, &err, NULL, &chain->key, &record, on_chain_put, chain, NULL,
                                NULL) != AEROSPIKE_OK) {
        (*chain->done)++;
    }
}

static bool all_chains_are_done(void* udata)
{
    return *(const unsigned*)udata == CHAINS;
}

static void runs_many_commands_at_once(void** state)
{
    (void)state;
    static chain_state chains[CHAINS];
    unsigned done = 0;
    for (int i = 0; i < CHAINS; i++) {
        as_key_init_int64(&chains[i].key, NS, SET, (int64_t)getpid() * 1000 + i);
        chains[i].left = LINKS;
        chains[i].done = &done;
        chain_put(&chains[i]);
    }
    assert_int_equal(as_event_loop_get_process_size(as_event_loops), CHAINS);
    assert_true(test_run_until(all_chains_are_done, &done, TEST_WAIT_MS));
    for (int i = 0; i < CHAINS; i++) {
        assert_false(chains[i].is_wrong);
        assert_int_equal(chains[i].left, 0);
        as_error err;
        aerospike_key_remove(&as, &err, NULL, &chains[i].key);
    }
    assert_int_equal(as_event_loop_get_process_size(as_event_loops), 0);
}

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.policies.read.base.total_timeout = 5000;
    config.policies.write.base.total_timeout = 5000;
    config.policies.remove.base.total_timeout = 5000;
    test_client_open(&as, &config);
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    test_client_close(&as);
    return 0;
}

/* ---- bins in place ---- */

typedef struct lent_seen {
    test_result result;
    uint32_t left, generation, ttl;
    char text[64]; /* "name:type:size:first byte " of each bin */
    as_key* next;  /* asked for inside the listener */
} lent_seen;

static void on_lent(as_error* err, tnd_lent_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    lent_seen* seen = udata;
    if (err) {
        test_on_write(err, &seen->result, loop);
        assert_null(record);
        return;
    }
    seen->left = tnd_lent_left(record);
    seen->generation = tnd_lent_generation(record);
    seen->ttl = tnd_lent_ttl(record);
    as_error refused;
    if (seen->next) {
        as_key* next = seen->next;
        seen->next = NULL;
        assert_int_equal(
            aerospike_key_get_lent_async(&as, &refused, NULL, next, on_lent, seen, NULL),
            AEROSPIKE_OK);
        return;
    }
    tnd_lent_bin bin;
    while (tnd_lent_next(record, &bin)) {
        size_t size = strlen(seen->text);
        snprintf(seen->text + size, sizeof(seen->text) - size, "%.*s:%d:%zu:%c ",
                 (int)bin.name_size, bin.name, (int)bin.type, bin.value_size, bin.value[0]);
    }
    assert_int_equal(tnd_lent_left(record), 0);
    test_on_write(err, &seen->result, loop);
}

static void lends_bins_in_place(void** state)
{
    (void)state;
    test_result result = {0};
    as_error err;
    as_key key, missing;
    key_of(&key, "lent");
    key_of(&missing, "lent-missing");
    as_record record;
    as_record_inita(&record, 2);
    as_record_set_str(&record, "s", "hello");
    as_record_set_raw(&record, "bytes", (const uint8_t*)"xyz", 3);
    assert_int_equal(put(NULL, &key, &record, &result), AEROSPIKE_OK);
    as_record_destroy(&record);
    static lent_seen seen;
    memset(&seen, 0, sizeof(seen));
    seen.next = &key; /* once more, from the listener */
    test_result_reset(&seen.result);
    assert_int_equal(aerospike_key_get_lent_async(&as, &err, NULL, &key, on_lent, &seen, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&seen.result);
    assert_int_equal(seen.result.code, AEROSPIKE_OK);
    assert_int_equal(seen.left, 2);
    assert_int_equal(seen.generation, 1);
    assert_true(seen.ttl > 0);
    assert_string_equal(seen.text, "s:3:5:h bytes:4:3:x ");
    test_result_reset(&seen.result);
    assert_int_equal(aerospike_key_get_lent_async(&as, &err, NULL, &missing, on_lent, &seen, NULL),
                     AEROSPIKE_OK);
    test_result_wait(&seen.result);
    assert_int_equal(seen.result.code, AEROSPIKE_ERR_RECORD_NOT_FOUND);
    assert_int_equal(aerospike_key_get_lent_async(&as, &err, NULL, &key, NULL, NULL, NULL),
                     AEROSPIKE_ERR_PARAM);
    as_key_destroy(&key);
    as_key_destroy(&missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_back_what_was_put),
        cmocka_unit_test(selects_bins),
        cmocka_unit_test(lends_bins_in_place),
        cmocka_unit_test(reports_a_missing_record),
        cmocka_unit_test(deletes_a_bin_with_nil),
        cmocka_unit_test(carries_every_type),
        cmocka_unit_test(keeps_a_big_record_whole),
        cmocka_unit_test(obeys_exists),
        cmocka_unit_test(obeys_generations),
        cmocka_unit_test(obeys_times_to_live),
        cmocka_unit_test(sends_the_user_key),
        cmocka_unit_test(reads_from_every_replica),
        cmocka_unit_test(refuses_bad_arguments),
        cmocka_unit_test(refuses_use_across_a_fork),
        cmocka_unit_test(waits_for_synchronous_calls),
        cmocka_unit_test(refuses_to_wait_inside_a_callback),
        cmocka_unit_test(runs_many_commands_at_once),
    };
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
