/*
 * One connection. It asks for the worker's pid first, then sends its lines, DEPTH of them under
 * way, and checks that the echoes come right, in order, and once. When the connection is lost it
 * connects again, and sends all lines again that have no echo yet.
 */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_SEC 0.05
#define LINE_ROOM (LINE_LIMIT + 2)

static const char who[] = ".who\n";

/* The text of a line follows from its number, so none needs to be kept. Returns its length. */
static size_t line_text(const echo_peer* self, uint64_t line, char* ret_text)
{
    int used = snprintf(ret_text, LINE_ROOM, "%u-%" PRIu64 ":", self->index, line);
    uint64_t state = line * 0x9e3779b97f4a7c15ULL + self->index;
    size_t length = (size_t)used;
    while (length < self->driver->line_bytes) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        ret_text[length++] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ;"[state >> 58];
    }
    return length;
}

/* ---- connection ----------------------------------------------------------------------------- */

static void peer_lose(echo_peer* self)
{
    echo_driver* driver = self->driver;
    if (self->is_connected && self->worker_pid) {
        report_worker(&driver->report, self->worker_pid)->losses++;
    }
    ev_io_stop(driver->loop, &self->io);
    close(self->fd);
    self->fd = -1;
    self->is_connected = false;
    self->input_bytes = 0;
    if (driver->is_ending && peer_is_idle(self)) {
        driver_note_idle(driver);
        return;
    }
    ev_timer_set(&self->retry, RETRY_SEC, 0.);
    ev_timer_start(driver->loop, &self->retry);
}

static void peer_watch(echo_peer* self, int events)
{
    if (self->io.events != events || !ev_is_active(&self->io)) {
        ev_io_stop(self->driver->loop, &self->io);
        ev_io_set(&self->io, self->fd, events);
        ev_io_start(self->driver->loop, &self->io);
    }
}

void peer_start(echo_peer* self)
{
    const echo_driver* driver = self->driver;
    self->fd = socket(driver->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0) {
        perror("echo_driver: socket");
        exit(2);
    }
    if (connect(self->fd, (const struct sockaddr*)&driver->address, driver->address_bytes) != 0 &&
        errno != EINPROGRESS) {
        peer_lose(self);
        return;
    }
    peer_watch(self, EV_WRITE);
}

static void on_retry(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    peer_start(timer->data);
}

static void peer_note_connected(echo_peer* self)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error) {
        peer_lose(self);
        return;
    }
    self->driver->report.reconnects += self->was_connected;
    self->is_connected = self->was_connected = true;
    self->worker_pid = 0;
    self->send_line = self->first_line;
    self->output_begin = 0;
    self->output_end = sizeof(who) - 1;
    memcpy(self->output, who, sizeof(who) - 1);
    peer_go_on(self);
}

/* ---- out ------------------------------------------------------------------------------------ */

static bool peer_next_line(echo_peer* self)
{
    echo_driver* driver = self->driver;
    double now = ev_now(driver->loop);
    if (self->send_line < self->next_line) { /* its connection was lost */
        driver->report.resent++;
    } else if (driver->is_ending || self->next_line - self->first_line >= driver->depth ||
               (driver->lines_limit && self->next_line >= driver->lines_limit) ||
               !driver_take_ticket(driver)) {
        return false;
    } else {
        self->sent_at[self->next_line % DEPTH_MAX] = now;
        self->next_line++;
        driver->open_count++;
    }
    self->output_end += line_text(self, self->send_line, self->output + self->output_end);
    self->output[self->output_end++] = '\n';
    self->send_line++;
    return true;
}

void peer_go_on(echo_peer* self)
{
    if (!self->is_connected) {
        return;
    }
    if (self->output_begin == self->output_end) {
        self->output_begin = self->output_end = 0;
    }
    /* A line is written where another one still fits behind it. */
    while (self->output_end < DEPTH_MAX * LINE_ROOM && peer_next_line(self)) {}
    if (self->output_begin < self->output_end) {
        ssize_t sent = send(self->fd, self->output + self->output_begin,
                            self->output_end - self->output_begin, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            peer_lose(self);
            return;
        }
        self->output_begin += sent > 0 ? (size_t)sent : 0;
    }
    peer_watch(self, self->output_begin < self->output_end ? EV_READ | EV_WRITE : EV_READ);
}

/* ---- in ------------------------------------------------------------------------------------- */

static void keep_first(char* kept, size_t size, const char* text, size_t bytes)
{
    if (!kept[0]) {
        snprintf(kept, size, "%.*s", (int)bytes, text);
    }
}

/* An echo that nobody waits for, or that isn't what was sent. */
static void peer_note_wrong(echo_peer* self, const char* text, size_t bytes)
{
    echo_report* report = &self->driver->report;
    report->wrong++;
    keep_first(report->first_wrong, sizeof(report->first_wrong), text, bytes);
}

static void peer_take_echo(echo_peer* self, const char* text, size_t bytes)
{
    echo_driver* driver = self->driver;
    echo_report* report = &driver->report;
    if (self->first_line == self->send_line) {
        peer_note_wrong(self, text, bytes);
        return;
    }
    char expected[LINE_ROOM];
    size_t expected_bytes = line_text(self, self->first_line, expected);
    double now = ev_now(driver->loop);
    if (bytes == expected_bytes && memcmp(text, expected, bytes) == 0) {
        report->echoes++;
        report_worker(report, self->worker_pid)->echoes++;
        report_latency(report, now - self->sent_at[self->first_line % DEPTH_MAX], driver->slow_sec,
                       now);
    } else if (bytes >= 4 && memcmp(text, "ERR ", 4) == 0) {
        report->errors++;
        keep_first(report->first_error, sizeof(report->first_error), text, bytes);
    } else {
        peer_note_wrong(self, text, bytes);
    }
    self->first_line++;
    driver->open_count--;
}

static void peer_take_line(echo_peer* self, char* text, size_t bytes)
{
    text[bytes] = '\0';
    if (self->worker_pid) {
        peer_take_echo(self, text, bytes);
    } else if (sscanf(text, ".who pid=%d", &self->worker_pid) != 1 || self->worker_pid <= 0) {
        fprintf(stderr, "echo_driver: this isn't an echo proxy: %s\n", text);
        exit(2);
    }
}

static void peer_take_input(echo_peer* self)
{
    size_t taken = 0;
    char* newline;
    while ((newline = memchr(self->input + taken, '\n', self->input_bytes - taken))) {
        char* text = self->input + taken;
        peer_take_line(self, text, (size_t)(newline - text));
        taken = (size_t)(newline + 1 - self->input);
    }
    self->input_bytes -= taken;
    memmove(self->input, self->input + taken, self->input_bytes);
    if (self->input_bytes == sizeof(self->input)) {
        peer_note_wrong(self, self->input, 80);
        self->input_bytes = 0;
    }
}

static void on_io(struct ev_loop* loop, ev_io* io, int events)
{
    (void)loop;
    echo_peer* self = io->data;
    if (!self->is_connected) {
        peer_note_connected(self);
        return;
    }
    if (events & EV_READ) {
        ssize_t bytes = recv(self->fd, self->input + self->input_bytes,
                             sizeof(self->input) - self->input_bytes, 0);
        if (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR)) {
            peer_lose(self);
            return;
        }
        self->input_bytes += bytes > 0 ? (size_t)bytes : 0;
        peer_take_input(self);
    }
    peer_go_on(self);
    if (peer_is_idle(self)) {
        driver_note_idle(self->driver);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

bool peer_is_idle(const echo_peer* self)
{
    const echo_driver* driver = self->driver;
    return self->first_line == self->next_line &&
           (driver->is_ending || (driver->lines_limit && self->next_line >= driver->lines_limit));
}

bool peer_init(echo_peer* self, echo_driver* driver, unsigned index)
{
    self->driver = driver;
    self->index = index;
    self->fd = -1;
    /* All lines under way, and one on top: see peer_go_on(). */
    self->output = malloc((size_t)LINE_ROOM * (DEPTH_MAX + 1));
    ev_io_init(&self->io, on_io, -1, EV_WRITE);
    ev_timer_init(&self->retry, on_retry, RETRY_SEC, 0.);
    self->io.data = self->retry.data = self;
    return self->output != NULL;
}

void peer_done(echo_peer* self)
{
    ev_io_stop(self->driver->loop, &self->io);
    ev_timer_stop(self->driver->loop, &self->retry);
    if (self->fd >= 0) {
        close(self->fd);
    }
    free(self->output);
}
