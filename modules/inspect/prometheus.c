/*
 * Prometheus text format: one family after the other, each with its HELP and TYPE, every sample
 * with the label of its segment. Histograms have cumulative buckets that end at powers of two
 * microseconds, where the counts are exact.
 */
#include "tool.h"

#include <stddef.h>
#include <string.h>

typedef struct writer {
    FILE* out;
    const tnd_inspection* seen; /* all segments */
    uint32_t count;
} writer;

static void family(const writer* w, const char* name, const char* type, const char* help)
{
    fprintf(w->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label_text(FILE* out, const char* value)
{
    for (const char* c = value; *c; c++) {
        if (*c == '\n') {
            fputs("\\n", out);
        } else {
            if (*c == '"' || *c == '\\') {
                fputc('\\', out);
            }
            fputc(*c, out);
        }
    }
}

/* name{key="0xa7000000"; `more` opens with more labels, and the value follows. */
static void sample(const writer* w, const tnd_inspection* seen, const char* name)
{
    fprintf(w->out, "%s{key=\"0x%08x\"", name, (unsigned)seen->segment.key);
}

static void label(const writer* w, const char* name, const char* value)
{
    fprintf(w->out, ",%s=\"", name);
    label_text(w->out, value);
    fputc('"', w->out);
}

static void value(const writer* w, uint64_t number)
{
    fprintf(w->out, "} %llu\n", (unsigned long long)number);
}

static void value_seconds(const writer* w, double seconds)
{
    fprintf(w->out, "} %.6f\n", seconds);
}

/* Those of them that can be read. */
#define EACH_SEEN(w, seen)                                                                         \
    for (const tnd_inspection* seen = (w)->seen; seen < (w)->seen + (w)->count; seen++)            \
        if (!seen->is_readable) {                                                                  \
        } else

/* ---- the segment, the tender, the map ------------------------------------------------------- */

static void segments(const writer* w)
{
    family(w, "tendril_segment_info", "gauge", "The segment, always 1.");
    for (uint32_t i = 0; i < w->count; i++) {
        char text[64];
        const tnd_inspection* seen = &w->seen[i];
        sample(w, seen, "tendril_segment_info");
        snprintf(text, sizeof(text), "%d", seen->segment.id);
        label(w, "id", text);
        snprintf(text, sizeof(text), "%u/%08x", seen->layout_version, seen->layout_hash);
        label(w, "layout", text);
        label(w, "cluster", seen->cluster_name);
        value(w, 1);
    }
    family(w, "tendril_segment_size_bytes", "gauge", "Size of the segment.");
    for (uint32_t i = 0; i < w->count; i++) {
        sample(w, &w->seen[i], "tendril_segment_size_bytes");
        value(w, w->seen[i].segment.size_bytes);
    }
    family(w, "tendril_segment_problems", "gauge",
           "Damages that were found, 0 in a sound segment.");
    for (uint32_t i = 0; i < w->count; i++) {
        sample(w, &w->seen[i], "tendril_segment_problems");
        value(w, w->seen[i].problems_count);
    }
}

static void tender(const writer* w)
{
    family(w, "tendril_tender_up", "gauge", "1 if a living worker tends the map.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_tender_up");
        value(w, seen->owner.state == TND_INSPECT_OWNER_LIVE);
    }
    family(w, "tendril_tender_term", "counter", "Raised by one with each takeover.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_tender_term");
        value(w, seen->owner.term);
    }
    family(w, "tendril_tender_heartbeat_age_seconds", "gauge", "Age of the tender's heartbeat.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_tender_heartbeat_age_seconds");
        value_seconds(w, (double)seen->owner.heartbeat_age_ms / 1000);
    }
    family(w, "tendril_tender_takeover_timestamp_seconds", "gauge",
           "When a worker became the tender last, Unix time.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_tender_takeover_timestamp_seconds");
        value(w, seen->host.total_gauges.takeover_unix);
    }
    family(w, "tendril_map_age_seconds", "gauge",
           "Since a node answered the tender last; absent before the first answer.");
    EACH_SEEN(w, seen)
    {
        if (seen->host.map_age_ms != UINT64_MAX) {
            sample(w, seen, "tendril_map_age_seconds");
            value_seconds(w, (double)seen->host.map_age_ms / 1000);
        }
    }
}

static void nodes(const writer* w)
{
    family(w, "tendril_nodes", "gauge", "Nodes in the map.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_nodes");
        label(w, "state", "active");
        value(w, nodes_in_state(seen, TND_INSPECT_NODE_ACTIVE));
        sample(w, seen, "tendril_nodes");
        label(w, "state", "left");
        value(w, nodes_in_state(seen, TND_INSPECT_NODE_QUARANTINED));
    }
    family(w, "tendril_nodes_needed", "gauge", "Nodes of the cluster, in the map or not.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_nodes_needed");
        value(w, seen->nodes_needed);
    }
    family(w, "tendril_nodes_capacity", "gauge", "Nodes that the map has room for.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_nodes_capacity");
        value(w, seen->nodes_capacity);
    }
    family(w, "tendril_node_info", "gauge", "A node in the map, always 1.");
    EACH_SEEN(w, seen)
    {
        for (uint32_t i = 0; i < seen->nodes_count; i++) {
            const tnd_inspect_node* n = &seen->nodes[i];
            sample(w, seen, "tendril_node_info");
            label(w, "node", n->name);
            label(w, "address", n->addrs_count > 0 ? n->addrs[0] : "");
            label(w, "build", n->build);
            label(w, "state", n->state == TND_INSPECT_NODE_ACTIVE ? "active" : "left");
            value(w, 1);
        }
    }
    family(w, "tendril_node_connections", "gauge", "Connections of all living workers to a node.");
    EACH_SEEN(w, seen)
    {
        for (uint32_t i = 0; i < seen->nodes_count; i++) {
            const tnd_node_counters* c = &seen->host.nodes[seen->nodes[i].index];
            sample(w, seen, "tendril_node_connections");
            label(w, "node", seen->nodes[i].name);
            label(w, "state", "open");
            value(w, c->connections_open);
            sample(w, seen, "tendril_node_connections");
            label(w, "node", seen->nodes[i].name);
            label(w, "state", "in_use");
            value(w, c->connections_in_use);
        }
    }
}

static void partitions_sample(const writer* w, const tnd_inspection* seen,
                              const tnd_inspect_namespace* ns, const char* state, uint32_t count)
{
    sample(w, seen, "tendril_partitions");
    label(w, "namespace", ns->name);
    label(w, "state", state);
    value(w, count);
}

static void namespaces(const writer* w)
{
    family(w, "tendril_namespace_replication_factor", "gauge", "Replication factor in effect.");
    EACH_SEEN(w, seen)
    {
        for (uint32_t i = 0; i < seen->namespaces_count; i++) {
            sample(w, seen, "tendril_namespace_replication_factor");
            label(w, "namespace", seen->namespaces[i].name);
            value(w, seen->namespaces[i].replicas);
        }
    }
    family(w, "tendril_partitions", "gauge",
           "Partitions: settled, moving (on too few nodes) or holes (without a master).");
    EACH_SEEN(w, seen)
    {
        for (uint32_t i = 0; i < seen->namespaces_count; i++) {
            const tnd_inspect_namespace* ns = &seen->namespaces[i];
            partitions_sample(w, seen, ns, "settled",
                              TND_INSPECT_PARTITIONS - ns->holes - ns->moving);
            partitions_sample(w, seen, ns, "moving", ns->moving);
            partitions_sample(w, seen, ns, "hole", ns->holes);
        }
    }
}

/* ---- workers -------------------------------------------------------------------------------- */

static void workers(const writer* w)
{
    family(w, "tendril_workers", "gauge", "Workers that hold a slot.");
    EACH_SEEN(w, seen)
    {
        for (int state = TND_WORKER_LIVE; state <= TND_WORKER_DAMAGED; state++) {
            sample(w, seen, "tendril_workers");
            label(w, "state", tnd_worker_state_name((tnd_worker_state)state));
            value(w, workers_in_state(seen, (tnd_worker_state)state));
        }
    }
    family(w, "tendril_worker_slots", "gauge", "Worker slots of the segment.");
    EACH_SEEN(w, seen)
    {
        sample(w, seen, "tendril_worker_slots");
        value(w, seen->workers_capacity);
    }
}

typedef struct figure {
    const char* name;
    const char* help;
    size_t offset;
} figure;

static uint64_t figure_of(const void* of, size_t offset)
{
    uint64_t number;
    memcpy(&number, (const char*)of + offset, sizeof(number));
    return number;
}

static void gauges(const writer* w)
{
    static const figure figures[] = {
        {"tendril_commands_running", "Commands accepted and not ended.",
         offsetof(tnd_gauges, commands_running)},
        {"tendril_commands_waiting", "Commands that wait for the first map.",
         offsetof(tnd_gauges, commands_waiting)},
        {"tendril_delay_queue_length", "Commands in delay queues.",
         offsetof(tnd_gauges, delay_queue)},
        {"tendril_connections_open", "Connections to nodes.",
         offsetof(tnd_gauges, connections_open)},
        {"tendril_connections_in_use", "Connections to nodes that commands use now.",
         offsetof(tnd_gauges, connections_in_use)},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
        family(w, figures[i].name, "gauge", figures[i].help);
        EACH_SEEN(w, seen)
        {
            sample(w, seen, figures[i].name);
            value(w, figure_of(&seen->host.total_gauges, figures[i].offset));
        }
    }
}

/* ---- totals --------------------------------------------------------------------------------- */

static void plain_totals(const writer* w)
{
    static const figure figures[] = {
        {"tendril_refused_total", "Commands refused by the call itself.",
         offsetof(tnd_counters, refused)},
        {"tendril_in_doubt_total", "Failed writes that may have been applied.",
         offsetof(tnd_counters, in_doubt)},
        {"tendril_retries_total", "Attempts beyond a command's first.",
         offsetof(tnd_counters, retries)},
        {"tendril_delayed_total", "Commands that waited in a delay queue.",
         offsetof(tnd_counters, delayed)},
        {"tendril_breaker_hits_total", "Attempts refused by a circuit breaker.",
         offsetof(tnd_counters, breaker_hits)},
        {"tendril_sent_bytes_total", "Bytes of requests.", offsetof(tnd_counters, bytes_sent)},
        {"tendril_received_bytes_total", "Bytes of replies.",
         offsetof(tnd_counters, bytes_received)},
        {"tendril_connections_opened_total", "Connections opened.",
         offsetof(tnd_counters, connections_opened)},
        {"tendril_connections_failed_total", "Connections that couldn't be opened.",
         offsetof(tnd_counters, connections_failed)},
        {"tendril_connections_closed_total", "Connections closed.",
         offsetof(tnd_counters, connections_closed)},
        {"tendril_late_replies_total", "Replies to commands that had given up.",
         offsetof(tnd_counters, late_replies)},
        {"tendril_takeovers_total", "Times that a worker became the tender.",
         offsetof(tnd_counters, takeovers)},
        {"tendril_tends_total", "Rounds of tending.", offsetof(tnd_counters, tends)},
        {"tendril_tends_failed_total", "Rounds of tending without an answer.",
         offsetof(tnd_counters, tends_failed)},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
        family(w, figures[i].name, "counter", figures[i].help);
        EACH_SEEN(w, seen)
        {
            sample(w, seen, figures[i].name);
            value(w, figure_of(&seen->host.total, figures[i].offset));
        }
    }
}

static void labelled_totals(const writer* w)
{
    family(w, "tendril_commands_total", "counter", "Commands that ended, by kind and result.");
    EACH_SEEN(w, seen)
    {
        for (int kind = 0; kind < TND_COMMAND_KINDS; kind++) {
            for (int result = 0; result < TND_RESULTS; result++) {
                sample(w, seen, "tendril_commands_total");
                label(w, "kind", tnd_command_kind_name((tnd_command_kind)kind));
                label(w, "result", tnd_command_result_name((tnd_command_result)result));
                value(w, seen->host.total.commands[kind][result]);
            }
        }
    }
    family(w, "tendril_errors_total", "counter", "Commands that failed, by status.");
    EACH_SEEN(w, seen)
    {
        for (int i = 0; i < TND_STATUSES; i++) {
            char text[16];
            int status = i - TND_STATUS_OFFSET;
            if (seen->host.total.statuses[i] > 0 && status != AEROSPIKE_OK &&
                status != AEROSPIKE_ERR_RECORD_NOT_FOUND) {
                snprintf(text, sizeof(text), "%d", status);
                sample(w, seen, "tendril_errors_total");
                label(w, "status", text);
                value(w, seen->host.total.statuses[i]);
            }
        }
    }
    family(w, "tendril_timeouts_total", "counter", "Attempts whose time ran out, by phase.");
    EACH_SEEN(w, seen)
    {
        for (int phase = 0; phase < TND_TIMEOUT_PHASES; phase++) {
            sample(w, seen, "tendril_timeouts_total");
            label(w, "phase", tnd_timeout_phase_name((tnd_timeout_phase)phase));
            value(w, seen->host.total.timeouts[phase]);
        }
    }
}

/* ---- histograms ----------------------------------------------------------------------------- */

static void histogram(const writer* w, const tnd_inspection* seen, const char* name,
                      const char* kind, const tnd_histogram* h)
{
    char text[64];
    uint64_t count = tnd_histogram_count(h);
    for (unsigned shift = 6; shift <= 25; shift++) {
        snprintf(text, sizeof(text), "%s_bucket", name);
        sample(w, seen, text);
        if (kind) {
            label(w, "kind", kind);
        }
        snprintf(text, sizeof(text), "%.9g", (double)(1u << shift) / 1e6);
        label(w, "le", text);
        value(w, tnd_histogram_within(h, 1ull << shift));
    }
    static const char* const ends[] = {"_bucket", "_sum", "_count"};
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof(text), "%s%s", name, ends[i]);
        sample(w, seen, text);
        if (kind) {
            label(w, "kind", kind);
        }
        if (i == 0) {
            label(w, "le", "+Inf");
        }
        if (i == 1) {
            value_seconds(w, (double)h->sum_us / 1e6);
        } else {
            value(w, count);
        }
    }
}

static void histograms(const writer* w)
{
    family(w, "tendril_command_duration_seconds", "histogram",
           "From the call that submitted a command to its listener.");
    EACH_SEEN(w, seen)
    {
        for (int kind = 0; kind < TND_LATENCIES; kind++) {
            histogram(w, seen, "tendril_command_duration_seconds",
                      tnd_latency_kind_name((tnd_latency_kind)kind),
                      &seen->host.total.latency[kind]);
        }
    }
    family(w, "tendril_tend_duration_seconds", "histogram", "Rounds of tending.");
    EACH_SEEN(w, seen)
    {
        histogram(w, seen, "tendril_tend_duration_seconds", NULL, &seen->host.total.tend);
    }
}

void prometheus_write(FILE* out, const tnd_inspection* seen, uint32_t count)
{
    const writer w = {.out = out, .seen = seen, .count = count};
    segments(&w);
    tender(&w);
    nodes(&w);
    namespaces(&w);
    workers(&w);
    gauges(&w);
    labelled_totals(&w);
    plain_totals(&w);
    histograms(&w);
}
