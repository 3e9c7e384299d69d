/**
 * The counters of a client and of its whole host. See <tendril/counters.h> for what they hold.
 *
 *     tnd_host_counters host;
 *     if (aerospike_host_counters(&as, &err, &host) == AEROSPIKE_OK) {
 *         printf("%" PRIu64 " us\n",
 *                tnd_histogram_percentile_us(&host.total.latency[TND_LATENCY_READ], 99.9));
 *         tnd_host_counters_done(&host);
 *     }
 *
 * Neither call blocks; the first is cheap, the second copies about 15 kilobytes per worker. A
 * program without a client reads the same by <tendril/inspect.h>.
 */
#pragma once

#include <aerospike/as_error.h>
#include <tendril/counters.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aerospike_s;

/** What this client has counted since it connected: of its event loop and of its synchronous calls
 * together. AEROSPIKE_ERR_CLIENT if it isn't connected, or across a fork. */
AS_EXTERN as_status aerospike_worker_counters(struct aerospike_s* as, as_error* err,
                                              tnd_counters* ret_counters, tnd_gauges* ret_gauges);

/** What all workers that share this client's segment have counted; without shared memory, and while
 * a client has to do without the segment that it is configured for, this client's alone
 * (ret_host->is_shared tells). Freed by tnd_host_counters_done(). AEROSPIKE_ERR_CLIENT as above or
 * without memory. */
AS_EXTERN as_status aerospike_host_counters(struct aerospike_s* as, as_error* err,
                                            tnd_host_counters* ret_host);

#ifdef __cplusplus
}
#endif
