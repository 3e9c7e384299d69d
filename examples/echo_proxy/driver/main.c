/*
 * echo_driver: see --help. Its last line is a summary in JSON; the exit status is 0 if each line
 * came back right, in order and once, 1 if not, 2 if it couldn't work.
 */
#include "driver.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char usage_text[] =
    "usage: echo_driver --target HOST:PORT [OPTION...]\n"
    "\n"
    "  --connections N    200\n"
    "  --depth N          lines of a connection under way, 1 to 32; 4\n"
    "  --line-bytes N     length of a line, up to 4096; 64\n"
    "  --lines N          lines of a connection; no limit\n"
    "  --seconds S        then send no more; 10. SIGTERM and SIGINT end it earlier\n"
    "  --rate N           lines a second, all together; as fast as they are echoed\n"
    "  --slow-ms MS       count echoes that take longer; 250\n"
    "  --give-up S        at the end, wait so long for open lines; 20\n"
    "  --progress-ms MS   print a line of JSON so often\n"
    "\n"
    "Prints JSON: lines of kind progress, then one of kind summary.\n";

#define PACE_SEC 0.005

/* ---- end ------------------------------------------------------------------------------------ */

void driver_note_idle(echo_driver* self)
{
    if (self->open_count) {
        return;
    }
    for (unsigned i = 0; i < self->connections_count; i++) {
        if (!peer_is_idle(&self->peers[i])) {
            return;
        }
    }
    ev_break(self->loop, EVBREAK_ALL);
}

static void driver_end(echo_driver* self)
{
    if (!self->is_ending) {
        self->is_ending = true;
        ev_timer_start(self->loop, &self->give_up);
        driver_note_idle(self);
    }
}

static void on_end(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    driver_end(timer->data);
}

static void on_signal(struct ev_loop* loop, ev_signal* signal, int events)
{
    (void)loop, (void)events;
    driver_end(signal->data);
}

static void on_give_up(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)timer, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* ---- pace ----------------------------------------------------------------------------------- */

bool driver_take_ticket(echo_driver* self)
{
    if (self->rate <= 0) {
        return true;
    }
    if (self->tickets < 1) {
        return false;
    }
    self->tickets -= 1;
    return true;
}

/* The peers take their lines in turn, a depth of them at a time. */
static void on_pace(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    echo_driver* self = timer->data;
    self->tickets = fmin(self->tickets + self->rate * PACE_SEC, self->rate / 10 + 1);
    for (unsigned i = 0; i < self->connections_count && self->tickets >= 1; i++) {
        peer_go_on(&self->peers[self->turn]);
        self->turn = (self->turn + 1) % self->connections_count;
    }
}

/* ---- report --------------------------------------------------------------------------------- */

static report_facts driver_facts(const echo_driver* self)
{
    ev_now_update(self->loop);
    double now = ev_now(self->loop), oldest = now;
    for (unsigned i = 0; i < self->connections_count; i++) {
        const echo_peer* peer = &self->peers[i];
        if (peer->first_line < peer->next_line) {
            oldest = fmin(oldest, peer->sent_at[peer->first_line % DEPTH_MAX]);
        }
    }
    return (report_facts){.seconds = now - self->started_at,
                          .now = now,
                          .waiting_sec = now - oldest,
                          .open = self->open_count};
}

static void on_progress(struct ev_loop* loop, ev_timer* timer, int events)
{
    (void)loop, (void)events;
    echo_driver* self = timer->data;
    report_facts facts = driver_facts(self);
    report_progress(&self->report, &facts);
}

/* ---- options -------------------------------------------------------------------------------- */

static bool parse_target(echo_driver* self, char* text)
{
    char* colon = strrchr(text, ':');
    if (!colon || colon == text) {
        return false;
    }
    *colon = '\0';
    if (text[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        text++;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo* addresses;
    if (getaddrinfo(text, colon + 1, &hints, &addresses) != 0) {
        return false;
    }
    memcpy(&self->address, addresses->ai_addr, addresses->ai_addrlen);
    self->address_bytes = addresses->ai_addrlen;
    freeaddrinfo(addresses);
    return true;
}

static bool parse_number(const char* text, double min, double max, double* ret_value)
{
    char* end;
    errno = 0;
    *ret_value = strtod(text, &end);
    return !errno && end != text && !*end && *ret_value >= min && *ret_value <= max;
}

static bool take_option(echo_driver* self, int option, char* text)
{
    double number = 0;
    if (option == 'T') {
        return parse_target(self, text);
    }
    bool is_count = option == 'c' || option == 'd' || option == 'b';
    double max = option == 'd'   ? DEPTH_MAX
                 : option == 'b' ? LINE_LIMIT
                 : option == 'c' ? 1e5
                                 : 1e15;
    if (!parse_number(text, is_count ? 1 : 0, max, &number)) {
        return false;
    }
    switch (option) {
    case 'c':
        self->connections_count = (unsigned)number;
        break;
    case 'd':
        self->depth = (unsigned)number;
        break;
    case 'b':
        self->line_bytes = (unsigned)number;
        break;
    case 'n':
        self->lines_limit = (uint64_t)number;
        break;
    case 's':
        self->seconds = number;
        break;
    case 'r':
        self->rate = number;
        break;
    case 'w':
        self->slow_sec = number / 1e3;
        break;
    case 'g':
        self->give_up_sec = number;
        break;
    default:
        self->progress_sec = number / 1e3;
    }
    return true;
}

static bool take_options(echo_driver* self, int argc, char* argv[])
{
    static const struct option known[] = {
        {"target", required_argument, NULL, 'T'},  {"connections", required_argument, NULL, 'c'},
        {"depth", required_argument, NULL, 'd'},   {"line-bytes", required_argument, NULL, 'b'},
        {"lines", required_argument, NULL, 'n'},   {"seconds", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},    {"slow-ms", required_argument, NULL, 'w'},
        {"give-up", required_argument, NULL, 'g'}, {"progress-ms", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (option == 'h') {
            fputs(usage_text, stdout);
            exit(0);
        }
        if (option == '?' || !take_option(self, option, optarg)) {
            if (option != '?') {
                fprintf(stderr, "echo_driver: --%s '%s'\n", known[index].name, optarg);
            }
            return false;
        }
    }
    return optind == argc && self->address_bytes;
}

/* ---- run ------------------------------------------------------------------------------------ */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void driver_start(echo_driver* self)
{
    ev_timer_init(&self->end, on_end, self->seconds, 0.);
    ev_timer_init(&self->give_up, on_give_up, self->give_up_sec, 0.);
    ev_timer_init(&self->progress, on_progress, self->progress_sec, self->progress_sec);
    ev_timer_init(&self->pace, on_pace, PACE_SEC, PACE_SEC);
    ev_signal_init(&self->term_signal, on_signal, SIGTERM);
    ev_signal_init(&self->int_signal, on_signal, SIGINT);
    self->end.data = self->give_up.data = self->progress.data = self->pace.data = self;
    self->term_signal.data = self->int_signal.data = self;
    ev_signal_start(self->loop, &self->term_signal);
    ev_signal_start(self->loop, &self->int_signal);
    self->started_at = ev_now(self->loop);
    ev_timer_start(self->loop, &self->end);
    if (self->progress_sec > 0) {
        ev_timer_start(self->loop, &self->progress);
    }
    if (self->rate > 0) {
        ev_timer_start(self->loop, &self->pace);
    }
    for (unsigned i = 0; i < self->connections_count; i++) {
        peer_start(&self->peers[i]);
    }
}

static bool driver_prepare(echo_driver* self)
{
    raise_descriptor_limit();
    self->loop = ev_loop_new(EVFLAG_NOENV);
    self->peers = calloc(self->connections_count, sizeof(*self->peers));
    if (!self->loop || !self->peers) {
        return false;
    }
    for (unsigned i = 0; i < self->connections_count; i++) {
        if (!peer_init(&self->peers[i], self, i)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char* argv[])
{
    static echo_driver self = {.connections_count = 200,
                               .depth = 4,
                               .line_bytes = 64,
                               .seconds = 10,
                               .slow_sec = 0.25,
                               .give_up_sec = 20};
    if (!take_options(&self, argc, argv)) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (!driver_prepare(&self)) {
        fprintf(stderr, "echo_driver: out of memory\n");
        return 2;
    }
    driver_start(&self);
    ev_run(self.loop, 0);

    report_facts facts = driver_facts(&self);
    report_summary(&self.report, &facts);
    for (unsigned i = 0; i < self.connections_count; i++) {
        peer_done(&self.peers[i]);
    }
    free(self.peers);
    ev_loop_destroy(self.loop);
    return self.report.echoes && !self.report.wrong && !self.report.errors && !facts.open ? 0 : 1;
}
