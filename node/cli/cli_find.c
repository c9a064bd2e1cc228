#include "node/cli/cli_find.h"

#include "node/cli/cli_item.h"

int cli_find_any(struct client *client, const char *name, struct arena *arena,
                 struct cli_found *found, struct error *error)
{
    Caravan__ShowRequest request = CARAVAN__SHOW_REQUEST__INIT;
    ProtobufCMessage *message;
    int code;

    request.name = (char *)(uintptr_t)name;
    code = client_call(client, "show", &request.base, &caravan__show_reply__descriptor, arena,
                       CLIENT_TIMEOUT_MS, &message, error);
    if (code)
        return code;
    found->name = name;
    found->shown = (const Caravan__ShowReply *)message;
    found->item = found->shown->item;
    if (!found->item)
        return error_set(error, ERROR_INTERNAL, "the node's answer has no announcement in it");
    found->announcement = cli_item_read(found->item, arena);
    return ERROR_NONE;
}

int cli_find(struct client *client, const char *name, struct arena *arena, struct cli_found *found,
             struct error *error)
{
    int code = cli_find_any(client, name, arena, found, error);

    if (code || found->announcement)
        return code;
    return error_set(error, ERROR_INVALID, "%.80s %.200s", name,
                     found->item->problem ? found->item->problem : "is no announcement");
}

int cli_find_check_own(const struct cli_found *found, const char *can, struct error *error)
{
    if (found->item->own)
        return ERROR_NONE;
    return error_set(error, ERROR_DENIED,
                     "%.80s is not your own announcement; only its publisher can %.240s",
                     found->name, can);
}

const Caravan__Item *cli_find_step(const Caravan__ShowReply *shown, struct span hash)
{
    for (size_t i = 0; i < shown->n_history && hash.size; i++)
        if (span_equal(span_of(shown->history[i]->hash.data, shown->history[i]->hash.len), hash))
            return shown->history[i];
    return NULL;
}
