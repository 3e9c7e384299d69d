// The configuration of a mini cluster: defaults, bounds, and the text form of namespaces.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

static bool config_fail(const char** ret_why, const char* why)
{
    *ret_why = why;
    return false;
}

static void config_default(uint32_t* value, uint32_t otherwise)
{
    if (!*value) {
        *value = otherwise;
    }
}

bool mc_config_complete(mc_config* config, const char** ret_why)
{
    config->nodes = config->nodes ? config->nodes : 3;
    if (config->nodes < 0 || config->nodes > MC_NODES_MAX) {
        return config_fail(ret_why, "nodes: 1 to 64");
    }
    if (!config->namespace_count && !mc_config_namespaces(config, "test", ret_why)) {
        return false;
    }
    if (!config->build[0]) {
        snprintf(config->build, sizeof(config->build), "8.1.1.2");
    }
    if (!config->advertise[0]) {
        snprintf(config->advertise, sizeof(config->advertise), "127.0.0.1");
    }
    config->seed = config->seed ? config->seed : 1;
    config_default(&config->heartbeat_ms, 1800);
    config_default(&config->join_ms, 600);
    config_default(&config->migrate_ms, 2000);
    config_default(&config->reap_ms, 1000);
    config_default(&config->nsup_ms, 120000);
    return true;
}

static bool config_option(mc_namespace_config* ns, const char* text, const char** ret_why)
{
    if (!strcmp(text, "sc")) {
        ns->strong = true;
    } else if (!strcmp(text, "nsup-off")) {
        ns->nsup_off = true;
    } else if (!strncmp(text, "ttl=", 4)) {
        ns->default_ttl_sec = (uint32_t)strtoul(text + 4, NULL, 10);
    } else if (!strncmp(text, "record=", 7)) {
        ns->record_bytes_max = (uint32_t)strtoul(text + 7, NULL, 10);
    } else if (text[0] >= '0' && text[0] <= '9') {
        ns->replication_factor = atoi(text);
    } else {
        return config_fail(ret_why, "namespace: options are a factor, sc, nsup-off, ttl=, record=");
    }
    return true;
}

static bool config_namespace(mc_config* config, char* text, const char** ret_why)
{
    if (config->namespace_count == MC_NAMESPACES_MAX) {
        return config_fail(ret_why, "too many namespaces");
    }
    mc_namespace_config ns = {.replication_factor = 2};
    char* rest = text;
    char* name = strsep(&rest, ":");
    if (!name[0] || strlen(name) >= sizeof(ns.name) || strpbrk(name, ";=, ")) {
        return config_fail(ret_why, "namespace: a name of 1 to 31 characters");
    }
    snprintf(ns.name, sizeof(ns.name), "%s", name);
    while (rest) {
        if (!config_option(&ns, strsep(&rest, ":"), ret_why)) {
            return false;
        }
    }
    if (ns.replication_factor < 1 || ns.replication_factor > MC_COLUMNS_MAX) {
        return config_fail(ret_why, "namespace: replication factor 1 to 16");
    }
    ns.record_bytes_max = ns.record_bytes_max ? ns.record_bytes_max : 1 << 20;
    config->namespaces[config->namespace_count++] = ns;
    return true;
}

bool mc_config_namespaces(mc_config* config, const char* text, const char** ret_why)
{
    char copy[2048];
    if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy)) {
        return config_fail(ret_why, "namespaces: text too long");
    }
    char* rest = copy;
    while (rest) {
        if (!config_namespace(config, strsep(&rest, ","), ret_why)) {
            return false;
        }
    }
    return true;
}
