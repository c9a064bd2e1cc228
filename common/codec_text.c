/* Texts in several languages: plain, or by language, or in full. The first is the authentic one. */
#include "common/codec.h"
#include "common/codec_parts.h"
#include "proto/feed.pb-c.h"

#include <ctype.h>
#include <string.h>

static const char *const full_keys[] = {"lang", "text", "machine"};

bool codec_is_texts(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED &&
           field->descriptor == &caravan__localized_text__descriptor;
}

static bool is_full_key(const char *key)
{
    for (size_t i = 0; i < sizeof full_keys / sizeof full_keys[0]; i++)
        if (strcmp(key, full_keys[i]) == 0)
            return true;
    return false;
}

/* {lang: …, text: …, machine: …} in contrast to {en: …, zh: …}. */
static bool is_full(const struct value *value)
{
    if (value->kind != VALUE_MAP)
        return false;
    for (const struct value *child = value->first; child; child = child->next)
        if (!is_full_key(child->key))
            return false;
    return true;
}

/* A scalar, or the full form, in the given language if it names none itself (NULL: leave open). */
static Caravan__LocalizedText *read_one(struct codec_reader *reader, const struct value *value,
                                        const char *language)
{
    Caravan__LocalizedText *text =
        (Caravan__LocalizedText *)reflect_new(&caravan__localized_text__descriptor, reader->arena);
    bool open;

    if (!text) {
        codec_full(reader);
        return NULL;
    }
    if (value->kind == VALUE_TEXT) {
        if (codec_is_null(reader, value)) {
            codec_refuse_null(reader, value);
            return NULL;
        }
        text->text = (char *)value->text;
        codec_note_place(reader, value, &text->base, NULL, 0);
    } else if (is_full(value)) {
        codec_read_value(reader, value, &text->base);
    } else {
        codec_refuse(reader, value, "text, or the keys: lang, text, machine");
        return NULL;
    }
    open = !text->lang && (text->text || text->has_machine);
    if (open && language)
        text->lang = (char *)language;
    return text;
}

static bool seen_before(const struct value *map, const struct value *child)
{
    for (const struct value *other = map->first; other != child; other = other->next)
        if (strcmp(other->key, child->key) == 0)
            return true;
    return false;
}

/* {en: …, zh: {text: …, machine: true}} */
static size_t read_languages(struct codec_reader *reader, const struct value *map,
                             Caravan__LocalizedText **slots)
{
    size_t kept = 0;

    for (const struct value *child = map->first; child && !codec_stops(reader);
         child = child->next) {
        size_t length = codec_path_push(reader, child->key, 0);
        struct value at = {.line = child->key_line, .column = child->key_column};

        if (kept >= 64 || seen_before(map, child))
            codec_problem(reader, &at, "found this language a second time, expected it once");
        else if (child->kind == VALUE_MAP && value_get(child, "lang"))
            codec_problem(reader, child, "found \"lang\" below a language, expected text, machine");
        else if ((slots[kept] = read_one(reader, child, child->key)))
            kept++;
        reader->path[length] = '\0';
    }
    return kept;
}

static size_t read_list(struct codec_reader *reader, const struct value *list,
                        Caravan__LocalizedText **slots)
{
    size_t kept = 0, index = 0;

    for (const struct value *item = list->first; item && !codec_stops(reader); item = item->next) {
        size_t length = codec_path_push(reader, NULL, index++);

        slots[kept] = read_one(reader, item, item->kind == VALUE_TEXT ? reader->language : NULL);
        kept += slots[kept] != NULL;
        reader->path[length] = '\0';
    }
    return kept;
}

bool codec_read_texts(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    bool languages = value->kind == VALUE_MAP && !is_full(value);
    size_t errors = reader->errors, kept = 0;
    size_t room = languages || value->kind == VALUE_LIST ? value->count : 1;
    Caravan__LocalizedText **slots;

    codec_note_place(reader, value, message, field, 0);
    if (room == 0)
        return true;
    slots = reflect_room(message, field, room, reader->arena);
    if (!slots)
        return codec_full(reader);
    if (languages)
        kept = read_languages(reader, value, slots);
    else if (value->kind == VALUE_LIST)
        kept = read_list(reader, value, slots);
    else
        kept = (slots[0] = read_one(reader, value, reader->language)) != NULL;
    reflect_shrink(message, field, reader->out_of_memory ? 0 : kept);
    return reader->errors == errors && !reader->out_of_memory;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool same_language(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Fit to be a key: looks like a language tag and is none of the full form's keys. */
static bool is_key(const char *lang)
{
    size_t length = lang ? strlen(lang) : 0;

    if (length < 2 || length > 35 || is_full_key(lang))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)lang[i]) && lang[i] != '-')
            return false;
    return true;
}

struct value *codec_write_text(struct codec_writer *writer, const Caravan__LocalizedText *text)
{
    Caravan__LocalizedText copy = *text;

    copy.lang = NULL;
    if (!text->has_machine)
        return codec_write_scalar(
            writer, reflect_find(&caravan__localized_text__descriptor, "text"), &text->text);
    return codec_write_value(writer, &copy.base);
}

static bool by_language(Caravan__LocalizedText *const *texts, size_t count)
{
    if (count == 0 || count >= 64) /* so many are not compared with each other */
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!texts[i]->text || !is_key(texts[i]->lang))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(texts[k]->lang, texts[i]->lang) == 0)
                return false;
    }
    return true;
}

static struct value *write_languages(struct codec_writer *writer,
                                     Caravan__LocalizedText *const *texts, size_t count)
{
    struct value *map = value_new(writer->arena, VALUE_MAP);

    for (size_t i = 0; map && i < count; i++) {
        struct value *child = codec_write_text(writer, texts[i]);

        if (!child ||
            !(child->key = arena_copy_text(writer->arena, texts[i]->lang, strlen(texts[i]->lang))))
            return NULL;
        value_append(map, child);
    }
    return map;
}

struct value *codec_write_texts(struct codec_writer *writer, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field)
{
    size_t count = reflect_count(message, field);
    Caravan__LocalizedText *const *texts =
        count ? (Caravan__LocalizedText *const *)reflect_value(message, field, 0) : NULL;
    struct value *list;

    if (count == 1 && texts[0]->text && same_language(texts[0]->lang, writer->language))
        return codec_write_text(writer, texts[0]);
    if (by_language(texts, count))
        return write_languages(writer, texts, count);
    list = value_new(writer->arena, VALUE_LIST);
    for (size_t i = 0; list && i < count; i++) {
        struct value *item = codec_write_value(writer, &texts[i]->base);

        if (!item)
            return NULL;
        value_append(list, item);
    }
    return list;
}
