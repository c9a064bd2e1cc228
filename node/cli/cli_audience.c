#include "node/cli/cli_audience.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/card.h"
#include "common/limits.h"
#include "common/value.h"
#include "node/config/config.h"

static int compare(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static int add_handle(const char *handle, struct arena *arena, struct cli_audience *audience,
                      struct error *error)
{
    char **handles;

    for (size_t i = 0; i < audience->count; i++)
        if (strcasecmp(audience->handles[i], handle) == 0)
            return ERROR_NONE;
    handles = arena_alloc(arena, (audience->count + 1) * sizeof *handles);
    if (!handles)
        return error_memory(error);
    if (audience->count)
        memcpy(handles, audience->handles, audience->count * sizeof *handles);
    handles[audience->count] = arena_copy_text(arena, handle, strlen(handle));
    if (!handles[audience->count])
        return error_memory(error);
    audience->handles = handles;
    audience->count++;
    qsort(handles, audience->count, sizeof *handles, compare);
    return ERROR_NONE;
}

static int add_group(const struct cli *cli, const char *name, struct arena *arena,
                     struct cli_audience *audience, struct error *error)
{
    struct config config = {0};
    const Caravan__Group *group;
    int code = cli_home(cli, error) ? config_load(cli->home, &config, NULL, error) : ERROR_USAGE;

    if (code)
        return code;
    group = config_group(&config, name);
    if (!group)
        code = error_set(error, ERROR_USAGE,
                         "no institution or group is known as \"%.60s\"; expected a handle like "
                         "th-nstda, or the name of a group of node.yaml",
                         name);
    for (size_t i = 0; group && i < group->n_members && !code; i++)
        code = add_handle(group->members[i], arena, audience, error);
    config_finish(&config);
    return code;
}

/* As show names an institution whose handle is not known. */
static bool is_feed_id(const char *name)
{
    struct id feed;

    return strlen(name) == 2 * sizeof feed.bytes &&
           bytes_from_hex(name, feed.bytes, sizeof feed.bytes);
}

static int add_name(const struct cli *cli, const char *name, struct arena *arena,
                    struct cli_audience *audience, struct error *error)
{
    return card_handle_is_valid(name) || is_feed_id(name)
               ? add_handle(name, arena, audience, error)
               : add_group(cli, name, arena, audience, error);
}

int cli_audience_add_text(const struct cli *cli, const char *text, struct arena *arena,
                          struct cli_audience *audience, struct error *error)
{
    char *copy = arena_copy_text(arena, text, strlen(text)), *rest = NULL;
    int code = copy ? ERROR_NONE : error_memory(error);
    char *name = code ? NULL : strtok_r(copy, ", ", &rest);

    if (!code && !name)
        return error_set(error, ERROR_USAGE,
                         "--to: found nothing, expected handles: th-nstda,"
                         "za-nrf");
    for (; name && !code; name = strtok_r(NULL, ", ", &rest))
        code = add_name(cli, name, arena, audience, error);
    return code;
}

static int add_written(const struct cli *cli, const char *name, struct arena *arena,
                       struct cli_audience *audience, struct error *error)
{
    int code = add_name(cli, name, arena, audience, error);

    return code ? error_prefix(error, CLI_AUDIENCE_KEY) : code;
}

static int add_value(const struct cli *cli, const struct value *names, struct arena *arena,
                     struct cli_audience *audience, struct error *error)
{
    int code = ERROR_NONE;

    if (names->kind == VALUE_TEXT)
        return add_written(cli, names->text, arena, audience, error);
    if (names->kind != VALUE_LIST || !names->first)
        return error_set(error, ERROR_INVALID,
                         "audience: expected handles or names of groups: [th-nstda, za-nrf]");
    for (const struct value *name = names->first; name && !code; name = name->next)
        code = name->kind == VALUE_TEXT
                   ? add_written(cli, name->text, arena, audience, error)
                   : error_set(error, ERROR_INVALID,
                               "audience: expected handles or names of groups in the list");
    return code;
}

/* A file that could not be read must not count as one for everybody. */
int cli_audience_add_file(const struct cli *cli, struct span yaml, struct arena *arena,
                          struct cli_audience *audience, struct error *error)
{
    struct value *root = NULL;
    const struct value *names = NULL;
    struct arena tree;
    int code;

    arena_init(&tree, 2 * LIMIT_ARENA_SIZE);
    code = value_read_yaml(yaml, &tree, &root, NULL);
    if (!code && root->kind == VALUE_MAP)
        names = value_get(root, CLI_AUDIENCE_KEY);
    if (code == ERROR_MEMORY)
        error_memory(error);
    else if (names)
        code = add_value(cli, names, arena, audience, error);
    else
        code = ERROR_NONE; /* whoever reads the announcement says what is wrong */
    arena_finish(&tree);
    return code;
}

bool cli_audience_equal(const struct cli_audience *a, const struct cli_audience *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; i < a->count && equal; i++)
        equal = strcasecmp(a->handles[i], b->handles[i]) == 0;
    return equal;
}

bool cli_audience_print(const struct cli_audience *audience, struct buffer *out)
{
    bool ok = true;

    for (size_t i = 0; i < audience->count && ok; i++)
        ok = buffer_printf(out, "%s%s", i ? ", " : "", audience->handles[i]);
    return ok;
}
