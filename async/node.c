/*
 * Nodes and their links. See node.h for the states.
 *
 * Happy path
 *   - tnd_pool_node: the local object of a node slot, made or found current.
 *   - tnd_node_acquire: an idle link, or one that opens; BUSY.
 *   - on_link_frame: the owner's reply; tnd_link_release: IDLE, first in line.
 *
 * Possible failures
 *   - no connection, or it breaks: on_link_fail, the owner is told and the link freed.
 *   - bytes nobody asked for: the link is closed, in whatever state they are seen.
 *   - a late reply: swallowed by a DRAINING link, which is closed when it doesn't come in time.
 *   - the node is another one, or gone: its object is replaced, idle links close at once and those
 * in use when they are released.
 */
#include "async/node.h"

#include "async/address.h"
#include "core/mem.h"
#include "core/wire.h"
#include "shm/member.h"
#include "shm/shares.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>

/* ---- lists ---- */

static void list_push_first(tnd_link_list* list, tnd_link* link)
{
    link->prev = NULL;
    link->next = list->first;
    if (list->first) {
        list->first->prev = link;
    } else {
        list->last = link;
    }
    list->first = link;
}

static void list_remove(tnd_link_list* list, tnd_link* link)
{
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
    link->next = NULL;
    link->prev = NULL;
}

static tnd_link_list* link_list(tnd_link* link)
{
    switch (link->state) {
    case TND_LINK_IDLE:
        return &link->node->idle;
    case TND_LINK_DRAINING:
        return &link->node->draining;
    case TND_LINK_OPENING:
    case TND_LINK_BUSY:
        break;
    }
    return &link->node->busy;
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

/* ---- states ---- */

/* The only writer of link->state but for its birth. */
static void link_set_state(tnd_link* link, tnd_link_state state)
{
    int was_in_use = link_is_in_use(link);
    list_remove(link_list(link), link);
    link->state = state;
    list_push_first(link_list(link), link);
    count_in_use(link->node, link_is_in_use(link) - was_in_use);
}

/* ---- replaced nodes ---- */

static void node_unlist(tnd_node* node)
{
    if (node->next) {
        node->next->prev = node->prev;
    }
    if (node->prev) {
        node->prev->next = node->next;
    } else if (node->pool->replaced == node) {
        node->pool->replaced = node->next;
    }
    node->next = NULL;
    node->prev = NULL;
}

static bool node_is_done(const tnd_node* node)
{
    return node->is_replaced && node->links_count == 0;
}

static void node_free_if_done(tnd_node* node)
{
    if (node_is_done(node)) {
        node_unlist(node);
        tnd_free(node);
    }
}

/* ---- errors ---- */

/* The map in which the node's index means it; NULL if that isn't the one routed by any more. */
static tnd_map* node_map(const tnd_node* node)
{
    const tnd_pool* pool = node->pool;
    bool is_known = pool->map && !node->is_replaced && pool->map->base == pool->map_base &&
                    pool->map->shm_id == pool->map_shm_id;
    return is_known ? pool->map : NULL;
}

/* Tally for the circuit breaker. */
static uint64_t node_errors(const tnd_node* node)
{
    const tnd_map* map = node->pool->limits.errors_are_shared ? node_map(node) : NULL;
    return map ? tnd_shares_errors(map, node->index) : node->errors;
}

void tnd_node_note_error(tnd_node* node)
{
    tnd_map* map = node->pool->limits.errors_are_shared ? node_map(node) : NULL;
    uint64_t window = tnd_breaker_window(&node->breaker, tnd_loop_now_ms(node->pool->loop));
    node->errors = tnd_tally_add(node->errors, window);
    if (map) {
        tnd_shares_note_error(map, node->index, window);
    }
}

static as_status node_check_errors(tnd_node* node, as_error* err)
{
    tnd_breaker* breaker = &node->breaker;
    if (!tnd_breaker_is_open(breaker, node_errors(node), tnd_loop_now_ms(node->pool->loop))) {
        return AEROSPIKE_OK;
    }
    tnd_stats_add(node->pool->stats, TND_COUNTER(breaker_hits), 1);
    return as_error_setallv(err, AEROSPIKE_MAX_ERROR_RATE, __func__, __FILE__, __LINE__,
                            "Node %s is left alone: more than %u errors within %" PRIu64 " ms%s",
                            node->name, breaker->limit, breaker->window_ms,
                            node->pool->limits.errors_are_shared ? " on this host" : "");
}

/* ---- the end of a link ---- */

/* Takes it out of its node's books. */
static void link_detach(tnd_link* link)
{
    list_remove(link_list(link), link);
    count_in_use(link->node, -link_is_in_use(link));
    count_open(link->node, -1);
    if (link->state != TND_LINK_OPENING) {
        tnd_stats_add(link->node->pool->stats, TND_COUNTER(connections_closed), 1);
    }
    link->node->links_count--;
    tnd_timer_stop(&link->drain);
}

void tnd_link_close(tnd_link* link)
{
    tnd_node* node = link->node;
    link_detach(link);
    tnd_conn_close(&link->conn);
    tnd_free(link);
    node_free_if_done(node);
}

void tnd_link_fail(tnd_link* link)
{
    tnd_node_note_error(link->node);
    tnd_link_close(link);
}

static void list_close_all(tnd_link_list* list)
{
    for (tnd_link* next = list->first; next;) {
        tnd_link* link = next;
        next = link->next;
        tnd_link_close(link);
    }
}

static void on_link_fail(tnd_conn* conn, as_error* err)
{
    tnd_link* link = conn->udata;
    tnd_node* node = link->node;
    bool was_open = link->state != TND_LINK_OPENING;
    if (!was_open && node->addrs_count > 0) {
        node->addr_turn = (node->addr_turn + 1) % node->addrs_count;
    }
    if (link->state != TND_LINK_IDLE) { /* those are reaped by servers that are well */
        tnd_node_note_error(node);
    }
    if (!was_open) {
        count_established(node, TND_COUNTER(connections_failed),
                          TND_NODE_COUNTER(connections_failed));
    }
    link_detach(link);
    /* The handler may close the pool: what is to go afterwards is out of its books first. */
    bool is_done = node_is_done(node);
    if (is_done) {
        node_unlist(node);
    }
    if (link->owner) {
        node->pool->handler->on_fail(link->owner, link, was_open, err);
    } else {
        as_log_debug("idle connection to node %s: %s", node->name, err->message);
    }
    tnd_free(link);
    if (is_done) {
        tnd_free(node);
    }
}

/* ---- life of a link ---- */

static uint64_t pool_now_ms(const tnd_pool* pool)
{
    return tnd_loop_now_ms(pool->loop);
}

static void link_set_idle(tnd_link* link)
{
    tnd_pool* pool = link->node->pool;
    link->owner = NULL;
    link->idle_since_ms = pool_now_ms(pool);
    tnd_timer_stop(&link->drain);
    link_set_state(link, TND_LINK_IDLE);
    if (!pool->trim.is_armed) {
        tnd_timer_start_ms(&pool->trim, TND_LINK_TRIM_PERIOD_MS);
    }
}

/* Bytes that no request asked for have come. */
static bool link_has_surplus(const tnd_link* link)
{
    return link->conn.received_bytes != link->consumed_bytes;
}

void tnd_link_release(tnd_link* link)
{
    assert(link->state == TND_LINK_BUSY || link->state == TND_LINK_DRAINING);
    if (link_has_surplus(link)) {
        as_log_warn("node %s %s sent more than it was asked for: connection closed",
                    link->node->name, link->conn.address);
        tnd_link_fail(link);
    } else if (link->node->is_replaced) {
        tnd_link_close(link);
    } else {
        link_set_idle(link);
    }
}

bool tnd_link_abandon(tnd_link* link, uint32_t delay_ms)
{
    link->owner = NULL;
    if (delay_ms == 0 || link->state != TND_LINK_BUSY || !tnd_conn_is_drained(&link->conn) ||
        link->node->is_replaced) {
        tnd_link_fail(link);
        return false;
    }
    link_set_state(link, TND_LINK_DRAINING);
    tnd_timer_start_ms(&link->drain, delay_ms);
    return true;
}

static void on_link_drain_timeout(tnd_timer* timer)
{
    tnd_link_fail(timer->udata);
}

static void on_link_open(tnd_conn* conn)
{
    tnd_link* link = conn->udata;
    assert(link->state == TND_LINK_OPENING && link->owner);
    link_set_state(link, TND_LINK_BUSY);
    count_established(link->node, TND_COUNTER(connections_opened),
                      TND_NODE_COUNTER(connections_opened));
    link->node->pool->handler->on_open(link->owner, link);
}

static void on_link_frame(tnd_conn* conn, uint8_t type, const uint8_t* body, size_t size)
{
    tnd_link* link = conn->udata;
    link->consumed_bytes += TND_WIRE_FRAME_BYTES + size;
    tnd_stats_add(link->node->pool->stats, TND_COUNTER(bytes_received),
                  TND_WIRE_FRAME_BYTES + size);
    if (link->state == TND_LINK_BUSY) {
        link->node->pool->handler->on_reply(link->owner, link, type, body, size);
    } else if (link->state == TND_LINK_DRAINING) {
        tnd_stats_add(link->node->pool->stats, TND_COUNTER(late_replies), 1);
        tnd_link_release(link);
    } else {
        as_log_warn("node %s %s sent a reply without a request: connection closed",
                    link->node->name, link->conn.address);
        tnd_link_fail(link);
    }
}

static const tnd_conn_handler link_conn_handler = {
    .on_open = on_link_open,
    .on_frame = on_link_frame,
    .on_fail = on_link_fail,
};

uint64_t tnd_link_send(tnd_link* link, const uint8_t* bytes, size_t size)
{
    assert(link->state == TND_LINK_BUSY);
    tnd_stats_add(link->node->pool->stats, TND_COUNTER(bytes_sent), size);
    tnd_conn_send(&link->conn, bytes, size);
    return link->conn.queued_bytes;
}

/* ---- acquiring ---- */

static bool link_is_usable(const tnd_link* link, uint64_t now_ms)
{
    uint64_t idle_max_ms = link->node->pool->limits.idle_max_ms;
    return !link_has_surplus(link) &&
           (idle_max_ms == 0 || now_ms - link->idle_since_ms <= idle_max_ms);
}

static tnd_link* node_take_idle(tnd_node* node)
{
    uint64_t now_ms = pool_now_ms(node->pool);
    while (node->idle.first) {
        tnd_link* link = node->idle.first;
        if (link_is_usable(link, now_ms)) {
            return link;
        }
        tnd_link_close(link);
    }
    return NULL;
}

/* Not the node's fault: descriptors, memory, local ports. */
static bool error_is_ours(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EADDRNOTAVAIL;
}

static as_status node_open(tnd_node* node, tnd_link** ret_link, as_error* err)
{
    tnd_link* link = tnd_calloc(1, sizeof(*link));
    if (!link) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
    }
    const tnd_node_addr* from = &node->addrs[node->addr_turn % TND_NODE_ADDRS_MAX];
    tnd_lookup_addr addr = {.family = from->family};
    memcpy(addr.bytes, from->bytes, sizeof(addr.bytes));
    struct sockaddr_storage name;
    socklen_t name_size = tnd_address_to_sockaddr(&addr, from->port, &name);
    as_status status =
        tnd_conn_open(&link->conn, node->pool->loop, (const struct sockaddr*)&name, name_size,
                      TND_WIRE_BODY_BYTES_MAX, &link_conn_handler, link, err);
    if (status != AEROSPIKE_OK) {
        if (!error_is_ours(link->conn.error)) {
            tnd_node_note_error(node);
        }
        tnd_free(link);
        return status;
    }
    link->node = node;
    link->state = TND_LINK_OPENING;
    tnd_timer_init(&link->drain, node->pool->loop, on_link_drain_timeout, link);
    list_push_first(&node->busy, link);
    count_open(node, 1);
    count_in_use(node, 1);
    node->links_count++;
    *ret_link = link;
    return AEROSPIKE_OK;
}

tnd_acquire tnd_node_acquire(tnd_node* node, void* owner, tnd_link** ret_link, as_error* err)
{
    if (node_check_errors(node, err) != AEROSPIKE_OK) {
        return TND_ACQUIRE_BROKEN;
    }
    tnd_link* link = node_take_idle(node);
    if (link) {
        link_set_state(link, TND_LINK_BUSY);
        link->owner = owner;
        *ret_link = link;
        return TND_ACQUIRE_READY;
    }
    if (node->links_count >= node->pool->limits.links_max) {
        return TND_ACQUIRE_FULL;
    }
    if (node_open(node, &link, err) != AEROSPIKE_OK) {
        return TND_ACQUIRE_FAILED;
    }
    link->owner = owner;
    *ret_link = link;
    return TND_ACQUIRE_OPENING;
}

/* ---- nodes ---- */

/* Out of the table; links in use keep it alive. */
static void node_replace(tnd_pool* pool, tnd_node* node)
{
    pool->nodes[node->index] = NULL;
    node->is_replaced = true;
    tnd_stats_node_begin(pool->stats, node->index, 0);
    node->prev = NULL;
    node->next = pool->replaced;
    if (pool->replaced) {
        pool->replaced->prev = node;
    }
    pool->replaced = node;
    node->links_count++; /* a hold, while the lists are emptied */
    list_close_all(&node->idle);
    list_close_all(&node->draining);
    node->links_count--;
    node_free_if_done(node);
}

static tnd_node* node_new(tnd_pool* pool, const tnd_map* map, uint32_t index,
                          const tnd_node_rec* rec)
{
    tnd_node* node = tnd_calloc(1, sizeof(*node));
    if (!node) {
        return NULL;
    }
    node->pool = pool;
    node->index = index;
    node->generation = rec->generation;
    node->dir_version = map->dir_version;
    node->addrs_count =
        rec->addrs_count < TND_NODE_ADDRS_MAX ? rec->addrs_count : TND_NODE_ADDRS_MAX;
    memcpy(node->addrs, rec->addrs, sizeof(node->addrs));
    snprintf(node->name, sizeof(node->name), "%.*s", (int)sizeof(node->name) - 1, rec->name);
    pool->nodes[index] = node;
    tnd_breaker_init(&node->breaker, pool->limits.errors_max, pool->limits.errors_window_ms,
                     pool_now_ms(pool));
    tnd_stats_node_begin(pool->stats, index, rec->generation);
    return node;
}

static void pool_replace_all(tnd_pool* pool)
{
    for (uint32_t i = 1; pool->nodes && i <= pool->nodes_capacity; i++) {
        if (pool->nodes[i]) {
            node_replace(pool, pool->nodes[i]);
        }
    }
}

/* Indexes and generations mean something within one map only. */
static bool pool_follow_map(tnd_pool* pool, const tnd_map* map)
{
    if (pool->nodes && pool->map_base == map->base && pool->map_shm_id == map->shm_id &&
        pool->nodes_capacity == map->nodes_capacity) {
        return true;
    }
    pool_replace_all(pool);
    tnd_free(pool->nodes);
    pool->nodes = tnd_calloc(map->nodes_capacity + 1u, sizeof(tnd_node*));
    pool->nodes_capacity = map->nodes_capacity;
    pool->map_base = map->base;
    pool->map_shm_id = map->shm_id;
    return pool->nodes != NULL;
}

tnd_node* tnd_pool_node(tnd_pool* pool, tnd_map* map, uint32_t node_index)
{
    if (!pool_follow_map(pool, map) || node_index == 0 || node_index > pool->nodes_capacity) {
        return NULL;
    }
    tnd_node* node = pool->nodes[node_index];
    if (node && node->dir_version == map->dir_version) {
        return node;
    }
    const tnd_node_rec* rec = tnd_map_node(map, node_index);
    if (node && rec && node->generation == rec->generation) {
        node->dir_version = map->dir_version;
        return node;
    }
    if (node) {
        node_replace(pool, node);
    }
    bool has_address = rec && rec->addrs_count > 0;
    return has_address ? node_new(pool, map, node_index, rec) : NULL;
}

void tnd_pool_check(tnd_pool* pool, tnd_map* map)
{
    if (!pool_follow_map(pool, map)) {
        return;
    }
    for (uint32_t i = 1; i <= pool->nodes_capacity; i++) {
        if (pool->nodes[i]) {
            tnd_pool_node(pool, map, i);
        }
    }
}

/* ---- the pool ---- */

/* The oldest first, and stop at the first one that is fresh. */
static void node_trim(tnd_node* node, uint64_t now_ms)
{
    const tnd_pool* pool = node->pool;
    uint64_t idle_max_ms = pool->limits.idle_max_ms ? pool->limits.idle_max_ms : TND_LINK_TRIM_MS;
    while (node->idle.last && node->links_count > pool->limits.links_min &&
           now_ms - node->idle.last->idle_since_ms >= idle_max_ms) {
        tnd_link_close(node->idle.last);
    }
}

static void on_pool_trim(tnd_timer* timer)
{
    tnd_pool* pool = timer->udata;
    uint64_t now_ms = pool_now_ms(pool);
    bool has_idle = false;
    for (uint32_t i = 1; i <= pool->nodes_capacity; i++) {
        tnd_node* node = pool->nodes[i];
        if (node) {
            node_trim(node, now_ms);
            has_idle |= node->idle.first != NULL;
        }
    }
    if (has_idle) {
        tnd_timer_start_ms(&pool->trim, TND_LINK_TRIM_PERIOD_MS);
    }
}

void tnd_pool_init(tnd_pool* pool, tnd_loop* loop, const tnd_link_handler* handler,
                   const tnd_pool_limits* limits)
{
    memset(pool, 0, sizeof(*pool));
    pool->loop = loop;
    pool->handler = handler;
    pool->limits = *limits;
    pool->slot = TND_MEMBER_NONE;
    tnd_timer_init(&pool->trim, loop, on_pool_trim, pool);
}

void tnd_pool_set_map(tnd_pool* pool, tnd_map* map, uint32_t slot)
{
    pool->map = map;
    pool->slot = slot;
}

void tnd_pool_drain(tnd_pool* pool)
{
    pool_replace_all(pool);
}

void tnd_pool_close(tnd_pool* pool)
{
    if (!pool->loop) {
        return;
    }
    pool_replace_all(pool);
    while (pool->replaced) {
        tnd_node* node = pool->replaced;
        node->links_count++; /* a hold, as above */
        list_close_all(&node->busy);
        node->links_count--;
        node_free_if_done(node);
    }
    tnd_timer_stop(&pool->trim);
    tnd_free(pool->nodes);
    pool->nodes = NULL;
    pool->nodes_capacity = 0;
}
