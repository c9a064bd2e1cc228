#include "common/text.h"

#include "common/text_table.h"
#include "common/utf8.h"

#include <string.h>

/* Unsafe besides the control characters: what turns direction, breaks lines or cannot be seen. */
static const struct text_range unsafe[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f},   {0x061c, 0x061c},   {0x200e, 0x200f},    {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},    {0xfff0, 0xfffb},
    {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0xe0000, 0xe007f}, {0xf0000, 0x10ffff},
};

static bool in_table(const struct text_range *table, size_t count, int32_t character)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (character > table[middle].last)
            low = middle + 1;
        else if (character < table[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

bool text_is_unsafe(int32_t character)
{
    return character < 0 || in_table(unsafe, sizeof unsafe / sizeof *unsafe, character);
}

int text_columns_of(int32_t character)
{
    if (character < 0x300) /* most of what we print; the soft hyphen takes a column, too */
        return 1;
    if (in_table(text_table_zero, text_table_zero_count, character))
        return 0;
    return in_table(text_table_wide, text_table_wide_count, character) ? 2 : 1;
}

static bool append_clean(struct span text, size_t start, size_t end, int32_t c, bool lines,
                         struct buffer *out)
{
    if (c < 0)
        return buffer_printf(out, "\\x%02x", text.data[start]);
    if (c == '\n' && lines)
        return buffer_append(out, "\n", 1);
    if (c == '\n' || c == '\t')
        return buffer_append(out, " ", 1);
    if (text_is_unsafe(c))
        return buffer_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
    return buffer_append(out, text.data + start, end - start);
}

bool text_clean(const char *text, bool lines, struct buffer *out)
{
    struct span span = span_of_text(text);
    size_t at = 0;

    while (at < span.size) {
        size_t start = at;
        int32_t c = utf8_next(span, &at);

        if (c < 0)
            at = start + 1;
        if (!append_clean(span, start, at, c, lines, out))
            return false;
    }
    return true;
}

size_t text_columns(const char *text)
{
    struct span span = span_of_text(text);
    size_t columns = 0;
    size_t at = 0;

    while (at < span.size) {
        size_t start = at;
        int32_t c = utf8_next(span, &at);

        if (c < 0)
            at = start + 1;
        columns += c < 0 ? 1 : (size_t)text_columns_of(c);
    }
    return columns;
}

/* Bytes of the clean text that fit into `columns`; *used: how many columns they take. */
static size_t fitting(struct span text, size_t columns, size_t *used)
{
    size_t at = 0;
    size_t end = 0;

    *used = 0;
    while (at < text.size) {
        int32_t c = utf8_next(text, &at);
        size_t width = c < 0 ? 1 : (size_t)text_columns_of(c);

        if (c < 0)
            at++;
        if (*used + width > columns)
            break;
        *used += width;
        end = at;
    }
    return end;
}

bool text_fit(const char *text, size_t columns, bool pad, struct buffer *out)
{
    struct buffer clean = {0};
    size_t used = 0;
    size_t end;
    bool ok = text_clean(text, false, &clean);

    if (!ok)
        goto out;
    end = fitting(buffer_span(&clean), columns, &used);
    if (end < clean.size && columns > 0) {
        end = fitting(buffer_span(&clean), columns - 1, &used);
        ok = buffer_append(out, clean.data, end) && buffer_append_text(out, "…");
        used++;
    } else {
        ok = buffer_append(out, clean.data, end);
    }
    while (ok && pad && used < columns) {
        ok = buffer_append(out, " ", 1);
        used++;
    }
out:
    buffer_finish(&clean);
    return ok;
}
