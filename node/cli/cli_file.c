#include "node/cli/cli_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config/home.h"

#define STDIN_MAX ((size_t)64 << 20)

int cli_file_open(const char *path, struct cli_file *file, struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    int descriptor =
        standard
            ? -1
            : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* not wait for a FIFO */
    struct stat info;
    int code = ERROR_NONE;

    memset(file, 0, sizeof *file);
    if (standard) {
        code = home_read_stream(STDIN_FILENO, "standard input", STDIN_MAX, &file->text, error);
        file->bytes = buffer_span(&file->text);
        return code;
    }
    if (descriptor < 0)
        return error_errno(error, "open", path);
    if (fstat(descriptor, &info) != 0) {
        code = error_errno(error, "look at", path);
    } else if (!S_ISREG(info.st_mode)) {
        code = error_set(error, ERROR_INVALID, "%s is no plain file", path);
    } else if (info.st_size > 0) {
        file->map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (file->map == MAP_FAILED) {
            file->map = NULL;
            code = error_errno(error, "read", path);
        } else {
            file->bytes = span_of(file->map, (size_t)info.st_size);
        }
    }
    close(descriptor);
    return code;
}

void cli_file_close(struct cli_file *file)
{
    if (file->map)
        munmap(file->map, file->bytes.size);
    buffer_finish(&file->text);
    memset(file, 0, sizeof *file);
}

int cli_output_open(const char *path, struct cli_output *output, struct error *error)
{
    memset(output, 0, sizeof *output);
    output->descriptor = -1;
    if (strcmp(path, "-") == 0) {
        output->to_stdout = true;
        output->descriptor = STDOUT_FILENO;
        return ERROR_NONE;
    }
    if (access(path, F_OK) == 0)
        return error_set(error, ERROR_EXISTS,
                         "%s is there already; choose another name, or remove it first", path);
    if (strlen(path) >= sizeof output->path)
        return error_set(error, ERROR_INVALID, "the path %.60s… is too long", path);
    strcpy(output->path, path);
    snprintf(output->temporary, sizeof output->temporary, "%s.new-XXXXXX", path);
    output->descriptor = mkostemp(output->temporary, O_CLOEXEC);
    return output->descriptor < 0 ? error_errno(error, "write", path) : ERROR_NONE;
}

int cli_output_write(struct cli_output *output, struct span bytes, struct error *error)
{
    while (bytes.size > 0) {
        ssize_t done = write(output->descriptor, bytes.data, bytes.size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_errno(error, "write",
                               output->to_stdout ? "standard output" : output->path);
        bytes.data += done;
        bytes.size -= (size_t)done;
    }
    return ERROR_NONE;
}

int cli_output_finish(struct cli_output *output, struct error *error)
{
    int code = ERROR_NONE;

    if (output->to_stdout)
        return ERROR_NONE;
    if (fsync(output->descriptor) != 0)
        code = error_errno(error, "write", output->path);
    /* link, not rename: a file that has come meanwhile is not replaced. */
    if (!code && link(output->temporary, output->path) != 0)
        code = errno == EEXIST
                   ? error_set(error, ERROR_EXISTS, "%s has come meanwhile", output->path)
                   : error_errno(error, "write", output->path);
    cli_output_abandon(output);
    return code;
}

void cli_output_abandon(struct cli_output *output)
{
    if (output->descriptor >= 0 && !output->to_stdout) {
        close(output->descriptor);
        unlink(output->temporary);
    }
    output->descriptor = -1;
}
