/*
 * as_config: defaults, seeds out of text, ownership; tnd_config_check: everything that it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <aerospike/as_exp.h>
#include <tendril/client.h>

#include "core/config.h"
#include "core/mem.h"

static void defaults(void** state)
{
    (void)state;
    as_config c;
    as_config_tls no_tls;

    memset(&c, 0x5a, sizeof(c));
    memset(&no_tls, 0, sizeof(no_tls));
    assert_ptr_equal(as_config_init(&c), &c);
    assert_null(c.hosts);
    assert_string_equal(c.user, "");
    assert_string_equal(c.password, "");
    assert_null(c.cluster_name);
    assert_null(c.app_id);
    assert_null(c.event_callback);
    assert_null(c.event_callback_udata);
    assert_null(c.ip_map);
    assert_int_equal(c.ip_map_size, 0);
    assert_int_equal(c.min_conns_per_node, 0);
    assert_int_equal(c.max_conns_per_node, 100);
    assert_int_equal(c.async_min_conns_per_node, 0);
    assert_int_equal(c.async_max_conns_per_node, 100);
    assert_int_equal(c.pipe_max_conns_per_node, 64);
    assert_int_equal(c.conn_pools_per_node, 1);
    assert_int_equal(c.conn_timeout_ms, 1000);
    assert_int_equal(c.login_timeout_ms, 5000);
    assert_int_equal(c.max_socket_idle, 0);
    assert_int_equal(c.max_error_rate, 100);
    assert_int_equal(c.error_rate_window, 1);
    assert_int_equal(c.tender_interval, 1000);
    assert_int_equal(c.thread_pool_size, 16);
    assert_int_equal(c.tend_thread_cpu, -1);
    assert_int_equal(c.auth_mode, AS_AUTH_INTERNAL);
    assert_true(c.fail_if_not_connected);
    assert_false(c.use_services_alternate);
    assert_false(c.force_single_node);
    assert_false(c.rack_aware);
    assert_int_equal(c.rack_id, 0);
    assert_null(c.rack_ids);
    assert_false(c.use_shm);
    assert_int_equal(c.shm_max_nodes, 16);
    assert_int_equal(c.shm_max_namespaces, 8);
    assert_int_equal(c.shm_takeover_threshold_sec, 30);
    assert_null(c.config_provider.path);
    assert_int_equal(c.config_provider.interval, 5000);
    assert_false(c.lua.cache_enabled);
    assert_string_equal(c.lua.user_path, "/opt/aerospike/client/usr/udf/lua");
    assert_memory_equal(&c.tls, &no_tls, sizeof(no_tls));
    assert_int_equal(c.policies.read.base.total_timeout, 1000);
    assert_int_equal(c.policies.txn_verify.base.total_timeout, 10000);
    /* Ours. */
    assert_int_equal((uint32_t)c.shm_key, 0xA7000000);
    assert_int_equal(c.shm_mode, 0600);
    as_config_destroy(&c);
}

/* --- seeds --- */

static const as_host* host_at(const as_config* config, uint32_t index)
{
    assert_non_null(config->hosts);
    assert_true(index < config->hosts->size);
    return as_vector_get(config->hosts, index);
}

static uint32_t hosts_count(const as_config* config)
{
    return config->hosts ? config->hosts->size : 0;
}

#define NAME_255                                                                                   \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "012345678901234567890123456789012345678901234567890123456789012"

static void one_seed_out_of_text(void** state)
{
    (void)state;
    static const struct {
        const char* text;
        const char* name;
        const char* tls_name;
        int port;
    } cases[] = {
        {"db1", "db1", NULL, 3000},
        {"db1:4000", "db1", NULL, 4000},
        {"db1:tls", "db1", "tls", 3000},
        {"db1:tls:4333", "db1", "tls", 4333},
        {"10.1.2.3:65535", "10.1.2.3", NULL, 65535},
        {"[::1]", "::1", NULL, 3000},
        {"[2001:db8::5]:3001", "2001:db8::5", NULL, 3001},
        {"[::1]:tls:3001", "::1", "tls", 3001},
        {"  db1:1  ", "db1", NULL, 1},
        {NAME_255, NAME_255, NULL, 3000},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_config config;
        as_config_init(&config);
        assert_true(as_config_add_hosts(&config, cases[i].text, 3000));
        assert_int_equal(hosts_count(&config), 1);
        assert_string_equal(host_at(&config, 0)->name, cases[i].name);
        assert_int_equal(host_at(&config, 0)->port, cases[i].port);
        if (cases[i].tls_name) {
            assert_string_equal(host_at(&config, 0)->tls_name, cases[i].tls_name);
        } else {
            assert_null(host_at(&config, 0)->tls_name);
        }
        as_config_destroy(&config);
    }
}

static void bad_seeds_add_nothing(void** state)
{
    (void)state;
    static const char* const texts[] = {
        "",        ",",          "a,",       ",a",         "a,,b",
        ":3000",   "a:",         "a:0",      "a:65536",    "a:99999999999",
        "a:30x",   "a:3000:tls", "a:3000:1", "a:t:u",      "a:t:",
        "a:t:u:1", "[::1",       "[]",       "[]:1",       "[::1]x",
        "a b",     "a:1 b",      " ",        NAME_255 "x", "a:" NAME_255 "t",
        "a:1:",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        as_config config;
        char list[1024];
        as_config_init(&config);
        as_config_add_host(&config, "kept", 1);
        assert_false(as_config_add_hosts(&config, texts[i], 3000));
        snprintf(list, sizeof(list), "good:1,%s", texts[i]);
        assert_false(as_config_add_hosts(&config, list, 3000));
        assert_int_equal(hosts_count(&config), 1);
        assert_string_equal(host_at(&config, 0)->name, "kept");
        as_config_destroy(&config);
    }
}

static void several_seeds(void** state)
{
    (void)state;
    as_config config;

    as_config_init(&config);
    assert_true(as_config_add_hosts(&config, "a:1, b:t:2,[::1]:3,d,e,f,g", 9));
    assert_int_equal(hosts_count(&config), 7);
    assert_string_equal(host_at(&config, 2)->name, "::1");
    assert_int_equal(host_at(&config, 6)->port, 9);
    as_config_tls_add_host(&config, "h", "cert", 4);
    assert_string_equal(host_at(&config, 7)->tls_name, "cert");
    as_config_clear_hosts(&config);
    assert_int_equal(config.hosts->size, 0);
    as_config_add_host(&config, "i", 5);
    assert_string_equal(host_at(&config, 0)->name, "i");
    assert_false(as_config_add_hosts(&config, NULL, 9));
    as_config_destroy(&config);
}

static void hosts_are_copied(void** state)
{
    (void)state;
    as_host host = {.name = (char*)"a", .tls_name = (char*)"b", .port = 3};
    as_host copy;

    as_host_copy(&host, &copy);
    assert_string_equal(copy.name, "a");
    assert_string_equal(copy.tls_name, "b");
    assert_int_equal(copy.port, 3);
    assert_ptr_not_equal(copy.name, host.name);
    as_host_destroy(&copy);
    as_host_destroy(&copy);
}

/* Fails each allocation in turn: nothing leaks, nothing is half there. */
static void seeds_without_memory(void** state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 20; nth++) {
        as_config config;
        as_config_init(&config);
        tnd_mem_fail(nth, 1);
        bool done = as_config_add_hosts(&config, "a:1,b:t:2,c,d,e", 9);
        uint64_t allocations = tnd_mem_allocations();
        tnd_mem_fail(0, 0);
        assert_int_equal(done, allocations < nth);
        assert_int_equal(hosts_count(&config), done ? 5 : 0);

        tnd_mem_fail(nth, 1);
        as_config_tls_add_host(&config, "x", "y", 1);
        tnd_mem_fail(0, 0);
        for (uint32_t i = 0; i < hosts_count(&config); i++) {
            assert_non_null(host_at(&config, i)->name);
        }
        as_config_destroy(&config);
    }
}

/* --- other settings --- */

static void users_are_bounded(void** state)
{
    (void)state;
    as_config config;
    char chars_64[65];

    memset(chars_64, 'x', 64);
    chars_64[64] = '\0';
    as_config_init(&config);
    assert_true(as_config_set_user(&config, "user", "secret"));
    assert_string_equal(config.user, "user");
    assert_string_equal(config.password, "secret");
    assert_false(as_config_set_user(&config, NULL, "x"));
    assert_false(as_config_set_user(&config, "", "x"));
    assert_false(as_config_set_user(&config, chars_64, "x"));
    assert_false(as_config_set_user(&config, "other", chars_64));
    assert_string_equal(config.user, "user");
    assert_true(as_config_set_user(&config, chars_64 + 1, chars_64 + 1));
    assert_true(as_config_set_user(&config, "user", NULL));
    assert_string_equal(config.password, "");
    as_config_destroy(&config);
}

static void strings_belong_to_the_configuration(void** state)
{
    (void)state;
    as_config config;

    as_config_init(&config);
    as_config_set_cluster_name(&config, "one");
    as_config_set_cluster_name(&config, "two");
    assert_string_equal(config.cluster_name, "two");
    as_config_set_app_id(&config, "app");
    as_config_set_app_id(&config, NULL);
    assert_null(config.app_id);
    as_config_provider_set(&config, "/etc/x", 7);
    assert_int_equal(config.config_provider.interval, 7);
    as_config_provider_set_path(&config, "/etc/y");
    assert_string_equal(config.config_provider.path, "/etc/y");
    as_config_tls_set_cafile(&config, "cafile");
    as_config_tls_set_castring(&config, "castring");
    as_config_tls_set_capath(&config, "capath");
    as_config_tls_set_protocols(&config, "protocols");
    as_config_tls_set_cipher_suite(&config, "cipher_suite");
    as_config_tls_set_cert_blacklist(&config, "cert_blacklist");
    as_config_tls_set_keyfile(&config, "keyfile");
    as_config_tls_set_keyfile_pw(&config, "keyfile_pw");
    as_config_tls_set_keystring(&config, "keystring");
    as_config_tls_set_certfile(&config, "certfile");
    as_config_tls_set_certstring(&config, "certstring");
    assert_string_equal(config.tls.cafile, "cafile");
    assert_string_equal(config.tls.castring, "castring");
    assert_string_equal(config.tls.capath, "capath");
    assert_string_equal(config.tls.protocols, "protocols");
    assert_string_equal(config.tls.cipher_suite, "cipher_suite");
    assert_string_equal(config.tls.cert_blacklist, "cert_blacklist");
    assert_string_equal(config.tls.keyfile, "keyfile");
    assert_string_equal(config.tls.keyfile_pw, "keyfile_pw");
    assert_string_equal(config.tls.keystring, "keystring");
    assert_string_equal(config.tls.certfile, "certfile");
    assert_string_equal(config.tls.certstring, "certstring");
    /* A program's own strdup() is freed as well. */
    free(config.tls.cafile);
    config.tls.cafile = strdup("own");
    as_config_add_rack_id(&config, 4);
    as_config_add_rack_id(&config, -1);
    assert_int_equal(*(int*)as_vector_get(config.rack_ids, 1), -1);
    as_config_destroy(&config);
    as_config_destroy(&config);
}

static void auth_modes(void** state)
{
    (void)state;
    as_auth_mode mode = AS_AUTH_PKI;

    assert_true(as_auth_mode_from_string(&mode, "internal"));
    assert_int_equal(mode, AS_AUTH_INTERNAL);
    assert_true(as_auth_mode_from_string(&mode, "External"));
    assert_int_equal(mode, AS_AUTH_EXTERNAL);
    assert_true(as_auth_mode_from_string(&mode, "EXTERNAL_INSECURE"));
    assert_int_equal(mode, AS_AUTH_EXTERNAL_INSECURE);
    assert_true(as_auth_mode_from_string(&mode, "PKI"));
    assert_int_equal(mode, AS_AUTH_PKI);
    assert_false(as_auth_mode_from_string(&mode, "PKI "));
    assert_false(as_auth_mode_from_string(&mode, ""));
    assert_false(as_auth_mode_from_string(&mode, NULL));
    assert_int_equal(mode, AS_AUTH_PKI);
}

static void error_rates(void** state)
{
    (void)state;
    static const struct {
        uint32_t rate, window, rate_after, window_after;
    } cases[] = {
        {100, 1, 100, 1}, {1, 1, 1, 1},   {5, 5, 5, 5},    {200, 2, 200, 2}, {0, 1, 0, 1},
        {101, 1, 100, 1}, {1, 2, 100, 1}, {10, 0, 100, 1}, {0, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        as_config config;
        as_config_init(&config);
        config.max_error_rate = cases[i].rate;
        config.error_rate_window = cases[i].window;
        as_config_massage_error_rate(&config);
        assert_int_equal(config.max_error_rate, cases[i].rate_after);
        assert_int_equal(config.error_rate_window, cases[i].window_after);
        as_config_destroy(&config);
    }
}

/* --- tnd_config_check --- */

static const int something; /* what pointers that are never followed point at */

static void event_callback(as_cluster_event* event)
{
    (void)event;
}

static as_status enable_listener(as_error* err, void* udata)
{
    (void)err;
    (void)udata;
    return AEROSPIKE_OK;
}

/* Changes one field of a good configuration; `text` must be in the error, NULL = it stays good. */
#define assert_check(setting, expected, text)                                                      \
    do {                                                                                           \
        as_config c;                                                                               \
        as_error err;                                                                              \
        as_status status;                                                                          \
        const char* wanted = (text);                                                               \
        as_error_init(&err);                                                                       \
        as_config_init(&c);                                                                        \
        as_config_add_host(&c, "127.0.0.1", 3000);                                                 \
        setting;                                                                                   \
        status = tnd_config_check(&c, &err);                                                       \
        if (status != (expected) || (wanted && !strstr(err.message, wanted))) {                    \
            fail_msg("%s: %d %s", #setting, status, err.message);                                  \
        }                                                                                          \
        as_config_destroy(&c);                                                                     \
    } while (0)

/* A program may ask before it connects, and nothing of its configuration changes. */
static void a_program_may_ask(void** state)
{
    (void)state;
    as_config c;
    as_error err;
    as_config_init(&c);
    assert_int_equal(aerospike_config_check(&c, &err), AEROSPIKE_ERR_PARAM);
    assert_string_equal(err.message, "No hosts provided");
    as_config_add_host(&c, "127.0.0.1", 3000);
    c.max_error_rate = 1000000; /* is set right when connecting */
    assert_int_equal(aerospike_config_check(&c, &err), AEROSPIKE_OK);
    assert_int_equal(err.code, AEROSPIKE_OK);
    assert_int_equal(c.max_error_rate, 1000000);
    as_config_destroy(&c);
}

#define assert_good(setting) assert_check(setting, AEROSPIKE_OK, NULL)
#define assert_bad(setting, status, text) assert_check(setting, status, text)
#define assert_later(setting, text) assert_check(setting, AEROSPIKE_ERR_PARAM, text)

static void good_configurations(void** state)
{
    (void)state;
    assert_good((void)0);
    assert_good(c.use_shm = true);
    /* The shared-memory page of the official documentation. */
    assert_good(c.use_shm = true; c.shm_key = (int)0xA7000000; c.shm_max_nodes = 16;
                c.shm_max_namespaces = 8; c.shm_takeover_threshold_sec = 30);
    assert_good(as_config_set_cluster_name(&c, "mine"));
    assert_good(as_config_set_app_id(&c, "mine"));
    assert_good(c.fail_if_not_connected = false);
    assert_good(c.conn_timeout_ms = 0; c.login_timeout_ms = 0);
    assert_good(c.thread_pool_size = 1; c.tend_thread_cpu = 3; c.conn_pools_per_node = 4);
    assert_good(c.min_conns_per_node = 10; c.max_conns_per_node = 10);
    assert_good(c.async_max_conns_per_node = 300);
    assert_good(c.lua.cache_enabled = true);
    assert_good(c.max_error_rate = 0; c.error_rate_window = 0); /* off: as it is */
    assert_good(as_config_set_cluster_event_callback(&c, event_callback, &c));
    assert_good(as_config_tls_set_cafile(&c, "unused while TLS is off"));
    assert_good(c.policies.read.replica = AS_POLICY_REPLICA_ANY);
    assert_good(c.policies.write.durable_delete = true);
}

static void seeds_are_checked(void** state)
{
    (void)state;
    assert_bad(as_config_clear_hosts(&c), AEROSPIKE_ERR_PARAM, "No hosts provided");
    assert_bad(as_config_clear_hosts(&c); as_vector_destroy(c.hosts);
               c.hosts = NULL, AEROSPIKE_ERR_PARAM, "No hosts provided");
    assert_bad(as_config_add_host(&c, "", 3000), AEROSPIKE_ERR_PARAM, "Host 1");
    assert_bad(as_config_add_host(&c, NAME_255 "x", 3000), AEROSPIKE_ERR_PARAM, "Host 1");
    assert_good(as_config_add_host(&c, NAME_255, 3000));
    assert_bad(as_config_add_host(&c, "b", 0), AEROSPIKE_ERR_PARAM, "Host b needs a port");
}

static void limits_are_checked(void** state)
{
    (void)state;
    assert_good(c.max_socket_idle = 86400);
    assert_bad(c.max_socket_idle = 86401, AEROSPIKE_ERR_PARAM, "max_socket_idle");
    assert_good(as_config_set_cluster_name(&c, NAME_255 + 192));
    assert_bad(as_config_set_cluster_name(&c, NAME_255 + 191), AEROSPIKE_ERR_PARAM, "cluster_name");
    assert_good(c.tender_interval = 250);
    assert_bad(c.tender_interval = 249, AEROSPIKE_ERR_CLIENT, "tender_interval");
    assert_bad(as_config_provider_set(&c, "/x", 999), AEROSPIKE_ERR_CLIENT,
               "config_provider.interval");
    assert_bad(c.min_conns_per_node = 101, AEROSPIKE_ERR_CLIENT, "min_conns_per_node 101");
    assert_bad(c.async_min_conns_per_node = 101, AEROSPIKE_ERR_CLIENT,
               "async_min_conns_per_node 101");
}

#define assert_delay(name)                                                                         \
    do {                                                                                           \
        assert_bad(c.policies.name.base.timeout_delay = 2999, AEROSPIKE_ERR_CLIENT,                \
                   "policies." #name ".base.timeout_delay");                                       \
        assert_bad(c.policies.name.base.timeout_delay = 1, AEROSPIKE_ERR_CLIENT,                   \
                   "policies." #name ".base.timeout_delay");                                       \
        assert_good(c.policies.name.base.timeout_delay = 0);                                       \
        assert_good(c.policies.name.base.timeout_delay = 3000);                                    \
        assert_later(c.policies.name.base.txn = (as_txn*)&something,                               \
                     "policies." #name ".base.txn");                                               \
        assert_later(c.policies.name.base.error_detail_verbosity = 1,                              \
                     "policies." #name ".base.error_detail_verbosity");                            \
    } while (0)

static void default_policies_are_checked(void** state)
{
    (void)state;
    assert_delay(read);
    assert_delay(write);
    assert_delay(operate);
    assert_delay(remove);
    assert_delay(apply);
    assert_delay(batch);
    assert_delay(batch_parent_write);
    assert_delay(scan);
    assert_delay(query);
    assert_delay(txn_verify);
    assert_delay(txn_roll);
    assert_later(c.policies.write.on_locking_only = true, "on_locking_only");
    assert_later(c.policies.remove.gen = (as_policy_gen)3, "as_policy_remove.gen");
    assert_later(c.policies.operate.on_locking_only = true, "policies.operate.on_locking_only");
    assert_later(c.policies.apply.on_locking_only = true, "policies.apply.on_locking_only");
    assert_later(c.policies.batch_write.on_locking_only = true, "batch_write.on_locking_only");
    assert_later(c.policies.batch_apply.on_locking_only = true, "batch_apply.on_locking_only");
}

static void login_is_checked(void** state)
{
    (void)state;
    assert_bad(c.auth_mode = AS_AUTH_PKI;
               strcpy(c.password, "x"), AEROSPIKE_FORBIDDEN_PASSWORD, "AS_AUTH_PKI");
    assert_bad(c.auth_mode = AS_AUTH_PKI, AEROSPIKE_ERR_CLIENT, "need TLS");
    assert_bad(c.auth_mode = AS_AUTH_EXTERNAL, AEROSPIKE_ERR_CLIENT, "need TLS");
}

static void shared_memory_is_checked(void** state)
{
    (void)state;
    assert_bad(c.use_shm = true;
               c.force_single_node = true, AEROSPIKE_ERR_CLIENT, "force_single_node and use_shm");
    assert_good(c.shm_max_nodes = 1);
    assert_good(c.shm_max_nodes = 511);
    assert_bad(c.shm_max_nodes = 0, AEROSPIKE_ERR_PARAM, "shm_max_nodes");
    assert_bad(c.shm_max_nodes = 512, AEROSPIKE_ERR_PARAM, "shm_max_nodes");
    assert_good(c.shm_max_namespaces = 1);
    assert_good(c.shm_max_namespaces = 32);
    assert_bad(c.shm_max_namespaces = 0, AEROSPIKE_ERR_PARAM, "shm_max_namespaces");
    assert_bad(c.shm_max_namespaces = 33, AEROSPIKE_ERR_PARAM, "shm_max_namespaces");
    assert_good(c.shm_takeover_threshold_sec = 1);
    assert_bad(c.shm_takeover_threshold_sec = 0, AEROSPIKE_ERR_PARAM, "takeover");
    assert_good(c.shm_mode = 0600);
    assert_good(c.shm_mode = 0777);
    assert_bad(c.shm_mode = 0400, AEROSPIKE_ERR_PARAM, "shm_mode is 0400");
    assert_bad(c.shm_mode = 0177, AEROSPIKE_ERR_PARAM, "shm_mode");
    assert_bad(c.shm_mode = 01600, AEROSPIKE_ERR_PARAM, "shm_mode");
    assert_bad(c.shm_mode = 0, AEROSPIKE_ERR_PARAM, "shm_mode");
}

/* One line per row of the table in config_check.c. */
static void the_hosts_limits_are_checked(void** state)
{
    (void)state;
    assert_good(c.async_min_conns_per_node = 1);
    assert_good(c.shm_max_conns_per_node = 1; c.shm_connect_rate = 1000000);
    assert_bad(c.shm_connect_rate = 1000001, AEROSPIKE_ERR_PARAM, "shm_connect_rate");
}

static void address_maps_are_checked(void** state)
{
    (void)state;
    static char orig[] = "10.0.0.1";
    static char none[] = "";
    static char longest[300];
    memset(longest, 'a', 255);
    as_addr_map map = {orig, longest};

    assert_good(c.ip_map = &map; c.ip_map_size = 1);
    assert_good(c.ip_map = NULL; c.ip_map_size = 1);
    longest[255] = 'a';
    assert_bad(c.ip_map = &map; c.ip_map_size = 1, AEROSPIKE_ERR_PARAM, "ip_map[0]");
    assert_good(c.ip_map = &map; c.ip_map_size = 0);
    map = (as_addr_map){NULL, orig};
    assert_bad(c.ip_map = &map; c.ip_map_size = 1, AEROSPIKE_ERR_PARAM, "ip_map[0]");
    map = (as_addr_map){orig, none};
    assert_bad(c.ip_map = &map; c.ip_map_size = 1, AEROSPIKE_ERR_PARAM, "ip_map[0]");
}

static void what_comes_later_is_refused(void** state)
{
    (void)state;
    assert_later(c.tls.enable = true, "as_config.tls.enable is set, but TLS isn't supported yet");
    assert_later(as_config_set_user(&c, "u", ""), "as_config.user ");
    assert_later(strcpy(c.password, "x"), "as_config.password ");
    assert_later(c.auth_mode = AS_AUTH_EXTERNAL_INSECURE, "as_config.auth_mode ");
    assert_later(c.pipe_max_conns_per_node = 63, "as_config.pipe_max_conns_per_node ");
    assert_later(as_config_provider_set_path(&c, "/x"), "as_config.config_provider.path ");
    assert_later(c.policies.metrics.enable = true, "as_config.policies.metrics ");
    assert_later(c.policies.metrics.metrics_listeners.enable_listener = enable_listener,
                 "as_config.policies.metrics ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(one_seed_out_of_text),
        cmocka_unit_test(bad_seeds_add_nothing),
        cmocka_unit_test(several_seeds),
        cmocka_unit_test(hosts_are_copied),
        cmocka_unit_test(seeds_without_memory),
        cmocka_unit_test(users_are_bounded),
        cmocka_unit_test(strings_belong_to_the_configuration),
        cmocka_unit_test(auth_modes),
        cmocka_unit_test(error_rates),
        cmocka_unit_test(good_configurations),
        cmocka_unit_test(seeds_are_checked),
        cmocka_unit_test(limits_are_checked),
        cmocka_unit_test(default_policies_are_checked),
        cmocka_unit_test(login_is_checked),
        cmocka_unit_test(shared_memory_is_checked),
        cmocka_unit_test(a_program_may_ask),
        cmocka_unit_test(the_hosts_limits_are_checked),
        cmocka_unit_test(address_maps_are_checked),
        cmocka_unit_test(what_comes_later_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
