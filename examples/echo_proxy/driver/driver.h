/*
 * Load for the echo proxy: many connections with several lines under way each, every echo checked.
 *
 *     main.c      options, time, the end
 *     peer.c      one connection: lines out, echoes in, again from the first open line after a loss
 *     report.c    counts, latencies, JSON
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <aerospike/as_event.h> /* with AS_USE_LIBEV it brings ev.h along */

#define DEPTH_MAX 32    /* lines of one connection under way */
#define LINE_LIMIT 4096 /* bytes of one line, without its newline */
#define WORKERS_SEEN_MAX 512
#define LATENCY_BUCKETS 480 /* sixteen for each doubling of a microsecond */

/* ---- report.c ------------------------------------------------------------------------------- */

typedef struct worker_seen {
    int pid;
    uint64_t echoes;
    uint64_t losses; /* connections that it ended */
} worker_seen;

typedef struct echo_report {
    uint64_t echoes;     /* right ones */
    uint64_t wrong;      /* not what was sent, out of order, or one too many */
    uint64_t errors;     /* ERR lines */
    uint64_t resent;     /* lines sent again after their connection was lost */
    uint64_t reconnects; /* connections made again */
    uint64_t slow;       /* echoes that took longer than the limit */
    double last_slow_at; /* when the last of them came, seconds since 1970 */
    double latency_max;  /* seconds */
    uint64_t latencies[LATENCY_BUCKETS];
    worker_seen workers[WORKERS_SEEN_MAX];
    unsigned workers_count;
    char first_error[256];
    char first_wrong[256];
} echo_report;

worker_seen* report_worker(echo_report* report, int pid);
void report_latency(echo_report* report, double seconds, double slow_sec, double now);

/* What the driver knows beside the counts. */
typedef struct report_facts {
    double seconds;     /* since the first connection */
    double now;         /* seconds since 1970 */
    double waiting_sec; /* age of the oldest open line */
    uint64_t open;      /* lines that wait for their echo */
} report_facts;

/* One line of JSON each. */
void report_progress(const echo_report* report, const report_facts* facts);
void report_summary(const echo_report* report, const report_facts* facts);

/* ---- main.c --------------------------------------------------------------------------------- */

typedef struct echo_driver {
    struct ev_loop* loop;
    struct sockaddr_storage address;
    socklen_t address_bytes;
    unsigned connections_count;
    unsigned depth;
    unsigned line_bytes;
    uint64_t lines_limit; /* of one connection; 0: no limit but time */
    double seconds;
    double rate; /* lines a second, all together; 0: as fast as they are echoed */
    double slow_sec;
    double give_up_sec; /* for open lines at the end */
    double progress_sec;

    struct echo_peer* peers;
    ev_timer end, give_up, progress, pace;
    ev_signal term_signal, int_signal;
    bool is_ending; /* no new lines */
    double tickets; /* lines that the rate allows now */
    uint64_t open_count;
    unsigned turn; /* the peer whose turn it is where lines are rationed */
    double started_at;
    echo_report report;
} echo_driver;

/* May a line be sent now? Takes a ticket. */
bool driver_take_ticket(echo_driver* driver);

/* A peer has nothing open and nothing to send any more. */
void driver_note_idle(echo_driver* driver);

/* ---- peer.c --------------------------------------------------------------------------------- */

typedef struct echo_peer {
    echo_driver* driver;
    unsigned index;
    int fd;
    int worker_pid; /* 0: not told yet */
    bool is_connected;
    bool was_connected;
    ev_io io;
    ev_timer retry;
    uint64_t first_line; /* the oldest without an echo */
    uint64_t next_line;  /* the next that is new */
    uint64_t send_line;  /* the next on this connection */
    double sent_at[DEPTH_MAX];
    char* output; /* LINE_LIMIT + 2 bytes for each line that can be under way */
    size_t output_begin, output_end;
    char input[LINE_LIMIT + 512];
    size_t input_bytes;
} echo_peer;

/* False without memory. */
bool peer_init(echo_peer* peer, echo_driver* driver, unsigned index);
void peer_done(echo_peer* peer);

/* Connects. */
void peer_start(echo_peer* peer);

/* Sends what it may. */
void peer_go_on(echo_peer* peer);

/* True if it has no open lines and won't send more. */
bool peer_is_idle(const echo_peer* peer);
