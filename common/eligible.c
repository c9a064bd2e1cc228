#include "common/eligible.h"

#include "common/codec.h"
#include "common/eligible_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TYPE(name) ELIGIBLE_TYPE(CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_##name)
/* What may be owned in shares. */
#define OWNED (TYPE(COMPANY) | TYPE(SME) | TYPE(PARK) | ELIGIBLE_TYPE(15))

const char *eligible_name(enum eligible_answer answer)
{
    return answer == ELIGIBLE_YES ? "yes" : answer == ELIGIBLE_NO ? "no" : "unknown";
}

/* --- reading the bytes ------------------------------------------------------------------------ */

struct rule {
    struct eligible_row row;
    const uint8_t *countries, *owners;
};

struct rules {
    struct eligible_head head;
    const uint8_t *concerned, *sides;
    struct span rows;
};

/* Bytes that eligible_rules wrote: they are whole. */
static struct rules read_rules(struct span bytes)
{
    struct rules rules;
    size_t at = sizeof rules.head;

    memcpy(&rules.head, bytes.data, sizeof rules.head);
    rules.concerned = bytes.data + at;
    at += (size_t)rules.head.concerned * ELIGIBLE_COUNTRY_SIZE;
    rules.sides = bytes.data + at;
    at += (size_t)rules.head.sides * ELIGIBLE_COUNTRY_SIZE;
    rules.rows = span_of(bytes.data + at, bytes.size - at);
    return rules;
}

static bool next_rule(struct span *rows, struct rule *rule)
{
    size_t size = sizeof rule->row;

    if (rows->size < size)
        return false;
    memcpy(&rule->row, rows->data, sizeof rule->row);
    rule->countries = rows->data + size;
    size += (size_t)rule->row.countries * ELIGIBLE_COUNTRY_SIZE;
    rule->owners = rows->data + size;
    size += (size_t)rule->row.owners * ELIGIBLE_COUNTRY_SIZE;
    *rows = span_of(rows->data + size, rows->size - size);
    return true;
}

static bool has_country(const uint8_t *countries, size_t count, const char *country)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(countries + i * ELIGIBLE_COUNTRY_SIZE, country, ELIGIBLE_COUNTRY_SIZE) == 0)
            return true;
    return false;
}

/* --- one row ---------------------------------------------------------------------------------- */

/* Why; of two rows that say no, the one that comes later here is nearer to a yes, and is named. */
enum reason {
    NOT_COUNTRIES,
    NOT_SIDE,
    NOT_TYPES,
    NOT_OWNERS,
    NOTHING_STATED,
    SIDE_SILENT,
    COUNTRIES_NOT_STATED,
    COUNTRY_NOT_KNOWN,
    NOT_CONCERNED,
    TYPES_NOT_KNOWN,
    SIZE_NOT_KNOWN,
    ONLY_TEXT,
    OWNERS_NOT_KNOWN,
    CONSORTIUM,
    CALL_CONSORTIUM,
    MIRRORED,
    FITS,
};

struct verdict {
    enum eligible_answer answer;
    enum reason reason;
    struct rule rule; /* none: all zero */
};

struct asking {
    struct rules rules;
    const struct eligible_institution *us;
    bool sided;            /* parties of two or more countries: each side has its own terms */
    bool ours;             /* one of them is of our country */
    enum reason concerned; /* of rows that name no countries */
};

static bool knows_country(const struct asking *asking)
{
    return asking->us->country[0] != '\0';
}

static const uint8_t *side_country(const struct rules *rules, size_t party)
{
    return rules->sides + (party - 1) * ELIGIBLE_COUNTRY_SIZE;
}

static bool is_ours(const struct asking *asking, size_t party)
{
    return knows_country(asking) &&
           has_country(side_country(&asking->rules, party), 1, asking->us->country);
}

static bool has_sides(const struct rules *rules)
{
    for (size_t i = 2; i <= rules->head.sides; i++)
        if (memcmp(rules->sides, side_country(rules, i), ELIGIBLE_COUNTRY_SIZE) != 0)
            return true;
    return false;
}

static enum reason weigh_concerned(const struct asking *asking)
{
    const struct rules *rules = &asking->rules;

    if (rules->head.flags & ELIGIBLE_NOT_STATED)
        return COUNTRIES_NOT_STATED;
    if (rules->head.concerned == 0)
        return FITS;
    if (!knows_country(asking))
        return COUNTRY_NOT_KNOWN;
    return has_country(rules->concerned, rules->head.concerned, asking->us->country)
               ? FITS
               : NOT_CONCERNED;
}

/* What is the same for all rows is looked at once: strangers may write thousands. */
static struct asking ask(struct span bytes, const struct eligible_institution *us)
{
    struct asking asking = {.rules = read_rules(bytes), .us = us};
    const struct rules *rules = &asking.rules;

    asking.sided = has_sides(rules);
    asking.ours =
        knows_country(&asking) && has_country(rules->sides, rules->head.sides, us->country);
    asking.concerned = weigh_concerned(&asking);
    return asking;
}

static enum reason weigh_countries(const struct asking *asking, const struct rule *rule)
{
    const struct eligible_row *row = &rule->row;

    if (row->place == ELIGIBLE_LICENCE)
        return FITS;
    if (row->countries && !knows_country(asking))
        return COUNTRY_NOT_KNOWN;
    if (row->countries)
        return has_country(rule->countries, row->countries, asking->us->country) ? FITS
                                                                                 : NOT_COUNTRIES;
    if (row->place != ELIGIBLE_SIDE || !asking->sided)
        return asking->concerned;
    if (!knows_country(asking))
        return COUNTRY_NOT_KNOWN;
    return has_country(side_country(&asking->rules, row->party), 1, asking->us->country) ? FITS
                                                                                         : NOT_SIDE;
}

static enum reason weigh_types(const struct asking *asking, const struct eligible_row *row)
{
    unsigned ours = asking->us->types;

    if (!row->types)
        return FITS;
    if (!ours)
        return TYPES_NOT_KNOWN;
    if (ours & TYPE(SME))
        ours |= TYPE(COMPANY);
    if (ours & row->types)
        return FITS;
    return (ours & TYPE(COMPANY)) && (row->types & TYPE(SME)) ? SIZE_NOT_KNOWN : NOT_TYPES;
}

static enum reason weigh_owners(const struct asking *asking, const struct rule *rule)
{
    const struct eligible_row *row = &rule->row;
    bool foreign = knows_country(asking) && row->owners &&
                   !has_country(rule->owners, row->owners, asking->us->country);

    if (!(row->flags & ELIGIBLE_HAS_OWNERS))
        return FITS;
    if (foreign && row->percent > 50 && asking->us->types && !(asking->us->types & OWNED))
        return NOT_OWNERS;
    return OWNERS_NOT_KNOWN;
}

static bool is_only_text(const struct eligible_row *row)
{
    return (row->flags & ELIGIBLE_HAS_TEXT) && !(row->flags & ~ELIGIBLE_HAS_TEXT) &&
           !row->countries && !row->types && row->min_countries < 2;
}

static bool needs_consortium(const struct eligible_row *row)
{
    return row->who == CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_CONSORTIUM ||
           row->min_countries > 1;
}

static enum eligible_answer answer_of(enum reason reason)
{
    return reason == FITS ? ELIGIBLE_YES : reason <= NOT_OWNERS ? ELIGIBLE_NO : ELIGIBLE_UNKNOWN;
}

/* The first that says no, else the first that leaves it open. */
static struct verdict weigh_rule(const struct asking *asking, const struct rule *rule)
{
    const enum reason reasons[] = {
        is_only_text(&rule->row) ? ONLY_TEXT : FITS,
        weigh_countries(asking, rule),
        weigh_types(asking, &rule->row),
        weigh_owners(asking, rule),
        needs_consortium(&rule->row) ? CONSORTIUM : FITS,
    };
    enum reason found = FITS;

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (answer_of(reasons[i]) == ELIGIBLE_NO)
            return (struct verdict){ELIGIBLE_NO, reasons[i], *rule};
        if (found == FITS)
            found = reasons[i];
    }
    return (struct verdict){answer_of(found), found, *rule};
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Rows that stand in one list: they follow each other. */
struct list {
    enum eligible_place place;
    size_t party;
    struct span rows;
    bool only_persons;
};

static bool is_person(const struct rule *rule)
{
    return rule->row.who == CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_PERSON;
}

static bool next_list(struct span *rows, struct list *list)
{
    struct span rest = *rows;
    struct rule rule;

    if (!next_rule(&rest, &rule))
        return false;
    *list = (struct list){(enum eligible_place)rule.row.place, rule.row.party, *rows, true};
    rest = *rows;
    while (next_rule(&rest, &rule) && rule.row.place == list->place &&
           rule.row.party == list->party) {
        list->only_persons = list->only_persons && is_person(&rule);
        *rows = rest;
    }
    list->rows.size -= rows->size;
    return true;
}

static bool is_better(const struct verdict *a, const struct verdict *b)
{
    static const int ranks[] = {[ELIGIBLE_NO] = 0, [ELIGIBLE_UNKNOWN] = 1, [ELIGIBLE_YES] = 2};

    if (a->answer != b->answer)
        return ranks[a->answer] > ranks[b->answer];
    return a->answer == ELIGIBLE_NO && a->reason > b->reason;
}

/* The best verdict so far. Zeroed: none. */
struct best {
    bool found;
    struct verdict verdict;
};

static void improve(struct best *best, const struct verdict *verdict)
{
    if (!best->found || is_better(verdict, &best->verdict))
        *best = (struct best){true, *verdict};
}

static void weigh_list(const struct asking *asking, const struct list *list, struct best *best)
{
    struct span rows = list->rows;
    struct rule rule;

    while (next_rule(&rows, &rule)) {
        struct verdict verdict;

        if (is_person(&rule) && !list->only_persons)
            continue;
        verdict = weigh_rule(asking, &rule);
        improve(best, &verdict);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

/* What must all fit: announcement, side, licence, consortium, mirror. */
#define PARTS_MAX 5

struct weighed {
    struct verdict parts[PARTS_MAX];
    size_t count;
};

static void add(struct weighed *weighed, const struct best *best)
{
    if (best->found)
        weighed->parts[weighed->count++] = best->verdict;
}

static void add_reason(struct weighed *weighed, enum reason reason)
{
    weighed->parts[weighed->count++] =
        (struct verdict){answer_of(reason), reason, {{0}, NULL, NULL}};
}

static void weigh(const struct asking *asking, struct weighed *weighed)
{
    const struct eligible_head *head = &asking->rules.head;
    struct best best[ELIGIBLE_PLACES] = {{false, {0}}};
    struct span rows = asking->rules.rows;
    bool other_sides = false;
    struct list list;

    while (next_list(&rows, &list))
        if (list.place == ELIGIBLE_SIDE && asking->ours && !is_ours(asking, list.party))
            other_sides = true; /* one applies on the side of one's own country */
        else
            weigh_list(asking, &list, &best[list.place]);
    add(weighed, &best[ELIGIBLE_ALL]);
    add(weighed, &best[ELIGIBLE_SIDE]);
    if (weighed->count == 0 && other_sides)
        add_reason(weighed, SIDE_SILENT);
    if (weighed->count == 0)
        add(weighed, &best[ELIGIBLE_SOUGHT]);
    if (weighed->count == 0)
        add_reason(weighed, NOTHING_STATED);
    add(weighed, &best[ELIGIBLE_LICENCE]);
    if (head->partners_min > 1 || head->countries_min > 1)
        add_reason(weighed, CALL_CONSORTIUM);
    if (head->flags & ELIGIBLE_MIRRORED)
        add_reason(weighed, MIRRORED);
}

/* The part that decides: the first no, else the first that is open, else the last. */
static const struct verdict *deciding(const struct weighed *weighed)
{
    const struct verdict *open = NULL;

    for (size_t i = 0; i < weighed->count; i++) {
        const struct verdict *part = &weighed->parts[i];

        if (part->answer == ELIGIBLE_NO)
            return part;
        if (part->answer == ELIGIBLE_UNKNOWN && !open)
            open = part;
    }
    return open ? open : &weighed->parts[weighed->count - 1];
}

enum eligible_answer eligible_by_rules(struct span rules,
                                       const struct eligible_institution *institution)
{
    struct asking asking = ask(rules, institution);
    struct weighed weighed = {.count = 0};

    weigh(&asking, &weighed);
    return deciding(&weighed)->answer;
}

/* --- sentences -------------------------------------------------------------------------------- */

struct saying {
    const struct asking *asking;
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

        if (has_country(said, said_count, (const char *)code) || (but && has_country(code, 1, but)))
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

static void say_owners(struct saying *saying, const struct rule *rule)
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
    const struct asking *asking = saying->asking;
    const struct rules *rules = &asking->rules;

    if (rules->head.concerned == 0)
        return;
    say(saying, "; it concerns ");
    say_countries(saying, rules->concerned, rules->head.concerned, NULL);
    if (knows_country(asking) &&
        !has_country(rules->concerned, rules->head.concerned, asking->us->country))
        say(saying, ", not %s", asking->us->country);
}

static void say_side(struct saying *saying, const struct rule *rule)
{
    say(saying, ": for the side of ");
    say_countries(saying, side_country(&saying->asking->rules, rule->row.party), 1, NULL);
}

static void say_no(struct saying *saying, const struct verdict *verdict)
{
    const struct rule *rule = &verdict->rule;
    const struct eligible_institution *us = saying->asking->us;

    say_place(saying, &rule->row);
    switch (verdict->reason) {
    case NOT_COUNTRIES:
        say(saying, ".countries: ");
        say_countries(saying, rule->countries, rule->row.countries, NULL);
        say(saying, "; not %s", us->country);
        break;
    case NOT_SIDE:
        say_side(saying, rule);
        say(saying, "; not %s", us->country);
        break;
    case NOT_TYPES:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; not ");
        say_types(saying, us->types);
        break;
    default: /* NOT_OWNERS */
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
    const struct asking *asking = saying->asking;
    const struct rules *rules = &asking->rules;

    say(saying, "mirror application: on each side somebody must apply; find a partner");
    if (asking->sided) {
        say(saying, " in ");
        say_countries(saying, rules->sides, rules->head.sides,
                      knows_country(asking) ? asking->us->country : NULL);
    }
}

static void say_row_consortium(struct saying *saying, const struct rule *rule)
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
static void say_open_row(struct saying *saying, const struct verdict *verdict)
{
    const struct rule *rule = &verdict->rule;

    say_place(saying, &rule->row);
    switch (verdict->reason) {
    case COUNTRY_NOT_KNOWN:
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
    case NOT_CONCERNED:
        say(saying, " names no countries");
        say_concerned(saying);
        break;
    case TYPES_NOT_KNOWN:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; of which kind this institution is, is not known");
        break;
    case SIZE_NOT_KNOWN:
        say(saying, "%s", types_key(&rule->row));
        say_types(saying, rule->row.types);
        say(saying, "; whether this company is small or medium is not known");
        break;
    case OWNERS_NOT_KNOWN:
        say_owners(saying, rule);
        say(saying, "; who owns this institution is not known");
        break;
    case CONSORTIUM:
        say_row_consortium(saying, rule);
        break;
    default: /* ONLY_TEXT */
        say(saying, ".text: stated only as text");
        break;
    }
}

static void say_silent(struct saying *saying)
{
    for (size_t party = 1; party <= saying->asking->rules.head.sides; party++)
        if (is_ours(saying->asking, party)) {
            say(saying, "parties[%zu].eligibility: not stated for this side", party);
            return;
        }
}

/* What must be found does not say that our own rules are kept: say so before. */
static void say_fitting(struct saying *saying, const struct weighed *weighed)
{
    for (size_t i = 0; i < weighed->count; i++)
        if (weighed->parts[i].reason == FITS) {
            say_place(saying, &weighed->parts[i].rule.row);
            say(saying, " fits; ");
        }
}

static void say_unknown(struct saying *saying, const struct weighed *weighed,
                        const struct verdict *verdict)
{
    if (verdict->reason >= CONSORTIUM)
        say_fitting(saying, weighed);
    switch (verdict->reason) {
    case NOTHING_STATED:
        say(saying, "eligibility: not stated");
        say_concerned(saying);
        break;
    case SIDE_SILENT:
        say_silent(saying);
        break;
    case COUNTRIES_NOT_STATED:
        say(saying, "eligibility: for which countries is not stated");
        break;
    case CALL_CONSORTIUM:
        say_call_consortium(saying);
        break;
    case MIRRORED:
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

static void say_rule(struct saying *saying, const struct rule *rule)
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

static void say_conditions(struct saying *saying, const struct weighed *weighed)
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

static void say_yes(struct saying *saying, const struct weighed *weighed)
{
    for (size_t i = 0; i < weighed->count; i++) {
        if (i)
            say(saying, "; ");
        say_rule(saying, &weighed->parts[i].rule);
    }
    say_conditions(saying, weighed);
}

int eligible_check(const Caravan__Announcement *announcement,
                   const struct eligible_institution *institution, struct eligible *out,
                   struct error *error)
{
    struct asking asking;
    struct saying saying = {&asking, announcement, out->why, 0};
    struct weighed weighed = {.count = 0};
    const struct verdict *verdict;
    struct buffer rules = {0};

    *out = (struct eligible){.answer = ELIGIBLE_UNKNOWN};
    if (!eligible_rules(announcement, &rules)) {
        buffer_finish(&rules);
        return error_memory(error);
    }
    asking = ask(buffer_span(&rules), institution);
    weigh(&asking, &weighed);
    verdict = deciding(&weighed);
    out->answer = verdict->answer;
    if (verdict->answer == ELIGIBLE_NO)
        say_no(&saying, verdict);
    else if (verdict->answer == ELIGIBLE_YES)
        say_yes(&saying, &weighed);
    else
        say_unknown(&saying, &weighed, verdict);
    buffer_finish(&rules);
    return ERROR_NONE;
}
