/*
 * See timeouts.h. A list has the timeouts of one length in the order in which they were started,
 * which is the order in which they are due, since the clock doesn't go back.
 */
#include "async/timeouts.h"

#include <assert.h>

#define TIMEOUTS_NEVER UINT64_MAX

void tnd_timeouts_init(tnd_timeouts* timeouts, tnd_loop* loop, tnd_timer_fn fn, void* udata)
{
    memset(timeouts, 0, sizeof(*timeouts));
    timeouts->armed_us = TIMEOUTS_NEVER;
    tnd_timer_init(&timeouts->timer, loop, fn, udata);
}

/* The list of this length, or a free one, or the last. */
static unsigned timeouts_search(const tnd_timeouts* timeouts, uint64_t length_us)
{
    unsigned found = TND_TIMEOUTS_LISTS - 1;
    for (unsigned i = 0; i < TND_TIMEOUTS_LISTS - 1; i++) {
        const tnd_timeouts_list* list = &timeouts->lists[i];
        if (list->first && list->length_us == length_us) {
            return i;
        }
        if (!list->first && found == TND_TIMEOUTS_LISTS - 1) {
            found = i;
        }
    }
    return found;
}

/* Most timeouts are as long as the one before. */
static unsigned timeouts_find(tnd_timeouts* timeouts, uint64_t length_us)
{
    const tnd_timeouts_list* last = &timeouts->lists[timeouts->last_index];
    if (!last->first || last->length_us != length_us) {
        timeouts->last_index = timeouts_search(timeouts, length_us);
    }
    return timeouts->last_index;
}

/* Behind all that are due no later: at the end, but in the last list. */
static void list_insert(tnd_timeouts_list* list, tnd_timeout* timeout)
{
    tnd_timeout* after = list->last;
    while (after && after->due_us > timeout->due_us) {
        after = after->prev;
    }
    tnd_timeout* before = after ? after->next : list->first;
    timeout->prev = after;
    timeout->next = before;
    if (after) {
        after->next = timeout;
    } else {
        list->first = timeout;
    }
    if (before) {
        before->prev = timeout;
    } else {
        list->last = timeout;
    }
}

void tnd_timeouts_stop(tnd_timeouts* timeouts, tnd_timeout* timeout)
{
    if (timeout->list == 0) {
        return;
    }
    tnd_timeouts_list* list = &timeouts->lists[timeout->list - 1];
    if (timeout->prev) {
        timeout->prev->next = timeout->next;
    } else {
        list->first = timeout->next;
    }
    if (timeout->next) {
        timeout->next->prev = timeout->prev;
    } else {
        list->last = timeout->prev;
    }
    timeout->list = 0;
}

static void timeouts_arm_for(tnd_timeouts* timeouts, uint64_t due_us, uint64_t now_us)
{
    timeouts->armed_us = due_us;
    tnd_timer_start_us(&timeouts->timer, due_us > now_us ? due_us - now_us : 0);
}

void tnd_timeouts_start(tnd_timeouts* timeouts, tnd_timeout* timeout, uint64_t due_us,
                        uint64_t now_us)
{
    if (timeout->list != 0 && timeout->due_us == due_us) {
        return;
    }
    tnd_timeouts_stop(timeouts, timeout);
    uint64_t length_us = due_us > now_us ? due_us - now_us : 0;
    unsigned index = timeouts_find(timeouts, length_us);
    timeouts->lists[index].length_us = length_us;
    timeout->list = (uint8_t)(index + 1);
    timeout->due_us = due_us;
    list_insert(&timeouts->lists[index], timeout);
    if (due_us < timeouts->armed_us) {
        timeouts_arm_for(timeouts, due_us, now_us);
    }
}

static tnd_timeout* timeouts_next(const tnd_timeouts* timeouts)
{
    tnd_timeout* next = NULL;
    for (unsigned i = 0; i < TND_TIMEOUTS_LISTS; i++) {
        tnd_timeout* first = timeouts->lists[i].first;
        if (first && (!next || first->due_us < next->due_us)) {
            next = first;
        }
    }
    return next;
}

tnd_timeout* tnd_timeouts_take(tnd_timeouts* timeouts, uint64_t now_us)
{
    tnd_timeout* next = timeouts_next(timeouts);
    if (!next || next->due_us > now_us) {
        return NULL;
    }
    tnd_timeouts_stop(timeouts, next);
    return next;
}

void tnd_timeouts_arm(tnd_timeouts* timeouts, uint64_t now_us)
{
    tnd_timeout* next = timeouts_next(timeouts);
    if (next) {
        timeouts_arm_for(timeouts, next->due_us, now_us);
    } else {
        timeouts->armed_us = TIMEOUTS_NEVER;
    }
}

void tnd_timeouts_close(tnd_timeouts* timeouts)
{
    tnd_timer_stop(&timeouts->timer);
    timeouts->armed_us = TIMEOUTS_NEVER;
}
