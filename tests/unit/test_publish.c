/*
 * Publication: fenced stores, arenas, whole copies; a process killed at every numbered store of a
 * takeover.
 */
#include "tests/unit/shm_bed.h"

/* ---- publication ---------------------------------------------------------------------------- */

static void test_publish_and_route(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    join(&ma, &a);
    join(&mb, &b);
    assert_true(take(&ma, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&ma, 3, TND_PARTITIONS), TND_PUBLISH_OK);
    assert_true(tnd_map_refresh(&b));
    assert_true(tnd_map_is_current(&b));
    const tnd_ns_rec* ns = tnd_map_namespace(&b, "test");
    assert_non_null(ns);
    assert_null(tnd_map_namespace(&b, "nope"));
    uint64_t word = tnd_map_word(&b, ns->table, 4);
    assert_int_equal(tnd_word_node(word, 0), 2);
    assert_int_equal(tnd_word_node(word, 1), 3);
    assert_int_equal(tnd_word_node(word, 2), 0);
    assert_int_equal(tnd_word_term(word), 1);
    const tnd_node_rec* node = tnd_map_node(&b, 2);
    assert_string_equal(node->name, "B2");
    assert_int_equal(node->addrs[0].port, 3002);
    assert_null(tnd_map_node(&b, 0));
    assert_null(tnd_map_node(&b, 4));
    assert_null(tnd_map_node(&b, 511));
    uint64_t version = b.dir_version;
    for (int i = 0; i < 100; i++) { /* arenas alternate, none leaks */
        assert_int_equal(publish_all(&ma, 3, 1), TND_PUBLISH_OK);
        assert_false(tnd_map_is_current(&b));
        assert_true(tnd_map_refresh(&b));
    }
    assert_int_equal(b.dir_version, version + 100);
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

static void test_late_writer_is_fenced(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    join(&ma, &a);
    join(&mb, &b);
    assert_true(take(&ma, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&ma, 2, TND_PARTITIONS), TND_PUBLISH_OK);
    tnd_owner_view view;
    tnd_owner_look(&mb, now_ms() + 2 * THRESHOLD_MS, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_EXPIRED);
    assert_true(tnd_owner_take(&mb, &view, now_ms()));
    restamp_all(&mb);
    /* The old owner wakes and goes on storing. */
    uint32_t stale[3] = {2, 2, 2};
    assert_int_equal(tnd_publish_word(&ma, 0, 7, stale, 0), TND_PUBLISH_FENCED);
    assert_int_equal(publish_all(&ma, 1, 1), TND_PUBLISH_FENCED);
    assert_int_equal(tnd_publish_regime(&ma, 0, 7, 9), TND_PUBLISH_OK); /* zero was never stamped */
    uint32_t cursor = 0;
    assert_int_equal(tnd_publish_restamp(&ma, &cursor, 10), TND_PUBLISH_FENCED);
    uint64_t word = tnd_map_word(&b, 0, 7);
    assert_int_equal(tnd_word_node(word, 0), 2);
    assert_int_equal(tnd_word_node(word, 1), 1);
    assert_int_equal(tnd_word_term(word), 2);
    assert_false(tnd_owner_release(&ma));
    assert_true(tnd_owner_is_self(&mb));
    /* The successor publishes into an arena of its own while the old one's is selected. */
    assert_int_equal(publish_all(&mb, 3, 8), TND_PUBLISH_OK);
    assert_true(tnd_map_refresh(&a));
    assert_int_equal(a.dir.nodes_count, 3);
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

static void test_handovers_exhaust_no_arena(void** state)
{
    (void)state;
    tnd_map maps[WORKERS];
    tnd_member members[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        map_open(&maps[i]);
        join(&members[i], &maps[i]);
    }
    for (int i = 0; i < 100; i++) {
        tnd_member* member = &members[i % WORKERS];
        assert_true(take(member, TND_OWNER_VACANT));
        restamp_all(member);
        assert_int_equal(publish_all(member, 2, 1), TND_PUBLISH_OK);
        assert_int_equal(publish_all(member, 2, 1), TND_PUBLISH_OK);
        assert_true(tnd_owner_release(member));
    }
    for (int i = 0; i < WORKERS; i++) {
        tnd_member_leave(&members[i], true);
        tnd_map_close(&maps[i]);
    }
}

static void child_takes_over(void)
{
    tnd_map map;
    tnd_member member;
    map_open(&map);
    tnd_point_hook = die_at_countdown;
    join(&member, &map);
    tnd_owner_view view;
    tnd_owner_look(&member, now_ms(), THRESHOLD_MS, &view);
    if (!tnd_owner_take(&member, &view, now_ms())) {
        _exit(1);
    }
    uint32_t cursor = 0;
    while (tnd_publish_restamp(&member, &cursor, 500) == TND_PUBLISH_MORE) {}
    publish_all(&member, 2, 3);
    publish_all(&member, 3, 3);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

static tnd_map reader;
static tnd_member reader_member;

/* After each death: the reader still routes, and a successor tends. */
static void check_takeover(int n)
{
    (void)n;
    assert_true(tnd_map_refresh(&reader));
    assert_true(reader.dir.nodes_count == 2 || reader.dir.nodes_count == 3);
    for (uint32_t p = 0; p < 3; p++) {
        uint64_t word = tnd_map_word(&reader, 0, p);
        assert_true(tnd_word_node(word, 0) >= 1 && tnd_word_node(word, 0) <= 3);
        assert_non_null(tnd_map_node(&reader, tnd_word_node(word, 0)));
    }
    tnd_owner_view view;
    tnd_owner_look(&reader_member, now_ms(), THRESHOLD_MS, &view);
    assert_true(view.state == TND_OWNER_DEAD || view.state == TND_OWNER_VACANT);
    assert_true(tnd_owner_take(&reader_member, &view, now_ms()));
    restamp_all(&reader_member);
    assert_int_equal(publish_all(&reader_member, 2, TND_PARTITIONS), TND_PUBLISH_OK);
    assert_true(tnd_owner_release(&reader_member));
}

static void test_takeover_dies_anywhere(void** state)
{
    (void)state;
    map_open(&reader);
    join(&reader_member, &reader);
    assert_true(take(&reader_member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&reader_member, 2, TND_PARTITIONS), TND_PUBLISH_OK);
    assert_true(tnd_owner_release(&reader_member));
    int stores = for_each_death(child_takes_over, check_takeover);
    print_message("takeover and publication: %d stores\n", stores);
    assert_true(stores > 100);
    tnd_member_leave(&reader_member, true);
    tnd_map_close(&reader);
    assert_int_equal(segment_id(), -1);
}

/* What the successor of a writer that stopped does meanwhile. */
static tnd_member* hook_member;

static void on_arena_claim(tnd_point point)
{
    if (point != TND_POINT_ARENA_CLAIM) {
        return;
    }
    tnd_point_hook = NULL;
    tnd_owner_view view;
    tnd_owner_look(hook_member, now_ms() + 2 * THRESHOLD_MS, THRESHOLD_MS, &view);
    assert_int_equal(view.state, TND_OWNER_EXPIRED);
    assert_true(tnd_owner_take(hook_member, &view, now_ms()));
    assert_int_equal(publish_all(hook_member, 3, 1), TND_PUBLISH_OK);
    assert_true(tnd_owner_release(hook_member)); /* nobody's claim protects the selected arena */
}

/* A writer that stopped just before it claimed an arena finds that arena selected. */
static void test_late_writer_spares_the_selected_arena(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    join(&ma, &a);
    join(&mb, &b);
    assert_true(take(&ma, TND_OWNER_VACANT));
    hook_member = &mb;
    tnd_point_hook = on_arena_claim;
    assert_int_equal(publish_all(&ma, 1, 1), TND_PUBLISH_FENCED);
    assert_null(tnd_point_hook);
    b.dir_selector = 0; /* as a reader that comes now */
    assert_true(tnd_map_refresh(&b));
    assert_int_equal(b.dir.nodes_count, 3);
    assert_int_equal(b.dir.nodes_needed, 3);
    /* What it claimed in vain is free again. */
    for (uint32_t i = 0; i < TND_ARENAS; i++) {
        assert_int_equal(atomic_load(&a.map->arena_claims[i]), 0);
    }
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

static void on_select(tnd_point point)
{
    if (point != TND_POINT_SELECT) {
        return;
    }
    tnd_point_hook = NULL;
    tnd_owner_view view;
    tnd_owner_look(hook_member, now_ms() + 2 * THRESHOLD_MS, THRESHOLD_MS, &view);
    assert_true(tnd_owner_take(hook_member, &view, now_ms()));
    restamp_all(hook_member);
}

/* A writer that stopped just before it selected finds its successor's stamp. */
static void test_late_selection_is_fenced(void** state)
{
    (void)state;
    tnd_map a, b;
    tnd_member ma, mb;
    map_open(&a);
    map_open(&b);
    join(&ma, &a);
    join(&mb, &b);
    assert_true(take(&ma, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&ma, 3, 1), TND_PUBLISH_OK);
    hook_member = &mb;
    tnd_point_hook = on_select;
    assert_int_equal(publish_all(&ma, 1, 1), TND_PUBLISH_FENCED);
    assert_null(tnd_point_hook);
    assert_true(tnd_map_refresh(&b));
    assert_int_equal(b.dir.nodes_count, 3);
    tnd_member_leave(&ma, true);
    tnd_member_leave(&mb, true);
    tnd_map_close(&a);
    tnd_map_close(&b);
}

/* Whoever doesn't own can't store into the map by mistake, not even who once did. */
static void test_map_is_guarded(void** state)
{
    (void)state;
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    assert_true(take(&member, TND_OWNER_VACANT));
    assert_int_equal(publish_all(&member, 1, 1), TND_PUBLISH_OK);
    assert_true(tnd_owner_release(&member));
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    /* The kernel answers EFAULT where we would crash. */
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(fds[0], &map.tables[0].words[0], 1), -1);
    assert_int_equal(errno, EFAULT);
    close(fds[0]);
    close(fds[1]);
    tnd_member_leave(&member, true);
    tnd_map_close(&map);
}

/* Directories whose every record says the same number. */
static void publish_numbered(tnd_member* member, uint32_t number)
{
    tnd_dir_head head;
    tnd_node_rec nodes[NODES + 1];
    tnd_ns_rec namespaces[NAMESPACES];
    directory_make(&head, nodes, namespaces, NODES);
    for (uint32_t i = 1; i <= NODES; i++) {
        nodes[i].generation = number;
        nodes[i].rack_ids[TND_NAMESPACES_MAX - 1] = (int32_t)number;
    }
    head.published_ms = number;
    assert_int_equal(tnd_publish_directory(member, &head, nodes, namespaces), TND_PUBLISH_OK);
}

static void child_publishes_for_ever(void)
{
    tnd_map map;
    tnd_member member;
    map_open(&map);
    join(&member, &map);
    assert_true(take(&member, TND_OWNER_VACANT));
    for (uint32_t number = 1;; number++) {
        publish_numbered(&member, number);
    }
}

/* A directory that changes faster than it can be copied: the copy is old, never torn. */
static void test_copies_are_whole(void** state)
{
    (void)state;
    tnd_map map;
    map_open(&map);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        child_publishes_for_ever();
        _exit(1);
    }
    uint64_t end_ms = now_ms() + 300;
    uint64_t copies = 0;
    bool was_ready = false;
    while (now_ms() < end_ms) {
        bool is_ready = tnd_map_refresh(&map);
        assert_true(is_ready || !was_ready); /* what was there once stays */
        was_ready = is_ready;
        copies += is_ready;
        for (uint32_t i = 1; i <= map.dir.nodes_count; i++) {
            assert_int_equal(map.nodes[i].generation, map.dir.published_ms);
            assert_int_equal(map.nodes[i].rack_ids[TND_NAMESPACES_MAX - 1], map.dir.published_ms);
        }
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(copies > 0);
    tnd_map_close(&map);
}

int main(void)
{
    srand((unsigned)time(NULL));
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(test_publish_and_route),
        T(test_late_writer_is_fenced),
        T(test_late_writer_spares_the_selected_arena),
        T(test_late_selection_is_fenced),
        T(test_map_is_guarded),
        T(test_copies_are_whole),
        T(test_handovers_exhaust_no_arena),
        T(test_takeover_dies_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
