/*
 * The cluster as a value: what the nodes have said so far, merged (protocol/cluster.md 3.5, 4.5 to
 * 4.8). Pure: whoever tends tells it what was observed, asks it what to do next, and does that.
 *
 *     observations                                    what follows from them
 *     tnd_view_admit, _poll, _fail, _renamed          tnd_view_wants: ask for peers, for partitions
 *     tnd_view_peers_begin, _peer, _peers_end         tnd_view_settle: these nodes are gone
 *     tnd_view_claim, _claim_column, _claims_end      is_directory_dirty: publish the directory
 *                                                     tnd_view_take_word: publish this partition
 *
 * A node is known by its name and has an id here, and, once it was validated, an index in the
 * published node table. More nodes than the table holds get no index: they are tended all the same,
 * and partitions that they own say that an owner is missing. An index goes to another node only
 * when no published word names it and a quarantine is over.
 *
 * Who owns a partition. The highest regime wins, then the claim that came last; the node whose
 * claim was displaced is to be asked again, so that a conflict resolves. A node that stops to claim
 * a partition stays its owner until another node claims it or it leaves the cluster: it still
 * passes commands on, and an empty slot doesn't. One node may hold several columns of a partition.
 */
#ifndef TENDRIL_CORE_VIEW_H
#define TENDRIL_CORE_VIEW_H

#include "core/digest.h"
#include "core/info.h"
#include "core/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_VIEW_NODES_MAX = 1023,    /* ids are 1 .. this; more nodes are ignored */
    TND_VIEW_INDEX_MAX = 511,     /* of the published table */
    TND_VIEW_NAMESPACES_MAX = 32, /* of the published table, as servers have */
    TND_VIEW_SURPLUS_MAX = 64,    /* namespaces without a table that are remembered by name */
    TND_VIEW_COLUMNS = 3,         /* replicas that are kept */
    TND_VIEW_ADDRS_MAX = 4,       /* per node */
    TND_VIEW_NAME_SIZE = 24,
    TND_VIEW_NS_SIZE = 32,
    TND_VIEW_QUARANTINE_MS = 10000, /* an index isn't given to another node for so long */
    TND_VIEW_FAILURES_MAX = 5,      /* polls failed in a row that end a node if none answers */
};

#define TND_VIEW_NO_RACK (-1)
#define TND_VIEW_UNKNOWN (-1) /* a generation that differs from every generation of a node */

typedef struct tnd_view_addr {
    uint8_t family;    /* AF_INET or AF_INET6 */
    uint16_t port;     /* host order */
    uint8_t bytes[16]; /* network order; unused ones are 0 */
} tnd_view_addr;

/* On which rack a node keeps a namespace. */
typedef struct tnd_view_rack {
    char ns[TND_VIEW_NS_SIZE];
    int32_t id;
} tnd_view_rack;

typedef enum tnd_view_state {
    TND_VIEW_FREE = 0,
    TND_VIEW_CANDIDATE, /* named by a peer, not validated yet */
    TND_VIEW_ACTIVE,    /* a node of the cluster, be it failing at present */
    TND_VIEW_LEAVING,   /* removed; published words may still name it */
} tnd_view_state;

/* Read freely; written by the functions below only. */
typedef struct tnd_view_node {
    tnd_view_state state;
    char name[TND_VIEW_NAME_SIZE];
    uint32_t index; /* in the published table; 0 = none */
    uint64_t build; /* as tnd_info_build */
    uint32_t addrs_count;
    tnd_view_addr addrs[TND_VIEW_ADDRS_MAX]; /* the validated one of an active node first */

    uint32_t failures; /* in a row */
    bool is_heard;     /* the last thing that we know of it is an answer, and that was to us */
    bool is_ready;     /* has balanced since its start: its partition generation isn't -1 */
    bool is_fetched;   /* its claims were merged once since we tend */
    bool has_lost;     /* a claim of it lost to a higher regime */

    uint64_t peers_seen;     /* generation as polled; it goes down when the process restarts */
    bool has_peers;          /* the list below is one of this process */
    bool is_peers_due;       /* the generation has moved since the list was fetched */
    int64_t partitions_seen; /* as polled */
    int64_t partitions_generation; /* of the claims that were merged */
    uint32_t peers_count;
    uint32_t slots_count;     /* (partition, column) pairs that it owns and claims */
    int64_t racks_seen;       /* generation of the rack ids as polled; it is that of rebalancing */
    int64_t racks_generation; /* of those below */
    uint32_t racks_count;
    tnd_view_rack racks[TND_VIEW_NAMESPACES_MAX];
    uint64_t peers[(TND_VIEW_NODES_MAX + 1) / 64]; /* by id */
} tnd_view_node;

typedef enum tnd_view_slot_state {
    TND_VIEW_SLOT_FREE = 0,
    TND_VIEW_SLOT_HELD,        /* by node `id` */
    TND_VIEW_SLOT_QUARANTINED, /* since `since_ms` */
} tnd_view_slot_state;

/* One entry of the published node table. */
typedef struct tnd_view_slot {
    tnd_view_slot_state state;
    uint32_t generation; /* raised when the node, its process or its first address changes */
    uint32_t id;
    uint64_t since_ms;
    char name[TND_VIEW_NAME_SIZE]; /* the present or last holder */
} tnd_view_slot;

/* A namespace with its partitions. Its number is its place in tnd_view.namespaces and the number of
   its published table. */
typedef struct tnd_view_ns {
    char name[TND_VIEW_NS_SIZE];
    uint32_t replicas; /* effective factor, as the last node said */
    bool is_sc;        /* a regime other than 0 was seen */
    bool is_published; /* its words were published once: the directory may name it */
    uint32_t dirty_count;
    uint64_t dirty[TND_PARTITION_COUNT / 64];               /* partitions to publish */
    uint32_t* regimes;                                      /* NULL while all are 0 */
    uint16_t owners[TND_VIEW_COLUMNS][TND_PARTITION_COUNT]; /* ids; 0 = none */
    uint8_t stale[TND_PARTITION_COUNT]; /* bit c: the owner of column c claims it no more */
} tnd_view_ns;

typedef struct tnd_view {
    uint32_t nodes_capacity; /* of the published table */
    uint32_t namespaces_capacity;
    uint32_t ids_count;                           /* ids 1 .. ids_count have been in use */
    tnd_view_node* nodes[TND_VIEW_NODES_MAX + 1]; /* by id, NULL where never used */
    tnd_view_slot slots[TND_VIEW_INDEX_MAX + 1];  /* by index; 0 unused */
    uint32_t slots_count;                         /* highest index ever used */
    uint32_t namespaces_count;
    tnd_view_ns* namespaces[TND_VIEW_NAMESPACES_MAX];
    uint32_t surplus_count; /* namespaces beyond the capacity */
    char surplus[TND_VIEW_SURPLUS_MAX][TND_VIEW_NS_SIZE];
    uint32_t active_count;   /* nodes in state ACTIVE: what the cluster has */
    uint32_t unplaced_count; /* of these, without an index */
    bool is_directory_dirty; /* set here; cleared by whoever publishes it */
    bool has_lacked_memory;  /* something was left out; see tnd_view_take_lack */
} tnd_view;

/* Was anything left out for lack of memory since this was asked last? Answers of 0 or false may
   have other reasons, which go on; after this one the same observation is worth another try. */
static inline bool tnd_view_take_lack(tnd_view* view)
{
    bool has_lacked = view->has_lacked_memory;
    view->has_lacked_memory = false;
    return has_lacked;
}

/* Capacities are at most TND_VIEW_INDEX_MAX and TND_VIEW_NAMESPACES_MAX (asserted). NULL when out
   of memory. */
tnd_view* tnd_view_new(uint32_t nodes_capacity, uint32_t namespaces_capacity);
void tnd_view_free(tnd_view* view);

/* --- the published map, taken over from a predecessor: before any observation --- */

/* A record of the published node table. `slot_state` HELD makes an active node that hasn't answered
   us yet. False if the record makes no sense (then it's left out) or memory lacks. */
bool tnd_view_inherit_node(tnd_view* view, uint32_t index, tnd_view_slot_state slot_state,
                           uint32_t generation, const char* name, uint64_t build,
                           const tnd_view_addr* addrs, uint32_t addrs_count, uint64_t now_ms);

/* A namespace; in the order of the tables. */
bool tnd_view_inherit_namespace(tnd_view* view, const char* name, uint32_t replicas, bool is_sc);

/* A partition as published: node indexes by column. An index without a node is repaired. */
bool tnd_view_inherit_partition(tnd_view* view, uint32_t ns, uint32_t partition,
                                const uint32_t indexes[TND_VIEW_COLUMNS], uint32_t regime);

/* A node's rack as published, after its namespace; of a node without one or an index without a node
   nothing is noted. */
void tnd_view_inherit_rack(tnd_view* view, uint32_t index, uint32_t ns, int32_t rack);

/* --- nodes --- */

/* 0 if no candidate or active node has that name. */
uint32_t tnd_view_find(const tnd_view* view, tnd_slice name);

static inline tnd_view_node* tnd_view_get(const tnd_view* view, uint32_t id)
{
    return view->nodes[id];
}

static inline bool tnd_view_is_tended(const tnd_view* view, uint32_t id)
{
    return view->nodes[id] && (view->nodes[id]->state == TND_VIEW_CANDIDATE ||
                               view->nodes[id]->state == TND_VIEW_ACTIVE);
}

bool tnd_view_addr_equals(const tnd_view_addr* a, const tnd_view_addr* b);

/* A node known by name only, or the one that has the name already. 0 if there are too many nodes or
   memory lacks. The name was checked by the caller (tnd_info_node_name). */
uint32_t tnd_view_propose(tnd_view* view, tnd_slice name);

/* Another address of a node. It goes behind the known ones while the node answers, before them
   while it doesn't (the same node at a new address). False if it was known or there is no room. */
bool tnd_view_offer(tnd_view* view, uint32_t id, const tnd_view_addr* addr);

typedef enum tnd_view_admission {
    TND_VIEW_ADMIT_NEW, /* a candidate has become a node of the cluster */
    TND_VIEW_ADMIT_SAME,
    TND_VIEW_ADMIT_MOVED, /* it answers at another address than before */
} tnd_view_admission;

/* The node at `addr` was validated on a new connection: name, build and cluster are right.
   Everything that it said before is asked anew. */
tnd_view_admission tnd_view_admit(tnd_view* view, uint32_t id, const tnd_view_addr* addr,
                                  uint64_t build);

typedef enum tnd_view_poll_result {
    TND_VIEW_POLL_FINE,
    TND_VIEW_POLL_RETURNED,  /* it had failed before */
    TND_VIEW_POLL_RESTARTED, /* its process isn't the one of the last poll */
    TND_VIEW_POLL_NOT_READY, /* partition generation -1 */
} tnd_view_poll_result;

/* An active node answered. */
tnd_view_poll_result tnd_view_poll(tnd_view* view, uint32_t id, uint64_t peers_generation,
                                   int64_t partitions_generation);

/* A candidate answered that it isn't ready yet. */
void tnd_view_not_ready(tnd_view* view, uint32_t id);

/* A node didn't answer, or not sensibly. */
void tnd_view_fail(tnd_view* view, uint32_t id);

/* Another node answers at `addr`. The address is taken from the node; the node is removed (true)
   when that was its last: tnd_view_settle reports it. */
bool tnd_view_renamed(tnd_view* view, uint32_t id, const tnd_view_addr* addr);

enum {
    TND_VIEW_WANT_PEERS = 1,      /* ask the node for its peers */
    TND_VIEW_WANT_PARTITIONS = 2, /* ask it for its partitions */
    TND_VIEW_WANT_RACKS = 4,      /* ask it for its rack ids */
};

unsigned tnd_view_wants(const tnd_view* view, uint32_t id);

/* Whether the node's claims count: it has peers, or nobody else can answer (the lone-node rule,
   protocol/cluster.md 4.8). */
bool tnd_view_is_believed(const tnd_view* view, uint32_t id);

/* A list of peers replaces the node's last one. */
void tnd_view_peers_begin(tnd_view* view, uint32_t id);
void tnd_view_peer(tnd_view* view, uint32_t id, uint32_t peer_id);
void tnd_view_peers_end(tnd_view* view, uint32_t id);

/* An active node's generation of rebalancing, as polled; TND_VIEW_UNKNOWN if it has none. */
void tnd_view_rebalanced(tnd_view* view, uint32_t id, int64_t generation);

/* Its rack ids, as of the generation that was polled with them; NULL: it has no racks. */
void tnd_view_racks(tnd_view* view, uint32_t id, const tnd_info_racks* racks);

/* The rack of a namespace by its number, TND_VIEW_NO_RACK if the node didn't say. */
int32_t tnd_view_rack_of(const tnd_view* view, uint32_t id, uint32_t ns);

/* A node that the rules of removal end; 0 if there is none. */
uint32_t tnd_view_doomed(const tnd_view* view);

/* Apply the rules of removal (protocol/cluster.md 4.7), end quarantines, give out indexes. Returns
   the id of one node that isn't to be tended any more, 0 when there is none; call until 0. The
   returned node's name and addresses are readable until the next call. */
uint32_t tnd_view_settle(tnd_view* view, uint64_t now_ms);

/* Whether every node has said what it has to say, or failed to, and one has answered. */
bool tnd_view_is_settled(const tnd_view* view);

/* Nodes that answered their last poll. */
uint32_t tnd_view_responding_count(const tnd_view* view);

/* --- partitions --- */

typedef struct tnd_view_claims {
    uint32_t id;
    uint32_t ns;
    uint32_t regime;
} tnd_view_claims;

/* A namespace in the `replicas` reply of a node, columns follow. False if there is no table for it
   (it's noted as surplus) or no memory. */
bool tnd_view_claim(tnd_view* view, uint32_t id, tnd_slice ns, uint32_t regime, uint32_t factor,
                    tnd_view_claims* ret_claims);

/* The partitions that it claims in a column; NULL = none, for a column that the reply doesn't have.
   False when out of memory (nothing was merged). */
bool tnd_view_claim_column(tnd_view* view, const tnd_view_claims* claims, uint32_t column,
                           const uint8_t* bitmap);

/* All was merged; `generation` was read before the claims. */
void tnd_view_claims_end(tnd_view* view, uint32_t id, int64_t generation);

typedef struct tnd_view_word {
    uint32_t ns;
    uint32_t partition;
    uint32_t indexes[TND_VIEW_COLUMNS];
    bool is_short;   /* an owner is missing because it has no index */
    uint32_t regime; /* to publish before the word if the namespace has regimes */
} tnd_view_word;

/* Take one partition to publish off the list. False when none is left: then tnd_view_drained. */
bool tnd_view_take_word(tnd_view* view, tnd_view_word* ret_word);

/* All words were published: namespaces become nameable, indexes of nodes that left go into
   quarantine. May make the directory dirty. */
void tnd_view_drained(tnd_view* view, uint64_t now_ms);

/* All partitions of all namespaces have to be published. */
void tnd_view_dirty_all(tnd_view* view);

bool tnd_view_has_words(const tnd_view* view);

#ifdef __cplusplus
}
#endif

#endif
