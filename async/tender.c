/*
 * The tender's life: phases, rounds, and one queue of work that is cut into turns.
 *
 *     RESTAMP -> INHERIT -> RUN -> STOPPED
 *
 * Happy path: what a predecessor published is stamped and taken over, its nodes are asked (or the
 * seeds, if there are none); from then on every round asks every node that isn't being asked
 * already. All nodes are asked at once, each within its own deadline, so none waits for another.
 * Ends: a store finds a higher term (on_fenced); descriptors, memory or arenas run out
 * (on_exhausted); the worker stops it. Each leads to STOPPED at once.
 *
 * A turn of work is a handful of looks, or bitmaps, or some thousand words: well under a
 * millisecond.
 */
#include "async/tender.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "async/tender_int.h"
#include "core/mem.h"
#include "shm/stats.h"

#define TENDRIL_VERSION_TEXT "0.1.0"

/* ---- callbacks: pinned, measured ---- */

static uint64_t cpu_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void tend_enter(tnd_tender* t)
{
    if (t->pins++ == 0 && t->is_measured) {
        t->cpu_us = cpu_now_us();
    }
}

static void free_doomed(tnd_tender* t)
{
    for (tend_node** at = &t->nodes; *at;) {
        tend_node* node = *at;
        if (node->is_doomed) {
            *at = node->next;
            tend_node_free(node);
        } else {
            at = &node->next;
        }
    }
    t->has_doomed = false;
}

static void tender_free(tnd_tender* t)
{
    while (t->nodes) {
        tend_node* next = t->nodes->next;
        tend_node_free(t->nodes);
        t->nodes = next;
    }
    tend_seeds_done(t);
    tnd_view_free(t->view);
    tnd_free(t->records);
    tnd_free(t->ns_records);
    tnd_free(t);
}

void tend_leave(tnd_tender* t)
{
    if (t->pins > 1) {
        t->pins--;
        return;
    }
    if (t->has_doomed) {
        free_doomed(t);
    }
    if (t->is_measured) {
        uint64_t us = cpu_now_us() - t->cpu_us;
        t->stats.callback_max_us = us > t->stats.callback_max_us ? us : t->stats.callback_max_us;
    }
    t->pins = 0;
    if (t->is_released) {
        tender_free(t);
    }
}

/* ---- the end ---- */

/* Nothing runs afterwards; memory stays until the last callback has returned. */
static void halt(tnd_tender* t)
{
    t->phase = TEND_PHASE_STOPPED;
    tnd_task_cancel(&t->work);
    tnd_timer_stop(&t->round);
    tnd_timer_stop(&t->seed_timer);
    for (uint32_t i = 0; i < t->seeds_count; i++) {
        tnd_resolver_cancel(t->resolver, &t->seeds[i].lookup);
        t->seeds[i].is_looking = false;
    }
    t->is_seeding = false;
    for (tend_node* node = t->nodes; node; node = node->next) {
        tend_node_doom(node);
    }
}

void tend_fenced(tnd_tender* t)
{
    if (t->phase != TEND_PHASE_STOPPED) {
        halt(t);
        t->handler->on_fenced(t->udata);
    }
}

void tend_exhausted(tnd_tender* t, as_error* err)
{
    if (t->phase != TEND_PHASE_STOPPED) {
        halt(t);
        as_log_warn("The cluster can't be tended any more: %s", err->message);
        t->handler->on_exhausted(t->udata, err);
    }
}

void tend_lacks_memory(tnd_tender* t, const char* text)
{
    as_error err;
    as_error_set_message(as_error_init(&err), AEROSPIKE_ERR_CLIENT, text);
    tend_exhausted(t, &err);
}

/* ---- work ---- */

void tend_kick(tnd_tender* t)
{
    if (t->phase != TEND_PHASE_STOPPED) {
        tnd_task_soon(&t->work);
    }
}

void tend_queue_push(tend_queue* queue, tend_node* node)
{
    node->queue_next = NULL;
    *queue->last = node;
    queue->last = &node->queue_next;
}

static tend_node* queue_pop(tend_queue* queue)
{
    tend_node* node = queue->first;
    if (node) {
        queue->first = node->queue_next;
        if (!queue->first) {
            queue->last = &queue->first;
        }
    }
    return node;
}

static void log_capacity(tnd_tender* t)
{
    const tnd_view* view = t->view;
    uint32_t namespaces_needed = view->namespaces_count + view->surplus_count;
    if (view->active_count > view->nodes_capacity && view->active_count > t->nodes_needed_told) {
        t->nodes_needed_told = view->active_count;
        as_log_error("The cluster has %u nodes, but the map has room for %u: set shm_max_nodes to "
                     "%u or more (with a new shm_key); partitions of the others can't be reached",
                     view->active_count, view->nodes_capacity, view->active_count);
    }
    if (view->surplus_count > 0 && namespaces_needed > t->namespaces_needed_told) {
        t->namespaces_needed_told = namespaces_needed;
        as_log_error("The cluster has %u namespaces, but the map has room for %u: set "
                     "shm_max_namespaces to %u or more (with a new shm_key); \"%s\" can't be "
                     "reached",
                     namespaces_needed, view->namespaces_capacity, namespaces_needed,
                     view->surplus[view->surplus_count - 1]);
    }
}

static void drop(tnd_tender* t, uint32_t id)
{
    const tnd_view_node* vn = tnd_view_get(t->view, id);
    char text[TND_ADDRESS_TEXT_SIZE] = "no address";
    if (vn->addrs_count > 0) {
        tend_addr_text(&vn->addrs[0], text, sizeof(text));
    }
    if (vn->state == TND_VIEW_LEAVING) {
        as_log_info("Node %s removed: %s, %u failures in a row", vn->name, text, vn->failures);
    } else {
        as_log_info("Node %s forgotten: %s, no node lists it any more", vn->name, text);
    }
    if (t->by_id[id]) {
        tend_node_doom(t->by_id[id]);
    }
}

/* What observations lead to. */
static void settle(tnd_tender* t)
{
    uint32_t id;
    t->needs_settle = false;
    for (uint32_t i = 0; (id = tnd_view_settle(t->view, tend_now_ms(t))) != 0; i++) {
        drop(t, id);
        if (i == TEND_REMOVALS_PER_TURN) {
            t->needs_settle = true;
            return;
        }
    }
    for (id = 1; id <= t->view->ids_count; id++) {
        tend_node* node = t->by_id[id];
        if (!node && tnd_view_is_tended(t->view, id) && (node = tend_node_new(t, id)) != NULL) {
            tend_node_look(node); /* there was no memory for it before */
        } else if (node && node->state == TEND_IDLE && !tnd_view_get(t->view, id)->is_fetched &&
                   (tnd_view_wants(t->view, id) & TND_VIEW_WANT_PARTITIONS)) {
            tend_node_look(node); /* its claims didn't count when it was asked, and do now */
        }
    }
    log_capacity(t);
    tend_seeds_check(t);
}

static void enter_run(tnd_tender* t)
{
    t->round_ms = tend_now_ms(t) + t->interval_ms;
    tnd_timer_start_ms(&t->round, t->interval_ms);
    for (uint32_t id = 1; id <= t->view->ids_count; id++) {
        if (!tnd_view_is_tended(t->view, id)) {
            continue;
        }
        tend_node* node = tend_node_new(t, id);
        if (node) {
            tend_node_look(node);
        }
    }
    tend_seeds_check(t);
}

static void start_looks(tnd_tender* t)
{
    for (uint32_t i = 0; i < TEND_LOOKS_PER_TURN && t->looks.first; i++) {
        tend_node_start(queue_pop(&t->looks));
    }
}

/* One turn. True if there is more to do. */
static bool work_turn(tnd_tender* t)
{
    if (t->phase < TEND_PHASE_RUN) {
        tend_inherit(t);
        if (t->phase == TEND_PHASE_RUN) {
            enter_run(t);
        }
        return true;
    }
    if (tend_seeds_go_on(t)) {
        return true;
    }
    if (t->looks.first) {
        start_looks(t);
        return true;
    }
    if (t->merges.first) {
        tend_merge(t);
        return true;
    }
    if (t->needs_settle) {
        settle(t);
        return true;
    }
    return tend_publish(t);
}

static void on_work(tnd_task* task)
{
    tnd_tender* t = task->udata;
    tend_enter(t);
    if (work_turn(t)) {
        tend_kick(t);
    }
    tend_leave(t);
}

/* ---- rounds ---- */

static void round_end(tnd_tender* t)
{
    uint64_t us = tnd_loop_now_us(t->loop) - t->round_start_us;
    tnd_stats_tend(t->member->stats, t->is_round_heard, us);
    t->stats.round_us = us;
    t->stats.round_max_us = us > t->stats.round_max_us ? us : t->stats.round_max_us;
    t->round_start_us = 0;
}

/* One that is still going on, for a node that hangs, ends here. */
static void round_begin(tnd_tender* t)
{
    if (t->round_start_us != 0) {
        round_end(t);
    }
    for (tend_node* node = t->nodes; node; node = node->next) {
        node->is_of_round = false;
    }
    t->round_start_us = tnd_loop_now_us(t->loop);
    t->round_looks = 0;
    t->is_round_heard = false;
}

void tend_round_note(tend_node* node)
{
    tnd_tender* t = node->tender;
    if (node->is_of_round) {
        node->is_of_round = false;
        if (--t->round_looks == 0 && t->phase == TEND_PHASE_RUN) {
            round_end(t);
        }
    }
}

void tend_heard(tnd_tender* t)
{
    t->is_round_heard = true;
    tnd_stats_set(t->member->stats, TND_GAUGE(heard_ms), tend_now_ms(t));
}

static void round_arm(tnd_tender* t)
{
    uint64_t now_ms = tend_now_ms(t);
    t->round_ms += t->interval_ms;
    if (t->round_ms <= now_ms) {
        t->round_ms = now_ms + t->interval_ms; /* we were stopped: rounds aren't made up for */
    }
    tnd_timer_start_ms(&t->round, t->round_ms - now_ms);
}

static void on_round(tnd_timer* timer)
{
    tnd_tender* t = timer->udata;
    tend_enter(t);
    uint64_t soon_ms = tend_now_ms(t) + t->interval_ms / 4;
    t->stats.tends++;
    round_arm(t);
    round_begin(t);
    for (tend_node* node = t->nodes; node; node = node->next) {
        if (!node->is_doomed && node->id != 0 && node->state == TEND_IDLE &&
            soon_ms >= node->due_ms) {
            tend_node_look(node);
            node->is_of_round = true;
            t->round_looks++;
        }
    }
    t->needs_settle = true; /* quarantines end */
    tend_kick(t);
    tend_leave(t);
}

/* ---- entries ---- */

static bool tender_init(tnd_tender* t)
{
    const tnd_map* map = t->member->map;
    const char* app_id =
        t->config->app_id && t->config->app_id[0] ? t->config->app_id : t->config->user;
    t->view = tnd_view_new(map->nodes_capacity, map->namespaces_capacity);
    t->records = tnd_calloc(map->nodes_capacity + 1, sizeof(*t->records));
    t->ns_records = tnd_calloc(map->namespaces_capacity, sizeof(*t->ns_records));
    t->looks.last = &t->looks.first;
    t->merges.last = &t->merges.first;
    t->interval_ms = t->config->tender_interval ? t->config->tender_interval : 1000;
    t->timeout_ms = t->config->conn_timeout_ms ? t->config->conn_timeout_ms : TEND_TIMEOUT_MS;
    tnd_info_user_agent(TENDRIL_VERSION_TEXT, tnd_slice_text(app_id), t->agent);
    tnd_task_init(&t->work, t->loop, on_work, t);
    tnd_timer_init(&t->round, t->loop, on_round, t);
    return tend_seeds_init(t) && t->view && t->records && t->ns_records;
}

tnd_tender* tnd_tender_start(tnd_loop* loop, const as_config* config, tnd_member* member,
                             tnd_resolver* resolver, const tnd_tender_handler* handler, void* udata)
{
    assert(member->term != 0);
    tnd_tender* t = tnd_calloc(1, sizeof(*t));
    if (!t) {
        return NULL;
    }
    t->loop = loop;
    t->config = config;
    t->member = member;
    t->resolver = resolver;
    t->handler = handler;
    t->udata = udata;
    if (!tender_init(t)) {
        tender_free(t);
        return NULL;
    }
    tnd_task_soon(&t->work);
    return t;
}

static void ask_node(tnd_tender* t, tend_node* node)
{
    if (node->is_doomed || node->id == 0) {
        return;
    }
    node->is_wanted = true;
    uint64_t since_ms = tend_now_ms(t) - node->look_ms;
    if (node->state == TEND_IDLE && since_ms < TEND_ASK_PAUSE_MS) {
        tnd_timer_start_ms(&node->timer, TEND_ASK_PAUSE_MS - since_ms);
    } else {
        tend_node_look(node);
    }
}

void tnd_tender_ask(tnd_tender* t, const uint64_t bits[(TND_NODES_MAX + 1) / 64])
{
    if (t->phase != TEND_PHASE_RUN) {
        return; /* everything will be asked in a moment */
    }
    if (bits[0] & 1) {
        for (tend_node* node = t->nodes; node; node = node->next) {
            ask_node(t, node);
        }
        tend_kick(t);
        return;
    }
    for (uint32_t i = 1; i <= t->view->slots_count; i++) {
        const tnd_view_slot* slot = &t->view->slots[i];
        if (bits[i / 64] >> (i % 64) & 1 && slot->state == TND_VIEW_SLOT_HELD &&
            t->by_id[slot->id]) {
            ask_node(t, t->by_id[slot->id]);
        }
    }
}

const tnd_tender_stats* tnd_tender_get_stats(const tnd_tender* t)
{
    return &t->stats;
}

void tnd_tender_measure(tnd_tender* t, bool is_measured)
{
    t->is_measured = is_measured && t->pins == 0;
}

void tnd_tender_stop(tnd_tender* t)
{
    if (!t || t->is_released) {
        return;
    }
    t->is_released = true;
    if (t->phase != TEND_PHASE_STOPPED) {
        halt(t);
    }
    if (t->pins == 0) {
        tender_free(t);
    }
}
