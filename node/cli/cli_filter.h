/* cli_filter: --kind, --country, --field, --handle, --open, --closing-within, --for-us and --for as
 * people write them. */
#ifndef CLI_CLI_FILTER_H
#define CLI_CLI_FILTER_H

#include <stdint.h>

#include "common/filter.h"
#include "node/cli/cli.h"

/* As many kinds of organisation as there are. */
#define CLI_FILTER_TYPES 8

struct cli_filter {
    /* what was typed; NULL-ended */
    const char *kinds[FILTER_VALUES + 1], *countries[FILTER_VALUES + 1], *fields[FILTER_VALUES + 1],
        *handles[FILTER_VALUES + 1];
    const char *closing_within, *institution; /* NULL: not given */
    bool open, for_us;
    /* as codes; filter points here */
    uint32_t kind_numbers[FILTER_VALUES];
    Caravan__OrganisationType types[CLI_FILTER_TYPES];
    Caravan__Filter filter;
};

/* Rows of a table of options; filter must be a struct cli_filter that lives as long. */
#define CLI_FILTER_OPTIONS(place)                                                                  \
    {.name = "--kind",                                                                             \
     .value = "KIND",                                                                              \
     .help = "visit, \"joint call\", lab-opening, …; may stand several times",                     \
     .list = (place).kinds,                                                                        \
     .list_size = FILTER_VALUES + 1},                                                              \
        {.name = "--country",                                                                      \
         .value = "COUNTRY",                                                                       \
         .help = "that concern this country: TH or Thailand",                                      \
         .list = (place).countries,                                                                \
         .list_size = FILTER_VALUES + 1},                                                          \
        {.name = "--field",                                                                        \
         .value = "FIELD",                                                                         \
         .help = "field of science: FORD code (2, 2.1) or name (medicine)",                        \
         .list = (place).fields,                                                                   \
         .list_size = FILTER_VALUES + 1},                                                          \
        {.name = "--handle",                                                                       \
         .value = "HANDLE",                                                                        \
         .help = "published by this institution",                                                  \
         .list = (place).handles,                                                                  \
         .list_size = FILTER_VALUES + 1},                                                          \
        {.name = "--open",                                                                         \
         .help = "that one can apply to now, by their dates",                                      \
         .flag = &(place).open},                                                                   \
        {.name = "--closing-within",                                                               \
         .value = "TIME",                                                                          \
         .help = "open, with a last deadline that is near: 14d, 2 weeks, 36 hours",                \
         .text = &(place).closing_within},                                                         \
        {.name = "--for-us",                                                                       \
         .help = "that this institution may apply for, as far as can be told",                     \
         .flag = &(place).for_us},                                                                 \
    {                                                                                              \
        .name = "--for", .value = "COUNTRY,KIND",                                                  \
        .help = "the same for another one: TH,university; or its country alone",                   \
        .text = &(place).institution                                                               \
    }

/* Turns what was typed into filter->filter. Months and years of --closing-within are counted in the
 * calendar from now on. ERROR_USAGE with what was found, expected, and meant. */
int cli_filter_take(struct cli_filter *filter, struct error *error);

/* "14d", "2 weeks", "1 month" as milliseconds from now on (Unix time); ERROR_USAGE as above. */
int cli_filter_duration(const char *option, const char *text, int64_t now_ms, uint64_t *ms,
                        struct error *error);

/* "--closing-within 36 hours": ERROR_USAGE when a number stands there alone, and its word is left
 * as the first of rest arguments. */
int cli_filter_check_rest(const struct cli_filter *filter, int rest, char *const *argv,
                          struct error *error);

#endif
