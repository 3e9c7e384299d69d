/*
 * Operations on lists and maps, one case a line: a value, an operation, what it answers, and what
 * the value is afterwards. All of a case is one command.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/client.h"
#include "tests/lib/cluster.h"
#include "tests/lib/operate.h"
#include "tests/lib/value.h"

static test_cluster* cluster;
static aerospike as;
static as_key key;
static as_operations ops;

#define BIN &ops, "b"
#define V(text) test_value(text)
#define L(text) ((as_list*)test_value(text))
#define M(text) ((as_map*)test_value(text))

/* A fresh record whose bin is `before` (text of a value; NULL: there is none). */
static inline void case_begin(const char* before)
{
    as_operations_init(&ops, 8);
    as_operations_add_delete(&ops);
    as_operations_add_write_int64(&ops, "x", 1);
    if (before) {
        as_operations_add_write(&ops, "b", (as_bin_value*)test_value(before));
    }
}

/* Without an answer for each operation: the operation's, if it has one, and the bin afterwards. */
static inline void case_end(const char* call, const char* result, const char* after)
{
    char expected[4096];
    as_operations_add_read(&ops, "b");
    if (strncmp(result, "error", 5) == 0 || strncmp(result, "refused", 7) == 0) {
        snprintf(expected, sizeof(expected), "%s", result);
    } else {
        snprintf(expected, sizeof(expected), "%s%s%s%s%s", result[0] ? "b=" : "", result,
                 result[0] && after ? " " : "", after ? "b=" : "", after ? after : "");
    }
    const char* got = test_operate(&as, NULL, &key, &ops);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s\n     got: %s\nexpected: %s %s", call, got, expected, test_operate_message());
    }
}

/* With one: nil for delete and the writes comes first. */
static inline void case_end_all(const char* before, const char* call, const char* result,
                                const char* after)
{
    char expected[4096];
    as_operations_add_read(&ops, "b");
    if (strncmp(result, "error", 5) == 0 || strncmp(result, "refused", 7) == 0) {
        snprintf(expected, sizeof(expected), "%s", result);
    } else {
        snprintf(expected, sizeof(expected), "=NIL x=NIL %sb=%s b=%s", before ? "b=NIL " : "",
                 result, after ? after : "NIL");
    }
    const char* got = test_operate(&as, NULL, &key, &ops);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s\n     got: %s\nexpected: %s %s", call, got, expected, test_operate_message());
    }
}

/* A list operation that changes: result "" for none; `after` NULL: the bin is missing. */
#define CHANGES(before, call, result, after)                                                       \
    do {                                                                                           \
        case_begin(before);                                                                        \
        (void)(call);                                                                              \
        case_end(#call, result, after);                                                            \
    } while (0)

/* A list operation that reads. */
#define READS(before, call, result) CHANGES(before, call, result, test_plain(before))

/* Map operations have an answer each, NIL for none. */
#define MAP_CHANGES(before, call, result, after)                                                   \
    do {                                                                                           \
        case_begin(before);                                                                        \
        (void)(call);                                                                              \
        case_end_all(before, #call, result, after);                                                \
    } while (0)
#define MAP_READS(before, call, result) MAP_CHANGES(before, call, result, test_plain(before))

/* The text of a value as it comes back. */
static inline const char* test_plain(const char* text)
{
    if (!text) {
        return NULL;
    }
    as_val* val = test_value(text);
    const char* plain = test_text(val);
    as_val_destroy(val);
    return plain;
}

static inline int rig_open(void** state)
{
    (void)state;
    as_config config;
    test_config_init(&config, test_cluster_hosts(cluster));
    config.policies.read.base.total_timeout = 5000;
    config.policies.operate.base.total_timeout = 5000;
    test_client_open(&as, &config);
    as_key_init_int64(&key, "test", "cdt", getpid());
    return 0;
}

static inline int rig_close(void** state)
{
    (void)state;
    as_error err;
    aerospike_key_remove(&as, &err, NULL, &key);
    test_client_close(&as);
    return 0;
}

#define RIG_MAIN(tests)                                                                            \
    cluster = test_cluster_start("--nodes", "3", "--namespaces", "test:2", NULL);                  \
    if (!cluster) {                                                                                \
        return 1;                                                                                  \
    }                                                                                              \
    int failed = cmocka_run_group_tests(tests, rig_open, rig_close);                               \
    test_cluster_stop(cluster);                                                                    \
    return failed;
