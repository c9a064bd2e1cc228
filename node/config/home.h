/* home: the folder of one node, and how files in it are read and replaced.
 *
 *     node.yaml                      the configuration, for people to edit
 *     keys/root.key                  moved off the machine after init
 *     keys/recovery-paper.txt        to print, then to delete
 *     keys/{node,transport,sealing}.key; more while keys are rotated: node/config/keyfiles.h
 *     keys/certificates              Certificates message: all of our own
 *     keys/genesis                   SignedEntry of entry 1, fixed by init so that it never forks
 *     partners/<handle>.card         accepted cards; the node looks at the folder every second
 *     listeners/<name>.key           64 hex digits: a CURVE public key that may read live
 *     inbox.db                       what was read of the inbox
 *     ledger.db, ledger.token        the ledger and what tells that it was not copied
 *     run/control.sock, run/lock     while a node runs
 *
 * Every file is replaced whole (temporary file, fsync, rename, fsync of the folder), so that a
 * reader sees the old or the new one. Threads: no shared state. */
#ifndef CONFIG_HOME_H
#define CONFIG_HOME_H

#include <sys/types.h>

#include "common/bytes.h"
#include "common/error.h"

#define HOME_PATH_SIZE 1024

#define HOME_CONFIG "node.yaml"
#define HOME_KEYS "keys"
#define HOME_ROOT_KEY "keys/root.key"
#define HOME_NODE_KEY "keys/node.key"
#define HOME_TRANSPORT_KEY "keys/transport.key"
#define HOME_SEALING_KEY "keys/sealing.key"
#define HOME_CERTIFICATES "keys/certificates"
#define HOME_GENESIS "keys/genesis"
#define HOME_RECOVERY_PAPER "keys/recovery-paper.txt"
#define HOME_PARTNERS "partners"
#define HOME_CARD_SUFFIX ".card"
#define HOME_LISTENERS "listeners"
#define HOME_LISTENER_SUFFIX ".key"
#define HOME_LEDGER "ledger.db"
#define HOME_TOKEN "ledger.token"
#define HOME_RUN "run"
#define HOME_SOCKET "run/control.sock"
#define HOME_LOCK "run/lock"

/* home/name; ERROR_CONFIG when it is too long. */
int home_path(const char *home, const char *name, char out[HOME_PATH_SIZE], struct error *error);
/* home/folder/name+suffix: partners/th-demo.card. The name must be a plain file name. */
int home_path_in(const char *home, const char *folder, const char *name, const char *suffix,
                 char out[HOME_PATH_SIZE], struct error *error);

/* Appends a whole file of at most limit bytes. ERROR_NOT_FOUND, ERROR_TOO_LARGE, ERROR_IO;
 * ERROR_INVALID when it is no plain file: nothing is waited for. */
int home_read(const char *path, size_t limit, struct buffer *out, struct error *error);
/* The same from an open descriptor of any kind, waiting for it to end; name is for errors only. The
 * caller closes it. After an error out may hold a part. */
int home_read_stream(int file, const char *name, size_t limit, struct buffer *out,
                     struct error *error);
/* Replaces (or makes) a file with exactly these bytes and this mode. */
int home_write(const char *path, mode_t mode, struct span content, struct error *error);
/* Removes a file and syncs its folder; ERROR_NOT_FOUND when there is none. */
int home_remove(const char *path, struct error *error);
/* Makes a folder when it is missing; its mode is set when it is made. */
int home_make_folder(const char *path, mode_t mode, struct error *error);
int home_sync_folder(const char *path, struct error *error);

/* Names of the files of a folder that end in suffix, without it, sorted. A missing folder is empty.
 */
struct home_names {
    char **names;
    size_t count;
};
int home_list(const char *path, const char *suffix, struct home_names *out, struct error *error);
void home_names_finish(struct home_names *names);

/* Reads listeners/<name>.key; ERROR_INVALID when it is not 64 hex digits. */
int home_read_listener(const char *home, const char *name, struct id *key, struct error *error);

/* Only one process may write to a home: the node while it runs, or a command that needs the ledger
 * for itself. ERROR_BUSY says which process has it; ERROR_CONFIG when this is no home. The lock
 * ends with the process, too. */
int home_lock(const char *home, int *lock, struct error *error);
void home_unlock(int lock); /* -1 is fine */

#endif
