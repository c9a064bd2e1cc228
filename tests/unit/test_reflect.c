/* Messages by their descriptors: laying one over another. */
#include "common/reflect.h"

#include "common/codec.h"
#include "proto/announcement.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* Packed, both are the same. */
static void assert_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    struct buffer first = {0}, second = {0};

    assert_true(codec_pack(a, &first) && codec_pack(b, &second));
    assert_true(span_equal(buffer_span(&first), buffer_span(&second)));
    buffer_finish(&first);
    buffer_finish(&second);
}

static void test_reflect__an_empty_message_over_another_changes_nothing(void **state)
{
    Caravan__Party empty = CARAVAN__PARTY__INIT, party = CARAVAN__PARTY__INIT, before;

    (void)state;
    party.country = text("TH");
    before = party;
    reflect_overlay(&empty.base, &party.base);
    assert_same(&before.base, &party.base);
}

/* Texts, bytes, numbers, lists and messages: what is set wins, what is not stays. */
static void test_reflect__what_is_set_wins(void **state)
{
    Caravan__LocalizedText one = CARAVAN__LOCALIZED_TEXT__INIT, two = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *ones[] = {&one}, *twos[] = {&two, &one};
    Caravan__Party over = CARAVAN__PARTY__INIT, party = CARAVAN__PARTY__INIT,
                   expected = CARAVAN__PARTY__INIT;
    uint8_t id[32] = {5};

    (void)state;
    one.text = text("one");
    two.text = text("two");
    party.country = text("TH");
    party.apply_url = text("https://old.example");
    party.n_name = 1;
    party.name = ones;
    party.has_role = 1;
    party.role = CARAVAN__PARTY_ROLE__PARTY_ROLE_LEAD;
    over.apply_url = text("https://new.example");
    over.n_name = 2;
    over.name = twos;
    over.has_node_id = 1;
    over.node_id.data = id;
    over.node_id.len = sizeof id;
    expected = party;
    expected.apply_url = over.apply_url;
    expected.n_name = 2;
    expected.name = twos;
    expected.has_node_id = 1;
    expected.node_id = over.node_id;
    reflect_overlay(&over.base, &party.base);
    assert_same(&expected.base, &party.base);
    over = (Caravan__Party)CARAVAN__PARTY__INIT;
    over.has_role = 1; /* 0 is a value, too */
    over.role = CARAVAN__PARTY_ROLE__PARTY_ROLE_UNSPECIFIED;
    reflect_overlay(&over.base, &party.base);
    assert_int_equal(party.role, CARAVAN__PARTY_ROLE__PARTY_ROLE_UNSPECIFIED);
    assert_true(party.has_role);
    assert_string_equal(party.country, "TH");
}

/* Of a oneof the member that is set replaces whichever was. */
static void test_reflect__one_member_of_a_oneof_replaces_another(void **state)
{
    Caravan__Visit visit = CARAVAN__VISIT__INIT;
    Caravan__JointCall call = CARAVAN__JOINT_CALL__INIT;
    Caravan__Announcement over = CARAVAN__ANNOUNCEMENT__INIT, under = CARAVAN__ANNOUNCEMENT__INIT;

    (void)state;
    under.details_case = CARAVAN__ANNOUNCEMENT__DETAILS_VISIT;
    under.visit = &visit;
    reflect_overlay(&over.base, &under.base);
    assert_int_equal(under.details_case, CARAVAN__ANNOUNCEMENT__DETAILS_VISIT);
    assert_ptr_equal(under.visit, &visit);
    over.details_case = CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL;
    over.joint_call = &call;
    reflect_overlay(&over.base, &under.base);
    assert_int_equal(under.details_case, CARAVAN__ANNOUNCEMENT__DETAILS_JOINT_CALL);
    assert_ptr_equal(under.joint_call, &call);
}

/* Numbers and truth values; false is a value, too. */
static void test_reflect__numbers_and_truth_values_are_laid_over(void **state)
{
    Caravan__Date date = CARAVAN__DATE__INIT, under_date = CARAVAN__DATE__INIT;
    Caravan__LocalizedText said = CARAVAN__LOCALIZED_TEXT__INIT,
                           under_said = CARAVAN__LOCALIZED_TEXT__INIT;

    (void)state;
    date.has_year = date.has_month = date.has_day = 1;
    date.year = 2099;
    date.month = 12;
    date.day = 31;
    reflect_overlay(&date.base, &under_date.base);
    assert_same(&date.base, &under_date.base);
    said.has_machine = said.machine = 1;
    said.text = text("hello");
    reflect_overlay(&said.base, &under_said.base);
    assert_same(&said.base, &under_said.base);
    said.machine = 0;
    reflect_overlay(&said.base, &under_said.base);
    assert_true(under_said.has_machine);
    assert_false(under_said.machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reflect__an_empty_message_over_another_changes_nothing),
        cmocka_unit_test(test_reflect__what_is_set_wins),
        cmocka_unit_test(test_reflect__one_member_of_a_oneof_replaces_another),
        cmocka_unit_test(test_reflect__numbers_and_truth_values_are_laid_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
