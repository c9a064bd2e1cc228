#include "common/announcement.h"

#include "common/announcement_parts.h"
#include "common/guard.h"
#include "common/limits.h"
#include "common/vocabulary.h"

#include <string.h>

/* ---- state and texts ------------------------------------------------------------------------- */

/* The last deadline seen so far. */
struct last {
    bool found;
    int64_t ms;
    struct moment_date day;
};

static void see(struct last *last, Caravan__Deadline *const *deadlines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct moment_instant instant;
        int64_t ms;

        if (deadlines[i]->what == CARAVAN__DEADLINE_WHAT__DEADLINE_WHAT_RESULT ||
            !announcement_instant(deadlines[i]->at, &instant))
            continue;
        if (moment_instant_end_ms(&instant, &ms, NULL)) {
            instant.zone[0] = '\0'; /* this machine lacks the zone: when it ended everywhere */
            if (moment_instant_end_ms(&instant, &ms, NULL))
                continue;
        }
        if (!last->found || ms > last->ms)
            *last = (struct last){true, ms, moment_date_last_day(&instant.date)};
    }
}

static struct last last_deadline(const Caravan__Announcement *announcement)
{
    struct last last = {0};

    see(&last, announcement->deadline, announcement->n_deadline);
    for (size_t i = 0; i < announcement->n_parties; i++)
        see(&last, announcement->parties[i]->deadline, announcement->parties[i]->n_deadline);
    if (announcement->details_case != CARAVAN__ANNOUNCEMENT__DETAILS_SHARED_RESOURCE)
        return last;
    for (size_t i = 0; i < announcement->shared_resource->n_access_routes; i++) {
        const Caravan__AccessRoute *route = announcement->shared_resource->access_routes[i];

        see(&last, route->deadline, route->n_deadline);
    }
    return last;
}

bool announcement_closes(const Caravan__Announcement *announcement, int64_t *ms)
{
    struct last last = last_deadline(announcement);

    if (last.found)
        *ms = last.ms;
    return last.found;
}

bool announcement_last_deadline(const Caravan__Announcement *announcement, struct moment_date *day)
{
    struct last last = last_deadline(announcement);

    if (announcement->rolling || !last.found)
        return false;
    *day = last.day;
    return true;
}

bool announcement_expires_early(const Caravan__Announcement *announcement)
{
    struct moment_date deadline, until;

    if (!announcement_last_deadline(announcement, &deadline) ||
        !announcement_date(announcement->valid_until, &until))
        return false;
    until = moment_date_last_day(&until);
    return moment_date_compare(&until, &deadline) < 0;
}

/* The last day of what is announced itself, for kinds that have one. */
static const Caravan__Date *last_day(const Caravan__Announcement *a)
{
    if (a->details_case == CARAVAN__ANNOUNCEMENT__DETAILS_VISIT && a->visit->period)
        return a->visit->period->end;
    if (a->details_case == CARAVAN__ANNOUNCEMENT__DETAILS_SHARED_RESOURCE &&
        a->shared_resource->availability)
        return a->shared_resource->availability->end;
    return NULL;
}

/* INT64_MAX when no date bounds it. *has_deadline: a deadline does. */
static int64_t end_of(const Caravan__Announcement *announcement, bool *has_deadline)
{
    int64_t ends = INT64_MAX, closes;
    struct moment_date date;

    *has_deadline = !announcement->rolling && announcement_closes(announcement, &closes);
    if (*has_deadline)
        ends = closes;
    else if (announcement_date(last_day(announcement), &date))
        ends = moment_date_end_ms(&date);
    if (announcement_date(announcement->valid_until, &date) && moment_date_end_ms(&date) < ends) {
        ends = moment_date_end_ms(&date);
        *has_deadline = false;
    }
    return ends;
}

/* The state that no date tells; ANNOUNCEMENT_OPEN: the dates do. */
static enum announcement_state stated(const Caravan__Announcement *announcement)
{
    switch (announcement->status) {
    case CARAVAN__STATUS__STATUS_CANCELLED:
        return ANNOUNCEMENT_CANCELLED;
    case CARAVAN__STATUS__STATUS_ARCHIVED:
        return ANNOUNCEMENT_ARCHIVED;
    case CARAVAN__STATUS__STATUS_PLANNED:
        return ANNOUNCEMENT_PLANNED;
    default:
        return announcement->nature == CARAVAN__NATURE__NATURE_HISTORICAL ? ANNOUNCEMENT_CLOSED
                                                                          : ANNOUNCEMENT_OPEN;
    }
}

struct announcement_window announcement_window(const Caravan__Announcement *announcement)
{
    struct announcement_window window = {.opens_ms = INT64_MIN};
    struct moment_date date;

    window.ends_ms = end_of(announcement, &window.has_deadline);
    if (announcement_date(announcement->opens, &date))
        window.opens_ms = moment_date_start_ms(&date);
    if (stated(announcement) != ANNOUNCEMENT_OPEN)
        window.ends_ms = INT64_MIN;
    return window;
}

enum announcement_state announcement_state_at(const Caravan__Announcement *announcement,
                                              int64_t now_ms)
{
    struct announcement_window window = announcement_window(announcement);
    enum announcement_state state = stated(announcement);

    if (state != ANNOUNCEMENT_OPEN)
        return state;
    if (window.ends_ms <= now_ms)
        return ANNOUNCEMENT_CLOSED;
    return window.opens_ms > now_ms ? ANNOUNCEMENT_FORTHCOMING : ANNOUNCEMENT_OPEN;
}

const char *announcement_state_name(enum announcement_state state)
{
    static const char *const names[] = {
        [ANNOUNCEMENT_FORTHCOMING] = "forthcoming", [ANNOUNCEMENT_OPEN] = "open",
        [ANNOUNCEMENT_CLOSED] = "closed",           [ANNOUNCEMENT_PLANNED] = "planned",
        [ANNOUNCEMENT_CANCELLED] = "cancelled",     [ANNOUNCEMENT_ARCHIVED] = "archived",
    };

    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

/* "zh" fits "zh-Hant" and the other way round. */
static bool same_primary(const char *a, const char *b)
{
    size_t size = strcspn(a, "-");

    return strcspn(b, "-") == size && strncmp(a, b, size) == 0;
}

const char *announcement_text(Caravan__LocalizedText *const *texts, size_t count,
                              const char *language)
{
    const char *wanted[] = {language, language ? "en" : NULL};

    for (size_t w = 0; w < 2; w++)
        for (size_t i = 0; wanted[w] && i < count; i++)
            if (texts[i]->text && texts[i]->lang && same_primary(texts[i]->lang, wanted[w]))
                return texts[i]->text;
    for (size_t i = 0; i < count; i++)
        if (texts[i]->text)
            return texts[i]->text;
    return "";
}

const char *announcement_title(const Caravan__Announcement *announcement, const char *language)
{
    return announcement_text(announcement->title, announcement->n_title, language);
}

int announcement_kind(const char *name)
{
    int kind;

    return codec_enum_find(&caravan__kind__descriptor, name, &kind) ? kind : 0;
}

int announcement_showable(const Caravan__Announcement *announcement, struct error *error)
{
    const reflect_field *member;
    char kind[CODEC_NAME_SIZE];

    codec_enum_text(&caravan__kind__descriptor, (int)announcement->kind, kind);
    member = codec_details(announcement->base.descriptor, (int)announcement->kind);
    if (!announcement->has_kind || !member)
        return error_set(error, ERROR_INVALID,
                         "kind: found \"%s\", expected a kind that this "
                         "version knows",
                         announcement->has_kind ? kind : "nothing");
    if ((uint32_t)announcement->details_case != member->id)
        return error_set(error, ERROR_INVALID,
                         "details: found other ones than those of the kind \"%s\", expected these",
                         kind);
    if (!*announcement_title(announcement, NULL))
        return error_set(error, ERROR_INVALID, "title: found nothing, expected a title");
    return 0;
}

/* ---- before publishing ----------------------------------------------------------------------- */

/* The FORD code of a field that is written by its name; the name stays, it is what was said. */
static void write_field_code(Caravan__FieldOfScience *field)
{
    const struct vocabulary_term *term = NULL;

    if (field->code || (field->scheme && strcmp(field->scheme, "FORD") != 0))
        return;
    for (size_t i = 0; i < field->n_label && !term; i++)
        if (field->label[i]->text)
            term = vocabulary_find(vocabulary_get("ford"), field->label[i]->text,
                                   strlen(field->label[i]->text));
    if (term)
        field->code = (char *)(uintptr_t)term->code; /* as long as the program */
}

/* The codes for what people wrote, in the whole message. */
static void write_codes(ProtobufCMessage *message)
{
    if (message->descriptor == &caravan__field_of_science__descriptor)
        write_field_code((Caravan__FieldOfScience *)message);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const reflect_field *field = &message->descriptor->fields[i];
        const struct announcement_rule *rule = announcement_rule_of(message->descriptor, field);

        for (size_t k = 0; k < reflect_count(message, field); k++) {
            if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                write_codes(reflect_message(message, field, k));
            else if (field->type == PROTOBUF_C_TYPE_STRING && rule && rule->format) {
                const char **slot = (const char **)(uintptr_t)reflect_value(message, field, k);

                *slot = announcement_format_code(rule->format, *slot);
            }
        }
    }
}

/* Months that an announcement of a kind lives when no date in it tells. */
static int months_of(int kind)
{
    switch (kind) {
    case CARAVAN__KIND__KIND_VISIT:
    case CARAVAN__KIND__KIND_JOINT_CALL:
        return 6;
    default:
        return 12;
    }
}

/* When it expires where nobody has said so: with its last deadline, however far that is; else with
 * what it announces, or after some months, but no later than anybody may say it. false: nothing
 * tells, and nothing may be invented. */
static bool find_expiry(const Caravan__Announcement *a, const struct moment_date *today,
                        struct moment_date *date)
{
    struct moment_date last = moment_date_add_months(today, ANNOUNCEMENT_VALID_MONTHS);

    if (announcement_last_deadline(a, date))
        return true;
    if (announcement_date(last_day(a), date)) {
        *date = moment_date_last_day(date);
    } else {
        if (a->nature == CARAVAN__NATURE__NATURE_HISTORICAL)
            return false;
        *date = moment_date_add_months(today, a->rolling ? ANNOUNCEMENT_VALID_MONTHS
                                                         : months_of((int)a->kind));
    }
    if (moment_date_compare(date, &last) > 0)
        *date = last;
    return true;
}

int announcement_fill_expiry(Caravan__Announcement *announcement, const struct moment_date *today,
                             struct arena *arena, struct error *error)
{
    struct moment_date date;
    Caravan__Date *until;

    if (announcement->valid_until || !find_expiry(announcement, today, &date))
        return 0;
    until = (Caravan__Date *)reflect_new(&caravan__date__descriptor, arena);
    if (!until)
        return error_memory(error);
    until->has_year = until->has_month = until->has_day = true;
    until->year = date.year;
    until->month = date.month;
    until->day = date.day;
    announcement->valid_until = until;
    return 0;
}

bool announcement_expiry_is_filled(const Caravan__Announcement *announcement,
                                   const struct moment_date *today)
{
    const Caravan__Date *until = announcement->valid_until;
    struct moment_date date;

    /* A month alone was written by somebody, also where its last day is the same. */
    return until && until->has_day && until->has_month && until->has_year &&
           find_expiry(announcement, today, &date) && until->year == date.year &&
           until->month == date.month && until->day == date.day;
}

int announcement_move_expiry(const Caravan__Announcement *before, Caravan__Announcement *after,
                             const struct moment_date *today, struct arena *arena,
                             struct error *error)
{
    bool early = announcement_expires_early(after) && !announcement_expires_early(before);

    if (!early && !announcement_expiry_is_filled(before, today))
        return 0;
    after->valid_until = NULL;
    return announcement_fill_expiry(after, today, arena, error);
}

int announcement_prepare(Caravan__Announcement *announcement, const struct moment_date *today,
                         struct arena *arena, struct error *error)
{
    write_codes(&announcement->base);
    return announcement_fill_expiry(announcement, today, arena, error);
}

/* What the network takes: the size of a content, and the counts of the guard. */
static int check_size(const ProtobufCMessage *message, struct problem_list *problems)
{
    struct buffer packed = {0};
    struct error error = {0};
    int rc = codec_pack(message, &packed) ? 0 : ERROR_MEMORY;

    if (rc == 0 && packed.size > LIMIT_CONTENT_SIZE) {
        problem_add(
            problems, PROBLEM_ERROR, 0, 0, "",
            "found %zu bytes when packed, expected at most %d: leave something out, or link "
            "to it",
            packed.size, LIMIT_CONTENT_SIZE);
    } else if (rc == 0 && guard_scan(message->descriptor, buffer_span(&packed),
                                     &guard_limits_content, &error)) {
        problem_add(problems, PROBLEM_ERROR, 0, 0, "", "%s", error.text);
    }
    buffer_finish(&packed);
    return rc;
}

int announcement_read(struct span yaml, const struct moment_date *today, struct arena *arena,
                      Caravan__Announcement **announcement, struct buffer *written,
                      struct problem_list *problems)
{
    return announcement_read_with(yaml, NULL, today, arena, announcement, written, problems);
}

int announcement_read_with(struct span yaml, const struct codec_names *names,
                           const struct moment_date *today, struct arena *arena,
                           Caravan__Announcement **announcement, struct buffer *written,
                           struct problem_list *problems)
{
    struct codec_places places = {0};
    ProtobufCMessage *message = NULL;
    struct error error = {0};
    int rc, prepared = 0;

    rc = codec_read_yaml_with(&caravan__announcement__descriptor, yaml, names, NULL, arena, &places,
                              &message, problems);
    if (message) {
        if (written && !codec_pack(message, written))
            prepared = ERROR_MEMORY;
        if (!prepared)
            prepared = announcement_prepare((Caravan__Announcement *)message, today, arena, &error);
        announcement_check((const Caravan__Announcement *)message, today, &places, problems);
        if (!prepared)
            prepared = check_size(message, problems);
    }
    codec_places_finish(&places);
    if (rc || prepared)
        return rc ? rc : prepared;
    if (problems->errors)
        return ERROR_INVALID;
    *announcement = (Caravan__Announcement *)message;
    return 0;
}
