/*
 * Commands, and what must hold when one ends: once, from the loop, not inside the call that started
 * it, in time, with a result that can be true.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"
#include <aerospike/aerospike_key.h>

#define PAYLOAD_MAX 100000u

/* ---- the list of those in flight ---- */

void load_open(command* c)
{
    world* w = c->p->w;
    if (!w->open.next) {
        w->open.next = w->open.prev = &w->open;
    }
    c->next = &w->open;
    c->prev = w->open.prev;
    c->prev->next = c;
    w->open.prev = c;
    c->p->open_count++;
}

static void open_remove(command* c)
{
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->p->open_count--;
}

unsigned load_open_count(const world* w)
{
    unsigned count = 0;
    for (const command* c = w->open.next; c && c != &w->open; c = c->next) {
        count++;
    }
    return count;
}

command* load_find(const world* w, uint64_t id)
{
    return id > 0 && id <= w->commands_count ? w->commands[id - 1] : NULL;
}

command* load_new(process* p)
{
    world* w = p->w;
    if (w->commands_count == w->commands_capacity) {
        w->commands_capacity = w->commands_capacity ? 2 * w->commands_capacity : 1024;
        w->commands = realloc(w->commands, w->commands_capacity * sizeof(command*));
    }
    command* c = calloc(1, sizeof(*c));
    if (!c || !w->commands) {
        abort();
    }
    c->p = p;
    c->id = w->commands_count + 1;
    c->submit_us = world_now_us(w);
    c->stopped_us = process_stopped_us(p);
    w->commands[w->commands_count++] = c;
    return c;
}

/* ---- ends ---- */

uint64_t load_tolerance_us(const command* c)
{
    /* Late each: the wake-up before the limit, the turn of the retry, its timer, the last timer. */
    return 5 * MS + 4 * c->p->late_us_max + (process_stopped_us(c->p) - c->stopped_us);
}

static void check_time(const command* c)
{
    world* w = c->p->w;
    if (c->limit_us == UINT64_MAX || c->end_us <= c->limit_us) {
        return;
    }
    uint64_t late_us = c->end_us - c->limit_us;
    uint64_t tolerance_us = load_tolerance_us(c);
    if (late_us > tolerance_us) {
        world_fail(w, "command %llu of %s, %llu us after its limit, hasn't ended in time",
                   (unsigned long long)c->id, c->p->name, (unsigned long long)late_us);
    }
    if (process_stopped_us(c->p) == c->stopped_us && late_us > w->stats->late_us_max) {
        w->stats->late_us_max = late_us;
    }
}

/* Codes that the world's faults explain. */
bool load_explains(const command* c)
{
    switch (c->code) {
    case AEROSPIKE_OK:
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
        return true;
    case AEROSPIKE_ERR_RECORD_GENERATION:
    case AEROSPIKE_ERR_RECORD_EXISTS:
        return c->kind == COMMAND_PUT || c->kind == COMMAND_REMOVE;
    case AEROSPIKE_ERR_TIMEOUT:
    case AEROSPIKE_ERR_CLUSTER: /* also where a partition is unavailable */
    case AEROSPIKE_ERR_ASYNC_CONNECTION:
    case AEROSPIKE_ERR_INVALID_NODE:
    case AEROSPIKE_ERR_NO_MORE_CONNECTIONS:
    case AEROSPIKE_ERR_CLIENT: /* bad replies, closing, memory */
    case AEROSPIKE_ERR_NAMESPACE_NOT_FOUND:
    case AEROSPIKE_MAX_ERROR_RATE:
        return true;
    case AEROSPIKE_ERR_CONNECTION: /* of connecting, which failed */
    case AEROSPIKE_ERR_INVALID_HOST:
        return c->p->state == PROCESS_STARTING && c->p->w->fail_if_not_connected;
    case AEROSPIKE_NO_RESPONSE:
    case AEROSPIKE_BATCH_FAILED:
        return c->is_of_batch;
    case AEROSPIKE_ERR_ASYNC_QUEUE_FULL:
        return c->p->w->running_max > 0;
    case AEROSPIKE_ERR_RECORD_BUSY:
    case AEROSPIKE_ERR_DEVICE_OVERLOAD:
    case AEROSPIKE_ERR_FAIL_FORBIDDEN:
        return c->p->w->is_enabled[FAULT_ANSWER];
    default:
        return false;
    }
}

static void count_end(const command* c)
{
    world_stats* stats = c->p->w->stats;
    int at = c->code - WORLD_CODE_MIN;
    if (at >= 0 && at < WORLD_CODES) {
        stats->results[at]++;
    }
    if (c->is_in_doubt) {
        stats->in_doubt++;
        stats->doubts_applied += c->applied_count > 0;
    }
}

/* False: the end of a ghost's command, which nobody sees. */
bool load_end(command* c, const as_error* err)
{
    process* p = c->p;
    world* w = p->w;
    if (c->calls++ > 0) {
        world_fail(w, "command %llu of %s ended twice", (unsigned long long)c->id, p->name);
    }
    if (c->is_submitting) {
        world_fail(w, "command %llu of %s ended inside the call that started it",
                   (unsigned long long)c->id, p->name);
    }
    if (p->state == PROCESS_CLOSED || p->state == PROCESS_GONE) {
        world_fail(w, "command %llu of %s ended after the close", (unsigned long long)c->id,
                   p->name);
    }
    open_remove(c);
    if (p->state == PROCESS_DEAD) {
        c->is_in_doubt = true;
        w->stats->lost++;
        return false;
    }
    if (!p->is_ending && sim_world_current(w->sim) != p->loop) {
        world_fail(w, "command %llu of %s ended from another loop", (unsigned long long)c->id,
                   p->name);
    }
    c->is_ended = true;
    c->end_us = world_now_us(w);
    c->code = err ? err->code : AEROSPIKE_OK;
    c->is_in_doubt = err && err->in_doubt;
    check_time(c);
    count_end(c);
    if (!load_explains(c)) {
        world_fail(w, "command %llu of %s ended with %d, which nothing explains: %s",
                   (unsigned long long)c->id, p->name, c->code, err->message);
    }
    if (c->is_probe && c->code != AEROSPIKE_OK && c->code != AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        world_fail(w, "command %llu of %s failed without a fault: %d %s", (unsigned long long)c->id,
                   p->name, c->code, err->message);
    }
    return true;
}

static void maybe_chain(command* c)
{
    world* w = c->p->w;
    if (w->phase <= WORLD_CONVERGING && c->p->state == PROCESS_OPEN && !c->p->is_ending &&
        c->p->as.cluster && world_chance(w, 20)) {
        load_submit(c->p);
    }
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    command* c = udata;
    if (load_end(c, err)) {
        model_check_write(c);
        maybe_chain(c);
    }
}

/* ---- what a read brings ---- */

static char payload_char(uint64_t id, uint32_t i)
{
    return (char)('a' + (id * 31 + i) % 26);
}

static void check_payload(const command* c, const model_version* v, const char* payload)
{
    const command* origin = load_find(c->p->w, v->payload_id);
    uint32_t size = payload ? (uint32_t)strlen(payload) : 0;
    bool is_right = size == (origin ? origin->payload : 0);
    for (uint32_t i = 0; is_right && i < size; i++) {
        is_right = payload[i] == payload_char(origin->id, i);
    }
    if (load_find(c->p->w, v->value)->applied_count > 1) {
        return; /* perhaps to another payload each time */
    }
    if (!is_right) {
        world_fail(c->p->w,
                   "command %llu of %s read a payload that put %llu didn't write: %s, %u bytes of "
                   "%u, %.20s",
                   (unsigned long long)c->id, c->p->name, (unsigned long long)v->payload_id,
                   payload ? "text" : "no text", size, origin ? origin->payload : 0,
                   payload ? payload : "");
    }
}

/* The record of fault OTHER, which no client can tell from a true one. */
static bool is_lie(const command* c, const as_record* record)
{
    return c->p->w->is_enabled[FAULT_OTHER] && record->gen == 77 &&
           as_record_get_int64(record, "x", 0) == 4711;
}

void load_check_record(command* c, const as_record* record)
{
    world* w = c->p->w;
    if (is_lie(c, record)) {
        return;
    }
    uint64_t value = (uint64_t)as_record_get_int64(record, "v", 0);
    int64_t key = as_record_get_int64(record, "k", -1);
    const command* writer = load_find(w, value);
    if (!writer || !command_is_put(writer) || key != (int64_t)c->key || writer->key != c->key ||
        writer->space != c->space) {
        world_fail(w, "command %llu of %s asked for %s/%u and read key %lld, value %llu",
                   (unsigned long long)c->id, c->p->name, world_space_name(c->space), c->key,
                   (long long)key, (unsigned long long)value);
    }
    const model_version* v = model_check_read(c, value, record->gen);
    if (c->kind == COMMAND_GET) {
        check_payload(c, v, as_record_get_str(record, "p"));
    }
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    command* c = udata;
    if (!load_end(c, err)) {
        return;
    }
    if (c->is_in_doubt) {
        world_fail(c->p->w, "read %llu of %s is in doubt", (unsigned long long)c->id, c->p->name);
    }
    if (c->code == AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        model_check_absent(c);
    } else if (c->code == AEROSPIKE_OK && c->kind == COMMAND_EXISTS) {
        model_check_header(c, record->gen);
    } else if (c->code == AEROSPIKE_OK) {
        load_check_record(c, record);
    }
    maybe_chain(c);
}

static void on_operated(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    command* c = udata;
    if (!load_end(c, err)) {
        return;
    }
    if (c->code == AEROSPIKE_OK && !is_lie(c, record)) {
        model_check_write(c);
        model_check_count(c, (uint64_t)as_record_get_int64(record, "n", 0));
    } else if (c->code != AEROSPIKE_OK) {
        model_check_write(c);
    }
    maybe_chain(c);
}

/* ---- policies ---- */

void load_choose_base(command* c, as_policy_base* base)
{
    world* w = c->p->w;
    if (c->is_probe) {
        return;
    }
    base->total_timeout = world_chance(w, 5) ? 0 : (uint32_t)world_between(w, 20, 2000);
    base->socket_timeout =
        world_chance(w, 40) && base->total_timeout > 0 ? 0 : (uint32_t)world_between(w, 10, 400);
    base->max_retries = (uint32_t)world_below(w, 5);
    base->sleep_between_retries = world_chance(w, 50) ? (uint32_t)world_below(w, 60) : 0;
    base->timeout_delay = world_chance(w, 50) ? 3000 : 0;
    base->connect_timeout = world_chance(w, 15) ? (uint32_t)world_between(w, 20, 300) : 0;
}

/* By when it must have ended. Without a total limit it may wait for the first map, and a server
 * that sends a byte now and then keeps a socket timeout from running: no bound. With a limit for
 * connecting each attempt may begin the total limit anew. */
void load_choose_limit(command* c, const as_policy_base* base)
{
    c->attempts_max = base->max_retries + 1;
    uint64_t total_ms = base->total_timeout;
    if (total_ms > 0 && base->connect_timeout > 0) {
        total_ms += c->attempts_max * (total_ms + base->connect_timeout);
    }
    c->limit_us = total_ms > 0 ? c->submit_us + total_ms * MS : UINT64_MAX;
}

static as_policy_replica choose_replica(world* w)
{
    static const as_policy_replica replicas[] = {AS_POLICY_REPLICA_MASTER, AS_POLICY_REPLICA_ANY,
                                                 AS_POLICY_REPLICA_SEQUENCE,
                                                 AS_POLICY_REPLICA_RANDOM};
    return replicas[world_below(w, 4)];
}

/* ---- submission ---- */

static as_status submit_read(command* c, as_error* err, const as_key* key)
{
    static const char* const bins[] = {"v", "k", NULL};
    process* p = c->p;
    as_policy_read policy;
    as_policy_read_init(&policy);
    load_choose_base(c, &policy.base);
    load_choose_limit(c, &policy.base);
    if (!c->is_probe) {
        policy.replica = choose_replica(p->w);
    }
    as_event_loop* entry = p->events->entries;
    switch (c->kind) {
    case COMMAND_SELECT:
        return aerospike_key_select_async(&p->as, err, &policy, key, (const char**)bins, on_record,
                                          c, entry, NULL);
    case COMMAND_EXISTS:
        return aerospike_key_exists_async(&p->as, err, &policy, key, on_record, c, entry, NULL);
    default:
        return aerospike_key_get_async(&p->as, err, &policy, key, on_record, c, entry, NULL);
    }
}

/* What the writer believes to know of the record: its generation, mostly. */
static uint32_t choose_generation(const command* c)
{
    const model_version* v = model_present(c->p->w, c->space, c->key);
    return world_chance(c->p->w, 80) ? v->generation : v->generation + 1;
}

static void choose_put(command* c, as_policy_write* policy, as_record* record)
{
    world* w = c->p->w;
    policy->replica = choose_replica(w);
    if (world_chance(w, 20)) {
        c->generation = choose_generation(c);
        policy->gen = c->generation ? AS_POLICY_GEN_EQ : AS_POLICY_GEN_IGNORE;
        record->gen = (uint16_t)c->generation;
    }
    switch (world_below(w, 10)) {
    case 0:
        c->is_create = true;
        policy->exists = AS_POLICY_EXISTS_CREATE;
        break;
    case 1:
        c->is_update = true;
        policy->exists = AS_POLICY_EXISTS_UPDATE;
        break;
    case 2:
        policy->exists = AS_POLICY_EXISTS_CREATE_OR_REPLACE;
        break;
    default:
        break;
    }
    record->ttl = world_chance(w, 10) ? (uint32_t)world_between(w, 1, 5) : 0;
}

static uint32_t choose_payload(world* w)
{
    uint64_t kind = world_below(w, 100);
    return (uint32_t)(kind < 2    ? world_below(w, PAYLOAD_MAX)
                      : kind < 20 ? world_below(w, 5000)
                                  : world_below(w, 60));
}

static as_status submit_put(command* c, as_error* err, const as_key* key)
{
    process* p = c->p;
    as_policy_write policy;
    as_policy_write_init(&policy);
    load_choose_base(c, &policy.base);
    load_choose_limit(c, &policy.base);
    c->payload = choose_payload(p->w);
    char* payload = malloc(c->payload + 1); /* another process may run before the call returns */
    if (!payload) {
        abort();
    }
    for (uint32_t i = 0; i < c->payload; i++) {
        payload[i] = payload_char(c->id, i);
    }
    payload[c->payload] = '\0';
    as_record record;
    as_record_inita(&record, 3);
    if (!c->is_probe) {
        choose_put(c, &policy, &record);
    }
    as_status status = AEROSPIKE_ERR_CLIENT;
    as_error_init(err);
    if (as_record_set_int64(&record, "v", (int64_t)c->id) &&
        as_record_set_int64(&record, "k", (int64_t)c->key) &&
        as_record_set_str(&record, "p", payload)) { /* else memory has failed */
        status = aerospike_key_put_async(&p->as, err, &policy, key, &record, on_write, c,
                                         p->events->entries, NULL);
    }
    as_record_destroy(&record);
    free(payload);
    return status;
}

static as_status submit_operate(command* c, as_error* err, const as_key* key)
{
    process* p = c->p;
    as_policy_operate policy;
    as_policy_operate_init(&policy);
    load_choose_base(c, &policy.base);
    load_choose_limit(c, &policy.base);
    policy.replica = choose_replica(p->w);
    as_operations ops;
    as_operations_inita(&ops, 4);
    as_status status = AEROSPIKE_ERR_CLIENT;
    as_error_init(err);
    if (as_operations_add_write_int64(&ops, "v", (int64_t)c->id) &&
        as_operations_add_write_int64(&ops, "k", (int64_t)c->key) &&
        as_operations_add_incr(&ops, "n", 1) && as_operations_add_read(&ops, "n")) {
        status = aerospike_key_operate_async(&p->as, err, &policy, key, &ops, on_operated, c,
                                             p->events->entries, NULL);
    }
    as_operations_destroy(&ops);
    return status;
}

static as_status submit_remove(command* c, as_error* err, const as_key* key)
{
    process* p = c->p;
    as_policy_remove policy;
    as_policy_remove_init(&policy);
    load_choose_base(c, &policy.base);
    load_choose_limit(c, &policy.base);
    policy.replica = choose_replica(p->w);
    if (world_chance(p->w, 20)) {
        c->generation = choose_generation(c);
        policy.gen = c->generation ? AS_POLICY_GEN_EQ : AS_POLICY_GEN_IGNORE;
        policy.generation = (uint16_t)c->generation;
    }
    return aerospike_key_remove_async(&p->as, err, &policy, key, on_write, c, p->events->entries,
                                      NULL);
}

static void submit(command* c)
{
    process* p = c->p;
    as_error err;
    as_key key;
    as_key_init_int64(&key, world_space_name(c->space), "sim", (int64_t)c->key);
    c->is_submitting = true;
    if (c->kind == COMMAND_REMOVE) {
        model_add_remove(c);
    }
    as_status status = c->kind == COMMAND_PUT       ? submit_put(c, &err, &key)
                       : c->kind == COMMAND_OPERATE ? submit_operate(c, &err, &key)
                       : c->kind == COMMAND_REMOVE  ? submit_remove(c, &err, &key)
                                                    : submit_read(c, &err, &key);
    c->is_submitting = false;
    if (p->state == PROCESS_GONE) {
        return; /* killed and torn down inside the call */
    }
    if (status == AEROSPIKE_OK) {
        c->is_accepted = true;
        load_open(c);
        return;
    }
    c->code = status;
    p->w->stats->refused++;
    if (c->calls > 0 || c->is_probe) {
        world_fail(p->w, "command %llu of %s was refused (%d %s)%s", (unsigned long long)c->id,
                   p->name, status, err.message, c->calls > 0 ? " and ended" : "");
    }
    if (c->applied_count > 0) {
        world_fail(p->w, "command %llu of %s was refused and applied", (unsigned long long)c->id,
                   p->name);
    }
}

void load_submit(process* p)
{
    static const command_kind kinds[] = {COMMAND_GET,    COMMAND_GET,     COMMAND_GET,
                                         COMMAND_PUT,    COMMAND_PUT,     COMMAND_PUT,
                                         COMMAND_PUT,    COMMAND_SELECT,  COMMAND_EXISTS,
                                         COMMAND_REMOVE, COMMAND_OPERATE, COMMAND_OPERATE};
    world* w = p->w;
    if (world_chance(w, 5)) {
        batch_submit(p);
        return;
    }
    command* c = load_new(p);
    c->kind = kinds[world_below(w, sizeof(kinds) / sizeof(kinds[0]))];
    c->space = (unsigned)world_below(w, WORLD_SPACES);
    c->key = (unsigned)world_below(w, w->keys_count);
    submit(c);
}

void load_probe(process* p, unsigned space, unsigned key, bool is_write)
{
    const world* w = p->w;
    if (mc_partition_owner(sim_cluster_mc(w->cluster), world_space_name(space), 0,
                           w->records[space][key].pid) < 0) {
        return; /* strongly consistent, and a node that had it left for good */
    }
    command* c = load_new(p);
    c->kind = is_write ? COMMAND_PUT : COMMAND_GET;
    c->space = space;
    c->key = key;
    c->is_probe = true;
    submit(c);
}

/* ---- limits ---- */

void load_check_limits(world* w)
{
    uint64_t now_us = world_now_us(w);
    for (const command* c = w->open.next; c && c != &w->open; c = c->next) {
        if (process_is_running(c->p) && c->limit_us != UINT64_MAX &&
            now_us > c->limit_us + load_tolerance_us(c)) {
            world_fail(w, "command %llu of %s should have ended %llu us ago",
                       (unsigned long long)c->id, c->p->name,
                       (unsigned long long)(now_us - c->limit_us));
        }
    }
}

void load_bound(world* w, uint64_t limit_us)
{
    for (command* c = w->open.next; c && c != &w->open; c = c->next) {
        if (c->limit_us == UINT64_MAX) {
            c->limit_us = limit_us;
        }
    }
}
