/*
 * Connect, close, destroy. See client.h.
 *
 * Happy path: connect_async starts the main engine; on_main_ready calls the notices; commands;
 * close detaches the aerospike, lets the engine drain; client_finish frees everything and calls the
 * notice of close.
 *
 * Possible failures
 *   - no seed answers: client_fail, if config.fail_if_not_connected; else open without nodes.
 *   - the event loop ends first: on_main_loop_close; what waits is told, synchronous calls go on.
 *   - a fork: everything but destroy is refused in the child, and destroy leaves alone what the
 *     parent uses.
 */
#include "async/client_int.h"

#include "async/fork.h"
#include "core/config.h"
#include "core/mem.h"
#include <aerospike/as_log_macros.h>
#include <assert.h>
#include <unistd.h>

static const char closed_text[] = "Cluster has been closed";
static const char loop_text[] = "The event loop has been closed";
static const char fork_text[] =
    "The client was connected before a fork: connect in each process, after the fork";

/* ---- configuration ---- */

static bool config_copy_hosts(as_config* trg, const as_config* src)
{
    for (uint32_t i = 0; i < src->hosts->size; i++) {
        const as_host* host = as_vector_get(src->hosts, i);
        as_config_tls_add_host(trg, host->name, host->tls_name, host->port);
    }
    return trg->hosts && trg->hosts->size == src->hosts->size;
}

static bool config_copy_racks(as_config* trg, const as_config* src)
{
    uint32_t count = src->rack_ids ? src->rack_ids->size : 0;
    for (uint32_t i = 0; i < count; i++) {
        as_config_add_rack_id(trg, *(const int*)as_vector_get(src->rack_ids, i));
    }
    return count == 0 || (trg->rack_ids && trg->rack_ids->size == count);
}

/* One block: the entries, then their texts. config_free frees it. */
static bool config_copy_ip_map(as_config* trg, const as_config* src)
{
    uint32_t count = src->ip_map ? src->ip_map_size : 0;
    size_t size = count * sizeof(as_addr_map);
    for (uint32_t i = 0; i < count; i++) {
        size += strlen(src->ip_map[i].orig) + strlen(src->ip_map[i].alt) + 2;
    }
    if (count == 0) {
        return true;
    }
    as_addr_map* map = tnd_malloc(size);
    if (!map) {
        return false;
    }
    char* text = (char*)(map + count);
    for (uint32_t i = 0; i < count; i++) {
        map[i].orig = strcpy(text, src->ip_map[i].orig);
        text += strlen(text) + 1;
        map[i].alt = strcpy(text, src->ip_map[i].alt);
        text += strlen(text) + 1;
    }
    trg->ip_map = map;
    trg->ip_map_size = count;
    return true;
}

/* What an accepted configuration may have on the heap is copied; the rest of its pointers is NULL.
 */
static bool config_copy(as_config* trg, const as_config* src)
{
    *trg = *src;
    trg->hosts = NULL;
    trg->cluster_name = NULL;
    trg->app_id = NULL;
    trg->ip_map = NULL;
    trg->ip_map_size = 0;
    trg->rack_ids = NULL;
    trg->config_provider.path = NULL;
    as_policies_init(&trg->policies); /* commands go by the program's */
    memset(&trg->tls, 0, sizeof(trg->tls));
    as_config_set_cluster_name(trg, src->cluster_name);
    as_config_set_app_id(trg, src->app_id);
    trg->conn_timeout_ms = src->conn_timeout_ms > 0 ? src->conn_timeout_ms : 1000;
    trg->login_timeout_ms = src->login_timeout_ms > 0 ? src->login_timeout_ms : 5000;
    return config_copy_hosts(trg, src) && config_copy_racks(trg, src) &&
           config_copy_ip_map(trg, src) && !trg->cluster_name == !src->cluster_name &&
           !trg->app_id == !src->app_id;
}

static void config_free(as_config* config)
{
    tnd_free(config->ip_map);
    config->ip_map = NULL;
    as_config_destroy(config);
}

/* ---- life ---- */

static void on_client_task(tnd_task* task);

as_cluster* tnd_client_new(aerospike* as, const tnd_client_world* world, as_error* err)
{
    as_config_massage_error_rate(&as->config);
    if (tnd_config_check(&as->config, err) != AEROSPIKE_OK) {
        return NULL;
    }
    as_cluster* client = tnd_calloc(1, sizeof(*client));
    if (!client || !config_copy(&client->config, &as->config)) {
        if (client) {
            config_free(&client->config);
        }
        tnd_free(client);
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
        return NULL;
    }
    client->as = as;
    client->fork_generation = tnd_fork_generation();
    if (world) {
        client->world = *world;
    } else {
        client->world.pid = (uint32_t)getpid();
        client->world.uid = (uint32_t)geteuid();
    }
    return client;
}

static void client_release(as_cluster* client)
{
    if (client->is_freed && client->pins == 0) {
        tnd_roster_done(&client->roster);
        config_free(&client->config);
        tnd_free(client);
    }
}

static void client_detach(as_cluster* client)
{
    if (client->as) {
        client->as->cluster = NULL;
        client->as = NULL;
    }
}

/* Engines first: their listeners may still ask for the client. */
void tnd_client_free(as_cluster* client)
{
    client_detach(client);
    tnd_task_cancel(&client->task);
    tnd_events_part(&client->user);
    if (client->main) {
        tnd_engine* engine = client->main;
        client->main = NULL;
        tnd_engine_free(engine);
    }
    tnd_client_free_sync(client);
    if (client->is_done) {
        *client->is_done = true;
    }
    client->is_freed = true;
    client_release(client);
}

/* ---- notices ---- */

static as_status notice_add(tnd_client_notice** list, as_async_write_listener listener, void* udata,
                            as_event_loop* entry, as_error* err)
{
    tnd_client_notice* notice = tnd_calloc(1, sizeof(*notice));
    if (!notice) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
    }
    *notice = (tnd_client_notice){.listener = listener, .udata = udata, .entry = entry};
    while (*list) {
        list = &(*list)->next;
    }
    *list = notice;
    return AEROSPIKE_OK;
}

/* Calls all of a list that isn't anybody's any more. Each gets an error of its own. */
static void notices_call(tnd_client_notice* list, const as_error* err)
{
    while (list) {
        tnd_client_notice* notice = list;
        list = notice->next;
        as_error copy;
        if (err) {
            as_error_copy(&copy, err);
        }
        tnd_events* events = notice->entry->events;
        as_event_loop* previous = tnd_events_enter(events, notice->entry);
        if (notice->listener) {
            notice->listener(err ? &copy : NULL, notice->udata, notice->entry);
        }
        tnd_events_leave(events, previous);
        tnd_free(notice);
    }
}

static tnd_client_notice* notices_take(tnd_client_notice** list)
{
    tnd_client_notice* taken = *list;
    *list = NULL;
    return taken;
}

/* ---- the ends of connecting and closing ---- */

/* Everything has ended: free, then tell. */
static void client_finish(as_cluster* client)
{
    tnd_client_notice* connecting = notices_take(&client->connecting);
    tnd_client_notice* closing = notices_take(&client->closing);
    as_error err;
    as_error_set_message(as_error_init(&err), AEROSPIKE_ERR_CLIENT, closed_text);
    client->pins++;
    tnd_client_free(client);
    notices_call(connecting, &err);
    notices_call(closing, NULL);
    client->pins--;
    client_release(client);
}

/* Connecting failed for good: commands that waited get the same error. */
static void client_fail(as_cluster* client, const as_error* err)
{
    tnd_client_notice* connecting = notices_take(&client->connecting);
    client->pins++;
    client_detach(client);
    client->state = TND_CLIENT_CLOSING;
    tnd_engine_abort(client->main, err->code, err->message);
    tnd_client_free(client);
    notices_call(connecting, err);
    client->pins--;
    client_release(client);
}

static void on_main_ready(void* udata, as_error* err)
{
    as_cluster* client = udata;
    if (client->state != TND_CLIENT_CONNECTING) {
        return;
    }
    if (err && client->config.fail_if_not_connected) {
        client_fail(client, err);
        return;
    }
    if (err) {
        as_log_warn("connected without a node: %s", err->message);
    }
    client->state = TND_CLIENT_OPEN;
    notices_call(notices_take(&client->connecting), NULL);
}

/* The callback may close the client, or end the event loop. */
static bool on_main_nodes(void* udata, const tnd_map* map)
{
    as_cluster* client = udata;
    as_cluster_event event;
    if (!client->config.event_callback || client->state == TND_CLIENT_CLOSING ||
        !tnd_roster_next(&client->roster, map, &event)) {
        return false;
    }
    event.udata = client->config.event_callback_udata;
    client->pins++;
    client->config.event_callback(&event);
    client->pins--;
    client_release(client);
    return true;
}

static void on_main_drained(void* udata)
{
    client_finish(udata);
}

static void on_main_loop_close(void* udata)
{
    as_cluster* client = udata;
    if (client->state == TND_CLIENT_OPEN) {
        tnd_engine* engine = client->main;
        tnd_client_notice* connecting = notices_take(&client->connecting);
        as_error err;
        as_error_set_message(as_error_init(&err), AEROSPIKE_ERR_CLIENT, loop_text);
        client->main = NULL;
        tnd_task_cancel(&client->task);
        client->task.loop = NULL;
        tnd_engine_free(engine); /* listeners may end the client: it isn't touched any more */
        notices_call(connecting, &err);
        return;
    }
    client_detach(client);
    client->state = TND_CLIENT_CLOSING;
    client_finish(client);
}

static const tnd_engine_handler main_handler = {
    .on_ready = on_main_ready,
    .on_nodes = on_main_nodes,
    .on_drained = on_main_drained,
    .on_loop_close = on_main_loop_close,
};

static void on_client_task(tnd_task* task)
{
    as_cluster* client = task->udata;
    if (client->state == TND_CLIENT_CLOSING) {
        client_finish(client);
    } else if (client->state == TND_CLIENT_OPEN) {
        notices_call(notices_take(&client->connecting), NULL);
    }
}

/* ---- connecting ---- */

as_status tnd_client_start_main(as_cluster* client, tnd_events* events, as_error* err)
{
    tnd_engine_config config = {
        .events = events,
        .config = &client->config,
        .handler = &main_handler,
        .udata = client,
        .sys = client->world.sys,
        .pid = client->world.pid,
        .uid = client->world.uid,
        .links_min = client->config.async_min_conns_per_node,
        .links_max = client->config.async_max_conns_per_node,
    };
    client->main = tnd_engine_new(&config, err);
    tnd_task_init(&client->task, events->loop, on_client_task, client);
    return client->main ? AEROSPIKE_OK : err->code;
}

as_status tnd_client_check_fork(const as_cluster* client, as_error* err)
{
    return tnd_fork_is_crossed(client->fork_generation)
               ? as_error_set_message(err, AEROSPIKE_ERR_CLIENT, fork_text)
               : AEROSPIKE_OK;
}

/* Another call on a client that is connected or about to be. */
static as_status client_connect_again(as_cluster* client, as_error* err,
                                      as_async_write_listener listener, void* udata,
                                      tnd_events* events, as_event_loop* entry)
{
    if (tnd_client_check_fork(client, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client->main && client->main->events != events) {
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                                    "The client is connected on another event loop");
    }
    if (!client->main && tnd_client_start_main(client, events, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (notice_add(&client->connecting, listener, udata, entry, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client->state == TND_CLIENT_OPEN) {
        tnd_task_soon(&client->task);
    }
    return AEROSPIKE_OK;
}

as_status tnd_client_connect(aerospike* as, as_error* err, const tnd_client_world* world,
                             as_async_write_listener listener, void* udata,
                             as_event_loop* event_loop)
{
    as_event_loop* entry;
    tnd_events* events = tnd_events_find(event_loop, &entry, err);
    if (!events) {
        return err->code;
    }
    if (as->cluster) {
        return client_connect_again(as->cluster, err, listener, udata, events, entry);
    }
    as_cluster* client = tnd_client_new(as, world, err);
    if (!client) {
        return err->code;
    }
    client->state = TND_CLIENT_CONNECTING;
    if (tnd_client_start_main(client, events, err) != AEROSPIKE_OK ||
        notice_add(&client->connecting, listener, udata, entry, err) != AEROSPIKE_OK) {
        tnd_client_free(client);
        return err->code;
    }
    as->cluster = client;
    return AEROSPIKE_OK;
}

as_status aerospike_connect_async(aerospike* as, as_error* err, as_async_write_listener listener,
                                  void* udata, as_event_loop* event_loop)
{
    as_error_reset(err);
    if (!as || !listener) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM,
                                    "aerospike_connect_async() needs a client and a listener");
    }
    return tnd_client_connect(as, err, NULL, listener, udata, event_loop);
}

/* ---- closing ---- */

static void on_user_turning(tnd_events_user* user, bool is_turning)
{
    (void)user;
    (void)is_turning;
}

static void on_user_close(tnd_events_user* user)
{
    client_finish((as_cluster*)(void*)((char*)user - offsetof(as_cluster, user)));
}

/* From the loop, or when that ends before. */
static void client_finish_soon(as_cluster* client, tnd_events* events)
{
    tnd_task_init(&client->task, events->loop, on_client_task, client);
    tnd_task_soon(&client->task);
    client->user.on_turning = on_user_turning;
    client->user.on_close = on_user_close;
    tnd_events_join(events, &client->user);
}

/* True if nothing is left to wait for: client_finish may follow at once. */
static bool client_start_close(as_cluster* client)
{
    client_detach(client);
    tnd_task_cancel(&client->task);
    client->state = TND_CLIENT_CLOSING;
    tnd_client_free_sync(client);
    return !client->main || tnd_engine_close(client->main);
}

/* Not connected: the listener's turn is the loop's next, on a client that is nothing but that. */
static as_status close_unconnected(as_error* err, as_async_write_listener listener, void* udata,
                                   tnd_events* events, as_event_loop* entry)
{
    as_cluster* client = tnd_calloc(1, sizeof(*client));
    if (!client || notice_add(&client->closing, listener, udata, entry, err) != AEROSPIKE_OK) {
        tnd_free(client);
        return as_error_set_message(err, AEROSPIKE_ERR_CLIENT, "Out of memory");
    }
    client->state = TND_CLIENT_CLOSING;
    client_finish_soon(client, events);
    return AEROSPIKE_OK;
}

as_status aerospike_close_async(aerospike* as, as_error* err, as_async_write_listener listener,
                                void* udata, as_event_loop* event_loop)
{
    as_error_reset(err);
    if (!as) {
        return as_error_set_message(err, AEROSPIKE_ERR_PARAM,
                                    "aerospike_close_async() needs a client");
    }
    as_cluster* client = as->cluster;
    if (client && tnd_client_check_fork(client, err) != AEROSPIKE_OK) {
        return err->code;
    }
    as_event_loop* entry = event_loop;
    if (!entry && client && client->main) {
        entry = &client->main->events->entries[0];
    }
    tnd_events* events = tnd_events_find(entry, &entry, err);
    if (!events) {
        return err->code;
    }
    if (!client) {
        return close_unconnected(err, listener, udata, events, entry);
    }
    if (notice_add(&client->closing, listener, udata, entry, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client_start_close(client)) {
        client_finish_soon(client, events);
    }
    return AEROSPIKE_OK;
}

bool tnd_client_flag_is_set(void* udata)
{
    return *(const bool*)udata;
}

/* Commands are pending: see aerospike_close in aerospike.h for the three ways. */
static void client_close_pending(as_cluster* client)
{
    tnd_events* events = client->main->events;
    if (events->kind == TND_EVENTS_FOREIGN || events->depth > 0 || tnd_events_is_running(events)) {
        return;
    }
    if (events->kind == TND_EVENTS_EXTERNAL) {
        client_finish(client);
        return;
    }
    bool is_done = false;
    client->is_done = &is_done;
    tnd_events_run(events, tnd_client_flag_is_set, &is_done);
    if (!is_done) {
        client->is_done = NULL; /* the program ended the run of its loop */
    }
}

static as_status client_close(as_cluster* client, as_error* err)
{
    if (tnd_client_check_fork(client, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client_start_close(client)) {
        client_finish(client);
    } else {
        client_close_pending(client);
    }
    return AEROSPIKE_OK;
}

as_status aerospike_close(aerospike* as, as_error* err)
{
    as_error_reset(err);
    return as && as->cluster ? client_close(as->cluster, err) : AEROSPIKE_OK;
}

as_status aerospike_drain(aerospike* as, as_error* err)
{
    as_error_reset(err);
    as_cluster* client = as ? as->cluster : NULL;
    if (!client) {
        return AEROSPIKE_OK;
    }
    if (tnd_client_check_fork(client, err) != AEROSPIKE_OK) {
        return err->code;
    }
    if (client->main) {
        tnd_worker_drain(client->main->worker);
    }
    return AEROSPIKE_OK;
}

/* In a child of the process that connected. Notices and engines stay where they are. */
static void client_abandon(as_cluster* client)
{
    client_detach(client);
    if (client->main) {
        tnd_engine_abandon(client->main);
    }
    if (client->sync) {
        tnd_engine_abandon(client->sync);
    }
    while (client->connecting) {
        tnd_client_notice* notice = client->connecting;
        client->connecting = notice->next;
        tnd_free(notice);
    }
    as_config_destroy(&client->config);
    tnd_free(client);
}

void aerospike_destroy(aerospike* as)
{
    if (!as) {
        return;
    }
    if (as->cluster && tnd_fork_is_crossed(as->cluster->fork_generation)) {
        client_abandon(as->cluster);
    } else if (as->cluster) {
        as_cluster* client = as->cluster;
        if (client_start_close(client)) {
            client_finish(client);
        }
    }
    as_config_destroy(&as->config);
    memset(&as->config, 0, sizeof(as->config));
    if (as->_free) {
        tnd_free(as);
    }
}

/* ---- for commands ---- */

as_cluster* tnd_client_of(aerospike* as, as_error* err)
{
    if (!as->cluster) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT, closed_text);
        return NULL;
    }
    return tnd_client_check_fork(as->cluster, err) == AEROSPIKE_OK ? as->cluster : NULL;
}

/* What lacks, if something does. */
static tnd_engine* client_find_engine(aerospike* as, as_event_loop* event_loop,
                                      as_event_loop** ret_entry, as_error* err)
{
    const as_cluster* client = tnd_client_of(as, err);
    if (!client) {
        return NULL;
    }
    tnd_events* events = tnd_events_find(event_loop, ret_entry, err);
    if (!events) {
        return NULL;
    }
    if (!client->main || client->main->events != events || client->main->is_closing) {
        as_error_set_message(err, AEROSPIKE_ERR_CLIENT,
                             "The client isn't connected on this event loop");
        return NULL;
    }
    return client->main;
}

/* Nearly always the entry of the loop is given, and all is well. A set of loops that wasn't made
   before a fork has no client that was. */
tnd_engine* tnd_client_engine(aerospike* as, as_event_loop* event_loop, as_event_loop** ret_entry,
                              as_error* err)
{
    tnd_engine* engine = as->cluster ? as->cluster->main : NULL;
    if (engine && event_loop && event_loop->events == engine->events && !engine->is_closing &&
        !tnd_events_refusal(engine->events)) {
        *ret_entry = event_loop;
        return engine;
    }
    return client_find_engine(as, event_loop, ret_entry, err);
}

/* ---- the rest of aerospike.h ---- */

aerospike* aerospike_init(aerospike* as, as_config* config)
{
    memset(as, 0, sizeof(*as));
    if (config) {
        as->config = *config;
    } else {
        as_config_init(&as->config);
    }
    const char* url = getenv("AEROSPIKE_CLIENT_CONFIG_URL");
    if (url && *url) {
        static const char scheme[] = "file://";
        bool has_scheme = strncmp(url, scheme, sizeof(scheme) - 1) == 0;
        as_config_provider_set_path(&as->config, has_scheme ? url + sizeof(scheme) - 1 : url);
    }
    return as;
}

aerospike* aerospike_new(as_config* config)
{
    aerospike* as = tnd_malloc(sizeof(*as));
    if (as) {
        aerospike_init(as, config);
        as->_free = true;
    }
    return as;
}

static bool engine_has_node(tnd_engine* engine)
{
    if (!engine || !tnd_engine_is_ready(engine)) {
        return false;
    }
    tnd_map* map = tnd_worker_map(engine->worker);
    if (!tnd_map_is_current(map)) {
        tnd_map_refresh(map);
    }
    for (uint32_t i = 1; i <= map->dir.nodes_count && i <= map->nodes_capacity; i++) {
        if (tnd_map_node(map, i)) {
            return true;
        }
    }
    return false;
}

bool aerospike_cluster_is_connected(aerospike* as)
{
    if (!as || !as->cluster || tnd_fork_is_crossed(as->cluster->fork_generation)) {
        return false;
    }
    return engine_has_node(as->cluster->main) || engine_has_node(as->cluster->sync);
}

void aerospike_init_lua(as_config_lua* config)
{
    (void)config;
}

void aerospike_stop_on_interrupt(bool stop)
{
    (void)stop;
}
