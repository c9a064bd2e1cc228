/* config: node.yaml, read by the same codec as announcements and checked by rules.
 *
 * Threads: a struct config may be read by several threads once loaded. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "common/arena.h"
#include "common/error.h"
#include "common/log.h"
#include "common/problem.h"
#include "proto/config.pb-c.h"

struct config {
    struct arena arena;       /* everything below lives in it */
    Caravan__Config *message; /* checked; institution is never NULL, listen and public may be */
    enum log_level log_level;
};

/* Reads <home>/node.yaml. All problems at once: each is appended to report (NULL is fine) as one
 * line "file:line:column: error: where: found …, expected …"; warnings, too. On error the sentence
 * is the first problem and how many more there are (ERROR_CONFIG), or why the file cannot be read,
 * and *out is empty. The struct must not be moved. */
int config_load(const char *home, struct config *out, struct buffer *report, struct error *error);
/* The same from text; file: its name in problems. */
int config_parse(struct span text, const char *file, struct config *out, struct buffer *report,
                 struct error *error);
/* Only the problems of a text, sorted by line. */
void config_check(struct span text, struct problem_list *problems);
void config_finish(struct config *config); /* zeroed is fine */

/* Profile and endpoints as our card and our feed say them; borrowed from config. */
void config_profile(const struct config *config, Caravan__Profile *out);
void config_endpoints(const struct config *config, Caravan__Endpoints *out);
/* Whether this partner's feed is handed on to others. */
bool config_relays(const struct config *config, const char *handle);
/* NULL when there is no such group. */
const Caravan__Group *config_group(const struct config *config, const char *name);

#endif
