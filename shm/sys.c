/*
 * shm/ on Linux: System V segments and robust process-shared mutexes.
 *
 * The kernel walks a dying thread's list of robust mutexes before it closes its descriptors, so
 * that whoever sees the end of file of a dead worker's socket can prove the death at once.
 */
#include "shm/sys.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/word.h"

#ifndef SHM_DEST
#define SHM_DEST 01000 /* linux/shm.h; glibc shows it only with __USE_MISC */
#endif

static int sys_create(void* ctx, int key, size_t size, uint32_t mode)
{
    (void)ctx;
    int id = shmget((key_t)key, size, IPC_CREAT | IPC_EXCL | (int)(mode & 0777));
    return id >= 0 ? id : -errno;
}

static int sys_find(void* ctx, int key)
{
    (void)ctx;
    int id = shmget((key_t)key, 0, 0);
    return id >= 0 ? id : -errno;
}

static void* sys_attach(void* ctx, int id, bool read_only, int* ret_error)
{
    (void)ctx;
    void* base = shmat(id, NULL, read_only ? SHM_RDONLY : 0);
    if (base == (void*)-1) {
        *ret_error = errno;
        return NULL;
    }
    /* A forked child that never uses the client must not count as attached: nobody would be the
     * last one to leave. */
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) == 0) {
        madvise(base, ds.shm_segsz, MADV_DONTFORK);
    }
    return base;
}

static void sys_detach(void* ctx, void* base)
{
    (void)ctx;
    shmdt(base);
}

static int sys_stat(void* ctx, int id, tnd_shm_stat* ret_stat)
{
    (void)ctx;
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds) != 0) {
        return -errno;
    }
    *ret_stat = (tnd_shm_stat){
        .size = ds.shm_segsz,
        .key = ds.shm_perm.__key,
        .uid = ds.shm_perm.uid,
        .mode = ds.shm_perm.mode & 0777,
        .attached = (uint32_t)ds.shm_nattch,
        .is_removed = (ds.shm_perm.mode & SHM_DEST) != 0,
    };
    return 0;
}

static int sys_remove(void* ctx, int id)
{
    (void)ctx;
    return shmctl(id, IPC_RMID, NULL) == 0 ? 0 : -errno;
}

static void sys_protect(void* ctx, void* start, size_t size, bool writable)
{
    (void)ctx;
    mprotect(start, size, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

/*
 * The life mutexes that this thread holds, each with its bytes as they were once locked. A segment
 * that somebody filled with garbage must not be able to crash us: glibc follows the list pointers
 * inside a mutex when it unlocks it, so a damaged one is put right from our own copy first. The
 * kernel keeps a list per thread, and so do we.
 */
#define SYS_HELD_MAX 64
#define SYS_ROBUST_STEPS_MAX 2048 /* as the kernel bounds its own walk */

static _Thread_local struct {
    tnd_seg_slot* slot;
    pthread_mutex_t copy;
} sys_held[SYS_HELD_MAX];
static _Thread_local pid_t sys_held_pid;

/* A forked child holds nothing, and what its parent held isn't even mapped. */
static void sys_held_check_fork(void)
{
    pid_t pid = getpid();
    if (sys_held_pid != pid) {
        sys_held_pid = pid;
        memset(sys_held, 0, sizeof(sys_held));
    }
}

static int sys_held_find(const tnd_seg_slot* slot)
{
    for (int i = 0; i < SYS_HELD_MAX; i++) {
        if (sys_held[i].slot == slot) {
            return i;
        }
    }
    return -1;
}

/* A robust, process-shared mutex of this process's own. */
static int sys_life_model(pthread_mutex_t* life)
{
    pthread_mutexattr_t attr;
    int error = pthread_mutexattr_init(&attr);
    if (error != 0) {
        return error;
    }
    error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (error == 0) {
        error = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (error == 0) {
        error = pthread_mutex_init(life, &attr);
    }
    pthread_mutexattr_destroy(&attr);
    return error;
}

#ifdef __GLIBC__
static bool sys_life_is_sane(const pthread_mutex_t* life)
{
    static int kind = -1;
    if (kind < 0) {
        pthread_mutex_t model;
        if (sys_life_model(&model) != 0) {
            return false;
        }
        kind = model.__data.__kind;
        pthread_mutex_destroy(&model);
    }
    return life->__data.__kind == kind;
}

static int sys_life_word(const pthread_mutex_t* life)
{
    return __atomic_load_n(&life->__data.__lock, __ATOMIC_ACQUIRE);
}

/* Which of ours has its list node here? -1: none. */
static int sys_held_by_node(const struct robust_list* node)
{
    for (int i = 0; i < SYS_HELD_MAX; i++) {
        if (sys_held[i].slot &&
            (const void*)node == (const void*)&sys_held[i].slot->life.__data.__list.__next) {
            return i;
        }
    }
    return -1;
}

/*
 * glibc is about to follow the links between the robust mutexes of this thread. Walk them from
 * their head, which lies in private memory, and put right what was damaged on the way: our own
 * nodes from their copies, the way back from where we came. Nodes of other mutexes are the
 * program's and trusted.
 */
static void sys_held_heal(void)
{
    struct robust_list_head* head = NULL;
    size_t size;
    if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 || !head) {
        return;
    }
    struct robust_list* at = &head->list;
    for (int steps = 0; steps < SYS_ROBUST_STEPS_MAX; steps++) {
        struct robust_list* next = (struct robust_list*)((uintptr_t)at->next & ~(uintptr_t)1);
        if (next == &head->list || !next) {
            return;
        }
        int held = sys_held_by_node(next);
        if (held >= 0) {
            pthread_mutex_t* life = &sys_held[held].slot->life;
            bool is_last = next->next == &head->list; /* the program may have left others behind */
            tnd_point_pass(TND_POINT_SLOT_MUTEX_HEAL);
            *life = sys_held[held].copy;
            life->__data.__list.__prev = (void*)at;
            if (is_last) {
                next->next = &head->list;
            }
        }
        at = next;
    }
}
#else
static bool sys_life_is_sane(const pthread_mutex_t* life)
{
    (void)life;
    return true;
}

static int sys_life_word(const pthread_mutex_t* life)
{
    return __atomic_load_n(&((const int*)(const void*)life)[1], __ATOMIC_ACQUIRE); /* musl */
}

static void sys_held_heal(void)
{
}
#endif

_Static_assert(sizeof(pthread_mutex_t) % sizeof(tnd_word) == 0, "mutexes are made word by word");

/*
 * Zeroed memory becomes a mutex, each word by a swap from zero. Makers that meet all write the
 * same, and what is made already, locked or not, stays as it is: only the words that say what kind
 * of a mutex it is aren't zero in a new one.
 */
static int sys_life_make(tnd_seg_slot* slot)
{
    pthread_mutex_t model;
    memset(&model, 0, sizeof(model));
    int error = sys_life_model(&model);
    if (error != 0) {
        return error;
    }
    for (size_t at = 0; at < sizeof(model); at += sizeof(tnd_word)) {
        uint64_t wanted;
        memcpy(&wanted, (const char*)&model + at, sizeof(wanted));
        uint64_t found = 0;
        if (wanted != 0) {
            tnd_word_swap(TND_POINT_SLOT_MUTEX_MAKE, (tnd_word*)(void*)((char*)&slot->life + at),
                          &found, wanted);
        }
    }
    pthread_mutex_destroy(&model);
    return sys_life_is_sane(&slot->life) ? 0 : EINVAL;
}

static int sys_life_lock(tnd_seg_slot* slot)
{
    tnd_point_pass(TND_POINT_SLOT_MUTEX_LOCK);
    int error = pthread_mutex_trylock(&slot->life);
    if (error == EOWNERDEAD) {
        tnd_point_pass(TND_POINT_SLOT_MUTEX_ADOPT);
        error = pthread_mutex_consistent(&slot->life);
    }
    return error;
}

static void sys_held_copy(void)
{
    for (int i = 0; i < SYS_HELD_MAX; i++) {
        if (sys_held[i].slot) {
            sys_held[i].copy = sys_held[i].slot->life;
        }
    }
}

static int sys_life_start(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    sys_held_check_fork();
    int held = sys_held_find(NULL);
    if (held < 0) {
        return EAGAIN;
    }
    sys_held_heal();
    int error = sys_life_make(slot);
    if (error == 0) {
        error = sys_life_lock(slot);
    }
    if (error == 0) {
        sys_held[held].slot = slot;
        sys_held_copy();
    }
    return error;
}

static bool sys_life_end(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    sys_held_check_fork();
    int held = sys_held_find(slot);
    if (held < 0) {
        return false;
    }
    sys_held_heal();
    tnd_point_pass(TND_POINT_SLOT_MUTEX_UNLOCK);
    pthread_mutex_unlock(&slot->life);
    sys_held[held].slot = NULL;
    sys_held_copy();
    return true;
}

bool tnd_shm_life_is_sane(const tnd_seg_slot* slot)
{
    return sys_life_is_sane(&slot->life);
}

/*
 * The kernel clears the thread id in a robust mutex's word when its holder dies, as an unlock does;
 * a load tells. Never by locking: whoever holds it holds the slot.
 */
static bool sys_life_gone(void* ctx, tnd_seg_slot* slot)
{
    (void)ctx;
    if (!sys_life_is_sane(&slot->life)) {
        return false; /* damaged: proves nothing, the heartbeat decides */
    }
    return (sys_life_word(&slot->life) & FUTEX_TID_MASK) == 0;
}

static const tnd_shm_ops sys_ops = {
    .create = sys_create,
    .find = sys_find,
    .attach = sys_attach,
    .detach = sys_detach,
    .stat = sys_stat,
    .remove = sys_remove,
    .protect = sys_protect,
    .life_start = sys_life_start,
    .life_end = sys_life_end,
    .life_gone = sys_life_gone,
};

const tnd_shm_sys tnd_shm_sys_real = {.ops = &sys_ops, .ctx = NULL};
