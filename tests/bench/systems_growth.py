"""How the cost of an entry grows with what a node holds: catch-up and latency with ever more entries
of ever more feeds.

A point is a catch-up of a new hub and an empty node, as in measure 1, and then announcements that
the hub publishes while a client follows the receiver, as in measure 3, in the same two processes:
both hold all entries, and have the cards of all feeds. A catch-up's cost an entry is the time from
the first commit that brought something to the last one, over the entries: the start of the process,
the links, the greetings and the first answer about heads are not in it, which do not grow with the
entries (`whole_us`, in the JSON file, runs from the link and has them in it). Small points are
repeated, and their median counts, because they are over in a moment. The growth is that of the
dearest point over the smallest one."""

import statistics

from caravan_node import compare, make_hub, make_receiver
from frame import CARAVAN, Promises, quotient, system
from systems_catchup import catch_up
from systems_exchange import drive

RATE, SECONDS = 500, 5
REPEAT_BELOW = 500_000  # entries
REPEATS = 3


def point(round_, entries, feeds, number):
    """One catch-up and one look at the latency behind it."""
    hub, made = make_hub(round_, entries, feeds, "cn-hub-%d" % number)
    receiver = make_receiver(round_, hub, "th-receiver-%d" % number)
    found = catch_up(round_, hub, receiver)
    hub.wait_open()
    seconds = 1 if round_.quick else SECONDS
    latency = drive(round_, hub, receiver, "drive_latency", RATE * seconds, "--rate", RATE,
                    "--seconds", seconds)
    receiver.stop()
    hub.stop()
    checks = {**compare(hub, receiver)["checks"], **latency["checks"],
              "made": [made["entries"], entries]}
    return {"entries": entries, "feeds": feeds,
            "catchup_us": found["from_first_commit_s"] / found["entries"] * 1e6,
            "whole_us": found["seconds"] / found["entries"] * 1e6,
            "cpu_us": found["hub_cpu_us"] + found["receiver_cpu_us"],
            "p50_ms": latency["values"]["p50_ms"], "p99_ms": latency["values"]["p99_ms"]}, checks


def repeated(round_, entries, feeds, number):
    """The point's medians, and the checks of all its repetitions."""
    repeats = REPEATS if entries < REPEAT_BELOW and not round_.quick else 1
    found, checks = [], {}
    for i in range(repeats):
        one, seen = point(round_, entries, feeds, 10 * number + i)
        found.append(one)
        checks.update({"%s at %d" % (name, entries): pair for name, pair in seen.items()
                       if repeats == 1 or pair[0] != pair[1] or i == 0})
    return {name: statistics.median(one[name] for one in found) for name in found[0]}, checks


@system("growth", "caravan", "Caravan", CARAVAN,
        Promises(encrypted="yes", signed="yes, verified", on_disk="synced"))
def caravan(round_):
    points, checks = [], {}
    for number, (entries, feeds) in enumerate(zip(round_.size("entries"), round_.size("feeds"))):
        found, seen = repeated(round_, entries, feeds, number)
        points.append(found)
        checks.update(seen)

    def growth(name):
        return quotient(max(point[name] for point in points), points[0][name])
    return {"values": {"catchup_growth": growth("catchup_us"), "latency_growth": growth("p50_ms")},
            "checks": checks, "info": {"points": points}}
