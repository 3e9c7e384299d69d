/*
 * The writer's stores: what only the owner does, each one fenced by its term.
 *
 * Order of one publication: the directory that knows all nodes and namespaces first, then partition
 * words that name them; a node that left goes from the words first, then from the directory.
 */
#pragma once

#include "shm/member.h"

typedef enum tnd_publish {
    TND_PUBLISH_OK,
    TND_PUBLISH_MORE,     /* restamp: call again in the next turn */
    TND_PUBLISH_FENCED,   /* a higher term was met: we aren't the owner any more; stop for good */
    TND_PUBLISH_NO_ARENA, /* every arena is selected or claimed by living, stopped owners */
} tnd_publish;

/* A new owner's first duty: stamp selector and all published tables with its term, `*cursor` (0 at
 * first) keeps the place, `budget` words at a time. */
tnd_publish tnd_publish_restamp(tnd_member* member, uint32_t* cursor, uint32_t budget);

/* Publish a directory: head, `nodes` (index 0 unused, head->nodes_count + 1 of them), `namespaces`.
 * Everything within the map's capacities (asserted). Copies; selects with one swap. */
tnd_publish tnd_publish_directory(tnd_member* member, const tnd_dir_head* head,
                                  const tnd_node_rec* nodes, const tnd_ns_rec* namespaces);

/* Publish one partition: no store if the word has our term and says so already. Node indexes must
 * be in the published directory. */
tnd_publish tnd_publish_word(tnd_member* member, uint32_t table, uint32_t partition,
                             const uint32_t nodes[TND_REPLICAS_MAX], uint32_t flags);

/* Publish a regime (SC namespaces), before the partition's word. */
tnd_publish tnd_publish_regime(tnd_member* member, uint32_t table, uint32_t partition,
                               uint32_t regime);

/* What is published: for a successor that inherits. Plain loads. */
static inline uint32_t tnd_publish_regime_read(const tnd_map* map, uint32_t table,
                                               uint32_t partition)
{
    return (uint32_t)tnd_word_load(&map->tables[table].regimes[partition], memory_order_relaxed);
}
