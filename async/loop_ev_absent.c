/*
 * The functions of loop_ev.h for programs without libev: linked before the static library, in its
 * place. All loops of such a program are its own (see tnd_event_set_loop), so that nothing here is
 * reached but by calls that want a loop of the library's, and these are refused.
 */
#include "async/loop_ev.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

tnd_loop* tnd_loop_ev_new(struct ev_loop* loop)
{
    (void)loop;
    return NULL;
}

tnd_loop* tnd_loop_ev_create(void)
{
    return NULL;
}

void tnd_loop_ev_free(tnd_loop* loop)
{
    assert(!loop);
    (void)loop;
}

struct ev_loop* tnd_loop_ev_raw(tnd_loop* loop)
{
    (void)loop;
    return NULL;
}

void tnd_loop_ev_run(tnd_loop* loop, bool (*done)(void* udata), void* udata)
{
    (void)loop;
    (void)done;
    (void)udata;
    assert(!"there is no libev loop to run");
}

bool tnd_loop_ev_is_running(const tnd_loop* loop)
{
    (void)loop;
    return false;
}

void tnd_loop_ev_break(tnd_loop* loop)
{
    (void)loop;
}
