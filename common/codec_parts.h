/* What the codec's own files share; nobody else includes it. */
#ifndef COMMON_CODEC_PARTS_H
#define COMMON_CODEC_PARTS_H

#include "common/codec.h"
#include "common/value.h"
#include "proto/feed.pb-c.h"

struct codec_reader {
    bool yaml;
    struct arena *arena;
    struct codec_places *places;
    struct problem_list *problems;
    const char *language;            /* of plain texts; NULL: not known */
    const struct codec_names *names; /* NULL: no handles are known */
    size_t errors;
    bool out_of_memory;
    char path[PROBLEM_PATH_SIZE];
};

struct codec_writer {
    bool yaml;
    struct arena *arena;
    const char *language;
    const struct codec_names *names; /* NULL: no handles are known */
};

/* A row of the table of short forms. Either a value that `accepts` says yes to (NULL: any scalar)
 * stands for the field `field`, or read and write know the text. */
struct codec_short {
    const ProtobufCMessageDescriptor *type;
    const char *expected; /* for people: "a date: 2024, 2024-08 or 2024-08-01" */
    const char *field;
    bool (*accepts)(const struct value *value);
    /* false: a problem was reported. */
    bool (*read)(struct codec_reader *reader, const struct value *value, ProtobufCMessage *message);
    /* false: this message has no short form. That it reads back the same is checked by the caller.
     */
    bool (*write)(const struct codec_writer *writer, const ProtobufCMessage *message,
                  struct buffer *out);
};

extern const struct codec_short codec_shorts[]; /* ended by a row without a type */

/* The row that reads this value as this type; NULL: read it as a map. */
const struct codec_short *codec_short_for(const ProtobufCMessageDescriptor *type,
                                          const struct value *value);

/* --- reading; each reports its problems ------------------------------------------------------ */

void codec_problem(struct codec_reader *reader, const struct value *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "found X, expected Y"; always false. */
bool codec_refuse(struct codec_reader *reader, const struct value *value, const char *expected);
/* Nothing where a value should be: empty, ~ or null without quotes. */
bool codec_is_null(const struct codec_reader *reader, const struct value *value);
bool codec_refuse_null(struct codec_reader *reader, const struct value *value); /* always false */
/* Marks the reader as out of memory. Always false. */
bool codec_full(struct codec_reader *reader);
bool codec_stops(const struct codec_reader *reader);
bool codec_read_value(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message);
bool codec_read_field(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
bool codec_read_scalar(struct codec_reader *reader, const struct value *value,
                       const ProtobufCFieldDescriptor *field, void *slot);
/* A feed id, of 64 hexadecimal digits or a handle that the reader's names know. */
bool codec_find_feed(const struct codec_reader *reader, const char *text, struct id *feed);
/* A repeated LocalizedText, YAML only. */
bool codec_read_texts(struct codec_reader *reader, const struct value *value,
                      ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
bool codec_is_texts(const ProtobufCFieldDescriptor *field);
void codec_note_place(struct codec_reader *reader, const struct value *value,
                      const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      size_t index);
/* Adds to the path; returns the length to restore. */
size_t codec_path_push(struct codec_reader *reader, const char *key, size_t index);

/* --- writing; NULL when memory runs out ------------------------------------------------------- */

struct value *codec_write_value(struct codec_writer *writer, const ProtobufCMessage *message);
struct value *codec_write_field(struct codec_writer *writer, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field);
struct value *codec_write_scalar(struct codec_writer *writer, const ProtobufCFieldDescriptor *field,
                                 const void *slot);
struct value *codec_write_texts(struct codec_writer *writer, const ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *field);
/* One text without its language; it must have a text. */
struct value *codec_write_text(struct codec_writer *writer, const Caravan__LocalizedText *text);
/* The handle of a feed, YAML only; NULL: it has none here, or is no feed id. */
const char *codec_name_feed(const struct codec_writer *writer, const ProtobufCBinaryData *feed);
/* NULL also when there is no short form that reads back the same. */
struct value *codec_write_short(struct codec_writer *writer, const ProtobufCMessage *message);

/* --- suggestions ----------------------------------------------------------------------------- */

struct codec_nearest {
    const char *wanted;
    unsigned distance;
    char name[CODEC_NAME_SIZE]; /* "" when nothing is near */
};
void codec_nearest_offer(struct codec_nearest *nearest, const char *candidate);
void codec_nearest_fields(struct codec_nearest *nearest, const ProtobufCMessageDescriptor *type);
void codec_nearest_enum(struct codec_nearest *nearest, const ProtobufCEnumDescriptor *type);

/* --- one kind's fields at the top level ------------------------------------------------------- */

/* A message whose YAML takes in the fields of the oneof member that an enum field names. */
struct codec_flat {
    const ProtobufCMessageDescriptor *type;
    const char *kind;
};
const struct codec_flat *
codec_flat_of(const ProtobufCMessageDescriptor *type); /* NULL: it is not */

#endif
