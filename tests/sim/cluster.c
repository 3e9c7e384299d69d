#include "tests/sim/cluster.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS_MAX 4
#define TICK_US 2000

typedef struct cluster_conn cluster_conn;

typedef struct cluster_node {
    sim_cluster* cluster;
    int index;
    uint16_t port; /* listening there; 0 = nowhere */
    sim_listener* listeners[HOSTS_MAX];
    bool is_black_hole;
} cluster_node;

struct cluster_conn {
    cluster_conn* next;
    cluster_node* node;
    sim_peer* peer; /* NULL: gone, freed by the next sweep */
    mc_conn* conn;  /* NULL: not accepted yet (a stopped node) */
    uint8_t* waiting;
    size_t waiting_size;
};

struct sim_cluster {
    sim_world* world;
    mc_cluster* mc;
    uint16_t port;
    int hosts_count;
    char hosts[HOSTS_MAX][64];
    cluster_node nodes[MC_NODES_MAX];
    cluster_conn* conns;
};

static uint64_t cluster_now_ms(const sim_cluster* cluster)
{
    return sim_world_now_us(cluster->world) / 1000;
}

/* ---- connections ---- */

static void conn_end(cluster_conn* conn, void (*end)(sim_peer* peer))
{
    sim_peer* peer = conn->peer;
    conn->peer = NULL;
    if (peer) {
        end(peer);
    }
}

/* What the node wants to send, and whether it ends the connection. */
static void conn_pump(cluster_conn* conn)
{
    uint64_t now_ms = cluster_now_ms(conn->node->cluster);
    if (!conn->conn || !conn->peer) {
        return;
    }
    mc_conn_step(conn->conn, now_ms);
    const uint8_t* bytes;
    size_t size;
    while ((size = mc_conn_output(conn->conn, now_ms, &bytes)) > 0) {
        sim_peer_send(conn->peer, bytes, size);
        mc_conn_sent(conn->conn, size, now_ms);
    }
    switch (mc_conn_ending(conn->conn, now_ms)) {
    case MC_ENDING_NONE:
        break;
    case MC_ENDING_CLOSE:
        conn_end(conn, sim_peer_close);
        break;
    case MC_ENDING_RESET:
        conn_end(conn, sim_peer_reset);
        break;
    case MC_ENDING_HALF_CLOSE:
        sim_peer_shutdown(conn->peer);
        break;
    }
}

static void conn_accept(cluster_conn* conn)
{
    sim_cluster* cluster = conn->node->cluster;
    if (conn->conn || !conn->peer) {
        return;
    }
    conn->conn = mc_cluster_accept(cluster->mc, conn->node->index, cluster_now_ms(cluster));
    if (conn->conn && conn->waiting_size > 0) {
        mc_conn_input(conn->conn, conn->waiting, conn->waiting_size, cluster_now_ms(cluster));
        conn->waiting_size = 0;
    }
}

static void on_open(sim_peer* peer)
{
    cluster_node* node = sim_peer_udata(peer);
    cluster_conn* conn = calloc(1, sizeof(*conn));
    if (!conn) {
        abort();
    }
    conn->node = node;
    conn->peer = peer;
    conn->next = node->cluster->conns;
    node->cluster->conns = conn;
    sim_peer_set_udata(peer, conn);
    conn_accept(conn);
}

static void on_bytes(sim_peer* peer, const uint8_t* bytes, size_t size)
{
    cluster_conn* conn = sim_peer_udata(peer);
    if (conn->conn) {
        mc_conn_input(conn->conn, bytes, size, cluster_now_ms(conn->node->cluster));
        conn_pump(conn);
        return;
    }
    conn->waiting = realloc(conn->waiting, conn->waiting_size + size);
    if (!conn->waiting) {
        abort();
    }
    memcpy(conn->waiting + conn->waiting_size, bytes, size);
    conn->waiting_size += size;
}

static void on_end(sim_peer* peer, int error)
{
    cluster_conn* conn = sim_peer_udata(peer);
    (void)error;
    if (conn->conn) {
        mc_conn_hangup(conn->conn, cluster_now_ms(conn->node->cluster));
    }
    conn_end(conn, sim_peer_close);
}

static const sim_peer_handler handler = {
    .on_open = on_open,
    .on_bytes = on_bytes,
    .on_end = on_end,
};

static void conns_sweep(sim_cluster* cluster)
{
    for (cluster_conn** at = &cluster->conns; *at;) {
        cluster_conn* conn = *at;
        if (conn->peer) {
            at = &conn->next;
            continue;
        }
        *at = conn->next;
        if (conn->conn) {
            mc_conn_free(conn->conn);
        }
        free(conn->waiting);
        free(conn);
    }
}

/* ---- listeners ---- */

/* Connections that nobody has accepted end with the listener: whoever listens next, perhaps on
 * another port, never hears of them. */
static void node_close(cluster_node* node)
{
    for (cluster_conn* conn = node->cluster->conns; conn; conn = conn->next) {
        if (conn->node == node && !conn->conn) {
            conn_end(conn, sim_peer_reset);
        }
    }
    for (int i = 0; i < node->cluster->hosts_count; i++) {
        if (node->listeners[i]) {
            sim_listener_close(node->listeners[i]);
            node->listeners[i] = NULL;
        }
    }
    node->port = 0;
}

static void node_open(cluster_node* node, uint16_t port)
{
    sim_cluster* cluster = node->cluster;
    node->port = port;
    for (int i = 0; i < cluster->hosts_count; i++) {
        struct sockaddr_storage addr;
        socklen_t size = sim_addr_inet(&addr, cluster->hosts[i], port);
        node->listeners[i] =
            sim_listen(cluster->world, (struct sockaddr*)&addr, size, &handler, node);
    }
}

static void node_set_black_hole(cluster_node* node, bool is_black_hole)
{
    sim_cluster* cluster = node->cluster;
    if (node->is_black_hole == is_black_hole) {
        return;
    }
    node->is_black_hole = is_black_hole;
    for (int i = 0; i < cluster->hosts_count; i++) {
        struct sockaddr_storage addr;
        socklen_t size =
            sim_addr_inet(&addr, cluster->hosts[i], mc_node_port(cluster->mc, node->index));
        sim_link* link = sim_net_link(cluster->world, NULL, (struct sockaddr*)&addr, size);
        sim_link_set_black_hole(cluster->world, link, is_black_hole);
    }
}

static void node_update(cluster_node* node)
{
    sim_cluster* cluster = node->cluster;
    mc_listening listening = mc_node_listening(cluster->mc, node->index);
    uint16_t port = mc_node_port(cluster->mc, node->index);
    if (port == 0 && listening != MC_LISTEN_GONE) {
        port = (uint16_t)(cluster->port + node->index);
        mc_node_set_port(cluster->mc, node->index, port);
    }
    bool is_open = listening != MC_LISTEN_REFUSE && listening != MC_LISTEN_GONE;
    if (node->port != 0 && (!is_open || node->port != port)) {
        node_close(node);
    }
    if (node->port == 0 && is_open) {
        node_open(node, port);
    }
    node_set_black_hole(node, listening == MC_LISTEN_BLACKHOLE);
}

/* ---- life ---- */

static void cluster_update(sim_cluster* cluster)
{
    mc_cluster_tick(cluster->mc, cluster_now_ms(cluster));
    for (int i = 0; i < mc_node_count(cluster->mc); i++) {
        cluster->nodes[i].cluster = cluster;
        cluster->nodes[i].index = i;
        node_update(&cluster->nodes[i]);
    }
    for (cluster_conn* conn = cluster->conns; conn; conn = conn->next) {
        conn_accept(conn);
        conn_pump(conn);
    }
    conns_sweep(cluster);
}

static void on_tick(void* udata)
{
    sim_cluster* cluster = udata;
    cluster_update(cluster);
    sim_world_at(cluster->world, TICK_US, on_tick, cluster);
}

sim_cluster* sim_cluster_new(sim_world* world, const mc_config* config, const char* hosts,
                             uint16_t port)
{
    sim_cluster* cluster = calloc(1, sizeof(*cluster));
    mc_config complete = *config;
    const char* why;
    if (!cluster || !mc_config_complete(&complete, &why)) {
        abort();
    }
    cluster->world = world;
    cluster->port = port;
    char text[256];
    snprintf(text, sizeof(text), "%s", hosts ? hosts : "127.0.0.1");
    char* save;
    for (char* host = strtok_r(text, ",", &save); host && cluster->hosts_count < HOSTS_MAX;
         host = strtok_r(NULL, ",", &save)) {
        snprintf(cluster->hosts[cluster->hosts_count++], sizeof(cluster->hosts[0]), "%s", host);
    }
    cluster->mc = mc_cluster_new(&complete, cluster_now_ms(cluster));
    cluster_update(cluster);
    sim_world_at(world, TICK_US, on_tick, cluster);
    return cluster;
}

void sim_cluster_free(sim_cluster* cluster)
{
    for (cluster_conn* conn = cluster->conns; conn; conn = conn->next) {
        conn->peer = NULL; /* the world has freed it */
    }
    conns_sweep(cluster);
    mc_cluster_free(cluster->mc);
    free(cluster);
}

mc_cluster* sim_cluster_mc(sim_cluster* cluster)
{
    return cluster->mc;
}

void sim_cluster_control(sim_cluster* cluster, const char* format, ...)
{
    char line[256];
    char reply[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (!sim_cluster_try(cluster, line, reply, sizeof(reply))) {
        fprintf(stderr, "control \"%s\": %s\n", line, reply);
        abort();
    }
}

bool sim_cluster_try(sim_cluster* cluster, const char* line, char* ret_reply, size_t size)
{
    bool is_done = mc_control(cluster->mc, line, cluster_now_ms(cluster), ret_reply, size);
    cluster_update(cluster);
    return is_done;
}

uint64_t sim_cluster_stat(sim_cluster* cluster, int node, const char* name)
{
    return mc_node_stat(cluster->mc, node, name);
}
