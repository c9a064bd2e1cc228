"""The others' latency beside partners that misbehave: a hub, and light partners in one process
(crowd.h) that check every entry. One more is a process of its own. It is killed; or it is stopped for
so long that the hub's queue for it is full and drops; or it floods the hub with requests and garbage
as fast as its connection takes them (drive_flood.c).

A flood can pause, so calm and disturbance take turns there, and both see the same machine. The other
two are disturbed in the second half. What is compared are the windows' 99th percentiles, the median
of the calm ones with the median of the disturbed ones; the worst window of each stands in the JSON
file. The one that is killed or stopped is as light as the others, so that its rest does not give the
hub a faster machine. The flood runs only while the processors have nothing better to do: a real one
comes from a machine of its own; how much of it came through is checked. Memory is the most that the
hub ever had in these runs."""

import signal

from caravan_node import Node
from frame import CARAVAN, Promises, system
from systems_footprint import MIB

WINDOW_MS = 1000
WARM = 5  # windows
RATE = 500  # announcements a second: 15 s of them are more than queue and socket buffers hold
FLOOD_A_SECOND = 1000  # messages that must have come through, or it was no flood


def measure(round_, hub, pid, calm, disturb, once):
    """One run beside one more partner, the process pid; the program's result with the change in
    percent, and the hub's memory."""
    windows = max(2, round_.size("seconds") * 1000 // WINDOW_MS)
    result = round_.program(
        "drive_disturbed", hub.home, round_.contents, *hub.endpoints, "--pid", pid, "--calm",
        int(calm), "--disturb", int(disturb), "--once", int(once), "--known", 1, "--rate", RATE,
        "--warm", 0 if round_.quick else WARM,
        "--partners", round_.size("partners") - 1, "--windows", windows, "--window-ms", WINDOW_MS)
    info = result["info"]
    result["checks"]["measured"] = [info["calm_p99_ms"] > 0 < info["disturbed_p99_ms"], True]
    info["percent"] = (info["disturbed_p99_ms"] / max(info["calm_p99_ms"], 1e-9) - 1) * 100
    info["memory"] = hub.memory()["VmHWM"]
    return result


def start_beside(round_, hub, program, endpoints, *before):
    """Starts the one more partner; returns its process, and a function that reads what it says."""
    log = round_.folder / (program + ".log")
    started = round_.start(*before, round_.program_path(program), hub.home, round_.contents,
                           *endpoints, log=log.name)

    def said():
        return log.read_text(errors="replace")
    return started, said


def beside_a_member(round_, name, disturb):
    """With a light partner in a process of its own, which gets the signal for the second half."""
    hub = Node(round_, "cn-" + name).init()
    hub.start().wait_open()
    member, said = start_beside(round_, hub, "drive_member", hub.endpoints)
    round_.wait(lambda: "connected" in said(), "the one more partner is connected")
    result = measure(round_, hub, member.pid, 0, disturb, True)
    result["checks"]["followed before"] = ["following" in said(), True]
    return hub, member, said, result


def dead(round_):
    hub, member, _, result = beside_a_member(round_, "dead", signal.SIGKILL)
    result["checks"]["dead"] = [member.alive(), False]
    round_.processes.end(member)
    hub.stop()
    return result


def slow(round_):
    hub, member, said, result = beside_a_member(round_, "slow", signal.SIGSTOP)
    round_.processes.end(member, 60)  # it goes on, reads what is left for it, and says what it has
    info = round_.parse("drive_member", said())["info"]
    info["missed"] = int(hub.status()["seq"]) - info["seq"]
    result["info"]["member"] = info
    result["checks"]["wrong at the slow one"] = [info["wrong"], 0]
    if not round_.quick:  # the hub's queue for it was full
        result["checks"]["was too slow"] = [info["missed"] > 0, True]
    hub.stop()
    return result


def hostile(round_):
    hub = Node(round_, "cn-hostile").init()
    hub.start().wait_open()
    flood, said = start_beside(round_, hub, "drive_flood", hub.endpoints[1:], "chrt", "--idle", 0)
    round_.wait(lambda: "flooding" in said(), "the flood begins")
    result = measure(round_, hub, flood.pid, signal.SIGSTOP, signal.SIGCONT, False)
    round_.processes.end(flood, 60)
    info = round_.parse("drive_flood", said())["info"]
    enough = FLOOD_A_SECOND * round_.size("seconds") / 2
    result["checks"]["flooded"] = [info["sent"] > enough and info["received"] > 0, True]
    result["info"].update(info)
    hub.stop()
    return result


@system("disturbed", "caravan", "Caravan", CARAVAN,
        Promises(encrypted="yes", signed="yes, verified", on_disk="synced"))
def caravan(round_):
    whole = {"values": {}, "checks": {}, "info": {}}
    for run in (dead, slow, hostile):
        result = run(round_)
        name = run.__name__
        whole["values"][name + "_percent"] = result["info"]["percent"]
        whole["checks"].update({name + "_" + check: found
                                for check, found in result["checks"].items()})
        whole["info"][name] = result["info"]
    whole["values"]["memory_mib"] = max(info["memory"] for info in whole["info"].values()) / MIB
    return whole
