#include "common/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problem_list_finish(struct problem_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
        free(list->items[i].text);
    }
    free(list->items);
    *list = (struct problem_list){0};
}

static bool make_room(struct problem_list *list)
{
    size_t capacity = list->capacity ? 2 * list->capacity : 8;
    struct problem *items;

    if (list->count < list->capacity)
        return true;
    if (list->count >= PROBLEM_LIMIT)
        return false;
    items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

void problem_add(struct problem_list *list, enum problem_severity severity, unsigned line,
                 unsigned column, const char *path, const char *format, ...)
{
    struct problem problem = {.severity = severity, .line = line, .column = column};
    va_list args;

    if (!list || (severity == PROBLEM_WARNING && list->errors_only))
        return;
    if (severity == PROBLEM_ERROR)
        list->errors++;
    else
        list->warnings++;
    if (!make_room(list))
        return;
    va_start(args, format);
    if (vasprintf(&problem.text, format, args) < 0)
        problem.text = NULL;
    va_end(args);
    problem.path = strdup(path ? path : "");
    if (!problem.text || !problem.path) {
        free(problem.text);
        free(problem.path);
        return;
    }
    list->items[list->count++] = problem;
}

static bool goes_before(const struct problem *a, const struct problem *b)
{
    if ((a->line == 0) != (b->line == 0))
        return b->line == 0;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void problem_list_sort(struct problem_list *list)
{
    for (size_t i = 1; i < list->count; i++) { /* insertion: stable, and the list is short */
        struct problem problem = list->items[i];
        size_t at = i;

        for (; at > 0 && goes_before(&problem, &list->items[at - 1]); at--)
            list->items[at] = list->items[at - 1];
        list->items[at] = problem;
    }
}

static bool print_one(const struct problem *problem, const char *file, struct buffer *out)
{
    const char *severity = problem->severity == PROBLEM_ERROR ? "error" : "warning";

    if (!buffer_append_text(out, file))
        return false;
    if (problem->line && !buffer_printf(out, ":%u:%u", problem->line, problem->column))
        return false;
    return buffer_printf(out, ": %s: %s%s%s", severity, problem->path, *problem->path ? ": " : "",
                         problem->text);
}

bool problem_list_print(const struct problem_list *list, const char *file, struct buffer *out)
{
    size_t more = list->errors + list->warnings - list->count;

    for (size_t i = 0; i < list->count; i++)
        if (!print_one(&list->items[i], file, out) || !buffer_append_text(out, "\n"))
            return false;
    return more == 0 || buffer_printf(out, "%s: and %zu more\n", file, more);
}

int problem_list_error(const struct problem_list *list, const char *file, struct error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct problem *p = &list->items[i];
        char place[32] = "", more[48] = "";

        if (p->severity != PROBLEM_ERROR)
            continue;
        if (p->line)
            snprintf(place, sizeof place, ":%u:%u", p->line, p->column);
        if (list->errors > 1)
            snprintf(more, sizeof more, " (and %zu more)", list->errors - 1);
        return error_set(error, ERROR_INVALID, "%s%s: %s%s%s%s", file, place, p->path,
                         *p->path ? ": " : "", p->text, more);
    }
    if (list->errors)
        return error_set(error, ERROR_INVALID, "%s: %zu errors", file, list->errors);
    return 0;
}
