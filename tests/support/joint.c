#include "tests/support/joint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec.h"
#include "proto/answer.pb-c.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name
#define SIDES_MAX 8

/* Test support: what fails here is a bug of the test. */
static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "test support: %s failed\n", what);
    abort();
}

static char *text(const char *constant) /* packing only reads */
{
    return (char *)(uintptr_t)constant;
}

/* A party with everything it points to. */
struct side {
    Caravan__Party party;
    Caravan__LocalizedText name;
    Caravan__LocalizedText *names[1];
    Caravan__Deadline deadline;
    Caravan__Deadline *deadlines[1];
    Caravan__Instant instant;
    Caravan__Date date;
};

static void make_side(const struct institution *institution, unsigned day, struct side *side)
{
    static const char *const countries[] = {"CN", "TH", "RU", "ZA", "LK", "KZ", "UZ"};

    caravan__party__init(&side->party);
    caravan__localized_text__init(&side->name);
    caravan__deadline__init(&side->deadline);
    caravan__instant__init(&side->instant);
    caravan__date__init(&side->date);
    side->date.has_year = side->date.has_month = side->date.has_day = 1;
    side->date.year = 2099;
    side->date.month = 6;
    side->date.day = day;
    side->instant.date = &side->date;
    side->instant.zone = text("UTC");
    side->deadline.at = &side->instant;
    side->deadlines[0] = &side->deadline;
    side->name.lang = text("en");
    side->name.text = text("Institute of Tests");
    side->names[0] = &side->name;
    side->party.n_name = side->party.n_deadline = 1;
    side->party.name = side->names;
    side->party.deadline = side->deadlines;
    side->party.country = text(countries[institution->number - 1]);
    side->party.has_node_id = 1;
    side->party.node_id.data = (uint8_t *)(uintptr_t)institution->head.feed.bytes;
    side->party.node_id.len = sizeof institution->head.feed.bytes;
}

void joint_write(const char *title, struct institution *const *sides, const unsigned *days,
                 size_t count, struct buffer *out)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *titles[] = {&said};
    Caravan__JointCall call = CARAVAN__JOINT_CALL__INIT;
    Caravan__Party *parties[SIDES_MAX];
    struct side made[SIDES_MAX];

    must(count <= SIDES_MAX, "so many sides");
    for (size_t i = 0; i < count; i++) {
        make_side(sides[i], days[i], &made[i]);
        parties[i] = &made[i].party;
    }
    announcement.has_kind = 1;
    announcement.kind = CARAVAN__KIND__KIND_JOINT_CALL;
    announcement.details_case = CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL;
    announcement.joint_call = &call;
    announcement.language = said.lang = text("en");
    said.text = text(title);
    announcement.n_title = 1;
    announcement.title = titles;
    announcement.n_parties = count;
    announcement.parties = parties;
    must(codec_pack(&announcement.base, out), "packing");
}

static void set_name(const struct institution *publisher, uint64_t seq,
                     Caravan__AnnouncementName *name)
{
    caravan__announcement_name__init(name);
    name->has_feed = name->has_seq = 1;
    name->feed.data = (uint8_t *)(uintptr_t)publisher->head.feed.bytes;
    name->feed.len = sizeof publisher->head.feed.bytes;
    name->seq = seq;
}

void joint_proposal(const struct institution *publisher, uint64_t seq,
                    const struct institution *side, unsigned day, struct buffer *out)
{
    joint_proposal_for(publisher, seq, NULL, side, day, out);
}

void joint_proposal_for(const struct institution *publisher, uint64_t seq, const struct id *hash,
                        const struct institution *side, unsigned day, struct buffer *out)
{
    Caravan__Proposal proposal = CARAVAN__PROPOSAL__INIT;
    Caravan__AnnouncementName name;
    struct side made;

    set_name(publisher, seq, &name);
    make_side(side, day, &made);
    proposal.announcement = &name;
    proposal.party = &made.party;
    if (hash) {
        proposal.has_entry_hash = 1;
        proposal.entry_hash.data = (uint8_t *)(uintptr_t)hash->bytes;
        proposal.entry_hash.len = sizeof hash->bytes;
    }
    must(codec_pack(&proposal.base, out), "packing");
}

uint64_t joint_propose(const struct store *store, struct institution *side,
                       const struct institution *publisher, uint64_t seq, unsigned day)
{
    struct buffer content = {0};
    uint64_t kept;

    joint_proposal(publisher, seq, side, day, &content);
    kept = announcements_keep(store, side, TYPE(PROPOSAL), buffer_span(&content));
    buffer_finish(&content);
    return kept;
}

uint64_t joint_confirm(const struct store *store, struct institution *side,
                       const struct institution *publisher, uint64_t seq, const struct id *hash,
                       bool declined)
{
    Caravan__Confirmation confirmation = CARAVAN__CONFIRMATION__INIT;
    Caravan__AnnouncementName name;
    struct buffer content = {0};
    uint64_t kept;

    set_name(publisher, seq, &name);
    confirmation.announcement = &name;
    confirmation.has_entry_hash = 1;
    confirmation.entry_hash.data = (uint8_t *)(uintptr_t)hash->bytes;
    confirmation.entry_hash.len = sizeof hash->bytes;
    confirmation.has_declined = confirmation.declined = declined;
    must(codec_pack(&confirmation.base, &content), "packing");
    kept = announcements_keep(store, side, TYPE(CONFIRMATION), buffer_span(&content));
    buffer_finish(&content);
    return kept;
}
