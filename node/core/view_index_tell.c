/* What entries tell of feeds and announcements. */
#include "node/core/view_index_parts.h"

#include "common/card.h"
#include "node/core/opened.h"
#include "node/core/view_read.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* What the inbox is to look at. */
static int note_waiting(struct view_reading *reading, enum view_waiting_source source,
                        const struct view_feed *feed, uint64_t seq)
{
    return view_waiting_add(&reading->index->waiting, source,
                            view_table_key(feed->number, (uint32_t)seq))
               ? ERROR_NONE
               : error_memory(reading->error);
}

static bool is_own(const struct view_index *index, const struct view_feed *feed)
{
    return !index->own_only && id_equal(&feed->id, &index->own);
}

/* Others may have said something of an announcement of ours. */
static int note_spoken(struct view_reading *reading, const struct view_feed *feed, uint64_t seq)
{
    struct view_index *index = reading->index;

    return is_own(index, feed) &&
                   view_voices_first(&index->voices, view_table_key(feed->number, (uint32_t)seq))
               ? note_waiting(reading, VIEW_WAITING_SPOKEN, feed, seq)
               : ERROR_NONE;
}

int view_index_note_own(struct view_reading *reading, const struct view_feed *feed, uint64_t seq)
{
    if (is_own(reading->index, feed))
        view_waiting_touch_answers(&reading->index->waiting, (uint32_t)seq);
    return note_spoken(reading, feed, seq);
}

static int tell_profile(struct view_feed *feed, const struct entry *entry,
                        struct view_reading *reading)
{
    const Caravan__Profile *profile;
    int code = view_read_message(&caravan__profile__descriptor, entry->content, &reading->arena,
                                 (const ProtobufCMessage **)&profile, reading->error);

    if (code || !profile || entry->seq < feed->profile_seq || !profile->handle ||
        !card_handle_is_valid(profile->handle))
        return code;
    feed->profile_seq = entry->seq;
    memcpy(feed->handle, profile->handle, strlen(profile->handle) + 1);
    eligible_institution_init(&feed->institution, profile->country, profile->organisation_type,
                              profile->n_organisation_type);
    view_links_renamed(&reading->index->links);
    return reading->index->own_only || id_equal(&feed->id, &reading->index->own)
               ? ERROR_NONE
               : note_waiting(reading, VIEW_WAITING_PARTNER, feed, 1);
}

/* The numbers of what a content is filtered by, and its dates. */
int view_index_keys(struct view_reading *reading, struct span content, uint32_t *numbers,
                    struct view_dates *dates)
{
    struct view_index *index = reading->index;
    struct view_read_keys keys;
    uint32_t facets = VIEW_NONE, rules = VIEW_NONE;
    int code = view_read_keys(content, &reading->arena, &keys, reading->error);

    if (!code && keys.facets)
        code =
            view_blocks_add(&index->facets, span_of(keys.facets, filter_facets_size(keys.facets)),
                            &facets, reading->error);
    if (!code && keys.facets)
        code = view_blocks_add(&index->rules, buffer_span(&keys.rules), &rules, reading->error);
    *numbers = view_keys(facets, rules);
    *dates = view_dates_pack(&keys.window);
    view_read_keys_finish(&keys);
    return code;
}

/* Does it ask our side to confirm? */
int view_index_note_naming(struct view_reading *reading, const struct view_feed *feed,
                           struct span content, uint64_t announcement)
{
    struct view_index *index = reading->index;
    bool names = false;
    int code = index->own_only || id_equal(&feed->id, &index->own)
                   ? ERROR_NONE
                   : view_read_names(content, &index->own, &reading->arena, &names, reading->error);

    return code || !names ? code : note_waiting(reading, VIEW_WAITING_NAMING, feed, announcement);
}

/* Entry `by` says what the announcement links, unless a newer one is in force. */
int view_index_note_links(struct view_reading *reading, struct view_feed *feed, struct span content,
                          uint64_t announcement, uint64_t by)
{
    struct view_index *index = reading->index;
    const struct view_folded *folded = view_index_folded(index, feed, announcement);
    const Caravan__Announcement *said = NULL;
    int code;

    if (index->own_only || (folded && folded->revised_by && folded->revised_by != by))
        return ERROR_NONE;
    code = view_read_related(content, &reading->arena, &said, reading->error);
    return code ? code : view_index_link(index, feed, announcement, by, said, reading->error);
}

/* What we have proposed: the inbox looks again at the announcement that it is for. */
static int touch_announcement(void *context, const struct store_entry *stored)
{
    struct view_reading *reading = context;
    struct view_index *index = reading->index;
    struct view_read_voice voice = {.seq = 0};
    struct arena arena;
    uint64_t key;

    if (stored->entry.content_type != TYPE(PROPOSAL) || !stored->entry.has_content)
        return 1;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    reading->code = view_read_voice(&stored->entry, &arena, &voice, reading->error);
    key = reading->code ? 0 : view_index_key(index, &voice.feed, voice.seq);
    if (key)
        view_waiting_touch(&index->waiting, key);
    arena_finish(&arena);
    return 1;
}

/* Somebody speaks of an entry of ours that is no announcement, or we withdraw one: it may be a
 * proposal. */
static int touch_proposed(struct view_reading *reading, uint64_t seq)
{
    const struct store *store = &reading->index->store;
    int code = store->operations->entries(store->self, &reading->index->own, seq, seq,
                                          touch_announcement, reading, reading->error);

    return code ? code : reading->code;
}

static int tell_change(struct view_feed *feed, const struct entry *entry,
                       struct view_reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_change change;
    struct view_dates dates = {0, 0};
    uint32_t keys = view_keys(VIEW_NONE, VIEW_NONE);
    int code = view_read_change(entry, &reading->arena, &change, reading->error);

    if (code || !change.target)
        return code;
    if (change.has_content && !index->own_only)
        code = view_index_keys(reading, change.content, &keys, &dates);
    if (!code && change.has_content)
        code = view_index_note_naming(reading, feed, change.content, change.target);
    if (code)
        return code;
    if (!view_index_set_bit(&feed->changed, (uint32_t)change.target) ||
        !view_fold_add(&index->fold, feed->number, (uint32_t)change.target, (uint32_t)entry->seq,
                       entry->content_type == TYPE(WITHDRAWAL), keys, dates))
        return error_memory(reading->error);
    view_links_touch(&index->links, view_table_key(feed->number, (uint32_t)change.target));
    view_waiting_touch(&index->waiting, view_table_key(feed->number, (uint32_t)change.target));
    code = view_index_note_own(reading, feed, change.target);
    if (!code && entry->content_type == TYPE(WITHDRAWAL) && is_own(index, feed))
        code = touch_proposed(reading, change.target);
    if (code)
        return code;
    return entry->content_type == TYPE(REVISION)
               ? view_index_note_links(reading, feed, change.content, change.target, entry->seq)
               : ERROR_NONE;
}

static int tell_voice(struct view_feed *feed, const struct entry *entry,
                      struct view_reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_voice voice;
    struct view_feed *about;
    uint64_t key;
    int code = view_read_voice(entry, &reading->arena, &voice, reading->error);

    if (code || !voice.seq || index->own_only)
        return code;
    if (!view_index_name_feed(index, feed, &voice.feed, &about))
        return error_memory(reading->error);
    if (!about)
        return ERROR_NONE;
    key = view_table_key(about->number, (uint32_t)voice.seq);
    if (!view_voices_add(&index->voices, key, feed->number, (uint32_t)entry->seq,
                         entry->content_type))
        return error_memory(reading->error);
    view_waiting_touch(&index->waiting, key);
    /* Peers choose which seqs they name: what is no announcement of ours waits for being one. */
    if (view_bits_has(&about->announcements, (uint32_t)voice.seq) ||
        view_index_folded(index, about, voice.seq))
        return note_spoken(reading, about, voice.seq); /* answers do not depend on it */
    return entry->content_type == TYPE(CONFIRMATION) && id_equal(&about->id, &index->own)
               ? touch_proposed(reading, voice.seq)
               : ERROR_NONE;
}

/* Our own answers: whether the newest was taken back. */
static int tell_own_answer(struct view_feed *feed, const struct entry *entry,
                           const struct view_read_voice *voice, struct view_reading *reading)
{
    struct view_feed *about = view_index_take_feed(reading->index, &voice->feed);

    return about && view_voices_add(&reading->index->voices,
                                    view_table_key(about->number, (uint32_t)voice->seq),
                                    feed->number, (uint32_t)entry->seq, TYPE(INTEREST))
               ? ERROR_NONE
               : error_memory(reading->error);
}

/* An answer is sealed for the institution whose announcement it names; others do not count. */
static int tell_answer(struct view_feed *feed, const struct store_entry *stored,
                       struct view_reading *reading)
{
    struct view_index *index = reading->index;
    struct view_read_voice voice;
    int code = view_read_voice(&stored->entry, &reading->arena, &voice, reading->error);

    if (code || !voice.seq || !stored->seal || index->own_only)
        return code;
    if (feed == view_index_feed(index, &index->own))
        return tell_own_answer(feed, &stored->entry, &voice, reading);
    if (!id_equal(&voice.feed, &index->own))
        return ERROR_NONE;
    return view_waiting_add_answer(&index->waiting,
                                   view_table_key(feed->number, (uint32_t)stored->entry.seq),
                                   (uint32_t)stored->arrival, (uint32_t)voice.seq)
               ? ERROR_NONE
               : error_memory(reading->error);
}

bool view_index_note_known(struct view_feed *feed, const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;

    if (stored->erased || entry->seq > UINT32_MAX ||
        (!stored->seal && entry_content_is_permanent(entry->content_type)))
        return true;
    return view_index_set_bit(&feed->known, (uint32_t)entry->seq);
}

/* Of what is not a Reader. */
static int tell_one(struct view_reading *reading, struct view_feed *feed,
                    const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;

    if (entry->content_type == TYPE(PROFILE))
        return tell_profile(feed, entry, reading);
    if (view_read_is_voice(entry->content_type))
        return tell_voice(feed, entry, reading);
    if (view_read_is_answer(entry->content_type))
        return tell_answer(feed, stored, reading);
    if (entry->content_type == TYPE(REVISION) || entry->content_type == TYPE(WITHDRAWAL))
        return tell_change(feed, entry, reading);
    return ERROR_NONE;
}

/* Lets an earlier entry of its feed be read, which may be a Reader, too. */
static int tell_reader(struct view_reading *reading, struct view_feed *feed,
                       const struct store_entry *stored)
{
    struct view_voices *voices = &reading->index->voices;
    uint64_t target = opened_target(stored);
    uint64_t key = view_table_key(feed->number, (uint32_t)target);

    if (!target)
        return ERROR_NONE;
    /* Once: what another Reader has let us read was told then, or will come. */
    if (!view_voices_find(voices, key, feed->number, TYPE(READER)))
        reading->next = target;
    /* The newest Reader says who all may read. */
    return view_voices_add(voices, key, feed->number, (uint32_t)stored->entry.seq, TYPE(READER))
               ? ERROR_NONE
               : error_memory(reading->error);
}

static void tell_entry(struct view_reading *reading, const struct store_entry *stored)
{
    const struct entry *entry = &stored->entry;
    struct view_feed *feed;

    reading->next = 0;
    if (!entry->has_content || entry->min_reader > VIEW_SCHEMA_VERSION ||
        (reading->index->own_only && !id_equal(&entry->feed, &reading->index->own)))
        return;
    feed = view_index_take_feed(reading->index, &entry->feed);
    if (!feed || !view_index_note_known(feed, stored)) {
        reading->code = error_memory(reading->error);
        return;
    }
    feed->seen = true;
    arena_init(&reading->arena, LIMIT_ARENA_SIZE);
    reading->code = entry->content_type == TYPE(READER) ? tell_reader(reading, feed, stored)
                                                        : tell_one(reading, feed, stored);
    arena_finish(&reading->arena);
}

/* An earlier entry, which could not be read when it came. */
static int tell_again(void *context, const struct store_entry *stored)
{
    struct view_reading *reading = context;
    struct view_record *record = view_index_record(reading->index, stored->arrival);

    tell_entry(reading, stored);
    if (!reading->code && record)
        reading->code = view_index_fill(
            reading, view_index_feed(reading->index, &stored->entry.feed), stored, record);
    return 1;
}

void view_index_tell(struct view_reading *reading, const struct store_entry *stored)
{
    const struct store *store = &reading->index->store;
    const struct id feed = stored->entry.feed; /* a Reader names earlier ones only: this ends */

    tell_entry(reading, stored);
    while (reading->next && !reading->code) {
        uint64_t seq = reading->next;
        int code;

        reading->next = 0;
        code = store->operations->entries(store->self, &feed, seq, seq, tell_again, reading,
                                          reading->error);
        reading->code = reading->code ? reading->code : code;
    }
}

void view_index_heed(struct view_reading *reading, const struct store_entry *stored)
{
    struct view_feed *feed = view_index_feed(reading->index, &stored->entry.feed);
    struct erasure_list list = {0};

    if (!feed || feed->again)
        return;
    reading->code = erasure_list_read(&list, &stored->entry, 1, reading->error);
    for (size_t i = 0; i < list.count && !feed->again; i++)
        feed->again = list.orders[i].seq <= UINT32_MAX &&
                      view_bits_has(&feed->known, (uint32_t)list.orders[i].seq);
    reading->index->again |= feed->again;
    erasure_list_finish(&list);
}
