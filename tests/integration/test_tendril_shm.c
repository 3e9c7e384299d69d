/*
 * tendril-shm, run as a user runs it: on a segment that the test fills in, for what it writes word
 * by word; on live workers; on dead ones, damaged ones and those of others; on a terminal.
 */
#include "tests/lib/cluster.h"
#include "tests/lib/host.h"
#include "tests/unit/shm_bed.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "shm/stats.h"

#define OUTPUT_MAX (1024 * 1024)
#define WAIT_MS 20000

static char output[OUTPUT_MAX];

/* Runs `INSPECT_PROGRAM arguments` in a shell; what both streams say is in `output`. */
static int run(const char* format, ...)
{
    char arguments[1024], command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof(arguments), format, args);
    va_end(args);
    snprintf(command, sizeof(command),
             "exec 2>&1; export LC_ALL=C TZ=UTC; unset COLUMNS; " INSPECT_PROGRAM " %s", arguments);
    FILE* pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(output, 1, sizeof(output) - 1, pipe);
    output[size] = 0;
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_status(int status, int expected)
{
    if (status != expected) {
        fail_msg("exit status %d, not %d:\n%s", status, expected, output);
    }
}

static void expect_words(const char* words)
{
    if (!strstr(output, words)) {
        fail_msg("no '%s' in:\n%s", words, output);
    }
}

static void expect_no_words(const char* words)
{
    if (strstr(output, words)) {
        fail_msg("'%s' in:\n%s", words, output);
    }
}

/* ---- a segment that always looks the same --------------------------------------------------- */

static tnd_map map;
static tnd_member members[2];
static tnd_stats stats[2];

static void commands_count(tnd_stats* at, int count, int status, tnd_command_kind kind, uint64_t us)
{
    for (int i = 0; i < count; i++) {
        tnd_stats_command(at, kind, status, false, us);
    }
}

static void word_publish(uint32_t partition, uint32_t master, uint32_t replica)
{
    const uint32_t owners[3] = {master, replica, 0};
    assert_int_equal(tnd_publish_word(&members[0], 0, partition, owners, 0), TND_PUBLISH_OK);
}

static void map_publish(void)
{
    tnd_dir_head head;
    tnd_node_rec nodes[NODES + 1];
    tnd_ns_rec namespaces[NAMESPACES];
    directory_make(&head, nodes, namespaces, 3);
    head.published_ms = now_ms();
    strcpy(head.cluster_name, "prod");
    for (uint32_t i = 1; i <= 3; i++) {
        snprintf(nodes[i].name, sizeof(nodes[i].name), "BB90%u0011AC4202", i);
        nodes[i].build = 8u << 24 | 1u << 16;
        nodes[i].generation = i;
        nodes[i].rack_ids[0] = (int32_t)i;
    }
    assert_int_equal(tnd_publish_directory(&members[0], &head, nodes, namespaces), TND_PUBLISH_OK);
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        word_publish(p, p % 3 + 1, (p + 1) % 3 + 1);
    }
}

static void segment_make(void)
{
    memset(stats, 0, sizeof(stats));
    map_open(&map);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            tnd_member_join(&members[i], &map, 5, (uint32_t)(4242 + i), 0, now_ms(), 1800000000),
            TND_JOIN_OK);
        tnd_stats_attach(&stats[i], &members[i]);
    }
    assert_true(take(&members[0], TND_OWNER_VACANT));
    map_publish();
    tnd_stats_set(&stats[0], TND_GAUGE(heard_ms), now_ms());
    tnd_stats_tend(&stats[0], true, 900);
    commands_count(&stats[0], 1000, AEROSPIKE_OK, TND_COMMAND_READ, 120);
    commands_count(&stats[1], 90, AEROSPIKE_OK, TND_COMMAND_WRITE, 1000);
    commands_count(&stats[1], 2, AEROSPIKE_ERR_TIMEOUT, TND_COMMAND_WRITE, 2000000);
    commands_count(&stats[1], 1, AEROSPIKE_ERR_DEVICE_OVERLOAD, TND_COMMAND_WRITE, 300);
    tnd_stats_node_begin(&stats[1], 2, 2);
    tnd_stats_timeout(&stats[1], TND_TIMEOUT_REPLY, 2);
    tnd_stats_timeout(&stats[1], TND_TIMEOUT_REPLY, 2);
    tnd_stats_node_move(&stats[1], 2, TND_NODE_COUNTER(connections_open), 7);
    tnd_stats_set(&stats[1], TND_GAUGE(connections_open), 7);
}

static void segment_end(void)
{
    for (int i = 1; i >= 0; i--) {
        tnd_member_leave(&members[i], true);
        tnd_stats_done(&stats[i]);
    }
    tnd_map_close(&map);
}

/* Ages, sizes and this segment's key and id change; what stands is compared. Runs of blanks count
 * as one, for columns that get wider. */
static void expect_text(const char* expected)
{
    const char* at = output;
    int line = 1;
    for (const char* want = expected; *want; want++) {
        if (*want == '~') { /* one word of whatever */
            while (*at && !isspace((unsigned char)*at)) {
                at++;
            }
        } else if (*want == ' ') {
            while (*at == ' ') {
                at++;
            }
        } else if (*want != *at) {
            fail_msg("line %d: expected '%.40s', found '%.40s' in:\n%s", line, want, at, output);
        } else {
            line += *at++ == '\n';
        }
    }
    if (*at) {
        fail_msg("more than expected: '%s'", at);
    }
}

static void test_show(void** state)
{
    (void)state;
    segment_make();
    expect_status(run("show --key 0x%x --width 140", (unsigned)test_key), 0);
    expect_text(
        "Segment ~ id ~ ~ KiB, user ~ mode 0600, layout ~\n\n"
        " health OK\n"
        " tender slot 0, pid 4242, term 1, heartbeat ~ s ago\n"
        " map ~ s old, generation 1, nodes changed ~ s ago\n"
        " capacity 3 of 16 nodes, 1 of 2 namespaces\n"
        " workers 2 live, 8 slots, 2 attachments\n"
        " serves cluster_name=test\n"
        " created 2027-01-15 08:00:00\n\n"
        "Nodes\n"
        " # NAME ADDRESS STATE RACK BUILD GEN MASTER REPLICA CONNS IN USE REQUESTS ERRORS "
        "TIMEOUTS\n"
        " A BB9010011AC4202 127.0.0.1:3001 active 1 8.1.0.0 1 1366 1365 0 0 0 0 0\n"
        " B BB9020011AC4202 127.0.0.1:3002 active 2 8.1.0.0 2 1365 1366 7 0 0 0 2\n"
        " C BB9030011AC4202 127.0.0.1:3003 active 3 8.1.0.0 3 1365 1365 0 0 0 0 0\n\n"
        "Namespaces\n"
        " NAME RF MODE MASTERS HOLES MOVING\n"
        " test 2 AP AAAAAAAAAABBBBBBBBBBBCCCCCCCCCCC 0 0\n\n"
        "Workers\n"
        " SLOT PID STATE ROLE UP COMMANDS ERRORS TIMEOUTS RETRIES P50 P99 P99.9 CONNS RUNNING "
        "DELAYED\n"
        " 0 4242 live tender 0.0 s 1000 0 0 0 122 us 122 us 122 us 0 0 0\n"
        " 1 4243 live 0.0 s 93 1 2 0 1.01 ms 2.00 s 2.00 s 7 0 0\n"
        " total 1093 1 2 0 122 us 1.01 ms 2.00 s 7 0 0\n\n"
        "Latency, all workers\n"
        " OF COUNT MEAN P50 P90 P99 P99.9 MAX\n"
        " read 1000 120 us 122 us 122 us 122 us 122 us 122 us\n"
        " write 93 44.0 ms 1.01 ms 1.01 ms 2.00 s 2.00 s 2.00 s\n"
        " tend round 1 900 us 912 us 912 us 912 us 912 us 912 us\n\n"
        "Errors by status, all workers\n"
        " STATUS MEANING COUNT\n"
        " 9 AEROSPIKE_ERR_TIMEOUT 2\n"
        " 18 AEROSPIKE_ERR_DEVICE_OVERLOAD 1\n\n"
        "Totals, all workers\n"
        " in doubt 0 refused 0 delayed 0 breaker 0 late replies 0 takeovers 0 tends 1 without an "
        "answer 0 connections opened 0 closed 0\n failed 0 sent 0 B received 0 B\n");
    /* Narrow: columns go, no line is longer. */
    expect_status(run("show -k 0x%x --width 60", (unsigned)test_key), 0);
    expect_words("TIMEOUTS");
    expect_no_words("REPLICA");
    /* The head says what it says: its first line is as long as the segment's id makes it. */
    for (const char* line = strchr(output, '\n'); line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        assert_true(strcspn(line, "\n") <= 76);
    }
    segment_end();
}

static void test_map_and_route(void** state)
{
    (void)state;
    segment_make();
    word_publish(7, 0, 2);
    for (uint32_t p = 500; p <= 520; p++) {
        word_publish(p, 0, 0);
    }
    word_publish(9, 1, 0);
    expect_status(run("map -k 0x%x --width 140", (unsigned)test_key), 0);
    expect_words("no master                                  22    0.5 %");
    expect_words("     0 ABCABCA!CABC");
    expect_words("22 partitions without a node here: 7, 500-520\n");
    expect_status(run("map -k 0x%x test -r 1 --width 40", (unsigned)test_key), 0);
    expect_words("     0 BCABCABBA!CABCABCABC");
    expect_status(run("map -k 0x%x nowhere", (unsigned)test_key), 1);
    expect_words("namespace nowhere isn't in the map");
    expect_status(run("show -k 0x%x", (unsigned)test_key), 0);
    expect_words("CRITICAL: 22 partitions of namespace test have no master");
    expect_words("! ");
    expect_status(run("check -k 0x%x", (unsigned)test_key), 2);
    expect_text("CRITICAL: 22 partitions of namespace test have no master\n");
    map_publish();
    expect_status(run("route -k 0x%x test demo hello", (unsigned)test_key), 0);
    expect_words("test / demo / hello");
    expect_words("  master   BB90");
    expect_words("replication factor 2, AP");
    expect_status(run("route -k 0x%x test demo 00ff -t blob", (unsigned)test_key), 0);
    expect_status(run("route -k 0x%x test demo -t int -- -42", (unsigned)test_key), 0);
    expect_status(
        run("route -k 0x%x test demo 000100000000000000000000000000000000000f -t digest -j",
            (unsigned)test_key),
        0);
    expect_words("\"partition\":256,");
    expect_words("\"nodes\":[\"BB9020011AC4202\",\"BB9030011AC4202\",null]");
    expect_status(run("route -k 0x%x nowhere demo hello", (unsigned)test_key), 1);
    expect_words("Namespace nowhere isn't in the map");
    segment_end();
}

static void test_formats(void** state)
{
    (void)state;
    segment_make();
    expect_status(run("show -k 0x%x --json | " INSPECT_FORMAT
                      " json segment.key nodes.1.racks.test workers.0.is_tender workers_live "
                      "total.commands.write.timeout total.latency.read.count total.statuses.18 "
                      "nodes.1.connections_open namespaces.0.holes cluster_name problems",
                      (unsigned)test_key),
                  0);
    char expected[256];
    snprintf(expected, sizeof(expected), "\"0x%08x\"\n2\ntrue\n2\n2\n1000\n1\n7\n0\n\"prod\"\n[]\n",
             (unsigned)test_key);
    assert_string_equal(output, expected);
    expect_status(run("map -k 0x%x -j | " INSPECT_FORMAT " json nodes.2 namespaces.test.0.4095",
                      (unsigned)test_key),
                  0);
    assert_string_equal(output, "\"BB9020011AC4202\"\n1\n");
    expect_status(run("check -k 0x%x -j | " INSPECT_FORMAT " json status word", (unsigned)test_key),
                  0);
    assert_string_equal(output, "0\n\"OK\"\n");
    expect_status(run("list -j | " INSPECT_FORMAT " json unreadable_count"), 0);
    expect_status(
        run("show -k 0x%x -p | " INSPECT_FORMAT " prometheus 'tendril_tender_up{key=\"0x%x\"}'"
            " 'tendril_commands_total{key=\"0x%x\",kind=\"read\",result=\"ok\"}'"
            " 'tendril_errors_total{key=\"0x%x\",status=\"18\"}'"
            " 'tendril_partitions{key=\"0x%x\",namespace=\"test\",state=\"settled\"}'"
            " 'tendril_command_duration_seconds_bucket{key=\"0x%x\",kind=\"read\",le=\"0.000128\"}'"
            " 'tendril_command_duration_seconds_bucket{key=\"0x%x\",kind=\"read\",le=\"6.4e-05\"}'",
            (unsigned)test_key, (unsigned)test_key, (unsigned)test_key, (unsigned)test_key,
            (unsigned)test_key, (unsigned)test_key, (unsigned)test_key),
        0);
    assert_string_equal(output, "1\n1000\n1\n4096\n1000\n0\n");
    segment_end();
}

static void test_damage(void** state)
{
    (void)state;
    segment_make();
    atomic_store(&map.slots[5].state, 0x77);
    expect_status(run("show -k 0x%x", (unsigned)test_key), 2);
    expect_words("damage     slot 5: state 0000000000000077 makes no sense");
    expect_words("CRITICAL: damaged: slot 5");
    expect_status(run("check -k 0x%x", (unsigned)test_key), 2);
    atomic_store(&map.slots[5].state, 0);
    expect_status(run("check -k 0x%x", (unsigned)test_key), 0);
    uint64_t capacities = atomic_load(&map.header->capacities);
    atomic_store(&map.header->capacities, 1);
    expect_status(run("show -k 0x%x", (unsigned)test_key), 2);
    expect_words("head: capacities of 0 nodes");
    expect_status(run("show -k 0x%x -p | " INSPECT_FORMAT
                      " prometheus 'tendril_segment_problems{key=\"0x%x\"}'",
                      (unsigned)test_key, (unsigned)test_key),
                  0);
    assert_string_equal(output, "1\n");
    expect_status(run("show -k 0x%x -j | " INSPECT_FORMAT " json is_readable", (unsigned)test_key),
                  0);
    atomic_store(&map.header->capacities, capacities);
    atomic_store(&map.header->layout, 9ULL << 32);
    expect_status(run("show -k 0x%x", (unsigned)test_key), 1);
    expect_words("layout 9/00000000, this program reads");
    expect_status(run("list"), 0);
    expect_words("other layout");
    segment_end();
}

static void test_strangers_and_removal(void** state)
{
    (void)state;
    expect_status(run("show -k 0x%x", (unsigned)test_key), 1);
    expect_words("No shared memory segment has key");
    expect_status(run("check -k 0x%x", (unsigned)test_key), 2);
    expect_words("CRITICAL: No shared memory segment");
    int foreign = shmget(test_key, 100000, IPC_CREAT | 0600);
    expect_status(run("show -k 0x%x", (unsigned)test_key), 1);
    expect_words("isn't Tendril's: another program made it");
    expect_status(run("remove -i %d", foreign), 1);
    expect_words("isn't Tendril's");
    char key[16];
    snprintf(key, sizeof(key), "0x%08x", (unsigned)test_key);
    run("list -j");
    expect_no_words(key);
    shmctl(foreign, IPC_RMID, NULL);
    segment_make();
    expect_status(run("remove -k 0x%x", (unsigned)test_key), 1);
    expect_words("is in use: 2 attachments (two per worker). Stop its workers");
    expect_status(run("list"), 0);
    expect_words("HEALTH");
    expect_words("OK");
    /* Two of them: one has to be named. */
    tnd_map_config config = config_make();
    tnd_map other;
    as_error err;
    config.key = test_key ^ 0x01000000;
    assert_int_equal(tnd_map_open(&other, &config, as_error_init(&err)), AEROSPIKE_OK);
    expect_status(run("show"), 1);
    expect_words("segments here: name one, --");
    expect_status(run("--prometheus | " INSPECT_FORMAT " prometheus"), 0);
    expect_status(run("check -k 0x%x", (unsigned)config.key), 1);
    expect_words("WARNING: no worker lives");
    tnd_map_close(&other);
    int id = segment_id();
    map.is_held = true; /* all dead at once: it's left behind */
    void* base = map.base;
    for (int i = 0; i < 2; i++) {
        tnd_member_leave(&members[i], false);
        tnd_stats_done(&stats[i]);
    }
    tnd_map_close(&map);
    shmdt(base);
    assert_int_equal(segment_id(), id);
    expect_status(run("remove -k 0x%x", (unsigned)test_key), 0);
    assert_int_equal(segment_id(), -1);
}

static void test_arguments(void** state)
{
    (void)state;
    expect_status(run("--help"), 0);
    expect_words("usage: tendril-shm");
    expect_status(run("--version"), 0);
    const char* const wrong[] = {
        "nonsense",   "show extra",       "route a b",     "-k nonsense",    "-k -1",  "-i x",
        "--watch=0",  "--width=x",        "--color=often", "remove --watch", "map -p", "-r 3 map",
        "--nonsense", "route a b c -t x", "check --warn",  "-k 0x100000000"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        expect_status(run("%s", wrong[i]), 3);
        assert_true(strlen(output) > 10);
    }
    expect_status(run("route test demo 12x -t int"), 3);
    expect_status(run("route test demo 123 -t blob"), 3);
    expect_status(run("route test demo 0123 -t digest"), 3);
    expect_status(run("list >/dev/full"), 3);
    expect_words("can't write");
    /* Each option and command is in the manual. */
    expect_status(run("--help; sed 's/\\\\-/-/g' " INSPECT_MANUAL " | tr -d '\\\\' >&2"), 0);
    const char* const told[] = {"--key",   "--id",    "--json", "--prometheus", "--watch",
                                "--color", "--width", "--type", "--replica",    "--warn",
                                "--crit",  "list",    "check",  "remove",       "route"};
    const char* manual = strstr(output, ".SH NAME");
    assert_non_null(manual);
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
        assert_non_null(strstr(manual, told[i]));
    }
}

/* ---- on a terminal -------------------------------------------------------------------------- */

/* Reads what comes until `words` are among it. */
static void terminal_read(int fd, const char* words)
{
    size_t size = 0;
    uint64_t end_ms = now_ms() + WAIT_MS;
    output[0] = 0;
    while (!strstr(output, words)) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        uint64_t at_ms = now_ms();
        if (at_ms >= end_ms || poll(&ready, 1, (int)(end_ms - at_ms)) <= 0) {
            fail_msg("no '%s' on the terminal: %s", words, output);
        }
        ssize_t got = read(fd, output + size, sizeof(output) - 1 - size);
        if (got <= 0) {
            fail_msg("the terminal was closed before '%s': %s", words, output);
        }
        size += (size_t)got;
        output[size] = 0;
    }
}

static pid_t terminal_run(int* ret_fd, const char* no_color, char* const arguments[])
{
    struct winsize size = {.ws_row = 30, .ws_col = 100};
    pid_t pid = forkpty(ret_fd, NULL, NULL, &size);
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("NO_COLOR", no_color, 1);
        execv(INSPECT_PROGRAM, arguments);
        _exit(99);
    }
    return pid;
}

static void terminal_end(int fd, pid_t pid, int expected)
{
    int status;
    char rest[4096];
    while (read(fd, rest, sizeof(rest)) > 0) {}
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
    close(fd);
}

static void test_terminal(void** state)
{
    (void)state;
    int fd;
    segment_make();
    char key[16];
    snprintf(key, sizeof(key), "-k%d", test_key);
    char* const check[] = {"tendril-shm", key, "check", NULL};
    char* const picture[] = {"tendril-shm", key, "map", NULL};
    pid_t pid = terminal_run(&fd, "", check);
    terminal_read(fd, "\033[32mOK\033[0m: 2 workers");
    terminal_end(fd, pid, 0);
    pid = terminal_run(&fd, "1", check);
    terminal_read(fd, "OK: 2 workers");
    assert_null(strchr(output, '\033'));
    terminal_end(fd, pid, 0);
    pid = terminal_run(&fd, "", picture);
    terminal_read(fd, "\033[38;5;39;48;5;214m\u2580"); /* nodes 1 over 2 */
    terminal_end(fd, pid, 0);
    /* In place: the other screen, no scrolling, and everything put right at the end. */
    char* const watch[] = {"tendril-shm", key, "show", "--watch=0.05", NULL};
    pid = terminal_run(&fd, "", watch);
    terminal_read(fd, "\033[?1049h\033[?25l");
    commands_count(&stats[0], 5000, AEROSPIKE_OK, TND_COMMAND_READ, 120);
    terminal_read(fd, "PER SEC");
    terminal_read(fd, "\033[H");
    terminal_read(fd, "\033[J");
    unsigned lines = 0;
    for (const char* at = output; *at; at++) {
        lines += *at == '\n';
    }
    assert_true(lines < 30);
    assert_int_equal(kill(pid, SIGINT), 0);
    terminal_read(fd, "\033[?25h\033[?1049l");
    terminal_end(fd, pid, 0);
    segment_end();
}

/* ---- live workers --------------------------------------------------------------------------- */

static bool is_well(void* udata)
{
    return run("check -k 0x%x", ((const test_host*)udata)->shm_key) == 0;
}

static void test_live_workers(void** state)
{
    (void)state;
    test_cluster* cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    assert_non_null(cluster);
    test_host host = {.hosts = test_cluster_hosts(cluster),
                      .shm_key = test_key,
                      .in_flight = 2,
                      .retries = 1000,
                      .count = 3};
    host_start(&host);
    assert_true(host_wait_connected(&host, WAIT_MS));
    host_wait_results(&host, 1000, WAIT_MS);
    assert_true(host_until(is_well, &host, WAIT_MS));
    expect_words("OK: 3 workers, tender slot ");
    expect_words("3 nodes, 1 namespaces");
    expect_status(run("show -k 0x%x --json | " INSPECT_FORMAT
                      " json workers_live tender.state nodes.2.state namespaces.0.holes problems",
                      (unsigned)test_key),
                  0);
    assert_string_equal(output, "3\n\"live\"\n\"active\"\n0\n[]\n");
    expect_status(run("show -k 0x%x -p | " INSPECT_FORMAT " prometheus", (unsigned)test_key), 0);
    expect_status(run("remove -k 0x%x", (unsigned)test_key), 1);
    /* One dies: what it did stays counted. */
    expect_status(run("show -k 0x%x --json | " INSPECT_FORMAT " json total.commands.read.ok",
                      (unsigned)test_key),
                  0);
    unsigned long before = strtoul(output, NULL, 10);
    assert_true(before > 0);
    host_signal(&host, 0, SIGKILL);
    assert_true(host_until(is_well, &host, WAIT_MS));
    expect_status(run("show -k 0x%x --json | " INSPECT_FORMAT
                      " json total.commands.read.ok workers_live",
                      (unsigned)test_key),
                  0);
    assert_true(strtoul(output, NULL, 10) >= before);
    expect_words("\n2\n");
    host_check_results(&host);
    for (uint32_t i = 1; i < host.count; i++) {
        host_signal(&host, i, SIGKILL);
    }
    expect_status(run("check -k 0x%x", (unsigned)test_key), 1);
    expect_words("WARNING: no worker lives");
    expect_status(run("show -k 0x%x", (unsigned)test_key), 0);
    expect_words("dead");
    expect_words("active");
    expect_status(run("route -k 0x%x test demo 1 -t int", (unsigned)test_key), 0);
    expect_status(run("remove -k 0x%x", (unsigned)test_key), 0);
    host_kill_all(&host);
    test_cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_show, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_and_route, setup, teardown),
        cmocka_unit_test_setup_teardown(test_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers_and_removal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_live_workers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
