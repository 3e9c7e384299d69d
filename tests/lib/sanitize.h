/*
 * What a sanitizer's runtime does to the process that it lives in: tests that look at the process
 * from outside must know.
 */
#ifndef TENDRIL_TESTS_LIB_SANITIZE_H
#define TENDRIL_TESTS_LIB_SANITIZE_H

#if defined(__SANITIZE_THREAD__)
#define TEST_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_HAS_TSAN 1
#endif
#endif
#ifndef TEST_HAS_TSAN
#define TEST_HAS_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TEST_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_HAS_ASAN 1
#endif
#endif
#ifndef TEST_HAS_ASAN
#define TEST_HAS_ASAN 0
#endif

/* Threads of the runtime. */
#define TEST_RUNTIME_THREADS TEST_HAS_TSAN

/* Freed memory is kept aside, and shadowed. */
#define TEST_MEMORY_IS_TRUE (!TEST_HAS_TSAN && !TEST_HAS_ASAN)

#endif
