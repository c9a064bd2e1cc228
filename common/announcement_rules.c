/* The table of rules: one row for every field of the schema, in the schema's order. */
#include "common/announcement.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* ---- conditions ------------------------------------------------------------------------------ */

static bool is_kind(const struct announcement_context *c, Caravan__Kind kind)
{
    return c->announcement->kind == kind;
}

/* A party that issues the announcement, in contrast to a host, a broker, … */
static bool is_issuer(const struct announcement_context *c)
{
    return c->inside && strcmp(c->inside->name, "parties") == 0;
}

static bool countries_open(const struct announcement_context *c)
{
    const Caravan__Announcement *a = c->announcement;

    for (size_t i = 1; i < a->n_parties; i++)
        if (a->parties[i]->country && a->parties[0]->country &&
            strcmp(a->parties[i]->country, a->parties[0]->country) != 0)
            return false; /* the parties' countries are the ones concerned */
    return true;
}

static bool deadline_expected(const struct announcement_context *c)
{
    const Caravan__Announcement *a = c->announcement;

    for (size_t i = 0; i < a->n_parties; i++)
        if (a->parties[i]->n_deadline)
            return false;
    return !a->rolling && (is_kind(c, CARAVAN__KIND__KIND_JOINT_CALL) ||
                           is_kind(c, CARAVAN__KIND__KIND_SHARED_RESOURCE) ||
                           is_kind(c, CARAVAN__KIND__KIND_TECH_REQUEST));
}

static bool money_expected(const struct announcement_context *c)
{
    const Caravan__Announcement *a = c->announcement;

    for (size_t i = 0; i < a->n_parties; i++)
        if (a->parties[i]->n_money)
            return false;
    return is_kind(c, CARAVAN__KIND__KIND_JOINT_CALL);
}

static bool has_time(const struct announcement_context *c)
{
    return ((const Caravan__Instant *)c->message)->has_hour;
}

static bool period_expected(const struct announcement_context *c)
{
    return ((const Caravan__Visit *)c->message)->n_stay == 0;
}

static bool project_period_expected(const struct announcement_context *c)
{
    return !((const Caravan__JointCall *)c->message)->duration;
}

static bool for_persons(const struct announcement_context *c)
{
    return ((const Caravan__Eligibility *)c->message)->who ==
           CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_PERSON;
}

static bool for_organisations(const struct announcement_context *c)
{
    const Caravan__Eligibility *eligibility = (const Caravan__Eligibility *)c->message;

    return eligibility->who == CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_ORGANISATION ||
           eligibility->who == CARAVAN__ELIGIBILITY_WHO__ELIGIBILITY_WHO_CONSORTIUM;
}

static bool has_amount(const struct announcement_context *c)
{
    return ((const Caravan__Money *)c->message)->amount != NULL;
}

static bool no_code(const struct announcement_context *c)
{
    return !((const Caravan__FieldOfScience *)c->message)->code;
}

static bool no_sector_code(const struct announcement_context *c)
{
    return !((const Caravan__Sector *)c->message)->code;
}

static bool names_person(const struct announcement_context *c)
{
    return ((const Caravan__Contact *)c->message)->person != NULL;
}

static bool no_place_name(const struct announcement_context *c)
{
    return !((const Caravan__Place *)c->message)->n_name;
}

static bool link_is_outside(const struct announcement_context *c)
{
    return !((const Caravan__Related *)c->message)->url;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* message, field, level, help, then what else the row says */
#define ROW(message_, field_, level_, ...)                                                         \
    {.message = #message_, .field = #field_, .level = ANNOUNCEMENT_##level_, .help = __VA_ARGS__},

#define COUNTRY .format = ANNOUNCEMENT_COUNTRY
#define URL .format = ANNOUNCEMENT_URL, .max = 2000

const struct announcement_rule announcement_rules[] = {
    /* clang-format off */
ROW(Announcement, kind, REQUIRED, "What is announced")
ROW(Announcement, language, OPTIONAL, "The language of plain texts, BCP 47", .format = ANNOUNCEMENT_LANGUAGE, .example = "en")
ROW(Announcement, title, REQUIRED, "The title in one line, or {en: …, zh: …}; the first language is the authentic one", .max = 200, .example = "The title of the announcement")
ROW(Announcement, summary, EXPECTED, "What it is, for whom, until when", .max = 1000, .example = "One paragraph that a busy reader understands.")
ROW(Announcement, description, OPTIONAL, "The full text", .max = 8000, .example = "Everything that does not fit elsewhere.")
ROW(Announcement, parties, REQUIRED, "Who issues it; two or more for a joint announcement", .items = 32, .example = "{name: Name of the institution, country: CN, role: lead}")
ROW(Announcement, countries, EXPECTED, "Countries of the partners concerned, ISO 3166-1", COUNTRY, .when = countries_open, .items = 250, .example = "[TH, ZA]", .answers = "eligible countries")
ROW(Announcement, status, OPTIONAL, "Only what no date tells", .example = "planned")
ROW(Announcement, nature, OPTIONAL, "Retyped from an older notice, or not real", .example = "sample")
ROW(Announcement, reference, OPTIONAL, "The institution's own file number", .max = 100, .example = "\"2027-14\"")
ROW(Announcement, opens, OPTIONAL, "The first day to apply or to come", .example = "2027-01-15")
ROW(Announcement, deadline, EXPECTED, "Last moment to apply; a time needs its zone", .when = deadline_expected, .items = 16, .example = "2027-03-31 16:00 Asia/Bangkok", .answers = "deadlines|application deadline")
ROW(Announcement, rolling, OPTIONAL, "All the year round; the months of review", .example = "[Jan, Jul]")
ROW(Announcement, valid_until, OPTIONAL, "When it expires, at most 24 months ahead or with the last deadline; filled in when left out", .example = "2027-06-30")
ROW(Announcement, fields_of_science, EXPECTED, "Codes of OECD FORD (1.3, or 2 for all of engineering) or names", .items = 30, .example = "[1.3, 2.2]", .answers = "field of science|fields")
ROW(Announcement, keywords, OPTIONAL, "At most 15", .items = 15, .max = 100, .example = "[quantum, networks]")
ROW(Announcement, sdg, OPTIONAL, "Sustainable development goals, 1 to 17", .min = 1, .max = 17, .items = 17, .example = "[7, 13]")
ROW(Announcement, eligibility, OPTIONAL, "Who may take part", .items = 16, .example = "{who: person, min degree: doctorate, max age: 45}")
ROW(Announcement, money, EXPECTED, "What is paid; of one side alone: below the party", .when = money_expected, .items = 16, .example = "{amount: up to 1500000 CNY, per: project}", .answers = "amount|amounts|budget")
ROW(Announcement, submission, OPTIONAL, "How to hand in", .example = "{url: \"https://example.org/apply\", format: online}")
ROW(Announcement, legal_basis, OPTIONAL, "The agreement that it rests on", .example = "{title: Memorandum of understanding, date: 2025-10}")
ROW(Announcement, contact, EXPECTED, "An office, not a person", .items = 16, .example = "{office: International Office, email: office@example.org}", .answers = "contact office|contact email|contact phone")
ROW(Announcement, links, EXPECTED, "The authentic text, where to apply, forms, guides", .items = 32, .example = "{rel: apply, url: \"https://example.org/apply\"}", .answers = "link|apply link|application url|apply url|website|url")
ROW(Announcement, related, OPTIONAL, "Other announcements that it belongs to", .items = 32)
ROW(Announcement, source, OPTIONAL, "Where a retyped notice was published", URL, .example = "\"https://example.org/notice\"")
ROW(Announcement, reuse_licence, OPTIONAL, "Licence of the text, SPDX", .format = ANNOUNCEMENT_LICENCE, .example = "CC-BY-4.0")
ROW(Announcement, not_stated, OPTIONAL, "Expected fields that the notice does not state; readers see it", .items = 60, .max = 100, .example = "[time zone]")
ROW(Announcement, visit, OPTIONAL, "A visit")
ROW(Announcement, joint_call, OPTIONAL, "A joint call")
ROW(Announcement, lab_opening, OPTIONAL, "A laboratory that opens")
ROW(Announcement, tech_offer, OPTIONAL, "A technology offer")
ROW(Announcement, tech_request, OPTIONAL, "A technology request")
ROW(Announcement, park_opening, OPTIONAL, "A science park that opens")
ROW(Announcement, shared_resource, OPTIONAL, "A resource that is shared")

ROW(LocalizedText, lang, REQUIRED, "The language, BCP 47: write `language: en` at the top, or {en: …}", .format = ANNOUNCEMENT_LANGUAGE)
ROW(LocalizedText, text, REQUIRED, "The text", .max = UINT32_MAX)
ROW(LocalizedText, machine, OPTIONAL, "true for a machine translation")
ROW(Text, text, REQUIRED, "The text")

ROW(Date, year, REQUIRED, "The year", .min = 1, .max = 9999)
ROW(Date, month, OPTIONAL, "The month", .min = 1, .max = 12)
ROW(Date, day, OPTIONAL, "The day", .min = 1, .max = 31)
ROW(Instant, date, REQUIRED, "The day")
ROW(Instant, hour, OPTIONAL, "0 to 24", .max = 24)
ROW(Instant, minute, OPTIONAL, "0 to 59", .max = 59)
ROW(Instant, second, OPTIONAL, "0 to 59", .max = 59)
ROW(Instant, zone, EXPECTED, "The zone of the time: Asia/Bangkok, UTC", .format = ANNOUNCEMENT_ZONE, .when = has_time, .answers = "time zone|deadline time|deadline timezone|timezone")
ROW(Period, start, OPTIONAL, "The first day")
ROW(Period, end, OPTIONAL, "The last day")
ROW(Range, min, OPTIONAL, "The smallest number", .max = UINT64_MAX)
ROW(Range, max, OPTIONAL, "The largest number", .max = UINT64_MAX)
ROW(Duration, value, REQUIRED, "How many", .max = 100000)
ROW(Duration, unit, REQUIRED, "Of what")
ROW(Size, bytes, REQUIRED, "Bytes", .max = UINT64_MAX)
ROW(Amount, min_minor, OPTIONAL, "At least, in the currency's minor unit", .max = INT64_MAX)
ROW(Amount, max_minor, OPTIONAL, "At most, in the currency's minor unit", .max = INT64_MAX)
ROW(Amount, currency, REQUIRED, "ISO 4217", .format = ANNOUNCEMENT_CURRENCY)
ROW(Money, amount, OPTIONAL, "1500000 CNY, up to 1500000 CNY, 1000000 to 3000000 RUB")
ROW(Money, currency, OPTIONAL, "Only when no amount is stated, ISO 4217", .format = ANNOUNCEMENT_CURRENCY)
ROW(Money, per, EXPECTED, "project, year, month, total, person", .when = has_amount, .answers = "amount per what")
ROW(Money, basis, OPTIONAL, "direct or total costs")
ROW(Money, paid_by, OPTIONAL, "The party: its country, or its name as in parties", .max = 200)
ROW(Money, text, OPTIONAL, "What the figures do not tell")
ROW(Deadline, what, OPTIONAL, "Of what; full when left out")
ROW(Deadline, at, REQUIRED, "The day, or day, time and zone")
ROW(Deadline, party, OPTIONAL, "Whose it is: its country, or its name as in parties", .max = 200)
ROW(Deadline, text, OPTIONAL, "What the date does not tell")
ROW(Rolling, all_year, OPTIONAL, "true: at any time")
ROW(Rolling, review_months, OPTIONAL, "Months of review", .items = 12)

ROW(Party, node_id, OPTIONAL, "If it runs a node: its handle", .min = 32, .max = 32)
ROW(Party, ror, OPTIONAL, "Its entry at ror.org", .format = ANNOUNCEMENT_ROR)
ROW(Party, name, REQUIRED, "Its name", .max = 300, .when = is_issuer, .otherwise = ANNOUNCEMENT_EXPECTED)
ROW(Party, country, REQUIRED, "Its country, ISO 3166-1", COUNTRY, .when = is_issuer, .otherwise = ANNOUNCEMENT_EXPECTED)
ROW(Party, role, OPTIONAL, "lead, partner, funder, host, operator, endorser")
ROW(Party, office, OPTIONAL, "The office in charge", .max = 300)
ROW(Party, money, OPTIONAL, "What this side pays", .items = 16)
ROW(Party, deadline, OPTIONAL, "Last moment to apply on this side", .items = 16)
ROW(Party, eligibility, OPTIONAL, "Who may apply on this side", .items = 16)
ROW(Party, themes, OPTIONAL, "Themes of this side", .items = 64)
ROW(Party, contact, OPTIONAL, "The office of this side", .items = 16)
ROW(Party, apply_url, OPTIONAL, "Where to apply on this side", URL)
ROW(OwnershipRule, min_percent, OPTIONAL, "At least so much of the shares", .max = 100)
ROW(OwnershipRule, countries, OPTIONAL, "… must be held from these countries", COUNTRY, .items = 250)
ROW(OwnershipRule, text, OPTIONAL, "The rule in words")
ROW(Eligibility, who, EXPECTED, "person, organisation, consortium", .answers = "eligible users|eligibility|kind of applicant")
ROW(Eligibility, countries, OPTIONAL, "From which countries", COUNTRY, .items = 250)
ROW(Eligibility, org_types, EXPECTED, "Kinds of organisation", .when = for_organisations, .items = 16, .answers = "kinds of organisation")
ROW(Eligibility, career, OPTIONAL, "EURAXESS R1 to R4", .items = 4)
ROW(Eligibility, min_degree, EXPECTED, "bachelor, master, doctorate", .when = for_persons)
ROW(Eligibility, max_age, OPTIONAL, "In years", .min = 16, .max = 120)
ROW(Eligibility, languages, OPTIONAL, "Working languages", .format = ANNOUNCEMENT_LANGUAGE, .items = 32)
ROW(Eligibility, ownership_rule, OPTIONAL, "Who must own a company")
ROW(Eligibility, min_countries, OPTIONAL, "From at least so many countries", .max = 250)
ROW(Eligibility, text, OPTIONAL, "What the other keys do not tell", .max = 2000)
ROW(Contact, office, EXPECTED, "The office", .max = 300)
ROW(Contact, email, OPTIONAL, "E-mail", .format = ANNOUNCEMENT_EMAIL)
ROW(Contact, phone, OPTIONAL, "E.164: +66 2 564 7000", .format = ANNOUNCEMENT_PHONE)
ROW(Contact, url, OPTIONAL, "Web page", URL)
ROW(Contact, postal, OPTIONAL, "Postal address")
ROW(Contact, person, OPTIONAL, "A person's name, only with the person's consent", .max = 200)
ROW(Contact, person_consents, REQUIRED, "true: the person has agreed to be named", .when = names_person)
ROW(Contact, orcid, OPTIONAL, "https://orcid.org/…", .format = ANNOUNCEMENT_ORCID)
ROW(Place, name, OPTIONAL, "Site or building", .max = 300)
ROW(Place, city, EXPECTED, "City", .max = 200, .when = no_place_name)
ROW(Place, country, EXPECTED, "ISO 3166-1", COUNTRY)
ROW(Place, lat, OPTIONAL, "Degrees north, WGS 84")
ROW(Place, lon, OPTIONAL, "Degrees east, WGS 84")
ROW(FieldOfScience, scheme, OPTIONAL, "FORD when left out; NSFC, RSF", .max = 20)
ROW(FieldOfScience, code, OPTIONAL, "The code in the scheme", .format = ANNOUNCEMENT_SCHEME_CODE, .max = 20)
ROW(FieldOfScience, label, REQUIRED, "The name, when there is no code", .max = 200, .when = no_code)
ROW(Sector, scheme, OPTIONAL, "NACE when left out; FORD", .max = 20)
ROW(Sector, code, OPTIONAL, "The code in the scheme", .format = ANNOUNCEMENT_SCHEME_CODE, .max = 20)
ROW(Sector, label, REQUIRED, "The name, when there is no code", .max = 200, .when = no_sector_code)
ROW(Equipment, name, EXPECTED, "Its name", .max = 300)
ROW(Equipment, type, OPTIONAL, "Its type", .max = 200)
ROW(Equipment, acronym, OPTIONAL, "Short name", .max = 50)
ROW(Equipment, pid, OPTIONAL, "A persistent identifier", .max = 300)
ROW(Equipment, owner, OPTIONAL, "Whose it is", .max = 300)
ROW(Equipment, specs, OPTIONAL, "What it can do", .max = 2000)
ROW(Submission, url, OPTIONAL, "Where", URL)
ROW(Submission, format, OPTIONAL, "online, paper, both")
ROW(Submission, copies, OPTIONAL, "Paper copies", .max = 100)
ROW(Submission, seal_required, OPTIONAL, "true: with the institution's seal")
ROW(Submission, documents, OPTIONAL, "What to hand in", .items = 64)
ROW(Submission, text, OPTIONAL, "What the other keys do not tell")
ROW(LegalBasis, title, OPTIONAL, "Name of the agreement", .max = 500)
ROW(LegalBasis, date, OPTIONAL, "When it was signed")
ROW(LegalBasis, url, OPTIONAL, "Where it can be read", URL)
ROW(Link, rel, EXPECTED, "authentic, apply, form, guide, agreement")
ROW(Link, url, REQUIRED, "The address", URL)
ROW(Link, media_type, OPTIONAL, "application/pdf", .max = 100)
ROW(Link, length, OPTIONAL, "1 MiB")
ROW(Link, sha256, OPTIONAL, "Hash of the file", .min = 32, .max = 32)
ROW(Link, lang, OPTIONAL, "Its language", .format = ANNOUNCEMENT_LANGUAGE)
ROW(Link, title, OPTIONAL, "What it is", .max = 300)
ROW(Related, rel, EXPECTED, "same as, supersedes, mirror of, outcome of, part of")
ROW(Related, announcement, REQUIRED, "Feed id and number", .when = link_is_outside)
ROW(Related, url, OPTIONAL, "What is related but in no feed", URL)
ROW(AnnouncementName, feed, REQUIRED, "The feed id", .min = 32, .max = 32)
ROW(AnnouncementName, seq, REQUIRED, "The number", .min = 1, .max = UINT64_MAX)

ROW(Visit, direction, EXPECTED, "Who goes where", .example = "inbound offer")
ROW(Visit, host, EXPECTED, "Who receives", .example = "{name: Name of the host, country: CN}", .answers = "host institution")
ROW(Visit, visitor, OPTIONAL, "Who comes", .example = "{name: Name of the visitor, country: ZA}")
ROW(Visit, period, EXPECTED, "From when to when; or `stay`", .when = period_expected, .example = "2027-05-10 to 2027-05-14", .answers = "stay|duration|dates")
ROW(Visit, stay, OPTIONAL, "The lengths one may choose from", .items = 16, .example = "[6 months, 12 months]")
ROW(Visit, purpose, EXPECTED, "What for", .items = 6, .example = "research")
ROW(Visit, programme, OPTIONAL, "What happens when", .items = 200, .example = "{time: 2027-05-10 10:00 Asia/Shanghai, item: Opening}")
ROW(Visit, places, OPTIONAL, "How many people", .max = 100000, .example = "10")
ROW(Visit, costs, OPTIONAL, "Who pays what", .items = 32, .example = "{item: international travel, paid by: sender}")
ROW(Visit, documents, OPTIONAL, "What to hand in", .items = 16, .example = "[cv, research plan]")
ROW(Visit, visa_support, OPTIONAL, "true: the host helps with the visa", .example = "true")
ROW(Visit, host_duties, OPTIONAL, "What the host does", .items = 32, .example = "[work permit and visa documents]")
ROW(Visit, mirror_application, OPTIONAL, "true: the same application on both sides", .example = "true")
ROW(Visit, matching_rule, OPTIONAL, "What must be identical on both sides", .example = "The English title is identical on both sides.")

ROW(JointCall, funding_type, EXPECTED, "What is given", .example = "grant")
ROW(JointCall, mirror_application, EXPECTED, "true: the same application on both sides; one-sided ones are refused", .example = "true")
ROW(JointCall, matching_rule, OPTIONAL, "What must be identical on both sides", .example = "The English title is identical on both sides.")
ROW(JointCall, number_of_awards, OPTIONAL, "How many projects", .example = "up to 15", .answers = "awards")
ROW(JointCall, project_period, EXPECTED, "When projects run; or `duration`", .when = project_period_expected, .example = "2028-01-01 to 2030-12-31", .answers = "project start|duration|project end")
ROW(JointCall, duration, OPTIONAL, "How long projects run; or `project period`", .example = "36 months", .answers = "project period|project start")
ROW(JointCall, consortium, OPTIONAL, "Partners, countries, people in the team", .example = "{partners: at least 2, countries: at least 2, team: 2 to 10}")
ROW(JointCall, evaluation, OPTIONAL, "Who evaluates", .example = "joint")
ROW(JointCall, criteria, OPTIONAL, "By what", .max = 4000, .example = "Relevance, novelty, coordination of the partners.")
ROW(JointCall, prior_agreement, OPTIONAL, "true: partners need a signed agreement", .example = "true")
ROW(JointCall, ip_agreed_before, OPTIONAL, "true: intellectual property is agreed beforehand", .example = "true")
ROW(JointCall, limit_per_institution, OPTIONAL, "Applications per institution", .max = 10000, .example = "1")
ROW(JointCall, preference, OPTIONAL, "Who is preferred", .example = "Researchers aged 45 or younger.")
ROW(JointCall, end_user_required, OPTIONAL, "true: a user of the results takes part", .example = "true")

ROW(Site, place, EXPECTED, "Where")
ROW(Site, host, OPTIONAL, "Whose site it is")
ROW(Site, opening, EXPECTED, "When it opens")
ROW(ResearchLine, fields_of_science, OPTIONAL, "Codes of FORD or names", .items = 16)
ROW(ResearchLine, text, OPTIONAL, "The line in words")
ROW(Ceremony, period, OPTIONAL, "When")
ROW(Ceremony, place, OPTIONAL, "Where")
ROW(Ceremony, registration_url, OPTIONAL, "Where to register", URL)
ROW(LabOpening, stage, EXPECTED, "How far it is", .example = "operating")
ROW(LabOpening, sites, EXPECTED, "Where and when; one for each site", .items = 32, .example = "{place: {city: Bangkok, country: TH}, opening: 2027-02-01}", .answers = "host institutions|opening date")
ROW(LabOpening, model, EXPECTED, "In one place, in none, or in several", .example = "nodes")
ROW(LabOpening, research_lines, EXPECTED, "What is studied there", .items = 32, .example = "[quantum networks]")
ROW(LabOpening, equipment, OPTIONAL, "What stands there", .items = 200, .example = "[cryostat]", .answers = "equipment list")
ROW(LabOpening, access, EXPECTED, "Who may use it", .example = "by proposal", .answers = "access policy")
ROW(LabOpening, access_url, OPTIONAL, "Where to ask for access", URL, .example = "\"https://example.org/access\"")
ROW(LabOpening, positions_open, OPTIONAL, "How many", .max = 100000, .example = "4")
ROW(LabOpening, budget, OPTIONAL, "What it has", .items = 16, .example = "{amount: 5000000 CNY, per: year}")
ROW(LabOpening, directors_offices, OPTIONAL, "The offices of the directors", .items = 16, .example = "{office: Office of the director, email: lab@example.org}")
ROW(LabOpening, ceremony, OPTIONAL, "The opening ceremony", .example = "{period: 2027-02-01, place: {city: Bangkok, country: TH}}")

ROW(PartnerSought, type, EXPECTED, "Kinds of organisation", .items = 16)
ROW(PartnerSought, role, OPTIONAL, "What the partner does")
ROW(PartnerSought, size, OPTIONAL, "How large", .max = 200)
ROW(PartnerSought, countries, OPTIONAL, "From which countries", COUNTRY, .items = 250)
ROW(LicenceTerms, exclusive, OPTIONAL, "true: one licensee")
ROW(LicenceTerms, max_licensees, OPTIONAL, "At most so many", .max = 100000)
ROW(LicenceTerms, territory, OPTIONAL, "Where it holds")
ROW(LicenceTerms, price_model, OPTIONAL, "fixed or negotiable")
ROW(LicenceTerms, price, OPTIONAL, "The price", .items = 16)
ROW(LicenceTerms, ownership_rule, OPTIONAL, "Who must own the licensee")
ROW(LicenceTerms, text, OPTIONAL, "What the other keys do not tell", .max = 2000)
ROW(TechOffer, advantages, EXPECTED, "What it does better", .max = 4000, .example = "What it does better than what there is.")
ROW(TechOffer, trl, EXPECTED, "Technology readiness level, 1 to 9", .min = 1, .max = 9, .example = "6", .answers = "readiness")
ROW(TechOffer, nace, OPTIONAL, "Branches of industry, NACE 2.1", .format = ANNOUNCEMENT_NACE, .items = 30, .example = "[C, 26]")
ROW(TechOffer, keywords_tech, OPTIONAL, "About the technology", .items = 15, .max = 100, .example = "[membrane]")
ROW(TechOffer, keywords_market, OPTIONAL, "About the market", .items = 15, .max = 100, .example = "[drinking water]")
ROW(TechOffer, ip_status, EXPECTED, "How it is protected", .items = 6, .example = "granted", .answers = "patent|patent number")
ROW(TechOffer, ip_number, OPTIONAL, "Country and number, WIPO ST.3", .items = 64, .max = 60, .example = "[TH 12345]")
ROW(TechOffer, partnership_type, EXPECTED, "What is sought", .items = 7, .example = "[licence, joint venture]")
ROW(TechOffer, partner_sought, EXPECTED, "Whom one looks for", .example = "{type: [company, sme], role: licensee}")
ROW(TechOffer, licence_terms, OPTIONAL, "Terms of a licence", .example = "{exclusive: false, price model: negotiable}", .answers = "territory")
ROW(TechOffer, transfer_form, OPTIONAL, "How it is handed over", .items = 6, .example = "[training, documents]")
ROW(TechOffer, anonymous, OPTIONAL, "true: the owner is not named", .example = "true")
ROW(TechOffer, broker, OPTIONAL, "Who speaks for the owner", .example = "{name: Technology transfer office, country: TH}")
ROW(TechOffer, export_control_checked, OPTIONAL, "true: checked for dual use", .example = "true")
ROW(TechRequest, problem_statement, EXPECTED, "What is to be solved", .max = 4000, .example = "The problem, and what has been tried.")
ROW(TechRequest, trl, EXPECTED, "Technology readiness wanted, 1 to 9", .example = "6 to 9", .answers = "trl wanted|readiness")
ROW(TechRequest, nace, OPTIONAL, "Branches of industry, NACE 2.1", .format = ANNOUNCEMENT_NACE, .items = 30, .example = "[E, 36]")
ROW(TechRequest, keywords_tech, OPTIONAL, "About the technology", .items = 15, .max = 100, .example = "[leak detection]")
ROW(TechRequest, keywords_market, OPTIONAL, "About the market", .items = 15, .max = 100, .example = "[municipal water]")
ROW(TechRequest, partnership_type, EXPECTED, "What is offered to the partner", .items = 7, .example = "[commercial with assistance]")
ROW(TechRequest, partner_sought, EXPECTED, "Whom one looks for", .example = "{type: company, role: supplier}")
ROW(TechRequest, licence_terms, OPTIONAL, "Terms of a licence", .example = "{exclusive: false}", .answers = "ip terms")
ROW(TechRequest, transfer_form, OPTIONAL, "How it is handed over", .items = 6, .example = "[demonstration, training]")
ROW(TechRequest, anonymous, OPTIONAL, "true: the asker is not named", .example = "true")
ROW(TechRequest, broker, OPTIONAL, "Who speaks for the asker", .example = "{name: Technology transfer office, country: ZA}")
ROW(TechRequest, export_control_checked, OPTIONAL, "true: checked for dual use", .example = "true")
ROW(TechRequest, response_form, EXPECTED, "How to answer: interest, template, proposal", .example = "interest")

ROW(Milestone, what, EXPECTED, "groundbreaking, phase open, opening, new building, call for tenants")
ROW(Milestone, date, EXPECTED, "When")
ROW(Milestone, phase, OPTIONAL, "Of which phase", .max = 200)
ROW(Milestone, text, OPTIONAL, "What the other keys do not tell")
ROW(Area, value, REQUIRED, "How much")
ROW(Area, unit, REQUIRED, "ha, m2, acre")
ROW(Space, type, EXPECTED, "lab, office, plant, land")
ROW(Space, m2, OPTIONAL, "Square metres", .max = UINT32_MAX)
ROW(Space, available_from, OPTIONAL, "From when")
ROW(Space, price, OPTIONAL, "The rent")
ROW(InvestmentShare, party, OPTIONAL, "Its country, or its name as in parties", .max = 200)
ROW(InvestmentShare, money, REQUIRED, "Its share")
ROW(Investment, total, OPTIONAL, "All of it")
ROW(Investment, split, OPTIONAL, "Who gives what", .items = 32)
ROW(ParkOpening, park, EXPECTED, "The park", .example = "{name: Name of the park, country: LK}")
ROW(ParkOpening, place, EXPECTED, "Where it is", .example = "{city: Homagama, country: LK}")
ROW(ParkOpening, milestone, EXPECTED, "What happens when", .items = 32, .example = "{what: opening, date: 2027-04}")
ROW(ParkOpening, area, OPTIONAL, "How large", .example = "{value: 50, unit: acre}")
ROW(ParkOpening, target_sectors, EXPECTED, "Codes of NACE (C, 21) or names", .items = 32, .example = "[21, nanotechnology]")
ROW(ParkOpening, facilities, OPTIONAL, "What tenants may use", .items = 200, .example = "[pilot plant]")
ROW(ParkOpening, spaces, OPTIONAL, "What is free, from when, at what price", .items = 200, .example = "{type: lab, m2: 200, available from: 2027-06}", .answers = "spaces available|rent")
ROW(ParkOpening, incentives, OPTIONAL, "What tenants get", .max = 4000, .example = "Reduced rent in the first year.")
ROW(ParkOpening, soft_landing, OPTIONAL, "true: help for foreign companies", .example = "true")
ROW(ParkOpening, investment, OPTIONAL, "What was spent", .example = "{total: {amount: 2081500000 LKR, per: total}}")

ROW(Capacity, value, OPTIONAL, "How much")
ROW(Capacity, unit, OPTIONAL, "hours, shifts, node hours")
ROW(Capacity, per, OPTIONAL, "Per year, per project, …")
ROW(Capacity, share_foreign, OPTIONAL, "Percent for users from abroad")
ROW(Capacity, text, OPTIONAL, "What the figures do not tell")
ROW(AccessRoute, name, EXPECTED, "Its name", .max = 200)
ROW(AccessRoute, max_request, OPTIONAL, "How much one may ask for", .max = 300)
ROW(AccessRoute, deadline, OPTIONAL, "Until when", .items = 16)
ROW(AccessRoute, who, OPTIONAL, "For whom")
ROW(Fee, free, OPTIONAL, "true: free of charge")
ROW(Fee, money, OPTIONAL, "What it costs", .items = 16)
ROW(Fee, text, OPTIONAL, "What the figures do not tell")
ROW(DataPolicy, embargo_months, OPTIONAL, "Months until data are open", .max = 600)
ROW(DataPolicy, licence, OPTIONAL, "SPDX", .format = ANNOUNCEMENT_LICENCE)
ROW(DataPolicy, url, OPTIONAL, "Where it can be read", URL)
ROW(DataPolicy, text, OPTIONAL, "What the other keys do not tell")
ROW(SharedResource, resource_type, EXPECTED, "What it is", .example = "telescope time")
ROW(SharedResource, equipment, EXPECTED, "Its name and what it can do", .items = 200, .example = "[Name of the instrument]", .answers = "equipment list")
ROW(SharedResource, availability, EXPECTED, "When it can be used", .example = "2027-08 to 2028-07", .answers = "availability start")
ROW(SharedResource, capacity, OPTIONAL, "How much there is", .example = "{value: 900, unit: hours, per: year}")
ROW(SharedResource, access_routes, EXPECTED, "The ways to get access", .items = 32, .example = "{name: open call}", .answers = "access route")
ROW(SharedResource, fee, EXPECTED, "free, or what it costs", .example = "free")
ROW(SharedResource, remote_access, OPTIONAL, "true: without travelling", .example = "true")
ROW(SharedResource, training_required, OPTIONAL, "true: users are trained first", .example = "true")
ROW(SharedResource, safety, OPTIONAL, "What users must know", .example = "Radiation protection course.")
ROW(SharedResource, data_policy, OPTIONAL, "Whose the data are", .example = "{embargo months: 12}")
ROW(SharedResource, oversubscription, OPTIONAL, "Requests per place in the last cycle", .example = "4.9")
ROW(SharedResource, last_cycle_use, OPTIONAL, "What it was used for", .example = "About 900 hours for teams from 15 countries.")

ROW(ProgrammeItem, time, OPTIONAL, "When")
ROW(ProgrammeItem, item, REQUIRED, "What", .max = 500)
ROW(Cost, item, REQUIRED, "What for", .max = 300)
ROW(Cost, paid_by, OPTIONAL, "sender, host or self")
ROW(Cost, money, OPTIONAL, "How much")
ROW(NumberOfAwards, number, OPTIONAL, "15, up to 15, 10 to 15")
ROW(NumberOfAwards, per, OPTIONAL, "Per year, …")
ROW(NumberOfAwards, text, OPTIONAL, "What the number does not tell", .max = 300)
ROW(Consortium, partners, OPTIONAL, "How many partners")
ROW(Consortium, countries, OPTIONAL, "From how many countries")
ROW(Consortium, team, OPTIONAL, "How many people")
    {0},
    /* clang-format on */
};

/* Where the rule of a field stands; made once, by the address of the field's descriptor. */
#define PLACES 2048 /* several times the number of rules */

static struct place {
    const ProtobufCFieldDescriptor *field;
    const struct announcement_rule *rule;
} places[PLACES];
static pthread_once_t places_made = PTHREAD_ONCE_INIT;

/* Which fields of a type may be required; likewise. */
#define TYPES 256       /* several times the number of types */
#define TYPE_FIELDS 128 /* none has more */

static struct type {
    const ProtobufCMessageDescriptor *type;
    uint8_t required[TYPE_FIELDS / 8];
} types[TYPES];

static struct place *place_of(const ProtobufCFieldDescriptor *field)
{
    size_t at = (size_t)((uintptr_t)field / sizeof *field) % PLACES;

    while (places[at].field && places[at].field != field)
        at = (at + 1) % PLACES;
    return &places[at];
}

static struct type *type_of(const ProtobufCMessageDescriptor *type)
{
    size_t at = (size_t)((uintptr_t)type / sizeof *type) % TYPES;

    while (types[at].type && types[at].type != type)
        at = (at + 1) % TYPES;
    return &types[at];
}

static const struct announcement_rule *find(const ProtobufCMessageDescriptor *type,
                                            const ProtobufCFieldDescriptor *field)
{
    for (const struct announcement_rule *rule = announcement_rules; rule->message; rule++)
        if (strcmp(rule->message, type->short_name) == 0 && strcmp(rule->field, field->name) == 0)
            return rule;
    return NULL;
}

/* The type and all that it is made of. */
static void make_places_of(const ProtobufCMessageDescriptor *type)
{
    struct type *known = type_of(type);

    assert(type->n_fields <= TYPE_FIELDS);
    known->type = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        struct place *place = place_of(field);

        if (place->field)
            continue;
        *place = (struct place){field, find(type, field)};
        if (place->rule && (place->rule->level == ANNOUNCEMENT_REQUIRED ||
                            place->rule->otherwise == ANNOUNCEMENT_REQUIRED))
            known->required[i / 8] |= (uint8_t)(1u << i % 8);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            make_places_of(field->descriptor);
    }
}

static void make_places(void)
{
    make_places_of(&caravan__announcement__descriptor);
}

const uint8_t *announcement_required_of(const ProtobufCMessageDescriptor *type)
{
    const struct type *known;

    pthread_once(&places_made, make_places);
    known = type_of(type);
    return known->type ? known->required : NULL;
}

const struct announcement_rule *announcement_rule_of(const ProtobufCMessageDescriptor *type,
                                                     const ProtobufCFieldDescriptor *field)
{
    const struct place *place;

    pthread_once(&places_made, make_places);
    place = place_of(field);
    return place->field ? place->rule : find(type, field);
}
