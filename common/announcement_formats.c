/* What single texts must look like, and what must hold between the fields of one message. */
#include "common/announcement_parts.h"
#include "common/vocabulary.h"
#include "common/zone.h"
#include "proto/feed.pb-c.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- texts ----------------------------------------------------------------------------------- */

static bool in_vocabulary(const char *name, const char *text, const char *what, char *expected,
                          size_t size)
{
    const struct vocabulary *vocabulary = vocabulary_get(name);
    const struct vocabulary_term *near;

    if (vocabulary_find_code(vocabulary, text, strlen(text)))
        return true;
    near = vocabulary_find(vocabulary, text, strlen(text));
    if (!near)
        near = vocabulary_suggest(vocabulary, text, strlen(text));
    if (near)
        snprintf(expected, size, "%s; did you mean %s (%s)?", what, near->code, near->label);
    else
        snprintf(expected, size, "%s", what);
    return false;
}

static bool is_language(const char *text, char *expected, size_t size)
{
    if (vocabulary_language_tag(text, strlen(text)))
        return true;
    return in_vocabulary("language", text, "a language tag of BCP 47 such as en or zh-Hant",
                         expected, size);
}

static bool is_zone(const char *text, char *expected, size_t size)
{
    char near[ZONE_NAME_SIZE];
    int32_t offset;

    if (moment_offset_from_text(text, strlen(text), &offset) || zone_exists(text))
        return true;
    if (zone_suggest(text, near))
        snprintf(expected, size, "an IANA time zone; did you mean %s?", near);
    else
        snprintf(expected, size, "an IANA time zone such as Asia/Bangkok, or UTC");
    return false;
}

static bool is_url(const char *text)
{
    const char *rest = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : NULL;

    if (!rest || !*rest || strchr("/?#:.", *rest))
        return false;
    for (; *rest; rest++)
        if ((unsigned char)*rest <= ' ' || strchr("<>\"\\^`{|}\x7F", *rest))
            return false;
    return true;
}

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');

    if (!at || at == text || strchr(at + 1, '@') || !strchr(at + 1, '.'))
        return false;
    if (at[1] == '.' || at[strlen(at) - 1] == '.')
        return false;
    return strcspn(text, " \t\n<>,;:\"()[]\\") == strlen(text);
}

static bool is_phone(const char *text)
{
    size_t digits = 0;

    if (text[0] != '+' || !isdigit((unsigned char)text[1]) || text[1] == '0')
        return false;
    for (const char *c = text + 1; *c; c++) {
        if (!isdigit((unsigned char)*c) && !strchr(" -()", *c))
            return false;
        digits += isdigit((unsigned char)*c) != 0;
    }
    return digits >= 7 && digits <= 15;
}

static bool is_ror(const char *text)
{
    const char *id = strncmp(text, "https://ror.org/", 16) == 0 ? text + 16 : "";

    return strlen(id) == 9 && id[0] == '0' && strspn(id, "0123456789abcdefghjkmnpqrstvwxyz") == 9 &&
           isdigit((unsigned char)id[7]) && isdigit((unsigned char)id[8]);
}

/* ISO 7064 MOD 11-2, as orcid.org says. */
static bool is_orcid(const char *text)
{
    unsigned total = 0, check;

    if (strncmp(text, "https://orcid.org/", 18) == 0)
        text += 18;
    if (strlen(text) != 19)
        return false;
    for (size_t i = 0; i < 18; i++) {
        if (i % 5 == 4 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false;
        if (i % 5 != 4)
            total = (total + (unsigned)(text[i] - '0')) * 2;
    }
    check = (12 - total % 11) % 11;
    return text[18] == (check == 10 ? 'X' : (char)('0' + check));
}

/* A section (C), a division (26), or a deeper number whose division exists (26.1). */
static bool is_nace(const char *text)
{
    const char *point = strchr(text, '.');
    size_t size = point ? (size_t)(point - text) : strlen(text);

    if (!vocabulary_find_code(vocabulary_get("nace"), text, size))
        return false;
    if (!point)
        return true;
    return isdigit((unsigned char)text[0]) && strlen(point + 1) >= 1 && strlen(point + 1) <= 2 &&
           strspn(point + 1, "0123456789") == strlen(point + 1);
}

static const char *scheme_of(const ProtobufCMessage *message)
{
    const reflect_field *field = reflect_find(message->descriptor, "scheme");

    if (field && reflect_count(message, field))
        return reflect_text(message, field, 0);
    return message->descriptor == &caravan__sector__descriptor ? "NACE" : "FORD";
}

static bool is_scheme_code(const char *text, const ProtobufCMessage *message, char *expected,
                           size_t size)
{
    const char *scheme = scheme_of(message);

    if (strcmp(scheme, "FORD") == 0)
        return in_vocabulary("ford", text, "a code of OECD FORD such as 1.3", expected, size);
    snprintf(expected, size, "a code of NACE 2.1 such as C, 26 or 26.1");
    return strcmp(scheme, "NACE") != 0 || is_nace(text);
}

static bool is_licence(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-+() ") ==
           strlen(text);
}

bool announcement_format_fits(enum announcement_format format, const char *text,
                              const ProtobufCMessage *message, char *expected, size_t size)
{
    static const char *const texts[] = {
        [ANNOUNCEMENT_URL] = "an address that begins with https:// or http://, without spaces",
        [ANNOUNCEMENT_EMAIL] = "an e-mail address: office@example.org",
        [ANNOUNCEMENT_PHONE] = "a number with its country: +66 2 564 7000",
        [ANNOUNCEMENT_ROR] = "an address like https://ror.org/04z8jg394",
        [ANNOUNCEMENT_ORCID] = "an ORCID like https://orcid.org/0000-0002-1825-0097",
        [ANNOUNCEMENT_NACE] = "a code of NACE 2.1 such as C, 26 or 26.1",
        [ANNOUNCEMENT_LICENCE] = "an SPDX name such as CC-BY-4.0",
    };

    if ((size_t)format < sizeof texts / sizeof texts[0] && texts[format])
        snprintf(expected, size, "%s", texts[format]);
    switch (format) {
    case ANNOUNCEMENT_COUNTRY:
        return in_vocabulary("country", text, "a country code of ISO 3166-1 such as CN", expected,
                             size);
    case ANNOUNCEMENT_CURRENCY:
        return in_vocabulary("currency", text, "a currency code of ISO 4217 such as CNY", expected,
                             size);
    case ANNOUNCEMENT_LANGUAGE:
        return is_language(text, expected, size);
    case ANNOUNCEMENT_ZONE:
        return is_zone(text, expected, size);
    case ANNOUNCEMENT_URL:
        return is_url(text);
    case ANNOUNCEMENT_EMAIL:
        return is_email(text);
    case ANNOUNCEMENT_PHONE:
        return is_phone(text);
    case ANNOUNCEMENT_ROR:
        return is_ror(text);
    case ANNOUNCEMENT_ORCID:
        return is_orcid(text);
    case ANNOUNCEMENT_NACE:
        return is_nace(text);
    case ANNOUNCEMENT_LICENCE:
        return is_licence(text);
    case ANNOUNCEMENT_SCHEME_CODE:
        return is_scheme_code(text, message, expected, size);
    default:
        return true;
    }
}

const char *announcement_format_code(enum announcement_format format, const char *text)
{
    const char *name = format == ANNOUNCEMENT_COUNTRY    ? "country"
                       : format == ANNOUNCEMENT_CURRENCY ? "currency"
                       : format == ANNOUNCEMENT_LANGUAGE ? "language"
                                                         : NULL;
    const struct vocabulary_term *term;

    if (!name || (format == ANNOUNCEMENT_LANGUAGE && vocabulary_language_tag(text, strlen(text))))
        return text;
    term = vocabulary_find(vocabulary_get(name), text, strlen(text));
    return term ? term->code : text;
}

/* ---- between fields -------------------------------------------------------------------------- */

bool announcement_is_texts(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED &&
           field->descriptor == &caravan__localized_text__descriptor;
}

bool announcement_date(const Caravan__Date *date, struct moment_date *out)
{
    if (!date || date->year > 9999 || date->month > 12 || date->day > 31)
        return false;
    *out = (struct moment_date){(uint16_t)date->year, (uint8_t)date->month, (uint8_t)date->day};
    return moment_date_valid(out);
}

bool announcement_instant(const Caravan__Instant *instant, struct moment_instant *out)
{
    *out = (struct moment_instant){0};
    if (!instant || !announcement_date(instant->date, &out->date) || instant->hour > 24 ||
        instant->minute > 59 || instant->second > 59)
        return false;
    out->has_time = instant->has_hour;
    out->has_seconds = instant->has_second;
    out->hour = (uint8_t)instant->hour;
    out->minute = (uint8_t)instant->minute;
    out->second = (uint8_t)instant->second;
    if (instant->zone && strlen(instant->zone) < sizeof out->zone)
        memcpy(out->zone, instant->zone, strlen(instant->zone) + 1);
    return true;
}

struct cross {
    const ProtobufCMessage *message;
    announcement_report report;
    void *context;
};

static void refuse(const struct cross *cross, const char *field, const char *text)
{
    cross->report(cross->context, cross->message,
                  field ? reflect_find(cross->message->descriptor, field) : NULL, PROBLEM_ERROR,
                  text);
}

static void cross_date(const struct cross *cross)
{
    const Caravan__Date *date = (const Caravan__Date *)cross->message;
    struct moment_date unused;

    if (date->has_year && !announcement_date(date, &unused))
        refuse(cross, NULL, "found a day that does not exist, expected one of the calendar");
}

static void cross_instant(const struct cross *cross)
{
    const Caravan__Instant *instant = (const Caravan__Instant *)cross->message;

    if (instant->has_hour && instant->date && !instant->date->has_day)
        refuse(cross, "hour", "found a time without a day, expected year, month and day");
    if (instant->hour == 24 && (instant->minute || instant->second))
        refuse(cross, "minute", "found a time after 24:00, expected 24:00 at most");
    if (instant->has_minute && !instant->has_hour)
        refuse(cross, "minute", "found a minute without an hour, expected both");
}

static void cross_period(const struct cross *cross)
{
    const Caravan__Period *period = (const Caravan__Period *)cross->message;
    struct moment_date start, end;

    if (!period->start && !period->end)
        refuse(cross, NULL, "found neither start nor end, expected at least one");
    if (!announcement_date(period->start, &start) || !announcement_date(period->end, &end))
        return;
    start = moment_date_first_day(&start);
    end = moment_date_last_day(&end);
    if (moment_date_compare(&start, &end) > 0)
        refuse(cross, "end", "found an end before the start, expected a later one");
}

static void cross_range(const struct cross *cross)
{
    const Caravan__Range *range = (const Caravan__Range *)cross->message;

    if (range->has_min && range->has_max && range->min > range->max)
        refuse(cross, "max", "found less than min, expected the smaller number first");
}

static void cross_amount(const struct cross *cross)
{
    const Caravan__Amount *amount = (const Caravan__Amount *)cross->message;

    if (!amount->has_min_minor && !amount->has_max_minor)
        refuse(cross, NULL, "found no figure, expected at least one");
    if ((amount->has_min_minor && amount->min_minor < 0) ||
        (amount->has_max_minor && amount->max_minor < 0))
        refuse(cross, NULL, "found less than nothing, expected a figure from 0");
    if (amount->has_min_minor && amount->has_max_minor && amount->min_minor > amount->max_minor)
        refuse(cross, "max_minor", "found less than min, expected the smaller amount first");
}

static void cross_money(const struct cross *cross)
{
    const Caravan__Money *money = (const Caravan__Money *)cross->message;

    if (money->amount && money->currency)
        refuse(cross, "currency", "found a currency beside an amount, expected it in the amount");
    if (!money->amount && !money->n_text && !money->currency)
        refuse(cross, NULL, "found nothing about the money, expected an amount or a text");
}

static void cross_place(const struct cross *cross)
{
    const Caravan__Place *place = (const Caravan__Place *)cross->message;

    if (place->has_lat && !(fabs(place->lat) <= 90))
        refuse(cross, "lat", "found degrees that do not exist, expected -90 to 90");
    if (place->has_lon && !(fabs(place->lon) <= 180))
        refuse(cross, "lon", "found degrees that do not exist, expected -180 to 180");
    if (place->has_lat != place->has_lon)
        refuse(cross, NULL, "found one of lat and lon, expected both");
}

static void positive(const struct cross *cross, const char *field, bool there, double number,
                     double max)
{
    char text[96];

    if (!there || (number >= 0 && number <= max))
        return;
    snprintf(text, sizeof text, "found %g, expected a number from 0 to %g", number, max);
    refuse(cross, field, text);
}

static void cross_area(const struct cross *cross)
{
    const Caravan__Area *area = (const Caravan__Area *)cross->message;

    positive(cross, "value", area->has_value, area->value, 1e12);
}

static void cross_capacity(const struct cross *cross)
{
    const Caravan__Capacity *capacity = (const Caravan__Capacity *)cross->message;

    positive(cross, "value", capacity->has_value, capacity->value, 1e15);
    positive(cross, "share_foreign", capacity->has_share_foreign, capacity->share_foreign, 100);
}

static void cross_resource(const struct cross *cross)
{
    const Caravan__SharedResource *resource = (const Caravan__SharedResource *)cross->message;

    positive(cross, "oversubscription", resource->has_oversubscription,
             (double)resource->oversubscription, 1e6);
}

static void cross_fee(const struct cross *cross)
{
    const Caravan__Fee *fee = (const Caravan__Fee *)cross->message;

    if (fee->free && fee->n_money)
        refuse(cross, "money", "found a price for what is free, expected one of both");
}

static void cross_request(const struct cross *cross)
{
    const Caravan__TechRequest *request = (const Caravan__TechRequest *)cross->message;
    const Caravan__Range *trl = request->trl;

    if (trl && ((trl->has_min && (trl->min < 1 || trl->min > 9)) ||
                (trl->has_max && (trl->max < 1 || trl->max > 9))))
        refuse(cross, "trl", "found a level that does not exist, expected 1 to 9");
}

/* Nobody who looks for a field finds one without a code. */
static void cross_field(const struct cross *cross)
{
    const Caravan__FieldOfScience *field = (const Caravan__FieldOfScience *)cross->message;
    const char *name = announcement_text(field->label, field->n_label, "en");
    const struct vocabulary_term *near;
    char text[256];

    if (field->code || strcmp(scheme_of(cross->message), "FORD") != 0 || !*name)
        return;
    near = vocabulary_suggest(vocabulary_get("ford"), name, strlen(name));
    snprintf(text, sizeof text,
             "found \"%.60s\" without a code, expected a name or a code of OECD FORD%s%s%s%s", name,
             near ? "; did you mean " : "", near ? near->code : "", near ? " " : "",
             near ? near->label : "");
    cross->report(cross->context, cross->message, NULL, PROBLEM_WARNING, text);
}

static void warn(const struct cross *cross, const char *field, const char *text)
{
    cross->report(cross->context, cross->message, reflect_find(cross->message->descriptor, field),
                  PROBLEM_WARNING, text);
}

#define ERASE_HINT                                                                                 \
    "; all partners keep it until it is erased (caravan withdraw --erase, or caravan revise "      \
    "--erase-earlier)"

static void cross_contact(const struct cross *cross)
{
    const Caravan__Contact *contact = (const Caravan__Contact *)cross->message;
    const char *personal = contact->email ? announcement_personal_email(contact->email) : NULL;
    char text[256];

    if (contact->person && contact->has_person_consents && !contact->person_consents)
        refuse(cross, "person", "found a person who does not consent, expected the office alone");
    else if (contact->person)
        warn(cross, "person", "found a person, expected the office alone" ERASE_HINT);
    else if (contact->orcid)
        warn(cross, "orcid", "found the ORCID of a person, expected the office alone" ERASE_HINT);
    if (!personal)
        return;
    snprintf(text, sizeof text, "found %s, expected one of the office" ERASE_HINT, personal);
    warn(cross, "email", text);
}

void announcement_cross(const ProtobufCMessage *message, announcement_report report, void *context)
{
    static const struct {
        const ProtobufCMessageDescriptor *type;
        void (*check)(const struct cross *cross);
    } rows[] = {
        {&caravan__date__descriptor, cross_date},
        {&caravan__instant__descriptor, cross_instant},
        {&caravan__period__descriptor, cross_period},
        {&caravan__range__descriptor, cross_range},
        {&caravan__amount__descriptor, cross_amount},
        {&caravan__money__descriptor, cross_money},
        {&caravan__place__descriptor, cross_place},
        {&caravan__area__descriptor, cross_area},
        {&caravan__capacity__descriptor, cross_capacity},
        {&caravan__shared_resource__descriptor, cross_resource},
        {&caravan__fee__descriptor, cross_fee},
        {&caravan__tech_request__descriptor, cross_request},
        {&caravan__contact__descriptor, cross_contact},
        {&caravan__field_of_science__descriptor, cross_field},
    };
    const struct cross cross = {message, report, context};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type == message->descriptor)
            rows[i].check(&cross);
}
