/*
 * What the tests of commands share: one process with a client, a cluster of three, virtual time.
 * Included by each of them; not every one needs all of it.
 */
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "async/client.h"
#include "tests/sim/cluster.h"
#include <aerospike/aerospike_key.h>

#define SECOND 1000000ull
#define MS 1000ull
#define PORT 3000

/* ---- one process with a client, and a cluster of three ---- */

typedef struct bed {
    sim_world* world;
    tnd_loop* loop;
    sim_cluster* cluster;
    tnd_events* events;
    const tnd_shm_sys* sys; /* NULL: no shared memory is used */
    aerospike as;
    bool is_connected;
    bool is_closed;
    as_status connect_status;
} bed;

typedef struct outcome {
    bed* bed;
    unsigned calls;
    as_status code;
    bool in_doubt;
    int64_t value;
    uint64_t start_us;
    uint64_t end_us;
    uint64_t limit_us; /* it must have ended by then; 0: any time */
} outcome;

static void on_connect(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    bed* b = udata;
    b->is_connected = true;
    b->connect_status = err ? err->code : AEROSPIKE_OK;
}

static void on_close(as_error* err, void* udata, as_event_loop* loop)
{
    (void)err;
    (void)loop;
    ((bed*)udata)->is_closed = true;
}

static bool is_connected(void* udata)
{
    return ((const bed*)udata)->is_connected;
}

static bool is_closed(void* udata)
{
    return ((const bed*)udata)->is_closed;
}

static void bed_init_process(bed* b)
{
    b->loop = sim_loop_new(b->world, "worker");
    b->events = tnd_events_new(TND_EVENTS_FOREIGN, b->loop, 1);
    as_config client;
    as_config_init(&client);
    as_config_add_host(&client, "127.0.0.1", PORT);
    aerospike_init(&b->as, &client);
}

/* Before bed_connect b->as.config may be changed. */
static void bed_init_with(bed* b, const mc_config* config, uint64_t seed)
{
    memset(b, 0, sizeof(*b));
    b->world = sim_world_new(seed);
    b->cluster = sim_cluster_new(b->world, config, NULL, PORT);
    bed_init_process(b);
}

static void bed_init(bed* b, uint64_t seed)
{
    mc_config config = {.nodes = 3, .seed = seed};
    bed_init_with(b, &config, seed);
}

/* Another process in the world of `first`, which ends after it, on the same segment. */
static void bed_init_other(bed* b, const bed* first, const tnd_shm_sys* sys)
{
    memset(b, 0, sizeof(*b));
    b->world = first->world;
    b->cluster = first->cluster;
    b->sys = sys;
    bed_init_process(b);
    b->as.config.use_shm = true;
}

static void bed_connect(bed* b)
{
    as_error err;
    tnd_client_world world = {.pid = 1, .sys = b->sys};
    assert_int_equal(tnd_client_connect(&b->as, &err, &world, on_connect, b, b->events->entries),
                     AEROSPIKE_OK);
}

static void bed_connect_wait(bed* b)
{
    bed_connect(b);
    assert_true(sim_world_run_until(b->world, is_connected, b, 10 * SECOND));
    assert_int_equal(b->connect_status, AEROSPIKE_OK);
}

static void bed_open(bed* b, uint64_t seed)
{
    bed_init(b, seed);
    bed_connect_wait(b);
}

static void bed_close(bed* b)
{
    as_error err;
    assert_int_equal(aerospike_close_async(&b->as, &err, on_close, b, b->events->entries),
                     AEROSPIKE_OK);
    assert_null(b->as.cluster);
}

/* Everything of this process has ended, and nothing is left. */
static void bed_done_process(bed* b)
{
    aerospike_destroy(&b->as);
    tnd_events_free(b->events);
    sim_loop_usage usage = sim_loop_used(b->loop);
    assert_int_equal(usage.fds_count, 0);
    assert_int_equal(usage.timers_count, 0);
    assert_int_equal(usage.tasks_count, 0);
    assert_int_equal(usage.lookups_count, 0);
    assert_int_equal(usage.refs_count, 0);
}

static void bed_done(bed* b)
{
    bed_done_process(b);
    sim_world_free(b->world);
    sim_cluster_free(b->cluster);
}

static void bed_end_other(bed* b)
{
    bed_close(b);
    assert_true(sim_world_run_until(b->world, is_closed, b, 10 * SECOND));
    bed_done_process(b);
}

static void bed_end(bed* b)
{
    bed_close(b);
    assert_true(sim_world_run_until(b->world, is_closed, b, 10 * SECOND));
    bed_done(b);
}

/* ---- commands ---- */

static void outcome_take(outcome* o, const as_error* err)
{
    o->calls++;
    o->code = err ? err->code : AEROSPIKE_OK;
    o->in_doubt = err && err->in_doubt;
    o->end_us = sim_world_now_us(o->bed->world);
    if (o->bed->is_closed) {
        fail_msg("a listener after the close");
    }
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome_take(udata, err);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome* o = udata;
    outcome_take(o, err);
    o->value = record ? as_record_get_int64(record, "v", -1) : -1;
}

static bool is_over(void* udata)
{
    return ((const outcome*)udata)->calls > 0;
}

static void outcome_start(outcome* o, bed* b)
{
    *o = (outcome){.bed = b, .start_us = sim_world_now_us(b->world)};
}

static bool start_get(outcome* o, bed* b, int64_t id, const as_policy_read* policy)
{
    as_error err;
    as_key key;
    outcome_start(o, b);
    as_key_init_int64(&key, "test", "sim", id);
    as_status status =
        aerospike_key_get_async(&b->as, &err, policy, &key, on_record, o, b->events->entries, NULL);
    assert_int_equal(o->calls, 0);
    return status == AEROSPIKE_OK;
}

static bool start_put(outcome* o, bed* b, int64_t id, const as_policy_write* policy)
{
    as_error err;
    as_key key;
    as_record record;
    outcome_start(o, b);
    as_key_init_int64(&key, "test", "sim", id);
    as_record_inita(&record, 1);
    as_record_set_int64(&record, "v", id);
    as_status status = aerospike_key_put_async(&b->as, &err, policy, &key, &record, on_write, o,
                                               b->events->entries, NULL);
    assert_int_equal(o->calls, 0);
    return status == AEROSPIKE_OK;
}

static uint64_t wait_ms(outcome* o)
{
    assert_true(sim_world_run_until(o->bed->world, is_over, o, 100 * SECOND));
    assert_int_equal(o->calls, 1);
    return (o->end_us - o->start_us) / MS;
}

static void all_nodes(bed* b, const char* format)
{
    for (unsigned node = 0; node < 3; node++) {
        char line[64];
        snprintf(line, sizeof(line), format, node);
        sim_cluster_control(b->cluster, "%s", line);
    }
}

#pragma GCC diagnostic pop
