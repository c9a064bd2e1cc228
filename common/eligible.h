/* eligible: may an institution apply? From countries, kinds of organisation, who must own it, and
 * what a consortium needs; never from texts, which only people can weigh.
 *
 * NO: a rule rules it out, and is named. YES: nothing more is needed than the conditions that are
 * named. UNKNOWN: nothing rules it out, but something is not stated, is stated as text only, is not
 * known of the institution, or others must apply with it. So a mirrored call, or one for a
 * consortium, is never a plain yes: partners have to be found.
 *
 * How the rules are read:
 * - The rows of one list are alternatives, each a kind of applicant: one row that fits is enough.
 *   Rows for persons count only in a list that has no others: a natural person who may apply, too,
 *   is not the institution. Alone they speak of the people whom it may send; age, degree, career
 *   and languages are then conditions, countries and kinds of organisation rules as elsewhere.
 * - The list of the announcement holds for everybody, that of a party for its side: both must fit.
 *   One applies on the side of one's own country; without such a side, on any that takes one in. In
 *   an announcement with parties of two or more countries, a side's row that names no countries is
 *   for its own.
 * - A row that names no countries elsewhere is for the countries concerned (`countries` and those
 *   of the parties); who is not among them cannot tell. Where nobody states who may apply, it
 *   cannot be told at all: `countries` says whom it concerns, not who may apply. Of a technology
 *   offer or request, `partner sought` then stands for the rules.
 * - A small or medium company is a company; whether a company is small or medium is not known.
 * - Who owns an institution is not known, so a rule about that is never a yes. It is a no where
 *   another country must own more than half of what nobody owns in shares: of a ministry, a
 *   university, an institute, a foundation, an association.
 * Parties inside the details (the host of a visit) state no rules of their own here.
 *
 * It speaks of rules only: whether it is open is announcement_state_at. Threads: no shared state.
 */
#ifndef COMMON_ELIGIBLE_H
#define COMMON_ELIGIBLE_H

#include "common/bytes.h"
#include "common/error.h"
#include "proto/announcement.pb-c.h"

enum eligible_answer { ELIGIBLE_UNKNOWN, ELIGIBLE_YES, ELIGIBLE_NO };

struct eligible_institution {
    char country[3]; /* ISO 3166-1 alpha-2; "" when not known */
    uint16_t types;  /* ELIGIBLE_TYPE of each; 0 when not known */
};

/* The bit of an OrganisationType; all that this version does not know share one. */
#define ELIGIBLE_TYPE(type) ((uint16_t)(1u << ((unsigned)(type) < 15u ? (unsigned)(type) : 15u)))

/* country may be NULL, or no code: then it is not known. */
void eligible_institution_init(struct eligible_institution *institution, const char *country,
                               const Caravan__OrganisationType *types, size_t count);

const char *eligible_name(enum eligible_answer answer); /* "yes", "no", "unknown" */

/* Longer sentences end with "...". */
#define ELIGIBLE_WHY_SIZE 512

struct eligible {
    enum eligible_answer answer;
    char why[ELIGIBLE_WHY_SIZE]; /* one sentence, with the path of the rule as `check` writes it */
};

/* ERROR_MEMORY only. */
int eligible_check(const Caravan__Announcement *announcement,
                   const struct eligible_institution *institution, struct eligible *out,
                   struct error *error);

/* --- without the announcement ------------------------------------------------------------------
 */

/* Appends what the answer depends on: the same bytes for the same rules. false when memory ran out.
 */
bool eligible_rules(const Caravan__Announcement *announcement, struct buffer *out);
/* The answer that eligible_check gives. rules: bytes of eligible_rules. */
enum eligible_answer eligible_by_rules(struct span rules,
                                       const struct eligible_institution *institution);

#endif
