/*
 * Which nodes a program has been told of, for as_config.event_callback. Compared with the map's
 * directory after each change, by every process for itself, whoever tends.
 *
 * One difference at a time: a node that came, a node that left, or that none is left. Nodes that
 * come are told before those that leave, so that a cluster that is replaced isn't taken for a lost
 * one.
 */
#pragma once

#include "async/address.h"
#include "shm/map.h"

#include <aerospike/as_config.h>

typedef struct tnd_roster_node {
    char name[TND_NODE_NAME_SIZE];
    char address[TND_ADDRESS_TEXT_SIZE];
} tnd_roster_node;

typedef struct tnd_roster {
    tnd_roster_node* nodes;
    uint32_t count;
    uint32_t room;
    bool is_connected;    /* there was a node, and that none is left hasn't been told */
    tnd_roster_node told; /* what the last event's texts point to */
} tnd_roster;

/* The next difference between the roster and the map's present copy: noted, and put into
 * `*ret_event` (all but udata; texts valid until the next call). False if there is none, or no
 * memory for one. */
bool tnd_roster_next(tnd_roster* roster, const tnd_map* map, as_cluster_event* ret_event);

/* Idempotent, accepts zeroed storage. */
void tnd_roster_done(tnd_roster* roster);
