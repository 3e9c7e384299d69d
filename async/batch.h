/*
 * A batch on its way: rows that were encoded once, cut into parts.
 *
 * A part is a tnd_cmd (TND_CMD_MANY) with some of the rows. It starts as one that has them all and
 * belongs to no node; whenever a part is routed, its rows without an answer are grouped by node,
 * the first group stays and each other one becomes a part of its own. So the first grouping,
 * waiting for a first map and the split after a failure are one thing. A part sends so many rows at
 * a time and goes on when these are answered.
 *
 *     tnd_batch_new, tnd_batch_add for each row, tnd_batch_start -> listener, once
 */
#pragma once

#include "async/cmd.h"

#include <aerospike/aerospike_batch.h>

/* Rows and bytes of one message; more go after that. Servers before 6.4 refuse more than 5,000 rows
 * unless configured otherwise. */
#define TND_BATCH_ROWS_MAX 4096u
#define TND_BATCH_BYTES_MAX (8u * 1024 * 1024)

typedef struct tnd_batch tnd_batch;

/* For all rows of `records`, which are set to "no response". NULL without memory. */
tnd_batch* tnd_batch_new(const as_policy_batch* policy, as_batch_records* records, bool has_write,
                         as_async_batch_listener listener, void* udata);
void tnd_batch_free(tnd_batch* batch);

/* Where rows are encoded (wire_batch.h), one after the other. */
tnd_buf* tnd_batch_rows(tnd_batch* batch);

/* What was appended to that since the last call is the row of the next record. One that is the same
 * bytes as the row before is dropped and shared. */
void tnd_batch_add(tnd_batch* batch);

/* The next row is, but for its key, what the row added before is: nothing was encoded for it. */
void tnd_batch_add_again(tnd_batch* batch);

/* Starts, and owns the batch in every case. AEROSPIKE_OK: the listener follows, from the loop. */
as_status tnd_batch_start(tnd_batch* batch, tnd_engine* engine, as_event_loop* entry,
                          const as_policy_base* base, as_error* err);
