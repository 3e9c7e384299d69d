/*
 * Event loop entries: registration, who may run the loop, how they end.
 */
#include "async/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "async/fork.h"
#include "async/loop_ev.h"
#include <aerospike/as_monitor.h>
#include <tendril/event.h>

/* ---- internal loops ---- */

static void creates_entries_on_one_loop(void** state)
{
    (void)state;
    assert_null(as_event_loop_get());
    as_event_loop* loops = as_event_create_loops(3);
    assert_non_null(loops);
    assert_ptr_equal(as_event_loops, loops);
    assert_int_equal(as_event_loop_size, 3);
    assert_ptr_equal(loops[0].loop, loops[2].loop);
    assert_non_null(loops[0].loop);
    assert_ptr_equal(loops[2].next, &loops[0]);
    assert_ptr_equal(as_event_loop_get(), &loops[0]);
    assert_ptr_equal(as_event_loop_get(), &loops[1]);
    assert_ptr_equal(as_event_loop_get(), &loops[2]);
    assert_ptr_equal(as_event_loop_get(), &loops[0]);
    assert_ptr_equal(as_event_loop_get_by_index(2), &loops[2]);
    assert_null(as_event_loop_get_by_index(3));
    assert_ptr_equal(as_event_loop_find(loops[0].loop), &loops[0]);
    assert_null(as_event_loop_find(&loops));
    assert_int_equal(as_event_loop_get_process_size(&loops[0]), 0);
    assert_int_equal(as_event_loop_get_queue_size(&loops[0]), 0);
    assert_null(as_event_create_loops(1)); /* there are some */
    assert_false(as_event_set_external_loop_capacity(1));
    assert_true(as_event_close_loops());
    assert_null(as_event_loops);
    assert_int_equal(as_event_loop_size, 0);
    assert_false(as_event_close_loops());
    as_event_destroy_loops();
}

static void checks_the_policy(void** state)
{
    (void)state;
    static const struct {
        int in_process;
        uint32_t in_queue;
        bool is_valid;
    } cases[] = {{0, 0, true}, {-1, 0, false}, {1, 0, false}, {4, 0, false},
                 {5, 0, true}, {5, 2, true},   {0, 1, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_policy_event policy;
        as_policy_event_init(&policy);
        assert_int_equal(policy.queue_initial_capacity, 256);
        policy.max_commands_in_process = cases[i].in_process;
        policy.max_commands_in_queue = cases[i].in_queue;
        as_error err;
        as_event_loop* loops;
        as_status status = as_create_event_loops(&err, &policy, 1, &loops);
        assert_int_equal(status, cases[i].is_valid ? AEROSPIKE_OK : AEROSPIKE_ERR_CLIENT);
        assert_int_equal(err.code, status);
        assert_true((loops != NULL) == cases[i].is_valid);
        assert_true(as_event_close_loops() == cases[i].is_valid);
    }
    as_error err;
    as_policy_event policy;
    as_policy_event_init(&policy);
    as_event_loop* loops = as_event_create_loops(2);
    assert_int_equal(as_event_set_policy(&err, &policy, &loops[1]), AEROSPIKE_OK);
    policy.max_commands_in_process = 3;
    assert_int_equal(as_event_set_policy(&err, &policy, &loops[1]), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(as_event_set_policy(&err, NULL, &loops[1]), AEROSPIKE_ERR_PARAM);
    assert_int_equal(as_event_set_policy(&err, &policy, NULL), AEROSPIKE_ERR_PARAM);
    assert_true(as_event_close_loops());
    assert_int_equal(as_create_event_loops(&err, NULL, 0, NULL), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(as_create_event_loops(&err, NULL, 5000, NULL), AEROSPIKE_ERR_CLIENT);
}

/* ---- running ---- */

typedef struct turn_state {
    tnd_task task;
    as_monitor* monitor;
    unsigned count;
    as_event_loop* current;
    bool closes;
} turn_state;

static void on_turn(tnd_task* task)
{
    turn_state* self = task->udata;
    as_event_loop* previous = tnd_events_enter(as_event_loops[0].events, &as_event_loops[1]);
    self->current = as_event_loop_current;
    self->count++;
    if (self->closes) {
        assert_true(as_event_close_loops());
        assert_false(as_event_close_loops());
        assert_null(as_event_loop_get());
        as_event_destroy_loops(); /* too early: nothing happens to what is on the stack */
        tnd_events_leave(self->current->events, previous);
        return;
    }
    as_monitor other;
    as_monitor_init(&other);
    as_monitor_wait(&other); /* refused in a callback: returns */
    assert_false(as_event_run(NULL, NULL, NULL));
    if (self->count == 3) {
        as_monitor_notify(self->monitor);
    } else {
        tnd_task_soon(task);
    }
    tnd_events_leave(as_event_loops[0].events, previous);
}

static void waits_by_running_the_loop(void** state)
{
    (void)state;
    as_event_loop* loops = as_event_create_loops(2);
    as_monitor monitor;
    as_monitor_init(&monitor);
    as_monitor_begin(&monitor);
    turn_state turn = {.monitor = &monitor};
    tnd_task_init(&turn.task, loops[0].events->loop, on_turn, &turn);
    tnd_task_soon(&turn.task);
    as_monitor_wait(&monitor);
    assert_int_equal(turn.count, 3);
    assert_ptr_equal(turn.current, &loops[1]);
    assert_null(as_event_loop_current);
    as_monitor_wait(&monitor); /* complete: doesn't run */
    as_monitor_destroy(&monitor);
    assert_true(as_event_close_loops());
    as_monitor_begin(&monitor);
    as_monitor_wait(&monitor); /* no loop: returns, with a line in the log */
}

static void may_be_closed_inside_a_callback(void** state)
{
    (void)state;
    as_event_loop* loops = as_event_create_loops(2);
    as_monitor monitor;
    as_monitor_init(&monitor);
    turn_state turn = {.monitor = &monitor, .closes = true};
    tnd_task_init(&turn.task, loops[0].events->loop, on_turn, &turn);
    tnd_task_soon(&turn.task);
    as_monitor_wait(&monitor); /* ends with the loop */
    assert_int_equal(turn.count, 1);
    assert_null(as_event_loop_current);
    assert_non_null(as_event_create_loops(1));
    assert_true(as_event_close_loops());
}

/* ---- users ---- */

typedef struct user_state {
    tnd_events_user base;
    int turning;
    unsigned changes;
    unsigned closes;
} user_state;

static void on_turning(tnd_events_user* base, bool is_turning)
{
    user_state* self = (user_state*)(void*)base;
    self->turning = is_turning;
    self->changes++;
}

static void on_close(tnd_events_user* base)
{
    user_state* self = (user_state*)(void*)base;
    self->closes++;
}

static bool is_turning_now(void* udata)
{
    return ((const user_state*)udata)->turning == 1;
}

static void tells_its_users_when_the_loop_turns(void** state)
{
    (void)state;
    as_event_loop* loops = as_event_create_loops(1);
    user_state user = {.base = {.on_turning = on_turning, .on_close = on_close}, .turning = -1};
    tnd_events_join(loops[0].events, &user.base);
    assert_false(loops[0].events->is_turning);
    assert_true(as_event_run(&loops[0], is_turning_now, &user));
    assert_int_equal(user.turning, 0); /* it stands still again */
    assert_int_equal(user.changes, 2);
    assert_true(as_event_close_loops());
    assert_int_equal(user.closes, 1);
    assert_null(user.base.events);
    tnd_events_part(&user.base);
}

/* ---- loops of the program: seams stand in for what the program would do with libev ---- */

static void on_program_timer(tnd_timer* timer)
{
    (void)timer;
}

static void takes_one_external_loop(void** state)
{
    (void)state;
    tnd_loop* owner = tnd_loop_ev_create();
    tnd_loop* other = tnd_loop_ev_create();
    struct ev_loop* ev = tnd_loop_ev_raw(owner);
    assert_null(as_event_set_external_loop(ev)); /* no capacity */
    assert_false(as_event_set_external_loop_capacity(0));
    assert_true(as_event_set_external_loop_capacity(2));
    assert_null(as_event_loop_get());
    as_error err;
    as_event_loop* entry;
    assert_int_equal(as_set_external_event_loop(&err, NULL, NULL, &entry), AEROSPIKE_ERR_CLIENT);
    assert_int_equal(as_set_external_event_loop(&err, NULL, ev, &entry), AEROSPIKE_OK);
    assert_ptr_equal(entry->loop, ev);
    assert_null(as_event_set_external_loop(tnd_loop_ev_raw(other)));
    assert_non_null(as_event_set_external_loop(ev));
    assert_null(as_event_set_external_loop(ev)); /* beyond the capacity */
    assert_int_equal(as_event_loop_size, 2);
    user_state user = {.base = {.on_turning = on_turning, .on_close = on_close}, .turning = -1};
    tnd_events_join(entry->events, &user.base);
    /* The program's run: noticed in its first turn. A timer of the program's ends that turn. */
    tnd_timer timer;
    tnd_timer_init(&timer, owner, on_program_timer, NULL);
    tnd_timer_start_ms(&timer, 1);
    tnd_loop_ev_run(owner, is_turning_now, &user);
    tnd_timer_stop(&timer);
    assert_true(entry->events->is_turning);
    as_event_close_loop(as_event_loop_get_by_index(1));
    assert_int_equal(user.closes, 0);
    assert_true(as_event_close_loops());
    assert_int_equal(user.closes, 1);
    as_event_destroy_loops();
    as_event_destroy_loops();
    tnd_loop_ev_free(owner);
    tnd_loop_ev_free(other);
}

static void takes_a_loop_of_another_kind(void** state)
{
    (void)state;
    tnd_loop* loop = tnd_loop_ev_create(); /* any table will do */
    tnd_loop_ops strange = *loop->ops;
    strange.version = TND_LOOP_VERSION + 1;
    tnd_loop unknown = {.ops = &strange};
    assert_null(tnd_event_set_loop(NULL));
    assert_null(tnd_event_set_loop(&unknown));
    as_event_loop* entry = tnd_event_set_loop(loop);
    assert_non_null(entry);
    assert_null(entry->loop);
    assert_null(tnd_event_set_loop(loop));
    assert_null(as_event_loop_find(NULL));
    assert_ptr_equal(as_event_loop_get(), entry);
    assert_false(as_event_run(entry, NULL, NULL)); /* never run by us */
    assert_true(as_event_close_loops());
    as_event_destroy_loops();
    tnd_loop_ev_free(loop);
}

/* ---- finding ---- */

static void finds_the_set_of_an_entry(void** state)
{
    (void)state;
    as_error err;
    as_event_loop* entry;
    assert_null(tnd_events_find(NULL, &entry, as_error_init(&err)));
    assert_int_equal(err.code, AEROSPIKE_ERR_CLIENT);
    as_event_loop* loops = as_event_create_loops(2);
    assert_ptr_equal(tnd_events_find(NULL, &entry, &err), loops[0].events);
    assert_ptr_equal(entry, &loops[0]);
    assert_ptr_equal(tnd_events_find(&loops[1], &entry, &err), loops[0].events);
    assert_ptr_equal(entry, &loops[1]);
    loops[0].events->fork_generation--;
    assert_null(tnd_events_find(&loops[1], &entry, as_error_init(&err)));
    assert_int_equal(err.code, AEROSPIKE_ERR_CLIENT);
    loops[0].events->fork_generation++;
    assert_true(as_event_close_loops());
}

static void* use_from_another_thread(void* udata)
{
    as_error err;
    as_event_loop* entry;
    assert_null(as_event_loop_get()); /* entries are a thread's own */
    assert_null(tnd_events_find(udata, &entry, as_error_init(&err)));
    return NULL;
}

static void keeps_threads_apart(void** state)
{
    (void)state;
    as_event_loop* loops = as_event_create_loops(1);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_from_another_thread, loops), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(as_event_close_loops());
}

/* ---- fork ---- */

static void notices_a_fork(void** state)
{
    (void)state;
    uint32_t generation = tnd_fork_generation();
    assert_false(tnd_fork_is_crossed(generation));
    assert_non_null(as_event_create_loops(1));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool ok = tnd_fork_is_crossed(generation) && tnd_fork_is_crossed(generation) &&
                  !tnd_fork_is_crossed(tnd_fork_generation()) && !as_event_loop_get() &&
                  as_event_create_loops(1) && as_event_close_loops();
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(tnd_fork_is_crossed(generation));
    assert_true(as_event_close_loops());
}

static unsigned parents_calls;

static void on_parents_timer(tnd_timer* timer)
{
    parents_calls++;
    tnd_timer_start_ms(timer, 1);
}

static void on_parents_task(tnd_task* task)
{
    parents_calls++;
    tnd_task_soon(task);
}

static void on_child_time(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)timer;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* A child may run the loop that it inherited; what hangs on it is its parent's. */
static void calls_nothing_in_a_forked_child(void** state)
{
    (void)state;
    struct ev_loop* ev = ev_loop_new(EVFLAG_NOENV);
    tnd_loop* loop = tnd_loop_ev_new(ev);
    tnd_timer timer;
    tnd_task task;
    tnd_timer_init(&timer, loop, on_parents_timer, NULL);
    tnd_task_init(&task, loop, on_parents_task, NULL);
    tnd_timer_start_ms(&timer, 1);
    tnd_task_soon(&task);
    pid_t pid = fork();
    if (pid == 0) {
        ev_loop_fork(ev);
        ev_timer own;
        ev_timer_init(&own, on_child_time, 0.05, 0.);
        ev_timer_start(ev, &own);
        ev_run(ev, 0);
        _exit(parents_calls == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    tnd_timer_stop(&timer);
    tnd_task_cancel(&task);
    tnd_loop_ev_free(loop);
    ev_loop_destroy(ev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_entries_on_one_loop),
        cmocka_unit_test(checks_the_policy),
        cmocka_unit_test(waits_by_running_the_loop),
        cmocka_unit_test(may_be_closed_inside_a_callback),
        cmocka_unit_test(tells_its_users_when_the_loop_turns),
        cmocka_unit_test(takes_one_external_loop),
        cmocka_unit_test(takes_a_loop_of_another_kind),
        cmocka_unit_test(finds_the_set_of_an_entry),
        cmocka_unit_test(keeps_threads_apart),
        cmocka_unit_test(notices_a_fork),
        cmocka_unit_test(calls_nothing_in_a_forked_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
