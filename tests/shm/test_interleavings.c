/*
 * A late writer, its successor and a reader, through all interleavings of their accesses to the
 * segment. The code is the one that runs in production; the memory is C11's, stale reads included
 * (stepper.h). In each interleaving a reader finds whole directories, never an older one after a
 * newer one, and no word whose directory it doesn't know; what the last owner knows stands in the
 * end.
 *
 * The test of the test: an order weakened, a fence or a check left out, and each time some
 * interleaving breaks.
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

#define NOW_MS 1000000
#define LATER_MS 1100000 /* heartbeats from before have expired */
#define MUCH_LATER_MS 1200000

#define INTERLEAVINGS_MAX 2000000

static actor before, late, successor, third, reader;

/* ---- scripts ---- */

static void complete(actor* self, bool fine)
{
    if (fine && tnd_owner_is_self(&self->member)) {
        world_note_completed(self);
    }
}

static void run_publish(actor* self)
{
    complete(self, world_publish(self, world_number(self, 0), self->partitions));
}

static void run_restamp_and_publish(actor* self)
{
    complete(self,
             world_restamp(self) && world_publish(self, world_number(self, 0), self->partitions));
}

static void run_restamp(actor* self)
{
    complete(self, world_restamp(self));
}

static void run_take_over(actor* self)
{
    if (world_take(self)) {
        run_restamp_and_publish(self);
    }
}

static void run_take_and_restamp(actor* self)
{
    if (world_take(self)) {
        run_restamp(self);
    }
}

static void run_take_and_hand_over(actor* self)
{
    if (world_take(self)) {
        run_restamp_and_publish(self);
        tnd_owner_release(&self->member);
    }
}

static void run_publish_twice(actor* self)
{
    world_publish(self, world_number(self, 0), 1);
    world_publish(self, world_number(self, 1), 1);
    world_note_completed(self);
}

static void run_route(actor* self)
{
    world_check_route(&self->map, 0);
    world_check_route(&self->map, 0);
}

static void run_refresh(actor* self)
{
    tnd_map_refresh(&self->map);
    world_check_copy(&self->map);
}

/* ---- beginnings ---- */

static void join_as(actor* self, unsigned index, const char* name, void (*script)(actor*),
                    uint64_t now_ms)
{
    actor_init(self, index, name, script, now_ms);
    self->partitions = 1;
    world_open(self);
}

/* A map that was published and handed over; a reader that knows it; one to take over. */
static void prepare(void (*late_script)(actor*), void (*successor_script)(actor*))
{
    world_reset();
    join_as(&before, 0, "before", NULL, NOW_MS);
    join_as(&late, 1, "late", late_script, NOW_MS);
    join_as(&successor, 2, "successor", successor_script, LATER_MS);
    join_as(&reader, 3, "reader", run_route, NOW_MS);
    if (!world_take(&before) || !world_restamp(&before) ||
        !world_publish(&before, 1, TND_PARTITIONS)) {
        world_fail("can't begin");
    }
    world_check_route(&reader.map, 0);
    tnd_owner_release(&before.member);
}

static void late_owns(void)
{
    if (!world_take(&late)) {
        world_fail("can't begin");
    }
}

static void prepare_publication(void)
{
    prepare(run_publish, run_take_over);
    late_owns();
    world_restamp(&late);
}

static void prepare_inheritance(void)
{
    prepare(run_publish, run_take_and_restamp);
    late_owns();
    world_restamp(&late);
}

static void prepare_takeover(void)
{
    prepare(run_restamp_and_publish, run_take_and_restamp);
    late_owns();
}

static void prepare_election(void)
{
    prepare(run_take_over, run_take_over);
    late.partitions = successor.partitions = 0;
}

/* The late one owned a term ago, its successor owns and has restamped. */
static void prepare_two_takeovers(void)
{
    prepare(run_publish, run_publish);
    late_owns();
    world_restamp(&late);
    world_take(&successor);
    world_restamp(&successor);
    join_as(&third, 0, "third", run_take_over, MUCH_LATER_MS);
}

static void prepare_short_successor(void)
{
    prepare(run_publish, run_take_and_hand_over);
    late_owns();
    world_restamp(&late);
}

static void prepare_reuse(void)
{
    prepare(run_publish_twice, NULL);
    late_owns();
    world_restamp(&late);
    world_publish(&late, world_number(&late, 0) - 1, 1);
    reader.script = run_refresh;
}

static void finish(void)
{
    reader.map.dir_selector = 0; /* as one that has just come */
    world_check_final(&reader.map);
}

static const step_scenario publication = {
    .name = "late publication, takeover and publication, reader",
    .prepare = prepare_publication,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario inheritance = {
    .name = "late publication, takeover, reader",
    .prepare = prepare_inheritance,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario takeover = {
    .name = "late takeover and publication, takeover, reader",
    .prepare = prepare_takeover,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario election = {
    .name = "two candidates, reader",
    .prepare = prepare_election,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario short_successor = {
    .name = "late publication, takeover, publication and hand-over, reader",
    .prepare = prepare_short_successor,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario two_takeovers = {
    .name = "late publication, publication, takeover and publication, reader",
    .prepare = prepare_two_takeovers,
    .actors = {&late, &successor, &third, &reader},
    .actors_count = 4,
    .finish = finish,
    .has_reader = true,
};
static const step_scenario reuse = {
    .name = "an arena used again, reader",
    .prepare = prepare_reuse,
    .actors = {&late, &reader},
    .actors_count = 2,
    .finish = finish,
    .has_reader = true,
};

static const step_scenario* const scenarios[] = {
    &publication, &inheritance, &takeover, &election, &short_successor, &two_takeovers, &reuse,
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static void run(const step_scenario* scenario, step_result* ret_result)
{
    actor* const all[] = {&before, &late, &successor, &third, &reader};
    stepper_run(scenario, INTERLEAVINGS_MAX, ret_result);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        actor_free_map(all[i]); /* of those that only stand about */
    }
}

static void test_all_interleavings(void** state)
{
    (void)state;
    uint64_t sum = 0;
    for (size_t i = 0; i < SCENARIOS; i++) {
        step_result result;
        run(scenarios[i], &result);
        print_message("%s: %llu interleavings, %llu cut short, %llu states, %llu accesses, %llu "
                      "stale reads\n",
                      scenarios[i]->name, (unsigned long long)result.interleavings,
                      (unsigned long long)result.cut, (unsigned long long)result.states,
                      (unsigned long long)result.accesses, (unsigned long long)result.stale);
        if (result.violation[0]) {
            fail_msg("%s: %s", scenarios[i]->name, result.violation);
        }
        assert_true(result.is_complete);
        assert_true(result.interleavings > 100);
        sum += result.interleavings;
    }
    print_message("%llu interleavings\n", (unsigned long long)sum);
}

/* ---- the test of the test ---- */

static bool is_word_of_table(const tnd_word* word)
{
    const tnd_seg_table* table = late.map.tables;
    return word >= &table->words[0] && word < &table->words[TND_PARTITIONS];
}

static bool is_by_reader(void)
{
    return actor_running() == &reader;
}

static void relax_point(step_access* access, tnd_point point)
{
    if (access->kind == STEP_SWAP && access->point == point) {
        access->order = memory_order_relaxed;
    }
}

static void blind_point(step_access* access, tnd_point point)
{
    access->is_blind = access->kind == STEP_SWAP && access->point == point;
}

static void skip_point(step_access* access, tnd_point point)
{
    access->is_skipped = access->kind == STEP_SWAP && access->point == point;
}

static void selection_relaxed(step_access* access)
{
    relax_point(access, TND_POINT_SELECT);
}

static void selection_blind(step_access* access)
{
    blind_point(access, TND_POINT_SELECT);
}

static void word_relaxed(step_access* access)
{
    relax_point(access, TND_POINT_WORD);
}

static void word_blind(step_access* access)
{
    blind_point(access, TND_POINT_WORD);
}

static void regime_blind(step_access* access)
{
    blind_point(access, TND_POINT_REGIME);
}

static void ownership_blind(step_access* access)
{
    blind_point(access, TND_POINT_OWNER_TAKE);
}

static void selector_not_restamped(step_access* access)
{
    skip_point(access, TND_POINT_RESTAMP_SELECTOR);
}

static void words_not_restamped(step_access* access)
{
    skip_point(access, TND_POINT_RESTAMP_WORD);
}

static void regimes_not_restamped(step_access* access)
{
    skip_point(access, TND_POINT_RESTAMP_REGIME);
}

static void reader_loads_word_relaxed(step_access* access)
{
    if (is_by_reader() && access->kind == STEP_LOAD && is_word_of_table(access->word)) {
        access->order = memory_order_relaxed;
    }
}

static void reader_loads_selector_relaxed(step_access* access)
{
    if (is_by_reader() && access->kind == STEP_LOAD && access->word == &late.map.map->selector) {
        access->order = memory_order_relaxed;
    }
}

static void writer_has_no_fence(step_access* access)
{
    access->is_skipped = access->kind == STEP_FENCE && !is_by_reader();
}

static void reader_has_no_fence(step_access* access)
{
    access->is_skipped = access->kind == STEP_FENCE && is_by_reader();
}

static void writers_load_selector_relaxed(step_access* access)
{
    if (!is_by_reader() && access->kind == STEP_LOAD && access->word == &late.map.map->selector) {
        access->order = memory_order_relaxed;
    }
}

/* The selector before the word, instead of the word before the selector. */
static void run_route_wrongly(actor* self)
{
    if (!tnd_map_is_current(&self->map)) {
        tnd_map_refresh(&self->map);
    }
    bool is_current = tnd_map_is_current(&self->map);
    uint64_t word = tnd_map_word(&self->map, 0, 0);
    if (is_current && !tnd_map_node(&self->map, tnd_word_node(word, 0))) {
        world_fail("a word names a node that the directory doesn't know");
    }
}

static void prepare_wrong_route(void)
{
    prepare_publication();
    reader.script = run_route_wrongly;
}

static const step_scenario wrong_route = {
    .name = "the selector read before the word",
    .prepare = prepare_wrong_route,
    .actors = {&late, &successor, &reader},
    .actors_count = 3,
    .finish = finish,
    .has_reader = true,
};

static const struct {
    const char* name;
    const step_scenario* scenario;
    void (*weaken)(step_access* access);
} breaks[] = {
    {"the selection is relaxed", &publication, selection_relaxed},
    {"the selection doesn't compare", &inheritance, selection_blind},
    {"the word's swap is relaxed", &publication, word_relaxed},
    {"the word's swap doesn't compare", &inheritance, word_blind},
    {"the regime's swap doesn't compare", &inheritance, regime_blind},
    {"taking the role doesn't compare", &election, ownership_blind},
    {"the selector isn't restamped", &inheritance, selector_not_restamped},
    {"words aren't restamped", &inheritance, words_not_restamped},
    {"regimes aren't restamped", &inheritance, regimes_not_restamped},
    {"the reader loads words relaxed", &publication, reader_loads_word_relaxed},
    {"the reader loads the selector relaxed", &publication, reader_loads_selector_relaxed},
    {"no fence before an arena is written", &reuse, writer_has_no_fence},
    {"no fence after an arena was copied", &reuse, reader_has_no_fence},
    {"writers load the selector relaxed", &short_successor, writers_load_selector_relaxed},
    {"the selector is read before the word", &wrong_route, NULL},
};

static void test_breaks_are_found(void** state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        step_result result;
        stepper_weaken = breaks[i].weaken;
        run(breaks[i].scenario, &result);
        stepper_weaken = NULL;
        print_message("%s: %s\n", breaks[i].name,
                      result.violation[0] ? result.violation : "not found");
        assert_true(result.violation[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_interleavings),
        cmocka_unit_test(test_breaks_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
