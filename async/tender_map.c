/*
 * Between the view and the published map, one bounded step per turn.
 *
 * First what a predecessor published: every word gets our term, then all of it goes into the view.
 * From then on claims are merged, a few bitmaps per turn, and what changed is published: the
 * directory when nodes or namespaces changed, then words, and the directory again for what may be
 * named or dropped only after the words (new namespaces; nodes that left). So a namespace that a
 * reader finds has its words, and a word names no node that the directory doesn't know. In an empty
 * map the words come before the first directory: nobody can see them until then.
 */
#include <netinet/in.h>
#include <string.h>

#include "async/tender_int.h"

/* ---- what a predecessor left ---- */

static uint64_t build_from_record(uint32_t build)
{
    return TND_BUILD(build >> 24, build >> 16 & 0xff, build >> 8 & 0xff, build & 0xff);
}

static uint32_t build_to_record(uint64_t build)
{
    uint32_t record = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t part = build >> shift & 0xffff;
        record = record << 8 | (part > 255 ? 255 : part);
    }
    return record;
}

static uint32_t addrs_from_record(const tnd_node_rec* record,
                                  tnd_view_addr addrs[TND_VIEW_ADDRS_MAX])
{
    uint32_t count = 0;
    memset(addrs, 0, TND_VIEW_ADDRS_MAX * sizeof(*addrs));
    for (uint32_t i = 0; i < record->addrs_count && i < TND_NODE_ADDRS_MAX; i++) {
        const tnd_node_addr* from = &record->addrs[i];
        if ((from->family == AF_INET || from->family == AF_INET6) && from->port != 0) {
            addrs[count].family = from->family;
            addrs[count].port = from->port;
            memcpy(addrs[count].bytes, from->bytes, from->family == AF_INET ? 4 : 16);
            count++;
        }
    }
    return count;
}

static void inherit_nodes(tnd_tender* t)
{
    const tnd_map* map = t->member->map;
    for (uint32_t i = 1; i <= map->dir.nodes_count && i <= map->nodes_capacity; i++) {
        const tnd_node_rec* record = &map->nodes[i];
        tnd_view_addr addrs[TND_VIEW_ADDRS_MAX];
        uint32_t count = addrs_from_record(record, addrs);
        tnd_view_slot_state state = record->state == TND_NODE_ACTIVE ? TND_VIEW_SLOT_HELD
                                    : record->state == TND_NODE_QUARANTINED
                                        ? TND_VIEW_SLOT_QUARANTINED
                                        : TND_VIEW_SLOT_FREE;
        char name[TND_NODE_NAME_SIZE + 1] = {0};
        memcpy(name, record->name, TND_NODE_NAME_SIZE);
        tnd_view_inherit_node(t->view, i, state, record->generation, name,
                              build_from_record(record->build), addrs, count, tend_now_ms(t));
    }
}

static void inherit_namespaces(tnd_tender* t)
{
    const tnd_map* map = t->member->map;
    for (uint32_t i = 0; i < map->dir.namespaces_count && i < map->namespaces_capacity; i++) {
        const tnd_ns_rec* record = &map->namespaces[i];
        char name[TND_NAMESPACE_SIZE + 1] = {0};
        memcpy(name, record->name, TND_NAMESPACE_SIZE);
        if (record->table != i || !tnd_view_inherit_namespace(t->view, name, record->replicas,
                                                              (record->flags & TND_NS_SC) != 0)) {
            return; /* damage: this one and those behind it are learnt anew */
        }
    }
}

static void inherit_racks(tnd_tender* t)
{
    const tnd_map* map = t->member->map;
    for (uint32_t ns = 0; ns < t->view->namespaces_count; ns++) {
        for (uint32_t i = 1; i <= map->dir.nodes_count && i <= map->nodes_capacity; i++) {
            tnd_view_inherit_rack(t->view, i, ns, map->nodes[i].rack_ids[ns]);
        }
    }
}

/* One table. */
static void inherit_partitions(tnd_tender* t, uint32_t table)
{
    const tnd_map* map = t->member->map;
    for (uint32_t p = 0; p < TND_PARTITIONS; p++) {
        uint64_t word = tnd_map_word(map, table, p);
        uint32_t indexes[TND_VIEW_COLUMNS];
        for (uint32_t c = 0; c < TND_VIEW_COLUMNS; c++) {
            indexes[c] = tnd_word_node(word, c);
        }
        tnd_view_inherit_partition(t->view, table, p, indexes,
                                   tnd_publish_regime_read(map, table, p));
    }
}

static void restamp_step(tnd_tender* t)
{
    switch (tnd_publish_restamp(t->member, &t->cursor, TEND_RESTAMPS_PER_TURN)) {
    case TND_PUBLISH_OK:
        t->phase = TEND_PHASE_INHERIT;
        t->cursor = 0;
        break;
    case TND_PUBLISH_MORE:
        break;
    case TND_PUBLISH_FENCED:
    case TND_PUBLISH_NO_ARENA:
        tend_fenced(t);
        break;
    }
}

void tend_inherit(tnd_tender* t)
{
    if (t->phase == TEND_PHASE_RESTAMP) {
        restamp_step(t);
        return;
    }
    tnd_view_take_lack(t->view);
    if (t->cursor == 0) {
        if (tnd_map_refresh(t->member->map)) {
            inherit_nodes(t);
            inherit_namespaces(t);
            inherit_racks(t);
            t->has_directory = true;
            t->may_publish = true;
        }
    } else {
        inherit_partitions(t, t->cursor - 1);
    }
    if (tnd_view_take_lack(t->view)) {
        /* What we would publish is less than what is published. */
        tend_lacks_memory(t, "no memory to take over the published map");
    } else if (t->cursor++ == t->view->namespaces_count) {
        t->phase = TEND_PHASE_RUN;
    }
}

/* ---- claims ---- */

static const char claims_text[] = "no memory to keep the nodes' partitions";

/* False at the end, and for lack of memory: then the view says so. */
static bool merge_next_namespace(tnd_tender* t, tend_node* node)
{
    tnd_view_take_lack(t->view);
    while (tnd_part_next(&node->replicas, &node->claim)) {
        if (tnd_view_claim(t->view, node->id, node->claim.ns, node->claim.regime,
                           node->claim.factor, &node->claims)) {
            node->has_claim = true;
            node->column = 0;
            return true;
        }
        if (t->view->has_lacked_memory) {
            return false;
        }
    }
    return false;
}

/* NULL, or what's wrong. May end in tend_exhausted(). */
static const char* merge_column(tnd_tender* t, tend_node* node)
{
    uint8_t bitmap[TND_PART_BITMAP_BYTES];
    bool has = node->column < node->claim.columns_count;
    if (t->config->force_single_node) { /* whatever it says, everything is to go there */
        has = node->column == 0;
        memset(bitmap, 0xff, sizeof(bitmap));
    } else if (has && !tnd_part_decode(tnd_part_column(&node->claim, node->column), bitmap)) {
        return "a bitmap isn't base64";
    }
    if (!tnd_view_claim_column(t->view, &node->claims, node->column, has ? bitmap : NULL)) {
        tend_lacks_memory(t, claims_text);
        return NULL;
    }
    node->has_claim = ++node->column < TEND_COLUMNS;
    return NULL;
}

static void merge_step(tnd_tender* t, tend_node* node)
{
    const char* problem = NULL;
    if (node->has_claim) {
        problem = merge_column(t, node);
        if (!problem) {
            return;
        }
    } else if (merge_next_namespace(t, node)) {
        return;
    } else if (tnd_view_take_lack(t->view)) {
        tend_lacks_memory(t, claims_text);
        return;
    } else {
        tnd_view_claims_end(t->view, node->id, node->generation);
    }
    t->merges.first = node->queue_next;
    if (!t->merges.first) {
        t->merges.last = &t->merges.first;
    }
    t->needs_settle = true;
    tend_node_merged(node, problem);
}

void tend_merge(tnd_tender* t)
{
    uint32_t left = TEND_MERGES_PER_TURN;
    while (left > 0 && t->merges.first && t->phase == TEND_PHASE_RUN) {
        left -= t->merges.first->has_claim;
        merge_step(t, t->merges.first);
    }
}

/* ---- the directory ---- */

static void record_fill(const tnd_tender* t, const tnd_view_slot* slot, tnd_node_rec* record)
{
    memset(record, 0, sizeof(*record));
    record->generation = slot->generation;
    memset(record->rack_ids, 0xff, sizeof(record->rack_ids)); /* -1: unknown */
    if (slot->state == TND_VIEW_SLOT_FREE) {
        return;
    }
    memcpy(record->name, slot->name, sizeof(slot->name));
    if (slot->state == TND_VIEW_SLOT_QUARANTINED) {
        record->state = TND_NODE_QUARANTINED;
        return;
    }
    const tnd_view_node* vn = tnd_view_get(t->view, slot->id);
    record->state = TND_NODE_ACTIVE;
    record->build = build_to_record(vn->build);
    record->addrs_count = vn->addrs_count;
    for (uint32_t i = 0; i < vn->addrs_count; i++) {
        record->addrs[i].family = vn->addrs[i].family;
        record->addrs[i].port = vn->addrs[i].port;
        memcpy(record->addrs[i].bytes, vn->addrs[i].bytes, sizeof(record->addrs[i].bytes));
    }
    for (uint32_t ns = 0; ns < t->view->namespaces_count; ns++) {
        record->rack_ids[ns] = tnd_view_rack_of(t->view, slot->id, ns);
    }
}

static uint32_t ns_records_fill(const tnd_tender* t)
{
    uint32_t count = 0;
    while (count < t->view->namespaces_count && t->view->namespaces[count]->is_published) {
        const tnd_view_ns* ns = t->view->namespaces[count];
        tnd_ns_rec* record = &t->ns_records[count];
        memset(record, 0, sizeof(*record));
        memcpy(record->name, ns->name, sizeof(record->name));
        record->table = count;
        record->replicas = ns->replicas;
        record->flags = ns->is_sc ? TND_NS_SC : 0;
        count++;
    }
    return count;
}

static bool check_stored(tnd_tender* t, tnd_publish result)
{
    as_error err;
    switch (result) {
    case TND_PUBLISH_OK:
    case TND_PUBLISH_MORE:
        return true;
    case TND_PUBLISH_FENCED:
        tend_fenced(t);
        return false;
    case TND_PUBLISH_NO_ARENA:
        as_error_init(&err);
        as_error_set_message(&err, AEROSPIKE_ERR_CLIENT,
                             "all areas for the node table are held by other workers");
        tend_exhausted(t, &err);
        return false;
    }
    return false;
}

static bool publish_directory(tnd_tender* t)
{
    tnd_view* view = t->view;
    tnd_dir_head head;
    memset(&head, 0, sizeof(head));
    head.published_ms = tend_now_ms(t);
    head.nodes_count = view->slots_count;
    head.namespaces_count = ns_records_fill(t);
    head.nodes_needed = view->active_count;
    head.namespaces_needed = view->namespaces_count + view->surplus_count;
    if (t->config->cluster_name) {
        strncpy(head.cluster_name, t->config->cluster_name, sizeof(head.cluster_name) - 1);
    }
    for (uint32_t i = 1; i <= view->slots_count; i++) {
        record_fill(t, &view->slots[i], &t->records[i]);
    }
    if (!check_stored(t, tnd_publish_directory(t->member, &head, t->records, t->ns_records))) {
        return false;
    }
    view->is_directory_dirty = false;
    t->has_directory = true;
    t->stats.directories_published++;
    t->handler->on_directory(t->udata);
    return t->phase == TEND_PHASE_RUN;
}

/* ---- words ---- */

static bool publish_word(tnd_tender* t, const tnd_view_word* word)
{
    if (t->view->namespaces[word->ns]->regimes &&
        !check_stored(t, tnd_publish_regime(t->member, word->ns, word->partition, word->regime))) {
        return false;
    }
    t->stats.words_published++;
    return check_stored(t, tnd_publish_word(t->member, word->ns, word->partition, word->indexes,
                                            word->is_short ? TND_PART_OVERFLOW : 0));
}

/* False when stopped. */
static bool publish_words(tnd_tender* t)
{
    tnd_view_word word;
    for (uint32_t i = 0; i < TEND_WORDS_PER_TURN && tnd_view_take_word(t->view, &word); i++) {
        if (!publish_word(t, &word)) {
            return false;
        }
    }
    return true;
}

bool tend_publish(tnd_tender* t)
{
    if (!t->may_publish) {
        t->may_publish = tnd_view_is_settled(t->view);
        if (!t->may_publish) {
            return false;
        }
    }
    if (t->has_directory && t->view->is_directory_dirty) {
        if (!publish_directory(t)) {
            return false;
        }
    }
    if (!publish_words(t)) {
        return false;
    }
    if (tnd_view_has_words(t->view)) {
        return true;
    }
    tnd_view_drained(t->view, tend_now_ms(t));
    if (t->view->is_directory_dirty && !publish_directory(t)) {
        return false;
    }
    if (!t->is_published_told && tnd_view_is_settled(t->view)) {
        t->is_published_told = true;
        tend_seeds_learn(t);
        t->handler->on_published(t->udata);
    }
    return false;
}
