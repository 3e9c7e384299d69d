/*
 * The world: clock, events, chance, trace. See sim.h.
 */
#include "tests/sim/sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "tests/sim/internal.h"

#define WORLD_START_US ((uint64_t)1000 * 1000 * 1000)

typedef struct script {
    sim_event event;
    sim_node node;
    void (*fn)(void* udata);
    void* udata;
} script;

/* ---- small things ---- */

void* sim_alloc(size_t size)
{
    void* memory = calloc(1, size);
    if (!memory) {
        abort();
    }
    return memory;
}

void sim_list_init(sim_node* head)
{
    head->next = head;
    head->prev = head;
}

bool sim_list_is_empty(const sim_node* head)
{
    return head->next == head;
}

void sim_list_append(sim_node* head, sim_node* node)
{
    assert(!node->next);
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

void sim_list_remove(sim_node* node)
{
    if (node->next) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
        node->next = NULL;
        node->prev = NULL;
    }
}

void sim_list_splice(sim_node* to, sim_node* from)
{
    while (!sim_list_is_empty(from)) {
        sim_node* node = from->next;
        sim_list_remove(node);
        sim_list_append(to, node);
    }
}

/* ---- events: a binary heap ordered by time, then by the order of scheduling ---- */

static bool event_is_before(const sim_event* a, const sim_event* b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void heap_put(sim_world* world, size_t index, sim_event* event)
{
    world->heap[index] = event;
    event->heap_index = index + 1;
}

static void heap_rise(sim_world* world, size_t index)
{
    sim_event* event = world->heap[index];
    while (index > 0 && event_is_before(event, world->heap[(index - 1) / 2])) {
        heap_put(world, index, world->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(world, index, event);
}

static void heap_sink(sim_world* world, size_t index)
{
    sim_event* event = world->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= world->heap_size) {
            break;
        }
        if (child + 1 < world->heap_size &&
            event_is_before(world->heap[child + 1], world->heap[child])) {
            child++;
        }
        if (!event_is_before(world->heap[child], event)) {
            break;
        }
        heap_put(world, index, world->heap[child]);
        index = child;
    }
    heap_put(world, index, event);
}

void sim_event_cancel(sim_world* world, sim_event* event)
{
    if (!event->heap_index) {
        return;
    }
    size_t index = event->heap_index - 1;
    event->heap_index = 0;
    sim_event* last = world->heap[--world->heap_size];
    if (last != event) {
        heap_put(world, index, last);
        heap_rise(world, index);
        heap_sink(world, last->heap_index - 1);
    }
}

void sim_event_schedule(sim_world* world, sim_event* event, uint64_t delay_us,
                        void (*fn)(sim_event* event))
{
    sim_event_cancel(world, event);
    if (world->heap_size == world->heap_capacity) {
        world->heap_capacity = world->heap_capacity ? 2 * world->heap_capacity : 64;
        world->heap = realloc(world->heap, world->heap_capacity * sizeof(*world->heap));
        if (!world->heap) {
            abort();
        }
    }
    event->at_us = world->now_us + delay_us;
    event->sequence = world->sequence++;
    event->fn = fn;
    heap_put(world, world->heap_size++, event);
    heap_rise(world, world->heap_size - 1);
}

/* ---- trace ---- */

void sim_trace(sim_world* world, const char* format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    uint64_t hash = prng_mix(world->hash ^ world->now_us);
    for (const char* c = line; *c; c++) {
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001B3);
    }
    world->hash = hash;
    if (world->trace) {
        fprintf(world->trace, "%10.6f %s\n", (double)(world->now_us - WORLD_START_US) * 1e-6, line);
    }
}

uint64_t sim_world_hash(const sim_world* world)
{
    return world->hash;
}

void sim_world_set_trace(sim_world* world, FILE* stream)
{
    world->trace = stream;
}

/* ---- time and chance ---- */

uint64_t sim_world_now_us(const sim_world* world)
{
    return world->now_us;
}

void sim_world_jump_wall_clock(sim_world* world, int64_t delta_sec)
{
    world->wall_clock_sec += delta_sec;
}

uint64_t sim_world_random(sim_world* world)
{
    return prng_next(&world->random);
}

uint64_t sim_world_below(sim_world* world, uint64_t limit)
{
    return prng_below(&world->random, limit);
}

bool sim_world_chance(sim_world* world, unsigned percent)
{
    /* Rates of zero draw nothing: a fault that is switched off doesn't change other choices. */
    return percent > 0 && sim_world_below(world, 100) < percent;
}

/* ---- running ---- */

bool sim_world_step(sim_world* world)
{
    if (world->heap_size == 0) {
        return false;
    }
    assert(!world->current);
    sim_event* event = world->heap[0];
    assert(event->at_us >= world->now_us);
    world->now_us = event->at_us;
    sim_event_cancel(world, event);
    event->fn(event);
    return true;
}

void sim_world_run_for(sim_world* world, uint64_t delay_us)
{
    uint64_t end_us = world->now_us + delay_us;
    while (world->heap_size > 0 && world->heap[0]->at_us <= end_us) {
        sim_world_step(world);
    }
    world->now_us = end_us;
}

bool sim_world_run_until(sim_world* world, bool (*done)(void* udata), void* udata,
                         uint64_t limit_us)
{
    uint64_t end_us = world->now_us + limit_us;
    while (!done(udata)) {
        if (world->heap_size == 0 || world->heap[0]->at_us > end_us) {
            return false;
        }
        sim_world_step(world);
    }
    return true;
}

static void on_script(sim_event* event)
{
    script* self = SIM_OWNER(script, event, event);
    void (*fn)(void* udata) = self->fn;
    void* udata = self->udata;
    sim_list_remove(&self->node);
    free(self);
    fn(udata);
}

void sim_world_at(sim_world* world, uint64_t delay_us, void (*fn)(void* udata), void* udata)
{
    script* self = sim_alloc(sizeof(*self));
    self->fn = fn;
    self->udata = udata;
    sim_list_append(&world->scripts, &self->node);
    sim_event_schedule(world, &self->event, delay_us, on_script);
}

/* ---- life ---- */

sim_world* sim_world_new(uint64_t seed)
{
    sim_world* world = sim_alloc(sizeof(*world));
    world->now_us = WORLD_START_US;
    world->random.state = seed;
    sim_node* lists[] = {&world->loops, &world->scripts, &world->connections, &world->listeners,
                         &world->links, &world->packets, &world->parked,      &world->names};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        sim_list_init(lists[i]);
    }
    return world;
}

void sim_world_free(sim_world* world)
{
    if (!world) {
        return;
    }
    assert(!world->current);
    for (sim_node* node = world->loops.next; node != &world->loops; node = node->next) {
        sim_loop_kill(&SIM_OWNER(sim_loop, node, node)->loop);
    }
    sim_net_free(world);
    while (!sim_list_is_empty(&world->loops)) {
        sim_loop_free(SIM_OWNER(sim_loop, node, world->loops.next));
    }
    while (!sim_list_is_empty(&world->scripts)) {
        script* self = SIM_OWNER(script, node, world->scripts.next);
        sim_list_remove(&self->node);
        free(self);
    }
    free(world->heap);
    free(world);
}
