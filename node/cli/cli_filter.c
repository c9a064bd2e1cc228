#include "node/cli/cli_filter.h"

#include "common/announcement.h"
#include "common/card.h"
#include "common/vocabulary.h"

#include <string.h>

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
    return code ? code : check_handles(filter, error);
}
