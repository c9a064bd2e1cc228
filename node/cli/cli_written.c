#include "node/cli/cli_written.h"

#include <inttypes.h>
#include <time.h>

#include "common/announcement.h"
#include "common/codec.h"
#include "node/cli/cli_audience.h"
#include "node/cli/cli_names.h"

static int check(const struct cli_found *found, struct error *error)
{
    size_t unknown = reflect_unknown(&found->announcement->base);

    if (unknown)
        return error_set(
            error, ERROR_INVALID,
            "%.80s has %zu field%s of a newer version of Caravan, which a file of this "
            "version cannot hold",
            found->item->name, unknown, unknown == 1 ? "" : "s");
    if (found->item->sealed && !found->item->n_audience)
        return error_set(error, ERROR_INVALID,
                         "%.80s is sealed, and it is not known here who may read it",
                         found->item->name);
    return ERROR_NONE;
}

static bool append_head(const Caravan__Item *item, struct buffer *out)
{
    bool ok = buffer_printf(out, "# %s as of No. %" PRIu64, item->name,
                            item->revised_by ? item->revised_by : item->seq);

    return ok && (item->own && !item->withdrawn
                      ? buffer_printf(
                            out, ". Change what is to be changed, then: caravan revise %s FILE\n",
                            item->name)
                      : buffer_append_text(out, item->withdrawn ? ", withdrawn\n" : "\n"));
}

/* Without it a sealed announcement would go to everybody when the file is published. */
static bool append_audience(const Caravan__Item *item, struct buffer *out)
{
    bool ok = true;

    if (!item->sealed)
        return true;
    for (size_t i = 0; i < item->n_audience && ok; i++)
        ok = buffer_printf(out, "%s%s", i ? ", " : CLI_AUDIENCE_KEY ": [", item->audience[i]);
    return ok && buffer_append_text(out, "]\n");
}

/* What publishing fills in is nobody's word, so it does not stand in a file. */
static void leave_out_filled(Caravan__Announcement *announcement)
{
    struct moment_civil now;

    moment_ms_to_civil((int64_t)time(NULL) * 1000, 0, &now);
    if (announcement_expiry_is_filled(announcement, &now.date))
        announcement->valid_until = NULL;
}

int cli_written(const struct cli *cli, const struct cli_found *found, struct buffer *out,
                struct error *error)
{
    Caravan__Announcement written;
    int code = check(found, error);

    if (!code && !(append_head(found->item, out) && append_audience(found->item, out)))
        code = error_memory(error);
    if (code)
        return code;
    written = *found->announcement;
    leave_out_filled(&written);
    return cli_names_write(cli, &written.base, NULL, out, error);
}
