/*
 * Texts of a configuration: seeds, names of seeds, authentication modes. The input is a text that
 * ends at its first zero. Promises: seeds are added all or none, each with a name and a port; what
 * was accepted once is accepted again when it's put together from its parts.
 */
#include "core/config.h"

#include <string.h>

#include "async/address.h"
#include "tests/fuzz/fuzz.h"

enum {
    TEXT_MAX = 4096,
    PORT = 3000
};

static void check_address(const char* name)
{
    tnd_lookup_addr addr = {0}, again = {0};
    char text[64];
    if (!tnd_address_parse(name, &addr)) {
        return;
    }
    tnd_address_format(&addr, PORT, text, sizeof(text));
    char* colon = strrchr(text, ':');
    must(colon && strcmp(colon, ":3000") == 0);
    *colon = '\0';
    char* start = text;
    if (*start == '[') {
        start++;
        start[strcspn(start, "]")] = '\0';
    }
    must(tnd_address_parse(start, &again));
    must(memcmp(&addr, &again, sizeof(addr)) == 0);
}

static bool needs_brackets(const char* name)
{
    return strpbrk(name, ":, ") != NULL;
}

/* "[name]:tls_name:port". */
static void check_again(const as_host* host)
{
    char text[TEXT_MAX];
    as_config config;
    bool is_wrapped = needs_brackets(host->name) || host->name[0] == '[';
    as_config_init(&config);
    snprintf(text, sizeof(text), "%s%s%s%s%s:%u", is_wrapped ? "[" : "", host->name,
             is_wrapped ? "]" : "", host->tls_name ? ":" : "", host->tls_name ? host->tls_name : "",
             host->port);
    must(as_config_add_hosts(&config, text, PORT));
    must(config.hosts->size == 1);
    const as_host* same = as_vector_get(config.hosts, 0);
    must(strcmp(same->name, host->name) == 0 && same->port == host->port);
    must(!same->tls_name == !host->tls_name);
    must(!same->tls_name || strcmp(same->tls_name, host->tls_name) == 0);
    as_config_destroy(&config);
}

static void check_hosts(const char* text)
{
    as_config config;
    as_error err;
    as_config_init(&config);
    as_config_add_host(&config, "first", PORT);
    bool is_accepted = as_config_add_hosts(&config, text, PORT);
    must(is_accepted || config.hosts->size == 1);
    must(!is_accepted || config.hosts->size > 1);
    for (uint32_t i = 1; i < config.hosts->size; i++) {
        const as_host* host = as_vector_get(config.hosts, i);
        must(host->name[0] != '\0' && strlen(host->name) <= TND_CONFIG_HOST_CHARS_MAX);
        must(host->port > 0);
        check_again(host);
    }
    as_error_init(&err);
    must(tnd_config_check(&config, &err) == err.code);
    must(err.code == AEROSPIKE_OK || err.message[0] != '\0');
    as_config_destroy(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    char text[TEXT_MAX];
    as_auth_mode mode;
    as_config config;
    as_error err;
    size_t length = size < sizeof(text) ? size : sizeof(text) - 1;
    if (length > 0) {
        memcpy(text, data, length);
    }
    text[length] = '\0';
    check_hosts(text);
    check_address(text);
    as_auth_mode_from_string(&mode, text);
    as_config_init(&config);
    as_config_add_host(&config, text, PORT);
    as_config_set_cluster_name(&config, text);
    as_config_set_user(&config, text, text);
    tnd_config_check(&config, as_error_init(&err));
    as_config_destroy(&config);
    return 0;
}
