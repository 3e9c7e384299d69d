/*
 * The floor: what a get or a put costs when nothing but its bytes and its digest are left. Requests
 * are copied from a template, the answers' frames are counted, and that is all: no timeouts, no
 * retries, no records. Connections are chosen as the client chooses them: an idle one, a new one,
 * or the one with the shortest queue; a request on an idle connection goes out at once, those
 * behind others at the end of the turn.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/digest.h"
#include "core/wire.h"

enum {
    FLOOR_EVENTS = 64, /* as libev's */
    FLOOR_READ_BYTES = 64 * 1024,
    FLOOR_DEPTH_MAX = 1024,
};

typedef struct floor_conn {
    struct floor_conn* next_dirty;
    int fd;
    uint32_t node;
    uint32_t head, count; /* of `starts` */
    bool is_dirty;
    uint8_t* in; /* a partial frame */
    size_t in_size, in_capacity;
    uint8_t* out;
    size_t out_size, out_pos, out_capacity;
    uint64_t starts[FLOOR_DEPTH_MAX];
} floor_conn;

typedef struct floor_node {
    floor_conn** conns;
    uint32_t count;
    floor_conn** idle; /* a stack */
    uint32_t idle_count;
} floor_node;

struct bench_floor {
    const bench_owners* owners;
    int epoll;
    uint32_t conns_max;
    uint32_t depth;
    floor_node nodes[64];
    tnd_buf get, put;
    size_t digest_offset;
    const bench_cell* cell;
    bench_chance chance;
    bench_result* result;
    floor_conn* dirty;
    uint64_t end_ns;
    uint32_t in_flight;
    bool is_over;
    uint8_t buffer[FLOOR_READ_BYTES];
};

static _Noreturn void die(const char* what)
{
    perror(what);
    exit(1);
}

/* ---- connections ---- */

static floor_conn* conn_open(bench_floor* self, uint32_t node)
{
    floor_conn* conn = calloc(1, sizeof(*conn));
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(self->owners->ports[node]),
                               .sin_addr.s_addr = self->owners->addrs[node]};
    int on = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr*)&name, sizeof(name)) != 0) {
        die("floor: connect");
    }
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(conn->fd, F_SETFL, O_NONBLOCK);
    conn->node = node;
    conn->out_capacity = FLOOR_READ_BYTES * 4;
    conn->out = malloc(conn->out_capacity);
    conn->in_capacity = FLOOR_READ_BYTES * 4;
    conn->in = malloc(conn->in_capacity);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    epoll_ctl(self->epoll, EPOLL_CTL_ADD, conn->fd, &event);
    floor_node* of = &self->nodes[node];
    of->conns[of->count++] = conn;
    return conn;
}

static floor_conn* conn_choose(bench_floor* self, uint32_t node)
{
    floor_node* of = &self->nodes[node];
    if (of->idle_count > 0) {
        return of->idle[--of->idle_count];
    }
    if (of->count < self->conns_max) {
        return conn_open(self, node);
    }
    floor_conn* best = of->conns[0];
    for (uint32_t i = 1; i < of->count; i++) {
        best = of->conns[i]->count < best->count ? of->conns[i] : best;
    }
    return best->count < self->depth ? best : NULL;
}

static void conn_flush(floor_conn* conn)
{
    while (conn->out_pos < conn->out_size) {
        ssize_t count =
            send(conn->fd, conn->out + conn->out_pos, conn->out_size - conn->out_pos, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            return;
        }
        if (count < 0) {
            die("floor: send");
        }
        conn->out_pos += (size_t)count;
    }
    conn->out_size = 0;
    conn->out_pos = 0;
}

static void conn_queue(bench_floor* self, floor_conn* conn, const tnd_buf* request)
{
    if (conn->out_size + request->size > conn->out_capacity) {
        conn->out_capacity = 2 * (conn->out_size + request->size);
        conn->out = realloc(conn->out, conn->out_capacity);
    }
    memcpy(conn->out + conn->out_size, request->data, request->size);
    conn->out_size += request->size;
    if (!conn->is_dirty) {
        conn->is_dirty = true;
        conn->next_dirty = self->dirty;
        self->dirty = conn;
    }
}

/* ---- operations ---- */

static void floor_submit(bench_floor* self)
{
    bool is_put = bench_is_put(self->cell, &self->chance);
    int64_t number = bench_key(self->cell, &self->chance);
    uint8_t key[8];
    for (int i = 0; i < 8; i++) {
        key[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    }
    tnd_buf* request = is_put ? &self->put : &self->get;
    uint8_t* digest = request->data + self->digest_offset;
    tnd_digest(BENCH_SET, strlen(BENCH_SET), TND_WIRE_INTEGER, key, sizeof(key), digest);
    floor_conn* conn = conn_choose(self, self->owners->owners[tnd_digest_partition(digest)]);
    if (!conn) {
        self->result->errors++;
        return;
    }
    conn->starts[(conn->head + conn->count++) % FLOOR_DEPTH_MAX] = bench_now_ns();
    self->in_flight++;
    size_t sent = 0;
    if (conn->count == 1) {
        ssize_t count = send(conn->fd, request->data, request->size, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN) {
            die("floor: send");
        }
        sent = count > 0 ? (size_t)count : 0;
    }
    if (sent < request->size) {
        tnd_buf rest = *request;
        rest.data += sent;
        rest.size -= sent;
        conn_queue(self, conn, &rest);
    }
}

static void conn_on_frame(bench_floor* self, floor_conn* conn, const uint8_t* frame)
{
    uint64_t now_ns = bench_now_ns();
    bench_latency_add(&self->result->latency, now_ns - conn->starts[conn->head % FLOOR_DEPTH_MAX]);
    conn->head++;
    self->in_flight--;
    self->result->ops++;
    self->result->errors += frame[TND_WIRE_FRAME_BYTES + 5] != 0;
    if (--conn->count == 0) {
        floor_node* of = &self->nodes[conn->node];
        of->idle[of->idle_count++] = conn;
    }
    self->is_over = now_ns >= self->end_ns;
    if (!self->is_over) {
        floor_submit(self);
    }
}

static size_t frame_size(const uint8_t* bytes, size_t size)
{
    if (size < TND_WIRE_FRAME_BYTES) {
        return SIZE_MAX;
    }
    size_t body = 0;
    for (int i = 2; i < TND_WIRE_FRAME_BYTES; i++) {
        body = body << 8 | bytes[i];
    }
    return body + TND_WIRE_FRAME_BYTES;
}

/* Returns the bytes of whole frames. */
static size_t conn_take(bench_floor* self, floor_conn* conn, const uint8_t* bytes, size_t size)
{
    size_t at = 0;
    for (;;) {
        size_t frame = frame_size(bytes + at, size - at);
        if (frame > size - at) {
            return at;
        }
        conn_on_frame(self, conn, bytes + at);
        at += frame;
    }
}

static void conn_keep(floor_conn* conn, const uint8_t* bytes, size_t size)
{
    if (conn->in_size + size > conn->in_capacity) {
        conn->in_capacity = 2 * (conn->in_size + size);
        conn->in = realloc(conn->in, conn->in_capacity);
    }
    memmove(conn->in + conn->in_size, bytes, size);
    conn->in_size += size;
}

static void conn_read(bench_floor* self, floor_conn* conn)
{
    ssize_t count = recv(conn->fd, self->buffer, sizeof(self->buffer), 0);
    if (count < 0 && errno == EAGAIN) {
        return;
    }
    if (count <= 0) {
        die("floor: recv");
    }
    if (conn->in_size == 0) {
        size_t taken = conn_take(self, conn, self->buffer, (size_t)count);
        conn_keep(conn, self->buffer + taken, (size_t)count - taken);
        return;
    }
    conn_keep(conn, self->buffer, (size_t)count);
    size_t taken = conn_take(self, conn, conn->in, conn->in_size);
    size_t left = conn->in_size - taken;
    conn->in_size = 0;
    conn_keep(conn, conn->in + taken, left);
}

static void floor_turn(bench_floor* self)
{
    struct epoll_event events[FLOOR_EVENTS];
    bool is_blocked = false;
    while (self->dirty) {
        floor_conn* conn = self->dirty;
        self->dirty = conn->next_dirty;
        conn->is_dirty = false;
        conn_flush(conn);
        is_blocked |= conn->out_size > 0;
    }
    int count = epoll_wait(self->epoll, events, FLOOR_EVENTS, is_blocked ? 1 : -1);
    for (int i = 0; i < count; i++) {
        conn_read(self, events[i].data.ptr);
    }
    for (uint32_t n = 0; is_blocked && n < self->owners->count; n++) {
        for (uint32_t i = 0; i < self->nodes[n].count; i++) {
            conn_flush(self->nodes[n].conns[i]);
        }
    }
}

void bench_floor_run(bench_floor* self, const bench_cell* cell, uint64_t ns,
                     bench_result* ret_result)
{
    memset(ret_result, 0, sizeof(*ret_result));
    self->cell = cell;
    self->result = ret_result;
    self->chance.state = 88172645463325252ull;
    self->is_over = false;
    bench_cost start;
    bench_cost_read(&start);
    self->end_ns = start.wall_ns + ns;
    for (uint32_t i = 0; i < cell->in_flight; i++) {
        floor_submit(self);
    }
    while (self->in_flight > 0) {
        floor_turn(self);
    }
    ret_result->cost = bench_cost_since(&start);
    for (uint32_t i = 0; i < self->owners->count; i++) {
        ret_result->conns += self->nodes[i].count;
    }
}

/* ---- life ---- */

static void floor_encode(bench_floor* self, uint32_t bytes)
{
    as_error err;
    as_key key;
    as_policy_read read;
    as_policy_write write;
    as_policy_read_init(&read);
    as_policy_write_init(&write);
    as_key_init_int64(&key, BENCH_NS, BENCH_SET, 0);
    uint8_t* value = calloc(1, bytes);
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_rawp(&record, BENCH_BIN, value, bytes, false);
    tnd_buf_init(&self->get, TND_WIRE_FRAME_BYTES + TND_WIRE_BODY_BYTES_MAX);
    tnd_buf_init(&self->put, TND_WIRE_FRAME_BYTES + TND_WIRE_BODY_BYTES_MAX);
    if (tnd_wire_get(&self->get, &err, &key, &read, 1000) != AEROSPIKE_OK ||
        tnd_wire_put(&self->put, &err, &key, &record, &write, 1000) != AEROSPIKE_OK) {
        die(err.message);
    }
    self->digest_offset = TND_WIRE_FRAME_BYTES + TND_WIRE_HEADER_BYTES + 5 + strlen(BENCH_NS) + 5 +
                          strlen(BENCH_SET) + 5;
    as_record_destroy(&record);
    free(value);
}

bench_floor* bench_floor_open(const bench_owners* owners, const bench_cell* cell)
{
    bench_floor* self = calloc(1, sizeof(*self));
    self->owners = owners;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->conns_max = cell->conns;
    self->depth = cell->depth;
    for (uint32_t i = 0; i < owners->count; i++) {
        self->nodes[i].conns = calloc(cell->conns, sizeof(floor_conn*));
        self->nodes[i].idle = calloc(cell->conns, sizeof(floor_conn*));
    }
    floor_encode(self, cell->bytes);
    return self;
}

void bench_floor_close(bench_floor* self)
{
    for (uint32_t n = 0; n < self->owners->count; n++) {
        for (uint32_t i = 0; i < self->nodes[n].count; i++) {
            floor_conn* conn = self->nodes[n].conns[i];
            close(conn->fd);
            free(conn->in);
            free(conn->out);
            free(conn);
        }
        free(self->nodes[n].conns);
        free(self->nodes[n].idle);
    }
    tnd_buf_done(&self->get);
    tnd_buf_done(&self->put);
    close(self->epoll);
    free(self);
}
