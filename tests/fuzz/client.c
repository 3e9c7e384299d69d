/* A client in a simulated world. See client.h. */
#include "tests/fuzz/client.h"

#include "tests/fuzz/fuzz.h"

static void on_told(as_error* err, void* udata, as_event_loop* loop)
{
    (void)loop;
    must(!err);
    ((fuzz_client*)udata)->is_told = true;
}

static bool is_told(void* udata)
{
    return ((fuzz_client*)udata)->is_told;
}

void fuzz_client_open(fuzz_client* client, const fuzz_node_handler* handler, void* udata,
                      bool in_pieces)
{
    struct sockaddr_storage addr;
    as_config config;
    as_error err;
    const tnd_client_world real = {.pid = 1};
    client->is_told = false;
    client->world = sim_world_new(1);
    client->loop = sim_loop_new(client->world, "worker");
    client->node = fuzz_node_new(client->world, handler, udata);
    client->events = tnd_events_new(TND_EVENTS_FOREIGN, client->loop, 1);
    as_config_init(&config);
    as_config_add_host(&config, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
    aerospike_init(&client->as, &config);
    as_event_loop* entry = client->events->entries;
    must(tnd_client_connect(&client->as, &err, &real, on_told, client, entry) == AEROSPIKE_OK);
    must(sim_world_run_until(client->world, is_told, client, FUZZ_SECOND_US));
    if (in_pieces) {
        socklen_t size = sim_addr_inet(&addr, FUZZ_NODE_HOST, FUZZ_NODE_PORT);
        sim_net_link(client->world, NULL, (struct sockaddr*)&addr, size)->split_percent = 70;
        sim_loop_faults(client->loop)->short_read_percent = 50;
    }
}

void fuzz_client_close(fuzz_client* client)
{
    as_error err;
    client->is_told = false;
    must(aerospike_close_async(&client->as, &err, on_told, client, client->events->entries) ==
         AEROSPIKE_OK);
    must(sim_world_run_until(client->world, is_told, client, FUZZ_SECOND_US));
    aerospike_destroy(&client->as);
    tnd_events_free(client->events);
    sim_loop_usage left = sim_loop_used(client->loop);
    must(left.fds_count == 0 && left.timers_count == 0 && left.tasks_count == 0);
    must(left.refs_count == 0);
    sim_world_free(client->world);
    fuzz_node_free(client->node);
}
