/*
 * Scalar operations against a cluster: the mini cluster, or the real one that AEROSPIKE_HOSTS
 * names. What a server answers is in protocol/records.md 3.5 and 5.9.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/lib/operate.h"
#include "tests/lib/value.h"

#define NS "test"
#define SET "operate"

static test_cluster* cluster;
static aerospike as;
static as_key key;
static as_operations ops;

/* A fresh list of operations, and the text of their results. */
static as_operations* begin(void)
{
    return as_operations_init(&ops, 16);
}

static const char* run(void)
{
    return test_operate(&as, NULL, &key, &ops);
}

static const char* run_with(const as_policy_operate* policy)
{
    return test_operate(&as, policy, &key, &ops);
}

static as_policy_operate policy_of(bool respond_all_ops)
{
    as_policy_operate policy;
    as_policy_operate_init(&policy);
    policy.base.total_timeout = 5000;
    policy.respond_all_ops = respond_all_ops;
    return policy;
}

/* n=7, s="xy". */
static void put_two_bins(void)
{
    begin();
    assert_true(as_operations_add_delete(&ops));
    assert_true(as_operations_add_write_int64(&ops, "n", 7));
    assert_true(as_operations_add_write_str(&ops, "s", "xy"));
    assert_string_equal(run(), "");
}

static void writes_every_scalar(void** state)
{
    (void)state;
    begin();
    as_operations_add_write_int64(&ops, "i", INT64_MIN);
    as_operations_add_write_double(&ops, "d", 1.5);
    as_operations_add_write_bool(&ops, "b", true);
    as_operations_add_write_str(&ops, "s", "text");
    as_operations_add_write_strp(&ops, "p", strdup("given"), true);
    as_operations_add_write_raw(&ops, "r", (const uint8_t*)"\0\1\xff", 3);
    as_operations_add_write(&ops, "v", (as_bin_value*)as_integer_new(5));
    as_operations_add_write_geojson_str(&ops, "g", "{\"type\":\"Point\",\"coordinates\":[1,2]}");
    as_operations_add_read(&ops, "i");
    as_operations_add_read(&ops, "d");
    as_operations_add_read(&ops, "b");
    as_operations_add_read(&ops, "s");
    as_operations_add_read(&ops, "p");
    as_operations_add_read(&ops, "r");
    as_operations_add_read(&ops, "v");
    as_operations_add_read(&ops, "g");
    assert_string_equal(run(), "i=-9223372036854775808 d=1.5 b=true s=\"text\" p=\"given\" "
                               "r=00 01 FF v=5 g=\"{\"type\":\"Point\",\"coordinates\":[1,2]}\"");
}

/* A map comes back sorted, whatever order it was made in. */
static void brings_back_lists_and_maps(void** state)
{
    (void)state;
    static const char list[] = "[1, \"x\", 2.5, [true, 62, NIL], {\"k\":[]}, -9223372036854775808]";
    static const char map[] = "{-1:{7:8}, 5:\"five\", \"k\":[1, 2], 01 02:NIL}";
    as_error err;
    as_record record;
    as_record_inita(&record, 3);
    as_record_set_list(
        &record, "l",
        (as_list*)test_value(
            "[1, \"x\", 2.5, [true, x\"62\", NIL], {\"k\":[]}, -9223372036854775808]"));
    as_record_set_map(&record, "m",
                      (as_map*)test_value("{x\"0102\":NIL, \"k\":[1, 2], 5:\"five\", -1:{7:8}}"));
    as_record_set_map(&record, "k", (as_map*)test_value("K{\"b\":2, \"a\":g\"{}\"}"));
    begin();
    as_operations_add_delete(&ops);
    run();
    assert_int_equal(aerospike_key_put(&as, &err, NULL, &key, &record), AEROSPIKE_OK);
    as_record_destroy(&record);
    begin();
    as_operations_add_read(&ops, "l");
    as_operations_add_read(&ops, "m");
    as_operations_add_read(&ops, "k");
    as_operations_add_write(&ops, "l", (as_bin_value*)test_value("[[]]"));
    as_operations_add_write(&ops, "m", (as_bin_value*)test_value("{}"));
    as_operations_add_read(&ops, "l");
    as_operations_add_read(&ops, "m");
    char expected[512];
    snprintf(expected, sizeof(expected), "l=%s m=%s k={\"a\":\"{}\", \"b\":2} l=[[]] m={}", list,
             map);
    assert_string_equal(run(), expected);
    as_record* got = NULL;
    assert_int_equal(aerospike_key_get(&as, &err, NULL, &key, &got), AEROSPIKE_OK);
    assert_int_equal(as_record_get_map(got, "k")->flags, 1);
    assert_int_equal(as_record_get_map(got, "m")->flags, 0);
    as_record_destroy(got);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 5000;
    policy.deserialize = false;
    got = NULL;
    assert_int_equal(aerospike_key_get(&as, &err, &policy, &key, &got), AEROSPIKE_OK);
    assert_int_equal(as_record_get_bytes(got, "l")->type, AS_BYTES_LIST);
    assert_int_equal(as_record_get_bytes(got, "m")->type, AS_BYTES_MAP);
    assert_string_equal(test_text((as_val*)as_record_get_bytes(got, "l")), "91 90");
    as_record_destroy(got);
}

static void changes_in_place(void** state)
{
    (void)state;
    put_two_bins();
    uint32_t generation = test_operate_generation();
    begin();
    as_operations_add_incr(&ops, "n", -9);
    as_operations_add_incr_double(&ops, "d", 0.25);
    as_operations_add_incr_double(&ops, "d", 0.25);
    as_operations_add_append_str(&ops, "s", "z");
    as_operations_add_prepend_str(&ops, "s", "w");
    as_operations_add_append_raw(&ops, "r", (const uint8_t*)"b", 1);
    as_operations_add_prepend_raw(&ops, "r", (const uint8_t*)"a", 1);
    as_operations_add_read(&ops, "n");
    as_operations_add_read(&ops, "d");
    as_operations_add_read(&ops, "s");
    as_operations_add_read(&ops, "r");
    assert_string_equal(run(), "n=-2 d=0.5 s=\"wxyz\" r=61 62");
    assert_int_equal(test_operate_generation(), generation + 1);
}

/* Entries and operations correspond but for touch; without respond_all_ops only reads answer. */
static void answers_one_bin_several_times(void** state)
{
    (void)state;
    static const char* const expected[] = {
        "a=1 a=2 s=\"xy\"",
        "n=NIL a=1 a=NIL a=2 s=NIL s=\"xy\" missing=NIL",
    };
    for (int all = 0; all <= 1; all++) {
        as_policy_operate policy = policy_of(all);
        begin();
        as_operations_add_delete(&ops);
        as_operations_add_write_int64(&ops, "a", 1);
        as_operations_add_write_str(&ops, "s", "x");
        run();
        begin();
        as_operations_add_write_int64(&ops, "n", 1);
        as_operations_add_read(&ops, "a");
        as_operations_add_incr(&ops, "a", 1);
        as_operations_add_read(&ops, "a");
        as_operations_add_touch(&ops);
        as_operations_add_append_str(&ops, "s", "y");
        as_operations_add_read(&ops, "s");
        as_operations_add_read(&ops, "missing");
        assert_string_equal(run_with(&policy), expected[all]);
    }
}

static void reads_all_bins_amid_writes(void** state)
{
    (void)state;
    begin();
    as_operations_add_delete(&ops);
    as_operations_add_write_int64(&ops, "n", 1);
    run();
    begin();
    as_operations_add_incr(&ops, "n", 4);
    as_operations_add_read_all(&ops);
    as_operations_add_incr(&ops, "n", 100);
    assert_string_equal(run(), "n=5");
    assert_string_equal(test_read(&as, &key), "n=105");
    as_policy_operate policy = policy_of(true); /* never together on the wire */
    begin();
    as_operations_add_read_all(&ops);
    assert_string_equal(run_with(&policy), "n=105");
}

static void reads_alone_change_nothing(void** state)
{
    (void)state;
    put_two_bins();
    uint32_t generation = test_operate_generation();
    begin();
    as_operations_add_read(&ops, "s");
    as_operations_add_read(&ops, "none");
    as_operations_add_read(&ops, "n");
    assert_string_equal(run(), "s=\"xy\" n=7");
    assert_int_equal(test_operate_generation(), generation);
    as_policy_operate policy = policy_of(true);
    policy.replica = AS_POLICY_REPLICA_ANY;
    begin();
    as_operations_add_read(&ops, "none");
    assert_string_equal(run_with(&policy), "none=NIL");
}

static void deletes_the_record(void** state)
{
    (void)state;
    put_two_bins();
    begin();
    as_operations_add_read(&ops, "n");
    as_operations_add_delete(&ops);
    assert_string_equal(run(), "n=7");
    assert_int_equal(test_operate_generation(), 0);
    assert_string_equal(test_read(&as, &key), "error 2");
    begin();
    as_operations_add_touch(&ops);
    assert_string_equal(run(), "error 2");
    begin();
    as_operations_add_delete(&ops);
    assert_string_equal(run(), "error 2");
    begin();
    as_operations_add_read(&ops, "n");
    assert_string_equal(run(), "error 2");
    begin();
    as_operations_add_incr(&ops, "n", 3); /* makes the record */
    as_operations_add_read(&ops, "n");
    assert_string_equal(run(), "n=3");
}

/* All or nothing. */
static void fails_as_a_whole(void** state)
{
    (void)state;
    put_two_bins();
    begin();
    as_operations_add_write_int64(&ops, "n", 8);
    as_operations_add_incr(&ops, "s", 1);
    assert_string_equal(run(), "error 12");
    begin();
    as_operations_add_incr_double(&ops, "n", 1.5);
    assert_string_equal(run(), "error 12");
    begin();
    as_operations_add_append_str(&ops, "n", "x");
    assert_string_equal(run(), "error 12");
    begin();
    as_operations_add_append_raw(&ops, "s", (const uint8_t*)"x", 1);
    assert_string_equal(run(), "error 12");
    begin();
    as_operations_add_write_geojson_str(&ops, "g", "no json");
    assert_string_equal(run(), "error 160");
    enum {
        BIG = 2 * 1024 * 1024
    };
    uint8_t* big = calloc(1, BIG);
    begin();
    as_operations_add_write_int64(&ops, "n", 8);
    as_operations_add_write_rawp(&ops, "big", big, BIG, true);
    assert_string_equal(run(), "error 13");
    assert_string_equal(test_read(&as, &key), "n=7 s=\"xy\"");
}

static void obeys_the_policy(void** state)
{
    (void)state;
    put_two_bins();
    as_policy_operate policy = policy_of(false);
    policy.exists = AS_POLICY_EXISTS_CREATE;
    begin();
    as_operations_add_write_int64(&ops, "n", 1);
    assert_string_equal(run_with(&policy), "error 5");
    policy = policy_of(false);
    policy.gen = AS_POLICY_GEN_EQ;
    begin()->gen = 77;
    as_operations_add_write_int64(&ops, "n", 1);
    assert_string_equal(run_with(&policy), "error 3");
    policy = policy_of(false);
    policy.exists = AS_POLICY_EXISTS_REPLACE;
    policy.commit_level = AS_POLICY_COMMIT_LEVEL_MASTER;
    policy.key = AS_POLICY_KEY_SEND;
    begin();
    as_operations_add_write_int64(&ops, "only", 1);
    assert_string_equal(run_with(&policy), "");
    assert_string_equal(test_read(&as, &key), "only=1");
    policy.durable_delete = true;
    begin();
    as_operations_add_delete(&ops);
    assert_string_equal(run_with(&policy), "error 4"); /* a replacement that deletes */
    policy.exists = AS_POLICY_EXISTS_IGNORE;
    begin();
    as_operations_add_delete(&ops);
    const char* got = run_with(&policy);
    assert_true(!strcmp(got, "error 25") || !strcmp(got, "")); /* Community, Enterprise */
}

static void sets_times_to_live(void** state)
{
    (void)state;
    put_two_bins();
    begin()->ttl = 1000;
    as_operations_add_delete(&ops);
    as_operations_add_write_int64(&ops, "n", 1);
    const char* got = run();
    if (strcmp(got, "error 22") == 0) {
        skip(); /* this namespace has no expiration */
    }
    assert_string_equal(got, "");
    assert_string_equal(test_read(&as, &key), "n=1");
    assert_in_range(test_operate_ttl(), 900, 1000);
    as_policy_operate policy = policy_of(false);
    policy.ttl = 5000;
    begin()->ttl = AS_RECORD_CLIENT_DEFAULT_TTL;
    as_operations_add_touch(&ops);
    as_operations_add_read(&ops, "n");
    assert_string_equal(run_with(&policy), "n=1");
    assert_in_range(test_operate_ttl(), 4900, 5000);
    begin()->ttl = AS_RECORD_NO_CHANGE_TTL;
    as_operations_add_touch(&ops);
    run();
    assert_string_equal(test_read(&as, &key), "n=1");
    assert_in_range(test_operate_ttl(), 4900, 5000);
    begin()->ttl = AS_RECORD_NO_EXPIRE_TTL;
    as_operations_add_touch(&ops);
    assert_string_equal(run(), "");
    assert_int_equal(test_operate_ttl(), AS_RECORD_NO_EXPIRE_TTL);
    policy.read_touch_ttl_percent = 80;
    begin();
    as_operations_add_read(&ops, "n");
    assert_string_equal(run_with(&policy), "n=1");
}

static void refuses_what_cannot_be_sent(void** state)
{
    (void)state;
    begin();
    assert_string_equal(run(), "refused -2");
    assert_non_null(strstr(test_operate_message(), "No operations defined"));
    begin();
    as_operations_add_write_int64(&ops, "", 1);
    assert_string_equal(run(), "refused -2");
    assert_non_null(strstr(test_operate_message(), "name is empty"));
    as_policy_operate policy = policy_of(false);
    policy.gen = (as_policy_gen)9;
    begin();
    as_operations_add_touch(&ops);
    assert_string_equal(run_with(&policy), "refused -2");
}

static void works_synchronously(void** state)
{
    (void)state;
    as_error err;
    put_two_bins();
    begin();
    as_operations_add_incr(&ops, "n", 1);
    as_operations_add_read(&ops, "n");
    assert_string_equal(test_operate_sync(&as, NULL, &key, &ops), "n=8");
    begin();
    as_operations_add_incr(&ops, "s", 1);
    assert_string_equal(test_operate_sync(&as, NULL, &key, &ops), "error 12");
    /* The record may be the program's, or none. */
    begin();
    as_operations_add_read(&ops, "s");
    as_record own;
    as_record* given = &own;
    as_record_inita(&own, 2);
    as_record_set_int64(&own, "old", 1);
    assert_int_equal(aerospike_key_operate(&as, &err, NULL, &key, &ops, &given), AEROSPIKE_OK);
    assert_int_equal(as_record_numbins(&own), 1);
    assert_string_equal(as_record_get_str(&own, "s"), "xy");
    as_record_destroy(&own);
    assert_int_equal(aerospike_key_operate(&as, &err, NULL, &key, &ops, NULL), AEROSPIKE_OK);
    as_operations_destroy(&ops);
}

/* ---- failures of a write are a write's ---- */

/* The connection dies while the answer is due. A read is repeated, a write isn't, unless its policy
 * says so, and it's in doubt. */
static void is_a_write_when_it_writes(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    put_two_bins();
    assert_true(test_cluster_control(cluster, "reset 0 1"));
    begin();
    as_operations_add_read(&ops, "n");
    assert_string_equal(run(), "n=7");
    assert_true(test_cluster_control(cluster, "clear"));
    assert_true(test_cluster_control(cluster, "reset 0 1 applied"));
    begin();
    as_operations_add_incr(&ops, "n", 1);
    assert_string_equal(run(), "error -6 in doubt");
    assert_true(test_cluster_control(cluster, "clear"));
    assert_string_equal(test_read(&as, &key), "n=8 s=\"xy\"");
    as_policy_operate policy = policy_of(false);
    policy.base.max_retries = 2;
    assert_true(test_cluster_control(cluster, "reset 0 1 applied"));
    begin();
    as_operations_add_incr(&ops, "n", 1);
    as_operations_add_read(&ops, "n");
    assert_string_equal(run_with(&policy), "n=10"); /* twice: what in-doubt warns of */
}

static int open_client(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.policies.read.base.total_timeout = 5000;
    config.policies.operate.base.total_timeout = 5000;
    test_client_open(&as, &config);
    as_key_init_int64(&key, NS, SET, getpid());
    return 0;
}

static int close_client(void** state)
{
    (void)state;
    as_error err;
    aerospike_key_remove(&as, &err, NULL, &key);
    test_client_close(&as);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_scalar),
        cmocka_unit_test(brings_back_lists_and_maps),
        cmocka_unit_test(changes_in_place),
        cmocka_unit_test(answers_one_bin_several_times),
        cmocka_unit_test(reads_all_bins_amid_writes),
        cmocka_unit_test(reads_alone_change_nothing),
        cmocka_unit_test(deletes_the_record),
        cmocka_unit_test(fails_as_a_whole),
        cmocka_unit_test(obeys_the_policy),
        cmocka_unit_test(sets_times_to_live),
        cmocka_unit_test(refuses_what_cannot_be_sent),
        cmocka_unit_test(works_synchronously),
        cmocka_unit_test(is_a_write_when_it_writes),
    };
    /* One node for all partitions, so that a fault hits the next command. */
    cluster = test_cluster_start("--nodes", "1", "--namespaces", "test:1", NULL);
    if (!cluster) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, open_client, close_client);
    test_cluster_stop(cluster);
    return failed;
}
