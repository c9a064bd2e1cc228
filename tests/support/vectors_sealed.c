#include "tests/support/vectors.h"

#include "common/wire.h"
#include "tests/support/institution.h"
#include "tests/support/sealing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS 2

/* Institution 1 publishes, 2 and 3 read. */
struct scene {
    struct institution publisher, readers[READERS];
    struct seal_key key; /* K */
    struct span announcement;
    struct buffer packed, sealed; /* SealedContent, Sealed */
};

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "vectors: %s failed\n", what);
    abort();
}

/* --- writing lines --------------------------------------------------------------------------- */

static void put_hex(struct buffer *out, const char *name, struct span value)
{
    char *hex = malloc(2 * value.size + 1);

    must(hex != NULL, "memory");
    bytes_to_hex(value.data, value.size, hex);
    must(buffer_printf(out, "%s = %s\n", name, hex), "memory");
    free(hex);
}

static void put_id(struct buffer *out, const char *name, const struct id *id)
{
    put_hex(out, name, span_of_id(id));
}

static void put_title(struct buffer *out, const char *title)
{
    must(buffer_printf(out, "\n# %s\n", title), "memory");
}

/* --- one content, step by step --------------------------------------------------------------- */

static void make_scene(struct scene *scene, struct span announcement)
{
    struct seal_reader audience[READERS];
    struct seal_draft draft = {.network = INSTITUTION_NETWORK,
                               .content_type = 4,
                               .content = announcement,
                               .audience = audience,
                               .audience_count = READERS};
    uint64_t count = 0;
    struct seal_random random = sealing_random(&count);
    struct seal_opened opened;

    *scene = (struct scene){.announcement = announcement};
    institution_init(&scene->publisher, 1);
    for (uint8_t i = 0; i < READERS; i++) {
        institution_init(&scene->readers[i], (uint8_t)(2 + i));
        audience[i].feed = scene->readers[i].chain.feed;
        audience[i].sealing_key = *secret_public(scene->readers[i].sealing);
    }
    draft.feed = scene->publisher.chain.feed;
    draft.sealing_key = *secret_public(scene->publisher.sealing);
    must(seal_make_with(&draft, &random, &scene->sealed, &scene->key, NULL) == 0, "sealing");
    must(seal_open(buffer_span(&scene->sealed), INSTITUTION_NETWORK, &draft.feed,
                   &scene->readers[0].sealing, 1, &opened, NULL) == 0,
         "opening");
    must(buffer_append(&scene->packed, opened.content.data, opened.content.size), "memory");
    seal_opened_finish(&opened);
}

static void finish_scene(struct scene *scene)
{
    institution_finish(&scene->publisher);
    for (int i = 0; i < READERS; i++)
        institution_finish(&scene->readers[i]);
    buffer_finish(&scene->packed);
    buffer_finish(&scene->sealed);
}

/* The ephemeral secret is the second that is drawn. */
static void draw_ephemeral(struct sealing *sealing)
{
    uint64_t count = 1;
    struct seal_random random = sealing_random(&count);

    random.fill(random.self, sealing->scalar, sizeof sealing->scalar);
}

static void put_recipient(struct buffer *out, const struct sealing *parts, const char *who,
                          const struct id *sealing_key)
{
    uint8_t key[SEAL_KEY_SIZE], tag[SEALING_TAG_SIZE];
    char name[64];

    sealing_wrap(parts, sealing_key, key, tag);
    snprintf(name, sizeof name, "sealed.%s.wrap", who);
    put_hex(out, name, span_of(key, sizeof key));
    snprintf(name, sizeof name, "sealed.%s.tag", who);
    put_hex(out, name, span_of(tag, sizeof tag));
}

static void put_readers(struct buffer *out, const struct scene *scene)
{
    char name[64];

    for (int i = 0; i < READERS; i++) {
        const struct institution *reader = &scene->readers[i];

        snprintf(name, sizeof name, "sealed.reader.%d.feed", i + 1);
        put_id(out, name, &reader->chain.feed);
        snprintf(name, sizeof name, "sealed.reader.%d.secret", i + 1);
        put_hex(out, name, span_of(secret_bytes(reader->sealing), 32));
        snprintf(name, sizeof name, "sealed.reader.%d.public", i + 1);
        put_id(out, name, secret_public(reader->sealing));
    }
}

static void put_steps(struct buffer *out, const struct scene *scene)
{
    const struct id *feed = &scene->publisher.chain.feed;
    uint8_t box_key[SEAL_KEY_SIZE];
    struct buffer associated = {0};
    struct sealing parts;

    sealing_read(&parts, INSTITUTION_NETWORK, feed, buffer_span(&scene->sealed));
    draw_ephemeral(&parts);
    put_hex(out, "sealed.content", scene->announcement);
    put_hex(out, "sealed.packed", buffer_span(&scene->packed));
    put_hex(out, "sealed.key", span_of(scene->key.bytes, SEAL_KEY_SIZE));
    put_id(out, "sealed.commitment", &parts.commitment);
    put_hex(out, "sealed.ephemeral.secret", span_of(parts.scalar, sizeof parts.scalar));
    put_id(out, "sealed.ephemeral.public", &parts.ephemeral);
    put_recipient(out, &parts, "publisher", secret_public(scene->publisher.sealing));
    put_recipient(out, &parts, "reader.1", secret_public(scene->readers[0].sealing));
    put_recipient(out, &parts, "reader.2", secret_public(scene->readers[1].sealing));
    sealing_derive(&parts, scene->key.bytes, "seal key", span_of(NULL, 0), box_key);
    put_hex(out, "sealed.box_key", span_of(box_key, sizeof box_key));
    sealing_associate(&parts, "seal box", &associated);
    put_hex(out, "sealed.box_associated", buffer_span(&associated));
    buffer_clear(&associated);
    sealing_associate(&parts, "seal slot", &associated);
    put_hex(out, "sealed.slot_associated", buffer_span(&associated));
    put_hex(out, "sealed.bytes", buffer_span(&scene->sealed));
    buffer_finish(&associated);
    sealing_finish(&parts);
}

/* --- Sealed bytes to be judged --------------------------------------------------------------- */

/* A Sealed for reader 1 with one thing odd about it. */
struct odd {
    const char *name, *verdict;
    const char *network; /* that it is made for; NULL: the right one */
    bool other_feed;     /* made for the feed of reader 2 */
    bool other_reader;   /* the slot is for reader 2 */
    bool other_key;      /* the slot wraps another key than K */
    bool second_slot;    /* one more for reader 1, with another key */
    bool weak_ephemeral;
    int change;        /* a bit in: */
    size_t slots;      /* their size; 0: 8 */
    size_t padded;     /* 0: 4096 */
    size_t box_cut;    /* bytes that the box is too short by */
    uint8_t pad_begin; /* 0: 0x80 */
    const char *more;  /* a field behind the others */
    size_t more_size;
};

enum { CHANGE_NOTHING, CHANGE_COMMITMENT, CHANGE_SLOT, CHANGE_BOX };

static void put_odd_box(struct sealing *sealing, const struct odd *odd, const struct scene *scene)
{
    struct buffer padded = {0};

    sealing_pad(buffer_span(&scene->packed), odd->padded ? odd->padded : LIMIT_SEAL_PAD_LEAST,
                &padded);
    if (odd->pad_begin)
        padded.data[scene->packed.size] = odd->pad_begin;
    sealing_put_box(sealing, &scene->key, buffer_span(&padded));
    sealing->box.size -= odd->box_cut;
    buffer_finish(&padded);
}

static void put_odd_slots(struct sealing *sealing, const struct odd *odd, const struct scene *scene)
{
    static const struct seal_key other = {{0xee}};
    const struct id *reader = secret_public(scene->readers[odd->other_reader ? 1 : 0].sealing);

    if (odd->second_slot)
        sealing_put_slot(sealing, 1, reader, &other);
    sealing_put_slot(sealing, 3, reader, odd->other_key ? &other : &scene->key);
    if (odd->slots)
        sealing->slots_size = odd->slots;
}

static void change_bit(struct sealing *sealing, int where)
{
    if (where == CHANGE_COMMITMENT)
        sealing->commitment.bytes[31] ^= 1;
    else if (where == CHANGE_SLOT)
        sealing->slots[3 * LIMIT_SEAL_SLOT_SIZE + SEALING_TAG_SIZE] ^= 1;
    else if (where == CHANGE_BOX)
        sealing->box.data[100] ^= 1;
}

static void put_odd(struct buffer *out, const struct odd *odd, const struct scene *scene)
{
    const struct institution *feed_of = odd->other_feed ? &scene->readers[1] : &scene->publisher;
    struct buffer bytes = {0};
    struct sealing sealing;
    char name[96];

    sealing_init(&sealing, odd->network ? odd->network : INSTITUTION_NETWORK, &feed_of->chain.feed,
                 &scene->key);
    put_odd_slots(&sealing, odd, scene);
    put_odd_box(&sealing, odd, scene);
    change_bit(&sealing, odd->change);
    if (odd->weak_ephemeral)
        memset(sealing.ephemeral.bytes, 0, sizeof sealing.ephemeral.bytes);
    must(buffer_append(&sealing.more, odd->more, odd->more_size), "memory");
    sealing_write(&sealing, &bytes);
    snprintf(name, sizeof name, "sealed_judge.%s.%s", odd->verdict, odd->name);
    put_hex(out, name, buffer_span(&bytes));
    buffer_finish(&bytes);
    sealing_finish(&sealing);
}

/* A box that opens with two keys, to two texts, while the commitment names only one of them:
 * reader 1 gets the other. */
static void put_double(struct buffer *out, const struct scene *scene)
{
    struct seal_key other = {{0xee}};
    struct buffer bytes = {0};
    struct sealing sealing;

    sealing_init(&sealing, INSTITUTION_NETWORK, &scene->publisher.chain.feed, &scene->key);
    sealing_put_double_box(&sealing, &scene->key, &other);
    sealing_put_slot(&sealing, 3, secret_public(scene->readers[0].sealing), &other);
    sealing_put_slot(&sealing, 4, secret_public(scene->readers[1].sealing), &scene->key);
    sealing_write(&sealing, &bytes);
    put_hex(out, "sealed_judge.broken.second_key_of_a_box_for_two", buffer_span(&bytes));
    buffer_finish(&bytes);
    sealing_finish(&sealing);
}

#define MORE(bytes) .more = bytes, .more_size = sizeof bytes - 1

static const struct odd odds[] = {
    {"plain", "opens", .change = CHANGE_NOTHING},
    {"unknown_field", "opens", MORE("\xa2\x06\x02hi")},
    {"second_slot_with_other_key", "opens", .second_slot = true},
    {"other_network", "not-for-us", .network = "silkroad"},
    {"other_feed", "not-for-us", .other_feed = true},
    {"other_reader", "not-for-us", .other_reader = true},
    {"commitment_bit", "not-for-us", .change = CHANGE_COMMITMENT},
    {"slot_bit", "not-for-us", .change = CHANGE_SLOT},
    {"key_not_committed", "broken", .other_key = true},
    {"box_bit", "broken", .change = CHANGE_BOX},
    {"padding_begins_with_81", "broken", .pad_begin = 0x81},
    {"padding_one_step_too_long", "broken", .padded = 5120},
    {"slots_7", "malformed", .slots = 7 * LIMIT_SEAL_SLOT_SIZE},
    {"slots_12", "malformed", .slots = 12 * LIMIT_SEAL_SLOT_SIZE},
    {"slots_4", "malformed", .slots = 4 * LIMIT_SEAL_SLOT_SIZE},
    {"slots_cut_off", "malformed", .slots = 8 * LIMIT_SEAL_SLOT_SIZE - 1},
    {"box_3072", "malformed", .padded = 3072},
    {"box_cut_off", "malformed", .box_cut = 1},
    {"box_empty", "malformed", .box_cut = 4096 + 16},
    {"ephemeral_small_order", "malformed", .weak_ephemeral = true},
    {"ephemeral_twice", "malformed", MORE("\x0a\x00")},
    {"commitment_as_number", "malformed", MORE("\x10\x01")},
};

static void put_odds(struct buffer *out, const struct scene *scene)
{
    put_title(out,
              "Sealed bytes in the feed of institution 1 to be judged by reader 1, who has one "
              "key:\n# sealed_judge.<verdict>.<what is odd>; those that open give "
              "sealed.packed");
    for (size_t i = 0; i < sizeof odds / sizeof odds[0]; i++)
        put_odd(out, &odds[i], scene);
    put_double(out, scene);
}

/* --- SealedContent bytes to be judged -------------------------------------------------------- */

struct odd_content {
    const char *name, *verdict;
    uint64_t type;        /* UINT64_MAX: absent */
    const char *audience; /* 'a' reader, in order: '1', '2'; 'p' the publisher, 's' 31 bytes */
    bool type_twice, no_content;
};

static const struct odd_content odd_contents[] = {
    {"plain", "ok", 4, .audience = "12"},
    {"least", "ok", 4, .audience = "1", .no_content = true},
    {"unknown_type", "ok", 4000000000, .audience = "1"},
    {"type_absent", "malformed", UINT64_MAX, .audience = "1"},
    {"type_zero", "malformed", 0, .audience = "1"},
    {"type_twice", "malformed", 4, .audience = "1", .type_twice = true},
    {"type_over_32_bits", "malformed", 4294967300, .audience = "1"},
    {"certificate", "malformed", 1, .audience = "1"},
    {"profile", "malformed", 2, .audience = "1"},
    {"endpoints", "malformed", 3, .audience = "1"},
    {"vouch", "malformed", 10, .audience = "1"},
    {"erasure", "malformed", 11, .audience = "1"},
    {"sealed", "malformed", 13, .audience = "1"},
    {"audience_absent", "malformed", 4, .audience = ""},
    {"audience_not_ascending", "malformed", 4, .audience = "21"},
    {"audience_twice", "malformed", 4, .audience = "11"},
    {"audience_with_publisher", "malformed", 4, .audience = "p"},
    {"audience_short", "malformed", 4, .audience = "s"},
};

/* The readers in ascending order of their feeds: '1', then '2'. */
static struct span named(const struct scene *scene, char who)
{
    const struct id *first = &scene->readers[0].chain.feed, *second = &scene->readers[1].chain.feed;
    bool swapped = id_compare(first, second) > 0;

    switch (who) {
    case '1':
        return span_of_id(swapped ? second : first);
    case '2':
        return span_of_id(swapped ? first : second);
    case 's':
        return span_of(first, 31);
    default:
        return span_of_id(&scene->publisher.chain.feed);
    }
}

static void put_odd_content(struct buffer *out, const struct odd_content *odd,
                            const struct scene *scene)
{
    struct buffer bytes = {0};
    bool done = odd->type == UINT64_MAX || wire_put_number(&bytes, 1, odd->type);
    char name[96];

    if (odd->type_twice)
        done = done && wire_put_number(&bytes, 1, odd->type);
    if (!odd->no_content)
        done = done && wire_put_bytes(&bytes, 2, span_of_text("call"));
    for (const char *who = odd->audience; *who; who++)
        done = done && wire_put_bytes(&bytes, 3, named(scene, *who));
    if (!odd->no_content)
        done = done && wire_put_number(&bytes, 4, 1);
    must(done, "memory");
    snprintf(name, sizeof name, "sealed_content_judge.%s.%s", odd->verdict, odd->name);
    put_hex(out, name, buffer_span(&bytes));
    buffer_finish(&bytes);
}

static void put_odd_contents(struct buffer *out, const struct scene *scene)
{
    put_title(out, "SealedContent bytes from the feed of institution 1 to be judged:\n# "
                   "sealed_content_judge.<verdict>.<what is odd>");
    for (size_t i = 0; i < sizeof odd_contents / sizeof odd_contents[0]; i++)
        put_odd_content(out, &odd_contents[i], scene);
}

void vectors_write_sealed(struct span announcement, struct buffer *out)
{
    struct scene scene;

    make_scene(&scene, announcement);
    put_title(out, "a sealed content in the feed of institution 1, whose sealing key is above, for "
                   "two readers");
    put_readers(out, &scene);
    put_steps(out, &scene);
    put_odds(out, &scene);
    put_odd_contents(out, &scene);
    finish_scene(&scene);
}
