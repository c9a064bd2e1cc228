/* Dates and moments are typed by people and come in YAML and JSON. What is read must be written in
 * a form that reads the same again. */
#include "common/moment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_date(const char *text, size_t size)
{
    struct moment_date date, again;
    char out[MOMENT_DATE_SIZE];

    if (moment_date_from_text(text, size, &date, NULL))
        return;
    moment_date_to_text(&date, out);
    if (!moment_date_valid(&date) || moment_date_from_text(out, strlen(out), &again, NULL) ||
        moment_date_compare(&date, &again) != 0)
        abort();
}

static void check_instant(const char *text, size_t size)
{
    struct moment_instant instant, again;
    char out[MOMENT_INSTANT_SIZE];
    int64_t ms;

    if (moment_instant_from_text(text, size, &instant, NULL))
        return;
    moment_instant_to_text(&instant, out);
    if (moment_instant_from_text(out, strlen(out), &again, NULL) ||
        memcmp(&instant, &again, sizeof instant) != 0 || moment_instant_end_ms(&instant, &ms, NULL))
        abort();
}

static void check_machine_time(const char *text, size_t size)
{
    char out[MOMENT_RFC3339_SIZE];
    int64_t ms, again;

    if (moment_ms_from_rfc3339(text, size, &ms, NULL))
        return;
    moment_ms_to_rfc3339(ms, out);
    if (moment_ms_from_rfc3339(out, strlen(out), &again, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    check_date(text, size);
    check_instant(text, size);
    check_machine_time(text, size);
    return 0;
}
