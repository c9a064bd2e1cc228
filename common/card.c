#include "common/card.h"

#include "common/fields.h"
#include "common/guard.h"
#include "common/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "-----BEGIN CARAVAN CARD"
#define END "-----END CARAVAN CARD"
#define DASHES "-----"
#define LINE_SIZE 64
/* Armour, quoting and a long e-mail around it. */
#define TEXT_SIZE_MAX (4 * LIMIT_CARD_SIZE)
#define ENDPOINT_SIZE_MAX 256
#define ENDPOINTS_MAX 8

enum { SIGNED_CARD = 1, SIGNED_SIGNATURE, SIGNED_COUNT };

static const struct fields_rule signed_rules[SIGNED_COUNT] = {
    [SIGNED_CARD] = {FIELDS_BYTES, "card", 0, true},
    [SIGNED_SIGNATURE] = {FIELDS_BYTES, "signature", IDENTITY_SIGNATURE_SIZE, true},
};
static const struct fields_message signed_message = {"SignedCard", signed_rules, SIGNED_COUNT};

/* --- rules for handles and endpoints --------------------------------------------------------- */

static bool consists_of(const char *text, size_t size, const char *allowed)
{
    return size > 0 && strspn(text, allowed) >= size;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool card_handle_is_valid(const char *handle)
{
    size_t size = strlen(handle);

    return size >= 5 && size <= LIMIT_HANDLE_SIZE && consists_of(handle, 2, LOWER) &&
           handle[2] == '-' && consists_of(handle + 3, size - 3, LOWER DIGITS "-");
}

static bool port_is_valid(const char *port)
{
    size_t size = strlen(port);

    return size <= 5 && consists_of(port, size, DIGITS) && port[0] != '0' && atoi(port) <= 65535;
}

static bool host_is_valid(const char *host, size_t size)
{
    if (size > 2 && host[0] == '[' && host[size - 1] == ']')
        return consists_of(host + 1, size - 2, DIGITS "abcdefABCDEF:.") &&
               !consists_of(host + 1, size - 2, "0:");
    return consists_of(host, size, LOWER UPPER DIGITS "-.") && host[0] != '-' && host[0] != '.' &&
           !consists_of(host, size, "0.");
}

bool card_endpoint_is_valid(const char *endpoint)
{
    static const char scheme[] = "tcp://";
    const char *host = endpoint + sizeof scheme - 1, *colon;

    if (strlen(endpoint) > ENDPOINT_SIZE_MAX || strncmp(endpoint, scheme, sizeof scheme - 1) != 0)
        return false;
    colon = strrchr(host, ':');
    return colon && host_is_valid(host, (size_t)(colon - host)) && port_is_valid(colon + 1);
}

static int check_name(const Caravan__Profile *profile, struct error *error)
{
    if (profile->n_name == 0)
        return error_set(error, ERROR_MALFORMED, "Profile: found no name, expected at least one");
    for (size_t i = 0; i < profile->n_name; i++)
        if (!profile->name[i]->text || !profile->name[i]->text[0])
            return error_set(error, ERROR_MALFORMED,
                             "Profile: name %zu has no text, expected the institution's name",
                             i + 1);
    return ERROR_NONE;
}

static int check_profile(const Caravan__Profile *profile, struct error *error)
{
    const char *country = profile && profile->country ? profile->country : "";
    const char *handle = profile && profile->handle ? profile->handle : "";
    char shown[48];

    if (!profile)
        return error_set(error, ERROR_MALFORMED, "Card: found no profile, expected it");
    if (strlen(country) != 2 || !consists_of(country, 2, UPPER))
        return error_set(error, ERROR_MALFORMED,
                         "Profile: country is \"%s\", expected two capital letters (ISO 3166)",
                         bytes_visible(span_of_text(country), shown, sizeof shown));
    if (!card_handle_is_valid(handle))
        return error_set(
            error, ERROR_MALFORMED,
            "Profile: handle is \"%s\", expected two letters of the country, '-' and 2 "
            "to 29 of a-z 0-9 '-'",
            bytes_visible(span_of_text(handle), shown, sizeof shown));
    if (handle[0] != (country[0] | 32) || handle[1] != (country[1] | 32))
        return error_set(error, ERROR_MALFORMED,
                         "Profile: handle is \"%s\", expected it to start with the country %s",
                         handle, country);
    return check_name(profile, error);
}

static int check_endpoint_list(const char *service, char *const *endpoints, size_t count,
                               struct error *error)
{
    char shown[80];

    if (count > ENDPOINTS_MAX)
        return error_set(error, ERROR_MALFORMED,
                         "Endpoints: found %zu addresses for %s, expected at most %d", count,
                         service, ENDPOINTS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!card_endpoint_is_valid(endpoints[i]))
            return error_set(error, ERROR_MALFORMED,
                             "Endpoints: %s is \"%s\", expected tcp://host:port that others can "
                             "reach",
                             service,
                             bytes_visible(span_of_text(endpoints[i]), shown, sizeof shown));
    return ERROR_NONE;
}

static int check_contents(const Caravan__Profile *profile, const Caravan__Endpoints *endpoints,
                          struct error *error)
{
    int code = check_profile(profile, error);

    if (!code && endpoints)
        code = check_endpoint_list("live", endpoints->live, endpoints->n_live, error);
    if (!code && endpoints)
        code = check_endpoint_list("sync", endpoints->sync, endpoints->n_sync, error);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static int pack_card(const struct identity_chain *chain, const Caravan__Profile *profile,
                     const Caravan__Endpoints *endpoints, uint64_t created_ms, struct buffer *out,
                     struct error *error)
{
    Caravan__Card card = CARAVAN__CARD__INIT;
    int code = ERROR_NONE;

    card.certificates = calloc(chain->count, sizeof(Caravan__SignedCertificate *));
    if (!card.certificates)
        return error_memory(error);
    for (; card.n_certificates < chain->count; card.n_certificates++) {
        const struct buffer *encoded = &chain->encoded[card.n_certificates];
        Caravan__SignedCertificate *certificate =
            caravan__signed_certificate__unpack(NULL, encoded->size, encoded->data);

        if (!certificate)
            break;
        card.certificates[card.n_certificates] = certificate;
    }
    card.network = (char *)(uintptr_t)chain->network;
    card.has_feed = card.has_created_ms = 1;
    card.feed = fields_binary(span_of_id(&chain->feed));
    card.profile = (Caravan__Profile *)(uintptr_t)profile;
    card.endpoints = (Caravan__Endpoints *)(uintptr_t)endpoints;
    card.created_ms = created_ms;
    if (card.n_certificates < chain->count || !fields_pack(&card.base, out))
        code = error_memory(error);
    for (size_t i = 0; i < card.n_certificates; i++)
        caravan__signed_certificate__free_unpacked(card.certificates[i], NULL);
    free(card.certificates);
    return code;
}

/* A name as one line: what would break the line is shown as a space. */
static bool append_line(struct buffer *out, const char *text)
{
    for (; *text; text++)
        if (!buffer_append(out, (unsigned char)*text < ' ' ? " " : text, 1))
            return false;
    return true;
}

static bool append_armour(const struct identity_chain *chain, const Caravan__Profile *profile,
                          struct span signed_card, struct buffer *out)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];
    struct buffer base64 = {0};
    bool done = bytes_to_base64(signed_card.data, signed_card.size, &base64);

    identity_fingerprint(&chain->feed, fingerprint);
    done = done && buffer_append_text(out, BEGIN DASHES "\nInstitution: ") &&
           append_line(out, profile->name[0]->text) &&
           buffer_printf(out, " (%s)\nNetwork: %s\nFingerprint: %s\n\n", profile->handle,
                         chain->network, fingerprint);
    for (size_t at = 0; done && at < base64.size; at += LINE_SIZE) {
        size_t left = base64.size - at;

        done = buffer_append(out, base64.data + at, left < LINE_SIZE ? left : LINE_SIZE) &&
               buffer_append_text(out, "\n");
    }
    done = done && buffer_append_text(out, END DASHES "\n");
    buffer_finish(&base64);
    return done;
}

int card_write(const struct identity_chain *chain, const Caravan__Profile *profile,
               const Caravan__Endpoints *endpoints, uint64_t created_ms, const struct secret *node,
               struct buffer *armour, struct error *error)
{
    const struct identity_certificate *last = identity_chain_get(chain, chain->count);
    Caravan__SignedCard message = CARAVAN__SIGNED_CARD__INIT;
    uint8_t signature[IDENTITY_SIGNATURE_SIZE];
    struct buffer card = {0}, signed_card = {0};
    struct id hash;
    int code = check_contents(profile, endpoints, error);

    if (code)
        return code;
    if (!last || !id_equal(&last->node_key, secret_public(node)))
        return error_set(error, ERROR_INVALID,
                         "the node key is not the one that the newest certificate names; issue a "
                         "certificate for it first");
    code = pack_card(chain, profile, endpoints, created_ms, &card, error);
    if (code)
        goto out;
    identity_hash(IDENTITY_CARD, buffer_span(&card), &hash);
    code = identity_sign(node, IDENTITY_CARD, chain->network, &hash, signature, error);
    if (code)
        goto out;
    message.has_card = message.has_signature = 1;
    message.card = fields_binary(buffer_span(&card));
    message.signature = fields_binary(span_of(signature, sizeof signature));
    if (!fields_pack(&message.base, &signed_card) ||
        !append_armour(chain, profile, buffer_span(&signed_card), armour))
        code = error_memory(error);
    else if (signed_card.size > LIMIT_CARD_SIZE)
        code = error_set(error, ERROR_TOO_LARGE, "the card has %zu bytes, expected at most %d",
                         signed_card.size, LIMIT_CARD_SIZE);
out:
    buffer_finish(&card);
    buffer_finish(&signed_card);
    return code;
}

/* --- taking the armour off ------------------------------------------------------------------- */

/* The text between the two marks. */
struct armour {
    const char *at, *end;
    size_t line; /* of at, from 1 */
};

static const char *find(const char *from, const char *end, const char *what)
{
    return memmem(from, (size_t)(end - from), what, strlen(what));
}

static size_t count_lines(const char *from, const char *to)
{
    size_t lines = 0;

    for (; from < to; from++)
        lines += *from == '\n';
    return lines;
}

static int find_armour(struct span text, struct armour *out, struct error *error)
{
    const char *start = text.size ? (const char *)text.data : "", *end = start + text.size;
    const char *begin = find(start, end, BEGIN), *close, *second;
    size_t line;

    if (!begin)
        return error_set(error, ERROR_INVALID,
                         "found no line \"%s\" in %zu bytes, expected a card; give the whole file "
                         "or the whole e-mail",
                         BEGIN DASHES, text.size);
    line = count_lines(start, begin) + 1;
    second = find(begin + 1, end, BEGIN);
    close = find(begin, second ? second : end, END);
    if (!close && !second)
        return error_set(
            error, ERROR_INVALID,
            "line %zu: the card ends with the text, expected a line \"%s\"; it was cut "
            "off, ask for it again",
            line + count_lines(begin, end), END DASHES);
    if (second)
        return error_set(error, ERROR_INVALID,
                         "line %zu: found a second card, expected one (it began in line %zu); put "
                         "each into a file of its own",
                         count_lines(start, second) + 1, line);
    out->at = memchr(begin, '\n', (size_t)(close - begin));
    out->end = close;
    if (!out->at)
        return error_set(error, ERROR_INVALID,
                         "line %zu: found no text in the card, expected base64", line);
    out->at++;
    out->line = line + 1;
    return ERROR_NONE;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *line_end(const char *at, const char *end)
{
    const char *found = memchr(at, '\n', (size_t)(end - at));

    return found ? found : end;
}

/* Behind quoting and white space. */
static const char *line_text(const char *at, const char *end)
{
    while (at < end && (is_space(*at) || *at == '>'))
        at++;
    return at;
}

/* "Word: text" */
static bool line_is_header(const char *at, const char *end)
{
    const char *word = line_text(at, end), *colon = word;

    while (colon < end && ((*colon | 32) >= 'a' && (*colon | 32) <= 'z'))
        colon++;
    return colon > word && end - colon >= 2 && colon[0] == ':' && colon[1] == ' ';
}

/* What a mail program has broken off a long header line. */
static bool line_has_words(const char *at, const char *end)
{
    at = line_text(at, end);
    while (end > at && is_space(end[-1]))
        end--;
    return end > at && memchr(at, ' ', (size_t)(end - at));
}

/* Skips what is for people: everything up to the last line of the form "Word: text", and lines of
 * several words behind it. Empty lines do not matter: some mail programs add or remove them. */
static void skip_header(struct armour *armour)
{
    const char *first = armour->at, *end;

    for (const char *at = armour->at; at < armour->end; at = end + 1) {
        end = line_end(at, armour->end);
        if (line_is_header(at, end))
            first = end + (end < armour->end);
    }
    while (first < armour->end && line_has_words(first, line_end(first, armour->end))) {
        end = line_end(first, armour->end);
        first = end + (end < armour->end);
    }
    armour->line += count_lines(armour->at, first);
    armour->at = first;
}

static bool is_soft_break(const char *at, const char *end)
{
    const char *next = at + 1;

    while (next < end && is_space(*next))
        next++;
    if (next == end || *next != '\n')
        return false;
    while (next < end && (is_space(*next) || *next == '\n' || *next == '>'))
        next++;
    return next < end && *next != '=';
}

static bool is_base64(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Takes off line ends, quoting and quoted-printable; *digits gets base64 and nothing else. */
static int clean(struct armour armour, struct buffer *digits, struct error *error)
{
    const char *start = armour.at;
    bool line_start = true;

    for (const char *at = armour.at; at < armour.end; at++) {
        char found[8];

        if (*at == '\n') {
            armour.line++;
            start = at + 1;
            line_start = true;
            continue;
        }
        if (is_space(*at) || (*at == '>' && line_start))
            continue;
        line_start = false;
        if (*at == '=' && armour.end - at > 2 && at[1] == '3' && (at[2] | 32) == 'd') {
            at += 2;
            if (!buffer_append(digits, "=", 1))
                return error_memory(error);
        } else if (*at == '=' && is_soft_break(at, armour.end)) {
            continue;
        } else if (*at == '=' || is_base64(*at)) {
            if (!buffer_append(digits, at, 1))
                return error_memory(error);
        } else {
            return error_set(
                error, ERROR_INVALID,
                "line %zu, column %td: found '%s', expected base64 (A-Z a-z 0-9 + / =)",
                armour.line, at - start + 1, bytes_visible(span_of(at, 1), found, sizeof found));
        }
    }
    return ERROR_NONE;
}

/* SignedCard bytes from an armoured text. */
static int unarmour(struct span text, struct buffer *out, struct error *error)
{
    struct buffer digits = {0};
    struct armour armour = {0};
    int code = find_armour(text, &armour, error);

    if (code)
        return code;
    skip_header(&armour);
    code = clean(armour, &digits, error);
    if (!code && !buffer_reserve(out, digits.size / 4 * 3 + 3))
        code = error_memory(error);
    if (!code && !bytes_from_base64((const char *)digits.data, digits.size, out))
        code =
            error_set(error, ERROR_INVALID,
                      "line %zu: found %zu base64 characters that do not end well, expected whole "
                      "groups of four; text is missing, ask for the card again",
                      armour.line + count_lines(armour.at, armour.end), digits.size);
    buffer_finish(&digits);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

static int check_network(const Caravan__Card *card, const char *network, struct error *error)
{
    char shown[LIMIT_NETWORK_SIZE + 1];

    if (!card->network)
        return error_set(error, ERROR_MALFORMED, "Card: found no network, expected it");
    if (network && strcmp(card->network, network) != 0)
        return error_set(error, ERROR_WRONG_NETWORK, "Card: network is \"%s\", expected \"%s\"",
                         bytes_visible(span_of_text(card->network), shown, sizeof shown), network);
    return ERROR_NONE;
}

static int read_feed(const Caravan__Card *card, struct id *feed, struct error *error)
{
    if (card->has_feed && span_to_id(span_of(card->feed.data, card->feed.len), feed))
        return ERROR_NONE;
    return error_set(error, ERROR_MALFORMED, "Card: feed has %zu bytes, expected %d",
                     card->has_feed ? card->feed.len : 0, BYTES_ID_SIZE);
}

static int read_chain(const Caravan__Card *card, struct identity_chain *chain, struct error *error)
{
    struct buffer encoded = {0};
    struct id feed;
    int code = read_feed(card, &feed, error);

    if (code)
        return code;
    if (card->n_certificates == 0)
        return error_set(error, ERROR_MALFORMED,
                         "Card: found no certificate, expected all of them");
    code = identity_chain_init(chain, &feed, card->network, error);
    for (size_t i = 0; !code && i < card->n_certificates; i++) {
        buffer_clear(&encoded);
        code = fields_pack(&card->certificates[i]->base, &encoded)
                   ? identity_chain_append(chain, buffer_span(&encoded), error)
                   : error_memory(error);
        if (!code && chain->count != i + 1)
            code = error_set(error, ERROR_MALFORMED,
                             "Card: certificate %zu stands twice, expected once", chain->count);
    }
    buffer_finish(&encoded);
    return code;
}

static int check_signature(const struct identity_chain *chain, const struct fields_value *in,
                           struct error *error)
{
    const struct identity_certificate *last = identity_chain_get(chain, chain->count);
    struct id hash;

    identity_hash(IDENTITY_CARD, in[SIGNED_CARD].bytes, &hash);
    if (!identity_verify(&last->node_key, IDENTITY_CARD, chain->network, &hash,
                         in[SIGNED_SIGNATURE].bytes))
        return error_set(
            error, ERROR_BAD_SIGNATURE,
            "SignedCard: signature does not match the node key of certificate %zu; the "
            "card was changed on the way, ask for it again",
            chain->count);
    return ERROR_NONE;
}

/* Takes profile and endpoints over from the unpacked message. */
static int take_contents(Caravan__Card *message, struct card *card, struct error *error)
{
    int code = check_contents(message->profile, message->endpoints, error);

    if (code)
        return code;
    card->created_ms = message->created_ms;
    card->profile = message->profile;
    card->endpoints = message->endpoints;
    message->profile = NULL;
    message->endpoints = NULL;
    if (!card->endpoints) {
        card->endpoints = calloc(1, sizeof *card->endpoints);
        if (!card->endpoints)
            return error_memory(error);
        caravan__endpoints__init(card->endpoints);
    }
    return ERROR_NONE;
}

/* in's spans point into the bytes; *out is protobuf-c's to free. */
static int unpack_card(struct span bytes, struct fields_value in[SIGNED_COUNT], Caravan__Card **out,
                       struct error *error)
{
    int code;

    if (bytes.size > LIMIT_CARD_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "SignedCard has %zu bytes, expected at most %d",
                         bytes.size, LIMIT_CARD_SIZE);
    code = fields_read(&signed_message, bytes, in, error);
    if (!code)
        code = guard_scan(&caravan__card__descriptor, in[SIGNED_CARD].bytes, &guard_limits_content,
                          error);
    if (code)
        return code;
    /* The scan has bounded what this may take: 4,096 fields of at most 128 KiB in all. */
    *out = caravan__card__unpack(NULL, in[SIGNED_CARD].bytes.size, in[SIGNED_CARD].bytes.data);
    return *out ? ERROR_NONE : error_memory(error);
}

static int read_signed_card(struct span bytes, const char *network, struct card *card,
                            struct error *error)
{
    struct fields_value in[SIGNED_COUNT];
    Caravan__Card *message = NULL;
    int code = unpack_card(bytes, in, &message, error);

    if (code)
        return code;
    code = check_network(message, network, error);
    if (!code)
        code = read_chain(message, &card->chain, error);
    if (!code)
        code = check_signature(&card->chain, in, error);
    if (!code)
        code = take_contents(message, card, error);
    caravan__card__free_unpacked(message, NULL);
    return code;
}

static bool is_binary(struct span text)
{
    return utf8_check(text) < text.size || memchr(text.data, '\0', text.size);
}

static int get_bytes(struct span text, struct buffer *out, struct error *error)
{
    if (text.size > TEXT_SIZE_MAX)
        return error_set(error, ERROR_TOO_LARGE, "found %zu bytes, expected at most %d in a card",
                         text.size, TEXT_SIZE_MAX);
    if (text.size >= 2 &&
        (memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0))
        return error_set(error, ERROR_INVALID,
                         "line 1: found UTF-16 text, expected plain text; save the file as UTF-8");
    if (text.size && is_binary(text) && !memmem(text.data, text.size, BEGIN, sizeof BEGIN - 1))
        return buffer_append(out, text.data, text.size) ? ERROR_NONE : error_memory(error);
    return unarmour(text, out, error);
}

int card_read(struct span text, const char *network, struct card *out, struct error *error)
{
    struct card card = {0};
    int code = get_bytes(text, &card.encoded, error);

    if (!code)
        code = read_signed_card(buffer_span(&card.encoded), network, &card, error);
    if (code)
        card_finish(&card);
    *out = card;
    return code;
}

int card_peek(struct span text, struct id *feed, char handle[LIMIT_HANDLE_SIZE + 1],
              struct error *error)
{
    struct fields_value in[SIGNED_COUNT];
    struct buffer encoded = {0};
    Caravan__Card *message = NULL;
    int code = get_bytes(text, &encoded, error);

    if (!code)
        code = unpack_card(buffer_span(&encoded), in, &message, error);
    if (!code)
        code = read_feed(message, feed, error);
    if (!code)
        code = check_profile(message->profile, error);
    if (!code)
        snprintf(handle, LIMIT_HANDLE_SIZE + 1, "%s", message->profile->handle);
    caravan__card__free_unpacked(message, NULL);
    buffer_finish(&encoded);
    return code;
}

void card_finish(struct card *card)
{
    if (!card)
        return;
    identity_chain_finish(&card->chain);
    caravan__profile__free_unpacked(card->profile, NULL);
    caravan__endpoints__free_unpacked(card->endpoints, NULL);
    buffer_finish(&card->encoded);
    *card = (struct card){0};
}

bool card_armour(const struct card *card, struct buffer *armour)
{
    return append_armour(&card->chain, card->profile, buffer_span(&card->encoded), armour);
}
