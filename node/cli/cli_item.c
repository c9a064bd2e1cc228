#include "node/cli/cli_item.h"

#include "common/announcement.h"
#include "common/codec.h"
#include "common/guard.h"
#include "common/text.h"
#include "common/utf8.h"
#include "node/cli/cli_voice.h"
#include "proto/answer.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The entry that the item is about, or what is said of one. */
static bool carries_announcement(const Caravan__Item *item)
{
    return item->has_said || item->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_READER ||
           (item->content_type >= CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT &&
            item->content_type <= CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL);
}

const Caravan__Announcement *cli_item_read(const Caravan__Item *item, struct arena *arena)
{
    ProtobufCMessage *message;

    if (item->problem || !item->has_content || !carries_announcement(item))
        return NULL;
    if (guard_unpack(&caravan__announcement__descriptor,
                     span_of(item->content.data, item->content.len), &guard_limits_content, arena,
                     &message, NULL))
        return NULL;
    return (const Caravan__Announcement *)message;
}

/* --- dates ------------------------------------------------------------------------------------ */

static bool take_instant(const Caravan__Instant *from, struct moment_instant *to)
{
    *to = (struct moment_instant){0};
    if (!from || !from->date)
        return false;
    to->date.year = (uint16_t)from->date->year;
    to->date.month = (uint8_t)from->date->month;
    to->date.day = (uint8_t)from->date->day;
    if (from->date->year > 9999 || from->date->month > 12 || from->date->day > 31 ||
        !moment_date_valid(&to->date))
        return false;
    to->has_time = from->has_hour && from->hour <= 24 && from->minute < 60;
    if (to->has_time) {
        to->hour = (uint8_t)from->hour;
        to->minute = (uint8_t)from->minute;
        to->has_seconds = from->has_second && from->second < 60;
        to->second = to->has_seconds ? (uint8_t)from->second : 0;
    }
    if (from->zone && strlen(from->zone) < sizeof to->zone)
        memcpy(to->zone, from->zone, strlen(from->zone) + 1);
    return true;
}

bool cli_item_instant(const Caravan__Instant *instant, struct buffer *out)
{
    struct moment_instant moment;
    char text[MOMENT_INSTANT_SIZE];

    if (!take_instant(instant, &moment))
        return false;
    moment_instant_to_text(&moment, text);
    return buffer_append_text(out, text) &&
           (moment.zone[0] || buffer_append_text(out, ", time zone not stated"));
}

/* Whose it is: as it says itself, or the party whose terms it stands in; "" for all. */
static const char *whose(const Caravan__Deadline *deadline, const Caravan__Party *party)
{
    if (deadline->party)
        return deadline->party;
    return party ? announcement_text(party->name, party->n_name, NULL) : "";
}

static bool append_deadline(const Caravan__Deadline *deadline, const Caravan__Party *party,
                            struct buffer *out)
{
    const char *owner = whose(deadline, party);
    char what[CODEC_NAME_SIZE];

    if (!cli_item_instant(deadline->at, out))
        return true;
    if (deadline->what) {
        codec_enum_text(&caravan__deadline_what__descriptor, (int)deadline->what, what);
        buffer_printf(out, " (%s)", what);
    }
    return (!*owner || buffer_printf(out, " for %s", owner)) && buffer_append_text(out, "\n");
}

bool cli_item_deadlines(const Caravan__Announcement *announcement, struct buffer *out)
{
    bool ok = true;

    for (size_t i = 0; ok && i < announcement->n_deadline; i++)
        ok = append_deadline(announcement->deadline[i], NULL, out);
    for (size_t i = 0; i < announcement->n_parties; i++)
        for (size_t k = 0; ok && k < announcement->parties[i]->n_deadline; k++)
            ok = append_deadline(announcement->parties[i]->deadline[k], announcement->parties[i],
                                 out);
    return ok;
}

static void later(const Caravan__Deadline *deadline, int64_t *last, struct moment_date *day)
{
    struct moment_instant moment;
    int64_t ms;

    if (deadline->what == CARAVAN__DEADLINE_WHAT__DEADLINE_WHAT_RESULT ||
        !take_instant(deadline->at, &moment) || moment_instant_end_ms(&moment, &ms, NULL) ||
        (day->year && ms <= *last))
        return;
    *last = ms;
    *day = moment.date;
}

/* The last day to apply, as it is written. */
static void closing_day(const Caravan__Announcement *announcement, char out[16])
{
    struct moment_date day = {0};
    int64_t last = 0;
    char text[MOMENT_DATE_SIZE];

    for (size_t i = 0; i < announcement->n_deadline; i++)
        later(announcement->deadline[i], &last, &day);
    for (size_t i = 0; i < announcement->n_parties; i++)
        for (size_t k = 0; k < announcement->parties[i]->n_deadline; k++)
            later(announcement->parties[i]->deadline[k], &last, &day);
    moment_date_to_text(&day, text);
    snprintf(out, 16, "%s", text);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void add_country(char *countries, size_t size, const char *country)
{
    size_t used = strlen(countries);

    if (!country || strlen(country) != 2 || strstr(countries, country) || used + 4 > size)
        return;
    snprintf(countries + used, size - used, "%s%s", used ? " " : "", country);
}

static const char *mark_of(const Caravan__Announcement *announcement)
{
    switch (announcement->nature) {
    case CARAVAN__NATURE__NATURE_HISTORICAL:
        return "historical";
    case CARAVAN__NATURE__NATURE_SAMPLE:
        return "sample";
    default:
        return "";
    }
}

/* "profile" for CONTENT_TYPE_PROFILE. */
static void other_kind(uint32_t content_type, char out[64])
{
    if (content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_INTEREST) {
        snprintf(out, 64, "answer"); /* as everywhere else on the screen */
        return;
    }
    codec_enum_text(&caravan__content_type__descriptor, (int)content_type, out);
}

static void announcement_row(const Caravan__Item *item, const Caravan__Announcement *announcement,
                             int64_t now_ms, struct cli_item_row *row)
{
    codec_enum_text(&caravan__kind__descriptor, (int)announcement->kind, row->kind);
    row->state = item->withdrawn
                     ? "withdrawn"
                     : announcement_state_name(announcement_state_at(announcement, now_ms));
    row->title = announcement_title(announcement, NULL);
    row->mark = item->sealed ? "sealed" : mark_of(announcement);
    closing_day(announcement, row->when);
    for (size_t i = 0; i < announcement->n_parties; i++)
        add_country(row->countries, sizeof row->countries, announcement->parties[i]->country);
    for (size_t i = 0; i < announcement->n_countries; i++)
        add_country(row->countries, sizeof row->countries, announcement->countries[i]);
}

static void eligible_row(const Caravan__Eligible *eligible, struct cli_item_row *row)
{
    row->apply = row->why = "";
    if (!eligible || !eligible->answer)
        return;
    row->apply = strcmp(eligible->answer, "unknown") == 0 ? "?" : eligible->answer;
    row->why = eligible->why ? eligible->why : "";
}

/* Of very many the first ones are enough. */
#define ALSO_MAX 2

static const char *also_of(const Caravan__Item *item, struct arena *arena)
{
    struct buffer text = {0};
    const char *also = NULL;
    bool ok = item->n_also > 0;

    for (size_t i = 0; ok && i < item->n_also && i < ALSO_MAX; i++)
        ok = buffer_printf(&text, "%s%.80s", i ? ", " : "", item->also[i]->name);
    if (ok && item->n_also > ALSO_MAX)
        ok = buffer_printf(&text, " and %zu more", item->n_also - ALSO_MAX);
    if (ok)
        also = arena_copy_text(arena, text.data, text.size);
    buffer_finish(&text);
    return also ? also : "";
}

void cli_item_row(const Caravan__Item *item, struct arena *arena, int64_t now_ms,
                  struct cli_item_row *row)
{
    const Caravan__Announcement *announcement = cli_item_read(item, arena);

    memset(row, 0, sizeof *row);
    row->name = item->name ? item->name : "?";
    row->state = row->mark = row->title = "";
    eligible_row(item->eligible, row);
    row->also = also_of(item, arena);
    if (announcement) {
        announcement_row(item, announcement, now_ms, row);
        return;
    }
    row->unreadable = item->problem != NULL;
    row->state = item->withdrawn ? "withdrawn" : "";
    row->title = item->problem ? item->problem : "";
    if (item->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT)
        snprintf(row->kind, sizeof row->kind, "?");
    else
        other_kind(item->content_type, row->kind);
}

const char *cli_item_kind(const struct cli_item_row *row)
{
    return strcmp(row->kind, "?") == 0 ? "announcement" : row->kind;
}

const ProtobufCMessageDescriptor *cli_item_said_type(const Caravan__Item *item)
{
    if (!item->has_said)
        return NULL;
    switch (item->content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION:
        return &caravan__confirmation__descriptor;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROPOSAL:
        return &caravan__proposal__descriptor;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME:
        return &caravan__outcome__descriptor;
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_INTEREST:
        return &caravan__interest__descriptor;
    default:
        return NULL;
    }
}

static const char *confirmation_event(const Caravan__Item *item)
{
    const Caravan__Confirmation *said;
    const char *event = "confirmed";
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    said = (const Caravan__Confirmation *)cli_voice_read(item, &arena);
    if (said && said->declined)
        event = cli_voice_refusal(item, &arena) ? "refused" : "declined";
    arena_finish(&arena);
    return event;
}

const char *cli_item_event(const Caravan__Item *item)
{
    switch (item->content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT:
        return "published";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION:
        return "revised";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL:
        return "withdrawn";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION:
        return item->has_said ? confirmation_event(item) : "entry";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROPOSAL:
        return item->has_said ? "proposed" : "entry";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME:
        return item->has_said ? "outcome" : "entry";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_INTEREST:
        return item->has_said ? "answered" : "entry";
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_READER:
        return "shared";
    default:
        return "entry";
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool append_member(struct buffer *out, const char *name, struct span json)
{
    out->size--; /* the closing brace */
    return buffer_printf(out, "%s\"%s\": ", out->data[out->size - 1] == '{' ? "" : ", ", name) &&
           buffer_append(out, json.data, json.size) && buffer_append_text(out, "}");
}

bool cli_item_json(const Caravan__Item *item, const char *event, struct arena *arena,
                   struct buffer *out)
{
    const Caravan__Announcement *announcement = cli_item_read(item, arena);
    Caravan__Item light = *item;
    struct buffer json = {0}, quoted = {0};
    bool ok;

    if (announcement)
        light.has_content = false;
    ok = codec_write_json(&light.base, &json);
    if (ok && event)
        ok = buffer_printf(&quoted, "\"%s\"", event) &&
             append_member(&json, "event", buffer_span(&quoted));
    if (ok && announcement) {
        buffer_clear(&quoted);
        ok = codec_write_json(&announcement->base, &quoted) &&
             append_member(&json, "announcement", buffer_span(&quoted));
    }
    ok = ok && buffer_append(out, json.data, json.size);
    buffer_finish(&json);
    buffer_finish(&quoted);
    return ok;
}

void cli_item_print_json(FILE *out, struct span json)
{
    size_t at = 0;

    while (at < json.size) {
        size_t start = at;
        int32_t c = utf8_next(json, &at);

        if (c < 0) /* never: the codec writes UTF-8 */
            at = start + 1;
        else if (c == '\n' || !text_is_unsafe(c))
            fwrite(json.data + start, 1, at - start, out);
        else if (c < 0x10000)
            fprintf(out, "\\u%04x", (unsigned)c);
        else
            fprintf(out, "\\u%04x\\u%04x", 0xd800u + (unsigned)((c - 0x10000) >> 10),
                    0xdc00u + (unsigned)((c - 0x10000) & 0x3ff));
    }
}

/* --- terminal --------------------------------------------------------------------------------- */

void cli_item_print_fit(FILE *out, const char *text, size_t columns)
{
    struct buffer fitted = {0};

    if ((columns ? text_fit(text, columns, true, &fitted) : text_clean(text, false, &fitted)) &&
        fitted.size)
        fwrite(fitted.data, 1, fitted.size, out);
    buffer_finish(&fitted);
}

size_t cli_item_terminal_columns(void)
{
    struct winsize size = {0};

    if (isatty(STDOUT_FILENO) != 1)
        return 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}
