/* related: announcements that link others, for tests. */
#ifndef TESTS_SUPPORT_RELATED_H
#define TESTS_SUPPORT_RELATED_H

#include "tests/support/announcements.h"

struct related_link {
    const struct id *feed;
    uint64_t seq;
    Caravan__RelatedRel rel;
};

/* A joint call with this title and country, these links, and, when side is not NULL, that
 * institution as a further party. Bytes are appended. */
void related_write(const char *title, const char *country, const struct related_link *links,
                   size_t count, const struct institution *side, struct buffer *out);

/* Put into the store as the next entry of the institution (announcements_keep); return its seq. */
uint64_t related_publish(const struct store *store, struct institution *institution,
                         const char *title, const char *country, const struct related_link *links,
                         size_t count, const struct institution *side);
uint64_t related_revise(const struct store *store, struct institution *institution, uint64_t seq,
                        const char *title, const char *country, const struct related_link *links,
                        size_t count, const struct institution *side);

#endif
