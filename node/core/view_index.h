/* view_index: what view*.c look things up in. Contents stay in the ledger; here is, in memory,
 *
 * - what is little: names of feeds, which announcements were changed by what (view_fold), and who
 *   has said something of them (view_voices). It is read from the ledger by type, so it is complete
 *   at once, also right after a start;
 * - the records: for every entry of the ledger, in order of arrival, what lists pick by: 20 bytes
 *   and two bits. They are read in chunks of VIEW_CHUNK entries, newest first, when somebody wants
 *   a list: the newest page needs one chunk, the total number all of them.
 *
 * It follows the ledger by arrival, and starts again when the ledger is another one. A feed of
 * which entries were quarantined, or something was erased that is known here, is forgotten and read
 * anew at the next update, by itself: whoever orders much of that makes us read what he has
 * published, not the ledger. Nothing of it stays here but the facets that it shared with others
 * (view_blocks). A catalogue on disk may take its place: only view*.c include it. Threads: one at a
 * time.
 *
 * Files: view_index_tell.c (what entries tell of others), view_index_links.c,
 * view_index_records.c, view_index_again.c (forgetting a feed and reading it anew). */
#ifndef CORE_VIEW_INDEX_H
#define CORE_VIEW_INDEX_H

#include "common/eligible.h"
#include "common/map.h"
#include "node/core/ports.h"
#include "node/core/view_blocks.h"
#include "node/core/view_dates.h"
#include "node/core/view_fold.h"
#include "node/core/view_links.h"
#include "node/core/view_voices.h"
#include "node/core/view_waiting.h"
#include "proto/announcement.pb-c.h"

/* Entries that are read in one go, some 30 ms of work: what a request may wait for another. */
#define VIEW_CHUNK 8192u
/* … or fewer, when their contents have so many bytes: large ones cost by the byte. */
#define VIEW_CHUNK_BYTES ((size_t)4 * 1024 * 1024)
/* Feeds that the entries of one feed may make known by naming them, though nothing of them is here:
 * about 1 MB. What names more of them is passed over. */
#define VIEW_STRANGERS_MAX 4096u

enum view_sort {
    VIEW_ANNOUNCEMENT,
    VIEW_CHANGE, /* revision or withdrawal */
    VIEW_OTHER,
    VIEW_SEALED, /* what we cannot read, or cannot any more; see view_parts_is_base */
    VIEW_UNKNOWN /* of a type that this version does not know */
};

/* In feed_sort the sort stands above the number of the feed. */
#define VIEW_SORT_SHIFT 28

struct view_record {
    uint32_t seq;            /* 0: no entry has this arrival any more */
    uint32_t feed_sort;      /* number of the feed, and its enum view_sort */
    uint32_t value;          /* announcement: view_keys; change: seq of what it names */
    struct view_dates dates; /* of an announcement */
};

uint32_t view_record_feed(const struct view_record *record);
enum view_sort view_record_sort(const struct view_record *record);

/* Arrivals VIEW_CHUNK * n + 1 … VIEW_CHUNK * (n + 1) for chunk n. */
struct view_chunk {
    struct view_record *records; /* NULL: none was read */
    uint32_t read;               /* so many arrivals, from the chunk's first on */
};

/* A set of seqs. */
struct view_bits {
    uint8_t *bytes;
    size_t size;
};

bool view_bits_has(const struct view_bits *bits, uint32_t seq);

struct view_feed {
    struct id id;
    uint32_t number;                         /* place in index->feeds */
    char handle[LIMIT_HANDLE_SIZE + 1];      /* of the newest profile; "" when none */
    struct eligible_institution institution; /* the newest profile's */
    uint64_t profile_seq;
    bool seen;                      /* an entry of it was read; false: others have named it */
    size_t links;                   /* of its announcements, in index->links */
    struct view_bits changed;       /* announcements that something names */
    struct view_bits announcements; /* among the records that were read */
    struct view_bits linked;        /* … those that have a place in index->links */
    struct view_bits known;         /* entries that can be erased, and of which something is here */
    uint64_t quarantined;           /* as its store_feed had it when that was looked at */
    uint32_t strangers;             /* feeds that are known only because it has named them */
    bool again;                     /* it is to be forgotten, and read anew */
};

struct view_index {
    struct store store;
    struct id own;
    bool own_only;       /* knows nothing of other feeds, and has no records */
    bool started, again; /* again: of a feed at least */
    uint8_t ledger[STORE_LEDGER_ID_SIZE];
    uint64_t last_arrival, generation; /* of the ledger, at the last update */
    uint64_t told;                     /* names and changes are known up to here */
    uint64_t wanted;                   /* records up to here are wanted */
    struct map by_id;
    struct view_feed **feeds;
    size_t feed_count, feed_capacity;
    struct view_fold fold;
    struct view_voices voices;
    struct view_blocks facets, rules;
    /* All of revisions; of publications those among the records that were read. */
    struct view_links links;
    /* For the inbox: answers to ours, ours that others speak of, announcements that name us as a
     * party (among the records that were read, and all revisions), and new partners. */
    struct view_waiting waiting;
    struct view_chunk *chunks;
    size_t chunk_count;
    /* Records without content: feed and seq -> arrival. Late content gives them another arrival. */
    struct view_table missing;
};

void view_index_init(struct view_index *index, const struct store *store, const struct id *own,
                     bool own_only);
void view_index_finish(struct view_index *index);
/* Forgets everything; the next update reads it anew. */
void view_index_reset(struct view_index *index);
/* Reads the names and changes that have arrived. After an error what was read stays, and the next
 * call goes on. ERROR_TOO_LARGE above 4,294,967,295 arrivals. */
int view_index_update(struct view_index *index, struct error *error);

/* The newest chunk that is not read as far as there are arrivals up to `last`, at most
 * last_arrival; VIEW_INDEX_COMPLETE when all are. */
#define VIEW_INDEX_COMPLETE SIZE_MAX
size_t view_index_unread(const struct view_index *index, uint64_t last);
/* Reads what is missing in a chunk, up to last_arrival, or the next VIEW_CHUNK_BYTES of it. Errors
 * as view_index_update. */
int view_index_read(struct view_index *index, size_t chunk, struct error *error);

struct view_feed *view_index_feed(const struct view_index *index, const struct id *feed);
/* Of an announcement, for view_voices; 0: nobody can have said anything of it. */
uint64_t view_index_key(const struct view_index *index, const struct id *feed, uint64_t seq);
/* The feed, made known when it is not; NULL when memory ran out. */
struct view_feed *view_index_take_feed(struct view_index *index, const struct id *feed);
/* The same for a feed that an entry of feed `by` names; *out NULL: `by` has named too many of which
 * nothing is here. false when memory ran out. */
bool view_index_name_feed(struct view_index *index, struct view_feed *by, const struct id *feed,
                          struct view_feed **out);
/* What an announcement links, as entry `by` has it, which is in force (announcement NULL: nothing).
 * ERROR_MEMORY only. */
int view_index_link(struct view_index *index, struct view_feed *feed, uint64_t seq, uint64_t by,
                    const Caravan__Announcement *announcement, struct error *error);
/* NULL when the announcement stands as it was published. */
const struct view_folded *view_index_folded(const struct view_index *index,
                                            const struct view_feed *feed, uint64_t seq);

#endif
