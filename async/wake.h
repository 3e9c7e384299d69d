/*
 * Wake-up sockets between the workers of one host: the news of an owner's death, within the time
 * the kernel needs to close a dead process's descriptors.
 *
 * Each worker listens on an abstract unix socket of its own, whose name follows from the segment's
 * random nonce, its slot and its slot's nonce, and from which nobody learns them. A follower holds
 * one connection to the owner: end of file means "look who owns", one byte towards the owner means
 * "take the tend requests". Hints only: nothing that comes over these sockets is believed, the
 * segment is the truth. Where processes share no network namespace the connection is refused and
 * the worker's timer does the work.
 */
#pragma once

#include <sys/un.h>

#include <tendril/loop.h>

typedef struct tnd_wake tnd_wake;

/* What follows from the nonces of the segment and of a slot: the name of the slot's socket, and
 * what followers and the owner say first to each other, in host byte order. */
#define TND_WAKE_PROOF_BYTES 8

typedef enum tnd_wake_use {
    TND_WAKE_NAME,
    TND_WAKE_FOLLOWER,
    TND_WAKE_OWNER
} tnd_wake_use;

void tnd_wake_secret(uint64_t nonce, uint32_t slot, uint64_t slot_nonce, tnd_wake_use use,
                     uint8_t ret_bytes[TND_WAKE_PROOF_BYTES]);

socklen_t tnd_wake_address(uint64_t nonce, uint32_t slot, uint64_t slot_nonce,
                           struct sockaddr_un* ret_addr);

typedef struct tnd_wake_handler {
    /* The connection to the owner broke or was refused, or the owner gave the role up. From the
     * loop. */
    void (*on_owner_lost)(void* udata);
    /* The owner has published another directory. From the loop. */
    void (*on_news)(void* udata);
    /* Some follower left a request for us. From the loop. */
    void (*on_asked)(void* udata);
} tnd_wake_handler;

/* NULL when out of memory. `nonce` is the segment's; peers of `uid`, `segment_uid` and root are
 * listened to, others when they have proved that they may read the segment; at most `peers_max`
 * followers are held. */
tnd_wake* tnd_wake_new(tnd_loop* loop, uint64_t nonce, uint32_t uid, uint32_t segment_uid,
                       uint32_t peers_max, const tnd_wake_handler* handler, void* udata);

/* Listen under (slot, slot nonce). 0 or -errno; without it followers fall back on their timers. */
int tnd_wake_listen(tnd_wake* wake, uint32_t slot, uint64_t slot_nonce);

/* Hold a connection to this owner; nothing when it is held already. */
void tnd_wake_link(tnd_wake* wake, uint32_t slot, uint64_t slot_nonce);
void tnd_wake_unlink(tnd_wake* wake);

/* A request lies in the segment: have the owner take it. */
void tnd_wake_ask(tnd_wake* wake);

/* The directory changed: have the followers look. */
void tnd_wake_tell(tnd_wake* wake);

/* We don't own any more: close all followers' connections, which is how they learn it. */
void tnd_wake_release(tnd_wake* wake);

/* Called now and then: accept again after descriptors had run out. */
void tnd_wake_resume(tnd_wake* wake);

/* Was it this owner's link that was lost last? Then it isn't to be tried again at once. */
bool tnd_wake_has_lost(const tnd_wake* wake, uint32_t slot, uint64_t slot_nonce);

/* Is there a connection to an owner, or one under way? */
bool tnd_wake_is_linked(const tnd_wake* wake);

void tnd_wake_free(tnd_wake* wake);
