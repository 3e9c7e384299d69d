/*
 * Coroutines for tests/shm: a stack for each index, made once; jumps from there on, because they
 * cost no system call. See actor.h.
 */
#include "tests/shm/actor.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "core/mem.h"

#define STACK_BYTES (128 * 1024)

static struct {
    _Alignas(64) unsigned char bytes[STACK_BYTES];
    ucontext_t context;
    jmp_buf base; /* where the next script begins */
    bool is_made;
} stacks[ACTORS_MAX];

static actor* running;
static jmp_buf outside;

/* The bottom of a stack: script after script. */
static void enter(void)
{
    (void)_setjmp(stacks[running->index].base);
    running->script(running);
    actor_give_up();
}

static void begin(actor* self)
{
    self->is_started = true;
    unsigned index = self->index;
    if (stacks[index].is_made) {
        _longjmp(stacks[index].base, 1);
    }
    stacks[index].is_made = true;
    getcontext(&stacks[index].context);
    stacks[index].context.uc_stack.ss_sp = stacks[index].bytes;
    stacks[index].context.uc_stack.ss_size = STACK_BYTES;
    stacks[index].context.uc_link = NULL;
    makecontext(&stacks[index].context, enter, 0);
    setcontext(&stacks[index].context);
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
}

void actor_resume(actor* self)
{
    assert(!running && !self->is_ended);
    running = self;
    if (_setjmp(outside) == 0) {
        if (self->is_started) {
            _longjmp(self->here, 1);
        }
        begin(self);
    }
    running = NULL;
}

void actor_pause(void)
{
    if (_setjmp(running->here) == 0) {
        _longjmp(outside, 1);
    }
}

void actor_give_up(void)
{
    running->is_ended = true;
    _longjmp(outside, 1);
}

actor* actor_running(void)
{
    return running;
}

/* ---- standing still at points ---- */

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

bool actor_run_to(actor* self, unsigned n)
{
    if (!self->is_ended) {
        self->stop_at = n;
        tnd_point_hook = on_point;
        kernel_step = pass;
        actor_resume(self);
        tnd_point_hook = NULL;
        kernel_step = NULL;
    }
    return !self->is_ended;
}

void actor_free_map(actor* self)
{
    tnd_free(self->map.nodes);
    tnd_free(self->map.namespaces);
    tnd_free(self->map.spare_nodes);
    tnd_free(self->map.spare_namespaces);
    memset(&self->map, 0, sizeof(self->map));
}

void actor_kill(actor* self)
{
    kernel_kill(self->process);
    self->is_ended = true;
    actor_free_map(self);
}
