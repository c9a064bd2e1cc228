/* problem: everything that is wrong with one input, reported at once.
 *
 *     notice.yaml:12:3: error: parties[2].country: found "Cn", expected a country code (did you …)
 *
 * An error makes the input unusable, a warning does not. Lines and columns count from 1; 0 means
 * not known. A path names the place in the data, list items counted from 1. At most PROBLEM_LIMIT
 * are kept, the rest is counted. Threads: a list belongs to one thread at a time. */
#ifndef COMMON_PROBLEM_H
#define COMMON_PROBLEM_H

#include "common/bytes.h"
#include "common/error.h"

#define PROBLEM_LIMIT 200
#define PROBLEM_PATH_SIZE 256

enum problem_severity { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
    enum problem_severity severity;
    unsigned line, column;
    char *path; /* "" for the whole input */
    char *text; /* a sentence: "found …, expected …" */
};

/* Zeroed is a valid empty list. errors and warnings count all, also those not kept. */
struct problem_list {
    struct problem *items;
    size_t count, capacity;
    size_t errors, warnings;
    bool errors_only; /* warnings are neither kept nor counted: for who only asks whether it fits */
};

void problem_list_finish(struct problem_list *list);

/* Adds one. When memory runs out it is counted and not kept. list may be NULL. */
void problem_add(struct problem_list *list, enum problem_severity severity, unsigned line,
                 unsigned column, const char *path, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* By line and column; those without a line last; else as they were added. */
void problem_list_sort(struct problem_list *list);

/* Appends one line each, as above, and how many were not kept. false when memory runs out. */
bool problem_list_print(const struct problem_list *list, const char *file, struct buffer *out);

/* The first error as an ERROR_INVALID sentence, with how many more there are; 0 when there is none.
 */
int problem_list_error(const struct problem_list *list, const char *file, struct error *error);

#endif
