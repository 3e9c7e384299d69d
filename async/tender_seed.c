/*
 * Rounds through the seeds: at the start, whenever no node is left or none answers, and while a
 * node goes on failing (a name may lead elsewhere by now).
 *
 * All seeds are resolved and all their addresses asked at once, each within the deadline. The first
 * that answers and has peers wins. One without peers may be cut off from its cluster: it is held
 * until all others are done, and used if none of them is better (protocol/cluster.md 4.3).
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "async/tender_int.h"
#include "core/mem.h"

#define FAILURES_TO_SEED 3u /* of one node, although others answer */
#define ROUNDS_TO_SEED 8u   /* between two such rounds */

static void seed_timer_fired(tnd_timer* timer);

/* ---- the list ---- */

static bool seeds_add(tnd_tender* t, const char* name, uint16_t port)
{
    for (uint32_t i = 0; i < t->seeds_count; i++) {
        if (t->seeds[i].port == port && strcmp(t->seeds[i].name, name) == 0) {
            return true;
        }
    }
    if (t->seeds_count == TEND_SEEDS_MAX) {
        return true;
    }
    char* copy = tnd_strdup(name);
    if (!copy) {
        return false;
    }
    t->seeds[t->seeds_count++] = (tend_seed){.name = copy, .port = port, .tender = t};
    return true;
}

bool tend_seeds_init(tnd_tender* t)
{
    as_error_init(&t->seed_error);
    tnd_timer_init(&t->seed_timer, t->loop, seed_timer_fired, t);
    for (uint32_t i = 0; t->config->hosts && i < t->config->hosts->size; i++) {
        const as_host* host = as_vector_get(t->config->hosts, i);
        if (host->name && !seeds_add(t, tend_ip_map(t, host->name), host->port)) {
            return false;
        }
        if (t->config->force_single_node) {
            break;
        }
    }
    return true;
}

static void lookups_cancel(tnd_tender* t)
{
    for (uint32_t i = 0; i < t->seeds_count; i++) {
        if (t->seeds[i].is_looking) {
            tnd_resolver_cancel(t->resolver, &t->seeds[i].lookup);
            t->seeds[i].is_looking = false;
        }
    }
}

void tend_seeds_done(tnd_tender* t)
{
    tnd_timer_stop(&t->seed_timer);
    lookups_cancel(t);
    for (uint32_t i = 0; i < t->seeds_count; i++) {
        tnd_free(t->seeds[i].name);
    }
    t->seeds_count = 0;
}

void tend_seeds_learn(tnd_tender* t)
{
    if (t->config->force_single_node) {
        return;
    }
    for (uint32_t id = 1; id <= t->view->ids_count; id++) {
        const tnd_view_node* vn = tnd_view_get(t->view, id);
        if (vn->state != TND_VIEW_ACTIVE || vn->addrs_count == 0) {
            continue;
        }
        char text[TND_ADDRESS_TEXT_SIZE];
        tend_addr_text(&vn->addrs[0], text, sizeof(text));
        char* colon = strrchr(text, ':');
        char* name = text;
        if (!colon) {
            continue;
        }
        *colon = '\0';
        if (*name == '[') {
            name++;
            name[strcspn(name, "]")] = '\0';
        }
        seeds_add(t, name, vn->addrs[0].port);
    }
}

/* ---- the end of a round ---- */

/* All addresses that are still being asked are given up. */
static void round_close(tnd_tender* t, uint64_t pause_ms)
{
    lookups_cancel(t);
    for (tend_node* node = t->nodes; node; node = node->next) {
        if (node->id == 0 && !node->is_doomed) {
            tend_node_doom(node);
        }
    }
    t->is_seeding = false;
    t->attempts_count = 0;
    t->seed_due_ms = tend_now_ms(t) + pause_ms;
    tnd_timer_stop(&t->seed_timer);
}

static tend_node* held_first(const tnd_tender* t)
{
    tend_node* best = NULL;
    for (tend_node* node = t->nodes; node; node = node->next) {
        if (node->id == 0 && !node->is_doomed && node->state == TEND_HELD &&
            (!best || node->seed < best->seed)) {
            best = node;
        }
    }
    return best;
}

static void round_failed(tnd_tender* t)
{
    uint64_t pause_ms = t->interval_ms;
    if (t->is_seed_unready && pause_ms > TEND_NOT_READY_MS) {
        pause_ms = TEND_NOT_READY_MS;
    }
    round_close(t, pause_ms);
    if (tnd_view_responding_count(t->view) > 0) {
        return;
    }
    tnd_timer_start_ms(&t->seed_timer, pause_ms);
    tnd_log_limit(&t->seeds_gate, tend_now_ms(t), TEND_LOG_INTERVAL_MS, AS_LOG_LEVEL_WARN,
                  "No seed gave a usable node, %u tried; the last one: %s", t->seeds_count,
                  t->seed_error.message);
    as_error err;
    as_error_copy(&err, &t->seed_error);
    t->handler->on_no_seeds(t->udata, &err);
}

static void round_accept(tnd_tender* t, tend_node* node, tnd_slice name, const tend_reply* reply)
{
    uint32_t id = tnd_view_propose(t->view, name);
    if (id == 0) {
        tend_node_doom(node);
        round_close(t, t->interval_ms);
        return;
    }
    tend_node* old = t->by_id[id];
    if (old) {
        tend_node_doom(old);
    }
    tend_node_adopt(node, id);
    round_close(t, t->interval_ms);
    if (reply) {
        tend_node_answered(node, reply);
    } else {
        tend_node_ask(node);
    }
}

/* One address or look-up is done. */
static void attempt_over(tnd_tender* t)
{
    assert(t->attempts_count > 0);
    if (--t->attempts_count > 0 || !t->is_seeding) {
        return;
    }
    tend_node* held = tnd_view_responding_count(t->view) == 0 ? held_first(t) : NULL;
    if (!held) {
        round_failed(t);
        return;
    }
    char name[TND_VIEW_NAME_SIZE];
    snprintf(name, sizeof(name), "%s", held->held_name);
    round_accept(t, held, tnd_slice_text(name), NULL);
}

void tend_seed_failed(tend_node* node, const as_error* err, bool is_unready)
{
    tnd_tender* t = node->tender;
    const tend_seed* seed = &t->seeds[node->seed];
    bool was_held = node->state == TEND_HELD;
    as_status code = err->code;
    if (code == AEROSPIKE_ERR_ASYNC_CONNECTION || code == AEROSPIKE_ERR_TIMEOUT) {
        code = AEROSPIKE_ERR_CONNECTION;
    }
    as_error_setallv(&t->seed_error, code, __func__, __FILE__, __LINE__,
                     "Failed to connect to seed %s port %u: %.800s", seed->name, seed->port,
                     err->message);
    t->is_seed_unready |= is_unready;
    tend_node_doom(node);
    if (!was_held) {
        attempt_over(t);
    }
}

/* ---- answers ---- */

/* Does a list of peers name a node that answers us? Else it's another cluster's, or a part that has
 * split off. */
static bool is_akin(const tnd_tender* t, const tend_reply* reply)
{
    tnd_info_peers peers = reply->peers;
    tnd_info_peer peer;
    while (tnd_info_peer_next(&peers, &peer)) {
        uint32_t id = tnd_view_find(t->view, peer.node);
        if (id != 0 && tnd_view_get(t->view, id)->is_heard) {
            return true;
        }
    }
    return false;
}

static bool is_loopback(const tnd_view_addr* addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    return addr->family == AF_INET ? addr->bytes[0] == 127
                                   : memcmp(addr->bytes, loopback6, sizeof(loopback6)) == 0;
}

/* Is the seed's address one that leads to several nodes (a load balancer)? The node that answered
 * has addresses then, and this one isn't among them. A published name may stand for any address. */
static bool is_foreign(const tend_node* node, const tend_reply* reply)
{
    tnd_info_hosts hosts = reply->service;
    tnd_info_host host;
    bool has_any = false;
    while (tnd_info_host_next(&hosts, &host)) {
        char name[TND_INFO_HOST_CHARS_MAX + 1];
        tnd_view_addr addr;
        has_any = true;
        if (!tend_host_parse(node->tender, &host, name, &addr) ||
            tnd_view_addr_equals(&addr, &node->addr)) {
            return false;
        }
    }
    return has_any && !is_loopback(&node->addr);
}

/* Look for the node at its own addresses, and at the seed's only if it's at none of them. */
static void round_accept_foreign(tend_node* node, const tend_reply* reply)
{
    tnd_tender* t = node->tender;
    tnd_view_addr seed_addr = node->addr;
    uint32_t id = tnd_view_propose(t->view, reply->node);
    tnd_info_hosts hosts = reply->service;
    tnd_info_host host;
    while (id != 0 && tnd_info_host_next(&hosts, &host)) {
        char name[TND_INFO_HOST_CHARS_MAX + 1];
        tnd_view_addr addr;
        if (tend_host_parse(t, &host, name, &addr)) {
            tnd_view_offer(t->view, id, &addr);
        }
    }
    if (id != 0) {
        tnd_view_offer(t->view, id, &seed_addr);
        as_log_info("Seed %s isn't an address of node %s, which answers there: looking for it at "
                    "its own",
                    t->seeds[node->seed].name, tnd_view_get(t->view, id)->name);
    }
    t->needs_settle = true; /* makes the node's object, and has it looked at */
    tend_kick(t);
    round_close(t, t->interval_ms);
}

static void attempt_drop(tend_node* node)
{
    tnd_tender* t = node->tender;
    tend_node_doom(node);
    attempt_over(t);
}

void tend_seed_answered(tend_node* node, const tend_reply* reply)
{
    tnd_tender* t = node->tender;
    uint32_t known = tnd_view_find(t->view, reply->node);
    if (reply->partitions_generation == TND_VIEW_UNKNOWN) {
        as_error err;
        as_error_init(&err);
        as_error_setallv(&err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "node %.*s isn't ready yet: it hasn't joined its cluster",
                         (int)reply->node.size, reply->node.data);
        tend_seed_failed(node, &err, true);
    } else if (known != 0 && tnd_view_get(t->view, known)->is_heard) {
        attempt_drop(node); /* it answers anyway */
    } else if (known != 0) {
        tend_node* old = t->by_id[known];
        if (old) {
            tend_node_doom(old);
        }
        tend_node_adopt(node, known);
        tend_node_answered(node, reply);
        if (t->phase == TEND_PHASE_RUN) {
            attempt_over(t);
        }
    } else if (tnd_view_responding_count(t->view) > 0 && !is_akin(t, reply)) {
        attempt_drop(node);
    } else if (reply->peers.peers_count == 0) {
        snprintf(node->held_name, sizeof(node->held_name), "%.*s", (int)reply->node.size,
                 reply->node.data);
        node->state = TEND_HELD;
        attempt_over(t);
    } else if (!t->config->force_single_node && is_foreign(node, reply)) {
        round_accept_foreign(node, reply);
    } else {
        round_accept(t, node, reply->node, reply);
    }
}

/* ---- a round ---- */

/* Does a node that answers use this address? */
static bool is_heard_at(const tnd_tender* t, const tnd_view_addr* addr)
{
    for (uint32_t id = 1; id <= t->view->ids_count; id++) {
        const tnd_view_node* vn = tnd_view_get(t->view, id);
        if (vn->state == TND_VIEW_ACTIVE && vn->is_heard && vn->addrs_count > 0 &&
            tnd_view_addr_equals(&vn->addrs[0], addr)) {
            return true;
        }
    }
    return false;
}

static void attempt_start(tnd_tender* t, uint32_t seed, const tnd_view_addr* addr)
{
    if (t->attempts_count >= TEND_ATTEMPTS_MAX || t->phase != TEND_PHASE_RUN ||
        is_heard_at(t, addr)) {
        return;
    }
    tend_node* node = tend_node_new(t, 0);
    if (!node) {
        as_error_setallv(&t->seed_error, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "No memory to ask seed %s", t->seeds[seed].name);
        return;
    }
    node->seed = seed;
    t->attempts_count++;
    tend_node_connect(node, addr);
}

static void lookup_failed(tnd_tender* t, uint32_t seed, const char* reason)
{
    as_error_setallv(&t->seed_error, AEROSPIKE_ERR_INVALID_HOST, __func__, __FILE__, __LINE__,
                     "Failed to find the address of seed %s: %s", t->seeds[seed].name, reason);
    attempt_over(t);
}

static void on_seed_lookup(tnd_lookup* lookup)
{
    tend_seed* seed = lookup->udata;
    tnd_tender* t = seed->tender;
    uint32_t index = (uint32_t)(seed - t->seeds);
    tend_enter(t);
    seed->is_looking = false;
    if (lookup->status != 0) {
        lookup_failed(t, index, lookup->error ? lookup->error : "unknown error");
    } else {
        for (uint32_t i = 0; i < lookup->addrs_count; i++) {
            tnd_view_addr addr;
            tend_addr_from_lookup(&lookup->addrs[i], seed->port, &addr);
            attempt_start(t, index, &addr);
        }
        if (t->phase == TEND_PHASE_RUN) {
            attempt_over(t);
        }
    }
    tend_leave(t);
}

static void seed_start(tnd_tender* t, uint32_t index)
{
    tend_seed* seed = &t->seeds[index];
    tnd_view_addr addr;
    if (tend_addr_parse(seed->name, seed->port, &addr)) {
        attempt_start(t, index, &addr);
        return;
    }
    as_error err;
    as_error_init(&err);
    memset(&seed->lookup, 0, sizeof(seed->lookup));
    t->attempts_count++;
    if (tnd_resolver_start(t->resolver, &seed->lookup, seed->name, on_seed_lookup, seed, &err) ==
        AEROSPIKE_OK) {
        seed->is_looking = true;
    } else {
        lookup_failed(t, index, err.message);
    }
}

/* Each may connect to an address: all at once would hold the loop for long. */
static void seeds_start(tnd_tender* t)
{
    for (uint32_t i = 0;
         i < TEND_SEEDS_PER_TURN && t->seeds_started < t->seeds_count && t->phase == TEND_PHASE_RUN;
         i++) {
        seed_start(t, t->seeds_started++);
    }
    if (t->phase == TEND_PHASE_RUN && t->seeds_started < t->seeds_count) {
        tend_kick(t);
    } else if (t->phase == TEND_PHASE_RUN) {
        attempt_over(t);
    }
}

static void round_start(tnd_tender* t)
{
    t->is_seeding = true;
    t->is_seed_unready = false;
    t->attempts_count = 1; /* held while seeds are started: one may fail at once */
    as_error_init(&t->seed_error);
    as_error_set_message(&t->seed_error, AEROSPIKE_ERR_PARAM, "No hosts provided");
    tnd_timer_start_ms(&t->seed_timer, t->timeout_ms);
    t->seeds_started = 0;
    seeds_start(t);
}

bool tend_seeds_go_on(tnd_tender* t)
{
    bool is_due = t->is_seeding && t->seeds_started < t->seeds_count;
    if (is_due) {
        seeds_start(t);
    }
    return is_due;
}

static void lookups_expire(tnd_tender* t)
{
    for (uint32_t i = 0; i < t->seeds_count && t->is_seeding; i++) {
        if (t->seeds[i].is_looking) {
            tnd_resolver_cancel(t->resolver, &t->seeds[i].lookup);
            t->seeds[i].is_looking = false;
            lookup_failed(t, i, "no answer in time");
        }
    }
}

/* During a round: look-ups have had their time. Between rounds: the next one. */
static void seed_timer_fired(tnd_timer* timer)
{
    tnd_tender* t = timer->udata;
    tend_enter(t);
    if (t->is_seeding) {
        lookups_expire(t);
    } else {
        tend_seeds_check(t);
    }
    tend_leave(t);
}

typedef enum seed_need {
    SEED_NOT_NEEDED,
    SEED_NEEDED,   /* nobody answers */
    SEED_MAY_HELP, /* somebody goes on failing */
} seed_need;

static seed_need seeds_need(const tnd_tender* t)
{
    uint32_t failing_count = 0;
    uint32_t tended_count = 0;
    bool is_long = false;
    for (uint32_t id = 1; id <= t->view->ids_count; id++) {
        if (tnd_view_is_tended(t->view, id)) {
            const tnd_view_node* vn = tnd_view_get(t->view, id);
            tended_count++;
            failing_count += vn->failures > 0;
            is_long |= vn->failures >= FAILURES_TO_SEED;
        }
    }
    if (tended_count == failing_count) {
        return SEED_NEEDED;
    }
    return is_long ? SEED_MAY_HELP : SEED_NOT_NEEDED;
}

void tend_seeds_check(tnd_tender* t)
{
    if (t->phase != TEND_PHASE_RUN || t->is_seeding) {
        return;
    }
    uint64_t now_ms = tend_now_ms(t);
    switch (seeds_need(t)) {
    case SEED_NOT_NEEDED:
        break;
    case SEED_NEEDED:
        if (now_ms >= t->seed_due_ms) {
            round_start(t);
        }
        break;
    case SEED_MAY_HELP:
        if (now_ms >= t->seed_due_ms + ROUNDS_TO_SEED * t->interval_ms) {
            round_start(t);
        }
        break;
    }
}
