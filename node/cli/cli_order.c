#include "node/cli/cli_order.h"

#include <string.h>

#include "common/card.h"
#include "common/limits.h"

bool cli_order_is_name(const char *text)
{
    const char *slash = strrchr(text, '/');
    char handle[LIMIT_HANDLE_SIZE + 1];
    size_t size = slash ? (size_t)(slash - text) : 0, digits;

    if (!size || size >= sizeof handle)
        return false;
    memcpy(handle, text, size);
    handle[size] = '\0';
    digits = strspn(slash + 1, "0123456789");
    return digits > 0 && !slash[1 + digits] && card_handle_is_valid(handle);
}

int cli_order_check(const struct cli_command *command, char *const argv[2], struct error *error)
{
    if (cli_order_is_name(argv[0]) || !cli_order_is_name(argv[1]))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE, "the name stands first: caravan %s %.80s %.200s",
                     command->name, argv[1], argv[0]);
}
