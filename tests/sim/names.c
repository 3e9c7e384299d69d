/*
 * Name look-ups of simulated loops, answered from a table. See net.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "async/address.h"
#include "tests/sim/internal.h"

#define UNKNOWN_NAME_US 1000

typedef struct name_entry {
    sim_node node;
    char host[256];
    int status;
    uint64_t delay_us;
    uint32_t addrs_count;
    tnd_lookup_addr addrs[TND_LOOKUP_ADDRS_MAX];
} name_entry;

static name_entry* name_find(sim_world* world, const char* host)
{
    for (sim_node* node = world->names.next; node != &world->names; node = node->next) {
        name_entry* entry = SIM_OWNER(name_entry, node, node);
        if (strcmp(entry->host, host) == 0) {
            return entry;
        }
    }
    return NULL;
}

void sim_name_set(sim_world* world, const char* host, int status, const char* const* addresses,
                  uint64_t delay_us)
{
    name_entry* entry = name_find(world, host);
    if (!entry) {
        entry = sim_alloc(sizeof(*entry));
        snprintf(entry->host, sizeof(entry->host), "%s", host);
        sim_list_append(&world->names, &entry->node);
    }
    entry->status = status;
    entry->delay_us = delay_us;
    entry->addrs_count = 0;
    for (; addresses && *addresses; addresses++) {
        assert(entry->addrs_count < TND_LOOKUP_ADDRS_MAX);
        bool parsed = tnd_address_parse(*addresses, &entry->addrs[entry->addrs_count++]);
        assert(parsed);
        (void)parsed;
    }
    assert((status == 0) == (entry->addrs_count > 0));
}

static void lookup_release(lookup_state* state)
{
    sim_loop* self = sim_loop_of(state->lookup->loop);
    sim_event_cancel(self->world, &state->event);
    sim_list_remove(&state->node);
    sim_list_remove(&state->open);
    state->lookup->priv = NULL;
    self->usage.lookups_count--;
    free(state);
}

static void on_answer_due(sim_event* event)
{
    lookup_state* state = SIM_OWNER(lookup_state, event, event);
    sim_loop* self = sim_loop_of(state->lookup->loop);
    sim_list_append(&self->answers, &state->node);
    sim_loop_wake(self);
}

/* The table counts as it is when the answer comes. */
void sim_name_answer(lookup_state* state)
{
    tnd_lookup* lookup = state->lookup;
    sim_world* world = sim_loop_of(lookup->loop)->world;
    const name_entry* entry = name_find(world, state->host);
    sim_trace(world, "%s lookup %s", sim_loop_of(lookup->loop)->name, state->host);
    lookup->status = entry ? entry->status : -ENOENT;
    lookup->error = lookup->status ? "no such name in this world" : NULL;
    lookup->addrs_count = 0;
    if (entry && entry->status == 0) {
        lookup->addrs_count = entry->addrs_count;
        memcpy(lookup->addrs, entry->addrs, sizeof(lookup->addrs));
    }
    lookup_release(state);
    lookup->fn(lookup);
}

int sim_name_lookup_start(tnd_loop* loop, tnd_lookup* lookup, const char* host)
{
    sim_loop* self = sim_loop_of(loop);
    assert(lookup->fn && !lookup->priv);
    if (self->is_dead) {
        return -ESHUTDOWN;
    }
    lookup_state* state = sim_alloc(sizeof(*state));
    if (strlen(host) >= sizeof(state->host)) {
        free(state);
        return -EINVAL;
    }
    snprintf(state->host, sizeof(state->host), "%s", host);
    lookup->loop = loop;
    lookup->priv = state;
    state->lookup = lookup;
    sim_list_append(&self->lookups, &state->open);
    self->usage.lookups_count++;
    const name_entry* entry = name_find(self->world, host);
    uint64_t delay_us = entry ? entry->delay_us : UNKNOWN_NAME_US;
    if (delay_us != SIM_NEVER) {
        sim_event_schedule(self->world, &state->event, delay_us, on_answer_due);
    }
    return 0;
}

void sim_name_lookup_cancel(tnd_loop* loop, tnd_lookup* lookup)
{
    (void)loop;
    if (lookup->priv) {
        lookup_release(lookup->priv);
    }
}

void sim_name_free_all(sim_world* world)
{
    while (!sim_list_is_empty(&world->names)) {
        name_entry* entry = SIM_OWNER(name_entry, node, world->names.next);
        sim_list_remove(&entry->node);
        free(entry);
    }
}
