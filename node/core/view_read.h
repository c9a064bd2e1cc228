/* view_read: what stands in entries: reads one state of view.h from the store, with the reason why
 * it cannot be shown, and takes out what view_index keeps. Only view*.c include it. */
#ifndef CORE_VIEW_READ_H
#define CORE_VIEW_READ_H

#include "common/arena.h"
#include "common/filter.h"
#include "node/core/view.h"

struct view_read {
    const struct store *store;
    /* filled: names, event_seq, revised_by, withdrawn_by */
    struct view_state state;
    uint64_t content_seq; /* the announcement or revision whose content is shown */
    bool aside;           /* the event says something of the announcement, and is no step of it */
    view_visitor visit;
    void *context;
};

/* Fills the rest of the state and visits it; *stop: the visitor has had enough. event: the entry
 * event_seq where it is at hand, else NULL. */
int view_read(struct view_read *read, const struct store_entry *event, bool *stop,
              struct error *error);

/* false for content types that this version does not interpret. */
bool view_read_knows_type(uint32_t content_type);

/* Unpacks a content into the arena. *message NULL: it breaks a rule, which stops nothing.
 * ERROR_MEMORY only. */
int view_read_message(const ProtobufCMessageDescriptor *type, struct span content,
                      struct arena *arena, const ProtobufCMessage **message, struct error *error);
/* What an announcement's content is filtered by. */
struct view_read_keys {
    struct filter_facets *facets; /* NULL: it cannot be read; then it is open at no time */
    struct buffer rules;          /* eligible_rules */
    struct announcement_window window;
};
/* The caller finishes it, after an error, too. The arena is for the work. ERROR_MEMORY only. */
int view_read_keys(struct span content, struct arena *arena, struct view_read_keys *out,
                   struct error *error);
void view_read_keys_finish(struct view_read_keys *keys);
/* Does it match by all but the dates and the publisher? */
bool view_read_keys_match(const struct view_read_keys *keys, const Caravan__Filter *filter);

/* Does an announcement's content name this institution as a party? ERROR_MEMORY only. */
int view_read_names(struct span content, const struct id *feed, struct arena *arena, bool *names,
                    struct error *error);

/* What a revision or withdrawal changes. */
struct view_read_change {
    uint64_t target; /* seq, lower than its own; 0: it names none, or cannot be read */
    bool has_content;
    struct span content; /* of a revision; lives as long as the arena */
};
int view_read_change(const struct entry *entry, struct arena *arena, struct view_read_change *out,
                     struct error *error);

/* The message of a voice (view.h): confirmation, proposal, outcome. */
bool view_read_is_voice(uint32_t content_type);
/* … or of an answer, which is for the publisher alone: interest. */
bool view_read_is_answer(uint32_t content_type);
struct view_read_voice {
    struct id feed; /* what it is about; seq 0: it names no announcement, or cannot be read */
    uint64_t seq;
    const ProtobufCMessage *message; /* lives as long as the arena */
};
int view_read_voice(const struct entry *entry, struct arena *arena, struct view_read_voice *out,
                    struct error *error);

/* What sort of entry stands at a seq. */
struct view_read_kind {
    bool found;
    uint32_t type;
    uint64_t target; /* of a change; 0: none */
};
int view_read_kind(const struct store *store, const struct id *feed, uint64_t seq,
                   struct view_read_kind *out, struct error *error);

#endif
