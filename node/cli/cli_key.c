#include "node/cli/cli_key.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/codec.h"
#include "common/entry.h"
#include "common/fields.h"
#include "common/guard.h"
#include "node/cli/cli_item.h"
#include "node/config/home.h"

#define SHOWN 15 /* entries to choose the last good one from */

int cli_key_ask(struct client *client, uint64_t after, const struct id *hash, struct arena *arena,
                const Caravan__KeysReply **out, struct error *error)
{
    Caravan__KeysRequest request = CARAVAN__KEYS_REQUEST__INIT;
    ProtobufCMessage *message;
    int code;

    request.has_after = true;
    request.after = after;
    request.has_after_hash = hash != NULL;
    if (hash)
        request.after_hash = fields_binary(span_of_id(hash));
    code = client_call(client, "keys", &request.base, &caravan__keys_reply__descriptor, arena,
                       CLIENT_TIMEOUT_MS, &message, error);
    *out = code ? NULL : (const Caravan__KeysReply *)message;
    return code;
}

const char *cli_key_type(uint32_t content_type)
{
    static const char *const names[] = {"entry",        "certificate", "profile",    "endpoints",
                                        "announcement", "revision",    "withdrawal", "confirmation",
                                        "proposal",     "outcome",     "vouch",      "erasure",
                                        "answer",       "sealed",      "reader"};

    return names[content_type < sizeof names / sizeof *names ? content_type : 0];
}

/* --- show -------------------------------------------------------------------------------------
 */

static void print_certificate(const Caravan__KeysCertificate *certificate)
{
    printf("  %-4" PRIu64 " ", certificate->number);
    cli_print_time(stdout, certificate->created_ms);
    printf("  by the %s key", certificate->by_recovery ? "recovery" : "root");
    if (certificate->seq)
        printf(", in force since No. %" PRIu64, certificate->seq);
    else
        fputs(", not in force: its entry is not here", stdout);
    puts(certificate->former_stolen ? "; the keys before it were stolen" : "");
}

static size_t count_newest(const Caravan__KeysReply *reply)
{
    size_t count = 0;

    for (size_t i = 0; i < reply->n_partners; i++)
        count += reply->partners[i]->newest ? 1 : 0;
    return count;
}

static void print_partners(const Caravan__KeysReply *reply)
{
    printf("\nPartners that have the newest certificate: %zu of %zu\n", count_newest(reply),
           reply->n_partners);
    for (size_t i = 0; i < reply->n_partners; i++) {
        const Caravan__KeysPartner *partner = reply->partners[i];

        if (partner->newest)
            continue;
        fputs("  not yet: ", stdout);
        cli_print_text(stdout, partner->handle, false);
        puts(partner->exchanging ? "" : " (not connected)");
    }
}

static void print_quarantined(const Caravan__KeysReply *reply)
{
    if (!reply->quarantined_total)
        return;
    printf("\nPut aside, because another branch of our feed has won: %" PRIu64
           " entries. They count for nothing, here and at every partner.\n",
           reply->quarantined_total);
    for (size_t i = 0; i < reply->n_quarantined; i++) {
        const Caravan__KeysQuarantined *entry = reply->quarantined[i];

        char hex[2 * BYTES_ID_SIZE + 1] = "";

        if (entry->hash.len == BYTES_ID_SIZE)
            bytes_to_hex(entry->hash.data, BYTES_ID_SIZE, hex);
        printf("  %" PRIu64 ":%.8s  ", entry->seq, hex);
        cli_print_time(stdout, entry->created_ms);
        printf("  %s", cli_key_type(entry->content_type));
        if (entry->title) {
            fputs(": ", stdout);
            cli_print_text(stdout, entry->title, false);
        }
        putchar('\n');
    }
    if (reply->n_quarantined < reply->quarantined_total)
        puts("  …");
}

static void print_old_keys(const struct cli *cli, const Caravan__KeysReply *reply)
{
    char have[64] = "other keys";

    if (reply->in_use == reply->in_force)
        return;
    if (reply->in_use)
        snprintf(have, sizeof have, "the older keys of certificate %" PRIu64, reply->in_use);
    printf("\n%sCertificate %" PRIu64 " is in force, but keys/ has %s.%s Nothing that this node "
           "signs\ncounts. What to do: caravan status\n",
           cli_style(cli, CLI_BAD), reply->in_force, have, cli_style(cli, CLI_PLAIN));
}

static void print_left_behind(const char *home, const char *name, const char *todo)
{
    char path[HOME_PATH_SIZE];

    if (home_path(home, name, path, NULL) == ERROR_NONE && access(path, F_OK) == 0)
        printf("\nNote: %s is still on this machine; %s.\n", path, todo);
}

static void print_former(const Caravan__KeysReply *reply)
{
    const Caravan__KeysCertificate *newest = reply->certificate[reply->n_certificate - 1];

    puts(
        newest->former_stolen
            ? "\nWithin some seconds this node goes over to its new key. Partners that do not have "
              "the newest\ncertificate by then cannot connect before they have our new card: "
              "caravan card"
            : "\nPartners that do not have the newest certificate yet can still connect by the "
              "former key.\nWhen all have it, that key goes by itself; to do without those that "
              "do not: caravan key retire");
}

static void print_keys(const struct cli *cli, const char *home, const Caravan__KeysReply *reply)
{
    printf("%sCertificates%s\n", cli_style(cli, CLI_BOLD), cli_style(cli, CLI_PLAIN));
    for (size_t i = 0; i < reply->n_certificate; i++)
        print_certificate(reply->certificate[i]);
    print_old_keys(cli, reply);
    if (reply->n_certificate > 1)
        print_partners(reply);
    if (reply->former_transport && reply->n_certificate)
        print_former(reply);
    if (reply->former_sealing)
        printf("\nKept to read what was sealed for us before: %u older key%s\n",
               reply->former_sealing, reply->former_sealing == 1 ? "" : "s");
    if (reply->frozen)
        puts("\nOur feed is forked. A new certificate ends that, and chooses the branch:\n"
             "caravan key rotate --root FILE --last-good NUMBER (with --stolen after a theft)");
    print_quarantined(reply);
    print_left_behind(home, HOME_ROOT_KEY, "move it to a medium that is locked away");
    print_left_behind(home, HOME_RECOVERY_PAPER, "print it, lock the page away, delete the file");
}

int cli_key_show(const struct cli *cli, const char *home, const Caravan__KeysReply *reply,
                 struct error *error)
{
    struct buffer json = {0};
    int code = ERROR_NONE;

    if (!cli->json) {
        print_keys(cli, home, reply);
        return code;
    }
    if (codec_write_json(&reply->base, &json)) {
        cli_item_print_json(stdout, buffer_span(&json));
        putchar('\n');
    } else {
        code = error_memory(error);
    }
    buffer_finish(&json);
    return code;
}

/* --- the end of our feed ------------------------------------------------------------------------
 */

static void print_title(FILE *out, const struct entry *entry)
{
    const Caravan__Announcement *announcement;
    ProtobufCMessage *message = NULL;
    struct arena arena;

    if (entry->content_type != CARAVAN__CONTENT_TYPE__CONTENT_TYPE_ANNOUNCEMENT ||
        !entry->has_content)
        return;
    arena_init(&arena, LIMIT_ARENA_SIZE);
    if (guard_unpack(&caravan__announcement__descriptor, entry->content, &guard_limits_content,
                     &arena, &message, NULL) == ERROR_NONE) {
        announcement = (const Caravan__Announcement *)message;
        if (announcement->n_title && announcement->title[0]->text) {
            fputs(": ", out);
            cli_print_text(out, announcement->title[0]->text, false);
        }
    }
    arena_finish(&arena);
}

static int print_run(struct span bytes, const char *network, FILE *out, struct error *error)
{
    struct entry_run run = {0};
    int code = entry_run_read(bytes, network, &run, error);

    for (size_t i = 0; i < run.kept && !code; i++) {
        fprintf(out, "  No. %-5" PRIu64 " ", run.entries[i].seq);
        cli_print_time(out, run.entries[i].created_ms);
        fprintf(out, "  %s", cli_key_type(run.entries[i].content_type));
        print_title(out, &run.entries[i]);
        fputc('\n', out);
    }
    entry_run_finish(&run);
    return code;
}

int cli_key_list_end(struct client *client, const struct id *feed, uint64_t seq,
                     const char *network, FILE *out, struct error *error)
{
    Caravan__ReadRequest request = CARAVAN__READ_REQUEST__INIT;
    bool more = true;
    int code = ERROR_NONE;

    request.has_feed = request.has_first = true;
    request.feed.data = (uint8_t *)(uintptr_t)feed->bytes;
    request.feed.len = BYTES_ID_SIZE;
    request.first = seq > SHOWN ? seq - SHOWN + 1 : 1;
    fputs("The last entries of our feed:\n", out);
    while (!code && more) {
        const Caravan__ReadReply *reply;
        ProtobufCMessage *message;
        struct arena arena;

        arena_init(&arena, 4 * LIMIT_ARENA_SIZE);
        code = client_call(client, "read", &request.base, &caravan__read_reply__descriptor, &arena,
                           CLIENT_LONG_TIMEOUT_MS, &message, error);
        reply = code ? NULL : (const Caravan__ReadReply *)message;
        more = reply && reply->has_run && reply->next > request.first;
        if (more) {
            code = print_run(span_of(reply->run.data, reply->run.len), network, out, error);
            request.first = reply->next;
        }
        arena_finish(&arena);
    }
    return code;
}
