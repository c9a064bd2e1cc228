/* drive_ready HOME LIVE-PORT SYNC-PORT: waits until the node of this home, which was just started,
 * answers on its control link and accepts connections on both ports. Prints when all three were
 * true for the first time, on the monotonic clock. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/drive/drive.h"
#include "tests/bench/drive/party.h"

#define DEADLINE_NS (120 * (uint64_t)1000000000)
#define PAUSE_NS 300000 /* nobody tells when a port is opened */

static bool accepts(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepted =
        probe >= 0 && connect(probe, (const struct sockaddr *)&address, sizeof address) == 0;

    if (probe >= 0)
        close(probe);
    return accepted;
}

static bool answers(const char *home, struct error *error)
{
    struct party party = {0};
    bool answered = party_open(home, &party, error) == ERROR_NONE;

    party_finish(&party);
    return answered;
}

int main(int argc, char **argv)
{
    const struct drive_option options[] = {{NULL, NULL, NULL}};
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    const char *arguments[3];
    struct error error = {0};
    uint64_t deadline = drive_now() + DEADLINE_NS;
    int code = drive_start(argc, argv, options, arguments, 3, &error);

    while (!code) {
        if (accepts(arguments[1]) && accepts(arguments[2]) && answers(arguments[0], &error))
            break;
        if (drive_now() > deadline)
            code = error_set(&error, ERROR_TIMEOUT, "%s did not become ready", arguments[0]);
        nanosleep(&pause, NULL);
    }
    if (!code)
        printf("{\"info\": {\"ready_ns\": %" PRIu64 "}}\n", drive_now());
    return drive_end(argv[0], code, &error);
}
