/* view_waiting: the inbox's memory: what may have to be told (subjects), whether somebody has
 * looked at it since something happened to it, and what was found (things), in order of arrival.
 * view_index notes subjects and what happens to them while it reads the ledger; view_inbox looks.
 * So a thing costs a look when it comes and when something happens to it, not when somebody asks.
 *
 * A subject is one of these:
 *
 *   source   key (view_table_key)            things
 *   ANSWER   the answer                      the answer, when it is to an announcement of ours
 *   NAMING   an announcement that names us   a request to confirm
 *   LINK     an announcement that links ours that we may link back
 *   PARTNER  entry 1 of a feed               a new partner
 *   SPOKEN   one of ours, spoken of          proposals and refusals, of 64 sides at most
 *
 * Peers choose how many there are of the first three: of each institution and source the newest
 * VIEW_WAITING_MAX (by number of the key) are kept and looked at; of the others is known how many
 * there are. A subject and its thing take some 130 bytes, so 1 MB for each institution and source
 * at most; one that is not kept takes 24 bytes, and has an entry in the ledger.
 *
 * Only view*.c include it. Threads: one at a time. */
#ifndef CORE_VIEW_WAITING_H
#define CORE_VIEW_WAITING_H

#include "node/core/view_table.h"

#define VIEW_WAITING_MAX 8192u

enum view_waiting_source {
    VIEW_WAITING_ANSWER,
    VIEW_WAITING_NAMING,
    VIEW_WAITING_LINK,
    VIEW_WAITING_PARTNER,
    VIEW_WAITING_SPOKEN,
    VIEW_WAITING_SOURCES
};

/* What was found. feed, seq: of the entry that brought it. */
struct view_thing {
    uint32_t arrival;
    uint32_t feed, seq;
    uint32_t subject; /* place in subjects, from 1 */
    uint32_t next;    /* of the same subject; in things, from 1; 0: none. When it is free: free */
    uint32_t beside;  /* brought by the same entry; likewise */
    uint8_t kind;     /* enum view_inbox_kind */
    bool withdrawn, to_do, read;
};

struct view_subject {
    uint64_t key;                    /* 0: it is free */
    uint32_t things;                 /* the first; in things, from 1; 0: none */
    uint32_t next_queued;            /* in subjects, from 1; 0: the last one, or it is not queued */
    uint32_t arrival, about;         /* of an answer: its own, and the seq of ours that it names */
    uint32_t next_about, last_about; /* … a list of those that name the same */
    uint8_t source;
    bool queued;
};

/* Subjects of one source of one institution. */
struct view_waiting_feed {
    uint32_t feed;
    uint8_t source;
    uint32_t *heap; /* those that are kept, the one with the lowest key first */
    uint32_t count, capacity;
    uint64_t noted; /* with those that are not kept */
};

/* Things of VIEW_DRAWER arrivals, in the order of arrivals; of one arrival the first kind last. */
#define VIEW_DRAWER 1024u
struct view_drawer {
    uint32_t *places; /* in things, from 1 */
    uint32_t count, capacity, unread;
};

/* Zeroed is valid and empty. */
struct view_waiting {
    struct view_table places[VIEW_WAITING_SOURCES]; /* key -> place in subjects, from 1; one with
                                                       another key: it is not kept */
    struct view_table about;   /* seq of ours -> the first answer to it, in subjects */
    struct view_table feed_of; /* feed and source -> place in feeds, from 1 */
    struct view_table brought; /* entry -> the first thing that it has brought, in things */
    struct view_subject *subjects;
    struct view_thing *things;
    struct view_waiting_feed *feeds;
    struct view_drawer *drawers;
    uint32_t subject_count, subject_capacity, thing_count, thing_capacity;
    uint32_t feed_count, feed_capacity, drawer_count;
    uint32_t free_thing, free_subject; /* lists by next, and by next_queued */
    uint32_t queued, last_queued;      /* the subjects that somebody must look at, oldest first */
    uint64_t count, unread, to_do;     /* of the things that there are */
    /* How far view_inbox has looked for links to ours. */
    uint32_t link_at, link_version;
    uint8_t link_passes;
};

void view_waiting_finish(struct view_waiting *waiting);

/* There is such a subject: it must be looked at (again). false when memory ran out: do it again. */
bool view_waiting_add(struct view_waiting *waiting, enum view_waiting_source source, uint64_t key);
bool view_waiting_add_answer(struct view_waiting *waiting, uint64_t key, uint32_t arrival,
                             uint32_t about);
/* Something happened to an entry: whatever depends on it must be looked at again. */
void view_waiting_touch(struct view_waiting *waiting, uint64_t key);
/* An announcement of ours is here: answers to it may be things now. */
void view_waiting_touch_answers(struct view_waiting *waiting, uint32_t seq);
/* A feed is forgotten, since its entries are told anew: so are its subjects, and what it has said
 * of ours is looked at again; when it is our own (own), everything is. */
void view_waiting_forget(struct view_waiting *waiting, uint32_t feed, bool own);

/* The next subject to look at; 0: none. It stays so until view_waiting_set. */
uint32_t view_waiting_next(const struct view_waiting *waiting);
const struct view_subject *view_waiting_subject(const struct view_waiting *waiting, uint32_t place);
/* What an entry has brought to a subject before; NULL: nothing. */
const struct view_thing *view_waiting_known(const struct view_waiting *waiting, uint32_t subject,
                                            uint32_t feed, uint32_t seq);
/* Somebody has looked: these are its things now (subject, next and beside are filled here). false
 * when memory ran out: it must be looked at again. */
bool view_waiting_set(struct view_waiting *waiting, uint32_t subject,
                      const struct view_thing *things, size_t count);

/* The first thing that an entry has brought; NULL: none. */
const struct view_thing *view_waiting_find(const struct view_waiting *waiting, uint64_t entry);
/* What an entry has brought was read, or was not. */
void view_waiting_mark(struct view_waiting *waiting, uint64_t entry, bool read);
/* Going through the things, the latest to arrive first. Borrowed until anything changes. */
struct view_waiting_at {
    uint32_t drawer, rest; /* so many of this drawer are to come */
};
/* before: only from before this arrival; 0: all. */
struct view_waiting_at view_waiting_start(const struct view_waiting *waiting, uint64_t before);
/* NULL: that was all. unread: passes over those that were read. */
const struct view_thing *view_waiting_step(const struct view_waiting *waiting,
                                           struct view_waiting_at *at, bool unread);

#endif
