/*
 * as_config.event_callback in virtual time: every process that shares a map is told of nodes that
 * come and go, from its own loop, and of nothing twice; the callback may close the client.
 */
#include "tests/sim/cmd_bed.h"
#include "tests/sim/shm.h"

typedef struct heard {
    bed* bed;
    unsigned added, removed, disconnected;
    unsigned present; /* added less removed */
    unsigned before_connect;
    char names[16][24]; /* present */
    bool closes;        /* at the first event */
    bool is_wrong;
} heard;

static bool name_take(heard* h, const char* name, bool is_added)
{
    for (unsigned i = 0; i < 16; i++) {
        if (strcmp(h->names[i], is_added ? "" : name) == 0) {
            snprintf(h->names[i], sizeof(h->names[i]), "%s", is_added ? name : "");
            return true;
        }
    }
    return false;
}

static void on_event(as_cluster_event* event)
{
    heard* h = event->udata;
    h->before_connect += !h->bed->is_connected;
    switch (event->type) {
    case AS_CLUSTER_ADD_NODE:
        h->added++;
        h->present++;
        h->is_wrong |= strncmp(event->node_name, "BB9", 3) != 0 ||
                       strncmp(event->node_address, "127.0.0.1:", 10) != 0 ||
                       !name_take(h, event->node_name, true);
        break;
    case AS_CLUSTER_REMOVE_NODE:
        h->removed++;
        h->present--;
        h->is_wrong |= event->node_address[0] == 0 || !name_take(h, event->node_name, false);
        break;
    case AS_CLUSTER_DISCONNECTED:
        h->disconnected++;
        h->is_wrong |= event->node_name[0] != 0 || event->node_address[0] != 0 || h->present != 0;
        break;
    }
    if (h->closes) {
        h->closes = false;
        bed_close(h->bed);
    }
}

static void listen_to(bed* b, heard* h)
{
    memset(h, 0, sizeof(*h));
    h->bed = b;
    as_config_set_cluster_event_callback(&b->as.config, on_event, h);
}

static bool has_all(void* udata)
{
    const heard* h = udata;
    return h->present == 3;
}

static bool has_lost_one(void* udata)
{
    const heard* h = udata;
    return h->present == 2;
}

static bool has_lost_all(void* udata)
{
    return ((const heard*)udata)->disconnected > 0;
}

static void tells_of_nodes(void** state)
{
    (void)state;
    bed b;
    heard h;
    bed_init(&b, 1);
    listen_to(&b, &h);
    bed_connect_wait(&b);
    assert_int_equal(h.before_connect, 3);
    sim_world_run_for(b.world, 5 * SECOND);
    assert_int_equal(h.added, 3);
    sim_cluster_control(b.cluster, "kill 1");
    assert_true(sim_world_run_until(b.world, has_lost_one, &h, 30 * SECOND));
    sim_cluster_control(b.cluster, "restart 1");
    assert_true(sim_world_run_until(b.world, has_all, &h, 30 * SECOND));
    assert_int_equal(h.added, 4);
    assert_int_equal(h.removed, 1);
    all_nodes(&b, "kill %u");
    assert_true(sim_world_run_until(b.world, has_lost_all, &h, 60 * SECOND));
    assert_int_equal(h.removed, 4);
    sim_world_run_for(b.world, 10 * SECOND);
    assert_int_equal(h.disconnected, 1);
    all_nodes(&b, "restart %u");
    assert_true(sim_world_run_until(b.world, has_all, &h, 60 * SECOND));
    assert_int_equal(h.disconnected, 1);
    assert_false(h.is_wrong);
    bed_end(&b);
    assert_int_equal(h.added, 7); /* closing tells nothing */
    assert_int_equal(h.removed, 4);
}

/* The one that tends and the one that follows are told the same. */
static void tells_followers(void** state)
{
    (void)state;
    bed a, b;
    heard ha, hb;
    sim_shm* shm = sim_shm_new();
    bed_init(&a, 2);
    a.as.config.use_shm = true;
    a.sys = sim_shm_sys_of(sim_shm_process_new(shm, 0));
    listen_to(&a, &ha);
    bed_connect_wait(&a);
    bed_init_other(&b, &a, sim_shm_sys_of(sim_shm_process_new(shm, 0)));
    listen_to(&b, &hb);
    bed_connect_wait(&b);
    assert_int_equal(hb.before_connect, 3);
    sim_cluster_control(a.cluster, "kill 2");
    assert_true(sim_world_run_until(a.world, has_lost_one, &ha, 30 * SECOND));
    assert_true(sim_world_run_until(a.world, has_lost_one, &hb, 5 * SECOND));
    sim_cluster_control(a.cluster, "restart 2");
    assert_true(sim_world_run_until(a.world, has_all, &hb, 30 * SECOND));
    assert_int_equal(hb.added, 4);
    assert_false(ha.is_wrong || hb.is_wrong);
    bed_end_other(&b);
    bed_end(&a);
    sim_shm_free(shm);
}

static void may_close_inside(void** state)
{
    (void)state;
    bed b;
    heard h;
    bed_init(&b, 3);
    listen_to(&b, &h);
    h.closes = true;
    bed_connect(&b);
    assert_true(sim_world_run_until(b.world, is_closed, &b, 10 * SECOND));
    assert_true(b.is_connected);
    assert_int_equal(b.connect_status, AEROSPIKE_ERR_CLIENT);
    assert_int_equal(h.added, 1);
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_nodes),
        cmocka_unit_test(tells_followers),
        cmocka_unit_test(may_close_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
