#include "node/core/view_read.h"

#include "common/announcement.h"
#include "common/guard.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

bool view_read_knows_type(uint32_t content_type)
{
    return (content_type >= TYPE(CERTIFICATE) && content_type <= TYPE(OUTCOME)) ||
           (content_type >= TYPE(ERASURE) && content_type <= TYPE(READER));
}

static void cannot_show(struct view_state *state, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void cannot_show(struct view_state *state, const char *format, ...)
{
    int used = snprintf(state->problem, sizeof state->problem, "cannot be shown: ");
    va_list args;

    va_start(args, format);
    vsnprintf(state->problem + used, sizeof state->problem - (size_t)used, format, args);
    va_end(args);
}

/* Unpacks what is shown; says in the state why it cannot be. false: it could not. *code:
 * ERROR_MEMORY, which says nothing about the content. */
static bool unpack(struct view_state *state, const ProtobufCMessageDescriptor *type,
                   struct arena *arena, ProtobufCMessage **message, int *code)
{
    struct error error = {0};

    *code = guard_unpack(type, state->content, &guard_limits_content, arena, message, &error);
    if (*code == ERROR_NONE)
        return true;
    cannot_show(state, "%s", error.text);
    if (*code != ERROR_MEMORY)
        *code = ERROR_NONE;
    return false;
}

/* The rules bind when publishing; here it matters only whether it can be shown. */
static int check_announcement(struct view_state *state, struct arena *arena)
{
    struct error error = {0};
    ProtobufCMessage *message;
    int code;

    if (!unpack(state, &caravan__announcement__descriptor, arena, &message, &code))
        return code;
    if (announcement_showable((const Caravan__Announcement *)message, &error))
        cannot_show(state, "%s", error.text);
    else
        state->announcement = (const Caravan__Announcement *)message;
    return code;
}

static int read_revision(struct view_state *state, struct arena *arena)
{
    ProtobufCMessage *message;
    const Caravan__Revision *revision;
    int code;

    if (!unpack(state, &caravan__revision__descriptor, arena, &message, &code))
        return code;
    revision = (const Caravan__Revision *)message;
    state->content = span_of(revision->content.data, revision->content.len);
    if (revision->has_content)
        return check_announcement(state, arena);
    cannot_show(state, "Revision.content: found nothing, expected an announcement");
    return ERROR_NONE;
}

/* Does the change take back something else that its feed has said, or what cannot be read here (any
 * more)? */
static bool takes_back_voice(const struct view_read *read, const ProtobufCMessage *change)
{
    uint64_t target = read->state.content_type == TYPE(REVISION)
                          ? 0
                          : ((const Caravan__Withdrawal *)change)->announcement;
    struct view_read_kind kind = {0};

    return target && view_read_kind(read->store, &read->state.feed, target, &kind, NULL) == 0 &&
           (view_read_is_voice(kind.type) || view_read_is_answer(kind.type) ||
            kind.type == TYPE(SEALED));
}

/* A change that is shown by itself names no announcement of its feed. */
static int read_stray(struct view_read *read, struct arena *arena)
{
    struct view_state *state = &read->state;
    const ProtobufCMessageDescriptor *type = state->content_type == TYPE(REVISION)
                                                 ? &caravan__revision__descriptor
                                                 : &caravan__withdrawal__descriptor;
    ProtobufCMessage *message;
    int code;

    if (!unpack(state, type, arena, &message, &code))
        return code;
    if (!takes_back_voice(read, message))
        cannot_show(state, "announcement: names no announcement of this feed");
    state->has_content = false; /* it is no announcement, and must not be read as one */
    state->content = span_of(NULL, 0);
    return code;
}

/* What the entry at content_seq carries. */
static int read_content(struct view_read *read, const struct store_entry *stored,
                        struct arena *arena)
{
    struct view_state *state = &read->state;
    const struct entry *entry = &stored->entry;
    bool alone = entry->seq == state->seq;

    state->content = entry->content;
    state->has_content = entry->has_content && entry->content_type != TYPE(READER); /* a key */
    state->erased_by = stored->erased;
    if (!state->has_content)
        state->content = span_of(NULL, 0);
    if (!view_read_knows_type(entry->content_type))
        cannot_show(state,
                    "content type %" PRIu32 " is not known to this version; a newer one may show "
                    "it",
                    entry->content_type);
    else if (stored->erased)
        cannot_show(state, "the content was erased by No. %" PRIu64, stored->erased);
    else if (!entry->has_content)
        cannot_show(state, "the content is missing; it is asked of other partners");
    else if (entry->min_reader > VIEW_SCHEMA_VERSION)
        cannot_show(state,
                    "it is written for version %" PRIu32 " of the format, this program reads "
                    "version %d; a newer one can show it",
                    entry->min_reader, VIEW_SCHEMA_VERSION);
    else if (entry->content_type == TYPE(SEALED))
        cannot_show(state, "it is sealed for other institutions");
    else if (entry->content_type == TYPE(ANNOUNCEMENT))
        return check_announcement(state, arena);
    else if (entry->content_type == TYPE(REVISION) && !alone)
        return read_revision(state, arena);
    else if (entry->content_type == TYPE(REVISION) || entry->content_type == TYPE(WITHDRAWAL))
        return read_stray(read, arena);
    return ERROR_NONE;
}

/* --- reading from the store ------------------------------------------------------------------- */

struct reading {
    struct view_read *read;
    struct arena arena;
    struct error *error;
    bool found; /* every entry asked for was there */
    bool stop;
    int code;
};

static int visit_content(void *context, const struct store_entry *entry)
{
    struct reading *reading = context;
    struct view_read *read = reading->read;

    reading->found = true;
    read->state.seal = entry->seal;
    reading->code = read_content(read, entry, &reading->arena);
    if (reading->code)
        error_memory(reading->error);
    else
        reading->stop = read->visit(read->context, &read->state) != 0;
    return 1;
}

static int read_entry(struct reading *reading, uint64_t seq, store_entry_visitor visit)
{
    const struct store *store = reading->read->store;

    reading->found = false;
    return store->operations->entries(store->self, &reading->read->state.feed, seq, seq, visit,
                                      reading, reading->error);
}

static int read_event(struct reading *reading, const struct store_entry *stored)
{
    struct view_state *state = &reading->read->state;
    const struct entry *entry = &stored->entry;
    int code;

    if (!state->content_type)
        state->content_type = entry->content_type;
    state->min_reader = entry->min_reader;
    state->created_ms = entry->created_ms;
    state->received_ms = stored->received_ms;
    state->arrival = stored->arrival;
    state->hash = entry->hash;
    if (!reading->read->aside && entry->seq == reading->read->content_seq) {
        visit_content(reading, stored);
        return reading->code;
    }
    code = read_entry(reading, reading->read->content_seq, visit_content);
    return code ? code : reading->code;
}

static int visit_event(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;

    reading->found = true;
    reading->code = read_event(reading, stored);
    return 1;
}

static int visit_withdrawal(void *context, const struct store_entry *stored)
{
    struct reading *reading = context;
    ProtobufCMessage *message;
    int code;

    reading->found = true;
    if (!stored->entry.has_content)
        return 1;
    code = guard_unpack(&caravan__withdrawal__descriptor, stored->entry.content,
                        &guard_limits_content, &reading->arena, &message, NULL);
    if (code == ERROR_NONE)
        reading->read->state.withdrawal = (const Caravan__Withdrawal *)message;
    else if (code == ERROR_MEMORY)
        reading->code = error_memory(reading->error);
    return 1;
}

int view_read(struct view_read *read, const struct store_entry *event, bool *stop,
              struct error *error)
{
    struct reading reading = {.read = read, .error = error, .found = true};
    int code = ERROR_NONE;

    arena_init(&reading.arena, LIMIT_ARENA_SIZE);
    if (event && !read->aside && event->entry.seq == read->state.withdrawn_by)
        visit_withdrawal(&reading, event);
    else if (read->state.withdrawn_by)
        code = read_entry(&reading, read->state.withdrawn_by, visit_withdrawal);
    if (!code && !reading.code && reading.found)
        code = event ? read_event(&reading, event)
                     : read_entry(&reading, read->state.event_seq, visit_event);
    if (!code)
        code = reading.code;
    if (!code && !reading.found)
        code = error_set(error, ERROR_INTERNAL, "%s: an entry of the ledger cannot be found",
                         read->state.name);
    *stop = *stop || reading.stop;
    arena_finish(&reading.arena);
    return code;
}

/* --- what the index keeps --------------------------------------------------------------------- */

int view_read_message(const ProtobufCMessageDescriptor *type, struct span content,
                      struct arena *arena, const ProtobufCMessage **message, struct error *error)
{
    ProtobufCMessage *unpacked = NULL;
    int code = guard_unpack(type, content, &guard_limits_content, arena, &unpacked, NULL);

    *message = code ? NULL : unpacked;
    return code == ERROR_MEMORY ? error_memory(error) : ERROR_NONE;
}

int view_read_keys(struct span content, struct arena *arena, struct view_read_keys *out,
                   struct error *error)
{
    const Caravan__Announcement *announcement;
    const ProtobufCMessage *message;
    int code =
        view_read_message(&caravan__announcement__descriptor, content, arena, &message, error);

    *out = (struct view_read_keys){.window = {INT64_MIN, INT64_MIN, false}};
    if (code || !message)
        return code;
    announcement = (const Caravan__Announcement *)message;
    out->window = announcement_window(announcement);
    if (!eligible_rules(announcement, &out->rules))
        return error_memory(error);
    return filter_facets_create(announcement, &out->facets, error);
}

void view_read_keys_finish(struct view_read_keys *keys)
{
    filter_facets_destroy(keys->facets);
    buffer_finish(&keys->rules);
}

bool view_read_keys_match(const struct view_read_keys *keys, const Caravan__Filter *filter)
{
    return filter_matches(filter, keys->facets) &&
           (!keys->facets || filter_matches_rules(filter, buffer_span(&keys->rules)));
}

int view_read_names(struct span content, const struct id *feed, struct arena *arena, bool *names,
                    struct error *error)
{
    const ProtobufCMessage *message = NULL;
    const Caravan__Announcement *announcement;
    struct id party;
    int code;

    *names = false;
    /* Whatever names it has these bytes in it: of a million announcements hardly any. */
    if (!content.size || !memmem(content.data, content.size, feed->bytes, sizeof feed->bytes))
        return ERROR_NONE;
    code = view_read_message(&caravan__announcement__descriptor, content, arena, &message, error);
    announcement = (const Caravan__Announcement *)message;
    for (size_t i = 0; !code && announcement && i < announcement->n_parties && !*names; i++) {
        const ProtobufCBinaryData *node = &announcement->parties[i]->node_id;

        *names = span_to_id(span_of(node->data, node->len), &party) && id_equal(&party, feed);
    }
    return code;
}

int view_read_related(struct span content, struct arena *arena,
                      const Caravan__Announcement **announcement, struct error *error)
{
    /* Field 24, with a length. In a text these bytes never stand behind each other. */
    static const uint8_t tag[] = {0xc2, 0x01};
    const ProtobufCMessage *message = NULL;
    int code = ERROR_NONE;

    if (content.size && memmem(content.data, content.size, tag, sizeof tag))
        code =
            view_read_message(&caravan__announcement__descriptor, content, arena, &message, error);
    *announcement = (const Caravan__Announcement *)message;
    if (message && !(*announcement)->n_related)
        *announcement = NULL;
    return code;
}

int view_read_change(const struct entry *entry, struct arena *arena, struct view_read_change *out,
                     struct error *error)
{
    bool revises = entry->content_type == TYPE(REVISION);
    const ProtobufCMessage *message;
    int code = view_read_message(revises ? &caravan__revision__descriptor
                                         : &caravan__withdrawal__descriptor,
                                 entry->content, arena, &message, error);

    *out = (struct view_read_change){0};
    if (code || !message)
        return code;
    if (revises) {
        const Caravan__Revision *revision = (const Caravan__Revision *)message;

        out->target = revision->announcement;
        out->has_content = revision->has_content;
        out->content = span_of(revision->content.data, revision->content.len);
    } else {
        out->target = ((const Caravan__Withdrawal *)message)->announcement;
    }
    if (out->target >= entry->seq)
        out->target = 0;
    return ERROR_NONE;
}

/* Every voice names what it is about in the same field. */
struct voice_type {
    const ProtobufCMessageDescriptor *message;
    size_t announcement; /* offset of its AnnouncementName */
};

static const struct voice_type *voice_type_of(uint32_t content_type)
{
    static const struct voice_type types[] = {
        [TYPE(CONFIRMATION)] = {&caravan__confirmation__descriptor,
                                offsetof(Caravan__Confirmation, announcement)},
        [TYPE(PROPOSAL)] = {&caravan__proposal__descriptor,
                            offsetof(Caravan__Proposal, announcement)},
        [TYPE(OUTCOME)] = {&caravan__outcome__descriptor, offsetof(Caravan__Outcome, announcement)},
        [TYPE(INTEREST)] = {&caravan__interest__descriptor,
                            offsetof(Caravan__Interest, announcement)},
    };

    return content_type < sizeof types / sizeof types[0] && types[content_type].message
               ? &types[content_type]
               : NULL;
}

bool view_read_is_voice(uint32_t content_type)
{
    return voice_type_of(content_type) && !view_read_is_answer(content_type);
}

bool view_read_is_answer(uint32_t content_type)
{
    return content_type == TYPE(INTEREST);
}

int view_read_voice(const struct entry *entry, struct arena *arena, struct view_read_voice *out,
                    struct error *error)
{
    const struct voice_type *type = voice_type_of(entry->content_type);
    const Caravan__AnnouncementName *name;
    int code;

    *out = (struct view_read_voice){.message = NULL};
    if (!type || !entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return ERROR_NONE;
    code = view_read_message(type->message, entry->content, arena, &out->message, error);
    if (code || !out->message)
        return code;
    memcpy(&name, (const char *)out->message + type->announcement, sizeof name);
    if (name && span_to_id(span_of(name->feed.data, name->feed.len), &out->feed) &&
        name->seq <= UINT32_MAX)
        out->seq = name->seq;
    return ERROR_NONE;
}

struct looking {
    struct view_read_kind *out;
    struct error *error;
    int code;
};

static int visit_kind(void *context, const struct store_entry *stored)
{
    struct looking *looking = context;
    const struct entry *entry = &stored->entry;
    struct view_read_change change;
    struct arena arena;

    looking->out->found = true;
    looking->out->type = entry->content_type;
    if ((entry->content_type != TYPE(REVISION) && entry->content_type != TYPE(WITHDRAWAL)) ||
        !entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return 1;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    looking->code = view_read_change(entry, &arena, &change, looking->error);
    looking->out->target = change.target;
    arena_finish(&arena);
    return 1;
}

int view_read_kind(const struct store *store, const struct id *feed, uint64_t seq,
                   struct view_read_kind *out, struct error *error)
{
    struct looking looking = {out, error, ERROR_NONE};
    int code;

    *out = (struct view_read_kind){0};
    code = store->operations->entries(store->self, feed, seq, seq, visit_kind, &looking, error);
    return code ? code : looking.code;
}
