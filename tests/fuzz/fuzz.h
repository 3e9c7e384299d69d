/*
 * What a fuzz target is: a function that takes any bytes, and aborts when the code under test
 * breaks a promise. It leaves no state behind. Conditions are checked with `must`, in every kind of
 * build.
 */
#ifndef TENDRIL_TESTS_FUZZ_FUZZ_H
#define TENDRIL_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
