/*
 * See load.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/client.h"
#include "tests/nginx/load.h"

static void judge(load_counters* counters, const web_reply* reply, uint64_t us)
{
    if (reply->status == 200) {
        __atomic_fetch_add(&counters->good, 1, __ATOMIC_RELAXED);
        if (us > counters->max_us) {
            counters->max_us = us;
        }
    } else if (reply->status == 0 && us < (uint64_t)WEB_WAIT_MS * 1000) {
        __atomic_fetch_add(&counters->cut, 1, __ATOMIC_RELAXED);
    } else {
        counters->status = (unsigned long)reply->status;
        __atomic_fetch_add(&counters->wrong, 1, __ATOMIC_RELAXED);
    }
}

static void client_run(load_counters* counters, web* site, const char* path)
{
    static web_reply reply;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!counters->is_over) {
        uint64_t start_us = test_now_us();
        web_get(site, path, &reply);
        judge(counters, &reply, test_now_us() - start_us);
    }
    _exit(0);
}

void load_start(load* self, web* site, const char* path, int clients_count)
{
    memset(self, 0, sizeof(*self));
    assert_true(clients_count <= LOAD_CLIENTS_MAX);
    self->counters = mmap(NULL, sizeof(*self->counters), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(self->counters != MAP_FAILED);
    self->clients_count = clients_count;
    for (int i = 0; i < clients_count; i++) {
        self->clients[i] = fork();
        assert_true(self->clients[i] >= 0);
        if (self->clients[i] == 0) {
            client_run(self->counters, site, path);
        }
    }
}

void load_await(load* self, unsigned long count)
{
    unsigned long wanted = self->counters->good + count;
    uint64_t end_us = test_now_us() + (uint64_t)WEB_WAIT_MS * 1000;
    while (self->counters->good < wanted) {
        if (test_now_us() > end_us) {
            fail_msg("only %lu good answers of %lu", self->counters->good, wanted);
        }
        poll(NULL, 0, 1);
    }
}

void load_reload(load* self, web* site)
{
    web_workers old, young;
    web_workers_await(site, 2, &old);
    kill(site->master, SIGHUP);
    assert_true(web_workers_await_end(&old, WEB_WAIT_MS));
    web_workers_await(site, 2, &young);
    web_workers_done(&young);
    load_await(self, 20);
}

void load_kill(load* self, web* site, bool is_tender)
{
    web_workers workers, after;
    web_workers_await(site, 2, &workers);
    int tender = web_find_tender(site, &workers);
    pid_t victim = workers.pids[is_tender ? tender : 1 - tender];
    kill(victim, SIGKILL);
    web_workers_done(&workers);
    load_await(self, 50);
    for (bool is_gone = false; !is_gone;) {
        web_workers_await(site, 2, &after);
        is_gone = !web_workers_has(&after, victim);
        web_workers_done(&after);
    }
}

void load_stop(load* self)
{
    self->counters->is_over = 1;
    for (int i = 0; i < self->clients_count; i++) {
        waitpid(self->clients[i], NULL, 0);
    }
    self->clients_count = 0;
}

void load_assert_clean(const load* self, unsigned long cut_max)
{
    const load_counters* seen = self->counters;
    print_message("%lu good answers, %lu cut, %lu wrong (last status %lu), longest %lu ms\n",
                  seen->good, seen->cut, seen->wrong, seen->status, seen->max_us / 1000);
    assert_true(seen->good > 0);
    assert_int_equal(seen->wrong, 0);
    assert_true(seen->cut <= cut_max);
}

void load_done(load* self)
{
    if (!self->counters) {
        return;
    }
    self->counters->is_over = 1;
    for (int i = 0; i < self->clients_count; i++) {
        kill(self->clients[i], SIGKILL);
        waitpid(self->clients[i], NULL, 0);
    }
    munmap(self->counters, sizeof(*self->counters));
    memset(self, 0, sizeof(*self));
}
