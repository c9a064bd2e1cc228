/* view_voices: which institution has said what of which announcement, its own or another's: a
 * confirmation, a proposal, an outcome. Of each institution only the newest entry of each type
 * counts, so however much somebody says, it takes one place here (16 bytes) and one look-up. The
 * contents stay in the ledger. Only view*.c include it. Threads: one at a time. */
#ifndef CORE_VIEW_VOICES_H
#define CORE_VIEW_VOICES_H

#include "node/core/view_table.h"

struct view_voice {
    uint32_t feed; /* number of the feed that speaks */
    uint32_t seq;  /* of its newest entry of this type about the announcement; 0: forgotten */
    uint32_t type; /* ContentType */
    uint32_t next; /* about the same announcement; in voices->items, counted from 1; 0: none */
};

/* Zeroed is valid and empty. */
struct view_voices {
    struct view_table first; /* feed and seq of the announcement -> place in items, from 1 */
    struct view_voice *items;
    size_t count, capacity;
};

void view_voices_finish(struct view_voices *voices);
/* Entry `seq` of feed number `feed` says something of the announcement. An older one than what is
 * known changes nothing. false when memory ran out: nothing changed. */
bool view_voices_add(struct view_voices *voices, uint64_t announcement, uint32_t feed, uint32_t seq,
                     uint32_t type);
/* The feed has said nothing: its entries are read anew. What it says again takes the old places. */
void view_voices_forget(struct view_voices *voices, uint32_t feed);
/* The first voice about the announcement (its view_table_key); NULL: nobody has said anything. */
const struct view_voice *view_voices_first(const struct view_voices *voices, uint64_t announcement);
const struct view_voice *view_voices_next(const struct view_voices *voices,
                                          const struct view_voice *voice);
/* The one of this feed and type; NULL: it has not said such a thing. */
const struct view_voice *view_voices_find(const struct view_voices *voices, uint64_t announcement,
                                          uint32_t feed, uint32_t type);

#endif
