/*
 * Where workers find themselves: with a segment that dead processes left behind, under several
 * users, in networks of their own, before a segment that they may not use. Real processes and
 * segments; in pid namespaces of their own: test_takeover.c.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/host.h"

#include <aerospike/as_status.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/layout.h"

#define DEADLINE_MS 20000
#define OTHER_UID 65534
#define THIRD_UID 65533
#define BOOT_MS 864000000 /* ten days, on a clock that begins anew with each boot */

static test_cluster* cluster;
static test_host workers;

static void begin(uint32_t count)
{
    memset(&workers, 0, sizeof(workers));
    workers.hosts = test_cluster_hosts(cluster);
    workers.ns = "test";
    workers.shm_key = (int)(0x7b000000u | ((unsigned)getpid() & 0xffffff));
    workers.in_flight = 2;
    workers.count = count;
}

static void start(void)
{
    host_start(&workers);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
}

static void end(void)
{
    host_wait_results(&workers, 100, DEADLINE_MS);
    host_check_results(&workers);
    host_detach();
    assert_true(host_stop(&workers, DEADLINE_MS));
}

static bool owner_is_known(void* udata)
{
    return host_owner_look(&workers, udata) && ((host_owner*)udata)->worker >= 0;
}

/* Kills the tender; milliseconds until another one tends, and all that live have gone on. */
static uint64_t takeover_ms(void)
{
    host_owner owner;
    assert_true(host_until(owner_is_known, &owner, DEADLINE_MS));
    host_wait_results(&workers, 50, DEADLINE_MS);
    host_signal(&workers, (uint32_t)owner.worker, SIGKILL);
    uint64_t us = host_wait_owner(&workers, owner.term, DEADLINE_MS, &owner);
    assert_int_not_equal(us, UINT64_MAX);
    host_wait_results(&workers, 50, DEADLINE_MS);
    host_check_results(&workers);
    return us / 1000;
}

/* ---- a map that was left behind ---- */

static bool is_later(void* udata)
{
    return host_now_us() > *(uint64_t*)udata;
}

static void kill_all(void)
{
    for (uint32_t i = 0; i < workers.count; i++) {
        host_signal(&workers, i, SIGKILL);
    }
    host_detach();
}

/* The cluster has moved since: nobody is sent to where it was. */
static void test_old_map(void** state)
{
    (void)state;
    begin(3);
    workers.threshold_sec = 1;
    start();
    host_wait_results(&workers, 100, DEADLINE_MS);
    kill_all();
    assert_true(shmget(workers.shm_key, 0, 0) >= 0);
    test_cluster_stop(cluster);
    uint64_t later_us = host_now_us() + 1500000;
    cluster = test_cluster_start("--nodes", "2", NULL);
    assert_non_null(cluster);
    assert_true(host_until(is_later, &later_us, DEADLINE_MS));
    workers.hosts = test_cluster_hosts(cluster);
    start();
    end();
    assert_int_equal(shmget(workers.shm_key, 0, 0), -1);
}

/* The same bytes in another life of the machine: stamps far ahead of the clock, proofs of life that
 * no kernel will ever take back. */
static void segment_reborn(int key)
{
    int id = shmget(key, 0, 0);
    struct shmid_ds ds;
    assert_int_equal(shmctl(id, IPC_STAT, &ds), 0);
    void* old = shmat(id, NULL, SHM_RDONLY);
    assert_ptr_not_equal(old, (void*)-1);
    assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
    id = shmget(key, ds.shm_segsz, IPC_CREAT | IPC_EXCL | 0600);
    assert_true(id >= 0);
    uint8_t* base = shmat(id, NULL, 0);
    assert_ptr_not_equal(base, (void*)-1);
    memcpy(base, old, ds.shm_segsz);
    shmdt(old);
    tnd_seg_control* control = (tnd_seg_control*)(void*)(base + TND_PAGE_BYTES);
    tnd_seg_slot* slots = (tnd_seg_slot*)(void*)(base + 2 * TND_PAGE_BYTES);
    atomic_fetch_add(&control->checked_ms, BOOT_MS);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_not_equal(atomic_load(&slots[i].state), 0);
        atomic_fetch_add(&slots[i].heartbeat_ms, BOOT_MS);
        *(int*)(void*)&slots[i].life = 0x3fffff; /* glibc and the kernel: the holder's thread */
    }
    shmdt(base);
}

static void test_reborn_segment(void** state)
{
    (void)state;
#ifndef __GLIBC__
    skip();
#endif
    begin(3);
    start();
    host_wait_results(&workers, 100, DEADLINE_MS);
    kill_all();
    segment_reborn(workers.shm_key);
    start();
    host_owner owner;
    assert_true(host_until(owner_is_known, &owner, DEADLINE_MS));
    assert_true(owner.slot >= 3);
    assert_true(takeover_ms() < 900); /* proofs of the new ones count */
    end();
}

/* ---- users ---- */

static void need_root(void)
{
    if (geteuid() != 0) {
        print_message("other users and networks need root: not tried\n");
        skip();
    }
}

/* All may write: all can tend, and learn of deaths at once. */
static void test_several_users(void** state)
{
    (void)state;
    need_root();
    begin(6);
    workers.shm_mode = 0666;
    for (uint32_t i = 0; i < workers.count; i++) {
        workers.uids[i] = i % 2 ? OTHER_UID : THIRD_UID;
    }
    start();
    for (int i = 0; i < 4; i++) {
        uint64_t ms = takeover_ms();
        print_message("users %d and %d: taken over within %llu ms\n", OTHER_UID, THIRD_UID,
                      (unsigned long long)ms);
        assert_true(ms < 900); /* told, not found by the look once a second */
    }
    end();
}

/* Others may read: they route, and never tend. */
static void test_reader(void** state)
{
    (void)state;
    need_root();
    begin(2);
    workers.shm_mode = 0644;
    workers.count = 1;
    start();
    workers.count = 2;
    workers.uids[1] = OTHER_UID;
    host_spawn(&workers, 1);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
    host_owner owner;
    assert_true(host_until(owner_is_known, &owner, DEADLINE_MS));
    assert_int_equal(owner.worker, 0);
    host_signal(&workers, 0, SIGKILL);
    host_wait_results(&workers, 200, DEADLINE_MS); /* the reader goes on */
    assert_false(atomic_load(&workers.counters[1].is_tending));
    host_spawn(&workers, 0);
    assert_true(host_wait_connected(&workers, DEADLINE_MS));
    assert_true(host_until(owner_is_known, &owner, DEADLINE_MS));
    assert_int_equal(owner.worker, 0);
    end();
}

/* Others may not even read: refused, with what to do about it. */
static void test_denied(void** state)
{
    (void)state;
    need_root();
    begin(1);
    start();
    workers.count = 2;
    workers.uids[1] = OTHER_UID;
    host_spawn(&workers, 1);
    int status;
    assert_int_equal(waitpid(workers.pids[1], &status, 0), workers.pids[1]);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == HOST_EXIT_REFUSED);
    workers.pids[1] = 0;
    print_message("%s\n", workers.counters[1].other_text);
    assert_non_null(strstr(workers.counters[1].other_text, "belongs to another user"));
    assert_non_null(strstr(workers.counters[1].other_text, "shm_mode"));
    assert_non_null(strstr(workers.counters[1].other_text, "shm_key"));
    end();
}

/* ---- networks ---- */

/* Sockets don't reach from one to the other: the look once a second does it. */
static void test_own_networks(void** state)
{
    (void)state;
    need_root();
    begin(3);
    workers.hosts = "127.0.0.1:3000";
    workers.own_net_namespace = true;
    start();
    for (int i = 0; i < 2; i++) {
        uint64_t ms = takeover_ms();
        print_message("own networks: taken over within %llu ms\n", (unsigned long long)ms);
        assert_true(ms < 3000);
    }
    end();
}

static int teardown(void** state)
{
    (void)state;
    host_kill_all(&workers);
    return 0;
}

static int group_setup(void** state)
{
    (void)state;
    unsetenv("AEROSPIKE_HOSTS"); /* this is about workers, whatever the cluster */
    cluster = test_cluster_start("--nodes", "3", NULL);
    return cluster ? 0 : -1;
}

static int group_teardown(void** state)
{
    (void)state;
    test_cluster_stop(cluster);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_reborn_segment, teardown),
        cmocka_unit_test_teardown(test_several_users, teardown),
        cmocka_unit_test_teardown(test_reader, teardown),
        cmocka_unit_test_teardown(test_denied, teardown),
        cmocka_unit_test_teardown(test_own_networks, teardown),
        cmocka_unit_test_teardown(test_old_map, teardown),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
