/* Links between announcements, as the index keeps them. */
#include "node/core/view_index_parts.h"

/* A link that says of another announcement that it is the same. */
static bool target_of_link(struct view_index *index, struct view_feed *from,
                           const Caravan__Related *related, struct view_feed **feed, uint64_t *seq,
                           bool *no_memory)
{
    const Caravan__AnnouncementName *name = related->announcement;
    struct id id;

    if ((related->rel != CARAVAN__RELATED_REL__RELATED_REL_SAME_AS &&
         related->rel != CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF) ||
        !name || !name->seq || name->seq > UINT32_MAX ||
        !span_to_id(span_of(name->feed.data, name->feed.len), &id))
        return false;
    *seq = name->seq;
    *no_memory = !view_index_name_feed(index, from, &id, feed);
    return !*no_memory && *feed;
}

static bool is_among(const struct view_link_target *targets, size_t count, uint64_t key)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i].key == key)
            return true;
    return false;
}

/* Other announcements, each once, at most so many; *no_memory as said. */
static size_t targets_of(struct view_index *index, struct view_feed *from,
                         const Caravan__Announcement *announcement, uint64_t own,
                         struct view_link_target *targets, size_t most, bool *no_memory)
{
    size_t count = 0;

    *no_memory = false;
    for (size_t i = 0; announcement && i < announcement->n_related && count < most; i++) {
        const Caravan__Related *related = announcement->related[i];
        struct view_feed *feed;
        uint64_t seq, key;

        if (!target_of_link(index, from, related, &feed, &seq, no_memory)) {
            if (*no_memory)
                return 0;
            continue;
        }
        key = view_table_key(feed->number, (uint32_t)seq);
        if (key != own && !is_among(targets, count, key))
            targets[count++] = (struct view_link_target){
                key, related->rel == CARAVAN__RELATED_REL__RELATED_REL_MIRROR_OF};
    }
    return count;
}

/* Lists look only at these. Peers choose which seqs they name, so only one that is here has a bit.
 */
static bool mark_linked(struct view_index *index, uint64_t key)
{
    struct view_feed *feed = index->feeds[key >> 32];
    uint32_t seq = (uint32_t)(key & UINT32_MAX);

    return !view_bits_has(&feed->announcements, seq) || view_index_set_bit(&feed->linked, seq);
}

int view_index_link(struct view_index *index, struct view_feed *feed, uint64_t seq, uint64_t by,
                    const Caravan__Announcement *announcement, struct error *error)
{
    struct view_link_target targets[VIEW_LINKS_MAX];
    uint64_t key = view_table_key(feed->number, (uint32_t)seq);
    bool no_memory;
    size_t others = feed->links - view_links_count(&index->links, key);
    size_t room = VIEW_LINKS_FEED_MAX - others;
    size_t count = targets_of(index, feed, announcement, key, targets,
                              room < VIEW_LINKS_MAX ? room : VIEW_LINKS_MAX, &no_memory);
    bool ok = !no_memory && view_links_set(&index->links, key, (uint32_t)by, targets, count);

    feed->links = others + view_links_count(&index->links, key);
    if (!ok)
        return error_memory(error);
    if (count && !mark_linked(index, key))
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        if (!mark_linked(index, targets[i].key))
            return error_memory(error);
    return ERROR_NONE;
}
