/*
 * as_random: xorshift128+ (Vigna 2014), seeded by the kernel.
 */
#include <aerospike/as_random.h>

#include <string.h>
#include <sys/random.h>

static _Thread_local as_random thread_random;

void as_random_init(as_random* random)
{
    uint64_t seeds[2];

    if (getrandom(seeds, sizeof(seeds), GRND_NONBLOCK) != (ssize_t)sizeof(seeds)) {
        /* Before the kernel has entropy, early in the boot: addresses are better than nothing. */
        seeds[0] = (uintptr_t)random;
        seeds[1] = (uintptr_t)&seeds;
    }
    random->seed0 = seeds[0];
    random->seed1 = seeds[1] | 1; /* not both 0 */
    random->initialized = true;
}

as_random* as_random_instance(void)
{
    if (!thread_random.initialized) {
        as_random_init(&thread_random);
    }
    return &thread_random;
}

uint64_t as_random_next_uint64(as_random* random)
{
    uint64_t s1 = random->seed0;
    const uint64_t s0 = random->seed1;

    random->seed0 = s0;
    s1 ^= s1 << 23;
    random->seed1 = s1 ^ s0 ^ (s1 >> 18) ^ (s0 >> 5);
    return random->seed1 + s0;
}

void as_random_next_bytes(as_random* random, uint8_t* bytes, uint32_t len)
{
    while (len > 0) {
        uint64_t number = as_random_next_uint64(random);
        uint32_t taken = len < sizeof(number) ? len : (uint32_t)sizeof(number);
        memcpy(bytes, &number, taken);
        bytes += taken;
        len -= taken;
    }
}

void as_random_next_str(as_random* random, char* str, uint32_t len)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    if (len == 0) {
        return;
    }
    for (uint32_t i = 0; i < len - 1; i++) {
        str[i] = letters[as_random_next_uint32(random) % (sizeof(letters) - 1)];
    }
    str[len - 1] = '\0';
}
