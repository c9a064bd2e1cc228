#include "tests/support/fault.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Only the thread that has armed it is counted. */
static _Thread_local unsigned long left;
static _Thread_local bool hit;

void fault_arm(unsigned long n)
{
    left = n;
    hit = false;
}

bool fault_disarm(void)
{
    left = 0;
    return hit;
}

static bool fails(void)
{
    if (left == 0 || --left)
        return false;
    hit = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}
