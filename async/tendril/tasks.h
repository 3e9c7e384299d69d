/*
 * For implementations of the loop seam (loop.h): lists of the tasks that wait for a turn, a ring
 * through its head, so that a task is taken out in constant time wherever it waits.
 */
#pragma once

#include <tendril/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void tnd_tasks_init(tnd_task* head)
{
    head->next = head;
    head->prev = head;
}

static inline bool tnd_tasks_is_empty(const tnd_task* head)
{
    return head->next == head;
}

static inline void tnd_tasks_append(tnd_task* head, tnd_task* task)
{
    task->next = head;
    task->prev = head->prev;
    head->prev->next = task;
    head->prev = task;
}

static inline void tnd_tasks_remove(tnd_task* task)
{
    task->prev->next = task->next;
    task->next->prev = task->prev;
    task->next = NULL;
    task->prev = NULL;
}

/* Moves all of `from` behind what `to` holds. */
static inline void tnd_tasks_splice(tnd_task* to, tnd_task* from)
{
    if (tnd_tasks_is_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    tnd_tasks_init(from);
}

/* The first one, out of the list and free to be queued again; NULL when it is empty. */
static inline tnd_task* tnd_tasks_take(tnd_task* head)
{
    if (tnd_tasks_is_empty(head)) {
        return NULL;
    }
    tnd_task* task = head->next;
    tnd_tasks_remove(task);
    task->is_queued = false;
    return task;
}

#ifdef __cplusplus
}
#endif
