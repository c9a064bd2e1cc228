#include "tests/support/announcements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* Test support: what fails here is a bug of the test. */
static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "test support: %s failed\n", what);
    abort();
}

static void pack(const ProtobufCMessage *message, struct buffer *out)
{
    must(buffer_reserve(out, protobuf_c_message_get_packed_size(message) + 1), "packing");
    out->size += protobuf_c_message_pack(message, out->data + out->size);
}

/* --- contents --------------------------------------------------------------------------------- */

/* The details message that `kind` names, empty. */
static void set_details(Caravan__Announcement *announcement, Caravan__Kind kind)
{
    static Caravan__Visit visit = CARAVAN__VISIT__INIT;
    static Caravan__JointCall joint_call = CARAVAN__JOINT_CALL__INIT;
    static Caravan__LabOpening lab_opening = CARAVAN__LAB_OPENING__INIT;

    announcement->has_kind = 1;
    announcement->kind = kind;
    if (kind == CARAVAN__KIND__KIND_VISIT) {
        announcement->details_case = CARAVAN__ANNOUNCEMENT__DETAILS_VISIT;
        announcement->visit = &visit;
    } else if (kind == CARAVAN__KIND__KIND_JOINT_CALL) {
        announcement->details_case = CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL;
        announcement->joint_call = &joint_call;
    } else if (kind == CARAVAN__KIND__KIND_LAB_OPENING) {
        announcement->details_case = CARAVAN__ANNOUNCEMENT__DETAILS_LAB_OPENING;
        announcement->lab_opening = &lab_opening;
    }
}

static char *text(const char *constant) /* packing only reads */
{
    return (char *)(uintptr_t)constant;
}

void announcements_write(Caravan__Kind kind, const char *title, const char *country,
                         const char *field, struct buffer *out)
{
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText called = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *titles[] = {&said}, *names[] = {&called};
    Caravan__Party party = CARAVAN__PARTY__INIT;
    Caravan__Party *parties[] = {&party};
    Caravan__FieldOfScience science = CARAVAN__FIELD_OF_SCIENCE__INIT;
    Caravan__FieldOfScience *fields[] = {&science};

    set_details(&announcement, kind);
    announcement.language = said.lang = called.lang = text("en");
    said.text = text(title);
    called.text = text("Institute of Tests");
    announcement.n_title = 1;
    announcement.title = titles;
    party.n_name = 1;
    party.name = names;
    party.country = text(country);
    announcement.n_parties = 1;
    announcement.parties = parties;
    science.code = text(field);
    announcement.n_fields_of_science = field ? 1 : 0;
    announcement.fields_of_science = fields;
    pack(&announcement.base, out);
}

void announcements_revision(uint64_t seq, struct span announcement, struct buffer *out)
{
    Caravan__Revision revision = CARAVAN__REVISION__INIT;

    revision.has_announcement = 1;
    revision.announcement = seq;
    revision.has_content = 1;
    revision.content.data = (uint8_t *)(uintptr_t)announcement.data;
    revision.content.len = announcement.size;
    pack(&revision.base, out);
}

void announcements_withdrawal(uint64_t seq, const char *reason, struct buffer *out)
{
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *reasons[] = {&said};

    said.lang = text("en");
    said.text = text(reason);
    withdrawal.has_announcement = 1;
    withdrawal.announcement = seq;
    withdrawal.n_reason = reason ? 1 : 0;
    withdrawal.reason = reasons;
    pack(&withdrawal.base, out);
}

void announcements_profile(const char *handle, const char *country, struct buffer *out)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__LocalizedText called = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *names[] = {&called};

    called.lang = text("en");
    called.text = text("Institute of Tests");
    profile.handle = text(handle);
    profile.country = text(country);
    profile.n_name = 1;
    profile.name = names;
    pack(&profile.base, out);
}

/* --- entries ---------------------------------------------------------------------------------- */

static void keep(const struct store *store, struct span signed_entry, bool keep_content)
{
    struct store_entry stored = {.received_ms = INSTITUTION_START_MS, .certificate = 1};
    bool own_transaction = store->operations->begin(store->self, NULL) == ERROR_NONE;

    must(entry_parse_bytes(signed_entry, INSTITUTION_NETWORK, &stored.entry, NULL) == ERROR_NONE,
         "parsing an entry");
    stored.entry.signature_checked = true;
    if (!keep_content) {
        stored.entry.has_content = false;
        stored.entry.salt = stored.entry.content = span_of(NULL, 0);
    }
    must(store->operations->append(store->self, &stored, 1, NULL) == ERROR_NONE,
         "appending an entry");
    if (own_transaction)
        must(store->operations->commit(store->self, NULL) == ERROR_NONE, "committing");
}

uint64_t announcements_keep_as(const struct store *store, struct institution *institution,
                               uint32_t type, struct span content, uint32_t min_reader,
                               bool keep_content)
{
    struct entry_head *head = &institution->head;
    struct buffer bytes = {0};
    struct entry_draft draft = {.network = institution->network,
                                .feed = head->feed,
                                .seq = head->seq + 1,
                                .previous = head->hash,
                                .created_ms = INSTITUTION_START_MS + (head->seq + 1) * 1000,
                                .content_type = type,
                                .min_reader = min_reader,
                                .content = content};

    memset(draft.salt, (int)(draft.seq & 255), sizeof draft.salt);
    must(entry_build(&draft, institution->node, &bytes, &head->hash, NULL) == ERROR_NONE,
         "building an entry");
    head->seq++;
    keep(store, buffer_span(&bytes), keep_content);
    buffer_finish(&bytes);
    return head->seq;
}

uint64_t announcements_keep(const struct store *store, struct institution *institution,
                            uint32_t type, struct span content)
{
    return announcements_keep_as(store, institution, type, content, 1, true);
}

void announcements_join(const struct store *store, struct institution *institution,
                        const char *handle, const char *country)
{
    struct buffer bytes = {0};

    institution_certify(institution, false, &bytes);
    keep(store, buffer_span(&bytes), true);
    buffer_clear(&bytes);
    announcements_profile(handle, country, &bytes);
    announcements_keep(store, institution, TYPE(PROFILE), buffer_span(&bytes));
    buffer_finish(&bytes);
}

uint64_t announcements_publish(const struct store *store, struct institution *institution,
                               Caravan__Kind kind, const char *title, const char *country,
                               const char *field)
{
    struct buffer bytes = {0};
    uint64_t seq;

    announcements_write(kind, title, country, field, &bytes);
    seq = announcements_keep(store, institution, TYPE(ANNOUNCEMENT), buffer_span(&bytes));
    buffer_finish(&bytes);
    return seq;
}

uint64_t announcements_revise(const struct store *store, struct institution *institution,
                              uint64_t seq, Caravan__Kind kind, const char *title,
                              const char *country)
{
    struct buffer announcement = {0}, bytes = {0};
    uint64_t revision;

    announcements_write(kind, title, country, NULL, &announcement);
    announcements_revision(seq, buffer_span(&announcement), &bytes);
    revision = announcements_keep(store, institution, TYPE(REVISION), buffer_span(&bytes));
    buffer_finish(&announcement);
    buffer_finish(&bytes);
    return revision;
}

uint64_t announcements_withdraw(const struct store *store, struct institution *institution,
                                uint64_t seq, const char *reason)
{
    struct buffer bytes = {0};
    uint64_t withdrawal;

    announcements_withdrawal(seq, reason, &bytes);
    withdrawal = announcements_keep(store, institution, TYPE(WITHDRAWAL), buffer_span(&bytes));
    buffer_finish(&bytes);
    return withdrawal;
}
