/*
 * The explorer: which actor takes the next step, and which value its load returns. See stepper.h;
 * the memory is memory.c's.
 *
 * A node is the state before a step: who takes it, who is still to be tried there, who needn't be
 * (asleep: whatever it would do has been tried, and nothing since depends on it). Two steps race if
 * they depend on each other and nothing between them orders them; then what leads to the second is
 * to be tried before the first. (Source sets, Abdulla and others, 2014.)
 */
#include "tests/shm/stepper.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/shm/memory.h"
#include "tests/shm/world.h"

#define DEPTH_MAX 2048

typedef struct node {
    unsigned thread;
    unsigned choice, choices; /* values of a load */
    unsigned done, backtrack, sleep;
    /* What was done here, and what was known to come before it: steps of each thread. */
    step_access access;
    memory_effect effect;
    unsigned ordinal; /* among its thread's */
    unsigned clock[ACTORS_MAX];
    int before;        /* the last step on the same word, -1 */
    unsigned switches; /* on the way to this state */
    bool may_go_on;    /* who took the last step hasn't ended */
} node;

static const step_scenario* scenario;
static step_result* result;
static bool is_stepping;
static node nodes[DEPTH_MAX];
static unsigned path; /* nodes that are given */

/* One run. */
static struct {
    step_access pending[ACTORS_MAX];
    bool has_ended[ACTORS_MAX];
    uint64_t answer; /* to the access just made */
    bool answer_ok;
    unsigned clock[ACTORS_MAX][ACTORS_MAX];
    unsigned ordinals[ACTORS_MAX];
} run;

void (*stepper_weaken)(step_access* access);

/* ---- the accesses of the code under test ---- */

static unsigned thread_of(const actor* a)
{
    unsigned thread = 0;
    while (scenario->actors[thread] != a) {
        thread++;
    }
    return thread;
}

/* In an actor: announce the access, and be told what came of it. */
static uint64_t step(step_access access, bool* ret_ok)
{
    if (stepper_weaken) {
        stepper_weaken(&access);
    }
    run.pending[thread_of(actor_running())] = access;
    actor_pause();
    *ret_ok = run.answer_ok;
    return run.answer;
}

static bool is_direct(void)
{
    return !is_stepping || !actor_running();
}

uint64_t tnd_step_load(const tnd_word* word, memory_order order)
{
    bool ok;
    return is_direct() ? atomic_load(word)
                       : step((step_access){.kind = STEP_LOAD, .order = order, .word = word}, &ok);
}

void tnd_step_store(tnd_point point, tnd_word* word, uint64_t value, memory_order order)
{
    bool ok;
    if (is_direct()) {
        atomic_store(word, value);
        return;
    }
    step(
        (step_access){
            .kind = STEP_STORE, .order = order, .point = point, .word = word, .value = value},
        &ok);
}

bool tnd_step_swap(tnd_point point, tnd_word* word, uint64_t* found, uint64_t value)
{
    if (is_direct()) {
        return atomic_compare_exchange_strong(word, found, value);
    }
    bool ok;
    uint64_t there = step((step_access){.kind = STEP_SWAP,
                                        .order = memory_order_seq_cst,
                                        .point = point,
                                        .word = word,
                                        .expected = *found,
                                        .value = value},
                          &ok);
    if (!ok) {
        *found = there;
    }
    return ok;
}

uint64_t tnd_step_exchange(tnd_point point, tnd_word* word, uint64_t value)
{
    bool ok;
    return is_direct() ? atomic_exchange(word, value)
                       : step((step_access){.kind = STEP_EXCHANGE,
                                            .order = memory_order_seq_cst,
                                            .point = point,
                                            .word = word,
                                            .value = value},
                              &ok);
}

uint64_t tnd_step_or(tnd_point point, tnd_word* word, uint64_t bits)
{
    bool ok;
    return is_direct() ? atomic_fetch_or(word, bits)
                       : step((step_access){.kind = STEP_OR,
                                            .order = memory_order_seq_cst,
                                            .point = point,
                                            .word = word,
                                            .value = bits},
                              &ok);
}

void tnd_step_fence(memory_order order)
{
    bool ok;
    if (!is_direct()) {
        step((step_access){.kind = STEP_FENCE, .order = order}, &ok);
    }
}

static void on_kernel(void)
{
    bool ok;
    if (!is_direct()) {
        step((step_access){.kind = STEP_KERNEL, .order = memory_order_seq_cst}, &ok);
    }
}

/* ---- dependences ---- */

static bool is_reader(unsigned thread)
{
    return scenario->has_reader && thread == scenario->actors_count - 1;
}

static bool is_sc(const step_access* a)
{
    return a->order == memory_order_seq_cst && a->kind != STEP_KERNEL;
}

static bool is_sc_fence(const step_access* a)
{
    return a->kind == STEP_FENCE && is_sc(a);
}

/* Does the order of the two matter? */
static bool depend(const step_access* a, const step_access* b)
{
    if (a->kind == STEP_KERNEL || b->kind == STEP_KERNEL) {
        return a->kind == b->kind;
    }
    if (is_sc_fence(a) || is_sc_fence(b)) {
        return is_sc(a) && is_sc(b);
    }
    return a->word && a->word == b->word && (a->kind != STEP_LOAD || b->kind != STEP_LOAD);
}

/* Step a stands before b on the same word. Has b's actor learnt of a by b? Not by a load, or a swap
 * that failed, which found what stood there before a. */
static bool is_ordered(const node* a, const node* b)
{
    bool only_loads =
        b->access.kind == STEP_LOAD || (b->access.kind == STEP_SWAP && !b->effect.is_swapped);
    return !only_loads || !a->access.word || a->effect.message <= b->effect.message;
}

static bool is_known(const unsigned clock[ACTORS_MAX], const node* a)
{
    return clock[a->thread] >= a->ordinal;
}

static void join(unsigned clock[ACTORS_MAX], const unsigned other[ACTORS_MAX])
{
    for (unsigned i = 0; i < ACTORS_MAX; i++) {
        clock[i] = clock[i] > other[i] ? clock[i] : other[i];
    }
}

/* Of what follows step `from` without depending on it, and step `to`: the actors that can begin. */
static unsigned beginners(unsigned from, unsigned to)
{
    unsigned met = 0, begin = 0;
    for (unsigned j = from + 1; j <= to; j++) {
        unsigned bit = 1u << nodes[j].thread;
        if ((met & bit) || (j != to && is_known(nodes[j].clock, &nodes[from]))) {
            continue;
        }
        met |= bit;
        begin |= bit;
        for (unsigned k = from + 1; k < j; k++) {
            if (!is_known(nodes[k].clock, &nodes[from]) && is_known(nodes[j].clock, &nodes[k])) {
                begin &= ~bit;
                break;
            }
        }
    }
    return begin;
}

/* The steps of a race are to be made in the other order as well: unless somebody who can begin with
 * that is to be tried already, have one of them tried. */
static void reverse(unsigned from, unsigned to)
{
    unsigned begin = beginners(from, to);
    if (!(nodes[from].backtrack & begin)) {
        unsigned bit = 1u << nodes[to].thread;
        nodes[from].backtrack |= begin & bit ? bit : begin & -begin;
    }
}

/* The step at `depth` was made: what came before it, and which races it has, the latest first. */
static void note_step(unsigned depth)
{
    static unsigned races[DEPTH_MAX];
    unsigned races_count = 0;
    node* b = &nodes[depth];
    memcpy(b->clock, run.clock[b->thread], sizeof(b->clock));
    bool is_global = is_sc(&b->access) || b->access.kind == STEP_KERNEL;
    for (int i = is_global ? (int)depth - 1 : b->before; i >= 0;
         i = is_global ? i - 1 : nodes[i].before) {
        const node* a = &nodes[i];
        if (a->thread == b->thread || !depend(&a->access, &b->access)) {
            continue;
        }
        if (!is_known(b->clock, a)) {
            races[races_count++] = (unsigned)i;
        }
        if (is_ordered(a, b)) {
            join(b->clock, a->clock);
        }
    }
    b->ordinal = ++run.ordinals[b->thread];
    b->clock[b->thread] = b->ordinal;
    memcpy(run.clock[b->thread], b->clock, sizeof(b->clock));
    bool is_reversed = scenario->switches_max == 0 && !is_reader(b->thread);
    for (unsigned i = 0; i < races_count && is_reversed; i++) {
        reverse(races[i], depth);
    }
}

/* ---- one run ---- */

static void resume(unsigned thread)
{
    actor* a = scenario->actors[thread];
    actor_resume(a);
    run.has_ended[thread] = a->is_ended;
}

static void begin_run(void)
{
    memset(&run, 0, sizeof(run));
    memory_begin();
    kernel_restore();
    world_restore();
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        resume(i);
    }
}

/* Who takes the next step in a state that is met for the first time: the same as before, so that
 * there is little to change; a reader when all others have ended. -1: whoever is left is asleep. */
static int choose(unsigned depth)
{
    unsigned awake = 0, left = 0;
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        if (!run.has_ended[i] && (left == 0 || !is_reader(i))) {
            left |= 1u << i;
            awake |= nodes[depth].sleep & 1u << i ? 0 : 1u << i;
        }
    }
    if (depth > 0 && (awake & 1u << nodes[depth - 1].thread)) {
        return (int)nodes[depth - 1].thread;
    }
    return awake ? __builtin_ctz(awake) : -1;
}

/* All that may take the step at `depth`, without reduction: who goes on first. */
static void try_all(unsigned depth)
{
    node* n = &nodes[depth];
    const node* last = depth > 0 ? n - 1 : NULL;
    n->sleep = 0;
    n->may_go_on = last && !run.has_ended[last->thread];
    n->switches = 0;
    if (last) {
        bool is_switch = last->may_go_on && last->thread != nodes[depth - 2].thread;
        n->switches = last->switches + is_switch;
    }
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        bool is_switch = n->may_go_on && last->thread != i;
        if (!run.has_ended[i] && n->switches + is_switch <= scenario->switches_max) {
            n->backtrack |= 1u << i;
        }
    }
}

static bool all_have_ended(void)
{
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        if (!run.has_ended[i]) {
            return false;
        }
    }
    return true;
}

static void make_step(unsigned depth)
{
    node* n = &nodes[depth];
    n->access = run.pending[n->thread];
    assert(!is_reader(n->thread) || n->access.kind == STEP_LOAD || n->access.kind == STEP_FENCE);
    assert(!is_reader(n->thread) || !is_sc(&n->access));
    n->before = memory_note_step(n->access.word, (int)depth);
    n->choices = memory_access(n->thread, &n->access, n->choice, &n->effect);
    run.answer = n->effect.value;
    run.answer_ok = n->effect.is_swapped;
    result->accesses++;
    result->stale += n->effect.is_stale;
    note_step(depth);
    unsigned sleep = n->sleep | n->done;
    resume(n->thread);
    nodes[depth + 1].sleep = 0;
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        if (scenario->switches_max == 0 && (sleep & 1u << i) &&
            !depend(&run.pending[i], &n->access)) {
            nodes[depth + 1].sleep |= 1u << i;
        }
    }
}

/* ---- states that a reader has met ---- */

#define STATES_MAX (1u << 20)

static uint64_t states[STATES_MAX];

/* Is only the reader left, and has it met this memory before, in another run? */
static bool is_met(unsigned depth)
{
    unsigned last = scenario->actors_count - 1;
    if (!scenario->has_reader || depth == 0 || is_reader(nodes[depth - 1].thread)) {
        return false;
    }
    for (unsigned i = 0; i < last; i++) {
        if (!run.has_ended[i]) {
            return false;
        }
    }
    uint64_t hash = memory_hash();
    size_t at = hash % STATES_MAX;
    while (states[at] != 0 && states[at] != hash) {
        at = (at + 1) % STATES_MAX;
    }
    if (states[at] == hash) {
        return depth >= path; /* else it is being tried further */
    }
    states[at] = hash;
    assert(++result->states < STATES_MAX / 2);
    return false;
}

/* Steps made; *ret_is_cut: the rest repeats what has been tried. */
static unsigned run_once(bool* ret_is_cut)
{
    unsigned depth = 0;
    *ret_is_cut = false;
    nodes[0].sleep = path > 0 ? nodes[0].sleep : 0;
    begin_run();
    while (!all_have_ended() && !world_failure()) {
        assert(depth + 1 < DEPTH_MAX);
        bool is_repeated = is_met(depth);
        if (depth >= path) {
            int thread = is_repeated ? -1 : choose(depth);
            if (thread < 0) {
                *ret_is_cut = true;
                break;
            }
            nodes[depth].thread = (unsigned)thread;
            nodes[depth].choice = 0;
            nodes[depth].done = 0;
            nodes[depth].backtrack = 1u << thread;
            if (scenario->switches_max > 0) {
                try_all(depth);
            }
        }
        unsigned sleep = nodes[depth + 1].sleep;
        make_step(depth);
        if (depth + 1 < path) {
            nodes[depth + 1].sleep = sleep; /* as it was when that state was met first */
        }
        depth++;
    }
    return depth;
}

/* What to try next: another value of the last load, another actor. False: nothing is left. */
static bool advance(unsigned depth)
{
    for (; depth > 0; depth--) {
        node* n = &nodes[depth - 1];
        if (++n->choice < n->choices) {
            path = depth;
            return true;
        }
        n->done |= 1u << n->thread;
        unsigned left = n->backtrack & ~n->done & ~n->sleep;
        if (left) {
            n->thread = (unsigned)__builtin_ctz(left);
            n->choice = 0;
            path = depth;
            return true;
        }
    }
    return false;
}

/* ---- the actors before the first step ---- */

typedef struct saved_actor {
    actor self;
    tnd_node_rec nodes[2][WORLD_NODES + 1];
    tnd_ns_rec namespaces[2][1];
} saved_actor;

static saved_actor saved[ACTORS_MAX];

static void copy_out(saved_actor* to, const actor* from)
{
    to->self = *from;
    if (from->map.base) {
        memcpy(to->nodes[0], from->map.nodes, sizeof(to->nodes[0]));
        memcpy(to->nodes[1], from->map.spare_nodes, sizeof(to->nodes[1]));
        memcpy(to->namespaces[0], from->map.namespaces, sizeof(to->namespaces[0]));
        memcpy(to->namespaces[1], from->map.spare_namespaces, sizeof(to->namespaces[1]));
    }
}

static void copy_back(actor* to, const saved_actor* from)
{
    if (scenario->opens_maps) {
        actor_free_map(to);
    }
    *to = from->self;
    if (to->map.base) {
        memcpy(to->map.nodes, from->nodes[0], sizeof(from->nodes[0]));
        memcpy(to->map.spare_nodes, from->nodes[1], sizeof(from->nodes[1]));
        memcpy(to->map.namespaces, from->namespaces[0], sizeof(from->namespaces[0]));
        memcpy(to->map.spare_namespaces, from->namespaces[1], sizeof(from->namespaces[1]));
    }
}

static void note_violation(void)
{
    if (world_failure()) {
        snprintf(result->violation, sizeof(result->violation), "interleaving %llu: %s",
                 (unsigned long long)result->interleavings + 1, world_failure());
    }
}

static void finish_run(bool is_cut)
{
    memory_end(); /* the last values into memory */
    if (!world_failure() && !is_cut) {
        scenario->finish();
    }
    memory_undo();
    note_violation();
    result->interleavings += !is_cut;
    result->cut += is_cut;
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        copy_back(scenario->actors[i], &saved[i]);
    }
}

void stepper_run(const step_scenario* which, uint64_t most, step_result* ret_result)
{
    scenario = which;
    result = ret_result;
    memset(result, 0, sizeof(*result));
    memory_reset();
    memset(states, 0, sizeof(states));
    scenario->prepare();
    kernel_save();
    world_save();
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        copy_out(&saved[i], scenario->actors[i]);
    }
    is_stepping = true;
    kernel_step = on_kernel;
    path = 0;
    note_violation();
    bool is_left = true;
    while (is_left && !result->violation[0] && result->interleavings + result->cut < most) {
        bool is_cut;
        unsigned depth = run_once(&is_cut);
        finish_run(is_cut);
        is_left = advance(depth);
    }
    result->is_complete = !is_left;
    for (unsigned i = 0; i < scenario->actors_count; i++) {
        actor_free_map(scenario->actors[i]);
    }
    is_stepping = false;
    kernel_step = NULL;
}
