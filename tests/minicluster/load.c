/*
 * mc_load: a load generator of raw sockets. Puts `records` small records, then gets them over
 * `conns` connections, `depth` requests in flight on each, for `seconds`, and prints how many
 * answers came per second. It measures a server on the same host, itself included.
 *
 * It knows no partition map: any node answers (a wrong one counts a proxied request), so that the
 * figure is the server's. Exit status 1 if an answer is wrong or, with --at-least, too few came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"

enum {
    LOAD_CONNS_MAX = 512,
    LOAD_PORTS_MAX = 64,
    LOAD_REPLY_GET = 8 + 22 + 8 + 1 + 8
};

typedef struct load_conn {
    int fd;
    uint32_t in_flight;
    mc_bytes in;
    mc_bytes out;
} load_conn;

typedef struct load {
    uint16_t ports[LOAD_PORTS_MAX];
    int port_count;
    int conn_count;
    uint32_t depth;
    uint32_t records;
    double seconds;
    load_conn conns[LOAD_CONNS_MAX];
    uint64_t answers;
    uint64_t wrong;
    uint64_t random;
} load;

static double load_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void load_die(const char* what)
{
    perror(what);
    exit(1);
}

// Any 20 bytes do as a digest: the server never recomputes it.
static void load_digest(uint32_t key, uint8_t ret_digest[20])
{
    uint64_t state = key;
    for (int i = 0; i < 20; i += 4) {
        mc_be_set(ret_digest + i, mc_random(&state), 4);
    }
}

static void load_request(mc_bytes* out, uint32_t key, bool put)
{
    size_t begin = mc_frame_begin(out, 3);
    mc_bytes_be(out, put ? 0x160001000000 : 0x160300000000, 6);
    mc_bytes_be(out, 0, 8);
    mc_bytes_be(out, 1000, 4);
    mc_bytes_be(out, 3, 2);
    mc_bytes_be(out, put, 2);
    mc_bytes_be(out, 5, 4);
    mc_bytes_u8(out, 0);
    mc_bytes_text(out, "test");
    mc_bytes_be(out, 5, 4);
    mc_bytes_u8(out, 1);
    mc_bytes_text(out, "load");
    mc_bytes_be(out, 21, 4);
    mc_bytes_u8(out, 4);
    load_digest(key, mc_bytes_room(out, 20));
    out->len += 20;
    if (put) {
        mc_bytes_be(out, 13, 4);
        mc_bytes_be(out, 0x0201000161, 5); // WRITE, integer, bin "a"
        mc_bytes_be(out, key, 8);
    }
    mc_frame_end(out, begin);
}

static void load_connect(load* l, int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(l->ports[index % l->port_count]);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load_conn* conn = &l->conns[index];
    int on = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (conn->fd < 0 || connect(conn->fd, (struct sockaddr*)&address, sizeof(address))) {
        load_die("mc_load: connect");
    }
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(conn->fd, F_SETFL, O_NONBLOCK);
}

// Takes the complete answers out of what came.
static void load_take(load* l, load_conn* conn, bool put)
{
    size_t at = 0;
    while (conn->in.len - at >= 8) {
        const uint8_t* frame = conn->in.data + at;
        size_t size = 8 + (size_t)mc_be_get(frame + 2, 6);
        if (conn->in.len - at < size) {
            break;
        }
        bool good = frame[1] == 3 && frame[13] == 0 && (put || size == LOAD_REPLY_GET);
        l->wrong += !good;
        l->answers++;
        conn->in_flight--;
        at += size;
    }
    mc_bytes_drop(&conn->in, at);
}

static void load_read(load* l, load_conn* conn, bool put)
{
    enum {
        CHUNK = 64 * 1024
    };
    ssize_t got = recv(conn->fd, mc_bytes_room(&conn->in, CHUNK), CHUNK, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        load_die("mc_load: recv");
    }
    if (got > 0) {
        conn->in.len += (size_t)got;
        load_take(l, conn, put);
    }
}

static void load_write(load_conn* conn)
{
    ssize_t sent = send(conn->fd, conn->out.data, conn->out.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        load_die("mc_load: send");
    }
    if (sent > 0) {
        mc_bytes_drop(&conn->out, (size_t)sent);
    }
}

// Tops up the requests in flight. With puts, `*next` counts the keys.
static void load_fill(load* l, load_conn* conn, bool put, uint32_t* next)
{
    // Half of the depth at a time: one answer, one request would cost a system call each.
    if (conn->in_flight > l->depth / 2) {
        return;
    }
    while (conn->in_flight < l->depth && (!put || *next < l->records)) {
        uint32_t key = put ? (*next)++ : (uint32_t)(mc_random(&l->random) % l->records);
        load_request(&conn->out, key, put);
        conn->in_flight++;
    }
}

static bool load_busy(const load* l)
{
    for (int i = 0; i < l->conn_count; i++) {
        if (l->conns[i].in_flight) {
            return true;
        }
    }
    return false;
}

// Puts all records, or gets until the time is over. Returns answers per second.
static double load_run(load* l, int epoll_fd, bool put)
{
    struct epoll_event events[64];
    uint32_t next = 0;
    double begin = load_now();
    l->answers = 0;
    for (int i = 0; i < l->conn_count; i++) {
        load_fill(l, &l->conns[i], put, &next);
        load_write(&l->conns[i]);
    }
    while (load_busy(l)) {
        int count = epoll_wait(epoll_fd, events, 64, 10000);
        if (count == 0) {
            fputs("mc_load: no answer for 10 s\n", stderr);
            exit(1);
        }
        bool more = put || load_now() - begin < l->seconds;
        for (int i = 0; i < count; i++) {
            load_conn* conn = events[i].data.ptr;
            load_read(l, conn, put);
            if (more) {
                load_fill(l, conn, put, &next);
            }
            if (conn->out.len) {
                load_write(conn);
            }
        }
    }
    return (double)l->answers / (load_now() - begin);
}

static void load_ports(load* l, const char* text)
{
    char* copy = strdup(text);
    char* rest = copy;
    char* item;
    while (copy && (item = strsep(&rest, ",")) && l->port_count < LOAD_PORTS_MAX) {
        char* colon = strrchr(item, ':');
        l->ports[l->port_count++] = (uint16_t)atoi(colon ? colon + 1 : item);
    }
    free(copy);
}

int main(int argc, char** argv)
{
    static const struct option options[] = {
        {"conns", required_argument, NULL, 'c'},    {"depth", required_argument, NULL, 'd'},
        {"records", required_argument, NULL, 'r'},  {"seconds", required_argument, NULL, 's'},
        {"at-least", required_argument, NULL, 'a'}, {NULL, 0, NULL, 0}};
    static load l = {.conn_count = 16, .depth = 64, .records = 100000, .seconds = 3, .random = 1};
    double at_least = 0;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        double value = optarg ? atof(optarg) : 0;
        l.conn_count = option == 'c' ? (int)value : l.conn_count;
        l.depth = option == 'd' ? (uint32_t)value : l.depth;
        l.records = option == 'r' ? (uint32_t)value : l.records;
        l.seconds = option == 's' ? value : l.seconds;
        at_least = option == 'a' ? value : at_least;
    }
    if (optind + 1 != argc || l.conn_count < 1 || l.conn_count > LOAD_CONNS_MAX || !l.depth ||
        !l.records) {
        fputs("mc_load [--conns N] [--depth N] [--records N] [--seconds S] [--at-least RATE] "
              "HOST:PORT,...\n",
              stderr);
        return 2;
    }
    load_ports(&l, argv[optind]);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < l.conn_count; i++) {
        load_connect(&l, i);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &l.conns[i]};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, l.conns[i].fd, &event);
    }
    double puts_per_s = load_run(&l, epoll_fd, true);
    double gets_per_s = load_run(&l, epoll_fd, false);
    printf("%.0f puts/s, %.0f gets/s, %llu wrong\n", puts_per_s, gets_per_s,
           (unsigned long long)l.wrong);
    return l.wrong || gets_per_s < at_least;
}
