/* folder: a temporary folder for one test, removed with everything in it; at the end of the program
 * also when a test has failed before it could. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDER_PATH_SIZE 512

struct folder {
    char path[FOLDER_PATH_SIZE];
};

/* Both end the test program when the system refuses. */
void folder_init(struct folder *folder);
void folder_finish(struct folder *folder);

/* folder/name, in a ring of 8 static buffers. */
const char *folder_file(const struct folder *folder, const char *name);
bool folder_has(const struct folder *folder, const char *name);
/* Permission bits; 0 when there is no such file. */
unsigned folder_mode(const struct folder *folder, const char *name);
void folder_write(const struct folder *folder, const char *name, unsigned mode, const void *content,
                  size_t size);
void folder_write_text(const struct folder *folder, const char *name, unsigned mode,
                       const char *text);
/* Whole file with a NUL behind it, to be freed; NULL when there is none. */
char *folder_read(const struct folder *folder, const char *name, size_t *size);

#endif
