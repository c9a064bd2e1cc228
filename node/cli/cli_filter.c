#include "node/cli/cli_filter.h"

#include "common/announcement.h"
#include "common/arena.h"
#include "common/card.h"
#include "common/limits.h"
#include "common/vocabulary.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Whoever asks for more means all. */
#define WITHIN_MAX_YEARS 100
#define WITHIN_MAX_MS ((uint64_t)WITHIN_MAX_YEARS * 366 * 86400 * 1000)

static int take_kinds(struct cli_filter *filter, struct error *error)
{
    struct buffer list = {0};
    size_t count = 0;

    for (; filter->kinds[count]; count++) {
        int kind = announcement_kind(filter->kinds[count]);

        if (kind <= 0) {
            codec_enum_list(&caravan__kind__descriptor, &list);
            error_set(error, ERROR_USAGE, "--kind: found \"%.60s\", expected one of %s",
                      filter->kinds[count], buffer_text(&list));
            buffer_finish(&list);
            return ERROR_USAGE;
        }
        filter->kind_numbers[count] = (uint32_t)kind;
    }
    filter->filter.n_kind = count;
    filter->filter.kind = filter->kind_numbers;
    return ERROR_NONE;
}

/* Codes stand in place of what was typed. */
static int take_codes(const char *option, const char *vocabulary_name, const char *example,
                      const char **texts, size_t *count, struct error *error)
{
    const struct vocabulary *vocabulary = vocabulary_get(vocabulary_name);

    for (*count = 0; texts[*count]; ++*count) {
        const char *text = texts[*count];
        const struct vocabulary_term *term = vocabulary_find(vocabulary, text, strlen(text));
        const struct vocabulary_term *near;

        if (term) {
            texts[*count] = term->code;
            continue;
        }
        near = vocabulary_suggest(vocabulary, text, strlen(text));
        return error_set(error, ERROR_USAGE, "%s: found \"%.60s\", expected %s%s%s%s", option, text,
                         example, near ? "; did you mean " : "", near ? near->label : "",
                         near ? "?" : "");
    }
    return ERROR_NONE;
}

static int check_handles(struct cli_filter *filter, struct error *error)
{
    size_t count = 0;

    for (; filter->handles[count]; count++)
        if (!strchr(filter->handles[count], '-'))
            return error_set(error, ERROR_USAGE,
                             "--handle: found \"%.60s\", expected a handle like th-nstda",
                             filter->handles[count]);
    filter->filter.n_handle = count;
    filter->filter.handle = (char **)(uintptr_t)filter->handles;
    return ERROR_NONE;
}

/* --- when ------------------------------------------------------------------------------------- */

/* "14d" as the codec reads it: "14 d". false when it is not made of a number and a word. */
static bool spell_duration(const char *text, char out[32])
{
    size_t digits = strspn(text, "0123456789");
    const char *word = text + digits + strspn(text + digits, " ");
    size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz");

    return digits && letters && !word[letters] && digits + letters < 30 &&
           snprintf(out, 32, "%.*s %s", (int)digits, text, word) > 0;
}

/* The same time of day, so many months later. */
static int64_t add_months(int64_t now_ms, uint64_t months)
{
    struct moment_civil civil;

    moment_ms_to_civil(now_ms, 0, &civil);
    civil.date = moment_date_add_months(&civil.date, (int)months);
    return civil.date.year ? moment_civil_to_ms(&civil, 0) : 0;
}

/* 0: it is longer than anything that is announced. */
static uint64_t duration_ms(const Caravan__Duration *duration, int64_t now_ms)
{
    static const uint64_t units[] = {
        [CARAVAN__DURATION_UNIT__DURATION_UNIT_SECOND] = 1000,
        [CARAVAN__DURATION_UNIT__DURATION_UNIT_MINUTE] = 60 * 1000,
        [CARAVAN__DURATION_UNIT__DURATION_UNIT_HOUR] = 3600 * 1000,
        [CARAVAN__DURATION_UNIT__DURATION_UNIT_DAY] = 86400 * 1000,
        [CARAVAN__DURATION_UNIT__DURATION_UNIT_WEEK] = 7 * 86400 * 1000,
    };
    uint64_t months = duration->unit == CARAVAN__DURATION_UNIT__DURATION_UNIT_YEAR ? 12 : 1;
    int64_t end;

    if (duration->unit <= CARAVAN__DURATION_UNIT__DURATION_UNIT_WEEK)
        return duration->value > WITHIN_MAX_MS / units[duration->unit]
                   ? 0
                   : duration->value * units[duration->unit];
    if (duration->value > WITHIN_MAX_YEARS * 12)
        return 0;
    end = add_months(now_ms, duration->value * months);
    return end > now_ms && (uint64_t)(end - now_ms) <= WITHIN_MAX_MS ? (uint64_t)(end - now_ms) : 0;
}

int cli_filter_duration(const char *option, const char *text, int64_t now_ms, uint64_t *ms,
                        struct error *error)
{
    const Caravan__Duration *duration;
    ProtobufCMessage *message = NULL;
    struct arena arena;
    char spelled[32];

    *ms = 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (spell_duration(text, spelled) &&
        codec_read_yaml(&caravan__duration__descriptor, span_of_text(spelled), &arena, NULL,
                        &message, NULL) == ERROR_NONE) {
        duration = (const Caravan__Duration *)message;
        *ms = duration_ms(duration, now_ms);
    }
    arena_finish(&arena);
    if (*ms)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: found \"%.40s\", expected a time from now on like 36h, 14d, 2 weeks or "
                     "1 month, at most %d years",
                     option, text, WITHIN_MAX_YEARS);
}

static int take_dates(struct cli_filter *filter, struct error *error)
{
    Caravan__Filter *out = &filter->filter;

    out->has_open = filter->open;
    out->open = filter->open;
    out->has_closing_within_ms = filter->closing_within != NULL;
    if (!filter->closing_within)
        return ERROR_NONE;
    return cli_filter_duration("--closing-within", filter->closing_within,
                               (int64_t)time(NULL) * 1000, &out->closing_within_ms, error);
}

/* --- for whom --------------------------------------------------------------------------------- */

static int wrong_type(const char *text, size_t size, struct error *error)
{
    static const char *const words[] = {"university", "institute", "company", "sme", "park",
                                        "ministry",   "ngo",       "funder",  NULL};
    char typed[40];
    const char *near;

    snprintf(typed, sizeof typed, "%.*s", (int)(size < sizeof typed ? size : sizeof typed - 1),
             text);
    near = cli_nearest(typed, words);
    return error_set(error, ERROR_USAGE,
                     "--for: found \"%s\", expected after the country kinds of organisation: "
                     "university, institute, company, sme, park, ministry, ngo, funder%s%s%s",
                     typed, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool is_country(const char *text, size_t size, const char **code)
{
    const struct vocabulary_term *term = vocabulary_find(vocabulary_get("country"), text, size);

    *code = term ? term->code : NULL;
    return term != NULL;
}

static int wrong_country(const char *text, size_t size, struct error *error)
{
    const struct vocabulary_term *near = vocabulary_suggest(vocabulary_get("country"), text, size);

    return error_set(error, ERROR_USAGE,
                     "--for: found \"%.*s\", expected a country like TH or Thailand, and kinds of "
                     "organisation behind it: TH,university%s%s%s",
                     (int)(size < 60 ? size : 60), text, near ? "; did you mean " : "",
                     near ? near->label : "", near ? "?" : "");
}

/* "us" was most likely meant as "we". Who wants the United States knows to pass over this. */
static void note_us(const char *text)
{
    if (strncmp(text, "us", 2) == 0 && (!text[2] || text[2] == ','))
        fputs("note: for US (United States); for this institution: --for-us\n", stderr);
}

static int take_types(struct cli_filter *filter, const char *text, struct error *error)
{
    Caravan__Filter *out = &filter->filter;

    out->for_type = filter->types;
    while (*text == ',') {
        size_t space = strspn(text + 1, " "), size;
        char word[CODEC_NAME_SIZE];
        int type;

        text += 1 + space;
        size = strcspn(text, ",");
        snprintf(word, sizeof word, "%.*s", (int)size, text);
        if (!codec_enum_find(&caravan__organisation_type__descriptor, word, &type) || type == 0)
            return wrong_type(text, size, error);
        if (out->n_for_type == CLI_FILTER_TYPES)
            return error_set(error, ERROR_USAGE,
                             "--for: found more than %d kinds of organisation, expected each once",
                             CLI_FILTER_TYPES);
        filter->types[out->n_for_type++] = (Caravan__OrganisationType)type;
        text += size;
    }
    return ERROR_NONE;
}

/* A country's name may have commas, too: the longest beginning that is one. */
static int take_institution(struct cli_filter *filter, struct error *error)
{
    const char *text = filter->institution, *code = NULL;
    size_t size = text ? strlen(text) : 0;

    filter->filter.has_for_us = filter->for_us;
    filter->filter.for_us = filter->for_us;
    if (!text)
        return ERROR_NONE;
    if (filter->for_us)
        return error_set(error, ERROR_USAGE, "--for-us and --for: found both, expected one");
    while (size && !is_country(text, size, &code)) {
        do
            size--;
        while (size && text[size] != ',');
    }
    if (!code)
        return wrong_country(text, strcspn(text, ","), error);
    note_us(text);
    filter->filter.for_country = (char *)(uintptr_t)code;
    return take_types(filter, text + size, error);
}

int cli_filter_take(struct cli_filter *filter, struct error *error)
{
    Caravan__Filter *out = &filter->filter;
    int code;

    caravan__filter__init(out);
    code = take_kinds(filter, error);
    if (!code)
        code = take_codes("--country", "country", "a country like TH or Thailand",
                          filter->countries, &out->n_country, error);
    if (!code)
        code = take_codes("--field", "ford", "a FORD code like 2.1 or a name like medicine",
                          filter->fields, &out->n_field_of_science, error);
    out->country = (char **)(uintptr_t)filter->countries;
    out->field_of_science = (char **)(uintptr_t)filter->fields;
    if (!code)
        code = check_handles(filter, error);
    if (!code)
        code = take_dates(filter, error);
    return code ? code : take_institution(filter, error);
}

int cli_filter_check_rest(const struct cli_filter *filter, int rest, char *const *argv,
                          struct error *error)
{
    const char *number = filter->closing_within;
    char joined[64];
    uint64_t ms;

    if (!number || rest < 1 || !*number || number[strspn(number, "0123456789")] ||
        strlen(number) > 18 || strlen(argv[0]) > 30)
        return ERROR_NONE;
    snprintf(joined, sizeof joined, "%s%c", number, argv[0][0]);
    if (!strchr("hdw", argv[0][0]) || cli_filter_duration("", joined, 0, &ms, NULL))
        snprintf(joined, sizeof joined, "%s%s", number, argv[0]);
    if (cli_filter_duration("", joined, 0, &ms, NULL))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--closing-within: found %s and %s apart from each other, expected \"%s %s\" "
                     "in quotes, or %s",
                     number, argv[0], number, argv[0], joined);
}
