/*
 * Is a segment well? One level and one reason, for check, list and show.
 */
#pragma once

#include <tendril/inspect.h>

typedef struct health_limits {
    double warn_seconds; /* age of the map */
    double crit_seconds; /* age of the map, and of the tender's heartbeat */
} health_limits;

typedef struct health {
    int level; /* an exit status of tool.h: TOOL_FINE, TOOL_BAD or TOOL_CRITICAL */
    char reason[256];
} health;

void health_judge(health* h, const tnd_inspection* seen, const health_limits* limits);
const char* health_word(int level);
unsigned health_style(int level);
