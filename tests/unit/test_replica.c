/*
 * The table of protocol/records.md 7.4: which replica gets which attempt.
 */
#include "async/replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "shm/map.h"

/* Nodes 1 .. 3 in columns 0 .. 2; a bit per node that is active. */
static uint64_t word_123(void)
{
    const uint32_t nodes[TND_REPLICAS_MAX] = {1, 2, 3};
    return tnd_word_make(7, nodes, 0);
}

static bool is_active(void* udata, uint32_t node_index)
{
    return *(const unsigned*)udata >> node_index & 1;
}

static int32_t no_rack(void* udata, uint32_t node_index)
{
    (void)udata;
    (void)node_index;
    return -1;
}

#define ALL 0xeu

/* Without racks. */
static uint32_t choose(tnd_replica* replica, uint64_t word, unsigned active)
{
    tnd_replica_nodes nodes = {.udata = &active, .is_active = is_active, .rack_of = no_rack};
    return tnd_replica_choose(replica, word, &nodes);
}

typedef enum kind_of {
    READ,
    LINEARIZE,
    WRITE,
} kind_of;

static tnd_replica start(kind_of kind, as_policy_replica policy, uint32_t replicas,
                         tnd_replica_turns* turns)
{
    tnd_replica replica;
    as_policy_read_mode_sc mode =
        kind == LINEARIZE ? AS_POLICY_READ_MODE_SC_LINEARIZE : AS_POLICY_READ_MODE_SC_SESSION;
    if (kind == WRITE) {
        tnd_replica_init_write(&replica, policy);
    } else {
        tnd_replica_init_read(&replica, policy, mode);
    }
    tnd_replica_set_namespace(&replica, replicas, kind == LINEARIZE, mode, turns, true);
    return replica;
}

/* Three attempts: which node each gets when all are active, after failures of one cause. */
static const struct {
    const char* name;
    kind_of kind;
    as_policy_replica policy;
    uint32_t replicas;
    tnd_replica_cause cause;
    uint32_t nodes[3];
} attempts[] = {
    {"read master, connection",
     READ,
     AS_POLICY_REPLICA_MASTER,
     3,
     TND_REPLICA_CONNECTION,
     {1, 1, 1}},
    {"read master, timeout", READ, AS_POLICY_REPLICA_MASTER, 3, TND_REPLICA_TIMEOUT, {1, 1, 1}},
    {"write master, connection",
     WRITE,
     AS_POLICY_REPLICA_MASTER,
     3,
     TND_REPLICA_CONNECTION,
     {1, 1, 1}},
    {"read sequence, connection",
     READ,
     AS_POLICY_REPLICA_SEQUENCE,
     3,
     TND_REPLICA_CONNECTION,
     {1, 2, 3}},
    {"read sequence, timeout", READ, AS_POLICY_REPLICA_SEQUENCE, 3, TND_REPLICA_TIMEOUT, {1, 2, 3}},
    {"read sequence of two", READ, AS_POLICY_REPLICA_SEQUENCE, 2, TND_REPLICA_TIMEOUT, {1, 2, 1}},
    {"read sequence of one",
     READ,
     AS_POLICY_REPLICA_SEQUENCE,
     1,
     TND_REPLICA_CONNECTION,
     {1, 1, 1}},
    {"more replicas than columns",
     READ,
     AS_POLICY_REPLICA_SEQUENCE,
     9,
     TND_REPLICA_CONNECTION,
     {1, 2, 3}},
    {"no replica counts as one",
     READ,
     AS_POLICY_REPLICA_SEQUENCE,
     0,
     TND_REPLICA_CONNECTION,
     {1, 1, 1}},
    {"linearize, connection",
     LINEARIZE,
     AS_POLICY_REPLICA_SEQUENCE,
     3,
     TND_REPLICA_CONNECTION,
     {1, 2, 3}},
    {"linearize, timeout stays",
     LINEARIZE,
     AS_POLICY_REPLICA_SEQUENCE,
     3,
     TND_REPLICA_TIMEOUT,
     {1, 1, 1}},
    {"write sequence, connection",
     WRITE,
     AS_POLICY_REPLICA_SEQUENCE,
     3,
     TND_REPLICA_CONNECTION,
     {1, 2, 3}},
    {"write sequence, timeout stays",
     WRITE,
     AS_POLICY_REPLICA_SEQUENCE,
     3,
     TND_REPLICA_TIMEOUT,
     {1, 1, 1}},
    {"write any is sequence", WRITE, AS_POLICY_REPLICA_ANY, 3, TND_REPLICA_CONNECTION, {1, 2, 3}},
    {"write rack is sequence",
     WRITE,
     AS_POLICY_REPLICA_PREFER_RACK,
     3,
     TND_REPLICA_CONNECTION,
     {1, 2, 3}},
    {"write random rotates", WRITE, AS_POLICY_REPLICA_RANDOM, 3, TND_REPLICA_CONNECTION, {1, 2, 3}},
    {"write random, timeout stays",
     WRITE,
     AS_POLICY_REPLICA_RANDOM,
     3,
     TND_REPLICA_TIMEOUT,
     {1, 1, 1}},
    {"read any", READ, AS_POLICY_REPLICA_ANY, 3, TND_REPLICA_TIMEOUT, {1, 2, 3}},
    {"read rack without racks is sequence",
     READ,
     AS_POLICY_REPLICA_PREFER_RACK,
     3,
     TND_REPLICA_TIMEOUT,
     {1, 2, 3}},
};

static void follows_the_table(void** state)
{
    (void)state;
    unsigned active = ALL;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        tnd_replica_turns turns = {0};
        tnd_replica replica =
            start(attempts[i].kind, attempts[i].policy, attempts[i].replicas, &turns);
        for (int attempt = 0; attempt < 3; attempt++) {
            uint32_t node = choose(&replica, word_123(), active);
            if (node != attempts[i].nodes[attempt]) {
                fail_msg("%s: attempt %d went to %u", attempts[i].name, attempt + 1, node);
            }
            tnd_replica_move(&replica, attempts[i].cause);
        }
    }
}

/* First attempts of commands one after the other. */
static void takes_turns_over_the_replicas_there_are(void** state)
{
    (void)state;
    unsigned active = ALL;
    for (uint32_t replicas = 1; replicas <= 3; replicas++) {
        for (int random = 0; random <= 1; random++) {
            uint32_t seen[4] = {0};
            tnd_replica_turns turns = {0};
            for (int i = 0; i < 60; i++) {
                tnd_replica replica =
                    start(READ, random ? AS_POLICY_REPLICA_RANDOM : AS_POLICY_REPLICA_ANY, replicas,
                          &turns);
                seen[choose(&replica, word_123(), active)]++;
            }
            for (uint32_t node = 1; node <= replicas; node++) {
                assert_int_equal(seen[node], 60 / replicas);
            }
            assert_int_equal(random ? turns.any : turns.random, 0);
        }
    }
}

static void passes_over_replicas_that_are_missing(void** state)
{
    (void)state;
    static const struct {
        as_policy_replica policy;
        uint32_t nodes[3];
        unsigned active;
        uint32_t chosen;
    } cases[] = {
        {AS_POLICY_REPLICA_SEQUENCE, {0, 2, 3}, ALL, 2},
        {AS_POLICY_REPLICA_SEQUENCE, {0, 0, 3}, ALL, 3},
        {AS_POLICY_REPLICA_SEQUENCE, {0, 0, 0}, ALL, 0},
        {AS_POLICY_REPLICA_SEQUENCE, {1, 2, 3}, 1u << 3, 3},
        {AS_POLICY_REPLICA_SEQUENCE, {1, 2, 3}, 0, 0},
        {AS_POLICY_REPLICA_MASTER, {0, 2, 3}, ALL, 0},
        {AS_POLICY_REPLICA_MASTER, {1, 2, 3}, 1u << 2, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tnd_replica_turns turns = {0};
        tnd_replica replica = start(READ, cases[i].policy, 3, &turns);
        unsigned active = cases[i].active;
        uint64_t word = tnd_word_make(1, cases[i].nodes, 0);
        assert_int_equal(choose(&replica, word, active), cases[i].chosen);
    }
}

/* A retry after a replica was passed over goes on behind the one that was tried. */
static void moves_on_from_the_replica_that_was_tried(void** state)
{
    (void)state;
    unsigned active = 1u << 2 | 1u << 3;
    tnd_replica_turns turns = {0};
    tnd_replica replica = start(READ, AS_POLICY_REPLICA_SEQUENCE, 3, &turns);
    assert_int_equal(choose(&replica, word_123(), active), 2);
    assert_true(tnd_replica_move(&replica, TND_REPLICA_CONNECTION));
    assert_int_equal(choose(&replica, word_123(), active), 3);
}

static void says_whether_it_moves(void** state)
{
    (void)state;
    tnd_replica_turns turns = {0};
    tnd_replica replica = start(READ, AS_POLICY_REPLICA_SEQUENCE, 1, &turns);
    assert_false(tnd_replica_move(&replica, TND_REPLICA_CONNECTION));
    replica = start(WRITE, AS_POLICY_REPLICA_SEQUENCE, 2, &turns);
    assert_false(tnd_replica_move(&replica, TND_REPLICA_TIMEOUT));
    assert_true(tnd_replica_move(&replica, TND_REPLICA_CONNECTION));
}

/* Strong consistency: sessions read from the master, other modes keep the algorithm. */
static void sends_sessions_to_the_master(void** state)
{
    (void)state;
    static const struct {
        as_policy_read_mode_sc mode;
        bool is_sc;
        uint32_t second; /* node of the second attempt */
    } cases[] = {
        {AS_POLICY_READ_MODE_SC_SESSION, true, 1},
        {AS_POLICY_READ_MODE_SC_SESSION, false, 2},
        {AS_POLICY_READ_MODE_SC_LINEARIZE, true, 2},
        {AS_POLICY_READ_MODE_SC_ALLOW_REPLICA, true, 2},
        {AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE, true, 2},
    };
    unsigned active = ALL;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tnd_replica_turns turns = {.any = 1};
        tnd_replica replica;
        tnd_replica_init_read(&replica, AS_POLICY_REPLICA_SEQUENCE, cases[i].mode);
        tnd_replica_set_namespace(&replica, 3, cases[i].is_sc, cases[i].mode, &turns, true);
        assert_int_equal(choose(&replica, word_123(), active), 1);
        tnd_replica_move(&replica, TND_REPLICA_CONNECTION);
        tnd_replica_set_namespace(&replica, 3, cases[i].is_sc, cases[i].mode, &turns, false);
        assert_int_equal(choose(&replica, word_123(), active), cases[i].second);
    }
}

/* ---- racks ---- */

#define RACKS_MAX 3

typedef struct racks_case {
    const char* name;
    uint32_t replicas;
    int32_t of_node[4]; /* by node index; -1 unknown */
    int wanted[RACKS_MAX];
    uint32_t wanted_count;
    unsigned active;
    as_policy_read_mode_sc mode;
    bool is_sc;
    uint32_t nodes[4]; /* of four attempts */
} racks_case;

#define SESSION AS_POLICY_READ_MODE_SC_SESSION

static const racks_case racks_cases[] = {
    {"own rack, then the others in turn",
     3,
     {0, 1, 2, 3},
     {2},
     1,
     ALL,
     SESSION,
     false,
     {2, 3, 2, 3}},
    {"no rack known is a sequence", 3, {0, -1, -1, -1}, {2}, 1, ALL, SESSION, false, {1, 2, 3, 1}},
    {"no rack wanted is a sequence", 3, {0, 1, 2, 3}, {0}, 0, ALL, SESSION, false, {1, 2, 3, 1}},
    {"an unknown rack is none", 3, {0, -1, -1, 5}, {-1, 5}, 2, ALL, SESSION, false, {3, 1, 3, 1}},
    {"racks in order", 3, {0, 1, 2, 3}, {3, 1}, 2, ALL, SESSION, false, {3, 1, 3, 1}},
    {"two on the rack", 3, {0, 7, 4, 7}, {7}, 1, ALL, SESSION, false, {1, 3, 1, 3}},
    {"one replica", 1, {0, 1, 2, 3}, {2}, 1, ALL, SESSION, false, {1, 1, 1, 1}},
    {"two replicas", 2, {0, 1, 2, 3}, {2}, 1, ALL, SESSION, false, {2, 1, 2, 1}},
    {"only the last one is left", 3, {0, 1, 2, 3}, {2}, 1, 1u << 2, SESSION, false, {2, 2, 2, 2}},
    {"rack is down", 3, {0, 1, 2, 3}, {2}, 1, 1u << 1 | 1u << 3, SESSION, false, {1, 3, 1, 3}},
    {"nobody is left", 3, {0, 1, 2, 3}, {2}, 1, 0, SESSION, false, {0, 0, 0, 0}},
    {"session reads the master", 3, {0, 1, 2, 3}, {2}, 1, ALL, SESSION, true, {1, 1, 1, 1}},
    {"linearize is a sequence",
     3,
     {0, 1, 2, 3},
     {2},
     1,
     ALL,
     AS_POLICY_READ_MODE_SC_LINEARIZE,
     true,
     {1, 2, 3, 1}},
    {"replicas allowed",
     3,
     {0, 1, 2, 3},
     {2},
     1,
     ALL,
     AS_POLICY_READ_MODE_SC_ALLOW_REPLICA,
     true,
     {2, 3, 2, 3}},
};

typedef struct racks_world {
    const racks_case* of;
} racks_world;

static bool racks_is_active(void* udata, uint32_t node_index)
{
    return ((const racks_world*)udata)->of->active >> node_index & 1;
}

static int32_t racks_rack_of(void* udata, uint32_t node_index)
{
    return ((const racks_world*)udata)->of->of_node[node_index];
}

static void prefers_racks(void** state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(racks_cases) / sizeof(racks_cases[0]); i++) {
        const racks_case* c = &racks_cases[i];
        racks_world world = {.of = c};
        tnd_replica_nodes nodes = {.udata = &world,
                                   .is_active = racks_is_active,
                                   .rack_of = racks_rack_of,
                                   .racks = c->wanted,
                                   .racks_count = c->wanted_count};
        tnd_replica_turns turns = {0};
        tnd_replica replica;
        tnd_replica_init_read(&replica, AS_POLICY_REPLICA_PREFER_RACK, c->mode);
        for (int attempt = 0; attempt < 4; attempt++) {
            tnd_replica_set_namespace(&replica, c->replicas, c->is_sc, c->mode, &turns,
                                      attempt == 0);
            uint32_t node = tnd_replica_choose(&replica, word_123(), &nodes);
            if (node != c->nodes[attempt]) {
                fail_msg("%s: attempt %d went to %u", c->name, attempt + 1, node);
            }
            tnd_replica_move(&replica, TND_REPLICA_CONNECTION);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_table),
        cmocka_unit_test(takes_turns_over_the_replicas_there_are),
        cmocka_unit_test(passes_over_replicas_that_are_missing),
        cmocka_unit_test(moves_on_from_the_replica_that_was_tried),
        cmocka_unit_test(says_whether_it_moves),
        cmocka_unit_test(sends_sessions_to_the_master),
        cmocka_unit_test(prefers_racks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
