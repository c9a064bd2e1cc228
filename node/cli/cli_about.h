/* cli_about: an entry that says something of an announcement, looked at by itself: a confirmation
 * or refusal, a proposal, an outcome, an answer.
 *
 * Threads: the client has one. */
#ifndef CLI_CLI_ABOUT_H
#define CLI_CLI_ABOUT_H

#include "common/arena.h"
#include "node/cli/client.h"
#include "proto/control.pb-c.h"

/* Everything lives in the arena that was handed in, or is borrowed from the item. */
struct cli_about {
    /* The entry as a voice (see cli_voice.h); voice.has_said is false when it is none, or cannot be
     * read: then nothing else is set. */
    Caravan__Item voice;
    const char *kind;     /* "answer", "proposal", "refusal", "declined", … */
    const char *label;    /* "Answers", "Refuses", …: in front of the name, 12 columns at most */
    const char *name;     /* handle/number of the announcement; of what is not here the id of its
                             feed instead of a handle; NULL: it names none */
    const char *title;    /* of the announcement; "": cannot be shown here */
    const char *proposal; /* of a refusal: handle/number of the proposal; else NULL */
    uint64_t revision;    /* of a confirmation or proposal: the step that it is for; 0: not known */
};

/* Asks the node for what it is about. Errors as client_call; that the announcement is not here is
 * none. */
int cli_about_find(struct client *client, const Caravan__Item *item, struct arena *arena,
                   struct cli_about *about, struct error *error);

/* One line for people: "Answers      th-demo/15: A way to …". */
void cli_about_print(const struct cli *cli, const struct cli_about *about);
/* Appends members of a JSON object: , "about": "th-demo/15", "said": {…}. Nothing when it is no
 * voice. false when memory runs out. */
bool cli_about_json(const struct cli_about *about, struct arena *arena, struct buffer *out);

#endif
