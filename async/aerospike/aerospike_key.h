/**
 * Commands on one record: get, select, exists, put, remove, operate, apply.
 *
 * Each takes what it needs out of its arguments during the call: key, record, names and policy may
 * go afterwards, `udata` is the program's until the listener. A NULL policy is the client's
 * default.
 *
 * Asynchronous calls. AEROSPIKE_OK: `listener` is called once, from the loop. Anything else: it
 * isn't called, and `err` says why: a bad argument or policy (AEROSPIKE_ERR_PARAM), a namespace
 * that the cluster doesn't have (AEROSPIKE_ERR_NAMESPACE_NOT_FOUND), a client that is closed or
 * crossed a fork (AEROSPIKE_ERR_CLIENT). `event_loop` NULL is the next in rotation. `pipe_listener`
 * (NULL: none) is called once, from the loop and before the listener, when the request was sent:
 * the next command may be started then. Such commands, writes too, share connections as reads do;
 * see as_config.async_share_conns. Commands started one after the other may be executed in any
 * order: chain those that depend on each other in listeners.
 *
 * Synchronous calls wait on a loop of their own and use connections of their own; they are refused
 * inside callbacks of the event loop, and where that loop is one that the library can't run.
 *
 * A missing record is the error AEROSPIKE_ERR_RECORD_NOT_FOUND. A write that may have been applied
 * although it failed has err->in_doubt.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/as_error.h>
#include <aerospike/as_key.h>
#include <aerospike/as_list.h>
#include <aerospike/as_listener.h>
#include <aerospike/as_operations.h>
#include <aerospike/as_policy.h>
#include <aerospike/as_record.h>
#include <aerospike/as_status.h>
#include <aerospike/as_val.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Reads all bins. */
AS_EXTERN as_status aerospike_key_get_async(aerospike* as, as_error* err,
                                            const as_policy_read* policy, const as_key* key,
                                            as_async_record_listener listener, void* udata,
                                            as_event_loop* event_loop,
                                            as_pipe_listener pipe_listener);

/** Reads the bins of a list of names that ends with NULL or "". */
AS_EXTERN as_status aerospike_key_select_async(aerospike* as, as_error* err,
                                               const as_policy_read* policy, const as_key* key,
                                               const char** bins, as_async_record_listener listener,
                                               void* udata, as_event_loop* event_loop,
                                               as_pipe_listener pipe_listener);

/** Reads `n_bins` bins by name. */
AS_EXTERN as_status aerospike_key_select_bins_async(aerospike* as, as_error* err,
                                                    const as_policy_read* policy, const as_key* key,
                                                    const char** bins, uint32_t n_bins,
                                                    as_async_record_listener listener, void* udata,
                                                    as_event_loop* event_loop,
                                                    as_pipe_listener pipe_listener);

/** Asks for generation and ttl: a record without bins. */
AS_EXTERN as_status aerospike_key_exists_async(aerospike* as, as_error* err,
                                               const as_policy_read* policy, const as_key* key,
                                               as_async_record_listener listener, void* udata,
                                               as_event_loop* event_loop,
                                               as_pipe_listener pipe_listener);

/** Writes the bins of `rec`; its `gen` is compared if the policy says so, its `ttl` is set. */
AS_EXTERN as_status aerospike_key_put_async(aerospike* as, as_error* err,
                                            const as_policy_write* policy, const as_key* key,
                                            as_record* rec, as_async_write_listener listener,
                                            void* udata, as_event_loop* event_loop,
                                            as_pipe_listener pipe_listener);

/** Deletes the record. */
AS_EXTERN as_status aerospike_key_remove_async(aerospike* as, as_error* err,
                                               const as_policy_remove* policy, const as_key* key,
                                               as_async_write_listener listener, void* udata,
                                               as_event_loop* event_loop,
                                               as_pipe_listener pipe_listener);

/**
 * Applies operations to the record, all of them or none, in their order and under the record's
 * lock. The listener's record has one bin per result, in that order; several may have one name.
 * With respond_all_ops (of the policy, or of operations that imply it) what has no result of its
 * own gets a nil, except touch. Without a policy, operations that only read have the retries of
 * reads. AEROSPIKE_ERR_PARAM: no operations, one whose value doesn't suit it, or a read of all bins
 * beside reads that a server would leave out without a word.
 */
AS_EXTERN as_status aerospike_key_operate_async(aerospike* as, as_error* err,
                                                const as_policy_operate* policy, const as_key* key,
                                                const as_operations* ops,
                                                as_async_record_listener listener, void* udata,
                                                as_event_loop* event_loop,
                                                as_pipe_listener pipe_listener);

/**
 * Calls a function of a registered module on the record. The listener's value is what it returns,
 * on the heap and destroyed after the listener: as_val_reserve() keeps it. `arglist` NULL: no
 * arguments. AEROSPIKE_ERR_UDF: it failed, the server's text is in the error.
 */
AS_EXTERN as_status aerospike_key_apply_async(aerospike* as, as_error* err,
                                              const as_policy_apply* policy, const as_key* key,
                                              const char* module, const char* function,
                                              as_list* arglist, as_async_value_listener listener,
                                              void* udata, as_event_loop* event_loop,
                                              as_pipe_listener pipe_listener);

/**
 * Reads all bins. `*rec` NULL: a record on the heap is made on success, which the program destroys.
 * `*rec` given: it is filled, its old values are destroyed, and its bins move to the heap if they
 * are too few. `rec` NULL: only the status counts. Likewise for the other reads.
 */
AS_EXTERN as_status aerospike_key_get(aerospike* as, as_error* err, const as_policy_read* policy,
                                      const as_key* key, as_record** rec);

/** Reads the bins of a list of names that ends with NULL or "". */
AS_EXTERN as_status aerospike_key_select(aerospike* as, as_error* err, const as_policy_read* policy,
                                         const as_key* key, const char** bins, as_record** rec);

/** Reads `n_bins` bins by name. */
AS_EXTERN as_status aerospike_key_select_bins(aerospike* as, as_error* err,
                                              const as_policy_read* policy, const as_key* key,
                                              const char** bins, uint32_t n_bins, as_record** rec);

/** Asks for generation and ttl: a record without bins. */
AS_EXTERN as_status aerospike_key_exists(aerospike* as, as_error* err, const as_policy_read* policy,
                                         const as_key* key, as_record** rec);

/** Writes the bins of `rec`; its `gen` is compared if the policy says so, its `ttl` is set. */
AS_EXTERN as_status aerospike_key_put(aerospike* as, as_error* err, const as_policy_write* policy,
                                      const as_key* key, as_record* rec);

/** Deletes the record. */
AS_EXTERN as_status aerospike_key_remove(aerospike* as, as_error* err,
                                         const as_policy_remove* policy, const as_key* key);

/** Applies operations to the record; `rec` gets the results, as for aerospike_key_get(). */
AS_EXTERN as_status aerospike_key_operate(aerospike* as, as_error* err,
                                          const as_policy_operate* policy, const as_key* key,
                                          const as_operations* ops, as_record** rec);

/** Calls a function on the record. `*result` gets its value, the program's to be released by
 * as_val_destroy(); NULL on failure. `result` may be NULL. */
AS_EXTERN as_status aerospike_key_apply(aerospike* as, as_error* err, const as_policy_apply* policy,
                                        const as_key* key, const char* module, const char* function,
                                        as_list* arglist, as_val** result);

#ifdef __cplusplus
}
#endif
