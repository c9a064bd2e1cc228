#include "node/net/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup"

size_t memory_raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    if (files.rlim_cur < files.rlim_max) {
        rlim_t before = files.rlim_cur;

        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            return (size_t)before;
    }
    return (size_t)files.rlim_cur;
}

size_t memory_resident(void)
{
    unsigned long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* "max", or no such file: no limit. */
static size_t read_limit(const char *folder)
{
    char path[PATH_MAX];
    unsigned long long limit = 0;
    FILE *file;

    if (snprintf(path, sizeof path, "%s/memory.max", folder) >= (int)sizeof path)
        return 0;
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu", &limit) != 1)
        limit = 0;
    fclose(file);
    return (size_t)limit;
}

/* The folder of our control group, version 2; a limit of any folder above counts as well. */
static size_t group_limit(void)
{
    char line[PATH_MAX - 64], folder[PATH_MAX];
    size_t limit = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");

    folder[0] = '\0';
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(folder, sizeof folder, "%s%s", GROUPS, line + 3);
        }
    if (file)
        fclose(file);
    while (strlen(folder) >= strlen(GROUPS)) {
        size_t here = read_limit(folder);

        if (here && (!limit || here < limit))
            limit = here;
        *strrchr(folder, '/') = '\0';
    }
    return limit;
}

size_t memory_allowed(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    size_t machine = pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
    size_t group = group_limit();

    return group && (!machine || group < machine) ? group : machine;
}
