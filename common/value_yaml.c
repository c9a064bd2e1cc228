/* Reading YAML with libyaml's events. */
#include "common/limits.h"
#include "common/utf8.h"
#include "common/value.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct problem_list *problems;
    struct value *stack[VALUE_DEPTH]; /* open lists and maps */
    unsigned depth;
    struct value *root;
    struct value *key; /* the key that waits for its value */
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static unsigned column_of(yaml_mark_t mark)
{
    return (unsigned)mark.column + 1;
}

static int refuse(struct reader *reader, yaml_mark_t mark, const char *text)
{
    problem_add(reader->problems, PROBLEM_ERROR, line_of(mark), column_of(mark), "", "%s", text);
    return ERROR_INVALID;
}

static bool key_expected(const struct reader *reader)
{
    return reader->depth && reader->stack[reader->depth - 1]->kind == VALUE_MAP && !reader->key;
}

/* Puts a finished scalar or an opened list or map where it belongs. */
static int place(struct reader *reader, struct value *value, yaml_mark_t mark)
{
    struct value *parent = reader->depth ? reader->stack[reader->depth - 1] : NULL;

    value->line = line_of(mark);
    value->column = column_of(mark);
    if (!parent) {
        reader->root = value;
        return 0;
    }
    if (key_expected(reader)) {
        if (value->kind != VALUE_TEXT)
            return refuse(reader, mark, "found a list or map as a key, expected a word");
        reader->key = value;
        return 0;
    }
    if (reader->key) {
        value->key = reader->key->text;
        value->key_line = reader->key->line;
        value->key_column = reader->key->column;
        reader->key = NULL;
    }
    value_append(parent, value);
    return 0;
}

static int add_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    struct value *value;

    if (event->data.scalar.anchor)
        return refuse(reader, event->start_mark, "found an anchor (&), expected a value");
    if (event->data.scalar.tag)
        return refuse(reader, event->start_mark, "found a tag (!), expected a value");
    if (memchr(text, 0, size))
        return refuse(reader, event->start_mark, "found a NUL character, expected text without it");
    value = value_new_text(reader->arena, VALUE_TEXT, text, size);
    if (!value)
        return ERROR_MEMORY;
    value->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return place(reader, value, event->start_mark);
}

static int open_container(struct reader *reader, enum value_kind kind, const yaml_event_t *event,
                          const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct value *value;
    int rc;

    if (anchor)
        return refuse(reader, event->start_mark, "found an anchor (&), expected a value");
    if (tag)
        return refuse(reader, event->start_mark, "found a tag (!), expected a value");
    if (reader->depth == VALUE_DEPTH)
        return refuse(reader, event->start_mark, "found too many levels, expected fewer");
    value = value_new(reader->arena, kind);
    if (!value)
        return ERROR_MEMORY;
    rc = place(reader, value, event->start_mark);
    if (rc == 0)
        reader->stack[reader->depth++] = value;
    return rc;
}

static int take_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(reader, VALUE_LIST, event, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_container(reader, VALUE_MAP, event, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        return refuse(reader, event->start_mark, "found an alias (*), expected the value itself");
    case YAML_DOCUMENT_START_EVENT:
        return reader->root ? refuse(reader, event->start_mark,
                                     "found a second document, expected one in a file")
                            : 0;
    default:
        return 0;
    }
}

static int refuse_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";

    if (parser->error == YAML_MEMORY_ERROR)
        return ERROR_MEMORY;
    if (parser->context)
        problem_add(reader->problems, PROBLEM_ERROR, line_of(parser->problem_mark),
                    column_of(parser->problem_mark), "",
                    "found what is not YAML: %s (%s in line %u), expected `key: value`", problem,
                    parser->context, line_of(parser->context_mark));
    else
        problem_add(reader->problems, PROBLEM_ERROR, line_of(parser->problem_mark),
                    column_of(parser->problem_mark), "",
                    "found what is not YAML: %s, expected `key: value`", problem);
    return ERROR_INVALID;
}

static int read_events(struct reader *reader)
{
    yaml_event_t event;
    bool done = false;
    int rc = 0;

    while (rc == 0 && !done) {
        if (!yaml_parser_parse(&reader->parser, &event))
            return refuse_syntax(reader);
        done = event.type == YAML_STREAM_END_EVENT;
        rc = take_event(reader, &event);
        yaml_event_delete(&event);
    }
    return rc;
}

/* libyaml counts columns from the start of a bad byte's line only sometimes: say it ourselves. */
static int check_bytes(struct span text, struct problem_list *problems)
{
    size_t valid = utf8_check(text);
    unsigned line = 1, column = 1;

    if (text.size > LIMIT_YAML_SIZE) {
        problem_add(problems, PROBLEM_ERROR, 0, 0, "", "found %zu bytes, expected at most %d",
                    text.size, LIMIT_YAML_SIZE);
        return ERROR_INVALID;
    }
    if (valid == text.size)
        return 0;
    for (size_t at = 0; at < valid; column++)
        if (utf8_next(text, &at) == '\n') {
            line++;
            column = 0;
        }
    problem_add(problems, PROBLEM_ERROR, line, column, "",
                "found byte 0x%02X that is not UTF-8, expected text in UTF-8", text.data[valid]);
    return ERROR_INVALID;
}

int value_read_yaml(struct span text, struct arena *arena, struct value **root,
                    struct problem_list *problems)
{
    struct reader reader = {.arena = arena, .problems = problems};
    int rc = check_bytes(text, problems);

    if (rc)
        return rc;
    if (!yaml_parser_initialize(&reader.parser))
        return ERROR_MEMORY;
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, text.size ? text.data : (const uint8_t *)"",
                                 text.size);
    rc = read_events(&reader);
    yaml_parser_delete(&reader.parser);
    if (rc == 0 && !reader.root) {
        problem_add(problems, PROBLEM_ERROR, 1, 1, "", "found nothing, expected `key: value`");
        rc = ERROR_INVALID;
    }
    if (rc == 0)
        *root = reader.root;
    return rc;
}
