/*
 * Helpers for the golden bytes of operations on lists and maps.
 */
#ifndef TENDRIL_TESTS_UNIT_CDT_VECTORS_H
#define TENDRIL_TESTS_UNIT_CDT_VECTORS_H

#include <stdio.h>

#include <aerospike/as_arraylist.h>
#include <aerospike/as_list_operations.h>
#include <aerospike/as_map_operations.h>

#include "core/operations.h"
#include "tests/lib/value.h"

/* Bytes as "92 01 05". */
static inline const char* cdt_hex(const as_bytes* bytes)
{
    static char text[4096];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < bytes->size && used + 4 < sizeof(text); i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, i > 0 ? " %02x" : "%02x",
                                 bytes->value[i]);
    }
    return text;
}

static inline const as_binop* cdt_last(const as_operations* ops)
{
    return &ops->binops.entries[ops->binops.size - 1];
}

/* The call adds an operation with this operator and these bytes. */
#define assert_packs(operator_, packed_, call)                                                     \
    do {                                                                                           \
        as_operations ops;                                                                         \
        as_operations_inita(&ops, 1);                                                              \
        assert_true(call);                                                                         \
        assert_int_equal(ops.binops.size, 1);                                                      \
        assert_int_equal(cdt_last(&ops)->op, operator_);                                           \
        assert_string_equal(cdt_last(&ops)->bin.name, "b");                                        \
        assert_int_equal(cdt_last(&ops)->bin.valuep->bytes.type, AS_BYTES_BLOB);                   \
        assert_string_equal(cdt_hex(&cdt_last(&ops)->bin.valuep->bytes), packed_);                 \
        as_operations_destroy(&ops);                                                               \
    } while (0)

/* The call is false and leaves an operation that is refused for this reason. */
#define assert_refused(reason, call)                                                               \
    do {                                                                                           \
        as_operations ops;                                                                         \
        as_operations_inita(&ops, 1);                                                              \
        assert_false(call);                                                                        \
        assert_int_equal(ops.binops.size, 1);                                                      \
        assert_non_null(tnd_operations_refusal(cdt_last(&ops)));                                   \
        assert_non_null(strstr(tnd_operations_refusal(cdt_last(&ops)), reason));                   \
        as_operations_destroy(&ops);                                                               \
    } while (0)

static inline as_list* cdt_list(const char* text)
{
    return (as_list*)test_value(text);
}

static inline as_map* cdt_map(const char* text)
{
    return (as_map*)test_value(text);
}

#endif
