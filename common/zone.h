/* zone: IANA time zones from the system's tzdata files, read directly.
 *
 * setenv("TZ") and localtime() share one state between all threads, so they are never used. Files
 * are TZif (RFC 8536), version 2 or later: the 64-bit block, then the footer rule for later times.
 * The folder is that of ZONEINFO in the environment when set (for tests), else /usr/share/zoneinfo.
 * A zone name is a relative path of letters, digits, "_", "+", "-" and "/": no "..", nothing
 * hidden. "UTC" needs no file. Zones read once are kept for the life of the process (the newest
 * 64). Threads: any; one lock protects the kept zones. */
#ifndef COMMON_ZONE_H
#define COMMON_ZONE_H

#include "common/error.h"
#include "common/moment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_NAME_SIZE MOMENT_ZONE_SIZE

/* true when the name is allowed and its file can be read. */
bool zone_exists(const char *name);

/* Seconds east of UTC at a moment given in seconds since 1970. ERROR_INVALID: a name that is not
 * allowed or a file that is broken; ERROR_NOT_FOUND: no such zone (or no tzdata at all: the
 * sentence says which). */
int zone_offset(const char *name, int64_t utc_seconds, int32_t *offset_seconds,
                struct error *error);

/* The moment at which clocks in the zone show this reading. When clocks skip it (a gap), the offset
 * before the gap counts: 02:30 in a gap of an hour from 02:00 is 03:30 new time. When they show it
 * twice (an overlap), the first time counts. This is the rule of iCalendar (RFC 5545). */
int zone_local_to_utc(const char *name, const struct moment_civil *civil, int64_t *ms,
                      struct error *error);

/* The name that was probably meant, for "did you mean …?": same letters in another case, or the
 * city alone ("bangkok"). false when there is none. */
bool zone_suggest(const char *name, char out[ZONE_NAME_SIZE]);

/* --- one TZif file, for tests and fuzzing ---------------------------------------------------- */

struct zone;

/* Reads a file's bytes; the zone is the caller's. ERROR_INVALID names the rule that is broken. */
int zone_create(const void *data, size_t size, struct zone **zone, struct error *error);
void zone_destroy(struct zone *zone);
int32_t zone_offset_of(const struct zone *zone, int64_t utc_seconds);

#endif
