#include "common/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest file of tzdata has 4 KB. */
#define ZONE_FILE_SIZE (64 * 1024)
#define ZONE_TRANSITIONS 4096
#define ZONE_TYPES 256
#define ZONE_KEPT 64
#define SECONDS_PER_DAY 86400
/* RFC 8536 asks for offsets within this; a wider one is a broken file. */
#define OFFSET_LIMIT (26 * 3600)
/* More than the years 1 to 9999; keeps the arithmetic of rules from overflowing. */
#define SECONDS_LIMIT (INT64_C(1) << 40)

/* One half of a footer rule: when in the year a change happens, in local time before it. */
struct change {
    char form; /* 'M' month.week.weekday, 'J' day 1 … 365 without 29 February, '0' day 0 … 365 */
    int month, week, day;
    int32_t time; /* seconds after 00:00, -167 … 167 hours */
};

struct rule {
    bool known;
    bool has_summer;
    int32_t standard, summer; /* seconds east of UTC */
    struct change start, end; /* of summer time */
};

struct zone {
    size_t count; /* of transitions */
    int64_t *at;  /* ascending */
    uint8_t *type;
    size_t type_count;
    int32_t offset[ZONE_TYPES];
    bool is_summer[ZONE_TYPES];
    struct rule rule;
};

/* --- reading a TZif file --------------------------------------------------------------------- */

/* A bounded view of the file that remembers that it ran out. */
struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct cursor *cursor, size_t size)
{
    const uint8_t *start = cursor->at;

    if (cursor->failed || size > cursor->left) {
        cursor->failed = true;
        return NULL;
    }
    cursor->at += size;
    cursor->left -= size;
    return start;
}

static uint64_t take_number(struct cursor *cursor, size_t size)
{
    const uint8_t *bytes = take(cursor, size);
    uint64_t value = 0;

    for (size_t i = 0; bytes && i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

struct header {
    uint8_t version;
    size_t utc_flags, standard_flags, leaps, transitions, types, letters;
};

static int read_header(struct cursor *cursor, struct header *header, struct error *error)
{
    const uint8_t *magic = take(cursor, 4);

    if (!magic || memcmp(magic, "TZif", 4) != 0)
        return error_set(error, ERROR_INVALID, "not a time zone file: it does not begin with TZif");
    header->version = (uint8_t)take_number(cursor, 1);
    take(cursor, 15);
    header->utc_flags = take_number(cursor, 4);
    header->standard_flags = take_number(cursor, 4);
    header->leaps = take_number(cursor, 4);
    header->transitions = take_number(cursor, 4);
    header->types = take_number(cursor, 4);
    header->letters = take_number(cursor, 4);
    if (cursor->failed)
        return error_set(error, ERROR_INVALID, "time zone file ends inside its header");
    if (header->transitions > ZONE_TRANSITIONS || header->types > ZONE_TYPES ||
        header->types == 0 || header->letters > ZONE_FILE_SIZE || header->leaps > ZONE_FILE_SIZE ||
        header->utc_flags > ZONE_TYPES || header->standard_flags > ZONE_TYPES)
        return error_set(error, ERROR_INVALID,
                         "time zone file has impossible counts: %zu transitions, %zu types",
                         header->transitions, header->types);
    return 0;
}

static size_t block_size(const struct header *header, size_t time_size)
{
    return header->transitions * (time_size + 1) + header->types * 6 + header->letters +
           header->leaps * (time_size + 4) + header->standard_flags + header->utc_flags;
}

static int read_transitions(struct cursor *cursor, const struct header *header, struct zone *zone,
                            struct error *error)
{
    for (size_t i = 0; i < header->transitions; i++) {
        zone->at[i] = (int64_t)take_number(cursor, 8);
        if (i > 0 && zone->at[i] <= zone->at[i - 1])
            return error_set(error, ERROR_INVALID,
                             "time zone file: transition %zu is not after the one before", i + 1);
    }
    for (size_t i = 0; i < header->transitions; i++) {
        zone->type[i] = (uint8_t)take_number(cursor, 1);
        if (zone->type[i] >= header->types)
            return error_set(error, ERROR_INVALID,
                             "time zone file: transition %zu names type %u of %zu", i + 1,
                             zone->type[i], header->types);
    }
    zone->count = header->transitions;
    return 0;
}

static int read_types(struct cursor *cursor, const struct header *header, struct zone *zone,
                      struct error *error)
{
    for (size_t i = 0; i < header->types; i++) {
        zone->offset[i] = (int32_t)(uint32_t)take_number(cursor, 4);
        zone->is_summer[i] = take_number(cursor, 1) == 1;
        take(cursor, 1);
        if (zone->offset[i] <= -OFFSET_LIMIT || zone->offset[i] >= OFFSET_LIMIT)
            return error_set(error, ERROR_INVALID,
                             "time zone file: type %zu is %d seconds from UTC", i + 1,
                             (int)zone->offset[i]);
    }
    zone->type_count = header->types;
    return 0;
}

/* --- the footer: a POSIX TZ text such as "EST5EDT,M3.2.0,M11.1.0" ---------------------------- */

/* All read_… functions move *text on and return false when the form is broken. */
static bool read_int(const char **text, int max, int *value)
{
    int number = 0;
    const char *start = *text;

    while (**text >= '0' && **text <= '9' && *text - start < 4)
        number = number * 10 + (*(*text)++ - '0');
    *value = number;
    return *text > start && number <= max;
}

static bool read_name(const char **text)
{
    const char *start = *text;

    if (**text == '<') {
        *text += strcspn(*text, ">");
        return *text - start >= 4 && *(*text)++ == '>';
    }
    while ((**text >= 'A' && **text <= 'Z') || (**text >= 'a' && **text <= 'z'))
        (*text)++;
    return *text - start >= 3;
}

static bool read_time(const char **text, int max_hours, int32_t *seconds)
{
    int hours, minutes = 0, rest = 0, sign = 1;

    if (**text == '-' || **text == '+')
        sign = *(*text)++ == '-' ? -1 : 1;
    if (!read_int(text, max_hours, &hours))
        return false;
    if (**text == ':' && (++*text, !read_int(text, 59, &minutes)))
        return false;
    if (**text == ':' && (++*text, !read_int(text, 59, &rest)))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

static bool skip(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static bool read_change(const char **text, struct change *change)
{
    change->time = 2 * 3600;
    change->form = **text;
    if (change->form == 'M') {
        (*text)++;
        if (!read_int(text, 12, &change->month) || !skip(text, '.') ||
            !read_int(text, 5, &change->week) || !skip(text, '.') ||
            !read_int(text, 6, &change->day) || change->month == 0 || change->week == 0)
            return false;
    } else if (change->form == 'J') {
        (*text)++;
        if (!read_int(text, 365, &change->day) || change->day == 0)
            return false;
    } else {
        change->form = '0';
        if (!read_int(text, 365, &change->day))
            return false;
    }
    return **text != '/' || (++*text, read_time(text, 167, &change->time));
}

static bool read_rule(const char *text, struct rule *rule)
{
    int32_t west;

    if (!read_name(&text) || !read_time(&text, 24, &west))
        return false;
    rule->standard = -west;
    rule->known = true;
    if (!*text)
        return true;
    if (!read_name(&text))
        return false;
    rule->summer = rule->standard + 3600;
    if (*text != ',') {
        if (!read_time(&text, 24, &west))
            return false;
        rule->summer = -west;
    }
    rule->has_summer = true;
    return skip(&text, ',') && read_change(&text, &rule->start) && skip(&text, ',') &&
           read_change(&text, &rule->end) && !*text;
}

static int read_footer(struct cursor *cursor, struct zone *zone, struct error *error)
{
    char text[128];
    const uint8_t *end;
    size_t size;

    if (take_number(cursor, 1) != '\n' || cursor->failed ||
        !(end = memchr(cursor->at, '\n', cursor->left)))
        return error_set(error, ERROR_INVALID, "time zone file has no footer line");
    size = (size_t)(end - cursor->at);
    if (size == 0)
        return 0; /* nothing is known after the last transition: its type stays */
    if (size >= sizeof text || memchr(cursor->at, '\0', size))
        return error_set(error, ERROR_INVALID, "time zone file: its footer is no rule");
    memcpy(text, cursor->at, size);
    text[size] = '\0';
    if (!read_rule(text, &zone->rule))
        return error_set(error, ERROR_INVALID, "time zone file: footer \"%s\" is no rule", text);
    return 0;
}

int zone_create(const void *data, size_t size, struct zone **zone, struct error *error)
{
    struct cursor cursor = {data, size, false};
    struct header header;
    struct zone *fresh = NULL;
    int rc = read_header(&cursor, &header, error);

    if (rc)
        return rc;
    if (header.version < '2')
        return error_set(error, ERROR_INVALID,
                         "time zone file is of version 1; version 2 or later is needed");
    take(&cursor, block_size(&header, 4));
    rc = read_header(&cursor, &header, error);
    if (rc)
        return rc;
    if (block_size(&header, 8) > cursor.left)
        return error_set(error, ERROR_INVALID, "time zone file ends inside its data");
    fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_memory(error);
    fresh->at = calloc(header.transitions + 1, sizeof *fresh->at);
    fresh->type = calloc(header.transitions + 1, sizeof *fresh->type);
    if (!fresh->at || !fresh->type) {
        rc = error_memory(error);
        goto out;
    }
    rc = read_transitions(&cursor, &header, fresh, error);
    if (!rc)
        rc = read_types(&cursor, &header, fresh, error);
    if (rc)
        goto out;
    take(&cursor, header.letters + header.leaps * 12 + header.standard_flags + header.utc_flags);
    rc = read_footer(&cursor, fresh, error);
    if (rc)
        goto out;
    *zone = fresh;
    fresh = NULL;
out:
    zone_destroy(fresh);
    return rc;
}

void zone_destroy(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->type);
    free(zone);
}

/* --- asking a zone --------------------------------------------------------------------------- */

static int64_t day_of(int year, int month, int day)
{
    struct moment_date date = {(uint16_t)year, (uint8_t)month, (uint8_t)day};

    return moment_date_to_days(&date);
}

/* Seconds since 1970 of a change, counted as if local time were UTC. */
static int64_t change_in_year(const struct change *change, int year)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t day;

    if (change->form == 'M') {
        struct moment_date month = {(uint16_t)year, (uint8_t)change->month, 0};
        struct moment_date last = moment_date_last_day(&month);
        int64_t first = moment_date_to_days(&month);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

        day = first + (change->day - weekday + 7) % 7 + (int64_t)(change->week - 1) * 7;
        while (day > moment_date_to_days(&last))
            day -= 7;
    } else if (change->form == 'J') {
        day = day_of(year, 1, 1) + change->day - 1 + (leap && change->day > 59);
    } else {
        day = day_of(year, 1, 1) + change->day;
    }
    return day * SECONDS_PER_DAY + change->time;
}

static int32_t rule_offset(const struct rule *rule, int64_t utc_seconds)
{
    struct moment_civil civil;
    int64_t start, end;

    if (!rule->has_summer)
        return rule->standard;
    utc_seconds = utc_seconds < -SECONDS_LIMIT  ? -SECONDS_LIMIT
                  : utc_seconds > SECONDS_LIMIT ? SECONDS_LIMIT
                                                : utc_seconds;
    moment_ms_to_civil(utc_seconds * 1000, rule->standard, &civil);
    start = change_in_year(&rule->start, civil.date.year) - rule->standard;
    end = change_in_year(&rule->end, civil.date.year) - rule->summer;
    if (start < end) /* northern */
        return utc_seconds >= start && utc_seconds < end ? rule->summer : rule->standard;
    return utc_seconds >= end && utc_seconds < start ? rule->standard : rule->summer;
}

/* Before the first transition: the first type that is not summer time (RFC 8536, 3.2). */
static int32_t first_offset(const struct zone *zone)
{
    for (size_t i = 0; i < zone->type_count; i++)
        if (!zone->is_summer[i])
            return zone->offset[i];
    return zone->offset[0];
}

int32_t zone_offset_of(const struct zone *zone, int64_t utc_seconds)
{
    size_t low = 0, high = zone->count;

    while (low < high) { /* the number of transitions that are not after utc_seconds */
        size_t middle = low + (high - low) / 2;

        if (zone->at[middle] <= utc_seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->rule.known)
        return rule_offset(&zone->rule, utc_seconds);
    return low == 0 ? first_offset(zone) : zone->offset[zone->type[low - 1]];
}

/* --- the zones of this system ---------------------------------------------------------------- */

/* Guarded by `lock`: the zones that were read, the oldest replaced first. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[ZONE_NAME_SIZE];
    struct zone *zone;
} kept[ZONE_KEPT];
static size_t next_kept;

static const char *folder(void)
{
    const char *from_environment = getenv("ZONEINFO");

    return from_environment && *from_environment ? from_environment : "/usr/share/zoneinfo";
}

/* Other files stand in the same folder; "right/" counts leap seconds, "posix/" repeats. */
static bool name_allowed(const char *name)
{
    static const char *const refused[] = {"right/", "posix/", "localtime", "posixrules", "Factory"};
    size_t size = strlen(name);

    if (size == 0 || size >= ZONE_NAME_SIZE || name[0] == '/' || name[size - 1] == '/')
        return false;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (strncmp(name, refused[i], strlen(refused[i])) == 0)
            return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '+' && c != '-' && c != '/')
            return false; /* no dots: no "..", no hidden files */
        if (c == '/' && name[i + 1] == '/')
            return false;
    }
    return true;
}

static int no_such_zone(const char *name, struct error *error)
{
    struct stat info;
    char near[ZONE_NAME_SIZE];

    if (stat(folder(), &info) != 0)
        return error_set(error, ERROR_NOT_FOUND,
                         "no time zones on this system: %s is missing (install tzdata)", folder());
    if (zone_suggest(name, near))
        return error_set(error, ERROR_NOT_FOUND, "there is no time zone \"%s\"; did you mean %s?",
                         name, near);
    return error_set(error, ERROR_NOT_FOUND,
                     "there is no time zone \"%s\"; expected an IANA name such as Asia/Bangkok",
                     name);
}

/* Reads a file of at most ZONE_FILE_SIZE bytes; *size is what was read. */
static int read_file(const char *name, uint8_t *bytes, size_t *size, struct error *error)
{
    char path[4096];
    struct stat info;
    ssize_t got = 0;
    int file, rc = 0;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder(), name) >= sizeof path)
        return error_set(error, ERROR_INVALID, "the folder of ZONEINFO has too long a name");
    file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return errno == ENOENT || errno == ENOTDIR ? no_such_zone(name, error)
                                                   : error_errno(error, "read", path);
    if (fstat(file, &info) != 0) {
        rc = error_errno(error, "look at", path);
    } else if (!S_ISREG(info.st_mode)) {
        rc = no_such_zone(name, error); /* "Asia" is a folder */
    } else {
        for (*size = 0; *size < ZONE_FILE_SIZE; *size += (size_t)got) {
            got = read(file, bytes + *size, ZONE_FILE_SIZE - *size);
            if (got <= 0)
                break;
        }
        if (got < 0)
            rc = error_errno(error, "read", path);
    }
    close(file);
    return rc;
}

static int read_zone(const char *name, struct zone **zone, struct error *error)
{
    uint8_t *bytes = malloc(ZONE_FILE_SIZE);
    size_t size = 0;
    int rc;

    if (!bytes)
        return error_memory(error);
    rc = read_file(name, bytes, &size, error);
    if (!rc && zone_create(bytes, size, zone, error))
        rc = error_prefix(error, "time zone %s", name);
    free(bytes);
    return rc;
}

/* Call with `lock` held; the zone is good until it is released. */
static int get(const char *name, const struct zone **zone, struct error *error)
{
    struct zone *fresh;
    int rc;

    for (size_t i = 0; i < ZONE_KEPT; i++) {
        if (kept[i].zone && strcmp(kept[i].name, name) == 0) {
            *zone = kept[i].zone;
            return 0;
        }
    }
    rc = read_zone(name, &fresh, error);
    if (rc)
        return rc;
    zone_destroy(kept[next_kept].zone);
    kept[next_kept].zone = fresh;
    snprintf(kept[next_kept].name, sizeof kept[next_kept].name, "%s", name);
    next_kept = (next_kept + 1) % ZONE_KEPT;
    *zone = fresh;
    return 0;
}

static int check_name(const char *name, struct error *error)
{
    if (name && name_allowed(name))
        return 0;
    return error_set(error, ERROR_INVALID,
                     "\"%.80s\" is no name of a time zone; expected an IANA name such as "
                     "Asia/Bangkok",
                     name ? name : "");
}

int zone_offset(const char *name, int64_t utc_seconds, int32_t *offset_seconds, struct error *error)
{
    const struct zone *zone;
    int rc = check_name(name, error);

    if (rc)
        return rc;
    if (strcmp(name, "UTC") == 0) {
        *offset_seconds = 0;
        return 0;
    }
    pthread_mutex_lock(&lock);
    rc = get(name, &zone, error);
    if (!rc)
        *offset_seconds = zone_offset_of(zone, utc_seconds);
    pthread_mutex_unlock(&lock);
    return rc;
}

bool zone_exists(const char *name)
{
    int32_t offset;

    return zone_offset(name, 0, &offset, NULL) == 0;
}

int zone_local_to_utc(const char *name, const struct moment_civil *civil, int64_t *ms,
                      struct error *error)
{
    int64_t local = moment_civil_to_ms(civil, 0) / 1000;
    int32_t before, after, found;
    /* No zone changes twice within two days, so these are the offsets on either side. */
    int rc = zone_offset(name, local - SECONDS_PER_DAY, &before, error);

    if (!rc)
        rc = zone_offset(name, local + SECONDS_PER_DAY, &after, error);
    /* The earlier offset first: that is the first of two times in an overlap. */
    if (!rc)
        rc = zone_offset(name, local - before, &found, error);
    if (rc)
        return rc;
    if (found == before) {
        *ms = (local - before) * 1000;
        return 0;
    }
    rc = zone_offset(name, local - after, &found, error);
    if (!rc) /* neither fits: a gap */
        *ms = (local - (found == after ? after : before)) * 1000;
    return rc;
}

/* --- suggestions ----------------------------------------------------------------------------- */

static bool means(const char *wanted, const char *candidate)
{
    const char *city = strrchr(candidate, '/');

    if (strcasecmp(wanted, candidate) == 0)
        return true;
    if (!city)
        return false;
    for (city++; *wanted && *city; wanted++, city++)
        if (!(*city == '_' && *wanted == ' ') && strncasecmp(city, wanted, 1) != 0)
            return false;
    return !*wanted && !*city;
}

/* zone1970.tab and zone.tab: "codes <tab> coordinates <tab> name [<tab> comment]". */
static bool suggest_from(const char *file, const char *name, char out[ZONE_NAME_SIZE])
{
    char path[4096], line[512];
    FILE *stream;
    bool found = false;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder(), file) >= sizeof path)
        return false;
    stream = fopen(path, "re");
    if (!stream)
        return false;
    while (!found && fgets(line, sizeof line, stream)) {
        char *start = line[0] == '#' ? NULL : strchr(line, '\t');

        if (!start || !(start = strchr(start + 1, '\t')))
            continue;
        start[1 + strcspn(start + 1, "\t\r\n")] = '\0';
        found = name_allowed(start + 1) && means(name, start + 1);
        if (found)
            snprintf(out, ZONE_NAME_SIZE, "%s", start + 1);
    }
    fclose(stream);
    return found;
}

bool zone_suggest(const char *name, char out[ZONE_NAME_SIZE])
{
    if (!name || !*name)
        return false;
    if (strcasecmp(name, "UTC") == 0 || strcasecmp(name, "GMT") == 0 || strcmp(name, "UT") == 0) {
        snprintf(out, ZONE_NAME_SIZE, "UTC");
        return true;
    }
    return suggest_from("zone.tab", name, out) || suggest_from("zone1970.tab", name, out);
}
