/*
 * bench_batch HOSTS ROUNDS BATCHES KEYS: a batch of reads of so many records of some 100 bytes,
 * beside a floor that sends the same requests, encoded before, over one connection per node, and
 * receives the same answers without a look at them but for where they end. Rows are used again, so
 * that their digests are known to both; a second pair of cells computes them, as for keys that are
 * new. All take turns; one JSON object per cell and round, figures per key. Exit status 1 if the
 * two don't move the same bytes, or anything failed.
 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/batch.h"
#include "async/client.h"
#include "async/engine.h"
#include "core/digest.h"
#include "core/wire_batch.h"
#include <aerospike/aerospike_batch.h>

enum {
    RECORD_BYTES = 100,
    MESSAGES_MAX = 64, /* of a node */
    NODES_MAX = 64,
    READ_BYTES = 64 * 1024,
    SERVER_MS = 30000,
};

static _Noreturn void die(const char* what)
{
    fprintf(stderr, "bench_batch: %s\n", what);
    exit(1);
}

/* ---- the floor ---- */

typedef struct floor_node {
    int fd;
    tnd_buf messages[MESSAGES_MAX];
    uint32_t rows[MESSAGES_MAX];
    uint32_t count, next;
    size_t out_pos;
    uint8_t head[TND_WIRE_FRAME_BYTES + 4]; /* of a frame that comes */
    size_t head_size;
    size_t left; /* of its body, behind that */
    bool is_last;
} floor_node;

static struct {
    int epoll;
    bench_owners owners;
    floor_node nodes[NODES_MAX];
    uint32_t running;
    uint64_t bytes; /* sent and received */
    uint8_t buffer[READ_BYTES];
} raw;

static void node_send(floor_node* node)
{
    const tnd_buf* message = &node->messages[node->next];
    while (node->out_pos < message->size) {
        ssize_t count = send(node->fd, message->data + node->out_pos, message->size - node->out_pos,
                             MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = node};
            epoll_ctl(raw.epoll, EPOLL_CTL_MOD, node->fd, &event);
            return;
        }
        if (count < 0) {
            die("send");
        }
        node->out_pos += (size_t)count;
        raw.bytes += (uint64_t)count;
    }
}

static void node_on_end(floor_node* node)
{
    node->out_pos = 0;
    if (++node->next < node->count) {
        node_send(node);
    } else {
        raw.running--;
    }
}

/* Cuts what came into frames. Only whether one is the last is looked at. */
static void node_take(floor_node* node, const uint8_t* bytes, size_t size)
{
    while (size > 0) {
        if (node->left > 0) {
            size_t count = size < node->left ? size : node->left;
            node->left -= count;
            bytes += count;
            size -= count;
        } else {
            size_t count = sizeof(node->head) - node->head_size;
            count = size < count ? size : count;
            memcpy(node->head + node->head_size, bytes, count);
            node->head_size += count;
            bytes += count;
            size -= count;
            if (node->head_size < sizeof(node->head)) {
                return;
            }
            node->head_size = 0;
            node->left = (tnd_be64_get(node->head) & 0xffffffffffff) - 4;
            node->is_last = node->head[TND_WIRE_FRAME_BYTES + 3] & 1;
        }
        if (node->left == 0 && node->is_last) {
            node->is_last = false;
            node_on_end(node);
        }
    }
}

static void node_read(floor_node* node)
{
    ssize_t count = recv(node->fd, raw.buffer, sizeof(raw.buffer), 0);
    if (count < 0 && errno == EAGAIN) {
        return;
    }
    if (count <= 0) {
        die("recv");
    }
    raw.bytes += (uint64_t)count;
    node_take(node, raw.buffer, (size_t)count);
}

static void floor_run(void)
{
    struct epoll_event events[NODES_MAX];
    for (uint32_t i = 0; i < raw.owners.count; i++) {
        raw.nodes[i].next = 0;
        if (raw.nodes[i].count > 0) {
            raw.running++;
            node_send(&raw.nodes[i]);
        }
    }
    while (raw.running > 0) {
        int count = epoll_wait(raw.epoll, events, NODES_MAX, -1);
        for (int i = 0; i < count; i++) {
            floor_node* node = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) {
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = node};
                epoll_ctl(raw.epoll, EPOLL_CTL_MOD, node->fd, &event);
                node_send(node);
            }
            if (events[i].events & EPOLLIN) {
                node_read(node);
            }
        }
    }
}

static void node_open(uint32_t i)
{
    floor_node* node = &raw.nodes[i];
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(raw.owners.ports[i]),
                               .sin_addr.s_addr = raw.owners.addrs[i]};
    int on = 1;
    node->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (node->fd < 0 || connect(node->fd, (struct sockaddr*)&name, sizeof(name)) != 0) {
        die("connect");
    }
    setsockopt(node->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(node->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = node};
    epoll_ctl(raw.epoll, EPOLL_CTL_ADD, node->fd, &event);
}

/* The rows as the client sends them: the first in full, the others as its repetitions. */
static void floor_add(const as_key* key, uint32_t index, const tnd_buf* row, unsigned flags)
{
    floor_node* node = &raw.nodes[raw.owners.owners[tnd_digest_partition(key->digest.value)]];
    uint32_t at = node->count > 0 ? node->count - 1 : 0;
    if (node->count == 0 || node->rows[at] == TND_BATCH_ROWS_MAX) {
        at = node->count++;
        if (node->count > MESSAGES_MAX) {
            die("too many keys");
        }
        tnd_buf_init(&node->messages[at], TND_WIRE_BODY_BYTES_MAX);
        tnd_wire_batch_begin(&node->messages[at], flags, SERVER_MS);
    }
    tnd_wire_batch_add(&node->messages[at], index, key->digest.value, row->data, row->size,
                       node->rows[at] > 0);
    node->rows[at]++;
}

static void floor_open(bench_client* client, const as_batch_records* records)
{
    as_error err;
    tnd_buf row;
    as_policy_batch_read policy;
    as_policy_batch_read_init(&policy);
    tnd_wire_row_bins bins = {.wants_all = true};
    tnd_buf_init(&row, 4096);
    raw.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!bench_client_owners(client, &raw.owners)) {
        die("no owners");
    }
    for (uint32_t i = 0; i < records->list.size; i++) {
        as_batch_read_record* record = as_vector_get((as_vector*)(uintptr_t)&records->list, i);
        tnd_buf_reset(&row);
        if (tnd_wire_row_read(&row, &err, &record->key, &bins, &policy, NULL) != AEROSPIKE_OK) {
            die(err.message);
        }
        floor_add(&record->key, i, &row,
                  TND_WIRE_BATCH_LAST_ERROR | TND_WIRE_BATCH_INLINE | TND_WIRE_BATCH_RESPOND_ALL);
    }
    for (uint32_t i = 0; i < raw.owners.count; i++) {
        for (uint32_t m = 0; m < raw.nodes[i].count; m++) {
            if (tnd_wire_batch_end(&raw.nodes[i].messages[m], raw.nodes[i].rows[m], &err) !=
                AEROSPIKE_OK) {
                die(err.message);
            }
        }
        node_open(i);
    }
    tnd_buf_done(&row);
}

/* ---- the client ---- */

typedef struct run {
    as_status status;
    bool is_over;
} run;

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)records;
    (void)loop;
    run* r = udata;
    r->status = err ? err->code : AEROSPIKE_OK;
    r->is_over = true;
}

static bool is_over(void* udata)
{
    return ((run*)udata)->is_over;
}

static void client_run(bench_client* client, as_batch_records* records)
{
    as_error err;
    run r = {.is_over = false};
    as_event_loop* loop = bench_client_loop(client);
    if (aerospike_batch_read_async(bench_client_as(client), &err, NULL, records, on_batch, &r,
                                   loop) != AEROSPIKE_OK) {
        die(err.message);
    }
    tnd_events_run(loop->events, is_over, &r);
    if (r.status != AEROSPIKE_OK) {
        die(as_error_string(r.status));
    }
}

static uint64_t client_bytes(bench_client* client)
{
    tnd_counters counters;
    tnd_gauges gauges;
    tnd_stats_read_own(bench_client_as(client)->cluster->main->stats, &counters, &gauges);
    return counters.bytes_sent + counters.bytes_received;
}

static void rows_check(const as_batch_records* records)
{
    for (uint32_t i = 0; i < records->list.size; i++) {
        as_batch_read_record* record = as_vector_get((as_vector*)(uintptr_t)&records->list, i);
        if (record->result != AEROSPIKE_OK || record->record.bins.size != 1) {
            die("a row without its record");
        }
    }
}

/* ---- both ---- */

static uint64_t sink;

static void floor_run_new(const as_batch_records* records)
{
    for (uint32_t i = 0; i < records->list.size; i++) {
        const as_batch_read_record* record =
            as_vector_get((as_vector*)(uintptr_t)&records->list, i);
        uint8_t digest[TND_DIGEST_BYTES], number[8];
        tnd_be64_put(number, (uint64_t)record->key.value.integer.value);
        tnd_digest(BENCH_SET, strlen(BENCH_SET), TND_WIRE_INTEGER, number, sizeof(number), digest);
        sink += digest[0];
    }
    floor_run();
}

static void client_run_new(bench_client* client, as_batch_records* records)
{
    for (uint32_t i = 0; i < records->list.size; i++) {
        as_batch_read_record* record = as_vector_get(&records->list, i);
        record->key.digest.init = false;
    }
    client_run(client, records);
}

static as_batch_records* rows_new(uint32_t keys)
{
    as_error err;
    as_batch_records* records = as_batch_records_create(keys);
    for (uint32_t i = 0; i < keys; i++) {
        as_batch_read_record* record = as_batch_read_reserve(records);
        as_key_init_int64(&record->key, BENCH_NS, BENCH_SET,
                          (int64_t)RECORD_BYTES * BENCH_KEYS + i);
        record->read_all_bins = true;
        as_key_set_digest(&err, &record->key);
    }
    return records;
}

static void print(const char* engine, unsigned round, uint32_t keys, const bench_cost* cost)
{
    printf("{\"engine\":\"%s\",\"round\":%u,\"cpu_us\":%.4f,\"user_us\":%.4f,\"sys_us\":%.4f,"
           "\"calls\":%.5f,\"allocs\":%.3f}\n",
           engine, round, (double)(cost->user_ns + cost->sys_ns) / 1e3 / keys,
           (double)cost->user_ns / 1e3 / keys, (double)cost->sys_ns / 1e3 / keys,
           (double)cost->calls / keys, (double)cost->allocs / keys);
    fflush(stdout);
}

enum {
    CELLS = 4
};

static void cell_run(bench_client* client, as_batch_records* records, int cell, unsigned round,
                     uint32_t batches)
{
    static const char* const engines[CELLS] = {"floor", "tendril", "floor,new", "tendril,new"};
    bench_cost start, cost;
    bench_cost_read(&start);
    for (uint32_t i = 0; i < batches; i++) {
        switch (cell) {
        case 0:
            floor_run();
            break;
        case 1:
            client_run(client, records);
            break;
        case 2:
            floor_run_new(records);
            break;
        default:
            client_run_new(client, records);
            break;
        }
    }
    cost = bench_cost_since(&start);
    print(engines[cell], round, records->list.size * batches, &cost);
}

int main(int argc, char** argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_batch HOSTS ROUNDS BATCHES KEYS\n");
        return 2;
    }
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);
    uint32_t batches = (uint32_t)strtoul(argv[3], NULL, 10);
    uint32_t keys = (uint32_t)strtoul(argv[4], NULL, 10);
    bench_client* client = bench_client_open(
        argv[1], &(bench_cell){.conns = 16, .share = 16, .depth = 1, .tender_interval_ms = 60000});
    if (!client) {
        return 1;
    }
    for (uint32_t filled = 0; filled < keys; filled += BENCH_KEYS) {
        bench_client_fill(client, RECORD_BYTES + filled / BENCH_KEYS);
    }
    as_batch_records* records = rows_new(keys);
    floor_open(client, records);
    client_run(client, records);
    rows_check(records);
    floor_run();
    uint64_t raw_start = raw.bytes, client_start = client_bytes(client);
    for (unsigned round = 0; round < rounds; round++) {
        for (int cell = 0; cell < CELLS; cell++) {
            cell_run(client, records, cell, round, batches);
        }
    }
    uint64_t raw_bytes = raw.bytes - raw_start;
    uint64_t bytes = client_bytes(client) - client_start;
    if (bytes < raw_bytes || bytes > raw_bytes + raw_bytes / 1000) {
        fprintf(stderr, "bench_batch: the floor moved %llu bytes, the client %llu\n",
                (unsigned long long)raw_bytes, (unsigned long long)bytes);
        return 1;
    }
    as_batch_records_destroy(records);
    bench_client_close(client);
    return sink == 0;
}
