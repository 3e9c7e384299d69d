/*
 * Requests of the tender out of what is wanted, and replies into checked values. No side effects:
 * what a reply means for a node is decided in tender_node.c.
 *
 * Generations stand before the data that they stamp: a change in between costs one needless
 * question and never a missed one (protocol/cluster.md 2.5).
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "async/tender_int.h"

#define COMMANDS_MAX 12

static const char* peers_command(const tnd_tender* t)
{
    return t->config->use_services_alternate ? "peers-clear-alt" : "peers-clear-std";
}

static bool has_cluster_name(const tnd_tender* t)
{
    return t->config->cluster_name && t->config->cluster_name[0] != '\0';
}

static const char* service_command(const tnd_tender* t)
{
    return t->config->use_services_alternate ? "service-clear-alt" : "service-clear-std";
}

void tend_request(const tnd_tender* t, unsigned asked, tnd_buf* buf)
{
    const char* commands[COMMANDS_MAX];
    size_t count = 0;
    commands[count++] = "node";
    if (asked & TEND_ASK_IDENTITY) {
        commands[count++] = "build";
        if (has_cluster_name(t)) {
            commands[count++] = "cluster-name";
        }
    }
    if (asked & TEND_ASK_AGENT) {
        commands[count++] = t->agent;
        commands[count++] = "connection";
    }
    commands[count++] = "peers-generation";
    commands[count++] = "partition-generation";
    commands[count++] = "rebalance-generation";
    if (asked & TEND_ASK_PEERS) {
        commands[count++] = peers_command(t);
    }
    if (asked & TEND_ASK_SERVICE) {
        commands[count++] = service_command(t);
    }
    if (asked & TEND_ASK_MAP) {
        commands[count++] = "replicas:max=3";
    }
    if (asked & TEND_ASK_RACKS) {
        commands[count++] = "rack-ids";
    }
    tnd_info_request(buf, commands, count);
}

/* ---- replies ---- */

static as_status fail(as_error* err, const char* what, tnd_slice value)
{
    int size = value.size > 80 ? 80 : (int)value.size;
    return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__, "%s: \"%.*s\"",
                            what, size, size > 0 ? value.data : "");
}

/* The value of a command that must be answered. */
static as_status find(tnd_slice body, const char* command, tnd_slice* ret_value, as_error* err)
{
    if (!tnd_info_find(body, command, ret_value)) {
        return fail(err, "no answer to an info command", tnd_slice_text(command));
    }
    tnd_info_error refused;
    if (tnd_info_value_error(*ret_value, &refused)) {
        int size = refused.text.size > 80 ? 80 : (int)refused.text.size;
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "info command %s failed with %d: %.*s", command, refused.code, size,
                                size > 0 ? refused.text.data : "");
    }
    return AEROSPIKE_OK;
}

static as_status read_cluster_name(const tnd_tender* t, tnd_slice body, as_error* err)
{
    tnd_slice value;
    if (!has_cluster_name(t)) {
        return AEROSPIKE_OK;
    }
    if (find(body, "cluster-name", &value, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (tnd_slice_equals_text(value, t->config->cluster_name)) {
        return AEROSPIKE_OK;
    }
    int size = value.size > 63 ? 63 : (int)value.size;
    return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                            "it belongs to cluster \"%.*s\", but cluster \"%s\" is configured",
                            size, size > 0 ? value.data : "", t->config->cluster_name);
}

static as_status read_identity(const tnd_tender* t, tnd_slice body, tend_reply* reply,
                               as_error* err)
{
    tnd_slice value;
    if (find(body, "build", &value, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!tnd_info_build(value, &reply->build)) {
        return fail(err, "its build can't be read", value);
    }
    if (!tnd_info_build_is_supported(reply->build)) {
        return fail(err, "its server is too old, 6.0 or newer is needed", value);
    }
    return read_cluster_name(t, body, err);
}

/* What is said about us is never checked: an old server leaves it out or refuses it. */
static as_status read_connection(tnd_slice body, as_error* err)
{
    tnd_slice value;
    if (tnd_info_find(body, "connection", &value) && tnd_slice_equals_text(value, "admin=true")) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "this is its admin port, the service port is needed");
    }
    return AEROSPIKE_OK;
}

static as_status read_poll(tnd_slice body, tend_reply* reply, as_error* err)
{
    tnd_slice value;
    if (find(body, "node", &reply->node, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!tnd_info_node_name(reply->node)) {
        return fail(err, "not a node name", reply->node);
    }
    if (find(body, "peers-generation", &value, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!tnd_slice_u64(value, UINT64_MAX, &reply->peers_generation)) {
        return fail(err, "not a peers generation", value);
    }
    if (find(body, "partition-generation", &value, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (!tnd_info_generation(value, &reply->partitions_generation)) {
        return fail(err, "not a partition generation", value);
    }
    return AEROSPIKE_OK;
}

/* Racks are never a reason to think ill of a node: a Community server refuses to speak of them. */
static void read_racks(unsigned asked, tnd_slice body, tend_reply* reply)
{
    tnd_slice value;
    const char* reason;
    tnd_info_error refused;
    reply->rebalance_generation = TND_VIEW_UNKNOWN;
    if (tnd_info_find(body, "rebalance-generation", &value) &&
        !tnd_info_generation(value, &reply->rebalance_generation)) {
        reply->rebalance_generation = TND_VIEW_UNKNOWN;
    }
    reply->has_racks = asked & TEND_ASK_RACKS && tnd_info_find(body, "rack-ids", &value) &&
                       !tnd_info_value_error(value, &refused) &&
                       tnd_info_racks_open(&reply->racks, value, &reason);
}

static as_status read_lists(const tnd_tender* t, unsigned asked, tnd_slice body, tend_reply* reply,
                            as_error* err)
{
    tnd_slice value;
    const char* reason;
    if (asked & TEND_ASK_PEERS) {
        if (find(body, peers_command(t), &value, err) != AEROSPIKE_OK) {
            return err->code;
        }
        if (!tnd_info_peers_open(&reply->peers, value, &reason)) {
            return fail(err, reason, value);
        }
    }
    if (asked & TEND_ASK_SERVICE) {
        if (find(body, service_command(t), &value, err) != AEROSPIKE_OK) {
            return err->code;
        }
        if (!tnd_info_service(&reply->service, value, &reason)) {
            return fail(err, reason, value);
        }
    }
    if (asked & TEND_ASK_MAP) {
        if (find(body, "replicas:max=3", &value, err) != AEROSPIKE_OK) {
            return err->code;
        }
        if (!tnd_part_open(&reply->replicas, value, TEND_COLUMNS, &reason)) {
            return fail(err, reason, value);
        }
    }
    return AEROSPIKE_OK;
}

as_status tend_reply_read(const tnd_tender* t, unsigned asked, tnd_slice body,
                          tend_reply* ret_reply, as_error* err)
{
    memset(ret_reply, 0, sizeof(*ret_reply));
    tnd_info_error refused;
    if (tnd_info_body_error(body, &refused)) {
        return fail(err, "it refuses info requests", refused.text);
    }
    if (read_poll(body, ret_reply, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if ((asked & TEND_ASK_IDENTITY) && read_identity(t, body, ret_reply, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if ((asked & TEND_ASK_AGENT) && read_connection(body, err) != AEROSPIKE_OK) {
        return err->code;
    }
    read_racks(asked, body, ret_reply);
    return read_lists(t, asked, body, ret_reply, err);
}

/* ---- addresses ---- */

void tend_addr_from_lookup(const tnd_lookup_addr* from, uint16_t port, tnd_view_addr* ret_addr)
{
    memset(ret_addr, 0, sizeof(*ret_addr));
    ret_addr->family = from->family;
    ret_addr->port = port;
    memcpy(ret_addr->bytes, from->bytes, from->family == AF_INET ? 4 : 16);
}

bool tend_addr_parse(const char* name, uint16_t port, tnd_view_addr* ret_addr)
{
    tnd_lookup_addr addr;
    if (!tnd_address_parse(name, &addr)) {
        return false;
    }
    tend_addr_from_lookup(&addr, port, ret_addr);
    return true;
}

void tend_addr_text(const tnd_view_addr* addr, char* ret_text, size_t size)
{
    tnd_lookup_addr from = {.family = addr->family};
    memcpy(from.bytes, addr->bytes, sizeof(from.bytes));
    tnd_address_format(&from, addr->port, ret_text, size);
}

const char* tend_ip_map(const tnd_tender* t, const char* name)
{
    for (uint32_t i = 0; t->config->ip_map && i < t->config->ip_map_size; i++) {
        const as_addr_map* entry = &t->config->ip_map[i];
        if (entry->orig && entry->alt && strcmp(entry->orig, name) == 0) {
            return entry->alt;
        }
    }
    return name;
}

bool tend_host_parse(const tnd_tender* t, const tnd_info_host* host, char* room,
                     tnd_view_addr* ret_addr)
{
    snprintf(room, TND_INFO_HOST_CHARS_MAX + 1, "%.*s", (int)host->name.size, host->name.data);
    const char* name = tend_ip_map(t, room);
    if (name != room) {
        snprintf(room, TND_INFO_HOST_CHARS_MAX + 1, "%s", name);
    }
    return tend_addr_parse(room, host->port, ret_addr);
}
