// The bins of a record while a write changes them: a copy that is stored only if all goes well.
#ifndef MC_BINS_H
#define MC_BINS_H

#include "message.h"

typedef struct mc_bin {
    const uint8_t* name;
    const uint8_t* value; // borrowed from the record, the request or a block
    uint32_t len;
    uint8_t name_len;
    uint8_t type;
} mc_bin;

typedef struct mc_bins {
    mc_bin* items;
    uint32_t count;
    uint32_t cap;
    mc_bytes* blocks; // values made here
    uint32_t block_count;
} mc_bins;

void mc_bins_load(mc_bins* bins, const uint8_t* entries, uint32_t len);
void mc_bins_done(mc_bins* bins);

// The bin that an operation names; NULL if it isn't there.
mc_bin* mc_bins_find(const mc_bins* bins, const mc_op* op);
// An empty value that lives as long as bins.
mc_bytes* mc_bins_block(mc_bins* bins);

// WRITE, INCR, APPEND, PREPEND, TOUCH or DELETE_ALL. Returns a result code.
int mc_bins_modify(mc_bins* bins, const mc_op* op);
// CDT_READ and CDT_MODIFY, with the entry that answers. Returns a result code.
int mc_bins_cdt(mc_bins* bins, mc_command* c, const mc_op* op);
// The reply's entries of a READ, and of a READ of all.
void mc_bins_answer(const mc_bins* bins, mc_command* c, const mc_op* op, bool null_if_absent);
void mc_bins_answer_all(const mc_bins* bins, mc_command* c);
// Appends all bins as entries of the wire.
void mc_bins_store(const mc_bins* bins, mc_bytes* out);

// write.c: these are the record's bins now: ttl, size and whatever else a write is checked for.
// Finishes the reply. `found` may be expired or a tombstone; `live` is NULL then.
void mc_write_bins(mc_command* c, mc_record* found, mc_record* live, const mc_bins* bins);

#endif
