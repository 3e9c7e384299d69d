/*
 * What servers tell about themselves: one of them, then each.  info [HOSTS]
 */
#include "example.h"
#include <aerospike/aerospike_info.h>
#include <stdio.h>

/* Once per node, in the order in which they answer, and at last with no node. */
static bool on_build(as_error* err, const as_node* node, const char* request, char* response,
                     void* udata, as_event_loop* event_loop)
{
    (void)request, (void)event_loop;
    example* ex = udata;
    char* build;
    if (!node) {
        example_end(ex, "builds", err);
        return false;
    }
    if (err) { /* of this node: the others go on */
        fprintf(stderr, "%s: %s\n", node->name, err->message);
        ex->has_failed = true;
    } else if (as_info_parse_single_response(response, &build) == AEROSPIKE_OK) {
        printf("node %s at %-21s build %s\n", node->name, node->address, build);
    }
    return true;
}

/* The answer is "name TAB value" for each question, each with its newline. It may be written to. */
static void on_state(as_error* err, char* response, void* udata, as_event_loop* event_loop)
{
    example* ex = udata;
    as_error failed;
    if (err) {
        example_end(ex, "state", err);
        return;
    }
    as_vector values;
    as_vector_init(&values, sizeof(as_name_value), 4);
    as_info_parse_multi_response(response, &values);
    for (uint32_t i = 0; i < values.size; i++) {
        const as_name_value* pair = as_vector_get(&values, i);
        printf("%-28s %s\n", pair->name, pair->value);
    }
    as_vector_destroy(&values);
    if (aerospike_info_foreach_async(&ex->as, &failed, NULL, "build", on_build, ex, event_loop) !=
        AEROSPIKE_OK) {
        example_end(ex, "builds", &failed);
    }
}

static void ask(example* ex)
{
    as_error err;
    as_policy_info policy;
    as_policy_info_init(&policy);
    policy.timeout = 5000;
    if (aerospike_info_any_async(&ex->as, &err, &policy, "edition\nstatus\nnamespaces", on_state,
                                 ex, NULL) != AEROSPIKE_OK) {
        example_end(ex, "state", &err);
    }
}

int main(int argc, char** argv)
{
    example ex;
    return example_run(&ex, argc, argv, "info", ask);
}
