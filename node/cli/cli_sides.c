#include "node/cli/cli_sides.h"

#include "common/difference.h"
#include "common/guard.h"
#include "node/cli/cli_change.h"
#include "node/cli/cli_item.h"
#include "proto/answer.pb-c.h"

#include <inttypes.h>

/* Two announcements, and their difference. */
#define ARENA_SIZE (4 * (size_t)LIMIT_ARENA_SIZE)

/* What is compared; NULL: it cannot be read here. */
struct pair {
    const ProtobufCMessage *before, *after;
};

static uint64_t in_force(const Caravan__Item *item)
{
    return item->revised_by ? item->revised_by : item->seq;
}

bool cli_sides_differs(const Caravan__Item *item, const Caravan__Side *side,
                       enum cli_sides_what what)
{
    if (what == CLI_SIDES_PROPOSED)
        return side->has_proposal;
    return side->revision && side->revision != in_force(item);
}

static const Caravan__Item *find_step(const Caravan__ShowReply *reply, uint64_t seq)
{
    for (size_t i = 0; i < reply->n_history; i++)
        if (reply->history[i]->event_seq == seq)
            return reply->history[i];
    return NULL;
}

/* *out NULL: it cannot be read. ERROR_MEMORY only. */
static int read_message(const ProtobufCMessageDescriptor *type, const ProtobufCBinaryData *bytes,
                        struct arena *arena, const ProtobufCMessage **out, struct error *error)
{
    ProtobufCMessage *message = NULL;
    int code = guard_unpack(type, span_of(bytes->data, bytes->len), &guard_limits_content, arena,
                            &message, error);

    *out = code ? NULL : message;
    return code == ERROR_MEMORY ? code : ERROR_NONE;
}

/* The announcement that an item carries. */
static int read_item(const Caravan__Item *item, struct arena *arena, const ProtobufCMessage **out,
                     struct error *error)
{
    *out = NULL;
    if (!item || item->problem || !item->has_content)
        return ERROR_NONE;
    return read_message(&caravan__announcement__descriptor, &item->content, arena, out, error);
}

/* The terms of a side, and those that it proposes. */
static int read_terms(const Caravan__Side *side, const Caravan__Announcement *now,
                      struct arena *arena, struct pair *pair, struct error *error)
{
    const ProtobufCMessage *message;
    const Caravan__Proposal *proposal;
    int code =
        read_message(&caravan__proposal__descriptor, &side->proposal, arena, &message, error);

    proposal = (const Caravan__Proposal *)message;
    if (now && side->party < now->n_parties)
        pair->before = &now->parties[side->party]->base;
    if (proposal && proposal->party)
        pair->after = &proposal->party->base;
    return code;
}

/* *said false: one of the two is not at hand. */
static int find(const Caravan__ShowReply *reply, const Caravan__Side *side,
                enum cli_sides_what what, struct arena *arena, struct difference_list *list,
                bool *said, struct error *error)
{
    struct pair pair = {NULL, NULL};
    const ProtobufCMessage *message;
    const Caravan__Announcement *now;
    int code = read_item(reply->item, arena, &message, error);

    *list = (struct difference_list){NULL, 0};
    now = (const Caravan__Announcement *)message;
    if (!code && what == CLI_SIDES_PROPOSED) {
        code = read_terms(side, now, arena, &pair, error);
    } else if (!code) {
        pair.after = message;
        code = read_item(find_step(reply, side->revision), arena, &pair.before, error);
    }
    *said = !code && pair.before && pair.after;
    return *said ? difference_find(pair.before, pair.after, now->language, arena, list, error)
                 : code;
}

static void print_remark(FILE *out, const Caravan__ShowReply *reply, const Caravan__Side *side,
                         enum cli_sides_what what, bool said, int indent)
{
    fprintf(out, "%*s", indent, "");
    if (said) {
        fputs(what == CLI_SIDES_SINCE ? "nothing has changed\n" : "nothing would change\n", out);
    } else if (what == CLI_SIDES_PROPOSED) {
        fputs("they cannot be shown\n", out);
    } else {
        fputs("see: caravan history ", out);
        cli_print_text(out, reply->item->name, false);
        fprintf(out, " --from %" PRIu64 "\n", side->revision);
    }
}

int cli_sides_print(const struct cli *cli, FILE *out, const Caravan__ShowReply *reply,
                    const Caravan__Side *side, enum cli_sides_what what, int indent,
                    struct error *error)
{
    struct difference_list list;
    struct arena arena;
    bool said;
    int code;

    if (!cli_sides_differs(reply->item, side, what))
        return ERROR_NONE;
    arena_init(&arena, ARENA_SIZE);
    code = find(reply, side, what, &arena, &list, &said, error);
    if (!code && !list.count)
        print_remark(out, reply, side, what, said, indent);
    else if (!code && !cli_change_print(cli, out, &list, indent))
        code = error_memory(error);
    arena_finish(&arena);
    return code;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static bool append_one(const Caravan__Side *side, enum cli_sides_what what,
                       const struct difference_list *list, bool first, struct buffer *out)
{
    bool since = what == CLI_SIDES_SINCE;

    return buffer_printf(out, "%s{\"handle\": \"%s\", \"%s\": \"%" PRIu64 "\", \"changes\": ",
                         first ? "" : ", ", side->handle, since ? "from" : "proposal",
                         since ? side->revision : side->proposal_seq) &&
           difference_write_json(list, out) && buffer_append_text(out, "}");
}

static int append(const Caravan__ShowReply *reply, const Caravan__Side *side,
                  enum cli_sides_what what, size_t *count, struct buffer *out, struct error *error)
{
    struct difference_list list;
    struct arena arena;
    bool said;
    int code;

    if (!cli_sides_differs(reply->item, side, what))
        return ERROR_NONE;
    arena_init(&arena, ARENA_SIZE);
    code = find(reply, side, what, &arena, &list, &said, error);
    if (!code && said && !append_one(side, what, &list, (*count)++ == 0, out))
        code = error_memory(error);
    arena_finish(&arena);
    return code;
}

int cli_sides_json(const Caravan__ShowReply *reply, struct buffer *out, struct error *error)
{
    size_t count = 0;
    int code = buffer_append_text(out, "[") ? ERROR_NONE : error_memory(error);

    for (size_t i = 0; !code && i < reply->item->n_sides; i++) {
        code = append(reply, reply->item->sides[i], CLI_SIDES_SINCE, &count, out, error);
        if (!code)
            code = append(reply, reply->item->sides[i], CLI_SIDES_PROPOSED, &count, out, error);
    }
    if (!code && !buffer_append_text(out, "]"))
        code = error_memory(error);
    return code;
}
