#include "tests/sim/fiber.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/sim/internal.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define FIBER_SWITCH_START(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define FIBER_SWITCH_END(save, bottom, size) __sanitizer_finish_switch_fiber(save, bottom, size)
#else
#define FIBER_SWITCH_START(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#define FIBER_SWITCH_END(save, bottom, size) ((void)(save), (void)(bottom), (void)(size))
#endif

#define FIBER_STACK_BYTES ((size_t)512 * 1024)

struct sim_fiber {
    ucontext_t own;
    ucontext_t caller;
    uint8_t* stack;
    void (*fn)(void* udata);
    void* udata;
    bool is_running;   /* between run and the end of fn */
    bool is_suspended; /* left in the middle */
    /* For the address sanitizer. */
    const void* caller_bottom;
    size_t caller_size;
    void* fake;
};

sim_fiber* sim_fiber_new(void)
{
    sim_fiber* fiber = sim_alloc(sizeof(*fiber));
    fiber->stack = mmap(NULL, FIBER_STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    assert(fiber->stack != MAP_FAILED);
    return fiber;
}

void sim_fiber_free(sim_fiber* fiber)
{
    if (fiber) {
        assert(!fiber->is_running);
        munmap(fiber->stack, FIBER_STACK_BYTES);
        free(fiber);
    }
}

/* makecontext() passes ints. */
static void fiber_main(unsigned high, unsigned low)
{
    sim_fiber* fiber = (sim_fiber*)(uintptr_t)((uint64_t)high << 32 | low);
    FIBER_SWITCH_END(NULL, &fiber->caller_bottom, &fiber->caller_size);
    fiber->fn(fiber->udata);
    fiber->is_running = false;
    FIBER_SWITCH_START(NULL, fiber->caller_bottom, fiber->caller_size);
    swapcontext(&fiber->own, &fiber->caller);
}

static bool fiber_enter(sim_fiber* fiber)
{
    void* fake = NULL;
    FIBER_SWITCH_START(&fake, fiber->stack, FIBER_STACK_BYTES);
    swapcontext(&fiber->caller, &fiber->own);
    FIBER_SWITCH_END(fake, NULL, NULL);
    return !fiber->is_suspended;
}

bool sim_fiber_run(sim_fiber* fiber, void (*fn)(void* udata), void* udata)
{
    assert(!fiber->is_running);
    fiber->fn = fn;
    fiber->udata = udata;
    fiber->is_running = true;
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->stack;
    fiber->own.uc_stack.ss_size = FIBER_STACK_BYTES;
    fiber->own.uc_link = NULL;
    uint64_t self = (uint64_t)(uintptr_t)fiber;
    makecontext(&fiber->own, (void (*)(void))fiber_main, 2, (unsigned)(self >> 32), (unsigned)self);
    return fiber_enter(fiber);
}

bool sim_fiber_resume(sim_fiber* fiber)
{
    assert(fiber->is_running && fiber->is_suspended);
    fiber->is_suspended = false;
    return fiber_enter(fiber);
}

void sim_fiber_leave(sim_fiber* fiber)
{
    assert(fiber->is_running && !fiber->is_suspended);
    fiber->is_suspended = true;
    FIBER_SWITCH_START(&fiber->fake, fiber->caller_bottom, fiber->caller_size);
    swapcontext(&fiber->own, &fiber->caller);
    FIBER_SWITCH_END(fiber->fake, &fiber->caller_bottom, &fiber->caller_size);
}
