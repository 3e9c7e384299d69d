// Operations on the bins of one record (protocol/records.md 3.5).
#include "bins.h"
#include "cdt.h"

#include <stdlib.h>
#include <string.h>

enum {
    BIN_INTEGER = 1,
    BIN_FLOAT = 2,
    BIN_STRING = 3,
    BIN_VECTOR = 16,
    BIN_MAP = 19,
    BIN_LIST = 20,
    BIN_GEOJSON = 23
};

static mc_bin* bins_add(mc_bins* bins)
{
    if (bins->count == bins->cap) {
        bins->cap = bins->cap ? bins->cap * 2 : 8;
        bins->items = mc_realloc(bins->items, bins->cap * sizeof(mc_bin));
    }
    return &bins->items[bins->count++];
}

void mc_bins_load(mc_bins* bins, const uint8_t* entries, uint32_t len)
{
    for (const uint8_t* e = entries; e < entries + len; e += mc_entry_size(e)) {
        mc_bin* bin = bins_add(bins);
        bin->type = e[5];
        bin->name_len = e[7];
        bin->name = e + 8;
        bin->value = e + 8 + e[7];
        bin->len = mc_entry_size(e) - 8 - e[7];
    }
}

void mc_bins_done(mc_bins* bins)
{
    for (uint32_t i = 0; i < bins->block_count; i++) {
        mc_bytes_done(&bins->blocks[i]);
    }
    free(bins->blocks);
    free(bins->items);
    memset(bins, 0, sizeof(*bins));
}

mc_bin* mc_bins_find(const mc_bins* bins, const mc_op* op)
{
    for (uint32_t i = 0; i < bins->count; i++) {
        mc_bin* bin = &bins->items[i];
        if (bin->name_len == op->name_len && !memcmp(bin->name, op->name, op->name_len)) {
            return bin;
        }
    }
    return NULL;
}

mc_bytes* mc_bins_block(mc_bins* bins)
{
    bins->blocks = mc_realloc(bins->blocks, (bins->block_count + 1) * sizeof(mc_bytes));
    mc_bytes* block = &bins->blocks[bins->block_count++];
    memset(block, 0, sizeof(*block));
    return block;
}

static int bins_write(mc_bins* bins, const mc_op* op)
{
    mc_bin* bin = mc_bins_find(bins, op);
    if (op->type == 0) {
        if (bin) {
            *bin = bins->items[--bins->count]; // the last one takes its place
        }
        return MC_OK;
    }
    if (!bin) {
        bin = bins_add(bins);
        bin->name = op->name;
        bin->name_len = op->name_len;
    }
    bin->type = op->type;
    bin->value = op->value;
    bin->len = op->len;
    bool packed = op->type == BIN_LIST || op->type == BIN_MAP;
    if ((op->type == BIN_INTEGER && op->len != 8) || op->type == BIN_GEOJSON || packed) {
        mc_bytes* block = mc_bins_block(bins);
        mc_value_normalize(block, op->type, op->value, op->len);
        bin->value = block->data;
        bin->len = (uint32_t)block->len;
    }
    return MC_OK;
}

static int bins_incr(mc_bins* bins, const mc_op* op)
{
    mc_bin* bin = mc_bins_find(bins, op);
    if (!bin) {
        return bins_write(bins, op);
    }
    if (bin->type != op->type || (op->type != BIN_INTEGER && op->type != BIN_FLOAT)) {
        return bin->type == BIN_GEOJSON ? MC_UNKNOWN : MC_INCOMPATIBLE;
    }
    uint64_t sum = mc_be_get(bin->value, 8);
    uint64_t by = mc_be_get(op->value, (int)op->len);
    if (op->type == BIN_INTEGER) {
        sum += by;
    } else {
        double a, b;
        memcpy(&a, &sum, 8);
        memcpy(&b, &by, 8);
        a += b;
        memcpy(&sum, &a, 8);
    }
    mc_bytes* block = mc_bins_block(bins);
    mc_bytes_be(block, sum, 8);
    bin->value = block->data;
    return MC_OK;
}

static int bins_concat(mc_bins* bins, const mc_op* op)
{
    mc_bin* bin = mc_bins_find(bins, op);
    if (!bin) {
        return bins_write(bins, op);
    }
    bool joins = op->type == BIN_STRING || op->type == BIN_VECTOR || mc_value_is_blob(op->type);
    if (bin->type != op->type || !joins) {
        return bin->type == BIN_GEOJSON ? MC_UNKNOWN : MC_INCOMPATIBLE;
    }
    bool append = op->op == MC_OP_APPEND;
    mc_bytes* block = mc_bins_block(bins);
    mc_bytes_add(block, append ? bin->value : op->value, append ? bin->len : op->len);
    mc_bytes_add(block, append ? op->value : bin->value, append ? op->len : bin->len);
    bin->value = block->data;
    bin->len = (uint32_t)block->len;
    return MC_OK;
}

// An operation on a list or map may make its bin, and changes it in place.
static void bins_set_packed(mc_bins* bins, const mc_op* op, mc_bin* bin, const mc_item* root)
{
    mc_bytes* block = mc_bins_block(bins);
    uint8_t type = mc_cdt_particle(block, root);
    if (!bin) {
        bin = bins_add(bins);
        bin->name = op->name;
        bin->name_len = op->name_len;
    }
    bin->type = type;
    bin->value = block->data;
    bin->len = (uint32_t)block->len;
}

int mc_bins_cdt(mc_bins* bins, mc_command* c, const mc_op* op)
{
    bool respond_all = c->m->info2 & MC_INFO2_RESPOND_ALL;
    bool modifies = op->op == MC_OP_CDT_MODIFY;
    mc_bin* bin = mc_bins_find(bins, op);
    mc_particle before = {0};
    if (bin) {
        before = (mc_particle){bin->type, bin->value, bin->len};
    }
    mc_arena arena = {0};
    mc_item* answer;
    mc_item* root;
    int result = mc_cdt_run(&arena, op, before, &answer, &root);
    if (result == MC_OK && root) {
        bins_set_packed(bins, op, bin, root);
    }
    // A read that finds nothing in a bin that is there answers nil beside writes.
    if (result == MC_OK && (answer || respond_all || (bin && !modifies))) {
        mc_reply_answer(c, op, answer);
    }
    mc_arena_done(&arena);
    return result;
}

int mc_bins_modify(mc_bins* bins, const mc_op* op)
{
    switch (op->op) {
    case MC_OP_WRITE:
        return bins_write(bins, op);
    case MC_OP_INCR:
        return bins_incr(bins, op);
    case MC_OP_APPEND:
    case MC_OP_PREPEND:
        return bins_concat(bins, op);
    case MC_OP_DELETE_ALL:
        bins->count = 0;
        return MC_OK;
    default: // TOUCH
        return MC_OK;
    }
}

static void bins_answer(mc_command* c, const mc_bin* bin)
{
    mc_reply_entry(c, MC_OP_READ, bin->type, bin->name, bin->name_len, bin->value, bin->len);
}

void mc_bins_answer(const mc_bins* bins, mc_command* c, const mc_op* op, bool null_if_absent)
{
    const mc_bin* bin = mc_bins_find(bins, op);
    if (bin) {
        bins_answer(c, bin);
    } else if (null_if_absent) {
        mc_reply_entry(c, MC_OP_READ, 0, op->name, op->name_len, NULL, 0);
    }
}

void mc_bins_answer_all(const mc_bins* bins, mc_command* c)
{
    for (uint32_t i = 0; i < bins->count; i++) {
        bins_answer(c, &bins->items[i]);
    }
}

void mc_bins_store(const mc_bins* bins, mc_bytes* out)
{
    for (uint32_t i = 0; i < bins->count; i++) {
        const mc_bin* bin = &bins->items[i];
        mc_bytes_be(out, 4 + bin->name_len + (uint64_t)bin->len, 4);
        mc_bytes_be(out, 0x0100 | bin->type, 2);
        mc_bytes_be(out, bin->name_len, 2);
        mc_bytes_add(out, bin->name, bin->name_len);
        mc_bytes_add(out, bin->value, bin->len);
    }
}
