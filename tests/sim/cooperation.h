/* cooperation: joint calls, sealed ones among them, between nodes that lose, cut and reorder. It
 * publishes at random, and keeps what was meant by each thing, from which cooperation_model tells
 * what everybody should see. What must go well, and does not, fails the test. */
#ifndef TESTS_SIM_COOPERATION_H
#define TESTS_SIM_COOPERATION_H

#include "tests/sim/network.h"
#include "tests/support/sealed.h"

#define COOPERATION_ACTS 256 /* at most */

/* 0 leads the calls; 1 is the relay between all, and no side; 2 is the other side; 3 answers; 4 is
 * let in later. */
enum {
    COOPERATION_LEAD,
    COOPERATION_RELAY,
    COOPERATION_SIDE,
    COOPERATION_READER,
    COOPERATION_LATER,
    COOPERATION_NODES
};
#define COOPERATION_EVERYBODY ((1u << COOPERATION_NODES) - 1)

/* Something that was published, as it was meant. */
struct cooperation_act {
    unsigned node;
    uint64_t seq;
    uint32_t type; /* the true one */
    unsigned readers;
    struct id hash;
    uint64_t target;  /* of a change or Reader: in its own feed */
    unsigned call_by; /* of a voice or answer: whose announcement … */
    uint64_t call;    /* … and which */
    struct id names; /* of a confirmation: the revision that was seen; of a refusal: the proposal */
    bool declined;
    unsigned day; /* of the side's deadline: of an announcement, a revision, a proposal */
    char title[32];
};

struct cooperation {
    struct network network;
    struct sealed_eyes eyes[COOPERATION_NODES]; /* as a node's reader has them, from its start on */
    struct view *writers[COOPERATION_NODES];
    struct cooperation_act acts[COOPERATION_ACTS];
    size_t count;
    struct arena arena;
    struct error error;
    uint64_t random;
};

/* All know all; only the relay is dialled, and hands on what it cannot read. Each has published a
 * profile, cn-node0 … */
void cooperation_begin(struct cooperation *world, uint64_t seed);
void cooperation_end(struct cooperation *world);
/* The next number drawn, below another one. */
unsigned cooperation_draw(struct cooperation *world, unsigned below);

/* Somebody does something, drawn at random: one of what follows, for instance. What the node
 * refuses, or cannot do now, has not been done. */
void cooperation_act(struct cooperation *world);
void cooperation_announce(struct cooperation *world, bool sealed);
/* take_over: with the terms that the side has proposed, if it has. */
void cooperation_revise(struct cooperation *world, const struct cooperation_act *call,
                        bool take_over);
void cooperation_confirm(struct cooperation *world, const struct cooperation_act *call,
                         bool declined);
void cooperation_answer(struct cooperation *world, unsigned node,
                        const struct cooperation_act *call);
/* Lets the later one read what first published a call, and what is in force. */
void cooperation_share(struct cooperation *world, const struct cooperation_act *call);

/* Cuts or mends a link, lets time pass, looks with some eyes: whatever was seen before must not
 * matter. */
void cooperation_disturb(struct cooperation *world);
void cooperation_restart(struct cooperation *world, unsigned node);
/* All is mended, and everybody has everything. */
void cooperation_settle(struct cooperation *world);

#endif
