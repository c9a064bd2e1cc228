/* sealed: entries that are sealed for some institutions, answers and Readers, put into a store; and
 * an institution's eyes: what it sees of that store. What fails here is a bug of the test. */
#ifndef TESTS_SUPPORT_SEALED_H
#define TESTS_SUPPORT_SEALED_H

#include "common/seal.h"
#include "node/core/opened.h"
#include "node/core/view.h"
#include "tests/support/announcements.h"

/* A content, sealed by `from` for others, appended to out. key may be NULL. The random bytes are
 * the same in every run. */
void sealed_make(const struct institution *from, uint32_t type, uint32_t min_reader,
                 struct span content, struct institution *const *audience, size_t count,
                 struct buffer *out, struct seal_key *key);
/* … as the next entry of `from`; returns its seq. */
uint64_t sealed_keep(const struct store *store, struct institution *from, uint32_t type,
                     struct span content, struct institution *const *audience, size_t count,
                     struct seal_key *key);
/* … of which the store misses the content; it is appended to late. */
uint64_t sealed_keep_without(const struct store *store, struct institution *from, uint32_t type,
                             struct span content, struct institution *const *audience, size_t count,
                             struct seal_key *key, struct buffer *late);
/* The content of an entry that missed it comes. */
void sealed_put_late(const struct store *store, const struct institution *from, uint64_t seq,
                     struct span content);

/* An announcement with a title. */
uint64_t sealed_announce(const struct store *store, struct institution *from, const char *title,
                         struct institution *const *audience, size_t count, struct seal_key *key);
/* A Reader: lets the audience read entry seq. */
void sealed_reader_bytes(uint64_t seq, const struct seal_key *key, struct buffer *out);
uint64_t sealed_share(const struct store *store, struct institution *from, uint64_t seq,
                      const struct seal_key *key, struct institution *const *audience,
                      size_t count);
/* An answer, sealed for the announcing institution. */
void sealed_interest_bytes(const struct institution *to, uint64_t seq, const char *text,
                           struct buffer *out);
uint64_t sealed_answer(const struct store *store, struct institution *from, struct institution *to,
                       uint64_t seq, const char *text);

struct sealed_eyes {
    struct opened *opened;
    struct view *view;
};

/* reader: a store; both are borrowed until sealed_eyes_close. */
void sealed_eyes_open(struct sealed_eyes *eyes, const struct store *reader,
                      struct institution *institution);
void sealed_eyes_close(struct sealed_eyes *eyes);

#endif
