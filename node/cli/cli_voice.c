#include "node/cli/cli_voice.h"

#include "common/announcement.h"
#include "common/codec.h"
#include "common/guard.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_names.h"
#include "proto/answer.pb-c.h"

#include <inttypes.h>
#include <string.h>

const ProtobufCMessage *cli_voice_read(const Caravan__Item *item, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = cli_item_said_type(item);
    ProtobufCMessage *message = NULL;
    struct error error;

    return type && guard_unpack(type, span_of(item->said.data, item->said.len),
                                &guard_limits_content, arena, &message, &error) == ERROR_NONE
               ? message
               : NULL;
}

void cli_voice_alone(Caravan__Item *item)
{
    if (item->problem || !item->has_content || item->has_said)
        return;
    item->has_said = true;
    item->said = item->content;
    item->has_said = cli_item_said_type(item) != NULL;
}

/* Its own copy: what it is about stands elsewhere. */
static void leave_out_about(ProtobufCMessage *message)
{
    if (message->descriptor == &caravan__interest__descriptor) {
        ((Caravan__Interest *)message)->announcement = NULL;
    } else if (message->descriptor == &caravan__outcome__descriptor) {
        ((Caravan__Outcome *)message)->announcement = NULL;
    } else if (message->descriptor == &caravan__proposal__descriptor) {
        ((Caravan__Proposal *)message)->announcement = NULL;
        ((Caravan__Proposal *)message)->has_entry_hash = false;
    }
}

int cli_voice_write(const struct cli *cli, const Caravan__Item *item, struct arena *arena,
                    struct buffer *yaml, struct error *error)
{
    ProtobufCMessage *message = (ProtobufCMessage *)(uintptr_t)cli_voice_read(item, arena);

    if (!message)
        return arena->no_memory ? error_memory(error) : ERROR_NONE;
    if (message->descriptor == &caravan__confirmation__descriptor)
        return ERROR_NONE;
    leave_out_about(message);
    return cli_names_write(cli, message, NULL, yaml, error);
}

bool cli_voice_json(const Caravan__Item *item, struct arena *arena, struct buffer *out)
{
    const ProtobufCMessage *message = cli_voice_read(item, arena);

    return message &&
           buffer_printf(out,
                         "{\"event\": \"%s\", \"handle\": \"%s\", \"seq\": \"%" PRIu64
                         "\", \"created_ms\": \"%" PRIu64 "\", \"said\": ",
                         cli_item_event(item), item->speaker_handle, item->event_seq,
                         item->created_ms) &&
           codec_write_json(message, out) && buffer_append_text(out, "}");
}

bool cli_voice_outcome(const Caravan__Item *item, struct arena *arena, struct buffer *out)
{
    const Caravan__Outcome *outcome;
    char what[CODEC_NAME_SIZE];
    bool ok;

    if (item->content_type != CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME)
        return true;
    outcome = (const Caravan__Outcome *)cli_voice_read(item, arena);
    if (!outcome)
        return !arena->no_memory;
    codec_enum_text(&caravan__outcome_what__descriptor, (int)outcome->what, what);
    ok = buffer_append_text(out, what);
    if (ok && outcome->has_number)
        ok = buffer_printf(out, " %" PRIu32, outcome->number);
    if (ok && outcome->n_text)
        ok = buffer_append_text(out, ": ") &&
             buffer_append_text(out, announcement_text(outcome->text, outcome->n_text, NULL));
    if (ok && outcome->url)
        ok = buffer_append_text(out, " ") && buffer_append_text(out, outcome->url);
    return ok;
}

static const Caravan__Side *find_side(const Caravan__Item *now, const ProtobufCBinaryData *feed)
{
    for (size_t i = 0; i < now->n_sides; i++) {
        const Caravan__Side *side = now->sides[i];

        if (side->feed.len == feed->len && side->feed.len &&
            memcmp(side->feed.data, feed->data, side->feed.len) == 0)
            return side;
    }
    return NULL;
}

const Caravan__Side *cli_voice_side(const Caravan__Item *now, const Caravan__Item *voice)
{
    return find_side(now, &voice->speaker);
}

/* It names another entry than the announcement that it is about. */
const Caravan__AnnouncementName *cli_voice_refusal(const Caravan__Item *voice, struct arena *arena)
{
    const ProtobufCMessage *message = cli_voice_read(voice, arena);
    const Caravan__Confirmation *said = (const Caravan__Confirmation *)message;
    const Caravan__AnnouncementName *name;

    if (!message || message->descriptor != &caravan__confirmation__descriptor || !said->declined)
        return NULL;
    name = said->announcement;
    return name && (name->seq != voice->seq ||
                    !span_equal(span_of(name->feed.data, name->feed.len),
                                span_of(voice->feed.data, voice->feed.len)))
               ? name
               : NULL;
}

const Caravan__Side *cli_voice_refused(const Caravan__Item *now,
                                       const Caravan__AnnouncementName *refusal)
{
    return find_side(now, &refusal->feed);
}

bool cli_voice_is_ours(const Caravan__Item *now, const Caravan__Item *voice)
{
    const Caravan__Side *side = cli_voice_side(now, voice);

    if (side)
        return side->own;
    return now->own && now->feed.len == voice->speaker.len && now->feed.len &&
           memcmp(now->feed.data, voice->speaker.data, now->feed.len) == 0;
}
