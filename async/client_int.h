/*
 * What the sources of client share. Nobody else includes this.
 */
#pragma once

#include "async/client.h"

/* Checks the configuration and copies it; no engine yet. NULL with `err` set. */
as_cluster* tnd_client_new(aerospike* as, const tnd_client_world* world, as_error* err);

/* Detaches, ends the engines (listeners of pending commands are called), frees. */
void tnd_client_free(as_cluster* client);
void tnd_client_free_sync(as_cluster* client);

/* The engine on the event loop. */
as_status tnd_client_start_main(as_cluster* client, tnd_events* events, as_error* err);

/* Refuses a client that crossed a fork. */
as_status tnd_client_check_fork(const as_cluster* client, as_error* err);

/* The client to use; NULL with `err` set: closed, or across a fork. */
as_cluster* tnd_client_of(aerospike* as, as_error* err);

/* For tnd_events_run: `udata` is a bool*. */
bool tnd_client_flag_is_set(void* udata);
