/*
 * Can a command run with this policy? Enums in their range, and nothing set whose feature isn't
 * there yet. For the policies of calls and for a configuration's defaults alike.
 */
#ifndef TENDRIL_CORE_POLICY_H
#define TENDRIL_CORE_POLICY_H

#include <aerospike/as_error.h>
#include <aerospike/as_policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* AEROSPIKE_OK, or AEROSPIKE_ERR_PARAM with the field's name. Cheap enough for every command. */
as_status tnd_policy_check_read(const as_policy_read* policy, as_error* err);
as_status tnd_policy_check_write(const as_policy_write* policy, as_error* err);
as_status tnd_policy_check_operate(const as_policy_operate* policy, as_error* err);
as_status tnd_policy_check_remove(const as_policy_remove* policy, as_error* err);
as_status tnd_policy_check_apply(const as_policy_apply* policy, as_error* err);
as_status tnd_policy_check_batch(const as_policy_batch* policy, as_error* err);

/* The same for the rows of a batch. */
as_status tnd_policy_check_batch_read(const as_policy_batch_read* policy, as_error* err);
as_status tnd_policy_check_batch_write(const as_policy_batch_write* policy, as_error* err);
as_status tnd_policy_check_batch_apply(const as_policy_batch_apply* policy, as_error* err);
as_status tnd_policy_check_batch_remove(const as_policy_batch_remove* policy, as_error* err);

/* The common part alone, of any policy; `name` is the policy's, for the text. */
as_status tnd_policy_check_base(const as_policy_base* base, const char* name, as_error* err);

#ifdef __cplusplus
}
#endif

#endif
