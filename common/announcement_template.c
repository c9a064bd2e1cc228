/* The YAML that `new` prints: every key of a kind with its help, made from the rules. */
#include "common/announcement.h"

#include <inttypes.h>
#include <string.h>

static bool write_values(const reflect_field *field, struct buffer *out)
{
    if (field->type != PROTOBUF_C_TYPE_ENUM)
        return true;
    return buffer_append_text(out, ": ") && codec_enum_list(field->descriptor, out);
}

static bool write_limits(const reflect_field *field, const struct announcement_rule *rule,
                         struct buffer *out)
{
    bool text = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

    if (rule->format == ANNOUNCEMENT_ANY && text && rule->max)
        return buffer_printf(out, " (at most %" PRIu64 " characters)", rule->max);
    return true;
}

/* The keys of a message, for the fields that are best written in full. */
static bool write_keys(const reflect_field *field, struct buffer *out)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    char key[CODEC_NAME_SIZE];

    if (field->type != PROTOBUF_C_TYPE_MESSAGE || !announcement_rule_of(type, &type->fields[0]) ||
        type->n_fields < 3 || strcmp(type->short_name, "LocalizedText") == 0 ||
        strcmp(type->short_name, "Date") == 0)
        return true;
    if (!buffer_append_text(out, "\n#   keys: "))
        return false;
    for (unsigned i = 0; i < type->n_fields; i++) {
        codec_key(&type->fields[i], key);
        if (!buffer_printf(out, "%s%s", i ? ", " : "", key))
            return false;
    }
    return true;
}

static bool write_row(const ProtobufCMessageDescriptor *type, const reflect_field *field,
                      bool active, struct buffer *out)
{
    const struct announcement_rule *rule = announcement_rule_of(type, field);
    const char *mark = active ? "" : "#";
    char key[CODEC_NAME_SIZE];

    if (!rule || !rule->example)
        return true;
    codec_key(field, key);
    return buffer_printf(out, "\n# %s", rule->help) && write_values(field, out) &&
           write_limits(field, rule, out) && write_keys(field, out) &&
           buffer_printf(out, "\n%s%s: %s\n", mark, key, rule->example);
}

static bool write_level(const ProtobufCMessageDescriptor *type, enum announcement_level level,
                        struct buffer *out)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const reflect_field *field = &type->fields[i];
        const struct announcement_rule *rule = announcement_rule_of(type, field);
        bool active =
            rule && (rule->level == ANNOUNCEMENT_REQUIRED || rule->format == ANNOUNCEMENT_LANGUAGE);
        bool wanted = rule && (active ? level == ANNOUNCEMENT_REQUIRED : rule->level == level);

        if (wanted && !write_row(type, field, active, out))
            return false;
    }
    return true;
}

bool announcement_template(int kind, struct buffer *out)
{
    const ProtobufCMessageDescriptor *common = &caravan__announcement__descriptor;
    const reflect_field *member = codec_details(common, kind);
    const ProtobufCMessageDescriptor *own = member ? member->descriptor : NULL;
    char name[CODEC_NAME_SIZE];

    if (!own)
        return false;
    codec_enum_text(&caravan__kind__descriptor, kind, name);
    return buffer_printf(
               out,
               "# An announcement: %s. Fill in, take away the # before what you need,\n"
               "# then run: caravan check FILE\n"
               "# Nothing is to be invented: what is not known is named in `not stated`.\n"
               "\nkind: %s\n",
               name, name) &&
           buffer_append_text(out, "\n# ---- required ----\n") &&
           write_level(common, ANNOUNCEMENT_REQUIRED, out) &&
           buffer_append_text(out, "\n# ---- expected: readers look for it ----\n") &&
           write_level(own, ANNOUNCEMENT_EXPECTED, out) &&
           write_level(common, ANNOUNCEMENT_EXPECTED, out) &&
           buffer_append_text(out, "\n# ---- if there is something to say ----\n") &&
           write_level(own, ANNOUNCEMENT_OPTIONAL, out) &&
           write_level(common, ANNOUNCEMENT_OPTIONAL, out);
}
