/* key: shows, rotates and recovers the keys of this institution.
 *
 * The node makes a certificate part of the feed; everything that needs the root or recovery key is
 * done here, so that they never come near it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/fields.h"
#include "node/cli/cli_commands.h"
#include "node/cli/cli_key.h"
#include "node/config/config.h"
#include "node/config/home.h"
#include "node/config/home_new.h"
#include "node/config/own.h"
#include "node/config/recovery_paper.h"

struct options {
    const char *root, *recovery, *last_good;
    bool stolen;
};

/* One rotation or recovery. */
struct job {
    const struct cli *cli;
    const struct options *options;
    const char *home;
    int lock; /* of keys/: one command at a time makes keys */
    struct config config;
    struct client *client;
    struct arena arena;
    const Caravan__KeysReply *state;
    struct identity_chain chain;    /* all that are known */
    struct id base_hash, base_root; /* of the certificate before ours */
    uint64_t after;
    struct id after_hash;
    bool was_aside;        /* the last good entry is one that was put aside: it has that hash */
    struct secret *signer; /* root or recovery key */
    struct secret *new_root, *new_recovery; /* of a recovery */
    bool wrote_root, wrote_paper;
    struct keyfiles keys;
    struct buffer certificate;
};

/* --- beginning and end ------------------------------------------------------------------------
 */

static int lock_keys(struct job *job, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(job->home, HOME_KEYS, path, error);

    if (code)
        return code;
    job->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (job->lock < 0)
        return error_errno(error, "open the folder", path);
    if (flock(job->lock, LOCK_EX | LOCK_NB) == 0)
        return ERROR_NONE;
    return errno == EWOULDBLOCK
               ? error_set(error, ERROR_BUSY, "another command is making keys for %s; wait for it",
                           job->home)
               : error_errno(error, "lock", path);
}

static int begin(struct cli *cli, const struct options *options, struct job *job,
                 struct error *error)
{
    int code = secret_start(error);

    *job = (struct job){.cli = cli, .options = options, .lock = -1};
    arena_init(&job->arena, 4 * LIMIT_ARENA_SIZE);
    job->home = code ? NULL : cli_home(cli, error);
    if (!code && !job->home)
        code = ERROR_USAGE;
    if (!code)
        code = config_load(job->home, &job->config, NULL, error);
    if (!code)
        code = client_create(cli, &job->client, error);
    return code;
}

static void end(struct job *job)
{
    identity_chain_finish(&job->chain);
    secret_destroy(job->signer);
    secret_destroy(job->new_root);
    secret_destroy(job->new_recovery);
    keyfiles_finish(&job->keys);
    buffer_finish(&job->certificate);
    client_destroy(job->client);
    config_finish(&job->config);
    arena_finish(&job->arena);
    if (job->lock >= 0)
        close(job->lock);
}

/* What the node has, behind the entry that was chosen. */
static int look(struct job *job, struct error *error)
{
    int code = cli_key_ask(job->client, job->after, job->was_aside ? &job->after_hash : NULL,
                           &job->arena, &job->state, error);

    identity_chain_finish(&job->chain);
    if (!code)
        code = own_read_chain(span_of(job->state->certificates.data, job->state->certificates.len),
                              job->config.message->network, &job->chain, error);
    if (code)
        return code;
    return span_to_id(span_of(job->state->base_hash.data, job->state->base_hash.len),
                      &job->base_hash) &&
                   span_to_id(span_of(job->state->base_root.data, job->state->base_root.len),
                              &job->base_root)
               ? ERROR_NONE
               : error_set(error, ERROR_INTERNAL, "the node named no certificate");
}

/* --- the last good entry ------------------------------------------------------------------------
 */

static int read_number(const char *text, uint64_t most, uint64_t *out, struct error *error)
{
    char *rest;

    errno = 0;
    *out = strtoull(text, &rest, 10);
    if (*text >= '0' && *text <= '9' && !*rest && !errno && *out >= 1 && *out <= most)
        return ERROR_NONE;
    return error_set(error, ERROR_INVALID,
                     "--last-good: found \"%.40s\", expected the number of an entry of our feed, 1 "
                     "to %" PRIu64 ", or \"end\"",
                     text, most);
}

/* Nobody else can know which entries are a thief's: shows them, and asks. */
static int ask_last_good(struct job *job, char answer[32], struct error *error)
{
    int code = cli_key_list_end(job->client, &job->chain.feed, job->state->seq,
                                job->config.message->network, stderr, error);

    if (code)
        return code;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return error_set(
            error, ERROR_USAGE,
            "say which of these is the last one that is really ours: --last-good "
            "NUMBER, or --last-good end; what stands behind it will count for nothing");
    fputs("\nWhich is the last one that is really ours? What stands behind it will count for\n"
          "nothing, here and at every partner. [number, or end] ",
          stderr);
    fflush(stderr);
    if (!fgets(answer, 32, stdin))
        return error_set(error, ERROR_DENIED, "nothing was changed");
    answer[strcspn(answer, "\r\n")] = '\0';
    return ERROR_NONE;
}

/* 12:3fa9…: an entry that was put aside, by its number and the beginning of its hash. */
static int find_aside(struct job *job, const char *text, struct error *error)
{
    const char *begin = strchr(text, ':') + 1;
    size_t size = strlen(begin), matches = 0;

    for (size_t i = 0; i < job->state->n_quarantined; i++) {
        const Caravan__KeysQuarantined *entry = job->state->quarantined[i];
        char name[32 + 2 * BYTES_ID_SIZE], hex[2 * BYTES_ID_SIZE + 1];
        struct id hash;

        if (!span_to_id(span_of(entry->hash.data, entry->hash.len), &hash))
            continue;
        bytes_to_hex(hash.bytes, BYTES_ID_SIZE, hex);
        snprintf(name, sizeof name, "%" PRIu64 ":%s", entry->seq, hex);
        if (size < 4 || strncmp(name, text, strlen(text)) != 0)
            continue;
        matches++;
        job->after = entry->seq;
        job->after_hash = hash;
    }
    job->was_aside = matches == 1;
    return job->was_aside ? ERROR_NONE
                          : error_set(error, ERROR_INVALID,
                                      "--last-good: %zu entries that were put aside are called "
                                      "\"%.80s\", expected one; caravan key show lists them",
                                      matches, text);
}

static int choose_after(struct job *job, struct error *error)
{
    const char *last_good = job->options->last_good;
    char answer[32];
    int code = ERROR_NONE;

    if (!last_good && (job->options->stolen || job->state->frozen)) {
        code = ask_last_good(job, answer, error);
        last_good = answer;
    }
    if (code || !last_good || strcmp(last_good, "end") == 0)
        return code;
    if (!job->options->stolen && !job->state->frozen && !strchr(last_good, ':'))
        return error_set(
            error, ERROR_INVALID,
            "--last-good: our feed is not forked, so every entry behind No. %.20s would "
            "be thrown away for nothing; leave it out to change the keys, or say "
            "--stolen when somebody else has published with them",
            last_good);
    code = strchr(last_good, ':') ? find_aside(job, last_good, error)
                                  : read_number(last_good, job->state->seq, &job->after, error);
    return code ? code : look(job, error);
}

/* --- the keys that sign -------------------------------------------------------------------------
 */

static int read_paper(const char *path, struct secret **out, struct error *error)
{
    struct buffer text = {0};
    uint8_t secret[32] = {0};
    int code = buffer_reserve(&text, 2 * RECOVERY_PAPER_SIZE) ? ERROR_NONE : error_memory(error);

    /* Reserved at once: a buffer that grows would leave a copy behind. */
    if (!code)
        code = strcmp(path, "-") == 0 ? home_read_stream(STDIN_FILENO, "standard input",
                                                         RECOVERY_PAPER_SIZE, &text, error)
                                      : home_read(path, RECOVERY_PAPER_SIZE, &text, error);
    if (!code)
        code = recovery_paper_read(buffer_span(&text), secret, error);
    if (!code)
        code = secret_from_bytes(SECRET_RECOVERY, secret, out, error);
    secret_wipe(secret, sizeof secret);
    if (text.data)
        secret_wipe(text.data, text.capacity);
    buffer_finish(&text);
    return code;
}

/* "-" cannot be read twice. */
static bool is_paper(const char *path)
{
    struct secret *recovery = NULL;
    bool is = strcmp(path, "-") != 0 && read_paper(path, &recovery, NULL) == ERROR_NONE;

    secret_destroy(recovery);
    return is;
}

static int load_root(struct job *job, struct error *error)
{
    const struct id *expected = &job->base_root;
    int code = secret_load(job->options->root, SECRET_ROOT, &job->signer, error);

    if (code && is_paper(job->options->root))
        return error_set(error, ERROR_INVALID,
                         "%s: this is a recovery paper; use: caravan key recover --recovery %s",
                         job->options->root, job->options->root);
    if (code || id_equal(secret_public(job->signer), expected))
        return code;
    return error_set(
        error, ERROR_INVALID, "%s holds a root key that does not count: %s. Nothing was changed",
        job->options->root,
        id_equal(expected, &job->chain.feed) ? "it is not the one of this institution"
                                             : "the recovery key has put another one in its place");
}

static int load_recovery(struct job *job, struct error *error)
{
    struct id hash, expected = {{0}};
    int code = read_paper(job->options->recovery, &job->signer, error);

    if (code)
        return error_prefix(error, "%s", job->options->recovery);
    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(job->signer)), &hash);
    for (size_t i = 0; i < job->chain.count && i < job->state->base_number; i++)
        if (!id_is_zero(&job->chain.certificates[i].recovery_hash))
            expected = job->chain.certificates[i].recovery_hash;
    return id_equal(&hash, &expected)
               ? ERROR_NONE
               : error_set(error, ERROR_INVALID,
                           "%s: this is not the recovery key that is in force for this "
                           "institution; is there a newer paper?",
                           job->options->recovery);
}

/* --- a new root key and paper -------------------------------------------------------------------
 */

static int write_new_paper(struct job *job, struct error *error)
{
    const Caravan__Institution *institution = job->config.message->institution;
    char path[HOME_PATH_SIZE], title[512];
    struct buffer text = {0};
    int code = home_path(job->home, HOME_RECOVERY_PAPER, path, error);

    snprintf(title, sizeof title, "%s (%s)",
             institution->n_name ? institution->name[0]->text : institution->handle,
             institution->handle);
    if (!code &&
        (!buffer_reserve(&text, 8192) ||
         !home_new_paper(title, job->config.message->network, &job->chain.feed,
                         secret_public(job->new_recovery), secret_bytes(job->new_recovery), &text)))
        code = error_memory(error);
    if (!code)
        code = home_write(path, 0600, buffer_span(&text), error);
    job->wrote_paper = code == ERROR_NONE;
    if (text.data)
        secret_wipe(text.data, text.capacity);
    buffer_finish(&text);
    return code;
}

static int check_free(const struct job *job, const char *name, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(job->home, name, path, error);

    if (!code && access(path, F_OK) == 0)
        code = error_set(error, ERROR_EXISTS,
                         "%s is there, and the new one is to be written there; move it away first",
                         path);
    return code;
}

/* On disk before they come into force: without them the institution would have no root key. */
static int make_new_root(struct job *job, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = check_free(job, HOME_ROOT_KEY, error);

    if (!code)
        code = check_free(job, HOME_RECOVERY_PAPER, error);
    if (!code)
        code = secret_generate(SECRET_ROOT, &job->new_root, error);
    if (!code)
        code = secret_generate(SECRET_RECOVERY, &job->new_recovery, error);
    if (!code)
        code = home_path(job->home, HOME_ROOT_KEY, path, error);
    if (!code)
        code = secret_save(job->new_root, path, error);
    job->wrote_root = job->new_root && code == ERROR_NONE;
    return code ? code : write_new_paper(job, error);
}

/* --- the certificate ----------------------------------------------------------------------------
 */

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int make_certificate(struct job *job, struct error *error)
{
    struct id recovery_hash;
    struct identity_certificate_draft draft = {.network = job->config.message->network,
                                               .feed = &job->chain.feed,
                                               .number = job->state->base_number + 1,
                                               .previous = &job->base_hash,
                                               .former_stolen = job->options->stolen,
                                               .created_ms = now_ms()};
    int code = keyfiles_make(&job->keys, error);

    if (code)
        return code;
    draft.node_key = secret_public(job->keys.node);
    draft.transport_key = secret_public(job->keys.transport);
    draft.sealing_key = secret_public(job->keys.sealing);
    if (job->new_root) {
        identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(job->new_recovery)),
                      &recovery_hash);
        draft.recovery_hash = &recovery_hash;
        draft.new_root = secret_public(job->new_root);
    }
    return identity_certificate_build(&draft, job->signer, &job->certificate, error);
}

/* It was refused before anything was written. Of everything else, a disk that failed at the commit
 * too, nobody can say whether the certificate comes into force once the node has started again:
 * then a root key and a recovery key must not be removed. */
static bool is_refused(int code)
{
    return code == ERROR_INVALID || code == ERROR_DENIED || code == ERROR_EXISTS ||
           code == ERROR_HELD || code == ERROR_BUSY || code == ERROR_NOT_FOUND ||
           code == ERROR_FROZEN || code == ERROR_TOO_LARGE || code == ERROR_FORK ||
           code == ERROR_GAP || code == ERROR_MALFORMED || code == ERROR_BAD_SIGNATURE ||
           code == ERROR_BROKEN_CHAIN || code == ERROR_WRONG_NETWORK || code == ERROR_USAGE;
}

/* *unsure: it may have come into force although there is no good answer. */
static int certify(struct job *job, const Caravan__CertifyReply **out, bool *unsure,
                   struct error *error)
{
    Caravan__CertifyRequest request = CARAVAN__CERTIFY_REQUEST__INIT;
    ProtobufCMessage *message;
    int code;

    request.has_certificate = request.has_after = true;
    request.certificate.data = job->certificate.data;
    request.certificate.len = job->certificate.size;
    request.after = job->after;
    request.has_after_hash = job->was_aside;
    if (job->was_aside)
        request.after_hash = fields_binary(span_of_id(&job->after_hash));
    code = client_call(job->client, "certify", &request.base, &caravan__certify_reply__descriptor,
                       &job->arena, CLIENT_LONG_TIMEOUT_MS, &message, error);
    *unsure = code == ERROR_TIMEOUT || code == ERROR_NODE_DOWN || code == ERROR_MEMORY;
    *out = code ? NULL : (const Caravan__CertifyReply *)message;
    return code;
}

/* everything: also the new root key and the paper, which were made for this certificate alone. */
static void take_back(struct job *job, bool everything)
{
    char path[HOME_PATH_SIZE];

    keyfiles_unstage(job->home, NULL);
    if (!everything)
        return;
    if (job->wrote_root && home_path(job->home, HOME_ROOT_KEY, path, NULL) == ERROR_NONE)
        home_remove(path, NULL);
    if (job->wrote_paper && home_path(job->home, HOME_RECOVERY_PAPER, path, NULL) == ERROR_NONE)
        home_remove(path, NULL);
}

/* Puts it into force. When it is not known whether it is, all files stay. */
static int bring_into_force(struct job *job, const Caravan__CertifyReply **reply,
                            struct error *error)
{
    bool unsure = false;
    int code = make_certificate(job, error);

    if (!code)
        code = keyfiles_stage(job->home, &job->keys, error);
    if (!code)
        code = certify(job, reply, &unsure, error);
    if (unsure)
        return error_set(error, (enum error_code)code,
                         "it is not known whether the new certificate is in force (%.300s); see: "
                         "caravan key show",
                         error->text);
    if (code)
        take_back(job, is_refused(code));
    else
        keyfiles_unstage(job->home, NULL); /* only the folder is left */
    return code;
}

/* --- rotate, recover ----------------------------------------------------------------------------
 */

static void print_done(const struct job *job, const Caravan__CertifyReply *reply)
{
    if (job->cli->json) {
        printf("{\"certificate\": \"%" PRIu64 "\", \"seq\": \"%" PRIu64 "\", \"stolen\": %s}\n",
               reply->number, reply->seq, job->options->stolen ? "true" : "false");
        return;
    }
    printf("Certificate %" PRIu64 " is in force since No. %" PRIu64
           "; the node signs with the new key.\n",
           reply->number, reply->seq);
    if (job->options->stolen)
        puts("The former keys count for nothing any more. Partners that are not connected now "
             "need our\nnew card: caravan card. Who lacks it: caravan key show");
    else if (job->state->in_use != job->state->in_force)
        puts("Partners that know newer keys than this node had do not let it in before they have "
             "our new\ncard: caravan card. Who lacks it: caravan key show");
    else
        puts("Partners get it by themselves. Until all have it they can also connect by the former "
             "key; who\ndoes not have it yet: caravan key show");
    if (job->new_root)
        printf("\nNow:\n  1. Move %s/" HOME_ROOT_KEY
               " off this machine: it is the root key from now "
               "on.\n  2. Print %s/" HOME_RECOVERY_PAPER ", lock it away, delete the file, and "
               "destroy the old paper.\n",
               job->home, job->home);
    else
        puts("\nPut the root key back where it is locked away, and make a new backup: the keys of "
             "an "
             "older\none count no more.");
}

static int rotate_or_recover(struct job *job, struct error *error)
{
    const Caravan__CertifyReply *reply;
    int code = lock_keys(job, error);

    if (!code)
        code = look(job, error);
    if (!code)
        code = choose_after(job, error);
    if (!code)
        code = job->options->root ? load_root(job, error) : load_recovery(job, error);
    if (!code && job->options->recovery) {
        code = make_new_root(job, error);
        if (code)
            take_back(job, true);
    }
    if (!code)
        code = bring_into_force(job, &reply, error);
    if (!code)
        print_done(job, reply);
    return code;
}

static int show(struct job *job, struct error *error)
{
    int code = look(job, error);

    return code ? code : cli_key_show(job->cli, job->home, job->state, error);
}

static int retire(struct job *job, struct error *error)
{
    Caravan__Empty request = CARAVAN__EMPTY__INIT;
    ProtobufCMessage *message;
    int code = client_call(job->client, "retire", &request.base, &caravan__empty__descriptor,
                           &job->arena, CLIENT_TIMEOUT_MS, &message, error);

    if (!code && job->cli->json)
        puts("{\"retired\": true}");
    else if (!code)
        puts("The former key is used no more. A partner that does not have the new certificate "
             "needs our\nnew card: caravan card");
    return code;
}

static int check_options(const char *verb, const struct options *options, struct error *error)
{
    bool rotates = strcmp(verb, "rotate") == 0, recovers = strcmp(verb, "recover") == 0;

    if (rotates && (!options->root || options->recovery))
        return error_set(error, ERROR_USAGE,
                         "say where the root key is: caravan key rotate --root FILE");
    if (recovers && (!options->recovery || options->root))
        return error_set(error, ERROR_USAGE,
                         "type the recovery paper into a file, and say which: caravan key recover "
                         "--recovery FILE (or - and type it here)");
    if (!rotates && !recovers &&
        (options->root || options->recovery || options->last_good || options->stolen))
        return error_set(error, ERROR_USAGE, "key %s takes no such option", verb);
    return ERROR_NONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    static const char *const verbs[] = {"show", "rotate", "recover", "retire", NULL};
    struct options given = {0};
    const struct cli_option options[] = {
        {.name = "--root",
         .value = "FILE",
         .help = "the root key, as keys/root.key was (rotate)",
         .text = &given.root},
        {.name = "--recovery",
         .value = "FILE",
         .help = "the recovery paper, typed in; -: standard input (recover)",
         .text = &given.recovery},
        {.name = "--stolen",
         .help = "the keys in use may be in others' hands: they count for nothing from now on",
         .flag = &given.stolen},
        {.name = "--last-good",
         .value = "NUMBER",
         .help = "the last entry that is really ours, or: end; what is behind it is put aside; "
                 "NUMBER:HASH brings back one that was put aside, with all before it",
         .text = &given.last_good},
        {.name = NULL}};
    struct error error = {0};
    struct job job = {.lock = -1};
    int rest = 0;
    int code = cli_options(cli, &cmd_key, options, argc, argv, &rest, &error);

    if (code < 0)
        return 0;
    if (!code)
        code = cli_verb(&cmd_key, verbs, rest, argv, &error);
    if (!code && rest > 1)
        code = error_set(&error, ERROR_USAGE, "key %s takes options only; found \"%.60s\"", argv[0],
                         argv[1]);
    if (!code)
        code = check_options(argv[0], &given, &error);
    if (code)
        return cli_fail(cli, &error);
    code = begin(cli, &given, &job, &error);
    if (!code && strcmp(argv[0], "show") == 0)
        code = show(&job, &error);
    else if (!code && strcmp(argv[0], "retire") == 0)
        code = retire(&job, &error);
    else if (!code)
        code = rotate_or_recover(&job, &error);
    end(&job);
    return code ? cli_fail(cli, &error) : 0;
}

const struct cli_command cmd_key = {
    .name = "key",
    .group = CLI_GROUP_CARE,
    .usage = "key show\nkey rotate --root FILE [--stolen] [--last-good NUMBER]\n"
             "key recover --recovery FILE [--stolen] [--last-good NUMBER]\nkey retire",
    .summary = "show our keys, put new ones in their place, after a theft, too",
    .help =
        "rotate makes new node, transport and sealing keys and a certificate for them, signed by\n"
        "the root key. Partners follow by themselves, also those that come back after weeks.\n"
        "With --stolen the former keys count for nothing at once, and you say which entry of the\n"
        "feed was the last good one; what a thief has published behind it is put aside, here and\n"
        "at every partner. --last-good alone ends a fork of our feed.\n\n"
        "recover does the same with the recovery paper when the root key is lost or stolen, and\n"
        "makes a new root key and a new paper.\n\n"
        "retire: use the former key no longer, although some partner knows no other.\n"
        "The node must be running.\n\n"
        "Example: caravan key rotate --root /media/stick/root.key\n"
        "Example: caravan key rotate --root /media/stick/root.key --stolen --last-good 41\n"
        "Example: caravan key recover --recovery -",
    .run = run,
};
