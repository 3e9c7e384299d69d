/*
 * What this process keeps of a node: its connections. One object per node slot of the map, made
 * when a command first needs it, checked against the slot's generation when used and replaced when
 * that differs; an object that was replaced lives until its last connection has done its work.
 *
 * A link is a connection with the seats of the requests that wait for their reply on it, in order:
 * the server answers in order, names no request, and works on one request per connection at a time
 * (protocol/records.md 8). So connections are what makes a node work in parallel, and depth is what
 * hides the way there and saves system calls:
 *
 *   - a request gets an idle link, or a new one;
 *   - but reads, once `share_links` links have reads: they share the shortest queue among those;
 *   - writes, which make the server wait for replicas, share only when no more links may be opened,
 *     and nobody reads behind one unless that, too, is so;
 *   - who asks for a link of its own (large requests, UDFs, scans, batches) is followed by nobody;
 *   - no link gets more than `depth` requests, nor replies of more than `share_bytes` expected in
 *     all: a server that can't get rid of a reply blocks one of its threads;
 *   - a link on which a late reply is due gets nothing new until that has come.
 *
 * Processes of a host may have limits in common (shm/shares.h): a link beyond them isn't opened, or
 * waits for its turn to connect.
 *
 *     OPENING -> BUSY <-> IDLE, BUSY -> DRAINING -> BUSY or IDLE; from each to FAILED, the end
 *
 * Happy path: tnd_node_acquire (a seat; on_open follows if the link isn't connected yet),
 * tnd_link_send, on_reply, tnd_link_release. IDLE links are watched: an end of file or a byte
 * closes them. Failure modes: on_fail once for each seat, with the link closed; a command that
 * gives up leaves a tombstone in its seat (tnd_link_abandon) that swallows the late reply, for a
 * limited time.
 */
#pragma once

#include "async/breaker.h"
#include "async/conn.h"
#include "shm/stats.h"

/* Links that nobody used for so long are trimmed. */
#define TND_LINK_TRIM_MS 55000u
/* How often that is looked at, at the least. */
#define TND_LINK_TRIM_PERIOD_MS 10000u
/* Links to be had ahead are opened a few at a time per node, the first ones within this after the
 * start, so that the processes of a host don't do it all at once. */
#define TND_POOL_WARM_SPREAD_MS 1000u
#define TND_POOL_WARM_STEP_MS 100u
#define TND_POOL_WARM_LINKS 4u
/* Longest waits for one's turn to connect, where the host's processes take turns. */
#define TND_LINK_TURN_US_MAX 1000000u
#define TND_LINK_FIRST_TURN_US_MAX 30000000u

typedef struct tnd_node tnd_node;
typedef struct tnd_link tnd_link;
typedef struct tnd_pool tnd_pool;

typedef enum tnd_link_state {
    TND_LINK_OPENING,  /* connecting, or waiting for its turn to; for those that have a seat */
    TND_LINK_IDLE,     /* no seat is taken */
    TND_LINK_BUSY,     /* replies are due */
    TND_LINK_DRAINING, /* a late reply is due, and perhaps others */
    TND_LINK_FAILED,   /* closed; seats are being told */
} tnd_link_state;

/* What a request asks of its connection. */
typedef enum tnd_link_lane {
    TND_LANE_READ,
    TND_LANE_WRITE,
    TND_LANE_ALONE, /* no request behind it, unless no more links may be opened */
} tnd_link_lane;

typedef struct tnd_link_list {
    tnd_link* first;
    tnd_link* last;
} tnd_link_list;

/* The place of a request in the order of replies. */
typedef struct tnd_seat {
    void* owner;          /* whose reply it is; NULL: a tombstone */
    uint64_t sent_mark;   /* of conn.sent_bytes: the request is out; UINT64_MAX: not sent yet */
    uint32_t reply_bytes; /* expected */
    bool is_stream;       /* the reply is many frames, up to one marked as the last */
} tnd_seat;

struct tnd_link {
    tnd_conn conn;
    tnd_node* node;
    tnd_link_list* list; /* of the node, and the neighbours in it */
    tnd_link* next;
    tnd_link* prev;
    tnd_link* next_unflushed;
    tnd_link_state state;
    bool is_unflushed;       /* in the pool's list of those */
    bool is_alone;           /* whoever has it wants nobody behind */
    bool is_reading;         /* counted in node->reading_count: all its seats are reads */
    uint32_t tombstones;     /* among the seats */
    uint64_t reply_bytes;    /* expected, over all seats */
    uint64_t consumed_bytes; /* of the connection's received_bytes, those of whole replies */
    uint64_t idle_since_ms;
    const void* share_base; /* the map in which it is counted; NULL: in none */
    as_error* broken_err;   /* what the owners will be told, while it is in the pool's `broken` */
    tnd_timer timer;      /* OPENING: its turn, or the end of connecting ahead; DRAINING: the oldest
                           * tombstone's time */
    uint32_t seats_first; /* numbers go on for ever; a seat lies at its number modulo the size */
    uint32_t seats_count; /* taken */
    uint32_t seats_mask;  /* size - 1, a power of two less one */
    tnd_seat seats[];
};

struct tnd_node {
    tnd_pool* pool;
    tnd_node* next; /* among the replaced ones */
    tnd_node* prev;
    uint32_t index;
    uint32_t generation;
    uint64_t dir_version; /* of the map's copy against which it was checked last */
    bool is_replaced;     /* not in the table any more: no new commands */
    bool is_orphan;       /* the pool is closed; whoever holds the object frees it */
    uint32_t addr_turn;   /* which address the next connection tries */
    uint32_t addrs_count;
    tnd_node_addr addrs[TND_NODE_ADDRS_MAX];
    char name[TND_NODE_NAME_SIZE];
    tnd_link_list idle;     /* the most recently used first */
    tnd_link_list reading;  /* OPENING and BUSY with reads and room, the longest unused first */
    tnd_link_list mixed;    /* the same with others */
    tnd_link_list taken;    /* without room: full, alone, or draining */
    uint32_t reading_count; /* links with reads and nothing else */
    uint32_t links_count;   /* all of them, and holds of running callbacks */
    uint64_t errors;        /* tally: of this process with this node */
    tnd_breaker breaker;
    uint64_t warm_ms;     /* no link is opened ahead before */
    uint32_t reply_bytes; /* what is expected of a reply: the largest of late, forgotten slowly */
};

/* What the owner of a seat is told, always from the loop. In each the seat may be released or
 * abandoned, the link broken, and the pool closed. */
typedef struct tnd_link_handler {
    /* Connected: send. */
    void (*on_open)(void* owner, tnd_link* link);

    /* One whole frame. */
    void (*on_reply)(void* owner, tnd_link* link, uint8_t type, const uint8_t* body, size_t size);

    /* It couldn't connect, or broke; `was_open` tells which. `was_sent`: the owner's request was
     * out completely. The seat is gone already and the link goes when this returns. */
    void (*on_fail)(void* owner, tnd_link* link, bool was_open, bool was_sent, as_error* err);
} tnd_link_handler;

/* What a pool may do to a node. */
typedef struct tnd_pool_limits {
    uint32_t links_min;        /* not trimmed below */
    uint32_t links_max;        /* at most */
    uint32_t share_links;      /* as many links have reads before reads share */
    uint32_t depth;            /* requests on one link */
    uint32_t share_bytes;      /* of replies expected on one link */
    uint32_t drain_ms;         /* how long a link that others wait on is kept for a late reply */
    uint64_t idle_max_ms;      /* 0: links aren't refused for their age, only trimmed */
    uint32_t errors_max;       /* in a window, before the node is left alone; 0: any number */
    uint64_t errors_window_ms; /* length of that */
    bool errors_are_shared;    /* those of all processes of the host count */
    uint32_t host_links_max;   /* of all processes of the host; 0: any number */
    uint32_t turn_us;          /* all processes of the host open one link in this time; 0: any */
    uint32_t connect_ms;       /* for links that are opened ahead */
} tnd_pool_limits;

/* All nodes of one client on one loop. */
struct tnd_pool {
    tnd_loop* loop;
    const tnd_link_handler* handler;
    tnd_pool_limits limits;
    tnd_stats* stats;     /* NULL: nothing is counted */
    tnd_map* map;         /* the one that is routed by; its owner tells when it changes */
    uint32_t slot;        /* of this process in it, TND_MEMBER_NONE: none */
    tnd_task turn;        /* the end of the present turn */
    tnd_link* unflushed;  /* links with requests to be written then */
    tnd_link_list broken; /* links whose owners are to be told then */
    tnd_node** nodes;     /* by node index, nodes_capacity + 1 */
    uint32_t nodes_capacity;
    const void* map_base; /* which map the table belongs to */
    int map_shm_id;
    tnd_node* replaced;
    tnd_timer trim;
    tnd_timer warm;
    bool is_warmed; /* the first links ahead were or are about to be opened */
};

/* `handler` is borrowed. Allocates nothing. tnd_pool_set_map comes before anything else. */
void tnd_pool_init(tnd_pool* pool, tnd_loop* loop, const tnd_link_handler* handler,
                   const tnd_pool_limits* limits);

/* Routing goes by this map from now on, in which this process has that slot: before the former one
 * is closed. Both are borrowed. No callback. */
void tnd_pool_set_map(tnd_pool* pool, tnd_map* map, uint32_t slot);

/* The node of an index, checked against the map's present copy; NULL if the index holds no active
 * node, or without memory. Valid until the loop's next turn. */
tnd_node* tnd_pool_make_node(tnd_pool* pool, tnd_map* map, uint32_t node_index);

static inline tnd_node* tnd_pool_node(tnd_pool* pool, tnd_map* map, uint32_t node_index)
{
    bool is_followed = pool->nodes && pool->map_base == map->base &&
                       pool->map_shm_id == map->shm_id && node_index <= pool->nodes_capacity &&
                       pool->nodes_capacity == map->nodes_capacity;
    tnd_node* node = is_followed ? pool->nodes[node_index] : NULL;
    return node && node->dir_version == map->dir_version
               ? node
               : tnd_pool_make_node(pool, map, node_index);
}

/* The directory changed, or the map is another one: let go what isn't in it any more. */
void tnd_pool_check(tnd_pool* pool, tnd_map* map);

/* There is a map, or another one: open links ahead, if the limits say so. */
void tnd_pool_warm(tnd_pool* pool);

/* Closes idle and draining links; those in use close when they are released. */
void tnd_pool_drain(tnd_pool* pool);

/* Closes everything without a callback and frees all memory but the struct. Idempotent, accepts
 * zeroed storage. */
void tnd_pool_close(tnd_pool* pool);

typedef enum tnd_acquire {
    TND_ACQUIRE_READY,   /* *ret_link is connected: send */
    TND_ACQUIRE_OPENING, /* on_open or on_fail follows */
    TND_ACQUIRE_FULL,    /* as many links as may be, and each is full */
    TND_ACQUIRE_FAILED,  /* the socket can't be opened: `err` is set */
    TND_ACQUIRE_BROKEN,  /* the node failed too often lately: `err` is set */
} tnd_acquire;

/* A seat for `owner` by the rules above. `*ret_seat` is its number on `*ret_link`. */
tnd_acquire tnd_node_acquire(tnd_node* node, tnd_link_lane lane, void* owner, tnd_link** ret_link,
                             uint32_t* ret_seat, as_error* err);

/* A request, whole, once per seat. Written at once on a link that has no other; behind others at
 * the end of the turn. `is_stream`: its reply is many frames up to one with the last-flag; on_reply
 * is called for each. */
void tnd_link_send(tnd_link* link, uint32_t seat, const uint8_t* bytes, size_t size,
                   bool is_stream);

/* Was the request handed to the kernel completely? */
static inline bool tnd_link_is_out(const tnd_link* link, uint32_t seat)
{
    return link->conn.sent_bytes >= link->seats[seat & link->seats_mask].sent_mark;
}

/* The reply of the first seat was read to its end. The link isn't the owner's any more; it is
 * closed if nobody waits and more than the replies came, or the node was replaced. */
void tnd_link_release(tnd_link* link);

/* The owner of a seat gives up. A request that is out leaves a tombstone for its late reply, for
 * `delay_ms`; with 0 only for the sake of others who wait on the link, and for the pool's drain_ms.
 * A link with a request that isn't out can't go on: it is closed, and others are told. True if the
 * link is kept. */
bool tnd_link_abandon(tnd_link* link, uint32_t seat, uint32_t delay_ms);

/* The owner of a seat has seen that the replies can't be trusted, which is the node's fault: closes
 * the link and tells the others, with this error. */
void tnd_link_break(tnd_link* link, uint32_t seat, const as_error* err);

/* An error of the node that leaves its connection as it is, for its circuit breaker: see
 * breaker.h. Links that fail, or that a late reply didn't reach, are counted here already. */
void tnd_node_note_error(tnd_node* node);
