/* announcements: small real announcements for tests, and a ledger to put them in. */
#ifndef TESTS_SUPPORT_ANNOUNCEMENTS_H
#define TESTS_SUPPORT_ANNOUNCEMENTS_H

#include "node/core/ports.h"
#include "proto/announcement.pb-c.h"
#include "tests/support/institution.h"

/* Appends the bytes of an announcement that may be published: this kind, title (in English) and
 * FORD code (NULL: none), one party of this country. */
void announcements_write(Caravan__Kind kind, const char *title, const char *country,
                         const char *field, struct buffer *out);
/* Contents of the other types of entries. */
void announcements_revision(uint64_t seq, struct span announcement, struct buffer *out);
void announcements_withdrawal(uint64_t seq, const char *reason, struct buffer *out);
void announcements_profile(const char *handle, const char *country, struct buffer *out);

/* The institution's next entry, put into the store in the open transaction, or in one of its own.
 * Returns its seq. */
uint64_t announcements_keep(const struct store *store, struct institution *institution,
                            uint32_t type, struct span content);
/* The same with min_reader, and, when not keep_content, without its content. */
uint64_t announcements_keep_as(const struct store *store, struct institution *institution,
                               uint32_t type, struct span content, uint32_t min_reader,
                               bool keep_content);

/* Shorthands: certificate 1 and a profile; an announcement; a revision; a withdrawal. */
void announcements_join(const struct store *store, struct institution *institution,
                        const char *handle, const char *country);
uint64_t announcements_publish(const struct store *store, struct institution *institution,
                               Caravan__Kind kind, const char *title, const char *country,
                               const char *field);
uint64_t announcements_revise(const struct store *store, struct institution *institution,
                              uint64_t seq, Caravan__Kind kind, const char *title,
                              const char *country);
uint64_t announcements_withdraw(const struct store *store, struct institution *institution,
                                uint64_t seq, const char *reason);

#endif
