/* Counts and latencies, and their JSON. */
#include "driver.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

worker_seen* report_worker(echo_report* self, int pid)
{
    for (unsigned i = 0; i < self->workers_count; i++) {
        if (self->workers[i].pid == pid) {
            return &self->workers[i];
        }
    }
    if (self->workers_count < WORKERS_SEEN_MAX) {
        self->workers_count++;
    }
    worker_seen* seen = &self->workers[self->workers_count - 1];
    *seen = (worker_seen){.pid = pid};
    return seen;
}

static unsigned latency_bucket(double seconds)
{
    double us = seconds * 1e6;
    double bucket = us > 1 ? log2(us) * 16 : 0;
    return bucket < LATENCY_BUCKETS - 1 ? (unsigned)bucket : LATENCY_BUCKETS - 1;
}

void report_latency(echo_report* self, double seconds, double slow_sec, double now)
{
    self->latencies[latency_bucket(seconds)]++;
    if (seconds > self->latency_max) {
        self->latency_max = seconds;
    }
    if (seconds > slow_sec) {
        self->slow++;
        self->last_slow_at = now;
    }
}

/* Milliseconds below which this share of the echoes came. */
static double latency_share(const echo_report* self, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)self->echoes), seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += self->latencies[i];
        if (seen > wanted) {
            return exp2((i + 1) / 16.) / 1e3;
        }
    }
    return self->latency_max * 1e3;
}

static void print_text(const char* name, const char* text)
{
    printf(",\"%s\":\"", name);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < ' ' || c > '~') {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void print_counts(const echo_report* self, const report_facts* facts, const char* kind)
{
    printf("{\"kind\":\"%s\",\"at\":%.6f,\"seconds\":%.3f,\"echoes\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"errors\":%" PRIu64 ",\"resent\":%" PRIu64 ",\"reconnects\":%" PRIu64
           ",\"open\":%" PRIu64 ",\"waiting_ms\":%.1f,\"slow\":%" PRIu64 ",\"last_slow_at\":%.6f",
           kind, facts->now, facts->seconds, self->echoes, self->wrong, self->errors, self->resent,
           self->reconnects, facts->open, facts->waiting_sec * 1e3, self->slow, self->last_slow_at);
    for (unsigned i = 0; i < self->workers_count; i++) {
        printf("%s\"%d\":%" PRIu64, i ? "," : ",\"workers\":{", self->workers[i].pid,
               self->workers[i].echoes);
    }
    printf("%s", self->workers_count ? "}" : ",\"workers\":{}");
}

void report_progress(const echo_report* self, const report_facts* facts)
{
    print_counts(self, facts, "progress");
    printf("}\n");
    fflush(stdout);
}

void report_summary(const echo_report* self, const report_facts* facts)
{
    print_counts(self, facts, "summary");
    printf(",\"per_second\":%.0f,\"lost\":%" PRIu64
           ",\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f",
           facts->seconds > 0 ? (double)self->echoes / facts->seconds : 0, facts->open,
           latency_share(self, 0.5), latency_share(self, 0.99), self->latency_max * 1e3);
    printf(",\"losses\":{");
    bool is_first = true;
    for (unsigned i = 0; i < self->workers_count; i++) {
        if (self->workers[i].losses) {
            printf("%s\"%d\":%" PRIu64, is_first ? "" : ",", self->workers[i].pid,
                   self->workers[i].losses);
            is_first = false;
        }
    }
    printf("}");
    print_text("first_error", self->first_error);
    print_text("first_wrong", self->first_wrong);
    printf("}\n");
    fflush(stdout);
}
