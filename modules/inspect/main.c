/*
 * tendril-shm: a look at the shared-memory segments of this host. Arguments, the choice of a
 * segment, and
 * --watch; what is written stands in the other files, one per command.
 */
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef TENDRIL_VERSION
#define TENDRIL_VERSION "?"
#endif

static const char usage_text[] =
    "usage: tendril-shm [OPTION...] [COMMAND]\n"
    "\n"
    "Looks into the shared-memory segments of Tendril's workers on this host.\n"
    "\n"
    "commands\n"
    "  list                     the segments (the default)\n"
    "  show                     one of them: tender, nodes, namespaces, workers, latencies\n"
    "  map [NAMESPACE]          a picture of the partition map\n"
    "  route NAMESPACE SET KEY  where a key goes, and why\n"
    "  check                    one line, and exit status 0, 1 or 2\n"
    "  remove                   remove a segment that nobody uses\n"
    "\n"
    "which segment (without: the only one there is)\n"
    "  -k, --key KEY            by its shm_key, as 0xA7000000 or decimal\n"
    "  -i, --id ID              by its id, as ipcs -m shows it\n"
    "\n"
    "how it is written\n"
    "  -j, --json               as JSON\n"
    "  -p, --prometheus         as Prometheus text (show; without -k or -i of all segments)\n"
    "  -w, --watch[=SECONDS]    again and again, every 1 s or SECONDS\n"
    "      --color=WHEN         auto (the default), always, never; NO_COLOR is honoured\n"
    "      --width=COLUMNS      instead of the terminal's\n"
    "\n"
    "more\n"
    "  -t, --type TYPE          of route's KEY: string (the default), int, blob (hex), digest "
    "(hex)\n"
    "  -r, --replica N          of map: column 0 (masters, the default), 1 or 2\n"
    "      --warn SECONDS       of check: age of the map for exit status 1 (5)\n"
    "      --crit SECONDS       of check: age of the map or heartbeat for exit status 2 (30)\n"
    "  -h, --help               this text\n"
    "  -V, --version            the version\n"
    "\n"
    "exit status\n"
    "  0  fine\n"
    "  1  nothing found, or refused; check: a warning; route: no node for the key\n"
    "  2  damaged; check: critical\n"
    "  3  wrong arguments, or the system didn't let us look\n";

void tool_complain(const char* format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("tendril-shm: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

uint64_t tool_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- which segment -------------------------------------------------------------------------- */

static void explain_many(const tnd_inspect_list_result* list, as_error* err)
{
    char text[512];
    size_t at = (size_t)snprintf(text, sizeof(text), "%u segments here: name one,", list->count);
    for (uint32_t i = 0; i < list->count && at < sizeof(text); i++) {
        const tnd_inspect_segment* segment = &list->segments[i];
        at += (size_t)(segment->is_removed || segment->key == 0
                           ? snprintf(text + at, sizeof(text) - at, " --id %d", segment->id)
                           : snprintf(text + at, sizeof(text) - at, " --key 0x%08X",
                                      (unsigned)segment->key));
    }
    as_error_set_message(err, AEROSPIKE_ERR_CLIENT, text);
}

int tool_choose(const tool_options* options, as_error* err)
{
    tnd_inspect_list_result list;
    as_error_init(err);
    if (options->id >= 0) {
        return options->id;
    }
    if (options->has_key) {
        return tnd_inspect_find(options->key, err);
    }
    if (tnd_inspect_list(&list, err) != AEROSPIKE_OK) {
        return -1;
    }
    int id = list.count == 1 ? list.segments[0].id : -1;
    if (list.count > 1) {
        explain_many(&list, err);
    } else if (list.count == 0) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                             list.unreadable_count > 0
                                 ? "no segment that this user may read: try as root"
                                 : "no segment on this host: no worker with use_shm runs here");
    }
    tnd_inspect_list_done(&list);
    return id;
}

bool tool_read(const tool_options* options, tnd_inspection* ret_seen, as_error* err)
{
    int id = tool_choose(options, err);
    return id >= 0 && tnd_inspect_read(id, tool_now_ms(), ret_seen, err) == AEROSPIKE_OK;
}

/* ---- commands ------------------------------------------------------------------------------- */

typedef struct command {
    const char* name;
    int args_min, args_max;
    bool may_watch;
    bool has_prometheus;
} command;

static const command commands[] = {
    {"list", 0, 0, true, false},  {"show", 0, 0, true, true},   {"map", 0, 1, true, false},
    {"route", 3, 3, true, false}, {"check", 0, 0, true, false}, {"remove", 0, 0, false, false},
};

static int command_run(const command* c, const tool_options* options, term* t, tool_rates* rates)
{
    switch (c - commands) {
    case 0:
        return tool_list(options, t);
    case 1:
        return tool_show(options, t, rates);
    case 2:
        return tool_map(options, t);
    case 3:
        return tool_route(options, t);
    case 4:
        return tool_check(options, t);
    default:
        return tool_remove(options, t);
    }
}

/* ---- watching ------------------------------------------------------------------------------- */

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal)
{
    is_interrupted = signal == SIGWINCH ? is_interrupted : 1;
}

static void signals_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal; /* without SA_RESTART: it ends the pause */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
}

/* A frame in place: every line is cleared to its end, what was below goes, nothing scrolls. */
static void frame_write(const term* t, const char* text, size_t size)
{
    unsigned lines = 0;
    fputs("\033[H", stdout);
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\n') {
            fputc(text[i], stdout);
            continue;
        }
        fputs("\033[K", stdout);
        if (++lines + 1 >= t->height && t->height > 0) {
            break; /* the rest doesn't fit */
        }
        fputc('\n', stdout);
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

static void pause_for(double seconds)
{
    struct timespec span = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&span, NULL);
}

static int watch(const command* c, const tool_options* options, term* t, unsigned width)
{
    static tool_rates rates;
    bool in_place = isatty(STDOUT_FILENO) && options->format == TOOL_TABLE;
    int status = TOOL_FINE;
    signals_catch();
    if (in_place) {
        fputs("\033[?1049h\033[?25l\033[2J", stdout); /* another screen, no cursor */
    }
    while (!is_interrupted) {
        char* text = NULL;
        size_t size = 0;
        term_measure(t, width);
        t->out = in_place ? open_memstream(&text, &size) : stdout;
        if (!t->out) {
            tool_complain("out of memory");
            return TOOL_USAGE;
        }
        status = command_run(c, options, t, &rates);
        if (in_place) {
            fclose(t->out);
            frame_write(t, text, size);
            free(text);
        } else {
            fflush(stdout);
        }
        if (!is_interrupted) {
            pause_for(options->watch_seconds);
        }
    }
    if (in_place) {
        fputs("\033[?25h\033[?1049l", stdout);
    }
    return status;
}

/* ---- arguments ------------------------------------------------------------------------------ */

static int refuse(const char* what, const char* value)
{
    tool_complain("%s: %s (see tendril-shm --help)", what, value);
    return TOOL_USAGE;
}

static bool parse_key(const char* text, int* ret_key)
{
    char* end;
    errno = 0;
    unsigned long long key = strtoull(text, &end, 0);
    *ret_key = (int)(unsigned)key;
    return end != text && *end == 0 && errno == 0 && text[0] != '-' && key <= UINT32_MAX;
}

static bool parse_seconds(const char* text, double* ret_seconds)
{
    char* end;
    *ret_seconds = strtod(text, &end);
    return end != text && *end == 0 && *ret_seconds > 0 && *ret_seconds < 1e6;
}

static bool parse_unsigned(const char* text, unsigned limit, unsigned* ret_number)
{
    char* end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    *ret_number = (unsigned)number;
    return end != text && *end == 0 && errno == 0 && text[0] != '-' && number <= limit;
}

static bool parse_color(const char* text, term_color_choice* ret_color)
{
    static const char* const words[] = {"auto", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, words[i]) == 0) {
            *ret_color = (term_color_choice)i;
            return true;
        }
    }
    return false;
}

enum {
    OPTION_COLOR = 256,
    OPTION_WIDTH,
    OPTION_WARN,
    OPTION_CRIT
};

static const struct option long_options[] = {
    {"key", required_argument, NULL, 'k'},
    {"id", required_argument, NULL, 'i'},
    {"json", no_argument, NULL, 'j'},
    {"prometheus", no_argument, NULL, 'p'},
    {"watch", optional_argument, NULL, 'w'},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"width", required_argument, NULL, OPTION_WIDTH},
    {"type", required_argument, NULL, 't'},
    {"replica", required_argument, NULL, 'r'},
    {"warn", required_argument, NULL, OPTION_WARN},
    {"crit", required_argument, NULL, OPTION_CRIT},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

typedef struct display {
    term_color_choice color;
    unsigned width;
} display;

/* False: `option` has a value that makes no sense. */
static bool take_option(int option, const char* value, tool_options* options, display* d)
{
    unsigned number;
    switch (option) {
    case 'k':
        options->has_key = true;
        return parse_key(value, &options->key);
    case 'i':
        if (!parse_unsigned(value, INT32_MAX, &number)) {
            return false;
        }
        options->id = (int)number;
        return true;
    case 'j':
        options->format = TOOL_JSON;
        return true;
    case 'p':
        options->format = TOOL_PROMETHEUS;
        return true;
    case 'w':
        options->watch_seconds = 1;
        /* -w=2 as well as -w2 */
        return !value || parse_seconds(value + (value[0] == '='), &options->watch_seconds);
    case 't':
        options->key_type = value;
        return true;
    case 'r':
        return parse_unsigned(value, TND_INSPECT_COLUMNS - 1, &options->column);
    case OPTION_COLOR:
        return parse_color(value, &d->color);
    case OPTION_WIDTH:
        return parse_unsigned(value, 10000, &d->width);
    case OPTION_WARN:
        return parse_seconds(value, &options->warn_seconds);
    case OPTION_CRIT:
        return parse_seconds(value, &options->crit_seconds);
    default:
        return false;
    }
}

static const command* command_find(const char* name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int run(const command* c, const tool_options* options, const display* d)
{
    term t;
    tool_rates rates = {.is_set = false};
    if (options->args_count < c->args_min || options->args_count > c->args_max) {
        return refuse(c->name,
                      c->args_min > 0 ? "needs NAMESPACE, SET and KEY" : "too many arguments");
    }
    if (options->watch_seconds > 0 && !c->may_watch) {
        return refuse("--watch", "this command is done once");
    }
    if (options->format == TOOL_PROMETHEUS && !c->has_prometheus) {
        return refuse("--prometheus", "only show writes it");
    }
    term_init(&t, d->color, d->width);
    return options->watch_seconds > 0 ? watch(c, options, &t, d->width)
                                      : command_run(c, options, &t, &rates);
}

int main(int argc, char** argv)
{
    tool_options options = {.id = -1, .key_type = "string", .warn_seconds = 5, .crit_seconds = 30};
    display d = {.color = TERM_COLOR_AUTO};
    int option;
    while ((option = getopt_long(argc, argv, "k:i:jpw::t:r:hV", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage_text, stdout);
            return TOOL_FINE;
        }
        if (option == 'V') {
            puts("tendril-shm " TENDRIL_VERSION);
            return TOOL_FINE;
        }
        if (option == '?') {
            fputs("see tendril-shm --help\n", stderr);
            return TOOL_USAGE;
        }
        if (!take_option(option, optarg, &options, &d)) {
            return refuse("an option's value makes no sense", optarg);
        }
    }
    bool is_plain = options.format == TOOL_PROMETHEUS && optind == argc;
    const command* c = command_find(optind < argc ? argv[optind] : is_plain ? "show" : "list");
    if (!c) {
        return refuse("no such command", argv[optind]);
    }
    options.args = argv + optind + 1;
    options.args_count = optind < argc ? argc - optind - 1 : 0;
    int status = run(c, &options, &d);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        tool_complain("can't write: %s", strerror(errno));
        return TOOL_USAGE;
    }
    return status;
}
