// Faults on demand, without sockets.
#include "testing.h"
#include "vectors.h"

static mc_cluster* cluster;
static mc_conn* conn;

static int setup(void** state)
{
    (void)state;
    cluster = testing_cluster((mc_config){.nodes = 1});
    conn = mc_cluster_accept(cluster, 0, 0);
    assert_string_equal(testing_ask(conn, vector_put_request), vector_put_reply);
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    mc_cluster_free(cluster);
    return 0;
}

static const char* get(void)
{
    return testing_ask(conn, vector_get_request);
}

static void reopen(void)
{
    mc_conn_free(conn);
    conn = mc_cluster_accept(cluster, 0, 0);
}

static void test_answers_with_a_code(void** state)
{
    (void)state;
    testing_control(cluster, "answer 0 18 2", 0);
    assert_string_equal(testing_info(conn, "status\n"), "status\tok\n"); // not of this scope
    for (int i = 0; i < 2; i++) {
        assert_string_equal(get(), "020300000000001616000000001200000000000000000000000000000000");
    }
    assert_string_equal(get(), vector_get_reply);
    // Not executed, unless asked for.
    testing_control(cluster, "answer 0 9", 0);
    testing_ask(conn, vector_put_request);
    assert_string_equal(get(), vector_get_reply);
    testing_control(cluster, "answer 0 9 1 applied", 0);
    testing_ask(conn, vector_put_request);
    assert_string_not_equal(get(), vector_get_reply); // generation 2
    testing_control(cluster, "answer 0 80 always on=info", 0);
    assert_string_equal(testing_info(conn, "status\n"), "ERROR:80:fault\n");
    testing_control(cluster, "clear 0", 0);
    assert_string_equal(testing_info(conn, "status\n"), "status\tok\n");
}

static void test_slow(void** state)
{
    (void)state;
    const uint8_t* out;
    testing_control(cluster, "slow 0 100", 0);
    assert_string_equal(get(), "");
    assert_int_equal(mc_conn_deadline(conn), 100);
    assert_string_equal(get(), ""); // the second one waits for the first
    assert_int_equal(mc_conn_output(conn, 99, &out), 0);
    assert_int_equal(mc_conn_output(conn, 100, &out), 47);
    mc_conn_sent(conn, 47, 100);
    mc_conn_step(conn, 100);
    assert_int_equal(mc_conn_deadline(conn), 200);
    assert_int_equal(mc_conn_output(conn, 200, &out), 47);
    mc_conn_sent(conn, 47, 200);
    testing_control(cluster, "slow 0 0", 200);
    assert_string_equal(get(), vector_get_reply);
}

static void test_split(void** state)
{
    (void)state;
    char all[200] = "";
    testing_control(cluster, "split 0 1 gap=5", 0);
    strcat(all, get());
    assert_int_equal(strlen(all), 2);
    for (uint64_t now_ms = 5; now_ms <= 46 * 5; now_ms += 5) {
        assert_int_equal(mc_conn_deadline(conn), now_ms);
        strcat(all, testing_ask_at(conn, NULL, 0, now_ms));
    }
    assert_string_equal(all, vector_get_reply);
    assert_int_equal(mc_conn_deadline(conn), MC_NEVER);
}

static void test_garbage(void** state)
{
    (void)state;
    static const char* const kinds[][2] = {
        {"version", "0303000000000000"},  {"type", "0209000000000000"},
        {"oversize", "0203ffffffffffff"}, {"huge", "0203000008000000"},
        {"empty", "0203000000000000"},    {"short", "020300000000000a16000000000000000000"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char line[64];
        snprintf(line, sizeof(line), "garbage 0 %s", kinds[i][0]);
        testing_control(cluster, line, 0);
        assert_string_equal(get(), kinds[i][1]);
        assert_string_equal(get(), vector_get_reply); // once
    }
    testing_control(cluster, "garbage 0 truncated", 0);
    assert_int_equal(strlen(get()), 2 * (8 + 19));
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_CLOSE);
    reopen();
    testing_control(cluster, "garbage 0 random 1", 0);
    assert_int_equal(strlen(get()), 128);
    testing_control(cluster, "garbage 0 version 1 on=info", 0);
    assert_string_equal(testing_ask(conn, "0201000000000005 6e6f64650a"), "0301000000000000");
}

static void test_another_commands_answer(void** state)
{
    (void)state;
    char twice[200];
    testing_control(cluster, "other 0 info", 0);
    assert_memory_equal(get(), "0201", 4);
    testing_control(cluster, "other 0 record", 0);
    assert_non_null(strstr(get(), "6f74686572")); // "other"
    testing_control(cluster, "other 0 twice", 0);
    snprintf(twice, sizeof(twice), "%s%s", vector_get_reply, vector_get_reply);
    assert_string_equal(get(), twice);
}

static void test_endings(void** state)
{
    (void)state;
    testing_control(cluster, "reset 0 1", 0);
    assert_string_equal(get(), "");
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_RESET);
    reopen();
    testing_control(cluster, "close 0 1 applied", 0);
    assert_string_equal(testing_ask(conn, vector_put_request), "");
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_CLOSE);
    reopen();
    assert_string_not_equal(get(), vector_get_reply); // it was applied
    testing_control(cluster, "halfclose 0 1", 0);
    assert_string_equal(get(), "");
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_HALF_CLOSE);
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_NONE);
    assert_string_equal(get(), "");
    reopen();
    testing_control(cluster, "mute 0", 0);
    assert_string_equal(get(), "");
    assert_int_equal(mc_conn_deadline(conn), MC_NEVER);
    assert_string_equal(get(), ""); // nothing can follow it
    testing_control(cluster, "reset 0", 0);
    assert_int_equal(mc_conn_ending(conn, 0), MC_ENDING_RESET);
}

static void test_stopped_and_black_hole(void** state)
{
    (void)state;
    testing_control(cluster, "stop 0", 0);
    assert_string_equal(get(), "");
    assert_int_equal(mc_conn_want(conn), 0);
    assert_int_equal(mc_node_listening(cluster, 0), MC_LISTEN_STALL);
    testing_control(cluster, "cont 0", 0);
    mc_conn_step(conn, 0);
    assert_string_equal(testing_ask_at(conn, NULL, 0, 0), vector_get_reply);
    testing_control(cluster, "drop 0", 0);
    assert_int_equal(mc_node_listening(cluster, 0), MC_LISTEN_BLACKHOLE);
    assert_string_equal(get(), "");
    testing_control(cluster, "cont 0", 0);
    assert_string_equal(get(), ""); // what came meanwhile is lost, so nothing can follow it
    reopen();
    assert_string_equal(get(), vector_get_reply);
    testing_control(cluster, "refuse 0", 0);
    assert_null(mc_cluster_accept(cluster, 0, 0));
    assert_string_equal(get(), vector_get_reply);
}

static void test_bad_lines(void** state)
{
    (void)state;
    static const char* const lines[] = {"",
                                        "nosuch",
                                        "kill",
                                        "kill 7",
                                        "kill BB",
                                        "answer 0",
                                        "answer 0 256",
                                        "garbage 0 x",
                                        "other 0 x",
                                        "namespaces add",
                                        "slow 0",
                                        "owner test",
                                        "restart 0 id=xyz"};
    char reply[100];
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_false(mc_control(cluster, lines[i], 0, reply, sizeof(reply)));
        assert_true(strlen(reply) > 0);
    }
    assert_string_equal(get(), vector_get_reply);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_answers_with_a_code),
        TEST(test_slow),
        TEST(test_split),
        TEST(test_garbage),
        TEST(test_another_commands_answer),
        TEST(test_endings),
        TEST(test_stopped_and_black_hole),
        TEST(test_bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
