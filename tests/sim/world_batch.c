/*
 * Batches: rows on random keys, each checked as if it were a command of its own that ran as long as
 * the batch. Worlds whose nodes lie (another command's answer, result codes out of the blue) have
 * none: a row can't tell.
 */
#include <stdlib.h>

#include "tests/sim/world.h"
#include <aerospike/aerospike_batch.h>

#define ROWS_MAX 24u

typedef struct batch {
    command* whole;
    command* rows[ROWS_MAX];
    as_operations* ops[ROWS_MAX];
    uint32_t count;
    as_batch_records* records;
} batch;

static void batch_free(batch* b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->ops[i]) {
            as_operations_destroy(b->ops[i]);
        }
    }
    free(b);
}

/* ---- ends ---- */

/* Each operation has a bin: that of the read is the last one. */
static uint64_t counted(const as_record* record)
{
    const as_bin* last =
        record->bins.size > 0 ? &record->bins.entries[record->bins.size - 1] : NULL;
    as_integer* value = last ? as_integer_fromval((as_val*)last->valuep) : NULL;
    return value ? (uint64_t)as_integer_get(value) : 0;
}

static void row_end(command* c, const as_batch_base_record* row)
{
    world* w = c->p->w;
    c->is_ended = true;
    c->end_us = world_now_us(w);
    c->code = row->result;
    c->is_in_doubt = row->in_doubt;
    if (!load_explains(c)) {
        world_fail(w, "row %llu of %s ended with %d, which nothing explains",
                   (unsigned long long)c->id, c->p->name, c->code);
    }
    if (c->kind != COMMAND_GET) {
        model_check_write(c);
        if (c->kind == COMMAND_OPERATE && c->code == AEROSPIKE_OK) {
            model_check_count(c, counted(&row->record));
        }
        return;
    }
    if (c->is_in_doubt) {
        world_fail(w, "read %llu of %s is in doubt", (unsigned long long)c->id, c->p->name);
    }
    if (c->code == AEROSPIKE_OK) {
        load_check_record(c, &row->record);
    } else if (c->code == AEROSPIKE_ERR_RECORD_NOT_FOUND) {
        model_check_absent(c);
    }
}

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)loop;
    batch* b = udata;
    command* c = b->whole;
    c->p->batch_count--;
    bool is_seen = load_end(c, err);
    for (uint32_t i = 0; i < b->count && is_seen; i++) {
        row_end(b->rows[i], as_vector_get(&records->list, i));
    }
    as_batch_records_destroy(records);
    batch_free(b);
}

/* ---- submission ---- */

static command_kind choose_kind(world* w, bool has_writes)
{
    static const command_kind kinds[] = {COMMAND_GET, COMMAND_OPERATE, COMMAND_OPERATE,
                                         COMMAND_REMOVE};
    return has_writes ? kinds[world_below(w, 4)] : COMMAND_GET;
}

static as_operations* count_ops(const command* c)
{
    as_operations* ops = as_operations_new(4);
    if (ops && as_operations_add_write_int64(ops, "v", (int64_t)c->id) &&
        as_operations_add_write_int64(ops, "k", (int64_t)c->key) &&
        as_operations_add_incr(ops, "n", 1) && as_operations_add_read(ops, "n")) {
        return ops;
    }
    if (ops) {
        as_operations_destroy(ops);
    }
    return NULL;
}

static as_batch_base_record* row_reserve(batch* b, command* c)
{
    as_batch_read_record* read;
    as_batch_write_record* write;
    switch (c->kind) {
    case COMMAND_OPERATE:
        b->ops[b->count] = count_ops(c);
        write = b->ops[b->count] ? as_batch_write_reserve(b->records) : NULL;
        if (write) {
            write->ops = b->ops[b->count];
        }
        return (as_batch_base_record*)write;
    case COMMAND_REMOVE:
        return (as_batch_base_record*)as_batch_remove_reserve(b->records);
    default:
        read = as_batch_read_reserve(b->records);
        if (read) {
            read->read_all_bins = true;
        }
        return (as_batch_base_record*)read;
    }
}

/* False without memory. */
static bool row_add(batch* b, bool has_writes)
{
    process* p = b->whole->p;
    command* c = load_new(p);
    c->is_of_batch = true;
    c->kind = choose_kind(p->w, has_writes);
    c->space = (unsigned)world_below(p->w, WORLD_SPACES);
    c->key = (unsigned)world_below(p->w, p->w->keys_count);
    as_batch_base_record* row = row_reserve(b, c);
    b->rows[b->count++] = c;
    if (row) {
        as_key_init_int64(&row->key, world_space_name(c->space), "sim", (int64_t)c->key);
    }
    return row;
}

static void rows_set_submitting(batch* b, bool is_submitting, bool is_accepted)
{
    for (uint32_t i = 0; i < b->count; i++) {
        b->rows[i]->is_submitting = is_submitting;
        b->rows[i]->is_accepted = is_accepted;
        b->rows[i]->attempts_max = b->whole->attempts_max;
        if (is_submitting && b->rows[i]->kind == COMMAND_REMOVE) {
            model_add_remove(b->rows[i]);
        }
    }
}

static void batch_start(batch* b, bool has_writes)
{
    command* c = b->whole;
    process* p = c->p;
    as_error err;
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    load_choose_base(c, &policy.base);
    load_choose_limit(c, &policy.base);
    policy.respond_all_keys = world_chance(p->w, 70);
    c->is_submitting = true;
    rows_set_submitting(b, true, false);
    as_event_loop* entry = p->events->entries;
    as_status status =
        has_writes
            ? aerospike_batch_write_async(&p->as, &err, &policy, b->records, on_batch, b, entry)
            : aerospike_batch_read_async(&p->as, &err, &policy, b->records, on_batch, b, entry);
    c->is_submitting = false;
    rows_set_submitting(b, false, status == AEROSPIKE_OK);
    if (status == AEROSPIKE_OK) {
        c->is_accepted = true;
        p->batch_count++;
        load_open(c);
        return;
    }
    p->w->stats->refused++;
    as_batch_records_destroy(b->records);
    batch_free(b);
}

void batch_submit(process* p)
{
    world* w = p->w;
    if (w->is_enabled[FAULT_OTHER] || w->is_enabled[FAULT_ANSWER]) {
        return;
    }
    batch* b = calloc(1, sizeof(*b));
    if (!b) {
        abort();
    }
    bool has_writes = world_chance(w, 60);
    uint32_t count = 1 + (uint32_t)world_below(w, ROWS_MAX);
    b->whole = load_new(p);
    b->whole->kind = COMMAND_BATCH;
    b->whole->is_of_batch = true;
    b->records = as_batch_records_create(count);
    bool has_rows = b->records;
    while (has_rows && b->count < count) {
        has_rows = row_add(b, has_writes);
    }
    if (has_rows) {
        batch_start(b, has_writes);
        return;
    }
    if (b->records) {
        as_batch_records_destroy(b->records);
    }
    batch_free(b);
}
