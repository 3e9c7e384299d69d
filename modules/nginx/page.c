/*
 * The status page: tables for everything, a picture of the partition map beside its numbers, a
 * script of a few lines that fetches the page again and swaps what changed, so that focus and
 * scroll stay where they are. Without scripts it is reloaded.
 */
#include "status.h"

#include <string.h>

/* Cells of the picture: 64 in a row. */
#define PAGE_MAP_COLUMNS 64
#define PAGE_NODE_COLORS 8

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>Aerospike clusters of this host</title>\n<link rel=\"icon\" href=\"data:,\">\n"
    "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n<style>\n"
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--dim:#57606a;--line:#d0d7de;"
    "--good:#116329;--bad:#a40e26;--hole:#a40e26}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--dim:#9198a1;"
    "--line:#3d444d;--good:#56d364;--bad:#ff7b72;--hole:#ff7b72}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
    "margin:1.5rem auto;max-width:72rem;padding:0 1rem}\n"
    "h1{font-size:1.4rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1rem}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\n"
    "caption{text-align:left;font-weight:600;padding:.8rem 0 .3rem}\n"
    "th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid var(--line)}\n"
    "th:first-child,td:first-child{text-align:left}thead th{color:var(--dim)}\n"
    ".wide{overflow-x:auto}.wide:focus{outline:2px solid}.good{color:var(--good)}"
    ".bad{color:var(--bad)}\n"
    ".map{width:100%;max-width:48rem;height:auto;display:block}\n"
    ".n0{fill:var(--hole)}.n1{fill:#3987e5}.n2{fill:#e8871e}.n3{fill:#3aa76d}.n4{fill:#b65fcf}\n"
    ".n5{fill:#c9a227}.n6{fill:#d64570}.n7{fill:#4fb3bf}.n8{fill:#8c8c8c}\n"
    ".key svg{width:.8em;height:.8em;margin-right:.3em}.key span{margin-right:1em}\n"
    "</style></head>\n<body>\n<h1>Aerospike clusters of this host</h1>\n<main id=\"status\">\n";

static const char tail[] =
    "</main>\n"
    "<p><label><input type=\"checkbox\" id=\"refresh\" checked> refresh every 2 seconds</label> "
    "<span id=\"note\" role=\"status\"></span></p>\n<script>\n"
    "const box=document.getElementById('refresh'),note=document.getElementById('note');\n"
    "const seen={};function rate(){const at=performance.now();"
    "for(const e of document.querySelectorAll('[data-commands]')){"
    "const n=Number(e.dataset.commands),was=seen[e.id];seen[e.id]={n,at};"
    "if(was)e.textContent=Math.round((n-was.n)*1000/(at-was.at))+' commands per second'}}rate();\n"
    "async function load(){if(!box.checked||document.hidden)return;try{\n"
    "const r=await fetch(location.href,{cache:'no-store'});if(!r.ok)throw r.status;\n"
    "const d=new DOMParser().parseFromString(await r.text(),'text/html');\n"
    "const now=document.getElementById('status'),next=d.getElementById('status');\n"
    "const at=document.activeElement&&now.contains(document.activeElement)?"
    "document.activeElement.id:null;\n"
    "now.replaceChildren(...next.childNodes);if(at)document.getElementById(at)?.focus();\n"
    "rate();\n"
    "document.body.dataset.loads=1+Number(document.body.dataset.loads||0);\n"
    "if(note.textContent)note.textContent=''}catch(e){note.textContent='no answer: '+e}}\n"
    "setInterval(load,2000);\n</script>\n</body></html>\n";

/* ---- parts ---- */

static void put_text(FILE* out, const char* text)
{
    for (const char* c = text; *c; c++) {
        switch (*c) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*c, out);
        }
    }
}

/* Scrolls within itself where it is wider than the window: a region that keys reach. */
static void begin_table(FILE* out, const char* cluster, const char* id, const char* caption,
                        const char* const* columns)
{
    fputs("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
    put_text(out, caption);
    fputs("\" id=\"", out);
    put_text(out, cluster);
    fprintf(out, "-%s\"><table><caption>", id);
    put_text(out, caption);
    fputs("</caption><thead><tr>", out);
    for (; *columns; columns++) {
        fprintf(out, "<th scope=\"col\">%s</th>", *columns);
    }
    fputs("</tr></thead><tbody>\n", out);
}

static void end_table(FILE* out)
{
    fputs("</tbody></table></div>\n", out);
}

static void begin_row(FILE* out, const char* kind, const char* name)
{
    fprintf(out, "<tr data-%s=\"", kind);
    put_text(out, name);
    fputs("\"><th scope=\"row\">", out);
    put_text(out, name);
    fputs("</th>", out);
}

static void cell_number(FILE* out, uint64_t number)
{
    fprintf(out, "<td>%llu</td>", (unsigned long long)number);
}

static void cell_us(FILE* out, uint64_t us)
{
    fprintf(out, us < 1000 ? "<td>%.0f&nbsp;µs</td>" : "<td>%.1f&nbsp;ms</td>",
            us < 1000 ? (double)us : (double)us / 1000);
}

static void cell_text(FILE* out, const char* text)
{
    fputs("<td>", out);
    put_text(out, text);
    fputs("</td>", out);
}

/* ---- the tender, the map's age ---- */

static uint64_t sum_result(const tnd_counters* counters, tnd_command_result result)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < TND_COMMAND_KINDS; kind++) {
        sum += counters->commands[kind][result];
    }
    return sum;
}

static void write_tender(FILE* out, const tnd_inspection* seen)
{
    const tnd_inspect_owner* owner = &seen->owner;
    bool is_live = owner->state == TND_INSPECT_OWNER_LIVE;
    fprintf(out, "<p data-tender=\"%u\">", is_live ? owner->pid : 0);
    if (is_live) {
        fprintf(out,
                "<b class=\"good\">Tended</b> by worker %u (term %u, heartbeat %.1f&nbsp;s ago)",
                owner->pid, owner->term, (double)owner->heartbeat_age_ms / 1000);
    } else {
        fprintf(out, "<b class=\"bad\">Nobody tends</b> (term %u)", owner->term);
    }
    if (seen->host.map_age_ms != UINT64_MAX) {
        fprintf(out, "; the cluster was heard of %.1f&nbsp;s ago",
                (double)seen->host.map_age_ms / 1000);
    }
    uint64_t commands = 0;
    for (int result = 0; result < TND_RESULTS; result++) {
        commands += sum_result(&seen->host.total, (tnd_command_result)result);
    }
    fprintf(out,
            "; %u workers live; segment 0x%08x; <span id=\"rate-%08x\" data-commands=\"%llu\">"
            "%llu commands in all</span>.</p>\n",
            seen->host.live_count, (unsigned)seen->segment.key, (unsigned)seen->segment.key,
            (unsigned long long)commands, (unsigned long long)commands);
    for (uint32_t i = 0; i < seen->problems_count; i++) {
        fputs("<p class=\"bad\">", out);
        put_text(out, seen->problems[i]);
        fputs("</p>\n", out);
    }
}

/* ---- nodes ---- */

static void write_nodes(FILE* out, const char* cluster, const tnd_inspection* seen)
{
    static const char* const columns[] = {"node",     "address",     "build",  "masters",
                                          "replicas", "connections", "in use", "requests",
                                          "errors",   "timeouts",    NULL};
    begin_table(out, cluster, "nodes", "Nodes", columns);
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        const tnd_inspect_node* node = &seen->nodes[i];
        bool has_counters = seen->host.nodes && node->index <= seen->host.nodes_capacity;
        tnd_node_counters none = {0};
        const tnd_node_counters* counters = has_counters ? &seen->host.nodes[node->index] : &none;
        begin_row(out, "node", node->name);
        cell_text(out, node->addrs_count > 0 ? node->addrs[0] : "");
        cell_text(out, node->state == TND_INSPECT_NODE_ACTIVE ? node->build : "has left");
        cell_number(out, node->masters);
        cell_number(out, node->replicas);
        cell_number(out, counters->connections_open);
        cell_number(out, counters->connections_in_use);
        cell_number(out, counters->requests);
        cell_number(out, counters->errors);
        cell_number(out, counters->timeouts);
        fputs("</tr>\n", out);
    }
    end_table(out);
}

/* ---- workers ---- */

static void write_worker_cells(FILE* out, const tnd_counters* counters, const tnd_gauges* gauges)
{
    cell_number(out, sum_result(counters, TND_RESULT_OK));
    cell_number(out, sum_result(counters, TND_RESULT_NOT_FOUND));
    cell_number(out, sum_result(counters, TND_RESULT_TIMEOUT));
    cell_number(out, sum_result(counters, TND_RESULT_ERROR));
    cell_number(out, counters->retries);
    cell_number(out, gauges->commands_running + gauges->commands_waiting);
    cell_number(out, gauges->connections_open);
    fputs("</tr>\n", out);
}

static void write_workers(FILE* out, const char* cluster, const tnd_inspection* seen)
{
    static const char* const columns[] = {"worker", "state",   "ok",      "not found",   "timeout",
                                          "error",  "retries", "running", "connections", NULL};
    static const tnd_gauges none = {0};
    begin_table(out, cluster, "workers", "Workers, commands since each started", columns);
    for (uint32_t i = 0; i < seen->host.workers_count; i++) {
        const tnd_worker_counters* worker = &seen->host.workers[i];
        char pid[16];
        snprintf(pid, sizeof(pid), "%u", worker->pid);
        begin_row(out, "worker", pid);
        cell_text(out, worker->is_tender ? "tends" : tnd_worker_state_name(worker->state));
        write_worker_cells(out, &worker->counters, &worker->gauges);
    }
    begin_row(out, "worker", "departed");
    cell_text(out, "");
    write_worker_cells(out, &seen->host.departed, &none);
    begin_row(out, "worker", "all");
    cell_text(out, "");
    write_worker_cells(out, &seen->host.total, &seen->host.total_gauges);
    end_table(out);
}

/* ---- latencies ---- */

static void write_latencies(FILE* out, const char* cluster, const tnd_inspection* seen)
{
    static const char* const columns[] = {"commands", "count", "p50", "p90", "p99", "p99.9", NULL};
    static const double percents[] = {50, 90, 99, 99.9};
    begin_table(out, cluster, "latencies", "Latencies of the whole host", columns);
    for (int kind = 0; kind < TND_LATENCIES; kind++) {
        const tnd_histogram* histogram = &seen->host.total.latency[kind];
        begin_row(out, "latency", tnd_latency_kind_name(kind));
        cell_number(out, tnd_histogram_count(histogram));
        for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
            cell_us(out, tnd_histogram_percentile_us(histogram, percents[i]));
        }
        fputs("</tr>\n", out);
    }
    end_table(out);
}

/* ---- the partition map ---- */

static unsigned color_of(uint32_t node_index)
{
    return node_index == 0 ? 0 : 1 + (node_index - 1) % PAGE_NODE_COLORS;
}

/* Masters, 64 partitions in a row; neighbours of one node are one rectangle. */
static void write_picture(FILE* out, const tnd_inspect_namespace* ns)
{
    const int rows = TND_INSPECT_PARTITIONS / PAGE_MAP_COLUMNS;
    fprintf(out,
            "<svg class=\"map\" viewBox=\"0 0 %d %d\" role=\"img\" shape-rendering=\"crispEdges\" "
            "aria-label=\"Masters of the partitions of ",
            PAGE_MAP_COLUMNS, rows);
    put_text(out, ns->name);
    fprintf(out, ", 64 in a row: %u of %d without one\">", ns->holes, TND_INSPECT_PARTITIONS);
    for (int y = 0; y < rows; y++) {
        for (int x = 0; x < PAGE_MAP_COLUMNS;) {
            uint16_t node = ns->owners[y * PAGE_MAP_COLUMNS + x][0];
            int end = x + 1;
            while (end < PAGE_MAP_COLUMNS && ns->owners[y * PAGE_MAP_COLUMNS + end][0] == node) {
                end++;
            }
            fprintf(out, "<rect class=\"n%u\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"1\"/>",
                    color_of(node), x, y, end - x);
            x = end;
        }
    }
    fputs("</svg>\n", out);
}

static void write_key(FILE* out, const tnd_inspection* seen)
{
    fputs("<p class=\"key\">", out);
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        fprintf(
            out,
            "<span><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"n%u\" width=\"1\" "
            "height=\"1\"/></svg>",
            color_of(seen->nodes[i].index));
        put_text(out, seen->nodes[i].name);
        fputs("</span> ", out);
    }
    fputs("</p>\n", out);
}

static void write_namespaces(FILE* out, const char* cluster, const tnd_inspection* seen)
{
    static const char* const columns[] = {"namespace",      "copies", "consistency",
                                          "without master", "moving", NULL};
    begin_table(out, cluster, "namespaces", "Namespaces", columns);
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        const tnd_inspect_namespace* ns = &seen->namespaces[i];
        begin_row(out, "namespace", ns->name);
        cell_number(out, ns->replicas);
        cell_text(out, ns->is_sc ? "strong" : "available");
        cell_number(out, ns->holes);
        cell_number(out, ns->moving);
        fputs("</tr>\n", out);
    }
    end_table(out);
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        fputs("<h3>Masters of ", out);
        put_text(out, seen->namespaces[i].name);
        fputs("</h3>\n", out);
        write_picture(out, &seen->namespaces[i]);
    }
    write_key(out, seen);
}

/* ---- the page ---- */

static void write_cluster(FILE* out, const status_cluster* self)
{
    fputs("<section data-cluster=\"", out);
    put_text(out, self->name);
    fputs("\"><h2>", out);
    put_text(out, self->name);
    fputs("</h2>\n", out);
    if (!self->is_read) {
        fputs("<p class=\"bad\">", out);
        put_text(out, self->error);
        fputs("</p></section>\n", out);
        return;
    }
    write_tender(out, &self->seen);
    if (self->seen.is_readable) {
        write_nodes(out, self->name, &self->seen);
        write_workers(out, self->name, &self->seen);
        write_latencies(out, self->name, &self->seen);
        write_namespaces(out, self->name, &self->seen);
    }
    fputs("</section>\n", out);
}

void ngx_http_aerospike_page_write(FILE* out, const status_cluster* clusters, size_t count)
{
    fputs(head, out);
    for (size_t i = 0; i < count; i++) {
        write_cluster(out, &clusters[i]);
    }
    if (count == 0) {
        fputs("<p>No aerospike_cluster is configured.</p>\n", out);
    }
    fputs(tail, out);
}
