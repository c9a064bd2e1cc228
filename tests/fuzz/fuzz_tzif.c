/* Time zone files come from the system, but ZONEINFO may name any folder. */
#include "common/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t moments[] = {INT64_MIN,  -2147483648, 0,        1000,
                                      1715788800, 4102444800,  INT64_MAX};
    struct zone *zone = NULL;

    if (zone_create(data, size, &zone, NULL))
        return 0;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        int32_t offset = zone_offset_of(zone, moments[i]);

        if (offset <= -26 * 3600 || offset >= 26 * 3600)
            abort();
    }
    zone_destroy(zone);
    return 0;
}
