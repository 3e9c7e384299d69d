/*
 * as_key: which record, and its digest.
 */
#include <aerospike/as_key.h>

#include <aerospike/as_double.h>
#include <aerospike/as_log_macros.h>

#include "core/buf.h"
#include "core/digest.h"
#include "core/key.h"
#include "core/mem.h"

_Static_assert(TND_DIGEST_BYTES == AS_DIGEST_VALUE_SIZE, "one digest");

/* Everything but the value. On failure the key names nothing at all, so that a program that doesn't
   look can't reach another set or namespace than it meant. */
static as_key* key_begin(as_key* key, const char* ns, const char* set)
{
    if (!key) {
        return NULL;
    }
    key->_free = false;
    key->ns[0] = '\0';
    key->set[0] = '\0';
    key->valuep = NULL;
    key->digest.init = false;

    size_t ns_size = ns ? strnlen(ns, sizeof(key->ns)) : sizeof(key->ns);
    size_t set_size = set ? strnlen(set, sizeof(key->set)) : 0;
    if (ns_size == sizeof(key->ns) || set_size == sizeof(key->set)) {
        return NULL;
    }
    tnd_copy_bytes(key->ns, ns, ns_size);
    tnd_copy_bytes(key->set, set, set_size);
    key->ns[ns_size] = '\0';
    key->set[set_size] = '\0';
    return key;
}

as_key* as_key_init(as_key* key, const char* ns, const char* set, const char* value)
{
    return as_key_init_strp(key, ns, set, value, false);
}

as_key* as_key_init_int64(as_key* key, const char* ns, const char* set, int64_t value)
{
    if (!key_begin(key, ns, set)) {
        return NULL;
    }
    as_integer_init(&key->value.integer, value);
    key->valuep = &key->value;
    return key;
}

as_key* as_key_init_strp(as_key* key, const char* ns, const char* set, const char* value, bool free)
{
    if (!key_begin(key, ns, set) || !value) {
        return NULL;
    }
    as_string_init(&key->value.string, (char*)value, free);
    key->valuep = &key->value;
    return key;
}

as_key* as_key_init_str(as_key* key, const char* ns, const char* set, const char* value)
{
    return as_key_init_strp(key, ns, set, value, false);
}

as_key* as_key_init_rawp(as_key* key, const char* ns, const char* set, const uint8_t* value,
                         uint32_t size, bool free)
{
    if (!key_begin(key, ns, set) || (!value && size > 0)) {
        return NULL;
    }
    as_bytes_init_wrap(&key->value.bytes, (uint8_t*)value, size, free);
    key->valuep = &key->value;
    return key;
}

as_key* as_key_init_raw(as_key* key, const char* ns, const char* set, const uint8_t* value,
                        uint32_t size)
{
    return as_key_init_rawp(key, ns, set, value, size, false);
}

as_key* as_key_init_digest(as_key* key, const char* ns, const char* set, const uint8_t* digest)
{
    if (!key_begin(key, ns, set) || !digest) {
        return NULL;
    }
    memcpy(key->digest.value, digest, AS_DIGEST_VALUE_SIZE);
    key->digest.init = true;
    return key;
}

as_key* as_key_init_value(as_key* key, const char* ns, const char* set, const as_key_value* value)
{
    if (!key_begin(key, ns, set) || !value) {
        return NULL;
    }
    key->valuep = (as_key_value*)value;
    return key;
}

/* --- on the heap --- */

/* `key` as its initialiser left it: NULL means that it failed. */
static as_key* key_keep(as_key* memory, as_key* key)
{
    if (key) {
        key->_free = true;
    } else {
        tnd_free(memory);
    }
    return key;
}

as_key* as_key_new(const char* ns, const char* set, const char* value)
{
    return as_key_new_strp(ns, set, value, false);
}

as_key* as_key_new_int64(const char* ns, const char* set, int64_t value)
{
    as_key* key = tnd_malloc(sizeof(*key));

    return key_keep(key, as_key_init_int64(key, ns, set, value));
}

as_key* as_key_new_strp(const char* ns, const char* set, const char* value, bool free)
{
    as_key* key = tnd_malloc(sizeof(*key));

    return key_keep(key, as_key_init_strp(key, ns, set, value, free));
}

as_key* as_key_new_str(const char* ns, const char* set, const char* value)
{
    return as_key_new_strp(ns, set, value, false);
}

as_key* as_key_new_rawp(const char* ns, const char* set, const uint8_t* value, uint32_t size,
                        bool free)
{
    as_key* key = tnd_malloc(sizeof(*key));

    return key_keep(key, as_key_init_rawp(key, ns, set, value, size, free));
}

as_key* as_key_new_raw(const char* ns, const char* set, const uint8_t* value, uint32_t size)
{
    return as_key_new_rawp(ns, set, value, size, false);
}

as_key* as_key_new_digest(const char* ns, const char* set, const uint8_t* digest)
{
    as_key* key = tnd_malloc(sizeof(*key));

    return key_keep(key, as_key_init_digest(key, ns, set, digest));
}

as_key* as_key_new_value(const char* ns, const char* set, const as_key_value* value)
{
    as_key* key = tnd_malloc(sizeof(*key));

    return key_keep(key, as_key_init_value(key, ns, set, value));
}

void tnd_key_clear(as_key* key)
{
    as_val_destroy(key->valuep);
    key->valuep = NULL;
}

void as_key_destroy(as_key* key)
{
    if (!key) {
        return;
    }
    tnd_key_clear(key);
    if (key->_free) {
        tnd_free(key);
    }
}

/* --- digest --- */

static void store_be64(uint8_t bytes[8], uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        bytes[i] = (uint8_t)value;
        value >>= 8;
    }
}

/* Blobs and the languages' blobs are keys; lists, maps, sketches and the like aren't
   (protocol/records.md 2.1). */
static bool bytes_are_key(const as_bytes* bytes)
{
    return bytes->type == AS_BYTES_BLOB ||
           (bytes->type >= AS_BYTES_JAVA && bytes->type <= AS_BYTES_ERLANG);
}

/* Computes the digest; false for a value that can't be a key. */
static bool key_compute(as_key* key, size_t set_size)
{
    uint8_t number[8];
    uint64_t bits;
    as_string* string;
    const as_bytes* bytes;

    switch (as_val_type(key->valuep)) {
    case AS_INTEGER:
        store_be64(number, (uint64_t)key->valuep->integer.value);
        tnd_digest(key->set, set_size, AS_BYTES_INTEGER, number, 8, key->digest.value);
        return true;
    case AS_DOUBLE:
        memcpy(&bits, &((const as_double*)key->valuep)->value, sizeof(bits));
        store_be64(number, bits);
        tnd_digest(key->set, set_size, AS_BYTES_DOUBLE, number, 8, key->digest.value);
        return true;
    case AS_STRING:
        string = &key->valuep->string;
        tnd_digest(key->set, set_size, AS_BYTES_STRING, string->value, as_string_len(string),
                   key->digest.value);
        return true;
    case AS_BYTES:
        bytes = &key->valuep->bytes;
        if (!bytes_are_key(bytes)) {
            return false;
        }
        tnd_digest(key->set, set_size, (uint8_t)bytes->type, bytes->value, bytes->size,
                   key->digest.value);
        return true;
    default:
        return false;
    }
}

as_status tnd_key_set_digest(as_error* err, as_key* key, size_t set_size)
{
    if (!key->digest.init) {
        if (!key_compute(key, set_size)) {
            return as_error_update(err, AEROSPIKE_ERR_PARAM, "Invalid key type");
        }
        key->digest.init = true;
    }
    return AEROSPIKE_OK;
}

as_status as_key_set_digest(as_error* err, as_key* key)
{
    if (key->digest.init) {
        return AEROSPIKE_OK;
    }
    return tnd_key_set_digest(err, key, strnlen(key->set, sizeof(key->set)));
}

as_digest* as_key_digest(as_key* key)
{
    as_error err;

    if (as_key_set_digest(&err, key) != AEROSPIKE_OK) {
        as_log_error("%s", err.message);
        return NULL;
    }
    return &key->digest;
}
