// The program `minicluster`: options, signals, the line that says it is ready.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server.h"

static const char main_usage[] =
    "minicluster: an Aerospike-compatible cluster in memory, on loopback ports\n"
    "\n"
    "  --nodes N             nodes, 1 to 64 (3)\n"
    "  --port PORT           of the first node, the others follow; 0: free ones (3000)\n"
    "  --namespaces LIST     NAME[:FACTOR][:sc][:nsup-off][:ttl=SEC][:record=BYTES],... (test:2)\n"
    "  --fast                answer in batches, on all processors\n"
    "  --threads N           of --fast (one per processor)\n"
    "  --control PORT        listen there for control lines; 0: a free port\n"
    "  --build VERSION       what the nodes say they are (8.1.1.2)\n"
    "  --cluster-name NAME   (none)\n"
    "  --advertise HOSTS     published instead of 127.0.0.1: names, [::1], comma separated\n"
    "  --alternate HOSTS     published by the -alt commands (none)\n"
    "  --enterprise          racks, durable deletes, compression\n"
    "  --heartbeat-ms MS     until a death is noticed (1800)\n"
    "  --join-ms MS          until a started node joins (600)\n"
    "  --migrate-ms MS       length of a migration (2000)\n"
    "  --nsup-ms MS          period of the reaper of expired records (120000)\n"
    "  --seed N              of all chance (1)\n"
    "  --die-with-stdin      end when standard input does\n"
    "  --die-with-parent     end when the parent process does\n"
    "\n"
    "Prints `ready: HOST:PORT,...` once it listens, then `control: HOST:PORT` if it has one.\n";

enum {
    OPTION_NODES = 256,
    OPTION_PORT,
    OPTION_NAMESPACES,
    OPTION_FAST,
    OPTION_THREADS,
    OPTION_CONTROL,
    OPTION_BUILD,
    OPTION_CLUSTER_NAME,
    OPTION_ADVERTISE,
    OPTION_ALTERNATE,
    OPTION_ENTERPRISE,
    OPTION_HEARTBEAT,
    OPTION_JOIN,
    OPTION_MIGRATE,
    OPTION_NSUP,
    OPTION_SEED,
    OPTION_STDIN,
    OPTION_PARENT,
    OPTION_HELP
};

static const struct option main_options[] = {
    {"nodes", required_argument, NULL, OPTION_NODES},
    {"port", required_argument, NULL, OPTION_PORT},
    {"namespaces", required_argument, NULL, OPTION_NAMESPACES},
    {"fast", no_argument, NULL, OPTION_FAST},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"build", required_argument, NULL, OPTION_BUILD},
    {"cluster-name", required_argument, NULL, OPTION_CLUSTER_NAME},
    {"advertise", required_argument, NULL, OPTION_ADVERTISE},
    {"alternate", required_argument, NULL, OPTION_ALTERNATE},
    {"enterprise", no_argument, NULL, OPTION_ENTERPRISE},
    {"heartbeat-ms", required_argument, NULL, OPTION_HEARTBEAT},
    {"join-ms", required_argument, NULL, OPTION_JOIN},
    {"migrate-ms", required_argument, NULL, OPTION_MIGRATE},
    {"nsup-ms", required_argument, NULL, OPTION_NSUP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"die-with-stdin", no_argument, NULL, OPTION_STDIN},
    {"die-with-parent", no_argument, NULL, OPTION_PARENT},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static mc_server* main_server;

static void on_signal(int number)
{
    (void)number;
    mc_server_stop(main_server);
}

static uint64_t main_number(const char* text, uint64_t most)
{
    char* end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || end == text || value > most) {
        fprintf(stderr, "minicluster: not a number up to %llu: %s\n", (unsigned long long)most,
                text);
        exit(2);
    }
    return value;
}

static void main_text(char* ret, size_t size, const char* text)
{
    if ((size_t)snprintf(ret, size, "%s", text) >= size) {
        fprintf(stderr, "minicluster: too long: %s\n", text);
        exit(2);
    }
}

static void main_die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == 1) {
        exit(0); // it is gone already
    }
}

static void main_namespaces(mc_config* cluster, const char* text)
{
    const char* why;
    if (!mc_config_namespaces(cluster, text, &why)) {
        fprintf(stderr, "minicluster: %s\n", why);
        exit(2);
    }
}

static void main_option(mc_server_config* config, int option)
{
    mc_config* cluster = &config->cluster;
    switch (option) {
    case OPTION_NODES:
        cluster->nodes = (int)main_number(optarg, MC_NODES_MAX);
        break;
    case OPTION_PORT:
        config->port = (uint16_t)main_number(optarg, 65535);
        break;
    case OPTION_NAMESPACES:
        main_namespaces(cluster, optarg);
        break;
    case OPTION_FAST:
        config->fast = true;
        break;
    case OPTION_THREADS:
        config->threads = (int)main_number(optarg, 64);
        break;
    case OPTION_CONTROL:
        config->control = true;
        config->control_port = (uint16_t)main_number(optarg, 65535);
        break;
    case OPTION_BUILD:
        main_text(cluster->build, sizeof(cluster->build), optarg);
        break;
    case OPTION_CLUSTER_NAME:
        main_text(cluster->cluster_name, sizeof(cluster->cluster_name), optarg);
        break;
    case OPTION_ADVERTISE:
        main_text(cluster->advertise, sizeof(cluster->advertise), optarg);
        break;
    case OPTION_ALTERNATE:
        main_text(cluster->alternate, sizeof(cluster->alternate), optarg);
        break;
    case OPTION_ENTERPRISE:
        cluster->enterprise = true;
        break;
    case OPTION_HEARTBEAT:
        cluster->heartbeat_ms = (uint32_t)main_number(optarg, UINT32_MAX);
        break;
    case OPTION_JOIN:
        cluster->join_ms = (uint32_t)main_number(optarg, UINT32_MAX);
        break;
    case OPTION_MIGRATE:
        cluster->migrate_ms = (uint32_t)main_number(optarg, UINT32_MAX);
        break;
    case OPTION_NSUP:
        cluster->nsup_ms = (uint32_t)main_number(optarg, UINT32_MAX);
        break;
    case OPTION_SEED:
        cluster->seed = main_number(optarg, UINT64_MAX);
        break;
    case OPTION_STDIN:
        config->watch_stdin = true;
        break;
    case OPTION_PARENT:
        main_die_with_parent();
        break;
    case OPTION_HELP:
        fputs(main_usage, stdout);
        exit(0);
    default:
        fputs("minicluster: see --help\n", stderr);
        exit(2);
    }
}

static void main_say_ready(const mc_server* server)
{
    char hosts[MC_NODES_MAX * 24];
    mc_server_hosts(server, hosts, sizeof(hosts));
    printf("ready: %s\n", hosts);
    if (mc_server_control_port(server)) {
        printf("control: 127.0.0.1:%u\n", mc_server_control_port(server));
    }
    fflush(stdout);
}

int main(int argc, char** argv)
{
    mc_server_config config = {.port = 3000};
    int option;
    while ((option = getopt_long(argc, argv, "", main_options, NULL)) != -1) {
        main_option(&config, option);
    }
    if (optind < argc) {
        fprintf(stderr, "minicluster: not an option: %s\n", argv[optind]);
        return 2;
    }
    char why[256];
    main_server = mc_server_open(&config, why, sizeof(why));
    if (!main_server) {
        fprintf(stderr, "minicluster: %s\n", why);
        return 1;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    main_say_ready(main_server);
    mc_server_run(main_server);
    signal(SIGTERM, SIG_IGN); // a second one must not meet a server that is gone
    signal(SIGINT, SIG_IGN);
    mc_server_close(main_server);
    return 0;
}
