/*
 * Addresses, and names: c-ares on a real loop against a small DNS server in the same process, and
 * the loop's own look-up in a simulated world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "async/loop_ev.h"
#include "async/resolver.h"
#include "core/mem.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

/* ---- addresses ---- */

static void numeric_addresses(void** state)
{
    (void)state;
    static const struct {
        const char* host;
        uint8_t family; /* 0: not numeric */
        const char* text;
    } cases[] = {
        {"127.0.0.1", AF_INET, "127.0.0.1:3000"},
        {"255.255.255.255", AF_INET, "255.255.255.255:3000"},
        {"::1", AF_INET6, "[::1]:3000"},
        {"2001:db8::ff00:42:8329", AF_INET6, "[2001:db8::ff00:42:8329]:3000"},
        {"::ffff:10.0.0.1", AF_INET6, "[::ffff:10.0.0.1]:3000"},
        {"", 0, NULL},
        {"localhost", 0, NULL},
        {"1.2.3", 0, NULL},
        {"1.2.3.4.5", 0, NULL},
        {"256.0.0.1", 0, NULL},
        {"[::1]", 0, NULL},
        {"1.2.3.4 ", 0, NULL},
        {":::", 0, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tnd_lookup_addr addr, back;
        memset(&addr, 0xEE, sizeof(addr));
        assert_int_equal(tnd_address_parse(cases[i].host, &addr), cases[i].family != 0);
        if (cases[i].family == 0) {
            assert_int_equal(addr.family, 0xEE); /* untouched */
            continue;
        }
        assert_int_equal(addr.family, cases[i].family);
        char text[TND_ADDRESS_TEXT_SIZE];
        tnd_address_format(&addr, 3000, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
        struct sockaddr_storage storage;
        socklen_t size = tnd_address_to_sockaddr(&addr, 3000, &storage);
        assert_int_equal(storage.ss_family, cases[i].family);
        tnd_address_name((struct sockaddr*)&storage, size, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
        assert_true(tnd_address_from_sockaddr((struct sockaddr*)&storage, &back));
        assert_memory_equal(&addr, &back, sizeof(addr));
        char tight[6];
        tnd_address_format(&addr, 3000, tight, sizeof(tight));
        assert_int_equal(strlen(tight), 5); /* cut, terminated */
    }
}

static void other_addresses_have_a_name_too(void** state)
{
    (void)state;
    struct sockaddr_storage addr;
    char text[TND_ADDRESS_TEXT_SIZE];
    socklen_t size = sim_addr_unix(&addr, "x");
    tnd_address_name((struct sockaddr*)&addr, size, text, sizeof(text));
    assert_string_equal(text, "unix");
    addr.ss_family = AF_UNSPEC;
    tnd_address_name((struct sockaddr*)&addr, size, text, sizeof(text));
    assert_string_equal(text, "?");
}

/* ---- a rig: one loop, one resolver, a few look-ups ---- */

typedef struct rig {
    sim_world* world; /* NULL: libev with the DNS server below */
    tnd_loop* loop;
    tnd_resolver* resolver;
    tnd_lookup lookups[4];
    int calls[4];
    int status[4];
    uint32_t counts[4];
    bool has_error[4];
    void (*act)(struct rig* self, tnd_lookup* lookup);
    bool in_call;
    as_error err;
    tnd_io dns;
    int dns_fd;
    int dns_questions;
    char servers[32];
} rig;

static void on_lookup(tnd_lookup* lookup)
{
    rig* on = lookup->udata;
    assert_false(on->in_call);
    long i = lookup - on->lookups;
    on->calls[i]++;
    on->status[i] = lookup->status;
    on->counts[i] = lookup->addrs_count;
    on->has_error[i] = lookup->error != NULL;
    if (on->act) {
        on->act(on, lookup);
    }
}

static as_status rig_start(rig* on, int i, const char* host)
{
    on->in_call = true;
    char copy[512];
    snprintf(copy, sizeof(copy), "%s", host);
    as_status status =
        tnd_resolver_start(on->resolver, &on->lookups[i], copy, on_lookup, on, &on->err);
    memset(copy, 'X', sizeof(copy)); /* the name was copied */
    on->in_call = false;
    return status;
}

static uint64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t run_end_ms;
static int run_wanted;

static bool has_calls(void* udata)
{
    rig* on = udata;
    return on->calls[0] + on->calls[1] + on->calls[2] + on->calls[3] >= run_wanted ||
           (!on->world && real_ms() > run_end_ms);
}

static void on_tick(tnd_timer* timer)
{
    tnd_timer_start_ms(timer, 5);
}

/* Until `wanted` callbacks came, at most `limit_ms`. */
static void rig_run(rig* on, int wanted, uint64_t limit_ms)
{
    run_wanted = wanted;
    if (on->world) {
        sim_world_run_until(on->world, has_calls, on, limit_ms * 1000);
        return;
    }
    run_end_ms = real_ms() + limit_ms;
    tnd_timer tick; /* the loop must turn for the limit to be seen */
    tnd_timer_init(&tick, on->loop, on_tick, NULL);
    tnd_timer_start_ms(&tick, 5);
    tnd_loop_ev_run(on->loop, has_calls, on);
    tnd_timer_stop(&tick);
}

/* ---- a DNS server: good.test has one address of each family, many.test 40, silent.test gets no
   answer, broken.test garbage; nothing else exists ---- */

static size_t dns_put(uint8_t* reply, size_t size, uint16_t type, uint8_t last)
{
    static const uint8_t record[] = {0xC0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0};
    size_t length = type == 1 ? 4 : 16;
    memcpy(reply + size, record, sizeof(record));
    reply[size + 3] = (uint8_t)type;
    size += sizeof(record);
    reply[size++] = (uint8_t)length;
    memset(reply + size, 0, length);
    reply[size] = type == 1 ? 10 : 0xFD;
    reply[size + length - 1] = last;
    return size + length;
}

static void dns_answer(rig* on, const uint8_t* question, size_t size,
                       const struct sockaddr_in* from)
{
    uint8_t reply[2048];
    size_t end = 12;
    while (end < size && question[end]) {
        end += 1u + question[end];
    }
    end += 5; /* root, type, class */
    assert_true(end <= size);
    uint16_t type = (uint16_t)(question[end - 4] << 8 | question[end - 3]);
    bool is_good = memmem(question, size, "\4good\4test", 10) != NULL;
    bool is_many = memmem(question, size, "\4many\4test", 10) != NULL;
    on->dns_questions++;
    if (memmem(question, size, "\6silent", 7)) {
        return;
    }
    memcpy(reply, question, end);
    memcpy(reply + 2, is_good || is_many ? "\x81\x80" : "\x81\x83", 2);
    memset(reply + 6, 0, 6);
    size_t reply_size = end;
    for (int i = 0; (is_good && i < 1) || (is_many && i < 20); i++) {
        reply_size = dns_put(reply, reply_size, type, (uint8_t)(i + 1));
        reply[7] = (uint8_t)(i + 1);
    }
    if (memmem(question, size, "\6broken", 7)) {
        memcpy(reply + 2, "\x81\x80", 2);
        reply[7] = 200;
    }
    sendto(on->dns_fd, reply, reply_size, 0, (const struct sockaddr*)from, sizeof(*from));
}

static void on_dns(tnd_io* io, unsigned events)
{
    (void)events;
    rig* on = io->udata;
    uint8_t question[1024];
    struct sockaddr_in from;
    socklen_t from_size = sizeof(from);
    ssize_t size;
    while ((size = recvfrom(on->dns_fd, question, sizeof(question), MSG_DONTWAIT,
                            (struct sockaddr*)&from, &from_size)) > 12) {
        dns_answer(on, question, (size_t)size, &from);
    }
}

static int set_up_ev(void** state)
{
    rig* on = calloc(1, sizeof(*on));
    on->loop = tnd_loop_ev_create();
    on->resolver = tnd_resolver_new(on->loop);
    on->dns_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(addr);
    if (bind(on->dns_fd, (struct sockaddr*)&addr, size) < 0 ||
        getsockname(on->dns_fd, (struct sockaddr*)&addr, &size) < 0) {
        return -1;
    }
    tnd_io_init(&on->dns, on->loop, on_dns, on);
    tnd_io_adopt(&on->dns, on->dns_fd);
    tnd_io_watch(&on->dns, TND_IO_READ);
    snprintf(on->servers, sizeof(on->servers), "127.0.0.1:%d", ntohs(addr.sin_port));
    tnd_resolver_set_servers(on->resolver, on->servers);
    *state = on;
    return 0;
}

static int set_up_sim(void** state)
{
    rig* on = calloc(1, sizeof(*on));
    on->world = sim_world_new(3);
    on->loop = sim_loop_new(on->world, "loop");
    on->resolver = tnd_resolver_new(on->loop);
    const char* one[] = {"10.0.0.1", "fd00::1", NULL};
    const char* sixteen[TND_LOOKUP_ADDRS_MAX + 1];
    for (int i = 0; i < TND_LOOKUP_ADDRS_MAX; i++) {
        sixteen[i] = "10.0.0.9";
    }
    sixteen[TND_LOOKUP_ADDRS_MAX] = NULL;
    sim_name_set(on->world, "good.test", 0, one, 3000);
    sim_name_set(on->world, "many.test", 0, sixteen, 500);
    sim_name_set(on->world, "silent.test", -ETIMEDOUT, NULL, SIM_NEVER);
    *state = on;
    return 0;
}

static int tear_down(void** state)
{
    rig* on = *state;
    tnd_resolver_free(on->resolver);
    tnd_resolver_free(NULL);
    if (on->world) {
        sim_loop_usage used = sim_loop_used(on->loop);
        assert_int_equal(used.lookups_count + used.timers_count + used.tasks_count, 0);
        sim_world_free(on->world);
    } else {
        tnd_io_close(&on->dns);
        close(on->dns_fd);
        tnd_loop_ev_free(on->loop);
    }
    free(on);
    return 0;
}

/* ---- failing allocations, c-ares' own included ---- */

/* One look-up; answers whether it was refused or answered, once, and nothing is left of it. */
static void look_up_without_memory(rig* on, uint64_t nth, uint64_t* ret_seen)
{
    int64_t live = tnd_mem_live();
    on->calls[0] = 0;
    as_error_init(&on->err);
    tnd_mem_fail(nth, 1);
    as_status status = rig_start(on, 0, "good.test");
    if (status == AEROSPIKE_OK) {
        rig_run(on, 1, 8000);
    }
    *ret_seen = tnd_mem_allocations();
    tnd_mem_fail(0, 0);
    if (on->calls[0] != (status == AEROSPIKE_OK)) {
        fail_msg("allocation %u: status %d, %d calls", (unsigned)nth, status, on->calls[0]);
    }
    if (status == AEROSPIKE_OK) {
        assert_true((on->status[0] == 0) == (on->counts[0] > 0));
        assert_true((on->status[0] != 0) == on->has_error[0]);
    } else {
        assert_true(on->err.message[0] != '\0');
    }
    rig_run(on, 2, 1); /* the channel closes in the turn after the answer */
    if (tnd_mem_live() != live) {
        fail_msg("allocation %u: %d are left", (unsigned)nth, (int)(tnd_mem_live() - live));
    }
}

static void any_allocation_may_fail(void** state)
{
    rig* on = *state;
    uint64_t seen;
    uint64_t nth = 0;
    do {
        look_up_without_memory(on, ++nth, &seen);
    } while (seen >= nth);
    print_message("%u allocations failed\n", (unsigned)nth - 1);
    assert_true(nth > 10);
    assert_int_equal(on->status[0], 0);
}

/* ---- cases for both ---- */

static void a_name_has_addresses_of_both_families(void** state)
{
    rig* on = *state;
    assert_int_equal(rig_start(on, 0, "good.test"), AEROSPIKE_OK);
    assert_int_equal(on->calls[0], 0);
    rig_run(on, 1, 5000);
    assert_int_equal(on->calls[0], 1);
    assert_int_equal(on->status[0], 0);
    assert_int_equal(on->counts[0], 2);
    assert_false(on->has_error[0]);
    int families = 0;
    for (int i = 0; i < 2; i++) {
        const tnd_lookup_addr* addr = &on->lookups[0].addrs[i];
        families |= addr->family == AF_INET ? 1 : 2;
        assert_int_equal(addr->bytes[addr->family == AF_INET ? 3 : 15], 1);
    }
    assert_int_equal(families, 3);
    tnd_resolver_cancel(on->resolver, &on->lookups[0]); /* idempotent */
}

static void addresses_are_bounded(void** state)
{
    rig* on = *state;
    rig_start(on, 0, "many.test");
    rig_run(on, 1, 5000);
    assert_int_equal(on->status[0], 0);
    assert_int_equal(on->counts[0], TND_LOOKUP_ADDRS_MAX);
}

static void an_unknown_name_fails(void** state)
{
    rig* on = *state;
    assert_int_equal(rig_start(on, 0, "no-such-host.test."), AEROSPIKE_OK);
    rig_run(on, 1, 5000);
    assert_int_equal(on->calls[0], 1);
    assert_int_equal(on->status[0], -ENOENT);
    assert_int_equal(on->counts[0], 0);
    assert_true(on->has_error[0]);
}

static void impossible_names_fail_at_once(void** state)
{
    rig* on = *state;
    char host[300];
    memset(host, 'a', sizeof(host));
    host[299] = '\0';
    assert_int_equal(rig_start(on, 0, host), AEROSPIKE_ERR_INVALID_HOST);
    assert_int_equal(on->err.code, AEROSPIKE_ERR_INVALID_HOST);
    assert_int_equal(rig_start(on, 0, ""), AEROSPIKE_ERR_INVALID_HOST);
    rig_run(on, 1, 20);
    assert_int_equal(on->calls[0], 0);
}

static void cancelled_look_ups_are_silent(void** state)
{
    rig* on = *state;
    rig_start(on, 0, "good.test");
    rig_start(on, 1, "silent.test");
    rig_start(on, 2, "good.test");
    rig_start(on, 3, "silent.test");
    tnd_resolver_cancel(on->resolver, &on->lookups[0]);
    tnd_resolver_cancel(on->resolver, &on->lookups[0]);
    tnd_resolver_cancel(on->resolver, &on->lookups[1]);
    rig_run(on, 1, 5000);
    assert_int_equal(on->calls[2], 1);
    rig_run(on, 2, 50);
    assert_int_equal(on->calls[0] + on->calls[1] + on->calls[3], 0);
    tnd_lookup zeroed;
    memset(&zeroed, 0, sizeof(zeroed));
    tnd_resolver_cancel(on->resolver, &zeroed);
    /* One is still under way: freeing the resolver is silent, too. */
}

static void act_start_another(rig* on, tnd_lookup* lookup)
{
    on->act = NULL;
    (void)lookup;
    assert_int_equal(rig_start(on, 1, "good.test"), AEROSPIKE_OK);
    tnd_resolver_cancel(on->resolver, &on->lookups[2]);
}

static void a_callback_may_start_and_cancel(void** state)
{
    rig* on = *state;
    on->act = act_start_another;
    rig_start(on, 0, "good.test");
    rig_start(on, 2, "silent.test");
    rig_run(on, 2, 5000);
    assert_int_equal(on->calls[0], 1);
    assert_int_equal(on->calls[1], 1);
    assert_int_equal(on->calls[2], 0);
}

static void act_free(rig* on, tnd_lookup* lookup)
{
    (void)lookup;
    tnd_resolver_free(on->resolver);
    on->resolver = NULL;
}

static void a_callback_may_free_the_resolver(void** state)
{
    rig* on = *state;
    on->act = act_free;
    rig_start(on, 0, "good.test");
    rig_start(on, 1, "good.test");
    rig_start(on, 2, "silent.test");
    rig_run(on, 1, 5000);
    rig_run(on, 2, 20);
    assert_int_equal(on->calls[0] + on->calls[1] + on->calls[2], 1);
    assert_null(on->lookups[2].priv);
}

static void without_memory_it_fails_at_once_or_later(void** state)
{
    rig* on = *state;
    tnd_mem_fail(1, 1);
    as_status status = rig_start(on, 0, "good.test");
    tnd_mem_fail(0, 0);
    assert_int_equal(status, AEROSPIKE_ERR_CLIENT);
    rig_run(on, 1, 20);
    assert_int_equal(on->calls[0], 0);
}

/* ---- c-ares only ---- */

static void localhost_comes_from_the_host(void** state)
{
    rig* on = *state;
    if (access("/etc/hosts", R_OK) != 0) {
        print_message("there is no /etc/hosts: not tried\n");
        skip();
    }
    assert_int_equal(rig_start(on, 0, "localhost"), AEROSPIKE_OK);
    assert_int_equal(on->calls[0], 0); /* although it is known at once */
    rig_run(on, 1, 5000);
    assert_int_equal(on->status[0], 0);
    assert_true(on->counts[0] >= 1);
    assert_int_equal(on->dns_questions, 0);
    bool is_loopback = false;
    for (uint32_t i = 0; i < on->counts[0]; i++) {
        const tnd_lookup_addr* addr = &on->lookups[0].addrs[i];
        is_loopback = is_loopback || addr->family == AF_INET6 || addr->bytes[0] == 127;
    }
    assert_true(is_loopback);
}

static void garbage_is_a_failure(void** state)
{
    rig* on = *state;
    rig_start(on, 0, "broken.test.");
    rig_run(on, 1, 5000);
    assert_int_equal(on->calls[0], 1);
    assert_int_not_equal(on->status[0], 0);
}

static void it_may_be_used_again_after_it_was_idle(void** state)
{
    rig* on = *state;
    for (int i = 0; i < 3; i++) {
        rig_start(on, i, "good.test");
        rig_run(on, i + 1, 5000);
        assert_int_equal(on->status[i], 0);
        assert_int_equal(on->counts[i], 2);
    }
}

/* Both are known at once; each answer has a turn of its own. */
static void answers_of_one_turn_all_come(void** state)
{
    rig* on = *state;
    rig_start(on, 0, "localhost");
    rig_start(on, 1, "localhost");
    rig_start(on, 2, "localhost");
    rig_run(on, 3, 5000);
    assert_int_equal(on->calls[0] + on->calls[1] + on->calls[2], 3);
}

static void a_changed_configuration_counts_once_it_was_idle(void** state)
{
    rig* on = *state;
    tnd_resolver_set_servers(on->resolver, "127.0.0.1:1");
    rig_start(on, 0, "good.test.");
    rig_run(on, 1, 5000);
    assert_int_equal(on->calls[0], 1);
    assert_int_not_equal(on->status[0], 0);
    tnd_resolver_set_servers(on->resolver, on->servers);
    rig_start(on, 1, "good.test.");
    rig_run(on, 2, 5000);
    assert_int_equal(on->status[1], 0);
}

static void a_silent_server_is_passed_over(void** state)
{
    rig* on = *state;
    int silent_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(addr);
    assert_int_equal(bind(silent_fd, (struct sockaddr*)&addr, size), 0);
    assert_int_equal(getsockname(silent_fd, (struct sockaddr*)&addr, &size), 0);
    char servers[80];
    snprintf(servers, sizeof(servers), "127.0.0.1:%d,%s", ntohs(addr.sin_port), on->servers);
    tnd_resolver_set_servers(on->resolver, servers);
    rig_start(on, 0, "good.test.");
    rig_run(on, 1, 3000);
    assert_int_equal(on->calls[0], 1);
    assert_int_equal(on->status[0], 0);
    tnd_resolver_set_servers(on->resolver, on->servers);
    close(silent_fd);
}

#define CASE(set_up, function)                                                                     \
    {                                                                                              \
#set_up ": " #function, function, set_up, tear_down, NULL                                  \
    }

#define BOTH(function) CASE(set_up_ev, function), CASE(set_up_sim, function)

int main(void)
{
    alarm(60);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses),
        cmocka_unit_test(other_addresses_have_a_name_too),
        BOTH(a_name_has_addresses_of_both_families),
        BOTH(addresses_are_bounded),
        BOTH(an_unknown_name_fails),
        BOTH(impossible_names_fail_at_once),
        BOTH(cancelled_look_ups_are_silent),
        BOTH(a_callback_may_start_and_cancel),
        BOTH(a_callback_may_free_the_resolver),
        BOTH(without_memory_it_fails_at_once_or_later),
        CASE(set_up_ev, localhost_comes_from_the_host),
        CASE(set_up_ev, garbage_is_a_failure),
        CASE(set_up_ev, it_may_be_used_again_after_it_was_idle),
        CASE(set_up_ev, answers_of_one_turn_all_come),
        CASE(set_up_ev, a_changed_configuration_counts_once_it_was_idle),
        CASE(set_up_ev, a_silent_server_is_passed_over),
        CASE(set_up_ev, any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
