/*
 * Links: connections with seats. See node.h for the states and for who shares with whom.
 *
 * Happy path
 *   - tnd_link_open, on_link_open: those that took a seat meanwhile are called in order, and send.
 *   - tnd_link_send: written at once, or queued for the end of the turn.
 *   - on_link_frame: the first seat's reply; tnd_link_release: IDLE, or the next seat's turn.
 *
 * Possible failures
 *   - no connection, or it breaks: on_conn_fail tells each owner in order, from the loop.
 *   - replies that can't be trusted, or a request that can't be written and isn't wanted any more:
 *     link_break closes at once, and the others are told at the end of the turn, so that no
 * listener runs inside of somebody else's decision.
 *   - a late reply: swallowed by its tombstone; when it doesn't come in time, the link is closed.
 *   - bytes nobody asked for: the link is closed as soon as nobody waits on it.
 */
#include "async/node_int.h"

#include "async/address.h"
#include "core/mem.h"
#include "core/wire.h"
#include "shm/shares.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>
#include <errno.h>

/* Of a request that hasn't been sent. */
#define SEAT_UNSENT UINT64_MAX
/* Frames of a stream: the last one is marked so in info3, the body's fourth byte. */
#define STREAM_INFO3_OFFSET 3u
#define STREAM_INFO3_LAST 0x01u

/* ---- lists ---- */

void tnd_link_list_push(tnd_link_list* list, tnd_link* link)
{
    link->list = list;
    link->prev = NULL;
    link->next = list->first;
    if (list->first) {
        list->first->prev = link;
    } else {
        list->last = link;
    }
    list->first = link;
}

void tnd_link_list_append(tnd_link_list* list, tnd_link* link)
{
    link->list = list;
    link->next = NULL;
    link->prev = list->last;
    if (list->last) {
        list->last->next = link;
    } else {
        list->first = link;
    }
    list->last = link;
}

void tnd_link_list_remove(tnd_link* link)
{
    tnd_link_list* list = link->list;
    if (link->prev) {
        link->prev->next = link->next;
    } else {
        list->first = link->next;
    }
    if (link->next) {
        link->next->prev = link->prev;
    } else {
        list->last = link->prev;
    }
    link->list = NULL;
    link->next = NULL;
    link->prev = NULL;
}

/* ---- counters ---- */

static void count_links(const tnd_node* node, size_t gauge, size_t counter, int by)
{
    tnd_stats_move(node->pool->stats, gauge, by);
    if (!node->is_replaced) {
        tnd_stats_node_move(node->pool->stats, node->index, counter, by);
    }
}

static void count_open(const tnd_node* node, int by)
{
    count_links(node, TND_GAUGE(connections_open), TND_NODE_COUNTER(connections_open), by);
}

static int link_is_in_use(const tnd_link* link)
{
    return link->state == TND_LINK_OPENING || link->state == TND_LINK_BUSY;
}

static void count_in_use(const tnd_node* node, int by)
{
    if (by != 0) {
        count_links(node, TND_GAUGE(connections_in_use), TND_NODE_COUNTER(connections_in_use), by);
    }
}

static void count_established(const tnd_node* node, size_t counter, size_t node_counter)
{
    tnd_stats_add(node->pool->stats, counter, 1);
    if (!node->is_replaced) {
        tnd_stats_node_move(node->pool->stats, node->index, node_counter, 1);
    }
}

/* The only writer of link->state but for its birth. */
static void link_set_state(tnd_link* link, tnd_link_state state)
{
    int was_in_use = link_is_in_use(link);
    bool was_draining = link->state == TND_LINK_DRAINING;
    link->state = state;
    count_in_use(link->node, link_is_in_use(link) - was_in_use);
    if (was_draining != (state == TND_LINK_DRAINING)) {
        tnd_stats_move(link->node->pool->stats, TND_GAUGE(connections_draining),
                       was_draining ? -1 : 1);
    }
}

/* ---- seats ---- */

static tnd_seat* link_seat_at(tnd_link* link, uint32_t number)
{
    return &link->seats[number & link->seats_mask];
}

static void link_set_reading(tnd_link* link, bool is_reading)
{
    if (link->is_reading != is_reading) {
        link->is_reading = is_reading;
        link->node->reading_count += is_reading ? 1 : UINT32_MAX;
    }
}

uint32_t tnd_link_seat(tnd_link* link, tnd_link_lane lane, void* owner)
{
    link_set_reading(link, lane == TND_LANE_READ && (link->seats_count == 0 || link->is_reading));

    uint32_t number = link->seats_first + link->seats_count++;
    assert(link->seats_count <= link->seats_mask + 1);
    uint32_t reply_bytes = lane == TND_LANE_READ ? link->node->reply_bytes : 0;
    *link_seat_at(link, number) =
        (tnd_seat){.owner = owner, .sent_mark = SEAT_UNSENT, .reply_bytes = reply_bytes};
    link->reply_bytes += reply_bytes;
    link->is_alone |= lane == TND_LANE_ALONE;
    if (link->state == TND_LINK_IDLE) {
        link_set_state(link, TND_LINK_BUSY);
    }
    return number;
}

/* Given up before its request was sent: no reply will come for it. */
static bool seat_is_void(const tnd_seat* seat)
{
    return !seat->owner && seat->sent_mark == SEAT_UNSENT;
}

static void link_drop_first_seat(tnd_link* link)
{
    link->reply_bytes -= link_seat_at(link, link->seats_first)->reply_bytes;
    link->seats_first++;
    link->seats_count--;
}

static void link_drop_void_seats(tnd_link* link)
{
    while (link->seats_count > 0 && seat_is_void(link_seat_at(link, link->seats_first))) {
        link_drop_first_seat(link);
    }
}

bool tnd_link_has_owner(const tnd_link* link)
{
    for (uint32_t i = 0; i < link->seats_count; i++) {
        if (link->seats[(link->seats_first + i) & link->seats_mask].owner) {
            return true;
        }
    }
    return false;
}

void tnd_link_settle(tnd_link* link)
{
    tnd_node* node = link->node;
    tnd_link_list* list = link->state == TND_LINK_IDLE     ? &node->idle
                          : !tnd_link_has_room(link, node) ? &node->taken
                          : link->is_reading               ? &node->reading
                                                           : &node->mixed;
    if (list != link->list) {
        tnd_link_list_remove(link);
        if (list == &node->idle) {
            tnd_link_list_push(list, link);
        } else {
            tnd_link_list_append(list, link);
        }
    }
}

/* ---- the end of a link ---- */

static void link_forget_unflushed(tnd_link* link)
{
    if (link->is_unflushed) {
        tnd_link** at = &link->node->pool->unflushed;
        while (*at != link) {
            at = &(*at)->next_unflushed;
        }
        *at = link->next_unflushed;
        link->is_unflushed = false;
    }
}

/* The share of the host's links is given back where it was taken. */
static void link_return_share(tnd_link* link)
{
    tnd_map* map = link->node->pool->map;
    if (link->share_base && map && map->base == link->share_base) {
        tnd_shares_return_link(map, link->node->pool->slot, link->node->index);
    }
    link->share_base = NULL;
}

/* Out of all books but its node's count; closed. */
static void link_detach(tnd_link* link)
{
    if (link->list) {
        tnd_link_list_remove(link);
    }
    link_forget_unflushed(link);
    link_set_reading(link, false);
    tnd_timer_stop(&link->timer);
    tnd_conn_close(&link->conn);
    count_open(link->node, -1);
    link_return_share(link);
    if (link->state != TND_LINK_OPENING) {
        count_established(link->node, TND_COUNTER(connections_closed),
                          TND_NODE_COUNTER(connections_closed));
    }
    link_set_state(link, TND_LINK_FAILED);
}

static void link_free(tnd_link* link)
{
    tnd_node* node = link->node;
    tnd_free(link->broken_err);
    tnd_free(link);
    tnd_node_unhold(node);
}

void tnd_link_discard(tnd_link* link)
{
    link_detach(link);
    link_free(link);
}

/* Each owner may do anything, so nothing but the link itself is touched in between. Bytes that are
   no reply were to be the first seat's; the others are as if the connection had been lost. */
static void link_tell(tnd_link* link, const tnd_link_handler* handler, bool was_open, as_error* err)
{
    while (link->seats_count > 0) {
        const tnd_seat seat = *link_seat_at(link, link->seats_first);
        bool was_sent = was_open && link->conn.sent_bytes >= seat.sent_mark;
        link_drop_first_seat(link);
        if (seat.owner) {
            handler->on_fail(seat.owner, link, was_open, was_sent, err);
        }
        err->code = AEROSPIKE_ERR_ASYNC_CONNECTION;
    }
    link_free(link);
}

static void on_conn_fail(tnd_conn* conn, as_error* err)
{
    tnd_link* link = conn->udata;
    tnd_node* node = link->node;
    bool was_open = link->state != TND_LINK_OPENING;
    if (!was_open && node->addrs_count > 0) {
        node->addr_turn = (node->addr_turn + 1) % node->addrs_count;
        node->warm_ms = tnd_loop_now_ms(node->pool->loop) + TND_LINK_TRIM_PERIOD_MS;
    }
    if (link->state != TND_LINK_IDLE) { /* those are reaped by servers that are well */
        tnd_node_note_error(node);
    }
    if (!was_open) {
        count_established(node, TND_COUNTER(connections_failed),
                          TND_NODE_COUNTER(connections_failed));
    }
    if (!tnd_link_has_owner(link)) {
        as_log_debug("unused connection to node %s: %s", node->name, err->message);
    }
    link_detach(link);
    link_tell(link, node->pool->handler, was_open, err);
}

/* Closes now and tells at the end of the turn. */
static void link_break(tnd_link* link, const as_error* err)
{
    tnd_pool* pool = link->node->pool;
    link_detach(link);
    link->broken_err = tnd_malloc(sizeof(*err));
    if (link->broken_err) {
        as_error_copy(link->broken_err, err);
        link->broken_err->code = AEROSPIKE_ERR_ASYNC_CONNECTION;
        as_error_append(link->broken_err, " (of another command on the connection)");
    }
    tnd_link_list_append(&pool->broken, link);
    tnd_task_soon(&pool->turn);
}

void tnd_link_break(tnd_link* link, uint32_t seat, const as_error* err)
{
    link_seat_at(link, seat)->owner = NULL;
    if (link->state == TND_LINK_FAILED) {
        return;
    }
    tnd_node_note_error(link->node);
    if (tnd_link_has_owner(link)) {
        link_break(link, err);
    } else {
        tnd_link_discard(link);
    }
}

/* ---- tombstones ---- */

static void link_give_up(tnd_link* link, const char* reason)
{
    as_error err;
    as_error_init(&err);
    as_error_setallv(&err, AEROSPIKE_ERR_ASYNC_CONNECTION, __func__, __FILE__, __LINE__,
                     "Connection to %s closed: %s", link->conn.address, reason);
    const tnd_link_handler* handler = link->node->pool->handler;
    bool was_open = link->state != TND_LINK_OPENING;
    tnd_node_note_error(link->node);
    if (!link->node->is_replaced) {
        tnd_stats_node_move(link->node->pool->stats, link->node->index,
                            TND_NODE_COUNTER(late_missing), 1);
    }
    link_detach(link);
    link_tell(link, handler, was_open, &err);
}

static void link_bury(tnd_link* link, uint32_t delay_ms)
{
    link->tombstones++;
    if (link->state != TND_LINK_DRAINING) {
        link_set_state(link, TND_LINK_DRAINING);
        tnd_timer_start_ms(&link->timer,
                           delay_ms > 0 ? delay_ms : link->node->pool->limits.drain_ms);
    }
    tnd_link_settle(link);
}

/* A tombstone has swallowed its reply. */
static void link_unbury(tnd_link* link)
{
    count_established(link->node, TND_COUNTER(late_replies), TND_NODE_COUNTER(late_replies));
    if (--link->tombstones == 0) {
        link_set_state(link, TND_LINK_BUSY);
        tnd_timer_stop(&link->timer);
    } else {
        tnd_timer_start_ms(&link->timer, link->node->pool->limits.drain_ms);
    }
}

/* It hasn't been tried to connect yet. */
static bool link_waits_for_turn(const tnd_link* link)
{
    return link->state == TND_LINK_OPENING && link->conn.state == TND_CONN_CLOSED;
}

/* A turn to connect isn't given up: the next command has use for the link. */
static bool link_abandon_unsent(tnd_link* link)
{
    if (!tnd_link_has_owner(link) && !link_waits_for_turn(link)) {
        tnd_link_discard(link);
        return false;
    }
    link_drop_void_seats(link);
    if (link->seats_count == 0) {
        link_set_reading(link, false);
        link->is_alone = false;
    }
    tnd_link_settle(link);
    return true;
}

bool tnd_link_abandon(tnd_link* link, uint32_t number, uint32_t delay_ms)
{
    tnd_seat* seat = link_seat_at(link, number);
    seat->owner = NULL;
    if (link->state == TND_LINK_FAILED) {
        return false;
    }
    if (seat->sent_mark == SEAT_UNSENT) {
        if (!link_waits_for_turn(link)) {
            tnd_node_note_error(link->node);
        }
        return link_abandon_unsent(link);
    }
    bool has_others = tnd_link_has_owner(link);
    bool is_out = tnd_link_is_out(link, number);
    if (delay_ms == 0 || !is_out) {
        tnd_node_note_error(link->node);
    }
    if (!has_others && (delay_ms == 0 || !is_out || link->node->is_replaced)) {
        tnd_link_discard(link);
        return false;
    }
    if (is_out) {
        link_bury(link, delay_ms);
        return true;
    }
    as_error err;
    as_error_init(&err);
    as_error_setallv(&err, AEROSPIKE_ERR_ASYNC_CONNECTION, __func__, __FILE__, __LINE__,
                     "Connection to %s closed: it takes no more bytes", link->conn.address);
    link_break(link, &err);
    return false;
}

/* ---- replies ---- */

static void link_set_idle(tnd_link* link)
{
    tnd_pool* pool = link->node->pool;
    link->idle_since_ms = tnd_loop_now_ms(pool->loop);
    link_set_state(link, TND_LINK_IDLE);
    link->is_alone = false;
    link_set_reading(link, false);
    tnd_link_settle(link);
    if (!pool->trim.is_armed) {
        tnd_timer_start_ms(&pool->trim, tnd_pool_trim_period_ms(pool));
    }
}

void tnd_link_release(tnd_link* link)
{
    assert(link->state == TND_LINK_BUSY || link->state == TND_LINK_DRAINING);
    link_drop_first_seat(link);
    link_drop_void_seats(link);
    bool is_empty = link->seats_count == 0;
    if (is_empty && tnd_link_has_surplus(link)) {
        as_log_warn("node %s %s sent more than it was asked for: connection closed",
                    link->node->name, link->conn.address);
        tnd_node_note_error(link->node);
        tnd_link_discard(link);
    } else if (link->node->is_replaced && !tnd_link_has_owner(link)) {
        tnd_link_discard(link);
    } else if (is_empty) {
        link_set_idle(link);
    } else if (link->list == &link->node->taken) {
        tnd_link_settle(link); /* elsewhere it had room before */
    }
}

static void on_conn_open(tnd_conn* conn)
{
    tnd_link* link = conn->udata;
    assert(link->state == TND_LINK_OPENING);
    tnd_timer_stop(&link->timer);
    link_set_state(link, TND_LINK_BUSY);
    count_established(link->node, TND_COUNTER(connections_opened),
                      TND_NODE_COUNTER(connections_opened));
    if (link->seats_count == 0 && link->node->is_replaced) {
        tnd_link_discard(link);
        return;
    }
    if (link->seats_count == 0) {
        link_set_idle(link); /* opened ahead, or nobody waits for it any more */
        return;
    }
    const tnd_link_handler* handler = link->node->pool->handler;
    uint32_t end = link->seats_first + link->seats_count;
    /* They send, which calls nobody and takes no seat away. */
    for (uint32_t number = link->seats_first; number != end; number++) {
        void* owner = link_seat_at(link, number)->owner;
        if (owner) {
            handler->on_open(owner, link);
        }
    }
}

/* The largest one of late counts, so that links are shared with care where large ones come. */
static void node_note_reply(tnd_node* node, size_t size)
{
    uint32_t bytes = size < UINT32_MAX / 2 ? (uint32_t)size : UINT32_MAX / 2;
    node->reply_bytes =
        bytes > node->reply_bytes ? bytes : node->reply_bytes - (node->reply_bytes - bytes) / 64;
}

static bool frame_is_last(const tnd_seat* seat, const uint8_t* body, size_t size)
{
    return !seat->is_stream || size <= STREAM_INFO3_OFFSET ||
           (body[STREAM_INFO3_OFFSET] & STREAM_INFO3_LAST);
}

static void on_conn_frame(tnd_conn* conn, uint8_t type, const uint8_t* body, size_t size)
{
    tnd_link* link = conn->udata;
    link->consumed_bytes += TND_WIRE_FRAME_BYTES + size;
    tnd_stats_add(link->node->pool->stats, TND_COUNTER(bytes_received),
                  TND_WIRE_FRAME_BYTES + size);
    if (link->seats_count == 0) {
        as_log_warn("node %s %s sent a reply without a request: connection closed",
                    link->node->name, link->conn.address);
        tnd_node_note_error(link->node);
        tnd_link_discard(link);
        return;
    }
    const tnd_seat* seat = link_seat_at(link, link->seats_first);
    if (seat->reply_bytes > 0) {
        node_note_reply(link->node, size);
    }
    if (seat->owner) {
        link->node->pool->handler->on_reply(seat->owner, link, type, body, size);
    } else if (frame_is_last(seat, body, size)) {
        link_unbury(link);
        tnd_link_release(link);
    }
}

static const tnd_conn_handler link_conn_handler = {
    .on_open = on_conn_open,
    .on_frame = on_conn_frame,
    .on_fail = on_conn_fail,
};

/* ---- requests ---- */

static void link_flush_later(tnd_link* link)
{
    tnd_pool* pool = link->node->pool;
    if (!link->is_unflushed) {
        link->is_unflushed = true;
        link->next_unflushed = pool->unflushed;
        pool->unflushed = link;
        tnd_task_soon(&pool->turn);
    }
}

void tnd_link_send(tnd_link* link, uint32_t number, const uint8_t* bytes, size_t size,
                   bool is_stream)
{
    assert(link->state == TND_LINK_BUSY || link->state == TND_LINK_DRAINING);
    tnd_seat* seat = link_seat_at(link, number);
    tnd_stats_add(link->node->pool->stats, TND_COUNTER(bytes_sent), size);
    if (link->seats_count == 1) {
        tnd_conn_send(&link->conn, bytes, size);
    } else if (tnd_conn_queue(&link->conn, bytes, size)) {
        link_flush_later(link);
    }
    seat->sent_mark = link->conn.queued_bytes;
    seat->is_stream = is_stream;
}

void tnd_pool_on_turn(tnd_task* task)
{
    tnd_pool* pool = task->udata;
    while (pool->unflushed) {
        tnd_link* link = pool->unflushed;
        pool->unflushed = link->next_unflushed;
        link->is_unflushed = false;
        tnd_conn_flush(&link->conn);
    }
    tnd_link* link = pool->broken.first;
    if (link) {
        /* One per turn: those that are told may close the pool. */
        as_error err;
        as_error_init(&err);
        as_error_set_message(&err, AEROSPIKE_ERR_ASYNC_CONNECTION,
                             "Connection closed because of another command on it");
        if (link->broken_err) {
            as_error_copy(&err, link->broken_err);
        }
        tnd_link_list_remove(link);
        if (pool->broken.first) {
            tnd_task_soon(&pool->turn);
        }
        link_tell(link, pool->handler, true, &err);
    }
}

/* ---- the start ---- */

/* Not the node's fault: descriptors, memory, local ports. */
static bool error_is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL;
}

/* Towards the node's next address. */
static as_status link_connect(tnd_link* link, as_error* err)
{
    tnd_node* node = link->node;
    const tnd_node_addr* from = &node->addrs[node->addr_turn % TND_NODE_ADDRS_MAX];
    tnd_lookup_addr addr = {.family = from->family};
    memcpy(addr.bytes, from->bytes, sizeof(addr.bytes));
    struct sockaddr_storage name;
    socklen_t name_size = tnd_address_to_sockaddr(&addr, from->port, &name);
    as_status status =
        tnd_conn_open(&link->conn, node->pool->loop, (const struct sockaddr*)&name, name_size,
                      TND_WIRE_BODY_BYTES_MAX, &link_conn_handler, link, err);
    if (status != AEROSPIKE_OK && !error_is_ours(link->conn.error)) {
        tnd_node_note_error(node);
    }
    return status;
}

/* Nobody's limit of connecting ends the wait. */
void tnd_link_limit_connecting(tnd_link* link)
{
    if (!tnd_link_has_owner(link) && !link_waits_for_turn(link)) {
        tnd_timer_start_ms(&link->timer, link->node->pool->limits.connect_ms);
    }
}

static void link_take_turn(tnd_link* link)
{
    as_error err;
    as_error_init(&err);
    if (link->node->is_replaced && !tnd_link_has_owner(link)) {
        tnd_link_discard(link);
    } else if (link_connect(link, &err) == AEROSPIKE_OK) {
        tnd_link_limit_connecting(link);
    } else {
        const tnd_link_handler* handler = link->node->pool->handler;
        link_detach(link);
        link_tell(link, handler, false, &err);
    }
}

static void on_link_timer(tnd_timer* timer)
{
    tnd_link* link = timer->udata;
    if (link_waits_for_turn(link)) {
        link_take_turn(link);
    } else if (link->state == TND_LINK_DRAINING) {
        link_give_up(link, "an earlier command's late reply hasn't come");
    } else if (!tnd_link_has_owner(link)) {
        link_give_up(link, "it took too long to connect");
    }
}

static tnd_link* link_new(tnd_node* node)
{
    uint32_t seats = 1;
    while (seats < node->pool->limits.depth) {
        seats *= 2;
    }
    tnd_link* link = tnd_calloc(1, sizeof(*link) + seats * sizeof(tnd_seat));
    if (link) {
        link->seats_mask = seats - 1;
        link->node = node;
        link->state = TND_LINK_OPENING;
        tnd_timer_init(&link->timer, node->pool->loop, on_link_timer, link);
    }
    return link;
}

as_status tnd_link_open(tnd_node* node, uint64_t wait_us, tnd_link** ret_link, as_error* err)
{
    tnd_link* link = link_new(node);
    if (!link) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
    }
    if (wait_us > 0) {
        tnd_timer_start_us(&link->timer, wait_us);
    } else if (link_connect(link, err) != AEROSPIKE_OK) {
        tnd_free(link);
        return err->code;
    }
    tnd_map* map = tnd_node_map(node);
    link->share_base = map ? map->base : NULL;
    tnd_link_list_append(&node->mixed, link);
    count_open(node, 1);
    count_in_use(node, 1);
    node->links_count++;
    *ret_link = link;
    return AEROSPIKE_OK;
}
