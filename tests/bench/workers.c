/*
 * bench_workers HOSTS CONTROL SECONDS COUNT...: for each COUNT that many worker processes on one
 * segment, at rest: info requests a second at the servers (mini cluster, by its control port),
 * private memory that the client adds to a worker, and one more worker's time from connect to its
 * first answer. One JSON object per COUNT.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <aerospike/as_event.h>

enum {
    WORKERS_MAX = 64,
    JOINERS = 9
};

/* What a worker tells, in memory shared with the parent. */
typedef struct report {
    uint64_t start_ns;
    _Atomic uint64_t first_ns; /* after start; 0: not yet */
    uint64_t before_kib, after_kib;
} report;

static const char* hosts;
static int shm_key;

static void die(const char* what)
{
    fprintf(stderr, "bench_workers: %s\n", what);
    exit(1);
}

/* ---- a worker ---- */

static aerospike as;
static report* mine;

static uint64_t private_kib(void)
{
    FILE* file = fopen("/proc/self/smaps_rollup", "r");
    char text[256];
    uint64_t sum = 0;
    while (file && fgets(text, sizeof(text), file)) {
        unsigned long long kib;
        if (sscanf(text, "Private_Clean: %llu", &kib) == 1 ||
            sscanf(text, "Private_Dirty: %llu", &kib) == 1) {
            sum += kib;
        }
    }
    if (file) {
        fclose(file);
    }
    return sum;
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)record;
    (void)udata;
    (void)loop;
    if (err && err->code != AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        die(err->message);
    }
    uint64_t first_ns = bench_now_ns() - mine->start_ns;
    mine->after_kib = private_kib();
    mine->first_ns = first_ns;
}

static void on_connected(as_error* err, void* udata, as_event_loop* loop)
{
    (void)udata;
    as_key key;
    as_error refused;
    if (err) {
        die(err->message);
    }
    as_key_init_int64(&key, BENCH_NS, BENCH_SET, 1);
    if (aerospike_key_get_async(&as, &refused, NULL, &key, on_record, NULL, loop, NULL) !=
        AEROSPIKE_OK) {
        die(refused.message);
    }
}

static void worker_run(report* to)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    mine = to;
    struct ev_loop* loop = ev_loop_new(EVFLAG_NOENV);
    as_event_set_external_loop_capacity(1);
    as_event_loop* event_loop = as_event_set_external_loop(loop);
    as_config config;
    as_error err;
    as_config_init(&config);
    as_config_add_hosts(&config, hosts, 3000);
    config.use_shm = true;
    config.shm_key = shm_key;
    mine->before_kib = private_kib();
    mine->start_ns = bench_now_ns();
    aerospike_init(&as, &config);
    if (aerospike_connect_async(&as, &err, on_connected, NULL, event_loop) != AEROSPIKE_OK) {
        die(err.message);
    }
    ev_run(loop, 0);
    exit(0);
}

static pid_t worker_start(report* to)
{
    memset(to, 0, sizeof(*to));
    pid_t pid = fork();
    if (pid == 0) {
        worker_run(to);
    }
    return pid;
}

static void worker_wait(report* to)
{
    for (int i = 0; to->first_ns == 0; i++) {
        if (i > 20000) {
            die("a worker got no answer");
        }
        poll(NULL, 0, 1);
    }
}

static void worker_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- the servers' counters ---- */

/* The sum of "info=N" over the nodes' lines. */
static unsigned long servers_info(const char* control)
{
    char host[64], text[65536];
    unsigned port;
    if (sscanf(control, "%63[^:]:%u", host, &port) != 2) {
        die("the control port is HOST:PORT");
    }
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &name.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&name, sizeof(name)) != 0 || write(fd, "stats\n", 6) != 6) {
        die("no control port");
    }
    size_t size = 0;
    while (size < sizeof(text) - 1) {
        ssize_t count = read(fd, text + size, sizeof(text) - 1 - size);
        if (count <= 0) {
            die("the control port closed");
        }
        size += (size_t)count;
        text[size] = '\0';
        if (size >= 3 && strcmp(text + size - 3, "ok\n") == 0) {
            break;
        }
    }
    close(fd);
    unsigned long sum = 0;
    for (char* at = text; (at = strstr(at, " info=")); at += 6) {
        sum += strtoul(at + 6, NULL, 10);
    }
    return sum;
}

/* ---- a count of workers ---- */

static int compare(const void* a, const void* b)
{
    uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
    return (x > y) - (x < y);
}

static double joiners_ms(report* spare)
{
    uint64_t samples[JOINERS];
    for (int i = 0; i < JOINERS; i++) {
        pid_t pid = worker_start(spare);
        worker_wait(spare);
        samples[i] = spare->first_ns;
        worker_end(pid);
    }
    qsort(samples, JOINERS, sizeof(*samples), compare);
    return (double)samples[JOINERS / 2] / 1e6;
}

static void measure(const char* control, unsigned seconds, unsigned count, report* reports)
{
    pid_t pids[WORKERS_MAX];
    uint64_t kib[WORKERS_MAX];
    shm_key = (int)(0x7b000000u | ((unsigned)getpid() & 0xffff) | count << 16);
    for (unsigned i = 0; i < count; i++) {
        pids[i] = worker_start(&reports[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        worker_wait(&reports[i]);
        kib[i] = reports[i].after_kib - reports[i].before_kib;
    }
    poll(NULL, 0, 1500); /* at rest from here on */
    unsigned long before = servers_info(control);
    poll(NULL, 0, (int)seconds * 1000);
    double info = (double)(servers_info(control) - before) / seconds;
    double join_ms = joiners_ms(&reports[WORKERS_MAX]);
    qsort(kib, count, sizeof(*kib), compare);
    printf("{\"workers\":%u,\"info_per_sec\":%.1f,\"private_kib\":%llu,\"join_ms\":%.3f}\n", count,
           info, (unsigned long long)kib[count / 2], join_ms);
    fflush(stdout);
    for (unsigned i = 0; i < count; i++) {
        worker_end(pids[i]);
    }
    char remove[64];
    snprintf(remove, sizeof(remove), "ipcrm -M 0x%x", (unsigned)shm_key);
    if (system(remove) != 0) {
        die("the segment can't be removed");
    }
}

int main(int argc, char** argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bench_workers HOSTS CONTROL SECONDS COUNT...\n");
        return 2;
    }
    report* reports = mmap(NULL, (WORKERS_MAX + 1) * sizeof(report), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hosts = argv[1];
    for (int i = 4; i < argc; i++) {
        unsigned count = (unsigned)strtoul(argv[i], NULL, 10);
        if (count < 1 || count > WORKERS_MAX) {
            die("1 to 64 workers");
        }
        measure(argv[2], (unsigned)strtoul(argv[3], NULL, 10), count, reports);
    }
    return 0;
}
