/* A store through which what was sealed for us is seen as what it is. */
#include "node/core/opened.h"

#include "tests/support/fault.h"
#include "tests/support/sealed.h"
#include "tests/support/sealing.h"
#include "tests/support/view_world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPE(name) CARAVAN__CONTENT_TYPE__CONTENT_TYPE_##name

/* Our own institution looks at what the partner seals for it, or for a third one. */
struct world {
    struct view_world *base;
    struct institution third;
    struct opened *opened;
    struct store store;
};

static struct world world;

static int setup(void **state)
{
    void *base = NULL;

    (void)state;
    assert_int_equal(view_world_setup(&base), 0);
    world.base = base;
    institution_init(&world.third, 3);
    announcements_join(&world.base->writer, &world.third, "ru-third", "RU");
    assert_int_equal(opened_create(&world.base->reader, INSTITUTION_NETWORK,
                                   &world.base->own.sealing, 1, &world.opened, NULL),
                     ERROR_NONE);
    world.store = opened_store(world.opened);
    return 0;
}

static int teardown(void **state)
{
    void *base = world.base;

    (void)state;
    opened_destroy(world.opened);
    institution_finish(&world.third);
    return view_world_teardown(&base);
}

static struct institution *us(void)
{
    return &world.base->own;
}

static struct institution *partner(void)
{
    return &world.base->partner;
}

static uint64_t seal(struct institution *for_whom, uint32_t type, const char *text,
                     struct seal_key *key)
{
    return sealed_keep(&world.base->writer, partner(), type, span_of_text(text), &for_whom, 1, key);
}

static uint64_t share(uint64_t seq, const struct seal_key *key)
{
    struct institution *audience[] = {us()};

    return sealed_share(&world.base->writer, partner(), seq, key, audience, 1);
}

/* "type 4 min 1 hello for 1" in a line; of a Reader its target. */
static int see(void *context, const struct store_entry *stored)
{
    struct buffer *lines = context;
    const struct entry *entry = &stored->entry;

    buffer_printf(lines, "%" PRIu64 ": type %" PRIu32 " min %" PRIu32, entry->seq,
                  entry->content_type, entry->min_reader);
    if (entry->content_type == TYPE(READER))
        buffer_printf(lines, " lets read %" PRIu64, opened_target(stored));
    else if (entry->content_type != TYPE(SEALED) && entry->has_content)
        buffer_printf(lines, " %.*s", (int)entry->content.size, (const char *)entry->content.data);
    if (stored->seal)
        buffer_printf(lines, " for %zu", stored->seal->audience_count);
    buffer_append_text(lines, "\n");
    return 0;
}

static void check_through(const struct store *store, uint64_t first, uint64_t last,
                          const char *expected)
{
    struct buffer lines = {0};

    assert_int_equal(store->operations->entries(store->self, &partner()->head.feed, first, last,
                                                see, &lines, NULL),
                     ERROR_NONE);
    view_world_lines(&lines, expected);
}

static void check(uint64_t first, uint64_t last, const char *expected)
{
    check_through(&world.store, first, last, expected);
}

static void check_types(uint64_t after, uint32_t types, const char *expected)
{
    struct buffer lines = {0};

    assert_int_equal(
        world.store.operations->arrivals(world.store.self, after, types, see, &lines, NULL),
        ERROR_NONE);
    view_world_lines(&lines, expected);
}

static uint64_t last_arrival(void)
{
    struct store_info info;

    assert_int_equal(world.store.operations->info(world.store.self, &info, NULL), ERROR_NONE);
    return info.last_arrival;
}

/* --- what is for us ----------------------------------------------------------------------------
 */

static void test_opened__shows_what_is_for_us_as_what_it_is(void **state)
{
    uint64_t seq = seal(us(), TYPE(ANNOUNCEMENT), "hello", NULL);

    (void)state;
    assert_int_equal(seq, 3);
    check(3, 3, "3: type 4 min 1 hello for 1\n");
    check(3, 3, "3: type 4 min 1 hello for 1\n"); /* and from memory */
    check_through(&world.base->reader, 3, 3, "3: type 13 min 1\n");
}

static void test_opened__leaves_what_is_for_others(void **state)
{
    (void)state;
    seal(&world.third, TYPE(ANNOUNCEMENT), "secret", NULL);
    check(3, 3, "3: type 13 min 1\n");
    check(3, 3, "3: type 13 min 1\n");
}

/* The publisher may always read, also through another store than the one it was sealed with. */
static void test_opened__shows_the_publisher_its_own(void **state)
{
    struct institution *audience[] = {&world.third};
    const struct store *store = &world.store;
    struct buffer lines = {0};
    uint64_t seq = sealed_keep(&world.base->writer, us(), TYPE(ANNOUNCEMENT), span_of_text("ours"),
                               audience, 1, NULL);

    (void)state;
    assert_int_equal(
        store->operations->entries(store->self, &us()->head.feed, seq, seq, see, &lines, NULL), 0);
    view_world_lines(&lines, "3: type 4 min 1 ours for 1\n");
}

/* A copy of somebody's sealed answer in another feed opens for nobody. */
static void test_opened__shows_no_copy_from_another_feed(void **state)
{
    struct institution *audience[] = {us()};
    struct buffer sealed = {0};

    (void)state;
    sealed_make(&world.third, TYPE(INTEREST), 1, span_of_text("answer"), audience, 1, &sealed,
                NULL);
    announcements_keep(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&sealed));
    check(3, 3, "3: type 13 min 1\n");
    announcements_keep(&world.base->writer, &world.third, TYPE(SEALED), buffer_span(&sealed));
    check_types(last_arrival() - 1, STORE_ALL_TYPES, "3: type 12 min 1 answer for 1\n");
    buffer_finish(&sealed);
}

static void test_opened__leaves_what_is_broken(void **state)
{
    struct seal_key key = {{7}};
    struct buffer padded = {0}, sealed = {0};
    struct sealing sealing;

    (void)state;
    announcements_keep(&world.base->writer, partner(), TYPE(SEALED), span_of_text("garbage"));
    announcements_keep(&world.base->writer, partner(), TYPE(SEALED), span_of(NULL, 0));
    /* a slot is ours, and what is in the box is no SealedContent */
    sealing_init(&sealing, INSTITUTION_NETWORK, &partner()->head.feed, &key);
    sealing_put_slot(&sealing, 0, secret_public(us()->sealing), &key);
    sealing_pad(span_of_text("\xff\xff"), LIMIT_SEAL_PAD_LEAST, &padded);
    sealing_put_box(&sealing, &key, buffer_span(&padded));
    sealing_write(&sealing, &sealed);
    announcements_keep(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&sealed));
    check(3, 9, "3: type 13 min 1\n4: type 13 min 1\n5: type 13 min 1\n");
    check(3, 9, "3: type 13 min 1\n4: type 13 min 1\n5: type 13 min 1\n");
    sealing_finish(&sealing);
    buffer_finish(&padded);
    buffer_finish(&sealed);
}

static void test_opened__waits_for_a_content_that_is_missing(void **state)
{
    struct institution *audience[] = {us()};
    struct buffer late = {0};
    uint64_t seq = sealed_keep_without(&world.base->writer, partner(), TYPE(ANNOUNCEMENT),
                                       span_of_text("late"), audience, 1, NULL, &late);

    (void)state;
    check(seq, seq, "3: type 13 min 1\n");
    sealed_put_late(&world.base->writer, partner(), seq, buffer_span(&late));
    check(seq, seq, "3: type 4 min 1 late for 1\n");
    buffer_finish(&late);
}

/* A newer version may be asked for inside the seal, and outside. */
static void test_opened__asks_for_the_newer_reader_of_both(void **state)
{
    struct institution *audience[] = {us()};
    struct buffer inner = {0};

    (void)state;
    sealed_make(partner(), TYPE(ANNOUNCEMENT), 3, span_of_text("new"), audience, 1, &inner, NULL);
    announcements_keep_as(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&inner), 1,
                          true);
    announcements_keep_as(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&inner), 2,
                          true);
    announcements_keep_as(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&inner), 4,
                          true);
    check(3, 5,
          "3: type 4 min 3 new for 1\n4: type 4 min 3 new for 1\n5: type 4 min 4 new for 1\n");
    buffer_finish(&inner);
}

/* --- types -------------------------------------------------------------------------------------
 */

static void test_opened__visits_true_types_only(void **state)
{
    uint64_t before = last_arrival();

    (void)state;
    seal(us(), TYPE(ANNOUNCEMENT), "one", NULL);
    seal(us(), TYPE(REVISION), "two", NULL);
    seal(&world.third, TYPE(ANNOUNCEMENT), "three", NULL);
    seal(us(), 77, "four", NULL); /* no mask has it */
    check_types(before, STORE_TYPE(TYPE(ANNOUNCEMENT)), "3: type 4 min 1 one for 1\n");
    check_types(before, STORE_TYPE(TYPE(REVISION)), "4: type 5 min 1 two for 1\n");
    check_types(before, STORE_TYPE(TYPE(SEALED)), "5: type 13 min 1\n");
    check_types(before, STORE_TYPE(TYPE(PROFILE)), "");
    check_types(before, STORE_ALL_TYPES,
                "3: type 4 min 1 one for 1\n4: type 5 min 1 two for 1\n5: type 13 min 1\n"
                "6: type 77 min 1 four for 1\n");
}

/* --- Readers -----------------------------------------------------------------------------------
 */

static void test_opened__a_reader_opens_an_earlier_entry(void **state)
{
    struct seal_key key;
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "secret", &key);

    (void)state;
    check(seq, seq, "3: type 13 min 1\n");
    share(seq, &key);
    check(3, 4, "3: type 13 min 1\n4: type 14 min 1 lets read 3 for 1\n");
    check(3, 3, "3: type 4 min 1 secret for 1\n");
}

static void test_opened__a_reader_with_a_wrong_key_opens_nothing(void **state)
{
    struct seal_key wrong = {{1}};
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "secret", NULL);

    (void)state;
    share(seq, &wrong);
    check(4, 4, "4: type 14 min 1 lets read 0 for 1\n");
    check(3, 3, "3: type 13 min 1\n");
}

/* … and does no harm to what we can read anyway. */
static void test_opened__a_reader_cannot_close_what_is_for_us(void **state)
{
    struct seal_key wrong = {{1}};
    struct institution *audience[] = {us()};
    struct buffer late = {0};

    (void)state;
    seal(us(), TYPE(ANNOUNCEMENT), "ours", NULL);
    share(3, &wrong);
    check(3, 4, "3: type 4 min 1 ours for 1\n4: type 14 min 1 lets read 0 for 1\n");
    check(3, 3, "3: type 4 min 1 ours for 1\n");
    sealed_keep_without(&world.base->writer, partner(), TYPE(ANNOUNCEMENT), span_of_text("late"),
                        audience, 1, NULL, &late);
    share(5, &wrong);
    check(6, 6, "6: type 14 min 1 lets read 5 for 1\n");
    sealed_put_late(&world.base->writer, partner(), 5, buffer_span(&late));
    check(5, 6, "5: type 4 min 1 late for 1\n6: type 14 min 1 lets read 0 for 1\n");
    buffer_finish(&late);
}

/* It names itself, a later entry, a public one, one of another kind, none, or carries no key. */
static void test_opened__odd_readers_open_nothing(void **state)
{
    struct institution *audience[] = {us()};
    struct seal_key key;
    Caravan__Reader reader = CARAVAN__READER__INIT;
    struct buffer bytes = {0};
    uint8_t packed[64];

    (void)state;
    announcements_keep(&world.base->writer, partner(), TYPE(ANNOUNCEMENT), span_of_text("open"));
    share(3, &(struct seal_key){{1}}); /* 4 */
    share(5, &(struct seal_key){{1}}); /* 5: itself */
    share(9, &(struct seal_key){{1}}); /* 6: later */
    share(0, &(struct seal_key){{1}}); /* 7 */
    reader.has_seq = 1;
    reader.seq = 3; /* 8: no key */
    sealed_keep(&world.base->writer, partner(), TYPE(READER),
                span_of(packed, caravan__reader__pack(&reader, packed)), audience, 1, NULL);
    seal(&world.third, TYPE(ANNOUNCEMENT), "later", &key); /* 9 */
    seal(us(), TYPE(READER), "\xff", NULL);                /* 10 */
    check(4, 10,
          "4: type 14 min 1 lets read 0 for 1\n5: type 14 min 1 lets read 0 for 1\n"
          "6: type 14 min 1 lets read 0 for 1\n7: type 14 min 1 lets read 0 for 1\n"
          "8: type 14 min 1 lets read 0 for 1\n9: type 13 min 1\n"
          "10: type 14 min 1 lets read 0 for 1\n");
    check(3, 3, "3: type 4 min 1 open\n");
    /* one in the clear is no Reader */
    sealed_reader_bytes(9, &key, &bytes);
    announcements_keep(&world.base->writer, partner(), TYPE(READER), buffer_span(&bytes));
    check(11, 11, "11: type 14 min 1 lets read 0\n");
    check(9, 9, "9: type 13 min 1\n");
    buffer_finish(&bytes);
}

/* A Reader from a newer version may mean something else. */
static void test_opened__a_reader_of_a_newer_version_opens_nothing(void **state)
{
    struct institution *audience[] = {us()};
    struct buffer content = {0}, sealed = {0};
    struct seal_key key;
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "secret", &key);

    (void)state;
    sealed_reader_bytes(seq, &key, &content);
    sealed_make(partner(), TYPE(READER), 2, buffer_span(&content), audience, 1, &sealed, NULL);
    announcements_keep(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&sealed));
    check(4, 4, "4: type 14 min 2 lets read 0 for 1\n");
    check(3, 3, "3: type 13 min 1\n");
    buffer_finish(&content);
    buffer_finish(&sealed);
}

/* The Reader comes first, what it lets us read comes late. */
static void test_opened__a_reader_counts_for_late_content(void **state)
{
    struct institution *audience[] = {&world.third};
    struct buffer late = {0};
    struct seal_key key;
    uint64_t seq = sealed_keep_without(&world.base->writer, partner(), TYPE(ANNOUNCEMENT),
                                       span_of_text("secret"), audience, 1, &key, &late);

    (void)state;
    share(seq, &key);
    check(3, 4, "3: type 13 min 1\n4: type 14 min 1 lets read 3 for 1\n");
    sealed_put_late(&world.base->writer, partner(), seq, buffer_span(&late));
    check(3, 3, "3: type 4 min 1 secret for 1\n");
    check(3, 3, "3: type 4 min 1 secret for 1\n");
    buffer_finish(&late);
}

/* A Reader for somebody else tells us nothing. */
static void test_opened__a_reader_for_others_stays_closed(void **state)
{
    struct institution *audience[] = {&world.third};
    struct seal_key key;
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "secret", &key);

    (void)state;
    sealed_share(&world.base->writer, partner(), seq, &key, audience, 1);
    check(3, 4, "3: type 13 min 1\n4: type 13 min 1\n");
    check(3, 3, "3: type 13 min 1\n");
}

static bool holds(struct span bytes, const struct seal_key *key)
{
    return bytes.size && memmem(bytes.data, bytes.size, key->bytes, sizeof key->bytes);
}

static int look_for_key(void *context, const struct store_entry *stored)
{
    const struct seal_key *key = context;

    assert_int_equal(stored->entry.content_type, TYPE(READER));
    assert_non_null(stored->seal);
    assert_false(holds(stored->entry.content, key));
    assert_false(holds(stored->seal->content, key));
    return 0;
}

static void test_opened__keeps_the_key_of_a_reader_from_visitors(void **state)
{
    struct seal_key key;
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "secret", &key);
    uint64_t reader = share(seq, &key);

    (void)state;
    assert_int_equal(world.store.operations->entries(world.store.self, &partner()->head.feed,
                                                     reader, reader, look_for_key, &key, NULL),
                     ERROR_NONE);
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void test_opened__gives_the_key_of_what_it_can_open(void **state)
{
    struct seal_key key, other, found = {{0}};
    struct error error = {0};
    uint64_t seq = seal(us(), TYPE(ANNOUNCEMENT), "ours", &key);
    uint64_t closed = seal(&world.third, TYPE(ANNOUNCEMENT), "theirs", &other);

    (void)state;
    assert_int_equal(opened_key(world.opened, &partner()->head.feed, seq, &found, &error), 0);
    assert_memory_equal(found.bytes, key.bytes, sizeof key.bytes);
    assert_int_equal(opened_key(world.opened, &partner()->head.feed, closed, &found, &error),
                     ERROR_NOT_FOUND);
    assert_string_equal(error.text, "No. 4 was not sealed for us");
    assert_int_equal(opened_key(world.opened, &partner()->head.feed, 2, &found, &error),
                     ERROR_NOT_FOUND);
    assert_int_equal(opened_key(world.opened, &partner()->head.feed, 99, &found, &error),
                     ERROR_NOT_FOUND);
    share(closed, &other);
    check(5, 5, "5: type 14 min 1 lets read 4 for 1\n");
    assert_int_equal(opened_key(world.opened, &partner()->head.feed, closed, &found, &error), 0);
    assert_memory_equal(found.bytes, other.bytes, sizeof other.bytes);
}

/* The order, and what it orders. */
static void erase(uint64_t seq)
{
    const struct store *store = &world.base->writer;
    const struct erasure_order order = {seq, partner()->head.seq + 1};
    struct buffer content = {0};
    size_t erased;

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    announcements_keep(store, partner(), TYPE(ERASURE), buffer_span(&content)); /* of no interest */
    assert_int_equal(
        store->operations->erase(store->self, &partner()->head.feed, &order, 1, &erased, NULL),
        ERROR_NONE);
    assert_int_equal(erased, 1);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
}

static void quarantine(uint64_t first)
{
    const struct store *store = &world.base->writer;

    assert_int_equal(store->operations->begin(store->self, NULL), ERROR_NONE);
    assert_int_equal(
        store->operations->quarantine(store->self, &partner()->head.feed, first, 0, NULL),
        ERROR_NONE);
    assert_int_equal(store->operations->commit(store->self, NULL), ERROR_NONE);
}

static void assert_keys(size_t count)
{
    assert_int_equal(opened_key_count(world.opened), count);
}

static void assert_no_key(uint64_t seq)
{
    struct seal_key key;

    assert_int_equal(opened_key(world.opened, &partner()->head.feed, seq, &key, NULL),
                     ERROR_NOT_FOUND);
}

static void test_opened__forgets_the_key_of_what_is_erased(void **state)
{
    uint64_t one = seal(us(), TYPE(ANNOUNCEMENT), "one", NULL);
    uint64_t two = seal(us(), TYPE(ANNOUNCEMENT), "two", NULL);

    (void)state;
    seal(&world.third, TYPE(ANNOUNCEMENT), "theirs", NULL);
    check(3, 5, "3: type 4 min 1 one for 1\n4: type 4 min 1 two for 1\n5: type 13 min 1\n");
    assert_keys(2);
    erase(one);
    assert_keys(2);
    check(one, one, "3: type 13 min 1\n"); /* whoever looks makes it forget */
    assert_keys(1);
    assert_no_key(one);
    check(3, 4, "3: type 13 min 1\n4: type 4 min 1 two for 1\n");
    assert_keys(1);
    erase(two);
    assert_no_key(two);
    assert_keys(0);
}

/* Nobody looks; it is asked to. */
static void test_opened__forgets_when_it_is_told_to(void **state)
{
    struct seal_key key;
    uint64_t one = seal(us(), TYPE(ANNOUNCEMENT), "one", NULL), shared;

    (void)state;
    shared = seal(&world.third, TYPE(ANNOUNCEMENT), "shared", &key);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    share(shared, &key);
    check(3, 5,
          "3: type 4 min 1 one for 1\n4: type 13 min 1\n5: type 14 min 1 lets read 4 for 1\n");
    assert_keys(3);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(3);
    erase(one);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(2);
    erase(shared);
    erase(5);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(0);
    seal(us(), TYPE(ANNOUNCEMENT), "last", NULL);
    check(9, 9, "9: type 4 min 1 last for 1\n");
    erase(9);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(0);
}

/* A Reader brings no key for what is erased, and the one that it brought for late content goes. */
static void test_opened__a_reader_brings_no_key_for_what_is_erased(void **state)
{
    struct institution *audience[] = {&world.third};
    struct buffer late = {0};
    struct seal_key key;
    uint64_t seq = sealed_keep_without(&world.base->writer, partner(), TYPE(ANNOUNCEMENT),
                                       span_of_text("late"), audience, 1, &key, &late);

    (void)state;
    share(seq, &key);
    check(4, 4, "4: type 14 min 1 lets read 3 for 1\n");
    assert_keys(2); /* with that of the Reader */
    erase(seq);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(1);
    check(3, 4, "3: type 13 min 1\n4: type 14 min 1 lets read 3 for 1\n");
    assert_keys(1);
    buffer_finish(&late);
}

/* After a restart nobody could read it either. */
static void test_opened__with_a_reader_goes_the_key_that_it_brought(void **state)
{
    struct seal_key key;
    uint64_t seq = seal(&world.third, TYPE(ANNOUNCEMENT), "shared", &key);

    (void)state;
    share(seq, &key);
    share(seq, &key);
    check(4, 5, "4: type 14 min 1 lets read 3 for 1\n5: type 14 min 1 lets read 3 for 1\n");
    check(3, 3, "3: type 4 min 1 shared for 1\n");
    assert_keys(3);
    erase(4); /* the other one has brought it, too */
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    check(3, 3, "3: type 4 min 1 shared for 1\n");
    assert_keys(2);
    erase(5);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(0);
    check(3, 3, "3: type 13 min 1\n");
}

/* An order that is moved aside is void: what it erased comes again, and can be read. */
static void test_opened__opens_what_comes_back(void **state)
{
    struct institution *audience[] = {us()};
    struct buffer sealed = {0};
    uint64_t seq;

    (void)state;
    sealed_make(partner(), TYPE(ANNOUNCEMENT), 1, span_of_text("ours"), audience, 1, &sealed, NULL);
    seq = announcements_keep(&world.base->writer, partner(), TYPE(SEALED), buffer_span(&sealed));
    check(seq, seq, "3: type 4 min 1 ours for 1\n");
    erase(seq);
    check(seq, seq, "3: type 13 min 1\n");
    assert_keys(0);
    quarantine(4);
    sealed_put_late(&world.base->writer, partner(), seq, buffer_span(&sealed));
    check(seq, seq, "3: type 4 min 1 ours for 1\n");
    assert_keys(1);
    buffer_finish(&sealed);
}

/* Entries of a branch that has lost, whose contents may be erased where nobody visits them. */
static void test_opened__forgets_the_keys_of_what_is_moved_aside(void **state)
{
    struct entry_head head;
    struct store_info info;

    (void)state;
    seal(us(), TYPE(ANNOUNCEMENT), "kept", NULL);
    head = partner()->head;
    seal(us(), TYPE(ANNOUNCEMENT), "moved", NULL);
    seal(us(), TYPE(ANNOUNCEMENT), "moved, too", NULL);
    check(3, 5,
          "3: type 4 min 1 kept for 1\n4: type 4 min 1 moved for 1\n"
          "5: type 4 min 1 moved, too for 1\n");
    assert_keys(3);
    quarantine(4);
    partner()->head = head;
    seal(us(), TYPE(ANNOUNCEMENT), "in its place", NULL);
    assert_int_equal(world.store.operations->info(world.store.self, &info, NULL), ERROR_NONE);
    assert_keys(1);
    check(3, 5, "3: type 4 min 1 kept for 1\n4: type 4 min 1 in its place for 1\n");
    assert_keys(2);
    quarantine(4);
    assert_int_equal(opened_forget(world.opened, NULL), ERROR_NONE);
    assert_keys(1);
}

static void test_opened__refuses_a_network_without_a_name(void **state)
{
    struct opened *opened = NULL;
    struct error error = {0};

    (void)state;
    assert_int_equal(opened_create(&world.base->reader, "", NULL, 0, &opened, &error),
                     ERROR_INVALID);
    assert_null(opened);
    opened_destroy(NULL);
}

/* --- visits ------------------------------------------------------------------------------------
 */

struct nested {
    struct buffer lines;
    unsigned depth;
};

static int see_and_look_again(void *context, const struct store_entry *stored)
{
    struct nested *nested = context;

    see(&nested->lines, stored);
    if (nested->depth++ < 2)
        assert_int_equal(world.store.operations->entries(world.store.self, &stored->entry.feed,
                                                         stored->entry.seq, stored->entry.seq,
                                                         see_and_look_again, nested, NULL),
                         ERROR_NONE);
    see(&nested->lines, stored); /* still there */
    return 1;
}

static void test_opened__a_visitor_may_look_again(void **state)
{
    struct nested nested = {.depth = 0};

    (void)state;
    seal(us(), TYPE(ANNOUNCEMENT), "one", NULL);
    seal(us(), TYPE(ANNOUNCEMENT), "two", NULL);
    assert_int_equal(world.store.operations->entries(world.store.self, &partner()->head.feed, 3, 4,
                                                     see_and_look_again, &nested, NULL),
                     ERROR_NONE);
    view_world_lines(&nested.lines, "3: type 4 min 1 one for 1\n3: type 4 min 1 one for 1\n"
                                    "3: type 4 min 1 one for 1\n3: type 4 min 1 one for 1\n"
                                    "3: type 4 min 1 one for 1\n3: type 4 min 1 one for 1\n");
}

/* Whatever allocation fails, the same is seen the next time. */
static void test_opened__survives_every_allocation_that_fails(void **state)
{
    struct seal_key key;
    bool done = false;

    (void)state;
    seal(&world.third, TYPE(ANNOUNCEMENT), "secret", &key);
    share(3, &key);
    seal(us(), TYPE(ANNOUNCEMENT), "ours", NULL);
    for (unsigned long n = 1; !done; n++) {
        struct opened *opened = NULL;
        struct buffer lines = {0};
        struct error error = {0};
        struct store store;
        int code;

        assert_true(buffer_reserve(&lines, 4096));
        fault_arm(n);
        code = opened_create(&world.base->reader, INSTITUTION_NETWORK, &us()->sealing, 1, &opened,
                             &error);
        if (!code) {
            store = opened_store(opened);
            code = store.operations->entries(store.self, &partner()->head.feed, 3, 5, see, &lines,
                                             &error);
        }
        done = !fault_disarm();
        assert_int_equal(code, done ? ERROR_NONE : ERROR_MEMORY);
        if (opened) {
            store = opened_store(opened);
            check_through(&store, 4, 5,
                          "4: type 14 min 1 lets read 3 for 1\n5: type 4 min 1 ours for 1\n");
            check_through(&store, 3, 3, "3: type 4 min 1 secret for 1\n");
        }
        opened_destroy(opened);
        buffer_finish(&lines);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_opened__shows_what_is_for_us_as_what_it_is),
        TEST(test_opened__leaves_what_is_for_others),
        TEST(test_opened__shows_the_publisher_its_own),
        TEST(test_opened__shows_no_copy_from_another_feed),
        TEST(test_opened__leaves_what_is_broken),
        TEST(test_opened__waits_for_a_content_that_is_missing),
        TEST(test_opened__asks_for_the_newer_reader_of_both),
        TEST(test_opened__visits_true_types_only),
        TEST(test_opened__a_reader_opens_an_earlier_entry),
        TEST(test_opened__a_reader_with_a_wrong_key_opens_nothing),
        TEST(test_opened__a_reader_cannot_close_what_is_for_us),
        TEST(test_opened__odd_readers_open_nothing),
        TEST(test_opened__a_reader_of_a_newer_version_opens_nothing),
        TEST(test_opened__a_reader_counts_for_late_content),
        TEST(test_opened__a_reader_for_others_stays_closed),
        TEST(test_opened__keeps_the_key_of_a_reader_from_visitors),
        TEST(test_opened__gives_the_key_of_what_it_can_open),
        TEST(test_opened__forgets_the_key_of_what_is_erased),
        TEST(test_opened__forgets_when_it_is_told_to),
        TEST(test_opened__a_reader_brings_no_key_for_what_is_erased),
        TEST(test_opened__with_a_reader_goes_the_key_that_it_brought),
        TEST(test_opened__opens_what_comes_back),
        TEST(test_opened__forgets_the_keys_of_what_is_moved_aside),
        TEST(test_opened__refuses_a_network_without_a_name),
        TEST(test_opened__a_visitor_may_look_again),
        TEST(test_opened__survives_every_allocation_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
