/* Short forms: the one table of messages that may be written as a single text. */
#include "common/codec.h"
#include "common/codec_parts.h"
#include "common/moment.h"
#include "common/vocabulary.h"
#include "proto/announcement.pb-c.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DATE_EXPECTED "a date: 2024, 2024-08 or 2024-08-01"
#define INSTANT_EXPECTED "a date, or date, time and zone: 2024-05-15 16:00 Asia/Bangkok"
#define PERIOD_EXPECTED "a period: 2024-08 to 2025-07"
#define RANGE_EXPECTED "a number or a range: 2 to 10, up to 15, at least 3"
#define AMOUNT_EXPECTED                                                                            \
    "an amount without thousands separators: 1500000 CNY, up to 1500000 CNY, at least 1000 CNY "   \
    "or 1000000 to 3000000 RUB"
#define DURATION_EXPECTED "a duration: 20 s, 30 min, 6 months, 2 years"
#define SIZE_EXPECTED "a size: 500 B, 20 KiB, 1 MiB"
#define ANNOUNCEMENT_EXPECTED                                                                      \
    "an announcement: th-nstda/42, or the feed id's 64 hexadecimal digits, a slash and the number"

/* ---- cutting a text -------------------------------------------------------------------------- */

/* "A to B", "up to B", "at least A", "from A", "until B" or "A" for both; a part is empty when
 * open. */
struct parts {
    const char *low, *high;
    size_t low_size, high_size;
};

static bool begins(const char **text, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

static struct parts cut(const char *text)
{
    struct parts parts = {.low = text};
    const char *to = strstr(text, " to ");

    if (begins(&parts.low, "up to ") || begins(&parts.low, "until ")) {
        parts.high = parts.low;
        parts.high_size = strlen(parts.high);
    } else if (begins(&parts.low, "at least ") || begins(&parts.low, "from ")) {
        parts.low_size = strlen(parts.low);
    } else if (to) {
        parts.low_size = (size_t)(to - text);
        parts.high = to + 4;
        parts.high_size = strlen(parts.high);
    } else {
        parts.high = parts.low;
        parts.low_size = parts.high_size = strlen(text);
    }
    return parts;
}

static bool whole_number(const char *text, size_t size, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (!isdigit((unsigned char)text[i]) || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return size > 0;
}

/* "20 s": a number, a space, a word. */
static bool number_and_word(const char *text, uint64_t *number, const char **word)
{
    const char *space = strchr(text, ' ');

    *word = space ? space + 1 : "";
    return space && whole_number(text, (size_t)(space - text), number) && **word;
}

static bool refuse_because(struct codec_reader *reader, const struct value *value,
                           const char *expected, const struct error *error)
{
    codec_problem(reader, value, "found %s, expected %s", error->text, expected);
    return false;
}

/* ---- dates ----------------------------------------------------------------------------------- */

static void fill_date(Caravan__Date *out, const struct moment_date *date)
{
    out->has_year = true;
    out->year = date->year;
    out->has_month = date->month != 0;
    out->month = date->month;
    out->has_day = date->day != 0;
    out->day = date->day;
}

static bool date_of(const Caravan__Date *in, struct moment_date *date)
{
    if (!in || in->year > 9999 || in->month > 12 || in->day > 31)
        return false;
    *date = (struct moment_date){(uint16_t)in->year, (uint8_t)in->month, (uint8_t)in->day};
    return moment_date_valid(date);
}

static bool read_date(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message)
{
    struct moment_date date;
    struct error error;

    if (moment_date_from_text(value->text, value->size, &date, &error))
        return refuse_because(reader, value, DATE_EXPECTED, &error);
    fill_date((Caravan__Date *)message, &date);
    return true;
}

static bool append_date(const Caravan__Date *date, struct buffer *out)
{
    struct moment_date moment;
    char text[MOMENT_DATE_SIZE];

    if (!date_of(date, &moment))
        return false;
    moment_date_to_text(&moment, text);
    return buffer_append_text(out, text);
}

static bool write_date(const struct codec_writer *writer, const ProtobufCMessage *message,
                       struct buffer *out)
{
    (void)writer;
    return append_date((const Caravan__Date *)message, out);
}

static bool read_instant(struct codec_reader *reader, const struct value *value,
                         ProtobufCMessage *message)
{
    Caravan__Instant *out = (Caravan__Instant *)message;
    struct moment_instant instant;
    struct error error;

    if (moment_instant_from_text(value->text, value->size, &instant, &error))
        return refuse_because(reader, value, INSTANT_EXPECTED, &error);
    out->date = (Caravan__Date *)reflect_new(&caravan__date__descriptor, reader->arena);
    if (!out->date)
        return codec_full(reader);
    fill_date(out->date, &instant.date);
    out->has_hour = out->has_minute = instant.has_time;
    out->hour = instant.hour;
    out->minute = instant.minute;
    out->has_second = instant.has_seconds;
    out->second = instant.second;
    if (instant.zone[0]) {
        out->zone = arena_copy_text(reader->arena, instant.zone, strlen(instant.zone));
        if (!out->zone)
            return codec_full(reader);
    }
    return true;
}

static bool write_instant(const struct codec_writer *writer, const ProtobufCMessage *message,
                          struct buffer *out)
{
    const Caravan__Instant *in = (const Caravan__Instant *)message;
    struct moment_instant instant = {.has_time = in->has_hour, .has_seconds = in->has_second};
    char text[MOMENT_INSTANT_SIZE];

    (void)writer;
    if (!date_of(in->date, &instant.date) || in->hour > 24 || in->minute > 59 || in->second > 59)
        return false;
    if (in->zone && strlen(in->zone) >= sizeof instant.zone)
        return false;
    instant.hour = (uint8_t)in->hour;
    instant.minute = (uint8_t)in->minute;
    instant.second = (uint8_t)in->second;
    if (in->zone)
        memcpy(instant.zone, in->zone, strlen(in->zone) + 1);
    moment_instant_to_text(&instant, text);
    return buffer_append_text(out, text);
}

static bool read_period_part(struct codec_reader *reader, const struct value *value,
                             const char *text, size_t size, Caravan__Date **date)
{
    struct moment_date read;
    struct error error;

    if (size == 0)
        return true;
    if (moment_date_from_text(text, size, &read, &error))
        return refuse_because(reader, value, PERIOD_EXPECTED, &error);
    *date = (Caravan__Date *)reflect_new(&caravan__date__descriptor, reader->arena);
    if (!*date)
        return codec_full(reader);
    fill_date(*date, &read);
    return true;
}

static bool read_period(struct codec_reader *reader, const struct value *value,
                        ProtobufCMessage *message)
{
    Caravan__Period *period = (Caravan__Period *)message;
    struct parts parts = cut(value->text);
    struct moment_date start, end;

    if (!parts.low_size && !parts.high_size)
        return codec_refuse(reader, value, PERIOD_EXPECTED);
    if (!read_period_part(reader, value, parts.low, parts.low_size, &period->start) ||
        !read_period_part(reader, value, parts.high, parts.high_size, &period->end))
        return false;
    if (date_of(period->start, &start) && date_of(period->end, &end) &&
        moment_date_compare(&start, &end) > 0)
        return codec_refuse(reader, value, "an end that is not before the start");
    return true;
}

static bool write_period(const struct codec_writer *writer, const ProtobufCMessage *message,
                         struct buffer *out)
{
    const Caravan__Period *period = (const Caravan__Period *)message;
    struct moment_date start, end;

    (void)writer;
    if (!period->end)
        return buffer_append_text(out, "from ") && append_date(period->start, out);
    if (!period->start)
        return buffer_append_text(out, "until ") && append_date(period->end, out);
    if (!append_date(period->start, out))
        return false;
    if (date_of(period->start, &start) && date_of(period->end, &end) &&
        moment_date_compare(&start, &end) == 0)
        return true;
    return buffer_append_text(out, " to ") && append_date(period->end, out);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool read_range(struct codec_reader *reader, const struct value *value,
                       ProtobufCMessage *message)
{
    Caravan__Range *range = (Caravan__Range *)message;
    struct parts parts = cut(value->text);

    range->has_min = parts.low_size > 0;
    range->has_max = parts.high_size > 0;
    if ((range->has_min && !whole_number(parts.low, parts.low_size, &range->min)) ||
        (range->has_max && !whole_number(parts.high, parts.high_size, &range->max)) ||
        (!range->has_min && !range->has_max))
        return codec_refuse(reader, value, RANGE_EXPECTED);
    if (range->has_min && range->has_max && range->min > range->max)
        return codec_refuse(reader, value, "the smaller number first");
    return true;
}

static bool write_range(const struct codec_writer *writer, const ProtobufCMessage *message,
                        struct buffer *out)
{
    const Caravan__Range *range = (const Caravan__Range *)message;

    (void)writer;
    if (range->has_min && range->has_max && range->min == range->max)
        return buffer_printf(out, "%" PRIu64, range->min);
    if (range->has_min && range->has_max)
        return buffer_printf(out, "%" PRIu64 " to %" PRIu64, range->min, range->max);
    if (range->has_min)
        return buffer_printf(out, "at least %" PRIu64, range->min);
    return range->has_max && buffer_printf(out, "up to %" PRIu64, range->max);
}

/* The first word of a unit is the one that is written. */
static const struct unit {
    const char *words[6];
    uint64_t number; /* DurationUnit, or bytes */
} durations[] =
    {
        {{"s", "second", "seconds", "sec"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_SECOND},
        {{"min", "minute", "minutes"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_MINUTE},
        {{"h", "hour", "hours"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_HOUR},
        {{"days", "day", "d"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_DAY},
        {{"weeks", "week"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_WEEK},
        {{"months", "month"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_MONTH},
        {{"years", "year"}, CARAVAN__DURATION_UNIT__DURATION_UNIT_YEAR},
},
  sizes[] = {
      {{"GiB"}, 1 << 30},   {{"MiB"}, 1 << 20}, {{"KiB"}, 1 << 10},   {{"B", "byte", "bytes"}, 1},
      {{"kB", "KB"}, 1000}, {{"MB"}, 1000000},  {{"GB"}, 1000000000},
};

static const struct unit *find_unit(const struct unit *units, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 6 && units[i].words[k]; k++)
            if (strcmp(units[i].words[k], word) == 0)
                return &units[i];
    return NULL;
}

static bool read_duration(struct codec_reader *reader, const struct value *value,
                          ProtobufCMessage *message)
{
    Caravan__Duration *duration = (Caravan__Duration *)message;
    const struct unit *unit = NULL;
    const char *word;

    if (number_and_word(value->text, &duration->value, &word))
        unit = find_unit(durations, sizeof durations / sizeof durations[0], word);
    if (!unit)
        return codec_refuse(reader, value, DURATION_EXPECTED);
    duration->has_value = duration->has_unit = true;
    duration->unit = (Caravan__DurationUnit)unit->number;
    return true;
}

static bool write_duration(const struct codec_writer *writer, const ProtobufCMessage *message,
                           struct buffer *out)
{
    const Caravan__Duration *duration = (const Caravan__Duration *)message;

    (void)writer;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        const char *word = durations[i].words[0];
        size_t length = strlen(word);

        if (durations[i].number != duration->unit || !duration->has_unit || !duration->has_value)
            continue;
        if (duration->value == 1 && length > 3) /* "1 month" */
            length--;
        return buffer_printf(out, "%" PRIu64 " %.*s", duration->value, (int)length, word);
    }
    return false;
}

static bool read_size(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message)
{
    Caravan__Size *size = (Caravan__Size *)message;
    const struct unit *unit = NULL;
    const char *word;

    if (number_and_word(value->text, &size->bytes, &word))
        unit = find_unit(sizes, sizeof sizes / sizeof sizes[0], word);
    if (!unit || size->bytes > UINT64_MAX / unit->number)
        return codec_refuse(reader, value, SIZE_EXPECTED);
    size->has_bytes = true;
    size->bytes *= unit->number;
    return true;
}

static bool write_size(const struct codec_writer *writer, const ProtobufCMessage *message,
                       struct buffer *out)
{
    const Caravan__Size *size = (const Caravan__Size *)message;

    (void)writer;
    for (size_t i = 0; i < 4; i++)
        if (size->bytes % sizes[i].number == 0 && size->bytes)
            return buffer_printf(out, "%" PRIu64 " %s", size->bytes / sizes[i].number,
                                 sizes[i].words[0]);
    return buffer_append_text(out, "0 B");
}

/* ---- money ----------------------------------------------------------------------------------- */

/* "15000.50" in minor units; false when it is no such number or does not fit. */
static bool minor_units(const char *text, size_t size, int decimals, int64_t *minor)
{
    const char *point = memchr(text, '.', size);
    size_t whole = point ? (size_t)(point - text) : size;
    size_t fraction = point ? size - whole - 1 : 0;
    uint64_t number, cents = 0;

    if (!whole_number(text, whole, &number) ||
        (point && (fraction == 0 || fraction > (size_t)decimals)))
        return false;
    if (fraction && !whole_number(point + 1, fraction, &cents))
        return false;
    for (size_t i = fraction; i < (size_t)decimals; i++)
        cents *= 10;
    for (int i = 0; i < decimals; i++) {
        if (number > INT64_MAX / 10)
            return false;
        number *= 10;
    }
    if (number > (uint64_t)INT64_MAX - cents)
        return false;
    *minor = (int64_t)(number + cents);
    return true;
}

static bool refuse_currency(struct codec_reader *reader, const struct value *value,
                            const char *word)
{
    const struct vocabulary_term *near =
        vocabulary_suggest(vocabulary_get("currency"), word, strlen(word));

    codec_problem(reader, value,
                  "found \"%.40s\" without a currency code of ISO 4217 at the end, expected "
                  "%s%s%s",
                  value->text, AMOUNT_EXPECTED, near ? "; did you mean " : "",
                  near ? near->code : "");
    return false;
}

static bool read_amount(struct codec_reader *reader, const struct value *value,
                        ProtobufCMessage *message)
{
    Caravan__Amount *amount = (Caravan__Amount *)message;
    const char *word = strrchr(value->text, ' ');
    const struct vocabulary_term *currency;
    char numbers[128];
    struct parts parts;

    if (!word || (size_t)(word - value->text) >= sizeof numbers)
        return codec_refuse(reader, value, AMOUNT_EXPECTED);
    currency = vocabulary_find(vocabulary_get("currency"), word + 1, strlen(word + 1));
    if (!currency)
        return refuse_currency(reader, value, word + 1);
    memcpy(numbers, value->text, (size_t)(word - value->text));
    numbers[word - value->text] = '\0';
    parts = cut(numbers);
    amount->has_min_minor = parts.low_size > 0;
    amount->has_max_minor = parts.high_size > 0;
    if ((!amount->has_min_minor && !amount->has_max_minor) ||
        (amount->has_min_minor &&
         !minor_units(parts.low, parts.low_size, currency->number, &amount->min_minor)) ||
        (amount->has_max_minor &&
         !minor_units(parts.high, parts.high_size, currency->number, &amount->max_minor)))
        return codec_refuse(reader, value, AMOUNT_EXPECTED);
    if (amount->has_min_minor && amount->has_max_minor && amount->min_minor > amount->max_minor)
        return codec_refuse(reader, value, "the smaller amount first");
    amount->currency = (char *)currency->code; /* as long as the program */
    return true;
}

static bool append_minor(int64_t minor, int decimals, struct buffer *out)
{
    int64_t unit = 1;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (minor < 0)
        return false;
    if (minor % unit == 0)
        return buffer_printf(out, "%" PRId64, minor / unit);
    return buffer_printf(out, "%" PRId64 ".%0*" PRId64, minor / unit, decimals, minor % unit);
}

static bool write_amount(const struct codec_writer *writer, const ProtobufCMessage *message,
                         struct buffer *out)
{
    const Caravan__Amount *amount = (const Caravan__Amount *)message;
    int decimals = amount->currency ? vocabulary_decimals(amount->currency) : -1;
    bool low = amount->has_min_minor, high = amount->has_max_minor;
    bool both = low && high && amount->min_minor != amount->max_minor;

    (void)writer;
    if (decimals < 0 || (!low && !high))
        return false;
    if (!low || !high)
        if (!buffer_append_text(out, low ? "at least " : "up to "))
            return false;
    if (!append_minor(low ? amount->min_minor : amount->max_minor, decimals, out))
        return false;
    if (both &&
        (!buffer_append_text(out, " to ") || !append_minor(amount->max_minor, decimals, out)))
        return false;
    return buffer_printf(out, " %s", amount->currency);
}

/* ---- one value that stands for a field ------------------------------------------------------- */

static bool is_truth(const struct value *value)
{
    static const char *const words[] = {"true", "false", "yes", "no"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (value->kind == VALUE_TEXT && strcasecmp(value->text, words[i]) == 0)
            return true;
    return false;
}

static bool is_scalar_or_list(const struct value *value)
{
    return value->kind != VALUE_MAP;
}

/* Text: anything but its own full form. */
static bool is_not_only_text(const struct value *value)
{
    return value->kind != VALUE_MAP || value->count > 1 ||
           (value->count == 1 && strcmp(value->first->key, "text") != 0);
}

static bool is_free(const struct value *value)
{
    return value->kind == VALUE_TEXT && strcasecmp(value->text, "free") == 0;
}

/* 1 or 1.3 */
static bool is_ford(const struct value *value)
{
    const char *t = value->text;

    return value->kind == VALUE_TEXT && t[0] >= '1' && t[0] <= '6' &&
           (!t[1] || (t[1] == '.' && t[2] && strspn(t + 2, "0123456789") == strlen(t + 2)));
}

/* C, 20, 20.1 or 20.14 */
static bool is_nace(const struct value *value)
{
    const char *t = value->text;

    if (value->kind != VALUE_TEXT || !t[0])
        return false;
    return (!t[1] && t[0] >= 'A' && t[0] <= 'V') ||
           (value->size <= 5 && isdigit((unsigned char)t[0]) &&
            strspn(t, "0123456789.") == value->size);
}

static bool read_free(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message)
{
    Caravan__Fee *fee = (Caravan__Fee *)message;

    (void)reader;
    (void)value;
    fee->has_free = fee->free = true;
    return true;
}

static bool write_free(const struct codec_writer *writer, const ProtobufCMessage *message,
                       struct buffer *out)
{
    const Caravan__Fee *fee = (const Caravan__Fee *)message;

    (void)writer;
    return fee->free && buffer_append_text(out, "free");
}

/* ---- announcements --------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *number)
{
    char *end;

    if (*text < '1' || *text > '9' || strlen(text) > 19)
        return false;
    *number = strtoull(text, &end, 10);
    return !*end;
}

static bool read_announcement(struct codec_reader *reader, const struct value *value,
                              ProtobufCMessage *message)
{
    Caravan__AnnouncementName *name = (Caravan__AnnouncementName *)message;
    const char *slash = strrchr(value->text, '/');
    char *institution = arena_copy_text(reader->arena, value->text, value->size);
    struct id feed;

    if (!institution)
        return codec_full(reader);
    if (slash)
        institution[slash - value->text] = '\0';
    if (!slash || !read_number(slash + 1, &name->seq) ||
        !codec_find_feed(reader, institution, &feed))
        return codec_refuse(reader, value, ANNOUNCEMENT_EXPECTED);
    name->has_seq = name->has_feed = true;
    name->feed.len = sizeof feed.bytes;
    name->feed.data = (uint8_t *)arena_copy_text(reader->arena, feed.bytes, sizeof feed.bytes);
    return name->feed.data || codec_full(reader);
}

static bool write_announcement(const struct codec_writer *writer, const ProtobufCMessage *message,
                               struct buffer *out)
{
    const Caravan__AnnouncementName *name = (const Caravan__AnnouncementName *)message;
    const char *handle = codec_name_feed(writer, &name->feed);
    char hex[2 * sizeof(struct id) + 1];

    if (name->feed.len != sizeof(struct id) || !name->seq)
        return false;
    bytes_to_hex(name->feed.data, name->feed.len, hex);
    return buffer_printf(out, "%s/%" PRIu64, handle ? handle : hex, name->seq);
}

/* Rows of one type stand in the order in which they are tried. */
const struct codec_short codec_shorts[] = {
    {&caravan__date__descriptor, DATE_EXPECTED, NULL, NULL, read_date, write_date},
    {&caravan__instant__descriptor, INSTANT_EXPECTED, NULL, NULL, read_instant, write_instant},
    {&caravan__period__descriptor, PERIOD_EXPECTED, NULL, NULL, read_period, write_period},
    {&caravan__range__descriptor, RANGE_EXPECTED, NULL, NULL, read_range, write_range},
    {&caravan__duration__descriptor, DURATION_EXPECTED, NULL, NULL, read_duration, write_duration},
    {&caravan__size__descriptor, SIZE_EXPECTED, NULL, NULL, read_size, write_size},
    {&caravan__amount__descriptor, AMOUNT_EXPECTED, NULL, NULL, read_amount, write_amount},
    {&caravan__money__descriptor, AMOUNT_EXPECTED, "amount", NULL, NULL, NULL},
    {&caravan__deadline__descriptor, INSTANT_EXPECTED, "at", NULL, NULL, NULL},
    {&caravan__text__descriptor, "text", "text", is_not_only_text, NULL, NULL},
    {&caravan__rolling__descriptor, "months: [Jan, Jul]", "all_year", is_truth, NULL, NULL},
    {&caravan__rolling__descriptor, "months: [Jan, Jul]", "review_months", is_scalar_or_list, NULL,
     NULL},
    {&caravan__fee__descriptor, "free", NULL, is_free, read_free, write_free},
    {&caravan__fee__descriptor, AMOUNT_EXPECTED, "money", NULL, NULL, NULL},
    {&caravan__announcement_name__descriptor, ANNOUNCEMENT_EXPECTED, NULL, NULL, read_announcement,
     write_announcement},
    {&caravan__field_of_science__descriptor, "a code of FORD", "code", is_ford, NULL, NULL},
    {&caravan__field_of_science__descriptor, "a name", "label", NULL, NULL, NULL},
    {&caravan__sector__descriptor, "a code of NACE", "code", is_nace, NULL, NULL},
    {&caravan__sector__descriptor, "a name", "label", NULL, NULL, NULL},
    {&caravan__equipment__descriptor, "a name", "name", NULL, NULL, NULL},
    {&caravan__research_line__descriptor, "text", "text", NULL, NULL, NULL},
    {&caravan__number_of_awards__descriptor, RANGE_EXPECTED, "number", NULL, NULL, NULL},
    {0},
};

const struct codec_short *codec_short_for(const ProtobufCMessageDescriptor *type,
                                          const struct value *value)
{
    for (const struct codec_short *row = codec_shorts; row->type; row++) {
        bool fits = row->accepts ? row->accepts(value) : value->kind == VALUE_TEXT;

        if (row->type == type && fits)
            return row;
    }
    return NULL;
}
