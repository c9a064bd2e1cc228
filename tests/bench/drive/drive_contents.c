/* drive_contents: writes the contents that every system moves: for each a length (4 bytes, least
 * first) and the packed announcement.
 *
 * usage: drive_contents FILE SIZE              a thousand announcements of exactly SIZE bytes
 *        drive_contents FILE NOTICE.yaml...    these notices, as `caravan publish` packs them */
#include "common/announcement.h"
#include "common/arena.h"
#include "common/codec.h"
#include "common/limits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 1000

static const struct moment_date today = {2026, 11, 23};

/* Reads, checks and packs one announcement as `publish` does. Returns false and says why. */
static bool pack(const char *name, struct span yaml, struct buffer *out)
{
    struct problem_list problems = {0};
    struct buffer text = {0};
    struct arena arena;
    Caravan__Announcement *announcement = NULL;
    bool ok;

    arena_init(&arena, LIMIT_ARENA_SIZE);
    ok = !announcement_read(yaml, &today, &arena, &announcement, NULL, &problems) &&
         codec_pack(&announcement->base, out);
    if (!ok) {
        problem_list_print(&problems, name, &text);
        fprintf(stderr, "drive_contents: %s cannot be packed\n%s", name, buffer_text(&text));
    }
    buffer_finish(&text);
    problem_list_finish(&problems);
    arena_finish(&arena);
    return ok;
}

/* Announcement `number` of the samples: no two are equal, and they concern different countries. Its
 * summary has so many characters. */
static bool pack_sample(unsigned number, size_t letters, struct buffer *out)
{
    static const char words[] = "Researchers of both institutes meet and plan joint work. ";
    static const char *const countries[] = {"TH", "RU", "ZA", "LK", "KZ", "PK", "MY", "EG"};
    struct buffer yaml = {0};
    char head[256];
    bool ok;

    snprintf(head, sizeof head,
             "kind: visit\nlanguage: en\nnature: sample\n"
             "title: A week in the joint laboratory, %04u\n"
             "parties: [{name: An institute, country: CN}]\ncountries: [%s]\nsummary: \"",
             number, countries[number % (sizeof countries / sizeof countries[0])]);
    ok = buffer_append_text(&yaml, head);
    for (size_t i = 0; ok && i < letters; i++)
        ok = buffer_append(&yaml, &words[i % (sizeof words - 1)], 1);
    /* A text does not end in a space. */
    if (ok && letters && yaml.data[yaml.size - 1] == ' ')
        yaml.data[yaml.size - 1] = '.';
    ok = ok && buffer_append_text(&yaml, "\"\n") && pack("sample", buffer_span(&yaml), out);
    buffer_finish(&yaml);
    return ok;
}

static bool write_one(FILE *file, const struct buffer *content)
{
    uint8_t length[4];

    for (int i = 0; i < 4; i++)
        length[i] = (uint8_t)(content->size >> (8 * i));
    return fwrite(length, 1, sizeof length, file) == sizeof length &&
           fwrite(content->data, 1, content->size, file) == content->size;
}

/* *letters: of the one before; it comes near. */
static bool write_sized(FILE *file, unsigned number, size_t size, size_t *letters)
{
    struct buffer content = {0};
    bool ok = false;

    for (int tries = 0; tries < 4; tries++) { /* the length fields grow with the text */
        buffer_clear(&content);
        if (!pack_sample(number, *letters, &content) || content.size == size)
            break;
        *letters += size - content.size;
    }
    if (content.size == size)
        ok = write_one(file, &content);
    else
        fprintf(stderr, "drive_contents: found no announcement of %zu bytes\n", size);
    buffer_finish(&content);
    return ok;
}

static bool write_samples(FILE *file, size_t size)
{
    size_t letters = size / 2;
    bool ok = true;

    for (unsigned number = 0; ok && number < SAMPLES; number++)
        ok = write_sized(file, number, size, &letters);
    return ok;
}

static bool write_notice(FILE *file, const char *path)
{
    static char text[LIMIT_YAML_SIZE];
    struct buffer content = {0};
    FILE *notice = fopen(path, "rb");
    size_t size = 0;
    bool ok;

    if (notice) {
        size = fread(text, 1, sizeof text, notice);
        fclose(notice);
    }
    ok = size > 0 && pack(path, span_of(text, size), &content) && write_one(file, &content);
    if (!size)
        fprintf(stderr, "drive_contents: cannot read %s\n", path);
    buffer_finish(&content);
    return ok;
}

int main(int argc, char **argv)
{
    FILE *file = argc >= 3 ? fopen(argv[1], "wb") : NULL;
    bool ok = file != NULL;

    if (argc < 3) {
        fputs("usage: drive_contents FILE SIZE | NOTICE.yaml...\n", stderr);
        return 2;
    }
    if (ok && argc == 3 && isdigit((unsigned char)argv[2][0]))
        ok = write_samples(file, strtoul(argv[2], NULL, 10));
    else
        for (int i = 2; ok && i < argc; i++)
            ok = write_notice(file, argv[i]);
    if (file && fclose(file) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "drive_contents: cannot write %s\n", argv[1]);
    return ok ? 0 : 1;
}
