#include "tests/lib/host.h"

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <aerospike/as_event.h>
#include <aerospike/as_log.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/layout.h"
#include "tests/lib/cluster.h"

#define KEYS 2000

uint64_t host_now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

bool host_until(bool (*condition)(void* udata), void* udata, uint64_t ms)
{
    uint64_t end_us = host_now_us() + ms * 1000;
    while (!condition(udata)) {
        if (host_now_us() > end_us) {
            return false;
        }
        sched_yield();
    }
    return true;
}

/* ---- a worker process ---- */

typedef struct worker {
    test_host* host;
    uint32_t index;
    host_counters* counters;
    struct ev_loop* loop;
    as_event_loop* event_loop;
    aerospike as;
    ev_timer control;
    uint64_t started_us;
    uint32_t running;
    uint64_t seed;
    bool is_closing;
} worker;

typedef struct load_chain {
    worker* worker;
    int64_t key;
    bool is_parked;
} load_chain;

static worker* self;

static bool log_line(as_log_level level, const char* func, const char* file, uint32_t line,
                     const char* fmt, ...) __attribute__((format(printf, 5, 6)));

static bool log_line(as_log_level level, const char* func, const char* file, uint32_t line,
                     const char* fmt, ...)
{
    (void)func;
    (void)file;
    (void)line;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (self) {
        uint32_t line_index = atomic_fetch_add(&self->counters->lines_count, 1) % HOST_LINES;
        snprintf(self->counters->lines[line_index], sizeof(self->counters->lines[0]),
                 "%llu %s: %.160s", (unsigned long long)host_now_us() / 1000,
                 as_log_level_tostring(level), text);
    }
    unsigned slot;
    const char* tends = strstr(text, "(slot ");
    if (self && strstr(text, "tends from now on") && sscanf(tends, "(slot %u)", &slot) == 1) {
        atomic_store(&self->counters->slot_plus_1, slot + 1);
        atomic_store(&self->counters->is_tending, true);
    } else if (self && strstr(text, "stopped tending")) {
        atomic_store(&self->counters->is_tending, false);
    }
    if (getenv("HOST_VERBOSE")) {
        fprintf(stderr, "%llu worker %u [%d] %s: %s\n", (unsigned long long)host_now_us() / 1000,
                self ? self->index : 0, getpid(), as_log_level_tostring(level), text);
    }
    return true;
}

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

static void chain_next(load_chain* chain);

static void count_result(load_chain* chain, as_error* err)
{
    host_counters* counters = chain->worker->counters;
    if (!err) {
        atomic_fetch_add(&counters->ok, 1);
    } else if (err->code == AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        atomic_fetch_add(&counters->not_found, 1);
    } else if (err->in_doubt && chain->worker->host->retries) {
        /* Writing the same again is harmless: what a program does whose put may be repeated. */
        atomic_fetch_add(&counters->in_doubt, 1);
    } else if (!chain->worker->is_closing) {
        atomic_store(&counters->other_status, err->code);
        snprintf(counters->other_text, sizeof(counters->other_text), "%.500s", err->message);
        atomic_fetch_add(&counters->other, 1);
    }
    if (atomic_load(&counters->first_us) == 0) {
        atomic_store(&counters->first_us, host_now_us() - chain->worker->started_us);
    }
}

static void on_put(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    count_result(udata, err);
    chain_next(udata);
}

static void on_get(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    load_chain* chain = udata;
    count_result(chain, err);
    if (!err && as_record_get_int64(record, "value", -1) != chain->key * 3) {
        atomic_fetch_add(&chain->worker->counters->wrong, 1);
    }
    chain_next(chain);
}

static void chain_next(load_chain* chain)
{
    worker* w = chain->worker;
    if (w->is_closing || atomic_load(&w->counters->is_idle)) {
        chain->is_parked = true;
        w->running--;
        return;
    }
    w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    chain->key = (int64_t)(w->seed >> 33) % KEYS;
    as_error err;
    as_key key;
    as_key_init_int64(&key, w->host->ns ? w->host->ns : "test", "host", chain->key);
    as_status status;
    if (w->seed >> 60 < 4) {
        as_record record;
        as_record_inita(&record, 1);
        as_record_set_int64(&record, "value", chain->key * 3);
        status = aerospike_key_put_async(&w->as, &err, NULL, &key, &record, on_put, chain,
                                         w->event_loop, NULL);
    } else {
        status =
            aerospike_key_get_async(&w->as, &err, NULL, &key, on_get, chain, w->event_loop, NULL);
    }
    if (status != AEROSPIKE_OK) {
        count_result(chain, &err);
        chain->is_parked = true;
        w->running--;
    }
}

static load_chain* chains;

static void chains_go(worker* w)
{
    for (uint32_t i = 0; i < w->host->in_flight && !w->is_closing; i++) {
        if (chains[i].is_parked) {
            chains[i].is_parked = false;
            w->running++;
            chain_next(&chains[i]);
        }
    }
}

static void on_connected(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    worker* w = udata;
    if (err) {
        fprintf(stderr, "worker %u: connect: %s\n", w->index, err->message);
        _exit(3);
    }
    atomic_store(&w->counters->attach_us, host_now_us() - w->started_us);
    atomic_store(&w->counters->is_connected, true);
    chains_go(w);
}

static void on_closed(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)err;
    (void)event_loop;
    worker* w = udata;
    ev_timer_stop(w->loop, &w->control);
    as_event_close_loops();
}

/* Looks at what the test wants. */
static void on_control(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop;
    (void)events;
    worker* w = timer->data;
    host_counters* counters = w->counters;
    if (atomic_load(&counters->must_stop) && !w->is_closing) {
        w->is_closing = true;
        as_error err;
        if (aerospike_close_async(&w->as, &err, on_closed, w, NULL) != AEROSPIKE_OK) {
            _exit(4);
        }
        return;
    }
    if (atomic_load(&counters->is_connected)) {
        if (atomic_load(&counters->is_idle)) {
            atomic_store(&counters->private_after_kib, private_kib());
        } else {
            chains_go(w);
        }
    }
}

static void config_fill(const test_host* host, as_config* config)
{
    as_config_init(config);
    as_config_add_hosts(config, host->hosts, 3000);
    config->use_shm = !host->use_private_map;
    config->shm_key = host->shm_key;
    config->policies.read.base.total_timeout = 5000;
    config->policies.write.base.total_timeout = 5000;
    if (host->retries) {
        as_policy_base* bases[] = {&config->policies.read.base, &config->policies.write.base};
        for (int i = 0; i < 2; i++) {
            bases[i]->total_timeout = 20000;
            bases[i]->socket_timeout = 1000;
            bases[i]->max_retries = host->retries;
            bases[i]->sleep_between_retries = 50;
        }
    }
    if (host->shm_mode) {
        config->shm_mode = host->shm_mode;
    }
    if (host->threshold_sec) {
        config->shm_takeover_threshold_sec = host->threshold_sec;
    }
    if (host->max_nodes) {
        config->shm_max_nodes = host->max_nodes;
    }
    if (host->max_namespaces) {
        config->shm_max_namespaces = host->max_namespaces;
    }
    if (host->tender_interval_ms) {
        config->tender_interval = host->tender_interval_ms;
    }
}

static void worker_main(test_host* host, uint32_t index)
{
    static worker w;
    self = &w;
    w.host = host;
    w.index = index;
    w.counters = &host->counters[index];
    w.seed = host_now_us() ^ (uint64_t)index << 48;
    chains = calloc(host->in_flight + 1, sizeof(*chains));
    for (uint32_t i = 0; i < host->in_flight; i++) {
        chains[i] = (load_chain){.worker = &w, .is_parked = true};
    }
    as_log_set_callback(log_line);
    w.loop = ev_loop_new(EVFLAG_NOENV);
    as_event_set_external_loop_capacity(1);
    w.event_loop = as_event_set_external_loop(w.loop);
    as_config config;
    config_fill(host, &config);
    aerospike_init(&w.as, &config);
    ev_timer_init(&w.control, on_control, 0.02, 0.02);
    w.control.data = &w;
    ev_timer_start(w.loop, &w.control);
    atomic_store(&w.counters->private_before_kib, private_kib());
    w.started_us = host_now_us();
    as_error err;
    as_error_init(&err);
    if (aerospike_connect_async(&w.as, &err, on_connected, &w, w.event_loop) != AEROSPIKE_OK) {
        snprintf(w.counters->other_text, sizeof(w.counters->other_text), "%.500s", err.message);
        exit(HOST_EXIT_REFUSED);
    }
    ev_run(w.loop, 0);
    aerospike_destroy(&w.as);
    as_event_destroy_loops();
    ev_loop_destroy(w.loop);
    free(chains);
    exit(0);
}

/* A network of its own, in which a cluster of the same nodes runs at the same ports. */
static void net_main(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = unshare(CLONE_NEWNET) == 0 ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0 ||
        !test_cluster_start("--port", "3000", "--nodes", "3", NULL)) {
        _exit(6);
    }
    close(fd);
}

static void become(uint32_t uid)
{
    if (setresuid(uid, uid, uid) != 0) {
        _exit(7);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with the user */
}

/* Between the test and a worker that is the first process of its own namespace: ends as it ends. */
static void namespace_main(test_host* host, uint32_t index)
{
    if (unshare(CLONE_NEWPID) != 0) {
        _exit(5);
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return;
    }
    atomic_store(&host->counters[index].inner_pid, pid);
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        kill(getpid(), WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

/* ---- the host ---- */

void host_spawn(test_host* host, uint32_t index)
{
    memset(&host->counters[index], 0, sizeof(host->counters[index]));
    /* The child must not write what this process has buffered. */
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        host_detach(); /* the test's own look into the segment was inherited */
        if (host->own_pid_namespace) {
            namespace_main(host, index);
        }
        if (host->own_net_namespace) {
            net_main();
        }
        if (host->uids[index]) {
            become(host->uids[index]);
        }
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none); /* a dump would take longer than the takeover */
        signal(SIGSEGV, SIG_DFL);      /* cmocka's handlers are not for workers */
        signal(SIGABRT, SIG_DFL);
        worker_main(host, index);
    }
    host->pids[index] = pid;
}

void host_start(test_host* host)
{
    assert_true(host->count <= HOST_WORKERS_MAX);
    host->counters = mmap(NULL, sizeof(host_counters) * HOST_WORKERS_MAX, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(host->counters != MAP_FAILED);
    for (uint32_t i = 0; i < host->count; i++) {
        host_spawn(host, i);
    }
}

static bool all_connected(void* udata)
{
    test_host* host = udata;
    for (uint32_t i = 0; i < host->count; i++) {
        if (host->pids[i] > 0 && !atomic_load(&host->counters[i].is_connected)) {
            return false;
        }
    }
    return true;
}

bool host_wait_connected(test_host* host, uint64_t ms)
{
    return host_until(all_connected, host, ms);
}

void host_signal(test_host* host, uint32_t index, int signal)
{
    pid_t inner = atomic_load(&host->counters[index].inner_pid);
    assert_int_equal(kill(inner ? inner : host->pids[index], signal), 0);
    if (signal == SIGKILL || signal == SIGSEGV || signal == SIGABRT) {
        int status;
        assert_int_equal(waitpid(host->pids[index], &status, 0), host->pids[index]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
        host->pids[index] = 0;
    }
}

typedef struct ending {
    pid_t pid;
    int status;
} ending;

static bool has_ended(void* udata)
{
    ending* e = udata;
    return waitpid(e->pid, &e->status, WNOHANG) == e->pid;
}

bool host_stop(test_host* host, uint64_t ms)
{
    bool fine = true;
    for (uint32_t i = 0; i < host->count; i++) {
        atomic_store(&host->counters[i].must_stop, true);
    }
    for (uint32_t i = 0; i < host->count; i++) {
        ending e = {.pid = host->pids[i]};
        if (host->pids[i] <= 0) {
            continue;
        }
        if (!host_until(has_ended, &e, ms)) {
            print_message("worker %u doesn't end\n", i);
            kill(host->pids[i], SIGKILL);
            waitpid(host->pids[i], NULL, 0);
            fine = false;
        } else if (e.status != 0) {
            print_message("worker %u ended with %#x\n", i, (unsigned)e.status);
            fine = false;
        }
        host->pids[i] = 0;
    }
    return fine;
}

void host_kill_all(test_host* host)
{
    for (uint32_t i = 0; i < host->count; i++) {
        if (host->pids[i] > 0) {
            kill(host->pids[i], SIGKILL);
            waitpid(host->pids[i], NULL, 0);
            host->pids[i] = 0;
        }
    }
    int id = host->shm_key ? shmget(host->shm_key, 0, 0) : -1;
    if (id >= 0) {
        shmctl(id, IPC_RMID, NULL);
    }
    host_detach();
    host->count = 0;
}

/* ---- the segment from outside ---- */

static const uint8_t* segment;

bool host_owner_look(test_host* host, host_owner* ret_owner)
{
    *ret_owner = (host_owner){.slot = -1, .worker = -1};
    if (!segment) {
        int id = shmget(host->shm_key, 0, 0);
        void* base = id >= 0 ? shmat(id, NULL, SHM_RDONLY) : (void*)-1;
        if (base == (void*)-1) {
            return false;
        }
        segment = base;
    }
    const tnd_seg_control* control = (const tnd_seg_control*)(segment + TND_PAGE_BYTES);
    uint64_t word = atomic_load(&((tnd_seg_control*)(uintptr_t)control)->owner);
    ret_owner->term = (uint32_t)(word >> 32);
    ret_owner->slot = (int32_t)(word & TND_OWNER_SLOT_MASK) - 1;
    if (ret_owner->slot >= 0) {
        for (uint32_t i = 0; i < host->count; i++) {
            if (host->pids[i] > 0 &&
                atomic_load(&host->counters[i].slot_plus_1) == (uint32_t)ret_owner->slot + 1) {
                ret_owner->worker = (int32_t)i;
            }
        }
    }
    return true;
}

void host_detach(void)
{
    if (segment) {
        shmdt(segment);
        segment = NULL;
    }
}

/* A machine that stands still for seconds (a paused virtual one) isn't time in which workers could
 * have done anything: no step between two looks counts for more than this. */
#define STEP_MAX_US 100000

uint64_t host_wait_owner(test_host* host, uint32_t term, uint64_t ms, host_owner* ret_owner)
{
    uint64_t start_us = host_now_us();
    uint64_t last_us = start_us, watched_us = 0;
    for (;;) {
        uint64_t now_us = host_now_us();
        if (host_owner_look(host, ret_owner) && ret_owner->slot >= 0 && ret_owner->term > term) {
            return now_us - start_us;
        }
        if (watched_us > ms * 1000) {
            return UINT64_MAX;
        }
        watched_us += now_us - last_us < STEP_MAX_US ? now_us - last_us : STEP_MAX_US;
        last_us = now_us;
        sched_yield();
    }
}

/* The state letter and what the process waits in, as the kernel tells them. */
static void tell_process(pid_t pid)
{
    static const char* const names[] = {"stat", "wchan", "syscall"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[64];
        char text[160] = "";
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[i]);
        FILE* file = fopen(path, "r");
        if (file && fgets(text, sizeof(text), file)) {
            text[strcspn(text, "\n")] = '\0';
        }
        if (file) {
            fclose(file);
        }
        print_message("    %s: %s\n", names[i], text);
    }
}

static void tell_lines(const host_counters* counters)
{
    uint32_t count = atomic_load(&counters->lines_count);
    for (uint32_t i = count > HOST_LINES ? count - HOST_LINES : 0; i < count; i++) {
        print_message("    %.*s\n", (int)sizeof(counters->lines[0]) - 1,
                      counters->lines[i % HOST_LINES]);
    }
}

void host_tell(test_host* host)
{
    host_owner owner;
    bool is_seen = host_owner_look(host, &owner);
    print_message("at %llu ms the segment %s: term %u, slot %d, worker %d\n",
                  (unsigned long long)host_now_us() / 1000, is_seen ? "says" : "isn't seen",
                  owner.term, owner.slot, owner.worker);
    for (uint32_t i = 0; i < host->count; i++) {
        const host_counters* counters = &host->counters[i];
        pid_t inner = atomic_load(&counters->inner_pid);
        print_message("worker %u: pid %d, slot %d, %s, %llu good results, %llu bad\n", i,
                      (int)host->pids[i], (int)atomic_load(&counters->slot_plus_1) - 1,
                      atomic_load(&counters->is_tending) ? "tends" : "follows",
                      (unsigned long long)host_results_of(host, i),
                      (unsigned long long)atomic_load(&counters->other));
        if (host->pids[i] > 0) {
            tell_process(inner ? inner : host->pids[i]);
        }
        tell_lines(counters);
    }
}

uint64_t host_results_of(const test_host* host, uint32_t index)
{
    const host_counters* counters = &host->counters[index];
    return atomic_load(&counters->ok) + atomic_load(&counters->not_found);
}

uint64_t host_results(const test_host* host)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < host->count; i++) {
        sum += host_results_of(host, i);
    }
    return sum;
}

/* A worker that nobody ended and that isn't there any more. */
static void check_alive(const test_host* host, uint32_t index)
{
    siginfo_t info = {0};
    if (host->pids[index] > 0 &&
        waitid(P_PID, (id_t)host->pids[index], &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == host->pids[index]) {
        fail_msg("worker %u (pid %d) has ended by itself: %s %d", index, (int)info.si_pid,
                 info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    }
}

void host_check_results(test_host* host)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < host->count; i++) {
        host_counters* counters = &host->counters[i];
        if (atomic_load(&counters->other) != 0) {
            print_message("worker %u saw %llu bad results, the last %d: %s\n", i,
                          (unsigned long long)atomic_load(&counters->other),
                          atomic_load(&counters->other_status), counters->other_text);
            bad++;
        }
    }
    if (bad != 0) {
        host_tell(host);
        fail_msg("%u workers saw bad results", bad);
    }
    for (uint32_t i = 0; i < host->count; i++) {
        assert_int_equal(atomic_load(&host->counters[i].wrong), 0);
        check_alive(host, i);
    }
}

typedef struct progress {
    test_host* host;
    uint64_t results;
} progress;

static bool has_progressed(void* udata)
{
    progress* p = udata;
    return host_results(p->host) >= p->results;
}

void host_wait_results(test_host* host, uint64_t count, uint64_t ms)
{
    progress p = {.host = host, .results = host_results(host) + count};
    if (!host_until(has_progressed, &p, ms)) {
        host_check_results(host);
        host_tell(host);
        fail_msg("no %llu results within %llu ms", (unsigned long long)count,
                 (unsigned long long)ms);
    }
}
