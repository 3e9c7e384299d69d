/*
 * Which segments there are, and the end of one.
 */
#include "shm/inspect_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "core/mem.h"
#include "shm/points.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15 /* linux/shm.h, since 4.17 */
#endif

/* By place in the kernel's table; segments that we may not read too. -1: free, or not to be seen.
 */
static int stat_at(int place, struct shmid_ds* ret_ds)
{
    int id = shmctl(place, SHM_STAT_ANY, ret_ds);
    return id >= 0 || errno != EINVAL ? id : shmctl(place, SHM_STAT, ret_ds);
}

/* 1: ours. 0: not. -1: can't be read. */
static int segment_look(int id, tnd_inspect_segment* ret_segment)
{
    const tnd_shm_sys* sys = &tnd_shm_sys_real;
    tnd_shm_stat stat;
    int error = -sys->ops->stat(sys->ctx, id, &stat);
    if (error != 0) {
        return error == EACCES || error == EPERM ? -1 : 0;
    }
    uint8_t* base = sys->ops->attach(sys->ctx, id, true, &error);
    if (!base) {
        return error == EACCES || error == EPERM ? -1 : 0;
    }
    *ret_segment = (tnd_inspect_segment){.id = id,
                                         .key = stat.key,
                                         .size_bytes = stat.size,
                                         .uid = stat.uid,
                                         .mode = stat.mode,
                                         .attached = stat.attached,
                                         .is_removed = stat.is_removed};
    bool is_ours = tnd_inspect_recognise(base, stat.size, &ret_segment->kind);
    sys->ops->detach(sys->ctx, base);
    return is_ours;
}

static int by_id(const void* a, const void* b)
{
    int left = ((const tnd_inspect_segment*)a)->id;
    int right = ((const tnd_inspect_segment*)b)->id;
    return (left > right) - (left < right);
}

static bool list_add(tnd_inspect_list_result* list, const tnd_inspect_segment* segment)
{
    tnd_inspect_segment* more =
        tnd_realloc(list->segments, (list->count + 1) * sizeof(*list->segments));
    if (!more) {
        return false;
    }
    list->segments = more;
    list->segments[list->count++] = *segment;
    return true;
}

as_status tnd_inspect_list(tnd_inspect_list_result* ret_list, as_error* err)
{
    struct shm_info info;
    as_error_reset(err);
    memset(ret_list, 0, sizeof(*ret_list));
    int last = shmctl(0, SHM_INFO, (struct shmid_ds*)(void*)&info);
    if (last < 0) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "The kernel lists no shared memory segments: %s", strerror(errno));
    }
    for (int place = 0; place <= last; place++) {
        struct shmid_ds ds;
        tnd_inspect_segment segment;
        int id = stat_at(place, &ds);
        int found = id >= 0 ? segment_look(id, &segment) : errno == EACCES ? -1 : 0;
        ret_list->unreadable_count += found < 0;
        if (found > 0 && !list_add(ret_list, &segment)) {
            tnd_inspect_list_done(ret_list);
            return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        }
    }
    if (ret_list->count > 1) {
        qsort(ret_list->segments, ret_list->count, sizeof(*ret_list->segments), by_id);
    }
    return AEROSPIKE_OK;
}

void tnd_inspect_list_done(tnd_inspect_list_result* list)
{
    tnd_free(list->segments);
    memset(list, 0, sizeof(*list));
}

int tnd_inspect_find(int key, as_error* err)
{
    as_error_reset(err);
    int id = tnd_shm_sys_real.ops->find(tnd_shm_sys_real.ctx, key);
    if (id >= 0) {
        return id;
    }
    as_error_update(err, AEROSPIKE_ERR_CLIENT, "No shared memory segment has key 0x%08x%s%s",
                    (unsigned)key, id == -ENOENT ? "" : ": ", id == -ENOENT ? "" : strerror(-id));
    return -1;
}

/* ---- the end of one ------------------------------------------------------------------------- */

static as_status refuse_in_use(int id, uint32_t attached, as_error* err)
{
    return as_error_update(
        err, AEROSPIKE_ERR_CLIENT,
        "Segment %d is in use: %u attachments (two per worker). Stop its workers: "
        "the last one to leave removes it",
        id, attached);
}

as_status tnd_inspect_remove(int id, as_error* err)
{
    const tnd_shm_sys* sys = &tnd_shm_sys_real;
    as_error_reset(err);
    tnd_inspect_segment segment;
    int found = segment_look(id, &segment);
    if (found < 0) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "Segment %d belongs to another user: run as that user, or as root",
                               id);
    }
    if (found == 0) {
        return as_error_update(err, AEROSPIKE_ERR_CLIENT,
                               "Segment %d isn't Tendril's, or isn't there: see ipcs -m", id);
    }
    tnd_shm_stat stat;
    int error = -sys->ops->stat(sys->ctx, id, &stat);
    if (error == 0 && stat.attached > 0) {
        return refuse_in_use(id, stat.attached, err);
    }
    if (error == 0) {
        tnd_point_pass(TND_POINT_REMOVE);
        error = -sys->ops->remove(sys->ctx, id);
    }
    return error == 0 ? AEROSPIKE_OK
                      : as_error_update(err, AEROSPIKE_ERR_CLIENT,
                                        "Segment %d can't be removed: %s", id, strerror(error));
}
