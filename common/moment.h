/* moment: civil dates with a precision, and instants as people write them.
 *
 * A date is "2024", "2024-08" or "2024-08-01": its length is its precision. An instant adds a time
 * of day and a zone: "2024-05-15 16:00 Asia/Bangkok", "2024-05-15T16:00:00Z", "… 16:00 +07:00",
 * "… 16:00 UTC"; time and zone may each be missing, which is kept, not guessed. 24:00 is the end of
 * that day. Gregorian calendar, years 1 to 9999; no leap seconds. Milliseconds count from
 * 1970-01-01T00:00:00Z. Zones are read by zone.h; the process's own time zone is never used.
 * Threads: no shared state but zone.h's; any thread. */
#ifndef COMMON_MOMENT_H
#define COMMON_MOMENT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_DATE_SIZE 16    /* "2024-08-01" and its NUL */
#define MOMENT_ZONE_SIZE 64    /* the longest zone name, and its NUL */
#define MOMENT_INSTANT_SIZE 96 /* date, time, zone, and the NUL */
#define MOMENT_RFC3339_SIZE 32 /* "2024-05-15T16:00:00.123+07:00" and its NUL */

enum moment_precision {
    MOMENT_YEAR = 1,
    MOMENT_MONTH,
    MOMENT_DAY,
};

/* month 0: only the year is known; day 0: only year and month. All zero: no date. */
struct moment_date {
    uint16_t year; /* 1 … 9999 */
    uint8_t month; /* 1 … 12 or 0 */
    uint8_t day;   /* 1 … 31 or 0 */
};

/* A reading of calendar and clock somewhere; date has all three parts. */
struct moment_civil {
    struct moment_date date;
    uint8_t hour; /* 0 … 24; 24 only with minute and second 0 */
    uint8_t minute;
    uint8_t second;
};

/* What was written: nothing is filled in that was not. */
struct moment_instant {
    struct moment_date date;
    bool has_time; /* hour, minute (and second) were given */
    bool has_seconds;
    uint8_t hour, minute, second;
    char zone[MOMENT_ZONE_SIZE]; /* "" not stated; "UTC"; "+07:00"; "Asia/Bangkok" */
};

/* --- dates ---------------------------------------------------------------------------------- */

/* Reads a whole text as a date. ERROR_INVALID with what is wrong ("there is no 30 February"). */
int moment_date_from_text(const char *text, size_t size, struct moment_date *date,
                          struct error *error);
/* Canonical text; "" for no date. */
void moment_date_to_text(const struct moment_date *date, char out[MOMENT_DATE_SIZE]);
bool moment_date_valid(const struct moment_date *date); /* false for no date */
enum moment_precision moment_date_precision(const struct moment_date *date);
/* First and last day that the date covers: 2024-02 is 2024-02-01 … 2024-02-29. */
struct moment_date moment_date_first_day(const struct moment_date *date);
struct moment_date moment_date_last_day(const struct moment_date *date);
/* Days since 1970-01-01 of the date's first day; and back (year 1 to 9999, else no date). */
int64_t moment_date_to_days(const struct moment_date *date);
struct moment_date moment_date_from_days(int64_t days);
/* The same day of the month, or the month's last; precision is kept. No date when out of range. */
struct moment_date moment_date_add_months(const struct moment_date *date, int months);
/* -1, 0, 1 by first day, then by precision (the longer period first). */
int moment_date_compare(const struct moment_date *a, const struct moment_date *b);
/* When the date begins somewhere on earth (00:00 UTC+14 of its first day) and when it has ended
 * everywhere (24:00 UTC-12 of its last day, which is 12:00 UTC of the next). */
int64_t moment_date_start_ms(const struct moment_date *date);
int64_t moment_date_end_ms(const struct moment_date *date);

/* --- instants ------------------------------------------------------------------------------- */

/* Reads a whole text. A zone must exist (zone.h); a date without a day takes no time. */
int moment_instant_from_text(const char *text, size_t size, struct moment_instant *instant,
                             struct error *error);
/* Canonical text, "2024-05-15 16:00 Asia/Bangkok"; seconds only when they were given. */
void moment_instant_to_text(const struct moment_instant *instant, char out[MOMENT_INSTANT_SIZE]);
/* When it is over: a time with a zone is that moment; a day with a zone ends at its 24:00 there;
 * a time or day without a zone ends when it has ended everywhere (UTC-12). ERROR_INVALID when the
 * zone cannot be read. For gaps and overlaps see zone_local_to_utc. */
int moment_instant_end_ms(const struct moment_instant *instant, int64_t *ms, struct error *error);

/* --- machine time --------------------------------------------------------------------------- */

/* "2024-05-15T16:00:00Z"; milliseconds only when they are not zero. Out of range: clamped. */
void moment_ms_to_rfc3339(int64_t ms, char out[MOMENT_RFC3339_SIZE]);
/* Exactly RFC 3339, with its zone ("Z" or an offset); fractions beyond milliseconds are dropped. */
int moment_ms_from_rfc3339(const char *text, size_t size, int64_t *ms, struct error *error);
/* Calendar and clock at a place that is offset_seconds east of UTC, and back. */
void moment_ms_to_civil(int64_t ms, int32_t offset_seconds, struct moment_civil *civil);
int64_t moment_civil_to_ms(const struct moment_civil *civil, int32_t offset_seconds);
/* "+07:00", "-09:30", "Z"-less: text of an offset of whole minutes, and back ("+0700", "Z", "UTC"
 * are read too); false when it is no offset or beyond 24 hours. */
void moment_offset_to_text(int32_t offset_seconds, char out[MOMENT_DATE_SIZE]);
bool moment_offset_from_text(const char *text, size_t size, int32_t *offset_seconds);

#endif
