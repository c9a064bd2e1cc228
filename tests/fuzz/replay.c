/* Runs a fuzz target over every file of its corpus, without libFuzzer: the corpora are part of
 * every test run.
 *
 * usage: fuzz_<name> FOLDER...
 * Fails if a folder cannot be read or holds no file, since a corpus that is not found proves
 * nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    struct stat info;
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");
    int rc = -1;

    if (!file || fstat(fileno(file), &info) != 0)
        goto out;
    /* Exactly as large as the input, so that a sanitizer sees the first byte read behind it. */
    data = malloc(info.st_size > 0 ? (size_t)info.st_size : 1);
    if (!data || fread(data, 1, (size_t)info.st_size, file) != (size_t)info.st_size)
        goto out;
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, (size_t)info.st_size);
    rc = 0;
out:
    if (rc != 0)
        fprintf(stderr, "cannot read %s\n", path);
    free(data);
    if (file)
        fclose(file);
    return rc;
}

/* Returns the number of files run, or -1. */
static int run_folder(const char *folder)
{
    char path[4096];
    struct dirent *item;
    DIR *dir = opendir(folder);
    int count = 0;

    while (dir && count >= 0 && (item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, item->d_name);
        count = run_file(path) == 0 ? count + 1 : -1;
    }
    if (dir)
        closedir(dir);
    if (count == 0)
        fprintf(stderr, "no corpus in %s\n", folder);
    return count > 0 ? count : -1;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);

        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
