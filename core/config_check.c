/*
 * What a configuration may say today.
 */
#include "core/config.h"

#include <string.h>

#include "core/policy.h"

/* --- features that come later --- */

/* Field, when it is set, what is missing. Delete a row when its feature lands. */
#define LATER(X)                                                                                   \
    X("tls.enable", c->tls.enable, "TLS isn't")                                                    \
    X("user", c->user[0] != '\0', "login isn't")                                                   \
    X("password", c->password[0] != '\0', "login isn't")                                           \
    X("auth_mode", c->auth_mode != AS_AUTH_INTERNAL, "login isn't")                                \
    X("pipe_max_conns_per_node", c->pipe_max_conns_per_node != usual->pipe_max_conns_per_node,     \
      "a limit of its own for pipelined commands isn't")                                           \
    X("config_provider.path", c->config_provider.path != NULL, "the configuration file isn't")     \
    X("policies.metrics", metrics_are_set(&c->policies.metrics), "metrics aren't")                 \
    X("policies.operate.on_locking_only", c->policies.operate.on_locking_only,                     \
      "transactions aren't")                                                                       \
    X("policies.apply.on_locking_only", c->policies.apply.on_locking_only, "transactions aren't")  \
    X("policies.batch_write.on_locking_only", c->policies.batch_write.on_locking_only,             \
      "transactions aren't")                                                                       \
    X("policies.batch_apply.on_locking_only", c->policies.batch_apply.on_locking_only,             \
      "transactions aren't")

static bool metrics_are_set(const as_metrics_policy* metrics)
{
    const as_metrics_listeners* listeners = &metrics->metrics_listeners;

    return metrics->enable || metrics->labels || listeners->enable_listener ||
           listeners->snapshot_listener || listeners->node_close_listener ||
           listeners->disable_listener;
}

static as_status check_later(const as_config* c, as_error* err)
{
    as_config defaults;
    const as_config* usual = as_config_init(&defaults);

#define REFUSE(field, is_set, feature)                                                             \
    if (is_set) {                                                                                  \
        return as_error_update(err, AEROSPIKE_ERR_PARAM,                                           \
                               "as_config." field " is set, but " feature " supported yet");       \
    }
    LATER(REFUSE)
#undef REFUSE
    return AEROSPIKE_OK;
}

/* --- seeds, limits, times --- */

static as_status check_hosts(const as_config* config, as_error* err)
{
    if (!config->hosts || config->hosts->size == 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "No hosts provided");
    }
    for (uint32_t i = 0; i < config->hosts->size; i++) {
        const as_host* host = as_vector_get(config->hosts, i);
        size_t size = host->name ? strnlen(host->name, TND_CONFIG_HOST_CHARS_MAX + 1) : 0;

        if (size == 0 || size > TND_CONFIG_HOST_CHARS_MAX) {
            return as_error_update(err, AEROSPIKE_ERR_PARAM,
                                   "Host %" PRIu32 " needs a name of 1 to %d bytes", i,
                                   TND_CONFIG_HOST_CHARS_MAX);
        }
        if (host->port == 0) {
            return as_error_update(err, AEROSPIKE_ERR_PARAM, "Host %s needs a port", host->name);
        }
    }
    return AEROSPIKE_OK;
}

static as_status check_ip_map(const as_config* config, as_error* err)
{
    for (uint32_t i = 0; config->ip_map && i < config->ip_map_size; i++) {
        const as_addr_map* entry = &config->ip_map[i];
        size_t size = TND_CONFIG_HOST_CHARS_MAX + 1;

        if (!entry->orig || !entry->alt || entry->orig[0] == '\0' || entry->alt[0] == '\0' ||
            strnlen(entry->orig, size) == size || strnlen(entry->alt, size) == size) {
            return as_error_update(err, AEROSPIKE_ERR_PARAM,
                                   "ip_map[%" PRIu32 "] needs two addresses of 1 to %d bytes", i,
                                   TND_CONFIG_HOST_CHARS_MAX);
        }
    }
    return AEROSPIKE_OK;
}

static as_status check_cluster_name(const as_config* config, as_error* err)
{
    size_t size = TND_CONFIG_CLUSTER_NAME_CHARS_MAX + 1;

    if (config->cluster_name && strnlen(config->cluster_name, size) == size) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "cluster_name has more than %d bytes",
                               TND_CONFIG_CLUSTER_NAME_CHARS_MAX);
    }
    return AEROSPIKE_OK;
}

static as_status check_limits(const as_config* config, as_error* err)
{
    if (config->max_socket_idle > TND_CONFIG_SOCKET_IDLE_SEC_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "max_socket_idle is %" PRIu32 " seconds, more than %d",
                               config->max_socket_idle, TND_CONFIG_SOCKET_IDLE_SEC_MAX);
    }
    if (config->tender_interval < AS_TEND_INTERVAL_MIN) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "tender_interval is %" PRIu32 " ms, less than %d",
                               config->tender_interval, AS_TEND_INTERVAL_MIN);
    }
    if (config->config_provider.path &&
        config->config_provider.interval < config->tender_interval) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "config_provider.interval is %" PRIu32
                               " ms, less than tender_interval, %" PRIu32,
                               config->config_provider.interval, config->tender_interval);
    }
    if (config->min_conns_per_node > config->max_conns_per_node) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "min_conns_per_node %" PRIu32 " exceeds max_conns_per_node %" PRIu32,
                               config->min_conns_per_node, config->max_conns_per_node);
    }
    if (config->async_min_conns_per_node > config->async_max_conns_per_node) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "async_min_conns_per_node %" PRIu32
                               " exceeds async_max_conns_per_node %" PRIu32,
                               config->async_min_conns_per_node, config->async_max_conns_per_node);
    }
    return AEROSPIKE_OK;
}

static as_status check_sharing(const as_config* config, as_error* err)
{
    if (config->async_share_conns < 1) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "async_share_conns must be at least 1");
    }
    if (config->async_share_depth > TND_CONFIG_SHARE_DEPTH_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "async_share_depth is %" PRIu32 ", more than %d",
                               config->async_share_depth, TND_CONFIG_SHARE_DEPTH_MAX);
    }
    if (config->async_drain_ms < 1) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM, "async_drain_ms must be at least 1");
    }
    return AEROSPIKE_OK;
}

/* --- default policies --- */

#define POLICIES_WITH_BASE(X)                                                                      \
    X(read)                                                                                        \
    X(write)                                                                                       \
    X(operate)                                                                                     \
    X(remove)                                                                                      \
    X(apply)                                                                                       \
    X(batch)                                                                                       \
    X(batch_parent_write)                                                                          \
    X(scan)                                                                                        \
    X(query)                                                                                       \
    X(txn_verify)                                                                                  \
    X(txn_roll)

static as_status check_timeout_delay(const as_policy_base* base, const char* name, as_error* err)
{
    if (base->timeout_delay == 0 || base->timeout_delay >= TND_CONFIG_TIMEOUT_DELAY_MS_MIN) {
        return AEROSPIKE_OK;
    }
    return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                           "%s.base.timeout_delay is %" PRIu32 " ms, neither 0 nor at least %d",
                           name, base->timeout_delay, TND_CONFIG_TIMEOUT_DELAY_MS_MIN);
}

static as_status check_timeout_delays(const as_policies* policies, as_error* err)
{
    as_status status = AEROSPIKE_OK;

#define CHECK(name)                                                                                \
    if (status == AEROSPIKE_OK) {                                                                  \
        status = check_timeout_delay(&policies->name.base, "policies." #name, err);                \
    }
    POLICIES_WITH_BASE(CHECK)
#undef CHECK
    return status;
}

static as_status check_policies(const as_policies* policies, as_error* err)
{
    as_status status = AEROSPIKE_OK;

#define CHECK(name)                                                                                \
    if (status == AEROSPIKE_OK) {                                                                  \
        status = tnd_policy_check_base(&policies->name.base, "policies." #name, err);              \
    }
    POLICIES_WITH_BASE(CHECK)
#undef CHECK

    if (status == AEROSPIKE_OK) {
        status = tnd_policy_check_read(&policies->read, err);
    }
    if (status == AEROSPIKE_OK) {
        status = tnd_policy_check_write(&policies->write, err);
    }
    if (status == AEROSPIKE_OK) {
        status = tnd_policy_check_operate(&policies->operate, err);
    }
    if (status == AEROSPIKE_OK) {
        status = tnd_policy_check_remove(&policies->remove, err);
    }
    return status;
}

/* --- login, shared memory --- */

static as_status check_login(const as_config* config, as_error* err)
{
    if (config->auth_mode == AS_AUTH_PKI && config->password[0] != '\0') {
        return as_error_update(err, AEROSPIKE_FORBIDDEN_PASSWORD, "AS_AUTH_PKI takes no password");
    }
    if ((config->auth_mode == AS_AUTH_EXTERNAL || config->auth_mode == AS_AUTH_PKI) &&
        !config->tls.enable) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "AS_AUTH_EXTERNAL and AS_AUTH_PKI need TLS");
    }
    return AEROSPIKE_OK;
}

static as_status check_shm(const as_config* config, as_error* err)
{
    if (config->force_single_node && config->use_shm) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "force_single_node and use_shm exclude each other");
    }
    if (config->shm_max_nodes < 1 || config->shm_max_nodes > TND_CONFIG_SHM_NODES_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "shm_max_nodes is %" PRIu32 ", not 1 to %d", config->shm_max_nodes,
                               TND_CONFIG_SHM_NODES_MAX);
    }
    if (config->shm_max_namespaces < 1 ||
        config->shm_max_namespaces > TND_CONFIG_SHM_NAMESPACES_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "shm_max_namespaces is %" PRIu32 ", not 1 to %d",
                               config->shm_max_namespaces, TND_CONFIG_SHM_NAMESPACES_MAX);
    }
    if (config->shm_takeover_threshold_sec < 1) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "shm_takeover_threshold_sec must be at least 1");
    }
    if (config->shm_connect_rate > TND_CONFIG_CONNECT_RATE_MAX) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "shm_connect_rate is %" PRIu32 " per second, more than %d",
                               config->shm_connect_rate, TND_CONFIG_CONNECT_RATE_MAX);
    }
    if ((config->shm_mode & 0600) != 0600 || (config->shm_mode & ~(uint32_t)0777) != 0) {
        return as_error_update(err, AEROSPIKE_ERR_PARAM,
                               "shm_mode is 0%" PRIo32 ", not 0600 to 0777 with the owner's 0600",
                               config->shm_mode);
    }
    return AEROSPIKE_OK;
}

as_status tnd_config_check(const as_config* config, as_error* err)
{
    as_status status = check_hosts(config, err);

    if (status == AEROSPIKE_OK) {
        status = check_limits(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_sharing(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_timeout_delays(&config->policies, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_login(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_cluster_name(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_ip_map(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_shm(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_later(config, err);
    }
    if (status == AEROSPIKE_OK) {
        status = check_policies(&config->policies, err);
    }
    return status;
}
