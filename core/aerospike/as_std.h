/**
 * What every public header stands on: the standard types, and the mark of an exported symbol.
 */
#pragma once

#include <alloca.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/** Before the prototype of every exported function. */
#if defined(__GNUC__)
#define AS_EXTERN __attribute__((visibility("default")))
#else
#define AS_EXTERN
#endif
