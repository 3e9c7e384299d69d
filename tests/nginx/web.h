/*
 * An nginx of its own for a test: the system's program with our module, in a fresh folder, on a
 * free loopback port; and an HTTP client that waits with a deadline.
 *
 * The listening socket is made here and inherited by nginx, so that nobody else can take the port
 * and connecting never fails: requests that come early wait in the backlog.
 */
#ifndef TENDRIL_TESTS_NGINX_WEB_H
#define TENDRIL_TESTS_NGINX_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define WEB_WORKERS_MAX 16
/* Longest wait for anything that a test expects to happen. */
#define WEB_WAIT_MS 20000

typedef struct web {
    char dir[64];
    char conf[96];
    int port;
    int shm_key;
    pid_t master;
    bool is_single; /* no master: the only process */
} web;

typedef struct web_workers {
    int count;
    pid_t pids[WEB_WORKERS_MAX];
    int pidfds[WEB_WORKERS_MAX]; /* readable when the process has ended */
} web_workers;

typedef struct web_reply {
    int status;   /* 0: none came */
    pid_t worker; /* that answered */
    char body[8192];
    char text[16384]; /* with the headers */
} web_reply;

/* What a configuration consists of. NULL is nothing. */
typedef struct web_conf {
    const char* main;    /* beside the defaults: at main level, */
    const char* events;  /* in events, */
    const char* cluster; /* in the cluster "main" beside its shm_key, */
    const char* http;    /* in http, */
    const char* server;  /* and in the server */
    /* All workers accept from one queue, so that a killed one takes no connection with it that it
     * hasn't accepted. Else every worker has its own, and gets its share. */
    bool has_one_queue;
} web_conf;

/* A folder, a port and a configuration, two workers in it. Fails the test if that doesn't work. */
void web_init(web* self, const web_conf* conf);

/* Another configuration for the next reload or check. */
void web_write_conf(web* self, const web_conf* conf);

/* nginx -t; its exit status, and what it says. */
int web_check(web* self, char* ret_text, size_t size);

void web_start(web* self);

/* QUIT (or another signal), waits for the end, and returns the exit status; -1 if it has to be
 * killed. */
int web_stop(web* self, int signal);

/* USR2, then QUIT for the old master: `master` is the new one. Fails the test if that doesn't work.
 */
void web_upgrade(web* self);

/* Which of the workers tends, by what the error log said last. */
int web_find_tender(const web* self, const web_workers* workers);

/* Removes the folder. */
void web_done(web* self);

/* The worker processes of now (not those that shut down), once there are `count` of them. */
void web_workers_await(web* self, int count, web_workers* ret_workers);
bool web_workers_has(const web_workers* workers, pid_t pid);
/* Waits until all have ended; false if one hasn't within `ms`. Closes what the list holds. */
bool web_workers_await_end(web_workers* workers, int ms);
void web_workers_done(web_workers* workers);

/* One request on a connection of its own. */
void web_request(web* self, const char* method, const char* path, web_reply* ret_reply);
void web_get(web* self, const char* path, web_reply* ret_reply);

/* With headers (each with its \r\n; NULL: none) and a body (NULL: none): "PUT /path", ... */
void web_ask(web* self, const char* line, const char* headers, const void* body, size_t size,
             web_reply* ret_reply);

/* Whatever bytes. */
int web_send_bytes(web* self, const char* bytes, size_t size);

/* The same in halves: a descriptor, then what comes over it. */
int web_send(web* self, const char* method, const char* path);
void web_receive(int fd, web_reply* ret_reply);

/* Lines of the error log at alert, crit or emerg, and workers that died of a signal; each printed.
 */
int web_count_alarms(const web* self);
/* For a test that is about to fail. */
void web_print_log(const web* self);
/* Lines of the error log that contain this. */
int web_count_lines(const web* self, const char* text);

/* How many of nginx's processes have the segment attached; -1: there is none. */
int web_segment_attached(const web* self);

#endif
