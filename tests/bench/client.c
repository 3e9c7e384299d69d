/*
 * The same load through the library's public calls.
 */
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <tendril/event.h>

#include "async/client.h"
#include "core/digest.h"
#include <aerospike/aerospike_key.h>

#define IN_FLIGHT_MAX 1024

typedef struct client_slot {
    bench_client* client;
    uint64_t start_ns;
} client_slot;

struct bench_client {
    aerospike as;
    as_event_loop* loop;
    const bench_cell* cell;
    bench_chance chance;
    bench_result* result;
    uint64_t end_ns;     /* of a run for a time */
    uint64_t count_left; /* of a run for a number */
    uint32_t in_flight;
    int64_t fill_next, fill_end; /* of a run that fills */
    as_record record;
    uint8_t* value;
    uint32_t record_bytes;
    client_slot slots[IN_FLIGHT_MAX];
    as_status status;
    bool is_connected;
};

/* One set of event loops for all clients of the program. */
static uint32_t opened_count;

static bool is_connected(void* udata)
{
    return ((bench_client*)udata)->is_connected;
}

static bool is_over(void* udata)
{
    return ((bench_client*)udata)->in_flight == 0;
}

static void on_connected(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    bench_client* client = udata;
    client->is_connected = true;
    client->status = err ? err->code : AEROSPIKE_OK;
    if (err) {
        fprintf(stderr, "connecting: %s\n", err->message);
    }
}

/* ---- operations ---- */

static void slot_submit(client_slot* slot);

/* Runs for a number are counted, not timed: their instructions are the library's. */
static uint64_t slot_now_ns(const bench_client* client)
{
    return client->end_ns > 0 ? bench_now_ns() : 0;
}

static bool client_goes_on(bench_client* client, uint64_t now_ns)
{
    if (client->fill_end > 0) {
        return client->fill_next < client->fill_end;
    }
    if (client->end_ns > 0) {
        return now_ns < client->end_ns;
    }
    return client->count_left > 0 && client->count_left-- > 0;
}

static void slot_done(client_slot* slot, const as_error* err)
{
    bench_client* client = slot->client;
    uint64_t now_ns = slot_now_ns(client);
    bench_latency_add(&client->result->latency, now_ns - slot->start_ns);
    client->result->ops++;
    if (err && client->result->errors++ == 0) {
        fprintf(stderr, "%s\n", err->message);
    }
    client->in_flight--;
    if (client_goes_on(client, now_ns)) {
        slot_submit(slot);
    }
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    client_slot* slot = udata;
    slot->client->result->errors += record && record->bins.size != 1;
    slot_done(slot, err);
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    slot_done(udata, err);
}

static void slot_submit(client_slot* slot)
{
    bench_client* client = slot->client;
    bool is_filling = client->fill_end > 0;
    bool is_put = is_filling || bench_is_put(client->cell, &client->chance);
    int64_t number = is_filling ? client->fill_next++ : bench_key(client->cell, &client->chance);
    as_error err;
    as_key key;
    as_key_init_int64(&key, BENCH_NS, BENCH_SET, number);
    slot->start_ns = slot_now_ns(slot->client);
    client->in_flight++;
    as_status status = is_put
                           ? aerospike_key_put_async(&client->as, &err, NULL, &key, &client->record,
                                                     on_write, slot, client->loop, NULL)
                           : aerospike_key_get_async(&client->as, &err, NULL, &key, on_record, slot,
                                                     client->loop, NULL);
    if (status != AEROSPIKE_OK) {
        fprintf(stderr, "refused: %s\n", err.message);
        exit(1);
    }
}

static void client_set_bytes(bench_client* client, uint32_t bytes)
{
    if (client->record_bytes == bytes) {
        return;
    }
    if (client->record_bytes > 0) {
        as_record_destroy(&client->record);
        free(client->value);
    }
    client->record_bytes = bytes;
    client->value = calloc(1, bytes);
    as_record_init(&client->record, 1);
    as_record_set_rawp(&client->record, BENCH_BIN, client->value, bytes, false);
}

static void client_run(bench_client* client, uint32_t in_flight, uint32_t bytes,
                       bench_result* ret_result)
{
    memset(ret_result, 0, sizeof(*ret_result));
    client->result = ret_result;
    client_set_bytes(client, bytes);
    for (uint32_t i = 0; i < in_flight; i++) {
        client->slots[i].client = client;
        slot_submit(&client->slots[i]);
    }
    tnd_events_run(client->loop->events, is_over, client);
}

void bench_client_run(bench_client* client, const bench_cell* cell, uint64_t ns,
                      bench_result* ret_result)
{
    client->cell = cell;
    client->chance.state = 88172645463325252ull;
    bench_cost start;
    bench_cost_read(&start);
    client->end_ns = start.wall_ns + ns;
    client_run(client, cell->in_flight, cell->bytes, ret_result);
    ret_result->cost = bench_cost_since(&start);
    tnd_pool* pool = &client->as.cluster->main->pool;
    for (uint32_t i = 1; i <= pool->nodes_capacity; i++) {
        ret_result->conns += pool->nodes[i] ? pool->nodes[i]->links_count : 0;
    }
}

void bench_client_count(bench_client* client, const bench_cell* cell, uint64_t count,
                        bench_result* ret_result)
{
    client->cell = cell;
    client->end_ns = 0;
    client->count_left = count > cell->in_flight ? count - cell->in_flight : 0;
    bench_cost start;
    bench_cost_read(&start);
    client_run(client, cell->in_flight, cell->bytes, ret_result);
    ret_result->cost = bench_cost_since(&start);
}

bool bench_client_fill(bench_client* client, uint32_t bytes)
{
    static bench_result result;
    client->fill_next = (int64_t)bytes * BENCH_KEYS;
    client->fill_end = client->fill_next + BENCH_KEYS;
    client_run(client, 4, bytes, &result);
    client->fill_end = 0;
    return result.errors == 0;
}

struct aerospike_s* bench_client_as(bench_client* client)
{
    return &client->as;
}

struct as_event_loop* bench_client_loop(bench_client* client)
{
    return client->loop;
}

/* ---- life ---- */

bench_client* bench_client_open(const char* hosts, const bench_cell* cell)
{
    as_error err;
    bench_client* client = calloc(1, sizeof(*client));
    if (opened_count++ == 0) {
        as_event_create_loops(1);
    }
    client->loop = as_event_loop_get_by_index(0);
    as_config config;
    as_config_init(&config);
    as_config_add_hosts(&config, hosts, 3000);
    config.async_max_conns_per_node = cell->conns;
    config.async_share_conns = cell->share;
    config.async_share_depth = cell->depth;
    if (cell->tender_interval_ms > 0) {
        config.tender_interval = cell->tender_interval_ms;
    }
    config.policies.read.base.total_timeout = 30000;
    config.policies.write.base.total_timeout = 30000;
    aerospike_init(&client->as, &config);
    if (aerospike_connect_async(&client->as, &err, on_connected, client, client->loop) !=
        AEROSPIKE_OK) {
        fprintf(stderr, "connecting: %s\n", err.message);
        return NULL;
    }
    tnd_events_run(client->loop->events, is_connected, client);
    return client->status == AEROSPIKE_OK ? client : NULL;
}

bool bench_client_owners(bench_client* client, bench_owners* ret_owners)
{
    tnd_map* map = tnd_worker_map(client->as.cluster->main->worker);
    const tnd_ns_rec* ns = tnd_map_namespace(map, BENCH_NS);
    memset(ret_owners, 0, sizeof(*ret_owners));
    for (uint32_t i = 1; i <= map->dir.nodes_count && i <= 64; i++) {
        uint32_t addr = 0;
        memcpy(&addr, map->nodes[i].addrs[0].bytes, sizeof(addr));
        ret_owners->addrs[i - 1] = addr;
        ret_owners->ports[i - 1] = map->nodes[i].addrs[0].port;
        ret_owners->count = i;
    }
    for (uint32_t p = 0; ns && p < TND_PARTITION_COUNT; p++) {
        uint32_t node = tnd_word_node(tnd_map_word(map, ns->table, p), 0);
        if (node == 0 || node > ret_owners->count) {
            fprintf(stderr, "partition %u of %s has no master\n", p, BENCH_NS);
            return false;
        }
        ret_owners->owners[p] = (uint8_t)(node - 1);
    }
    return ns != NULL;
}

void bench_client_close(bench_client* client)
{
    as_error err;
    if (client->record_bytes > 0) {
        as_record_destroy(&client->record);
        free(client->value);
    }
    aerospike_close(&client->as, &err);
    aerospike_destroy(&client->as);
    free(client);
    if (--opened_count == 0) {
        as_event_close_loops();
    }
}
