#include "tests/support/sealed.h"

#include "tests/support/sealing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static void must(int code, const struct error *error, const char *what)
{
    if (!code)
        return;
    fprintf(stderr, "test support: %s failed: %s\n", what, error ? error->text : "");
    abort();
}

static void pack(const ProtobufCMessage *message, struct buffer *out)
{
    if (!buffer_reserve(out, protobuf_c_message_get_packed_size(message) + 1))
        abort();
    out->size += protobuf_c_message_pack(message, out->data + out->size);
}

void sealed_make(const struct institution *from, uint32_t type, uint32_t min_reader,
                 struct span content, struct institution *const *audience, size_t count,
                 struct buffer *out, struct seal_key *key)
{
    static uint64_t drawn;
    struct seal_random random = sealing_random(&drawn);
    struct seal_reader readers[LIMIT_SEAL_AUDIENCE];
    struct seal_draft draft = {.network = from->network,
                               .feed = from->head.feed,
                               .sealing_key = *secret_public(from->sealing),
                               .content_type = type,
                               .min_reader = min_reader,
                               .content = content,
                               .audience = readers,
                               .audience_count = count};
    struct error error = {0};

    for (size_t i = 0; i < count; i++)
        readers[i] =
            (struct seal_reader){audience[i]->head.feed, *secret_public(audience[i]->sealing)};
    must(seal_make_with(&draft, &random, out, key, &error), &error, "sealing");
}

uint64_t sealed_keep(const struct store *store, struct institution *from, uint32_t type,
                     struct span content, struct institution *const *audience, size_t count,
                     struct seal_key *key)
{
    struct buffer sealed = {0};
    uint64_t seq;

    sealed_make(from, type, 1, content, audience, count, &sealed, key);
    seq = announcements_keep(store, from, TYPE(SEALED), buffer_span(&sealed));
    buffer_finish(&sealed);
    return seq;
}

uint64_t sealed_keep_without(const struct store *store, struct institution *from, uint32_t type,
                             struct span content, struct institution *const *audience, size_t count,
                             struct seal_key *key, struct buffer *late)
{
    sealed_make(from, type, 1, content, audience, count, late, key);
    return announcements_keep_as(store, from, TYPE(SEALED), buffer_span(late), 1, false);
}

void sealed_put_late(const struct store *store, const struct institution *from, uint64_t seq,
                     struct span content)
{
    const struct store_operations *operations = store->operations;
    uint8_t salt[LIMIT_SALT_SIZE];
    struct error error = {0};

    memset(salt, (int)(seq & 0xff), sizeof salt); /* as institution_append makes it */
    must(operations->begin(store->self, &error), &error, "beginning");
    must(operations->put_content(store->self, &from->head.feed, seq, span_of(salt, sizeof salt),
                                 content, INSTITUTION_START_MS, &error),
         &error, "late content");
    must(operations->commit(store->self, &error), &error, "committing");
}

uint64_t sealed_announce(const struct store *store, struct institution *from, const char *title,
                         struct institution *const *audience, size_t count, struct seal_key *key)
{
    struct buffer content = {0};
    uint64_t seq;

    announcements_write(CARAVAN__KIND__KIND_VISIT, title, "TH", NULL, &content);
    seq = sealed_keep(store, from, TYPE(ANNOUNCEMENT), buffer_span(&content), audience, count, key);
    buffer_finish(&content);
    return seq;
}

void sealed_reader_bytes(uint64_t seq, const struct seal_key *key, struct buffer *out)
{
    Caravan__Reader reader = CARAVAN__READER__INIT;

    reader.has_seq = reader.has_key = 1;
    reader.seq = seq;
    reader.key.data = (uint8_t *)(uintptr_t)key->bytes;
    reader.key.len = sizeof key->bytes;
    pack(&reader.base, out);
}

uint64_t sealed_share(const struct store *store, struct institution *from, uint64_t seq,
                      const struct seal_key *key, struct institution *const *audience, size_t count)
{
    struct buffer content = {0};
    uint64_t kept;

    sealed_reader_bytes(seq, key, &content);
    kept = sealed_keep(store, from, TYPE(READER), buffer_span(&content), audience, count, NULL);
    buffer_finish(&content);
    return kept;
}

void sealed_interest_bytes(const struct institution *to, uint64_t seq, const char *text,
                           struct buffer *out)
{
    Caravan__Interest interest = CARAVAN__INTEREST__INIT;
    Caravan__AnnouncementName name = CARAVAN__ANNOUNCEMENT_NAME__INIT;
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText called = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *texts[] = {&said}, *names[] = {&called};
    Caravan__Party from = CARAVAN__PARTY__INIT;

    name.has_feed = name.has_seq = 1;
    name.feed.data = (uint8_t *)(uintptr_t)to->head.feed.bytes;
    name.feed.len = sizeof to->head.feed.bytes;
    name.seq = seq;
    said.lang = called.lang = (char *)(uintptr_t) "en";
    said.text = (char *)(uintptr_t)text;
    called.text = (char *)(uintptr_t) "Institute of Tests";
    from.n_name = 1;
    from.name = names;
    from.country = (char *)(uintptr_t) "TH";
    interest.announcement = &name;
    interest.from = &from;
    interest.n_about_us = 1;
    interest.about_us = texts;
    pack(&interest.base, out);
}

uint64_t sealed_answer(const struct store *store, struct institution *from, struct institution *to,
                       uint64_t seq, const char *text)
{
    struct institution *audience[] = {to};
    struct buffer content = {0};
    uint64_t kept;

    sealed_interest_bytes(to, seq, text, &content);
    kept = sealed_keep(store, from, TYPE(INTEREST), buffer_span(&content), audience, 1, NULL);
    buffer_finish(&content);
    return kept;
}

void sealed_eyes_open(struct sealed_eyes *eyes, const struct store *reader,
                      struct institution *institution)
{
    struct error error = {0};
    struct store store;

    must(opened_create(reader, institution->network, &institution->sealing, 1, &eyes->opened,
                       &error),
         &error, "opening");
    store = opened_store(eyes->opened);
    must(view_create(&store, &institution->head.feed, false, &eyes->view, &error), &error,
         "viewing");
}

void sealed_eyes_close(struct sealed_eyes *eyes)
{
    view_destroy(eyes->view);
    opened_destroy(eyes->opened);
    *eyes = (struct sealed_eyes){0};
}
