// The socket driver: a mini cluster in a child, spoken to over loopback.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "testing.h"
#include "vectors.h"

static mc_child child;

static int start(bool fast)
{
    mc_server_config config = {.fast = fast, .cluster = {.heartbeat_ms = 100, .migrate_ms = 100}};
    config.cluster.join_ms = 50;
    config.cluster.reap_ms = 20;
    return mc_child_start(&child, &config) ? 0 : -1;
}

static int setup(void** state)
{
    (void)state;
    return start(false);
}

static int setup_fast(void** state)
{
    (void)state;
    return start(true);
}

static int teardown(void** state)
{
    (void)state;
    return mc_child_stop(&child);
}

static void control(const char* line)
{
    char reply[512];
    if (!mc_child_control(&child, line, reply, sizeof(reply))) {
        fail_msg("%s: %s", line, reply);
    }
}

static int dial(int node)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(child.ports[node])};
    struct timeval limit = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr*)&address, sizeof(address))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void send_hex(int fd, const char* hex)
{
    uint8_t bytes[1000];
    size_t len = testing_unhex(hex, bytes);
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

// One frame as hex digits; what came before an end or a reset otherwise.
static const char* receive(int fd)
{
    static char hex[2000];
    uint8_t bytes[900];
    size_t have = 0;
    size_t want = 8;
    while (have < want) {
        ssize_t got = recv(fd, bytes + have, want - have, 0);
        if (got <= 0) {
            snprintf(hex, sizeof(hex), "%s", got == 0 ? "end" : strerror(errno));
            return hex;
        }
        have += (size_t)got;
        want = have >= 8 ? 8 + (size_t)mc_be_get(bytes + 2, 6) : 8;
        assert_true(want < sizeof(bytes));
    }
    for (size_t i = 0; i < have; i++) {
        sprintf(hex + 2 * i, "%02x", bytes[i]);
    }
    return hex;
}

static const char* ask(int fd, const char* hex)
{
    send_hex(fd, hex);
    return receive(fd);
}

static bool is_silent(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 0;
}

static void test_requests_in_order(void** state)
{
    (void)state;
    int fd = dial(0);
    assert_string_equal(ask(fd, vector_put_request), vector_put_reply);
    for (int i = 0; i < 200; i++) {
        send_hex(fd, i % 2 ? vector_get_request : vector_exists_request);
    }
    for (int i = 0; i < 200; i++) {
        assert_string_equal(receive(fd), i % 2 ? vector_get_reply : vector_exists_reply);
    }
    close(fd);
    assert_int_equal(mc_child_stat(&child, -1, "read"), 200);
    assert_int_equal(mc_child_stat(&child, 0, "opened"), 1);
}

static void test_a_half_closed_client_gets_nothing(void** state)
{
    (void)state;
    int fd = dial(0);
    ask(fd, vector_put_request);
    control("stop 0"); // so that both are there when it looks
    send_hex(fd, vector_get_request);
    shutdown(fd, SHUT_WR);
    control("cont 0");
    assert_string_equal(receive(fd), strerror(ECONNRESET));
    close(fd);
}

static void test_garbage_is_dropped(void** state)
{
    (void)state;
    int fd = dial(0);
    const char* answer = ask(fd, "47455420 2f20485454502f312e300d0a0d0a");
    assert_true(!strcmp(answer, "end") || !strcmp(answer, strerror(ECONNRESET)));
    close(fd);
}

static void wait_for_members(int count)
{
    /* Each question waits for its answer, so this isn't a busy loop. */
    for (uint64_t end_ms = mc_server_now_ms() + 10000; mc_server_now_ms() < end_ms;) {
        char stats[20000];
        int members = 0;
        assert_true(mc_child_control(&child, "stats", stats, sizeof(stats)));
        for (char* at = stats; (at = strstr(at, "life=member")); at++) {
            members++;
        }
        if (members == count && strstr(stats, "migrations=0\n")) {
            return;
        }
    }
    fail_msg("not %d members", count);
}

static void test_kill_and_restart(void** state)
{
    (void)state;
    int fd = dial(2);
    ask(fd, vector_put_request);
    control("kill 2");
    assert_string_equal(receive(fd), "end");
    close(fd);
    assert_int_equal(dial(2), -1);
    fd = dial(0);
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    control("restart 2");
    wait_for_members(3);
    close(fd);
    fd = dial(2);
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    close(fd);
}

static void test_faults_of_sockets(void** state)
{
    (void)state;
    int fd = dial(0);
    ask(fd, vector_put_request);
    control("split 0 1");
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    control("slow 0 30 1");
    send_hex(fd, vector_get_request);
    assert_true(is_silent(fd, 15));
    assert_string_equal(receive(fd), vector_get_reply);
    control("stop 0");
    int late = dial(0); // the kernel accepts
    send_hex(late, vector_get_request);
    send_hex(fd, vector_get_request);
    assert_true(is_silent(late, 20) && is_silent(fd, 20));
    control("cont 0");
    assert_string_equal(receive(fd), vector_get_reply);
    assert_string_equal(receive(late), vector_get_reply);
    close(late);
    control("refuse 0");
    assert_int_equal(dial(0), -1);
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    control("clear");
    control("halfclose 0");
    assert_string_equal(receive(fd), "end");
    close(fd);
    fd = dial(0);
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    control("reset 0");
    assert_string_equal(receive(fd), strerror(ECONNRESET));
    close(fd);
}

static void test_a_black_hole(void** state)
{
    (void)state;
    int fd = dial(0);
    ask(fd, vector_put_request);
    control("drop 0");
    send_hex(fd, vector_get_request);
    int fresh = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(child.ports[0])};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fresh, (struct sockaddr*)&address, sizeof(address));
    struct pollfd p = {.fd = fresh, .events = POLLOUT};
    assert_int_equal(poll(&p, 1, 50), 0); // neither accepted nor refused
    assert_true(is_silent(fd, 20));
    close(fresh);
    close(fd);
    control("clear");
    fd = dial(0);
    assert_string_equal(ask(fd, vector_get_request), vector_get_reply);
    close(fd);
}

int main(void)
{
#define TEST(name, setup_) cmocka_unit_test_setup_teardown(name, setup_, teardown)
#define BOTH(name)                                                                                 \
    {#name, name, setup, teardown, NULL},                                                          \
    {                                                                                              \
#name " fast", name, setup_fast, teardown, NULL                                            \
    }
    const struct CMUnitTest tests[] = {
        BOTH(test_requests_in_order),  TEST(test_a_half_closed_client_gets_nothing, setup),
        BOTH(test_garbage_is_dropped), BOTH(test_kill_and_restart),
        BOTH(test_faults_of_sockets),  BOTH(test_a_black_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
