/*
 * Operations on lists (cdt-expressions.md 4).
 */
#include <stdlib.h>

#include "cdt.h"

enum {
    LIST_SET_TYPE = 0,
    LIST_APPEND = 1,
    LIST_APPEND_ITEMS = 2,
    LIST_INSERT = 3,
    LIST_INSERT_ITEMS = 4,
    LIST_POP = 5,
    LIST_POP_RANGE = 6,
    LIST_REMOVE = 7,
    LIST_REMOVE_RANGE = 8,
    LIST_SET = 9,
    LIST_TRIM = 10,
    LIST_CLEAR = 11,
    LIST_INCREMENT = 12,
    LIST_SORT = 13,
    LIST_SIZE = 16,
    LIST_GET = 17,
    LIST_GET_RANGE = 18
};

enum {
    WRITE_UNIQUE = 1,
    WRITE_BOUNDED = 2,
    WRITE_NO_FAIL = 4,
    WRITE_PARTIAL = 8
};

static void list_answer_size(mc_cdt* c)
{
    c->answer = mc_item_integer(c->arena, c->target->count);
}

// A list where there is none.
static int list_make(mc_cdt* c, uint32_t order_arg)
{
    int64_t order = 0;
    if (!c->target) {
        if (mc_cdt_flags(c, order_arg, &order) != MC_OK || order > 1) {
            return MC_PARAMETER;
        }
        c->target = mc_item_container(c->arena, MC_LIST, (unsigned)order);
    }
    return MC_OK;
}

static bool list_is_ordered(const mc_cdt* c)
{
    return c->target->flags & MC_ORDERED;
}

static bool list_has(const mc_cdt* c, const mc_item* item, uint32_t except)
{
    for (uint32_t i = 0; i < c->target->count; i++) {
        if (i != except && mc_item_compare(c->target->items[i], item) == 0) {
            return true;
        }
    }
    return false;
}

static bool storable(const mc_item* item)
{
    return !mc_item_has(item, MC_WILDCARD) && !mc_item_has(item, MC_INF) &&
           mc_item_settle((mc_item*)item, false);
}

// ---- the list as a whole ------------------------------------------------------------------------

static int list_set_type(mc_cdt* c)
{
    int64_t type;
    if (mc_cdt_args(c, 1, 1) != MC_OK || mc_cdt_flags(c, 0, &type) != MC_OK) {
        return MC_PARAMETER;
    }
    if (type & ~(int64_t)(MC_ORDERED | MC_PERSIST)) {
        return 26;
    }
    if (!c->target) {
        c->target = mc_item_container(c->arena, MC_LIST, 0);
    }
    c->target->flags = (uint8_t)(type & MC_ORDERED);
    if (list_is_ordered(c)) {
        mc_item_sort_list(c->target);
    }
    return MC_OK;
}

static int list_sort(mc_cdt* c)
{
    int64_t flags;
    if (mc_cdt_flags(c, 0, &flags) != MC_OK || flags == 3) {
        return MC_PARAMETER;
    }
    if (!c->target) {
        return c->had_bin ? MC_OK : MC_INCOMPATIBLE;
    }
    mc_item* list = c->target;
    mc_item_sort_list(list);
    for (uint32_t i = 1; flags & 2 && i < list->count;) {
        if (mc_item_compare(list->items[i - 1], list->items[i]) == 0) {
            mc_item_remove(list, i, 1);
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; flags & 1 && i < list->count / 2; i++) {
        mc_item* swap = list->items[i];
        list->items[i] = list->items[list->count - 1 - i];
        list->items[list->count - 1 - i] = swap;
    }
    return MC_OK;
}

// ---- putting in ---------------------------------------------------------------------------------

static bool list_repeats(const mc_item* items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (mc_item_compare(items->items[i], items->items[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

// The items that a unique list may take. An ordered list looks at the items as a whole first.
// Returns a result code.
static int list_admit(mc_cdt* c, mc_item* items, int64_t flags, mc_item** ret_taken)
{
    mc_item* taken = mc_item_container(c->arena, MC_LIST, 0);
    bool strict = flags & WRITE_UNIQUE && !(flags & WRITE_NO_FAIL);
    if (strict && list_is_ordered(c) && list_repeats(items)) {
        return 26;
    }
    for (uint32_t i = 0; i < items->count; i++) {
        mc_cdt own = {.target = taken};
        bool there = flags & WRITE_UNIQUE && list_has(c, items->items[i], UINT32_MAX);
        bool twice = flags & WRITE_UNIQUE && list_has(&own, items->items[i], UINT32_MAX);
        if (!there && !twice) {
            mc_item_insert(c->arena, taken, taken->count, items->items[i]);
        } else if (strict) {
            return there ? 24 : 26;
        } else if (!(flags & WRITE_PARTIAL)) {
            taken->count = 0;
            break;
        }
    }
    *ret_taken = taken;
    return MC_OK;
}

// Items at a position, or wherever they belong.
static void list_put(mc_cdt* c, uint32_t at, const mc_item* items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        mc_item_insert(c->arena, c->target, at + i, items->items[i]);
    }
    if (list_is_ordered(c)) {
        mc_item_sort_list(c->target);
    }
}

// One value as a list of one.
static mc_item* list_wrap(mc_cdt* c, mc_item* item)
{
    mc_item* list = mc_item_container(c->arena, MC_LIST, 0);
    mc_item_insert(c->arena, list, 0, item);
    return list;
}

static int list_append(mc_cdt* c, bool many)
{
    int64_t flags;
    if (mc_cdt_args(c, 1, 3) != MC_OK || mc_cdt_flags(c, 2, &flags) != MC_OK ||
        (many && c->args[0]->kind != MC_LIST) || !storable(c->args[0])) {
        return MC_PARAMETER;
    }
    int result = list_make(c, 1);
    mc_item* taken = NULL;
    mc_item* items = many ? c->args[0] : list_wrap(c, c->args[0]);
    if (result == MC_OK) {
        result = list_admit(c, items, flags, &taken);
    }
    if (result == MC_OK) {
        c->suppressed = items->count && !taken->count;
        list_put(c, c->target->count, taken);
        list_answer_size(c);
    }
    return result;
}

// The position of an index that may lie behind the end: then the gap is filled with nil.
static int list_reach(mc_cdt* c, int64_t i, int64_t flags, uint32_t* ret_at)
{
    int64_t n = c->target->count;
    i = i < 0 ? i + n : i;
    if (i < 0 || (i > n && flags & WRITE_BOUNDED)) {
        return 26;
    }
    *ret_at = (uint32_t)i;
    return MC_OK;
}

static void list_fill(mc_cdt* c, uint32_t at)
{
    while (c->target->count < at) {
        mc_item_insert(c->arena, c->target, c->target->count, mc_item_new(c->arena, MC_NIL));
    }
}

static int list_insert(mc_cdt* c, bool many)
{
    int64_t index;
    int64_t flags;
    uint32_t at = 0;
    if (mc_cdt_args(c, 2, 3) != MC_OK || mc_cdt_integer(c, 0, &index) != MC_OK ||
        mc_cdt_flags(c, 2, &flags) != MC_OK || (many && c->args[1]->kind != MC_LIST) ||
        !storable(c->args[1])) {
        return MC_PARAMETER;
    }
    (void)list_make(c, UINT32_MAX);
    mc_item* items = many ? c->args[1] : list_wrap(c, c->args[1]);
    if (list_is_ordered(c)) {
        return 26;
    }
    int result = items->count ? list_reach(c, index, flags, &at) : MC_OK;
    bool beyond = result != MC_OK && index > 0;
    mc_item* taken = NULL;
    if (result == MC_OK) {
        result = list_admit(c, items, flags, &taken);
    }
    if (result == MC_OK && taken->count) {
        list_fill(c, at);
        list_put(c, at, taken);
    } else if (result == MC_OK || (beyond && flags & WRITE_NO_FAIL)) {
        c->suppressed = items->count;
        result = MC_OK;
    }
    list_answer_size(c);
    return result;
}

static int list_set(mc_cdt* c)
{
    int64_t index;
    int64_t flags;
    uint32_t at;
    if (mc_cdt_args(c, 2, 3) != MC_OK || mc_cdt_integer(c, 0, &index) != MC_OK ||
        mc_cdt_flags(c, 2, &flags) != MC_OK || !storable(c->args[1])) {
        return MC_PARAMETER;
    }
    (void)list_make(c, UINT32_MAX);
    if (list_is_ordered(c)) {
        return 26;
    }
    int result = list_reach(c, index, flags, &at);
    if (result == MC_OK && flags & WRITE_UNIQUE && list_has(c, c->args[1], at)) {
        result = 24;
    }
    if (result != MC_OK) {
        c->suppressed = flags & WRITE_NO_FAIL && (result == 24 || index > 0);
        return c->suppressed ? MC_OK : result;
    }
    list_fill(c, at + 1);
    c->target->items[at] = c->args[1];
    return MC_OK;
}

// The sum is answered even if it isn't stored.
static int list_increment(mc_cdt* c)
{
    int64_t index;
    int64_t flags;
    uint32_t at;
    if (mc_cdt_args(c, 1, 4) != MC_OK || mc_cdt_integer(c, 0, &index) != MC_OK ||
        mc_cdt_flags(c, 3, &flags) != MC_OK) {
        return MC_PARAMETER;
    }
    const mc_item* delta =
        c->argc > 1 && c->args[1]->kind != MC_NIL ? c->args[1] : mc_item_integer(c->arena, 1);
    int result = list_make(c, 2);
    result = result == MC_OK ? list_reach(c, index, 0, &at) : result;
    if (result != MC_OK) {
        return result;
    }
    if (delta->kind != MC_INTEGER && delta->kind != MC_DOUBLE) {
        return MC_PARAMETER;
    }
    if (list_is_ordered(c) && at > c->target->count) {
        return 26;
    }
    bool beyond = at >= c->target->count;
    mc_item* sum = beyond ? mc_item_new(c->arena, delta->kind) : c->target->items[at];
    result = mc_cdt_add_number(c, &sum, delta, 1);
    if (result != MC_OK) {
        return result;
    }
    if (at > c->target->count && flags & WRITE_BOUNDED) {
        result = 26;
    } else if (flags & WRITE_UNIQUE && list_has(c, sum, beyond ? UINT32_MAX : at)) {
        result = 24;
    }
    if (result != MC_OK) {
        c->suppressed = flags & WRITE_NO_FAIL;
        return c->suppressed ? MC_OK : result;
    }
    list_fill(c, at + 1);
    c->target->items[at] = sum;
    if (list_is_ordered(c)) {
        mc_item_sort_list(c->target);
    }
    return MC_OK;
}

// ---- by index, without a return type ------------------------------------------------------------

// One element, or a stretch of them: read, and removed where the code says so.
static int list_by_index(mc_cdt* c, bool range)
{
    mc_item** args = c->args;
    mc_selection s;
    // The same selections, with a return type before the other arguments.
    c->args = mc_arena_alloc(c->arena, (c->argc + 1) * sizeof(*args));
    for (uint32_t i = 0; i < c->argc; i++) {
        c->args[i + 1] = args[i];
    }
    bool counts = c->code == LIST_REMOVE || c->code == LIST_REMOVE_RANGE;
    c->args[0] = mc_item_integer(c->arena, counts ? 5 : 7);
    c->argc++;
    int result = range ? mc_select_range(c, &s, false) : mc_select_index(c, &s, false);
    return result == MC_OK ? mc_select_finish(c, &s, c->modifies) : result;
}

static int list_trim(mc_cdt* c)
{
    int64_t start;
    int64_t count;
    if (mc_cdt_args(c, 2, 2) != MC_OK || mc_cdt_integer(c, 0, &start) != MC_OK ||
        mc_cdt_integer(c, 1, &count) != MC_OK) {
        return MC_PARAMETER;
    }
    int64_t n = c->target->count;
    start = start < 0 ? start + n : start;
    int64_t end = count < 0 || count > n - start ? n : start + count;
    start = start < 0 ? 0 : start > n ? n : start;
    end = end < start ? start : end;
    mc_item_remove(c->target, (uint32_t)end, (uint32_t)(n - end));
    mc_item_remove(c->target, 0, (uint32_t)start);
    c->answer = mc_item_integer(c->arena, n - (end - start));
    return MC_OK;
}

// ---- selections ---------------------------------------------------------------------------------

static int list_select(mc_cdt* c)
{
    mc_selection s;
    int result;
    switch (c->code) {
    case 19:
    case 32:
        result = mc_select_index(c, &s, false);
        break;
    case 21:
    case 34:
        result = mc_select_index(c, &s, true);
        break;
    case 22:
    case 35:
        result = mc_select_value(c, &s);
        break;
    case 23:
    case 36:
        result = mc_select_value_list(c, &s);
        break;
    case 24:
    case 37:
        result = mc_select_range(c, &s, false);
        break;
    case 25:
    case 38:
        result = mc_select_value_interval(c, &s);
        break;
    case 26:
    case 39:
        result = mc_select_range(c, &s, true);
        break;
    case 27:
    case 40:
        result = mc_select_relative_rank(c, &s);
        break;
    default:
        return MC_PARAMETER;
    }
    return result == MC_OK ? mc_select_finish(c, &s, c->modifies) : result;
}

int mc_cdt_list(mc_cdt* c)
{
    switch (c->code) {
    case LIST_SET_TYPE:
        return list_set_type(c);
    case LIST_APPEND:
    case LIST_APPEND_ITEMS:
        return list_append(c, c->code == LIST_APPEND_ITEMS);
    case LIST_INSERT:
    case LIST_INSERT_ITEMS:
        return list_insert(c, c->code == LIST_INSERT_ITEMS);
    case LIST_SET:
        return list_set(c);
    case LIST_INCREMENT:
        return list_increment(c);
    case LIST_SORT:
        return list_sort(c);
    default:
        break;
    }
    if (!c->target) {
        return MC_OK; // all others leave a bin that is missing alone
    }
    switch (c->code) {
    case LIST_POP:
    case LIST_REMOVE:
    case LIST_GET:
        return list_by_index(c, false);
    case LIST_POP_RANGE:
    case LIST_REMOVE_RANGE:
    case LIST_GET_RANGE:
        return list_by_index(c, true);
    case LIST_TRIM:
        return list_trim(c);
    case LIST_CLEAR:
        c->target->count = 0;
        return MC_OK;
    case LIST_SIZE:
        list_answer_size(c);
        return MC_OK;
    default:
        return list_select(c);
    }
}
