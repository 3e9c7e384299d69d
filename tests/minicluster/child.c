// A mini cluster in a forked child.
#include "child.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"

typedef struct child_hello {
    uint16_t control_port; // 0: it failed
    int node_count;
    uint16_t ports[MC_NODES_MAX];
} child_hello;

static mc_server* child_server;

static void on_term(int number)
{
    (void)number;
    mc_server_stop(child_server);
}

static _Noreturn void child_main(const mc_server_config* config, int hello_fd, pid_t parent)
{
    child_hello hello = {0};
    mc_server_config own = *config;
    char why[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    own.control = true;
    child_server = mc_server_open(&own, why, sizeof(why));
    if (!child_server) {
        fprintf(stderr, "minicluster: %s\n", why);
        _exit(1);
    }
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGINT, SIG_IGN);
    const mc_cluster* cluster = mc_server_cluster(child_server);
    hello.control_port = mc_server_control_port(child_server);
    hello.node_count = mc_node_count(cluster);
    for (int i = 0; i < hello.node_count; i++) {
        hello.ports[i] = mc_node_port(cluster, i);
    }
    if (write(hello_fd, &hello, sizeof(hello)) != (ssize_t)sizeof(hello)) {
        _exit(1);
    }
    close(hello_fd);
    mc_server_run(child_server);
    signal(SIGTERM, SIG_IGN); // a second one must not meet a server that is gone
    mc_server_close(child_server);
    _exit(0);
}

static bool child_connect(mc_child* child, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    child->control_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(child->control_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return child->control_fd >= 0 &&
           !connect(child->control_fd, (struct sockaddr*)&address, sizeof(address));
}

bool mc_child_start(mc_child* child, const mc_server_config* config)
{
    int pipe_fds[2];
    memset(child, 0, sizeof(*child));
    child->control_fd = -1;
    if (pipe(pipe_fds)) {
        return false;
    }
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0) {
        close(pipe_fds[0]);
        child_main(config, pipe_fds[1], parent);
    }
    close(pipe_fds[1]);
    child_hello hello;
    bool ok = child->pid > 0 && read(pipe_fds[0], &hello, sizeof(hello)) == (ssize_t)sizeof(hello);
    close(pipe_fds[0]);
    if (!ok || !child_connect(child, hello.control_port)) {
        mc_child_stop(child);
        return false;
    }
    child->node_count = hello.node_count;
    size_t len = 0;
    for (int i = 0; i < hello.node_count; i++) {
        child->ports[i] = hello.ports[i];
        len += (size_t)snprintf(child->hosts + len, sizeof(child->hosts) - len, "%s127.0.0.1:%u",
                                i ? "," : "", hello.ports[i]);
    }
    return true;
}

// Reads until the answer's last line. Returns 1 for ok, 0 for an error, -1 if none came.
static int child_answer(mc_child* child, mc_bytes* text)
{
    for (;;) {
        ssize_t got = recv(child->control_fd, mc_bytes_room(text, 4096), 4095, 0);
        if (got <= 0) {
            return -1;
        }
        text->len += (size_t)got;
        text->data[text->len] = 0;
        char* all = (char*)text->data;
        if (!strncmp(all, "error: ", 7) && all[text->len - 1] == '\n') {
            return 0;
        }
        bool last = text->len >= 3 && !strcmp(all + text->len - 3, "ok\n");
        if (last && (text->len == 3 || all[text->len - 4] == '\n')) {
            text->len -= 3;
            return 1;
        }
    }
}

bool mc_child_control(mc_child* child, const char* line, char* reply, size_t size)
{
    mc_bytes text = {0};
    char sent[1024];
    int n = snprintf(sent, sizeof(sent), "%s\n", line);
    int answer = -1;
    if (n > 0 && (size_t)n < sizeof(sent) &&
        send(child->control_fd, sent, (size_t)n, MSG_NOSIGNAL) == n) {
        answer = child_answer(child, &text);
    }
    if (reply && size) {
        snprintf(reply, size, "%.*s", answer < 0 ? 0 : (int)text.len,
                 text.data ? (char*)text.data : "");
    }
    mc_bytes_done(&text);
    return answer == 1;
}

uint64_t mc_child_stat(mc_child* child, int node, const char* name)
{
    enum {
        SIZE = 256 * 1024
    };
    char* text = mc_alloc(SIZE);
    char wanted[64];
    uint64_t sum = 0;
    snprintf(wanted, sizeof(wanted), " %s=", name);
    mc_child_control(child, "stats", text, SIZE);
    char* rest = text;
    char* line;
    while ((line = strsep(&rest, "\n"))) {
        char* at = strstr(line, wanted);
        bool counts = !strncmp(line, "node=", 5) && (node < 0 || atoi(line + 5) == node);
        if (at && counts) {
            sum += strtoull(at + strlen(wanted), NULL, 10);
        }
    }
    free(text);
    return sum;
}

int mc_child_stop(mc_child* child)
{
    int status = -1;
    if (child->pid > 0) {
        kill(child->pid, SIGTERM);
        if (waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status)) {
            status = WEXITSTATUS(status);
        } else {
            status = -1;
        }
    }
    if (child->control_fd > 0) {
        close(child->control_fd);
    }
    memset(child, 0, sizeof(*child));
    return status;
}
