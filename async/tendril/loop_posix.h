/*
 * The half of a loop's table that is the same on every loop of the kernel: clocks, chance and
 * stream sockets. Whoever writes a table for a loop of another kind (see <tendril/loop.h>) adds
 * interest, timers and tasks.
 *
 * Functions with a tnd_loop* are table entries as they stand: they use nothing but io->fd. The
 * others open descriptors, nonblocking and close-on-exec, which the table then wraps in a tnd_io.
 */
#pragma once

#include <tendril/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CLOCK_MONOTONIC in microseconds, read now. */
AS_EXTERN uint64_t tnd_loop_posix_clock_us(void);

AS_EXTERN uint64_t tnd_loop_posix_unix_now(tnd_loop* loop);
AS_EXTERN uint64_t tnd_loop_posix_random(tnd_loop* loop);

/* A descriptor whose connection is under way or done, or -errno as tnd_loop_ops.connect. */
AS_EXTERN int tnd_loop_posix_connect(const struct sockaddr* addr, socklen_t addr_len);

/* A listening descriptor, or -errno. */
AS_EXTERN int tnd_loop_posix_listen(const struct sockaddr* addr, socklen_t addr_len, int backlog);

/* The next connection of a listening descriptor, TND_WAIT or -errno. */
AS_EXTERN int tnd_loop_posix_accept(int fd);

AS_EXTERN int tnd_loop_posix_connect_result(tnd_loop* loop, tnd_io* io);
AS_EXTERN int tnd_loop_posix_peer(tnd_loop* loop, tnd_io* io, tnd_peer* ret_peer);
AS_EXTERN ssize_t tnd_loop_posix_read(tnd_loop* loop, tnd_io* io, void* bytes, size_t size);
AS_EXTERN ssize_t tnd_loop_posix_writev(tnd_loop* loop, tnd_io* io, const struct iovec* iov,
                                        int iov_count);

#ifdef __cplusplus
}
#endif
