/*
 * Faults that replace or spoil a node's answers. Each hits the next `left` requests of its scope,
 * or all until cleared.
 */
#include <string.h>

#include "cluster.h"

mc_fault* mc_fault_take(mc_node* node, mc_fault_kind kind, unsigned scope)
{
    mc_fault* fault = &node->faults[kind];
    int left = atomic_load_explicit(&fault->left, memory_order_relaxed);
    if (!left || !(fault->scope & scope)) {
        return NULL;
    }
    while (left > 0 && !atomic_compare_exchange_weak(&fault->left, &left, left - 1)) {}
    return left ? fault : NULL;
}

bool mc_fault_is_set(const mc_node* node)
{
    for (int i = 0; i < MC_FAULT_COUNT; i++) {
        if (atomic_load_explicit(&node->faults[i].left, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void mc_fault_clear(mc_node* node)
{
    for (int i = 0; i < MC_FAULT_COUNT; i++) {
        atomic_store(&node->faults[i].left, 0);
    }
}

// ---- garbage ------------------------------------------------------------------------------------

typedef enum garbage_kind {
    GARBAGE_VERSION,   // protocol version 3
    GARBAGE_TYPE,      // a frame of type 9
    GARBAGE_OVERSIZE,  // announces more than 128 MiB
    GARBAGE_HUGE,      // announces exactly 128 MiB, which never come
    GARBAGE_EMPTY,     // a body of 0 bytes
    GARBAGE_SHORT,     // a body too short for its header
    GARBAGE_TRUNCATED, // half of the answer, then the end
    GARBAGE_HEADER,    // half of the eight header bytes, then the end
    GARBAGE_COUNTS,    // a type 3 body that announces 65535 entries
    GARBAGE_ENTRY,     // an entry whose size runs past the end
    GARBAGE_FIELD,     // a field whose size runs past the end
    GARBAGE_TRAILING,  // a complete answer with bytes too many in its body
    GARBAGE_RANDOM     // 64 random bytes
} garbage_kind;

static const char* const garbage_names[] = {"version", "type",      "oversize", "huge",   "empty",
                                            "short",   "truncated", "header",   "counts", "entry",
                                            "field",   "trailing",  "random",   NULL};

static int fault_name(const char* const* names, const char* name)
{
    for (int i = 0; names[i]; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
    }
    return -1;
}

int mc_fault_garbage_kind(const char* name)
{
    return fault_name(garbage_names, name);
}

static void garbage_frame(mc_bytes* out, unsigned version, unsigned type, uint64_t size)
{
    mc_bytes_be(out, (uint64_t)version << 56 | (uint64_t)type << 48 | size, 8);
}

// A type 3 body whose counts or sizes lie.
static void garbage_message(mc_bytes* out, unsigned fields, unsigned entries, uint32_t size)
{
    size_t begin = mc_frame_begin(out, 3);
    mc_bytes_be(out, 22, 1);
    mc_bytes_be(out, 0, 5);
    mc_bytes_be(out, 1, 4); // generation
    mc_bytes_be(out, 0, 8);
    mc_bytes_be(out, fields, 2);
    mc_bytes_be(out, entries, 2);
    mc_bytes_be(out, size, 4);
    mc_bytes_be(out, 0x01010001, 4);
    mc_bytes_u8(out, 'a');
    mc_bytes_be(out, 1, 8);
    mc_frame_end(out, begin);
}

static void garbage_random(mc_cluster* cluster, mc_bytes* out)
{
    pthread_mutex_lock(&cluster->info_lock);
    for (int i = 0; i < 8; i++) {
        mc_bytes_be(out, mc_random(&cluster->random), 8);
    }
    pthread_mutex_unlock(&cluster->info_lock);
}

bool mc_fault_garbage(mc_conn* conn, size_t begin, int kind)
{
    mc_bytes* out = &conn->out;
    size_t len = out->len - begin;
    if (kind == GARBAGE_TRUNCATED || kind == GARBAGE_HEADER) {
        out->len = begin + (kind == GARBAGE_HEADER ? 4 : len > 9 ? 8 + (len - 8) / 2 : len / 2);
        return true;
    }
    if (kind == GARBAGE_TRAILING) {
        mc_bytes_be(out, 0xdeadbeef, 4);
        mc_frame_end(out, begin);
        return false;
    }
    unsigned type = len > 1 ? out->data[begin + 1] : 3;
    out->len = begin;
    switch ((garbage_kind)kind) {
    case GARBAGE_VERSION:
        garbage_frame(out, 3, type, 0);
        break;
    case GARBAGE_TYPE:
        garbage_frame(out, 2, 9, 0);
        break;
    case GARBAGE_OVERSIZE:
        garbage_frame(out, 2, type, 0xffffffffffff);
        break;
    case GARBAGE_HUGE:
        garbage_frame(out, 2, type, 0x8000000);
        break;
    case GARBAGE_EMPTY:
        garbage_frame(out, 2, type, 0);
        break;
    case GARBAGE_SHORT:
        garbage_frame(out, 2, type, 10);
        mc_bytes_be(out, 0x1600000000000000, 8);
        mc_bytes_be(out, 0, 2);
        break;
    case GARBAGE_COUNTS:
        garbage_message(out, 0, 65535, 13);
        break;
    case GARBAGE_ENTRY:
        garbage_message(out, 0, 1, 0x7fffffff);
        break;
    case GARBAGE_FIELD:
        garbage_message(out, 1, 0, 0xffffffff);
        break;
    case GARBAGE_RANDOM:
        garbage_random(conn->cluster, out);
        break;
    case GARBAGE_TRUNCATED:
    case GARBAGE_HEADER:
    case GARBAGE_TRAILING:
        break;
    }
    return false;
}

// ---- another command's answer -------------------------------------------------------------------

typedef enum other_shape {
    OTHER_RECORD, // a whole record of two bins that nobody asked for
    OTHER_INFO,   // an info answer
    OTHER_ADMIN,  // a security answer
    OTHER_BATCH,  // a row of a batch
    OTHER_TWICE   // the right answer, twice
} other_shape;

static const char* const other_names[] = {"record", "info", "admin", "batch", "twice", NULL};

int mc_fault_other_shape(const char* name)
{
    return fault_name(other_names, name);
}

static void other_record(mc_bytes* out, uint32_t row)
{
    size_t begin = mc_frame_begin(out, 3);
    mc_bytes_be(out, 22, 1);
    mc_bytes_be(out, 0, 5);
    mc_bytes_be(out, 77, 4); // generation
    mc_bytes_be(out, 0, 4);
    mc_bytes_be(out, row, 4);
    mc_bytes_be(out, 2, 4); // no fields, two entries
    mc_bytes_be(out, 13, 4);
    mc_bytes_be(out, 0x0101000178, 5); // x = 4711
    mc_bytes_be(out, 4711, 8);
    mc_bytes_be(out, 10, 4);
    mc_bytes_be(out, 0x0103000179, 5); // y = "other"
    mc_bytes_text(out, "other");
    mc_frame_end(out, begin);
}

void mc_fault_other(mc_conn* conn, size_t begin, int shape)
{
    mc_bytes* out = &conn->out;
    if (shape == OTHER_TWICE) {
        size_t len = out->len - begin;
        mc_bytes_room(out, len);
        mc_bytes_add(out, out->data + begin, len);
        return;
    }
    out->len = begin;
    if (shape == OTHER_INFO) {
        size_t frame = mc_frame_begin(out, 1);
        mc_bytes_text(out, "other\tanswer\n");
        mc_frame_end(out, frame);
    } else if (shape == OTHER_ADMIN) {
        mc_admin_answer(conn, NULL, 0);
    } else {
        other_record(out, shape == OTHER_BATCH ? 5 : 0);
    }
}
