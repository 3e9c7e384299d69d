// Records of one namespace: per partition a chained hash table that grows.
#include "store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum {
    STORE_LOCKS = 64,
    STORE_PARTITIONS = 4096
};

typedef struct store_partition {
    mc_record** buckets;
    uint32_t bucket_count; // a power of two, or 0
    uint32_t record_count;
} store_partition;

struct mc_store {
    bool threaded;
    pthread_mutex_t locks[STORE_LOCKS];
    store_partition partitions[STORE_PARTITIONS];
};

mc_store* mc_store_new(bool threaded)
{
    mc_store* store = mc_alloc(sizeof(*store));
    store->threaded = threaded;
    for (int i = 0; i < STORE_LOCKS; i++) {
        pthread_mutex_init(&store->locks[i], NULL);
    }
    return store;
}

static void store_record_free(mc_record* record)
{
    free(record->bins);
    free(record->key);
    free(record);
}

void mc_store_drop_partition(mc_store* store, int pid)
{
    store_partition* p = &store->partitions[pid];
    for (uint32_t i = 0; i < p->bucket_count; i++) {
        while (p->buckets[i]) {
            mc_record* record = p->buckets[i];
            p->buckets[i] = record->next;
            store_record_free(record);
        }
    }
    free(p->buckets);
    memset(p, 0, sizeof(*p));
}

void mc_store_free(mc_store* store)
{
    if (!store) {
        return;
    }
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        mc_store_drop_partition(store, i);
    }
    for (int i = 0; i < STORE_LOCKS; i++) {
        pthread_mutex_destroy(&store->locks[i]);
    }
    free(store);
}

void mc_store_lock(mc_store* store, int pid)
{
    if (store->threaded) {
        pthread_mutex_lock(&store->locks[pid % STORE_LOCKS]);
    }
}

void mc_store_unlock(mc_store* store, int pid)
{
    if (store->threaded) {
        pthread_mutex_unlock(&store->locks[pid % STORE_LOCKS]);
    }
}

static mc_record** store_bucket(store_partition* p, const uint8_t digest[20])
{
    uint32_t h;
    memcpy(&h, digest + 4, sizeof(h));
    return &p->buckets[h & (p->bucket_count - 1)];
}

// The place that points to the record, or NULL.
static mc_record** store_place(mc_store* store, const uint8_t digest[20])
{
    store_partition* p = &store->partitions[mc_store_partition(digest)];
    if (!p->bucket_count) {
        return NULL;
    }
    for (mc_record** at = store_bucket(p, digest); *at; at = &(*at)->next) {
        if (!memcmp((*at)->digest, digest, 20)) {
            return at;
        }
    }
    return NULL;
}

mc_record* mc_store_find(mc_store* store, const uint8_t digest[20])
{
    mc_record** at = store_place(store, digest);
    return at ? *at : NULL;
}

static void store_grow(store_partition* p)
{
    store_partition bigger = {.bucket_count = p->bucket_count ? p->bucket_count * 4 : 8};
    bigger.buckets = mc_alloc(bigger.bucket_count * sizeof(mc_record*));
    for (uint32_t i = 0; i < p->bucket_count; i++) {
        while (p->buckets[i]) {
            mc_record* record = p->buckets[i];
            p->buckets[i] = record->next;
            mc_record** at = store_bucket(&bigger, record->digest);
            record->next = *at;
            *at = record;
        }
    }
    free(p->buckets);
    p->buckets = bigger.buckets;
    p->bucket_count = bigger.bucket_count;
}

mc_record* mc_store_create(mc_store* store, const uint8_t digest[20])
{
    store_partition* p = &store->partitions[mc_store_partition(digest)];
    if (p->record_count >= p->bucket_count) {
        store_grow(p);
    }
    mc_record* record = mc_alloc(sizeof(*record));
    memcpy(record->digest, digest, 20);
    mc_record** at = store_bucket(p, digest);
    record->next = *at;
    *at = record;
    p->record_count++;
    return record;
}

void mc_store_remove(mc_store* store, const uint8_t digest[20])
{
    mc_record** at = store_place(store, digest);
    if (at) {
        mc_record* record = *at;
        *at = record->next;
        store_record_free(record);
        store->partitions[mc_store_partition(digest)].record_count--;
    }
}

void mc_store_set_bins(mc_record* record, uint8_t* bins, uint32_t len, uint16_t count)
{
    free(record->bins);
    record->bins = bins;
    record->bins_len = len;
    record->bin_count = count;
}

void mc_store_reap(mc_store* store, uint32_t void_now)
{
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        store_partition* p = &store->partitions[i];
        for (uint32_t b = 0; b < p->bucket_count; b++) {
            for (mc_record** at = &p->buckets[b]; *at;) {
                mc_record* record = *at;
                if (!record->tombstone && !mc_record_is_expired(record, void_now)) {
                    at = &record->next;
                    continue;
                }
                *at = record->next;
                store_record_free(record);
                p->record_count--;
            }
        }
    }
}

static bool store_is_of(const mc_record* record, const char* set, size_t set_len)
{
    return !set || (record->set_len == set_len && !memcmp(record->set, set, set_len));
}

void mc_store_truncate(mc_store* store, const char* set, size_t set_len, uint64_t before_ms,
                       void (*on_gone)(void* udata, const mc_record* record), void* udata)
{
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        store_partition* p = &store->partitions[i];
        mc_store_lock(store, i);
        for (uint32_t b = 0; b < p->bucket_count; b++) {
            for (mc_record** at = &p->buckets[b]; *at;) {
                mc_record* record = *at;
                if (record->update_ms >= before_ms || !store_is_of(record, set, set_len)) {
                    at = &record->next;
                    continue;
                }
                on_gone(udata, record);
                *at = record->next;
                store_record_free(record);
                p->record_count--;
            }
        }
        mc_store_unlock(store, i);
    }
}

uint64_t mc_store_count(mc_store* store)
{
    uint64_t count = 0;
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        mc_store_lock(store, i);
        count += store->partitions[i].record_count;
        mc_store_unlock(store, i);
    }
    return count;
}

void mc_store_count_tombstones(mc_store* store, uint64_t* ret_count)
{
    *ret_count = 0;
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        store_partition* p = &store->partitions[i];
        mc_store_lock(store, i);
        for (uint32_t b = 0; b < p->bucket_count; b++) {
            for (mc_record* r = p->buckets[b]; r; r = r->next) {
                *ret_count += r->tombstone;
            }
        }
        mc_store_unlock(store, i);
    }
}
