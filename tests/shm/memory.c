/*
 * Words as lists of all that was stored, and views that say how far along each list somebody is.
 * See stepper.h for the model, memory.h for the functions.
 *
 *     seen      what this thread knows: no load returns less
 *     acquired  what came with relaxed loads: known from its next acquire fence on
 *     released  what it knew at its last release fence: comes with its relaxed stores
 *     shared    what sequentially consistent fences hand on to each other
 */
#include "tests/shm/memory.h"

#include <assert.h>
#include <string.h>

#define WORDS_MAX 384
#define MESSAGES_MAX 64 /* of one word; the first is what stood there before */
#define TABLE_SIZE 2048 /* a power of two */

typedef struct view {
    uint8_t at[WORDS_MAX];
} view;

typedef struct message {
    uint64_t value;
    view with;
} message;

static struct {
    const tnd_word* word;
    unsigned id;
} table[TABLE_SIZE];

static const tnd_word* words[WORDS_MAX];
static uint64_t initial[WORDS_MAX];
static unsigned words_count;

static message messages[WORDS_MAX][MESSAGES_MAX];
static unsigned counts[WORDS_MAX];
static unsigned sc_stores[WORDS_MAX]; /* the last sequentially consistent one */
static int last_steps[WORDS_MAX];

static view seen[ACTORS_MAX], acquired[ACTORS_MAX], released[ACTORS_MAX], shared;

static unsigned id_of(const tnd_word* word)
{
    size_t at = (uintptr_t)word / sizeof(*word) * 2654435761u % TABLE_SIZE;
    while (table[at].word && table[at].word != word) {
        at = (at + 1) % TABLE_SIZE;
    }
    if (!table[at].word) {
        assert(words_count < WORDS_MAX);
        table[at].word = word;
        table[at].id = words_count;
        words[words_count] = word;
        initial[words_count] = atomic_load(word);
        messages[words_count][0].value = initial[words_count];
        counts[words_count] = 1;
        last_steps[words_count] = -1;
        sc_stores[words_count] = 0;
        words_count++;
    }
    return table[at].id;
}

static void join(view* to, const view* from)
{
    for (unsigned i = 0; i < WORDS_MAX; i++) {
        to->at[i] = to->at[i] > from->at[i] ? to->at[i] : from->at[i];
    }
}

static bool is_within(const view* small, const view* big)
{
    for (unsigned i = 0; i < words_count; i++) {
        if (small->at[i] > big->at[i]) {
            return false;
        }
    }
    return true;
}

void memory_reset(void)
{
    memset(table, 0, sizeof(table));
    words_count = 0;
}

void memory_begin(void)
{
    for (unsigned i = 0; i < words_count; i++) {
        messages[i][0].value = initial[i];
        counts[i] = 1;
        sc_stores[i] = 0;
        last_steps[i] = -1;
    }
    memset(seen, 0, sizeof(seen));
    memset(acquired, 0, sizeof(acquired));
    memset(released, 0, sizeof(released));
    memset(&shared, 0, sizeof(shared));
}

void memory_end(void)
{
    for (unsigned i = 0; i < words_count; i++) {
        atomic_store((tnd_word*)(uintptr_t)words[i], messages[i][counts[i] - 1].value);
    }
}

void memory_undo(void)
{
    for (unsigned i = 0; i < words_count; i++) {
        atomic_store((tnd_word*)(uintptr_t)words[i], initial[i]);
    }
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t view_hash(uint64_t hash, const view* with)
{
    for (unsigned i = 0; i < words_count; i++) {
        if (with->at[i] != 0) {
            hash = mix(hash, (uint64_t)i << 8 | with->at[i]);
        }
    }
    return hash;
}

uint64_t memory_hash(void)
{
    uint64_t hash = 1;
    for (unsigned i = 0; i < words_count; i++) {
        for (unsigned at = 1; at < counts[i]; at++) {
            hash = mix(hash, (uint64_t)i << 8 | at);
            hash = mix(hash, messages[i][at].value);
            hash = view_hash(hash, &messages[i][at].with);
        }
    }
    return hash;
}

int memory_note_step(const tnd_word* word, int depth)
{
    if (!word) {
        return -1;
    }
    unsigned id = id_of(word);
    int before = last_steps[id];
    last_steps[id] = depth;
    return before;
}

/* ---- accesses ---- */

static bool is_acquire(memory_order order)
{
    return order == memory_order_acquire || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static bool is_release(memory_order order)
{
    return order == memory_order_release || order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static void read_message(unsigned thread, unsigned id, unsigned at, memory_order order)
{
    if (seen[thread].at[id] < at) {
        seen[thread].at[id] = (uint8_t)at;
    }
    if (at > 0) { /* what stood there before came with nothing */
        join(is_acquire(order) ? &seen[thread] : &acquired[thread], &messages[id][at].with);
    }
}

static unsigned append(unsigned thread, unsigned id, uint64_t value, memory_order order)
{
    unsigned at = counts[id]++;
    assert(at < MESSAGES_MAX);
    message* m = &messages[id][at];
    m->value = value;
    seen[thread].at[id] = (uint8_t)at;
    m->with = is_release(order) ? seen[thread] : released[thread];
    m->with.at[id] = (uint8_t)at;
    if (order == memory_order_seq_cst) {
        sc_stores[id] = at;
    }
    return at;
}

/* The oldest that this thread may still find. */
static unsigned oldest(unsigned thread, unsigned id, memory_order order)
{
    unsigned at = seen[thread].at[id];
    if (order == memory_order_seq_cst) {
        at = at > sc_stores[id] ? at : sc_stores[id];
        at = at > shared.at[id] ? at : shared.at[id];
    }
    return at;
}

/* Does an older one that may be found as well have the same value, and bring no more with it? */
static bool is_repeated(unsigned id, unsigned from, unsigned at)
{
    for (unsigned i = from; i < at; i++) {
        if (messages[id][i].value == messages[id][at].value &&
            (i == 0 || is_within(&messages[id][i].with, &messages[id][at].with))) {
            return true;
        }
    }
    return false;
}

/* The choice-th, newest first; `except` is a value that only the last one may have. */
static unsigned candidates(unsigned id, unsigned from, const uint64_t* except, unsigned choice,
                           unsigned* ret_at)
{
    unsigned count = 0;
    for (unsigned at = counts[id]; at-- > from;) {
        bool is_last = at == counts[id] - 1;
        bool is_expected = except && messages[id][at].value == *except;
        if (is_expected ? !is_last : is_repeated(id, from, at)) {
            continue;
        }
        if (count++ == choice) {
            *ret_at = at;
        }
    }
    return count;
}

static unsigned load(unsigned thread, const step_access* access, unsigned choice,
                     memory_effect* effect)
{
    unsigned id = id_of(access->word);
    unsigned at = 0;
    unsigned choices = candidates(id, oldest(thread, id, access->order), NULL, choice, &at);
    effect->message = at;
    effect->value = messages[id][at].value;
    effect->is_stale = messages[id][at].value != messages[id][counts[id] - 1].value;
    read_message(thread, id, at, access->order);
    return choices;
}

/* Reads the last one and puts another behind it, which brings along what the last one brought. */
static void replace(unsigned thread, unsigned id, uint64_t value, memory_order order,
                    memory_effect* effect)
{
    unsigned last = counts[id] - 1;
    effect->value = messages[id][last].value;
    read_message(thread, id, last, order);
    effect->message = append(thread, id, value, order);
    if (last > 0) {
        join(&messages[id][last + 1].with, &messages[id][last].with);
    }
}

static unsigned swap(unsigned thread, const step_access* access, unsigned choice,
                     memory_effect* effect)
{
    unsigned id = id_of(access->word);
    unsigned at = counts[id] - 1;
    unsigned choices = 1;
    effect->is_swapped = true;
    if (!access->is_blind) {
        choices = candidates(id, oldest(thread, id, access->order), &access->expected, choice, &at);
        effect->is_swapped = messages[id][at].value == access->expected;
    }
    if (effect->is_swapped) {
        replace(thread, id, access->value, access->order, effect);
    } else {
        effect->message = at;
        effect->value = messages[id][at].value;
        effect->is_stale = at != counts[id] - 1;
        read_message(thread, id, at, access->order);
    }
    return choices;
}

static void fence(unsigned thread, memory_order order)
{
    if (is_acquire(order)) {
        join(&seen[thread], &acquired[thread]);
    }
    if (order == memory_order_seq_cst) {
        join(&seen[thread], &shared);
        shared = seen[thread];
    }
    if (is_release(order)) {
        released[thread] = seen[thread];
    }
}

unsigned memory_access(unsigned thread, const step_access* access, unsigned choice,
                       memory_effect* ret_effect)
{
    memset(ret_effect, 0, sizeof(*ret_effect));
    if (access->is_skipped) {
        ret_effect->is_swapped = true;
        return 1;
    }
    switch (access->kind) {
    case STEP_LOAD:
        return load(thread, access, choice, ret_effect);
    case STEP_SWAP:
        return swap(thread, access, choice, ret_effect);
    case STEP_STORE:
        ret_effect->message = append(thread, id_of(access->word), access->value, access->order);
        break;
    case STEP_EXCHANGE:
        replace(thread, id_of(access->word), access->value, access->order, ret_effect);
        break;
    case STEP_OR: {
        unsigned id = id_of(access->word);
        uint64_t last = messages[id][counts[id] - 1].value;
        replace(thread, id, last | access->value, access->order, ret_effect);
        break;
    }
    case STEP_FENCE:
        fence(thread, access->order);
        break;
    case STEP_KERNEL:
        break; /* happens as the actor goes on, before its next access */
    }
    return 1;
}
