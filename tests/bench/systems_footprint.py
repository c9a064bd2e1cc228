"""What a node takes: memory, time to start, room on the disk.

Memory is resident memory as the kernel counts it (VmRSS, shared pages of libraries and of files
with it); what is the process's own (RssAnon) stands beside it in the JSON file. `entries_mib` is the
most that one of the two nodes of a catch-up ever had (VmHWM), up to one of these moments: the
receiver when it has all entries, the hub that has sent them, the receiver 5 s after it was started
again, and after its client has asked for list, show and status.

`start_s` runs from the start of the process until the node answers on its control link and accepts
connections on both ports; the median of several starts, with the file in the page cache.

`ledger_ratio` compares the receiver's ledger, when the node has stopped and the write-ahead log is
empty, with the bytes of the contents in it."""

import statistics
import time

from caravan_node import Node, compare, make_hub, make_receiver
from frame import CARAVAN, Promises, system
from process import BenchError
from systems_catchup import catch_up

MIB = 2**20
STARTS = 3
FEEDS = 50
SETTLED = 5  # seconds: what is done in the background after a start is done by then

# Functions of a round that return a further part of the result, as systems do.
parts = []


def part(run):
    """Registers a part of the measure that stands in another file."""
    parts.append(run)
    return run


@part
def idle(round_):
    node = Node(round_, "cn-idle").init()
    node.start().wait_open()
    memory = node.memory()
    node.stop()
    return {"values": {"idle_mib": memory["VmRSS"] / MIB},
            "info": {"idle": memory}}


def ask(node):
    """What people ask of a node that holds much."""
    newest = node.json("list", "--limit", "100")["items"]
    if len(newest) != 100:
        raise BenchError("list gave %d of 100" % len(newest))
    node.client("show", newest[-1]["name"])
    node.client("list", "--kind", "visit", "--country", "TH")
    return node.status()


def start_again(node):
    """Seconds until it is ready; it runs on."""
    node.start()
    live, sync = (endpoint.rpartition(":")[2] for endpoint in node.endpoints)
    ready = node.round.program("drive_ready", node.home, live, sync)["info"]["ready_ns"]
    return (ready - node.started_ns) / 1e9


def restart(round_, receiver, memory):
    starts = [start_again(receiver)]
    if not round_.quick:
        time.sleep(SETTLED)  # the measure says when
    memory["started"] = receiver.memory()
    ask(receiver)
    memory["asked"] = receiver.memory()
    for _ in range(1 if round_.quick else STARTS - 1):
        receiver.stop()
        starts.append(start_again(receiver))
    receiver.stop()
    return starts


@part
def entries(round_):
    feeds = 5 if round_.quick else FEEDS
    hub, made = make_hub(round_, round_.size("entries"), feeds)
    receiver = make_receiver(round_, hub)
    catch_up(round_, hub, receiver)
    memory = {"hub": hub.memory(), "receiver": receiver.memory()}
    receiver.stop()
    hub.stop()
    ledger = receiver.ledger_bytes()
    result = compare(hub, receiver)
    content = result["info"]["content_bytes"]
    starts = restart(round_, receiver, memory)
    result["checks"]["made"] = [made["entries"], round_.size("entries")]
    result["values"] = {"entries_mib": max(m["VmHWM"] for m in memory.values()) / MIB,
                        "start_s": statistics.median(starts), "ledger_ratio": ledger / content}
    result["info"] = {**made, "memory": memory, "starts_s": starts, "ledger_bytes": ledger,
                      "ledger_bytes_an_entry": ledger / made["entries"]}
    return result


@system("footprint", "caravan", "Caravan", CARAVAN,
        Promises(encrypted="yes", signed="yes, verified", on_disk="synced"))
def caravan(round_):
    whole = {"values": {}, "checks": {}, "info": {}}
    for run in parts:
        result = run(round_)
        for name, found in result.items():
            whole[name].update(found)
    return whole
