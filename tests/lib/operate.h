/*
 * Operations on a record, and their results as a text that a test can compare.
 */
#pragma once

#include <aerospike/aerospike_key.h>

/*
 * Applies the operations from the event loop, waits, destroys them, and renders what came:
 *
 *     a=1 s="xy" m={"k":[1, NIL]}     the bins, in their order; "" for none
 *     error 12                        the listener's status; "error 9 in doubt"
 *     refused -2                      what the call itself answered
 *
 * The text is good until the next call.
 */
const char* test_operate(aerospike* as, const as_policy_operate* policy, const as_key* key,
                         as_operations* ops);

/* The same by the synchronous call. */
const char* test_operate_sync(aerospike* as, const as_policy_operate* policy, const as_key* key,
                              as_operations* ops);

/* All bins of the record in the same form. */
const char* test_read(aerospike* as, const as_key* key);

/* Message of the last error, and generation and ttl of the last record. */
const char* test_operate_message(void);
uint32_t test_operate_generation(void);
uint32_t test_operate_ttl(void);
