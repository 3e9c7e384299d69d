/**
 * Batches: commands on many keys, grouped by node.
 *
 * A batch is a list of rows, each a read, write, UDF or remove on a key of its own with its own
 * policy. One message goes to each node that has a row; large ones are cut, so that a node has one
 * message of a batch at a time. After a failure of a node only the rows without an answer are sent
 * again, to wherever their partitions are then.
 *
 * Each row gets a result. What a node never answered stays AEROSPIKE_NO_RESPONSE; a write among
 * those may have been applied if the row's in_doubt is set. AEROSPIKE_ERR_RECORD_NOT_FOUND and
 * AEROSPIKE_FILTERED_OUT are no failures of a batch.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/as_batch.h>
#include <aerospike/as_error.h>
#include <aerospike/as_key.h>
#include <aerospike/as_list.h>
#include <aerospike/as_listener.h>
#include <aerospike/as_operations.h>
#include <aerospike/as_policy.h>
#include <aerospike/as_record.h>
#include <aerospike/as_status.h>
#include <aerospike/as_val.h>
#include <aerospike/as_vector.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Kind of a row. */
typedef uint8_t as_batch_type;
#define AS_BATCH_READ 0
#define AS_BATCH_WRITE 1
#define AS_BATCH_APPLY 2
#define AS_BATCH_REMOVE 3
#define AS_BATCH_TXN_VERIFY 4
#define AS_BATCH_TXN_ROLL 5

/** What all rows begin with. The program sets the key, in place; the rest is the library's. */
typedef struct as_batch_base_record_s {
    as_key key;
    /** Valid if `result` is AEROSPIKE_OK or AEROSPIKE_ERR_UDF (bin FAILURE). */
    as_record record;
    as_status result;
    as_batch_type type;
    bool has_write;
    /** A write may have been applied although it failed. */
    bool in_doubt;
} as_batch_base_record;

/** Reads: of the operations, else of the named bins, else of all bins, else of generation and ttl
 * alone. */
typedef struct as_batch_read_record_s {
    as_key key;
    as_record record;
    as_status result;
    as_batch_type type;
    bool has_write;
    bool in_doubt;
    /** NULL: what the batch's policy says. Like all pointers here only used during the call. */
    const as_policy_batch_read* policy;
    /** Reads only. The record has one bin for each of them. */
    as_operations* ops;
    char** bin_names;
    uint32_t n_bin_names;
    bool read_all_bins;
} as_batch_read_record;

/** Operations of which at least one writes. The record has one bin for each of them. */
typedef struct as_batch_write_record_s {
    as_key key;
    as_record record;
    as_status result;
    as_batch_type type;
    bool has_write;
    bool in_doubt;
    /** NULL: the client's policies.batch_write. */
    const as_policy_batch_write* policy;
    as_operations* ops;
} as_batch_write_record;

/** A function of a registered module. The record has a bin SUCCESS or FAILURE. */
typedef struct as_batch_apply_record_s {
    as_key key;
    as_record record;
    as_status result;
    as_batch_type type;
    bool has_write;
    bool in_doubt;
    /** NULL: the client's policies.batch_apply. */
    const as_policy_batch_apply* policy;
    const char* module;
    const char* function;
    /** NULL: no arguments. */
    as_list* arglist;
} as_batch_apply_record;

/** A remove. */
typedef struct as_batch_remove_record_s {
    as_key key;
    as_record record;
    as_status result;
    as_batch_type type;
    bool has_write;
    bool in_doubt;
    /** NULL: the client's policies.batch_remove. */
    const as_policy_batch_remove* policy;
} as_batch_remove_record;

typedef union {
    as_batch_base_record base;
    as_batch_read_record read;
    as_batch_write_record write;
    as_batch_apply_record apply;
    as_batch_remove_record remove;
} as_batch_record;

/** Rows; walk `list.size` of them with as_vector_get(). */
typedef struct as_batch_records_s {
    as_vector list;
} as_batch_records;

/** Old name. */
typedef as_batch_records as_batch_read_records;

/** Of the synchronous calls: all results in the order of the keys, once. What it returns is
 * ignored. */
typedef bool (*as_batch_listener)(const as_batch_result* results, uint32_t n, void* udata);

/** Old name. */
typedef as_batch_listener aerospike_batch_read_callback;

/** Called once. `records` is passed in every case and is the program's: it destroys it, here or
 * later. `err` NULL: every row's result is AEROSPIKE_OK, 2 or 27. AEROSPIKE_BATCH_FAILED: some row
 * failed otherwise. Anything else: a node failed, this is what the first one said. */
typedef void (*as_async_batch_listener)(as_error* err, as_batch_records* records, void* udata,
                                        as_event_loop* event_loop);

/** Rows on the caller's stack, for synchronous calls only. */
#define as_batch_records_inita(_records, _capacity)                                                \
    as_vector_inita(&(_records)->list, sizeof(as_batch_record), _capacity);
#define as_batch_read_inita(_records, _capacity) as_batch_records_inita(_records, _capacity)

/** On the heap; as_batch_records_create() for asynchronous calls. */
AS_EXTERN void as_batch_records_init(as_batch_records* records, uint32_t capacity);
AS_EXTERN as_batch_records* as_batch_records_create(uint32_t capacity);

/** The next row, zeroed but for its kind; NULL without memory. Rows move when they outgrow their
 * room: addresses of earlier ones are good until the next call. */
AS_EXTERN as_batch_read_record* as_batch_read_reserve(as_batch_records* records);
AS_EXTERN as_batch_write_record* as_batch_write_reserve(as_batch_records* records);
AS_EXTERN as_batch_apply_record* as_batch_apply_reserve(as_batch_records* records);
AS_EXTERN as_batch_remove_record* as_batch_remove_reserve(as_batch_records* records);

/** Destroys keys and records of all rows, and the list. What rows point to stays the program's. */
AS_EXTERN void as_batch_records_destroy(as_batch_records* records);

/** Old names. */
static inline void as_batch_read_init(as_batch_records* records, uint32_t capacity)
{
    as_batch_records_init(records, capacity);
}

static inline as_batch_records* as_batch_read_create(uint32_t capacity)
{
    return as_batch_records_create(capacity);
}

static inline void as_batch_read_destroy(as_batch_records* records)
{
    as_batch_records_destroy(records);
}

/**
 * Starts a batch of reads. AEROSPIKE_OK: the listener is called once, from the loop. Else it isn't,
 * `records` is the program's as before, and `err` says why: a bad row (AEROSPIKE_ERR_PARAM, with
 * its number), or no row whose namespace the cluster has (AEROSPIKE_BATCH_FAILED). `records` must
 * come from as_batch_records_create() and live until the listener; all else that rows point to is
 * used during the call only. A NULL policy is the client's policies.batch.
 */
AS_EXTERN as_status aerospike_batch_read_async(aerospike* as, as_error* err,
                                               const as_policy_batch* policy,
                                               as_batch_records* records,
                                               as_async_batch_listener listener, void* udata,
                                               as_event_loop* event_loop);

/** The same for rows of all kinds. A NULL policy is the client's policies.batch_parent_write. */
AS_EXTERN as_status aerospike_batch_write_async(aerospike* as, as_error* err,
                                                const as_policy_batch* policy,
                                                as_batch_records* records,
                                                as_async_batch_listener listener, void* udata,
                                                as_event_loop* event_loop);

/** As the asynchronous calls; they wait on a loop of their own, see aerospike_key.h. */
AS_EXTERN as_status aerospike_batch_read(aerospike* as, as_error* err,
                                         const as_policy_batch* policy, as_batch_records* records);
AS_EXTERN as_status aerospike_batch_write(aerospike* as, as_error* err,
                                          const as_policy_batch* policy, as_batch_records* records);

/** One operation for many keys. The listener may be NULL; it is called once before the call
 * returns, also when the batch failed. policy->concurrent means nothing: nodes always work at the
 * same time. */
AS_EXTERN as_status aerospike_batch_get(aerospike* as, as_error* err, const as_policy_batch* policy,
                                        const as_batch* batch, as_batch_listener listener,
                                        void* udata);
AS_EXTERN as_status aerospike_batch_get_bins(aerospike* as, as_error* err,
                                             const as_policy_batch* policy, const as_batch* batch,
                                             const char** bins, uint32_t n_bins,
                                             as_batch_listener listener, void* udata);
AS_EXTERN as_status aerospike_batch_get_ops(aerospike* as, as_error* err,
                                            const as_policy_batch* policy, const as_batch* batch,
                                            as_operations* ops, as_batch_listener listener,
                                            void* udata);
AS_EXTERN as_status aerospike_batch_exists(aerospike* as, as_error* err,
                                           const as_policy_batch* policy, const as_batch* batch,
                                           as_batch_listener listener, void* udata);
AS_EXTERN as_status aerospike_batch_operate(aerospike* as, as_error* err,
                                            const as_policy_batch* policy,
                                            const as_policy_batch_write* policy_write,
                                            const as_batch* batch, as_operations* ops,
                                            as_batch_listener listener, void* udata);
AS_EXTERN as_status aerospike_batch_apply(aerospike* as, as_error* err,
                                          const as_policy_batch* policy,
                                          const as_policy_batch_apply* policy_apply,
                                          const as_batch* batch, const char* module,
                                          const char* function, as_list* arglist,
                                          as_batch_listener listener, void* udata);
AS_EXTERN as_status aerospike_batch_remove(aerospike* as, as_error* err,
                                           const as_policy_batch* policy,
                                           const as_policy_batch_remove* policy_remove,
                                           const as_batch* batch, as_batch_listener listener,
                                           void* udata);

#ifdef __cplusplus
}
#endif
