#include "node/config/keyfiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wire.h"
#include "node/config/home.h"

#define FORMER_MAX 999 /* sealing-999.key */

/* The kinds that rotate. */
static const struct {
    enum secret_kind kind;
    const char *name;
} kinds[] = {{SECRET_NODE, "node"}, {SECRET_TRANSPORT, "transport"}, {SECRET_SEALING, "sealing"}};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static const char *name_of(enum secret_kind kind)
{
    size_t i = 0;

    while (kinds[i].kind != kind)
        i++;
    return kinds[i].name;
}

static const struct id *named_by(const struct identity_certificate *certificate,
                                 enum secret_kind kind)
{
    switch (kind) {
    case SECRET_NODE:
        return &certificate->node_key;
    case SECRET_TRANSPORT:
        return &certificate->transport_key;
    default:
        return &certificate->sealing_key;
    }
}

static struct secret **slot_of(struct keyfiles *keys, enum secret_kind kind)
{
    switch (kind) {
    case SECRET_NODE:
        return &keys->node;
    case SECRET_TRANSPORT:
        return &keys->transport;
    default:
        return &keys->sealing;
    }
}

void keyfiles_finish(struct keyfiles *keys)
{
    secret_destroy(keys->node);
    secret_destroy(keys->transport);
    secret_destroy(keys->sealing);
    *keys = (struct keyfiles){0};
}

int keyfiles_make(struct keyfiles *out, struct error *error)
{
    int code = ERROR_NONE;

    *out = (struct keyfiles){0};
    for (size_t i = 0; i < KIND_COUNT && !code; i++)
        code = secret_generate(kinds[i].kind, slot_of(out, kinds[i].kind), error);
    if (code)
        keyfiles_finish(out);
    return code;
}

/* --- finding -----------------------------------------------------------------------------------
 */

/* keys/X.key, keys/X-new.key, keys/X-1.key: mark is "", "-new" or "-1". */
static int path_of(const char *home, enum secret_kind kind, const char *mark,
                   char out[HOME_PATH_SIZE], struct error *error)
{
    char name[128];

    snprintf(name, sizeof name, "%s%s", name_of(kind), mark);
    return home_path_in(home, HOME_KEYS, name, ".key", out, error);
}

/* The marks of the files of one kind; the one without a mark comes first, when it is there. */
static int list_marks(const char *home, enum secret_kind kind, struct home_names *out,
                      struct error *error)
{
    const char *name = name_of(kind);
    size_t size = strlen(name), kept = 0;
    char path[HOME_PATH_SIZE];
    int code = home_path(home, HOME_KEYS, path, error);

    if (!code)
        code = home_list(path, ".key", out, error);
    if (code)
        return code;
    for (size_t i = 0; i < out->count; i++) {
        char *found = out->names[i];
        bool fits = strncmp(found, name, size) == 0 && (!found[size] || found[size] == '-');

        if (fits) {
            memmove(found, found + size, strlen(found + size) + 1);
            out->names[kept++] = found;
        } else {
            free(found);
        }
    }
    out->count = kept;
    return ERROR_NONE;
}

/* *mark: of the file that holds it; the caller has room for 64 bytes. */
static int find(const char *home, enum secret_kind kind, const struct id *public,
                struct secret **out, char mark[64], struct error *error)
{
    char path[HOME_PATH_SIZE];
    struct home_names marks = {0};
    struct error first = {0};
    int code = list_marks(home, kind, &marks, error);
    bool found = false;

    for (size_t i = 0; i < marks.count && !code && !found; i++) {
        struct secret *secret = NULL;
        struct error why = {0};

        code = path_of(home, kind, marks.names[i], path, error);
        if (code)
            break;
        if (secret_load(path, kind, &secret, &why)) {
            if (why.code == ERROR_MEMORY)
                code = error_memory(error);
            else if (!*marks.names[i])
                first = why;
            continue;
        }
        found = id_equal(secret_public(secret), public);
        if (found) {
            *out = secret;
            snprintf(mark, 64, "%s", marks.names[i]);
        } else {
            secret_destroy(secret);
        }
    }
    home_names_finish(&marks);
    if (code || found)
        return code;
    if (first.code)
        return error_set(error, first.code, "%s", first.text);
    return error_set(error, ERROR_NOT_FOUND,
                     "%s/" HOME_KEYS "/%s.key is not the key that the newest certificate in "
                     "%s names; put back the files of one backup",
                     home, name_of(kind), HOME_CERTIFICATES);
}

int keyfiles_find(const char *home, enum secret_kind kind, const struct id *public,
                  struct secret **out, struct error *error)
{
    char mark[64];

    return find(home, kind, public, out, mark, error);
}

int keyfiles_load(const char *home, const struct identity_certificate *certificate,
                  struct keyfiles *out, struct error *error)
{
    int code = ERROR_NONE;

    *out = (struct keyfiles){0};
    for (size_t i = 0; i < KIND_COUNT && !code; i++)
        code = keyfiles_find(home, kinds[i].kind, named_by(certificate, kinds[i].kind),
                             slot_of(out, kinds[i].kind), error);
    if (code)
        keyfiles_finish(out);
    return code;
}

static int add_to_list(struct keyfiles_list *list, struct secret *secret, struct error *error)
{
    struct secret **more = realloc(list->secrets, (list->count + 1) * sizeof *more);

    if (!more)
        return error_memory(error);
    list->secrets = more;
    more[list->count++] = secret;
    return ERROR_NONE;
}

int keyfiles_former_sealing(const char *home, const struct id *newest, struct keyfiles_list *out,
                            struct error *error)
{
    char path[HOME_PATH_SIZE];
    struct home_names marks = {0};
    int code = list_marks(home, SECRET_SEALING, &marks, error);

    *out = (struct keyfiles_list){0};
    for (size_t i = 0; i < marks.count && !code; i++) {
        struct secret *secret = NULL;

        code = path_of(home, SECRET_SEALING, marks.names[i], path, error);
        if (!code)
            code = secret_load(path, SECRET_SEALING, &secret, error);
        if (!code && !id_equal(secret_public(secret), newest))
            code = add_to_list(out, secret, error);
        else
            secret_destroy(secret);
    }
    home_names_finish(&marks);
    if (code)
        keyfiles_list_finish(out);
    return code;
}

void keyfiles_list_finish(struct keyfiles_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        secret_destroy(list->secrets[i]);
    free(list->secrets);
    *list = (struct keyfiles_list){0};
}

/* --- the client's part ------------------------------------------------------------------------
 */

static int staged_path(const char *home, enum secret_kind kind, char out[HOME_PATH_SIZE],
                       struct error *error)
{
    return home_path_in(home, KEYFILES_NEXT, name_of(kind), ".key", out, error);
}

/* As home_remove; ERROR_NONE when there is none. */
static int remove_file(const char *path, struct error *error)
{
    struct error why = {0};
    int code = home_remove(path, &why);

    if (!code || code == ERROR_NOT_FOUND)
        return ERROR_NONE;
    return error_set(error, why.code, "%s", why.text);
}

int keyfiles_unstage(const char *home, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(home, KEYFILES_NEXT, path, error);

    if (code || access(path, F_OK) != 0)
        return code;
    for (size_t i = 0; i < KIND_COUNT && !code; i++) {
        code = staged_path(home, kinds[i].kind, path, error);
        if (!code)
            code = remove_file(path, error);
    }
    if (!code)
        code = home_path(home, KEYFILES_NEXT, path, error);
    if (!code && rmdir(path) != 0 && errno != ENOENT)
        code = error_errno(error, "remove the folder", path);
    return code;
}

int keyfiles_stage(const char *home, const struct keyfiles *keys, struct error *error)
{
    const struct secret *secrets[KIND_COUNT] = {keys->node, keys->transport, keys->sealing};
    char path[HOME_PATH_SIZE];
    int code = keyfiles_unstage(home, error);

    if (!code)
        code = home_path(home, KEYFILES_NEXT, path, error);
    if (!code)
        code = home_make_folder(path, 0700, error);
    for (size_t i = 0; i < KIND_COUNT && !code; i++) {
        code = staged_path(home, kinds[i].kind, path, error);
        if (!code)
            code = secret_save(secrets[i], path, error);
    }
    return code;
}

/* --- the node's -------------------------------------------------------------------------------
 */

static int move_file(const char *from, const char *to, struct error *error)
{
    return rename(from, to) == 0 ? ERROR_NONE : error_errno(error, "move to its place", from);
}

static int sync_keys(const char *home, struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(home, HOME_KEYS, path, error);

    return code ? code : home_sync_folder(path, error);
}

static int take_one(const char *home, enum secret_kind kind, const struct id *expected,
                    struct secret **out, struct error *error)
{
    char from[HOME_PATH_SIZE], to[HOME_PATH_SIZE];
    int code = staged_path(home, kind, from, error);

    if (!code)
        code = path_of(home, kind, "-new", to, error);
    if (!code)
        code = move_file(from, to, error);
    if (!code)
        code = secret_load(to, kind, out, error);
    if (!code && !id_equal(secret_public(*out), expected))
        code = error_set(error, ERROR_INVALID,
                         "%s was not the %s key that the certificate names; was another command "
                         "making keys at the same time? Try again",
                         from, name_of(kind));
    return code;
}

int keyfiles_take(const char *home, const struct identity_certificate *certificate,
                  struct keyfiles *out, struct error *error)
{
    int code = ERROR_NONE;

    *out = (struct keyfiles){0};
    for (size_t i = 0; i < KIND_COUNT && !code; i++)
        code = take_one(home, kinds[i].kind, named_by(certificate, kinds[i].kind),
                        slot_of(out, kinds[i].kind), error);
    if (!code)
        code = sync_keys(home, error);
    if (code)
        keyfiles_finish(out);
    return code;
}

/* Certificates bytes of the whole chain, each as it was received. */
static int write_certificates(const char *home, const struct identity_chain *chain,
                              struct error *error)
{
    struct buffer bytes = {0}, there = {0};
    char path[HOME_PATH_SIZE];
    bool ok = wire_put_bytes(&bytes, 2, span_of_id(&chain->feed));
    int code;

    for (size_t i = 0; i < chain->count && ok; i++)
        ok = wire_put_bytes(&bytes, 3, buffer_span(&chain->encoded[i]));
    code = ok ? home_path(home, HOME_CERTIFICATES, path, error) : error_memory(error);
    if (!code && (home_read(path, LIMIT_MESSAGE_SIZE, &there, NULL) ||
                  !span_equal(buffer_span(&there), buffer_span(&bytes))))
        code = home_write(path, 0600, buffer_span(&bytes), error);
    buffer_finish(&bytes);
    buffer_finish(&there);
    return code;
}

/* The first of X-1.key, X-2.key, … that is free. */
static int free_path(const char *home, enum secret_kind kind, char out[HOME_PATH_SIZE],
                     struct error *error)
{
    char mark[16];

    for (int i = 1; i <= FORMER_MAX; i++) {
        int code;

        snprintf(mark, sizeof mark, "-%d", i);
        code = path_of(home, kind, mark, out, error);
        if (code)
            return code;
        if (access(out, F_OK) != 0)
            return ERROR_NONE;
    }
    return error_set(error, ERROR_EXISTS, "there are %d former %s keys in %s/" HOME_KEYS,
                     FORMER_MAX, name_of(kind), home);
}

/* Is the key that is about to leave X.key of use? The transport key only to partners that know no
 * newer one than it. */
static bool keeps_former(const char *home, const struct identity_chain *chain,
                         enum secret_kind kind)
{
    const struct identity_certificate *newest = identity_chain_get(chain, chain->count);
    const struct identity_certificate *before = identity_chain_get(chain, chain->count - 1);
    struct secret *secret = NULL;
    char mark[64];
    int code;

    if (kind != SECRET_TRANSPORT || !before || newest->former_stolen)
        return kind == SECRET_SEALING;
    code = find(home, kind, &before->transport_key, &secret, mark, NULL);
    secret_destroy(secret);
    return code == ERROR_MEMORY || (!code && !*mark); /* rather one file too many */
}

static int settle_one(const char *home, const struct identity_chain *chain, enum secret_kind kind,
                      struct error *error)
{
    const struct identity_certificate *newest = identity_chain_get(chain, chain->count);
    char place[HOME_PATH_SIZE], from[HOME_PATH_SIZE], former[HOME_PATH_SIZE], mark[64];
    struct secret *secret = NULL;
    int code = find(home, kind, named_by(newest, kind), &secret, mark, error);

    secret_destroy(secret);
    if (!code)
        code = path_of(home, kind, "", place, error);
    if (!code)
        code = path_of(home, kind, *mark ? mark : "-new", from, error);
    if (code || !*mark) /* in its place: what else was taken over never came into force */
        return code ? code : remove_file(from, error);
    if (keeps_former(home, chain, kind) && access(place, F_OK) == 0) {
        code = free_path(home, kind, former, error);
        if (!code)
            code = move_file(place, former, error);
    }
    return code ? code : move_file(from, place, error);
}

int keyfiles_settle(const char *home, const struct identity_chain *chain, struct error *error)
{
    const struct identity_certificate *newest = identity_chain_get(chain, chain->count);
    struct keyfiles keys = {0};
    int code = keyfiles_load(home, newest, &keys, error);

    keyfiles_finish(&keys);
    if (!code)
        code = write_certificates(home, chain, error);
    for (size_t i = 0; i < KIND_COUNT && !code; i++)
        code = settle_one(home, chain, kinds[i].kind, error);
    if (!code && newest->former_stolen)
        code = keyfiles_retire(home, error);
    return code ? code : sync_keys(home, error);
}

int keyfiles_retire(const char *home, struct error *error)
{
    char path[HOME_PATH_SIZE];
    struct home_names marks = {0};
    int code = list_marks(home, SECRET_TRANSPORT, &marks, error);

    for (size_t i = 0; i < marks.count && !code; i++) {
        if (!*marks.names[i] || strcmp(marks.names[i], "-new") == 0)
            continue;
        code = path_of(home, SECRET_TRANSPORT, marks.names[i], path, error);
        if (!code)
            code = remove_file(path, error);
    }
    home_names_finish(&marks);
    return code;
}
