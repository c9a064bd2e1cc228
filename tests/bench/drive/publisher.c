#include "tests/bench/drive/publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/card.h"
#include "common/fields.h"
#include "node/config/home.h"

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static char *text(const char *constant) /* packing only reads */
{
    return (char *)(uintptr_t)constant;
}

/* --- who it is -------------------------------------------------------------------------------- */

/* calls use with the profile, whose parts live on the stack */
static int with_profile(const struct publisher *publisher,
                        int (*use)(const Caravan__Profile *profile, void *context,
                                   struct error *error),
                        void *context, struct error *error)
{
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__LocalizedText called = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *names[] = {&called};
    char name[64], country[3];

    snprintf(name, sizeof name, "Institute %s", publisher->handle);
    snprintf(country, sizeof country, "%c%c", publisher->handle[0] - 32, publisher->handle[1] - 32);
    called.lang = text("en");
    called.text = name;
    profile.handle = text(publisher->handle);
    profile.country = country;
    profile.n_name = 1;
    profile.name = names;
    return use(&profile, context, error);
}

struct card_use {
    const struct publisher *publisher;
    const char *folder;
};

static int write_card(const Caravan__Profile *profile, void *context, struct error *error)
{
    const struct card_use *use = context;
    const Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT; /* it only connects outwards */
    char path[HOME_PATH_SIZE];
    struct buffer armour = {0};
    FILE *file = NULL;
    int code = card_write(&use->publisher->chain, profile, &endpoints, now_ms(),
                          use->publisher->node, &armour, error);

    if (code)
        goto out;
    snprintf(path, sizeof path, "%s/%s" HOME_CARD_SUFFIX, use->folder, use->publisher->handle);
    file = fopen(path, "wxe"); /* not synced: a bench may lose it */
    if (!file || fwrite(armour.data, 1, armour.size, file) != armour.size || fflush(file) != 0)
        code = error_errno(error, "write", path);
out:
    if (file)
        fclose(file);
    buffer_finish(&armour);
    return code;
}

static int certify(struct publisher *publisher, struct secret *const keys[4], const char *network,
                   struct error *error)
{
    struct identity_certificate_draft draft = {
        .network = network,
        .feed = secret_public(keys[0]),
        .number = 1,
        .node_key = secret_public(publisher->node),
        .transport_key = secret_public(keys[2]),
        .sealing_key = secret_public(keys[3]),
        .created_ms = now_ms(),
    };
    struct id recovery;
    struct buffer bytes = {0};
    int code;

    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(keys[1])), &recovery);
    draft.recovery_hash = &recovery;
    code = identity_certificate_build(&draft, keys[0], &bytes, error);
    if (!code)
        code = identity_chain_init(&publisher->chain, draft.feed, network, error);
    if (!code)
        code = identity_chain_append(&publisher->chain, buffer_span(&bytes), error);
    publisher->head.feed = *draft.feed;
    buffer_finish(&bytes);
    return code;
}

int publisher_init(struct publisher *publisher, const char *network, unsigned number,
                   const char *folder, struct error *error)
{
    static const char *const countries[] = {"cn", "th", "ru", "za", "lk"};
    static const enum secret_kind kinds[] = {SECRET_ROOT, SECRET_RECOVERY, SECRET_TRANSPORT,
                                             SECRET_SEALING};
    struct secret *keys[4] = {NULL};
    struct card_use use = {publisher, folder};
    int code = ERROR_NONE;

    *publisher = (struct publisher){0};
    snprintf(publisher->handle, sizeof publisher->handle, "%s-bench-%04u",
             countries[number % (sizeof countries / sizeof *countries)], number);
    for (size_t i = 0; !code && i < 4; i++)
        code = secret_generate(kinds[i], &keys[i], error);
    if (!code)
        code = secret_generate(SECRET_NODE, &publisher->node, error);
    if (!code)
        code = certify(publisher, keys, network, error);
    if (!code)
        code = with_profile(publisher, write_card, &use, error);
    publisher->transport = keys[2];
    keys[2] = NULL;
    for (size_t i = 0; i < 4; i++)
        secret_destroy(keys[i]);
    if (code)
        publisher_finish(publisher);
    return code;
}

void publisher_finish(struct publisher *publisher)
{
    identity_chain_finish(&publisher->chain);
    secret_destroy(publisher->node);
    secret_destroy(publisher->transport);
    *publisher = (struct publisher){0};
}

/* --- its feed --------------------------------------------------------------------------------- */

/* A run while it is built; the entries' spans point into it. */
struct run {
    struct store_entry entries[PUBLISHER_RUN];
    size_t count;
    struct buffer profile, contents; /* contents: of all entries, one behind the other */
    size_t content_at[PUBLISHER_RUN];
    uint8_t bytes[PUBLISHER_RUN][LIMIT_ENTRY_SIZE];
    uint8_t salts[PUBLISHER_RUN][LIMIT_SALT_SIZE];
    uint8_t signatures[PUBLISHER_RUN][IDENTITY_SIGNATURE_SIZE];
};

static int pack_profile(const Caravan__Profile *profile, void *context, struct error *error)
{
    struct buffer *out = context;

    if (!buffer_reserve(out, caravan__profile__get_packed_size(profile)))
        return error_memory(error);
    out->size += caravan__profile__pack(profile, out->data);
    return ERROR_NONE;
}

/* The run's next entry is of this type and has this content. */
static bool put(struct run *run, uint64_t seq, uint32_t type, struct span content)
{
    run->content_at[run->count] = run->contents.size;
    run->entries[run->count].entry =
        (struct entry){.seq = seq, .content_type = type, .content_size = (uint32_t)content.size};
    run->count++;
    return buffer_append(&run->contents, content.data, content.size);
}

static int choose(struct publisher *publisher, const struct contents *contents, uint64_t *next,
                  uint64_t last, unsigned most, struct run *run, struct error *error)
{
    uint64_t seq = publisher->head.seq + 1;
    bool ok = true;
    int code = ERROR_NONE;

    if (seq == 1)
        return put(run, 1, TYPE(CERTIFICATE), buffer_span(&publisher->chain.encoded[0]))
                   ? ERROR_NONE
                   : error_memory(error);
    for (; ok && !code && run->count < most && seq <= last; seq++) {
        if (seq == 2) {
            code = with_profile(publisher, pack_profile, &run->profile, error);
            ok = put(run, seq, TYPE(PROFILE), buffer_span(&run->profile));
        } else {
            ok = put(run, seq, TYPE(ANNOUNCEMENT), contents_get(contents, (*next)++));
        }
        if (seq % LIMIT_ANCHOR_INTERVAL == 0)
            break;
    }
    return ok ? code : error_memory(error);
}

/* Entry bytes and hashes of one; it follows the head. */
static int build(struct publisher *publisher, struct run *run, size_t i, uint64_t now,
                 struct error *error)
{
    struct entry *entry = &run->entries[i].entry;
    Caravan__Entry message = CARAVAN__ENTRY__INIT;

    entry->feed = publisher->chain.feed;
    entry->previous = publisher->head.hash;
    entry->created_ms = now;
    entry->min_reader = 1;
    entry->has_content = true;
    entry->salt = span_of(run->salts[i], LIMIT_SALT_SIZE);
    entry->content = span_of(run->contents.data + run->content_at[i], entry->content_size);
    identity_hash2(IDENTITY_CONTENT, entry->salt, entry->content, &entry->content_hash);
    message.network = publisher->chain.network;
    message.has_feed = message.has_seq = message.has_created_ms = message.has_content_type = 1;
    message.has_content_hash = message.has_content_size = message.has_min_reader = 1;
    message.feed = fields_binary(span_of_id(&entry->feed));
    message.seq = entry->seq;
    message.has_previous = entry->seq > 1;
    message.previous = fields_binary(span_of_id(&entry->previous));
    message.created_ms = entry->created_ms;
    message.content_type = entry->content_type;
    message.content_hash = fields_binary(span_of_id(&entry->content_hash));
    message.content_size = entry->content_size;
    message.min_reader = entry->min_reader;
    if (caravan__entry__get_packed_size(&message) > LIMIT_ENTRY_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "an entry of the bench is too large");
    entry->bytes = span_of(run->bytes[i], caravan__entry__pack(&message, run->bytes[i]));
    identity_hash(IDENTITY_ENTRY, entry->bytes, &entry->hash);
    publisher->head.seq = entry->seq;
    publisher->head.hash = entry->hash;
    publisher->content_bytes += entry->content_size;
    return ERROR_NONE;
}

static int sign(const struct publisher *publisher, struct run *run, size_t i, struct error *error)
{
    struct entry *entry = &run->entries[i].entry;
    int code = identity_sign(publisher->node, IDENTITY_ENTRY, publisher->chain.network,
                             &entry->hash, run->signatures[i], error);

    entry->signature = span_of(run->signatures[i], IDENTITY_SIGNATURE_SIZE);
    entry->signature_checked = true; /* by whoever takes it from here, with the same key */
    return code;
}

static int store_run(struct publisher *publisher, struct run *run, const struct store *store,
                     struct error *error)
{
    const struct entry *first = &run->entries[0].entry;
    struct store_certificate certificate = {1, first->seq, first->content};
    int code = store->operations->append(store->self, run->entries, run->count, error);

    if (!code && first->seq == 1)
        code = store->operations->put_certificate(store->self, &publisher->chain.feed, &certificate,
                                                  error);
    return code;
}

int publisher_append(struct publisher *publisher, const struct contents *contents, uint64_t *next,
                     uint64_t last, unsigned most, const struct store *store, struct error *error)
{
    struct run *run = calloc(1, sizeof *run);
    uint64_t now = now_ms();
    int code;

    if (!run)
        return error_memory(error);
    code = choose(publisher, contents, next, last, most, run, error);
    secret_random(run->salts, sizeof run->salts);
    for (size_t i = 0; !code && i < run->count; i++) {
        run->entries[i].received_ms = now;
        run->entries[i].certificate = 1;
        code = build(publisher, run, i, now, error);
    }
    for (size_t i = 0; !code && i < run->count; i++)
        if (i + 1 == run->count || entry_is_anchor(&run->entries[i].entry))
            code = sign(publisher, run, i, error);
    if (!code && run->count)
        code = store_run(publisher, run, store, error);
    publisher->head.certificate = 1;
    buffer_finish(&run->profile);
    buffer_finish(&run->contents);
    free(run);
    return code;
}

int publisher_state_head(const struct publisher *publisher, const struct store *store,
                         struct error *error)
{
    struct buffer bytes = {0};
    uint64_t now = now_ms();
    int code = entry_head_sign(&publisher->head, publisher->chain.network, now, publisher->node,
                               &bytes, error);

    if (!code)
        code = store->operations->put_statement(store->self, &publisher->chain.feed,
                                                buffer_span(&bytes), now, error);
    buffer_finish(&bytes);
    return code;
}
