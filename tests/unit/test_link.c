/*
 * Who shares a connection with whom, and what becomes of those on it when one of them gives up or
 * the connection ends: a pool with one node against a scripted peer in a simulated world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "async/node.h"
#include "core/mem.h"
#include "shm/member.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#define SECOND ((uint64_t)1000000)
#define MS ((uint64_t)1000)
#define OWNERS 64
#define REQUEST_BYTES 32

struct bed;

/* Somebody with a request. */
typedef struct owner {
    struct bed* bed;
    tnd_link* link;
    uint32_t seat;
    bool must_keep; /* the seat, at the first reply: more frames follow */
    bool must_break;
    bool must_close_pool; /* when it fails */
    unsigned opened, replies, fails;
    bool was_open, was_sent;
    as_status status;
    uint8_t reply_tag; /* of the last frame */
    uint64_t end_us;
} owner;

typedef struct bed {
    sim_world* world;
    tnd_loop* loop;
    struct sockaddr_storage addr;
    socklen_t addr_len;
    sim_listener* listener;
    sim_peer* peers[OWNERS];
    unsigned peers_count;
    unsigned packets; /* that the peers got */
    tnd_pool pool;
    tnd_map map;
    tnd_node_rec nodes[2];
    owner owners[OWNERS];
    unsigned inside; /* handlers on the stack */
} bed;

/* ---- the peer: keeps what comes, answers when told to ---- */

static void on_peer_open(sim_peer* peer)
{
    bed* b = sim_peer_udata(peer);
    b->peers[b->peers_count++] = peer;
}

static void on_peer_bytes(sim_peer* peer, const uint8_t* bytes, size_t size)
{
    (void)bytes;
    (void)size;
    ((bed*)sim_peer_udata(peer))->packets++;
}

static void on_peer_end(sim_peer* peer, int error)
{
    (void)error;
    bed* b = sim_peer_udata(peer);
    for (unsigned i = 0; i < b->peers_count; i++) {
        b->peers[i] = b->peers[i] == peer ? NULL : b->peers[i];
    }
    sim_peer_close(peer);
}

static const sim_peer_handler peer_handler = {on_peer_open, on_peer_bytes, on_peer_end};

/* One reply: the tag stands where nothing else does. */
static void answer_with(bed* b, unsigned peer, uint8_t tag, size_t body_bytes, uint8_t info3)
{
    uint8_t* frame = calloc(1, 8 + body_bytes);
    frame[0] = 2;
    frame[1] = 3;
    for (int i = 0; i < 6; i++) {
        frame[2 + i] = (uint8_t)(body_bytes >> (40 - 8 * i));
    }
    frame[8] = 22;
    frame[8 + 3] = info3;
    frame[8 + 9] = tag;
    assert_non_null(b->peers[peer]);
    sim_peer_send(b->peers[peer], frame, 8 + body_bytes);
    free(frame);
}

static void answer(bed* b, unsigned peer, uint8_t tag)
{
    answer_with(b, peer, tag, 22, 0);
}

static void run(bed* b)
{
    sim_world_run_for(b->world, 10 * MS);
}

/* ---- the owners ---- */

static void owner_send(owner* o)
{
    uint8_t request[REQUEST_BYTES] = {2, 3};
    tnd_link_send(o->link, o->seat, request, sizeof(request), o->must_keep);
}

static void on_open(void* udata, tnd_link* link)
{
    owner* o = udata;
    assert_ptr_equal(link, o->link);
    o->opened++;
    owner_send(o);
}

static void on_reply(void* udata, tnd_link* link, uint8_t type, const uint8_t* body, size_t size)
{
    owner* o = udata;
    assert_ptr_equal(link, o->link);
    assert_int_equal(type, 3);
    assert_true(size >= 22);
    o->replies++;
    o->reply_tag = body[9];
    o->end_us = sim_world_now_us(o->bed->world);
    o->bed->inside++;
    if (o->must_break) {
        as_error err;
        as_error_init(&err);
        as_error_set_message(&err, AEROSPIKE_ERR_CLIENT, "broken by its owner");
        o->link = NULL;
        tnd_link_break(link, o->seat, &err);
    } else if (!o->must_keep) {
        o->link = NULL;
        tnd_link_release(link);
    }
    o->bed->inside--;
}

static void on_fail(void* udata, tnd_link* link, bool was_open, bool was_sent, as_error* err)
{
    owner* o = udata;
    assert_ptr_equal(link, o->link);
    assert_int_equal(o->bed->inside, 0); /* never inside of another's handler */
    o->link = NULL;
    o->fails++;
    o->was_open = was_open;
    o->was_sent = was_sent;
    o->status = err->code;
    o->end_us = sim_world_now_us(o->bed->world);
    if (o->must_close_pool) {
        for (unsigned i = 0; i < OWNERS; i++) {
            owner* other = &o->bed->owners[i];
            if (other->link) {
                link = other->link;
                other->link = NULL;
                tnd_link_abandon(link, other->seat, 0);
            }
        }
        tnd_pool_close(&o->bed->pool);
    }
}

static const tnd_link_handler handler = {on_open, on_reply, on_fail};

static tnd_acquire start(bed* b, unsigned index, tnd_link_lane lane)
{
    as_error err;
    owner* o = &b->owners[index];
    tnd_node* node = tnd_pool_node(&b->pool, &b->map, 1);
    assert_non_null(node);
    tnd_acquire outcome = tnd_node_acquire(node, lane, o, &o->link, &o->seat, as_error_init(&err));
    if (outcome == TND_ACQUIRE_READY) {
        owner_send(o);
    }
    return outcome;
}

static void start_many(bed* b, unsigned first, unsigned count, tnd_link_lane lane)
{
    for (unsigned i = first; i < first + count; i++) {
        assert_true(start(b, i, lane) <= TND_ACQUIRE_OPENING);
    }
}

/* ---- setting up ---- */

static bed* bed_new(const tnd_pool_limits* config)
{
    bed* b = calloc(1, sizeof(*b));
    b->world = sim_world_new(7);
    b->loop = sim_loop_new(b->world, "worker");
    b->addr_len = sim_addr_inet(&b->addr, "10.0.0.1", 3000);
    b->listener = sim_listen(b->world, (struct sockaddr*)&b->addr, b->addr_len, &peer_handler, b);
    tnd_pool_init(&b->pool, b->loop, &handler, config);
    tnd_pool_set_map(&b->pool, &b->map, TND_MEMBER_NONE);
    b->map.base = (uint8_t*)b;
    b->map.shm_id = -1;
    b->map.nodes_capacity = 1;
    b->map.dir_version = 1;
    b->map.dir.nodes_count = 1;
    b->map.nodes = b->nodes;
    b->nodes[1] = (tnd_node_rec){.state = TND_NODE_ACTIVE, .generation = 1, .addrs_count = 1};
    b->nodes[1].addrs[0] = (tnd_node_addr){.family = AF_INET, .port = 3000, .bytes = {10, 0, 0, 1}};
    snprintf(b->nodes[1].name, sizeof(b->nodes[1].name), "BB9");
    for (unsigned i = 0; i < OWNERS; i++) {
        b->owners[i].bed = b;
    }
    return b;
}

static const tnd_pool_limits usual = {.links_max = 3,
                                      .share_links = 2,
                                      .depth = 4,
                                      .share_bytes = 65536,
                                      .drain_ms = 500};

static void bed_free(bed* b)
{
    for (unsigned i = 0; i < OWNERS; i++) {
        if (b->owners[i].link) {
            tnd_link_abandon(b->owners[i].link, b->owners[i].seat, 0);
        }
    }
    tnd_pool_close(&b->pool);
    sim_loop_usage used = sim_loop_used(b->loop);
    assert_int_equal(used.fds_count, 0);
    assert_int_equal(used.timers_count + used.tasks_count, 0);
    sim_world_free(b->world);
    free(b);
}

static uint32_t links_of(bed* b)
{
    return tnd_pool_node(&b->pool, &b->map, 1)->links_count;
}

/* ---- who shares with whom ---- */

static void test_reads_share_before_the_limit(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 2, TND_LANE_READ);
    assert_int_equal(links_of(b), 2);
    start_many(b, 2, 6, TND_LANE_READ); /* four each */
    assert_int_equal(links_of(b), 2);
    start_many(b, 8, 4, TND_LANE_READ); /* then a third one */
    assert_int_equal(links_of(b), 3);
    assert_int_equal(start(b, 12, TND_LANE_READ), TND_ACQUIRE_FULL);
    assert_int_equal(start(b, 12, TND_LANE_WRITE), TND_ACQUIRE_FULL);
    assert_int_equal(start(b, 12, TND_LANE_ALONE), TND_ACQUIRE_FULL);
    run(b);
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(b->owners[i].opened, 1);
    }
    answer(b, 0, 1);
    run(b);
    assert_int_equal(start(b, 12, TND_LANE_READ), TND_ACQUIRE_READY);
    bed_free(b);
}

static void test_lone_reads_take_the_idle_one(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    for (uint8_t i = 0; i < 5; i++) {
        start_many(b, i, 1, TND_LANE_READ);
        run(b);
        answer(b, 0, i);
        run(b);
        assert_int_equal(b->owners[i].replies, 1);
    }
    assert_int_equal(links_of(b), 1);
    bed_free(b);
}

/* After a burst of writes there are many idle links; reads use as few as they may. */
static void test_reads_share_although_there_are_idle_ones(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 3, TND_LANE_WRITE);
    run(b);
    for (uint8_t i = 0; i < 3; i++) {
        answer(b, i, i);
    }
    run(b);
    start_many(b, 3, 8, TND_LANE_READ);
    assert_non_null(tnd_pool_node(&b->pool, &b->map, 1)->idle.first);
    start_many(b, 11, 1, TND_LANE_READ);
    assert_null(tnd_pool_node(&b->pool, &b->map, 1)->idle.first);
    bed_free(b);
}

static void test_writes_share_at_the_limit_only(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 3, TND_LANE_WRITE);
    assert_int_equal(links_of(b), 3);
    start_many(b, 3, 9, TND_LANE_WRITE);
    assert_int_equal(links_of(b), 3);
    assert_int_equal(start(b, 12, TND_LANE_WRITE), TND_ACQUIRE_FULL);
    bed_free(b);
}

static void test_reads_stay_clear_of_writes(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_WRITE);
    start_many(b, 1, 8, TND_LANE_READ);
    for (unsigned i = 1; i < 9; i++) {
        assert_ptr_not_equal(b->owners[i].link, b->owners[0].link);
    }
    start_many(b, 9, 1, TND_LANE_READ); /* no other way left */
    assert_ptr_equal(b->owners[9].link, b->owners[0].link);
    bed_free(b);
}

static void test_nobody_follows_who_is_alone(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_ALONE);
    start_many(b, 1, 8, TND_LANE_READ);
    for (unsigned i = 1; i < 9; i++) {
        assert_ptr_not_equal(b->owners[i].link, b->owners[0].link);
    }
    start_many(b, 9, 3, TND_LANE_READ); /* but at the limit, to its depth */
    assert_ptr_equal(b->owners[9].link, b->owners[0].link);
    assert_int_equal(start(b, 12, TND_LANE_READ), TND_ACQUIRE_FULL);
    bed_free(b);
}

/* At the limit writes go behind writes before they go behind who is alone. */
static void test_alone_is_the_last_resort(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 2;
    bed* b = bed_new(&config);
    start_many(b, 0, 1, TND_LANE_ALONE);
    start_many(b, 1, 4, TND_LANE_WRITE);
    for (unsigned i = 2; i < 5; i++) {
        assert_ptr_equal(b->owners[i].link, b->owners[1].link);
    }
    start_many(b, 5, 1, TND_LANE_WRITE);
    assert_ptr_equal(b->owners[5].link, b->owners[0].link);
    bed_free(b);
}

static void test_depth_one_never_shares(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.depth = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 3, TND_LANE_READ);
    assert_int_equal(links_of(b), 3);
    assert_int_equal(start(b, 3, TND_LANE_READ), TND_ACQUIRE_FULL);
    bed_free(b);
}

static void test_large_replies_are_not_shared(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_READ);
    run(b);
    answer_with(b, 0, 1, 40000, 0); /* two of them are more than 64 KiB */
    run(b);
    assert_int_equal(b->owners[0].replies, 1);
    start_many(b, 1, 3, TND_LANE_READ);
    assert_int_equal(links_of(b), 3);
    assert_int_equal(start(b, 4, TND_LANE_READ), TND_ACQUIRE_FULL);
    bed_free(b);
}

/* ---- requests and replies ---- */

static void test_replies_go_to_their_requests_in_order(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 4, TND_LANE_READ);
    run(b);
    for (uint8_t i = 0; i < 4; i++) {
        answer(b, 0, (uint8_t)(10 + i));
    }
    run(b);
    for (uint8_t i = 0; i < 4; i++) {
        assert_int_equal(b->owners[i].replies, 1);
        assert_int_equal(b->owners[i].reply_tag, 10 + i);
    }
    bed_free(b);
}

/* The first one goes out at once, those behind it in one piece at the end of the turn. */
static void test_requests_of_a_turn_go_out_together(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    config.depth = 16;
    bed* b = bed_new(&config);
    start_many(b, 0, 1, TND_LANE_READ);
    run(b);
    answer(b, 0, 0);
    run(b);
    b->packets = 0;
    start_many(b, 1, 10, TND_LANE_READ);
    assert_true(tnd_link_is_out(b->owners[1].link, b->owners[1].seat));
    assert_false(tnd_link_is_out(b->owners[2].link, b->owners[2].seat));
    run(b);
    assert_true(tnd_link_is_out(b->owners[10].link, b->owners[10].seat));
    assert_int_equal(b->packets, 2);
    bed_free(b);
}

/* ---- tombstones ---- */

static void test_tombstone_swallows_its_reply(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 3, TND_LANE_READ);
    run(b);
    tnd_link* link = b->owners[1].link;
    b->owners[1].link = NULL;
    assert_true(tnd_link_abandon(link, b->owners[1].seat, 3000));
    assert_int_equal(start(b, 3, TND_LANE_READ), TND_ACQUIRE_FULL); /* nothing new behind it */
    for (uint8_t i = 0; i < 3; i++) {
        answer(b, 0, (uint8_t)(10 + i));
    }
    run(b);
    assert_int_equal(b->owners[0].reply_tag, 10);
    assert_int_equal(b->owners[1].replies + b->owners[1].fails, 0);
    assert_int_equal(b->owners[2].reply_tag, 12);
    sim_world_run_for(b->world, SECOND); /* its time is over without consequence */
    assert_int_equal(links_of(b), 1);
    assert_int_equal(start(b, 3, TND_LANE_READ), TND_ACQUIRE_READY);
    bed_free(b);
}

static void test_old_tombstone_ends_the_link(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 2, TND_LANE_WRITE);
    run(b);
    tnd_link* link = b->owners[0].link;
    b->owners[0].link = NULL;
    uint64_t begin_us = sim_world_now_us(b->world);
    assert_true(tnd_link_abandon(link, b->owners[0].seat, 0)); /* for the other's sake */
    sim_world_run_for(b->world, SECOND);
    assert_int_equal(b->owners[0].fails, 0);
    assert_int_equal(b->owners[1].fails, 1);
    assert_true(b->owners[1].was_open && b->owners[1].was_sent);
    assert_int_equal(b->owners[1].status, AEROSPIKE_ERR_ASYNC_CONNECTION);
    assert_int_equal(b->owners[1].end_us - begin_us, 500 * MS);
    assert_int_equal(links_of(b), 0);
    bed_free(b);
}

static void test_last_one_without_delay_closes(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_READ);
    run(b);
    tnd_link* link = b->owners[0].link;
    b->owners[0].link = NULL;
    assert_false(tnd_link_abandon(link, b->owners[0].seat, 0));
    assert_int_equal(links_of(b), 0);
    bed_free(b);
}

static void test_tombstone_of_a_stream(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    b->owners[0].must_keep = true;
    start_many(b, 0, 2, TND_LANE_READ);
    run(b);
    answer(b, 0, 1);
    run(b);
    assert_int_equal(b->owners[0].replies, 1);
    tnd_link* link = b->owners[0].link;
    b->owners[0].link = NULL;
    assert_true(tnd_link_abandon(link, b->owners[0].seat, 3000));
    answer(b, 0, 2);
    answer_with(b, 0, 3, 22, 1); /* the last one of the stream */
    answer(b, 0, 4);
    run(b);
    assert_int_equal(b->owners[0].replies, 1);
    assert_int_equal(b->owners[1].reply_tag, 4);
    bed_free(b);
}

static void test_given_up_before_it_was_sent(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 3, TND_LANE_READ);
    tnd_link* link = b->owners[1].link;
    b->owners[1].link = NULL;
    assert_true(tnd_link_abandon(link, b->owners[1].seat, 3000));
    run(b);
    assert_int_equal(b->owners[1].opened, 0);
    answer(b, 0, 10);
    answer(b, 0, 12);
    run(b);
    assert_int_equal(b->owners[0].reply_tag, 10);
    assert_int_equal(b->owners[2].reply_tag, 12);
    bed_free(b);
}

/* ---- the end of a link ---- */

static void test_a_lost_connection_fails_all_of_it(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 4, TND_LANE_WRITE);
    run(b);
    answer(b, 0, 9);
    run(b);
    sim_peer_reset(b->peers[0]);
    run(b);
    assert_int_equal(b->owners[0].replies, 1);
    assert_int_equal(b->owners[0].fails, 0);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(b->owners[i].fails, 1);
        assert_true(b->owners[i].was_open && b->owners[i].was_sent);
    }
    assert_int_equal(links_of(b), 0);
    bed_free(b);
}

/* Who isn't out completely can't have been executed. */
static void test_a_lost_connection_tells_who_was_out(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 1, TND_LANE_WRITE);
    run(b);
    sim_peer_set_paused(b->peers[0], true);
    sim_loop_faults(b->loop)->window_bytes = REQUEST_BYTES + REQUEST_BYTES / 2;
    start_many(b, 1, 2, TND_LANE_WRITE);
    run(b);
    sim_peer_reset(b->peers[0]);
    run(b);
    assert_true(b->owners[0].was_sent && b->owners[1].was_sent);
    assert_int_equal(b->owners[2].fails, 1);
    assert_true(b->owners[2].was_open);
    assert_false(b->owners[2].was_sent);
    bed_free(b);
}

static void test_no_connection_fails_all_who_wait(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    sim_net_link(b->world, NULL, (struct sockaddr*)&b->addr, b->addr_len)->is_refusing = true;
    start_many(b, 0, 3, TND_LANE_WRITE);
    run(b);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(b->owners[i].fails, 1);
        assert_false(b->owners[i].was_open || b->owners[i].was_sent);
    }
    bed_free(b);
}

/* One that can't trust its reply closes the connection; the others learn it when it is done. */
static void test_broken_by_one_of_them(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    b->owners[1].must_break = true;
    start_many(b, 0, 4, TND_LANE_READ);
    run(b);
    for (uint8_t i = 0; i < 4; i++) {
        answer(b, 0, (uint8_t)(10 + i));
    }
    run(b);
    assert_int_equal(b->owners[0].replies, 1);
    assert_int_equal(b->owners[1].fails, 0);
    for (unsigned i = 2; i < 4; i++) {
        assert_int_equal(b->owners[i].replies, 0);
        assert_int_equal(b->owners[i].fails, 1);
        assert_int_equal(b->owners[i].status, AEROSPIKE_ERR_ASYNC_CONNECTION);
    }
    assert_int_equal(links_of(b), 0);
    bed_free(b);
}

/* Bytes that are no reply are the first one's trouble; for the others the connection is lost. */
static void test_garbage(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 2, TND_LANE_READ);
    run(b);
    sim_peer_send(b->peers[0], "garbage!", 8);
    run(b);
    assert_int_equal(b->owners[0].status, AEROSPIKE_ERR_CLIENT);
    assert_int_equal(b->owners[1].status, AEROSPIKE_ERR_ASYNC_CONNECTION);
    bed_free(b);
}

static void test_surplus_reply(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_READ);
    run(b);
    answer(b, 0, 1);
    answer(b, 0, 2);
    run(b);
    assert_int_equal(b->owners[0].reply_tag, 1);
    assert_int_equal(links_of(b), 0);
    bed_free(b);
}

static void test_pool_closed_by_the_first_who_is_told(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 2;
    bed* b = bed_new(&config);
    b->owners[0].must_close_pool = true;
    start_many(b, 0, 8, TND_LANE_WRITE);
    run(b);
    sim_peer_reset(b->peers[0]);
    run(b);
    unsigned fails = 0;
    for (unsigned i = 0; i < 8; i++) {
        fails += b->owners[i].fails;
        assert_null(b->owners[i].link);
    }
    assert_int_equal(fails, 1);
    bed_free(b);
}

static void test_node_replaced_under_shared_links(void** state)
{
    (void)state;
    tnd_pool_limits config = usual;
    config.links_max = 1;
    bed* b = bed_new(&config);
    start_many(b, 0, 3, TND_LANE_READ);
    run(b);
    b->map.dir_version++;
    b->nodes[1].generation++;
    tnd_pool_check(&b->pool, &b->map);
    start_many(b, 3, 1, TND_LANE_READ);
    run(b);
    assert_ptr_not_equal(b->owners[3].link, b->owners[0].link);
    for (uint8_t i = 0; i < 3; i++) {
        answer(b, 0, (uint8_t)(10 + i));
    }
    run(b);
    assert_int_equal(b->owners[2].reply_tag, 12);
    assert_null(b->peers[0]); /* closed with its last reply */
    bed_free(b);
}

/* Another segment, and no memory for the nodes of its map: there are none, until there is. */
static void test_no_memory_for_another_map(void** state)
{
    (void)state;
    bed* b = bed_new(&usual);
    start_many(b, 0, 1, TND_LANE_READ);
    run(b);
    answer(b, 0, 10);
    run(b);
    assert_true(b->pool.trim.is_armed); /* for the link that is idle now */
    b->map.base = (uint8_t*)b + 1;
    tnd_mem_fail(1, 1);
    tnd_pool_check(&b->pool, &b->map);
    tnd_mem_fail(0, 0);
    sim_world_run_for(b->world, 120 * SECOND);
    assert_false(b->pool.trim.is_armed);
    start_many(b, 1, 1, TND_LANE_READ);
    run(b);
    assert_int_equal(b->owners[1].opened, 1);
    bed_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_share_before_the_limit),
        cmocka_unit_test(test_lone_reads_take_the_idle_one),
        cmocka_unit_test(test_reads_share_although_there_are_idle_ones),
        cmocka_unit_test(test_writes_share_at_the_limit_only),
        cmocka_unit_test(test_reads_stay_clear_of_writes),
        cmocka_unit_test(test_nobody_follows_who_is_alone),
        cmocka_unit_test(test_alone_is_the_last_resort),
        cmocka_unit_test(test_depth_one_never_shares),
        cmocka_unit_test(test_large_replies_are_not_shared),
        cmocka_unit_test(test_replies_go_to_their_requests_in_order),
        cmocka_unit_test(test_requests_of_a_turn_go_out_together),
        cmocka_unit_test(test_tombstone_swallows_its_reply),
        cmocka_unit_test(test_old_tombstone_ends_the_link),
        cmocka_unit_test(test_last_one_without_delay_closes),
        cmocka_unit_test(test_tombstone_of_a_stream),
        cmocka_unit_test(test_given_up_before_it_was_sent),
        cmocka_unit_test(test_a_lost_connection_fails_all_of_it),
        cmocka_unit_test(test_a_lost_connection_tells_who_was_out),
        cmocka_unit_test(test_no_connection_fails_all_who_wait),
        cmocka_unit_test(test_broken_by_one_of_them),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_surplus_reply),
        cmocka_unit_test(test_pool_closed_by_the_first_who_is_told),
        cmocka_unit_test(test_node_replaced_under_shared_links),
        cmocka_unit_test(test_no_memory_for_another_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
