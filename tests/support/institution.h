/* institution: a made-up publisher for tests and vectors. Everything about it is fixed by its
 * number: keys, salts and times, so that the same calls give the same bytes for ever. */
#ifndef TESTS_SUPPORT_INSTITUTION_H
#define TESTS_SUPPORT_INSTITUTION_H

#include "common/entry.h"

#define INSTITUTION_NETWORK "silkroad-test"
#define INSTITUTION_START_MS 1700000000000u

struct institution {
    const char *network;
    uint8_t number;
    struct secret *root, *recovery, *node, *transport, *sealing;
    struct identity_chain chain;
    struct entry_head head; /* the last entry made */
};

/* Secret bytes are 32 times 16 * (number - 1) + 1 … 5: root, recovery, node, transport, sealing. */
void institution_init(struct institution *institution, uint8_t number);
void institution_finish(struct institution *institution);

/* Makes the next entry, signed by the current node key; appends SignedEntry bytes to out. Salt: 16
 * times the seq's low byte. created_ms: start + seq seconds. */
void institution_append(struct institution *institution, uint32_t type, struct span content,
                        struct buffer *out);
/* The next certificate as an entry. New node, transport and sealing keys from number 2 on (secret
 * bytes plus 16 * 7 for each further certificate). by_recovery: the recovery key signs and names a
 * new root and a new recovery key. */
void institution_certify(struct institution *institution, bool by_recovery, struct buffer *out);

/* An announcement's content: not a real Announcement, only bytes. */
void institution_say(struct institution *institution, const char *text, struct buffer *out);

/* Its card at this time, with this handle; the country is TH. Armoured text is appended. */
void institution_card(const struct institution *institution, const char *handle, uint64_t at_ms,
                      struct buffer *out);

/* Appends the bytes of a Run of SignedEntry bytes made before. proof_from: 0 for none; from there
 * on contents are left out. */
void institution_run(const struct institution *institution, const struct buffer *entries,
                     size_t count, uint64_t proof_from, struct buffer *out);
/* The same as a whole SyncMessage. request: which request it answers; 0: none. */
void institution_run_message(const struct institution *institution, const struct buffer *entries,
                             size_t count, uint64_t request, struct buffer *out);

#endif
