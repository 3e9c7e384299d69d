/*
 * One TCP connection: lines in, answers out, in order.
 *
 *     OPEN       reads lines while it has room for them
 *     ENDING     reads no more (the peer's end of file, or the worker drains); answers what it has
 *     LINGERING  has said end of file; throws away what still comes until the peer closes too, as a
 *                socket closed with unread bytes resets the connection and the last answers with it
 *     CLOSED     has no socket; is freed when the cluster has answered its lines
 *
 * Held back are: a client with CLIENT_LINES_MAX lines under way, one that doesn't read its answers
 * (OUTPUT_BYTES_HIGH), and one whose worker has LINES_MAX lines at the cluster. None of them is
 * read from, so TCP slows the peer down, and memory stays bounded.
 *
 * Nothing is written or begun inside a callback of the library: it marks the client, and
 * client_flush_all() goes on with all marked ones before the loop waits, with one write for all
 * answers of that turn.
 */
#include "echo_proxy.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_SEC 2.0

typedef enum client_state {
    CLIENT_OPEN,
    CLIENT_ENDING,
    CLIENT_LINGERING,
    CLIENT_CLOSED,
} client_state;

struct echo_client {
    echo_worker* worker;
    uint64_t id;
    client_state state;
    bool has_peer_ended;
    bool is_unflushed, is_waiting; /* on the worker's list of that name */
    TAILQ_ENTRY(echo_client) clients_entry, unflushed_entry, waiting_entry;
    int fd;
    ev_io read_io, write_io;
    ev_timer linger;

    char input[LINE_BYTES_MAX + 2]; /* "\r\n" */
    size_t input_bytes;
    bool is_skipping; /* the rest of a line that was too long */

    echo_line
        lines[CLIENT_LINES_MAX]; /* first_line to next_line, by sequence modulo their number */
    uint64_t first_line, next_line;
    unsigned stored_count; /* of these, at the cluster */

    char* output;
    size_t output_begin, output_end, output_capacity;
};

echo_client* client_next(const echo_client* self)
{
    return TAILQ_NEXT(self, clients_entry);
}

echo_origin client_origin(const echo_line* line)
{
    const echo_client* self = line->client;
    return (echo_origin){self->worker, self->id, self->state == CLIENT_CLOSED};
}

static size_t client_output_bytes(const echo_client* self)
{
    return self->output_end - self->output_begin;
}

/* To be flushed before the loop waits. */
static void client_mark(echo_client* self)
{
    if (!self->is_unflushed) {
        self->is_unflushed = true;
        TAILQ_INSERT_TAIL(&self->worker->unflushed, self, unflushed_entry);
    }
}

static void client_set_waiting(echo_client* self, bool is_waiting)
{
    echo_client_list* waiting = &self->worker->waiting;
    if (is_waiting && !self->is_waiting) {
        TAILQ_INSERT_TAIL(waiting, self, waiting_entry);
    } else if (!is_waiting && self->is_waiting) {
        TAILQ_REMOVE(waiting, self, waiting_entry);
    }
    self->is_waiting = is_waiting;
}

/* ---- end ------------------------------------------------------------------------------------ */

static void client_free_if_done(echo_client* self)
{
    if (self->state != CLIENT_CLOSED || self->stored_count) {
        return;
    }
    echo_worker* worker = self->worker;
    if (self->is_unflushed) {
        TAILQ_REMOVE(&worker->unflushed, self, unflushed_entry);
    }
    TAILQ_REMOVE(&worker->clients, self, clients_entry);
    for (unsigned i = 0; i < CLIENT_LINES_MAX; i++) {
        free(self->lines[i].answer);
    }
    free(self->output);
    free(self);
    worker_note_client_gone(worker);
}

void client_close(echo_client* self)
{
    if (self->state == CLIENT_CLOSED) {
        return;
    }
    self->state = CLIENT_CLOSED;
    ev_io_stop(self->worker->loop, &self->read_io);
    ev_io_stop(self->worker->loop, &self->write_io);
    ev_timer_stop(self->worker->loop, &self->linger);
    client_set_waiting(self, false);
    close(self->fd);
    client_free_if_done(self);
}

static void on_linger(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    client_close(timer->data);
}

/* Everything is answered and sent. */
static void client_finish(echo_client* self)
{
    if (self->has_peer_ended || shutdown(self->fd, SHUT_WR) != 0) {
        client_close(self);
        return;
    }
    self->state = CLIENT_LINGERING;
    ev_timer_start(self->worker->loop, &self->linger);
    ev_io_start(self->worker->loop, &self->read_io);
}

/* Takes what the kernel has, as far as there is room. False: the client is closed, and maybe freed.
 */
static bool client_read(echo_client* self)
{
    char waste[4096];
    bool is_open = self->state == CLIENT_OPEN;
    char* to = is_open ? self->input + self->input_bytes : waste;
    size_t room = is_open ? sizeof(self->input) - self->input_bytes : sizeof(waste);
    ssize_t bytes = room ? recv(self->fd, to, room, MSG_DONTWAIT) : -1;
    if (bytes < 0) {
        if (room && errno != EAGAIN && errno != EINTR) {
            client_close(self);
            return false;
        }
        return true;
    }
    if (bytes == 0) {
        self->has_peer_ended = true;
        if (!is_open) {
            client_close(self);
            return false;
        }
        self->state = CLIENT_ENDING;
    } else if (is_open) {
        self->input_bytes += (size_t)bytes;
    }
    client_mark(self);
    return true;
}

/* Lines that have arrived already are answered, read or not. */
void client_drain(echo_client* self)
{
    if (self->state == CLIENT_OPEN && client_read(self)) {
        self->state = CLIENT_ENDING;
        client_mark(self);
    }
}

/* ---- answers -------------------------------------------------------------------------------- */

static bool client_reserve(echo_client* self, size_t bytes)
{
    if (self->output_capacity - self->output_end >= bytes) {
        return true;
    }
    if (self->output_begin) {
        memmove(self->output, self->output + self->output_begin, client_output_bytes(self));
        self->output_end -= self->output_begin;
        self->output_begin = 0;
    }
    size_t capacity = self->output_capacity ? self->output_capacity : 1024;
    while (capacity - self->output_end < bytes) {
        capacity *= 2;
    }
    char* output = realloc(self->output, capacity);
    if (!output) {
        return false;
    }
    self->output = output;
    self->output_capacity = capacity;
    return true;
}

static bool client_put(echo_client* self, const void* text, size_t bytes)
{
    if (!client_reserve(self, bytes + 1)) {
        return false;
    }
    memcpy(self->output + self->output_end, text, bytes);
    self->output[self->output_end + bytes] = '\n';
    self->output_end += bytes + 1;
    return true;
}

/* Keeps an answer whose turn hasn't come. */
static bool line_keep(echo_line* line, const void* text, size_t bytes)
{
    line->answer = malloc(bytes + 1);
    if (!line->answer) {
        return false;
    }
    memcpy(line->answer, text, bytes);
    line->answer_bytes = bytes;
    return true;
}

static echo_line* client_line(echo_client* self, uint64_t sequence)
{
    return &self->lines[sequence % CLIENT_LINES_MAX];
}

static bool client_put_line(echo_client* self, echo_line* line, const void* text, size_t bytes)
{
    if (line->sequence != self->first_line) {
        return line_keep(line, text, bytes);
    }
    if (!client_put(self, text, bytes)) {
        return false;
    }
    self->first_line++;
    while (self->first_line < self->next_line && client_line(self, self->first_line)->answer) {
        line = client_line(self, self->first_line);
        if (!client_put(self, line->answer, line->answer_bytes)) {
            return false;
        }
        free(line->answer);
        line->answer = NULL;
        self->first_line++;
    }
    return true;
}

/* The answer of a line that the cluster doesn't have (any more). */
static void client_say(echo_line* line, const void* text, size_t bytes)
{
    echo_client* self = line->client;
    if (self->state == CLIENT_CLOSED) {
        client_free_if_done(self);
    } else if (client_put_line(self, line, text, bytes)) {
        client_mark(self);
    } else {
        client_close(self); /* no memory */
    }
}

/* A line has come back from the cluster. */
static void client_take_back(echo_line* line)
{
    free(line->text);
    line->text = NULL;
    line->client->stored_count--;
    line->client->worker->lines_count--;
}

void client_answer(echo_line* line, const void* text, size_t bytes)
{
    line->client->worker->echoes_total++;
    client_take_back(line);
    client_say(line, text, bytes);
}

void client_answer_error(echo_line* line, const as_error* err)
{
    char text[256];
    int length = snprintf(text, sizeof(text), "ERR %d %s: %s", (int)err->code,
                          as_error_string(err->code), err->message);
    size_t bytes = length < (int)sizeof(text) ? (size_t)length : sizeof(text) - 1;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ') {
            text[i] = ' '; /* it stays one line */
        }
    }
    client_take_back(line);
    client_say(line, text, bytes);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static echo_line* client_new_line(echo_client* self)
{
    echo_line* line = client_line(self, self->next_line);
    line->client = self;
    line->sequence = self->next_line++;
    return line;
}

static void client_say_who(echo_client* self)
{
    char text[128];
    int length = snprintf(text, sizeof(text), ".who pid=%d clients=%u echoes=%" PRIu64,
                          (int)getpid(), self->worker->clients_count, self->worker->echoes_total);
    client_say(client_new_line(self), text, (size_t)length);
}

static void client_store(echo_client* self, const char* text, size_t bytes)
{
    echo_line* line = client_new_line(self);
    line->text = malloc(bytes + 1);
    if (!line->text) {
        client_close(self); /* no memory */
        return;
    }
    memcpy(line->text, text, bytes);
    line->text_bytes = bytes;
    self->stored_count++;
    self->worker->lines_count++;
    store_line(line);
}

static void client_take_line(echo_client* self, const char* text, size_t bytes)
{
    static const char too_long[] = "ERR line too long";
    if (self->is_skipping) {
        self->is_skipping = false;
        return;
    }
    if (bytes && text[bytes - 1] == '\r') {
        bytes--;
    }
    if (bytes > LINE_BYTES_MAX) {
        client_say(client_new_line(self), too_long, sizeof(too_long) - 1);
    } else if (bytes == 4 && memcmp(text, ".who", 4) == 0) {
        client_say_who(self);
    } else {
        client_store(self, text, bytes);
    }
}

/* The input is full and has no newline: answer now, and skip until there is one. */
static void client_take_overlong(echo_client* self)
{
    if (!self->is_skipping) {
        client_take_line(self, self->input, self->input_bytes);
        self->is_skipping = true;
    }
    self->input_bytes = 0;
}

static bool client_has_room(const echo_client* self)
{
    return self->next_line - self->first_line < CLIENT_LINES_MAX &&
           client_output_bytes(self) < OUTPUT_BYTES_HIGH;
}

/* Takes lines out of the input until it has no more, or no room. */
static void client_take_lines(echo_client* self)
{
    size_t taken = 0;
    client_set_waiting(self, false);
    while (self->state <= CLIENT_ENDING && client_has_room(self)) {
        char* begin = self->input + taken;
        char* newline = memchr(begin, '\n', self->input_bytes - taken);
        if (!newline) {
            break;
        }
        if (self->worker->lines_count >= LINES_MAX) {
            client_set_waiting(self, true);
            break;
        }
        client_take_line(self, begin, (size_t)(newline - begin));
        taken = (size_t)(newline + 1 - self->input);
    }
    self->input_bytes -= taken;
    memmove(self->input, self->input + taken, self->input_bytes);
    if (self->input_bytes == sizeof(self->input) && client_has_room(self) && !self->is_waiting) {
        client_take_overlong(self);
    }
}

/* ---- socket --------------------------------------------------------------------------------- */

/* False: the client is closed, and maybe freed. */
static bool client_send(echo_client* self)
{
    size_t bytes = client_output_bytes(self);
    if (bytes) {
        ssize_t sent =
            send(self->fd, self->output + self->output_begin, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            client_close(self);
            return false;
        }
        self->output_begin += sent > 0 ? (size_t)sent : 0;
    }
    if (self->output_begin == self->output_end) {
        self->output_begin = self->output_end = 0;
        ev_io_stop(self->worker->loop, &self->write_io);
    } else {
        ev_io_start(self->worker->loop, &self->write_io);
    }
    return true;
}

static void client_flush(echo_client* self)
{
    if (self->is_unflushed) {
        self->is_unflushed = false;
        TAILQ_REMOVE(&self->worker->unflushed, self, unflushed_entry);
    }
    if (self->state > CLIENT_ENDING || !client_send(self)) {
        return;
    }
    self->stored_count++; /* a line that fails at once must not free the client here */
    client_take_lines(self);
    self->stored_count--;
    if (self->state == CLIENT_CLOSED) {
        client_free_if_done(self);
    } else if (self->state == CLIENT_OPEN && client_has_room(self) && !self->is_waiting) {
        ev_io_start(self->worker->loop, &self->read_io);
    } else {
        ev_io_stop(self->worker->loop, &self->read_io);
        if (self->state == CLIENT_ENDING && self->first_line == self->next_line &&
            !client_output_bytes(self) && !self->is_waiting) {
            client_finish(self);
        }
    }
}

void client_flush_all(echo_worker* worker)
{
    for (;;) {
        echo_client* client = TAILQ_FIRST(&worker->unflushed);
        if (!client && worker->lines_count < LINES_MAX) {
            client = TAILQ_FIRST(&worker->waiting);
        }
        if (!client) {
            return;
        }
        client_flush(client);
    }
}

static void on_readable(struct ev_loop* loop, ev_io* io, int events)
{
    (void)loop, (void)events;
    client_read(io->data);
}

static void on_writable(struct ev_loop* loop, ev_io* io, int events)
{
    (void)loop, (void)events;
    client_mark(io->data);
}

void client_open(echo_worker* worker, int fd)
{
    echo_client* self = calloc(1, sizeof(*self));
    if (!self) {
        close(fd);
        return;
    }
    self->worker = worker;
    self->id = ++worker->clients_total;
    self->fd = fd;
    ev_io_init(&self->read_io, on_readable, fd, EV_READ);
    ev_io_init(&self->write_io, on_writable, fd, EV_WRITE);
    ev_timer_init(&self->linger, on_linger, LINGER_SEC, 0.);
    self->read_io.data = self->write_io.data = self->linger.data = self;
    TAILQ_INSERT_TAIL(&worker->clients, self, clients_entry);
    worker->clients_count++;
    ev_io_start(worker->loop, &self->read_io);
}
