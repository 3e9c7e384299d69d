/*
 * What the benchmark's programs share: what a stretch of work cost, and latencies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- cost ---- */

/* Of the calling thread, since it began. */
typedef struct bench_cost {
    uint64_t wall_ns;
    uint64_t user_ns;
    uint64_t sys_ns;
    uint64_t calls;  /* system calls that move bytes or wait: counted where they are made */
    uint64_t allocs; /* malloc, calloc, realloc */
} bench_cost;

void bench_cost_read(bench_cost* ret_cost);
bench_cost bench_cost_since(const bench_cost* start);

uint64_t bench_now_ns(void);

/* The counters behind it (count.c), which replace the C library's functions in this program. */
extern uint64_t bench_calls_count;
extern uint64_t bench_allocs_count;

/* ---- latencies ---- */

/* Buckets of 1/32 of a power of two: 3 % wide. */
#define BENCH_BUCKETS (40 * 32)

typedef struct bench_latency {
    uint64_t count;
    uint32_t buckets[BENCH_BUCKETS];
} bench_latency;

void bench_latency_add(bench_latency* latency, uint64_t ns);

/* The latency in ns that `share` of them don't exceed. */
uint64_t bench_latency_at(const bench_latency* latency, double share);

/* ---- loads ---- */

typedef enum bench_op {
    BENCH_GET,
    BENCH_PUT,
    BENCH_MIXED, /* nine gets to a put */
} bench_op;

#define BENCH_KEYS 4096u
#define BENCH_NS "test"
#define BENCH_SET "bench"
#define BENCH_BIN "b"

/* One cell of the table, run for a while in each round. */
typedef struct bench_cell {
    const char* engine; /* "floor" or "tendril" */
    bench_op op;
    uint32_t bytes; /* of the record's one bin */
    uint32_t in_flight;
    uint32_t conns;              /* per node, at most */
    uint32_t share;              /* of these, from which on reads share */
    uint32_t depth;              /* requests on one connection */
    uint32_t tender_interval_ms; /* 0: the default */
} bench_cell;

typedef struct bench_result {
    uint64_t ops;
    uint64_t errors;
    uint32_t conns; /* open at the end, over all nodes */
    bench_cost cost;
    bench_latency latency;
} bench_result;

/* Which operation and which key come next: the same sequence for both engines. */
typedef struct bench_chance {
    uint64_t state;
} bench_chance;

static inline uint32_t bench_chance_next(bench_chance* chance)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return (uint32_t)(chance->state >> 32);
}

/* A record of `bytes` is under key number + bytes * BENCH_KEYS, so that sizes don't mix. */
static inline int64_t bench_key(const bench_cell* cell, bench_chance* chance)
{
    return (int64_t)(bench_chance_next(chance) % BENCH_KEYS) + (int64_t)cell->bytes * BENCH_KEYS;
}

static inline bool bench_is_put(const bench_cell* cell, bench_chance* chance)
{
    return cell->op == BENCH_PUT ||
           (cell->op == BENCH_MIXED && bench_chance_next(chance) % 10 == 0);
}

/* ---- the two engines ---- */

/* A client, whose map also tells the floor who owns what. False, with a line on stderr. */
typedef struct bench_client bench_client;
bench_client* bench_client_open(const char* hosts, const bench_cell* cell);
void bench_client_run(bench_client* client, const bench_cell* cell, uint64_t ns,
                      bench_result* ret_result);
/* The same for a number of operations. */
void bench_client_count(bench_client* client, const bench_cell* cell, uint64_t count,
                        bench_result* ret_result);
/* Puts every record of this size. */
bool bench_client_fill(bench_client* client, uint32_t bytes);
void bench_client_close(bench_client* client);

/* For what the functions above don't do. */
struct aerospike_s* bench_client_as(bench_client* client);
struct as_event_loop* bench_client_loop(bench_client* client);

/* The node of a partition: 0 .. count - 1, and its address. */
typedef struct bench_owners {
    uint32_t count;
    uint16_t ports[64]; /* host order */
    uint32_t addrs[64]; /* network order */
    uint8_t owners[4096];
} bench_owners;

bool bench_client_owners(bench_client* client, bench_owners* ret_owners);

typedef struct bench_floor bench_floor;
bench_floor* bench_floor_open(const bench_owners* owners, const bench_cell* cell);
void bench_floor_run(bench_floor* self, const bench_cell* cell, uint64_t ns,
                     bench_result* ret_result);
void bench_floor_close(bench_floor* self);
