/*
 * Values for tests, out of the text in which as_val_tostring() shows them, and a little more:
 *
 *     -5  1.5  true  false  NIL  "text"  [1, "x"]  {"a":1, 2:NIL}  (1, 2)  *  INF
 *     x"00ff"    bytes (blob)            x18"00ff"   bytes of type 18
 *     g"{}"      GeoJSON                 {...}       an as_hashmap, sent unordered
 *     K{...}     key-ordered             V{...}      key-value-ordered
 *
 * A text that makes no sense fails the running test.
 */
#pragma once

#include <aerospike/as_val.h>

/* The caller destroys it. NULL for NULL. */
as_val* test_value(const char* text);

/* Its text, until the next call but seven. Destroys nothing. */
const char* test_text(const as_val* val);
