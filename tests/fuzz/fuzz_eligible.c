/* Who may apply, and when, of the bytes of an announcement as a peer may send them: the answer of
 * the announcement and that of its rules are one, the sentence is clean, and packed dates say what
 * the state says. */
#include "common/eligible.h"

#include "common/announcement.h"
#include "common/filter.h"
#include "common/guard.h"
#include "common/limits.h"
#include "node/core/view_dates.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_answer(const Caravan__Announcement *announcement, struct span rules,
                         const struct eligible_institution *institution)
{
    struct eligible eligible;

    must(eligible_check(announcement, institution, &eligible, NULL) == ERROR_NONE);
    must(eligible.answer == eligible_by_rules(rules, institution));
    must(eligible.why[0] && strlen(eligible.why) < ELIGIBLE_WHY_SIZE);
    for (const char *c = eligible.why; *c; c++)
        must(*c >= ' ' && *c <= '~');
}

static void check_rules(const Caravan__Announcement *announcement)
{
    static const char *const countries[] = {"TH", "CN", "ZA", NULL};
    struct buffer rules = {0};

    must(eligible_rules(announcement, &rules));
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        for (unsigned types = 0; types < 512; types += 37) {
            struct eligible_institution institution;

            eligible_institution_init(&institution, countries[i], NULL, 0);
            institution.types = (uint16_t)types;
            check_answer(announcement, buffer_span(&rules), &institution);
        }
    buffer_finish(&rules);
}

static bool is_open(const struct announcement_window *window, int64_t now)
{
    return window->opens_ms <= now && now < window->ends_ms;
}

static void check_dates(const Caravan__Announcement *announcement)
{
    struct announcement_window window = announcement_window(announcement);
    struct view_dates dates = view_dates_pack(&window);
    struct announcement_window again = view_dates_unpack(&dates);
    const int64_t moments[] = {0, INT64_C(1800000000000), window.opens_ms, window.ends_ms,
                               window.ends_ms == INT64_MIN ? 0 : window.ends_ms - 1};

    must(again.opens_ms == window.opens_ms && again.ends_ms == window.ends_ms &&
         again.has_deadline == window.has_deadline);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
        must(is_open(&window, moments[i]) ==
             (announcement_state_at(announcement, moments[i]) == ANNOUNCEMENT_OPEN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProtobufCMessage *message = NULL;
    struct arena arena;

    if (size > LIMIT_CONTENT_SIZE)
        return 0;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, span_of(data, size), &guard_limits_content,
                     &arena, &message, NULL) == 0) {
        check_rules((const Caravan__Announcement *)message);
        check_dates((const Caravan__Announcement *)message);
    }
    arena_finish(&arena);
    return 0;
}
