/*
 * The loop seam on nginx's own events: no second loop, no thread.
 *
 * One per worker process, made in init_process and freed in exit_process. Every descriptor takes
 * one of the worker_connections. Timers are cancelable: they don't keep a worker that is shutting
 * down; what does is tnd_loop_ops.ref, which is held while work is under way.
 */
#ifndef TENDRIL_MODULES_NGINX_LOOP_NGINX_H
#define TENDRIL_MODULES_NGINX_LOOP_NGINX_H

#include <tendril/loop.h>

/*
 * NULL without memory, descriptor or connection slot. `on_exiting` is called once, from the worker
 * and from no event's handler, when nginx begins to shut this worker down gracefully: new
 * connections no longer come, the requests of the old ones go on.
 */
tnd_loop* tnd_loop_nginx_new(void (*on_exiting)(void* udata), void* udata);

/* Everything on it must be closed or stopped; queued tasks are dropped. Not from a callback of the
 * loop. NULL is allowed. */
void tnd_loop_nginx_free(tnd_loop* loop);

#endif
