/*
 * Finding, creating, checking and removing the System V segment behind a map. Used by map.c alone.
 */
#pragma once

#include "shm/map.h"

/* Sizes and offsets that follow from capacities. */
typedef struct tnd_seg_shape {
    size_t slots_offset;
    size_t shares_offset;
    size_t links_offset;    /* the shares' last part */
    size_t links_row_bytes; /* per worker */
    size_t stats_offset;
    size_t stats_bytes; /* of one worker */
    size_t map_offset;
    size_t arenas_offset;
    size_t arena_bytes;
    size_t tables_offset;
    size_t size;
} tnd_seg_shape;

void tnd_segment_shape(uint32_t nodes, uint32_t namespaces, uint32_t workers, uint32_t arenas,
                       tnd_seg_shape* ret_shape);

/* This build's layout word: version and hash of what must agree byte for byte. */
uint64_t tnd_segment_layout(void);

/* The identity as it stands there, printable, zero-terminated. */
void tnd_segment_identity(const tnd_seg_header* header, char text[TND_IDENTITY_WORDS * 8 + 1]);

/* Create or attach, complete an unfinished header, refuse what isn't ours. On success map->base,
 * size, shm_id and is_read_only are set. */
as_status tnd_segment_open(tnd_map* map, const tnd_map_config* config, const tnd_seg_shape* shape,
                           as_error* err);

/* The header of private memory. */
void tnd_segment_init_private(uint8_t* base, const tnd_map_config* config);

/* Retire and remove the segment if `map` is the only one that has it attached and the caller
 * doesn't own it. */
void tnd_segment_remove_if_last(tnd_map* map);

/* After the detach: remove it if nobody has it attached any more. */
void tnd_segment_remove_if_unused(const tnd_shm_sys* sys, int id);
