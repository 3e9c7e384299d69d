/*
 * What world, loops and network share. Not for tests.
 */
#ifndef TENDRIL_TESTS_SIM_INTERNAL_H
#define TENDRIL_TESTS_SIM_INTERNAL_H

#include <stddef.h>

#include "tests/sim/fiber.h"
#include "tests/sim/net.h"
#include "tests/sim/prng.h"

/* ---- intrusive lists ---- */

typedef struct sim_node {
    struct sim_node* next; /* NULL while on no list */
    struct sim_node* prev;
} sim_node;

void sim_list_init(sim_node* head);
bool sim_list_is_empty(const sim_node* head);
void sim_list_append(sim_node* head, sim_node* node);
void sim_list_remove(sim_node* node); /* on no list: nothing */
void sim_list_splice(sim_node* to, sim_node* from);

#define SIM_OWNER(type, member, pointer) ((type*)(void*)((char*)(pointer)-offsetof(type, member)))

/* ---- events ---- */

typedef struct sim_event {
    uint64_t at_us;
    uint64_t sequence;
    void (*fn)(struct sim_event* event);
    size_t heap_index; /* + 1; 0 while not scheduled */
} sim_event;

void sim_event_schedule(sim_world* world, sim_event* event, uint64_t delay_us,
                        void (*fn)(sim_event* event));
void sim_event_cancel(sim_world* world, sim_event* event);

/* ---- world ---- */

typedef struct sim_loop sim_loop;

struct sim_world {
    uint64_t now_us;
    uint64_t sequence;
    prng random;
    uint64_t hash;
    FILE* trace;
    sim_event** heap;
    size_t heap_size;
    size_t heap_capacity;
    sim_loop* current; /* whose callback runs; NULL outside */
    sim_node loops;
    sim_node scripts;
    sim_node connections;
    sim_node listeners;
    sim_node links;
    sim_node packets; /* on their way */
    sim_node parked;  /* packets in a black hole */
    sim_node names;
    uint64_t ids_count;
    int64_t wall_clock_sec; /* how far it was set off */
};

/* Adds a line to the trace. */
void sim_trace(sim_world* world, const char* format, ...) __attribute__((format(printf, 2, 3)));
void* sim_alloc(size_t size);

/* ---- loops ---- */

struct sim_loop {
    tnd_loop loop;
    sim_world* world;
    sim_node node;
    char name[32];
    sim_faults faults;
    uint32_t uid;
    uint32_t gid;
    bool is_dead;
    bool is_stopped;
    bool is_turning;
    bool is_suspendable; /* the next turn runs on `fiber` */
    bool is_on_fiber;    /* the present turn does */
    bool is_suspended;   /* in the middle of it */
    sim_fiber* fiber;
    uint64_t last_turn_us;
    uint64_t turn_us; /* when the present turn began */
    sim_event turn;
    sim_loop_usage usage;
    /* Of the coming turn, and taken from there into the present one. */
    sim_node ready, turn_ready;     /* io_state.ready */
    sim_node due, turn_due;         /* timer_state.due */
    sim_node answers, turn_answers; /* lookup_state.node */
    tnd_task tasks, turn_tasks;     /* heads */
    tnd_task agains, turn_agains;
    sim_node ios;    /* all open ones */
    sim_node timers; /* all armed ones */
    sim_node lookups;
};

/* In tnd_io.priv. */
typedef struct sim_end sim_end;

typedef struct io_state {
    tnd_io* io;
    sim_end* end;           /* a stream, or */
    sim_listener* listener; /* a listener */
    unsigned edges;         /* not yet reported */
    unsigned again_events;
    tnd_task again;
    sim_node ready;
    sim_node open;
} io_state;

static inline sim_loop* sim_loop_of(tnd_loop* loop)
{
    return (sim_loop*)(void*)loop;
}

static inline io_state* sim_io_state(tnd_io* io)
{
    return (io_state*)(void*)io->priv;
}

/* Makes sure that a turn comes. */
void sim_loop_wake(sim_loop* self);

/* An edge for those of `events` that the mask has. */
void sim_io_edge(tnd_io* io, unsigned events);

/* Network operations of the seam, and what the loop needs of them. */
int sim_net_connect(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len);
int sim_net_connect_result(tnd_loop* loop, tnd_io* io);
int sim_net_listen(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len,
                   int backlog);
int sim_net_accept(tnd_loop* loop, tnd_io* io, tnd_io* ret_io);
int sim_net_peer(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer);
ssize_t sim_net_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size);
ssize_t sim_net_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count);
unsigned sim_net_readiness(tnd_io* io);
void sim_net_close(tnd_io* io); /* the socket only */

/* Opened and closed descriptors of a loop. -EMFILE when there are too many. */
int sim_io_open(sim_loop* self, tnd_io* io, sim_end* end, sim_listener* listener);

/* Loop part of world's life; network part. */
void sim_loop_free(sim_loop* self);
void sim_net_free(sim_world* world);

int sim_name_lookup_start(tnd_loop* loop, tnd_lookup* lookup, const char* host);
void sim_name_lookup_cancel(tnd_loop* loop, tnd_lookup* lookup);

typedef struct lookup_state {
    sim_event event;
    sim_node node; /* answers */
    sim_node open; /* lookups of the loop */
    tnd_lookup* lookup;
    char host[256];
} lookup_state;

/* Runs an answered look-up's callback. */
void sim_name_answer(lookup_state* state);
void sim_name_free_all(sim_world* world);

#endif
