/*
 * What can be read out of counters. Pure; see tendril/counters.h.
 */
#include <tendril/counters.h>

#include <string.h>

#include "core/mem.h"

void tnd_host_counters_done(tnd_host_counters* host)
{
    for (uint32_t i = 0; i < host->workers_count; i++) {
        tnd_free(host->workers[i].nodes);
    }
    tnd_free(host->workers);
    tnd_free(host->nodes);
    memset(host, 0, sizeof(*host));
}

/* ---- histograms ----------------------------------------------------------------------------- */

uint64_t tnd_histogram_count(const tnd_histogram* histogram)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < TND_HISTOGRAM_BUCKETS; i++) {
        count += histogram->counts[i];
    }
    return count;
}

uint64_t tnd_histogram_lower_us(uint32_t bucket)
{
    if (bucket < 16) {
        return bucket;
    }
    if (bucket >= TND_HISTOGRAM_BUCKETS) {
        bucket = TND_HISTOGRAM_BUCKETS - 1;
    }
    unsigned exponent = bucket / 16 + 3;
    return (16ULL + bucket % 16) << (exponent - 4);
}

/* The middle of a bucket; the last one has no end. */
static uint64_t bucket_middle_us(uint32_t bucket)
{
    uint64_t lower_us = tnd_histogram_lower_us(bucket);
    if (bucket + 1 >= TND_HISTOGRAM_BUCKETS) {
        return lower_us;
    }
    return lower_us + (tnd_histogram_lower_us(bucket + 1) - lower_us) / 2;
}

uint64_t tnd_histogram_percentile_us(const tnd_histogram* histogram, double percent)
{
    uint64_t count = tnd_histogram_count(histogram);
    percent = percent > 0 ? percent : 0; /* NaN too */
    double share = percent < 100 ? percent / 100 * (double)count : (double)count;
    uint64_t seen = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < TND_HISTOGRAM_BUCKETS; i++) {
        if (histogram->counts[i] == 0) {
            continue;
        }
        last = i;
        seen += histogram->counts[i];
        if ((double)seen >= share) {
            break;
        }
    }
    return seen > 0 ? bucket_middle_us(last) : 0;
}

uint64_t tnd_histogram_within(const tnd_histogram* histogram, uint64_t us)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i + 1 < TND_HISTOGRAM_BUCKETS && tnd_histogram_lower_us(i + 1) <= us;
         i++) {
        count += histogram->counts[i];
    }
    return count;
}

/* ---- sums ----------------------------------------------------------------------------------- */

void tnd_counters_add(tnd_counters* to, const tnd_counters* from)
{
    const uint64_t* in = (const uint64_t*)(const void*)from;
    uint64_t* out = (uint64_t*)(void*)to;
    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++) {
        out[i] += in[i];
    }
}

void tnd_counters_subtract(tnd_counters* from, const tnd_counters* what)
{
    const uint64_t* in = (const uint64_t*)(const void*)what;
    uint64_t* out = (uint64_t*)(void*)from;
    for (size_t i = 0; i < sizeof(*from) / sizeof(uint64_t); i++) {
        out[i] -= in[i];
    }
}

/* ---- words ---------------------------------------------------------------------------------- */

#define NAME_OF(names, value)                                                                      \
    ((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : "?")

const char* tnd_command_kind_name(tnd_command_kind kind)
{
    static const char* const names[TND_COMMAND_KINDS] = {"read", "write", "remove", "operate",
                                                         "udf",  "batch", "query",  "other"};
    return NAME_OF(names, kind);
}

const char* tnd_command_result_name(tnd_command_result result)
{
    static const char* const names[TND_RESULTS] = {"ok", "not_found", "timeout", "error"};
    return NAME_OF(names, result);
}

const char* tnd_timeout_phase_name(tnd_timeout_phase phase)
{
    static const char* const names[TND_TIMEOUT_PHASES] = {"map",   "queue", "connect",
                                                          "write", "reply", "server"};
    return NAME_OF(names, phase);
}

const char* tnd_latency_kind_name(tnd_latency_kind kind)
{
    static const char* const names[TND_LATENCIES] = {"read", "write", "multi"};
    return NAME_OF(names, kind);
}

const char* tnd_worker_state_name(tnd_worker_state state)
{
    static const char* const names[] = {"live", "draining", "dead", "damaged"};
    return NAME_OF(names, state);
}
