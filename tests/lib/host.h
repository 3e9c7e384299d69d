/*
 * A host of worker processes for tests: each one a single-threaded program with its own libev loop
 * and the library, putting and getting records all the time, as a prefork server's workers would.
 * The test looks into the segment from outside, kills, stops, and asks what the workers have seen.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_WORKERS_MAX 64
#define HOST_LINES 16       /* of its log that a worker leaves to be told, a power of two */
#define HOST_EXIT_REFUSED 2 /* the worker's status when its client refused to connect */

typedef struct host_counters {
    _Atomic uint64_t ok;
    _Atomic uint64_t not_found;
    _Atomic uint64_t in_doubt; /* with retries: puts whose fate is unknown; put again */
    _Atomic uint64_t other;    /* results that no surviving worker should see */
    _Atomic uint64_t wrong;    /* a get that brought back what nobody has put */
    _Atomic int other_status;  /* the last of them */
    char other_text[512];      /* its text, or why the worker couldn't connect */
    _Atomic bool is_connected;
    _Atomic bool must_stop;
    _Atomic bool is_idle;                /* set by the test: no commands */
    _Atomic bool is_tending;             /* by its own account */
    _Atomic uint32_t slot_plus_1;        /* of its place in the segment, once it has tended */
    _Atomic int inner_pid;               /* with own_pid_namespace: the worker behind host.pids */
    _Atomic uint64_t attach_us;          /* from connect to the listener */
    _Atomic uint64_t first_us;           /* from connect to the first answer */
    _Atomic uint64_t private_before_kib; /* smaps_rollup: private clean and dirty */
    _Atomic uint64_t private_after_kib;
    _Atomic uint32_t lines_count; /* of its log so far */
    char lines[HOST_LINES][200];  /* the last of them */
} host_counters;

typedef struct test_host {
    const char* hosts; /* "127.0.0.1:3000,..." */
    const char* ns;    /* NULL = "test" */
    int shm_key;
    uint32_t threshold_sec;      /* 0 = default */
    uint32_t in_flight;          /* commands at a time and worker; 0 = none */
    uint32_t tender_interval_ms; /* 0 = default */
    uint32_t retries;            /* of reads and writes, 50 ms apart, for 20 s; 0 = the defaults */
    uint32_t max_nodes, max_namespaces; /* of the segment; 0 = the defaults */
    bool own_pid_namespace; /* each worker is pid 1 of a namespace of its own (root only) */
    bool
        own_net_namespace; /* likewise its network, with a mini cluster at the ports from 3000 on */
    uint32_t shm_mode;     /* 0 = default */
    uint32_t uids[HOST_WORKERS_MAX]; /* 0 = as the test (root only) */
    bool use_private_map;            /* use_shm = false */
    uint32_t count;
    pid_t pids[HOST_WORKERS_MAX];
    host_counters* counters; /* shared with the workers */
} test_host;

/* Forks `host->count` workers. Fails the running test when it can't. */
void host_start(test_host* host);

/* Forks worker `index` (again). */
void host_spawn(test_host* host, uint32_t index);

/* Waits until all workers that live are connected. False after `ms`. */
bool host_wait_connected(test_host* host, uint64_t ms);

/* Sends a signal to a worker; SIGKILL and crashes are waited for. */
void host_signal(test_host* host, uint32_t index, int signal);

/* Asks all to close, and waits; false if one doesn't end within `ms` or ends with an error. */
bool host_stop(test_host* host, uint64_t ms);

/* After a test that failed in the middle: ends what is left, segment included. */
void host_kill_all(test_host* host);

/* The segment from outside. Attaches on first use; `host_detach` before the end. */
typedef struct host_owner {
    uint32_t term;
    int32_t slot;   /* -1: nobody owns */
    int32_t worker; /* index of the owning worker, -1: unknown */
} host_owner;

bool host_owner_look(test_host* host, host_owner* ret_owner);
void host_detach(void);

/* Waits until somebody other than nobody owns, with a term above `term`. Busy: for measurements.
 * Microseconds waited, or UINT64_MAX after `ms` in which this process ran. */
uint64_t host_wait_owner(test_host* host, uint32_t term, uint64_t ms, host_owner* ret_owner);

uint64_t host_results(const test_host* host); /* good results of all workers so far */
uint64_t host_results_of(const test_host* host, uint32_t index);

/* Prints who owns by the segment and what each worker process is doing, for a test that fails. */
void host_tell(test_host* host);

/* Fails the running test if a worker saw anything but OK and not found, or a wrong record, or ended
 * without being told. */
void host_check_results(test_host* host);

/* Waits for so many good results more. */
void host_wait_results(test_host* host, uint64_t count, uint64_t ms);
uint64_t host_now_us(void);

/* Runs loop-free waiting on a condition with a deadline, yielding the CPU between looks. */
bool host_until(bool (*condition)(void* udata), void* udata, uint64_t ms);
