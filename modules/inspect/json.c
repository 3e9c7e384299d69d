/*
 * JSON. Numbers are whole unless their name says seconds; what isn't known is null.
 */
#include "tool.h"

void json_text(FILE* out, const char* text)
{
    fputc('"', out);
    for (const unsigned char* c = (const unsigned char*)text; *c; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(out, "\\%c", *c);
        } else if (*c < 0x20 || *c > 0x7e) {
            fprintf(out, "\\u%04x", *c);
        } else {
            fputc(*c, out);
        }
    }
    fputc('"', out);
}

static void text(FILE* out, const char* name, const char* value)
{
    fprintf(out, "\"%s\":", name);
    json_text(out, value);
    fputc(',', out);
}

static void number(FILE* out, const char* name, uint64_t value)
{
    fprintf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

/* The last of an object, which has no comma behind it. */
static void last_number(FILE* out, const char* name, uint64_t value)
{
    fprintf(out, "\"%s\":%llu", name, (unsigned long long)value);
}

static void flag(FILE* out, const char* name, bool value)
{
    fprintf(out, "\"%s\":%s,", name, value ? "true" : "false");
}

static void separate(FILE* out, uint32_t i)
{
    if (i > 0) {
        fputc(',', out);
    }
}

/* ---- counters ------------------------------------------------------------------------------- */

static void histogram(FILE* out, const char* name, const tnd_histogram* h)
{
    static const struct {
        const char* name;
        double percent;
    } percentiles[] = {{"p50_us", 50}, {"p90_us", 90}, {"p99_us", 99}, {"p999_us", 99.9}};
    fprintf(out, "\"%s\":{", name);
    number(out, "count", tnd_histogram_count(h));
    number(out, "sum_us", h->sum_us);
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(*percentiles); i++) {
        number(out, percentiles[i].name, tnd_histogram_percentile_us(h, percentiles[i].percent));
    }
    last_number(out, "max_us", tnd_histogram_percentile_us(h, 100));
    fputc('}', out);
}

static void commands(FILE* out, const tnd_counters* c)
{
    fputs("\"commands\":{", out);
    for (uint32_t kind = 0; kind < TND_COMMAND_KINDS; kind++) {
        separate(out, kind);
        fprintf(out, "\"%s\":{", tnd_command_kind_name((tnd_command_kind)kind));
        for (uint32_t result = 0; result < TND_RESULTS; result++) {
            separate(out, result);
            last_number(out, tnd_command_result_name((tnd_command_result)result),
                        c->commands[kind][result]);
        }
        fputc('}', out);
    }
    fputs("},\"statuses\":{", out);
    uint32_t written = 0;
    for (int i = 0; i < TND_STATUSES; i++) {
        if (c->statuses[i] > 0) {
            separate(out, written++);
            fprintf(out, "\"%d\":%llu", i - TND_STATUS_OFFSET, (unsigned long long)c->statuses[i]);
        }
    }
    fputs("},\"timeouts\":{", out);
    for (uint32_t i = 0; i < TND_TIMEOUT_PHASES; i++) {
        separate(out, i);
        last_number(out, tnd_timeout_phase_name((tnd_timeout_phase)i), c->timeouts[i]);
    }
    fputs("},", out);
}

static void counters(FILE* out, const char* name, const tnd_counters* c)
{
    fprintf(out, "\"%s\":{", name);
    commands(out, c);
    number(out, "refused", c->refused);
    number(out, "in_doubt", c->in_doubt);
    number(out, "retries", c->retries);
    number(out, "delayed", c->delayed);
    number(out, "breaker_hits", c->breaker_hits);
    number(out, "bytes_sent", c->bytes_sent);
    number(out, "bytes_received", c->bytes_received);
    number(out, "connections_opened", c->connections_opened);
    number(out, "connections_failed", c->connections_failed);
    number(out, "connections_closed", c->connections_closed);
    number(out, "late_replies", c->late_replies);
    number(out, "takeovers", c->takeovers);
    number(out, "tends", c->tends);
    number(out, "tends_failed", c->tends_failed);
    fputs("\"latency\":{", out);
    for (uint32_t i = 0; i < TND_LATENCIES; i++) {
        separate(out, i);
        histogram(out, tnd_latency_kind_name((tnd_latency_kind)i), &c->latency[i]);
    }
    fputs("},", out);
    histogram(out, "tend_duration", &c->tend);
    fputc('}', out);
}

static void gauges(FILE* out, const tnd_gauges* g)
{
    fputs("\"now\":{", out);
    number(out, "commands_running", g->commands_running);
    number(out, "commands_waiting", g->commands_waiting);
    number(out, "delay_queue", g->delay_queue);
    number(out, "connections_open", g->connections_open);
    number(out, "connections_in_use", g->connections_in_use);
    number(out, "connections_draining", g->connections_draining);
    last_number(out, "takeover_unix", g->takeover_unix);
    fputc('}', out);
}

static void worker(FILE* out, const tnd_worker_counters* w)
{
    fputc('{', out);
    number(out, "slot", w->slot);
    text(out, "state", tnd_worker_state_name(w->state));
    flag(out, "is_tender", w->is_tender);
    number(out, "pid", w->pid);
    number(out, "uid", w->uid);
    number(out, "started_unix", w->started_unix);
    gauges(out, &w->gauges);
    fputc(',', out);
    counters(out, "counters", &w->counters);
    fputc('}', out);
}

/* ---- the segment ---------------------------------------------------------------------------- */

static void segment_facts(FILE* out, const tnd_inspect_segment* segment)
{
    number(out, "id", (uint64_t)segment->id);
    fprintf(out, "\"key\":\"0x%08x\",", (unsigned)segment->key);
    text(out, "kind", kind_name(segment->kind));
    number(out, "size_bytes", segment->size_bytes);
    number(out, "uid", segment->uid);
    fprintf(out, "\"mode\":\"%04o\",", segment->mode);
    number(out, "attached", segment->attached);
    fprintf(out, "\"is_removed\":%s", segment->is_removed ? "true" : "false");
}

static void age(FILE* out, const char* name, uint64_t ms)
{
    if (ms == UINT64_MAX) {
        fprintf(out, "\"%s\":null,", name);
    } else {
        fprintf(out, "\"%s\":%.3f,", name, (double)ms / 1000);
    }
}

static void node(FILE* out, const tnd_inspection* seen, const tnd_inspect_node* n)
{
    const tnd_node_counters* c = &seen->host.nodes[n->index];
    fputc('{', out);
    number(out, "index", n->index);
    text(out, "name", n->name);
    text(out, "state", n->state == TND_INSPECT_NODE_ACTIVE ? "active" : "left");
    number(out, "generation", n->generation);
    text(out, "build", n->build);
    text(out, "tls_name", n->tls_name);
    fputs("\"addresses\":[", out);
    for (uint32_t i = 0; i < n->addrs_count; i++) {
        separate(out, i);
        json_text(out, n->addrs[i]);
    }
    fputs("],\"racks\":{", out);
    for (uint32_t i = 0, written = 0; i < seen->namespaces_count; i++) {
        if (n->racks[i] >= 0) {
            separate(out, written++);
            json_text(out, seen->namespaces[i].name);
            fprintf(out, ":%d", n->racks[i]);
        }
    }
    fputs("},", out);
    number(out, "masters", n->masters);
    number(out, "replicas", n->replicas);
    number(out, "connections_open", c->connections_open);
    number(out, "connections_in_use", c->connections_in_use);
    number(out, "connections_opened", c->connections_opened);
    number(out, "connections_closed", c->connections_closed);
    number(out, "connections_failed", c->connections_failed);
    number(out, "late_replies", c->late_replies);
    number(out, "late_missing", c->late_missing);
    number(out, "key_busy", c->key_busy);
    number(out, "requests", c->requests);
    number(out, "errors", c->errors);
    last_number(out, "timeouts", c->timeouts);
    fputc('}', out);
}

static void ns_write(FILE* out, const tnd_inspect_namespace* ns)
{
    fputc('{', out);
    text(out, "name", ns->name);
    number(out, "replication_factor", ns->replicas);
    flag(out, "is_strong_consistency", ns->is_sc);
    number(out, "holes", ns->holes);
    number(out, "moving", ns->moving);
    number(out, "overflows", ns->overflows);
    number(out, "regime_min", ns->regime_min);
    last_number(out, "regime_max", ns->regime_max);
    fputc('}', out);
}

static void map_facts(FILE* out, const tnd_inspection* seen)
{
    fputs("\"tender\":{", out);
    text(out, "state", owner_state_name(seen->owner.state));
    number(out, "term", seen->owner.term);
    if (seen->owner.state == TND_INSPECT_OWNER_LIVE ||
        seen->owner.state == TND_INSPECT_OWNER_DEAD) {
        number(out, "slot", seen->owner.slot);
        number(out, "pid", seen->owner.pid);
    }
    fprintf(out, "\"heartbeat_age_seconds\":%.3f},", (double)seen->owner.heartbeat_age_ms / 1000);
    flag(out, "has_map", seen->has_map);
    age(out, "map_age_seconds", seen->has_map ? seen->host.map_age_ms : UINT64_MAX);
    age(out, "nodes_changed_seconds", seen->has_map ? seen->directory_age_ms : UINT64_MAX);
    number(out, "map_term", seen->map_term);
    number(out, "map_generation", seen->map_generation);
    text(out, "cluster_name", seen->cluster_name);
    number(out, "nodes_capacity", seen->nodes_capacity);
    number(out, "nodes_needed", seen->nodes_needed);
    number(out, "namespaces_capacity", seen->namespaces_capacity);
    number(out, "namespaces_needed", seen->namespaces_needed);
    number(out, "workers_capacity", seen->workers_capacity);
}

static void lists(FILE* out, const tnd_inspection* seen)
{
    fputs("\"nodes\":[", out);
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        separate(out, i);
        node(out, seen, &seen->nodes[i]);
    }
    fputs("],\"namespaces\":[", out);
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        separate(out, i);
        ns_write(out, &seen->namespaces[i]);
    }
    fputs("],\"workers\":[", out);
    for (uint32_t i = 0; i < seen->host.workers_count; i++) {
        separate(out, i);
        worker(out, &seen->host.workers[i]);
    }
    fputs("],", out);
}

void json_segment(FILE* out, const tnd_inspection* seen)
{
    fputs("{\"segment\":{", out);
    segment_facts(out, &seen->segment);
    fputs("},", out);
    fprintf(out, "\"layout\":\"%u/%08x\",", seen->layout_version, seen->layout_hash);
    flag(out, "is_readable", seen->is_readable);
    if (seen->is_readable) {
        text(out, "identity", seen->identity);
        number(out, "created_unix", seen->created_unix);
        map_facts(out, seen);
        number(out, "workers_live", seen->host.live_count);
        lists(out, seen);
        gauges(out, &seen->host.total_gauges);
        fputc(',', out);
        counters(out, "departed", &seen->host.departed);
        fputc(',', out);
        counters(out, "total", &seen->host.total);
        fputc(',', out);
    }
    fputs("\"problems\":[", out);
    for (uint32_t i = 0; i < seen->problems_count; i++) {
        separate(out, i);
        json_text(out, seen->problems[i]);
    }
    fputs("]}", out);
}

void json_list(FILE* out, const tnd_inspect_list_result* list)
{
    fputs("{\"segments\":[", out);
    for (uint32_t i = 0; i < list->count; i++) {
        separate(out, i);
        fputc('{', out);
        segment_facts(out, &list->segments[i]);
        fputc('}', out);
    }
    fputs("],", out);
    last_number(out, "unreadable_count", list->unreadable_count);
    fputc('}', out);
}

/* ---- partitions ----------------------------------------------------------------------------- */

static void node_name(FILE* out, const tnd_inspect_node* n)
{
    if (n) {
        json_text(out, n->name);
    } else {
        fputs("null", out);
    }
}

/* By namespace and column: node indexes, 0 for none; names apart, as there are few. */
void json_owners(FILE* out, const tnd_inspection* seen)
{
    fputs("{\"nodes\":{", out);
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        separate(out, i);
        fprintf(out, "\"%u\":", seen->nodes[i].index);
        json_text(out, seen->nodes[i].name);
    }
    fputs("},\"namespaces\":{", out);
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        separate(out, i);
        json_text(out, seen->namespaces[i].name);
        fputs(":[", out);
        for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
            separate(out, c);
            fputc('[', out);
            for (uint32_t p = 0; p < TND_INSPECT_PARTITIONS; p++) {
                separate(out, p);
                fprintf(out, "%u", seen->namespaces[i].owners[p][c]);
            }
            fputc(']', out);
        }
        fputc(']', out);
    }
    fputs("}}", out);
}

void json_route(FILE* out, const tnd_inspection* seen, const tnd_inspect_route_result* route)
{
    fputs("{\"digest\":\"", out);
    for (size_t i = 0; i < sizeof(route->digest); i++) {
        fprintf(out, "%02x", route->digest[i]);
    }
    fputs("\",", out);
    text(out, "namespace", route->ns->name);
    number(out, "partition", route->partition);
    number(out, "replication_factor", route->ns->replicas);
    fputs("\"nodes\":[", out);
    for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
        separate(out, c);
        node_name(out, route->nodes[c]);
    }
    fputs("],\"addresses\":[", out);
    for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
        separate(out, c);
        if (route->nodes[c] && route->nodes[c]->addrs_count > 0) {
            json_text(out, route->nodes[c]->addrs[0]);
        } else {
            fputs("null", out);
        }
    }
    fputs("],", out);
    last_number(out, "map_generation", seen->map_generation);
    fputc('}', out);
}
