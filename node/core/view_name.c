/* Names of institutions and announcements, as people type them. */
#include "node/core/view_parts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *view_handle(const struct view *view, const struct id *feed)
{
    const struct view_feed *found = view_index_feed(&view->index, feed);

    return found ? found->handle : "";
}

void view_name(const struct view *view, const struct id *feed, uint64_t seq,
               char out[VIEW_NAME_SIZE])
{
    const char *handle = view_handle(view, feed);
    char hex[17];

    bytes_to_hex(feed->bytes, 8, hex);
    snprintf(out, VIEW_NAME_SIZE, "%s/%" PRIu64, *handle ? handle : hex, seq);
}

/* Hex digits or a fingerprint's digits, without spaces; "" when it is neither. */
static void squeeze(const char *name, char out[2 * BYTES_ID_SIZE + 1])
{
    size_t size = 0;

    for (; *name; name++) {
        if (*name == ' ')
            continue;
        if (!isxdigit((unsigned char)*name) || size == 2 * BYTES_ID_SIZE) {
            size = 0;
            break;
        }
        out[size++] = (char)tolower((unsigned char)*name);
    }
    out[size] = '\0';
}

static bool is_called(const struct view_feed *feed, const char *name, const char *digits)
{
    char text[2 * BYTES_ID_SIZE + 1];
    char fingerprint[IDENTITY_FINGERPRINT_SIZE];

    if (feed->handle[0] && strcasecmp(feed->handle, name) == 0)
        return true;
    if (strlen(digits) < 8)
        return false;
    bytes_to_hex(feed->id.bytes, sizeof feed->id.bytes, text);
    if (strncmp(text, digits, strlen(digits)) == 0)
        return true;
    identity_fingerprint(&feed->id, fingerprint);
    squeeze(fingerprint, text);
    return strcmp(text, digits) == 0;
}

static int ambiguous(const char *name, const struct id *a, const struct id *b, struct error *error)
{
    char first[IDENTITY_FINGERPRINT_SIZE], second[IDENTITY_FINGERPRINT_SIZE];
    char hex_a[17], hex_b[17];

    identity_fingerprint(a, first);
    identity_fingerprint(b, second);
    bytes_to_hex(a->bytes, 8, hex_a);
    bytes_to_hex(b->bytes, 8, hex_b);
    return error_set(error, ERROR_EXISTS,
                     "two institutions are called %.40s: fingerprint %s (write %s) and fingerprint "
                     "%s (write %s); ask them by telephone which is which",
                     name, first, hex_a, second, hex_b);
}

int view_resolve(const struct view *view, const char *name, struct id *feed, struct error *error)
{
    const struct view_feed *found = NULL;
    char digits[2 * BYTES_ID_SIZE + 1];

    squeeze(name, digits);
    for (size_t i = 0; i < view->index.feed_count; i++) {
        const struct view_feed *candidate = view->index.feeds[i];

        if (!candidate->seen || !is_called(candidate, name, digits))
            continue;
        if (found)
            return ambiguous(name, &found->id, &candidate->id, error);
        found = candidate;
    }
    if (!found)
        return error_set(error, ERROR_NOT_FOUND,
                         "no institution is known as \"%.80s\"; expected a handle like "
                         "th-nstda, or a fingerprint; caravan status lists those that are known",
                         name);
    *feed = found->id;
    return ERROR_NONE;
}

int view_resolve_name(const struct view *view, const char *name, struct id *feed, uint64_t *seq,
                      struct error *error)
{
    const char *slash = strrchr(name, '/');
    char institution[96];
    char *end;
    uint64_t number;

    if (!slash || slash == name || (size_t)(slash - name) >= sizeof institution || slash[1] < '1' ||
        slash[1] > '9' || strlen(slash + 1) > 18)
        goto invalid;
    number = strtoull(slash + 1, &end, 10);
    if (*end)
        goto invalid;
    memcpy(institution, name, (size_t)(slash - name));
    institution[slash - name] = '\0';
    *seq = number;
    return view_resolve(view, institution, feed, error);
invalid:
    return error_set(error, ERROR_INVALID,
                     "\"%.80s\" is no name of an announcement; expected institution/number, like "
                     "th-nstda/42",
                     name);
}
