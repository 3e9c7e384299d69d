/*
 * Constant load on a web, from processes of its own: each asks again and again on a new connection
 * and judges the answer. The counters are shared and may be read at any time.
 */
#ifndef TENDRIL_TESTS_NGINX_LOAD_H
#define TENDRIL_TESTS_NGINX_LOAD_H

#include "tests/nginx/web.h"

#define LOAD_CLIENTS_MAX 8

typedef struct load_counters {
    volatile unsigned long good;   /* 200 */
    volatile unsigned long cut;    /* the connection ended without an answer */
    volatile unsigned long wrong;  /* any other answer, or none in time */
    volatile unsigned long status; /* of the last wrong one */
    volatile unsigned long max_us; /* longest of the good */
    volatile int is_over;
} load_counters;

typedef struct load {
    load_counters* counters;
    int clients_count;
    pid_t clients[LOAD_CLIENTS_MAX];
} load;

/* GET of the path by so many clients. */
void load_start(load* self, web* site, const char* path, int clients_count);
/* Waits until so many more answers were good; fails the test if they don't come. */
void load_await(load* self, unsigned long count);
/* Under way, on a site of two workers: HUP, and the old workers have gone; kill -9 of the worker
 * that tends or of the other one, and a new one is there. Then some more answers are good. */
void load_reload(load* self, web* site);
void load_kill(load* self, web* site, bool is_tender);
/* Ends the clients, each after its answer. */
void load_stop(load* self);
/* Fails the test unless nothing but so many cut connections at most went wrong. */
void load_assert_clean(const load* self, unsigned long cut_max);
void load_done(load* self);

#endif
