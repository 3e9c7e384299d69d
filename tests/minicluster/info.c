/*
 * Info requests (type 1): lines of commands in, lines of `echo TAB value` out, in order.
 * Honours protocol/cluster.md 2.1 - 2.3, 9.1.
 *
 * A command without LF is ignored. Unknown commands: an error from 7.1 on, no line before that.
 * A body of size 0 asks for the deprecated summary.
 */
#include <stdio.h>
#include <string.h>

#include "cluster.h"

enum {
    INFO_LINE_MAX = 64 * 1024, // a file of functions fits
    INFO_NAME_MAX = 31,
    INFO_AGENT_MAX = 87
};

void mc_info_error(const mc_cluster* cluster, int code, const char* text, mc_bytes* out)
{
    if (cluster->build >= mc_cluster_build(7, 2, 0)) {
        mc_bytes_format(out, "ERROR:%d:%s", code, text);
    } else {
        mc_bytes_format(out, "ERROR::%s", text);
    }
}

void mc_info_count(mc_node* node, const char* name)
{
    for (int i = 0; i < node->info_count; i++) {
        if (!strcmp(node->infos[i].name, name)) {
            node->infos[i].count++;
            return;
        }
    }
    if (node->info_count < MC_INFO_NAMES_MAX) {
        mc_counter* counter = &node->infos[node->info_count++];
        snprintf(counter->name, sizeof(counter->name), "%s", name);
        counter->count = 1;
    }
}

static bool info_is_deprecated(const char* name)
{
    static const char* const names[] = {"features",     "partitions",      "service", "services",
                                        "replicas-all", "replicas-master", "edition", "version"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(names[i], name)) {
            return true;
        }
    }
    return false;
}

static void info_user_agent(mc_conn* conn, const char* params, mc_bytes* out)
{
    const char* value = params && params[0] == ':' ? strstr(params, "value=") : NULL;
    size_t len = value ? strcspn(value + 6, ";") : 0;
    if (!value) {
        mc_bytes_text(out, "ERROR:4:missing 'value'");
    } else if (len == 0) {
        mc_bytes_text(out, "ERROR:4:missing 'value' value");
    } else if (len > INFO_AGENT_MAX) {
        mc_bytes_text(out, "ERROR:4:'value' value too long");
    } else if (mc_base64_check(value + 6, len) < 0) {
        mc_bytes_text(out, "ERROR:4:'value' invalid base64");
    } else if (conn->user_agent_set) {
        mc_bytes_text(out, "ERROR:4:already set");
    } else {
        conn->user_agent_set = true;
        mc_bytes_text(out, "ok");
    }
}

// Commands about the connection, and constants. False if the command is another's.
static bool info_connection(mc_conn* conn, const char* name, const char* params, mc_bytes* out)
{
    bool modern = conn->cluster->build >= mc_cluster_build(8, 1, 0);
    if (modern && !strcmp(name, "user-agent-set")) {
        info_user_agent(conn, params, out);
    } else if (modern && !strcmp(name, "connection")) {
        mc_bytes_text(out, "admin=false");
    } else if (!strcmp(name, "status")) {
        mc_bytes_text(out, "ok");
    } else if (!strcmp(name, "build")) {
        mc_bytes_text(out, conn->cluster->config.build);
    } else if (!strcmp(name, "partitions")) {
        mc_bytes_text(out, "4096");
    } else if (!strcmp(name, "edition")) {
        mc_bytes_text(out, conn->cluster->config.enterprise ? "Aerospike Enterprise Edition"
                                                            : "Aerospike Community Edition");
    } else if (!strcmp(name, "features")) {
        mc_bytes_text(out,
                      "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;"
                      "float;geo;sindex-exists;peers;pipelining;pquery;pscans;"
                      "query-show;relaxed-sc;replicas;replicas-all;replicas-master;"
                      "replicas-max;truncate-namespace;udf");
    } else {
        return false;
    }
    return true;
}

const char* mc_info_param(const char* params, const char* name, size_t* ret_len)
{
    size_t len = strlen(name);
    for (const char* at = params; at; at = strchr(at + 1, ';')) {
        if (!strncmp(at + 1, name, len) && at[1 + len] == '=') {
            *ret_len = strcspn(at + len + 2, ";");
            return at + len + 2;
        }
    }
    return NULL;
}

// Splits a line into name and parameters, and finds who answers. `line` is a text of its own.
static bool info_value(mc_conn* conn, char* line, uint64_t now_ms, mc_bytes* out)
{
    char name[INFO_NAME_MAX + 1];
    size_t len = strcspn(line, "/:;");
    if (len > INFO_NAME_MAX) {
        return false;
    }
    memcpy(name, line, len);
    name[len] = 0;
    const char* params = line[len] ? line + len : NULL;
    bool known = info_connection(conn, name, params, out) || mc_info_map(conn, name, params, out) ||
                 mc_info_stats(conn, name, params, out) || mc_info_udf(conn, name, params, out) ||
                 mc_info_truncate(conn, name, params, now_ms, out);
    if (known) {
        mc_info_count(conn->node, name);
        if (info_is_deprecated(name)) {
            mc_count(&conn->node->deprecated);
        }
    } else {
        mc_info_count(conn->node, "unknown");
    }
    return known;
}

static void info_line(mc_conn* conn, const uint8_t* line, size_t len, uint64_t now_ms)
{
    mc_bytes* out = &conn->out;
    size_t begin = out->len;
    char text[INFO_LINE_MAX];
    const uint8_t* nul = memchr(line, 0, len);
    size_t cut = nul ? (size_t)(nul - line) : len;
    mc_bytes_add(out, line, cut);
    mc_bytes_u8(out, '\t');
    bool known = false;
    if (cut < sizeof(text)) {
        memcpy(text, line, cut);
        text[cut] = 0;
        known = info_value(conn, text, now_ms, out);
    }
    if (!known && conn->cluster->build < mc_cluster_build(7, 1, 0)) {
        out->len = begin;
        return;
    }
    if (!known) {
        mc_bytes_text(out, "ERROR:4:unrecognized command");
    }
    mc_bytes_u8(out, '\n');
}

// What a body of size 0 asks for.
static void info_summary(mc_conn* conn, uint64_t now_ms)
{
    static const char* const names[] = {
        "build",      "cluster-name", "edition",  "features",  "node", "partition-generation",
        "partitions", "service",      "services", "statistics"};
    mc_count(&conn->node->deprecated);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        info_line(conn, (const uint8_t*)names[i], strlen(names[i]), now_ms);
    }
}

void mc_info_answer(mc_conn* conn, const uint8_t* body, size_t len, uint64_t now_ms)
{
    size_t frame = mc_frame_begin(&conn->out, 1);
    const uint8_t* end = body + len;
    pthread_mutex_lock(&conn->cluster->info_lock);
    if (len == 0) {
        info_summary(conn, now_ms);
    }
    while (body < end) {
        const uint8_t* lf = memchr(body, '\n', (size_t)(end - body));
        if (!lf) {
            break;
        }
        info_line(conn, body, (size_t)(lf - body), now_ms);
        body = lf + 1;
    }
    pthread_mutex_unlock(&conn->cluster->info_lock);
    mc_count(&conn->node->info_done);
    mc_frame_end(&conn->out, frame);
}
