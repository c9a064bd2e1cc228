#include "node/core/topics.h"

#include <stdio.h>
#include <string.h>

#include "common/announcement.h"
#include "common/filter.h"
#include "common/guard.h"
#include "common/limits.h"
#include "node/core/view.h"

/* KIND_JOINT_CALL -> "joint-call" */
static bool kind_word(uint32_t kind, char *out, size_t size)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&caravan__kind__descriptor, (int)kind);
    size_t length = 0;

    if (!value || kind == 0)
        return false;
    for (const char *c = value->name + strlen("KIND_"); *c && length + 1 < size; c++)
        out[length++] = *c == '_' ? '-' : (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    out[length] = '\0';
    return true;
}

static bool country_is_plain(const char *country)
{
    return strlen(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' &&
           country[1] <= 'Z';
}

static void visit_countries(const Caravan__Announcement *announcement,
                            void (*visit)(void *context, const char *topic), void *context)
{
    struct filter_facets *facets;
    char topic[LIMIT_TOPIC_SIZE + 1], kind[32];
    const char *country;

    if (filter_facets_create(announcement, &facets, NULL))
        return;
    for (size_t i = 0; (country = filter_facets_country(facets, i)); i++) {
        if (!kind_word(facets->kind, kind, sizeof kind) || !country_is_plain(country))
            continue;
        snprintf(topic, sizeof topic, "kind/%s/%s/", kind, country);
        visit(context, topic);
    }
    filter_facets_destroy(facets);
}

/* The Announcement bytes in an announcement or revision. */
static bool announcement_bytes(const struct entry *entry, struct arena *arena, struct span *out)
{
    ProtobufCMessage *message;
    const Caravan__Revision *revision;

    *out = entry->content;
    if (entry->content_type == CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT)
        return true;
    if (entry->content_type != CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION ||
        guard_unpack(&caravan__revision__descriptor, entry->content, &guard_limits_content, arena,
                     &message, NULL))
        return false;
    revision = (const Caravan__Revision *)message;
    *out = span_of(revision->content.data, revision->content.len);
    return revision->has_content;
}

void topics_each(const struct entry *entry, void (*visit)(void *context, const char *topic),
                 void *context)
{
    char topic[LIMIT_TOPIC_SIZE + 1];
    ProtobufCMessage *message;
    struct arena arena;
    struct span bytes;

    entry_topic_of_feed(&entry->feed, topic);
    visit(context, topic);
    if (!entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION)
        return;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (announcement_bytes(entry, &arena, &bytes) &&
        guard_unpack(&caravan__announcement__descriptor, bytes, &guard_limits_content, &arena,
                     &message, NULL) == ERROR_NONE &&
        announcement_showable((const Caravan__Announcement *)message, NULL) == ERROR_NONE)
        visit_countries((const Caravan__Announcement *)message, visit, context);
    arena_finish(&arena);
}
