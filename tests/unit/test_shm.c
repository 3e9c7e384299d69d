/*
 * The segment: creation, refusal, membership, ownership, removal; a process killed at every
 * numbered store of creation.
 */
#include "tests/unit/shm_bed.h"

/* ---- creation ------------------------------------------------------------------------------- */

static void test_create_attach_remove(void** state)
{
    (void)state;
    tnd_map a, b;
    map_open(&a);
    map_open(&b);
    assert_int_equal(a.shm_id, b.shm_id);
    assert_false(tnd_map_refresh(&a));
    assert_false(tnd_map_is_current(&a));
    tnd_member ma, mb;
    join(&ma, &a);
    join(&mb, &b);
    assert_int_not_equal(ma.slot, mb.slot);
    tnd_member_leave(&ma, true);
    tnd_map_close(&a);
    assert_true(segment_id() >= 0);
    tnd_member_leave(&mb, true);
    tnd_map_close(&b);
    assert_int_equal(segment_id(), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_two_leave_at_once(void** state)
{
    (void)state;
    tnd_map a, b;
    map_open(&a);
    map_open(&b);
    tnd_member ma, mb;
    join(&ma, &a);
    join(&mb, &b);
    /* Each sees the other still attached. */
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    assert_true(segment_id() >= 0);
    tnd_map_close(&b);
    assert_int_equal(segment_id(), -1);
}

static void expect_refusal(const tnd_map_config* config, const char* word, const char* word2)
{
    tnd_map map;
    as_error err;
    as_error_init(&err);
    assert_int_not_equal(tnd_map_open(&map, config, &err), AEROSPIKE_OK);
    if (!strstr(err.message, word) || !strstr(err.message, word2)) {
        fail_msg("'%s' lacks '%s' or '%s'", err.message, word, word2);
    }
}

static void test_refusals(void** state)
{
    (void)state;
    tnd_map map;
    map_open(&map);
    tnd_map_config config = config_make();
    config.identity = "cluster_name=other";
    expect_refusal(&config, "cluster_name=test", "cluster_name=other");
    config = config_make();
    config.nodes_capacity = 17;
    expect_refusal(&config, "shm_max_nodes 16", "17, 2, 8");
    config.nodes_capacity = 300;
    config.namespaces_capacity = 1;
    expect_refusal(&config, "shm_max_nodes 16", "shm_key");
    config = config_make();
    atomic_store(&map.header->layout, 7ULL << 32 | 0xabcdef01);
    expect_refusal(&config, "7/abcdef01", "needs 3/");
    atomic_store(&map.header->magic, 42);
    expect_refusal(&config, "another program", "ipcrm -M 0x7e");
    tnd_map_close(&map);
}

static void test_foreign_segments(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    int id = shmget(test_key, 100, IPC_CREAT | IPC_EXCL | 0600);
    assert_true(id >= 0);
    expect_refusal(&config, "another program", "100 bytes");
    segment_remove();
    /* Zeroed magic with something behind it isn't an unfinished creation of ours. */
    tnd_seg_shape shape;
    tnd_segment_shape(NODES, NAMESPACES, WORKERS, TND_ARENAS, &shape);
    id = shmget(test_key, shape.size, IPC_CREAT | IPC_EXCL | 0600);
    char* bytes = shmat(id, NULL, 0);
    bytes[100] = 1;
    expect_refusal(&config, "another program", "shm_key");
    bytes[100] = 0;
    shmdt(bytes);
    tnd_map map;
    map_open(&map); /* all zero: legal */
    tnd_map_close(&map);
}

/* A segment that others may write would let them decide where our commands go. */
static void test_writable_by_others(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    config.mode = 0666;
    tnd_map map, other;
    as_error err;
    as_error_init(&err);
    assert_int_equal(tnd_map_open(&map, &config, &err), AEROSPIKE_OK);
    config.mode = 0600;
    expect_refusal(&config, "mode 0666", "shm_mode is 0600");
    config.mode = 0644; /* others may read */
    expect_refusal(&config, "mode 0666", "shm_mode is 0644");
    config.mode = 0666;
    assert_int_equal(tnd_map_open(&other, &config, &err), AEROSPIKE_OK);
    tnd_map_close(&other);
    tnd_map_close(&map);
}

static void test_kernel_refusals(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    config.mode = 0;
    int id = shmget(test_key, 1 << 20, IPC_CREAT | IPC_EXCL | 0000);
    assert_true(id >= 0);
    if (geteuid() == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            if (setresuid(65534, 65534, 65534) != 0) {
                _exit(2);
            }
            tnd_map map;
            as_error err;
            as_error_init(&err);
            as_status status = tnd_map_open(&map, &config, &err);
            _exit(status != AEROSPIKE_OK && strstr(err.message, "another user") ? 0 : 1);
        }
        int wstatus;
        waitpid(pid, &wstatus, 0);
        assert_int_equal(wstatus, 0);
    }
}

static void child_creates(void)
{
    tnd_point_hook = die_at_countdown;
    tnd_map_config config = config_make();
    tnd_map map;
    tnd_member member;
    as_error err;
    as_error_init(&err);
    if (tnd_map_open(&map, &config, &err) != AEROSPIKE_OK ||
        tnd_member_join(&member, &map, 1, 1, 1, now_ms(), 1) != TND_JOIN_OK) {
        _exit(1);
    }
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

static void check_creation(int n)
{
    (void)n;
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    assert_true(take(&member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&member, 2, 4), TND_PUBLISH_OK);
    assert_true(tnd_map_refresh(&map));
    assert_int_equal(atomic_load(&map.header->layout), tnd_segment_layout());
    assert_int_not_equal(atomic_load(&map.header->nonce), 0);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    assert_int_equal(segment_id(), -1);
}

static void test_creation_dies_anywhere(void** state)
{
    (void)state;
    int stores = for_each_death(child_creates, check_creation);
    print_message("creation, joining and removal: %d stores\n", stores);
    assert_true(stores >= 12);
}

/* ---- ownership ------------------------------------------------------------------------------ */

static void test_owner_gives_up(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    join(&ma, &a);
    join(&mb, &b);
    assert_true(take(&ma, TND_OWNER_VACANT));
    assert_int_equal(ma.term, 1);
    tnd_owner_view view;
    tnd_owner_look(&mb, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_OTHER);
    assert_int_equal(view.slot, ma.slot);
    tnd_owner_look(&ma, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_SELF);
    assert_true(tnd_owner_release(&ma));
    assert_false(tnd_owner_release(&ma));
    assert_true(take(&mb, TND_OWNER_VACANT));
    assert_int_equal(mb.term, 2);
    assert_false(tnd_owner_beat(&ma, now_ms()));
    assert_true(tnd_owner_beat(&mb, now_ms()));
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

static void test_owner_killed(void** state)
{
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        tnd_map map;
        tnd_member member;
        map_open(&map);
        join(&member, &map);
        take(&member, TND_OWNER_VACANT);
        if (write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        pause();
        _exit(1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    tnd_owner_view view;
    tnd_owner_look(&member, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_OTHER);
    uint64_t nonce = view.nonce;
    assert_int_not_equal(nonce, 0);
    tnd_owner_look(&member, now_ms() + THRESHOLD_MS + 100, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_EXPIRED);
    /* A stamp ahead of the clock is fresh, never an enormous age; one that is far ahead is of
     * another life of the clock. */
    uint64_t stamp_ms = atomic_load(&map.slots[view.slot].heartbeat_ms);
    tnd_owner_look(&member, stamp_ms - THRESHOLD_MS, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_OTHER);
    assert_int_equal(view.age_ms, 0);
    tnd_owner_look(&member, stamp_ms - THRESHOLD_MS - 1, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_EXPIRED);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(take(&member, TND_OWNER_DEAD));
    assert_int_equal(member.term, 2);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    assert_int_equal(segment_id(), -1);
    close(ready[0]);
    close(ready[1]);
}

/* A slot that changed hands proves nothing about the owner that the word still names. */
static void test_reused_slot_is_no_owner(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    pid_t pid = fork();
    if (pid == 0) {
        tnd_map map;
        tnd_member member;
        map_open(&map);
        join(&member, &map);
        take(&member, TND_OWNER_VACANT);
        kill(getpid(), SIGKILL);
    }
    waitpid(pid, NULL, 0);
    join(&ma, &a);
    join(&mb, &b);
    tnd_owner_view view;
    tnd_owner_look(&ma, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.slot, ma.slot); /* else this tests nothing */
    assert_int_equal(view.state, TND_OWNER_DEAD);
    /* Soon after the boot the monotonic clock is younger than the threshold. */
    tnd_owner_look(&mb, 1000, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_DEAD);
    /* Two that believe in one slot don't chase each other: its holder owns, the other follows. */
    tnd_member stray = mb;
    stray.slot = ma.slot;
    assert_true(take(&ma, TND_OWNER_DEAD));
    tnd_owner_look(&stray, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_OTHER);
    assert_true(tnd_owner_release(&ma));
    /* A word that names our slot under no term at all isn't ours. */
    atomic_store(&a.control->owner, (uint64_t)ma.slot + 1);
    tnd_owner_look(&ma, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_DEAD);
    assert_true(tnd_owner_take(&ma, &view, now_ms()));
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

/* Slots that somebody may hold are left alone. */
static void test_damaged_slots(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member member;
    map_open(&map);
    /* A live one whose mutex isn't one: nobody knows. */
    uint64_t unproved = 7ULL << TND_SLOT_NONCE_SHIFT | TND_SLOT_LIVE;
    atomic_store(&map.slots[0].state, unproved);
    assert_false(map.sys->ops->life_gone(map.sys->ctx, &map.slots[0]));
    memset(&map.slots[1].life, 0x5a, sizeof(map.slots[1].life)); /* free, but no mutex */
    join(&member, &map);
    assert_int_equal(member.slot, 2);
    assert_int_equal(atomic_load(&map.slots[0].state), unproved);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

static tnd_map hook_map;
static tnd_member hook_joiner;

static tnd_point hook_point;

static void on_slot_store(tnd_point point)
{
    if (point == hook_point) {
        tnd_point_hook = NULL;
        join(&hook_joiner, &hook_map);
    }
}

/* Two that claim the same slot: whoever locks first has it, and the other takes the next. */
static void test_claims_overlap(void** state)
{
    (void)state;
    const tnd_point points[] = {TND_POINT_SLOT_MUTEX_MAKE, TND_POINT_SLOT_MUTEX_LOCK,
                                TND_POINT_SLOT_FACTS, TND_POINT_SLOT_LIVE};
    for (int i = 0; i < 4; i++) {
        tnd_map map;
        tnd_member member;
        map_open(&map);
        map_open(&hook_map);
        hook_point = points[i];
        hook_joiner.slot = TND_MEMBER_NONE;
        tnd_point_hook = on_slot_store;
        join(&member, &map);
        assert_null(tnd_point_hook);
        assert_int_equal(member.slot, i < 2 ? 1 : 0);
        assert_int_equal(hook_joiner.slot, i < 2 ? 0 : 1);
        for (uint32_t slot = 0; slot < 2; slot++) {
            assert_false(map.sys->ops->life_gone(map.sys->ctx, &map.slots[slot]));
        }
        tnd_member_leave(&hook_joiner, true);
        assert_true(map.sys->ops->life_gone(map.sys->ctx, &map.slots[i < 2 ? 0 : 1]));
        tnd_member_leave(&member, true);
        tnd_map_close(&hook_map);
        tnd_map_close(&map);
    }
}

/* Whoever joins while another leaves keeps its slot and its proof of life. */
static void test_join_while_another_leaves(void** state)
{
    (void)state;
    const tnd_point points[] = {TND_POINT_SLOT_MUTEX_UNLOCK, TND_POINT_SLOT_FREE};
    for (int i = 0; i < 2; i++) {
        tnd_map a, b;
        tnd_member ma, mb;
        hook_point = points[i];
        map_open(&a);
        map_open(&b);
        map_open(&hook_map);
        join(&ma, &a);
        join(&mb, &b);
        hook_joiner.slot = TND_MEMBER_NONE;
        tnd_point_hook = on_slot_store;
        tnd_member_leave(&ma, false);
        assert_null(tnd_point_hook);
        assert_int_not_equal(hook_joiner.slot, TND_MEMBER_NONE);
        tnd_seg_slot* slot = &b.slots[hook_joiner.slot];
        assert_int_equal(atomic_load(&slot->state), hook_joiner.state);
        assert_false(b.sys->ops->life_gone(b.sys->ctx, slot));
        tnd_member_leave(&hook_joiner, false);
        tnd_member_leave(&mb, true);
        tnd_map_close(&a);
        tnd_map_close(&hook_map);
        tnd_map_close(&b);
    }
}

static void test_dead_slots_are_reclaimed(void** state)
{
    (void)state;
    for (int i = 0; i < 3 * WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            tnd_map map;
            tnd_member member;
            map_open(&map);
            join(&member, &map);
            kill(getpid(), SIGKILL);
        }
        int wstatus;
        waitpid(pid, &wstatus, 0);
        assert_true(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL);
    }
    tnd_map maps[WORKERS + 1];
    tnd_member members[WORKERS + 1];
    for (int i = 0; i < WORKERS; i++) {
        map_open(&maps[i]);
        join(&members[i], &maps[i]);
    }
    map_open(&maps[WORKERS]);
    assert_int_equal(tnd_member_join(&members[WORKERS], &maps[WORKERS], 1, 1, 1, now_ms(), 1),
                     TND_JOIN_FULL);
    assert_true(tnd_member_has_fresh_peers(&members[0]));
    for (int i = 1; i < WORKERS; i++) {
        tnd_member_set_draining(&members[i], true);
    }
    assert_false(tnd_member_has_fresh_peers(&members[0]));
    tnd_member_set_draining(&members[3], false);
    assert_true(tnd_member_has_fresh_peers(&members[0]));
    for (int i = 0; i <= WORKERS; i++) {
        tnd_member_leave(&members[i], true);
        tnd_map_close(&maps[i]);
    }
}

/* ---- other processes ------------------------------------------------------------------------ */

static uint32_t attached_count(void)
{
    struct shmid_ds ds;
    return shmctl(segment_id(), IPC_STAT, &ds) == 0 ? (uint32_t)ds.shm_nattch : 0;
}

/* A child that never uses the client doesn't count as somebody who uses the segment. */
static void test_children_inherit_nothing(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    uint32_t before = attached_count();
    int block[2], done[2];
    assert_int_equal(pipe(block), 0);
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* It may have a client of its own. */
        tnd_map own;
        tnd_member own_member;
        map_open(&own);
        join(&own_member, &own);
        if (own_member.slot == member.slot) {
            _exit(2);
        }
        tnd_owner_view view;
        tnd_owner_look(&own_member, now_ms(), THRESHOLD_MS, &view);
        tnd_member_leave(&own_member, true);
        tnd_map_close(&own);
        char byte = 'x';
        close(block[1]);
        _exit(write(done[1], &byte, 1) == 1 && read(block[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(block[0]);
    char byte;
    assert_int_equal(read(done[0], &byte, 1), 1);
    assert_int_equal(attached_count(), before);
    assert_false(map.sys->ops->life_gone(map.sys->ctx, &map.slots[member.slot]));
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    assert_int_equal(segment_id(), -1);
    close(block[1]);
    close(done[0]);
    close(done[1]);
    int wstatus;
    waitpid(pid, &wstatus, 0);
    assert_int_equal(wstatus, 0);
}

static void* thread_joins(void* udata)
{
    tnd_map* map = udata;
    static tnd_member member;
    join(&member, map);
    return &member;
}

static pthread_barrier_t joined, left;

static void* thread_stays(void* udata)
{
    tnd_member* member = thread_joins(udata);
    pthread_barrier_wait(&joined);
    pthread_barrier_wait(&left);
    (void)member;
    /* Its list of robust mutexes still leads through the segment. */
    pthread_mutex_t mutex;
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attr);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_mutex_destroy(&mutex);
    pthread_mutexattr_destroy(&attr);
    return member;
}

/* A client that one thread connects and another closes. */
static void test_left_by_another_thread(void** state)
{
    (void)state;
    tnd_map map, other;
    map_open(&map);
    map_open(&other);
    pthread_t thread;
    void* member;
    pthread_barrier_init(&joined, NULL, 2);
    pthread_barrier_init(&left, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, thread_stays, &map), 0);
    pthread_barrier_wait(&joined);
    tnd_member copy = {.slot = TND_MEMBER_NONE};
    for (uint32_t i = 0; i < WORKERS; i++) {
        uint64_t found = atomic_load(&map.slots[i].state);
        if (found != 0) {
            copy = (tnd_member){.map = &map, .slot = i, .state = found, .arenas = {-1, -1}};
        }
    }
    uint32_t slot = copy.slot;
    assert_int_not_equal(slot, TND_MEMBER_NONE);
    tnd_member_leave(&copy, true);
    tnd_map_close(&map);
    /* The slot isn't given away while the kernel would mark its mutex for that thread. */
    tnd_member late;
    join(&late, &other);
    assert_int_not_equal(late.slot, slot);
    assert_false(tnd_member_has_fresh_peers(&late));
    pthread_barrier_wait(&left);
    assert_int_equal(pthread_join(thread, &member), 0);
    assert_true(other.sys->ops->life_gone(other.sys->ctx, &other.slots[slot]));
    tnd_member_leave(&late, true);
    tnd_map_close(&other);
}

/* Runs `body` as another user, who may only read the segment. */
static void as_reader(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setresuid(65534, 65534, 65534) != 0) {
            _exit(2);
        }
        body();
        _exit(0);
    }
    int wstatus;
    waitpid(pid, &wstatus, 0);
    assert_int_equal(wstatus, 0);
}

static void reader_opens(void)
{
    tnd_map map;
    tnd_member member;
    map_open(&map);
    assert_true(map.is_read_only);
    assert_int_equal(tnd_member_join(&member, &map, 1, 1, 1, now_ms(), 1), TND_JOIN_READ_ONLY);
    assert_true(tnd_map_refresh(&map));
    assert_int_equal(tnd_word_node(tnd_map_word(&map, 0, 1), 0), 2);
    tnd_owner_view view;
    tnd_owner_look(&member, now_ms(), THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_OTHER);
    assert_false(tnd_owner_take(&member, &view, now_ms()));
    tnd_tend_ask(&map, 0);
    tnd_member_set_draining(&member, true);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

static void reader_is_refused(void)
{
    tnd_map map;
    tnd_map_config config = config_make();
    as_error err;
    as_error_init(&err);
    assert_int_not_equal(tnd_map_open(&map, &config, &err), AEROSPIKE_OK);
}

/* Whoever may only read routes; a header that lacks something is no reason to store. */
static void test_read_only(void** state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    tnd_map_config config = config_make();
    config.mode = 0644;
    tnd_map map;
    tnd_member member;
    as_error err;
    as_error_init(&err);
    assert_int_equal(tnd_map_open(&map, &config, &err), AEROSPIKE_OK);
    join(&member, &map);
    assert_true(take(&member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&member, 2, TND_PARTITIONS), TND_PUBLISH_OK);
    as_reader(reader_opens);
    tnd_word* words[] = {&map.header->layout, &map.header->capacities, &map.header->identity,
                         &map.header->magic};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t word = atomic_exchange(words[i], 0);
        as_reader(reader_is_refused);
        atomic_store(words[i], word);
    }
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

/* ---- damage and removal --------------------------------------------------------------------- */

static void test_random_bytes(void** state)
{
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    for (int round = 0; round < 200; round++) {
        tnd_map map;
        tnd_member member;
        map_open(&map);
        join(&member, &map);
        assert_true(take(&member, TND_OWNER_VACANT));
        assert_int_equal(publish_all(&member, 3, 64), TND_PUBLISH_OK);
        /* Everything, or a tenth of it, or all but the header. */
        uint64_t* words = (uint64_t*)map.base;
        size_t first = round % 3 == 2 ? TND_PAGE_BYTES / 8 : 0;
        for (size_t i = first; i < map.size / 8; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if (round % 3 != 1 || seed % 10 == 0) {
                words[i] = seed;
            }
        }
        tnd_map_refresh(&map);
        for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
            uint64_t word = tnd_map_word(&map, 0, p);
            for (uint32_t c = 0; c < 3; c++) {
                const tnd_node_rec* node = tnd_map_node(&map, tnd_word_node(word, c));
                assert_true(!node || strlen(node->name) < sizeof(node->name));
            }
        }
        tnd_owner_view view;
        tnd_owner_look(&member, now_ms(), THRESHOLD_MS, &view);
        publish_all(&member, 2, 16);
        tnd_map_config config = config_make();
        tnd_map other;
        as_error err;
        as_error_init(&err);
        if (tnd_map_open(&other, &config, &err) == AEROSPIKE_OK) {
            tnd_member late;
            tnd_member_join(&late, &other, 5, 5, 5, now_ms(), 5);
            tnd_owner_look(&late, now_ms(), THRESHOLD_MS, &view);
            tnd_member_leave(&late, false);
            tnd_map_close(&other);
        } else {
            assert_true(strlen(err.message) > 20);
        }
        tnd_member_leave(&member, true);
        tnd_map_close(&map);
        segment_remove();
    }
}

static void test_removed_under_us(void** state)
{
    (void)state;
    tnd_map map, next;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    assert_false(tnd_map_is_removed(&map));
    segment_remove();
    assert_true(tnd_map_is_removed(&map));
    map_open(&next);
    assert_int_not_equal(next.shm_id, map.shm_id);
    assert_false(tnd_map_is_removed(&next));
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    assert_true(segment_id() >= 0); /* the other one's is left alone */
    tnd_map_close(&next);
}

static void test_retired_by_a_dead_remover(void** state)
{
    (void)state;
    tnd_map map, next;
    map_open(&map);
    int id = map.shm_id;
    atomic_fetch_or(&map.control->owner, TND_OWNER_RETIRED);
    assert_true(tnd_map_is_removed(&map));
    map_open(&next);
    assert_int_not_equal(next.shm_id, id);
    tnd_map_close(&map);
    tnd_map_close(&next);
}

/* Private maps need no proof of life: as many as there is memory for. */
static void test_many_private_maps(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    config.use_shm = false;
    config.workers_capacity = 1;
    static tnd_map maps[100];
    static tnd_member members[100];
    as_error err;
    as_error_init(&err);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tnd_map_open(&maps[i], &config, &err), AEROSPIKE_OK);
        join(&members[i], &maps[i]);
    }
    for (int i = 0; i < 100; i++) {
        tnd_member_leave(&members[i], true);
        tnd_map_close(&maps[i]);
    }
}

static void on_retire(tnd_point point)
{
    if (point == TND_POINT_OWNER_RETIRE) {
        tnd_point_hook = NULL;
        map_open(&hook_map);
        join(&hook_joiner, &hook_map);
    }
}

/* Somebody joins while the last one is about to remove the segment. */
static void test_join_while_the_last_one_leaves(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    tnd_point_hook = on_retire;
    tnd_member_leave(&member, true);
    assert_null(tnd_point_hook);
    tnd_map_close(&map);
    assert_false(tnd_map_is_removed(&hook_map));
    assert_int_equal(segment_id(), hook_map.shm_id);
    tnd_member_leave(&hook_joiner, true);
    tnd_map_close(&hook_map);
    assert_int_equal(segment_id(), -1);
}

static void on_claim(tnd_point point)
{
    if (point == TND_POINT_SLOT_LIVE) {
        atomic_fetch_or(&hook_map.control->owner, TND_OWNER_RETIRED);
    }
}

static void test_join_of_a_retired_segment(void** state)
{
    (void)state;
    tnd_member member;
    map_open(&hook_map);
    tnd_point_hook = on_claim;
    assert_int_equal(tnd_member_join(&member, &hook_map, 1, 1, 1, now_ms(), 1), TND_JOIN_RETIRED);
    tnd_point_hook = NULL;
    assert_int_equal(member.slot, TND_MEMBER_NONE);
    assert_int_equal(atomic_load(&hook_map.slots[0].state), 0);
    tnd_map_close(&hook_map);
}

static void test_private_memory(void** state)
{
    (void)state;
    tnd_map_config config = config_make();
    config.use_shm = false;
    as_error err;
    as_error_init(&err);
    tnd_map map;
    assert_int_equal(tnd_map_open(&map, &config, &err), AEROSPIKE_OK);
    assert_int_equal(segment_id(), -1);
    tnd_member member;
    join(&member, &map);
    assert_true(take(&member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&member, 3, TND_PARTITIONS), TND_PUBLISH_OK);
    assert_true(tnd_map_refresh(&map));
    assert_int_equal(tnd_word_node(tnd_map_word(&map, 0, 1), 0), 2);
    assert_false(tnd_map_is_removed(&map));
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
    tnd_map_close(&map);
}

static void test_tend_requests(void** state)
{
    (void)state;
    tnd_map a, b;
    map_open(&a);
    map_open(&b);
    uint64_t bits[(TND_NODES_MAX + 1) / 64];
    assert_false(tnd_tend_take(&a, bits));
    tnd_tend_ask(&b, 5);
    tnd_tend_ask(&b, 511);
    tnd_tend_ask(&b, 100000);
    assert_true(tnd_tend_take(&a, bits));
    assert_int_equal(bits[0], 1 << 5);
    assert_true(bits[7] == 1ULL << 63);
    assert_false(tnd_tend_take(&a, bits));
    tnd_map_close(&a);
    tnd_map_close(&b);
}

int main(void)
{
    srand((unsigned)time(NULL));
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_create_attach_remove),
        T(test_two_leave_at_once),
        T(test_refusals),
        T(test_foreign_segments),
        T(test_writable_by_others),
        T(test_kernel_refusals),
        T(test_creation_dies_anywhere),
        T(test_owner_gives_up),
        T(test_owner_killed),
        T(test_reused_slot_is_no_owner),
        T(test_damaged_slots),
        T(test_claims_overlap),
        T(test_join_while_another_leaves),
        T(test_dead_slots_are_reclaimed),
        T(test_children_inherit_nothing),
        T(test_left_by_another_thread),
        T(test_read_only),
        T(test_random_bytes),
        T(test_removed_under_us),
        T(test_retired_by_a_dead_remover),
        T(test_join_while_the_last_one_leaves),
        T(test_join_of_a_retired_segment),
        T(test_private_memory),
        T(test_many_private_maps),
        T(test_tend_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
