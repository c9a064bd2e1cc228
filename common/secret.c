#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAGIC "caravan-key 1"
#define FILE_SIZE_MAX 512

/* Lives in sodium_malloc memory as a whole. */
struct secret {
    enum secret_kind kind;
    struct id public;
    uint8_t bytes[crypto_sign_SECRETKEYBYTES]; /* Ed25519: seed, then public key; X25519: scalar */
};

static const struct {
    const char *name;
    bool signs;
} kinds[] = {
    [SECRET_ROOT] = {"root", true},        [SECRET_RECOVERY] = {"recovery", true},
    [SECRET_NODE] = {"node", true},        [SECRET_TRANSPORT] = {"transport", false},
    [SECRET_SEALING] = {"sealing", false},
};

_Static_assert(sizeof(struct id) == crypto_sign_PUBLICKEYBYTES, "Ed25519 public keys are ids");
_Static_assert(sizeof(struct id) == crypto_scalarmult_BYTES, "X25519 public keys are ids");

int secret_start(struct error *error)
{
    if (sodium_init() < 0)
        return error_set(error, ERROR_INTERNAL,
                         "libsodium cannot start: no source of random numbers");
    return ERROR_NONE;
}

int secret_from_bytes(enum secret_kind kind, const uint8_t bytes[32], struct secret **out,
                      struct error *error)
{
    struct secret *secret = sodium_malloc(sizeof *secret);
    int failed;

    if (!secret)
        return error_memory(error);
    memset(secret, 0, sizeof *secret);
    secret->kind = kind;
    if (kinds[kind].signs) {
        failed = crypto_sign_seed_keypair(secret->public.bytes, secret->bytes, bytes);
    } else {
        memcpy(secret->bytes, bytes, 32);
        failed = crypto_scalarmult_base(secret->public.bytes, secret->bytes);
    }
    if (failed) {
        sodium_free(secret);
        return error_set(error, ERROR_INVALID, "these 32 bytes cannot be a %s key",
                         kinds[kind].name);
    }
    sodium_mprotect_readonly(secret);
    *out = secret;
    return ERROR_NONE;
}

int secret_generate(enum secret_kind kind, struct secret **out, struct error *error)
{
    uint8_t seed[32];
    int code;

    randombytes_buf(seed, sizeof seed);
    code = secret_from_bytes(kind, seed, out, error);
    sodium_memzero(seed, sizeof seed);
    return code;
}

void secret_destroy(struct secret *secret)
{
    sodium_free(secret); /* wipes */
}

/* --- key files ------------------------------------------------------------------------------- */

static int check_mode(int fd, const char *path, struct error *error)
{
    struct stat info;

    if (fstat(fd, &info) < 0)
        return error_errno(error, "read key file", path);
    if (!S_ISREG(info.st_mode))
        return error_set(error, ERROR_CONFIG, "key file %s is not a plain file", path);
    if (info.st_mode & 077)
        return error_set(error, ERROR_CONFIG,
                         "key file %s may be read or changed by others (mode %04o), expected 0600; "
                         "run: chmod 600 %s",
                         path, (unsigned)(info.st_mode & 07777), path);
    return ERROR_NONE;
}

/* Reads at most size - 1 bytes and ends them with a NUL. */
static int read_text(const char *path, char *text, size_t size, struct error *error)
{
    size_t used = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int code;

    if (fd < 0)
        return error_errno(error, "open key file", path);
    code = check_mode(fd, path, error);
    while (!code && got > 0 && used < size - 1) {
        got = read(fd, text + used, size - 1 - used);
        if (got > 0)
            used += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            code = error_errno(error, "read key file", path);
    }
    if (!code && used == size - 1)
        code =
            error_set(error, ERROR_CONFIG,
                      "key file %s has more than %zu bytes, expected four lines", path, size - 2);
    else if (!code && memchr(text, '\0', used))
        code = error_set(error, ERROR_CONFIG, "key file %s holds a NUL byte, expected text", path);
    text[used] = '\0';
    close(fd);
    return code;
}

/* Cuts the next line off *rest: without its end, also when that is CRLF. */
static char *next_line(char **rest)
{
    char *line = *rest, *end = line + strcspn(line, "\n");

    *rest = *end ? end + 1 : end;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

/* Never quotes what a line says: it may be the secret. */
static int read_key_line(const char *path, int number, const char *line, const char *name,
                         uint8_t out[32], struct error *error)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) != 0 || line[length] != ':' || line[length + 1] != ' ')
        return error_set(error, ERROR_CONFIG, "%s:%d: no \"%s: …\", expected 64 hex digits", path,
                         number, name);
    line += length + 2;
    if (!bytes_from_hex(line, out, 32))
        return error_set(error, ERROR_CONFIG,
                         "%s:%d: %zu characters after \"%s:\", expected 64 hex digits; the file is "
                         "damaged, take it from your backup",
                         path, number, strlen(line), name);
    return ERROR_NONE;
}

static int parse_file(const char *path, char *text, enum secret_kind kind, struct id *public,
                      uint8_t bytes[32], struct error *error)
{
    char *rest = text;
    const char *line = next_line(&rest);
    int code;

    if (strcmp(line, FILE_MAGIC) != 0)
        return error_set(error, ERROR_CONFIG,
                         "%s:1: not a key file of this program, expected the line \"%s\"", path,
                         FILE_MAGIC);
    line = next_line(&rest);
    if (strncmp(line, "kind: ", 6) != 0)
        return error_set(error, ERROR_CONFIG, "%s:2: no \"kind: …\", expected \"kind: %s\"", path,
                         kinds[kind].name);
    if (strcmp(line + 6, kinds[kind].name) != 0)
        return error_set(
            error, ERROR_CONFIG,
            "%s:2: the key is of kind %.16s, expected %s; was the wrong file put here?", path,
            line + 6, kinds[kind].name);
    code = read_key_line(path, 3, next_line(&rest), "public", public->bytes, error);
    if (!code)
        code = read_key_line(path, 4, next_line(&rest), "secret", bytes, error);
    if (!code && *rest)
        code =
            error_set(error, ERROR_CONFIG, "%s:5: more text, expected the end of the file", path);
    return code;
}

int secret_load(const char *path, enum secret_kind kind, struct secret **out, struct error *error)
{
    char text[FILE_SIZE_MAX + 2] = "";
    uint8_t bytes[32] = {0};
    struct id public = {0};
    struct secret *secret = NULL;
    int code = read_text(path, text, sizeof text, error);

    if (!code)
        code = parse_file(path, text, kind, &public, bytes, error);
    if (!code)
        code = secret_from_bytes(kind, bytes, &secret, error);
    if (!code && !id_equal(&public, &secret->public))
        code = error_set(error, ERROR_CONFIG,
                         "%s:3: the public key does not belong to the secret key of line 4; the "
                         "file is damaged, take it from your backup",
                         path);
    if (!code) {
        *out = secret;
        secret = NULL;
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(bytes, sizeof bytes);
    secret_destroy(secret);
    return code;
}

static int write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, text, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        text += done;
        size -= (size_t)done;
    }
    return 0;
}

/* A new file is only there for good when its folder is synced, too. */
static int sync_folder(const char *path)
{
    char copy[4096];
    int fd, result;

    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    result = fsync(fd);
    close(fd);
    return result;
}

int secret_save(const struct secret *secret, const char *path, struct error *error)
{
    char public[65], hidden[65], text[FILE_SIZE_MAX];
    int code = ERROR_NONE, length;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 && errno == EEXIST)
        return error_set(error, ERROR_EXISTS,
                         "key file %s is already there and will not be replaced; move it away if "
                         "you really want a new key",
                         path);
    if (fd < 0)
        return error_errno(error, "create key file", path);
    bytes_to_hex(secret->public.bytes, 32, public);
    bytes_to_hex(secret->bytes, 32, hidden);
    length = snprintf(text, sizeof text, FILE_MAGIC "\nkind: %s\npublic: %s\nsecret: %s\n",
                      kinds[secret->kind].name, public, hidden);
    if (fchmod(fd, 0600) < 0 || write_all(fd, text, (size_t)length) < 0 || fsync(fd) < 0 ||
        sync_folder(path) < 0) {
        code = error_errno(error, "write key file", path);
        unlink(path); /* half a key file would only be in the way of the next try */
    }
    close(fd);
    sodium_memzero(text, sizeof text);
    sodium_memzero(hidden, sizeof hidden);
    return code;
}

/* --- the rest -------------------------------------------------------------------------------- */

const char *secret_kind_name(enum secret_kind kind)
{
    return kinds[kind].name;
}

enum secret_kind secret_kind_of(const struct secret *secret)
{
    return secret->kind;
}

const struct id *secret_public(const struct secret *secret)
{
    return &secret->public;
}

const uint8_t *secret_bytes(const struct secret *secret)
{
    return secret->bytes;
}

int secret_sign(const struct secret *secret, struct span message, uint8_t signature[64],
                struct error *error)
{
    if (!kinds[secret->kind].signs)
        return error_set(error, ERROR_INTERNAL, "a %s key cannot sign", kinds[secret->kind].name);
    if (crypto_sign_detached(signature, NULL, message.data, message.size, secret->bytes) != 0)
        return error_set(error, ERROR_INTERNAL, "signing failed");
    return ERROR_NONE;
}

void secret_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void secret_wipe(void *memory, size_t size)
{
    sodium_memzero(memory, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

const char *secret_library(void)
{
    return sodium_version_string();
}
