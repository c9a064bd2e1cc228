#include "common/card.h"

#include "tests/support/institution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct institution th;
static struct buffer armour; /* a good card as text */

/* What a card says; tests change one field. */
struct words {
    Caravan__LocalizedText text;
    Caravan__LocalizedText *texts[1];
    Caravan__Profile profile;
    Caravan__Endpoints endpoints;
    char *live[9], *sync[9];
};

static void words_init(struct words *words)
{
    caravan__localized_text__init(&words->text);
    caravan__profile__init(&words->profile);
    caravan__endpoints__init(&words->endpoints);
    words->text.lang = (char *)(uintptr_t) "th";
    words->text.text = (char *)(uintptr_t) "สำนักงานพัฒนาวิทยาศาสตร์: NSTDA\n(ประเทศไทย)";
    words->texts[0] = &words->text;
    words->profile.name = words->texts;
    words->profile.n_name = 1;
    words->profile.handle = (char *)(uintptr_t) "th-demo";
    words->profile.country = (char *)(uintptr_t) "TH";
    words->live[0] = (char *)(uintptr_t) "tcp://th.example.org:7411";
    words->sync[0] = (char *)(uintptr_t) "tcp://[2001:db8::1]:7412";
    words->endpoints.live = words->live;
    words->endpoints.sync = words->sync;
    words->endpoints.n_live = words->endpoints.n_sync = 1;
}

static int setup(void **state)
{
    struct words words;
    struct buffer entries = {0};

    (void)state;
    institution_init(&th, 1);
    institution_certify(&th, false, &entries);
    institution_certify(&th, false, &entries);
    buffer_finish(&entries);
    words_init(&words);
    return card_write(&th.chain, &words.profile, &words.endpoints, 42, th.node, &armour, NULL);
}

static int teardown(void **state)
{
    (void)state;
    institution_finish(&th);
    buffer_finish(&armour);
    return 0;
}

static void assert_good(struct span text)
{
    struct error error = {0};
    struct card card;

    if (card_read(text, INSTITUTION_NETWORK, &card, &error) != 0)
        fail_msg("%s: %s\n%.*s", error_name(error.code), error.text, (int)text.size, text.data);
    assert_int_equal(card.chain.count, 2);
    assert_true(id_equal(&card.chain.feed, &th.chain.feed));
    assert_true(id_equal(&card.chain.certificates[1].transport_key, secret_public(th.transport)));
    assert_string_equal(card.profile->handle, "th-demo");
    assert_string_equal(card.profile->name[0]->lang, "th");
    assert_string_equal(card.endpoints->live[0], "tcp://th.example.org:7411");
    assert_string_equal(card.endpoints->sync[0], "tcp://[2001:db8::1]:7412");
    assert_int_equal(card.created_ms, 42);
    card_finish(&card);
}

static void test_card__goes_there_and_back(void **state)
{
    const char *text = buffer_text(&armour);
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], line[128];
    struct card card;

    (void)state;
    assert_good(buffer_span(&armour));
    assert_non_null(strstr(text, "(ประเทศไทย) (th-demo)\n")); /* a name stays on one line */
    assert_non_null(strstr(text, "Network: silkroad-test\n"));
    identity_fingerprint(&th.chain.feed, fingerprint);
    snprintf(line, sizeof line, "Fingerprint: %s\n\n", fingerprint);
    assert_non_null(strstr(text, line));
    /* Bare bytes, and any network. */
    assert_int_equal(card_read(buffer_span(&armour), NULL, &card, NULL), 0);
    assert_good(buffer_span(&card.encoded));
    card_finish(&card);
    card_finish(&card);
    card_finish(NULL);
}

/* What a glance tells is what reading tells, or would if the signature were right. */
static void test_card__a_glance_tells_whose_it_is(void **state)
{
    char handle[LIMIT_HANDLE_SIZE + 1] = "";
    struct error error = {0};
    struct card card;
    struct id feed = {{0}};

    (void)state;
    assert_int_equal(card_peek(buffer_span(&armour), &feed, handle, NULL), ERROR_NONE);
    assert_true(id_equal(&feed, &th.chain.feed));
    assert_string_equal(handle, "th-demo");
    assert_int_equal(card_read(buffer_span(&armour), NULL, &card, NULL), ERROR_NONE);
    card.encoded.data[card.encoded.size - 1] ^= 1; /* of the signature */
    handle[0] = '\0';
    assert_int_equal(card_peek(buffer_span(&card.encoded), &feed, handle, NULL), ERROR_NONE);
    assert_string_equal(handle, "th-demo");
    for (size_t size = 0; size < card.encoded.size; size++)
        assert_int_not_equal(card_peek(span_of(card.encoded.data, size), &feed, handle, NULL),
                             ERROR_NONE);
    assert_int_equal(card_peek(span_of_text("a letter to a friend"), &feed, handle, &error),
                     ERROR_INVALID);
    card_finish(&card);
}

static void test_card__a_node_that_only_connects_has_no_endpoints(void **state)
{
    struct buffer text = {0};
    struct words words;
    struct card card;

    (void)state;
    words_init(&words);
    assert_int_equal(card_write(&th.chain, &words.profile, NULL, 1, th.node, &text, NULL), 0);
    assert_int_equal(card_read(buffer_span(&text), NULL, &card, NULL), 0);
    assert_non_null(card.endpoints);
    assert_int_equal(card.endpoints->n_live + card.endpoints->n_sync, 0);
    card_finish(&card);
    buffer_finish(&text);
}

/* --- what e-mail does to text ---------------------------------------------------------------- */

/* Each line of the card with something around it. */
static void by_line(struct buffer *out, const char *before, const char *after)
{
    char *copy = strdup(buffer_text(&armour)), *rest = copy;
    const char *line;

    while ((line = strsep(&rest, "\n")) && rest)
        assert_true(buffer_printf(out, "%s%s%s", before, line, after));
    free(copy);
}

static void crlf(struct buffer *out)
{
    by_line(out, "", "\r\n");
}
static void quoted(struct buffer *out)
{
    by_line(out, "> ", "\n");
}
static void quoted_twice(struct buffer *out)
{
    by_line(out, ">> ", "  \r\n");
}
static void indented(struct buffer *out)
{
    by_line(out, " \t ", "\n");
}
static void doubled(struct buffer *out)
{
    by_line(out, "", "\n\n");
}
static void text_around(struct buffer *out)
{
    buffer_append_text(out, "Dear colleagues,\n\nhere is our card: read the fingerprint.\n");
    buffer_append(out, armour.data, armour.size);
    buffer_append_text(out, "-- \nOffice of International Cooperation = https://example.org\n");
}
static void no_final_line_end(struct buffer *out)
{
    buffer_append(out, armour.data, armour.size - 1);
}
static void byte_order_mark(struct buffer *out)
{
    buffer_append_text(out, "\xef\xbb\xbf");
    crlf(out);
}
static void no_header(struct buffer *out)
{
    const char *text = buffer_text(&armour), *body = strstr(text, "\n\n") + 2;

    buffer_append_text(out, "-----BEGIN CARAVAN CARD-----\n");
    buffer_append_text(out, body);
}
static void no_empty_line(struct buffer *out)
{
    const char *text = buffer_text(&armour), *body = strstr(text, "\n\n") + 1;

    buffer_append(out, text, (size_t)(body - text));
    buffer_append_text(out, body + 1);
}
static void broken_header_line(struct buffer *out)
{
    for (const char *at = buffer_text(&armour); *at; at++)
        buffer_append_text(out, *at == ' ' && at[1] == '(' ? "\n" : (char[]){*at, 0});
}
static void one_long_line(struct buffer *out)
{
    const char *text = buffer_text(&armour), *body = strstr(text, "\n\n") + 2;
    const char *end = strstr(body, "-----END");

    buffer_append(out, text, (size_t)(body - text));
    for (; body < end; body++)
        if (*body != '\n')
            buffer_append(out, body, 1);
    buffer_append_text(out, "\n");
    buffer_append_text(out, end);
}
/* As python3's quopri does it: '=' and what is not ASCII escaped, lines of at most `width`. */
static void quoted_printable(struct buffer *out, size_t width)
{
    size_t column = 0;

    for (size_t i = 0; i < armour.size; i++) {
        char one[8];
        unsigned c = armour.data[i];

        snprintf(one, sizeof one, c == '=' || c >= 127 ? "=%02X" : "%c", c);
        if (c != '\n' && column + strlen(one) >= width) {
            buffer_append_text(out, "=\r\n");
            column = 0;
        }
        buffer_append_text(out, c == '\n' ? "\r\n" : one);
        column = c == '\n' ? 0 : column + strlen(one);
    }
}
static void quoted_printable_76(struct buffer *out)
{
    quoted_printable(out, 76);
}
static void quoted_printable_50(struct buffer *out)
{
    quoted_printable(out, 50);
}

static void test_card__survives_email(void **state)
{
    static void (*const mangle[])(struct buffer *) = {
        crlf,
        quoted,
        quoted_twice,
        indented,
        doubled,
        text_around,
        no_header,
        no_empty_line,
        broken_header_line,
        one_long_line,
        no_final_line_end,
        byte_order_mark,
        quoted_printable_76,
        quoted_printable_50,
    };

    (void)state;
    for (size_t i = 0; i < sizeof mangle / sizeof mangle[0]; i++) {
        struct buffer text = {0};

        mangle[i](&text);
        assert_good(buffer_span(&text));
        buffer_finish(&text);
    }
}

static void test_card__whatever_its_length_the_padding_survives(void **state)
{
    (void)state;
    for (int extra = 0; extra < 3; extra++) {
        struct buffer text = {0}, kept = armour;
        struct words words;
        struct card card;
        char name[8];

        words_init(&words);
        snprintf(name, sizeof name, "N%.*s", extra, "ab");
        words.text.text = name;
        assert_int_equal(card_write(&th.chain, &words.profile, NULL, 1, th.node, &text, NULL), 0);
        armour = text;
        struct buffer mangled = {0};
        quoted_printable_50(&mangled);
        armour = kept;
        assert_int_equal(card_read(buffer_span(&mangled), NULL, &card, NULL), 0);
        assert_string_equal(card.profile->name[0]->text, name);
        card_finish(&card);
        buffer_finish(&text);
        buffer_finish(&mangled);
    }
}

/* --- broken text ----------------------------------------------------------------------------- */

static void empty(struct buffer *out)
{
    buffer_append_text(out, "");
}
static void no_card(struct buffer *out)
{
    buffer_append_text(out, "Dear colleagues,\n");
}
static void cut_off(struct buffer *out)
{
    buffer_append(out, armour.data, armour.size / 2);
}
static void two_cards(struct buffer *out)
{
    buffer_append(out, armour.data, armour.size);
    buffer_append(out, armour.data, armour.size);
}
static void two_cards_first_cut_off(struct buffer *out)
{
    cut_off(out);
    buffer_append_text(out, "\n");
    buffer_append(out, armour.data, armour.size);
}
static void foreign_letter(struct buffer *out)
{
    buffer_append(out, armour.data, armour.size);
    out->data[strstr(buffer_text(&armour), "\n\n") + 2 + 65 + 3 - (char *)armour.data] = '*';
}
static void line_lost(struct buffer *out)
{
    const char *text = buffer_text(&armour), *body = strstr(text, "\n\n") + 2;

    buffer_append(out, text, (size_t)(body - text));
    buffer_append_text(out, body + 65);
}
static void letter_lost(struct buffer *out)
{
    const char *text = buffer_text(&armour), *body = strstr(text, "\n\n") + 2;

    buffer_append(out, text, (size_t)(body - text));
    buffer_append_text(out, body + 1);
}
static void nothing_inside(struct buffer *out)
{
    buffer_append_text(out, "-----BEGIN CARAVAN CARD-----\n\n-----END CARAVAN CARD-----\n");
}
static void one_line(struct buffer *out)
{
    buffer_append_text(out, "-----BEGIN CARAVAN CARD-----  -----END CARAVAN CARD-----\n");
}
static void equals_inside(struct buffer *out)
{
    buffer_append(out, armour.data, armour.size);
    out->data[strstr(buffer_text(&armour), "\n\n") + 2 + 7 - (char *)armour.data] = '=';
}
static void over_limit(struct buffer *out)
{
    buffer_append_text(out, "\xff");
    while (out->size <= LIMIT_CARD_SIZE)
        buffer_append_text(out, "bytes, not text ");
}
static void utf_16(struct buffer *out)
{
    buffer_append(out, "\xff\xfe-\0-\0-\0", 8);
}
static void other_binary(struct buffer *out)
{
    buffer_append(out, "\x0a\x90\0\xff", 4);
}
static void huge(struct buffer *out)
{
    while (out->size <= 4 * LIMIT_CARD_SIZE)
        buffer_append_text(out, "a long e-mail, without end; ");
}

static void test_card__broken_text_has_its_own_error(void **state)
{
    static const struct {
        void (*mangle)(struct buffer *);
        int code;
        const char *found, *expected;
    } bad[] = {
        {empty, ERROR_INVALID, "in 0 bytes", "expected a card"},
        {no_card, ERROR_INVALID, "in 17 bytes", "expected a card"},
        {cut_off, ERROR_INVALID, "line 13: the card ends", "expected a line \"-----END"},
        {two_cards, ERROR_INVALID, "found a second card", "expected one (it began in line 1)"},
        {two_cards_first_cut_off, ERROR_INVALID, "line 14: found a second card", "expected one"},
        {foreign_letter, ERROR_INVALID, "line 7, column 4: found '*'", "expected base64"},
        {line_lost, ERROR_MALFORMED, "SignedCard: byte ", "expected"},
        {letter_lost, ERROR_INVALID, "base64 characters that do not end well", "groups of four"},
        {nothing_inside, ERROR_MALFORMED, "SignedCard: found no card in 0 bytes", "expected it"},
        {one_line, ERROR_INVALID, "line 1: found no text in the card", "expected base64"},
        {equals_inside, ERROR_INVALID, "do not end well", "groups of four"},
        {over_limit, ERROR_TOO_LARGE, "SignedCard has 1310", "at most 131072"},
        {utf_16, ERROR_INVALID, "found UTF-16 text", "expected plain text"},
        {other_binary, ERROR_MALFORMED, "SignedCard: byte 3: found a field of 16 bytes", "1 that"},
        {huge, ERROR_TOO_LARGE, "found 524", "expected at most 524288"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer text = {0};
        struct error error = {0};
        struct card card;
        int code;

        bad[i].mangle(&text);
        code = card_read(buffer_span(&text), INSTITUTION_NETWORK, &card, &error);
        if (code != bad[i].code || !strstr(error.text, bad[i].found) ||
            !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name((enum error_code)code), error.text);
        assert_null(card.profile);
        card_finish(&card);
        buffer_finish(&text);
    }
}

static void test_card__every_flipped_letter_is_refused(void **state)
{
    char *text = strdup(buffer_text(&armour));
    char *body = strstr(text, "\n\n") + 2, *end = strstr(body, "-----END");

    (void)state;
    for (char *at = body; at < end; at++) {
        char kept = *at;
        struct error error = {0};
        struct card card;

        if (kept == '\n')
            continue;
        *at = kept == 'A' ? 'B' : kept == '=' ? 'x' : 'A';
        if (card_read(span_of_text(text), INSTITUTION_NETWORK, &card, &error) == 0)
            fail_msg("letter %td '%c' as '%c' was accepted", at - body, kept, *at);
        assert_true(error.text[0]);
        *at = kept;
    }
    free(text);
}

/* --- cards that say something wrong ---------------------------------------------------------- */

static void no_country(struct words *w)
{
    w->profile.country = NULL;
}
static void country_name(struct words *w)
{
    w->profile.country = (char *)(uintptr_t) "Thai";
}
static void no_handle(struct words *w)
{
    w->profile.handle = NULL;
}
static void handle_upper(struct words *w)
{
    w->profile.handle = (char *)(uintptr_t) "TH-demo";
}
static void handle_abroad(struct words *w)
{
    w->profile.handle = (char *)(uintptr_t) "cn-demo";
}
static void no_name(struct words *w)
{
    w->profile.n_name = 0;
}
static void empty_name(struct words *w)
{
    w->text.text = (char *)(uintptr_t) "";
}
static void wildcard(struct words *w)
{
    w->live[0] = (char *)(uintptr_t) "tcp://0.0.0.0:7411";
}
static void no_port(struct words *w)
{
    w->sync[0] = (char *)(uintptr_t) "tcp://host";
}
static void many(struct words *w)
{
    for (int i = 0; i < 9; i++)
        w->live[i] = (char *)(uintptr_t) "tcp://a:1";
    w->endpoints.n_live = 9;
}

static void test_card__refuses_to_write_and_to_read_wrong_contents(void **state)
{
    static const struct {
        void (*spoil)(struct words *);
        const char *found, *expected;
    } bad[] = {
        {no_country, "Profile: country is \"\"", "two capital letters"},
        {country_name, "Profile: country is \"Thai\"", "two capital letters"},
        {no_handle, "Profile: handle is \"\"", "two letters of the country"},
        {handle_upper, "Profile: handle is \"TH-demo\"", "two letters of the country"},
        {handle_abroad, "Profile: handle is \"cn-demo\"", "start with the country TH"},
        {no_name, "Profile: found no name", "at least one"},
        {empty_name, "Profile: name 1 has no text", "the institution's name"},
        {wildcard, "Endpoints: live is \"tcp://0.0.0.0:7411\"", "tcp://host:port that others"},
        {no_port, "Endpoints: sync is \"tcp://host\"", "tcp://host:port"},
        {many, "Endpoints: found 9 addresses for live", "at most 8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buffer text = {0};
        struct error error = {0};
        struct words words;

        words_init(&words);
        bad[i].spoil(&words);
        assert_int_equal(
            card_write(&th.chain, &words.profile, &words.endpoints, 1, th.node, &text, &error),
            ERROR_MALFORMED);
        if (!strstr(error.text, bad[i].found) || !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s", i, error.text);
        assert_int_equal(text.size, 0);
        buffer_finish(&text);
    }
}

/* A card that somebody else's program wrote and signed well. */
static void sign(Caravan__Card *card, struct buffer *out)
{
    Caravan__SignedCard outer = CARAVAN__SIGNED_CARD__INIT;
    uint8_t bytes[4096], signature[64];
    size_t size = caravan__card__pack(card, bytes);
    struct id hash;

    identity_hash(IDENTITY_CARD, span_of(bytes, size), &hash);
    assert_int_equal(
        identity_sign(th.node, IDENTITY_CARD, INSTITUTION_NETWORK, &hash, signature, NULL), 0);
    outer.has_card = outer.has_signature = 1;
    outer.card = (ProtobufCBinaryData){size, bytes};
    outer.signature = (ProtobufCBinaryData){64, signature};
    assert_true(buffer_reserve(out, 8192));
    out->size = caravan__signed_card__pack(&outer, out->data);
}

static void other_network(Caravan__Card *c)
{
    c->network = (char *)(uintptr_t) "else";
}
static void no_network(Caravan__Card *c)
{
    c->network = NULL;
}
static void no_feed(Caravan__Card *c)
{
    c->has_feed = 0;
}
static void other_feed(Caravan__Card *c)
{
    c->feed.data[3] ^= 1;
}
static void no_certificates(Caravan__Card *c)
{
    c->n_certificates = 0;
}
static void old_certificate_only(Caravan__Card *c)
{
    c->n_certificates = 1;
}
static void twice(Caravan__Card *c)
{
    c->certificates[1] = c->certificates[0];
}
static void gap(Caravan__Card *c)
{
    c->certificates[0] = c->certificates[1];
    c->n_certificates = 1;
}
static void no_profile(Caravan__Card *c)
{
    c->profile = NULL;
}
static void foreign_handle(Caravan__Card *c)
{
    c->profile->handle = (char *)(uintptr_t) "no";
}
static void bad_text(Caravan__Card *c)
{
    c->profile->website = (char *)(uintptr_t) "\xff";
}

static void test_card__refuses_a_signed_card_that_is_wrong(void **state)
{
    static const struct {
        void (*spoil)(Caravan__Card *);
        int code;
        const char *found, *expected;
    } bad[] = {
        {other_network, ERROR_WRONG_NETWORK, "Card: network is \"else\"", "\"silkroad-test\""},
        {no_network, ERROR_MALFORMED, "Card: found no network", "expected it"},
        {no_feed, ERROR_MALFORMED, "Card: feed has 0 bytes", "expected 32"},
        {other_feed, ERROR_MALFORMED, "Certificate: feed has the fingerprint", "expected"},
        {no_certificates, ERROR_MALFORMED, "Card: found no certificate", "all of them"},
        {old_certificate_only, ERROR_BAD_SIGNATURE, "SignedCard: signature", "certificate 1"},
        {twice, ERROR_MALFORMED, "Card: certificate 1 stands twice", "expected once"},
        {gap, ERROR_GAP, "Certificate: number is 2", "expected 1"},
        {no_profile, ERROR_MALFORMED, "Card: found no profile", "expected it"},
        {foreign_handle, ERROR_MALFORMED, "Profile: handle is \"no\"", "two letters"},
        {bad_text, ERROR_MALFORMED, "Card.profile.website", "text in UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Caravan__SignedCertificate *certificates[2];
        Caravan__Card card = CARAVAN__CARD__INIT;
        struct buffer bytes = {0};
        struct error error = {0};
        struct id feed = th.chain.feed;
        struct words words;
        struct card read;
        int code;

        words_init(&words);
        for (size_t k = 0; k < 2; k++)
            certificates[k] = caravan__signed_certificate__unpack(NULL, th.chain.encoded[k].size,
                                                                  th.chain.encoded[k].data);
        Caravan__SignedCertificate *shown[2] = {certificates[0], certificates[1]};
        card.network = (char *)(uintptr_t)INSTITUTION_NETWORK;
        card.has_feed = 1;
        card.feed = (ProtobufCBinaryData){32, feed.bytes};
        card.certificates = shown;
        card.n_certificates = 2;
        card.profile = &words.profile;
        bad[i].spoil(&card);
        sign(&card, &bytes);
        code = card_read(buffer_span(&bytes), INSTITUTION_NETWORK, &read, &error);
        if (code != bad[i].code || !strstr(error.text, bad[i].found) ||
            !strstr(error.text, bad[i].expected))
            fail_msg("case %zu: %s: %s", i, error_name((enum error_code)code), error.text);
        card_finish(&read);
        buffer_finish(&bytes);
        caravan__signed_certificate__free_unpacked(certificates[0], NULL);
        caravan__signed_certificate__free_unpacked(certificates[1], NULL);
    }
}

static void test_card__only_the_newest_node_key_writes_one(void **state)
{
    struct buffer text = {0};
    struct words words;
    struct error error;

    (void)state;
    words_init(&words);
    assert_int_equal(card_write(&th.chain, &words.profile, NULL, 1, th.root, &text, &error),
                     ERROR_INVALID);
    assert_non_null(strstr(error.text, "newest certificate"));
    buffer_finish(&text);
}

static void test_card__handles_and_endpoints_have_rules(void **state)
{
    static const char *const handles[] = {"th-nstda", "cn-cas", "za-x1", "lk-a-b",
                                          "ru-abcdefghijklmnopqrstuvwxyz012"};
    static const char *const not_handles[] = {"",
                                              "th",
                                              "th-",
                                              "th-a",
                                              "t-nstda",
                                              "tha-nstda",
                                              "th_nstda",
                                              "TH-nstda",
                                              "th-Nstda",
                                              "th-nst da",
                                              "ru-abcdefghijklmnopqrstuvwxyz0123"};
    static const char *const endpoints[] = {"tcp://a:1", "tcp://10.0.0.1:65535",
                                            "tcp://node.nstda.or.th:7411", "tcp://[::1]:80"};
    static const char *const not_endpoints[] = {
        "",           "tcp://",        "tcp://a",          "tcp://a:",        "tcp://a:0",
        "tcp://a:01", "tcp://a:65536", "tcp://*:1",        "tcp://0.0.0.0:1", "tcp://[::]:1",
        "udp://a:1",  "tcp://u@a:1",   "tcp://a b:1",      "tcp://:1",        "tcp://-a:1",
        "tcp://a:1/", "a:1",           "tcp://a:99999999", "tcp://[]:1",      "tcp://a:+1"};

    (void)state;
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        assert_true(card_handle_is_valid(handles[i]));
    for (size_t i = 0; i < sizeof not_handles / sizeof not_handles[0]; i++)
        assert_false(card_handle_is_valid(not_handles[i]));
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        assert_true(card_endpoint_is_valid(endpoints[i]));
    for (size_t i = 0; i < sizeof not_endpoints / sizeof not_endpoints[0]; i++)
        if (card_endpoint_is_valid(not_endpoints[i]))
            fail_msg("\"%s\" was taken", not_endpoints[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card__goes_there_and_back),
        cmocka_unit_test(test_card__a_glance_tells_whose_it_is),
        cmocka_unit_test(test_card__a_node_that_only_connects_has_no_endpoints),
        cmocka_unit_test(test_card__survives_email),
        cmocka_unit_test(test_card__whatever_its_length_the_padding_survives),
        cmocka_unit_test(test_card__broken_text_has_its_own_error),
        cmocka_unit_test(test_card__every_flipped_letter_is_refused),
        cmocka_unit_test(test_card__refuses_to_write_and_to_read_wrong_contents),
        cmocka_unit_test(test_card__refuses_a_signed_card_that_is_wrong),
        cmocka_unit_test(test_card__only_the_newest_node_key_writes_one),
        cmocka_unit_test(test_card__handles_and_endpoints_have_rules),
    };

    return cmocka_run_group_tests_name("card", tests, setup, teardown);
}
