// Truncation (protocol/queries-admin.md 14): of a set or a namespace, at once. There is nothing to
// be undone, as no truncation is kept.
#include <stdlib.h>
#include <string.h>

#include "cluster.h"

enum {
    TRUNCATE_NANOS_PER_MS = 1000000
};

#define TRUNCATE_EPOCH_MS (1262304000ull * 1000)

typedef struct truncation {
    mc_cluster* cluster;
    const mc_namespace* space;
} truncation;

static void on_gone(void* udata, const mc_record* record)
{
    const truncation* t = udata;
    if (t->cluster->observer) {
        mc_change change = {.ns = t->space->config.name,
                            .pid = mc_store_partition(record->digest),
                            .digest = record->digest};
        t->cluster->observer(t->cluster->observer_udata, &change);
    }
}

static mc_namespace* truncate_namespace(mc_cluster* cluster, const char* name, size_t len)
{
    for (int i = 0; i < cluster->namespace_count; i++) {
        const char* own = cluster->namespaces[i]->config.name;
        if (len == strlen(own) && !memcmp(own, name, len)) {
            return cluster->namespaces[i];
        }
    }
    return NULL;
}

// Records last written before this are gone. False, and an error is answered, for a time that can't
// be.
static bool truncate_before(mc_conn* conn, const char* params, uint64_t now_ms, mc_bytes* out,
                            uint64_t* ret_before_ms)
{
    size_t len = 0;
    const char* lut = mc_info_param(params, "lut", &len);
    uint64_t unix_ms = conn->cluster->config.unix_base_ms + now_ms;
    *ret_before_ms = lut ? strtoull(lut, NULL, 0) / TRUNCATE_NANOS_PER_MS : unix_ms;
    if (*ret_before_ms <= TRUNCATE_EPOCH_MS) {
        mc_info_error(conn->cluster, 4, "would truncate to 0", out);
        return false;
    }
    if (*ret_before_ms > unix_ms) {
        mc_info_error(conn->cluster, 4, "would truncate in the future", out);
        return false;
    }
    return true;
}

bool mc_info_truncate(mc_conn* conn, const char* name, const char* params, uint64_t now_ms,
                      mc_bytes* out)
{
    bool whole = !strcmp(name, "truncate-namespace");
    if (!whole && strcmp(name, "truncate") != 0) {
        return false;
    }
    size_t ns_len = 0, set_len = 0;
    uint64_t before_ms;
    const char* ns = mc_info_param(params, "namespace", &ns_len);
    const char* set = mc_info_param(params, "set", &set_len);
    if (!ns) {
        mc_info_error(conn->cluster, 20, "missing 'namespace'", out);
    } else if (whole && set) {
        mc_info_error(conn->cluster, 4, "unexpected set name", out);
    } else if (!whole && !set) {
        mc_info_error(conn->cluster, 4, "missing 'set'", out);
    } else if (truncate_before(conn, params, now_ms, out, &before_ms)) {
        mc_namespace* space = truncate_namespace(conn->cluster, ns, ns_len);
        truncation t = {conn->cluster, space};
        if (space) { // an unknown one is fine, too
            mc_store_truncate(space->store, set, set_len, before_ms, on_gone, &t);
        }
        mc_bytes_text(out, "ok");
    }
    return true;
}
