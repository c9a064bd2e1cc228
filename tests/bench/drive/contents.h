/* contents: the announcements that every system of the bench moves, from the file that
 * drive_contents has written: for each a length (4 bytes, least first) and the packed bytes.
 *
 * Threads: a struct contents may be read by several threads once read. */
#ifndef BENCH_CONTENTS_H
#define BENCH_CONTENTS_H

#include "common/bytes.h"
#include "common/error.h"

struct contents {
    struct buffer file;
    struct span *items;
    size_t count;
};

/* ERROR_INVALID when the file has another form or holds none. The caller finishes *out, which is
 * empty on error. */
int contents_read(const char *path, struct contents *out, struct error *error);
void contents_finish(struct contents *contents);

/* The content that has this number, from 0: when all were used they come round again. */
struct span contents_get(const struct contents *contents, uint64_t number);

#endif
