/*
 * The loop seam on libev and POSIX sockets.
 *
 * A tnd_loop that drives itself from a struct ev_loop: the application's own, or a private one made
 * here. It never touches libev's default loop, which takes SIGCHLD. Every watcher is unreferenced,
 * so that an ev_run() of the application ends when the application's own watchers have; only
 * tnd_loop_ops.ref keeps it going.
 *
 * One thread: that of the ev_loop. After a fork the child makes a new one (or calls ev_loop_fork()
 * before it uses the old one).
 */
#ifndef TENDRIL_ASYNC_LOOP_EV_H
#define TENDRIL_ASYNC_LOOP_EV_H

#include <tendril/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop;

/* On a loop of the application, borrowed until tnd_loop_ev_free(). NULL when out of memory. */
tnd_loop* tnd_loop_ev_new(struct ev_loop* loop);

/* On a fresh loop of our own: no signals, no environment. NULL when out of memory or descriptors.
 */
tnd_loop* tnd_loop_ev_create(void);

/* Stops what drives the loop, drops queued tasks, and destroys the ev_loop if it was made here.
 * Everything opened on it must be closed and every timer stopped. Allowed inside a callback for a
 * loop of the application, not for one of our own. NULL is allowed. */
void tnd_loop_ev_free(tnd_loop* loop);

/* The ev_loop beneath. */
struct ev_loop* tnd_loop_ev_raw(tnd_loop* loop);

/* Runs the loop turn by turn until `done(udata)` answers true; asked before each turn. It waits as
 * long as nothing happens: whoever calls it has a timer running or a reply to come. */
void tnd_loop_ev_run(tnd_loop* loop, bool (*done)(void* udata), void* udata);

/* Is somebody running the ev_loop right now, the application or tnd_loop_ev_run()? */
bool tnd_loop_ev_is_running(const tnd_loop* loop);

/* Ends every ev_run() of the loop that is on the stack, once the present callback has returned. */
void tnd_loop_ev_break(tnd_loop* loop);

#ifdef __cplusplus
}
#endif

#endif
