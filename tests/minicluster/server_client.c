/*
 * One accepted connection: moves bytes between its socket and its mc_conn.
 *
 * Happy path: readable -> read (faithful: to the end of one request, never further) -> answered ->
 * sent. A socket that takes no more waits for room, 10 s at most, as a real node does. End of file
 * with unread requests drops the connection; without, it is closed at once.
 */
#include "server_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void server_client_open(server_worker* worker, int fd, mc_conn* conn)
{
    server_client* client = mc_alloc(sizeof(*client));
    client->source = (server_source){SERVER_CLIENT, fd};
    client->conn = conn;
    client->worker = worker;
    client->interest = EPOLLIN | EPOLLRDHUP;
    pthread_mutex_lock(&worker->lock);
    client->next = worker->clients;
    if (worker->clients) {
        worker->clients->prev = client;
    }
    worker->clients = client;
    pthread_mutex_unlock(&worker->lock);
    server_watch_fd(worker->epoll_fd, &client->source, client->interest);
}

static void client_close(server_client* client, bool reset)
{
    server_worker* worker = client->worker;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset) {
        setsockopt(client->source.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    close(client->source.fd);
    server_lock_write(worker->server);
    mc_conn_free(client->conn);
    server_unlock(worker->server);
    pthread_mutex_lock(&worker->lock);
    if (client->prev) {
        client->prev->next = client->next;
    } else {
        worker->clients = client->next;
    }
    if (client->next) {
        client->next->prev = client->prev;
    }
    for (int i = 0; client->timed && i < worker->timed_count; i++) {
        if (worker->timed[i] == client) {
            worker->timed[i] = worker->timed[--worker->timed_count];
            break;
        }
    }
    pthread_mutex_unlock(&worker->lock);
    free(client);
}

// ---- input --------------------------------------------------------------------------------------

// Tells whether a header of size 0 has something queued behind it.
static void client_look_behind(server_client* client, const uint8_t* header)
{
    int queued = 0;
    if (mc_be_get(header + 2, 6) == 0) {
        ioctl(client->source.fd, FIONREAD, &queued);
        mc_conn_set_more(client->conn, queued > 0);
    }
}

// Reads one request at most. Returns false at the end of file or on an error.
static bool client_read_one(server_client* client, uint64_t now_ms)
{
    uint8_t* buffer = client->worker->buffer;
    uint64_t before = mc_conn_requests(client->conn);
    size_t want;
    while (mc_conn_requests(client->conn) == before && (want = mc_conn_want(client->conn)) > 0) {
        size_t most = want < SERVER_BUFFER ? want : SERVER_BUFFER;
        ssize_t got = recv(client->source.fd, buffer, most, 0);
        if (got <= 0) {
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        if (got == 8 && want == 8) {
            client_look_behind(client, buffer);
        }
        mc_conn_input(client->conn, buffer, (size_t)got, now_ms);
    }
    return true;
}

static bool client_read_all(server_client* client, uint64_t now_ms)
{
    uint8_t* buffer = client->worker->buffer;
    if (!mc_conn_want(client->conn) && !mc_conn_pending(client->conn)) {
        return true;
    }
    ssize_t got = recv(client->source.fd, buffer, SERVER_BUFFER, 0);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    mc_conn_input(client->conn, buffer, (size_t)got, now_ms);
    return true;
}

// The peer will send no more. Returns false if nothing of it waits to be read.
static bool client_hang_up(server_client* client, uint64_t now_ms)
{
    int queued = 0;
    ioctl(client->source.fd, FIONREAD, &queued);
    if (queued <= 0) {
        return false;
    }
    mc_conn_hangup(client->conn, now_ms);
    return true;
}

// ---- output -------------------------------------------------------------------------------------

// Returns false on an error.
static bool client_write(server_client* client, uint64_t now_ms)
{
    const uint8_t* bytes;
    size_t len = mc_conn_output(client->conn, now_ms, &bytes);
    if (!len) {
        return true;
    }
    ssize_t sent = send(client->source.fd, bytes, len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return false;
    }
    if (sent > 0) {
        mc_conn_sent(client->conn, (size_t)sent, now_ms);
        client->stalled_ms = 0;
    }
    if (sent < (ssize_t)len && !client->stalled_ms) {
        client->stalled_ms = now_ms;
    }
    return true;
}

// ---- what to wait for ---------------------------------------------------------------------------

static uint64_t client_deadline(const server_client* client)
{
    // A socket without room is waited for, whatever the connection has to send.
    return client->stalled_ms ? client->stalled_ms + SERVER_STALL_MS
                              : mc_conn_deadline(client->conn);
}

static void client_arm(server_client* client)
{
    server_worker* worker = client->worker;
    uint32_t interest = mc_conn_want(client->conn) ? EPOLLIN | EPOLLRDHUP : 0;
    interest |= client->stalled_ms ? EPOLLOUT : 0;
    if (interest != client->interest) {
        struct epoll_event event = {.events = interest, .data.ptr = client};
        epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, client->source.fd, &event);
        client->interest = interest;
    }
    if (client->timed || client_deadline(client) == MC_NEVER) {
        return;
    }
    pthread_mutex_lock(&worker->lock);
    if (worker->timed_count == worker->timed_cap) {
        worker->timed_cap = worker->timed_cap ? worker->timed_cap * 2 : 16;
        worker->timed = mc_realloc(worker->timed, (size_t)worker->timed_cap * sizeof(client));
    }
    worker->timed[worker->timed_count++] = client;
    client->timed = true;
    pthread_mutex_unlock(&worker->lock);
}

// Sends what may go, and goes on with what waited behind it. Frees the client at its end.
static void client_serve(server_client* client, uint64_t now_ms, bool alive)
{
    mc_server* server = client->worker->server;
    server_lock_read(server);
    mc_ending ending = MC_ENDING_NONE;
    if (alive) {
        alive = client_write(client, now_ms);
        if (alive && !mc_conn_pending(client->conn)) {
            mc_conn_step(client->conn, now_ms);
            alive = client_write(client, now_ms);
        }
        ending = mc_conn_ending(client->conn, now_ms);
        bool stalled = client->stalled_ms && now_ms - client->stalled_ms >= SERVER_STALL_MS;
        alive = alive && !stalled;
    }
    bool over = !alive || ending == MC_ENDING_CLOSE || ending == MC_ENDING_RESET;
    if (!over) {
        if (ending == MC_ENDING_HALF_CLOSE) {
            shutdown(client->source.fd, SHUT_WR);
        }
        client_arm(client);
    }
    server_unlock(server);
    if (over) {
        client_close(client, ending == MC_ENDING_RESET);
    }
}

void server_client_event(server_client* client, uint32_t events)
{
    mc_server* server = client->worker->server;
    uint64_t now_ms = mc_server_now_ms();
    bool alive = !(events & (EPOLLERR | EPOLLHUP));
    if (alive && events & (EPOLLIN | EPOLLRDHUP)) {
        server_lock_read(server);
        if (events & EPOLLRDHUP && !server->config.fast) {
            alive = client_hang_up(client, now_ms);
        } else if (server->config.fast) {
            alive = client_read_all(client, now_ms);
        } else {
            alive = client_read_one(client, now_ms);
        }
        server_unlock(server);
    }
    client_serve(client, now_ms, alive);
}

// ---- time ---------------------------------------------------------------------------------------

int server_worker_timeout_ms(server_worker* worker)
{
    uint64_t now_ms = mc_server_now_ms();
    uint64_t next = MC_NEVER;
    if (!worker->timed_count) {
        return -1;
    }
    server_lock_read(worker->server);
    for (int i = 0; i < worker->timed_count;) {
        server_client* client = worker->timed[i];
        uint64_t at = client_deadline(client);
        if (at == MC_NEVER) {
            client->timed = false;
            worker->timed[i] = worker->timed[--worker->timed_count];
            continue;
        }
        next = at < next ? at : next;
        i++;
    }
    server_unlock(worker->server);
    if (next == MC_NEVER) {
        return -1;
    }
    return next <= now_ms ? 0 : next - now_ms > 60000 ? 60000 : (int)(next - now_ms);
}

static void worker_serve_all(server_worker* worker, uint64_t now_ms)
{
    pthread_mutex_lock(&worker->lock);
    server_client* client = worker->clients;
    pthread_mutex_unlock(&worker->lock);
    while (client) {
        server_client* next = client->next;
        client_serve(client, now_ms, true);
        client = next;
    }
}

void server_worker_due(server_worker* worker)
{
    uint64_t now_ms = mc_server_now_ms();
    uint32_t changes = mc_cluster_changes(worker->server->cluster);
    if (changes != worker->changes_seen) {
        worker->changes_seen = changes;
        worker_serve_all(worker, now_ms);
        return;
    }
    for (int i = worker->timed_count - 1; i >= 0; i--) {
        if (i < worker->timed_count && client_deadline(worker->timed[i]) <= now_ms) {
            client_serve(worker->timed[i], now_ms, true);
        }
    }
}

void server_worker_close(server_worker* worker)
{
    while (worker->clients) {
        client_close(worker->clients, false);
    }
}
