/*
 * A worker's role on its host.
 *
 *     STARTING -> FOLLOWING <-> OWNING
 *                     |  ^         |
 *                     v  |         v
 *                    PAUSED  (the loop doesn't turn)
 *
 * Happy path: open the map, join, look who owns; link to the owner and follow, or take the vacant
 * role and run the tender.
 *
 * Failure modes, and where each ends
 *   - the owner dies: its socket closes; look, prove the death, take over.
 *   - the owner stops or hangs: its heartbeat expires; take over. It finds its term outdated.
 *   - we were stopped: our own heartbeat has expired; step down before anything else, then look.
 *   - fenced while storing: step down, then look.
 *   - out of descriptors: step down, draw back for a while.
 *   - no seed answers: say so in the segment, for whoever waits for a first map; go on trying.
 *   - a map that nobody has looked after: take the role, check it; ready then. As long as no node
 *     answers it isn't.
 *   - the segment is removed: open the one that has the key now; route by the old one until that
 *     has a map.
 *   - no slot: follow only, until one is free. Read-only: follow only.
 */
#include "async/worker.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <aerospike/as_log_macros.h>

#include "async/wake.h"
#include "core/log.h"
#include "core/mem.h"

#define WORKER_TICK_MAX_MS 1000 /* how often a follower looks by itself */
#define WORKER_TICK_MIN_MS 100
#define WORKER_RELINK_MIN_MS 5 /* jittered pause before a broken link is tried again */
#define WORKER_RELINK_MAX_MS 500
#define WORKER_BARRED_MS 5000        /* out of the election after running out of descriptors */
#define WORKER_BARRED_VACANT_MS 1000 /* the same, where nobody else does it */
#define WORKER_VACANT_MS 1000    /* a draining worker stands in where nobody else takes the role */
#define WORKER_STAND_IN_MS 10000 /* and then lets the others try again */
#define WORKER_JOIN_TRIES 8
#define WORKER_LOG_INTERVAL_MS 30000

#define WORKER_PRIVATE_NODES 255 /* without use_shm: memory is only touched when used */
#define WORKER_PRIVATE_NAMESPACES TND_NAMESPACES_MAX

typedef enum worker_role {
    WORKER_STARTING, /* no turn of the loop yet */
    WORKER_FOLLOWING,
    WORKER_OWNING,
    WORKER_PAUSED, /* the loop doesn't turn: neither owner nor candidate */
} worker_role;

/* A map with our membership in it. */
typedef struct worker_seat {
    tnd_map map;
    tnd_member member;
    tnd_join join;
    bool is_marked; /* as drawing back */
    bool is_ready;  /* has a map that was looked after when we came, or since; stays so */
} worker_seat;

struct tnd_worker {
    tnd_loop* loop;
    tnd_worker_config config;
    worker_role role;
    worker_seat* seat; /* where we are a member */
    worker_seat* old;  /* what we route by while `seat` has no map yet; NULL = `seat` */
    tnd_resolver* resolver;
    tnd_wake* wake;
    tnd_tender* tender;
    tnd_timer tick;
    tnd_timer relink;
    tnd_task look;
    uint64_t threshold_ms;
    uint64_t tick_ms;
    uint64_t beat_ms;   /* our last heartbeat as the owner */
    uint64_t barred_ms; /* since when, while is_barred */
    bool has_checked;   /* as the owner: the map is our own, or inherited and checked */
    uint64_t relink_ms;
    uint64_t dir_version; /* last told by on_map */
    bool is_ready_told;
    uint64_t vacant_since_ms; /* nobody has owned since, as far as we saw; 0 = somebody does */
    bool is_draining;
    uint64_t stand_in_until_ms; /* owns although it drains: those that should have didn't */
    bool is_barred;             /* from owning, after resources ran out */
    bool is_stopped;
    uint32_t pins; /* callbacks of ours that are running: the struct outlives them */
    tnd_log_gate gate;
    tnd_stats stats;
};

static uint64_t worker_now_ms(tnd_worker* worker)
{
    return tnd_loop_now_ms(worker->loop);
}

/* A handler may stop the worker: everything closes at once, the memory goes when the last callback
 * of ours has returned. */
static void worker_pin(tnd_worker* worker)
{
    worker->pins++;
}

static void worker_free(tnd_worker* worker)
{
    tnd_stats_done(&worker->stats);
    tnd_free(worker);
}

static void worker_unpin(tnd_worker* worker)
{
    if (--worker->pins == 0 && worker->is_stopped) {
        worker_free(worker);
    }
}

/* ---- seat: the map and our place in it ------------------------------------------------------ */

/* Two translations of addresses are two views of the cluster. */
static uint32_t ip_map_hash(const as_config* config)
{
    uint32_t hash = 0x811c9dc5; /* FNV-1a */
    for (uint32_t i = 0; config->ip_map && i < config->ip_map_size; i++) {
        const char* texts[] = {config->ip_map[i].orig, config->ip_map[i].alt};
        for (size_t t = 0; t < 2; t++) {
            for (const char* c = texts[t];; c++) {
                hash = (hash ^ (uint8_t)*c) * 0x01000193;
                if (*c == '\0') {
                    break;
                }
            }
        }
    }
    return hash;
}

static void identity_text(const as_config* config, char* ret_text, size_t size)
{
    char map[16] = "none";
    if (config->ip_map && config->ip_map_size > 0) {
        snprintf(map, sizeof(map), "%08x", ip_map_hash(config));
    }
    snprintf(ret_text, size, "cluster_name=%s use_services_alternate=%d tls=%d ip_map=%s",
             config->cluster_name ? config->cluster_name : "", config->use_services_alternate,
             config->tls.enable, map);
}

static as_status seat_open_map(tnd_worker* worker, tnd_map* map, as_error* err)
{
    const as_config* config = worker->config.config;
    char identity[TND_IDENTITY_WORDS * 8];
    identity_text(config, identity, sizeof(identity));
    tnd_map_config map_config = {
        .use_shm = config->use_shm,
        .key = config->shm_key,
        .mode = config->shm_mode,
        .nodes_capacity = config->use_shm ? config->shm_max_nodes : WORKER_PRIVATE_NODES,
        .namespaces_capacity =
            config->use_shm ? config->shm_max_namespaces : WORKER_PRIVATE_NAMESPACES,
        .workers_capacity = config->use_shm ? TND_WORKERS_DEFAULT : 1,
        .identity = identity,
        .nonce = tnd_loop_random(worker->loop),
        .unix_now = worker->loop->ops->unix_now(worker->loop),
        .sys = worker->config.sys,
    };
    return tnd_map_open(map, &map_config, err);
}

static void seat_free(worker_seat* seat, bool may_remove)
{
    if (seat) {
        tnd_member_leave(&seat->member, may_remove);
        tnd_map_close(&seat->map);
        tnd_free(seat);
    }
}

static tnd_join seat_join(tnd_worker* worker, worker_seat* seat)
{
    return tnd_member_join(&seat->member, &seat->map, (uint32_t)tnd_loop_random(worker->loop),
                           worker->config.pid, worker->config.uid, worker_now_ms(worker),
                           worker->loop->ops->unix_now(worker->loop));
}

/* Open the map and join it; a segment that is being removed is left for its successor. */
static worker_seat* seat_new(tnd_worker* worker, as_error* err)
{
    worker_seat* seat = tnd_calloc(1, sizeof(*seat));
    if (!seat) {
        as_error_update(err, AEROSPIKE_ERR_CLIENT, "No memory for a worker");
        return NULL;
    }
    for (int i = 0; i < WORKER_JOIN_TRIES; i++) {
        if (seat_open_map(worker, &seat->map, err) != AEROSPIKE_OK) {
            tnd_free(seat);
            return NULL;
        }
        seat->join = seat_join(worker, seat);
        if (seat->join != TND_JOIN_RETIRED) {
            return seat;
        }
        tnd_map_close(&seat->map);
    }
    tnd_free(seat);
    as_error_update(err, AEROSPIKE_ERR_CLIENT,
                    "Shared memory segment with key 0x%08x was removed %d times while joining it",
                    (unsigned)worker->config.config->shm_key, WORKER_JOIN_TRIES);
    return NULL;
}

/* What concerns the whole host is logged by one of its workers. */
static bool worker_is_teller(tnd_worker* worker, tnd_fact fact)
{
    return tnd_fact_claim(&worker->seat->map, fact, worker_now_ms(worker), WORKER_LOG_INTERVAL_MS);
}

static void seat_explain(tnd_worker* worker)
{
    if (worker->seat->join == TND_JOIN_READ_ONLY) {
        as_log_info("Shared memory segment 0x%08x may only be read: this process routes by it but "
                    "can't tend",
                    (unsigned)worker->seat->map.key);
    } else if (worker->seat->join == TND_JOIN_FULL && worker_is_teller(worker, TND_FACT_NO_SLOT)) {
        as_log_warn("No worker slot of shared memory segment 0x%08x is free, it has %u: this "
                    "process routes by it but can't tend until one is",
                    (unsigned)worker->seat->map.key, worker->seat->map.workers_capacity);
    }
}

/* Others count on us unless we draw back. */
static void seat_mark(tnd_worker* worker)
{
    bool is_back = worker->role == WORKER_STARTING || worker->role == WORKER_PAUSED ||
                   worker->is_draining || worker->is_barred;
    if (is_back != worker->seat->is_marked) {
        worker->seat->is_marked = is_back;
        tnd_member_set_draining(&worker->seat->member, is_back);
    }
}

/* A map that nobody has looked after, left behind by processes that were killed or by another life
 * of the clock, is worth something only when it was checked against the cluster. Once ready it
 * stays so: whoever was left alone with a map goes on by it. */
static bool seat_is_ready(tnd_worker* worker, worker_seat* seat)
{
    if (!seat->is_ready) {
        seat->is_ready =
            tnd_map_refresh(&seat->map) && seat->map.dir.namespaces_count > 0 &&
            tnd_map_is_checked(&seat->map, worker_now_ms(worker), worker->threshold_ms);
    }
    return seat->is_ready;
}

/* ---- what the client is told ---------------------------------------------------------------- */

static void tell_ready(tnd_worker* worker, as_error* err)
{
    if (!worker->is_ready_told) {
        worker->is_ready_told = true;
        worker->config.handler->on_ready(worker->config.udata, err);
    }
}

static void tell_seedless(tnd_worker* worker)
{
    as_error err;
    as_error_init(&err);
    as_error_set_message(&err, AEROSPIKE_ERR_CLIENT,
                         "No node of the cluster answers the worker of this host that tends: see "
                         "its log for the seeds' failures");
    tell_ready(worker, &err);
}

/* Bring the routing map up to date, and the client with it. */
static void worker_refresh(tnd_worker* worker)
{
    if (seat_is_ready(worker, worker->seat) && worker->old) {
        seat_free(worker->old, false);
        worker->old = NULL;
        worker->dir_version = 0;
    }
    tnd_map* map = tnd_worker_map(worker);
    tnd_map_refresh(map);
    if (map->dir_version != worker->dir_version) {
        worker->dir_version = map->dir_version;
        worker->config.handler->on_map(worker->config.udata);
    }
    if (worker->is_stopped) {
        return;
    }
    if (tnd_worker_is_ready(worker)) {
        tell_ready(worker, NULL);
    } else if (worker->role == WORKER_FOLLOWING && tnd_owner_is_seedless(&worker->seat->map)) {
        tell_seedless(worker);
    }
}

/* ---- owning --------------------------------------------------------------------------------- */

static void step_down(tnd_worker* worker, const char* reason)
{
    if (worker->role != WORKER_OWNING) {
        return;
    }
    worker->role = WORKER_FOLLOWING;
    tnd_tender_stop(worker->tender);
    worker->tender = NULL;
    tnd_owner_release(&worker->seat->member);
    if (worker->wake) {
        tnd_wake_release(worker->wake);
    }
    as_log_info("Worker %u (slot %u) stopped tending: %s", worker->config.pid,
                worker->seat->member.slot, reason);
    tnd_task_soon(&worker->look);
}

/* We have published: see it ourselves, and have the others see it. */
static void worker_spread(tnd_worker* worker)
{
    worker_pin(worker);
    if (worker->wake) {
        tnd_wake_tell(worker->wake);
    }
    worker_refresh(worker);
    worker_unpin(worker);
}

/* Our map is as good as the cluster's word: whoever comes may route by it at once. */
static void note_checked(tnd_worker* worker)
{
    worker->has_checked = true;
    tnd_owner_tell_checked(&worker->seat->member, worker_now_ms(worker));
}

static void on_published(void* udata)
{
    note_checked(udata);
    worker_spread(udata);
}

static void on_no_seeds(void* udata, as_error* err)
{
    tnd_worker* worker = udata;
    worker_pin(worker);
    if (!worker->has_checked || !tnd_map_refresh(&worker->seat->map)) { /* no map to wait by */
        tnd_owner_tell_seedless(&worker->seat->member);
        if (worker->wake) {
            tnd_wake_tell(worker->wake);
        }
    }
    if (!tnd_worker_is_ready(worker)) {
        tell_ready(worker, err);
    }
    worker_unpin(worker);
}

static void on_directory(void* udata)
{
    tnd_worker* worker = udata;
    if (worker->has_checked) {
        note_checked(worker);
    }
    worker_spread(worker);
}

static void on_fenced(void* udata)
{
    step_down(udata, "another worker has taken over");
}

/* Out of the election for a while; a draining worker is better now. */
static void bar(tnd_worker* worker)
{
    worker->is_barred = true;
    worker->barred_ms = worker_now_ms(worker);
    seat_mark(worker);
}

static void bar_check(tnd_worker* worker)
{
    if (!worker->is_barred) {
        return;
    }
    uint64_t now_ms = worker_now_ms(worker);
    tnd_owner_view view;
    tnd_owner_look(&worker->seat->member, now_ms, worker->threshold_ms, &view);
    bool is_done_by_other = view.state == TND_OWNER_OTHER;
    if (now_ms - worker->barred_ms >=
        (is_done_by_other ? WORKER_BARRED_MS : WORKER_BARRED_VACANT_MS)) {
        worker->is_barred = false;
        seat_mark(worker);
    }
}

static void on_exhausted(void* udata, as_error* err)
{
    tnd_worker* worker = udata;
    tnd_log_limit(&worker->gate, worker_now_ms(worker), WORKER_LOG_INTERVAL_MS, AS_LOG_LEVEL_WARN,
                  "Worker %u can't tend: %s", worker->config.pid, err->message);
    bar(worker);
    step_down(worker, "out of resources");
}

static const tnd_tender_handler tender_handler = {
    .on_published = on_published,
    .on_no_seeds = on_no_seeds,
    .on_directory = on_directory,
    .on_fenced = on_fenced,
    .on_exhausted = on_exhausted,
};

static void own(tnd_worker* worker, const tnd_owner_view* view)
{
    static const char* const reasons[] = {
        [TND_OWNER_VACANT] = "nobody did",
        [TND_OWNER_DEAD] = "its predecessor died",
        [TND_OWNER_EXPIRED] = "its predecessor's heartbeat expired",
    };
    worker->role = WORKER_OWNING;
    worker->vacant_since_ms = 0;
    worker->beat_ms = worker_now_ms(worker);
    worker->has_checked = !tnd_map_refresh(&worker->seat->map); /* nothing to inherit */
    tnd_stats_add(&worker->stats, TND_COUNTER(takeovers), 1);
    tnd_stats_set(&worker->stats, TND_GAUGE(takeover_unix),
                  worker->loop->ops->unix_now(worker->loop));
    if (worker->wake) {
        tnd_wake_unlink(worker->wake);
    }
    tnd_timer_stop(&worker->relink);
    worker->tender = tnd_tender_start(worker->loop, worker->config.config, &worker->seat->member,
                                      worker->resolver, &tender_handler, worker);
    if (!worker->tender) {
        bar(worker);
        step_down(worker, "no memory for the tender");
        return;
    }
    as_log_info("Worker %u (slot %u) tends from now on, term %u: %s", worker->config.pid,
                worker->seat->member.slot, worker->seat->member.term, reasons[view->state]);
}

/* May we own now? Who draws back owns only while nobody else is there to do it. */
static bool is_candidate(tnd_worker* worker)
{
    const tnd_member* member = &worker->seat->member;
    if (member->slot == TND_MEMBER_NONE || worker->role != WORKER_FOLLOWING || worker->is_barred) {
        return false;
    }
    if (!worker->is_draining || !tnd_member_has_fresh_peers(member)) {
        return true;
    }
    /* Those that live and don't drain take a vacant role within milliseconds, unless they are
     * stopped or hang: then we stand in. */
    uint64_t now_ms = worker_now_ms(worker);
    if (worker->vacant_since_ms == 0) {
        worker->vacant_since_ms = now_ms;
    }
    if (now_ms - worker->vacant_since_ms < WORKER_VACANT_MS) {
        return false;
    }
    worker->stand_in_until_ms = now_ms + WORKER_STAND_IN_MS;
    return true;
}

/* The owner's heartbeat, and the check that comes before everything else: have we been stopped? */
static void owner_tick(tnd_worker* worker)
{
    uint64_t now_ms = worker_now_ms(worker);
    if (now_ms - worker->beat_ms > worker->threshold_ms) {
        step_down(worker, "its own heartbeat had expired");
        return;
    }
    if (!tnd_owner_beat(&worker->seat->member, now_ms)) {
        step_down(worker, "another worker has taken over");
        return;
    }
    worker->beat_ms = now_ms;
    if (worker->has_checked) {
        note_checked(worker);
    }
    if (worker->is_draining && now_ms >= worker->stand_in_until_ms &&
        tnd_member_has_fresh_peers(&worker->seat->member)) {
        step_down(worker, "it is draining");
    }
}

static void take_requests(tnd_worker* worker)
{
    uint64_t bits[(TND_NODES_MAX + 1) / 64];
    if (worker->role == WORKER_OWNING && tnd_tend_take(&worker->seat->map, bits)) {
        tnd_tender_ask(worker->tender, bits);
    }
}

/* ---- following ------------------------------------------------------------------------------ */

static void relink_later(tnd_worker* worker)
{
    uint64_t jitter_ms = tnd_loop_random(worker->loop) % (worker->relink_ms + 1);
    tnd_timer_start_ms(&worker->relink, WORKER_RELINK_MIN_MS + jitter_ms);
    worker->relink_ms *= 2;
    if (worker->relink_ms > WORKER_RELINK_MAX_MS) {
        worker->relink_ms = WORKER_RELINK_MAX_MS;
    }
}

static void worker_move(tnd_worker* worker);

/* Look who owns, and do what follows. A link that has just broken isn't tried again at once, one to
 * another owner is: it may be the next to die. */
static void worker_look(tnd_worker* worker, bool may_link)
{
    worker_refresh(worker);
    if (worker->is_stopped || worker->role != WORKER_FOLLOWING) {
        return;
    }
    tnd_owner_view view;
    tnd_owner_look(&worker->seat->member, worker_now_ms(worker), worker->threshold_ms, &view);
    switch (view.state) {
    case TND_OWNER_SELF:
        /* Whoever follows has given its term back: can't be. */
        tnd_owner_release(&worker->seat->member);
        break;
    case TND_OWNER_OTHER:
        worker->vacant_since_ms = 0;
        if (!worker->wake) {
            break;
        }
        if (may_link || !tnd_wake_has_lost(worker->wake, view.slot, view.nonce)) {
            tnd_wake_link(worker->wake, view.slot, view.nonce);
        } else {
            relink_later(worker);
        }
        break;
    case TND_OWNER_VACANT:
    case TND_OWNER_DEAD:
    case TND_OWNER_EXPIRED:
        if (is_candidate(worker)) {
            if (tnd_owner_take(&worker->seat->member, &view, worker_now_ms(worker))) {
                own(worker, &view);
            } else {
                tnd_task_soon(&worker->look); /* somebody was faster: follow it */
            }
        }
        break;
    case TND_OWNER_GONE:
        worker_move(worker);
        break;
    }
}

static void on_look(tnd_task* task)
{
    tnd_worker* worker = task->udata;
    worker_pin(worker);
    if (worker->role == WORKER_STARTING) {
        worker->role = WORKER_FOLLOWING; /* the loop turns: this is its turn */
        seat_mark(worker);
    }
    worker_look(worker, true);
    worker_unpin(worker);
}

static void on_relink(tnd_timer* timer)
{
    tnd_worker* worker = timer->udata;
    worker_pin(worker);
    worker_look(worker, true);
    worker_unpin(worker);
}

static void on_owner_lost(void* udata)
{
    worker_pin(udata);
    worker_look(udata, false);
    worker_unpin(udata);
}

static void on_asked(void* udata)
{
    take_requests(udata);
}

static void on_news(void* udata)
{
    tnd_worker* worker = udata;
    worker_pin(worker);
    worker->relink_ms = WORKER_RELINK_MIN_MS; /* the link works */
    worker_refresh(worker);
    worker_unpin(worker);
}

static const tnd_wake_handler wake_handler = {
    .on_owner_lost = on_owner_lost,
    .on_news = on_news,
    .on_asked = on_asked,
};

static void wake_explain(tnd_worker* worker, int error)
{
    if (worker_is_teller(worker, TND_FACT_NO_WAKE_UP)) {
        as_log_warn("Worker %u can't listen for wake-ups (%s): takeovers from it, and from others "
                    "that can't, take up to %u ms",
                    worker->config.pid, strerror(-error), (unsigned)worker->tick_ms);
    } else {
        as_log_debug("Worker %u can't listen for wake-ups (%s)", worker->config.pid,
                     strerror(-error));
    }
}

/* A listener and a link of our own in the present segment; without them the tick does the work. */
static void wake_start(tnd_worker* worker)
{
    tnd_wake_free(worker->wake);
    worker->wake = NULL;
    worker_seat* seat = worker->seat;
    if (seat->map.shm_id < 0) {
        return;
    }
    tnd_shm_stat stat = {.uid = worker->config.uid};
    seat->map.sys->ops->stat(seat->map.sys->ctx, seat->map.shm_id, &stat);
    worker->wake =
        tnd_wake_new(worker->loop, atomic_load(&seat->map.header->nonce), worker->config.uid,
                     stat.uid, seat->map.workers_capacity, &wake_handler, worker);
    if (!worker->wake || seat->member.slot == TND_MEMBER_NONE) {
        return;
    }
    int error = tnd_wake_listen(worker->wake, seat->member.slot,
                                seat->member.state >> TND_SLOT_NONCE_SHIFT);
    if (error != 0) {
        wake_explain(worker, error);
    }
}

/* All slots were taken when we came: perhaps one is free by now. */
static void worker_rejoin(tnd_worker* worker)
{
    worker_seat* seat = worker->seat;
    if (seat->join != TND_JOIN_FULL || seat_join(worker, seat) != TND_JOIN_OK) {
        return; /* a segment that is being removed is the tick's business */
    }
    seat->join = TND_JOIN_OK;
    seat->is_marked = false;
    tnd_stats_attach(&worker->stats, &seat->member);
    seat_mark(worker);
    wake_start(worker);
    as_log_info("Worker %u has got slot %u of shared memory segment 0x%08x", worker->config.pid,
                seat->member.slot, (unsigned)seat->map.key);
}

/* ---- moving to another segment -------------------------------------------------------------- */

/* The segment was removed under us. Join the one that has the key now; commands go on by the old
 * map, whose memory stays ours as long as it is attached. */
static void worker_move(tnd_worker* worker)
{
    as_error err;
    as_error_init(&err);
    worker_seat* seat = seat_new(worker, &err);
    if (!seat) {
        if (worker_is_teller(worker, TND_FACT_NO_SEGMENT)) { /* the old one is still common */
            as_log_error("Shared memory segment was removed and no other can be used: %s",
                         err.message);
        }
        return;
    }
    step_down(worker, "its shared memory segment was removed");
    tnd_stats_attach(&worker->stats, &seat->member);
    if (worker->old) {
        seat_free(worker->seat, false);
    } else {
        tnd_member_leave(&worker->seat->member, false);
        worker->old = worker->seat;
    }
    worker->seat = seat;
    seat_explain(worker);
    seat_mark(worker);
    wake_start(worker);
    as_log_debug(
        "Worker %u moved to a new shared memory segment with key 0x%08x: its own was removed",
        worker->config.pid, (unsigned)seat->map.key);
    tnd_task_soon(&worker->look);
}

static void on_tick(tnd_timer* timer)
{
    tnd_worker* worker = timer->udata;
    worker_pin(worker);
    tnd_timer_start_ms(timer, worker->tick_ms);
    if (worker->role == WORKER_OWNING) {
        owner_tick(worker);
    }
    bar_check(worker);
    worker_rejoin(worker);
    if (tnd_map_is_removed(&worker->seat->map)) {
        worker_move(worker);
    }
    if (worker->wake) {
        tnd_wake_resume(worker->wake);
        if (tnd_wake_is_linked(worker->wake)) {
            worker->relink_ms = WORKER_RELINK_MIN_MS;
        }
    }
    take_requests(worker);
    worker_look(worker, true);
    worker_unpin(worker);
}

/* ---- life ----------------------------------------------------------------------------------- */

static uint64_t tick_for(uint64_t threshold_ms)
{
    uint64_t tick_ms = threshold_ms / 4;
    if (tick_ms < WORKER_TICK_MIN_MS) {
        return WORKER_TICK_MIN_MS;
    }
    return tick_ms < WORKER_TICK_MAX_MS ? tick_ms : WORKER_TICK_MAX_MS;
}

tnd_worker* tnd_worker_start(tnd_loop* loop, const tnd_worker_config* config, as_error* err)
{
    tnd_worker* worker = tnd_calloc(1, sizeof(*worker));
    if (!worker) {
        as_error_update(err, AEROSPIKE_ERR_CLIENT, "No memory for a worker");
        return NULL;
    }
    worker->loop = loop;
    worker->config = *config;
    worker->threshold_ms = (uint64_t)config->config->shm_takeover_threshold_sec * 1000;
    worker->tick_ms = tick_for(worker->threshold_ms);
    worker->relink_ms = WORKER_RELINK_MIN_MS;
    tnd_timer_init(&worker->tick, loop, on_tick, worker);
    tnd_timer_init(&worker->relink, loop, on_relink, worker);
    tnd_task_init(&worker->look, loop, on_look, worker);
    worker->resolver = tnd_resolver_new(loop);
    if (worker->resolver) {
        worker->seat = seat_new(worker, err);
    } else {
        as_error_update(err, AEROSPIKE_ERR_CLIENT, "No memory for a worker");
    }
    if (!worker->seat) {
        tnd_worker_stop(worker);
        return NULL;
    }
    tnd_stats_attach(&worker->stats, &worker->seat->member);
    seat_explain(worker);
    seat_mark(worker);
    wake_start(worker);
    tnd_timer_start_ms(&worker->tick, worker->tick_ms);
    tnd_task_soon(&worker->look);
    return worker;
}

tnd_map* tnd_worker_map(tnd_worker* worker)
{
    return worker->old ? &worker->old->map : &worker->seat->map;
}

uint32_t tnd_worker_slot(const tnd_worker* worker)
{
    return worker->old ? TND_MEMBER_NONE : worker->seat->member.slot;
}

tnd_stats* tnd_worker_stats(tnd_worker* worker)
{
    return &worker->stats;
}

bool tnd_worker_read_host(tnd_worker* worker, tnd_host_counters* ret_host)
{
    return tnd_stats_read_host(&worker->seat->map, worker_now_ms(worker), ret_host);
}

bool tnd_worker_is_ready(tnd_worker* worker)
{
    return worker->old ? worker->old->is_ready : worker->seat->is_ready;
}

void tnd_worker_ask(tnd_worker* worker, uint32_t node_index)
{
    if (worker->old) {
        node_index = 0; /* an index of the old map means another node in the new one */
    }
    bool is_new = tnd_tend_ask(&worker->seat->map, node_index);
    if (worker->role == WORKER_OWNING) {
        take_requests(worker);
    } else if (is_new && worker->wake) {
        tnd_wake_ask(worker->wake);
    }
}

void tnd_worker_pause(tnd_worker* worker)
{
    step_down(worker, "its loop stops turning");
    worker->role = WORKER_PAUSED;
    seat_mark(worker);
    tnd_task_cancel(&worker->look);
    tnd_timer_stop(&worker->relink);
    if (worker->wake) {
        tnd_wake_unlink(worker->wake);
    }
}

void tnd_worker_resume(tnd_worker* worker)
{
    if (worker->role == WORKER_PAUSED) {
        worker->role = WORKER_FOLLOWING;
        seat_mark(worker);
        tnd_task_soon(&worker->look);
    }
}

void tnd_worker_drain(tnd_worker* worker)
{
    worker->is_draining = true;
    seat_mark(worker);
    if (worker->role == WORKER_OWNING && tnd_member_has_fresh_peers(&worker->seat->member)) {
        step_down(worker, "it is draining");
    }
}

void tnd_worker_stop(tnd_worker* worker)
{
    if (!worker) {
        return;
    }
    assert(!worker->is_stopped);
    step_down(worker, "it closes");
    tnd_task_cancel(&worker->look);
    tnd_timer_stop(&worker->tick);
    tnd_timer_stop(&worker->relink);
    tnd_wake_free(worker->wake);
    seat_free(worker->old, false);
    seat_free(worker->seat, true);
    tnd_resolver_free(worker->resolver);
    worker->is_stopped = true;
    worker->stats.at = NULL; /* it was in the segment */
    if (worker->pins == 0) {
        worker_free(worker);
    }
}
