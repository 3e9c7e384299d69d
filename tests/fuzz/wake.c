/*
 * Wake-up sockets. The input is a script of what followers, an owner and this worker do; bytes of
 * it go over the sockets. Promises: handlers are called for what came and for nothing after the
 * end; no more peers are held than allowed, strangers none; nothing is left.
 */
#include "async/wake.h"

#include <string.h>
#include <sys/un.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/script.h"
#include "tests/sim/net.h"

enum {
    PEERS = 6,
    PEERS_MAX = 3, /* that our side holds */
    UID = 1000,
    STEPS_MAX = 64
};

#define NONCE 0x1122334455667788ULL
#define SLOT_NONCE 0x99aabbULL

static struct {
    sim_world* world;
    tnd_loop* loop;  /* of the worker under test */
    tnd_loop* other; /* of another user */
    tnd_wake* wake;
    sim_peer* followers[PEERS];
    sim_peer* owner; /* our link as the owner sees it */
    tnd_io stranger;
    unsigned lost, news, asked;
    bool is_over;
} bed;

static void on_lost(void* udata)
{
    must(udata == &bed && !bed.is_over);
    bed.lost++;
}

static void on_news(void* udata)
{
    must(udata == &bed && !bed.is_over);
    bed.news++;
}

static void on_asked(void* udata)
{
    must(udata == &bed && !bed.is_over);
    bed.asked++;
}

static const tnd_wake_handler wake_handler = {
    .on_owner_lost = on_lost,
    .on_news = on_news,
    .on_asked = on_asked,
};

/* ---- the others ---- */

static bool is_of_proof(uint8_t byte)
{
    for (uint32_t slot = 0; slot < 16; slot++) {
        for (int use = TND_WAKE_FOLLOWER; use <= TND_WAKE_OWNER; use++) {
            uint8_t proof[TND_WAKE_PROOF_BYTES];
            tnd_wake_secret(NONCE, slot, SLOT_NONCE, (tnd_wake_use)use, proof);
            if (memchr(proof, byte, sizeof(proof))) {
                return true;
            }
        }
    }
    return false;
}

static void on_bytes(sim_peer* peer, const uint8_t* bytes, size_t size)
{
    (void)peer;
    for (size_t i = 0; i < size; i++) {
        /* All that we ever say, after our proof. */
        must(bytes[i] == 'M' || bytes[i] == 'T' || is_of_proof(bytes[i]));
    }
}

static void follower_end(sim_peer* peer, int error)
{
    (void)error;
    for (unsigned i = 0; i < PEERS; i++) {
        if (bed.followers[i] == peer) {
            bed.followers[i] = NULL;
        }
    }
    sim_peer_close(peer);
}

static void owner_open(sim_peer* peer)
{
    if (bed.owner) {
        sim_peer_close(bed.owner);
    }
    bed.owner = peer;
}

static void owner_end(sim_peer* peer, int error)
{
    (void)error;
    if (bed.owner == peer) {
        bed.owner = NULL;
    }
    sim_peer_close(peer);
}

static const sim_peer_handler follower_handler = {.on_bytes = on_bytes, .on_end = follower_end};
static const sim_peer_handler owner_handler = {.on_open = owner_open,
                                               .on_bytes = on_bytes,
                                               .on_end = owner_end};

static void on_stranger(tnd_io* io, unsigned events)
{
    uint8_t byte;
    (void)events;
    must(tnd_io_read(io, &byte, 1) <= 0); /* it is told nothing */
}

/* ---- addresses, as wake.c makes them ---- */

static socklen_t address(uint32_t slot, struct sockaddr_storage* ret)
{
    struct sockaddr_un addr;
    socklen_t size = tnd_wake_address(NONCE, slot, SLOT_NONCE, &addr);
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, &addr, size);
    return size;
}

/* ---- the script ---- */

static void follower_connect(unsigned i)
{
    struct sockaddr_storage addr;
    socklen_t size = address(0, &addr);
    if (!bed.followers[i]) {
        bed.followers[i] =
            sim_peer_connect(bed.world, (struct sockaddr*)&addr, size, &follower_handler, NULL);
    }
}

static void stranger_connect(void)
{
    struct sockaddr_storage addr;
    socklen_t size = address(0, &addr);
    tnd_io_close(&bed.stranger);
    tnd_io_init(&bed.stranger, bed.other, on_stranger, NULL);
    if (tnd_io_connect(&bed.stranger, (struct sockaddr*)&addr, size) == 0) {
        char byte = 'T';
        struct iovec iov = {.iov_base = &byte, .iov_len = 1};
        must(tnd_io_watch(&bed.stranger, TND_IO_READ) == 0);
        tnd_io_writev(&bed.stranger, &iov, 1);
    }
}

static void say(sim_peer* peer, fuzz_script* script)
{
    size_t size;
    const uint8_t* bytes = fuzz_script_bytes(script, fuzz_script_byte(script), &size);
    if (peer && size > 0) {
        sim_peer_send(peer, bytes, size);
    }
}

static void step(fuzz_script* script)
{
    uint8_t what = fuzz_script_byte(script);
    sim_peer** follower = &bed.followers[(what >> 4) % PEERS];
    switch (what & 15) {
    case 0:
        follower_connect((what >> 4) % PEERS);
        break;
    case 1:
        say(*follower, script);
        break;
    case 2:
        if (*follower) {
            sim_peer* peer = *follower;
            *follower = NULL;
            sim_peer_close(peer);
        }
        break;
    case 3:
        if (*follower) {
            sim_peer_set_paused(*follower, what & 128);
        }
        break;
    case 4:
        tnd_wake_link(bed.wake, what >> 4, SLOT_NONCE); /* somebody listens as slot 1 */
        break;
    case 5:
        tnd_wake_unlink(bed.wake);
        break;
    case 6:
        say(bed.owner, script);
        break;
    case 7:
        if (bed.owner) {
            owner_end(bed.owner, 0);
        }
        break;
    case 8:
        tnd_wake_ask(bed.wake);
        break;
    case 9:
        tnd_wake_tell(bed.wake);
        break;
    case 10:
        tnd_wake_release(bed.wake);
        break;
    case 11:
        tnd_wake_resume(bed.wake);
        break;
    case 12:
        sim_loop_faults(bed.loop)->fds_max = what >> 4;
        break;
    case 13:
        stranger_connect();
        break;
    default:
        sim_world_run_for(bed.world, what >> 4);
        break;
    }
}

static void bed_init(void)
{
    struct sockaddr_storage addr;
    memset(&bed, 0, sizeof(bed));
    bed.world = sim_world_new(1);
    bed.loop = sim_loop_new(bed.world, "worker");
    sim_loop_set_user(bed.loop, UID, UID);
    bed.other = sim_loop_new(bed.world, "stranger");
    sim_loop_set_user(bed.other, UID + 1, UID + 1);
    bed.wake = tnd_wake_new(bed.loop, NONCE, UID, UID, PEERS_MAX, &wake_handler, &bed);
    must(bed.wake && tnd_wake_listen(bed.wake, 0, SLOT_NONCE) == 0);
    socklen_t size = address(1, &addr);
    must(sim_listen(bed.world, (struct sockaddr*)&addr, size, &owner_handler, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    fuzz_script script = {.at = data, .left = size};
    bed_init();
    for (int i = 0; i < STEPS_MAX && !fuzz_script_is_over(&script); i++) {
        step(&script);
        sim_world_run_for(bed.world, 20);
        must(sim_loop_used(bed.loop).fds_count <= 2 + PEERS_MAX);
    }
    sim_world_run_for(bed.world, 1000000);
    bed.is_over = true;
    tnd_wake_free(bed.wake);
    tnd_io_close(&bed.stranger);
    sim_loop_usage left = sim_loop_used(bed.loop);
    must(left.fds_count == 0 && left.tasks_count == 0);
    sim_world_run_for(bed.world, 1000);
    sim_world_free(bed.world);
    return 0;
}
