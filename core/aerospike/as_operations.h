/**
 * A list of operations that one command applies to one record, in order.
 *
 * The number that fits is given when it is made, and a hard limit. Values are serialised when the
 * command is issued; borrowed memory must live until then.
 */
#pragma once

#include <aerospike/as_bin.h>
#include <aerospike/as_std.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What an operation does. Numbers of the client only, not of the wire. */
typedef enum as_operator_e {
    AS_OPERATOR_READ = 0,
    AS_OPERATOR_WRITE = 1,
    AS_OPERATOR_CDT_READ = 2,
    AS_OPERATOR_CDT_MODIFY = 3,
    AS_OPERATOR_MAP_READ = 4,
    AS_OPERATOR_MAP_MODIFY = 5,
    AS_OPERATOR_INCR = 6,
    AS_OPERATOR_EXP_READ = 7,
    AS_OPERATOR_EXP_MODIFY = 8,
    AS_OPERATOR_APPEND = 9,
    AS_OPERATOR_PREPEND = 10,
    AS_OPERATOR_TOUCH = 11,
    AS_OPERATOR_BIT_READ = 12,
    AS_OPERATOR_BIT_MODIFY = 13,
    AS_OPERATOR_DELETE = 14,
    AS_OPERATOR_HLL_READ = 15,
    AS_OPERATOR_HLL_MODIFY = 16,
    AS_OPERATOR_STRING_READ = 17,
    AS_OPERATOR_STRING_MODIFY = 18,
    AS_OPERATOR_TO_STRING = 19
} as_operator;

typedef struct as_binop_s {
    as_operator op;
    /** Name and operand; `valuep` is NULL where there is no operand. */
    as_bin bin;
} as_binop;

typedef struct as_binops_s {
    as_binop* entries;
    /** Operations that fit. */
    uint16_t capacity;
    uint16_t size;
    /** `entries` is heap memory of its own. */
    bool _free;
} as_binops;

typedef struct as_operations_s {
    as_binops binops;
    /** Seconds to live that a write sets; AS_RECORD_..._TTL. */
    uint32_t ttl;
    /** Expected generation, if the policy asks for it. */
    uint16_t gen;
    /** The struct is on the heap. */
    bool _free;
} as_operations;

/** Prepares `ops` with room for `nops` operations on the caller's stack. Several statements. */
#define as_operations_inita(ops, nops)                                                             \
    as_operations_init((ops), 0);                                                                  \
    (ops)->binops.entries = (as_binop*)alloca(sizeof(as_binop) * (size_t)(nops));                  \
    (ops)->binops.capacity = (uint16_t)(nops);

/** Prepares the caller's `ops` with room on the heap; NULL without memory, and for NULL. */
AS_EXTERN as_operations* as_operations_init(as_operations* ops, uint16_t nops);

/** Operations on the heap with room for `nops`; NULL without memory. */
AS_EXTERN as_operations* as_operations_new(uint16_t nops);

/** Destroys the operands and frees what is on the heap. */
AS_EXTERN void as_operations_destroy(as_operations* ops);

/** Whether there is an operation at all. */
static inline bool as_operations_defined(as_operations* ops)
{
    return ops && ops->binops.size > 0;
}

/**
 * Writes any value, one reference of which is taken over; NULL counts as nil. Like all of these:
 * false, and nothing is added or taken over, if there is no room, the name is NULL or longer than
 * 15 bytes.
 */
AS_EXTERN bool as_operations_add_write(as_operations* ops, const char* name, as_bin_value* value);

/** Writes a boolean. */
AS_EXTERN bool as_operations_add_write_bool(as_operations* ops, const char* name, bool value);

/** Writes an integer. */
AS_EXTERN bool as_operations_add_write_int64(as_operations* ops, const char* name, int64_t value);

/** Writes a double. */
AS_EXTERN bool as_operations_add_write_double(as_operations* ops, const char* name, double value);

/** Writes a text that is given away if `free` (malloc memory), else borrowed. */
AS_EXTERN bool as_operations_add_write_strp(as_operations* ops, const char* name, const char* value,
                                            bool free);

/** Writes a borrowed text. */
AS_EXTERN bool as_operations_add_write_str(as_operations* ops, const char* name, const char* value);

/** Writes a GeoJSON text that is given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_write_geojson_strp(as_operations* ops, const char* name,
                                                    const char* value, bool free);

/** Writes a borrowed GeoJSON text. */
AS_EXTERN bool as_operations_add_write_geojson_str(as_operations* ops, const char* name,
                                                   const char* value);

/** Writes bytes that are given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_write_rawp(as_operations* ops, const char* name,
                                            const uint8_t* value, uint32_t size, bool free);

/** Writes borrowed bytes. */
AS_EXTERN bool as_operations_add_write_raw(as_operations* ops, const char* name,
                                           const uint8_t* value, uint32_t size);

/** Adds to an integer bin. */
AS_EXTERN bool as_operations_add_incr(as_operations* ops, const char* name, int64_t value);

/** Adds to a double bin. */
AS_EXTERN bool as_operations_add_incr_double(as_operations* ops, const char* name, double value);

/** Puts a text in front of the one in a bin; given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_prepend_strp(as_operations* ops, const char* name,
                                              const char* value, bool free);

/** Puts a borrowed text in front of the one in a bin. */
AS_EXTERN bool as_operations_add_prepend_str(as_operations* ops, const char* name,
                                             const char* value);

/** Puts bytes in front of those in a bin; given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_prepend_rawp(as_operations* ops, const char* name,
                                              const uint8_t* value, uint32_t size, bool free);

/** Puts borrowed bytes in front of those in a bin. */
AS_EXTERN bool as_operations_add_prepend_raw(as_operations* ops, const char* name,
                                             const uint8_t* value, uint32_t size);

/** Puts a text behind the one in a bin; given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_append_strp(as_operations* ops, const char* name,
                                             const char* value, bool free);

/** Puts a borrowed text behind the one in a bin. */
AS_EXTERN bool as_operations_add_append_str(as_operations* ops, const char* name,
                                            const char* value);

/** Puts bytes behind those in a bin; given away if `free`, else borrowed. */
AS_EXTERN bool as_operations_add_append_rawp(as_operations* ops, const char* name,
                                             const uint8_t* value, uint32_t size, bool free);

/** Puts borrowed bytes behind those in a bin. */
AS_EXTERN bool as_operations_add_append_raw(as_operations* ops, const char* name,
                                            const uint8_t* value, uint32_t size);

/** Reads a bin. */
AS_EXTERN bool as_operations_add_read(as_operations* ops, const char* name);

/** Reads all bins: a read with an empty name. */
AS_EXTERN bool as_operations_add_read_all(as_operations* ops);

/** Resets the record's time to live. */
AS_EXTERN bool as_operations_add_touch(as_operations* ops);

/** Deletes the record. */
AS_EXTERN bool as_operations_add_delete(as_operations* ops);

/** Whether any operation changes the record. */
AS_EXTERN bool as_operations_has_write(const as_operations* ops);

/** Whether no operation reads. */
AS_EXTERN bool as_operations_consists_of_all_writes(const as_operations* ops);

/** Whether this is the operator of a plain read. */
AS_EXTERN bool as_operations_is_basic_read(as_operator t);

/** Whether there is a read of all bins. */
AS_EXTERN bool as_operations_add_read_all_called(const as_operations* ops);

#ifdef __cplusplus
}
#endif

/* Programs that include only this header use list operations. */
#include <aerospike/as_list_operations.h>
