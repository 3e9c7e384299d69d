/*
 * Connections against a scripted peer in a simulated world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "async/conn.h"
#include "core/mem.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#define SECOND ((uint64_t)1000000)
#define BODY_MAX 300000

/* Where a handler of the case closes or frees the connection. */
typedef enum hook {
    HOOK_NONE,
    HOOK_OPEN,
    HOOK_FRAME,
    HOOK_DRAIN,
    HOOK_FAIL
} hook;

/* One world, one connection, one peer. */
typedef struct bench {
    sim_world* world;
    tnd_loop* loop;
    struct sockaddr_storage addr;
    socklen_t addr_len;
    sim_listener* listener;
    sim_peer* peer;    /* NULL: none yet, or closed */
    tnd_conn* conn;    /* heap, so that a use after free is seen */
    size_t peer_bytes; /* received by the peer */
    uint64_t peer_sum;
    int opened_count;
    int drained_count;
    int failed_count;
    int frames_count;
    size_t frame_sizes[64];
    uint64_t frames_sum;
    uint8_t last_type;
    as_error err;
    hook hook;
    bool hook_frees;   /* or closes */
    bool hook_reopens; /* after closing */
} bench;

static uint64_t sum_bytes(uint64_t sum, const uint8_t* bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

/* ---- the peer ---- */

static void on_peer_open(sim_peer* peer)
{
    bench* on = sim_peer_udata(peer);
    on->peer = peer;
}

static void on_peer_bytes(sim_peer* peer, const uint8_t* bytes, size_t size)
{
    bench* on = sim_peer_udata(peer);
    on->peer_bytes += size;
    on->peer_sum = sum_bytes(on->peer_sum, bytes, size);
}

static void on_peer_end(sim_peer* peer, int error)
{
    (void)error;
    bench* on = sim_peer_udata(peer);
    if (on->peer == peer) {
        on->peer = NULL;
    }
    sim_peer_close(peer);
}

static const sim_peer_handler peer_handler = {on_peer_open, on_peer_bytes, on_peer_end};

/* ---- the connection's handler ---- */

static const tnd_conn_handler conn_handler;

static as_status bench_open(bench* on)
{
    return tnd_conn_open(on->conn, on->loop, (struct sockaddr*)&on->addr, on->addr_len, BODY_MAX,
                         &conn_handler, on, &on->err);
}

static void bench_hook(bench* on, hook here)
{
    if (on->hook != here) {
        return;
    }
    on->hook = HOOK_NONE;
    tnd_conn_close(on->conn);
    if (on->hook_frees) {
        memset(on->conn, 0xA5, sizeof(*on->conn));
        free(on->conn);
        on->conn = NULL;
    } else if (on->hook_reopens) {
        assert_int_equal(bench_open(on), AEROSPIKE_OK);
    }
}

static void on_open(tnd_conn* conn)
{
    bench* on = conn->udata;
    assert_int_equal(conn->state, TND_CONN_RUNNING);
    on->opened_count++;
    bench_hook(on, HOOK_OPEN);
}

static void on_frame(tnd_conn* conn, uint8_t type, const uint8_t* body, size_t size)
{
    bench* on = conn->udata;
    on->last_type = type;
    on->frame_sizes[on->frames_count++ % 64] = size;
    bench_hook(on, HOOK_FRAME);
    /* The body stays valid, whatever became of the connection. */
    on->frames_sum = sum_bytes(on->frames_sum, body, size);
}

static void on_drain(tnd_conn* conn)
{
    bench* on = conn->udata;
    assert_true(tnd_conn_is_drained(conn));
    on->drained_count++;
    bench_hook(on, HOOK_DRAIN);
}

static void on_fail(tnd_conn* conn, as_error* err)
{
    bench* on = conn->udata;
    assert_int_equal(conn->state, TND_CONN_CLOSED);
    assert_false(conn->io.is_open);
    on->failed_count++;
    as_error_copy(&on->err, err);
    assert_non_null(strstr(err->message, "10.0.0.1:3000"));
    bench_hook(on, HOOK_FAIL);
}

static const tnd_conn_handler conn_handler = {on_open, on_frame, on_drain, on_fail};

/* ---- setting up ---- */

static bench* bench_new(uint64_t seed)
{
    bench* on = calloc(1, sizeof(*on));
    on->world = sim_world_new(seed);
    on->loop = sim_loop_new(on->world, "worker");
    on->addr_len = sim_addr_inet(&on->addr, "10.0.0.1", 3000);
    on->listener =
        sim_listen(on->world, (struct sockaddr*)&on->addr, on->addr_len, &peer_handler, on);
    on->conn = calloc(1, sizeof(*on->conn));
    return on;
}

static int set_up(void** state)
{
    *state = bench_new(7);
    return 0;
}

static void bench_free(bench* on)
{
    if (on->conn) {
        tnd_conn_close(on->conn);
        tnd_conn_close(on->conn);
        assert_int_equal(on->conn->in.capacity + on->conn->out.capacity, 0);
        free(on->conn);
    }
    sim_loop_usage used = sim_loop_used(on->loop);
    assert_int_equal(used.fds_count, 0);
    assert_int_equal(used.timers_count + used.tasks_count, 0);
    sim_world_free(on->world);
    free(on);
}

static int tear_down(void** state)
{
    bench_free(*state);
    return 0;
}

static void bench_run(bench* on)
{
    sim_world_run_for(on->world, 5 * SECOND);
}

static void bench_connect(bench* on)
{
    assert_int_equal(bench_open(on), AEROSPIKE_OK);
    assert_int_equal(on->conn->state, TND_CONN_CONNECTING);
    assert_int_equal(on->opened_count + on->failed_count, 0); /* never inside the call */
    bench_run(on);
    assert_int_equal(on->opened_count, 1);
    assert_non_null(on->peer);
}

static void put_header(uint8_t* to, uint8_t version, uint8_t type, uint64_t size)
{
    to[0] = version;
    to[1] = type;
    for (int i = 0; i < 6; i++) {
        to[2 + i] = (uint8_t)(size >> (8 * (5 - i)));
    }
}

/* A frame with a body of pseudo-random bytes; its sum goes to `sum`. Freed by the caller. */
static uint8_t* make_frame(uint8_t type, size_t size, uint64_t* sum)
{
    uint8_t* frame = malloc(8 + size);
    put_header(frame, 2, type, size);
    for (size_t i = 0; i < size; i++) {
        frame[8 + i] = (uint8_t)(i * 7 + size);
    }
    *sum = sum_bytes(*sum, frame + 8, size);
    return frame;
}

static uint64_t peer_send_frame(bench* on, uint8_t type, size_t size)
{
    uint64_t sum = on->frames_sum;
    uint8_t* frame = make_frame(type, size, &sum);
    sim_peer_send(on->peer, frame, 8 + size);
    free(frame);
    return sum;
}

/* ---- happy path ---- */

static void a_request_goes_out_and_its_reply_comes_in(void** state)
{
    bench* on = *state;
    bench_connect(on);
    uint64_t sum = 0;
    uint8_t* frame = make_frame(3, 100, &sum);
    tnd_conn_send(on->conn, frame, 108);
    assert_true(tnd_conn_is_drained(on->conn)); /* written at once */
    assert_int_equal(on->conn->queued_bytes, 108);
    bench_run(on);
    assert_int_equal(on->peer_bytes, 108);
    free(frame);
    sum = peer_send_frame(on, 3, 50);
    bench_run(on);
    assert_int_equal(on->frames_count, 1);
    assert_int_equal(on->frame_sizes[0], 50);
    assert_int_equal(on->last_type, 3);
    assert_true(on->frames_sum == sum);
    assert_int_equal(on->conn->received_bytes, 58);
    assert_int_equal(on->drained_count, 0); /* nothing had been refused */
}

static void frames_one_byte_at_a_time(void** state)
{
    bench* on = *state;
    bench_connect(on);
    uint64_t sum = 0;
    uint8_t* frame = make_frame(1, 40, &sum);
    for (size_t i = 0; i < 48; i++) {
        assert_int_equal(on->frames_count, 0);
        sim_peer_send(on->peer, frame + i, 1);
        sim_world_run_for(on->world, 1000);
    }
    free(frame);
    assert_int_equal(on->frames_count, 1);
    assert_true(on->frames_sum == sum);
    assert_int_equal(on->conn->in.size, 0);
}

static void merged_frames_and_cuts_at_every_offset(void** state)
{
    bench* on = *state;
    bench_connect(on);
    const size_t sizes[] = {0, 1, 22, 0, 300, 8};
    uint8_t bytes[1024];
    size_t size = 0;
    uint64_t once = 0;
    for (int i = 0; i < 6; i++) {
        uint8_t* frame = make_frame((uint8_t)(1 + i % 4), sizes[i], &once);
        memcpy(bytes + size, frame, 8 + sizes[i]);
        size += 8 + sizes[i];
        free(frame);
    }
    for (size_t cut = 0; cut <= size; cut++) {
        on->frames_count = 0;
        on->frames_sum = 0;
        sim_peer_send(on->peer, bytes, cut);
        sim_world_run_for(on->world, 1000);
        sim_peer_send(on->peer, bytes + cut, size - cut);
        sim_world_run_for(on->world, 1000);
        assert_int_equal(on->frames_count, 6);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(on->frame_sizes[i], sizes[i]);
        }
        assert_true(on->frames_sum == once);
        assert_int_equal(on->failed_count, 0);
    }
}

static void large_frames_grow_as_bytes_arrive(void** state)
{
    bench* on = *state;
    bench_connect(on);
    uint8_t header[8];
    put_header(header, 2, 3, BODY_MAX);
    sim_peer_send(on->peer, header, 8);
    sim_world_run_for(on->world, 1000);
    assert_true(on->conn->in.capacity < 4096); /* an announced length alone costs nothing */
    uint8_t* body = calloc(1, BODY_MAX);
    sim_peer_send(on->peer, body, BODY_MAX);
    free(body);
    sim_world_run_for(on->world, 100000);
    assert_int_equal(on->frames_count, 1);
    assert_int_equal(on->frame_sizes[0], BODY_MAX);
    assert_true(on->conn->in.capacity <= 16384); /* given back */
}

/* Other descriptors get their turn while a peer floods one. */
static void reads_per_wake_up_are_bounded(void** state)
{
    bench* on = *state;
    bench_connect(on);
    sim_faults* faults = sim_loop_faults(on->loop);
    faults->wake_late_us_max = 1;
    for (int i = 0; i < 4; i++) {
        on->frames_sum = peer_send_frame(on, 3, 200000);
    }
    on->frames_sum = 0;
    /* All of it has arrived; one turn may not read all. */
    sim_loop_stop(on->loop);
    bench_run(on);
    sim_loop_continue(on->loop);
    sim_world_step(on->world);
    assert_true(on->conn->received_bytes > 0);
    assert_true(on->conn->received_bytes <= 256 * 1024);
    bench_run(on);
    assert_int_equal(on->frames_count, 4);
}

static void what_the_kernel_refuses_waits_and_drains(void** state)
{
    bench* on = *state;
    sim_loop_faults(on->loop)->window_bytes = 1000;
    bench_connect(on);
    sim_peer_set_paused(on->peer, true);
    uint64_t sum = 0, all = 0;
    for (int i = 0; i < 20; i++) {
        uint8_t* frame = make_frame(3, 200 + (size_t)i, &sum);
        all = sum_bytes(all, frame, 208 + (size_t)i);
        tnd_conn_send(on->conn, frame, 208 + (size_t)i);
        free(frame); /* copied */
    }
    bench_run(on);
    assert_int_equal(on->conn->sent_bytes, 1000);
    assert_false(tnd_conn_is_drained(on->conn));
    assert_int_equal(on->drained_count, 0);
    sim_peer_set_paused(on->peer, false);
    bench_run(on);
    assert_true(tnd_conn_is_drained(on->conn));
    assert_int_equal(on->drained_count, 1);
    assert_int_equal(on->peer_bytes, on->conn->queued_bytes);
    assert_true(on->peer_sum == all);
    assert_int_equal(on->conn->io.mask, TND_IO_READ);
}

/* ---- failures ---- */

static void assert_failed(bench* on, as_status status, const char* text)
{
    assert_int_equal(on->failed_count, 1);
    assert_int_equal(on->err.code, status);
    if (!strstr(on->err.message, text)) {
        fail_msg("'%s' isn't in '%s'", text, on->err.message);
    }
}

static void refused(void** state)
{
    bench* on = *state;
    sim_listener_close(on->listener);
    assert_int_equal(bench_open(on), AEROSPIKE_OK);
    bench_run(on);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "CONNECTING");
    assert_int_equal(on->opened_count, 0);
}

static void out_of_descriptors_fails_the_call(void** state)
{
    bench* on = *state;
    sim_loop_faults(on->loop)->fds_max = 0;
    assert_int_equal(bench_open(on), AEROSPIKE_ERR_ASYNC_CONNECTION);
    assert_int_equal(on->err.code, AEROSPIKE_ERR_ASYNC_CONNECTION);
    assert_int_equal(on->conn->state, TND_CONN_CLOSED);
    bench_run(on);
    assert_int_equal(on->failed_count, 0);
    sim_loop_faults(on->loop)->fds_max = 10;
    bench_connect(on); /* the struct is fit for another try */
}

static void closed_by_the_peer_after_its_last_frame(void** state)
{
    bench* on = *state;
    bench_connect(on);
    peer_send_frame(on, 3, 70000);
    sim_peer_close(on->peer);
    bench_run(on);
    assert_int_equal(on->frames_count, 1);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "RUNNING: closed by the peer");
    assert_null(strstr(on->err.message, "within"));
}

static void closed_within_a_frame(void** state)
{
    bench* on = *state;
    bench_connect(on);
    sim_peer_send(on->peer, "\2\3\0", 3);
    sim_peer_close(on->peer);
    bench_run(on);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "within a frame");
}

static void reset_by_the_peer(void** state)
{
    bench* on = *state;
    bench_connect(on);
    sim_peer_reset(on->peer);
    bench_run(on);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "reset");
}

/* The peer vanished: the send works, its answer is a reset. */
static void half_open(void** state)
{
    bench* on = *state;
    bench_connect(on);
    sim_peer_vanish(on->peer);
    bench_run(on);
    assert_int_equal(on->failed_count, 0);
    tnd_conn_send(on->conn, (const uint8_t*)"\2\1\0\0\0\0\0\0", 8);
    bench_run(on);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "reset");
}

/* A failing write is never reported inside the call, and only after the replies that came. */
static void a_failed_send_is_reported_from_the_loop(void** state)
{
    bench* on = *state;
    bench_connect(on);
    peer_send_frame(on, 3, 30);
    sim_peer_reset(on->peer);
    sim_loop_stop(on->loop);
    bench_run(on); /* both have arrived */
    tnd_conn_send(on->conn, (const uint8_t*)"\2\1\0\0\0\0\0\0", 8);
    tnd_conn_send(on->conn, (const uint8_t*)"\2\1\0\0\0\0\0\0", 8);
    assert_int_equal(on->failed_count, 0);
    sim_loop_continue(on->loop);
    bench_run(on);
    assert_int_equal(on->frames_count, 1);
    assert_int_equal(on->failed_count, 1);
    assert_int_equal(on->err.code, AEROSPIKE_ERR_ASYNC_CONNECTION);
}

static void send_bad_frame(bench* on, const uint8_t* bytes, size_t size, const char* text)
{
    bench_connect(on);
    peer_send_frame(on, 3, 30);
    sim_peer_send(on->peer, bytes, size);
    bench_run(on);
    assert_int_equal(on->frames_count, 1); /* the good one before it */
    assert_failed(on, AEROSPIKE_ERR_CLIENT, text);
}

static void a_wrong_version_shows_with_its_first_byte(void** state)
{
    send_bad_frame(*state, (const uint8_t*)"\1", 1, "version");
}

static void a_wrong_type_shows_with_its_second_byte(void** state)
{
    send_bad_frame(*state, (const uint8_t*)"\2\5", 2, "type");
}

static void type_zero_is_wrong(void** state)
{
    send_bad_frame(*state, (const uint8_t*)"\2\0\0\0\0\0\0\1x", 9, "type");
}

static void an_oversize_frame(void** state)
{
    uint8_t header[8];
    put_header(header, 2, 3, BODY_MAX + 1);
    send_bad_frame(*state, header, 8, "too long");
}

static void the_longest_size_of_all(void** state)
{
    send_bad_frame(*state, (const uint8_t*)"\2\3\xff\xff\xff\xff\xff\xff", 8, "too long");
}

static void out_of_memory_for_a_partial_frame(void** state)
{
    bench* on = *state;
    bench_connect(on);
    sim_peer_send(on->peer, "\2\3\0", 3);
    tnd_mem_fail(1, 1);
    bench_run(on);
    tnd_mem_fail(0, 0);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "memory");
}

static void out_of_memory_for_what_must_wait(void** state)
{
    bench* on = *state;
    sim_loop_faults(on->loop)->window_bytes = 10;
    bench_connect(on);
    uint8_t request[100] = {0};
    tnd_mem_fail(1, 1);
    tnd_conn_send(on->conn, request, sizeof(request));
    tnd_mem_fail(0, 0);
    assert_int_equal(on->failed_count, 0);
    sim_loop_faults(on->loop)->window_bytes = 1000;
    tnd_conn_send(on->conn, request, sizeof(request)); /* nothing may follow the gap */
    bench_run(on);
    assert_failed(on, AEROSPIKE_ERR_ASYNC_CONNECTION, "memory");
    assert_int_equal(on->peer_bytes, 10);
}

static void black_hole(void** state)
{
    bench* on = *state;
    sim_link* link = sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len);
    sim_link_set_black_hole(on->world, link, true);
    assert_int_equal(bench_open(on), AEROSPIKE_OK);
    bench_run(on);
    assert_int_equal(on->opened_count + on->failed_count, 0); /* its user's timer decides */
    sim_link_set_black_hole(on->world, link, false);
    bench_run(on);
    assert_int_equal(on->opened_count, 1);
}

/* ---- closing and freeing inside every callback ---- */

/* Two frames in one read, a slow peer, then the peer's end: every callback comes. */
static void play(hook where, bool frees, bool reopens)
{
    bench* on = bench_new((uint64_t)where);
    on->hook = where;
    on->hook_frees = frees;
    on->hook_reopens = reopens;
    sim_loop_faults(on->loop)->window_bytes = 20;
    assert_int_equal(bench_open(on), AEROSPIKE_OK);
    bench_run(on);
    if (on->conn && on->conn->state == TND_CONN_RUNNING) {
        uint8_t request[100] = {0};
        tnd_conn_send(on->conn, request, sizeof(request));
        bench_run(on);
    }
    if (on->peer && on->conn && on->conn->state == TND_CONN_RUNNING) {
        uint8_t frames[60] = {0};
        put_header(frames, 2, 3, 5);
        put_header(frames + 13, 2, 3, 39);
        sim_peer_send(on->peer, frames, 30); /* one whole frame and a half */
        bench_run(on);
        if (on->peer) {
            sim_peer_send(on->peer, frames + 30, 30);
            sim_peer_close(on->peer);
            on->peer = NULL;
        }
        bench_run(on);
    }
    assert_int_equal(on->hook, HOOK_NONE); /* it was reached */
    if (frees) {
        assert_null(on->conn);
        assert_int_equal(on->failed_count, where == HOOK_FAIL);
    } else if (reopens) {
        assert_int_equal(on->opened_count, 2);
    } else {
        assert_int_equal(on->conn->state, TND_CONN_CLOSED);
        assert_int_equal(on->failed_count, where == HOOK_FAIL);
    }
    if (where == HOOK_FRAME) {
        assert_int_equal(on->frames_count, 1); /* none after the close */
    }
    if (on->peer) {
        sim_peer_close(on->peer);
    }
    bench_free(on);
}

static void close_free_and_reopen_inside_every_callback(void** state)
{
    (void)state;
    const hook hooks[] = {HOOK_OPEN, HOOK_DRAIN, HOOK_FRAME, HOOK_FAIL};
    for (int i = 0; i < 4; i++) {
        play(hooks[i], false, false);
        play(hooks[i], true, false);
        play(hooks[i], false, true);
    }
}

/* The second frame comes out of `in`, not out of the shared buffer. */
static void free_inside_the_callback_of_a_partial_frame(void** state)
{
    bench* on = *state;
    bench_connect(on);
    uint64_t sum = 0;
    uint8_t* frame = make_frame(3, 100, &sum);
    sim_peer_send(on->peer, frame, 60);
    bench_run(on);
    on->hook = HOOK_FRAME;
    on->hook_frees = true;
    sim_peer_send(on->peer, frame + 60, 48);
    free(frame);
    bench_run(on);
    assert_null(on->conn);
    assert_true(on->frames_sum == sum); /* read after the free */
}

/* ---- everything at once, from seeds ---- */

static void whatever_the_network_does_bytes_arrive_in_order(void** state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        bench* on = bench_new(seed);
        sim_faults* faults = sim_loop_faults(on->loop);
        faults->short_read_percent = 40;
        faults->short_write_percent = 40;
        faults->spurious_percent = 20;
        faults->wake_late_us_max = 200;
        faults->window_bytes = 1 + (size_t)sim_world_below(on->world, 3000);
        sim_link* link = sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len);
        link->split_percent = 60;
        link->latency_us_max = 500;
        bench_connect(on);
        uint64_t sum = 0, out = 0, bytes = 0;
        for (int i = 0; i < 40; i++) {
            size_t size = (size_t)sim_world_below(on->world, 2000);
            uint8_t* frame = make_frame(3, size, &sum);
            sim_peer_send(on->peer, frame, 8 + size);
            tnd_conn_send(on->conn, frame, 8 + size);
            out = sum_bytes(out, frame, 8 + size);
            bytes += 8 + size;
            free(frame);
            sim_world_run_for(on->world, sim_world_below(on->world, 2000));
        }
        sim_world_run_for(on->world, 60 * SECOND);
        if (on->frames_count != 40 || on->frames_sum != sum || on->peer_bytes != bytes ||
            on->peer_sum != out || on->failed_count != 0 || !tnd_conn_is_drained(on->conn)) {
            fail_msg("seed %llu: %d frames, %zu of %llu bytes", (unsigned long long)seed,
                     on->frames_count, on->peer_bytes, (unsigned long long)bytes);
        }
        bench_free(on);
    }
}

static uint64_t trace_of(uint64_t seed)
{
    bench* on = bench_new(seed);
    sim_loop_faults(on->loop)->short_read_percent = 40;
    sim_loop_faults(on->loop)->spurious_percent = 20;
    sim_net_link(on->world, NULL, (struct sockaddr*)&on->addr, on->addr_len)->split_percent = 60;
    bench_connect(on);
    for (int i = 0; i < 20; i++) {
        peer_send_frame(on, 3, 500);
        sim_world_run_for(on->world, 300);
    }
    bench_run(on);
    uint64_t hash = sim_world_hash(on->world);
    bench_free(on);
    return hash;
}

static void the_same_seed_gives_the_same_trace(void** state)
{
    (void)state;
    assert_true(trace_of(5) == trace_of(5));
    assert_true(trace_of(5) != trace_of(6));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_request_goes_out_and_its_reply_comes_in),
        CASE(frames_one_byte_at_a_time),
        CASE(merged_frames_and_cuts_at_every_offset),
        CASE(large_frames_grow_as_bytes_arrive),
        CASE(reads_per_wake_up_are_bounded),
        CASE(what_the_kernel_refuses_waits_and_drains),
        CASE(refused),
        CASE(out_of_descriptors_fails_the_call),
        CASE(closed_by_the_peer_after_its_last_frame),
        CASE(closed_within_a_frame),
        CASE(reset_by_the_peer),
        CASE(half_open),
        CASE(a_failed_send_is_reported_from_the_loop),
        CASE(a_wrong_version_shows_with_its_first_byte),
        CASE(a_wrong_type_shows_with_its_second_byte),
        CASE(type_zero_is_wrong),
        CASE(an_oversize_frame),
        CASE(the_longest_size_of_all),
        CASE(out_of_memory_for_a_partial_frame),
        CASE(out_of_memory_for_what_must_wait),
        CASE(black_hole),
        cmocka_unit_test(close_free_and_reopen_inside_every_callback),
        CASE(free_inside_the_callback_of_a_partial_frame),
        cmocka_unit_test(whatever_the_network_does_bytes_arrive_in_order),
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
