/* Coroutines for tests/shm. See actor.h. */
#include "tests/shm/actor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define STACK_BYTES (128 * 1024)

static _Alignas(64) unsigned char stacks[ACTORS_MAX][STACK_BYTES];
static ucontext_t outside;
static actor* running;

static void pass(void)
{
    if (running && ++running->passes == running->stop_at) {
        actor_pause();
    }
}

static void on_point(tnd_point point)
{
    if (getenv("ACTOR_VERBOSE") && running) {
        fprintf(stderr, "%s %u %s\n", running->name, running->passes + 1, tnd_point_name(point));
    }
    pass();
}

static void enter(void)
{
    running->script(running);
    running->is_ended = true;
    for (;;) {
        actor_pause();
    }
}

void actor_init(actor* self, unsigned index, const char* name, void (*script)(actor* self),
                uint64_t now_ms)
{
    assert(index < ACTORS_MAX);
    memset(self, 0, sizeof(*self));
    self->script = script;
    self->name = name;
    self->now_ms = now_ms;
    self->index = index;
    self->process = kernel_process_new();
    getcontext(&self->context);
    self->context.uc_stack.ss_sp = stacks[index];
    self->context.uc_stack.ss_size = STACK_BYTES;
    self->context.uc_link = NULL;
    makecontext(&self->context, enter, 0);
}

bool actor_run_to(actor* self, unsigned n)
{
    assert(!running);
    if (!self->is_ended) {
        self->stop_at = n;
        tnd_point_hook = on_point;
        kernel_step = pass;
        running = self;
        swapcontext(&outside, &self->context);
        running = NULL;
        tnd_point_hook = NULL;
        kernel_step = NULL;
    }
    return !self->is_ended;
}

void actor_pause(void)
{
    swapcontext(&running->context, &outside);
}

void actor_give_up(void)
{
    running->is_ended = true;
    for (;;) {
        actor_pause();
    }
}

actor* actor_running(void)
{
    return running;
}

void actor_kill(actor* self)
{
    kernel_kill(self->process);
    self->is_ended = true;
    tnd_free(self->map.nodes);
    tnd_free(self->map.namespaces);
    tnd_free(self->map.spare_nodes);
    tnd_free(self->map.spare_namespaces);
    memset(&self->map, 0, sizeof(self->map));
}
