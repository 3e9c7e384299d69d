/*
 * as_operations: the list of operations that a command applies to a record.
 */
#include "core/operations.h"

#include <string.h>

#include "core/mem.h"

static void operations_fill(as_operations* ops, bool on_heap, as_binop* entries, uint16_t capacity)
{
    ops->binops.entries = entries;
    ops->binops.capacity = capacity;
    ops->binops.size = 0;
    ops->binops._free = false;
    ops->ttl = 0;
    ops->gen = 0;
    ops->_free = on_heap;
}

as_operations* as_operations_init(as_operations* ops, uint16_t nops)
{
    if (!ops) {
        return NULL;
    }
    operations_fill(ops, false, NULL, 0);
    if (nops == 0) {
        return ops;
    }
    ops->binops.entries = tnd_malloc(sizeof(as_binop) * nops);
    if (!ops->binops.entries) {
        return NULL;
    }
    ops->binops.capacity = nops;
    ops->binops._free = true;
    return ops;
}

as_operations* as_operations_new(uint16_t nops)
{
    /* Struct and entries in one block. */
    _Static_assert(_Alignof(as_operations) >= _Alignof(as_binop), "entries follow the struct");
    as_operations* ops = tnd_malloc(sizeof(*ops) + sizeof(as_binop) * nops);

    if (ops) {
        operations_fill(ops, true, nops > 0 ? (as_binop*)(ops + 1) : NULL, nops);
    }
    return ops;
}

void as_operations_destroy(as_operations* ops)
{
    if (!ops) {
        return;
    }
    for (uint16_t i = 0; i < ops->binops.size; i++) {
        as_val_destroy(ops->binops.entries[i].bin.valuep);
    }
    if (ops->binops._free) {
        tnd_free(ops->binops.entries);
    }
    ops->binops.entries = NULL;
    ops->binops.capacity = 0;
    ops->binops.size = 0;
    ops->binops._free = false;
    if (ops->_free) {
        tnd_free(ops);
    }
}

/* --- adding --- */

/* The bin of a new operation, without an operand; NULL where the caller answers false. */
static as_bin* operations_add(as_operations* ops, as_operator op, const char* name)
{
    as_binop* entry;
    size_t size;

    if (!ops || !name || ops->binops.size >= ops->binops.capacity) {
        return NULL;
    }
    size = strnlen(name, AS_BIN_NAME_MAX_SIZE);
    if (size > AS_BIN_NAME_MAX_LEN) {
        return NULL;
    }
    entry = &ops->binops.entries[ops->binops.size++];
    entry->op = op;
    memcpy(entry->bin.name, name, size + 1);
    entry->bin.valuep = NULL;
    return &entry->bin;
}

static bool add_plain(as_operations* ops, as_operator op, const char* name)
{
    return operations_add(ops, op, name) != NULL;
}

static bool add_int64(as_operations* ops, as_operator op, const char* name, int64_t value)
{
    as_bin* bin = operations_add(ops, op, name);

    if (!bin) {
        return false;
    }
    as_integer_init(&bin->value.integer, value);
    bin->valuep = &bin->value;
    return true;
}

static bool add_double(as_operations* ops, as_operator op, const char* name, double value)
{
    as_bin* bin = operations_add(ops, op, name);

    if (!bin) {
        return false;
    }
    as_double_init(&bin->value.dbl, value);
    bin->valuep = &bin->value;
    return true;
}

static bool add_str(as_operations* ops, as_operator op, const char* name, const char* value,
                    bool free)
{
    as_bin* bin = operations_add(ops, op, name);

    if (!bin) {
        return false;
    }
    as_string_init(&bin->value.string, (char*)value, free);
    bin->valuep = &bin->value;
    return true;
}

static bool add_raw(as_operations* ops, as_operator op, const char* name, const uint8_t* value,
                    uint32_t size, bool free)
{
    as_bin* bin = operations_add(ops, op, name);

    if (!bin) {
        return false;
    }
    as_bytes_init_wrap(&bin->value.bytes, (uint8_t*)value, size, free);
    bin->valuep = &bin->value;
    return true;
}

bool as_operations_add_write(as_operations* ops, const char* name, as_bin_value* value)
{
    as_bin* bin = operations_add(ops, AS_OPERATOR_WRITE, name);

    if (!bin) {
        return false;
    }
    bin->valuep = value ? value : (as_bin_value*)&as_nil;
    return true;
}

bool as_operations_add_write_bool(as_operations* ops, const char* name, bool value)
{
    as_bin* bin = operations_add(ops, AS_OPERATOR_WRITE, name);

    if (!bin) {
        return false;
    }
    as_boolean_init(&bin->value.boolean, value);
    bin->valuep = &bin->value;
    return true;
}

bool as_operations_add_write_int64(as_operations* ops, const char* name, int64_t value)
{
    return add_int64(ops, AS_OPERATOR_WRITE, name, value);
}

bool as_operations_add_write_double(as_operations* ops, const char* name, double value)
{
    return add_double(ops, AS_OPERATOR_WRITE, name, value);
}

bool as_operations_add_write_strp(as_operations* ops, const char* name, const char* value,
                                  bool free)
{
    return add_str(ops, AS_OPERATOR_WRITE, name, value, free);
}

bool as_operations_add_write_str(as_operations* ops, const char* name, const char* value)
{
    return add_str(ops, AS_OPERATOR_WRITE, name, value, false);
}

bool as_operations_add_write_geojson_strp(as_operations* ops, const char* name, const char* value,
                                          bool free)
{
    as_bin* bin = operations_add(ops, AS_OPERATOR_WRITE, name);

    if (!bin) {
        return false;
    }
    as_geojson_init((as_geojson*)&bin->value, (char*)value, free);
    bin->valuep = &bin->value;
    return true;
}

bool as_operations_add_write_geojson_str(as_operations* ops, const char* name, const char* value)
{
    return as_operations_add_write_geojson_strp(ops, name, value, false);
}

bool as_operations_add_write_rawp(as_operations* ops, const char* name, const uint8_t* value,
                                  uint32_t size, bool free)
{
    return add_raw(ops, AS_OPERATOR_WRITE, name, value, size, free);
}

bool as_operations_add_write_raw(as_operations* ops, const char* name, const uint8_t* value,
                                 uint32_t size)
{
    return add_raw(ops, AS_OPERATOR_WRITE, name, value, size, false);
}

bool as_operations_add_incr(as_operations* ops, const char* name, int64_t value)
{
    return add_int64(ops, AS_OPERATOR_INCR, name, value);
}

bool as_operations_add_incr_double(as_operations* ops, const char* name, double value)
{
    return add_double(ops, AS_OPERATOR_INCR, name, value);
}

bool as_operations_add_prepend_strp(as_operations* ops, const char* name, const char* value,
                                    bool free)
{
    return add_str(ops, AS_OPERATOR_PREPEND, name, value, free);
}

bool as_operations_add_prepend_str(as_operations* ops, const char* name, const char* value)
{
    return add_str(ops, AS_OPERATOR_PREPEND, name, value, false);
}

bool as_operations_add_prepend_rawp(as_operations* ops, const char* name, const uint8_t* value,
                                    uint32_t size, bool free)
{
    return add_raw(ops, AS_OPERATOR_PREPEND, name, value, size, free);
}

bool as_operations_add_prepend_raw(as_operations* ops, const char* name, const uint8_t* value,
                                   uint32_t size)
{
    return add_raw(ops, AS_OPERATOR_PREPEND, name, value, size, false);
}

bool as_operations_add_append_strp(as_operations* ops, const char* name, const char* value,
                                   bool free)
{
    return add_str(ops, AS_OPERATOR_APPEND, name, value, free);
}

bool as_operations_add_append_str(as_operations* ops, const char* name, const char* value)
{
    return add_str(ops, AS_OPERATOR_APPEND, name, value, false);
}

bool as_operations_add_append_rawp(as_operations* ops, const char* name, const uint8_t* value,
                                   uint32_t size, bool free)
{
    return add_raw(ops, AS_OPERATOR_APPEND, name, value, size, free);
}

bool as_operations_add_append_raw(as_operations* ops, const char* name, const uint8_t* value,
                                  uint32_t size)
{
    return add_raw(ops, AS_OPERATOR_APPEND, name, value, size, false);
}

bool as_operations_add_read(as_operations* ops, const char* name)
{
    return add_plain(ops, AS_OPERATOR_READ, name);
}

bool as_operations_add_read_all(as_operations* ops)
{
    return add_plain(ops, AS_OPERATOR_READ, "");
}

bool as_operations_add_touch(as_operations* ops)
{
    return add_plain(ops, AS_OPERATOR_TOUCH, "");
}

bool as_operations_add_delete(as_operations* ops)
{
    return add_plain(ops, AS_OPERATOR_DELETE, "");
}

/* --- packed operands --- */

bool tnd_operations_add_packed(as_operations* ops, as_operator op, const char* name, uint8_t* bytes,
                               uint32_t size)
{
    return add_raw(ops, op, name, bytes, size, true);
}

/* A value of no type in the place of the packed operand. */
void tnd_operations_refuse(as_operations* ops, as_operator op, const char* name, const char* reason)
{
    as_bin* bin = operations_add(ops, op, name);

    if (bin) {
        as_string_init(&bin->value.string, (char*)reason, false);
        bin->value.nil.type = AS_UNDEF;
        bin->valuep = &bin->value;
    }
}

static bool has_packed_operand(as_operator op)
{
    switch (op) {
    case AS_OPERATOR_CDT_READ:
    case AS_OPERATOR_CDT_MODIFY:
    case AS_OPERATOR_MAP_READ:
    case AS_OPERATOR_MAP_MODIFY:
    case AS_OPERATOR_EXP_READ:
    case AS_OPERATOR_EXP_MODIFY:
    case AS_OPERATOR_BIT_READ:
    case AS_OPERATOR_BIT_MODIFY:
    case AS_OPERATOR_HLL_READ:
    case AS_OPERATOR_HLL_MODIFY:
    case AS_OPERATOR_STRING_READ:
    case AS_OPERATOR_STRING_MODIFY:
        return true;
    default:
        return false;
    }
}

const char* tnd_operations_refusal(const as_binop* binop)
{
    const as_bin* bin = &binop->bin;

    if (!has_packed_operand(binop->op) || bin->valuep != &bin->value ||
        bin->value.nil.type != AS_UNDEF) {
        return NULL;
    }
    return bin->value.string.value;
}

/* --- looking --- */

bool as_operations_is_basic_read(as_operator t)
{
    return t == AS_OPERATOR_READ;
}

static bool is_read(as_operator op)
{
    switch (op) {
    case AS_OPERATOR_READ:
    case AS_OPERATOR_CDT_READ:
    case AS_OPERATOR_MAP_READ:
    case AS_OPERATOR_EXP_READ:
    case AS_OPERATOR_BIT_READ:
    case AS_OPERATOR_HLL_READ:
    case AS_OPERATOR_STRING_READ:
    case AS_OPERATOR_TO_STRING:
        return true;
    default:
        return false;
    }
}

bool as_operations_has_write(const as_operations* ops)
{
    for (uint16_t i = 0; i < ops->binops.size; i++) {
        if (!is_read(ops->binops.entries[i].op)) {
            return true;
        }
    }
    return false;
}

bool as_operations_consists_of_all_writes(const as_operations* ops)
{
    for (uint16_t i = 0; i < ops->binops.size; i++) {
        if (is_read(ops->binops.entries[i].op)) {
            return false;
        }
    }
    return true;
}

bool as_operations_add_read_all_called(const as_operations* ops)
{
    for (uint16_t i = 0; i < ops->binops.size; i++) {
        const as_binop* entry = &ops->binops.entries[i];
        if (entry->op == AS_OPERATOR_READ && entry->bin.name[0] == '\0') {
            return true;
        }
    }
    return false;
}
