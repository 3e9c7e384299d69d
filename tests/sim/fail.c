/* Calls that fail on purpose. See fail.h. */
#include "tests/sim/fail.h"

#include <assert.h>

#include "core/mem.h"

/* Answers of reading beside errors. */
#define ANSWER_END 0

typedef struct kind_facts {
    const char* name;
    unsigned count;
    int answers[4];
} kind_facts;

static const kind_facts kinds[SIM_FAIL_KINDS] = {
    [SIM_FAIL_ALLOCATE] = {"allocate", 1, {ENOMEM}},
    [SIM_FAIL_CONNECT] = {"connect", 3, {-EMFILE, -ECONNREFUSED, -EAGAIN}},
    [SIM_FAIL_CONNECT_RESULT] = {"connect_result", 2, {-ECONNREFUSED, -ETIMEDOUT}},
    [SIM_FAIL_LISTEN] = {"listen", 2, {-EADDRINUSE, -EMFILE}},
    [SIM_FAIL_ACCEPT] = {"accept", 2, {-EMFILE, -ECONNABORTED}},
    [SIM_FAIL_PEER] = {"peer", 1, {-ENOTCONN}},
    [SIM_FAIL_WATCH] = {"io_watch", 1, {-ENOMEM}},
    [SIM_FAIL_READ] = {"read", 2, {-ECONNRESET, ANSWER_END}},
    [SIM_FAIL_WRITE] = {"writev", 1, {-EPIPE}},
    [SIM_FAIL_LOOKUP] = {"lookup_start", 1, {-ENOMEM}},
    [SIM_FAIL_SHM_CREATE] = {"shm create", 2, {-ENOSPC, -ENOMEM}},
    [SIM_FAIL_SHM_FIND] = {"shm find", 1, {-EACCES}},
    [SIM_FAIL_SHM_ATTACH] = {"shm attach", 2, {ENOMEM, EMFILE}},
    [SIM_FAIL_SHM_STAT] = {"shm stat", 1, {-EACCES}},
    [SIM_FAIL_SHM_REMOVE] = {"shm remove", 1, {-EPERM}},
    [SIM_FAIL_SHM_LIFE] = {"shm life_start", 1, {ENOMEM}},
};

static struct {
    const sim_fail_process* victim; /* NULL: nothing fails */
    const sim_fail_process* entered;
    sim_fail_plan plan;
    uint64_t seen;
    uint64_t failed;
    uint64_t until_us; /* of the window, once it has begun */
} fail;

/* The tables behind ours; the same for all loops and all simulated segments. */
static const tnd_loop_ops* loop_inner;

const char* sim_fail_name(sim_fail_kind kind)
{
    return kinds[kind].name;
}

unsigned sim_fail_variants(sim_fail_kind kind)
{
    return kinds[kind].count;
}

/* ---- does this call fail? ---- */

static bool fail_now(void)
{
    uint64_t now_us = sim_world_now_us(sim_loop_world(fail.victim->loop));
    uint64_t nth = ++fail.seen;
    if (nth == fail.plan.nth) {
        fail.until_us = now_us + fail.plan.window_us;
        return true;
    }
    return fail.plan.nth > 0 && nth > fail.plan.nth && now_us < fail.until_us;
}

static bool fails(sim_fail_kind kind, const tnd_loop* loop, int* ret_answer)
{
    if (!fail.victim || fail.plan.kind != kind || fail.victim->loop != loop || !fail_now()) {
        return false;
    }
    fail.failed++;
    *ret_answer = kinds[kind].answers[fail.plan.variant];
    return true;
}

static bool on_allocate(void)
{
    if (!fail.victim) {
        return false;
    }
    const tnd_loop* loop = sim_world_current(sim_loop_world(fail.victim->loop));
    int answer;
    if (!loop && fail.entered) {
        loop = fail.entered->loop;
    }
    return loop && fails(SIM_FAIL_ALLOCATE, loop, &answer);
}

/* ---- the seam ---- */

static int fail_connect(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len)
{
    int answer;
    return fails(SIM_FAIL_CONNECT, loop, &answer) ? answer
                                                  : loop_inner->connect(loop, io, addr, addr_len);
}

static int fail_connect_result(tnd_loop* loop, tnd_io* io)
{
    int answer;
    return fails(SIM_FAIL_CONNECT_RESULT, loop, &answer) ? answer
                                                         : loop_inner->connect_result(loop, io);
}

static int fail_listen(tnd_loop* loop, tnd_io* io, const struct sockaddr* addr, socklen_t addr_len,
                       int backlog)
{
    int answer;
    return fails(SIM_FAIL_LISTEN, loop, &answer)
               ? answer
               : loop_inner->listen(loop, io, addr, addr_len, backlog);
}

static int fail_accept(tnd_loop* loop, tnd_io* io, tnd_io* ret_io)
{
    int answer;
    return fails(SIM_FAIL_ACCEPT, loop, &answer) ? answer : loop_inner->accept(loop, io, ret_io);
}

static int fail_peer(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer)
{
    int answer;
    return fails(SIM_FAIL_PEER, loop, &answer) ? answer : loop_inner->peer(loop, io, ret_peer);
}

static int fail_watch(tnd_loop* loop, tnd_io* io, unsigned mask)
{
    int answer;
    return fails(SIM_FAIL_WATCH, loop, &answer) ? answer : loop_inner->io_watch(loop, io, mask);
}

static ssize_t fail_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size)
{
    int answer;
    return fails(SIM_FAIL_READ, loop, &answer) ? answer : loop_inner->read(loop, io, bytes, size);
}

static ssize_t fail_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count)
{
    int answer;
    return fails(SIM_FAIL_WRITE, loop, &answer) ? answer
                                                : loop_inner->writev(loop, io, iov, iov_count);
}

static int fail_lookup_start(tnd_loop* loop, tnd_lookup* lookup, const char* host)
{
    int answer;
    return fails(SIM_FAIL_LOOKUP, loop, &answer) ? answer
                                                 : loop_inner->lookup_start(loop, lookup, host);
}

/* ---- the segments ---- */

static const tnd_shm_sys* inner_of(void* ctx)
{
    return ((const sim_fail_process*)ctx)->inner;
}

static bool shm_fails(sim_fail_kind kind, void* ctx, int* ret_answer)
{
    return fails(kind, ((const sim_fail_process*)ctx)->loop, ret_answer);
}

static int fail_create(void* ctx, int key, size_t size, uint32_t mode)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    int answer;
    return shm_fails(SIM_FAIL_SHM_CREATE, ctx, &answer)
               ? answer
               : sys->ops->create(sys->ctx, key, size, mode);
}

static int fail_find(void* ctx, int key)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    int answer;
    return shm_fails(SIM_FAIL_SHM_FIND, ctx, &answer) ? answer : sys->ops->find(sys->ctx, key);
}

static void* fail_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    return shm_fails(SIM_FAIL_SHM_ATTACH, ctx, ret_error)
               ? NULL
               : sys->ops->attach(sys->ctx, id, read_only, ret_error);
}

static int fail_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    int answer;
    return shm_fails(SIM_FAIL_SHM_STAT, ctx, &answer) ? answer
                                                      : sys->ops->stat(sys->ctx, id, ret_stat);
}

static int fail_remove(void* ctx, int id)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    int answer;
    return shm_fails(SIM_FAIL_SHM_REMOVE, ctx, &answer) ? answer : sys->ops->remove(sys->ctx, id);
}

static int fail_life_start(void* ctx, tnd_seg_slot* slot)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    int answer;
    return shm_fails(SIM_FAIL_SHM_LIFE, ctx, &answer) ? answer
                                                      : sys->ops->life_start(sys->ctx, slot);
}

static void pass_detach(void* ctx, void* base)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    sys->ops->detach(sys->ctx, base);
}

static void pass_protect(void* ctx, void* start, size_t size, bool writable)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    sys->ops->protect(sys->ctx, start, size, writable);
}

static bool pass_life_end(void* ctx, tnd_seg_slot* slot)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    return sys->ops->life_end(sys->ctx, slot);
}

static bool pass_life_gone(void* ctx, tnd_seg_slot* slot)
{
    const tnd_shm_sys* sys = inner_of(ctx);
    return sys->ops->life_gone(sys->ctx, slot);
}

static const tnd_shm_ops shm_ops = {
    .create = fail_create,
    .find = fail_find,
    .attach = fail_attach,
    .detach = pass_detach,
    .stat = fail_stat,
    .remove = fail_remove,
    .protect = pass_protect,
    .life_start = fail_life_start,
    .life_end = pass_life_end,
    .life_gone = pass_life_gone,
};

/* ---- for tests ---- */

/* Our table in front of the loop's: everything that can't fail is passed on as it is. */
static const tnd_loop_ops* loop_table(const tnd_loop_ops* inner)
{
    static tnd_loop_ops table;
    if (!loop_inner) {
        loop_inner = inner;
        table = *inner;
        table.connect = fail_connect;
        table.connect_result = fail_connect_result;
        table.listen = fail_listen;
        table.accept = fail_accept;
        table.peer = fail_peer;
        table.io_watch = fail_watch;
        table.read = fail_read;
        table.writev = fail_writev;
        table.lookup_start = fail_lookup_start;
    }
    assert(inner == loop_inner);
    return &table;
}

void sim_fail_process_init(sim_fail_process* process, tnd_loop* loop, const tnd_shm_sys* sys)
{
    process->loop = loop;
    process->inner = sys;
    process->sys = (tnd_shm_sys){.ops = &shm_ops, .ctx = process};
    loop->ops = loop_table(loop->ops);
}

void sim_fail_start(const sim_fail_process* process, const sim_fail_plan* plan)
{
    assert(plan->variant < kinds[plan->kind].count);
    fail.victim = process;
    fail.plan = *plan;
    fail.seen = 0;
    fail.failed = 0;
    fail.until_us = 0;
    tnd_mem_hook = on_allocate;
}

void sim_fail_enter(const sim_fail_process* process)
{
    fail.entered = process;
}

void sim_fail_leave(void)
{
    fail.entered = NULL;
}

void sim_fail_stop(void)
{
    fail.victim = NULL;
    tnd_mem_hook = NULL;
}

uint64_t sim_fail_seen(void)
{
    return fail.seen;
}

uint64_t sim_fail_failed(void)
{
    return fail.failed;
}
