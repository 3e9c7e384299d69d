/*
 * Nodes, and which link a request gets. See node.h for the rules, link.c for the links themselves.
 *
 * Happy path
 *   - tnd_pool_node: the local object of a node slot, made or found current.
 *   - tnd_node_acquire: a seat on an idle link, a new one, or one that others wait on.
 *
 * Possible failures
 *   - as many links as may be, all full: TND_ACQUIRE_FULL.
 *   - no socket: one that is there is shared, else TND_ACQUIRE_FAILED.
 *   - the node is another one, or gone: its object is replaced, links that nobody waits on close at
 *     once and the others when the last reply is in.
 */
#include "async/node_int.h"

#include "core/mem.h"
#include "shm/member.h"
#include "shm/shares.h"
#include <assert.h>
#include <stdio.h>

/* Links that are compared for the shortest queue: two, taken in turn, are nearly as good as all. */
#define NODE_COMPARED_MAX 2
/* What a reply is expected to have before any was seen. */
#define NODE_REPLY_BYTES 1024u

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

void tnd_node_unhold(tnd_node* node)
{
    if (--node->links_count > 0 || !node->is_replaced) {
        return;
    }
    if (!node->is_orphan) {
        node_unlist(node);
    }
    tnd_free(node);
}

/* ---- errors ---- */

tnd_map* tnd_node_map(const tnd_node* node)
{
    const tnd_pool* pool = node->pool;
    bool is_known = pool->map && !node->is_replaced && pool->map->base == pool->map_base &&
                    pool->map->shm_id == pool->map_shm_id;
    return is_known ? pool->map : NULL;
}

/* Tally for the circuit breaker. */
static uint64_t node_errors(const tnd_node* node)
{
    const tnd_map* map = node->pool->limits.errors_are_shared ? tnd_node_map(node) : NULL;
    return map ? tnd_shares_errors(map, node->index) : node->errors;
}

void tnd_node_note_error(tnd_node* node)
{
    tnd_map* map = node->pool->limits.errors_are_shared ? tnd_node_map(node) : NULL;
    uint64_t window = tnd_breaker_window(&node->breaker, tnd_loop_now_ms(node->pool->loop));
    node->errors = tnd_tally_add(node->errors, window);
    if (map) {
        tnd_shares_note_error(map, node->index, window);
    }
}

static as_status node_check_errors(tnd_node* node, as_error* err)
{
    tnd_breaker* breaker = &node->breaker;
    uint64_t tally = node_errors(node);
    if (tnd_breaker_is_calm(breaker, tally) ||
        !tnd_breaker_is_open(breaker, tally, tnd_loop_now_ms(node->pool->loop))) {
        return AEROSPIKE_OK;
    }
    tnd_stats_add(node->pool->stats, TND_COUNTER(breaker_hits), 1);
    return as_error_setallv(err, AEROSPIKE_MAX_ERROR_RATE, __func__, __FILE__, __LINE__,
                            "Node %s is left alone: more than %u errors within %" PRIu64 " ms%s",
                            node->name, breaker->limit, breaker->window_ms,
                            node->pool->limits.errors_are_shared ? " on this host" : "");
}

/* ---- acquiring ---- */

static bool link_is_usable(const tnd_link* link, uint64_t now_ms)
{
    uint64_t idle_max_ms = link->node->pool->limits.idle_max_ms;
    return !tnd_link_has_surplus(link) &&
           (idle_max_ms == 0 || now_ms - link->idle_since_ms <= idle_max_ms);
}

static tnd_link* node_take_idle(tnd_node* node)
{
    while (node->idle.first) {
        tnd_link* link = node->idle.first;
        if (link_is_usable(link, tnd_loop_now_ms(node->pool->loop))) {
            return link;
        }
        tnd_link_discard(link);
    }
    return NULL;
}

/* The shortest queue among those that had nothing new for the longest time. */
static tnd_link* list_take(const tnd_node* node, tnd_link_list* list)
{
    tnd_link* best = NULL;
    tnd_link* link = list->first;
    for (unsigned i = 0; link && i < NODE_COMPARED_MAX; i++) {
        tnd_link* next = link->next;
        if (best && link->seats_count >= best->seats_count) {
            break;
        }
        if (tnd_link_may_reply(link, node)) { /* it had room when it was put here */
            assert(tnd_link_has_room(link, node));
            best = link;
        } else {
            tnd_link_settle(link); /* larger replies are expected by now */
        }
        link = next;
    }
    if (best && best != list->last) {
        tnd_link_list_remove(best);
        tnd_link_list_append(list, best);
    }
    return best;
}

/* No more links may be opened: behind those of the same kind, behind others, and in the last resort
   behind somebody who wanted to be alone. */
static tnd_link* node_take_shared(tnd_node* node, tnd_link_lane lane)
{
    bool is_read = lane == TND_LANE_READ;
    tnd_link* best = list_take(node, is_read ? &node->reading : &node->mixed);
    if (!best) {
        best = list_take(node, is_read ? &node->mixed : &node->reading);
    }
    for (tnd_link* link = node->taken.first; !best && link; link = link->next) {
        if (link->is_alone && link->state <= TND_LINK_BUSY &&
            link->seats_count < node->pool->limits.depth) {
            best = link;
        }
    }
    return best;
}

/* One that nobody has a seat on, and that connects all the same. */
static tnd_link* node_take_opening(tnd_node* node)
{
    tnd_link* link = node->mixed.first;
    for (unsigned i = 0; link && i < NODE_COMPARED_MAX; i++) {
        if (link->state == TND_LINK_OPENING && link->seats_count == 0) {
            return link;
        }
        link = link->next;
    }
    return NULL;
}

/* The time until this process's turn to connect; UINT64_MAX: too late. */
static uint64_t node_take_turn(tnd_node* node)
{
    const tnd_pool* pool = node->pool;
    tnd_map* map = tnd_node_map(node);
    if (!map || pool->limits.turn_us == 0) {
        return 0;
    }
    uint64_t wait_us_max =
        node->links_count == 0 ? TND_LINK_FIRST_TURN_US_MAX : TND_LINK_TURN_US_MAX;
    return tnd_shares_take_turn(map, node->index, tnd_loop_now_us(pool->loop), pool->limits.turn_us,
                                wait_us_max);
}

typedef enum node_opening {
    NODE_OPENED,
    NODE_LIMITED, /* this process or the host has as many as it may */
    NODE_FAILED,
} node_opening;

static node_opening node_open(tnd_node* node, tnd_link** ret_link, as_error* err)
{
    tnd_pool* pool = node->pool;
    tnd_map* map = tnd_node_map(node);
    if (node->links_count >= pool->limits.links_max ||
        (map && !tnd_shares_take_link(map, pool->slot, node->index, pool->limits.host_links_max))) {
        return NODE_LIMITED;
    }
    uint64_t wait_us = node_take_turn(node);
    bool is_opened =
        wait_us != UINT64_MAX && tnd_link_open(node, wait_us, ret_link, err) == AEROSPIKE_OK;
    if (!is_opened && map) {
        tnd_shares_return_link(map, pool->slot, node->index);
    }
    return is_opened ? NODE_OPENED : wait_us == UINT64_MAX ? NODE_LIMITED : NODE_FAILED;
}

static tnd_acquire node_seat(tnd_link* link, tnd_link_lane lane, void* owner, tnd_link** ret_link,
                             uint32_t* ret_seat)
{
    *ret_link = link;
    *ret_seat = tnd_link_seat(link, lane, owner);
    tnd_link_settle(link);
    return link->state == TND_LINK_OPENING ? TND_ACQUIRE_OPENING : TND_ACQUIRE_READY;
}

tnd_acquire tnd_node_acquire(tnd_node* node, tnd_link_lane lane, void* owner, tnd_link** ret_link,
                             uint32_t* ret_seat, as_error* err)
{
    const tnd_pool_limits* limits = &node->pool->limits;
    tnd_link* link = NULL;
    bool has_failed = false;
    if (node_check_errors(node, err) != AEROSPIKE_OK) {
        return TND_ACQUIRE_BROKEN;
    }
    if (lane == TND_LANE_READ && node->reading_count >= limits->share_links) {
        link = list_take(node, &node->reading);
    }
    if (!link) {
        link = node_take_idle(node);
    }
    if (!link) {
        link = node_take_opening(node);
    }
    if (!link) {
        has_failed = node_open(node, &link, err) == NODE_FAILED;
    }
    if (!link) {
        link = node_take_shared(node, lane);
    }
    if (!link) {
        return has_failed ? TND_ACQUIRE_FAILED : TND_ACQUIRE_FULL;
    }
    return node_seat(link, lane, owner, ret_link, ret_seat);
}

/* ---- nodes ---- */

/* Closes the links of a list, or those that nobody waits on. */
static void list_discard(tnd_link_list* list, bool spares_owned)
{
    for (tnd_link* next = list->first; next;) {
        tnd_link* link = next;
        next = link->next;
        if (!spares_owned || !tnd_link_has_owner(link)) {
            tnd_link_discard(link);
        }
    }
}

/* Nothing new comes on them. */
static void list_settle(tnd_link_list* list)
{
    for (tnd_link* next = list->first; next;) {
        tnd_link* link = next;
        next = link->next;
        tnd_link_settle(link);
    }
}

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
    list_discard(&node->idle, false);
    list_discard(&node->taken, true);
    list_discard(&node->mixed, true);
    list_settle(&node->reading);
    list_settle(&node->mixed);
    tnd_node_unhold(node);
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
    node->reply_bytes = NODE_REPLY_BYTES;
    node->generation = rec->generation;
    node->dir_version = map->dir_version;
    node->addrs_count =
        rec->addrs_count < TND_NODE_ADDRS_MAX ? rec->addrs_count : TND_NODE_ADDRS_MAX;
    memcpy(node->addrs, rec->addrs, sizeof(node->addrs));
    snprintf(node->name, sizeof(node->name), "%.*s", (int)sizeof(node->name) - 1, rec->name);
    pool->nodes[index] = node;
    tnd_breaker_init(&node->breaker, pool->limits.errors_max, pool->limits.errors_window_ms,
                     tnd_loop_now_ms(pool->loop));
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
    pool->nodes_capacity = pool->nodes ? map->nodes_capacity : 0;
    pool->map_base = map->base;
    pool->map_shm_id = map->shm_id;
    return pool->nodes != NULL;
}

tnd_node* tnd_pool_make_node(tnd_pool* pool, tnd_map* map, uint32_t node_index)
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
        tnd_link_discard(node->idle.last);
    }
}

static void on_pool_trim(tnd_timer* timer)
{
    tnd_pool* pool = timer->udata;
    uint64_t now_ms = tnd_loop_now_ms(pool->loop);
    bool has_idle = false;
    for (uint32_t i = 1; i <= pool->nodes_capacity; i++) {
        tnd_node* node = pool->nodes[i];
        if (node) {
            node_trim(node, now_ms);
            has_idle |= node->idle.first != NULL;
        }
    }
    if (has_idle) {
        tnd_timer_start_ms(&pool->trim, tnd_pool_trim_period_ms(pool));
    }
}

/* Half of what a link may be idle, so that it isn't much longer. */
uint64_t tnd_pool_trim_period_ms(const tnd_pool* pool)
{
    uint64_t half_ms = pool->limits.idle_max_ms / 2;
    return half_ms > 0 && half_ms < TND_LINK_TRIM_PERIOD_MS ? half_ms : TND_LINK_TRIM_PERIOD_MS;
}

/* ---- links to be had ahead ---- */

/* True if it has fewer than it should, and may have more. */
static bool node_warm(tnd_node* node, uint64_t now_ms)
{
    const tnd_pool_limits* limits = &node->pool->limits;
    as_error err;
    tnd_link* link;
    if (now_ms < node->warm_ms || tnd_breaker_is_open(&node->breaker, node_errors(node), now_ms)) {
        return false;
    }
    for (unsigned i = 0; i < TND_POOL_WARM_LINKS && node->links_count < limits->links_min; i++) {
        if (node_open(node, &link, as_error_init(&err)) != NODE_OPENED) {
            node->warm_ms = now_ms + TND_LINK_TRIM_PERIOD_MS;
            return false;
        }
        tnd_link_limit_connecting(link);
    }
    return node->links_count < limits->links_min;
}

static void on_pool_warm(tnd_timer* timer)
{
    tnd_pool* pool = timer->udata;
    uint64_t now_ms = tnd_loop_now_ms(pool->loop);
    bool is_cold = false;
    uint32_t count = pool->map->dir.nodes_count;
    for (uint32_t i = 1; i <= count; i++) {
        tnd_node* node = tnd_pool_node(pool, pool->map, i);
        is_cold |= node && node_warm(node, now_ms);
    }
    tnd_timer_start_ms(timer, is_cold ? TND_POOL_WARM_STEP_MS : TND_LINK_TRIM_PERIOD_MS);
}

void tnd_pool_warm(tnd_pool* pool)
{
    if (pool->limits.links_min == 0) {
        return;
    }
    uint64_t delay_ms = pool->is_warmed ? 0 : tnd_loop_random(pool->loop) % TND_POOL_WARM_SPREAD_MS;
    pool->is_warmed = true;
    tnd_timer_start_ms(&pool->warm, delay_ms);
}

void tnd_pool_init(tnd_pool* pool, tnd_loop* loop, const tnd_link_handler* handler,
                   const tnd_pool_limits* limits)
{
    assert(limits->depth > 0 && limits->links_max > 0);
    memset(pool, 0, sizeof(*pool));
    pool->loop = loop;
    pool->handler = handler;
    pool->limits = *limits;
    pool->slot = TND_MEMBER_NONE;
    tnd_timer_init(&pool->trim, loop, on_pool_trim, pool);
    tnd_timer_init(&pool->warm, loop, on_pool_warm, pool);
    tnd_task_init(&pool->turn, loop, tnd_pool_on_turn, pool);
}

void tnd_pool_set_map(tnd_pool* pool, tnd_map* map, uint32_t slot)
{
    pool->map = map;
    pool->slot = slot;
}

void tnd_pool_drain(tnd_pool* pool)
{
    pool->limits.links_min = 0;
    tnd_timer_stop(&pool->warm);
    pool_replace_all(pool);
}

/* Whoever still tells a link's owners holds the node beyond the pool. */
static void node_discard_all(tnd_node* node)
{
    node->links_count++; /* a hold, as above */
    list_discard(&node->reading, false);
    list_discard(&node->mixed, false);
    list_discard(&node->taken, false);
    if (node->links_count > 1) {
        node_unlist(node);
        node->is_orphan = true;
    }
    tnd_node_unhold(node);
}

void tnd_pool_close(tnd_pool* pool)
{
    if (!pool->loop) {
        return;
    }
    pool_replace_all(pool);
    list_discard(&pool->broken, false);
    while (pool->replaced) {
        node_discard_all(pool->replaced);
    }
    tnd_timer_stop(&pool->trim);
    tnd_timer_stop(&pool->warm);
    tnd_task_cancel(&pool->turn);
    tnd_free(pool->nodes);
    pool->nodes = NULL;
    pool->nodes_capacity = 0;
}
