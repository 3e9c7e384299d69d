/*
 * The inside of the mini cluster: nodes, namespaces, connections. mc.h is what others see.
 *
 * Data are cluster-wide: one store per namespace. What a real cluster spreads over nodes is kept
 * as two facts per partition: which nodes hold a full copy (`holders`) and which node claims each
 * column in the published map (`claims`). A partition whose last holder dies loses its records.
 *
 * Life of a node: STARTING -> MEMBER -> DEAD -> STARTING ...; MEMBER <-> CUT; GONE when removed.
 * The others notice a death only `heartbeat_ms` later: until then `listed` stays and nobody claims
 * its slots.
 */
#ifndef MC_CLUSTER_H
#define MC_CLUSTER_H

#include <pthread.h>
#include <stdatomic.h>

#include "bytes.h"
#include "mc.h"
#include "store.h"

enum {
    MC_COLUMNS_MAX = 16,
    MC_NOBODY = 0xffff,
    MC_SERVER_TIMEOUT_MS = 1000, // transaction-max-ms
    MC_OUTPUT_MAX = 1 << 20,     // stop answering while so much is unsent
    MC_INFO_NAMES_MAX = 96
};

// Nodes by index.
typedef struct mc_set {
    uint64_t words[MC_NODES_MAX / 64];
} mc_set;

typedef enum mc_life {
    MC_LIFE_GONE,     // never was, or removed
    MC_LIFE_STARTING, // answers with partition-generation -1
    MC_LIFE_MEMBER,
    MC_LIFE_DEAD,
    MC_LIFE_CUT // alive, but not for the others, nor they for it: a cluster of its own
} mc_life;

// Faults that replace or spoil answers; each counts down, or is -1: until cleared.
typedef enum mc_fault_kind {
    MC_FAULT_ANSWER,    // a result code
    MC_FAULT_GARBAGE,   // bytes that are no answer
    MC_FAULT_OTHER,     // another command's answer
    MC_FAULT_MUTE,      // no answer at all
    MC_FAULT_RESET,     // a reset instead
    MC_FAULT_CLOSE,     // an orderly close instead
    MC_FAULT_HALFCLOSE, // the sending side shut instead
    MC_FAULT_SLOW,      // late by arg milliseconds
    MC_FAULT_SPLIT,     // one byte at a time, arg milliseconds apart
    MC_FAULT_COUNT
} mc_fault_kind;

enum {
    MC_SCOPE_RECORD = 1,
    MC_SCOPE_INFO = 2,
    MC_SCOPE_ADMIN = 4,
    MC_SCOPE_ANY = 7
};

typedef struct mc_fault {
    atomic_int left; // how many requests it still hits; -1 all
    int arg;
    unsigned scope;
    bool applied; // the request is executed first
} mc_fault;

typedef struct mc_counter {
    char name[32];
    uint64_t count;
} mc_counter;

typedef struct mc_node {
    mc_cluster* cluster;
    int index;
    mc_life life;
    bool listed;        // the others count it as a member
    char id[20];        // of this process
    char listed_id[20]; // what the others' peers lists say
    uint16_t listed_port;
    uint16_t port;
    uint64_t change_at_ms; // DEAD and listed: noticed. STARTING: joins. Else MC_NEVER
    int32_t partition_generation;
    uint64_t peers_generation;
    uint64_t rebalance_generation;
    int rack;

    bool hung;      // `stop`: reads nothing, accepts nothing
    bool blackhole; // `drop`: swallows everything
    bool refusing;
    mc_fault faults[MC_FAULT_COUNT];

    mc_conn* conns; // all of this node
    atomic_uint_least64_t reads, writes, deletes, proxied, errors, timeouts;
    atomic_uint_least64_t info_done, deprecated, opened, closed;
    mc_counter infos[MC_INFO_NAMES_MAX]; // guarded by info_lock
    int info_count;
} mc_node;

typedef struct mc_namespace {
    mc_namespace_config config;
    uint32_t regime;
    int factor; // effective
    uint16_t claims[MC_COLUMNS_MAX][MC_PARTITIONS];
    uint16_t targets[MC_COLUMNS_MAX][MC_PARTITIONS];
    mc_set holders[MC_PARTITIONS];
    mc_store* store;
    atomic_uint_least64_t proxied;
} mc_namespace;

struct mc_cluster {
    mc_config config;
    unsigned build; // major << 16 | minor << 8 | patch
    uint64_t random;
    mc_node nodes[MC_NODES_MAX];
    uint64_t numbers[MC_NODES_MAX]; // their ids, as of the last rebalance
    int node_count;
    mc_namespace* namespaces[MC_NAMESPACES_MAX];
    int namespace_count;
    bool frozen;   // no rebalance, no migration step
    uint64_t salt; // `migrate` changes it, and with it who should own what
    uint64_t cluster_key;
    atomic_uint changes;
    uint64_t reap_at_ms;

    // A migration: steps in random order, spread evenly over its time.
    uint32_t* pending; // namespace << 16 | partition
    int pending_count;
    int steps_total;
    int steps_done;
    uint64_t migrate_from_ms;
    uint64_t migrate_for_ms;

    mc_bytes udf_base64; // the file of functions as it was given, a text; guarded by info_lock
    atomic_bool has_udf; // it was

    mc_observer observer; // may be NULL
    void* observer_udata;

    pthread_mutex_t info_lock; // info counters and the generator of chance
};

struct mc_conn {
    mc_cluster* cluster;
    mc_node* node;
    mc_conn* prev;
    mc_conn* next;
    mc_bytes in;
    mc_bytes out;
    size_t out_sent;  // of out, from the front
    uint64_t hold_ms; // nothing goes out before
    uint64_t park_ms; // 0, or the request at the front of `in` waits until then for an owner
    uint64_t requests;
    mc_ending ending;
    uint64_t ending_at_ms; // MC_NEVER until the output is out
    bool more;             // see mc_conn_set_more()
    bool muted;            // answers go nowhere
    bool half_closed;
    bool dropped;  // no request is read any more
    uint8_t split; // one byte at a time
    uint32_t split_gap_ms;
    bool user_agent_set;
};

// ---- membership.c -------------------------------------------------------------------------------

void mc_node_start(mc_node* node, uint64_t now_ms);
void mc_node_kill(mc_node* node, uint64_t now_ms, bool noticed_at_once);
mc_node* mc_node_add(mc_cluster* cluster);
// Parts a member from the others, and joins it again.
void mc_node_cut(mc_node* node, uint64_t now_ms);
void mc_node_join(mc_node* node, uint64_t now_ms);
// Ends all connections of the node in this way.
void mc_node_end_conns(mc_node* node, mc_ending ending, uint64_t now_ms);
bool mc_namespace_add(mc_cluster* cluster, const mc_namespace_config* config);
void mc_cluster_changed(mc_cluster* cluster);
static inline bool mc_node_alive(const mc_node* node)
{
    return node->life == MC_LIFE_MEMBER;
}

// ---- maps.c -------------------------------------------------------------------------------------

// Who should own what, now. Starts a migration where data must move. `first`: nothing to move.
void mc_maps_rebalance(mc_cluster* cluster, uint64_t now_ms);
// One namespace that is new: everybody in it is complete at once.
void mc_maps_populate(mc_cluster* cluster, mc_namespace* ns);
// Migration steps due by now. Returns when the next one is due, or MC_NEVER.
uint64_t mc_maps_step(mc_cluster* cluster, uint64_t now_ms);
// The dead node's copies are lost.
void mc_maps_forget(mc_cluster* cluster, int node);

typedef enum mc_route {
    MC_ROUTE_HERE,
    MC_ROUTE_PROXY,       // another node would be asked
    MC_ROUTE_WAIT_MASTER, // the master is dead and nobody has noticed yet
    MC_ROUTE_WAIT_COPY,   // as above for a replica that a write must reach
    MC_ROUTE_UNAVAILABLE  // result 11
} mc_route;

mc_route mc_maps_route(const mc_node* node, const mc_namespace* ns, int pid, bool write,
                       bool master_only);

// ---- requests -----------------------------------------------------------------------------------

// info.c: the answer to an info body.
void mc_info_answer(mc_conn* conn, const uint8_t* body, size_t len, uint64_t now_ms);
// compress.c: the message in a compressed body, with its frame; false if it is none. And an answer
// that was appended from `begin` on, each of its messages compressed if it is long enough.
bool mc_inflate(const uint8_t* body, size_t len, mc_bytes* out);
void mc_deflate_answer(mc_bytes* out, size_t begin);

// info_map.c, info_stats.c: a value by command name; false if the command is another's.
bool mc_info_map(mc_conn* conn, const char* name, const char* params, mc_bytes* out);
bool mc_info_stats(mc_conn* conn, const char* name, const char* params, mc_bytes* out);
// info.c: the value of a parameter ("name=value" among ';'); NULL if it isn't there.
const char* mc_info_param(const char* params, const char* name, size_t* ret_len);
// truncate.c, udf.c: values by command name, as above.
bool mc_info_truncate(mc_conn* conn, const char* name, const char* params, uint64_t now_ms,
                      mc_bytes* out);
bool mc_info_udf(mc_conn* conn, const char* name, const char* params, mc_bytes* out);
// The standard error value in the words of this build.
void mc_info_error(const mc_cluster* cluster, int code, const char* text, mc_bytes* out);
void mc_info_count(mc_node* node, const char* name);

// message.c: one type 3 body. False: it waits, ask again later (last: it has waited enough).
bool mc_message_answer(mc_conn* conn, const uint8_t* body, size_t len, uint64_t now_ms, bool last,
                       uint32_t* ret_timeout_ms);
// A type 3 reply without fields and entries.
void mc_message_reply(mc_bytes* out, int result, uint32_t generation, uint32_t void_time);

// admin.c: one type 2 body. The place for logins.
void mc_admin_answer(mc_conn* conn, const uint8_t* body, size_t len);

// ---- fault.c ------------------------------------------------------------------------------------

// Takes one hit of the fault if it is set for this scope. NULL if not.
mc_fault* mc_fault_take(mc_node* node, mc_fault_kind kind, unsigned scope);
bool mc_fault_is_set(const mc_node* node);
void mc_fault_clear(mc_node* node);
// Writes bytes that are no answer in place of the answer from `begin` on.
// Returns true if the connection is to be closed after them.
bool mc_fault_garbage(mc_conn* conn, size_t begin, int kind);
int mc_fault_garbage_kind(const char* name);
void mc_fault_other(mc_conn* conn, size_t begin, int shape);
int mc_fault_other_shape(const char* name);

// ---- conn.c -------------------------------------------------------------------------------------

void mc_conn_end(mc_conn* conn, mc_ending ending, uint64_t at_ms);
// What a real node does with a connection that it drops: its reaper closes it within a second.
void mc_conn_drop(mc_conn* conn, uint64_t now_ms);

static inline uint64_t mc_cluster_build(unsigned major, unsigned minor, unsigned patch)
{
    return major << 16 | minor << 8 | patch;
}

static inline void mc_count(atomic_uint_least64_t* counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static inline uint32_t mc_cluster_void_now(const mc_cluster* cluster, uint64_t now_ms)
{
    return (uint32_t)((cluster->config.unix_base_ms + now_ms) / 1000 - 1262304000u);
}

#endif
