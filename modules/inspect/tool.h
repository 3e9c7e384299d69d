/*
 * What the sources of tendril-shm share: options, and what is written where.
 *
 * Every command reads segments through <tendril/inspect.h> and writes to a stream; main.c decides
 * where that leads (standard output, or a frame of --watch).
 */
#pragma once

#include "term.h"

#include <tendril/inspect.h>

typedef enum tool_format {
    TOOL_TABLE,
    TOOL_JSON,
    TOOL_PROMETHEUS,
} tool_format;

/* Exit statuses. */
enum {
    TOOL_FINE = 0,
    TOOL_BAD = 1,      /* nothing found, refused, or a warning of check */
    TOOL_CRITICAL = 2, /* of check; and a damaged segment */
    TOOL_USAGE = 3,    /* wrong arguments, or the system didn't let us look */
};

typedef struct tool_options {
    tool_format format;
    bool has_key;
    int key;
    int id;               /* -1: none given */
    double watch_seconds; /* 0: once */
    const char* key_type; /* of route: string, int, blob, digest */
    uint32_t column;      /* of map: 0 = masters */
    double warn_seconds;  /* of check: age of the map */
    double crit_seconds;  /* of check: age of the map, and of the tender's heartbeat */
    char** args;          /* of the command */
    int args_count;
} tool_options;

/* What a frame of --watch knows of the one before it. */
typedef struct tool_rates {
    bool is_set;
    uint64_t at_ms;
    int id;
    uint64_t commands; /* of the host, then by slot */
    uint64_t by_slot[1024];
} tool_rates;

uint64_t tool_now_ms(void);

/* Errors and hints of the tool itself, on stderr. */
void tool_complain(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* The segment that the options mean; -1 with `err` set. */
int tool_choose(const tool_options* options, as_error* err);

/* Reads it; false with `err` set. */
bool tool_read(const tool_options* options, tnd_inspection* ret_seen, as_error* err);

/* Each writes to `t` and returns the exit status. */
int tool_list(const tool_options* options, term* t);
int tool_show(const tool_options* options, term* t, tool_rates* rates);
int tool_map(const tool_options* options, term* t);
int tool_route(const tool_options* options, term* t);
int tool_check(const tool_options* options, term* t);
int tool_remove(const tool_options* options, term* t);

void json_segment(FILE* out, const tnd_inspection* seen);
void json_list(FILE* out, const tnd_inspect_list_result* list);
void json_owners(FILE* out, const tnd_inspection* seen);
void json_route(FILE* out, const tnd_inspection* seen, const tnd_inspect_route_result* route);
void json_text(FILE* out, const char* text);

void prometheus_write(FILE* out, const tnd_inspection* seen, uint32_t count);

/* What is said of a segment in several places. */
uint64_t counters_commands(const tnd_counters* counters);
uint64_t counters_of_result(const tnd_counters* counters, tnd_command_result result);
uint32_t nodes_in_state(const tnd_inspection* seen, tnd_inspect_node_state state);
uint32_t workers_in_state(const tnd_inspection* seen, tnd_worker_state state);
int node_rack(const tnd_inspect_node* node, uint32_t namespaces_count); /* -1: unknown or several */
const char* owner_state_name(tnd_inspect_owner_state state);
const char* kind_name(tnd_inspect_kind kind);
