#include "node/ops/ops_filter.h"

#include "common/filter.h"
#include "common/guard.h"
#include "common/limits.h"

#include <string.h>

static int take_own(const struct ops_context *context, struct ops_filter *out, struct error *error)
{
    Caravan__Filter *filter = &out->filter;

    view_own_institution(context->view, &out->institution);
    if (!out->institution.country[0])
        return error_set(error, ERROR_INVALID,
                         "this node's own profile names no country, so that it is not known what "
                         "the institution may apply for; see \"institution\" in node.yaml");
    filter->for_country = out->institution.country;
    filter->for_type = out->types;
    for (int type = 1; type < 16; type++)
        if (out->institution.types & ELIGIBLE_TYPE(type))
            out->types[filter->n_for_type++] = (Caravan__OrganisationType)type;
    return ERROR_NONE;
}

int ops_filter_take(const struct ops_context *context, const Caravan__Filter *asked,
                    struct ops_filter *out, struct error *error)
{
    int code = filter_check(asked, error);

    memset(out, 0, sizeof *out);
    caravan__filter__init(&out->filter);
    if (code || !asked)
        return code;
    out->filter = *asked;
    if (!asked->has_at_ms)
        out->filter.at_ms = context->now_ms;
    out->asks_dates = filter_asks_dates(asked);
    out->asks_eligible = asked->for_us || asked->for_country;
    if (asked->for_us)
        return take_own(context, out, error);
    eligible_institution_init(&out->institution, asked->for_country, asked->for_type,
                              asked->n_for_type);
    return ERROR_NONE;
}

static bool set_eligible(const struct eligible *answer, Caravan__Item *item, struct arena *arena)
{
    const char *name = eligible_name(answer->answer);

    item->eligible = arena_alloc(arena, sizeof *item->eligible);
    if (!item->eligible)
        return false;
    caravan__eligible__init(item->eligible);
    item->eligible->answer = arena_copy_text(arena, name, strlen(name));
    item->eligible->why = arena_copy_text(arena, answer->why, strlen(answer->why));
    return item->eligible->answer && item->eligible->why;
}

static int mark(const struct ops_filter *filter, const Caravan__Announcement *announcement,
                Caravan__Item *item, struct arena *arena, struct error *error)
{
    struct announcement_window window;
    struct eligible answer;
    int code;

    if (filter->asks_dates) {
        window = announcement_window(announcement);
        item->has_closes_ms = window.has_deadline && window.ends_ms > 0;
        item->closes_ms = item->has_closes_ms ? (uint64_t)window.ends_ms : 0;
    }
    if (!filter->asks_eligible)
        return ERROR_NONE;
    code = eligible_check(announcement, &filter->institution, &answer, error);
    if (!code && !set_eligible(&answer, item, arena))
        code = error_memory(error);
    return code;
}

int ops_filter_mark(const struct ops_filter *filter, Caravan__Item *item, struct arena *arena,
                    struct error *error)
{
    ProtobufCMessage *message;
    struct arena work;
    int code;

    if ((!filter->asks_dates && !filter->asks_eligible) || item->problem || !item->has_content ||
        item->content_type < CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT ||
        item->content_type > CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL)
        return ERROR_NONE;
    arena_init(&work, LIMIT_ARENA_SIZE);
    code = guard_unpack(&caravan__announcement__descriptor,
                        span_of(item->content.data, item->content.len), &guard_limits_content,
                        &work, &message, error);
    if (!code)
        code = mark(filter, (const Caravan__Announcement *)message, item, arena, error);
    else if (code != ERROR_MEMORY) /* what cannot be read has a problem, or comes with none */
        code = ERROR_NONE;
    arena_finish(&work);
    return code;
}
