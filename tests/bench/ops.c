/*
 * bench_ops HOSTS ROUNDS MS ENGINE,OP,BYTES,IN_FLIGHT,CONNS,SHARE,DEPTH...
 *
 * Runs each cell for MS milliseconds, in ROUNDS rounds, so that all of them see the same good and
 * bad moments of the machine. Prints one JSON object per cell and round. Exit status 1 if any
 * operation failed.
 */
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>

enum {
    CELLS_MAX = 256
};

typedef struct seat {
    bench_cell cell;
    const char* text;
    bench_client* client;
    bench_floor* raw;
} seat;

static bool cell_parse(char* text, bench_cell* ret_cell)
{
    static const char* const ops[] = {
        [BENCH_GET] = "get", [BENCH_PUT] = "put", [BENCH_MIXED] = "mixed"};
    char engine[16], op[16];
    bench_cell* cell = ret_cell;
    if (sscanf(text, "%15[a-z],%15[a-z],%u,%u,%u,%u,%u", engine, op, &cell->bytes, &cell->in_flight,
               &cell->conns, &cell->share, &cell->depth) != 7) {
        return false;
    }
    cell->engine = strcmp(engine, "floor") == 0 ? "floor" : "tendril";
    for (int i = BENCH_GET; i <= BENCH_MIXED; i++) {
        if (strcmp(op, ops[i]) == 0) {
            cell->op = (bench_op)i;
            return true;
        }
    }
    return false;
}

static void result_print(const seat* s, unsigned round, const bench_result* result)
{
    const bench_cost* cost = &result->cost;
    double ops = result->ops > 0 ? (double)result->ops : 1;
    printf("{\"cell\":\"%s\",\"round\":%u,\"ops\":%llu,\"errors\":%llu,\"conns\":%u,"
           "\"ops_per_sec\":%.0f,\"user_us\":%.3f,\"sys_us\":%.3f,\"cpu_us\":%.3f,\"calls\":%.4f,"
           "\"allocs\":%.4f,\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f}\n",
           s->text, round, (unsigned long long)result->ops, (unsigned long long)result->errors,
           result->conns, ops * 1e9 / (double)cost->wall_ns, (double)cost->user_ns / ops / 1e3,
           (double)cost->sys_ns / ops / 1e3, (double)(cost->user_ns + cost->sys_ns) / ops / 1e3,
           (double)cost->calls / ops, (double)cost->allocs / ops,
           (double)bench_latency_at(&result->latency, 0.5) / 1e3,
           (double)bench_latency_at(&result->latency, 0.99) / 1e3,
           (double)bench_latency_at(&result->latency, 0.999) / 1e3);
    fflush(stdout);
}

static seat seats[CELLS_MAX];
static bench_owners owners;

/* Cells of one configuration have one client; floors are made per cell. */
static bool seat_open(int index, const char* hosts)
{
    seat* s = &seats[index];
    if (strcmp(s->cell.engine, "floor") == 0) {
        s->raw = bench_floor_open(&owners, &s->cell);
        return true;
    }
    for (int i = 0; i < index && !s->client; i++) {
        const bench_cell* other = &seats[i].cell;
        if (seats[i].client && other->conns == s->cell.conns && other->share == s->cell.share &&
            other->depth == s->cell.depth) {
            s->client = seats[i].client;
        }
    }
    s->client = s->client ? s->client : bench_client_open(hosts, &s->cell);
    return s->client != NULL;
}

static void seat_run(const seat* s, uint64_t ns, bench_result* ret_result)
{
    if (s->raw) {
        bench_floor_run(s->raw, &s->cell, ns, ret_result);
    } else {
        bench_client_run(s->client, &s->cell, ns, ret_result);
    }
}

static bool prepare(const char* hosts, int count)
{
    bench_client* filler =
        bench_client_open(hosts, &(bench_cell){.conns = 16, .share = 16, .depth = 1});
    bool is_good = filler && bench_client_owners(filler, &owners);
    for (int i = 0; is_good && i < count; i++) {
        bool is_filled = false;
        for (int n = 0; n < i; n++) {
            is_filled |= seats[n].cell.bytes == seats[i].cell.bytes;
        }
        is_good = is_filled || bench_client_fill(filler, seats[i].cell.bytes);
    }
    for (int i = 0; is_good && i < count; i++) {
        is_good = seat_open(i, hosts);
    }
    return is_good;
}

int main(int argc, char** argv)
{
    static bench_result result;
    int count = argc - 4;
    if (count < 1 || count > CELLS_MAX) {
        fprintf(stderr, "usage: bench_ops HOSTS ROUNDS MS CELL...\n");
        return 2;
    }
    for (int i = 0; i < count; i++) {
        seats[i].text = argv[i + 4];
        if (!cell_parse(argv[i + 4], &seats[i].cell)) {
            fprintf(stderr, "bench_ops: %s isn't a cell\n", argv[i + 4]);
            return 2;
        }
    }
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);
    uint64_t ns = strtoull(argv[3], NULL, 10) * 1000000;
    if (!prepare(argv[1], count)) {
        return 1;
    }
    uint64_t errors = 0;
    for (int i = 0; i < count; i++) {
        seat_run(&seats[i], ns / 4, &result); /* opens connections, warms pools */
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            seat_run(&seats[i], ns, &result);
            result_print(&seats[i], round, &result);
            errors += result.errors;
        }
    }
    return errors == 0 ? 0 : 1;
}
