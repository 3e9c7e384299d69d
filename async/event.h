/*
 * A set of event loop entries on one underlying loop: what as_event.h is made of, one set per
 * thread that registers loops, and one more for synchronous calls.
 *
 * Clients are users of a set. They are told when the loop begins and stops to turn (only a turning
 * loop may own the map), and when the set ends. Everything of ours that the loop calls does so
 * between tnd_events_enter and tnd_events_leave, so that it is known whether a callback is on the
 * stack: then no loop is run and none is destroyed.
 */
#pragma once

#include <aerospike/as_event.h>
#include <pthread.h>
#include <tendril/loop.h>

typedef enum tnd_events_kind {
    TND_EVENTS_OWN,      /* a libev loop made here; runs when we are asked to */
    TND_EVENTS_EXTERNAL, /* the program's libev loop; run by the program, or when we are asked to */
    TND_EVENTS_FOREIGN,  /* any other loop; never run by us */
} tnd_events_kind;

typedef struct tnd_events tnd_events;
typedef struct tnd_events_user tnd_events_user;

struct tnd_events_user {
    void (*on_turning)(tnd_events_user* user, bool is_turning);
    /* The set ends now: finish everything and leave. Listeners may be called. */
    void (*on_close)(tnd_events_user* user);
    tnd_events* events; /* NULL: of no set */
    tnd_events_user* next;
    tnd_events_user* prev;
};

struct tnd_events {
    tnd_events_kind kind;
    tnd_loop* loop;         /* NULL until the first entry is registered */
    as_event_loop* entries; /* `capacity` of them */
    uint32_t capacity;
    uint32_t size;      /* registered */
    uint32_t open_size; /* of these, not closed */
    uint32_t rotation;
    uint32_t fork_generation;
    pthread_t thread;
    unsigned depth; /* callbacks of ours on the stack */
    bool is_turning;
    bool is_running; /* by tnd_events_run */
    bool is_closed;
    bool is_doomed; /* to be freed when nothing of it is on the stack any more */
    tnd_task turn;  /* the loop's first turn since it was last known to stand still */
    tnd_events_user* users;
};

/* `capacity` entries on `loop`, all registered; NULL without memory. The loop is borrowed, but one
 * of kind OWN is freed with the set. */
tnd_events* tnd_events_new(tnd_events_kind kind, tnd_loop* loop, uint32_t capacity);

/* Ends the set: tells the users, lets the loop go, resets the thread's variables if it is the
 * thread's. Idempotent. */
void tnd_events_close(tnd_events* events);

/* Closes and frees, as soon as no callback of it is on the stack and nobody runs its loop. */
void tnd_events_free(tnd_events* events);

/* Why commands can't be submitted on it here and now; NULL: they can. */
const char* tnd_events_refusal(const tnd_events* events);

/* The set of an entry, or the thread's for NULL; NULL with `err` set if there is none, it is
 * closed, it is another thread's or it came across a fork. `*ret_entry` is the entry, or the next
 * in rotation. */
tnd_events* tnd_events_find(as_event_loop* entry, as_event_loop** ret_entry, as_error* err);

/* This thread's registered set, or NULL. */
tnd_events* tnd_events_of_thread(void);

void tnd_events_join(tnd_events* events, tnd_events_user* user);

/* Idempotent. */
void tnd_events_part(tnd_events_user* user);

/* Around every callback. `entry` NULL is the first. The set stays valid until the matching leave;
 * `enter` returns what leave is to be given. */
as_event_loop* tnd_events_enter(tnd_events* events, as_event_loop* entry);
void tnd_events_leave(tnd_events* events, as_event_loop* previous);

/* Is the loop being run right now, by whomever, as far as can be known? */
bool tnd_events_is_running(const tnd_events* events);

/* Runs the loop until `done` answers true or the set is closed; the set may be gone afterwards.
 * False if that isn't allowed now. */
bool tnd_events_run(tnd_events* events, bool (*done)(void* udata), void* udata);
