/* card: how one institution introduces itself to another, as armoured text that survives e-mail.
 *
 *     -----BEGIN CARAVAN CARD-----
 *     Institution: National Science and Technology Development Agency (th-nstda)
 *     Network: silkroad
 *     Fingerprint: 04517 88210 …
 *
 *     <base64 of SignedCard, 64 characters a line>
 *     -----END CARAVAN CARD-----
 *
 * The lines above the empty one are for people and are not believed. Reading accepts text before
 * and after, CRLF, leading "> " and white space, lines broken or doubled by a mail program, and
 * quoted-printable's soft breaks and =3D. Threads: no shared state. */
#ifndef COMMON_CARD_H
#define COMMON_CARD_H

#include "common/identity.h"

/* A checked card; owns its memory. */
struct card {
    struct identity_chain chain; /* at least one certificate */
    Caravan__Profile *profile;
    Caravan__Endpoints *endpoints;
    uint64_t created_ms;
    struct buffer encoded; /* SignedCard bytes */
};

/* Makes a card and its armour. The card is signed by the node key, which the last certificate must
 * name. */
int card_write(const struct identity_chain *chain, const Caravan__Profile *profile,
               const Caravan__Endpoints *endpoints, uint64_t created_ms, const struct secret *node,
               struct buffer *armour, struct error *error);
/* Reads armoured text (or bare SignedCard bytes) and checks everything: sizes, certificates,
 * signature, handle ("cc-name", cc = the profile's country), endpoints. network may be NULL: any.
 * Whether the card is newer than what is known, the caller decides by created_ms. *out is empty on
 * error; else profile and endpoints are never NULL, and the caller finishes it. Errors: invalid
 * (the armour; with line), too-large, malformed, wrong-network, bad-signature, broken-chain. */
int card_read(struct span text, const char *network, struct card *out, struct error *error);
/* Whose card it says it is, of a text that card_read would read: feed and handle, with no signature
 * checked, so at a tenth of the cost. Good only for knowing that it is somebody else's. */
int card_peek(struct span text, struct id *feed, char handle[LIMIT_HANDLE_SIZE + 1],
              struct error *error);
void card_finish(struct card *card);
/* Appends the armour of a card that was read; false when memory runs out. */
bool card_armour(const struct card *card, struct buffer *armour);

/* "cc-name": two letters, '-', 2 to 29 of a-z 0-9 '-'. */
bool card_handle_is_valid(const char *handle);
/* "tcp://host:port", port 1 … 65535, no wildcard host, no credentials; at most 256 bytes. */
bool card_endpoint_is_valid(const char *endpoint);

#endif
