/*
 * Which node a command goes to: replica algorithms and racks, and what the configuration does to
 * addresses, against the mini cluster's own counters.
 */
#include "tests/sim/cmd_bed.h"
#include "tests/sim/shm.h"

#define KEYS 300

/* ---- a cluster of N, counted ---- */

static void open_cluster(bed* b, uint64_t seed, int nodes, int replicas, bool is_sc)
{
    mc_config config = {.nodes = nodes, .seed = seed, .enterprise = true};
    char namespaces[32];
    const char* why;
    snprintf(namespaces, sizeof(namespaces), "test:%d%s", replicas, is_sc ? ":sc" : "");
    assert_true(mc_config_namespaces(&config, namespaces, &why));
    bed_init_with(b, &config, seed);
}

static void count_reads(bed* b, int nodes, uint64_t ret_counts[8])
{
    for (int i = 0; i < nodes; i++) {
        ret_counts[i] = sim_cluster_stat(b->cluster, i, "read");
    }
}

/* The column of the key's partition that a node holds, -1: none. */
static int column_of(bed* b, int64_t id, int node)
{
    as_key key;
    as_key_init_int64(&key, "test", "sim", id);
    const as_digest* digest = as_key_digest(&key);
    int partition = (digest->value[0] | digest->value[1] << 8) & 4095;
    for (int column = 0; column < 3; column++) {
        if (mc_partition_owner(sim_cluster_mc(b->cluster), "test", column, partition) == node) {
            return column;
        }
    }
    return -1;
}

/* Where a get of this key went to, as a column. */
static int column_read(bed* b, int nodes, int64_t id, const as_policy_read* policy)
{
    uint64_t before[8];
    uint64_t after[8];
    count_reads(b, nodes, before);
    outcome o;
    assert_true(start_get(&o, b, id, policy));
    wait_ms(&o);
    assert_int_equal(o.code, AEROSPIKE_OK);
    count_reads(b, nodes, after);
    for (int i = 0; i < nodes; i++) {
        if (after[i] != before[i]) {
            return column_of(b, id, i);
        }
    }
    fail_msg("no node counted the read of %d", (int)id);
    return -1;
}

static void put_keys(bed* b)
{
    for (int id = 0; id < KEYS; id++) {
        outcome o;
        assert_true(start_put(&o, b, id, NULL));
        wait_ms(&o);
        assert_int_equal(o.code, AEROSPIKE_OK);
    }
}

/* How many of the reads go to each column of their partition. */
static void count_columns(bed* b, int nodes, const as_policy_read* policy, int ret_counts[3])
{
    memset(ret_counts, 0, 3 * sizeof(ret_counts[0]));
    for (int id = 0; id < KEYS; id++) {
        int column = column_read(b, nodes, id, policy);
        assert_in_range(column, 0, 2);
        ret_counts[column]++;
    }
}

static void spreads_reads_as_the_policy_says(void** state)
{
    (void)state;
    static const struct {
        int nodes, replicas;
        bool is_sc;
        as_policy_replica replica;
        as_policy_read_mode_sc mode;
        int counts[3];
    } cases[] = {
        {1, 1, false, AS_POLICY_REPLICA_SEQUENCE, 0, {KEYS, 0, 0}},
        {1, 1, false, AS_POLICY_REPLICA_ANY, 0, {KEYS, 0, 0}},
        {1, 1, false, AS_POLICY_REPLICA_PREFER_RACK, 0, {KEYS, 0, 0}},
        {2, 2, false, AS_POLICY_REPLICA_MASTER, 0, {KEYS, 0, 0}},
        {2, 2, false, AS_POLICY_REPLICA_ANY, 0, {KEYS / 2, KEYS / 2, 0}},
        {2, 2, false, AS_POLICY_REPLICA_RANDOM, 0, {KEYS / 2, KEYS / 2, 0}},
        {2, 2, false, AS_POLICY_REPLICA_SEQUENCE, 0, {KEYS, 0, 0}},
        {5, 3, false, AS_POLICY_REPLICA_ANY, 0, {KEYS / 3, KEYS / 3, KEYS / 3}},
        {5, 3, false, AS_POLICY_REPLICA_MASTER, 0, {KEYS, 0, 0}},
        {5, 3, true, AS_POLICY_REPLICA_ANY, AS_POLICY_READ_MODE_SC_SESSION, {KEYS, 0, 0}},
        {5, 3, true, AS_POLICY_REPLICA_PREFER_RACK, AS_POLICY_READ_MODE_SC_SESSION, {KEYS, 0, 0}},
        {5,
         3,
         true,
         AS_POLICY_REPLICA_ANY,
         AS_POLICY_READ_MODE_SC_ALLOW_REPLICA,
         {KEYS / 3, KEYS / 3, KEYS / 3}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bed b;
        open_cluster(&b, i + 1, cases[i].nodes, cases[i].replicas, cases[i].is_sc);
        bed_connect_wait(&b);
        put_keys(&b);
        as_policy_read policy;
        as_policy_read_init(&policy);
        policy.replica = cases[i].replica;
        policy.read_mode_sc = cases[i].mode;
        int counts[3];
        count_columns(&b, cases[i].nodes, &policy, counts);
        for (int c = 0; c < 3; c++) {
            if (counts[c] != cases[i].counts[c]) {
                fail_msg("case %zu: %d of %d reads went to column %d", i, counts[c], KEYS, c);
            }
        }
        bed_end(&b);
    }
}

/* ---- racks ---- */

/* Of the keys that the node of the rack holds, how many are read elsewhere. */
static unsigned reads_elsewhere(bed* b, int nodes, int node, const as_policy_read* policy)
{
    unsigned count = 0;
    for (int id = 0; id < KEYS; id++) {
        int column = column_of(b, id, node);
        if (column >= 0 && column_read(b, nodes, id, policy) != column) {
            count++;
        }
    }
    return count;
}

static void set_racks(bed* b, int nodes)
{
    for (int i = 0; i < nodes; i++) {
        sim_cluster_control(b->cluster, "rack %d %d", i, 10 + i);
    }
}

static void reads_from_its_rack(void** state)
{
    (void)state;
    bed b;
    open_cluster(&b, 40, 3, 2, false);
    set_racks(&b, 3);
    b.as.config.rack_aware = true;
    b.as.config.rack_id = 12;
    bed_connect_wait(&b);
    put_keys(&b);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.replica = AS_POLICY_REPLICA_PREFER_RACK;
    assert_int_equal(reads_elsewhere(&b, 3, 2, &policy), 0);
    policy.replica = AS_POLICY_REPLICA_SEQUENCE;
    assert_true(reads_elsewhere(&b, 3, 2, &policy) > 0);
    /* Racks change under way: the tender sees it within an interval. */
    policy.replica = AS_POLICY_REPLICA_PREFER_RACK;
    sim_cluster_control(b.cluster, "rack 0 12");
    sim_cluster_control(b.cluster, "rack 2 10");
    sim_world_run_for(b.world, 2 * SECOND);
    assert_int_equal(reads_elsewhere(&b, 3, 0, &policy), 0);
    assert_true(reads_elsewhere(&b, 3, 2, &policy) > 0);
    bed_end(&b);
}

/* Two racks in order; the first one's node dies: the second serves what it has. */
static void follows_the_order_of_racks(void** state)
{
    (void)state;
    bed b;
    open_cluster(&b, 41, 3, 2, false);
    set_racks(&b, 3);
    b.as.config.rack_aware = true;
    as_config_add_rack_id(&b.as.config, 11);
    as_config_add_rack_id(&b.as.config, 10);
    bed_connect_wait(&b);
    put_keys(&b);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.replica = AS_POLICY_REPLICA_PREFER_RACK;
    policy.base.max_retries = 5;
    policy.base.total_timeout = 10000;
    assert_int_equal(reads_elsewhere(&b, 3, 1, &policy), 0);
    sim_cluster_control(b.cluster, "kill 1");
    sim_world_run_for(b.world, 10 * SECOND);
    assert_int_equal(reads_elsewhere(&b, 3, 0, &policy), 0);
    bed_end(&b);
}

/* Whoever tends asks for racks, though it isn't rack aware itself, and its successor starts from
   those that are published. */
static void follows_racks_of_another_tender(void** state)
{
    (void)state;
    bed first;
    open_cluster(&first, 42, 3, 2, false);
    set_racks(&first, 3);
    sim_shm* shm = sim_shm_new();
    bed tender;
    bed aware;
    bed_init_other(&tender, &first, sim_shm_sys_of(sim_shm_process_new(shm, 0)));
    bed_connect_wait(&tender);
    bed_init_other(&aware, &first, sim_shm_sys_of(sim_shm_process_new(shm, 0)));
    aware.as.config.rack_aware = true;
    aware.as.config.rack_id = 11;
    bed_connect_wait(&aware);
    put_keys(&aware);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.replica = AS_POLICY_REPLICA_PREFER_RACK;
    assert_int_equal(reads_elsewhere(&aware, 3, 1, &policy), 0);
    all_nodes(&aware, "mute %u always on=info"); /* the successor learns nothing by itself */
    bed_end_other(&tender);
    sim_world_run_for(first.world, 100 * MS);
    assert_int_equal(reads_elsewhere(&aware, 3, 1, &policy), 0);
    bed_end_other(&aware);
    bed_done(&first);
    sim_shm_free(shm);
}

/* A Community cluster refuses to speak of racks: that is no failure of its nodes. */
static void goes_without_racks(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 43);
    b.as.config.rack_aware = true;
    b.as.config.rack_id = 1;
    bed_connect_wait(&b);
    put_keys(&b);
    as_policy_read policy;
    as_policy_read_init(&policy);
    policy.replica = AS_POLICY_REPLICA_PREFER_RACK;
    int counts[3];
    count_columns(&b, 3, &policy, counts);
    assert_int_equal(counts[0], KEYS);
    uint64_t asked = sim_cluster_stat(b.cluster, 0, "info.rack-ids");
    sim_world_run_for(b.world, 20 * SECOND);
    assert_int_equal(sim_cluster_stat(b.cluster, 0, "info.rack-ids"), asked); /* not every round */
    assert_true(asked <= 2);
    bed_end(&b);
}

/* ---- addresses ---- */

static void expect_keys(bed* b)
{
    bed_connect_wait(b);
    put_keys(b);
    assert_int_equal(sim_cluster_stat(b->cluster, 0, "proxy"), 0);
    assert_int_equal(sim_cluster_stat(b->cluster, 1, "proxy"), 0);
    assert_int_equal(sim_cluster_stat(b->cluster, 2, "proxy"), 0);
}

/* Published addresses lead nowhere; the alternate ones do. */
static void uses_alternate_addresses(void** state)
{
    (void)state;
    mc_config config = {.nodes = 3, .seed = 50, .advertise = "10.9.9.9", .alternate = "127.0.0.1"};
    bed b;
    bed_init_with(&b, &config, 50);
    b.as.config.use_services_alternate = true;
    expect_keys(&b);
    bed_end(&b);
}

/* The same by a map, for seeds and peers alike. */
static void translates_addresses(void** state)
{
    (void)state;
    mc_config config = {.nodes = 3, .seed = 51, .advertise = "10.9.9.9"};
    bed b;
    bed_init_with(&b, &config, 51);
    char texts[4][16] = {"10.9.9.9", "127.0.0.1", "seed.example", "127.0.0.1"};
    as_addr_map map[2] = {{texts[0], texts[1]}, {texts[2], texts[3]}};
    as_config_clear_hosts(&b.as.config);
    as_config_add_host(&b.as.config, "seed.example", PORT);
    b.as.config.ip_map = map;
    b.as.config.ip_map_size = 2;
    bed_connect(&b);
    memset(texts, 'x', sizeof(texts)); /* copied */
    memset(map, 0, sizeof(map));
    assert_true(sim_world_run_until(b.world, is_connected, &b, 10 * SECOND));
    assert_int_equal(b.connect_status, AEROSPIKE_OK);
    put_keys(&b);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "proxy"), 0);
    bed_end(&b);
}

static void forces_a_single_node(void** state)
{
    (void)state;
    bed b;
    bed_init(&b, 52);
    b.as.config.force_single_node = true;
    as_config_add_host(&b.as.config, "127.0.0.1", PORT + 1);
    bed_connect_wait(&b);
    put_keys(&b);
    assert_int_equal(sim_cluster_stat(b.cluster, 0, "write"), KEYS);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "opened"), 0);
    assert_int_equal(sim_cluster_stat(b.cluster, 2, "opened"), 0);
    sim_world_run_for(b.world, 20 * SECOND);
    put_keys(&b);
    assert_int_equal(sim_cluster_stat(b.cluster, 1, "opened"), 0);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_reads_as_the_policy_says),
        cmocka_unit_test(reads_from_its_rack),
        cmocka_unit_test(follows_the_order_of_racks),
        cmocka_unit_test(follows_racks_of_another_tender),
        cmocka_unit_test(goes_without_racks),
        cmocka_unit_test(uses_alternate_addresses),
        cmocka_unit_test(translates_addresses),
        cmocka_unit_test(forces_a_single_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
