#include "node/config/home_new.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/entry.h"
#include "node/config/home.h"
#include "proto/wire.pb-c.h"

/* What is moved to its place, in this order: a folder with node.yaml is a complete home. */
static const char *const parts[] = {HOME_PARTNERS, HOME_LISTENERS, HOME_KEYS, HOME_CONFIG};
#define PART_COUNT (sizeof parts / sizeof *parts)

enum { ROOT, RECOVERY, NODE, TRANSPORT, SEALING, KEY_COUNT };

static const struct {
    enum secret_kind kind;
    const char *file; /* NULL: on paper only */
} keys[KEY_COUNT] = {
    [ROOT] = {SECRET_ROOT, HOME_ROOT_KEY},
    [RECOVERY] = {SECRET_RECOVERY, NULL},
    [NODE] = {SECRET_NODE, HOME_NODE_KEY},
    [TRANSPORT] = {SECRET_TRANSPORT, HOME_TRANSPORT_KEY},
    [SEALING] = {SECRET_SEALING, HOME_SEALING_KEY},
};

struct birth {
    const struct home_new *input;
    const char *home;
    char staging[HOME_PATH_SIZE];
    bool made_home, made_staging;
    size_t moved;
    struct secret *keys[KEY_COUNT];
    struct buffer certificate; /* SignedCertificate */
};

/* --- the folder ------------------------------------------------------------------------------- */

static int check_empty(const char *home, struct error *error)
{
    DIR *folder = opendir(home);
    struct dirent *item;
    int code = ERROR_NONE;

    if (!folder)
        return error_errno(error, "open the folder", home);
    while (!code && (errno = 0, item = readdir(folder)) != NULL) {
        const char *name = item->d_name;

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "lost+found") != 0)
            code = error_set(error, ERROR_EXISTS,
                             "the folder %s is not empty (there is %s in it); choose a new folder: "
                             "init never overwrites anything",
                             home, name);
    }
    if (!code && errno)
        code = error_errno(error, "list the folder", home);
    closedir(folder);
    return code;
}

static int open_folder(struct birth *birth, struct error *error)
{
    int size;
    int code = ERROR_NONE;

    if (mkdir(birth->home, 0700) == 0)
        birth->made_home = true;
    else if (errno != EEXIST)
        return error_errno(error, "make the folder", birth->home);
    else
        code = check_empty(birth->home, error);
    if (code)
        return code;
    size = snprintf(birth->staging, sizeof birth->staging, "%s/.init-XXXXXX", birth->home);
    if (size < 0 || (size_t)size >= sizeof birth->staging)
        return error_set(error, ERROR_CONFIG, "the path %.60s… is too long", birth->home);
    if (!mkdtemp(birth->staging))
        return error_errno(error, "make a folder in", birth->home);
    birth->made_staging = true;
    return ERROR_NONE;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

/* Takes back what was made, and nothing else. */
static void undo(struct birth *birth)
{
    char from[HOME_PATH_SIZE], to[HOME_PATH_SIZE];

    while (birth->moved > 0) {
        birth->moved--;
        if (home_path(birth->home, parts[birth->moved], from, NULL) == ERROR_NONE &&
            home_path(birth->staging, parts[birth->moved], to, NULL) == ERROR_NONE)
            rename(from, to);
    }
    if (birth->made_staging)
        nftw(birth->staging, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (birth->made_home)
        rmdir(birth->home);
}

static int move_parts(struct birth *birth, struct error *error)
{
    char from[HOME_PATH_SIZE], to[HOME_PATH_SIZE];

    for (; birth->moved < PART_COUNT; birth->moved++) {
        int code = home_path(birth->staging, parts[birth->moved], from, error);

        if (!code)
            code = home_path(birth->home, parts[birth->moved], to, error);
        if (!code && rename(from, to) != 0)
            code = error_errno(error, "make", to);
        if (!code)
            code = home_sync_folder(birth->home, error);
        if (code)
            return code;
    }
    rmdir(birth->staging); /* empty now */
    return home_sync_folder(birth->home, error);
}

/* --- what goes into it ------------------------------------------------------------------------ */

static int write_part(struct birth *birth, const char *name, struct span content,
                      struct error *error)
{
    char path[HOME_PATH_SIZE];
    int code = home_path(birth->staging, name, path, error);

    return code ? code : home_write(path, 0600, content, error);
}

static int make_folders(struct birth *birth, struct error *error)
{
    static const char *const folders[] = {HOME_KEYS, HOME_PARTNERS, HOME_LISTENERS};
    char path[HOME_PATH_SIZE];

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int code = home_path(birth->staging, folders[i], path, error);

        if (!code)
            code = home_make_folder(path, 0700, error);
        if (code)
            return code;
    }
    return ERROR_NONE;
}

static int make_keys(struct birth *birth, struct error *error)
{
    char path[HOME_PATH_SIZE];

    for (int i = 0; i < KEY_COUNT; i++) {
        int code = secret_generate(keys[i].kind, &birth->keys[i], error);

        if (!code && keys[i].file) {
            code = home_path(birth->staging, keys[i].file, path, error);
            if (!code)
                code = secret_save(birth->keys[i], path, error);
        }
        if (code)
            return code;
    }
    return ERROR_NONE;
}

static int make_certificate(struct birth *birth, struct error *error)
{
    struct id recovery_hash;
    struct identity_certificate_draft draft = {
        .network = birth->input->network,
        .feed = secret_public(birth->keys[ROOT]),
        .number = 1,
        .node_key = secret_public(birth->keys[NODE]),
        .transport_key = secret_public(birth->keys[TRANSPORT]),
        .sealing_key = secret_public(birth->keys[SEALING]),
        .recovery_hash = &recovery_hash,
        .created_ms = birth->input->now_ms,
    };

    identity_hash(IDENTITY_RECOVERY, span_of_id(secret_public(birth->keys[RECOVERY])),
                  &recovery_hash);
    return identity_certificate_build(&draft, birth->keys[ROOT], &birth->certificate, error);
}

static int write_certificates(struct birth *birth, struct error *error)
{
    Caravan__Certificates message = CARAVAN__CERTIFICATES__INIT;
    Caravan__SignedCertificate *certificate =
        caravan__signed_certificate__unpack(NULL, birth->certificate.size, birth->certificate.data);
    const struct id *feed = secret_public(birth->keys[ROOT]);
    struct id copy = *feed;
    struct buffer packed = {0};
    int code;

    if (!certificate)
        return error_memory(error);
    message.has_feed = true;
    message.feed.data = copy.bytes;
    message.feed.len = BYTES_ID_SIZE;
    message.certificates = &certificate;
    message.n_certificates = 1;
    if (buffer_reserve(&packed, caravan__certificates__get_packed_size(&message))) {
        packed.size = caravan__certificates__pack(&message, packed.data);
        code = write_part(birth, HOME_CERTIFICATES, buffer_span(&packed), error);
    } else {
        code = error_memory(error);
    }
    buffer_finish(&packed);
    caravan__signed_certificate__free_unpacked(certificate, NULL);
    return code;
}

/* Entry 1 is made once and for all: whoever publishes it later publishes these bytes. */
static int write_genesis(struct birth *birth, struct error *error)
{
    struct entry_draft draft = {
        .network = birth->input->network,
        .feed = *secret_public(birth->keys[ROOT]),
        .seq = 1,
        .created_ms = birth->input->now_ms,
        .content_type = CARAVAN__CONTENT_TYPE__CONTENT_TYPE_CERTIFICATE,
        .content = buffer_span(&birth->certificate),
    };
    struct buffer bytes = {0};
    struct id hash;
    int code;

    secret_random(draft.salt, sizeof draft.salt);
    code = entry_build(&draft, birth->keys[NODE], &bytes, &hash, error);
    if (!code)
        code = write_part(birth, HOME_GENESIS, buffer_span(&bytes), error);
    buffer_finish(&bytes);
    return code;
}

static int write_paper(struct birth *birth, struct error *error)
{
    struct buffer text = {0};
    int code;

    /* Reserved at once: a buffer that grows would leave a copy of the secret behind. */
    if (buffer_reserve(&text, 8192) &&
        home_new_paper(birth->input->title, birth->input->network, secret_public(birth->keys[ROOT]),
                       secret_public(birth->keys[RECOVERY]), secret_bytes(birth->keys[RECOVERY]),
                       &text))
        code = write_part(birth, HOME_RECOVERY_PAPER, buffer_span(&text), error);
    else
        code = error_memory(error);
    if (text.data)
        secret_wipe(text.data, text.capacity);
    buffer_finish(&text);
    return code;
}

int home_new(const char *home, const struct home_new *input, struct id *feed, struct error *error)
{
    struct birth birth = {.input = input, .home = home};
    int code = open_folder(&birth, error);

    if (!code)
        code = make_folders(&birth, error);
    if (!code)
        code = make_keys(&birth, error);
    if (!code)
        code = make_certificate(&birth, error);
    if (!code)
        code = write_certificates(&birth, error);
    if (!code)
        code = write_genesis(&birth, error);
    if (!code)
        code = write_paper(&birth, error);
    if (!code)
        code = write_part(&birth, HOME_CONFIG, input->yaml, error);
    if (!code)
        code = move_parts(&birth, error);
    if (!code)
        *feed = *secret_public(birth.keys[ROOT]);
    else
        undo(&birth);
    for (int i = 0; i < KEY_COUNT; i++)
        secret_destroy(birth.keys[i]);
    buffer_finish(&birth.certificate);
    return code;
}

/* --- paper ------------------------------------------------------------------------------------ */

static uint16_t crc16(const uint8_t *data, size_t size)
{
    unsigned crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
    }
    return (uint16_t)crc;
}

uint16_t home_new_paper_check(uint8_t number, const uint8_t bytes[8])
{
    uint8_t checked[9] = {number};
    uint16_t check;

    memcpy(checked + 1, bytes, 8);
    check = crc16(checked, sizeof checked);
    secret_wipe(checked, sizeof checked);
    return check;
}

/* "  1  0011 2233 4455 6677   check 1a2b" */
static bool print_line(uint8_t number, const uint8_t bytes[8], struct buffer *out)
{
    char hex[17];
    bool ok;

    bytes_to_hex(bytes, 8, hex);
    ok = buffer_printf(out, "    %u   %.4s %.4s %.4s %.4s   check %04x\n", number, hex, hex + 4,
                       hex + 8, hex + 12, home_new_paper_check(number, bytes));
    secret_wipe(hex, sizeof hex);
    return ok;
}

bool home_new_paper(const char *title, const char *network, const struct id *feed,
                    const struct id *recovery_public, const uint8_t secret[32], struct buffer *out)
{
    char fingerprint[IDENTITY_FINGERPRINT_SIZE], hex[2 * BYTES_ID_SIZE + 1];
    bool ok;

    identity_fingerprint(feed, fingerprint);
    bytes_to_hex(recovery_public->bytes, BYTES_ID_SIZE, hex);
    ok = buffer_printf(out,
                       "CARAVAN RECOVERY KEY\n"
                       "====================\n\n"
                       "Institution:  %s\n"
                       "Network:      %s\n"
                       "Fingerprint:  %s\n\n"
                       "Print this page, lock it away apart from the root key, then delete the "
                       "file.\nThe recovery key outranks the root key: with it the institution "
                       "names new keys\nwhen the root key is lost or stolen. Who holds this page "
                       "can do the same.\n\n",
                       title, network, fingerprint);
    for (uint8_t i = 0; ok && i < 4; i++)
        ok = print_line((uint8_t)(i + 1), secret + 8 * i, out);
    return ok && buffer_printf(out,
                               "\nThe digits are 0-9 and a-f. When they are typed in, each line's "
                               "check shows a typing error.\nPublic part: %s\n",
                               hex);
}
