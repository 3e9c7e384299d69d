/*
 * What the tests of the module have in common: a cluster for all of them, an nginx for each.
 */
#ifndef TENDRIL_TESTS_NGINX_BED_H
#define TENDRIL_TESTS_NGINX_BED_H

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/nginx/web.h"

extern test_cluster* bed_cluster;
extern web bed_site;
/* The seeds as a line of the cluster's block. */
extern char bed_server[4200];

/* Group fixtures; the cluster has the record "fido". */
int bed_set_up(void** state);
int bed_tear_down(void** state);

/* Starts nginx with the seeds of the cluster and this configuration's other parts. */
void bed_start(const web_conf* conf);
/* After each test, also after one that failed. */
int bed_clean(void** state);
/* The end of a test that has nginx running: gracefully, no alert, and nothing is left. */
void bed_end_well(void);

/* Does the reply have the record? */
void bed_assert_is_fido(const web_reply* reply);
/* Asks for /kv/fido on new connections until each of these workers has answered. */
void bed_fetch_through_each(const web_workers* workers);
/* Every node answers record commands late. */
void bed_set_slow(int ms);
/* On every node. */
void bed_control_all(const char* words, const char* more);

#endif
