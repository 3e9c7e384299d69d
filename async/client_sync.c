/*
 * Synchronous calls of a client: an engine of its own on a private loop, which turns only while a
 * call waits. See client.h.
 */
#include "async/client_int.h"

#include "async/loop_ev.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>

void tnd_client_free_sync(as_cluster* client)
{
    if (client->sync) {
        tnd_engine_free(client->sync);
        client->sync = NULL;
    }
    if (client->sync_events) {
        tnd_events_free(client->sync_events);
        client->sync_events = NULL;
    }
}

/* Blocking is for programs that do one thing after the other. */
static as_status check_may_block(as_error* err)
{
    const tnd_events* events = tnd_events_of_thread();
    if (as_event_loop_current || (events && (events->depth > 0 || tnd_events_is_running(events)))) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "Synchronous calls are refused while the event loop is "
                                    "running: use the asynchronous ones");
    }
    if (events && events->kind == TND_EVENTS_FOREIGN) {
        return as_error_setallv(err, AEROSPIKE_ERR_CLIENT, __func__, __FILE__, __LINE__,
                                "Synchronous calls are refused on the loop of kind %s: use the "
                                "asynchronous ones",
                                events->loop->ops->name);
    }
    return AEROSPIKE_OK;
}

static void on_sync_ready(void* udata, as_error* err)
{
    as_cluster* client = udata;
    client->is_sync_ready = true;
    if (err) {
        as_error_copy(&client->sync_err, err);
    } else {
        as_error_init(&client->sync_err);
    }
}

static void on_sync_nothing(void* udata)
{
    (void)udata; /* its loop and its engine are freed by client_free_sync alone */
}

static const tnd_engine_handler sync_handler = {
    .on_ready = on_sync_ready,
    .on_drained = on_sync_nothing,
    .on_loop_close = on_sync_nothing,
};

static as_status client_start_sync(as_cluster* client, as_error* err)
{
    tnd_loop* loop = tnd_loop_ev_create();
    client->sync_events = loop ? tnd_events_new(TND_EVENTS_OWN, loop, 1) : NULL;
    if (!client->sync_events) {
        tnd_loop_ev_free(loop);
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "No memory or no descriptor for an event loop");
    }
    tnd_engine_config config = {
        .events = client->sync_events,
        .config = &client->config,
        .handler = &sync_handler,
        .udata = client,
        .sys = client->world.sys,
        .pid = client->world.pid,
        .uid = client->world.uid,
        .links_min = client->config.min_conns_per_node,
        .links_max = client->config.max_conns_per_node,
        .is_sync = true,
    };
    client->sync = tnd_engine_new(&config, err);
    if (!client->sync) {
        tnd_client_free_sync(client);
        return err->code;
    }
    client->is_sync_ready = false;
    tnd_events_run(client->sync_events, tnd_client_flag_is_set, &client->is_sync_ready);
    return AEROSPIKE_OK;
}

/* The private engine finds the cluster, then its loop stands still; the main one, if there is a
   loop for it, starts there and takes its turn when that turns. */
static as_status client_connect_and_wait(as_cluster* client, as_error* err)
{
    if (client_start_sync(client, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client->sync_err.code != AEROSPIKE_OK) {
        if (client->config.fail_if_not_connected) {
            as_error_copy(err, &client->sync_err);
            if (err->code == AEROSPIKE_ERR_ASYNC_CONNECTION) {
                err->code = AEROSPIKE_ERR_CONNECTION; /* its number in synchronous calls */
            }
            return err->code;
        }
        as_log_warn("connected without a node: %s", client->sync_err.message);
    }
    tnd_events* events = tnd_events_of_thread();
    if (!events || events->size == 0) {
        return AEROSPIKE_OK;
    }
    return tnd_client_start_main(client, events, err);
}

as_status aerospike_connect(aerospike* as, as_error* err)
{
    as_error_reset(err);
    if (!as) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM, "aerospike_connect() needs a client");
    }
    if (as->cluster) {
        return tnd_client_check_fork(as->cluster, err);
    }
    if (check_may_block(err) != AEROSPIKE_OK) {
        return err->code;
    }
    as_cluster* client = tnd_client_new(as, NULL, err);
    if (!client) {
        return err->code;
    }
    client->state = TND_CLIENT_OPEN;
    if (client_connect_and_wait(client, err) != AEROSPIKE_OK) {
        tnd_client_free(client);
        return err->code;
    }
    as->cluster = client;
    return AEROSPIKE_OK;
}

tnd_engine* tnd_client_sync_engine(aerospike* as, as_error* err)
{
    as_cluster* client = tnd_client_of(as, err);
    if (!client || check_may_block(err) != AEROSPIKE_OK) {
        return NULL;
    }
    if (!client->sync && client_start_sync(client, err) != AEROSPIKE_OK) {
        return NULL;
    }
    if (!pthread_equal(client->sync_events->thread, pthread_self())) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "The client is another thread's");
        return NULL;
    }
    return client->sync;
}

void tnd_client_sync_run(aerospike* as, const bool* is_done)
{
    bool ran =
        tnd_events_run(as->cluster->sync_events, tnd_client_flag_is_set, (void*)(uintptr_t)is_done);
    assert(ran);
    (void)ran;
}
