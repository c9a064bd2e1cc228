/* What the files of eligible share; nobody else includes it. */
#ifndef COMMON_ELIGIBLE_PARTS_H
#define COMMON_ELIGIBLE_PARTS_H

#include "common/eligible.h"

enum eligible_place {
    ELIGIBLE_ALL,    /* the announcement's list */
    ELIGIBLE_SIDE,   /* a party's list */
    ELIGIBLE_SOUGHT, /* partner sought */
    ELIGIBLE_LICENCE /* licence terms */
};
#define ELIGIBLE_PLACES 4

#define ELIGIBLE_HAS_TEXT 1u
#define ELIGIBLE_HAS_OWNERS 2u  /* an ownership rule */
#define ELIGIBLE_HAS_PERSON 4u  /* age, degree, career or languages */
#define ELIGIBLE_MIRRORED 1u    /* of the head */
#define ELIGIBLE_NOT_STATED 2u  /* … the author says: which countries */
#define ELIGIBLE_COUNTRY_SIZE 2 /* a country as it stands in the bytes; zeros: no code */

/* The bytes of eligible_rules: the head; the countries concerned; those of the parties; rows. */
struct eligible_head {
    uint16_t concerned, sides, rows, flags;
    uint16_t partners_min, countries_min; /* of a consortium */
};

/* One row, and behind it its countries, then those of the owners. */
struct eligible_row {
    uint8_t place, who, flags, percent;
    uint16_t party, index; /* from 1 */
    uint16_t types, min_countries, countries, owners;
};

_Static_assert(sizeof(struct eligible_head) == 12 && sizeof(struct eligible_row) == 16,
               "equal rules are equal bytes: no padding");

/* --- weighing (eligible.c), and saying why (eligible_why.c) ------------------------------------
 */

/* A row as it stands in the bytes. */
struct eligible_rule {
    struct eligible_row row;
    const uint8_t *countries, *owners;
};

/* Bytes of eligible_rules, taken apart. */
struct eligible_sheet {
    struct eligible_head head;
    const uint8_t *concerned, *sides;
    struct span rows;
};

/* Of two rows that say no, the one that comes later here is nearer to a yes, and is named. */
enum eligible_reason {
    ELIGIBLE_WHY_NOT_COUNTRIES,
    ELIGIBLE_WHY_NOT_SIDE,
    ELIGIBLE_WHY_NOT_TYPES,
    ELIGIBLE_WHY_NOT_OWNERS,
    ELIGIBLE_WHY_NOTHING_STATED,
    ELIGIBLE_WHY_SIDE_SILENT,
    ELIGIBLE_WHY_COUNTRIES_NOT_STATED,
    ELIGIBLE_WHY_COUNTRY_NOT_KNOWN,
    ELIGIBLE_WHY_NOT_CONCERNED,
    ELIGIBLE_WHY_TYPES_NOT_KNOWN,
    ELIGIBLE_WHY_SIZE_NOT_KNOWN,
    ELIGIBLE_WHY_ONLY_TEXT,
    ELIGIBLE_WHY_OWNERS_NOT_KNOWN,
    ELIGIBLE_WHY_CONSORTIUM,
    ELIGIBLE_WHY_CALL_CONSORTIUM,
    ELIGIBLE_WHY_MIRRORED,
    ELIGIBLE_WHY_FITS,
};

struct eligible_verdict {
    enum eligible_answer answer;
    enum eligible_reason reason;
    struct eligible_rule rule; /* none: all zero */
};

struct eligible_asking {
    struct eligible_sheet rules;
    const struct eligible_institution *us;
    bool sided; /* parties of two or more countries: each side has its own terms */
    bool ours;  /* one of them is of our country */
    enum eligible_reason concerned; /* of rows that name no countries */
};

/* What must all fit: announcement, side, licence, consortium, mirror. */
#define ELIGIBLE_PARTS_MAX 5

struct eligible_weighed {
    struct eligible_verdict parts[ELIGIBLE_PARTS_MAX];
    size_t count;
};

bool eligible_has_country(const uint8_t *countries, size_t count, const char *country);
/* The country of the institution that asks. */
bool eligible_knows_country(const struct eligible_asking *asking);
/* Is this party, from 1, of its country? */
bool eligible_is_ours(const struct eligible_asking *asking, size_t party);
const uint8_t *eligible_side_country(const struct eligible_sheet *sheet, size_t party);

/* The sentence for a verdict, the one among `weighed` that decides. why: ELIGIBLE_WHY_SIZE bytes.
 */
void eligible_why(const struct eligible_asking *asking, const struct eligible_weighed *weighed,
                  const struct eligible_verdict *verdict, const Caravan__Announcement *announcement,
                  char *why);

#endif
