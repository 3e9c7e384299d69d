/*
 * Runs a fuzz target without a fuzzer: driver CORPUS [ROUNDS [SEED]].
 *
 * First every file of the corpus directory as it is and cut at every offset (a long one at some
 * hundred), then ROUNDS mutations of them. Everything follows from the seed. The input under test
 * is written to ./crash-input if the target dies; `driver ./crash-input` (a file) runs just that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/lib/bytes.h"
#include "tests/lib/sanitize.h"

enum {
    FILES_MAX = 256,
    BYTES_MAX = 64 * 1024,
    CUTS_MAX = TEST_HAS_TSAN ? 10 : 300, /* one thread: it finds nothing, slowly */
    ROUNDS_MAX = TEST_HAS_TSAN ? 50 : 1000000,
    ROUNDS_DEFAULT = 20000,
    SEED_DEFAULT = 20101
};

typedef struct corpus {
    test_bytes files[FILES_MAX];
    size_t count;
} corpus;

/* What the target is being fed: for the last words. */
static test_bytes current;

static void save_input(void)
{
    int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0) {
        ssize_t written = write(fd, current.data, current.size);
        static const char text[] = "the input is in ./crash-input\n";
        written += write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)written;
        close(fd);
    }
}

static void on_signal(int number)
{
    save_input();
    signal(number, SIG_DFL);
    raise(number);
}

/* Sanitizers end the process by themselves; where there is one it tells us. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static unsigned long long runs_count;

static void run(const void* bytes, size_t size)
{
    runs_count++;
    current = test_bytes_copy(bytes, size); /* exactly its size: reading on is seen */
    LLVMFuzzerTestOneInput(current.data, current.size);
    test_bytes_done(&current);
}

static bool corpus_add(corpus* all, const char* path)
{
    static uint8_t bytes[BYTES_MAX];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (size < 0 || all->count == FILES_MAX) {
        fprintf(stderr, "%s: %s\n", path, size < 0 ? strerror(errno) : "too many files");
        return false;
    }
    all->files[all->count++] = test_bytes_copy(bytes, (size_t)size);
    return true;
}

static int not_hidden(const struct dirent* entry)
{
    return entry->d_name[0] != '.';
}

/* In alphabetical order, so that a seed means the same everywhere. */
static bool corpus_read(corpus* all, const char* path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        return corpus_add(all, path);
    }
    struct dirent** entries = NULL;
    int count = scandir(path, &entries, not_hidden, alphasort);
    bool ok = count > 0;
    for (int i = 0; i < count; i++) {
        char name[1024];
        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        ok = ok && corpus_add(all, name);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static void run_cuts(const test_bytes* file)
{
    size_t step = 1 + file->size / CUTS_MAX;
    for (size_t size = 0; size < file->size; size += step) {
        run(file->data, size);
    }
    run(file->data, file->size);
}

/* One mutation of a random file: bytes spoilt, and in some rounds cut, cut out, or doubled. */
static void run_mutation(const corpus* all, test_prng* prng)
{
    static uint8_t bytes[2 * BYTES_MAX];
    const test_bytes* base = &all->files[test_prng_below(prng, all->count)];
    size_t size = base->size;
    memcpy(bytes, base->data ? base->data : bytes, size);
    size_t at = (size_t)test_prng_below(prng, size + 1);
    size_t length = (size_t)test_prng_below(prng, size - at + 1);
    switch (test_prng_below(prng, 6)) {
    case 0:
        size = at;
        break;
    case 1:
        memmove(bytes + at, bytes + at + length, size - at - length);
        size -= length;
        break;
    case 2:
        memmove(bytes + at + length, bytes + at, size - at);
        size += length;
        break;
    default:
        break;
    }
    test_bytes spoilt = {.data = bytes, .size = size};
    if (test_prng_below(prng, 8) > 0) {
        test_bytes_mutate(&spoilt, prng);
    }
    run(bytes, size);
}

int main(int argc, char** argv)
{
    static corpus all;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : ROUNDS_DEFAULT;
    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    test_prng prng = {.state = argc > 3 ? strtoull(argv[3], NULL, 10) : SEED_DEFAULT};
    if (argc < 2 || prng.state == 0 || !corpus_read(&all, argv[1])) {
        fprintf(stderr, "usage: %s CORPUS [ROUNDS [SEED]]\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, on_signal);
    signal(SIGSEGV, on_signal);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(save_input);
    }
    for (size_t i = 0; i < all.count; i++) {
        run_cuts(&all.files[i]);
    }
    for (unsigned long i = 0; i < rounds; i++) {
        run_mutation(&all, &prng);
    }
    printf("%llu executions: %zu files and their cuts, %lu mutations\n", runs_count, all.count,
           rounds);
    for (size_t i = 0; i < all.count; i++) {
        test_bytes_done(&all.files[i]);
    }
    return 0;
}
