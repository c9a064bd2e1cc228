/* Operations as the control link sees them: requests and replies as bytes, and the table of them.
 * What each does is tested in test_ops_*.c. */
#include "tests/sim/ops_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/fields.h"
#include "common/filter.h"
#include "common/limits.h"

static void assert_unreadable(struct ops_world *world, struct span bytes, enum error_code expected,
                              const char *part)
{
    const struct ops_operation *operation;
    ProtobufCMessage *request;
    struct error error = {0};
    uint64_t id;

    assert_int_equal(ops_read(bytes, &world->arena, &id, &operation, &request, &error), expected);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
}

static void test_operations__broken_control_messages_get_their_own_errors(void **state)
{
    struct ops_world *world = *state;
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;
    struct buffer bytes = {0};

    assert_unreadable(world, span_of_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                      ERROR_MALFORMED, "control request");
    assert_unreadable(world, span_of_text("\x12\x05lis"), ERROR_MALFORMED, "byte");
    assert_unreadable(world, span_of_text("\x12\x02\xff\xfe"), ERROR_INVALID, "\"??\"");
    assert_unreadable(world, span_of(NULL, 0), ERROR_MALFORMED, "found no operation");
    assert_unreadable(world, span_of_text("\x12\x04lisp"), ERROR_INVALID, "\"lisp\"");
    message.operation = "list";
    message.has_request = 1;
    message.request = fields_binary(span_of_text("\x0a\x7f"));
    assert_true(fields_pack(&message.base, &bytes));
    assert_unreadable(world, buffer_span(&bytes), ERROR_MALFORMED, "request of \"list\"");
    buffer_finish(&bytes);
}

/* What asks only is refused before it is unpacked when it is larger than any such request need be;
 * what carries something may be as large as a message. */
static void test_operations__requests_that_only_read_have_a_size_of_their_own(void **state)
{
    struct ops_world *world = *state;
    Caravan__ControlRequest message = CARAVAN__CONTROL_REQUEST__INIT;
    Caravan__ListRequest list = CARAVAN__LIST_REQUEST__INIT;
    Caravan__Filter filter = CARAVAN__FILTER__INIT;
    char handle[] = "th-institution-of-a-long-handle1", country[] = "TH", science[] = "2.11";
    uint32_t kinds[FILTER_VALUES];
    char *handles[FILTER_VALUES], *countries[FILTER_VALUES], *sciences[FILTER_VALUES];
    const struct ops_operation *operation;
    ProtobufCMessage *request;
    struct buffer bytes = {0}, filled = {0};
    struct error error = {0};
    uint64_t id;

    assert_int_equal(strlen(handle), LIMIT_HANDLE_SIZE);
    for (size_t i = 0; i < FILTER_VALUES; i++) {
        handles[i] = handle;
        countries[i] = country;
        sciences[i] = science;
        kinds[i] = UINT32_MAX;
    }
    filter.n_kind = filter.n_country = filter.n_field_of_science = filter.n_handle = FILTER_VALUES;
    filter.kind = kinds;
    filter.country = countries;
    filter.field_of_science = sciences;
    filter.handle = handles;
    list.filter = &filter;
    assert_true(fields_pack(&list.base, &filled));
    message.operation = "list";
    message.has_request = 1;
    message.request = fields_binary(buffer_span(&filled));
    assert_true(fields_pack(&message.base, &bytes));
    assert_int_equal(
        ops_read(buffer_span(&bytes), &world->arena, &id, &operation, &request, &error), 0);
    while (filled.size <= LIMIT_READING_SIZE)
        assert_true(buffer_append(&filled, "\xc2\x3e\x01\x00", 4)); /* unknown field 1000 */
    message.request = fields_binary(buffer_span(&filled));
    buffer_clear(&bytes);
    assert_true(fields_pack(&message.base, &bytes));
    assert_unreadable(world, buffer_span(&bytes), ERROR_TOO_LARGE, "\"list\": found 8");
    message.operation = "status";
    buffer_clear(&bytes);
    assert_true(fields_pack(&message.base, &bytes));
    assert_unreadable(world, buffer_span(&bytes), ERROR_TOO_LARGE, "\"status\": found 8");
    message.operation = "withdraw";
    message.request = fields_binary(span_of(filled.data + filled.size - 4, 4));
    buffer_clear(&bytes);
    assert_true(fields_pack(&message.base, &bytes));
    assert_int_equal(
        ops_read(buffer_span(&bytes), &world->arena, &id, &operation, &request, &error), 0);
    buffer_finish(&bytes);
    buffer_finish(&filled);
}

static void test_operations__every_row_can_be_found_and_run(void **state)
{
    (void)state;
    for (const struct ops_operation *row = ops_operations; row->name; row++) {
        assert_ptr_equal(ops_find(row->name), row);
        assert_non_null(row->request);
        assert_non_null(row->reply);
        assert_non_null(row->run);
        assert_non_null(row->method);
        assert_int_equal(row->path[0], '/');
        for (const struct ops_operation *other = ops_operations; other != row; other++)
            assert_false(strcmp(row->path, other->path) == 0 &&
                         strcmp(row->method, other->method) == 0);
    }
    assert_null(ops_find("no such"));
}

static void test_operations__errors_travel_as_code_and_sentence(void **state)
{
    struct error error;
    struct buffer bytes = {0};
    Caravan__ControlReply *reply;

    (void)state;
    error_set(&error, ERROR_HELD, "wait");
    assert_true(ops_write(7, span_of(NULL, 0), &error, &bytes));
    reply = caravan__control_reply__unpack(NULL, bytes.size, bytes.data);
    assert_int_equal(reply->id, 7);
    assert_string_equal(reply->error, "held");
    assert_string_equal(reply->text, "wait");
    assert_false(reply->has_reply);
    caravan__control_reply__free_unpacked(reply, NULL);
    buffer_clear(&bytes);
    assert_true(ops_write(8, span_of_text("abc"), NULL, &bytes));
    reply = caravan__control_reply__unpack(NULL, bytes.size, bytes.data);
    assert_null(reply->error);
    assert_int_equal(reply->reply.len, 3);
    caravan__control_reply__free_unpacked(reply, NULL);
    buffer_finish(&bytes);
}

/* --- backup and dial -------------------------------------------------------------------------- */

static void test_operations__backup_wants_an_absolute_path(void **state)
{
    struct ops_world *world = *state;
    Caravan__BackupRequest message = CARAVAN__BACKUP_REQUEST__INIT;

    message.file = "here";
    ops_world_assert_refused(world, "backup", &message.base, ERROR_INVALID, "absolute");
    message.file = "/there";
    assert_int_equal(
        ((Caravan__BackupReply *)ops_world_call(world, 0, "backup", &message.base))->size, 6);
}

static void test_operations__dial_asks_once_and_waits(void **state)
{
    struct ops_world *world = *state;
    Caravan__DialRequest message = CARAVAN__DIAL_REQUEST__INIT;
    int code;

    message.handle = "cn-three";
    ops_world_assert_refused(world, "dial", &message.base, ERROR_NOT_FOUND, "cn-three");
    message.handle = NULL;
    world->last_try = false;
    assert_null(ops_world_call_code(world, 0, "dial", &message.base, &code));
    assert_int_equal(code, OPS_WAIT);
    network_stop(&world->network, 1);
    network_sleep(&world->network, 1000);
    world->last_try = true;
    ops_world_assert_refused(world, "dial", &message.base, ERROR_BUSY, "no partner is connected");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_operations__##name, ops_world_setup, ops_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(broken_control_messages_get_their_own_errors),
        TEST(requests_that_only_read_have_a_size_of_their_own),
        TEST(every_row_can_be_found_and_run),
        TEST(errors_travel_as_code_and_sentence),
        TEST(backup_wants_an_absolute_path),
        TEST(dial_asks_once_and_waits),
    };
    return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
