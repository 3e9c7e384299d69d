/*
 * Worlds from seeds: regression seeds, fresh ones, one that is replayed. See --help.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/prng.h"
#include "tests/sim/world.h"

/* Seconds of processor time that one world may take before it counts as hung. */
#define HANG_SEC 200

typedef struct regression {
    uint64_t seed;
    const char* found;
} regression;

/* Seeds that found something, each with what it found. What a seed does changes with the code, so
 * that one that is old is no more than another seed: the tests beside the code keep what it found.
 */
static const regression regressions[] = {
    {19998949, "a worker that ran out of memory left its map untended for five seconds"},
    {56286801, "rows of a batch that was aborted when they had been sent weren't in doubt"},
    {494113815, "rows behind an error that a batch repeats were repeated, and not in doubt"},
    {221965412, "a batch waited on after an empty frame, and took the next one's answer"},
    {615022892, "a pool without memory for another map's nodes trimmed those it didn't have"},
    {0, NULL},
};

typedef struct arguments {
    bool has_seed;
    uint64_t seed;    /* this one alone */
    bool is_repeated; /* twice, and the same must happen */
    bool has_from;
    uint64_t from; /* fresh seeds are derived from it */
    uint64_t seeds_max;
    uint64_t seconds;
    bool has_regressions;
    world_options options;
} arguments;

static const char usage[] =
    "usage: sim_world [OPTION...]\n"
    "\n"
    "  --seed N         run this world alone, in this process\n"
    "  --repeat         with --seed: run it twice; both must do the same\n"
    "  --regressions    run the seeds that once found something\n"
    "  --seeds N        then up to N fresh worlds\n"
    "  --seconds S      then fresh worlds for S seconds of real time; the environment's\n"
    "                   SIM_SECONDS is used instead if it is less\n"
    "  --from N         derive the fresh seeds from N instead of the clock\n"
    "  --tell           say what the world does\n"
    "  --trace          say everything\n";

/* ---- real time ---- */

static double now_sec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- summary ---- */

static void print_results(const world_stats* stats)
{
    printf("commands by result:");
    for (int i = 0; i < WORLD_CODES; i++) {
        if (stats->results[i]) {
            printf(" %d:%llu", i + WORLD_CODE_MIN, (unsigned long long)stats->results[i]);
        }
    }
    printf("; %llu in doubt (%llu of them applied), %llu refused, %llu lost with their process\n",
           (unsigned long long)stats->in_doubt, (unsigned long long)stats->doubts_applied,
           (unsigned long long)stats->refused, (unsigned long long)stats->lost);
    printf("checked: %llu reads against the record, %llu writes applied; latest end %llu us after "
           "its limit\n",
           (unsigned long long)stats->reads_checked, (unsigned long long)stats->writes_seen,
           (unsigned long long)stats->late_us_max);
    printf("a segment was without an owner for %llu ms at most while somebody could have tended\n",
           (unsigned long long)(stats->vacancy_us_max / 1000));
}

static void print_faults(const world_stats* stats)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        all += stats->faults[i];
    }
    printf("faults: %llu;", (unsigned long long)all);
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        printf(" %s %llu%s", world_fault_text(i), (unsigned long long)stats->faults[i],
               i + 1 < FAULT_COUNT ? "," : "\n");
    }
    printf("stops and deaths at stores:");
    for (unsigned i = 0; i < TND_POINT_COUNT; i++) {
        if (stats->points[i]) {
            printf(" %s %llu", tnd_point_name(i), (unsigned long long)stats->points[i]);
        }
    }
    printf("\n");
}

static void print_summary(const world_stats* stats, double seconds)
{
    double hours = (double)stats->virtual_us / 3600e6;
    print_faults(stats);
    print_results(stats);
    if (stats->converged > 0) {
        printf("converged after %.1f tend periods in the mean, %.1f at most (%u allowed)\n",
               (double)stats->converge_permille_sum / 1000.0 / (double)stats->converged,
               (double)stats->converge_permille_max / 1000.0, WORLD_CONVERGE_PERIODS);
    }
    printf("%llu seeds in %.1f s: %.1f seeds per second; %.2f simulated hours, %.2f per real "
           "minute; %llu processes, %llu takeovers, %llu steps\n",
           (unsigned long long)stats->seeds, seconds, (double)stats->seeds / seconds, hours,
           hours / seconds * 60, (unsigned long long)stats->lives,
           (unsigned long long)stats->takeovers, (unsigned long long)stats->steps);
}

/* ---- one world ---- */

/* In a child, so that a crash is that world's alone. */
static bool run_forked(uint64_t seed, const world_options* options, world_stats* stats)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        return false;
    }
    if (pid == 0) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){.rlim_cur = HANG_SEC, .rlim_max = HANG_SEC + 5});
        world_run(seed, options, stats);
        _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0) {}
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "FAILED seed %llu: %s%s\nreplay: sim_world --seed %llu --tell\n",
                (unsigned long long)seed, strsignal(WTERMSIG(status)),
                WTERMSIG(status) == SIGXCPU ? " (it hangs)" : "", (unsigned long long)seed);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_one(const arguments* args, world_stats* stats)
{
    double start_sec = now_sec();
    world_run(args->seed, &args->options, stats);
    uint64_t hash = stats->hash;
    if (args->is_repeated) {
        world_run(args->seed, &args->options, stats);
        if (stats->hash != hash) {
            fprintf(stderr, "FAILED seed %llu: two runs differ\n", (unsigned long long)args->seed);
            return 1;
        }
    }
    print_summary(stats, now_sec() - start_sec);
    return 0;
}

static int run_many(const arguments* args, world_stats* stats)
{
    double start_sec = now_sec();
    for (size_t i = 0; args->has_regressions && regressions[i].found; i++) {
        if (!run_forked(regressions[i].seed, &args->options, stats)) {
            printf("a regression: it had found %s\n", regressions[i].found);
            return 1;
        }
    }
    prng random = {.state = args->from};
    double fresh_sec = now_sec();
    uint64_t run_count = 0;
    for (; run_count < args->seeds_max && now_sec() - fresh_sec < (double)args->seconds;
         run_count++) {
        if (!run_forked(prng_next(&random) % 1000000000, &args->options, stats)) {
            print_summary(stats, now_sec() - start_sec);
            return 1;
        }
    }
    print_summary(stats, now_sec() - start_sec);
    printf("fresh seeds: the first %llu of --from %llu\n", (unsigned long long)run_count,
           (unsigned long long)args->from);
    return 0;
}

/* ---- arguments ---- */

static bool parse(int argc, char** argv, arguments* ret_args)
{
    *ret_args = (arguments){.from = (uint64_t)time(NULL) % 1000000};
    for (int i = 1; i < argc; i++) {
        const char* name = argv[i];
        bool has_value = i + 1 < argc;
        uint64_t value = has_value ? strtoull(argv[i + 1], NULL, 0) : 0;
        if (strcmp(name, "--repeat") == 0) {
            ret_args->is_repeated = true;
        } else if (strcmp(name, "--regressions") == 0) {
            ret_args->has_regressions = true;
        } else if (strcmp(name, "--tell") == 0) {
            ret_args->options.is_told = true;
        } else if (strcmp(name, "--trace") == 0) {
            ret_args->options.is_traced = true;
        } else if (strcmp(name, "--seed") == 0 && has_value) {
            ret_args->has_seed = true;
            ret_args->seed = value;
            i++;
        } else if (strcmp(name, "--seeds") == 0 && has_value) {
            ret_args->seeds_max = value;
            i++;
        } else if (strcmp(name, "--seconds") == 0 && has_value) {
            ret_args->seconds = value;
            i++;
        } else if (strcmp(name, "--from") == 0 && has_value) {
            ret_args->from = value;
            i++;
        } else {
            return false;
        }
    }
    const char* seconds = getenv("SIM_SECONDS");
    if (seconds && strtoull(seconds, NULL, 0) < ret_args->seconds) {
        ret_args->seconds = strtoull(seconds, NULL, 0);
    }
    if (ret_args->seeds_max == 0 && ret_args->seconds > 0) {
        ret_args->seeds_max = UINT64_MAX;
    } else if (ret_args->seconds == 0) {
        ret_args->seconds = UINT64_MAX / 2;
    }
    return ret_args->has_seed || ret_args->seeds_max > 0 || ret_args->has_regressions;
}

int main(int argc, char** argv)
{
    arguments args;
    if (!parse(argc, argv, &args)) {
        fputs(usage, stderr);
        return 2;
    }
    /* Children add to it. */
    world_stats* stats =
        mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stats == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    return args.has_seed ? run_one(&args, stats) : run_many(&args, stats);
}
