/* topics: under which live topics an entry goes out. "feed/<26>/" always; and for announcements and
 * revisions that anybody may read "kind/<kind>/<country>/", one for each country that it concerns.
 * What cannot be shown goes out on "feed/" only: light listeners on "kind/" need no guard against
 * it. Threads: no shared state. */
#ifndef CORE_TOPICS_H
#define CORE_TOPICS_H

#include "common/entry.h"

/* Calls visit with each topic. */
void topics_each(const struct entry *entry, void (*visit)(void *context, const char *topic),
                 void *context);

#endif
