#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/config/config.h"
#include "node/config/home.h"

#define HEAD                                                                                       \
    "network: silkroad\n"                                                                          \
    "institution:\n"                                                                               \
    "  handle: th-demo\n"                                                                          \
    "  name: {en: Demo}\n"                                                                         \
    "  country: TH\n"
#define LISTEN "listen: {live: \"tcp://*:7410\", sync: \"tcp://0.0.0.0:7411\"}\n"
#define PUBLIC "public: {live: \"tcp://a.example:7410\", sync: \"tcp://a.example:7411\"}\n"

static int parse(const char *text, struct config *config, struct buffer *report,
                 struct error *error)
{
    memset(error, 0, sizeof *error);
    return config_parse(span_of_text(text), "node.yaml", config, report, error);
}

static void test_config__reads_everything(void **state)
{
    struct config config;
    struct buffer report = {0};
    struct error error;
    Caravan__Profile profile;
    Caravan__Endpoints endpoints;

    (void)state;
    assert_int_equal(parse(HEAD "  organisation type: [institute, park]\n"
                                "  ror: https://ror.org/04z82ry91\n"
                                "  website: https://www.example.org\n"
                                "  contact email: office@example.org\n" LISTEN PUBLIC
                                "relay: [ru-demo, lk-demo]\nopen reading: yes\nlog_level: debug\n",
                           &config, &report, &error),
                     ERROR_NONE);
    assert_int_equal(report.size, 0);
    assert_string_equal(config.message->network, "silkroad");
    assert_int_equal(config.log_level, LOG_DEBUG);
    assert_true(config.message->open_reading);
    config_profile(&config, &profile);
    assert_string_equal(profile.handle, "th-demo");
    assert_string_equal(profile.name[0]->text, "Demo");
    assert_string_equal(profile.name[0]->lang, "en");
    assert_int_equal(profile.n_organisation_type, 2);
    config_endpoints(&config, &endpoints);
    assert_int_equal(endpoints.n_sync, 1);
    assert_string_equal(endpoints.sync[0], "tcp://a.example:7411");
    assert_true(config_relays(&config, "lk-demo"));
    assert_false(config_relays(&config, "cn-demo"));
    config_finish(&config);
    buffer_finish(&report);
}

static void test_config__needs_little(void **state)
{
    struct config config;
    struct error error;
    Caravan__Endpoints endpoints;

    (void)state;
    assert_int_equal(parse(HEAD "relay: all\n", &config, NULL, &error), ERROR_NONE);
    assert_int_equal(config.log_level, LOG_INFO);
    config_endpoints(&config, &endpoints);
    assert_int_equal(endpoints.n_live, 0);
    assert_true(config_relays(&config, "cn-demo"));
    config_finish(&config);
}

static void test_config__says_place_found_and_expected(void **state)
{
    static const struct {
        const char *text, *problem;
    } rows[] = {
        {"", "node.yaml:1:1: error: found nothing"},
        {"network: x\n", "institution: is missing"},
        {"network: Silk Road\n" HEAD, "network"},
        {HEAD "netwrok: x\n", "node.yaml:6:1: error: "},
        {HEAD "relay: [TH]\n",
         "node.yaml:6:9: error: relay: found \"TH\", expected handles of partners"},
        {HEAD "relay: [all, cn-demo]\n", "relay: found \"all\""},
        {HEAD "relay: th-demo\n", "found our own handle"},
        {HEAD "log level: loud\n",
         "node.yaml:6:12: error: log level: found \"loud\", expected debug"},
        {HEAD "listen: {live: \"tcp://*:7410\"}\n" PUBLIC, "listen.sync: is missing"},
        {HEAD "listen: {live: \"tcp://*:0\", sync: \"tcp://*:1\"}\n",
         "listen.live: found \"tcp://*:0\""},
        {HEAD "listen: {live: \"tcp://*:1\", sync: \"tcp://*:65536\"}\n", "listen.sync: found"},
        {HEAD "listen: {live: \"tcp://*:1\", sync: \"tcp://*:1\"}\n", "found the same endpoint"},
        {HEAD "listen: {live: \"ipc:///x\", sync: \"tcp://*:1\"}\n", "listen.live: found \"ipc"},
        {HEAD PUBLIC, "listen: is missing: partners would be told"},
        {HEAD LISTEN "public: {live: \"tcp://*:7410\", sync: \"tcp://a.example:1\"}\n",
         "public.live: found \"tcp://*:7410\""},
        {"network: x\ninstitution: {handle: th-demo, country: CN, name: {en: D}}\n",
         "node.yaml:2:23: error: institution.handle: found \"th-demo\" and the country CN"},
        {"network: x\ninstitution: {handle: thailand, country: TH, name: {en: D}}\n",
         "institution.handle: found \"thailand\""},
        {"network: x\ninstitution: {handle: xx-demo, country: XX, name: {en: D}}\n",
         "institution.country: found \"XX\""},
        {"network: x\ninstitution: {handle: th-demo, country: TH}\n",
         "institution.name: is missing"},
        {"network: x\ninstitution: {handle: th-demo, country: TH, name: {english: D}}\n",
         "institution.name"},
        {HEAD "  ror: 04z82ry91\n", "institution.ror: found \"04z82ry91\""},
        {HEAD "  website: www.example.org\n", "institution.website: found"},
        {HEAD "  contact email: nobody\n", "institution.contact email: found \"nobody\""},
        {HEAD "open reading: perhaps\n", "open reading"},
        {"network: [\n", "node.yaml:"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct config config;
        struct buffer report = {0};
        struct error error;

        assert_int_equal(parse(rows[i].text, &config, &report, &error), ERROR_CONFIG);
        assert_int_equal(error.code, ERROR_CONFIG);
        if (!strstr(buffer_text(&report), rows[i].problem))
            fail_msg("row %zu: expected \"%s\" in:\n%s", i, rows[i].problem, buffer_text(&report));
        if (!*error.text)
            fail_msg("row %zu has no sentence", i);
        assert_null(config.message);
        buffer_finish(&report);
    }
}

static void test_config__reports_all_problems_at_once(void **state)
{
    struct config config;
    struct buffer report = {0};
    struct error error;
    size_t lines = 0;

    (void)state;
    assert_int_equal(parse("network: X\ninstitution: {handle: x, country: y}\nlog level: z\n",
                           &config, &report, &error),
                     ERROR_CONFIG);
    for (const char *at = buffer_text(&report); (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 5);
    assert_non_null(strstr(error.text, "4 more"));
    buffer_finish(&report);
}

static void test_config__warns_when_partners_cannot_connect(void **state)
{
    struct config config;
    struct buffer report = {0};
    struct error error;

    (void)state;
    assert_int_equal(parse(HEAD LISTEN, &config, &report, &error), ERROR_NONE);
    assert_non_null(strstr(buffer_text(&report), "warning: public: is missing"));
    config_finish(&config);
    buffer_finish(&report);
}

static void test_config__the_example_is_right(void **state)
{
    struct config config;
    struct buffer text = {0}, report = {0};
    struct error error = {0};

    (void)state;
    assert_int_equal(
        home_read(CARAVAN_SOURCE_DIR "/configs/examples/node.yaml", 65536, &text, &error), 0);
    if (parse(buffer_text(&text), &config, &report, &error) || report.size > 0)
        fail_msg("%s\n%s", error.text, buffer_text(&report));
    /* Every key of the schema stands in it, so that nobody has to look elsewhere. */
    for (unsigned i = 0; i < caravan__config__descriptor.n_fields; i++) {
        char key[64];

        snprintf(key, sizeof key, "%s:", caravan__config__descriptor.fields[i].name);
        for (char *c = key; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        if (!strstr(buffer_text(&text), key))
            fail_msg("configs/examples/node.yaml does not show \"%s\"", key);
    }
    config_finish(&config);
    buffer_finish(&text);
    buffer_finish(&report);
}

static void test_config__a_folder_without_node_yaml_is_no_home(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    assert_int_equal(config_load("/nonexistent", &config, NULL, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.text, "caravan --home /nonexistent init"));
}

static void test_config__reads_groups(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    assert_int_equal(parse(HEAD "groups:\n  - {name: funders, members: [ru-rsf, cn-nsfc]}\n"
                                "  - {name: \"bri.2_x-y\", members: [lk-nsf]}\n",
                           &config, NULL, &error),
                     ERROR_NONE);
    assert_int_equal(config_group(&config, "funders")->n_members, 2);
    assert_string_equal(config_group(&config, "funders")->members[1], "cn-nsfc");
    assert_non_null(config_group(&config, "bri.2_x-y"));
    assert_null(config_group(&config, "Funders"));
    assert_null(config_group(&config, ""));
    config_finish(&config);
}

static void test_config__refuses_odd_groups(void **state)
{
    static const struct {
        const char *text, *expected;
    } odd[] = {
        {"  - {members: [ru-rsf]}\n", "groups.name: found \"\""},
        {"  - {name: \"\", members: [ru-rsf]}\n", "groups.name: found \"\""},
        {"  - {name: th-nstda, members: [ru-rsf]}\n", "that is no handle"},
        {"  - {name: Funders, members: [ru-rsf]}\n", "groups.name: found \"Funders\""},
        {"  - {name: a b, members: [ru-rsf]}\n", "groups.name: found \"a b\""},
        {"  - {name: abcdefghijklmnopqrstuvwxyz0123456, members: [ru-rsf]}\n",
         "groups.name: found"},
        {"  - {name: funders}\n", "groups.members: is missing"},
        {"  - {name: funders, members: []}\n", "groups.members: is missing"},
        {"  - {name: funders, members: [rsf]}\n",
         "groups.members: found \"rsf\", expected a handle"},
        {"  - {name: a, members: [ru-rsf]}\n  - {name: a, members: [cn-nsfc]}\n",
         "groups.name: found \"a\" twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct buffer text = {0}, report = {0};
        struct config config;
        struct error error;

        buffer_printf(&text, "%sgroups:\n%s", HEAD, odd[i].text);
        assert_int_equal(parse(buffer_text(&text), &config, &report, &error), ERROR_CONFIG);
        if (!strstr(buffer_text(&report), odd[i].expected))
            fail_msg("\"%s\" does not say \"%s\"", buffer_text(&report), odd[i].expected);
        buffer_finish(&text);
        buffer_finish(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__reads_everything),
        cmocka_unit_test(test_config__needs_little),
        cmocka_unit_test(test_config__says_place_found_and_expected),
        cmocka_unit_test(test_config__reports_all_problems_at_once),
        cmocka_unit_test(test_config__warns_when_partners_cannot_connect),
        cmocka_unit_test(test_config__the_example_is_right),
        cmocka_unit_test(test_config__reads_groups),
        cmocka_unit_test(test_config__refuses_odd_groups),
        cmocka_unit_test(test_config__a_folder_without_node_yaml_is_no_home),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
