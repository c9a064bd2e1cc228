/* What a publisher may put into its feed: the odd stops nobody, and a rotation is followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/sim/network.h"

#define MINUTE 60000u
#define ANNOUNCEMENT CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT

/* Node 0 has no running node: 1 gets its entries from a file, and hands them on to 2, which hands
 * them on to 3. */
static void chain_of_relays(struct network *network, uint64_t seed)
{
    network_init(network, 4, seed);
    network_accept_all(network);
    network_accept(network, 1, 0, true);
    network_accept(network, 2, 0, true);
    network_dial(network, 2, 1);
    network_dial(network, 3, 2);
    for (unsigned i = 1; i < 4; i++)
        network_start(network, i, false, false);
    assert_true(network_run(network, MINUTE, network_is_open, NULL));
    assert_int_equal(network_import(network, 1, 0, &network->nodes[0].genesis, 1, NULL),
                     ERROR_NONE);
}

static void give(struct network *network, struct buffer *entry)
{
    struct error error;

    if (network_import(network, 1, 0, entry, 1, &error))
        fail_msg("import: %s", error.text);
}

static void say(struct network *network, const char *text)
{
    struct buffer entry = {0};

    institution_say(&network->nodes[0].institution, text, &entry);
    give(network, &entry);
    buffer_finish(&entry);
}

static bool all_hold_it(struct network *network, void *unused)
{
    struct id first, other;
    uint64_t seq = network_holds(network, 1, 0, &first);

    (void)unused;
    for (unsigned i = 2; i < 4; i++)
        if (network_holds(network, i, 0, &other) != seq || !id_equal(&first, &other))
            return false;
    return true;
}

static int copy_entry(void *context, const struct store_entry *row)
{
    assert_true(entry_encode(&row->entry, true, context));
    return 1;
}

static void read_entry(struct network *network, unsigned node, uint64_t seq, struct buffer *out)
{
    struct store *reader = &network->nodes[node].reader;

    buffer_clear(out);
    assert_int_equal(reader->operations->entries(reader->self, network_feed(network, 0), seq, seq,
                                                 copy_entry, out, NULL),
                     ERROR_NONE);
    assert_true(out->size > 0);
}

/* --- the odd ------------------------------------------------------------------------------------
 */

struct odd {
    const char *what;
    uint32_t type, min_reader;
    struct span content;
};

static void build_odd(struct institution *publisher, const struct odd *odd, struct buffer *out)
{
    struct entry_draft draft = {.network = INSTITUTION_NETWORK,
                                .feed = publisher->head.feed,
                                .seq = publisher->head.seq + 1,
                                .previous = publisher->head.hash,
                                .created_ms = UINT64_MAX, /* a claim, however silly */
                                .content_type = odd->type,
                                .min_reader = odd->min_reader,
                                .content = odd->content};

    assert_int_equal(entry_build(&draft, publisher->node, out, &publisher->head.hash, NULL),
                     ERROR_NONE);
    publisher->head.seq++;
}

static void test_feeds__the_odd_is_kept_and_handed_on_unchanged(void **state)
{
    static uint8_t huge[LIMIT_CONTENT_SIZE], deep[3000];
    const struct odd odds[] = {
        {"unknown kind", 4711, 1, span_of_text("from another time")},
        {"highest kind", UINT32_MAX, 1, span_of_text("x")},
        {"newer version", ANNOUNCEMENT, 99, span_of_text("\x0a\x03new")},
        {"no announcement", ANNOUNCEMENT, 1, span_of_text("\xff\xff\xff\xff not protobuf")},
        {"empty", ANNOUNCEMENT, 1, span_of("", 0)},
        {"breaks a rule", ANNOUNCEMENT, 1, span_of_text("\x08\x63")},
        {"nested deeply", ANNOUNCEMENT, 1, span_of(deep, sizeof deep)},
        {"as large as may be", ANNOUNCEMENT, 1, span_of(huge, sizeof huge)},
        {"bad profile", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_PROFILE, 1, span_of_text("\x0a\x01!")},
        {"bad endpoints", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ENDPOINTS, 1,
         span_of_text("\x0a\x0aipc:///tmp/x")},
        {"bad revision", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_REVISION, 1, span_of_text("\x08\x63")},
        {"withdraws nothing", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL, 1,
         span_of_text("\x08\x7f")},
        {"reserved erasure", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ERASURE, 1, span_of_text("?")},
        {"reserved sealed", CARAVAN__CONTENT_TYPE__CONTENT_TYPE_SEALED, 1, span_of_text("?")},
    };
    const size_t count = sizeof odds / sizeof *odds;
    struct buffer entries[sizeof odds / sizeof *odds] = {0}, held = {0};
    struct network network;
    struct exchange_feed_state feed;

    (void)state;
    memset(deep, 0x0b, sizeof deep);
    chain_of_relays(&network, 60);
    for (size_t i = 0; i < count; i++) {
        build_odd(&network.nodes[0].institution, &odds[i], &entries[i]);
        give(&network, &entries[i]);
        if (i % 3 == 0)
            network_sleep(&network, 500);
        say(&network, "and the feed goes on");
    }
    assert_true(network_run(&network, MINUTE, all_hold_it, NULL));
    for (unsigned node = 1; node < 4; node++) {
        assert_int_equal(network_holds(&network, node, 0, NULL), 1 + 2 * count);
        assert_non_null(network_state(&network, node, 0, &feed));
        assert_int_equal(feed.missing, 0);
        assert_false(feed.frozen);
        /* What cannot be used changes nothing: it is not dialled, and the name stays. */
        assert_int_equal(
            exchange_endpoints(network.nodes[node].exchange, network_feed(&network, 0))->n_live, 0);
        assert_string_equal(feed.handle, "xx-node0");
        for (size_t i = 0; i < count; i++) {
            struct entry ours, theirs;

            read_entry(&network, node, 2 + 2 * i, &held);
            assert_int_equal(
                entry_parse_bytes(buffer_span(&entries[i]), INSTITUTION_NETWORK, &ours, NULL),
                ERROR_NONE);
            assert_int_equal(
                entry_parse_bytes(buffer_span(&held), INSTITUTION_NETWORK, &theirs, NULL),
                ERROR_NONE);
            if (!span_equal(ours.bytes, theirs.bytes) || !span_equal(ours.salt, theirs.salt) ||
                !span_equal(ours.content, theirs.content) || ours.has_content != theirs.has_content)
                fail_msg("%s is not what it was at node %u", odds[i].what, node);
        }
    }
    for (size_t i = 0; i < count; i++)
        buffer_finish(&entries[i]);
    buffer_finish(&held);
    network_finish(&network);
}

/* --- rotation -----------------------------------------------------------------------------------
 */

static void check_keys(struct network *network, unsigned node, uint64_t number)
{
    const struct institution *publisher = &network->nodes[0].institution;
    const struct identity_chain *chain =
        exchange_chain(network->nodes[node].exchange, network_feed(network, 0));
    const struct keyring_entry *keys =
        keyring_take(network->nodes[node].keyring, network_feed(network, 0));

    assert_non_null(keys);
    assert_int_equal(keys->number, number);
    assert_int_equal(keys->chain.count, number);
    keyring_release(network->nodes[node].keyring, keys);
    /* What dialling and the gate use. */
    assert_non_null(chain);
    assert_memory_equal(&chain->certificates[number - 1].transport_key,
                        secret_public(publisher->transport), sizeof(struct id));
}

static void test_feeds__a_rotation_is_followed(void **state)
{
    struct network network;
    struct institution *publisher, old;
    struct buffer entry = {0}, genesis = {0};
    char topic[LIMIT_TOPIC_SIZE + 1];
    struct exchange_feed_state feed;

    (void)state;
    chain_of_relays(&network, 61);
    publisher = &network.nodes[0].institution;
    institution_init(&old, 1);
    institution_certify(&old, false, &genesis);
    for (uint64_t number = 2; number <= 5; number++) {
        unsigned before[4];

        say(&network, "with the old key");
        for (unsigned i = 1; i < 4; i++)
            before[i] = network.nodes[i].partner_changes;
        buffer_clear(&entry);
        institution_certify(publisher, number % 2 == 1, &entry); /* also by the recovery key */
        give(&network, &entry);
        /* One node is away during a rotation. */
        if (number == 3)
            network_cut(&network, 2, 3, true);
        say(&network, "with the new key");
        network_sleep(&network, 1000);
        network_cut(&network, 2, 3, false);
        assert_true(network_run(&network, MINUTE, all_hold_it, NULL));
        network_settle(&network);
        for (unsigned i = 1; i < 4; i++) {
            check_keys(&network, i, number);
            assert_true(network.nodes[i].partner_changes > before[i]);
            assert_non_null(network_state(&network, i, 0, &feed));
            assert_int_equal(feed.head.certificate, number);
        }
    }
    /* The first node key goes on behind the newest entry: refused, and the feed is not harmed. */
    old.head = publisher->head;
    buffer_clear(&entry);
    institution_say(&old, "with a revoked key", &entry);
    entry_topic_of_feed(network_feed(&network, 0), topic);
    network_inject(&network, 2, 3, topic, buffer_span(&entry));
    assert_int_equal(network_holds(&network, 3, 0, NULL), publisher->head.seq);
    assert_non_null(network_state(&network, 3, 2, &feed));
    assert_non_null(strstr(feed.trouble, "bad-signature"));
    say(&network, "goes on");
    assert_true(network_run(&network, 5 * MINUTE, all_hold_it, NULL));
    /* All of it is there after a restart, too. */
    network_stop(&network, 3);
    network_start(&network, 3, false, false);
    check_keys(&network, 3, 5);
    say(&network, "goes on");
    assert_true(network_run(&network, MINUTE, all_hold_it, NULL));
    institution_finish(&old);
    buffer_finish(&entry);
    buffer_finish(&genesis);
    network_finish(&network);
}

/* Somebody who joins after rotations gets all of it, run by run. */
static void test_feeds__a_newcomer_catches_up_over_rotations(void **state)
{
    struct network network;
    struct buffer entry = {0};

    (void)state;
    chain_of_relays(&network, 62);
    network_stop(&network, 3);
    for (unsigned i = 0; i < 12; i++) {
        for (unsigned k = 0; k < i * 7; k++)
            say(&network, "between two rotations");
        buffer_clear(&entry);
        institution_certify(&network.nodes[0].institution, i % 4 == 3, &entry);
        give(&network, &entry);
    }
    network_new_store(&network, 3);
    network_start(&network, 3, false, false);
    assert_true(network_run(&network, 2 * MINUTE, all_hold_it, NULL));
    network_settle(&network);
    check_keys(&network, 3, 13);
    buffer_finish(&entry);
    network_finish(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feeds__the_odd_is_kept_and_handed_on_unchanged),
        cmocka_unit_test(test_feeds__a_rotation_is_followed),
        cmocka_unit_test(test_feeds__a_newcomer_catches_up_over_rotations),
    };

    return cmocka_run_group_tests_name("feeds", tests, NULL, NULL);
}
