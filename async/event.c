/*
 * Event loop entries, their registration, and who may run the loop when.
 *
 * Life of a set: made with its loop (create_loops, set_loop) or waiting for it (external capacity);
 * entries registered, each a reference on the loop; closed (users ended, references dropped); freed
 * once nothing of it is on the stack. A set that came across a fork is forgotten as it is: its loop
 * shares the kernel's objects with the parent's.
 */
#include "async/event.h"

#include "async/fork.h"
#include "async/loop_ev.h"
#include "core/mem.h"
#include <aerospike/as_log_macros.h>
#include <aerospike/as_monitor.h>
#include <assert.h>
#include <tendril/event.h>

#define EVENTS_CAPACITY_MAX 1024u

__thread as_event_loop* as_event_loops;
__thread as_event_loop* as_event_loop_current;
__thread uint32_t as_event_loop_size;
bool as_event_single_thread = true;

static __thread tnd_events* thread_events;
/* Closed, and waiting for as_event_destroy_loops or for the end of a run that isn't ours. */
static __thread tnd_events* thread_closed;
/* Of the process that this one was forked from: kept reachable, never used. */
static __thread tnd_events* thread_inherited;

/* ---- sets ---- */

static void events_set_turning(tnd_events* events, bool is_turning)
{
    if (events->is_turning == is_turning) {
        return;
    }
    events->is_turning = is_turning;
    tnd_events_user* next;
    for (tnd_events_user* user = events->users; user; user = next) {
        next = user->next;
        user->on_turning(user, is_turning);
    }
}

static void on_turn(tnd_task* task)
{
    tnd_events* events = task->udata;
    as_event_loop* previous = tnd_events_enter(events, NULL);
    events_set_turning(events, true);
    tnd_events_leave(events, previous);
}

static tnd_events* events_alloc(tnd_events_kind kind, uint32_t capacity)
{
    tnd_events* events = tnd_calloc(1, sizeof(*events));
    if (!events) {
        return NULL;
    }
    events->entries = tnd_calloc(capacity, sizeof(*events->entries));
    if (!events->entries) {
        tnd_free(events);
        return NULL;
    }
    events->kind = kind;
    events->capacity = capacity;
    events->fork_generation = tnd_fork_generation();
    events->thread = pthread_self();
    return events;
}

static void events_start(tnd_events* events, tnd_loop* loop)
{
    events->loop = loop;
    tnd_task_init(&events->turn, loop, on_turn, events);
    tnd_task_soon(&events->turn);
}

/* A registered entry keeps an ev_run() from returning. A loop of another kind runs as long as its
   program wants: there the running commands alone are work to be finished. */
static void events_hold_loop(tnd_events* events)
{
    if (events->kind != TND_EVENTS_FOREIGN) {
        events->loop->ops->ref(events->loop);
    }
}

static void events_let_loop_go(tnd_events* events)
{
    if (events->kind != TND_EVENTS_FOREIGN) {
        events->loop->ops->unref(events->loop);
    }
}

static as_event_loop* events_register(tnd_events* events)
{
    as_event_loop* entry = &events->entries[events->size];
    entry->loop = events->kind == TND_EVENTS_FOREIGN ? NULL : tnd_loop_ev_raw(events->loop);
    entry->index = events->size;
    entry->events = events;
    entry->next = &events->entries[0];
    if (events->size > 0) {
        events->entries[events->size - 1].next = entry;
    }
    events->size++;
    events->open_size++;
    events_hold_loop(events);
    return entry;
}

tnd_events* tnd_events_new(tnd_events_kind kind, tnd_loop* loop, uint32_t capacity)
{
    tnd_events* events = events_alloc(kind, capacity);
    if (events) {
        events_start(events, loop);
        while (events->size < capacity) {
            events_register(events);
        }
    }
    return events;
}

static void events_release(tnd_events* events)
{
    if (thread_closed == events) {
        thread_closed = NULL;
    }
    if (events->loop && events->kind != TND_EVENTS_FOREIGN) {
        tnd_loop_ev_free(events->loop);
    }
    tnd_free(events->entries);
    tnd_free(events);
}

/* Nothing of it is on the stack. A loop of the program may still be running: it isn't destroyed. */
static bool events_is_idle(const tnd_events* events)
{
    return events->depth == 0 && !events->is_running &&
           (events->kind != TND_EVENTS_OWN || !tnd_events_is_running(events));
}

/* Free now, or when the last callback or run of it has ended. */
static void events_release_soon(tnd_events* events)
{
    events->is_doomed = true;
    if (events_is_idle(events)) {
        events_release(events);
    } else if (events->kind == TND_EVENTS_OWN) {
        tnd_loop_ev_break(events->loop);
    }
}

static void events_forget_thread(tnd_events* events)
{
    if (thread_events == events) {
        thread_events = NULL;
        as_event_loops = NULL;
        as_event_loop_size = 0;
    }
}

void tnd_events_close(tnd_events* events)
{
    if (events->is_closed) {
        return;
    }
    events->is_closed = true;
    events_forget_thread(events);
    events->depth++; /* listeners are called, which may destroy the loops */
    while (events->users) {
        tnd_events_user* user = events->users;
        tnd_events_part(user);
        user->on_close(user); /* may free it */
    }
    events->depth--;
    if (events->loop) {
        tnd_task_cancel(&events->turn);
        for (; events->open_size > 0; events->open_size--) {
            events_let_loop_go(events);
        }
    }
}

void tnd_events_free(tnd_events* events)
{
    tnd_events_close(events);
    events_release_soon(events);
}

/* ---- finding one ---- */

tnd_events* tnd_events_of_thread(void)
{
    if (thread_events && tnd_fork_is_crossed(thread_events->fork_generation)) {
        as_log_warn("event loops that were made before a fork are not used after it");
        thread_inherited = thread_events; /* left as it is: see the head of this file */
        events_forget_thread(thread_events);
    }
    return thread_events;
}

static as_event_loop* events_rotate(tnd_events* events)
{
    as_event_loop* entry = &events->entries[events->rotation % events->size];
    events->rotation = (events->rotation + 1) % events->size;
    return entry;
}

const char* tnd_events_refusal(const tnd_events* events)
{
    if (tnd_fork_is_crossed(events->fork_generation)) {
        return "The event loop was made before a fork: register a new one";
    }
    if (events->is_closed) {
        return "The event loop has been closed";
    }
    bool is_ours = pthread_equal(events->thread, pthread_self());
    return is_ours ? NULL : "The event loop is another thread's";
}

tnd_events* tnd_events_find(as_event_loop* entry, as_event_loop** ret_entry, as_error* err)
{
    tnd_events* events = entry ? entry->events : tnd_events_of_thread();
    if (!events || (!entry && events->size == 0)) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "No event loop is registered");
        return NULL;
    }
    const char* refusal = tnd_events_refusal(events);
    if (refusal) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, refusal);
        return NULL;
    }
    *ret_entry = entry ? entry : events_rotate(events);
    return events;
}

/* ---- users ---- */

void tnd_events_join(tnd_events* events, tnd_events_user* user)
{
    user->events = events;
    user->prev = NULL;
    user->next = events->users;
    if (events->users) {
        events->users->prev = user;
    }
    events->users = user;
}

void tnd_events_part(tnd_events_user* user)
{
    tnd_events* events = user->events;
    if (!events) {
        return;
    }
    if (user->next) {
        user->next->prev = user->prev;
    }
    if (user->prev) {
        user->prev->next = user->next;
    } else {
        events->users = user->next;
    }
    user->events = NULL;
    user->next = NULL;
    user->prev = NULL;
}

/* ---- callbacks and runs ---- */

as_event_loop* tnd_events_enter(tnd_events* events, as_event_loop* entry)
{
    as_event_loop* previous = as_event_loop_current;
    events->depth++;
    as_event_loop_current = entry ? entry : &events->entries[0];
    return previous;
}

void tnd_events_leave(tnd_events* events, as_event_loop* previous)
{
    as_event_loop_current = previous;
    assert(events->depth > 0);
    events->depth--;
    if (events->is_doomed && events_is_idle(events)) {
        events_release(events);
    }
}

bool tnd_events_is_running(const tnd_events* events)
{
    if (!events->loop || events->is_running) {
        return events->is_running;
    }
    return events->kind != TND_EVENTS_FOREIGN && tnd_loop_ev_is_running(events->loop);
}

typedef struct events_run {
    tnd_events* events;
    bool (*done)(void* udata);
    void* udata;
} events_run;

static bool events_run_is_done(void* udata)
{
    const events_run* run = udata;
    return run->events->is_closed || run->done(run->udata);
}

bool tnd_events_run(tnd_events* events, bool (*done)(void* udata), void* udata)
{
    if (!events->loop || events->kind == TND_EVENTS_FOREIGN || events->depth > 0 ||
        tnd_events_is_running(events)) {
        return false;
    }
    events_run run = {.events = events, .done = done, .udata = udata};
    events->is_running = true;
    tnd_task_cancel(&events->turn);
    events_set_turning(events, true);
    tnd_loop_ev_run(events->loop, events_run_is_done, &run);
    events->is_running = false;
    if (events->is_doomed) {
        events_release(events);
    } else if (!events->is_closed) {
        /* The loop stands still until its next turn, whoever takes it. */
        events_set_turning(events, false);
        tnd_task_soon(&events->turn);
    }
    return true;
}

bool as_event_run(as_event_loop* event_loop, bool (*done)(void* udata), void* udata)
{
    as_error err;
    as_event_loop* entry;
    tnd_events* events = tnd_events_find(event_loop, &entry, as_error_init(&err));
    return events && tnd_events_run(events, done, udata);
}

static bool monitor_is_complete(void* udata)
{
    const as_monitor* monitor = udata;
    return monitor->complete;
}

void as_monitor_wait(as_monitor* monitor)
{
    if (!monitor->complete && !as_event_run(NULL, monitor_is_complete, monitor)) {
        as_log_error("as_monitor_wait() can't wait here: no event loop is registered that the "
                     "library can run, or it is called inside a callback");
    }
}

/* ---- registration ---- */

static as_status events_check_policy(const as_policy_event* policy, as_error* err)
{
    if (!policy) {
        return AEROSPIKE_OK;
    }
    if (policy->max_commands_in_process < 0 ||
        (policy->max_commands_in_process > 0 && policy->max_commands_in_process < 5)) {
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "max_commands_in_process %d is neither 0 nor at least 5",
                                policy->max_commands_in_process);
    }
    return AEROSPIKE_OK;
}

static void entry_set_policy(as_event_loop* entry, const as_policy_event* policy)
{
    if (policy) {
        entry->max_commands_in_process = policy->max_commands_in_process;
        entry->max_commands_in_queue = policy->max_commands_in_queue;
    }
}

as_status as_event_set_policy(as_error* err, const as_policy_event* policy,
                              as_event_loop* event_loop)
{
    as_error_reset(err);
    if (!policy || !event_loop) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM,
                                    "as_event_set_policy() needs a policy and an event loop");
    }
    if (events_check_policy(policy, err) == AEROSPIKE_OK) {
        entry_set_policy(event_loop, policy);
    }
    return err->code;
}

/* A set whose loop has ended may still wait for its end; one that still runs keeps its place. */
static as_status events_check_none(uint32_t capacity, as_error* err)
{
    if (capacity == 0 || capacity > EVENTS_CAPACITY_MAX) {
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "Number of event loops must be 1 to %u", EVENTS_CAPACITY_MAX);
    }
    if (tnd_events_of_thread()) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "This thread has event loops already");
    }
    as_event_destroy_loops();
    return AEROSPIKE_OK;
}

static void events_publish(tnd_events* events)
{
    thread_events = events;
    as_event_loops = events->entries;
    as_event_loop_size = events->size;
}

as_status as_create_event_loops(as_error* err, as_policy_event* policy, uint32_t capacity,
                                as_event_loop** event_loops)
{
    as_error_reset(err);
    if (event_loops) {
        *event_loops = NULL;
    }
    if (events_check_policy(policy, err) != AEROSPIKE_OK ||
        events_check_none(capacity, err) != AEROSPIKE_OK) {
        return err->code;
    }
    tnd_loop* loop = tnd_loop_ev_create();
    tnd_events* events = loop ? tnd_events_new(TND_EVENTS_OWN, loop, capacity) : NULL;
    if (!events) {
        tnd_loop_ev_free(loop);
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "No memory or no descriptor for an event loop");
    }
    for (uint32_t i = 0; i < capacity; i++) {
        entry_set_policy(&events->entries[i], policy);
    }
    events_publish(events);
    if (event_loops) {
        *event_loops = events->entries;
    }
    return AEROSPIKE_OK;
}

as_event_loop* as_event_create_loops(uint32_t capacity)
{
    as_error err;
    as_event_loop* loops;
    if (as_create_event_loops(&err, NULL, capacity, &loops) != AEROSPIKE_OK) {
        as_log_error("event loops: %s", err.message);
    }
    return loops;
}

bool as_event_set_external_loop_capacity(uint32_t capacity)
{
    as_error err;
    if (events_check_none(capacity, as_error_init(&err)) != AEROSPIKE_OK) {
        as_log_error("event loops: %s", err.message);
        return false;
    }
    tnd_events* events = events_alloc(TND_EVENTS_EXTERNAL, capacity);
    if (!events) {
        as_log_error("event loops: out of memory");
        return false;
    }
    events_publish(events);
    return true;
}

static as_status events_check_external(const tnd_events* events, const void* loop, as_error* err)
{
    if (!events || events->kind != TND_EVENTS_EXTERNAL) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "Call as_event_set_external_loop_capacity() in this thread "
                                    "first");
    }
    if (events->size == events->capacity) {
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "Capacity of %u event loops is used up", events->capacity);
    }
    if (!loop || (events->loop && tnd_loop_ev_raw(events->loop) != loop)) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "All event loops of a thread must be on one struct ev_loop");
    }
    return AEROSPIKE_OK;
}

as_status as_set_external_event_loop(as_error* err, as_policy_event* policy, void* loop,
                                     as_event_loop** event_loop)
{
    as_error_reset(err);
    if (event_loop) {
        *event_loop = NULL;
    }
    tnd_events* events = tnd_events_of_thread();
    if (events_check_policy(policy, err) != AEROSPIKE_OK ||
        events_check_external(events, loop, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!events->loop) {
        tnd_loop* seam = tnd_loop_ev_new(loop);
        if (!seam) {
            return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        }
        events_start(events, seam);
    }
    as_event_loop* entry = events_register(events);
    entry_set_policy(entry, policy);
    as_event_loop_size = events->size;
    if (event_loop) {
        *event_loop = entry;
    }
    return AEROSPIKE_OK;
}

as_event_loop* as_event_set_external_loop(void* loop)
{
    as_error err;
    as_event_loop* entry;
    if (as_set_external_event_loop(&err, NULL, loop, &entry) != AEROSPIKE_OK) {
        as_log_error("event loops: %s", err.message);
    }
    return entry;
}

as_event_loop* tnd_event_set_loop(tnd_loop* loop)
{
    as_error err;
    if (!loop || loop->ops->version != TND_LOOP_VERSION) {
        as_log_error("event loops: table of version %u, expected %u", loop ? loop->ops->version : 0,
                     TND_LOOP_VERSION);
        return NULL;
    }
    if (events_check_none(1, as_error_init(&err)) != AEROSPIKE_OK) {
        as_log_error("event loops: %s", err.message);
        return NULL;
    }
    tnd_events* events = tnd_events_new(TND_EVENTS_FOREIGN, loop, 1);
    if (!events) {
        as_log_error("event loops: out of memory");
        return NULL;
    }
    events_publish(events);
    return events->entries;
}

/* ---- looking up ---- */

as_event_loop* as_event_loop_find(void* loop)
{
    const tnd_events* events = tnd_events_of_thread();
    bool is_found = events && events->size > 0 && loop && events->entries[0].loop == loop;
    return is_found ? events->entries : NULL;
}

as_event_loop* as_event_loop_get_by_index(uint32_t index)
{
    const tnd_events* events = tnd_events_of_thread();
    return events && index < events->size ? &events->entries[index] : NULL;
}

as_event_loop* as_event_loop_get(void)
{
    tnd_events* events = tnd_events_of_thread();
    return events && events->size > 0 ? events_rotate(events) : NULL;
}

/* ---- the end ---- */

bool as_event_close_loops(void)
{
    tnd_events* events = tnd_events_of_thread();
    if (!events) {
        return false;
    }
    if (events->kind != TND_EVENTS_OWN) {
        thread_closed = events;
        tnd_events_close(events);
        return true;
    }
    if (events->depth > 0 || tnd_events_is_running(events)) {
        thread_closed = events; /* freed at the end of the run, or by whoever comes next */
    }
    tnd_events_free(events);
    return true;
}

void as_event_close_loop(as_event_loop* event_loop)
{
    tnd_events* events = event_loop ? event_loop->events : NULL;
    if (!events || events->is_closed) {
        return;
    }
    if (events->open_size > 1) {
        events->open_size--;
        events_let_loop_go(events);
    } else if (events == tnd_events_of_thread()) {
        as_event_close_loops();
    }
}

void as_event_destroy_loops(void)
{
    tnd_events* events = thread_closed;
    if (!events) {
        return;
    }
    if (tnd_fork_is_crossed(events->fork_generation)) {
        thread_closed = NULL; /* left as it is: see the head of this file */
    } else {
        events_release_soon(events);
    }
}
