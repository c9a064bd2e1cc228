#include "node/cli/cli_change.h"

#include "common/limits.h"
#include "common/text.h"
#include "common/utf8.h"

#include <stdio.h>
#include <string.h>

/* A text of one line that is not wider is said whole. */
#define WHOLE_COLUMNS 90
/* … else so much around what has changed. */
#define AROUND_COLUMNS 30

static bool is_short(const char *text)
{
    return !strchr(text, '\n') && strnlen(text, 8 * WHOLE_COLUMNS) < 8 * WHOLE_COLUMNS &&
           text_columns(text) <= WHOLE_COLUMNS;
}

/* The end of a text, or its beginning, as a text of its own. */
struct around {
    struct span text;
    bool cut;
};

static size_t behind(struct span text, size_t at)
{
    int32_t c = utf8_next(text, &at);

    return at + (c < 0);
}

/* At most AROUND_COLUMNS of the beginning: whole letters with their marks, up to a space if one is
 * near. */
static struct around beginning(struct span text)
{
    size_t at = 0, end = 0, space = 0, columns = 0;

    while (at < text.size) {
        size_t next = behind(text, at);
        struct span letter = span_of(text.data + at, next - at);
        size_t start = 0;
        int32_t c = utf8_next(letter, &start);
        size_t width = c < 0 ? 1 : (size_t)text_columns_of(c);

        if (columns + width > AROUND_COLUMNS)
            break;
        if (c == ' ' && columns > AROUND_COLUMNS / 2)
            space = at;
        columns += width;
        at = end = next;
    }
    if (end == text.size)
        return (struct around){text, false};
    return (struct around){span_of(text.data, space ? space : end), true};
}

/* Where the last AROUND_COLUMNS begin: from the front, since letters are read forwards. */
static struct around ending(struct span text)
{
    struct buffer copy = {0};
    struct around around = {text, false};
    size_t left, at = 0, space = text.size;

    if (!buffer_append(&copy, text.data, text.size))
        return around;
    left = text_columns(buffer_text(&copy));
    buffer_finish(&copy);
    if (left <= AROUND_COLUMNS)
        return around;
    while (at < text.size) {
        size_t start = at;
        int32_t c = utf8_next(text, &at);
        size_t width = c < 0 ? 1 : (size_t)text_columns_of(c);

        if (left <= AROUND_COLUMNS && width > 0) {
            at = start;
            break;
        }
        at += c < 0;
        left -= width;
    }
    for (size_t i = at; i < text.size && i < at + AROUND_COLUMNS / 2 && space == text.size; i++)
        if (text.data[i] == ' ')
            space = i + 1;
    around.text.data += space < text.size ? space : at;
    around.text.size -= space < text.size ? space : at;
    around.cut = true;
    return around;
}

static bool append_span(struct span text, struct buffer *out)
{
    return buffer_append(out, text.data, text.size);
}

/* The difference `index` of one side, with what stands before and behind it. */
static bool append_place(const struct difference_piece *pieces, size_t count, size_t index,
                         bool after, struct buffer *out)
{
    struct around before = {span_of(NULL, 0), false}, behind_it = {span_of(NULL, 0), false};
    struct buffer line = {0};
    bool ok;

    if (index > 0)
        before = ending(pieces[index - 1].before);
    if (index + 1 < count)
        behind_it = beginning(pieces[index + 1].before);
    ok = buffer_append_text(&line, before.cut ? "…" : "") && append_span(before.text, &line) &&
         append_span(after ? pieces[index].after : pieces[index].before, &line) &&
         append_span(behind_it.text, &line) &&
         buffer_append_text(&line, behind_it.cut ? "…" : "") &&
         buffer_append_text(out, after ? "+ " : "- ") &&
         text_clean(buffer_text(&line), false, out) && buffer_append_text(out, "\n");
    buffer_finish(&line);
    return ok;
}

static bool append_places(const char *before, const char *after, struct buffer *out)
{
    struct difference_piece *pieces = NULL;
    struct arena arena;
    size_t count = 0;
    bool ok;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    ok = difference_text(before, after, &arena, &pieces, &count);
    for (size_t i = 0; ok && i < count; i++)
        if (!pieces[i].same)
            ok = append_place(pieces, count, i, false, out) &&
                 append_place(pieces, count, i, true, out);
    arena_finish(&arena);
    return ok;
}

/* A text that has only one side: all of it, line by line. */
static bool append_whole(const char *text, bool after, struct buffer *out)
{
    const char *mark = after ? "+ " : "- ";
    bool ok = true;

    if (!*text)
        return buffer_printf(out, "%s\"\"\n", mark);
    while (ok && *text) {
        size_t size = strcspn(text, "\n");
        struct buffer line = {0};

        ok = buffer_append(&line, text, size) && buffer_append_text(out, mark) &&
             text_clean(buffer_text(&line), false, out) && buffer_append_text(out, "\n");
        buffer_finish(&line);
        text += size + (text[size] == '\n');
    }
    return ok;
}

bool cli_change_lines(const char *before, const char *after, struct buffer *out)
{
    if (before && after && (!is_short(before) || !is_short(after)))
        return append_places(before, after, out);
    return (!before || append_whole(before, false, out)) &&
           (!after || append_whole(after, true, out));
}

static void print_lines(const struct cli *cli, FILE *out, const char *lines, int indent)
{
    while (*lines) {
        int size = (int)strcspn(lines, "\n");

        fprintf(out, "%*s%s%.*s%s\n", indent, "",
                cli_style(cli, *lines == '-' ? CLI_BAD : CLI_GOOD), size, lines,
                cli_style(cli, CLI_PLAIN));
        lines += size + 1;
    }
}

bool cli_change_print(const struct cli *cli, FILE *out, const struct difference_list *list,
                      int indent)
{
    bool ok = true;

    for (size_t i = 0; ok && i < list->count; i++) {
        const struct difference_change *change = &list->items[i];
        struct buffer lines = {0};

        ok = cli_change_lines(change->before, change->after, &lines);
        fprintf(out, "%*s", indent, "");
        cli_print_text(out, change->path, false);
        fputc('\n', out);
        print_lines(cli, out, buffer_text(&lines), indent + 2);
        buffer_finish(&lines);
    }
    return ok;
}
