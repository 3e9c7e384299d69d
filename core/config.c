/*
 * as_config and as_host: defaults, seeds out of text, strings that the configuration owns.
 */
#include "core/config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <aerospike/as_log_macros.h>
#include <aerospike/as_string.h>

#include "core/mem.h"

enum {
    MAX_CONNS_PER_NODE = 100,
    PIPE_MAX_CONNS_PER_NODE = 64,
    CONN_TIMEOUT_MS = 1000,
    LOGIN_TIMEOUT_MS = 5000,
    MAX_ERROR_RATE = 100,
    ERROR_RATE_WINDOW = 1,
    TENDER_INTERVAL_MS = 1000,
    THREAD_POOL_SIZE = 16,
    SHM_MAX_NODES = 16,
    SHM_MAX_NAMESPACES = 8,
    SHM_TAKEOVER_SEC = 30,
    SHM_MODE = 0600,
    HOSTS_FIRST = 4, /* room for seeds at first */
    RACKS_FIRST = 4,
};

/* --- as_host --- */

void as_host_copy_fields(as_host* trg, const char* hostname, const char* tls_name, uint16_t port)
{
    trg->name = hostname ? tnd_strdup(hostname) : NULL;
    trg->tls_name = tls_name ? tnd_strdup(tls_name) : NULL;
    trg->port = port;
}

void as_host_destroy(as_host* host)
{
    tnd_free(host->name);
    tnd_free(host->tls_name);
    memset(host, 0, sizeof(*host));
}

/* --- defaults --- */

void as_config_lua_init(as_config_lua* lua)
{
    lua->cache_enabled = false;
    as_strncpy(lua->user_path, AS_CONFIG_LUA_USER_PATH, sizeof(lua->user_path));
}

as_config* as_config_init(as_config* config)
{
    memset(config, 0, sizeof(*config));
    config->max_conns_per_node = MAX_CONNS_PER_NODE;
    config->async_max_conns_per_node = MAX_CONNS_PER_NODE;
    config->pipe_max_conns_per_node = PIPE_MAX_CONNS_PER_NODE;
    config->conn_pools_per_node = 1;
    config->conn_timeout_ms = CONN_TIMEOUT_MS;
    config->login_timeout_ms = LOGIN_TIMEOUT_MS;
    config->max_error_rate = MAX_ERROR_RATE;
    config->error_rate_window = ERROR_RATE_WINDOW;
    config->tender_interval = TENDER_INTERVAL_MS;
    config->thread_pool_size = THREAD_POOL_SIZE;
    config->tend_thread_cpu = -1;
    as_policies_init(&config->policies);
    config->config_provider.interval = AS_CONFIG_PROVIDER_INTERVAL_DEFAULT;
    as_config_lua_init(&config->lua);
    config->auth_mode = AS_AUTH_INTERNAL;
    config->fail_if_not_connected = true;
    config->shm_key = TND_CONFIG_SHM_KEY;
    config->shm_max_nodes = SHM_MAX_NODES;
    config->shm_max_namespaces = SHM_MAX_NAMESPACES;
    config->shm_takeover_threshold_sec = SHM_TAKEOVER_SEC;
    config->shm_mode = SHM_MODE;
    config->async_share_conns = TND_CONFIG_SHARE_CONNS;
    config->async_share_bytes = TND_CONFIG_SHARE_BYTES;
    config->async_drain_ms = TND_CONFIG_DRAIN_MS;
    return config;
}

static void config_destroy_tls(as_config_tls* tls)
{
    tnd_free(tls->cafile);
    tnd_free(tls->castring);
    tnd_free(tls->capath);
    tnd_free(tls->protocols);
    tnd_free(tls->cipher_suite);
    tnd_free(tls->cert_blacklist);
    tnd_free(tls->keyfile);
    tnd_free(tls->keyfile_pw);
    tnd_free(tls->keystring);
    tnd_free(tls->certfile);
    tnd_free(tls->certstring);
    memset(tls, 0, sizeof(*tls));
}

void as_config_destroy(as_config* config)
{
    as_config_clear_hosts(config);
    as_vector_destroy(config->hosts);
    config->hosts = NULL;
    as_vector_destroy(config->rack_ids);
    config->rack_ids = NULL;
    as_config_set_cluster_name(config, NULL);
    as_config_set_app_id(config, NULL);
    as_config_provider_set_path(config, NULL);
    config_destroy_tls(&config->tls);
    as_policies_destroy(&config->policies);
}

/* --- seeds --- */

/* Takes the fields' strings over, also when it fails; `has_tls_name` says that there must be one.
 */
static bool config_take_host(as_config* config, as_host* host, bool has_tls_name)
{
    as_host* slot = NULL;

    if (!config->hosts) {
        config->hosts = as_vector_create(sizeof(as_host), HOSTS_FIRST);
    }
    if (config->hosts && host->name && (host->tls_name || !has_tls_name)) {
        slot = as_vector_reserve(config->hosts);
    }
    if (!slot) {
        as_host_destroy(host);
        return false;
    }
    *slot = *host;
    return true;
}

void as_config_tls_add_host(as_config* config, const char* address, const char* tls_name,
                            uint16_t port)
{
    as_host host;

    as_host_copy_fields(&host, address, tls_name, port);
    if (!config_take_host(config, &host, tls_name != NULL)) {
        as_log_error("no memory for the seed %s", address ? address : "NULL");
    }
}

void as_config_add_host(as_config* config, const char* address, uint16_t port)
{
    as_config_tls_add_host(config, address, NULL, port);
}

/* Removes the seeds behind the first `count`. */
static void config_cut_hosts(as_config* config, uint32_t count)
{
    while (config->hosts && config->hosts->size > count) {
        as_host_destroy(as_vector_get(config->hosts, config->hosts->size - 1));
        config->hosts->size--;
    }
}

void as_config_clear_hosts(as_config* config)
{
    config_cut_hosts(config, 0);
}

/* --- seeds out of text: host[:tlsname][:port],... --- */

typedef struct {
    const char* at;
    size_t size;
} text_part;

typedef struct {
    text_part name;
    text_part tls_name; /* size 0 = none */
    uint16_t port;
} seed_parts;

/* Cuts the text up to one of `stops` off the front of `*rest`. */
static text_part part_until(const char** rest, const char* stops)
{
    text_part part = {*rest, strcspn(*rest, stops)};

    *rest += part.size;
    return part;
}

static bool part_is_name(const text_part* part)
{
    return part->size > 0 && part->size <= TND_CONFIG_HOST_CHARS_MAX;
}

static bool part_to_port(const text_part* part, uint16_t* ret_port)
{
    uint32_t port = 0;

    for (size_t i = 0; i < part->size; i++) {
        if (!isdigit((unsigned char)part->at[i])) {
            return false;
        }
        port = port * 10 + (uint32_t)(part->at[i] - '0');
        if (port > UINT16_MAX) {
            return false;
        }
    }
    *ret_port = (uint16_t)port;
    return port > 0;
}

/* One seed from `*rest` on, which is left at its comma or at the end. */
static bool seed_parse(const char** rest, uint16_t default_port, seed_parts* ret)
{
    text_part word;
    bool has_tls_name = false;

    ret->tls_name = (text_part){NULL, 0};
    ret->port = default_port;
    *rest += strspn(*rest, " ");

    if (**rest == '[') {
        (*rest)++;
        ret->name = part_until(rest, "]");
        if (**rest != ']') {
            return false;
        }
        (*rest)++;
    } else {
        ret->name = part_until(rest, ":, ");
    }
    if (!part_is_name(&ret->name)) {
        return false;
    }

    while (**rest == ':') {
        (*rest)++;
        word = part_until(rest, ":, ");
        if (isdigit((unsigned char)word.at[0])) {
            /* The port is the last word. */
            if (!part_to_port(&word, &ret->port) || **rest == ':') {
                return false;
            }
        } else if (has_tls_name || !part_is_name(&word)) {
            return false;
        } else {
            ret->tls_name = word;
            has_tls_name = true;
        }
    }
    *rest += strspn(*rest, " ");
    return **rest == ',' || **rest == '\0';
}

static bool seed_add(as_config* config, const seed_parts* seed)
{
    const text_part* tls_name = &seed->tls_name;
    bool has_tls_name = tls_name->size > 0;
    as_host host = {
        .name = tnd_memdup_text(seed->name.at, seed->name.size),
        .tls_name = has_tls_name ? tnd_memdup_text(tls_name->at, tls_name->size) : NULL,
        .port = seed->port,
    };

    return config_take_host(config, &host, has_tls_name);
}

bool as_config_add_hosts(as_config* config, const char* string, uint16_t default_port)
{
    uint32_t count = config->hosts ? config->hosts->size : 0;
    const char* rest = string;
    seed_parts seed;

    if (!string) {
        return false;
    }
    for (;;) {
        if (!seed_parse(&rest, default_port, &seed) || !seed_add(config, &seed)) {
            config_cut_hosts(config, count);
            return false;
        }
        if (*rest == '\0') {
            return true;
        }
        rest++; /* the comma */
    }
}

/* --- other settings --- */

void as_config_set_string(char** str, const char* value)
{
    char* copy = value ? tnd_strdup(value) : NULL;

    if (value && !copy) {
        as_log_error("no memory for a string of the configuration");
    }
    tnd_free(*str);
    *str = copy;
}

bool as_config_set_user(as_config* config, const char* user, const char* password)
{
    if (!user || !*user || strnlen(user, AS_USER_SIZE) == AS_USER_SIZE) {
        return false;
    }
    if (password && strnlen(password, AS_PASSWORD_SIZE) == AS_PASSWORD_SIZE) {
        return false;
    }
    as_strncpy(config->user, user, sizeof(config->user));
    as_strncpy(config->password, password, sizeof(config->password));
    return true;
}

void as_config_add_rack_id(as_config* config, int rack_id)
{
    if (!config->rack_ids) {
        config->rack_ids = as_vector_create(sizeof(int), RACKS_FIRST);
    }
    if (config->rack_ids) {
        as_vector_append(config->rack_ids, &rack_id);
    } else {
        as_log_error("no memory for rack %d", rack_id);
    }
}

bool as_auth_mode_from_string(as_auth_mode* auth, const char* str)
{
    static const char* const names[] = {
        [AS_AUTH_INTERNAL] = "INTERNAL",
        [AS_AUTH_EXTERNAL] = "EXTERNAL",
        [AS_AUTH_EXTERNAL_INSECURE] = "EXTERNAL_INSECURE",
        [AS_AUTH_PKI] = "PKI",
    };

    for (size_t i = 0; str && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(str, names[i]) == 0) {
            *auth = (as_auth_mode)i;
            return true;
        }
    }
    return false;
}

void as_config_massage_error_rate(as_config* config)
{
    uint32_t rate;

    if (config->max_error_rate == 0) {
        return; /* off */
    }
    rate = config->error_rate_window > 0 ? config->max_error_rate / config->error_rate_window : 0;
    if (rate >= 1 && rate <= 100) {
        return;
    }
    as_log_warn("max_error_rate %" PRIu32 " / error_rate_window %" PRIu32
                " isn't between 1 and 100: the defaults %d / %d are used",
                config->max_error_rate, config->error_rate_window, MAX_ERROR_RATE,
                ERROR_RATE_WINDOW);
    config->max_error_rate = MAX_ERROR_RATE;
    config->error_rate_window = ERROR_RATE_WINDOW;
}
