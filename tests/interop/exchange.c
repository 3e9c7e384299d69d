/*
 * Our half of what both clients write and read: exchange HOSTS put|get|operate NAMESPACE SET KEY.
 *
 *   put      writes a record with values of every kind
 *   get      prints each bin, in the order of their names: NAME=VALUE, long texts as their length
 *   operate  changes a list and a map in place, and prints the results
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <aerospike/as_arraylist.h>
#include <aerospike/as_hashmap.h>
#include <aerospike/as_map_operations.h>
#include <aerospike/as_orderedmap.h>
#include <aerospike/as_stringmap.h>

enum {
    LONG_CHARS = 100000,
    SHOWN_CHARS_MAX = 200,
};

static void fail(const as_error* err)
{
    fprintf(stderr, "exchange: %d %s\n", (int)err->code, err->message);
    exit(1);
}

static void show(const char* name, const void* value)
{
    char* text = as_val_tostring(value);
    if (text && strlen(text) > SHOWN_CHARS_MAX) {
        printf("%s=%zu characters\n", name, strlen(text));
    } else {
        printf("%s=%s\n", name, text ? text : "");
    }
    free(text);
}

static as_list* nested_list(void)
{
    as_arraylist* inner = as_arraylist_new(3, 0);
    as_arraylist_append(inner, (as_val*)as_boolean_new(true));
    as_bytes* blob = as_bytes_new(1);
    as_bytes_append_byte(blob, 'b');
    as_arraylist_append_bytes(inner, blob);
    as_arraylist_append(inner, NULL);
    as_hashmap* map = as_hashmap_new(1);
    as_stringmap_set_list((as_map*)map, "k", (as_list*)as_arraylist_new(1, 0));
    as_arraylist* list = as_arraylist_new(5, 0);
    as_arraylist_append_int64(list, 1);
    as_arraylist_append_str(list, "x");
    as_arraylist_append_double(list, 2.5);
    as_arraylist_append_list(list, (as_list*)inner);
    as_arraylist_append_map(list, (as_map*)map);
    return (as_list*)list;
}

static as_map* map_of_two(as_orderedmap* map, const char* first, const char* second)
{
    as_stringmap_set_int64((as_map*)map, first, 1);
    as_stringmap_set_int64((as_map*)map, second, -2);
    return (as_map*)map;
}

static void put(aerospike* as, const as_key* key)
{
    as_error err;
    as_record record;
    char* text = malloc(LONG_CHARS + 1);
    memset(text, 'y', LONG_CHARS);
    text[LONG_CHARS] = '\0';
    as_record_inita(&record, 12);
    as_record_set_list(&record, "list", nested_list());
    as_record_set_map(&record, "map", map_of_two(as_hashmap_new(2), "b", "a"));
    as_record_set_map(&record, "ordered", map_of_two(as_orderedmap_new(2), "z", "y"));
    as_record_set_raw(&record, "blob", (const uint8_t*)"\0\1\xff", 3);
    as_record_set_double(&record, "double", 0.1);
    as_record_set_bool(&record, "yes", true);
    as_record_set_int64(&record, "big", INT64_MAX);
    as_record_set_int64(&record, "small", INT64_MIN);
    as_record_set_strp(&record, "long", text, true);
    as_record_set_str(&record, "utf8", "caf\xc3\xa9 \xf0\x9f\x98\x80");
    as_record_set_str(&record, "empty", "");
    as_record_set_geojson_str(&record, "geo", "{\"type\":\"Point\",\"coordinates\":[1.0,2.0]}");
    if (aerospike_key_put(as, &err, NULL, key, &record) != AEROSPIKE_OK) {
        fail(&err);
    }
    as_record_destroy(&record);
}

static int compare_names(const void* a, const void* b)
{
    return strcmp((*(as_bin* const*)a)->name, (*(as_bin* const*)b)->name);
}

static void get(aerospike* as, const as_key* key)
{
    as_error err;
    as_record* record = NULL;
    if (aerospike_key_get(as, &err, NULL, key, &record) != AEROSPIKE_OK) {
        fail(&err);
    }
    as_bin** bins = malloc((record->bins.size + 1u) * sizeof(*bins));
    for (uint16_t i = 0; i < record->bins.size; i++) {
        bins[i] = &record->bins.entries[i];
    }
    qsort(bins, record->bins.size, sizeof(*bins), compare_names);
    for (uint16_t i = 0; i < record->bins.size; i++) {
        show(bins[i]->name, bins[i]->valuep);
    }
    free(bins);
    as_record_destroy(record);
}

static void operate(aerospike* as, const as_key* key)
{
    as_error err;
    as_record* record = NULL;
    as_operations ops;
    as_map_policy policy;
    as_map_policy_set(&policy, AS_MAP_KEY_ORDERED, AS_MAP_UPDATE);
    as_operations_inita(&ops, 6);
    as_operations_add_list_append_int64(&ops, "l", 3);
    as_operations_list_insert(&ops, "l", NULL, NULL, 0, (as_val*)as_string_new_strdup("first"));
    as_operations_list_get_by_rank(&ops, "l", NULL, -1, AS_LIST_RETURN_VALUE);
    as_operations_map_put(&ops, "m", NULL, &policy, (as_val*)as_string_new_strdup("ours"),
                          (as_val*)nested_list());
    as_operations_map_increment(&ops, "m", NULL, &policy, (as_val*)as_string_new_strdup("n"),
                                (as_val*)as_integer_new(5));
    as_operations_map_get_by_index_range_to_end(&ops, "m", NULL, 0, AS_MAP_RETURN_KEY);
    if (aerospike_key_operate(as, &err, NULL, key, &ops, &record) != AEROSPIKE_OK) {
        fail(&err);
    }
    for (uint16_t i = 0; i < record->bins.size; i++) {
        show(record->bins.entries[i].name, record->bins.entries[i].valuep);
    }
    as_operations_destroy(&ops);
    as_record_destroy(record);
}

int main(int argc, char** argv)
{
    as_error err;
    as_config config;
    aerospike as;
    as_key key;
    if (argc != 6) {
        fprintf(stderr, "usage: exchange HOSTS put|get|operate NAMESPACE SET KEY\n");
        return 2;
    }
    as_config_init(&config);
    as_config_add_hosts(&config, argv[1], 3000);
    config.policies.read.base.total_timeout = 10000;
    config.policies.write.base.total_timeout = 10000;
    config.policies.operate.base.total_timeout = 10000;
    aerospike_init(&as, &config);
    if (aerospike_connect(&as, &err) != AEROSPIKE_OK) {
        fail(&err);
    }
    as_key_init(&key, argv[3], argv[4], argv[5]);
    if (strcmp(argv[2], "put") == 0) {
        put(&as, &key);
    } else if (strcmp(argv[2], "get") == 0) {
        get(&as, &key);
    } else {
        operate(&as, &key);
    }
    aerospike_close(&as, &err);
    aerospike_destroy(&as);
    return 0;
}
