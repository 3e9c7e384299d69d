/*
 * Record requests: structure, routing, replies. Honours protocol/records.md 1, 3 and 10.
 *
 * Batches are batch.c's. Not executed, refused as a Community server (or one with the feature off)
 * would: filters beyond the simple ones (4, see filter.c), transactions and linearized reads (25),
 * operations on bits, HLL and expressions (16), messages without a digest (16).
 */
#include "message.h"

#include "cdt.h"

#include <string.h>

enum {
    MESSAGE_HEADER = 22,
    MESSAGE_OPS_MAX = 32768
};

// ---- structure ----------------------------------------------------------------------------------

static void message_field(mc_message* m, unsigned type, mc_slice value)
{
    static const uint8_t empty[1];
    value.data = value.len ? value.data : empty;
    mc_slice* slot;
    switch (type) {
    case 0:
        slot = &m->ns;
        break;
    case 1:
        slot = &m->set;
        break;
    case 2:
        slot = &m->key;
        break;
    case 4:
        slot = &m->digest;
        break;
    case 5:
        slot = &m->txn;
        break;
    case 30:
        slot = &m->udf;
        break;
    case 31:
        slot = &m->udf_function;
        break;
    case 32:
        slot = &m->udf_args;
        break;
    case 41:
    case 42:
        slot = &m->batch;
        break;
    case 43:
        slot = &m->filter;
        break;
    default:
        return;
    }
    if (!slot->data) { // of two the first one counts
        *slot = value;
    }
}

static bool message_fields(mc_message* m, const uint8_t** at, const uint8_t* end, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (end - *at < 5) {
            return false;
        }
        uint64_t size = mc_be_get(*at, 4);
        if (size == 0 || size > (uint64_t)(end - *at - 4)) {
            return false;
        }
        message_field(m, (*at)[4], (mc_slice){*at + 5, (uint32_t)size - 1});
        *at += 4 + size;
    }
    return true;
}

static bool message_ops(const uint8_t** at, const uint8_t* end, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (end - *at < 8) {
            return false;
        }
        uint64_t size = mc_be_get(*at, 4);
        uint64_t extra = (*at)[6] & 1 ? 8 : 0; // a last-update time
        if (size > (uint64_t)(end - *at - 4) || size < 4u + (*at)[7] + extra) {
            return false;
        }
        *at += 4 + size;
    }
    return true;
}

bool mc_message_body(mc_message* m, const uint8_t** at, const uint8_t* end, uint32_t fields,
                     uint32_t ops)
{
    if (!message_fields(m, at, end, fields)) {
        return false;
    }
    m->ops = *at;
    m->op_count = ops;
    bool fits = message_ops(at, end, ops);
    m->end = *at;
    return fits;
}

int mc_message_parse(mc_message* m, const uint8_t* body, size_t len)
{
    memset(m, 0, sizeof(*m));
    if (len < MESSAGE_HEADER) {
        return MC_PARAMETER;
    }
    m->info1 = body[1];
    m->info2 = body[2];
    m->info3 = body[3];
    m->info4 = body[4];
    m->generation = (uint32_t)mc_be_get(body + 6, 4);
    m->ttl = (uint32_t)mc_be_get(body + 10, 4);
    m->timeout_ms = (uint32_t)mc_be_get(body + 14, 4);
    uint32_t fields = (uint32_t)mc_be_get(body + 18, 2);
    uint32_t ops = (uint32_t)mc_be_get(body + 20, 2);
    const uint8_t* at = body + MESSAGE_HEADER;
    if (fields == 0) {
        return MC_NAMESPACE;
    }
    if (!mc_message_body(m, &at, body + len, fields, ops) || at != body + len) {
        return MC_PARAMETER;
    }
    return ops > MESSAGE_OPS_MAX ? MC_PARAMETER : MC_OK;
}

bool mc_message_op(const mc_message* m, const uint8_t** at, mc_op* ret_op)
{
    if (*at >= m->end) {
        return false;
    }
    const uint8_t* p = *at;
    uint32_t size = mc_entry_size(p);
    uint32_t extra = p[6] & 1 ? 8 : 0;
    *ret_op = (mc_op){.op = p[4], .type = p[5], .name_len = p[7], .name = p + 8};
    ret_op->value = p + 8 + p[7] + extra;
    ret_op->len = size - 8 - p[7] - extra;
    *at = p + size;
    return true;
}

// ---- replies ------------------------------------------------------------------------------------

static void message_header(mc_bytes* out, unsigned info3, int result, uint32_t generation,
                           uint32_t void_time)
{
    mc_bytes_be(out, 22, 1);
    mc_bytes_be(out, info3, 3);
    mc_bytes_be(out, (unsigned)result & 255, 2);
    mc_bytes_be(out, generation, 4);
    mc_bytes_be(out, void_time, 4);
    mc_bytes_be(out, 0, 8); // transaction_ttl, fields, entries
}

void mc_message_reply(mc_bytes* out, int result, uint32_t generation, uint32_t void_time)
{
    size_t begin = mc_frame_begin(out, 3);
    message_header(out, 0, result, generation, void_time);
    mc_frame_end(out, begin);
}

void mc_message_trailer(mc_bytes* out, int result)
{
    size_t begin = mc_frame_begin(out, 3);
    message_header(out, MC_INFO3_LAST, result, 0, 0);
    mc_frame_end(out, begin);
}

void mc_reply_entry(mc_command* c, unsigned op, unsigned type, const uint8_t* name,
                    unsigned name_len, const uint8_t* value, uint32_t len)
{
    uint8_t head[8];
    mc_be_set(head, 4 + name_len + (uint64_t)len, 4);
    head[4] = (uint8_t)op;
    head[5] = (uint8_t)type;
    head[6] = 0;
    head[7] = (uint8_t)name_len;
    mc_bytes_add(c->out, head, sizeof(head));
    mc_bytes_add(c->out, name, name_len);
    mc_bytes_add(c->out, value, len);
    c->entries++;
}

void mc_reply_answer(mc_command* c, const mc_op* op, const struct mc_item* answer)
{
    mc_bytes value = {0};
    uint8_t type = mc_cdt_particle(&value, answer);
    mc_reply_entry(c, op->op, type, op->name, op->name_len, value.data, (uint32_t)value.len);
    mc_bytes_done(&value);
}

void mc_reply_finish(mc_command* c, int result, uint32_t generation, uint32_t void_time)
{
    uint8_t* header = c->out->data + c->begin + 8;
    if (result != MC_OK && result != MC_UDF) {
        c->out->len = c->begin + 8 + MESSAGE_HEADER;
        c->entries = 0;
    }
    if (result != MC_OK && result != MC_NOT_FOUND) {
        mc_count(&c->conn->node->errors);
    }
    header[5] = (uint8_t)result;
    mc_be_set(header + 6, generation, 4);
    mc_be_set(header + 10, void_time, 4);
    mc_be_set(header + 20, c->entries, 2);
    mc_frame_end(c->out, c->begin);
}

void mc_command_tell(const mc_command* c, const mc_record* record)
{
    const mc_cluster* cluster = c->conn->cluster;
    if (!cluster->observer) {
        return;
    }
    mc_change change = {.ns = c->space->config.name, .pid = c->pid, .digest = c->m->digest.data};
    if (record) {
        bool never = record->void_time == 0;
        uint64_t left_sec = never ? 0 : record->void_time - (uint64_t)c->void_now;
        uint64_t unix_ms = cluster->config.unix_base_ms + c->now_ms;
        change.is_write = true;
        change.generation = record->generation;
        change.expires_at_ms = never ? MC_NEVER : c->now_ms - unix_ms % 1000 + left_sec * 1000;
        change.bins = record->bins;
        change.bins_len = record->bins_len;
    }
    cluster->observer(cluster->observer_udata, &change);
}

int mc_check_set(const mc_message* m, const mc_record* record, bool strict)
{
    if (!m->set.len && (!strict || !record->set_len)) {
        return MC_OK;
    }
    bool same = m->set.len == record->set_len && !memcmp(m->set.data, record->set, m->set.len);
    return same ? MC_OK : MC_PARAMETER;
}

int mc_check_key(const mc_message* m, const mc_record* record)
{
    if (!m->key.data || !record->key_len) {
        return MC_OK;
    }
    bool same = m->key.len == record->key_len && !memcmp(m->key.data, record->key, m->key.len);
    return same ? MC_OK : MC_KEY_MISMATCH;
}

// ---- what runs ----------------------------------------------------------------------------------

static mc_namespace* message_namespace(mc_cluster* cluster, mc_slice name)
{
    for (int i = 0; i < cluster->namespace_count; i++) {
        mc_namespace* ns = cluster->namespaces[i];
        if (name.len == strlen(ns->config.name) && !memcmp(ns->config.name, name.data, name.len)) {
            return ns;
        }
    }
    return NULL;
}

// What can be told before the record is looked for.
static int message_refusal(const mc_command* c)
{
    const mc_message* m = c->m;
    bool reads = m->info1 & MC_INFO1_READ;
    bool writes = m->info2 & MC_INFO2_WRITE;
    unsigned sc_read = m->info3 & (MC_INFO3_SC_READ_TYPE | MC_INFO3_SC_READ_RELAX);
    if (!m->digest.data) {
        return MC_UNSUPPORTED;
    }
    if (m->digest.len != 20) {
        return MC_PARAMETER;
    }
    if (m->txn.data || m->info4 & 0x0f) {
        return MC_ENTERPRISE_ONLY;
    }
    if (!reads && !writes) {
        return MC_PARAMETER;
    }
    if (!writes && sc_read == MC_INFO3_SC_READ_TYPE && !c->space->config.strong) {
        return MC_ENTERPRISE_ONLY;
    }
    if (mc_filter(m->filter, NULL) != MC_OK) {
        return MC_PARAMETER;
    }
    if (m->udf.data && !writes) {
        return MC_PARAMETER;
    }
    return m->set.len > 63 ? MC_PARAMETER : MC_OK;
}

static void message_run(mc_command* c)
{
    mc_node* node = c->conn->node;
    mc_store_lock(c->space->store, c->pid);
    if (!(c->m->info2 & MC_INFO2_WRITE)) {
        mc_count(&node->reads);
        mc_read(c);
    } else if (c->m->info2 & MC_INFO2_DELETE) {
        mc_count(&node->deletes);
        mc_remove(c);
    } else if (c->m->udf.data) {
        mc_count(&node->writes);
        mc_udf(c);
    } else {
        mc_count(&node->writes);
        mc_write(c);
    }
    mc_store_unlock(c->space->store, c->pid);
}

// Runs the command where its partition's owners allow it. False: it waits for an owner.
static bool message_route(mc_command* c, bool last)
{
    const mc_message* m = c->m;
    mc_node* node = c->conn->node;
    bool write = m->info2 & MC_INFO2_WRITE;
    bool master_only = m->info3 & MC_INFO3_COMMIT_MASTER;
    mc_route route = mc_maps_route(node, c->space, c->pid, write, master_only);
    if (route == MC_ROUTE_UNAVAILABLE) {
        mc_reply_finish(c, MC_UNAVAILABLE, 0, 0);
        return true;
    }
    bool waits = route == MC_ROUTE_WAIT_MASTER || route == MC_ROUTE_WAIT_COPY;
    if (waits && !last) {
        return false;
    }
    if (route == MC_ROUTE_PROXY) {
        mc_count(&node->proxied);
        mc_count(&c->space->proxied);
    }
    if (route != MC_ROUTE_WAIT_MASTER) {
        message_run(c); // one that waited for a copy in vain is applied all the same
    }
    if (waits) {
        mc_count(&node->timeouts);
        mc_reply_finish(c, MC_TIMEOUT, 0, 0);
    }
    return true;
}

bool mc_command_answer(mc_command* c, int result, bool last)
{
    c->void_now = mc_cluster_void_now(c->conn->cluster, c->now_ms);
    c->begin = mc_frame_begin(c->out, 3);
    c->entries = 0;
    message_header(c->out, 0, 0, 0, 0);
    if (result == MC_OK) {
        c->space = message_namespace(c->conn->cluster, c->m->ns);
        result = c->space ? message_refusal(c) : MC_NAMESPACE;
    }
    if (result != MC_OK) {
        mc_reply_finish(c, result, 0, 0);
        return true;
    }
    c->pid = mc_store_partition(c->m->digest.data);
    return message_route(c, last);
}

bool mc_message_waits(mc_conn* conn, const mc_message* m)
{
    mc_namespace* space = message_namespace(conn->cluster, m->ns);
    if (!space || m->digest.len != 20) {
        return false;
    }
    mc_route route = mc_maps_route(conn->node, space, mc_store_partition(m->digest.data),
                                   m->info2 & MC_INFO2_WRITE, m->info3 & MC_INFO3_COMMIT_MASTER);
    return route == MC_ROUTE_WAIT_MASTER || route == MC_ROUTE_WAIT_COPY;
}

bool mc_message_answer(mc_conn* conn, const uint8_t* body, size_t len, uint64_t now_ms, bool last,
                       uint32_t* ret_timeout_ms)
{
    mc_message m;
    int result = mc_message_parse(&m, body, len);
    *ret_timeout_ms = m.timeout_ms;
    if (m.info1 & MC_INFO1_BATCH || m.batch.data) {
        if (result != MC_OK || !m.batch.data) {
            mc_message_trailer(&conn->out, MC_PARAMETER);
            return true;
        }
        return mc_batch_answer(conn, &m, now_ms, last);
    }
    mc_command c = {.conn = conn, .m = &m, .now_ms = now_ms, .out = &conn->out};
    return mc_command_answer(&c, result, last);
}
