#include "tests/support/inbox.h"

#include <stdlib.h>

struct list {
    struct view_inbox_thing *things;
    size_t count;
};

static int take(void *context, const struct view_inbox_thing *thing)
{
    struct list *list = context;

    list->things[list->count++] = *thing;
    return 0;
}

int inbox_read(struct view *view, struct view_inbox_thing **things, size_t *count, bool *complete,
               struct error *error)
{
    const struct mark_store none = {.self = NULL};
    struct view_inbox_counts counts;
    struct list list = {.count = 0};
    int code = view_inbox_work(view, &none, complete, error);

    *things = NULL;
    *count = 0;
    if (code)
        return code;
    view_inbox_count(view, &counts);
    list.things = calloc(counts.things + 1, sizeof *list.things);
    if (!list.things)
        return error_memory(error);
    view_inbox_visit(view, 0, false, take, &list);
    *things = list.things;
    *count = list.count;
    return ERROR_NONE;
}
