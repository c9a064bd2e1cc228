/* view_index_parts: what the view_index*.c share. Only they include it. Threads: as view_index.h.
 */
#ifndef CORE_VIEW_INDEX_PARTS_H
#define CORE_VIEW_INDEX_PARTS_H

#include "common/arena.h"
#include "node/core/view_index.h"

/* One go through entries of the ledger. */
struct view_reading {
    struct view_index *index;
    struct arena arena; /* of the entry at hand */
    struct error *error;
    uint64_t last; /* arrivals above it are left for another time */
    uint64_t next; /* an earlier entry that is to be told again; 0: none */
    size_t bytes;  /* of contents that were read */
    int code;
};

/* view_index.c: false, or NULL, when memory ran out. */
bool view_index_set_bit(struct view_bits *bits, uint32_t seq);

/* view_index_tell.c. Codes stand in reading->code. */
/* What an entry tells of feeds and announcements. */
void view_index_tell(struct view_reading *reading, const struct store_entry *stored);
/* An order to erase: does the index hold something of what it names? Then its feed is to be read
 * again. */
void view_index_heed(struct view_reading *reading, const struct store_entry *stored);
/* The numbers of what a content is filtered by, and its dates. */
int view_index_keys(struct view_reading *reading, struct span content, uint32_t *numbers,
                    struct view_dates *dates);
/* Something happened to an announcement, or it has come: when it is ours, what was said of it
 * before counts for the inbox. */
int view_index_note_own(struct view_reading *reading, const struct view_feed *feed, uint64_t seq);
/* Does it ask our side to confirm? */
int view_index_note_naming(struct view_reading *reading, const struct view_feed *feed,
                           struct span content, uint64_t announcement);
/* Entry `by` says what the announcement links, unless a newer one is in force. */
int view_index_note_links(struct view_reading *reading, struct view_feed *feed, struct span content,
                          uint64_t announcement, uint64_t by);
/* Something of this entry is here, its record at least, that an order to erase would change. */
bool view_index_note_known(struct view_feed *feed, const struct store_entry *stored);

/* view_index_records.c */
/* The place of an arrival; NULL: it was not read. */
struct view_record *view_index_record(const struct view_index *index, uint64_t arrival);
int view_index_fill(struct view_reading *reading, struct view_feed *feed,
                    const struct store_entry *stored, struct view_record *record);

/* view_index_again.c: reads those feeds anew that are to be read again. */
int view_index_read_again(struct view_index *index, struct error *error);
/* Those of which entries were quarantined since the last update are to be read again. */
int view_index_note_quarantine(struct view_index *index, const struct store_info *info,
                               struct error *error);

#endif
