/*
 * Info text. The input is the body of a reply; each of its values, and the input as a whole, goes
 * through every parser of values. Promises: what opens iterates to its end and yields fields within
 * bounds.
 */
#include "core/info.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static uint32_t check_hosts(tnd_info_hosts hosts)
{
    tnd_info_host host;
    uint32_t count = 0;
    while (tnd_info_host_next(&hosts, &host)) {
        must(host.name.size >= 1 && host.name.size <= TND_INFO_HOST_CHARS_MAX);
        must(tnd_slice_is_graphic(host.name));
        must(host.port > 0);
        count++;
    }
    must(hosts.rest.size == 0);
    must(count <= TND_INFO_HOSTS_MAX);
    return count;
}

static void check_peers(tnd_slice value)
{
    tnd_info_peers peers;
    tnd_info_peer peer;
    const char* reason = NULL;
    if (!tnd_info_peers_open(&peers, value, &reason)) {
        must(reason);
        return;
    }
    uint32_t count = 0;
    while (tnd_info_peer_next(&peers, &peer)) {
        must(tnd_info_node_name(peer.node));
        must(peer.tls_name.size <= TND_INFO_TLS_NAME_CHARS_MAX);
        check_hosts(peer.hosts);
        count++;
    }
    must(count == peers.peers_count && count <= TND_INFO_PEERS_MAX);
    must(tnd_slice_equals_text(peers.rest, "]"));
}

static void check_lists(tnd_slice value)
{
    tnd_info_hosts hosts;
    tnd_info_racks racks;
    tnd_info_rack rack;
    const char* reason = NULL;
    if (tnd_info_service(&hosts, value, &reason)) {
        must(check_hosts(hosts) > 0 || value.size == 0);
    }
    if (tnd_info_racks_open(&racks, value, &reason)) {
        while (tnd_info_rack_next(&racks, &rack)) {
            must(rack.ns.size >= 1 && rack.ns.size <= TND_INFO_NS_CHARS_MAX);
        }
        must(racks.rest.size == 0);
    }
}

static void check_value(tnd_slice value)
{
    tnd_info_error error;
    uint64_t build;
    int64_t generation;
    if (tnd_info_value_error(value, &error)) {
        must(error.code >= 1 && error.code <= 255);
        must(error.text.size <= value.size);
    }
    if (tnd_info_build(value, &build)) {
        must(value.size >= 5);
    }
    if (tnd_info_generation(value, &generation)) {
        must(generation >= -1);
    }
    check_peers(value);
    check_lists(value);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    char command[TND_INFO_USER_AGENT_COMMAND_SIZE];
    tnd_slice body = tnd_slice_of(data, size);
    tnd_slice rest = body;
    tnd_slice value;
    tnd_info_line line;
    tnd_info_error error;
    bool is_refused = tnd_info_body_error(body, &error);
    bool is_first = true;
    while (tnd_info_next(&rest, &line)) {
        must(tnd_slice_find(line.name, '\n') == line.name.size);
        must(tnd_slice_find(line.value, '\n') == line.value.size);
        must(is_refused || !is_first || !tnd_info_value_error(line.name, &error));
        is_first = false;
        check_value(line.value);
    }
    must(rest.size == 0);
    tnd_info_find(body, "node", &value);
    tnd_info_find(body, "replicas:max=3", &value);
    check_value(body);
    must(tnd_info_user_agent("0.1.0", body, command) == strlen(command));
    return 0;
}
