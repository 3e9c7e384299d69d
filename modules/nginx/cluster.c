/*
 * aerospike_cluster NAME { ... }: each line sets something in an as_config; at the block's end the
 * library says what it thinks of the whole. Nothing is opened but the file of a password.
 */
#include "module.h"

#include <stdio.h>

#define CLUSTER_PORT_DEFAULT 3000
#define CLUSTER_SHM_KEY_DEFAULT 0xA7000000u

typedef ngx_http_aerospike_cluster cluster_conf;

/* Sets something by the words of a line; NULL, or what is wanted instead. */
typedef const char* (*line_set)(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                ngx_uint_t count);

typedef struct line {
    const char* name;
    ngx_uint_t least; /* arguments */
    ngx_uint_t most;
    line_set set;
} line;

/* ---- words ---- */

static bool word_is(const ngx_str_t* word, const char* text)
{
    return word->len == ngx_strlen(text) && ngx_strncmp(word->data, text, word->len) == 0;
}

/* nginx's words are terminated. */
static const char* word_text(const ngx_str_t* word)
{
    return (const char*)word->data;
}

static const char* parse_flag(const ngx_str_t* word, bool* ret_flag)
{
    if (!word_is(word, "on") && !word_is(word, "off")) {
        return "\"on\" or \"off\"";
    }
    *ret_flag = word_is(word, "on");
    return NULL;
}

static const char* parse_number(const u_char* text, size_t size, uint32_t* ret_number)
{
    ngx_int_t number = ngx_atoi((u_char*)(uintptr_t)text, size);
    if (number == NGX_ERROR || (uint64_t)number > UINT32_MAX) {
        return "a whole number";
    }
    *ret_number = (uint32_t)number;
    return NULL;
}

static const char* parse_ms(const u_char* text, size_t size, uint32_t* ret_ms)
{
    ngx_str_t word = {size, (u_char*)(uintptr_t)text};
    ngx_int_t ms = ngx_parse_time(&word, 0);
    if (ms == NGX_ERROR || (uint64_t)ms > UINT32_MAX) {
        return "a time such as 250ms or 1s";
    }
    *ret_ms = (uint32_t)ms;
    return NULL;
}

static const char* parse_sec(const u_char* text, size_t size, uint32_t* ret_sec)
{
    ngx_str_t word = {size, (u_char*)(uintptr_t)text};
    ngx_int_t sec = ngx_parse_time(&word, 1);
    if (sec == NGX_ERROR || (uint64_t)sec > UINT32_MAX) {
        return "a time in seconds such as 55s";
    }
    *ret_sec = (uint32_t)sec;
    return NULL;
}

/* The value of "name=value". NULL: another name. */
static u_char* parameter(const ngx_str_t* word, const char* name, size_t* ret_size)
{
    size_t size = ngx_strlen(name);
    if (word->len <= size || ngx_strncmp(word->data, name, size) != 0) {
        return NULL;
    }
    *ret_size = word->len - size;
    return word->data + size;
}

/* ---- seeds and identity ---- */

static const char* set_server(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                              ngx_uint_t count)
{
    (void)cf;
    for (ngx_uint_t i = 1; i < count; i++) {
        if (!as_config_add_hosts(&cluster->config, word_text(&words[i]), CLUSTER_PORT_DEFAULT)) {
            return "host[:tlsname][:port], an IPv6 address in brackets";
        }
    }
    return NULL;
}

static const char* set_cluster_name(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                    ngx_uint_t count)
{
    (void)cf;
    (void)count;
    as_config_set_cluster_name(&cluster->config, word_text(&words[1]));
    return NULL;
}

static const char* set_app_id(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                              ngx_uint_t count)
{
    (void)cf;
    (void)count;
    as_config_set_app_id(&cluster->config, word_text(&words[1]));
    return NULL;
}

static const char* set_services_alternate(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                          ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_flag(&words[1], &cluster->config.use_services_alternate);
}

static const char* set_rack(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                            ngx_uint_t count)
{
    (void)cf;
    for (ngx_uint_t i = 1; i < count; i++) {
        uint32_t rack;
        if (parse_number(words[i].data, words[i].len, &rack) || rack > INT32_MAX) {
            return "numbers of racks, the preferred first";
        }
        as_config_add_rack_id(&cluster->config, (int)rack);
    }
    cluster->config.rack_aware = true;
    return NULL;
}

/* ---- shared memory ---- */

static const char* set_shm_key(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                               ngx_uint_t count)
{
    (void)cf;
    (void)count;
    if (word_is(&words[1], "off")) {
        cluster->config.use_shm = false;
        return NULL;
    }
    char* end;
    errno = 0;
    unsigned long key = strtoul(word_text(&words[1]), &end, 0);
    bool is_number = words[1].data[0] >= '0' && words[1].data[0] <= '9' && *end == '\0';
    if (!is_number || errno != 0 || key == 0 || key > UINT32_MAX) {
        return "a number of 32 bits other than 0, such as 0xA7000000, or \"off\"";
    }
    cluster->config.shm_key = (int)(uint32_t)key;
    return NULL;
}

static const char* set_shm_nodes(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                 ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_number(words[1].data, words[1].len, &cluster->config.shm_max_nodes);
}

static const char* set_shm_namespaces(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                      ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_number(words[1].data, words[1].len, &cluster->config.shm_max_namespaces);
}

static const char* set_shm_threshold(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_sec(words[1].data, words[1].len, &cluster->config.shm_takeover_threshold_sec);
}

static const char* set_shm_mode(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                ngx_uint_t count)
{
    (void)cf;
    (void)count;
    char* end;
    unsigned long mode = strtoul(word_text(&words[1]), &end, 8);
    if (*end != '\0' || words[1].data[0] < '0' || words[1].data[0] > '7' || mode > 0777) {
        return "octal permissions such as 0600";
    }
    cluster->config.shm_mode = (uint32_t)mode;
    return NULL;
}

/* ---- times and limits ---- */

static const char* set_tend_interval(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_ms(words[1].data, words[1].len, &cluster->config.tender_interval);
}

static const char* set_connect_timeout(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                       ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_ms(words[1].data, words[1].len, &cluster->config.conn_timeout_ms);
}

static const char* set_login_timeout(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_ms(words[1].data, words[1].len, &cluster->config.login_timeout_ms);
}

static const char* set_connections(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                   ngx_uint_t count)
{
    (void)cf;
    as_config* config = &cluster->config;
    for (ngx_uint_t i = 1; i < count; i++) {
        size_t size;
        u_char* text;
        const char* wanted = "max=, min= or idle=";
        if ((text = parameter(&words[i], "max=", &size)) != NULL) {
            wanted = parse_number(text, size, &config->async_max_conns_per_node);
        } else if ((text = parameter(&words[i], "min=", &size)) != NULL) {
            wanted = parse_number(text, size, &config->async_min_conns_per_node);
        } else if ((text = parameter(&words[i], "idle=", &size)) != NULL) {
            wanted = parse_sec(text, size, &config->max_socket_idle);
        }
        if (wanted) {
            return wanted;
        }
    }
    return NULL;
}

static const char* set_breaker(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                               ngx_uint_t count)
{
    (void)cf;
    as_config* config = &cluster->config;
    if (count == 2 && word_is(&words[1], "off")) {
        config->max_error_rate = 0;
        return NULL;
    }
    for (ngx_uint_t i = 1; i < count; i++) {
        size_t size;
        u_char* text;
        const char* wanted = "\"off\", errors= or window= (in tends)";
        if ((text = parameter(&words[i], "errors=", &size)) != NULL) {
            wanted = parse_number(text, size, &config->max_error_rate);
        } else if ((text = parameter(&words[i], "window=", &size)) != NULL) {
            wanted = parse_number(text, size, &config->error_rate_window);
        }
        if (wanted) {
            return wanted;
        }
    }
    return NULL;
}

/* ---- login ---- */

static const char* set_user(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                            ngx_uint_t count)
{
    (void)cf;
    (void)count;
    as_config* config = &cluster->config;
    char password[AS_PASSWORD_SIZE];
    ngx_memcpy(password, config->password, sizeof(password));
    return as_config_set_user(config, word_text(&words[1]), password) ? NULL
                                                                      : "a name of 1 to 63 bytes";
}

/* The first line of the file. */
static const char* set_password_file(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)count;
    ngx_str_t path = words[1];
    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return "memory";
    }
    FILE* file = fopen((char*)path.data, "re");
    if (!file) {
        return "a file that can be read";
    }
    char text[AS_PASSWORD_SIZE + 1] = "";
    bool is_read = fgets(text, sizeof(text), file) != NULL;
    fclose(file);
    text[strcspn(text, "\r\n")] = '\0';
    if (!is_read || strlen(text) >= AS_PASSWORD_SIZE) {
        return "a file whose first line is a password of at most 63 bytes";
    }
    ngx_memcpy(cluster->config.password, text, strlen(text) + 1);
    ngx_explicit_memzero(text, sizeof(text));
    return NULL;
}

static const char* set_auth(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                            ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return as_auth_mode_from_string(&cluster->config.auth_mode, word_text(&words[1]))
               ? NULL
               : "internal, external, external_insecure or pki";
}

/* ---- TLS ---- */

static const char* set_ssl(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                           ngx_uint_t count)
{
    (void)cf;
    (void)count;
    return parse_flag(&words[1], &cluster->config.tls.enable);
}

/* Paths are relative to the configuration's folder, as nginx's own are. */
static const char* set_path(ngx_conf_t* cf, const ngx_str_t* word, char** field)
{
    ngx_str_t path = *word;
    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return "memory";
    }
    as_config_set_string(field, (char*)path.data);
    return NULL;
}

static const char* set_ssl_trusted(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                   ngx_uint_t count)
{
    (void)count;
    return set_path(cf, &words[1], &cluster->config.tls.cafile);
}

static const char* set_ssl_certificate(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                       ngx_uint_t count)
{
    (void)count;
    return set_path(cf, &words[1], &cluster->config.tls.certfile);
}

static const char* set_ssl_key(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                               ngx_uint_t count)
{
    (void)count;
    return set_path(cf, &words[1], &cluster->config.tls.keyfile);
}

static const char* set_ssl_ciphers(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                   ngx_uint_t count)
{
    (void)cf;
    (void)count;
    as_config_tls_set_cipher_suite(&cluster->config, word_text(&words[1]));
    return NULL;
}

static const char* set_ssl_protocols(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)cf;
    char text[128] = "-all";
    for (ngx_uint_t i = 1; i < count; i++) {
        size_t size = strlen(text);
        if (size + words[i].len + 3 > sizeof(text)) {
            return "names such as TLSv1.2 TLSv1.3";
        }
        snprintf(text + size, sizeof(text) - size, " +%s", word_text(&words[i]));
    }
    as_config_tls_set_protocols(&cluster->config, text);
    return NULL;
}

static const char* set_ssl_crl_check(ngx_conf_t* cf, cluster_conf* cluster, ngx_str_t* words,
                                     ngx_uint_t count)
{
    (void)cf;
    (void)count;
    as_config_tls* tls = &cluster->config.tls;
    tls->crl_check_all = word_is(&words[1], "all");
    return tls->crl_check_all                       ? NULL
           : parse_flag(&words[1], &tls->crl_check) ? "\"on\", \"off\" or \"all\""
                                                    : NULL;
}

/* ---- the block ---- */

static const line lines[] = {
    {"server", 1, NGX_CONF_MAX_ARGS - 1, set_server},
    {"cluster_name", 1, 1, set_cluster_name},
    {"app_id", 1, 1, set_app_id},
    {"services_alternate", 1, 1, set_services_alternate},
    {"rack", 1, NGX_CONF_MAX_ARGS - 1, set_rack},
    {"shm_key", 1, 1, set_shm_key},
    {"shm_nodes", 1, 1, set_shm_nodes},
    {"shm_namespaces", 1, 1, set_shm_namespaces},
    {"shm_takeover_threshold", 1, 1, set_shm_threshold},
    {"shm_mode", 1, 1, set_shm_mode},
    {"tend_interval", 1, 1, set_tend_interval},
    {"connect_timeout", 1, 1, set_connect_timeout},
    {"login_timeout", 1, 1, set_login_timeout},
    {"connections", 1, 3, set_connections},
    {"breaker", 1, 2, set_breaker},
    {"user", 1, 1, set_user},
    {"password_file", 1, 1, set_password_file},
    {"auth", 1, 1, set_auth},
    {"ssl", 1, 1, set_ssl},
    {"ssl_trusted_certificate", 1, 1, set_ssl_trusted},
    {"ssl_certificate", 1, 1, set_ssl_certificate},
    {"ssl_certificate_key", 1, 1, set_ssl_key},
    {"ssl_ciphers", 1, 1, set_ssl_ciphers},
    {"ssl_protocols", 1, NGX_CONF_MAX_ARGS - 1, set_ssl_protocols},
    {"ssl_crl_check", 1, 1, set_ssl_crl_check},
};

#define LINES_COUNT (sizeof(lines) / sizeof(lines[0]))

/* While a block is parsed. */
typedef struct block {
    cluster_conf* cluster;
    bool is_set[LINES_COUNT];
} block;

static ngx_int_t find_line(const ngx_str_t* word)
{
    for (ngx_uint_t i = 0; i < LINES_COUNT; i++) {
        if (word_is(word, lines[i].name)) {
            return (ngx_int_t)i;
        }
    }
    return NGX_ERROR;
}

static char* complain(ngx_conf_t* cf, const ngx_str_t* word, const char* text)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" in aerospike_cluster %s", word, text);
    return NGX_CONF_ERROR;
}

static char* on_line(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    (void)data;
    block* self = (block*)(void*)cf->handler_conf;
    ngx_str_t* words = cf->args->elts;
    ngx_uint_t count = cf->args->nelts;
    ngx_int_t index = find_line(&words[0]);
    if (index == NGX_ERROR) {
        return complain(cf, &words[0], "is unknown");
    }
    const line* found = &lines[index];
    if (count - 1 < found->least || count - 1 > found->most) {
        return complain(cf, &words[0], "has an invalid number of arguments");
    }
    if (self->is_set[index] && found->set != set_server) {
        return complain(cf, &words[0], "is duplicate");
    }
    self->is_set[index] = true;
    const char* wanted = found->set(cf, self->cluster, words, count);
    if (wanted) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value of \"%V\" in aerospike_cluster: %s is wanted", &words[0],
                           wanted);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

static void on_cluster_end(void* data)
{
    cluster_conf* cluster = data;
    if (!cluster->is_given_away) {
        as_config_destroy(&cluster->config);
    }
}

static cluster_conf* cluster_new(ngx_conf_t* cf, ngx_http_aerospike_main_conf* conf,
                                 const ngx_str_t* name)
{
    cluster_conf* cluster = ngx_pcalloc(cf->pool, sizeof(*cluster));
    ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    cluster_conf** entry = ngx_array_push(&conf->clusters);
    if (!cluster || !cleanup || !entry) {
        return NULL;
    }
    *entry = cluster;
    cluster->name = *name;
    as_config_init(&cluster->config);
    cluster->config.fail_if_not_connected = false; /* a worker starts without the cluster, too */
    cluster->config.use_shm = true;
    cluster->config.shm_key = (int)CLUSTER_SHM_KEY_DEFAULT;
    cleanup->handler = on_cluster_end;
    cleanup->data = cluster;
    return cluster;
}

/* Two clusters in one segment would refuse each other when they start. */
static char* check_shm_key(ngx_conf_t* cf, const ngx_http_aerospike_main_conf* conf,
                           const cluster_conf* cluster)
{
    cluster_conf** clusters = conf->clusters.elts;
    for (ngx_uint_t i = 0; i < conf->clusters.nelts; i++) {
        const cluster_conf* other = clusters[i];
        if (other != cluster && other->config.use_shm && cluster->config.use_shm &&
            other->config.shm_key == cluster->config.shm_key) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "aerospike_cluster \"%V\" and \"%V\" have the same shm_key 0x%xD: "
                               "give each its own, such as \"shm_key 0x%xD;\"",
                               &other->name, &cluster->name, cluster->config.shm_key,
                               cluster->config.shm_key + 1);
            return NGX_CONF_ERROR;
        }
    }
    return NGX_CONF_OK;
}

static char* check_cluster(ngx_conf_t* cf, const ngx_http_aerospike_main_conf* conf,
                           const cluster_conf* cluster)
{
    as_error err;
    if (!cluster->config.hosts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "aerospike_cluster \"%V\" has no server: add one, such as "
                           "\"server 127.0.0.1:3000;\"",
                           &cluster->name);
        return NGX_CONF_ERROR;
    }
    if (aerospike_config_check(&cluster->config, &err) != AEROSPIKE_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "aerospike_cluster \"%V\": %s", &cluster->name,
                           err.message);
        return NGX_CONF_ERROR;
    }
    return check_shm_key(cf, conf, cluster);
}

ngx_http_aerospike_cluster* ngx_http_aerospike_cluster_find(ngx_http_aerospike_main_conf* conf,
                                                            const ngx_str_t* name)
{
    cluster_conf** clusters = conf->clusters.elts;
    for (ngx_uint_t i = 0; i < conf->clusters.nelts; i++) {
        if (clusters[i]->name.len == name->len &&
            ngx_memcmp(clusters[i]->name.data, name->data, name->len) == 0) {
            return clusters[i];
        }
    }
    return NULL;
}

char* ngx_http_aerospike_cluster_block(ngx_conf_t* cf, ngx_command_t* command, void* data)
{
    (void)command;
    ngx_http_aerospike_main_conf* conf = data;
    ngx_str_t* words = cf->args->elts;
    if (ngx_http_aerospike_cluster_find(conf, &words[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate aerospike_cluster \"%V\"", &words[1]);
        return NGX_CONF_ERROR;
    }
    block self = {.cluster = cluster_new(cf, conf, &words[1])};
    if (!self.cluster) {
        return NGX_CONF_ERROR;
    }
    ngx_conf_t saved = *cf;
    cf->handler = on_line;
    cf->handler_conf = (void*)&self;
    char* result = ngx_conf_parse(cf, NULL);
    *cf = saved;
    return result == NGX_CONF_OK ? check_cluster(cf, conf, self.cluster) : result;
}
