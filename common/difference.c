#include "common/difference.h"

#include "common/codec.h"
#include "common/difference_parts.h"
#include "common/limits.h"
#include "common/value.h"
#include "proto/feed.pb-c.h"

#include <inttypes.h>
#include <string.h>

/* What pairing two lists takes: some words for each part, of which there are LIMIT_PROTOBUF_FIELDS
 * at most in what was received. */
#define PAIRING_ARENA (4 * (size_t)LIMIT_ARENA_SIZE)
#define UNKNOWN_KEY "fields that this version does not know"
#define UNKNOWN_BYTES 16 /* of an unknown field that are shown */

struct node {
    struct difference_change change;
    struct node *next;
};

/* Index 0: before, 1: after. */
struct comparing {
    struct arena *arena; /* of the result */
    const char *language[2];
    struct buffer line[2]; /* scratch */
    char path[DIFFERENCE_PATH_SIZE];
    struct node *first, *last;
    size_t count;
};

static bool compare_messages(struct comparing *comparing,
                             const ProtobufCMessage *const messages[2]);

/* --- results ---------------------------------------------------------------------------------- */

/* Returns the length to restore. A component that does not fit is left out. */
static size_t push(struct comparing *comparing, const char *component)
{
    size_t used = strlen(comparing->path), size = strlen(component);
    size_t gap = used ? 3 : 0;

    if (size && used + gap + size < sizeof comparing->path) {
        memcpy(comparing->path + used, " / ", gap);
        memcpy(comparing->path + used + gap, component, size + 1);
    }
    return used;
}

static void pop(struct comparing *comparing, size_t length)
{
    comparing->path[length] = '\0';
}

static char *copy(struct comparing *comparing, const struct buffer *text)
{
    return arena_copy_text(comparing->arena, text->data, text->size);
}

/* What stands in the lines of the sides that are there. */
static bool add(struct comparing *comparing, bool before, bool after)
{
    struct node *node = arena_alloc(comparing->arena, sizeof *node);

    if (!node)
        return false;
    node->change.path = arena_copy_text(comparing->arena, comparing->path, strlen(comparing->path));
    node->change.before = before ? copy(comparing, &comparing->line[0]) : NULL;
    node->change.after = after ? copy(comparing, &comparing->line[1]) : NULL;
    if (!node->change.path || (before && !node->change.before) || (after && !node->change.after))
        return false;
    if (comparing->last)
        comparing->last->next = node;
    else
        comparing->first = node;
    comparing->last = node;
    comparing->count++;
    return true;
}

static bool write_line(struct comparing *comparing, int side, const ProtobufCMessage *message,
                       const reflect_field *field, size_t index, bool *single)
{
    struct buffer *line = &comparing->line[side];

    buffer_clear(line);
    return codec_write_line(message, field, index, comparing->language[side], line, single);
}

/* A value that is only on one side. Fields in it that cannot be written are counted. */
static bool add_one(struct comparing *comparing, int side, const ProtobufCMessage *message,
                    const reflect_field *field, size_t index)
{
    size_t unknown = 0;

    if (!write_line(comparing, side, message, field, index, NULL))
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        unknown = reflect_unknown(reflect_message(message, field, index));
    if (unknown && !buffer_printf(&comparing->line[side], " (and %zu " UNKNOWN_KEY ")", unknown))
        return false;
    return add(comparing, side == 0, side == 1);
}

/* --- fields that this version does not know --------------------------------------------------- */

static bool write_unknown(const ProtobufCMessage *message, struct buffer *out)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        size_t shown = field->len < UNKNOWN_BYTES ? field->len : UNKNOWN_BYTES;
        char hex[2 * UNKNOWN_BYTES + 1];

        bytes_to_hex(field->data, shown, hex);
        ok = buffer_printf(out, "%sNo. %" PRIu32 ": %s%s", i ? ", " : "", field->tag, hex,
                           shown < field->len ? "…" : "");
    }
    return ok;
}

static bool same_unknown(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (a->n_unknown_fields != b->n_unknown_fields)
        return false;
    for (unsigned i = 0; i < a->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *x = &a->unknown_fields[i], *y = &b->unknown_fields[i];

        if (x->tag != y->tag || x->wire_type != y->wire_type ||
            !span_equal(span_of(x->data, x->len), span_of(y->data, y->len)))
            return false;
    }
    return true;
}

static bool compare_unknown(struct comparing *comparing, const ProtobufCMessage *const messages[2])
{
    size_t length;
    bool ok = true;

    if (same_unknown(messages[0], messages[1]))
        return true;
    length = push(comparing, UNKNOWN_KEY);
    for (int side = 0; ok && side < 2; side++) {
        buffer_clear(&comparing->line[side]);
        ok = write_unknown(messages[side], &comparing->line[side]);
    }
    ok = ok && add(comparing, messages[0]->n_unknown_fields > 0, messages[1]->n_unknown_fields > 0);
    pop(comparing, length);
    return ok;
}

/* --- values that are on both sides ------------------------------------------------------------ */

struct place {
    const ProtobufCMessage *const *messages;
    const reflect_field *field;
    size_t index[2];
};

static bool is_same(struct comparing *comparing, const struct place *place, bool *same)
{
    for (int side = 0; side < 2; side++) {
        buffer_clear(&comparing->line[side]);
        if (!difference_bytes(place->messages[side], place->field, place->index[side],
                              &comparing->line[side]))
            return false;
    }
    *same = span_equal(buffer_span(&comparing->line[0]), buffer_span(&comparing->line[1]));
    return true;
}

/* Two messages that are one word each: "up to 5 CNY" and "up to 6 CNY" say what has changed. */
static bool compare_lines(struct comparing *comparing, const struct place *place, bool *done)
{
    bool single[2] = {false, false};

    *done = false;
    if (place->field->descriptor == &caravan__localized_text__descriptor)
        return true;
    for (int side = 0; side < 2; side++)
        if (!write_line(comparing, side, place->messages[side], place->field, place->index[side],
                        &single[side]))
            return false;
    *done = single[0] && single[1] &&
            !span_equal(buffer_span(&comparing->line[0]), buffer_span(&comparing->line[1]));
    return !*done || add(comparing, true, true);
}

static bool compare_values(struct comparing *comparing, const struct place *place)
{
    const reflect_field *field = place->field;
    bool same, done;

    if (!is_same(comparing, place, &same))
        return false;
    if (same)
        return true;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return write_line(comparing, 0, place->messages[0], field, place->index[0], NULL) &&
               write_line(comparing, 1, place->messages[1], field, place->index[1], NULL) &&
               add(comparing, true, true);
    if (!compare_lines(comparing, place, &done))
        return false;
    if (done)
        return true;
    return compare_messages(comparing,
                            (const ProtobufCMessage *const[2]){
                                reflect_message(place->messages[0], field, place->index[0]),
                                reflect_message(place->messages[1], field, place->index[1])});
}

/* --- lists ------------------------------------------------------------------------------------ */

/* A text in the language of the message around it is found without being told it. */
static bool needs_no_label(const struct comparing *comparing, const ProtobufCMessage *message,
                           const reflect_field *field, size_t index)
{
    const char *lang;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    if (field->descriptor != &caravan__localized_text__descriptor)
        return false;
    lang = ((const Caravan__LocalizedText *)reflect_message(message, field, index))->lang;
    for (int side = 0; side < 2; side++)
        if (!lang || !comparing->language[side] || strcmp(comparing->language[side], lang) != 0)
            return false;
    return true;
}

/* Pushes what tells this part from the others. */
static bool push_part(struct comparing *comparing, const ProtobufCMessage *message,
                      const reflect_field *field, size_t index, bool several, size_t *length)
{
    struct buffer label = {0};
    bool ok = true;

    *length = strlen(comparing->path);
    if (!needs_no_label(comparing, message, field, index)) {
        ok = difference_label(message, field, index, &label);
        if (ok && label.size == 0 && several)
            ok = buffer_printf(&label, "%zu", index + 1);
        push(comparing, buffer_text(&label));
    }
    buffer_finish(&label);
    return ok;
}

static bool write_order(struct comparing *comparing, int side, const ProtobufCMessage *message,
                        const reflect_field *field)
{
    size_t count = reflect_count(message, field);
    struct buffer names = {0}, line = {0};
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++) {
        size_t start;

        ok = !i || buffer_append_text(&names, ", ");
        start = names.size;
        buffer_clear(&line);
        ok = ok && difference_label(message, field, i, &names);
        if (ok && names.size == start)
            ok = codec_write_line(message, field, i, comparing->language[side], &line, NULL) &&
                 difference_cut(buffer_text(&line), &names);
    }
    buffer_clear(&comparing->line[side]);
    ok = ok && buffer_append(&comparing->line[side], names.data, names.size);
    buffer_finish(&names);
    buffer_finish(&line);
    return ok;
}

static bool add_order(struct comparing *comparing, const ProtobufCMessage *const messages[2],
                      const reflect_field *field)
{
    size_t length = push(comparing, "order");
    bool ok = write_order(comparing, 0, messages[0], field) &&
              write_order(comparing, 1, messages[1], field) && add(comparing, true, true);

    pop(comparing, length);
    return ok;
}

/* A part that is on one side only, or that both have. */
static bool compare_part(struct comparing *comparing, const struct place *place, int side,
                         size_t partner, bool several)
{
    const ProtobufCMessage *message = place->messages[side];
    size_t length;
    bool ok = push_part(comparing, message, place->field, place->index[side], several, &length);

    if (ok && partner == DIFFERENCE_NONE)
        ok = add_one(comparing, side, message, place->field, place->index[side]);
    else if (ok)
        ok = compare_values(comparing, place);
    pop(comparing, length);
    return ok;
}

/* What was there in its order, then what was added. */
static bool compare_parts(struct comparing *comparing, const ProtobufCMessage *const messages[2],
                          const reflect_field *field, const struct difference_pairs *pairs)
{
    bool several = pairs->count[0] > 1 || pairs->count[1] > 1;
    bool ok = true;

    for (size_t i = 0; ok && i < pairs->count[0]; i++) {
        struct place place = {messages, field, {i, pairs->partner[0][i]}};

        ok = compare_part(comparing, &place, 0, pairs->partner[0][i], several);
    }
    for (size_t i = 0; ok && i < pairs->count[1]; i++) {
        struct place place = {messages, field, {DIFFERENCE_NONE, i}};

        if (pairs->partner[1][i] == DIFFERENCE_NONE)
            ok = compare_part(comparing, &place, 1, DIFFERENCE_NONE, several);
    }
    return ok && (!pairs->reordered || add_order(comparing, messages, field));
}

static bool compare_lists(struct comparing *comparing, const ProtobufCMessage *const messages[2],
                          const reflect_field *field)
{
    struct difference_pairs pairs = {0};
    struct arena arena;
    bool ok;

    arena_init(&arena, PAIRING_ARENA);
    ok = difference_pair(messages, field, &arena, &pairs) &&
         compare_parts(comparing, messages, field, &pairs);
    arena_finish(&arena);
    return ok;
}

/* --- fields ----------------------------------------------------------------------------------- */

/* The fields of an announcement's kind that is there on one side only stand at the top level, too.
 */
static bool compare_flattened(struct comparing *comparing, int side,
                              const ProtobufCMessage *message, const reflect_field *field)
{
    const ProtobufCMessage *messages[2] = {NULL, NULL};
    size_t count = comparing->count;
    struct arena arena;
    bool ok;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    messages[side] = reflect_message(message, field, 0);
    messages[!side] = reflect_new(field->descriptor, &arena);
    ok = messages[!side] && compare_messages(comparing, messages);
    arena_finish(&arena);
    if (ok && comparing->count == count) { /* it says nothing, but it was there */
        char key[CODEC_NAME_SIZE];
        size_t length;

        codec_key(field, key);
        length = push(comparing, key);
        ok = add_one(comparing, side, message, field, 0);
        pop(comparing, length);
    }
    return ok;
}

static bool compare_field(struct comparing *comparing, const ProtobufCMessage *const messages[2],
                          const reflect_field *field, bool flat)
{
    bool there[2] = {reflect_count(messages[0], field) > 0, reflect_count(messages[1], field) > 0};
    struct place place = {messages, field, {0, 0}};
    int side = there[0] ? 0 : 1;

    if (!there[0] && !there[1])
        return true;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return compare_lists(comparing, messages, field);
    if (there[0] && there[1])
        return compare_values(comparing, &place);
    if (flat)
        return compare_flattened(comparing, side, messages[side], field);
    return add_one(comparing, side, messages[side], field, 0);
}

/* Do the field's own fields stand without its key, on every side that has it? */
static bool is_flat(const ProtobufCMessage *const messages[2], const reflect_field *field)
{
    bool any = false;

    for (int side = 0; side < 2; side++) {
        if (reflect_count(messages[side], field) == 0)
            continue;
        if (codec_flattened(messages[side]) != field)
            return false;
        any = true;
    }
    return any;
}

static bool compare_fields(struct comparing *comparing, const ProtobufCMessage *const messages[2])
{
    const reflect_type *type = messages[0]->descriptor;
    const reflect_field *main_field = codec_main_field(type);
    bool ok = true;

    for (unsigned i = 0; ok && i < type->n_fields; i++) {
        const reflect_field *field = &type->fields[i];
        bool flat = field->type == PROTOBUF_C_TYPE_MESSAGE && is_flat(messages, field);
        size_t length = strlen(comparing->path);
        char key[CODEC_NAME_SIZE];

        codec_key(field, key);
        if (!flat && field != main_field)
            push(comparing, key);
        ok = compare_field(comparing, messages, field, flat);
        pop(comparing, length);
    }
    return ok;
}

static bool compare_messages(struct comparing *comparing, const ProtobufCMessage *const messages[2])
{
    const char *outside[2] = {comparing->language[0], comparing->language[1]};
    bool ok;

    for (int side = 0; side < 2; side++)
        comparing->language[side] = codec_language_of(messages[side], outside[side]);
    ok = compare_fields(comparing, messages) && compare_unknown(comparing, messages);
    for (int side = 0; side < 2; side++)
        comparing->language[side] = outside[side];
    return ok;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool gather(struct comparing *comparing, struct difference_list *out)
{
    struct difference_change *items =
        arena_alloc(comparing->arena, (comparing->count + 1) * sizeof *items);
    size_t count = 0;

    if (!items)
        return false;
    for (const struct node *node = comparing->first; node; node = node->next)
        items[count++] = node->change;
    *out = (struct difference_list){items, count};
    return true;
}

int difference_find(const ProtobufCMessage *before, const ProtobufCMessage *after,
                    const char *language, struct arena *arena, struct difference_list *out,
                    struct error *error)
{
    struct comparing comparing = {.arena = arena, .language = {language, language}};
    bool ok = compare_messages(&comparing, (const ProtobufCMessage *const[2]){before, after}) &&
              gather(&comparing, out);

    buffer_finish(&comparing.line[0]);
    buffer_finish(&comparing.line[1]);
    return ok ? ERROR_NONE : error_memory(error);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool write_member(const char *name, const char *text, struct buffer *out)
{
    struct value value = {.kind = text ? VALUE_TEXT : VALUE_RAW};

    value.text = text ? text : "null";
    value.size = strlen(value.text);
    return buffer_printf(out, "\"%s\": ", name) && value_write_json(&value, out);
}

bool difference_write_json(const struct difference_list *list, struct buffer *out)
{
    bool ok = buffer_append_text(out, "[");

    for (size_t i = 0; ok && i < list->count; i++) {
        const struct difference_change *change = &list->items[i];

        ok = buffer_append_text(out, i ? ", {" : "{") && write_member("path", change->path, out) &&
             buffer_append_text(out, ", ") && write_member("before", change->before, out) &&
             buffer_append_text(out, ", ") && write_member("after", change->after, out) &&
             buffer_append_text(out, "}");
    }
    return ok && buffer_append_text(out, "]");
}
