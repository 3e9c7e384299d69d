/*
 * A client's counters, and its host's.
 */
#include "async/client_int.h"

#include <tendril/stats.h>

static void engine_add(const tnd_engine* engine, tnd_counters* counters, tnd_gauges* gauges)
{
    tnd_counters more;
    tnd_gauges present;
    if (!engine || !engine->stats) {
        return;
    }
    tnd_stats_read_own(engine->stats, &more, &present);
    tnd_counters_add(counters, &more);
    tnd_stats_sum_gauges(gauges, &present);
}

as_status aerospike_worker_counters(aerospike* as, as_error* err, tnd_counters* ret_counters,
                                    tnd_gauges* ret_gauges)
{
    as_error_reset(err);
    as_cluster* client = tnd_client_of(as, err);
    if (!client) {
        return err->code;
    }
    memset(ret_counters, 0, sizeof(*ret_counters));
    memset(ret_gauges, 0, sizeof(*ret_gauges));
    engine_add(client->main, ret_counters, ret_gauges);
    engine_add(client->sync, ret_counters, ret_gauges);
    return AEROSPIKE_OK;
}

as_status aerospike_host_counters(aerospike* as, as_error* err, tnd_host_counters* ret_host)
{
    as_error_reset(err);
    as_cluster* client = tnd_client_of(as, err);
    if (!client) {
        return err->code;
    }
    tnd_engine* engine = client->main ? client->main : client->sync;
    if (!engine || !engine->worker) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "The client has no event loop and has made no call yet");
    }
    return tnd_worker_read_host(engine->worker, ret_host)
               ? AEROSPIKE_OK
               : as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
}
