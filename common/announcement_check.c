/* Walks an announcement along the table of rules. */
#include "common/announcement.h"
#include "common/announcement_parts.h"
#include "common/limits.h"
#include "common/utf8.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define USUAL_TEXT 1000 /* characters of a text whose row names no limit */
#define USUAL_ITEMS 100
#define MAX_RULES 512
/* The schema is not recursive, so no path in it is longer. */
#define PATH_STEPS (2 * LIMIT_PROTOBUF_DEPTH)

struct step {
    const reflect_field *field;
    size_t index;
    bool many;
};

struct check {
    const Caravan__Announcement *announcement;
    const struct moment_date *today;
    const struct codec_places *places;
    struct problem_list *problems;
    uint8_t reported[MAX_RULES / 8]; /* what is missing is said once for each rule */
    struct step path[PATH_STEPS];    /* written out only for what is reported */
    size_t depth;
};

static void report(struct check *check, enum problem_severity severity,
                   const ProtobufCMessage *message, const reflect_field *field, size_t index,
                   const char *format, ...) __attribute__((format(printf, 6, 7)));

static void write_path(const struct check *check, char path[PROBLEM_PATH_SIZE])
{
    size_t length = 0;

    path[0] = '\0';
    for (size_t i = 0; i < check->depth && length < PROBLEM_PATH_SIZE; i++) {
        const struct step *step = &check->path[i];
        char key[CODEC_NAME_SIZE];

        codec_key(step->field, key);
        snprintf(path + length, PROBLEM_PATH_SIZE - length, "%s%s", i ? "." : "", key);
        length += strlen(path + length);
        if (step->many)
            snprintf(path + length, PROBLEM_PATH_SIZE - length, "[%zu]", step->index + 1);
        length += strlen(path + length);
    }
}

static void report(struct check *check, enum problem_severity severity,
                   const ProtobufCMessage *message, const reflect_field *field, size_t index,
                   const char *format, ...)
{
    const struct codec_place *place;
    char text[ERROR_TEXT_SIZE], path[PROBLEM_PATH_SIZE];
    va_list args;

    if (severity == PROBLEM_WARNING && check->problems->errors_only)
        return;
    place = codec_places_find(check->places, message, field, index);
    if (!place)
        place = codec_places_find(check->places, message, NULL, 0);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_path(check, path);
    problem_add(check->problems, severity, place ? place->line : 0, place ? place->column : 0, path,
                "%s", text);
}

static void push(struct check *check, const reflect_field *field, size_t index, bool many)
{
    if (check->depth < PATH_STEPS)
        check->path[check->depth++] = (struct step){field, index, many};
}

/* ---- what is missing ------------------------------------------------------------------------- */

static bool same_name(const char *written, const char *name, size_t size)
{
    for (; *written && size; written++, name++, size--) {
        char a = *written == '_' || *written == '-' ? ' ' : *written;
        char b = *name == '_' || *name == '-' ? ' ' : *name;

        if ((a >= 'A' && a <= 'Z' ? a + 32 : a) != b)
            return false;
    }
    return !*written && !size;
}

static bool answered(const struct check *check, const struct announcement_rule *rule)
{
    const Caravan__Announcement *a = check->announcement;

    for (size_t i = 0; i < a->n_not_stated; i++) {
        const char *name = rule->answers;

        if (same_name(a->not_stated[i], rule->field, strlen(rule->field)))
            return true;
        while (name && *name) {
            size_t size = strcspn(name, "|");

            if (same_name(a->not_stated[i], name, size))
                return true;
            name += size + (name[size] == '|');
        }
    }
    return false;
}

static enum announcement_level level_of(const struct check *check,
                                        const struct announcement_rule *rule,
                                        const ProtobufCMessage *message,
                                        const reflect_field *inside)
{
    const struct announcement_context context = {check->announcement, message, inside};

    return !rule->when || rule->when(&context) ? rule->level : rule->otherwise;
}

static void check_missing(struct check *check, const struct announcement_rule *rule,
                          const ProtobufCMessage *message, const reflect_field *field,
                          const reflect_field *inside)
{
    size_t index = (size_t)(rule - announcement_rules);
    enum announcement_level level = level_of(check, rule, message, inside);
    char key[CODEC_NAME_SIZE];

    if (level == ANNOUNCEMENT_OPTIONAL || codec_places_find(check->places, message, field, 0))
        return;
    if (check->reported[index / 8] >> (index % 8) & 1)
        return;
    if (level == ANNOUNCEMENT_EXPECTED && (check->problems->errors_only || answered(check, rule)))
        return;
    check->reported[index / 8] = (uint8_t)(check->reported[index / 8] | 1u << (index % 8));
    codec_key(field, key);
    if (level == ANNOUNCEMENT_REQUIRED)
        report(check, PROBLEM_ERROR, message, field, 0, "found nothing, expected \"%s\": %s", key,
               rule->help);
    else
        report(check, PROBLEM_WARNING, message, field, 0,
               "found nothing, expected \"%s\": %s; if the notice does not say it: not stated: "
               "[%s]",
               key, rule->help, key);
}

/* ---- what is there --------------------------------------------------------------------------- */

/* A plain text has its language from the top, where it is reported once. */
static bool is_default_language(const struct check *check, const ProtobufCMessage *message,
                                const reflect_field *field, const char *text)
{
    const char *language = check->announcement->language;

    return message->descriptor == &caravan__localized_text__descriptor &&
           strcmp(field->name, "lang") == 0 && language && strcmp(language, text) == 0;
}

static void check_text(struct check *check, const struct announcement_rule *rule,
                       const ProtobufCMessage *message, const reflect_field *field, size_t index)
{
    const char *text = reflect_text(message, field, index);
    uint64_t max = rule->max ? rule->max : USUAL_TEXT;
    char expected[256];

    if (is_default_language(check, message, field, text))
        return;
    if (!*text)
        report(check, PROBLEM_ERROR, message, field, index, "found an empty text, expected %s",
               rule->help);
    else if (strlen(text) > max && utf8_length(text) > max)
        report(check, PROBLEM_ERROR, message, field, index,
               "found %zu characters, expected at most %" PRIu64, utf8_length(text), max);
    else if (!announcement_format_fits(rule->format, text, message, expected, sizeof expected))
        report(check, PROBLEM_ERROR, message, field, index, "found \"%.60s\", expected %s", text,
               expected);
}

static void check_number(struct check *check, const struct announcement_rule *rule,
                         const ProtobufCMessage *message, const reflect_field *field, size_t index,
                         uint64_t number)
{
    uint64_t max = rule->max ? rule->max : UINT32_MAX;

    if (number < rule->min || number > max)
        report(check, PROBLEM_ERROR, message, field, index,
               "found %" PRIu64 ", expected %" PRIu64 " to %" PRIu64, number, rule->min, max);
}

static void check_enum(struct check *check, const ProtobufCMessage *message,
                       const reflect_field *field, size_t index)
{
    int value = *(const int *)reflect_value(message, field, index);
    char found[CODEC_NAME_SIZE];
    struct buffer list = {0};

    if (value != 0 && protobuf_c_enum_descriptor_get_value(field->descriptor, value))
        return;
    codec_enum_text(field->descriptor, value, found);
    codec_enum_list(field->descriptor, &list);
    report(check, PROBLEM_ERROR, message, field, index, "found \"%s\", expected one of: %s", found,
           buffer_text(&list));
    buffer_finish(&list);
}

static void check_value(struct check *check, const struct announcement_rule *rule,
                        const ProtobufCMessage *message, const reflect_field *field, size_t index)
{
    const void *value = reflect_value(message, field, index);
    const ProtobufCBinaryData *bytes = value;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        check_text(check, rule, message, field, index);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        check_enum(check, message, field, index);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        check_number(check, rule, message, field, index, *(const uint32_t *)value);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        check_number(check, rule, message, field, index, *(const uint64_t *)value);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        if (bytes->len < rule->min || bytes->len > rule->max)
            report(check, PROBLEM_ERROR, message, field, index,
                   "found %zu bytes, expected %" PRIu64, bytes->len, rule->max);
        break;
    default: /* signed and floating numbers: announcement_cross */
        break;
    }
}

/* Texts: the limit stands in the row of the field that holds them. */
static void check_languages(struct check *check, const struct announcement_rule *rule,
                            const ProtobufCMessage *message, const reflect_field *field)
{
    size_t count = reflect_count(message, field);
    uint64_t max = rule->max ? rule->max : USUAL_TEXT;

    for (size_t i = 0; i < count; i++) {
        const Caravan__LocalizedText *text =
            (const Caravan__LocalizedText *)reflect_message(message, field, i);

        if (text->text && strlen(text->text) > max && utf8_length(text->text) > max)
            report(check, PROBLEM_ERROR, message, field, 0,
                   "found %zu characters (%s), expected at most %" PRIu64, utf8_length(text->text),
                   text->lang ? text->lang : "no language", max);
        for (size_t k = 0; k < i && text->lang; k++) {
            const Caravan__LocalizedText *other =
                (const Caravan__LocalizedText *)reflect_message(message, field, k);

            if (other->lang && strcmp(other->lang, text->lang) == 0)
                report(check, PROBLEM_ERROR, message, field, 0,
                       "found two texts in \"%.20s\", expected one for each language", text->lang);
        }
    }
}

static void check_message(struct check *check, const ProtobufCMessage *message,
                          const reflect_field *inside);

static void report_cross(void *context, const ProtobufCMessage *message, const reflect_field *field,
                         enum problem_severity severity, const char *text)
{
    struct check *check = context;
    size_t depth = check->depth;

    if (field)
        push(check, field, 0, false);
    report(check, severity, message, field, 0, "%s", text);
    check->depth = depth;
}

/* The kind's own fields stand at the top level, so its name is no part of the path. */
static bool is_details(const ProtobufCMessage *message, const reflect_field *field)
{
    return message->descriptor == &caravan__announcement__descriptor &&
           (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
}

static void check_field(struct check *check, const ProtobufCMessage *message,
                        const reflect_field *field, size_t count, const reflect_field *inside)
{
    const struct announcement_rule *rule = announcement_rule_of(message->descriptor, field);
    bool many = field->label == PROTOBUF_C_LABEL_REPEATED && !announcement_is_texts(field);
    unsigned items = rule && rule->items ? rule->items : USUAL_ITEMS;
    size_t depth = check->depth;

    if (!rule)
        return;
    push(check, field, 0, false);
    if (count == 0)
        check_missing(check, rule, message, field, inside);
    if (count > items)
        report(check, PROBLEM_ERROR, message, field, 0, "found %zu values, expected at most %u",
               count, items);
    if (announcement_is_texts(field))
        check_languages(check, rule, message, field);
    check->depth = depth;
    for (size_t i = 0; i < count; i++) {
        if (!is_details(message, field))
            push(check, field, i, many);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            check_message(check, reflect_message(message, field, i), field);
        else
            check_value(check, rule, message, field, i);
        check->depth = depth;
    }
}

static void check_message(struct check *check, const ProtobufCMessage *message,
                          const reflect_field *inside)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    /* Of most fields it is no error when they are absent, and most are. */
    const uint8_t *required = check->problems->errors_only ? announcement_required_of(type) : NULL;

    for (unsigned i = 0; i < type->n_fields; i++) {
        size_t count = reflect_count(message, &type->fields[i]);

        if (count || !required || required[i / 8] >> i % 8 & 1)
            check_field(check, message, &type->fields[i], count, inside);
    }
    announcement_cross(message, report_cross, check);
}

/* ---- the details of a kind ------------------------------------------------------------------- */

#define MAX_KINDS 16

static const reflect_field *details[MAX_KINDS];
static pthread_once_t details_made = PTHREAD_ONCE_INIT;

static void make_details(void)
{
    for (int kind = 0; kind < MAX_KINDS; kind++)
        details[kind] = codec_details(&caravan__announcement__descriptor, kind);
}

/* NULL: the kind is unknown. Finding it by its name takes longer than checking the rest. */
static const reflect_field *details_of(const Caravan__Announcement *announcement)
{
    unsigned kind = announcement->has_kind ? (unsigned)announcement->kind : MAX_KINDS;

    pthread_once(&details_made, make_details);
    return kind < MAX_KINDS ? details[kind] : NULL;
}

/* ---- the announcement as a whole ------------------------------------------------------------- */

static void check_expiry(struct check *check)
{
    const Caravan__Announcement *a = check->announcement;
    const reflect_field *field = reflect_find(a->base.descriptor, "valid_until");
    struct moment_date last, deadline, date;

    if (!announcement_date(a->valid_until, &date))
        return;
    last = moment_date_add_months(check->today, ANNOUNCEMENT_VALID_MONTHS);
    if (announcement_last_deadline(a, &deadline) && moment_date_compare(&deadline, &last) > 0)
        last = deadline;
    if (moment_date_compare(&date, &last) > 0)
        report_cross(check, &a->base, field, PROBLEM_ERROR,
                     "found a day more than 24 months ahead, expected an earlier one, or at the "
                     "latest that of the last deadline");
    if (announcement_expires_early(a))
        report_cross(check, &a->base, field, PROBLEM_WARNING,
                     "found a day before the last deadline, which closes it on that day; expected "
                     "a later one, or none: then it is filled in");
}

static void check_whole(struct check *check)
{
    const Caravan__Announcement *a = check->announcement;
    const reflect_field *member = details_of(a);
    int64_t closes;

    if (member && (uint32_t)a->details_case != member->id)
        report_cross(check, &a->base, member, PROBLEM_ERROR,
                     "found other details than those of the kind, expected them");
    check_expiry(check);
    if (a->nature == CARAVAN__NATURE__NATURE_UNSPECIFIED && announcement_closes(a, &closes) &&
        closes < moment_date_start_ms(check->today))
        report_cross(check, &a->base, reflect_find(a->base.descriptor, "deadline"), PROBLEM_WARNING,
                     "found a day that has passed, expected one ahead, or \"nature: historical\"");
}

void announcement_check(const Caravan__Announcement *announcement, const struct moment_date *today,
                        const struct codec_places *places, struct problem_list *problems)
{
    struct check check = {
        .announcement = announcement, .today = today, .places = places, .problems = problems};

    check_message(&check, &announcement->base, NULL);
    check_whole(&check);
    problem_list_sort(problems);
}
