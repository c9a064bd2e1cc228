#include "tests/support/institution.h"

#include "common/card.h"
#include "common/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Test support: what fails here is a bug of the test. */
static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "test support: %s failed\n", what);
    abort();
}

static struct secret *key_of(const struct institution *institution, enum secret_kind kind,
                             uint64_t generation)
{
    uint8_t bytes[32];
    struct secret *secret = NULL;

    memset(bytes, (int)(16u * (institution->number - 1u) + (unsigned)kind + 1u + 112u * generation),
           sizeof bytes);
    must(secret_from_bytes(kind, bytes, &secret, NULL) == ERROR_NONE, "making a key");
    return secret;
}

static void replace(struct secret **slot, struct secret *secret)
{
    secret_destroy(*slot);
    *slot = secret;
}

void institution_init(struct institution *institution, uint8_t number)
{
    *institution = (struct institution){.network = INSTITUTION_NETWORK, .number = number};
    must(secret_start(NULL) == ERROR_NONE, "libsodium");
    institution->root = key_of(institution, SECRET_ROOT, 0);
    institution->recovery = key_of(institution, SECRET_RECOVERY, 0);
    institution->node = key_of(institution, SECRET_NODE, 0);
    institution->transport = key_of(institution, SECRET_TRANSPORT, 0);
    institution->sealing = key_of(institution, SECRET_SEALING, 0);
    must(identity_chain_init(&institution->chain, secret_public(institution->root),
                             institution->network, NULL) == ERROR_NONE,
         "starting a chain");
    institution->head.feed = institution->chain.feed;
}

void institution_finish(struct institution *institution)
{
    secret_destroy(institution->root);
    secret_destroy(institution->recovery);
    secret_destroy(institution->node);
    secret_destroy(institution->transport);
    secret_destroy(institution->sealing);
    identity_chain_finish(&institution->chain);
}

void institution_append(struct institution *institution, uint32_t type, struct span content,
                        struct buffer *out)
{
    struct entry_head *head = &institution->head;
    struct entry_draft draft = {.network = institution->network,
                                .feed = head->feed,
                                .seq = head->seq + 1,
                                .previous = head->hash,
                                .created_ms = INSTITUTION_START_MS + (head->seq + 1) * 1000,
                                .content_type = type,
                                .content = content};

    memset(draft.salt, (int)(draft.seq & 255), sizeof draft.salt);
    must(entry_build(&draft, institution->node, out, &head->hash, NULL) == ERROR_NONE,
         "building an entry");
    head->seq++;
    head->certificate = institution->chain.count;
}

static void new_keys(struct institution *institution, uint64_t generation)
{
    replace(&institution->node, key_of(institution, SECRET_NODE, generation));
    replace(&institution->transport, key_of(institution, SECRET_TRANSPORT, generation));
    replace(&institution->sealing, key_of(institution, SECRET_SEALING, generation));
}

void institution_certify(struct institution *institution, bool by_recovery, struct buffer *out)
{
    uint64_t before = institution->chain.count;
    const struct identity_certificate *last = identity_chain_get(&institution->chain, before);
    struct secret *recovery = key_of(institution, SECRET_RECOVERY, by_recovery ? before : 0);
    struct secret *root = key_of(institution, SECRET_ROOT, before);
    struct buffer encoded = {0};
    struct id recovery_hash;
    struct identity_certificate_draft draft = {
        .network = institution->network,
        .feed = &institution->chain.feed,
        .number = before + 1,
        .previous = last ? &last->hash : NULL,
        .created_ms = INSTITUTION_START_MS + before,
    };

    if (before)
        new_keys(institution, before);
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(recovery)), &recovery_hash);
    draft.node_key = secret_public(institution->node);
    draft.transport_key = secret_public(institution->transport);
    draft.sealing_key = secret_public(institution->sealing);
    draft.recovery_hash = by_recovery || !before ? &recovery_hash : NULL;
    draft.new_root = by_recovery ? secret_public(root) : NULL;
    must(identity_certificate_build(&draft, by_recovery ? institution->recovery : institution->root,
                                    &encoded, NULL) == ERROR_NONE,
         "building a certificate");
    must(identity_chain_append(&institution->chain, buffer_span(&encoded), NULL) == ERROR_NONE,
         "appending a certificate");
    institution_append(institution, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
                       buffer_span(&encoded), out);
    if (by_recovery) {
        replace(&institution->root, root);
        replace(&institution->recovery, recovery);
        root = recovery = NULL;
    }
    secret_destroy(root);
    secret_destroy(recovery);
    buffer_finish(&encoded);
}

void institution_say(struct institution *institution, const char *text, struct buffer *out)
{
    institution_append(institution, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                       span_of_text(text), out);
}

void institution_card(const struct institution *institution, const char *handle, uint64_t at_ms,
                      struct buffer *out)
{
    Caravan__LocalizedText word = CARAVAN__LOCALIZED_TEXT__INIT, *words[] = {&word};
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;

    word.lang = (char *)(uintptr_t) "en";
    word.text = (char *)(uintptr_t) "An institution";
    profile.handle = (char *)(uintptr_t)handle;
    profile.country = (char *)(uintptr_t) "TH";
    profile.n_name = 1;
    profile.name = words;
    must(card_write(&institution->chain, &profile, NULL, at_ms, institution->node, out, NULL) ==
             ERROR_NONE,
         "card_write");
}

void institution_run(const struct institution *institution, const struct buffer *entries,
                     size_t count, uint64_t proof_from, struct buffer *out)
{
    Caravan__Run message = CARAVAN__RUN__INIT;

    message.has_feed = 1;
    message.feed = fields_binary(span_of_id(&institution->chain.feed));
    message.has_proof_from = proof_from != 0;
    message.proof_from = proof_from;
    message.n_entries = count;
    message.entries = calloc(count, sizeof(Caravan__SignedEntry *));
    must(message.entries != NULL, "memory");
    for (size_t i = 0; i < count; i++) {
        struct entry entry;

        message.entries[i] = caravan__signed_entry__unpack(NULL, entries[i].size, entries[i].data);
        must(message.entries[i] && entry_parse_bytes(buffer_span(&entries[i]), institution->network,
                                                     &entry, NULL) == ERROR_NONE,
             "reading an entry again");
        if (proof_from && entry.seq >= proof_from && !entry_is_certificate(&entry))
            message.entries[i]->has_salt = message.entries[i]->has_content = 0;
    }
    must(fields_pack(&message.base, out), "packing a run");
    for (size_t i = 0; i < count; i++)
        caravan__signed_entry__free_unpacked(message.entries[i], NULL);
    free(message.entries);
}

void institution_run_message(const struct institution *institution, const struct buffer *entries,
                             size_t count, uint64_t request, struct buffer *out)
{
    Caravan__SyncMessage message = CARAVAN__SYNC_MESSAGE__INIT;
    struct buffer run = {0};

    institution_run(institution, entries, count, 0, &run);
    message.body_case = CARAVAN__SYNC_MESSAGE__BODY_RUN;
    message.run = caravan__run__unpack(NULL, run.size, run.data);
    must(message.run != NULL, "reading a run again");
    message.run->has_request = request != 0;
    message.run->request = request;
    must(fields_pack(&message.base, out), "packing a message");
    caravan__run__free_unpacked(message.run, NULL);
    buffer_finish(&run);
}
