#include "core/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_text(tnd_slice slice, const char* expected)
{
    assert_int_equal(slice.size, strlen(expected));
    assert_memory_equal(slice.data, expected, slice.size);
}

/* --- requests and replies --- */

/* protocol/cluster.md 2.8 */
static void builds_the_documented_requests(void** state)
{
    (void)state;
    static const char* const validate[] = {"node", "partition-generation", "build"};
    static const char* const unknown[] = {"nosuch", "node"};
    static const char* const agent[] = {"user-agent-set:value=MSxjLTcuNS4wLG5vdC1zZXQ="};
    test_bytes expected =
        test_bytes_hex("0201000000000020"
                       "6e6f64650a"
                       "706172746974696f6e2d67656e65726174696f6e0a"
                       "6275696c640a"
                       "020100000000000c6e6f737563680a6e6f64650a"
                       "020100000000002e"
                       "757365722d6167656e742d7365743a76616c75653d4d53786a4c5463754e5334"
                       "774c4735766443317a5a58513d0a");
    tnd_buf buf;
    tnd_buf_init(&buf, 1024);
    tnd_info_request(&buf, validate, COUNT(validate));
    tnd_info_request(&buf, unknown, COUNT(unknown));
    tnd_info_request(&buf, agent, COUNT(agent));
    assert_true(tnd_buf_is_ok(&buf));
    assert_int_equal(buf.size, expected.size);
    assert_memory_equal(buf.data, expected.data, buf.size);
    tnd_buf_done(&buf);
    test_bytes_done(&expected);
}

static void reads_the_documented_replies(void** state)
{
    (void)state;
    static const char body[] = "node\tB1\npartition-generation\t0\nbuild\t8.1.1.2\n";
    assert_int_equal(strlen(body), 0x2d);
    tnd_slice rest = tnd_slice_text(body);
    tnd_info_line line;
    assert_true(tnd_info_next(&rest, &line));
    assert_text(line.name, "node");
    assert_text(line.value, "B1");
    assert_true(tnd_info_next(&rest, &line));
    assert_text(line.name, "partition-generation");
    assert_text(line.value, "0");
    assert_true(tnd_info_next(&rest, &line));
    assert_text(line.name, "build");
    assert_text(line.value, "8.1.1.2");
    assert_false(tnd_info_next(&rest, &line));
}

static void tolerates_what_servers_vary(void** state)
{
    (void)state;
    tnd_slice rest = tnd_slice_text("\n\nnotab\n\tvalue\na\tb\tc\nempty\t\nlast\tx");
    static const char* const expected[][2] = {
        {"notab", ""}, {"", "value"}, {"a", "b\tc"}, {"empty", ""}, {"last", "x"}};
    tnd_info_line line;
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(tnd_info_next(&rest, &line));
        assert_text(line.name, expected[i][0]);
        assert_text(line.value, expected[i][1]);
    }
    assert_false(tnd_info_next(&rest, &line));
    rest = tnd_slice_of(NULL, 0);
    assert_false(tnd_info_next(&rest, &line));
}

static void finds_by_name_and_not_by_position(void** state)
{
    (void)state;
    tnd_slice body =
        tnd_slice_text("replicas:max=3\tR\nracks:namespace=a\t1\nracks:namespace=b\t2\n"
                       "node\tB1\nnodes\tx\n");
    tnd_slice value;
    assert_true(tnd_info_find(body, "node", &value));
    assert_text(value, "B1");
    assert_true(tnd_info_find(body, "racks:namespace=b", &value));
    assert_text(value, "2");
    assert_true(tnd_info_find(body, "racks:namespace=c", &value));
    assert_text(value, "1");
    assert_true(tnd_info_find(body, "replicas", &value));
    assert_text(value, "R");
    value = tnd_slice_text("untouched");
    assert_false(tnd_info_find(body, "nod", &value));
    assert_false(tnd_info_find(body, "build", &value));
    assert_text(value, "untouched");
}

static void classifies_errors(void** state)
{
    (void)state;
    static const struct {
        const char* value;
        int32_t code; /* 0: no error */
        const char* text;
    } cases[] = {
        {"ERROR:4:unrecognized command", 4, "unrecognized command"},
        {"ERROR:25:enterprise only", 25, "enterprise only"},
        {"ERROR::enterprise-only", 1, "enterprise-only"},
        {"ERROR:something old", 1, "something old"},
        {"ERROR:words: and more", 1, "words: and more"},
        {"ERROR:", 1, ""},
        {"ERROR:80:not authenticated", 80, "not authenticated"},
        {"ERROR:9:timeout", 9, "timeout"},
        {"ERROR:0:zero", 1, "0:zero"},
        {"ERROR:256:no byte", 1, "256:no byte"},
        {"ERROR:99999999999999999999999:", 1, "99999999999999999999999:"},
        {"ERROR:4", 1, "4"},
        {"FAIL:201:NO INDEX", 201, "NO INDEX"},
        {"FAIL:no index", 1, "no index"},
        {"error=file_not_found", 100, "file_not_found"},
        {"ok", 0, ""},
        {"", 0, ""},
        {"ERROR", 0, ""},
        {"x ERROR:4:y", 0, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        test_bytes copy = test_bytes_copy(cases[i].value, strlen(cases[i].value));
        tnd_info_error error = {0};
        assert_int_equal(tnd_info_value_error(tnd_slice_of(copy.data, copy.size), &error),
                         cases[i].code != 0);
        assert_int_equal(error.code, cases[i].code);
        assert_text(error.text, cases[i].text);
        test_bytes_done(&copy);
    }
}

static void sees_a_refused_request(void** state)
{
    (void)state;
    tnd_info_error error;
    assert_true(tnd_info_body_error(tnd_slice_text("ERROR:80:not authenticated\n"), &error));
    assert_int_equal(error.code, 80);
    assert_false(tnd_info_body_error(tnd_slice_text("node\tERROR:80:x\n"), &error));
    assert_false(tnd_info_body_error(tnd_slice_text(""), &error));
}

/* --- build, node, generation --- */

static void reads_builds(void** state)
{
    (void)state;
    static const struct {
        const char* text;
        uint64_t build; /* 0: refused */
    } cases[] = {
        {"8.1.1.2", TND_BUILD(8, 1, 1, 2)},
        {"6.0.0", TND_BUILD(6, 0, 0, 0)},
        {"6.0.0.0-5-g1234", TND_BUILD(6, 0, 0, 0)},
        {"7.2.0-rc1", TND_BUILD(7, 2, 0, 0)},
        {"7.2.0.rc1", TND_BUILD(7, 2, 0, 0)},
        {"4.9.0.3", TND_BUILD(4, 9, 0, 3)},
        {"65535.65535.65535.65535", UINT64_MAX},
        {"65536.0.0", 0},
        {"8.1", 0},
        {"8.1.", 0},
        {"8..1", 0},
        {"", 0},
        {"v8.1.1", 0},
        {".8.1.1", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        test_bytes copy = test_bytes_copy(cases[i].text, strlen(cases[i].text));
        uint64_t build = 0;
        assert_int_equal(tnd_info_build(tnd_slice_of(copy.data, copy.size), &build),
                         cases[i].build != 0);
        assert_true(build == cases[i].build);
        test_bytes_done(&copy);
    }
}

static void knows_what_builds_can(void** state)
{
    (void)state;
    assert_false(tnd_info_build_is_supported(TND_BUILD(5, 7, 0, 99)));
    assert_true(tnd_info_build_is_supported(TND_BUILD(6, 0, 0, 0)));
    assert_false(tnd_info_build_has_replicas_max(TND_BUILD(4, 9, 0, 3)));
    assert_true(tnd_info_build_has_replicas_max(TND_BUILD(5, 0, 0, 0)));
    assert_false(tnd_info_build_has_user_agent(TND_BUILD(8, 0, 65535, 65535)));
    assert_true(tnd_info_build_has_user_agent(TND_BUILD(8, 1, 0, 0)));
}

static void judges_node_names_and_generations(void** state)
{
    (void)state;
    int64_t generation = 0;
    assert_true(tnd_info_node_name(tnd_slice_text("BB9020011AC4202")));
    assert_true(tnd_info_node_name(tnd_slice_text("0123456789ABCDEF")));
    assert_false(tnd_info_node_name(tnd_slice_text("0123456789ABCDEF0")));
    assert_false(tnd_info_node_name(tnd_slice_text("")));
    assert_false(tnd_info_node_name(tnd_slice_text("B 1")));
    assert_false(tnd_info_node_name(tnd_slice_text("B1\n")));
    assert_false(tnd_info_node_name(tnd_slice_text("ERROR:4:x")));
    assert_true(tnd_info_generation(tnd_slice_text("-1"), &generation));
    assert_int_equal(generation, -1);
    assert_true(tnd_info_generation(tnd_slice_text("13666"), &generation));
    assert_int_equal(generation, 13666);
    assert_false(tnd_info_generation(tnd_slice_text("-2"), &generation));
    assert_false(tnd_info_generation(tnd_slice_text("2147483648"), &generation));
    assert_false(tnd_info_generation(tnd_slice_text(""), &generation));
}

/* --- peers --- */

/* Writes the parsed list back in a fixed form: node/tls=host:port,host:port; */
static bool peers_print(const char* text, size_t size, char* ret_text, size_t ret_size)
{
    test_bytes copy = test_bytes_copy(text, size);
    tnd_info_peers peers = {.generation = 99};
    const char* reason = NULL;
    bool ok = tnd_info_peers_open(&peers, tnd_slice_of(copy.data, copy.size), &reason);
    assert_int_equal(ok, reason == NULL);
    size_t used = 0;
    if (ok) {
        tnd_info_peer peer;
        uint32_t count = 0;
        used += (size_t)snprintf(ret_text, ret_size, "%llu %u|",
                                 (unsigned long long)peers.generation, peers.default_port);
        for (; tnd_info_peer_next(&peers, &peer); count++) {
            tnd_info_host host;
            used += (size_t)snprintf(
                ret_text + used, ret_size - used, "%.*s/%.*s=", (int)peer.node.size, peer.node.data,
                (int)peer.tls_name.size, peer.tls_name.size ? peer.tls_name.data : "");
            while (tnd_info_host_next(&peer.hosts, &host)) {
                used += (size_t)snprintf(ret_text + used, ret_size - used, "%.*s%s:%u,",
                                         (int)host.name.size, host.name.data,
                                         host.is_ipv6 ? "(6)" : "", host.port);
            }
            assert_int_equal(peer.hosts.rest.size, 0);
            used += (size_t)snprintf(ret_text + used, ret_size - used, ";");
        }
        assert_int_equal(count, peers.peers_count);
    } else {
        assert_true(peers.generation == 99); /* outputs are written on success only */
    }
    test_bytes_done(&copy);
    return ok;
}

static const struct {
    const char* value;
    const char* printed;
} peers_good[] = {
    {"4,3000,[[B2,,[127.0.0.1:7010]],[B3,,[127.0.0.1:7020]]]",
     "4 3000|B2/=127.0.0.1:7010,;B3/=127.0.0.1:7020,;"},
    {"19,3000,[[B2,,[127.0.0.1:7010,127.0.0.8:7010,127.0.0.1:7010]],[B3,,[127.0.0.1:7020]]]",
     "19 3000|B2/=127.0.0.1:7010,127.0.0.8:7010,127.0.0.1:7010,;B3/=127.0.0.1:7020,;"},
    {"22,3000,[[B2,,[127.0.0.1,127.0.0.6]],[B3,,[127.0.0.1:7020]]]",
     "22 3000|B2/=127.0.0.1:3000,127.0.0.6:3000,;B3/=127.0.0.1:7020,;"},
    {"19,3000,[[B2,,[127.0.0.7:7077]]]", "19 3000|B2/=127.0.0.7:7077,;"},
    {"4,3000,[]", "4 3000|"},
    {"4,,[[B2,,[h]]]", "4 3000|B2/=h:3000,;"},
    {"4,4333,[[B2,,[h]]]", "4 4333|B2/=h:4333,;"},
    {"1,3000,[[BB9,cluster-tls,[10.1.2.3:4333,10.1.2.4:4333]]]",
     "1 3000|BB9/cluster-tls=10.1.2.3:4333,10.1.2.4:4333,;"},
    {"1,3000,[[B2,,[[2001:db8::1]:3001,[2001:db8::2],node7.example.org:4333]]]",
     "1 3000|B2/=2001:db8::1(6):3001,2001:db8::2(6):3000,node7.example.org:4333,;"},
    {"18446744073709551615,3000,[[B2,,[]],[B3,,[]]]", "18446744073709551615 3000|B2/=;B3/=;"},
};

static void reads_peers(void** state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(peers_good); i++) {
        char printed[512] = "";
        assert_true(peers_print(peers_good[i].value, strlen(peers_good[i].value), printed,
                                sizeof(printed)));
        assert_string_equal(printed, peers_good[i].printed);
    }
}

static void refuses_every_prefix_of_peers(void** state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(peers_good); i++) {
        for (size_t size = 0; size < strlen(peers_good[i].value); size++) {
            char printed[512];
            assert_false(peers_print(peers_good[i].value, size, printed, sizeof(printed)));
        }
    }
}

static void refuses_malformed_peers(void** state)
{
    (void)state;
    static const char* const bad[] = {
        "",
        "ERROR:25:enterprise only",
        "-1,3000,[]",
        "18446744073709551616,3000,[]",
        "x,3000,[]",
        "1,0,[]",
        "1,65536,[]",
        "1,x,[]",
        "1,3000,",
        "1,3000,[],",
        "1,3000,[]]",
        "1,3000,[[]]",
        "1,3000,[,]",
        "1,3000,[[B2,,[h]],]",
        "1,3000,[[B2,,[h]][B3,,[h]]]",
        "1,3000,[[,,[h]]]",
        "1,3000,[[01234567890123456,,[h]]]",
        "1,3000,[[B2,[h]]]",
        "1,3000,[[B2,,h]]",
        "1,3000,[[B2,,[h:]]]",
        "1,3000,[[B2,,[h:0]]]",
        "1,3000,[[B2,,[h:65536]]]",
        "1,3000,[[B2,,[h:+1]]]",
        "1,3000,[[B2,,[h:1x]]]",
        "1,3000,[[B2,,[h,]]]",
        "1,3000,[[B2,,[,h]]]",
        "1,3000,[[B2,,[:1]]]",
        "1,3000,[[B2,,[[]:1]]]",
        "1,3000,[[B2,,[[::1:1]]]",
        "1,3000,[[B2,,[h h]]]",
        "1,3000,[[B2,,[a[b:1]]]",
        "1,3000,[[B2,t s,[h]]]",
        "1,3000,[[B2,,]]", /* how incremental replies show a vanished node: never asked for */
    };
    char printed[512];
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (peers_print(bad[i], strlen(bad[i]), printed, sizeof(printed))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_false(peers_print("1,3000,[[B2,,[h\0]]]", 19, printed, sizeof(printed)));
}

/* Fields at their longest, and one byte longer. */
static void bounds_the_fields_of_peers(void** state)
{
    (void)state;
    for (int host = TND_INFO_HOST_CHARS_MAX; host <= TND_INFO_HOST_CHARS_MAX + 1; host++) {
        for (int tls = TND_INFO_TLS_NAME_CHARS_MAX; tls <= TND_INFO_TLS_NAME_CHARS_MAX + 1; tls++) {
            char text[1024];
            char printed[1024];
            int size = snprintf(text, sizeof(text), "1,,[[0123456789ABCDEF,%0*d,[%0*d:65535]]]",
                                tls, 0, host, 0);
            assert_int_equal(peers_print(text, (size_t)size, printed, sizeof(printed)),
                             host == TND_INFO_HOST_CHARS_MAX && tls == TND_INFO_TLS_NAME_CHARS_MAX);
        }
    }
}

/* "1,,[" and `count` times `item` joined by ',' and `end`. */
static bool repeated_opens(const char* start, const char* item, size_t count, const char* end)
{
    size_t size = strlen(start) + count * (strlen(item) + 1) + strlen(end) + 1;
    char* text = malloc(size);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, size, "%s", start);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "", item);
    }
    used += (size_t)snprintf(text + used, size - used, "%s", end);
    tnd_info_peers peers;
    const char* reason;
    bool ok = tnd_info_peers_open(&peers, tnd_slice_of(text, used), &reason);
    free(text);
    return ok;
}

static void bounds_the_counts_of_peers(void** state)
{
    (void)state;
    assert_true(repeated_opens("1,,[", "[B2,,[h]]", TND_INFO_PEERS_MAX, "]"));
    assert_false(repeated_opens("1,,[", "[B2,,[h]]", TND_INFO_PEERS_MAX + 1, "]"));
    assert_true(repeated_opens("1,,[[B2,,[", "h", TND_INFO_HOSTS_MAX, "]]]"));
    assert_false(repeated_opens("1,,[[B2,,[", "h", TND_INFO_HOSTS_MAX + 1, "]]]"));
}

static void survives_mutated_peers(void** state)
{
    (void)state;
    test_prng prng = {.state = 11};
    unsigned accepted = 0;
    for (unsigned round = 0; round < 50000; round++) {
        const char* value = peers_good[round % COUNT(peers_good)].value;
        test_bytes copy = test_bytes_copy(value, strlen(value));
        char printed[2048];
        test_bytes_mutate(&copy, &prng);
        accepted += peers_print((const char*)copy.data, copy.size, printed, sizeof(printed));
        test_bytes_done(&copy);
    }
    assert_in_range(accepted, 1, 49999);
}

/* --- service, racks --- */

static void reads_services(void** state)
{
    (void)state;
    tnd_info_hosts hosts;
    tnd_info_host host;
    const char* reason = NULL;
    assert_true(
        tnd_info_service(&hosts, tnd_slice_text("127.0.0.1:3000,[::1]:4000,h.x:1"), &reason));
    assert_true(tnd_info_host_next(&hosts, &host));
    assert_text(host.name, "127.0.0.1");
    assert_int_equal(host.port, 3000);
    assert_false(host.is_ipv6);
    assert_true(tnd_info_host_next(&hosts, &host));
    assert_text(host.name, "::1");
    assert_int_equal(host.port, 4000);
    assert_true(host.is_ipv6);
    assert_true(tnd_info_host_next(&hosts, &host));
    assert_text(host.name, "h.x");
    assert_false(tnd_info_host_next(&hosts, &host));

    assert_true(tnd_info_service(&hosts, tnd_slice_text(""), &reason));
    assert_false(tnd_info_host_next(&hosts, &host));
    assert_null(reason);
    static const char* const bad[] = {
        "127.0.0.1", "127.0.0.1:3000,", ",a:1", "a:1,,b:2", "a:1;b:2", "ERROR:25:x", "a:1]",
        "[::1",      "[::1]",           "a:1 ", "a:99999"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        reason = NULL;
        assert_false(tnd_info_service(&hosts, tnd_slice_text(bad[i]), &reason));
        assert_non_null(reason);
    }
}

static void reads_racks(void** state)
{
    (void)state;
    tnd_info_racks racks;
    tnd_info_rack rack;
    const char* reason = NULL;
    assert_true(tnd_info_racks_open(&racks, tnd_slice_text("test:1;bar:-2147483648;"), &reason));
    assert_true(tnd_info_rack_next(&racks, &rack));
    assert_text(rack.ns, "test");
    assert_int_equal(rack.id, 1);
    assert_true(tnd_info_rack_next(&racks, &rack));
    assert_text(rack.ns, "bar");
    assert_true(rack.id == INT32_MIN);
    assert_false(tnd_info_rack_next(&racks, &rack));
    assert_true(tnd_info_racks_open(&racks, tnd_slice_text(""), &reason));
    assert_false(tnd_info_rack_next(&racks, &rack));
    static const char* const bad[] = {"test",
                                      "test:",
                                      ":1",
                                      "test:1;;bar:2",
                                      "test:1;bar",
                                      "ERROR:25:enterprise only",
                                      "te st:1",
                                      "test:1,b:2",
                                      "test:2147483648",
                                      "01234567890123456789012345678901:1",
                                      ";"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        reason = NULL;
        assert_false(tnd_info_racks_open(&racks, tnd_slice_text(bad[i]), &reason));
        assert_non_null(reason);
    }
}

/* --- user agent --- */

static void assert_agent(const char* version, const char* app_id, const char* expected)
{
    char command[TND_INFO_USER_AGENT_COMMAND_SIZE];
    test_bytes app = test_bytes_copy(app_id, strlen(app_id));
    size_t size = tnd_info_user_agent(version, tnd_slice_of(app.data, app.size), command);
    assert_string_equal(command, expected);
    assert_int_equal(size, strlen(expected));
    test_bytes_done(&app);
}

static void builds_user_agents(void** state)
{
    (void)state;
    /* printf %s 1,tendril-0.1.0,not-set | base64, and so on: all three lengths modulo 3 */
    assert_agent("0.1.0", "", "user-agent-set:value=MSx0ZW5kcmlsLTAuMS4wLG5vdC1zZXQ=");
    assert_agent("0.1.0", "shop", "user-agent-set:value=MSx0ZW5kcmlsLTAuMS4wLHNob3A=");
    assert_agent("0.1.0", "shops", "user-agent-set:value=MSx0ZW5kcmlsLTAuMS4wLHNob3Bz");
    assert_agent("0.1.0", "sho", "user-agent-set:value=MSx0ZW5kcmlsLTAuMS4wLHNobw==");
    /* 63 bytes of plain text at most: 84 characters */
    char long_id[201];
    char command[TND_INFO_USER_AGENT_COMMAND_SIZE];
    memset(long_id, 'x', sizeof(long_id));
    size_t size = tnd_info_user_agent("0.1.0", tnd_slice_of(long_id, 200), command);
    assert_int_equal(size, strlen("user-agent-set:value=") + 84);
    assert_memory_equal(command, "user-agent-set:value=MSx0ZW5kcmlsLTAuMS4wLHh4eHh4", 48);
    assert_null(strchr(command + 48, '='));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_the_documented_requests),
        cmocka_unit_test(reads_the_documented_replies),
        cmocka_unit_test(tolerates_what_servers_vary),
        cmocka_unit_test(finds_by_name_and_not_by_position),
        cmocka_unit_test(classifies_errors),
        cmocka_unit_test(sees_a_refused_request),
        cmocka_unit_test(reads_builds),
        cmocka_unit_test(knows_what_builds_can),
        cmocka_unit_test(judges_node_names_and_generations),
        cmocka_unit_test(reads_peers),
        cmocka_unit_test(refuses_every_prefix_of_peers),
        cmocka_unit_test(refuses_malformed_peers),
        cmocka_unit_test(bounds_the_fields_of_peers),
        cmocka_unit_test(bounds_the_counts_of_peers),
        cmocka_unit_test(survives_mutated_peers),
        cmocka_unit_test(reads_services),
        cmocka_unit_test(reads_racks),
        cmocka_unit_test(builds_user_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
