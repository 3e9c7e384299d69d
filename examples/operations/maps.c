/*
 * A map in a map, made on the way: the scores of a game, and the best of them.  maps [HOSTS]
 */
#include "example.h"
#include <aerospike/as_map_operations.h>

static void on_scored(as_error* err, as_record* record, void* udata, as_event_loop* event_loop)
{
    (void)event_loop;
    example* ex = udata;
    if (err) {
        example_end(ex, "operate", err);
        return;
    }
    /* With map operations each operation has its bin; the delete's, the first, is nil. */
    const as_bin* bins = record->bins.entries;
    if (example_expect(ex, "players after Ann", bins[2].valuep, "2") &&
        example_expect(ex, "Bob's score", bins[3].valuep, "17") &&
        example_expect(ex, "the best", bins[4].valuep, "[\"Bob\", 17]") &&
        example_expect(ex, "all games", bins[5].valuep, "{\"chess\":{\"Ann\":12, \"Bob\":17}}")) {
        example_end(ex, "operate", NULL);
    }
}

static as_val* text(const char* value)
{
    return (as_val*)as_string_new_strdup(value);
}

static void score(example* ex)
{
    as_error err;
    as_operations ops;
    as_map_policy sorted;
    as_map_policy_set(&sorted, AS_MAP_KEY_ORDERED, AS_MAP_UPDATE);
    /* The way to the nested map; it is the program's, and may serve many operations. */
    as_cdt_ctx chess;
    as_cdt_ctx_inita(&chess, 1);
    as_cdt_ctx_add_map_key_create(&chess, text("chess"), AS_MAP_KEY_ORDERED);

    as_operations_inita(&ops, 6);
    as_operations_add_delete(&ops);
    /* Keys and values are consumed. */
    as_operations_map_put(&ops, "scores", &chess, &sorted, text("Bob"),
                          (as_val*)as_integer_new(10));
    as_operations_map_put(&ops, "scores", &chess, &sorted, text("Ann"),
                          (as_val*)as_integer_new(12));
    as_operations_map_increment(&ops, "scores", &chess, &sorted, text("Bob"),
                                (as_val*)as_integer_new(7));
    as_operations_map_get_by_rank_range(&ops, "scores", &chess, -1, 1, AS_MAP_RETURN_KEY_VALUE);
    as_operations_add_read(&ops, "scores");
    as_cdt_ctx_destroy(&chess);
    if (aerospike_key_operate_async(&ex->as, &err, NULL, &ex->key, &ops, on_scored, ex, NULL,
                                    NULL) != AEROSPIKE_OK) {
        example_end(ex, "operate", &err);
    }
    as_operations_destroy(&ops);
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "maps", score);
}
