/*
 * One line: stored as a record, read back, answered with what was read.
 *
 * The key is new for each line: random tag of the worker, number of the client, number of the line.
 * So a put may be sent twice, or arrive late, without harm: it can only write the same text to the
 * same record. Keys that are used again would need more care.
 */
#include "echo_proxy.h"

#include <alloca.h>
#include <inttypes.h>
#include <stdio.h>

#include <aerospike/aerospike_key.h>
#include <aerospike/as_bytes.h>
#include <aerospike/as_key.h>
#include <aerospike/as_record.h>

#define LINE_LIMIT_SEC 10.
#define ATTEMPT_LIMIT_SEC 1.
#define PAUSE_SEC 0.1

static const char bin_name[] = "line";

typedef struct store_key {
    as_key key;
    char text[64]; /* borrowed by the key */
} store_key;

/*
 * When a node dies, its part of the data has no owner until the others have noticed, about two
 * seconds. A line waits for that: an attempt that gets nothing in a second, or an error that goes
 * away, is repeated, where the map then says, ten times a second, for ten seconds.
 */
static void store_configure_base(as_policy_base* base)
{
    base->socket_timeout = (uint32_t)(ATTEMPT_LIMIT_SEC * 1e3);
    base->total_timeout = (uint32_t)(LINE_LIMIT_SEC * 1e3);
    base->sleep_between_retries = (uint32_t)(PAUSE_SEC * 1e3);
    base->max_retries = (uint32_t)(LINE_LIMIT_SEC / PAUSE_SEC);
}

void store_configure(as_config* config)
{
    as_policies* policies = &config->policies;
    store_configure_base(&policies->write.base);
    store_configure_base(&policies->read.base);
    /* The master first, the next replica after a failure. */
    policies->write.replica = AS_POLICY_REPLICA_SEQUENCE;
    policies->read.replica = AS_POLICY_REPLICA_SEQUENCE;
    /* A node that has just become master may not have all records yet: let it ask the others. */
    policies->read.read_mode_ap = AS_POLICY_READ_MODE_AP_ALL;
}

static void store_key_init(store_key* self, const echo_line* line, const echo_origin* origin)
{
    const echo_options* options = origin->worker->options;
    snprintf(self->text, sizeof(self->text), "%016" PRIx64 "-%" PRIu64 "-%" PRIu64,
             origin->worker->tag, origin->client_id, line->sequence);
    as_key_init_str(&self->key, options->namespace_name, options->set_name, self->text);
}

static void store_put(echo_line* line);

static void on_get(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    echo_line* line = udata;
    if (err) {
        client_answer_error(line, err);
        return;
    }
    const as_bytes* bytes = as_record_get_bytes(record, bin_name);
    if (!bytes) {
        as_error other;
        as_error_set_message(&other, AEROSPIKE_ERR_CLIENT, "the record has no line");
        client_answer_error(line, &other);
        return;
    }
    client_answer(line, bytes->value, bytes->size);
}

static void store_get(echo_line* line, const echo_origin* origin)
{
    as_error failed;
    store_key key;
    store_key_init(&key, line, origin);
    if (aerospike_key_get_async(&origin->worker->as, &failed, NULL, &key.key, on_get, line,
                                origin->worker->event_loop, NULL) != AEROSPIKE_OK) {
        client_answer_error(line, &failed); /* not accepted, so on_get won't be called */
    }
    as_key_destroy(&key.key);
}

static void on_put_again(int events, void* udata)
{
    (void)events;
    store_put(udata);
}

static void on_put(as_error* err, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    echo_line* line = udata;
    echo_origin origin = client_origin(line);
    if (origin.is_gone) {
        client_answer(line, "", 0);
    } else if (!err) {
        store_get(line, &origin);
    } else if (err->in_doubt && ev_now(origin.worker->loop) < line->give_up_at) {
        /* A write that may have been done is not repeated by the library, as for most it would be
         * wrong. For this one it is right. */
        ev_once(origin.worker->loop, -1, 0, PAUSE_SEC, on_put_again, line);
    } else {
        client_answer_error(line, err);
    }
}

static void store_put(echo_line* line)
{
    echo_origin origin = client_origin(line);
    store_key key;
    store_key_init(&key, line, &origin);
    as_record record;
    as_record_inita(&record, 1);
    as_record_set_raw(&record, bin_name, (const uint8_t*)line->text, (uint32_t)line->text_bytes);

    as_error failed; /* key and record are copied in the call */
    as_status status = aerospike_key_put_async(&origin.worker->as, &failed, NULL, &key.key, &record,
                                               on_put, line, origin.worker->event_loop, NULL);
    as_record_destroy(&record);
    as_key_destroy(&key.key);
    if (status != AEROSPIKE_OK) {
        client_answer_error(line, &failed);
    }
}

void store_line(echo_line* line)
{
    line->give_up_at = ev_now(client_origin(line).worker->loop) + LINE_LIMIT_SEC;
    store_put(line);
}
