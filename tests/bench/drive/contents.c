#include "tests/bench/drive/contents.h"

#include <stdlib.h>

#include "common/limits.h"
#include "node/config/home.h"

#define FILE_LIMIT ((size_t)16 * 1024 * 1024)
#define LENGTH_SIZE 4

static bool add(struct contents *contents, struct span item)
{
    struct span *grown = realloc(contents->items, (contents->count + 1) * sizeof *grown);

    if (!grown)
        return false;
    contents->items = grown;
    grown[contents->count++] = item;
    return true;
}

static int cut(struct contents *contents, struct error *error)
{
    struct span rest = buffer_span(&contents->file);

    while (rest.size > LENGTH_SIZE) {
        size_t size = 0;

        for (size_t i = 0; i < LENGTH_SIZE; i++)
            size |= (size_t)rest.data[i] << (8 * i);
        if (size > rest.size - LENGTH_SIZE || size > LIMIT_CONTENT_SIZE)
            break;
        if (!add(contents, span_of(rest.data + LENGTH_SIZE, size)))
            return error_memory(error);
        rest = span_of(rest.data + LENGTH_SIZE + size, rest.size - LENGTH_SIZE - size);
    }
    return rest.size == 0 && contents->count > 0
               ? ERROR_NONE
               : error_set(error, ERROR_INVALID, "found %zu contents and %zu bytes more",
                           contents->count, rest.size);
}

int contents_read(const char *path, struct contents *out, struct error *error)
{
    int code;

    *out = (struct contents){0};
    code = home_read(path, FILE_LIMIT, &out->file, error);
    if (!code) {
        code = cut(out, error);
        if (code)
            error_prefix(error, "%s", path);
    }
    if (code)
        contents_finish(out);
    return code;
}

void contents_finish(struct contents *contents)
{
    buffer_finish(&contents->file);
    free(contents->items);
    *contents = (struct contents){0};
}

struct span contents_get(const struct contents *contents, uint64_t number)
{
    return contents->items[number % contents->count];
}
