#include "tests/support/entropy.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

ssize_t __real_getrandom(void *out, size_t size, unsigned flags);
void __real_randombytes_buf(void *out, size_t size);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);
void __wrap_randombytes_buf(void *out, size_t size);

static _Thread_local bool fixed;
static _Thread_local uint64_t state;

void entropy_fix(uint64_t seed)
{
    fixed = true;
    state = seed;
}

void entropy_release(void)
{
    fixed = false;
}

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static void fill(void *out, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t drawn = draw();

        memcpy((uint8_t *)out + at, &drawn, size - at < sizeof drawn ? size - at : sizeof drawn);
    }
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    if (!fixed)
        return __real_getrandom(out, size, flags);
    fill(out, size);
    return (ssize_t)size;
}

void __wrap_randombytes_buf(void *out, size_t size)
{
    if (fixed)
        fill(out, size);
    else
        __real_randombytes_buf(out, size);
}
