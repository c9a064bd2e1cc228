/* What the operations tell of our keys, and what they hand to the node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/fields.h"
#include "node/ops/operations.h"
#include "proto/announcement.pb-c.h"
#include "tests/support/keys_world.h"

struct asked {
    struct buffer certificate;
    uint64_t after;
    unsigned certified, retired;
};

static struct asked asked;

static int certify(void *self, struct span certificate, const struct exchange_place *place,
                   struct exchange_published *out, struct error *error)
{
    (void)self, (void)error;
    buffer_clear(&asked.certificate);
    buffer_append(&asked.certificate, certificate.data, certificate.size);
    asked.after = place->after;
    asked.certified++;
    *out = (struct exchange_published){.seq = 77};
    return ERROR_NONE;
}

static int retire(void *self, struct error *error)
{
    (void)self;
    return asked.retired++ ? error_set(error, ERROR_NOT_FOUND, "no more") : ERROR_NONE;
}

static struct ops_context context_of(struct keys_world *world)
{
    return (struct ops_context){.exchange = world->base.exchange,
                                .store = world->base.store,
                                .network = INSTITUTION_NETWORK,
                                .feed = world->base.own.chain.feed,
                                .keys = {certify, retire, true, 2}};
}

static int run(struct keys_world *world, const char *name, const ProtobufCMessage *request,
               struct buffer *reply, struct error *error)
{
    struct ops_context context = context_of(world);
    int code;

    buffer_clear(reply);
    exchange_fixture_begin(&world->base);
    code = ops_run(ops_find(name), &context, request, reply, error);
    exchange_fixture_commit(&world->base);
    return code;
}

static Caravan__KeysReply *keys(struct keys_world *world, uint64_t after)
{
    Caravan__KeysRequest request = CARAVAN__KEYS_REQUEST__INIT;
    struct buffer reply = {0};
    Caravan__KeysReply *answer;

    request.has_after = true;
    request.after = after;
    assert_int_equal(run(world, "keys", &request.base, &reply, NULL), ERROR_NONE);
    answer = caravan__keys_reply__unpack(NULL, reply.size, reply.data);
    assert_non_null(answer);
    buffer_finish(&reply);
    return answer;
}

static void publish(struct keys_world *world, const char *text)
{
    Caravan__LocalizedText title = CARAVAN__LOCALIZED_TEXT__INIT, *titles[] = {&title};
    Caravan__Announcement announcement = CARAVAN__ANNOUNCEMENT__INIT;
    struct exchange_published published;
    struct buffer content = {0};

    title.text = (char *)(uintptr_t)text;
    announcement.title = titles;
    announcement.n_title = 1;
    assert_true(fields_pack(&announcement.base, &content));
    exchange_fixture_begin(&world->base);
    assert_int_equal(exchange_publish(world->base.exchange,
                                      CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT,
                                      buffer_span(&content), NULL, &published, NULL),
                     ERROR_NONE);
    exchange_fixture_commit(&world->base);
    buffer_finish(&content);
}

/* Our next certificate, behind No. after. */
static void rotate(struct keys_world *world, uint64_t after)
{
    struct exchange_published published;
    struct buffer unused = {0};

    keys_world_certify(&world->base.own, &unused);
    exchange_fixture_begin(&world->base);
    assert_int_equal(
        exchange_certify(
            world->base.exchange,
            buffer_span(&world->base.own.chain.encoded[world->base.own.chain.count - 1]),
            world->base.own.node, &(struct exchange_place){.after = after}, &published, NULL),
        ERROR_NONE);
    exchange_fixture_commit(&world->base);
    buffer_finish(&unused);
}

static void test_ops_keys__tells_what_is_in_force_and_who_knows_it(void **state)
{
    struct keys_world *world = *state;
    Caravan__KeysReply *answer;

    keys_world_add_partner(world);
    answer = keys(world, 0);
    assert_int_equal(answer->base_number, 1);
    assert_int_equal(answer->n_certificate, 1);
    assert_int_equal(answer->certificate[0]->seq, 1);
    assert_false(answer->certificate[0]->by_recovery);
    assert_true(answer->former_transport);
    assert_int_equal(answer->former_sealing, 2);
    assert_int_equal(answer->n_partners, 1);
    assert_string_equal(answer->partners[0]->handle, "th-other");
    assert_false(answer->partners[0]->newest);
    assert_int_equal(answer->quarantined_total, 0);
    caravan__keys_reply__free_unpacked(answer, NULL);
}

static void test_ops_keys__names_what_was_put_aside(void **state)
{
    struct keys_world *world = *state;
    Caravan__KeysReply *answer;

    publish(world, "Ours");
    publish(world, "A thief's");
    publish(world, "Another one");
    rotate(world, 2);
    answer = keys(world, 0);
    assert_int_equal(answer->seq, 3);
    assert_int_equal(answer->base_number, 2);
    assert_int_equal(answer->certificate[1]->seq, 3);
    assert_int_equal(answer->quarantined_total, 2);
    assert_int_equal(answer->n_quarantined, 2);
    assert_string_equal(answer->quarantined[0]->title, "A thief's");
    assert_int_equal(answer->quarantined[0]->seq, 3);
    assert_string_equal(answer->quarantined[1]->title, "Another one");
    caravan__keys_reply__free_unpacked(answer, NULL);
    answer = keys(world, 2); /* in front of it certificate 1 is in force */
    assert_int_equal(answer->base_number, 1);
    caravan__keys_reply__free_unpacked(answer, NULL);
}

static void test_ops_keys__there_is_no_entry_behind_the_end(void **state)
{
    struct keys_world *world = *state;
    Caravan__KeysRequest request = CARAVAN__KEYS_REQUEST__INIT;
    Caravan__CertifyRequest other = CARAVAN__CERTIFY_REQUEST__INIT;
    struct buffer reply = {0};
    struct error error = {0};

    request.has_after = other.has_after = true;
    request.after = other.after = 2;
    assert_int_equal(run(world, "keys", &request.base, &reply, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "ends at No. 1"));
    asked.certified = 0;
    assert_int_equal(run(world, "certify", &other.base, &reply, &error), ERROR_NOT_FOUND);
    assert_int_equal(asked.certified, 0);
    buffer_finish(&reply);
}

static void test_ops_keys__hands_certificates_to_the_node(void **state)
{
    struct keys_world *world = *state;
    Caravan__CertifyRequest request = CARAVAN__CERTIFY_REQUEST__INIT;
    Caravan__CertifyReply *answer;
    struct buffer reply = {0};

    publish(world, "Ours");
    request.has_certificate = request.has_after = true;
    request.certificate = fields_binary(span_of_text("any bytes"));
    request.after = 1;
    assert_int_equal(run(world, "certify", &request.base, &reply, NULL), ERROR_NONE);
    assert_true(span_equal(buffer_span(&asked.certificate), span_of_text("any bytes")));
    assert_int_equal(asked.after, 1);
    answer = caravan__certify_reply__unpack(NULL, reply.size, reply.data);
    assert_int_equal(answer->number, 2);
    assert_int_equal(answer->seq, 77);
    caravan__certify_reply__free_unpacked(answer, NULL);
    buffer_finish(&reply);
    buffer_finish(&asked.certificate);
}

static void test_ops_keys__retires(void **state)
{
    struct keys_world *world = *state;
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    struct buffer reply = {0};

    asked.retired = 0;
    assert_int_equal(run(world, "retire", &request.base, &reply, NULL), ERROR_NONE);
    assert_int_equal(asked.retired, 1);
    assert_int_equal(run(world, "retire", &request.base, &reply, NULL), ERROR_NOT_FOUND);
    buffer_finish(&reply);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, keys_world_setup, keys_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_ops_keys__tells_what_is_in_force_and_who_knows_it),
        TEST(test_ops_keys__names_what_was_put_aside),
        TEST(test_ops_keys__there_is_no_entry_behind_the_end),
        TEST(test_ops_keys__hands_certificates_to_the_node),
        TEST(test_ops_keys__retires),
    };
#undef TEST

    return cmocka_run_group_tests_name("ops_keys", tests, NULL, NULL);
}
