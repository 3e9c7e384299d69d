/*
 * Filter expressions, the simple ones (protocol/cdt-expressions.md 10): constants (boolean,
 * integer, string), comparisons, and, or, not, a bin's value and whether there is one. Everything
 * else that is legal is refused as if it weren't (4): no test may take that for the real thing's
 * answer.
 *
 * Unknown, as from a missing bin, goes through everything but an `and` with a false and an `or`
 * with a true.
 */
#include <string.h>

#include "message.h"

enum {
    FILTER_DEPTH_MAX = 16,
    FILTER_EQ = 1,
    FILTER_LE = 6,
    FILTER_AND = 16,
    FILTER_OR = 17,
    FILTER_NOT = 18,
    FILTER_BIN = 81,
    FILTER_BIN_TYPE = 82,
    TYPE_BOOL = 1,
    TYPE_INTEGER = 2,
    TYPE_STRING = 3,
    PARTICLE_BOOL = 17
};

typedef struct filter_value {
    unsigned type; // TYPE_*
    bool is_unknown;
    int64_t number; // of booleans, too
    const uint8_t* text;
    uint32_t len;
} filter_value;

typedef struct filter_reader {
    const uint8_t* at;
    const uint8_t* end;
    const mc_record* record; // NULL: only the form matters
    int depth;
    bool bad;
} filter_reader;

static filter_value filter_fail(filter_reader* r)
{
    r->bad = true;
    return (filter_value){.type = TYPE_BOOL, .is_unknown = true};
}

static const uint8_t* filter_take(filter_reader* r, size_t len)
{
    static const uint8_t nothing[8];
    const uint8_t* at = r->at;
    if (r->bad || (size_t)(r->end - r->at) < len) {
        r->bad = true;
        return nothing;
    }
    r->at += len;
    return at;
}

// An integer constant behind its first byte; false if that begins none.
static bool filter_integer(filter_reader* r, unsigned first, int64_t* ret)
{
    int width = first >= 0xcc && first <= 0xcf   ? 1 << (first - 0xcc)
                : first >= 0xd0 && first <= 0xd3 ? 1 << (first - 0xd0)
                                                 : 0;
    if (width) {
        uint64_t bits = mc_be_get(filter_take(r, (size_t)width), width);
        bool negative = first >= 0xd0 && width < 8 && bits >> (8 * width - 1);
        *ret = (int64_t)(negative ? bits | ~UINT64_C(0) << (8 * width) : bits);
        return true;
    }
    *ret = first < 0x80 ? (int64_t)first : (int64_t)first - 256;
    return first < 0x80 || first >= 0xe0;
}

static filter_value filter_text(filter_reader* r, unsigned first)
{
    uint32_t len = first >= 0xa0 && first < 0xc0 ? first & 31
                   : first == 0xd9               ? filter_take(r, 1)[0]
                                                 : UINT32_MAX;
    if (len == UINT32_MAX) {
        return filter_fail(r);
    }
    const uint8_t* text = filter_take(r, len);
    return (filter_value){.type = TYPE_STRING, .text = text, .len = len};
}

static filter_value filter_constant(filter_reader* r, unsigned first)
{
    filter_value v = {.type = TYPE_INTEGER};
    if (first == 0xc2 || first == 0xc3) {
        return (filter_value){.type = TYPE_BOOL, .number = first == 0xc3};
    }
    if (filter_integer(r, first, &v.number)) {
        return v;
    }
    v = filter_text(r, first);
    if (v.len == 0 || v.text[0] != 3) { // without its type
        return filter_fail(r);
    }
    v.text++;
    v.len--;
    return v;
}

static const uint8_t* filter_entry(const mc_record* record, const filter_value* name)
{
    const uint8_t* end = record ? record->bins + record->bins_len : NULL;
    for (const uint8_t* e = record ? record->bins : NULL; e < end; e += mc_entry_size(e)) {
        if (e[7] == name->len && !memcmp(e + 8, name->text, name->len)) {
            return e;
        }
    }
    return NULL;
}

static filter_value filter_bin(filter_reader* r, bool wants_type)
{
    int64_t type = TYPE_INTEGER;
    if (!wants_type) {
        filter_integer(r, filter_take(r, 1)[0], &type);
    }
    filter_value name = filter_text(r, filter_take(r, 1)[0]);
    if (name.len > 15 || type < TYPE_BOOL || type > TYPE_STRING) {
        return filter_fail(r);
    }
    const uint8_t* e = filter_entry(r->record, &name);
    filter_value v = {.type = (unsigned)type, .is_unknown = !wants_type};
    if (wants_type) {
        v.number = e ? e[5] : 0;
    } else if (e && type == TYPE_STRING && e[5] == 3) {
        v.is_unknown = false;
        v.text = e + 8 + e[7];
        v.len = mc_entry_size(e) - 8 - e[7];
    } else if (e && e[5] == (type == TYPE_BOOL ? PARTICLE_BOOL : 1) && type != TYPE_STRING) {
        v.is_unknown = false;
        v.number = (int64_t)mc_be_get(e + 8 + e[7], type == TYPE_BOOL ? 1 : 8);
    }
    return v;
}

static filter_value filter_read(filter_reader* r);

static int filter_order(const filter_value* a, const filter_value* b)
{
    if (a->type != TYPE_STRING) {
        return (a->number > b->number) - (a->number < b->number);
    }
    uint32_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->text, b->text, len) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static filter_value filter_compare(filter_reader* r, unsigned op)
{
    filter_value a = filter_read(r);
    filter_value b = filter_read(r);
    if (a.type != b.type) {
        return filter_fail(r);
    }
    int order = a.is_unknown || b.is_unknown || r->bad ? 0 : filter_order(&a, &b);
    const bool results[] = {order == 0, order != 0, order > 0, order >= 0, order < 0, order <= 0};
    return (filter_value){.type = TYPE_BOOL,
                          .is_unknown = a.is_unknown || b.is_unknown,
                          .number = results[op - FILTER_EQ]};
}

static filter_value filter_join(filter_reader* r, unsigned op, unsigned count)
{
    bool stops_at = op == FILTER_OR;
    filter_value v = {.type = TYPE_BOOL, .number = !stops_at};
    bool is_decided = false;
    for (unsigned i = 0; i < count; i++) {
        filter_value one = filter_read(r);
        if (one.type != TYPE_BOOL) {
            return filter_fail(r);
        }
        v.is_unknown |= one.is_unknown;
        is_decided |= !one.is_unknown && (one.number != 0) == stops_at;
    }
    if (is_decided) {
        v = (filter_value){.type = TYPE_BOOL, .number = stops_at};
    }
    return count < 2 ? filter_fail(r) : v;
}

static filter_value filter_call(filter_reader* r, unsigned count)
{
    unsigned op = filter_take(r, 1)[0];
    if (op >= FILTER_EQ && op <= FILTER_LE && count == 3) {
        return filter_compare(r, op);
    }
    if (op == FILTER_AND || op == FILTER_OR) {
        return filter_join(r, op, count - 1);
    }
    if (op == FILTER_NOT && count == 2) {
        filter_value v = filter_read(r);
        v.number = !v.number;
        return v.type == TYPE_BOOL ? v : filter_fail(r);
    }
    if ((op == FILTER_BIN && count == 3) || (op == FILTER_BIN_TYPE && count == 2)) {
        return filter_bin(r, op == FILTER_BIN_TYPE);
    }
    return filter_fail(r);
}

static filter_value filter_read(filter_reader* r)
{
    unsigned first = filter_take(r, 1)[0];
    if (r->bad || r->depth == FILTER_DEPTH_MAX) {
        return filter_fail(r);
    }
    if (first <= 0x90 || first >= 0xa0) {
        return filter_constant(r, first);
    }
    r->depth++;
    filter_value v = filter_call(r, first & 15);
    r->depth--;
    return v;
}

int mc_filter(mc_slice filter, const mc_record* record)
{
    if (!filter.data) {
        return MC_OK;
    }
    filter_reader r = {.at = filter.data, .end = filter.data + filter.len, .record = record};
    filter_value v = filter_read(&r);
    if (r.bad || r.at != r.end || v.type != TYPE_BOOL) {
        return MC_PARAMETER;
    }
    return !record || (!v.is_unknown && v.number) ? MC_OK : MC_FILTERED_OUT;
}
