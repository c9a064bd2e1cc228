#include "node/core/view_waiting.h"

#include <stdlib.h>
#include <string.h>

/* In a table of places: there is such a subject, and it is not kept. */
#define NOT_KEPT UINT32_MAX

void view_waiting_finish(struct view_waiting *waiting)
{
    for (size_t i = 0; i < VIEW_WAITING_SOURCES; i++)
        view_table_finish(&waiting->places[i]);
    for (uint32_t i = 0; i < waiting->feed_count; i++)
        free(waiting->feeds[i].heap);
    for (uint32_t i = 0; i < waiting->drawer_count; i++)
        free(waiting->drawers[i].places);
    view_table_finish(&waiting->about);
    view_table_finish(&waiting->feed_of);
    view_table_finish(&waiting->brought);
    free(waiting->subjects);
    free(waiting->things);
    free(waiting->feeds);
    free(waiting->drawers);
    *waiting = (struct view_waiting){.count = 0};
}

/* Room for one more of so many bytes each. */
static bool make_room(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t more = *capacity ? *capacity * 2 : 16;
    void *grown;

    if (count < *capacity)
        return true;
    if (more < *capacity || more == NOT_KEPT)
        return false;
    grown = realloc(*items, more * size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = more;
    return true;
}

static struct view_subject *subject_at(const struct view_waiting *waiting, uint32_t place)
{
    return &waiting->subjects[place - 1];
}

static struct view_thing *thing_at(const struct view_waiting *waiting, uint32_t place)
{
    return &waiting->things[place - 1];
}

static uint64_t entry_of(const struct view_thing *thing)
{
    return view_table_key(thing->feed, thing->seq);
}

/* --- things, in order of arrival -------------------------------------------------------------- */

static uint64_t rank_of(const struct view_thing *thing)
{
    return (uint64_t)thing->arrival << 8 | (uint8_t)(UINT8_MAX - thing->kind);
}

static uint32_t drawer_of(uint64_t arrival)
{
    return (uint32_t)(arrival / VIEW_DRAWER);
}

/* How many in the drawer stand before such a rank. */
static uint32_t count_before(const struct view_waiting *waiting, const struct view_drawer *drawer,
                             uint64_t rank)
{
    uint32_t first = 0, last = drawer->count;

    while (first < last) {
        uint32_t middle = first + (last - first) / 2;

        if (rank_of(thing_at(waiting, drawer->places[middle])) < rank)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

static bool make_drawer(struct view_waiting *waiting, uint32_t drawer)
{
    uint32_t count = drawer + 1 + waiting->drawer_count / 2;
    struct view_drawer *drawers;
    void *places;

    if (drawer >= waiting->drawer_count) {
        drawers = realloc(waiting->drawers, count * sizeof *drawers);
        if (!drawers)
            return false;
        memset(drawers + waiting->drawer_count, 0,
               (count - waiting->drawer_count) * sizeof *drawers);
        waiting->drawers = drawers;
        waiting->drawer_count = count;
    }
    places = waiting->drawers[drawer].places;
    if (!make_room(&places, waiting->drawers[drawer].count, &waiting->drawers[drawer].capacity,
                   sizeof(uint32_t)))
        return false;
    waiting->drawers[drawer].places = places;
    return true;
}

static void put_in_drawer(struct view_waiting *waiting, uint32_t place)
{
    const struct view_thing *thing = thing_at(waiting, place);
    struct view_drawer *drawer = &waiting->drawers[drawer_of(thing->arrival)];
    uint32_t at = count_before(waiting, drawer, rank_of(thing));

    memmove(drawer->places + at + 1, drawer->places + at,
            (drawer->count - at) * sizeof *drawer->places);
    drawer->places[at] = place;
    drawer->count++;
    drawer->unread += !thing->read;
}

static void take_from_drawer(struct view_waiting *waiting, uint32_t place)
{
    const struct view_thing *thing = thing_at(waiting, place);
    struct view_drawer *drawer = &waiting->drawers[drawer_of(thing->arrival)];
    uint32_t at = count_before(waiting, drawer, rank_of(thing));

    while (drawer->places[at] != place)
        at++;
    drawer->count--;
    memmove(drawer->places + at, drawer->places + at + 1,
            (drawer->count - at) * sizeof *drawer->places);
    drawer->unread -= !thing->read;
}

struct view_waiting_at view_waiting_start(const struct view_waiting *waiting, uint64_t before)
{
    uint32_t drawer = before ? drawer_of(before < UINT32_MAX ? before : UINT32_MAX) : UINT32_MAX;

    if (drawer < waiting->drawer_count)
        return (struct view_waiting_at){
            drawer, count_before(waiting, &waiting->drawers[drawer], before << 8)};
    drawer = waiting->drawer_count ? waiting->drawer_count - 1 : 0;
    return (struct view_waiting_at){drawer,
                                    waiting->drawer_count ? waiting->drawers[drawer].count : 0};
}

const struct view_thing *view_waiting_step(const struct view_waiting *waiting,
                                           struct view_waiting_at *at, bool unread)
{
    for (;;) {
        while (at->rest) {
            const struct view_thing *thing =
                thing_at(waiting, waiting->drawers[at->drawer].places[--at->rest]);

            if (!unread || !thing->read)
                return thing;
        }
        if (!at->drawer)
            return NULL;
        at->drawer--;
        if (!unread || waiting->drawers[at->drawer].unread)
            at->rest = waiting->drawers[at->drawer].count;
    }
}

/* --- things of a subject ---------------------------------------------------------------------- */

const struct view_thing *view_waiting_find(const struct view_waiting *waiting, uint64_t entry)
{
    uint32_t place = view_table_get(&waiting->brought, entry);

    return place ? thing_at(waiting, place) : NULL;
}

static uint32_t take_thing(struct view_waiting *waiting)
{
    uint32_t place = waiting->free_thing;
    void *things = waiting->things;

    if (place) {
        waiting->free_thing = thing_at(waiting, place)->next;
        return place;
    }
    if (!make_room(&things, waiting->thing_count, &waiting->thing_capacity,
                   sizeof *waiting->things))
        return 0;
    waiting->things = things;
    return ++waiting->thing_count;
}

static void free_thing(struct view_waiting *waiting, uint32_t place)
{
    thing_at(waiting, place)->next = waiting->free_thing;
    waiting->free_thing = place;
}

static bool put_thing(struct view_waiting *waiting, uint32_t subject,
                      const struct view_thing *thing)
{
    uint32_t beside = view_table_get(&waiting->brought, entry_of(thing));
    uint32_t place;

    if (!make_drawer(waiting, drawer_of(thing->arrival)))
        return false;
    place = take_thing(waiting);
    if (!place)
        return false;
    if (!view_table_put(&waiting->brought, entry_of(thing), place)) {
        free_thing(waiting, place);
        return false;
    }
    *thing_at(waiting, place) = *thing;
    thing_at(waiting, place)->subject = subject;
    thing_at(waiting, place)->next = subject_at(waiting, subject)->things;
    thing_at(waiting, place)->beside = beside;
    subject_at(waiting, subject)->things = place;
    put_in_drawer(waiting, place);
    waiting->count++;
    waiting->unread += !thing->read;
    waiting->to_do += thing->to_do;
    return true;
}

/* Takes it out of the list of what its entry has brought. */
static void leave_entry(struct view_waiting *waiting, uint32_t place)
{
    const struct view_thing *thing = thing_at(waiting, place);
    uint32_t at = view_table_get(&waiting->brought, entry_of(thing));

    if (at == place) {
        view_table_put(&waiting->brought, entry_of(thing), thing->beside); /* replacing */
        return;
    }
    while (thing_at(waiting, at)->beside != place)
        at = thing_at(waiting, at)->beside;
    thing_at(waiting, at)->beside = thing->beside;
}

static void drop_things(struct view_waiting *waiting, struct view_subject *subject)
{
    while (subject->things) {
        uint32_t place = subject->things;
        const struct view_thing *thing = thing_at(waiting, place);

        subject->things = thing->next;
        leave_entry(waiting, place);
        take_from_drawer(waiting, place);
        waiting->count--;
        waiting->unread -= !thing->read;
        waiting->to_do -= thing->to_do;
        free_thing(waiting, place);
    }
}

const struct view_thing *view_waiting_known(const struct view_waiting *waiting, uint32_t subject,
                                            uint32_t feed, uint32_t seq)
{
    uint32_t place = subject_at(waiting, subject)->things;

    for (; place; place = thing_at(waiting, place)->next)
        if (thing_at(waiting, place)->feed == feed && thing_at(waiting, place)->seq == seq)
            return thing_at(waiting, place);
    return NULL;
}

static bool is_same(const struct view_thing *left, const struct view_thing *right)
{
    return left->arrival == right->arrival && left->feed == right->feed &&
           left->seq == right->seq && left->kind == right->kind &&
           left->withdrawn == right->withdrawn && left->to_do == right->to_do &&
           left->read == right->read;
}

/* The last one was put in front. */
static bool has_exactly(const struct view_waiting *waiting, const struct view_subject *subject,
                        const struct view_thing *things, size_t count)
{
    uint32_t place = subject->things;

    for (size_t i = count; i-- > 0; place = thing_at(waiting, place)->next)
        if (!place || !is_same(thing_at(waiting, place), &things[i]))
            return false;
    return place == 0;
}

/* --- the queue -------------------------------------------------------------------------------- */

static void queue(struct view_waiting *waiting, uint32_t place)
{
    struct view_subject *subject = subject_at(waiting, place);

    if (subject->queued)
        return;
    subject->queued = true;
    subject->next_queued = 0;
    if (waiting->last_queued)
        subject_at(waiting, waiting->last_queued)->next_queued = place;
    else
        waiting->queued = place;
    waiting->last_queued = place;
}

static void take_first(struct view_waiting *waiting)
{
    struct view_subject *subject = subject_at(waiting, waiting->queued);

    waiting->queued = subject->next_queued;
    if (!waiting->queued)
        waiting->last_queued = 0;
    subject->next_queued = 0;
    subject->queued = false;
}

uint32_t view_waiting_next(const struct view_waiting *waiting)
{
    return waiting->queued;
}

const struct view_subject *view_waiting_subject(const struct view_waiting *waiting, uint32_t place)
{
    return subject_at(waiting, place);
}

bool view_waiting_set(struct view_waiting *waiting, uint32_t subject,
                      const struct view_thing *things, size_t count)
{
    bool same = has_exactly(waiting, subject_at(waiting, subject), things, count);

    if (!same)
        drop_things(waiting, subject_at(waiting, subject));
    for (size_t i = 0; i < count && !same; i++)
        if (!put_thing(waiting, subject, &things[i]))
            return false;
    if (waiting->queued == subject)
        take_first(waiting);
    return true;
}

/* --- answers to one announcement -------------------------------------------------------------- */

static bool join_about(struct view_waiting *waiting, uint32_t place, uint32_t about)
{
    struct view_subject *subject = subject_at(waiting, place);
    uint32_t first = view_table_get(&waiting->about, about);

    if (!view_table_put(&waiting->about, about, place))
        return false;
    subject->about = about;
    subject->last_about = 0;
    subject->next_about = first;
    if (first)
        subject_at(waiting, first)->last_about = place;
    return true;
}

static void leave_about(struct view_waiting *waiting, const struct view_subject *subject)
{
    if (!subject->about)
        return;
    if (subject->last_about)
        subject_at(waiting, subject->last_about)->next_about = subject->next_about;
    else
        view_table_put(&waiting->about, subject->about, subject->next_about); /* replacing */
    if (subject->next_about)
        subject_at(waiting, subject->next_about)->last_about = subject->last_about;
}

void view_waiting_touch_answers(struct view_waiting *waiting, uint32_t seq)
{
    uint32_t place = view_table_get(&waiting->about, seq);

    for (; place; place = subject_at(waiting, place)->next_about)
        if (!subject_at(waiting, place)->things) /* an answer stays one */
            queue(waiting, place);
}

/* --- subjects of an institution --------------------------------------------------------------- */

static struct view_waiting_feed *take_feed(struct view_waiting *waiting, uint32_t feed,
                                           enum view_waiting_source source)
{
    uint64_t key = view_table_key(feed, (uint32_t)source + 1);
    uint32_t place = view_table_get(&waiting->feed_of, key);
    void *feeds = waiting->feeds;

    if (place)
        return &waiting->feeds[place - 1];
    if (!make_room(&feeds, waiting->feed_count, &waiting->feed_capacity, sizeof *waiting->feeds))
        return NULL;
    waiting->feeds = feeds;
    if (!view_table_put(&waiting->feed_of, key, waiting->feed_count + 1))
        return NULL;
    waiting->feeds[waiting->feed_count] =
        (struct view_waiting_feed){.feed = feed, .source = (uint8_t)source};
    return &waiting->feeds[waiting->feed_count++];
}

static uint64_t key_in(const struct view_waiting *waiting, const struct view_waiting_feed *feed,
                       uint32_t at)
{
    return subject_at(waiting, feed->heap[at])->key;
}

static void swap(struct view_waiting_feed *feed, uint32_t a, uint32_t b)
{
    uint32_t place = feed->heap[a];

    feed->heap[a] = feed->heap[b];
    feed->heap[b] = place;
}

static void rise(const struct view_waiting *waiting, struct view_waiting_feed *feed, uint32_t at)
{
    while (at && key_in(waiting, feed, at) < key_in(waiting, feed, (at - 1) / 2)) {
        swap(feed, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

/* The first one has another key now. */
static void sink(const struct view_waiting *waiting, struct view_waiting_feed *feed)
{
    for (uint32_t at = 0, child; (child = 2 * at + 1) < feed->count; at = child) {
        if (child + 1 < feed->count &&
            key_in(waiting, feed, child + 1) < key_in(waiting, feed, child))
            child++;
        if (key_in(waiting, feed, at) <= key_in(waiting, feed, child))
            break;
        swap(feed, at, child);
    }
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool reserve_subject(struct view_waiting *waiting, struct view_waiting_feed *feed)
{
    void *subjects = waiting->subjects, *heap = feed->heap;
    bool ok =
        waiting->free_subject || make_room(&subjects, waiting->subject_count,
                                           &waiting->subject_capacity, sizeof *waiting->subjects);

    waiting->subjects = subjects;
    if (ok)
        ok = make_room(&heap, feed->count, &feed->capacity, sizeof *feed->heap);
    feed->heap = heap;
    return ok;
}

/* The place that the next subject will have. */
static uint32_t next_place(const struct view_waiting *waiting)
{
    return waiting->free_subject ? waiting->free_subject : waiting->subject_count + 1;
}

static void take_place(struct view_waiting *waiting, uint32_t place)
{
    if (waiting->free_subject)
        waiting->free_subject = subject_at(waiting, place)->next_queued;
    else
        waiting->subject_count++;
    *subject_at(waiting, place) = (struct view_subject){.queued = false};
}

/* *place: where the subject is kept; 0: it is not. */
static bool add_new(struct view_waiting *waiting, enum view_waiting_source source, uint64_t key,
                    uint32_t *place)
{
    struct view_waiting_feed *feed = take_feed(waiting, (uint32_t)(key >> 32), source);
    bool full = feed && feed->count >= VIEW_WAITING_MAX && source != VIEW_WAITING_SPOKEN;

    *place = 0;
    if (!feed || (!full && !reserve_subject(waiting, feed)))
        return false;
    if (!full)
        *place = next_place(waiting);
    else if (key > key_in(waiting, feed, 0))
        *place = feed->heap[0];
    if (!view_table_put(&waiting->places[source], key, *place ? *place : NOT_KEPT))
        return false;
    feed->noted++;
    if (!*place)
        return true;
    if (full) {
        drop_things(waiting, subject_at(waiting, *place));
        leave_about(waiting, subject_at(waiting, *place));
        subject_at(waiting, *place)->about = 0;
    } else {
        take_place(waiting, *place);
        feed->heap[feed->count++] = *place;
    }
    subject_at(waiting, *place)->key = key;
    subject_at(waiting, *place)->source = (uint8_t)source;
    if (full)
        sink(waiting, feed);
    else
        rise(waiting, feed, feed->count - 1);
    return true;
}

/* The place of a subject that is kept; 0: it is not. */
static uint32_t find(const struct view_waiting *waiting, enum view_waiting_source source,
                     uint64_t key)
{
    uint32_t place = view_table_get(&waiting->places[source], key);

    return place && place != NOT_KEPT && subject_at(waiting, place)->key == key ? place : 0;
}

bool view_waiting_add(struct view_waiting *waiting, enum view_waiting_source source, uint64_t key)
{
    uint32_t place = find(waiting, source, key);

    if (!place && !view_table_get(&waiting->places[source], key) &&
        !add_new(waiting, source, key, &place))
        return false;
    if (place)
        queue(waiting, place);
    return true;
}

bool view_waiting_add_answer(struct view_waiting *waiting, uint64_t key, uint32_t arrival,
                             uint32_t about)
{
    uint32_t place;

    if (!view_waiting_add(waiting, VIEW_WAITING_ANSWER, key))
        return false;
    place = find(waiting, VIEW_WAITING_ANSWER, key);
    if (!place || subject_at(waiting, place)->about)
        return true;
    subject_at(waiting, place)->arrival = arrival;
    return join_about(waiting, place, about);
}

void view_waiting_touch(struct view_waiting *waiting, uint64_t key)
{
    uint32_t place;

    for (unsigned i = 0; i < VIEW_WAITING_SOURCES; i++) {
        place = find(waiting, (enum view_waiting_source)i, key);
        if (place)
            queue(waiting, place);
    }
    place = view_table_get(&waiting->brought, key);
    for (; place; place = thing_at(waiting, place)->beside)
        queue(waiting, thing_at(waiting, place)->subject);
}

/* --- forgetting ------------------------------------------------------------------------------- */

static bool is_of(const struct view_subject *subject, uint32_t feed)
{
    return subject->key && subject->key >> 32 == feed;
}

static void leave_queue(struct view_waiting *waiting, uint32_t feed)
{
    uint32_t place = waiting->queued, next;

    waiting->queued = waiting->last_queued = 0;
    for (; place; place = next) {
        struct view_subject *subject = subject_at(waiting, place);

        next = subject->next_queued;
        subject->queued = false;
        subject->next_queued = 0;
        if (!is_of(subject, feed))
            queue(waiting, place);
    }
}

static void forget_subject(struct view_waiting *waiting, uint32_t place)
{
    struct view_subject *subject = subject_at(waiting, place);

    drop_things(waiting, subject);
    leave_about(waiting, subject);
    *subject = (struct view_subject){.next_queued = waiting->free_subject};
    waiting->free_subject = place;
}

static void forget_places(struct view_table *places, uint32_t feed)
{
    for (size_t i = 0; i < places->capacity; i++)
        if (places->keys[i] && places->keys[i] >> 32 == feed)
            places->values[i] = 0;
}

void view_waiting_forget(struct view_waiting *waiting, uint32_t feed, bool own)
{
    leave_queue(waiting, feed);
    for (uint32_t i = 1; i <= waiting->subject_count; i++) {
        if (!subject_at(waiting, i)->key)
            continue;
        if (is_of(subject_at(waiting, i), feed))
            forget_subject(waiting, i);
        else if (own || subject_at(waiting, i)->source == VIEW_WAITING_SPOKEN)
            queue(waiting, i);
    }
    for (unsigned i = 0; i < VIEW_WAITING_SOURCES; i++)
        forget_places(&waiting->places[i], feed);
    for (uint32_t i = 0; i < waiting->feed_count; i++) {
        if (waiting->feeds[i].feed != feed)
            continue;
        waiting->feeds[i].count = 0;
        waiting->feeds[i].noted = 0;
    }
}

/* --- marks ------------------------------------------------------------------------------------ */

void view_waiting_mark(struct view_waiting *waiting, uint64_t entry, bool read)
{
    uint32_t place = view_table_get(&waiting->brought, entry);

    for (; place; place = thing_at(waiting, place)->beside) {
        struct view_thing *thing = thing_at(waiting, place);

        if (thing->read == read)
            continue;
        thing->read = read;
        waiting->drawers[drawer_of(thing->arrival)].unread += read ? -1u : 1u;
        waiting->unread += read ? UINT64_MAX : 1;
    }
}
