/* withdraw: takes an own announcement back. */
#include <string.h>

#include "common/vocabulary.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_publish.h"

struct reason {
    const char *text, *language;
};

static int withdraw_sealed(struct cli_publish *publish, const Caravan__Item *item,
                           const Caravan__WithdrawRequest *request, const uint8_t *id,
                           struct error *error)
{
    Caravan__Withdrawal withdrawal = CARAVAN__WITHDRAWAL__INIT;
    const struct cli_put_saying saying = {
        .name = item->name,
        .erase = request->erase,
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_WITHDRAWAL,
        .message = &withdrawal.base,
        .request_id = id,
    };

    withdrawal.n_reason = request->n_reason;
    withdrawal.reason = request->reason;
    return cli_publish_say_sealed(publish, &saying, "was withdrawn already", error);
}

/* What is taken back in another way says in which. Who asks once more for what was done already,
 * with the reason, is answered by the node. */
static int check_withdrawable(const Caravan__Item *item, const struct reason *reason, bool erase,
                              struct error *error)
{
    if (item->withdrawn && !item->erased_by && erase && reason->text)
        return error_set(error, ERROR_INVALID,
                         "%s is withdrawn already; to erase it leave out --reason", item->name);
    switch (item->content_type) {
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CONFIRMATION:
        return error_set(error, ERROR_INVALID,
                         "%s is a confirmation; it is taken back by: caravan confirm NAME "
                         "--decline, with the name of the announcement",
                         item->name);
    case CARAVAN__CONTENT_TYPE__CONTENT_TYPE_OUTCOME:
        return error_set(error, ERROR_INVALID,
                         "%s is an outcome; the newest one counts, so say another one: caravan "
                         "outcome --help",
                         item->name);
    default:
        return ERROR_NONE;
    }
}

static int withdraw(struct cli_publish *publish, const char *name, const struct reason *reason,
                    bool erase, struct error *error)
{
    Caravan__WithdrawRequest request = CARAVAN__WITHDRAW_REQUEST__INIT;
    Caravan__LocalizedText text = CARAVAN__LOCALIZED_TEXT__INIT;
    Caravan__LocalizedText *texts[] = {&text};
    uint8_t id[STORE_REQUEST_ID_SIZE];
    const Caravan__PublishReply *reply;
    const Caravan__Item *item;
    uint8_t seq[8];
    int code = cli_publish_find_own(publish, name, &item, error);

    if (!code)
        code = check_withdrawable(item, reason, erase, error);
    if (code)
        return code;
    bytes_put_u64(seq, item->seq);
    code = cli_publish_request_id(publish, erase ? "withdraw, erase" : "withdraw",
                                  span_of(seq, sizeof seq), span_of(NULL, 0), id, error);
    request.has_request_id = request.has_announcement = true;
    request.request_id.data = id;
    request.request_id.len = sizeof id;
    request.announcement = item->seq;
    text.lang = (char *)(uintptr_t)reason->language;
    text.text = (char *)(uintptr_t)reason->text;
    request.n_reason = reason->text ? 1 : 0;
    request.reason = texts;
    request.has_erase = request.erase = erase;
    if (!code && item->sealed)
        return withdraw_sealed(publish, item, &request, id, error);
    if (!code)
        code = cli_publish_ask(publish, "withdraw", &request.base, &reply, error);
    return code ? code
                : cli_publish_tell(publish, reply,
                                   erase ? "was withdrawn, and ordered to be erased, already"
                                         : "was withdrawn already",
                                   error);
}

static int run_withdraw(struct cli *cli, int argc, char **argv)
{
    struct cli_publish publish;
    struct reason reason = {.language = "en"};
    bool erase = false;
    const struct cli_option options[] = {
        {.name = "--reason", .value = "TEXT", .help = "why, for readers", .text = &reason.text},
        {.name = "--language",
         .value = "TAG",
         .help = "language of the reason (en)",
         .text = &reason.language},
        {.name = "--erase",
         .help = "and have what it said erased everywhere; not the reason",
         .flag = &erase},
        CLI_WAIT_OPTIONS(publish.wait),
        {.name = NULL}};
    struct error error = {0};
    int rest = 0, code;

    cli_publish_init(&publish, cli);
    code = cli_options(cli, &cmd_withdraw, options, argc, argv, &rest, &error);
    if (code < 0)
        return 0;
    if (!code && rest != 1)
        code = error_set(&error, ERROR_USAGE,
                         "say which announcement: caravan withdraw NAME [--reason TEXT]");
    if (!code && !vocabulary_language_tag(reason.language, strlen(reason.language)))
        code = error_set(&error, ERROR_USAGE,
                         "--language: found \"%.40s\", expected a language of BCP 47, like en",
                         reason.language);
    if (!code)
        code = cli_publish_begin(&publish, &error);
    if (!code)
        code = withdraw(&publish, argv[0], &reason, erase, &error);
    return cli_publish_end(&publish, code, &error);
}

const struct cli_command cmd_withdraw = {
    .name = "withdraw",
    .group = CLI_GROUP_WRITE,
    .usage = "withdraw NAME [--reason TEXT] [--language TAG] [--erase] [--wait]",
    .summary = "withdraw an own announcement",
    .help =
        "Readers see that it is withdrawn, and why; its text stays in the history. This cannot be\n"
        "undone: publish a new one instead.\n\n"
        "With --erase every node that has the announcement is told to delete its text and those "
        "of\n"
        "all its revisions, for good, also of one that was withdrawn before. The reason is never\n"
        "erased: name no person in it. What was exported, copied or sent by e-mail is not "
        "reached.\n\n"
        "Example: caravan withdraw cn-demo/4 --reason \"the programme was cancelled\"",
    .run = run_withdraw,
};
