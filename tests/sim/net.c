/*
 * The in-memory network. See net.h.
 *
 * A connection has two ends. An end belongs to a loop (a tnd_io) or to a native peer. What one end
 * sends becomes a packet, an event of the world that reaches the other end after the link's latency
 * and never overtakes an earlier one. A connection lives until both ends are let go and no packet
 * is on its way.
 */
#include "tests/sim/net.h"

#include <assert.h>
#include <stdlib.h>

#include "tests/sim/internal.h"

typedef struct sim_conn sim_conn;

typedef struct net_key {
    struct sockaddr_storage addr;
    socklen_t len;
} net_key;

/* One end of a connection; for native ones also the peer handle that tests see. */
struct sim_end {
    sim_conn* conn;
    tnd_io* io;                      /* of a loop, or */
    const sim_peer_handler* handler; /* of a native peer */
    void* udata;
    bool is_open; /* its owner holds it */
    bool is_established;
    bool is_shut; /* sent its FIN */
    bool is_paused;
    int error;      /* reset or refused, not yet told */
    bool is_broken; /* has had an error */
    bool has_eof;   /* the other end's FIN has arrived */
    uint8_t* rx;    /* arrived, unread */
    size_t rx_size;
    size_t rx_pos;
    size_t rx_capacity;
    size_t unread_bytes; /* sent by this end, not yet read by the other */
    uint64_t last_at_us; /* when the latest packet to this end arrives */
    uint64_t sent_count; /* packets sent to this end */
    uint64_t seen_count; /* of these, arrived: the rest waits for its turn */
};

struct sim_peer {
    sim_end end;
};

struct sim_conn {
    sim_world* world;
    sim_node node;
    uint64_t id;
    sim_end* ends[2]; /* [0] connected, [1] accepted */
    sim_peer storage[2];
    tnd_loop* client;    /* of ends[0], NULL for a native one */
    net_key key;         /* that was connected to */
    tnd_peer users[2];   /* who connected, who listened */
    unsigned refs_count; /* open ends, packets, callbacks */
};

struct sim_listener {
    sim_world* world;
    sim_node node;
    net_key key;
    tnd_io* io; /* of a loop, or */
    const sim_peer_handler* handler;
    void* udata;
    size_t backlog;
    sim_end** queue; /* established, not yet accepted */
    size_t queue_size;
    size_t queue_capacity;
};

typedef struct link_entry {
    sim_node node;
    net_key key;
    tnd_loop* loop;
    sim_link link;
} link_entry;

typedef enum packet_kind {
    PACKET_SYN,
    PACKET_ACK,
    PACKET_DATA,
    PACKET_FIN,
    PACKET_RESET
} packet_kind;

static const char* const packet_names[] = {"syn", "ack", "data", "fin", "reset"};

typedef struct packet {
    sim_event event;
    sim_node node;
    sim_end* to;
    uint64_t number; /* among those to this end: they are seen in order */
    packet_kind kind;
    int error; /* of a reset */
    size_t size;
    uint8_t bytes[];
} packet;

/* ---- addresses ---- */

static net_key key_of(const struct sockaddr* addr, socklen_t addr_len)
{
    net_key key;
    memset(&key, 0, sizeof(key));
    assert(addr_len <= sizeof(key.addr));
    memcpy(&key.addr, addr, addr_len);
    key.len = addr_len;
    return key;
}

static bool key_equals(const net_key* a, const net_key* b)
{
    return a->len == b->len && memcmp(&a->addr, &b->addr, a->len) == 0;
}

static bool key_is_unix(const net_key* key)
{
    return key->addr.ss_family == AF_UNIX;
}

static sim_listener* listener_find(sim_world* world, const net_key* key)
{
    for (sim_node* node = world->listeners.next; node != &world->listeners; node = node->next) {
        sim_listener* listener = SIM_OWNER(sim_listener, node, node);
        if (key_equals(&listener->key, key)) {
            return listener;
        }
    }
    return NULL;
}

/* ---- links ---- */

static link_entry* link_find(sim_world* world, tnd_loop* loop, const net_key* key)
{
    for (sim_node* node = world->links.next; node != &world->links; node = node->next) {
        link_entry* entry = SIM_OWNER(link_entry, node, node);
        if (entry->loop == loop && key_equals(&entry->key, key)) {
            return entry;
        }
    }
    return NULL;
}

static sim_link link_default(const net_key* key)
{
    sim_link link;
    memset(&link, 0, sizeof(link));
    link.latency_us_min = key_is_unix(key) ? 5 : 50;
    link.latency_us_max = link.latency_us_min;
    return link;
}

/* What applies to a connection now. */
static sim_link link_of(const sim_conn* conn)
{
    link_entry* entry = conn->client ? link_find(conn->world, conn->client, &conn->key) : NULL;
    if (!entry) {
        entry = link_find(conn->world, NULL, &conn->key);
    }
    return entry ? entry->link : link_default(&conn->key);
}

sim_link* sim_net_link(sim_world* world, tnd_loop* loop, const struct sockaddr* addr,
                       socklen_t addr_len)
{
    net_key key = key_of(addr, addr_len);
    link_entry* entry = link_find(world, loop, &key);
    if (!entry) {
        link_entry* general = loop ? link_find(world, NULL, &key) : NULL;
        entry = sim_alloc(sizeof(*entry));
        entry->key = key;
        entry->loop = loop;
        entry->link = general ? general->link : link_default(&key);
        sim_list_append(&world->links, &entry->node);
    }
    return &entry->link;
}

void sim_net_each_link(sim_world* world, void (*fn)(sim_link* link, void* udata), void* udata)
{
    for (sim_node* node = world->links.next; node != &world->links; node = node->next) {
        fn(&SIM_OWNER(link_entry, node, node)->link, udata);
    }
}

/* ---- connections ---- */

static sim_conn* conn_new(sim_world* world, tnd_loop* client, const net_key* key)
{
    sim_conn* conn = sim_alloc(sizeof(*conn));
    conn->world = world;
    conn->id = ++world->ids_count;
    conn->client = client;
    conn->key = *key;
    for (int i = 0; i < 2; i++) {
        conn->ends[i] = &conn->storage[i].end;
        conn->ends[i]->conn = conn;
    }
    sim_list_append(&world->connections, &conn->node);
    return conn;
}

static void conn_free(sim_conn* conn)
{
    sim_list_remove(&conn->node);
    free(conn->ends[0]->rx);
    free(conn->ends[1]->rx);
    free(conn);
}

static void conn_acquire(sim_conn* conn)
{
    conn->refs_count++;
}

static void conn_release(sim_conn* conn)
{
    assert(conn->refs_count > 0);
    if (--conn->refs_count == 0) {
        conn_free(conn);
    }
}

static int end_side(const sim_end* end)
{
    return end == end->conn->ends[1];
}

static sim_end* end_other(const sim_end* end)
{
    return end->conn->ends[!end_side(end)];
}

static void end_hold(sim_end* end)
{
    end->is_open = true;
    conn_acquire(end->conn);
}

static void end_let_go(sim_end* end)
{
    end->is_open = false;
    end->io = NULL;
    end->handler = NULL;
    conn_release(end->conn);
}

/* ---- packets ---- */

static void packet_arrive(packet* self);

static void packet_see(packet* self)
{
    sim_conn* conn = self->to->conn;
    sim_trace(conn->world, "conn %llu side %d: %s %zu", (unsigned long long)conn->id,
              end_side(self->to), packet_names[self->kind], self->size);
    self->to->seen_count++;
    packet_arrive(self);
    conn_release(conn);
    free(self);
}

/* The parked one whose turn it is now. */
static packet* packet_parked(sim_world* world, const sim_end* to)
{
    for (sim_node* node = world->parked.next; node != &world->parked; node = node->next) {
        packet* self = SIM_OWNER(packet, node, node);
        if (self->to == to && self->number == to->seen_count) {
            return self;
        }
    }
    return NULL;
}

/* One that has overtaken another, which was held up in a black hole, is parked, too. */
static void on_packet(sim_event* event)
{
    packet* self = SIM_OWNER(packet, event, event);
    sim_end* to = self->to;
    sim_conn* conn = to->conn;
    sim_world* world = conn->world;
    sim_list_remove(&self->node);
    if (link_of(conn).is_black_hole || self->number != to->seen_count) {
        sim_list_append(&world->parked, &self->node);
        return;
    }
    conn_acquire(conn);
    while (self) {
        packet_see(self);
        self = to->seen_count < to->sent_count ? packet_parked(world, to) : NULL;
        if (self) {
            sim_list_remove(&self->node);
        }
    }
    conn_release(conn);
}

static void packet_schedule(packet* self, uint64_t at_us)
{
    sim_world* world = self->to->conn->world;
    if (at_us < self->to->last_at_us) {
        at_us = self->to->last_at_us;
    }
    self->to->last_at_us = at_us;
    sim_list_append(&world->packets, &self->node);
    sim_event_schedule(world, &self->event, at_us - world->now_us, on_packet);
}

static packet* packet_new(sim_end* to, packet_kind kind, size_t size)
{
    packet* self = sim_alloc(sizeof(*self) + size);
    self->to = to;
    self->number = to->sent_count++;
    self->kind = kind;
    self->size = size;
    conn_acquire(to->conn);
    return self;
}

static void packet_post(packet* self, uint64_t extra_us)
{
    sim_world* world = self->to->conn->world;
    sim_link link = link_of(self->to->conn);
    uint64_t latency_us = link.latency_us_min;
    if (link.latency_us_max > link.latency_us_min) {
        latency_us += sim_world_below(world, link.latency_us_max - link.latency_us_min + 1);
    }
    packet_schedule(self, world->now_us + latency_us + extra_us);
}

static void packet_send(sim_end* to, packet_kind kind)
{
    packet_post(packet_new(to, kind, 0), 0);
}

static void packet_send_reset(sim_end* to, int error)
{
    packet* self = packet_new(to, PACKET_RESET, 0);
    self->error = error;
    packet_post(self, 0);
}

static void packet_send_piece(sim_end* to, const uint8_t* bytes, size_t size, uint64_t extra_us)
{
    packet* self = packet_new(to, PACKET_DATA, size);
    memcpy(self->bytes, bytes, size);
    packet_post(self, extra_us);
}

/* Data, in one piece or in several. */
static void packet_send_data(sim_end* to, const uint8_t* bytes, size_t size)
{
    sim_world* world = to->conn->world;
    uint64_t extra_us = 0;
    sim_link link = link_of(to->conn);
    while (size > 1 && sim_world_chance(world, link.split_percent)) {
        /* Often small pieces: they cut headers. */
        size_t limit = sim_world_chance(world, 50) && size > 16 ? 16 : size - 1;
        size_t piece = 1 + (size_t)sim_world_below(world, limit);
        packet_send_piece(to, bytes, piece, extra_us);
        bytes += piece;
        size -= piece;
        extra_us += sim_world_below(world, 200);
    }
    packet_send_piece(to, bytes, size, extra_us);
}

void sim_link_set_black_hole(sim_world* world, sim_link* link, bool is_black_hole)
{
    link->is_black_hole = is_black_hole;
    if (is_black_hole) {
        return;
    }
    sim_node held;
    sim_list_init(&held);
    sim_list_splice(&held, &world->parked);
    while (!sim_list_is_empty(&held)) {
        packet* self = SIM_OWNER(packet, node, held.next);
        sim_list_remove(&self->node);
        if (link_of(self->to->conn).is_black_hole) {
            sim_list_append(&world->parked, &self->node);
        } else {
            packet_schedule(self, world->now_us + link->latency_us_min);
        }
    }
}

/* ---- readiness ---- */

static size_t end_window(const sim_end* end)
{
    return end->io ? sim_loop_of(end->io->loop)->faults.window_bytes : SIZE_MAX;
}

static bool end_has_space(const sim_end* end)
{
    return end->unread_bytes < end_window(end);
}

static unsigned end_readiness(const sim_end* end)
{
    unsigned events = 0;
    if (end->rx_size > end->rx_pos || end->has_eof || end->is_broken) {
        events |= TND_IO_READ;
    }
    if ((end->is_established && end_has_space(end)) || end->is_broken) {
        events |= TND_IO_WRITE;
    }
    return events;
}

static void end_edge(sim_end* end, unsigned events)
{
    if (end->is_open && end->io) {
        sim_io_edge(end->io, events);
    }
}

unsigned sim_net_readiness(tnd_io* io)
{
    io_state* state = sim_io_state(io);
    if (state->listener) {
        return state->listener->queue_size > 0 ? TND_IO_READ : 0;
    }
    return end_readiness(state->end);
}

/* The other end's owner has taken bytes: there is space again. */
static void end_acknowledge(sim_end* sender, size_t size)
{
    assert(sender->unread_bytes >= size);
    bool had_space = end_has_space(sender);
    sender->unread_bytes -= size;
    if (!had_space && end_has_space(sender)) {
        end_edge(sender, TND_IO_WRITE);
    }
}

/* ---- arrival ---- */

static void end_fail(sim_end* end, int error)
{
    if (!end->is_open || end->is_broken) {
        return;
    }
    end->is_broken = true;
    end->error = error;
    end_edge(end, TND_IO_READ | TND_IO_WRITE);
    if (end->handler && end->handler->on_end) {
        end->handler->on_end((sim_peer*)end, error);
    }
}

static void end_append(sim_end* end, const uint8_t* bytes, size_t size)
{
    if (end->rx_pos == end->rx_size) {
        end->rx_pos = 0;
        end->rx_size = 0;
    }
    if (end->rx_size + size > end->rx_capacity) {
        end->rx_capacity = 2 * (end->rx_size + size);
        end->rx = realloc(end->rx, end->rx_capacity);
        if (!end->rx) {
            abort();
        }
    }
    memcpy(end->rx + end->rx_size, bytes, size);
    end->rx_size += size;
}

static void arrive_data(sim_end* end, const uint8_t* bytes, size_t size)
{
    if (!end->is_open) {
        /* Closed: the kernel answers. */
        packet_send_reset(end_other(end), ECONNRESET);
    } else if (end->handler && !end->is_paused) {
        end_acknowledge(end_other(end), size);
        end->handler->on_bytes((sim_peer*)end, bytes, size);
    } else {
        end_append(end, bytes, size);
        end_edge(end, TND_IO_READ);
    }
}

static void arrive_fin(sim_end* end)
{
    if (!end->is_open || end->is_broken) {
        return;
    }
    end->has_eof = true;
    end_edge(end, TND_IO_READ);
    if (end->handler && end->handler->on_end && !end->is_paused) {
        end->handler->on_end((sim_peer*)end, 0);
    }
}

static void end_establish(sim_end* end)
{
    end->is_established = true;
    end_edge(end, TND_IO_WRITE);
    if (end->handler && end->handler->on_open) {
        end->handler->on_open((sim_peer*)end);
    }
}

static void listener_enqueue(sim_listener* listener, sim_end* end)
{
    if (listener->queue_size == listener->queue_capacity) {
        listener->queue_capacity = listener->queue_capacity ? 2 * listener->queue_capacity : 8;
        listener->queue =
            realloc(listener->queue, listener->queue_capacity * sizeof(*listener->queue));
        if (!listener->queue) {
            abort();
        }
    }
    listener->queue[listener->queue_size++] = end;
    sim_io_edge(listener->io, TND_IO_READ);
}

static bool listener_is_full(const sim_listener* listener)
{
    return listener->io && listener->queue_size > listener->backlog;
}

static tnd_peer user_of(tnd_loop* loop)
{
    sim_loop* self = sim_loop_of(loop);
    return (tnd_peer){.uid = self->uid, .gid = self->gid};
}

/* The accepted end comes to life. */
static void listener_take(sim_listener* listener, sim_end* end)
{
    end_hold(end);
    end->is_established = true;
    if (listener->io) {
        end->conn->users[1] = user_of(listener->io->loop);
        listener_enqueue(listener, end);
        return;
    }
    end->handler = listener->handler;
    end->udata = listener->udata;
    if (end->handler->on_open) {
        end->handler->on_open((sim_peer*)end);
    }
}

static void arrive_syn(sim_end* end)
{
    sim_conn* conn = end->conn;
    sim_end* client = end_other(end);
    sim_listener* listener = listener_find(conn->world, &conn->key);
    if (!client->is_open) {
        return; /* given up meanwhile */
    }
    if (!listener || link_of(conn).is_refusing) {
        packet_send_reset(client, ECONNREFUSED);
    } else if (listener_is_full(listener)) {
        packet_post(packet_new(end, PACKET_SYN, 0), 1000000); /* sent again, as TCP does */
    } else {
        packet_send(client, PACKET_ACK);
        listener_take(listener, end);
    }
}

static void packet_arrive(packet* self)
{
    sim_end* end = self->to;
    switch (self->kind) {
    case PACKET_SYN:
        arrive_syn(end);
        return;
    case PACKET_ACK:
        if (end->is_open) {
            end_establish(end);
        } else {
            packet_send_reset(end_other(end), ECONNRESET);
        }
        return;
    case PACKET_DATA:
        arrive_data(end, self->bytes, self->size);
        return;
    case PACKET_FIN:
        arrive_fin(end);
        return;
    case PACKET_RESET:
        end_fail(end, self->error);
        return;
    }
}

/* ---- sending and closing, for both kinds of ends ---- */

static void end_send(sim_end* end, const uint8_t* bytes, size_t size)
{
    end->unread_bytes += size;
    packet_send_data(end_other(end), bytes, size);
}

static void end_shut(sim_end* end)
{
    if (end->is_established && !end->is_shut && !end->is_broken) {
        end->is_shut = true;
        packet_send(end_other(end), PACKET_FIN);
    }
}

/* As Linux closes: a reset if something that has arrived wasn't read. */
static void end_close(sim_end* end)
{
    if (end->is_established && end->rx_size > end->rx_pos && !end->is_broken) {
        packet_send_reset(end_other(end), ECONNRESET);
    } else {
        end_shut(end);
    }
    end_let_go(end);
}

static void listener_free(sim_listener* listener)
{
    for (size_t i = 0; i < listener->queue_size; i++) {
        packet_send_reset(end_other(listener->queue[i]), ECONNRESET);
        end_let_go(listener->queue[i]);
    }
    sim_list_remove(&listener->node);
    free(listener->queue);
    free(listener);
}

void sim_net_close(tnd_io* io)
{
    io_state* state = sim_io_state(io);
    if (state->listener) {
        listener_free(state->listener);
    } else {
        end_close(state->end);
    }
}

/* ---- the seam's operations ---- */

/* Unix sockets connect at once or not at all. */
static int connect_unix(sim_conn* conn)
{
    sim_listener* listener = listener_find(conn->world, &conn->key);
    if (!listener || link_of(conn).is_refusing) {
        return -ECONNREFUSED;
    }
    if (listener_is_full(listener)) {
        return -EAGAIN;
    }
    conn->ends[0]->is_established = true;
    listener_take(listener, conn->ends[1]);
    return 0;
}

int sim_net_connect(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len)
{
    sim_loop* self = sim_loop_of(loop);
    net_key key = key_of(addr, addr_len);
    sim_conn* conn = conn_new(self->world, loop, &key);
    sim_end* end = conn->ends[0];
    int result = sim_io_open(self, io, end, NULL);
    if (result < 0) {
        conn_free(conn);
        return result;
    }
    end->io = io;
    end_hold(end);
    conn->users[0] = user_of(loop);
    sim_trace(self->world, "%s connect %d conn %llu", self->name, io->fd,
              (unsigned long long)conn->id);
    if (!key_is_unix(&key)) {
        packet_send(conn->ends[1], PACKET_SYN);
        return 0;
    }
    result = connect_unix(conn);
    if (result < 0) {
        tnd_io_close(io);
    }
    return result;
}

int sim_net_connect_result(tnd_loop* loop, tnd_io* io)
{
    if (sim_loop_of(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    sim_end* end = sim_io_state(io)->end;
    assert(io->is_open && end);
    if (end->is_broken && !end->is_established) {
        return end->error ? -end->error : -ECONNREFUSED;
    }
    return end->is_established ? 0 : TND_WAIT;
}

static sim_listener* listener_new(sim_world* world, const net_key* key)
{
    if (listener_find(world, key)) {
        return NULL;
    }
    sim_listener* listener = sim_alloc(sizeof(*listener));
    listener->world = world;
    listener->key = *key;
    sim_list_append(&world->listeners, &listener->node);
    return listener;
}

int sim_net_listen(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len,
                   int backlog)
{
    sim_loop* self = sim_loop_of(loop);
    net_key key = key_of(addr, addr_len);
    sim_listener* listener = listener_new(self->world, &key);
    if (!listener) {
        return -EADDRINUSE;
    }
    int result = sim_io_open(self, io, NULL, listener);
    if (result < 0) {
        listener_free(listener);
        return result;
    }
    listener->io = io;
    listener->backlog = backlog > 0 ? (size_t)backlog : 0;
    return 0;
}

int sim_net_accept(tnd_loop* loop, tnd_io* io, tnd_io* ret_io)
{
    if (sim_loop_of(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    sim_listener* listener = sim_io_state(io)->listener;
    assert(io->is_open && listener);
    if (listener->queue_size == 0) {
        return TND_WAIT;
    }
    sim_end* end = listener->queue[0];
    int result = sim_io_open(sim_loop_of(loop), ret_io, end, NULL);
    if (result < 0) {
        return result;
    }
    end->io = ret_io;
    listener->queue_size--;
    memmove(listener->queue, listener->queue + 1, listener->queue_size * sizeof(*listener->queue));
    return 0;
}

int sim_net_peer(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer)
{
    if (sim_loop_of(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    sim_end* end = sim_io_state(io)->end;
    assert(io->is_open && end);
    if (!key_is_unix(&end->conn->key)) {
        return -EOPNOTSUPP;
    }
    *ret_peer = end->conn->users[!end_side(end)];
    return 0;
}

ssize_t sim_net_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size)
{
    if (sim_loop_of(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    sim_loop* self = sim_loop_of(loop);
    sim_end* end = sim_io_state(io)->end;
    assert(io->is_open && end && size > 0);
    size_t count = end->rx_size - end->rx_pos;
    if (count == 0) {
        if (end->error) {
            int error = end->error;
            end->error = 0;
            return -error;
        }
        if (end->is_broken || end->has_eof) {
            return TND_EOF;
        }
        return TND_WAIT;
    }
    if (count > size) {
        count = size;
    }
    if (count > 1 && sim_world_chance(self->world, self->faults.short_read_percent)) {
        count = 1 + (size_t)sim_world_below(self->world, count - 1);
    }
    memcpy(bytes, end->rx + end->rx_pos, count);
    end->rx_pos += count;
    end_acknowledge(end_other(end), count);
    return (ssize_t)count;
}

/* How much a write takes now; 0: none. */
static size_t end_writable(sim_loop* self, const sim_end* end, size_t size)
{
    size_t space = end_has_space(end) ? end_window(end) - end->unread_bytes : 0;
    if (size > space) {
        size = space;
    }
    if (size > 1 && sim_world_chance(self->world, self->faults.short_write_percent)) {
        size = 1 + (size_t)sim_world_below(self->world, size - 1);
    }
    return size;
}

ssize_t sim_net_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count)
{
    if (sim_loop_of(loop)->is_dead) {
        return -ESHUTDOWN;
    }
    sim_end* end = sim_io_state(io)->end;
    assert(io->is_open && end && iov_count > 0);
    if (end->is_broken) {
        int error = end->error ? end->error : EPIPE;
        end->error = 0;
        return -error;
    }
    size_t size = 0;
    for (int i = 0; i < iov_count; i++) {
        size += iov[i].iov_len;
    }
    assert(size > 0);
    size_t taken = end->is_established ? end_writable(sim_loop_of(loop), end, size) : 0;
    if (taken == 0) {
        return TND_WAIT;
    }
    uint8_t* bytes = sim_alloc(taken);
    size_t filled = 0;
    for (int i = 0; i < iov_count && filled < taken; i++) {
        size_t part = iov[i].iov_len < taken - filled ? iov[i].iov_len : taken - filled;
        if (part > 0) {
            memcpy(bytes + filled, iov[i].iov_base, part);
        }
        filled += part;
    }
    end_send(end, bytes, taken);
    free(bytes);
    return (ssize_t)taken;
}

/* ---- native peers ---- */

sim_listener* sim_listen(sim_world* world, const struct sockaddr* addr, socklen_t addr_len,
                         const sim_peer_handler* handler, void* udata)
{
    assert(handler->on_bytes);
    net_key key = key_of(addr, addr_len);
    sim_listener* listener = listener_new(world, &key);
    if (listener) {
        listener->handler = handler;
        listener->udata = udata;
    }
    return listener;
}

void sim_listener_close(sim_listener* listener)
{
    listener_free(listener);
}

sim_peer* sim_peer_connect(sim_world* world, const struct sockaddr* addr, socklen_t addr_len,
                           const sim_peer_handler* handler, void* udata)
{
    assert(handler->on_bytes);
    net_key key = key_of(addr, addr_len);
    sim_conn* conn = conn_new(world, NULL, &key);
    sim_end* end = conn->ends[0];
    end->handler = handler;
    end->udata = udata;
    end_hold(end);
    packet_send(conn->ends[1], PACKET_SYN);
    return (sim_peer*)end;
}

void sim_peer_set_udata(sim_peer* peer, void* udata)
{
    peer->end.udata = udata;
}

void* sim_peer_udata(const sim_peer* peer)
{
    return peer->end.udata;
}

void sim_peer_send(sim_peer* peer, const void* bytes, size_t size)
{
    assert(peer->end.is_open);
    if (size > 0 && peer->end.is_established && !peer->end.is_broken && !peer->end.is_shut) {
        end_send(&peer->end, bytes, size);
    }
}

void sim_peer_set_paused(sim_peer* peer, bool is_paused)
{
    sim_end* end = &peer->end;
    assert(end->is_open);
    end->is_paused = is_paused;
    if (is_paused) {
        return;
    }
    conn_acquire(end->conn); /* the callbacks may close it */
    size_t count = end->rx_size - end->rx_pos;
    if (count > 0) {
        end->rx_pos = end->rx_size;
        end_acknowledge(end_other(end), count);
        end->handler->on_bytes(peer, end->rx + end->rx_size - count, count);
    }
    if (end->is_open && end->has_eof && end->handler->on_end) {
        end->handler->on_end(peer, 0);
    }
    conn_release(end->conn);
}

void sim_peer_shutdown(sim_peer* peer)
{
    assert(peer->end.is_open);
    end_shut(&peer->end);
}

void sim_peer_close(sim_peer* peer)
{
    assert(peer->end.is_open);
    end_close(&peer->end);
}

void sim_peer_reset(sim_peer* peer)
{
    assert(peer->end.is_open);
    packet_send_reset(end_other(&peer->end), ECONNRESET);
    end_let_go(&peer->end);
}

void sim_peer_vanish(sim_peer* peer)
{
    assert(peer->end.is_open);
    end_let_go(&peer->end);
}

/* ---- life ---- */

static void packets_free(sim_node* list)
{
    while (!sim_list_is_empty(list)) {
        packet* self = SIM_OWNER(packet, node, list->next);
        sim_list_remove(&self->node);
        free(self);
    }
}

void sim_net_free(sim_world* world)
{
    while (!sim_list_is_empty(&world->listeners)) {
        listener_free(SIM_OWNER(sim_listener, node, world->listeners.next));
    }
    packets_free(&world->packets);
    packets_free(&world->parked);
    while (!sim_list_is_empty(&world->connections)) {
        conn_free(SIM_OWNER(sim_conn, node, world->connections.next));
    }
    while (!sim_list_is_empty(&world->links)) {
        link_entry* entry = SIM_OWNER(link_entry, node, world->links.next);
        sim_list_remove(&entry->node);
        free(entry);
    }
    sim_name_free_all(world);
}
