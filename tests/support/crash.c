#include "tests/support/crash.h"

#include <errno.h>
#include <stdatomic.h>

int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_rmdir(const char *path);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __wrap_rmdir(const char *path);

static atomic_ulong left; /* changes until the crash, and one; 0: none is to come */
static atomic_bool crashed;

void crash_arm(unsigned long n)
{
    atomic_store(&crashed, false);
    atomic_store(&left, n);
}

bool crash_disarm(void)
{
    atomic_store(&left, 0);
    return atomic_exchange(&crashed, false);
}

static bool is_dead(void)
{
    if (!atomic_load(&left))
        return false;
    if (atomic_load(&left) > 1) {
        atomic_fetch_sub(&left, 1);
        return false;
    }
    atomic_store(&crashed, true);
    errno = EIO;
    return true;
}

int __wrap_rename(const char *from, const char *to)
{
    return is_dead() ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    return is_dead() ? -1 : __real_unlink(path);
}

int __wrap_rmdir(const char *path)
{
    return is_dead() ? -1 : __real_rmdir(path);
}
