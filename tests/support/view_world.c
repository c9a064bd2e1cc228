#include "tests/support/view_world.h"

#include "node/ledger/ledger.h"
#include "tests/support/fault.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

int view_world_setup(void **state)
{
    struct view_world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    institution_init(&world->own, 1);
    institution_init(&world->partner, 2);
    assert_int_equal(ledger_memory_create(&world->writer, NULL), ERROR_NONE);
    assert_int_equal(ledger_memory_open_reader(&world->writer, &world->reader, NULL), ERROR_NONE);
    announcements_join(&world->writer, &world->own, "cn-own", "CN");
    announcements_join(&world->writer, &world->partner, "th-partner", "TH");
    assert_int_equal(view_create(&world->reader, &world->own.head.feed, false, &world->view, NULL),
                     ERROR_NONE);
    *state = world;
    return 0;
}

int view_world_teardown(void **state)
{
    struct view_world *world = *state;

    view_destroy(world->view);
    world->reader.operations->destroy(world->reader.self);
    world->writer.operations->destroy(world->writer.self);
    institution_finish(&world->own);
    institution_finish(&world->partner);
    free(world);
    return 0;
}

/* --- what a visitor sees, as one line an item --------------------------------------------------
 */

static const char *title_of(struct span content, char out[64])
{
    Caravan__Announcement *announcement =
        caravan__announcement__unpack(NULL, content.size, content.data);

    snprintf(out, 64, "%s",
             announcement && announcement->n_title ? announcement->title[0]->text : "?");
    if (announcement)
        caravan__announcement__free_unpacked(announcement, NULL);
    return out;
}

int view_world_line(void *context, const struct view_state *state)
{
    struct buffer *lines = context;
    char title[64];

    buffer_printf(lines, "%s by %" PRIu64, state->name, state->event_seq);
    if (state->withdrawn_by)
        buffer_printf(lines, " withdrawn(%s)",
                      state->withdrawal && state->withdrawal->n_reason
                          ? state->withdrawal->reason[0]->text
                          : "");
    if (state->problem[0])
        buffer_printf(lines, " %s", state->problem);
    else if (state->content_type >= TYPE(ANNOUNCEMENT) && state->content_type <= TYPE(WITHDRAWAL))
        buffer_printf(lines, " %s", title_of(state->content, title));
    else
        buffer_printf(lines, " type %" PRIu32, state->content_type);
    buffer_append_text(lines, "\n");
    return 0;
}

void view_world_lines(struct buffer *lines, const char *expected)
{
    assert_string_equal(buffer_text(lines), expected);
    buffer_finish(lines);
}

void view_world_list(struct view_world *world, const Caravan__Filter *filter, const char *expected)
{
    struct buffer lines = {0};
    uint64_t next = 99, total = 99;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, filter, 0, 100, view_world_line, &lines, &next, &total, NULL),
        ERROR_NONE);
    assert_int_equal(next, 0);
    view_world_lines(&lines, expected);
}

void view_world_changes(struct view_world *world, const Caravan__Filter *filter, uint64_t after,
                        const char *expected)
{
    struct buffer lines = {0};
    uint64_t next = 0;

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_changes(world->view, filter, after, 100, view_world_line, &lines, &next, NULL),
        ERROR_NONE);
    assert_int_equal(next, view_last_arrival(world->view));
    view_world_lines(&lines, expected);
}

void view_world_history(struct view_world *world, uint64_t seq, const char *expected)
{
    struct buffer lines = {0};

    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_history(world->view, &world->own.head.feed, seq, view_world_line, &lines, NULL),
        ERROR_NONE);
    view_world_lines(&lines, expected);
}

static int count_item(void *context, const struct view_state *state)
{
    assert_string_equal(state->problem, "");
    ++*(unsigned *)context;
    return 0;
}

uint64_t view_world_page(struct view_world *world, const Caravan__Filter *filter, uint64_t before,
                         size_t limit, unsigned *count, uint64_t *total)
{
    uint64_t next;

    *count = 0;
    assert_int_equal(view_update(world->view, NULL), ERROR_NONE);
    assert_int_equal(
        view_list(world->view, filter, before, limit, count_item, count, &next, total, NULL),
        ERROR_NONE);
    return next;
}

unsigned view_world_count(struct view_world *world, const Caravan__Filter *filter, uint64_t *total)
{
    uint64_t next = 0;
    unsigned all = 0, count;

    do {
        next = view_world_page(world, filter, next, 1000, &count, total);
        all += count;
    } while (next);
    return all;
}

/* --- without memory --------------------------------------------------------------------------- */

static int read_all(struct view *view, const Caravan__Filter *filter, struct error *error)
{
    uint64_t next, total;
    unsigned count = 0;
    int code = view_update(view, error);

    if (!code)
        code = view_list(view, filter, 0, 100, count_item, &count, &next, &total, error);
    if (!code)
        code = view_changes(view, filter, 0, 100, count_item, &count, &next, error);
    return code;
}

static void check_list(struct view *view, const Caravan__Filter *filter, unsigned expected)
{
    uint64_t next, total;
    unsigned count = 0;

    assert_int_equal(view_update(view, NULL), ERROR_NONE);
    assert_int_equal(view_list(view, filter, 0, 100, count_item, &count, &next, &total, NULL),
                     ERROR_NONE);
    assert_int_equal(count, expected);
    assert_int_equal(total, expected);
}

void view_world_run_short(struct view_world *world, const Caravan__Filter *filter,
                          unsigned expected)
{
    unsigned failures = 0;
    struct error error = {0};
    int code = ERROR_MEMORY;

    for (unsigned long n = 1; code == ERROR_MEMORY; n++) {
        struct view *view;

        assert_int_equal(view_create(&world->reader, &world->own.head.feed, false, &view, NULL),
                         ERROR_NONE);
        fault_arm(n);
        code = read_all(view, filter, &error);
        failures += fault_disarm();
        check_list(view, filter, expected);
        view_destroy(view);
    }
    assert_string_equal(code ? error.text : "", "");
    assert_true(failures > 20);
}
