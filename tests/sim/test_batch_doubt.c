/*
 * Batches of writes whose answers don't come: rows that may have been executed say so.
 */
#include "tests/sim/cmd_bed.h"
#include <aerospike/aerospike_batch.h>

#define ROWS 8

typedef struct outcome_of_batch {
    as_batch_records* records;
    unsigned calls;
} outcome_of_batch;

static void on_batch(as_error* err, as_batch_records* records, void* udata, as_event_loop* loop)
{
    (void)err;
    (void)loop;
    outcome_of_batch* o = udata;
    o->records = records;
    o->calls++;
}

static bool is_batch_over(void* udata)
{
    return ((const outcome_of_batch*)udata)->calls > 0;
}

/* Rows that count; those of odd number must not exist. */
static void start_batch(bed* b, outcome_of_batch* o, const as_policy_batch* policy)
{
    static as_policy_batch_write create;
    as_policy_batch_write_init(&create);
    create.exists = AS_POLICY_EXISTS_CREATE;
    as_operations ops;
    as_operations_inita(&ops, 1);
    as_operations_add_incr(&ops, "n", 1);
    as_error err;
    *o = (outcome_of_batch){.records = as_batch_records_create(ROWS)};
    for (int i = 0; i < ROWS; i++) {
        as_batch_write_record* row = as_batch_write_reserve(o->records);
        as_key_init_int64(&row->key, "test", "batch", i);
        row->ops = &ops;
        row->policy = i % 2 ? &create : NULL;
    }
    assert_int_equal(aerospike_batch_write_async(&b->as, &err, policy, o->records, on_batch, o,
                                                 b->events->entries),
                     AEROSPIKE_OK);
    as_operations_destroy(&ops);
}

static const as_batch_base_record* row_of(const outcome_of_batch* o, uint32_t i)
{
    return as_vector_get(&o->records->list, i);
}

static void rows_are_in_doubt_at_the_close(void** state)
{
    (void)state;
    bed b;
    outcome_of_batch o;
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    policy.base.total_timeout = 60000;
    bed_open(&b, 1);
    all_nodes(&b, "mute %u always applied");
    start_batch(&b, &o, &policy);
    sim_world_run_for(b.world, 100 * MS);
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    assert_int_equal(o.calls, 1);
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(row_of(&o, i)->result, AEROSPIKE_NO_RESPONSE);
        assert_true(row_of(&o, i)->in_doubt);
    }
    as_batch_records_destroy(o.records);
    bed_done(&b);
}

/* A frame without a row is no answer: nothing that comes after it may be taken for one. */
static void an_empty_frame_ends_the_connection(void** state)
{
    (void)state;
    bed b;
    outcome_of_batch o;
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    bed_open(&b, 3);
    all_nodes(&b, "garbage %u empty 1");
    start_batch(&b, &o, &policy);
    assert_true(sim_world_run_until(b.world, is_batch_over, &o, 100 * MS));
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(row_of(&o, i)->result, AEROSPIKE_NO_RESPONSE);
        assert_true(row_of(&o, i)->in_doubt);
    }
    as_batch_records_destroy(o.records);
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    bed_done(&b);
}

/* Without respond_all_keys the first error is a node's last answer, but it goes on executing. */
static void rows_behind_an_error_are_in_doubt(void** state)
{
    (void)state;
    bed b;
    outcome_of_batch o;
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    policy.respond_all_keys = true;
    bed_open(&b, 2);
    start_batch(&b, &o, &policy);
    assert_true(sim_world_run_until(b.world, is_batch_over, &o, SECOND));
    as_batch_records_destroy(o.records);
    policy.respond_all_keys = false;
    start_batch(&b, &o, &policy);
    assert_true(sim_world_run_until(b.world, is_batch_over, &o, SECOND));
    unsigned unanswered = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        const as_batch_base_record* row = row_of(&o, i);
        unanswered += row->result == AEROSPIKE_NO_RESPONSE;
        assert_true(row->in_doubt == (row->result == AEROSPIKE_NO_RESPONSE));
    }
    assert_true(unanswered > 0);
    as_batch_records_destroy(o.records);
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    bed_done(&b);
}

/* The same with an error that commands are repeated for: what was behind it may have been executed,
 * so that the batch isn't. */
static void a_batch_that_ended_early_is_not_repeated(void** state)
{
    (void)state;
    bed b;
    outcome_of_batch o;
    as_policy_batch policy;
    as_policy_batch_init(&policy);
    policy.respond_all_keys = false;
    policy.base.max_retries = 3;
    bed_open(&b, 1);
    all_nodes(&b, "answer %u 18 1");
    start_batch(&b, &o, &policy);
    assert_true(sim_world_run_until(b.world, is_batch_over, &o, SECOND));
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(row_of(&o, i)->result, AEROSPIKE_NO_RESPONSE);
        assert_true(row_of(&o, i)->in_doubt);
    }
    as_batch_records_destroy(o.records);
    bed_close(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_in_doubt_at_the_close),
        cmocka_unit_test(rows_behind_an_error_are_in_doubt),
        cmocka_unit_test(a_batch_that_ended_early_is_not_repeated),
        cmocka_unit_test(an_empty_frame_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
