/* Why an institution may apply or not: the sentence. */
#include "common/codec.h"
#include "common/eligible_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct saying {
    const struct eligible_asking *asking;
    const Caravan__Announcement *announcement;
    char *out;
    size_t used; /* ELIGIBLE_WHY_SIZE - 1: it did not fit */
};

static void say(struct saying *saying, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct saying *saying, const char *format, ...)
{
    size_t room = ELIGIBLE_WHY_SIZE - saying->used;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(saying->out + saying->used, room, format, args);
    va_end(args);
    if (size < 0 || (size_t)size < room) {
        saying->used += size > 0 ? (size_t)size : 0;
        return;
    }
    saying->used = ELIGIBLE_WHY_SIZE - 1;
    memcpy(saying->out + saying->used - 3, "...", 4);
}

/* More countries than this are counted. */
#define COUNTRIES_SAID 12

/* What others wrote: only what a code is made of. */
static char letter(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ? (char)byte : '?';
}

/* Each once; those behind the last that is said are only counted. */
static void say_countries(struct saying *saying, const uint8_t *countries, size_t count,
                          const char *but)
{
    uint8_t said[COUNTRIES_SAID * ELIGIBLE_COUNTRY_SIZE];
    size_t said_count = 0, more = 0;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *code = countries + i * ELIGIBLE_COUNTRY_SIZE;

        if (eligible_has_country(said, said_count, (const char *)code) ||
            (but && eligible_has_country(code, 1, but)))
            continue;
        if (said_count == COUNTRIES_SAID) {
            more++;
            continue;
        }
        say(saying, "%s%c%c", said_count ? ", " : "", letter(code[0]), letter(code[1]));
        memcpy(said + said_count++ * ELIGIBLE_COUNTRY_SIZE, code, ELIGIBLE_COUNTRY_SIZE);
    }
    if (more)
        say(saying, " and %zu more", more);
}

static void say_types(struct saying *saying, unsigned types)
{
    const char *between = "";

    for (int type = 1; type < 16; type++) {
        char name[CODEC_NAME_SIZE];

        if (!(types & ELIGIBLE_TYPE(type)))
            continue;
        codec_enum_text(&caravan__organisation_type__descriptor, type, name);
        say(saying, "%s%s", between, type == 15 ? "another kind" : name);
        between = ", ";
    }
}

/* "parties[2].eligibility[1]", as `check` counts: from 1. */
static void say_place(struct saying *saying, const struct eligible_row *row)
{
    switch ((enum eligible_place)row->place) {
    case ELIGIBLE_ALL:
        say(saying, "eligibility[%u]", row->index);
        break;
    case ELIGIBLE_SIDE:
        say(saying, "parties[%u].eligibility[%u]", row->party, row->index);
        break;
    case ELIGIBLE_SOUGHT:
        say(saying, "partner sought");
        break;
    case ELIGIBLE_LICENCE:
        say(saying, "licence terms");
        break;
    }
}

static const char *types_key(const struct eligible_row *row)
{
    return row->place == ELIGIBLE_SOUGHT ? ".type: " : ".org types: ";
}

static void say_owners(struct saying *saying, const struct eligible_rule *rule)
{
    say(saying, ".ownership rule: ");
    if (!rule->row.percent && !rule->row.owners)
        say(saying, "stated as text");
    if (rule->row.percent)
        say(saying, "at least %u %%%s", rule->row.percent, rule->row.owners ? " " : "");
    say_countries(saying, rule->owners, rule->row.owners, NULL);
}

static void say_concerned(struct saying *saying)
{
    const struct eligible_asking *asking = saying->asking;
    const struct eligible_sheet *rules = &asking->rules;

    if (rules->head.concerned == 0)
        return;
    say(saying, "; it concerns ");
    say_countries(saying, rules->concerned, rules->head.concerned, NULL);
    if (eligible_knows_country(asking) &&
        !eligible_has_country(rules->concerned, rules->head.concerned, asking->us->country))
        say(saying, ", not %s", asking->us->country);
}

static void say_side(struct saying *saying, const struct eligible_rule *rule)
{
    say(saying, ": for the side of ");
    say_countries(saying, eligible_side_country(&saying->asking->rules, rule->row.party), 1, NULL);
}

static void say_no(struct saying *saying, const struct eligible_verdict *verdict)
{
    const struct eligible_rule *rule = &verdict->rule;
    const struct eligible_institution *us = saying->asking->us;

    say_place(saying, &rule->row);
    switch (verdict->reason) {
    case ELIGIBLE_WHY_NOT_COUNTRIES:
        say(saying, ".countries: ");
        say_countries(saying, rule->countries, rule->row.countries, NULL);
        say(saying, "; not %s", us->country);
        break;
    case ELIGIBLE_WHY_NOT_SIDE:
        say_side(saying, rule);
        say(saying, "; not %s", us->country);
        break;
    case ELIGIBLE_WHY_NOT_TYPES:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; not ");
        say_types(saying, us->types);
        break;
    default: /* ELIGIBLE_WHY_NOT_OWNERS */
        say_owners(saying, rule);
        say(saying, "; not ");
        say_types(saying, us->types);
        say(saying, " of %s", us->country);
        break;
    }
}

static void say_call_consortium(struct saying *saying)
{
    const struct eligible_head *head = &saying->asking->rules.head;

    say(saying, "consortium: ");
    if (head->partners_min > 1)
        say(saying, "at least %u partners", head->partners_min);
    if (head->countries_min > 1)
        say(saying, "%sat least %u countries", head->partners_min > 1 ? " from " : "",
            head->countries_min);
    say(saying, "; find partners");
}

static void say_mirrored(struct saying *saying)
{
    const struct eligible_asking *asking = saying->asking;
    const struct eligible_sheet *rules = &asking->rules;

    say(saying, "mirror application: on each side somebody must apply; find a partner");
    if (asking->sided) {
        say(saying, " in ");
        say_countries(saying, rules->sides, rules->head.sides,
                      eligible_knows_country(asking) ? asking->us->country : NULL);
    }
}

static void say_row_consortium(struct saying *saying, const struct eligible_rule *rule)
{
    if (rule->row.min_countries > 1)
        say(saying, ".min countries: %u", rule->row.min_countries);
    else
        say(saying, ".who: consortium");
    if (rule->row.countries) {
        say(saying, " of ");
        say_countries(saying, rule->countries, rule->row.countries, NULL);
    }
    say(saying, "; find partners");
}

/* What of a row leaves it open. */
static void say_open_row(struct saying *saying, const struct eligible_verdict *verdict)
{
    const struct eligible_rule *rule = &verdict->rule;

    say_place(saying, &rule->row);
    switch (verdict->reason) {
    case ELIGIBLE_WHY_COUNTRY_NOT_KNOWN:
        if (rule->row.countries) {
            say(saying, ".countries: ");
            say_countries(saying, rule->countries, rule->row.countries, NULL);
        } else if (rule->row.place == ELIGIBLE_SIDE && saying->asking->sided) {
            say_side(saying, rule);
        } else {
            say_concerned(saying);
        }
        say(saying, "; the country of this institution is not known");
        break;
    case ELIGIBLE_WHY_NOT_CONCERNED:
        say(saying, " names no countries");
        say_concerned(saying);
        break;
    case ELIGIBLE_WHY_TYPES_NOT_KNOWN:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; of which kind this institution is, is not known");
        break;
    case ELIGIBLE_WHY_SIZE_NOT_KNOWN:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; whether this company is small or medium is not known");
        break;
    case ELIGIBLE_WHY_OWNERS_NOT_KNOWN:
        say_owners(saying, rule);
        say(saying, "; who owns this institution is not known");
        break;
    case ELIGIBLE_WHY_CONSORTIUM:
        say_row_consortium(saying, rule);
        break;
    default: /* ELIGIBLE_WHY_ONLY_TEXT */
        say(saying, ".text: stated only as text");
        break;
    }
}

static void say_silent(struct saying *saying)
{
    for (size_t party = 1; party <= saying->asking->rules.head.sides; party++)
        if (eligible_is_ours(saying->asking, party)) {
            say(saying, "parties[%zu].eligibility: not stated for this side", party);
            return;
        }
}

/* What must be found does not say that our own rules are kept: say so before. */
static void say_fitting(struct saying *saying, const struct eligible_weighed *weighed)
{
    for (size_t i = 0; i < weighed->count; i++)
        if (weighed->parts[i].reason == ELIGIBLE_WHY_FITS) {
            say_place(saying, &weighed->parts[i].rule.row);
            say(saying, " fits; ");
        }
}

static void say_unknown(struct saying *saying, const struct eligible_weighed *weighed,
                        const struct eligible_verdict *verdict)
{
    if (verdict->reason >= ELIGIBLE_WHY_CONSORTIUM)
        say_fitting(saying, weighed);
    switch (verdict->reason) {
    case ELIGIBLE_WHY_NOTHING_STATED:
        say(saying, "eligibility: not stated");
        say_concerned(saying);
        break;
    case ELIGIBLE_WHY_SIDE_SILENT:
        say_silent(saying);
        break;
    case ELIGIBLE_WHY_COUNTRIES_NOT_STATED:
        say(saying, "eligibility: for which countries is not stated");
        break;
    case ELIGIBLE_WHY_CALL_CONSORTIUM:
        say_call_consortium(saying);
        break;
    case ELIGIBLE_WHY_MIRRORED:
        say_mirrored(saying);
        break;
    default:
        say_open_row(saying, verdict);
        break;
    }
}

/* --- yes, with its conditions ----------------------------------------------------------------- */

static const Caravan__Eligibility *row_of(const Caravan__Announcement *announcement,
                                          const struct eligible_row *row)
{
    if (row->place == ELIGIBLE_ALL)
        return announcement->eligibility[row->index - 1];
    if (row->place == ELIGIBLE_SIDE)
        return announcement->parties[row->party - 1]->eligibility[row->index - 1];
    return NULL;
}

static void say_rule(struct saying *saying, const struct eligible_rule *rule)
{
    const struct eligible_row *row = &rule->row;

    say_place(saying, row);
    if (row->countries) {
        say(saying, ".countries: ");
        say_countries(saying, rule->countries, row->countries, NULL);
    }
    if (row->types) {
        say(saying, "%s", row->countries ? "; " : "");
        say(saying, "%s", types_key(row) + (row->countries ? 1 : 0));
        say_types(saying, row->types);
    }
    if (!row->countries && !row->types)
        say(saying, " fits");
}

static void say_condition(struct saying *saying, size_t *count, const char *text)
{
    say(saying, "%s%s", (*count)++ ? ", " : "; conditions: ", text);
}

static void say_person(struct saying *saying, size_t *count, const Caravan__Eligibility *row)
{
    char text[CODEC_NAME_SIZE + 32], name[CODEC_NAME_SIZE];

    if (row->min_degree) {
        codec_enum_text(&caravan__degree__descriptor, (int)row->min_degree, name);
        snprintf(text, sizeof text, "min degree %s", name);
        say_condition(saying, count, text);
    }
    if (row->max_age) {
        snprintf(text, sizeof text, "max age %u", row->max_age);
        say_condition(saying, count, text);
    }
    for (size_t i = 0; i < row->n_career; i++) {
        codec_enum_text(&caravan__career__descriptor, (int)row->career[i], name);
        if (i == 0)
            say_condition(saying, count, "career ");
        say(saying, "%s%s", i ? " or " : "", name);
    }
    if (row->n_languages)
        say_condition(saying, count, "languages");
}

static void say_conditions(struct saying *saying, const struct eligible_weighed *weighed)
{
    const Caravan__Announcement *a = saying->announcement;
    size_t count = 0;

    for (size_t i = 0; i < weighed->count; i++) {
        const Caravan__Eligibility *row = row_of(a, &weighed->parts[i].rule.row);

        if (row)
            say_person(saying, &count, row);
        if (weighed->parts[i].rule.row.flags & ELIGIBLE_HAS_TEXT)
            say_condition(saying, &count, "what its text says");
    }
    if (a->details_case != CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL)
        return;
    if (a->joint_call->prior_agreement)
        say_condition(saying, &count, "prior agreement");
    if (a->joint_call->ip_agreed_before)
        say_condition(saying, &count, "ip agreed before");
    if (a->joint_call->end_user_required)
        say_condition(saying, &count, "end user required");
    if (a->joint_call->limit_per_institution)
        say_condition(saying, &count, "limit per institution");
}

static void say_yes(struct saying *saying, const struct eligible_weighed *weighed)
{
    for (size_t i = 0; i < weighed->count; i++) {
        if (i)
            say(saying, "; ");
        say_rule(saying, &weighed->parts[i].rule);
    }
    say_conditions(saying, weighed);
}

/* --- the answer ------------------------------------------------------------------------------- */

void eligible_why(const struct eligible_asking *asking, const struct eligible_weighed *weighed,
                  const struct eligible_verdict *verdict, const Caravan__Announcement *announcement,
                  char *why)
{
    struct saying saying = {asking, announcement, why, 0};

    if (verdict->answer == ELIGIBLE_NO)
        say_no(&saying, verdict);
    else if (verdict->answer == ELIGIBLE_YES)
        say_yes(&saying, weighed);
    else
        say_unknown(&saying, weighed, verdict);
}
