/*
 * Failure loops: a host of three workers lives through connect, commands, a takeover, a node's
 * death and close, again and again; in each life the n-th call of one kind that one of them makes
 * fails, alone or with all that follow for a while, n = 1, 2, ... until a life passes untouched.
 *
 * After each life: every accepted command had one listener call with an error that makes sense, and
 * what it read was true; the other workers noticed nothing; the map is the cluster's again; no
 * memory, descriptor, timer, task or look-up is left, and no segment.
 *
 * SIM_FAIL="kind variant window_us victim nth" runs one life, SIM_FAIL_MS another window.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "async/client.h"
#include "core/mem.h"
#include "tests/lib/sanitize.h"
#include "tests/sim/cluster.h"
#include "tests/sim/fail.h"
#include "tests/sim/shm.h"
#include <aerospike/aerospike_key.h>
#include <aerospike/as_log.h>

#define MS 1000ull
#define SECOND 1000000ull
#define PORT 3000
#define SEGMENT_KEY 0x7d000003
#define WORKERS 3
#define NODES 3
#define OUTCOMES_MAX 64
#define SMALL_BYTES 20
#define BIG_BYTES 90000
#define WINDOW_BYTES 16384 /* big requests don't fit at once */

/* Who does what: the first tends and is killed, the second takes over and closes, the third is
 * never the victim and lives longest. */
enum {
    FIRST,
    SECOND_ONE,
    WITNESS
};

/* ---- the bed ---- */

typedef struct worker worker;

typedef struct outcome {
    worker* owner;
    const char* what;
    int64_t id; /* of the record */
    bool is_read;
    bool is_select; /* without the bytes */
    bool is_header;
    size_t bytes; /* of a record that is read or written */
    unsigned calls;
    as_status code;
    char message[sizeof(((as_error*)0)->message)];
} outcome;

struct worker {
    unsigned index;
    tnd_loop* loop;
    sim_shm_process* process;
    sim_fail_process fail;
    tnd_events* events;
    aerospike as;
    bool is_dead;
    bool is_told;     /* by the listener of connect or close */
    as_status status; /* what it was told */
    outcome outcomes[OUTCOMES_MAX];
    unsigned outcomes_count;
};

static struct {
    sim_world* world;
    sim_shm* shm;
    sim_cluster* cluster;
    worker workers[WORKERS];
    unsigned victim;
    sim_fail_plan plan;
    char log[16384];
} bed;

static uint8_t blob[BIG_BYTES];

static bool on_log(as_log_level level, const char* func, const char* file, uint32_t line,
                   const char* fmt, ...)
{
    (void)func;
    (void)file;
    (void)line;
    size_t size = strlen(bed.log);
    va_list args;
    va_start(args, fmt);
    if (size + 600 < sizeof(bed.log)) {
        size += (size_t)snprintf(bed.log + size, 64, "%.3f %s ",
                                 (double)(sim_world_now_us(bed.world) - 1000 * SECOND) * 1e-6,
                                 as_log_level_tostring(level));
        size += (size_t)vsnprintf(bed.log + size, 500, fmt, args);
        snprintf(bed.log + size, 2, "\n");
    }
    va_end(args);
    return true;
}

static void fail_life(const char* what, const worker* w)
{
    print_message("%s\n", bed.log);
    fail_msg("%s (worker %u). SIM_FAIL=\"%u %u %llu %u %llu\" (%s)", what, w ? w->index : 99,
             (unsigned)bed.plan.kind, bed.plan.variant, (unsigned long long)bed.plan.window_us,
             bed.victim, (unsigned long long)bed.plan.nth, sim_fail_name(bed.plan.kind));
}

static void run_ms(uint64_t ms)
{
    sim_world_run_for(bed.world, ms * MS);
}

static bool is_victim(const worker* w)
{
    return w->index == bed.victim && bed.plan.nth > 0;
}

/* ---- connecting and closing ---- */

static void on_told(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    worker* w = udata;
    if (!w->is_dead) {
        w->is_told = true;
        w->status = err ? err->code : AEROSPIKE_OK;
    }
}

static bool is_told(void* udata)
{
    return ((const worker*)udata)->is_told;
}

static void worker_config(const worker* w, as_config* ret_config)
{
    as_config_init(ret_config);
    as_config_add_host(ret_config, "seed.example", PORT);
    ret_config->use_shm = true;
    ret_config->shm_key = SEGMENT_KEY;
    ret_config->shm_takeover_threshold_sec = 3;
    ret_config->async_max_conns_per_node = w->index == FIRST ? 2 : 100;
}

static void worker_init(worker* w, unsigned index)
{
    char name[16];
    snprintf(name, sizeof(name), "w%u", index);
    w->index = index;
    w->loop = sim_loop_new(bed.world, name);
    sim_loop_faults(w->loop)->window_bytes = WINDOW_BYTES;
    /* So that the second one is faster when the first has died. */
    sim_loop_faults(w->loop)->wake_late_us_max = index == WITNESS ? 3 * MS : 0;
    w->process = sim_shm_process_new(bed.shm, 1000);
    sim_fail_process_init(&w->fail, w->loop, sim_shm_sys_of(w->process));
    w->events = tnd_events_new(TND_EVENTS_FOREIGN, w->loop, 1);
    assert_non_null(w->events);
    as_config config;
    worker_config(w, &config);
    aerospike_init(&w->as, &config);
}

/* One attempt. True once connected. */
static bool worker_try_connect(worker* w)
{
    as_error err;
    tnd_client_world world = {.sys = &w->fail.sys, .pid = 1 + w->index, .uid = 1000};
    w->is_told = false;
    sim_fail_enter(&w->fail);
    as_status status = tnd_client_connect(&w->as, &err, &world, on_told, w, w->events->entries);
    sim_fail_leave();
    if (status != AEROSPIKE_OK) {
        if (!is_victim(w) || err.message[0] == '\0') {
            fail_life("refused to connect", w);
        }
        return false;
    }
    if (!sim_world_run_until(bed.world, is_told, w, 20 * SECOND)) {
        fail_life("no answer to connect", w);
    }
    return w->status == AEROSPIKE_OK;
}

static void worker_connect(worker* w)
{
    for (int i = 0; !worker_try_connect(w); i++) {
        if (i == 100 || !is_victim(w)) {
            fail_life("not connected", w);
        }
        run_ms(100);
    }
}

/* One attempt. */
static bool worker_try_close(worker* w)
{
    as_error err;
    w->is_told = false;
    sim_fail_enter(&w->fail);
    as_status status = aerospike_close_async(&w->as, &err, on_told, w, w->events->entries);
    sim_fail_leave();
    if (status == AEROSPIKE_OK && !sim_world_run_until(bed.world, is_told, w, 10 * SECOND)) {
        fail_life("no answer to close", w);
    }
    return status == AEROSPIKE_OK;
}

static void worker_close(worker* w)
{
    while (!worker_try_close(w)) {
        if (!is_victim(w)) {
            fail_life("refused to close", w);
        }
        run_ms(100);
    }
    sim_loop_usage left = sim_loop_used(w->loop);
    if (left.fds_count || left.timers_count || left.tasks_count || left.lookups_count ||
        left.refs_count) {
        fail_life("left on the loop after close", w);
    }
}

static void worker_kill(worker* w)
{
    sim_shm_kill(w->process);
    sim_loop_kill(w->loop);
    w->is_dead = true;
}

/* Memory only: of a dead one nothing but that is left. */
static void worker_done(worker* w)
{
    w->is_dead = true;
    aerospike_destroy(&w->as);
    tnd_events_free(w->events);
}

/* ---- commands ---- */

static void outcome_take(outcome* o, const as_error* err)
{
    if (o->owner->is_dead) {
        return;
    }
    o->calls++;
    o->code = err ? err->code : AEROSPIKE_OK;
    snprintf(o->message, sizeof(o->message), "%s", err ? err->message : "");
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome_take(udata, err);
}

/* What was read is what was written, whole. */
static void check_record(const outcome* o, const as_record* record)
{
    if (o->is_header) {
        return;
    }
    if (as_record_get_int64(record, "id", -1) != o->id) {
        fail_life("another record came", o->owner);
    }
    const as_bytes* bytes = as_record_get_bytes(record, "bytes");
    if (!o->is_select && (!bytes || as_bytes_size(bytes) != o->bytes ||
                          memcmp(as_bytes_get(bytes), blob, o->bytes) != 0)) {
        fail_life("other bytes came", o->owner);
    }
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    outcome* o = udata;
    outcome_take(o, err);
    if (!o->owner->is_dead && record) {
        check_record(o, record);
    }
}

static void base_set(as_policy_base* base)
{
    base->total_timeout = 8000;
    base->socket_timeout = 400;
    base->max_retries = 20;
    base->sleep_between_retries = 60;
}

static outcome* outcome_new(worker* w, const char* what, int64_t id, size_t bytes)
{
    assert_true(w->outcomes_count < OUTCOMES_MAX);
    outcome* o = &w->outcomes[w->outcomes_count++];
    *o = (outcome){.owner = w, .what = what, .id = 1000 * w->index + id, .bytes = bytes};
    return o;
}

static void outcome_key(const outcome* o, as_key* ret_key)
{
    as_key_init_int64(ret_key, "test", "sim", o->id);
}

/* Called back, or refused with a reason at once. */
static void outcome_started(outcome* o, as_status status, const as_error* err)
{
    sim_fail_leave();
    assert_int_equal(o->calls, 0);
    if (status == AEROSPIKE_OK) {
        return;
    }
    if (!is_victim(o->owner) || err->message[0] == '\0' || status != err->code) {
        fail_life("a command was refused", o->owner);
    }
    o->owner->outcomes_count--;
}

static void start_put(worker* w, int64_t id, size_t bytes)
{
    as_error err;
    as_key key;
    as_record record;
    as_policy_write policy;
    outcome* o = outcome_new(w, "put", id, bytes);
    outcome_key(o, &key);
    as_record_inita(&record, 2);
    as_record_set_int64(&record, "id", o->id);
    as_record_set_rawp(&record, "bytes", blob, (uint32_t)bytes, false);
    as_policy_write_init(&policy);
    base_set(&policy.base);
    sim_fail_enter(&w->fail);
    as_status status = aerospike_key_put_async(&w->as, &err, &policy, &key, &record, on_write, o,
                                               w->events->entries, NULL);
    outcome_started(o, status, &err);
}

static void start_remove(worker* w, int64_t id)
{
    as_error err;
    as_key key;
    as_policy_remove policy;
    outcome* o = outcome_new(w, "remove", id, 0);
    outcome_key(o, &key);
    as_policy_remove_init(&policy);
    base_set(&policy.base);
    sim_fail_enter(&w->fail);
    as_status status = aerospike_key_remove_async(&w->as, &err, &policy, &key, on_write, o,
                                                  w->events->entries, NULL);
    outcome_started(o, status, &err);
}

static void start_read(worker* w, const char* what, int64_t id, size_t bytes)
{
    as_error err;
    as_key key;
    as_policy_read policy;
    const char* names[] = {"id", NULL};
    outcome* o = outcome_new(w, what, id, bytes);
    o->is_read = true;
    o->is_select = strcmp(what, "select") == 0;
    o->is_header = strcmp(what, "exists") == 0;
    outcome_key(o, &key);
    as_policy_read_init(&policy);
    base_set(&policy.base);
    policy.replica = AS_POLICY_REPLICA_SEQUENCE;
    as_event_loop* entry = w->events->entries;
    sim_fail_enter(&w->fail);
    as_status status =
        o->is_select ? aerospike_key_select_async(&w->as, &err, &policy, &key, names, on_record, o,
                                                  entry, NULL)
        : o->is_header
            ? aerospike_key_exists_async(&w->as, &err, &policy, &key, on_record, o, entry, NULL)
            : aerospike_key_get_async(&w->as, &err, &policy, &key, on_record, o, entry, NULL);
    outcome_started(o, status, &err);
}

static bool are_over(void* udata)
{
    (void)udata;
    for (unsigned i = 0; i < WORKERS; i++) {
        const worker* w = &bed.workers[i];
        for (unsigned k = 0; k < w->outcomes_count && !w->is_dead; k++) {
            if (w->outcomes[k].calls == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Of the victim: what a lack of memory, descriptors or connections may lead to. */
static bool may_end_so(const outcome* o)
{
    switch (o->code) {
    case AEROSPIKE_OK:
        return true;
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
    case AEROSPIKE_ERR_CLIENT:
    case AEROSPIKE_ERR_ASYNC_CONNECTION:
    case AEROSPIKE_ERR_TIMEOUT:
    case AEROSPIKE_ERR_INVALID_NODE:
    case AEROSPIKE_ERR_NO_MORE_CONNECTIONS:
        return is_victim(o->owner) && o->message[0] != '\0';
    default:
        return false;
    }
}

static void outcomes_check(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        worker* w = &bed.workers[i];
        for (unsigned k = 0; k < w->outcomes_count && !w->is_dead; k++) {
            const outcome* o = &w->outcomes[k];
            if (o->calls != 1 || !may_end_so(o)) {
                print_message("%s of %lld: %u calls, %d %s\n", o->what, (long long)o->id, o->calls,
                              o->code, o->message);
                fail_life("a command ended otherwise", w);
            }
        }
        w->outcomes_count = 0;
    }
}

static void outcomes_wait(void)
{
    if (!sim_world_run_until(bed.world, are_over, NULL, 15 * SECOND)) {
        outcomes_check();
    }
    outcomes_check();
}

/* ---- a life ---- */

static void bed_init(void)
{
    static const char* const seeds[] = {"127.0.0.1", NULL};
    const mc_config config = {
        .nodes = NODES,
        .namespaces = {{.name = "test", .replication_factor = 2, .record_bytes_max = 1 << 20}},
        .namespace_count = 1,
    };
    memset(&bed.workers, 0, sizeof(bed.workers));
    bed.log[0] = '\0';
    bed.world = sim_world_new(11);
    bed.shm = sim_shm_new();
    bed.cluster = sim_cluster_new(bed.world, &config, NULL, PORT);
    sim_name_set(bed.world, "seed.example", 0, seeds, 500);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_init(&bed.workers[i], i);
    }
}

static void bed_done(void)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_done(&bed.workers[i]);
    }
    if (sim_shm_count(bed.shm) != 0) {
        fail_life("a segment is left", NULL);
    }
    sim_world_free(bed.world);
    sim_cluster_free(bed.cluster);
    sim_shm_free(bed.shm);
}

static void use_all(worker* w)
{
    start_put(w, 1, SMALL_BYTES);
    start_put(w, 2, BIG_BYTES);
    outcomes_wait();
    start_read(w, "get", 1, SMALL_BYTES);
    start_read(w, "get", 2, BIG_BYTES);
    start_read(w, "select", 2, BIG_BYTES);
    start_read(w, "exists", 1, 0);
    outcomes_wait();
    start_put(w, 3, SMALL_BYTES);
    outcomes_wait();
    start_remove(w, 3);
    outcomes_wait();
}

static void read_some(worker* w)
{
    start_read(w, "get", 1, SMALL_BYTES);
    start_read(w, "get", 2, BIG_BYTES);
}

/* The takeover, amid commands. */
static void lose_the_first(void)
{
    read_some(&bed.workers[SECOND_ONE]);
    read_some(&bed.workers[WITNESS]);
    worker_kill(&bed.workers[FIRST]);
    outcomes_wait();
    run_ms(30);
}

static void lose_a_node(void)
{
    read_some(&bed.workers[SECOND_ONE]);
    read_some(&bed.workers[WITNESS]);
    sim_cluster_control(bed.cluster, "kill %d", NODES - 1);
    outcomes_wait();
    run_ms(2500);
    read_some(&bed.workers[SECOND_ONE]);
    read_some(&bed.workers[WITNESS]);
    outcomes_wait();
}

static bool map_is_right(void* udata)
{
    const worker* w = udata;
    tnd_map* map = tnd_worker_map(w->as.cluster->main->worker);
    mc_cluster* mc = sim_cluster_mc(bed.cluster);
    tnd_map_refresh(map);
    const tnd_ns_rec* ns = tnd_map_namespace(map, "test");
    for (uint32_t p = 0; ns && p < TND_PARTITIONS; p++) {
        const tnd_node_rec* node =
            tnd_map_node(map, tnd_word_node(tnd_map_word(map, ns->table, p), 0));
        int owner = mc_partition_owner(mc, "test", 0, (int)p);
        char name[20];
        if (!node || owner < 0) {
            return false;
        }
        mc_node_name(mc, owner, name);
        if (strcmp(node->name, name) != 0) {
            return false;
        }
    }
    return ns != NULL;
}

/* The map becomes the cluster's, however the tender fares. */
static void wait_for_map(worker* w)
{
    for (int i = 0; i < 100 && !map_is_right(w); i++) {
        run_ms(i < 20 ? 10 : 200);
    }
    if (!map_is_right(w)) {
        fail_life("the map isn't the cluster's", w);
    }
}

/* False once nothing was left to fail. */
static bool live(unsigned victim, const sim_fail_plan* plan)
{
    int64_t memory = tnd_mem_live();
    bed.victim = victim;
    bed.plan = *plan;
    bed_init();
    sim_fail_start(&bed.workers[victim].fail, plan);
    worker_connect(&bed.workers[FIRST]);
    worker_connect(&bed.workers[SECOND_ONE]);
    worker_connect(&bed.workers[WITNESS]);
    for (unsigned i = 0; i < WORKERS; i++) {
        use_all(&bed.workers[i]);
    }
    wait_for_map(&bed.workers[WITNESS]);
    lose_the_first();
    lose_a_node();
    read_some(&bed.workers[SECOND_ONE]);
    worker_close(&bed.workers[SECOND_ONE]);
    outcomes_wait();
    bool has_failed = sim_fail_seen() >= plan->nth;
    sim_fail_stop();
    wait_for_map(&bed.workers[WITNESS]);
    use_all(&bed.workers[WITNESS]);
    worker_close(&bed.workers[WITNESS]);
    bed_done();
    if (tnd_mem_live() != memory) {
        fail_life("memory is left", NULL);
    }
    return has_failed;
}

/* ---- loops ---- */

/* All lives of one kind of failure; answers how many there were. */
static unsigned live_all(unsigned victim, sim_fail_kind kind, uint64_t window_us)
{
    unsigned lives = 0;
    unsigned step = TEST_HAS_TSAN ? 7 : 1; /* a world has one thread: it finds nothing, slowly */
    for (unsigned variant = 0; variant < sim_fail_variants(kind); variant++) {
        sim_fail_plan plan = {.kind = kind, .variant = variant, .window_us = window_us};
        for (plan.nth = 1; live(victim, &plan); plan.nth += step) {
            lives++;
        }
    }
    return lives;
}

static void live_through(unsigned victim, uint64_t window_us)
{
    char text[512] = "";
    unsigned total = 0;
    for (unsigned kind = 0; kind < SIM_FAIL_KINDS; kind++) {
        unsigned lives = live_all(victim, kind, window_us);
        size_t size = strlen(text);
        snprintf(text + size, sizeof(text) - size, "%s%s %u", kind > 0 ? ", " : "",
                 sim_fail_name(kind), lives);
        total += lives;
    }
    print_message("worker %u, for %llu ms, %u failures: %s\n", victim,
                  (unsigned long long)window_us / 1000, total, text);
}

static void tender_fails_once(void** state)
{
    (void)state;
    live_through(FIRST, 0);
}

static uint64_t window_us(void)
{
    const char* text = getenv("SIM_FAIL_MS");
    return (text ? strtoull(text, NULL, 0) : 400) * MS;
}

static void tender_fails_for_a_while(void** state)
{
    (void)state;
    live_through(FIRST, window_us());
}

static void successor_fails_once(void** state)
{
    (void)state;
    live_through(SECOND_ONE, 0);
}

static void successor_fails_for_a_while(void** state)
{
    (void)state;
    live_through(SECOND_ONE, window_us());
}

static void one_life(void** state)
{
    (void)state;
    const char* text = getenv("SIM_FAIL");
    sim_fail_plan plan = {0};
    unsigned kind, victim;
    unsigned long long window, nth;
    if (!text) {
        skip();
    }
    assert_int_equal(
        sscanf(text, "%u %u %llu %u %llu", &kind, &plan.variant, &window, &victim, &nth), 5);
    plan.kind = kind;
    plan.window_us = window;
    plan.nth = nth;
    live(victim, &plan);
    print_message("%s\n", bed.log);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(tender_fails_once),
        cmocka_unit_test(tender_fails_for_a_while),
        cmocka_unit_test(successor_fails_once),
        cmocka_unit_test(successor_fails_for_a_while),
    };
    const struct CMUnitTest one[] = {cmocka_unit_test(one_life)};
    for (size_t i = 0; i < sizeof(blob); i++) {
        blob[i] = (uint8_t)(i * 7 + i / 256);
    }
    as_log_set_callback(on_log);
    as_log_set_level(AS_LOG_LEVEL_INFO);
    return getenv("SIM_FAIL") ? cmocka_run_group_tests(one, NULL, NULL)
                              : cmocka_run_group_tests(all, NULL, NULL);
}
