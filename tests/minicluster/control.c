/*
 * Control: one line in, an answer out. README.md has the table; the command's function stands
 * beside its name at the end of this file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

enum {
    CONTROL_WORDS_MAX = 12,
    CONTROL_LINE_MAX = 1024
};

typedef struct control {
    mc_cluster* cluster;
    uint64_t now_ms;
    int count; // words
    char* words[CONTROL_WORDS_MAX];
    mc_bytes reply;
} control;

static bool control_fail(control* c, const char* why)
{
    c->reply.len = 0;
    mc_bytes_text(&c->reply, why);
    return false;
}

// Word `at`, or "" if there is none.
static const char* control_word(const control* c, int at)
{
    return at < c->count ? c->words[at] : "";
}

// The value of a word "name=value", or NULL.
static const char* control_named(const control* c, const char* name)
{
    size_t len = strlen(name);
    for (int i = 1; i < c->count; i++) {
        if (!strncmp(c->words[i], name, len) && c->words[i][len] == '=') {
            return c->words[i] + len + 1;
        }
    }
    return NULL;
}

static bool control_has(const control* c, const char* word)
{
    for (int i = 1; i < c->count; i++) {
        if (!strcmp(c->words[i], word)) {
            return true;
        }
    }
    return false;
}

static bool control_is_number(const char* word)
{
    return *word && strspn(word, "0123456789") == strlen(word);
}

// The node in word 1: an index, or an id.
static mc_node* control_node(control* c)
{
    const char* word = control_word(c, 1);
    mc_node* found = NULL;
    for (int i = 0; i < c->cluster->node_count; i++) {
        mc_node* node = &c->cluster->nodes[i];
        bool numbered = control_is_number(word) && strlen(word) < 3 && atoi(word) == i;
        if (node->life != MC_LIFE_GONE && (numbered || !strcmp(word, node->id))) {
            found = node;
        }
    }
    if (!found) {
        control_fail(c, "no such node");
    }
    return found;
}

// ---- membership ---------------------------------------------------------------------------------

static bool control_kill(control* c)
{
    mc_node* node = control_node(c);
    if (!node) {
        return false;
    }
    if (node->life == MC_LIFE_DEAD) {
        return control_fail(c, "dead already");
    }
    mc_node_kill(node, c->now_ms, control_has(c, "noticed"));
    return true;
}

static bool control_remove(control* c)
{
    mc_node* node = control_node(c);
    if (!node) {
        return false;
    }
    mc_node_kill(node, c->now_ms, true);
    node->life = MC_LIFE_GONE;
    return true;
}

static bool control_add(control* c)
{
    mc_node* node = mc_node_add(c->cluster);
    if (!node) {
        return control_fail(c, "too many nodes");
    }
    const char* port = control_named(c, "port");
    node->port = port ? (uint16_t)atoi(port) : 0;
    mc_node_start(node, c->now_ms);
    mc_bytes_format(&c->reply, "node=%d id=%s\n", node->index, node->id);
    return true;
}

static bool control_restart(control* c)
{
    mc_node* node = control_node(c);
    if (!node) {
        return false;
    }
    const char* id = control_named(c, "id");
    const char* port = control_named(c, "port");
    if (id && (!*id || strlen(id) > 16 || strspn(id, "0123456789ABCDEF") != strlen(id))) {
        return control_fail(c, "id: 1 to 16 upper-case hex digits");
    }
    if (node->life != MC_LIFE_DEAD) {
        mc_node_kill(node, c->now_ms, false);
    }
    if (id) {
        snprintf(node->id, sizeof(node->id), "%s", id);
    }
    if (port) {
        node->port = (uint16_t)atoi(port);
    }
    mc_node_start(node, c->now_ms);
    return true;
}

static bool control_cut(control* c)
{
    mc_node* node = control_node(c);
    if (!node) {
        return false;
    }
    bool is_joining = !strcmp(c->words[0], "join");
    if (node->life != (is_joining ? MC_LIFE_CUT : MC_LIFE_MEMBER)) {
        return control_fail(c, is_joining ? "not cut off" : "no member");
    }
    if (is_joining) {
        mc_node_join(node, c->now_ms);
    } else {
        mc_node_cut(node, c->now_ms);
    }
    return true;
}

static bool control_migrate(control* c)
{
    c->cluster->salt++;
    mc_maps_rebalance(c->cluster, c->now_ms);
    if (c->count > 1) {
        c->cluster->migrate_for_ms = strtoull(c->words[1], NULL, 10);
    }
    mc_bytes_format(&c->reply, "steps=%d\n", c->cluster->steps_total);
    return true;
}

static bool control_freeze(control* c)
{
    c->cluster->frozen = strcmp(control_word(c, 1), "off") != 0;
    mc_cluster_changed(c->cluster);
    return true;
}

static bool control_rack(control* c)
{
    mc_node* node = control_node(c);
    if (!node || c->count < 3) {
        return node ? control_fail(c, "rack N ID") : false;
    }
    node->rack = atoi(c->words[2]);
    node->rebalance_generation++;
    return true;
}

static bool control_namespaces(control* c)
{
    const char* why = "namespaces add NAME:OPTIONS";
    mc_config one = {0};
    if (strcmp(control_word(c, 1), "add") || c->count < 3 ||
        !mc_config_namespaces(&one, c->words[2], &why)) {
        return control_fail(c, why);
    }
    for (int i = 0; i < one.namespace_count; i++) {
        if (!mc_namespace_add(c->cluster, &one.namespaces[i])) {
            return control_fail(c, "there already, or too many");
        }
    }
    mc_maps_rebalance(c->cluster, c->now_ms);
    return true;
}

// ---- faults -------------------------------------------------------------------------------------

static bool control_hang(control* c)
{
    mc_node* node = control_node(c);
    if (!node) {
        return false;
    }
    const char* verb = c->words[0];
    node->hung = !strcmp(verb, "stop") || (node->hung && strcmp(verb, "cont") != 0);
    node->blackhole = !strcmp(verb, "drop") || (node->blackhole && strcmp(verb, "cont") != 0);
    node->refusing = !strcmp(verb, "refuse") || (node->refusing && strcmp(verb, "cont") != 0);
    mc_cluster_changed(c->cluster);
    return true;
}

static bool control_clear(control* c)
{
    bool all = c->count < 2 || !strcmp(c->words[1], "all");
    mc_node* only = all ? NULL : control_node(c);
    if (!all && !only) {
        return false;
    }
    for (int i = 0; i < c->cluster->node_count; i++) {
        mc_node* node = &c->cluster->nodes[i];
        if (all || node == only) {
            node->hung = node->blackhole = node->refusing = false;
            mc_fault_clear(node);
            for (mc_conn* conn = node->conns; conn; conn = conn->next) {
                conn->hold_ms = conn->split = 0; // answers under way, too
            }
        }
    }
    mc_cluster_changed(c->cluster);
    return true;
}

static unsigned control_scope(const control* c, unsigned otherwise)
{
    return control_has(c, "on=info")     ? MC_SCOPE_INFO
           : control_has(c, "on=record") ? MC_SCOPE_RECORD
           : control_has(c, "on=admin")  ? MC_SCOPE_ADMIN
           : control_has(c, "on=any")    ? MC_SCOPE_ANY
                                         : otherwise;
}

// Sets a fault whose count, if any, is word `at`.
static void control_arm(control* c, mc_node* node, mc_fault_kind kind, int arg, int at,
                        int count_otherwise)
{
    mc_fault* fault = &node->faults[kind];
    const char* word = control_word(c, at);
    bool spoils = kind == MC_FAULT_SLOW || kind == MC_FAULT_SPLIT;
    int left = count_otherwise;
    if (control_is_number(word)) {
        left = atoi(word);
    } else if (control_has(c, "always")) {
        left = -1;
    }
    fault->arg = arg;
    fault->scope = control_scope(c, spoils ? MC_SCOPE_ANY : MC_SCOPE_RECORD);
    fault->applied = control_has(c, "applied");
    atomic_store(&fault->left, left);
}

static bool control_answer(control* c)
{
    mc_node* node = control_node(c);
    const char* code = control_word(c, 2);
    if (!node || !control_is_number(code) || atoi(code) > 255) {
        return node ? control_fail(c, "answer N CODE [COUNT]") : false;
    }
    control_arm(c, node, MC_FAULT_ANSWER, atoi(code), 3, 1);
    return true;
}

static bool control_shaped(control* c, mc_fault_kind kind, int (*find)(const char*), int otherwise)
{
    mc_node* node = control_node(c);
    const char* word = control_word(c, 2);
    bool named = *word && find(word) >= 0;
    if (!node) {
        return false;
    }
    if (*word && !named && !control_is_number(word) && strcmp(word, "always")) {
        return control_fail(c, "no such kind");
    }
    control_arm(c, node, kind, named ? find(word) : otherwise, named ? 3 : 2, 1);
    return true;
}

static bool control_garbage(control* c)
{
    return control_shaped(c, MC_FAULT_GARBAGE, mc_fault_garbage_kind,
                          mc_fault_garbage_kind("random"));
}

static bool control_other(control* c)
{
    return control_shaped(c, MC_FAULT_OTHER, mc_fault_other_shape, 0);
}

static bool control_slow(control* c)
{
    mc_node* node = control_node(c);
    const char* ms = control_word(c, 2);
    if (!node || !control_is_number(ms)) {
        return node ? control_fail(c, "slow N MS [COUNT]") : false;
    }
    control_arm(c, node, MC_FAULT_SLOW, atoi(ms), 3, atoi(ms) ? -1 : 0);
    return true;
}

static bool control_split(control* c)
{
    mc_node* node = control_node(c);
    const char* gap = control_named(c, "gap");
    if (!node) {
        return false;
    }
    control_arm(c, node, MC_FAULT_SPLIT, gap ? atoi(gap) : 0, 2, -1);
    return true;
}

// reset, close, halfclose: at once, or with a count in the place of the next answers. mute: once.
static bool control_ending(control* c)
{
    static const struct {
        const char* name;
        mc_fault_kind kind;
        mc_ending ending;
    } kinds[] = {{"reset", MC_FAULT_RESET, MC_ENDING_RESET},
                 {"close", MC_FAULT_CLOSE, MC_ENDING_CLOSE},
                 {"halfclose", MC_FAULT_HALFCLOSE, MC_ENDING_HALF_CLOSE},
                 {"mute", MC_FAULT_MUTE, MC_ENDING_NONE}};
    mc_node* node = control_node(c);
    for (size_t i = 0; node && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(c->words[0], kinds[i].name)) {
            continue;
        }
        if (c->count == 2 && kinds[i].ending != MC_ENDING_NONE) {
            mc_node_end_conns(node, kinds[i].ending, c->now_ms);
        } else {
            control_arm(c, node, kinds[i].kind, 0, 2, 1);
        }
    }
    return node;
}

// ---- looking ------------------------------------------------------------------------------------

static const char* control_life(const mc_node* node)
{
    static const char* const names[] = {"gone", "starting", "member", "dead", "cut"};
    return names[node->life];
}

static bool control_stats(control* c)
{
    static const char* const names[] = {"read",   "write",    "delete",      "proxy",
                                        "errors", "timeouts", "connections", "opened",
                                        "closed", "info",     "deprecated"};
    for (int i = 0; i < c->cluster->node_count; i++) {
        mc_node* node = &c->cluster->nodes[i];
        mc_bytes_format(&c->reply, "node=%d id=%s port=%u life=%s generation=%d", i, node->id,
                        node->port, control_life(node), node->partition_generation);
        for (size_t s = 0; s < sizeof(names) / sizeof(names[0]); s++) {
            mc_bytes_format(&c->reply, " %s=%llu", names[s],
                            (unsigned long long)mc_node_stat(c->cluster, i, names[s]));
        }
        for (int k = 0; k < node->info_count; k++) {
            mc_bytes_format(&c->reply, " info.%s=%llu", node->infos[k].name,
                            (unsigned long long)node->infos[k].count);
        }
        mc_bytes_text(&c->reply, "\n");
    }
    mc_bytes_format(&c->reply, "migrations=%d\n", c->cluster->pending_count);
    return true;
}

static bool control_reset_stats(control* c)
{
    for (int i = 0; i < c->cluster->node_count; i++) {
        mc_node* node = &c->cluster->nodes[i];
        atomic_uint_least64_t* counters[] = {&node->reads,     &node->writes,    &node->deletes,
                                             &node->proxied,   &node->errors,    &node->timeouts,
                                             &node->info_done, &node->deprecated};
        for (size_t k = 0; k < sizeof(counters) / sizeof(counters[0]); k++) {
            atomic_store(counters[k], 0);
        }
        atomic_fetch_sub(&node->opened, atomic_load(&node->closed));
        atomic_store(&node->closed, 0);
        node->info_count = 0;
    }
    return true;
}

static bool control_owner(control* c)
{
    if (c->count < 3) {
        return control_fail(c, "owner NAMESPACE PARTITION");
    }
    int pid = atoi(c->words[2]) & (MC_PARTITIONS - 1);
    for (int column = 0; column < MC_COLUMNS_MAX; column++) {
        int owner = mc_partition_owner(c->cluster, c->words[1], column, pid);
        if (owner >= 0) {
            mc_bytes_format(&c->reply, "column=%d node=%d\n", column, owner);
        }
    }
    return true;
}

// ---- the table ----------------------------------------------------------------------------------

static const struct {
    const char* name;
    bool (*run)(control* c);
} control_commands[] = {
    {"kill", control_kill},
    {"restart", control_restart},
    {"add", control_add},
    {"remove", control_remove},
    {"cut", control_cut},
    {"join", control_cut},
    {"migrate", control_migrate},
    {"freeze-map", control_freeze},
    {"namespaces", control_namespaces},
    {"rack", control_rack},
    {"stop", control_hang},
    {"cont", control_hang},
    {"drop", control_hang},
    {"refuse", control_hang},
    {"slow", control_slow},
    {"split", control_split},
    {"answer", control_answer},
    {"garbage", control_garbage},
    {"other", control_other},
    {"reset", control_ending},
    {"close", control_ending},
    {"halfclose", control_ending},
    {"mute", control_ending},
    {"clear", control_clear},
    {"stats", control_stats},
    {"reset-stats", control_reset_stats},
    {"owner", control_owner},
};

static bool control_run(control* c)
{
    for (size_t i = 0; c->count && i < sizeof(control_commands) / sizeof(control_commands[0]);
         i++) {
        if (!strcmp(control_commands[i].name, c->words[0])) {
            return control_commands[i].run(c);
        }
    }
    return control_fail(c, "no such command");
}

bool mc_control(mc_cluster* cluster, const char* line, uint64_t now_ms, char* reply, size_t size)
{
    char copy[CONTROL_LINE_MAX];
    snprintf(copy, sizeof(copy), "%s", line);
    control c = {.cluster = cluster, .now_ms = now_ms};
    char* save = NULL;
    for (char* word = strtok_r(copy, " \t\r\n", &save); word && c.count < CONTROL_WORDS_MAX;
         word = strtok_r(NULL, " \t\r\n", &save)) {
        c.words[c.count++] = word;
    }
    bool ok = control_run(&c);
    if (size) {
        size_t len = c.reply.len < size - 1 ? c.reply.len : size - 1;
        memcpy(reply, c.reply.data ? (char*)c.reply.data : "", len);
        reply[len] = 0;
    }
    mc_bytes_done(&c.reply);
    return ok;
}
