#include "echo_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t rig_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- processes ------------------------------------------------------------------------------ */

/* Starts a program with its descriptor `from` (1 or 2) read by us. */
static pid_t process_start(char* const argv[], int from, rig_output* output)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent && dup2(ends[1], from) == from) {
            execv(argv[0], argv);
        }
        _exit(127);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    free(output->text);
    *output = (rig_output){.fd = ends[0]};
    return pid;
}

static void output_done(rig_output* output)
{
    if (output->fd > 0) {
        close(output->fd);
    }
    free(output->text);
    *output = (rig_output){.fd = -1};
}

/* Reads what is there, and waits for it until the deadline (0: doesn't wait). */
static void output_read(rig_output* output, uint64_t deadline_ms)
{
    struct pollfd ready = {.fd = output->fd, .events = POLLIN};
    uint64_t now = rig_now_ms();
    if (output->fd < 0 || poll(&ready, 1, deadline_ms > now ? (int)(deadline_ms - now) : 0) <= 0) {
        return;
    }
    if (output->capacity - output->length < 4096) {
        output->capacity += 65536;
        output->text = realloc(output->text, output->capacity);
        assert_non_null(output->text);
    }
    ssize_t count = read(output->fd, output->text + output->length, 4095);
    if (count == 0) {
        close(output->fd);
        output->fd = -1;
    } else if (count > 0) {
        output->length += (size_t)count;
        output->text[output->length] = '\0';
    }
}

static void output_fail(const rig_output* output, const char* what)
{
    size_t from = output->length > 4000 ? output->length - 4000 : 0;
    print_error("%s; the last of its output:\n%s\n", what, output->text ? output->text + from : "");
    fail();
}

/* The count-th whole line from `mark` on that holds the text, or NULL. */
static const char* output_find(const rig_output* output, size_t mark, unsigned count,
                               const char* text)
{
    const char* at = output->text ? output->text + mark : NULL;
    while (at && (at = strstr(at, text))) {
        const char* end = strchr(at, '\n');
        if (!end) {
            return NULL;
        }
        if (--count == 0) {
            while (at > output->text && at[-1] != '\n') {
                at--;
            }
            return at;
        }
        at = end;
    }
    return NULL;
}

static const char* output_wait(rig_output* output, size_t mark, unsigned count, const char* text)
{
    uint64_t deadline_ms = rig_now_ms() + RIG_DEADLINE_MS;
    const char* found;
    while (!(found = output_find(output, mark, count, text))) {
        if (output->fd < 0 || rig_now_ms() >= deadline_ms) {
            output_fail(output, text);
        }
        output_read(output, deadline_ms);
    }
    return found;
}

/* Waits for the end of file, which comes when all who write are gone. */
static void output_wait_end(rig_output* output)
{
    uint64_t deadline_ms = rig_now_ms() + RIG_DEADLINE_MS;
    while (output->fd >= 0) {
        if (rig_now_ms() >= deadline_ms) {
            output_fail(output, "no end of file");
        }
        output_read(output, deadline_ms);
    }
}

static int process_status(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- proxy ---------------------------------------------------------------------------------- */

int rig_new_key(void)
{
    static unsigned keys;
    return (int)(0xEB000000u + ((unsigned)getpid() * 32 + keys++ % 32) % 0xffffffu);
}

void rig_start(echo_rig* rig, const char* hosts, int shm_key)
{
    char key[16], workers[8];
    rig_stop(rig); /* of a test that failed in its setup */
    memset(rig, 0, sizeof(*rig));
    rig->shm_key = shm_key;
    snprintf(key, sizeof(key), "0x%08x", (unsigned)rig->shm_key);
    snprintf(workers, sizeof(workers), "%d", RIG_WORKERS);
    char* argv[] = {ECHO_PROXY_PROGRAM, "--listen", "127.0.0.1:0", "--hosts", (char*)hosts,
                    "--workers",        workers,    "--shm-key",   key,       NULL};
    rig->master = process_start(argv, STDERR_FILENO, &rig->log);
    const char* line = rig_wait_log(rig, 0, 1, "listening on");
    assert_int_equal(sscanf(strstr(line, " port "), " port %7[0-9]", rig->port), 1);
}

void rig_wait_serving(echo_rig* rig)
{
    rig_wait_log(rig, 0, RIG_WORKERS, " serves\n");
}

void rig_stop(echo_rig* rig)
{
    if (rig->driver) {
        kill(rig->driver, SIGKILL);
        process_status(rig->driver);
        rig->driver = 0;
    }
    if (rig->master) {
        kill(rig->master, SIGTERM);
        kill(rig->master, SIGTERM);
        process_status(rig->master);
        rig->master = 0;
        int shmid = shmget((key_t)rig->shm_key, 0, 0);
        if (shmid >= 0) {
            shmctl(shmid, IPC_RMID, NULL); /* killed workers leave it */
        }
    }
    output_done(&rig->log);
    output_done(&rig->driver_output);
}

size_t rig_mark(echo_rig* rig)
{
    output_read(&rig->log, 0);
    return rig->log.length;
}

const char* rig_wait_log(echo_rig* rig, size_t mark, unsigned count, const char* text)
{
    return output_wait(&rig->log, mark, count, text);
}

int rig_wait_end(echo_rig* rig)
{
    output_wait_end(&rig->log);
    int status = process_status(rig->master);
    rig->master = 0;
    return status;
}

bool rig_has_segment(const echo_rig* rig)
{
    return shmget((key_t)rig->shm_key, 0, 0) >= 0;
}

static bool worker_has_ended(const echo_rig* rig, pid_t pid)
{
    char ended[48], killed[48];
    snprintf(ended, sizeof(ended), "worker %d ended", (int)pid);
    snprintf(killed, sizeof(killed), "worker %d was killed", (int)pid);
    return strstr(rig->log.text, ended) || strstr(rig->log.text, killed);
}

unsigned rig_workers(echo_rig* rig, pid_t ret_pids[], unsigned max)
{
    unsigned found = 0;
    const char* line;
    rig_mark(rig);
    for (unsigned i = 1; (line = output_find(&rig->log, 0, i, " serves\n")); i++) {
        int pid;
        assert_int_equal(sscanf(strstr(line, "worker "), "worker %d", &pid), 1);
        if (found < max && !worker_has_ended(rig, pid)) {
            ret_pids[found++] = pid;
        }
    }
    return found;
}

pid_t rig_tender(echo_rig* rig)
{
    const char *line = rig_wait_log(rig, 0, 1, " tends from now on"), *next;
    for (unsigned i = 2; (next = output_find(&rig->log, 0, i, " tends from now on")); i++) {
        line = next;
    }
    int pid;
    assert_int_equal(sscanf(strstr(line, "Worker "), "Worker %d", &pid), 1);
    return pid;
}

/* ---- driver --------------------------------------------------------------------------------- */

static const char* driver_last_line(const echo_rig* rig)
{
    const rig_output* output = &rig->driver_output;
    size_t end = output->length;
    while (end > 0 && output->text[end - 1] != '\n') {
        end--;
    }
    size_t begin = end > 0 ? end - 1 : 0;
    while (begin > 0 && output->text[begin - 1] != '\n') {
        begin--;
    }
    return output->text ? output->text + begin : "";
}

uint64_t rig_driver_number(const echo_rig* rig, const char* name)
{
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "\"%s\":", name);
    const char* at = strstr(driver_last_line(rig), quoted);
    return at ? strtoull(at + strlen(quoted), NULL, 10) : UINT64_MAX;
}

void rig_driver_object(const echo_rig* rig, const char* name, char* ret_text, size_t size)
{
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "\"%s\":{", name);
    const char* at = strstr(driver_last_line(rig), quoted);
    assert_non_null(at);
    at += strlen(quoted);
    snprintf(ret_text, size, "%.*s", (int)strcspn(at, "}"), at);
}

void rig_driver_wait(echo_rig* rig, uint64_t count)
{
    uint64_t deadline_ms = rig_now_ms() + RIG_DEADLINE_MS;
    uint64_t before = rig_driver_number(rig, "echoes");
    uint64_t wanted = (before == UINT64_MAX ? 0 : before) + count;
    for (;;) {
        uint64_t echoes = rig_driver_number(rig, "echoes");
        if (echoes != UINT64_MAX && echoes >= wanted) {
            return;
        }
        if (rig->driver_output.fd < 0 || rig_now_ms() >= deadline_ms) {
            output_fail(&rig->driver_output, "the driver makes no progress");
        }
        output_read(&rig->driver_output, deadline_ms);
    }
}

void rig_driver_start(echo_rig* rig)
{
    char target[32];
    snprintf(target, sizeof(target), "127.0.0.1:%s", rig->port);
    char* argv[] = {ECHO_DRIVER_PROGRAM,
                    "--target",
                    target,
                    "--seconds",
                    "600",
                    "--connections",
                    "60",
                    "--depth",
                    "4",
                    "--progress-ms",
                    "20",
                    "--give-up",
                    "40",
                    NULL};
    rig->driver = process_start(argv, STDOUT_FILENO, &rig->driver_output);
    rig_driver_wait(rig, 200);
}

int rig_driver_end(echo_rig* rig)
{
    kill(rig->driver, SIGTERM);
    output_wait_end(&rig->driver_output);
    int status = process_status(rig->driver);
    rig->driver = 0;
    if (status != 0) {
        print_error("driver: %s\n", driver_last_line(rig));
    }
    return status;
}

/* ---- connections ---------------------------------------------------------------------------- */

int rig_connect(const echo_rig* rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(rig->port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr*)&address, sizeof(address)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void wait_for(int fd, short events, uint64_t deadline_ms)
{
    struct pollfd ready = {.fd = fd, .events = events};
    uint64_t now = rig_now_ms();
    assert_true(now < deadline_ms);
    assert_int_equal(poll(&ready, 1, (int)(deadline_ms - now)), 1);
}

void rig_send(int fd, const void* bytes, size_t count)
{
    uint64_t deadline_ms = rig_now_ms() + RIG_DEADLINE_MS;
    for (size_t sent = 0; sent < count;) {
        ssize_t now = send(fd, (const char*)bytes + sent, count - sent, MSG_NOSIGNAL);
        if (now < 0 && errno == EAGAIN) {
            wait_for(fd, POLLOUT, deadline_ms);
            continue;
        }
        assert_true(now > 0);
        sent += (size_t)now;
    }
}

void rig_say(int fd, const char* text)
{
    rig_send(fd, text, strlen(text));
}

/* -1: end of file. */
static int read_byte(int fd, char* ret_byte, uint64_t deadline_ms)
{
    for (;;) {
        ssize_t count = recv(fd, ret_byte, 1, 0);
        if (count == 1) {
            return 0;
        }
        if (count == 0) {
            return -1;
        }
        assert_int_equal(errno, EAGAIN);
        wait_for(fd, POLLIN, deadline_ms);
    }
}

size_t rig_read_line(int fd, char* ret_text, size_t size)
{
    uint64_t deadline_ms = rig_now_ms() + RIG_DEADLINE_MS;
    for (size_t length = 0; length < size; length++) {
        assert_int_equal(read_byte(fd, ret_text + length, deadline_ms), 0);
        if (ret_text[length] == '\n') {
            ret_text[length] = '\0';
            return length;
        }
    }
    fail_msg("a line of more than %zu bytes", size);
    return 0;
}

void rig_expect(int fd, const char* line)
{
    char text[8192];
    rig_read_line(fd, text, sizeof(text));
    assert_string_equal(text, line);
}

void rig_expect_prefix(int fd, const char* prefix)
{
    char text[8192];
    rig_read_line(fd, text, sizeof(text));
    text[strlen(prefix)] = '\0';
    assert_string_equal(text, prefix);
}

void rig_expect_end(int fd)
{
    char byte;
    assert_int_equal(read_byte(fd, &byte, rig_now_ms() + RIG_DEADLINE_MS), -1);
}
