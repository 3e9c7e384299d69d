/*
 * Selections of elements and entries, and their answers by return type (cdt-expressions.md 4.4,
 * 5.4).
 */
#include <stdlib.h>
#include <string.h>

#include "cdt.h"

enum {
    RETURN_NONE = 0,
    RETURN_INDEX = 1,
    RETURN_REVERSE_INDEX = 2,
    RETURN_RANK = 3,
    RETURN_REVERSE_RANK = 4,
    RETURN_COUNT = 5,
    RETURN_KEY = 6,
    RETURN_VALUE = 7,
    RETURN_KEY_VALUE = 8,
    RETURN_EXISTS = 13,
    RETURN_UNORDERED_MAP = 16,
    RETURN_ORDERED_MAP = 17,
    RETURN_INVERTED = 0x10000
};

// ---- elements and their order -------------------------------------------------------------------

static bool is_map(const mc_cdt* c)
{
    return c->target->kind == MC_MAP;
}

uint32_t mc_cdt_size(const mc_cdt* c)
{
    return is_map(c) ? c->target->count / 2 : c->target->count;
}

mc_item* mc_cdt_value(const mc_cdt* c, uint32_t i)
{
    return c->target->items[is_map(c) ? 2 * i + 1 : i];
}

static mc_item* cdt_key(const mc_cdt* c, uint32_t i)
{
    return c->target->items[2 * i];
}

static int compare_places(const void* a, const void* b, void* cdt)
{
    uint32_t x = *(const uint32_t*)a;
    uint32_t y = *(const uint32_t*)b;
    int order = mc_item_compare(mc_cdt_value(cdt, x), mc_cdt_value(cdt, y));
    return order ? order : (x > y) - (x < y);
}

uint32_t* mc_cdt_by_rank(const mc_cdt* c)
{
    uint32_t n = mc_cdt_size(c);
    uint32_t* at = mc_arena_alloc(c->arena, (n + 1) * sizeof(*at));
    for (uint32_t i = 0; i < n; i++) {
        at[i] = i;
    }
    if (n > 1) {
        qsort_r(at, n, sizeof(*at), compare_places, (void*)c);
    }
    return at;
}

int64_t mc_cdt_find_key(const mc_cdt* c, const mc_item* key)
{
    uint32_t low = 0;
    uint32_t high = mc_cdt_size(c);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = mc_item_compare(cdt_key(c, middle), key);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1 - (int64_t)low;
}

// ---- selecting ----------------------------------------------------------------------------------

static void select_begin(mc_cdt* c, mc_selection* s)
{
    memset(s, 0, sizeof(*s));
    s->at = mc_arena_alloc(c->arena, (mc_cdt_size(c) + 1) * sizeof(*s->at));
}

static void select_add(mc_selection* s, uint32_t at)
{
    s->at[s->count++] = at;
}

// From start, which may lie before the first, count of n; `places` maps ranks to positions.
static void select_stretch(mc_selection* s, int64_t start, int64_t count, uint32_t n,
                           const uint32_t* places)
{
    int64_t end = count < 0 || count > n - start ? n : start + count;
    for (int64_t i = start < 0 ? 0 : start; i < end; i++) {
        select_add(s, places ? places[i] : (uint32_t)i);
    }
}

static int compare_numbers(const void* a, const void* b)
{
    uint32_t x = *(const uint32_t*)a;
    uint32_t y = *(const uint32_t*)b;
    return (x > y) - (x < y);
}

static void select_sort(mc_selection* s)
{
    if (s->count > 1) {
        qsort(s->at, s->count, sizeof(*s->at), compare_numbers);
    }
}

int mc_select_index(mc_cdt* c, mc_selection* s, bool rank)
{
    int64_t i;
    int result = mc_cdt_args(c, 2, 2);
    result = result == MC_OK ? mc_cdt_integer(c, 1, &i) : result;
    if (result != MC_OK) {
        return result;
    }
    select_begin(c, s);
    s->single = true;
    int64_t n = mc_cdt_size(c);
    i = i < 0 ? i + n : i;
    if (i < 0 || i >= n) {
        return 26;
    }
    select_add(s, rank ? mc_cdt_by_rank(c)[i] : (uint32_t)i);
    s->stretch = !rank;
    return MC_OK;
}

// The optional count in argument i: -1 for all.
static int select_count(const mc_cdt* c, uint32_t i, int64_t* ret_count)
{
    *ret_count = -1;
    return i < c->argc ? mc_cdt_integer(c, i, ret_count) : MC_OK;
}

int mc_select_range(mc_cdt* c, mc_selection* s, bool rank)
{
    int64_t start;
    int64_t count;
    int result = mc_cdt_args(c, 2, 3);
    result = result == MC_OK ? mc_cdt_integer(c, 1, &start) : result;
    result = result == MC_OK ? select_count(c, 2, &count) : result;
    if (result != MC_OK) {
        return result;
    }
    select_begin(c, s);
    uint32_t n = mc_cdt_size(c);
    start = start < 0 ? start + n : start;
    select_stretch(s, start, count, n, rank ? mc_cdt_by_rank(c) : NULL);
    if (!is_map(c)) {
        select_sort(s);
    }
    s->stretch = !rank;
    return MC_OK;
}

int mc_select_value(mc_cdt* c, mc_selection* s)
{
    if (mc_cdt_args(c, 2, 2) != MC_OK) {
        return MC_PARAMETER;
    }
    select_begin(c, s);
    for (uint32_t i = 0; i < mc_cdt_size(c); i++) {
        if (mc_item_compare(mc_cdt_value(c, i), c->args[1]) == 0) {
            select_add(s, i);
        }
    }
    return MC_OK;
}

// What the items of the list ask for: each element once, in the order of the list.
static void select_supplied(mc_cdt* c, mc_selection* s, const mc_item* list, bool keys)
{
    uint32_t n = mc_cdt_size(c);
    bool* taken = mc_arena_alloc(c->arena, n + 1);
    s->supplied = mc_arena_alloc(c->arena, (n + 1) * sizeof(uint32_t));
    for (uint32_t k = 0; k < list->count; k++) {
        for (uint32_t i = 0; i < n; i++) {
            mc_item* item = keys ? cdt_key(c, i) : mc_cdt_value(c, i);
            if (!taken[i] && mc_item_compare(item, list->items[k]) == 0) {
                taken[i] = true;
                s->supplied[s->count] = i;
                select_add(s, i);
            }
        }
    }
}

int mc_select_value_list(mc_cdt* c, mc_selection* s)
{
    if (mc_cdt_args(c, 2, 2) != MC_OK || c->args[1]->kind != MC_LIST) {
        return MC_PARAMETER;
    }
    select_begin(c, s);
    select_supplied(c, s, c->args[1], false);
    if (is_map(c) || !(c->target->flags & MC_ORDERED)) {
        select_sort(s);
    }
    return MC_OK;
}

int mc_select_key_list(mc_cdt* c, mc_selection* s)
{
    if (mc_cdt_args(c, 2, 2) != MC_OK || c->args[1]->kind != MC_LIST) {
        return MC_PARAMETER;
    }
    select_begin(c, s);
    select_supplied(c, s, c->args[1], true);
    select_sort(s);
    s->by_keys = true;
    return MC_OK;
}

static int select_interval(mc_cdt* c, mc_selection* s, bool keys)
{
    if (mc_cdt_args(c, 2, 3) != MC_OK) {
        return MC_PARAMETER;
    }
    select_begin(c, s);
    for (uint32_t i = 0; i < mc_cdt_size(c); i++) {
        mc_item* item = keys ? cdt_key(c, i) : mc_cdt_value(c, i);
        if (mc_item_compare(item, c->args[1]) >= 0 &&
            (c->argc < 3 || mc_item_compare(item, c->args[2]) < 0)) {
            select_add(s, i);
        }
    }
    s->stretch = keys;
    return MC_OK;
}

int mc_select_value_interval(mc_cdt* c, mc_selection* s)
{
    return select_interval(c, s, false);
}

int mc_select_key_interval(mc_cdt* c, mc_selection* s)
{
    return select_interval(c, s, true);
}

static int select_relative(mc_cdt* c, int64_t* ret_offset, int64_t* ret_count)
{
    int result = mc_cdt_args(c, 3, 4);
    result = result == MC_OK ? mc_cdt_integer(c, 2, ret_offset) : result;
    return result == MC_OK ? select_count(c, 3, ret_count) : result;
}

int mc_select_relative_rank(mc_cdt* c, mc_selection* s)
{
    int64_t offset;
    int64_t count;
    int result = select_relative(c, &offset, &count);
    if (result != MC_OK) {
        return result;
    }
    select_begin(c, s);
    uint32_t n = mc_cdt_size(c);
    uint32_t* places = mc_cdt_by_rank(c);
    int64_t base = 0;
    while (base < n && mc_item_compare(mc_cdt_value(c, places[base]), c->args[1]) < 0) {
        base++;
    }
    select_stretch(s, base + offset, count, n, places);
    if (!is_map(c)) {
        select_sort(s);
    }
    return MC_OK;
}

int mc_select_relative_index(mc_cdt* c, mc_selection* s)
{
    int64_t offset;
    int64_t count;
    int result = select_relative(c, &offset, &count);
    if (result != MC_OK) {
        return result;
    }
    select_begin(c, s);
    int64_t at = mc_cdt_find_key(c, c->args[1]);
    select_stretch(s, (at < 0 ? -1 - at : at) + offset, count, mc_cdt_size(c), NULL);
    s->stretch = true;
    return MC_OK;
}

int mc_select_key(mc_cdt* c, mc_selection* s)
{
    if (mc_cdt_args(c, 2, 2) != MC_OK) {
        return MC_PARAMETER;
    }
    select_begin(c, s);
    s->single = true;
    int64_t at = mc_cdt_find_key(c, c->args[1]);
    if (at >= 0) {
        select_add(s, (uint32_t)at);
    }
    return MC_OK;
}

static void select_invert(mc_cdt* c, mc_selection* s)
{
    uint32_t n = mc_cdt_size(c);
    bool* taken = mc_arena_alloc(c->arena, n + 1);
    for (uint32_t i = 0; i < s->count; i++) {
        taken[s->at[i]] = true;
    }
    mc_selection others;
    select_begin(c, &others);
    for (uint32_t i = 0; i < n; i++) {
        if (!taken[i]) {
            select_add(&others, i);
        }
    }
    *s = others;
}

// ---- answers ------------------------------------------------------------------------------------

static bool return_is_known(const mc_cdt* c, const mc_selection* s, int64_t type)
{
    switch (type) {
    case RETURN_NONE:
    case RETURN_INDEX:
    case RETURN_REVERSE_INDEX:
    case RETURN_COUNT:
    case RETURN_VALUE:
    case RETURN_EXISTS:
        return true;
    case RETURN_RANK:
    case RETURN_REVERSE_RANK:
        return !s->by_keys;
    case RETURN_KEY:
    case RETURN_KEY_VALUE:
    case RETURN_UNORDERED_MAP:
    case RETURN_ORDERED_MAP:
        return is_map(c);
    default:
        return false;
    }
}

static mc_item* answer_bool(mc_cdt* c, bool yes)
{
    return mc_item_new(c->arena, yes ? MC_TRUE : MC_FALSE);
}

// Indexes or ranks.
static mc_item* answer_places(mc_cdt* c, const mc_selection* s, int64_t type)
{
    uint32_t n = mc_cdt_size(c);
    bool rank = type == RETURN_RANK || type == RETURN_REVERSE_RANK;
    bool reverse = type == RETURN_REVERSE_INDEX || type == RETURN_REVERSE_RANK;
    bool supplied = s->supplied && (s->by_keys ? !rank : rank);
    const uint32_t* from = supplied ? s->supplied : s->at;
    uint32_t count = s->count;
    uint32_t* numbers = mc_arena_alloc(c->arena, (count + 1) * sizeof(*numbers));
    uint32_t* ranks = mc_arena_alloc(c->arena, (n + 1) * sizeof(*ranks));
    uint32_t* places = mc_cdt_by_rank(c);
    // Of equal elements by index each has the lowest rank, unless the order is that of the ranks.
    bool ordered = !is_map(c) && c->target->flags & MC_ORDERED;
    bool lowest = !is_map(c) && !ordered && s->stretch && (s->single || count < n);
    for (uint32_t i = 0; i < n; i++) {
        bool tied =
            lowest && i &&
            mc_item_compare(mc_cdt_value(c, places[i - 1]), mc_cdt_value(c, places[i])) == 0;
        ranks[places[i]] = tied ? ranks[places[i - 1]] : i;
    }
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = rank ? ranks[from[i]] : from[i];
        numbers[i] = reverse ? n - 1 - numbers[i] : numbers[i];
    }
    // Ranks come in order, but for some of a range by index; indexes from the end if in one piece.
    bool by_rank = rank && (!s->stretch || count == n);
    bool by_index = reverse && (ordered || (s->stretch && !rank));
    if ((by_rank || by_index) && !supplied && count > 1) {
        qsort(numbers, count, sizeof(*numbers), compare_numbers);
    }
    mc_item* list = mc_item_container(c->arena, MC_LIST, 0);
    for (uint32_t i = 0; i < count; i++) {
        mc_item_insert(c->arena, list, i, mc_item_integer(c->arena, numbers[i]));
    }
    return list;
}

static mc_item* answer_items(mc_cdt* c, const mc_selection* s, bool keys)
{
    mc_item* list = mc_item_container(c->arena, MC_LIST, 0);
    for (uint32_t i = 0; i < s->count; i++) {
        mc_item_insert(c->arena, list, i, keys ? cdt_key(c, s->at[i]) : mc_cdt_value(c, s->at[i]));
    }
    return list;
}

static mc_item* answer_map(mc_cdt* c, const mc_selection* s, unsigned flags)
{
    mc_item* map = mc_item_container(c->arena, MC_MAP, flags);
    for (uint32_t i = 0; i < s->count; i++) {
        mc_item_insert(c->arena, map, map->count, cdt_key(c, s->at[i]));
        mc_item_insert(c->arena, map, map->count, mc_cdt_value(c, s->at[i]));
    }
    if (flags == MC_ORDERED) {
        mc_item_sort_map(map);
    }
    return map;
}

// Of one element its own answer, not a list of one.
static mc_item* answer_of(const mc_selection* s, mc_item* list, mc_item* none)
{
    return !s->single ? list : list->count ? list->items[0] : none;
}

static void select_answer(mc_cdt* c, const mc_selection* s, int64_t type)
{
    mc_arena* arena = c->arena;
    switch (type) {
    case RETURN_INDEX:
    case RETURN_REVERSE_INDEX:
    case RETURN_RANK:
    case RETURN_REVERSE_RANK:
        c->answer = answer_of(s, answer_places(c, s, type), mc_item_integer(arena, -1));
        break;
    case RETURN_COUNT:
        c->answer = mc_item_integer(arena, s->count);
        break;
    case RETURN_KEY:
    case RETURN_VALUE:
        c->answer = answer_of(s, answer_items(c, s, type == RETURN_KEY), NULL);
        break;
    case RETURN_KEY_VALUE:
        c->answer = answer_map(c, s, MC_PRESERVE_ORDER);
        break;
    case RETURN_EXISTS:
        c->answer = answer_bool(c, s->count > 0);
        break;
    case RETURN_UNORDERED_MAP:
        c->answer = answer_map(c, s, 0);
        break;
    case RETURN_ORDERED_MAP:
        c->answer = answer_map(c, s, MC_ORDERED);
        break;
    default:
        break;
    }
}

int mc_select_finish(mc_cdt* c, mc_selection* s, bool removes)
{
    int64_t type;
    if (mc_cdt_flags(c, 0, &type) != MC_OK) {
        return MC_PARAMETER;
    }
    bool inverted = type & RETURN_INVERTED;
    type &= ~(int64_t)RETURN_INVERTED;
    if (!return_is_known(c, s, type) || (inverted && s->single)) {
        return 26;
    }
    if (inverted) {
        select_invert(c, s);
    }
    select_answer(c, s, type);
    if (removes) {
        select_sort(s);
        uint32_t width = is_map(c) ? 2 : 1;
        for (uint32_t i = s->count; i > 0; i--) {
            mc_item_remove(c->target, s->at[i - 1] * width, width);
        }
    }
    return MC_OK;
}
