"""Two partners: one publishes through one client of its node, the other's node holds what it gets.

burst: from the first publish request that the client sends until the partner's ledger, read from
outside, has the last announcement, committed. The client sends as many requests at a time as its
library allows; every answer says on which number the announcement stands in the publisher's own
ledger, on disk.

latency: from the moment in which an announcement was due to be published until a client that follows
the partner's node has it (drive_latency.c)."""

from caravan_node import Node, compare, partners
from frame import CARAVAN, Promises, system

PROMISES = Promises(encrypted="yes", signed="yes, verified", on_disk="synced")


def start_pair(publisher, partner):
    """Starts both and waits until each holds what the other has said of itself."""
    for node in (publisher, partner):
        node.start()
    for node, other in ((publisher, partner), (partner, publisher)):
        node.wait_open()
        node.wait_status(lambda s: holds(s, other.handle), "holds " + other.handle)


def holds(status, handle):
    """Certificate, profile and endpoints of the partner, over a link that works."""
    return any(p.get("handle") == handle and p.get("exchanging") and int(p.get("seq", 0)) >= 3
               for p in status.get("partners", []))


def make_pair(round_):
    publisher, partner = Node(round_, "cn-publisher").init(), Node(round_, "th-partner").init()
    partners(publisher, partner)
    return publisher, partner


def drive(round_, publisher, partner, program, number, *arguments):
    """Runs the program between the two; adds what their processes have used, an announcement."""
    before = [node.process.cpu_seconds() for node in (publisher, partner)]
    result = round_.program(program, publisher.home, partner.home, round_.contents, *arguments)
    for node, cpu, name in zip((publisher, partner), before, ("publisher", "partner")):
        result["info"][name + "_cpu_us"] = (node.process.cpu_seconds() - cpu) / number * 1e6
    return result


def stop_pair(publisher, partner, result):
    """Stops both; their ledgers must be equal."""
    for node in (publisher, partner):
        node.stop()
    result["checks"].update(compare(publisher, partner)["checks"])
    return result


@system(("burst", "burst-real"), "caravan", "Caravan", CARAVAN, PROMISES)
def burst(round_):
    count = round_.size("entries")
    pair = make_pair(round_)
    start_pair(*pair)
    result = drive(round_, *pair, "drive_burst", count, "--count", count)
    result["values"]["cpu_us"] = sum(result["info"][name + "_cpu_us"]
                                     for name in ("publisher", "partner", "client"))
    return stop_pair(*pair, result)


@system(("latency", "latency-real"), "caravan", "Caravan", CARAVAN, PROMISES)
def latency(round_):
    rate, seconds = round_.size("rate"), round_.size("seconds")
    pair = make_pair(round_)
    start_pair(*pair)
    result = drive(round_, *pair, "drive_latency", rate * seconds, "--rate", rate, "--seconds",
                   seconds)
    return stop_pair(*pair, result)
