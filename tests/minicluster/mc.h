/*
 * The mini cluster: N Aerospike-compatible nodes in memory, without a socket and without a clock.
 *
 * Bytes go in through mc_conn_input(), bytes come out through mc_conn_output(), and time is an
 * argument (`now_ms`, any monotonic count). A socket driver (server.h) or a simulator moves the
 * bytes and calls mc_cluster_tick() and mc_conn_step() when their deadlines come. All chance is
 * drawn from mc_config.seed, so a run can be repeated.
 *
 * Faults and changes of the cluster are lines of text (mc_control()), the same that the control
 * port of the program takes; README.md has the table.
 *
 * Nothing here is shared with the library: own parser, own encoder. Memory that runs out ends the
 * process, as this is a test program.
 *
 * Threads: none. With mc_config.threaded the driver may call the mc_conn_* functions of different
 * connections at once, if nobody calls another function meanwhile (a read-write lock does it).
 */
#ifndef MC_H
#define MC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MC_NODES_MAX 256
#define MC_NAMESPACES_MAX 64
#define MC_PARTITIONS 4096
#define MC_NEVER UINT64_MAX

typedef struct mc_cluster mc_cluster;
typedef struct mc_conn mc_conn;

typedef struct mc_namespace_config {
    char name[32];
    int replication_factor;    // 0 means 2
    bool strong;               // regimes rise, unavailable partitions are claimed by nobody
    bool nsup_off;             // a ttl is forbidden (22) and nothing is reaped
    uint32_t default_ttl_sec;  // 0 never expires
    uint32_t record_bytes_max; // 0 means 1 MiB
} mc_namespace_config;

typedef struct mc_config {
    int nodes; // 0 means 3
    mc_namespace_config namespaces[MC_NAMESPACES_MAX];
    int namespace_count;   // 0 means one namespace `test` of factor 2
    char build[32];        // empty means 8.1.1.2
    char cluster_name[64]; // may be empty
    char advertise[256];   // hosts that peers publish, comma separated; empty means 127.0.0.1
    char alternate[256];   // hosts of the -alt commands; empty means none
    bool enterprise;       // racks, durable deletes with tombstones
    bool threaded;         // see the top of this file
    uint64_t seed;         // 0 means 1
    uint64_t unix_base_ms; // Unix time at now_ms 0
    uint32_t heartbeat_ms; // a death is noticed after this long; 0 means 1800
    uint32_t join_ms;      // a started node joins after this long; 0 means 600
    uint32_t migrate_ms;   // length of a migration; 0 means 2000
    uint32_t reap_ms;      // a dropped connection is closed within this; 0 means 1000
    uint32_t nsup_ms;      // expired records are reaped this often; 0 means 120000
} mc_config;

// Fills in what is 0 or empty. False, and a reason in ret_why, if something is out of bounds.
bool mc_config_complete(mc_config* config, const char** ret_why);

// Parses "test:2,bar:1:sc:nsup-off:ttl=60:record=65536" into config->namespaces, appending.
bool mc_config_namespaces(mc_config* config, const char* text, const char** ret_why);

// A cluster that is already balanced. config must be complete; it is copied.
mc_cluster* mc_cluster_new(const mc_config* config, uint64_t now_ms);
void mc_cluster_free(mc_cluster* cluster);

// Does what is due by now (deaths noticed, joins, migration steps, reaping).
// Returns when to call again, or MC_NEVER.
uint64_t mc_cluster_tick(mc_cluster* cluster, uint64_t now_ms);

// Counts up with every change after which drivers should look at all connections and listeners.
uint32_t mc_cluster_changes(const mc_cluster* cluster);

// One control line (README.md). Appends the answer's text, without its last line, to reply
// (NUL-terminated, cut at size). Returns false on an error, whose text is then in reply.
// Commands that only a driver can do (quit) are its own business.
bool mc_control(mc_cluster* cluster, const char* line, uint64_t now_ms, char* reply, size_t size);

// ---- nodes, by index from 0 ---------------------------------------------------------------------

typedef enum mc_listening {
    MC_LISTEN_OPEN,
    MC_LISTEN_REFUSE,    // connects are refused (dead, or fault `refuse`)
    MC_LISTEN_STALL,     // connects succeed and nothing is accepted (fault `stop`)
    MC_LISTEN_BLACKHOLE, // connects get no answer (fault `drop`)
    MC_LISTEN_GONE       // removed: the port may be given back
} mc_listening;

int mc_node_count(const mc_cluster* cluster); // highest index ever used, plus one
mc_listening mc_node_listening(const mc_cluster* cluster, int node);
uint16_t mc_node_port(const mc_cluster* cluster, int node); // 0 means: choose one, and tell
void mc_node_set_port(mc_cluster* cluster, int node, uint16_t port);
bool mc_node_is_member(const mc_cluster* cluster, int node); // alive and balanced
// Writes the node's id, as the `node` command answers it.
void mc_node_name(const mc_cluster* cluster, int node, char ret_name[20]);
// A counter by name: "read", "write", "delete", "proxy", "errors", "connections",
// "info", "info.<command>". An unknown name counts 0.
uint64_t mc_node_stat(mc_cluster* cluster, int node, const char* name);
// Nothing is pending: deaths noticed, starts finished, data where they should be.
bool mc_cluster_is_settled(const mc_cluster* cluster);
// The node that claims this column of the partition now, or -1.
int mc_partition_owner(const mc_cluster* cluster, const char* ns, int column, int pid);

// ---- watching what happens to records -----------------------------------------------------------

// A record was written or removed, or the records of a whole partition are lost. Told right after
// it was done, inside the function of this header that did it. With `threaded`, from any thread.
typedef struct mc_change {
    const char* ns;
    int pid;
    const uint8_t* digest;  // 20 bytes; NULL: all records of the partition are lost
    bool is_write;          // else it was removed
    uint32_t generation;    // of what was written
    uint64_t expires_at_ms; // likewise; on the driver's clock, or MC_NEVER
    const uint8_t* bins;    // likewise: entries as in messages
    size_t bins_len;
} mc_change;

typedef void (*mc_observer)(void* udata, const mc_change* change);

void mc_cluster_observe(mc_cluster* cluster, mc_observer observer, void* udata);

// ---- connections --------------------------------------------------------------------------------

typedef enum mc_ending {
    MC_ENDING_NONE,
    MC_ENDING_CLOSE,     // close, or what the kernel makes of it
    MC_ENDING_RESET,     // reset
    MC_ENDING_HALF_CLOSE // shut the sending side, keep reading; reported once
} mc_ending;

// NULL if the node does not accept now.
mc_conn* mc_cluster_accept(mc_cluster* cluster, int node, uint64_t now_ms);
void mc_conn_free(mc_conn* conn); // the driver's descriptor is closed, or the peer's end is gone

// Takes all bytes, and answers what it can.
void mc_conn_input(mc_conn* conn, const void* bytes, size_t len, uint64_t now_ms);
// How many bytes complete the header or message that is being read: never read more than this
// and the connection behaves as a real node's, which never reads ahead. 0: don't read now.
size_t mc_conn_want(const mc_conn* conn);
// Requests answered or dropped so far: stop reading for this readiness when it moves.
uint64_t mc_conn_requests(const mc_conn* conn);
// Tells that more bytes wait behind a header of size 0 (a real node resets then).
void mc_conn_set_more(mc_conn* conn, bool more);
// The peer shut its sending side: what is unanswered is dropped, as a real node does.
void mc_conn_hangup(mc_conn* conn, uint64_t now_ms);

// Bytes that may be sent now. Tell mc_conn_sent() how many went out.
size_t mc_conn_output(const mc_conn* conn, uint64_t now_ms, const uint8_t** ret_bytes);
void mc_conn_sent(mc_conn* conn, size_t len, uint64_t now_ms);
size_t mc_conn_pending(const mc_conn* conn); // unsent bytes, held ones included

// Goes on with what waited. Call at the deadline and after mc_cluster_changes() moved.
void mc_conn_step(mc_conn* conn, uint64_t now_ms);
uint64_t mc_conn_deadline(const mc_conn* conn); // when to step, or MC_NEVER
mc_ending mc_conn_ending(mc_conn* conn, uint64_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
