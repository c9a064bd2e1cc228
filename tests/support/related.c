#include "tests/support/related.h"

#include <stdlib.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void append(const ProtobufCMessage *message, struct buffer *out)
{
    if (!buffer_reserve(out, protobuf_c_message_get_packed_size(message) + 1))
        abort();
    out->size += protobuf_c_message_pack(message, out->data + out->size);
}

/* Lists of one message may stand in several pieces: this is appended to a whole announcement. */
static void append_link(const struct related_link *link, struct buffer *out)
{
    Caravan__Announcement piece = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__Related related = CARAVAN__RELATED__INIT, *all[] = {&related};

    name.has_feed = name.has_seq = related.has_rel = 1;
    name.feed.data = (uint8_t *)(uintptr_t)link->feed->bytes;
    name.feed.len = sizeof link->feed->bytes;
    name.seq = link->seq;
    related.announcement = &name;
    related.rel = link->rel;
    piece.n_related = 1;
    piece.related = all;
    append(&piece.base, out);
}

static void append_side(const struct institution *side, struct buffer *out)
{
    Caravan__Announcement piece = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__Party party = CARAVAN__PARTY__INIT, *all[] = {&party};

    party.country = (char *)(uintptr_t) "TH";
    party.has_node_id = 1;
    party.node_id.data = (uint8_t *)(uintptr_t)side->chain.feed.bytes;
    party.node_id.len = sizeof side->chain.feed.bytes;
    piece.n_parties = 1;
    piece.parties = all;
    append(&piece.base, out);
}

void related_write(const char *title, const char *country, const struct related_link *links,
                   size_t count, const struct institution *side, struct buffer *out)
{
    announcements_write(CARAVAN__KIND__KIND_JOINT_CALL, title, country, NULL, out);
    for (size_t i = 0; i < count; i++)
        append_link(&links[i], out);
    if (side)
        append_side(side, out);
}

uint64_t related_publish(const struct store *store, struct institution *institution,
                         const char *title, const char *country, const struct related_link *links,
                         size_t count, const struct institution *side)
{
    struct buffer content = {0};
    uint64_t seq;

    related_write(title, country, links, count, side, &content);
    seq = announcements_keep(store, institution, TYPE(ANNOUNCEMENT), buffer_span(&content));
    buffer_finish(&content);
    return seq;
}

uint64_t related_revise(const struct store *store, struct institution *institution, uint64_t seq,
                        const char *title, const char *country, const struct related_link *links,
                        size_t count, const struct institution *side)
{
    struct buffer content = {0}, revision = {0};
    uint64_t kept;

    related_write(title, country, links, count, side, &content);
    announcements_revision(seq, buffer_span(&content), &revision);
    kept = announcements_keep(store, institution, TYPE(REVISION), buffer_span(&revision));
    buffer_finish(&content);
    buffer_finish(&revision);
    return kept;
}
