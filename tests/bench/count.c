/*
 * Counts what a benchmark costs. The functions below stand in front of the C library's in this
 * program, for the library under test and libev alike.
 */
#include "tests/bench/bench.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_calls_count;
uint64_t bench_allocs_count;

/* ---- memory ---- */

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* memory, size_t size);

void* malloc(size_t size)
{
    bench_allocs_count++;
    return __libc_malloc(size);
}

void* calloc(size_t count, size_t size)
{
    bench_allocs_count++;
    return __libc_calloc(count, size);
}

void* realloc(void* memory, size_t size)
{
    bench_allocs_count++;
    return __libc_realloc(memory, size);
}

/* ---- system calls ---- */

int epoll_wait(int fd, struct epoll_event* events, int count, int ms)
{
    bench_calls_count++;
    return (int)syscall(SYS_epoll_pwait, fd, events, count, ms, NULL, 0);
}

int epoll_ctl(int fd, int op, int other, struct epoll_event* event)
{
    bench_calls_count++;
    return (int)syscall(SYS_epoll_ctl, fd, op, other, event);
}

ssize_t recv(int fd, void* bytes, size_t size, int flags)
{
    bench_calls_count++;
    return syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags)
{
    bench_calls_count++;
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags)
{
    bench_calls_count++;
    return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t read(int fd, void* bytes, size_t size)
{
    bench_calls_count++;
    return syscall(SYS_read, fd, bytes, size);
}

/* ---- readings ---- */

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t timeval_ns(const struct timeval* time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_usec * 1000u;
}

void bench_cost_read(bench_cost* ret_cost)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    *ret_cost = (bench_cost){
        .wall_ns = bench_now_ns(),
        .user_ns = timeval_ns(&usage.ru_utime),
        .sys_ns = timeval_ns(&usage.ru_stime),
        .calls = bench_calls_count,
        .allocs = bench_allocs_count,
    };
}

bench_cost bench_cost_since(const bench_cost* start)
{
    bench_cost now;
    bench_cost_read(&now);
    return (bench_cost){
        .wall_ns = now.wall_ns - start->wall_ns,
        .user_ns = now.user_ns - start->user_ns,
        .sys_ns = now.sys_ns - start->sys_ns,
        .calls = now.calls - start->calls,
        .allocs = now.allocs - start->allocs,
    };
}

/* ---- latencies ---- */

/* Below 32 ns one bucket each; above, 32 per power of two. */
void bench_latency_add(bench_latency* latency, uint64_t ns)
{
    uint64_t index = ns;
    if (ns >= 32) {
        unsigned power = 63u - (unsigned)__builtin_clzll(ns);
        index = (uint64_t)(power - 4) * 32 + (ns >> (power - 5) & 31);
    }
    latency->count++;
    latency->buckets[index < BENCH_BUCKETS ? index : BENCH_BUCKETS - 1]++;
}

uint64_t bench_latency_at(const bench_latency* latency, double share)
{
    uint64_t left = (uint64_t)((double)latency->count * share);
    for (uint64_t i = 0; i < BENCH_BUCKETS; i++) {
        if (latency->buckets[i] > left) {
            return i < 32 ? i : (32 + (i & 31)) << (i / 32 - 1);
        }
        left -= latency->buckets[i];
    }
    return 0;
}
