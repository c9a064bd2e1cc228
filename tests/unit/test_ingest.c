/* ingest, over an exchange on a ledger in memory that nobody is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/fields.h"
#include "node/core/state.h"
#include "tests/support/announcements.h"
#include "tests/support/exchange_fixture.h"

#define COUNT 8

struct fixture {
    struct exchange_fixture base;
    struct institution other;
    struct feed *feed; /* of the other institution, which is a partner */
    uint64_t added;
    unsigned live, topics; /* what went out under feed/, and in all */
};

static void bus_live(void *self, const char *topic, struct span payload)
{
    struct fixture *f = self;

    (void)payload;
    f->live += strncmp(topic, "feed/", 5) == 0;
    f->topics++;
}

/* Once it is clear what the other institution's card names. */
static void start(struct fixture *f)
{
    exchange_fixture_start(&f->base);
    assert_int_equal(exchange_fixture_accept(&f->base, &f->other.chain, "cn-other"), ERROR_NONE);
    f->feed = feed_find(f->base.exchange, &f->other.chain.feed);
    assert_non_null(f->feed);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    exchange_fixture_init(&f->base);
    f->base.config.bus.self = f;
    f->base.config.bus.live = bus_live;
    institution_init(&f->other, 2);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    exchange_fixture_finish(&f->base);
    institution_finish(&f->other);
    free(f);
    return 0;
}

/* Certificate 1 and what is said behind it. */
static void publish(struct institution *institution, struct buffer entries[COUNT])
{
    institution_certify(institution, false, &entries[0]);
    for (unsigned i = 1; i < COUNT; i++)
        institution_say(institution, "a visit", &entries[i]);
}

static void finish(struct buffer entries[COUNT])
{
    for (unsigned i = 0; i < COUNT; i++)
        buffer_finish(&entries[i]);
}

/* Ingests entries from … to of the array as a run, in a transaction. bare: without contents. */
static enum ingest_result ingest(struct fixture *f, struct buffer *entries, size_t from, size_t to,
                                 bool bare)
{
    struct buffer bytes = {0};
    struct entry_run run = {0};
    enum ingest_result result;
    Caravan__Run *message;

    institution_run(&f->other, entries + from, to - from + 1, 0, &bytes);
    message = caravan__run__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(message);
    for (size_t i = 0; bare && i < message->n_entries; i++)
        message->entries[i]->has_salt = message->entries[i]->has_content = false;
    buffer_clear(&bytes);
    assert_true(fields_pack(&message->base, &bytes));
    assert_int_equal(entry_run_read(buffer_span(&bytes), INSTITUTION_NETWORK, &run, NULL),
                     ERROR_NONE);
    exchange_fixture_begin(&f->base);
    result = ingest_run(f->base.exchange, f->feed, &run, false, 0, &f->added, &f->base.error);
    exchange_fixture_commit(&f->base);
    entry_run_finish(&run);
    caravan__run__free_unpacked(message, NULL);
    buffer_finish(&bytes);
    return result;
}

static void check_head(struct fixture *f, uint64_t seq, uint64_t certificate)
{
    struct store_feed row;

    assert_int_equal(f->feed->head.seq, seq);
    assert_int_equal(f->feed->head.certificate, certificate);
    assert_int_equal(
        f->base.store.operations->get_feed(f->base.store.self, &f->feed->id, &row, NULL),
        ERROR_NONE);
    assert_int_equal(row.head.seq, seq);
    assert_int_equal(row.head.certificate, certificate);
    assert_memory_equal(&row.head.hash, &f->feed->head.hash, sizeof row.head.hash);
}

static void test_ingest__takes_what_follows_and_knows_what_it_has(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};

    publish(&f->other, entries);
    start(f);
    assert_int_equal(ingest(f, entries, 1, 3, false), INGEST_GAP);
    assert_int_equal(f->feed->head.seq, 0);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 2, 3, false), INGEST_GAP);
    assert_int_equal(ingest(f, entries, 1, 3, false), INGEST_ADDED);
    assert_int_equal(f->added, 3);
    assert_int_equal(ingest(f, entries, 1, 3, false), INGEST_KNOWN);
    assert_int_equal(ingest(f, entries, 2, 2, false), INGEST_KNOWN);
    /* What overlaps is taken from where ours ends. */
    assert_int_equal(ingest(f, entries, 2, 6, false), INGEST_ADDED);
    assert_int_equal(f->added, 3);
    check_head(f, 7, 1);
    /* On live went our entry 1, and of each run what has a checked signature. */
    assert_int_equal(f->live, 1 + 3);
    finish(entries);
}

static void test_ingest__refuses_what_breaks_the_feed(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};

    publish(&f->other, entries);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    /* The signature of the last entry, somewhere behind the Entry bytes. */
    entries[4].data[entries[4].size - 60] ^= 1;
    assert_int_equal(ingest(f, entries, 1, 4, false), INGEST_REFUSED);
    assert_int_equal(f->base.error.code, ERROR_BAD_SIGNATURE);
    check_head(f, 1, 1);
    entries[4].data[entries[4].size - 60] ^= 1;
    assert_int_equal(ingest(f, entries, 1, 4, false), INGEST_ADDED);
    finish(entries);
}

static void test_ingest__late_contents_are_taken_once(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};

    publish(&f->other, entries);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, 5, true), INGEST_ADDED);
    assert_int_equal(f->feed->missing, 5);
    assert_int_equal(ingest(f, entries, 1, 5, true), INGEST_KNOWN);
    assert_int_equal(f->feed->missing, 5);
    assert_int_equal(ingest(f, entries, 2, 3, false), INGEST_KNOWN);
    assert_int_equal(f->feed->missing, 3);
    assert_int_equal(ingest(f, entries, 2, 3, false), INGEST_KNOWN);
    assert_int_equal(f->feed->missing, 3);
    /* Old contents and new entries in one run. */
    assert_int_equal(ingest(f, entries, 1, 7, false), INGEST_ADDED);
    assert_int_equal(f->feed->missing, 0);
    check_head(f, 8, 1);
    finish(entries);
}

/* --- erasing ---------------------------------------------------------------------------------- */

/* Certificate 1, three texts, the order to erase No. 2 and No. 4, and one more text. */
static void publish_with_order(struct institution *institution, struct buffer entries[COUNT])
{
    Caravan__Erasure erasure = CARAVAN__ERASURE__INIT;
    uint64_t seqs[] = {4, 2};
    struct buffer content = {0};

    institution_certify(institution, false, &entries[0]);
    for (unsigned i = 1; i < 4; i++)
        institution_say(institution, "a visit", &entries[i]);
    erasure.seq = seqs;
    erasure.n_seq = 2;
    assert_true(fields_pack(&erasure.base, &content));
    institution_append(institution, CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE,
                       buffer_span(&content), &entries[4]);
    institution_say(institution, "a visit", &entries[5]);
    buffer_finish(&content);
}

struct erased {
    uint64_t by[COUNT + 1], arrivals[COUNT + 1];
    unsigned contents;
};

static int note_erased(void *context, const struct store_entry *row)
{
    struct erased *erased = context;

    erased->by[row->entry.seq] = row->erased;
    erased->arrivals[row->entry.seq] = row->arrival;
    erased->contents += row->entry.has_content;
    return 0;
}

static struct erased look(struct fixture *f)
{
    struct erased erased = {0};

    assert_int_equal(f->base.store.operations->entries(f->base.store.self, &f->other.chain.feed, 1,
                                                       COUNT, note_erased, &erased, NULL),
                     ERROR_NONE);
    return erased;
}

static void test_ingest__never_writes_what_its_own_run_erases(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};
    struct erased erased;

    publish_with_order(&f->other, entries);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, 5, false), INGEST_ADDED);
    erased = look(f);
    assert_int_equal(erased.contents, 4);
    assert_int_equal(erased.by[2], 5);
    assert_int_equal(erased.by[3], 0);
    assert_int_equal(erased.by[4], 5);
    /* They stand where they came, in the order of the run: nothing was changed afterwards. */
    for (uint64_t seq = 2; seq <= 6; seq++)
        assert_int_equal(erased.arrivals[seq], erased.arrivals[1] + seq - 1);
    assert_int_equal(f->feed->missing, 0);
    finish(entries);
}

static void test_ingest__erases_what_came_before_the_order(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};
    struct erased erased;

    publish_with_order(&f->other, entries);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, 2, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 3, 3, true), INGEST_ADDED); /* No. 4 is missing */
    assert_int_equal(f->feed->missing, 1);
    assert_int_equal(ingest(f, entries, 4, 5, false), INGEST_ADDED);
    assert_int_equal(f->feed->missing, 0);
    erased = look(f);
    assert_int_equal(erased.by[2], 5);
    assert_int_equal(erased.by[4], 5);
    assert_int_equal(erased.contents, 4);
    /* Once more, with all contents. */
    assert_int_equal(ingest(f, entries, 1, 5, false), INGEST_KNOWN);
    assert_int_equal(look(f).contents, 4);
    finish(entries);
}

/* An older version has kept the order as it keeps what it does not know. */
static void test_ingest__orders_from_before_are_carried_out_at_the_start(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};
    struct store_entry row = {.certificate = 1};
    struct buffer value = {0};

    publish_with_order(&f->other, entries);
    assert_int_equal(f->base.store.operations->begin(f->base.store.self, NULL), ERROR_NONE);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(
            entry_parse_bytes(buffer_span(&entries[i]), INSTITUTION_NETWORK, &row.entry, NULL),
            ERROR_NONE);
        assert_int_equal(f->base.store.operations->append(f->base.store.self, &row, 1, NULL),
                         ERROR_NONE);
    }
    assert_int_equal(f->base.store.operations->commit(f->base.store.self, NULL), ERROR_NONE);
    assert_int_equal(look(f).contents, 6);
    start(f);
    assert_int_equal(look(f).contents, 4);
    assert_int_equal(look(f).by[2], 5);
    assert_int_equal(
        f->base.store.operations->get_value(f->base.store.self, "erasures", &value, NULL),
        ERROR_NONE);
    buffer_finish(&value);
    finish(entries);
}

static int count_conflict(void *context, const struct store_conflict *conflict)
{
    struct entry entry;

    assert_int_equal(conflict->certificate, 1);
    assert_int_equal(entry_parse_bytes(conflict->kept, INSTITUTION_NETWORK, &entry, NULL),
                     ERROR_NONE);
    assert_int_equal(entry.seq, conflict->seq);
    assert_int_equal(entry_parse_bytes(conflict->other, INSTITUTION_NETWORK, &entry, NULL),
                     ERROR_NONE);
    assert_int_equal(entry.seq, conflict->seq);
    assert_int_equal(entry.signature.size, IDENTITY_SIGNATURE_SIZE);
    ++*(unsigned *)context;
    return 0;
}

static void test_ingest__a_fork_freezes_and_is_proven_once(void **state)
{
    struct fixture *f = *state;
    struct institution twin;
    struct buffer entries[COUNT] = {0}, others[COUNT] = {0};
    unsigned conflicts = 0;

    publish(&f->other, entries);
    institution_init(&twin, 2);
    institution_certify(&twin, false, &others[0]);
    for (unsigned i = 1; i < COUNT; i++)
        institution_say(&twin, i < 3 ? "a visit" : "another visit", &others[i]);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, 4, false), INGEST_ADDED);
    /* The same until No. 3: nothing to be seen in those. */
    assert_int_equal(ingest(f, others, 1, 2, false), INGEST_KNOWN);
    /* It goes on behind ours, so it is asked for the one beside ours first. */
    assert_int_equal(ingest(f, others, 5, 6, false), INGEST_DIVERGED);
    assert_int_equal(f->base.error.code, ERROR_BROKEN_CHAIN);
    assert_int_equal(ingest(f, others, 2, 6, false), INGEST_DIVERGED);
    assert_false(f->feed->frozen);
    assert_int_equal(ingest(f, others, 4, 4, false), INGEST_FORK);
    assert_true(f->feed->frozen);
    assert_int_equal(ingest(f, others, 4, 4, false), INGEST_FROZEN);
    assert_int_equal(ingest(f, entries, 5, 6, false), INGEST_FROZEN);
    check_head(f, 5, 1);
    f->base.store.operations->conflicts(f->base.store.self, count_conflict, &conflicts, NULL);
    assert_int_equal(conflicts, 1);
    institution_finish(&twin);
    finish(entries);
    finish(others);
}

static void test_ingest__certificates_come_into_force_with_their_entry(void **state)
{
    struct fixture *f = *state;
    struct buffer entries[COUNT] = {0};
    const struct keyring_entry *keys;
    enum { ROOT = 2, RECOVERY = 5 };

    for (unsigned i = 0; i < COUNT; i++)
        if (i == 0 || i == ROOT || i == RECOVERY)
            institution_certify(&f->other, i == RECOVERY, &entries[i]);
        else
            institution_say(&f->other, "a visit", &entries[i]);
    start(f); /* the card names all three */
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, ROOT, false), INGEST_ADDED);
    check_head(f, ROOT + 1, 2);
    assert_int_equal(ingest(f, entries, 3, 4, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, RECOVERY, RECOVERY, false), INGEST_ADDED);
    check_head(f, RECOVERY + 1, 3);
    assert_int_equal(ingest(f, entries, 6, 7, false), INGEST_ADDED);
    check_head(f, COUNT, 3);
    assert_int_equal(feed_certificate_at(f->feed, 1), 1);
    assert_int_equal(feed_certificate_at(f->feed, ROOT), 1);
    assert_int_equal(feed_certificate_at(f->feed, ROOT + 1), 2);
    assert_int_equal(feed_certificate_at(f->feed, RECOVERY), 2);
    assert_int_equal(feed_certificate_at(f->feed, COUNT), 3);
    keys = keyring_take(f->base.keyring, &f->feed->id);
    assert_int_equal(keys->number, 3);
    keyring_release(f->base.keyring, keys);
    finish(entries);
}

static void test_ingest__what_a_revoked_key_signs_against_ours_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct institution thief;
    struct buffer entries[COUNT] = {0}, stolen[COUNT] = {0};

    institution_certify(&f->other, false, &entries[0]);
    institution_say(&f->other, "a visit", &entries[1]);
    institution_certify(&f->other, false, &entries[2]);
    institution_say(&f->other, "a visit", &entries[3]);
    institution_init(&thief, 2);
    institution_certify(&thief, false, &stolen[0]);
    for (unsigned i = 1; i < COUNT; i++)
        institution_say(&thief, i == 1 ? "a visit" : "a lie", &stolen[i]);
    start(f);
    assert_int_equal(ingest(f, entries, 0, 0, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 1, 2, false), INGEST_ADDED);
    assert_int_equal(ingest(f, entries, 3, 3, false), INGEST_ADDED);
    assert_int_equal(ingest(f, stolen, 2, 2, false), INGEST_REFUSED); /* beside certificate 2 */
    assert_int_equal(f->base.error.code, ERROR_FORK);
    assert_int_equal(ingest(f, stolen, 3, 3, false), INGEST_REFUSED);
    assert_int_equal(f->base.error.code, ERROR_BAD_SIGNATURE);
    assert_int_equal(ingest(f, stolen, 4, 7, false), INGEST_REFUSED);
    assert_false(f->feed->frozen);
    check_head(f, 4, 2);
    institution_finish(&thief);
    finish(entries);
    finish(stolen);
}

/* One small entry that names all countries there could be is not copied for each of them. */
static void test_ingest__an_entry_goes_out_on_a_bounded_number_of_topics(void **state)
{
    struct fixture *f = *state;
    static char names[26 * 26][3];
    char *countries[26 * 26];
    Caravan__Announcement *announcement;
    struct buffer content = {0};
    struct exchange_published out;

    start(f);
    announcements_write(CARAVAN__KIND__KIND_VISIT, "A visit", "TH", NULL, &content);
    announcement = caravan__announcement__unpack(NULL, content.size, content.data);
    for (size_t i = 0; i < 26 * 26; i++) {
        names[i][0] = (char)('A' + i / 26);
        names[i][1] = (char)('A' + i % 26);
        countries[i] = names[i];
    }
    announcement->countries = countries;
    announcement->n_countries = 26 * 26;
    buffer_clear(&content);
    assert_true(fields_pack(&announcement->base, &content));
    announcement->countries = NULL;
    announcement->n_countries = 0;
    caravan__announcement__free_unpacked(announcement, NULL);
    f->topics = 0;
    exchange_fixture_begin(&f->base);
    assert_int_equal(exchange_publish(f->base.exchange,
                                      CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                                      buffer_span(&content), NULL, &out, NULL),
                     ERROR_NONE);
    exchange_fixture_commit(&f->base);
    assert_int_equal(f->topics, LIMIT_TOPICS_PER_ENTRY + 1); /* and our head */
    buffer_finish(&content);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ingest__takes_what_follows_and_knows_what_it_has),
        TEST(test_ingest__refuses_what_breaks_the_feed),
        TEST(test_ingest__late_contents_are_taken_once),
        TEST(test_ingest__never_writes_what_its_own_run_erases),
        TEST(test_ingest__erases_what_came_before_the_order),
        TEST(test_ingest__orders_from_before_are_carried_out_at_the_start),
        TEST(test_ingest__a_fork_freezes_and_is_proven_once),
        TEST(test_ingest__certificates_come_into_force_with_their_entry),
        TEST(test_ingest__an_entry_goes_out_on_a_bounded_number_of_topics),
        TEST(test_ingest__what_a_revoked_key_signs_against_ours_changes_nothing),
    };

    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
