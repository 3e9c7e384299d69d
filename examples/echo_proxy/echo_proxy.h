/*
 * A prefork TCP server whose workers store each line that a client sends as a record, read it back,
 * and echo what they read. What its files have to say to each other:
 *
 *     main.c      options
 *     master.c    forks workers, replaces dead ones, reloads, ends; never touches the cluster
 *     worker.c    one process, one thread, one event loop, one client of the cluster
 *     client.c    one TCP connection: lines in, answers out, in order
 *     store.c     one line: put, get
 *     log.c       one line per message, with the process that wrote it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <aerospike/aerospike.h>
#include <aerospike/as_event.h> /* with AS_USE_LIBEV it brings ev.h along */

/* Every input is bounded. */
#define WORKERS_MAX 128
#define CLIENTS_MAX 10000       /* of one worker; more wait to be accepted */
#define LINES_MAX 64            /* of one worker at the cluster; more stay with their clients */
#define CLIENT_LINES_MAX 32     /* of one client; more stay in its socket */
#define LINE_BYTES_MAX 4096     /* of one line, without its newline */
#define OUTPUT_BYTES_HIGH 65536 /* a client that is so far behind with reading isn't read from */
#define DRAIN_LIMIT_MS 15000    /* a worker that is told to end takes no longer */

/* ---- main.c --------------------------------------------------------------------------------- */

typedef struct echo_options {
    const char* listen_host; /* numeric */
    const char* listen_port;
    const char* hosts; /* seeds: host[:port],... */
    const char* namespace_name;
    const char* set_name;
    unsigned workers_count;
    int shm_key;
    unsigned takeover_threshold_sec;
    bool is_verbose;
} echo_options;

/* ---- master.c ------------------------------------------------------------------------------- */

/* Listens and serves until it is told to end. Returns the exit status. */
int master_run(const echo_options* options);

/* ---- worker.c ------------------------------------------------------------------------------- */

typedef struct echo_client echo_client;
typedef TAILQ_HEAD(echo_client_list, echo_client) echo_client_list;

typedef struct echo_worker {
    const echo_options* options;
    int listen_fd;
    int master_fd; /* ends when the master does */
    uint64_t tag;  /* random: no two workers, anywhere, make the same key */

    /* the cluster */
    struct ev_loop* loop;
    as_event_loop* event_loop;
    aerospike as;

    /* what the loop watches */
    ev_io accept_io;
    ev_io master_io;
    ev_signal term_signal;
    ev_signal int_signal;
    ev_prepare flush;       /* before the loop waits: send what the turn has produced */
    ev_timer accept_pause;  /* out of descriptors, or enough clients */
    ev_timer start_timeout; /* until it serves */
    ev_timer drain_timeout; /* while draining */

    /* clients */
    echo_client_list clients;
    echo_client_list unflushed; /* something to do before the loop waits */
    echo_client_list waiting;   /* have lines, but LINES_MAX are at the cluster */
    unsigned clients_count;
    uint64_t clients_total;
    unsigned lines_count; /* at the cluster */
    uint64_t echoes_total;

    bool is_serving;
    bool is_draining;
    bool is_closing;
    int exit_status;
} echo_worker;

/* Serves until it is told to end. Takes both descriptors. Returns the exit status. */
int worker_run(const echo_options* options, int listen_fd, int master_fd);

/* A client was freed: a worker that drains ends with the last one. */
void worker_note_client_gone(echo_worker* worker);

/* ---- client.c ------------------------------------------------------------------------------- */

/* One line, from its newline to its answer's place in the output. */
typedef struct echo_line {
    echo_client* client;
    uint64_t sequence;
    char* text; /* heap; kept while it may have to be stored again */
    size_t text_bytes;
    double give_up_at;
    char* answer; /* heap; an answer that came before those of earlier lines waits here */
    size_t answer_bytes;
} echo_line;

/* Takes an accepted socket. */
void client_open(echo_worker* worker, int fd);

/* Goes on with all that have something to do; called before the loop waits. May free them. */
void client_flush_all(echo_worker* worker);

/* Answers what was read so far, then ends the connection. May free the client. */
void client_drain(echo_client* client);

/* Ends the connection now. May free the client. */
void client_close(echo_client* client);

/* The next in worker.clients. */
echo_client* client_next(const echo_client* client);

/* Answers a line that store_line() took, once. Text and error are copied. May free the client. */
void client_answer(echo_line* line, const void* text, size_t bytes);
void client_answer_error(echo_line* line, const as_error* err);

/* ---- store.c -------------------------------------------------------------------------------- */

/* What a line needs to know of its client. */
typedef struct echo_origin {
    echo_worker* worker;
    uint64_t client_id;
    bool is_gone; /* nobody waits for the answer */
} echo_origin;
echo_origin client_origin(const echo_line* line);

/* Sets the policies that all lines use. */
void store_configure(as_config* config);

/* Stores the line's text, reads it back, and answers the line with what it read. */
void store_line(echo_line* line);

/* ---- log.c ---------------------------------------------------------------------------------- */

/* "2026-01-31 12:00:00.123456 [pid] text", to standard error. */
void log_line(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* The library's lines go the same way. */
void log_begin(bool is_verbose);
