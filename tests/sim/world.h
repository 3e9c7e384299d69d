/*
 * A whole host of workers against a cluster, from one seed: the real core, shm and async code under
 * faults, checked at every step.
 *
 *     SAFETY      faults of the kinds that the seed enables, commands all the time
 *     SETTLING    faults have stopped; the cluster comes to rest
 *     CONVERGING  every map must equal the cluster's within WORLD_CONVERGE_PERIODS
 *     PROBING     commands must succeed, records must be what the model says
 *     CLOSING     every process closes, nothing may be left
 *
 *     world.c          the phases, and what the seed decides
 *     world_process.c  processes: start, close, kill, stop, the end of each
 *     world_load.c     their commands, and what a command's end must look like
 *     world_batch.c    the same for batches
 *     world_model.c    what the records were, when
 *     world_fault*.c   faults
 *     world_check.c    what must hold at each step, and when the faults have stopped
 *     world_main.c     options, regression seeds, summary
 *
 * A process that is killed runs its present callback to the end as a ghost: it has a private copy
 * of the segment and a dead loop, so nobody sees what it does. Afterwards it is torn down like any
 * other, so that a leak is a leak of the library. What it had under way is in doubt.
 */
#ifndef TENDRIL_TESTS_SIM_WORLD_H
#define TENDRIL_TESTS_SIM_WORLD_H

#include "async/client.h"
#include "shm/points.h"
#include "tests/sim/cluster.h"
#include "tests/sim/shm.h"

#define MS 1000ull
#define SECOND 1000000ull

#define WORLD_SLOTS_MAX 6
#define WORLD_NODES_MAX 12u /* indexes of the mini cluster in use at once */
#define WORLD_SPACES 2
#define WORLD_KEYS_MAX 48
#define WORLD_KEY 0x7d000002
#define WORLD_SHM_NAMESPACES 4u
#define WORLD_SEED_NODES 3u /* the nodes that processes know by configuration */
#define WORLD_PORT 3000u

/* Once faults have stopped and the cluster is at rest: tend periods until all maps are its own.
 * Where the table of nodes is full of nodes that have just gone, their quarantine comes on top. */
#define WORLD_CONVERGE_PERIODS 20u
#define WORLD_CONVERGE_FULL_US (10 * SECOND)
#define WORLD_SHM_NODES_FEW 16u

typedef struct world world;
typedef struct process process;
typedef struct command command;

#define WORLD_FAULTS(X)                                                                            \
    X(NODE_KILL, "node killed")                                                                    \
    X(NODE_RESTART, "node restarted, empty map")                                                   \
    X(NODE_RENAME, "node restarted, other id")                                                     \
    X(NODE_MOVE, "node restarted, other port")                                                     \
    X(NODE_ADD, "node added")                                                                      \
    X(NODE_REMOVE, "node removed")                                                                 \
    X(MIGRATE, "rebalancing")                                                                      \
    X(FREEZE, "rebalancing frozen")                                                                \
    X(NODE_CUT, "cluster split")                                                                   \
    X(NODE_STOP, "node stopped")                                                                   \
    X(NODE_DROP, "node in a black hole")                                                           \
    X(NODE_REFUSE, "node refuses")                                                                 \
    X(NODE_SLOW, "slow answers")                                                                   \
    X(NODE_SPLIT, "answers byte by byte")                                                          \
    X(ANSWER, "result codes")                                                                      \
    X(ANSWER_INFO, "errors to the tender")                                                         \
    X(GARBAGE, "malformed answers")                                                                \
    X(GARBAGE_INFO, "malformed answers to the tender")                                             \
    X(OTHER, "another command's answer")                                                           \
    X(OTHER_INFO, "another answer to the tender")                                                  \
    X(MUTE, "requests never answered")                                                             \
    X(MUTE_INFO, "the tender never answered")                                                      \
    X(ENDING, "ends in the place of answers")                                                      \
    X(ENDING_ALL, "all connections of a node ended")                                               \
    X(LATENCY, "latency of a path")                                                                \
    X(PATH_HOLE, "path in a black hole")                                                           \
    X(PATH_REFUSE, "path refuses")                                                                 \
    X(PATH_SPLIT, "path cuts packets")                                                             \
    X(SWIZZLE, "swizzle-clog")                                                                     \
    X(PROCESS_KILL, "worker killed")                                                               \
    X(POINT_KILL, "worker killed at a store")                                                      \
    X(PROCESS_STOP, "worker stopped")                                                              \
    X(POINT_STOP, "worker stopped at a store")                                                     \
    X(PROCESS_CLOSE, "worker closed")                                                              \
    X(PROCESS_DRAIN, "worker drained, closed")                                                     \
    X(PROCESS_END, "worker's loop ended")                                                          \
    X(PROCESS_LATE, "worker's loop late")                                                          \
    X(PROCESS_SHORT, "short reads and writes")                                                     \
    X(PROCESS_FDS, "worker out of descriptors")                                                    \
    X(SEGMENT_REMOVE, "segment removed")                                                           \
    X(SEGMENT_REFUSE, "segments refused")                                                          \
    X(MEMORY, "allocation failed")                                                                 \
    X(WALL_CLOCK, "wall clock set")                                                                \
    X(NAMES, "names fail or hang")

typedef enum world_fault {
#define WORLD_FAULT_ENUM(name, text) FAULT_##name,
    WORLD_FAULTS(WORLD_FAULT_ENUM)
#undef WORLD_FAULT_ENUM
    FAULT_COUNT
} world_fault;

const char* world_fault_text(world_fault fault);

/* ---- figures, summed over seeds ---- */

#define WORLD_CODE_MIN (-32) /* of as_status, in `results` */
#define WORLD_CODES 320

typedef struct world_stats {
    uint64_t seeds;
    uint64_t virtual_us;
    uint64_t steps;
    uint64_t faults[FAULT_COUNT];
    uint64_t results[WORLD_CODES];
    uint64_t in_doubt;
    uint64_t doubts_applied; /* of these, those that had been applied */
    uint64_t refused;        /* not accepted */
    uint64_t lost;           /* under way when their process was killed */
    uint64_t reads_checked;
    uint64_t writes_seen;             /* applied by the cluster */
    uint64_t lives;                   /* of processes */
    uint64_t takeovers;               /* terms seen */
    uint64_t points[TND_POINT_COUNT]; /* deaths and stops at each */
    uint64_t converged;               /* worlds */
    uint64_t converge_permille_sum;   /* of a period */
    uint64_t converge_permille_max;
    uint64_t late_us_max;    /* end of a command beyond its limit, within tolerance */
    uint64_t vacancy_us_max; /* from an owner's end to its successor */
    uint64_t hash;           /* of the last world's trace */
} world_stats;

/* ---- processes ---- */

typedef enum process_state {
    PROCESS_STARTING, /* not connected yet, perhaps not for the first time */
    PROCESS_OPEN,
    PROCESS_CLOSING, /* until the listener of close */
    PROCESS_CLOSED,  /* to be swept */
    PROCESS_DEAD,    /* killed, to be swept */
    PROCESS_GONE,    /* swept */
} process_state;

struct process {
    world* w;
    process* next; /* of all that ever lived */
    unsigned slot;
    uint32_t uid;
    char name[24];
    process_state state;
    tnd_loop* loop;
    sim_shm_process* shm;
    tnd_events* events;
    aerospike as;
    tnd_timer pulse; /* the program's own: what it does, it does there */
    uint64_t retry_us;
    bool must_close;
    bool must_drain;
    bool is_ending;        /* the world ends its loop: listeners come from outside of it */
    uint64_t close_us;     /* when it was asked to close */
    uint64_t stop_us;      /* stopped since; 0: isn't */
    uint64_t stopped_us;   /* all stops before */
    uint64_t late_us_max;  /* how late its loop has ever been made */
    unsigned open_count;   /* accepted commands without an end */
    unsigned batch_count;  /* of these, batches: the client has several commands for each */
    uint64_t dir_version;  /* of its map's copy, as it was checked last */
    uint64_t behind_us;    /* since when its copy isn't the published one; 0: it is */
    uint64_t candidate_us; /* since when it could tend; 0: it couldn't */
};

/* A new process in a slot that has none. */
process* process_start(world* w, unsigned slot);
void process_kill(process* p);
void process_stop(process* p, uint64_t for_us);
void process_continue(process* p);
/* From outside: its program ends the loop, with whatever is under way. */
void process_end(process* p);
/* After each step: what was killed or closed is torn down. */
void process_sweep(world* w);
bool process_is_alive(const process* p);   /* not dead, not closed */
bool process_is_running(const process* p); /* alive, and not stopped */
process* process_of_loop(const world* w, const tnd_loop* loop);
/* The client's engine while it is open, else NULL. */
tnd_engine* process_engine(const process* p);
/* How long it has been stopped in its life. */
uint64_t process_stopped_us(const process* p);
void process_on_point(world* w, tnd_point point);
const char* process_state_name(process_state state);

/* ---- commands ---- */

typedef enum command_kind {
    COMMAND_GET,
    COMMAND_SELECT,
    COMMAND_EXISTS,
    COMMAND_PUT,
    COMMAND_REMOVE,
    COMMAND_OPERATE, /* counts, and reads what it counted to */
    COMMAND_BATCH,   /* as a whole */
} command_kind;

struct command {
    process* p;
    command* next; /* in flight */
    command* prev;
    command* next_remove; /* of the record's */
    uint64_t id;          /* the value that a put writes */
    command_kind kind;
    unsigned space, key;
    uint32_t payload;    /* bytes that a put writes */
    bool is_create;      /* put: must not exist */
    bool is_update;      /* put: must exist */
    uint32_t generation; /* expected; 0: any */
    bool is_probe;       /* must succeed */
    bool is_of_batch;    /* a row, or the batch as a whole */
    bool is_submitting;
    bool is_accepted;
    unsigned calls;
    bool is_ended; /* with an end that was told */
    bool is_in_doubt;
    int code;
    uint32_t attempts_max;
    uint64_t submit_us, end_us;
    uint64_t limit_us;   /* it must have ended by then, but for tolerance; UINT64_MAX: unbounded */
    uint64_t stopped_us; /* of its process, at submission */
    unsigned applied_count;
    uint64_t applied_us; /* first */
    uint64_t counted;    /* operate: to what */
};

static inline bool command_is_put(const command* c)
{
    return c->kind == COMMAND_PUT || c->kind == COMMAND_OPERATE;
}

/* One command of a random kind. */
void load_submit(process* p);
/* A batch of random rows. */
void batch_submit(process* p);

/* For world_batch.c: a command that isn't accepted yet; accepted; the checks of its end (false: the
 * end of a ghost's); its policy and limit; a record that was read; does any fault explain its code?
 */
command* load_new(process* p);
void load_open(command* c);
bool load_end(command* c, const as_error* err);
void load_choose_base(command* c, as_policy_base* base);
void load_choose_limit(command* c, const as_policy_base* base);
void load_check_record(command* c, const as_record* record);
bool load_explains(const command* c);

/* One that must succeed: a read of this record, or a write. */
void load_probe(process* p, unsigned space, unsigned key, bool is_write);
/* Nobody waits longer than he may. */
void load_check_limits(world* w);
unsigned load_open_count(const world* w);
/* Commands without a limit get one. */
void load_bound(world* w, uint64_t limit_us);
command* load_find(const world* w, uint64_t id);
uint64_t load_tolerance_us(const command* c);

/* ---- the records ---- */

typedef struct model_version {
    uint64_t value;      /* the command that wrote it; 0: absent */
    uint64_t count;      /* of operates since it was new */
    uint64_t payload_id; /* the put whose payload it has; 0: none */
    uint32_t generation;
    uint64_t from_us, to_us; /* to_us UINT64_MAX: present */
    uint64_t expires_us;
} model_version;

typedef struct model_record {
    uint8_t digest[20];
    int pid;
    command* removes; /* that may still be applied */
    model_version* versions;
    size_t count, capacity;
} model_record;

void model_init(world* w);
void model_done(world* w);
/* A remove is about to be submitted. */
void model_add_remove(command* c);
/* Observer of the mini cluster. */
void model_on_change(void* udata, const mc_change* change);
/* The ends of commands; each fails the world if the end can't be true. */
/* Returns the version that was read. */
const model_version* model_check_read(command* c, uint64_t value, uint32_t generation);
void model_check_header(command* c, uint32_t generation);
void model_check_absent(command* c);
void model_check_write(command* c);
void model_check_count(command* c, uint64_t count);
const model_version* model_present(const world* w, unsigned space, unsigned key);

/* ---- faults ---- */

typedef struct node_state {
    bool is_used;
    bool is_dead;
    bool is_cut;
} node_state;

void fault_init(world* w);
/* One fault of a kind that is enabled, then the next in a while. */
void fault_start(world* w);
/* Everything works again: the end of the safety phase. */
void fault_heal(world* w);
bool world_control(world* w, const char* format, ...) __attribute__((format(printf, 2, 3)));

/* ---- checks ---- */

#define CHECK_OWNERS_MAX 4096

typedef struct segment_watch {
    void* base; /* what is watched; NULL: none */
    int id;
    uint32_t term;
    uint32_t tables_count;  /* that the directory names */
    uint32_t stamped_term;  /* its owner is through with stamping... */
    uint32_t stamped_count; /* ...so many tables: no lower term may come there any more */
    uint32_t take_count;    /* tables_count at the last takeover */
    tnd_seg_table* tables;  /* as they were */
    uint64_t selector;
    const process* owners[CHECK_OWNERS_MAX]; /* by term */
    uint64_t hashes[256];                    /* of directories, by generation mod 256 */
    uint64_t hash_selectors[256];
} segment_watch;

void check_init(world* w);
void check_done(world* w);
void check_step(world* w);
/* Every so often: pools, limits. */
void check_often(world* w);
/* Are all processes open, with the cluster's own map? If not, why. */
bool check_converged(world* w, char* ret_why, size_t size);
void check_process_left(const process* p);

/* ---- the world ---- */

typedef enum world_phase {
    WORLD_SAFETY,
    WORLD_SETTLING,
    WORLD_CONVERGING,
    WORLD_PROBING,
    WORLD_CLOSING,
} world_phase;

typedef struct world_options {
    bool is_traced; /* every event, to stderr */
    bool is_told;   /* what the world does, to stderr */
} world_options;

typedef enum arm_action {
    ARM_NONE,
    ARM_KILL,
    ARM_STOP
} arm_action;

typedef struct world_arm {
    arm_action action;
    tnd_point point;
    uint64_t countdown;
    uint64_t stop_us;
} world_arm;

typedef struct later later;

struct world {
    uint64_t seed;
    world_options options;
    world_stats* stats;
    sim_world* sim;
    sim_shm* shm;
    sim_cluster* cluster;
    world_phase phase;

    /* What the seed decides. */
    unsigned slots_count;
    unsigned nodes_count; /* at first */
    unsigned keys_count;
    bool use_shm;
    unsigned users_count; /* whose processes share the segment */
    bool has_names;
    bool fail_if_not_connected;
    uint32_t shm_nodes; /* room in the map: few, or enough for all that come and go */
    uint32_t interval_ms;
    uint32_t threshold_sec;
    uint32_t conn_timeout_ms;
    uint32_t links_max;
    int running_max; /* commands at once, as_policy_event; 0: any */
    uint32_t queued_max;
    uint32_t share_links; /* see as_config.h */
    uint32_t share_depth;
    uint32_t socket_idle_sec;
    uint64_t pulse_us;     /* mean pause between two acts of a process */
    uint64_t fault_gap_us; /* mean pause between two faults */
    uint64_t safety_us;
    bool is_enabled[FAULT_COUNT];
    bool is_restarting; /* slots that fall empty are filled after a while */

    process* slots[WORLD_SLOTS_MAX];
    process* processes;
    unsigned processes_count;
    node_state nodes[MC_NODES_MAX];
    uint16_t port_next;
    later* laters;

    command** commands; /* by id - 1 */
    uint64_t commands_count, commands_capacity;
    command open; /* head of those in flight */
    model_record records[WORLD_SPACES][WORLD_KEYS_MAX];

    world_arm arm;
    uint64_t points; /* passed in this step, as bits */
    process* point_process;
    segment_watch watch;
    uint64_t often_us;
    uint64_t look_us;
    uint64_t untended_us;   /* since when nobody who runs owns the segment; 0: somebody does */
    uint64_t untended_word; /* the owner's word then */

    char tale[64][320]; /* what happened last */
    unsigned tale_count;
};

/* Runs a whole world. Ends the process with status 1 when a check fails. */
void world_run(uint64_t seed, const world_options* options, world_stats* stats);

uint64_t world_now_us(const world* w);
uint64_t world_below(world* w, uint64_t limit);
bool world_chance(world* w, unsigned percent);
uint64_t world_between(world* w, uint64_t low, uint64_t high);

/* A line of the world's tale. */
void world_tell(world* w, const char* format, ...) __attribute__((format(printf, 2, 3)));

/* A check failed: says what, when, and how to replay it; doesn't return. */
void world_fail(world* w, const char* format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* Calls `fn` once in `delay_us`, from no loop. */
void world_later(world* w, uint64_t delay_us, void (*fn)(world* w, uint64_t a, uint64_t b),
                 uint64_t a, uint64_t b);

const char* world_space_name(unsigned space);

#endif
