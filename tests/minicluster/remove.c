/*
 * Removes (protocol/records.md 1.6, 5.6): 0 or 2, generation and void time always 0, operations
 * ignored. A record that is expired and not reaped is removed with 0. A durable delete is refused
 * (25) unless the cluster plays an Enterprise one: then it leaves a tombstone until the reaper.
 */
#include "message.h"

static int remove_check(const mc_command* c, const mc_record* record)
{
    const mc_message* m = c->m;
    if (m->info2 & MC_INFO2_DURABLE_DELETE && !c->conn->cluster->config.enterprise) {
        return MC_ENTERPRISE_ONLY;
    }
    if (!record || record->tombstone) {
        return MC_NOT_FOUND;
    }
    if (mc_check_set(m, record, false) != MC_OK) {
        return MC_PARAMETER;
    }
    if (m->info2 & MC_INFO2_GENERATION) {
        if (m->generation != record->generation) {
            return MC_GENERATION;
        }
    } else if (m->info2 & MC_INFO2_GENERATION_GT && m->generation <= record->generation) {
        return MC_GENERATION;
    }
    int result = mc_check_key(m, record);
    return result == MC_OK ? mc_filter(m->filter, record) : result;
}

void mc_remove(mc_command* c)
{
    mc_record* record = mc_store_find(c->space->store, c->m->digest.data);
    int result = remove_check(c, record);
    if (result == MC_OK) {
        if (c->m->info2 & MC_INFO2_DURABLE_DELETE) {
            record->tombstone = true;
            mc_store_set_bins(record, NULL, 0, 0);
        } else {
            mc_store_remove(c->space->store, c->m->digest.data);
        }
        mc_command_tell(c, NULL);
    }
    mc_reply_finish(c, result, 0, 0);
}
