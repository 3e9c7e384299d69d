/*
 * What the tests of the segment share: a segment of their own, members, something to publish, and a
 * process that dies at its n-th store. Included by each of them; not every one needs all of it.
 */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/map.h"
#include "shm/member.h"
#include "shm/points.h"
#include "shm/publish.h"
#include "shm/segment.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

#define NODES 16
#define NAMESPACES 2
#define WORKERS 8
#define THRESHOLD_MS 30000

static int test_key;

static tnd_map_config config_make(void)
{
    return (tnd_map_config){
        .use_shm = true,
        .key = test_key,
        .mode = 0600,
        .nodes_capacity = NODES,
        .namespaces_capacity = NAMESPACES,
        .workers_capacity = WORKERS,
        .identity = "cluster_name=test",
        .nonce = 0x1122334455667788,
        .unix_now = 1800000000,
    };
}

static int segment_id(void)
{
    return shmget(test_key, 0, 0);
}

static void segment_remove(void)
{
    int id = segment_id();
    if (id >= 0) {
        shmctl(id, IPC_RMID, NULL);
    }
}

static int setup(void** state)
{
    (void)state;
    test_key = (int)(0x7e000000u | ((unsigned)getpid() & 0xffffff));
    segment_remove();
    return 0;
}

static int teardown(void** state)
{
    (void)state;
    tnd_point_hook = NULL;
    segment_remove();
    return 0;
}

static void map_open(tnd_map* map)
{
    tnd_map_config config = config_make();
    as_error err;
    as_error_init(&err);
    if (tnd_map_open(map, &config, &err) != AEROSPIKE_OK) {
        fail_msg("open: %s", err.message);
    }
}

static uint64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void join(tnd_member* member, tnd_map* map)
{
    assert_int_equal(
        tnd_member_join(member, map, (uint32_t)rand(), (uint32_t)getpid(), 0, now_ms(), 1800000000),
        TND_JOIN_OK);
}

static bool take(tnd_member* member, tnd_owner_state expected)
{
    tnd_owner_view view;
    tnd_owner_look(member, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, expected);
    return tnd_owner_take(member, &view, now_ms());
}

static void directory_make(tnd_dir_head* head, tnd_node_rec* nodes, tnd_ns_rec* namespaces,
                           uint32_t count)
{
    memset(head, 0, sizeof(*head));
    memset(nodes, 0, sizeof(*nodes) * (NODES + 1));
    memset(namespaces, 0, sizeof(*namespaces) * NAMESPACES);
    head->nodes_count = head->nodes_needed = count;
    head->namespaces_count = head->namespaces_needed = 1;
    for (uint32_t i = 1; i <= count; i++) {
        nodes[i].state = TND_NODE_ACTIVE;
        nodes[i].generation = 100 + i;
        nodes[i].addrs_count = 1;
        nodes[i].addrs[0] = (tnd_node_addr){
            .family = AF_INET, .port = (uint16_t)(3000 + i), .bytes = {127, 0, 0, 1}};
        snprintf(nodes[i].name, sizeof(nodes[i].name), "B%u", i);
    }
    snprintf(namespaces[0].name, sizeof(namespaces[0].name), "test");
    namespaces[0].replicas = 2;
}

static tnd_publish publish_all(tnd_member* member, uint32_t count, uint32_t partitions)
{
    tnd_dir_head head;
    tnd_node_rec nodes[NODES + 1];
    tnd_ns_rec namespaces[NAMESPACES];
    directory_make(&head, nodes, namespaces, count);
    tnd_publish outcome = tnd_publish_directory(member, &head, nodes, namespaces);
    for (uint32_t p = 0; p < partitions && outcome == TND_PUBLISH_OK; p++) {
        uint32_t owners[3] = {1 + p % count, 1 + (p + 1) % count, 0};
        outcome = tnd_publish_word(member, 0, p, owners, 0);
    }
    return outcome;
}

static int death_countdown;

/* Fork a child that dies at the n-th store, until one lives through. Returns the number of stores.
 */
static int for_each_death(void (*child)(void), void (*check)(int n))
{
    for (int n = 1;; n++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            death_countdown = n;
            child();
            _exit(0);
        }
        int wstatus;
        assert_int_equal(waitpid(pid, &wstatus, 0), pid);
        bool died = WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL;
        if (!died && wstatus != 0) {
            fail_msg("store %d: child ended with %#x", n, wstatus);
        }
        check(n);
        if (!died) {
            return n - 1;
        }
        assert_true(n < 20000);
    }
}

static void die_at_countdown(tnd_point point)
{
    static int restamped;
    if (point == TND_POINT_RESTAMP_WORD && ++restamped > 20) {
        return; /* all alike */
    }
    if (--death_countdown == 0) {
        kill(getpid(), SIGKILL);
    }
}

static void restamp_all(tnd_member* member)
{
    uint32_t cursor = 0;
    tnd_publish outcome;
    int rounds = 0;
    do {
        outcome = tnd_publish_restamp(member, &cursor, 1000);
        assert_true(++rounds < 100);
    } while (outcome == TND_PUBLISH_MORE);
    assert_int_equal(outcome, TND_PUBLISH_OK);
}

#pragma GCC diagnostic pop
