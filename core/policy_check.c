/*
 * What a policy may say today.
 */
#include "core/policy.h"

#include <aerospike/as_subcode.h>

/* Fields whose feature comes later: field, when it is set, what is missing. Delete a row when its
   feature lands. */
#define LATER_IN_BASE(X)                                                                           \
    X(txn, base->txn != NULL, "transactions")                                                      \
    X(error_detail_verbosity, base->error_detail_verbosity != AS_ERROR_DETAIL_NONE, "error details")

static as_status refuse_later(as_error* err, const char* name, const char* field,
                              const char* feature)
{
    return as_error_update(err, AEROSPIKE_ERR_PARAM, "%s.%s is set, but %s aren't supported yet",
                           name, field, feature);
}

static as_status refuse_range(as_error* err, const char* name, const char* field, long value)
{
    return as_error_update(err, AEROSPIKE_ERR_PARAM, "%s.%s has no meaning for %ld", name, field,
                           value);
}

as_status tnd_policy_check_base(const as_policy_base* base, const char* name, as_error* err)
{
#define REFUSE(field, is_set, feature)                                                             \
    if (is_set) {                                                                                  \
        return refuse_later(err, name, "base." #field, feature);                                   \
    }
    LATER_IN_BASE(REFUSE)
#undef REFUSE
    return AEROSPIKE_OK;
}

/* Enums of the program are whatever the program stored: compared as numbers. */
static bool is_beyond(unsigned value, unsigned last)
{
    return value > last;
}

static as_status check_common(as_error* err, const char* name, as_policy_key key,
                              as_policy_replica replica)
{
    if (is_beyond(key, AS_POLICY_KEY_SEND)) {
        return refuse_range(err, name, "key", (long)key);
    }
    if (is_beyond(replica, AS_POLICY_REPLICA_RANDOM)) {
        return refuse_range(err, name, "replica", (long)replica);
    }
    return AEROSPIKE_OK;
}

static as_status check_read_modes(as_error* err, const char* name, as_policy_read_mode_ap ap,
                                  as_policy_read_mode_sc sc, int touch_percent)
{
    if (is_beyond(ap, AS_POLICY_READ_MODE_AP_ALL)) {
        return refuse_range(err, name, "read_mode_ap", (long)ap);
    }
    if (is_beyond(sc, AS_POLICY_READ_MODE_SC_ALLOW_UNAVAILABLE)) {
        return refuse_range(err, name, "read_mode_sc", (long)sc);
    }
    if (touch_percent < -1 || touch_percent > 100) {
        return refuse_range(err, name, "read_touch_ttl_percent", touch_percent);
    }
    return AEROSPIKE_OK;
}

static as_status check_write_modes(as_error* err, const char* name, as_policy_commit_level commit,
                                   as_policy_gen gen, as_policy_exists exists)
{
    if (is_beyond(commit, AS_POLICY_COMMIT_LEVEL_MASTER)) {
        return refuse_range(err, name, "commit_level", (long)commit);
    }
    if (is_beyond(gen, AS_POLICY_GEN_GT)) {
        return refuse_range(err, name, "gen", (long)gen);
    }
    if (is_beyond(exists, AS_POLICY_EXISTS_CREATE_OR_REPLACE)) {
        return refuse_range(err, name, "exists", (long)exists);
    }
    return AEROSPIKE_OK;
}

as_status tnd_policy_check_read(const as_policy_read* policy, as_error* err)
{
    static const char name[] = "as_policy_read";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, policy->key, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_read_modes(err, name, policy->read_mode_ap, policy->read_mode_sc,
                                  policy->read_touch_ttl_percent);
    }
    return status;
}

as_status tnd_policy_check_operate(const as_policy_operate* policy, as_error* err)
{
    static const char name[] = "as_policy_operate";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, policy->key, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_read_modes(err, name, policy->read_mode_ap, policy->read_mode_sc,
                                  policy->read_touch_ttl_percent);
    }
    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, policy->gen, policy->exists);
    }
    if (status == AEROSPIKE_OK && policy->on_locking_only) {
        status = refuse_later(err, name, "on_locking_only", "transactions");
    }
    return status;
}

as_status tnd_policy_check_write(const as_policy_write* policy, as_error* err)
{
    static const char name[] = "as_policy_write";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, policy->key, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, policy->gen, policy->exists);
    }
    if (status != AEROSPIKE_OK) {
        return status;
    }
    if (policy->on_locking_only) {
        return refuse_later(err, name, "on_locking_only", "transactions");
    }
    return AEROSPIKE_OK;
}

as_status tnd_policy_check_remove(const as_policy_remove* policy, as_error* err)
{
    static const char name[] = "as_policy_remove";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, policy->key, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, policy->gen,
                                   AS_POLICY_EXISTS_IGNORE);
    }
    return status;
}

as_status tnd_policy_check_apply(const as_policy_apply* policy, as_error* err)
{
    static const char name[] = "as_policy_apply";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, policy->key, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, AS_POLICY_GEN_IGNORE,
                                   AS_POLICY_EXISTS_IGNORE);
    }
    if (status == AEROSPIKE_OK && policy->on_locking_only) {
        status = refuse_later(err, name, "on_locking_only", "transactions");
    }
    return status;
}

/* ---- batches ---- */

as_status tnd_policy_check_batch(const as_policy_batch* policy, as_error* err)
{
    static const char name[] = "as_policy_batch";
    as_status status = tnd_policy_check_base(&policy->base, name, err);

    if (status == AEROSPIKE_OK) {
        status = check_common(err, name, AS_POLICY_KEY_DIGEST, policy->replica);
    }
    if (status == AEROSPIKE_OK) {
        status = check_read_modes(err, name, policy->read_mode_ap, policy->read_mode_sc,
                                  policy->read_touch_ttl_percent);
    }
    return status;
}

static as_status check_row(as_error* err, const char* name, as_policy_key key, bool on_locking_only)
{
    if (on_locking_only) {
        return refuse_later(err, name, "on_locking_only", "transactions");
    }
    return check_common(err, name, key, AS_POLICY_REPLICA_MASTER);
}

as_status tnd_policy_check_batch_read(const as_policy_batch_read* policy, as_error* err)
{
    static const char name[] = "as_policy_batch_read";
    as_status status = check_row(err, name, AS_POLICY_KEY_DIGEST, false);

    if (status == AEROSPIKE_OK) {
        status = check_read_modes(err, name, policy->read_mode_ap, policy->read_mode_sc,
                                  policy->read_touch_ttl_percent);
    }
    return status;
}

as_status tnd_policy_check_batch_write(const as_policy_batch_write* policy, as_error* err)
{
    static const char name[] = "as_policy_batch_write";
    as_status status = check_row(err, name, policy->key, policy->on_locking_only);

    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, policy->gen, policy->exists);
    }
    return status;
}

as_status tnd_policy_check_batch_apply(const as_policy_batch_apply* policy, as_error* err)
{
    static const char name[] = "as_policy_batch_apply";
    as_status status = check_row(err, name, policy->key, policy->on_locking_only);

    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, AS_POLICY_GEN_IGNORE,
                                   AS_POLICY_EXISTS_IGNORE);
    }
    return status;
}

as_status tnd_policy_check_batch_remove(const as_policy_batch_remove* policy, as_error* err)
{
    static const char name[] = "as_policy_batch_remove";
    as_status status = check_row(err, name, policy->key, false);

    if (status == AEROSPIKE_OK) {
        status = check_write_modes(err, name, policy->commit_level, policy->gen,
                                   AS_POLICY_EXISTS_IGNORE);
    }
    return status;
}
