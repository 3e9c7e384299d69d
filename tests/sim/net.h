/*
 * The network of a simulated world: stream sockets between loops, and between loops and native
 * peers (servers written as callbacks, like the nodes of a cluster).
 *
 * Addresses are ordinary sockaddrs (AF_INET, AF_INET6, AF_UNIX); they mean something only inside
 * the world. Bytes travel as packets that arrive after the link's latency, in order. A link belongs
 * to the address that was connected to, or to the pair of one loop and that address; it is looked
 * up for each packet, so that changes take effect on open connections.
 */
#ifndef TENDRIL_TESTS_SIM_NET_H
#define TENDRIL_TESTS_SIM_NET_H

#include "tests/sim/sim.h"

/* ---- addresses ---- */

/* Fills `ret_addr`; `host` is numeric, IPv4 or IPv6. Returns the length. */
socklen_t sim_addr_inet(struct sockaddr_storage* ret_addr, const char* host, uint16_t port);

/* An abstract name. */
socklen_t sim_addr_unix(struct sockaddr_storage* ret_addr, const char* name);

/* ---- links ---- */

typedef struct sim_link {
    uint64_t latency_us_min; /* one way; 50 for INET, 5 for AF_UNIX */
    uint64_t latency_us_max;
    unsigned split_percent; /* written blocks that arrive in several pieces */
    bool is_refusing;       /* new connections are refused although somebody listens */
    bool is_black_hole;     /* nothing arrives; what was sent does once this is over (TCP sends
                             * again). Set it with sim_link_set_black_hole() */
} sim_link;

/* The link of an address (`loop` NULL) or of one loop's connections to it, made on first use: the
 * former a copy of the defaults, the latter of the former. Lives as long as the world. */
sim_link* sim_net_link(sim_world* world, tnd_loop* loop, const struct sockaddr* addr,
                       socklen_t addr_len);

void sim_link_set_black_hole(sim_world* world, sim_link* link, bool is_black_hole);

/* Calls `fn` for each link that has been made. */
void sim_net_each_link(sim_world* world, void (*fn)(sim_link* link, void* udata), void* udata);

/* ---- native peers ---- */

typedef struct sim_peer sim_peer;

/* Called by the world, from no loop. All but on_bytes may be NULL. */
typedef struct sim_peer_handler {
    void (*on_open)(sim_peer* peer);
    void (*on_bytes)(sim_peer* peer, const uint8_t* bytes, size_t size);
    /* The other side sent its end (error 0; sending to it still works if it only half-closed), or a
     * reset (errno). The peer stays open until it is closed here. */
    void (*on_end)(sim_peer* peer, int error);
} sim_peer_handler;

typedef struct sim_listener sim_listener;

/* A native listener. NULL if the address is taken. `udata` is inherited by the peers. */
sim_listener* sim_listen(sim_world* world, const struct sockaddr* addr, socklen_t addr_len,
                         const sim_peer_handler* handler, void* udata);

/* Stops listening. Open peers stay. */
void sim_listener_close(sim_listener* listener);

/* Opens a connection from nowhere (no loop) to an address; on_open or on_end follows. */
sim_peer* sim_peer_connect(sim_world* world, const struct sockaddr* addr, socklen_t addr_len,
                           const sim_peer_handler* handler, void* udata);

void sim_peer_set_udata(sim_peer* peer, void* udata);
void* sim_peer_udata(const sim_peer* peer);

/* Any amount: native peers have no window. */
void sim_peer_send(sim_peer* peer, const void* bytes, size_t size);

/* While paused, bytes stay in the kernel: the sender's window fills. */
void sim_peer_set_paused(sim_peer* peer, bool is_paused);

void sim_peer_shutdown(sim_peer* peer); /* half-close: our side sends no more */
void sim_peer_close(sim_peer* peer);    /* the handle is invalid afterwards */
void sim_peer_reset(sim_peer* peer);    /* likewise; the other side gets ECONNRESET */
void sim_peer_vanish(sim_peer* peer);   /* likewise; half-open: the other side learns nothing until
                                         * it sends, which is answered by a reset */

/* ---- names ---- */

#define SIM_NEVER UINT64_MAX

/* Answers look-ups of `host`: with `addresses` (numeric, NULL-terminated) if status is 0, else with
 * status (-errno); after `delay_us`, or SIM_NEVER. Replaces what was set before. Names that aren't
 * set fail with -ENOENT after a millisecond. */
void sim_name_set(sim_world* world, const char* host, int status, const char* const* addresses,
                  uint64_t delay_us);

#endif
