#include "tests/lib/cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 20000
#define CONTROL_MS 20000
#define ARGS_MAX 40

struct test_cluster {
    pid_t pid; /* 0: a real one */
    int control;
    char hosts[4096];
    char answer[65536];
};

/* One line from a descriptor, within a deadline per byte. */
static bool read_line(int fd, char* line, size_t size, int ms)
{
    size_t len = 0;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (len + 1 < size) {
        if (poll(&wait, 1, ms) != 1 || read(fd, line + len, 1) != 1) {
            return false;
        }
        if (line[len] == '\n') {
            line[len] = 0;
            return true;
        }
        len++;
    }
    return false;
}

static int control_connect(const char* line)
{
    unsigned port;
    if (sscanf(line, "control: 127.0.0.1:%u", &port) != 1) {
        return -1;
    }
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr*)&addr, sizeof(addr)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void child_exec(int out, const char* option, va_list options)
{
    const char* args[ARGS_MAX] = {MINICLUSTER_PROGRAM, "--port", "0",
                                  "--control",         "0",      "--die-with-parent"};
    int count = 6;
    for (; option && count < ARGS_MAX - 1; option = va_arg(options, const char*)) {
        args[count++] = option;
    }
    dup2(out, STDOUT_FILENO);
    execv(MINICLUSTER_PROGRAM, (char* const*)args);
    perror(MINICLUSTER_PROGRAM);
    _exit(127);
}

static bool wait_ready(test_cluster* cluster, int fd)
{
    char line[sizeof(cluster->hosts)];
    if (!read_line(fd, line, sizeof(line), START_MS) || strncmp(line, "ready: ", 7) != 0) {
        return false;
    }
    memcpy(cluster->hosts, line + 7, strlen(line + 7) + 1);
    if (!read_line(fd, line, sizeof(line), START_MS)) {
        return false;
    }
    cluster->control = control_connect(line);
    return cluster->control >= 0;
}

test_cluster* test_cluster_start(const char* option, ...)
{
    test_cluster* cluster = calloc(1, sizeof(*cluster));
    if (!cluster) {
        return NULL;
    }
    cluster->control = -1;
    const char* real = getenv("AEROSPIKE_HOSTS");
    if (real && *real) {
        snprintf(cluster->hosts, sizeof(cluster->hosts), "%s", real);
        return cluster;
    }
    int out[2];
    if (pipe(out) != 0) {
        free(cluster);
        return NULL;
    }
    fflush(NULL);
    cluster->pid = fork();
    if (cluster->pid == 0) {
        va_list options;
        va_start(options, option);
        close(out[0]);
        child_exec(out[1], option, options);
    }
    close(out[1]);
    bool ready = cluster->pid > 0 && wait_ready(cluster, out[0]);
    close(out[0]);
    if (!ready) {
        fprintf(stderr, "the mini cluster didn't come up\n");
        test_cluster_stop(cluster);
        return NULL;
    }
    return cluster;
}

void test_cluster_stop(test_cluster* cluster)
{
    if (!cluster) {
        return;
    }
    if (cluster->control >= 0) {
        close(cluster->control);
    }
    if (cluster->pid > 0) {
        kill(cluster->pid, SIGTERM);
        waitpid(cluster->pid, NULL, 0);
    }
    free(cluster);
}

const char* test_cluster_hosts(const test_cluster* cluster)
{
    return cluster->hosts;
}

void test_cluster_first(const test_cluster* cluster, char* ret_name, size_t name_size,
                        char* ret_port, size_t port_size)
{
    const char* colon = strchr(cluster->hosts, ':');
    size_t name_len = colon ? (size_t)(colon - cluster->hosts) : strcspn(cluster->hosts, ",");
    snprintf(ret_name, name_size, "%.*s", (int)name_len, cluster->hosts);
    snprintf(ret_port, port_size, "%d", colon ? atoi(colon + 1) : 3000);
}

bool test_cluster_is_real(const test_cluster* cluster)
{
    return cluster->pid == 0;
}

static bool control_real(const char* line)
{
    const char* command = getenv("AEROSPIKE_CONTROL");
    char text[1024];
    if (!command || !*command) {
        return false;
    }
    snprintf(text, sizeof(text), "%s %s", command, line);
    return system(text) == 0;
}

bool test_cluster_control(test_cluster* cluster, const char* line)
{
    if (test_cluster_is_real(cluster)) {
        return control_real(line);
    }
    char text[256];
    int len = snprintf(text, sizeof(text), "%s\n", line);
    cluster->answer[0] = 0;
    if (cluster->control < 0 || write(cluster->control, text, (size_t)len) != len) {
        return false;
    }
    size_t used = 0;
    char answer[4096];
    while (read_line(cluster->control, answer, sizeof(answer), CONTROL_MS)) {
        if (strcmp(answer, "ok") == 0) {
            return true;
        }
        if (strncmp(answer, "error:", 6) == 0) {
            fprintf(stderr, "%s: %s\n", line, answer);
            return false;
        }
        used += (size_t)snprintf(cluster->answer + used, sizeof(cluster->answer) - used, "%s\n",
                                 answer);
        if (used >= sizeof(cluster->answer)) {
            return false;
        }
    }
    return false;
}

const char* test_cluster_answer(const test_cluster* cluster)
{
    return cluster->answer;
}

unsigned long test_cluster_stat(test_cluster* cluster, const char* name)
{
    unsigned long sum = 0;
    if (!test_cluster_control(cluster, "stats")) {
        return 0;
    }
    size_t len = strlen(name);
    for (const char* at = cluster->answer; (at = strstr(at, name)); at += len) {
        if (at > cluster->answer && at[-1] == ' ' && at[len] == '=') {
            sum += strtoul(at + len + 1, NULL, 10);
        }
    }
    return sum;
}
