/*
 * See web.h.
 */
#include "tests/nginx/web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Workers, those that shut down, the cache's helpers. */
#define WEB_CHILDREN_MAX 64

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- setting up ---- */

static const char* or_nothing(const char* text)
{
    return text ? text : "";
}

void web_write_conf(web* self, const web_conf* conf)
{
    FILE* file = fopen(self->conf, "w");
    assert_non_null(file);
    self->is_single = conf->main && strstr(conf->main, "master_process off");
    fprintf(file,
            "load_module %s;\n"
            "daemon off;\n"
            "worker_processes 2;\n"
            "pid %s/nginx.pid;\n"
            "error_log %s/error.log info;\n"
            "%s\n"
            "events { worker_connections 128; %s }\n"
            "http {\n"
            "    access_log off;\n"
            "    client_body_temp_path %s/body;\n"
            "    proxy_temp_path %s/proxy;\n"
            "    fastcgi_temp_path %s/fastcgi;\n"
            "    uwsgi_temp_path %s/uwsgi;\n"
            "    scgi_temp_path %s/scgi;\n"
            "    aerospike_cluster main { shm_key 0x%x; %s }\n"
            "    %s\n"
            "    server {\n"
            "        listen 127.0.0.1:%d %s;\n"
            "        add_header X-Worker $pid always;\n"
            "        location = /empty { return 204; }\n"
            "        %s\n"
            "    }\n"
            "}\n",
            NGINX_MODULE, self->dir, self->dir, or_nothing(conf->main), or_nothing(conf->events),
            self->dir, self->dir, self->dir, self->dir, self->dir, (unsigned)self->shm_key,
            or_nothing(conf->cluster), or_nothing(conf->http), self->port,
            conf->has_one_queue ? "" : "reuseport", or_nothing(conf->server));
    assert_int_equal(fclose(file), 0);
}

/* A listening socket on a free port. */
static int listener_open(int* ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t addr_len = sizeof(addr);
    int on = 1;
    int fd =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* nginx relies on it */
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr*)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr*)&addr, &addr_len), 0);
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

static int web_listener = -1; /* of the web that is set up and not started; one at a time */

void web_init(web* self, const web_conf* conf)
{
    memset(self, 0, sizeof(*self));
    snprintf(self->dir, sizeof(self->dir), "/tmp/tendril-nginx-XXXXXX");
    assert_non_null(mkdtemp(self->dir));
    assert_int_equal(chmod(self->dir, 0755), 0); /* for workers of another user */
    snprintf(self->conf, sizeof(self->conf), "%s/nginx.conf", self->dir);
    web_listener = listener_open(&self->port);
    self->shm_key = 0x7B000000 | (getpid() & 0xFFFFFF);
    web_write_conf(self, conf);
}

static int remove_entry(const char* path, const struct stat* info, int kind, struct FTW* walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void web_done(web* self)
{
    if (web_listener >= 0) {
        close(web_listener);
        web_listener = -1;
    }
    nftw(self->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the program ---- */

int web_check(web* self, char* ret_text, size_t size)
{
    char command[256];
    snprintf(command, sizeof(command), "nginx -t -p %s -c %s 2>&1", self->dir, self->conf);
    FILE* pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t count = fread(ret_text, 1, size - 1, pipe);
    ret_text[count] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t read_pid(const web* self)
{
    char path[96];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/nginx.pid", self->dir);
    FILE* file = fopen(path, "r");
    if (!file) {
        return 0;
    }
    if (fscanf(file, "%d", &pid) != 1) {
        pid = 0;
    }
    fclose(file);
    return pid;
}

/* The file appears when it appears: looked at again and again. */
static pid_t await_pid_other_than(const web* self, pid_t old)
{
    int64_t end_ms = now_ms() + WEB_WAIT_MS;
    pid_t pid;
    while ((pid = read_pid(self)) == 0 || pid == old) {
        if (now_ms() > end_ms) {
            fail_msg("no new nginx: see %s/error.log", self->dir);
        }
        poll(NULL, 0, 2);
    }
    return pid;
}

/* By its whole path: that is what nginx executes for its successor. TENDRIL_TEST_NGINX names
   another program, such as a script that runs nginx under Valgrind. */
static void run_nginx(const web* self)
{
    const char* other = getenv("TENDRIL_TEST_NGINX");
    char path[256];
    snprintf(path, sizeof(path), "%s", other ? other : "/usr/sbin/nginx");
    for (const char* folder = getenv("PATH"); folder && access(path, X_OK) != 0;) {
        int size = (int)strcspn(folder, ":");
        snprintf(path, sizeof(path), "%.*s/nginx", size, folder);
        folder = folder[size] ? folder + size + 1 : NULL;
    }
    char inherited[16];
    snprintf(inherited, sizeof(inherited), "%d;", web_listener);
    if (!self->is_single) { /* there nginx itself can't */
        fcntl(web_listener, F_SETFD, 0);
        setenv("NGINX", inherited, 1); /* as one nginx leaves its sockets to the next */
    }
    execl(path, path, "-p", self->dir, "-c", self->conf, (char*)NULL);
    _exit(127);
}

/* Runs nginx as a grandchild and ends when it is up: nginx takes no USR2 from the parent that it
   was started by. */
static void run_starter(const web* self)
{
    pid_t pid = fork();
    if (pid == 0) {
        run_nginx(self);
    }
    int64_t end_ms = now_ms() + WEB_WAIT_MS;
    while (read_pid(self) != pid && now_ms() < end_ms && waitpid(pid, NULL, WNOHANG) == 0) {
        poll(NULL, 0, 1);
    }
    _exit(read_pid(self) == pid ? 0 : 1);
}

static bool process_has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

void web_start(web* self)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (self->is_single) {
        close(web_listener);
    }
    pid_t starter = fork();
    assert_true(starter >= 0);
    if (starter == 0) {
        self->is_single ? run_nginx(self) : run_starter(self);
    }
    if (self->is_single) {
        web_listener = -1;
        self->master = starter;
        int64_t end_ms = now_ms() + WEB_WAIT_MS;
        while (read_pid(self) != starter && !process_has_ended(starter)) {
            if (now_ms() > end_ms) {
                fail_msg("nginx isn't up: see %s/error.log", self->dir);
            }
            poll(NULL, 0, 1); /* listens once the file is there */
        }
        return;
    }
    close(web_listener);
    web_listener = -1;
    int status = -1;
    waitpid(starter, &status, 0);
    assert_int_equal(status, 0);
    self->master = read_pid(self);
}

void web_upgrade(web* self)
{
    pid_t old = self->master;
    kill(old, SIGUSR2);
    web after = *self;
    after.master = await_pid_other_than(self, old);
    web_workers workers;
    web_workers_await(&after, 2, &workers);
    web_workers_done(&workers);
    assert_int_equal(web_stop(self, SIGQUIT), 0);
    self->master = after.master;
}

static int process_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool process_await_end(int pidfd, int ms)
{
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    return poll(&wait, 1, ms) == 1;
}

int web_stop(web* self, int signal)
{
    if (self->master == 0) {
        return -1;
    }
    int pidfd = process_open(self->master);
    kill(self->master, signal);
    bool has_ended = pidfd >= 0 && process_await_end(pidfd, WEB_WAIT_MS);
    if (!has_ended) {
        kill(self->master, SIGKILL);
    }
    close(pidfd);
    int status = 0;
    waitpid(self->master, &status, 0);
    self->master = 0;
    return has_ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- workers ---- */

static bool process_has_title(pid_t pid, const char* title)
{
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    FILE* file = fopen(path, "r");
    if (!file) {
        return false;
    }
    size_t count = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[count] = '\0';
    return strcmp(text, title) == 0;
}

static int find_children(const web* self, pid_t* ret_pids)
{
    char path[64];
    int pid, count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)self->master, (int)self->master);
    FILE* file = fopen(path, "r");
    while (file && count < WEB_CHILDREN_MAX && fscanf(file, "%d", &pid) == 1) {
        ret_pids[count++] = pid;
    }
    if (file) {
        fclose(file);
    }
    return count;
}

static int find_workers(const web* self, pid_t* ret_pids)
{
    pid_t children[WEB_CHILDREN_MAX];
    int children_count = find_children(self, children), count = 0;
    for (int i = 0; i < children_count && count < WEB_WORKERS_MAX; i++) {
        if (process_has_title(children[i], "nginx: worker process")) {
            ret_pids[count++] = children[i];
        }
    }
    return count;
}

/* A process's title is nothing that can be waited for: looked at again and again. */
void web_workers_await(web* self, int count, web_workers* ret_workers)
{
    int64_t end_ms = now_ms() + WEB_WAIT_MS;
    while ((ret_workers->count = find_workers(self, ret_workers->pids)) != count) {
        if (now_ms() > end_ms) {
            fail_msg("%d workers instead of %d", ret_workers->count, count);
        }
        poll(NULL, 0, 2);
    }
    for (int i = 0; i < count; i++) {
        ret_workers->pidfds[i] = process_open(ret_workers->pids[i]);
        assert_true(ret_workers->pidfds[i] >= 0);
    }
}

bool web_workers_has(const web_workers* workers, pid_t pid)
{
    for (int i = 0; i < workers->count; i++) {
        if (workers->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

bool web_workers_await_end(web_workers* workers, int ms)
{
    int64_t end_ms = now_ms() + ms;
    bool have_ended = true;
    for (int i = 0; i < workers->count; i++) {
        int64_t left_ms = end_ms - now_ms();
        if (!process_await_end(workers->pidfds[i], left_ms > 0 ? (int)left_ms : 0)) {
            print_message("worker %d hasn't ended within %d ms\n", (int)workers->pids[i], ms);
            have_ended = false;
        }
    }
    web_workers_done(workers);
    return have_ended;
}

void web_workers_done(web_workers* workers)
{
    for (int i = 0; i < workers->count; i++) {
        close(workers->pidfds[i]);
    }
    workers->count = 0;
}

/* Whom the log names last, if it's one of them. */
static int find_tender(const web* self, const web_workers* workers)
{
    char path[96], line[4096];
    int found = -1, pid;
    snprintf(path, sizeof(path), "%s/error.log", self->dir);
    FILE* file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        const char* text = strstr(line, "aerospike: Worker ");
        if (!text || !strstr(text, "tends from now on") ||
            sscanf(text, "aerospike: Worker %d", &pid) != 1) {
            continue;
        }
        found = -1;
        for (int i = 0; i < workers->count; i++) {
            found = workers->pids[i] == pid ? i : found;
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

int web_find_tender(const web* self, const web_workers* workers)
{
    int64_t end_ms = now_ms() + WEB_WAIT_MS;
    int found;
    while ((found = find_tender(self, workers)) < 0) {
        if (now_ms() > end_ms) {
            fail_msg("none of the workers tends");
        }
        poll(NULL, 0, 2);
    }
    return found;
}

/* ---- requests ---- */

static int connect_to(const web* self)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)self->port),
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr*)&addr, sizeof(addr)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The server may answer, and close, before it has read everything. */
static void send_all(int fd, const char* bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count <= 0) {
            return;
        }
        bytes += count;
        size -= (size_t)count;
    }
}

int web_send_bytes(web* self, const char* bytes, size_t size)
{
    int fd = connect_to(self);
    if (fd >= 0) {
        send_all(fd, bytes, size);
    }
    return fd;
}

int web_send(web* self, const char* method, const char* path)
{
    char request[1024];
    int size =
        snprintf(request, sizeof(request),
                 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
    return web_send_bytes(self, request, (size_t)size);
}

void web_ask(web* self, const char* line, const char* headers, const void* body, size_t size,
             web_reply* ret_reply)
{
    char head[8192];
    int head_size = snprintf(head, sizeof(head), "%s HTTP/1.1\r\nHost: localhost\r\n%s", line,
                             headers ? headers : "");
    if (body) {
        head_size += snprintf(head + head_size, sizeof(head) - (size_t)head_size,
                              "Content-Length: %zu\r\n", size);
    }
    head_size +=
        snprintf(head + head_size, sizeof(head) - (size_t)head_size, "Connection: close\r\n\r\n");
    int fd = web_send_bytes(self, head, (size_t)head_size);
    if (fd >= 0 && body) {
        send_all(fd, body, size);
    }
    web_receive(fd, ret_reply);
}

static void parse_reply(web_reply* reply)
{
    int worker = 0;
    const char* header = strstr(reply->text, "\r\nX-Worker: ");
    const char* body = strstr(reply->text, "\r\n\r\n");
    if (sscanf(reply->text, "HTTP/1.1 %d", &reply->status) != 1) {
        reply->status = 0;
    }
    if (header && sscanf(header, "\r\nX-Worker: %d", &worker) == 1) {
        reply->worker = worker;
    }
    snprintf(reply->body, sizeof(reply->body), "%s", body ? body + 4 : "");
}

void web_receive(int fd, web_reply* ret_reply)
{
    memset(ret_reply, 0, sizeof(*ret_reply));
    size_t size = 0;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (fd >= 0 && size + 1 < sizeof(ret_reply->text) && poll(&wait, 1, WEB_WAIT_MS) == 1) {
        ssize_t count = recv(fd, ret_reply->text + size, sizeof(ret_reply->text) - 1 - size, 0);
        if (count <= 0) {
            break;
        }
        size += (size_t)count;
    }
    if (fd >= 0) {
        close(fd);
    }
    parse_reply(ret_reply);
}

void web_request(web* self, const char* method, const char* path, web_reply* ret_reply)
{
    web_receive(web_send(self, method, path), ret_reply);
}

void web_get(web* self, const char* path, web_reply* ret_reply)
{
    web_request(self, "GET", path, ret_reply);
}

/* ---- traces ---- */

static int count_log(const web* self, const char* const* words, bool is_printed)
{
    char path[96], line[4096];
    int count = 0;
    snprintf(path, sizeof(path), "%s/error.log", self->dir);
    FILE* file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        for (const char* const* word = words; *word; word++) {
            if (strstr(line, *word)) {
                count++;
                if (is_printed) {
                    print_message("%s", line);
                }
                break;
            }
        }
    }
    if (file) {
        fclose(file);
    }
    return count;
}

int web_count_alarms(const web* self)
{
    static const char* const words[] = {"[alert]", "[crit]", "[emerg]", "exited on signal", NULL};
    return count_log(self, words, true);
}

void web_print_log(const web* self)
{
    static const char* const words[] = {"", NULL};
    count_log(self, words, true);
}

int web_count_lines(const web* self, const char* text)
{
    const char* const words[] = {text, NULL};
    return count_log(self, words, false);
}

static bool process_is_attached(pid_t pid, int shm_key)
{
    char path[64], line[1024], name[32];
    bool is_attached = false;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    snprintf(name, sizeof(name), "/SYSV%08x", (unsigned)shm_key);
    FILE* file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        is_attached = is_attached || strstr(line, name) != NULL;
    }
    if (file) {
        fclose(file);
    }
    return is_attached;
}

int web_segment_attached(const web* self)
{
    if (shmget(self->shm_key, 0, 0) < 0) {
        return -1;
    }
    pid_t pids[WEB_CHILDREN_MAX + 1];
    int count = find_children(self, pids), attached = 0;
    pids[count++] = self->master;
    for (int i = 0; i < count; i++) {
        attached += process_is_attached(pids[i], self->shm_key);
    }
    return attached;
}
