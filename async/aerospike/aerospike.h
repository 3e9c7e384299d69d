/**
 * A client of one cluster: configure, connect, use, close, destroy.
 *
 *     as_config config;
 *     as_config_init(&config);
 *     as_config_add_host(&config, "127.0.0.1", 3000);
 *     aerospike as;
 *     aerospike_init(&as, &config);
 *     aerospike_connect_async(&as, &err, on_connected, NULL, NULL);
 *
 * A client belongs to the thread and to the event loop on which it was connected. Servers register
 * their loop (as_event.h) and use aerospike_connect_async() and aerospike_close_async(), which
 * never block; they do so after the fork, in each worker. aerospike_connect() and aerospike_close()
 * wait, on a loop of their own, and are for programs that do one thing after the other.
 *
 * A client that crossed a fork is refused by every call; aerospike_destroy() in the child frees
 * what isn't shared with the parent.
 */
#pragma once

#include <aerospike/as_config.h>
#include <aerospike/as_error.h>
#include <aerospike/as_listener.h>
#include <aerospike/as_log.h>
#include <aerospike/as_status.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

struct as_cluster_s;

typedef struct aerospike_s {
    /** The connected client; NULL before connect and as soon as it is closed. */
    struct as_cluster_s* cluster;
    /** Owned. Policies may be read, copied and changed; the rest counts when connecting. */
    as_config config;
    /** Unused. */
    as_config* config_orig;
    /** Unused. */
    uint8_t* config_bitmap;
    /** Made by aerospike_new(). */
    bool _free;
} aerospike;

/**
 * Takes a shallow copy of `config`, whose strings and vectors belong to the client from now on.
 * NULL is the default configuration. The environment's AEROSPIKE_CLIENT_CONFIG_URL sets
 * config_provider.path. Returns `as`.
 */
AS_EXTERN aerospike* aerospike_init(aerospike* as, as_config* config);

/** The same on the heap; NULL without memory. */
AS_EXTERN aerospike* aerospike_new(as_config* config);

/**
 * Connects: AEROSPIKE_OK at once, and `listener` is called from the loop when a map of the cluster
 * is there, or with an error when every seed has been tried in vain and
 * config.fail_if_not_connected is true (as->cluster is NULL again then). Commands may be submitted
 * meanwhile: they wait for the map within their timeouts. With a segment that is tended already no
 * network traffic precedes the listener. `event_loop` NULL is the next in rotation.
 *
 * Called again on a client that is connected, or about to be, it only has the listener called once
 * that is so.
 *
 * Anything but AEROSPIKE_OK: the configuration or the segment is refused, no event loop is there,
 * or the client is connected on another one; the listener isn't called.
 */
AS_EXTERN as_status aerospike_connect_async(aerospike* as, as_error* err,
                                            as_async_write_listener listener, void* udata,
                                            as_event_loop* event_loop);

/**
 * Closes: as->cluster is NULL at once, new commands are refused, the role of tender is given up
 * first, pending commands get two seconds to end within their timeouts and then
 * AEROSPIKE_ERR_CLIENT. `listener` (may be NULL) is called from the loop when all of them have
 * ended and everything is freed; no other listener of this client is called after it. `as` may be
 * destroyed meanwhile. A client that isn't connected is AEROSPIKE_OK with a call of the listener.
 */
AS_EXTERN as_status aerospike_close_async(aerospike* as, as_error* err,
                                          as_async_write_listener listener, void* udata,
                                          as_event_loop* event_loop);

/**
 * This process is about to end, but has work to finish (a server that drains): the role of tender
 * goes to another process at once, and comes back only while none but draining ones are left.
 * Commands go on as before. There is no way back; aerospike_close_async() follows some time later.
 * AEROSPIKE_OK if not connected, too; AEROSPIKE_ERR_CLIENT across a fork.
 */
AS_EXTERN as_status aerospike_drain(aerospike* as, as_error* err);

/**
 * Removes the records of a namespace, or of one of its sets (NULL or "": of all), that were last
 * written before this moment: nanoseconds since 1970, 0 for now; servers look at the milliseconds.
 * They are gone at once, and records written after the answer stay. One node is asked, which
 * answers when all have accepted that, after 2 seconds at most: give it a policy with more time
 * than that (NULL: policies.info, 1 second by default). AEROSPIKE_ERR_REQUEST_INVALID for a time
 * before 2010 or to come; an unknown namespace or set is no error.
 */
AS_EXTERN as_status aerospike_truncate_async(aerospike* as, as_error* err,
                                             const as_policy_info* policy, const char* ns,
                                             const char* set, uint64_t before_nanos,
                                             as_async_write_listener listener, void* udata,
                                             as_event_loop* event_loop);

/** The same synchronously; see aerospike_key.h. */
AS_EXTERN as_status aerospike_truncate(aerospike* as, as_error* err, as_policy_info* policy,
                                       const char* ns, const char* set, uint64_t before_nanos);

/**
 * Connects and waits, on a loop of its own that is never the program's. Where an event loop is
 * registered the client is ready for commands on that one too, once it runs. The second call
 * answers AEROSPIKE_OK at once. Refused inside callbacks of the event loop, and where the
 * registered loop is of a kind that the library can't run (nginx): use aerospike_connect_async()
 * there.
 */
AS_EXTERN as_status aerospike_connect(aerospike* as, as_error* err);

/**
 * Closes. With commands pending: inside a callback, or while the event loop is running, it goes on
 * as aerospike_close_async() does and returns at once; outside, the library's own loop is run until
 * they have ended, and on the program's loop, which it never runs, they get AEROSPIKE_ERR_CLIENT
 * before it returns. AEROSPIKE_OK if not connected.
 */
AS_EXTERN as_status aerospike_close(aerospike* as, as_error* err);

/** Frees what `as` owns, once, connected or not, before or after as_event_close_loops(). */
AS_EXTERN void aerospike_destroy(aerospike* as);

/** True if a node of the cluster is known. False before connect. */
AS_EXTERN bool aerospike_cluster_is_connected(aerospike* as);

/** Does nothing: there is no Lua in this client. */
AS_EXTERN void aerospike_init_lua(as_config_lua* config);

/** Does nothing: the library waits for descriptors, not in system calls that a signal ends. */
AS_EXTERN void aerospike_stop_on_interrupt(bool stop);

/** &as->config. */
static inline as_config* aerospike_load_config(aerospike* as)
{
    return &as->config;
}

/* Copies of this client's default policies: take one, change a field, pass it on. */

static inline void as_policy_read_default(aerospike* as, as_policy_read* policy)
{
    *policy = as->config.policies.read;
}

static inline void as_policy_write_default(aerospike* as, as_policy_write* policy)
{
    *policy = as->config.policies.write;
}

static inline void as_policy_operate_default(aerospike* as, as_policy_operate* policy)
{
    *policy = as->config.policies.operate;
}

static inline void as_policy_apply_default(aerospike* as, as_policy_apply* policy)
{
    *policy = as->config.policies.apply;
}

static inline void as_policy_remove_default(aerospike* as, as_policy_remove* policy)
{
    *policy = as->config.policies.remove;
}

static inline void as_policy_batch_parent_read_default(aerospike* as, as_policy_batch* policy)
{
    *policy = as->config.policies.batch;
}

static inline void as_policy_batch_parent_write_default(aerospike* as, as_policy_batch* policy)
{
    *policy = as->config.policies.batch_parent_write;
}

static inline void as_policy_batch_read_default(aerospike* as, as_policy_batch_read* policy)
{
    policy->filter_exp = as->config.policies.batch.base.filter_exp;
    policy->read_mode_ap = as->config.policies.batch.read_mode_ap;
    policy->read_mode_sc = as->config.policies.batch.read_mode_sc;
    policy->read_touch_ttl_percent = as->config.policies.batch.read_touch_ttl_percent;
}

static inline void as_policy_batch_write_default(aerospike* as, as_policy_batch_write* policy)
{
    *policy = as->config.policies.batch_write;
}

static inline void as_policy_batch_apply_default(aerospike* as, as_policy_batch_apply* policy)
{
    *policy = as->config.policies.batch_apply;
}

static inline void as_policy_batch_remove_default(aerospike* as, as_policy_batch_remove* policy)
{
    *policy = as->config.policies.batch_remove;
}

static inline void as_policy_scan_default(aerospike* as, as_policy_scan* policy)
{
    *policy = as->config.policies.scan;
}

static inline void as_policy_query_default(aerospike* as, as_policy_query* policy)
{
    *policy = as->config.policies.query;
}

static inline void as_metrics_policy_default(aerospike* as, as_metrics_policy* policy)
{
    *policy = as->config.policies.metrics;
}

#ifdef __cplusplus
}
#endif
