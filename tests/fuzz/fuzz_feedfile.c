/* An exported feed. */
#include "common/feedfile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0};
    struct feedfile file;
    int code = feedfile_open(&file, span_of(data, size), NULL, &error);

    if (!code)
        code = feedfile_verify(&file, &error);
    if (code ? !error.text[0] : (file.head.seq == 0 || file.at != size))
        abort();
    feedfile_finish(&file);
    return 0;
}
