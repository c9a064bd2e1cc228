/* Names as people write them, and what they may have meant. */
#include "common/codec.h"
#include "common/codec_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Lower case; space, "-" and "_" become one space. */
static void fold(const char *text, bool lower, char out[CODEC_NAME_SIZE])
{
    size_t used = 0;

    for (; *text && used + 1 < CODEC_NAME_SIZE; text++) {
        char c = *text == '-' || *text == '_' ? ' ' : *text;

        out[used++] = lower ? (char)tolower((unsigned char)c) : c;
    }
    out[used] = '\0';
}

void codec_key(const ProtobufCFieldDescriptor *field, char out[CODEC_NAME_SIZE])
{
    fold(field->name, true, out);
}

const ProtobufCFieldDescriptor *codec_find_key(const ProtobufCMessageDescriptor *type,
                                               const char *key)
{
    char folded[CODEC_NAME_SIZE], name[CODEC_NAME_SIZE];

    if (strlen(key) >= CODEC_NAME_SIZE)
        return NULL;
    fold(key, false, folded);
    for (unsigned i = 0; i < type->n_fields; i++) {
        codec_key(&type->fields[i], name);
        if (strcmp(name, folded) == 0)
            return &type->fields[i];
    }
    return NULL;
}

/* Length of "JOINT_CALL_" in the value's name when the type is JointCall; 0 when it has no such
 * prefix. */
static size_t prefix_length(const ProtobufCEnumDescriptor *type, const char *name)
{
    size_t length = 0;

    for (const char *c = type->short_name; *c; c++) {
        if (c > type->short_name && isupper((unsigned char)*c) && name[length++] != '_')
            return 0;
        if (name[length++] != toupper((unsigned char)*c))
            return 0;
    }
    return name[length] == '_' && name[length + 1] ? length + 1 : 0;
}

static void value_name(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value,
                       char out[CODEC_NAME_SIZE])
{
    fold(value->name + prefix_length(type, value->name), true, out);
}

void codec_enum_text(const ProtobufCEnumDescriptor *type, int value, char out[CODEC_NAME_SIZE])
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);

    if (known)
        value_name(type, known, out);
    else
        snprintf(out, CODEC_NAME_SIZE, "unknown(%d)", value);
}

bool codec_enum_find(const ProtobufCEnumDescriptor *type, const char *text, int *value)
{
    char folded[CODEC_NAME_SIZE], name[CODEC_NAME_SIZE];

    if (strlen(text) >= CODEC_NAME_SIZE)
        return false;
    fold(text, true, folded);
    for (unsigned i = 0; i < type->n_values; i++) {
        value_name(type, &type->values[i], name);
        if (strcmp(name, folded) == 0) {
            *value = type->values[i].value;
            return true;
        }
    }
    return false;
}

bool codec_enum_list(const ProtobufCEnumDescriptor *type, struct buffer *out)
{
    char name[CODEC_NAME_SIZE];
    const char *comma = "";

    for (unsigned i = 0; i < type->n_values; i++) {
        if (type->values[i].value == 0)
            continue;
        value_name(type, &type->values[i], name);
        if (!buffer_printf(out, "%s%s", comma, name))
            return false;
        comma = ", ";
    }
    return true;
}

unsigned codec_distance(const char *a, const char *b, unsigned limit)
{
    unsigned rows[3][CODEC_NAME_SIZE + 1];
    size_t m = strlen(a), n = strlen(b);

    if (m > CODEC_NAME_SIZE || n > CODEC_NAME_SIZE)
        return limit + 1;
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *last = rows[(i - 1) % 3];
        const unsigned *before = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            best = last[j] + 1 < best ? last[j] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[m % 3][n] <= limit ? rows[m % 3][n] : limit + 1;
}

void codec_nearest_offer(struct codec_nearest *nearest, const char *candidate)
{
    char wanted[CODEC_NAME_SIZE], name[CODEC_NAME_SIZE];
    unsigned limit = strlen(nearest->wanted) < 5 ? 1 : strlen(nearest->wanted) < 10 ? 2 : 3;
    unsigned distance;

    fold(nearest->wanted, true, wanted);
    fold(candidate, true, name);
    distance = codec_distance(wanted, name, limit);
    if (distance > limit || (nearest->name[0] && distance >= nearest->distance))
        return;
    nearest->distance = distance;
    memcpy(nearest->name, name, sizeof nearest->name);
}

void codec_nearest_fields(struct codec_nearest *nearest, const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        codec_nearest_offer(nearest, type->fields[i].name);
}

void codec_nearest_enum(struct codec_nearest *nearest, const ProtobufCEnumDescriptor *type)
{
    char name[CODEC_NAME_SIZE];

    for (unsigned i = 0; i < type->n_values; i++) {
        value_name(type, &type->values[i], name);
        if (type->values[i].value)
            codec_nearest_offer(nearest, name);
    }
}
