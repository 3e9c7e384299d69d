/**
 * Files of UDFs on servers: list, get, put, remove. Calling what is in them is in aerospike_key.h
 * and aerospike_batch.h, by the file's name without its ending.
 *
 * Each call asks one node, which passes a change on to the others: what it answers, after 2 seconds
 * at most, holds for all nodes of that moment. Give put and remove a policy with more time than
 * that (policies.info has 1 second by default). A NULL policy is the client's policies.info. A file
 * is named with its ending, directories in front are cut off.
 *
 * Errors: AEROSPIKE_ERR_UDF with the server's reason (a file that can't be compiled, that isn't
 * there, a node that didn't answer in time); AEROSPIKE_ERR_PARAM for a name or content that no
 * server takes; those of info requests.
 */
#pragma once

#include <aerospike/aerospike.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_listener.h>
#include <aerospike/as_udf.h>

#ifdef __cplusplus
extern "C" {
#endif

/** `files`, or `file`, is NULL on failure and gone when the listener returns. */
typedef void (*as_async_udf_list_listener)(as_error* err, as_udf_files* files, void* udata,
                                           as_event_loop* event_loop);
typedef void (*as_async_udf_get_listener)(as_error* err, as_udf_file* file, void* udata,
                                          as_event_loop* event_loop);

AS_EXTERN as_status aerospike_udf_list_async(aerospike* as, as_error* err,
                                             const as_policy_info* policy,
                                             as_async_udf_list_listener listener, void* udata,
                                             as_event_loop* event_loop);
AS_EXTERN as_status aerospike_udf_get_async(aerospike* as, as_error* err,
                                            const as_policy_info* policy, const char* filename,
                                            as_udf_type type, as_async_udf_get_listener listener,
                                            void* udata, as_event_loop* event_loop);

/** `content` is read during the call alone. */
AS_EXTERN as_status aerospike_udf_put_async(aerospike* as, as_error* err,
                                            const as_policy_info* policy, const char* filename,
                                            as_udf_type type, as_bytes* content,
                                            as_async_write_listener listener, void* udata,
                                            as_event_loop* event_loop);
AS_EXTERN as_status aerospike_udf_remove_async(aerospike* as, as_error* err,
                                               const as_policy_info* policy, const char* filename,
                                               as_async_write_listener listener, void* udata,
                                               as_event_loop* event_loop);

/** Asks all nodes at once and then every `interval_ms` (0: 1000) until each of them has the file,
 * or none has it. AEROSPIKE_ERR_TIMEOUT after 60 seconds. */
AS_EXTERN as_status aerospike_udf_put_wait_async(aerospike* as, as_error* err,
                                                 const as_policy_info* policy, const char* filename,
                                                 uint32_t interval_ms,
                                                 as_async_write_listener listener, void* udata,
                                                 as_event_loop* event_loop);
AS_EXTERN as_status aerospike_udf_remove_wait_async(aerospike* as, as_error* err,
                                                    const as_policy_info* policy,
                                                    const char* filename, uint32_t interval_ms,
                                                    as_async_write_listener listener, void* udata,
                                                    as_event_loop* event_loop);

/** Synchronous; see aerospike_key.h. `files` and `file` are initialised and the program's to
 * destroy. */
AS_EXTERN as_status aerospike_udf_list(aerospike* as, as_error* err, const as_policy_info* policy,
                                       as_udf_files* files);
AS_EXTERN as_status aerospike_udf_get(aerospike* as, as_error* err, const as_policy_info* policy,
                                      const char* filename, as_udf_type type, as_udf_file* file);
AS_EXTERN as_status aerospike_udf_put(aerospike* as, as_error* err, const as_policy_info* policy,
                                      const char* filename, as_udf_type type, as_bytes* content);
AS_EXTERN as_status aerospike_udf_remove(aerospike* as, as_error* err, const as_policy_info* policy,
                                         const char* filename);
AS_EXTERN as_status aerospike_udf_put_wait(aerospike* as, as_error* err,
                                           const as_policy_info* policy, const char* filename,
                                           uint32_t interval_ms);
AS_EXTERN as_status aerospike_udf_remove_wait(aerospike* as, as_error* err,
                                              const as_policy_info* policy, const char* filename,
                                              uint32_t interval_ms);

#ifdef __cplusplus
}
#endif
