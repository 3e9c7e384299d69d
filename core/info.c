/*
 * Info text. See info.h; grammars in protocol/cluster.md 2.
 *
 * Each list has one "take" function that checks as it takes. Opening a list runs it over the whole
 * text once for the verdict; iterating runs it again for the pieces. Texts are short and tends are
 * rare, so the second walk costs nothing that matters, and no half-parsed list is ever visible.
 */
#include "core/info.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool info_fail(const char* reason, const char** ret_reason)
{
    *ret_reason = reason;
    return false;
}

/* --- requests and replies --- */

void tnd_info_request(tnd_buf* buf, const char* const* commands, size_t commands_count)
{
    /* Body size 0 asks for a deprecated summary, or costs the connection (protocol/cluster.md 1.3).
     */
    assert(commands_count > 0);
    uint64_t body_size = 0;
    for (size_t i = 0; i < commands_count; i++) {
        assert(commands[i][0] != '\0' && !strchr(commands[i], '\n'));
        body_size += strlen(commands[i]) + 1;
    }
    enum {
        VERSION = 2,
        TYPE_INFO = 1
    };
    tnd_buf_append_be64(buf, (uint64_t)VERSION << 56 | (uint64_t)TYPE_INFO << 48 | body_size);
    for (size_t i = 0; i < commands_count; i++) {
        tnd_buf_append_text(buf, commands[i]);
        tnd_buf_append_u8(buf, '\n');
    }
}

bool tnd_info_next(tnd_slice* rest, tnd_info_line* ret_line)
{
    while (rest->size > 0) {
        tnd_slice line;
        tnd_slice_cut(rest, '\n', &line); /* a last line may lack its LF */
        if (line.size > 0) {
            tnd_slice_cut(&line, '\t', &ret_line->name);
            ret_line->value = line;
            return true;
        }
    }
    return false;
}

/* Takes everything before the first byte that is one of `stops`. */
static tnd_slice info_take_until(tnd_slice* rest, const char* stops)
{
    size_t stops_count = strlen(stops);
    size_t size = 0;
    while (size < rest->size && !memchr(stops, rest->data[size], stops_count)) {
        size++;
    }
    return tnd_slice_take(rest, size);
}

/* The command without its parameters. */
static tnd_slice info_base_name(tnd_slice command)
{
    return info_take_until(&command, "/:;");
}

bool tnd_info_find(tnd_slice body, const char* command, tnd_slice* ret_value)
{
    tnd_slice wanted = tnd_slice_text(command);
    tnd_slice base = info_base_name(wanted);
    tnd_info_line line;
    bool found = false;
    while (tnd_info_next(&body, &line)) {
        if (tnd_slice_equals(line.name, wanted)) {
            *ret_value = line.value;
            return true;
        }
        if (!found && tnd_slice_equals(info_base_name(line.name), base)) {
            *ret_value = line.value;
            found = true;
        }
    }
    return found;
}

/* "<code>:<text>", ":<text>" or, from very old servers, "<text>". */
static tnd_info_error info_error_parse(tnd_slice rest)
{
    enum {
        CODE_UNSPECIFIED = 1,
        CODE_MAX = 255 /* all result codes fit a byte */
    };
    tnd_slice text = rest;
    tnd_slice digits;
    uint64_t code = 0;
    bool has_code = tnd_slice_cut(&text, ':', &digits);
    bool is_number = tnd_slice_u64(digits, CODE_MAX, &code) && code > 0;
    if (has_code && (is_number || digits.size == 0)) {
        return (tnd_info_error){.code = is_number ? (int32_t)code : CODE_UNSPECIFIED, .text = text};
    }
    return (tnd_info_error){.code = CODE_UNSPECIFIED, .text = rest};
}

#define CODE_UDF 100

bool tnd_info_value_error(tnd_slice value, tnd_info_error* ret_error)
{
    static const char* const markers[] = {"ERROR:", "FAIL:"};
    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        if (tnd_slice_starts_with(value, markers[i])) {
            tnd_slice_take(&value, strlen(markers[i]));
            *ret_error = info_error_parse(value);
            return true;
        }
    }
    if (tnd_slice_starts_with(value, "error=")) {
        tnd_slice_take(&value, strlen("error="));
        *ret_error = (tnd_info_error){.code = CODE_UDF, .text = value}; /* of files of UDFs alone */
        return true;
    }
    return false;
}

bool tnd_info_body_error(tnd_slice body, tnd_info_error* ret_error)
{
    tnd_info_line line;
    return tnd_info_next(&body, &line) && tnd_info_value_error(line.name, ret_error);
}

/* --- build --- */

/* Takes the digits at the front: at least one, a number of at most 65535. */
static bool info_take_u16(tnd_slice* rest, uint64_t* ret_part)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9') {
        size++;
    }
    return tnd_slice_u64(tnd_slice_take(rest, size), UINT16_MAX, ret_part);
}

bool tnd_info_build(tnd_slice value, uint64_t* ret_build)
{
    uint64_t parts[4] = {0};
    if (!info_take_u16(&value, &parts[0]) || !tnd_slice_accept(&value, '.') ||
        !info_take_u16(&value, &parts[1]) || !tnd_slice_accept(&value, '.') ||
        !info_take_u16(&value, &parts[2])) {
        return false;
    }
    if (tnd_slice_accept(&value, '.') && !info_take_u16(&value, &parts[3])) {
        parts[3] = 0; /* "8.1.0.rc2": a suffix rather than a number */
    }
    *ret_build = TND_BUILD(parts[0], parts[1], parts[2], parts[3]);
    return true;
}

/* --- single values --- */

bool tnd_info_node_name(tnd_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            return false;
        }
    }
    return value.size > 0 && value.size <= TND_INFO_NODE_CHARS_MAX;
}

bool tnd_info_generation(tnd_slice value, int64_t* ret_generation)
{
    return tnd_slice_i64(value, -1, INT32_MAX, ret_generation);
}

/* --- hosts --- */

/* Takes "[ipv6]" or a name that ends at ':', ',' or ']'. */
static bool host_take_name(tnd_slice* rest, tnd_info_host* host)
{
    host->is_ipv6 = tnd_slice_accept(rest, '[');
    if (host->is_ipv6) {
        if (!tnd_slice_cut(rest, ']', &host->name)) {
            return false;
        }
    } else {
        host->name = info_take_until(rest, ":,]");
    }
    return host->name.size > 0 && host->name.size <= TND_INFO_HOST_CHARS_MAX &&
           tnd_slice_is_graphic(host->name) && tnd_slice_find(host->name, '[') == host->name.size &&
           tnd_slice_find(host->name, ',') == host->name.size;
}

static bool port_take(tnd_slice* rest, uint16_t* ret_port)
{
    uint64_t port;
    if (!info_take_u16(rest, &port)) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

/* Takes one host, up to but without the ',' or ']' that follows it. */
static bool host_take(tnd_slice* rest, uint16_t default_port, tnd_info_host* ret_host)
{
    tnd_info_host host = {.port = default_port};
    if (!host_take_name(rest, &host)) {
        return false;
    }
    if (tnd_slice_accept(rest, ':') && !port_take(rest, &host.port)) {
        return false;
    }
    *ret_host = host;
    return host.port > 0; /* 0: printed so, or absent where there's no default */
}

/* Takes hosts joined by ',' for as long as they follow each other. Stops behind the last one. */
static bool hosts_check(tnd_slice* rest, uint16_t default_port)
{
    tnd_info_host host;
    for (uint32_t count = 0; count < TND_INFO_HOSTS_MAX; count++) {
        if (!host_take(rest, default_port, &host)) {
            return false;
        }
        if (!tnd_slice_accept(rest, ',')) {
            return true;
        }
    }
    return false;
}

bool tnd_info_service(tnd_info_hosts* hosts, tnd_slice value, const char** ret_reason)
{
    tnd_slice rest = value;
    if (value.size > 0 && (!hosts_check(&rest, 0) || rest.size > 0)) {
        return info_fail("service: bad list of hosts", ret_reason);
    }
    *hosts = (tnd_info_hosts){.rest = value};
    return true;
}

bool tnd_info_host_next(tnd_info_hosts* hosts, tnd_info_host* ret_host)
{
    if (hosts->rest.size == 0 || !host_take(&hosts->rest, hosts->default_port, ret_host)) {
        return false;
    }
    tnd_slice_accept(&hosts->rest, ',');
    return true;
}

/* --- peers --- */

/* "generation,[defport]," off the front. */
static bool peers_take_head(tnd_info_peers* peers, const char** ret_reason)
{
    tnd_slice generation, port;
    uint64_t port_value = TND_INFO_DEFAULT_PORT;
    if (!tnd_slice_cut(&peers->rest, ',', &generation) ||
        !tnd_slice_u64(generation, UINT64_MAX, &peers->generation)) {
        return info_fail("peers: bad generation", ret_reason);
    }
    if (!tnd_slice_cut(&peers->rest, ',', &port) ||
        (port.size > 0 && !tnd_slice_u64(port, UINT16_MAX, &port_value)) || port_value == 0) {
        return info_fail("peers: bad default port", ret_reason);
    }
    peers->default_port = (uint16_t)port_value;
    return true;
}

/* "[node,[tlsname],[hosts]]" off the front. The hosts' slice is what stands between their brackets.
 */
static bool peer_take(tnd_info_peers* peers, tnd_info_peer* ret_peer, const char** ret_reason)
{
    tnd_slice* rest = &peers->rest;
    tnd_info_peer peer = {.hosts.default_port = peers->default_port};
    if (!tnd_slice_accept(rest, '[') || !tnd_slice_cut(rest, ',', &peer.node) ||
        !tnd_info_node_name(peer.node)) {
        return info_fail("peers: bad node name", ret_reason);
    }
    if (!tnd_slice_cut(rest, ',', &peer.tls_name) ||
        peer.tls_name.size > TND_INFO_TLS_NAME_CHARS_MAX || !tnd_slice_is_graphic(peer.tls_name)) {
        return info_fail("peers: bad TLS name", ret_reason);
    }
    if (!tnd_slice_accept(rest, '[')) {
        return info_fail("peers: a list of hosts is missing", ret_reason);
    }
    tnd_slice hosts = *rest;
    if (!tnd_slice_accept(rest, ']')) {
        if (!hosts_check(rest, peers->default_port)) {
            return info_fail("peers: bad host or port", ret_reason);
        }
        peer.hosts.rest = tnd_slice_take(&hosts, hosts.size - rest->size);
        if (!tnd_slice_accept(rest, ']')) {
            return info_fail("peers: a list of hosts doesn't end", ret_reason);
        }
    }
    if (!tnd_slice_accept(rest, ']')) {
        return info_fail("peers: a peer doesn't end", ret_reason);
    }
    *ret_peer = peer;
    return true;
}

/* Checks "peer,peer,...]" behind the first bracket. */
static bool peers_check(tnd_info_peers* peers, const char** ret_reason)
{
    tnd_info_peer peer;
    do {
        if (peers->peers_count == TND_INFO_PEERS_MAX) {
            return info_fail("peers: too many", ret_reason);
        }
        if (!peer_take(peers, &peer, ret_reason)) {
            return false;
        }
        peers->peers_count++;
    } while (tnd_slice_accept(&peers->rest, ','));
    if (!tnd_slice_accept(&peers->rest, ']')) {
        return info_fail("peers: the list doesn't end", ret_reason);
    }
    return true;
}

bool tnd_info_peers_open(tnd_info_peers* peers, tnd_slice value, const char** ret_reason)
{
    tnd_info_peers probe = {.rest = value};
    if (!peers_take_head(&probe, ret_reason)) {
        return false;
    }
    if (!tnd_slice_accept(&probe.rest, '[')) {
        return info_fail("peers: the list is missing", ret_reason);
    }
    tnd_slice list = probe.rest;
    if (!tnd_slice_accept(&probe.rest, ']') && !peers_check(&probe, ret_reason)) {
        return false;
    }
    if (probe.rest.size > 0) {
        return info_fail("peers: something follows the list", ret_reason);
    }
    *peers = probe;
    peers->rest = list;
    return true;
}

bool tnd_info_peer_next(tnd_info_peers* peers, tnd_info_peer* ret_peer)
{
    const char* reason;
    if (peers->rest.size == 0 || peers->rest.data[0] != '[' ||
        !peer_take(peers, ret_peer, &reason)) {
        return false;
    }
    tnd_slice_accept(&peers->rest, ',');
    return true;
}

/* --- racks --- */

static bool rack_take(tnd_slice* rest, tnd_info_rack* ret_rack)
{
    tnd_slice item;
    tnd_info_rack rack;
    int64_t id;
    tnd_slice_cut(rest, ';', &item);
    if (!tnd_slice_cut(&item, ':', &rack.ns) || rack.ns.size == 0 ||
        rack.ns.size > TND_INFO_NS_CHARS_MAX || !tnd_slice_is_graphic(rack.ns) ||
        !tnd_slice_i64(item, INT32_MIN, INT32_MAX, &id)) {
        return false;
    }
    rack.id = (int32_t)id;
    *ret_rack = rack;
    return true;
}

bool tnd_info_racks_open(tnd_info_racks* racks, tnd_slice value, const char** ret_reason)
{
    tnd_slice rest = value;
    tnd_info_rack rack;
    while (rest.size > 0) {
        if (!rack_take(&rest, &rack)) {
            return info_fail("rack-ids: not a list of namespace:id", ret_reason);
        }
    }
    racks->rest = value;
    return true;
}

bool tnd_info_rack_next(tnd_info_racks* racks, tnd_info_rack* ret_rack)
{
    return racks->rest.size > 0 && rack_take(&racks->rest, ret_rack);
}

/* --- user agent --- */

/* Standard alphabet, padded. `ret_text` has room for 4 characters per started 3 bytes and the NUL.
 */
static size_t base64_encode(const uint8_t* bytes, size_t size, char* ret_text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)bytes[i + 2] : 0;
        ret_text[length++] = alphabet[bits >> 18];
        ret_text[length++] = alphabet[bits >> 12 & 63];
        ret_text[length++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        ret_text[length++] = left > 2 ? alphabet[bits & 63] : '=';
    }
    ret_text[length] = '\0';
    return length;
}

size_t tnd_info_user_agent(const char* version, tnd_slice app_id,
                           char ret_command[TND_INFO_USER_AGENT_COMMAND_SIZE])
{
    static const char command[] = "user-agent-set:value=";
    static_assert(sizeof(command) + (TND_INFO_USER_AGENT_CHARS_MAX + 2) / 3 * 4 <=
                      TND_INFO_USER_AGENT_COMMAND_SIZE,
                  "room for the longest user agent");
    char plain[TND_INFO_USER_AGENT_CHARS_MAX + 1];
    if (app_id.size == 0) {
        app_id = tnd_slice_text("not-set");
    }
    if (app_id.size > TND_INFO_USER_AGENT_CHARS_MAX) {
        app_id.size = TND_INFO_USER_AGENT_CHARS_MAX;
    }
    /* Cut by snprintf to what the server takes. */
    snprintf(plain, sizeof(plain), "1,tendril-%s,%.*s", version, (int)app_id.size, app_id.data);
    memcpy(ret_command, command, sizeof(command));
    return strlen(command) +
           base64_encode((const uint8_t*)plain, strlen(plain), ret_command + strlen(command));
}
