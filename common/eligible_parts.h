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

#endif
