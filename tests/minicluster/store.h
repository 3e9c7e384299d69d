/*
 * Records of one namespace, by digest. A record keeps its bins as they go over the wire (entries
 * with operation code 1), so that reading a whole record is one copy.
 *
 * With threads each partition's records are guarded by one of 64 locks: hold mc_store_lock()
 * around everything that touches a record.
 */
#ifndef MC_STORE_H
#define MC_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mc_record {
    struct mc_record* next;
    uint8_t digest[20];
    uint16_t generation;
    uint16_t bin_count;
    uint32_t void_time; // 0 never
    uint64_t update_ms; // Unix time of the last write
    uint32_t life_sec;  // the ttl that the last write gave, for read-touch
    bool tombstone;
    uint8_t set_len;
    uint32_t key_len; // 0: no stored key
    uint32_t bins_len;
    uint8_t* bins; // entries of the wire, owned
    uint8_t* key;  // type byte and value, owned
    char set[64];
} mc_record;

typedef struct mc_store mc_store;

mc_store* mc_store_new(bool threaded);
void mc_store_free(mc_store* store);

static inline int mc_store_partition(const uint8_t digest[20])
{
    return (digest[0] | digest[1] << 8) & 4095;
}

void mc_store_lock(mc_store* store, int pid);
void mc_store_unlock(mc_store* store, int pid);

mc_record* mc_store_find(mc_store* store, const uint8_t digest[20]);
// The record must not exist.
mc_record* mc_store_create(mc_store* store, const uint8_t digest[20]);
void mc_store_remove(mc_store* store, const uint8_t digest[20]);
// Takes over bins (heap).
void mc_store_set_bins(mc_record* record, uint8_t* bins, uint32_t len, uint16_t count);

// Removes the records of a set (NULL: of all) that were last written before this Unix time; each is
// told first.
void mc_store_truncate(mc_store* store, const char* set, size_t set_len, uint64_t before_ms,
                       void (*on_gone)(void* udata, const mc_record* record), void* udata);
void mc_store_drop_partition(mc_store* store, int pid);
// Removes what expired before void_now, and tombstones.
void mc_store_reap(mc_store* store, uint32_t void_now);
uint64_t mc_store_count(mc_store* store);
void mc_store_count_tombstones(mc_store* store, uint64_t* ret_count);

static inline bool mc_record_is_expired(const mc_record* record, uint32_t void_now)
{
    return record->void_time && record->void_time <= void_now;
}

#endif
