/*
 * The delay queue: an intrusive list in the entry, so that waiting costs no memory.
 */
#include "async/delay.h"

#include <assert.h>

static void delay_append(tnd_delayed* delayed, as_event_loop* entry)
{
    delayed->is_queued = true;
    delayed->next = NULL;
    delayed->prev = entry->delayed_last;
    if (entry->delayed_last) {
        entry->delayed_last->next = delayed;
    } else {
        entry->delayed_first = delayed;
    }
    entry->delayed_last = delayed;
    entry->delayed_count++;
}

void tnd_delay_cancel(tnd_delayed* delayed)
{
    as_event_loop* entry = delayed->entry;
    if (!delayed->is_queued) {
        return;
    }
    if (delayed->prev) {
        delayed->prev->next = delayed->next;
    } else {
        entry->delayed_first = delayed->next;
    }
    if (delayed->next) {
        delayed->next->prev = delayed->prev;
    } else {
        entry->delayed_last = delayed->prev;
    }
    delayed->next = NULL;
    delayed->prev = NULL;
    delayed->is_queued = false;
    entry->delayed_count--;
}

static bool entry_is_busy(const as_event_loop* entry)
{
    return entry->max_commands_in_process > 0 &&
           entry->in_process >= entry->max_commands_in_process;
}

static void let_in(tnd_delayed* delayed, as_event_loop* entry)
{
    delayed->is_let_in = true;
    entry->in_process++;
}

tnd_delay tnd_delay_enter(tnd_delayed* delayed, as_event_loop* entry)
{
    assert(!delayed->is_queued && !delayed->is_let_in);
    delayed->entry = entry;
    if (!entry_is_busy(entry) && !entry->delayed_first) {
        let_in(delayed, entry);
        return TND_DELAY_NONE;
    }
    if (entry->max_commands_in_queue > 0 && entry->delayed_count >= entry->max_commands_in_queue) {
        return TND_DELAY_FULL;
    }
    delay_append(delayed, entry);
    return TND_DELAY_QUEUED;
}

void tnd_delay_leave(tnd_delayed* delayed)
{
    as_event_loop* entry = delayed->entry;
    if (!delayed->is_let_in) {
        return;
    }
    delayed->is_let_in = false;
    entry->in_process--;
    while (entry->delayed_first && !entry_is_busy(entry)) {
        tnd_delayed* next = entry->delayed_first;
        tnd_delay_cancel(next);
        let_in(next, entry);
        next->on_turn(next);
    }
}
