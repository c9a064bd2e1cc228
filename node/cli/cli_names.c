#include "node/cli/cli_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/card.h"
#include "node/cli/cli_audience.h"
#include "node/cli/cli_card.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/own.h"

struct known {
    char handle[LIMIT_HANDLE_SIZE + 1];
    struct id feed;
};

struct cli_names {
    struct codec_names codec;
    struct known *items;
    size_t count, capacity;
};

static bool find(void *self, const char *handle, struct id *feed)
{
    const struct cli_names *names = self;

    for (size_t i = 0; i < names->count; i++)
        if (strcasecmp(names->items[i].handle, handle) == 0) {
            *feed = names->items[i].feed;
            return true;
        }
    return false;
}

/* Only a handle that would lead back here: of two institutions with one handle the second has none.
 */
static const char *name(void *self, const struct id *feed)
{
    const struct cli_names *names = self;
    struct id found;

    for (size_t i = 0; i < names->count; i++)
        if (id_equal(&names->items[i].feed, feed) && find(self, names->items[i].handle, &found) &&
            id_equal(&found, feed))
            return names->items[i].handle;
    return NULL;
}

static int add(struct cli_names *names, const char *handle, const struct id *feed,
               struct error *error)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 16;
        struct known *items = realloc(names->items, capacity * sizeof *items);

        if (!items)
            return error_memory(error);
        names->items = items;
        names->capacity = capacity;
    }
    if (!card_handle_is_valid(handle))
        return ERROR_NONE;
    memcpy(names->items[names->count].handle, handle, strlen(handle) + 1);
    names->items[names->count++].feed = *feed;
    return ERROR_NONE;
}

/* A card that cannot be read names nobody; partner list shows it. */
static int add_card(struct cli_names *names, const char *home, const char *file,
                    struct error *error)
{
    char path[HOME_PATH_SIZE], handle[LIMIT_HANDLE_SIZE + 1];
    struct buffer text = {0};
    struct id feed;
    int code = ERROR_NONE;

    if (home_path_in(home, HOME_PARTNERS, file, HOME_CARD_SUFFIX, path, NULL) == ERROR_NONE &&
        home_read(path, CLI_CARD_FILE_LIMIT, &text, NULL) == ERROR_NONE &&
        card_peek(buffer_span(&text), &feed, handle, NULL) == ERROR_NONE)
        code = add(names, handle, &feed, error);
    buffer_finish(&text);
    return code;
}

static int add_partners(struct cli_names *names, const char *home, struct error *error)
{
    char folder[HOME_PATH_SIZE];
    struct home_names files = {0};
    int code = ERROR_NONE;

    if (home_path(home, HOME_PARTNERS, folder, NULL) == ERROR_NONE &&
        home_list(folder, HOME_CARD_SUFFIX, &files, NULL) == ERROR_NONE)
        for (size_t i = 0; !code && i < files.count; i++)
            code = add_card(names, home, files.names[i], error);
    home_names_finish(&files);
    return code;
}

static int add_own(struct cli_names *names, const char *home, struct error *error)
{
    struct config config = {0};
    struct identity_chain chain = {0};
    int code = ERROR_NONE;

    if (secret_start(NULL) == ERROR_NONE && config_load(home, &config, NULL, NULL) == ERROR_NONE &&
        own_load_chain(home, config.message->network, &chain, NULL) == ERROR_NONE)
        code = add(names, config.message->institution->handle, &chain.feed, error);
    config_finish(&config);
    identity_chain_finish(&chain);
    return code;
}

int cli_names_create(const struct cli *cli, struct cli_names **out, struct error *error)
{
    struct cli_names *names = calloc(1, sizeof *names);
    int code = ERROR_NONE;

    if (!names)
        return error_memory(error);
    names->codec = (struct codec_names){names, find, CLI_AUDIENCE_KEY, name};
    if (cli->home)
        code = add_own(names, cli->home, error);
    if (!code && cli->home)
        code = add_partners(names, cli->home, error);
    if (code) {
        cli_names_destroy(names);
        return code;
    }
    *out = names;
    return ERROR_NONE;
}

void cli_names_destroy(struct cli_names *names)
{
    if (!names)
        return;
    free(names->items);
    free(names);
}

const struct codec_names *cli_names_codec(const struct cli_names *names)
{
    return &names->codec;
}

struct codec_names cli_names_plain(const struct cli_names *names)
{
    struct codec_names plain = names->codec;

    plain.aside = NULL;
    return plain;
}

int cli_names_write(const struct cli *cli, const ProtobufCMessage *message, const char *language,
                    struct buffer *yaml, struct error *error)
{
    struct cli_names *names = NULL;
    int code = cli_names_create(cli, &names, error);

    if (!code && !codec_write_yaml_with(message, cli_names_codec(names), language, yaml))
        code = error_memory(error);
    cli_names_destroy(names);
    return code;
}
