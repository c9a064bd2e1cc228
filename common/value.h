/* value: a text in YAML or JSON as a tree of texts, lists and maps, before any meaning is given.
 *
 * Nothing is guessed: every scalar stays the text that was written. Refused are anchors, aliases,
 * tags, several documents, keys that are not plain text, texts with a NUL, nesting deeper than
 * VALUE_DEPTH and inputs above LIMIT_YAML_SIZE. The same tree is what gets written.
 *
 * Ownership: everything lives in the arena that was handed in. Threads: no shared state. */
#ifndef COMMON_VALUE_H
#define COMMON_VALUE_H

#include "common/arena.h"
#include "common/problem.h"

/* Twice the depth of any message: a list around every message. */
#define VALUE_DEPTH 24

enum value_kind {
    VALUE_TEXT, /* YAML: any scalar; JSON: a string */
    VALUE_RAW,  /* JSON: number, true, false, null; when written: stands as it is */
    VALUE_LIST,
    VALUE_MAP,
};

struct value {
    enum value_kind kind;
    bool quoted;           /* read: it was in quotes; written: it is text, never a number or date */
    unsigned line, column; /* from 1; 0 when not read from a text */
    const char *text;      /* TEXT and RAW, with a NUL behind it; else "" */
    size_t size;
    struct value *first, *last, *next; /* children of LIST and MAP, in order */
    size_t count;
    const char *key; /* of a child of a MAP; may occur twice, the reader of the tree decides */
    unsigned key_line, key_column;
};

/* Both return 0 and *root, or ERROR_INVALID and problems, or ERROR_MEMORY when the arena is full.
 */
int value_read_yaml(struct span text, struct arena *arena, struct value **root,
                    struct problem_list *problems);
int value_read_json(struct span text, struct arena *arena, struct value **root,
                    struct problem_list *problems);

/* Append to the buffer; false when memory runs out. YAML is in block style, short lists of scalars
 * in one line; values that YAML readers would take for something else stand in quotes. */
bool value_write_yaml(const struct value *root, struct buffer *out);
bool value_write_json(const struct value *root, struct buffer *out); /* one line, no line end */

/* For building trees; NULL when the arena is full. */
struct value *value_new(struct arena *arena, enum value_kind kind);
struct value *value_new_text(struct arena *arena, enum value_kind kind, const char *text,
                             size_t size);
void value_append(struct value *parent, struct value *child);

/* The child with exactly this key, or NULL. */
const struct value *value_get(const struct value *map, const char *key);

#endif
