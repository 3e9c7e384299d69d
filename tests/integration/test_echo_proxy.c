/*
 * The echo proxy as its users see it: lines in order, bounds, errors in place of closed
 * connections; and as its operators do: reload, graceful end, killed workers and master, a database
 * that goes away.
 */
#include "echo_rig.h"
#include "tests/lib/cluster.h"
#include "tests/lib/sanitize.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LINE_BYTES_MAX 4096
#define GROWTH_MAX_KIB (TEST_MEMORY_IS_TRUE ? 4096 : 65536)

static test_cluster* cluster;
static echo_rig rig;

static int start_cluster(void** state)
{
    (void)state;
    cluster = test_cluster_start("--nodes", "3", NULL);
    return cluster ? 0 : -1;
}

static int stop_cluster(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

static void control_nodes(const char* command)
{
    for (int node = 0; node < 3; node++) {
        char line[64];
        snprintf(line, sizeof(line), command, node);
        assert_true(test_cluster_control(cluster, line));
    }
}

static int start_proxy(void** state)
{
    (void)state;
    rig_start(&rig, test_cluster_hosts(cluster), rig_new_key());
    rig_wait_serving(&rig);
    return 0;
}

static int stop_proxy(void** state)
{
    (void)state;
    rig_stop(&rig);
    if (!test_cluster_is_real(cluster)) { /* a test that failed leaves nothing to the next */
        control_nodes("clear %d");
        control_nodes("cont %d");
    }
    return 0;
}

static void need_faults(void)
{
    if (test_cluster_is_real(cluster)) {
        print_message("needs faults that only the mini cluster has\n");
        skip();
    }
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void test_lines_come_back_in_order(void** state)
{
    (void)state;
    int fd = rig_connect(&rig);
    rig_say(fd, "one\n.who\n\nwith\r\n \xff\x01 \n");
    rig_expect(fd, "one");
    rig_expect_prefix(fd, ".who pid=");
    rig_expect(fd, "");
    rig_expect(fd, "with");
    rig_expect(fd, " \xff\x01 ");
    close(fd);
}

static void test_pipelined_lines_come_back_in_order(void** state)
{
    (void)state;
    enum {
        COUNT = 2000
    };
    static char sent[COUNT * 16];
    size_t length = 0;
    for (int i = 0; i < COUNT; i++) {
        length += (size_t)snprintf(sent + length, sizeof(sent) - length, "line %d\n", i);
    }
    int fd = rig_connect(&rig);
    rig_send(fd, sent, length);
    for (int i = 0; i < COUNT; i++) {
        char expected[16];
        snprintf(expected, sizeof(expected), "line %d", i);
        rig_expect(fd, expected);
    }
    close(fd);
}

/* Byte by byte, and cut in the middle of a line by the end of file. */
static void test_lines_may_come_in_pieces(void** state)
{
    (void)state;
    static const char text[] = "first\nsecond\r\nthird\nnever ended";
    int fd = rig_connect(&rig);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        rig_send(fd, text + i, 1);
    }
    shutdown(fd, SHUT_WR);
    rig_expect(fd, "first");
    rig_expect(fd, "second");
    rig_expect(fd, "third");
    rig_expect_end(fd);
    close(fd);
}

static void send_long(int fd, size_t bytes)
{
    char* text = malloc(bytes + 1);
    assert_non_null(text);
    memset(text, 'x', bytes);
    text[bytes] = '\n';
    rig_send(fd, text, bytes + 1);
    free(text);
}

static void expect_long(int fd, size_t bytes)
{
    char text[LINE_BYTES_MAX + 2];
    assert_int_equal(rig_read_line(fd, text, sizeof(text)), bytes);
    assert_int_equal(strspn(text, "x"), bytes);
}

static void test_overlong_lines_are_answered(void** state)
{
    (void)state;
    int fd = rig_connect(&rig);
    rig_say(fd, "before\n");
    for (size_t bytes = LINE_BYTES_MAX - 1; bytes <= LINE_BYTES_MAX + 4; bytes++) {
        send_long(fd, bytes);
        rig_say(fd, "between\n");
    }
    send_long(fd, 3000000);
    rig_say(fd, "after\n");
    rig_expect(fd, "before");
    for (size_t bytes = LINE_BYTES_MAX - 1; bytes <= LINE_BYTES_MAX + 4; bytes++) {
        if (bytes <= LINE_BYTES_MAX) {
            expect_long(fd, bytes);
        } else {
            rig_expect(fd, "ERR line too long");
        }
        rig_expect(fd, "between");
    }
    rig_expect(fd, "ERR line too long");
    rig_expect(fd, "after");
    close(fd);
}

static void test_one_thread_per_worker(void** state)
{
    (void)state;
    pid_t pids[RIG_WORKERS];
    assert_int_equal(rig_workers(&rig, pids, RIG_WORKERS), RIG_WORKERS);
    rig_driver_start(&rig);
    for (int i = 0; i < RIG_WORKERS; i++) {
        char name[64], line[256];
        int threads = 0;
        snprintf(name, sizeof(name), "/proc/%d/status", (int)pids[i]);
        FILE* file = fopen(name, "r");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
            sscanf(line, "Threads: %d", &threads);
        }
        fclose(file);
        assert_int_equal(threads, 1 + TEST_RUNTIME_THREADS);
    }
    assert_int_equal(rig_driver_end(&rig), 0);
}

/* ---- clients that behave badly -------------------------------------------------------------- */

static long resident_kib(pid_t pid)
{
    char name[64];
    long size, resident = -1;
    snprintf(name, sizeof(name), "/proc/%d/statm", (int)pid);
    FILE* file = fopen(name, "r");
    assert_non_null(file);
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) {
        resident = -1;
    }
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static pid_t worker_of(int fd)
{
    char text[128];
    int pid;
    rig_say(fd, ".who\n");
    rig_read_line(fd, text, sizeof(text));
    assert_int_equal(sscanf(text, ".who pid=%d", &pid), 1);
    return pid;
}

/* Sends lines and reads nothing, until nothing goes out for a second. Returns how many went. */
static unsigned flood(int fd, unsigned max)
{
    char line[LINE_BYTES_MAX + 1];
    for (unsigned count = 0; count < max; count++) {
        int length = snprintf(line, sizeof(line), "%08u%0*d\n", count, 3000, 0);
        for (int sent = 0; sent < length;) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            if (poll(&ready, 1, 1000) == 0) {
                shutdown(fd, SHUT_WR); /* the rest of this line never comes */
                return count;
            }
            ssize_t now = send(fd, line + sent, (size_t)(length - sent), MSG_NOSIGNAL);
            sent += now > 0 ? (int)now : 0;
        }
    }
    fail_msg("%u lines were taken from a client that reads none", max);
    return 0;
}

static void test_slow_reader_is_held_back(void** state)
{
    (void)state;
    int fd = rig_connect(&rig), other = rig_connect(&rig);
    pid_t worker = worker_of(fd);
    long before = resident_kib(worker);
    unsigned count = flood(fd, 100000);
    assert_in_range(resident_kib(worker) - before, 0, GROWTH_MAX_KIB);
    rig_say(other, "meanwhile\n");
    rig_expect(other, "meanwhile");
    for (unsigned i = 0; i < count; i++) {
        char text[LINE_BYTES_MAX], expected[16];
        snprintf(expected, sizeof(expected), "%08u", i);
        assert_int_equal(rig_read_line(fd, text, sizeof(text)), 3008);
        assert_memory_equal(text, expected, 8);
    }
    rig_expect_end(fd);
    close(fd);
    close(other);
}

static void test_clients_that_vanish_leave_nothing(void** state)
{
    (void)state;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 50; i++) {
        int fd = rig_connect(&rig);
        for (int line = 0; line < 40; line++) {
            rig_say(fd, "nobody waits for this\n");
        }
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
    }
    pid_t pids[RIG_WORKERS];
    rig_driver_start(&rig);
    assert_int_equal(rig_driver_end(&rig), 0);
    assert_int_equal(rig_workers(&rig, pids, RIG_WORKERS), RIG_WORKERS);
    kill(rig.master, SIGTERM); /* workers end when they have no client left: none is forgotten */
    assert_int_equal(rig_wait_end(&rig), 0);
    assert_null(strstr(rig.log.text, "connections: closed"));
}

/* ---- operation ------------------------------------------------------------------------------ */

static void expect_all_right(void)
{
    assert_int_equal(rig_driver_end(&rig), 0);
    assert_int_equal(rig_driver_number(&rig, "wrong"), 0);
    assert_int_equal(rig_driver_number(&rig, "errors"), 0);
    assert_int_equal(rig_driver_number(&rig, "lost"), 0);
}

/* Load in which this worker has its part. Who accepts is the kernel's choice, so it takes luck. */
static void start_driver_on(pid_t worker)
{
    char serving[512], pid[32];
    snprintf(pid, sizeof(pid), "\"%d\":", (int)worker);
    for (int tries = 0; tries < 20; tries++) {
        rig_driver_start(&rig);
        rig_driver_wait(&rig, 500);
        rig_driver_object(&rig, "workers", serving, sizeof(serving));
        if (strstr(serving, pid)) {
            return;
        }
        expect_all_right();
    }
    fail_msg("worker %d gets no connection", (int)worker);
}

static void test_killed_workers_are_replaced(void** state)
{
    (void)state;
    char losses[256], expected[64];
    pid_t tender = rig_tender(&rig);
    start_driver_on(tender);
    size_t mark = rig_mark(&rig);
    kill(tender, SIGKILL);
    rig_wait_log(&rig, mark, 1, "was killed by signal 9");
    rig_wait_log(&rig, mark, 1, " tends from now on");
    rig_wait_log(&rig, mark, 1, " serves\n");
    rig_driver_wait(&rig, 2000);
    expect_all_right();
    assert_true(rig_driver_number(&rig, "resent") > 0);
    /* Nobody but the killed one has lost connections. */
    rig_driver_object(&rig, "losses", losses, sizeof(losses));
    snprintf(expected, sizeof(expected), "\"%d\":", (int)tender);
    assert_ptr_equal(strstr(losses, expected), losses);
    assert_null(strchr(losses, ','));
}

/* New workers serve before an old one is told to end; the old ones answer what they have taken. */
static void test_reload_under_load(void** state)
{
    (void)state;
    pid_t old[RIG_WORKERS], fresh[RIG_WORKERS * 2];
    rig_driver_start(&rig);
    for (int reload = 0; reload < 2; reload++) {
        assert_int_equal(rig_workers(&rig, old, RIG_WORKERS), RIG_WORKERS);
        size_t mark = rig_mark(&rig);
        kill(rig.master, SIGHUP);
        rig_wait_log(&rig, mark, 1, "] draining: told to end");
        const char* serves = rig_wait_log(&rig, mark, RIG_WORKERS, " serves\n");
        const char* drains = rig_wait_log(&rig, mark, 1, "] draining: told to end");
        assert_true(serves < drains);
        rig_wait_log(&rig, mark, RIG_WORKERS, " ended with status 0\n");
        rig_wait_log(&rig, mark, 1, " tends from now on");
        assert_int_equal(rig_workers(&rig, fresh, RIG_WORKERS * 2), RIG_WORKERS);
        for (int i = 0; i < RIG_WORKERS; i++) {
            assert_true(fresh[i] != old[0] && fresh[i] != old[1] && fresh[i] != old[2]);
        }
        rig_driver_wait(&rig, 1000);
    }
    expect_all_right();
}

/* The role goes to a new worker while the old one that had it still has lines to answer. */
static void test_draining_tender_gives_its_role_up_at_once(void** state)
{
    (void)state;
    need_faults();
    char given_up[96];
    pid_t tender = rig_tender(&rig);
    int fd = rig_connect(&rig);
    while (worker_of(fd) != tender) {
        close(fd);
        fd = rig_connect(&rig);
    }
    control_nodes("slow %d 800 on=record");
    rig_say(fd, "takes some time\n");
    size_t mark = rig_mark(&rig);
    kill(rig.master, SIGHUP);
    snprintf(given_up, sizeof(given_up), "[%d] INFO Worker %d (slot", (int)tender, (int)tender);
    const char* line = rig_wait_log(&rig, mark, 1, given_up);
    assert_non_null(strstr(line, "stopped tending: it is draining"));
    rig_wait_log(&rig, mark, 1, " tends from now on");
    assert_true(rig_tender(&rig) != tender);
    rig_expect(fd, "takes some time");
    rig_expect_end(fd);
    close(fd);
}

static void test_graceful_end(void** state)
{
    (void)state;
    bool is_slow = !test_cluster_is_real(cluster);
    int fd = rig_connect(&rig), idle = rig_connect(&rig);
    worker_of(fd);
    worker_of(idle);
    if (is_slow) {
        control_nodes("slow %d 300 on=record");
    }
    for (int i = 0; i < 20; i++) {
        rig_say(fd, "open at the end\n");
    }
    kill(rig.master, SIGTERM);
    rig_expect_end(idle);
    unsigned answers = 0;
    char text[64];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (poll(&ready, 1, RIG_DEADLINE_MS) == 1 && recv(fd, text, 1, MSG_PEEK) == 1) {
        rig_expect(fd, "open at the end");
        answers++;
    }
    /* Those that were read before the signal came are answered; no line in half. */
    assert_true(answers <= 20);
    close(idle);
    close(fd);
    assert_int_equal(rig_wait_end(&rig), 0);
    assert_false(rig_has_segment(&rig));
    if (is_slow) {
        control_nodes("slow %d 0");
    }
}

static void test_workers_end_without_their_master(void** state)
{
    (void)state;
    int fd = rig_connect(&rig);
    worker_of(fd);
    kill(rig.master, SIGKILL);
    rig_expect_end(fd);
    close(fd);
    assert_int_equal(rig_wait_end(&rig), 128 + SIGKILL);
    assert_false(rig_has_segment(&rig));
}

/* ---- the database --------------------------------------------------------------------------- */

static void test_an_error_is_an_answer(void** state)
{
    (void)state;
    need_faults();
    int fd = rig_connect(&rig);
    control_nodes("answer %d 22"); /* AEROSPIKE_ERR_FAIL_FORBIDDEN: no attempt helps */
    rig_say(fd, "refused\n.who\n");
    rig_expect_prefix(fd, "ERR 22 ");
    rig_expect_prefix(fd, ".who ");
    control_nodes("clear %d");
    rig_say(fd, "taken\n");
    rig_expect(fd, "taken");
    close(fd);
}

/* A server that doesn't know whether it has written answers 9: the line is stored again. */
static void test_a_write_in_doubt_is_repeated(void** state)
{
    (void)state;
    need_faults();
    int fd = rig_connect(&rig);
    control_nodes("answer %d 9 3");
    rig_say(fd, "in doubt\n");
    rig_expect(fd, "in doubt");
    control_nodes("clear %d");
    close(fd);
}

static void test_dead_node_holds_lines_up_only(void** state)
{
    (void)state;
    need_faults();
    rig_driver_start(&rig);
    size_t mark = rig_mark(&rig);
    assert_true(test_cluster_control(cluster, "kill 1"));
    rig_wait_log(&rig, mark, 1, " removed: ");
    rig_driver_wait(&rig, 2000);
    assert_true(test_cluster_control(cluster, "restart 1"));
    rig_wait_log(&rig, mark, 1, " added: ");
    rig_driver_wait(&rig, 2000);
    expect_all_right();
    assert_int_equal(rig_driver_number(&rig, "reconnects"), 0);
}

static void test_database_down_and_up(void** state)
{
    (void)state;
    need_faults();
    int fd = rig_connect(&rig);
    rig_say(fd, "up\n");
    rig_expect(fd, "up");
    control_nodes("kill %d");
    rig_say(fd, "down\n.who\n");
    rig_expect_prefix(fd, "ERR ");
    rig_expect_prefix(fd, ".who ");
    size_t mark = rig_mark(&rig);
    control_nodes("restart %d");
    rig_wait_log(&rig, mark, 3, " added: ");
    rig_say(fd, "up again\n");
    rig_expect(fd, "up again");
    close(fd);
}

/* It serves before its database does, with errors, and recovers. */
static void test_start_before_the_database(void** state)
{
    (void)state;
    need_faults();
    control_nodes("kill %d");
    rig_start(&rig, test_cluster_hosts(cluster), rig_new_key());
    rig_wait_serving(&rig);
    int fd = rig_connect(&rig);
    rig_say(fd, "too early\n");
    rig_expect_prefix(fd, "ERR ");
    control_nodes("restart %d");
    rig_wait_log(&rig, 0, 3, " added: ");
    rig_say(fd, "in time\n");
    rig_expect(fd, "in time");
    close(fd);
}

/* A segment of another program has the key: workers fail, the master tries again, ever slower. */
static void test_failing_workers_are_retried(void** state)
{
    (void)state;
    int key = rig_new_key();
    int shmid = shmget((key_t)key, 4096, IPC_CREAT | IPC_EXCL | 0600);
    assert_true(shmid >= 0);
    char* bytes = shmat(shmid, NULL, 0);
    assert_ptr_not_equal(bytes, (void*)-1);
    memset(bytes, 'x', 4096);
    shmdt(bytes);
    uint64_t start_ms = rig_now_ms();
    rig_start(&rig, test_cluster_hosts(cluster), key);
    rig_wait_log(&rig, 0, RIG_WORKERS * 3, " ended with status 1\n");
    assert_true(rig_now_ms() - start_ms >= 300);
    assert_null(strstr(rig.log.text, " serves"));
    assert_int_equal(shmctl(shmid, IPC_RMID, NULL), 0);
    rig_wait_serving(&rig);
    int fd = rig_connect(&rig);
    rig_say(fd, "at last\n");
    rig_expect(fd, "at last");
    close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_lines_come_back_in_order, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_pipelined_lines_come_back_in_order, start_proxy,
                                    stop_proxy),
    cmocka_unit_test_setup_teardown(test_lines_may_come_in_pieces, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_overlong_lines_are_answered, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_one_thread_per_worker, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_slow_reader_is_held_back, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_clients_that_vanish_leave_nothing, start_proxy,
                                    stop_proxy),
    cmocka_unit_test_setup_teardown(test_killed_workers_are_replaced, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_reload_under_load, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_draining_tender_gives_its_role_up_at_once, start_proxy,
                                    stop_proxy),
    cmocka_unit_test_setup_teardown(test_graceful_end, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_workers_end_without_their_master, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_an_error_is_an_answer, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_a_write_in_doubt_is_repeated, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_dead_node_holds_lines_up_only, start_proxy, stop_proxy),
    cmocka_unit_test_setup_teardown(test_database_down_and_up, start_proxy, stop_proxy),
    cmocka_unit_test_teardown(test_start_before_the_database, stop_proxy),
    cmocka_unit_test_teardown(test_failing_workers_are_retried, stop_proxy),
};

int main(int argc, char* argv[])
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
