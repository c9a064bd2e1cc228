#include "common/identity.h"

#include "common/fields.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_SIZE 128

_Static_assert(sizeof(struct id) == crypto_generichash_BYTES, "ids are BLAKE2b-256 hashes");
_Static_assert(IDENTITY_SIGNATURE_SIZE == crypto_sign_BYTES, "signatures are Ed25519");

static const char *const purposes[] = {
    [IDENTITY_ENTRY] = "entry",
    [IDENTITY_CONTENT] = "content",
    [IDENTITY_CERTIFICATE] = "certificate",
    [IDENTITY_CARD] = "card",
    [IDENTITY_HEAD] = "head",
    [IDENTITY_RECEIPT] = "receipt",
    [IDENTITY_RECOVERY] = "recovery",
};

/* --- hashes and signatures ------------------------------------------------------------------- */

void identity_hash2(enum identity_purpose purpose, struct span first, struct span second,
                    struct id *hash)
{
    static const char prefix[] = "caravan 1 ";
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, sizeof hash->bytes);
    crypto_generichash_update(&state, (const uint8_t *)prefix, sizeof prefix - 1);
    crypto_generichash_update(&state, (const uint8_t *)purposes[purpose],
                              strlen(purposes[purpose]) + 1);
    crypto_generichash_update(&state, first.data, first.size);
    crypto_generichash_update(&state, second.data, second.size);
    crypto_generichash_final(&state, hash->bytes, sizeof hash->bytes);
}

void identity_hash(enum identity_purpose purpose, struct span bytes, struct id *hash)
{
    identity_hash2(purpose, bytes, span_of(NULL, 0), hash);
}

/* "caravan 1 sign " purpose NUL network NUL hash; 0 when the network name does not fit. */
static size_t signed_message(enum identity_purpose purpose, const char *network,
                             const struct id *hash,
                             uint8_t out[TAG_SIZE + LIMIT_NETWORK_SIZE + BYTES_ID_SIZE])
{
    size_t network_size = strlen(network);
    int tag;

    if (network_size > LIMIT_NETWORK_SIZE)
        return 0;
    tag = snprintf((char *)out, TAG_SIZE, "caravan 1 sign %s", purposes[purpose]) + 1;
    memcpy(out + tag, network, network_size + 1);
    memcpy(out + tag + network_size + 1, hash->bytes, sizeof hash->bytes);
    return (size_t)tag + network_size + 1 + sizeof hash->bytes;
}

int identity_sign(const struct secret *key, enum identity_purpose purpose, const char *network,
                  const struct id *hash, uint8_t signature[IDENTITY_SIGNATURE_SIZE],
                  struct error *error)
{
    uint8_t message[TAG_SIZE + LIMIT_NETWORK_SIZE + BYTES_ID_SIZE];
    size_t size = signed_message(purpose, network, hash, message);

    if (!size)
        return error_set(error, ERROR_INVALID, "network name has %zu bytes, expected at most %d",
                         strlen(network), LIMIT_NETWORK_SIZE);
    return secret_sign(key, span_of(message, size), signature, error);
}

bool identity_verify(const struct id *key, enum identity_purpose purpose, const char *network,
                     const struct id *hash, struct span signature)
{
    uint8_t message[TAG_SIZE + LIMIT_NETWORK_SIZE + BYTES_ID_SIZE];
    size_t size = signed_message(purpose, network, hash, message);

    return size && signature.size == IDENTITY_SIGNATURE_SIZE &&
           crypto_sign_verify_detached(signature.data, message, size, key->bytes) == 0;
}

void identity_fingerprint(const struct id *feed, char out[IDENTITY_FINGERPRINT_SIZE])
{
    for (size_t i = 0; i < 8; i++) {
        uint64_t word = bytes_get_u64(feed->bytes + i / 2 * 8);
        uint32_t half = (uint32_t)(i % 2 ? word : word >> 32);

        snprintf(out + i * 6, 7, "%05" PRIu32 "%s", half % 100000, i < 7 ? " " : "");
    }
}

/* --- reading a certificate ------------------------------------------------------------------- */

enum { SIGNED_CERTIFICATE = 1, SIGNED_SIGNATURE, SIGNED_SIGNER, SIGNED_RECOVERY_KEY, SIGNED_COUNT };

static const struct fields_rule signed_rules[SIGNED_COUNT] = {
    [SIGNED_CERTIFICATE] = {FIELDS_BYTES, "certificate", 0, true},
    [SIGNED_SIGNATURE] = {FIELDS_BYTES, "signature", IDENTITY_SIGNATURE_SIZE, true},
    [SIGNED_SIGNER] = {FIELDS_U32, "signer", 0, true},
    [SIGNED_RECOVERY_KEY] = {FIELDS_BYTES, "recovery_key", BYTES_ID_SIZE, false},
};
static const struct fields_message signed_message_rules = {"SignedCertificate", signed_rules,
                                                           SIGNED_COUNT};

enum {
    CERTIFICATE_NETWORK = 1,
    CERTIFICATE_FEED,
    CERTIFICATE_NUMBER,
    CERTIFICATE_PREVIOUS,
    CERTIFICATE_NODE_KEY,
    CERTIFICATE_TRANSPORT_KEY,
    CERTIFICATE_SEALING_KEY,
    CERTIFICATE_RECOVERY_HASH,
    CERTIFICATE_NEW_ROOT_KEY,
    CERTIFICATE_CREATED_MS,
    CERTIFICATE_FORMER_STOLEN,
    CERTIFICATE_COUNT
};

static const struct fields_rule certificate_rules[CERTIFICATE_COUNT] = {
    [CERTIFICATE_NETWORK] = {FIELDS_BYTES, "network", 0, true},
    [CERTIFICATE_FEED] = {FIELDS_BYTES, "feed", BYTES_ID_SIZE, true},
    [CERTIFICATE_NUMBER] = {FIELDS_U64, "number", 0, true},
    [CERTIFICATE_PREVIOUS] = {FIELDS_BYTES, "previous", BYTES_ID_SIZE, false},
    [CERTIFICATE_NODE_KEY] = {FIELDS_BYTES, "node_key", BYTES_ID_SIZE, true},
    [CERTIFICATE_TRANSPORT_KEY] = {FIELDS_BYTES, "transport_key", BYTES_ID_SIZE, true},
    [CERTIFICATE_SEALING_KEY] = {FIELDS_BYTES, "sealing_key", BYTES_ID_SIZE, true},
    [CERTIFICATE_RECOVERY_HASH] = {FIELDS_BYTES, "recovery_hash", BYTES_ID_SIZE, false},
    [CERTIFICATE_NEW_ROOT_KEY] = {FIELDS_BYTES, "new_root_key", BYTES_ID_SIZE, false},
    [CERTIFICATE_CREATED_MS] = {FIELDS_U64, "created_ms", 0, false},
    [CERTIFICATE_FORMER_STOLEN] = {FIELDS_U64, "former_stolen", 0, false},
};
static const struct fields_message certificate_message = {"Certificate", certificate_rules,
                                                          CERTIFICATE_COUNT};

/* SignedCertificate and the Certificate inside it, not judged yet. */
struct parsed {
    struct fields_value outer[SIGNED_COUNT];
    struct fields_value inner[CERTIFICATE_COUNT];
    uint64_t number;
    bool by_recovery;
};

/* What a certificate is judged against: the chain up to the one before it. */
struct basis {
    const struct identity_chain *chain;
    uint64_t number;                           /* expected */
    const struct identity_certificate *before; /* NULL before certificate 1 */
    struct id root_key, recovery_hash;         /* in force before */
};

static int parse(struct span bytes, struct parsed *out, struct error *error)
{
    int code = fields_read(&signed_message_rules, bytes, out->outer, error);
    size_t size = out->outer[SIGNED_CERTIFICATE].bytes.size;
    uint64_t signer = out->outer[SIGNED_SIGNER].number;

    if (code)
        return code;
    if (size > LIMIT_CERTIFICATE_SIZE)
        return error_set(error, ERROR_TOO_LARGE, "Certificate has %zu bytes, expected at most %d",
                         size, LIMIT_CERTIFICATE_SIZE);
    if (signer != CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_ROOT &&
        signer != CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_RECOVERY)
        return error_set(
            error, ERROR_MALFORMED,
            "SignedCertificate: signer is %" PRIu64 ", expected 1 (root) or 2 (recovery)", signer);
    out->by_recovery = signer == CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_RECOVERY;
    code =
        fields_read(&certificate_message, out->outer[SIGNED_CERTIFICATE].bytes, out->inner, error);
    out->number = out->inner[CERTIFICATE_NUMBER].number;
    return code;
}

static void basis_init(struct basis *basis, const struct identity_chain *chain, uint64_t number)
{
    *basis = (struct basis){.chain = chain, .number = number, .root_key = chain->feed};
    for (uint64_t i = 1; i < number; i++) {
        basis->before = &chain->certificates[i - 1];
        basis->root_key = basis->before->root_key;
        if (!id_is_zero(&basis->before->recovery_hash))
            basis->recovery_hash = basis->before->recovery_hash;
    }
}

static int check_place(const struct parsed *parsed, const struct basis *basis, struct error *error)
{
    const struct fields_value *in = parsed->inner;
    char found[LIMIT_NETWORK_SIZE + 1], other[IDENTITY_FINGERPRINT_SIZE];
    char own[IDENTITY_FINGERPRINT_SIZE];
    struct id feed;

    if (!span_equal(in[CERTIFICATE_NETWORK].bytes, span_of_text(basis->chain->network)))
        return error_set(error, ERROR_WRONG_NETWORK,
                         "Certificate: network is \"%s\", expected \"%s\"",
                         bytes_visible(in[CERTIFICATE_NETWORK].bytes, found, sizeof found),
                         basis->chain->network);
    span_to_id(in[CERTIFICATE_FEED].bytes, &feed);
    if (!id_equal(&feed, &basis->chain->feed)) {
        identity_fingerprint(&feed, other);
        identity_fingerprint(&basis->chain->feed, own);
        return error_set(error, ERROR_MALFORMED,
                         "Certificate: feed has the fingerprint %s, expected %s", other, own);
    }
    if (parsed->number != basis->number)
        return error_set(error, parsed->number > basis->number ? ERROR_GAP : ERROR_MALFORMED,
                         "Certificate: number is %" PRIu64 ", expected %" PRIu64, parsed->number,
                         basis->number);
    if (basis->before &&
        !span_equal(in[CERTIFICATE_PREVIOUS].bytes, span_of_id(&basis->before->hash)))
        return error_set(error, ERROR_BROKEN_CHAIN,
                         "Certificate %" PRIu64
                         ": previous is not the hash of certificate %" PRIu64,
                         parsed->number, basis->number - 1);
    if (!basis->before && in[CERTIFICATE_PREVIOUS].present)
        return error_set(error, ERROR_BROKEN_CHAIN,
                         "Certificate 1: found a previous certificate, expected none");
    return ERROR_NONE;
}

static int check_present(const struct parsed *parsed, unsigned field, bool expected,
                         struct error *error)
{
    if (parsed->inner[field].present == expected)
        return ERROR_NONE;
    return error_set(error, ERROR_MALFORMED,
                     "Certificate %" PRIu64 ", signed by the %s key: found %s%s, expected %s",
                     parsed->number, parsed->by_recovery ? "recovery" : "root",
                     expected ? "no " : "", certificate_rules[field].name,
                     expected ? "it" : "none");
}

/* Which keys must, and which may not, stand in it. */
static int check_keys(const struct parsed *parsed, struct error *error)
{
    int code = ERROR_NONE;

    if (parsed->by_recovery != parsed->outer[SIGNED_RECOVERY_KEY].present)
        return error_set(error, ERROR_MALFORMED,
                         "SignedCertificate: found %s recovery_key, expected %s with signer %s",
                         parsed->by_recovery ? "no" : "a", parsed->by_recovery ? "it" : "none",
                         parsed->by_recovery ? "recovery" : "root");
    if (parsed->by_recovery && parsed->number == 1)
        return error_set(error, ERROR_MALFORMED,
                         "Certificate 1: signed by a recovery key, expected the root key");
    code = check_present(parsed, CERTIFICATE_RECOVERY_HASH,
                         parsed->by_recovery || parsed->number == 1, error);
    if (!code)
        code = check_present(parsed, CERTIFICATE_NEW_ROOT_KEY, parsed->by_recovery, error);
    for (unsigned i = CERTIFICATE_NODE_KEY; !code && i <= CERTIFICATE_NEW_ROOT_KEY; i++) {
        struct id key;

        if (span_to_id(parsed->inner[i].bytes, &key) && id_is_zero(&key))
            code = error_set(error, ERROR_MALFORMED,
                             "Certificate %" PRIu64 ": %s is all zero, expected a key",
                             parsed->number, certificate_rules[i].name);
    }
    return code;
}

static int check_signature(const struct parsed *parsed, const struct basis *basis,
                           const struct id *hash, struct error *error)
{
    struct id key = basis->root_key, recovery_hash;

    if (parsed->by_recovery) {
        span_to_id(parsed->outer[SIGNED_RECOVERY_KEY].bytes, &key);
        identity_hash(IDENTITY_RECOVERY, span_of_id(&key), &recovery_hash);
        if (!id_equal(&recovery_hash, &basis->recovery_hash))
            return error_set(error, ERROR_BAD_SIGNATURE,
                             "Certificate %" PRIu64
                             ": the recovery key is not the one that was named before",
                             parsed->number);
    }
    if (!identity_verify(&key, IDENTITY_CERTIFICATE, basis->chain->network, hash,
                         parsed->outer[SIGNED_SIGNATURE].bytes))
        return error_set(error, ERROR_BAD_SIGNATURE,
                         "Certificate %" PRIu64 ": signature does not match the %s key",
                         parsed->number, parsed->by_recovery ? "recovery" : "root");
    return ERROR_NONE;
}

static void fill(const struct parsed *parsed, const struct basis *basis, const struct id *hash,
                 struct identity_certificate *out)
{
    const struct fields_value *in = parsed->inner;

    *out = (struct identity_certificate){.number = parsed->number,
                                         .hash = *hash,
                                         .root_key = basis->root_key,
                                         .by_recovery = parsed->by_recovery,
                                         .former_stolen = in[CERTIFICATE_FORMER_STOLEN].number != 0,
                                         .created_ms = in[CERTIFICATE_CREATED_MS].number};
    span_to_id(in[CERTIFICATE_NODE_KEY].bytes, &out->node_key);
    span_to_id(in[CERTIFICATE_TRANSPORT_KEY].bytes, &out->transport_key);
    span_to_id(in[CERTIFICATE_SEALING_KEY].bytes, &out->sealing_key);
    span_to_id(in[CERTIFICATE_RECOVERY_HASH].bytes, &out->recovery_hash);
    span_to_id(in[CERTIFICATE_NEW_ROOT_KEY].bytes, &out->root_key);
}

static int check_parsed(const struct identity_chain *chain, uint64_t number,
                        const struct parsed *parsed, struct identity_certificate *out,
                        struct error *error)
{
    struct basis basis;
    struct id hash;
    int code;

    basis_init(&basis, chain, number);
    identity_hash(IDENTITY_CERTIFICATE, parsed->outer[SIGNED_CERTIFICATE].bytes, &hash);
    code = check_place(parsed, &basis, error);
    if (!code)
        code = check_keys(parsed, error);
    if (!code)
        code = check_signature(parsed, &basis, &hash, error);
    if (!code)
        fill(parsed, &basis, &hash, out);
    return code;
}

/* --- the chain ------------------------------------------------------------------------------- */

static bool network_name_is_valid(const char *network)
{
    return *network && strlen(network) <= LIMIT_NETWORK_SIZE &&
           strspn(network, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(network);
}

int identity_network_check(const char *network, struct error *error)
{
    char found[LIMIT_NETWORK_SIZE + 1];

    if (network_name_is_valid(network))
        return ERROR_NONE;
    return error_set(error, ERROR_INVALID,
                     "network name is \"%s\", expected 1 to %d of a-z 0-9 '-' '.'",
                     bytes_visible(span_of_text(network), found, sizeof found), LIMIT_NETWORK_SIZE);
}

int identity_certificate_network(struct span certificate, char network[LIMIT_NETWORK_SIZE + 1],
                                 struct error *error)
{
    struct fields_value in[CERTIFICATE_COUNT];
    int code = fields_read(&certificate_message, certificate, in, error);

    if (!code)
        code = identity_network_check(
            bytes_visible(in[CERTIFICATE_NETWORK].bytes, network, LIMIT_NETWORK_SIZE + 1), error);
    return code == ERROR_INVALID ? error_set(error, ERROR_MALFORMED,
                                             "Certificate: \"%s\" is no network name", network)
                                 : code;
}

int identity_chain_init(struct identity_chain *chain, const struct id *feed, const char *network,
                        struct error *error)
{
    *chain = (struct identity_chain){.feed = *feed, .root_key = *feed};
    if (identity_network_check(network, error))
        return ERROR_INVALID;
    memcpy(chain->network, network, strlen(network) + 1);
    return ERROR_NONE;
}

void identity_chain_finish(struct identity_chain *chain)
{
    if (!chain)
        return;
    for (size_t i = 0; i < chain->count; i++)
        buffer_finish(&chain->encoded[i]);
    free(chain->encoded);
    free(chain->certificates);
    *chain = (struct identity_chain){0};
}

/* Makes room for one more; the arrays may grow while count stays. */
static bool reserve_one(struct identity_chain *chain)
{
    size_t count = chain->count + 1;
    void *more = realloc(chain->certificates, count * sizeof *chain->certificates);

    if (!more)
        return false;
    chain->certificates = more;
    more = realloc(chain->encoded, count * sizeof *chain->encoded);
    if (!more)
        return false;
    chain->encoded = more;
    return true;
}

static int add(struct identity_chain *chain, const struct identity_certificate *certificate,
               struct span bytes, struct error *error)
{
    struct buffer copy = {0};

    if (!reserve_one(chain) || !buffer_append(&copy, bytes.data, bytes.size))
        return error_memory(error);
    chain->certificates[chain->count] = *certificate;
    chain->encoded[chain->count] = copy;
    chain->count++;
    chain->root_key = certificate->root_key;
    if (!id_is_zero(&certificate->recovery_hash))
        chain->recovery_hash = certificate->recovery_hash;
    return ERROR_NONE;
}

int identity_chain_copy(const struct identity_chain *from, struct identity_chain *to,
                        struct error *error)
{
    struct identity_chain copy = {.feed = from->feed, .root_key = from->feed};
    int code = ERROR_NONE;

    memcpy(copy.network, from->network, sizeof copy.network);
    for (size_t i = 0; !code && i < from->count; i++)
        code = add(&copy, &from->certificates[i], buffer_span(&from->encoded[i]), error);
    if (code)
        identity_chain_finish(&copy);
    else
        *to = copy;
    return code;
}

int identity_chain_check_at(const struct identity_chain *chain, uint64_t number,
                            struct span signed_certificate, struct identity_certificate *out,
                            struct error *error)
{
    struct parsed parsed;
    int code;

    if (number == 0 || number > chain->count + 1)
        return error_set(error, ERROR_GAP,
                         "certificate %" PRIu64 " cannot be checked: only %zu are known before it",
                         number, chain->count);
    code = parse(signed_certificate, &parsed, error);
    return code ? code : check_parsed(chain, number, &parsed, out, error);
}

int identity_certificate_peek(struct span signed_certificate, struct identity_certificate *out,
                              struct error *error)
{
    const struct basis nothing = {0};
    struct parsed parsed;
    struct id hash;
    int code = parse(signed_certificate, &parsed, error);

    if (code)
        return code;
    identity_hash(IDENTITY_CERTIFICATE, parsed.outer[SIGNED_CERTIFICATE].bytes, &hash);
    fill(&parsed, &nothing, &hash, out);
    return ERROR_NONE;
}

int identity_chain_check(const struct identity_chain *chain, struct span signed_certificate,
                         struct identity_certificate *out, struct error *error)
{
    return identity_chain_check_at(chain, chain->count + 1, signed_certificate, out, error);
}

/* A validly signed certificate under a number that is taken: the same one, or a fork? */
static int compare_known(const struct identity_chain *chain,
                         const struct identity_certificate *certificate, struct error *error)
{
    if (id_equal(&certificate->hash, &chain->certificates[certificate->number - 1].hash))
        return ERROR_NONE;
    return error_set(error, ERROR_FORK,
                     "two different certificates have the number %" PRIu64
                     "; both are signed by the institution's keys",
                     certificate->number);
}

int identity_chain_append(struct identity_chain *chain, struct span signed_certificate,
                          struct error *error)
{
    struct identity_certificate certificate;
    struct parsed parsed;
    uint64_t number;
    int code = parse(signed_certificate, &parsed, error);

    if (code)
        return code;
    number = parsed.number && parsed.number <= chain->count ? parsed.number : chain->count + 1;
    if (number <= chain->count &&
        span_equal(signed_certificate, buffer_span(&chain->encoded[number - 1])))
        return ERROR_NONE;
    code = check_parsed(chain, number, &parsed, &certificate, error);
    if (code)
        return code;
    return number <= chain->count ? compare_known(chain, &certificate, error)
                                  : add(chain, &certificate, signed_certificate, error);
}

static void cut(struct identity_chain *chain, size_t count)
{
    struct basis basis;

    while (chain->count > count)
        buffer_finish(&chain->encoded[--chain->count]);
    basis_init(&basis, chain, count + 1);
    chain->root_key = basis.root_key;
    chain->recovery_hash = basis.recovery_hash;
}

int identity_chain_replace(struct identity_chain *chain, struct span signed_certificate,
                           struct error *error)
{
    struct identity_certificate certificate;
    struct identity_chain made;
    struct parsed parsed;
    int code = identity_chain_append(chain, signed_certificate, error);

    if (code != ERROR_FORK)
        return code;
    code = identity_chain_copy(chain, &made, error);
    if (code)
        return code;
    code = parse(signed_certificate, &parsed, error);
    if (!code)
        code = check_parsed(chain, parsed.number, &parsed, &certificate, error);
    if (!code) {
        cut(&made, (size_t)parsed.number - 1);
        code = add(&made, &certificate, signed_certificate, error);
    }
    if (code) {
        identity_chain_finish(&made);
        return code;
    }
    identity_chain_finish(chain);
    *chain = made;
    return ERROR_NONE;
}

uint64_t identity_chain_recoveries(const struct identity_chain *chain, uint64_t number)
{
    uint64_t recoveries = 0;

    for (size_t i = 0; i < number && i < chain->count; i++)
        recoveries += chain->certificates[i].by_recovery;
    return recoveries;
}

size_t identity_chain_common(const struct identity_chain *a, const struct identity_chain *b)
{
    size_t common = 0;

    while (common < a->count && common < b->count &&
           id_equal(&a->certificates[common].hash, &b->certificates[common].hash))
        common++;
    return common;
}

const struct identity_certificate *identity_chain_get(const struct identity_chain *chain,
                                                      uint64_t number)
{
    return number == 0 || number > chain->count ? NULL : &chain->certificates[number - 1];
}

/* --- building a certificate ------------------------------------------------------------------ */

#define SET_ID(message, field, id)                                                                 \
    do {                                                                                           \
        if (id) {                                                                                  \
            (message).has_##field = 1;                                                             \
            (message).field = fields_binary(span_of_id(id));                                       \
        }                                                                                          \
    } while (0)

static bool pack_certificate(const struct identity_certificate_draft *draft, struct buffer *out)
{
    Caravan__Certificate message = CARAVAN__CERTIFICATE__INIT;

    message.network = (char *)(uintptr_t)draft->network;
    SET_ID(message, feed, draft->feed);
    message.has_number = 1;
    message.number = draft->number;
    SET_ID(message, previous, draft->previous);
    SET_ID(message, node_key, draft->node_key);
    SET_ID(message, transport_key, draft->transport_key);
    SET_ID(message, sealing_key, draft->sealing_key);
    SET_ID(message, recovery_hash, draft->recovery_hash);
    SET_ID(message, new_root_key, draft->new_root);
    message.has_created_ms = 1;
    message.created_ms = draft->created_ms;
    message.has_former_stolen = message.former_stolen = draft->former_stolen;
    return fields_pack(&message.base, out);
}

int identity_certificate_build(const struct identity_certificate_draft *draft,
                               const struct secret *signer, struct buffer *out, struct error *error)
{
    Caravan__SignedCertificate message = CARAVAN__SIGNED_CERTIFICATE__INIT;
    enum secret_kind kind = draft->new_root ? SECRET_RECOVERY : SECRET_ROOT;
    uint8_t signature[IDENTITY_SIGNATURE_SIZE];
    struct buffer certificate = {0};
    struct id hash;
    int code;

    if (secret_kind_of(signer) != kind)
        return error_set(error, ERROR_INTERNAL,
                         "a certificate is to be signed with a %s key, not %s",
                         secret_kind_name(kind), secret_kind_name(secret_kind_of(signer)));
    code = identity_network_check(draft->network, error);
    if (code)
        return code;
    if (!pack_certificate(draft, &certificate)) {
        code = error_memory(error);
        goto out;
    }
    identity_hash(IDENTITY_CERTIFICATE, buffer_span(&certificate), &hash);
    code = identity_sign(signer, IDENTITY_CERTIFICATE, draft->network, &hash, signature, error);
    if (code)
        goto out;
    message.has_certificate = message.has_signature = message.has_signer = 1;
    message.certificate = fields_binary(buffer_span(&certificate));
    message.signature = fields_binary(span_of(signature, sizeof signature));
    message.signer = draft->new_root ? CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_RECOVERY
                                     : CARAVAN__CERTIFICATE_SIGNER__CERTIFICATE_SIGNER_ROOT;
    if (draft->new_root)
        SET_ID(message, recovery_key, secret_public(signer));
    if (!fields_pack(&message.base, out))
        code = error_memory(error);
out:
    buffer_finish(&certificate);
    return code;
}
