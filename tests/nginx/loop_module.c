/*
 * The contract of the loop seam inside an nginx worker: init_process runs the cases of
 * tests/unit/test_loop.c on loops of loop_nginx.c, turning nginx's own loop by hand, and leaves
 * what they say in contract.log of nginx's prefix. Then nginx ends.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "loop_nginx.h"
#include "tests/unit/loop_rig.h"

#include <fcntl.h>
#include <stdio.h>

int test_loop_host(void);

/* Nothing but timers ends a wait for what doesn't come. */
static void on_tick(ngx_event_t* event)
{
    ngx_add_timer(event, 50);
}

static void host_run(bool (*done)(void* udata), void* udata)
{
    static ngx_connection_t nobody = {.fd = (ngx_socket_t)-1};
    ngx_event_t tick = {.data = &nobody, .handler = on_tick, .log = ngx_cycle->log};
    ngx_add_timer(&tick, 50);
    while (!done(udata)) {
        ngx_process_events_and_timers((ngx_cycle_t*)ngx_cycle);
    }
    ngx_del_timer(&tick);
}

static tnd_loop* host_make(void)
{
    return tnd_loop_nginx_new(NULL, NULL);
}

static const rig_host host = {.make = host_make, .run = host_run, .free = tnd_loop_nginx_free};

static void output_open(ngx_cycle_t* cycle)
{
    char path[256];
    snprintf(path, sizeof(path), "%.*scontract.log", (int)cycle->prefix.len, cycle->prefix.data);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        close(fd);
    }
}

static ngx_int_t init_process(ngx_cycle_t* cycle)
{
    bool is_master = ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE;
    if (is_master || ngx_worker != 0) {
        return NGX_OK;
    }
    output_open(cycle);
    rig_host_present = &host;
    int failures = test_loop_host();
    printf("used accept_mutex: %d\ncases failed: %d\n", (int)ngx_use_accept_mutex, failures);
    fflush(stdout);
    if (ngx_process == NGX_PROCESS_SINGLE) {
        exit(failures ? 1 : 0);
    }
    kill(getppid(), SIGTERM);
    return NGX_OK;
}

static ngx_core_module_t context = {ngx_string("tendril_loop_test"), NULL, NULL};

static ngx_module_t ngx_tendril_loop_test_module = {
    NGX_MODULE_V1, &context, NULL, NGX_CORE_MODULE,       NULL, NULL, init_process, NULL,
    NULL,          NULL,     NULL, NGX_MODULE_V1_PADDING,
};

extern ngx_module_t* ngx_modules[];
extern char* ngx_module_names[];
extern char* ngx_module_order[];
__attribute__((visibility("default")))
ngx_module_t* ngx_modules[] = {&ngx_tendril_loop_test_module, NULL};
__attribute__((visibility("default"))) char* ngx_module_names[] = {"ngx_tendril_loop_test_module",
                                                                   NULL};
__attribute__((visibility("default"))) char* ngx_module_order[] = {NULL};
