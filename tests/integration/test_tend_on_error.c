/*
 * How long eight workers go on sending commands to a node that has died. Its port is ours as soon
 * as it is dead: who connects there and sends a record message is a worker that hasn't learnt yet.
 *
 * The cluster itself needs its heartbeats to notice the death; what is the client's is measured
 * with a cluster that notices at once. A worker that meets the dead node has the tender look, for
 * all.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 30000
#define WORKERS 8
#define VICTIM 1
#define TEND_INTERVAL_MS 1000
#define WATCH_MS 1200 /* beyond the notice */
#define RECORD_MESSAGE 3
#define PENDING_MAX 256

static test_cluster* cluster;
static test_host workers;

/* ---- the dead node's port ---- */

/* The port of the n-th node in "127.0.0.1:3000,127.0.0.1:3001,...". */
static uint16_t port_of(const char* hosts, int n)
{
    for (; n > 0; n--) {
        hosts = strchr(hosts, ',') + 1;
    }
    return (uint16_t)atoi(strchr(hosts, ':') + 1);
}

/* The port may still be the dying node's. */
static int listen_there(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    uint64_t until_us = host_now_us() + 2000000;
    while (bind(fd, (struct sockaddr*)&addr, sizeof(addr)) != 0) {
        assert_true(host_now_us() < until_us);
        sched_yield();
    }
    assert_int_equal(listen(fd, 512), 0);
    return fd;
}

typedef struct watch {
    struct pollfd fds[PENDING_MAX]; /* 0: the listener; then connections that have said nothing */
    nfds_t count;
    uint64_t start_us;
    uint64_t last_us; /* of the last command, 0: none */
    unsigned commands;
    unsigned looks; /* the tender's */
} watch;

static void watch_accept(watch* w)
{
    int fd;
    while (w->count < PENDING_MAX &&
           (fd = accept4(w->fds[0].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        w->fds[w->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

/* What came, or the end, is enough: the connection is closed. */
static void watch_read(watch* w, nfds_t i)
{
    uint8_t head[8];
    ssize_t size = recv(w->fds[i].fd, head, sizeof(head), 0);
    if (size > 1 && head[1] == RECORD_MESSAGE) {
        w->commands++;
        w->last_us = host_now_us();
    } else if (size > 1) {
        w->looks++;
    }
    close(w->fds[i].fd);
    w->fds[i] = w->fds[--w->count];
}

static void watch_run(watch* w, uint64_t ms)
{
    uint64_t until_us = w->start_us + ms * 1000;
    while (host_now_us() < until_us) {
        poll(w->fds, w->count, 20);
        for (nfds_t i = w->count - 1; i > 0; i--) {
            if (w->fds[i].revents) {
                watch_read(w, i);
            }
        }
        watch_accept(w);
    }
    while (w->count > 0) {
        close(w->fds[--w->count].fd);
    }
}

/* Kills the node; milliseconds from then to the last command that somebody tried to send there. */
static uint64_t last_command_ms(const char* kill_line, uint64_t noticed_ms, watch* ret_watch)
{
    memset(ret_watch, 0, sizeof(*ret_watch));
    assert_true(test_cluster_control(cluster, kill_line));
    ret_watch->start_us = host_now_us();
    ret_watch->fds[0] = (struct pollfd){
        .fd = listen_there(port_of(test_cluster_hosts(cluster), VICTIM)), .events = POLLIN};
    ret_watch->count = 1;
    watch_run(ret_watch, noticed_ms + WATCH_MS);
    return ret_watch->last_us > 0 ? (ret_watch->last_us - ret_watch->start_us) / 1000 : 0;
}

/* ---- the workers ---- */

static void host_begin(void)
{
    static unsigned runs;
    memset(&workers, 0, sizeof(workers));
    workers.hosts = test_cluster_hosts(cluster);
    workers.shm_key = (int)(0x7a000000u | (((unsigned)getpid() + runs++ * 65536) & 0xffffff));
    workers.in_flight = 4;
    workers.retries = 1000;
    workers.tender_interval_ms = TEND_INTERVAL_MS;
    workers.count = WORKERS;
    host_start(&workers);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
    host_wait_results(&workers, 2000, DEADLINE_MS);
}

static int teardown(void** state)
{
    (void)state;
    host_kill_all(&workers);
    test_cluster_stop(cluster);
    return 0;
}

static int by_value(const void* a, const void* b)
{
    uint64_t x = *(const uint64_t*)a;
    uint64_t y = *(const uint64_t*)b;
    return (x > y) - (x < y);
}

static void measure(const char* what, const char* kill_line, uint64_t noticed_ms, uint64_t bound_ms)
{
    enum {
        ROUNDS = 3
    };
    uint64_t ms[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        cluster = test_cluster_start("--nodes", "4", "--migrate-ms", "200", NULL);
        assert_non_null(cluster);
        host_begin();
        watch w;
        ms[i] = last_command_ms(kill_line, noticed_ms, &w);
        print_message("%s: last command after %llu ms, %u commands and %u looks of the tender went "
                      "there; the cluster noticed after %llu ms, the tend interval is %d ms\n",
                      what, (unsigned long long)ms[i], w.commands, w.looks,
                      (unsigned long long)noticed_ms, TEND_INTERVAL_MS);
        host_wait_results(&workers, 500, DEADLINE_MS);
        host_check_results(&workers);
        host_detach();
        assert_true(host_stop(&workers, DEADLINE_MS));
        test_cluster_stop(cluster);
        cluster = NULL;
    }
    qsort(ms, ROUNDS, sizeof(ms[0]), by_value);
    print_message("%s: median %llu ms\n", what, (unsigned long long)ms[ROUNDS / 2]);
    assert_true(ms[ROUNDS / 2] <= bound_ms);
}

/* The cluster knows at once: all that is left is the client's. Without a look at once it would be
   up to an interval. */
static void test_noticed_at_once(void** state)
{
    (void)state;
    measure("noticed at once", "kill 1 noticed", 0, TEND_INTERVAL_MS / 2);
}

static void test_noticed_by_heartbeat(void** state)
{
    (void)state;
    measure("noticed by heartbeat", "kill 1", 1800, 1800 + TEND_INTERVAL_MS / 2);
}

int main(void)
{
    if (getenv("AEROSPIKE_HOSTS")) {
        puts("needs the mini cluster's ports");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_noticed_at_once, teardown),
        cmocka_unit_test_teardown(test_noticed_by_heartbeat, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
