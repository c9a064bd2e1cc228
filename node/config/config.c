#include "node/config/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/card.h"
#include "common/codec.h"
#include "common/vocabulary.h"
#include "node/config/home.h"

struct check {
    const struct codec_places *places;
    struct problem_list *problems;
};

static const struct codec_place *
place_of(const struct check *check, const ProtobufCMessage *message, const char *name, size_t index)
{
    const ProtobufCFieldDescriptor *field =
        name ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name) : NULL;
    const struct codec_place *place = codec_places_find(check->places, message, field, index);

    /* What is not in the text is missing in its message. */
    return place ? place : codec_places_find(check->places, message, NULL, 0);
}

/* One problem at the place of message.field[index]. */
__attribute__((format(printf, 7, 8))) static void
report(const struct check *check, enum problem_severity severity, const ProtobufCMessage *message,
       const char *name, size_t index, const char *path, const char *format, ...)
{
    const struct codec_place *place = place_of(check, message, name, index);
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problem_add(check->problems, severity, place ? place->line : 0, place ? place->column : 0, path,
                "%s", text);
}

#define BAD(message, name, index, path, ...)                                                       \
    report(check, PROBLEM_ERROR, &(message)->base, name, index, path, __VA_ARGS__)
#define WARN(message, name, index, path, ...)                                                      \
    report(check, PROBLEM_WARNING, &(message)->base, name, index, path, __VA_ARGS__)

/* --- rules ------------------------------------------------------------------------------------ */

static bool is_name(const char *text, size_t limit)
{
    size_t size = strlen(text);

    if (size == 0 || size > limit)
        return false;
    for (; *text; text++)
        if (!(*text >= 'a' && *text <= 'z') && !(*text >= '0' && *text <= '9') &&
            !strchr("-._", *text))
            return false;
    return true;
}

/* tcp://address:port to listen on; "*" or an address or an interface, port 1 … 65535. */
static bool is_listen_endpoint(const char *text)
{
    const char *colon;
    size_t digits;
    long port = 0;

    if (strncmp(text, "tcp://", 6) != 0 || strlen(text) > 256)
        return false;
    colon = strrchr(text + 6, ':');
    if (!colon || colon == text + 6)
        return false;
    for (const char *c = text + 6; c < colon; c++)
        if (!isalnum((unsigned char)*c) && !strchr(".:-[]*%_", *c))
            return false;
    digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
        return false;
    for (const char *c = colon + 1; *c; c++)
        port = port * 10 + (*c - '0');
    return port >= 1 && port <= 65535;
}

/* https://ror.org/0 and eight more: six of Crockford's base 32, two digits. */
static bool is_ror(const char *text)
{
    static const char prefix[] = "https://ror.org/0";
    const char *id = text + sizeof prefix - 1;

    return strncmp(text, prefix, sizeof prefix - 1) == 0 && strlen(id) == 8 &&
           strspn(id, "0123456789abcdefghjkmnpqrstvwxyz") == 8 && isdigit((unsigned char)id[6]) &&
           isdigit((unsigned char)id[7]);
}

static bool is_url(const char *text)
{
    size_t prefix = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    return prefix && text[prefix] && !strpbrk(text, " \t\"<>");
}

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');

    return at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t\"<>,;") &&
           strchr(at + 1, '.');
}

static void check_network(const struct check *check, const Caravan__Config *config)
{
    if (!config->network)
        BAD(config, NULL, 0, "network",
            "is missing, expected the name of the exchange, like "
            "silkroad");
    else if (!is_name(config->network, LIMIT_NETWORK_SIZE))
        BAD(config, "network", 0, "network",
            "found \"%.80s\", expected at most %d of a-z, 0-9, \"-\", \".\", \"_\"",
            config->network, LIMIT_NETWORK_SIZE);
}

static void check_handle(const struct check *check, const Caravan__Institution *institution)
{
    const char *handle = institution->handle, *country = institution->country;
    const struct vocabulary *countries = vocabulary_get("country");

    if (!handle)
        BAD(institution, NULL, 0, "institution.handle",
            "is missing, expected a short name that "
            "begins with the country, like th-nstda");
    else if (!card_handle_is_valid(handle))
        BAD(institution, "handle", 0, "institution.handle",
            "found \"%.80s\", expected two letters of the country, \"-\", and 2 to 29 of a-z, 0-9, "
            "\"-\", like th-nstda",
            handle);
    if (!country)
        BAD(institution, NULL, 0, "institution.country",
            "is missing, expected a code of ISO 3166-1, "
            "like TH");
    else if (!vocabulary_find_code(countries, country, strlen(country)))
        BAD(institution, "country", 0, "institution.country",
            "found \"%.80s\", expected a code of ISO 3166-1 in capitals, like TH", country);
    else if (handle && card_handle_is_valid(handle) && strncasecmp(handle, country, 2) != 0)
        BAD(institution, "handle", 0, "institution.handle",
            "found \"%s\" and the country %s, expected a handle that begins with \"%c%c-\"", handle,
            country, tolower((unsigned char)country[0]), tolower((unsigned char)country[1]));
}

static void check_names(const struct check *check, const Caravan__Institution *institution)
{
    if (institution->n_name == 0)
        BAD(institution, NULL, 0, "institution.name",
            "is missing, expected the name of the "
            "institution, like {en: …, th: …}");
    for (size_t i = 0; i < institution->n_name; i++) {
        const Caravan__LocalizedText *name = institution->name[i];

        if (!name->text || !*name->text)
            BAD(institution, "name", i, "institution.name", "found an empty name");
        if (!name->lang)
            BAD(institution, "name", i, "institution.name",
                "found a text without its language, expected {en: …}");
        else if (!vocabulary_language_tag(name->lang, strlen(name->lang)))
            BAD(institution, "name", i, "institution.name",
                "found the language \"%.40s\", expected {en: …} with a language of BCP 47",
                name->lang);
    }
}

static void check_institution(const struct check *check, const Caravan__Config *config)
{
    const Caravan__Institution *institution = config->institution;

    if (!institution) {
        BAD(config, NULL, 0, "institution", "is missing, expected handle, name and country");
        return;
    }
    check_handle(check, institution);
    check_names(check, institution);
    if (institution->ror && !is_ror(institution->ror))
        BAD(institution, "ror", 0, "institution.ror",
            "found \"%.80s\", expected https://ror.org/ and nine characters", institution->ror);
    if (institution->website && !is_url(institution->website))
        BAD(institution, "website", 0, "institution.website",
            "found \"%.80s\", expected an address like https://www.example.org",
            institution->website);
    if (institution->contact_email && !is_email(institution->contact_email))
        BAD(institution, "contact_email", 0, "institution.contact email",
            "found \"%.80s\", expected an e-mail address of an office", institution->contact_email);
}

static void check_listen(const struct check *check, const Caravan__Listen *listen)
{
    const struct {
        const char *name, *path, *value;
    } rows[] = {{"live", "listen.live", listen->live}, {"sync", "listen.sync", listen->sync}};

    for (size_t i = 0; i < 2; i++)
        if (!rows[i].value)
            BAD(listen, NULL, 0, rows[i].path, "is missing: live and sync come in pairs");
        else if (!is_listen_endpoint(rows[i].value))
            BAD(listen, rows[i].name, 0, rows[i].path,
                "found \"%.80s\", expected tcp://ADDRESS:PORT, like tcp://0.0.0.0:7410",
                rows[i].value);
    if (listen->live && listen->sync && strcmp(listen->live, listen->sync) == 0)
        BAD(listen, "sync", 0, "listen.sync",
            "found the same endpoint as live, expected a port of "
            "its own");
}

static void check_public(const struct check *check, const Caravan__Public *public)
{
    const struct {
        const char *name, *path, *value;
    } rows[] = {{"live", "public.live", public->live}, {"sync", "public.sync", public->sync}};

    for (size_t i = 0; i < 2; i++)
        if (!rows[i].value)
            BAD(public, NULL, 0, rows[i].path, "is missing: live and sync come in pairs");
        else if (!card_endpoint_is_valid(rows[i].value))
            BAD(public, rows[i].name, 0, rows[i].path,
                "found \"%.80s\", expected tcp://HOST:PORT as partners reach it, like "
                "tcp://node.example.org:7410",
                rows[i].value);
    if (public->live && public->sync && strcmp(public->live, public->sync) == 0)
        BAD(public, "sync", 0, "public.sync",
            "found the same endpoint as live, expected a port of "
            "its own");
}

static void check_endpoints(const struct check *check, const Caravan__Config *config)
{
    if (config->listen)
        check_listen(check, config->listen);
    if (config->public_)
        check_public(check, config->public_);
    if (config->listen && !config->public_)
        WARN(config, "listen", 0, "public",
             "is missing: partners are not told where this node "
             "listens, and cannot connect to it");
    if (config->public_ && !config->listen)
        BAD(config, "public", 0, "listen",
            "is missing: partners would be told addresses at which "
            "nothing listens");
}

static void check_group(const struct check *check, const Caravan__Group *group)
{
    if (!group->name || !is_name(group->name, LIMIT_HANDLE_SIZE) ||
        card_handle_is_valid(group->name))
        BAD(group, "name", 0, "groups.name",
            "found \"%.80s\", expected a name of a-z, 0-9, \"-\", \".\", \"_\" that is no handle",
            group->name ? group->name : "");
    if (!group->n_members)
        BAD(group, NULL, 0, "groups.members", "is missing, expected handles of partners");
    for (size_t i = 0; i < group->n_members; i++)
        if (!card_handle_is_valid(group->members[i]))
            BAD(group, "members", i, "groups.members",
                "found \"%.80s\", expected a handle like th-nstda", group->members[i]);
}

static void check_groups(const struct check *check, const Caravan__Config *config)
{
    for (size_t i = 0; i < config->n_groups; i++) {
        check_group(check, config->groups[i]);
        for (size_t k = 0; k < i; k++)
            if (config->groups[i]->name && config->groups[k]->name &&
                strcmp(config->groups[i]->name, config->groups[k]->name) == 0)
                BAD(config->groups[i], "name", 0, "groups.name", "found \"%.80s\" twice",
                    config->groups[i]->name);
    }
}

static void check_relay(const struct check *check, const Caravan__Config *config)
{
    for (size_t i = 0; i < config->n_relay; i++) {
        const char *handle = config->relay[i];

        if (strcmp(handle, "all") == 0 && config->n_relay == 1)
            continue;
        if (!card_handle_is_valid(handle))
            BAD(config, "relay", i, "relay",
                "found \"%.80s\", expected handles of partners, or all alone", handle);
        else if (config->institution && config->institution->handle &&
                 strcmp(handle, config->institution->handle) == 0)
            BAD(config, "relay", i, "relay",
                "found our own handle; our own feed is always handed "
                "on");
    }
}

static void check_all(const struct check *check, const Caravan__Config *config)
{
    check_network(check, config);
    check_institution(check, config);
    check_endpoints(check, config);
    check_relay(check, config);
    check_groups(check, config);
    if (config->log_level && log_level_of_name(config->log_level) < 0)
        BAD(config, "log_level", 0, "log level",
            "found \"%.80s\", expected debug, info, warning or error", config->log_level);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int finish_parse(const char *file, struct problem_list *problems, struct buffer *printed,
                        struct error *error)
{
    int code;

    problem_list_sort(problems);
    if (printed && !problem_list_print(problems, file, printed))
        return error_memory(error);
    code = problem_list_error(problems, file, error);
    if (code == ERROR_INVALID)
        error->code = ERROR_CONFIG;
    return code ? (int)error->code : ERROR_NONE;
}

int config_parse(struct span text, const char *file, struct config *out, struct buffer *report_out,
                 struct error *error)
{
    struct problem_list problems = {0};
    struct codec_places places = {0};
    struct check check = {&places, &problems};
    ProtobufCMessage *message = NULL;
    struct error local;
    int code;

    error = error ? error : &local;
    memset(out, 0, sizeof *out);
    arena_init(&out->arena, LIMIT_ARENA_SIZE);
    code = codec_read_yaml(&caravan__config__descriptor, text, &out->arena, &places, &message,
                           &problems);
    if (message)
        check_all(&check, (const Caravan__Config *)message);
    if (code == ERROR_MEMORY)
        error_memory(error);
    else
        code = finish_parse(file, &problems, report_out, error);
    if (code) {
        config_finish(out);
    } else {
        out->message = (Caravan__Config *)message;
        out->log_level = out->message->log_level
                             ? (enum log_level)log_level_of_name(out->message->log_level)
                             : LOG_INFO;
    }
    codec_places_finish(&places);
    problem_list_finish(&problems);
    return code;
}

void config_check(struct span text, struct problem_list *problems)
{
    struct codec_places places = {0};
    struct check check = {&places, problems};
    ProtobufCMessage *message = NULL;
    struct arena arena;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    codec_read_yaml(&caravan__config__descriptor, text, &arena, &places, &message, problems);
    if (message)
        check_all(&check, (const Caravan__Config *)message);
    problem_list_sort(problems);
    codec_places_finish(&places);
    arena_finish(&arena);
}

int config_load(const char *home, struct config *out, struct buffer *report_out,
                struct error *error)
{
    char path[HOME_PATH_SIZE];
    struct buffer text = {0};
    int code = home_path(home, HOME_CONFIG, path, error);

    memset(out, 0, sizeof *out);
    if (!code) {
        code = home_read(path, LIMIT_YAML_SIZE, &text, error);
        if (code == ERROR_NOT_FOUND)
            code = error_set(error, ERROR_CONFIG,
                             "%s is no home of a node (there is no %s); make one with: caravan "
                             "--home %s init",
                             home, HOME_CONFIG, home);
    }
    if (!code)
        code = config_parse(buffer_span(&text), path, out, report_out, error);
    buffer_finish(&text);
    return code;
}

void config_finish(struct config *config)
{
    arena_finish(&config->arena);
    memset(config, 0, sizeof *config);
}

/* --- using ------------------------------------------------------------------------------------ */

void config_profile(const struct config *config, Caravan__Profile *out)
{
    const Caravan__Institution *institution = config->message->institution;

    caravan__profile__init(out);
    out->handle = institution->handle;
    out->n_name = institution->n_name;
    out->name = institution->name;
    out->country = institution->country;
    out->ror = institution->ror;
    out->n_organisation_type = institution->n_organisation_type;
    out->organisation_type = institution->organisation_type;
    out->website = institution->website;
    out->contact_email = institution->contact_email;
}

void config_endpoints(const struct config *config, Caravan__Endpoints *out)
{
    Caravan__Public *public = config->message->public_;

    caravan__endpoints__init(out);
    if (!public)
        return;
    out->n_live = out->n_sync = 1;
    out->live = &public->live;
    out->sync = &public->sync;
}

bool config_relays(const struct config *config, const char *handle)
{
    const Caravan__Config *message = config->message;

    for (size_t i = 0; i < message->n_relay; i++)
        if (strcmp(message->relay[i], "all") == 0 || strcmp(message->relay[i], handle) == 0)
            return true;
    return false;
}

const Caravan__Group *config_group(const struct config *config, const char *name)
{
    const Caravan__Config *message = config->message;

    for (size_t i = 0; i < message->n_groups; i++)
        if (strcmp(message->groups[i]->name, name) == 0)
            return message->groups[i];
    return NULL;
}
