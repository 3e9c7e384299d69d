#include "cdt.h"

#include <string.h>

enum {
    CDT_WRAPPER = 0xff,
    CDT_MAP_FIRST = 64,
    CDT_MODIFY_LISTS_END = 16, // from 16 to 31 lists are read, from 32 to 47 removed from
    CTX_CREATE = 0xc0,
    CTX_PAD = 0x80
};

enum {
    PARTICLE_NIL = 0,
    PARTICLE_INTEGER = 1,
    PARTICLE_DOUBLE = 2,
    PARTICLE_STRING = 3,
    PARTICLE_BOOL = 17,
    PARTICLE_MAP = 19,
    PARTICLE_LIST = 20,
    PARTICLE_GEOJSON = 23
};

// ---- arguments ----------------------------------------------------------------------------------

int mc_cdt_args(const mc_cdt* c, uint32_t min, uint32_t max)
{
    return c->argc >= min && c->argc <= max ? MC_OK : MC_PARAMETER;
}

int mc_cdt_integer(const mc_cdt* c, uint32_t i, int64_t* ret_value)
{
    if (i >= c->argc || c->args[i]->kind != MC_INTEGER) {
        return MC_PARAMETER;
    }
    *ret_value = c->args[i]->integer;
    return MC_OK;
}

int mc_cdt_flags(const mc_cdt* c, uint32_t i, int64_t* ret_value)
{
    *ret_value = 0;
    int result = i < c->argc ? mc_cdt_integer(c, i, ret_value) : MC_OK;
    return result == MC_OK && *ret_value < 0 ? MC_PARAMETER : result;
}

static bool code_modifies(unsigned code)
{
    return code < CDT_MAP_FIRST ? code < CDT_MODIFY_LISTS_END || code >= 32 : code < 96;
}

// ---- the way to a nested value ------------------------------------------------------------------

// A container for a step that finds none.
static mc_item* step_make(mc_cdt* c, unsigned type)
{
    unsigned create = type & CTX_CREATE;
    if (!create) {
        return NULL;
    }
    bool list = (type & 0x30) == 0x10;
    unsigned flags = list ? create == 0xc0 : create == 0xc0 ? 3 : create == 0x80;
    return mc_item_container(c->arena, list ? MC_LIST : MC_MAP, flags);
}

// The position that an index makes in a list where there is none. Negative: it can't be.
static int64_t step_pad(mc_cdt* c, mc_item* list, int64_t i, unsigned type)
{
    uint32_t n = list->count;
    if (i < 0) {
        return i == -1 && n == 0 ? 0 : -1;
    }
    if (list->flags & MC_ORDERED || i == n) {
        return n;
    }
    if ((type & CTX_CREATE) != CTX_PAD) {
        return -1;
    }
    while (list->count < i) {
        mc_item_insert(c->arena, list, list->count, mc_item_new(c->arena, MC_NIL));
    }
    return i;
}

static int step_list_index(mc_cdt* c, mc_item* list, int64_t i, unsigned type, uint32_t* ret_slot,
                           bool* ret_made)
{
    int64_t n = list->count;
    int64_t at = i < 0 ? i + n : i;
    if (at >= 0 && at < n) {
        *ret_slot = (uint32_t)at;
        return MC_OK;
    }
    at = type & CTX_CREATE ? step_pad(c, list, i, type) : -1;
    if (at < 0) {
        return 26;
    }
    mc_item_insert(c->arena, list, (uint32_t)at, mc_item_new(c->arena, MC_NIL));
    *ret_slot = (uint32_t)at;
    *ret_made = true;
    return MC_OK;
}

static int step_map_key(mc_cdt* c, mc_item* map, mc_item* key, unsigned type, uint32_t* ret_slot,
                        bool* ret_made)
{
    mc_cdt view = {.arena = c->arena, .target = map};
    int64_t at = mc_cdt_find_key(&view, key);
    if (at >= 0) {
        *ret_slot = (uint32_t)at * 2 + 1;
        return MC_OK;
    }
    if (!(type & CTX_CREATE)) {
        return 26;
    }
    if (!mc_item_is_key(key)) {
        return MC_PARAMETER;
    }
    uint32_t slot = (uint32_t)(-1 - at) * 2;
    mc_item_insert(c->arena, map, slot, key);
    mc_item_insert(c->arena, map, slot + 1, mc_item_new(c->arena, MC_NIL));
    *ret_slot = slot + 1;
    *ret_made = true;
    return MC_OK;
}

// By rank, by value, by a map's index: these make nothing.
static int step_find(mc_cdt* c, mc_item* box, unsigned kind, const mc_item* value,
                     uint32_t* ret_slot)
{
    mc_cdt view = {.arena = c->arena, .target = box};
    uint32_t n = mc_cdt_size(&view);
    int64_t at = -1;
    if ((kind & 3) == 3) {
        for (uint32_t i = 0; i < n && at < 0; i++) {
            at = mc_item_compare(mc_cdt_value(&view, i), value) == 0 ? (int64_t)i : -1;
        }
    } else if (value->kind == MC_INTEGER) {
        at = value->integer < 0 ? value->integer + n : value->integer;
        at = at < 0 || at >= n ? -1 : (kind & 3) == 1 ? mc_cdt_by_rank(&view)[at] : at;
    }
    if (at < 0) {
        return 26;
    }
    *ret_slot = box->kind == MC_MAP ? (uint32_t)at * 2 + 1 : (uint32_t)at;
    return MC_OK;
}

static int step_take(mc_cdt* c, mc_item* box, unsigned type, mc_item* value, bool* ret_made)
{
    unsigned kind = type & ~(unsigned)CTX_CREATE & 0xff;
    bool list = (kind & 0x30) == 0x10;
    uint32_t slot = 0;
    int result;
    if (kind < 0x10 || kind > 0x23 || (list ? MC_LIST : MC_MAP) != box->kind) {
        return 26;
    }
    if (kind == 0x10) {
        result = value->kind == MC_INTEGER
                     ? step_list_index(c, box, value->integer, type, &slot, ret_made)
                     : 26;
    } else if (kind == 0x22) {
        result = step_map_key(c, box, value, type, &slot, ret_made);
    } else {
        result = step_find(c, box, kind, value, &slot);
    }
    c->path[c->depth++] = (mc_step){box, slot};
    return result;
}

// Goes from c->root to c->target, making what may be made.
static int cdt_follow(mc_cdt* c, const mc_item* ctx)
{
    if (ctx->kind != MC_LIST || !ctx->count || ctx->count % 2 ||
        ctx->count / 2 > MC_CDT_DEPTH_MAX) {
        return MC_PARAMETER;
    }
    mc_item* at = c->root;
    for (uint32_t i = 0; i < ctx->count; i += 2) {
        if (ctx->items[i]->kind != MC_INTEGER) {
            return MC_PARAMETER;
        }
        unsigned type = (unsigned)ctx->items[i]->integer & 0xffff;
        if (!at) {
            if (c->makes_way && !(type & CTX_CREATE)) {
                type |= 0x40; // within what is being made no step needs to say so
            }
            at = c->modifies ? step_make(c, type) : NULL;
            if (!at && !c->modifies && i == 0) {
                c->found_none = true;
                return MC_OK;
            }
            if (!at) {
                return 26;
            }
            if (i == 0) {
                c->root = at;
            } else {
                c->path[c->depth - 1].box->items[c->path[c->depth - 1].at] = at;
            }
        }
        bool made = false;
        if (at->kind != MC_LIST && at->kind != MC_MAP) {
            return 26;
        }
        int result = step_take(c, at, c->modifies ? type : type & ~(unsigned)CTX_CREATE,
                               ctx->items[i + 1], &made);
        if (result != MC_OK) {
            return result;
        }
        c->makes_way = c->makes_way || made;
        at = made ? NULL : at->items[c->path[c->depth - 1].at];
    }
    c->target = at;
    return MC_OK;
}

// ---- running ------------------------------------------------------------------------------------

static int cdt_bin(mc_cdt* c, mc_particle bin, bool nested)
{
    if (bin.type == PARTICLE_NIL) {
        return MC_OK;
    }
    if (bin.type != PARTICLE_LIST && bin.type != PARTICLE_MAP) {
        return nested ? MC_PARAMETER : MC_INCOMPATIBLE;
    }
    c->root = mc_pack_read(c->arena, bin.value, bin.len);
    return c->root ? MC_OK : MC_UNKNOWN;
}

static int cdt_payload(mc_cdt* c, const mc_op* op, const mc_item** ret_ctx)
{
    mc_item* call = mc_pack_read(c->arena, op->value, op->len);
    *ret_ctx = NULL;
    if (!call || call->kind != MC_LIST || !call->count || call->items[0]->kind != MC_INTEGER) {
        return MC_PARAMETER;
    }
    if (call->items[0]->integer == CDT_WRAPPER) {
        if (call->count != 3 || call->items[2]->kind != MC_LIST || !call->items[2]->count ||
            call->items[2]->items[0]->kind != MC_INTEGER) {
            return MC_PARAMETER;
        }
        *ret_ctx = call->items[1];
        call = call->items[2];
    }
    if (call->items[0]->integer < 0 || call->items[0]->integer > 127) {
        return MC_PARAMETER;
    }
    c->code = (unsigned)call->items[0]->integer;
    c->args = call->items + 1;
    c->argc = call->count - 1;
    return code_modifies(c->code) == c->modifies ? MC_OK : MC_PARAMETER;
}

// What the operation did goes into its place, and lists on the way are sorted again.
static void cdt_attach(mc_cdt* c)
{
    if (c->depth == 0) {
        c->root = c->target;
        return;
    }
    c->path[c->depth - 1].box->items[c->path[c->depth - 1].at] = c->target;
    for (int i = c->depth - 1; i >= 0; i--) {
        mc_item* box = c->path[i].box;
        if (box->kind == MC_LIST && box->flags & MC_ORDERED) {
            mc_item_sort_list(box);
        }
    }
}

int mc_cdt_run(mc_arena* arena, const mc_op* op, mc_particle bin, mc_item** ret_answer,
               mc_item** ret_root)
{
    mc_cdt c = {.arena = arena, .modifies = op->op == MC_OP_CDT_MODIFY};
    const mc_item* ctx;
    *ret_answer = NULL;
    *ret_root = NULL;
    int result = cdt_payload(&c, op, &ctx);
    result = result == MC_OK ? cdt_bin(&c, bin, ctx) : result;
    c.had_bin = c.root;
    c.target = c.root;
    if (result == MC_OK && ctx) {
        c.target = NULL;
        result = cdt_follow(&c, ctx);
    }
    if (result != MC_OK || c.found_none) {
        return result;
    }
    bool list = c.code < CDT_MAP_FIRST;
    if (c.target && c.target->kind != (list ? MC_LIST : MC_MAP)) {
        return MC_INCOMPATIBLE;
    }
    result = list ? mc_cdt_list(&c) : mc_cdt_map(&c);
    if (result != MC_OK) {
        return result;
    }
    *ret_answer = c.answer && c.answer->kind == MC_NIL ? NULL : c.answer;
    if (c.modifies && c.target && !(c.suppressed && c.makes_way)) {
        cdt_attach(&c);
        *ret_root = c.root;
    }
    return MC_OK;
}

// ---- numbers ------------------------------------------------------------------------------------

int mc_cdt_add_number(mc_cdt* c, mc_item** slot, const mc_item* delta, int sign)
{
    mc_item* sum = mc_item_new(c->arena, (*slot)->kind);
    bool wide = delta->kind == MC_DOUBLE;
    if (delta->kind != MC_INTEGER && !wide) {
        return MC_PARAMETER;
    }
    if ((*slot)->kind == MC_INTEGER) {
        int64_t by = wide ? (int64_t)delta->number : delta->integer;
        sum->integer = (int64_t)((uint64_t)(*slot)->integer + (uint64_t)sign * (uint64_t)by);
    } else if ((*slot)->kind == MC_DOUBLE) {
        sum->number = (*slot)->number + sign * (wide ? delta->number : (double)delta->integer);
    } else {
        return MC_PARAMETER;
    }
    *slot = sum;
    c->answer = sum;
    return MC_OK;
}

// ---- answers ------------------------------------------------------------------------------------

uint8_t mc_cdt_particle(mc_bytes* out, const mc_item* item)
{
    uint64_t bits;
    switch (item ? item->kind : MC_NIL) {
    case MC_INTEGER:
        mc_bytes_be(out, (uint64_t)item->integer, 8);
        return PARTICLE_INTEGER;
    case MC_DOUBLE:
        memcpy(&bits, &item->number, 8);
        mc_bytes_be(out, bits, 8);
        return PARTICLE_DOUBLE;
    case MC_FALSE:
    case MC_TRUE:
        mc_bytes_u8(out, item->kind == MC_TRUE);
        return PARTICLE_BOOL;
    case MC_STRING:
        mc_bytes_add(out, item->bytes + 1, item->len - 1);
        return PARTICLE_STRING;
    case MC_BLOB:
        mc_bytes_add(out, item->bytes + (item->len > 0), item->len - (item->len > 0));
        return item->len ? item->bytes[0] : 4;
    case MC_GEOJSON:
        mc_bytes_be(out, 0, 3);
        mc_bytes_add(out, item->bytes + 1, item->len - 1);
        return PARTICLE_GEOJSON;
    case MC_LIST:
        mc_pack_write(out, item);
        return PARTICLE_LIST;
    case MC_MAP:
        mc_pack_write(out, item);
        return PARTICLE_MAP;
    default:
        return PARTICLE_NIL;
    }
}
