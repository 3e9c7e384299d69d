/*
 * What the files of the tender share.
 *
 *     tender.c         its life; rounds; one queue of work, cut into turns
 *     tender_node.c    one node (or one address of a seed): look, connect, ask
 *     tender_answer.c  what its answers mean
 *     tender_ask.c     requests out of what is wanted, replies into values; no side effects
 *     tender_seed.c    rounds through the seeds, when no node is left or nodes fail
 *     tender_map.c     between the view and the published map: inherit, merge, publish
 *
 * The rules are in core/view.h. A node object lives as long as its id is tended in the view.
 */
#pragma once

#include "async/conn.h"
#include "async/tender.h"
#include "core/info.h"
#include "core/log.h"
#include "core/part.h"
#include "core/view.h"

#define TEND_REPLY_BYTES_MAX (512u * 1024)
#define TEND_TIMEOUT_MS 1000u     /* where conn_timeout_ms is 0 */
#define TEND_ASK_PAUSE_MS 10u     /* between two looks at a node that were asked for */
#define TEND_OTHERS_PAUSE_MS 100u /* between two looks at all others because of a failing one */
#define TEND_NOT_READY_MS 250u    /* a node that hasn't balanced yet is looked at again */
#define TEND_BACKOFF_MAX 8u       /* rounds between two looks at a node that doesn't answer */
#define TEND_FOLLOW_UPS_MAX 3u    /* requests in one look */
#define TEND_COLUMNS 3u           /* replicas:max */
#define TEND_LOOKS_PER_TURN 16u
#define TEND_MERGES_PER_TURN 8u /* bitmaps */
#define TEND_REMOVALS_PER_TURN 8u
#define TEND_REPLY_KEPT_BYTES (16u * 1024) /* of the buffer that claims wait in */
#define TEND_WORDS_PER_TURN 2048u
#define TEND_RESTAMPS_PER_TURN 4096u
#define TEND_SEEDS_MAX 64u
#define TEND_SEEDS_PER_TURN 8u
#define TEND_ATTEMPTS_MAX 64u /* addresses tried in one round through the seeds */
#define TEND_LOG_INTERVAL_MS 30000u

/* What a request asks, and so what its reply must hold. */
enum {
    TEND_ASK_POLL = 1,     /* node, generations: always */
    TEND_ASK_IDENTITY = 2, /* build, cluster name */
    TEND_ASK_AGENT = 4,    /* tell who we are; is it an admin port? */
    TEND_ASK_PEERS = 8,
    TEND_ASK_MAP = 16,
    TEND_ASK_SERVICE = 32, /* of seeds: is this the node's own address? */
    TEND_ASK_RACKS = 64,
};

/* A reply, checked; slices lie in its body. */
typedef struct tend_reply {
    tnd_slice node;
    uint64_t build;
    uint64_t peers_generation;
    int64_t partitions_generation;
    int64_t rebalance_generation; /* TND_VIEW_UNKNOWN: none */
    bool has_racks;
    tnd_info_racks racks;
    tnd_info_peers peers;
    tnd_info_hosts service;
    tnd_part_reader replicas;
} tend_reply;

typedef enum tend_state {
    TEND_IDLE,       /* until its next look; its connection may be open */
    TEND_QUEUED,     /* about to be looked at */
    TEND_RESOLVING,  /* its host names are looked up */
    TEND_CONNECTING, /* to one of its addresses */
    TEND_ASKING,     /* a request is out */
    TEND_MERGING,    /* its claims wait for being merged */
    TEND_HELD,       /* a seed that knows no other node: used if none does */
} tend_state;

typedef struct tend_host {
    char* name;
    uint16_t port;
} tend_host;

typedef struct tend_node tend_node;

struct tend_node {
    tnd_tender* tender;
    tend_node* next;
    uint32_t id;                        /* in the view; 0 = an address of a seed */
    uint32_t seed;                      /* while id is 0: which seed */
    char held_name[TND_VIEW_NAME_SIZE]; /* of a seed in state HELD */
    tend_state state;
    bool is_doomed; /* freed when the outermost callback ends */
    tnd_conn conn;
    tnd_view_addr addr; /* where the connection leads */
    tnd_timer timer;    /* deadline while busy, early look while idle */

    /* The present look. */
    uint64_t look_ms;   /* its start */
    uint32_t addr_next; /* of the view's addresses */
    uint32_t requests_count;
    unsigned asked;      /* TEND_ASK_*, of the request that is out */
    bool is_fresh;       /* the connection was opened in it */
    bool is_failed;      /* a failure was counted in it */
    bool is_resolved;    /* host names were looked up in it */
    bool is_asked;       /* look again when it is over */
    bool is_wanted;      /* commands met trouble there */
    uint64_t counted_ms; /* the last look whose failure was counted */
    bool is_of_round;    /* the present round waits for its end */

    uint64_t due_ms;    /* rounds before that leave the node alone */
    bool is_agent_sent; /* on this connection */
    bool is_admitted;   /* this connection's end was validated */
    bool was_down;      /* log lines */
    bool was_unready;

    /* Host names among its addresses. */
    uint32_t hosts_count;
    uint32_t host_next;
    tend_host hosts[TND_VIEW_ADDRS_MAX];
    tnd_lookup lookup;

    /* Claims to merge. */
    tnd_buf reply;
    tnd_part_reader replicas;
    int64_t generation;
    tnd_part_claim claim;
    tnd_view_claims claims;
    uint32_t column;
    bool has_claim;
    tend_node* queue_next;

    tnd_log_gate gate;
};

typedef struct tend_queue {
    tend_node* first;
    tend_node** last;
} tend_queue;

typedef struct tend_seed {
    char* name;
    uint16_t port;
    bool is_looking; /* `lookup` runs */
    tnd_tender* tender;
    tnd_lookup lookup;
} tend_seed;

typedef enum tend_phase {
    TEND_PHASE_RESTAMP,
    TEND_PHASE_INHERIT,
    TEND_PHASE_RUN,
    TEND_PHASE_STOPPED,
} tend_phase;

struct tnd_tender {
    tnd_loop* loop;
    const as_config* config;
    tnd_member* member;
    tnd_resolver* resolver;
    const tnd_tender_handler* handler;
    void* udata;
    uint64_t interval_ms;
    uint64_t timeout_ms;

    tend_phase phase;
    uint32_t pins;   /* callbacks of ours that run: nothing is freed meanwhile */
    uint32_t cursor; /* of restamp and inherit */
    tnd_view* view;
    tend_node* nodes; /* all of them, seeds' addresses included */
    tend_node* by_id[TND_VIEW_NODES_MAX + 1];
    bool has_doomed;
    bool is_released; /* stopped by the worker: freed by the outermost callback */

    tnd_task work;
    tnd_timer round;
    uint64_t round_ms;
    uint64_t others_ms; /* the last look at all others because of a failing one */
    tend_queue looks;
    tend_queue merges;
    bool needs_settle;

    bool may_publish;   /* the map is complete enough to be shown */
    bool has_directory; /* one is published */
    bool is_published_told;
    tnd_node_rec* records; /* room for a directory: nodes_capacity + 1 */
    tnd_ns_rec* ns_records;

    tend_seed seeds[TEND_SEEDS_MAX];
    uint32_t seeds_count;
    uint32_t seeds_started; /* in the present round */
    bool is_seeding;
    uint32_t attempts_count; /* addresses and look-ups of the present round that aren't done */
    uint64_t seed_due_ms;
    bool is_seed_unready;
    tnd_timer seed_timer; /* bounds look-ups, then spaces rounds */
    as_error seed_error;  /* of the last seed that failed */

    char agent[TND_INFO_USER_AGENT_COMMAND_SIZE];
    uint32_t nodes_needed_told;
    uint32_t namespaces_needed_told;
    tnd_log_gate seeds_gate;
    tnd_log_gate nodes_gate;
    tnd_log_gate arena_gate;

    /* The present round, for the counters. */
    uint64_t round_start_us; /* 0: none yet */
    uint32_t round_looks;    /* of it that haven't ended */
    bool is_round_heard;     /* a node has answered since it began */

    bool is_measured;
    uint64_t cpu_us;
    tnd_tender_stats stats;
};

/* ---- tender.c ---- */

static inline uint64_t tend_now_ms(const tnd_tender* t)
{
    return tnd_loop_now_ms(t->loop);
}

/* Around every callback of the loop. After leave the tender may be gone. */
void tend_enter(tnd_tender* t);
void tend_leave(tnd_tender* t);

/* There is something to do in the next turn. */
void tend_kick(tnd_tender* t);
void tend_queue_push(tend_queue* queue, tend_node* node);

/* A look that the present round waits for is over. */
void tend_round_note(tend_node* node);

/* A node has answered. */
void tend_heard(tnd_tender* t);

/* Everything closes; the handler's callback follows. */
void tend_fenced(tnd_tender* t);
void tend_exhausted(tnd_tender* t, as_error* err);
void tend_lacks_memory(tnd_tender* t, const char* text);

/* ---- tender_ask.c ---- */

void tend_request(const tnd_tender* t, unsigned asked, tnd_buf* buf);

/* Checks everything that was asked for. Else `err` says what is wrong with the node. */
as_status tend_reply_read(const tnd_tender* t, unsigned asked, tnd_slice body,
                          tend_reply* ret_reply, as_error* err);

/* The address behind a host's name if that is numeric, after config->ip_map; else *ret_name is the
 * name to look up. `room` holds TND_INFO_HOST_CHARS_MAX + 1. */
bool tend_host_parse(const tnd_tender* t, const tnd_info_host* host, char* room,
                     tnd_view_addr* ret_addr);
void tend_addr_text(const tnd_view_addr* addr, char* ret_text, size_t size);
bool tend_addr_parse(const char* name, uint16_t port, tnd_view_addr* ret_addr);
void tend_addr_from_lookup(const tnd_lookup_addr* from, uint16_t port, tnd_view_addr* ret_addr);
const char* tend_ip_map(const tnd_tender* t, const char* name);

/* ---- tender_node.c ---- */

/* For a node of the view, or (id 0) for an address of a seed. NULL without memory. */
tend_node* tend_node_new(tnd_tender* t, uint32_t id);
void tend_node_close(tend_node* node);
void tend_node_doom(tend_node* node);
void tend_node_free(tend_node* node);

/* Look at it in the next turns, if it isn't being looked at. */
void tend_node_look(tend_node* node);
void tend_node_start(tend_node* node);

/* Another host name for its addresses; one too many is left out. False without memory. */
bool tend_node_add_host(tend_node* node, const char* name, uint16_t port);

/* The steps of a look. Each may end in tend_exhausted(). */
void tend_node_connect(tend_node* node, const tnd_view_addr* addr);
void tend_node_next_address(tend_node* node);
void tend_node_ask(tend_node* node);
void tend_node_go_on(tend_node* node);

/* The present attempt is over. A kept connection that has died is replaced at once; with
 * `is_counted`, and on a new connection, it's a failure of the node. */
void tend_node_attempt_failed(tend_node* node, const as_error* err, bool is_counted);

/* The look is over; the next one in `delay_ms`, or with the round (0). */
void tend_node_rest(tend_node* node, uint64_t delay_ms);

static inline tnd_view_node* tend_node_view(const tend_node* node)
{
    return tnd_view_get(node->tender->view, node->id);
}

/* ---- tender_answer.c ---- */

void tend_node_answered(tend_node* node, const tend_reply* reply);

/* Its claims were merged, or (`problem`) can't be read. */
void tend_node_merged(tend_node* node, const char* problem);

/* A seed's address becomes a node: then it's told what it answered, or asked once more. */
void tend_node_adopt(tend_node* node, uint32_t id);

/* ---- tender_seed.c ---- */

bool tend_seeds_init(tnd_tender* t);
void tend_seeds_done(tnd_tender* t);
void tend_seeds_learn(tnd_tender* t);

/* Start a round if one is due. */
void tend_seeds_check(tnd_tender* t);

/* A round's next seeds, a few. False if none is to be started. */
bool tend_seeds_go_on(tnd_tender* t);

/* An address of a seed answered (`reply` valid during the call) or failed. */
void tend_seed_answered(tend_node* node, const tend_reply* reply);
void tend_seed_failed(tend_node* node, const as_error* err, bool is_unready);

/* ---- tender_map.c ---- */

/* One turn of restamping and inheriting; moves t->phase on. */
void tend_inherit(tnd_tender* t);

/* Merge up to TEND_MERGES_PER_TURN columns. */
void tend_merge(tnd_tender* t);

/* One turn of publishing; false if there is nothing (more) to publish. */
bool tend_publish(tnd_tender* t);
