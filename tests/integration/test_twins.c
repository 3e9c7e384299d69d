/*
 * The mini cluster and a real one, the same operations by chance on both: what they answer, and
 * what the bin is afterwards, must be the same. Label real; the seed is the first argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <aerospike/as_arraylist.h>
#include <aerospike/as_list_operations.h>
#include <aerospike/as_map_operations.h>
#include <aerospike/as_orderedmap.h>

#include "tests/lib/bytes.h"
#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/lib/operate.h"
#include "tests/lib/value.h"

static aerospike mini, real;
static test_prng prng;
static char told[512]; /* the operation, for a report */

static uint64_t below(uint64_t bound)
{
    return test_prng_below(&prng, bound);
}

/* ---- values by chance: few of each kind, so that they meet ---- */

static as_val* scalar(void)
{
    static const char* const values[] = {"NIL", "true",  "0",   "1",     "2",       "3",
                                         "-1",  "\"a\"", "1.5", "\"b\"", "x\"01\"", "\"\""};
    return test_value(values[below(sizeof(values) / sizeof(values[0]))]);
}

static as_val* key(void)
{
    static const char* const keys[] = {"1", "2", "3", "\"a\"", "\"b\"", "x\"01\""};
    return test_value(keys[below(sizeof(keys) / sizeof(keys[0]))]);
}

/* What a real server is asked for twice comes once or twice: all are different here. */
static as_list* some_keys(void)
{
    static const char* const lists[] = {"[]",     "[1]",          "[\"b\", 2]", "[3, 1, \"a\"]",
                                        "[9, 2]", "[x\"01\", 1]", "[\"zz\"]",   "[2, \"a\"]"};
    return (as_list*)test_value(lists[below(sizeof(lists) / sizeof(lists[0]))]);
}

static as_list* some_values(void)
{
    static const char* const lists[] = {"[]",       "[1]",       "[\"b\", 2]", "[3, 1, \"a\"]",
                                        "[NIL, 2]", "[1.5, 77]", "[true]",     "[-1, 0, 1]"};
    return (as_list*)test_value(lists[below(sizeof(lists) / sizeof(lists[0]))]);
}

static as_list* list_of(as_val* (*element)(void), uint64_t most)
{
    as_arraylist* list = as_arraylist_new(8, 8);
    for (uint64_t i = below(most + 1); i > 0; i--) {
        as_arraylist_append(list, element());
    }
    return (as_list*)list;
}

static as_val* element(void);

static as_map* map_of(uint64_t most)
{
    as_orderedmap* map = as_orderedmap_new(8);
    as_orderedmap_set_flags(map, (uint32_t)(below(2) ? 0 : below(2) ? 1 : 3));
    for (uint64_t i = below(most + 1); i > 0; i--) {
        as_val* k = key();
        as_orderedmap_set(map, k, element());
    }
    return (as_map*)map;
}

static as_val* element(void)
{
    switch (below(8)) {
    case 0:
        return (as_val*)list_of(scalar, 3);
    case 1:
        return (as_val*)map_of(2);
    default:
        return scalar();
    }
}

static int64_t place(void)
{
    return (int64_t)below(11) - 5;
}

/* ---- operations by chance ---- */

typedef struct step {
    uint64_t kind;
    uint64_t
        state; /* of the chance that the operation is made from, so that it can be made twice */
} step;

static as_list_return_type list_return(void)
{
    static const int types[] = {0, 1, 2, 3, 4, 5, 7, 13};
    return (as_list_return_type)types[below(8)];
}

static as_map_return_type map_return(void)
{
    static const int types[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 17};
    return (as_map_return_type)types[below(12)];
}

/* The order of the ranks of a range of keys isn't promised. */
static as_map_return_type key_range_return(void)
{
    static const int types[] = {0, 1, 2, 5, 6, 7, 8, 13, 16, 17};
    return (as_map_return_type)types[below(10)];
}

static as_list_policy* list_policy(void)
{
    static as_list_policy policy;
    as_list_policy_set(&policy, (as_list_order)below(2), (as_list_write_flags)below(16));
    return below(3) ? &policy : NULL;
}

static as_map_policy* map_policy(void)
{
    static as_map_policy policy;
    static const as_map_order orders[] = {AS_MAP_UNORDERED, AS_MAP_KEY_ORDERED,
                                          AS_MAP_KEY_VALUE_ORDERED};
    as_map_policy_set_flags(&policy, orders[below(3)], (uint32_t)below(16));
    if (below(2)) {
        as_map_policy_set(&policy, orders[below(3)], (as_map_write_mode)below(3));
    }
    return below(4) ? &policy : NULL;
}

#define B ops, "b", ctx
#define CASE(n, call)                                                                              \
    case n:                                                                                        \
        snprintf(told, sizeof(told), "%s", #call);                                                 \
        (void)(call);                                                                              \
        break

static void add_list_op(as_operations* ops, as_cdt_ctx* ctx, uint64_t kind)
{
    switch (kind) {
        CASE(0, as_operations_list_append(B, list_policy(), element()));
        CASE(1, as_operations_list_append_items(B, list_policy(), list_of(element, 3)));
        CASE(2, as_operations_list_insert(B, list_policy(), place(), element()));
        CASE(3, as_operations_list_insert_items(B, list_policy(), place(), list_of(element, 3)));
        CASE(4, as_operations_list_increment(B, list_policy(), place(), scalar()));
        CASE(5, as_operations_list_set(B, list_policy(), place(), element()));
        CASE(6, as_operations_list_pop(B, place()));
        CASE(7, as_operations_list_pop_range(B, place(), below(4)));
        CASE(8, as_operations_list_remove(B, place()));
        CASE(9, as_operations_list_remove_range(B, place(), below(4)));
        CASE(10, as_operations_list_trim(B, place(), below(5)));
        CASE(11, as_operations_list_sort(B, (as_list_sort_flags)(2 * below(2))));
        CASE(12, as_operations_list_set_order(B, (as_list_order)below(2)));
        CASE(13, as_operations_list_get(B, place()));
        CASE(14, as_operations_list_get_range(B, place(), below(4)));
        CASE(15, as_operations_list_size(B));
        CASE(16, as_operations_list_get_by_index(B, place(), list_return()));
        CASE(17, as_operations_list_get_by_index_range(B, place(), below(4), list_return()));
        CASE(18, as_operations_list_get_by_rank(B, place(), AS_LIST_RETURN_VALUE));
        CASE(19, as_operations_list_get_by_value(B, element(), list_return()));
        CASE(20, as_operations_list_get_by_value_range(B, element(), element(), list_return()));
        CASE(21, as_operations_list_remove_by_value(B, element(), list_return()));
        CASE(22, as_operations_list_remove_by_value_range(B, element(), NULL, list_return()));
        CASE(23, as_operations_list_remove_by_index(B, place(), list_return()));
        CASE(24, as_operations_list_get_by_value_range(B, NULL, scalar(), list_return()));
        CASE(25, as_operations_list_get_by_value_rel_rank_range(B, scalar(), place(), below(4),
                                                                AS_LIST_RETURN_COUNT));
        CASE(26, as_operations_list_remove_by_index_range(B, place(), below(4), list_return()));
        CASE(27, as_operations_list_get_by_rank_range(B, place(), below(4), AS_LIST_RETURN_RANK));
        CASE(28, as_operations_list_clear(B));
    default:
        break;
    }
}

enum {
    LIST_KINDS = 29,
    MAP_KINDS = 30,
};

static void add_map_op(as_operations* ops, as_cdt_ctx* ctx, uint64_t kind)
{
    switch (kind) {
        CASE(0, as_operations_map_put(B, map_policy(), key(), element()));
        CASE(1, as_operations_map_put_items(B, map_policy(), map_of(3)));
        CASE(2, as_operations_map_increment(B, map_policy(), key(), scalar()));
        CASE(3, as_operations_map_decrement(B, map_policy(), key(), scalar()));
        CASE(4, as_operations_map_set_policy(B, map_policy()));
        CASE(5, as_operations_map_clear(B));
        CASE(6, as_operations_map_size(B));
        CASE(7, as_operations_map_get_by_key(B, key(), map_return()));
        CASE(8, as_operations_map_get_by_key_range(B, key(), key(), key_range_return()));
        CASE(9, as_operations_map_get_by_key_list(B, some_keys(), map_return()));
        CASE(10, as_operations_map_get_by_key_rel_index_range(B, key(), place(), below(4),
                                                              map_return()));
        CASE(11, as_operations_map_get_by_value(B, element(), map_return()));
        CASE(12, as_operations_map_get_by_value_range(B, element(), element(), map_return()));
        CASE(13, as_operations_map_get_by_value_list(B, some_values(), map_return()));
        CASE(14, as_operations_map_get_by_value_rel_rank_range(B, scalar(), place(), below(4),
                                                               map_return()));
        CASE(15, as_operations_map_get_by_index(B, place(), map_return()));
        CASE(16, as_operations_map_get_by_index_range(B, place(), below(4), map_return()));
        CASE(17, as_operations_map_get_by_rank(B, place(), map_return()));
        CASE(18, as_operations_map_get_by_rank_range(B, place(), below(4), map_return()));
        CASE(19, as_operations_map_remove_by_key(B, key(), map_return()));
        CASE(20, as_operations_map_remove_by_key_list(B, some_keys(), map_return()));
        CASE(21, as_operations_map_remove_by_key_range(B, key(), key(), key_range_return()));
        CASE(22, as_operations_map_remove_by_value(B, element(), map_return()));
        CASE(23, as_operations_map_remove_by_value_range(B, scalar(), scalar(), map_return()));
        CASE(24, as_operations_map_remove_by_value_list(B, some_values(), map_return()));
        CASE(25, as_operations_map_remove_by_index(B, place(), map_return()));
        CASE(26, as_operations_map_remove_by_index_range(B, place(), below(4), map_return()));
        CASE(27, as_operations_map_remove_by_rank(B, place(), map_return()));
        CASE(28, as_operations_map_remove_by_rank_range(B, place(), below(4), map_return()));
        CASE(29, as_operations_map_create(ops, "b", NULL, AS_MAP_KEY_ORDERED));
    default:
        break;
    }
}

/* Now and then into what is nested. No step that makes anything counts from the end. */
static void add_step(as_cdt_ctx* ctx)
{
    switch (below(8)) {
    case 0:
        as_cdt_ctx_add_list_index(ctx, (int)place());
        break;
    case 1:
        as_cdt_ctx_add_list_index_create(ctx, (int)below(4), (as_list_order)below(2), below(2));
        break;
    case 2: /* no rank: which of equal elements has it isn't promised */
        as_cdt_ctx_add_list_value(ctx, scalar());
        break;
    case 3:
        as_cdt_ctx_add_list_value(ctx, element());
        break;
    case 4:
        as_cdt_ctx_add_map_index(ctx, (int)place());
        break;
    case 5:
        as_cdt_ctx_add_map_rank(ctx, (int)place());
        break;
    case 6:
        as_cdt_ctx_add_map_key(ctx, key());
        break;
    default:
        as_cdt_ctx_add_map_key_create(ctx, key(), below(2) ? AS_MAP_KEY_ORDERED : AS_MAP_UNORDERED);
        break;
    }
}

static void add_cdt(as_operations* ops, uint64_t kind)
{
    as_cdt_ctx ctx;
    as_cdt_ctx_init(&ctx, 2);
    if (below(5) == 0) {
        add_step(&ctx);
        if (below(3) == 0) {
            add_step(&ctx);
        }
    }
    if (kind < LIST_KINDS) {
        add_list_op(ops, &ctx, kind);
    } else {
        add_map_op(ops, &ctx, kind - LIST_KINDS);
    }
    as_cdt_ctx_destroy(&ctx);
}

/* Something between: on the same bin or another. */
static void add_scalar(as_operations* ops)
{
    const char* bin = below(3) ? "x" : "b";
    switch (below(7)) {
    case 0:
        as_operations_add_read(ops, bin);
        break;
    case 1:
        as_operations_add_incr(ops, bin, (int64_t)below(5));
        break;
    case 2:
        as_operations_add_append_str(ops, bin, "z");
        break;
    case 3:
        as_operations_add_touch(ops);
        break;
    case 4:
        as_operations_add_write(ops, bin, (as_bin_value*)element());
        break;
    case 5:
        as_operations_add_read(ops, "none");
        break;
    default:
        as_operations_add_incr_double(ops, "d", 0.5);
        break;
    }
}

/* A fresh record, an operation or a few, the bin afterwards: one command. */
static void make(as_operations* ops, const step* s)
{
    prng.state = s->state;
    bool is_list = s->kind < LIST_KINDS;
    as_operations_init(ops, 12);
    as_operations_add_delete(ops);
    as_operations_add_write_int64(ops, "x", 1);
    if (below(12)) {
        bool fits = below(10) != 0;
        as_val* before = is_list == fits ? (as_val*)list_of(element, 5) : (as_val*)map_of(5);
        as_operations_add_write(ops, "b", (as_bin_value*)before);
        if (is_list == fits && below(3) == 0) {
            as_operations_list_set_order(ops, "b", NULL, AS_LIST_ORDERED);
        }
    }
    if (below(4) == 0) {
        add_cdt(ops, below(is_list ? LIST_KINDS : MAP_KINDS) + (is_list ? 0 : LIST_KINDS));
    }
    if (below(4) == 0) {
        add_scalar(ops);
    }
    add_cdt(ops, s->kind);
    if (below(6) == 0) {
        add_scalar(ops);
    }
    as_operations_add_read(ops, "b");
}

/* What was in the bin, and the way to what the operation worked on, for a report. */
static void describe(const step* s)
{
    as_operations ops;
    make(&ops, s);
    for (uint16_t i = 0; i < ops.binops.size; i++) {
        const as_binop* op = &ops.binops.entries[i];
        printf("  op %d %s %s\n", (int)op->op, op->bin.name,
               op->bin.valuep ? test_text((as_val*)op->bin.valuep) : "");
    }
    as_operations_destroy(&ops);
}

static int differences;

static void compare(const step* s, as_key* record_key)
{
    as_operations ops;
    char expected[4096];
    as_policy_operate policy;
    as_policy_operate_init(&policy);
    policy.base.total_timeout = 5000;
    policy.respond_all_ops = s->state >> 8 & 1;
    make(&ops, s);
    snprintf(expected, sizeof(expected), "%s", test_operate(&real, &policy, record_key, &ops));
    make(&ops, s);
    const char* got = test_operate(&mini, &policy, record_key, &ops);
    if (strncmp(expected, "error 9", 7) == 0 || strncmp(got, "error 9", 7) == 0) {
        return; /* a busy machine says nothing */
    }
    if (strcmp(got, expected) != 0) {
        differences++;
        printf("%s (seed %llu of kind %llu)\n", told, (unsigned long long)s->state,
               (unsigned long long)s->kind);
        describe(s);
        printf("  real: %s\n  mini: %s\n", expected, got);
    }
}

static void answers_are_the_same(void** state)
{
    as_key record_key;
    test_prng seeds = {.state = (uint64_t)(uintptr_t)*state};
    as_key_init_int64(&record_key, "test", "twins", getpid());
    for (int round = 0; round < 20000 && differences < 20; round++) {
        step s = {.kind = test_prng_below(&seeds, LIST_KINDS + MAP_KINDS)};
        s.state = test_prng_next(&seeds) | 1;
        compare(&s, &record_key);
    }
    assert_int_equal(differences, 0);
}

int main(int argc, char** argv)
{
    const char* hosts = getenv("AEROSPIKE_HOSTS");
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    if (!hosts) {
        puts("AEROSPIKE_HOSTS is not set");
        return 77;
    }
    char* real_hosts = strdup(hosts);
    unsetenv("AEROSPIKE_HOSTS");
    test_cluster* cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);
    if (!cluster) {
        return 1;
    }
    as_config config;
    test_config_init(&config, real_hosts);
    config.policies.operate.base.total_timeout = 5000;
    test_client_open(&real, &config);
    as_error err;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.policies.operate.base.total_timeout = 5000;
    aerospike_init(&mini, &config);
    if (aerospike_connect(&mini, &err) != AEROSPIKE_OK) {
        puts(err.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(answers_are_the_same, (void*)(uintptr_t)(seed | 1)),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    aerospike_close(&mini, &err);
    aerospike_destroy(&mini);
    test_client_close(&real);
    test_cluster_stop(cluster);
    free(real_hosts);
    return failed;
}
