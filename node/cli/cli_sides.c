#include "node/cli/cli_sides.h"

#include "common/difference.h"
#include "common/guard.h"
#include "node/cli/cli_change.h"
#include "node/cli/cli_item.h"
#include "node/cli/cli_terms.h"

#include <inttypes.h>

/* Up to four announcements, and a difference. */
#define ARENA_SIZE (6 * (size_t)LIMIT_ARENA_SIZE)

/* What is compared; NULL: it cannot be read here. */
struct compared {
    const ProtobufCMessage *before, *after;
    struct cli_terms terms; /* of a proposal */
    bool said;
    struct difference_list list;
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

/* The revision that the side has spoken of, and the one in force. */
static int read_since(const Caravan__ShowReply *reply, const Caravan__Side *side,
                      struct arena *arena, struct compared *compared, struct error *error)
{
    int code = read_item(reply->item, arena, &compared->after, error);

    return code ? code
                : read_item(find_step(reply, side->revision), arena, &compared->before, error);
}

/* The terms of a side, and what its proposal would make of them. */
static int read_proposed(const Caravan__ShowReply *reply, const Caravan__Side *side,
                         struct arena *arena, struct compared *compared, struct error *error)
{
    int code = cli_terms_find(reply, side, arena, &compared->terms, error);

    if (compared->terms.now && compared->terms.then) {
        compared->before = &compared->terms.now->base;
        compared->after = &compared->terms.then->base;
    }
    return code;
}

/* compared->said false: one of the two is not at hand. */
static int find(const Caravan__ShowReply *reply, const Caravan__Side *side,
                enum cli_sides_what what, struct arena *arena, struct compared *compared,
                struct error *error)
{
    const ProtobufCMessage *message;
    int code;

    *compared = (struct compared){.before = NULL};
    code = what == CLI_SIDES_PROPOSED ? read_proposed(reply, side, arena, compared, error)
                                      : read_since(reply, side, arena, compared, error);
    if (!code)
        code = read_item(reply->item, arena, &message, error);
    compared->said = !code && compared->before && compared->after;
    if (!compared->said)
        return code;
    return difference_find(compared->before, compared->after,
                           ((const Caravan__Announcement *)message)->language, arena,
                           &compared->list, error);
}

static void print_remark(FILE *out, const Caravan__ShowReply *reply, const Caravan__Side *side,
                         enum cli_sides_what what, const struct compared *compared, int indent)
{
    fprintf(out, "%*s", indent, "");
    if (compared->said) {
        fputs(what == CLI_SIDES_SINCE ? "nothing has changed\n" : "nothing would change\n", out);
    } else if (what == CLI_SIDES_PROPOSED && compared->terms.now) {
        fputs("made for an earlier revision, which cannot be read here\n", out);
    } else if (what == CLI_SIDES_PROPOSED) {
        fputs("they cannot be shown\n", out);
    } else {
        fputs("see: caravan history ", out);
        cli_print_text(out, reply->item->name, false);
        fprintf(out, " --from %" PRIu64 "\n", side->revision);
    }
}

/* Where the publisher has revised the same since. */
static void print_conflicts(FILE *out, const struct cli_terms *terms, int indent)
{
    if (terms->conflicts)
        fprintf(out,
                "%*smade for No. %" PRIu64 "; No. %" PRIu64 ", in force, has changed since: %s\n",
                indent, "", terms->made_for, terms->in_force, terms->conflicts);
}

int cli_sides_print(const struct cli *cli, FILE *out, const Caravan__ShowReply *reply,
                    const Caravan__Side *side, enum cli_sides_what what, int indent,
                    struct error *error)
{
    struct compared compared;
    struct arena arena;
    int code;

    if (!cli_sides_differs(reply->item, side, what))
        return ERROR_NONE;
    arena_init(&arena, ARENA_SIZE);
    code = find(reply, side, what, &arena, &compared, error);
    if (!code && !compared.list.count)
        print_remark(out, reply, side, what, &compared, indent);
    else if (!code && !cli_change_print(cli, out, &compared.list, indent))
        code = error_memory(error);
    if (!code)
        print_conflicts(out, &compared.terms, indent);
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
    struct compared compared;
    struct arena arena;
    int code;

    if (!cli_sides_differs(reply->item, side, what))
        return ERROR_NONE;
    arena_init(&arena, ARENA_SIZE);
    code = find(reply, side, what, &arena, &compared, error);
    if (!code && compared.said && !append_one(side, what, &compared.list, (*count)++ == 0, out))
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
