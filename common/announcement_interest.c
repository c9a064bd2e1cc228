/* What an answer must say before it is sent. */
#include "common/announcement.h"
#include "common/text.h"
#include "common/vocabulary.h"

#include <string.h>

/* As of a description. */
#define CHARACTERS_MAX 8000

static int check_texts(const char *field, Caravan__LocalizedText *const *texts, size_t count,
                       struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i]->text || !*texts[i]->text)
            return error_set(error, ERROR_INVALID, "%s[%zu]: found no text", field, i + 1);
        if (!texts[i]->lang || !vocabulary_language_tag(texts[i]->lang, strlen(texts[i]->lang)))
            return error_set(error, ERROR_INVALID,
                             "%s[%zu]: found the language \"%.40s\", expected one of BCP 47; write "
                             "`language: en` at the top",
                             field, i + 1, texts[i]->lang ? texts[i]->lang : "");
        if (strlen(texts[i]->text) > CHARACTERS_MAX)
            return error_set(error, ERROR_INVALID, "%s[%zu]: found %zu bytes, expected at most %d",
                             field, i + 1, strlen(texts[i]->text), CHARACTERS_MAX);
    }
    return ERROR_NONE;
}

static int check_from(const Caravan__Party *from, struct error *error)
{
    if (!from || !from->n_name)
        return error_set(error, ERROR_INVALID,
                         "from: found no name, expected who answers, with name and country");
    if (!from->country ||
        !vocabulary_find_code(vocabulary_get("country"), from->country, strlen(from->country)))
        return error_set(error, ERROR_INVALID,
                         "from.country: found \"%.40s\", expected a code of ISO 3166-1 like TH",
                         from->country ? from->country : "");
    return check_texts("from.name", from->name, from->n_name, error);
}

int announcement_check_interest(const Caravan__Interest *interest, struct error *error)
{
    int code = check_from(interest->from, error);

    if (code)
        return code;
    if (!interest->n_kind_of_cooperation && !interest->n_what_is_unclear && !interest->n_about_us)
        return error_set(error, ERROR_INVALID,
                         "found nothing of `kind of cooperation`, `what is unclear`, `about us`; "
                         "expected at least one of them");
    code = check_texts("kind_of_cooperation", interest->kind_of_cooperation,
                       interest->n_kind_of_cooperation, error);
    if (!code)
        code = check_texts("what_is_unclear", interest->what_is_unclear,
                           interest->n_what_is_unclear, error);
    return code ? code : check_texts("about_us", interest->about_us, interest->n_about_us, error);
}
