/*
 * A page that the kernel wipes in a forked child (MADV_WIPEONFORK) holds a mark: a child finds it
 * gone, raises the generation that it inherited and sets the mark again. Works for every way to
 * fork. Where the kernel can't do that (before 4.14) a handler of pthread_atfork takes the mark.
 */
#include "async/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static _Atomic(atomic_uint*) fork_mark;
static atomic_uint fork_mark_unwiped; /* where there is no page to wipe */
static atomic_uint fork_generation;

static void on_fork_child(void)
{
    atomic_store(&fork_mark_unwiped, 0);
}

static void fork_prepare(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void* page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0) {
        atomic_store(&fork_mark, (atomic_uint*)page);
    } else {
        if (page != MAP_FAILED) {
            munmap(page, size);
        }
        atomic_store(&fork_mark, &fork_mark_unwiped);
        pthread_atfork(NULL, NULL, on_fork_child);
    }
}

/* The first look in a process. */
static uint32_t fork_begin(void)
{
    pthread_once(&fork_once, fork_prepare);
    if (atomic_exchange(atomic_load(&fork_mark), 1) == 0) {
        atomic_fetch_add(&fork_generation, 1);
    }
    return atomic_load_explicit(&fork_generation, memory_order_relaxed);
}

uint32_t tnd_fork_generation(void)
{
    atomic_uint* mark = atomic_load_explicit(&fork_mark, memory_order_acquire);
    bool is_marked = mark && atomic_load_explicit(mark, memory_order_relaxed) != 0;
    return is_marked ? atomic_load_explicit(&fork_generation, memory_order_relaxed) : fork_begin();
}
