/*
 * What is said of a segment in several places, and whether it is well.
 */
#include "health.h"
#include "tool.h"

#include <stdarg.h>
#include <string.h>

uint64_t counters_of_result(const tnd_counters* counters, tnd_command_result result)
{
    uint64_t count = 0;
    for (int kind = 0; kind < TND_COMMAND_KINDS; kind++) {
        count += counters->commands[kind][result];
    }
    return count;
}

uint64_t counters_commands(const tnd_counters* counters)
{
    uint64_t count = 0;
    for (int result = 0; result < TND_RESULTS; result++) {
        count += counters_of_result(counters, (tnd_command_result)result);
    }
    return count;
}

uint32_t nodes_in_state(const tnd_inspection* seen, tnd_inspect_node_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        count += seen->nodes[i].state == state;
    }
    return count;
}

uint32_t workers_in_state(const tnd_inspection* seen, tnd_worker_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->host.workers_count; i++) {
        count += seen->host.workers[i].state == state;
    }
    return count;
}

int node_rack(const tnd_inspect_node* node, uint32_t namespaces_count)
{
    int rack = namespaces_count > 0 ? node->racks[0] : -1;
    for (uint32_t i = 1; i < namespaces_count; i++) {
        rack = node->racks[i] == rack ? rack : -1;
    }
    return rack;
}

const char* owner_state_name(tnd_inspect_owner_state state)
{
    static const char* const names[] = {"none", "live", "dead", "retired", "damaged"};
    return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

const char* kind_name(tnd_inspect_kind kind)
{
    static const char* const names[] = {"ours", "other layout", "unfinished"};
    return (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "?";
}

/* ---- health --------------------------------------------------------------------------------- */

/* The worst that was found wins, of equals the first. */
static void judge(health* h, int level, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

static void judge(health* h, int level, const char* format, ...)
{
    if (level <= h->level) {
        return;
    }
    va_list args;
    va_start(args, format);
    h->level = level;
    vsnprintf(h->reason, sizeof(h->reason), format, args);
    va_end(args);
}

static void judge_tender(health* h, const tnd_inspection* seen, const health_limits* limits)
{
    const tnd_inspect_owner* owner = &seen->owner;
    char text[TERM_TEXT_SIZE];
    if (seen->host.live_count == 0) {
        judge(h, TOOL_BAD, "no worker lives: the map is as the last one left it");
        return;
    }
    switch (owner->state) {
    case TND_INSPECT_OWNER_NONE:
        judge(h, TOOL_CRITICAL, "nobody tends the map");
        break;
    case TND_INSPECT_OWNER_DEAD:
        judge(h, TOOL_CRITICAL, "the tender (pid %u) is dead and nobody has taken over",
              owner->pid);
        break;
    case TND_INSPECT_OWNER_LIVE:
        if ((double)owner->heartbeat_age_ms > limits->crit_seconds * 1000) {
            judge(h, TOOL_CRITICAL, "the tender (pid %u) hangs: its last heartbeat is %s old",
                  owner->pid, term_age(owner->heartbeat_age_ms, text));
        }
        break;
    case TND_INSPECT_OWNER_RETIRED:
        judge(h, TOOL_BAD, "the segment is being removed");
        break;
    case TND_INSPECT_OWNER_DAMAGED:
        judge(h, TOOL_CRITICAL, "the tender's word is damaged");
        break;
    }
}

static void judge_age(health* h, const tnd_inspection* seen, const health_limits* limits)
{
    char text[TERM_TEXT_SIZE];
    uint64_t age_ms = seen->host.map_age_ms;
    if (seen->host.live_count == 0) {
        return;
    }
    if (!seen->has_map) {
        judge(h, TOOL_CRITICAL, "no map is published yet");
    } else if (age_ms == UINT64_MAX) {
        judge(h, TOOL_CRITICAL, "the cluster hasn't answered yet");
    } else if ((double)age_ms > limits->warn_seconds * 1000) {
        judge(h, (double)age_ms > limits->crit_seconds * 1000 ? TOOL_CRITICAL : TOOL_BAD,
              "the map is %s old: no node answers the tender", term_age(age_ms, text));
    }
}

static void judge_map(health* h, const tnd_inspection* seen)
{
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        const tnd_inspect_namespace* ns = &seen->namespaces[i];
        if (ns->holes > 0) {
            judge(h, TOOL_CRITICAL, "%u partitions of namespace %s have no master", ns->holes,
                  ns->name);
        }
        if (ns->overflows > 0) {
            judge(h, TOOL_CRITICAL,
                  "%u partitions of namespace %s are on nodes that the map has no "
                  "room for: raise shm_max_nodes",
                  ns->overflows, ns->name);
        }
    }
    if (seen->has_map && seen->nodes_needed > seen->nodes_capacity) {
        judge(h, TOOL_CRITICAL,
              "the cluster has %u nodes, the map room for %u: raise shm_max_nodes",
              seen->nodes_needed, seen->nodes_capacity);
    }
    if (seen->has_map && seen->namespaces_needed > seen->namespaces_capacity) {
        judge(h, TOOL_CRITICAL,
              "the cluster has %u namespaces, the map room for %u: raise shm_max_namespaces",
              seen->namespaces_needed, seen->namespaces_capacity);
    }
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        if (seen->namespaces[i].moving > 0) {
            judge(h, TOOL_BAD, "%u partitions of namespace %s are on too few nodes: data is moving",
                  seen->namespaces[i].moving, seen->namespaces[i].name);
        }
    }
}

static void summary(health* h, const tnd_inspection* seen)
{
    char text[TERM_TEXT_SIZE];
    snprintf(h->reason, sizeof(h->reason),
             "%u workers, tender slot %u (pid %u), %u nodes, %u namespaces, map %s old",
             seen->host.live_count, seen->owner.slot, seen->owner.pid,
             nodes_in_state(seen, TND_INSPECT_NODE_ACTIVE), seen->namespaces_count,
             term_age(seen->host.map_age_ms, text));
}

void health_judge(health* h, const tnd_inspection* seen, const health_limits* limits)
{
    memset(h, 0, sizeof(*h));
    if (seen->problems_count > 0) {
        judge(h, TOOL_CRITICAL, "damaged: %s%s", seen->problems[0],
              seen->problems_count > 1 ? ", and more" : "");
    }
    if (seen->segment.kind == TND_INSPECT_UNFINISHED || !seen->is_readable) {
        return;
    }
    judge_tender(h, seen, limits);
    judge_age(h, seen, limits);
    judge_map(h, seen);
    if (workers_in_state(seen, TND_WORKER_LIVE) * 10 > seen->workers_capacity * 9) {
        judge(h, TOOL_BAD, "%u of %u worker slots are taken", seen->host.workers_count,
              seen->workers_capacity);
    }
    if (h->level == TOOL_FINE) {
        summary(h, seen);
    }
}

const char* health_word(int level)
{
    return level == TOOL_FINE ? "OK" : level == TOOL_BAD ? "WARNING" : "CRITICAL";
}

unsigned health_style(int level)
{
    return level == TOOL_FINE ? TERM_GOOD : level == TOOL_BAD ? TERM_WARN : TERM_BAD;
}
