/* cli_filter: --kind, --country, --field and --handle as people write them. */
#ifndef CLI_CLI_FILTER_H
#define CLI_CLI_FILTER_H

#include "common/filter.h"
#include "node/cli/cli.h"

struct cli_filter {
    /* what was typed; NULL-ended */
    const char *kinds[FILTER_VALUES + 1], *countries[FILTER_VALUES + 1], *fields[FILTER_VALUES + 1],
        *handles[FILTER_VALUES + 1];
    /* as codes; filter points here */
    uint32_t kind_numbers[FILTER_VALUES];
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
    {                                                                                              \
        .name = "--handle", .value = "HANDLE", .help = "published by this institution",            \
        .list = (place).handles, .list_size = FILTER_VALUES + 1                                    \
    }

/* Turns what was typed into filter->filter. ERROR_USAGE with what was found, expected, and meant.
 */
int cli_filter_take(struct cli_filter *filter, struct error *error);

#endif
