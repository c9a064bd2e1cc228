/* Writing YAML: block style, so that people can read and edit it, and every reader reads the same.
 */
#include "common/text.h"
#include "common/utf8.h"
#include "common/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LINE_WIDTH 90

static bool write_block(const struct value *value, unsigned indent, bool first, struct buffer *out);

/* Characters that may stand as they are in any scalar: what a terminal must not get is written as a
 * number, so that what is shown can be read again unchanged. */
static bool printable(int32_t c)
{
    return !text_is_unsafe(c);
}

static bool all_printable(struct span text, bool line_ends)
{
    for (size_t at = 0; at < text.size;) {
        int32_t c = utf8_next(text, &at);

        if (!printable(c) && !(line_ends && c == '\n'))
            return false;
    }
    return true;
}

/* What some reader of YAML takes for a truth value, nothing, a number or a date. */
static bool looks_typed(const char *text)
{
    static const char *const words[] = {"y",  "n",   "yes",  "no", "true", "false",
                                        "on", "off", "null", "~",  "=",    "<<"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    if (*text == '.')
        return true;
    return (isdigit((unsigned char)*text) || *text == '-' || *text == '+') &&
           strspn(text, "0123456789abcdefABCDEFxXoTZ_:.+- ") == strlen(text);
}

static bool plain(const struct value *value, bool flow)
{
    const char *text = value->text;
    size_t size = value->size;

    if (size == 0 || !all_printable(span_of(text, size), false))
        return false;
    if (strchr(" ?:,[]{}#&*!|>'\"%@`", text[0]) || text[size - 1] == ' ' || text[size - 1] == ':')
        return false;
    if (text[0] == '-' && !isdigit((unsigned char)text[1]))
        return false;
    if (strstr(text, ": ") || strstr(text, " #") || (flow && strpbrk(text, ",[]{}")))
        return false;
    return !value->quoted || !looks_typed(text);
}

static bool write_quoted(const struct value *value, struct buffer *out)
{
    struct span text = span_of(value->text, value->size);
    bool ok = buffer_append_text(out, "\"");

    for (size_t at = 0; ok && at < text.size;) {
        int32_t c = utf8_next(text, &at);

        if (c < 0)
            return false;
        if (c == '"' || c == '\\')
            ok = buffer_printf(out, "\\%c", (char)c);
        else if (c == '\n')
            ok = buffer_append_text(out, "\\n");
        else if (printable(c))
            ok = utf8_append(out, (uint32_t)c);
        else if (c < 0x10000)
            ok = buffer_printf(out, c < 0x100 ? "\\x%02X" : "\\u%04X", (unsigned)c);
        else
            ok = buffer_printf(out, "\\U%08X", (unsigned)c);
    }
    return ok && buffer_append_text(out, "\"");
}

static bool write_scalar(const struct value *value, bool flow, struct buffer *out)
{
    return plain(value, flow) ? buffer_append(out, value->text, value->size)
                              : write_quoted(value, out);
}

static bool write_indent(unsigned indent, struct buffer *out)
{
    return buffer_printf(out, "%*s", (int)indent, "");
}

/* Several lines that can stand as they are behind `|`. */
static bool fits_literal(const struct value *value)
{
    const char *text = value->text;
    size_t size = value->size;

    if (!strchr(text, '\n') || !all_printable(span_of(text, size), true))
        return false;
    if (text[0] == ' ' || text[0] == '\n' || (size > 1 && strcmp(text + size - 2, "\n\n") == 0))
        return false;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line && strspn(line, " ") == strcspn(line, "\n") && strcspn(line, "\n") > 0)
            return false; /* only spaces */
    }
    return true;
}

static bool write_literal(const struct value *value, unsigned indent, struct buffer *out)
{
    const char *line = value->text;
    bool ok = buffer_append_text(out, value->text[value->size - 1] == '\n' ? "|\n" : "|-\n");

    while (ok && *line) {
        size_t length = strcspn(line, "\n");

        ok = (length == 0 || write_indent(indent, out)) && buffer_append(out, line, length) &&
             buffer_append_text(out, "\n");
        line += length + (line[length] == '\n');
    }
    return ok;
}

static bool is_scalar(const struct value *value)
{
    return value->kind == VALUE_TEXT || value->kind == VALUE_RAW;
}

/* `[a, b]` when it is short; also empty lists and maps. */
static bool fits_line(const struct value *value)
{
    size_t width = 0;

    if (value->count == 0)
        return true;
    if (value->kind != VALUE_LIST)
        return false;
    for (const struct value *child = value->first; child; child = child->next) {
        if (!is_scalar(child))
            return false;
        width += child->size + 2;
    }
    return width <= LINE_WIDTH;
}

static bool write_line(const struct value *value, struct buffer *out)
{
    const char *brackets = value->kind == VALUE_MAP ? "{}" : "[]";
    bool ok;

    if (is_scalar(value))
        return write_scalar(value, false, out);
    ok = buffer_append(out, brackets, 1);
    for (const struct value *child = value->first; ok && child; child = child->next)
        ok = write_scalar(child, true, out) && (!child->next || buffer_append_text(out, ", "));
    return ok && buffer_append(out, brackets + 1, 1);
}

static bool write_key(const struct value *child, struct buffer *out)
{
    struct value key = {.quoted = true, .text = child->key, .size = strlen(child->key)};

    return write_scalar(&key, false, out) && buffer_append_text(out, ":");
}

/* What stands behind `key:` or `-`, line end included. */
static bool write_rest(const struct value *child, unsigned indent, bool in_list, struct buffer *out)
{
    if (is_scalar(child) && fits_literal(child))
        return buffer_append_text(out, " ") && write_literal(child, indent, out);
    if (is_scalar(child) || fits_line(child))
        return buffer_append_text(out, " ") && write_line(child, out) &&
               buffer_append_text(out, "\n");
    if (in_list && child->kind == VALUE_MAP)
        return buffer_append_text(out, " ") && write_block(child, indent, true, out);
    return buffer_append_text(out, "\n") && write_block(child, indent, false, out);
}

/* A list or map that is not empty; first: the indent of its first line is written already. */
static bool write_block(const struct value *value, unsigned indent, bool first, struct buffer *out)
{
    bool ok = true;

    for (const struct value *child = value->first; ok && child; child = child->next) {
        ok = first || write_indent(indent, out);
        first = false;
        if (value->kind == VALUE_LIST)
            ok = ok && buffer_append_text(out, "-");
        else
            ok = ok && write_key(child, out);
        ok = ok && write_rest(child, indent + 2, value->kind == VALUE_LIST, out);
    }
    return ok;
}

bool value_write_yaml(const struct value *root, struct buffer *out)
{
    if (is_scalar(root) || root->count == 0)
        return write_line(root, out) && buffer_append_text(out, "\n");
    return write_block(root, 0, true, out);
}
