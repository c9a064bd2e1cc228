#include "common/moment.h"

#include "common/zone.h"

#include <stdio.h>
#include <string.h>

#define MS_PER_SECOND 1000
#define SECONDS_PER_DAY 86400
#define MS_PER_DAY ((int64_t)SECONDS_PER_DAY * MS_PER_SECOND)
#define HALF_DAY_MS (MS_PER_DAY / 2)
/* 0001-01-01 and 9999-12-31 in days since 1970-01-01. */
#define FIRST_DAY (-719162)
#define LAST_DAY 2932896

/* --- calendar -------------------------------------------------------------------------------- */

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool moment_date_valid(const struct moment_date *date)
{
    if (date->year < 1 || date->year > 9999 || date->month > 12)
        return false;
    if (date->month == 0)
        return date->day == 0;
    return date->day <= days_in(date->year, date->month);
}

enum moment_precision moment_date_precision(const struct moment_date *date)
{
    return date->month == 0 ? MOMENT_YEAR : date->day == 0 ? MOMENT_MONTH : MOMENT_DAY;
}

struct moment_date moment_date_first_day(const struct moment_date *date)
{
    struct moment_date first = *date;

    if (first.month == 0)
        first.month = 1;
    if (first.day == 0)
        first.day = 1;
    return first;
}

struct moment_date moment_date_last_day(const struct moment_date *date)
{
    struct moment_date last = *date;

    if (last.month == 0)
        last.month = 12;
    if (last.day == 0)
        last.day = (uint8_t)days_in(last.year, last.month);
    return last;
}

/* Years begin in March here, so that the leap day is the last; eras of 400 years repeat. */
int64_t moment_date_to_days(const struct moment_date *date)
{
    struct moment_date first = moment_date_first_day(date);
    int64_t year = first.month <= 2 ? first.year - 1 : first.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400;
    int64_t month = (first.month + 9) % 12;
    int64_t in_year = (153 * month + 2) / 5 + first.day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

struct moment_date moment_date_from_days(int64_t days)
{
    struct moment_date date = {0, 0, 0};
    int64_t era, in_era, year, in_year, month;

    if (days < FIRST_DAY || days > LAST_DAY)
        return date;
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    in_era = days - era * 146097;
    year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    in_year = in_era - (365 * year + year / 4 - year / 100);
    month = (5 * in_year + 2) / 153;
    date.day = (uint8_t)(in_year - (153 * month + 2) / 5 + 1);
    date.month = (uint8_t)(month < 10 ? month + 3 : month - 9);
    date.year = (uint16_t)(year + era * 400 + (date.month <= 2));
    return date;
}

struct moment_date moment_date_add_months(const struct moment_date *date, int months)
{
    struct moment_date none = {0, 0, 0}, sum = *date;
    int64_t total;

    if (!moment_date_valid(date))
        return none;
    total = (int64_t)date->year * 12 + (date->month ? date->month - 1 : 0) + months;
    if (total < 12 || total >= (int64_t)10000 * 12)
        return none;
    sum.year = (uint16_t)(total / 12);
    if (sum.month)
        sum.month = (uint8_t)(total % 12 + 1);
    if (sum.day && sum.day > days_in(sum.year, sum.month))
        sum.day = (uint8_t)days_in(sum.year, sum.month);
    return sum;
}

int moment_date_compare(const struct moment_date *a, const struct moment_date *b)
{
    int64_t first = moment_date_to_days(a), second = moment_date_to_days(b);
    int precision = (int)moment_date_precision(a) - (int)moment_date_precision(b);

    if (first != second)
        return first < second ? -1 : 1;
    return (precision > 0) - (precision < 0);
}

int64_t moment_date_start_ms(const struct moment_date *date)
{
    return moment_date_to_days(date) * MS_PER_DAY - (int64_t)14 * 3600 * MS_PER_SECOND;
}

int64_t moment_date_end_ms(const struct moment_date *date)
{
    struct moment_date last = moment_date_last_day(date);

    return (moment_date_to_days(&last) + 1) * MS_PER_DAY + HALF_DAY_MS;
}

/* --- reading text ---------------------------------------------------------------------------- */

struct text {
    const char *at;
    const char *end;
};

static bool next_is(const struct text *text, char wanted)
{
    return text->at < text->end && *text->at == wanted;
}

static bool skip(struct text *text, char wanted)
{
    if (!next_is(text, wanted))
        return false;
    text->at++;
    return true;
}

/* Exactly `digits` digits. */
static bool read_digits(struct text *text, int digits, unsigned *value)
{
    unsigned number = 0;

    if (text->end - text->at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return false;
        number = number * 10 + (unsigned)(text->at[i] - '0');
    }
    text->at += digits;
    *value = number;
    return true;
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

/* Reads a date at the cursor; `whole` is for the sentence only. */
static int read_date(struct text *text, const char *whole, int size, struct moment_date *date,
                     struct error *error)
{
    unsigned year, month = 0, day = 0;
    bool ok = read_digits(text, 4, &year);

    if (ok && skip(text, '-')) {
        ok = read_digits(text, 2, &month);
        if (ok && skip(text, '-'))
            ok = read_digits(text, 2, &day) && day > 0;
        ok = ok && month > 0;
    }
    if (!ok)
        return error_set(error, ERROR_INVALID,
                         "\"%.*s\" is no date; expected 2024, 2024-08 or 2024-08-01", size, whole);
    if (year == 0 || month > 12)
        return error_set(error, ERROR_INVALID, "\"%.*s\": there is no %s %02u", size, whole,
                         year == 0 ? "year" : "month", year == 0 ? year : month);
    if (month && day > days_in(year, month))
        return error_set(error, ERROR_INVALID, "\"%.*s\": %s %u has %u days", size, whole,
                         month_names[month - 1], year, days_in(year, month));
    date->year = (uint16_t)year;
    date->month = (uint8_t)month;
    date->day = (uint8_t)day;
    return 0;
}

/* For sentences: never more of a text than this. */
static int shown(size_t size)
{
    return size > 60 ? 60 : (int)size;
}

int moment_date_from_text(const char *text, size_t size, struct moment_date *date,
                          struct error *error)
{
    struct text cursor = {text, text + size};
    struct moment_date read;
    int rc = read_date(&cursor, text, shown(size), &read, error);

    if (rc)
        return rc;
    if (cursor.at != cursor.end)
        return error_set(error, ERROR_INVALID,
                         "\"%.*s\" is no date; expected 2024, 2024-08 or 2024-08-01", shown(size),
                         text);
    *date = read;
    return 0;
}

void moment_date_to_text(const struct moment_date *date, char out[MOMENT_DATE_SIZE])
{
    int length;

    out[0] = '\0';
    if (!moment_date_valid(date))
        return;
    length = snprintf(out, MOMENT_DATE_SIZE, "%04u", (unsigned)date->year);
    if (date->month)
        length += snprintf(out + length, MOMENT_DATE_SIZE - (size_t)length, "-%02u",
                           (unsigned)date->month);
    if (date->day)
        snprintf(out + length, MOMENT_DATE_SIZE - (size_t)length, "-%02u", (unsigned)date->day);
}

/* --- offsets --------------------------------------------------------------------------------- */

void moment_offset_to_text(int32_t offset_seconds, char out[MOMENT_DATE_SIZE])
{
    unsigned minutes = (unsigned)(offset_seconds < 0 ? -(int64_t)offset_seconds : offset_seconds) /
                       60 % (100 * 60);

    snprintf(out, MOMENT_DATE_SIZE, "%c%02u:%02u", offset_seconds < 0 ? '-' : '+', minutes / 60,
             minutes % 60);
}

bool moment_offset_from_text(const char *text, size_t size, int32_t *offset_seconds)
{
    struct text cursor = {text, text + size};
    unsigned hours, minutes = 0;
    int32_t seconds, sign;

    if ((size == 1 && (*text == 'Z' || *text == 'z')) || (size == 3 && !memcmp(text, "UTC", 3))) {
        *offset_seconds = 0;
        return true;
    }
    if (size == 0 || (*text != '+' && *text != '-'))
        return false;
    sign = *cursor.at++ == '-' ? -1 : 1;
    if (!read_digits(&cursor, 2, &hours))
        return false;
    if (cursor.at != cursor.end && (skip(&cursor, ':'), !read_digits(&cursor, 2, &minutes)))
        return false;
    seconds = (int32_t)(hours * 3600 + minutes * 60);
    if (cursor.at != cursor.end || minutes > 59 || seconds >= SECONDS_PER_DAY)
        return false;
    *offset_seconds = sign * seconds;
    return true;
}

/* --- instants -------------------------------------------------------------------------------- */

/* "16:00", "16:00:30" */
static bool read_time(struct text *text, struct moment_instant *instant)
{
    unsigned hour, minute, second = 0;

    if (!read_digits(text, 2, &hour) || !skip(text, ':') || !read_digits(text, 2, &minute))
        return false;
    instant->has_seconds = skip(text, ':');
    if (instant->has_seconds && !read_digits(text, 2, &second))
        return false;
    if (minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute || second)))
        return false;
    instant->has_time = true;
    instant->hour = (uint8_t)hour;
    instant->minute = (uint8_t)minute;
    instant->second = (uint8_t)second;
    return true;
}

/* Canonical forms: "UTC", "+07:00", or the IANA name. */
static int read_zone(const char *text, size_t size, struct moment_instant *instant,
                     struct error *error)
{
    int32_t offset;

    if (moment_offset_from_text(text, size, &offset)) {
        if (offset == 0 && (*text == 'Z' || *text == 'z' || *text == 'U'))
            snprintf(instant->zone, sizeof instant->zone, "UTC");
        else
            moment_offset_to_text(offset, instant->zone);
        return 0;
    }
    if (*text == '+' || *text == '-' || size >= sizeof instant->zone || memchr(text, '\0', size))
        return error_set(error, ERROR_INVALID,
                         "\"%.*s\" is no time zone; expected an IANA name such as Asia/Bangkok, "
                         "UTC or +07:00",
                         shown(size), text);
    memcpy(instant->zone, text, size);
    instant->zone[size] = '\0';
    return zone_offset(instant->zone, 0, &offset, error);
}

static int bad_instant(const char *text, size_t size, struct error *error)
{
    return error_set(error, ERROR_INVALID,
                     "\"%.*s\" is no moment; expected a date, then a time of day and a time zone: "
                     "2024-05-15 16:00 Asia/Bangkok",
                     shown(size), text);
}

int moment_instant_from_text(const char *text, size_t size, struct moment_instant *instant,
                             struct error *error)
{
    struct text cursor = {text, text + size};
    struct moment_instant read = {0};
    bool zone_follows = false;
    int rc = read_date(&cursor, text, shown(size), &read.date, error);

    if (rc)
        return rc;
    if (skip(&cursor, 'T')) {
        if (!read_time(&cursor, &read))
            return bad_instant(text, size, error);
        zone_follows = cursor.at != cursor.end && !next_is(&cursor, ' ');
    } else if (next_is(&cursor, ' ') && cursor.at + 1 < cursor.end && cursor.at[1] >= '0' &&
               cursor.at[1] <= '9') {
        cursor.at++;
        if (!read_time(&cursor, &read))
            return bad_instant(text, size, error);
        zone_follows = next_is(&cursor, '+') || next_is(&cursor, '-') || next_is(&cursor, 'Z');
    }
    if (read.has_time && read.date.day == 0)
        return bad_instant(text, size, error);
    if (cursor.at != cursor.end && !zone_follows && !skip(&cursor, ' '))
        return bad_instant(text, size, error);
    if (cursor.at != cursor.end)
        rc = read_zone(cursor.at, (size_t)(cursor.end - cursor.at), &read, error);
    else if (size > 0 && text[size - 1] == ' ')
        rc = bad_instant(text, size, error);
    if (!rc)
        *instant = read;
    return rc;
}

void moment_instant_to_text(const struct moment_instant *instant, char out[MOMENT_INSTANT_SIZE])
{
    size_t used;

    moment_date_to_text(&instant->date, out);
    used = strlen(out);
    if (instant->has_time)
        used += (size_t)snprintf(out + used, MOMENT_INSTANT_SIZE - used, " %02u:%02u",
                                 (unsigned)instant->hour, (unsigned)instant->minute);
    if (instant->has_time && instant->has_seconds)
        used += (size_t)snprintf(out + used, MOMENT_INSTANT_SIZE - used, ":%02u",
                                 (unsigned)instant->second);
    if (instant->zone[0])
        snprintf(out + used, MOMENT_INSTANT_SIZE - used, " %s", instant->zone);
}

int moment_instant_end_ms(const struct moment_instant *instant, int64_t *ms, struct error *error)
{
    struct moment_civil civil = {moment_date_last_day(&instant->date), 24, 0, 0};
    int32_t offset;

    if (!moment_date_valid(&instant->date))
        return error_set(error, ERROR_INVALID, "a moment without a date has no end");
    if (instant->has_time) {
        civil.hour = instant->hour;
        civil.minute = instant->minute;
        civil.second = instant->second;
    }
    if (!instant->zone[0]) {
        *ms = moment_civil_to_ms(&civil, -12 * 3600);
        return 0;
    }
    if (moment_offset_from_text(instant->zone, strlen(instant->zone), &offset)) {
        *ms = moment_civil_to_ms(&civil, offset);
        return 0;
    }
    return zone_local_to_utc(instant->zone, &civil, ms, error);
}

/* --- machine time ---------------------------------------------------------------------------- */

void moment_ms_to_civil(int64_t ms, int32_t offset_seconds, struct moment_civil *civil)
{
    const int64_t first = FIRST_DAY * MS_PER_DAY, last = (LAST_DAY + 1) * MS_PER_DAY - 1;
    int64_t local, days, seconds;

    /* Clamped before and after adding: an offset must not overflow. */
    ms = ms < first ? first : ms > last ? last : ms;
    local = ms + (int64_t)offset_seconds * MS_PER_SECOND;
    local = local < first ? first : local > last ? last : local;
    days = (local - first) / MS_PER_DAY + FIRST_DAY;
    seconds = (local - days * MS_PER_DAY) / MS_PER_SECOND;
    civil->date = moment_date_from_days(days);
    civil->hour = (uint8_t)(seconds / 3600);
    civil->minute = (uint8_t)(seconds / 60 % 60);
    civil->second = (uint8_t)(seconds % 60);
}

int64_t moment_civil_to_ms(const struct moment_civil *civil, int32_t offset_seconds)
{
    int64_t seconds = moment_date_to_days(&civil->date) * SECONDS_PER_DAY + civil->hour * 3600 +
                      civil->minute * 60 + civil->second;

    return (seconds - offset_seconds) * MS_PER_SECOND;
}

void moment_ms_to_rfc3339(int64_t ms, char out[MOMENT_RFC3339_SIZE])
{
    struct moment_civil civil;
    unsigned fraction = (unsigned)((ms % MS_PER_SECOND + MS_PER_SECOND) % MS_PER_SECOND);
    char date[MOMENT_DATE_SIZE];
    int length;

    moment_ms_to_civil(ms, 0, &civil);
    moment_date_to_text(&civil.date, date);
    length = snprintf(out, MOMENT_RFC3339_SIZE, "%.10sT%02u:%02u:%02u", date, (unsigned)civil.hour,
                      (unsigned)civil.minute, (unsigned)civil.second);
    if (fraction)
        length += snprintf(out + length, MOMENT_RFC3339_SIZE - (size_t)length, ".%03u", fraction);
    snprintf(out + length, MOMENT_RFC3339_SIZE - (size_t)length, "Z");
}

int moment_ms_from_rfc3339(const char *text, size_t size, int64_t *ms, struct error *error)
{
    struct text cursor = {text, text + size};
    struct moment_instant read = {0};
    struct moment_civil civil;
    int64_t fraction = 0;
    int32_t offset;
    int rc = read_date(&cursor, text, shown(size), &read.date, error);

    if (rc)
        return rc;
    if (read.date.day == 0 || !(skip(&cursor, 'T') || skip(&cursor, 't') || skip(&cursor, ' ')) ||
        !read_time(&cursor, &read) || !read.has_seconds || read.hour == 24)
        goto bad;
    if (skip(&cursor, '.')) {
        int64_t unit = 100;
        const char *start = cursor.at;

        for (; cursor.at < cursor.end && *cursor.at >= '0' && *cursor.at <= '9'; unit /= 10)
            fraction += (*cursor.at++ - '0') * unit;
        if (cursor.at == start)
            goto bad;
    }
    if (next_is(&cursor, 'U') ||
        !moment_offset_from_text(cursor.at, (size_t)(cursor.end - cursor.at), &offset))
        goto bad;
    civil = (struct moment_civil){read.date, read.hour, read.minute, read.second};
    *ms = moment_civil_to_ms(&civil, offset) + fraction;
    return 0;
bad:
    return error_set(error, ERROR_INVALID,
                     "\"%.*s\" is no RFC 3339 time; expected 2024-05-15T16:00:00Z", shown(size),
                     text);
}
