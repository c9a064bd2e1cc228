"""The others' latency beside partners that misbehave: a hub, light partners in one process (crowd.h)
that check every entry, one real node among the hub's partners that is killed or stopped, and one
program that floods the hub with requests and garbage as fast as its connection takes them
(drive_flood.c).

Windows of calm and disturbance take turns in one run, so that both see the same machine; a partner
can be killed only once, so there the second half is disturbed. The change of the windows' 99th
percentiles, of their medians, is what is compared. The flood runs only while the processors have
nothing better to do: a real one comes from a machine of its own. Memory is the most that the hub ever had in these runs."""

import re
import signal

from caravan_node import Node, partners
from frame import CARAVAN, Promises, system
from systems_footprint import MIB

WINDOWS = 20


def peak(node):
    """The most resident memory that its process ever had, in bytes."""
    with open("/proc/%d/status" % node.process.pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024


def measure(round_, hub, pid, known, calm, disturb, once=False):
    """One run; the program's result with the change in percent."""
    windows = 2 if round_.quick else WINDOWS
    result = round_.program(
        "drive_disturbed", hub.home, round_.contents, *hub.endpoints, "--pid", pid, "--calm",
        int(calm), "--disturb", int(disturb), "--once", int(once), "--partners", round_.size("partners") - 1, "--known",
        known, "--windows", windows, "--window-ms", round_.size("seconds") * 1000 // windows)
    info = result["info"]
    info["percent"] = (info["disturbed_p99_ms"] / info["calm_p99_ms"] - 1) * 100 \
        if info["calm_p99_ms"] else 0.0
    return result


def beside_a_node(round_, name, calm, disturb, once=False):
    """With a real node as the last partner, which gets the signals."""
    hub, node = Node(round_, "cn-" + name).init(), Node(round_, "ru-" + name).init()
    partners(hub, node)
    hub.start()
    node.start()
    hub.wait_open()
    node.wait_open()
    result = measure(round_, hub, node.process.pid, 1, calm, disturb, once)
    result["info"]["memory"] = peak(hub)
    hub.stop()
    round_.processes.end(node.process)
    return result


def dead(round_):
    return beside_a_node(round_, "dead", 0, signal.SIGKILL, once=True)


def slow(round_):
    return beside_a_node(round_, "slow", signal.SIGCONT, signal.SIGSTOP)


def hostile(round_):
    hub = Node(round_, "cn-hostile").init()
    hub.start().wait_open()
    flood = round_.start("chrt", "--idle", 0, round_.program_path("drive_flood"), hub.home,
                         round_.contents, hub.endpoints[1], log="flood.log")
    log = round_.folder / "flood.log"
    round_.wait(lambda: "flooding" in log.read_text(errors="replace"), "the flood begins")
    result = measure(round_, hub, flood.pid, 1, signal.SIGSTOP, signal.SIGCONT)
    round_.processes.end(flood, 60)
    result["info"].update(round_.parse("drive_flood", log.read_text())["info"],
                          memory=peak(hub))
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
