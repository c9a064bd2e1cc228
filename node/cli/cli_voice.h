/* cli_voice: what an institution says of an announcement (Item.said): a confirmation or refusal, a
 * proposal, an outcome, an answer.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_VOICE_H
#define CLI_CLI_VOICE_H

#include "common/arena.h"
#include "node/cli/cli.h"
#include "proto/control.pb-c.h"

/* What it says, in the arena, of the type that cli_item_said_type gives; NULL when it is no voice,
 * or cannot be read. */
const ProtobufCMessage *cli_voice_read(const Caravan__Item *item, struct arena *arena);

/* Makes a voice of an item that is such an entry by itself, so that the others can read it; leaves
 * any other item as it is. */
void cli_voice_alone(Caravan__Item *item);

/* Appends what it says as people write it, without what it is about. Nothing of a confirmation,
 * which says no more, and when it cannot be read. ERROR_MEMORY only. */
int cli_voice_write(const struct cli *cli, const Caravan__Item *item, struct arena *arena,
                    struct buffer *yaml, struct error *error);

/* {"event": …, "handle": …, "seq": …, "created_ms": …, "said": …}: who says it, as which entry of
 * its feed, when, and the message; appended in one line. false when memory runs out. */
bool cli_voice_json(const Caravan__Item *item, struct arena *arena, struct buffer *out);

/* "awarded 12: ten projects and two …", appended. Nothing when it is no outcome. false when memory
 * runs out. */
bool cli_voice_outcome(const Caravan__Item *item, struct arena *arena, struct buffer *out);

/* The side of the announcement (of `now`) whose institution speaks; NULL: it is none. */
const Caravan__Side *cli_voice_side(const Caravan__Item *now, const Caravan__Item *voice);
/* The proposal that the publisher refuses: its feed and number, in the arena; NULL: this refuses
 * none. */
const Caravan__AnnouncementName *cli_voice_refusal(const Caravan__Item *voice, struct arena *arena);
/* … the side that proposed it; NULL: it is none now. */
const Caravan__Side *cli_voice_refused(const Caravan__Item *now,
                                       const Caravan__AnnouncementName *refusal);
/* Is it our own institution that speaks? */
bool cli_voice_is_ours(const Caravan__Item *now, const Caravan__Item *voice);

#endif
