/*
 * One node under the tender's eyes.
 *
 *     IDLE -> QUEUED -> (CONNECTING ->) ASKING -> (MERGING ->) IDLE
 *                \-> RESOLVING -> CONNECTING
 *
 * A look at a node
 *   - uses the connection that is kept for it, or opens one to its first address;
 *   - asks who it is (on a new connection) and for its generations, and with them for what the view
 *     wants already; then once more for what the answer made wanted;
 *   - hands claims over to be merged, a few bitmaps per turn.
 *
 * What can go wrong, each within its own deadline
 *   - the kept connection has died: a new one, nothing is counted;
 *   - no connection, no answer, no sense in it: one failure is counted, then the other addresses
 * are tried, then its host names are looked up;
 *   - another node answers: the address is taken from this one;
 *   - it isn't ready: it's looked at again soon.
 * Looks at a node that goes on failing become rarer, until somebody asks for it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "async/tender_int.h"
#include "core/mem.h"

#define FRAME_INFO 1
#define LOOK_PAUSE_MS 100u /* between looks that a dying connection causes */

static bool is_running(const tend_node* node)
{
    return !node->is_doomed && node->tender->phase == TEND_PHASE_RUN;
}

/* ---- life ---- */

void tend_node_close(tend_node* node)
{
    tnd_timer_stop(&node->timer);
    tnd_conn_close(&node->conn);
    tnd_resolver_cancel(node->tender->resolver, &node->lookup);
}

void tend_node_free(tend_node* node)
{
    tend_node_close(node);
    for (uint32_t i = 0; i < node->hosts_count; i++) {
        tnd_free(node->hosts[i].name);
    }
    tnd_buf_done(&node->reply);
    tnd_free(node);
}

static void queue_remove(tend_queue* queue, tend_node* node)
{
    for (tend_node** at = &queue->first; *at; at = &(*at)->queue_next) {
        if (*at == node) {
            *at = node->queue_next;
            if (queue->last == &node->queue_next) {
                queue->last = at;
            }
            return;
        }
    }
}

void tend_node_doom(tend_node* node)
{
    tnd_tender* t = node->tender;
    tend_node_close(node);
    queue_remove(&t->looks, node);
    queue_remove(&t->merges, node);
    if (node->id != 0) {
        t->by_id[node->id] = NULL;
    }
    node->is_doomed = true;
    t->has_doomed = true;
    tend_round_note(node);
}

/* ---- the end of a look ---- */

void tend_node_rest(tend_node* node, uint64_t delay_ms)
{
    uint64_t now_ms = tend_now_ms(node->tender);
    node->state = TEND_IDLE;
    node->is_wanted = false;
    tend_round_note(node);
    tnd_timer_stop(&node->timer);
    if (node->is_asked) {
        uint64_t next_ms = node->look_ms + TEND_ASK_PAUSE_MS;
        delay_ms = next_ms > now_ms ? next_ms - now_ms : 1;
    }
    if (delay_ms > 0) {
        tnd_timer_start_ms(&node->timer, delay_ms);
    }
}

/* Rounds to leave a failing node alone. A node of the cluster is looked at in every round until the
 * rules may remove it. */
static uint64_t backoff_ms(const tend_node* node)
{
    const tnd_view_node* vn = tend_node_view(node);
    uint32_t free_count = vn->state == TND_VIEW_ACTIVE ? TND_VIEW_FAILURES_MAX : 1;
    uint64_t rounds = 1;
    for (uint32_t i = free_count; i < vn->failures && rounds < TEND_BACKOFF_MAX; i++) {
        rounds *= 2;
    }
    if (rounds == 1) {
        return 0;
    }
    uint64_t ms = rounds * node->tender->interval_ms;
    return ms * 3 / 4 + tnd_loop_random(node->tender->loop) % (ms / 4 + 1);
}

static void node_look_failed(tend_node* node)
{
    node->due_ms = node->look_ms + backoff_ms(node);
    tend_node_rest(node, 0);
}

/* ---- failures ---- */

static void log_down(tend_node* node, const as_error* err)
{
    tnd_tender* t = node->tender;
    const tnd_view_node* vn = tend_node_view(node);
    tnd_log_limit(&node->gate, tend_now_ms(t), TEND_LOG_INTERVAL_MS, AS_LOG_LEVEL_WARN,
                  "Node %s doesn't answer (%u in a row): %s", vn->name, vn->failures, err->message);
    node->was_down = true;
}

/* A node has begun to fail, or commands go on failing there: the others may know by now who has its
 * partitions. They are asked without waiting for the round, but not for ever. */
static void look_at_others(const tend_node* failing)
{
    tnd_tender* t = failing->tender;
    uint32_t failures = tend_node_view(failing)->failures;
    uint64_t now_ms = tend_now_ms(t);
    bool is_news = failures == 1 || (failing->is_wanted && failures <= TND_VIEW_FAILURES_MAX);
    if (!is_news || now_ms - t->others_ms < TEND_OTHERS_PAUSE_MS) {
        return;
    }
    t->others_ms = now_ms;
    for (tend_node* node = t->nodes; node; node = node->next) {
        if (node != failing && !node->is_doomed && node->id != 0 && node->state == TEND_IDLE &&
            now_ms >= node->due_ms) {
            tend_node_look(node);
        }
    }
}

/* Looks that were asked for may follow each other within milliseconds. The rules of removal count
 * rounds: failures in a row add up once per interval. */
static void node_count_failure(tend_node* node)
{
    tnd_tender* t = node->tender;
    node->is_failed = true;
    if (tend_node_view(node)->failures == 0 ||
        node->look_ms - node->counted_ms >= t->interval_ms * 3 / 4) {
        node->counted_ms = node->look_ms;
        tnd_view_fail(t->view, node->id);
    }
    look_at_others(node);
    t->needs_settle = true;
    tend_kick(t);
}

/* The present attempt is over; go on with the next address. */
void tend_node_attempt_failed(tend_node* node, const as_error* err, bool is_counted)
{
    bool was_kept = !node->is_fresh && !is_counted;
    tend_node_close(node);
    if (node->id == 0) {
        tend_seed_failed(node, err, false);
        return;
    }
    if (was_kept) {
        tend_node_next_address(node);
        return;
    }
    if (!node->is_failed) {
        node_count_failure(node);
        log_down(node, err);
    }
    tend_node_next_address(node);
}

static void node_timed_out(tend_node* node)
{
    char text[TND_ADDRESS_TEXT_SIZE];
    as_error err;
    tend_addr_text(&node->addr, text, sizeof(text));
    as_error_init(&err);
    as_error_setallv(&err, AEROSPIKE_ERR_TIMEOUT, __func__, __FILE__, __LINE__,
                     "%s within %u ms from %s",
                     node->state == TEND_CONNECTING ? "no connection" : "no answer",
                     (unsigned)node->tender->timeout_ms, text);
    tend_node_attempt_failed(node, &err, true);
}

/* ---- asking ---- */

static unsigned node_asks(const tend_node* node)
{
    unsigned asks = TEND_ASK_POLL;
    if (!node->is_admitted) {
        asks |= TEND_ASK_IDENTITY | TEND_ASK_PEERS;
    }
    if (node->id == 0) {
        return asks | TEND_ASK_SERVICE;
    }
    unsigned wants = tnd_view_wants(node->tender->view, node->id);
    asks |= wants & TND_VIEW_WANT_PEERS ? TEND_ASK_PEERS : 0u;
    asks |= wants & TND_VIEW_WANT_PARTITIONS && node->is_admitted ? TEND_ASK_MAP : 0u;
    asks |= wants & TND_VIEW_WANT_RACKS && node->is_admitted ? TEND_ASK_RACKS : 0u;
    if (!node->is_agent_sent && tnd_info_build_has_user_agent(tend_node_view(node)->build)) {
        asks |= TEND_ASK_AGENT;
    }
    return asks;
}

void tend_node_ask(tend_node* node)
{
    tnd_buf request;
    tnd_buf_init(&request, 1024);
    node->asked = node_asks(node);
    node->is_agent_sent |= (node->asked & TEND_ASK_AGENT) != 0;
    node->state = TEND_ASKING;
    if (node->requests_count++ > 0 || !node->is_fresh) {
        tnd_timer_start_ms(&node->timer, node->tender->timeout_ms); /* else it runs since connect */
    }
    tend_request(node->tender, node->asked, &request);
    if (tnd_buf_is_ok(&request)) {
        tnd_conn_send(&node->conn, request.data, request.size);
    } else {
        tend_lacks_memory(node->tender, "no memory for a request");
    }
    tnd_buf_done(&request);
}

/* An answer was dealt with: ask for what is wanted now, or rest. */
void tend_node_go_on(tend_node* node)
{
    bool is_open = node->conn.state == TND_CONN_RUNNING;
    if (is_open && node->requests_count < TEND_FOLLOW_UPS_MAX &&
        tnd_view_wants(node->tender->view, node->id) != 0) {
        tend_node_ask(node);
        return;
    }
    node->due_ms = 0;
    tend_node_rest(node, tend_node_view(node)->is_ready ? 0 : TEND_NOT_READY_MS);
}

/* ---- connection ---- */

static void on_conn_open(tnd_conn* conn)
{
    tend_node* node = conn->udata;
    tnd_tender* t = node->tender;
    tend_enter(t);
    tend_node_ask(node);
    tend_leave(t);
}

static void node_frame(tend_node* node, uint8_t type, tnd_slice body)
{
    tend_reply reply;
    as_error err;
    as_error_init(&err);
    if (node->state != TEND_ASKING || type != FRAME_INFO) {
        as_error_setallv(&err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                         "a frame of type %u that nobody asked for from %s", type,
                         node->conn.address);
        if (node->state == TEND_ASKING || node->id == 0) {
            tend_node_attempt_failed(node, &err, true);
        } else {
            as_log_warn("Node %s: %s", tend_node_view(node)->name, err.message);
            tnd_conn_close(&node->conn);
        }
        return;
    }
    tnd_timer_stop(&node->timer);
    if (tend_reply_read(node->tender, node->asked, body, &reply, &err) != AEROSPIKE_OK) {
        char text[sizeof(err.message)];
        snprintf(text, sizeof(text), "%s: %.900s", node->conn.address, err.message);
        as_error_set_message(&err, AEROSPIKE_ERR_CLIENT, text);
        tend_node_attempt_failed(node, &err, true);
    } else if (node->id == 0) {
        tend_seed_answered(node, &reply);
    } else {
        tend_node_answered(node, &reply);
    }
}

static void on_conn_frame(tnd_conn* conn, uint8_t type, const uint8_t* body, size_t size)
{
    tend_node* node = conn->udata;
    tnd_tender* t = node->tender;
    tend_enter(t);
    node_frame(node, type, tnd_slice_of(body, size));
    tend_leave(t);
}

/* The kept connection ends while nothing is asked: the node may have died. */
static void node_look_after_end(tend_node* node)
{
    uint64_t since_ms = tend_now_ms(node->tender) - node->look_ms;
    if (node->state != TEND_IDLE) {
        return; /* a look is under way that will find it closed */
    }
    if (since_ms >= LOOK_PAUSE_MS) {
        tend_node_look(node);
    } else {
        tnd_timer_start_ms(&node->timer, LOOK_PAUSE_MS - since_ms);
    }
}

static void on_conn_fail(tnd_conn* conn, as_error* err)
{
    tend_node* node = conn->udata;
    tnd_tender* t = node->tender;
    tend_enter(t);
    node->is_admitted = false;
    if (node->state == TEND_CONNECTING || node->state == TEND_ASKING || node->id == 0) {
        tend_node_attempt_failed(node, err, false);
    } else {
        node_look_after_end(node);
    }
    tend_leave(t);
}

static const tnd_conn_handler conn_handler = {
    .on_open = on_conn_open,
    .on_frame = on_conn_frame,
    .on_fail = on_conn_fail,
};

void tend_node_connect(tend_node* node, const tnd_view_addr* addr)
{
    tnd_tender* t = node->tender;
    struct sockaddr_storage to;
    tnd_lookup_addr from = {.family = addr->family};
    memcpy(from.bytes, addr->bytes, sizeof(from.bytes));
    socklen_t size = tnd_address_to_sockaddr(&from, addr->port, &to);
    as_error err;
    as_error_init(&err);
    tnd_conn_close(&node->conn);
    node->addr = *addr;
    node->is_fresh = true;
    node->is_admitted = false;
    node->is_agent_sent = false;
    node->state = TEND_CONNECTING;
    if (tnd_conn_open(&node->conn, t->loop, (struct sockaddr*)&to, size, TEND_REPLY_BYTES_MAX,
                      &conn_handler, node, &err) == AEROSPIKE_OK) {
        tnd_timer_start_ms(&node->timer, t->timeout_ms);
        return;
    }
    int error = node->conn.error;
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
        tend_exhausted(t, &err);
    } else {
        tend_node_attempt_failed(node, &err, true);
    }
}

/* ---- host names ---- */

static void on_lookup(tnd_lookup* lookup);

/* Look up the next host name, or go on with the addresses that came of them. */
static void node_resolve(tend_node* node)
{
    tnd_tender* t = node->tender;
    as_error err;
    while (node->host_next < node->hosts_count) {
        as_error_init(&err);
        const char* name = node->hosts[node->host_next++].name;
        memset(&node->lookup, 0, sizeof(node->lookup));
        if (tnd_resolver_start(t->resolver, &node->lookup, name, on_lookup, node, &err) ==
            AEROSPIKE_OK) {
            node->state = TEND_RESOLVING;
            tnd_timer_start_ms(&node->timer, t->timeout_ms);
            return;
        }
        log_down(node, &err);
    }
    /* The validated address of a node has been tried; those found now stand behind it. */
    node->addr_next = tend_node_view(node)->state == TND_VIEW_CANDIDATE ? 0 : 1;
    tend_node_next_address(node);
}

static void node_resolve_failed(tend_node* node, const char* reason)
{
    tnd_log_limit(&node->gate, tend_now_ms(node->tender), TEND_LOG_INTERVAL_MS, AS_LOG_LEVEL_WARN,
                  "Address of node %s can't be found: %s: %s", tend_node_view(node)->name,
                  node->hosts[node->host_next - 1].name, reason);
    node_resolve(node);
}

static void on_lookup(tnd_lookup* lookup)
{
    tend_node* node = lookup->udata;
    tnd_tender* t = node->tender;
    tend_enter(t);
    tnd_timer_stop(&node->timer);
    if (lookup->status != 0) {
        node_resolve_failed(node, lookup->error ? lookup->error : "unknown error");
    } else {
        for (uint32_t i = 0; i < lookup->addrs_count; i++) {
            tnd_view_addr addr;
            tend_addr_from_lookup(&lookup->addrs[i], node->hosts[node->host_next - 1].port, &addr);
            tnd_view_offer(t->view, node->id, &addr);
        }
        node_resolve(node);
    }
    tend_leave(t);
}

bool tend_node_add_host(tend_node* node, const char* name, uint16_t port)
{
    for (uint32_t i = 0; i < node->hosts_count; i++) {
        if (node->hosts[i].port == port && strcmp(node->hosts[i].name, name) == 0) {
            return true;
        }
    }
    if (node->hosts_count == TND_VIEW_ADDRS_MAX) {
        return true;
    }
    char* copy = tnd_strdup(name);
    if (copy) {
        node->hosts[node->hosts_count++] = (tend_host){.name = copy, .port = port};
    }
    return copy != NULL;
}

/* ---- a look ---- */

void tend_node_next_address(tend_node* node)
{
    const tnd_view_node* vn = tend_node_view(node);
    if (!is_running(node)) {
        return;
    }
    if (node->addr_next < vn->addrs_count) {
        tnd_view_addr addr = vn->addrs[node->addr_next++];
        tend_node_connect(node, &addr);
    } else if (!node->is_resolved && node->hosts_count > 0) {
        node->is_resolved = true;
        node->host_next = 0;
        node_resolve(node);
    } else {
        if (!node->is_failed) {
            node_count_failure(node);
        }
        node_look_failed(node);
    }
}

static void on_node_timer(tnd_timer* timer)
{
    tend_node* node = timer->udata;
    tnd_tender* t = node->tender;
    tend_enter(t);
    switch (node->state) {
    case TEND_IDLE:
        tend_node_look(node);
        break;
    case TEND_RESOLVING:
        tnd_resolver_cancel(t->resolver, &node->lookup);
        node_resolve_failed(node, "no answer in time");
        break;
    case TEND_CONNECTING:
    case TEND_ASKING:
        node_timed_out(node);
        break;
    case TEND_QUEUED:
    case TEND_MERGING:
    case TEND_HELD:
        break;
    }
    tend_leave(t);
}

tend_node* tend_node_new(tnd_tender* t, uint32_t id)
{
    tend_node* node = tnd_calloc(1, sizeof(*node));
    if (!node) {
        return NULL;
    }
    node->tender = t;
    node->id = id;
    tnd_buf_init(&node->reply, TEND_REPLY_BYTES_MAX);
    tnd_timer_init(&node->timer, t->loop, on_node_timer, node);
    node->next = t->nodes;
    t->nodes = node;
    if (id != 0) {
        t->by_id[id] = node;
    }
    return node;
}

void tend_node_look(tend_node* node)
{
    if (node->is_doomed || node->id == 0) {
        return;
    }
    if (node->state != TEND_IDLE) {
        node->is_asked |= node->state != TEND_QUEUED;
        return;
    }
    node->state = TEND_QUEUED;
    tnd_timer_stop(&node->timer);
    tend_queue_push(&node->tender->looks, node);
    tend_kick(node->tender);
}

void tend_node_start(tend_node* node)
{
    node->look_ms = tend_now_ms(node->tender);
    node->addr_next = 0;
    node->requests_count = 0;
    node->is_failed = false;
    node->is_resolved = false;
    node->is_asked = false;
    node->is_fresh = false;
    if (node->conn.state == TND_CONN_RUNNING) {
        tend_node_ask(node);
    } else {
        tend_node_next_address(node);
    }
}
