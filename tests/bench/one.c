/*
 * bench_one HOSTS get|put BYTES IN_FLIGHT COUNT, under callgrind: COUNT operations after a warm-up,
 * and only they are collected. Prints "ops N allocs A calls C" of the same stretch.
 */
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

int main(int argc, char** argv)
{
    static bench_result result;
    if (argc != 6) {
        fprintf(stderr, "usage: bench_one HOSTS get|put BYTES IN_FLIGHT COUNT\n");
        return 2;
    }
    bench_cell cell = {
        .engine = "tendril",
        .op = strcmp(argv[2], "put") == 0 ? BENCH_PUT : BENCH_GET,
        .bytes = (uint32_t)strtoul(argv[3], NULL, 10),
        .in_flight = (uint32_t)strtoul(argv[4], NULL, 10),
        .conns = 4,
        .share = 4,
        .depth = 64,
        .tender_interval_ms = 60000, /* of no interest here */
    };
    bench_client* client = bench_client_open(argv[1], &cell);
    if (!client || !bench_client_fill(client, cell.bytes)) {
        return 1;
    }
    bench_client_count(client, &cell, 2000, &result);
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_TOGGLE_COLLECT;
    bench_client_count(client, &cell, strtoull(argv[5], NULL, 10), &result);
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_STOP_INSTRUMENTATION;
    printf("ops %llu allocs %llu calls %llu errors %llu\n", (unsigned long long)result.ops,
           (unsigned long long)result.cost.allocs, (unsigned long long)result.cost.calls,
           (unsigned long long)result.errors);
    bench_client_close(client);
    return result.errors == 0 ? 0 : 1;
}
