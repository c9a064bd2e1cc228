/* difference: what has changed between two messages of one type, field by field, as people read it.
 *
 *     deadline                 2026-05-15 16:00 Asia/Bangkok -> 2026-06-15 16:00 Asia/Bangkok
 *     parties / RSF / money    up to 1500000 CNY -> up to 2000000 CNY
 *     title / zh               (was not there) -> …
 *
 * A path is made of the keys that people write and, in lists, of what tells the parts apart: a
 * name, a language, a country, else the position (from 1, in `before` unless it was not there).
 * Values are those that YAML shows (codec.h). Parts of lists are paired by what they are (parties
 * by feed, ROR, name; deadlines by what and whose; texts by language; see the table in
 * difference_list.c), equal ones first, others by their place: a part that was put in or taken out
 * is one change. Another order of the same parts is one change ("parties / order"). Fields that
 * this version does not know are compared, too, by their bytes.
 *
 * No change means: both messages pack to the same bytes. The work is n log n in the size of both,
 * times their depth; there are at most as many changes as both have fields.
 *
 * Ownership: the list and all texts live in the arena that was handed in. Threads: no shared state.
 */
#ifndef COMMON_DIFFERENCE_H
#define COMMON_DIFFERENCE_H

#include "common/arena.h"
#include "common/error.h"

#define DIFFERENCE_PATH_SIZE 512

/* The path is ready for a terminal, and cut when it is very long; the values are as they were
 * written. NULL: there was, or is, no such value. */
struct difference_change {
    const char *path;
    const char *before;
    const char *after;
};

struct difference_list {
    const struct difference_change *items; /* in the schema's order of fields */
    size_t count;
};

/* language: what plain texts are in where the messages do not say it themselves (of a part of an
 * announcement, the language of that one); may be NULL. Returns 0, or ERROR_MEMORY when memory runs
 * out or the arena is full (LIMIT_ARENA_SIZE is enough for two contents of the largest size). *out
 * is set on success only. */
int difference_find(const ProtobufCMessage *before, const ProtobufCMessage *after,
                    const char *language, struct arena *arena, struct difference_list *out,
                    struct error *error);

/* Appends [{"path": …, "before": …, "after": …}, …] in one line; what was not there is null. false
 * when memory runs out. */
bool difference_write_json(const struct difference_list *list, struct buffer *out);

/* --- long texts ------------------------------------------------------------------------------- */

/* A piece of two texts: `same` stands in both (before and after are equal); else what stood there
 * before and what stands there now, one of which may be empty. */
struct difference_piece {
    bool same;
    struct span before, after;
};

/* Where two texts differ: pieces that make up both texts when they are put together, in the arena.
 * Pieces begin and end between words, in writings without spaces between letters with their marks.
 * Texts with very many differences come as one piece between what they share at both ends. Returns
 * false when memory runs out. */
bool difference_text(const char *before, const char *after, struct arena *arena,
                     struct difference_piece **pieces, size_t *count);

#endif
