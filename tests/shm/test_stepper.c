/*
 * The stepper itself, on small programs whose outcomes under C11 are known: what must be found is
 * found, and nothing else. And two that create a segment, or leave and join, at the same time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shm/stepper.h"
#include "tests/shm/world.h"

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release
#define SEQ_CST memory_order_seq_cst

#define POINT TND_POINT_ARENA_STORE /* any will do */

static tnd_word x, y;
static uint64_t found[4]; /* of this run: what the loads returned */
static unsigned outcomes; /* of all runs: bit n for the outcome that `found` spells */
static memory_order store_order, load_order;
static bool has_fences;
static bool has_reader;
static actor actors[4];

static void fence(void)
{
    if (has_fences) {
        tnd_word_fence(SEQ_CST);
    }
}

static void prepare_words(void)
{
    world_reset();
    x = y = 0;
    memset(found, 0, sizeof(found));
}

static void note_outcome(void)
{
    unsigned outcome = 0;
    for (int i = 3; i >= 0; i--) {
        outcome = outcome << 1 | (unsigned)(found[i] & 1);
    }
    outcomes |= 1u << outcome;
    memset(found, 0, sizeof(found));
}

/* Runs these scripts; the outcomes that occurred, as bits. */
static unsigned outcomes_of(void (*const scripts[])(actor*), unsigned count)
{
    static step_scenario scenario;
    scenario = (step_scenario){.name = "litmus",
                               .prepare = prepare_words,
                               .actors_count = count,
                               .finish = note_outcome,
                               .has_reader = has_reader};
    prepare_words();
    for (unsigned i = 0; i < count; i++) {
        actor_init(&actors[i], i, "litmus", scripts[i], 0);
        scenario.actors[i] = &actors[i];
    }
    outcomes = 0;
    step_result result;
    stepper_run(&scenario, 100000, &result);
    assert_true(result.is_complete);
    assert_string_equal(result.violation, "");
    return outcomes;
}

#define OUTCOME(a, b, c, d) (1u << ((a) | (b) << 1 | (c) << 2 | (d) << 3))

/* ---- a message and its flag ---- */

static void put_message(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &x, 1, RELAXED);
    fence();
    tnd_word_store(POINT, &y, 1, store_order);
}

static void get_message(actor* self)
{
    (void)self;
    found[0] = tnd_word_load(&y, load_order);
    fence();
    found[1] = tnd_word_load(&x, RELAXED);
}

static void test_message_passing(void** state)
{
    (void)state;
    void (*const scripts[])(actor*) = {put_message, get_message};
    void (*const swapped[])(actor*) = {get_message, put_message};
    const unsigned in_order = OUTCOME(0, 0, 0, 0) | OUTCOME(0, 1, 0, 0) | OUTCOME(1, 1, 0, 0);
    const unsigned all = in_order | OUTCOME(1, 0, 0, 0);
    const struct {
        memory_order store, load;
        bool has_fences;
        unsigned outcomes;
    } cases[] = {
        {RELAXED, RELAXED, false, all},     {RELEASE, RELAXED, false, all},
        {RELAXED, ACQUIRE, false, all},     {RELEASE, ACQUIRE, false, in_order},
        {RELAXED, RELAXED, true, in_order}, {SEQ_CST, SEQ_CST, false, in_order},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        store_order = cases[i].store;
        load_order = cases[i].load;
        has_fences = cases[i].has_fences;
        assert_int_equal(outcomes_of(scripts, 2), cases[i].outcomes);
        assert_int_equal(outcomes_of(swapped, 2), cases[i].outcomes);
        if (!has_fences && load_order != SEQ_CST) {
            has_reader = true;
            assert_int_equal(outcomes_of(scripts, 2), cases[i].outcomes);
            has_reader = false;
        }
    }
    has_fences = false;
}

/* ---- each stores and looks at the other's ---- */

static void store_x_load_y(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &x, 1, store_order);
    fence();
    found[0] = tnd_word_load(&y, load_order);
}

static void store_y_load_x(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &y, 1, store_order);
    fence();
    found[1] = tnd_word_load(&x, load_order);
}

static void test_store_buffering(void** state)
{
    (void)state;
    void (*const scripts[])(actor*) = {store_x_load_y, store_y_load_x};
    const unsigned strong = OUTCOME(0, 1, 0, 0) | OUTCOME(1, 0, 0, 0) | OUTCOME(1, 1, 0, 0);
    store_order = RELEASE;
    load_order = ACQUIRE;
    assert_int_equal(outcomes_of(scripts, 2), strong | OUTCOME(0, 0, 0, 0));
    has_fences = true;
    assert_int_equal(outcomes_of(scripts, 2), strong);
    has_fences = false;
    store_order = load_order = SEQ_CST;
    assert_int_equal(outcomes_of(scripts, 2), strong);
}

/* ---- two readers of two independent writers ---- */

static void store_x(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &x, 1, store_order);
}

static void store_y(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &y, 1, store_order);
}

static void load_x_y(actor* self)
{
    (void)self;
    found[0] = tnd_word_load(&x, load_order);
    found[1] = tnd_word_load(&y, load_order);
}

static void load_y_x(actor* self)
{
    (void)self;
    found[2] = tnd_word_load(&y, load_order);
    found[3] = tnd_word_load(&x, load_order);
}

static void test_independent_reads(void** state)
{
    (void)state;
    void (*const scripts[])(actor*) = {store_x, store_y, load_x_y, load_y_x};
    store_order = RELEASE;
    load_order = ACQUIRE;
    assert_int_equal(outcomes_of(scripts, 4), 0xffff);
    store_order = load_order = SEQ_CST;
    /* x before y and y before x can't both be seen. */
    assert_int_equal(outcomes_of(scripts, 4), 0xffff & ~OUTCOME(1, 0, 1, 0));
}

/* ---- one word ---- */

static void store_x_twice(actor* self)
{
    (void)self;
    tnd_word_store(POINT, &x, 1, RELAXED);
    tnd_word_store(POINT, &x, 2, RELAXED);
}

static void load_x_twice(actor* self)
{
    (void)self;
    uint64_t first = tnd_word_load(&x, RELAXED);
    uint64_t second = tnd_word_load(&x, RELAXED);
    found[0] = first != 0;
    found[1] = first > second;
    found[2] = second == 2;
}

static void test_one_word_goes_forward(void** state)
{
    (void)state;
    void (*const scripts[])(actor*) = {store_x_twice, load_x_twice};
    assert_int_equal(outcomes_of(scripts, 2), OUTCOME(0, 0, 0, 0) | OUTCOME(0, 0, 1, 0) |
                                                  OUTCOME(1, 0, 0, 0) | OUTCOME(1, 0, 1, 0));
}

static void swap_x(actor* self)
{
    uint64_t there = 0;
    found[self->index] = tnd_word_swap(POINT, &x, &there, 1 + self->index);
}

/* One swap from zero succeeds, whichever. */
static void test_swaps_are_atomic(void** state)
{
    (void)state;
    void (*const scripts[])(actor*) = {swap_x, swap_x, swap_x};
    assert_int_equal(outcomes_of(scripts, 3),
                     OUTCOME(1, 0, 0, 0) | OUTCOME(0, 1, 0, 0) | OUTCOME(0, 0, 1, 0));
}

/* ---- programs at random: with reduction and without ---- */

#define PROGRAMS 60
#define THREADS 3
#define LENGTH 3
#define OUTCOMES_MAX 4096

typedef struct instruction {
    step_kind kind;
    memory_order order;
    tnd_word* word;
} instruction;

static instruction program[THREADS][LENGTH];
static uint64_t results[THREADS][LENGTH];
static uint64_t met[2][OUTCOMES_MAX]; /* hashes of what the loads returned and what was left */
static unsigned met_count[2];
static unsigned met_which;

static void run_program(actor* self)
{
    memset(results[self->index], 0, sizeof(results[self->index]));
    for (unsigned i = 0; i < LENGTH; i++) {
        const instruction* in = &program[self->index][i];
        uint64_t value = 1 + self->index * LENGTH + i;
        uint64_t* result = &results[self->index][i];
        switch (in->kind) {
        case STEP_LOAD:
            *result = tnd_word_load(in->word, in->order);
            break;
        case STEP_STORE:
            tnd_word_store(POINT, in->word, value, in->order);
            break;
        case STEP_SWAP:
            tnd_word_swap(POINT, in->word, result, value); /* from zero */
            break;
        case STEP_EXCHANGE:
            *result = tnd_word_exchange(POINT, in->word, value);
            break;
        case STEP_OR:
        case STEP_KERNEL:
        case STEP_FENCE:
            tnd_word_fence(in->order);
            break;
        }
    }
}

static void prepare_program(void)
{
    prepare_words();
    memset(results, 0, sizeof(results));
}

static void note_results(void)
{
    uint64_t hash = (x * 31 + y) * 31;
    for (unsigned i = 0; i < THREADS * LENGTH; i++) {
        hash = (hash ^ (&results[0][0])[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 31;
    }
    for (unsigned i = 0; i < met_count[met_which]; i++) {
        if (met[met_which][i] == hash) {
            return;
        }
    }
    assert_true(met_count[met_which] < OUTCOMES_MAX);
    met[met_which][met_count[met_which]++] = hash;
}

static unsigned random_below(unsigned n)
{
    static uint64_t seed = 20260101;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void make_program(void)
{
    const memory_order loads[] = {RELAXED, ACQUIRE, SEQ_CST};
    const memory_order stores[] = {RELAXED, RELEASE, SEQ_CST};
    for (unsigned i = 0; i < THREADS * LENGTH; i++) {
        const step_kind kinds[] = {STEP_LOAD,  STEP_LOAD, STEP_LOAD,  STEP_STORE,
                                   STEP_STORE, STEP_SWAP, STEP_FENCE, STEP_EXCHANGE};
        instruction* in = &program[0][0] + i;
        in->kind = kinds[random_below(8)];
        in->word = random_below(2) ? &x : &y;
        in->order = in->kind == STEP_LOAD    ? loads[random_below(3)]
                    : in->kind == STEP_FENCE ? SEQ_CST
                                             : stores[random_below(3)];
    }
}

static uint64_t run_all(unsigned which, unsigned switches_max)
{
    step_scenario scenario = {
        .name = "random",
        .prepare = prepare_program,
        .actors_count = THREADS,
        .finish = note_results,
        .switches_max = switches_max,
    };
    prepare_program();
    for (unsigned i = 0; i < THREADS; i++) {
        actor_init(&actors[i], i, "random", run_program, 0);
        scenario.actors[i] = &actors[i];
    }
    met_which = which;
    met_count[which] = 0;
    step_result result;
    stepper_run(&scenario, 10000000, &result);
    assert_true(result.is_complete);
    return result.interleavings + result.cut;
}

/* The reduction leaves nothing out, and adds nothing. */
static void test_reduction(void** state)
{
    (void)state;
    uint64_t reduced = 0, all = 0;
    for (unsigned round = 0; round < PROGRAMS; round++) {
        make_program();
        reduced += run_all(0, 0);
        all += run_all(1, 1000);
        assert_int_equal(met_count[0], met_count[1]);
        for (unsigned i = 0; i < met_count[0]; i++) {
            unsigned at = 0;
            while (at < met_count[1] && met[1][at] != met[0][i]) {
                at++;
            }
            assert_true(at < met_count[1]);
        }
    }
    print_message("%d programs: %llu runs with reduction, %llu without\n", PROGRAMS,
                  (unsigned long long)reduced, (unsigned long long)all);
}

/* ---- membership ---- */

static void run_open_map(actor* self)
{
    world_open_map(self);
}

static void prepare_nothing(void)
{
    world_reset();
    actor_init(&actors[0], 0, "first", run_open_map, 1000);
    actor_init(&actors[1], 1, "second", run_open_map, 1000);
}

static void finish_created(void)
{
    if (actors[0].map.shm_id != actors[1].map.shm_id || kernel_segments_count() != 1 ||
        actors[0].map.header->nonce == 0) {
        world_fail("segments %d and %d", actors[0].map.shm_id, actors[1].map.shm_id);
    }
}

static void run_join(actor* self)
{
    tnd_member_join(&self->member, &self->map, self->index + 1, 1, 1, self->now_ms, 1);
}

static void prepare_join(void)
{
    prepare_nothing();
    for (unsigned i = 0; i < 2; i++) {
        actors[i].script = run_join;
        world_open_map(&actors[i]);
    }
}

/* Both are in slots of their own, and provably alive. */
static void finish_joined(void)
{
    const actor* a = &actors[0];
    if (a->member.slot == actors[1].member.slot) {
        world_fail("both have slot %u", a->member.slot);
    }
    for (unsigned i = 0; i < 2; i++) {
        tnd_seg_slot* slot = &actors[i].map.slots[actors[i].member.slot];
        if (atomic_load(&slot->state) != actors[i].member.state ||
            a->map.sys->ops->life_gone(a->map.sys->ctx, slot)) {
            world_fail("the slot of %s isn't its own", actors[i].name);
        }
    }
}

static void run_leave(actor* self)
{
    tnd_member_leave(&self->member, false);
}

/* The first leaves while the second joins: its slot may be the same. */
static void prepare_leave(void)
{
    world_reset();
    actor_init(&actors[0], 0, "first", run_leave, 1000);
    world_open(&actors[0]);
    actor_init(&actors[1], 1, "second", run_join, 1000);
    world_open_map(&actors[1]);
}

static void finish_left(void)
{
    const actor* b = &actors[1];
    tnd_seg_slot* slot = &b->map.slots[b->member.slot];
    if (atomic_load(&slot->state) != b->member.state ||
        b->map.sys->ops->life_gone(b->map.sys->ctx, slot)) {
        world_fail("the slot of the one that joined isn't its own");
    }
    if (b->member.slot == 1 && atomic_load(&b->map.slots[0].state) != 0) {
        world_fail("the slot that was left isn't free");
    }
}

static void test_membership(void** state)
{
    (void)state;
    static const step_scenario scenarios[] = {
        {
            .name = "two create, two switches",
            .prepare = prepare_nothing,
            .actors = {&actors[0], &actors[1]},
            .actors_count = 2,
            .switches_max = 2,
            .finish = finish_created,
            .opens_maps = true,
        },
        {
            .name = "two join",
            .prepare = prepare_join,
            .actors = {&actors[0], &actors[1]},
            .actors_count = 2,
            .finish = finish_joined,
        },
        {
            .name = "one leaves, one joins",
            .prepare = prepare_leave,
            .actors = {&actors[0], &actors[1]},
            .actors_count = 2,
            .finish = finish_left,
        },
    };
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        step_result result;
        stepper_run(&scenarios[i], 6000000, &result);
        print_message("%s: %llu interleavings, %llu accesses\n", scenarios[i].name,
                      (unsigned long long)result.interleavings,
                      (unsigned long long)result.accesses);
        assert_string_equal(result.violation, "");
        assert_true(result.is_complete);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_passing),   cmocka_unit_test(test_store_buffering),
        cmocka_unit_test(test_independent_reads), cmocka_unit_test(test_one_word_goes_forward),
        cmocka_unit_test(test_swaps_are_atomic),  cmocka_unit_test(test_reduction),
        cmocka_unit_test(test_membership),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
