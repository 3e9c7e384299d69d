/**
 * Sleep of a program that has nothing else to do. It blocks: not for code that runs on a loop.
 */
#pragma once

#include <unistd.h>

/** Blocks the thread for `_ms` milliseconds. */
#define as_sleep(_ms) usleep((useconds_t)(_ms)*1000)
