/**
 * Everything that describes a client before it connects: seeds, limits, defaults of the policies,
 * shared memory.
 *
 * as_config_init() sets every default. aerospike_init() takes a shallow copy: from then on the
 * strings and vectors belong to the client, and the program's struct is not to be destroyed. A
 * field whose feature isn't there yet is refused at connect when it is set, never ignored in
 * silence.
 */
#pragma once

#include <aerospike/as_host.h>
#include <aerospike/as_password.h>
#include <aerospike/as_policy.h>
#include <aerospike/as_std.h>
#include <aerospike/as_vector.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Default of as_config_lua.user_path. */
#define AS_CONFIG_LUA_USER_PATH "/opt/aerospike/client/usr/udf/lua"
/** Bytes of a path with its terminator. */
#define AS_CONFIG_PATH_MAX_SIZE 256
/** Most bytes of a path. */
#define AS_CONFIG_PATH_MAX_LEN (AS_CONFIG_PATH_MAX_SIZE - 1)
/** Least tender_interval in ms. */
#define AS_TEND_INTERVAL_MIN 250
/** Default of as_config_provider.interval in ms. */
#define AS_CONFIG_PROVIDER_INTERVAL_DEFAULT 5000

/** How a client proves who it is. */
typedef enum as_auth_mode_e {
    /** Hashed password. */
    AS_AUTH_INTERNAL = 0,
    /** Clear password, only over TLS. */
    AS_AUTH_EXTERNAL = 1,
    /** Clear password anyway. */
    AS_AUTH_EXTERNAL_INSECURE = 2,
    /** TLS client certificate, no user. */
    AS_AUTH_PKI = 3
} as_auth_mode;

typedef enum as_cluster_event_type_e {
    AS_CLUSTER_ADD_NODE = 0,
    AS_CLUSTER_REMOVE_NODE = 1,
    /** No node is left. */
    AS_CLUSTER_DISCONNECTED = 2
} as_cluster_event_type;

/** Valid only during the callback. */
typedef struct as_cluster_event_s {
    /** "" for AS_CLUSTER_DISCONNECTED. */
    const char* node_name;
    /** "" for AS_CLUSTER_DISCONNECTED. */
    const char* node_address;
    void* udata;
    as_cluster_event_type type;
} as_cluster_event;

/**
 * Told of nodes that come and go, from the client's event loop, the first ones before the connect's
 * listener. May submit commands and close the client. A client that is connected without an event
 * loop isn't told.
 */
typedef void (*as_cluster_event_callback)(as_cluster_event* event);

/** Translates an address that a server announces into one that the client can reach. */
typedef struct as_addr_map_s {
    char* orig;
    char* alt;
} as_addr_map;

/** A file whose settings override the program's. */
typedef struct as_config_provider_s {
    /** NULL for none. */
    char* path;
    /** Time between two looks at the file in ms. */
    uint32_t interval;
} as_config_provider;

/** Functions that run in the client. */
typedef struct as_config_lua_s {
    bool cache_enabled;
    char user_path[AS_CONFIG_PATH_MAX_SIZE];
} as_config_lua;

/** TLS. Strings are malloc memory and belong to the configuration. */
typedef struct as_config_tls_s {
    bool enable;
    /** Trusted authorities: file, text, folder. The file wins over the text; none: the system's. */
    char* cafile;
    char* castring;
    char* capath;
    /** As Apache's SSLProtocol; NULL is "-all +TLSv1.2". */
    char* protocols;
    /** OpenSSL's list of ciphers. */
    char* cipher_suite;
    /** File of refused serial numbers in hex, one a line, optionally with the issuer's name. */
    char* cert_blacklist;
    /** Client key: file, its password, text. The file wins. */
    char* keyfile;
    char* keyfile_pw;
    char* keystring;
    /** Client certificates: file, text. The file wins. */
    char* certfile;
    char* certstring;
    /** Revocation lists for the server's certificate, or the whole chain. */
    bool crl_check;
    bool crl_check_all;
    /** Log each handshake. */
    bool log_session_info;
    /** TLS for the login only, clear text afterwards. */
    bool for_login_only;
} as_config_tls;

typedef struct as_config_s {
    /** Vector of as_host, filled by calls; NULL for none. */
    as_vector* hosts;
    /** "" for none. */
    char user[AS_USER_SIZE];
    /** Clear text. */
    char password[AS_PASSWORD_SIZE];
    /** If set, nodes that report another name are refused. */
    char* cluster_name;
    /** Name of the application, for the servers' records; NULL for none. */
    char* app_id;
    /** Called when nodes come and go; NULL for none. */
    as_cluster_event_callback event_callback;
    void* event_callback_udata;
    /**
     * Addresses as published by the servers (or given as seeds), and what to use instead of each.
     * Array of the caller's, copied at connect; compared as text.
     */
    as_addr_map* ip_map;
    uint32_t ip_map_size;
    /** Connections per node of synchronous commands. */
    uint32_t min_conns_per_node;
    uint32_t max_conns_per_node;
    /**
     * Connections per node of asynchronous commands, in this process: opened ahead, and at most.
     * Those opened ahead are opened by and by, at another moment in each process, and nothing waits
     * for them.
     */
    uint32_t async_min_conns_per_node;
    uint32_t async_max_conns_per_node;
    /** Most connections per node of pipelined commands. */
    uint32_t pipe_max_conns_per_node;
    /** Accepted and unused: there is one pool. */
    uint32_t conn_pools_per_node;
    /** The tender's limit for connecting and for an info request, in ms; 0 is 1000. */
    uint32_t conn_timeout_ms;
    /** Limit of a login in ms; 0 is 5000. */
    uint32_t login_timeout_ms;
    /** Seconds after which an idle connection isn't used again, up to 86400; 0 for never. */
    uint32_t max_socket_idle;
    /**
     * Errors of a node within a window (connections that failed or that the client gave up, answers
     * 11 and 18) beyond which commands to it fail at once, with AEROSPIKE_MAX_ERROR_RATE, until the
     * window is over; 0 for never. After such a window the limit is halved, after a good one it is
     * doubled up to this. Each process counts for itself: see shm_error_rate.
     */
    uint32_t max_error_rate;
    /** That window, in intervals of the tender. */
    uint32_t error_rate_window;
    /** Time between two tends in ms, at least AS_TEND_INTERVAL_MIN. */
    uint32_t tender_interval;
    /** Accepted and unused: there are no threads. */
    uint32_t thread_pool_size;
    /** Accepted and unused: there is no tend thread. */
    int tend_thread_cpu;
    /** What a command takes where the program passes no policy. */
    as_policies policies;
    as_config_provider config_provider;
    as_config_lua lua;
    as_config_tls tls;
    as_auth_mode auth_mode;
    /** Connecting fails if no seed answers. */
    bool fail_if_not_connected;
    /** Use the servers' alternate addresses (alternate-access-address). */
    bool use_services_alternate;
    /**
     * Test aid: everything goes to the first seed, whatever partitions it has and whatever peers it
     * names. Not together with use_shm.
     */
    bool force_single_node;
    /**
     * Reads with AS_POLICY_REPLICA_PREFER_RACK prefer the nodes of a rack; without it they go as
     * AS_POLICY_REPLICA_SEQUENCE does.
     */
    bool rack_aware;
    /** That rack, if `rack_ids` is NULL. */
    int rack_id;
    /** Vector of int in order of preference, filled by as_config_add_rack_id(). */
    as_vector* rack_ids;
    /** Share the cluster's state with the host's other processes through System V shared memory. */
    bool use_shm;
    /** Key of the segment, one per cluster. 0xA7000000. */
    int shm_key;
    /** Nodes that the segment holds: fixes its size. */
    uint32_t shm_max_nodes;
    /** Namespaces that the segment holds: fixes its size. */
    uint32_t shm_max_namespaces;
    /** Seconds of silence of a tender that still exists after which another process takes over. */
    uint32_t shm_takeover_threshold_sec;

    /* Not in the official client. */

    /** Permission bits of a segment that this process creates. 0600. */
    uint32_t shm_mode;
    /**
     * What max_error_rate counts are the errors of all processes on the segment that have this set,
     * so that all of them leave a failing node alone together. False: each counts its own.
     */
    bool shm_error_rate;
    /**
     * Connections to a node of all processes on the segment together, at most; 0 for any number.
     * Each process may have one whatever the others have. What a process that died had is free
     * again at once.
     */
    uint32_t shm_max_conns_per_node;
    /**
     * Connections per second that all processes on the segment together open to a node, at most
     * (1 to 1000000); 0 for any number. Further ones wait for their turn, so that a restart of many
     * processes is no storm.
     */
    uint32_t shm_connect_rate;
    /**
     * Connections per node that asynchronous reads open before they share: requests then follow
     * each other on one connection and are answered in order. Writes, which wait for replicas,
     * share only when async_max_conns_per_node are open. 4; at least 1; as many as
     * async_max_conns_per_node: reads share at the limit only.
     */
    uint32_t async_share_conns;
    /** Requests on one connection at a time. 1: none is ever shared. 0: 16, over TLS 1. Up to 1024.
     */
    uint32_t async_share_depth;
    /** Bytes of replies expected on one connection at a time, beyond which it isn't shared. 256
     * KiB. */
    uint32_t async_share_bytes;
    /**
     * Milliseconds that a connection on which others wait is kept for the late reply of a command
     * that timed out, where the command's timeout_delay is 0. 3000; at least 1.
     */
    uint32_t async_drain_ms;
} as_config;

/** Sets every default; returns `config`. */
AS_EXTERN as_config* as_config_init(as_config* config);

/** Frees what the configuration owns. Only if it was never given to aerospike_init() or _new(). */
AS_EXTERN void as_config_destroy(as_config* config);

/**
 * Adds seeds from text: host[:tlsname][:port], separated by commas. An IPv6 address stands in
 * brackets. A word behind one ':' is a port if it starts with a digit, else a TLS name. Without a
 * port `default_port` is taken. False, and nothing is added, if a port isn't 1..65535, a name is
 * empty or longer than 255 bytes, or a bracket isn't closed.
 */
AS_EXTERN bool as_config_add_hosts(as_config* config, const char* string, uint16_t default_port);

/** Adds a seed; `address` is copied. */
AS_EXTERN void as_config_add_host(as_config* config, const char* address, uint16_t port);

/** Adds a seed whose certificate must carry `tls_name`; both strings are copied. */
AS_EXTERN void as_config_tls_add_host(as_config* config, const char* address, const char* tls_name,
                                      uint16_t port);

/** Removes all seeds. */
AS_EXTERN void as_config_clear_hosts(as_config* config);

/**
 * Sets user and password (NULL is ""). False, and nothing changes, if the user is NULL or empty or
 * either has more than 63 bytes.
 */
AS_EXTERN bool as_config_set_user(as_config* config, const char* user, const char* password);

/** Frees the string at `str` and puts a copy of `value`, or NULL, there. */
AS_EXTERN void as_config_set_string(char** str, const char* value);

/** Sets the cluster's name; NULL for any. */
static inline void as_config_set_cluster_name(as_config* config, const char* cluster_name)
{
    as_config_set_string(&config->cluster_name, cluster_name);
}

/** Sets the application's name; NULL for none. */
static inline void as_config_set_app_id(as_config* config, const char* app_id)
{
    as_config_set_string(&config->app_id, app_id);
}

/** Sets who is told when nodes come and go. */
static inline void as_config_set_cluster_event_callback(as_config* config,
                                                        as_cluster_event_callback callback,
                                                        void* udata)
{
    config->event_callback = callback;
    config->event_callback_udata = udata;
}

/** Sets the defaults of `lua`. */
AS_EXTERN void as_config_lua_init(as_config_lua* lua);

/** Sets the file of trusted authorities; copied. */
static inline void as_config_tls_set_cafile(as_config* config, const char* cafile)
{
    as_config_set_string(&config->tls.cafile, cafile);
}

/** Sets the text of trusted authorities; copied. */
static inline void as_config_tls_set_castring(as_config* config, const char* castring)
{
    as_config_set_string(&config->tls.castring, castring);
}

/** Sets the folder of trusted authorities; copied. */
static inline void as_config_tls_set_capath(as_config* config, const char* capath)
{
    as_config_set_string(&config->tls.capath, capath);
}

/** Sets the protocols; copied. */
static inline void as_config_tls_set_protocols(as_config* config, const char* protocols)
{
    as_config_set_string(&config->tls.protocols, protocols);
}

/** Sets the ciphers; copied. */
static inline void as_config_tls_set_cipher_suite(as_config* config, const char* cipher_suite)
{
    as_config_set_string(&config->tls.cipher_suite, cipher_suite);
}

/** Sets the file of refused certificates; copied. */
static inline void as_config_tls_set_cert_blacklist(as_config* config, const char* cert_blacklist)
{
    as_config_set_string(&config->tls.cert_blacklist, cert_blacklist);
}

/** Sets the file of the client key; copied. */
static inline void as_config_tls_set_keyfile(as_config* config, const char* keyfile)
{
    as_config_set_string(&config->tls.keyfile, keyfile);
}

/** Sets the password of the client key; copied. */
static inline void as_config_tls_set_keyfile_pw(as_config* config, const char* pw)
{
    as_config_set_string(&config->tls.keyfile_pw, pw);
}

/** Sets the text of the client key; copied. */
static inline void as_config_tls_set_keystring(as_config* config, const char* keystring)
{
    as_config_set_string(&config->tls.keystring, keystring);
}

/** Sets the file of the client certificates; copied. */
static inline void as_config_tls_set_certfile(as_config* config, const char* certfile)
{
    as_config_set_string(&config->tls.certfile, certfile);
}

/** Sets the text of the client certificates; copied. */
static inline void as_config_tls_set_certstring(as_config* config, const char* certstring)
{
    as_config_set_string(&config->tls.certstring, certstring);
}

/** Sets the file whose settings override the program's; `path` is copied. */
static inline void as_config_provider_set_path(as_config* config, const char* path)
{
    as_config_set_string(&config->config_provider.path, path);
}

/** The same with the time between two looks at it in ms. */
static inline void as_config_provider_set(as_config* config, const char* path, uint32_t interval)
{
    as_config_set_string(&config->config_provider.path, path);
    config->config_provider.interval = interval;
}

/** Adds a rack, behind those added before. */
AS_EXTERN void as_config_add_rack_id(as_config* config, int rack_id);

/** INTERNAL, EXTERNAL, EXTERNAL_INSECURE, PKI in any case; false for anything else. */
AS_EXTERN bool as_auth_mode_from_string(as_auth_mode* auth, const char* str);

/** Resets an error rate outside 1..100 per tend to the default, with a warning. */
AS_EXTERN void as_config_massage_error_rate(as_config* config);

#ifdef __cplusplus
}
#endif
