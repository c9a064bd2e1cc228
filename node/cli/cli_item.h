/* cli_item: announcements on a terminal and as JSON, for list, show and follow.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_ITEM_H
#define CLI_CLI_ITEM_H

#include "common/arena.h"
#include "common/limits.h"
#include "node/cli/cli.h"
#include "proto/announcement.pb-c.h"
#include "proto/control.pb-c.h"

/* The announcement that an item carries, in the arena; NULL when it cannot be shown. */
const Caravan__Announcement *cli_item_read(const Caravan__Item *item, struct arena *arena);

/* What a table says of one item. Everything is borrowed from the item, the arena and `when`. */
struct cli_item_row {
    const char *name;
    char kind[64];      /* "joint call"; of other entries "profile" …; "?" */
    const char *state;  /* "open", "withdrawn", …; "" for other entries */
    const char *title;  /* or why it cannot be shown */
    const char *mark;   /* "sealed", "historical", "sample" or "" */
    char countries[64]; /* "CN TH"; those of the parties first */
    const char *also;   /* "cn-demo/12": what is shown as one with it; "": nothing */
    char when[16];      /* last day to apply, "2026-12-31"; "" when none is stated */
    const char
        *apply; /* may the institution that was asked about: "yes", "no", "?"; "" not asked */
    const char *why;
    bool unreadable;
};
void cli_item_row(const Caravan__Item *item, struct arena *arena, int64_t now_ms,
                  struct cli_item_row *row);
/* The kind for a line of text, where "?" says nothing: "announcement". */
const char *cli_item_kind(const struct cli_item_row *row);

/* What happened, of an item of changes or history: "published", "revised", "withdrawn"; of a voice
 * "confirmed", "declined", "refused" (a proposal), "proposed", "outcome", "answered"; "shared" when
 * an earlier announcement may be read now; "entry" for what is no announcement. */
const char *cli_item_event(const Caravan__Item *item);

/* The type of a voice's message (Item.said); NULL: it is no voice. */
const ProtobufCMessageDescriptor *cli_item_said_type(const Caravan__Item *item);

/* Appends all deadlines of an announcement, of its sides, too, each on a line of its own:
 * "2026-12-31 16:00 Asia/Bangkok (full proposal) for DST". false when memory runs out. */
bool cli_item_deadlines(const Caravan__Announcement *announcement, struct buffer *out);

/* "2026-12-31 16:00 Asia/Bangkok", "2026-12-31, time zone not stated"; false when there is no date.
 */
bool cli_item_instant(const Caravan__Instant *instant, struct buffer *out);

/* The item as ProtoJSON, one line without its end: the fields of Item, but instead of content the
 * announcement itself under "announcement"; event (may be NULL) as "event". false when memory runs
 * out. */
bool cli_item_json(const Caravan__Item *item, const char *event, struct arena *arena,
                   struct buffer *out);

/* Prints a JSON text so that nothing in its strings can command a terminal (\u escapes). */
void cli_item_print_json(FILE *out, struct span json);

/* Cleaned text in exactly `columns` columns (see text_fit); 0: all of it, no padding. */
void cli_item_print_fit(FILE *out, const char *text, size_t columns);
/* Columns of the terminal on standard output; 0 when it is none. */
size_t cli_item_terminal_columns(void);

#endif
