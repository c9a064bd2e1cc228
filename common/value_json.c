/* Reading and writing JSON (RFC 8259). */
#include "common/limits.h"
#include "common/utf8.h"
#include "common/value.h"

#include <stdio.h>
#include <string.h>

struct cursor {
    struct span text;
    size_t at;
    unsigned line;
    size_t line_start;
    struct arena *arena;
    struct problem_list *problems;
    struct buffer scratch;
    unsigned depth;
};

static int read_value(struct cursor *cursor, struct value **value);

static int peek(const struct cursor *cursor)
{
    return cursor->at < cursor->text.size ? cursor->text.data[cursor->at] : -1;
}

static unsigned column(const struct cursor *cursor)
{
    size_t count = 1;

    for (size_t i = cursor->line_start; i < cursor->at; i++)
        count += (cursor->text.data[i] & 0xC0) != 0x80;
    return (unsigned)count;
}

static int refuse(struct cursor *cursor, const char *expected)
{
    int c = peek(cursor);
    char found[32];

    if (c < 0)
        snprintf(found, sizeof found, "the end");
    else if (c < 0x20 || c > 0x7E)
        snprintf(found, sizeof found, "byte 0x%02X", (unsigned)c);
    else
        snprintf(found, sizeof found, "'%c'", c);
    problem_add(cursor->problems, PROBLEM_ERROR, cursor->line, column(cursor), "",
                "found %s, expected %s", found, expected);
    return ERROR_INVALID;
}

static void skip_space(struct cursor *cursor)
{
    for (;; cursor->at++) {
        int c = peek(cursor);

        if (c == '\n') {
            cursor->line++;
            cursor->line_start = cursor->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static int hex4(struct cursor *cursor, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, cursor->at++) {
        int c = peek(cursor);
        const char *digits = "0123456789abcdef", *at;

        at = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        if (!at)
            return refuse(cursor, "four hex digits behind \\u");
        *value = *value << 4 | (uint32_t)(at - digits);
    }
    return 0;
}

static int read_unicode(struct cursor *cursor)
{
    uint32_t high, low;
    int rc = hex4(cursor, &high);

    if (rc)
        return rc;
    if (high == 0)
        return refuse(cursor, "no NUL character (\\u0000)");
    if (high >= 0xD800 && high <= 0xDBFF) {
        if (peek(cursor) != '\\' || (cursor->at++, peek(cursor) != 'u'))
            return refuse(cursor, "the second half of a surrogate pair");
        cursor->at++;
        rc = hex4(cursor, &low);
        if (rc)
            return rc;
        if (low < 0xDC00 || low > 0xDFFF)
            return refuse(cursor, "the second half of a surrogate pair");
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    } else if (high >= 0xDC00 && high <= 0xDFFF) {
        return refuse(cursor, "the first half of a surrogate pair before it");
    }
    return utf8_append(&cursor->scratch, high) ? 0 : ERROR_MEMORY;
}

static int read_escape(struct cursor *cursor)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(cursor);
    const char *at = c > 0 ? strchr(letters, c) : NULL;

    if (c == 'u') {
        cursor->at++;
        return read_unicode(cursor);
    }
    if (!at)
        return refuse(cursor, "one of \" \\ / b f n r t u behind \\");
    cursor->at++;
    return buffer_append(&cursor->scratch, &values[at - letters], 1) ? 0 : ERROR_MEMORY;
}

/* Leaves the text in scratch. */
static int read_string(struct cursor *cursor)
{
    int rc = 0;

    buffer_clear(&cursor->scratch);
    if (peek(cursor) != '"')
        return refuse(cursor, "a text in \"quotes\"");
    cursor->at++;
    while (rc == 0 && peek(cursor) != '"') {
        int c = peek(cursor);

        if (c < 0x20) /* also the end */
            return refuse(cursor, "the closing quote (control characters are written \\u00XX)");
        cursor->at++;
        if (c == '\\')
            rc = read_escape(cursor);
        else if (!buffer_append(&cursor->scratch, &cursor->text.data[cursor->at - 1], 1))
            rc = ERROR_MEMORY;
    }
    cursor->at++;
    return rc;
}

static int read_text(struct cursor *cursor, struct value **value)
{
    int rc = read_string(cursor);

    if (rc)
        return rc;
    *value = value_new_text(cursor->arena, VALUE_TEXT, (const char *)cursor->scratch.data,
                            cursor->scratch.size);
    return *value ? 0 : ERROR_MEMORY;
}

static bool digits(struct cursor *cursor)
{
    size_t start = cursor->at;

    while (peek(cursor) >= '0' && peek(cursor) <= '9')
        cursor->at++;
    return cursor->at > start;
}

static bool number(struct cursor *cursor)
{
    if (peek(cursor) == '-')
        cursor->at++;
    if (peek(cursor) == '0')
        cursor->at++;
    else if (!digits(cursor))
        return false;
    if (peek(cursor) == '.') {
        cursor->at++;
        if (!digits(cursor))
            return false;
    }
    if (peek(cursor) == 'e' || peek(cursor) == 'E') {
        cursor->at++;
        if (peek(cursor) == '+' || peek(cursor) == '-')
            cursor->at++;
        return digits(cursor);
    }
    return true;
}

static int read_raw(struct cursor *cursor, struct value **value)
{
    static const char *const words[] = {"true", "false", "null"};
    const uint8_t *start = cursor->text.data + cursor->at;
    size_t left = cursor->text.size - cursor->at, begin = cursor->at;

    for (size_t i = 0; i < 3 && cursor->at == begin; i++)
        if (left >= strlen(words[i]) && memcmp(start, words[i], strlen(words[i])) == 0)
            cursor->at += strlen(words[i]);
    if (cursor->at == begin && !number(cursor))
        return refuse(cursor, "a value");
    *value = value_new_text(cursor->arena, VALUE_RAW, (const char *)start, cursor->at - begin);
    return *value ? 0 : ERROR_MEMORY;
}

static int read_key(struct cursor *cursor, struct value *key)
{
    int rc;

    key->key_line = cursor->line;
    key->key_column = column(cursor);
    rc = read_string(cursor);
    if (rc)
        return rc;
    key->key = arena_copy_text(cursor->arena, cursor->scratch.data, cursor->scratch.size);
    if (!key->key)
        return ERROR_MEMORY;
    skip_space(cursor);
    if (peek(cursor) != ':')
        return refuse(cursor, "':' behind the key");
    cursor->at++;
    skip_space(cursor);
    return 0;
}

static int read_children(struct cursor *cursor, struct value *parent)
{
    const char end = parent->kind == VALUE_MAP ? '}' : ']';
    int rc = 0;

    cursor->at++;
    skip_space(cursor);
    if (peek(cursor) == end) {
        cursor->at++;
        return 0;
    }
    for (;;) {
        struct value key = {0}, *child = NULL;

        if (parent->kind == VALUE_MAP)
            rc = read_key(cursor, &key);
        if (rc == 0)
            rc = read_value(cursor, &child);
        if (rc)
            return rc;
        child->key = key.key;
        child->key_line = key.key_line;
        child->key_column = key.key_column;
        value_append(parent, child);
        skip_space(cursor);
        if (peek(cursor) != ',')
            break;
        cursor->at++;
        skip_space(cursor);
    }
    if (peek(cursor) != end)
        return refuse(cursor, end == '}' ? "',' or '}'" : "',' or ']'");
    cursor->at++;
    return 0;
}

static int read_value(struct cursor *cursor, struct value **out)
{
    unsigned line = cursor->line, at_column = column(cursor);
    struct value *value = NULL;
    int c = peek(cursor), rc;

    if (c == '{' || c == '[') {
        if (cursor->depth == VALUE_DEPTH)
            return refuse(cursor, "fewer levels");
        value = value_new(cursor->arena, c == '{' ? VALUE_MAP : VALUE_LIST);
        if (!value)
            return ERROR_MEMORY;
        cursor->depth++;
        rc = read_children(cursor, value);
        cursor->depth--;
    } else {
        rc = c == '"' ? read_text(cursor, &value) : read_raw(cursor, &value);
    }
    if (rc)
        return rc;
    value->line = line;
    value->column = at_column;
    value->quoted = true;
    *out = value;
    return 0;
}

int value_read_json(struct span text, struct arena *arena, struct value **root,
                    struct problem_list *problems)
{
    struct cursor cursor = {.text = text, .line = 1, .arena = arena, .problems = problems};
    struct value *value = NULL;
    int rc;

    if (text.size > LIMIT_YAML_SIZE) {
        problem_add(problems, PROBLEM_ERROR, 0, 0, "", "found %zu bytes, expected at most %d",
                    text.size, LIMIT_YAML_SIZE);
        return ERROR_INVALID;
    }
    if (utf8_check(text) != text.size) {
        cursor.at = utf8_check(text);
        return refuse(&cursor, "text in UTF-8");
    }
    skip_space(&cursor);
    rc = read_value(&cursor, &value);
    if (rc == 0) {
        skip_space(&cursor);
        if (cursor.at < text.size)
            rc = refuse(&cursor, "nothing behind the value");
    }
    buffer_finish(&cursor.scratch);
    if (rc == 0)
        *root = value;
    return rc;
}

static bool write_string(const char *text, size_t size, struct buffer *out)
{
    bool ok = buffer_append_text(out, "\"");

    for (size_t i = 0; ok && i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            ok = buffer_printf(out, "\\%c", c);
        else if (c == '\n')
            ok = buffer_append_text(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            ok = buffer_printf(out, "\\u%04x", (unsigned)c);
        else
            ok = buffer_append(out, &c, 1);
    }
    return ok && buffer_append_text(out, "\"");
}

bool value_write_json(const struct value *root, struct buffer *out)
{
    const char *brackets = root->kind == VALUE_MAP ? "{}" : "[]";
    bool ok;

    if (root->kind == VALUE_RAW)
        return buffer_append(out, root->text, root->size);
    if (root->kind == VALUE_TEXT)
        return write_string(root->text, root->size, out);
    ok = buffer_append(out, brackets, 1);
    for (const struct value *child = root->first; ok && child; child = child->next) {
        if (root->kind == VALUE_MAP)
            ok = write_string(child->key, strlen(child->key), out) && buffer_append_text(out, ": ");
        ok = ok && value_write_json(child, out) && (!child->next || buffer_append_text(out, ", "));
    }
    return ok && buffer_append(out, brackets + 1, 1);
}
