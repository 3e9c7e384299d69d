/*
 * show: one segment as tables.
 */
#include "health.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL_WIDTH 11
#define BAR_WIDTH 32

static void title(const term* t, const char* text)
{
    fputc('\n', t->out);
    term_put(t, TERM_BOLD, "%s", text);
    fputc('\n', t->out);
}

static void label(const term* t, const char* text)
{
    fputs("  ", t->out);
    term_put(t, TERM_DIM, "%-*s", LABEL_WIDTH, text);
}

/* ---- the head ------------------------------------------------------------------------------- */

static void show_created(const term* t, uint64_t created_unix)
{
    time_t created = (time_t)created_unix;
    struct tm local;
    char text[64];
    if (created_unix == 0 || !localtime_r(&created, &local) ||
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local) == 0) {
        return;
    }
    label(t, "created");
    fprintf(t->out, "%s\n", text);
}

static void show_tender(const term* t, const tnd_inspection* seen)
{
    const tnd_inspect_owner* owner = &seen->owner;
    char text[TERM_TEXT_SIZE];
    label(t, "tender");
    switch (owner->state) {
    case TND_INSPECT_OWNER_LIVE:
        fprintf(t->out, "slot %u, pid %u, term %u, heartbeat %s ago\n", owner->slot, owner->pid,
                owner->term, term_age(owner->heartbeat_age_ms, text));
        break;
    case TND_INSPECT_OWNER_DEAD:
        term_put(t, TERM_BAD, "dead");
        fprintf(t->out, ": slot %u, pid %u, term %u\n", owner->slot, owner->pid, owner->term);
        break;
    case TND_INSPECT_OWNER_NONE:
    case TND_INSPECT_OWNER_RETIRED:
    case TND_INSPECT_OWNER_DAMAGED:
        term_put(t, TERM_BAD, "%s", owner_state_name(owner->state));
        fprintf(t->out, ", term %u\n", owner->term);
        break;
    }
}

static void show_map_line(const term* t, const tnd_inspection* seen)
{
    char age[TERM_TEXT_SIZE], changed[TERM_TEXT_SIZE];
    label(t, "map");
    if (!seen->has_map) {
        term_put(t, TERM_BAD, "none published yet");
        fputc('\n', t->out);
        return;
    }
    fprintf(t->out, "%s old, generation %u, nodes changed %s ago\n",
            seen->host.map_age_ms == UINT64_MAX ? "?" : term_age(seen->host.map_age_ms, age),
            seen->map_generation, term_age(seen->directory_age_ms, changed));
    label(t, "capacity");
    fprintf(t->out, "%u of %u nodes, %u of %u namespaces\n", seen->nodes_needed,
            seen->nodes_capacity, seen->namespaces_needed, seen->namespaces_capacity);
}

static void show_workers_line(const term* t, const tnd_inspection* seen)
{
    uint32_t dead = workers_in_state(seen, TND_WORKER_DEAD);
    uint32_t draining = workers_in_state(seen, TND_WORKER_DRAINING);
    label(t, "workers");
    fprintf(t->out, "%u live", seen->host.live_count);
    if (draining > 0) {
        fprintf(t->out, " (%u draining)", draining);
    }
    if (dead > 0) {
        fprintf(t->out, ", %u dead", dead);
    }
    fprintf(t->out, ", %u slots, %u attachments\n", seen->workers_capacity, seen->segment.attached);
}

static void show_head(const tool_options* options, const term* t, const tnd_inspection* seen)
{
    char size[TERM_TEXT_SIZE];
    health h;
    const health_limits limits = {.warn_seconds = options->warn_seconds,
                                  .crit_seconds = options->crit_seconds};
    health_judge(&h, seen, &limits);
    term_put(t, TERM_BOLD, "Segment 0x%08X", (unsigned)seen->segment.key);
    fprintf(t->out, "  id %d, %s, user %u, mode %04o, layout %u/%08x%s\n", seen->segment.id,
            term_bytes(seen->segment.size_bytes, size), seen->segment.uid, seen->segment.mode,
            seen->layout_version, seen->layout_hash,
            seen->segment.is_removed ? ", marked for removal" : "");
    fputc('\n', t->out);
    label(t, "health");
    term_put(t, health_style(h.level), "%s", health_word(h.level));
    if (h.level != TOOL_FINE) {
        fprintf(t->out, ": %s", h.reason);
    }
    fputc('\n', t->out);
    for (uint32_t i = 0; i < seen->problems_count; i++) {
        label(t, "damage");
        term_put(t, TERM_BAD, "%s", seen->problems[i]);
        fputc('\n', t->out);
    }
    if (seen->is_readable) {
        show_tender(t, seen);
        show_map_line(t, seen);
        show_workers_line(t, seen);
        label(t, "serves");
        fprintf(t->out, "%s\n", seen->identity);
        show_created(t, seen->created_unix);
    }
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static void show_nodes(const term* t, const tnd_inspection* seen)
{
    table tab;
    char text[TERM_TEXT_SIZE];
    if (seen->nodes_count == 0) {
        return;
    }
    title(t, "Nodes");
    table_begin(&tab, t);
    table_column(&tab, "#", false, 0);
    table_column(&tab, "NAME", true, 0);
    table_column(&tab, "ADDRESS", true, 0);
    table_column(&tab, "STATE", true, 2);
    table_column(&tab, "RACK", false, 6);
    table_column(&tab, "BUILD", true, 7);
    table_column(&tab, "GEN", false, 8);
    table_column(&tab, "MASTER", false, 3);
    table_column(&tab, "REPLICA", false, 5);
    table_column(&tab, "CONNS", false, 2);
    table_column(&tab, "IN USE", false, 4);
    table_column(&tab, "REQUESTS", false, 3);
    table_column(&tab, "ERRORS", false, 1);
    table_column(&tab, "TIMEOUTS", false, 1);
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        const tnd_inspect_node* node = &seen->nodes[i];
        const tnd_node_counters* counts = &seen->host.nodes[node->index];
        bool is_active = node->state == TND_INSPECT_NODE_ACTIVE;
        int rack = node_rack(node, seen->namespaces_count);
        table_cell(&tab, TERM_NODE + node->index, "%c", term_node_letter(node->index));
        table_cell(&tab, TERM_NODE + node->index, "%s", node->name);
        table_cell(&tab, TERM_PLAIN, "%s", node->addrs_count > 0 ? node->addrs[0] : "-");
        table_cell(&tab, is_active ? TERM_GOOD : TERM_WARN, "%s", is_active ? "active" : "left");
        table_cell(&tab, TERM_PLAIN, rack < 0 ? "-" : "%d", rack);
        table_cell(&tab, TERM_PLAIN, "%s", is_active ? node->build : "-");
        table_cell(&tab, TERM_PLAIN, "%u", node->generation);
        table_cell(&tab, TERM_PLAIN, "%u", node->masters);
        table_cell(&tab, TERM_PLAIN, "%u", node->replicas);
        table_cell(&tab, TERM_PLAIN, "%s", term_count(counts->connections_open, text));
        table_cell(&tab, TERM_PLAIN, "%s", term_count(counts->connections_in_use, text));
        table_cell(&tab, TERM_PLAIN, "%s", term_count(counts->requests, text));
        table_cell(&tab, counts->errors ? TERM_WARN : TERM_PLAIN, "%s",
                   term_count(counts->errors, text));
        table_cell(&tab, counts->timeouts ? TERM_WARN : TERM_PLAIN, "%s",
                   term_count(counts->timeouts, text));
    }
    table_end(&tab);
}

/* ---- namespaces ----------------------------------------------------------------------------- */

static void bar_cells(const term* t, uint32_t index, uint32_t count)
{
    const char letter[] = {index ? term_node_letter(index) : '!', 0};
    const char* cell = index == 0 || !t->has_color ? letter : t->has_unicode ? "\u2588" : "#";
    unsigned style = index == 0 ? TERM_BAD : TERM_NODE + index;
    term_style_begin(t, style);
    for (uint32_t i = 0; i < count; i++) {
        fputs(cell, t->out);
    }
    term_style_end(t, style);
}

/* Who is master of how much: each node's share in its colour, holes at the end, one cell at least.
 */
static void show_bar(const term* t, const tnd_inspect_namespace* ns, const tnd_inspection* seen,
                     uint32_t width)
{
    uint32_t share[512] = {0};
    for (int p = 0; p < TND_INSPECT_PARTITIONS; p++) {
        share[ns->owners[p][0] % 512]++;
    }
    uint32_t holes = (share[0] * width + TND_INSPECT_PARTITIONS - 1) / TND_INSPECT_PARTITIONS;
    uint32_t owned = TND_INSPECT_PARTITIONS - share[0];
    uint32_t done = 0, drawn = 0;
    fputs("  ", t->out);
    for (uint32_t i = 0; i < seen->nodes_count && owned > 0; i++) {
        uint32_t index = seen->nodes[i].index;
        done += share[index];
        uint32_t end = done * (width - holes) / owned;
        bar_cells(t, index, end - drawn);
        drawn = end;
    }
    bar_cells(t, 0, holes);
    fprintf(t->out, "%*s", (int)(width - holes - drawn), "");
}

static void show_namespace(const term* t, const tnd_inspect_namespace* ns,
                           const tnd_inspection* seen, int name_width, uint32_t bar_width)
{
    fprintf(t->out, "  %-*s  %2u  %-4s", name_width, ns->name, ns->replicas,
            ns->is_sc ? "SC" : "AP");
    show_bar(t, ns, seen, bar_width);
    fputs("  ", t->out);
    term_put(t, ns->holes ? TERM_BAD : TERM_PLAIN, "%5u", ns->holes);
    fputs("  ", t->out);
    term_put(t, ns->moving ? TERM_WARN : TERM_PLAIN, "%6u", ns->moving);
    if (ns->regime_max > 0) {
        fprintf(t->out, "  regimes %u..%u", ns->regime_min, ns->regime_max);
    }
    if (ns->overflows > 0) {
        fputs("  ", t->out);
        term_put(t, TERM_BAD, "%u beyond shm_max_nodes", ns->overflows);
    }
    fputc('\n', t->out);
}

static void show_namespaces(const term* t, const tnd_inspection* seen)
{
    size_t name_width = 4;
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        size_t length = strlen(seen->namespaces[i].name);
        name_width = length > name_width ? length : name_width;
    }
    uint32_t rest = (uint32_t)name_width + 29;
    uint32_t bar_width = BAR_WIDTH;
    if (t->width > 0 && t->width < rest + BAR_WIDTH) {
        bar_width = t->width > rest + 8 ? t->width - rest : 8;
    }
    if (seen->namespaces_count == 0) {
        return;
    }
    title(t, "Namespaces");
    fputs("  ", t->out);
    term_put(t, TERM_DIM, "%-*s  %2s  %-4s  %-*s  %5s  %6s", (int)name_width, "NAME", "RF", "MODE",
             (int)bar_width, "MASTERS", "HOLES", "MOVING");
    fputc('\n', t->out);
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        show_namespace(t, &seen->namespaces[i], seen, (int)name_width, bar_width);
    }
}

/* ---- workers -------------------------------------------------------------------------------- */

/* "1234" commands, or with --watch "56/s". */
static void rate_cell(table* tab, const tool_rates* rates, uint64_t now, uint64_t before,
                      uint64_t span_ms)
{
    char text[TERM_TEXT_SIZE];
    if (!rates->is_set || span_ms == 0) {
        table_cell(tab, TERM_DIM, "-");
        return;
    }
    uint64_t more = now >= before ? now - before : 0;
    table_cell(tab, TERM_PLAIN, "%s", term_count(more * 1000 / span_ms, text));
}

static void counters_cells(table* tab, const tnd_counters* c)
{
    static const double percents[] = {50, 99, 99.9};
    char text[TERM_TEXT_SIZE];
    uint64_t timeouts = counters_of_result(c, TND_RESULT_TIMEOUT);
    uint64_t errors = counters_of_result(c, TND_RESULT_ERROR);
    tnd_histogram all = c->latency[0];
    for (int kind = 1; kind < TND_LATENCIES; kind++) {
        for (int i = 0; i < TND_HISTOGRAM_BUCKETS; i++) {
            all.counts[i] += c->latency[kind].counts[i];
        }
    }
    table_cell(tab, TERM_PLAIN, "%s", term_count(counters_commands(c), text));
    table_cell(tab, errors ? TERM_WARN : TERM_PLAIN, "%s", term_count(errors, text));
    table_cell(tab, timeouts ? TERM_WARN : TERM_PLAIN, "%s", term_count(timeouts, text));
    table_cell(tab, TERM_PLAIN, "%s", term_count(c->retries, text));
    for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
        uint64_t us = tnd_histogram_percentile_us(&all, percents[i]);
        table_cell(tab, TERM_PLAIN, "%s", us ? term_us(us, text) : "-");
    }
}

static void worker_row(table* tab, const tnd_worker_counters* worker, const tool_rates* rates,
                       uint64_t span_ms)
{
    static const unsigned styles[] = {TERM_GOOD, TERM_WARN, TERM_DIM, TERM_BAD};
    char text[TERM_TEXT_SIZE];
    const tnd_counters* c = &worker->counters;
    const char* role = worker->is_tender && worker->state != TND_WORKER_DEAD ? "tender" : "";
    time_t now = time(NULL);
    uint64_t up = (uint64_t)now > worker->started_unix ? (uint64_t)now - worker->started_unix : 0;
    table_cell(tab, TERM_PLAIN, "%u", worker->slot);
    table_cell(tab, TERM_PLAIN, "%u", worker->pid);
    table_cell(tab, worker->state < 4 ? styles[worker->state] : TERM_BAD, "%s",
               tnd_worker_state_name(worker->state));
    table_cell(tab, TERM_BOLD, "%s", role);
    table_cell(tab, TERM_PLAIN, "%s",
               worker->state == TND_WORKER_DEAD ? "-" : term_age(up * 1000, text));
    rate_cell(tab, rates, counters_commands(c), rates->by_slot[worker->slot % 1024], span_ms);
    counters_cells(tab, c);
    table_cell(tab, TERM_PLAIN, "%s", term_count(worker->gauges.connections_open, text));
    table_cell(tab, TERM_PLAIN, "%s", term_count(worker->gauges.commands_running, text));
    table_cell(tab, TERM_PLAIN, "%s", term_count(worker->gauges.delay_queue, text));
}

static void sum_row(table* tab, const char* name, const tnd_counters* c, const tnd_gauges* g,
                    const tool_rates* rates, uint64_t span_ms)
{
    char text[TERM_TEXT_SIZE];
    table_cell(tab, TERM_PLAIN, " ");
    table_cell(tab, TERM_PLAIN, " ");
    table_cell(tab, TERM_BOLD, "%s", name);
    table_cell(tab, TERM_PLAIN, " ");
    table_cell(tab, TERM_PLAIN, " ");
    if (g) {
        rate_cell(tab, rates, counters_commands(c), rates->commands, span_ms);
    } else {
        table_cell(tab, TERM_PLAIN, " ");
    }
    counters_cells(tab, c);
    table_cell(tab, TERM_PLAIN, "%s", g ? term_count(g->connections_open, text) : "");
    table_cell(tab, TERM_PLAIN, "%s", g ? term_count(g->commands_running, text) : "");
    table_cell(tab, TERM_PLAIN, "%s", g ? term_count(g->delay_queue, text) : "");
}

static void show_workers(const term* t, const tnd_inspection* seen, const tool_rates* rates,
                         uint64_t span_ms, bool is_watch)
{
    static const struct {
        const char* name;
        bool is_left;
        unsigned rank;
    } columns[] = {
        {"SLOT", false, 0},     {"PID", false, 0},    {"STATE", true, 0},
        {"ROLE", true, 1},      {"UP", false, 4},     {"PER SEC", false, 2},
        {"COMMANDS", false, 1}, {"ERRORS", false, 1}, {"TIMEOUTS", false, 2},
        {"RETRIES", false, 5},  {"P50", false, 1},    {"P99", false, 1},
        {"P99.9", false, 3},    {"CONNS", false, 3},  {"RUNNING", false, 4},
        {"DELAYED", false, 6},
    };
    table tab;
    title(t, "Workers");
    table_begin(&tab, t);
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
        table_column(&tab, columns[i].name, columns[i].is_left, columns[i].rank);
    }
    if (!is_watch) {
        table_drop(&tab, "PER SEC");
    }
    for (uint32_t i = 0; i < seen->host.workers_count; i++) {
        worker_row(&tab, &seen->host.workers[i], rates, span_ms);
    }
    if (counters_commands(&seen->host.departed) > 0) {
        sum_row(&tab, "departed", &seen->host.departed, NULL, rates, span_ms);
    }
    sum_row(&tab, "total", &seen->host.total, &seen->host.total_gauges, rates, span_ms);
    table_end(&tab);
}

/* ---- latencies and the rest ----------------------------------------------------------------- */

static void latency_row(table* tab, const char* name, const tnd_histogram* h)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    char text[TERM_TEXT_SIZE];
    uint64_t count = tnd_histogram_count(h);
    if (count == 0) {
        return;
    }
    table_cell(tab, TERM_PLAIN, "%s", name);
    table_cell(tab, TERM_PLAIN, "%s", term_count(count, text));
    table_cell(tab, TERM_PLAIN, "%s", term_us(h->sum_us / count, text));
    for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
        table_cell(tab, TERM_PLAIN, "%s",
                   term_us(tnd_histogram_percentile_us(h, percents[i]), text));
    }
}

static void show_latencies(const term* t, const tnd_counters* c)
{
    table tab;
    title(t, "Latency, all workers");
    table_begin(&tab, t);
    table_column(&tab, "OF", true, 0);
    table_column(&tab, "COUNT", false, 0);
    table_column(&tab, "MEAN", false, 2);
    table_column(&tab, "P50", false, 0);
    table_column(&tab, "P90", false, 1);
    table_column(&tab, "P99", false, 0);
    table_column(&tab, "P99.9", false, 0);
    table_column(&tab, "MAX", false, 1);
    for (int i = 0; i < TND_LATENCIES; i++) {
        latency_row(&tab, tnd_latency_kind_name((tnd_latency_kind)i), &c->latency[i]);
    }
    latency_row(&tab, "tend round", &c->tend);
    table_end(&tab);
}

static void show_errors(const term* t, const tnd_counters* c)
{
    table tab;
    char text[TERM_TEXT_SIZE];
    title(t, "Errors by status, all workers");
    table_begin(&tab, t);
    table_column(&tab, "STATUS", false, 0);
    table_column(&tab, "MEANING", true, 0);
    table_column(&tab, "COUNT", false, 0);
    for (int i = 0; i < TND_STATUSES; i++) {
        int status = i - TND_STATUS_OFFSET;
        if (c->statuses[i] == 0 || status == AEROSPIKE_OK ||
            status == AEROSPIKE_ERR_RECORD_NOT_FOUND) {
            continue;
        }
        table_cell(&tab, TERM_PLAIN, "%d", status);
        table_cell(&tab, TERM_WARN, "%s", as_error_string((as_status)status));
        table_cell(&tab, TERM_PLAIN, "%s", term_count(c->statuses[i], text));
    }
    table_end(&tab);
}

/* "  in doubt 0", on the next line where this one is full. */
static void fact(const term* t, unsigned* column, const char* name, const char* value,
                 unsigned style)
{
    unsigned width = (unsigned)(strlen(name) + strlen(value) + 3);
    if (*column > 0 && *column + width > (t->width > 0 ? t->width : 100)) {
        fputc('\n', t->out);
        *column = 0;
    }
    *column += width;
    term_put(t, TERM_DIM, "  %s ", name);
    term_put(t, style, "%s", value);
}

static void show_facts(const term* t, const tnd_counters* c)
{
    const struct {
        const char* name;
        uint64_t value;
        unsigned style;
    } counts[] = {
        {"in doubt", c->in_doubt, TERM_WARN},
        {"refused", c->refused, TERM_WARN},
        {"delayed", c->delayed, TERM_PLAIN},
        {"breaker", c->breaker_hits, TERM_WARN},
        {"late replies", c->late_replies, TERM_PLAIN},
        {"takeovers", c->takeovers, TERM_PLAIN},
        {"tends", c->tends, TERM_PLAIN},
        {"without an answer", c->tends_failed, TERM_WARN},
        {"connections opened", c->connections_opened, TERM_PLAIN},
        {"closed", c->connections_closed, TERM_PLAIN},
        {"failed", c->connections_failed, TERM_WARN},
    };
    char text[TERM_TEXT_SIZE];
    unsigned column = 0;
    title(t, "Totals, all workers");
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        fact(t, &column, counts[i].name, term_count(counts[i].value, text),
             counts[i].value > 0 ? counts[i].style : TERM_PLAIN);
    }
    fact(t, &column, "sent", term_bytes(c->bytes_sent, text), TERM_PLAIN);
    fact(t, &column, "received", term_bytes(c->bytes_received, text), TERM_PLAIN);
    fputc('\n', t->out);
}

static bool has_errors(const tnd_counters* c)
{
    return counters_of_result(c, TND_RESULT_ERROR) + counters_of_result(c, TND_RESULT_TIMEOUT) > 0;
}

static void show_tables(const tool_options* options, const term* t, const tnd_inspection* seen,
                        tool_rates* rates)
{
    uint64_t now_ms = tool_now_ms();
    uint64_t span_ms = rates->is_set && rates->id == seen->segment.id ? now_ms - rates->at_ms : 0;
    show_head(options, t, seen);
    if (!seen->is_readable) {
        return;
    }
    show_nodes(t, seen);
    show_namespaces(t, seen);
    show_workers(t, seen, rates, span_ms, options->watch_seconds > 0);
    show_latencies(t, &seen->host.total);
    if (has_errors(&seen->host.total)) {
        show_errors(t, &seen->host.total);
    }
    show_facts(t, &seen->host.total);
    rates->is_set = true;
    rates->id = seen->segment.id;
    rates->at_ms = now_ms;
    rates->commands = counters_commands(&seen->host.total);
    for (uint32_t i = 0; i < seen->host.workers_count; i++) {
        const tnd_worker_counters* worker = &seen->host.workers[i];
        rates->by_slot[worker->slot % 1024] = counters_commands(&worker->counters);
    }
}

static int show_all_prometheus(term* t)
{
    tnd_inspect_list_result list;
    as_error err;
    uint32_t count = 0;
    if (tnd_inspect_list(&list, &err) != AEROSPIKE_OK) {
        tool_complain("%s", err.message);
        return TOOL_USAGE;
    }
    tnd_inspection* seen = calloc(list.count + 1, sizeof(*seen));
    for (uint32_t i = 0; i < list.count && seen; i++) {
        if (tnd_inspect_read(list.segments[i].id, tool_now_ms(), &seen[count], &err) ==
            AEROSPIKE_OK) {
            count++;
        } else {
            tool_complain("%s", err.message);
        }
    }
    if (seen) {
        prometheus_write(t->out, seen, count);
    }
    while (count > 0) {
        tnd_inspect_done(&seen[--count]);
    }
    free(seen);
    tnd_inspect_list_done(&list);
    return TOOL_FINE;
}

int tool_show(const tool_options* options, term* t, tool_rates* rates)
{
    tnd_inspection seen;
    as_error err;
    if (options->format == TOOL_PROMETHEUS && !options->has_key && options->id < 0) {
        return show_all_prometheus(t);
    }
    if (!tool_read(options, &seen, &err)) {
        if (options->watch_seconds > 0) {
            fprintf(t->out, "%s\n", err.message); /* it may come */
        } else {
            tool_complain("%s", err.message);
        }
        return TOOL_BAD;
    }
    if (options->format == TOOL_JSON) {
        json_segment(t->out, &seen);
        fputc('\n', t->out);
    } else if (options->format == TOOL_PROMETHEUS) {
        prometheus_write(t->out, &seen, 1);
    } else {
        show_tables(options, t, &seen, rates);
    }
    int status = seen.problems_count > 0 ? TOOL_CRITICAL : TOOL_FINE;
    tnd_inspect_done(&seen);
    return status;
}
