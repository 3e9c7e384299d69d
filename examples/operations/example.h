/*
 * What the examples of operations have in common: a client on an event loop of its own, and a chain
 * of steps, each of which starts one command whose listener starts the next.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <aerospike/aerospike.h>
#include <aerospike/aerospike_key.h>
#include <aerospike/as_monitor.h>
#include <stdbool.h>

typedef struct example {
    aerospike as;
    as_key key; /* the record that the example works on */
    as_monitor done;
    bool has_failed;
} example;

/* Connects to argv[1] ("127.0.0.1:3000" unless given), calls `first` and runs the loop until
   example_end(). The exit status for main(). */
int example_run(example* ex, int argc, char** argv, const char* key, void (*first)(example* ex));

/* Ends the run; `err` NULL for success. */
void example_end(example* ex, const char* what, const as_error* err);

/* Prints a value, and ends the run as failed if it isn't what was expected. True to go on. */
bool example_expect(example* ex, const char* what, const void* value, const char* expected);

#endif
