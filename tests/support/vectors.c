#include "tests/support/vectors.h"

#include "common/card.h"
#include "common/feedfile.h"
#include "common/fields.h"
#include "proto/announcement.pb-c.h"
#include "tests/support/institution.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 5

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "vectors: %s failed\n", what);
    abort();
}

/* --- writing lines --------------------------------------------------------------------------- */

static void put_text(struct buffer *out, const char *name, const char *value)
{
    must(buffer_printf(out, "%s = %s\n", name, value), "memory");
}

static void put_number(struct buffer *out, const char *name, uint64_t value)
{
    must(buffer_printf(out, "%s = %" PRIu64 "\n", name, value), "memory");
}

static void put_hex(struct buffer *out, const char *name, struct span value)
{
    char *hex = malloc(2 * value.size + 1);

    must(hex != NULL, "memory");
    bytes_to_hex(value.data, value.size, hex);
    put_text(out, name, hex);
    free(hex);
}

static void put_id(struct buffer *out, const char *name, const struct id *id)
{
    put_hex(out, name, span_of_id(id));
}

static void put_title(struct buffer *out, const char *title)
{
    must(buffer_printf(out, "\n# %s\n", title), "memory");
}

static void put_secret(struct buffer *out, const char *name, const struct secret *secret)
{
    char line[64];

    snprintf(line, sizeof line, "%s.secret", name);
    put_hex(out, line, span_of(secret_bytes(secret), 32));
    snprintf(line, sizeof line, "%s.public", name);
    put_id(out, line, secret_public(secret));
}

/* --- what is said ---------------------------------------------------------------------------- */

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static void make_announcement(struct buffer *out)
{
    Caravan__LocalizedText title = CARAVAN__LOCALIZED_TEXT__INIT, *titles[] = {&title};
    Caravan__LocalizedText th_name = CARAVAN__LOCALIZED_TEXT__INIT, *th_names[] = {&th_name};
    Caravan__LocalizedText cn_name = CARAVAN__LOCALIZED_TEXT__INIT, *cn_names[] = {&cn_name};
    Caravan__Party th = CARAVAN__PARTY__INIT, cn = CARAVAN__PARTY__INIT, *parties[] = {&th, &cn};
    Caravan__Date date = CARAVAN__DATE__INIT;
    Caravan__Instant at = CARAVAN__INSTANT__INIT;
    Caravan__Deadline deadline = CARAVAN__DEADLINE__INIT, *deadlines[] = {&deadline};
    Caravan__JointCall call = CARAVAN__JOINT_CALL__INIT;
    Caravan__Announcement message = CARAVAN__ANNOUNCEMENT__INIT;
    char *countries[] = {TEXT("TH"), TEXT("CN")};

    title.lang = th_name.lang = cn_name.lang = TEXT("en");
    title.text = TEXT("Sample joint call on rice");
    th_name.text = TEXT("Sample agency");
    cn_name.text = TEXT("Sample ministry");
    th.name = th_names;
    cn.name = cn_names;
    th.n_name = cn.n_name = 1;
    th.country = countries[0];
    cn.country = countries[1];
    date.has_year = date.has_month = date.has_day = at.has_hour = at.has_minute = 1;
    date.year = 2027;
    date.month = 5;
    date.day = 15;
    at.date = &date;
    at.hour = 16;
    at.zone = TEXT("Asia/Bangkok");
    deadline.at = &at;
    message.has_kind = message.has_nature = 1;
    message.kind = CARAVAN__KIND__KIND_JOINT_CALL;
    message.nature = CARAVAN__NATURE__NATURE_SAMPLE;
    message.language = TEXT("en");
    message.title = titles;
    message.n_title = 1;
    message.parties = parties;
    message.n_parties = 2;
    message.countries = countries;
    message.n_countries = 2;
    message.deadline = deadlines;
    message.n_deadline = 1;
    message.details_case = CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL;
    message.joint_call = &call;
    must(fields_pack(&message.base, out), "packing an announcement");
}

static void with_profile(void (*use)(void *context, const Caravan__Profile *profile,
                                     const Caravan__Endpoints *endpoints),
                         void *context)
{
    Caravan__LocalizedText name = CARAVAN__LOCALIZED_TEXT__INIT, *names[] = {&name};
    Caravan__Profile profile = CARAVAN__PROFILE__INIT;
    Caravan__Endpoints endpoints = CARAVAN__ENDPOINTS__INIT;
    char *live[] = {TEXT("tcp://th.example.org:7411")};
    char *sync[] = {TEXT("tcp://th.example.org:7412")};

    name.lang = TEXT("en");
    name.text = TEXT("Sample agency");
    profile.name = names;
    profile.n_name = 1;
    profile.handle = TEXT("th-sample");
    profile.country = TEXT("TH");
    endpoints.live = live;
    endpoints.sync = sync;
    endpoints.n_live = endpoints.n_sync = 1;
    use(context, &profile, &endpoints);
}

static void pack_profile(void *context, const Caravan__Profile *profile,
                         const Caravan__Endpoints *endpoints)
{
    (void)endpoints;
    must(fields_pack(&profile->base, context), "packing a profile");
}

/* --- hashes, certificates, entries ----------------------------------------------------------- */

static void put_hashes(struct buffer *out)
{
    static const struct {
        const char *name;
        enum identity_purpose purpose;
    } purposes[] = {
        {"hash.entry", IDENTITY_ENTRY},       {"hash.content", IDENTITY_CONTENT},
        {"hash.card", IDENTITY_CARD},         {"hash.certificate", IDENTITY_CERTIFICATE},
        {"hash.head", IDENTITY_HEAD},         {"hash.receipt", IDENTITY_RECEIPT},
        {"hash.recovery", IDENTITY_RECOVERY},
    };
    struct id hash;

    put_title(out, "hash(purpose, \"abc\"); the purpose is the name's last word");
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        identity_hash(purposes[i].purpose, span_of_text("abc"), &hash);
        put_id(out, purposes[i].name, &hash);
    }
}

static void put_institution(struct buffer *out, const struct institution *who)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], topic[LIMIT_TOPIC_SIZE + 1];
    struct id hash;

    put_title(out, "keys of institution 1; feed id = root.public");
    put_text(out, "network", who->network);
    put_secret(out, "root", who->root);
    put_secret(out, "recovery", who->recovery);
    put_secret(out, "node", who->node);
    put_secret(out, "transport", who->transport);
    put_secret(out, "sealing", who->sealing);
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(who->recovery)), &hash);
    put_id(out, "recovery.hash", &hash);
    identity_fingerprint(&who->chain.feed, fingerprint);
    put_text(out, "fingerprint", fingerprint);
    entry_topic_of_feed(&who->chain.feed, topic);
    put_text(out, "topic.feed", topic);
    entry_topic_of_head(&who->chain.feed, topic);
    put_text(out, "topic.head", topic);
}

static void put_certificates(struct buffer *out, const struct identity_chain *chain)
{
    char name[64];

    put_title(out, "certificates: 1 and 2 by the root key, 3 by the recovery key");
    for (uint64_t i = 1; i <= chain->count; i++) {
        snprintf(name, sizeof name, "certificate.%" PRIu64 ".signed", i);
        put_hex(out, name, buffer_span(&chain->encoded[i - 1]));
        snprintf(name, sizeof name, "certificate.%" PRIu64 ".hash", i);
        put_id(out, name, &identity_chain_get(chain, i)->hash);
        snprintf(name, sizeof name, "certificate.%" PRIu64 ".root_key_after", i);
        put_id(out, name, &identity_chain_get(chain, i)->root_key);
    }
}

static void put_entry(struct buffer *out, const struct buffer *bytes)
{
    struct entry entry;
    char name[64];

    must(entry_parse_bytes(buffer_span(bytes), INSTITUTION_NETWORK, &entry, NULL) == 0, "parsing");
#define NAME(part) (snprintf(name, sizeof name, "entry.%" PRIu64 "." part, entry.seq), name)
    put_number(out, NAME("created_ms"), entry.created_ms);
    put_number(out, NAME("content_type"), entry.content_type);
    put_hex(out, NAME("salt"), entry.salt);
    put_hex(out, NAME("content"), entry.content);
    put_id(out, NAME("content_hash"), &entry.content_hash);
    put_hex(out, NAME("bytes"), entry.bytes);
    put_id(out, NAME("hash"), &entry.hash);
    put_hex(out, NAME("signature"), entry.signature);
    put_hex(out, NAME("signed"), buffer_span(bytes));
#undef NAME
}

/* --- statements, card, files ----------------------------------------------------------------- */

static void put_statements(struct buffer *out, const struct institution *who,
                           const struct institution *partner)
{
    struct entry_receipt receipt = {
        .receiver = partner->chain.feed, .head = who->head, .missing = 1, .counter = 7};
    struct buffer head = {0}, signed_receipt = {0};

    put_title(out, "the signed head of the feed; and what institution 2 has received of it");
    must(entry_head_sign(&who->head, who->network, INSTITUTION_START_MS + 10000, who->node, &head,
                         NULL) == 0,
         "signing a head");
    put_number(out, "head.as_of_ms", INSTITUTION_START_MS + 10000);
    put_hex(out, "head.signed", buffer_span(&head));
    must(entry_receipt_sign(&receipt, who->network, partner->node, &signed_receipt, NULL) == 0,
         "signing a receipt");
    put_secret(out, "receiver.node", partner->node);
    put_id(out, "receiver.feed", &partner->chain.feed);
    put_number(out, "receipt.missing", 1);
    put_number(out, "receipt.counter", 7);
    put_hex(out, "receipt.signed", buffer_span(&signed_receipt));
    buffer_finish(&head);
    buffer_finish(&signed_receipt);
}

/* Certificate 3 is by the recovery key: the head above is that of a node that does not say so. */
static void put_ranked_head(struct buffer *out, const struct institution *who)
{
    struct entry_head head = who->head;
    struct buffer bytes = {0};

    head.recoveries = identity_chain_recoveries(&who->chain, head.certificate);
    put_title(out, "the same head with its recoveries");
    must(entry_head_sign(&head, who->network, INSTITUTION_START_MS + 10000, who->node, &bytes,
                         NULL) == 0,
         "signing a head");
    put_number(out, "head.ranked.recoveries", head.recoveries);
    put_hex(out, "head.ranked.signed", buffer_span(&bytes));
    buffer_finish(&bytes);
}

struct card_request {
    const struct institution *who;
    struct buffer armour;
};

static void write_card(void *context, const Caravan__Profile *profile,
                       const Caravan__Endpoints *endpoints)
{
    struct card_request *request = context;

    must(card_write(&request->who->chain, profile, endpoints, INSTITUTION_START_MS,
                    request->who->node, &request->armour, NULL) == 0,
         "writing a card");
}

static void put_card(struct buffer *out, const struct institution *who)
{
    struct card_request request = {.who = who};
    struct card card;

    put_title(out, "a card; its armour is put in one line here, with | for each line end");
    with_profile(write_card, &request);
    must(card_read(buffer_span(&request.armour), who->network, &card, NULL) == 0, "reading a card");
    put_hex(out, "card.signed", buffer_span(&card.encoded));
    for (size_t i = 0; i < request.armour.size; i++)
        if (request.armour.data[i] == '\n')
            request.armour.data[i] = '|';
    put_text(out, "card.armour", buffer_text(&request.armour));
    card_finish(&card);
    buffer_finish(&request.armour);
}

static void put_runs(struct buffer *out, const struct institution *who, const struct buffer *made)
{
    struct buffer run = {0}, file = {0};

    put_title(out, "runs, as wire messages: entries 2 … 3; entry 2 with 3 as proof only");
    institution_run(who, &made[1], 2, 0, &run);
    put_hex(out, "run.2_3", buffer_span(&run));
    buffer_clear(&run);
    institution_run(who, &made[1], 2, 3, &run);
    put_hex(out, "run.2_proof_3", buffer_span(&run));
    put_title(out, "the same feed as an exported file");
    must(feedfile_begin(&who->chain, &file, NULL) == 0, "beginning a file");
    for (size_t first = 0; first < ENTRIES;) {
        size_t count = first == 1 ? 3 : 1; /* never across a certificate: 1, 2 … 4, 5 */

        buffer_clear(&run);
        institution_run(who, &made[first], count, 0, &run);
        must(feedfile_append(buffer_span(&run), &file, NULL) == 0, "appending to a file");
        first += count;
    }
    put_hex(out, "feedfile", buffer_span(&file));
    buffer_finish(&run);
    buffer_finish(&file);
}

/* --- erasure ---------------------------------------------------------------------------------- */

static void append_order(struct institution *who, uint64_t *seqs, size_t count, struct buffer *out)
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    struct buffer content = {0};

    erasure.seq = seqs;
    erasure.n_seq = count;
    must(fields_pack(&erasure.base, &content), "packing");
    institution_append(who, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE, buffer_span(&content),
                       out);
    buffer_finish(&content);
}

/* The entry without salt and content. */
static void strip(struct buffer *signed_entry)
{
    struct buffer bare = {0};
    struct entry entry;

    must(entry_parse_bytes(buffer_span(signed_entry), INSTITUTION_NETWORK, &entry, NULL) == 0,
         "parsing");
    must(entry_encode(&entry, false, &bare), "memory");
    buffer_finish(signed_entry);
    *signed_entry = bare;
}

/* A feed of its own: certificate 1, two announcements, the order, one more. */
static void put_erasure(struct buffer *out)
{
    enum { COUNT = 5 };
    uint64_t seqs[] = {2, 1, 4, 9}; /* only No. 2 can be erased by it */
    struct buffer made[COUNT] = {{0}}, run = {0};
    struct institution who;
    struct entry order;

    institution_init(&who, 3);
    institution_certify(&who, false, &made[0]);
    institution_say(&who, "Ask for Anna", &made[1]);
    institution_say(&who, "Ask for Boris", &made[2]);
    append_order(&who, seqs, sizeof seqs / sizeof *seqs, &made[3]);
    institution_say(&who, "Ask the office", &made[4]);
    put_title(out,
              "erasure, in the feed of institution 3: No. 4 orders No. 2, 1, 4 and 9 to be "
              "erased, which\n# counts for No. 2 alone; the run with the content of No. 2, and "
              "the one that is handed on then");
    put_id(out, "erasure.feed", &who.chain.feed);
    put_hex(out, "erasure.certificate.1.signed", buffer_span(&who.chain.encoded[0]));
    institution_run(&who, made, 1, 0, &run);
    put_hex(out, "erasure.run.1", buffer_span(&run));
    must(entry_parse_bytes(buffer_span(&made[3]), INSTITUTION_NETWORK, &order, NULL) == 0,
         "parsing");
    put_hex(out, "erasure.content", order.content);
    put_hex(out, "erasure.signed", buffer_span(&made[3]));
    buffer_clear(&run);
    institution_run(&who, made + 1, COUNT - 1, 0, &run);
    put_hex(out, "erasure.run.2_5.before", buffer_span(&run));
    strip(&made[1]);
    buffer_clear(&run);
    institution_run(&who, made + 1, COUNT - 1, 0, &run);
    put_hex(out, "erasure.run.2_5.after", buffer_span(&run));
    for (size_t i = 0; i < COUNT; i++)
        buffer_finish(&made[i]);
    buffer_finish(&run);
    institution_finish(&who);
}

/* --- entries that are refused, and odd ones that are not ------------------------------------- */

/* A second entry with something odd about it; otherwise in order, and signed. */
struct odd {
    const char *name, *verdict; /* "ok" or the refusal */
    const char *network;
    uint64_t seq;
    uint64_t content_size; /* 0: as it is */
    size_t feed_size;      /* 0: 32 */
    bool no_previous, no_hash, no_salt, change_content, salt_short, empty_content, erased;
    enum { SIGNED_WELL, S_PLUS_L, SMALL_ORDER, BIT_CHANGED, SHORT, BY_ROOT } signature;
    const char *more; /* bytes behind the Entry's fields */
    size_t more_size;
    size_t padding; /* bytes of an unknown field */
};

static void put_varint(struct buffer *out, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        must(buffer_append(out, &byte, 1), "memory");
        value >>= 7;
    } while (value);
}

static void put_bytes_field(struct buffer *out, unsigned number, struct span value)
{
    put_varint(out, number << 3 | 2);
    put_varint(out, value.size);
    must(buffer_append(out, value.data, value.size), "memory");
}

static void put_number_field(struct buffer *out, unsigned number, uint64_t value)
{
    put_varint(out, number << 3);
    put_varint(out, value);
}

static void make_odd_entry(const struct odd *odd, const struct institution *who,
                           const struct id *previous, const struct id *content_hash,
                           size_t content_size, struct buffer *out)
{
    static const uint8_t padding[2048];

    put_bytes_field(out, 1, span_of_text(odd->network ? odd->network : who->network));
    put_bytes_field(out, 2, span_of(who->chain.feed.bytes, odd->feed_size ? odd->feed_size : 32));
    put_number_field(out, 3, odd->seq);
    if (!odd->no_previous)
        put_bytes_field(out, 4, span_of_id(previous));
    put_number_field(out, 5, INSTITUTION_START_MS);
    put_number_field(out, 6, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT);
    if (!odd->no_hash)
        put_bytes_field(out, 7, span_of_id(content_hash));
    put_number_field(out, 8, odd->content_size ? odd->content_size : content_size);
    must(buffer_append(out, odd->more, odd->more_size), "memory");
    if (odd->padding)
        put_bytes_field(out, 100, span_of(padding, odd->padding));
}

static void add_group_order(uint8_t s[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;

    for (int i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void sign_odd(const struct odd *odd, const struct institution *who, struct span entry,
                     uint8_t signature[64])
{
    const char *network = odd->network ? odd->network : who->network;
    struct id hash;

    identity_hash(IDENTITY_ENTRY, entry, &hash);
    must(identity_sign(odd->signature == BY_ROOT ? who->root : who->node, IDENTITY_ENTRY, network,
                       &hash, signature, NULL) == 0,
         "signing");
    if (odd->signature == S_PLUS_L) {
        add_group_order(signature + 32);
    } else if (odd->signature == SMALL_ORDER) {
        memset(signature, 0, 64);
        signature[0] = 1;
    } else if (odd->signature == BIT_CHANGED) {
        signature[17] ^= 0x10;
    }
}

static void put_odd(struct buffer *out, const struct odd *odd, const struct institution *who,
                    const struct id *previous)
{
    uint8_t salt[16], signature[64];
    char content[] = "abc", name[96];
    struct span said = span_of_text(odd->empty_content ? "" : content);
    struct buffer entry = {0}, outer = {0};
    struct id content_hash;

    memset(salt, 9, sizeof salt);
    identity_hash2(IDENTITY_CONTENT, span_of(salt, 16), said, &content_hash);
    make_odd_entry(odd, who, previous, &content_hash, said.size, &entry);
    sign_odd(odd, who, buffer_span(&entry), signature);
    content[0] = odd->change_content ? 'A' : 'a';
    put_bytes_field(&outer, 1, buffer_span(&entry));
    put_bytes_field(&outer, 2, span_of(signature, odd->signature == SHORT ? 63 : 64));
    if (!odd->no_salt && !odd->erased)
        put_bytes_field(&outer, 3, span_of(salt, odd->salt_short ? 15 : 16));
    if (!odd->erased)
        put_bytes_field(&outer, 4, said);
    snprintf(name, sizeof name, "judge.%s.%s", odd->verdict, odd->name);
    put_hex(out, name, buffer_span(&outer));
    buffer_finish(&entry);
    buffer_finish(&outer);
}

#define MORE(bytes) .more = bytes, .more_size = sizeof bytes - 1

static const struct odd odds[] = {
    {"plain", "ok", .seq = 2},
    {"unknown_field", "ok", .seq = 2, MORE("\xa2\x06\x02hi")},
    {"unknown_fixed_fields", "ok", .seq = 2,
     MORE("\xa1\x06"
          "12345678"
          "\xad\x06"
          "1234")},
    {"long_varint", "ok", .seq = 2, MORE("\x48\x81\x80\x80\x00")},
    {"empty_content", "ok", .seq = 2, .empty_content = true},
    {"erased", "ok", .seq = 2, .erased = true},
    {"newer_reader", "ok", .seq = 2, MORE("\x48\x09")},
    {"network", "wrong-network", .network = "else", .seq = 2},
    {"seq_zero", "malformed", .seq = 0},
    {"seq_first_with_previous", "malformed", .seq = 1},
    {"seq_above_2_63", "malformed", .seq = (uint64_t)INT64_MAX + 1},
    {"previous_absent", "malformed", .seq = 2, .no_previous = true},
    {"feed_short", "malformed", .seq = 2, .feed_size = 31},
    {"hash_absent", "malformed", .seq = 2, .no_hash = true},
    {"seq_twice", "malformed", .seq = 2, MORE("\x18\x02")},
    {"network_twice", "malformed", .seq = 2, MORE("\x0a\x0dsilkroad-test")},
    {"seq_as_bytes", "malformed", .seq = 2, MORE("\x4a\x01\x01")},
    {"min_reader_over_32_bits", "malformed", .seq = 2, MORE("\x48\x80\x80\x80\x80\x10")},
    {"varint_cut_off", "malformed", .seq = 2, MORE("\x48\x80")},
    {"varint_over_64_bits", "malformed", .seq = 2,
     MORE("\xa0\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")},
    {"field_reaches_over_end", "malformed", .seq = 2, MORE("\xa2\x06\x09hi")},
    {"field_zero", "malformed", .seq = 2, MORE("\x00\x01")},
    {"group", "malformed", .seq = 2, MORE("\xa3\x06\xa4\x06")},
    {"content_changed", "malformed", .seq = 2, .change_content = true},
    {"content_without_salt", "malformed", .seq = 2, .no_salt = true},
    {"salt_short", "malformed", .seq = 2, .salt_short = true},
    {"content_size_other", "malformed", .seq = 2, .content_size = 4},
    {"signature_short", "malformed", .seq = 2, .signature = SHORT},
    {"content_size_over_limit", "too-large", .seq = 2, .content_size = 65537},
    {"entry_over_limit", "too-large", .seq = 2, .padding = 1000},
    {"signature_bit", "bad-signature", .seq = 2, .signature = BIT_CHANGED},
    {"signature_s_plus_l", "bad-signature", .seq = 2, .signature = S_PLUS_L},
    {"signature_small_order", "bad-signature", .seq = 2, .signature = SMALL_ORDER},
    {"signature_by_root", "bad-signature", .seq = 2, .signature = BY_ROOT},
};

static void put_odds(struct buffer *out, const struct institution *who, const struct id *previous)
{
    put_title(out,
              "SignedEntry bytes to be judged as what follows entry 1 while certificate 1 is in "
              "force:\n# judge.<verdict>.<what is odd>");
    for (size_t i = 0; i < sizeof odds / sizeof odds[0]; i++)
        put_odd(out, &odds[i], who, previous);
}

/* --- all ------------------------------------------------------------------------------------- */

static void make_feed(struct institution *who, struct buffer made[ENTRIES])
{
    struct buffer announcement = {0}, profile = {0};

    make_announcement(&announcement);
    with_profile(pack_profile, &profile);
    institution_append(who, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, buffer_span(&profile),
                       &made[1]);
    institution_append(who, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                       buffer_span(&announcement), &made[2]);
    institution_certify(who, false, &made[3]);
    institution_certify(who, true, &made[4]);
    buffer_finish(&announcement);
    buffer_finish(&profile);
}

void vectors_write(struct buffer *out)
{
    struct institution who, partner;
    struct buffer made[ENTRIES] = {{0}}, unused = {0}, announcement = {0};

    institution_init(&who, 1);
    institution_init(&partner, 2);
    institution_certify(&partner, false, &unused);
    must(buffer_append_text(out, "# Known answers for PROTOCOL.md. Bytes are in hex. Made by "
                                 "`unit_vectors --write`.\n"),
         "memory");
    put_hashes(out);
    put_institution(out, &who);
    institution_certify(&who, false, &made[0]);
    put_odds(out, &who, &who.head.hash);
    make_feed(&who, made);
    put_certificates(out, &who.chain);
    put_title(out, "entries: certificate 1, profile, announcement, certificate 2, certificate 3");
    for (size_t i = 0; i < ENTRIES; i++)
        put_entry(out, &made[i]);
    put_statements(out, &who, &partner);
    put_ranked_head(out, &who);
    put_card(out, &who);
    put_runs(out, &who, made);
    put_erasure(out);
    make_announcement(&announcement);
    vectors_write_sealed(buffer_span(&announcement), out);
    vectors_write_sides(out);
    for (size_t i = 0; i < ENTRIES; i++)
        buffer_finish(&made[i]);
    buffer_finish(&unused);
    buffer_finish(&announcement);
    institution_finish(&who);
    institution_finish(&partner);
}
