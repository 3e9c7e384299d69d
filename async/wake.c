/*
 * Wake-up sockets.
 *
 * Happy path: listen once; as a follower link to the owner and wait; as the owner accept followers.
 * Failure modes: no abstract sockets here (listen fails: the timers do the work); the owner's
 * backlog is full or it is in another network namespace (the link fails: on_owner_lost, and the
 * worker looks again after a jittered pause); a stranger connects (closed, see below); a peer
 * floods (what it says is bounded to a few reads per turn and means the same however often it is
 * said).
 *
 * Who is a stranger. A peer of our own user, of the segment's or root isn't. Any other proves that
 * it may read the segment: both sides begin with eight bytes that follow from the nonces there, and
 * that nobody can tell from the socket's name, which all users of the host can list.
 */
#include "async/wake.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/digest.h"
#include "core/mem.h"

#define WAKE_BACKLOG 512 /* two generations of workers */
#define WAKE_READ_BYTES 64
#define WAKE_READS_MAX 4      /* per turn and peer */
#define WAKE_ACCEPTS_MAX 64   /* per turn */
#define WAKE_STRANGERS_MAX 16 /* that have yet to prove themselves */

/* What the other side is to say first. */
typedef struct wake_proof {
    uint8_t wanted[TND_WAKE_PROOF_BYTES];
    uint8_t got;     /* bytes of it */
    bool is_welcome; /* whatever it says: it is of a user that we know */
} wake_proof;

typedef struct wake_peer wake_peer;
struct wake_peer {
    tnd_io io;
    tnd_wake* wake;
    wake_peer* next;
    wake_peer** link;
    wake_proof proof;
};

struct tnd_wake {
    tnd_loop* loop;
    const tnd_wake_handler* handler;
    void* udata;
    uint64_t nonce;
    uint32_t uid;
    uint32_t segment_uid;
    uint32_t peers_max;
    uint32_t peers_count;
    wake_peer* peers;
    tnd_io listener;
    uint32_t slot; /* ours, that the listener is named by */
    uint64_t slot_nonce;
    tnd_io owner; /* our connection to the owner */
    wake_proof owner_proof;
    bool is_greeted; /* we have said our proof to the owner */
    bool must_ask;   /* and are to ask then */
    uint32_t owner_slot;
    uint64_t owner_nonce;
    uint32_t lost_slot; /* the owner whose link was lost last */
    uint64_t lost_nonce;
    tnd_task lost; /* a refused link is told from the loop, not inside tnd_wake_link */
};

void tnd_wake_secret(uint64_t nonce, uint32_t slot, uint64_t slot_nonce, tnd_wake_use use,
                     uint8_t ret_bytes[TND_WAKE_PROOF_BYTES])
{
    static const char domain[] = "tendril wake-up";
    const uint64_t value[] = {nonce, slot, slot_nonce};
    uint8_t digest[TND_DIGEST_BYTES];
    tnd_digest(domain, sizeof(domain) - 1, (uint8_t)use, value, sizeof(value), digest);
    memcpy(ret_bytes, digest, TND_WAKE_PROOF_BYTES);
}

socklen_t tnd_wake_address(uint64_t nonce, uint32_t slot, uint64_t slot_nonce,
                           struct sockaddr_un* ret_addr)
{
    uint8_t bytes[TND_WAKE_PROOF_BYTES];
    tnd_wake_secret(nonce, slot, slot_nonce, TND_WAKE_NAME, bytes);
    memset(ret_addr, 0, sizeof(*ret_addr));
    ret_addr->sun_family = AF_UNIX;
    char* name = ret_addr->sun_path + 1;
    int len = snprintf(name, sizeof(ret_addr->sun_path) - 1, "tendril-%u-", slot);
    for (int i = 0; i < TND_WAKE_PROOF_BYTES; i++) {
        len += snprintf(name + len, 3, "%02x", bytes[i]);
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

static void proof_init(const tnd_wake* wake, tnd_io* io, uint32_t slot, uint64_t slot_nonce,
                       tnd_wake_use use, wake_proof* proof)
{
    tnd_peer peer;
    memset(proof, 0, sizeof(*proof));
    tnd_wake_secret(wake->nonce, slot, slot_nonce, use, proof->wanted);
    proof->is_welcome = wake->loop->ops->peer(wake->loop, io, &peer) == 0 &&
                        (peer.uid == wake->uid || peer.uid == 0 || peer.uid == wake->segment_uid);
}

static bool is_stranger(const wake_proof* proof)
{
    return !proof->is_welcome && proof->got < sizeof(proof->wanted);
}

/* Bytes of a peer. False: it is a stranger. *ret_count: how many mean something. One that we know
 * may say its proof as well; that it means something then does no harm. */
static bool proof_take(wake_proof* proof, const uint8_t* bytes, size_t count, size_t* ret_count)
{
    size_t i = 0;
    for (; i < count && is_stranger(proof); i++) {
        if (bytes[i] != proof->wanted[proof->got++]) {
            return false;
        }
    }
    *ret_count = count - i;
    return true;
}

/* Eight bytes and one more into a fresh socket: there is room. */
static void proof_say(tnd_wake* wake, tnd_io* io, uint32_t slot, uint64_t slot_nonce,
                      tnd_wake_use use, char byte)
{
    uint8_t bytes[TND_WAKE_PROOF_BYTES + 1];
    tnd_wake_secret(wake->nonce, slot, slot_nonce, use, bytes);
    bytes[TND_WAKE_PROOF_BYTES] = (uint8_t)byte;
    struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes) - (byte == 0)};
    (void)tnd_io_writev(io, &iov, 1);
}

/* ---- as the owner: followers ---------------------------------------------------------------- */

static void peer_close(wake_peer* peer)
{
    *peer->link = peer->next;
    if (peer->next) {
        peer->next->link = peer->link;
    }
    peer->wake->peers_count--;
    tnd_io_close(&peer->io);
    tnd_free(peer);
}

/* The peer is one of us: say so, and "the directory changed", for what was published while it
 * waited to be accepted. */
static void peer_greet(wake_peer* peer)
{
    tnd_wake* wake = peer->wake;
    proof_say(wake, &peer->io, wake->slot, wake->slot_nonce, TND_WAKE_OWNER, 'M');
}

/* False: it is a stranger. *ret_asked is set if it asked for something. */
static bool peer_take(wake_peer* peer, const uint8_t* bytes, size_t count, bool* ret_asked)
{
    bool was_stranger = is_stranger(&peer->proof);
    size_t rest;
    if (!proof_take(&peer->proof, bytes, count, &rest)) {
        return false;
    }
    if (was_stranger && !is_stranger(&peer->proof)) {
        peer_greet(peer);
    }
    *ret_asked = *ret_asked || rest > 0;
    return true;
}

static void on_peer(tnd_io* io, unsigned events)
{
    (void)events;
    wake_peer* peer = io->udata;
    tnd_wake* wake = peer->wake;
    uint8_t bytes[WAKE_READ_BYTES];
    bool asked = false;
    for (int i = 0; i < WAKE_READS_MAX; i++) {
        ssize_t count = tnd_io_read(io, bytes, sizeof(bytes));
        if (count == TND_WAIT) {
            goto done;
        }
        if (count <= 0 || !peer_take(peer, bytes, (size_t)count, &asked)) {
            peer_close(peer);
            goto done;
        }
    }
    tnd_io_again(io, TND_IO_READ);
done:
    if (asked) {
        wake->handler->on_asked(wake->udata);
    }
}

/* "The directory changed." */
static void peer_tell(wake_peer* peer)
{
    if (is_stranger(&peer->proof)) {
        return;
    }
    char byte = 'M';
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    /* Full, or gone: what it hasn't read yet says the same, or its end of file comes anyway. */
    (void)tnd_io_writev(&peer->io, &iov, 1);
}

/* Too many strangers: the one that has had most time goes. */
static void strangers_limit(tnd_wake* wake)
{
    wake_peer* oldest = NULL;
    uint32_t count = 0;
    for (wake_peer* peer = wake->peers; peer; peer = peer->next) {
        if (is_stranger(&peer->proof)) {
            oldest = peer;
            count++;
        }
    }
    if (count > WAKE_STRANGERS_MAX) {
        peer_close(oldest);
    }
}

/* TND_WAIT when nobody is left to accept. */
static int accept_one(tnd_wake* wake)
{
    wake_peer* peer = tnd_calloc(1, sizeof(*peer));
    if (!peer) {
        return -ENOMEM;
    }
    tnd_io_init(&peer->io, wake->loop, on_peer, peer);
    int error = tnd_io_accept(&wake->listener, &peer->io);
    if (error != 0) {
        tnd_free(peer);
        return error;
    }
    peer->wake = wake;
    peer->next = wake->peers;
    peer->link = &wake->peers;
    if (peer->next) {
        peer->next->link = &peer->next;
    }
    wake->peers = peer;
    wake->peers_count++;
    proof_init(wake, &peer->io, wake->slot, wake->slot_nonce, TND_WAKE_FOLLOWER, &peer->proof);
    if (wake->peers_count > wake->peers_max || tnd_io_watch(&peer->io, TND_IO_READ) != 0) {
        peer_close(peer);
    } else if (is_stranger(&peer->proof)) {
        strangers_limit(wake);
    } else {
        peer_greet(peer);
    }
    return 0;
}

static void on_listener(tnd_io* io, unsigned events)
{
    (void)events;
    tnd_wake* wake = io->udata;
    for (int i = 0; i < WAKE_ACCEPTS_MAX; i++) {
        int error = accept_one(wake);
        if (error == TND_WAIT) {
            return;
        }
        if (error != 0 && error != -ECONNABORTED && error != -EINTR) {
            /* Out of descriptors or memory, or worse. Left in the backlog until tnd_wake_resume:
             * who waits there has its timer. */
            (void)tnd_io_watch(&wake->listener, 0);
            return;
        }
    }
    tnd_io_again(io, TND_IO_READ);
}

int tnd_wake_listen(tnd_wake* wake, uint32_t slot, uint64_t slot_nonce)
{
    struct sockaddr_un addr;
    socklen_t len = tnd_wake_address(wake->nonce, slot, slot_nonce, &addr);
    wake->slot = slot;
    wake->slot_nonce = slot_nonce;
    tnd_io_init(&wake->listener, wake->loop, on_listener, wake);
    int error = wake->loop->ops->listen(wake->loop, &wake->listener, (struct sockaddr*)&addr, len,
                                        WAKE_BACKLOG);
    if (error == 0) {
        error = tnd_io_watch(&wake->listener, TND_IO_READ);
    }
    if (error != 0) {
        tnd_io_close(&wake->listener);
    }
    return error;
}

void tnd_wake_tell(tnd_wake* wake)
{
    for (wake_peer* peer = wake->peers; peer; peer = peer->next) {
        peer_tell(peer);
    }
}

void tnd_wake_resume(tnd_wake* wake)
{
    if (wake->listener.is_open && wake->listener.mask == 0) {
        (void)tnd_io_watch(&wake->listener, TND_IO_READ);
    }
}

void tnd_wake_release(tnd_wake* wake)
{
    while (wake->peers) {
        peer_close(wake->peers);
    }
}

bool tnd_wake_has_lost(const tnd_wake* wake, uint32_t slot, uint64_t slot_nonce)
{
    return wake->lost_slot == slot && wake->lost_nonce == slot_nonce;
}

bool tnd_wake_is_linked(const tnd_wake* wake)
{
    return wake->owner.is_open;
}

/* ---- as a follower: the owner --------------------------------------------------------------- */

static void link_lost(tnd_wake* wake)
{
    tnd_io_close(&wake->owner);
    wake->lost_slot = wake->owner_slot;
    wake->lost_nonce = wake->owner_nonce;
    wake->owner_nonce = 0;
    tnd_task_soon(&wake->lost);
}

static void on_lost(tnd_task* task)
{
    tnd_wake* wake = task->udata;
    wake->handler->on_owner_lost(wake->udata);
}

static void owner_greet(tnd_wake* wake)
{
    proof_init(wake, &wake->owner, wake->owner_slot, wake->owner_nonce, TND_WAKE_OWNER,
               &wake->owner_proof);
    proof_say(wake, &wake->owner, wake->owner_slot, wake->owner_nonce, TND_WAKE_FOLLOWER,
              wake->must_ask ? 'T' : 0);
    wake->is_greeted = true;
}

static void on_owner(tnd_io* io, unsigned events)
{
    tnd_wake* wake = io->udata;
    if (events & TND_IO_WRITE) {
        int error = tnd_io_connect_result(io);
        if (error == TND_WAIT) {
            return;
        }
        if (error != 0 || tnd_io_watch(io, TND_IO_READ) != 0) {
            link_lost(wake);
            return;
        }
        owner_greet(wake);
    }
    uint8_t bytes[WAKE_READ_BYTES];
    bool has_news = false;
    for (int i = 0; i < WAKE_READS_MAX; i++) {
        ssize_t count = tnd_io_read(io, bytes, sizeof(bytes));
        if (count == TND_WAIT) {
            goto done;
        }
        size_t rest;
        if (count <= 0 || !proof_take(&wake->owner_proof, bytes, (size_t)count, &rest)) {
            link_lost(wake);
            goto done;
        }
        has_news = has_news || rest > 0;
    }
    tnd_io_again(io, TND_IO_READ);
done:
    if (has_news) {
        wake->handler->on_news(wake->udata);
    }
}

void tnd_wake_link(tnd_wake* wake, uint32_t slot, uint64_t slot_nonce)
{
    if (wake->owner_nonce == slot_nonce && wake->owner_slot == slot && wake->owner.is_open) {
        return;
    }
    tnd_wake_unlink(wake);
    struct sockaddr_un addr;
    socklen_t len = tnd_wake_address(wake->nonce, slot, slot_nonce, &addr);
    wake->is_greeted = wake->must_ask = false;
    tnd_io_init(&wake->owner, wake->loop, on_owner, wake);
    wake->owner_slot = slot;
    wake->owner_nonce = slot_nonce;
    if (tnd_io_connect(&wake->owner, (struct sockaddr*)&addr, len) != 0 ||
        tnd_io_watch(&wake->owner, TND_IO_READ | TND_IO_WRITE) != 0) {
        link_lost(wake);
    }
}

void tnd_wake_unlink(tnd_wake* wake)
{
    tnd_task_cancel(&wake->lost);
    tnd_io_close(&wake->owner);
    wake->owner_nonce = 0;
}

void tnd_wake_ask(tnd_wake* wake)
{
    wake->must_ask = true;
    if (wake->owner.is_open && wake->is_greeted) {
        char byte = 'T';
        struct iovec iov = {.iov_base = &byte, .iov_len = 1};
        /* Full: the owner's own timer takes the request. */
        (void)tnd_io_writev(&wake->owner, &iov, 1);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

tnd_wake* tnd_wake_new(tnd_loop* loop, uint64_t nonce, uint32_t uid, uint32_t segment_uid,
                       uint32_t peers_max, const tnd_wake_handler* handler, void* udata)
{
    tnd_wake* wake = tnd_calloc(1, sizeof(*wake));
    if (!wake) {
        return NULL;
    }
    wake->loop = loop;
    wake->nonce = nonce;
    wake->uid = uid;
    wake->segment_uid = segment_uid;
    wake->peers_max = peers_max;
    wake->handler = handler;
    wake->udata = udata;
    tnd_task_init(&wake->lost, loop, on_lost, wake);
    return wake;
}

void tnd_wake_free(tnd_wake* wake)
{
    if (!wake) {
        return;
    }
    tnd_wake_release(wake);
    tnd_wake_unlink(wake);
    tnd_io_close(&wake->listener);
    tnd_free(wake);
}
