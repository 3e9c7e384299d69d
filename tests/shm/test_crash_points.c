/*
 * Every store, and every pair of stores.
 *
 * One life is played again and again: attach, join, take the role, restamp, publish twice, all the
 * small stores, hand over, leave, close. From three beginnings: no segment at all (creation); a map
 * whose owner has handed over; a map whose owner was killed. The first worker dies, or stands
 * still, before its i-th store. Its successor, to which a stopped one's heartbeat has expired, runs
 * to its end, or to its j-th store and there dies or lets the first go on.
 *
 * After each: a reader routes all the while and meets nothing torn and nothing older than what it
 * has seen; what was published last by the highest term stands in the end; whoever comes then can
 * tend; and the last one out leaves no segment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/shm/world.h"

#define NOW_MS 1000000
#define LATER_MS 1100000 /* heartbeats from before have expired */
#define MUCH_LATER_MS 1200000

typedef enum beginning {
    NOTHING,
    HANDED_OVER,
    KILLED,
    BEGINNINGS
} beginning;

static const char* const beginnings[] = {"creation", "after a hand-over", "after a death"};

/* What the successor has to publish: everything twice, one partition, or nothing but its term. */
typedef enum plan {
    ALL,
    SOME,
    NONE,
    PLANS
} plan;

static const char* const plans[] = {"all", "some", "none"};

static actor reader, before, first, second, last;

/* ---- scripts ---- */

static void small_stores(actor* self)
{
    uint64_t bits[(TND_NODES_MAX + 1) / 64];
    tnd_tend_ask(&self->map, 1);
    tnd_tend_take(&self->map, bits);
    tnd_owner_tell_seedless(&self->member);
    tnd_owner_tell_checked(&self->member, self->now_ms);
    tnd_fact_claim(&self->map, TND_FACT_NO_SLOT, self->now_ms, 1000);
    tnd_member_set_draining(&self->member, true);
    tnd_member_set_draining(&self->member, false);
}

static void tend(actor* self)
{
    bool fine = world_restamp(self);
    for (unsigned i = 0; i < self->publications && fine; i++) {
        fine = world_publish(self, world_number(self, i), self->partitions) &&
               tnd_owner_beat(&self->member, self->now_ms);
    }
    if (fine && tnd_owner_is_self(&self->member)) {
        world_note_completed(self);
    }
    small_stores(self);
    tnd_owner_release(&self->member);
}

static void run_life(actor* self)
{
    world_open(self);
    for (int tries = 0; tries < 3 && !self->has_owned; tries++) {
        if (world_take(self)) {
            tend(self);
        } else if (tnd_map_is_removed(&self->map)) {
            world_close(self);
            world_open(self);
        }
    }
    world_close(self);
}

static void run_publish(actor* self)
{
    world_open(self);
    if (!world_take(self) || !world_restamp(self) || !world_publish(self, 1, TND_PARTITIONS)) {
        world_fail("can't begin");
    }
    world_note_completed(self);
}

static void run_open(actor* self)
{
    world_open(self);
}

/* ---- one round ---- */

/* As a reader that knows the directory, and as one that has just come. */
static void route(void)
{
    for (int i = 0; i < 2 && reader.is_started; i++) {
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            world_check_route(&reader.map, p);
        }
        reader.map.dir_selector = 0;
    }
}

static void life_init(actor* self, unsigned index, const char* name, uint64_t now_ms, plan planned)
{
    actor_init(self, index, name, run_life, now_ms);
    self->publications = planned == ALL ? 2 : planned == SOME ? 1 : 0;
    self->partitions = planned == ALL ? TND_PARTITIONS : 1;
}

static void begin(beginning how, plan successor)
{
    world_reset();
    memset(&reader, 0, sizeof(reader));
    if (how != NOTHING) {
        actor_init(&before, 0, "before", run_publish, NOW_MS);
        actor_run_to(&before, 0);
        actor_init(&reader, 1, "reader", run_open, NOW_MS);
        actor_run_to(&reader, 0);
        reader.is_started = true;
        if (how == KILLED) {
            actor_kill(&before);
        } else {
            world_close(&before); /* hands over */
        }
        route();
    }
    life_init(&first, 2, "first", NOW_MS, ALL);
    life_init(&second, 3, "second", LATER_MS, successor);
}

/* Whoever comes when all is quiet tends, and the last one out leaves nothing. */
static void end(void)
{
    route();
    if (reader.is_started) {
        world_check_final(&reader.map);
    }
    life_init(&last, 0, "last", MUCH_LATER_MS, ALL);
    actor_run_to(&last, 0);
    if (!last.has_owned && !world_failure()) {
        world_fail("nobody can tend any more");
    }
    route();
    if (reader.is_started) {
        world_check_final(&reader.map);
        world_close(&reader);
    }
    if (kernel_segments_count() != 0) {
        world_fail("%u segments are left", kernel_segments_count());
    }
}

static void expect_fine(beginning how, const char* what, unsigned i, unsigned j)
{
    if (world_failure()) {
        fail_msg("%s: %s %u, %u: %s", beginnings[how], what, i, j, world_failure());
    }
}

/* ---- what is between two points ---- */

static uint8_t snapshot[256 * 1024];
static size_t snapshot_bytes;

static unsigned changed_words(void)
{
    size_t size;
    const uint8_t* memory = kernel_segment(WORLD_KEY, &size);
    unsigned count = 0;
    if (!memory || size != snapshot_bytes) {
        snapshot_bytes = memory ? size : 0; /* a new one is all zero */
        memset(snapshot, 0, sizeof(snapshot));
    }
    for (size_t i = 0; i < snapshot_bytes; i += 8) {
        count += memcmp(memory + i, snapshot + i, 8) != 0;
    }
    if (memory) {
        memcpy(snapshot, memory, size);
    }
    return count;
}

/* Whatever was stored since the last point was one word: no store is without a point. */
static void test_one_store_between_two_points(void** state)
{
    (void)state;
    for (beginning how = NOTHING; how < BEGINNINGS; how++) {
        begin(how, ALL);
        changed_words();
        unsigned n = 1;
        for (; actor_run_to(&first, n); n++) {
            if (changed_words() > 1) {
                fail_msg("%s: more than one word was stored before point %u", beginnings[how], n);
            }
        }
        assert_true(changed_words() <= 1);
        assert_true(first.has_owned);
        end();
        expect_fine(how, "alone", n, 0);
    }
}

/* ---- deaths ---- */

static void test_dies_anywhere(void** state)
{
    (void)state;
    for (beginning how = NOTHING; how < BEGINNINGS; how++) {
        unsigned i = 1;
        for (;; i++) {
            begin(how, ALL);
            if (!actor_run_to(&first, i)) {
                break;
            }
            route();
            actor_kill(&first);
            route();
            actor_run_to(&second, 0);
            if (!second.has_owned) {
                world_fail("no successor");
            }
            end();
            expect_fine(how, "died at", i, 0);
        }
        end();
        expect_fine(how, "ended at", i, 0);
        print_message("%s: died before each of %u stores and steps of the kernel\n",
                      beginnings[how], i - 1);
        assert_true(i > 40);
    }
}

/* ---- pairs ---- */

typedef enum pairing {
    STOP_STOP,
    STOP_DIE,
    DIE_DIE,
    PAIRINGS
} pairing;

static const char* const pairings[] = {"stopped, successor stopped", "stopped, successor died",
                                       "died, successor died"};

typedef struct round_kind {
    beginning how;
    pairing which;
    plan successor;
} round_kind;

/* False: the second has ended before its j-th store. */
static bool pair(const round_kind* kind, unsigned i, unsigned j, bool* ret_has_first)
{
    begin(kind->how, kind->successor);
    *ret_has_first = actor_run_to(&first, i);
    if (kind->which == DIE_DIE && *ret_has_first) {
        actor_kill(&first);
    }
    route();
    bool has_second = actor_run_to(&second, j);
    route();
    if (kind->which != STOP_STOP && has_second) {
        actor_kill(&second);
        route();
    }
    actor_run_to(&first, 0); /* the late one */
    route();
    actor_run_to(&second, 0);
    if (kind->how == NOTHING && kind->which == STOP_STOP && kernel_segments_count() != 0) {
        world_fail("both have left, and the segment is still there");
    }
    end();
    expect_fine(kind->how, pairings[kind->which], i, j);
    return has_second;
}

static unsigned pairs_of(const round_kind* kind)
{
    unsigned count = 0;
    bool has_first = true;
    for (unsigned i = 1; has_first; i++) {
        for (unsigned j = 1; pair(kind, i, j, &has_first) && has_first; j++) {
            count++;
        }
    }
    return count;
}

static void test_pairs(void** state)
{
    (void)state;
    unsigned sum = 0;
    for (beginning how = NOTHING; how < BEGINNINGS; how++) {
        for (pairing which = STOP_STOP; which < PAIRINGS; which++) {
            for (plan successor = ALL; successor < PLANS; successor++) {
                const round_kind kind = {how, which, successor};
                unsigned count = pairs_of(&kind);
                print_message("%s, %s, which publishes %s: %u pairs\n", beginnings[how],
                              pairings[which], plans[successor], count);
                assert_true(count > 1000);
                sum += count;
            }
        }
    }
    print_message("%u pairs\n", sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_store_between_two_points),
        cmocka_unit_test(test_dies_anywhere),
        cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
