/*
 * What this process keeps of a node: its connections. One object per node slot of the map, made
 * when a command first needs it, checked against the slot's generation when used and replaced when
 * that differs; an object that was replaced lives until its last connection has done its work.
 *
 * A link is a connection with the requests that wait for their reply on it, in order: the server
 * answers in order and names no request. At most one for now (TND_LINK_DEPTH).
 *
 *     OPENING -> BUSY <-> IDLE, BUSY -> DRAINING -> IDLE; from each to the end
 *
 * Happy path: tnd_node_acquire (an idle link, or a new one that calls on_open), tnd_link_send,
 * on_reply, tnd_link_release. IDLE links are watched: an end of file or a byte closes them.
 * Failure modes: on_fail once, with the link gone; a command that gives up leaves a tombstone
 * (tnd_link_abandon) that swallows the late reply, or closes the link.
 */
#pragma once

#include "async/breaker.h"
#include "async/conn.h"
#include "shm/stats.h"

/* Links that nobody used for so long are trimmed. */
#define TND_LINK_TRIM_MS 55000u
/* How often that is looked at. */
#define TND_LINK_TRIM_PERIOD_MS 10000u

/* Requests on one connection at a time. */
#define TND_LINK_DEPTH 1u

typedef struct tnd_node tnd_node;
typedef struct tnd_link tnd_link;
typedef struct tnd_pool tnd_pool;

typedef enum tnd_link_state {
    TND_LINK_OPENING,  /* connecting, for the command that waits for it */
    TND_LINK_IDLE,     /* in the pool */
    TND_LINK_BUSY,     /* a command has it */
    TND_LINK_DRAINING, /* nobody's: a late reply is due */
} tnd_link_state;

struct tnd_link {
    tnd_conn conn;
    tnd_node* node;
    tnd_link* next; /* in the node's list of its state */
    tnd_link* prev;
    tnd_link_state state;
    void* owner;             /* the command that opens it or waits for its reply; NULL: nobody's */
    uint64_t consumed_bytes; /* of the connection's received_bytes, those of whole replies */
    uint64_t idle_since_ms;
    tnd_timer drain;
};

typedef struct tnd_link_list {
    tnd_link* first;
    tnd_link* last;
} tnd_link_list;

struct tnd_node {
    tnd_pool* pool;
    tnd_node* next; /* among the replaced ones */
    tnd_node* prev;
    uint32_t index;
    uint32_t generation;
    uint64_t dir_version; /* of the map's copy against which it was checked last */
    bool is_replaced;     /* not in the table any more: no new commands */
    uint32_t addr_turn;   /* which address the next connection tries */
    uint32_t addrs_count;
    tnd_node_addr addrs[TND_NODE_ADDRS_MAX];
    char name[TND_NODE_NAME_SIZE];
    tnd_link_list idle; /* the most recently used first */
    tnd_link_list busy; /* OPENING, BUSY */
    tnd_link_list draining;
    uint32_t links_count; /* all of them */
    uint64_t errors;      /* tally: of this process with this node */
    tnd_breaker breaker;
};

/* What the owner of a link is told, always from the loop. In each the link may be released,
 * abandoned or closed, and the pool closed. */
typedef struct tnd_link_handler {
    /* Connected: send. */
    void (*on_open)(void* owner, tnd_link* link);

    /* One whole frame. */
    void (*on_reply)(void* owner, tnd_link* link, uint8_t type, const uint8_t* body, size_t size);

    /* It couldn't connect, or broke; `was_open` tells which. The link is closed already and goes
     * when this returns. What its connection has sent can still be read. */
    void (*on_fail)(void* owner, tnd_link* link, bool was_open, as_error* err);
} tnd_link_handler;

/* What a pool may do to a node. */
typedef struct tnd_pool_limits {
    uint32_t links_min;        /* not trimmed below */
    uint32_t links_max;        /* at most */
    uint64_t idle_max_ms;      /* 0: links aren't refused for their age, only trimmed */
    uint32_t errors_max;       /* in a window, before the node is left alone; 0: any number */
    uint64_t errors_window_ms; /* length of that */
    bool errors_are_shared;    /* those of all processes of the host count */
} tnd_pool_limits;

/* All nodes of one client on one loop. */
struct tnd_pool {
    tnd_loop* loop;
    const tnd_link_handler* handler;
    tnd_pool_limits limits;
    tnd_stats* stats; /* NULL: nothing is counted */
    tnd_map* map;     /* the one that is routed by; its owner tells when it changes */
    uint32_t slot;    /* of this process in it, TND_MEMBER_NONE: none */
    tnd_node** nodes; /* by node index, nodes_capacity + 1 */
    uint32_t nodes_capacity;
    const void* map_base; /* which map the table belongs to */
    int map_shm_id;
    tnd_node* replaced;
    tnd_timer trim;
};

/* `handler` is borrowed. Allocates nothing. tnd_pool_set_map comes before anything else. */
void tnd_pool_init(tnd_pool* pool, tnd_loop* loop, const tnd_link_handler* handler,
                   const tnd_pool_limits* limits);

/* Routing goes by this map from now on, in which this process has that slot: before the former one
 * is closed. Both are borrowed. No callback. */
void tnd_pool_set_map(tnd_pool* pool, tnd_map* map, uint32_t slot);

/* The node of an index, checked against the map's present copy; NULL if the index holds no active
 * node, or without memory. Valid until the loop's next turn. */
tnd_node* tnd_pool_node(tnd_pool* pool, tnd_map* map, uint32_t node_index);

/* The directory changed, or the map is another one: let go what isn't in it any more. */
void tnd_pool_check(tnd_pool* pool, tnd_map* map);

/* Closes idle and draining links; those in use close when they are released. */
void tnd_pool_drain(tnd_pool* pool);

/* Closes everything without a callback and frees all memory but the struct. Idempotent, accepts
 * zeroed storage. */
void tnd_pool_close(tnd_pool* pool);

typedef enum tnd_acquire {
    TND_ACQUIRE_READY,   /* *ret_link is connected: send */
    TND_ACQUIRE_OPENING, /* on_open or on_fail follows */
    TND_ACQUIRE_FULL,    /* links_max are in use */
    TND_ACQUIRE_FAILED,  /* the socket can't be opened: `err` is set */
    TND_ACQUIRE_BROKEN,  /* the node failed too often lately: `err` is set */
} tnd_acquire;

/* The most recently used idle link, or a new one, for `owner`. */
tnd_acquire tnd_node_acquire(tnd_node* node, void* owner, tnd_link** ret_link, as_error* err);

/* A request, whole. Returns the value of link->conn.sent_bytes from which on it is out completely.
 */
uint64_t tnd_link_send(tnd_link* link, const uint8_t* bytes, size_t size);

/* The reply was read to its end: back to the pool, or closed if more than it came, or if the node
 * was replaced. The link isn't the owner's any more. */
void tnd_link_release(tnd_link* link);

/* The owner gives up. A request that is out keeps the link for `delay_ms`, for its late reply;
 * otherwise, and with 0, the link is closed. True if it is kept. */
bool tnd_link_abandon(tnd_link* link, uint32_t delay_ms);

/* No callback afterwards. */
void tnd_link_close(tnd_link* link);

/* The same, and it's the node's fault: it didn't answer in time, or not as it should. */
void tnd_link_fail(tnd_link* link);

/* An error of the node that leaves its connection as it is, for its circuit breaker: see
 * breaker.h. Links that fail, or that a late reply didn't reach, are counted here already. */
void tnd_node_note_error(tnd_node* node);
