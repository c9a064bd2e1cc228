#include "node/ledger/segment.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/ledger_seen.h"

#define COUNT 20

/* A feed's entries of all sorts, and the segment made of them. */
struct made {
    struct sample *sample;
    struct segment_feed feed;
    struct store_entry entries[COUNT];
    uint8_t bytes[COUNT][LIMIT_ENTRY_SIZE];
    struct segment segment;
    struct error error;
};

static void set_bytes(struct made *m, size_t i, const void *more, size_t size)
{
    struct span *bytes = &m->entries[i].entry.bytes;

    memcpy(m->bytes[i], bytes->data, bytes->size);
    memcpy(m->bytes[i] + bytes->size, more, size);
    *bytes = span_of(m->bytes[i], bytes->size + size);
}

static int setup(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    struct span network;

    m->sample = sample_create(1);
    for (size_t i = 0; i < COUNT; i++) {
        struct store_entry entry =
            sample_next(m->sample, i % 3 ? ANNOUNCEMENT : UNKNOWN_TYPE, i == 5 ? "" : "content");

        entry = i % 4 ? entry : sample_without_content(entry);
        entry = i % 5 ? sample_unsigned(entry) : entry;
        entry.arrival = 100 + i;
        entry.received_ms = i % 2 ? UINT64_MAX - i : i;
        entry.certificate = i / 7 * 3;
        if (!entry.entry.signature_checked)
            entry.entry.signature = span_of(NULL, 0);
        m->entries[i] = entry;
    }
    m->feed.feed = m->sample->feed;
    network = segment_network(m->entries[0].entry.bytes);
    assert_true(span_equal(network, span_of_text(INSTITUTION_NETWORK)));
    memcpy(m->feed.network, network.data, network.size);
    m->feed.network_size = network.size;
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct made *m = *state;

    segment_finish(&m->segment);
    sample_destroy(m->sample);
    free(m);
    return 0;
}

static void make(struct made *m, size_t count)
{
    ok(segment_start(&m->segment, 100, 1, &m->entries[0].entry.previous, &m->error));
    for (size_t i = 0; i < count; i++)
        ok(segment_add(&m->segment, &m->feed, &m->entries[i], &m->error));
}

static struct segment_row row_of(const struct segment *segment)
{
    return (struct segment_row){segment->arrival, segment->seq, segment->count,
                                buffer_span(&segment->records)};
}

static void assert_holds(const struct made *m, const struct segment *segment, size_t count)
{
    struct segment_row row = row_of(segment);
    struct segment_cursor cursor;
    struct store_entry got;
    bool end;

    assert_true(segment_open(&cursor, &m->feed, &row));
    for (size_t i = 0; i < count; i++) {
        struct ledger_compare compare = {.expected = m->entries[i]};
        uint8_t room[LIMIT_ENTRY_SIZE];

        assert_true(segment_next(&cursor, &got, &end));
        assert_false(end);
        segment_bytes(&cursor, &got, room);
        assert_int_equal(got.arrival, 100 + i);
        ledger_compare_entry(&compare, &got);
    }
    assert_true(segment_next(&cursor, &got, &end));
    assert_true(end);
}

static void test_segment__gives_entries_back_whole(void **state)
{
    struct made *m = *state;

    for (size_t count = 1; count <= COUNT; count++) {
        make(m, count);
        assert_int_equal(m->segment.count, count);
        assert_int_equal(m->segment.missing, (count + 3) / 4);
        assert_int_equal(m->segment.types, (uint64_t)1 << 32 | (uint64_t)(count > 1)
                                                                   << ANNOUNCEMENT);
        assert_holds(m, &m->segment, count);
    }
}

static void test_segment__stores_no_bytes_that_it_can_rebuild(void **state)
{
    struct made *m = *state;
    const struct entry *entry = &m->entries[1].entry;
    size_t before;

    make(m, 1);
    before = m->segment.records.size;
    ok(segment_add(&m->segment, &m->feed, &m->entries[1], &m->error));
    assert_true(m->segment.records.size - before <=
                2 * BYTES_ID_SIZE + LIMIT_SALT_SIZE + entry->content.size + 32);
    assert_true(m->segment.records.size - before < entry->bytes.size);
}

/* Whatever the bytes of another encoder are, they come out as they went in. */
static void test_segment__keeps_bytes_that_it_cannot_rebuild(void **state)
{
    static const uint8_t unknown[] = {10 << 3, 1}, twice[] = {9 << 3, 1};
    struct made *m = *state;
    struct span canonical = m->entries[3].entry.bytes;

    set_bytes(m, 1, unknown, sizeof unknown);
    set_bytes(m, 2, twice, sizeof twice);
    /* Other order: the first field (network) last. */
    memcpy(m->bytes[3], canonical.data + 2 + m->feed.network_size,
           canonical.size - 2 - m->feed.network_size);
    memcpy(m->bytes[3] + canonical.size - 2 - m->feed.network_size, canonical.data,
           2 + m->feed.network_size);
    m->entries[3].entry.bytes = span_of(m->bytes[3], canonical.size);
    /* Without its last field, which says what is the default. */
    m->entries[4].entry.bytes.size -= 2;
    m->entries[4].entry.min_reader = 0;
    /* One long way to say 1. */
    set_bytes(m, 6, "", 0);
    m->entries[6].entry.bytes.size++;
    m->bytes[6][m->entries[6].entry.bytes.size - 2] = 0x81;
    m->bytes[6][m->entries[6].entry.bytes.size - 1] = 0;
    /* Of another network. */
    set_bytes(m, 7, "", 0);
    m->bytes[7][2] ^= 1;
    make(m, COUNT);
    assert_holds(m, &m->segment, COUNT);
    m->feed.network_size = 0; /* nothing can be rebuilt */
    make(m, COUNT);
    assert_holds(m, &m->segment, COUNT);
}

static void test_segment__keeps_the_largest_numbers(void **state)
{
    struct made *m = *state;

    for (size_t i = 0; i < COUNT; i++) {
        m->entries[i].certificate = i % 2 ? UINT64_MAX : 0;
        m->entries[i].received_ms = i % 3 ? UINT64_MAX : 0;
        m->entries[i].entry.created_ms = i % 5 ? (uint64_t)1 << 63 : UINT64_MAX;
        m->entries[i].entry.min_reader = i % 2 ? UINT32_MAX : 0;
        m->entries[i].entry.content_type = UINT32_MAX;
    }
    make(m, COUNT);
    assert_holds(m, &m->segment, COUNT);
}

static void test_segment__refuses_sizes_that_cannot_be(void **state)
{
    struct made *m = *state;
    struct store_entry entry = m->entries[5];

    make(m, 5);
    entry.entry.signature.size--;
    assert_int_equal(segment_add(&m->segment, &m->feed, &entry, &m->error), ERROR_INTERNAL);
    entry = m->entries[5];
    entry.entry.salt.size--;
    assert_int_equal(segment_add(&m->segment, &m->feed, &entry, &m->error), ERROR_INTERNAL);
    entry = m->entries[5];
    entry.entry.content_size++;
    assert_int_equal(segment_add(&m->segment, &m->feed, &entry, &m->error), ERROR_INTERNAL);
    entry = m->entries[5];
    entry.entry.bytes.size = 0;
    assert_int_equal(segment_add(&m->segment, &m->feed, &entry, &m->error), ERROR_INTERNAL);
    assert_holds(m, &m->segment, 5);
}

static void test_segment__goes_on_with_a_row(void **state)
{
    struct made *m = *state;
    struct segment loaded = {0};
    struct segment_row row;

    make(m, 10);
    row = row_of(&m->segment);
    ok(segment_load(&loaded, &m->feed, &row, &m->error));
    for (size_t i = 10; i < COUNT; i++)
        ok(segment_add(&loaded, &m->feed, &m->entries[i], &m->error));
    assert_holds(m, &loaded, COUNT);
    segment_finish(&loaded);
    make(m, COUNT);
    assert_int_equal(m->segment.missing, 5);
}

/* Reads all; false: damaged. */
static bool readable(const struct made *m, struct segment_row row)
{
    struct segment_cursor cursor;
    struct store_entry entry;
    uint8_t room[LIMIT_ENTRY_SIZE];
    bool end = false;

    if (!segment_open(&cursor, &m->feed, &row))
        return false;
    for (;;) {
        if (!segment_next(&cursor, &entry, &end))
            return false;
        if (end)
            return true;
        segment_bytes(&cursor, &entry, room);
        assert_true(entry.entry.bytes.size > 0 && entry.entry.bytes.size <= LIMIT_ENTRY_SIZE);
    }
}

static void test_segment__notices_damage(void **state)
{
    struct made *m = *state;
    struct segment_row row, bad;
    struct segment loaded = {0};
    uint8_t *copy;

    make(m, COUNT);
    row = row_of(&m->segment);
    assert_true(readable(m, row));
    for (size_t size = 0; size < row.records.size; size++) {
        copy = malloc(size + 1); /* so that the sanitizer sees a read behind it */
        memcpy(copy, row.records.data, size);
        bad = row;
        bad.records = span_of(copy, size);
        assert_false(readable(m, bad));
        assert_int_equal(segment_load(&loaded, &m->feed, &bad, &m->error), ERROR_MALFORMED);
        free(copy);
    }
    bad = row;
    bad.count++;
    assert_false(readable(m, bad));
    bad.count = row.count - 1;
    assert_false(readable(m, bad));
    bad.count = 0;
    assert_false(readable(m, bad));
    bad = row;
    bad.seq = 0;
    assert_false(readable(m, bad));
    bad.seq = UINT64_MAX;
    assert_false(readable(m, bad));
    bad = row;
    bad.arrival = 0;
    assert_false(readable(m, bad));
    bad.arrival = INT64_MAX;
    assert_false(readable(m, bad));
    segment_finish(&loaded);
}

static void test_segment__survives_any_change(void **state)
{
    struct made *m = *state;
    struct segment_row row;
    size_t refused = 0;

    make(m, COUNT);
    row = row_of(&m->segment);
    for (size_t i = 0; i < row.records.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            m->segment.records.data[i] ^= (uint8_t)(1u << bit);
            refused += !readable(m, row);
            m->segment.records.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(refused > 100);
    assert_holds(m, &m->segment, COUNT);
}

static void test_segment__finds_the_network(void **state)
{
    static const uint8_t long_one[100] = {1 << 3 | 2, 65};

    (void)state;
    assert_int_equal(segment_network(span_of(NULL, 0)).size, 0);
    assert_int_equal(segment_network(span_of("\x0a", 1)).size, 0);
    assert_int_equal(segment_network(span_of("\x0a\x05hell", 6)).size, 0);
    assert_int_equal(segment_network(span_of("\x12\x05hello", 7)).size, 0);
    assert_int_equal(segment_network(span_of(long_one, sizeof long_one)).size, 0);
    assert_true(
        span_equal(segment_network(span_of("\x0a\x05hello\x12", 8)), span_of_text("hello")));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_segment__gives_entries_back_whole),
        ROW(test_segment__stores_no_bytes_that_it_can_rebuild),
        ROW(test_segment__keeps_bytes_that_it_cannot_rebuild),
        ROW(test_segment__keeps_the_largest_numbers),
        ROW(test_segment__refuses_sizes_that_cannot_be),
        ROW(test_segment__goes_on_with_a_row),
        ROW(test_segment__notices_damage),
        ROW(test_segment__survives_any_change),
        cmocka_unit_test(test_segment__finds_the_network),
    };

    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
