/*
 * Several workers on one simulated segment, in virtual time: who tends, and when, whatever happens
 * to whom.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_log.h>

#include "async/wake.h"
#include "async/worker.h"
#include "core/mem.h"
#include "tests/sim/cluster.h"
#include "tests/sim/shm.h"

#define KEY 0x7d000001
#define PORT 3000
#define WORKERS_MAX 16
#define NODES 3
#define NOBODY (-1)

typedef struct one {
    tnd_loop* loop;
    sim_shm_process* process;
    tnd_worker* worker;
    unsigned ready, maps;
    as_error error;    /* of on_ready */
    uint64_t ready_ms; /* when */
    bool must_stop;    /* at the next on_map */
    bool is_dead;
} one;

static struct {
    sim_world* world;
    sim_shm* shm;
    sim_cluster* cluster;
    as_config config;
    one all[WORKERS_MAX];
    unsigned count;
    unsigned tendings; /* log lines of workers that begin to tend */
    unsigned warnings;
    unsigned lines;
} bed;

static bool on_log(as_log_level level, const char* func, const char* file, uint32_t line,
                   const char* fmt, ...)
{
    (void)func;
    (void)file;
    (void)line;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bed.lines++;
    bed.tendings += strstr(text, "tends from now on") != NULL;
    bed.warnings += level <= AS_LOG_LEVEL_WARN;
    if (getenv("WORKER_VERBOSE")) {
        print_message("%llu %s\n", (unsigned long long)sim_world_now_us(bed.world) / 1000, text);
    }
    return true;
}

static uint64_t now_ms(void)
{
    return sim_world_now_us(bed.world) / 1000;
}

static void on_ready(void* udata, as_error* err)
{
    one* w = udata;
    w->ready++;
    w->ready_ms = now_ms();
    as_error_init(&w->error);
    if (err) {
        as_error_copy(&w->error, err);
    }
}

static void on_map(void* udata)
{
    one* w = udata;
    w->maps++;
    if (w->must_stop) {
        tnd_worker* worker = w->worker;
        w->worker = NULL;
        tnd_worker_stop(worker);
    }
}

static const tnd_worker_handler handler = {.on_ready = on_ready, .on_map = on_map};

static one* worker_start_as(uint32_t uid)
{
    one* w = &bed.all[bed.count];
    char name[16];
    snprintf(name, sizeof(name), "w%u", bed.count++);
    w->loop = sim_loop_new(bed.world, name);
    sim_loop_set_user(w->loop, uid, uid);
    w->process = sim_shm_process_new(bed.shm, uid);
    tnd_worker_config config = {
        .config = &bed.config,
        .handler = &handler,
        .udata = w,
        .sys = sim_shm_sys_of(w->process),
        .pid = bed.count,
        .uid = uid,
    };
    as_error err;
    as_error_init(&err);
    w->worker = tnd_worker_start(w->loop, &config, &err);
    if (!w->worker) {
        fail_msg("start: %s", err.message);
    }
    return w;
}

static one* worker_start(void)
{
    return worker_start_as(1000);
}

static void worker_stop(one* w)
{
    tnd_worker_stop(w->worker);
    w->worker = NULL;
}

static void worker_kill(one* w)
{
    sim_shm_kill(w->process);
    sim_loop_kill(w->loop);
    w->is_dead = true;
}

static void run_ms(uint64_t ms)
{
    sim_world_run_for(bed.world, ms * 1000);
}

static void bed_init(uint64_t seed, bool has_cluster)
{
    memset(&bed, 0, sizeof(bed));
    as_log_set_callback(on_log);
    as_log_set_level(AS_LOG_LEVEL_INFO);
    bed.world = sim_world_new(seed);
    bed.shm = sim_shm_new();
    const mc_config nodes = {
        .nodes = NODES,
        .namespaces = {{.name = "test", .replication_factor = 2}},
        .namespace_count = 1,
    };
    if (has_cluster) {
        bed.cluster = sim_cluster_new(bed.world, &nodes, NULL, PORT);
    }
    as_config_init(&bed.config);
    as_config_add_host(&bed.config, "127.0.0.1", PORT);
    bed.config.use_shm = true;
    bed.config.shm_key = KEY;
    bed.config.shm_takeover_threshold_sec = 3;
}

static void bed_start(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        worker_start();
    }
}

/* All that live must be clean, and the last one removes the segment. */
static void bed_done(void)
{
    for (unsigned i = 0; i < bed.count; i++) {
        one* w = &bed.all[i];
        if (w->worker) {
            worker_stop(w);
        }
        if (!w->is_dead) {
            sim_loop_usage left = sim_loop_used(w->loop);
            assert_int_equal(left.fds_count, 0);
            assert_int_equal(left.timers_count, 0);
            assert_int_equal(left.tasks_count, 0);
        }
    }
    assert_int_equal(sim_shm_count(bed.shm), 0);
    as_config_destroy(&bed.config);
    sim_world_free(bed.world);
    if (bed.cluster) {
        sim_cluster_free(bed.cluster);
    }
    sim_shm_free(bed.shm);
    as_log_set_callback(NULL);
}

/* ---- looking in from outside ---- */

static tnd_seg_control* control(void)
{
    uint8_t* base = sim_shm_peek(bed.shm, KEY);
    assert_non_null(base);
    return (tnd_seg_control*)(void*)(base + TND_PAGE_BYTES);
}

static uint32_t term(void)
{
    return (uint32_t)(atomic_load(&control()->owner) >> 32);
}

/* The worker that owns, by the pid in its slot. */
static int owner(void)
{
    uint8_t* base = sim_shm_peek(bed.shm, KEY);
    uint64_t slot = atomic_load(&control()->owner) & TND_OWNER_SLOT_MASK;
    if (!base || slot == 0) {
        return NOBODY;
    }
    tnd_seg_slot* slots = (tnd_seg_slot*)(void*)(base + 2 * TND_PAGE_BYTES);
    return (int)(atomic_load(&slots[slot - 1].pid_uid) >> 32) - 1;
}

static one* owning(void)
{
    int at = owner();
    assert_int_not_equal(at, NOBODY);
    return &bed.all[at];
}

/* Every one of them routes every partition to a node that it knows. */
static void check_routes(void)
{
    for (unsigned i = 0; i < bed.count; i++) {
        one* w = &bed.all[i];
        if (!w->worker || w->is_dead) {
            continue;
        }
        tnd_map* map = tnd_worker_map(w->worker);
        assert_true(tnd_map_refresh(map));
        const tnd_ns_rec* ns = tnd_map_namespace(map, "test");
        assert_non_null(ns);
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            uint64_t word = tnd_map_word(map, ns->table, p);
            assert_non_null(tnd_map_node(map, tnd_word_node(word, 0)));
        }
    }
}

static unsigned ready_count(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < bed.count; i++) {
        count += bed.all[i].ready == 1 && bed.all[i].error.code == AEROSPIKE_OK;
    }
    return count;
}

/* Events in so much virtual time. A quiet cluster and its tender have about 500 a second; a worker
 * that calls itself in each turn has millions. */
static uint64_t events_in(uint64_t ms)
{
    uint64_t end_us = sim_world_now_us(bed.world) + ms * 1000;
    uint64_t count = 0;
    while (sim_world_now_us(bed.world) < end_us && count < 1000000 && sim_world_step(bed.world)) {
        count++;
    }
    return count;
}

/* ---- tests ---- */

static void test_election(void** state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        bed_init(seed, true);
        bed_start(4);
        run_ms(200);
        assert_int_equal(ready_count(), 4);
        assert_int_equal(bed.tendings, 1);
        assert_int_equal(term(), 1);
        uint64_t first_ms = UINT64_MAX;
        for (unsigned i = 0; i < 4; i++) {
            first_ms = bed.all[i].ready_ms < first_ms ? bed.all[i].ready_ms : first_ms;
        }
        for (unsigned i = 0; i < 4; i++) {
            assert_true(bed.all[i].ready_ms <= first_ms + 5); /* told, not found by the tick */
        }
        check_routes();
        uint64_t joined_ms = now_ms();
        one* late = worker_start();
        run_ms(5);
        assert_int_equal(late->ready, 1);
        assert_true(late->ready_ms <= joined_ms + 1);
        run_ms(10000);
        assert_int_equal(bed.tendings, 1);
        assert_int_equal(bed.warnings, 0);
        bed_done();
    }
}

/* Whenever the second comes: it is ready when the map is, or at once. */
static void test_second_at_any_time(void** state)
{
    (void)state;
    for (uint64_t delay_us = 0; delay_us < 5000; delay_us += 50) {
        bed_init(delay_us + 1, true);
        one* first = worker_start();
        sim_world_run_for(bed.world, delay_us);
        uint64_t joined_ms = now_ms();
        one* second = worker_start();
        run_ms(500);
        assert_int_equal(ready_count(), 2);
        uint64_t from_ms = first->ready_ms > joined_ms ? first->ready_ms : joined_ms;
        assert_true(second->ready_ms <= from_ms + 2);
        bed_done();
    }
}

static void test_deaths(void** state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        bed_init(seed, true);
        bed_start(6);
        run_ms(seed % 5 * 40); /* some die before they have published */
        for (unsigned i = 0; i < 5; i++) {
            if (owner() == NOBODY) {
                run_ms(5);
            }
            uint32_t before = term();
            worker_kill(owning());
            run_ms(20);
            assert_true(owner() != NOBODY && !owning()->is_dead);
            assert_int_equal(term(), before + 1);
            run_ms(seed * 10);
        }
        run_ms(1000);
        check_routes();
        assert_int_equal(bed.warnings, 0);
        bed_done();
    }
}

/* Containers that share IPC but no network: timers do it. */
static void test_no_common_network(void** state)
{
    (void)state;
    bed_init(3, true);
    bed_start(3);
    uint8_t* base = sim_shm_peek(bed.shm, KEY);
    tnd_seg_header* header = (tnd_seg_header*)(void*)base;
    tnd_seg_slot* slots = (tnd_seg_slot*)(void*)(base + 2 * TND_PAGE_BYTES);
    for (unsigned i = 0; i < 3; i++) {
        struct sockaddr_un addr;
        socklen_t len =
            tnd_wake_address(atomic_load(&header->nonce), i,
                             atomic_load(&slots[i].state) >> TND_SLOT_NONCE_SHIFT, &addr);
        sim_net_link(bed.world, NULL, (struct sockaddr*)&addr, len)->is_refusing = true;
    }
    run_ms(1500);
    assert_int_equal(ready_count(), 3);
    assert_true(events_in(10000) < 10000);
    assert_int_equal(bed.tendings, 1);
    worker_kill(owning());
    run_ms(1100);
    assert_int_equal(bed.tendings, 2);
    assert_false(owning()->is_dead);
    check_routes();
    bed_done();
}

static void test_release(void** state)
{
    (void)state;
    bed_init(4, true);
    bed_start(4);
    run_ms(300);
    for (unsigned i = 1; i <= 3; i++) {
        worker_stop(owning());
        run_ms(20);
        assert_int_equal(bed.tendings, i + 1);
        assert_non_null(owning()->worker);
    }
    check_routes();
    worker_stop(owning());
    assert_int_equal(sim_shm_count(bed.shm), 0);
    bed_done();
}

static void test_pause(void** state)
{
    (void)state;
    bed_init(5, true);
    bed_start(3);
    run_ms(300);
    one* first = owning();
    tnd_worker_pause(first->worker);
    run_ms(20);
    one* second = owning();
    assert_ptr_not_equal(first, second);
    tnd_worker_resume(first->worker);
    run_ms(3000);
    assert_ptr_equal(owning(), second);
    for (unsigned i = 0; i < 3; i++) {
        tnd_worker_pause(bed.all[i].worker);
    }
    run_ms(10000);
    assert_int_equal(owner(), NOBODY); /* nobody's loop turns */
    tnd_worker_resume(bed.all[2].worker);
    run_ms(20);
    assert_int_equal(owner(), 2);
    check_routes();
    bed_done();
}

static void test_drain(void** state)
{
    (void)state;
    bed_init(6, true);
    bed_start(3);
    run_ms(300);
    for (unsigned i = 0; i < 2; i++) {
        one* before = owning();
        tnd_worker_drain(before->worker);
        run_ms(20);
        assert_ptr_not_equal(owning(), before);
    }
    one* last = owning();
    tnd_worker_drain(last->worker);
    run_ms(5000);
    assert_ptr_equal(owning(), last); /* none but draining ones are left */
    worker_kill(last);
    run_ms(1100);
    assert_ptr_not_equal(owning(), last);
    unsigned tendings = bed.tendings;
    one* fresh = worker_start();
    run_ms(1100);
    assert_ptr_equal(owning(), fresh); /* somebody better has come */
    assert_int_equal(bed.tendings, tendings + 1);
    run_ms(5000);
    assert_int_equal(bed.tendings, tendings + 1);
    check_routes();
    bed_done();
}

/* The one that should take the role is stopped: the draining one stands in, and gives way later. */
static void test_draining_stands_in(void** state)
{
    (void)state;
    bed_init(18, true);
    bed_start(2);
    run_ms(300);
    one* draining = owning();
    one* stopped = draining == &bed.all[0] ? &bed.all[1] : &bed.all[0];
    sim_loop_stop(stopped->loop);
    tnd_worker_drain(draining->worker);
    run_ms(20);
    assert_int_equal(owner(), NOBODY);
    run_ms(3000);
    assert_ptr_equal(owning(), draining);
    run_ms(3000);
    assert_ptr_equal(owning(), draining);
    one* fresh = worker_start();
    run_ms(12000);
    assert_ptr_equal(owning(), fresh);
    check_routes();
    bed_done();
}

static void test_stopped_owner(void** state)
{
    (void)state;
    bed_init(7, true);
    bed_start(3);
    run_ms(300);
    one* stopped = owning();
    sim_loop_stop(stopped->loop);
    run_ms(2500);
    assert_ptr_equal(owning(), stopped);
    run_ms(1800);
    one* next = owning();
    assert_ptr_not_equal(next, stopped);
    uint32_t its = term();
    run_ms(20000);
    sim_loop_continue(stopped->loop);
    run_ms(5000);
    assert_ptr_equal(owning(), next);
    assert_int_equal(term(), its);
    assert_int_equal(bed.tendings, 2);
    check_routes();
    bed_done();
}

/* A whole host that was suspended: the owner finds its own heartbeat expired, and owns anew. */
static void test_all_stopped(void** state)
{
    (void)state;
    bed_init(8, true);
    bed_start(3);
    run_ms(300);
    for (unsigned i = 0; i < 3; i++) {
        sim_loop_stop(bed.all[i].loop);
    }
    run_ms(60000);
    for (unsigned i = 0; i < 3; i++) {
        sim_loop_continue(bed.all[i].loop);
    }
    run_ms(1500);
    assert_true(owner() != NOBODY);
    assert_true(term() >= 2 && term() <= 3);
    check_routes();
    assert_true(events_in(5000) < 5000);
    bed_done();
}

static void test_segment_removed(void** state)
{
    (void)state;
    bed_init(9, true);
    bed_start(4);
    run_ms(300);
    for (int i = 0; i < 3; i++) {
        unsigned lines = bed.lines;
        assert_true(sim_shm_remove(bed.shm, KEY));
        for (int j = 0; j < 1500; j++) {
            run_ms(1);
            check_routes(); /* by the old map or by the new one */
        }
        assert_int_equal(sim_shm_count(bed.shm), 1);
        assert_int_not_equal(owner(), NOBODY);
        assert_true(bed.lines - lines <= 8); /* not one per worker */
        assert_int_equal(bed.warnings, 0);
    }
    assert_int_equal(ready_count(), 4);
    bed_done();
}

/* No other segment is to be had: they go on by what they have. */
static void test_segment_removed_and_refused(void** state)
{
    (void)state;
    bed_init(10, true);
    bed_start(2);
    run_ms(300);
    sim_shm_refuse(bed.shm, ENOSPC, 20);
    assert_true(sim_shm_remove(bed.shm, KEY));
    run_ms(5000);
    check_routes();
    assert_true(bed.warnings >= 1 && bed.warnings <= 2);
    run_ms(10000);
    assert_int_equal(sim_shm_count(bed.shm), 1);
    assert_int_not_equal(owner(), NOBODY);
    check_routes();
    bed_done();
}

/* Nobody answers: everybody is told, not only who tends. */
static void test_no_seed_answers(void** state)
{
    (void)state;
    bed_init(11, false);
    bed_start(3);
    run_ms(4000);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(bed.all[i].ready, 1);
        assert_int_not_equal(bed.all[i].error.code, AEROSPIKE_OK);
        assert_true(strlen(bed.all[i].error.message) > 20);
    }
    one* late = worker_start();
    run_ms(10);
    assert_int_equal(late->ready, 1);
    const mc_config nodes = {
        .nodes = NODES,
        .namespaces = {{.name = "test", .replication_factor = 2}},
        .namespace_count = 1,
    };
    bed.cluster = sim_cluster_new(bed.world, &nodes, NULL, PORT);
    run_ms(5000);
    check_routes();
    bed_done();
}

/* Workers of several users in a segment that all of them may write: whoever dies, the others know
 * at once. */
static void several_users(uint64_t seed, bool owner_is_last)
{
    bed_init(seed, true);
    bed.config.shm_mode = 0666;
    for (uint32_t i = 0; i < 6; i++) {
        worker_start_as(1000 + i % 3);
    }
    run_ms(300);
    assert_int_equal(ready_count(), 6);
    for (unsigned i = 0; i < 5; i++) {
        uint32_t before = term();
        worker_kill(owning());
        run_ms(20);
        assert_true(owner() != NOBODY && !owning()->is_dead);
        assert_int_equal(term(), before + 1);
    }
    check_routes();
    /* The last one out may not remove a segment of another user: whoever comes uses it. */
    one* last = worker_start_as(owner_is_last ? 1000 : 1001);
    worker_stop(owning());
    run_ms(20);
    check_routes();
    worker_stop(last);
    assert_int_equal(sim_shm_count(bed.shm), owner_is_last ? 0 : 1);
    one* next = worker_start_as(1002);
    run_ms(300);
    assert_ptr_equal(owning(), next);
    check_routes();
    worker_start_as(owner_is_last ? 1002 : 1000); /* whose segment it is now */
    run_ms(300);
    worker_stop(next);
    bed_done();
}

static void test_several_users(void** state)
{
    (void)state;
    several_users(24, true);
    several_users(25, false);
}

/* Out of descriptors: others do it, a draining one too. */
static void test_exhausted(void** state)
{
    (void)state;
    bed_init(12, true);
    bed_start(2);
    run_ms(300);
    one* poor = owning();
    one* other = &bed.all[poor == &bed.all[0]];
    tnd_worker_drain(other->worker);
    sim_loop_faults(poor->loop)->fds_max = 1;
    sim_cluster_control(bed.cluster, "kill 0"); /* a connection is to be made again */
    run_ms(3000);
    assert_ptr_equal(owning(), other);
    run_ms(4000); /* the bar is lifted; the poor one tries again, and fails again */
    run_ms(4000);
    check_routes();
    sim_loop_faults(poor->loop)->fds_max = 1024;
    run_ms(8000);
    assert_ptr_equal(owning(), poor);
    bed_done();
}

/* Where nobody else could do it, the poor one tries again soon. */
static void test_exhausted_alone(void** state)
{
    (void)state;
    for (int use_shm = 0; use_shm < 2; use_shm++) {
        bed_init(14, true);
        bed.config.use_shm = use_shm;
        bed_start(1);
        run_ms(300);
        sim_loop_faults(bed.all[0].loop)->fds_max = 1;
        sim_cluster_control(bed.cluster, "kill 0");
        run_ms(900);
        unsigned tendings = bed.tendings;
        sim_loop_faults(bed.all[0].loop)->fds_max = 1024;
        run_ms(2000);
        assert_int_equal(bed.tendings, tendings + 1);
        check_routes();
        bed_done();
    }
}

/* Who may only read the segment routes, and never owns. */
static void test_read_only(void** state)
{
    (void)state;
    bed_init(13, true);
    bed.config.shm_mode = 0644;
    bed_start(1);
    run_ms(300);
    one* reader = worker_start_as(2000);
    run_ms(1200);
    assert_int_equal(reader->ready, 1);
    assert_int_equal(owner(), 0);
    check_routes();
    worker_kill(&bed.all[0]);
    run_ms(5000);
    check_routes();
    tnd_worker_ask(reader->worker, 0);
    assert_true(events_in(5000) < 5000);
    worker_start();
    run_ms(1200);
    assert_int_equal(owner(), 2);
    worker_stop(reader);
    bed_done();
}

/* All were killed; a while later some start again. */
static void leave_map_behind(uint64_t seed, unsigned later_ms)
{
    bed_init(seed, true);
    bed_start(2);
    run_ms(2000);
    worker_kill(&bed.all[0]);
    worker_kill(&bed.all[1]);
    run_ms(later_ms);
}

/* Left a moment ago: worth as much as that of an owner that was stopped for that long. */
static void test_map_left_a_moment_ago(void** state)
{
    (void)state;
    leave_map_behind(19, 500);
    one* w = worker_start();
    run_ms(1);
    assert_int_equal(w->ready, 1);
    assert_int_equal(w->error.code, AEROSPIKE_OK);
    run_ms(1000);
    check_routes();
    bed_done();
}

/* Does its map send commands to this node of the cluster? */
static bool routes_to(one* w, int node)
{
    char id[20];
    mc_node_name(sim_cluster_mc(bed.cluster), node, id);
    tnd_map* map = tnd_worker_map(w->worker);
    tnd_map_refresh(map);
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        const tnd_node_rec* rec = tnd_map_node(map, tnd_word_node(tnd_map_word(map, 0, p), 0));
        if (rec && strcmp(rec->name, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Left long ago: whoever comes checks it first, and all wait for that. */
static void test_map_left_long_ago(void** state)
{
    (void)state;
    leave_map_behind(20, 1000);
    sim_cluster_control(bed.cluster, "kill 1 noticed"); /* it knows a node that isn't there */
    run_ms(9000);
    bed_start(3);
    assert_true(routes_to(&bed.all[2], 1));
    while (bed.all[2].ready + bed.all[3].ready + bed.all[4].ready == 0) {
        assert_true(sim_world_step(bed.world));
    }
    assert_false(routes_to(&bed.all[2], 1)); /* the first who is told may rely on it */
    run_ms(2000);
    assert_int_equal(ready_count(), 2 + 3);
    check_routes();
    one* late = worker_start();
    run_ms(2);
    assert_int_equal(late->ready, 1); /* it is looked after now */
    bed_done();
}

/* Left long ago, and the cluster is gone: nobody is told that all is well. */
static void test_map_left_without_cluster(void** state)
{
    (void)state;
    leave_map_behind(21, 10000);
    for (int i = 0; i < NODES; i++) {
        char line[16];
        snprintf(line, sizeof(line), "refuse %d", i);
        sim_cluster_control(bed.cluster, line);
    }
    bed_start(3);
    run_ms(10000);
    for (unsigned i = 2; i < 5; i++) {
        assert_int_equal(bed.all[i].ready, 1);
        assert_int_not_equal(bed.all[i].error.code, AEROSPIKE_OK);
        assert_false(tnd_worker_is_ready(bed.all[i].worker));
    }
    sim_cluster_control(bed.cluster, "clear");
    run_ms(5000);
    for (unsigned i = 2; i < 5; i++) {
        assert_true(tnd_worker_is_ready(bed.all[i].worker));
    }
    check_routes();
    bed_done();
}

/* A segment from before the boot: stamps far ahead of a clock that has begun anew, and an owner
 * whose death nobody can prove any more. */
static void test_clock_anew(void** state)
{
    (void)state;
    bed_init(22, true);
    bed_start(1);
    run_ms(2000);
    one* before = &bed.all[0];
    sim_loop_stop(before->loop);
    uint8_t* base = sim_shm_peek(bed.shm, KEY);
    tnd_seg_slot* slots = (tnd_seg_slot*)(void*)(base + 2 * TND_PAGE_BYTES);
    const uint64_t boot_ms = 864000000;
    atomic_fetch_add(&slots[0].heartbeat_ms, boot_ms);
    atomic_fetch_add(&slots[0].claimed_ms, boot_ms);
    atomic_fetch_add(&control()->checked_ms, boot_ms);
    one* after = worker_start();
    run_ms(100);
    assert_ptr_equal(owning(), after);
    assert_int_equal(after->ready, 1);
    assert_int_equal(after->error.code, AEROSPIKE_OK);
    check_routes();
    bed_done();
}

/* What all of them find out is said by one of them. */
static void test_facts_are_told_once(void** state)
{
    (void)state;
    bed_init(23, true);
    bed_start(6);
    run_ms(300);
    sim_shm_refuse(bed.shm, ENOSPC, 1000);
    assert_true(sim_shm_remove(bed.shm, KEY));
    run_ms(20000);
    check_routes();
    assert_int_equal(bed.warnings, 1);
    run_ms(20000);
    assert_int_equal(bed.warnings, 2);
    sim_shm_refuse(bed.shm, ENOSPC, 0);
    run_ms(3000);
    assert_int_equal(sim_shm_count(bed.shm), 1);
    bed_done();
}

/* The owner word says what nobody has written. */
static void test_damaged_owner_word(void** state)
{
    (void)state;
    const uint64_t words[] = {1, 2, 3, 0xffff, 9ULL << 32 | 200, UINT64_MAX & ~TND_OWNER_RETIRED};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        bed_init(14, true);
        bed_start(3);
        run_ms(300);
        atomic_store(&control()->owner, words[i]);
        assert_true(events_in(10000) < 10000);
        assert_int_not_equal(owner(), NOBODY);
        unsigned tendings = bed.tendings;
        run_ms(10000);
        assert_int_equal(bed.tendings, tendings);
        check_routes();
        bed_done();
    }
}

/* Asked by a follower, a node is looked at at once; asking often costs nothing. */
static void test_asked(void** state)
{
    (void)state;
    bed_init(15, true);
    bed.config.tender_interval = 60000;
    bed_start(2);
    run_ms(3000);
    one* follower = &bed.all[owner() == 0];
    uint64_t before = sim_cluster_stat(bed.cluster, 0, "info");
    run_ms(2000);
    assert_int_equal(sim_cluster_stat(bed.cluster, 0, "info"), before);
    for (int i = 0; i < 1000; i++) {
        tnd_worker_ask(follower->worker, 0);
    }
    run_ms(20);
    uint64_t after = sim_cluster_stat(bed.cluster, 0, "info");
    assert_true(after > before && after <= before + 3);
    bed_done();
}

/* A listener may end the client, inside of any callback. */
static void test_stopped_in_a_callback(void** state)
{
    (void)state;
    for (unsigned which = 0; which < 3; which++) {
        bed_init(16, true);
        bed_start(3);
        bed.all[which].must_stop = true;
        run_ms(3000);
        assert_null(bed.all[which].worker);
        assert_int_not_equal(owner(), NOBODY);
        check_routes();
        bed_done();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_election),
        cmocka_unit_test(test_second_at_any_time),
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_no_common_network),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_draining_stands_in),
        cmocka_unit_test(test_stopped_owner),
        cmocka_unit_test(test_all_stopped),
        cmocka_unit_test(test_segment_removed),
        cmocka_unit_test(test_segment_removed_and_refused),
        cmocka_unit_test(test_no_seed_answers),
        cmocka_unit_test(test_several_users),
        cmocka_unit_test(test_exhausted),
        cmocka_unit_test(test_exhausted_alone),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_damaged_owner_word),
        cmocka_unit_test(test_map_left_a_moment_ago),
        cmocka_unit_test(test_map_left_long_ago),
        cmocka_unit_test(test_map_left_without_cluster),
        cmocka_unit_test(test_clock_anew),
        cmocka_unit_test(test_facts_are_told_once),
        cmocka_unit_test(test_asked),
        cmocka_unit_test(test_stopped_in_a_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
