/*
 * bench_tend HOSTS CONTROL NODES SECONDS: a tender on a loop of its own, over a mini cluster of so
 * many nodes: time to the first map, share of a core and length of a round at rest, and the longest
 * round and callback, this in thread CPU time, over first map, rest, and a rebalance of everything.
 * One JSON object.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "async/loop_ev.h"
#include "async/resolver.h"
#include "async/tender.h"
#include "shm/member.h"

typedef struct tending {
    tnd_loop* loop;
    tnd_map map;
    tnd_member member;
    tnd_tender* tender;
    bool is_published;
    tnd_timer timer;
    bool is_over;
} tending;

static void die(const char* what)
{
    fprintf(stderr, "bench_tend: %s\n", what);
    exit(1);
}

static void on_published(void* udata)
{
    ((tending*)udata)->is_published = true;
}

static void on_no_seeds(void* udata, as_error* err)
{
    (void)udata;
    die(err->message);
}

static void on_directory(void* udata)
{
    (void)udata;
}

static void on_fenced(void* udata)
{
    (void)udata;
    die("fenced");
}

static void on_exhausted(void* udata, as_error* err)
{
    (void)udata;
    die(err->message);
}

static const tnd_tender_handler handler = {
    .on_published = on_published,
    .on_no_seeds = on_no_seeds,
    .on_directory = on_directory,
    .on_fenced = on_fenced,
    .on_exhausted = on_exhausted,
};

static bool is_published(void* udata)
{
    return ((tending*)udata)->is_published || ((tending*)udata)->is_over;
}

static bool is_over(void* udata)
{
    return ((tending*)udata)->is_over;
}

static void on_timer(tnd_timer* timer)
{
    ((tending*)timer->udata)->is_over = true;
}

static void run_for(tending* t, unsigned ms, bool (*done)(void* udata))
{
    t->is_over = false;
    tnd_timer_start_ms(&t->timer, ms);
    tnd_loop_ev_run(t->loop, done, t);
    tnd_timer_stop(&t->timer);
}

static uint64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void control(const char* to, const char* line)
{
    char host[64], answer[256];
    unsigned port;
    if (sscanf(to, "%63[^:]:%u", host, &port) != 2) {
        die("the control port is HOST:PORT");
    }
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &name.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&name, sizeof(name)) != 0 ||
        write(fd, line, strlen(line)) != (ssize_t)strlen(line) ||
        read(fd, answer, sizeof(answer)) <= 0) {
        die("no control port");
    }
    close(fd);
}

static void tending_open(tending* t, const char* hosts)
{
    static as_config config;
    as_error err;
    tnd_owner_view view;
    tnd_map_config map_config = {.nodes_capacity = 300,
                                 .namespaces_capacity = 32,
                                 .workers_capacity = 1,
                                 .identity = "bench"};
    uint64_t now_ms = bench_now_ns() / 1000000;
    if (tnd_map_open(&t->map, &map_config, &err) != AEROSPIKE_OK ||
        tnd_member_join(&t->member, &t->map, 1, 1, 1, now_ms, 1) != TND_JOIN_OK) {
        die("no map");
    }
    tnd_owner_look(&t->member, now_ms, 30000, &view);
    if (!tnd_owner_take(&t->member, &view, now_ms)) {
        die("not the owner");
    }
    as_config_init(&config);
    as_config_add_hosts(&config, hosts, 3000);
    t->loop = tnd_loop_ev_create();
    tnd_timer_init(&t->timer, t->loop, on_timer, t);
    t->tender =
        tnd_tender_start(t->loop, &config, &t->member, tnd_resolver_new(t->loop), &handler, t);
    tnd_tender_measure(t->tender, true);
}

int main(int argc, char** argv)
{
    static tending t;
    if (argc != 5) {
        fprintf(stderr, "usage: bench_tend HOSTS CONTROL NODES SECONDS\n");
        return 2;
    }
    unsigned ms = 1000 * (unsigned)strtoul(argv[4], NULL, 10);
    tending_open(&t, argv[1]);
    uint64_t start_ns = bench_now_ns(), start_us = cpu_us();
    run_for(&t, 60000, is_published);
    if (!t.is_published) {
        die("no map within a minute");
    }
    double first_ms = (double)(bench_now_ns() - start_ns) / 1e6;
    double first_cpu_ms = (double)(cpu_us() - start_us) / 1e3;
    run_for(&t, 2000, is_over); /* the last maps of the start */
    start_us = cpu_us();
    run_for(&t, ms, is_over);
    double rest = (double)(cpu_us() - start_us) / (10.0 * ms);
    uint64_t round_us = tnd_tender_get_stats(t.tender)->round_us;
    control(argv[2], "migrate 2000\n");
    uint64_t tends = tnd_tender_get_stats(t.tender)->tends;
    run_for(&t, 4000, is_over);
    const tnd_tender_stats* stats = tnd_tender_get_stats(t.tender);
    printf("{\"nodes\":%s,\"first_map_ms\":%.1f,\"first_map_cpu_ms\":%.1f,\"rest_percent\":%.3f,"
           "\"round_ms\":%.1f,\"round_max_ms\":%.1f,\"rounds\":%llu,\"words\":%llu,\"callback_max_"
           "us\":%llu}\n",
           argv[3], first_ms, first_cpu_ms, rest, (double)round_us / 1e3,
           (double)stats->round_max_us / 1e3, (unsigned long long)(stats->tends - tends),
           (unsigned long long)stats->words_published, (unsigned long long)stats->callback_max_us);
    tnd_tender_stop(t.tender);
    return 0;
}
