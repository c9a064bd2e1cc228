#include "tests/sim/network_seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/entropy.h"

/* Of the network that has begun; empty: none has. Made beforehand, for a signal handler. */
static char under_way[160];

static uint64_t number(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    uint64_t value;

    if (!text)
        return 0;
    value = strtoull(text, &end, 10);
    if (end == text || *end)
        fail_msg("%s: expected a number, found \"%s\"", name, text);
    return value;
}

uint64_t network_seeds(uint64_t usual)
{
    uint64_t seeds = number("CARAVAN_SEEDS");

    if (number("CARAVAN_SEED"))
        return 1;
    return seeds ? seeds : usual;
}

uint64_t network_seed_nth(uint64_t n)
{
    uint64_t only = number("CARAVAN_SEED");

    return only ? only : n + 1;
}

/* Also when the process is being aborted, so nothing but write. */
static void tell(void)
{
    const char *rest = under_way;
    ssize_t written = 1;

    for (size_t left = strlen(rest); left && written > 0; left -= (size_t)written) {
        written = write(STDERR_FILENO, rest, left);
        rest += written > 0 ? written : 0;
        if (written < 0)
            break;
    }
    under_way[0] = '\0';
}

static void tell_aborted(int signal_number)
{
    (void)signal_number;
    tell(); /* and abort goes on */
}

void network_seed_begin(uint64_t seed)
{
    static bool prepared;
    uint64_t map_seed = number("CARAVAN_MAP_SEED");

    if (!prepared) {
        prepared = true;
        assert_int_equal(atexit(tell), 0);
        signal(SIGABRT, tell_aborted);
    }
    tell(); /* of the test before, if that has failed */
    snprintf(under_way, sizeof under_way,
             "network: a test failed in the network of seed %llu, map seed %llu "
             "(tests/sim/network_seed.h)\n",
             (unsigned long long)seed, (unsigned long long)map_seed);
    entropy_fix(seed ^ map_seed * 0x9e3779b97f4a7c15u);
}

void network_seed_end(void)
{
    under_way[0] = '\0';
    entropy_release();
}
