#include "common/merge.h"

#include <string.h>

#include "common/codec.h"
#include "common/fields.h"

enum { BASE, NOW, THEIRS, VERSIONS };

struct merging {
    const ProtobufCMessage *versions[VERSIONS];
    ProtobufCMessage *part; /* has nothing but the field that is looked at */
    struct buffer packed[VERSIONS];
    struct buffer conflicts;
    struct merge merge;
};

/* field NULL: what is unknown. */
static void share(const ProtobufCMessage *from, const reflect_field *field, ProtobufCMessage *to)
{
    if (field) {
        reflect_share(from, field, to);
        return;
    }
    to->n_unknown_fields = from->n_unknown_fields;
    to->unknown_fields = from->unknown_fields;
}

/* Packed messages tell whether two say the same, at every depth. */
static bool pack(struct merging *merging, const reflect_field *field)
{
    bool ok = true;

    for (int i = 0; i < VERSIONS && ok; i++) {
        protobuf_c_message_init(merging->versions[i]->descriptor, merging->part);
        share(merging->versions[i], field, merging->part);
        buffer_clear(&merging->packed[i]);
        ok = fields_pack(merging->part, &merging->packed[i]);
    }
    return ok;
}

static bool same(const struct merging *merging, int one, int other)
{
    return span_equal(buffer_span(&merging->packed[one]), buffer_span(&merging->packed[other]));
}

static bool add_conflict(struct merging *merging, const reflect_field *field)
{
    char key[CODEC_NAME_SIZE];

    if (field)
        codec_key(field, key);
    return buffer_printf(&merging->conflicts, "%s%s", merging->conflicts.size ? ", " : "",
                         field ? key : "fields of a newer version");
}

static bool merge_field(struct merging *merging, const reflect_field *field)
{
    if (!pack(merging, field))
        return false;
    if (same(merging, BASE, THEIRS))
        return true;
    merging->merge.changed++;
    if (same(merging, NOW, THEIRS))
        return true;
    merging->merge.pending++;
    share(merging->versions[THEIRS], field, merging->merge.message);
    return same(merging, BASE, NOW) || add_conflict(merging, field);
}

static bool merge_all(struct merging *merging, struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = merging->versions[NOW]->descriptor;
    struct merge *merge = &merging->merge;
    bool ok;

    merging->part = reflect_new(type, arena);
    merge->message = reflect_new(type, arena);
    if (!merging->part || !merge->message)
        return false;
    memcpy(merge->message, merging->versions[NOW], type->sizeof_message);
    ok = merge_field(merging, NULL);
    for (unsigned i = 0; i < type->n_fields && ok; i++)
        ok = merge_field(merging, &type->fields[i]);
    if (!ok || !merging->conflicts.size)
        return ok;
    merge->conflicts = arena_copy_text(arena, buffer_text(&merging->conflicts),
                                       strlen(buffer_text(&merging->conflicts)));
    return merge->conflicts != NULL;
}

int merge_find(const ProtobufCMessage *base, const ProtobufCMessage *now,
               const ProtobufCMessage *theirs, struct arena *arena, struct merge *out,
               struct error *error)
{
    struct merging merging = {.versions = {base, now, theirs}};
    bool ok = merge_all(&merging, arena);

    for (int i = 0; i < VERSIONS; i++)
        buffer_finish(&merging.packed[i]);
    buffer_finish(&merging.conflicts);
    if (!ok)
        return error_memory(error);
    *out = merging.merge;
    return ERROR_NONE;
}
