/*
 * bench_route ROUNDS: nanoseconds to find a partition's node by a namespace's name and a partition,
 * each answer deciding where the next question goes, beside a chain of dependent loads through an
 * array of the tables' size; beside a writer, through the tables themselves, whose lines it takes
 * from any reader. Maps of 1, 8 and 32 namespaces; quiet, and while a thread publishes
 * all the time. One JSON object per figure.
 */
#include "tests/bench/bench.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shm/map.h"
#include "shm/member.h"
#include "shm/publish.h"

enum {
    STEPS = 2000000,
    NODES = 16,
    ROUNDS_MAX = 31,
};

typedef struct bed {
    tnd_map map;
    _Alignas(128) tnd_member member; /* the writer's, as of another process */
    _Alignas(128) uint32_t namespaces;
    char names[TND_NAMESPACES_MAX][TND_NAMESPACE_SIZE];
    atomic_bool must_stop;
} bed;

static void die(const char* what)
{
    fprintf(stderr, "bench_route: %s\n", what);
    exit(1);
}

static void owners_of(uint32_t number, uint32_t ret_nodes[TND_REPLICAS_MAX])
{
    uint32_t first = number * 2654435761u >> 7;
    for (uint32_t i = 0; i < TND_REPLICAS_MAX; i++) {
        ret_nodes[i] = 1 + (first + i) % NODES;
    }
}

static void publish(bed* b)
{
    static tnd_dir_head head;
    static tnd_node_rec nodes[NODES + 1];
    static tnd_ns_rec namespaces[TND_NAMESPACES_MAX];
    head.nodes_count = head.nodes_needed = NODES;
    head.namespaces_count = head.namespaces_needed = b->namespaces;
    for (uint32_t i = 1; i <= NODES; i++) {
        nodes[i] = (tnd_node_rec){.state = TND_NODE_ACTIVE, .generation = i, .addrs_count = 1};
        nodes[i].addrs[0].family = AF_INET;
        snprintf(nodes[i].name, sizeof(nodes[i].name), "B%u", i);
    }
    for (uint32_t i = 0; i < b->namespaces; i++) {
        namespaces[i] = (tnd_ns_rec){.table = i, .replicas = 2};
        snprintf(namespaces[i].name, sizeof(namespaces[i].name), "production-%u", i);
        tnd_map_pad_name(b->names[i], namespaces[i].name);
    }
    if (tnd_publish_directory(&b->member, &head, nodes, namespaces) != TND_PUBLISH_OK) {
        die("the directory can't be published");
    }
    for (uint32_t n = 0; n < b->namespaces * TND_PARTITIONS; n++) {
        uint32_t owners[TND_REPLICAS_MAX];
        owners_of(n, owners);
        tnd_publish_word(&b->member, n / TND_PARTITIONS, n % TND_PARTITIONS, owners, 0);
    }
    if (!tnd_map_refresh(&b->map)) {
        die("nothing was published");
    }
}

static void bed_open(bed* b, uint32_t namespaces)
{
    memset(b, 0, sizeof(*b));
    b->namespaces = namespaces;
    tnd_map_config config = {.nodes_capacity = NODES,
                             .namespaces_capacity = namespaces,
                             .workers_capacity = 1,
                             .identity = "bench"};
    as_error err;
    tnd_owner_view view;
    if (tnd_map_open(&b->map, &config, &err) != AEROSPIKE_OK ||
        tnd_member_join(&b->member, &b->map, 1, 1, 1, 1, 1) != TND_JOIN_OK) {
        die("no map");
    }
    tnd_owner_look(&b->member, 1, 30000, &view);
    if (!tnd_owner_take(&b->member, &view, 1)) {
        die("not the owner");
    }
    publish(b);
}

static void bed_close(bed* b)
{
    tnd_member_leave(&b->member, true);
    tnd_map_close(&b->map);
}

/* ---- what is measured ---- */

static uint64_t sink;

static uint32_t below(uint32_t question, uint32_t count)
{
    return (uint32_t)((uint64_t)question * count >> 32);
}

static double route_ns(bed* b)
{
    uint64_t chain = 1;
    uint64_t start_ns = bench_now_ns();
    for (uint32_t i = 0; i < STEPS; i++) {
        uint64_t word;
        uint32_t question = (uint32_t)(chain * 0x9e3779b97f4a7c15 >> 32);
        if (!tnd_map_route(&b->map, b->names[below(question, b->namespaces)], question, &word)) {
            die("no route");
        }
        chain = chain * 31 + word;
    }
    sink += chain;
    return (double)(bench_now_ns() - start_ns) / STEPS;
}

/* The words themselves, by somebody who knows where they are: what a writer costs any reader. */
static double word_ns(const bed* b)
{
    uint64_t chain = 1;
    uint64_t start_ns = bench_now_ns();
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t question = (uint32_t)(chain * 0x9e3779b97f4a7c15 >> 32);
        chain = chain * 31 + tnd_map_word(&b->map, below(question, b->namespaces), question);
    }
    sink += chain;
    return (double)(bench_now_ns() - start_ns) / STEPS;
}

static double load_ns(uint32_t namespaces)
{
    size_t count = (size_t)namespaces * TND_PARTITIONS;
    uint64_t* array = malloc(count * sizeof(*array));
    for (size_t i = 0; i < count; i++) {
        array[i] = i * 0xbf58476d1ce4e5b9;
    }
    uint64_t chain = 1;
    uint64_t start_ns = bench_now_ns();
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t question = (uint32_t)(chain * 0x9e3779b97f4a7c15 >> 32);
        chain = chain * 31 + array[below(question, (uint32_t)count)];
    }
    double ns = (double)(bench_now_ns() - start_ns) / STEPS;
    sink += chain;
    free(array);
    return ns;
}

static void* publish_on(void* udata)
{
    bed* b = udata;
    for (uint32_t n = 0; !atomic_load(&b->must_stop); n++) {
        uint32_t owners[TND_REPLICAS_MAX];
        owners_of(n * 3, owners);
        uint32_t at = n % (b->namespaces * TND_PARTITIONS);
        tnd_publish_word(&b->member, at / TND_PARTITIONS, at % TND_PARTITIONS, owners, 0);
    }
    return NULL;
}

static int compare(const void* a, const void* b)
{
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

static double median(double* samples, unsigned count)
{
    qsort(samples, count, sizeof(*samples), compare);
    return samples[count / 2];
}

static void measure(uint32_t namespaces, unsigned rounds, bool has_writer)
{
    static bed b;
    double routes[ROUNDS_MAX], loads[ROUNDS_MAX];
    pthread_t writer;
    bed_open(&b, namespaces);
    if (has_writer && pthread_create(&writer, NULL, publish_on, &b) != 0) {
        die("no thread");
    }
    for (unsigned i = 0; i < rounds; i++) {
        routes[i] = route_ns(&b);
        loads[i] = has_writer ? word_ns(&b) : load_ns(namespaces);
    }
    atomic_store(&b.must_stop, true);
    if (has_writer) {
        pthread_join(writer, NULL);
    }
    bed_close(&b);
    printf("{\"what\":\"route, %s\",\"namespaces\":%u,\"ns\":%.2f,\"load_ns\":%.2f}\n",
           has_writer ? "a writer publishes" : "quiet", namespaces, median(routes, rounds),
           median(loads, rounds));
}

int main(int argc, char** argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 9;
    static const uint32_t namespaces[] = {1, 8, 32};
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        die("1 to 31 rounds");
    }
    for (int has_writer = 0; has_writer <= 1; has_writer++) {
        for (int i = 0; i < 3; i++) {
            measure(namespaces[i], rounds, has_writer);
        }
    }
    return sink == 0;
}
