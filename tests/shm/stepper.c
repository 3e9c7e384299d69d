#include "shm/word.h"
uint64_t tnd_step_load(const tnd_word* word, memory_order order)
{
    (void)order;
    return atomic_load(word);
}
void tnd_step_store(tnd_point point, tnd_word* word, uint64_t value, memory_order order)
{
    (void)point;
    (void)order;
    atomic_store(word, value);
}
bool tnd_step_swap(tnd_point point, tnd_word* word, uint64_t* found, uint64_t value)
{
    (void)point;
    return atomic_compare_exchange_strong(word, found, value);
}
uint64_t tnd_step_exchange(tnd_point point, tnd_word* word, uint64_t value)
{
    (void)point;
    return atomic_exchange(word, value);
}
uint64_t tnd_step_or(tnd_point point, tnd_word* word, uint64_t bits)
{
    (void)point;
    return atomic_fetch_or(word, bits);
}
void tnd_step_fence(memory_order order)
{
    (void)order;
}
