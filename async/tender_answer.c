/*
 * What a node's answer means: who it is, what it knows of others, what it claims. The view decides;
 * here the objects follow.
 */
#include <stdio.h>
#include <string.h>

#include "async/tender_int.h"

static void log_admission(tend_node* node, tnd_view_admission admission)
{
    const tnd_view_node* vn = tend_node_view(node);
    char text[TND_ADDRESS_TEXT_SIZE];
    tend_addr_text(&node->addr, text, sizeof(text));
    if (admission == TND_VIEW_ADMIT_NEW) {
        as_log_info("Node %s added: %s, build %u.%u.%u.%u", vn->name, text,
                    (unsigned)(vn->build >> 48), (unsigned)(vn->build >> 32 & 0xffff),
                    (unsigned)(vn->build >> 16 & 0xffff), (unsigned)(vn->build & 0xffff));
    } else if (admission == TND_VIEW_ADMIT_MOVED) {
        as_log_info("Node %s answers at %s now", vn->name, text);
    }
}

static void log_poll(tend_node* node, tnd_view_poll_result result)
{
    const char* name = tend_node_view(node)->name;
    if (result == TND_VIEW_POLL_RESTARTED) {
        as_log_info("Node %s was restarted", name);
    } else if (result == TND_VIEW_POLL_NOT_READY && !node->was_unready) {
        as_log_info("Node %s isn't ready yet: it hasn't joined its cluster", name);
    }
    if (node->was_down) {
        as_log_info("Node %s answers again", name);
    }
    node->was_unready = result == TND_VIEW_POLL_NOT_READY;
    if (node->was_down) {
        node->was_down = false;
        memset(&node->gate, 0, sizeof(node->gate));
    }
}

/* Another node answers at the address. */
static void node_renamed(tend_node* node, tnd_slice name)
{
    tnd_tender* t = node->tender;
    tnd_view_node* vn = tend_node_view(node);
    tnd_view_addr addr = node->addr;
    char text[TND_ADDRESS_TEXT_SIZE];
    tend_addr_text(&addr, text, sizeof(text));
    if (vn->state == TND_VIEW_CANDIDATE) {
        as_error err;
        as_error_init(&err);
        as_error_setallv(&err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "node %.*s answers at %s", (int)name.size, name.data, text);
        tend_node_attempt_failed(node, &err, true);
        return;
    }
    as_log_info("Node %s isn't at %s any more: node %.*s answers there", vn->name, text,
                (int)name.size, name.data);
    tend_node_close(node);
    uint32_t new_id = tnd_view_propose(t->view, name);
    t->needs_settle = true;
    tend_kick(t);
    if (tnd_view_renamed(t->view, node->id, &addr)) {
        as_log_info("Node %s removed: it has no address left", vn->name);
        tend_node_doom(node);
    } else {
        node->addr_next = 0;
        tend_node_next_address(node);
    }
    if (new_id == 0 || t->phase != TEND_PHASE_RUN) {
        return;
    }
    tnd_view_offer(t->view, new_id, &addr);
    tend_node* other = t->by_id[new_id] ? t->by_id[new_id] : tend_node_new(t, new_id);
    if (other) {
        tend_node_look(other);
    }
}

/* A known peer that doesn't answer is worth a look when others (still, or again) list it. */
static void peer_listed(tnd_tender* t, uint32_t id)
{
    tend_node* peer = t->by_id[id];
    const tnd_view_node* vn = tnd_view_get(t->view, id);
    if (!peer) {
        peer = tend_node_new(t, id);
    } else if (vn->failures == 0 && vn->is_heard) {
        return;
    } else if (tend_now_ms(t) - peer->look_ms < TEND_NOT_READY_MS) {
        return;
    }
    if (peer && peer->state == TEND_IDLE) {
        tend_node_look(peer);
    }
}

/* Its addresses, to the view and to its object; false if some were left out for lack of memory. */
static bool apply_hosts(tnd_tender* t, uint32_t id, tnd_info_hosts* hosts)
{
    tend_node* object = t->by_id[id] ? t->by_id[id] : tend_node_new(t, id);
    tnd_info_host host;
    bool is_whole = object != NULL;
    while (object && tnd_info_host_next(hosts, &host)) {
        char name[TND_INFO_HOST_CHARS_MAX + 1];
        tnd_view_addr addr;
        if (tend_host_parse(t, &host, name, &addr)) {
            tnd_view_offer(t->view, id, &addr);
        } else {
            is_whole &= tend_node_add_host(object, name, host.port);
        }
    }
    return is_whole;
}

static void apply_peers(tend_node* node, tnd_info_peers* peers)
{
    tnd_tender* t = node->tender;
    tnd_info_peer peer;
    bool is_whole = true;
    tnd_view_take_lack(t->view);
    tnd_view_peers_begin(t->view, node->id);
    while (!t->config->force_single_node && tnd_info_peer_next(peers, &peer)) {
        uint32_t id = tnd_view_propose(t->view, peer.node);
        if (id == 0) {
            tnd_log_limit(&t->nodes_gate, tend_now_ms(t), TEND_LOG_INTERVAL_MS, AS_LOG_LEVEL_WARN,
                          "Node %.*s is left out: more than %u nodes or no memory",
                          (int)peer.node.size, peer.node.data, TND_VIEW_NODES_MAX);
            continue;
        }
        tnd_view_peer(t->view, node->id, id);
        if (id == node->id) {
            continue;
        }
        is_whole &= apply_hosts(t, id, &peer.hosts);
        peer_listed(t, id);
    }
    tnd_view_peers_end(t->view, node->id);
    if (tnd_view_take_lack(t->view) || !is_whole) {
        tend_node_view(node)->is_peers_due = true; /* no memory: to be asked for once more */
    }
}

static void node_not_ready(tend_node* node)
{
    tnd_view_not_ready(node->tender->view, node->id);
    log_poll(node, TND_VIEW_POLL_NOT_READY);
    tend_node_rest(node, TEND_NOT_READY_MS);
}

/* Keep a reply's claims for the turns to come. */
static void node_keep_claims(tend_node* node, const tend_reply* reply)
{
    tnd_slice rest = reply->replicas.rest;
    tnd_buf_reset(&node->reply);
    tnd_buf_append_bytes(&node->reply, rest.data, rest.size);
    if (!tnd_buf_is_ok(&node->reply)) {
        tend_lacks_memory(node->tender, "no memory to keep a node's answer");
        return;
    }
    node->replicas = reply->replicas;
    node->replicas.rest = tnd_slice_of(node->reply.data, node->reply.size);
    node->generation = reply->partitions_generation;
    node->has_claim = false;
    node->state = TEND_MERGING;
    tend_queue_push(&node->tender->merges, node);
    tend_kick(node->tender);
}

void tend_node_answered(tend_node* node, const tend_reply* reply)
{
    tnd_tender* t = node->tender;
    tnd_view_node* vn = tend_node_view(node);
    if (!tnd_slice_equals_text(reply->node, vn->name)) {
        node_renamed(node, reply->node);
        return;
    }
    tend_heard(t);
    t->needs_settle = true;
    tend_kick(t);
    if (!node->is_admitted) {
        if (vn->state == TND_VIEW_CANDIDATE && reply->partitions_generation == TND_VIEW_UNKNOWN) {
            node_not_ready(node);
            return;
        }
        log_admission(node, tnd_view_admit(t->view, node->id, &node->addr, reply->build));
        node->is_admitted = true;
    }
    log_poll(node, tnd_view_poll(t->view, node->id, reply->peers_generation,
                                 reply->partitions_generation));
    tnd_view_rebalanced(t->view, node->id, reply->rebalance_generation);
    if (node->asked & TEND_ASK_RACKS) {
        tnd_view_racks(t->view, node->id, reply->has_racks ? &reply->racks : NULL);
    }
    if (node->asked & TEND_ASK_PEERS) {
        tnd_info_peers peers = reply->peers;
        apply_peers(node, &peers);
    }
    if (node->asked & TEND_ASK_MAP && tnd_view_is_believed(t->view, node->id)) {
        node_keep_claims(node, reply);
    } else {
        tend_node_go_on(node);
    }
}

void tend_node_merged(tend_node* node, const char* problem)
{
    if (node->reply.capacity > TEND_REPLY_KEPT_BYTES) {
        tnd_buf_done(&node->reply);
        tnd_buf_init(&node->reply, TEND_REPLY_BYTES_MAX);
    }
    if (problem) {
        as_error err;
        as_error_init(&err);
        as_error_setallv(&err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "its partition map can't be read: %s", problem);
        node->requests_count = TEND_FOLLOW_UPS_MAX;
        tend_node_attempt_failed(node, &err, true);
    } else {
        tend_node_go_on(node);
    }
}

void tend_node_adopt(tend_node* node, uint32_t id)
{
    node->id = id;
    node->tender->by_id[id] = node;
    node->look_ms = tend_now_ms(node->tender);
    node->is_failed = false;
}
