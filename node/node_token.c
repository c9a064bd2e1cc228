#include "node/node_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node/config/home.h"

#define STARTS "starts"
#define TOKEN_SIZE 4096

struct token {
    char ledger[2 * STORE_LEDGER_ID_SIZE + 1];
    uint64_t inode, starts;
};

static int current(const char *home, const struct store *writer, struct token *token,
                   struct error *error)
{
    struct buffer value = {0};
    char path[HOME_PATH_SIZE];
    struct store_info info;
    struct stat status;
    int code = home_path(home, HOME_LEDGER, path, error);

    if (code || (code = writer->operations->info(writer->self, &info, error)))
        return code;
    if (stat(path, &status))
        return error_errno(error, "look at", path);
    bytes_to_hex(info.ledger, sizeof info.ledger, token->ledger);
    token->inode = (uint64_t)status.st_ino;
    token->starts = 0;
    if (writer->operations->get_value(writer->self, STARTS, &value, NULL) == ERROR_NONE &&
        value.size == 8)
        token->starts = bytes_get_u64(value.data);
    buffer_finish(&value);
    return ERROR_NONE;
}

static int count_start(const struct store *writer, uint64_t starts, struct error *error)
{
    uint8_t bytes[8];
    int code = writer->operations->begin(writer->self, error);

    if (code)
        return code;
    bytes_put_u64(bytes, starts);
    code = writer->operations->put_value(writer->self, STARTS, span_of(bytes, sizeof bytes), error);
    if (code)
        writer->operations->rollback(writer->self);
    return code ? code : writer->operations->commit(writer->self, error);
}

static bool read_token(struct buffer *text, struct token *token)
{
    return sscanf(buffer_text(text),
                  "caravan-token 1\nledger: %32[0-9a-f]\ninode: %" SCNu64 "\nstarts: %" SCNu64,
                  token->ledger, &token->inode, &token->starts) == 3;
}

int node_token_check(const char *home, const struct store *writer, bool is_new, bool *suspect,
                     struct error *error)
{
    struct token now, then = {0};
    struct buffer text = {0};
    char path[HOME_PATH_SIZE];
    int code = home_path(home, HOME_TOKEN, path, error);

    if (!code)
        code = current(home, writer, &now, error);
    if (!code)
        code = count_start(writer, now.starts + 1, error);
    if (code)
        return code;
    code = home_read(path, TOKEN_SIZE, &text, error);
    if (code == ERROR_NOT_FOUND)
        *suspect = !is_new;
    else if (!code)
        *suspect = is_new || !read_token(&text, &then) || strcmp(now.ledger, then.ledger) != 0 ||
                   now.inode != then.inode || now.starts < then.starts;
    buffer_finish(&text);
    return code == ERROR_NOT_FOUND ? ERROR_NONE : code;
}

int node_token_write(const char *home, const struct store *writer, struct error *error)
{
    struct buffer text = {0};
    char path[HOME_PATH_SIZE];
    struct token now;
    int code = home_path(home, HOME_TOKEN, path, error);

    if (!code)
        code = current(home, writer, &now, error);
    if (!code &&
        !buffer_printf(&text,
                       "caravan-token 1\nledger: %s\ninode: %" PRIu64 "\nstarts: %" PRIu64 "\n",
                       now.ledger, now.inode, now.starts))
        code = error_memory(error);
    if (!code)
        code = home_write(path, 0600, buffer_span(&text), error);
    buffer_finish(&text);
    return code;
}
