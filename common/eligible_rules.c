/* What of an announcement decides who may apply, as bytes. */
#include "common/eligible_parts.h"

#include <string.h>

static uint16_t clamp(uint64_t value)
{
    return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

static bool put_country(struct buffer *out, const char *country)
{
    static const char none[ELIGIBLE_COUNTRY_SIZE] = {0};
    bool is_code = country && strlen(country) == ELIGIBLE_COUNTRY_SIZE;

    return buffer_append(out, is_code ? country : none, ELIGIBLE_COUNTRY_SIZE);
}

static bool put_countries(struct buffer *out, char *const *countries, size_t count)
{
    bool ok = true;

    for (size_t i = 0; ok && i < clamp(count); i++)
        ok = put_country(out, countries[i]);
    return ok;
}

static uint16_t types_of(const Caravan__OrganisationType *types, size_t count)
{
    unsigned bits = 0;

    for (size_t i = 0; i < count; i++)
        if (types[i] != CARAVAN__ORGANISATION_TYPE__ORGANISATION_TYPE_UNSPECIFIED)
            bits |= ELIGIBLE_TYPE(types[i]);
    return (uint16_t)bits;
}

void eligible_institution_init(struct eligible_institution *institution, const char *country,
                               const Caravan__OrganisationType *types, size_t count)
{
    *institution = (struct eligible_institution){.types = types_of(types, count)};
    if (country && strlen(country) == ELIGIBLE_COUNTRY_SIZE)
        memcpy(institution->country, country, ELIGIBLE_COUNTRY_SIZE);
}

/* --- rows ------------------------------------------------------------------------------------- */

struct writing {
    struct buffer *out;
    struct eligible_head head;
    bool ok;
};

static void put_row(struct writing *writing, struct eligible_row *row, char *const *countries,
                    size_t count, const Caravan__OwnershipRule *owners)
{
    row->countries = clamp(count);
    if (owners) {
        row->flags |= ELIGIBLE_HAS_OWNERS;
        row->percent = owners->min_percent < 255 ? (uint8_t)owners->min_percent : 255;
        row->owners = clamp(owners->n_countries);
    }
    writing->ok = writing->ok && buffer_append(writing->out, row, sizeof *row) &&
                  put_countries(writing->out, countries, count) &&
                  (!owners || put_countries(writing->out, owners->countries, owners->n_countries));
    writing->head.rows++;
}

static void put_list(struct writing *writing, enum eligible_place place, size_t party,
                     Caravan__Eligibility *const *list, size_t count)
{
    for (size_t i = 0; i < count && writing->head.rows < UINT16_MAX; i++) {
        const Caravan__Eligibility *one = list[i];
        struct eligible_row row = {.place = (uint8_t)place,
                                   .who = (uint32_t)one->who < 255 ? (uint8_t)one->who : 255,
                                   .party = clamp(party),
                                   .index = clamp(i + 1),
                                   .types = types_of(one->org_types, one->n_org_types),
                                   .min_countries = clamp(one->min_countries)};

        if (one->n_text)
            row.flags |= ELIGIBLE_HAS_TEXT;
        if (one->n_career || one->min_degree || one->max_age || one->n_languages)
            row.flags |= ELIGIBLE_HAS_PERSON;
        put_row(writing, &row, one->countries, one->n_countries, one->ownership_rule);
    }
}

static void put_sought(struct writing *writing, const Caravan__PartnerSought *sought)
{
    struct eligible_row row = {.place = ELIGIBLE_SOUGHT, .index = 1};

    if (!sought || writing->head.rows == UINT16_MAX)
        return;
    row.types = types_of(sought->type, sought->n_type);
    if (sought->n_role || sought->n_size)
        row.flags = ELIGIBLE_HAS_TEXT;
    if (row.types || sought->n_countries)
        put_row(writing, &row, sought->countries, sought->n_countries, NULL);
}

static void put_licence(struct writing *writing, const Caravan__LicenceTerms *terms)
{
    struct eligible_row row = {.place = ELIGIBLE_LICENCE, .index = 1};

    if (terms && terms->ownership_rule && writing->head.rows < UINT16_MAX)
        put_row(writing, &row, NULL, 0, terms->ownership_rule);
}

static void put_consortium(struct writing *writing, const Caravan__Consortium *consortium)
{
    if (consortium && consortium->partners)
        writing->head.partners_min = clamp(consortium->partners->min);
    if (consortium && consortium->countries)
        writing->head.countries_min = clamp(consortium->countries->min);
}

static void put_details(struct writing *writing, const Caravan__Announcement *a)
{
    bool mirrored = false;

    switch (a->details_case) {
    case CARAVAN__ANNOUNCEMENT__DETAILS_VISIT:
        mirrored = a->visit->mirror_application;
        break;
    case CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL:
        mirrored = a->joint_call->mirror_application;
        put_consortium(writing, a->joint_call->consortium);
        break;
    case CARAVAN__ANNOUNCEMENT__DETAILS_TECH_OFFER:
        put_sought(writing, a->tech_offer->partner_sought);
        put_licence(writing, a->tech_offer->licence_terms);
        break;
    case CARAVAN__ANNOUNCEMENT__DETAILS_TECH_REQUEST:
        put_sought(writing, a->tech_request->partner_sought);
        put_licence(writing, a->tech_request->licence_terms);
        break;
    default:
        break;
    }
    if (mirrored)
        writing->head.flags |= ELIGIBLE_MIRRORED;
}

/* --- countries -------------------------------------------------------------------------------- */

/* "eligible countries", "eligible_countries", "countries", as `not stated` may name them. */
static bool names_countries(const char *name)
{
    const char *eligible = "eligible";

    if (strncmp(name, eligible, strlen(eligible)) == 0) {
        name += strlen(eligible);
        if (!*name || !strchr(" -_", *name))
            return false;
        name++;
    }
    return strcmp(name, "countries") == 0;
}

static void put_concerned(struct writing *writing, const Caravan__Announcement *a)
{
    size_t room = UINT16_MAX;

    writing->head.concerned = clamp(a->n_countries + a->n_parties);
    for (size_t i = 0; writing->ok && i < a->n_countries && room > 0; i++, room--)
        writing->ok = put_country(writing->out, a->countries[i]);
    for (size_t i = 0; writing->ok && i < a->n_parties && room > 0; i++, room--)
        writing->ok = put_country(writing->out, a->parties[i]->country);
    writing->head.sides = clamp(a->n_parties);
    for (size_t i = 0; writing->ok && i < writing->head.sides; i++)
        writing->ok = put_country(writing->out, a->parties[i]->country);
    for (size_t i = 0; i < a->n_not_stated; i++)
        if (names_countries(a->not_stated[i]))
            writing->head.flags |= ELIGIBLE_NOT_STATED;
}

bool eligible_rules(const Caravan__Announcement *announcement, struct buffer *out)
{
    struct writing writing = {.out = out};
    size_t start = out->size;

    writing.ok = buffer_append(out, &writing.head, sizeof writing.head);
    put_concerned(&writing, announcement);
    put_list(&writing, ELIGIBLE_ALL, 0, announcement->eligibility, announcement->n_eligibility);
    for (size_t i = 0; i < announcement->n_parties; i++)
        put_list(&writing, ELIGIBLE_SIDE, i + 1, announcement->parties[i]->eligibility,
                 announcement->parties[i]->n_eligibility);
    put_details(&writing, announcement);
    if (!writing.ok) {
        out->size = start;
        return false;
    }
    memcpy(out->data + start, &writing.head, sizeof writing.head);
    return true;
}
