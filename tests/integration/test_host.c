/*
 * What a host of workers promises as a whole: no thread and no blocking call, the polling of one
 * tender however many workers there are, little memory, and a segment that may be removed, filled
 * with garbage or visited by short-lived programs without harm.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/host.h"
#include "tests/lib/sanitize.h"

#include <aerospike/as_status.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 20000

static test_cluster* cluster;
static test_host workers;

static void host_begin(uint32_t count, uint32_t in_flight)
{
    static int runs;
    memset(&workers, 0, sizeof(workers));
    workers.hosts = test_cluster_hosts(cluster);
    workers.shm_key =
        (int)(0x7b000000u | (((unsigned)getpid() + (unsigned)runs++ * 65536) & 0xffffff));
    workers.in_flight = in_flight;
    workers.count = count;
    host_start(&workers);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
}

static void host_end(void)
{
    host_detach();
    assert_true(host_stop(&workers, DEADLINE_MS));
    assert_int_equal(shmget(workers.shm_key, 0, 0), -1);
}

static bool time_is_over(void* udata)
{
    return host_now_us() > *(uint64_t*)udata;
}

/* A window of time in which something is counted; not a wait for anything. */
static void let_pass(uint64_t ms)
{
    uint64_t until_us = host_now_us() + ms * 1000;
    host_until(time_is_over, &until_us, ms + 1000);
}

static bool is_owned(void* udata)
{
    return host_owner_look(&workers, udata) && ((host_owner*)udata)->slot >= 0;
}

/* ---- threads and system calls ---- */

static int threads_of(pid_t pid)
{
    char path[64];
    char line[256];
    int threads = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE* file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        sscanf(line, "Threads: %d", &threads);
    }
    if (file) {
        fclose(file);
    }
    return threads;
}

static void test_one_thread(void** state)
{
    (void)state;
    host_begin(2, 8);
    host_wait_results(&workers, 500, DEADLINE_MS);
    for (uint32_t i = 0; i < workers.count; i++) {
        assert_int_equal(threads_of(workers.pids[i]), 1 + TEST_RUNTIME_THREADS);
    }
    host_check_results(&workers);
    host_end();
}

/* Calls that return at once, or wait for nothing but the loop's events. */
static bool is_allowed(const char* name)
{
    static const char* const allowed[] = {
        "epoll_wait",
        "epoll_pwait",
        "epoll_ctl",
        "read",
        "readv",
        "recvfrom",
        "recvmsg",
        "write",
        "writev",
        "sendto",
        "sendmsg",
        "close",
        "socket",
        "connect",
        "accept4",
        "bind",
        "listen",
        "getsockopt",
        "setsockopt",
        "getsockname",
        "getpeername",
        "shmctl",
        "mprotect",
        "brk",
        "mmap",
        "munmap",
        "mremap",
        "madvise",
        "fcntl",
        "getrandom",
        "gettid",
        "getpid",
        "get_robust_list",
        "timerfd_settime",
        "timerfd_create",
        "eventfd2",
        "clock_gettime",
        "restart_syscall",
        "rt_sigprocmask",
        "rt_sigreturn",
        "shmget",
        "shmat",
        "shmdt",
        "times",
    };
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (strcmp(name, allowed[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void check_trace(const char* path)
{
    FILE* file = fopen(path, "r");
    assert_non_null(file);
    char line[4096];
    unsigned calls = 0;
    while (fgets(line, sizeof(line), file)) {
        char name[64];
        if (sscanf(line, "%*d %63[a-z0-9_](", name) != 1 &&
            sscanf(line, "%63[a-z0-9_](", name) != 1) {
            continue; /* a signal, an exit, the rest of an interrupted line */
        }
        calls++;
        if (!is_allowed(name)) {
            fail_msg("a call that may block: %s", line);
        }
        if (strcmp(name, "socket") == 0 && !strstr(line, "SOCK_NONBLOCK")) {
            fail_msg("a blocking socket: %s", line);
        }
        if (strcmp(name, "futex") == 0 && strstr(line, "FUTEX_WAIT")) {
            fail_msg("a wait: %s", line);
        }
    }
    fclose(file);
    print_message("%u system calls looked at\n", calls);
    assert_true(calls > 500);
}

static bool trace_has_begun(void* udata)
{
    FILE* file = fopen(udata, "r");
    if (!file) {
        return false;
    }
    int c = fgetc(file);
    fclose(file);
    return c != EOF;
}

static void test_no_blocking_call(void** state)
{
    (void)state;
    if (TEST_HAS_TSAN) {
        skip(); /* its own thread sleeps */
    }
    if (system("strace -V > /dev/null 2>&1") != 0) {
        print_message("strace isn't installed: not tried\n");
        skip();
    }
    host_begin(2, 8);
    char path[64];
    snprintf(path, sizeof(path), "/tmp/tendril-trace-%d", (int)getpid());
    unlink(path);
    pid_t tracer = fork();
    if (tracer == 0) {
        char pid[16];
        snprintf(pid, sizeof(pid), "%d", (int)workers.pids[0]);
        execlp("strace", "strace", "-f", "-qq", "-o", path, "-p", pid, (char*)NULL);
        _exit(127);
    }
    if (!host_until(trace_has_begun, path, 5000)) {
        kill(tracer, SIGTERM);
        waitpid(tracer, NULL, 0);
        host_end();
        print_message("strace may not attach here: not tried\n");
        skip();
    }
    host_wait_results(&workers, 300, DEADLINE_MS);
    if (!test_cluster_is_real(cluster)) {
        test_cluster_control(cluster, "reset 2");
        host_wait_results(&workers, 200, DEADLINE_MS);
        test_cluster_control(cluster, "slow 1 20");
        host_wait_results(&workers, 200, DEADLINE_MS);
        test_cluster_control(cluster, "slow 1 0");
    }
    host_signal(&workers, 1, SIGKILL); /* owner or not: something to take over, or a peer to lose */
    host_wait_results(&workers, 300, DEADLINE_MS);
    kill(tracer, SIGINT);
    waitpid(tracer, NULL, 0);
    check_trace(path);
    unlink(path);
    host_end();
}

/* ---- cost ---- */

static unsigned long info_requests_in(uint64_t ms)
{
    test_cluster_control(cluster, "reset-stats");
    let_pass(ms);
    return test_cluster_stat(cluster, "info");
}

static void test_polling_of_one(void** state)
{
    (void)state;
    if (test_cluster_is_real(cluster)) {
        skip();
    }
    host_begin(1, 1);
    let_pass(1500);
    unsigned long one = info_requests_in(4000);
    host_end();
    host_begin(16, 1);
    let_pass(1500);
    unsigned long many = info_requests_in(4000);
    host_end();
    print_message("info requests in 4 s: %lu with one worker, %lu with 16\n", one, many);
    assert_true(one > 0);
    assert_true(many <= one + one / 2 + 3);
}

static void test_private_memory(void** state)
{
    (void)state;
    if (TEST_HAS_TSAN) {
        skip(); /* it shadows all memory */
    }
    host_begin(4, 1);
    host_wait_results(&workers, 50, DEADLINE_MS);
    for (uint32_t i = 0; i < workers.count; i++) {
        atomic_store(&workers.counters[i].is_idle, true);
    }
    let_pass(500);
    for (uint32_t i = 0; i < workers.count; i++) {
        uint64_t before = atomic_load(&workers.counters[i].private_before_kib);
        uint64_t after = atomic_load(&workers.counters[i].private_after_kib);
        print_message(
            "worker %u: %llu KiB private before connecting, %llu after; attached in %llu us, "
            "first answer after %llu us\n",
            i, (unsigned long long)before, (unsigned long long)after,
            (unsigned long long)atomic_load(&workers.counters[i].attach_us),
            (unsigned long long)atomic_load(&workers.counters[i].first_us));
        assert_true(after > 0 && after < before + 1024);
    }
    host_end();
}

/* ---- the segment in other hands ---- */

static bool has_new_segment(void* udata)
{
    int id = shmget(workers.shm_key, 0, 0);
    host_detach();
    host_owner owner;
    return id >= 0 && id != *(int*)udata && is_owned(&owner);
}

static bool segment_is_gone(void* udata)
{
    struct shmid_ds ds;
    return shmctl(*(int*)udata, IPC_STAT, &ds) != 0;
}

static void test_removed_under_workers(void** state)
{
    (void)state;
    host_begin(4, 4);
    host_wait_results(&workers, 500, DEADLINE_MS);
    for (int i = 0; i < 3; i++) {
        int id = shmget(workers.shm_key, 0, 0);
        assert_true(id >= 0);
        host_detach();
        assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
        assert_true(host_until(has_new_segment, &id, DEADLINE_MS));
        host_wait_results(&workers, 500, DEADLINE_MS);
        host_detach();
        assert_true(host_until(segment_is_gone, &id, DEADLINE_MS)); /* all have moved */
        host_check_results(&workers);
    }
    host_end();
}

static void test_random_bytes_then_removed(void** state)
{
    (void)state;
    host_begin(3, 4);
    host_wait_results(&workers, 200, DEADLINE_MS);
    int id = shmget(workers.shm_key, 0, 0);
    uint64_t* words = shmat(id, NULL, 0);
    assert_true(words != (void*)-1);
    struct shmid_ds ds;
    assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
    uint64_t seed = 42;
    for (size_t i = 0; i < ds.shm_segsz / 8; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        words[i] = seed;
    }
    shmdt(words);
    let_pass(2500); /* ticks, commands and tends over garbage */
    for (uint32_t i = 0; i < workers.count; i++) {
        assert_int_equal(waitpid(workers.pids[i], NULL, WNOHANG), 0); /* nobody has crashed */
    }
    host_detach();
    id = shmget(workers.shm_key, 0, 0);
    if (id >= 0) {
        shmctl(id, IPC_RMID, NULL); /* what the error in the log tells the operator to do */
    }
    assert_true(host_until(has_new_segment, &id, DEADLINE_MS));
    for (uint32_t i = 0; i < workers.count; i++) {
        atomic_store(&workers.counters[i].other, 0);
    }
    host_wait_results(&workers, 1000, DEADLINE_MS);
    host_end();
}

static int run_page_program(void)
{
    char key[16];
    char port[16];
    char name[128];
    snprintf(key, sizeof(key), "0x%08x", (unsigned)workers.shm_key);
    test_cluster_first(cluster, name, sizeof(name), port, sizeof(port));
    pid_t pid = fork();
    if (pid == 0) {
        execl(SHARED_MEMORY_PROGRAM, SHARED_MEMORY_PROGRAM, name, port, key, (char*)NULL);
        _exit(127);
    }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

static void test_page_program_beside_workers(void** state)
{
    (void)state;
    host_begin(2, 2);
    host_wait_results(&workers, 100, DEADLINE_MS);
    for (int i = 0; i < 10; i++) {
        host_owner before, after;
        assert_true(host_until(is_owned, &before, DEADLINE_MS));
        assert_int_equal(run_page_program(), 0);
        assert_true(host_owner_look(&workers, &after));
        assert_int_equal(after.term, before.term); /* it never took part */
        assert_int_equal(after.slot, before.slot);
        host_wait_results(&workers, 50, DEADLINE_MS);
    }
    host_check_results(&workers);
    host_end();
}

static void test_page_program_comes_first(void** state)
{
    (void)state;
    memset(&workers, 0, sizeof(workers));
    workers.shm_key = (int)(0x7a000000u | ((unsigned)getpid() & 0xffffff));
    assert_int_equal(run_page_program(), 0);
    assert_int_equal(shmget(workers.shm_key, 0, 0), -1); /* alone, it leaves nothing behind */
}

/* ---- other sizes, other keys ---- */

/* Old workers on one key, new ones on another: neither notices the other. */
static void test_rolling_upgrade_by_key(void** state)
{
    (void)state;
    host_begin(2, 4);
    test_host new_workers = workers;
    new_workers.shm_key = workers.shm_key ^ 0x800000;
    new_workers.max_nodes = 32; /* as a new version with another layout would */
    host_start(&new_workers);
    assert_true(host_wait_connected(&new_workers, DEADLINE_MS));
    host_wait_results(&workers, 200, DEADLINE_MS);
    host_wait_results(&new_workers, 200, DEADLINE_MS);
    host_check_results(&workers);
    host_end();
    host_wait_results(&new_workers, 500, DEADLINE_MS);
    host_check_results(&new_workers);
    assert_true(host_stop(&new_workers, DEADLINE_MS));
    assert_int_equal(shmget(new_workers.shm_key, 0, 0), -1);
}

static bool saw_other(void* udata)
{
    (void)udata;
    return atomic_load(&workers.counters[0].other) > 0;
}

/* What doesn't fit into the segment gets an error that says so; the rest works. */
static void test_more_nodes_than_fit(void** state)
{
    (void)state;
    memset(&workers, 0, sizeof(workers));
    workers.hosts = test_cluster_hosts(cluster);
    workers.shm_key = (int)(0x78000000u | ((unsigned)getpid() & 0xffffff));
    workers.max_nodes = 1;
    workers.in_flight = 1;
    workers.count = 1;
    host_start(&workers);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
    assert_true(host_until(saw_other, NULL, DEADLINE_MS));
    assert_non_null(strstr(workers.counters[0].other_text, "shm_max_nodes"));
    assert_non_null(strstr(workers.counters[0].other_text, "3"));
    host_kill_all(&workers);
}

static int teardown(void** state)
{
    (void)state;
    host_kill_all(&workers);
    return 0;
}

static int group_setup(void** state)
{
    (void)state;
    cluster = test_cluster_start("--nodes", "3", NULL);
    return cluster ? 0 : -1;
}

static int group_teardown(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_one_thread, teardown),
        cmocka_unit_test_teardown(test_no_blocking_call, teardown),
        cmocka_unit_test_teardown(test_polling_of_one, teardown),
        cmocka_unit_test_teardown(test_private_memory, teardown),
        cmocka_unit_test_teardown(test_removed_under_workers, teardown),
        cmocka_unit_test_teardown(test_random_bytes_then_removed, teardown),
        cmocka_unit_test_teardown(test_page_program_beside_workers, teardown),
        cmocka_unit_test_teardown(test_page_program_comes_first, teardown),
        cmocka_unit_test_teardown(test_rolling_upgrade_by_key, teardown),
        cmocka_unit_test_teardown(test_more_nodes_than_fit, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
