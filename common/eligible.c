#include "common/eligible.h"

#include "common/eligible_parts.h"

#include <string.h>

#define TYPE(name) ELIGIBLE_TYPE(CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_##name)
/* What may be owned in shares. */
#define OWNED (TYPE(COMPANY) | TYPE(SME) | TYPE(PARK) | ELIGIBLE_TYPE(15))

const char *eligible_name(enum eligible_answer answer)
{
    return answer == ELIGIBLE_YES ? "yes" : answer == ELIGIBLE_NO ? "no" : "unknown";
}

/* --- reading the bytes ------------------------------------------------------------------------ */

/* Bytes that eligible_rules wrote: they are whole. */
static struct eligible_sheet read_rules(struct span bytes)
{
    struct eligible_sheet rules;
    size_t at = sizeof rules.head;

    memcpy(&rules.head, bytes.data, sizeof rules.head);
    rules.concerned = bytes.data + at;
    at += (size_t)rules.head.concerned * ELIGIBLE_COUNTRY_SIZE;
    rules.sides = bytes.data + at;
    at += (size_t)rules.head.sides * ELIGIBLE_COUNTRY_SIZE;
    rules.rows = span_of(bytes.data + at, bytes.size - at);
    return rules;
}

static bool next_rule(struct span *rows, struct eligible_rule *rule)
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

bool eligible_has_country(const uint8_t *countries, size_t count, const char *country)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(countries + i * ELIGIBLE_COUNTRY_SIZE, country, ELIGIBLE_COUNTRY_SIZE) == 0)
            return true;
    return false;
}

/* --- one row ---------------------------------------------------------------------------------- */

bool eligible_knows_country(const struct eligible_asking *asking)
{
    return asking->us->country[0] != '\0';
}

const uint8_t *eligible_side_country(const struct eligible_sheet *rules, size_t party)
{
    return rules->sides + (party - 1) * ELIGIBLE_COUNTRY_SIZE;
}

bool eligible_is_ours(const struct eligible_asking *asking, size_t party)
{
    return eligible_knows_country(asking) &&
           eligible_has_country(eligible_side_country(&asking->rules, party), 1,
                                asking->us->country);
}

static bool has_sides(const struct eligible_sheet *rules)
{
    for (size_t i = 2; i <= rules->head.sides; i++)
        if (memcmp(rules->sides, eligible_side_country(rules, i), ELIGIBLE_COUNTRY_SIZE) != 0)
            return true;
    return false;
}

static enum eligible_reason weigh_concerned(const struct eligible_asking *asking)
{
    const struct eligible_sheet *rules = &asking->rules;

    if (rules->head.flags & ELIGIBLE_NOT_STATED)
        return ELIGIBLE_WHY_COUNTRIES_NOT_STATED;
    if (rules->head.concerned == 0)
        return ELIGIBLE_WHY_FITS;
    if (!eligible_knows_country(asking))
        return ELIGIBLE_WHY_COUNTRY_NOT_KNOWN;
    return eligible_has_country(rules->concerned, rules->head.concerned, asking->us->country)
               ? ELIGIBLE_WHY_FITS
               : ELIGIBLE_WHY_NOT_CONCERNED;
}

/* What is the same for all rows is looked at once: strangers may write thousands. */
static struct eligible_asking ask(struct span bytes, const struct eligible_institution *us)
{
    struct eligible_asking asking = {.rules = read_rules(bytes), .us = us};
    const struct eligible_sheet *rules = &asking.rules;

    asking.sided = has_sides(rules);
    asking.ours = eligible_knows_country(&asking) &&
                  eligible_has_country(rules->sides, rules->head.sides, us->country);
    asking.concerned = weigh_concerned(&asking);
    return asking;
}

static enum eligible_reason weigh_countries(const struct eligible_asking *asking,
                                            const struct eligible_rule *rule)
{
    const struct eligible_row *row = &rule->row;

    if (row->place == ELIGIBLE_LICENCE)
        return ELIGIBLE_WHY_FITS;
    if (row->countries && !eligible_knows_country(asking))
        return ELIGIBLE_WHY_COUNTRY_NOT_KNOWN;
    if (row->countries)
        return eligible_has_country(rule->countries, row->countries, asking->us->country)
                   ? ELIGIBLE_WHY_FITS
                   : ELIGIBLE_WHY_NOT_COUNTRIES;
    if (row->place != ELIGIBLE_SIDE || !asking->sided)
        return asking->concerned;
    if (!eligible_knows_country(asking))
        return ELIGIBLE_WHY_COUNTRY_NOT_KNOWN;
    return eligible_has_country(eligible_side_country(&asking->rules, row->party), 1,
                                asking->us->country)
               ? ELIGIBLE_WHY_FITS
               : ELIGIBLE_WHY_NOT_SIDE;
}

static enum eligible_reason weigh_types(const struct eligible_asking *asking,
                                        const struct eligible_row *row)
{
    unsigned ours = asking->us->types;

    if (!row->types)
        return ELIGIBLE_WHY_FITS;
    if (!ours)
        return ELIGIBLE_WHY_TYPES_NOT_KNOWN;
    if (ours & TYPE(SME))
        ours |= TYPE(COMPANY);
    if (ours & row->types)
        return ELIGIBLE_WHY_FITS;
    return (ours & TYPE(COMPANY)) && (row->types & TYPE(SME)) ? ELIGIBLE_WHY_SIZE_NOT_KNOWN
                                                              : ELIGIBLE_WHY_NOT_TYPES;
}

static enum eligible_reason weigh_owners(const struct eligible_asking *asking,
                                         const struct eligible_rule *rule)
{
    const struct eligible_row *row = &rule->row;
    bool foreign = eligible_knows_country(asking) && row->owners &&
                   !eligible_has_country(rule->owners, row->owners, asking->us->country);

    if (!(row->flags & ELIGIBLE_HAS_OWNERS))
        return ELIGIBLE_WHY_FITS;
    if (foreign && row->percent > 50 && asking->us->types && !(asking->us->types & OWNED))
        return ELIGIBLE_WHY_NOT_OWNERS;
    return ELIGIBLE_WHY_OWNERS_NOT_KNOWN;
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

static enum eligible_answer answer_of(enum eligible_reason reason)
{
    return reason == ELIGIBLE_WHY_FITS         ? ELIGIBLE_YES
           : reason <= ELIGIBLE_WHY_NOT_OWNERS ? ELIGIBLE_NO
                                               : ELIGIBLE_UNKNOWN;
}

/* The first that says no, else the first that leaves it open. */
static struct eligible_verdict weigh_rule(const struct eligible_asking *asking,
                                          const struct eligible_rule *rule)
{
    const enum eligible_reason reasons[] = {
        is_only_text(&rule->row) ? ELIGIBLE_WHY_ONLY_TEXT : ELIGIBLE_WHY_FITS,
        weigh_countries(asking, rule),
        weigh_types(asking, &rule->row),
        weigh_owners(asking, rule),
        needs_consortium(&rule->row) ? ELIGIBLE_WHY_CONSORTIUM : ELIGIBLE_WHY_FITS,
    };
    enum eligible_reason found = ELIGIBLE_WHY_FITS;

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (answer_of(reasons[i]) == ELIGIBLE_NO)
            return (struct eligible_verdict){ELIGIBLE_NO, reasons[i], *rule};
        if (found == ELIGIBLE_WHY_FITS)
            found = reasons[i];
    }
    return (struct eligible_verdict){answer_of(found), found, *rule};
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Rows that stand in one list: they follow each other. */
struct list {
    enum eligible_place place;
    size_t party;
    struct span rows;
    bool only_persons;
};

static bool is_person(const struct eligible_rule *rule)
{
    return rule->row.who == CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_PERSON;
}

static bool next_list(struct span *rows, struct list *list)
{
    struct span rest = *rows;
    struct eligible_rule rule;

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

static bool is_better(const struct eligible_verdict *a, const struct eligible_verdict *b)
{
    static const int ranks[] = {[ELIGIBLE_NO] = 0, [ELIGIBLE_UNKNOWN] = 1, [ELIGIBLE_YES] = 2};

    if (a->answer != b->answer)
        return ranks[a->answer] > ranks[b->answer];
    return a->answer == ELIGIBLE_NO && a->reason > b->reason;
}

/* The best verdict so far. Zeroed: none. */
struct best {
    bool found;
    struct eligible_verdict verdict;
};

static void improve(struct best *best, const struct eligible_verdict *verdict)
{
    if (!best->found || is_better(verdict, &best->verdict))
        *best = (struct best){true, *verdict};
}

static void weigh_list(const struct eligible_asking *asking, const struct list *list,
                       struct best *best)
{
    struct span rows = list->rows;
    struct eligible_rule rule;

    while (next_rule(&rows, &rule)) {
        struct eligible_verdict verdict;

        if (is_person(&rule) && !list->only_persons)
            continue;
        verdict = weigh_rule(asking, &rule);
        improve(best, &verdict);
    }
}

/* --- all -------------------------------------------------------------------------------------- */

static void add(struct eligible_weighed *weighed, const struct best *best)
{
    if (best->found)
        weighed->parts[weighed->count++] = best->verdict;
}

static void add_reason(struct eligible_weighed *weighed, enum eligible_reason reason)
{
    weighed->parts[weighed->count++] =
        (struct eligible_verdict){answer_of(reason), reason, {{0}, NULL, NULL}};
}

static void weigh(const struct eligible_asking *asking, struct eligible_weighed *weighed)
{
    const struct eligible_head *head = &asking->rules.head;
    struct best best[ELIGIBLE_PLACES] = {{false, {0}}};
    struct span rows = asking->rules.rows;
    bool other_sides = false;
    struct list list;

    while (next_list(&rows, &list))
        if (list.place == ELIGIBLE_SIDE && asking->ours && !eligible_is_ours(asking, list.party))
            other_sides = true; /* one applies on the side of one's own country */
        else
            weigh_list(asking, &list, &best[list.place]);
    add(weighed, &best[ELIGIBLE_ALL]);
    add(weighed, &best[ELIGIBLE_SIDE]);
    if (weighed->count == 0 && other_sides)
        add_reason(weighed, ELIGIBLE_WHY_SIDE_SILENT);
    if (weighed->count == 0)
        add(weighed, &best[ELIGIBLE_SOUGHT]);
    if (weighed->count == 0)
        add_reason(weighed, ELIGIBLE_WHY_NOTHING_STATED);
    add(weighed, &best[ELIGIBLE_LICENCE]);
    if (head->partners_min > 1 || head->countries_min > 1)
        add_reason(weighed, ELIGIBLE_WHY_CALL_CONSORTIUM);
    if (head->flags & ELIGIBLE_MIRRORED)
        add_reason(weighed, ELIGIBLE_WHY_MIRRORED);
}

/* The part that decides: the first no, else the first that is open, else the last. */
static const struct eligible_verdict *deciding(const struct eligible_weighed *weighed)
{
    const struct eligible_verdict *open = NULL;

    for (size_t i = 0; i < weighed->count; i++) {
        const struct eligible_verdict *part = &weighed->parts[i];

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
    struct eligible_asking asking = ask(rules, institution);
    struct eligible_weighed weighed = {.count = 0};

    weigh(&asking, &weighed);
    return deciding(&weighed)->answer;
}

int eligible_check(const Caravan__Announcement *announcement,
                   const struct eligible_institution *institution, struct eligible *out,
                   struct error *error)
{
    struct eligible_asking asking;
    struct eligible_weighed weighed = {.count = 0};
    const struct eligible_verdict *verdict;
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
    eligible_why(&asking, &weighed, verdict, announcement, out->why);
    buffer_finish(&rules);
    return ERROR_NONE;
}
