/*
 * Clocks, chance and stream sockets of the kernel, for every loop that watches descriptors of it.
 */
#include <tendril/loop_posix.h>

#include <assert.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* ---- clocks and chance ---- */

uint64_t tnd_loop_posix_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t tnd_loop_posix_unix_now(tnd_loop* loop)
{
    (void)loop;
    return (uint64_t)time(NULL);
}

uint64_t tnd_loop_posix_random(tnd_loop* loop)
{
    (void)loop;
    uint64_t bits;
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits)) {
        /* Early at boot. Good enough for jitter; nonces have their owner's slot beside them. */
        uint64_t seed = tnd_loop_posix_clock_us() ^ ((uint64_t)getpid() << 40);
        bits = seed * UINT64_C(0x9E3779B97F4A7C15);
    }
    return bits;
}

/* ---- opening ---- */

/* A nonblocking stream socket, or -errno. */
static int socket_open(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (family == AF_INET || family == AF_INET6) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

int tnd_loop_posix_connect(const struct sockaddr* addr, socklen_t addr_len)
{
    int fd = socket_open(addr->sa_family);
    if (fd < 0) {
        return fd;
    }
    /* Interrupted: the attempt goes on, as if it were in progress. */
    if (connect(fd, addr, addr_len) < 0 && errno != EINPROGRESS && errno != EINTR) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int tnd_loop_posix_listen(const struct sockaddr* addr, socklen_t addr_len, int backlog)
{
    int fd = socket_open(addr->sa_family);
    if (fd < 0) {
        return fd;
    }
    if (addr->sa_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (bind(fd, addr, addr_len) < 0 || listen(fd, backlog) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int tnd_loop_posix_accept(int fd)
{
    int accepted;
    do {
        accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (accepted < 0) {
        return errno == EWOULDBLOCK ? TND_WAIT : -errno;
    }
    return accepted;
}

/* ---- using ---- */

/* Towards a port of this host where nobody listens, the kernel may pick that very port as ours: the
   socket is then connected to itself and would answer requests with the requests. */
static bool socket_is_own_peer(int fd, const struct sockaddr_storage* peer, socklen_t peer_len)
{
    struct sockaddr_storage own;
    socklen_t own_len = sizeof(own);
    memset(&own, 0, sizeof(own));
    if (peer->ss_family != AF_INET && peer->ss_family != AF_INET6) {
        return false;
    }
    return getsockname(fd, (struct sockaddr*)&own, &own_len) == 0 && own_len == peer_len &&
           memcmp(&own, peer, own_len) == 0;
}

int tnd_loop_posix_connect_result(tnd_loop* loop, tnd_io* io)
{
    (void)loop;
    assert(io->is_open);
    int error = 0;
    socklen_t error_len = sizeof(error);
    if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0) {
        return -errno;
    }
    if (error != 0) {
        return -error;
    }
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof(peer);
    memset(&peer, 0, sizeof(peer));
    if (getpeername(io->fd, (struct sockaddr*)&peer, &peer_len) < 0) {
        return errno == ENOTCONN ? TND_WAIT : -errno;
    }
    return socket_is_own_peer(io->fd, &peer, peer_len) ? -ECONNREFUSED : 0;
}

int tnd_loop_posix_peer(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer)
{
    (void)loop;
    assert(io->is_open);
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(io->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) {
        return -errno;
    }
    ret_peer->uid = credentials.uid;
    ret_peer->gid = credentials.gid;
    return 0;
}

ssize_t tnd_loop_posix_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size)
{
    (void)loop;
    assert(io->is_open && size > 0);
    ssize_t count;
    do {
        count = recv(io->fd, bytes, size, 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return errno == EWOULDBLOCK ? TND_WAIT : -errno;
    }
    return count;
}

ssize_t tnd_loop_posix_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov, int iov_count)
{
    (void)loop;
    assert(io->is_open && iov_count > 0);
    struct msghdr message;
    memset(&message, 0, sizeof(message));
    message.msg_iov = (struct iovec*)iov;
    message.msg_iovlen = iov_count > IOV_MAX ? IOV_MAX : (size_t)iov_count;
    ssize_t count;
    do {
        count = sendmsg(io->fd, &message, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return errno == EWOULDBLOCK ? TND_WAIT : -errno;
    }
    return count;
}
