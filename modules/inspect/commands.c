/*
 * The short commands: list, route, check, remove.
 */
#include "health.h"
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- list ----------------------------------------------------------------------------------- */

static void list_row(const tool_options* options, table* tab, const tnd_inspect_segment* segment)
{
    char size[TERM_TEXT_SIZE], age[TERM_TEXT_SIZE];
    const health_limits limits = {.warn_seconds = options->warn_seconds,
                                  .crit_seconds = options->crit_seconds};
    tnd_inspection seen;
    as_error err;
    health h = {.level = TOOL_BAD};
    bool is_read = tnd_inspect_read(segment->id, tool_now_ms(), &seen, &err) == AEROSPIKE_OK;
    if (is_read) {
        health_judge(&h, &seen, &limits);
    } else {
        snprintf(h.reason, sizeof(h.reason), "%.200s", kind_name(segment->kind));
    }
    table_cell(tab, TERM_BOLD, "0x%08X", (unsigned)segment->key);
    table_cell(tab, TERM_PLAIN, "%d", segment->id);
    table_cell(tab, TERM_PLAIN, "%s", term_bytes(segment->size_bytes, size));
    table_cell(tab, TERM_PLAIN, "%u", segment->uid);
    table_cell(tab, TERM_PLAIN, "%04o", segment->mode);
    table_cell(tab, TERM_PLAIN, is_read ? "%u" : "-", is_read ? seen.host.live_count : 0);
    table_cell(tab, TERM_PLAIN, is_read ? "%u" : "-",
               is_read ? nodes_in_state(&seen, TND_INSPECT_NODE_ACTIVE) : 0);
    table_cell(tab, TERM_PLAIN, "%s",
               is_read && seen.host.map_age_ms != UINT64_MAX && seen.is_readable
                   ? term_age(seen.host.map_age_ms, age)
                   : "-");
    table_cell(tab, health_style(h.level), "%s", health_word(h.level));
    table_cell(tab, TERM_PLAIN, "%.66s", h.level == TOOL_FINE ? "" : h.reason);
    if (is_read) {
        tnd_inspect_done(&seen);
    }
}

static void list_table(const tool_options* options, const term* t,
                       const tnd_inspect_list_result* list)
{
    table tab;
    table_begin(&tab, t);
    table_column(&tab, "KEY", true, 0);
    table_column(&tab, "ID", false, 0);
    table_column(&tab, "SIZE", false, 3);
    table_column(&tab, "USER", false, 4);
    table_column(&tab, "MODE", true, 5);
    table_column(&tab, "WORKERS", false, 1);
    table_column(&tab, "NODES", false, 1);
    table_column(&tab, "MAP AGE", false, 2);
    table_column(&tab, "HEALTH", true, 0);
    table_column(&tab, "", true, 6);
    for (uint32_t i = 0; i < list->count; i++) {
        list_row(options, &tab, &list->segments[i]);
    }
    table_end(&tab);
}

int tool_list(const tool_options* options, term* t)
{
    tnd_inspect_list_result list;
    as_error err;
    if (tnd_inspect_list(&list, &err) != AEROSPIKE_OK) {
        tool_complain("%s", err.message);
        return TOOL_USAGE;
    }
    int status = list.count > 0 ? TOOL_FINE : TOOL_BAD;
    if (options->format == TOOL_JSON) {
        json_list(t->out, &list);
        fputc('\n', t->out);
    } else if (list.count > 0) {
        list_table(options, t, &list);
    } else {
        fputs("No segment on this host: no worker with use_shm runs here.\n", t->out);
    }
    if (list.unreadable_count > 0 && options->format == TOOL_TABLE) {
        term_put(t, TERM_DIM, "  %u segments of other users can't be read: as root one sees more",
                 list.unreadable_count);
        fputc('\n', t->out);
    }
    tnd_inspect_list_done(&list);
    return status;
}

/* ---- route ---------------------------------------------------------------------------------- */

static bool hex_parse(const char* text, uint8_t* bytes, size_t room, size_t* ret_size)
{
    size_t length = strlen(text);
    if (length % 2 != 0 || length / 2 > room) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < length / 2; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    *ret_size = length / 2;
    return true;
}

/* `bytes` holds a blob for as long as the key is used. */
static bool key_make(const tool_options* options, as_key* key, uint8_t bytes[1024])
{
    const char* ns = options->args[0];
    const char* set = options->args[1];
    const char* text = options->args[2];
    size_t size = 0;
    char* end;
    if (strlen(ns) >= AS_NAMESPACE_MAX_SIZE || strlen(set) >= AS_SET_MAX_SIZE) {
        tool_complain("a namespace has at most 31 bytes, a set at most 63");
        return false;
    }
    if (strcmp(options->key_type, "string") == 0) {
        return as_key_init_str(key, ns, set, text) != NULL;
    }
    if (strcmp(options->key_type, "int") == 0) {
        errno = 0;
        long long number = strtoll(text, &end, 0);
        if (end != text && *end == 0 && errno == 0) {
            return as_key_init_int64(key, ns, set, number) != NULL;
        }
        tool_complain("%s isn't a 64-bit integer", text);
        return false;
    }
    bool is_digest = strcmp(options->key_type, "digest") == 0;
    if (!is_digest && strcmp(options->key_type, "blob") != 0) {
        tool_complain("--type is string, int, blob or digest, not %s", options->key_type);
        return false;
    }
    if (!hex_parse(text, bytes, 1024, &size) || (is_digest && size != AS_DIGEST_VALUE_SIZE)) {
        tool_complain(is_digest ? "a digest is 40 hex digits"
                                : "a blob is an even number of hex digits");
        return false;
    }
    return (is_digest ? as_key_init_digest(key, ns, set, bytes)
                      : as_key_init_raw(key, ns, set, bytes, (uint32_t)size)) != NULL;
}

static void route_node(const term* t, uint32_t column, const tnd_inspect_route_result* route)
{
    const tnd_inspect_node* node = route->nodes[column];
    const char* role = column == 0 ? "master" : "replica";
    if (!node) {
        if (column == 0) {
            term_put(t, TERM_BAD, "  %-8s none: commands wait for one, or fail with status %d",
                     role, AEROSPIKE_ERR_INVALID_NODE);
            fputc('\n', t->out);
        }
        return;
    }
    fprintf(t->out, "  %-8s ", role);
    term_put(t, TERM_NODE + node->index, "%-16s", node->name);
    fprintf(t->out, "  %s", node->addrs_count > 0 ? node->addrs[0] : "-");
    if (node->state != TND_INSPECT_NODE_ACTIVE) {
        term_put(t, TERM_WARN, "  has left");
    }
    fputc('\n', t->out);
}

static void route_table(const tool_options* options, const term* t, const tnd_inspection* seen,
                        const tnd_inspect_route_result* route)
{
    char age[TERM_TEXT_SIZE];
    term_put(t, TERM_BOLD, "%s / %s / %s", options->args[0], options->args[1], options->args[2]);
    fputs("\n\n", t->out);
    for (uint32_t c = 0; c < TND_INSPECT_COLUMNS; c++) {
        route_node(t, c, route);
    }
    fputs("\n  ", t->out);
    term_put(t, TERM_DIM, "why");
    fputs("      digest ", t->out);
    for (size_t i = 0; i < sizeof(route->digest); i++) {
        fprintf(t->out, "%02x", route->digest[i]);
    }
    fprintf(t->out, "\n           its first 12 bits, low byte first: partition %u\n",
            route->partition);
    fprintf(t->out, "           namespace %s: replication factor %u, %s", route->ns->name,
            route->ns->replicas, route->ns->is_sc ? "strong consistency" : "AP");
    if (route->ns->regime_max > 0) {
        fprintf(t->out, ", regimes %u..%u", route->ns->regime_min, route->ns->regime_max);
    }
    fprintf(t->out, "\n           map %s old, generation %u, term %u\n",
            seen->host.map_age_ms == UINT64_MAX ? "?" : term_age(seen->host.map_age_ms, age),
            seen->map_generation, seen->map_term);
    fputs("           writes and reads go to the master, retries of reads to the replicas (policy "
          "SEQUENCE)\n",
          t->out);
}

int tool_route(const tool_options* options, term* t)
{
    tnd_inspection seen;
    tnd_inspect_route_result route;
    as_error err;
    as_key key;
    uint8_t bytes[1024];
    if (!key_make(options, &key, bytes)) {
        return TOOL_USAGE;
    }
    if (!tool_read(options, &seen, &err)) {
        tool_complain("%s", err.message);
        return TOOL_BAD;
    }
    int status = TOOL_BAD;
    if (tnd_inspect_route(&seen, &key, &route, &err) != AEROSPIKE_OK) {
        tool_complain("%s", err.message);
    } else {
        status = route.nodes[0] ? TOOL_FINE : TOOL_BAD;
        if (options->format == TOOL_JSON) {
            json_route(t->out, &seen, &route);
            fputc('\n', t->out);
        } else {
            route_table(options, t, &seen, &route);
        }
    }
    tnd_inspect_done(&seen);
    return status;
}

/* ---- check ---------------------------------------------------------------------------------- */

static void check_write(const tool_options* options, const term* t, const health* h)
{
    if (options->format == TOOL_JSON) {
        fprintf(t->out, "{\"status\":%d,\"word\":", h->level);
        json_text(t->out, health_word(h->level));
        fputs(",\"reason\":", t->out);
        json_text(t->out, h->reason);
        fputs("}\n", t->out);
    } else {
        term_put(t, health_style(h->level), "%s", health_word(h->level));
        fprintf(t->out, ": %s\n", h->reason);
    }
}

int tool_check(const tool_options* options, term* t)
{
    const health_limits limits = {.warn_seconds = options->warn_seconds,
                                  .crit_seconds = options->crit_seconds};
    tnd_inspection seen;
    as_error err;
    health h = {.level = TOOL_CRITICAL};
    if (tool_read(options, &seen, &err)) {
        health_judge(&h, &seen, &limits);
        tnd_inspect_done(&seen);
    } else {
        snprintf(h.reason, sizeof(h.reason), "%.250s", err.message);
    }
    check_write(options, t, &h);
    return h.level;
}

/* ---- remove --------------------------------------------------------------------------------- */

int tool_remove(const tool_options* options, term* t)
{
    as_error err;
    int id = tool_choose(options, &err);
    if (id < 0 || tnd_inspect_remove(id, &err) != AEROSPIKE_OK) {
        tool_complain("%s", err.message);
        return TOOL_BAD;
    }
    if (options->format == TOOL_JSON) {
        fprintf(t->out, "{\"removed\":%d}\n", id);
    } else {
        fprintf(t->out, "removed segment %d\n", id);
    }
    return TOOL_FINE;
}
