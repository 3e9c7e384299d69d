/*
 * The delay queue of an event loop's entry: who runs, who waits, who is refused, and for how long.
 */
#include "tests/sim/cmd_bed.h"
#include <tendril/event.h>

#define MANY 400

static void set_limits(bed* b, int in_process, uint32_t in_queue)
{
    as_policy_event policy;
    as_policy_event_init(&policy);
    policy.max_commands_in_process = in_process;
    policy.max_commands_in_queue = in_queue;
    as_error err;
    assert_int_equal(as_event_set_policy(&err, &policy, b->events->entries), AEROSPIKE_OK);
}

static void open_with(bed* b, uint64_t seed, int in_process, uint32_t in_queue)
{
    bed_init(b, seed);
    set_limits(b, in_process, in_queue);
    bed_connect_wait(b);
}

static int in_process(const bed* b)
{
    return as_event_loop_get_process_size(b->events->entries);
}

static uint32_t in_queue(const bed* b)
{
    return as_event_loop_get_queue_size(b->events->entries);
}

/* As the official client was seen to do: of nine five run, two wait, two are refused; but the
   listeners of those are called from the loop. */
static void queues_and_refuses(void** state)
{
    (void)state;
    bed b;
    open_with(&b, 1, 5, 2);
    outcome o[9];
    for (int i = 0; i < 9; i++) {
        assert_true(start_get(&o[i], &b, i, NULL));
    }
    assert_int_equal(in_queue(&b), 2);
    assert_int_equal(in_process(&b), 7); /* the two that are about to be refused among them */
    for (int i = 0; i < 9; i++) {
        wait_ms(&o[i]);
        assert_int_equal(o[i].code,
                         i < 7 ? AEROSPIKE_ERR_RECORD_NOT_FOUND : AEROSPIKE_ERR_ASYNC_QUEUE_FULL);
    }
    assert_int_equal(in_queue(&b), 0);
    assert_int_equal(in_process(&b), 0);
    bed_end(&b);
}

static void serves_in_order(void** state)
{
    (void)state;
    bed b;
    open_with(&b, 2, 5, 0);
    static outcome o[MANY];
    for (int i = 0; i < MANY; i++) {
        assert_true(start_put(&o[i], &b, 1, NULL)); /* one key: one node, in order */
    }
    assert_int_equal(in_process(&b), 5);
    assert_int_equal(in_queue(&b), MANY - 5);
    for (int i = 0; i < MANY; i++) {
        wait_ms(&o[i]);
        assert_int_equal(o[i].code, AEROSPIKE_OK);
        assert_true(i < 5 || o[i].end_us >= o[i - 5].end_us);
    }
    bed_end(&b);
}

/* The deadline counts from the call on, and the server is told what is left of it. */
static void waits_within_the_deadline(void** state)
{
    (void)state;
    bed b;
    open_with(&b, 3, 5, 0);
    all_nodes(&b, "mute %u always");
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.max_retries = 0;
    policy.base.timeout_delay = 0;
    outcome o[8];
    for (int i = 0; i < 5; i++) {
        policy.base.total_timeout = 300;
        assert_true(start_get(&o[i], &b, i, &policy));
    }
    policy.base.total_timeout = 200; /* ends in the queue */
    assert_true(start_get(&o[5], &b, 5, &policy));
    policy.base.total_timeout = 400; /* has 100 ms left when its turn comes */
    assert_true(start_get(&o[6], &b, 6, &policy));
    policy.base.total_timeout = 0; /* has no limit in the queue */
    policy.base.socket_timeout = 50;
    assert_true(start_get(&o[7], &b, 7, &policy));
    static const uint64_t after_ms[8] = {300, 300, 300, 300, 300, 200, 400, 350};
    for (int i = 0; i < 8; i++) {
        assert_in_range(wait_ms(&o[i]), after_ms[i], after_ms[i] + 3);
        assert_int_equal(o[i].code, AEROSPIKE_ERR_TIMEOUT);
        assert_false(o[i].in_doubt);
    }
    bed_end(&b);
}

/* What waits for the first map is in process: the others queue behind it. */
static void queues_before_the_first_map(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 4);
    set_limits(&b, 5, 3);
    bed_connect(&b);
    outcome o[9];
    for (int i = 0; i < 9; i++) {
        assert_true(start_get(&o[i], &b, i, NULL));
    }
    assert_int_equal(in_queue(&b), 3);
    for (int i = 0; i < 9; i++) {
        wait_ms(&o[i]);
        assert_int_equal(o[i].code,
                         i < 8 ? AEROSPIKE_ERR_RECORD_NOT_FOUND : AEROSPIKE_ERR_ASYNC_QUEUE_FULL);
    }
    bed_end(&b);
}

/* ---- listeners that go on ---- */

typedef struct chain {
    bed* bed;
    unsigned left;
    unsigned ended;
    int highest; /* of commands in process, seen in listeners */
} chain;

static void on_link_of_chain(as_error* err, as_record* record, void* udata, as_event_loop* loop)
{
    (void)err;
    (void)record;
    chain* self = udata;
    self->ended++;
    int now = as_event_loop_get_process_size(loop);
    self->highest = now > self->highest ? now : self->highest;
    if (self->left > 0) {
        self->left--;
        as_key key;
        as_error failed;
        as_key_init_int64(&key, "test", "sim", self->left);
        assert_int_equal(aerospike_key_get_async(&self->bed->as, &failed, NULL, &key,
                                                 on_link_of_chain, self, loop, NULL),
                         AEROSPIKE_OK);
    }
}

static bool chain_is_over(void* udata)
{
    const chain* self = udata;
    return self->ended == 1020;
}

static void never_runs_more(void** state)
{
    (void)state;
    bed b;
    open_with(&b, 5, 5, 0);
    chain self = {.bed = &b, .left = 1000};
    as_error err;
    as_key key;
    for (int i = 0; i < 20; i++) {
        as_key_init_int64(&key, "test", "sim", i);
        assert_int_equal(aerospike_key_get_async(&b.as, &err, NULL, &key, on_link_of_chain, &self,
                                                 b.events->entries, NULL),
                         AEROSPIKE_OK);
    }
    assert_true(sim_world_run_until(b.world, chain_is_over, &self, 100 * SECOND));
    assert_int_equal(self.highest, 5);
    bed_end(&b);
}

/* Thousands that fail at once do so one turn after the other, not one inside of the other. */
static void fails_without_recursion(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 6);
    set_limits(&b, 5, 0);
    b.as.config.async_max_conns_per_node = 5;
    bed_connect_wait(&b);
    all_nodes(&b, "kill %u");
    sim_world_run_for(b.world, 10 * MS);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.base.max_retries = 0;
    policy.base.total_timeout = 60000;
    static outcome o[20000];
    for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
        assert_true(start_get(&o[i], &b, (int64_t)i, &policy));
    }
    for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++) {
        wait_ms(&o[i]);
        assert_true(o[i].code != AEROSPIKE_OK);
    }
    bed_end(&b);
}

static void ends_with_the_client(void** state)
{
    (void)state;
    bed b;
    open_with(&b, 7, 5, 0);
    all_nodes(&b, "mute %u always");
    as_policy_write policy;
    as_policy_write_init(&policy);
    policy.base.total_timeout = 60000;
    outcome o[20];
    for (int i = 0; i < 20; i++) {
        assert_true(start_put(&o[i], &b, i, &policy));
    }
    bed_end(&b);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].code, AEROSPIKE_ERR_CLIENT);
        assert_true(o[i].in_doubt == (i < 5)); /* the others never went out */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_and_refuses),        cmocka_unit_test(serves_in_order),
        cmocka_unit_test(waits_within_the_deadline), cmocka_unit_test(queues_before_the_first_map),
        cmocka_unit_test(never_runs_more),           cmocka_unit_test(fails_without_recursion),
        cmocka_unit_test(ends_with_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
