/*
 * map: the partition map as a picture. With colour each character shows two partitions, one above
 * the other, in the colours of their nodes; without, each partition is its node's letter. Holes are
 * red, or an exclamation mark.
 */
#include "tool.h"

#include <string.h>

#define LABEL_CHARS 7u /* "  4032 " */

/* Partitions per line: a power of two that fits. */
static unsigned picture_columns(const term* t)
{
    unsigned width = t->width > 0 ? t->width : 80;
    unsigned columns = 16;
    while (columns < 256 && columns * 2 + LABEL_CHARS <= width) {
        columns *= 2;
    }
    return columns;
}

static void put_halves(const term* t, uint32_t above, uint32_t below)
{
    unsigned upper = term_node_color(t, above), lower = term_node_color(t, below);
    if (t->has_256) {
        fprintf(t->out, "\033[38;5;%u;48;5;%um\u2580", upper, lower);
    } else {
        fprintf(t->out, "\033[3%u;4%um\u2580", upper, lower);
    }
}

static void draw_color(const term* t, const tnd_inspect_namespace* ns, uint32_t column)
{
    unsigned columns = picture_columns(t);
    for (unsigned first = 0; first < TND_INSPECT_PARTITIONS; first += 2 * columns) {
        term_put(t, TERM_DIM, "  %4u ", first);
        for (unsigned i = first; i < first + columns; i++) {
            put_halves(t, ns->owners[i][column], ns->owners[i + columns][column]);
        }
        fputs("\033[0m\n", t->out);
    }
}

static void draw_letters(const term* t, const tnd_inspect_namespace* ns, uint32_t column)
{
    unsigned columns = picture_columns(t);
    for (unsigned first = 0; first < TND_INSPECT_PARTITIONS; first += columns) {
        term_put(t, TERM_DIM, "  %4u ", first);
        for (unsigned i = first; i < first + columns; i++) {
            uint32_t index = ns->owners[i][column];
            if (index == 0) {
                term_put(t, TERM_BAD, "!");
            } else {
                term_put(t, TERM_NODE + index, "%c", term_node_letter(index));
            }
        }
        fputc('\n', t->out);
    }
}

/* "17, 500-520". */
static void draw_holes(const term* t, const tnd_inspect_namespace* ns, uint32_t column)
{
    unsigned count = 0, ranges = 0;
    for (unsigned p = 0; p < TND_INSPECT_PARTITIONS; p++) {
        count += ns->owners[p][column] == 0;
    }
    if (count == 0) {
        return;
    }
    fputs("  ", t->out);
    term_put(t, TERM_BAD, "%u partitions without a node here:", count);
    for (unsigned p = 0; p < TND_INSPECT_PARTITIONS; p++) {
        unsigned end = p;
        while (end < TND_INSPECT_PARTITIONS && ns->owners[end][column] == 0) {
            end++;
        }
        if (end == p) {
            continue;
        }
        if (++ranges > 12) {
            fputs(" ...", t->out);
            break;
        }
        fprintf(t->out, end - p > 1 ? "%s %u-%u" : "%s %u", ranges > 1 ? "," : "", p, end - 1);
        p = end;
    }
    fputc('\n', t->out);
}

static void draw_legend(const term* t, const tnd_inspection* seen, const tnd_inspect_namespace* ns,
                        uint32_t column)
{
    uint32_t share[512] = {0};
    for (int p = 0; p < TND_INSPECT_PARTITIONS; p++) {
        share[ns->owners[p][column] % 512]++;
    }
    for (uint32_t i = 0; i < seen->nodes_count; i++) {
        const tnd_inspect_node* node = &seen->nodes[i];
        bool is_block = t->has_color && t->has_unicode;
        fputs("  ", t->out);
        if (is_block) {
            term_put(t, TERM_NODE + node->index, "\u2588\u2588");
        } else {
            term_put(t, TERM_NODE + node->index, "%c", term_node_letter(node->index));
        }
        fprintf(t->out, "  %-16s  %-21s  %4u  %5.1f %%%s\n", node->name,
                node->addrs_count > 0 ? node->addrs[0] : "-", share[node->index % 512],
                100.0 * share[node->index % 512] / TND_INSPECT_PARTITIONS,
                node->state == TND_INSPECT_NODE_ACTIVE ? "" : "  has left");
    }
    if (share[0] > 0) {
        fputs("  ", t->out);
        term_put(t, TERM_BAD, t->has_color && t->has_unicode ? "\u2588\u2588" : "!");
        fprintf(t->out, "  %-16s  %-21s  %4u  %5.1f %%\n", column == 0 ? "no master" : "no replica",
                "", share[0], 100.0 * share[0] / TND_INSPECT_PARTITIONS);
    }
}

static void draw(const term* t, const tnd_inspection* seen, const tnd_inspect_namespace* ns,
                 uint32_t column)
{
    term_put(t, TERM_BOLD, "%s", ns->name);
    fprintf(t->out, "  %s of 4096 partitions, replication factor %u, %s\n\n",
            column == 0   ? "masters"
            : column == 1 ? "first replicas"
                          : "second replicas",
            ns->replicas, ns->is_sc ? "strong consistency" : "AP");
    draw_legend(t, seen, ns, column);
    fputc('\n', t->out);
    if (t->has_color && t->has_unicode) {
        draw_color(t, ns, column);
    } else {
        draw_letters(t, ns, column);
    }
    draw_holes(t, ns, column);
}

static int draw_wanted(const tool_options* options, const term* t, const tnd_inspection* seen)
{
    const char* wanted = options->args_count > 0 ? options->args[0] : NULL;
    uint32_t drawn = 0;
    for (uint32_t i = 0; i < seen->namespaces_count; i++) {
        const tnd_inspect_namespace* ns = &seen->namespaces[i];
        if (wanted && strcmp(ns->name, wanted) != 0) {
            continue;
        }
        if (drawn++ > 0) {
            fputc('\n', t->out);
        }
        draw(t, seen, ns, options->column);
    }
    if (drawn > 0) {
        return TOOL_FINE;
    }
    if (wanted) {
        tool_complain("namespace %s isn't in the map", wanted);
    } else {
        tool_complain("no map is published yet");
    }
    return TOOL_BAD;
}

int tool_map(const tool_options* options, term* t)
{
    tnd_inspection seen;
    as_error err;
    if (!tool_read(options, &seen, &err)) {
        tool_complain("%s", err.message);
        return TOOL_BAD;
    }
    int status = TOOL_FINE;
    if (options->format == TOOL_JSON) {
        json_owners(t->out, &seen);
        fputc('\n', t->out);
    } else {
        status = draw_wanted(options, t, &seen);
    }
    if (seen.problems_count > 0) {
        tool_complain("damaged: %s", seen.problems[0]);
        status = TOOL_CRITICAL;
    }
    tnd_inspect_done(&seen);
    return status;
}
