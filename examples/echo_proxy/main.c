/* Options of the echo proxy. */
#include "echo_proxy.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: echo_proxy [OPTION...]\n"
    "\n"
    "  --listen HOST:PORT          where clients connect; 127.0.0.1:7000, [::1]:7000, ...\n"
    "  --hosts HOST[:PORT],...     seeds of the cluster; 127.0.0.1:3000\n"
    "  --workers N                 processes that serve; 4\n"
    "  --namespace NAME            where lines are stored; test\n"
    "  --set NAME                  likewise; echo\n"
    "  --shm-key KEY               of the segment that the workers share; 0xA7000000\n"
    "  --takeover-threshold SEC    silence after which a tender that hangs is replaced; 30\n"
    "  --verbose                   more log lines\n"
    "\n"
    "SIGHUP replaces the workers, SIGTERM and SIGINT end gracefully.\n";

static int usage_error(const char* what, const char* value)
{
    fprintf(stderr, "echo_proxy: %s '%s'\n%s", what, value, usage_text);
    return 2;
}

static bool parse_number(const char* text, unsigned long min, unsigned long max,
                         unsigned long* ret_value)
{
    char* end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 0);
    if (errno || *end || end == text || *text == '-' || value < min || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

/* Splits HOST:PORT in place; an IPv6 address stands in brackets. */
static bool parse_listen(char* text, echo_options* options)
{
    char* colon = strrchr(text, ':');
    if (!colon || colon == text || !colon[1]) {
        return false;
    }
    *colon = '\0';
    options->listen_port = colon + 1;
    options->listen_host = text;
    if (text[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        options->listen_host = text + 1;
    }
    return true;
}

/* As the library will parse them, but now, while somebody is looking. */
static bool check_hosts(const char* hosts)
{
    as_config config;
    as_config_init(&config);
    bool is_valid = as_config_add_hosts(&config, hosts, 3000);
    as_config_destroy(&config);
    return is_valid;
}

static bool take_option(int option, char* value, echo_options* options)
{
    unsigned long number = 0;
    switch (option) {
    case 'l':
        return parse_listen(value, options);
    case 'h':
        options->hosts = value;
        return check_hosts(value);
    case 'w':
        if (!parse_number(value, 1, WORKERS_MAX, &number)) {
            return false;
        }
        options->workers_count = (unsigned)number;
        return true;
    case 'k':
        if (!parse_number(value, 1, 0xffffffffUL, &number)) {
            return false;
        }
        options->shm_key = (int)number;
        return true;
    case 't':
        if (!parse_number(value, 1, 86400, &number)) {
            return false;
        }
        options->takeover_threshold_sec = (unsigned)number;
        return true;
    case 'n':
        options->namespace_name = value;
        return *value && strlen(value) <= AS_NAMESPACE_MAX_LEN;
    case 's':
        options->set_name = value;
        return strlen(value) <= AS_SET_MAX_LEN;
    default:
        options->is_verbose = true;
        return true;
    }
}

int main(int argc, char* argv[])
{
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},
        {"hosts", required_argument, NULL, 'h'},
        {"workers", required_argument, NULL, 'w'},
        {"namespace", required_argument, NULL, 'n'},
        {"set", required_argument, NULL, 's'},
        {"shm-key", required_argument, NULL, 'k'},
        {"takeover-threshold", required_argument, NULL, 't'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, '?' + 1},
        {NULL, 0, NULL, 0},
    };
    echo_options options = {
        .listen_host = "127.0.0.1",
        .listen_port = "7000",
        .hosts = "127.0.0.1:3000",
        .namespace_name = "test",
        .set_name = "echo",
        .workers_count = 4,
        .shm_key = (int)0xA7000000,
        .takeover_threshold_sec = 30,
    };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (option == '?' + 1) {
            fputs(usage_text, stdout);
            return 0;
        }
        if (option == '?') {
            fputs(usage_text, stderr);
            return 2;
        }
        char* value = optarg;
        if (!take_option(option, value, &options)) {
            return usage_error(known[index].name, value);
        }
    }
    if (optind < argc) {
        return usage_error("not an option", argv[optind]);
    }
    return master_run(&options);
}
