/* codec: messages as people write them (YAML) and as programs do (JSON), by descriptors alone.
 *
 * One codec reads announcements and node.yaml and writes everything that is shown. YAML: keys are
 * the schema's names in lower case, space, "-" and "_" the same; the field's type decides how a
 * value is read; short forms for dates, periods, money and so on are those of codec_short.c; the
 * keys of an announcement's kind stand at the top level. JSON: ProtoJSON with the schema's own
 * names, 64-bit integers as text, bytes in base64, no short forms. In YAML bytes are hexadecimal.
 *
 * A message that has a field `language` gives it to plain texts in it.
 *
 * All problems are reported at once, each with place, what was found and what was expected. Reading
 * goes on after a problem, so that a check can add its own. Unknown fields of a message cannot be
 * written: reflect_unknown counts them. Threads: no shared state. */
#ifndef COMMON_CODEC_H
#define COMMON_CODEC_H

#include "common/arena.h"
#include "common/problem.h"
#include "common/reflect.h"

#define CODEC_NAME_SIZE 64

/* Where a value was read; field NULL: the message itself. Also kept for values that were wrong. */
struct codec_place {
    const ProtobufCMessage *message;
    const ProtobufCFieldDescriptor *field;
    size_t index;
    unsigned line, column;
};

/* Zeroed is valid. Refers to messages in the arena that they were read into. */
struct codec_places {
    struct codec_place *items;
    size_t count, capacity;
};

void codec_places_finish(struct codec_places *places);
/* NULL when the value was not in the text. places may be NULL. */
const struct codec_place *codec_places_find(const struct codec_places *places,
                                            const ProtobufCMessage *message,
                                            const ProtobufCFieldDescriptor *field, size_t index);

/* Return 0, ERROR_INVALID (problems say why) or ERROR_MEMORY (also: more than the arena's cap; a
 * problem says so). *message lives in the arena; with ERROR_INVALID it holds what could be read, or
 * is NULL when nothing could. places and problems may be NULL. */
int codec_read_yaml(const ProtobufCMessageDescriptor *type, struct span text, struct arena *arena,
                    struct codec_places *places, ProtobufCMessage **message,
                    struct problem_list *problems);
int codec_read_json(const ProtobufCMessageDescriptor *type, struct span text, struct arena *arena,
                    struct codec_places *places, ProtobufCMessage **message,
                    struct problem_list *problems);

/* How people name what bytes stand for: the handles of institutions (feed ids in the message). */
struct codec_names {
    void *self;
    /* The feed of an institution; false when the handle is not known. */
    bool (*find)(void *self, const char *handle, struct id *feed);
    /* A key at the top that is no field of the message and for the caller alone; NULL: none. */
    const char *aside;
    /* The handle for which `find` gives this feed; NULL when there is none. Borrowed, as long as
     * self. The function may be NULL: then only reading knows names. */
    const char *(*name)(void *self, const struct id *feed);
};
/* codec_read_yaml with what only the caller knows. Either may be NULL. With names a handle may
 * stand where a feed id is expected, and "handle/number" for an announcement. language: of plain
 * texts, where the text itself does not say it. */
int codec_read_yaml_with(const ProtobufCMessageDescriptor *type, struct span text,
                         const struct codec_names *names, const char *language, struct arena *arena,
                         struct codec_places *places, ProtobufCMessage **message,
                         struct problem_list *problems);

/* Append; false when memory runs out. YAML ends with a line end, JSON is one line without. */
bool codec_write_yaml(const ProtobufCMessage *message, struct buffer *out);
bool codec_write_json(const ProtobufCMessage *message, struct buffer *out);
/* codec_write_yaml with handles instead of feed ids where they are known; texts in `language` are
 * plain, where the message does not say its own. What it writes is what codec_read_yaml_with reads
 * with the same names and language. Both may be NULL. */
bool codec_write_yaml_with(const ProtobufCMessage *message, const struct codec_names *names,
                           const char *language, struct buffer *out);
/* One value of a field as YAML shows it, without keys around it, appended: "up to 1500000 CNY", a
 * text as it is; of a map and of a list their parts in one line: "what: full, at: 2026-05-15".
 * language: what plain texts are in (NULL: not known). *single (may be NULL): it is one value, no
 * map or list. false when memory runs out. */
bool codec_write_line(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                      size_t index, const char *language, struct buffer *out, bool *single);
/* The message's protobuf bytes, appended. */
bool codec_pack(const ProtobufCMessage *message, struct buffer *out);

/* --- names ---------------------------------------------------------------------------------- */

/* The key as people write it: "fields of science". */
void codec_key(const ProtobufCFieldDescriptor *field, char out[CODEC_NAME_SIZE]);
/* The field that a written key means; NULL when unknown. Lower case only. */
const ProtobufCFieldDescriptor *codec_find_key(const ProtobufCMessageDescriptor *type,
                                               const char *key);
/* "joint call"; "unknown(7)" for a number that this version does not know. */
void codec_enum_text(const ProtobufCEnumDescriptor *type, int value, char out[CODEC_NAME_SIZE]);
/* Reads what codec_enum_text writes (not "unknown(7)"), in any case; false when unknown. */
bool codec_enum_find(const ProtobufCEnumDescriptor *type, const char *text, int *value);
/* "visit, joint call, …": all but the unspecified one. false when memory runs out. */
bool codec_enum_list(const ProtobufCEnumDescriptor *type, struct buffer *out);
/* The member that holds the fields of this kind of announcement; NULL for an unknown kind. */
const ProtobufCFieldDescriptor *codec_details(const ProtobufCMessageDescriptor *type, int kind);
/* The member whose fields stand at the top level of YAML: the one that the kind names, when it is
 * set; NULL: none does. */
const ProtobufCFieldDescriptor *codec_flattened(const ProtobufCMessage *message);
/* The field whose value alone can stand for a message of this type: `at` for a deadline; NULL when
 * there is none, or more than one. */
const ProtobufCFieldDescriptor *codec_main_field(const ProtobufCMessageDescriptor *type);
/* The language that plain texts in this message are in, if it says so itself; else `fallback`. */
const char *codec_language_of(const ProtobufCMessage *message, const char *fallback);

/* How far two names are apart (letters to change, add, leave out or swap); above limit: limit + 1.
 */
unsigned codec_distance(const char *a, const char *b, unsigned limit);

#endif
