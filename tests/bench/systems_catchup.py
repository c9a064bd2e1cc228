"""Catch-up between two nodes: a hub that holds the entries of many feeds, and an empty node with the
same cards.

The time runs from the moment in which the receiver's log says that the link to the hub is up (it
then greets, asks for heads and pulls) until its ledger, read from outside, has every head of the
hub's, committed. Before it are the start of the process and the handshake, which do not grow with
the number of entries; `from_start_s` has them in it."""

from caravan_node import compare, make_hub, make_receiver
from frame import CARAVAN, Promises, quotient, system

PROMISES = Promises(encrypted="yes", signed="yes, verified", on_disk="synced")


def catch_up(round_, hub, receiver):
    """Starts both, waits until the receiver has all. Returns what was counted; both run on."""
    hub.start().wait_started()
    before = hub.process.cpu_seconds()
    receiver.start()
    done = round_.program("drive_catchup", hub.home, receiver.home, "--timeout",
                          round_.measure.seconds)["info"]
    cpu = {"hub": hub.process.cpu_seconds() - before, "receiver": receiver.process.cpu_seconds()}
    from_start = (done["done_ns"] - receiver.started_ns) / 1e9
    seconds = from_start - receiver.logged_after("link.up .*sync")
    return {"entries": done["entries"], "seconds": seconds, "from_start_s": from_start,
            "from_first_commit_s": (done["done_ns"] - done["first_ns"]) / 1e9,
            "hub_cpu_us": cpu["hub"] / done["entries"] * 1e6,
            "receiver_cpu_us": cpu["receiver"] / done["entries"] * 1e6}


def measure(round_, run):
    entries = round_.size("entries")
    hub, made = make_hub(round_, entries, round_.size("feeds"), run=run)
    receiver = make_receiver(round_, hub)
    info = catch_up(round_, hub, receiver)
    receiver.stop()
    hub.stop()
    result = compare(hub, receiver)
    result["checks"]["made"] = [made["entries"], entries]
    result["values"] = {"rate": quotient(info["entries"], info["seconds"]),
                        "cpu_us": info["hub_cpu_us"] + info["receiver_cpu_us"]}
    result["info"] = {**made, **info, "hub_ledger_ratio": hub.ledger_bytes() / made["content_bytes"]}
    return result


@system(("catchup", "catchup-real"), "caravan", "Caravan", CARAVAN, PROMISES)
def caravan(round_):
    return measure(round_, 256)


@system("catchup-signed", "caravan", "Caravan", CARAVAN, PROMISES)
def signed(round_):
    result = measure(round_, 1)
    result["values"]["ledger_ratio"] = result["info"]["hub_ledger_ratio"]
    return result
