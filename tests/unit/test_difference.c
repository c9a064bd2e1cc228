/* What has changed between two messages: every field of the schemas, real notices, lists, texts. */
#include "common/difference.h"

#include "common/announcement.h"
#include "common/codec.h"
#include "common/guard.h"
#include "common/limits.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNOUNCEMENT (&caravan__announcement__descriptor)

struct fixture {
    struct arena arena;
    struct difference_list list;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof fixture);
    arena_init(&fixture.arena, 8 * (size_t)LIMIT_ARENA_SIZE);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_finish(&f->arena);
    return 0;
}

static ProtobufCMessage *read_as(struct fixture *f, const ProtobufCMessageDescriptor *type,
                                 const char *yaml)
{
    struct problem_list problems = {0};
    ProtobufCMessage *message = NULL;

    if (codec_read_yaml(type, span_of_text(yaml), &f->arena, NULL, &message, &problems)) {
        struct buffer text = {0};

        problem_list_print(&problems, "yaml", &text);
        fail_msg("%s", buffer_text(&text));
    }
    problem_list_finish(&problems);
    return message;
}

static void find(struct fixture *f, const ProtobufCMessage *before, const ProtobufCMessage *after)
{
    assert_int_equal(difference_find(before, after, NULL, &f->arena, &f->list, NULL), ERROR_NONE);
}

static void compare(struct fixture *f, const char *before, const char *after)
{
    find(f, read_as(f, ANNOUNCEMENT, before), read_as(f, ANNOUNCEMENT, after));
}

static void assert_text(const char *found, const char *expected)
{
    if (!expected)
        assert_null(found);
    else if (!found)
        fail_msg("found nothing, expected %s", expected);
    else
        assert_string_equal(found, expected);
}

static void assert_change(const struct fixture *f, size_t index, const char *path,
                          const char *before, const char *after)
{
    assert_true(index < f->list.count);
    assert_string_equal(f->list.items[index].path, path);
    assert_text(f->list.items[index].before, before);
    assert_text(f->list.items[index].after, after);
}

static void assert_only(const struct fixture *f, const char *path, const char *before,
                        const char *after)
{
    for (size_t i = 1; i < f->list.count; i++)
        print_error("also: %s: %s -> %s\n", f->list.items[i].path, f->list.items[i].before,
                    f->list.items[i].after);
    assert_int_equal(f->list.count, 1);
    assert_change(f, 0, path, before, after);
}

/* --- what people read ------------------------------------------------------------------------- */

#define CALL                                                                                       \
    "kind: joint call\nlanguage: en\ntitle: {en: A call, zh: 联合项目征集}\n"                \
    "deadline: 2026-05-15 16:00 Asia/Bangkok\n"

static void test_difference__says_values_as_yaml_shows_them(void **state)
{
    struct fixture *f = *state;

    compare(f, CALL, CALL);
    assert_int_equal(f->list.count, 0);
    compare(f, CALL,
            "kind: joint call\nlanguage: en\ntitle: {en: A call, zh: 联合项目征集}\n"
            "deadline: 2026-06-15 16:00 Asia/Bangkok\n");
    assert_only(f, "deadline", "2026-05-15 16:00 Asia/Bangkok", "2026-06-15 16:00 Asia/Bangkok");
    compare(f, CALL, CALL "status: planned\n");
    assert_only(f, "status", NULL, "planned");
    compare(f, CALL "money: up to 1500000 CNY\n", CALL "money: up to 2000000 CNY\n");
    assert_only(f, "money", "up to 1500000 CNY", "up to 2000000 CNY");
    compare(f, CALL "project period: 2026-01 to 2027-12\n", CALL);
    assert_only(f, "project period", "2026-01 to 2027-12", NULL);
    compare(f, CALL "duration: 2 years\n", CALL "duration: 30 months\n");
    assert_only(f, "duration", "2 years", "30 months");
    compare(f, CALL "reference: \"\"\n", CALL);
    assert_only(f, "reference", "", NULL);
    compare(f, CALL "mirror application: true\n", CALL "mirror application: false\n");
    assert_only(f, "mirror application", "true", "false");
}

static void test_difference__goes_into_the_parts_of_a_list(void **state)
{
    struct fixture *f = *state;

    compare(f,
            "kind: joint call\nlanguage: en\nparties:\n"
            "- {name: NSFC, country: CN, money: up to 1500000 CNY}\n"
            "- {name: RSF, country: RU, money: up to 5000000 RUB, contact: {email: a@b.ru}}\n",
            "kind: joint call\nlanguage: en\nparties:\n"
            "- {name: NSFC, country: CN, money: up to 1500000 CNY}\n"
            "- {name: RSF, country: RU, money: up to 6000000 RUB, contact: {email: a@b.ru, phone: "
            "\"+74951234567\"}}\n");
    assert_int_equal(f->list.count, 2);
    assert_change(f, 0, "parties / RSF / money", "up to 5000000 RUB", "up to 6000000 RUB");
    assert_change(f, 1, "parties / RSF / contact / a@b.ru / phone", NULL, "+74951234567");
    compare(f,
            "kind: visit\nlanguage: en\ndeadline:\n- {what: full, at: 2026-05-15}\n"
            "- {what: result, at: 2026-09}\n",
            "kind: visit\nlanguage: en\ndeadline:\n- {what: full, at: 2026-05-16}\n"
            "- {what: result, at: 2026-09, text: by e-mail}\n");
    assert_int_equal(f->list.count, 2);
    assert_change(f, 0, "deadline / full", "2026-05-15", "2026-05-16");
    assert_change(f, 1, "deadline / result / text", NULL, "by e-mail");
}

static void test_difference__calls_an_insertion_one_change(void **state)
{
    struct fixture *f = *state;

    compare(f,
            "kind: visit\nlanguage: en\nparties:\n- {name: A, country: CN}\n"
            "- {name: C, country: TH}\n",
            "kind: visit\nlanguage: en\nparties:\n- {name: B, country: ZA}\n"
            "- {name: A, country: CN}\n- {name: C, country: TH}\n");
    assert_only(f, "parties / B", NULL, "name: B, country: ZA");
    compare(f, "kind: visit\nkeywords: [a, b, c, d]\n", "kind: visit\nkeywords: [a, c, d]\n");
    assert_only(f, "keywords", "b", NULL);
    compare(f, "kind: visit\nkeywords: [a, b, c]\n", "kind: visit\nkeywords: [a, x, c]\n");
    assert_only(f, "keywords", "b", "x");
    compare(f, "kind: visit\nlanguage: en\nhost duties: [a, b]\n",
            "kind: visit\nlanguage: en\nhost duties: [z, a, b]\n");
    assert_only(f, "host duties / 1", NULL, "z");
}

static void test_difference__tells_parties_apart(void **state)
{
    struct fixture *f = *state;

    /* Another institution in the same place: one has gone, one has come. */
    compare(f, "kind: visit\nlanguage: en\nparties: {name: A, country: CN, role: lead}\n",
            "kind: visit\nlanguage: en\nparties: {name: B, country: TH, role: lead}\n");
    assert_int_equal(f->list.count, 2);
    assert_change(f, 0, "parties / A", "name: A, country: CN, role: lead", NULL);
    assert_change(f, 1, "parties / B", NULL, "name: B, country: TH, role: lead");
    /* The same one under a new name, told by its feed, its ROR or its country. */
    compare(f, "kind: visit\nlanguage: en\nparties: {name: A, node id: 0a0b, country: CN}\n",
            "kind: visit\nlanguage: en\nparties: {name: B, node id: 0a0b, country: CN}\n");
    assert_only(f, "parties / A / name", "A", "B");
    compare(f, "kind: visit\nlanguage: en\nparties: {name: A, country: CN}\n",
            "kind: visit\nlanguage: en\nparties: {name: B, country: CN}\n");
    assert_only(f, "parties / A / name", "A", "B");
    /* Two of one country with their feeds are two. */
    compare(f, "kind: visit\nlanguage: en\nparties: {name: A, node id: 0a0b, country: CN}\n",
            "kind: visit\nlanguage: en\nparties: {name: B, node id: 0a0c, country: CN}\n");
    assert_int_equal(f->list.count, 2);
}

static void test_difference__calls_another_order_one_change(void **state)
{
    struct fixture *f = *state;

    compare(f,
            "kind: visit\nlanguage: en\nparties:\n- {name: A, country: CN}\n"
            "- {name: B, country: TH}\n",
            "kind: visit\nlanguage: en\nparties:\n- {name: B, country: TH}\n"
            "- {name: A, country: CN}\n");
    assert_only(f, "parties / order", "A, B", "B, A");
    compare(f, "kind: visit\nsdg: [1, 2, 3]\n", "kind: visit\nsdg: [3, 1, 2]\n");
    assert_only(f, "sdg / order", "1, 2, 3", "3, 1, 2");
    compare(f, "kind: visit\nlanguage: en\ntitle: {en: A, th: B}\n",
            "kind: visit\nlanguage: en\ntitle: {th: B, en: A}\n");
    assert_only(f, "title / order", "en, th", "th, en");
}

static void test_difference__names_the_languages_of_texts(void **state)
{
    struct fixture *f = *state;

    compare(f, CALL,
            "kind: joint call\nlanguage: en\ntitle: {en: A call, zh: 联合征集}\n"
            "deadline: 2026-05-15 16:00 Asia/Bangkok\n");
    assert_only(f, "title / zh", "联合项目征集", "联合征集");
    compare(f, CALL, CALL "summary: {en: Short, th: สั้น}\n");
    assert_int_equal(f->list.count, 2);
    assert_change(f, 0, "summary", NULL, "Short");
    assert_change(f, 1, "summary / th", NULL, "สั้น");
    compare(f, "kind: visit\nlanguage: en\ntitle: {en: A, th: B}\n",
            "kind: visit\nlanguage: en\ntitle: {en: A, th: {text: B, machine: true}}\n");
    assert_only(f, "title / th / machine", NULL, "true");
    /* The texts are in the languages that they were in. */
    compare(f, "kind: visit\nlanguage: en\ntitle: {en: A, th: B}\n",
            "kind: visit\nlanguage: th\ntitle: {en: A, th: B}\n");
    assert_only(f, "language", "en", "th");
    compare(f, "kind: visit\nlanguage: en\ntitle: A\n", "kind: visit\nlanguage: th\ntitle: A\n");
    assert_int_equal(f->list.count, 2);
    assert_change(f, 1, "title / en / lang", "en", "th");
}

/* Parts of announcements are compared by themselves, too: the terms of one side. */
static void test_difference__takes_the_language_of_a_part(void **state)
{
    static const char before[] = "name: {en: RSF, ru: РНФ}\nmoney: up to 5 RUB\n",
                      after[] = "name: {en: Fund, ru: Фонд}\nmoney: up to 6 RUB\n";
    struct fixture *f = *state;
    const ProtobufCMessage *a = read_as(f, &caravan__party__descriptor, before);
    const ProtobufCMessage *b = read_as(f, &caravan__party__descriptor, after);

    assert_int_equal(difference_find(a, b, "en", &f->arena, &f->list, NULL), ERROR_NONE);
    assert_int_equal(f->list.count, 3);
    assert_change(f, 0, "name", "RSF", "Fund");
    assert_change(f, 1, "name / ru", "РНФ", "Фонд");
    assert_change(f, 2, "money", "up to 5 RUB", "up to 6 RUB");
    find(f, a, b);
    assert_change(f, 0, "name / en", "RSF", "Fund");
}

static void test_difference__keeps_the_keys_of_the_kind_at_the_top(void **state)
{
    struct fixture *f = *state;

    compare(f, "kind: visit\nplaces: 3\nstay: [2 weeks]\n", "kind: tech offer\ntrl: 4\n");
    assert_int_equal(f->list.count, 4);
    assert_change(f, 0, "kind", "visit", "tech offer");
    assert_change(f, 1, "stay", "2 weeks", NULL);
    assert_change(f, 2, "places", "3", NULL);
    assert_change(f, 3, "trl", NULL, "4");
}

static void test_difference__writes_json(void **state)
{
    struct fixture *f = *state;
    struct buffer json = {0};

    compare(f, "kind: visit\nkeywords: [\"a\\\"b\"]\n", "kind: visit\nplaces: 2\n");
    assert_true(difference_write_json(&f->list, &json));
    assert_string_equal(buffer_text(&json),
                        "[{\"path\": \"keywords\", \"before\": \"a\\\"b\", \"after\": null}, "
                        "{\"path\": \"places\", \"before\": null, \"after\": \"2\"}]");
    buffer_clear(&json);
    compare(f, CALL, CALL);
    assert_true(difference_write_json(&f->list, &json));
    assert_string_equal(buffer_text(&json), "[]");
    buffer_finish(&json);
}

/* --- fields that this version does not know --------------------------------------------------- */

static ProtobufCMessage *unpack(struct fixture *f, const char *bytes, size_t size)
{
    ProtobufCMessage *message = NULL;

    assert_int_equal(guard_unpack(ANNOUNCEMENT, span_of(bytes, size), &guard_limits_content,
                                  &f->arena, &message, NULL),
                     ERROR_NONE);
    return message;
}

static void test_difference__sees_fields_that_it_does_not_know(void **state)
{
    struct fixture *f = *state;
    /* kind: visit; field 1000: "new"; in parties[1] field 900: 5 */
    static const char plain[] = "\x08\x01\x32\x00", more[] = "\x08\x01\x32\x00\xC2\x3E\x03new",
                      other[] = "\x08\x01\x32\x00\xC2\x3E\x03old",
                      inner[] = "\x08\x01\x32\x03\xA0\x38\x05";

    find(f, unpack(f, plain, 4), unpack(f, more, 10));
    assert_only(f, "fields that this version does not know", NULL, "No. 1000: 036e6577");
    find(f, unpack(f, more, 10), unpack(f, other, 10));
    assert_only(f, "fields that this version does not know", "No. 1000: 036e6577",
                "No. 1000: 036f6c64");
    find(f, unpack(f, plain, 2), unpack(f, inner, 7));
    assert_only(f, "parties", NULL, "{} (and 1 fields that this version does not know)");
}

/* --- every field of the schema ---------------------------------------------------------------- */

static void fill(ProtobufCMessage *message, const reflect_field *field, unsigned variant,
                 struct arena *arena);

static void fill_value(const reflect_field *field, void *slot, unsigned variant,
                       struct arena *arena)
{
    static const char *const texts[] = {"first", "second"};
    const ProtobufCEnumDescriptor *names = field->descriptor;
    const double numbers[] = {1.5, 2.5};
    const float small[] = {1.5f, 2.5f};
    uint64_t number = variant + 1;
    ProtobufCBinaryData *bytes = slot;
    ProtobufCMessage *inner;

    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: /* one field of it, in two variants */
        inner = reflect_new(field->descriptor, arena);
        fill(inner, &inner->descriptor->fields[0], variant, arena);
        *(ProtobufCMessage **)slot = inner;
        break;
    case PROTOBUF_C_TYPE_STRING:
        *(const char **)slot = texts[variant];
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes->data = (uint8_t *)(uintptr_t)texts[variant];
        bytes->len = 5;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int32_t *)slot = names->values[1 + variant].value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = variant == 0;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(slot, &numbers[variant], 8);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        memcpy(slot, &small[variant], 4);
        break;
    default:
        memcpy(slot, &number, reflect_size(field));
    }
}

static void fill(ProtobufCMessage *message, const reflect_field *field, unsigned variant,
                 struct arena *arena)
{
    fill_value(field, reflect_room(message, field, 1, arena), variant, arena);
}

/* The messages of an announcement, each once. */
static const ProtobufCMessageDescriptor *types[128];
static size_t type_count;

static void reach(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < type_count; i++)
        if (types[i] == type)
            return;
    assert_true(type_count < 128);
    types[type_count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            reach(type->fields[i].descriptor);
}

static ProtobufCMessage *message_with(const ProtobufCMessageDescriptor *type,
                                      const reflect_field *field, int variant, struct arena *arena)
{
    ProtobufCMessage *message = reflect_new(type, arena);

    if (variant >= 0)
        fill(message, field, (unsigned)variant, arena);
    return message;
}

/* What stands first in every path of this field; "" for the field that stands for the message. */
static void own_key(const ProtobufCMessageDescriptor *type, const reflect_field *field,
                    char key[CODEC_NAME_SIZE])
{
    *key = '\0';
    if (field != codec_main_field(type))
        codec_key(field, key);
}

static void check_path(const struct fixture *f, const ProtobufCMessageDescriptor *type,
                       const reflect_field *field)
{
    char key[CODEC_NAME_SIZE];
    const char *path = f->list.items[0].path;

    own_key(type, field, key);
    if (strncmp(path, key, strlen(key)) != 0)
        fail_msg("%s.%s: found the path %s", type->name, field->name, path);
    /* A value's own path is the key; only what is in a list or a message has more. */
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        assert_string_equal(path, key);
}

static void change_field(struct fixture *f, const ProtobufCMessageDescriptor *type,
                         const reflect_field *field)
{
    ProtobufCMessage *versions[3];

    for (int i = 0; i < 3; i++)
        versions[i] = message_with(type, field, i - 1, &f->arena);
    for (int from = 0; from < 3; from++)
        for (int to = 0; to < 3; to++) {
            const struct difference_change *change;

            find(f, versions[from], versions[to]);
            if (f->list.count != (from != to) &&
                !(field->descriptor == &caravan__party__descriptor && from && to))
                fail_msg("%s.%s from %d to %d: %zu changes", type->name, field->name, from, to,
                         f->list.count);
            if (from == to)
                continue;
            check_path(f, type, field);
            change = &f->list.items[0];
            assert_int_equal(change->before == NULL, from == 0);
            assert_int_equal(change->after == NULL,
                             to == 0 || (f->list.count == 2)); /* another party */
            if (change->before && change->after)
                assert_string_not_equal(change->before, change->after);
        }
}

static void test_difference__sees_a_change_of_every_field(void **state)
{
    struct fixture *f = *state;
    size_t fields = 0;

    reach(ANNOUNCEMENT);
    for (size_t i = 0; i < type_count; i++)
        for (unsigned k = 0; k < types[i]->n_fields; k++, fields++) {
            change_field(f, types[i], &types[i]->fields[k]);
            arena_finish(&f->arena);
            arena_init(&f->arena, LIMIT_ARENA_SIZE);
        }
    assert_in_range(type_count, 50, 128);
    assert_in_range(fields, 250, 1000);
}

/* --- real notices ----------------------------------------------------------------------------- */

static ProtobufCMessage *read_notice(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = arena_alloc(&f->arena, LIMIT_CONTENT_SIZE);
    size_t size;

    assert_non_null(file);
    size = fread(text, 1, LIMIT_CONTENT_SIZE - 1, file);
    fclose(file);
    text[size] = '\0';
    return read_as(f, ANNOUNCEMENT, text);
}

/* Each field of a real notice left out in turn: what is said is that field and no other. */
static void leave_out_each(struct fixture *f, ProtobufCMessage *notice)
{
    struct buffer packed = {0};

    assert_true(codec_pack(notice, &packed));
    for (unsigned i = 0; i < ANNOUNCEMENT->n_fields; i++) {
        const reflect_field *field = &ANNOUNCEMENT->fields[i];
        ProtobufCMessage *less = NULL;
        char key[CODEC_NAME_SIZE];

        if (field->label != PROTOBUF_C_LABEL_REPEATED || !reflect_count(notice, field))
            continue;
        assert_int_equal(guard_unpack(ANNOUNCEMENT, buffer_span(&packed), &guard_limits_content,
                                      &f->arena, &less, NULL),
                         ERROR_NONE);
        reflect_shrink(less, field, reflect_count(notice, field) - 1);
        find(f, notice, less);
        codec_key(field, key);
        assert_int_equal(f->list.count, 1);
        assert_memory_equal(f->list.items[0].path, key, strlen(key));
        assert_non_null(f->list.items[0].before);
        assert_null(f->list.items[0].after);
    }
    buffer_finish(&packed);
}

static void test_difference__compares_real_notices(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *last = NULL;
    glob_t files;

    assert_int_equal(
        glob(CARAVAN_SOURCE_DIR "/configs/demo/announcements/*/*.yaml", 0, NULL, &files), 0);
    assert_in_range(files.gl_pathc, 20, 1000);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        ProtobufCMessage *notice = read_notice(f, files.gl_pathv[i]);

        find(f, notice, notice);
        assert_int_equal(f->list.count, 0);
        if (last) {
            find(f, last, notice);
            assert_in_range(f->list.count, 1, 200);
        }
        leave_out_each(f, notice);
        last = notice;
    }
    globfree(&files);
}

/* --- hostile ---------------------------------------------------------------------------------- */

/* Lists of as many parts as pass the guard, in reverse: sorting, not comparing all with all. */
static void test_difference__is_bounded_for_long_lists(void **state)
{
    struct fixture *f = *state;
    struct buffer bytes[2] = {{0}, {0}};
    ProtobufCMessage *messages[2] = {NULL, NULL};

    for (int i = 0; i < 2000; i++)
        for (int side = 0; side < 2; side++) {
            char name[8];

            snprintf(name, sizeof name, "%04d", side ? i : 3000 - i);
            assert_true(buffer_append(&bytes[side], "\x9A\x01\x06\x2A\x04", 5)); /* money.paid_by */
            assert_true(buffer_append(&bytes[side], name, 4));
        }
    for (int side = 0; side < 2; side++)
        messages[side] = unpack(f, (const char *)bytes[side].data, bytes[side].size);
    find(f, messages[0], messages[1]);
    assert_in_range(f->list.count, 1000, 4001);
    buffer_finish(&bytes[0]);
    buffer_finish(&bytes[1]);
}

static void test_difference__keeps_paths_short(void **state)
{
    struct fixture *f = *state;
    struct buffer yaml = {0}, marks = {0};

    for (int i = 0; i < 5000; i++)
        assert_true(buffer_append_text(&marks, "\xE0\xB8\xB4")); /* a Thai vowel, no column */
    assert_true(buffer_printf(&yaml,
                              "kind: visit\nlanguage: th\nparties: {name: x%s, role: lead}\n",
                              buffer_text(&marks)));
    find(f, read_as(f, ANNOUNCEMENT, buffer_text(&yaml)),
         read_as(f, ANNOUNCEMENT, "kind: visit\nlanguage: th\n"));
    assert_int_equal(f->list.count, 1);
    assert_in_range(strlen(f->list.items[0].path), 20, 250);
    compare(f, "kind: visit\nlanguage: en\nparties: {name: \"\\e[31mred\", role: lead}\n",
            "kind: visit\nlanguage: en\nparties: {name: \"\\e[31mred\"}\n");
    assert_only(f, "parties / \\x1b[31mred / role", "lead", NULL);
    buffer_finish(&yaml);
    buffer_finish(&marks);
}

static void test_difference__survives_every_failing_allocation(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *a = read_as(
        f, ANNOUNCEMENT,
        CALL "parties:\n- {name: A, country: CN, money: up to 5 CNY}\n- {name: B, country: TH}\n"
             "keywords: [a, b]\n");
    ProtobufCMessage *b = read_as(
        f, ANNOUNCEMENT,
        "kind: visit\nlanguage: en\nparties:\n- {name: B, country: TH}\n- {name: A, country: CN, "
        "money: up to 6 CNY}\nkeywords: [a, c, d]\nplaces: 2\n");
    unsigned long failures = 0;

    for (unsigned long n = 1;; n++) {
        struct difference_list list = {0};
        struct error error = {0};
        struct buffer json = {0};
        struct arena arena;
        bool ok, hit;

        arena_init(&arena, LIMIT_ARENA_SIZE);
        fault_arm(n);
        ok = difference_find(a, b, NULL, &arena, &list, &error) == ERROR_NONE &&
             difference_write_json(&list, &json);
        hit = fault_disarm();
        arena_finish(&arena);
        buffer_finish(&json);
        failures += !ok;
        assert_true(ok || hit);
        if (!hit)
            break;
    }
    assert_in_range(failures, 20, 100000);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* "same [before|after] same" */
static void assert_pieces(struct fixture *f, const char *before, const char *after,
                          const char *expected)
{
    struct difference_piece *pieces = NULL;
    struct buffer said = {0};
    size_t count = 0;

    assert_true(difference_text(before, after, &f->arena, &pieces, &count));
    for (size_t i = 0; i < count; i++) {
        const struct difference_piece *piece = &pieces[i];

        if (piece->same)
            assert_true(span_equal(piece->before, piece->after));
        assert_true(buffer_append_text(&said, piece->same ? "" : "[") &&
                    buffer_append(&said, piece->before.data, piece->before.size));
        if (!piece->same)
            assert_true(buffer_append_text(&said, "|") &&
                        buffer_append(&said, piece->after.data, piece->after.size) &&
                        buffer_append_text(&said, "]"));
    }
    assert_string_equal(buffer_text(&said), expected);
    buffer_finish(&said);
}

static void test_difference_text__finds_words(void **state)
{
    struct fixture *f = *state;

    assert_pieces(f, "", "", "");
    assert_pieces(f, "a", "a", "a");
    assert_pieces(f, "", "a", "[|a]");
    assert_pieces(f, "Applications close on 15 May, at noon.",
                  "Applications close on 16 May, at one.",
                  "Applications close on [15|16] May, at [noon|one].");
    assert_pieces(f, "one two three", "one three", "one [two |]three");
    assert_pieces(f, "Срок: 15 мая", "Срок: 16 июня", "Срок: [15 мая|16 июня]");
}

static void test_difference_text__keeps_letters_whole(void **state)
{
    struct fixture *f = *state;

    assert_pieces(f, "联合实验室将于五月开放申请", "联合实验室将于六月开放申请",
                  "联合实验室将于[五|六]月开放申请");
    /* Thai: the vowel and the tone mark stay on their letter. */
    assert_pieces(f, "ทุนวิจัยที่", "ทุนวิจัยที", "ทุนวิจัย[ที่|ที]");
    /* Sinhala: words; a joiner holds letters together. */
    assert_pieces(f, "ශ්‍රී ලංකාව", "ශ්‍රී ලංකා",
                  "ශ්‍රී [ලංකාව|ලංකා]");
    assert_pieces(f,
                  "a\xFF"
                  "b",
                  "a\xFE"
                  "b",
                  "a[\xFF|\xFE]b");
}

static void test_difference_text__is_bounded(void **state)
{
    struct fixture *f = *state;
    struct difference_piece *pieces = NULL;
    struct buffer texts[2] = {{0}, {0}};
    size_t count = 0;

    for (int i = 0; i < 6000; i++)
        for (int side = 0; side < 2; side++)
            assert_true(buffer_printf(&texts[side], "%d ", (i * 7919 + side * 104729) % 65537));
    assert_true(difference_text(buffer_text(&texts[0]), buffer_text(&texts[1]), &f->arena, &pieces,
                                &count));
    assert_in_range(count, 1, 3);
    buffer_finish(&texts[0]);
    buffer_finish(&texts[1]);
}

static void test_difference_text__survives_every_failing_allocation(void **state)
{
    unsigned long failures = 0;

    (void)state;
    for (unsigned long n = 1;; n++) {
        struct difference_piece *pieces;
        struct arena arena;
        size_t count;
        bool ok, hit;

        arena_init(&arena, LIMIT_ARENA_SIZE);
        fault_arm(n);
        ok = difference_text("one two three four", "one 2 three 4", &arena, &pieces, &count);
        hit = fault_disarm();
        arena_finish(&arena);
        failures += !ok;
        assert_true(ok || hit);
        if (!hit)
            break;
    }
    assert_in_range(failures, 2, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_difference__says_values_as_yaml_shows_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__goes_into_the_parts_of_a_list, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__calls_an_insertion_one_change, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__tells_parties_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference__calls_another_order_one_change, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__names_the_languages_of_texts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__takes_the_language_of_a_part, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__keeps_the_keys_of_the_kind_at_the_top,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference__writes_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference__sees_fields_that_it_does_not_know, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__sees_a_change_of_every_field, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__compares_real_notices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference__is_bounded_for_long_lists, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference__keeps_paths_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference__survives_every_failing_allocation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference_text__finds_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference_text__keeps_letters_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_difference_text__is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_difference_text__survives_every_failing_allocation,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
