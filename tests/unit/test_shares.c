/*
 * What workers share towards a node: errors, turns to connect, connections. In real segments, with
 * real processes that die.
 */
#include "shm/shares.h"

#include "tests/unit/shm_bed.h"

typedef struct seat {
    tnd_map map;
    tnd_member member;
} seat;

static void seat_open(seat* s)
{
    map_open(&s->map);
    join(&s->member, &s->map);
}

static void seat_close(seat* s)
{
    tnd_member_leave(&s->member, true);
    tnd_map_close(&s->map);
}

static void counts_errors_of_all(void** state)
{
    (void)state;
    seat a, b;
    seat_open(&a);
    seat_open(&b);
    tnd_shares_note_error(&a.map, 3, 7);
    tnd_shares_note_error(&b.map, 3, 7);
    tnd_shares_note_error(&b.map, NODES, 8);
    assert_int_equal(tnd_tally_now(tnd_shares_errors(&a.map, 3), 7), 2);
    assert_int_equal(tnd_tally_now(tnd_shares_errors(&b.map, 3), 7), 2);
    assert_int_equal(tnd_tally_now(tnd_shares_errors(&a.map, NODES), 8), 1);
    tnd_shares_note_error(&a.map, 0, 7); /* no node */
    tnd_shares_note_error(&a.map, NODES + 1, 7);
    assert_int_equal(tnd_shares_errors(&a.map, 0), 0);
    assert_int_equal(tnd_shares_errors(&a.map, NODES + 1), 0);
    seat_close(&b);
    seat_close(&a);
}

static void gives_turns_to_all(void** state)
{
    (void)state;
    seat a, b;
    seat_open(&a);
    seat_open(&b);
    /* One per 100 ms: at once, then each one interval later, whoever asks. */
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 5000000, 100000, 250000), 0);
    assert_int_equal(tnd_shares_take_turn(&b.map, 1, 5000000, 100000, 250000), 100000);
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 5010000, 100000, 250000), 190000);
    assert_int_equal(tnd_shares_take_turn(&b.map, 1, 5010000, 100000, 250000), UINT64_MAX);
    assert_int_equal(tnd_shares_take_turn(&b.map, 1, 5060000, 100000, 250000), 240000);
    assert_int_equal(tnd_shares_take_turn(&b.map, 2, 5010000, 100000, 250000), 0);
    /* A pause isn't made up for. */
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 9000000, 100000, 250000), 0);
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 9000000, 100000, 250000), 100000);
    /* No pace asked for, no node, damage. */
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 9000000, 0, 0), 0);
    assert_int_equal(tnd_shares_take_turn(&a.map, 0, 9000000, 100000, 0), 0);
    a.map.paces[1] = UINT64_MAX;
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 9000000, 100000, 250000), 0);
    assert_int_equal(tnd_shares_take_turn(&a.map, 1, 9000000, 100000, 250000), 100000);
    seat_close(&b);
    seat_close(&a);
}

static void keeps_within_the_budget(void** state)
{
    (void)state;
    seat a, b;
    seat_open(&a);
    seat_open(&b);
    for (int i = 0; i < 3; i++) {
        assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 4));
    }
    assert_true(tnd_shares_take_link(&b.map, b.member.slot, 1, 4));
    assert_false(tnd_shares_take_link(&b.map, b.member.slot, 1, 4));
    assert_false(tnd_shares_take_link(&a.map, a.member.slot, 1, 4));
    assert_int_equal(tnd_shares_links(&a.map, 1), 4); /* refusals leave nothing */
    assert_true(tnd_shares_take_link(&b.map, b.member.slot, 2, 4));
    assert_true(
        tnd_shares_take_link(&b.map, b.member.slot, 1, 0)); /* who has no budget counts, too */
    tnd_shares_return_link(&b.map, b.member.slot, 1);
    tnd_shares_return_link(&a.map, a.member.slot, 1);
    assert_true(tnd_shares_take_link(&b.map, b.member.slot, 1, 4));
    tnd_shares_return_link(&b.map, b.member.slot, 3); /* never taken: nothing below zero */
    assert_int_equal(tnd_shares_links(&a.map, 3), 0);
    assert_true(tnd_shares_take_link(&b.map, TND_MEMBER_NONE, 1, 1)); /* no slot: not counted */
    seat_close(&b);
    assert_int_equal(tnd_shares_links(&a.map, 1), 2); /* its share came back */
    seat_close(&a);
}

static void lets_nobody_starve(void** state)
{
    (void)state;
    seat a, b;
    seat_open(&a);
    seat_open(&b);
    assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 1));
    assert_true(tnd_shares_take_link(&b.map, b.member.slot, 1, 1));
    assert_false(tnd_shares_take_link(&b.map, b.member.slot, 1, 1));
    seat_close(&b);
    seat_close(&a);
}

static void take_five_and_die(void)
{
    seat s;
    seat_open(&s);
    for (int i = 0; i < 5; i++) {
        tnd_shares_take_link(&s.map, s.member.slot, 1, 0);
    }
    kill(getpid(), SIGKILL);
}

static void the_dead_give_back(void** state)
{
    (void)state;
    seat a;
    seat_open(&a);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        take_five_and_die();
        _exit(1);
    }
    int wstatus;
    assert_int_equal(waitpid(pid, &wstatus, 0), pid);
    assert_true(WIFSIGNALED(wstatus));
    uint32_t slot = a.member.slot + 1;
    assert_int_equal(a.map.links[slot * a.map.links_row_words + 1], 5);
    assert_int_equal(tnd_shares_links(&a.map, 1), 0);
    assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 2));
    assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 2));
    assert_false(tnd_shares_take_link(&a.map, a.member.slot, 1, 2));
    seat b;
    seat_open(&b); /* takes the dead worker's slot, and finds an empty row */
    assert_int_equal(b.member.slot, slot);
    assert_int_equal(tnd_shares_links(&a.map, 1), 2);
    seat_close(&b);
    seat_close(&a);
}

/* ---- many at once, one of them dying at each store ---- */

#define RACERS 4
#define BUDGET 9

static void race_child(void)
{
    seat s;
    seat_open(&s);
    for (int i = 0; i < 3000; i++) {
        uint32_t mine = 0;
        while (mine < 5 && tnd_shares_take_link(&s.map, s.member.slot, 1, BUDGET)) {
            mine++;
        }
        if (tnd_shares_links(&s.map, 1) > BUDGET + RACERS) {
            _exit(2); /* those that were raised and not yet taken back; more can't be */
        }
        while (mine-- > 0) {
            tnd_shares_return_link(&s.map, s.member.slot, 1);
        }
    }
    seat_close(&s);
    _exit(0);
}

static void races_end_at_zero(void** state)
{
    (void)state;
    seat a;
    seat_open(&a);
    pid_t pids[RACERS];
    for (int i = 0; i < RACERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            race_child();
        }
    }
    for (int i = 0; i < RACERS; i++) {
        int wstatus;
        assert_int_equal(waitpid(pids[i], &wstatus, 0), pids[i]);
        assert_int_equal(wstatus, 0);
    }
    assert_int_equal(tnd_shares_links(&a.map, 1), 0);
    seat_close(&a);
}

static void use_everything(void)
{
    seat s;
    map_open(&s.map);
    tnd_point_hook = die_at_countdown;
    join(&s.member, &s.map);
    tnd_shares_note_error(&s.map, 1, 7);
    tnd_shares_take_turn(&s.map, 1, 1000000, 1000, 1000000);
    tnd_shares_take_link(&s.map, s.member.slot, 1, 3);
    tnd_shares_take_link(&s.map, s.member.slot, 1, 3);
    tnd_shares_return_link(&s.map, s.member.slot, 1);
    tnd_point_hook = NULL;
    _exit(0); /* as good as a death: it didn't leave */
}

static void check_nothing_is_held(int n)
{
    (void)n;
    seat a;
    seat_open(&a);
    assert_int_equal(tnd_shares_links(&a.map, 1), 0);
    assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 2));
    assert_true(tnd_shares_take_link(&a.map, a.member.slot, 1, 2));
    tnd_shares_return_link(&a.map, a.member.slot, 1);
    tnd_shares_return_link(&a.map, a.member.slot, 1);
    tnd_member_leave(&a.member, false);
    tnd_map_close(&a.map);
}

static void survives_deaths_at_each_store(void** state)
{
    (void)state;
    seat keeper;
    seat_open(&keeper);
    assert_true(for_each_death(use_everything, check_nothing_is_held) > 5);
    seat_close(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_errors_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_turns_to_all, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_within_the_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(lets_nobody_starve, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dead_give_back, setup, teardown),
        cmocka_unit_test_setup_teardown(races_end_at_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_deaths_at_each_store, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
