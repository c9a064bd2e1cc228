#include "common/filter.h"

#include "common/eligible.h"
#include "common/vocabulary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Texts while they are gathered; the memory is sized for the most there can be. */
struct gathered {
    const char **texts;
    size_t count;
    size_t capacity;
};

static void gather(struct gathered *gathered, const char *text)
{
    if (!text || !*text || gathered->count == gathered->capacity)
        return;
    for (size_t i = 0; i < gathered->count; i++)
        if (strcmp(gathered->texts[i], text) == 0)
            return;
    gathered->texts[gathered->count++] = text;
}

/* The FORD code that a field means: written as a code, or as a name ("medicine"). */
static const char *ford_code(const Caravan__FieldOfScience *field)
{
    const struct vocabulary *ford = vocabulary_get("ford");

    if (field->scheme && strcmp(field->scheme, "FORD") != 0)
        return NULL;
    if (field->code)
        return field->code;
    for (size_t i = 0; ford && i < field->n_label; i++) {
        const char *text = field->label[i]->text;
        const struct vocabulary_term *term =
            text ? vocabulary_find(ford, text, strlen(text)) : NULL;

        if (term)
            return term->code;
    }
    return NULL;
}

static void gather_fields(struct gathered *gathered, Caravan__FieldOfScience *const *fields,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        gather(gathered, ford_code(fields[i]));
}

static void gather_countries(struct gathered *gathered, const Caravan__Announcement *announcement)
{
    for (size_t i = 0; i < announcement->n_countries; i++)
        gather(gathered, announcement->countries[i]);
    for (size_t i = 0; i < announcement->n_parties; i++)
        gather(gathered, announcement->parties[i]->country);
}

static void gather_all_fields(struct gathered *gathered, const Caravan__Announcement *announcement)
{
    gather_fields(gathered, announcement->fields_of_science, announcement->n_fields_of_science);
    if (announcement->details_case != CARAVAN__ANNOUNCEMENT__DETAILS_LAB_OPENING)
        return;
    for (size_t i = 0; i < announcement->lab_opening->n_research_lines; i++) {
        const Caravan__ResearchLine *line = announcement->lab_opening->research_lines[i];

        gather_fields(gathered, line->fields_of_science, line->n_fields_of_science);
    }
}

static size_t sizes(const struct gathered *gathered)
{
    size_t size = 0;

    for (size_t i = 0; i < gathered->count; i++)
        size += strlen(gathered->texts[i]) + 1;
    return size;
}

static char *copy_all(const struct gathered *gathered, char *at)
{
    for (size_t i = 0; i < gathered->count; i++) {
        size_t size = strlen(gathered->texts[i]) + 1;

        memcpy(at, gathered->texts[i], size);
        at += size;
    }
    return at;
}

/* More values of one sort than this are not filtered by: no real announcement comes near. */
#define FACET_VALUES 512

int filter_facets_create(const Caravan__Announcement *announcement, struct filter_facets **out,
                         struct error *error)
{
    const char *country_texts[FACET_VALUES];
    const char *field_texts[FACET_VALUES];
    struct gathered countries = {country_texts, 0, FACET_VALUES};
    struct gathered fields = {field_texts, 0, FACET_VALUES};
    struct filter_facets *facets;

    gather_countries(&countries, announcement);
    gather_all_fields(&fields, announcement);
    facets = malloc(sizeof *facets + sizes(&countries) + sizes(&fields));
    if (!facets)
        return error_memory(error);
    facets->kind = (uint32_t)announcement->kind;
    facets->countries = (uint16_t)countries.count;
    facets->fields = (uint16_t)fields.count;
    copy_all(&fields, copy_all(&countries, facets->texts));
    *out = facets;
    return ERROR_NONE;
}

void filter_facets_destroy(struct filter_facets *facets)
{
    free(facets);
}

static const char *text_at(const struct filter_facets *facets, size_t index)
{
    const char *at = facets->texts;

    while (index-- > 0)
        at += strlen(at) + 1;
    return at;
}

size_t filter_facets_size(const struct filter_facets *facets)
{
    const char *end = text_at(facets, (size_t)facets->countries + facets->fields);

    return (size_t)(end - (const char *)facets);
}

const char *filter_facets_country(const struct filter_facets *facets, size_t index)
{
    return index < facets->countries ? text_at(facets, index) : NULL;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool field_begins_with(const char *code, const char *prefix)
{
    size_t size = strlen(prefix);

    return strncmp(code, prefix, size) == 0 && (code[size] == '\0' || code[size] == '.');
}

static bool matches_kind(const Caravan__Filter *filter, const struct filter_facets *facets)
{
    for (size_t i = 0; i < filter->n_kind; i++)
        if (filter->kind[i] == facets->kind)
            return true;
    return filter->n_kind == 0;
}

static bool matches_country(const Caravan__Filter *filter, const struct filter_facets *facets)
{
    const char *at = facets->texts;

    for (size_t n = 0; n < facets->countries; n++, at += strlen(at) + 1)
        for (size_t i = 0; i < filter->n_country; i++)
            if (strcmp(at, filter->country[i]) == 0)
                return true;
    return filter->n_country == 0;
}

static bool matches_field(const Caravan__Filter *filter, const struct filter_facets *facets)
{
    const char *at = text_at(facets, facets->countries);

    for (size_t n = 0; n < facets->fields; n++, at += strlen(at) + 1)
        for (size_t i = 0; i < filter->n_field_of_science; i++)
            if (field_begins_with(at, filter->field_of_science[i]))
                return true;
    return filter->n_field_of_science == 0;
}

bool filter_asks_rules(const Caravan__Filter *filter)
{
    return filter && filter->for_country && !filter->ineligible;
}

bool filter_matches_rules(const Caravan__Filter *filter, struct span rules)
{
    struct eligible_institution institution;

    if (!filter_asks_rules(filter))
        return true;
    eligible_institution_init(&institution, filter->for_country, filter->for_type,
                              filter->n_for_type);
    return eligible_by_rules(rules, &institution) != ELIGIBLE_NO;
}

bool filter_asks_dates(const Caravan__Filter *filter)
{
    return filter && (filter->open || filter->has_closing_within_ms);
}

bool filter_asks_content(const Caravan__Filter *filter)
{
    return filter && (filter->n_kind || filter->n_country || filter->n_field_of_science ||
                      filter->for_country || filter_asks_dates(filter));
}

bool filter_matches(const Caravan__Filter *filter, const struct filter_facets *facets)
{
    if (!filter_asks_content(filter))
        return true;
    return facets && matches_kind(filter, facets) && matches_country(filter, facets) &&
           matches_field(filter, facets);
}

/* Does it match at some moment from since to until? */
static bool matches_between(const Caravan__Filter *filter, const struct announcement_window *window,
                            int64_t since, int64_t until)
{
    if (filter->has_closing_within_ms) {
        int64_t within = (int64_t)filter->closing_within_ms;

        if (!window->has_deadline || window->ends_ms == INT64_MIN)
            return false;
        if (window->ends_ms - within > since)
            since = window->ends_ms - within;
    }
    if (window->opens_ms > since)
        since = window->opens_ms;
    return since <= until && since < window->ends_ms;
}

bool filter_matched_dates(const Caravan__Filter *filter, const struct announcement_window *window,
                          int64_t since_ms)
{
    int64_t at, entered;

    if (!filter_asks_dates(filter))
        return true;
    at = (int64_t)filter->at_ms;
    entered = (int64_t)filter->entered_since_ms;
    return matches_between(filter, window, since_ms < at ? since_ms : at, at) &&
           !(filter->has_entered_since_ms && matches_between(filter, window, entered, entered));
}

bool filter_matches_dates(const Caravan__Filter *filter, const struct announcement_window *window)
{
    return filter_matched_dates(filter, window, filter ? (int64_t)filter->at_ms : 0);
}

bool filter_matches_handle(const Caravan__Filter *filter, const char *handle)
{
    if (!filter || filter->n_handle == 0)
        return true;
    for (size_t i = 0; i < filter->n_handle; i++)
        if (strcasecmp(filter->handle[i], handle) == 0)
            return true;
    return false;
}

/* --- checking --------------------------------------------------------------------------------- */

static int check_codes(const char *what, const char *vocabulary_name, char *const *codes,
                       size_t count, struct error *error)
{
    const struct vocabulary *vocabulary = vocabulary_get(vocabulary_name);

    for (size_t i = 0; i < count; i++) {
        const struct vocabulary_term *near;
        size_t size = strlen(codes[i]);

        if (vocabulary && vocabulary_find_code(vocabulary, codes[i], size))
            continue;
        near = vocabulary ? vocabulary_suggest(vocabulary, codes[i], size) : NULL;
        return error_set(error, ERROR_INVALID, "there is no %s \"%.40s\"%s%s%s%s%s", what, codes[i],
                         near ? "; did you mean " : "", near ? near->code : "", near ? " (" : "",
                         near ? near->label : "", near ? ")?" : "");
    }
    return ERROR_NONE;
}

static int check_counts(const Caravan__Filter *filter, struct error *error)
{
    if (filter->n_kind > FILTER_VALUES || filter->n_country > FILTER_VALUES ||
        filter->n_field_of_science > FILTER_VALUES || filter->n_handle > FILTER_VALUES ||
        filter->n_for_type > FILTER_VALUES)
        return error_set(error, ERROR_INVALID,
                         "a filter has more than %d values of one sort; ask for fewer",
                         FILTER_VALUES);
    return ERROR_NONE;
}

static int check_institution(const Caravan__Filter *filter, struct error *error)
{
    char *country = filter->for_country;

    if (filter->for_us && country)
        return error_set(error, ERROR_INVALID,
                         "for_us and for_country are both given, expected one of them");
    if (filter->n_for_type && !country)
        return error_set(error, ERROR_INVALID,
                         "for_type: found kinds of organisation, expected for_country with them");
    for (size_t i = 0; i < filter->n_for_type; i++)
        if (filter->for_type[i] == CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_UNSPECIFIED ||
            !protobuf_c_enum_descriptor_get_value(&caravan__organisation_type__descriptor,
                                                  (int)filter->for_type[i]))
            return error_set(error, ERROR_INVALID,
                             "there is no kind of organisation with number %d",
                             (int)filter->for_type[i]);
    return country ? check_codes("country code", "country", &country, 1, error) : ERROR_NONE;
}

/* The end of the year 9999: sums of moments and durations stay far from overflow. */
#define MOMENT_MAX_MS UINT64_C(253402300800000)

static int check_moments(const Caravan__Filter *filter, struct error *error)
{
    const struct {
        const char *name;
        uint64_t ms;
    } moments[] = {{"closing_within_ms", filter->closing_within_ms},
                   {"at_ms", filter->at_ms},
                   {"entered_since_ms", filter->entered_since_ms}};

    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
        if (moments[i].ms > MOMENT_MAX_MS)
            return error_set(error, ERROR_INVALID,
                             "%s: found %" PRIu64 ", expected at most %" PRIu64, moments[i].name,
                             moments[i].ms, MOMENT_MAX_MS);
    return ERROR_NONE;
}

int filter_check(const Caravan__Filter *filter, struct error *error)
{
    int code;

    if (!filter)
        return ERROR_NONE;
    code = check_counts(filter, error);
    for (size_t i = 0; !code && i < filter->n_kind; i++)
        if (filter->kind[i] == 0 ||
            !protobuf_c_enum_descriptor_get_value(&caravan__kind__descriptor, (int)filter->kind[i]))
            code = error_set(error, ERROR_INVALID,
                             "there is no kind of announcement with number "
                             "%u",
                             filter->kind[i]);
    if (!code)
        code = check_codes("country code", "country", filter->country, filter->n_country, error);
    if (!code)
        code = check_codes("field of science (FORD code)", "ford", filter->field_of_science,
                           filter->n_field_of_science, error);
    if (!code)
        code = check_institution(filter, error);
    return code ? code : check_moments(filter, error);
}
