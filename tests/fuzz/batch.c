/*
 * What comes back on a batch's connection: a whole client in a simulated world gets the input as
 * the answer to a batch of six rows. Promises: one call of the listener, with the rows that were
 * given; a row has bins only where its result says so; a row is in doubt only if it writes and has
 * failed; the next command isn't disturbed; nothing is left after the close.
 *
 *     byte 0         which rows and policies, and how the bytes come (flags below)
 *     then           the bytes that the node sends
 */
#include <string.h>

#include "tests/fuzz/client.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include <aerospike/aerospike_batch.h>
#include <aerospike/aerospike_key.h>
#include <aerospike/as_arraylist.h>

enum {
    READS_ONLY = 0x01,
    ENDS_EARLY = 0x02, /* at the first row that fails */
    MAY_COMPRESS = 0x04,
    KEEPS_PACKED = 0x08,
    IN_PIECES = 0x10,
    THEN_END = 0x20,
    THEN_RESET = 0x40,
    IS_PATIENT = 0x80, /* a late answer is waited for */
    ROWS = 6
};

static struct {
    fuzz_client client;
    fuzz_script script;
    uint8_t flags;
    as_batch_records* records;
    unsigned batches; /* calls of their listener */
    unsigned reads;
    as_status read_code;
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

/* ---- the rows ---- */

static as_batch_base_record* row_at(uint32_t i)
{
    return as_vector_get(&bed.records->list, i);
}

static void add_read(void)
{
    as_batch_read_record* row = as_batch_read_reserve(bed.records);
    as_key_init_int64(&row->key, "test", "demo", 1);
    row->read_all_bins = true;
}

static void add_apply(as_list* args)
{
    as_batch_apply_record* row = as_batch_apply_reserve(bed.records);
    as_key_init_int64(&row->key, "test", "demo", 1);
    row->module = "rec";
    row->function = "add";
    row->arglist = args;
}

static void add_remove(void)
{
    as_batch_remove_record* row = as_batch_remove_reserve(bed.records);
    as_key_init_int64(&row->key, "test", "demo", 1);
}

/* The kinds of the captured answer in the corpus. */
static void add_all_kinds(as_operations* ops, as_list* args)
{
    add_read();
    as_batch_write_record* row = as_batch_write_reserve(bed.records);
    as_key_init_int64(&row->key, "test", "demo", 2);
    row->ops = ops;
    add_apply(args);
    add_remove();
    add_remove();
    add_apply(args);
}

/* ---- promises ---- */

static bool on_bin(const char* name, const as_val* value, void* udata)
{
    (void)udata;
    must(strlen(name) <= AS_BIN_NAME_MAX_LEN);
    as_val_type(value);
    return true;
}

static void check_row(const as_batch_base_record* row)
{
    bool may_have_bins = row->result == AEROSPIKE_OK || row->result == AEROSPIKE_ERR_UDF;
    must(may_have_bins || row->record.bins.size == 0);
    must(!row->in_doubt || (row->has_write && row->result != AEROSPIKE_OK));
    as_record_foreach(&row->record, on_bin, NULL);
}

static bool row_is_fine(const as_batch_base_record* row)
{
    return row->result == AEROSPIKE_OK || row->result == AEROSPIKE_ERR_RECORD_NOT_FOUND ||
           row->result == AEROSPIKE_FILTERED_OUT;
}

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)udata, (void)loop;
    bool is_fine = true;
    bed.batches++;
    must(records == bed.records && records->list.size == ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        check_row(row_at(i));
        is_fine &= row_is_fine(row_at(i));
    }
    must(err || is_fine);
    must(!err || (err->code != AEROSPIKE_OK && err->message[0] != '\0'));
    as_batch_records_destroy(records);
}

static void on_record(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)udata, (void)loop;
    must(!err == (record != NULL));
    bed.reads++;
    bed.read_code = err ? err->code : AEROSPIKE_OK;
}

/* ---- the calls ---- */

static void start_batch(void)
{
    as_error err;
    as_policy_batch policy;
    as_policy_batch_parent_write_init(&policy);
    policy.base.total_timeout = 100;
    policy.base.max_retries = 1;
    policy.base.timeout_delay = bed.flags & IS_PATIENT ? 3000 : 0;
    policy.base.compress = bed.flags & MAY_COMPRESS;
    policy.respond_all_keys = !(bed.flags & ENDS_EARLY);
    policy.deserialize = !(bed.flags & KEEPS_PACKED);
    as_operations ops;
    as_operations_inita(&ops, 2);
    as_operations_add_incr(&ops, "a", 5);
    as_operations_add_read(&ops, "a");
    as_arraylist args;
    as_arraylist_inita(&args, 1);
    as_arraylist_append_int64(&args, 2);
    bed.records = as_batch_records_create(ROWS);
    if (bed.flags & READS_ONLY) {
        for (int i = 0; i < ROWS; i++) {
            add_read();
        }
    } else {
        add_all_kinds(&ops, (as_list*)&args);
    }
    must(aerospike_batch_write_async(&bed.client.as, &err, &policy, bed.records, on_batch, NULL,
                                     bed.client.events->entries) == AEROSPIKE_OK);
    as_operations_destroy(&ops);
    as_arraylist_destroy(&args);
}

static void start_read(void)
{
    as_error err;
    as_key key;
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.total_timeout = 100;
    as_key_init_int64(&key, "test", "demo", 1);
    must(aerospike_key_get_async(&bed.client.as, &err, &policy, &key, on_record, NULL,
                                 bed.client.events->entries, NULL) == AEROSPIKE_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    memset(&bed, 0, sizeof(bed));
    bed.script = (fuzz_script){.at = data, .left = size};
    bed.flags = fuzz_script_byte(&bed.script);
    fuzz_client_open(&bed.client, &node_handler, NULL, bed.flags & IN_PIECES);
    start_batch();
    sim_world_run_for(bed.client.world, FUZZ_SECOND_US / 2);
    must(bed.batches == 1);
    start_read();
    sim_world_run_for(bed.client.world, FUZZ_SECOND_US / 2);
    must(bed.reads == 1 && bed.read_code == AEROSPIKE_ERR_RECORD_NOT_FOUND);
    must(bed.batches == 1);
    fuzz_client_close(&bed.client);
    return 0;
}
