/*
 * as_record: bins by name. The wire decoder fills the bins of an empty record itself.
 */
#include "core/record.h"

#include <string.h>

#include "core/key.h"
#include "core/mem.h"

/* --- the record as a value --- */

void tnd_record_clear(as_record* record)
{
    for (uint16_t i = 0; i < record->bins.size; i++) {
        as_val_destroy(record->bins.entries[i].valuep);
    }
    record->bins.size = 0;
}

static bool record_release(as_rec* rec)
{
    as_record* record = (as_record*)rec;

    tnd_record_clear(record);
    if (record->bins._free) {
        tnd_free(record->bins.entries);
    }
    record->bins.entries = NULL;
    record->bins.capacity = 0;
    record->bins._free = false;
    tnd_key_clear(&record->key);
    return true;
}

/* A bin whose value lies in it moves with it. */
static void record_move_bin(as_bin* to, const as_bin* from)
{
    *to = *from;
    if (from->valuep == &from->value) {
        to->valuep = &to->value;
    }
}

static as_val* record_hook_get(const as_rec* rec, const char* name)
{
    return (as_val*)as_record_get((const as_record*)rec, name);
}

static int record_hook_set(const as_rec* rec, const char* name, const as_val* value)
{
    return as_record_set((as_record*)rec, name, (as_bin_value*)value) ? 0 : 1;
}

static uint32_t record_hook_ttl(const as_rec* rec)
{
    return ((const as_record*)rec)->ttl;
}

static uint16_t record_hook_gen(const as_rec* rec)
{
    return ((const as_record*)rec)->gen;
}

static const char* record_hook_setname(const as_rec* rec)
{
    return ((const as_record*)rec)->key.set;
}

static uint16_t record_hook_numbins(const as_rec* rec)
{
    return as_record_numbins((const as_record*)rec);
}

static bool record_hook_foreach(const as_rec* rec, as_rec_foreach_callback callback, void* udata)
{
    return as_record_foreach((const as_record*)rec, callback, udata);
}

static int record_hook_remove(const as_rec* rec, const char* name)
{
    as_bins* bins = &((as_record*)rec)->bins;

    for (uint16_t i = 0; i < bins->size; i++) {
        if (strcmp(bins->entries[i].name, name) == 0) {
            as_val_destroy(bins->entries[i].valuep);
            bins->size--;
            for (; i < bins->size; i++) {
                record_move_bin(&bins->entries[i], &bins->entries[i + 1]);
            }
            return 0;
        }
    }
    return 1;
}

static as_val* record_hook_key(const as_rec* rec)
{
    return (as_val*)((const as_record*)rec)->key.valuep;
}

static as_bytes* record_hook_digest(const as_rec* rec)
{
    const as_digest* digest = &((const as_record*)rec)->key.digest;
    as_bytes* bytes = digest->init ? as_bytes_new(sizeof(digest->value)) : NULL;

    if (bytes) {
        as_bytes_append(bytes, digest->value, sizeof(digest->value));
    }
    return bytes;
}

static int record_hook_set_ttl(const as_rec* rec, uint32_t ttl)
{
    ((as_record*)rec)->ttl = ttl;
    return 0;
}

static int record_hook_bin_names(const as_rec* rec, as_rec_bin_names_callback callback, void* udata)
{
    const as_bins* bins = &((const as_record*)rec)->bins;
    char* names = tnd_calloc(bins->size, AS_BIN_NAME_MAX_SIZE);

    if (!names) {
        return 1;
    }
    for (uint16_t i = 0; i < bins->size; i++) {
        const char* name = bins->entries[i].name;
        memcpy(names + (size_t)i * AS_BIN_NAME_MAX_SIZE, name, strlen(name));
    }
    callback(names, bins->size, AS_BIN_NAME_MAX_SIZE, udata);
    tnd_free(names);
    return 0;
}

static const as_rec_hooks record_hooks = {
    .destroy = record_release,
    .get = record_hook_get,
    .set = record_hook_set,
    .remove = record_hook_remove,
    .ttl = record_hook_ttl,
    .gen = record_hook_gen,
    .key = record_hook_key,
    .setname = record_hook_setname,
    .numbins = record_hook_numbins,
    .bin_names = record_hook_bin_names,
    .digest = record_hook_digest,
    .set_ttl = record_hook_set_ttl,
    .foreach = record_hook_foreach,
};

/* --- making and unmaking --- */

/* Everything; the key names nothing. */
static void record_fill(as_record* record, bool on_heap, as_bin* entries, uint16_t capacity)
{
    as_rec_cons(&record->_, on_heap, record, &record_hooks);
    record->key._free = false;
    record->key.ns[0] = '\0';
    record->key.set[0] = '\0';
    record->key.valuep = NULL;
    record->key.digest.init = false;
    record->gen = 0;
    record->ttl = 0;
    record->bins.entries = entries;
    record->bins.capacity = capacity;
    record->bins.size = 0;
    record->bins._free = false;
}

as_record* as_record_new(uint16_t nbins)
{
    /* Record and bins in one block: a bin's alignment divides the record's. */
    _Static_assert(_Alignof(as_record) >= _Alignof(as_bin), "bins follow the record");
    as_record* record = tnd_malloc(sizeof(*record) + sizeof(as_bin) * nbins);

    if (record) {
        record_fill(record, true, nbins > 0 ? (as_bin*)(record + 1) : NULL, nbins);
    }
    return record;
}

as_record* as_record_init(as_record* rec, uint16_t nbins)
{
    if (!rec) {
        return NULL;
    }
    record_fill(rec, false, NULL, 0);
    if (nbins == 0) {
        return rec;
    }
    rec->bins.entries = tnd_malloc(sizeof(as_bin) * nbins);
    if (!rec->bins.entries) {
        return NULL;
    }
    rec->bins.capacity = nbins;
    rec->bins._free = true;
    return rec;
}

void as_record_destroy(as_record* rec)
{
    as_val_destroy(rec);
}

/* --- setters --- */

static as_bin* record_find(const as_record* rec, const char* name)
{
    if (!rec || !name) {
        return NULL;
    }
    for (uint16_t i = 0; i < rec->bins.size; i++) {
        if (strcmp(rec->bins.entries[i].name, name) == 0) {
            return &rec->bins.entries[i];
        }
    }
    return NULL;
}

/* The bin of that name, or a new one, whose value the setter sets; NULL where it answers false. */
static as_bin* record_slot(as_record* rec, const char* name)
{
    as_bin* bin;
    size_t name_size;

    if (!rec || !name) {
        return NULL;
    }
    name_size = strnlen(name, AS_BIN_NAME_MAX_SIZE);
    if (name_size > AS_BIN_NAME_MAX_LEN) {
        return NULL;
    }
    bin = record_find(rec, name);
    if (bin) {
        as_val_destroy(bin->valuep);
        return bin;
    }
    if (rec->bins.size >= rec->bins.capacity) {
        return NULL;
    }
    bin = &rec->bins.entries[rec->bins.size++];
    memcpy(bin->name, name, name_size + 1);
    return bin;
}

bool as_record_set(as_record* rec, const char* name, as_bin_value* value)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    bin->valuep = value ? value : (as_bin_value*)&as_nil;
    return true;
}

bool as_record_set_bool(as_record* rec, const char* name, bool value)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_boolean_init(&bin->value.boolean, value);
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_int64(as_record* rec, const char* name, int64_t value)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_integer_init(&bin->value.integer, value);
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_double(as_record* rec, const char* name, double value)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_double_init(&bin->value.dbl, value);
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_strp(as_record* rec, const char* name, const char* value, bool free)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_string_init(&bin->value.string, (char*)value, free);
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_str(as_record* rec, const char* name, const char* value)
{
    return as_record_set_strp(rec, name, value, false);
}

bool as_record_set_geojson_strp(as_record* rec, const char* name, const char* value, bool free)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_geojson_init((as_geojson*)&bin->value, (char*)value, free);
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_geojson_str(as_record* rec, const char* name, const char* value)
{
    return as_record_set_geojson_strp(rec, name, value, false);
}

bool as_record_set_rawp(as_record* rec, const char* name, const uint8_t* value, uint32_t size,
                        bool free)
{
    return as_record_set_raw_typep(rec, name, value, size, AS_BYTES_BLOB, free);
}

bool as_record_set_raw_typep(as_record* rec, const char* name, const uint8_t* value, uint32_t size,
                             as_bytes_type type, bool free)
{
    as_bin* bin = record_slot(rec, name);

    if (!bin) {
        return false;
    }
    as_bytes_init_wrap(&bin->value.bytes, (uint8_t*)value, size, free);
    bin->value.bytes.type = type;
    bin->valuep = &bin->value;
    return true;
}

bool as_record_set_raw(as_record* rec, const char* name, const uint8_t* value, uint32_t size)
{
    return as_record_set_rawp(rec, name, value, size, false);
}

bool as_record_set_integer(as_record* rec, const char* name, as_integer* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_as_double(as_record* rec, const char* name, as_double* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_string(as_record* rec, const char* name, as_string* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_geojson(as_record* rec, const char* name, as_geojson* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_bytes(as_record* rec, const char* name, as_bytes* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_list(as_record* rec, const char* name, as_list* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_map(as_record* rec, const char* name, as_map* value)
{
    return as_record_set(rec, name, (as_bin_value*)value);
}

bool as_record_set_nil(as_record* rec, const char* name)
{
    return as_record_set(rec, name, NULL);
}

/* --- getters --- */

uint16_t as_record_numbins(const as_record* rec)
{
    return rec ? rec->bins.size : 0;
}

as_bin_value* as_record_get(const as_record* rec, const char* name)
{
    const as_bin* bin = record_find(rec, name);

    return bin ? bin->valuep : NULL;
}

bool as_record_get_bool(const as_record* rec, const char* name)
{
    return as_val_tobool((const as_val*)as_record_get(rec, name));
}

int64_t as_record_get_int64(const as_record* rec, const char* name, int64_t fallback)
{
    return as_integer_getorelse(as_record_get_integer(rec, name), fallback);
}

double as_record_get_double(const as_record* rec, const char* name, double fallback)
{
    return as_double_getorelse(as_record_get_as_double(rec, name), fallback);
}

char* as_record_get_str(const as_record* rec, const char* name)
{
    return as_string_get(as_record_get_string(rec, name));
}

char* as_record_get_geojson_str(const as_record* rec, const char* name)
{
    return as_geojson_get(as_record_get_geojson(rec, name));
}

as_integer* as_record_get_integer(const as_record* rec, const char* name)
{
    return as_integer_fromval((const as_val*)as_record_get(rec, name));
}

as_double* as_record_get_as_double(const as_record* rec, const char* name)
{
    return as_double_fromval((const as_val*)as_record_get(rec, name));
}

as_string* as_record_get_string(const as_record* rec, const char* name)
{
    return as_string_fromval((const as_val*)as_record_get(rec, name));
}

as_geojson* as_record_get_geojson(const as_record* rec, const char* name)
{
    return as_geojson_fromval((const as_val*)as_record_get(rec, name));
}

as_bytes* as_record_get_bytes(const as_record* rec, const char* name)
{
    return as_bytes_fromval((const as_val*)as_record_get(rec, name));
}

as_list* as_record_get_list(const as_record* rec, const char* name)
{
    return as_list_fromval((as_val*)as_record_get(rec, name));
}

as_map* as_record_get_map(const as_record* rec, const char* name)
{
    return as_map_fromval((const as_val*)as_record_get(rec, name));
}

as_val* as_record_get_udf_result(const as_record* rec)
{
    return (as_val*)as_record_get(rec, "SUCCESS");
}

char* as_record_get_udf_error(const as_record* rec)
{
    return as_record_get_str(rec, "FAILURE");
}

bool as_record_foreach(const as_record* rec, as_rec_foreach_callback callback, void* udata)
{
    if (!rec) {
        return false;
    }
    for (uint16_t i = 0; i < rec->bins.size; i++) {
        const as_bin* bin = &rec->bins.entries[i];
        if (!callback(bin->name, (const as_val*)bin->valuep, udata)) {
            return false;
        }
    }
    return true;
}
