/*
 * What the sources of node share. Nobody else includes this.
 */
#pragma once

#include "async/node.h"

/* A link that connects to the node's next address, in `wait_us` or at once, with no seat taken; in
 * `mixed`. */
as_status tnd_link_open(tnd_node* node, uint64_t wait_us, tnd_link** ret_link, as_error* err);

/* The map that knows what the host's processes share towards the node: NULL if that isn't the one
 * routed by any more. */
tnd_map* tnd_node_map(const tnd_node* node);

/* It has nobody whose limit ends connecting. */
void tnd_link_limit_connecting(tnd_link* link);

uint64_t tnd_pool_trim_period_ms(const tnd_pool* pool);

/* Closes and frees without a word to anybody. */
void tnd_link_discard(tnd_link* link);

/* Takes the next seat. */
uint32_t tnd_link_seat(tnd_link* link, tnd_link_lane lane, void* owner);

/* Is the reply that is expected of one more request not too much for it? */
static inline bool tnd_link_may_reply(const tnd_link* link, const tnd_node* node)
{
    return link->seats_count == 0 ||
           link->reply_bytes + node->reply_bytes <= node->pool->limits.share_bytes;
}

/* May another request go on it? */
static inline bool tnd_link_has_room(const tnd_link* link, const tnd_node* node)
{
    return link->seats_count < node->pool->limits.depth && tnd_link_may_reply(link, node) &&
           link->state <= TND_LINK_BUSY && !link->is_alone && !node->is_replaced;
}

/* Does anybody wait on it? */
bool tnd_link_has_owner(const tnd_link* link);

/* Puts it into the list where it belongs by its state and room. */
void tnd_link_settle(tnd_link* link);

/* Bytes that no request asked for have come. */
static inline bool tnd_link_has_surplus(const tnd_link* link)
{
    return link->conn.received_bytes != link->consumed_bytes;
}

/* The end of a turn: writes what was queued, and tells those whose link was broken. */
void tnd_pool_on_turn(tnd_task* task);

/* One link less, or one hold: the node may be gone afterwards. */
void tnd_node_unhold(tnd_node* node);

void tnd_link_list_remove(tnd_link* link);
void tnd_link_list_append(tnd_link_list* list, tnd_link* link);
void tnd_link_list_push(tnd_link_list* list, tnd_link* link);
