/*
 * What comes back on a command's connection: a whole client in a simulated world gets the input as
 * the answer to a command. Promises: one call of the listener for each accepted command; the next
 * command isn't disturbed; nothing is left after the close.
 *
 *     byte 0         which command, and how the bytes come (flags below)
 *     then           the bytes that the node sends
 */
#include <string.h>

#include "async/client.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/node.h"
#include "tests/fuzz/script.h"
#include <aerospike/aerospike_key.h>

enum {
    COMMANDS = 6, /* remainder of byte 0 */
    IN_PIECES = 0x10,
    THEN_END = 0x20,
    THEN_RESET = 0x40,
    IS_PATIENT = 0x80, /* a late answer is waited for */
    SECOND = 1000000
};

typedef struct call {
    unsigned count;
    as_status code;
} call;

static struct {
    sim_world* world;
    tnd_loop* loop;
    fuzz_node* node;
    tnd_events* events;
    aerospike as;
    fuzz_script script;
    uint8_t flags;
    bool is_told;
} bed;

/* ---- the node ---- */

static void on_message(void* udata, sim_peer* peer, unsigned n)
{
    (void)udata;
    if (n > 0) {
        fuzz_node_reply(peer, AEROSPIKE_ERR_RECORD_NOT_FOUND);
        return;
    }
    sim_peer_send(peer, bed.script.at, bed.script.left);
    if (bed.flags & THEN_RESET) {
        sim_peer_reset(peer);
    } else if (bed.flags & THEN_END) {
        sim_peer_close(peer);
    }
}

static const fuzz_node_handler node_handler = {.message = on_message};

/* ---- the client ---- */

static void on_told(as_error* err, void* udata, as_event_loop* loop)
{
    (void)udata;
    (void)loop;
    must(!err);
    bed.is_told = true;
}

static bool is_told(void* udata)
{
    (void)udata;
    return bed.is_told;
}

static void call_take(call* c, const as_error* err)
{
    c->count++;
    c->code = err ? err->code : AEROSPIKE_OK;
    must(!err || (err->code != AEROSPIKE_OK && err->message[0] != '\0'));
}

static void on_write(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    call_take(udata, err);
}

static bool on_bin(const char* name, const as_val* value, void* udata)
{
    (void)udata;
    must(strlen(name) <= AS_BIN_NAME_MAX_LEN);
    as_val_type(value);
    return true;
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)loop;
    call_take(udata, err);
    must(!err == (record != NULL));
    if (record) {
        as_record_foreach(record, on_bin, NULL);
    }
    if (record && ((const call*)udata)->count == 1 && bed.flags % 16 % COMMANDS == 5) {
        as_record_destroy(record); /* it's ours */
    }
}

static void base_set(as_policy_base* base)
{
    base->total_timeout = 100;
    base->max_retries = 1;
    base->timeout_delay = bed.flags & IS_PATIENT ? 3000 : 0;
}

static void start_read(call* c, unsigned what)
{
    as_error err;
    as_key key;
    as_policy_read policy;
    const char* bins[] = {"a", "b", NULL};
    as_event_loop* entry = bed.events->entries;
    as_policy_read_init(&policy);
    base_set(&policy.base);
    policy.async_heap_rec = what == 5;
    as_key_init_int64(&key, "test", "demo", 1);
    as_status status;
    if (what == 1) {
        status = aerospike_key_select_async(&bed.as, &err, &policy, &key, bins, on_record, c, entry,
                                            NULL);
    } else if (what == 2) {
        status =
            aerospike_key_exists_async(&bed.as, &err, &policy, &key, on_record, c, entry, NULL);
    } else {
        status = aerospike_key_get_async(&bed.as, &err, &policy, &key, on_record, c, entry, NULL);
    }
    must(status == AEROSPIKE_OK);
}

static void start_write(call* c, unsigned what)
{
    as_error err;
    as_key key;
    as_record record;
    as_event_loop* entry = bed.events->entries;
    as_key_init_int64(&key, "test", "demo", 1);
    as_status status;
    if (what == 3) {
        as_policy_write policy;
        as_policy_write_init(&policy);
        base_set(&policy.base);
        as_record_inita(&record, 1);
        as_record_set_int64(&record, "a", 1);
        status = aerospike_key_put_async(&bed.as, &err, &policy, &key, &record, on_write, c, entry,
                                         NULL);
    } else {
        as_policy_remove policy;
        as_policy_remove_init(&policy);
        base_set(&policy.base);
        status = aerospike_key_remove_async(&bed.as, &err, &policy, &key, on_write, c, entry, NULL);
    }
    must(status == AEROSPIKE_OK);
}

static void bed_init(void)
{
    struct sockaddr_storage addr;
    as_config config;
    as_error err;
    const tnd_client_world real = {.pid = 1};
    bed.is_told = false;
    bed.world = sim_world_new(1);
    bed.loop = sim_loop_new(bed.world, "worker");
    bed.node = fuzz_node_new(bed.world, &node_handler, NULL);
    bed.events = tnd_events_new(TND_EVENTS_FOREIGN, bed.loop, 1);
    as_config_init(&config);
    as_config_add_host(&config, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
    aerospike_init(&bed.as, &config);
    as_event_loop* entry = bed.events->entries;
    must(tnd_client_connect(&bed.as, &err, &real, on_told, NULL, entry) == AEROSPIKE_OK);
    must(sim_world_run_until(bed.world, is_told, NULL, SECOND));
    if (bed.flags & IN_PIECES) {
        socklen_t size = sim_addr_inet(&addr, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
        sim_net_link(bed.world, NULL, (struct sockaddr*)&addr, size)->split_percent = 70;
        sim_loop_faults(bed.loop)->short_read_percent = 50;
    }
}

static void bed_done(void)
{
    as_error err;
    bed.is_told = false;
    must(aerospike_close_async(&bed.as, &err, on_told, NULL, bed.events->entries) == AEROSPIKE_OK);
    must(sim_world_run_until(bed.world, is_told, NULL, SECOND));
    aerospike_destroy(&bed.as);
    tnd_events_free(bed.events);
    sim_loop_usage left = sim_loop_used(bed.loop);
    must(left.fds_count == 0 && left.timers_count == 0 && left.tasks_count == 0);
    must(left.refs_count == 0);
    sim_world_free(bed.world);
    fuzz_node_free(bed.node);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    call first = {0};
    call second = {0};
    bed.script = (fuzz_script){.at = data, .left = size};
    bed.flags = fuzz_script_byte(&bed.script);
    unsigned what = bed.flags % 16 % COMMANDS;
    bed_init();
    if (what == 3 || what == 4) {
        start_write(&first, what);
    } else {
        start_read(&first, what);
    }
    sim_world_run_for(bed.world, SECOND / 2);
    must(first.count == 1);
    start_read(&second, 0);
    sim_world_run_for(bed.world, SECOND / 2);
    must(second.count == 1 && second.code == AEROSPIKE_ERR_RECORD_NOT_FOUND);
    must(first.count == 1);
    bed_done();
    return 0;
}
