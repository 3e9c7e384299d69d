/*
 * Operations on maps (cdt-expressions.md 5). A map's entries are always sorted by key.
 */
#include "cdt.h"

enum {
    MAP_SET_TYPE = 64,
    MAP_ADD = 65,
    MAP_ADD_ITEMS = 66,
    MAP_PUT = 67,
    MAP_PUT_ITEMS = 68,
    MAP_REPLACE = 69,
    MAP_REPLACE_ITEMS = 70,
    MAP_INCREMENT = 73,
    MAP_DECREMENT = 74,
    MAP_CLEAR = 75,
    MAP_SIZE = 96
};

enum {
    WRITE_CREATE_ONLY = 1,
    WRITE_UPDATE_ONLY = 2,
    WRITE_NO_FAIL = 4,
    WRITE_PARTIAL = 8
};

static void map_answer_size(mc_cdt* c)
{
    c->answer = mc_item_integer(c->arena, c->target->count / 2);
}

// A map where there is none. Attributes that mean nothing make an unordered one.
static int map_make(mc_cdt* c, uint32_t attributes_arg)
{
    int64_t attributes;
    if (mc_cdt_flags(c, attributes_arg, &attributes) != MC_OK) {
        return MC_PARAMETER;
    }
    if (!c->target) {
        unsigned flags = (unsigned)attributes & (MC_ORDERED | MC_VALUE_ORDERED);
        c->target = mc_item_container(c->arena, MC_MAP, flags);
    }
    return MC_OK;
}

static bool storable(mc_item* item)
{
    return !mc_item_has(item, MC_WILDCARD) && !mc_item_has(item, MC_INF) &&
           mc_item_settle(item, false);
}

static int map_set_type(mc_cdt* c)
{
    int64_t type;
    if (mc_cdt_args(c, 1, 1) != MC_OK || mc_cdt_flags(c, 0, &type) != MC_OK) {
        return MC_PARAMETER;
    }
    if (type & ~(int64_t)(MC_ORDERED | MC_VALUE_ORDERED | MC_PERSIST)) {
        return 26;
    }
    if (!c->target) {
        c->target = mc_item_container(c->arena, MC_MAP, 0);
    }
    c->target->flags = (uint8_t)(type & (MC_ORDERED | MC_VALUE_ORDERED));
    return MC_OK;
}

// ---- putting in ---------------------------------------------------------------------------------

// What the flags say to this key.
static int map_admit(const mc_cdt* c, const mc_item* key, int64_t flags)
{
    bool there = mc_cdt_find_key(c, key) >= 0;
    if (there && flags & WRITE_CREATE_ONLY) {
        return 24;
    }
    return !there && flags & WRITE_UPDATE_ONLY ? 23 : MC_OK;
}

static void map_store(mc_cdt* c, mc_item* key, mc_item* value)
{
    int64_t at = mc_cdt_find_key(c, key);
    if (at >= 0) {
        c->target->items[2 * at] = key;
        c->target->items[2 * at + 1] = value;
        return;
    }
    uint32_t slot = (uint32_t)(-1 - at) * 2;
    mc_item_insert(c->arena, c->target, slot, key);
    mc_item_insert(c->arena, c->target, slot + 1, value);
}

static int map_put_all(mc_cdt* c, const mc_item* items, int64_t flags)
{
    mc_item* taken = mc_item_container(c->arena, MC_MAP, 0);
    int64_t lenient = WRITE_UPDATE_ONLY | WRITE_NO_FAIL | WRITE_PARTIAL;
    bool quirk = c->code == MAP_PUT_ITEMS && !c->target->count && (flags & lenient) == lenient;
    for (uint32_t i = 0; i < items->count; i += 2) {
        int result = quirk ? MC_OK : map_admit(c, items->items[i], flags);
        if (result == MC_OK) {
            mc_item_insert(c->arena, taken, taken->count, items->items[i]);
            mc_item_insert(c->arena, taken, taken->count, items->items[i + 1]);
        } else if (!(flags & WRITE_NO_FAIL)) {
            return result;
        } else if (!(flags & WRITE_PARTIAL)) {
            taken->count = 0;
            break;
        }
    }
    c->suppressed = items->count && !taken->count;
    for (uint32_t i = 0; i < taken->count; i += 2) {
        map_store(c, taken->items[i], taken->items[i + 1]);
    }
    map_answer_size(c);
    return MC_OK;
}

// How an operation's code and arguments put things in.
static int map_put_flags(const mc_cdt* c, uint32_t flags_arg, int64_t* ret_flags)
{
    switch (c->code) {
    case MAP_ADD:
    case MAP_ADD_ITEMS:
        *ret_flags = WRITE_CREATE_ONLY;
        return MC_OK;
    case MAP_REPLACE:
    case MAP_REPLACE_ITEMS:
        *ret_flags = WRITE_UPDATE_ONLY;
        return MC_OK;
    default:
        return mc_cdt_flags(c, flags_arg, ret_flags);
    }
}

static int map_put(mc_cdt* c, uint32_t args_max)
{
    int64_t flags;
    if (mc_cdt_args(c, 2, args_max) != MC_OK || map_put_flags(c, 3, &flags) != MC_OK ||
        !mc_item_is_key(c->args[0]) || !storable(c->args[1])) {
        return MC_PARAMETER;
    }
    if (!c->target && c->code == MAP_REPLACE) {
        return 23;
    }
    mc_item* one = mc_item_container(c->arena, MC_MAP, 0);
    mc_item_insert(c->arena, one, 0, c->args[0]);
    mc_item_insert(c->arena, one, 1, c->args[1]);
    int result = map_make(c, 2);
    return result == MC_OK ? map_put_all(c, one, flags) : result;
}

static int map_put_items(mc_cdt* c, uint32_t args_max)
{
    int64_t flags;
    if (mc_cdt_args(c, 1, args_max) != MC_OK || map_put_flags(c, 2, &flags) != MC_OK ||
        c->args[0]->kind != MC_MAP || !storable(c->args[0])) {
        return MC_PARAMETER;
    }
    if (!c->target && c->code == MAP_REPLACE_ITEMS) {
        return 23;
    }
    int result = map_make(c, 1);
    return result == MC_OK ? map_put_all(c, c->args[0], flags) : result;
}

static int map_increment(mc_cdt* c, int sign)
{
    if (mc_cdt_args(c, 1, 3) != MC_OK || !mc_item_is_key(c->args[0])) {
        return MC_PARAMETER;
    }
    const mc_item* delta =
        c->argc > 1 && c->args[1]->kind != MC_NIL ? c->args[1] : mc_item_integer(c->arena, 1);
    int result = map_make(c, 2);
    if (result != MC_OK) {
        return result;
    }
    int64_t at = mc_cdt_find_key(c, c->args[0]);
    if (at < 0) {
        mc_item* zero = mc_item_new(c->arena, delta->kind == MC_DOUBLE ? MC_DOUBLE : MC_INTEGER);
        map_store(c, c->args[0], zero);
        at = mc_cdt_find_key(c, c->args[0]);
    }
    return mc_cdt_add_number(c, &c->target->items[2 * at + 1], delta, sign);
}

// ---- selections ---------------------------------------------------------------------------------

static int map_select(mc_cdt* c)
{
    mc_selection s;
    int result;
    switch (c->code) {
    case 76:
    case 97:
        result = mc_select_key(c, &s);
        break;
    case 77:
    case 98:
        result = mc_select_index(c, &s, false);
        break;
    case 79:
    case 100:
        result = mc_select_index(c, &s, true);
        break;
    case 81:
    case 107:
        result = mc_select_key_list(c, &s);
        break;
    case 82:
    case 102:
        result = mc_select_value(c, &s);
        break;
    case 83:
    case 108:
        result = mc_select_value_list(c, &s);
        break;
    case 84:
    case 103:
        result = mc_select_key_interval(c, &s);
        break;
    case 85:
    case 104:
        result = mc_select_range(c, &s, false);
        break;
    case 86:
    case 105:
        result = mc_select_value_interval(c, &s);
        break;
    case 87:
    case 106:
        result = mc_select_range(c, &s, true);
        break;
    case 88:
    case 109:
        result = mc_select_relative_index(c, &s);
        break;
    case 89:
    case 110:
        result = mc_select_relative_rank(c, &s);
        break;
    default:
        return MC_PARAMETER;
    }
    return result == MC_OK ? mc_select_finish(c, &s, c->modifies) : result;
}

int mc_cdt_map(mc_cdt* c)
{
    switch (c->code) {
    case MAP_SET_TYPE:
        return map_set_type(c);
    case MAP_ADD:
        return map_put(c, 3);
    case MAP_PUT:
        return map_put(c, 4);
    case MAP_REPLACE:
        return map_put(c, 2);
    case MAP_ADD_ITEMS:
        return map_put_items(c, 2);
    case MAP_PUT_ITEMS:
        return map_put_items(c, 3);
    case MAP_REPLACE_ITEMS:
        return map_put_items(c, 1);
    case MAP_INCREMENT:
        return map_increment(c, 1);
    case MAP_DECREMENT:
        return map_increment(c, -1);
    default:
        break;
    }
    if (!c->target) {
        return MC_OK; // all others leave a bin that is missing alone
    }
    switch (c->code) {
    case MAP_CLEAR:
        c->target->count = 0;
        return MC_OK;
    case MAP_SIZE:
        map_answer_size(c);
        return MC_OK;
    default:
        return map_select(c);
    }
}
