/*
 * What the records were, and when: told by the mini cluster as it happens, so that what it loses
 * legitimately (the last holder of a partition dies, a record expires) is known exactly.
 *
 * A command runs between its submission and its end. What it reports must be true at some moment in
 * between: a value read was the record's then, a record that was missing was absent, a write that
 * was acknowledged was applied. A write that failed and isn't in doubt was never applied and never
 * will be, however late. No write is applied more often than it may have been sent.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

static const char* const space_names[WORLD_SPACES] = {"test", "bar"};

const char* world_space_name(unsigned space)
{
    return space_names[space];
}

/* ---- versions ---- */

static model_record* record_of(const command* c)
{
    return &c->p->w->records[c->space][c->key];
}

static void record_add(model_record* r, model_version v)
{
    if (r->count > 0) {
        r->versions[r->count - 1].to_us = v.from_us;
    }
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 16;
        r->versions = realloc(r->versions, r->capacity * sizeof(*r->versions));
        if (!r->versions) {
            abort();
        }
    }
    r->versions[r->count++] = v;
}

static void record_absent(world* w, model_record* r)
{
    record_add(r, (model_version){
                      .from_us = world_now_us(w), .to_us = UINT64_MAX, .expires_us = UINT64_MAX});
}

void model_init(world* w)
{
    for (unsigned s = 0; s < WORLD_SPACES; s++) {
        for (unsigned k = 0; k < w->keys_count; k++) {
            model_record* r = &w->records[s][k];
            as_key key;
            as_key_init_int64(&key, space_names[s], "sim", (int64_t)k);
            memcpy(r->digest, as_key_digest(&key)->value, sizeof(r->digest));
            r->pid = (r->digest[0] | r->digest[1] << 8) & (MC_PARTITIONS - 1);
            record_add(r, (model_version){.to_us = UINT64_MAX, .expires_us = UINT64_MAX});
        }
    }
}

void model_done(world* w)
{
    for (unsigned s = 0; s < WORLD_SPACES; s++) {
        for (unsigned k = 0; k < WORLD_KEYS_MAX; k++) {
            free(w->records[s][k].versions);
        }
    }
}

const model_version* model_present(const world* w, unsigned space, unsigned key)
{
    const model_record* r = &w->records[space][key];
    return &r->versions[r->count - 1];
}

/* ---- what the cluster does ---- */

/* The integer in the bin of this name; 0: none. */
static uint64_t bins_integer(const mc_change* change, char name)
{
    const uint8_t* at = change->bins;
    const uint8_t* end = at + change->bins_len;
    while (end - at >= 8) {
        uint32_t size =
            (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (at[7] == 1 && at[8] == (uint8_t)name && size == 4 + 1 + 8) {
            uint64_t value = 0;
            for (int i = 0; i < 8; i++) {
                value = value << 8 | at[9 + i];
            }
            return value;
        }
        at += 4 + size;
    }
    return 0;
}

static model_record* record_find(world* w, unsigned space, const uint8_t* digest, unsigned* ret_key)
{
    for (unsigned k = 0; k < w->keys_count; k++) {
        if (memcmp(w->records[space][k].digest, digest, 20) == 0) {
            *ret_key = k;
            return &w->records[space][k];
        }
    }
    return NULL;
}

/* What the record held before this write, if it was there. */
static const model_version* record_before(const world* w, unsigned space, unsigned key)
{
    const model_version* v = model_present(w, space, key);
    return v->value != 0 && world_now_us(w) < v->expires_us ? v : NULL;
}

static void on_write(world* w, unsigned space, unsigned key, const mc_change* change)
{
    uint64_t value = bins_integer(change, 'v');
    command* c = load_find(w, value);
    if (!c || !command_is_put(c) || c->space != space || c->key != key) {
        world_fail(w, "the cluster wrote value %llu to %s/%u, which nobody asked for",
                   (unsigned long long)value, space_names[space], key);
    }
    if (c->applied_count++ == 0) {
        c->applied_us = world_now_us(w);
    }
    if (c->applied_count > c->attempts_max) {
        world_fail(w, "put %llu was applied %u times with %u attempts allowed",
                   (unsigned long long)value, c->applied_count, c->attempts_max);
    }
    bool is_refused = !c->is_accepted && !c->is_submitting;
    if (is_refused || (c->is_ended && c->code != AEROSPIKE_OK && !c->is_in_doubt)) {
        world_fail(w, "put %llu of %s was applied although it had failed for certain (%d)",
                   (unsigned long long)value, c->p->name, c->code);
    }
    const model_version* before = record_before(w, space, key);
    record_add(&w->records[space][key],
               (model_version){.value = value,
                               .payload_id = c->kind == COMMAND_PUT ? value
                                             : before               ? before->payload_id
                                                                    : 0,
                               .count = bins_integer(change, 'n'),
                               .generation = change->generation,
                               .from_us = world_now_us(w),
                               .to_us = UINT64_MAX,
                               .expires_us = change->expires_at_ms == MC_NEVER
                                                 ? UINT64_MAX
                                                 : change->expires_at_ms * 1000});
    w->stats->writes_seen++;
}

void model_add_remove(command* c)
{
    model_record* r = record_of(c);
    c->next_remove = r->removes;
    r->removes = c;
}

/* It is under way, or its fate is unknown, or an attempt before the last may still come. */
static bool remove_may_come(const command* c)
{
    if (c->is_submitting || (c->is_accepted && !c->is_ended) || c->is_in_doubt) {
        return true;
    }
    return c->is_ended && c->code == AEROSPIKE_OK && c->attempts_max > 1;
}

/* Some remove must be behind it. Which one can't be told: it counts for each. */
static void on_remove(world* w, unsigned space, unsigned key)
{
    model_record* r = &w->records[space][key];
    bool has_cause = false;
    for (command** at = &r->removes; *at;) {
        command* c = *at;
        if (!remove_may_come(c)) {
            *at = c->next_remove;
            continue;
        }
        has_cause = true;
        if (c->applied_count++ == 0) {
            c->applied_us = world_now_us(w);
        }
        at = &c->next_remove;
    }
    if (!has_cause) {
        world_fail(w, "the cluster removed %s/%u, which nobody asked for", space_names[space], key);
    }
    record_absent(w, r);
    w->stats->writes_seen++;
}

static void on_loss(world* w, unsigned space, int pid)
{
    for (unsigned k = 0; k < w->keys_count; k++) {
        model_record* r = &w->records[space][k];
        if (r->pid == pid && r->versions[r->count - 1].value != 0) {
            world_tell(w, "the last copy of %s/%u is lost", space_names[space], k);
            record_absent(w, r);
        }
    }
}

void model_on_change(void* udata, const mc_change* change)
{
    world* w = udata;
    unsigned space = strcmp(change->ns, space_names[0]) == 0 ? 0 : 1;
    unsigned key;
    if (!change->digest) {
        on_loss(w, space, change->pid);
        return;
    }
    if (!record_find(w, space, change->digest, &key)) {
        world_fail(w, "the cluster changed a record that nobody asked for");
    }
    if (change->is_write) {
        on_write(w, space, key, change);
    } else {
        on_remove(w, space, key);
    }
}

/* ---- what commands report ---- */

static bool overlaps(const command* c, uint64_t from_us, uint64_t to_us)
{
    return from_us <= c->end_us && to_us >= c->submit_us && from_us <= to_us;
}

static uint64_t version_end_us(const model_version* v)
{
    return v->to_us < v->expires_us ? v->to_us : v->expires_us;
}

/* Calls `fits` for each version of the command's record that was present in its time. */
static const model_version* any_version(const command* c,
                                        bool (*fits)(const model_version* v, const void* udata),
                                        const void* udata)
{
    const model_record* r = record_of(c);
    for (size_t i = r->count; i > 0; i--) {
        const model_version* v = &r->versions[i - 1];
        if (v->value != 0 && overlaps(c, v->from_us, version_end_us(v)) && fits(v, udata)) {
            return v;
        }
        if (v->to_us < c->submit_us) {
            return NULL;
        }
    }
    return NULL;
}

static bool was_absent(const command* c)
{
    const model_record* r = record_of(c);
    for (size_t i = r->count; i > 0; i--) {
        const model_version* v = &r->versions[i - 1];
        uint64_t from_us = v->value == 0 ? v->from_us : v->expires_us;
        if (overlaps(c, from_us, v->to_us)) {
            return true;
        }
        if (v->to_us < c->submit_us) {
            return false;
        }
    }
    return false;
}

static void fail_untrue(const command* c, const char* what)
{
    static const char* const names[] = {"get",    "select",  "exists", "put",
                                        "remove", "operate", "batch"};
    const model_record* r = record_of(c);
    world* w = c->p->w;
    for (size_t i = r->count > 4 ? r->count - 4 : 0; i < r->count; i++) {
        const model_version* v = &r->versions[i];
        world_tell(w, "version: value %llu generation %u from %llu to %llu us",
                   (unsigned long long)v->value, v->generation, (unsigned long long)v->from_us,
                   (unsigned long long)v->to_us);
    }
    world_fail(w, "%s %llu of %s on %s/%u, %llu to %llu us, code %d: %s", names[c->kind],
               (unsigned long long)c->id, c->p->name, space_names[c->space], c->key,
               (unsigned long long)c->submit_us, (unsigned long long)c->end_us, c->code, what);
}

typedef struct wanted {
    uint64_t value; /* 0: any */
    uint32_t generation;
} wanted;

static bool is_wanted(const model_version* v, const void* udata)
{
    const wanted* want = udata;
    return (want->value == 0 || v->value == want->value) && v->generation == want->generation;
}

const model_version* model_check_read(command* c, uint64_t value, uint32_t generation)
{
    const wanted want = {.value = value, .generation = generation};
    const model_version* v = any_version(c, is_wanted, &want);
    if (!v) {
        char text[96];
        snprintf(text, sizeof(text), "value %llu generation %u wasn't there then",
                 (unsigned long long)value, generation);
        fail_untrue(c, text);
    }
    c->p->w->stats->reads_checked++;
    return v;
}

void model_check_header(command* c, uint32_t generation)
{
    const wanted want = {.generation = generation};
    if (!any_version(c, is_wanted, &want)) {
        fail_untrue(c, "no such generation was there then");
    }
    c->p->w->stats->reads_checked++;
}

void model_check_absent(command* c)
{
    if (!was_absent(c)) {
        fail_untrue(c, "the record was there all the time");
    }
    c->p->w->stats->reads_checked++;
}

static bool is_any(const model_version* v, const void* udata)
{
    (void)v;
    (void)udata;
    return true;
}

static bool is_other_generation(const model_version* v, const void* udata)
{
    const command* c = udata;
    return v->generation != c->generation;
}

static void check_applied(command* c)
{
    if (c->applied_count == 0 || c->applied_us < c->submit_us || c->applied_us > c->end_us) {
        fail_untrue(c, "acknowledged, but not applied");
    }
}

static void check_not_applied(command* c)
{
    if (command_is_put(c) && c->applied_count > 0) {
        fail_untrue(c, "applied, but neither acknowledged nor in doubt");
    }
}

static bool is_counted(const model_version* v, const void* udata)
{
    const command* c = udata;
    return v->value == c->id && v->count == c->counted;
}

/* What an operate counted to is what one of its applications made of the record. */
void model_check_count(command* c, uint64_t count)
{
    c->counted = count;
    if (!any_version(c, is_counted, c)) {
        fail_untrue(c, "it didn't count to that");
    }
}

void model_check_write(command* c)
{
    if (c->code == AEROSPIKE_OK) {
        check_applied(c);
        return;
    }
    if (c->is_in_doubt) {
        return;
    }
    check_not_applied(c);
    switch (c->code) {
    case AEROSPIKE_ERR_RECORD_NOT_FOUND:
        model_check_absent(c);
        break;
    case AEROSPIKE_ERR_RECORD_EXISTS:
        if (!c->is_create || !any_version(c, is_any, NULL)) {
            fail_untrue(c, "it didn't exist");
        }
        break;
    case AEROSPIKE_ERR_RECORD_GENERATION:
        if (c->generation == 0 || !(any_version(c, is_other_generation, c) || was_absent(c))) {
            fail_untrue(c, "the generation was as expected");
        }
        break;
    default:
        break;
    }
}
