/*
 * The text protocol in which nodes describe themselves (protocol/cluster.md 2): requests out of
 * command lines, replies as name and value pairs, and parsers of the values that tending needs.
 *
 * Everything works in place on slices of the reply's body. The parsers of lists check the whole
 * text when they're opened, so that a malformed list is refused as a whole with a reason (static
 * text) and the iteration that follows can't fail.
 */
#ifndef TENDRIL_CORE_INFO_H
#define TENDRIL_CORE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/slice.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TND_INFO_COMMAND_CHARS_MAX = 31, /* a longer name is unknown to every server */
    TND_INFO_NODE_CHARS_MAX = 16,
    TND_INFO_HOST_CHARS_MAX = 255,
    TND_INFO_TLS_NAME_CHARS_MAX = 255,
    TND_INFO_NS_CHARS_MAX = 31,
    TND_INFO_PEERS_MAX =
        1024, /* bounds of ours on work per reply; clusters have at most 256 nodes */
    TND_INFO_HOSTS_MAX = 256, /* per peer */
    TND_INFO_DEFAULT_PORT = 3000,
};

/* --- requests and replies --- */

/* Appends a complete request (frame included): each command ended by LF, in the given order. There
   is at least one, none is empty or holds a LF (asserted: they're our own words). */
void tnd_info_request(tnd_buf* buf, const char* const* commands, size_t commands_count);

typedef struct tnd_info_line {
    tnd_slice name;  /* the command as the server echoes it */
    tnd_slice value; /* empty when the line has no TAB */
} tnd_info_line;

/* Takes the next line off the body of a reply. Empty lines without TAB are skipped. False at the
 * end. */
bool tnd_info_next(tnd_slice* rest, tnd_info_line* ret_line);

/* Finds the answer to `command`: the line that echoes it exactly, else the first one whose echo
   agrees with it up to the first ':', '/' or ';'. False if no line does (older servers leave
   unknown commands out). */
bool tnd_info_find(tnd_slice body, const char* command, tnd_slice* ret_value);

typedef struct tnd_info_error {
    int32_t code;   /* protocol result code, 1 .. 255; 1 where the server gave none */
    tnd_slice text; /* may be empty */
} tnd_info_error;

/* True if a value is an error rather than an answer ("ERROR:", "FAIL:" or "error=" at its start).
 */
bool tnd_info_value_error(tnd_slice value, tnd_info_error* ret_error);

/* True if the whole request was refused: the body starts with an error instead of an echo. */
bool tnd_info_body_error(tnd_slice body, tnd_info_error* ret_error);

/* --- build --- */

#define TND_BUILD(major, minor, patch, build)                                                      \
    (((uint64_t)(major) << 48) | ((uint64_t)(minor) << 32) | ((uint64_t)(patch) << 16) |           \
     (uint64_t)(build))

#define TND_BUILD_MIN TND_BUILD(6, 0, 0, 0)
#define TND_BUILD_REPLICAS_MAX TND_BUILD(5, 0, 0, 0)
#define TND_BUILD_USER_AGENT TND_BUILD(8, 1, 0, 0)

/* `major.minor.patch[.build][-suffix]` as a number that compares like the version. Each part is at
   most 65535; three are mandatory, the fourth counts as 0 when absent, the rest is ignored. */
bool tnd_info_build(tnd_slice value, uint64_t* ret_build);

static inline bool tnd_info_build_is_supported(uint64_t build)
{
    return build >= TND_BUILD_MIN;
}

/* Whether the node understands `replicas:max=n`. */
static inline bool tnd_info_build_has_replicas_max(uint64_t build)
{
    return build >= TND_BUILD_REPLICAS_MAX;
}

/* Whether the node wants `user-agent-set`. */
static inline bool tnd_info_build_has_user_agent(uint64_t build)
{
    return build >= TND_BUILD_USER_AGENT;
}

/* --- single values --- */

/* `node`: 1 .. 16 letters or digits. Servers print upper-case hex; nothing here depends on that. */
bool tnd_info_node_name(tnd_slice value);

/* `partition-generation`: -1 while the node isn't ready. */
bool tnd_info_generation(tnd_slice value, int64_t* ret_generation);

/* --- hosts, `service-*` --- */

typedef struct tnd_info_host {
    tnd_slice name; /* 1 .. 255 graphic bytes; an IPv6 address without its brackets */
    uint16_t port;  /* 1 .. 65535 */
    bool is_ipv6;   /* came in brackets */
} tnd_info_host;

/* Hosts of a list that has been checked already. */
typedef struct tnd_info_hosts {
    tnd_slice rest;
    uint16_t default_port; /* of hosts printed without one; 0 = every host has one */
} tnd_info_hosts;

/* A `service-*` value: hosts with ports, joined by ','. An empty value is legal and has none. */
bool tnd_info_service(tnd_info_hosts* hosts, tnd_slice value, const char** ret_reason);

/* False when none is left. */
bool tnd_info_host_next(tnd_info_hosts* hosts, tnd_info_host* ret_host);

/* --- `peers-*` --- */

typedef struct tnd_info_peers {
    tnd_slice rest;
    uint64_t generation;   /* the peers generation that this list belongs to */
    uint16_t default_port; /* 3000 where the list names none */
    uint32_t peers_count;
} tnd_info_peers;

typedef struct tnd_info_peer {
    tnd_slice node;       /* as tnd_info_node_name */
    tnd_slice tls_name;   /* empty in the clear variants */
    tnd_info_hosts hosts; /* possibly none, possibly the same one twice */
} tnd_info_peer;

bool tnd_info_peers_open(tnd_info_peers* peers, tnd_slice value, const char** ret_reason);

/* False when none is left. */
bool tnd_info_peer_next(tnd_info_peers* peers, tnd_info_peer* ret_peer);

/* --- `rack-ids` --- */

typedef struct tnd_info_racks {
    tnd_slice rest;
} tnd_info_racks;

typedef struct tnd_info_rack {
    tnd_slice ns; /* 1 .. 31 graphic bytes */
    int32_t id;
} tnd_info_rack;

/* `ns:id` joined by ';' (a trailing one is tolerated). An empty value is legal and has none. */
bool tnd_info_racks_open(tnd_info_racks* racks, tnd_slice value, const char** ret_reason);

/* False when none is left. */
bool tnd_info_rack_next(tnd_info_racks* racks, tnd_info_rack* ret_rack);

/* --- user agent (protocol/cluster.md 9.1) --- */

enum {
    TND_INFO_USER_AGENT_CHARS_MAX = 63, /* plain text; the server refuses more */
    TND_INFO_USER_AGENT_COMMAND_SIZE =
        108, /* "user-agent-set:value=", 84 of base64, NUL, rounded up */
};

/* Writes the whole command `user-agent-set:value=<base64>` (NUL-terminated) for the plain text
   `1,tendril-<version>,<app_id>`, cut to 63 bytes. An empty app_id counts as "not-set". Returns its
   length. */
size_t tnd_info_user_agent(const char* version, tnd_slice app_id,
                           char ret_command[TND_INFO_USER_AGENT_COMMAND_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
